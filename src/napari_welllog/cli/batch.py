"""The main job on many scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_welllog.cli.application import app
from napari_welllog.cli.ending import say
from napari_welllog.cli.options import Device, DeviceOption, ModelOption, StepOption
from napari_welllog.cli.terminal import print_table, standard_console

if TYPE_CHECKING:
    from napari_welllog.archive import Archive, Progress


@app.command(
    epilog="Examples:\n\n    welllog batch 'logs/**/*.tif' --out results\n\n"
    "    welllog batch logs --tracks tracks.json --out results --workers 4\n\n"
    "    welllog batch /shared/logs --out /shared/results --scheduler tcp://10.0.0.5:8786"
)
def batch(
    patterns: Annotated[
        list[str],
        typer.Argument(
            metavar="PATTERN...",
            help="Scans, folders of scans, and patterns such as 'logs/**/*.tif'.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the results, made if need be.", show_default=False)
    ],
    tracks: Annotated[
        Path | None,
        typer.Option(
            metavar="TRACKS.json",
            help="The calibration of all scans that have none of their own (STEM.tracks.json) beside them. Without it "
            "their paper is asked, as digitize does.",
            show_default=False,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="An existing Dask scheduler, whose workers see the same files.",
            show_default="processes on this machine",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes on this machine.", show_default="one for each core, as far as memory goes"
        ),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = Device.AUTO,
    step: StepOption = None,
    again: Annotated[bool, typer.Option("--again", help="Read again what is done already.")] = False,
) -> None:
    """Turn many scans into LAS files, on all cores or on a Dask cluster.

    Each scan gets a folder with what digitize writes; scans.csv and index.html say what was read, how surely, and
    what was refused and why. A run that was stopped or killed goes on where it was when the command is given
    again. Needs the extra `batch`. The exit code is 1 when some scan was not read.
    """
    from napari_welllog.archive import read_archive

    with _archive_bar() as progress:
        archive = read_archive(
            patterns, out, tracks, scheduler, workers, model, device.value, step, again, progress
        )
    _print_archive(archive)
    if len(archive.of_run("read")) < len(archive.scans):
        raise typer.Exit(1)


@contextmanager
def _archive_bar() -> Iterator[Callable[[Progress], None]]:
    """Show on stderr how far a run over many scans is; nothing at all where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Bars(
        *columns, console=console, transient=True, disable=not console.is_terminal, speed_estimate_period=600
    ) as bars:
        task = bars.add_task("starting workers", total=None)

        def update(progress: Progress) -> None:
            bars.update(
                task,
                total=progress.total - progress.kept,
                completed=progress.done - progress.kept,
                description=_progress_words(progress),
            )

        yield update


def _progress_words(progress: Progress) -> str:
    """Say beside the bar what was refused, and what is being read."""
    counts = {
        "done before": progress.kept,
        "refused": progress.refused,
        "failed": progress.failed,
        "workers died": progress.deaths,
    }
    words = [f"{count} {name}" for name, count in counts.items() if count]
    names = ", ".join(path.name for path in progress.running[:4])
    more = f" and {len(progress.running) - 4} more" if len(progress.running) > 4 else ""
    reading = f"{progress.workers} workers: {names}{more}" if names else "starting workers"
    return ", ".join([*words, reading])


_MOST_REASONS = 20
"""Scans that were not read of which the terminal tells the reason; the table tells of all."""


def _print_archive(archive: Archive) -> None:
    """Say how many scans were read, why others were not, and where the table is."""
    outcomes = ("read", "refused", "failed")
    console = standard_console()
    counts = [[outcome, str(len(archive.of_run(outcome)))] for outcome in outcomes]
    print_table(
        console, "", ["outcome", "scans"], [row for row in counts if row[0] == "read" or row[1] != "0"]
    )
    for path in (archive.table, archive.page):
        console.print(str(path), markup=False)
    unread = [*archive.of_run("refused"), *archive.of_run("failed")]
    for record in unread[:_MOST_REASONS]:
        say(f"{record.outcome}: {record.scan.path}: {record.reason}")
    if len(unread) > _MOST_REASONS:
        say(f"and {len(unread) - _MOST_REASONS} more; {archive.table} has them all")
