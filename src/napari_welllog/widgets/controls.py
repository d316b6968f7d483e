"""Small controls that every widget puts together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget


def make_button(text: str, tip: str, act: Callable[[], Any]) -> QPushButton:
    """A button with a tooltip that does something when it is clicked."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.clicked.connect(lambda: act())
    return made


def side_by_side(*widgets: QWidget) -> QHBoxLayout:
    """A layout of widgets side by side."""
    layout = QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget)
    return layout
