"""The folder that open windows are saved to: strokes on their way to the disk outlive the widget that made them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_welllog.annotations import AnnotatedWindow, AnnotationFolder, Saver, SaveState

_waiting: dict[Path, SavedFolder] = {}
"""Folders whose widget was closed while strokes could not be saved: the saving goes on until they are."""

_PATIENCE = 10.0
"""Seconds that closing waits for the disk."""


class SavedFolder:
    """A folder of annotations with the saver that brings strokes to it.

    Parameters
    ----------
    folder : the folder, opened.

    Attributes
    ----------
    listener : whom to tell how the saving stands, on the saver's thread; None for nobody.
    """

    def __init__(self, folder: AnnotationFolder) -> None:
        self.folder = folder
        self.listener: Callable[[SaveState], None] | None = None
        self._looked_at: dict[str, list[tuple[int, int]]] = {}
        self._saver = Saver(folder, tell=self._tell)

    @classmethod
    def of(cls, folder: AnnotationFolder) -> SavedFolder:
        """Save to a folder; with strokes that still wait for it from before, go on with these."""
        return _waiting.pop(folder.path.resolve(), None) or cls(folder)

    @property
    def state(self) -> SaveState:
        """How the saving stands."""
        return self._saver.state

    def save(self, name: str, labels: NDArray[np.uint8], looked_at: Iterable[tuple[int, int]]) -> None:
        """Have a window saved soon.

        Raises
        ------
        AnnotationsError : the window is not there any more, or these are not its labels.
        """
        rows = list(looked_at)
        self._saver.save(name, labels, rows)
        self._looked_at[name] = rows

    def read(self, name: str) -> AnnotatedWindow:
        """Read a window with its last stroke, also one that could not be saved yet; not on the GUI thread.

        Raises
        ------
        AnnotationsError : its files are damaged.
        """
        self.flush()
        window = self.folder.read(name)
        labels = self._saver.unsaved.get(name)
        if labels is None:
            return window
        looked_at = self._looked_at.get(name, window.manifest.looked_at)
        return replace(window, labels=labels, manifest=window.manifest.looking_at(looked_at))

    def flush(self) -> bool:
        """Wait until all is on the disk, or cannot be for now; tells whether it is."""
        return self._saver.flush(_PATIENCE)

    def close(self) -> bool:
        """Save what is waiting and end; tells whether all is on the disk. If not, the saving goes on."""
        self.listener = None
        if self.flush():
            self._saver.close(_PATIENCE)
            return True
        _waiting[self.folder.path.resolve()] = self
        return False

    def _tell(self, state: SaveState) -> None:
        """Hand on how the saving stands."""
        if self.listener is not None:
            self.listener(state)
