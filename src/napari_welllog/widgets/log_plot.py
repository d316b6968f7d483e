"""The log plot beside the canvas: depth down, values across, one panel for each track as on the paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_welllog.curves import LogCurve, TraceState
from napari_welllog.overlay import BRIDGED_COLOURS, CURVE_COLOURS, EDITED_COLOURS
from napari_welllog.review import thinned
from napari_welllog.tracks import Curve, DepthAxis, ValueAxis
from napari_welllog.widgets.curve_layer import TrackCurves
from napari_welllog.widgets.view import go_to_row, visible_rows
from napari_welllog.widgets.watch import CameraWatch

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Layer

MOST_POINTS = 2000
"""Points of a curve that are drawn: more than any screen has rows."""

_NARROWEST = 150
"""Pixels of a panel's width in which its heading can be read."""

_PAPER, _INK, _GRID = "#ffffff", "#404040", "#d0d0d0"


class LogPlot(QWidget):
    """Curves in their units, following the canvas; a click moves the canvas to that depth.

    Parameters
    ----------
    viewer : whose canvas to follow.
    parent : the widget that it is part of.

    Attributes
    ----------
    row_clicked : signal of the scan row that was clicked.
    """

    row_clicked = Signal(float)

    def __init__(self, viewer: Viewer | ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._layer = viewer, None
        self.panels: list[TrackPanel] = []
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 8, 0, 0)
        self._layout.setSpacing(0)
        self.setToolTip("Depth down, values across; follows the canvas. Click to move the canvas there.")
        self._watch = CameraWatch(viewer, self, self.follow)

    def show_curves(self, layer: Layer, curves: Sequence[TrackCurves], depth: DepthAxis) -> None:
        """Plot the curves of all tracks of the scan that a layer shows."""
        self._layer = layer
        if [panel.curves.track for panel in self.panels] != [of_track.track for of_track in curves] or any(
            panel.depth_axis != depth for panel in self.panels
        ):
            self._build(curves, depth)
        else:
            for panel, of_track in zip(self.panels, curves, strict=True):
                panel.set_curves(of_track)
        self.follow()

    def follow(self) -> None:
        """Show the rows that the canvas shows."""
        if self._layer is None:
            return
        top, bottom = visible_rows(self._viewer, self._layer)
        for panel in self.panels:
            panel.show_rows(top, bottom)

    def go_to(self, row: float) -> None:
        """Move the canvas to a row."""
        if self._layer is not None:
            go_to_row(self._viewer, self._layer, row)
        self.row_clicked.emit(row)

    def _build(self, curves: Sequence[TrackCurves], depth: DepthAxis) -> None:
        """Make a panel for each track."""
        for panel in self.panels:
            self._layout.removeWidget(panel)
            panel.deleteLater()
        self.panels = [TrackPanel(of_track, depth, first=k == 0) for k, of_track in enumerate(curves)]
        for panel in self.panels:
            panel.row_clicked.connect(self.go_to)
            panel.setMinimumWidth(_NARROWEST)
            self._layout.addWidget(panel, stretch=1)


