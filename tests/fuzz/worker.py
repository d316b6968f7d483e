"""Open the cases of one kind, one after the other, in a process that may crash: `python -m tests.fuzz.worker`.

On its stdout it says in JSON, a line each, which case it begins and how that went; what libraries print meanwhile
is kept apart, because a user would see it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_welllog.errors import WelllogError
from tests.fuzz.kinds import KINDS, SAFE, case_files, lay_out

LONGEST_MESSAGE = 1000

LIMITS = {"WELLLOG_MAX_MEMORY_GB": "1", "WELLLOG_MAX_SAMPLES": "500000"}
"""Settings under which all is opened: a file that would rightly take more than 2 GB or 10 s is refused."""


class OwnOutput:
    """Keep what this process prints, by Python or by a library in C, in a file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the process
        self.channel = os.fdopen(os.dup(1), "w")
        os.dup2(self._file.fileno(), 1)
        os.dup2(self._file.fileno(), 2)

    def taken(self) -> str:
        """What was printed since this was last asked."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._file.seek(0)
        text = self._file.read().decode(errors="replace")
        self._file.seek(0)
        self._file.truncate()
        return text

    def say(self, **words: Any) -> None:
        """Tell the process that watches."""
        print(json.dumps(words), file=self.channel, flush=True)


def outcome(kind: str, number: int, folder: Path) -> tuple[str, str]:
    """Open one case: ("accepted", "") or ("refused", the message) or ("unclear", what is wrong with it)."""
    safe = folder / SAFE
    safe.mkdir()
    lay_out(case_files(kind, number), safe)
    try:
        KINDS[kind].use(safe)
    except WelllogError as error:
        trouble = unclear(str(error), str(folder))
        return ("unclear", f"{trouble}: {error}") if trouble else ("refused", str(error))
    except Exception:
        return "unclear", traceback.format_exc()
    return "accepted", ""


def unclear(message: str, folder: str) -> str:
    """Say what keeps a refusal from being one clear line; empty where nothing does."""
    message = message.replace(folder, "")
    if "\n" in message or not message.isprintable():
        return "not one line of text"
    if not 10 <= len(message) <= LONGEST_MESSAGE:
        return f"{len(message)} characters"
    if not any(mark in message for mark in (";", ".")):
        return "no remedy"
    return ""


def peak_memory() -> int:
    """Most memory, in bytes, that this process held since `forget_peak`; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def forget_peak() -> None:
    """Begin to measure the peak anew."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    """Open cases FIRST to LAST of KIND."""
    kind, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.environ |= LIMITS
    output = OwnOutput()
    for kind_of_warning in (UserWarning, RuntimeWarning):
        warnings.simplefilter("always", kind_of_warning)  # each time, not only the first
    for number in range(first, last + 1):
        output.say(begins=number)
        folder = Path(tempfile.mkdtemp(prefix="welllog-fuzz-"))
        forget_peak()
        clock = time.process_time()
        how, words = outcome(kind, number, folder)
        seconds = time.process_time() - clock
        printed = output.taken()
        if printed:
            how, words = "printed", printed[-2000:]
        output.say(case=number, outcome=how, words=words, seconds=seconds, memory=peak_memory())
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
