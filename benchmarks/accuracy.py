"""How well curves are read from prints that the printing press did not make.

Prints come from `_prints` (matplotlib; nothing shared with `napari_welllog.synthetic`) in four conditions.
Each runs through the real pipeline, pixels to class map to traces, and every row is judged in fractions of
the track width.

    python benchmarks/accuracy.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from _prints import CONDITIONS, Print, las_source, make_print
from _scores import CrossingScore, CurveScore, f1, pixel_counts, score_crossings, score_curve
from _table import add_write_option, markdown_table, publish
from numpy.typing import NDArray
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from napari_welllog.class_map import ClassMap
    from napari_welllog.tracks import Track

FloatArray = NDArray[np.float64]

VEERNET = ["VeerNet, its best published curve", "", "", "0.0132", "0.9891", "", "", "", "", ""]
"""J. Imaging 2023, 9(7), 136: MAE and R2 of the normalised range against the LAS."""


@dataclass(frozen=True)
class Reading:
    """One print, what was read from it, and how good that is."""

    page: Print
    fractions: FloatArray
    curves: tuple[CurveScore, CurveScore]
    crossings: CrossingScore
    pixel_f1: tuple[float, float]

    @property
    def worst_r2(self) -> float:
        """R2 of the worse of the two curves."""
        return min(curve.r2 for curve in self.curves)


def track_of(page: Print) -> Track:
    """The calibration of a print: fractions of the track, edges where they were drawn."""
    from napari_welllog.tracks import Curve, Track

    curves = [
        Curve(curve_class=1, mnemonic="ONE", unit="", left=0, right=1),
        Curve(curve_class=2, mnemonic="TWO", unit="", left=0, right=1),
    ]
    return Track(
        name="track",
        left=list(page.left),
        right=list(page.right),
        top=page.top,
        bottom=page.bottom,
        curves=curves,
    )


def perfect_classes(page: Print) -> ClassMap:
    """The class map of a network that makes no mistake: what tracing alone costs."""
    from napari_welllog.class_map import ClassMap

    labels = np.zeros(page.scan.shape, np.uint8)
    for curve_class, ink in enumerate(page.ink, start=1):
        labels[ink] = curve_class
    return ClassMap.from_labels(labels)


def read(page: Print, classify: Callable[[Print], ClassMap]) -> Reading:
    """Run the pipeline on a print and score both curves."""
    from napari_welllog.curves import extract_traces

    class_map = classify(page)
    track = track_of(page)
    fractions = np.full((2, page.scan.shape[0]), np.nan)
    for trace in extract_traces(class_map, track):
        rows = trace.rows.astype(int)
        fractions[trace.curve_class - 1, rows] = track.fractions(trace.rows, trace.column)
    return score(page, fractions, class_map.labels)


def score(page: Print, fractions: FloatArray, labels: NDArray[np.uint8]) -> Reading:
    """Score what was read, fractions (2, rows) with NaN where missing, and the labels of the pixels."""
    truth = page.truth
    log = slice(page.top, page.bottom + 1)
    curves = [
        score_curve(fractions[k, log], truth[k, log], truth[1 - k, log], page.absent[k, log]) for k in (0, 1)
    ]
    pixel_f1 = [_pixel_f1(page, labels, k) for k in (0, 1)]
    crossings = score_crossings(fractions[:, log], truth[:, log])
    return Reading(page, fractions, (curves[0], curves[1]), crossings, (pixel_f1[0], pixel_f1[1]))


def _pixel_f1(page: Print, labels: NDArray[np.uint8], curve: int) -> float:
    """F1 of a curve within one pixel, in the track; pixels that both curves ink are right in either class."""
    columns = [column for edge in (page.left, page.right) for _, column in edge]
    track = np.s_[page.top : page.bottom + 1, max(0, int(min(columns))) : int(max(columns)) + 1]
    judged = ~(page.ink[0] & page.ink[1])[track]
    got, truth = (labels == curve + 1)[track] & judged, page.ink[curve][track] & judged
    return f1(pixel_counts(got, truth, (1,))[0])


def summary_row(name: str, readings: Sequence[Reading], curve: int) -> list[str]:
    """Medians over readings of one curve's figures; hops are added up."""
    scores = [reading.curves[curve] for reading in readings]

    def median(figure: str) -> float:
        return float(np.median([getattr(score, figure) for score in scores]))

    hops = sum(reading.crossings.hops[curve] for reading in readings)
    judged = sum(reading.crossings.judged[curve] for reading in readings)
    return [
        name,
        ("one", "two")[curve],
        f"{median('coverage'):.1%}",
        f"{median('mae'):.4f}",
        f"{median('r2'):.4f}",
        f"{median('within'):.1%}",
        f"{median('swapped'):.2%}",
        f"{median('invented'):.2%}",
        f"{hops} of {judged}",
        f"{np.median([reading.pixel_f1[curve] for reading in readings]):.3f}",
    ]


