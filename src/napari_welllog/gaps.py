"""Gaps in a traced curve: which of them are bridged, and where the curve runs in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import Akima1DInterpolator

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Gap = tuple[int, int]
"""First row of a gap and one past its last."""

BRIDGES = (15.0, 60.0)
USUAL_GAPS = 4.0
FEWEST_GAPS = 8
OFF_SCALE_MARGIN = 0.015

ROUND_END = 0.25
"""Rows at the end of a dash, in pen widths, in which the round tip of the pen says little of where the line was."""

DOT = 1.5
"""Pixels more than the pen is wide up to which a piece of ink is a dot."""


def gaps_to_bridge(column: Floats, present: Mask, edges: tuple[Floats, Floats]) -> list[Gap]:
    """Gaps (first, last + 1) between known rows across which the curve surely went on.

    The path must have gone through, the gap must be short for this curve, and the curve must not have been on
    its way off scale before it and on its way back after it.

    Parameters
    ----------
    column : float64 (rows,), the centre of the stroke; NaN where there is no ink.
    present : bool (rows,), where the path took the curve to be there.
    edges : two of float64 (rows,), the columns of the track's edges.

    Examples
    --------
    >>> column = np.full(40, 50.0)
    >>> column[10:14] = np.nan
    >>> gaps_to_bridge(column, np.ones(40, bool), (np.zeros(40), np.full(40, 100.0)))
    [(10, 14)]
    """
    places = np.flatnonzero(np.isfinite(column))
    ends = np.flatnonzero(np.diff(places) > 1)
    gaps = [(int(places[i]) + 1, int(places[i + 1])) for i in ends]
    lengths = np.array([np.hypot(last - first + 1, column[last] - column[first - 1]) for first, last in gaps])
    longest = np.clip(USUAL_GAPS * np.median(lengths), *BRIDGES) if len(gaps) >= FEWEST_GAPS else BRIDGES[1]
    return [
        (first, last)
        for first, last in gaps
        if last - first <= longest
        and present[first:last].all()
        and not _leaves_scale(column, first, last, edges)
    ]


def _leaves_scale(column: Floats, first: int, last: int, edges: tuple[Floats, Floats]) -> bool:
    """Whether a curve, going on as it went before a gap and came after it, is beyond one edge half way through."""
    half = (last - first + 1) / 2
    middle = (first + last) // 2
    onward = column[first - 1] + half * _slope(column[max(first - 6, 0) : first])
    backward = column[last] - half * _slope(column[last : last + 6])
    left, right = edges[0][middle], edges[1][middle]
    margin = OFF_SCALE_MARGIN * (right - left)
    return bool(max(onward, backward) < left + margin or min(onward, backward) > right - margin)


def _slope(columns: Floats) -> float:
    """Columns for a row along a few rows; zero where they are too few to tell."""
    known = np.flatnonzero(np.isfinite(columns))
    if len(known) < 3:
        return 0.0
    return float((columns[known[-1]] - columns[known[0]]) / (known[-1] - known[0]))


def bridge_gaps(column: Floats, gaps: list[Gap], width: Floats, pen: float) -> Floats:
    """Carry a curve through its gaps, smoothly from dash to dash and dot to dot.

    A dot tells one place, its middle; on a sweep the line has passed many columns in the rows that the dot takes.
    The end of a dash is as round as the pen, and there too its middle in a row is not yet the line. So the line is
    laid through the middles of dots and the insides of dashes.

    Parameters
    ----------
    column : float64 (rows,), the centre of the stroke; NaN where there is no ink.
    gaps : those to be bridged.
    width : float64 (rows,), the stroke along each row, pixels; NaN where it is not known.
    pen : width of the pen, pixels.

    Returns
    -------
    float64 (rows,), with the gaps filled, by the spline of Akima (1970, Journal of the ACM 17(4), 589-602), whose
    slopes come from the nearest neighbours alone, so that a kick does not ring in the gaps around it.

    Examples
    --------
    >>> column = np.repeat([10.0, 20.0, 30.0, 40.0], 6)  # dots of three rows on a sweep, gaps of three
    >>> column[np.arange(24) % 6 > 2] = np.nan
    >>> gaps = [(3, 6), (9, 12), (15, 18)]
    >>> bridge_gaps(column, gaps, np.full(24, 3.0), 3.0)[1:8].round(1)
    array([10. , 11.7, 13.3, 15. , 16.7, 18.3, 20. ])
    """
    bridged = column.copy()
    if not gaps:
        return bridged
    firsts, lasts = np.array(gaps).T
    known = np.isfinite(column)
    pieces = _stretches(known)
    ends_gap, begins_gap = np.isin(pieces[:, 0], lasts), np.isin(pieces[:, 1], firsts)
    rows, columns, sure = np.arange(len(column), dtype=float), column.copy(), known.copy()
    for k in np.flatnonzero(ends_gap | begins_gap):
        first, last = pieces[k]
        if ends_gap[k] and begins_gap[k] and _is_dot(column[first:last], pen):
            middle = (first + last - 1) // 2
            weights = np.nan_to_num(width[first:last], nan=pen).clip(0.5)
            rows[middle], columns[middle] = (
                np.average(values[first:last], weights=weights) for values in (np.arange(len(column)), column)
            )
            sure[first:last] = np.arange(first, last) == middle
        else:
            end = min(int(ROUND_END * pen + 0.5), (last - first - 1) // 2)
            sure[first : first + end * ends_gap[k]] = False
            sure[last - end * begins_gap[k] : last] = False
    filled = known.copy()
    for first, last in gaps:
        filled[first:last] = True
    for first, last in _stretches(filled):
        _lay_through(bridged[first:last], rows[first:last], columns[first:last], sure[first:last], first)
    return bridged


def _stretches(mask: Mask) -> NDArray[np.intp]:
    """First row and one past the last of every stretch that is set, (n, 2)."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return steps.reshape(-1, 2)


def _is_dot(column: Floats, pen: float) -> bool:
    """Whether a piece of ink is hardly longer than the pen is wide, down the paper and across."""
    return bool(len(column) <= pen + DOT and np.ptp(column) < pen + DOT)


def _lay_through(column: Floats, rows: Floats, columns: Floats, sure: Mask, top: int) -> None:
    """Lay a line through the sure places of a stretch wherever a row is not a sure one, in place."""
    exact = sure & (rows == np.arange(top, top + len(column)))
    asked = np.flatnonzero(~exact)
    if not len(asked) or not sure.any():
        return
    places = rows[sure]
    at = np.clip(top + asked, places[0], places[-1])
    if len(places) > 2:
        column[asked] = Akima1DInterpolator(places, columns[sure])(at)
    else:
        column[asked] = np.interp(at, places, columns[sure])
