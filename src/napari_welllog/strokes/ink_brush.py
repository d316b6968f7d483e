"""The ink brush: one paints roughly along a curve, and only its ink is labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, find_objects, label

from napari_welllog.errors import Cancelled
from napari_welllog.followers.ink import PAPER_BLOCK, darker_than_paper, grey_of
from napari_welllog.followers.printed_lines import LONG, erase_printed_lines
from napari_welllog.strokes.change import Change, Labels, Mask, paint

DARKNESS = 0.4
"""How much darker than the paper ink is, as a share of the way to the darkest ink."""

_BAND = 4 * PAPER_BLOCK

_CROSSED = 6
"""Rows that may be missing of a line where something crosses it."""

_FEWEST_ROWS, _STRAIGHT_ROWS = 24, 256
"""Rows of a line in which a tremble shows, and in which a page that leans leaves a printed line straight."""

_BEYOND, _GOES_ON = 24, 0.6
"""Rows beyond the end of a line, and the share of them in which one that goes on has ink."""

_TREMBLE = 0.6
"""Columns by which the middle of a line strays on average if a pen drew it; a printed one strays by half as much."""

# Rows around a band in which grid lines are told from curves; whole blocks, so that paper is the same there.
_AROUND = LONG // PAPER_BLOCK * PAPER_BLOCK


class InkBrush:
    """A brush that labels ink alone.

    Ink is what is darker than the paper around it, as for the edge-followers, but pixel for pixel. It is found
    band by band when a stroke first comes there, and kept, so a stroke costs what its own bounding box costs.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The grey crop of the window.
    darkness : float
        How much darker than the paper ink must be, 0 to 1; less finds paler ink and more dirt.
    grid_lines : bool
        Whether grid lines count as ink; without them, they stay out wherever no curve crosses them. A line that
        trembles is a curve which all but stands still, and stays.

    Examples
    --------
    >>> pixels = np.full((60, 40), 255, np.uint8); pixels[:, 20:22] = 0
    >>> brush, labels = InkBrush(pixels), np.zeros((60, 40), np.uint8)
    >>> change = brush.stroke(labels, [(10, 18), (20, 24)], radius=5, curve_class=1)
    >>> sorted(set(change.indices[1].tolist())), change.rows
    ([20, 21], (6, 24))
    """

    def __init__(
        self, pixels: NDArray[np.uint8], darkness: float = DARKNESS, grid_lines: bool = True
    ) -> None:
        self.pixels = pixels
        self.darkness = darkness
        self.grid_lines = grid_lines
        self._grey = grey_of(pixels)
        self._bands: dict[int, Mask] = {}

    def stroke(
        self, labels: Labels, points: Sequence[tuple[float, float]], radius: float, curve_class: int
    ) -> Change:
        """What a stroke changes.

        Parameters
        ----------
        labels : uint8 (rows, columns)
            Labels of the window as they are.
        points : sequence of (row, column)
            Where the brush went in the window; straight lines between them.
        radius : float
            Of the brush, in pixels.
        curve_class : 0, 1 or 2
            The class to give. Background goes to every pixel under the brush, ink or not: it is what rubs out.
        """
        mask, (top, left) = brush_mask(self.pixels.shape, points, radius)
        if curve_class != 0 and mask.size:
            mask &= self.ink((top, top + mask.shape[0]), (left, left + mask.shape[1]))
        return paint(labels, mask, curve_class, (top, left))

    def ink(self, rows: tuple[int, int], columns: tuple[int, int]) -> Mask:
        """Which pixels of a box are ink, bool; rows and columns from first to last-plus-one."""
        bands = range(rows[0] // _BAND, -(-rows[1] // _BAND))
        parts = [
            self._band(band)[max(rows[0] - band * _BAND, 0) : rows[1] - band * _BAND, columns[0] : columns[1]]
            for band in bands
        ]
        return np.concatenate(parts) if len(parts) > 1 else parts[0].copy()

    def prepare(self, cancelled: Callable[[], bool] | None = None) -> None:
        """Find all ink beforehand, on a thread of its own, so that no stroke is the first to come anywhere.

        Raises
        ------
        Cancelled
            If asked to stop; what is found is kept.
        """
        for band in range(-(-len(self.pixels) // _BAND)):
            if cancelled is not None and cancelled():
                raise Cancelled
            self._band(band)

    def _band(self, band: int) -> Mask:
        """The ink of a band of rows."""
        if band not in self._bands:
            top, bottom = band * _BAND, min((band + 1) * _BAND, len(self.pixels))
            if self.grid_lines:
                self._bands[band] = self._dark(top, bottom)
            else:
                first = max(top - _AROUND, 0)
                around = self._dark(first, min(bottom + _AROUND, len(self.pixels)))
                uprights = around.copy()
                erase_printed_lines(uprights, vertical=False)
                erase_printed_lines(around)
                around |= strokes_of_pens(uprights & ~around, uprights)
                self._bands[band] = around[top - first : bottom - first].copy()
        return self._bands[band]

    def _dark(self, top: int, bottom: int) -> Mask:
        """Which pixels of some rows are darker than the paper; grid lines too."""
        if self._grey is None:
            return np.asarray(self.pixels[top:bottom] < 128)
        mask = np.empty((bottom - top, self.pixels.shape[1]), bool)
        for first in range(top, bottom, PAPER_BLOCK):
            band = self.pixels[first : min(first + PAPER_BLOCK, bottom)]
            mask[first - top : first - top + len(band)] = darker_than_paper(band, self._grey, self.darkness)
        return mask


def strokes_of_pens(lines: Mask, ink: Mask) -> Mask:
    """Those of vertical lines that a pen drew: they tremble more than a printed line does, or soon go elsewhere.

    Parameters
    ----------
    lines : bool (rows, columns)
        Ink of vertical lines alone, which may be parted where others cross them.
    ink : bool (rows, columns)
        All ink, with them.

    Examples
    --------
    >>> lines = np.zeros((200, 60), bool)
    >>> lines[:, 10:12] = True  # a printed line
    >>> pen = np.rint(40 + 2 * np.sin(np.arange(200) / 9)).astype(int)
    >>> for width in range(3):
    ...     lines[np.arange(200), pen + width] = True
    >>> sorted({column // 20 for column in np.nonzero(strokes_of_pens(lines, lines))[1].tolist()})
    [1, 2]
    """
    joined = binary_closing(np.pad(lines, ((_CROSSED, _CROSSED), (0, 0))), np.ones((_CROSSED + 1, 1), bool))
    labels, _ = label(joined[_CROSSED:-_CROSSED], np.ones((3, 3)))
    kept = np.zeros(lines.shape, bool)
    for number, box in enumerate(find_objects(labels), start=1):
        stroke = (labels[box] == number) & lines[box]
        if _trembles(stroke) or _ends(stroke, box, ink):
            kept[box] |= stroke
    return kept


def _ends(stroke: Mask, box: tuple[slice, slice], ink: Mask) -> bool:
    """Whether a stroke does not go on straight above or below, as a printed line does."""
    rows = np.flatnonzero(stroke.any(axis=1))
    if not len(rows):
        return False
    ways = (
        (stroke[rows[0]], slice(max(box[0].start - _BEYOND, 0), box[0].start)),
        (stroke[rows[-1]], slice(box[0].stop, box[0].stop + _BEYOND)),
    )
    for end, beyond in ways:
        columns = np.flatnonzero(end) + box[1].start
        near = slice(max(int(columns[0]) - 1, 0), int(columns[-1]) + 2)
        further = np.atleast_1d(ink[beyond, near].any(axis=1))
        if len(further) == _BEYOND and further.mean() < _GOES_ON:
            return True
    return False


def _trembles(stroke: Mask) -> bool:
    """Whether the middle of a stroke strays from straight lines through a few hundred rows of it."""
    rows = np.flatnonzero(stroke.any(axis=1))
    if len(rows) < _FEWEST_ROWS:
        return False
    middles = (stroke[rows] * np.arange(stroke.shape[1])).sum(axis=1) / stroke[rows].sum(axis=1)
    strays = []
    for start in range(0, max(len(rows) - _STRAIGHT_ROWS // 2, 1), _STRAIGHT_ROWS):
        part = slice(start, start + _STRAIGHT_ROWS)
        line = np.polyval(np.polyfit(rows[part], middles[part], 1), rows[part])
        strays.append(np.abs(middles[part] - line))
    return bool(np.concatenate(strays).mean() > _TREMBLE)


def brush_mask(
    shape: tuple[int, ...], points: Sequence[tuple[float, float]], radius: float
) -> tuple[Mask, tuple[int, int]]:
    """The pixels within a radius of a line of points, and where in a window of a shape they lie.

    Parameters
    ----------
    shape : (rows, columns)
        Of the window; what lies outside is left out.
    points : sequence of (row, column)
        Straight lines between them; one point is a dot.
    radius : float
        In pixels.

    Returns
    -------
    mask, corner : bool, (row, column)
        Only the bounding box of the stroke, and its first row and column.

    Examples
    --------
    >>> mask, corner = brush_mask((9, 9), [(1, 4), (3, 4)], radius=1)
    >>> mask.astype(int).tolist(), corner
    ([[0, 1, 0], [1, 1, 1], [1, 1, 1], [1, 1, 1], [0, 1, 0]], (0, 3))
    """
    line = np.asarray(points, np.float64).reshape(-1, 2)
    top, bottom, left, right = _box(line, radius, shape)
    mask = np.zeros((max(bottom - top, 0), max(right - left, 0)), bool)
    if mask.size == 0:
        return mask, (top, left)
    ends = line[1:] if len(line) > 1 else line
    for start, end in zip(line, ends, strict=False):
        # Each part of the line looks at its own box: the box of a long stroke is mostly not under it.
        first, last, low, high = _box(np.stack([start, end]), radius, shape)
        if first < last and low < high:
            near = _near(start, end, radius, np.arange(first, last), np.arange(low, high))
            mask[first - top : last - top, low - left : high - left] |= near
    return mask, (top, left)


def _box(line: NDArray[np.float64], radius: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """First row, one past the last, first column and one past the last that a brush can reach."""
    if len(line) == 0:
        return 0, 0, 0, 0
    low = np.clip(np.ceil(line.min(axis=0) - radius), 0, shape[:2]).astype(int)
    high = np.clip(np.floor(line.max(axis=0) + radius) + 1, 0, shape[:2]).astype(int)
    return int(low[0]), int(high[0]), int(low[1]), int(high[1])


def _near(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    radius: float,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> Mask:
    """Which pixels lie within a radius of a straight line."""
    down, across = rows[:, None] - start[0], columns[None, :] - start[1]
    step = end - start
    length = float(step @ step)
    along = np.clip((down * step[0] + across * step[1]) / length, 0, 1) if length > 0 else 0.0
    return np.asarray((down - along * step[0]) ** 2 + (across - along * step[1]) ** 2 <= radius**2)
