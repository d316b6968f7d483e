"""What a person should look at: doubtful stretches of the traces, and curves thinned for a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from napari_welllog.curves import Trace, TraceState

Reason = Literal["low confidence", "long bridge", "missing"]

LOW_CONFIDENCE = 0.6
"""Mean confidence of traced rows below which a person should look; two classes that tie have one half each."""

AVERAGED_ROWS = 15
"""Rows over which the confidence is averaged: a single weak row is no reason to stop at."""

SHORTEST = 5
"""Rows of low confidence, or missing, that are worth a look."""

LONG_BRIDGE = 12
"""Rows of a bridge that are worth a look, unless the curve's gaps are usually half as long."""

TOGETHER = 40
"""Rows between two stretches of one curve that are looked at together."""


@dataclass(frozen=True)
class Doubt:
    """A stretch of a trace that a person should look at.

    Parameters
    ----------
    curve_class : 1 or 2.
    row_from, row_to : first and last scan row.
    column : scan column near which the curve was or might be.
    reason : why to look there.
    """

    curve_class: int
    row_from: int
    row_to: int
    column: float
    reason: Reason


def find_doubts(traces: Sequence[Trace]) -> list[Doubt]:
    """Find the stretches of a track's traces that a person should look at, from the top down.

    Doubtful is

    - a stretch whose traced rows have, averaged over 15 rows, a confidence under 0.6 (*low confidence*);
    - a bridge of 12 rows or more that is also more than twice as long as the curve's bridges usually are: the
      gaps of a dashed curve are no reason to look (*long bridge*);
    - the row where a curve ends and the row where it begins again, on both sides of every stretch of 5 rows or
      more in which it is missing (*missing*). A curve that was found nowhere is one stretch.

    Stretches of one curve within 40 rows of each other are one, named for its longest part. What a person edited
    is not doubtful.

    Parameters
    ----------
    traces : sequence of Trace
        The traces of one track.

    Returns
    -------
    list of Doubt
        In order of row.

    Examples
    --------
    >>> state = np.ones(300, np.uint8); state[100:130] = TraceState.BRIDGED
    >>> trace = Trace(1, 50, np.full(300, 20.0), np.ones(300, np.float32), state)
    >>> find_doubts([trace])
    [Doubt(curve_class=1, row_from=150, row_to=179, column=20.0, reason='long bridge')]
    """
    found = [doubt for trace in traces for doubt in _doubts_of(trace)]
    return sorted(found, key=lambda doubt: (doubt.row_from, doubt.curve_class))


def _doubts_of(trace: Trace) -> list[Doubt]:
    """Find the doubtful stretches of one trace."""
    stretches: list[tuple[int, int, Reason]] = []
    stretches += [(first, end, "low confidence") for first, end in _unsure(trace)]
    stretches += [(first, end, "long bridge") for first, end in _long_bridges(trace)]
    stretches += [(first, end, "missing") for first, end in _ends(trace)]
    return [_doubt(trace, group) for group in _grouped(sorted(stretches))]


def _unsure(trace: Trace) -> list[tuple[int, int]]:
    """Stretches of low confidence as (first element, one past the last)."""
    traced = trace.state == TraceState.TRACED
    if not traced.any():
        return []
    sums = uniform_filter1d(
        np.where(traced, trace.confidence, 0).astype(float), AVERAGED_ROWS, mode="nearest"
    )
    shares = uniform_filter1d(traced.astype(float), AVERAGED_ROWS, mode="nearest")
    low = traced & (sums < LOW_CONFIDENCE * shares - 1e-6)
    return [run for run in runs_of(low) if run[1] - run[0] >= SHORTEST]


def _long_bridges(trace: Trace) -> list[tuple[int, int]]:
    """Bridges that are long, and long for this curve."""
    bridges = runs_of(trace.state == TraceState.BRIDGED)
    usual = float(np.median([end - first for first, end in bridges])) if len(bridges) > 2 else 0.0
    return [run for run in bridges if run[1] - run[0] >= max(LONG_BRIDGE, 2 * usual + 1)]


def _ends(trace: Trace) -> list[tuple[int, int]]:
    """Rows where the machine lost the curve or found it again; the whole trace if it found it nowhere."""
    missing = trace.state == TraceState.MISSING
    if len(missing) and missing.all():
        return [(0, len(missing))]
    ends = []
    for first, end in runs_of(missing):
        if end - first < SHORTEST:
            continue
        for inside, outside in ((first, first - 1), (end - 1, end)):
            if 0 <= outside < len(missing) and trace.state[outside] in (
                TraceState.TRACED,
                TraceState.BRIDGED,
            ):
                ends.append((min(inside, outside), max(inside, outside) + 1))
    return ends


def _grouped(stretches: list[tuple[int, int, Reason]]) -> list[list[tuple[int, int, Reason]]]:
    """Stretches near each other, together."""
    groups: list[list[tuple[int, int, Reason]]] = []
    for stretch in stretches:
        if groups and stretch[0] - max(end for _, end, _ in groups[-1]) <= TOGETHER:
            groups[-1].append(stretch)
        else:
            groups.append([stretch])
    return groups


def _doubt(trace: Trace, group: list[tuple[int, int, Reason]]) -> Doubt:
    """One doubt of stretches near each other."""
    first, end = min(first for first, _, _ in group), max(end for _, end, _ in group)
    reason = max(group, key=lambda stretch: stretch[1] - stretch[0])[2]
    near = trace.column[max(first - 50, 0) : end + 50]
    known = near[np.isfinite(near)]
    column = float(np.median(known)) if len(known) else float("nan")
    return Doubt(trace.curve_class, trace.top + first, trace.top + end - 1, round(column, 2), reason)


def runs_of(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of true elements as (first, one past the last).

    Examples
    --------
    >>> runs_of(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def thinned(values: NDArray[np.float64], most: int = 2000) -> NDArray[np.intp]:
    """Choose elements of a curve that draw the same picture as all of them: of every bin its least and greatest.

    Parameters
    ----------
    values : float64 (n,)
        The curve, NaN where missing.
    most : int
        About as many elements are chosen.

    Returns
    -------
    intp (m,)
        Their places, increasing. A bin with a missing value keeps one, so that gaps stay gaps.

    Examples
    --------
    >>> values = np.zeros(1000); values[500] = 9; values[700] = np.nan
    >>> chosen = thinned(values, 30)
    >>> len(chosen) <= 30, 500 in chosen, 700 in chosen
    (True, True, True)
    """
    size = max(-(-3 * len(values) // max(most, 3)), 1)
    if size <= 3:
        return np.arange(len(values))
    padded = np.concatenate([values, np.full(-len(values) % size, np.nan)]).reshape(-1, size)
    missing = np.isnan(padded)
    offsets = np.arange(len(padded)) * size
    least = np.where(missing, np.inf, padded).argmin(axis=1) + offsets
    greatest = np.where(missing, -np.inf, padded).argmax(axis=1) + offsets
    gaps = (missing.argmax(axis=1) + offsets)[missing.any(axis=1)]
    chosen = np.unique(np.concatenate([[0], least, greatest, gaps, [len(values) - 1]]))
    return chosen[chosen < len(values)]
