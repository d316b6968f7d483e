"""Work off the GUI thread, once for all widgets: progress, time left, cancel and errors.

A widget shows a `JobBar` and gives it work to do. The work runs on a thread of its own and is handed a `Job`, by
which it tells how far it is, hands over pieces of its result and learns that it shall stop. Whatever happens, the
buttons come back.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Qt, QThread, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_welllog.errors import Cancelled, WelllogError, is_out_of_memory

_TICK = 50
"""Milliseconds between two looks at how far a job is: often enough to look alive, too seldom to cost anything."""

_FAREWELL = 5000
"""Milliseconds that closing the window waits for a job that was told to stop."""

_unfinished: set[_Thread] = set()
"""Threads that outlive their widget for a moment; Qt aborts when a running one is collected."""


class Job:
    """What running work is handed.

    Examples
    --------
    >>> job = Job()
    >>> job.progress(0.5, "reading")
    >>> job.fraction, job.text, job.cancelled()
    (0.5, 'reading', False)
    >>> job.cancel()
    >>> job.cancelled()
    True
    """

    def __init__(self) -> None:
        self.fraction, self.text = 0.0, ""
        self.began = time.monotonic()
        self._stop = threading.Event()
        self._pieces: list[Any] = []
        self._lock = threading.Lock()

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell the share of the work done, 0 to 1, and what is being done."""
        self.fraction, self.text = fraction, text or self.text

    def cancelled(self) -> bool:
        """Whether the work shall stop; it then raises `Cancelled`, or just returns."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._stop.set()

    def hand_over(self, piece: Any) -> None:
        """Give a finished piece of the result to the widget, which takes it on the GUI thread."""
        with self._lock:
            self._pieces.append(piece)

    def take_piece(self) -> Any | None:
        """The oldest piece that was handed over and not yet taken, or None."""
        with self._lock:
            return self._pieces.pop(0) if self._pieces else None

    def seconds_left(self) -> float | None:
        """Seconds until the end at the pace so far; None until that can be told."""
        spent = time.monotonic() - self.began
        return spent / self.fraction * (1 - self.fraction) if self.fraction > 0.02 and spent > 0.5 else None


class _Thread(QThread):
    """A thread that does one piece of work and keeps its outcome; nothing escapes it."""

    def __init__(self, work: Callable[[Job], Any], job: Job, bar: JobBar) -> None:
        super().__init__()
        self.work, self.job, self.bar = work, job, weakref.ref(bar)
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do the work."""
        try:
            self.result = self.work(self.job)
        except BaseException as error:
            self.error = error


