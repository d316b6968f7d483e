"""The 97 % trap, for a lesson: two small networks learn side by side, one by plain cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_welllog.unet.loading import load_torch
from napari_welllog.unet.trap import (
    FOUND,
    STEPS,
    Learner,
    TrapStatus,
    caught_up_after,
    farthest_apart,
    found_after,
    run_trap,
    trap_patch,
)
from napari_welllog.widgets.controls import make_button
from napari_welllog.widgets.jobs import Job, JobBar
from napari_welllog.widgets.loss_choice import LossChoice

if TYPE_CHECKING:
    from napari_welllog.widgets.trap_plots import TrapPlots

ABOUT = (
    "About 97 % of a scan is background. Two small networks begin with the same weights and learn the same patch for "
    "about a minute: one by plain cross-entropy, in which every pixel counts alike, the other by the loss chosen "
    "here. Watch accuracy and curve recall. The training is real: whatever happens is shown."
)


@dataclass(frozen=True, eq=False)
class Patch:
    """A printed patch, and the class of each of its pixels."""

    seed: int
    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class TrapPanel(QWidget):
    """Train two small networks side by side, and show what each finds.

    Parameters
    ----------
    parent : the widget that it is part of.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps = STEPS
        self.seed = 0
        self.patch: Patch | None = None
        self.statuses: list[TrapStatus] = []
        self.plots: TrapPlots | None = None
        about = QLabel(ABOUT)
        about.setWordWrap(True)
        self.loss = LossChoice()
        self.bar = JobBar("Train both")
        self.bar.run_button.setToolTip("Train both networks on the patch, from the same weights")
        self.bar.cancel_button.setToolTip("Stop; what was drawn stays")
        self.another_button = make_button(
            "Another patch", "Print another patch; about 97 % of each is background", self.another_patch
        )
        self.story = QLabel()
        self.story.setWordWrap(True)
        self.story.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._layout = QVBoxLayout(self)
        for widget in (about, self.loss, self.bar, self.another_button, self.story):
            self._layout.addWidget(widget)
        self._layout.addStretch(1)
        self.bar.run_requested.connect(self.run)
        self.bar.finished.connect(self._tell_state)
        self.loss.loss.currentTextChanged.connect(self._name_loss)

    def showEvent(self, event: Any) -> None:
        """Show the first patch when somebody looks."""
        super().showEvent(event)
        if self.patch is None and not self.bar.is_running:
            self._print_patch()

    def another_patch(self) -> None:
        """Print another patch; what was learnt on the one before is forgotten."""
        if not self.bar.is_running:
            self.seed += 1
            self._print_patch()

    def run(self) -> None:
        """Train both networks on the patch."""
        name, parameters, steps, known, seed = (
            self.loss.name,
            self.loss.parameters,
            self.steps,
            self.patch,
            self.seed,
        )

        def work(job: Job) -> None:
            patch = known or _printed(job, seed)
            job.hand_over(patch)
            job.progress(0.0, "Loading torch")
            load_torch()
            for status in run_trap(
                patch.pixels, patch.labels, name, parameters, steps, cancelled=job.cancelled
            ):
                job.progress(status.step / status.steps, f"Batch {status.step}")
                job.hand_over(status)

        self.bar.start(work, lambda _: None, self._take, "Training both")
        self._name_loss()
        self._tell_state()

    def _print_patch(self) -> None:
        """Print the patch of the seed, off the GUI thread."""
        seed = self.seed
        self.bar.start(lambda job: _printed(job, seed), self._take, text="Printing a patch")
        self._tell_state()

    def _take(self, piece: Patch | TrapStatus) -> None:
        """Show a patch, or how both networks do."""
        plots = self._plots()
        if isinstance(piece, Patch):
            self.patch, self.statuses = piece, []
            plots.show_patch(piece.pixels, piece.labels)
            self.story.setText(f"{(piece.labels == 0).mean():.1%} of this patch is background.")
        else:
            self.statuses.append(piece)
            plots.add(piece)
            self.story.setText(story(self.statuses))

    def _plots(self) -> TrapPlots:
        """The plots, made when there is something to draw."""
        if self.plots is None:
            # Late, because pyqtgraph takes a second to load.
            from napari_welllog.widgets.trap_plots import TrapPlots

            self.plots = TrapPlots()
            self._layout.insertWidget(self._layout.count() - 1, self.plots, stretch=10)
            self._name_loss()
        return self.plots

    def _name_loss(self) -> None:
        """Say in the plots which loss the second network learns by; not that of a later choice."""
        if self.plots is not None and (self.bar.is_running or not self.statuses):
            self.plots.name_loss(self.loss.name)

    def _tell_state(self) -> None:
        """Let nothing be changed while both learn."""
        for control in (self.another_button, self.loss):
            control.setEnabled(not self.bar.is_running)


def _printed(job: Job, seed: int) -> Patch:
    """Print a patch."""
    job.progress(0.0, "Printing a patch")
    return Patch(seed, *trap_patch(seed))


def story(statuses: Sequence[TrapStatus]) -> str:
    """How both networks do, and what happened on the way, in a few lines.

    Parameters
    ----------
    statuses : everything that was told so far.
    """
    last = statuses[-1]
    lines = [f"After {last.step} of {last.steps} batches:", _figures(last.plain), _figures(last.chosen)]
    lines += [
        f"{getattr(last, which).loss_name} has found half of the curves and more since batch {step}."
        for which in ("plain", "chosen")
        if (step := found_after(statuses, which)) is not None
    ]
    then = farthest_apart(statuses)
    if then.chosen.curve_recall - then.plain.curve_recall > FOUND:
        lines.append(
            f"After {then.step} batches plain cross-entropy was {then.plain.accuracy:.1%} accurate and found "
            f"{then.plain.curve_recall:.0%} of the curves, {then.chosen.loss_name} {then.chosen.curve_recall:.0%}."
        )
    if last.step == last.steps:
        step = caught_up_after(statuses)
        lines.append(
            "Plain cross-entropy has not caught up."
            if step is None
            else f"From batch {step} on plain cross-entropy is no worse in recall."
        )
    return "\n".join(lines)


def _figures(learner: Learner) -> str:
    """Accuracy and curve recall of a network."""
    return f"{learner.loss_name}: accuracy {learner.accuracy:.1%}, curve recall {learner.curve_recall:.1%}"
