"""Follow what happens elsewhere without holding on to it: the canvas, and the scan that is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_welllog.widgets.layer_choice import ImageChoice
from napari_welllog.widgets.open_scan import OpenScan
from napari_welllog.widgets.view import is_cleared

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel

_PAUSE = 30
"""Milliseconds after the canvas moved until a plot follows: often enough to look alive."""


class CameraWatch:
    """Does something when the canvas has moved, but not at each of its steps.

    Parameters
    ----------
    viewer : whose canvas to follow.
    owner : the widget that follows it; the canvas is let go when that is destroyed.
    act : what to do.
    """

    def __init__(self, viewer: Viewer | ViewerModel, owner: QWidget, act: Callable[[], Any]) -> None:
        self._timer = QTimer(owner)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(act)
        self._events = (viewer.scene.camera.events.center, viewer.scene.camera.events.zoom)
        for event in self._events:
            event.connect(self._act_soon)
        owner.destroyed.connect(_Disconnect(self._events, self._act_soon))

    def _act_soon(self, event: Any = None) -> None:
        """Act within a moment; what moves until then is one move."""
        if not self._timer.isActive():
            self._timer.start()


class _Disconnect:
    """Lets the camera forget what followed it."""

    def __init__(self, events: Any, follow: Any) -> None:
        self.events, self.follow = events, follow

    def __call__(self, _: Any = None) -> None:
        # Empty when Python collected it together with the widget: then the camera has forgotten it already.
        if is_cleared(self):
            return
        for event in self.events:
            event.disconnect(self.follow)


class ScanWatch:
    """Does something when another scan is chosen, or when its calibration or its class map changes.

    Parameters
    ----------
    choice : where the scan is chosen.
    act : what to do.
    """

    def __init__(self, choice: ImageChoice, act: Callable[[], Any]) -> None:
        self._choice, self._act = choice, act
        self._scan: OpenScan | None = None
        # Kept, because each access makes another bound method.
        self._slot = self._on_change
        choice.changed.connect(self.follow)

    def follow(self) -> None:
        """Follow the scan that is now chosen."""
        self.let_go()
        self._scan = self._choice.scan
        if self._scan is not None:
            self._scan.tracks_changed.connect(self._slot)
            self._scan.class_map_changed.connect(self._slot)
        self._act()

    def let_go(self) -> None:
        """Follow no scan any more."""
        if self._scan is not None:
            for signal in (self._scan.tracks_changed, self._scan.class_map_changed):
                signal.disconnect(self._slot, missing_ok=True)
        self._scan = None

    def _on_change(self, _: Any) -> None:
        """Act on what has changed of the scan."""
        self._act()
