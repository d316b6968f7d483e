"""Choose the scan to work on: a combo box of the viewer's image layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

from napari_welllog.widgets.layers import RESULT
from napari_welllog.widgets.open_scan import OpenScan, open_scan
from napari_welllog.widgets.view import is_cleared, itself

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Image


class ImageChoice(QComboBox):
    """A combo box of the viewer's image layers, which follows what is added, removed, renamed and replaced.

    Parameters
    ----------
    viewer : the viewer whose images are offered.
    parent : the widget that it is part of.

    Attributes
    ----------
    changed : signal that another layer is chosen, or that the chosen one shows other data. Read `layer` and
        `scan` anew.
    """

    changed = Signal()

    def __init__(self, viewer: Viewer | ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        viewer = itself(viewer)
        self._viewer = viewer
        self._layers: list[Image] = []
        self._chosen: Image | None = None
        self.setToolTip("The scan to work on: an image layer of this window")
        # A long file name must not make the dock wide.
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.currentIndexChanged.connect(self._choose_index)
        events = viewer.layers.events
        events.inserted.connect(self._follow_layers)
        events.removed.connect(self._follow_layers)
        events.reordered.connect(self._follow_layers)
        self.destroyed.connect(_Disconnect(viewer, self._layers, self._follow_layers, self._tell_data))
        self._follow_layers()

    @property
    def layer(self) -> Image | None:
        """The chosen image layer; None while the viewer has none."""
        return self._chosen

    @layer.setter
    def layer(self, layer: Image | None) -> None:
        if layer is not None and layer in self._layers:
            self.setCurrentIndex(self._layers.index(layer))

    @property
    def scan(self) -> OpenScan | None:
        """What is known of the scan that the chosen layer shows; None while there is no layer."""
        return None if self._chosen is None else open_scan(self._chosen)

    def _follow_layers(self, event: Any = None) -> None:
        """Offer the images that the viewer now has, keeping the choice where it can be kept."""
        from napari.layers import Image

        images = [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, Image) and not layer.metadata.get(RESULT)
        ]
        for layer in self._layers:
            if layer not in images:
                layer.events.name.disconnect(self._follow_layers)
                layer.events.data.disconnect(self._tell_data)
        for layer in images:
            if layer not in self._layers:
                layer.events.name.connect(self._follow_layers)
                layer.events.data.connect(self._tell_data)
        # In place, because what disconnects at the end looks at this very list.
        self._layers[:] = images
        chosen = self._chosen if self._chosen in images else self._first_choice()
        self.blockSignals(True)
        self.clear()
        self.addItems([layer.name for layer in images])
        self.setCurrentIndex(images.index(chosen) if chosen is not None else -1)
        self.setEnabled(bool(images))
        self.setPlaceholderText("" if images else "open a scan first")
        self.blockSignals(False)
        self._choose(chosen)

    def _first_choice(self) -> Image | None:
        """The selected image, or else the lowest one, over which results lie."""
        active = self._viewer.layers.selection.active
        return active if active in self._layers else next(iter(self._layers), None)

    def _choose_index(self, index: int) -> None:
        """Choose what the user picked."""
        self._choose(self._layers[index] if 0 <= index < len(self._layers) else None)

    def _choose(self, layer: Image | None) -> None:
        """Remember the choice, and tell when it is another one."""
        if layer is not self._chosen:
            self._chosen = layer
            self.changed.emit()

    def _tell_data(self, event: Any = None) -> None:
        """Tell that the chosen layer shows other data."""
        if self._chosen is not None and (event is None or event.source is self._chosen):
            self.changed.emit()


class _Disconnect:
    """Lets the viewer and its layers forget a combo box that is destroyed."""

    def __init__(self, viewer: Any, layers: list[Image], follow: Any, tell: Any) -> None:
        self.viewer, self.layers, self.follow, self.tell = viewer, layers, follow, tell

    def __call__(self, _: Any = None) -> None:
        # Empty when Python collected it together with the combo box: then napari has forgotten the two already.
        if is_cleared(self) or is_cleared(self.viewer):
            return
        events = self.viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.disconnect(self.follow)
        for layer in self.layers:
            layer.events.name.disconnect(self.follow)
            layer.events.data.disconnect(self.tell)