def report(readings: Sequence[Reading]) -> str:
    """The tables: by condition, over all, by the pen of curve two; and the worst case."""
    header = [
        "prints",
        "curve",
        "coverage",
        "MAE",
        "R2",
        "within 1.2 %",
        "nearer the other curve",
        "invented",
        "hops",
        "pixel F1, 1 px",
    ]
    rows = []
    for condition in [*CONDITIONS, "all"]:
        chosen = [reading for reading in readings if condition in (reading.page.condition, "all")]
        name = f"{condition} ({len(chosen)})"
        rows += [summary_row(name, chosen, curve) for curve in (0, 1) if chosen]
    worst = min(readings, key=lambda reading: reading.worst_r2)
    hops = sum(sum(reading.crossings.hops) for reading in readings)
    judged = sum(sum(reading.crossings.judged) for reading in readings)
    crossings = sum(reading.crossings.count for reading in readings)
    under = sum(reading.worst_r2 < 0.99 for reading in readings)
    pens = []
    for pen in sorted({reading.page.pens[1].name for reading in readings}):
        chosen = [reading for reading in readings if reading.page.pens[1].name == pen]
        pens.append(summary_row(f"{pen} ({len(chosen)})", chosen, 1))
    return "\n\n".join(
        [
            "Medians over prints. Shares are shares of the rows, errors are fractions of the track width.",
            markdown_table(header, [*rows, VEERNET]),
            f"Worst R2 of any curve: {worst.worst_r2:.4f} ({worst.page.name}); prints with a curve under "
            f"0.99: {under} of {len(readings)}. Hops: {hops} of {judged} exits judged "
            f"({hops / max(judged, 1):.2%}) at {crossings} crossings.",
            "Curve two by its pen:",
            markdown_table(header, pens),
        ]
    )


def engines_table(by_engine: dict[str, list[Reading]]) -> str:
    """The medians of all prints by what ran the network, and how far each lies from the first."""
    names = ["MAE one", "MAE two", "R2 one", "R2 two", "pixel F1, 1 px, one", "pixel F1, 1 px, two"]
    medians = {
        engine: [
            float(np.median([figure(reading, curve) for reading in readings]))
            for figure in (
                lambda reading, curve: reading.curves[curve].mae,
                lambda reading, curve: reading.curves[curve].r2,
                lambda reading, curve: reading.pixel_f1[curve],
            )
            for curve in (0, 1)
        ]
        for engine, readings in by_engine.items()
    }
    (_, reference), *_ = medians.items()
    rows = [[engine, *(f"{value:.5f}" for value in values)] for engine, values in medians.items()]
    furthest = max(abs(a - b) for values in medians.values() for a, b in zip(values, reference, strict=True))
    return f"{markdown_table(['engine', *names], rows)}\n\nFurthest from the first row: {furthest:.5f}."


