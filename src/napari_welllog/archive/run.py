"""Read an archive: plan what is to be done, let workers do it, keep journal and table up to date."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from napari_welllog import __version__
from napari_welllog.archive.cluster import Died, Ended, Waiting, cluster, require_dask, run_jobs
from napari_welllog.archive.job import Job, write_refusal
from napari_welllog.archive.journal import Journal
from napari_welllog.archive.lock import held
from napari_welllog.archive.page import to_page
from napari_welllog.archive.plan import Plan, plan_run
from napari_welllog.archive.record import Record, Settings
from napari_welllog.archive.scans import find_scans
from napari_welllog.archive.table import to_csv
from napari_welllog.calibrate import is_installed
from napari_welllog.errors import Cancelled, LasError, OutputError
from napari_welllog.output import replace_file
from napari_welllog.tracks import Tracks
from napari_welllog.unet import load_model

TABLE_SECONDS = 60.0
"""How often the table is written while scans are being read."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Parameters
    ----------
    total : int
        Scans that were asked for.
    kept : int
        Of these, done by an earlier run.
    read, refused, failed : int
        Done by this run.
    deaths : int
        Workers that died.
    workers : int
        Workers there are now.
    running : tuple of Path
        Scans that are being read.
    """

    total: int
    kept: int = 0
    read: int = 0
    refused: int = 0
    failed: int = 0
    deaths: int = 0
    workers: int = 0
    running: tuple[Path, ...] = ()

    @property
    def done(self) -> int:
        """Scans that need nothing more."""
        return self.kept + self.read + self.refused + self.failed


@dataclass
class Archive:
    """What came of a run.

    Parameters
    ----------
    out : Path
        Folder of all results.
    scans : dict
        By scan of this run, the folder of its results.
    records : dict
        By folder, what came of every scan whose results are there.
    progress : Progress
        The counts.
    """

    out: Path
    scans: dict[Path, Path]
    records: dict[Path, Record]
    progress: Progress

    @property
    def table(self) -> Path:
        """The table as CSV."""
        return self.out / "scans.csv"

    @property
    def page(self) -> Path:
        """The table as a page with thumbnails."""
        return self.out / "index.html"

    def of_run(self, outcome: str) -> list[Record]:
        """The records of this run's scans that have an outcome, in order."""
        records = (self.records.get(folder) for folder in self.scans.values())
        return [record for record in records if record is not None and record.outcome == outcome]

    def write_tables(self) -> None:
        """Write the table, as CSV and as a page.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        replace_file(self.table, to_csv(self.records, self.out).encode())
        unread = len([folder for folder in self.scans.values() if folder not in self.records])
        replace_file(self.page, to_page(self.records, self.out, unread).encode())


def read_archive(
    patterns: Sequence[str | Path],
    out: str | Path,
    tracks: str | Path | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    model: str | Path | None = None,
    device: str = "auto",
    step: float | None = None,
    again: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Archive:
    """Read many scans, each as `digitize` does, on Dask.

    Each scan's results lie in a folder of their own in `out`, with a record by which a later run knows that they
    are done; beside the folders `scans.csv`, `index.html` and `journal.jsonl` tell of all. A scan is not read
    again while its file, its calibration, the step, the weights and the version of napari-welllog are the same.

    A scan that cannot be used is listed with the reason, and stops nothing. A worker that dies costs its scan a
    retry. When the run is stopped or killed, the same call goes on where it was.

    Parameters
    ----------
    patterns : sequence of paths
        Scans, folders of scans, and patterns such as ``logs/**/*.tif``.
    out : path
        Folder of the results, made if need be.
    tracks : path, optional
        Calibration of all scans that have none beside them (STEM.tracks.json). Without it their paper is asked,
        as `digitize` does.
    scheduler : str, optional
        Address of a Dask scheduler whose workers see the same files; by default processes on this machine.
    workers : int, optional
        How many processes on this machine; by default one for each core, as far as its memory goes.
    model : name or path, optional
        The network; the one that ships by default.
    device : "auto", "cpu", "cuda" or "mps"
        Where workers run the network.
    step : float, optional
        As in `digitize`.
    again : bool
        Whether to read again what is done.
    progress : function of Progress, optional
        Called whenever something happens, and about twice a second.

    Returns
    -------
    Archive
        What came of every scan.

    Raises
    ------
    ArchiveError
        If Dask is missing, no scan is meant, no scheduler answers or another run writes into `out`.
    WelllogError
        If the calibration for all, the network or the step cannot be used, or `out` cannot be written to.
    """
    require_dask()
    if step is not None and not (math.isfinite(step) and step > 0):
        raise LasError(f"the step is {step:g}; give a step above 0, such as 0.5")
    calibration = None if tracks is None else Path(os.path.abspath(tracks))
    if calibration is not None:
        Tracks.load(calibration)
    network = load_model(model)
    folder = Path(os.path.abspath(out))
    scans = find_scans(patterns, folder)
    _make(folder)
    common = Settings(
        version=__version__,
        model=network.name,
        model_sha256=network.sha256,
        step=step,
        tracks="paper",
        tracks_sha256=None,
        prints_read=is_installed(),
    )
    # A file is named absolutely, because workers may run elsewhere; a shipped network by its name.
    file = None if model is None else os.path.abspath(model) if os.path.isfile(model) else str(model)
    with held(folder):
        plan = plan_run(scans, folder, calibration, common, file, device, again)
        return _Run(folder, plan, progress or (lambda _: None)).carried_out(scheduler, workers)


def _make(folder: Path) -> None:
    """Make the folder of the results."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "permission denied")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{folder}: cannot be written to ({reason}); choose another folder") from error


