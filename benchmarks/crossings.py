r"""Edge-followers against the per-pixel classifier at crossings of printed logs that no training saw.

Every reader is asked the same at every crossing, for either curve: does it leave on its own strand? Followers
start from the truth above the crossing, all at the same place; the classifier gets nothing but the scan.

    python benchmarks/crossings.py --write docs/benchmarks.md --figure docs/images/crossings.png \
        --lesson docs/explanation/pixels-not-lines.md
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from _conditions import GOOD
from _table import add_write_option, markdown_table, publish, replace_block

from napari_welllog.class_map import ClassMap
from napari_welllog.crossings import CLASS_MAP, TRACES, Score
from napari_welllog.evaluate import CrossingFigures, figures_of, score_log
from napari_welllog.followers import METHODS
from napari_welllog.synthetic import PressSettings, PrintedLog, print_log

FIRST_SEED = 10_000_000
"""Training never uses seeds from here on."""

READERS = (*METHODS, CLASS_MAP, TRACES)

TRUE_CLASS_MAP, TRUE_TRACES = "true class map", "traces of the true class map"
"""The exact class map of the printing press, judged as the network's is: what no network could do better."""

ANGLES = (0, 15, 30, 45, 60, 75, 90.001)

ALIKE = PressSettings(
    alike_pair=1.0, dashed_pair=0.0, weight_pair=0.0, shade_pair=0.0, single_one=0.0, single_two=0.0
)
"""Two solid pens of one weight to each track: there is nothing by which to tell them apart."""

COLOURS = ("0.75", "0.6", "0.45", "0.25", "#56B4E9", "#0072B2")
"""Of the readers: followers in greys, the network in blues."""

NAMES = {
    CLASS_MAP: "network: class map",
    TRACES: "network: traces",
    TRUE_CLASS_MAP: "truth: class map",
    TRUE_TRACES: "truth: traces of it",
}


@dataclass(frozen=True)
class Exit:
    """How one reader left one crossing on one curve: its score, the pair of pens, and which crossing it was."""

    score: Score
    pens: str
    crossing: tuple[int, int, int]


def exits_of(seed: int, log: PrintedLog, class_map: ClassMap | None) -> list[Exit]:
    """Score every reader at every crossing of a log."""
    exits = []
    scores = score_log(log, class_map)
    if class_map is not None:
        best = score_log(log, ClassMap.from_labels(log.classes), methods=())
        true = {CLASS_MAP: TRUE_CLASS_MAP, TRACES: TRUE_TRACES}
        scores += [(track, replace(score, method=true[score.method])) for track, score in best]
    for track, score in scores:
        one, two = (trace.pen.name for trace in log.traces if trace.track == track)
        crossing = score.crossing
        exits.append(Exit(score, f"{one} and {two}", (seed, track, crossing.row_from)))
    return exits


def collect(
    wanted: int,
    press: PressSettings,
    classify: Callable[[PrintedLog], ClassMap] | None,
    rows: int,
    first_seed: int = FIRST_SEED,
) -> list[Exit]:
    """Print logs until so many crossings have been scored."""
    exits: list[Exit] = []
    seed = first_seed
    while crossings_in(exits) < wanted:
        start = time.perf_counter()
        log = print_log(seed, press, rows=rows)
        exits += exits_of(seed, log, classify(log) if classify is not None else None)
        seconds = time.perf_counter() - start
        print(f"seed {seed}: {crossings_in(exits)} crossings, {seconds:.1f} s", file=sys.stderr, flush=True)
        seed += 1
    return exits


def crossings_in(exits: Sequence[Exit]) -> int:
    """Number of crossings that were scored."""
    return len({one.crossing for one in exits})


def groups_by_angle(exits: Sequence[Exit]) -> Iterator[tuple[str, list[Exit]]]:
    """Exits by the angle between the curves."""
    for low, high in pairwise(ANGLES):
        yield (
            f"{low} to {round(high)} degrees",
            [one for one in exits if low <= one.score.crossing.angle < high],
        )


