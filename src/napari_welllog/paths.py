"""The way of each curve through the class probabilities: all rows at once, kicks of any size, absences left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

ABSENT = -1

_NOTHING = 0.0, 0.0
_ROWS_OF_SMALL_TOTALS = 64
"""Rows after which the totals are made small again, lest sums lose what single rows cost."""

_ROUNDING = 1e-4
"""How much two sums of the same costs may differ: far less than any cost."""


@dataclass(frozen=True)
class PathSettings:
    """What a path pays for.

    A row whose pixel is surely the curve's costs nothing, any other up to 1. So a gap is bridged while it is
    shorter than `2 * switch / (1 - absent)` rows, and a piece of curve between two absences is believed when it
    has more ink than `2 * switch` pays for.

    Parameters
    ----------
    absent : cost of a row in which the curve is taken to be absent.
    switch : cost of going absent, and of coming back.
    hidden : cost of a row in which the other curve may hide this one.
    move : cost of a column crossed where there is no ink of the curve.
    reward : gain for a column crossed along ink of the curve, which makes a path run out along a kick.
    wrap : cost of leaving at one edge and coming in at the other, for curves that do.
    """

    absent: float = 0.85
    switch: float = 5.0
    hidden: float = 0.9
    move: float = 0.12
    reward: float = 0.05
    wrap: float = 4.0


@dataclass(frozen=True)
class Path:
    """The way of one curve down the rows.

    Parameters
    ----------
    entry, exit : int (rows,), column where it comes into each row and where it leaves it; -1 where it is absent.
    """

    entry: NDArray[np.intp]
    exit: NDArray[np.intp]

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether the curve is there, bool (rows,)."""
        return np.asarray(self.exit != ABSENT)

    @property
    def turns(self) -> NDArray[np.intp]:
        """How often the curve has left at the right edge and come in at the left one so far, int (rows,)."""
        before = np.concatenate([[ABSENT], self.exit[:-1]])
        passed = self.present & (before != ABSENT) & (self.entry != before)
        return np.cumsum(np.where(passed, np.sign(before - self.entry), 0))


@dataclass(frozen=True)
class _Costs:
    """What a stretch of rows costs: `stay` for each pixel, and `travel`, summed along the row from the left."""

    stay: Floats
    travel: Floats


def _costs(curves: NDArray[np.float32], settings: PathSettings) -> _Costs:
    """Costs of both curves, float32 (rows, 2, columns), from curve probabilities float32 (2, rows, columns)."""
    own = curves.transpose(1, 0, 2)
    other = own[:, ::-1]
    stay = np.minimum(1 - own, 1 - np.float32(1 - settings.hidden) * other)
    step = np.float32(settings.move) * (1 - np.minimum(own + other, 1)) - np.float32(settings.reward) * own
    return _Costs(stay, np.cumsum(step, axis=2, dtype=np.float32))


def find_paths(
    probabilities: Callable[[int, int], NDArray[np.float32]],
    rows: int,
    settings: PathSettings = PathSettings(),
    wraps: tuple[bool, bool] = (False, False),
    chunk: int = 4096,
    ahead: int = 1024,
) -> tuple[Path, Path]:
    """Find the cheapest way of both curves through all rows, by dynamic programming.

    Within a row a path may run any distance sideways, so a kick of hundreds of columns in one row is an ordinary
    step. A third state, absent, lets a path end and begin again anywhere. Rows are settled a chunk at a time,
    after looking well ahead, so that memory does not grow with the number of rows.

    Parameters
    ----------
    probabilities : gives the curve probabilities, float32 (2, n, columns), of rows from, to.
    rows : number of rows.
    settings : what a path pays for.
    wraps : whether curve one and curve two come back at the other edge when they leave the track.
    chunk, ahead : rows settled at a time, and rows looked ahead before settling.

    Returns
    -------
    The paths of curve one and curve two.

    Examples
    --------
    >>> ink = np.zeros((2, 60, 9), np.float32); ink[0, :, 4] = 1
    >>> one, two = find_paths(lambda top, bottom: ink[:, top:bottom], 60)
    >>> int(one.exit[30]), bool(two.present.any())
    (4, False)
    """
    found = np.full((2, 2, rows), ABSENT, np.intp)
    prices = _Prices(settings, np.array([[settings.wrap if wrap else np.inf] for wrap in wraps], np.float32))
    settled = 0
    for memory, first in _walk(probabilities, rows, prices, chunk, ahead):
        last = first + len(memory)
        stop = last if last == rows else max(settled, last - ahead)
        traced = _trace_back(memory, prices)
        found[:, :, settled:stop] = traced[:, :, settled - first : stop - first]
        settled = stop
    return Path(found[0, 0], found[1, 0]), Path(found[0, 1], found[1, 1])


