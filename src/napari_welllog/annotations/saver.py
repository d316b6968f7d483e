"""Strokes reach the disk on a thread of their own, so that whoever paints never waits for it."""

from __future__ import annotations

import atexit
import errno
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_welllog.annotations.folder import AnnotationFolder
from napari_welllog.annotations.manifest import check_labels
from napari_welllog.errors import AnnotationsError, WelllogError

Labels = NDArray[np.uint8]

RETRY_SECONDS = 2.0

_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class SaveState:
    """Whether all strokes are on the disk.

    Parameters
    ----------
    waiting : int
        Windows with strokes that are only in memory.
    reason : str or None
        Why: ``"disk full"``, ``"read-only"`` or ``"cannot be written"``; None while nothing has failed.
    message : str
        One line for a person.
    """

    waiting: int
    reason: str | None
    message: str

    @property
    def saved(self) -> bool:
        """Whether nothing is waiting."""
        return self.waiting == 0


class Saver:
    """Saves the labels of a folder's windows, newest first, without ever making the caller wait.

    Strokes that come while a save is under way are saved together in the next one. What cannot be saved is kept
    in memory and tried again every two seconds, at every stroke and at every `flush`.

    Parameters
    ----------
    folder : AnnotationFolder
        Where to.
    tell : callable, optional
        Called with a `SaveState` after every attempt, on the thread of the saver; a window hands it on by a signal.
    retry_seconds : float
        How soon to try again.

    Examples
    --------
    >>> from napari_welllog.annotations import Place, ScanIdentity
    >>> from napari_welllog.scan import Scan
    >>> scan = Scan(np.full((300, 60), 255, np.uint8))
    >>> folder = AnnotationFolder.open(getfixture("tmp_path") / "annotations", make=True)
    >>> place = Place(top=0, left=0, rows=300, columns=60)
    >>> name = folder.add(scan.pixels, place, ScanIdentity.of(scan))
    >>> saver = Saver(folder)
    >>> labels = np.zeros((300, 60), np.uint8); labels[:, 30] = 1
    >>> saver.save(name, labels, looked_at=[(0, 80)])
    >>> saver.close(), int(folder.read(name).labels.sum())
    (True, 300)
    """

    def __init__(
        self,
        folder: AnnotationFolder,
        tell: Callable[[SaveState], None] | None = None,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.folder = folder
        self._tell = tell
        self._retry_seconds = retry_seconds
        self._change = threading.Condition()
        self._pending: dict[str, tuple[Labels, list[tuple[int, int]] | None]] = {}
        self._under_way: str | None = None
        self._hurry = False
        self._attempts = 0
        self._closed = False
        self._state = SaveState(0, None, "saved")
        self._thread = threading.Thread(target=self._work, name="saver of annotations", daemon=True)
        self._thread.start()
        # A program that ends without closing us must not lose the stroke that is still in memory.
        atexit.register(self.close)

    @property
    def state(self) -> SaveState:
        """How it stands now."""
        with self._change:
            return self._state

    @property
    def unsaved(self) -> dict[str, Labels]:
        """Labels that are only in memory, by window, so that they can be kept elsewhere."""
        with self._change:
            return {name: labels for name, (labels, _) in self._pending.items()}

    def save(self, name: str, labels: Labels, looked_at: Iterable[tuple[int, int]] | None = None) -> None:
        """Have the labels of a window saved soon; they are copied, and the caller may paint on at once.

        Parameters
        ----------
        name : str
            The window.
        labels : uint8 (rows, columns)
            All its labels.
        looked_at : sequence of (first, last), optional
            All scan rows that a person has looked at.

        Raises
        ------
        AnnotationsError
            If there is no such window, the labels are not its labels, or the saver is closed.
        """
        windows = self.folder.windows
        if name not in windows:
            raise AnnotationsError(f"{self.folder.path}: has no window named {name}; open the folder again")
        check_labels(labels, windows[name].place.shape, f"window {name}")
        kept = labels.copy(), None if looked_at is None else list(looked_at)
        with self._change:
            if self._closed:
                raise AnnotationsError(f"{self.folder.path}: is closed; open the folder again")
            if kept[1] is None and name in self._pending:
                kept = kept[0], self._pending[name][1]
            self._pending[name] = kept
            self._hurry = True
            self._change.notify_all()

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until all is on the disk, or until an attempt fails; tells whether it is."""
        with self._change:
            before, self._hurry = self._attempts, True
            self._change.notify_all()

            def done() -> bool:
                idle = self._under_way is None
                failed = self._attempts > before and self._state.reason is not None
                return idle and (not self._pending or failed)

            self._change.wait_for(done, timeout)
            return not self._pending and self._under_way is None

    def close(self, timeout: float = 30.0) -> bool:
        """Save what is waiting and end; tells whether all is on the disk. What is not stays in `unsaved`."""
        saved = self.flush(timeout)
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._thread.join(timeout)
        atexit.unregister(self.close)
        return saved

    def _work(self) -> None:
        """Save whatever is waiting, until closed."""
        while True:
            with self._change:
                self._wait_for_work()
                if self._closed:
                    return
                self._hurry = False
                name = next(iter(self._pending))
                labels, looked_at = self._pending.pop(name)
                self._under_way = name
            problem = None
            try:
                if name in self.folder.windows:  # it may have been removed since
                    self.folder.save(name, labels, looked_at)
            except Exception as error:  # whatever it is, the strokes must not be lost
                problem = error
            self._note(name, (labels, looked_at), problem)

    def _wait_for_work(self) -> None:
        """Wait for strokes; after a failure, also for the time to try again."""
        if self._state.reason is not None and not self._closed:
            self._change.wait_for(lambda: self._hurry or self._closed, self._retry_seconds)
        self._change.wait_for(lambda: bool(self._pending) or self._closed)

    def _note(
        self, name: str, kept: tuple[Labels, list[tuple[int, int]] | None], problem: Exception | None
    ) -> None:
        """Note how an attempt ended, keep what was not saved, and tell."""
        with self._change:
            self._under_way = None
            self._attempts += 1
            if problem is not None:
                self._pending.setdefault(name, kept)
            self._state = state = _state_of(len(self._pending), problem)
            self._change.notify_all()
        if self._tell is None:
            return
        try:
            self._tell(state)
        except Exception:  # a window that is gone must not end the saving
            logging.getLogger(__name__).exception("the state of saving could not be told")


def _state_of(waiting: int, problem: Exception | None) -> SaveState:
    """What to tell after an attempt."""
    if problem is None:
        return SaveState(waiting, None, "saved" if waiting == 0 else "saving")
    number = getattr(problem.__cause__ or problem, "errno", None)
    reason = "disk full" if number in _FULL else "read-only" if number in _READ_ONLY else "cannot be written"
    what = str(problem) if isinstance(problem, WelllogError) else f"{type(problem).__name__}: {problem}"
    line = " ".join(what.split())
    return SaveState(waiting, reason, f"strokes are kept in memory, {reason}: {line}")
