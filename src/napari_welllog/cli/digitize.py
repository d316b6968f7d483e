"""The main job: a scan in, a LAS file out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_welllog.cli.application import app
from napari_welllog.cli.ending import say
from napari_welllog.cli.options import Device, DeviceOption, ModelOption, ScanArgument, StepOption
from napari_welllog.cli.terminal import bars, print_table, standard_console

if TYPE_CHECKING:
    from napari_welllog.report import Report


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

    with bars(["read", "calibrate", "segment", "trace", "write"]) as progress:
        report = run(scan, tracks, out, model, device.value, step, progress, edits=edits)
    _print_report(report)


def _print_report(report: Report) -> None:
    """Show how each curve was read, and where the files are."""
    rows = []
    for curve in report.curves:
        counts = (curve.rows_traced, curve.rows_bridged, curve.rows_missing)
        shares = [f"{100 * count / max(sum(counts), 1):.1f} %" for count in counts]
        confidence = "-" if curve.mean_confidence is None else f"{curve.mean_confidence:.2f}"
        rows.append([curve.mnemonic, *shares, confidence, str(curve.crossings)])
    console = standard_console()
    print_table(console, "", ["curve", "traced", "bridged", "missing", "confidence", "crossings"], rows)
    for path in report.files.values():
        console.print(str(path), markup=False)
    for warning in report.warnings:
        say(f"note: {warning}")
