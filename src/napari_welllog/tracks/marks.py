"""What was read on a scan, as lines and texts over it: a rectangle round each, and a bar on its printed line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from napari_welllog.tracks.editing import Rectangle
from napari_welllog.tracks.grid_lines import GridLines, Label, View

MarkKind = Literal["read", "dropped"]

_MARGIN = 3.0  # points of the screen between what was read and the rectangle round it
_WIDE = 6.0  # times as wide as high, from which a text goes into its rectangle
_HALF_A_LINE = 8.0  # points of the screen
_LEAST_HEIGHT = 6.0  # points of the screen, below which a rectangle has no room for its text


@dataclass(frozen=True)
class Mark:
    """Something that was read.

    Parameters
    ----------
    place : top, bottom, left, right
        Where it stands on the scan.
    text : str
        What it was taken for.
    kind : "read" or "dropped"
        Whether it is used.
    line : float or None
        Row, at that place, of the printed line that it was tied to.
    """

    place: Rectangle
    text: str
    kind: MarkKind
    line: float | None = None


def draw_marks(grid: GridLines, marks: Iterable[Mark], view: View) -> None:
    """Add to a grid what a view shows of marks.

    Parameters
    ----------
    grid : GridLines
        What is drawn already.
    marks : iterable of Mark
        What was read.
    view : View
        What the screen shows.

    Examples
    --------
    >>> grid = GridLines()
    >>> draw_marks(grid, [Mark((90, 110, 5, 45), "250", "read", line=101)], View(0, 500, 0, 300))
    >>> len(grid.lines), [label.text for label in grid.labels]
    (5, ['250'])
    >>> draw_marks(grid, [Mark((900, 910, 5, 45), "260", "read")], View(0, 500, 0, 300))
    >>> len(grid.lines)
    5
    """
    down, across = (_MARGIN * point for point in view.point)
    for mark in marks:
        top, bottom, left, right = mark.place
        if bottom < view.top or top > view.bottom or right < view.left or left > view.right:
            continue
        top, bottom, left, right = top - down, bottom + down, left - across, right + across
        corners = [(top, left), (top, right), (bottom, right), (bottom, left), (top, left)]
        grid.lines += [(start, end, mark.kind) for start, end in pairwise(corners)]
        if mark.line is not None:
            beyond = (right - left) / 3
            grid.lines.append(((mark.line, left - beyond), (mark.line, right + beyond), mark.kind))
        if bottom - top > _LEAST_HEIGHT * view.point[0]:
            # The scales of a header stand close below each other, with white paper between value and name.
            is_wide = right - left > _WIDE * (bottom - top)
            row = (top + bottom) / 2 if is_wide else top - _HALF_A_LINE * view.point[0]
            column = left + (right - left) * (0.25 if is_wide else 0.5)
            grid.labels.append(Label(row, column, mark.text, mark.kind))
