"""A hand on the mouse, for tests in a real viewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_welllog.widgets.annotations_in_use import ANNOTATIONS_IN_USE


class Mouse:
    """Moves over the canvas of a viewer as a hand does, told where in rows and columns of the scan."""

    def __init__(self, viewer: Any, qtbot: Any) -> None:
        self.qtbot = qtbot
        self.viewer, self.canvas = viewer, viewer.window._qt_viewer.canvas.native

    def place(self, row: float, column: float) -> QPointF:
        camera = self.viewer.scene.camera
        size = np.array([self.canvas.height(), self.canvas.width()])
        y, x = (np.array([row, column]) - camera.center[-2:]) * camera.zoom + size / 2
        return QPointF(float(x), float(y))

    def send(self, kind: Any, at: tuple[float, float], held: Any = Qt.MouseButton.LeftButton) -> None:
        pressed = kind != QMouseEvent.Type.MouseMove
        button = Qt.MouseButton.LeftButton if pressed else Qt.MouseButton.NoButton
        place = self.place(*at)
        event = QMouseEvent(
            kind,
            place,
            QPointF(self.canvas.mapToGlobal(QPoint(round(place.x()), round(place.y())))),
            button,
            held,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.canvas, event)

    def click(self, row: float, column: float) -> None:
        self.drag((row, column))

    def drag(self, *way: tuple[float, float]) -> None:
        self.send(QMouseEvent.Type.MouseMove, way[0], Qt.MouseButton.NoButton)
        self.send(QMouseEvent.Type.MouseButtonPress, way[0])
        for place in way[1:]:
            self.qtbot.wait(30)  # the canvas drops moves that come faster than a hand makes them
            self.send(QMouseEvent.Type.MouseMove, place)
        self.qtbot.wait(30)
        self.send(QMouseEvent.Type.MouseButtonRelease, way[-1], Qt.MouseButton.NoButton)

    def double_click(self, row: float, column: float) -> None:
        self.click(row, column)
        self.send(QMouseEvent.Type.MouseButtonDblClick, (row, column))
        self.send(QMouseEvent.Type.MouseButtonRelease, (row, column), Qt.MouseButton.NoButton)


@pytest.fixture
def hand_on(qtbot) -> Callable[[Any], Mouse]:
    """Takes the mouse of a viewer."""
    return lambda viewer: Mouse(viewer, qtbot)


@pytest.fixture(autouse=True)
def no_annotations_in_use(monkeypatch) -> None:
    """Each test begins as a session does: nobody has annotated yet."""
    monkeypatch.setattr(ANNOTATIONS_IN_USE, "path", None)
