"""Choose a network: a combo box of those that ship and of the user's own, the same in every widget.

A network that one widget makes or opens is at once offered by the others: they listen to `NETWORKS`.
"""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFileDialog, QSizePolicy, QWidget

from napari_welllog.unet.weights import shipped_models

FROM_SCRATCH = "none: train from scratch"


class Networks:
    """The user's own networks that this session has met.

    Attributes
    ----------
    added : signal of the path of a network that was not known.

    Examples
    --------
    >>> networks = Networks()
    >>> networks.add("mine.safetensors")
    >>> networks.files
    [PosixPath('mine.safetensors')]
    """

    added = Signal(Path)

    def __init__(self) -> None:
        self.files: list[Path] = []

    def add(self, file: str | Path) -> None:
        """Offer a weights file everywhere."""
        path = Path(file)
        if path not in self.files:
            self.files.append(path)
            self.added.emit(path)


NETWORKS = Networks()


class NetworkChoice(QComboBox):
    """A combo box of the networks that ship and the user's own; it shrinks with its dock.

    Parameters
    ----------
    tooltip : what the choice is for.
    from_scratch : whether to offer none at all, too.
    parent : the widget that it is part of.
    """

    def __init__(self, tooltip: str, from_scratch: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addItems(shipped_models())
        self._shipped = self.count()
        if from_scratch:
            self.addItem(FROM_SCRATCH)
        self.setToolTip(tooltip)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for file in NETWORKS.files:
            self._offer(file)
        NETWORKS.added.connect(self._offer)

    @property
    def model_option(self) -> str | None:
        """The chosen network as `segment` takes it: a file or a name; None for the one that ships."""
        return None if self.currentIndex() <= 0 else self.start

    @property
    def start(self) -> str | None:
        """The chosen network as `train` takes it to go on from: a file or a name; None for from scratch."""
        file = self.currentData()
        if file:
            return str(file)
        return self.currentText() if self.currentIndex() < self._shipped else None

    def choose(self, file: str | Path) -> None:
        """Choose a weights file of the user's own; it is read when it is used."""
        NETWORKS.add(file)
        self._offer(Path(file))
        self.setCurrentIndex(self.findData(str(file)))

    def browse(self, folder: Path | None) -> Path | None:
        """Let the user look for a weights file; None where nothing was chosen."""
        path, _ = QFileDialog.getOpenFileName(
            self, "Weights of a network", str(folder or ""), "Weights (*.safetensors)"
        )
        return Path(path) if path else None

    def _offer(self, file: Path) -> None:
        """Add a weights file to the list, without choosing it."""
        if not isalive(self) or self.findData(str(file)) >= 0:  # type: ignore[no-untyped-call]
            return
        self.addItem(file.stem, str(file))
        self.setItemData(self.count() - 1, str(file), Qt.ItemDataRole.ToolTipRole)
