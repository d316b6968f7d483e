"""The pixels of a scan of any length, read from its file strip by strip when they are asked for."""

from __future__ import annotations

import threading
import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_welllog.scan.page import BLOCK_PIXELS, GreyPixels

_KEPT = 3
"""Strips that stay decoded: neighbours look into each other's, and nobody looks far back."""


@dataclass(frozen=True)
class Strip:
    """Some rows of a scan, not decoded yet.

    Parameters
    ----------
    first, last : int
        Its first row and the one after its last.
    read : callable
        Gives its pixels, uint8 (rows, columns).
    """

    first: int
    last: int
    read: Callable[[], GreyPixels]


class StripPixels:
    """The pixels of a scan as an array that is read strip by strip, whenever it is indexed.

    It has the shape and type of an array of uint8 (rows, columns) and is indexed as one: by slices, numbers and
    arrays of numbers. What comes out is an ordinary array. Only a few strips are in memory at any time.

    Parameters
    ----------
    columns : int
        Columns of the scan.
    strips : sequence of Strip
        Its rows from top to bottom.

    Examples
    --------
    >>> rows = np.repeat(np.arange(10, dtype=np.uint8)[:, None], 3, axis=1)
    >>> pixels = StripPixels(3, [Strip(0, 6, lambda: rows[:6]), Strip(6, 10, lambda: rows[6:])])
    >>> pixels.shape, pixels[4:8, 1].tolist(), pixels[::4, 0].tolist()
    ((10, 3), [4, 5, 6, 7], [0, 4, 8])
    >>> pixels[np.array([9, 2]), np.array([0, 1])].tolist()
    [9, 2]
    """

    ndim = 2
    dtype = np.dtype(np.uint8)

    def __init__(self, columns: int, strips: Sequence[Strip]) -> None:
        self._strips = list(strips)
        self._tops = [strip.first for strip in self._strips]
        self.shape = (self._strips[-1].last, columns)
        self._kept: OrderedDict[int, GreyPixels] = OrderedDict()
        self._lock = threading.RLock()

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.rows(0, len(self)).astype(dtype or np.uint8, copy=False)

    def __getitem__(self, index: Any) -> Any:
        rows, columns = index if isinstance(index, tuple) else (index, slice(None))
        if isinstance(rows, slice):
            first, last, step = rows.indices(len(self))
            if step == 1:
                return self.rows(first, max(first, last))[:, columns]
            rows = np.arange(first, last, step)
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if rows.size and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows {rows.min()} to {rows.max()} are not all in a scan of {len(self)}")
        wanted, places = np.unique(rows % len(self), return_inverse=True)
        places = places.reshape(rows.shape)
        return self._gathered(wanted)[places if places.ndim else int(places), columns]

    def rows(self, first: int, last: int) -> GreyPixels:
        """The pixels of rows first to last, read-only uint8 (last - first, columns)."""
        parts = [
            self._strip(k)[max(first - self._tops[k], 0) : last - self._tops[k]]
            for k in self._in(first, last)
        ]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty((0, self.shape[1]), np.uint8)

    def mapped(self, function: Callable[[GreyPixels], GreyPixels], rows: int) -> StripPixels:
        """The pixels that a function makes of these, so many rows at a time from the top.

        Parameters
        ----------
        function : callable
            Gives uint8 of the shape of what it is given.
        rows : int
            Rows that it is given at a time; fewer at the end.
        """

        def strip(first: int) -> Strip:
            last = min(first + rows, len(self))
            return Strip(first, last, lambda: function(self.rows(first, last)))

        return StripPixels(self.shape[1], [strip(first) for first in range(0, len(self), rows)])

    def _in(self, first: int, last: int) -> range:
        """The strips that hold rows first to last."""
        if first >= last:
            return range(0)
        return range(bisect_right(self._tops, first) - 1, bisect_right(self._tops, last - 1))

    def _gathered(self, wanted: NDArray[np.intp]) -> GreyPixels:
        """Rows in rising order, from wherever in the scan they lie."""
        gathered = np.empty((len(wanted), self.shape[1]), np.uint8)
        strips = np.searchsorted(self._tops, wanted, side="right") - 1
        for k in np.unique(strips).tolist():
            inside = strips == k
            gathered[inside] = self._strip(k)[wanted[inside] - self._tops[k]]
        return gathered

    def _strip(self, k: int) -> GreyPixels:
        """The pixels of one strip, decoded at most once while it stays in memory."""
        with self._lock:  # two threads must not move about in one file
            if k in self._kept:
                self._kept.move_to_end(k)
                return self._kept[k]
            while len(self._kept) >= _KEPT:
                self._kept.popitem(last=False)
            pixels = self._strips[k].read()
            pixels.flags.writeable = False
            self._kept[k] = pixels
            return pixels


def packed_strips(blocks: Iterable[GreyPixels]) -> Iterator[Strip]:
    """Keep pixels that are decoded but once, from top to bottom: small, and to be had again strip by strip.

    Ink on paper without shades takes some 50 bytes for a row of 2,400 pixels.

    Parameters
    ----------
    blocks : iterable of uint8 (rows, columns)
        The rows of a page from top to bottom.

    Examples
    --------
    >>> page = np.full((4, 9), 255, np.uint8); page[:, 3] = 0
    >>> [bool((strip.read() == page[strip.first : strip.last]).all()) for strip in packed_strips([page[:3], page[3:]])]
    [True, True]
    """
    first = 0
    for block in blocks:
        # Of a size that is soon unpacked, whatever the decoder gives at once.
        height = max(1, BLOCK_PIXELS // max(block.shape[1], 1))
        for top in range(0, block.shape[0], height):
            part = block[top : top + height]
            yield Strip(first, first + len(part), _Packed.of(part).unpacked)
            first += len(part)


@dataclass(frozen=True)
class _Packed:
    """Pixels in few bytes: 8 to a byte where all are black or white, then deflated."""

    data: bytes
    rows: int
    columns: int
    is_bilevel: bool

    @classmethod
    def of(cls, pixels: GreyPixels) -> _Packed:
        """Pack pixels, uint8 (rows, columns)."""
        is_bilevel = bool(((pixels == 0) | (pixels == 255)).all())
        bare = np.packbits(pixels, axis=1) if is_bilevel else pixels
        rows, columns = pixels.shape
        return cls(zlib.compress(bare.tobytes(), level=1), rows, columns, is_bilevel)

    def unpacked(self) -> GreyPixels:
        """The pixels again."""
        width = -(-self.columns // 8) if self.is_bilevel else self.columns
        bare = np.frombuffer(zlib.decompress(self.data), np.uint8).reshape(self.rows, width)
        if not self.is_bilevel:
            return bare
        return np.unpackbits(bare, axis=1, count=self.columns) * np.uint8(255)
