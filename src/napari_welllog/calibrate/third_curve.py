"""Where the third curve of a track runs, if it is the nearly straight one that tells of the logging."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_welllog.tracks import Track

Rectangle = tuple[float, float, float, float]

_SAMPLES = 1200  # across the track
_BLOCK_ROWS = 160
_REACH = 0.006  # of the track's width that the curve wanders in a block
_THERE = 0.8  # share of a block's rows in which it has ink
_BLOCKS_THERE = 0.8
_GRID_LINE = 0.9  # share of all rows that a vertical line of the grid darkens in one place
_STRIP = 0.05  # of the track's width
_MARGIN = 0.012  # of the track's width on either side of it


def third_curve(pixels: NDArray[np.uint8], track: Track) -> list[Rectangle]:
    """Find rectangles that a nearly straight curve fills, so that they can be left unread.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    track : Track
        The track, whose header names such a curve.

    Returns
    -------
    list of (top, bottom, left, right)
        One below the other; none where no such curve is seen.

    Examples
    --------
    >>> from napari_welllog.tracks import Curve
    >>> curve = Curve(curve_class=1, mnemonic="DT", unit="us/ft", left=140, right=40)
    >>> track = Track(name="2", left=0, right=600, top=0, bottom=799, curves=[curve])
    >>> scan = np.full((800, 601), 255, np.uint8)
    >>> rows = np.arange(800)
    >>> scan[rows, 550 + np.rint(2 * np.sin(rows / 40)).astype(int)] = 0
    >>> [(round(left), round(right)) for _, _, left, right in third_curve(scan, track)][0]
    (541, 559)
    """
    from scipy.ndimage import uniform_filter1d

    rows = track.rows_within(len(pixels))
    blocks = [rows[start : start + _BLOCK_ROWS] for start in range(0, len(rows), _BLOCK_ROWS)]
    fractions = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    width = 2 * round(_REACH * _SAMPLES) + 1
    there, lines = [], []
    for block in blocks:
        left, right = track.edges(block)
        columns = np.rint(left[:, None] + (right - left)[:, None] * fractions).astype(np.intp)
        ink = pixels[block[:, None], np.clip(columns, 0, pixels.shape[1] - 1)] < 128
        lines.append(ink.mean(axis=0))
        there.append(uniform_filter1d(ink.astype(np.float32), width, axis=1) > 0.5 / width)
    grid = uniform_filter1d((np.median(lines, axis=0) > _GRID_LINE).astype(float), width) > 0
    shares = np.array([seen.mean(axis=0) for seen in there])
    shares[:, grid] = 0
    steady = (shares > _THERE).mean(axis=0)
    if steady.max(initial=0) < _BLOCKS_THERE:
        return []
    places = fractions[steady > 0.9 * steady.max()]
    if np.ptp(places) > 6 * _REACH:
        return []  # not one curve
    span = _to_the_edge(float(places.min()) - _MARGIN, float(places.max()) + _MARGIN)
    found = []
    for block in blocks:
        ends = np.array([block[0], block[-1]], np.float64)
        left, right = (track.columns(ends, np.full(2, place)) for place in span)
        found.append(
            (float(block[0]), float(block[-1]) + 1, round(float(left.min()), 1), round(float(right.max()), 1))
        )
    return _merged(found)


def _to_the_edge(left: float, right: float) -> tuple[float, float]:
    """Fractions of the width that the curve fills, with what it leaves of the track where that is but a strip.

    There the curve itself strays, and what is hatched between it and the edge is no other curve.

    Examples
    --------
    >>> _to_the_edge(0.93, 0.96), _to_the_edge(0.5, 0.53)
    ((0.93, 1.0), (0.5, 0.53))
    """
    return (0.0 if left < _STRIP else left), (1.0 if right > 1 - _STRIP else right)


def _merged(rectangles: list[Rectangle]) -> list[Rectangle]:
    """Rectangles, those below each other with the same sides made one."""
    merged = rectangles[:1]
    for top, bottom, left, right in rectangles[1:]:
        if abs(left - merged[-1][2]) < 1 and abs(right - merged[-1][3]) < 1:
            merged[-1] = (merged[-1][0], bottom, merged[-1][2], merged[-1][3])
        else:
            merged.append((top, bottom, left, right))
    return merged
