"""Tie the numbers that agree to the printed depth lines, below a pixel, and make anchors of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.straighten import Lean, level_darkness
from napari_welllog.tracks import Track

FloatArray = NDArray[np.float64]

_FINE = 4  # rows are sampled so many times finer, so that a line's middle is found below a pixel
_WIDEST_LINE = 15  # rows
_LEAST_INK = 0.12  # darkness above its surroundings that makes a row part of a line
_OFF_ROWS = 2.5  # rows by which a line may miss where its neighbours put it
_STRETCH = 0.004  # of the distance to them, as paper stretches unevenly
_FEWEST_UNTIED = 4  # numbers without lines that must agree
_TIMES_USUAL = 3.0  # the usual residual, up to which a line is not out of the ordinary
_OFF_LINES = 0.3  # of the distance of two lines, so that no number is tied to its line's neighbour


@dataclass(frozen=True)
class Tie:
    """A number tied to its line: the line's row, and how far it lies from where its neighbours put it."""

    row: float
    residual: float


@dataclass(frozen=True)
class LevelLines:
    """The level lines of a log: where they are, and how much ink each holds.

    Parameters
    ----------
    rows : float64 (n,)
        Their middles, where they cross the column at which depth is told.
    ink : float64 (n,)
        Darkness times width, in pixels; heavy lines hold more.
    """

    rows: FloatArray
    ink: FloatArray

    def nearest(self, row: float, reach: float) -> int | None:
        """Index of the line nearest to a row, the heavier of two within reach; None if there is none."""
        near = np.flatnonzero(np.abs(self.rows - row) <= reach)
        if not len(near):
            return None
        return int(near[np.argmin(np.abs(self.rows[near] - row))])


def find_level_lines(
    pixels: NDArray[np.uint8], tracks: Sequence[Track], rows: tuple[float, float], column: float, lean: Lean
) -> LevelLines:
    """Find the level lines of tracks.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    tracks : sequence of Track
        Those whose lines to look for.
    rows : first and last
        Rows to look at.
    column : float
        Where a line's row is told.
    lean : Lean
        How level lines lean.
    """
    from scipy.ndimage import white_tophat

    every = np.arange(int(rows[0]), int(rows[1]) + 1, dtype=np.float64)
    profiles = [
        white_tophat(level_darkness(pixels, track, every, column, lean.at(every)), _WIDEST_LINE)
        for track in tracks
    ]
    profile = np.max(profiles, axis=0)
    usual = np.percentile(profile, 98)
    inked = profile > max(_LEAST_INK, 0.3 * usual)
    steps = np.flatnonzero(np.diff(np.concatenate([[0], inked.astype(np.int8), [0]])))
    found = []
    for start, stop in zip(steps[::2], steps[1::2], strict=True):
        around = slice(max(start - 1, 0), stop + 1)
        mass = profile[around]
        found.append((float(np.average(every[around], weights=mass + 1e-9)), float(mass.sum())))
    lines = np.array(found, np.float64).reshape(-1, 2)
    return LevelLines(lines[:, 0], lines[:, 1])


def tie_numbers(
    lines: LevelLines, rows: Sequence[float], depths: Sequence[float], reach: float
) -> list[Tie | None] | str:
    """Tie numbers that agree to lines: all of them by the same distance from the middle of their text.

    Parameters
    ----------
    lines : LevelLines
        The lines.
    rows : sequence of float
        Middles of the numbers, down the scan.
    depths : sequence of float
        What they say.
    reach : float
        Rows between a number and its line, at most: about the height of its text.

    Returns
    -------
    list of Tie or None, or str
        None for a number without a line of its own; why they cannot be tied.

    Examples
    --------
    >>> lines = LevelLines(np.arange(20.0, 400, 20), np.tile([3.0, 1, 1, 1, 1], 4)[:19])
    >>> ties = tie_numbers(lines, [123, 222, 323], [300, 310, 320], reach=12)
    >>> [tie.row for tie in ties]
    [120.0, 220.0, 320.0]
    """
    places = np.asarray(rows, np.float64)
    apart = lines.rows - places[:, None]
    pairs = np.argwhere(np.abs(apart) <= reach)
    if not len(pairs):
        return "the numbers stand at no depth lines of the grid"
    offset = _common_offset(apart[pairs[:, 0], pairs[:, 1]], lines.ink[pairs[:, 1]], len(places))
    if isinstance(offset, str):
        return offset
    slack = max(_OFF_ROWS, 0.3 * reach)
    chosen = [lines.nearest(row + offset, slack) for row in places]
    tied = [None if k is None else float(lines.rows[k]) for k in chosen]
    return _checked(tied, np.asarray(depths, np.float64), float(np.median(np.diff(lines.rows))))


