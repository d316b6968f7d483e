"""Where the two curves of a track meet or swap sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_welllog.curves import Trace
    from napari_welllog.tracks import Track

Floats = NDArray[np.float64]

TOUCHING = 3.0
"""Columns between two centrelines under which the strokes of ordinary pens touch."""

LONGEST_GAP = 40
"""Rows without one of the curves across which a change of sides still counts as one crossing."""

_ANGLE_ROWS = 4
_SEPARATION_ROWS = 40


@dataclass(frozen=True)
class Crossing:
    """A place where the two curves of a track meet.

    Parameters
    ----------
    row_from, row_to : int
        First and last scan row of the meeting; where the curves swap sides between two rows, these two.
    column : float
        Scan column at which they are nearest to each other, or equal.
    swaps : bool
        Whether the curves change sides; False where they touch and part again, or where one begins or ends.
    angle : float
        Degrees between the two lines where they meet, 0 to 90; NaN where one is absent just above or below.
    separation_before, separation_after : float
        Columns between the centrelines in the 40 rows above and below, the median; NaN where one is absent.
    """

    row_from: int
    row_to: int
    column: float
    swaps: bool = True
    angle: float = field(default=np.nan, compare=False)
    separation_before: float = field(default=np.nan, compare=False)
    separation_after: float = field(default=np.nan, compare=False)


def find_crossings(
    traces: Sequence[Trace],
    touching: float = TOUCHING,
    longest_gap: int = LONGEST_GAP,
    track: Track | None = None,
) -> list[Crossing]:
    """Find where the curves of a track meet or swap sides, from the top down.

    Two curves that touch count as one meeting until they stand twice as far apart as touching, so that
    strands running together with a tremble are not many crossings.

    Parameters
    ----------
    traces : sequence of Trace
        The traces of one track. Fewer than two have no crossings.
    touching : float
        Curves at most so many columns apart meet.
    longest_gap : int
        Nothing is said about sides across more rows than these without one of the curves.
    track : Track, optional
        Where its curves wrap: one that leaves at an edge and comes back at the other crosses nothing on the way.

    Returns
    -------
    list of Crossing
        In order of row.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_welllog.curves import Trace
    >>> rows = np.arange(100.0)
    >>> sure, traced = np.ones(100, np.float32), np.ones(100, np.uint8)
    >>> down = Trace(1, 500, 20 + 2 * rows, sure, traced)
    >>> up = Trace(2, 500, 180 - 2 * rows, sure, traced)
    >>> [crossing] = find_crossings([down, up])
    >>> crossing.row_from, crossing.row_to, crossing.column, crossing.swaps
    (540, 540, 100.0, True)
    >>> round(crossing.angle, 1), crossing.separation_before  # two columns a row either way
    (53.1, 82.0)
    """
    found = [
        crossing
        for one, two in combinations(traces, 2)
        for crossing in _crossings_of(one, two, touching, longest_gap, track)
    ]
    return sorted(found, key=lambda crossing: (crossing.row_from, crossing.row_to))


def _crossings_of(
    one: Trace, two: Trace, touching: float, longest_gap: int, track: Track | None
) -> list[Crossing]:
    """Find the crossings of two traces."""
    top = max(one.top, two.top)
    bottom = max(min(one.top + len(one.column), two.top + len(two.column)), top)
    columns = tuple(trace.column[top - trace.top : bottom - trace.top] for trace in (one, two))
    both = np.flatnonzero(np.isfinite(columns[0]) & np.isfinite(columns[1]))
    if len(both) == 0:
        return []
    rows = both + top
    breaks = np.diff(rows) > longest_gap + 1
    for trace, column in zip((one, two), columns, strict=True):
        breaks |= _turns(trace, track, rows, column[both])
    return [
        _described(crossing, top, columns)
        for part in np.split(np.arange(len(rows)), np.flatnonzero(breaks) + 1)
        for crossing in _crossings_without_break(
            rows[part], columns[0][both][part], columns[1][both][part], touching
        )
    ]


def _turns(trace: Trace, track: Track | None, rows: NDArray[np.intp], column: Floats) -> NDArray[np.bool_]:
    """After which rows, bool (rows - 1,), a curve that wraps goes on at the other edge: it is nearer so."""
    wrapping = track is not None and any(
        curve.wraps and curve.curve_class == trace.curve_class for curve in track.curves
    )
    if track is None or not wrapping:
        return np.zeros(len(rows) - 1, bool)
    left, right = track.edges(rows[:-1])
    return np.asarray(np.abs(np.diff(column)) > (right - left) / 2)


def _described(crossing: Crossing, top: int, columns: tuple[Floats, ...]) -> Crossing:
    """Add the angle of a crossing and how far the curves stand apart above and below."""
    first, last = crossing.row_from - top, crossing.row_to - top
    one, two = (_direction(column, first, last) for column in columns)
    turn = abs(one - two)
    above = slice(max(first - _SEPARATION_ROWS, 0), first)
    below = slice(last + 1, last + 1 + _SEPARATION_ROWS)
    before, after = (_median_distance(columns[0][part], columns[1][part]) for part in (above, below))
    return replace(crossing, angle=min(turn, 180 - turn), separation_before=before, separation_after=after)


def _direction(column: Floats, first: int, last: int) -> float:
    """Direction of a curve between two rows and a few around them, degrees from straight down."""
    rows = np.arange(max(first - _ANGLE_ROWS, 0), min(last + 1 + _ANGLE_ROWS, len(column)))
    rows = rows[np.isfinite(column[rows])]
    if len(rows) < 2:
        return float("nan")
    return float(np.degrees(np.arctan2(column[rows[-1]] - column[rows[0]], rows[-1] - rows[0])))


def _median_distance(one: Floats, two: Floats) -> float:
    """Median distance of two curves where both are there."""
    distance = np.abs(one - two)
    distance = distance[np.isfinite(distance)]
    return float(np.median(distance)) if len(distance) else float("nan")


def _crossings_without_break(
    rows: NDArray[np.intp], one: Floats, two: Floats, touching: float
) -> list[Crossing]:
    """Find the crossings of two runs of columns between which no long stretch is missing."""
    gap = one - two
    apart = np.flatnonzero(np.abs(gap) > 2 * touching)
    # Between two rows in which the curves stand apart lies at most one meeting; the run's ends count too.
    before = np.concatenate([[-1], apart])
    after = np.concatenate([apart, [len(rows)]])
    sides = np.concatenate([[0], np.sign(gap[apart]), [0]])
    swaps = sides[:-1] * sides[1:] < 0
    near = np.flatnonzero(np.abs(gap) <= touching)
    first = np.searchsorted(near, before, side="right")
    last = np.searchsorted(near, after, side="left") - 1
    meets = last >= first
    crossings = []
    for k in np.flatnonzero(swaps | meets):
        start, end = (near[first[k]], near[last[k]]) if meets[k] else (before[k], after[k])
        low, high = (max(before[k], 0), min(after[k], len(rows) - 1)) if swaps[k] else (start, end)
        column = _nearest_column(one[low : high + 1], two[low : high + 1], bool(swaps[k]))
        crossings.append(Crossing(int(rows[start]), int(rows[end]), column, bool(swaps[k])))
    return crossings


def _nearest_column(one: Floats, two: Floats, swaps: bool) -> float:
    """Column where two curves are equal if they swap sides, or else where they are nearest."""
    gap = one - two
    if swaps:
        k = int(np.flatnonzero((gap[:-1] < 0) != (gap[1:] < 0))[0])
        weight = gap[k] / (gap[k] - gap[k + 1])
        return float((1 - weight) * one[k] + weight * one[k + 1])
    k = int(np.argmin(np.abs(gap)))
    return float((one[k] + two[k]) / 2)