def compare_engines(options: argparse.Namespace) -> None:
    """Read all prints by plain torch in float32, which is the reference, and by what the project takes."""
    from napari_welllog.unet import load_model, predict
    from napari_welllog.unet.predictor import TorchPredictor, make_predictor

    model = load_model(options.model)
    ways = {
        "torch, float32": TorchPredictor(model, "cpu", "float32"),
        "as `segment` runs it": make_predictor(model, "cpu"),
    }
    by_engine: dict[str, list[Reading]] = {}
    for engine, predictor in ways.items():
        predict.make_predictor = lambda *_, predictor=predictor: predictor
        pages = (
            make_print(case // len(CONDITIONS), CONDITIONS[case % len(CONDITIONS)], options.rows)
            for case in range(options.cases)
        )
        by_engine[engine] = [read(page, lambda page: predict.segment(page.scan, model)) for page in pages]
    publish("accuracy-engines", engines_table(by_engine), options.write)


def picture(reading: Reading) -> Image.Image:
    """The scan in pale grey, curve one red and curve two blue over it, and bars beside wrong rows."""
    page = reading.page
    image = Image.fromarray((160 + page.scan * 0.37).astype(np.uint8)).convert("RGB")
    draw = ImageDraw.Draw(image)
    left, right = (_edge_columns(edge, page.scan.shape[0]) for edge in (page.left, page.right))
    for curve, colour in enumerate(("#d00000", "#0040ff")):
        columns = left + reading.fractions[curve] * (right - left)
        for row in np.flatnonzero(np.isfinite(columns[:-1]) & np.isfinite(columns[1:])):
            draw.line([(columns[row], row), (columns[row + 1], row + 1)], fill=colour)
        truth = page.truth[curve]
        error = np.abs(reading.fractions[curve] - truth)
        wrong = (error > 0.025) | (np.isfinite(truth) & ~np.isfinite(error))
        wrong |= page.absent[curve] & np.isfinite(reading.fractions[curve])
        for row in np.flatnonzero(wrong):
            draw.line([(4 + 10 * curve, row), (11 + 10 * curve, row)], fill=colour)
    return image


def _edge_columns(edge: tuple[tuple[float, float], tuple[float, float]], rows: int) -> FloatArray:
    """Columns of a straight edge in every row, going on beyond its two points."""
    (row0, column0), (row1, column1) = edge
    return np.asarray(column0 + (np.arange(rows) - row0) * (column1 - column0) / (row1 - row0))


def _progress(reading: Reading, seconds: float) -> None:
    """Say on stderr how one print went."""
    figures = [
        f"{name} mae={curve.mae:.4f} r2={curve.r2:.4f} cover={curve.coverage:.3f} "
        f"invented={curve.invented:.4f}"
        for name, curve in zip(("one", "two"), reading.curves, strict=True)
    ]
    pens = "/".join(pen.name for pen in reading.page.pens)
    hops, judged = sum(reading.crossings.hops), sum(reading.crossings.judged)
    print(
        f"{reading.page.name} ({pens}): {'; '.join(figures)}; hops {hops}/{judged}; {seconds:.1f} s",
        file=sys.stderr,
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cases", type=int, default=48, help="prints, the four conditions in turn (default 48)"
    )
    parser.add_argument("--rows", type=int, default=3000, help="rows of each print (default 3000)")
    parser.add_argument("--model", metavar="FILE", help="weights other than the shipped ones")
    parser.add_argument("--las", type=Path, metavar="FILE", help="draw the curves of this digital log")
    parser.add_argument(
        "--perfect-classes", action="store_true", help="trace the true class map: what tracing alone costs"
    )
    parser.add_argument(
        "--engines", action="store_true", help="compare what runs the network with plain torch"
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="save pictures of the four worst prints")
    parser.add_argument("--scans", type=Path, metavar="DIR", help="save the prints as scanned")
    add_write_option(parser)
    options = parser.parse_args()
    if options.engines:
        compare_engines(options)
        return

    def classify(page: Print) -> ClassMap:
        if options.perfect_classes:
            return perfect_classes(page)
        from napari_welllog import segment

        return segment(page.scan, model=options.model)

    source = las_source(options.las) if options.las else None
    for folder in filter(None, (options.pictures, options.scans)):
        folder.mkdir(parents=True, exist_ok=True)
    readings = []
    for case in range(options.cases):
        seed, condition = divmod(case, len(CONDITIONS))
        page = make_print(seed, CONDITIONS[condition], options.rows, source)
        if options.scans:
            Image.fromarray(page.scan).save(options.scans / f"{page.name}.png")
        start = time.perf_counter()
        readings.append(read(page, classify))
        _progress(readings[-1], time.perf_counter() - start)
    publish("accuracy-las" if options.las else "accuracy", report(readings), options.write)
    if options.pictures:
        for reading in sorted(readings, key=lambda reading: reading.worst_r2)[:4]:
            picture(reading).save(options.pictures / f"{reading.page.name}.png")


if __name__ == "__main__":
    main()
