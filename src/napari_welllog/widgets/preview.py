"""What two networks make of what is in view, in one Labels layer that a key changes between before and after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_welllog.unet.regions import Region, clipped
from napari_welllog.widgets.class_layer import result_of, show_result_of
from napari_welllog.widgets.layers import class_map_layer, label_pyramid
from napari_welllog.widgets.view import visible_columns, visible_rows

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

PREVIEW = "classes in view"
"""The name by which our layer is known, whatever it is called by now."""

BEFORE, AFTER = "before training", "after training"

MOST_PIXELS = 1_500_000
"""Pixels of a view that are read at most: a second of a processor; of a larger view its middle."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What two networks make of a region.

    Parameters
    ----------
    region : the region.
    before, after : uint8 of its rows and columns; the classes by the network that training began with, and by
        the one that it has come to.
    """

    region: Region
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]


def region_in_view(viewer: Viewer | ViewerModel, layer: Image) -> Region | None:
    """The part of a scan that the canvas shows, or the middle of that where it is large; None where none is.

    Parameters
    ----------
    viewer : whose canvas it is.
    layer : the layer of the scan.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    spans = visible_rows(viewer, layer), visible_columns(viewer, layer)
    shape = data.shape[0], data.shape[1]
    ends = [
        (max(math.floor(first), 0), min(math.ceil(last) + 1, length))
        for (first, last), length in zip(spans, shape, strict=True)
    ]
    if any(first >= last for first, last in ends):
        return None
    columns = _middle(ends[1], round(MOST_PIXELS**0.5))
    rows = _middle(ends[0], MOST_PIXELS // (columns[1] - columns[0]))
    return clipped(Region(rows, columns), shape)


def _middle(span: tuple[int, int], most: int) -> tuple[int, int]:
    """A stretch, or its middle where it is longer than that.

    Examples
    --------
    >>> _middle((100, 200), 500), _middle((100, 200), 20)
    ((100, 200), (140, 160))
    """
    first, last = span
    if last - first <= most:
        return span
    start = (first + last - most) // 2
    return start, start + most


class PreviewLayer:
    """The Labels layer of what is in view, before or after.

    Nobody can paint in it, because it is multiscale: nothing that a user painted is ever overwritten.

    Parameters
    ----------
    viewer : where it is shown.
    scan : the image layer that is read.
    """

    def __init__(self, viewer: Viewer | ViewerModel, scan: Image) -> None:
        self.viewer, self.scan = viewer, scan
        self.reading: Reading | None = None
        self.shows_before = False
        self._closed = False

    def find(self) -> Labels | None:
        """The layer, if it is there."""
        return result_of(self.viewer, self.scan, PREVIEW)

    def show(self, reading: Reading) -> None:
        """Show a newer reading; a layer that the user closed meanwhile stays closed."""
        layer = self.find()
        self._closed |= self.reading is not None and layer is None
        if self._closed or self.scan not in self.viewer.layers:
            return
        moved = self.reading is None or self.reading.region != reading.region
        self.reading = reading
        if layer is None:
            self._hide_class_map()
        if layer is None or moved:
            layer = show_result_of(self.viewer, self.scan, self._layer_data(reading))
        self._draw(layer)

    def open_again(self) -> None:
        """Show the layer with the next reading also if the user closed it."""
        self._closed = False
        self.reading = None if self.find() is None else self.reading

    def flip(self) -> None:
        """Change between before and after."""
        layer = self.find()
        if layer is not None and self.reading is not None:
            self.shows_before = not self.shows_before
            layer.visible = True
            self._draw(layer)

    def _draw(self, layer: Labels) -> None:
        """Put the classes to be shown into the layer, in place."""
        assert self.reading is not None
        labels = self.reading.before if self.shows_before else self.reading.after
        for level, newer in zip(layer.data, _levels(labels), strict=True):
            level[:] = newer
        layer.name = BEFORE if self.shows_before else AFTER
        layer.refresh(extent=False)

    def _layer_data(self, reading: Reading) -> Any:
        """A layer of the region, where it belongs on the scan."""
        _, settings, kind = class_map_layer(np.zeros((1, 1), np.uint8), PREVIEW, self.scan)
        corner = reading.region.rows[0], reading.region.columns[0]
        settings |= {"translate": self.scan.data_to_world(corner)[-2:], "multiscale": True}
        return _levels(np.zeros_like(reading.after)), settings, kind

    def _hide_class_map(self) -> None:
        """Hide the class map of *Segment scan*, under which before and after would look alike."""
        class_map = result_of(self.viewer, self.scan, "classes")
        if class_map is not None:
            class_map.visible = False


def _levels(labels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The levels of a multiscale layer, two at least: napari takes a single one for one to paint in."""
    levels = [level.copy() for level in label_pyramid(labels)]
    if len(levels) == 1:
        padded = np.pad(labels, ((0, labels.shape[0] % 2), (0, 0)))
        levels.append(np.maximum(padded[::2], padded[1::2]))
    return levels
