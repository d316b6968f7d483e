"""The way of each curve through the class probabilities: all rows at once, kicks of any size, absences left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

ABSENT = -1


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


@dataclass
class _Memory:
    """The totals of consecutive rows, before each row was entered, to trace back through."""

    best: list[Floats]
    absent: list[Floats]
    costs: list[_Costs]
    end: tuple[Floats, Floats]

    def __len__(self) -> int:
        return len(self.best)


def _walk(
    probabilities: Callable[[int, int], NDArray[np.float32]],
    rows: int,
    prices: _Prices,
    chunk: int,
    ahead: int,
) -> Iterator[tuple[_Memory, int]]:
    """Walk down all rows, giving the memory of the last chunk and what was looked ahead each time."""
    columns = probabilities(0, 1).shape[2]
    best, absent = np.zeros((2, columns), np.float32), np.zeros((2, 1), np.float32)
    memory = _Memory([], [], [], (best, absent))
    first = 0
    for top in range(0, rows, chunk):
        bottom = min(top + chunk, rows)
        costs = _costs(probabilities(top, bottom), prices.settings)
        for row in range(bottom - top):
            memory.best.append(best)
            memory.absent.append(absent)
            memory.costs.append(_Costs(costs.stay[row], costs.travel[row]))
            best, absent = _step(best, absent, memory.costs[-1], prices)
        memory.end = (best, absent)
        yield memory, first
        forgotten = max(0, len(memory) - ahead)
        first += forgotten
        for kept in (memory.best, memory.absent, memory.costs):
            del kept[:forgotten]


def _step(best: Floats, absent: Floats, costs: _Costs, prices: _Prices) -> tuple[Floats, Floats]:
    """Totals after one more row: cheapest arrival at each column, and absent."""
    travel, switch = costs.travel, prices.settings.switch
    rightward = np.minimum.accumulate(best - travel, axis=1)
    leftward = np.minimum.accumulate((best + travel)[:, ::-1], axis=1)[:, ::-1]
    if prices.wraps:
        from_right_edge = rightward[:, -1:] + travel[:, -1:] - travel[:, :1] + prices.wrap
        from_left_edge = leftward[:, :1] - travel[:, :1] + travel[:, -1:] + prices.wrap
        rightward = np.minimum(rightward, from_right_edge)
        leftward = np.minimum(leftward, from_left_edge)
    arrival = rightward + travel
    np.minimum(arrival, leftward - travel, out=arrival)
    np.minimum(arrival, absent + switch, out=arrival)
    arrival += costs.stay
    gone = np.minimum(absent, best.min(axis=1, keepdims=True) + switch) + prices.settings.absent
    lowest = np.minimum(gone, arrival.min(axis=1, keepdims=True))
    return arrival - lowest, gone - lowest


def _trace_back(memory: _Memory, prices: _Prices) -> NDArray[np.intp]:
    """The cheapest paths through the remembered rows, int (2, 2, rows): entries and exits of both curves."""
    found = np.full((2, 2, len(memory)), ABSENT, np.intp)
    for curve in (0, 1):
        best, absent = memory.end[0][curve], memory.end[1][curve, 0]
        place = ABSENT if absent <= best.min() else int(best.argmin())
        for row in range(len(memory) - 1, -1, -1):
            found[1, curve, row] = place
            before = memory.best[row][curve], memory.absent[row][curve, 0]
            entry, place = _came_from(place, *before, memory.costs[row].travel[curve], prices, curve)
            found[0, curve, row] = entry
    return found


def _came_from(
    place: int, best: Floats, absent: float, travel: Floats, prices: _Prices, curve: int
) -> tuple[int, int]:
    """Where a path that leaves a row at a place came into it, and where it left the row before."""
    switch = prices.settings.switch
    if place == ABSENT:
        column = int(best.argmin())
        return ABSENT, column if best[column] + switch < absent else ABSENT
    end = len(best) - 1
    down, up = best - travel, best + travel
    left = int(down[: place + 1].argmin())
    right = place + int(up[place:].argmin())
    ways = [
        (down[left] + travel[place], left, left),
        (up[right] - travel[place], right, right),
        (absent + switch, place, ABSENT),
    ]
    wrap = prices.wrap[curve, 0]
    if np.isfinite(wrap):
        last, first = int(down.argmin()), int(up.argmin())
        ways.append((down[last] + travel[end] + wrap + travel[place] - travel[0], 0, last))
        ways.append((up[first] - travel[0] + wrap + travel[end] - travel[place], end, first))
    _, entry, before = min(ways)
    return entry, before
