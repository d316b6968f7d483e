"""How well the network labels pixels, on pages of the printing press that training never saw.

python benchmarks/pixels.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from _conditions import FILM, GOOD
from _scores import f1, intersection_over_union, pixel_counts
from _table import add_write_option, markdown_table, publish
from numpy.typing import NDArray

from napari_welllog.synthetic import PressSettings

if TYPE_CHECKING:
    from napari_welllog.synthetic import PrintedLog
    from napari_welllog.tracks import Track

FIRST_SEED = 10_000_000
"""Training never uses seeds from here on."""

TOLERANCES = (0, 1, 2, 3)

CLASSES = ("background", "curve one", "curve two")

VEERNET = {"background": ("0.97", "0.94"), "curve one": ("0.37", "0.26"), "curve two": ("0.32", "0.21")}
"""F1 and IoU by class, J. Imaging 2023, 9(7), 136."""

Counts = dict[tuple[str, str], NDArray[np.int64]]


def add_page(counts: Counts, log: PrintedLog, labels: NDArray[np.uint8]) -> None:
    """Add one page's counts: over the whole page, by kind of scan, and track by track by the pair of pens."""
    for curve_class, name in enumerate(CLASSES):
        tolerances = TOLERANCES if curve_class else (0,)
        of_class = pixel_counts(labels == curve_class, log.classes == curve_class, tolerances)
        counts["all", name] = counts["all", name] + of_class
        if curve_class:
            counts[scan_kind(log), name] = counts[scan_kind(log), name] + of_class
    for index, track in enumerate(log.tracks.tracks if log.tracks else []):
        inside = track_pixels(track, log.scan.shape)
        pair = pen_pair(log, index)
        for curve_class, name in list(enumerate(CLASSES))[1:]:
            of_class = pixel_counts(
                (labels == curve_class) & inside, (log.classes == curve_class) & inside, TOLERANCES
            )
            counts[pair, name] = counts[pair, name] + of_class


def scan_kind(log: PrintedLog) -> str:
    """What kind of scan a page is: bilevel or grey, and its resolution."""
    levels = "bilevel" if np.isin(log.scan, (0, 255)).all() else "grey"
    return f"{levels}, {'under' if log.dpi < 200 else 'from'} 200 dpi"


def pen_pair(log: PrintedLog, track: int) -> str:
    """Names of the pens of a track, curve one's first."""
    pens = {trace.curve_class: trace.pen.name for trace in log.traces if trace.track == track}
    return f"{pens.get(1, 'none')} and {pens.get(2, 'none')}"


def track_pixels(track: Track, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels between a track's edges, bool of the scan's shape."""
    left, right = track.edges(np.arange(shape[0]))
    columns = np.arange(shape[1])
    return (columns >= left[:, None]) & (columns <= right[:, None])


def report(counts: Counts, good: Counts, film: Counts, options: argparse.Namespace) -> str:
    """The tables: by class, on all pages, good ones and those of film recorders; by pens, by kind of scan."""
    header = ["class", "F1", "IoU", "F1, 1 px", "F1, 2 px", "F1, 3 px", "share", "VeerNet F1", "VeerNet IoU"]
    groups = sorted(
        {group for group, _ in counts if group != "all"}, key=lambda group: ("dpi" in group, group)
    )
    by_group = [
        [group, name.removeprefix("curve "), *_figures(counts[group, name])]
        for group in groups
        for name in CLASSES[1:]
        if counts[group, name][0][3]
    ]
    return "\n\n".join(
        [
            f"All pixels of {options.pages} pages pooled, seeds {FIRST_SEED:,} and on.",
            markdown_table(header, by_class(counts)),
            f"{options.good} pages in good condition (bilevel from 200 dpi, neither worn nor speckled):",
            markdown_table(header, by_class(good)),
            f"{options.film} bilevel pages of film recorders, all of whose fast sweeps are thin:",
            markdown_table(header, by_class(film)),
            "All pages, by the pens of a track and by the kind of scan:",
            markdown_table(["pens or scan", "curve", *header[1:6]], by_group),
        ]
    )


def by_class(counts: Counts) -> list[list[str]]:
    """A row for each class."""
    everything = sum(counts["all", name][0][3] for name in CLASSES)
    return [
        [
            name,
            *_figures(counts["all", name]),
            f"{counts['all', name][0][3] / everything:.2%}",
            *VEERNET[name],
        ]
        for name in CLASSES
    ]


def _figures(counts: NDArray[np.int64]) -> list[str]:
    """F1, IoU and the F1 at each tolerance, where it was counted."""
    near = [f"{f1(row):.3f}" for row in counts[1:]] + [""] * (len(TOLERANCES) - len(counts))
    return [f"{f1(counts[0]):.3f}", f"{intersection_over_union(counts[0]):.3f}", *near]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=24, help="pages to print and label (default 24)")
    parser.add_argument("--good", type=int, default=24, help="pages in good condition (default 24)")
    parser.add_argument("--film", type=int, default=24, help="pages of film recorders (default 24)")
    parser.add_argument("--rows", type=int, default=2000, help="rows of each page (default 2000)")
    parser.add_argument("--columns", type=int, default=1200, help="columns of each page (default 1200)")
    parser.add_argument("--model", metavar="FILE", help="weights other than the shipped ones")
    add_write_option(parser)
    options = parser.parse_args()

    counts = count_pages(options, options.pages, PressSettings())
    good = count_pages(options, options.good, GOOD)
    film = count_pages(options, options.film, FILM)
    publish("pixels", report(counts, good, film, options), options.write)


def count_pages(options: argparse.Namespace, pages: int, settings: PressSettings) -> Counts:
    """Print pages, label them and count."""
    from napari_welllog import print_log, segment

    counts: Counts = defaultdict(lambda: np.zeros((1, 4), np.int64))
    for page in range(pages):
        log = print_log(FIRST_SEED + page, settings, rows=options.rows, columns=options.columns)
        labels = segment(log.scan, model=options.model).labels
        add_page(counts, log, labels)
        scores = [f1(pixel_counts(labels == k, log.classes == k)[0]) for k in (1, 2)]
        print(
            f"page {page + 1} ({scan_kind(log)}): F1 {scores[0]:.3f} {scores[1]:.3f}",
            file=sys.stderr,
            flush=True,
        )
    return counts


if __name__ == "__main__":
    main()
