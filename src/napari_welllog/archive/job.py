"""One scan of many: read on a worker, which writes the results itself and sends back only what came of it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from napari_welllog import __version__
from napari_welllog.archive.record import RECORD, Figures, FileMark, Outcome, Record, ScanMark, Settings
from napari_welllog.archive.thumbnail import write_thumbnail
from napari_welllog.calibrate.ocr import MISSING, is_installed, load_reader
from napari_welllog.digitize import digitize, output_paths
from napari_welllog.errors import (
    ArchiveError,
    Cancelled,
    LasError,
    ModelError,
    OcrError,
    OutputError,
    ScanError,
    TracksError,
    WelllogError,
    is_out_of_memory,
)
from napari_welllog.output import replace_file, staged
from napari_welllog.unet import Model, load_model

if TYPE_CHECKING:
    from napari_welllog.calibrate.ocr import TextReader

_LEFTOVERS = ".welllog-*"
"""What `output.staged` leaves in a folder when its process is killed."""


@dataclass(frozen=True)
class Job:
    """A scan to read: all that travels to a worker.

    Parameters
    ----------
    scan : Path
        File of the scan.
    folder : Path
        Folder of its results.
    tracks : Path or None
        File of its calibration; None if the paper is asked.
    settings : Settings
        What the results depend on.
    model : str or None
        Name or file of the network.
    device : str
        Where the network runs.
    """

    scan: Path
    folder: Path
    tracks: Path | None
    settings: Settings
    model: str | None = None
    device: str = "auto"

    @property
    def files(self) -> dict[str, Path]:
        """The results by kind."""
        thumbnail = self.folder / f"{self.scan.stem}_thumbnail.png"
        return {**output_paths(self.scan, self.folder), "thumbnail": thumbnail}


@dataclass(frozen=True)
class Done:
    """What came of a job: all that travels back.

    Parameters
    ----------
    record : Record
        As it was written among the results.
    seconds : float
        How long it took.
    worker : str
        Machine and process that did it.
    """

    record: Record
    seconds: float
    worker: str


def do_job(job: Job, threads: int = 1, cancelled: Callable[[], bool] = lambda: False) -> Done:
    """Read one scan and write its results, or why there are none.

    Results, thumbnail and record reach the folder together, or only a record that says why not. The report has
    no seconds, so that the same scan always gives the same bytes.

    Parameters
    ----------
    job : Job
        What to do.
    threads : int
        Processor threads to use.
    cancelled : function
        Asked now and then whether to stop.

    Raises
    ------
    Cancelled
        If asked to stop.
    """
    began = time.perf_counter()
    try:
        _tidy(job.folder)
        record = _read(job, threads, cancelled)
    except Cancelled:
        raise
    except Exception as error:  # one bad scan never stops the others
        outcome, reason = _judge(error)
        record = write_refusal(job, outcome, reason)
    return Done(record, time.perf_counter() - began, f"{platform.node()}:{os.getpid()}")


def _tidy(folder: Path) -> None:
    """Forget an earlier result, which may be half replaced when this is killed; remove what a killed one left."""
    (folder / RECORD).unlink(missing_ok=True)
    for leftover in folder.glob(_LEFTOVERS):
        shutil.rmtree(leftover, ignore_errors=True)


def _read(job: Job, threads: int, cancelled: Callable[[], bool]) -> Record:
    """Read a scan and write all its results."""
    network = _network(job, threads)
    mark = _mark_of(job.scan)
    reader = _reader(threads) if job.tracks is None and is_installed() else None
    if job.tracks is None and job.settings.prints_read and reader is None:
        raise OcrError(MISSING)
    place_of_record = job.folder / RECORD
    targets = [*job.files.values(), place_of_record]
    with staged(targets, inputs=[job.scan, job.tracks]) as places, _hiding(places[place_of_record].parent):
        stage = places[place_of_record].parent
        report = digitize(
            job.scan,
            job.tracks,
            stage,
            network,
            job.device,
            job.settings.step,
            cancelled=cancelled,
            reader=reader,
        )
        timeless = report.model_copy(update={"seconds": {}})
        places[job.files["report"]].write_text(timeless.to_json(), encoding="utf-8")
        write_thumbnail(places[job.files["thumbnail"]], report)
        record = Record(
            scan=mark,
            settings=job.settings,
            outcome="read",
            figures=Figures.of(report),
            files={path.name: FileMark.of(places[path]) for path in job.files.values()},
        )
        places[place_of_record].write_text(record.to_json(), encoding="utf-8")
    return record


def write_refusal(job: Job, outcome: Outcome, reason: str) -> Record:
    """Write down why a scan was not read.

    Parameters
    ----------
    job : Job
        What was to be done.
    outcome : "refused" or "failed"
        Whether it is due to the scan.
    reason : str
        One line.
    """
    reason = " ".join(reason.split()).removeprefix(f"{job.scan}: ")
    if any(path.exists() for path in job.files.values()):
        reason += " (the results in its folder are of an earlier run)"
    try:
        mark = _mark_of(job.scan)
    except ScanError:
        mark = ScanMark(path=str(job.scan), size=0, sha256="", changed=0)
    record = Record(scan=mark, settings=job.settings, outcome=outcome, reason=reason)
    with suppress(OSError, OutputError):  # a full disk: the table will say so all the same
        job.folder.mkdir(parents=True, exist_ok=True)
        replace_file(job.folder / RECORD, record.to_json().encode())
    return record


def _judge(error: Exception) -> tuple[Outcome, str]:
    """Whether a scan was refused or the machine failed, and the reason in words."""
    words = str(error)
    if isinstance(error, MemoryError) or (is_out_of_memory(error) and not isinstance(error, WelllogError)):
        return "failed", "not enough memory; use fewer workers, or cut the scan in parts"
    if isinstance(error, ScanError | TracksError | LasError):
        # read_scan asks how much memory is free, which is no fault of the scan.
        return ("failed" if isinstance(error, _UnreadNow) or "memory" in words else "refused"), words
    if isinstance(error, WelllogError):
        return "failed", words
    return "failed", f"unexpected {type(error).__name__}: {words or 'no words'}; please report it"


class _UnreadNow(ScanError):
    """The file cannot be read now: a disk, a network or a permission, but not what is in it."""


def _mark_of(scan: Path) -> ScanMark:
    """What tells this scan from another one; reads all of the file."""
    try:
        changed = scan.stat().st_mtime_ns
        mark = FileMark.of(scan)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _UnreadNow(f"{scan}: cannot be read ({reason}); check the name and the disk") from error
    return ScanMark(path=str(scan), changed=changed, **mark.model_dump())


def _network(job: Job, threads: int) -> Model:
    """The network, which stays loaded from scan to scan; refused where it is not that of the run."""
    network = load_model(job.model)
    if network.sha256 != job.settings.model_sha256:
        raise ModelError(
            f"{network.name}: has other weights on this worker than where the run was started; "
            "install the same version or give the same file everywhere"
        )
    if __version__ != job.settings.version:
        raise ArchiveError(
            f"a worker has napari-welllog {__version__} and the run {job.settings.version}; install the same"
        )
    _use_threads(threads)
    return network


def _use_threads(threads: int) -> None:
    """Let the network use so many processor threads, whatever runs it."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


@lru_cache(maxsize=1)
def _reader(threads: int) -> TextReader:
    """The OCR library, which stays loaded from scan to scan."""
    return load_reader(threads)


@contextmanager
def _hiding(stage: Path) -> Iterator[None]:
    """Name the folder of the results, not the temporary one inside it, in any error."""
    try:
        yield
    except OutputError as error:
        raise OutputError(str(error).replace(str(stage), str(stage.parent))) from error
