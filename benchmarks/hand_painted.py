"""A real scan read better after two windows of it were painted by hand, and what that took.

The strokes of a file were chosen by eye on the enlarged scan; here they are painted again by the ink brush of
*Annotate labels* in a real viewer, and the network is fine-tuned on the two windows. The scan is not part of the
project, so the figures can be made anew only by whoever has it.

    bash scripts/with-display.sh python benchmarks/hand_painted.py texas-print.tif benchmarks/strokes/texas-print.json \
        --tracks texas-print.tracks.json --truth texas-print.truth.csv --figure before-after.png
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import lasio
import numpy as np
from _scores import CrossingScore, CurveScore, f1, pixel_counts, score_crossings, score_curve
from _table import add_write_option, markdown_table, publish
from numpy.typing import NDArray
from painting import paint
from PIL import Image
from window import pump, settle

ON_SCALE = (0.015, 0.985)
"""Truth nearer an edge of the track than this is not judged."""

MOVE = 2.0
"""Pixels from one move of the mouse to the next."""


def annotate(scan_file: Path, strokes_file: Path, folder: Path) -> float:
    """Paint the windows of a file of strokes by the tools of *Annotate labels*; the seconds of painting."""
    import napari

    from napari_welllog import read_scan
    from napari_welllog.annotations import Place
    from napari_welllog.widgets.annotate import NOTHING, AnnotateWidget
    from napari_welllog.widgets.layers import scan_layer
    from napari_welllog.widgets.painting import INK_BRUSH

    viewer = napari.Viewer()
    viewer.window.resize(1500, 950)
    data, settings, _ = scan_layer(read_scan(scan_file).pixels, scan_file.stem)
    viewer.add_image(data, **settings)
    widget = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Annotate labels")
    settle(1.0)
    widget.use_folder(folder)
    pump(lambda: not widget.look_bar.is_running, 60)
    widget.begin.setCurrentText(NOTHING)
    seconds = 0.0
    for window in json.loads(strokes_file.read_text())["windows"]:
        (top, bottom), (left, right) = window["rows"], window["columns"]
        place = Place(top=top, left=left, rows=bottom - top, columns=right - left)
        widget._place = lambda image, place=place: place  # exactly what was painted, however large the canvas
        widget.job_bar.run_button.click()
        pump(lambda: not widget.job_bar.is_running, 600)
        pump(lambda: not widget.ink_bar.is_running, 600)
        widget.tools.choose(INK_BRUSH)
        for stroke in window["strokes"]:
            widget.tools.choose_class(stroke["class"])
            widget.tools.choose_radius(stroke["radius"])
            way = as_moves(stroke["points"]) - (place.top, place.left)
            seconds += paint(widget, "ink brush", way)
        widget.mark_button.click()
    widget.saved.flush()
    viewer.close()
    return seconds


def as_moves(points: list[list[float]]) -> NDArray[np.float64]:
    """The moves of a mouse along straight lines between points."""
    ends = np.asarray(points, float)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(ends, axis=0).T))])
    at = np.append(np.arange(0, along[-1], MOVE), along[-1])
    return np.column_stack([np.interp(at, along, ends[:, axis]) for axis in (0, 1)])


def fine_tune(folder: Path, out: Path, minutes: float) -> dict[str, str]:
    """Fine-tune the shipped network on a folder; what the weights say of their making."""
    from napari_welllog.unet.train import TrainingStatus, train
    from napari_welllog.unet.training_settings import TrainingSettings
    from napari_welllog.unet.weights import load_model, shipped_models

    def tell(status: TrainingStatus) -> None:
        best = "" if status.best is None else f", best F1 on the held-out window {status.best:.3f}"
        print(f"{status.fraction:.0%}, batch {status.step}{best}", file=sys.stderr, flush=True)

    train(
        out, TrainingSettings(minutes=minutes), annotations=folder, start=shipped_models()[0], progress=tell
    )
    return load_model(out).provenance


def judge(
    options: argparse.Namespace, model: Path | None, folder: Path
) -> tuple[list[CurveScore], CrossingScore]:
    """Digitise the scan with a network, and score it against its digital log outside the painted rows."""
    from napari_welllog import digitize
    from napari_welllog.tracks import Tracks

    digitize(options.scan, options.tracks, out=folder, model=model)
    las = lasio.read(next(folder.glob("*.las")))
    tracks = Tracks.load(options.tracks)
    depth = np.asarray(las.index, float)
    truth = np.genfromtxt(options.truth, delimiter=",", names=True)
    painted = np.zeros(len(depth), bool)
    for window in json.loads(options.strokes.read_text())["windows"]:
        first, last = tracks.depth.depths(window["rows"])
        painted |= (depth >= first) & (depth <= last)
    got, want = [], []
    for curve in sorted(tracks.tracks[0].curves, key=lambda one: one.curve_class):
        span = curve.right - curve.left
        got.append((np.asarray(las[curve.mnemonic], float) - curve.left) / span)
        fraction = (
            np.interp(depth, truth["DEPTH"], truth[curve.mnemonic], np.nan, np.nan) - curve.left
        ) / span
        judged = (fraction > ON_SCALE[0]) & (fraction < ON_SCALE[1]) & ~painted
        want.append(np.where(judged, fraction, np.nan))
    read, true = np.array(got), np.array(want)
    nowhere = np.zeros(len(depth), bool)
    curves = [score_curve(read[k], true[k], true[1 - k], nowhere) for k in (0, 1)]
    return curves, score_crossings(read, true)


def score_held_out(options: argparse.Namespace, model: Path | None, folder: Path) -> list[float]:
    """Exact pixel F1 of both curves in the painted window that was not learnt from."""
    from napari_welllog import read_scan, segment
    from napari_welllog.annotations import AnnotationFolder
    from napari_welllog.unet.annotated import read_annotated

    annotations = AnnotationFolder.open(folder)
    [held_out] = {patch.window for patch in read_annotated(annotations).held_out}
    window = annotations.read(held_out)
    labels = segment(read_scan(options.scan).pixels, model=model).labels[window.manifest.place.slices]
    return [f1(pixel_counts(labels == k, window.labels == k)[0]) for k in (1, 2)]


def report(
    held_out: list[list[float]],
    before: tuple[list[CurveScore], CrossingScore],
    after: tuple[list[CurveScore], CrossingScore],
    seconds: float,
    said: dict[str, str],
    options: argparse.Namespace,
) -> str:
    """The table: both curves and the crossings, before and after."""
    strokes = json.loads(options.strokes.read_text())["windows"]
    count = sum(len(window["strokes"]) for window in strokes)
    rows = sum(window["rows"][1] - window["rows"][0] for window in strokes)
    lines = [
        [name, "pixel F1, held-out window", *(f"{value:.3f}" for value in pair)]
        for name, pair in zip(("curve one", "curve two"), zip(*held_out, strict=True), strict=True)
    ]
    for name, one, other in zip(("curve one", "curve two"), before[0], after[0], strict=True):
        for figure, digits in (("coverage", 3), ("mae", 4), ("within", 3), ("r2", 3), ("swapped", 3)):
            pair = [getattr(score, figure) for score in (one, other)]
            lines.append([name, figure, *(f"{value:.{digits}f}" for value in pair)])
    hops = [f"{sum(score.hops)} of {sum(score.judged)}" for score in (before[1], after[1])]
    lines.append(["both", "hops at crossings", *hops])
    return (
        f"{len(strokes)} windows, {rows} rows of `{options.scan.name}`, {count} strokes of the ink brush, which took "
        f"the program {seconds:.1f} s; {said['minutes']} minutes of fine-tuning, {said['steps']} batches, of which the "
        f"best was kept (batch {said['best_step']}). One window was learnt from, one held out; the curves are scored "
        "outside the painted rows.\n\n" + markdown_table(["curve", "figure", "before", "after"], lines)
    )


def draw(scan_file: Path, model: Path, out: Path) -> None:
    """Scan, classes before and classes after, side by side, of a stretch that was not painted."""
    from napari_welllog import read_scan, segment

    pixels = read_scan(scan_file).pixels
    colours = np.array([(255, 255, 255), (0, 90, 200), (220, 60, 120)], np.uint8)
    shown = slice(len(pixels) * 2 // 5, len(pixels) * 2 // 5 + 400)
    maps = [colours[segment(pixels, model=one).labels[shown]] for one in (None, model)]
    grey = np.repeat(pixels[shown, :, None], 3, axis=2)
    picture = Image.fromarray(np.concatenate([grey, *maps], axis=1))
    picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.NEAREST).save(out)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scan", type=Path, help="the scan")
    parser.add_argument("strokes", type=Path, help="the strokes, as JSON")
    parser.add_argument("--tracks", type=Path, required=True, help="its calibration")
    parser.add_argument("--truth", type=Path, required=True, help="its digital log, as CSV")
    parser.add_argument("--minutes", type=float, default=10.0, help="minutes of fine-tuning (default 10)")
    parser.add_argument("--figure", type=Path, help="where a picture of before and after goes")
    add_write_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, adapted = Path(place) / "annotations", Path(place) / "adapted.safetensors"
        seconds = annotate(options.scan, options.strokes, folder)
        said = fine_tune(folder, adapted, options.minutes)
        held_out = [score_held_out(options, model, folder) for model in (None, adapted)]
        before, after = (
            judge(options, model, Path(place) / name) for name, model in (("a", None), ("b", adapted))
        )
        if options.figure:
            draw(options.scan, adapted, options.figure)
    publish("hand_painted", report(held_out, before, after, seconds, said, options), options.write)


if __name__ == "__main__":
    main()
