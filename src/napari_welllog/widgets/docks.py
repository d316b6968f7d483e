"""The docks of our widgets: in one place, as tabs, because one below the other leaves room for none."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QScrollArea, QWidget

_OURS = "napari-welllog"
"""Name of the property by which one of our widgets is known."""

_BAR_MARGINS = 4
"""Pixels beside a scroll bar in napari's style, of which its size hint says nothing."""


class ScrollColumn(QScrollArea):
    """A column of controls that scrolls where its dock is too low, and is never narrower than its controls.

    Parameters
    ----------
    inside : the controls.
    """

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inside)
        self._keep_whole()

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Follow the controls: how wide they are is known only when napari has given them its style."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._keep_whole()
        return bool(super().eventFilter(watched, event))

    def _keep_whole(self) -> None:
        """Be as wide as the controls at least."""
        inside, bar = self.widget(), self.verticalScrollBar()
        if inside is not None and bar is not None:
            self.setMinimumWidth(inside.minimumSizeHint().width() + bar.sizeHint().width() + _BAR_MARGINS)


def dock_of(widget: QWidget) -> QDockWidget | None:
    """The dock that a widget lies in."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent


def join_tabs(widget: QWidget) -> None:
    """Lay the dock of one of our widgets over the docks of the others, once: then the user may put it elsewhere."""
    if not widget.property(_OURS):
        widget.setProperty(_OURS, True)
        # Later, because napari shows a widget before it has put the dock in place.
        QTimer.singleShot(0, partial(_join_tabs, widget))


def put_beside(left: QWidget, right: QWidget, widths: tuple[int, int]) -> None:
    """Put the docks of two widgets side by side; docks that lie with the right one stay with it."""
    one, other = dock_of(left), dock_of(right)
    main = one.parentWidget() if one is not None else None
    if one is None or other is None or not isinstance(main, QMainWindow):
        return
    tabs = [*main.tabifiedDockWidgets(other), other]
    main.splitDockWidget(one, tabs[0], Qt.Orientation.Horizontal)
    for earlier, dock in pairwise(tabs):
        main.tabifyDockWidget(earlier, dock)
    other.raise_()
    main.resizeDocks([one, other], list(widths), Qt.Orientation.Horizontal)


def _join_tabs(widget: QWidget) -> None:
    """Make a tab of a dock."""
    if not isalive(widget):  # type: ignore[no-untyped-call]
        return
    dock = dock_of(widget)
    main = dock.parentWidget() if dock is not None else None
    if dock is None or dock.isFloating() or not isinstance(main, QMainWindow):
        return
    if any(_is_ours(other) for other in main.tabifiedDockWidgets(dock)):
        return
    for other in main.findChildren(QDockWidget):
        there = not other.isFloating() and not other.isHidden()
        same_side = main.dockWidgetArea(other) == main.dockWidgetArea(dock)
        if other is not dock and there and same_side and _is_ours(other):
            main.tabifyDockWidget(other, dock)
            dock.show()
            dock.raise_()
            return


def _is_ours(dock: QDockWidget) -> bool:
    """Whether a dock holds one of our widgets."""
    return any(child.property(_OURS) for child in dock.findChildren(QWidget))
