"""The fields of a calibration: of a curve and of a track. They keep what was typed, whether it can be used or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QGroupBox,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from napari_welllog.overlay import CURVE_COLOURS
from napari_welllog.tracks import Curve, Track
from napari_welllog.tracks.usual_curves import USUAL_CURVES

_WRONG = "border: 1px solid #e0533d"
_CURVE_NAMES = {1: "Curve one (solid or heavier)", 2: "Curve two (dashed or lighter)"}
_FIELD_WIDTH = 84
"""Pixels of a field, in which "linear" and a mnemonic of five letters can be read."""

_UNTOUCHED = ("fraction", 0.0, 1.0, "linear")


def number_or_text(text: str) -> float | str:
    """The number that was typed, or the text where it is none.

    Examples
    --------
    >>> number_or_text(" -2.5 "), number_or_text("12 ft")
    (-2.5, '12 ft')
    """
    try:
        return float(text)
    except ValueError:
        return text


def mark(field: QWidget | None, wrong: bool) -> None:
    """Show that what a field holds cannot be used, or that it can."""
    if field is not None:
        field.setStyleSheet(_WRONG if wrong else "")


class _ComboBox(QComboBox):
    """A combo box that lets the mouse wheel scroll the dock instead of changing a scale unseen."""

    def wheelEvent(self, event: Any) -> None:
        """Leave the wheel to the dock."""
        event.ignore()


class _SpinBox(QSpinBox):
    """A spin box that lets the mouse wheel scroll the dock."""

    def wheelEvent(self, event: Any) -> None:
        """Leave the wheel to the dock."""
        event.ignore()


class CurveForm(QGroupBox):
    """The fields of one curve; ticked where the track has a curve of that class.

    Parameters
    ----------
    curve_class : 1 or 2
        Which curve it is.
    parent : QWidget, optional
        The widget that it is part of.

    Attributes
    ----------
    edited : signal of a change by the user, with the field.
    """

    edited = Signal(object)

    def __init__(self, curve_class: int, parent: QWidget | None = None) -> None:
        super().__init__(_CURVE_NAMES[curve_class], parent)
        self.curve_class = curve_class
        self.shown: Curve | None = None
        self.setCheckable(True)
        self.setToolTip("Ticked where the track has such a curve")
        self.setStyleSheet(f"QGroupBox::title {{ color: {CURVE_COLOURS[curve_class]}; }}")
        self.mnemonic, self.unit, self._name_box = _ComboBox(), QLineEdit(), QLineEdit()
        self.left, self.right = QLineEdit(), QLineEdit()
        self.scale, self.wraps = _ComboBox(), _SpinBox()
        self._make_choices()
        self._lay_out()
        self.clicked.connect(lambda: self.edited.emit(self))
        self.mnemonic.activated.connect(self._fill_in)
        for field in (self._name_box, self.unit, self.left, self.right):
            field.editingFinished.connect(lambda field=field: self._tell(field))
        self.scale.activated.connect(lambda _: self._tell(self.scale))
        self.wraps.valueChanged.connect(lambda _: self._tell(self.wraps))

    def _make_choices(self) -> None:
        """Fill the boxes with what can be chosen."""
        self.mnemonic.setLineEdit(self._name_box)
        self.mnemonic.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        for mnemonic, usual in USUAL_CURVES.items():
            self.mnemonic.addItem(mnemonic)
            self.mnemonic.setItemData(self.mnemonic.count() - 1, usual.name, Qt.ItemDataRole.ToolTipRole)
        self.scale.addItems(["linear", "log"])
        self.wraps.setRange(0, 9)
        for box in (self.mnemonic, self.scale):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(5)

    def _lay_out(self) -> None:
        """Put the fields in place: narrow enough for a dock."""
        layout = QGridLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(3)
        fields = [
            (
                "name",
                self.mnemonic,
                "The curve's mnemonic in the LAS file; a usual one fills in its unit and scale",
            ),
            ("unit", self.unit, "The curve's unit in the LAS file"),
            ("left", self.left, "The value printed at the track's left edge"),
            (
                "right",
                self.right,
                "The value printed at the track's right edge; less than the left one where reversed",
            ),
            ("scale", self.scale, "Linear, or logarithmic as of resistivities"),
            (
                "wraps",
                self.wraps,
                "Backup scale: how many ranges further the curve goes by coming back at the other edge",
            ),
        ]
        for number, (name, field, tip) in enumerate(fields):
            row, column = divmod(number, 2)
            layout.addWidget(QLabel(name), row, 2 * column)
            layout.addWidget(field, row, 2 * column + 1)
            field.setToolTip(tip)
            # All fields alike, whatever a field's own idea of its width.
            field.setMinimumWidth(_FIELD_WIDTH)
            field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout.setColumnStretch(1, 1)
        layout.setColumnStretch(3, 1)

    @property
    def fields(self) -> tuple[QWidget, ...]:
        """All fields."""
        return self.mnemonic, self.unit, self.left, self.right, self.scale, self.wraps

    def show_curve(self, curve: Curve | None) -> None:
        """Show a curve of the calibration, or that there is none; what was typed and not taken stays."""
        if curve == self.shown and curve is not None:
            return
        self.shown = curve
        self.blockSignals(True)
        self.setChecked(curve is not None)
        if curve is not None:
            self._write(curve.mnemonic, curve.unit, curve.left, curve.right, curve.scale, curve.wraps)
        self.blockSignals(False)
        self.mark_wrong(None)

    def _write(self, mnemonic: str, unit: str, left: float, right: float, scale: str, wraps: int) -> None:
        """Write into the fields."""
        self.wraps.blockSignals(True)
        self.mnemonic.setEditText(mnemonic)
        self.unit.setText(unit)
        self.left.setText(f"{left:.12g}")
        self.right.setText(f"{right:.12g}")
        self.scale.setCurrentText(scale)
        self.wraps.setValue(wraps)
        self.wraps.blockSignals(False)

    def typed(self) -> dict[str, Any]:
        """What the fields hold, as arguments of a `Curve`."""
        return {
            "curve_class": self.curve_class,
            "mnemonic": self.mnemonic.currentText().strip(),
            "unit": self.unit.text().strip(),
            "left": number_or_text(self.left.text()),
            "right": number_or_text(self.right.text()),
            "scale": self.scale.currentText(),
            "wraps": self.wraps.value(),
        }

    def _fill_in(self, _: int = 0) -> None:
        """Fill in the usual unit and scale of the mnemonic that was chosen, where nobody has typed others."""
        usual = USUAL_CURVES.get(self.mnemonic.currentText())
        if usual is not None and self._is_untouched():
            self._write(self.mnemonic.currentText(), usual.unit, usual.left, usual.right, usual.scale, 0)
        self._tell(self.mnemonic)

    def _is_untouched(self) -> bool:
        """Whether the fields hold what nobody typed: fractions, or what is usual for the earlier mnemonic."""
        typed = self.typed()
        held = (typed["unit"], typed["left"], typed["right"], typed["scale"])
        earlier = USUAL_CURVES.get(self.shown.mnemonic) if self.shown is not None else None
        return held == _UNTOUCHED or (earlier is not None and held == tuple(earlier[1:]))

    def _tell(self, field: QWidget) -> None:
        """Tell a change by the user; leaving a field as it was is none."""
        shown = self.shown
        if shown is None or self.typed() != {name: getattr(shown, name) for name in Curve.model_fields}:
            self.edited.emit(field)
        elif self._marked:
            self.mark_wrong(None)

    def mark_wrong(self, field: QWidget | None) -> None:
        """Mark one field as the one to mend, or none."""
        self._marked = field is not None
        for other in self.fields:
            mark(other, other is field or (other is self.mnemonic and field is self._name_box))

    _marked = False


class TrackForm(QWidget):
    """The rows and columns of one track.

    Parameters
    ----------
    parent : QWidget, optional
        The widget that it is part of.

    Attributes
    ----------
    edited : signal of a change by the user, with the name of what changed, the value and the field.
    """

    edited = Signal(str, object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.boxes = {name: QLineEdit() for name in ("left", "right", "top", "bottom")}
        self.shown: dict[str, str] = dict.fromkeys(self.boxes, "")
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for number, (name, box) in enumerate(self.boxes.items()):
            row, column = divmod(number, 2)
            layout.addWidget(QLabel(name), row, 2 * column)
            layout.addWidget(box, row, 2 * column + 1)
            box.setMinimumWidth(40)
            what = "Column of the edge" if name in ("left", "right") else "Row of the end"
            bent = "; a number makes a bent edge straight" if name in ("left", "right") else ""
            box.setToolTip(f"{what}; or drag it on the canvas{bent}")
            box.editingFinished.connect(lambda name=name: self._tell(name))

    def show_track(self, track: Track | None) -> None:
        """Show a track of the calibration; what was typed and not taken stays."""
        for name, box in self.boxes.items():
            text = "" if track is None else _edge_text(getattr(track, name))
            if text != self.shown[name]:
                self.shown[name] = text
                box.setText(text)
                mark(box, wrong=False)

    def _tell(self, name: str) -> None:
        """Tell a change by the user."""
        box = self.boxes[name]
        if box.text() != self.shown[name]:
            self.edited.emit(name, number_or_text(box.text()), box)
        else:
            mark(box, wrong=False)


def _edge_text(edge: float | Sequence[tuple[float, float]]) -> str:
    """An edge or an end as a field shows it."""
    return f"{edge:.12g}" if isinstance(edge, float) else f"bent, {len(edge)} corners"
