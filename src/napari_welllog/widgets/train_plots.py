"""How a network learns, drawn live: the loss, and recall, precision and F1 of each class beside the accuracy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_welllog.overlay import CURVE_COLOURS

if TYPE_CHECKING:
    from napari_welllog.unet.scores import PixelScores
    from napari_welllog.unet.train import TrainingStatus

PAPER, INK, FAINT = "#ffffff", "#404040", "#d0d0d0"
ACCURACY_COLOUR = "#000000"
_BACKGROUND_COLOUR = "#9a9a9a"
_LEFT_AXIS = 46
_DOT = 5
_NARROWEST = 340
"""Pixels: the docks beside it would squeeze it to nothing."""

CLASS_COLOURS = {0: _BACKGROUND_COLOUR, **CURVE_COLOURS}
MEASURES = {"recall": "Recall", "precision": "Precision", "f1": "F1"}


class TrainPlots(QWidget):
    """Four plots over the batches: the loss, and recall, precision and F1 of every class on held-out windows.

    The pixel accuracy is drawn into each of the three, because that is the lesson: it is high whatever they are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumWidth(_NARROWEST)
        self.loss = LearningPlot("loss")
        self.learnt = self.loss.add_line(FAINT, INK)
        self.held_out = self.loss.add_line(INK, INK, dots=True)
        self.measures = {name: LearningPlot(title, (0.0, 1.0)) for name, title in MEASURES.items()}
        self.classes = {
            name: {which: plot.add_line(colour, colour, dots=True) for which, colour in CLASS_COLOURS.items()}
            for name, plot in self.measures.items()
        }
        self.accuracy = {
            name: plot.add_line(ACCURACY_COLOUR, ACCURACY_COLOUR, dashed=True)
            for name, plot in self.measures.items()
        }
        self._newest: PixelScores | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(
            legend(
                ("background", _BACKGROUND_COLOUR),
                ("curve one", CURVE_COLOURS[1]),
                ("curve two", CURVE_COLOURS[2]),
                ("- - accuracy", ACCURACY_COLOUR),
            )
        )
        layout.addWidget(self.loss, stretch=1)
        for plot in self.measures.values():
            layout.addWidget(plot, stretch=1)
        self.loss.setToolTip("Loss of the last 50 batches; with dots, on held-out annotated windows")
        for name, plot in self.measures.items():
            plot.setToolTip(f"{MEASURES[name]} of each class on held-out windows, and the pixel accuracy")

    def begin(self) -> None:
        """Forget an earlier training."""
        self._newest = None
        for plot in (self.loss, *self.measures.values()):
            plot.forget()

    def add(self, status: TrainingStatus) -> None:
        """Draw where training stands."""
        self.learnt.add(status.step, status.loss)
        if status.scores is None or status.scores is self._newest:
            return
        scores = self._newest = status.scores
        if status.held_out_loss is not None:
            self.held_out.add(status.step, status.held_out_loss)
        for name, lines in self.classes.items():
            for which, line in lines.items():
                line.add(status.step, getattr(scores, name)[which])
            self.accuracy[name].add(status.step, scores.accuracy)


class Line:
    """A line that grows to the right; numbers that are none leave a gap."""

    def __init__(self, item: Any) -> None:
        self.item = item
        self.steps: list[float] = []
        self.values: list[float] = []

    def add(self, step: float, value: float) -> None:
        """Add a value at a batch."""
        if self.steps and step == self.steps[-1] and not math.isfinite(value):
            return
        self.steps.append(step)
        self.values.append(value)
        self.item.setData(np.array(self.steps), np.array(self.values))

    def clear(self) -> None:
        """Take all values away."""
        self.steps, self.values = [], []
        self.item.setData([], [])


class LearningPlot(pg.PlotWidget):  # type: ignore[misc]
    """A plot over the batches that nobody drags; it grows with what is drawn.

    Parameters
    ----------
    title : what it shows, written along its left side.
    span : lowest and highest value where they are known.
    """

    def __init__(self, title: str, span: tuple[float, float] | None = None) -> None:
        super().__init__(background=PAPER)
        self.lines: list[Line] = []
        item = self.getPlotItem()
        item.getViewBox().setMouseEnabled(False, False)
        item.hideButtons()
        item.setMenuEnabled(False)
        item.showGrid(y=True, alpha=0.2)
        for side in ("left", "bottom"):
            item.getAxis(side).setPen(INK)
            item.getAxis(side).setTextPen(INK)
        item.getAxis("left").setLabel(title)
        item.getAxis("left").setWidth(_LEFT_AXIS)
        if span is not None:
            self.setYRange(span[0] - 0.02, span[1] + 0.02, padding=0)
        # What a plot would like to be is far more than a dock has.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(80)

    def add_line(self, colour: str, dot: str, dots: bool = False, dashed: bool = False) -> Line:
        """A new line, with nothing in it yet."""
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        item = self.plot(
            pen=pg.mkPen(colour if dots or dashed else INK, width=1.5, style=style),
            connect="finite",
            symbol="o" if dots else None,
            symbolSize=_DOT,
            symbolBrush=dot,
            symbolPen=None,
        )
        line = Line(item)
        self.lines.append(line)
        return line

    def forget(self) -> None:
        """Take all lines away."""
        for line in self.lines:
            line.clear()


def legend(*entries: tuple[str, str]) -> QLabel:
    """The names of lines in their colours, on white."""
    label = QLabel(legend_text(*entries))
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setStyleSheet(f"background: {PAPER}; padding: 3px; font-size: 10px; font-weight: bold")
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return label


def legend_text(*entries: tuple[str, str]) -> str:
    """The names of lines in their colours, as rich text."""
    return " &nbsp; ".join(f'<span style="color: {colour}">{text}</span>' for text, colour in entries)
