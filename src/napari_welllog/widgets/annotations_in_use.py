"""The folder of annotations that is in use: where one annotates, one trains from."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal


class AnnotationsInUse:
    """Which folder of annotations this session works in.

    Attributes
    ----------
    changed : signal of the path of the folder, when another is opened and when a window is added to it.
    path : the folder; None before one was opened.

    Examples
    --------
    >>> in_use = AnnotationsInUse()
    >>> in_use.tell(Path("annotations"))
    >>> in_use.path.name
    'annotations'
    """

    changed = Signal(Path)

    def __init__(self) -> None:
        self.path: Path | None = None

    def tell(self, path: Path) -> None:
        """Say that a folder was opened, or has a window more."""
        self.path = path
        self.changed.emit(path)


ANNOTATIONS_IN_USE = AnnotationsInUse()
