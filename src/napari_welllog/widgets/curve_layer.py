"""The curves of one track as a Shapes layer: drawn from traces, and what a hand does to it told as edits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_welllog.curves import LogCurve, Trace
from napari_welllog.edits import (
    Erase,
    Give,
    Redraw,
    curve_inside,
    moved_stretch,
    nearest_curve,
    points_of_line,
)
from napari_welllog.errors import EditsError
from napari_welllog.tracks import Track
from napari_welllog.widgets.layers import curves_layer, show_layer
from napari_welllog.writers import LOG_CURVES

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Image, Shapes

Tool = Literal["look", "move", "redraw", "erase", "give"]

MODES: dict[Tool, str] = {
    "look": "pan_zoom",
    "move": "direct",
    "redraw": "add_path",
    "erase": "add_rectangle",
    "give": "add_rectangle",
}
"""The mode of napari's Shapes layer that each tool uses."""

LONGEST_PATH = 1500
"""Rows of a path: a vertex of a short path follows the mouse more quickly."""


_Key = tuple[int, str, bytes]
"""What tells one drawn path from another: its curve, its state and its vertices."""


@dataclass(frozen=True)
class TrackCurves:
    """What one layer shows.

    Parameters
    ----------
    track : the track.
    traces : a Trace for each of its curves, edits applied.
    log_curves : the same in units.
    """

    track: Track
    traces: Sequence[Trace]
    log_curves: Sequence[LogCurve]

    def prepare(self) -> None:
        """Simplify the paths, which takes time, so that they are at hand when the layer is made."""
        curves_layer(zip(self.track.curves, self.traces, strict=True), longest=LONGEST_PATH)


