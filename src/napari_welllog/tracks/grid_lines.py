"""The calibration as a labelled grid over the scan: which lines to draw in a view, at which depths and values.

Only what a view shows is made, and no denser than a screen can show, so that a grid is drawn anew while it is
dragged, however long the scan is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_welllog.tracks.calibration import Curve, DepthAxis, Track
from napari_welllog.tracks.editing import Draft, Rectangle, corners_of

FloatArray = NDArray[np.float64]
LineKind = Literal[
    "edge",
    "depth",
    "fine depth",
    "division",
    "fine division",
    "corner",
    "anchor",
    "ignored",
    "read",
    "dropped",
]
LabelKind = Literal["depth", "curve one", "curve two", "name", "anchor", "read", "dropped"]

_LABELLED = 42.0  # points of the screen between two labelled depths, at least
_FINE = 9.0  # points between two lines, at least
_LINE_OF_TEXT = 17.0
_HALF_A_CORNER = 4.0
_ROOM_FOR_SCALES = 170.0
_HATCH = 12.0
_MOST_HATCHES = 80
_DIVISIONS = 10


@dataclass(frozen=True)
class View:
    """The part of a scan that a screen shows.

    Parameters
    ----------
    top, bottom, left, right : float
        Rows and columns.
    point : rows, columns
        Size of one point of the screen.
    """

    top: float
    bottom: float
    left: float
    right: float
    point: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Label:
    """A text at a point of the scan.

    Parameters
    ----------
    row, column : float
        Where it is.
    text : str
        What it says.
    kind : str
        What it is about.
    align : "left", "centre" or "right"
        Which part of the text is at the point.
    """

    row: float
    column: float
    text: str
    kind: LabelKind
    align: Literal["left", "centre", "right"] = "centre"


@dataclass
class GridLines:
    """Lines and labels to draw.

    Parameters
    ----------
    lines : list of ((row, column), (row, column), kind)
        Straight lines.
    labels : list of Label
        Texts.
    """

    lines: list[tuple[tuple[float, float], tuple[float, float], LineKind]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def segments(self) -> FloatArray:
        """Start and end of every line, float64 (lines, 2, 2) of row and column."""
        return np.array([line[:2] for line in self.lines], np.float64).reshape(-1, 2, 2)


def grid_lines(draft: Draft, view: View, rows: int) -> GridLines:
    """Choose what to draw of a calibration in a view.

    Parameters
    ----------
    draft : Draft
        The calibration.
    view : View
        What the screen shows.
    rows : int
        Rows of the scan.

    Returns
    -------
    GridLines
        Edges and ends of the tracks; depth lines at round depths, if depths are known; ten divisions of a
        linear track, decades of a logarithmic one; anchors; rectangles to ignore, hatched; and labels.

    Examples
    --------
    >>> from napari_welllog.tracks.editing import with_anchor, with_track
    >>> draft = with_track(Draft(), (0, 1000, 10, 510))
    >>> draft = with_anchor(with_anchor(draft, 0, 200), 1000, 300)
    >>> grid = grid_lines(draft, View(0, 1000, 0, 600), rows=1001)
    >>> [label.text for label in grid.labels if label.kind == "depth"][:3]
    ['200', '205', '210']
    """
    grid = GridLines()
    for track in draft.tracks:
        shown = _shown_rows(track, view)
        if shown is None:
            continue
        _draw_divisions(grid, track, shown)
        if draft.knows_depth:
            _draw_depths(grid, track, draft.depth_axis(rows), view, shown)
        _draw_ignored(grid, track, view)
        _draw_frame(grid, track, view, shown)
        _label_track(grid, track, view, shown)
    _draw_anchors(grid, draft, view)
    return grid


def round_step(least: float) -> float:
    """The smallest of ..., 0.1, 0.2, 0.5, 1, 2, 5, 10, ... that is not less than a number above zero.

    Examples
    --------
    >>> round_step(3), round_step(0.11), round_step(10)
    (5.0, 0.2, 10.0)
    """
    decade = 10.0 ** math.floor(math.log10(least))
    # A whisker of grace, because 10 ** -1 times 2 need not be 0.2.
    return next(float(f"{m * decade:.12g}") for m in (1, 2, 5, 10) if m * decade >= least * (1 - 1e-9))


def round_numbers(first: float, last: float, step: float) -> list[float]:
    """All multiples of a step between two numbers, in whichever order these are.

    Examples
    --------
    >>> round_numbers(0.35, -0.1, 0.1)
    [-0.1, 0.0, 0.1, 0.2, 0.3]
    """
    low, high = sorted((first, last))
    numbers = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [float(f"{number * step:.12g}") for number in numbers]


def divisions(curve: Curve) -> list[tuple[float, bool]]:
    """Where the divisions of a printed scale lie, without its ends.

    Parameters
    ----------
    curve : Curve
        A linear scale has ten divisions; a logarithmic one has lines at 1, 2, ... 9 times each power of ten.

    Returns
    -------
    list of (fraction of the track's width, whether it is a main one)
        From left to right; main are the middle of a linear scale and the powers of ten of a logarithmic one.

    Examples
    --------
    >>> curve = Curve(curve_class=1, mnemonic="ILD", unit="ohm.m", left=1, right=100, scale="log")
    >>> [(round(fraction, 2), main) for fraction, main in divisions(curve)][7:10]
    [(0.48, False), (0.5, True), (0.65, False)]
    """
    if curve.scale == "linear":
        return [(number / _DIVISIONS, 2 * number == _DIVISIONS) for number in range(1, _DIVISIONS)]
    low, high = sorted((curve.left, curve.right))
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    if len(decades) > 20:
        return []
    values = [(digit * 10.0**decade, digit == 1) for decade in decades for digit in range(1, 10)]
    values = [(value, main) for value, main in values if low * (1 + 1e-9) < value < high * (1 - 1e-9)]
    fractions = curve.value_axis.fractions([value for value, _ in values]).tolist()
    return sorted(zip(fractions, (main for _, main in values), strict=True))


def _shown_rows(track: Track, view: View) -> tuple[float, float] | None:
    """First and last row of a track in the view."""
    lefts, rights = track.edges([track.top, *_corner_rows(track), track.bottom])
    top, bottom = max(track.top, view.top), min(track.bottom, view.bottom)
    outside = top >= bottom or rights.max() < view.left or lefts.min() > view.right
    return None if outside else (top, bottom)


def _corner_rows(track: Track) -> list[float]:
    """Rows of all corners of both edges."""
    return sorted(
        {row for edge in (track.left, track.right) if not isinstance(edge, float) for row, _ in edge}
    )


def _draw_along(
    grid: GridLines, track: Track, fraction: float, rows: tuple[float, float], kind: LineKind
) -> None:
    """Draw a line down a track at a fraction of its width."""
    at = [rows[0], *(row for row in _corner_rows(track) if rows[0] < row < rows[1]), rows[1]]
    columns = track.columns(at, fraction).tolist()
    for start, end in pairwise(zip(at, columns, strict=True)):
        grid.lines.append((start, end, kind))


def _draw_across(grid: GridLines, track: Track, row: float, kind: LineKind) -> None:
    """Draw a level line from edge to edge."""
    left, right = (float(edge) for edge in track.edges(row))
    grid.lines.append(((row, left), (row, right), kind))


def _draw_box(grid: GridLines, rectangle: Rectangle, kind: LineKind) -> None:
    """Draw a rectangle."""
    top, bottom, left, right = rectangle
    corners = [(top, left), (top, right), (bottom, right), (bottom, left), (top, left)]
    grid.lines += [(start, end, kind) for start, end in pairwise(corners)]


def _draw_frame(grid: GridLines, track: Track, view: View, shown: tuple[float, float]) -> None:
    """Draw the edges and the ends of a track, and mark the corners of bent edges."""
    for fraction in (0.0, 1.0):
        _draw_along(grid, track, fraction, shown, "edge")
    for row in (track.top, track.bottom):
        if view.top <= row <= view.bottom:
            _draw_across(grid, track, row, "edge")
    sides: tuple[Literal["left", "right"], ...] = ("left", "right")
    for side in sides:
        if isinstance(getattr(track, side), float):
            continue
        marks = [corner for corner in corners_of(track, side) if view.top <= corner[0] <= view.bottom]
        half = [_HALF_A_CORNER * point for point in view.point]
        for row, column in marks:
            _draw_box(grid, (row - half[0], row + half[0], column - half[1], column + half[1]), "corner")


def _draw_divisions(grid: GridLines, track: Track, shown: tuple[float, float]) -> None:
    """Draw the divisions of a track; a logarithmic curve decides, because its paper is logarithmic."""
    curve = next((curve for curve in track.curves if curve.scale == "log"), track.curves[0])
    for fraction, main in divisions(curve):
        _draw_along(grid, track, fraction, shown, "division" if main else "fine division")


def _draw_depths(
    grid: GridLines, track: Track, axis: DepthAxis, view: View, shown: tuple[float, float]
) -> None:
    """Draw lines at round depths, and label as many as there is room for."""
    first, last = (float(depth) for depth in axis.depths(shown))
    per_point = abs(last - first) / (shown[1] - shown[0]) * view.point[0]
    step, fine = round_step(_LABELLED * per_point), round_step(_FINE * per_point)
    # Lines that are not labelled stand between those that are only where one step fits the other.
    fine = fine if round(step / fine, 6).is_integer() else fine * 2
    labelled = set(round_numbers(first, last, step))
    depths = sorted(labelled.union(round_numbers(first, last, fine)))
    left_of_text = 5 * view.point[1]
    for depth, row in zip(depths, axis.rows(depths).tolist(), strict=True):
        _draw_across(grid, track, row, "depth" if depth in labelled else "fine depth")
        if depth in labelled:
            left = max(float(track.edges(row)[0]), view.left) + left_of_text
            above = row - _LINE_OF_TEXT / 2 * view.point[0]
            grid.labels.append(Label(above, left, f"{depth:.12g}", "depth", "left"))


def _draw_ignored(grid: GridLines, track: Track, view: View) -> None:
    """Draw the rectangles of a track in which nothing is read, hatched."""
    for top, bottom, left, right in track.ignore:
        if bottom < view.top or top > view.bottom or right < view.left or left > view.right:
            continue
        _draw_box(grid, (top, bottom, left, right), "ignored")
        seen = (max(top, view.top), min(bottom, view.bottom), max(left, view.left), min(right, view.right))
        grid.lines += [(start, end, "ignored") for start, end in _hatches(seen, view.point)]


def _hatches(
    rectangle: Rectangle, point: tuple[float, float]
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Slanting lines that fill a rectangle."""
    top, bottom, left, right = rectangle
    height, width = (bottom - top) / point[0], (right - left) / point[1]
    step = max(_HATCH, (height + width) / _MOST_HATCHES)
    for number in range(1, math.ceil((height + width) / step)):
        # In points of the screen, the line on which down and across add up to this.
        total = number * step
        low, high = max(total - width, 0.0), min(total, height)
        ends = [(top + down * point[0], left + (total - down) * point[1]) for down in (low, high)]
        yield ends[0], ends[1]


def _label_track(grid: GridLines, track: Track, view: View, shown: tuple[float, float]) -> None:
    """Write the scales of a track's curves, as a log's header does, where the track begins in the view."""
    line = _LINE_OF_TEXT * view.point[0]
    names = [*sorted(track.curves, key=lambda curve: curve.curve_class)]
    # Above the track if the view shows paper there, else at the upper end of the view.
    room = track.top - view.top >= (len(names) + 1.5) * line
    row = track.top - (len(names) + 0.8) * line if room else shown[0] + 0.8 * line
    left, right = (float(edge) for edge in track.edges(shown[0]))
    middle = (max(left, view.left) + min(right, view.right)) / 2
    margin = 5 * view.point[1]
    grid.labels.append(Label(row, middle, track.name, "name"))
    # Where a track is a finger wide its scales would lie upon each other.
    wide = (right - left) / view.point[1] > _ROOM_FOR_SCALES
    for number, curve in enumerate(names if wide else [], start=1):
        at = row + number * line
        kind: LabelKind = "curve one" if curve.curve_class == 1 else "curve two"
        unit = f" ({curve.unit})" if curve.unit else ""
        wraps = f", {curve.wraps}x backup" if curve.wraps else ""
        grid.labels += [
            Label(at, left + margin, f"{curve.left:g}", kind, "left"),
            Label(at, middle, f"{curve.mnemonic}{unit}{wraps}", kind),
            Label(at, right - margin, f"{curve.right:g}", kind, "right"),
        ]


def _draw_anchors(grid: GridLines, draft: Draft, view: View) -> None:
    """Draw the anchors across all tracks, or across the view while there are none, each with its depth."""
    if draft.tracks:
        edges = [track.edges([track.top, *_corner_rows(track), track.bottom]) for track in draft.tracks]
        left, right = min(left.min() for left, _ in edges), max(right.max() for _, right in edges)
    else:
        left, right = view.left, view.right
    beyond = 30 * view.point[1]
    for row, depth in draft.typed_anchors:
        if view.top <= row <= view.bottom:
            ends = ((row, float(left - beyond)), (row, float(right + beyond)))
            grid.lines.append((*ends, "anchor"))
            at = min(ends[1][1], view.right) - 5 * view.point[1]
            above = row - _LINE_OF_TEXT / 2 * view.point[0]
            grid.labels.append(Label(above, at, f"{depth:.12g} {draft.unit}", "anchor", "right"))
