"""What the paper of a scan says of its calibration: read in the background, shown to be kept, mended or dropped."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QGroupBox,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_welllog.calibrate import PaperCalibration, Review, Scale, calibrate_scan
from napari_welllog.tracks.editing import Rectangle
from napari_welllog.widgets.calibration_forms import number_or_text
from napari_welllog.widgets.controls import make_button, side_by_side
from napari_welllog.widgets.jobs import Job, JobBar
from napari_welllog.widgets.open_scan import OpenScan

_WRONG = QColor("#e0533d")
_STAGES = {"find": "Looking for the tracks", "depth": "Reading depths", "scales": "Reading scales"}
_SHARES = {"find": (0.0, 0.15), "depth": (0.15, 0.4), "scales": (0.55, 0.45)}
"""Where each stage begins in the progress bar, and how much of it is its own."""

_ROW_HEIGHT = 22
_LONGEST = 8
"""Rows of a table that are in sight without scrolling, at most."""

_SMALLER = 0.85
_CURVE, _ROLE_WIDTH = 4, 62
_ROLES: dict[str, int | None] = {"1": 1, "2": 2, "–": None}


class PaperReading(QWidget):
    """Reads the calibration from the paper, and lets a person go through what was read.

    Parameters
    ----------
    parent : QWidget, optional
        The widget that it is part of.

    Attributes
    ----------
    changed : signal of the `Review` to be drawn over the scan; None when there is nothing to draw any more.
    picked : signal of the place, (top, bottom, left, right) on the scan, of what was picked in a table.
    used : signal of the `Review` whose remains shall be the calibration.
    """

    changed = Signal(object)
    picked = Signal(object)
    used = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.review: Review | None = None
        self._scan: OpenScan | None = None
        self._dpi: float | None = None
        self.bar = JobBar("Read from paper")
        self.bar.run_button.setToolTip(
            "Read tracks, depth numbers, scales and pens that are printed on the scan (takes some seconds)"
        )
        self.box = QGroupBox("Read from the paper")
        self.summary, self.refusals = QLabel(), QLabel()
        for label in (self.summary, self.refusals):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.refusals.setStyleSheet("color: #e0533d")
        self.numbers, self.scales = NumberTable(), ScaleTable()
        self.use_button = make_button(
            "Use what is ticked", "Make this the calibration of the scan; Undo takes it back", self._use
        )
        self.close_button = make_button("Close", "Forget what was read", self.forget)
        self._lay_out()
        self.bar.run_requested.connect(self.read)
        for table in (self.numbers, self.scales):
            table.changed.connect(self._take)
            table.picked.connect(self.picked)
            table.refused.connect(lambda line: self.bar.say(line, wrong=True))

    @property
    def read_button(self) -> QPushButton:
        """The button that begins to read."""
        return self.bar.run_button

    def _lay_out(self) -> None:
        """Put the controls in place."""
        inside = QVBoxLayout(self.box)
        inside.setContentsMargins(4, 4, 4, 4)
        inside.setSpacing(4)
        for part in (self.summary, self.refusals, self.numbers, self.scales):
            inside.addWidget(part)
        inside.addLayout(side_by_side(self.use_button, self.close_button))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.bar)
        whole.addWidget(self.box)
        self.box.setVisible(False)

    def show_scan(self, scan: OpenScan | None, dpi: float | None = None) -> None:
        """Work on another scan; what was read of the earlier one is forgotten."""
        self.bar.cancel()
        self.bar.say("")
        self._scan, self._dpi = scan, dpi
        self.read_button.setEnabled(scan is not None)
        self.forget()

    def read(self) -> None:
        """Read the paper in the background."""
        scan = self._scan
        if scan is None:
            return
        pixels, dpi = scan.pixels, self._dpi

        def work(job: Job) -> PaperCalibration:
            def tell(stage: str, fraction: float) -> None:
                start, share = _SHARES[stage]
                job.progress(start + share * fraction, _STAGES[stage])

            return calibrate_scan(pixels, dpi, progress=tell, cancelled=job.cancelled)

        def take(read: PaperCalibration) -> None:
            if scan is self._scan:
                self.show_review(Review.of(read))

        self.bar.start(work, take, text=_STAGES["find"])

    def show_review(self, review: Review) -> None:
        """Show what was read, in the tables and over the scan."""
        self.review = review
        read = review.read
        self.summary.setText(_as_list(read.summary() or ["Nothing could be read surely."]))
        self.refusals.setText(_as_list([f"Refused: {line}" for line in read.refusals()]))
        self.refusals.setVisible(bool(self.refusals.text()))
        self.numbers.show_review(review)
        self.scales.show_review(review)
        self.box.setVisible(True)
        self.changed.emit(review)

    def _take(self, review: Review) -> None:
        """Take what a person made of it."""
        self.bar.say("")
        self.review = review
        self.numbers.review = self.scales.review = review
        self.changed.emit(review)

    def _use(self) -> None:
        """Tell that what is ticked shall be the calibration."""
        if self.review is not None:
            self.used.emit(self.review)

    def forget(self) -> None:
        """Forget what was read."""
        self.review = None
        self.box.setVisible(False)
        self.changed.emit(None)


def _as_list(lines: list[str]) -> str:
    """Lines below each other, each beginning with a capital letter."""
    return "\n".join(line[:1].upper() + line[1:] for line in lines)


class _Table(QTableWidget):
    """A table of what was read: the first cell of a row is ticked where it is kept.

    Attributes
    ----------
    changed : signal of the `Review` that a person made by a tick or by typing.
    picked : signal of the place on the scan of the row that was picked.
    refused : signal of a line that says why what was typed cannot be taken.
    """

    changed = Signal(object)
    picked = Signal(object)
    refused = Signal(str)

    def __init__(self, columns: list[str], tip: str) -> None:
        super().__init__(0, len(columns))
        self.review: Review | None = None
        self.setHorizontalHeaderLabels(columns)
        self.setToolTip(tip)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        across, down = QHeaderView(Qt.Orientation.Horizontal), QHeaderView(Qt.Orientation.Vertical)
        across.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        across.setMinimumSectionSize(24)
        across.setStretchLastSection(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        font = self.font()
        font.setPointSizeF(_SMALLER * font.pointSizeF())
        self.setFont(font)
        across.setFont(font)
        down.setVisible(False)
        down.setDefaultSectionSize(_ROW_HEIGHT)
        self.setHorizontalHeader(across)
        self.setVerticalHeader(down)
        self.itemChanged.connect(self._on_item)
        self.itemSelectionChanged.connect(self._tell_pick)

    def _fill(self, rows: list[list[QTableWidgetItem]]) -> None:
        """Show rows of cells, as high as a few of them need."""
        self.blockSignals(True)
        self.setRowCount(0)
        self.setRowCount(len(rows))
        for line, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                self.setItem(line, column, cell)
        self.blockSignals(False)
        header = self.horizontalHeader()
        assert header is not None
        self.setFixedHeight(header.sizeHint().height() + _ROW_HEIGHT * min(len(rows), _LONGEST) + 4)
        self.setVisible(bool(rows))

    def _place(self, line: int) -> Rectangle:
        """Where what a row tells stands on the scan."""
        raise NotImplementedError

    def _change(self, line: int, column: int, item: QTableWidgetItem) -> Review:
        """The review after a cell has changed.

        Raises
        ------
        ValueError : what was typed cannot be taken; its text says why.
        """
        raise NotImplementedError

    def _tell_pick(self) -> None:
        """Tell which row was picked."""
        if self.review is not None and self.selectedItems():
            self.picked.emit(self._place(self.currentRow()))

    def _on_item(self, item: QTableWidgetItem) -> None:
        """Take a tick or what was typed."""
        if self.review is None:
            return
        try:
            review = self._change(item.row(), item.column(), item)
        except ValueError as error:
            self._colour(item, wrong=True)
            self.refused.emit(str(error))
            return
        self._colour(item, wrong=False)
        self.changed.emit(review)

    def _untick(self, item: QTableWidgetItem) -> None:
        """Take a tick away that cannot be taken."""
        self.blockSignals(True)
        item.setCheckState(Qt.CheckState.Unchecked)
        self.blockSignals(False)

    def _colour(self, item: QTableWidgetItem, wrong: bool) -> None:
        """Show that what was typed cannot be taken, or that it can."""
        self.blockSignals(True)
        item.setData(Qt.ItemDataRole.ForegroundRole, _WRONG if wrong else None)
        self.blockSignals(False)


class NumberTable(_Table):
    """The depth numbers."""

    def __init__(self) -> None:
        super().__init__(
            ["read", "depth", "line", "off", "sure"],
            "The printed depth numbers. Untick one to drop it, type over its depth to mend it. Line is the row of "
            "the printed line that it was tied to; off is how many rows that line lies from where its neighbours "
            "put it; sure is how surely the text was read, 0 to 1.",
        )

    def show_review(self, review: Review) -> None:
        """Show the depth numbers of a review."""
        self.review = review
        rows = []
        for one in review.numbers:
            number = one.number
            rows.append(
                [
                    _tick(number.text, one.kept),
                    _cell(f"{one.depth:g}", editable=True),
                    _cell("–" if number.line is None else f"{number.line:.1f}"),
                    _cell("–" if number.residual is None else f"{number.residual:+.1f}"),
                    _cell(f"{number.confidence:.2f}"),
                ]
            )
        self._fill(rows)

    def _place(self, line: int) -> Rectangle:
        """Where a number stands."""
        assert self.review is not None
        return self.review.numbers[line].number.place

    def _change(self, line: int, column: int, item: QTableWidgetItem) -> Review:
        """Keep, drop or mend a number."""
        assert self.review is not None
        if column == 0:
            return self.review.with_number(line, kept=item.checkState() == Qt.CheckState.Checked)
        return self.review.with_number(line, depth=_number(item.text(), "depth"))


class ScaleTable(_Table):
    """The scales of all tracks."""

    _FIELDS = ("mnemonic", "unit", "left", "right")

    def __init__(self) -> None:
        super().__init__(
            ["name", "unit", "left", "right", "curve", "sure"],
            "The scales in the header. Untick one to leave its curve unread, type over a cell to mend it. Curve is "
            "the class that its pen tells: 1 is the solid or heavier pen.",
        )
        self._lines: list[tuple[int, int]] = []

    def show_review(self, review: Review) -> None:
        """Show the scales of a review."""
        self.review = review
        self._lines = [
            (track, index) for track, scales in enumerate(review.scales) for index in range(len(scales))
        ]
        rows = []
        for track, index in self._lines:
            one = review.scales[track][index]
            scale = one.scale
            cells = [
                _tick(scale.mnemonic, one.kept, editable=True),
                *(_cell(text, editable=True) for text in (scale.unit, f"{scale.left:g}", f"{scale.right:g}")),
                _cell(""),
                _cell(f"{scale.confidence:.2f}"),
            ]
            for cell in cells:
                cell.setToolTip(f"{review.read.tracks[track].name}: {_about(scale)}")
            rows.append(cells)
        self._fill(rows)
        across = self.horizontalHeader()
        assert across is not None
        across.setSectionResizeMode(_CURVE, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(_CURVE, _ROLE_WIDTH)
        for line, (track, index) in enumerate(self._lines):
            self.setCellWidget(
                line, _CURVE, self._role_box(line, review.scales[track][index].scale.curve_class)
            )

    def _role_box(self, line: int, curve_class: int | None) -> QComboBox:
        """A box to choose the class of a curve."""
        box = QComboBox()
        box.addItems(list(_ROLES))
        box.setCurrentIndex(list(_ROLES.values()).index(curve_class))
        box.setToolTip("1, curve one, is the solid or heavier curve; – is a third curve, which is not read")
        box.setFixedWidth(_ROLE_WIDTH)
        box.setFont(self.font())
        box.activated.connect(partial(self._take_role, line))
        return box

    def _take_role(self, line: int, choice: int) -> None:
        """Take another class for a curve; one that has a class is read."""
        assert self.review is not None
        curve_class = list(_ROLES.values())[choice]
        track, index = self._lines[line]
        review = self.review.with_scale(track, index, kept=curve_class is not None, curve_class=curve_class)
        self.blockSignals(True)
        item = self.item(line, 0)
        assert item is not None
        item.setCheckState(Qt.CheckState.Checked if curve_class else Qt.CheckState.Unchecked)
        self.blockSignals(False)
        self.changed.emit(review)

    def _place(self, line: int) -> Rectangle:
        """Where a scale stands."""
        assert self.review is not None
        track, index = self._lines[line]
        return self.review.scales[track][index].scale.place

    def _change(self, line: int, column: int, item: QTableWidgetItem) -> Review:
        """Keep, drop or mend a scale."""
        assert self.review is not None
        track, index = self._lines[line]
        old = self.review.scales[track][index]
        kept = item.checkState() == Qt.CheckState.Checked if column == 0 else old.kept
        if column == 0 and kept and old.scale.curve_class is None:
            self._untick(item)
            raise ValueError(f"Choose whether {old.scale.mnemonic or 'this curve'} is curve one or two.")
        field = self._FIELDS[column]
        value: Any = item.text().strip()
        if field in ("left", "right"):
            value = _number(value, f"{field} value")
        return self.review.with_scale(track, index, kept=kept, **{field: value})


def _number(text: str, what: str) -> float:
    """The number that was typed.

    Raises
    ------
    ValueError : it is none.
    """
    number = number_or_text(text)
    if not isinstance(number, float):
        raise ValueError(f"A {what} is a number, not {text!r}: mend it.")
    return number


def _about(scale: Scale) -> str:
    """All that was read of a scale."""
    pen = f"{scale.pen} pen" + (f" of {scale.pen_width:g} px" if scale.pen_width else "")
    backup = f", {scale.wraps} backup" if scale.wraps else ""
    return f"printed as “{scale.name}”, {scale.scale}{backup}, {pen}"


def _cell(text: str, editable: bool = False) -> QTableWidgetItem:
    """A cell."""
    cell = QTableWidgetItem(text)
    if not editable:
        cell.setFlags(cell.flags() & ~Qt.ItemFlag.ItemIsEditable)
    return cell


def _tick(text: str, ticked: bool, editable: bool = False) -> QTableWidgetItem:
    """A cell with a tick."""
    cell = _cell(text, editable)
    cell.setFlags(cell.flags() | Qt.ItemFlag.ItemIsUserCheckable)
    cell.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
    return cell
