"""A follower beside the class map at a crossing, and the judgement of who left on which strand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog import ClassMap, WelllogError, compare_at, find_crossings, follow
from napari_welllog.crossings import CLASS_MAP, TRACES, judge, judge_class_map, score_crossings, start_above
from napari_welllog.crossings.strand import distances_to
from napari_welllog.curves import Trace
from napari_welllog.evaluate import figures_of, score_log, wilson_interval
from napari_welllog.followers import METHODS, Verdict, prepare
from napari_welllog.synthetic import PressSettings, print_log
from napari_welllog.synthetic.pens import Pen, stroke
from napari_welllog.tracks import Track

ROWS = np.arange(0, 300, 0.5)


def trace(column, curve_class: int, top: int = 0) -> Trace:
    column = np.asarray(column, float)
    return Trace(
        curve_class, top, column, np.ones(len(column), np.float32), np.isfinite(column).astype(np.uint8)
    )


PENS = (Pen("solid", 3.0), Pen("solid", 3.0))


def drawn(one, two, pens=PENS) -> tuple[np.ndarray, ClassMap, list[Trace]]:
    """A picture of two curves (columns at every half row), its true class map and its true traces."""
    inks = [np.zeros((300, 300), np.float32) for _ in range(2)]
    for ink, line, pen in zip(inks, (one, two), pens, strict=True):
        stroke(ink, ROWS, line, pen)
    labels = np.where(inks[0] > 0.5, 1, np.where(inks[1] > 0.5, 2, 0)).astype(np.uint8)
    scan = np.where(labels > 0, 0, 255).astype(np.uint8)
    return scan, ClassMap.from_labels(labels), [trace(one[::2], 1), trace(two[::2], 2)]


def an_x(slope: float = 0.4) -> tuple[np.ndarray, ClassMap, list[Trace]]:
    return drawn(150 + slope * (ROWS - 150), 150 - slope * (ROWS - 150))


# --- Crossings -----------------------------------------------------------------------------------------------


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_the_angle_is_that_between_the_lines(one: float, two: float) -> None:
    rows = np.arange(200.0)
    lines = [trace(500 + slope * (rows - 100), k) for k, slope in ((1, one), (2, two))]
    expected = abs(np.degrees(np.arctan(one) - np.arctan(two)))
    for crossing in find_crossings(lines):
        if crossing.swaps and crossing.row_to - crossing.row_from < 40:
            assert crossing.angle == pytest.approx(min(expected, 180 - expected), abs=0.5)


def test_the_separation_is_told_for_above_and_below() -> None:
    rows = np.arange(200.0)
    one = trace(np.where(rows < 100, 100.0, 160.0), 1)
    two = trace(np.where(rows < 100, 120.0, 150.0), 2)
    [crossing] = find_crossings([one, two])
    assert (crossing.separation_before, crossing.separation_after) == (20, 10)


def test_a_curve_that_wraps_crosses_nothing_when_it_jumps_from_edge_to_edge() -> None:
    rows = np.arange(200.0)
    wrapped = np.mod(150 + rows, 200)  # leaves at the right edge after row 49
    lines = [trace(wrapped, 1), trace(np.full(200, 100.0), 2)]
    curves = [
        {"class": k, "mnemonic": name, "unit": "", "left": 0, "right": 1, "wraps": wraps}
        for k, name, wraps in ((1, "GR", 1), (2, "SP", 0))
    ]
    track = Track(name="t", left=0, right=200, top=0, bottom=199, curves=curves)
    assert len(find_crossings(lines)) == 2
    [crossing] = find_crossings(lines, track=track)
    assert crossing.row_from <= 150 <= crossing.row_to
    steady = track.model_copy(update={"curves": [c.model_copy(update={"wraps": 0}) for c in track.curves]})
    assert len(find_crossings(lines, track=steady)) == 2


def test_crossings_of_a_long_scan_are_found_within_a_second() -> None:
    import time

    rows = np.arange(17864.0)
    lines = [trace(400 + 300 * np.sin(rows / 20), 1), trace(400 + 300 * np.sin(rows / 23 + 1), 2)]
    began = time.process_time()
    crossings = find_crossings(lines)
    assert time.process_time() - began < 1.0
    assert len(crossings) > 250


# --- Side by side --------------------------------------------------------------------------------------------


def test_follower_and_class_map_are_set_side_by_side_row_by_row() -> None:
    scan, class_map, traces = an_x()
    [crossing] = find_crossings(traces)
    comparison = compare_at(crossing, scan, class_map, "kalman", traces=traces)
    assert comparison.rows[0] == crossing.row_from - 60
    inside = comparison.at(150)
    assert inside.row == 150
    assert inside.verdict == Verdict.AMBIGUOUS
    assert set(inside.labels[inside.grey == 0]) <= {1, 2}
    assert (inside.labels[inside.grey == 255] == 0).all()
    np.testing.assert_allclose(inside.probabilities.sum(axis=0), 1, atol=0.01)
    np.testing.assert_array_equal(inside.grey, scan[150, inside.columns])
    assert [candidate.chosen for candidate in inside.candidates].count(True) == 1
    away = comparison.at(comparison.rows[-1])
    assert away.verdict == Verdict.CLEAR
    assert comparison.class_probability(1).min() == 1.0
    assert np.nanmax(comparison.ambiguity) > 0.5
    assert comparison.at(-5).row == comparison.rows[0]


@pytest.mark.parametrize("given_start", [None, (95, 128.0)])
def test_a_follower_starts_on_the_curve_above_the_crossing(given_start) -> None:
    scan, class_map, traces = an_x()
    [crossing] = find_crossings(traces)
    comparison = compare_at(crossing, scan, class_map, "straight", start=given_start)
    start = comparison.path.top
    assert start < crossing.row_from
    assert comparison.path.column[0] == pytest.approx(traces[0].column[start], abs=2)


def test_a_path_that_was_followed_before_can_be_compared() -> None:
    scan, class_map, traces = an_x()
    [crossing] = find_crossings(traces)
    path = follow(scan, (100, traces[1].column[100]), "nearest")
    comparison = compare_at(crossing, scan, class_map, path)
    rows = comparison.rows[comparison.rows >= 100]
    np.testing.assert_array_equal(comparison.column[-len(rows) :], path.column[rows - 100])


def test_what_cannot_be_compared_is_refused_in_clear_words() -> None:
    scan, class_map, traces = an_x()
    [crossing] = find_crossings(traces)
    with pytest.raises(WelllogError, match="segment this scan"):
        compare_at(crossing, scan[:-10], class_map)
    with pytest.raises(WelllogError, match="click where"):
        compare_at(crossing, scan, ClassMap.from_labels(np.zeros_like(class_map.labels)))


# --- Scores --------------------------------------------------------------------------------------------------


def test_a_follower_that_leaves_on_the_other_strand_hopped() -> None:
    _, class_map, (one, two) = an_x()
    [crossing] = find_crossings([one, two])
    bounced = replace(one, column=np.where(np.arange(300) < 150, one.column, two.column))
    outcome = judge(crossing, bounced, one, two)
    assert (outcome.hopped, outcome.word) == (True, "hopped")
    assert outcome.rows_wrong == outcome.rows_judged > 20
    assert judge(crossing, one, one, two).word == "right"
    astray = replace(one, column=np.full(300, 5.0))
    assert judge(crossing, astray, one, two).word == "lost"
    gone = replace(one, column=np.full(300, np.nan))
    assert judge(crossing, gone, one, two).hopped is None
    assert judge_class_map(crossing, class_map, one, two).word == "right"
    swapped = ClassMap.from_labels(np.array([0, 2, 1], np.uint8)[class_map.labels])
    assert judge_class_map(crossing, swapped, one, two).word == "hopped"


def test_nothing_is_said_where_the_strands_stay_together() -> None:
    rows = np.arange(300.0)
    one, two = trace(100 + 0.05 * (rows - 150), 1), trace(100 - 0.05 * (rows - 150), 2)
    [crossing] = find_crossings([one, two])
    assert judge(crossing, one, one, two) is None
    assert start_above(crossing, one, two, lead=30) is None


def test_every_method_is_scored_on_both_curves_from_the_same_start() -> None:
    scan, class_map, traces = an_x()
    scores = score_crossings(traces, find_crossings(traces), prepare(scan), class_map, traces)
    assert {(score.method, score.curve_class) for score in scores} == {
        (method, curve) for method in (*METHODS, CLASS_MAP, TRACES) for curve in (1, 2)
    }
    right = {score.method for score in scores if score.outcome.word == "right"}
    assert right >= {"straight", "kalman", "viterbi", CLASS_MAP, TRACES}
    assert all(score.outcome.rows_ambiguous > 0 for score in scores if score.method in METHODS)


def test_a_class_map_that_is_the_truth_hardly_ever_hops_at_the_crossings_of_a_printed_log() -> None:
    press = PressSettings(single_one=0, single_two=0, tied_share=1, bar_share=0)
    logs = [print_log(seed, press, rows=1500) for seed in range(10_000_000, 10_000_004)]
    scores = [score for log in logs for _, score in score_log(log, ClassMap.from_labels(log.classes))]
    figures = {f.reader: f for f in figures_of(scores)}
    assert figures[CLASS_MAP].judged > 10
    assert figures[CLASS_MAP].hops <= 0.02 * figures[CLASS_MAP].judged
    assert figures[CLASS_MAP].rows_wrong < 0.02


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_holds_the_rate_and_narrows_with_more_trials(hits: int, trials: int) -> None:
    hits = min(hits, trials)
    low, high = wilson_interval(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    wider_low, wider_high = low, high
    low, high = wilson_interval(10 * hits, 10 * trials)
    assert high - low <= wider_high - wider_low + 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_the_class_map_of_the_truth_never_hops(seed: int) -> None:
    """Beneath the sweep of a heavy pen, hundreds of columns from its centreline, the ink is of that pen."""
    press = PressSettings(weight_pair=1.0, dashed_pair=0.0, shade_pair=0.0, single_one=0.0, single_two=0.0)
    log = print_log(seed, press, rows=1500)
    scores = [score for _, score in score_log(log, ClassMap.from_labels(log.classes), methods=())]
    words = [score.outcome.word for score in scores if score.method == CLASS_MAP]
    assert "right" in words
    assert "hopped" not in words


def test_a_sweep_is_near_in_any_direction() -> None:
    column = np.repeat([10.0, 90.0], 20)
    kick = trace(column, 1)
    rows = np.array([16, 18, 25, 39])
    columns = np.array([60.0, 60.0, 60.0, np.nan])
    np.testing.assert_allclose(distances_to(kick, rows, columns), [3.625, 1.625, 5.375, np.nan], atol=0.01)
    beyond = trace(np.where(np.arange(400) < 20, column[0], np.nan), 1)
    assert distances_to(beyond, np.array([300]), np.array([10.0])) == np.inf
