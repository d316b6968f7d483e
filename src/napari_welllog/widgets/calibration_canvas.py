"""The calibration on the canvas: a labelled grid over the scan, which the mouse takes hold of.

Two layers of ours show it: one of lines, one of texts and corners. They are drawn anew for what is in view, so a
long scan costs no more than a short one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_welllog.overlay import CURVE_COLOURS
from napari_welllog.tracks.editing import Draft, Handle, handle_at
from napari_welllog.tracks.grid_lines import GridLines, Label, View, grid_lines
from napari_welllog.tracks.marks import Mark, draw_marks
from napari_welllog.widgets.keys import bind
from napari_welllog.widgets.layers import SIGNATURE, LayerData, our_layer, place_of, show_layer, signed
from napari_welllog.widgets.view import at_once, still_camera

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

Mode = Literal["move", "anchor", "track", "ignore"]

LINES, TEXTS = "tracks", "tracks text"
"""Names of our two layers; the mouse works on the first."""

_PAUSE = 15
"""Milliseconds that changes are gathered before they are drawn: fewer than one picture of a screen."""

_REACH = 7.0
"""Points of the screen from which the mouse takes hold of a line."""

_TREMBLE = 2.5
"""Points of the screen that a mouse may move in a click."""

_FRAME, _GRID, _ANCHOR, _IGNORED = "#23494C", "#12A877", "#7A3E9D", "#707070"
_NUMBERS = "#006B49"
_READ = "#1F6FB2"
_LINE_COLOURS = {
    "edge": (_FRAME, 1.0),
    "depth": (_GRID, 0.9),
    "fine depth": (_GRID, 0.3),
    "division": (_GRID, 0.9),
    "fine division": (_GRID, 0.45),
    "anchor": (_ANCHOR, 0.9),
    "corner": (_FRAME, 1.0),
    "ignored": (_IGNORED, 0.7),
    "read": (_READ, 1.0),
    "dropped": (_IGNORED, 0.9),
}
_TEXT_COLOURS = {
    "depth": _NUMBERS,
    "curve one": CURVE_COLOURS[1],
    "curve two": CURVE_COLOURS[2],
    "name": _FRAME,
    "anchor": _ANCHOR,
    "read": _READ,
    "dropped": _IGNORED,
}
_TEXT_SIZE = 10
_HALF_A_LETTER = 3.9
_LINE_WIDTH = 1.4


class CalibrationCanvas(QObject):
    """Draws a draft over a scan and tells what the mouse does to it.

    Parameters
    ----------
    viewer : the viewer whose canvas it is.
    actions : what the keys of the table do while the layer of lines is selected.

    Attributes
    ----------
    clicked : signal of a click in mode "anchor", with row and column.
    drawn : signal of a rectangle drawn in mode "track" or "ignore", with its first and last point.
    dragged : signal of a drag, with the `Handle` and the rows and columns from where it began.
    released : signal that a drag has ended.
    bent : signal of a double click on an edge (a `Handle`), with row and column.
    straightened : signal of an Alt-click on a corner (a `Handle`).
    """

    clicked = Signal(float, float)
    drawn = Signal(object, object)
    dragged = Signal(object, float, float)
    released = Signal()
    bent = Signal(object, float, float)
    straightened = Signal(object)

    def __init__(self, viewer: Viewer | ViewerModel, actions: dict[str, Callable[[], Any]]) -> None:
        super().__init__()
        self._viewer, self._actions = viewer, actions
        self._scan: Image | None = None
        self._lines: Layer | None = None
        self._texts: Layer | None = None
        self._draft, self._waiting_row = Draft(), float("nan")
        self._marks: Sequence[Mark] = ()
        self._rows = 1
        self._outline: list[tuple[float, float]] = []
        self.mode: Mode = "move"
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._draw)
        camera = viewer.scene.camera.events
        self._emitters = [camera.zoom, camera.center]
        for emitter in self._emitters:
            emitter.connect(self.draw_soon)

    def disconnect_viewer(self) -> None:
        """Let the viewer forget the canvas."""
        self._timer.stop()
        for emitter in self._emitters:
            with suppress(ValueError, RuntimeError):
                emitter.disconnect(self.draw_soon)

    @property
    def layer(self) -> Layer | None:
        """The layer of lines; None where it was never shown or has been deleted."""
        return self._lines if self._lines in self._viewer.layers else None

    # --- Showing ---

    def show(self, scan: Image, rows: int, draft: Draft, waiting_row: float | None = None) -> None:
        """Show a draft over the scan of so many rows, and a row whose depth is being typed."""
        if scan is not self._scan:
            self.hide()
        self._scan, self._rows, self._draft = scan, rows, draft
        self._waiting_row = float("nan") if waiting_row is None else waiting_row
        self.draw_soon()

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Show what was read from the paper, over the draft."""
        self._marks = marks
        self.draw_soon()

    def hide(self) -> None:
        """Take our layers away, within a moment: napari may be in the middle of removing the scan's own layer."""
        self._scan, self._draft = None, Draft()
        self._timer.stop()
        gone = [layer for layer in (self._lines, self._texts) if layer is not None]
        self._lines = self._texts = None
        if gone:
            for layer in gone:
                layer.metadata.pop(SIGNATURE, None)  # no longer ours: the next scan gets its own
            QTimer.singleShot(0, partial(_remove, self._viewer, gone))

    def take_mouse(self, mode: Mode) -> None:
        """Let the next click or drag on the canvas do something else; the layer of lines is selected for it."""
        self.mode = mode
        if self._scan is None:
            return
        self._draw()
        if self._lines is not None:
            self._viewer.layers.selection.active = self._lines
            self._lines.cursor = "standard" if mode == "move" else "crosshair"

    def view(self) -> View:
        """What the screen shows of the scan."""
        camera, size = self._viewer.scene.camera, np.asarray(self._viewer.canvas.size, np.float64)
        centre = np.asarray(camera.center[-2:], np.float64)
        half = size / camera.zoom / 2
        corners = np.array([self._to_scan(centre - half), self._to_scan(centre + half)])
        (top, left), (bottom, right) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        rows, columns = size.tolist()
        return View(top, bottom, left, right, ((bottom - top) / rows, (right - left) / columns))

    def draw_soon(self, event: Any = None) -> None:
        """Draw within a moment; all that changes until then is drawn at once."""
        if self._scan is not None and not self._timer.isActive():
            self._timer.start()

    def _draw(self) -> None:
        """Draw what is in view."""
        self._timer.stop()
        scan = self._scan
        if scan is None or scan not in self._viewer.layers:
            return
        view = self.view()
        grid = grid_lines(self._draft, view, self._rows)
        self._add_what_is_being_done(grid, view)
        self._make_layers(scan, bool(grid.lines))
        if self._lines is not None and self._texts is not None:
            _set_lines(self._lines, grid, view)
            _set_texts(self._texts, grid.labels, view)

    def _add_what_is_being_done(self, grid: GridLines, view: View) -> None:
        """Draw what was read, the row whose depth is being typed, and the rectangle that is being drawn."""
        draw_marks(grid, self._marks, view)
        row = self._waiting_row
        if np.isfinite(row):
            grid.lines.append(((row, view.left), (row, view.right), "anchor"))
            grid.labels.append(Label(row - 10 * view.point[0], view.left + 40 * view.point[1], "?", "anchor"))
        if self._outline:
            (top, left), (bottom, right) = self._outline
            corners = [(top, left), (top, right), (bottom, right), (bottom, left), (top, left)]
            grid.lines += [(start, end, "edge") for start, end in pairwise(corners)]

    def _make_layers(self, scan: Image, needed: bool) -> None:
        """Make our layers where they are missing, over the scan."""
        for name in (LINES, TEXTS):
            layer = our_layer(self._viewer, name)
            if layer is None and (needed or self.mode != "move"):
                selected = set(self._viewer.layers.selection)
                layer = show_layer(self._viewer, _new_layer(name, scan))
                # A layer that we add must not take the mouse from the one that the user works on.
                self._viewer.layers.selection = selected & set(self._viewer.layers)
            if name == LINES:
                if layer is not self._lines and layer is not None:
                    self._take_hold(layer)
                self._lines = layer
            else:
                self._texts = layer

    def _take_hold(self, layer: Layer) -> None:
        """Follow the mouse and the keys on a layer."""
        layer.mouse_drag_callbacks.append(self._on_drag)
        layer.mouse_move_callbacks.append(self._on_move)
        layer.mouse_double_click_callbacks.append(self._on_double_click)
        bind(layer, self._actions)

    # --- The mouse ---

    def _to_scan(self, position: Any) -> tuple[float, float]:
        """Row and column of the scan at a place in the world."""
        assert self._scan is not None
        row, column = self._scan.world_to_data(position)[-2:]
        return float(row), float(column)

    def _handle(self, point: tuple[float, float]) -> Handle | None:
        """What is at a point of the scan."""
        rows, columns = self.view().point
        return handle_at(self._draft, *point, reach=(_REACH * rows, _REACH * columns))

    def _on_move(self, layer: Layer, event: Any) -> None:
        """Show by the pointer what can be dragged."""
        if self.mode == "move" and self._scan is not None:
            layer.cursor = "standard" if self._handle(self._to_scan(event.position)) is None else "pointing"

    def _on_double_click(self, layer: Layer, event: Any) -> None:
        """Bend an edge where it is double-clicked."""
        if self.mode != "move" or self._scan is None:
            return
        row, column = self._to_scan(event.position)
        handle = self._handle((row, column))
        if handle is not None and handle.part == "edge":
            event.handled = True
            self.bent.emit(handle, row, column)

    def _on_drag(self, layer: Layer, event: Any) -> Iterator[None]:
        """Do what the mode says with a press, a drag and its end."""
        if self._scan is None or event.button != 1:
            return
        begin = self._to_scan(event.position)
        if self.mode == "anchor":
            yield from self._click(event, begin)
        elif self.mode in ("track", "ignore"):
            with still_camera(self._viewer):
                yield from self._draw_rectangle(event, begin)
        else:
            yield from self._move(layer, event, begin)

    def _click(self, event: Any, begin: tuple[float, float]) -> Iterator[None]:
        """Tell a click; with a drag the user moves the camera."""
        point, moved = self.view().point, False
        yield
        while event.type == "mouse_move":
            moved = moved or self._has_moved(event, begin, point)
            yield
        if not moved:
            self.clicked.emit(*begin)

    def _draw_rectangle(self, event: Any, begin: tuple[float, float]) -> Iterator[None]:
        """Show a rectangle while it is drawn, and tell it in the end."""
        point = self.view().point
        yield
        while event.type == "mouse_move":
            self._outline = [begin, self._to_scan(event.position)]
            self.draw_soon()
            yield
        self._outline = []
        self.draw_soon()
        if self._has_moved(event, begin, point):
            self.drawn.emit(begin, self._to_scan(event.position))

    def _move(self, layer: Layer, event: Any, begin: tuple[float, float]) -> Iterator[None]:
        """Drag what is under the mouse."""
        handle = self._handle(begin)
        if handle is None:
            return
        if "Alt" in event.modifiers and handle.part == "corner":
            self.straightened.emit(handle)
            return
        point, moved = self.view().point, False
        with still_camera(self._viewer):
            yield
            # The canvas drops moves that come too fast, so where the mouse is let go counts too.
            while event.type == "mouse_move":
                moved = moved or self._has_moved(event, begin, point)
                if moved:
                    self._tell_drag(handle, event, begin)
                yield
        if moved or self._has_moved(event, begin, point):
            self._tell_drag(handle, event, begin)
            self.released.emit()

    def _tell_drag(self, handle: Handle, event: Any, begin: tuple[float, float]) -> None:
        """Tell how far something has been dragged."""
        row, column = self._to_scan(event.position)
        self.dragged.emit(handle, row - begin[0], column - begin[1])

    def _has_moved(self, event: Any, begin: tuple[float, float], point: tuple[float, float]) -> bool:
        """Whether the mouse has left where it was pressed by more than a hand trembles."""
        row, column = self._to_scan(event.position)
        return max(abs(row - begin[0]) / point[0], abs(column - begin[1]) / point[1]) > _TREMBLE


