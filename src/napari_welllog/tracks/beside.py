"""What lies beside a scan: its calibration, and results that are no scans themselves."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

SCAN_ENDINGS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pdf")
"""How files of scans are named; which format a file has is told by its content."""

TRACKS_ENDING = ".tracks.json"

RESULT_ENDINGS = ("_classes.tif", "_overlay.png")
"""How `digitize` names the pictures it writes, which are no scans."""


def is_named_as_scan(name: str) -> bool:
    """Whether a file is named as a scan, and not as a picture that was made from one.

    Examples
    --------
    >>> [is_named_as_scan(name) for name in ("well.TIF", "well_overlay.png", "well.las")]
    [True, False, False]
    """
    return name.lower().endswith(SCAN_ENDINGS) and not name.lower().endswith(RESULT_ENDINGS)


def find_tracks(scan: Path) -> Path | None:
    """Find the calibration beside a scan: STEM.tracks.json, or tracks.json in a folder of one scan.

    Parameters
    ----------
    scan : Path
        File of the scan.

    Returns
    -------
    Path or None
        The calibration; None where there is none, or where it may belong to another scan.

    Examples
    --------
    >>> find_tracks(Path("no/such/log.tif")) is None
    True
    """
    own = scan.with_name(scan.stem + TRACKS_ENDING)
    if own.is_file():
        return own
    shared = scan.with_name("tracks.json")
    if not shared.is_file():
        return None
    try:
        with os.scandir(scan.parent) as entries:
            scans = list(islice((entry for entry in entries if is_named_as_scan(entry.name)), 2))
    except OSError:
        return None
    return shared if len(scans) == 1 else None
