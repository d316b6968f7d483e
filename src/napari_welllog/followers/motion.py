"""What a follower expects: the one thing in which the members of the family differ."""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from napari_welllog.followers.ink import Ink

RECENT = 16
"""Rows of recent ink from which `Straight` takes the slope."""

_COASTS = 40


class Motion(Protocol):
    """How a kind of follower expects its line to go on.

    A walk asks `predict` once for every row, and then says what it found there by `saw` or `swept`, or nothing
    where it found no ink.
    """

    name: str

    def begin(self, ink: Ink, row: int, column: float, last_row: int) -> None:
        """Stand on the ink at a row and a column; the walk will go to `last_row`."""

    def predict(self, row: int) -> tuple[float, float]:
        """The column expected at a row, and by how many columns it may well be wrong (one standard deviation)."""

    def saw(self, row: int, column: float, alone: bool) -> None:
        """The line was found here; not alone where another strand hides its edges."""

    def swept(self, row: int, column: float) -> None:
        """The line ran nearly horizontally to here, which says nothing about where it goes on."""


class Nearest:
    """The closest ink in the next row."""

    name = "nearest"

    def begin(self, ink: Ink, row: int, column: float, last_row: int) -> None:
        """Stand at a column."""
        self._row, self._column, self._reach = row, column, 1.2 * ink.pen + 2

    def predict(self, row: int) -> tuple[float, float]:
        """Expect it where it was, and look further after every row without ink."""
        return self._column, self._reach + 0.3 * (row - self._row - 1)

    def saw(self, row: int, column: float, alone: bool) -> None:
        """Go there."""
        self._row, self._column = row, column

    def swept(self, row: int, column: float) -> None:
        """Go there."""
        self._row, self._column = row, column


class Straight:
    """The best continuation of the recent slope: a straight line through the last rows of ink."""

    name = "straight"

    def begin(self, ink: Ink, row: int, column: float, last_row: int) -> None:
        """Stand at a column, with no slope yet."""
        self._reach = 0.7 * ink.pen + 1.5
        self._recent: deque[tuple[int, float]] = deque(maxlen=RECENT)
        self._turn(row, column)

    def _turn(self, row: int, column: float) -> None:
        """Forget the slope and go on from here."""
        self._recent.clear()
        self._row, self._centre_row, self._column, self._slope = row, float(row), column, 0.0

    def predict(self, row: int) -> tuple[float, float]:
        """Expect it on the straight line, which is not drawn out for ever, and look further after rows without ink."""
        ahead = min(row - self._row, _COASTS) + self._row - self._centre_row
        without_slope = 2.0 if len(self._recent) < 4 else 1.0
        return self._column + self._slope * ahead, self._reach * without_slope + 0.15 * (row - self._row - 1)

    def saw(self, row: int, column: float, alone: bool) -> None:
        """Lay the line through the last rows anew; rows where another strand joins in say nothing of the slope."""
        if not alone and row - self._row < _COASTS:
            return
        self._row = row
        recent = self._recent
        recent.append((row, column))
        count = len(recent)
        self._centre_row = mean_row = sum(point[0] for point in recent) / count
        self._column = mean = sum(point[1] for point in recent) / count
        spread = sum((point[0] - mean_row) ** 2 for point in recent)
        tilt = sum((point[0] - mean_row) * (point[1] - mean) for point in recent)
        # A slope from two or three rows is mostly the raggedness of the ink.
        self._slope = tilt / (spread + 8.0)

    def swept(self, row: int, column: float) -> None:
        """Begin anew where the stroke ends."""
        self._turn(row, column)


class Kalman:
    """A constant-velocity Kalman filter with a gate: what lies too far from where it should is not the line."""

    name = "kalman"

    PROCESS = 0.02
    """Variance, in columns squared, by which the velocity changes in a row."""

    def begin(self, ink: Ink, row: int, column: float, last_row: int) -> None:
        """Stand at a column with a velocity that may be anything ordinary."""
        self._noise = (0.2 * ink.pen + 0.4) ** 2
        self._turn(row, column)

    def _turn(self, row: int, column: float) -> None:
        """Forget the velocity and go on from here."""
        self._row, self._column, self._velocity = row, column, 0.0
        self._of_column, self._of_both, self._of_velocity = self._noise, 0.0, 1.0

    def _ahead(self, row: int) -> tuple[float, float, float, float]:
        """Column, its variance, its covariance with the velocity and the velocity's variance, at a row to come."""
        rows = float(row - self._row)
        noise = self.PROCESS
        column = self._column + self._velocity * min(rows, _COASTS)
        of_column = self._of_column + 2 * rows * self._of_both + rows * rows * self._of_velocity
        return (
            column,
            of_column + noise * rows**3 / 3,
            self._of_both + rows * self._of_velocity + noise * rows * rows / 2,
            self._of_velocity + noise * rows,
        )

    def predict(self, row: int) -> tuple[float, float]:
        """Expect it where the velocity takes it; the gate is as wide as the filter is unsure."""
        column, variance, _, _ = self._ahead(row)
        # At ten rows of coasting a gate of free growth would span the track.
        return column, min(
            math.sqrt(variance + self._noise), 2.0 + 0.3 * (row - self._row) + self._noise
        ) + 0.5

    def saw(self, row: int, column: float, alone: bool) -> None:
        """Correct by what was seen; where another strand joins in, by little."""
        expected, of_column, of_both, of_velocity = self._ahead(row)
        gain_of = of_column + self._noise * (1.0 if alone else 30.0)
        gain, of_rate = of_column / gain_of, of_both / gain_of
        surprise = column - expected
        self._row = row
        self._column, self._velocity = expected + gain * surprise, self._velocity + of_rate * surprise
        self._of_column = (1 - gain) * of_column
        self._of_both = (1 - gain) * of_both
        self._of_velocity = of_velocity - of_rate * of_both

    def swept(self, row: int, column: float) -> None:
        """Begin anew where the stroke ends."""
        self._turn(row, column)
