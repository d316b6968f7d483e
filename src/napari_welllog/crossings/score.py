"""Who leaves a crossing on which strand: followers, class map and traces, judged alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_welllog.class_map import ClassMap
from napari_welllog.crossings.compare import APART, start_above
from napari_welllog.crossings.find import Crossing
from napari_welllog.crossings.strand import columns_at, distances_to
from napari_welllog.curves import Trace
from napari_welllog.followers import METHODS, FollowedPath, Ink, Verdict, follow

LEAD = 30
"""Rows above a crossing from which followers start: enough for the slope, and little in which to get lost."""

AFTER = 40
"""Rows below a crossing in which it shows on which strand a follower left: four feet at ten rows to the foot."""

CLASS_MAP = "class map"
TRACES = "traces"

_FEWEST = 5
"""Rows that must be read, with the strands apart, before anything is said."""

_BESIDE = 1


@dataclass(frozen=True)
class Outcome:
    """How one reader came out of one crossing.

    Parameters
    ----------
    hopped : bool or None
        Whether it left on the other strand; None if it left on neither.
    rows_judged : int
        Rows below the crossing in which the strands stand apart.
    rows_wrong : int
        Of these, rows in which it was nearer to the other strand.
    rows_ambiguous : int
        Rows from the start on whose verdict was ambiguous; 0 for readers without verdicts.
    """

    hopped: bool | None
    rows_judged: int
    rows_wrong: int
    rows_ambiguous: int = 0

    @property
    def word(self) -> str:
        """How it came out, in a word: right, hopped or lost."""
        return "lost" if self.hopped is None else "hopped" if self.hopped else "right"


@dataclass(frozen=True)
class Score:
    """How one method read one curve through one crossing.

    Parameters
    ----------
    crossing : Crossing
        The crossing.
    method : str
        One of the followers' `METHODS`, `"class map"` or `"traces"`.
    curve_class : 1 or 2
        The curve.
    outcome : Outcome
        How it came out.
    """

    crossing: Crossing
    method: str
    curve_class: int
    outcome: Outcome


def judge(
    crossing: Crossing,
    read: FollowedPath | Trace,
    own: Trace,
    other: Trace,
    rows: int = AFTER,
    apart: float = APART,
) -> Outcome | None:
    """Judge on which strand a follower or a trace leaves a crossing.

    It hopped when most rows read below the crossing, where the strands stand apart, lie nearer to the other. Near
    and apart are meant in any direction: a heavy pen that sweeps across hides what lies beneath over many rows.

    Parameters
    ----------
    crossing : Crossing
        The crossing.
    read : FollowedPath or Trace
        What is judged.
    own, other : Trace
        The truth, or what is taken for it: the curve it was on, and the one it met.
    rows : int
        Rows below the crossing to look at.
    apart : float
        Pixels between the strands, in any direction, from which rows are judged.

    Returns
    -------
    Outcome or None
        None where the strands do not stand apart in five rows: nothing can be said.

    Examples
    --------
    >>> from napari_welllog.crossings import find_crossings
    >>> sure, traced = np.ones(100, np.float32), np.ones(100, np.uint8)
    >>> down, up = (Trace(k, 0, 100 + s * (np.arange(100.0) - 50), sure, traced) for k, s in ((1, 1), (2, -1)))
    >>> [crossing] = find_crossings([down, up])
    >>> judge(crossing, down, down, up).word, judge(crossing, up, down, up).word
    ('right', 'hopped')
    """
    below, _, gap = _standing_apart(crossing, own, other, rows, apart)
    if len(below) < _FEWEST:
        return None
    columns = columns_at(read, below) if isinstance(read, Trace) else _columns_of(read, below)
    to_own, to_other = (distances_to(strand, below, columns) for strand in (own, other))
    seen = np.isfinite(columns)
    # Further from both than they stand apart, it is on neither.
    astray = seen & (np.minimum(to_own, to_other) > gap)
    on_strand = seen & ~astray
    wrong = on_strand & (to_other < to_own)
    ambiguous = 0 if isinstance(read, Trace) else _ambiguous_rows(crossing, read, rows)
    left_on_one = on_strand.sum() >= _FEWEST and on_strand.sum() >= astray.sum()
    hopped = bool(2 * wrong.sum() > on_strand.sum()) if left_on_one else None
    return Outcome(hopped, len(below), int(wrong.sum()), ambiguous)


def judge_class_map(
    crossing: Crossing,
    class_map: ClassMap,
    own: Trace,
    other: Trace,
    rows: int = AFTER,
    apart: float = APART,
) -> Outcome | None:
    """Judge which class the pixels of a strand have below a crossing; parameters and result as of `judge`."""
    below, own_column, _ = _standing_apart(crossing, own, other, rows, apart)
    if len(below) < _FEWEST:
        return None
    middle = np.rint(own_column).astype(np.intp)
    around = np.clip(middle[:, None] + np.arange(-_BESIDE, _BESIDE + 1), 0, class_map.shape[1] - 1)
    labels = class_map.labels[below[:, None], around]
    mine, theirs = ((labels == trace.curve_class).sum(axis=1) for trace in (own, other))
    right, wrong = (mine > theirs).sum(), (theirs > mine).sum()
    hopped = bool(wrong > right) if right + wrong >= _FEWEST else None
    return Outcome(hopped, len(below), int(wrong))


def score_crossings(
    traces: Sequence[Trace],
    crossings: Sequence[Crossing],
    ink: Ink,
    class_map: ClassMap | None = None,
    read: Sequence[Trace] | None = None,
    methods: Sequence[str] = METHODS,
    apart: float = APART,
) -> list[Score]:
    """Score every method at every crossing of a track, on both curves.

    Every follower starts at the same place: on the curve, above the crossing, where the strands stand apart.
    Rows are judged down to the next crossing, at most 40. Where no start is to be found, or the strands do not
    stand apart below, nothing is said.

    Parameters
    ----------
    traces : two Trace
        The truth, or what is taken for it.
    crossings : sequence of Crossing
        Those of the traces.
    ink : Ink
        What the followers walk on.
    class_map : ClassMap, optional
        Judged as method `"class map"`.
    read : sequence of Trace, optional
        Traces that were read, judged as method `"traces"`.
    methods : sequence of str
        Followers to score.
    apart : float
        Pixels, in any direction, from which strands can be told apart.
    """
    ordered = sorted(crossings, key=lambda crossing: crossing.row_from)
    return [
        score
        for k in range(len(ordered))
        for score in score_crossing(traces, ordered, k, ink, class_map, read, methods, apart)
    ]


def score_crossing(
    traces: Sequence[Trace],
    crossings: Sequence[Crossing],
    number: int,
    ink: Ink,
    class_map: ClassMap | None = None,
    read: Sequence[Trace] | None = None,
    methods: Sequence[str] = METHODS,
    apart: float = APART,
) -> list[Score]:
    """Score every method at one crossing of a track, on both curves; parameters as of `score_crossings`.

    Parameters
    ----------
    crossings : sequence of Crossing
        Those of the traces, in order of row.
    number : int
        Which of them to score.
    """
    crossing = crossings[number]
    _, rows = _room(crossings, number)
    scores: list[Score] = []
    for own, other in (tuple(traces), tuple(reversed(traces))):
        start = start_of(traces, crossings, number, own.curve_class, ink, apart)
        if start is None:
            continue
        outcomes: dict[str, Outcome | None] = {}
        for method in methods:
            path = follow(ink, start, method, last_row=crossing.row_to + rows)
            outcomes[method] = judge(crossing, path, own, other, rows, apart)
        if class_map is not None:
            outcomes[CLASS_MAP] = judge_class_map(crossing, class_map, own, other, rows, apart)
        mine = next((trace for trace in read or () if trace.curve_class == own.curve_class), None)
        if mine is not None:
            outcomes[TRACES] = judge(crossing, mine, own, other, rows, apart)
        scores += [
            Score(crossing, method, own.curve_class, outcome)
            for method, outcome in outcomes.items()
            if outcome is not None
        ]
    return scores


def start_of(
    traces: Sequence[Trace],
    crossings: Sequence[Crossing],
    number: int,
    curve_class: int,
    ink: Ink,
    apart: float = APART,
) -> tuple[int, float] | None:
    """Where every follower starts above a crossing that is scored: row and column, or None where it cannot.

    Parameters as of `score_crossing`; `curve_class` is that of the curve to start on.
    """
    own = next(trace for trace in traces if trace.curve_class == curve_class)
    other = next((trace for trace in traces if trace.curve_class != curve_class), None)
    lead, _ = _room(crossings, number)
    start = start_above(crossings[number], own, other, lead, apart)
    return start if start is not None and _inside(start, ink) else None


def follow_through(
    traces: Sequence[Trace],
    crossings: Sequence[Crossing],
    number: int,
    curve_class: int,
    ink: Ink,
    method: str,
    apart: float = APART,
) -> FollowedPath | None:
    """Follow a curve through a crossing just as it is scored; None where no start is to be found.

    Parameters as of `score_crossing`; `curve_class` is that of the curve to start on.
    """
    start = start_of(traces, crossings, number, curve_class, ink, apart)
    if start is None:
        return None
    _, rows = _room(crossings, number)
    return follow(ink, start, method, last_row=crossings[number].row_to + rows)


def _room(crossings: Sequence[Crossing], k: int) -> tuple[int, int]:
    """Rows between a crossing and the one above it, and the one below it."""
    lead = crossings[k].row_from - crossings[k - 1].row_to - 1 if k else LEAD
    rows = crossings[k + 1].row_from - crossings[k].row_to - 1 if k + 1 < len(crossings) else AFTER
    return min(max(lead, 0), LEAD), min(max(rows, 0), AFTER)


def _inside(start: tuple[int, float], ink: Ink) -> bool:
    """Whether a start lies on the ink that was prepared."""
    return 0 <= start[0] - ink.top < ink.rows and ink.columns[0] <= start[1] <= ink.columns[1]


def _standing_apart(
    crossing: Crossing, own: Trace, other: Trace, rows: int, apart: float
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Scan rows below a crossing in which a curve stands apart from the other: its column, and how far it stands."""
    below = crossing.row_to + 1 + np.arange(rows)
    column = columns_at(own, below)
    gap = distances_to(other, below, column)
    standing = (gap > apart) & np.isfinite(gap)
    return below[standing], column[standing], gap[standing]


def _columns_of(path: FollowedPath, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Columns of a path at scan rows, NaN outside it."""
    inside = (rows >= path.top) & (rows < path.top + len(path.column))
    columns = np.full(len(rows), np.nan)
    columns[inside] = path.column[rows[inside] - path.top]
    return columns


def _ambiguous_rows(crossing: Crossing, path: FollowedPath, rows: int) -> int:
    """Rows of a path with an ambiguous verdict, down to the last row judged."""
    judged = path.rows <= crossing.row_to + rows
    return int(np.count_nonzero(path.verdict[judged] == Verdict.AMBIGUOUS))
