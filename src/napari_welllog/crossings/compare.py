"""A follower beside the class map at one crossing, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_welllog.class_map import ClassMap
from napari_welllog.crossings.find import Crossing
from napari_welllog.crossings.strand import distances_to
from napari_welllog.errors import WelllogError
from napari_welllog.followers import Candidate, FollowedPath, Ink, Verdict, follow, prepare
from napari_welllog.followers.ink import pixels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_welllog.curves import Trace
    from napari_welllog.scan import Scan
    from napari_welllog.tracks import Track

AROUND = 60
"""Rows above and below a crossing that are compared."""

APART = 8.0
"""Pixels between two centrelines from which one can say on which of the two strands a follower is."""

_SIDEWAYS = 40
_TOUCH = 0.6
_GRID_ROWS = 384


@dataclass(frozen=True)
class RowComparison:
    """What both know at one row.

    Parameters
    ----------
    row : int
        Scan row.
    columns : int (columns,)
        Scan columns of the arrays.
    grey : uint8 (columns,)
        The scan under the line.
    labels : uint8 (columns,)
        The class of every pixel.
    probabilities : float32 (3, columns)
        Class probabilities.
    column : float
        Where the follower is; NaN above its start and where it is lost.
    verdict : Verdict
        What it knows.
    ambiguity : float
        0 to 1, as in `FollowedPath`.
    candidates : list of Candidate
        What it weighed.
    """

    row: int
    columns: NDArray[np.intp]
    grey: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    column: float
    verdict: Verdict
    ambiguity: float
    candidates: list[Candidate]


@dataclass(frozen=True)
class Comparison:
    """A follower beside the class map around one crossing.

    Parameters
    ----------
    crossing : Crossing
        Where.
    curve_class : 1 or 2
        The curve on which the follower started.
    path : FollowedPath
        Where it went and what it weighed.
    top, left : int
        Scan row and column of the first pixel of the patch.
    grey, labels : uint8 (rows, columns)
        The scan and the class of every pixel of the patch.
    probabilities : float32 (3, rows, columns)
        Class probabilities of the patch.
    """

    crossing: Crossing
    curve_class: int
    path: FollowedPath
    top: int
    left: int
    grey: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    probabilities: NDArray[np.float32]

    @property
    def rows(self) -> NDArray[np.intp]:
        """Scan rows of the patch."""
        return self.top + np.arange(len(self.grey))

    @property
    def columns(self) -> NDArray[np.intp]:
        """Scan columns of the patch."""
        return self.left + np.arange(self.grey.shape[1])

    @property
    def ambiguity(self) -> NDArray[np.float32]:
        """The follower's ambiguity in each row of the patch, NaN above its start, float32 (rows,)."""
        return self._along(self.path.ambiguity)

    @property
    def column(self) -> NDArray[np.float64]:
        """The follower's column in each row of the patch, NaN where it has none, float64 (rows,)."""
        return self._along(self.path.column)

    def _along(self, values: NDArray) -> NDArray:  # type: ignore[type-arg]
        """Values along the path for the rows of the patch."""
        found = np.full(len(self.grey), np.nan, values.dtype)
        offset = self.path.top - self.top
        rows = np.arange(max(offset, 0), min(len(found), offset + len(values)))
        found[rows] = values[rows - offset]
        return found

    def class_probability(self, curve_class: int) -> NDArray[np.float32]:
        """The highest probability of a class in each row of the patch, float32 (rows,)."""
        return np.asarray(self.probabilities[curve_class].max(axis=1))

    def at(self, row: int) -> RowComparison:
        """What both know at a scan row; rows outside the patch are moved to its nearest."""
        row = int(np.clip(row, self.top, self.top + len(self.grey) - 1))
        here = row - self.top
        return _row_comparison(
            row, self.columns, self.grey[here], self.labels[here], self.probabilities[:, here], self.path
        )


def _row_comparison(
    row: int,
    columns: NDArray[np.intp],
    grey: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
    path: FollowedPath | None,
) -> RowComparison:
    """Put what a follower knows at a row beside its pixels; nothing where there is no follower."""
    k = -1 if path is None else row - path.top
    if path is None or not 0 <= k < len(path.column):
        return RowComparison(row, columns, grey, labels, probabilities, float("nan"), Verdict.LOST, 0.0, [])
    return RowComparison(
        row,
        columns,
        grey,
        labels,
        probabilities,
        float(path.column[k]),
        path.verdict_at(row),
        float(path.ambiguity[k]),
        path.candidates_at(row),
    )


def compare_row(
    pixels: NDArray[np.uint8],
    class_map: ClassMap,
    path: FollowedPath | None,
    row: int,
    columns: tuple[int, int],
) -> RowComparison:
    """Set a follower beside the class map at one row of a scan, in a moment: as fast as a line is dragged.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    class_map : ClassMap
        Its classes, of the same shape.
    path : FollowedPath or None
        Where a follower went; None for the class map alone.
    row : int
        Scan row; one beyond the scan is moved to its nearest.
    columns : (int, int)
        First and last scan column to look at; cut to the scan.

    Examples
    --------
    >>> pixels = np.full((60, 80), 255, np.uint8); pixels[:, 40:43] = 0
    >>> class_map = ClassMap.from_labels((pixels < 128).astype(np.uint8))
    >>> there = compare_row(pixels, class_map, follow(pixels, (0, 41), "nearest"), 30, (36, 46))
    >>> there.column, there.labels.tolist()
    (41.0, [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0])
    """
    row = int(np.clip(row, 0, len(pixels) - 1))
    left = int(np.clip(columns[0], 0, pixels.shape[1] - 1))
    right = int(np.clip(columns[1] + 1, left + 1, pixels.shape[1]))
    return _row_comparison(
        row,
        np.arange(left, right),
        pixels[row, left:right],
        class_map.labels[row, left:right],
        class_map.window(row, row + 1, left, right)[:, 0],
        path,
    )


