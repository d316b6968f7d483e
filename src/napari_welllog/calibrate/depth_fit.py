"""Fit depth to the numbers that were read beside a log: which of them agree, and whether only one way fits.

A misread number is off by a multiple of a power of ten, so it lies far from the line of its neighbours. Paper
stretches by some per cent, but slowly. So numbers agree when the depth *between neighbours* fits one common
slope to a few per cent, however far the whole strays from one straight line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_LOCAL_STRETCH = 0.025  # of the slope between two neighbours
_ROWS_OF_SLACK = 4.0  # between the middle of a number and its line
_FEWEST = 3
_RIVAL = 0.6  # of the best chain's numbers, from which another one is no accident
_SURE = 0.5  # confidence below which a number is not believed
_MOST_OF_A_CHAIN = 0.6  # of its numbers, which must stand at round steps
_ROUNDNESS = 8  # times the step of all numbers that two neighbours are apart, at most
_ROUND_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000)
# A worn TVD is read as 1VD, FV1) and the like; its V tells that no digit of the depth is meant.
_SUFFIX = re.compile(
    r"['’]?(TVDSS|TVD|SSTVD|MD|FEET|FT|METRES|METERS|M|[TFI17]V[DOI01)]{1,2}|['’])\.?$", re.IGNORECASE
)
_LIKE_ZERO = frozenset("0689")
_ALIKE = str.maketrans(
    {"O": "0", "o": "0", "Q": "0", "D": "0", "I": "1", "l": "1", "|": "1", "S": "5", "B": "8"}
)

SCALES: dict[Literal["ft", "m"], tuple[int, ...]] = {
    "ft": (2400, 1200, 600, 240, 120, 48),
    "m": (1000, 500, 200, 100, 40),
}
"""One to how many logs are usually printed, by the unit of their depth: no scale in one is near one in the other."""

_SCALE_TOLERANCE = 0.06


@dataclass(frozen=True)
class Candidate:
    """A number that may be a depth: what it says, the row of its middle, and how sure the reading is."""

    depth: float
    row: float
    confidence: float = 1.0


@dataclass(frozen=True)
class Fit:
    """Which candidates agree.

    Parameters
    ----------
    chain : tuple of int
        Indexes of those that agree, down the scan.
    others : tuple of tuples of int
        Chains above or below it: those of other sections.
    step : float
        Depth between two printed numbers.
    refused : str or None
        Why none is believed.
    """

    chain: tuple[int, ...] = ()
    others: tuple[tuple[int, ...], ...] = ()
    step: float = 0.0
    refused: str | None = None


def depth_of(text: str) -> float | None:
    """The depth that a printed text tells; None if it is no depth.

    Examples
    --------
    >>> depth_of("1250"), depth_of("1300 TVD"), depth_of("12,500"), depth_of("-28"), depth_of("28²")
    (1250.0, 1300.0, 12500.0, None, None)
    >>> depth_of("82001VD"), depth_of("8400FV1)"), depth_of("800'TVD")
    (8200.0, 8400.0, 800.0)
    """
    compact = text.replace(" ", "").replace(",", "")
    compact = _SUFFIX.sub("", re.sub(r"^TVD|^MD", "", compact, flags=re.IGNORECASE))
    digits = sum(character.isdecimal() for character in compact)
    if 2 * digits <= len(compact):
        return None
    compact = compact.translate(_ALIKE)
    return float(compact) if compact.isdecimal() and len(compact) <= 5 else None


def has_suffix(text: str) -> bool:
    """Whether a suffix such as TVD is printed after a depth.

    Examples
    --------
    >>> has_suffix("8900 TVD"), has_suffix("8900FV1"), has_suffix("8900")
    (True, True, False)
    """
    return depth_of(text) is not None and bool(_SUFFIX.search(text.replace(" ", "")))


def with_worn_zeros(depths: Sequence[float], digits: int = 1) -> list[float]:
    """Depths of whose last digits those that a worn 0 looks like are taken for zeros.

    Depths are printed at round steps, so of a whole column of 1426, 1446, 1460 the 6 are zeros.

    Parameters
    ----------
    depths : sequence of float
        What was read.
    digits : int
        How many of the last digits may be worn zeros; all of them are, or none.

    Examples
    --------
    >>> with_worn_zeros([1426, 1446, 1460, 1488, 1505])
    [1420, 1440, 1460, 1480, 1505]
    >>> with_worn_zeros([4166, 4206, 4388, 4450], digits=2)
    [4100, 4200, 4300, 4450]
    """

    def mended(depth: float) -> float:
        """A depth without the digits that may be zeros."""
        last = f"{depth:.0f}"[-digits:]
        return depth - depth % 10**digits if set(last) <= _LIKE_ZERO else depth

    return [mended(depth) for depth in depths]


def unit_of_scale(rows_per_unit: float, dpi: float | None) -> Literal["ft", "m"] | None:
    """The unit in which a depth scale is a usual one, 1:240 say; None where neither or both are.

    Examples
    --------
    >>> unit_of_scale(10.15, dpi=200), unit_of_scale(39.37, dpi=200), unit_of_scale(10.15, dpi=None)
    ('ft', 'm', None)
    """
    if dpi is None:
        return None
    inches: dict[Literal["ft", "m"], float] = {"ft": 12.0, "m": 39.3701}
    fitting = [
        unit
        for unit, length in inches.items()
        if any(
            abs(math.log(length * dpi / rows_per_unit / scale)) < _SCALE_TOLERANCE for scale in SCALES[unit]
        )
    ]
    return fitting[0] if len(fitting) == 1 else None


def fit_depths(candidates: Sequence[Candidate]) -> Fit:
    """Find the numbers that lie on one line in round steps.

    Parameters
    ----------
    candidates : sequence of Candidate
        In any order.

    Returns
    -------
    Fit
        Refused with fewer than three numbers that agree, and where another line fits about as well.

    Examples
    --------
    >>> read = [Candidate(250, 100), Candidate(300, 600), Candidate(850, 1100), Candidate(400, 1601)]
    >>> fit = fit_depths(read)
    >>> fit.chain, fit.step
    ((0, 1, 3), 50.0)
    >>> fit_depths(read[:2]).refused
    'only 2 depth numbers were read, and three are needed that agree'
    """
    usable = [k for k, candidate in enumerate(candidates) if candidate.confidence >= _SURE]
    usable.sort(key=lambda k: candidates[k].row)
    if len(usable) < _FEWEST:
        return Fit(refused=f"only {len(usable)} depth numbers were read, and three are needed that agree")
    best = _best_chain(candidates, usable)
    if len(best) < _FEWEST:
        return Fit(refused=f"of {len(usable)} numbers that were read, no three lie on a line in round steps")
    rest = [k for k in usable if k not in best]
    others: list[tuple[int, ...]] = []
    while len(rest) >= _FEWEST:
        other = tuple(_best_chain(candidates, rest))
        if len(other) < _FEWEST:
            break
        rest = [k for k in rest if k not in other]
        others.append(other)
    top, bottom = candidates[best[0]].row, candidates[best[-1]].row
    for rival in others:
        beside = [k for k in rival if top <= candidates[k].row <= bottom]
        parallel = len(beside) > 0 and _are_parallel(candidates, best, rival)
        as_many = len(beside) > 0 and len(rival) >= len(best)
        if parallel or as_many or len(beside) >= max(_RIVAL * len(best), _FEWEST):
            lines = (
                f"{candidates[chain[0]].depth:g} to {candidates[chain[-1]].depth:g}"
                for chain in (best, rival)
            )
            return Fit(refused=f"two lines of depths fit about equally well: {' and '.join(lines)}")
    longer = _says_more(candidates, best, [k for k in usable if k not in best])
    if longer is not None:
        return Fit(
            refused=f"{candidates[best[0]].depth:g} to {candidates[best[-1]].depth:g} agree, "
            f"but {candidates[longer].depth:g} among them says that they have lost a digit"
        )
    apart = [o for o in others if candidates[o[-1]].row < top or candidates[o[0]].row > bottom]
    return Fit(tuple(best), tuple(apart), _step(candidates, best))


def _are_parallel(candidates: Sequence[Candidate], one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two chains run alike, so that one of them has its first digit misread all along."""
    slopes = [
        (candidates[chain[-1]].depth - candidates[chain[0]].depth)
        / (candidates[chain[-1]].row - candidates[chain[0]].row)
        for chain in (one, other)
    ]
    return abs(math.log(slopes[0] / slopes[1])) < _LOCAL_STRETCH