@dataclass(frozen=True)
class _Prices:
    """The settings, and what it costs each curve to wrap: float32 (2, 1), infinite where it does not."""

    settings: PathSettings
    wrap: Floats

    @cached_property
    def wraps(self) -> bool:
        """Whether any curve wraps."""
        return bool(np.isfinite(self.wrap).any())


@dataclass(frozen=True, slots=True)
class _Totals:
    """What it costs to have come so far, for both curves.

    Parameters
    ----------
    best : float32 (2, columns), with the curve at each column.
    absent : with the curve absent, of each curve.
    least : the smallest of `best`, of each curve.
    """

    best: Floats
    absent: tuple[float, float]
    least: tuple[float, float]

    def less(self, lowest: tuple[float, float]) -> _Totals:
        """The totals less some cost of each curve, so that they stay small."""
        taken = np.array(lowest, np.float32)[:, None]
        absent, least = ((both[0] - lowest[0], both[1] - lowest[1]) for both in (self.absent, self.least))
        return _Totals(self.best - taken, absent, least)


@dataclass
class _Memory:
    """The totals before each of consecutive rows, to trace back through, and those after the last.

    Of each row it is also kept what was taken off the totals of both curves after it.
    """

    totals: list[_Totals]
    costs: list[_Costs]
    taken: list[tuple[float, float]]
    end: _Totals

    def __len__(self) -> int:
        return len(self.totals)

    def forget(self, count: int) -> None:
        """Forget the first rows."""
        del self.totals[:count], self.costs[:count], self.taken[:count]


def _walk(
    probabilities: Callable[[int, int], NDArray[np.float32]],
    rows: int,
    prices: _Prices,
    chunk: int,
    ahead: int,
) -> Iterator[tuple[_Memory, int]]:
    """Walk down all rows, giving the memory of the last chunk and what was looked ahead each time."""
    columns = probabilities(0, 1).shape[2]
    totals = _Totals(np.zeros((2, columns), np.float32), (0.0, 0.0), (0.0, 0.0))
    room = _Room(np.empty((4, columns), np.float32), np.empty((2, 1), np.float32))
    memory = _Memory([], [], [], totals)
    first = 0
    for top in range(0, rows, chunk):
        bottom = min(top + chunk, rows)
        costs = _costs(probabilities(top, bottom), prices.settings)
        for row, stay, travel in zip(range(top, bottom), costs.stay, costs.travel, strict=True):
            memory.totals.append(totals)
            memory.costs.append(_Costs(stay, travel))
            totals = _step(totals, stay, travel, prices, room)
            taken = _NOTHING
            if row % _ROWS_OF_SMALL_TOTALS == 0:
                taken = min(totals.absent[0], totals.least[0]), min(totals.absent[1], totals.least[1])
                totals = totals.less(taken)
            memory.taken.append(taken)
        memory.end = totals
        yield memory, first
        forgotten = max(0, len(memory) - ahead)
        first += forgotten
        memory.forget(forgotten)


