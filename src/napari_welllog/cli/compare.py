"""The lesson and the figures: edge-followers, and how a network does on printed logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_welllog.cli.application import app
from napari_welllog.cli.ending import say
from napari_welllog.cli.options import Device, DeviceOption, ModelOption, ScanArgument
from napari_welllog.cli.terminal import bars, print_table, standard_console
from napari_welllog.errors import WelllogError

if TYPE_CHECKING:
    from napari_welllog.evaluate import CrossingFigures, Evaluation


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
        bars(["read", "follow"]) as progress,
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
    console = standard_console()
    print_table(console, "", ["curve", "rows clear", "ambiguous", "lost"], rows)
    console.print(str(out), markup=False)
    for name in followed.without_start:
        say(f"note: no start of {name} was found; give it by --start {name}=ROW,COLUMN")


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
    with bars(["evaluate"]) as progress:
        if crossings:
            figures = evaluate_crossings(
                network, device.value, count, seed, lambda share: progress("evaluate", share)
            )
    if crossings:
        _print_crossings(figures, count)
        return
    with bars(["evaluate"]) as progress:
        evaluation = run(network, device.value, count, seed, lambda fraction: progress("evaluate", fraction))
    _print_evaluation(evaluation)


def _print_evaluation(evaluation: Evaluation) -> None:
    """Show the figures of a network."""
    console = standard_console()
    pixels = evaluation.pixels
    rows = []
    for k, name in enumerate(("background", "curve one", "curve two")):
        figures = [pixels.precision[k], pixels.recall[k], pixels.f1[k], pixels.iou[k]]
        tolerant = [f1[k - 1] for f1 in evaluation.tolerant_f1.values()] if k else []
        rows.append([name, *(f"{figure:.4f}" for figure in (*figures, *tolerant))])
        rows[-1] += ["-"] * (4 + len(evaluation.tolerant_f1) - len(rows[-1]) + 1)
    header = ["class", "precision", "recall", "F1", "IoU", *(f"F1 at {t} px" for t in evaluation.tolerant_f1)]
    print_table(console, f"Pixels of {evaluation.logs} printed logs that no training saw", header, rows)
    header = ["curve", "rows read", "mean error", "within 1.2 %", "R2", "on the other"]
    rows = [
        [name, f"{f.coverage:.2%}", f"{f.mae:.5f}", f"{f.within:.2%}", f"{f.r2:.5f}", f"{f.on_other:.2%}"]
        for name, f in zip(("curve one", "curve two"), evaluation.curves, strict=True)
    ]
    print_table(console, "Curves, in shares of the rows and of the track's width", header, rows)


def _print_crossings(figures: Sequence[CrossingFigures], logs: int) -> None:
    """Show how often each reader left a crossing on the wrong curve."""
    rows = []
    for f in figures:
        low, high = f.interval
        between = "-" if f.judged == 0 else f"{low:.2%} to {high:.2%}"
        rate = "-" if f.judged == 0 else f"{f.hops / f.judged:.2%}"
        rows.append([f.reader, str(f.judged), str(f.hops), rate, between, str(f.lost), f"{f.rows_wrong:.2%}"])
    header = ["reader", "exits", "hops", "rate", "95 % interval", "lost", "rows wrong"]
    print_table(
        standard_console(),
        f"Exits from the crossings of {logs} printed logs that no training saw",
        header,
        rows,
    )