def _says_more(candidates: Sequence[Candidate], chain: list[int], rest: list[int]) -> int | None:
    """A number that ends as the chain has it there and has more digits before: those of the chain have lost theirs."""
    rows = [candidates[k].row for k in chain]
    depths = [candidates[k].depth for k in chain]
    slope = (depths[-1] - depths[0]) / (rows[-1] - rows[0])
    for k in rest:
        nearest = int(np.abs(np.array(rows) - candidates[k].row).argmin())
        wanted = depths[nearest] + slope * (candidates[k].row - rows[nearest])
        lead = candidates[k].depth - wanted
        power = 10 ** len(f"{depths[nearest]:.0f}")
        slack = 2 * _ROWS_OF_SLACK * slope + _LOCAL_STRETCH * abs(wanted - depths[nearest])
        if lead > power / 2 and abs(lead - power * round(lead / power)) <= slack:
            return k
    return None


def _best_chain(candidates: Sequence[Candidate], usable: list[int]) -> list[int]:
    """The longest chain whose neighbours all fit one slope, over all slopes that two numbers suggest."""
    rows = np.array([candidates[k].row for k in usable])
    depths = np.array([candidates[k].depth for k in usable])
    weights = np.array([candidates[k].confidence for k in usable])
    chains = [_chain(rows, depths, weights, slope) for slope in _slopes(rows, depths)]
    chains = [_in_round_steps(chain, depths) for chain in chains]
    chains = [chain for chain in chains if _step_of(depths[chain])]
    if not chains:
        return []
    best = max(chains, key=lambda chain: float(weights[chain].sum()))
    return [usable[k] for k in best]


