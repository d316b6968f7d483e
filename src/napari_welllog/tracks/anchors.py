"""Depth anchors: where the printed depth line under a click lies, and which anchors contradict the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

SNAP_ROWS = 6
"""Rows on either side of a click within which a printed line is looked for."""

_SNAP_COLUMNS = (
    120  # columns on either side: enough to tell a line from a letter, few enough on a skewed page
)
_LEAST_INK = 0.25  # darkness by which a row of a printed line, dotted ones too, exceeds the rows around it
_AROUND = 24  # rows on either side that tell how dark the paper is without the line

_STANDS_OUT = 5.0  # times the usual residual
_LEAST_ROWS = 4.0  # rows by which people miss a line without having mistyped anything
_STRETCH = 0.001  # of the depth between the outermost anchors: what paper strays by as it stretches


def line_near(pixels: NDArray[np.uint8], row: float, column: float, reach: int = SNAP_ROWS) -> float | None:
    """Row of the darkest printed level line near a point of the scan.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan, 0 ink and 255 paper.
    row, column : float
        The point.
    reach : int
        Rows above and below the point within which the line lies.

    Returns
    -------
    float or None
        The row of the line's middle; None where no row is clearly darker than those around it.

    Examples
    --------
    >>> scan = np.full((200, 300), 255, np.uint8)
    >>> scan[102:104] = 0
    >>> line_near(scan, 100, 150), line_near(scan, 50, 150)
    (102.5, None)
    """
    rows, columns = pixels.shape
    centre = int(np.clip(round(row), 0, rows - 1))
    middle = int(np.clip(round(column), 0, columns - 1))
    first = max(centre - _AROUND, 0)
    block = pixels[first : centre + _AROUND + 1, max(middle - _SNAP_COLUMNS, 0) : middle + _SNAP_COLUMNS + 1]
    darkness = 1 - block.mean(axis=1, dtype=np.float64) / 255
    darkness -= np.median(darkness)
    near = np.arange(max(centre - reach, 0), min(centre + reach, rows - 1) + 1) - first
    darkest = int(near[darkness[near].argmax()])
    if darkness[darkest] < _LEAST_INK:
        return None
    inked = darkness > darkness[darkest] / 2
    above = darkest - int(np.argmin(np.append(inked[darkest::-1], False))) + 1
    below = darkest + int(np.argmin(np.append(inked[darkest:], False)))
    line = np.arange(above, below)
    return round(first + float(np.average(line, weights=darkness[line])), 1)


def anchor_residuals(anchors: Sequence[tuple[float, float]]) -> FloatArray:
    """How far each anchor lies from the straight line through the others.

    The residual of an anchor is its depth less the depth that a line has at its row. Of all lines through two
    *other* anchors it is the one to which the closer half of all anchors is closest (the sum of their
    distances is least), so that one mistyped depth among four or more cannot pull the line towards itself:
    it alone has a large residual. Among three anchors nobody can tell which one is wrong, and all three have
    one; with two there is nothing to compare.

    Parameters
    ----------
    anchors : sequence of (row, depth)
        Rows are all different.

    Returns
    -------
    float64 (anchors,)
        Residuals in the unit of depth; NaN when there are fewer than three anchors.

    Examples
    --------
    >>> anchor_residuals([(0, 100), (1000, 200), (2000, 320), (3000, 400), (4000, 500)]).round(6).tolist()
    [0.0, 0.0, 20.0, 0.0, 0.0]
    >>> anchor_residuals([(0, 100), (1000, 200)]).tolist()
    [nan, nan]
    """
    count = len(anchors)
    if count < 3:
        return np.full(count, np.nan)
    rows, depths = np.asarray(anchors, np.float64).T
    one, two = np.triu_indices(count, 1)
    slopes = (depths[two] - depths[one]) / (rows[two] - rows[one])
    misfit = np.empty(len(one))
    closer_half = count // 2 + 1
    # In blocks, because a hundred anchors have five thousand pairs.
    for start in range(0, len(one), 1024):
        block = slice(start, start + 1024)
        lines = depths[one[block], None] + slopes[block, None] * (rows - rows[one[block], None])
        misfit[block] = np.sort(np.abs(depths - lines), axis=1)[:, :closer_half].sum(axis=1)
    order = np.argsort(misfit, kind="stable")
    residuals = np.empty(count)
    for anchor in range(count):
        best = next(pair for pair in order if anchor not in (one[pair], two[pair]))
        residuals[anchor] = (
            depths[anchor] - depths[one[best]] - slopes[best] * (rows[anchor] - rows[one[best]])
        )
    return residuals


def contradicts(anchors: Sequence[tuple[float, float]], residuals: ArrayLike) -> NDArray[np.bool_]:
    """Tell which anchors lie much further from the line through the others than anchors usually do.

    Parameters
    ----------
    anchors : sequence of (row, depth)
        The anchors.
    residuals : float64 (anchors,)
        What `anchor_residuals` says of them.

    Returns
    -------
    bool (anchors,)
        True where a depth was probably mistyped or its line mistaken; never with fewer than four anchors,
        which contradict each other without telling which is wrong.

    Examples
    --------
    >>> anchors = [(0, 100), (1000, 200), (2000, 320), (3000, 400), (4000, 500)]
    >>> contradicts(anchors, anchor_residuals(anchors)).tolist()
    [False, False, True, False, False]
    """
    size = np.abs(np.asarray(residuals, np.float64))
    if len(anchors) < 4:
        return np.zeros(len(anchors), bool)
    rows, depths = np.asarray(anchors, np.float64).T
    one_row = float(np.median(np.abs(np.diff(depths) / np.diff(rows))))
    usual, span = float(np.median(size)), float(np.ptp(depths))
    return np.asarray(size > max(_STANDS_OUT * usual, _LEAST_ROWS * one_row, _STRETCH * span), np.bool_)
