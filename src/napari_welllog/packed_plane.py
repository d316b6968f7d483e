"""The probabilities of one curve over a scan of any length, packed as their rows come."""

from __future__ import annotations

import zlib
from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

Packed = tuple[bytes, bytes, bytes]


class PackedPlane:
    """Curve probabilities in 255ths, packed: some ten bytes for each row and pen, where sparse ones take hundreds.

    Parameters
    ----------
    columns : columns of the scan.

    Examples
    --------
    >>> plane = PackedPlane(5)
    >>> plane.append(csr_array(np.array([[0, 9, 200, 0, 0], [0, 0, 255, 9, 0]], np.uint8)))
    >>> plane.append(csr_array(np.array([[0, 0, 0, 0, 7]], np.uint8)))
    >>> plane.shape, plane[1:3].toarray().tolist()
    ((3, 5), [[0, 0, 255, 9, 0], [0, 0, 0, 0, 7]])
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._tops = [0]
        self._bands: list[Packed] = []
        self._unpacked: tuple[int, csr_array] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows so far, and columns."""
        return self._tops[-1], self.columns

    def append(self, band: csr_array) -> None:
        """Take the rows that follow, csr_array of uint8 (rows, columns)."""
        counts = np.diff(band.indptr).astype(np.int32)
        # From pixel to pixel of a stroke the column grows by one, which packs to next to nothing.
        steps = np.diff(band.indices.astype(np.int32), prepend=np.int32(0))
        self._bands.append(
            (
                zlib.compress(counts.tobytes(), 1),
                zlib.compress(steps.tobytes(), 1),
                zlib.compress(band.data.tobytes(), 1),
            )
        )
        self._tops.append(self._tops[-1] + band.shape[0])

    def __getitem__(self, rows: slice) -> csr_array:
        """Rows from one to another, csr_array of uint8 (rows, columns)."""
        first, last, _ = rows.indices(self.shape[0])
        parts = []
        band = bisect_right(self._tops, first) - 1
        while first < last:
            top, bottom = self._tops[band], self._tops[band + 1]
            parts.append(self._band(band)[first - top : min(last, bottom) - top])
            first, band = bottom, band + 1
        return vstack(parts, format="csr") if parts else csr_array((0, self.columns), dtype=np.uint8)

    def _band(self, band: int) -> csr_array:
        """The rows that were appended together; the last ones asked for are kept, as rows are read in turn."""
        if self._unpacked is None or self._unpacked[0] != band:
            counts, steps, values = map(zlib.decompress, self._bands[band])
            pointers = np.concatenate([[0], np.cumsum(_int32(counts))]).astype(np.int32)
            indices = np.cumsum(_int32(steps), dtype=np.int32)
            shape = self._tops[band + 1] - self._tops[band], self.columns
            self._unpacked = (
                band,
                csr_array((np.frombuffer(values, np.uint8), indices, pointers), shape=shape),
            )
        return self._unpacked[1]


def _int32(packed: bytes) -> NDArray[np.int32]:
    """Whole numbers from their bytes."""
    return np.frombuffer(packed, np.int32)
