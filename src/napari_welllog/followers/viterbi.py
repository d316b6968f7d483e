"""The best path over ink from a start point: all rows are weighed before any is decided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_welllog.followers.ink import Ink

COARSE = 2
"""Columns that are taken together."""

PAPER = 1.0
"""Price of a row without ink under the path."""

ACROSS_PAPER = 0.25
"""Price of moving one column sideways over paper."""

ACROSS_INK = 0.02
"""Price of moving one column sideways over ink."""

_ROWS_AT_ONCE = 1024


class Viterbi:
    """The path down from the start with the least paper under it and the least way sideways over paper.

    It knows no classes and is given no end point: the cheapest of all ends is its own. It sees further than the
    others, which decide row by row; like them it has nothing but ink to go by.
    """

    name = "viterbi"

    def begin(self, ink: Ink, row: int, column: float, last_row: int) -> None:
        """Find the path."""
        self._reach = 0.7 * ink.pen + 1.5
        self._row = row
        self._columns = _best_path(ink, row, column, last_row).tolist()

    def predict(self, row: int) -> tuple[float, float]:
        """The column of the path."""
        return self._columns[min(row - self._row, len(self._columns) - 1)], self._reach

    def saw(self, row: int, column: float, alone: bool) -> None:
        """Everything was weighed before."""

    def swept(self, row: int, column: float) -> None:
        """Everything was weighed before."""


def _best_path(ink: Ink, row: int, column: float, last_row: int) -> NDArray[np.float64]:
    """The scan column of the cheapest path in every row from the start on, float64 (rows,)."""
    begin, end = row - ink.top, last_row - ink.top + 1
    picture = ink.picture(COARSE)[begin:end]
    width = picture.shape[1]
    place = int(np.clip((column - ink.columns[0]) / COARSE, 0, width - 1))
    totals = np.empty((len(picture), width), np.float32)
    total = np.full(width, np.inf, np.float32)
    total[place] = 0.0
    for first in range(0, len(picture), _ROWS_AT_ONCE):
        part = picture[first : first + _ROWS_AT_ONCE]
        _settle(part, _travel(part), total, totals[first : first + len(part)])
        total = totals[first + len(part) - 1]
    places = _walk_back(picture, totals)
    return np.asarray(ink.columns[0] + COARSE * places + (COARSE - 1) / 2)


def _travel(picture: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The price of moving from the first column to each other, float32 (rows, columns)."""
    prices = np.where(picture, np.float32(COARSE * ACROSS_INK), np.float32(COARSE * ACROSS_PAPER))
    return np.cumsum(prices, axis=1, dtype=np.float32)


def _settle(
    picture: NDArray[np.bool_],
    travel: NDArray[np.float32],
    total: NDArray[np.float32],
    totals: NDArray[np.float32],
) -> None:
    """Fill in, row by row, the price of the cheapest path to each column."""
    paper = np.where(picture, np.float32(0), np.float32(PAPER))
    down, up = np.empty_like(total), np.empty_like(total)
    for passed, cost, settled in zip(travel, paper, totals, strict=True):
        np.subtract(total, passed, out=down)
        np.minimum.accumulate(down, out=down)
        np.add(down, passed, out=down)
        np.add(total, passed, out=up)
        np.minimum.accumulate(up[::-1], out=up[::-1])
        np.subtract(up, passed, out=up)
        np.minimum(down, up, out=down)
        np.add(down, cost, out=settled)
        total = settled


def _walk_back(picture: NDArray[np.bool_], totals: NDArray[np.float32]) -> NDArray[np.intp]:
    """Walk from the cheapest end back to the start."""
    places = np.empty(len(totals), np.intp)
    place = int(np.argmin(totals[-1]))
    for first in reversed(range(0, len(totals), _ROWS_AT_ONCE)):
        part = slice(first, min(first + _ROWS_AT_ONCE, len(totals)))
        travel = _travel(picture[part])
        for row in reversed(range(part.start, part.stop)):
            places[row] = place
            if row:
                passed = travel[row - first]
                place = int((totals[row - 1] + np.abs(passed - passed[place])).argmin())
    return places
