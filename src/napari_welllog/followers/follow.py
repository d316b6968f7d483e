"""Follow one line from a start point: the family by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import ScanError, WelllogError
from napari_welllog.followers.ink import Ink, pixels_of, prepare
from napari_welllog.followers.motion import Kalman, Motion, Nearest, Straight
from napari_welllog.followers.viterbi import Viterbi
from napari_welllog.followers.walk import FollowedPath, Walk

if TYPE_CHECKING:
    from napari_welllog.scan import Scan
    from napari_welllog.tracks import Track

_KINDS: dict[str, type[Motion]] = {kind.name: kind for kind in (Nearest, Straight, Kalman, Viterbi)}

METHODS = tuple(_KINDS)
"""The names of the followers, the simplest first."""


def follow(
    scan: NDArray[np.uint8] | Scan | Ink,
    start: tuple[float, float],
    method: str = "kalman",
    track: Track | None = None,
    last_row: int | None = None,
) -> FollowedPath:
    """Follow a line of ink down a scan.

    Parameters
    ----------
    scan : uint8 (rows, columns), Scan or Ink
        What to walk on; prepare it once, by `prepare`, to follow several lines.
    start : (row, column)
        Where to start, on the line or near it.
    method : str
        One of `METHODS`.
    track : Track, optional
        Stay inside it. Without meaning for an Ink, which was prepared for a track or for none.
    last_row : int, optional
        Scan row at which to stop; the last one if not given.

    Raises
    ------
    WelllogError
        If there is no such method, or the start lies outside.

    Examples
    --------
    >>> pixels = np.full((60, 80), 255, np.uint8)
    >>> for row in range(60):
    ...     pixels[row, row : row + 3] = 0
    >>> path = follow(pixels, (0, 1), "straight")
    >>> float(path.column[40]), path.verdict_at(40).word
    (41.0, 'clear')
    """
    if method not in _KINDS:
        raise WelllogError(f"{method}: is no follower; choose one of {', '.join(METHODS)}")
    ink = scan if isinstance(scan, Ink) else prepare(pixels_of(scan), track)
    row, column = round(float(start[0])), float(start[1])
    bottom = ink.top + ink.rows - 1
    if not (ink.top <= row <= bottom and ink.columns[0] - 1 <= column <= ink.columns[1] + 1):
        raise ScanError(
            f"the start at row {row}, column {column:.0f} lies outside rows {ink.top} to {bottom}, columns "
            f"{ink.columns[0]} to {ink.columns[1]}; start on the line inside"
        )
    last = bottom if last_row is None else min(max(last_row, row), bottom)
    return Walk(ink, _KINDS[method](), row, column, last).run()
