"""The way of each curve through the class probabilities is the cheapest there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_welllog.paths import ABSENT, Path, PathSettings, find_paths

PRICES = PathSettings()


def cheapest(curves: np.ndarray, curve: int, wrap: float = np.inf) -> float:
    """What the cheapest way of a curve costs, by trying every step of every row; float64, no shortcuts."""
    stay, step = costs(curves, curve)
    rows, columns = stay.shape
    best, absent = np.zeros(columns), 0.0
    for row in range(rows):
        along = np.cumsum(step[row])
        over = over_the_edge(best, along, wrap) if np.isfinite(wrap) else np.full((columns, columns), np.inf)
        new = np.minimum(ways_sideways(best, along, over), absent + PRICES.switch) + stay[row]
        absent = min(absent, best.min() + PRICES.switch) + PRICES.absent
        best = new
    return min(best.min(), absent)


def costs(curves: np.ndarray, curve: int) -> tuple[np.ndarray, np.ndarray]:
    """Cost of each pixel, and of crossing it sideways."""
    own, other = curves[curve].astype(float), curves[1 - curve].astype(float)
    stay = np.minimum(1 - own, 1 - (1 - PRICES.hidden) * other)
    return stay, PRICES.move * (1 - np.minimum(own + other, 1)) - PRICES.reward * own


def ways_sideways(best: np.ndarray, along: np.ndarray, over: np.ndarray) -> np.ndarray:
    """The cheapest arrival at each column: from the left, from the right, or over the edge."""
    columns = np.arange(len(best))
    rightward = np.where(columns[None, :] <= columns[:, None], best + along[:, None] - along, np.inf)
    leftward = np.where(columns[None, :] >= columns[:, None], best + along - along[:, None], np.inf)
    return np.minimum(np.minimum(rightward, leftward), over).min(axis=1)


def over_the_edge(best: np.ndarray, along: np.ndarray, wrap: float) -> np.ndarray:
    """The cost of leaving at one edge and coming in at the other."""
    whole = along[-1] - along[0]
    rightward = best - along + whole + wrap + along[:, None]
    leftward = best + along + whole + wrap - along[:, None]
    return np.minimum(rightward, leftward)


def price_of(path: Path, curves: np.ndarray, curve: int, wrap: float = np.inf) -> float:
    """What a path costs, step by step."""
    stay, step = costs(curves, curve)
    total, before = 0.0, None
    for row, (entry, leave) in enumerate(zip(path.entry, path.exit, strict=True)):
        along = np.cumsum(step[row])
        if leave == ABSENT:
            total += PRICES.absent + (PRICES.switch if before not in (None, ABSENT) else 0)
        else:
            if before == ABSENT:
                total += PRICES.switch
            elif before is not None and before != entry:
                assert np.isfinite(wrap), "a path comes into a row where it left the one before"
                total += wrap + over_the_edge_part(before, entry, along)
            total += abs_along(entry, leave, along) + stay[row, leave]
        before = leave
    return total


def abs_along(start: int, end: int, along: np.ndarray) -> float:
    """The cost of the columns between two, in the direction of travel."""
    return float(along[end] - along[start]) if end >= start else float(along[start] - along[end])


def over_the_edge_part(start: int, end: int, along: np.ndarray) -> float:
    """The cost from a column to the edge on the far side of which a path comes in."""
    edge = len(along) - 1 if end == 0 else 0
    return abs_along(start, edge, along)


curve_maps = st.builds(
    lambda seed, rows, columns, share: (
        np.where(
            np.random.default_rng(seed).random((2, rows, columns)) < share,
            np.random.default_rng(seed + 1).random((2, rows, columns)),
            0,
        )
        / 2
    ).astype(np.float32),
    st.integers(0, 10_000),
    st.integers(2, 90),
    st.integers(2, 12),
    st.sampled_from([0.1, 0.4, 0.9]),
)


@settings(max_examples=60, deadline=None)
@given(curve_maps)
def test_no_way_is_cheaper(curves: np.ndarray) -> None:
    paths = find_paths(lambda top, bottom: curves[:, top:bottom], curves.shape[1])
    for curve, path in enumerate(paths):
        assert price_of(path, curves, curve) == pytest.approx(cheapest(curves, curve), abs=0.02)


@settings(max_examples=40, deadline=None)
@given(curve_maps)
def test_no_way_is_cheaper_where_a_curve_may_come_back_at_the_other_edge(curves: np.ndarray) -> None:
    paths = find_paths(lambda top, bottom: curves[:, top:bottom], curves.shape[1], wraps=(True, True))
    for curve, path in enumerate(paths):
        wanted = cheapest(curves, curve, PRICES.wrap)
        assert price_of(path, curves, curve, PRICES.wrap) == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("rows", [63, 64, 65, 1000])
def test_a_curve_keeps_its_way_however_long_it_is(rows: int) -> None:
    curves = np.zeros((2, rows, 40), np.float32)
    line = (20 + 12 * np.sin(np.arange(rows) / 9)).astype(int)
    curves[0, np.arange(rows), line] = 1
    one, two = find_paths(lambda top, bottom: curves[:, top:bottom], rows, chunk=256, ahead=128)
    assert np.array_equal(one.exit, line)
    assert not two.present.any()
