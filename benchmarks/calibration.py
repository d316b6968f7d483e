"""How well a scan calibrates itself: depth, scales and pens read from documents of the printing press.

python benchmarks/calibration.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from _table import add_write_option, markdown_table, publish

if TYPE_CHECKING:
    from napari_welllog.calibrate import PaperCalibration
    from napari_welllog.synthetic.document import DocumentSettings, PrintedDocument
    from napari_welllog.tracks import Curve, Tracks

FIRST_SEED = 20_000_000
"""Neither training nor any other benchmark uses seeds from here on."""

NEAR_FEET = 0.5
"""Error of depth up to which it is right."""

_FEET = {"ft": 1.0, "m": 1 / 0.3048}
_UNREADABLE_DEPTH = ("numbers cut",)
_UNREADABLE_SCALES = ("header cut off",)


@dataclass(frozen=True)
class Outcome:
    """What became of one document: the kinds it is of, what was right, what was accepted but wrong."""

    seed: int
    kinds: tuple[str, ...]
    depth: str
    scales: str
    seconds: float
    notes: tuple[str, ...]


def documents(count: int, fonts: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...], DocumentSettings]]:
    """Seeds, kinds and settings of documents: all kinds in turn, each with straight and with skewed pages."""
    from napari_welllog.synthetic.document import DocumentSettings

    plain = DocumentSettings()
    variants = {
        "plain": plain,
        "sideways": replace(plain, turn="sideways"),
        "metres": replace(plain, unit="m"),
        "TVD": replace(plain, turn="sideways", suffix=" TVD"),
        "header cut off": replace(plain, header="cut off"),
        "numbers cut": replace(plain, numbers_cut=True),
        "repeat section": replace(plain, repeat=True, length=10.0),
        "three tracks": replace(plain, tracks=3, turn="sideways down"),
        "metres, sideways": replace(plain, unit="m", turn="sideways down"),
        "one track": replace(plain, tracks=1),
    }
    names = list(variants)
    for k in range(count):
        name, straight = names[k % len(names)], bool(k // len(names) % 2 == 0)
        font = (None, *fonts)[k % (len(fonts) + 1)]
        settings = replace(variants[name], straight=straight, font=font)
        yield FIRST_SEED + k, (name, "straight" if straight else "skewed"), settings


def shipped_fonts() -> list[str]:
    """Fonts that come with matplotlib, so that not every number is of one face."""
    from matplotlib import font_manager

    names = ("DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif")
    return [str(font_manager.findfont(name)) for name in names]


def read_one(given: tuple[int, tuple[str, ...], DocumentSettings], threads: int) -> Outcome:
    """Print a document, let it calibrate itself, and score what was read."""
    from napari_welllog.calibrate import calibrate_scan, load_reader
    from napari_welllog.errors import TracksError
    from napari_welllog.synthetic.document import print_document

    seed, kinds, settings = given
    printed = print_document(seed, settings)
    worn = "bilevel" if np.isin(printed.log.scan, (0, 255)).all() else "grey"
    began = time.perf_counter()
    try:
        read = calibrate_scan(printed.log.scan, printed.log.dpi, load_reader(threads))
    except TracksError as error:
        return Outcome(seed, (*kinds, worn), "refused", "refused", time.perf_counter() - began, (str(error),))
    seconds = time.perf_counter() - began
    depth, scales, notes = score(printed, read)
    return Outcome(seed, (*kinds, worn), depth, scales, seconds, notes)


def score(printed: PrintedDocument, read: PaperCalibration) -> tuple[str, str, tuple[str, ...]]:
    """Whether depth and scales were read right, read wrong or refused; and what was wrong."""
    truth = printed.log.tracks
    assert truth is not None
    notes = list(read.refusals())
    depth = "refused"
    if read.knows_depth:
        error = depth_error(truth, read.proposal)
        depth = "right" if error <= NEAR_FEET else "wrong"
        notes += [f"depth off by {error:.2f} ft"] if depth == "wrong" else []
    scales = "refused"
    if read.knows_scales:
        wrong = wrong_scales(truth, read.proposal)
        scales = "wrong" if wrong else "right"
        notes += wrong
    return depth, scales, tuple(notes)


def depth_error(truth: Tracks, read: Tracks) -> float:
    """The largest error of depth on the main section, in feet; endless where the unit is wrong."""
    if truth.depth.unit != read.depth.unit:
        return float("inf")
    rows = np.linspace(truth.tracks[0].top, truth.tracks[0].bottom, 200)
    return float(np.abs(truth.depth.depths(rows) - read.depth.depths(rows)).max()) * _FEET[truth.depth.unit]


def wrong_scales(truth: Tracks, read: Tracks) -> list[str]:
    """The scales that differ from the truth, or are missing or too many."""
    wrong = []
    for track in truth.tracks:
        row = (track.top + track.bottom) / 2
        width = float(np.subtract(*track.edges(row)[::-1]))
        same = [
            other
            for other in read.tracks
            if max(abs(float(a) - float(b)) for a, b in zip(track.edges(row), other.edges(row), strict=True))
            < 0.02 * width
        ]
        wanted = {as_words(curve) for curve in track.curves}
        found = {as_words(curve) for curve in same[0].curves} if same else set()
        if wanted != found:
            wrong.append(f"{track.name}: {sorted(wanted)} read as {sorted(found)}")
    return wrong


def as_words(curve: Curve) -> str:
    """A curve's scale as one text."""
    return (
        f"class {curve.curve_class} {curve.mnemonic} {curve.left:g} to {curve.right:g} {curve.unit} "
        f"{curve.scale}{' backup' if curve.wraps else ''}"
    )


