"""The scan line on the canvas, which the mouse drags, and the follower's path down to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_welllog.followers import FollowedPath, Verdict
from napari_welllog.overlay import AMBIGUOUS_COLOUR, FOLLOWER_COLOUR
from napari_welllog.widgets.layers import SIGNATURE, our_layer, place_of, show_layer, signed
from napari_welllog.widgets.view import at_once, still_camera

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

Floats = NDArray[np.float64]

LINE, PATH = "scan line", "follower"
"""Names of our two layers."""

_REACH = 7.0
"""Points of the screen from which the mouse takes hold of the line."""

_TREMBLE = 2.5
"""Points of the screen that a mouse may move in a click."""

_LINE_COLOUR = "#202020"
_LINE_WIDTH, _PATH_WIDTH = 2.0, 5.0
_START = 6
_PAUSE = 60
_NEAR_ENOUGH = 0.3


class ScanLine(QObject):
    """A line across the scan at one row, and where a follower went until there.

    The path is made once and cut off at the line by a clipping plane, so that dragging costs no more on a path of
    twenty thousand rows than on one of twenty.

    Parameters
    ----------
    viewer : the viewer whose canvas it is.

    Attributes
    ----------
    dragged : signal of the row to which the mouse has dragged the line.
    clicked : signal of a click, with row and column, while `wants_click` is set.
    wants_click : whether the next click on the canvas is told.
    """

    dragged = Signal(float)
    clicked = Signal(float, float)

    def __init__(self, viewer: Viewer | ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._scan: Image | None = None
        self._columns = (0.0, 1.0)
        self._segments, self._ambiguous = np.zeros((0, 2, 2)), np.zeros(0, bool)
        self.row = 0.0
        self.wants_click = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._fit_widths)
        self._zoom = viewer.scene.camera.events.zoom
        self._zoom.connect(self._fit_soon)
        # Kept, because each access makes another bound method, and only the same one can be taken away again.
        self._callbacks = (self._on_drag, self._on_move)
        viewer.mouse_drag_callbacks.append(self._callbacks[0])
        viewer.mouse_move_callbacks.append(self._callbacks[1])

    def disconnect_viewer(self) -> None:
        """Let the viewer forget the line."""
        with suppress(RuntimeError):  # Qt has deleted it already
            self._timer.stop()
        with suppress(ValueError, RuntimeError):
            self._zoom.disconnect(self._fit_soon)
        for callbacks, own in zip(
            (self._viewer.mouse_drag_callbacks, self._viewer.mouse_move_callbacks),
            self._callbacks,
            strict=True,
        ):
            with suppress(ValueError):
                callbacks.remove(own)

    # --- Showing ---

    def show(self, scan: Image, columns: tuple[float, float], path: FollowedPath | None) -> None:
        """Show the line over columns of a scan, and where a follower went."""
        if scan is not self._scan:
            self.hide()
        self._scan, self._columns = scan, columns
        self._segments, self._ambiguous = path_segments(path)
        self._draw_path()
        self.move_to(self.row)

    def move_to(self, row: float) -> None:
        """Move the line to a row, and show the path down to there."""
        self.row = row
        if self._scan is None or self._scan not in self._viewer.layers:
            return
        line = self._layer(LINE)
        left, right = self._columns
        with at_once(line):
            line.data = np.array([[[row, left], [0.0, right - left]]])
        path = our_layer(self._viewer, PATH)
        if path is not None and path.experimental_clipping_planes:
            path.experimental_clipping_planes[0].position = (0.0, row, 0.0)

    def hide(self) -> None:
        """Take our layers away, within a moment: napari may be in the middle of removing the scan's own layer."""
        self._scan = None
        gone = [layer for name in (LINE, PATH) if (layer := our_layer(self._viewer, name)) is not None]
        for layer in gone:
            layer.metadata.pop(SIGNATURE, None)  # no longer ours: the next scan gets its own
        if gone:
            QTimer.singleShot(0, partial(_remove, self._viewer, gone))

    def _layer(self, name: str) -> Any:
        """One of our layers, made where it is missing; it takes the mouse from no other."""
        layer = our_layer(self._viewer, name)
        if layer is None:
            selected = set(self._viewer.layers.selection)
            settings = {
                "name": name,
                "metadata": signed(name),
                "opacity": 1.0,
                "ndim": 2,
                "vector_style": "line",
                "edge_color": _LINE_COLOUR,
                **place_of(self._scan),
            }
            layer = show_layer(self._viewer, (np.zeros((0, 2, 2)), settings, "vectors"))
            layer.edge_width = self._point() * (_LINE_WIDTH if name == LINE else _PATH_WIDTH)
            self._viewer.layers.selection = selected & set(self._viewer.layers)
        return layer

    def _draw_path(self) -> None:
        """Put the path in the place of the one that was shown."""
        if self._scan is None or self._scan not in self._viewer.layers:
            return
        layer = self._layer(PATH)
        colours = np.array([_rgba(FOLLOWER_COLOUR), _rgba(AMBIGUOUS_COLOUR)])
        with at_once(layer):
            layer.data = self._segments
            layer.edge_color = colours[self._ambiguous.astype(int)] if len(self._segments) else "black"
        layer.experimental_clipping_planes = [
            {"position": (0.0, self.row, 0.0), "normal": (0.0, -1.0, 0.0), "enabled": True}
        ]

    def _point(self) -> float:
        """Rows of the scan in a point of the screen."""
        assert self._scan is not None
        ends = [self._scan.world_to_data((row, 0.0))[-2] for row in (0.0, 1 / self._viewer.scene.camera.zoom)]
        return abs(float(ends[1] - ends[0]))

    def _fit_soon(self, event: Any = None) -> None:
        """Make the lines as thick as they were on the screen, once the zoom rests."""
        if self._scan is not None:
            self._timer.start()

    def _fit_widths(self) -> None:
        """Make the lines as thick on the screen as they shall be."""
        if self._scan is None or self._scan not in self._viewer.layers:
            return
        for name, width in ((LINE, _LINE_WIDTH), (PATH, _PATH_WIDTH)):
            layer = our_layer(self._viewer, name)
            if layer is not None:
                with at_once(layer):
                    layer.edge_width = width * self._point()

    # --- The mouse ---

    def _to_scan(self, position: Any) -> tuple[float, float]:
        """Row and column of the scan at a place in the world."""
        assert self._scan is not None
        row, column = self._scan.world_to_data(position)[-2:]
        return float(row), float(column)

    def _mouse_is_free(self) -> bool:
        """Whether the mouse is there for looking, not taken by a brush or a shape."""
        active = self._viewer.layers.selection.active
        return self._scan is not None and str(getattr(active, "mode", "pan_zoom")) == "pan_zoom"

    def _is_near(self, position: Any) -> bool:
        """Whether the mouse is near enough to take hold of the line."""
        row, column = self._to_scan(position)
        left, right = self._columns
        return abs(row - self.row) <= _REACH * self._point() and left <= column <= right

    def _on_move(self, viewer: Any, event: Any) -> None:
        """Show by the pointer that the line can be dragged."""
        active = self._viewer.layers.selection.active
        if active is not None and self._mouse_is_free():
            active.cursor = "pointing" if self._is_near(event.position) else "standard"

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None]:
        """Drag the line, or tell a click."""
        if event.button != 1 or not self._mouse_is_free():
            return
        if self._is_near(event.position):
            with still_camera(self._viewer):
                yield
                # The canvas drops moves that come too fast, so where the mouse is let go counts too.
                while event.type == "mouse_move":
                    self.dragged.emit(self._to_scan(event.position)[0])
                    yield
            self.dragged.emit(self._to_scan(event.position)[0])
        elif self.wants_click:
            begin, point, moved = self._to_scan(event.position), self._point(), False
            yield
            while event.type == "mouse_move":
                row, column = self._to_scan(event.position)
                moved = moved or max(abs(row - begin[0]), abs(column - begin[1])) > _TREMBLE * point
                yield
            if not moved:
                self.clicked.emit(*begin)


