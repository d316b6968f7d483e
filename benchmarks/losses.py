"""What each loss does to three classes of which one has 97 % of the pixels: an ablation on identical data.

Every network starts from the same weights and sees the same windows in the same order; only the loss differs.
The runs are short, so the figures compare losses and say nothing about the shipped network.

    python benchmarks/losses.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from _table import add_write_option, markdown_table, publish

BATCH = 8
"""Windows in a batch; they are small."""


def main() -> None:
    """Train one small run for each loss and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500, help="batches each network sees")
    parser.add_argument("--window", type=int, default=128, help="rows and columns of a window")
    parser.add_argument("--held-out", type=int, default=96, help="windows the scores are measured on")
    add_write_option(parser)
    options = parser.parse_args()
    from napari_welllog.unet.losses import LOSSES
    from napari_welllog.unet.train import TrainingSettings, train

    rows = []
    for loss in LOSSES.values():
        settings = TrainingSettings(
            steps=options.steps,
            window=(options.window, options.window),
            tall_window=(options.window, options.window),
            batch=BATCH,
            held_out=options.held_out,
            loss=loss.name,
        )
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            scores = train(Path(folder) / "weights.safetensors", settings)
        print(f"{loss.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
        rows.append(
            [
                loss.name,
                f"{scores.accuracy:.4f}",
                f"{scores.recall[1]:.3f}",
                f"{scores.recall[2]:.3f}",
                f"{scores.f1[1]:.3f}",
                f"{scores.f1[2]:.3f}",
                f"{scores.iou[1]:.3f}",
                f"{scores.iou[2]:.3f}",
                loss.explanation,
            ]
        )
    header = [
        "loss",
        "accuracy",
        "recall one",
        "recall two",
        "F1 one",
        "F1 two",
        "IoU one",
        "IoU two",
        "what it does",
    ]
    text = (
        f"{options.steps} batches of {BATCH} windows of {options.window} x {options.window} pixels each; scores on "
        f"{options.held_out} windows of held-out seeds.\n\n{markdown_table(header, rows)}"
    )
    publish("losses", text, options.write)


if __name__ == "__main__":
    main()