def ties_to_themselves(rows: Sequence[float], depths: Sequence[float]) -> list[Tie | None] | str:
    """Take the middles of numbers for the places of their depths, on paper that has no line to tie them to.

    Parameters
    ----------
    rows : sequence of float
        Middles of the numbers that agree, down the scan.
    depths : sequence of float
        What they say.

    Returns
    -------
    list of Tie, or str
        Why they cannot be taken: they are few, or stray from a straight line.

    Examples
    --------
    >>> [tie.row for tie in ties_to_themselves([100, 200, 301, 400], [10, 20, 30, 40])]
    [100.0, 200.0, 301.0, 400.0]
    >>> ties_to_themselves([100, 200, 300], [10, 20, 30])
    'no depth lines were found on the grid, and only 3 numbers agree without them'
    """
    if len(rows) < _FEWEST_UNTIED:
        return f"no depth lines were found on the grid, and only {len(rows)} numbers agree without them"
    places, of_depth = np.asarray(rows, np.float64), np.asarray(depths, np.float64)
    straying = places - np.polyval(np.polyfit(of_depth, places, 1), of_depth)
    if np.abs(straying).max() > _OFF_ROWS:
        return "no depth lines were found on the grid, and the numbers stray from a straight line"
    return [Tie(float(row), float(off)) for row, off in zip(places, straying, strict=True)]


def _common_offset(offsets: FloatArray, ink: FloatArray, count: int) -> float | str:
    """The distance from numbers to lines that most of them share, the heavier lines counting more."""

    def support(offset: float) -> float:
        """Ink of the lines at about that distance."""
        return float((ink * np.clip(1.5 - np.abs(offsets - offset) / 2, 0, 1)).sum())

    order = sorted(set(offsets.round(1)), key=lambda offset: (-support(offset), abs(offset)))
    best = order[0]
    rivals = [o for o in order[1:] if abs(o - best) > 5 and support(o) > 0.75 * support(best)]
    if rivals:
        # Lines of one weight above and below: the number stands in the middle of its own.
        nearest = min([best, *rivals], key=abs)
        if any(abs(other) < 2 * abs(nearest) + 4 for other in [best, *rivals] if other != nearest):
            return "the numbers stand between two depth lines, and nothing tells which is theirs"
        best = nearest
    return float(np.median(offsets[np.abs(offsets - best) < 3]))


def _checked(tied: Sequence[float | None], depths: FloatArray, spacing: float) -> list[Tie | None]:
    """Ties with their residuals; a line that its neighbours contradict is dropped.

    Paper that was fed unevenly puts a line some rows from where its neighbours would; the line next to it would be
    further off by the spacing of the lines.
    """
    ties: list[Tie | None] = [None] * len(tied)
    left = [k for k, row in enumerate(tied) if row is not None]
    while len(left) > 2:
        rows = np.array([tied[k] for k in left], np.float64)
        residuals = _residuals(rows, depths[left])
        # On paper that was fed unevenly most lines stray, and one that strays alike is no wrong one.
        usual = max(_OFF_ROWS, _STRETCH * float(np.median(np.diff(rows))))
        uneven = _TIMES_USUAL * float(np.median(np.abs(residuals)))
        allowed = min(max(usual, uneven), max(_OFF_LINES * spacing, 1.5))
        worst = int(np.abs(residuals).argmax())
        if abs(residuals[worst]) <= allowed:
            for k, row, residual in zip(left, rows, residuals, strict=True):
                ties[k] = Tie(float(row), float(residual))
            break
        del left[worst]
    return ties


def _residuals(rows: FloatArray, depths: FloatArray) -> FloatArray:
    """Rows between each line and where the straight line through its two neighbours puts it."""
    residuals = np.zeros(len(rows))
    for k in range(len(rows)):
        one, two = (k - 1, k + 1) if 0 < k < len(rows) - 1 else ((1, 2) if k == 0 else (k - 2, k - 1))
        slope = (rows[two] - rows[one]) / (depths[two] - depths[one])
        residuals[k] = rows[k] - rows[one] - slope * (depths[k] - depths[one])
    return residuals


def straightened(anchors: Sequence[tuple[float, float]], tolerance: float = 1.3) -> list[tuple[float, float]]:
    """Anchors moved onto the straight line through all of them, if none is further from it than a row or so.

    Each line's row is read to a fraction of a row; on paper that did not stretch all of them together know better.

    Examples
    --------
    >>> straightened([(100.4, 0), (199.6, 10), (300.4, 20), (399.6, 30)])
    [(100.24, 0.0), (200.08, 10.0), (299.92, 20.0), (399.76, 30.0)]
    >>> straightened([(100, 0), (200, 10), (310, 20), (430, 30)])
    [(100.0, 0.0), (200.0, 10.0), (310.0, 20.0), (430.0, 30.0)]
    """
    rows, depths = np.asarray(anchors, np.float64).T
    fitted = np.polyval(np.polyfit(depths, rows, 1), depths)
    rows = fitted if len(rows) > 2 and np.abs(fitted - rows).max() <= tolerance else rows
    return [(round(float(row), 2), float(depth)) for row, depth in zip(rows, depths, strict=True)]


def thinned(anchors: Sequence[tuple[float, float]], tolerance: float = 0.4) -> list[tuple[float, float]]:
    """As few anchors as stray from all of them by no more than a fraction of a row.

    Examples
    --------
    >>> thinned([(100, 0), (200.1, 10), (300, 20), (402, 30)])
    [(100.0, 0.0), (300.0, 20.0), (402.0, 30.0)]
    """
    points = np.asarray(anchors, np.float64)
    keep, last = [0], 0
    while last < len(points) - 1:
        for end in range(len(points) - 1, last, -1):
            between = points[last : end + 1]
            straight = np.interp(between[:, 1], between[[0, -1], 1], between[[0, -1], 0])
            if np.abs(straight - between[:, 0]).max() <= tolerance:
                last = end
                break
        keep.append(last)
    return [(round(float(points[k, 0]), 2), float(points[k, 1])) for k in keep]
