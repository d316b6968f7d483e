"""What a follower sees: the ink of a track as runs along each row, grid lines taken away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from napari_welllog.errors import ScanError
from napari_welllog.followers.printed_lines import erase_printed_lines

if TYPE_CHECKING:
    from napari_welllog.scan import Scan
    from napari_welllog.tracks import Track

Integers = NDArray[np.intp]
Mask = NDArray[np.bool_]

STANDING = 3
"""Rows that ink must go on for to be a strand, not dust."""

_DEAD_END, _DUST = 0.5, 0.3
_PALEST = 0.4
PAPER_BLOCK = 128
"""Rows and columns over which the paper is taken to have one grey."""

_WIDEST_PEN = 16
_EDGE = 2.0


@dataclass(frozen=True)
class Ink:
    """The ink of a track as runs along its rows.

    Parameters
    ----------
    top : int
        Scan row of the first row.
    first : int (rows + 1,)
        Index of the first run of each row; the runs of a row are in order of column.
    left, right : int (n,)
        Scan columns of the first and last pixel of each run.
    columns : (int, int)
        First and last scan column that was looked at.
    pen : float
        Usual width of a run: the width of the pens.

    Examples
    --------
    >>> pixels = np.full((50, 40), 255, np.uint8); pixels[:, 10:13] = 0; pixels[:, 30] = 0
    >>> ink = prepare(pixels, grid_lines=False)
    >>> ink.runs_of(20)
    [(10, 12), (30, 30)]
    """

    top: int
    first: Integers
    left: Integers
    right: Integers
    columns: tuple[int, int]
    pen: float

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.first) - 1

    def runs_of(self, row: int) -> list[tuple[int, int]]:
        """First and last column of each run of a scan row."""
        if not 0 <= row - self.top < self.rows:
            return []
        runs = slice(self.first[row - self.top], self.first[row - self.top + 1])
        return list(zip(self.left[runs].tolist(), self.right[runs].tolist(), strict=True))

    @cached_property
    def links(self) -> Links:
        """How runs hang together from row to row."""
        return _link(self)

    @cached_property
    def as_lists(self) -> tuple[list[int], list[int], list[int]]:
        """`first`, `left` and `right` as lists, which a row-by-row walk reads several times as fast as arrays."""
        return self.first.tolist(), self.left.tolist(), self.right.tolist()

    def picture(self, coarse: int = 1) -> Mask:
        """The runs as a picture, bool (rows, columns from the first that was looked at, divided by `coarse`)."""
        width = (self.columns[1] - self.columns[0]) // coarse + 1
        row = np.repeat(np.arange(self.rows), np.diff(self.first)) * (width + 1)
        steps = np.zeros(self.rows * (width + 1) + 1, np.int16)
        np.add.at(steps, row + (self.left - self.columns[0]) // coarse, 1)
        np.add.at(steps, row + (self.right - self.columns[0]) // coarse + 1, -1)
        inked = np.cumsum(steps[:-1], dtype=np.int16) > 0
        return inked.reshape(self.rows, width + 1)[:, :width]


@dataclass(frozen=True)
class Links:
    """How runs hang together.

    Parameters
    ----------
    merges : list of bool (n,)
        Whether two strands, each of which has gone on for some rows, flow into this run from above.
    continues : list of bool (n,)
        Whether ink that has gone on for some rows flows into it.
    weight : list of float (n,)
        1 for ink that goes on for some rows below, less for the end of a strand, least for dust.
    """

    merges: list[bool]
    continues: list[bool]
    weight: list[float]


def prepare(
    pixels: NDArray[np.uint8],
    track: Track | None = None,
    rows: tuple[int, int] | None = None,
    grid_lines: bool = True,
) -> Ink:
    """Find the ink that followers walk on, once for all of them.

    Ink is what is a good deal darker than the paper around it. Grid lines are taken away where no curve
    crosses them, runs that wear has split are joined, and dust is left out.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan, 0 ink and 255 paper.
    track : Track, optional
        Look only between its edges, in its rows, and not where it says to ignore.
    rows : (int, int), optional
        First and last scan row to look at; grid lines are told by their length, so leave some 200 rows around.
    grid_lines : bool
        Whether there may be a grid to take away.

    Raises
    ------
    ScanError
        If the pixels are no grey picture.
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or pixels.size == 0:
        raise ScanError(
            f"followers need grey pixels, rows by columns of uint8, not {pixels.dtype} of shape {pixels.shape}"
        )
    top, bottom, left, right = _window(pixels, track)
    if rows is not None:
        top, bottom = max(top, rows[0]), min(bottom, rows[1] + 1)
    if top >= bottom:
        raise ScanError(
            f"there is no row from {top} to {bottom - 1} to follow a line in; choose rows of the track"
        )
    mask = _dark(pixels[top:bottom, left:right])
    if grid_lines:
        # Between the edges of a track a printed line runs all the way; beside a track there may be a margin.
        if track is None:
            erase_printed_lines(mask)
        else:
            erase_printed_lines(mask, 0.92, lean=-_lean_of(track, top, bottom))
    if track is not None:
        _keep_inside(mask, track, top, left)
    return _without_dust(_runs(mask, top, left))


