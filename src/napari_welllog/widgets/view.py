"""The viewer: what of a scan its canvas shows, and moving there; the layer's scale and place are minded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Layer

_LEAST_TEXT = 9.0
"""Points of the screen below which printed text cannot be read."""

_ROOM = 8.0
"""Heights of a text that are shown around it where the view has to come nearer."""


def itself(viewer: Viewer | ViewerModel) -> Any:
    """The viewer itself, where napari handed a plugin a proxy of it.

    Everything that comes out of the proxy is a proxy too: a layer would not be the layer that another widget knows.
    """
    return getattr(viewer, "__wrapped__", viewer)


def is_cleared(something: object) -> bool:
    """Whether Python has collected an object, or clears all as it exits: it is there but holds nothing any more.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> is_cleared(SimpleNamespace()), is_cleared(SimpleNamespace(layers=[]))
    (True, False)
    """
    return not vars(something)


def visible_rows(viewer: Viewer | ViewerModel, layer: Layer) -> tuple[float, float]:
    """First and last row of a layer that the canvas shows, whether or not the layer reaches there."""
    camera = viewer.scene.camera
    middle, half = np.asarray(camera.center[-2:], float), viewer.canvas.size[0] / camera.zoom / 2
    ends = [layer.world_to_data((middle[0] + side * half, middle[1]))[-2] for side in (-1, 1)]
    return float(min(ends)), float(max(ends))


def visible_columns(viewer: Viewer | ViewerModel, layer: Layer) -> tuple[float, float]:
    """First and last column of a layer that the canvas shows, whether or not the layer reaches there."""
    camera = viewer.scene.camera
    middle, half = np.asarray(camera.center[-2:], float), viewer.canvas.size[1] / camera.zoom / 2
    ends = [layer.world_to_data((middle[0], middle[1] + side * half))[-1] for side in (-1, 1)]
    return float(min(ends)), float(max(ends))


def show_rows(
    viewer: Viewer | ViewerModel, layer: Layer, rows: tuple[float, float], columns: tuple[float, float]
) -> None:
    """Zoom until the canvas holds these rows and columns of a layer."""
    corners = np.array(
        [layer.data_to_world((row, column)) for row, column in zip(rows, columns, strict=True)]
    )
    top, left = corners.min(axis=0)[-2:]
    bottom, right = corners.max(axis=0)[-2:]
    height, width = viewer.canvas.size
    viewer.scene.camera.center = ((top + bottom) / 2, (left + right) / 2)
    viewer.scene.camera.zoom = min(height / (bottom - top), width / (right - left))


def show_place(viewer: Viewer | ViewerModel, layer: Layer, place: tuple[float, float, float, float]) -> None:
    """Move the canvas to a text at top, bottom, left and right of a layer, near enough to read it."""
    top, bottom, left, right = place
    middle = layer.data_to_world(((top + bottom) / 2, (left + right) / 2))[-2:]
    first, last = visible_rows(viewer, layer)
    if (bottom - top) * viewer.canvas.size[0] < _LEAST_TEXT * (last - first):
        room = _ROOM * (bottom - top)
        show_rows(viewer, layer, (top - room, bottom + room), (left - room, right + room))
    viewer.scene.camera.center = tuple(middle)


def go_to_row(viewer: Viewer | ViewerModel, layer: Layer, row: float) -> None:
    """Move the canvas until a row of a layer is in its middle; zoom and column stay."""
    middle = viewer.scene.camera.center[-2:]
    column = layer.world_to_data(tuple(middle))[-1]
    down, across = layer.data_to_world((row, column))[-2:]
    viewer.scene.camera.center = (down, across)


@contextmanager
def still_camera(viewer: Viewer | ViewerModel) -> Iterator[None]:
    """Keep the camera where it is while the mouse drags something."""
    camera = viewer.scene.camera
    before, camera.mouse_pan = camera.mouse_pan, False
    try:
        yield
    finally:
        camera.mouse_pan = before


@contextmanager
def at_once(layer: Layer) -> Iterator[None]:
    """Let several changes of a layer be drawn as one, without a new thumbnail; napari draws after each."""
    blocked = getattr(layer, "_block_refresh", nullcontext)
    with layer.events.blocker_all(), blocked():
        yield
    layer.refresh(thumbnail=False)
