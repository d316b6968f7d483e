"""The command `welllog`: what the engine does, from a terminal or a script.

Every command ends with 0 only when all that was asked for is written. A mistake that the user can mend gives
one line on stderr and 2, Ctrl-C 130; neither leaves a partial file.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from napari_welllog.errors import Cancelled, OutputError, WelllogError

if TYPE_CHECKING:
    from rich.console import Console

    from napari_welllog.archive import Archive, Progress
    from napari_welllog.calibrate import PaperCalibration
    from napari_welllog.digitize import Report
    from napari_welllog.evaluate import CrossingFigures, Evaluation
    from napari_welllog.synthetic import PrintedLog


class Device(StrEnum):
    """Where the network runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


# --- How a command ends -----------------------------------------------------------------------------------


class _OneLineGroup(TyperGroup):
    """The commands, whose every refusal is one line on stderr."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and leave with its exit code."""

        def run() -> Any:
            return super(_OneLineGroup, self).main(
                args, prog_name, complete_var, False, windows_expand_args, **extra
            )

        if not standalone_mode:
            return run()
        with _SIGNALS.handled():
            code = self._exit_code(run)
        sys.exit(code)

    def _exit_code(self, run: Callable[[], Any]) -> int:
        """Run a command and give its exit code, having said what went wrong."""
        try:
            result = run()
            code = result if isinstance(result, int) else 0
        except WelllogError as error:
            return _refuse(str(error))
        except typer.TyperException as error:
            context = getattr(error, "ctx", None)
            command = context.command_path if context is not None else "welllog"
            message = error.format_message().replace("Value error, ", "").rstrip(".")
            return _refuse(f"{message}; see {command} --help")
        except MemoryError:
            return _refuse(
                "there is not enough memory for this; close other programs or cut the scan in parts"
            )
        except (Cancelled, KeyboardInterrupt) as stop:
            code = 128 + _SIGNALS.last
            if str(stop):
                _say(str(stop))
                return code
        if code == 128 + signal.SIGINT:
            _say("stopped; no result was written")
        return code


def _refuse(message: str) -> int:
    """Say what is wrong on one line of stderr and give the exit code of bad input."""
    _say(message)
    return 2


def _say(message: str) -> None:
    """Write one line to stderr."""
    print(f"welllog: {' '.join(message.split())}", file=sys.stderr)


class _Signals:
    """Ctrl-C and requests to end: they stop the work at once, or are only noted while a job asks for that."""

    def __init__(self) -> None:
        self.last: int = signal.SIGINT
        self.noted = False
        self._only_note = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Turn the signals into exceptions, so that everything is tidied up on the way out."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [signal.SIGINT, signal.SIGTERM]
        # A terminal that was closed; nohup has it ignored, and so do we then.
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            numbers.append(signal.SIGHUP)
        earlier = {number: signal.signal(number, self._receive) for number in numbers}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; stop the work at once unless this is the first and the job only wants it noted."""
        self.last = number
        if self._only_note and not self.noted:
            self.noted = True
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(128 + number)

    @contextmanager
    def only_noted(self) -> Iterator[Callable[[], bool]]:
        """Let the first signal only be noted; gives the question whether there was one."""
        self._only_note, self.noted = True, False
        try:
            yield lambda: self.noted
        finally:
            self._only_note = False


_SIGNALS = _Signals()


# --- What a person sees -----------------------------------------------------------------------------------


@contextmanager
def _bars(stages: Sequence[str]) -> Iterator[Callable[[str, float], None]]:
    """Show a progress bar for each stage on stderr; nothing at all where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks = {stage: progress.add_task(stage, total=1.0, start=False) for stage in stages}

        def update(stage: str, fraction: float) -> None:
            task = tasks[stage]
            progress.start_task(task)
            progress.update(task, completed=fraction)

        yield update