class _Room(NamedTuple):
    """Room to work in: for ways from the left and from the right, and for one number of each curve."""

    ways: Floats
    both: Floats


def _step(before: _Totals, stay: Floats, travel: Floats, prices: _Prices, room: _Room) -> _Totals:
    """Totals after one more row."""
    switch, absent = prices.settings.switch, prices.settings.absent
    # Running minima from the left, and in the reversed half from the right, in one call: the calls cost the time.
    rightward, leftward = room.ways[:2], room.ways[2:, ::-1]
    np.subtract(before.best, travel, out=rightward)
    np.add(before.best, travel, out=leftward)
    np.minimum.accumulate(room.ways, axis=1, out=room.ways)
    if prices.wraps:
        from_right_edge = rightward[:, -1:] + travel[:, -1:] - travel[:, :1] + prices.wrap
        from_left_edge = leftward[:, :1] - travel[:, :1] + travel[:, -1:] + prices.wrap
        np.minimum(rightward, from_right_edge, out=rightward)
        np.minimum(leftward, from_left_edge, out=leftward)
    arrival = rightward + travel
    leftward -= travel
    np.minimum(arrival, leftward, out=arrival)
    (gone_one, gone_two), (least_one, least_two) = before.absent, before.least
    room.both[0, 0], room.both[1, 0] = gone_one + switch, gone_two + switch
    np.minimum(arrival, room.both, out=arrival)
    arrival += stay
    one, two = np.minimum.reduce(arrival, axis=1).tolist()
    gone = min(gone_one, least_one + switch) + absent, min(gone_two, least_two + switch) + absent
    return _Totals(arrival, gone, (one, two))


def _trace_back(memory: _Memory, prices: _Prices) -> NDArray[np.intp]:
    """The cheapest paths through the remembered rows, int (2, 2, rows): entries and exits of both curves."""
    found = np.full((2, 2, len(memory)), ABSENT, np.intp)
    for curve in (0, 1):
        after = memory.end
        place = ABSENT if after.absent[curve] <= after.least[curve] else int(after.best[curve].argmin())
        for row in range(len(memory) - 1, -1, -1):
            found[1, curve, row] = place
            before, costs = memory.totals[row], memory.costs[row]
            if place != ABSENT:
                paid = (
                    after.best.item(curve, place) + memory.taken[row][curve] - costs.stay.item(curve, place)
                )
                # Most rows are entered where the row before was left, and that is quickly seen.
                straight = before.best.item(curve, place) <= paid + _ROUNDING
            if place != ABSENT and straight:
                found[0, curve, row] = place
            else:
                found[0, curve, row], place = _came_from(place, before, costs.travel[curve], prices, curve)
            after = before
    return found


def _came_from(place: int, before: _Totals, travel: Floats, prices: _Prices, curve: int) -> tuple[int, int]:
    """Where a path that leaves a row at a place came into it, and where it left the row before."""
    switch = prices.settings.switch
    best, absent = before.best[curve], before.absent[curve]
    if place == ABSENT:
        return ABSENT, int(best.argmin()) if before.least[curve] + switch < absent else ABSENT
    down, up = best[: place + 1] - travel[: place + 1], best[place:] + travel[place:]
    left, right = int(down.argmin()), int(up.argmin())
    passed = travel.item(place)
    ways = [
        (down.item(left) + passed, left, left),
        (up.item(right) - passed, place + right, place + right),
        (absent + switch, place, ABSENT),
    ]
    wrap = prices.wrap.item(curve)
    if wrap < np.inf:
        end = len(best) - 1
        last, first = int((best - travel).argmin()), int((best + travel).argmin())
        over = wrap + travel.item(end) - travel.item(0)
        ways.append((best.item(last) - travel.item(last) + over + passed, 0, last))
        ways.append((best.item(first) + travel.item(first) + over - passed, end, first))
    _, entry, left_at = min(ways)
    return entry, left_at
