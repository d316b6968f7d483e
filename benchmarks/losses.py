"""What each loss does to three classes of which one has 97 % of the pixels: an ablation on identical data.

Every network starts from the same weights and sees the same windows in the same order; only the loss differs, and in
the last row what takes the steps. The runs are short, so the figures say nothing about the shipped network.

    python benchmarks/losses.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from _table import add_write_option, markdown_table, publish

if TYPE_CHECKING:
    from napari_welllog.unet.training_settings import TrainingSettings

BATCH = 8
"""Windows in a batch; they are small."""


FIGURES = ["accuracy", "recall one", "recall two", "F1 one", "F1 two", "IoU one", "IoU two"]


def figures(settings: TrainingSettings) -> list[str]:
    """Train one small network and say how well it labels held-out windows."""
    from napari_welllog.unet.train import train

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        scores = train(Path(folder) / "weights.safetensors", settings)
    print(f"{settings.loss}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    both = [figure[k] for figure in (scores.recall, scores.f1, scores.iou) for k in (1, 2)]
    return [f"{scores.accuracy:.4f}", *(f"{figure:.3f}" for figure in both)]


def main() -> None:
    """Train one small network for each loss, and one by AdamW, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500, help="batches each network sees")
    parser.add_argument("--window", type=int, default=128, help="rows and columns of a window")
    parser.add_argument("--held-out", type=int, default=96, help="windows the scores are measured on")
    add_write_option(parser)
    options = parser.parse_args()
    from napari_welllog.unet.losses import DEFAULT_LOSS, LOSSES
    from napari_welllog.unet.training_settings import TrainingSettings

    window = options.window, options.window
    settings = TrainingSettings(
        steps=options.steps, window=window, tall_window=window, batch=BATCH, held_out=options.held_out
    )
    rows = [[name, *figures(replace(settings, loss=name)), loss.explanation] for name, loss in LOSSES.items()]
    by_adamw = figures(replace(settings, loss=DEFAULT_LOSS, optimiser="adamw"))
    rows.append([f"{DEFAULT_LOSS}, by AdamW", *by_adamw, "the same by the usual optimiser"])
    header = ["loss", *FIGURES, "what it does"]
    text = (
        f"{options.steps} batches of {BATCH} windows of {options.window} x {options.window} pixels each; scores on "
        f"{options.held_out} windows of held-out seeds.\n\n{markdown_table(header, rows)}"
    )
    publish("losses", text, options.write)


if __name__ == "__main__":
    main()
