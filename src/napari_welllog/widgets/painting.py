"""The tools that paint in a window: which one the mouse holds, and what it does on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_welllog.strokes import Change, InkBrush, swap_curves
from napari_welllog.strokes.ink_brush import DARKNESS
from napari_welllog.widgets.keys import bind
from napari_welllog.widgets.window_layer import WindowLayer

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Labels

MOVE, BRUSH, INK_BRUSH, STRAND, SWAP = "Move", "Brush", "Ink brush", "Strand", "Swap"
TOOLS = {
    MOVE: "Move over the scan; with every other tool, hold Space for that",
    BRUSH: "napari's own brush: every pixel under it gets the class",
    INK_BRUSH: "Paint roughly along a curve: only the ink under the brush gets the class; background rubs out all",
    STRAND: "Click on a strand: all of it, up to the next crossing, gets the class",
    SWAP: "Drag a box: in it curve one becomes curve two and the other way round",
}
"""What each tool does, for its tooltip."""

_MODES = {MOVE: "pan_zoom", BRUSH: "paint"}
_CURSORS = {INK_BRUSH: "circle", STRAND: "cross", SWAP: "cross"}
_OWN_MODE = "pick"
"""napari's mode while our tools are in the hand: in it the mouse neither moves nor zooms the canvas."""

_RADIUS = 6