def report(outcomes: Sequence[Outcome]) -> str:
    """The tables."""
    header = ["documents", "number", "depth right", "depth wrong", "scales right", "scales wrong"]
    groups = {kind for outcome in outcomes for kind in outcome.kinds}
    rows = [_row("all that can be read", [o for o in outcomes if _readable(o)])]
    rows += [_row("all", outcomes)]
    rows += [_row(kind, [o for o in outcomes if kind in o.kinds]) for kind in sorted(groups)]
    seconds = np.array([outcome.seconds for outcome in outcomes])
    return "\n\n".join(
        [
            f"{len(outcomes)} documents, seeds {FIRST_SEED:,} and on. Depth is right within {NEAR_FEET} ft over the "
            "whole log; scales are right where name, unit, both values, linear or logarithmic, backup and class "
            "of every curve of the scan are. Wrong is what was accepted and is wrong; the rest was refused. "
            "A header that is cut off and numbers that are cut cannot be read, and are to be refused.",
            markdown_table(header, rows),
            f"Seconds to calibrate: median {np.median(seconds):.1f}, slowest {seconds.max():.1f}.",
        ]
    )


def _readable(outcome: Outcome) -> bool:
    """Whether the paper shows both depths and scales."""
    return not set(outcome.kinds) & {*_UNREADABLE_DEPTH, *_UNREADABLE_SCALES}


def _row(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    """One row of the table."""
    count = max(len(outcomes), 1)
    shares = [
        sum(getattr(o, what) == how for o in outcomes) / count
        for what, how in (("depth", "right"), ("depth", "wrong"), ("scales", "right"), ("scales", "wrong"))
    ]
    return [name, str(len(outcomes)), *(f"{share:.1%}" for share in shares)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--documents", type=int, default=300, help="documents to print and read (default 300)"
    )
    parser.add_argument("--first", type=int, default=0, help="number of the first (default 0)")
    parser.add_argument("--processes", type=int, default=1, help="documents at a time (default 1)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads of each (default 1)")
    add_write_option(parser)
    options = parser.parse_args()
    given = list(documents(options.first + options.documents, shipped_fonts()))[options.first :]
    outcomes = []
    with ProcessPoolExecutor(options.processes) as pool:
        for outcome in pool.map(partial(read_one, threads=options.threads), given):
            outcomes.append(outcome)
            words = (
                f"{outcome.seed}: {', '.join(outcome.kinds)}: depth {outcome.depth}, scales {outcome.scales}"
            )
            print(
                f"{words} ({outcome.seconds:.1f} s)",
                *outcome.notes,
                sep="\n    ",
                file=sys.stderr,
                flush=True,
            )
    publish("calibration", report(outcomes), options.write)


if __name__ == "__main__":
    main()
