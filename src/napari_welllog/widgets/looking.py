"""Which rows of a window a person has looked at: those that were in view for more than a moment."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_welllog.widgets.view import visible_columns, visible_rows
from napari_welllog.widgets.window_layer import WindowLayer

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Labels

_TICK = 250
_LOOKS = 5
"""Looks in a row that must find a row in view: a second."""

SMALLEST_ROW = 0.5
"""Points of the screen that a row must be high to be seen: a whole log at once is looked over, not at."""


class Looking(QObject):
    """Watches which rows of a window stay in view.

    Parameters
    ----------
    viewer : the viewer whose canvas it is.
    window : gives the window that is worked on, if there is one.

    Attributes
    ----------
    seen : signal of the window, and the first and last of its rows that were in view for a second.
    """

    seen = Signal(object, int, int)

    def __init__(
        self, viewer: Viewer | ViewerModel, window: Callable[[], WindowLayer | None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer, self._window = viewer, window
        self._looks: deque[tuple[int, int]] = deque(maxlen=_LOOKS)
        self._looked_at: WindowLayer | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    def look(self) -> None:
        """See what is in view now."""
        window = self._window()
        if window is not self._looked_at:
            self._looked_at = window
            self._looks.clear()
        rows = None if window is None else rows_in_view(self._viewer, window.layer)
        if rows is None:
            self._looks.clear()
            return
        self._looks.append(rows)
        first, last = max(low for low, _ in self._looks), min(high for _, high in self._looks)
        if len(self._looks) == _LOOKS and first <= last:
            self.seen.emit(window, first, last)


def rows_in_view(viewer: Viewer | ViewerModel, layer: Labels) -> tuple[int, int] | None:
    """First and last row of a layer that can be seen on the canvas; None if none can."""
    top, bottom = visible_rows(viewer, layer)
    left, right = visible_columns(viewer, layer)
    rows, columns = layer.data.shape[-2:]
    is_large = viewer.canvas.size[0] >= SMALLEST_ROW * (bottom - top)
    first, last = max(round(top), 0), min(round(bottom), rows - 1)
    is_there = layer.visible and first <= last and left < columns and right > 0
    return (first, last) if is_there and is_large else None
