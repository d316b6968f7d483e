"""Cut upright pieces out of a page that leans: rows along its level lines, columns along its vertical ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_welllog.tracks import Track

FloatArray = NDArray[np.float64]

_STEEPEST = 0.03  # rows for each column: beyond it a page was put into the scanner crooked, and is refused
_SAMPLE_COLUMNS = 240
_STRETCH_ROWS = 1600  # in which a page leans evenly
_MOST_STRETCHES = 40
_STANDS_OUT = 0.15  # by which the sharpness exceeds that at leans around
_PEAK = 11  # leans around, of which half are too far away for a peak to reach
_LIKELY = 0.008  # within which a page leans as its vertical lines do: most paper is turned, not sheared
_UNLIKELY = 0.5  # what the excess at any other lean counts for
_BLOCKS = 12


@dataclass(frozen=True)
class Piece:
    """An upright piece of a leaning page.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The piece; paper where it reaches beyond the scan.
    top, left : float
        Row and column of the scan where the piece's first pixel comes from.
    lean : float
        Rows by which the page's level lines sink for each column to the right.
    """

    pixels: NDArray[np.uint8]
    top: float
    left: float
    lean: float

    def on_scan(self, row: float, column: float) -> tuple[float, float]:
        """Row and column of the scan that a place of the piece comes from."""
        return self.top + row + self.lean * column, self.left + column - self.lean * row


def cut(
    pixels: NDArray[np.uint8], rows: tuple[float, float], columns: tuple[float, float], lean: float
) -> Piece:
    """Cut an upright piece out of a scan.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    rows : first, and the one after the last
        Rows of the piece at its left edge.
    columns : first, and the one after the last
        Columns of the piece at its top.
    lean : float
        Rows by which level lines sink for each column.

    Examples
    --------
    >>> scan = np.full((40, 200), 255, np.uint8)
    >>> scan[20 + np.arange(200) // 20, np.arange(200)] = 0
    >>> piece = cut(scan, (0, 40), (0, 200), lean=0.05)
    >>> (piece.pixels == 0).mean(axis=1).max() > 0.9
    np.True_
    >>> piece.on_scan(20, 100)
    (25.0, 99.0)
    """
    down = np.arange(max(round(rows[1] - rows[0]), 1))
    across = np.arange(max(round(columns[1] - columns[0]), 1))
    taken = np.full((len(down), len(across)), 255, np.uint8)
    at = _floor(rows[0] + down[:, None] + lean * across), _floor(columns[0] + across - lean * down[:, None])
    inside = (at[0] >= 0) & (at[0] < pixels.shape[0]) & (at[1] >= 0) & (at[1] < pixels.shape[1])
    taken[inside] = pixels[at[0][inside], at[1][inside]]
    return Piece(taken, rows[0], columns[0], lean)


def _floor(places: FloatArray) -> NDArray[np.intp]:
    """The pixels in which places lie; a whisker of grace for what lies on the border of two."""
    return np.floor(places + 1e-9).astype(np.intp)


def level_darkness(
    pixels: NDArray[np.uint8],
    track: Track,
    rows: ArrayLike,
    column: float,
    lean: ArrayLike,
    of_blocks: Callable[..., FloatArray] = np.median,
) -> FloatArray:
    """How dark level lines of a track are, whatever curves do to them.

    The track is cut into blocks of columns, and the median block counts: a curve or a kick darkens some of
    them, a line all.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    track : Track
        The track.
    rows : float64 (n,)
        Rows at which the lines cross the column.
    column : float
        The column at which a line's row is told.
    lean : float or float64 (n,)
        Rows by which level lines sink for each column.
    of_blocks : function
        What is taken of all blocks; their mean tells more of how well lines fit together.

    Returns
    -------
    float64 (n,)
        0 paper to 1 ink.
    """
    where = np.asarray(rows, np.float64)
    fractions = (np.arange(_SAMPLE_COLUMNS) + 0.5) / _SAMPLE_COLUMNS
    leans = np.broadcast_to(np.asarray(lean, np.float64), where.shape)
    darkness = np.empty(len(where))
    for start in range(0, len(where), 4096):
        part = where[start : start + 4096]
        left, right = track.edges(part)
        across = left[:, None] + (right - left)[:, None] * fractions
        down = np.rint(part[:, None] + leans[start : start + 4096, None] * (across - column)).astype(np.intp)
        down = np.clip(down, 0, pixels.shape[0] - 1)
        across = np.clip(np.rint(across).astype(np.intp), 0, pixels.shape[1] - 1)
        ink = 1 - pixels[down, across].reshape(len(part), _BLOCKS, -1).mean(axis=2) / 255
        darkness[start : start + 4096] = of_blocks(ink, axis=1)
    return darkness


@dataclass(frozen=True)
class Lean:
    """How the level lines of a page lean, which changes down a page that was fed unevenly.

    Parameters
    ----------
    rows : float64 (n,)
        Rows at which it was measured.
    values : float64 (n,)
        Rows by which level lines sink for each column there.

    Examples
    --------
    >>> Lean(np.array([100.0, 300.0]), np.array([0.0, 0.01])).at(200).item()
    0.005
    """

    rows: FloatArray
    values: FloatArray

    def at(self, rows: ArrayLike) -> FloatArray:
        """The lean at rows."""
        return np.asarray(np.interp(np.asarray(rows, np.float64), self.rows, self.values), np.float64)

    @property
    def usual(self) -> float:
        """The lean of most of the page."""
        return float(np.median(self.values))


def measure_lean(pixels: NDArray[np.uint8], tracks: Sequence[Track]) -> Lean:
    """Measure how the level lines of a page lean, stretch by stretch: what makes them sharpest.

    Examples
    --------
    >>> from napari_welllog.tracks import propose_tracks
    >>> scan = np.full((900, 500), 255, np.uint8)
    >>> scan[:, 20:481:46] = 0
    >>> rows = np.arange(20, 860, 30)[:, None] + np.rint(0.01 * np.arange(500)).astype(int)
    >>> scan[rows, np.arange(500)] = 0
    >>> round(measure_lean(scan, propose_tracks(scan).tracks).usual, 2)
    0.01
    """
    widest = max(tracks, key=lambda track: float(np.subtract(*track.edges(track.top)[::-1])))
    top, bottom = max(math.ceil(widest.top), 0), min(math.floor(widest.bottom), len(pixels) - 1)
    count = int(np.clip((bottom - top) // _STRETCH_ROWS, 1, _MOST_STRETCHES))
    limits = np.linspace(top, bottom, count + 1)
    middles = (limits[1:] + limits[:-1]) / 2
    half = min(_STRETCH_ROWS, (bottom - top) / count) / 2
    found = np.array([_lean_of(pixels, widest, middle - half, middle + half) for middle in middles])
    seen = np.isfinite(found)
    if not seen.any():
        return Lean(middles[:1], np.full(1, turned_of(widest)))
    middles, found = middles[seen], found[seen]
    # A stretch full of kicks may mislead; its neighbours know better.
    steady = np.array([np.median(found[max(k - 1, 0) : k + 2]) for k in range(len(found))])
    return Lean(middles, steady)


def turned_of(track: Track) -> float:
    """The lean of a page that was turned as a whole, by which its vertical lines lean too.

    Examples
    --------
    >>> from napari_welllog.tracks import Curve
    >>> curve = Curve(curve_class=1, mnemonic="GR", unit="", left=0, right=1)
    >>> turned_of(Track(name="1", left=[(0, 20), (1000, 10)], right=200, top=0, bottom=1000, curves=[curve]))
    0.01
    """
    first, last = (float(track.edges(row)[0]) for row in (track.top, track.bottom))
    return (first - last) / max(track.bottom - track.top, 1.0)


def _lean_of(pixels: NDArray[np.uint8], track: Track, top: float, bottom: float) -> float:
    """Lean of the level lines between two rows; NaN where none stand out."""
    from scipy.ndimage import median_filter

    rows = np.arange(math.ceil(top), math.floor(bottom))
    column = float(np.mean(track.edges((top + bottom) / 2)))

    def sharpness(lean: float) -> float:
        """How far the darkness of rows spreads."""
        darkness = level_darkness(pixels, track, rows, column, lean, np.mean)
        # Over two rows, or a line of one pixel would favour whichever lean its steps are rounded by.
        return float(np.var(np.convolve(darkness, (1, 1), "valid")))

    coarse = np.arange(-_STEEPEST, _STEEPEST, 0.002)
    rough = np.array([sharpness(lean) for lean in coarse])
    # The curves make some leans sharper than others too, but over a wide range, where lines make a peak.
    excess = rough / np.maximum(median_filter(rough, _PEAK, mode="nearest"), 1e-12) - 1
    excess *= np.where(np.abs(coarse - turned_of(track)) < _LIKELY, 1.0, _UNLIKELY)
    if excess.max() < _STANDS_OUT:
        return math.nan
    fine = coarse[excess.argmax()] + np.arange(-0.003, 0.00301, 0.0005)
    sharp = np.array([sharpness(lean) for lean in fine])
    # Around the best there is a plateau, because pixels are whole; its middle is meant.
    return float(fine[sharp > 0.9 * sharp.max()].mean())
