"""What is under the scan line: ink, classes, candidates and verdict; and beside them a strip of all rows in view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_welllog.crossings import RowComparison, TrackStudy
from napari_welllog.followers import AMBIGUOUS_FROM, FollowedPath, Verdict
from napari_welllog.overlay import AMBIGUOUS_COLOUR, CURVE_COLOURS, FOLLOWER_COLOUR
from napari_welllog.review import thinned
from napari_welllog.widgets.view import visible_rows
from napari_welllog.widgets.watch import CameraWatch

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Layer

_PAPER, _INK, _FAINT = "#ffffff", "#404040", "#d0d0d0"
_INK_FILL = "#b8b8b8"
MOST_POINTS = 1500
"""Rows of the strip that are drawn: more than a screen has."""

_LEFT_AXIS = 46


class CrossingPlots(QWidget):
    """Three plots of one scan line: its ink with what the follower weighs, its classes, and the rows around it.

    Parameters
    ----------
    viewer : whose canvas the strip follows.

    Attributes
    ----------
    row_chosen : signal of the row that was clicked or dragged to in the strip.
    """

    row_chosen = Signal(float)

    def __init__(self, viewer: Viewer | ViewerModel) -> None:
        super().__init__()
        self._viewer, self._layer = viewer, None
        self._study: TrackStudy | None = None
        self._path: FollowedPath | None = None
        self.ink, self.classes, self.strip = _InkPlot(), _ClassPlot(), _Strip()
        self.classes.setXLink(self.ink)
        self.verdict = QLabel()
        self.verdict.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.verdict.setToolTip("What the follower knows in this row; orange when it has become ambiguous")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(2)
        titles = (
            ("Ink, and what the follower weighs", self.ink, 3),
            ("Class of each pixel, and probabilities", self.classes, 3),
        )
        for text, plot, stretch in titles:
            layout.addWidget(_title(text))
            layout.addWidget(plot, stretch=stretch)
        layout.addWidget(self.verdict)
        layout.addWidget(_title("Row by row: ambiguity, class probabilities"))
        layout.addWidget(self.strip, stretch=6)
        self.strip.row_chosen.connect(self.row_chosen)
        self._watch = CameraWatch(viewer, self, self.follow)
        self.say_verdict(None, "")

    def show_study(self, layer: Layer | None, study: TrackStudy | None, path: FollowedPath | None) -> None:
        """Show another track, or another follower in it."""
        self._layer, self._study, self._path = layer, study, path
        self.follow()

    def show_row(self, comparison: RowComparison | None, text: str = "") -> None:
        """Show what is under the line."""
        self.ink.show_row(comparison)
        self.classes.show_row(comparison)
        self.say_verdict(comparison, text)
        if comparison is not None:
            self.strip.mark(comparison.row)

    def say_verdict(self, comparison: RowComparison | None, text: str) -> None:
        """Say the verdict in words, on orange when it is ambiguous."""
        ambiguous = comparison is not None and comparison.verdict == Verdict.AMBIGUOUS
        ground, letters = (AMBIGUOUS_COLOUR, "#000000") if ambiguous else (_FAINT, _INK)
        self.verdict.setStyleSheet(
            f"background: {ground}; color: {letters}; padding: 5px; font-weight: bold; border-radius: 3px"
        )
        self.verdict.setText(text or "No follower yet")

    def follow(self) -> None:
        """Show in the strip the rows that the canvas shows."""
        if self._layer is None or self._study is None:
            self.strip.clear_rows()
            return
        top, bottom = visible_rows(self._viewer, self._layer)
        self.strip.show_rows(self._study, self._path, top, bottom)


class _InkPlot(pg.PlotWidget):  # type: ignore[misc]
    """The darkness of every pixel under the line, and the candidates as high as they are plausible."""

    def __init__(self) -> None:
        super().__init__(background=_PAPER)
        _arrange(self, "ink · score")
        self.profile = self.plot(pen=pg.mkPen(_FAINT), brush=pg.mkBrush(_INK_FILL), fillLevel=0)
        self.weighed = self.plot(pen=pg.mkPen(FOLLOWER_COLOUR, width=2), connect="pairs")
        self.chosen = self.plot(pen=pg.mkPen("#000000", width=5), connect="pairs")
        self.setYRange(0, 1.05, padding=0)

    def show_row(self, row: RowComparison | None) -> None:
        """Show a row; nothing for none."""
        if row is None:
            for item in (self.profile, self.weighed, self.chosen):
                item.setData([], [])
            return
        self.profile.setData(row.columns, 1 - row.grey / np.float32(255))
        for item, chosen in ((self.weighed, False), (self.chosen, True)):
            found = [one for one in row.candidates if one.chosen == chosen]
            item.setData(
                np.repeat([one.column for one in found], 2), [y for one in found for y in (0.0, one.score)]
            )
        self.setXRange(float(row.columns[0]), float(row.columns[-1]), padding=0)


class _ClassPlot(pg.PlotWidget):  # type: ignore[misc]
    """The class of every pixel under the line as a band of colours, and the probability of both curves above it."""

    def __init__(self) -> None:
        super().__init__(background=_PAPER)
        _arrange(self, "probability")
        self.probabilities = {
            curve_class: self.plot(
                pen=pg.mkPen(colour, width=1.5), brush=pg.mkBrush(colour + "60"), fillLevel=0
            )
            for curve_class, colour in CURVE_COLOURS.items()
        }
        self.band = pg.ImageItem(axisOrder="row-major")
        self._colours = np.array(
            [pg.mkColor(colour).getRgb() for colour in (_FAINT, CURVE_COLOURS[1], CURVE_COLOURS[2])], np.uint8
        )
        self.addItem(self.band)
        self.setYRange(-0.16, 1.05, padding=0)

    def show_row(self, row: RowComparison | None) -> None:
        """Show a row; nothing for none."""
        if row is None:
            self.band.clear()
            for item in self.probabilities.values():
                item.setData([], [])
            return
        for curve_class, item in self.probabilities.items():
            item.setData(row.columns, row.probabilities[curve_class])
        self.band.setImage(self._colours[row.labels][None], levels=None, autoLevels=False)
        self.band.setRect(float(row.columns[0]) - 0.5, -0.15, float(len(row.columns)), 0.12)


class _Strip(pg.PlotWidget):  # type: ignore[misc]
    """Ambiguity and class probabilities down the rows, with the line where it is."""

    row_chosen = Signal(float)

    def __init__(self) -> None:
        super().__init__(background=_PAPER)
        _arrange(self, "row")
        self.getPlotItem().getViewBox().invertY(True)
        self.setXRange(-0.04, 1.1, padding=0)
        self.classes = {
            curve_class: self.plot(pen=pg.mkPen(colour, width=2), connect="finite")
            for curve_class, colour in CURVE_COLOURS.items()
        }
        self.sure = self.plot(pen=pg.mkPen(FOLLOWER_COLOUR, width=1.5), connect="finite")
        self.ambiguous = self.plot(pen=pg.mkPen(AMBIGUOUS_COLOUR, width=4), connect="finite")
        self.threshold = pg.InfiniteLine(
            AMBIGUOUS_FROM, angle=90, pen=pg.mkPen(_FAINT, style=Qt.PenStyle.DashLine)
        )
        self.line = pg.InfiniteLine(0, angle=0, movable=True, pen=pg.mkPen("#202020", width=1.5))
        self.line.setHoverPen(pg.mkPen("#202020", width=3))
        self.addItem(self.threshold)
        self.addItem(self.line)
        self.line.sigDragged.connect(lambda line: self.row_chosen.emit(float(line.value())))
        self.scene().sigMouseClicked.connect(self._on_click)
        self.setToolTip(
            "Grey: the follower's ambiguity, orange where it makes the verdict ambiguous. Blue and red: how sure "
            "the classifier is of curve one and two. Click or drag the line to move it."
        )

    def mark(self, row: float) -> None:
        """Move the line; it is not told as dragged."""
        self.line.setValue(row)

    def show_rows(self, study: TrackStudy, path: FollowedPath | None, top: float, bottom: float) -> None:
        """Draw the rows from top to bottom."""
        self.setYRange(top, bottom, padding=0)
        first, last = study.rows
        rows = np.arange(max(first, int(top) - 1), min(last, int(bottom) + 1) + 1)
        for curve_class, item in self.classes.items():
            _draw(item, rows, study.class_probability[curve_class - 1][rows - first])
        if path is None:
            self._draw_ambiguity(rows[:0], np.zeros(0))
            return
        walked = rows[(rows >= path.top) & (rows < path.top + len(path.column))]
        values = path.ambiguity[walked - path.top].astype(float)
        values[path.verdict[walked - path.top] == Verdict.LOST] = np.nan
        self._draw_ambiguity(walked, values)

    def clear_rows(self) -> None:
        """Draw nothing."""
        for item in (*self.classes.values(), self.sure, self.ambiguous):
            item.setData([], [])

    def _draw_ambiguity(self, rows: NDArray[np.intp], values: NDArray[np.float64]) -> None:
        """Draw the ambiguity, in orange where it makes the verdict ambiguous."""
        _draw(self.sure, rows, values)
        _draw(self.ambiguous, rows, np.where(values >= AMBIGUOUS_FROM, values, np.nan))

    def _on_click(self, event: Any) -> None:
        """Tell the row that was clicked."""
        at = self.getPlotItem().getViewBox().mapSceneToView(event.scenePos())
        self.row_chosen.emit(float(at.y()))


def _draw(item: Any, rows: NDArray[np.intp], values: NDArray[Any]) -> None:
    """Draw values down rows, no more of them than a screen can show."""
    chosen = thinned(values, MOST_POINTS) if len(values) else np.zeros(0, np.intp)
    item.setData(values[chosen], rows[chosen])


def _title(text: str) -> QLabel:
    """A heading above a plot."""
    label = QLabel(text)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return label


def _arrange(plot: Any, left: str) -> None:
    """No panning of its own, no menu, and axes as on paper."""
    item = plot.getPlotItem()
    item.getViewBox().setMouseEnabled(False, False)
    item.hideButtons()
    item.setMenuEnabled(False)
    for side in ("left", "bottom"):
        item.getAxis(side).setPen(_INK)
        item.getAxis(side).setTextPen(_INK)
    item.getAxis("left").setLabel(left)
    item.getAxis("left").setWidth(_LEFT_AXIS)
    item.disableAutoRange()
    plot.setMinimumHeight(90)