def _console() -> Console:
    """The console of stdout."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def _table(console: Console, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: words left, figures right."""
    from rich import box
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for k, name in enumerate(header):
        table.add_column(name, justify="left" if k == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _print_report(report: Report) -> None:
    """Show how each curve was read, and where the files are."""
    rows = []
    for curve in report.curves:
        counts = (curve.rows_traced, curve.rows_bridged, curve.rows_missing)
        shares = [f"{100 * count / max(sum(counts), 1):.1f} %" for count in counts]
        confidence = "-" if curve.mean_confidence is None else f"{curve.mean_confidence:.2f}"
        rows.append([curve.mnemonic, *shares, confidence, str(curve.crossings)])
    console = _console()
    _table(console, "", ["curve", "traced", "bridged", "missing", "confidence", "crossings"], rows)
    for path in report.files.values():
        console.print(str(path), markup=False)
    for warning in report.warnings:
        _say(f"note: {warning}")


def _print_evaluation(evaluation: Evaluation) -> None:
    """Show the figures of a network."""
    console = _console()
    pixels = evaluation.pixels
    rows = []
    for k, name in enumerate(("background", "curve one", "curve two")):
        figures = [pixels.precision[k], pixels.recall[k], pixels.f1[k], pixels.iou[k]]
        tolerant = [f1[k - 1] for f1 in evaluation.tolerant_f1.values()] if k else []
        rows.append([name, *(f"{figure:.4f}" for figure in (*figures, *tolerant))])
        rows[-1] += ["-"] * (4 + len(evaluation.tolerant_f1) - len(rows[-1]) + 1)
    header = ["class", "precision", "recall", "F1", "IoU", *(f"F1 at {t} px" for t in evaluation.tolerant_f1)]
    _table(console, f"Pixels of {evaluation.logs} printed logs that no training saw", header, rows)
    header = ["curve", "rows read", "mean error", "within 1.2 %", "R2", "on the other"]
    rows = [
        [name, f"{f.coverage:.2%}", f"{f.mae:.5f}", f"{f.within:.2%}", f"{f.r2:.5f}", f"{f.on_other:.2%}"]
        for name, f in zip(("curve one", "curve two"), evaluation.curves, strict=True)
    ]
    _table(console, "Curves, in shares of the rows and of the track's width", header, rows)


def _print_crossings(figures: Sequence[CrossingFigures], logs: int) -> None:
    """Show how often each reader left a crossing on the wrong curve."""
    rows = []
    for f in figures:
        low, high = f.interval
        between = "-" if f.judged == 0 else f"{low:.2%} to {high:.2%}"
        rate = "-" if f.judged == 0 else f"{f.hops / f.judged:.2%}"
        rows.append([f.reader, str(f.judged), str(f.hops), rate, between, str(f.lost), f"{f.rows_wrong:.2%}"])
    header = ["reader", "exits", "hops", "rate", "95 % interval", "lost", "rows wrong"]
    _table(_console(), f"Exits from the crossings of {logs} printed logs that no training saw", header, rows)


# --- The commands -----------------------------------------------------------------------------------------


app = typer.Typer(
    name="welllog",
    cls=_OneLineGroup,
    help="Turn scanned paper well logs into numbers.",
    epilog="Each command explains itself: welllog digitize --help",
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScanArgument = Annotated[
    Path,
    typer.Argument(metavar="SCAN", help="The scan: TIFF, PNG, JPEG, BMP, GIF or PDF.", show_default=False),
]
StepOption = Annotated[
    float | None,
    typer.Option(help="Distance of the samples in the depth unit.", show_default="0.5, or 1 scan row"),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        help="A shipped network by name, or a .safetensors file.", show_default="the one that ships"
    ),
]
DeviceOption = Annotated[Device, typer.Option(help="Where the network runs.")]


def _show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from napari_welllog import __version__

        print(f"welllog {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _welllog(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave."),
    ] = False,
) -> None:
    """Turn scanned paper well logs into numbers."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(
    epilog="Examples:\n\n    welllog digitize log.tif --tracks tracks.json --out results\n\n"
    "    welllog digitize log.tif"
)
def digitize(
    scan: ScanArgument,
    tracks: Annotated[
        Path | None,
        typer.Option(
            metavar="TRACKS.json",
            help="The calibration. Without one the tracks are found from the grid, and depths and scales are read "
            "from the paper where that can be done surely; else the results are scan rows and fractions of the "
            "track's width.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of the results, made if need be.", show_default="beside the scan"
        ),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = Device.AUTO,
    step: StepOption = None,
    edits: Annotated[
        Path | None,
        typer.Option(
            metavar="EDITS.json",
            help="Corrections by hand, as the plugin keeps them beside a scan.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Turn a scan into a LAS file.

    Writes STEM.las, STEM.csv, STEM_classes.tif (the class of every pixel), STEM_overlay.png (the picture to
    check) and STEM_report.json, all of them or none.
    """
    from napari_welllog.digitize import digitize as run

    with _bars(["read", "calibrate", "segment", "trace", "write"]) as progress:
        report = run(scan, tracks, out, model, device.value, step, progress, edits=edits)
    _print_report(report)


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
    console = _console()
    counts = [[outcome, str(len(archive.of_run(outcome)))] for outcome in outcomes]
    _table(console, "", ["outcome", "scans"], [row for row in counts if row[0] == "read" or row[1] != "0"])
    for path in (archive.table, archive.page):
        console.print(str(path), markup=False)
    unread = [*archive.of_run("refused"), *archive.of_run("failed")]
    for record in unread[:_MOST_REASONS]:
        _say(f"{record.outcome}: {record.scan.path}: {record.reason}")
    if len(unread) > _MOST_REASONS:
        _say(f"and {len(unread) - _MOST_REASONS} more; {archive.table} has them all")