class CurveLayer:
    """The Shapes layer of one track.

    Parameters
    ----------
    viewer : where to show it.
    over : the scan.
    curves : what to show.
    edited : called with an Edit when the user made one by hand in the layer.
    refused : called with an error when what the user did is no edit; the layer is drawn anew.
    """

    def __init__(
        self,
        viewer: Viewer | ViewerModel,
        over: Image,
        curves: TrackCurves,
        edited: Callable[[Redraw | Erase | Give], None],
        refused: Callable[[EditsError], None],
    ) -> None:
        self.curves = curves
        self.tool: Tool = "look"
        self.curve_class: int | None = None
        self.neighbours: Sequence[CurveLayer] = ()
        self._over, self._edited, self._refused = over, edited, refused
        self._quiet = False
        self._paths: list[NDArray[np.float64]] = []
        self._classes: list[int] = []
        self._drawn_keys: list[_Key] = []
        data, settings, kind = self._layer_data()
        self.layer: Shapes = show_layer(viewer, (data, settings, kind))
        self.layer.events.data.connect(self._on_data)
        self._remember(data, settings)

    @property
    def is_changed(self) -> bool:
        """Whether the layer holds other paths than were drawn last."""
        shapes = self.layer.data
        return len(shapes) != len(self._paths) or not all(map(np.array_equal, shapes, self._paths))

    def show(self, curves: TrackCurves) -> None:
        """Draw the curves anew in the same layer; mode, place and visibility stay, and so do unchanged paths."""
        self.curves = curves
        data, settings, _ = self._layer_data()
        wanted = {key: number for number, key in enumerate(_keys(data, settings))}
        kept, dropped = self._sorted_out(wanted)
        added = sorted(set(wanted.values()) - set(kept))
        with self._silently():
            self.layer.selected_data = set(dropped)
            self.layer.remove_selected()
            if added:
                self.layer.add(
                    [data[number] for number in added],
                    shape_type="path",
                    edge_width=[settings["edge_width"][number] for number in added],
                    edge_color=[settings["edge_color"][number] for number in added],
                    face_color="transparent",
                )
            self.layer.selected_data = set()
            order = [*kept, *added]
            features = {name: [values[k] for k in order] for name, values in settings["features"].items()}
            self.layer.features = features
            self.layer.metadata = settings["metadata"]
        self._remember([data[number] for number in order], {"features": features})

    def _sorted_out(self, wanted: dict[_Key, int]) -> tuple[list[int], list[int]]:
        """The wanted paths that are drawn already, in the layer's order, and the shapes that have to go."""
        shapes = self.layer.data
        if len(shapes) < len(self._paths):
            return [], list(range(len(shapes)))
        kept, dropped, left = [], list(range(len(self._paths), len(shapes))), dict(wanted)
        for number, (path, key) in enumerate(zip(self._paths, self._drawn_keys, strict=True)):
            if key in left and np.array_equal(path, shapes[number]):
                kept.append(left.pop(key))
            else:
                dropped.append(number)
        return kept, dropped

    def use(self, tool: Tool, curve_class: int | None = None) -> None:
        """Take up a tool for one curve, or for whichever lies nearest."""
        self.tool, self.curve_class = tool, curve_class
        self.layer.selected_data = set()
        self.layer.mode = MODES[tool]

    def release(self, closing: bool = False) -> None:
        """Stop watching the layer; unless its window closes, it can no longer be edited: nobody would keep that."""
        self.layer.events.data.disconnect(self._on_data)
        if closing:
            return
        self.layer.mode = "pan_zoom"
        self.layer.editable = False

    def _layer_data(self) -> Any:
        """What napari is to show."""
        curves = self.curves
        pairs = zip(curves.track.curves, curves.traces, strict=True)
        metadata = {LOG_CURVES: curves}
        return curves_layer(pairs, layer_name(curves.track), self._over, metadata, LONGEST_PATH)

    def _remember(self, paths: Sequence[NDArray[np.float64]], settings: dict[str, Any]) -> None:
        """Keep what was drawn, to see later what a hand changed."""
        # As napari holds them, which is with fewer digits.
        self._paths = [np.array(path) for path in self.layer.data]
        self._classes = list(settings["features"]["curve"])
        self._drawn_keys = _keys(paths, settings)

    @contextmanager
    def _silently(self) -> Iterator[None]:
        """Change the layer without taking that for the user's doing."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _on_data(self, event: Any) -> None:
        """Turn what the user did in the layer into an edit."""
        action = str(getattr(event, "action", ""))
        if self._quiet or action not in ("added", "changed", "removed"):
            return
        try:
            edits = self._edits_made(action)
        except EditsError as error:
            self._refused(error)
            return
        for edit in edits:
            self._edited(edit)

    def _edits_made(self, action: str) -> list[Redraw | Erase | Give]:
        """Tell what of the layer is no longer as it was drawn."""
        shapes = self.layer.data
        if action == "removed":
            return self._removed(shapes)
        if len(shapes) > len(self._paths):
            return [self._drawn(np.asarray(shapes[-1]))]
        edits: list[Redraw | Erase | Give] = []
        for before, after, curve_class in zip(self._paths, shapes, self._classes, strict=False):
            points = moved_stretch(before, after)
            if len(points) > 1:
                edits.append(_redraw(self.curves, curve_class, points))
        if action == "added" and not edits:
            raise EditsError("Nothing was drawn: hold the mouse button and draw down the scan.")
        return edits

    def _removed(self, shapes: Sequence[NDArray[np.float64]]) -> list[Redraw | Erase | Give]:
        """Erase the stretches whose paths were deleted."""
        left = [np.asarray(shape) for shape in shapes]
        edits: list[Redraw | Erase | Give] = []
        for path, curve_class in zip(self._paths, self._classes, strict=True):
            if left and np.array_equal(left[0], path):
                left.pop(0)
            else:
                rows = (round(float(path[0, 0])), round(float(path[-1, 0])))
                edits.append(Erase(track=self.curves.track.name, curve_class=curve_class, rows=rows))
        return edits

    def _drawn(self, vertices: NDArray[np.float64]) -> Redraw | Erase | Give:
        """What a newly drawn line or rectangle means; without a chosen curve the track is the one it lies on."""
        curves = self.curves if self.curve_class else self._curves_at(*vertices.mean(axis=0))
        if self.tool in ("erase", "give"):
            return self._rectangle(curves, vertices)
        points = points_of_line(vertices)
        if not points:
            raise EditsError("That line crosses no row: draw it down the scan, along the curve.")
        curve_class = self.curve_class or nearest_curve(curves.traces, points)
        return _redraw(curves, curve_class or curves.traces[0].curve_class, points)

    def _curves_at(self, row: float, column: float) -> TrackCurves:
        """The curves of the track at a place; this layer's own where there is none."""
        for curve_layer in (self, *self.neighbours):
            track = curve_layer.curves.track
            if track.top <= row <= track.bottom and 0 <= float(track.fractions(row, column)) <= 1:
                return curve_layer.curves
        return self.curves

    def _rectangle(self, curves: TrackCurves, vertices: NDArray[np.float64]) -> Erase | Give:
        """Erase or give away what lies in a rectangle."""
        top, left = vertices.min(axis=0)
        bottom, right = vertices.max(axis=0)
        trace = curves.traces[0]
        rows = (max(int(np.ceil(top)), trace.top), min(int(bottom), trace.top + len(trace.column) - 1))
        if rows[0] > rows[1]:
            raise EditsError("That rectangle lies outside the track: draw it over the curve.")
        curve_class = self.curve_class or curve_inside(curves.traces, rows, (left, right))
        if curve_class is None:
            raise EditsError("No curve of this track runs through that rectangle: draw it over the curve.")
        kind: type[Erase | Give] = Erase if self.tool == "erase" else Give
        return kind(track=curves.track.name, curve_class=curve_class, rows=rows)


def _redraw(curves: TrackCurves, curve_class: int, points: list[tuple[float, float]]) -> Redraw:
    """An edit that draws a stretch."""
    return Redraw(track=curves.track.name, curve_class=curve_class, points=points)


def layer_name(track: Track) -> str:
    """Name of the layer of a track's curves."""
    return f"curves of {track.name}"


def _keys(paths: Sequence[NDArray[np.float64]], settings: dict[str, Any]) -> list[_Key]:
    """What tells the paths apart."""
    features = settings["features"]
    return [
        (curve, state, path.tobytes())
        for path, curve, state in zip(paths, features["curve"], features["state"], strict=True)
    ]