@dataclass
class _Run:
    """One run: its counts, and what it writes down."""

    folder: Path
    plan: Plan
    tell: Callable[[Progress], None]
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("read", "refused", "failed"), 0))
    deaths: int = 0

    def carried_out(self, scheduler: str | None, workers: int | None) -> Archive:
        """Do all jobs; the table is written at the end, however it comes, and now and then before."""
        journal = Journal(self.folder)
        archive = Archive(self.folder, self.plan.folders, self.plan.records, self._progress())
        journal.write("run", version=__version__, scans=archive.progress.total, kept=archive.progress.kept)
        with self._tables(archive, journal):
            if self.plan.jobs:
                count = min(workers, len(self.plan.jobs)) if workers else workers
                with cluster(scheduler, count) as client:
                    self._follow(run_jobs(client, self.plan.jobs), archive, journal)
        archive.progress = self._progress()
        return archive

    @contextmanager
    def _tables(self, archive: Archive, journal: Journal) -> Iterator[None]:
        """Write the tables at the end, and say where a run that was stopped has got to."""
        try:
            yield
        except (Cancelled, KeyboardInterrupt) as stop:
            done = self._progress()
            journal.write("stopped", done=done.done)
            raise Cancelled(
                f"stopped; {done.done} of {done.total} scans are done, and the same command goes on from there"
            ) from stop
        else:
            journal.write("end", **self.counts)
        finally:
            archive.write_tables()

    def _follow(self, events: Iterator[Ended | Died | Waiting], archive: Archive, journal: Journal) -> None:
        """Write down what happens, and tell of it."""
        running: tuple[Job, ...] = ()
        workers, written = 0, time.monotonic()
        for event in events:
            if isinstance(event, Ended):
                self._note(event, archive, journal)
            elif isinstance(event, Died):
                self.deaths += 1
                journal.write("worker died", scan=str(event.job.scan), worker=event.worker)
            else:
                running, workers = event.running, event.workers
            self.tell(self._progress(workers, running))
            if time.monotonic() - written > TABLE_SECONDS:
                archive.write_tables()
                written = time.monotonic()

    def _note(self, event: Ended, archive: Archive, journal: Journal) -> None:
        """Write down what became of a job."""
        if event.done is None:
            record, more = write_refusal(event.job, "failed", event.reason), {}
        else:
            record = event.done.record
            more = {"seconds": round(event.done.seconds, 3), "worker": event.done.worker}
        archive.records[event.job.folder] = record
        self.counts[record.outcome] += 1
        reason = {"reason": record.reason} if record.reason else {}
        journal.write(record.outcome, scan=record.scan.path, **reason, **more)

    def _progress(self, workers: int = 0, running: Sequence[Job] = ()) -> Progress:
        """The counts so far."""
        total = len(self.plan.folders)
        return Progress(
            total,
            total - len(self.plan.jobs),
            **self.counts,
            deaths=self.deaths,
            workers=workers,
            running=tuple(job.scan for job in running),
        )