class PaintingTools(QObject):
    """The tools, on the window that is worked on.

    Parameters
    ----------
    viewer : the viewer whose canvas it is.
    keys : keys to bind while the window's layer is active, by their names in the table.

    Attributes
    ----------
    tool_changed : signal of the tool in the hand; empty for a mode of napari that is none of ours.
    class_changed : signal of the class that is painted.
    radius_changed : signal of the brush's radius.
    strand_clicked : signal of a click, with its row and column in the window.
    brush : the ink brush of the window; None while there is no window.
    darkness, grid_lines : how the ink brush tells ink.
    """

    tool_changed = Signal(str)
    class_changed = Signal(int)
    radius_changed = Signal(int)
    strand_clicked = Signal(float, float)

    def __init__(
        self, viewer: Viewer | ViewerModel, keys: dict[str, Callable[[], Any]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer, self._keys = viewer, keys
        self.window: WindowLayer | None = None
        self.brush: InkBrush | None = None
        self.tool, self.curve_class, self.radius = INK_BRUSH, 1, _RADIUS
        self.darkness, self.grid_lines = DARKNESS, False
        self._unbind: list[Callable[[], None]] = []
        self._is_ours = False
        # Kept, because each access makes another bound method, and only the same one can be taken away again.
        self._callback = self._on_drag

    # --- Which window and which tool ---

    def take(self, window: WindowLayer | None) -> None:
        """Work on a window; None lets go of the one before."""
        if window is self.window:
            return
        self.let_go()
        self.window = window
        self.brush = None if window is None else InkBrush(window.pixels, self.darkness, self.grid_lines)
        if window is None:
            return
        layer = window.layer
        self._unbind = [bind(layer, self._keys)]
        layer.mouse_drag_callbacks.append(self._callback)
        for emitter, slot in self._slots(layer):
            emitter.connect(slot)
        layer.selected_label, layer.brush_size = self.curve_class, 2 * self.radius
        self.choose(self.tool or MOVE)

    def let_go(self) -> None:
        """Leave the window's layer as napari made it."""
        if self.window is None:
            return
        layer, self.window, self.brush = self.window.layer, None, None
        for unbind in self._unbind:
            unbind()
        self._unbind = []
        layer.bind_key("Space", None, overwrite=True)
        with suppress(ValueError):
            layer.mouse_drag_callbacks.remove(self._callback)
        for emitter, slot in self._slots(layer):
            emitter.disconnect(slot)

    def choose(self, tool: str) -> None:
        """Take a tool into the hand; the window's layer becomes the active one."""
        self.tool = tool
        if self.window is not None:
            layer = self.window.layer
            if layer in self._viewer.layers and self._viewer.layers.selection.active is not layer:
                self._viewer.layers.selection.active = layer
            self._hold(layer)
        self.tool_changed.emit(tool)

    def choose_class(self, curve_class: int) -> None:
        """Paint another class."""
        self.curve_class = curve_class
        if self.window is not None:
            self.window.layer.selected_label = curve_class
        self.class_changed.emit(curve_class)

    def choose_radius(self, radius: int) -> None:
        """Make both brushes wider or narrower."""
        self.radius = radius
        if self.window is not None:
            self.window.layer.brush_size = 2 * radius

    def choose_ink(self, darkness: float, grid_lines: bool) -> None:
        """Tell ink in another way."""
        self.darkness, self.grid_lines = darkness, grid_lines
        if self.window is not None:
            self.brush = InkBrush(self.window.pixels, darkness, grid_lines)

    def _slots(self, layer: Labels) -> list[tuple[Any, Callable[[Any], None]]]:
        """What of the layer is followed, and by what."""
        events = layer.events
        return [
            (events.mode, self._on_mode),
            (events.selected_label, self._on_class),
            (events.brush_size, self._on_brush_size),
        ]

    def _hold(self, layer: Labels) -> None:
        """Give the mouse to the tool: to napari, or to us; with a tool of ours, Space moves the canvas."""
        is_own = self.tool in _CURSORS
        self._is_ours = True
        layer.mode = _OWN_MODE if is_own else _MODES[self.tool]
        self._is_ours = False
        if is_own and str(layer.mode) == _OWN_MODE:
            # What napari does in this mode would choose the class under the mouse.
            own = [
                callback
                for callback in layer.mouse_drag_callbacks
                if getattr(callback, "__name__", "") != _OWN_MODE
            ]
            layer.mouse_drag_callbacks[:] = own
            layer.cursor = _CURSORS[self.tool]
        layer.bind_key("Space", self._move_while_held if is_own else None, overwrite=True)

    def _move_while_held(self, layer: Labels) -> Iterator[None]:
        """Move the canvas while a key is held."""
        tool = self.tool
        self.choose(MOVE)
        yield
        self.choose(tool)

    def _on_mode(self, event: Any) -> None:
        """Follow napari's own buttons."""
        if self._is_ours or self.window is None:
            return
        layer = self.window.layer
        self.tool = {mode: tool for tool, mode in _MODES.items()}.get(str(layer.mode), "")
        layer.bind_key("Space", None, overwrite=True)
        self.tool_changed.emit(self.tool)

    def _on_class(self, event: Any) -> None:
        """Follow napari's own choice of a label."""
        if self.window is not None:
            self.curve_class = int(self.window.layer.selected_label)
            self.class_changed.emit(self.curve_class)

    def _on_brush_size(self, event: Any) -> None:
        """Follow napari's own brush size."""
        if self.window is not None:
            self.radius = max(round(self.window.layer.brush_size / 2), 1)
            self.radius_changed.emit(self.radius)

    # --- What the mouse does ---

    def apply(self, change: Change) -> None:
        """Make a change in the layer, through its own history so that it can be undone."""
        if self.window is None or len(change) == 0:
            return
        layer = self.window.layer
        with layer.block_history():
            layer.data_setitem(change.indices, change.values)

    def _on_drag(self, layer: Labels, event: Any) -> Iterator[None]:
        """Do what the tool in the hand does."""
        is_ready = self.window is not None and self.window.layer is layer and layer.editable and layer.visible
        if event.button != 1 or not is_ready:
            return
        if self.tool == INK_BRUSH:
            yield from self._paint_ink(layer, event)
        elif self.tool == STRAND:
            self.strand_clicked.emit(*_place(layer, event))
        elif self.tool == SWAP:
            yield from self._drag_box(layer, event)

    def _paint_ink(self, layer: Labels, event: Any) -> Iterator[None]:
        """Paint along the way of the mouse; the whole of it is undone at once."""
        at = _place(layer, event)
        with layer.block_history():
            self._ink(layer, [at])
            yield
            while event.type == "mouse_move":
                before, at = at, _place(layer, event)
                self._ink(layer, [before, at])
                yield
            # The canvas drops moves that come too fast, so where the mouse is let go counts too.
            self._ink(layer, [at, _place(layer, event)])

    def _ink(self, layer: Labels, points: list[tuple[float, float]]) -> None:
        """Paint a part of a stroke."""
        if self.brush is None:
            return
        change = self.brush.stroke(layer.data, points, self.radius, self.curve_class)
        if layer.preserve_labels and self.curve_class:
            change = _on_background(change)
        if len(change):
            layer.data_setitem(change.indices, change.values)

    def _drag_box(self, layer: Labels, event: Any) -> Iterator[None]:
        """Swap the curves in the box that the mouse drags."""
        begin, corner = _place(layer, event), event.pos[::-1]
        # napari's own box of zooming; where it is not, the box is dragged unseen.
        box = getattr(getattr(self._viewer.canvas, "overlays", None), "_zoom_box", None)
        yield
        while event.type == "mouse_move":
            if box is not None:
                box.visible, box.position = True, (corner, event.pos[::-1])
            yield
        if box is not None:
            box.visible = False
        end = _place(layer, event)
        (top, bottom), (left, right) = (sorted((round(a), round(b))) for a, b in zip(begin, end, strict=True))
        self.apply(swap_curves(layer.data, (top, bottom), (left, right)))


def _on_background(change: Change) -> Change:
    """What of a change lies on background, for napari's "preserve labels"."""
    keep = change.before == 0
    rows, columns = change.indices
    return Change((rows[keep], columns[keep]), change.values[keep], change.before[keep])


def _place(layer: Labels, event: Any) -> tuple[float, float]:
    """Row and column of the mouse in the window."""
    row, column = layer.world_to_data(event.position)[-2:]
    return float(row), float(column)
