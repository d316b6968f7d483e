"""Watch workers open cases, and tell what became of each, whether they answered, crashed or went on for ever."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]

MOST_SECONDS = 10.0
"""Processor time of one case; on the clock a busy machine may make it `_PATIENCE` times as long."""
_PATIENCE = 6

MOST_BYTES = 2e9

_FAILURES = ("crashed", "hung", "memory", "unclear", "printed")


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Parameters
    ----------
    kind, case : which one.
    how : "accepted", "refused", "crashed", "hung", "memory", "unclear" or "printed".
    words : the message, or what is wrong.
    seconds, memory : what it took, of processor time and in bytes.
    """

    kind: str
    case: int
    how: str
    words: str
    seconds: float = 0.0
    memory: int = 0

    @property
    def failed(self) -> bool:
        """Whether that must not happen."""
        return self.how in _FAILURES


@dataclass
class Tally:
    """What became of the cases of one kind."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0
    failures: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.counts["cases"] += 1
        self.counts["failed" if outcome.failed else outcome.how] += 1
        self.seconds, self.memory = max(self.seconds, outcome.seconds), max(self.memory, outcome.memory)
        if outcome.failed:
            self.failures.append(outcome)


class _Worker:
    """A worker, and the lines that it says."""

    def __init__(self, kind: str, first: int, last: int, module: str) -> None:
        path = os.pathsep.join(filter(None, (str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", ""))))
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, kind, str(first), str(last)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        )
        self._rest = b""

    def line(self, seconds: float) -> dict[str, Any] | None:
        """The next line, or None when there is none after some seconds; raises EOFError where it ended."""
        assert self.process.stdout is not None
        while b"\n" not in self._rest:
            if not select.select([self.process.stdout], [], [], seconds)[0]:
                return None
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                raise EOFError
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return dict(json.loads(line))

    def used(self) -> tuple[float, int]:
        """Processor time in seconds and resident memory in bytes."""
        try:
            process = psutil.Process(self.process.pid)
            times = process.cpu_times()
            return times.user + times.system, process.memory_info().rss
        except psutil.Error:
            return 0.0, 0

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


def watch(kind: str, first: int, last: int, module: str = "tests.fuzz.worker") -> Iterator[Outcome]:
    """Have the cases first to last of a kind opened; a worker that is lost is replaced by another."""
    while first <= last:
        worker = _Worker(kind, first, last, module)
        try:
            for outcome in _outcomes(worker, kind, first):
                yield outcome
                first = outcome.case + 1
        finally:
            worker.end()


def _outcomes(worker: _Worker, kind: str, first: int) -> Iterator[Outcome]:
    """What a worker says of its cases, and of the last what must be said for it."""
    case: int | None = None
    began, used = time.monotonic(), 0.0
    while True:
        try:
            line = worker.line(0.25)
        except EOFError:
            code = worker.process.wait()
            if code == 0 and case is None:
                return
            stderr = worker.process.stderr.read().decode(errors="replace") if worker.process.stderr else ""
            words = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            yield Outcome(kind, first if case is None else case, "crashed", f"{words} {stderr[-1500:]}")
            return
        if line is None:
            seconds, memory = worker.used()
            on_the_clock = time.monotonic() - began
            if memory > MOST_BYTES:
                yield Outcome(kind, case or first, "memory", f"{memory / 1e9:.1f} GB", seconds - used, memory)
                return
            if case is not None and max(seconds - used, on_the_clock / _PATIENCE) > MOST_SECONDS:
                words = f"{seconds - used:.0f} s, {on_the_clock:.0f} s on the clock"
                yield Outcome(kind, case, "hung", words, seconds - used, memory)
                return
        elif "begins" in line:
            case, began, used = line["begins"], time.monotonic(), worker.used()[0]
        else:
            case = None
            yield _judged(
                Outcome(kind, line["case"], line["outcome"], line["words"], line["seconds"], line["memory"])
            )


def _judged(outcome: Outcome) -> Outcome:
    """Make a failure of an outcome that took too much."""
    if outcome.memory > MOST_BYTES:
        return replace(outcome, how="memory", words=f"{outcome.memory / 1e9:.1f} GB")
    if outcome.seconds > MOST_SECONDS:
        return replace(outcome, how="hung", words=f"{outcome.seconds:.0f} s")
    return outcome


def run(counts: dict[str, int], jobs: int, first: int = 0, tell: object = None) -> dict[str, Tally]:
    """Open so many cases of each kind, by several workers at once.

    Parameters
    ----------
    counts : cases by kind.
    jobs : workers at once.
    first : number of the first case.
    tell : called with each failure as it is found.
    """
    tallies = {kind: Tally() for kind in counts}
    parts = [
        (kind, start, min(start + _PART, first + count) - 1)
        for kind, count in counts.items()
        for start in range(first, first + count, _PART)
    ]

    def one(part: tuple[str, int, int]) -> list[Outcome]:
        outcomes = []
        for outcome in watch(*part):
            if outcome.failed and callable(tell):
                tell(outcome)
            outcomes.append(outcome)
        return outcomes

    with ThreadPoolExecutor(jobs) as pool:
        for outcomes in pool.map(one, parts):
            for outcome in outcomes:
                tallies[outcome.kind].add(outcome)
    return tallies


_PART = 500