def groups_by_pens(exits: Sequence[Exit]) -> Iterator[tuple[str, list[Exit]]]:
    """Exits by the pair of pens."""
    for pens in sorted({one.pens for one in exits}):
        yield pens, [one for one in exits if one.pens == pens]


def rate(figures: CrossingFigures | None) -> str:
    """A hop rate with its interval."""
    if figures is None or not figures.judged:
        return ""
    low, high = figures.interval
    return f"{figures.hops / figures.judged:.1%} ({low:.1%} to {high:.1%})"


def summary(exits: Sequence[Exit]) -> str:
    """One row for each reader."""
    rows = []
    for figures in figures_of([one.score for one in exits]):
        every = figures.judged + figures.lost
        ambiguous = [one.score.outcome for one in exits if one.score.method == figures.reader]
        rows.append(
            [
                NAMES.get(figures.reader, figures.reader),
                str(every),
                str(figures.hops),
                rate(figures),
                f"{figures.lost / max(every, 1):.1%}",
                f"{(figures.judged - figures.hops) / max(every, 1):.1%}",
                f"{figures.rows_wrong:.1%}",
                f"{sum(outcome.rows_ambiguous for outcome in ambiguous) / max(every, 1):.1f}"
                if figures.reader in METHODS
                else "",
            ]
        )
    header = [
        "reader",
        "exits",
        "hops",
        "hop rate (95 % interval)",
        "left on neither",
        "right",
        "rows on the wrong curve",
        "ambiguous rows an exit",
    ]
    return markdown_table(header, rows)


def by_group(name: str, groups: Iterator[tuple[str, list[Exit]]]) -> str:
    """Hop rates of all readers, a row for each group."""
    rows = []
    for group, exits in groups:
        if not exits:
            continue
        found = {figures.reader: figures for figures in figures_of([one.score for one in exits])}
        rows.append([group, str(crossings_in(exits)), *(rate(found.get(reader)) for reader in READERS)])
    return markdown_table([name, "crossings", *(NAMES.get(reader, reader) for reader in READERS)], rows)


def report(different: Sequence[Exit], good: Sequence[Exit], alike: Sequence[Exit]) -> str:
    """All tables."""
    logs = len({one.crossing[0] for one in different})
    parts = [
        f"{crossings_in(different)} crossings of logs whose pens differ, seeds {FIRST_SEED:,} and on. An exit is one "
        "curve leaving one crossing. The hop rate is that of the exits on either strand. Exits of one log are alike, "
        f"so the intervals, which take the exits of {logs} logs for independent, are narrower than they should be. "
        "The last two rows are the exact class map of the printing press and what tracing makes of it: "
        "where these leave on neither, the curve is not on the paper.",
        summary(different),
        "By the angle between the curves:",
        by_group("angle", groups_by_angle(different)),
        "By the pens:",
        by_group("pens", groups_by_pens(different)),
    ]
    if good:
        parts += [
            f"{crossings_in(good)} crossings of logs in good condition (bilevel from 200 dpi, neither worn nor "
            "faded nor speckled), whose pens differ:",
            summary(good),
            by_group("pens", groups_by_pens(good)),
        ]
    if alike:
        parts += [
            f"{crossings_in(alike)} crossings of two solid pens of one weight, "
            "where a classifier has nothing to go by:",
            summary(alike),
        ]
    return "\n\n".join(parts)


def lesson(different: Sequence[Exit], good: Sequence[Exit], alike: Sequence[Exit]) -> str:
    """The table of the lesson: the hop rate of every reader on every kind of print."""
    kinds = {
        f"pens differ, {crossings_in(different):,} crossings": different,
        f"the same in good condition, {crossings_in(good):,}": good,
        f"pens alike, {crossings_in(alike):,}": alike,
    }
    found = [{f.reader: f for f in figures_of([one.score for one in exits])} for exits in kinds.values()]
    rows = [
        [NAMES.get(reader, reader), *(rate(figures.get(reader)) for figures in found)]
        for reader in (*READERS, TRUE_CLASS_MAP, TRUE_TRACES)
    ]
    return markdown_table(["exits on the other curve (95 % interval)", *kinds], rows)


