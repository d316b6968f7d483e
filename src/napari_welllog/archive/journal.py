"""The journal of an archive: what happened when, a line each, apart from the results, which have no times."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

JOURNAL = "journal.jsonl"


class Journal:
    r"""A file to which every run appends lines of JSON.

    Parameters
    ----------
    folder : Path
        Folder of all results.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> Journal(folder).write("read", scan="well.tif", seconds=3.2)
    >>> (folder / "journal.jsonl").read_text()
    '{"time": "...", "event": "read", "scan": "well.tif", "seconds": 3.2}\n'
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / JOURNAL

    def write(self, event: str, **what: Any) -> None:
        """Append one line; it is on the disk, or at least with the system, when this returns."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        with open(self._file, "a", encoding="utf-8") as file:
            file.write(json.dumps({"time": time, "event": event, **what}) + "\n")