def path_segments(path: FollowedPath | None) -> tuple[Floats, NDArray[np.bool_]]:
    """A path as lines from place to place, and which of them have an ambiguous verdict.

    Stretches of one verdict are straightened where an eye would not see it, and the start is marked by a bar.

    Parameters
    ----------
    path : FollowedPath or None
        Where a follower went; None for no lines.

    Returns
    -------
    float64 (lines, 2, 2) of begin and way, in rows and columns, and bool (lines,).

    Examples
    --------
    >>> from napari_welllog import follow
    >>> pixels = np.full((60, 80), 255, np.uint8); pixels[:, 40:43] = 0
    >>> segments, ambiguous = path_segments(follow(pixels, (0, 41), "nearest"))
    >>> segments.tolist(), bool(ambiguous.any())
    ([[[0.0, 35.0], [0.0, 12.0]], [[0.0, 41.0], [59.0, 0.0]]], False)
    """
    if path is None or not np.isfinite(path.column[:1]).all():
        return np.zeros((0, 2, 2)), np.zeros(0, bool)
    begins = [np.array([[path.top, path.column[0] - _START]], float)]
    ways = [np.array([[0.0, 2.0 * _START]])]
    ambiguous = [np.zeros(1, bool)]
    points = np.stack([path.rows.astype(float), path.column], axis=1)
    for first, end in _stretches(path.verdict):
        if path.verdict[first] == Verdict.LOST:
            continue
        # Each stretch begins where the one before it ended, so that no gap is seen.
        stretch = points[max(first - 1, 0) : end]
        stretch = _straightened(stretch[np.isfinite(stretch[:, 1])])
        begins.append(stretch[:-1])
        ways.append(np.diff(stretch, axis=0))
        ambiguous.append(np.full(len(stretch) - 1, path.verdict[first] == Verdict.AMBIGUOUS))
    return np.stack([np.concatenate(begins), np.concatenate(ways)], axis=1), np.concatenate(ambiguous)


def _stretches(verdict: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """First and one past the last element of each stretch of one verdict."""
    edges = [0, *(np.flatnonzero(np.diff(verdict)) + 1).tolist(), len(verdict)]
    return list(pairwise(edges))


def _straightened(points: Floats) -> Floats:
    """A line of fewer points."""
    if len(points) < 3:
        return points
    from skimage.measure import approximate_polygon  # late: it loads for a second

    return np.asarray(approximate_polygon(points, _NEAR_ENOUGH), np.float64)  # type: ignore[no-untyped-call]


def _rgba(colour: str) -> tuple[float, ...]:
    """A colour as red, green, blue and opacity."""
    return (*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)), 1.0)


def _remove(viewer: Viewer | ViewerModel, layers: list[Layer]) -> None:
    """Remove layers, those that are still there."""
    for layer in layers:
        if layer in viewer.layers:
            viewer.layers.remove(layer)
