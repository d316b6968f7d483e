"""What is to be done: a folder for each scan's results, and which scans are read already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_welllog.archive.job import Job
from napari_welllog.archive.record import RECORD, FileMark, Record, Settings
from napari_welllog.tracks.beside import find_tracks

OWN_FILES = ("scans.csv", "index.html", "journal.jsonl")
"""Names in the folder of the results that no scan's folder can have."""


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Parameters
    ----------
    folders : dict
        For each scan the folder of its results.
    records : dict
        By folder, what is known: of scans that need not be read again, and of scans of earlier runs.
    jobs : list of Job
        The scans to read.
    """

    folders: dict[Path, Path]
    records: dict[Path, Record]
    jobs: list[Job]


def plan_run(
    scans: Sequence[Path],
    out: Path,
    tracks: Path | None,
    common: Settings,
    model: str | None,
    device: str = "auto",
    again: bool = False,
) -> Plan:
    """Find out what is to be done.

    Parameters
    ----------
    scans : sequence of Path
        Absolute paths, in order.
    out : Path
        Folder of the results.
    tracks : Path, optional
        Calibration of the scans that have none of their own beside them.
    common : Settings
        Those of a scan that is calibrated by its paper.
    model : str, optional
        Name or file of the network.
    device : str
        Where the network runs.
    again : bool
        Whether to read again what is done already.
    """
    known = {path.parent: Record.load(path) for path in sorted(out.glob(f"*/{RECORD}"))}
    records = {folder: record for folder, record in known.items() if record is not None}
    names = name_folders(scans, {folder.name: record.scan.path for folder, record in records.items()})
    given = None if tracks is None else FileMark.of(tracks).sha256
    jobs = []
    for scan in scans:
        folder, calibration = out / names[scan], find_tracks(scan)
        if calibration is not None:
            change = {"tracks": "beside", "tracks_sha256": _mark(calibration), "prints_read": None}
        elif tracks is not None:
            calibration, change = tracks, {"tracks": "given", "tracks_sha256": given, "prints_read": None}
        else:
            change = {}
        settings = common.model_copy(update=change)
        record = records.get(folder)
        if again or record is None or not record.still_holds(folder, scan, settings):
            records.pop(folder, None)
            jobs.append(Job(scan, folder, calibration, settings, model, device))
    return Plan({scan: out / name for scan, name in names.items()}, records, jobs)


def _mark(calibration: Path) -> str:
    """The hash of a calibration; none can be had where it may not be read, which its scan's turn will tell."""
    try:
        return FileMark.of(calibration).sha256
    except OSError:
        return ""


def name_folders(scans: Iterable[Path], owners: Mapping[str, str]) -> dict[Path, str]:
    """Give each scan's results a folder: named as the scan, with a number where another scan has that name.

    A folder that holds results of a scan stays that scan's, so an interrupted run finds its names again.

    Parameters
    ----------
    scans : paths
        In order.
    owners : mapping
        By folder, the path of the scan whose results it holds.

    Examples
    --------
    >>> names = name_folders([Path("a/well.tif"), Path("b/well.tif"), Path("b/Well.png")], {})
    >>> list(names.values())
    ['well', 'well-2', 'Well-3']
    >>> name_folders([Path("a/well.tif"), Path("b/well.tif")], {"well": "b/well.tif"})
    {PosixPath('b/well.tif'): 'well', PosixPath('a/well.tif'): 'well-2'}
    """
    own = {path: folder for folder, path in owners.items()}
    scans = list(scans)
    names = {scan: own[str(scan)] for scan in scans if str(scan) in own}
    taken = {name.casefold() for name in (*owners, *OWN_FILES)}  # some file systems know no capitals
    for scan in scans:
        if scan not in names:
            name, number = scan.stem, 1
            while name.casefold() in taken:
                number += 1
                name = f"{scan.stem}-{number}"
            taken.add(name.casefold())
            names[scan] = name
    return names
