"""The controls of painting: the class, the tool, and how the ink brush tells ink."""

from __future__ import annotations

from qtpy.QtCore import Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
)

from napari_welllog.overlay import CURVE_COLOURS
from napari_welllog.widgets.keys import with_key
from napari_welllog.widgets.layers import CLASS_NAMES
from napari_welllog.widgets.painting import INK_BRUSH, STRAND, SWAP, TOOLS, PaintingTools

_KEYS = {INK_BRUSH: "ink brush", STRAND: "strand", SWAP: "swap"}
_SETTLE = 300
_LARGEST = 60


class PaintingPanel(QGroupBox):
    """The controls, which follow the tools as these follow napari.

    Parameters
    ----------
    tools : what they set.

    Attributes
    ----------
    ink_changed : signal that ink is to be told in another way, once the slider rests.
    """

    ink_changed = Signal()

    def __init__(self, tools: PaintingTools) -> None:
        super().__init__("Paint")
        self._tools = tools
        layout = QVBoxLayout(self)
        layout.addLayout(self._build_classes())
        layout.addLayout(self._build_tools())
        layout.addLayout(self._build_brush())
        tools.class_changed.connect(self._show_class)
        tools.tool_changed.connect(self._show_tool)
        tools.radius_changed.connect(self._show_radius)

    def _build_classes(self) -> QHBoxLayout:
        """A button for each class, in its colour."""
        self.classes, layout = QButtonGroup(self), QHBoxLayout()
        for curve_class in (1, 2, 0):
            name = CLASS_NAMES[curve_class]
            button = _toggle(name[:1].upper() + name[1:], with_key(f"Paint {name}", name))
            if curve_class:
                button.setStyleSheet(f"QPushButton:checked {{background: {CURVE_COLOURS[curve_class]}}}")
            self.classes.addButton(button, curve_class)
            layout.addWidget(button)
        self._show_class(self._tools.curve_class)
        self.classes.idClicked.connect(self._tools.choose_class)
        return layout

    def _build_tools(self) -> QHBoxLayout:
        """A button for each tool."""
        self.tools, layout = QButtonGroup(self), QHBoxLayout()
        for number, (tool, does) in enumerate(TOOLS.items()):
            button = _toggle(tool, with_key(does, _KEYS[tool]) if tool in _KEYS else does)
            self.tools.addButton(button, number)
            layout.addWidget(button)
        self._show_tool(self._tools.tool)
        self.tools.idClicked.connect(lambda number: self._tools.choose(list(TOOLS)[number]))
        return layout

    def _build_brush(self) -> QFormLayout:
        """The brush."""
        self.radius, self.darkness = QSpinBox(), QSlider(Qt.Orientation.Horizontal)
        self.radius.setRange(1, _LARGEST)
        self.radius.setValue(self._tools.radius)
        self.radius.setSuffix(" px")
        self.radius.setToolTip("Radius of both brushes; [ and ] change it too")
        self.radius.valueChanged.connect(self._tools.choose_radius)
        self.darkness.setRange(5, 95)
        self.darkness.setValue(round(100 * self._tools.darkness))
        self.darkness.setToolTip(
            "How much darker than the paper ink is: to the left paler ink counts too, and more dirt"
        )
        self.without_grid = QCheckBox("Leave out grid lines")
        self.without_grid.setChecked(not self._tools.grid_lines)
        self.without_grid.setToolTip("The ink brush leaves grid lines out wherever no curve crosses them")
        # A new way of telling ink is searched for in the whole window: not at every step of the slider.
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLE)
        self._settled.timeout.connect(self._choose_ink)
        self.darkness.valueChanged.connect(lambda _: self._settled.start())
        self.without_grid.toggled.connect(lambda _: self._settled.start())
        form = QFormLayout()
        form.addRow("Radius", self.radius)
        form.addRow("Darkness", self.darkness)
        form.addRow("", self.without_grid)
        return form

    def _choose_ink(self) -> None:
        """Tell ink as the controls say."""
        self._tools.choose_ink(self.darkness.value() / 100, not self.without_grid.isChecked())
        self.ink_changed.emit()

    def _show_class(self, curve_class: int) -> None:
        """Follow the class."""
        button = self.classes.button(curve_class)
        if button is not None:
            button.setChecked(True)

    def _show_tool(self, tool: str) -> None:
        """Follow the tool; none is down in a mode of napari that is none of them."""
        self.tools.setExclusive(False)
        for number, name in enumerate(TOOLS):
            button = self.tools.button(number)
            if button is not None:
                button.setChecked(name == tool)
        self.tools.setExclusive(True)

    def _show_radius(self, radius: int) -> None:
        """Follow the brush."""
        self.radius.blockSignals(True)
        self.radius.setValue(radius)
        self.radius.blockSignals(False)


def _toggle(text: str, tip: str) -> QPushButton:
    """A button that stays down."""
    button = QPushButton(text)
    button.setCheckable(True)
    button.setToolTip(tip)
    return button
