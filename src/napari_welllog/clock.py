"""The stages of a job: how far each has come, how long it took, and whether anybody wants it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from napari_welllog.errors import Cancelled

Stage = Literal["read", "calibrate", "segment", "trace", "write"]
Progress = Callable[[Stage, float], None]


class Clock:
    """Tells the stages of a job: to whoever watches, and, in seconds, to the report."""

    def __init__(self, progress: Progress | None, cancelled: Callable[[], bool] | None) -> None:
        self._progress = progress
        self._cancelled = cancelled
        self._began = time.perf_counter()
        self._seconds: dict[str, float] = {}
        self._stage: Stage = "read"

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Time one stage, unless the job is cancelled by now."""
        self._stage, began = stage, time.perf_counter()
        self.fraction(0.0)
        yield
        self.fraction(1.0)
        self._seconds[stage] = time.perf_counter() - began

    def fraction(self, done: float) -> None:
        """Tell the share of the stage that is done; stop here if asked to."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled
        if self._progress is not None:
            self._progress(self._stage, done)

    def seconds(self) -> dict[str, float]:
        """Seconds of each stage so far and of all."""
        everything = {**self._seconds, "total": time.perf_counter() - self._began}
        return {stage: round(seconds, 3) for stage, seconds in everything.items()}