class TrackPanel(QWidget):
    """One track: a heading with the scale of each curve, and below it the curves.

    Parameters
    ----------
    curves : what to plot.
    depth : rows to depth.
    first : whether depths stand at its left side.
    """

    row_clicked = Signal(float)

    def __init__(self, curves: TrackCurves, depth: DepthAxis, first: bool) -> None:
        super().__init__()
        self.curves, self.depth_axis = curves, depth
        self.rows = (0.0, 1.0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.logarithmic: dict[str, QToolButton] = {}
        for curve in curves.track.curves:
            layout.addWidget(self._heading(curve))
        self.plot = pg.PlotWidget(
            background=_PAPER, axisItems={"left": _DepthAxisItem(depth), "top": _PlainAxisItem()}
        )
        self._arrange_plot(first)
        layout.addWidget(self.plot, stretch=1)
        self.lines = {
            curve.mnemonic: _CurveLines(self.plot, curve.curve_class) for curve in curves.track.curves
        }
        self._place_values()

    def set_curves(self, curves: TrackCurves) -> None:
        """Plot other values of the same curves."""
        self.curves = curves
        self._place_values()
        self.show_rows(*self.rows)

    def show_rows(self, top: float, bottom: float) -> None:
        """Draw what lies between two rows."""
        self.rows = (top, bottom)
        self.plot.setYRange(top, bottom, padding=0)
        for curve, trace in zip(self.curves.track.curves, self.curves.traces, strict=True):
            first = int(np.clip(top - trace.top - 1, 0, len(trace.column)))
            end = int(np.clip(bottom - trace.top + 2, first, len(trace.column)))
            across, state = self._across[curve.mnemonic][first:end], trace.state[first:end]
            self.lines[curve.mnemonic].draw(trace.top + first, across, state)

    def _heading(self, curve: Curve) -> QWidget:
        """Name, unit and scale of a curve, as in the heading of a log."""
        widget = QWidget()
        widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        unit = f" ({curve.unit})" if curve.unit else ""
        name = QLabel(f"<b>{curve.mnemonic}</b>{unit}")
        button = QToolButton()
        button.setText("log")
        button.setCheckable(True)
        button.setChecked(curve.scale == "log")
        button.setEnabled(min(curve.left, curve.right) > 0)
        button.setToolTip(f"Plot {curve.mnemonic} on a logarithmic scale; the exported values stay the same")
        button.toggled.connect(self._rescale)
        self.logarithmic[curve.mnemonic] = button
        left, right = QLabel(f"{curve.left:g}"), QLabel(f"{curve.right:g}")
        grid = QGridLayout(widget)
        grid.setContentsMargins(6, 2, 6, 2)
        grid.setVerticalSpacing(0)
        grid.addWidget(name, 0, 0, 1, 3, Qt.AlignmentFlag.AlignCenter)
        grid.addWidget(button, 1, 1, Qt.AlignmentFlag.AlignCenter)
        grid.addWidget(left, 1, 0)
        grid.addWidget(right, 1, 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(1, 1)
        colour = CURVE_COLOURS[curve.curve_class]
        widget.setObjectName("heading")
        widget.setStyleSheet(
            f"QWidget {{ background: {_PAPER}; color: {colour}; }}"
            f"#heading {{ border-bottom: 2px solid {colour}; }}"
            f"QToolButton {{ border: 1px solid {_GRID}; border-radius: 2px; color: {_GRID}; }}"
            f"QToolButton:enabled {{ color: {_INK}; }}"
            f"QToolButton:checked {{ background: {colour}; color: {_PAPER}; }}"
        )
        return widget

    def _arrange_plot(self, first: bool) -> None:
        """Depth downwards, no panning of its own, and clicks that tell a row."""
        item = self.plot.getPlotItem()
        item.getViewBox().invertY(True)
        item.getViewBox().setMouseEnabled(False, False)
        item.hideButtons()
        item.setMenuEnabled(False)
        item.showAxis("top")
        item.hideAxis("bottom")
        for side in ("left", "top"):
            item.getAxis(side).setPen(_INK)
            item.getAxis(side).setTextPen(_INK)
        item.getAxis("left").setStyle(showValues=first)
        item.getAxis("left").setWidth(52 if first else 8)
        item.getAxis("top").setHeight(6)
        if first:
            item.getAxis("left").setLabel(None)
        item.showGrid(x=True, y=True, alpha=0.25)
        self.plot.scene().sigMouseClicked.connect(self._on_click)

    def _on_click(self, event: Any) -> None:
        """Tell the row that was clicked."""
        at = self.plot.getPlotItem().getViewBox().mapSceneToView(event.scenePos())
        self.row_clicked.emit(float(at.y()))

    def _rescale(self) -> None:
        """Draw on the scales that are now chosen."""
        self._place_values()
        self.show_rows(*self.rows)

    def _place_values(self) -> None:
        """Find the place across the panel of every value."""
        self._across: dict[str, NDArray[np.float64]] = {}
        for curve, log_curve in zip(self.curves.track.curves, self.curves.log_curves, strict=True):
            self._across[curve.mnemonic] = self._place(curve, log_curve)
        known = [values[np.isfinite(values)] for values in self._across.values()]
        low = min([0.0, *(float(values.min()) for values in known if len(values))])
        high = max([1.0, *(float(values.max()) for values in known if len(values))])
        self.plot.setXRange(low, high, padding=0.01)

    def _place(self, curve: Curve, log_curve: LogCurve) -> NDArray[np.float64]:
        """Places across the panel, 0 at its left edge and 1 at its right."""
        scale = "log" if self.logarithmic[curve.mnemonic].isChecked() else "linear"
        return ValueAxis(left=curve.left, right=curve.right, scale=scale).fractions(log_curve.value)


class _CurveLines:
    """The lines that draw one curve: as read, where it was bridged, and where it was edited."""

    def __init__(self, plot: Any, curve_class: int) -> None:
        pens = {
            TraceState.TRACED: pg.mkPen(CURVE_COLOURS[curve_class], width=1.5),
            TraceState.BRIDGED: pg.mkPen(BRIDGED_COLOURS[curve_class], width=2, style=Qt.PenStyle.DotLine),
            TraceState.EDITED: pg.mkPen(EDITED_COLOURS[curve_class], width=3),
        }
        self.items = {state: plot.plot(pen=pen, connect="finite") for state, pen in pens.items()}

    def draw(self, top: int, across: NDArray[np.float64], state: NDArray[np.uint8]) -> None:
        """Draw a stretch that begins at a row."""
        chosen = thinned(across, MOST_POINTS) if len(across) else np.empty(0, np.intp)
        rows, across, state = top + chosen, across[chosen], state[chosen]
        for kind, item in self.items.items():
            here = state == kind
            # A line reaches to the points beside it, so that lines of two kinds meet.
            if kind != TraceState.TRACED:
                here[:-1] |= state[1:] == kind
                here[1:] |= state[:-1] == kind
            item.setData(np.where(here, across, np.nan), rows)


class _DepthAxisItem(pg.AxisItem):  # type: ignore[misc]
    """An axis of rows that is labelled with depths."""

    def __init__(self, depth: DepthAxis) -> None:
        super().__init__("left")
        self._depth = depth

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """Rows of round depths."""
        depths = np.sort(self._depth.depths([minVal, maxVal]))
        levels = super().tickValues(float(depths[0]), float(depths[1]), size)
        return [(spacing, self._depth.rows(values).tolist()) for spacing, values in levels]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Their depths."""
        return [str(text) for text in super().tickStrings(self._depth.depths(values), 1.0, spacing)]


class _PlainAxisItem(pg.AxisItem):  # type: ignore[misc]
    """The scale across a track: quarters of its width, without numbers, which stand in the heading."""

    def __init__(self) -> None:
        super().__init__("top", showValues=False)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """Quarters of the width."""
        return [(0.25, np.arange(np.floor(minVal), np.ceil(maxVal) + 0.01, 0.25).tolist())]