def check_same_shape(class_map: ClassMap, pixels: NDArray[np.uint8]) -> None:
    """Refuse a class map that is not that of the scan.

    Raises
    ------
    WelllogError
        They have other shapes.
    """
    if class_map.shape != pixels.shape[:2]:
        raise WelllogError(
            f"The class map is {class_map.shape[0]} x {class_map.shape[1]} and the scan {pixels.shape[0]} x "
            f"{pixels.shape[1]}: segment this scan, or open its own class map."
        )


def compare_at(
    crossing: Crossing,
    scan: NDArray[np.uint8] | Scan,
    class_map: ClassMap,
    follower: str | FollowedPath = "kalman",
    *,
    curve_class: int = 1,
    start: tuple[float, float] | None = None,
    traces: Sequence[Trace] | None = None,
    track: Track | None = None,
    ink: Ink | None = None,
    around: int = AROUND,
) -> Comparison:
    """Set a follower beside the class map, row by row, around a crossing.

    Parameters
    ----------
    crossing : Crossing
        One of `find_crossings`.
    scan : uint8 (rows, columns) or Scan
        The scan.
    class_map : ClassMap
        Its classes.
    follower : str or FollowedPath
        The name of a follower, or where one went.
    curve_class : 1 or 2
        The curve on which to start.
    start : (row, column), optional
        Where to start; by default on the curve above the crossing, by the traces or else by the class map.
    traces : sequence of Trace, optional
        The traces of the track.
    track : Track, optional
        Where to look.
    ink : Ink, optional
        What the follower walks on, if it is prepared already.
    around : int
        Rows above and below to compare.

    Raises
    ------
    WelllogError
        If the class map is not that of the scan, or the curve is not to be found above the crossing.
    """
    pixels = pixels_of(scan)
    check_same_shape(class_map, pixels)
    top, bottom = max(crossing.row_from - around, 0), min(crossing.row_to + around, len(pixels) - 1)
    if isinstance(follower, FollowedPath):
        path = follower
    else:
        if start is None:
            start = _start(crossing, class_map, curve_class, traces, around)
        if ink is None:
            ink = prepare(pixels, track, (int(min(start[0], top)) - _GRID_ROWS, bottom + _GRID_ROWS))
        path = follow(ink, start, follower, last_row=bottom)
    left, right = _columns_around(crossing, path, top, bottom, pixels.shape[1])
    return Comparison(
        crossing,
        curve_class,
        path,
        top,
        left,
        pixels[top : bottom + 1, left:right],
        class_map.labels[top : bottom + 1, left:right],
        class_map.window(top, bottom + 1, left, right),
    )


def start_above(
    crossing: Crossing, own: Trace, other: Trace | None, lead: int = AROUND, apart: float = APART
) -> tuple[int, float] | None:
    """Find where to put a follower on a curve above a crossing, well away from the other curve.

    Parameters
    ----------
    crossing : Crossing
        The crossing.
    own, other : Trace
        The curve to follow, and the one that it meets.
    lead : int
        Rows above the crossing to go up at most.
    apart : float
        Pixels between the two at the start, at least, in any direction.

    Returns
    -------
    (row, column) or None
        The highest such place below which the curves do not touch until they cross.
    """
    rows = np.arange(
        max(crossing.row_from - lead, own.top), min(crossing.row_from, own.top + len(own.column))
    )
    column = own.column[rows - own.top]
    gap = np.full(len(rows), np.inf) if other is None else distances_to(other, rows, column)
    stands = np.flatnonzero(np.isfinite(column) & (gap >= apart))
    if not len(stands):
        return None
    # What touches below the last place where they stand apart is the crossing itself.
    touching = np.flatnonzero(gap[: stands[-1]] <= _TOUCH * apart)
    k = int(stands[stands > touching[-1]][0]) if len(touching) else int(stands[0])
    return int(rows[k]), float(column[k])


def _start(
    crossing: Crossing,
    class_map: ClassMap,
    curve_class: int,
    traces: Sequence[Trace] | None,
    around: int,
) -> tuple[float, float]:
    """Where the curve lies above the crossing, by its trace or by the class map."""
    own = next((trace for trace in traces or () if trace.curve_class == curve_class), None)
    if own is not None:
        other = next((trace for trace in traces or () if trace.curve_class != curve_class), None)
        for apart in (APART, 3.0):
            start = start_above(crossing, own, other, around, apart)
            if start is not None:
                return start
    for row in range(max(crossing.row_from - around // 2, 0), crossing.row_from + 1):
        inked = np.flatnonzero(class_map.labels[row] == curve_class)
        if len(inked):
            near = inked[np.abs(inked - crossing.column).argmin()]
            return row, float(near)
    raise WelllogError(
        f"curve {('one', 'two')[curve_class - 1]} is not to be found above row {crossing.row_from}; "
        "click where the follower is to start"
    )


def _columns_around(
    crossing: Crossing, path: FollowedPath, top: int, bottom: int, width: int
) -> tuple[int, int]:
    """First column of the patch and one past its last: the crossing, the path, and some paper beside them."""
    inside = path.column[(path.rows >= top) & (path.rows <= bottom)]
    known = [crossing.column, *inside[np.isfinite(inside)]]
    reach = max(_SIDEWAYS, (bottom - top) // 2)
    left = min(min(known) - _SIDEWAYS, crossing.column - reach)
    right = max(max(known) + _SIDEWAYS, crossing.column + reach)
    return max(int(left), 0), min(int(right) + 1, width)
