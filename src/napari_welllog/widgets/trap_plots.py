"""The 97 % trap, drawn live: the patch, the class maps of both networks, their accuracy and their curve recall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_welllog.overlay import CURVE_COLOURS
from napari_welllog.widgets.train_plots import FAINT, INK, PAPER, LearningPlot, legend, legend_text

if TYPE_CHECKING:
    from napari_welllog.unet.trap import TrapStatus

PLAIN_COLOUR, CHOSEN_COLOUR = "#b05a00", "#1a7a3c"
"""Of the two networks; neither is the colour of a curve."""

LOWEST_ACCURACY = 0.85
_PICTURE = 130
_PLOT = 150


class TrapPlots(QWidget):
    """The patch with two class maps beside it, and below them two plots over the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.plain_map, self.chosen_map = (_Picture() for _ in range(3))
        self.plain_title, self.chosen_title = _title("cross-entropy"), _title("")
        self.accuracy = LearningPlot("accuracy", (LOWEST_ACCURACY, 1.0))
        self.recall = LearningPlot("curve recall", (0.0, 1.0))
        for plot in (self.accuracy, self.recall):
            plot.setMinimumHeight(_PLOT)
        self.background = pg.InfiniteLine(angle=0, pen=pg.mkPen(FAINT, width=2))
        self.accuracy.addItem(self.background, ignoreBounds=True)
        self.lines = {
            which: (self.accuracy.add_line(colour, colour), self.recall.add_line(colour, colour))
            for which, colour in (("plain", PLAIN_COLOUR), ("chosen", CHOSEN_COLOUR))
        }
        for which, colour in (("plain", PLAIN_COLOUR), ("chosen", CHOSEN_COLOUR)):
            for line in self.lines[which]:
                line.item.setPen(pg.mkPen(colour, width=2))
        pictures = QHBoxLayout()
        pictures.setSpacing(4)
        columns = (
            (_title("the patch"), self.patch),
            (self.plain_title, self.plain_map),
            (self.chosen_title, self.chosen_map),
        )
        for title, picture in columns:
            column = QVBoxLayout()
            column.addWidget(title)
            column.addWidget(picture, stretch=1)
            pictures.addLayout(column, stretch=1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(pictures, stretch=2)
        self.legend = legend(*_entries(""))
        layout.addWidget(self.legend)
        layout.addWidget(self.accuracy, stretch=2)
        layout.addWidget(self.recall, stretch=2)
        self.accuracy.setToolTip(
            "Share of all pixels that are right; the grey line is what background alone gives"
        )
        self.recall.setToolTip(
            "Share of the curve pixels that a network calls by their class, mean of both curves"
        )
        self.name_loss("")

    def name_loss(self, name: str) -> None:
        """Say which loss the second network learns by."""
        self.chosen_title.setText(name or "the chosen loss")
        self.legend.setText(legend_text(*_entries(name)))

    def show_patch(self, pixels: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
        """Show a patch, and nothing learnt from it yet."""
        self.patch.show_grey(pixels)
        nothing = np.zeros_like(labels)
        self.plain_map.show_classes(nothing)
        self.chosen_map.show_classes(nothing)
        self.background.setValue(float((labels == 0).mean()))
        for plot in (self.accuracy, self.recall):
            plot.forget()

    def add(self, status: TrapStatus) -> None:
        """Draw how both do after so many batches."""
        for which, (accuracy, recall) in self.lines.items():
            learner = getattr(status, which)
            accuracy.add(status.step, learner.accuracy)
            recall.add(status.step, learner.curve_recall)
        self.plain_map.show_classes(status.plain.labels)
        self.chosen_map.show_classes(status.chosen.labels)


class _Picture(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """A picture that keeps its shape, and that nobody drags."""

    def __init__(self) -> None:
        super().__init__()
        self.setBackground(FAINT)
        self.ci.setContentsMargins(0, 0, 0, 0)
        box = self.addViewBox(lockAspect=True, invertY=True, enableMouse=False, enableMenu=False)
        box.setDefaultPadding(0)
        self.image = pg.ImageItem(axisOrder="row-major")
        self._colours = np.array(
            [pg.mkColor(colour).getRgb() for colour in (PAPER, CURVE_COLOURS[1], CURVE_COLOURS[2])], np.uint8
        )
        box.addItem(self.image)
        # What it would like to be is far more than a dock has.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumSize(_PICTURE // 2, _PICTURE)

    def show_grey(self, pixels: NDArray[np.uint8]) -> None:
        """Show grey pixels."""
        self.image.setImage(pixels, levels=(0, 255))

    def show_classes(self, labels: NDArray[np.uint8]) -> None:
        """Show classes in their colours, background white."""
        self.image.setImage(self._colours[labels], levels=None, autoLevels=False)


def _entries(name: str) -> tuple[tuple[str, str], ...]:
    """The two networks and their colours, the second by the name of its loss."""
    return ("cross-entropy", PLAIN_COLOUR), (name or "the chosen loss", CHOSEN_COLOUR)


def _title(text: str) -> QLabel:
    """A heading above a picture."""
    label = QLabel(text)
    label.setStyleSheet(f"background: {PAPER}; color: {INK}; padding: 2px")
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return label