def _in_round_steps(chain: list[int], depths: FloatArray) -> list[int]:
    """A chain without the few numbers that are no multiples of the step of all others: 551 beside 600 is 550."""
    if _step_of(depths[chain]):
        return chain
    for step in reversed(_ROUND_STEPS):
        kept = [k for k in chain if depths[k] % step == 0]
        if len(kept) >= max(_FEWEST, _MOST_OF_A_CHAIN * len(chain)):
            return kept
    return chain


def _slopes(rows: FloatArray, depths: FloatArray) -> list[float]:
    """Slopes that numbers a few places apart suggest, each about once."""
    count = len(rows)
    found = [
        (depths[j] - depths[i]) / (rows[j] - rows[i])
        for i in range(count)
        for j in range(i + 1, min(i + 5, count))
        if rows[j] - rows[i] > 4 * _ROWS_OF_SLACK and depths[j] > depths[i]
    ]
    logarithms = np.unique(np.round(np.log(found) / _LOCAL_STRETCH)) if found else np.zeros(0)
    slopes = [float(np.exp(value * _LOCAL_STRETCH)) for value in logarithms]
    # The rounded slope may sit between two; the median of those that it stands for is the better one.
    return [
        float(np.median([s for s in found if abs(math.log(s / slope)) < _LOCAL_STRETCH])) for slope in slopes
    ]


def _chain(rows: FloatArray, depths: FloatArray, weights: FloatArray, slope: float) -> list[int]:
    """The heaviest chain down the scan whose neighbours fit a slope."""
    total, before = weights.copy(), np.full(len(rows), -1)
    for j in range(1, len(rows)):
        apart = rows[j] - rows[:j]
        wanted = slope * apart
        misfit = np.abs(depths[j] - depths[:j] - wanted)
        fits = (depths[j] > depths[:j]) & (misfit <= _LOCAL_STRETCH * wanted + _ROWS_OF_SLACK * slope)
        reached = np.where(fits, total[:j], -1.0)
        i = int(reached.argmax())
        if reached[i] > 0:
            total[j], before[j] = weights[j] + total[i], i
    chain, k = [], int(total.argmax())
    while k >= 0:
        chain.append(k)
        k = int(before[k])
    return chain[::-1]


def _step_of(depths: FloatArray) -> float:
    """The round step of which all differences are multiples; 0 if there is none."""
    if len(depths) < 2 or not np.allclose(depths, np.rint(depths)):
        return 0.0
    whole = depths.astype(np.int64)
    between = int(np.gcd.reduce(np.diff(whole)))
    common = int(np.gcd.reduce(np.append(whole, between)))
    step = max((step for step in _ROUND_STEPS if common % step == 0), default=0)
    # Numbers stand at round depths: 250, 300, 350, never at 253, 303, 353, nor at 1426, 1446, 1488.
    least = int(np.diff(whole).min())
    return float(step) if 4 * step >= between and _ROUNDNESS * step >= least else 0.0


def _step(candidates: Sequence[Candidate], chain: Sequence[int]) -> float:
    """The step of a chain."""
    return _step_of(np.array([candidates[k].depth for k in chain]))
