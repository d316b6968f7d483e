"""An annotated window open in napari: its plain Labels layer, its class counts, and the rows looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_welllog.annotations import AnnotatedWindow, merged_rows
from napari_welllog.errors import AnnotationsError
from napari_welllog.strokes import Shares, difference
from napari_welllog.widgets.layers import class_map_layer, signed

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

WINDOW = "annotated window"
"""The signature of our layers."""

_WHOLE = (slice(None), slice(None))
_HIGHEST = 2
_OPACITY = 0.85  # on black ink, a class of less could hardly be told
_Box = tuple[slice, slice]


class WindowLayer:
    """A window that is open for painting.

    Whatever changes the layer's data, a brush of ours or of napari's, undo or the console, is noticed by comparing
    it with what is known, and only where it may have changed.

    Parameters
    ----------
    window : the window as it lies on the disk.
    layer : what `show_window` gave.
    changed : called after strokes were noticed, or a problem was.

    Attributes
    ----------
    problem : what of the layer's data can be no labels of this window, and is not saved; None when all is well.
    """

    def __init__(
        self,
        window: AnnotatedWindow,
        layer: Labels,
        changed: Callable[[WindowLayer], None],
    ) -> None:
        self.name, self.place, self.pixels = window.name, window.manifest.place, window.pixels
        self.looked_at = window.manifest.looked_at
        self.layer = layer
        self.shares = Shares.of(window.labels)
        self._known = np.array(window.labels)
        self._labelled: tuple[int, int] | None = None
        self.problem: str | None = None
        self._changed = changed
        self._touched: list[_Box] = []
        # napari tells of a stroke before its pixels change, so they are looked at once the stroke is over.
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.take_stock)
        layer.events.paint.connect(self._on_paint)
        layer.events.set_data.connect(self._on_refreshed)
        layer.events.selected_label.connect(self._keep_to_classes)

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The labels that are known to be sound."""
        return self._known

    @property
    def share_looked_at(self) -> float:
        """Share of its rows that a person has looked at, 0 to 1."""
        return sum(last - first + 1 for first, last in self.looked_at) / self.place.rows

    @property
    def left_off(self) -> int:
        """The first row of the window that nobody has looked at; 0 once all are."""
        first, last = next(iter(self.looked_at), (self.place.last_row + 1, 0))
        if first > self.place.top or last == self.place.last_row:
            return 0
        return last + 1 - self.place.top

    def see(self, first: int, last: int) -> bool:
        """Count rows that were in view as looked at; tells whether one is new.

        Only from the first to the last row with a label: in a window that begins empty, what is in view but not
        painted yet would teach that there are no curves.
        """
        if self._labelled is None:
            rows = np.flatnonzero(self._known.any(axis=1))
            self._labelled = (int(rows[0]), int(rows[-1])) if len(rows) else (0, -1)
        first, last = max(first, self._labelled[0]), min(last, self._labelled[1])
        return first <= last and self.look_at(first, last)

    def look_at(self, first: int, last: int) -> bool:
        """Count rows of the window as looked at; tells whether one is new."""
        top = self.place.top
        rows = merged_rows([*self.looked_at, (first + top, last + top)], self.place)
        is_new = rows != self.looked_at
        self.looked_at = rows
        return is_new

    def take_stock(self) -> None:
        """Notice what was painted; rows that were painted were looked at."""
        self._timer.stop()
        touched, self._touched = self._touched, []
        before, self.problem = self.problem, None
        is_new = False
        for box in touched:
            try:
                is_new = self._notice(box) or is_new
            except AnnotationsError as error:
                self.problem = str(error)
                self._touched.append(box)  # looked at again with the next stroke
        if is_new or self.problem != before:
            self._changed(self)

    def _notice(self, box: _Box) -> bool:
        """Notice what was painted in a box; tells whether anything was."""
        labels = self._checked(box)
        top, left = (side.indices(size)[0] for side, size in zip(box, labels.shape, strict=True))
        change = difference(self._known[box], labels[box], (top, left))
        if change.rows is None:
            return False
        self.shares = self.shares.after(change)
        self._known[change.indices] = change.values
        self._labelled = None
        self.look_at(*change.rows)
        return True

    def let_go(self) -> None:
        """Notice the last stroke, and follow the layer no more."""
        self.take_stock()
        self.layer.events.paint.disconnect(self._on_paint)
        self.layer.events.set_data.disconnect(self._on_refreshed)
        self.layer.events.selected_label.disconnect(self._keep_to_classes)

    def _checked(self, box: _Box) -> NDArray[np.uint8]:
        """The layer's data, if what is in a box of it can be labels of this window."""
        data = np.asarray(self.layer.data)
        if data.shape != self.place.shape:
            raise AnnotationsError(
                f"{self.layer.name}: has the size {data.shape} now, its window {self.place.shape}; what was painted "
                "before is kept: close the layer and open the window again"
            )
        if data[box].max(initial=0) > _HIGHEST:
            raise AnnotationsError(
                f"{self.layer.name}: holds the label {data[box].max()}, which is no class: undo it, or paint over it "
                "with 0, 1 or 2; until then that stroke is not saved"
            )
        return data.astype(np.uint8, copy=False)

    def _on_paint(self, event: Any) -> None:
        """Remember where a stroke was."""
        boxes = [_box_of(atom) for atom in event.value]
        if boxes:
            self._touch(reduce(_around, boxes))

    def _on_refreshed(self, event: Any = None) -> None:
        """Look at all: undo and redo tell nothing but that the layer is drawn anew."""
        self._touch(_WHOLE)

    def _touch(self, box: _Box) -> None:
        """Look at a box soon."""
        self._touched = [_WHOLE] if box == _WHOLE else [*self._touched, box]
        self._timer.start()

    def _keep_to_classes(self, event: Any = None) -> None:
        """Let nobody choose a label that is no class, as napari's own "new label" does."""
        if self.layer.selected_label > _HIGHEST:
            self.layer.selected_label = _HIGHEST


def show_window(viewer: Viewer | ViewerModel, window: AnnotatedWindow, scan: Image) -> Labels:
    """Put a window into the viewer as a plain Labels layer, where it belongs on its scan."""
    place = window.manifest.place
    _, settings, _ = class_map_layer(np.zeros((1, 1), np.uint8), f"annotate {window.name}", over=scan)
    settings |= {
        "metadata": signed(WINDOW),
        "translate": np.asarray(scan.translate) + np.asarray(scan.scale) * (place.top, place.left),
        "multiscale": False,
        "opacity": _OPACITY,
    }
    layer: Labels = viewer.add_labels(np.array(window.labels), **settings)
    return layer


def _box_of(atom: Any) -> _Box:
    """Where an edit in napari's history lies: one of a brush has a box, one of `data_setitem` its pixels."""
    slices = getattr(atom, "slice_key", None)
    if slices is not None and len(slices) == len(_WHOLE):
        return slices[0], slices[1]
    try:
        rows, columns = (np.asarray(axis) for axis in atom[0])
        return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)
    except (TypeError, ValueError, IndexError):  # napari's history holds something new: look everywhere
        return _WHOLE


def _around(one: _Box, other: _Box) -> _Box:
    """The box around two boxes."""
    if _WHOLE in (one, other):
        return _WHOLE
    rows, columns = (
        slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    return rows, columns