@app.command(
    epilog="Example:\n\n    welllog segment log.tif --out classes.tif --probabilities probabilities.tif"
)
def segment(
    scan: ScanArgument,
    out: Annotated[
        Path,
        typer.Option(
            metavar="CLASSES.tif",
            help="The class map: 0 background, 1 curve one, 2 curve two.",
            show_default=False,
        ),
    ],
    probabilities: Annotated[
        Path | None,
        typer.Option(
            metavar="PROBS.tif",
            help="Class probabilities too: three channels, background, curve one and curve two, in 255ths.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Give every pixel of a scan one of three classes."""
    from napari_welllog.digitize import segment_to_file, write_probabilities
    from napari_welllog.output import naming, staged
    from napari_welllog.scan import open_in_strips
    from napari_welllog.unet import load_model

    targets = [out] if probabilities is None else [out, probabilities]
    if len({target.resolve() for target in targets}) < len(targets):
        raise OutputError(f"{out}: is asked for both results; give --out and --probabilities two files")
    with _bars(["read", "segment", "write"]) as progress, ExitStack() as opened:
        progress("read", 0.0)
        pixels = opened.enter_context(open_in_strips(scan)).pixels
        network = load_model(model)
        progress("read", 1.0)
        places = opened.enter_context(staged(targets, inputs=[scan, model]))
        with naming(out, places[out]):
            class_map = segment_to_file(
                places[out],
                pixels,
                network,
                device.value,
                lambda fraction: progress("segment", fraction),
            )
        progress("write", 0.0)
        if probabilities is not None:
            with naming(probabilities, places[probabilities]):
                write_probabilities(places[probabilities], class_map)
        progress("write", 1.0)
    background, one, two = class_map.shares()
    print(f"background {background:.2%}, curve one {one:.2%}, curve two {two:.2%}")
    print(*targets, sep="\n")


@app.command(
    epilog="Examples:\n\n    welllog tracks log.tif\n\n"
    "    welllog tracks log.tif --out tracks.json --paper read.json"
)
def tracks(
    scan: ScanArgument,
    out: Annotated[
        Path | None,
        typer.Option(metavar="TRACKS.json", help="Where to write it.", show_default="to the terminal"),
    ] = None,
    paper: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Also write everything that was read: each number with its place, its confidence, the line it "
            "was tied to, and what was refused and why.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Propose a calibration: tracks from the grid, depths and scales from what is printed beside and above them.

    What cannot be read surely is refused, with the reason, and is for you to fill in. Reading needs the extra
    `ocr`; without it only the tracks are proposed.
    """
    from napari_welllog.calibrate import calibrate_scan, is_installed
    from napari_welllog.calibrate.ocr import MISSING
    from napari_welllog.errors import OcrError
    from napari_welllog.output import naming, staged
    from napari_welllog.scan import open_in_strips
    from napari_welllog.tracks import propose_tracks

    if paper is not None and not is_installed():
        raise OcrError(MISSING)
    targets = [target for target in (out, paper) if target is not None]
    with (
        _bars(["read", "find", "depth", "scales"]) as progress,
        staged(targets, inputs=[scan]) as places,
        ExitStack() as files,
    ):
        progress("read", 0.0)
        opened = files.enter_context(open_in_strips(scan))
        progress("read", 1.0)
        read = calibrate_scan(opened.pixels, opened.dpi, progress=progress) if is_installed() else None
        proposed = propose_tracks(opened.pixels) if read is None else read.proposal
        if out is not None:
            with naming(out, places[out]):
                places[out].write_text(proposed.to_json(), encoding="utf-8")
        if paper is not None and read is not None:
            with naming(paper, places[paper]):
                places[paper].write_text(read.to_json(), encoding="utf-8")
    print(*targets if out is not None else [proposed.to_json().rstrip("\n"), *targets], sep="\n")
    for line in [f"note: {MISSING}"] if read is None else _words_about(read):
        _say(line)


def _words_about(read: PaperCalibration) -> list[str]:
    """What was read from the paper, and what was refused."""
    return [f"read {line}" for line in read.summary()] + [f"not read: {line}" for line in read.refusals()]


@app.command(
    epilog="Examples:\n\n    welllog train --minutes 85 --out mine.safetensors --checkpoint mine.pt\n\n"
    "    welllog train --minutes 85 --out mine.safetensors --checkpoint mine.pt --resume\n\n"
    "    welllog train --annotations annotations --start welllog-1 --minutes 10 --out mine.safetensors"
)
def train(
    out: Annotated[
        Path, typer.Option(metavar="FILE.safetensors", help="The weights to write.", show_default=False)
    ],
    minutes: Annotated[float, typer.Option(min=0.0, help="How long to train.")] = 85.0,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Train for so many batches, however long it takes.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same logs.")] = 1,
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to minimise.", show_default="the one that won")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Keep what was learnt here, every minute and on Ctrl-C.", show_default=False
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    annotations: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Learn from windows of your own scans too, as annotated in the plugin; some are held out.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_FILE", help="A network to go on from.", show_default="none: from scratch"
        ),
    ] = None,
    annotated_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of annotated windows in what is learnt from.")
    ] = 0.4,
    loss_parameter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="A number in the loss, such as gamma=3 for focal; may be given again.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train a network on printed logs, and on annotated windows of your own."""
    if resume and (checkpoint is None or not checkpoint.is_file()):
        raise WelllogError("there is nothing to resume from; give --checkpoint an existing checkpoint")
    from dataclasses import replace

    from napari_welllog.output import naming, staged
    from napari_welllog.unet.train import TrainingSettings, TrainingStatus
    from napari_welllog.unet.train import train as run

    settings = TrainingSettings(
        minutes=minutes,
        steps=steps,
        seed=seed,
        annotated_share=annotated_share,
        loss_parameters=_numbers(loss_parameter or []),
    )
    settings = settings if loss is None else replace(settings, loss=loss)
    with (
        _bars(["train"]) as progress,
        staged([out], inputs=[checkpoint, start]) as places,
        _stopping(checkpoint) as stopped,
    ):

        def show(status: TrainingStatus) -> None:
            progress("train", status.fraction)

        with naming(out, places[out]):
            scores = run(
                places[out],
                settings,
                checkpoint=checkpoint,
                resume=resume,
                progress=show,
                cancelled=stopped,
                annotations=annotations,
                start=start,
            )
    print(f"F1 on held-out windows: curve one {scores.f1[1]:.4f}, curve two {scores.f1[2]:.4f}")
    print(out)


def _numbers(given: Sequence[str]) -> dict[str, float]:
    """Read NAME=NUMBER."""
    numbers = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            numbers[name.strip()] = float(number)
        except ValueError:
            raise WelllogError(
                f"--loss-parameter {text}: is not NAME=NUMBER; write it as gamma=2.5"
            ) from None
    return numbers


@contextmanager
def _stopping(checkpoint: Path | None) -> Iterator[Callable[[], bool] | None]:
    """Let Ctrl-C wait for the checkpoint, where one is kept."""
    if checkpoint is None:
        yield None
        return
    with _SIGNALS.only_noted() as noted:
        try:
            yield noted
        except Cancelled:
            _say(f"what was learnt is kept in {checkpoint}; go on with --resume")
            raise


@app.command(epilog="Example:\n\n    welllog synth --count 10 --seed 1 --out printed")
def synth(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the logs, made if need be.", show_default=False)
    ],
    count: Annotated[int, typer.Option(min=1, help="How many logs.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed prints the same logs.")] = 0,
    rows: Annotated[int, typer.Option(min=200, help="Rows of each scan.")] = 3000,
    columns: Annotated[int, typer.Option(min=200, help="Columns of each scan.")] = 1200,
) -> None:
    """Print synthetic logs with their truth.

    Writes for each log NAME.png (the scan), NAME_classes.tif (the class of every pixel), NAME_traces.csv (the
    exact column of each curve in each row) and NAME.tracks.json (its calibration).
    """
    import numpy as np

    from napari_welllog.output import staged
    from napari_welllog.synthetic import print_log

    names = [f"log-{k:0{max(3, len(str(count - 1)))}d}" for k in range(count)]
    targets = {name: [out / f"{name}{ending}" for ending in _SYNTH_ENDINGS] for name in names}
    with _bars(["print"]) as progress, staged(path for paths in targets.values() for path in paths) as places:
        for k, name in enumerate(names):
            log_seed = int(np.random.SeedSequence([seed, k]).generate_state(1)[0])
            log = print_log(log_seed, rows=rows, columns=columns)
            _write_printed_log(log, {path: places[path] for path in targets[name]})
            progress("print", (k + 1) / count)
    for paths in targets.values():
        print(*paths, sep="\n")


_SYNTH_ENDINGS = (".png", "_classes.tif", "_traces.csv", ".tracks.json")


def _write_printed_log(log: PrintedLog, places: dict[Path, Path]) -> None:
    """Write the scan, the class map, the traces and the calibration of a printed log."""
    from PIL import Image

    from napari_welllog.digitize import write_class_map
    from napari_welllog.output import naming

    assert log.tracks is not None
    tracks = log.tracks
    writers: list[Callable[[Path], object]] = [
        lambda place: Image.fromarray(log.scan).save(place, "PNG", dpi=(log.dpi, log.dpi)),
        lambda place: write_class_map(place, log.classes),
        lambda place: place.write_text(_traces_csv(log), encoding="utf-8"),
        lambda place: tracks.save(place),
    ]
    for write, (target, place) in zip(writers, places.items(), strict=True):
        with naming(target, place):
            write(place)


def _traces_csv(log: PrintedLog) -> str:
    """The exact column of each curve in each row, empty where it is not on the paper."""
    import numpy as np

    assert log.tracks is not None
    names = []
    for trace in log.traces:
        curves = log.tracks.tracks[trace.track].curves
        names.append(next(curve.mnemonic for curve in curves if curve.curve_class == trace.curve_class))
    lines = [",".join(["row", *names])]
    for row in range(log.scan.shape[0]):
        columns = (float(trace.column[row]) for trace in log.traces)
        lines.append(
            ",".join([str(row), *("" if np.isnan(column) else f"{column:.3f}" for column in columns)])
        )
    return "\n".join(lines) + "\n"


@app.command(
    epilog="Examples:\n\n    welllog follow log.tif --tracks tracks.json --method kalman --out followed.csv\n\n"
    "    welllog follow log.tif --tracks tracks.json --start GR=2530,710 --out followed.csv"
)
def follow(
    scan: ScanArgument,
    tracks: Annotated[Path, typer.Option(metavar="TRACKS.json", help="The calibration.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.csv", help="Row, and of each curve column and verdict.", show_default=False
        ),
    ],
    method: Annotated[
        str, typer.Option(metavar="NAME", help="Which follower: nearest, straight, kalman or viterbi.")
    ] = "kalman",
    start: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CURVE=ROW,COLUMN",
            help="Where a curve starts; may be given for each. The others start where the network first sees them.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Follow the curves of a scan by an edge-follower, which knows ink and no classes.

    A lesson, not a way to digitise: at a crossing it may hop to the other curve, and the verdict says where it
    was in doubt.
    """
    from napari_welllog.followers import METHODS, Verdict, follow_scan
    from napari_welllog.followers.job import read_start
    from napari_welllog.output import naming, staged
    from napari_welllog.scan import read_scan
    from napari_welllog.tracks import Tracks

    if method not in METHODS:
        raise WelllogError(f"{method}: is no follower; choose one of {', '.join(METHODS)}")
    calibration = Tracks.load(tracks)
    starts = dict(read_start(text, calibration) for text in start or [])
    with (
        _bars(["read", "follow"]) as progress,
        staged([out], inputs=[scan, tracks, model]) as places,
    ):
        progress("read", 0.0)
        pixels = read_scan(scan).pixels
        calibration.check_against(*pixels.shape)
        progress("read", 1.0)
        followed = follow_scan(
            pixels, calibration, method, starts, model, device.value, lambda share: progress("follow", share)
        )
        with naming(out, places[out]):
            places[out].write_text(followed.to_csv(), encoding="utf-8")
    rows = [
        [name, *(f"{path.count(verdict)}" for verdict in (Verdict.CLEAR, Verdict.AMBIGUOUS, Verdict.LOST))]
        for name, path in followed.paths.items()
    ]
    console = _console()
    _table(console, "", ["curve", "rows clear", "ambiguous", "lost"], rows)
    console.print(str(out), markup=False)
    for name in followed.without_start:
        _say(f"note: no start of {name} was found; give it by --start {name}=ROW,COLUMN")


@app.command(epilog="Example:\n\n    welllog evaluate --count 16 --model mine.safetensors")
def evaluate(
    model: ModelOption = None,
    device: DeviceOption = Device.AUTO,
    count: Annotated[int, typer.Option(min=1, help="How many logs.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Another seed prints other logs.")] = 0,
    crossings: Annotated[
        bool, typer.Option("--crossings", help="Set it beside the edge-followers where curves cross.")
    ] = False,
) -> None:
    """Measure a network on printed logs that no training saw."""
    from napari_welllog.evaluate import evaluate as run
    from napari_welllog.evaluate import evaluate_crossings
    from napari_welllog.unet import load_model

    network = load_model(model)
    with _bars(["evaluate"]) as progress:
        if crossings:
            figures = evaluate_crossings(
                network, device.value, count, seed, lambda share: progress("evaluate", share)
            )
    if crossings:
        _print_crossings(figures, count)
        return
    with _bars(["evaluate"]) as progress:
        evaluation = run(network, device.value, count, seed, lambda fraction: progress("evaluate", fraction))
    _print_evaluation(evaluation)


def main() -> NoReturn:
    """Run the command `welllog`."""
    app()
    raise AssertionError("the command leaves by itself")


if __name__ == "__main__":
    main()
