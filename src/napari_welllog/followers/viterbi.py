"""The best path over ink from a start point: many ways down are kept and weighed before any is decided."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from napari_welllog.followers.ink import Ink

PAPER = 0.4
"""Price of a row without ink."""

SURPRISE = 0.3
"""Price of ink one standard deviation beside where the path was heading; it grows with the square, up to nine."""

KICK = 3.0
"""Price of turning into a horizontal stroke."""

WAYS = 6
"""Ways down that are kept from row to row."""

_WORTH_KEEPING = 25.0
_FURTHEST = 3.5
_STEADY, _TURNING = 0.5, 0.08
_COASTS = 40


class _Way(NamedTuple):
    """One way down so far.

    Parameters
    ----------
    price : what it cost.
    column, slope : where it was at its last ink, and where it was heading.
    row : its last row with ink.
    left, right : the run of ink there.
    width : usual width of its own stroke.
    ends : where a horizontal stroke may go on, or None.
    before : the way it came, as (column at this row, way before).
    """

    price: float
    column: float
    slope: float
    row: int
    left: int
    right: int
    width: float
    ends: tuple[float, float] | None
    before: _Step | None


_Step = tuple[float, object]
"""A column, and the step before it: a chain back to the start."""


class Viterbi:
    """The path down from the start with the least paper under it and the fewest surprising turns.

    A Viterbi search over the runs of ink in which every way carries its own slope along, so that it is a turn
    and not a step sideways that costs something. It knows no classes and is given no end point: the cheapest
    way down to the last row is taken. It sees further than the others, which decide row by row; like them it has
    nothing but ink to go by.
    """

    name = "viterbi"

    def begin(self, ink: Ink, row: int, column: float, last_row: int) -> None:
        """Find the path."""
        self._reach = 0.7 * ink.pen + 1.5
        self._row = row
        self._columns = _Search(ink, row, column).down_to(last_row)

    def predict(self, row: int) -> tuple[float, float]:
        """The column of the path."""
        return self._columns[min(row - self._row, len(self._columns) - 1)], self._reach

    def saw(self, row: int, column: float, alone: bool) -> None:
        """Everything was weighed before."""

    def swept(self, row: int, column: float) -> None:
        """Everything was weighed before."""


class _Search:
    """All the ways down that are still worth keeping."""

    def __init__(self, ink: Ink, row: int, column: float) -> None:
        self._ink = ink
        self._first, self._left, self._right = ink.as_lists
        self._weight = ink.links.weight
        self._half = ink.pen / 2
        self._reach = 0.5 * ink.pen + 1.0
        near = int(column)
        self._row = row
        self._ways = [_Way(0.0, column, 0.0, row - 1, near, near, ink.pen, None, None)]

    def down_to(self, last_row: int) -> list[float]:
        """The column of the cheapest way in every row."""
        for row in range(self._row, last_row + 1):
            self._step(row)
        columns = []
        step: object = min(self._ways, key=lambda way: way.price).before
        while step is not None:
            assert isinstance(step, tuple)
            column, step = step
            columns.append(column)
        return columns[::-1]

    def _step(self, row: int) -> None:
        """Take every way one row further, on the ink within its reach or without."""
        onto: dict[tuple[int, bool], _Way] = {}
        coasting: list[_Way] = []
        for way in self._ways:
            ahead = way.column + way.slope * min(row - way.row, _COASTS)
            coasting.append(way._replace(price=way.price + PAPER, before=(ahead, way.before)))
            self._reach_ink(row, way, ahead, onto)
        ways = sorted([*onto.values(), *_unlike(coasting)], key=lambda way: way.price)[:WAYS]
        dearest = ways[0].price + _WORTH_KEEPING
        self._ways = [way for way in ways if way.price <= dearest]

    def _reach_ink(self, row: int, way: _Way, ahead: float, onto: dict[tuple[int, bool], _Way]) -> None:
        """Go on to each run within reach, where no cheaper way has come."""
        k = row - self._ink.top
        begin, end = self._first[k], self._first[k + 1]
        spread = self._reach + 0.12 * (row - way.row - 1)
        low, high = ahead - _FURTHEST * spread, ahead + _FURTHEST * spread
        connected = way.row == row - 1
        if connected:
            low, high = min(low, way.left - 1), max(high, way.right + 1)
        for i in range(bisect_left(self._right, low, begin, end), bisect_right(self._left, high, begin, end)):
            left, right = self._left[i], self._right[i]
            half = min(self._half, (right - left) / 2)
            core = left + half, right - half
            off = _distance(core, way.ends or (ahead, ahead)) / spread
            if connected and left <= way.right + 1 and right >= way.left - 1:
                off /= 3
            dust = PAPER if self._weight[i] < 1 else 0.0
            price = way.price + SURPRISE * min(off * off, 9.0) + dust
            kick = KICK if way.ends is None and self._sweeps(way, left, right) else 0.0
            for through in (False, True) if kick and left <= ahead <= right else (False,):
                key, total = (i, through), price if through else price + kick
                if key not in onto or total < onto[key].price:
                    onto[key] = self._onto(row, way, ahead, total, left, right, core, through)

    def _sweeps(self, way: _Way, left: int, right: int) -> bool:
        """Whether a run is a horizontal stroke."""
        return right - left + 1 > 3 * way.width + 2 * self._half + 3

    def _onto(
        self,
        row: int,
        way: _Way,
        ahead: float,
        price: float,
        left: int,
        right: int,
        core: tuple[float, float],
        through: bool,
    ) -> _Way:
        """A way that steps onto a run: into a kick, through ink that hides it, or along its own stroke."""
        width = right - left + 1
        middle = (left + right) / 2
        if through:
            return _Way(price, ahead, way.slope, row, left, right, way.width, None, (ahead, way.before))
        if self._sweeps(way, left, right):
            ends = core if abs(way.column - core[0]) < abs(way.column - core[1]) else (core[1], core[0])
            return _Way(price, middle, 0.0, row, left, right, way.width, ends, (middle, way.before))
        if width > 1.6 * way.width + 1:
            column = min(max(ahead, core[0]), core[1])
            own_width = way.width + 0.05 * (width - way.width)
        else:
            column, own_width = middle, way.width + 0.2 * (width - way.width)
        if way.ends is not None:
            return _Way(price, column, 0.0, row, left, right, own_width, None, (column, way.before))
        surprise, rows = column - ahead, row - way.row
        slope = way.slope + _TURNING * surprise / rows
        smooth = ahead + _STEADY * surprise
        return _Way(price, smooth, slope, row, left, right, own_width, None, (column, way.before))


def _distance(core: tuple[float, float], ends: tuple[float, float]) -> float:
    """Columns from the nearer of two ends to a run."""
    return min(max(core[0] - end, end - core[1], 0.0) for end in ends)


def _unlike(ways: list[_Way]) -> list[_Way]:
    """Of ways that coast side by side in one direction only the cheapest."""
    kept: dict[tuple[int, int], _Way] = {}
    for way in ways:
        place = int(way.column // 4), int(way.slope * 4)
        if place not in kept or way.price < kept[place].price:
            kept[place] = way
    return list(kept.values())