def pixels_of(scan: NDArray[np.uint8] | Scan) -> NDArray[np.uint8]:
    """The grey pixels of a scan, or of what are its pixels already."""
    return scan if isinstance(scan, np.ndarray) else scan.pixels


def _window(pixels: NDArray[np.uint8], track: Track | None) -> tuple[int, int, int, int]:
    """First row, one past the last, first column and one past the last of a track, or of the whole scan."""
    if track is None:
        return 0, len(pixels), 0, pixels.shape[1]
    rows = track.rows_within(len(pixels))
    left, right = track.edges(rows)
    first, last = max(0, int(np.floor(left.min()))), int(np.ceil(right.max())) + 1
    return int(rows[0]), int(rows[-1]) + 1, first, min(pixels.shape[1], last)


def _lean_of(track: Track, top: int, bottom: int) -> float:
    """Columns by which the edges of a track go to the right in a row: the tilt of the page."""
    edges = track.edges(np.array([top, bottom - 1]))
    return float(np.mean([np.diff(edge)[0] for edge in edges])) / max(bottom - 1 - top, 1)


def grey_of(pixels: NDArray[np.uint8]) -> tuple[int, int] | None:
    """The grey of the paper and of the darkest ink; None for a scan that is black and white.

    Examples
    --------
    >>> pixels = np.full((50, 40), 230, np.uint8); pixels[:, 10:13] = 40
    >>> grey_of(pixels)
    (230, 40)
    """
    seen = np.bincount(pixels[::7, ::3].ravel(), minlength=256)
    if seen[1:255].sum() == 0:
        return None
    total = np.cumsum(seen)
    paper, ink = (int(np.searchsorted(total, share * total[-1])) for share in (0.6, 0.005))
    return paper, ink


def _dark(pixels: NDArray[np.uint8]) -> Mask:
    """Which pixels are ink: much darker than the paper around them."""
    grey = grey_of(pixels)
    if grey is None:
        return pixels < 128
    mask = np.empty(pixels.shape, bool)
    for top in range(0, len(pixels), PAPER_BLOCK):
        band = uniform_filter(pixels[top : top + PAPER_BLOCK], (2, 2))  # less grain, as sharp as ink is thin
        mask[top : top + PAPER_BLOCK] = darker_than_paper(band, grey, _PALEST)
    return mask


def darker_than_paper(band: NDArray[np.uint8], grey: tuple[int, int], darkness: float) -> Mask:
    """Which pixels of a band of rows are darker than the paper around them.

    Parameters
    ----------
    band : uint8 (rows, columns)
        Some `PAPER_BLOCK` rows, over which the paper has one grey.
    grey : (int, int)
        What `grey_of` says of the scan.
    darkness : float
        How much darker, as a share of the way from the paper to the darkest ink.

    Examples
    --------
    >>> band = np.full((128, 40), 230, np.uint8); band[:, 10:13] = 150
    >>> [int(darker_than_paper(band, (230, 30), darkness)[0].sum()) for darkness in (0.3, 0.5)]
    [3, 0]
    """
    paper, ink = grey
    contrast = max(paper - ink, 40)
    return np.asarray(band < _paper_around(band, paper - 0.5 * contrast) - darkness * contrast)


def _paper_around(band: NDArray[np.uint8], darkest: float) -> NDArray[np.float32]:
    """The grey of the paper in a band of rows, float32 (columns,); solid black is not taken for paper."""
    blocks = [
        np.percentile(band[::4, k : k + PAPER_BLOCK : 4], 50) for k in range(0, band.shape[1], PAPER_BLOCK)
    ]
    grey = np.maximum(np.repeat(blocks, PAPER_BLOCK)[: band.shape[1]], darkest)
    return grey.astype(np.float32)


