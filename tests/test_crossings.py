"""Where do the two curves of a track meet?"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog.crossings import Crossing, find_crossings
from napari_welllog.curves import Trace


def trace(column, top: int = 0, curve_class: int = 1) -> Trace:
    column = np.asarray(column, np.float64)
    found = np.isfinite(column)
    return Trace(curve_class, top, column, found.astype(np.float32), found.astype(np.uint8))


def pair(one, two, top: int = 0) -> list[Trace]:
    return [trace(one, top), trace(two, top, 2)]


ROWS = np.arange(200.0)


def test_two_curves_that_cross_twice_have_two_crossings_at_their_scan_rows() -> None:
    wave = 100 + 40 * np.cos(ROWS * np.pi / 100)
    crossings = find_crossings(pair(wave, np.full(200, 100.0), top=3000))
    assert [c.swaps for c in crossings] == [True, True]
    assert crossings[0].row_from <= 3050 <= crossings[0].row_to
    assert crossings[1].row_from <= 3150 <= crossings[1].row_to
    assert [c.column for c in crossings] == pytest.approx([100, 100])


def test_a_kick_across_the_other_curve_within_one_row_is_a_crossing_where_the_stroke_meets_it() -> None:
    kick = np.where(ROWS < 120, 50.0, 450.0)
    assert find_crossings(pair(kick, np.full(200, 150.0))) == [Crossing(119, 120, 150.0, True)]


def test_strands_that_touch_and_part_again_meet_once_without_swapping_sides() -> None:
    touch = 102 + np.abs(ROWS - 100)
    (crossing,) = find_crossings(pair(touch, np.full(200, 100.0)))
    assert not crossing.swaps
    assert crossing.row_from <= 100 <= crossing.row_to
    assert crossing.column == pytest.approx(101)


def test_strands_that_run_together_with_a_tremble_are_one_crossing() -> None:
    tremble = np.random.default_rng(4).uniform(-4, 4, 200)
    together = 100 + np.where(ROWS < 50, ROWS - 50, np.where(ROWS < 150, tremble, ROWS - 150))
    (crossing,) = find_crossings(pair(together, np.full(200, 100.0)))
    assert crossing.swaps
    assert crossing.row_from < 60
    assert crossing.row_to > 140


def test_curves_that_swap_sides_inside_a_short_gap_cross_there() -> None:
    slope = ROWS.copy()
    slope[85:115] = np.nan
    assert find_crossings(pair(slope, np.full(200, 100.0))) == [Crossing(84, 115, 100.0, True)]


def test_nothing_is_said_of_curves_that_were_long_away() -> None:
    slope = 2 * ROWS - 100
    slope[20:180] = np.nan
    assert find_crossings(pair(slope, np.full(200, 100.0))) == []


def test_a_curve_that_begins_on_the_other_one_meets_it() -> None:
    beginning = np.where(ROWS < 50, np.nan, 50 + ROWS)
    (crossing,) = find_crossings(pair(beginning, np.full(200, 100.0)))
    assert (crossing.row_from, crossing.swaps) == (50, False)


@pytest.mark.parametrize(
    "traces",
    [
        [],
        [trace(ROWS)],
        pair(ROWS, ROWS + 50),
        pair(np.full(200, np.nan), ROWS),
        pair([], []),
        [trace(ROWS, top=0), trace(ROWS, top=5000)],
    ],
    ids=["no trace", "one trace", "side by side", "one missing", "empty", "no row in common"],
)
def test_where_nothing_meets_there_is_no_crossing(traces: list[Trace]) -> None:
    assert find_crossings(traces) == []


def test_traces_that_begin_at_different_rows_are_compared_row_by_row() -> None:
    one, two = pair(ROWS, np.full(200, 100.0), top=40)
    later = replace(two, top=90, column=two.column[50:])
    assert find_crossings([one, later]) == find_crossings([one, two])


COLUMNS = st.lists(st.one_of(st.integers(0, 40).map(float), st.just(float("nan"))), min_size=2, max_size=60)


@given(COLUMNS, COLUMNS)
def test_crossings_lie_on_both_curves_in_order_and_do_not_depend_on_which_is_named_first(one, two) -> None:
    length = min(len(one), len(two))
    crossings = find_crossings(pair(one[:length], two[:length], top=10))
    mirrored = find_crossings(pair(two[:length], one[:length], top=10))
    assert [(c.row_from, c.row_to, c.swaps) for c in crossings] == [
        (c.row_from, c.row_to, c.swaps) for c in mirrored
    ]
    for above, below in pairwise(crossings):
        assert above.row_to <= below.row_from
    for c in crossings:
        assert 10 <= c.row_from <= c.row_to < 10 + length
        assert 0 <= c.column <= 40


@given(st.integers(1, 6), st.floats(7, 60))
def test_every_change_of_sides_between_standing_strands_is_found(crossings: int, apart: float) -> None:
    """A square wave about the other curve swaps sides as often as it jumps."""
    wave = np.concatenate([np.full(20, 100 + apart * (-1) ** k) for k in range(crossings + 1)])
    found = find_crossings(pair(wave, np.full(len(wave), 100.0)))
    assert [c.row_from for c in found] == [20 * k - 1 for k in range(1, crossings + 1)]
    assert all(c.swaps for c in found)