def figure(different: Sequence[Exit], good: Sequence[Exit], alike: Sequence[Exit], path: Path) -> None:
    """Draw hop rates with their intervals: by reader, and by angle."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(page)
    left, right = page.subplots(1, 2, width_ratios=(1, 1.3))
    for shift, exits, colour, name in (
        (0.2, good, "#56B4E9", "pens that differ, good prints"),
        (0.0, different, "#1f4e9c", "pens that differ, all prints"),
        (-0.2, alike, "#999999", "pens alike"),
    ):
        found = {figures.reader: figures for figures in figures_of([one.score for one in exits])}
        for place, reader in enumerate(reversed(READERS)):
            figures = found.get(reader)
            if figures is None or not figures.judged:
                continue
            low, high = figures.interval
            left.plot([100 * low, 100 * high], [place + shift] * 2, color=colour)
            left.plot(100 * figures.hops / figures.judged, place + shift, "o", color=colour)
        left.plot([], [], "o-", color=colour, label=name)
    left.set_yticks(range(len(READERS)), [NAMES.get(reader, reader) for reader in reversed(READERS)])
    left.set_xlim(0, 100)
    left.set_ylim(-0.5, len(READERS) + 0.7)  # room for the legend above the points
    left.set_xlabel("exits on the other curve, % (95 % interval)")
    left.legend(frameon=False, fontsize=8, loc="upper right")
    groups = list(groups_by_angle(different))
    for reader, colour in zip(READERS, COLOURS, strict=True):
        points = []
        for place, (_, exits) in enumerate(groups):
            found = {figures.reader: figures for figures in figures_of([one.score for one in exits])}
            if reader in found and found[reader].judged:
                points.append(
                    (place, 100 * found[reader].hops / found[reader].judged, found[reader].interval)
                )
        places, rates = [point[0] for point in points], [point[1] for point in points]
        thick = reader not in METHODS
        name = NAMES.get(reader, reader)
        right.plot(places, rates, "o-", lw=2.5 if thick else 1.2, label=name, color=colour)
        for place, _, (low, high) in points:
            right.plot([place, place], [100 * low, 100 * high], color=colour, alpha=0.35)
    right.set_xticks(range(len(groups)), [name.removesuffix(" degrees") for name, _ in groups])
    right.set_ylim(0, 100)
    right.set_xlabel("angle between the curves, degrees")
    right.set_ylabel("exits on the other curve, %")
    right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    page.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--crossings", type=int, default=2000, help="crossings to score (default 2000)")
    parser.add_argument("--good", type=int, default=2000, help="crossings of good prints (default 2000)")
    parser.add_argument("--alike", type=int, default=400, help="crossings of alike pens (default 400)")
    parser.add_argument("--rows", type=int, default=3000, help="rows of each log (default 3000)")
    parser.add_argument("--model", metavar="FILE", help="weights other than the shipped ones")
    parser.add_argument("--followers-only", action="store_true", help="leave the network out")
    parser.add_argument("--figure", type=Path, metavar="FILE.png", help="draw the figure")
    parser.add_argument("--lesson", type=Path, metavar="FILE.md", help="put the table of the lesson there")
    add_write_option(parser)
    options = parser.parse_args()

    def classify(log: PrintedLog) -> ClassMap:
        from napari_welllog import segment

        return segment(log.scan, model=options.model)

    network = None if options.followers_only else classify
    different = collect(options.crossings, PressSettings(), network, options.rows)
    good = collect(options.good, GOOD, network, options.rows) if options.good else []
    alike = collect(options.alike, ALIKE, network, options.rows) if options.alike else []
    publish("crossings", report(different, good, alike), options.write)
    if options.lesson:
        page = options.lesson.read_text(encoding="utf-8")
        table = lesson(different, good, alike)
        options.lesson.write_text(replace_block(page, "crossings", table), encoding="utf-8")
    if options.figure:
        figure(different, good, alike, options.figure)


if __name__ == "__main__":
    main()
