"""The depth anchors as a table: their rows, their depths, and how far each lies from the line of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_welllog.tracks.anchors import anchor_residuals, contradicts
from napari_welllog.tracks.editing import Anchor
from napari_welllog.widgets.calibration_forms import number_or_text

_WRONG = QColor("#e0533d")
_ROW, _DEPTH, _RESIDUAL = range(3)


class AnchorTable(QTableWidget):
    """The anchors; rows and depths can be typed over.

    Parameters
    ----------
    parent : QWidget, optional
        The widget that it is part of.

    Attributes
    ----------
    edited : signal of a change by the user: the number of the anchor, and its row and depth as typed.
    """

    edited = Signal(int, object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self._shown: tuple[tuple[Anchor, ...], str] = ((), "")
        self.setHorizontalHeaderLabels(["row", "depth", "residual"])
        across, down = QHeaderView(Qt.Orientation.Horizontal), QHeaderView(Qt.Orientation.Vertical)
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        down.setVisible(False)
        self.setHorizontalHeader(across)
        self.setVerticalHeader(down)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setMinimumHeight(110)
        self.setToolTip(
            "The depth anchors. The residual is how far an anchor lies from the straight line through the others, "
            "in the unit of depth: a mistyped depth stands out in red."
        )
        self.itemChanged.connect(self._tell)

    @property
    def selected(self) -> list[int]:
        """Numbers of the selected anchors."""
        return sorted({index.row() for index in self.selectedIndexes()})

    def show_anchors(self, anchors: Sequence[Anchor], unit: str) -> None:
        """Show anchors; what was typed and not taken stays while they are the same."""
        if (tuple(anchors), unit) == self._shown:
            return
        self._shown = (tuple(anchors), unit)
        residuals = anchor_residuals(anchors)
        wrong = contradicts(anchors, residuals)
        self.blockSignals(True)
        self.setHorizontalHeaderLabels(["row", f"depth ({unit})", "residual"])
        self.setRowCount(len(anchors))
        for number, (row, depth) in enumerate(anchors):
            residual = "–" if np.isnan(residuals[number]) else f"{residuals[number]:+.2f}"
            self._write(number, _ROW, f"{row:.12g}")
            self._write(number, _DEPTH, f"{depth:.12g}")
            self._write(number, _RESIDUAL, residual, wrong=bool(wrong[number]), fixed=True)
        self.blockSignals(False)

    def _write(self, number: int, column: int, text: str, wrong: bool = False, fixed: bool = False) -> None:
        """Write a cell."""
        item = QTableWidgetItem(text)
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if wrong:
            item.setForeground(_WRONG)
            item.setToolTip("This anchor contradicts the others: look at its row and its depth again")
        if fixed:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
        self.setItem(number, column, item)

    def _tell(self, item: QTableWidgetItem) -> None:
        """Tell what was typed."""
        number = item.row()
        texts = [str(self.model().index(number, column).data()) for column in (_ROW, _DEPTH)]  # type: ignore[union-attr]
        self.edited.emit(number, *map(number_or_text, texts))

    def mark_wrong(self, number: int, wrong: bool) -> None:
        """Show that what was typed for an anchor cannot be used, or that it can."""
        self.blockSignals(True)
        for column in (_ROW, _DEPTH):
            item = self.item(number, column)
            if item is not None and wrong:
                item.setForeground(_WRONG)
            elif item is not None:
                item.setData(Qt.ItemDataRole.ForegroundRole, None)
        self.blockSignals(False)
