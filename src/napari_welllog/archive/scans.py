"""Which scans are meant: files, folders and patterns as a person writes them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from napari_welllog.errors import ArchiveError
from napari_welllog.tracks.beside import RESULT_ENDINGS, is_named_as_scan


def find_scans(patterns: Sequence[str | Path], out: str | Path) -> list[Path]:
    """Find the scans that are meant, each once.

    Parameters
    ----------
    patterns : files, folders or patterns
        A file is taken whatever its name. A folder means the scans in it and below. A pattern has ``*``, ``?``
        or ``[]``, and ``**`` for any folders between; of what it matches, files named as scans are taken.
    out : path
        Folder of the results: what lies in it is no scan. Nor are pictures that `digitize` has written.

    Returns
    -------
    list of Path
        Absolute paths in alphabetical order.

    Raises
    ------
    ArchiveError
        If a pattern means no scan at all; the message names it.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> for name in ("b.tif", "a.png", "a_overlay.png", "a.tracks.json"):
    ...     (folder / name).touch()
    >>> [scan.name for scan in find_scans([folder], folder / "results")]
    ['a.png', 'b.tif']
    """
    results = Path(os.path.abspath(out))
    found: dict[str, Path] = {}
    for pattern in patterns:
        scans = [path for path in _meant_by(str(pattern)) if results not in path.parents]
        scans = [path for path in scans if not path.name.lower().endswith(RESULT_ENDINGS)]
        if not scans:
            raise ArchiveError(f"{pattern}: there is no scan; name scans, folders of scans or a pattern")
        for path in sorted(scans, key=str):
            found.setdefault(os.path.realpath(path), path)
    return sorted(found.values(), key=str)


def _meant_by(pattern: str) -> Iterator[Path]:
    """Absolute paths of the files that one argument means."""
    path = Path(os.path.abspath(os.path.expanduser(pattern)))
    if path.is_dir():
        for folder, _, names in os.walk(path):
            yield from _scans_among(Path(folder, name) for name in names)
    elif os.path.lexists(path):
        yield path
    elif glob.has_magic(pattern):
        matches = glob.iglob(str(path), recursive=True)
        yield from _scans_among(Path(match) for match in matches if not os.path.isdir(match))


def _scans_among(paths: Iterable[Path]) -> Iterator[Path]:
    """Files that are named as scans are."""
    return (path for path in paths if is_named_as_scan(path.name) and not path.name.startswith("."))
