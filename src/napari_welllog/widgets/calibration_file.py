"""The tracks.json that a calibration is saved in while someone works on it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_welllog.errors import OutputError
from napari_welllog.tracks import Tracks

_PAUSE = 400
"""Milliseconds without a change until it is saved."""

_LOOK = 40
"""Milliseconds between two looks whether it is written."""

_writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="calibration")
"""Writes one file after the other; its thread begins with the first one."""


class CalibrationFile(QObject):
    """Saves a calibration a moment after each change, off the GUI thread.

    A file that holds what was neither loaded nor written here is never overwritten.

    Parameters
    ----------
    parent : the widget that it is part of.

    Attributes
    ----------
    saved : signal that the calibration is on the disk, with the path.
    failed : signal that it is not, with one line that says why.
    """

    saved = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self._known: str | None = None
        self._waiting: Tracks | None = None
        self._writing: Future[tuple[Path, str]] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._write)
        # The GUI thread looks; a writer that spoke up itself might speak to a widget that is no more.
        self._watch = QTimer(self)
        self._watch.setInterval(_LOOK)
        self._watch.timeout.connect(self._look)

    def open(self, path: Path | None, size: tuple[int, int] = (1, 1)) -> Tracks | None:
        """Work on another file, and load it if it is there; what waited for the earlier file is written first.

        Parameters
        ----------
        path : the tracks.json; None for none.
        size : rows and columns of the scan.

        Raises
        ------
        TracksError
            If the file is there and cannot be used; the earlier one then stays in use.
        """
        self.finish()
        tracks, text = None, None
        if path is not None and path.exists():
            tracks = Tracks.load(path)
            tracks.check_against(*size, source=path)
            text = path.read_text(encoding="utf-8")
        self.path, self._known = path, text
        return tracks

    def forget(self) -> None:
        """Treat what the file holds as unknown: it is then not overwritten."""
        self._known = None

    def save_as(self, path: Path, tracks: Tracks | None) -> None:
        """Save in another file from now on; whoever chose it has agreed to replace it."""
        self.finish()
        self.path = path
        self._known = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
        if tracks is not None:
            self.save_soon(tracks)
            self._write()

    def save_soon(self, tracks: Tracks) -> None:
        """Save a calibration once no change has followed for a moment."""
        self._waiting = tracks
        self._timer.start()

    def finish(self) -> None:
        """Write what waits, and stay until it is written."""
        if self._writing is not None:
            self._take(self._writing)
        self._write()
        if self._writing is not None:
            self._take(self._writing)

    def _write(self) -> None:
        """Hand what waits to the writer."""
        self._timer.stop()
        if self._waiting is None or self.path is None:
            self._waiting = None
            return
        if self._writing is not None:
            self._timer.start()
            return
        tracks, self._waiting = self._waiting, None
        self._writing = _writer.submit(_save, tracks, self.path, self._known)
        self._watch.start()

    def _look(self) -> None:
        """Take what the writer has ended."""
        if self._writing is None:
            self._watch.stop()
        elif self._writing.done():
            self._take(self._writing)

    def _take(self, writing: Future[tuple[Path, str]]) -> None:
        """Tell how writing ended."""
        self._writing = None
        try:
            path, text = writing.result()
        except OutputError as error:
            self.failed.emit(str(error))
        else:
            self._known = text
            self.saved.emit(path)


def _save(tracks: Tracks, path: Path, known: str | None) -> tuple[Path, str]:
    """Write a tracks.json, unless it holds something that we do not know; returns the path and the text."""
    text = tracks.to_json()
    try:
        present = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be read ({error.strerror}); save the calibration under another name"
        ) from None
    if present not in (None, known, text):
        raise OutputError(
            f"{path.name} holds another calibration, which is not overwritten: load it, or save under another name"
        )
    if present != text:
        tracks.save(path)
    return path, text
