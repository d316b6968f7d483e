"""Edge-followers: they keep to a line of ink, cross gaps and grids, and say where they are in doubt."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_welllog import WelllogError, follow
from napari_welllog.class_map import ClassMap
from napari_welllog.followers import METHODS, Verdict, find_starts, prepare
from napari_welllog.followers.job import read_start
from napari_welllog.synthetic import PressSettings, print_log
from napari_welllog.synthetic.pens import Pen, stroke
from napari_welllog.tracks import Track

SOLID = Pen("solid", 3.0)
DASHED = Pen("dashed", 3.0, pattern=(18.0, 9.0))
CURVE = {"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150}
CAUSAL = [method for method in METHODS if method != "viterbi"]
ROWS = np.arange(0, 300, 0.5)


def paper(*lines, rows: int = 300, columns: int = 240, grid: bool = False) -> np.ndarray:
    """A picture of lines, given as (columns at every half row, pen)."""
    ink = np.zeros((rows, columns), np.float32)
    for line, pen in lines:
        stroke(ink, ROWS[: len(line)], np.asarray(line, float), pen)
    if grid:
        ink[::25] = 1
        ink[:, 20::40] = 1
        ink[:, 21::40] = 1
    return np.where(ink > 0.5, 0, 255).astype(np.uint8)


def x_of(slope: float, at: float = 150.0, column: float = 120.0) -> tuple[np.ndarray, np.ndarray]:
    """Two straight lines that cross."""
    return column + slope * (ROWS - at), column - slope * (ROWS - at)


def truth(line: np.ndarray) -> np.ndarray:
    return line[::2]


# --- Along one line ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pen", [SOLID, DASHED], ids=["solid", "dashed"])
@pytest.mark.parametrize("grid", [False, True], ids=["blank", "grid"])
def test_a_follower_keeps_to_a_line_through_gaps_and_grid_lines_and_is_sure(method, pen, grid) -> None:
    line = 120 + 50 * np.sin(ROWS / 40)
    path = follow(paper((line, pen), grid=grid), (5, truth(line)[5]), method)
    error = np.abs(path.column - truth(line)[5:])
    assert np.median(error) < 1.0
    assert np.quantile(error, 0.99) < 8
    assert path.count(Verdict.LOST) == 0
    assert path.count(Verdict.CLEAR) > 0.9 * len(path.column)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("slope", [2, 5, 15, 60])
def test_a_follower_goes_out_along_a_kick_and_back(method, slope) -> None:
    line = np.interp(
        ROWS, [0, 100, 100 + 120 / slope, 180, 180 + 120 / slope, 300], [60, 60, 180, 180, 60, 60]
    )
    path = follow(prepare(paper((line, SOLID)), grid_lines=False), (5, 60.0), method)
    standing = np.ptp(np.stack([truth(line), np.roll(truth(line), 1), np.roll(truth(line), -1)]), axis=0) < 1
    error = np.abs(path.column - truth(line)[5:])[standing[5:]]
    assert (error < 3).mean() > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_a_follower_is_lost_where_the_line_ends_for_good_and_finds_ink_again(method) -> None:
    line = np.full(len(ROWS), 100.0)
    line[(ROWS > 80) & (ROWS < 220)] = np.nan
    path = follow(paper((line, SOLID)), (5, 100.0), method)
    assert path.verdict_at(210) == Verdict.LOST
    assert np.isnan(path.column[210 - 5])
    assert path.verdict_at(290) == Verdict.CLEAR
    assert path.column[290 - 5] == pytest.approx(100, abs=1)


# --- At a crossing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("slope", [0.15, 0.4, 1.0])
def test_ambiguity_is_low_away_from_a_crossing_and_high_inside_it(method, slope) -> None:
    one, two = x_of(slope)
    path = follow(paper((one, SOLID), (two, SOLID)), (40, truth(one)[40]), method)
    apart = np.abs(truth(one) - truth(two))[40:]
    assert path.ambiguity.min() >= 0
    assert path.ambiguity.max() <= 1
    touching, away = apart < 4, apart > 20
    assert (path.ambiguity[touching] > 0.5).mean() > 0.9
    assert (path.verdict[touching] == Verdict.AMBIGUOUS).mean() > 0.9
    assert (path.ambiguity[away] < 0.1).mean() > 0.95
    assert (path.verdict[away] == Verdict.CLEAR).mean() > 0.95


@pytest.mark.parametrize("method", ["straight", "kalman", "viterbi"])
@pytest.mark.parametrize("slope", [0.2, 0.5, 1.0, 2.0])
def test_followers_with_a_slope_go_straight_through_two_straight_solid_lines(method, slope) -> None:
    """A fair follower is no straw man: what its kind can do, it does."""
    one, two = x_of(slope, column=400.0)
    picture = paper((one, SOLID), (two, SOLID), columns=800)
    for line in (one, two):
        path = follow(picture, (80, truth(line)[80]), method)
        assert np.abs(path.column - truth(line)[80:])[-50:].max() < 2


@pytest.mark.parametrize("method", ["straight", "kalman", "viterbi"])
def test_a_kick_of_the_other_curve_does_not_take_a_steady_follower_along(method) -> None:
    steady = np.full(len(ROWS), 120.0)
    kick = np.interp(ROWS, [0, 150, 154, 300], [40, 40, 200, 200])
    ink = prepare(paper((steady, SOLID), (kick, SOLID)), grid_lines=False)
    path = follow(ink, (100, 120.0), method)
    assert np.abs(path.column[-100:] - 120).max() < 2


def test_every_candidate_is_shown_with_its_score_and_the_one_that_was_taken() -> None:
    one, two = x_of(0.3)
    path = follow(paper((one, SOLID), (two, SOLID)), (100, truth(one)[100]), "kalman")
    parting = path.rows[(path.ambiguity > 0.3) & (np.diff(path.first) > 1)]
    assert len(parting) > 0
    for row in parting:
        candidates = path.candidates_at(int(row))
        assert len(candidates) >= 2
        assert all(0 < candidate.score <= 1 for candidate in candidates)
        [chosen] = [candidate for candidate in candidates if candidate.chosen]
        assert chosen.column == pytest.approx(path.column[row - path.top], abs=0.01)
    assert path.candidates_at(99) == []
    assert path.verdict_at(99) == Verdict.LOST


@pytest.mark.parametrize("method", CAUSAL)
def test_what_a_follower_decided_does_not_change_when_it_walks_on(method) -> None:
    """So the path up to a scan line that is dragged is a part of the whole path."""
    one, two = x_of(0.4)
    picture = paper((one, SOLID), (two, DASHED))
    whole = follow(picture, (100, truth(one)[100]), method)
    part = follow(picture, (100, truth(one)[100]), method, last_row=170)
    np.testing.assert_array_equal(part.column, whole.column[:71])
    np.testing.assert_array_equal(part.verdict, whole.verdict[:71])


# --- Ink -----------------------------------------------------------------------------------------------------


def test_grid_lines_are_taken_away_and_what_crosses_them_stays() -> None:
    line = 120 + 0.5 * (ROWS - 150)
    ink = prepare(paper((line, SOLID), grid=True))
    runs = [ink.runs_of(row) for row in range(300)]
    assert np.mean([len(of_row) for of_row in runs]) < 1.2
    on_line = [
        any(left - 2 <= truth(line)[row] <= right + 2 for left, right in runs[row]) for row in range(300)
    ]
    assert np.mean(on_line) >= 0.95


def test_a_kick_through_the_whole_track_is_told_from_a_grid_line_by_its_lean() -> None:
    pixels = np.full((400, 400), 255, np.uint8)
    pixels[::40] = 0
    for column in range(400):
        pixels[210 + column // 30 : 213 + column // 30, column] = 0
    track = Track(name="t", left=0, right=399, top=0, bottom=399, curves=[CURVE])
    assert (prepare(pixels, track).picture().sum(axis=1) > 20).sum() in range(10, 20)
    assert prepare(pixels, track).picture()[:200].sum() == 0


def test_ink_is_found_on_shaded_noisy_grey_paper() -> None:
    log = print_log(
        3, PressSettings(bilevel_share=0, no_grid_share=1, note_share=0), rows=700, columns=500, tracks=1
    )
    [track] = log.tracks.tracks
    ink = prepare(log.scan, track)
    per_row = np.diff(ink.first)
    assert 0.8 < np.median(per_row) < 8


@given(
    pixels=st.integers(1, 40).flatmap(lambda rows: st.integers(1, 40).map(lambda columns: (rows, columns))),
    seed=st.integers(0, 1000),
    share=st.floats(0, 1),
)
@settings(max_examples=60)
def test_runs_are_the_ink_and_followers_stand_any_noise(pixels, seed, share) -> None:
    rng = np.random.default_rng(seed)
    picture = np.where(rng.random(pixels) < share, 0, 255).astype(np.uint8)
    ink = prepare(picture, grid_lines=False)
    np.testing.assert_array_equal(ink.first, np.sort(ink.first))
    assert (ink.left <= ink.right).all()
    for row in range(pixels[0]):
        runs = ink.runs_of(row)
        assert all(picture[row, left] == 0 and picture[row, right] == 0 for left, right in runs)
        assert all(after[0] - before[1] > 2 for before, after in pairwise(runs))
    for method in METHODS:
        path = follow(ink, (0, pixels[1] / 2), method)
        assert len(path.column) == pixels[0]
        assert ((path.ambiguity >= 0) & (path.ambiguity <= 1)).all()
        assert path.first[-1] == len(path.candidate_score)
        assert (np.isnan(path.column) == (path.verdict == Verdict.LOST)).all()


@given(shift=st.integers(-50, 50), method=st.sampled_from(METHODS))
@settings(max_examples=20)
def test_a_follower_does_the_same_wherever_on_the_page_it_is(shift, method) -> None:
    one, two = x_of(0.6)
    here = follow(paper((one, SOLID), (two, DASHED), columns=400), (60, truth(one)[60]), method)
    there = follow(
        paper((one + 80 + shift, SOLID), (two + 80 + shift, DASHED), columns=400),
        (60, truth(one)[60] + 80 + shift),
        method,
    )
    np.testing.assert_allclose(there.column - 80 - shift, here.column, atol=1e-6)


# --- What is refused, and how long it takes -------------------------------------------------------------------


def test_mistakes_are_told_in_one_clear_line() -> None:
    picture = paper((np.full(len(ROWS), 50.0), SOLID))
    with pytest.raises(WelllogError, match="choose one of nearest, straight, kalman, viterbi"):
        follow(picture, (0, 50), "magnetic")
    with pytest.raises(WelllogError, match="outside"):
        follow(picture, (0, 5000))
    with pytest.raises(WelllogError, match="grey pixels"):
        follow(np.zeros((4, 4, 3), np.uint8), (0, 0))


@pytest.mark.parametrize("method", METHODS)
def test_a_long_scan_is_walked_within_a_second(method) -> None:
    rng = np.random.default_rng(1)
    rows = np.arange(0, 17864, 0.5)
    ink = np.zeros((17864, 500), np.float32)
    for centre in (180, 300):
        column = centre + np.cumsum(rng.normal(0, 0.4, len(rows)))
        stroke(ink, rows, 250 + 200 * np.sin((column - 250) / 200), SOLID, step=1.0)
    prepared = prepare(np.where(ink > 0.5, 0, 255).astype(np.uint8))
    _ = prepared.links, prepared.as_lists
    start = prepared.runs_of(5)[0]
    began = time.process_time()
    follow(prepared, (5, sum(start) / 2), method)
    assert time.process_time() - began < 1.0


def test_curves_start_where_each_first_stands_alone() -> None:
    labels = np.zeros((100, 80), np.uint8)
    labels[10:, 20:23] = 1
    labels[5:, 22:25] = 2
    labels[40:] = np.roll(labels[40:], 0, axis=1)
    labels[40:, 22:25] = 0
    labels[40:, 50:53] = 2
    curves = [
        {"class": k, "mnemonic": name, "unit": "", "left": 0, "right": 1}
        for k, name in ((1, "GR"), (2, "CALI"))
    ]
    track = Track(name="t", left=0, right=79, top=0, bottom=99, curves=curves)
    starts = find_starts(ClassMap.from_labels(labels), track)
    assert starts["GR"][0] >= 30
    assert starts["GR"][1] == pytest.approx(21, abs=1)
    assert find_starts(ClassMap.from_labels(np.zeros((100, 80), np.uint8)), track) == {}


@pytest.mark.parametrize("text", ["GR", "GR=", "GR=1", "GR=a,b", "GR=1,2,3", "GR=nan,2", "RHOB=1,2"])
def test_a_start_that_is_none_is_refused(text) -> None:
    tracks = print_log(7, rows=400, columns=600).tracks
    with pytest.raises(WelllogError, match="--start"):
        read_start(text, tracks)
