"""Crossings: the places where the two curves of a track meet or swap sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_welllog.curves import Trace

TOUCHING = 3.0
"""Columns between two centrelines under which the strokes of ordinary pens touch."""

LONGEST_GAP = 40
"""Rows without one of the curves across which a change of sides still counts as one crossing."""


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
    """

    row_from: int
    row_to: int
    column: float
    swaps: bool = True


def find_crossings(
    traces: Sequence[Trace], touching: float = TOUCHING, longest_gap: int = LONGEST_GAP
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
    >>> find_crossings([down, up])
    [Crossing(row_from=540, row_to=540, column=100.0, swaps=True)]
    """
    found = [
        crossing
        for one, two in combinations(traces, 2)
        for crossing in _crossings_of(one, two, touching, longest_gap)
    ]
    return sorted(found, key=lambda crossing: (crossing.row_from, crossing.row_to))


def _crossings_of(one: Trace, two: Trace, touching: float, longest_gap: int) -> list[Crossing]:
    """Find the crossings of two traces."""
    top = max(one.top, two.top)
    bottom = max(min(one.top + len(one.column), two.top + len(two.column)), top)
    columns_one = one.column[top - one.top : bottom - one.top]
    columns_two = two.column[top - two.top : bottom - two.top]
    both = np.flatnonzero(np.isfinite(columns_one) & np.isfinite(columns_two))
    if len(both) == 0:
        return []
    rows = both + top
    breaks = np.flatnonzero(np.diff(rows) > longest_gap + 1) + 1
    return [
        crossing
        for part in np.split(np.arange(len(rows)), breaks)
        for crossing in _crossings_without_break(
            rows[part], columns_one[both][part], columns_two[both][part], touching
        )
    ]


def _crossings_without_break(
    rows: NDArray[np.intp], one: NDArray[np.float64], two: NDArray[np.float64], touching: float
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


def _nearest_column(one: NDArray[np.float64], two: NDArray[np.float64], swaps: bool) -> float:
    """Column where two curves are equal if they swap sides, or else where they are nearest."""
    gap = one - two
    if swaps:
        k = int(np.flatnonzero((gap[:-1] < 0) != (gap[1:] < 0))[0])
        weight = gap[k] / (gap[k] - gap[k + 1])
        return float((1 - weight) * one[k] + weight * one[k + 1])
    k = int(np.argmin(np.abs(gap)))
    return float((one[k] + two[k]) / 2)
