"""Choose a loss by name, and the numbers in it, each explained in a line."""

from __future__ import annotations

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QSizePolicy, QWidget

from napari_welllog.unet.losses import DEFAULT_LOSS, LOSSES, LossParameter


class LossChoice(QWidget):
    """A combo box of the losses, and below it what the chosen one does and a field for each of its numbers.

    Parameters
    ----------
    parent : the widget that it is part of.

    Attributes
    ----------
    changed : signal that another loss or number is chosen.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = QComboBox()
        self.loss.addItems(list(LOSSES))
        self.loss.setToolTip("\n".join(f"{name}: {loss.explanation}" for name, loss in LOSSES.items()))
        self.explanation = _line("")
        self.fields: dict[str, QDoubleSpinBox] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._form.addRow("Loss", self.loss)
        self._form.addRow(self.explanation)
        self._fixed_rows = self._form.rowCount()
        self.loss.setCurrentText(DEFAULT_LOSS)
        self.loss.currentTextChanged.connect(self._offer_numbers)
        self._offer_numbers()

    @property
    def name(self) -> str:
        """The name of the chosen loss."""
        return self.loss.currentText()

    @property
    def parameters(self) -> dict[str, float]:
        """The numbers in it, by the names of its parameters."""
        return {name: field.value() for name, field in self.fields.items()}

    def _offer_numbers(self) -> None:
        """Explain the chosen loss, and offer its numbers."""
        loss = LOSSES[self.name]
        self.explanation.setText(loss.explanation[:1].upper() + loss.explanation[1:] + ".")
        while self._form.rowCount() > self._fixed_rows:
            self._form.removeRow(self._fixed_rows)
        self.fields = {}
        for parameter in loss.parameters:
            field = _number(parameter)
            field.valueChanged.connect(lambda _: self.changed.emit())
            self.fields[parameter.name] = field
            self._form.addRow(parameter.name.replace("_", " ").capitalize(), field)
            self._form.addRow(_line(parameter.explanation[:1].upper() + parameter.explanation[1:] + "."))
        self.changed.emit()


def _number(parameter: LossParameter) -> QDoubleSpinBox:
    """A field for a number in a loss."""
    field = QDoubleSpinBox()
    field.setDecimals(2)
    field.setRange(parameter.lowest, parameter.highest)
    field.setSingleStep(0.05 if parameter.highest <= 1 else 0.5)
    field.setValue(parameter.default)
    field.setToolTip(parameter.explanation)
    return field


def _line(text: str) -> QLabel:
    """A line of explanation that wraps where the dock is narrow."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label