def _keep_inside(mask: Mask, track: Track, top: int, left: int) -> None:
    """Take away, in place, what lies outside the edges of the track or where nothing is read."""
    rows = top + np.arange(len(mask))
    edges = track.edges(rows)
    columns = left + np.arange(mask.shape[1])
    for start in range(0, len(mask), 1024):
        part = slice(start, start + 1024)
        mask[part] &= columns >= edges[0][part, None] + _EDGE
        mask[part] &= columns <= edges[1][part, None] - _EDGE
    for first, last, low, high in track.ignore:
        mask[
            max(int(np.ceil(first)) - top, 0) : max(int(last) + 1 - top, 0),
            max(int(np.ceil(low)) - left, 0) : max(int(high) + 1 - left, 0),
        ] = False


def _runs(mask: Mask, top: int, left: int) -> Ink:
    """The runs of a picture; those with one pixel of paper between them are one."""
    rows, columns = mask.shape
    padded = np.zeros((rows, columns + 1), bool)
    padded[:, :columns] = mask
    flat = padded.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        changes = np.concatenate([[0], changes])
    begin, end = changes[::2], changes[1::2] - 1
    apart = np.concatenate([[True], begin[1:] - end[:-1] > 2]) if len(begin) else np.zeros(0, bool)
    # Between the last pixel of a row and the first of the next lies one column of padding, too.
    apart[1:] |= begin[1:] // (columns + 1) != end[:-1] // (columns + 1)
    begin, end = begin[apart], end[np.concatenate([apart[1:], [True]])] if len(begin) else end
    return _made_of(begin // (columns + 1), begin % (columns + 1), end % (columns + 1), top, left, mask.shape)


def _made_of(
    row: Integers, begin: Integers, end: Integers, top: int, left: int, shape: tuple[int, ...]
) -> Ink:
    """Put runs together, given by rows and columns of the picture."""
    first = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
    widths = end - begin + 1
    usual = widths[(widths > 1) & (widths <= _WIDEST_PEN)]
    pen = float(np.median(usual)) if len(usual) else 2.0
    return Ink(top, first, begin + left, end + left, (left, left + shape[1] - 1), pen)


def _neighbours(ink: Ink, rows_away: int) -> tuple[Integers, Integers]:
    """For each run the runs of the row above (-1) or below (1) that touch it: the first, and one past the last."""
    stride = ink.columns[1] + 4
    row = np.repeat(np.arange(ink.rows), np.diff(ink.first))
    lefts, rights = row * stride + ink.left + 1, row * stride + ink.right + 1
    shift = rows_away * stride
    first = np.searchsorted(rights, lefts + shift - 1)
    return first, np.maximum(np.searchsorted(lefts, rights + shift + 1, side="right"), first)


def _counts(chosen: Mask, span: tuple[Integers, Integers]) -> Integers:
    """How many of the chosen runs lie in each span of runs."""
    total = np.concatenate([[0], np.cumsum(chosen)])
    return np.asarray(total[span[1]] - total[span[0]])


def _going_on(ink: Ink, span: tuple[Integers, Integers], rows: int) -> list[Mask]:
    """Which runs hang together with ink over 1, 2, ... rows in one direction, itself included."""
    chains = [np.ones(len(ink.left), bool)]
    for _ in range(rows - 1):
        chains.append(_counts(chains[-1], span) > 0)
    return chains


def _without_dust(ink: Ink) -> Ink:
    """Leave out runs of one or two pixels that touch no other."""
    touches = _counts(np.ones(len(ink.left), bool), _neighbours(ink, -1))
    touches = touches + _counts(np.ones(len(ink.left), bool), _neighbours(ink, 1))
    kept = (touches > 0) | (ink.right - ink.left > 1)
    row = np.repeat(np.arange(ink.rows), np.diff(ink.first))[kept]
    first = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=ink.rows))])
    return Ink(ink.top, first, ink.left[kept], ink.right[kept], ink.columns, ink.pen)


def _link(ink: Ink) -> Links:
    """Work out how the runs hang together."""
    above = _neighbours(ink, -1)
    up = _going_on(ink, above, STANDING + 1)
    down = _going_on(ink, _neighbours(ink, 1), STANDING)
    strand = np.zeros(len(ink.left), bool)
    for k in range(STANDING):
        strand |= up[k] & down[STANDING - 1 - k]
    return Links(
        merges=(_counts(up[STANDING - 1], above) >= 2).tolist(),
        continues=(_counts(up[STANDING - 1], above) >= 1).tolist(),
        weight=np.where(down[STANDING - 1], 1.0, np.where(strand, _DEAD_END, _DUST)).tolist(),
    )
