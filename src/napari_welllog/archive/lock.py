"""One run at a time writes into a folder of results."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from napari_welllog.errors import ArchiveError

LOCK = ".welllog-batch.lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    ArchiveError
        If another run holds it.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> with held(folder), held(folder):
    ...     pass
    Traceback (most recent call last):
    ...
    napari_welllog.errors.ArchiveError: ...: another run is writing there; wait for it or choose another folder
    """
    with open(folder / LOCK, "a+b") as file:
        try:
            _take(file)
        except (BlockingIOError, PermissionError) as error:
            raise ArchiveError(
                f"{folder}: another run is writing there; wait for it or choose another folder"
            ) from error
        except OSError:  # a network disk without locks
            pass
        yield


def _take(file: IO[bytes]) -> None:
    """Lock an open file or fail at once; closing it unlocks it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