class JobBar(QWidget):
    """A Run button, a Cancel button, a progress bar with the time left, and a line for what went wrong.

    Parameters
    ----------
    run_text : text of the button that starts the work.
    parent : the widget that it is part of.

    Attributes
    ----------
    started, finished : signals; `finished` comes last whatever happened: done, failed or cancelled.
    run_requested : signal of the Run button.
    """

    started = Signal()
    finished = Signal()
    run_requested = Signal()

    def __init__(self, run_text: str = "Run", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run_button, self.cancel_button = QPushButton(run_text), QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop at once")
        self.bar, self.message = QProgressBar(), QLabel()
        self.bar.setRange(0, 1000)
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button)
        buttons.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.message)
        self.run_button.clicked.connect(self.run_requested)
        self.cancel_button.clicked.connect(self.cancel)
        self._thread: _Thread | None = None
        self._on_done: Callable[[Any], None] = lambda result: None
        self._on_piece: Callable[[Any], None] = lambda piece: None
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self._look)
        self.destroyed.connect(_stop_orphans)
        self._at_rest()

    @property
    def is_running(self) -> bool:
        """Whether work is being done."""
        return self._thread is not None

    def start(
        self,
        work: Callable[[Job], Any],
        done: Callable[[Any], None],
        piece: Callable[[Any], None] | None = None,
        text: str = "Working",
    ) -> None:
        """Do work on a thread of its own; nothing happens while earlier work is still running.

        Parameters
        ----------
        work : the work; it touches no layer and no widget.
        done : what to do with its result, on the GUI thread.
        piece : what to do with each piece that it hands over, on the GUI thread.
        text : what is being done, until the work itself tells.
        """
        if self.is_running:
            return
        job = Job()
        job.text = text
        self._on_done, self._on_piece = done, piece or (lambda piece: None)
        self._thread = _Thread(work, job, self)
        _unfinished.add(self._thread)
        self._thread.finished.connect(_Burial(self._thread))
        self.say("")
        self.run_button.setEnabled(False)
        self.cancel_button.setEnabled(True)
        self.cancel_button.setVisible(True)
        self.bar.setVisible(True)
        self.bar.setValue(0)
        self._thread.start()
        self._timer.start()
        self.started.emit()
        self._look()

    def cancel(self) -> None:
        """Stop at once, as the user sees it: what the work still does on its thread is thrown away."""
        if self._thread is not None:
            self._thread.job.cancel()
            self._end("Cancelled.")

    def fail(self, error: BaseException) -> None:
        """Say in the window what is wrong and what to do."""
        self.say(describe(error), wrong=True)

    def say(self, text: str, wrong: bool = False) -> None:
        """Show a line below the bar; red when something is wrong."""
        self.message.setText(text)
        self.message.setStyleSheet("color: #e0533d" if wrong else "")
        self.message.setVisible(bool(text))

    def _look(self) -> None:
        """Show how far the work is and take what it hands over."""
        thread = self._thread
        if thread is None:
            return
        ended = thread.isFinished()
        self._show_progress(thread.job)
        if not self._take_pieces(thread.job, everything=ended) or not ended or self._thread is not thread:
            return
        if isinstance(thread.error, Cancelled):
            self._end("Cancelled.")
        elif thread.error is not None:
            self._end()
            self.fail(thread.error)
        else:
            self._end()
            self._guarded(self._on_done, thread.result)
        self.finished.emit()

    def _take_pieces(self, job: Job, everything: bool) -> bool:
        """Take one piece, or all that are left once the work has ended; whether that went well."""
        piece = job.take_piece()
        while piece is not None:
            if not self._guarded(self._on_piece, piece):
                job.cancel()
                self._thread = None
                self._at_rest()
                self.finished.emit()
                return False
            piece = job.take_piece() if everything else None
        return True

    def _guarded(self, act: Callable[[Any], None], what: Any) -> bool:
        """Do something on the GUI thread; what goes wrong is said in the window."""
        try:
            act(what)
        except Exception as error:
            self.fail(error)
            return False
        return True

    def _show_progress(self, job: Job) -> None:
        """Show the share of the work done and the time left."""
        left = job.seconds_left()
        if job.fraction > 0:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * min(job.fraction, 1.0)))
        else:
            self.bar.setRange(0, 0)
        self.bar.setFormat(f"{job.text} %p %" + (f", {spoken(left)} left" if left is not None else ""))

    def _end(self, text: str = "") -> None:
        """Bring the buttons back."""
        cancelled = self._thread is not None and self._thread.job.cancelled()
        self._thread = None
        self._at_rest()
        self.say(text)
        if cancelled:
            self.finished.emit()

    def _at_rest(self) -> None:
        """Look as when nothing is being done."""
        self._timer.stop()
        self.bar.setVisible(False)
        self.cancel_button.setVisible(False)
        self.cancel_button.setEnabled(False)
        self.run_button.setEnabled(True)
        self.message.setVisible(bool(self.message.text()))


def _stop_orphans(_: QObject | None = None) -> None:
    """Tell the work of bars that are destroyed to stop, and wait for it a little.

    A function of the module, because Python may have cleared an object that belongs to the bar by now.
    """
    for thread in list(_unfinished):
        bar = thread.bar()
        if bar is None or not isalive(bar):  # type: ignore[no-untyped-call]
            thread.job.cancel()
            thread.wait(_FAREWELL)


class _Burial:
    """Lets go of a thread once it has ended."""

    def __init__(self, thread: _Thread) -> None:
        self.thread = thread

    def __call__(self) -> None:
        self.thread.wait()
        _unfinished.discard(self.thread)


def stop_all(seconds: float = 5.0) -> None:
    """Tell every job to stop and wait for it, as when napari is closed.

    Examples
    --------
    >>> stop_all()
    """
    for thread in list(_unfinished):
        thread.job.cancel()
        thread.wait(round(1000 * seconds))
        _unfinished.discard(thread)


def describe(error: BaseException) -> str:
    """What went wrong and what to do, as one sentence or two.

    Examples
    --------
    >>> describe(MemoryError())
    'There is not enough memory: close other programs, or work on a part of the scan.'
    >>> describe(WelllogError("The scan is empty: choose another."))
    'The scan is empty: choose another.'
    """
    if isinstance(error, WelllogError):
        return str(error)
    if is_out_of_memory(error):
        return "There is not enough memory: close other programs, or work on a part of the scan."
    return f"This should not have happened ({type(error).__name__}: {error}). Nothing was lost; try again."


def spoken(seconds: float) -> str:
    """A span of time as people say it.

    Examples
    --------
    >>> spoken(8.4), spoken(75), spoken(4000)
    ('9 s', '1 min 15 s', '1 h 6 min')
    """
    whole = int(-(-seconds // 1))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
