"""The demo: print a log, digitise it, tell how close the numbers are to the truth, and show it in napari.

Run it with `python -m napari_welllog.demo`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import lasio
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from napari_welllog.curves import Trace, extract_traces, to_log_curve
from napari_welllog.digitize import digitize
from napari_welllog.errors import WelllogError
from napari_welllog.las import resample
from napari_welllog.output import staged
from napari_welllog.report import Report
from napari_welllog.samples import SAMPLE_PRESS, clearest_crossing, true_traces
from napari_welllog.scan import read_scan
from napari_welllog.synthetic import PrintedLog, print_log
from napari_welllog.tracks import Curve, Track, Tracks
from napari_welllog.unet import Model, load_model, segment
from napari_welllog.widgets.display import DisplayError, has_display
from napari_welllog.widgets.result_window import Result, open_window, picture_of_window

_SEED = 3
_ROWS, _COLUMNS = 3600, 1500
_VIEW_ROWS = 460
_MARGIN = 10.0


@dataclass(frozen=True)
class Closeness:
    """How close one curve of a LAS file is to what was printed.

    Parameters
    ----------
    mnemonic, unit : str
        The curve.
    coverage : float
        Share of the printed depths that were read.
    error : float
        Mean absolute error over the depths that were read, in the curve's unit.
    error_of_track : float
        The same as a fraction of the track's width.
    """

    mnemonic: str
    unit: str
    coverage: float
    error: float
    error_of_track: float


def run_demo(out: Path, window: bool = True) -> None:
    """Print a log, digitise it, compare it with the truth and show it.

    Parameters
    ----------
    out : Path
        Folder of everything that is written, made if need be.
    window : bool
        Whether to show the result in napari, or to write the picture of its window where there is no display.

    Raises
    ------
    WelllogError
        If anything goes wrong that the user can mend.
    """
    log = print_demo_log()
    scan, tracks = write_sample(log, out)
    print(f"Printed a log of {_ROWS} x {_COLUMNS} pixels and scanned it: {scan}")
    model = load_model()
    report = digitize(scan, tracks, out, model)
    print(f"Digitised it in {report.seconds['total']:.1f} s with the network {model.name}.\n")
    print(_summary(compare_with_truth(report.files["las"], log), report))
    print(_where(report, tracks))
    if window:
        _show(digitised(scan, tracks, model), out / "window.png")


def print_demo_log() -> PrintedLog:
    """Print the log of the demo: two tracks of two curves each, black and white at 200 dpi."""
    return print_log(_SEED, SAMPLE_PRESS, rows=_ROWS, columns=_COLUMNS)


def write_sample(log: PrintedLog, folder: Path) -> tuple[Path, Path]:
    """Write a printed log as archives keep them, a bilevel TIFF in CCITT G4, with its calibration.

    Parameters
    ----------
    log : PrintedLog
        The log.
    folder : Path
        Where to write `sample.tif` and `sample.tracks.json`.

    Returns
    -------
    Path, Path
        The scan and the tracks.json.
    """
    scan, tracks = folder / "sample.tif", folder / "sample.tracks.json"
    with staged([scan, tracks]) as places:
        bilevel = Image.fromarray(log.scan).convert("1", dither=Image.Dither.NONE)
        bilevel.save(places[scan], compression="group4", dpi=(log.dpi, log.dpi))
        _calibration(log).save(places[tracks])
    return scan, tracks


def compare_with_truth(las_file: Path, log: PrintedLog) -> list[Closeness]:
    """Compare a LAS file with the log that it was read from.

    Parameters
    ----------
    las_file : Path
        What `digitize` wrote.
    log : PrintedLog
        What was printed.

    Returns
    -------
    list of Closeness
        One for each curve, in the order of the tracks.
    """
    las = lasio.read(las_file)
    calibration = _calibration(log)
    closeness = []
    for index, track in enumerate(calibration.tracks):
        for curve, trace in zip(track.curves, true_traces(log, index), strict=True):
            truth = resample(to_log_curve(trace, track, calibration.depth, curve), las.index)
            closeness.append(_closeness(curve, np.asarray(las[curve.mnemonic], np.float64), truth))
    return closeness


def _closeness(curve: Curve, read: NDArray[np.float64], truth: NDArray[np.float64]) -> Closeness:
    """Compare the values of one curve at the same depths; NaN where there is none."""
    both = np.isfinite(read) & np.isfinite(truth)
    coverage = both.sum() / max(int(np.isfinite(truth).sum()), 1)
    error = float(np.abs(read - truth)[both].mean()) if both.any() else float("nan")
    return Closeness(
        curve.mnemonic, curve.unit, float(coverage), error, error / abs(curve.right - curve.left)
    )


def _calibration(log: PrintedLog) -> Tracks:
    """The calibration of a printed log; a whole log always has one."""
    assert log.tracks is not None
    return log.tracks


def digitised(scan: Path, tracks: Path, model: Model) -> Result:
    """Read a scan once more, step by step, for what the window shows.

    Parameters
    ----------
    scan, tracks : Path
        The scan and its tracks.json.
    model : Model
        The network.

    Returns
    -------
    Result
        Scan, classes and curves, with a crossing in view.
    """
    pixels = read_scan(scan).pixels
    calibration = Tracks.load(tracks)
    class_map = segment(pixels, model)
    traces = [extract_traces(class_map, track) for track in calibration.tracks]
    pairs = [
        pair
        for track, of_track in zip(calibration.tracks, traces, strict=True)
        for pair in zip(track.curves, of_track, strict=True)
    ]
    view = _first_view(calibration.tracks, traces)
    return Result(pixels, class_map.labels, pairs, view, "napari-welllog demo")


def _first_view(
    tracks: Sequence[Track], traces: Sequence[Sequence[Trace]]
) -> tuple[float, float, float, float]:
    """Top, bottom, left and right of the clearest crossing, or of the beginning of a log that has none."""
    found = []
    for track, of_track in zip(tracks, traces, strict=True):
        beginning = int(track.top) + _VIEW_ROWS // 2, 0.0
        row, distance = clearest_crossing(of_track, _VIEW_ROWS // 2) or beginning
        found.append((distance, row, track))
    _, row, track = max(found, key=lambda one: one[0])
    top = row - _VIEW_ROWS // 2
    return top, top + _VIEW_ROWS, *track.bounding_columns(_MARGIN)


def _summary(closeness: Sequence[Closeness], report: Report) -> str:
    """Tell for each curve how much of it was read and how close it is to what was printed."""
    lines = ["curve   read        mean error          of the track   crossings"]
    for curve, reported in zip(closeness, report.curves, strict=True):
        found = f"{curve.error:>11.3g} {curve.unit:<8} {curve.error_of_track:>14.2%}"
        lines.append(
            f"{curve.mnemonic:<6} {curve.coverage:>6.1%} {found if curve.coverage else '-':>34} "
            f"{reported.crossings:>11}"
        )
    return "\n".join(lines) + "\n"


def _where(report: Report, tracks: Path) -> str:
    """Tell what lies where."""
    what = {
        "las": "the log curves, LAS 2.0",
        "csv": "the same as a table",
        "classes": "the class of every pixel",
        "overlay": "the curves over the scan, to check them by eye",
        "report": "how each curve was read",
    }
    places = {tracks: "the calibration"} | {path: what[kind] for kind, path in report.files.items()}
    width = max(len(str(path)) for path in places)
    return "\n".join(f"{path!s:{width}}  {contents}" for path, contents in places.items())


def _show(result: Result, picture: Path) -> None:
    """Show the result in a window, or in the picture of one."""
    if has_display():
        print("Close the napari window to end.")
        try:
            open_window(result)
            return
        except DisplayError as error:
            print(error, file=sys.stderr)
    picture_of_window(result, picture)
    print(f"{picture}  napari's window, which there is no display for")


def _command(
    out: Annotated[Path, typer.Option(help="Folder of everything that is written.")] = Path("demo-output"),
    window: Annotated[bool, typer.Option(help="Show the result in napari.")] = True,
) -> None:
    """Print a log, digitise it, tell how close the numbers are to the truth, and show it in napari."""
    try:
        run_demo(out, window)
    except WelllogError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    typer.run(_command)
