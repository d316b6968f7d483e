"""The Labels layer of a scan's class map: made once, then updated in place, tile by tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_welllog.scan import PYRAMID_ROWS
from napari_welllog.widgets.layers import LayerData, class_map_layer, paste_labels, signature_of
from napari_welllog.widgets.view import visible_columns, visible_rows

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

OF_SCAN = "scan layer"
"""Key of a result layer's metadata: the identity of the image layer that it was made from."""


def result_of(viewer: Viewer | ViewerModel, scan: Layer, name: str) -> Layer | None:
    """Find our layer of a name that was made from a scan, whatever it is called by now."""
    identity = str(scan.unique_id)
    return next(
        (
            layer
            for layer in viewer.layers
            if signature_of(layer) == name and layer.metadata.get(OF_SCAN) == identity
        ),
        None,
    )


def show_result_of(viewer: Viewer | ViewerModel, scan: Layer, layer_data: LayerData) -> Layer:
    """Put a result of a scan into the viewer, right above it and in the place of an earlier one."""
    data, settings, kind = layer_data
    settings = settings | {"metadata": settings["metadata"] | {OF_SCAN: str(scan.unique_id)}}
    earlier = result_of(viewer, scan, settings["name"])
    selected = list(viewer.layers.selection)
    if earlier is None:
        index = viewer.layers.index(scan) + 1
    else:
        index = viewer.layers.index(earlier)
        settings |= {"visible": earlier.visible, "opacity": earlier.opacity}
        viewer.layers.remove(earlier)
    layer: Layer = getattr(viewer, f"add_{kind}")(data, **settings)
    if viewer.layers.index(layer) != index:
        viewer.layers.move(viewer.layers.index(layer), index)
    # What the user works on stays selected.
    viewer.layers.selection = [one for one in selected if one in viewer.layers]
    return layer


class ClassLayer:
    """The Labels layer of one scan's class map.

    It is multiscale even when the scan is short, for two reasons: its levels are updated in place, and nobody can
    paint in it, so that nothing which a user painted is ever overwritten.

    Parameters
    ----------
    viewer : where it is shown.
    scan : the image layer that the class map was made from.
    shape : rows and columns of the scan.
    """

    def __init__(self, viewer: Viewer | ViewerModel, scan: Image, shape: tuple[int, int]) -> None:
        self.viewer, self.scan, self.shape = viewer, scan, shape
        self.is_shown = False

    def find(self) -> Labels | None:
        """The layer, if it is there and still as we made it."""
        layer = result_of(self.viewer, self.scan, "classes")
        if layer is None or not layer.multiscale or tuple(layer.data[0].shape) != tuple(self.shape):
            return None
        return layer

    def paste(self, rows: tuple[int, int], columns: tuple[int, int], labels: NDArray[np.uint8]) -> None:
        """Show the labels of a rectangle; the layer is made with the first, and not again if it is closed."""
        layer = self.find()
        if layer is None:
            if self.is_shown:
                return
            layer = self._make()
        self.is_shown = True
        paste_labels(layer.data, rows, columns, labels)
        if self._is_in_view(layer, rows, columns):
            layer.refresh(extent=False, thumbnail=False, highlight=False)

    def settle(self) -> None:
        """Bring up to date what is not worth it while tiles arrive: the little picture in the layer list."""
        layer = self.find()
        if layer is not None:
            layer.refresh(extent=False)

    def _make(self) -> Labels:
        """Add the layer, with no curves in it yet."""
        levels = [np.zeros(self.shape, np.uint8)]
        # napari takes a single level for a layer that can be painted in.
        while levels[-1].shape[0] > PYRAMID_ROWS or len(levels) < 2:
            levels.append(np.zeros((-(-levels[-1].shape[0] // 2), self.shape[1]), np.uint8))
        _, settings, kind = class_map_layer(np.zeros((1, 1), np.uint8), over=self.scan)
        return show_result_of(self.viewer, self.scan, (levels, settings | {"multiscale": True}, kind))

    def _is_in_view(self, layer: Labels, rows: tuple[int, int], columns: tuple[int, int]) -> bool:
        """Whether the canvas shows a part of a rectangle."""
        seen = visible_rows(self.viewer, layer), visible_columns(self.viewer, layer)
        return all(
            own[0] <= end[1] and end[0] <= own[1] for own, end in zip((rows, columns), seen, strict=True)
        )