def _remove(viewer: Viewer | ViewerModel, layers: list[Layer]) -> None:
    """Remove layers, those that are still there."""
    for layer in layers:
        if layer in viewer.layers:
            viewer.layers.remove(layer)


def _new_layer(name: str, scan: Image) -> LayerData:
    """One of our two layers, empty."""
    settings = {"name": name, "metadata": signed(name), "opacity": 1.0, **place_of(scan)}
    if name == LINES:
        return np.zeros((0, 2, 2)), {**settings, "vector_style": "line", "ndim": 2}, "vectors"
    # Never empty: napari cannot colour the texts of no points.
    features = {"label": [""], "colour": ["black"]}
    text = {
        "string": {"feature": "label"},
        "color": {"feature": "colour"},
        "size": _TEXT_SIZE,
        "anchor": "center",
    }
    settings |= {"ndim": 2, "features": features, "feature_defaults": {"label": "", "colour": "black"}}
    return (
        np.zeros((1, 2)),
        {**settings, "text": text, "face_color": "transparent", "border_width": 0},
        "points",
    )


def _set_lines(layer: Any, grid: GridLines, view: View) -> None:
    """Put lines in the place of those that a layer shows."""
    segments = grid.segments()
    colours = _rgba([_LINE_COLOURS[kind] for _, _, kind in grid.lines])
    with at_once(layer):
        layer.edge_width = _LINE_WIDTH * min(view.point)
        layer.data = np.stack([segments[:, 0], segments[:, 1] - segments[:, 0]], axis=1)
        layer.edge_color = colours if len(colours) else "black"


def _set_texts(layer: Any, labels: list[Label], view: View) -> None:
    """Put texts in the place of those that a layer shows."""
    shift = {"left": 1, "centre": 0, "right": -1}
    half = _HALF_A_LETTER * view.point[1]
    places = [(label.row, label.column + shift[label.align] * half * len(label.text)) for label in labels]
    texts, colours = [label.text for label in labels], [_TEXT_COLOURS[label.kind] for label in labels]
    if not labels:
        places, texts, colours = [(view.top, view.left)], [""], ["black"]
    with layer.events.blocker_all():
        layer.data = np.array(places, np.float64).reshape(-1, 2)
        layer.features = {"label": texts, "colour": colours}
    layer.refresh(thumbnail=False)


def _rgba(colours: list[tuple[str, float]]) -> NDArray[np.float32]:
    """Colours and opacities as RGBA, float32 (colours, 4)."""
    rows = [[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] + [opacity] for colour, opacity in colours]
    return np.array(rows, np.float32).reshape(-1, 4)
