"""A strand as a line on paper: how far from it a point lies, across the stroke and not along the row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_welllog.curves import Trace

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_STEP = 0.5
"""Pixels between two points by which a line is told."""

_AROUND = 64
"""Rows above and below the points asked about in which a strand is looked at."""


def columns_at(trace: Trace, rows: Rows) -> Floats:
    """Columns of a trace at scan rows, float64 (rows,), NaN outside it."""
    inside = (rows >= trace.top) & (rows < trace.top + len(trace.column))
    columns = np.full(len(rows), np.nan)
    columns[inside] = trace.column[rows[inside] - trace.top]
    return columns


def distances_to(trace: Trace, rows: Rows, columns: Floats) -> Floats:
    """How far points lie from a strand in any direction, as the pen moves it from row to row.

    Where a stroke sweeps across the paper, the columns between two strands in a row say little: a point may lie
    hundreds of columns from where the sweep crosses its row, and yet under the sweep's ink.

    Parameters
    ----------
    trace : Trace
        The strand. Only 64 rows around the points are looked at.
    rows, columns : (n,)
        The points, scan rows and columns; NaN where there is none.

    Returns
    -------
    float64 (n,)
        Pixels; infinite where the strand is nowhere near, NaN where there is no point.

    Examples
    --------
    >>> column = np.repeat([10.0, 90.0], 20)  # down, across in one row, and down
    >>> kick = Trace(1, 0, column, np.ones(40, np.float32), np.ones(40, np.uint8))
    >>> distances_to(kick, np.array([18]), np.array([60.0])).round(1)  # 50 columns from it, and beside its sweep
    array([1.6])
    """
    distances = np.where(np.isfinite(columns), np.inf, np.nan)
    asked = np.flatnonzero(np.isfinite(columns))
    if not len(asked):
        return distances
    line = _points(trace, int(rows.min()) - _AROUND, int(rows.max()) + _AROUND)
    if len(line):
        distances[asked] = cKDTree(line).query(np.stack([rows[asked], columns[asked]], axis=1))[0]
    return distances


def _points(trace: Trace, first: int, last: int) -> Floats:
    """Points (n, 2) along a strand between two rows, row and column, so dense that none lies far from the next."""
    rows = np.arange(max(first, trace.top), min(last + 1, trace.top + len(trace.column)))
    columns = columns_at(trace, rows)
    if not len(rows):
        return np.zeros((0, 2))
    steps = np.ones(len(rows), np.intp)
    jump = np.abs(np.diff(columns))
    steps[:-1] = np.where(np.isfinite(jump), np.ceil(np.nan_to_num(jump) / _STEP), 1).clip(1).astype(np.intp)
    start = np.repeat(np.arange(len(rows)), steps)
    part = (np.arange(len(start)) - np.repeat(np.cumsum(steps) - steps, steps)) / np.repeat(steps, steps)
    following = np.append(columns[1:], np.nan)
    joined = np.isfinite(following[start]) & (part > 0)
    along = np.where(joined, part, 0.0)
    column = columns[start] + along * np.where(joined, following[start] - columns[start], 0.0)
    points = np.stack([rows[start] + along, column], axis=1)
    return np.asarray(points[np.isfinite(column)])
