"""The 97 % trap, three times: plain cross-entropy against the usual loss, on patches of the printing press.

Both networks of a pair start from the same weights and look at the same patch. What is published is what happened,
also where plain cross-entropy catches up.

    python benchmarks/trap.py --write docs/benchmarks.md --figure docs/images/trap-curves.png
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from _table import add_write_option, markdown_table, publish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from napari_welllog.unet.trap import Learner, TrapStatus

PATCHES = (0, 1, 2)

_COLOURS = {"plain": "#7a7a7a", "chosen": "#1f6fb4"}


@dataclass(frozen=True)
class Lesson:
    """One run of the trap: its patch, the share of background on it, and everything that was told.

    Parameters
    ----------
    patch : the seed of the patch.
    background : share of its pixels that are background.
    statuses : of both networks, from the start on.
    seconds : how long it took.
    """

    patch: int
    background: float
    statuses: Sequence[TrapStatus]
    seconds: float


def teach(patch: int, loss: str, steps: int) -> Lesson:
    """Run the trap on a patch."""
    from napari_welllog.unet.trap import run_trap, trap_patch

    pixels, labels = trap_patch(patch)
    began = time.perf_counter()
    statuses = list(run_trap(pixels, labels, loss, steps=steps))
    return Lesson(patch, float((labels == 0).mean()), statuses, time.perf_counter() - began)


def report(lessons: Sequence[Lesson], loss: str) -> str:
    """The table: each patch with both networks, when the curves are farthest apart and at the end."""
    from napari_welllog.unet.trap import FOUND, NEAR, caught_up_after, farthest_apart, found_after

    header = ["patch", "background", "loss", "half of the curves found from", "accuracy then", "recall then"]
    header += ["accuracy", "curve recall", "F1 one", "F1 two", "plain no worse from"]
    rows, moments = [], []
    for lesson in lessons:
        then, last = farthest_apart(lesson.statuses), lesson.statuses[-1]
        moments.append(f"{then.step} on patch {lesson.patch}")
        for which in ("plain", "chosen"):
            one, end = getattr(then, which), getattr(last, which)
            rows.append(
                [
                    str(lesson.patch),
                    f"{lesson.background:.1%}",
                    end.loss_name,
                    _batch(found_after(lesson.statuses, which)),
                    f"{one.accuracy:.3f}",
                    f"{one.curve_recall:.3f}",
                    *_figures(end),
                    _batch(caught_up_after(lesson.statuses)) if which == "plain" else "",
                ]
            )
    return (
        f"{lessons[0].statuses[-1].steps} batches, each the whole patch, on one thread. *Then* is the batch at which "
        f"the curve recalls of `cross-entropy` and `{loss}` lie farthest apart: {', '.join(moments)}. From a "
        f"batch on means to the end: half of the curves found is a curve recall of {FOUND:g}, no worse is at most "
        f"{NEAR:g} behind in curve recall.\n\n{markdown_table(header, rows)}"
    )


def _figures(learner: Learner) -> list[str]:
    """Accuracy, recall and both F1 of a network."""
    return [
        f"{learner.accuracy:.3f}",
        f"{learner.curve_recall:.3f}",
        *(f"{f1:.3f}" for f1 in learner.scores.f1[1:]),
    ]


def _batch(step: int | None) -> str:
    """A number of batches, or that it was never so."""
    return "never" if step is None else str(step)


def draw(lessons: Sequence[Lesson], path: Path) -> None:
    """Draw accuracy and curve recall of both networks as they learn, a column for each patch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(lessons), sharex=True, squeeze=False)
    for lesson, (above, below) in zip(lessons, panels.T, strict=True):
        above.set_title(f"patch {lesson.patch}", fontsize=10)
        above.axhline(lesson.background, color="#b0b0b0", lw=0.8, ls=":")
        _curves(above, lesson, "accuracy")
        _curves(below, lesson, "curve_recall")
        above.set_ylim(0.85, 1.005)
        below.set_ylim(-0.02, 1.02)
        below.set_xlabel("batches")
    panels[0, 0].set_ylabel("accuracy")
    panels[1, 0].set_ylabel("curve recall")
    panels[0, -1].legend(fontsize=8, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _curves(panel: Axes, lesson: Lesson, what: str) -> None:
    """Draw one figure of both networks over the batches."""
    steps = [status.step for status in lesson.statuses]
    for which, colour in _COLOURS.items():
        learners = [getattr(status, which) for status in lesson.statuses]
        values = [getattr(learner, what) for learner in learners]
        panel.plot(steps, values, color=colour, lw=1.5, label=learners[0].loss_name)
    panel.grid(color="#e4e4e4", lw=0.6)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1000, help="batches each network sees (default 1000)")
    parser.add_argument("--loss", help="the loss beside plain cross-entropy (default: the usual one)")
    parser.add_argument(
        "--figure", type=Path, default=Path("docs/images/trap-curves.png"), help="where the figure goes"
    )
    add_write_option(parser)
    options = parser.parse_args()
    import torch

    from napari_welllog.unet.losses import DEFAULT_LOSS

    torch.set_num_threads(1)  # more do not help networks as small as these
    loss = options.loss or DEFAULT_LOSS
    lessons = []
    for patch in PATCHES:
        lessons.append(teach(patch, loss, options.steps))
        print(f"patch {patch}: {lessons[-1].seconds:.0f} s", file=sys.stderr, flush=True)
    draw(lessons, options.figure)
    publish("trap", report(lessons, loss), options.write)


if __name__ == "__main__":
    main()
