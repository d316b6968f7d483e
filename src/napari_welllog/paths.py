"""The way of each curve through the class probabilities: all rows at once, kicks of any size, absences left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Pair = tuple[float, float]
"""A number for each curve."""

ABSENT = -1
NOTHING: Pair = (0.0, 0.0)

_LARGEST = 16.0  # total up to which 32 bits tell apart what pixels cost


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
    """What it costs each curve to have come so far, less what was taken off along the way.

    Parameters
    ----------
    best : float32 (2, columns), with the curve at each column.
    absent : with the curve absent.
    least : the smallest of `best`.
    """

    best: Floats
    absent: Pair
    least: Pair


@dataclass
class _Memory:
    """The totals before each of consecutive rows, to trace back through, and those after the last."""

    totals: list[_Totals]
    costs: list[_Costs]
    end: _Totals

    def __len__(self) -> int:
        return len(self.totals)


class _Room:
    """Arrays that every row is worked in: allocating them, and looking at them in parts, would take as long again."""

    def __init__(self, columns: int) -> None:
        self.ways = np.empty((4, columns), np.float32)
        # Running minima from the left, and in the reversed half from the right, in one call: calls cost the time.
        self.rightward, self.leftward = self.ways[:2], self.ways[2:, ::-1]
        self.returning = np.empty((2, 1), np.float32)
        self.taken = np.empty((2, 1), np.float32)


def _walk(
    probabilities: Callable[[int, int], NDArray[np.float32]],
    rows: int,
    prices: _Prices,
    chunk: int,
    ahead: int,
) -> Iterator[tuple[_Memory, int]]:
    """Walk down all rows, giving the memory of the last chunk and what was looked ahead each time."""
    columns = probabilities(0, 1).shape[2]
    totals = _Totals(np.zeros((2, columns), np.float32), NOTHING, NOTHING)
    room = _Room(columns)
    memory = _Memory([], [], totals)
    first = 0
    for top in range(0, rows, chunk):
        bottom = min(top + chunk, rows)
        costs = _costs(probabilities(top, bottom), prices.settings)
        for stay, travel in zip(costs.stay, costs.travel, strict=True):
            memory.totals.append(totals)
            memory.costs.append(_Costs(stay, travel))
            totals = _step(totals, stay, travel, prices, room)
        memory.end = totals
        yield memory, first
        forgotten = max(0, len(memory) - ahead)
        first += forgotten
        del memory.totals[:forgotten], memory.costs[:forgotten]


def _step(before: _Totals, stay: Floats, travel: Floats, prices: _Prices, room: _Room) -> _Totals:
    """Totals after one more row."""
    switch, absent = prices.settings.switch, prices.settings.absent
    rightward, leftward = room.rightward, room.leftward
    np.subtract(before.best, travel, out=rightward)
    np.add(before.best, travel, out=leftward)
    np.minimum.accumulate(room.ways, axis=1, out=room.ways)
    if prices.wraps:
        from_right_edge = rightward[:, -1:] + travel[:, -1:] - travel[:, :1] + prices.wrap
        from_left_edge = leftward[:, :1] - travel[:, :1] + travel[:, -1:] + prices.wrap
        np.minimum(rightward, from_right_edge, out=rightward)
        np.minimum(leftward, from_left_edge, out=leftward)
    arrival = rightward + travel
    np.subtract(leftward, travel, out=leftward)
    np.minimum(arrival, leftward, out=arrival)
    one, two = before.absent
    room.returning[0, 0], room.returning[1, 0] = one + switch, two + switch
    np.minimum(arrival, room.returning, out=arrival)
    np.add(arrival, stay, out=arrival)
    least_one, least_two = np.minimum.reduce(arrival, axis=1).tolist()
    gone_one = min(one, before.least[0] + switch) + absent
    gone_two = min(two, before.least[1] + switch) + absent
    taken_one, taken_two = min(gone_one, least_one), min(gone_two, least_two)
    # Totals must stay small, or 32 bits would not tell them apart; once in some rows is enough.
    if taken_one < _LARGEST and taken_two < _LARGEST:
        return _Totals(arrival, (gone_one, gone_two), (least_one, least_two))
    room.taken[0, 0], room.taken[1, 0] = taken_one, taken_two
    np.subtract(arrival, room.taken, out=arrival)
    return _Totals(
        arrival,
        (gone_one - taken_one, gone_two - taken_two),
        (least_one - taken_one, least_two - taken_two),
    )


def _trace_back(memory: _Memory, prices: _Prices) -> NDArray[np.intp]:
    """The cheapest paths through the remembered rows, int (2, 2, rows): entries and exits of both curves."""
    found = np.full((2, 2, len(memory)), ABSENT, np.intp)
    for curve in (0, 1):
        end = memory.end
        place = ABSENT if end.absent[curve] <= end.least[curve] else int(end.best[curve].argmin())
        for row in range(len(memory) - 1, -1, -1):
            found[1, curve, row] = place
            found[0, curve, row], place = _came_from(
                place, memory.totals[row], memory.costs[row].travel[curve], prices, curve
            )
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
