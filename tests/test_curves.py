"""From class maps to traces and log curves: what is read, what is bridged, and what is left missing."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_welllog.class_map import ClassMap
from napari_welllog.curves import Trace, TraceState, count_wraps, extract_traces, to_log_curve
from napari_welllog.gaps import bridge_gaps
from napari_welllog.paths import find_paths
from napari_welllog.synthetic import PressSettings, print_log
from napari_welllog.synthetic.pens import Pen, stroke
from napari_welllog.tracks import Curve, DepthAxis, Track

ROWS, COLUMNS = 300, 400


def track_of(rows=ROWS, columns=COLUMNS, wraps=0, **more):
    curves = [
        Curve(curve_class=1, mnemonic="ONE", unit="", left=0, right=1, wraps=wraps),
        Curve(curve_class=2, mnemonic="TWO", unit="", left=0, right=1),
    ]
    return Track(name="t", left=0, right=columns - 1, top=0, bottom=rows - 1, curves=curves, **more)


def draw(columns_one=None, columns_two=None, pen_one=None, pen_two=None, rows=ROWS, columns=COLUMNS):
    """A perfect class map of curves drawn by round pens; curve two lies on top."""
    labels = np.zeros((rows, columns), np.uint8)
    for curve_class, line, pen in ((1, columns_one, pen_one), (2, columns_two, pen_two)):
        if line is not None:
            ink = np.zeros((rows, columns), np.float32)
            stroke(
                ink,
                np.arange(rows, dtype=float),
                np.asarray(line, float),
                pen or Pen("solid", 3.0),
                step=0.25,
            )
            labels[ink > 0.5] = curve_class
    return ClassMap.from_labels(labels)


def read(class_map, curve_class=1, **more):
    return extract_traces(class_map, track_of(*class_map.shape, **more))[curve_class - 1]


def sine(middle=200.0, height=120.0, period=100.0):
    return middle + height * np.sin(2 * np.pi * np.arange(ROWS) / period)


def test_a_solid_curve_is_read_below_the_pixel_at_every_row():
    line = sine(height=60)
    trace = read(draw(line))
    assert np.all(trace.state == TraceState.TRACED)
    assert np.abs(trace.column - line)[3:-3].max() < 0.6
    assert trace.confidence.min() > 0.9


@pytest.mark.parametrize("width", [2.0, 3.0, 5.0, 8.0])
def test_a_steep_sweep_is_read_across_the_stroke_and_not_along_the_row(width):
    """Where the line leaves a straight stretch for a sweep, the middle of the row's ink is far off the line."""
    line = np.concatenate([np.full(100, 50.0), 50 + 25.0 * np.arange(1, 12), np.full(ROWS - 111, 325.0)])
    trace = read(draw(line, pen_one=Pen("solid", width)))
    error = np.abs(trace.column - line)
    assert np.all(np.isfinite(error))
    assert np.quantile(error, 0.99) < 6
    assert error[:97].max() < 0.6
    assert error[114:-3].max() < 0.6


def test_a_kick_that_is_out_and_back_within_the_pen_is_followed_to_its_tip():
    line = np.full(ROWS, 60.0)
    line[150] = 260.0
    trace = read(draw(line))
    assert trace.column[148:153].max() == pytest.approx(260, abs=4)
    assert trace.column[140] == pytest.approx(60, abs=0.6)


def test_a_row_between_two_dashes_is_traced_or_bridged_and_never_missing():
    line = sine(height=40)
    trace = read(draw(None, line, pen_two=Pen("dashed", 2.5, pattern=(12, 8))), 2)
    inside = slice(12, -12)
    assert np.all(trace.state[inside] != TraceState.MISSING)
    assert (trace.state[inside] == TraceState.BRIDGED).sum() > 30
    assert np.nanmax(np.abs(trace.column - line)[inside]) < 3


def test_a_dotted_curve_is_one_curve():
    line = sine(height=40)
    trace = read(draw(None, line, pen_two=Pen("dotted", 2.0, pattern=(2, 5))), 2)
    assert np.all(trace.state[8:-8] != TraceState.MISSING)


def test_a_dotted_curve_is_on_its_line_between_the_dots_and_beside_their_middles():
    """On a slope the middle of a dot's ink is off the line in all rows but its own."""
    line = sine(height=45, period=190)
    trace = read(draw(None, line, pen_two=Pen("dotted", 3.0, pattern=(3, 6))), 2)
    error = np.abs(trace.column - line)[10:-10]
    assert error.mean() < 0.3
    assert error.max() < 1.6


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 12), st.floats(0, 100)), min_size=2, max_size=12),
    st.floats(1, 6),
)
def test_what_is_bridged_stays_near_the_ink_on_either_side(pieces, pen):
    """A bridge ends where the ink begins, changes no ink that tells its own place, and runs wild nowhere."""
    column = np.concatenate([[*[at] * ink, *[np.nan] * gap] for ink, gap, at in pieces])[: -pieces[-1][1]]
    places = np.flatnonzero(np.isfinite(column))
    gaps = [(a + 1, b) for a, b in pairwise(places) if b - a > 1]
    bridged = bridge_gaps(column, gaps, np.full(len(column), pen), pen)
    assert np.isfinite(bridged).all()
    reach = np.ptp(column[places]) + 1e-6
    assert bridged.min() > column[places].min() - 0.5 * reach
    assert bridged.max() < column[places].max() + 0.5 * reach
    np.testing.assert_array_equal(bridge_gaps(column, [], np.full(len(column), pen), pen), column)


def test_a_short_gap_is_bridged_and_flagged_and_a_long_absence_is_missing():
    line = sine(height=40)
    line[60:75] = np.nan
    line[140:260] = np.nan
    trace = read(draw(line))
    assert np.all(trace.state[62:73] == TraceState.BRIDGED)
    assert np.all(trace.state[143:257] == TraceState.MISSING)
    assert np.all(np.isnan(trace.column[143:257]))
    assert np.all(trace.confidence[143:257] == 0)
    assert trace.confidence[67] < trace.confidence[50]
    assert (
        trace.count(TraceState.BRIDGED) + trace.count(TraceState.TRACED) + trace.count(TraceState.MISSING)
        == ROWS
    )


def test_the_curve_beneath_is_carried_through_a_crossing():
    one = 100 + 0.6 * np.arange(ROWS)
    two = 280 - 0.6 * np.arange(ROWS)
    trace_one, trace_two = extract_traces(draw(one, two, Pen("solid", 3), Pen("heavy", 6)), track_of())
    assert np.abs(trace_one.column - one)[5:-5].max() < 2.5
    assert np.abs(trace_two.column - two)[5:-5].max() < 2.5


@pytest.mark.parametrize("slope", [0.1, 0.3, 0.6])
def test_a_dash_that_covers_one_side_of_a_stroke_does_not_push_its_centre(slope):
    rows = np.arange(ROWS) - 150
    class_map = draw(
        200 + slope * rows, 200 - slope * rows, Pen("solid", 5), Pen("dashed", 2.5, pattern=(9, 6))
    )
    error = np.abs(read(class_map).column - (200 + slope * rows))
    assert np.nanmax(error[12:-12]) < 0.8


def test_a_short_gap_in_which_the_curve_is_off_scale_is_not_bridged():
    line = 0.5 * (np.arange(ROWS) - 150.0) ** 2 - 100
    line[(line < 0) | (line > 350)] = np.nan
    trace = read(draw(line))
    assert np.all(trace.state[138:163] == TraceState.MISSING)
    assert np.all(trace.state[np.isfinite(line)] == TraceState.TRACED)


def test_curves_that_cross_again_and_again_keep_their_strands():
    one, two = sine(200, 80, 90), sine(200, -70, 90)
    traces = extract_traces(draw(one, two, pen_two=Pen("dashed", 2.5, pattern=(9, 6))), track_of())
    for trace, line in zip(traces, (one, two), strict=True):
        assert np.nanmean(np.abs(trace.column - line)[10:-10]) < 1.5


def test_a_speckle_is_no_curve():
    labels = np.zeros((ROWS, COLUMNS), np.uint8)
    rng = np.random.default_rng(3)
    labels[rng.integers(0, ROWS, 30), rng.integers(0, COLUMNS, 30)] = 2
    trace = read(ClassMap.from_labels(labels), 2)
    assert np.all(trace.state == TraceState.MISSING)


def test_a_short_excursion_between_two_absences_is_read():
    """A dashed curve that comes on scale for a few rows, nearly flat, is all there is of it."""
    line = np.full(ROWS, np.nan)
    line[140:161] = 1 + 180 * np.sin(np.pi * np.arange(21) / 20)
    trace = read(draw(None, line, pen_two=Pen("dashed", 2.0, pattern=(14, 9))), 2)
    covered = trace.state[143:158] != TraceState.MISSING
    assert covered.mean() > 0.9
    assert np.all(trace.state[:130] == TraceState.MISSING)
    assert np.all(trace.state[170:] == TraceState.MISSING)


def test_ink_outside_the_track_or_in_an_ignored_rectangle_is_not_read():
    line = np.full(ROWS, 300.0)
    class_map = draw(line)
    narrow = Track(name="n", left=0, right=250, top=0, bottom=ROWS - 1, curves=track_of().curves)
    assert np.all(extract_traces(class_map, narrow)[0].state == TraceState.MISSING)
    trace = read(class_map, ignore=[[100, 250, 280, 320]])
    assert np.all(trace.state[103:248] == TraceState.MISSING)
    assert np.all(trace.state[:97] == TraceState.TRACED)


def test_the_printed_edge_of_a_track_is_no_curve():
    labels = np.zeros((ROWS, COLUMNS), np.uint8)
    labels[100:180, COLUMNS - 2 :] = 2
    assert np.all(read(ClassMap.from_labels(labels), 2).state == TraceState.MISSING)


def test_a_curve_that_comes_to_an_edge_and_goes_back_is_kept():
    trace = read(draw(sine(81, 80, 150)))
    assert np.mean(trace.state == TraceState.TRACED) > 0.97


@pytest.mark.parametrize("side", ["left", "right"])
def test_what_runs_along_an_edge_between_an_exit_and_a_return_is_off_scale(side):
    """The edge's printed line labelled as the curve, or a curve held at the end of its scale: neither is a value."""
    wide = sine(60, 80, 150)
    line = np.maximum(wide, 1.0)
    held = wide < -10
    if side == "right":
        line = COLUMNS - 1 - line
    trace = read(draw(line))
    assert np.all(trace.state[held] == TraceState.MISSING)
    assert np.all(trace.state[wide > 8] == TraceState.TRACED)


@given(st.integers(4, 24), st.floats(0.0, 6.0), st.floats(1.0, 3.0))
@settings(max_examples=25, deadline=None)
def test_a_curve_near_an_edge_that_is_not_as_straight_as_a_line_is_kept(period, place, height):
    line = place + 1 + height * (1 + np.sin(2 * np.pi * np.arange(ROWS) / period))
    line[:100] += np.arange(100, 0, -1)
    trace = read(draw(line))
    assert np.mean(trace.state == TraceState.TRACED) > 0.97


def in_pieces_of_the_other(class_map, stretches):
    """The class map in which stretches of a curve have come as the other curve."""
    labels = class_map.labels.copy()
    for first, last in stretches:
        labels[first:last] = np.array([0, 2, 1], np.uint8)[labels[first:last]]
    return ClassMap.from_labels(labels)


@pytest.mark.parametrize("curve_class", [1, 2])
def test_a_single_curve_of_which_pieces_come_as_the_other_is_read_whole(curve_class):
    line = sine(height=60)
    drawn = draw(line) if curve_class == 1 else draw(columns_two=line)
    pieces = in_pieces_of_the_other(drawn, [(40, 58), (120, 139), (200, 222)])
    assert np.array_equal(read(pieces, curve_class).column, read(drawn, curve_class).column, equal_nan=True)
    assert np.all(read(pieces, 3 - curve_class).state == TraceState.MISSING)


def test_a_single_curve_whose_sweeps_are_torn_into_pieces_of_the_other_is_read_whole():
    """A pen that sweeps fast leaves a thin line, which breaks, and a broken line looks like curve two."""
    line = 200 + 90 * np.tanh(5 * np.sin(2 * np.pi * np.arange(ROWS) / 100))
    steep = np.abs(np.gradient(line)) > 10
    labels = draw(line).labels.copy()
    labels[np.ix_(steep, np.arange(COLUMNS) % 9 == 0)] = 0
    labels[np.ix_(steep, np.arange(COLUMNS) % 27 > 18)] *= 2
    torn = ClassMap.from_labels(labels)
    assert (torn.labels == 2).any(axis=1).sum() > 20
    in_one_class = ClassMap.from_labels(np.minimum(labels, 1))
    assert np.array_equal(read(torn).column, read(in_one_class).column, equal_nan=True)
    assert np.all(read(torn, 2).state == TraceState.MISSING)


@pytest.mark.parametrize("gap", [4, 30])
def test_a_second_curve_that_is_there_only_where_the_first_is_not_stays_a_curve(gap):
    """As one that is off scale above where the other is off scale below."""
    one, two = np.full(ROWS, 100.0), np.full(ROWS, 300.0)
    one[240:], two[: 240 + gap] = np.nan, np.nan
    both = draw(one, two)
    assert np.nanmax(np.abs(read(both, 2).column - two)) < 0.6
    assert np.all(read(both).state[242:] == TraceState.MISSING)


def test_a_second_curve_that_is_there_for_a_while_and_crosses_the_first_stays_a_curve():
    one, two = sine(height=60), np.full(ROWS, 200.0)
    two[60:] = np.nan
    both = draw(one, two)
    assert np.nanmax(np.abs(read(both, 2).column - two)) < 0.6
    assert np.abs(read(both).column - one)[3:-3].max() < 2.0


def test_a_backed_up_curve_is_followed_from_edge_to_edge():
    line = sine(330, 100, 150)
    inked = np.where(line > COLUMNS - 1, line - (COLUMNS - 1), line)
    inked[1:][np.abs(np.diff(inked)) > 200] = np.nan
    track = track_of(wraps=1)
    trace = extract_traces(draw(inked), track)[0]
    log_curve = to_log_curve(
        trace, track, DepthAxis(unit="ft", anchors=[[0, 0], [299, 299]]), track.curves[0]
    )
    error = np.abs(log_curve.value - line / (COLUMNS - 1))
    assert np.isfinite(error).mean() > 0.95
    assert np.nanquantile(error, 0.95) < 0.01


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_a_trace_never_invents(seed):
    """A traced row has ink of its class at its column; missing rows have no column; bridged ones are few in a row."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((160, 120), np.uint8)
    for curve_class in (1, 2):
        line = 60 + np.cumsum(rng.normal(0, 1.5, 160))
        hidden = rng.random(160).cumsum() % 17 < rng.uniform(0, 17)
        for row in np.flatnonzero(~hidden):
            column = int(np.clip(line[row], 2, 117))
            labels[row, column - 1 : column + 2] = curve_class
    for trace in extract_traces(ClassMap.from_labels(labels), track_of(160, 120)):
        traced = trace.state == TraceState.TRACED
        for row in np.flatnonzero(traced):
            assert np.any(labels[row] == trace.curve_class)
        assert np.array_equal(np.isnan(trace.column), trace.state == TraceState.MISSING)
        known = trace.column[np.isfinite(trace.column)]
        assert np.all((known >= -0.5) & (known <= 119.5))


def test_paths_settled_in_chunks_are_the_paths_found_at_once():
    rng = np.random.default_rng(5)
    log = print_log(5, PressSettings(off_scale_share=0.5), rows=700, columns=300, tracks=1)
    curves = np.stack([log.classes == 1, log.classes == 2]).astype(np.float32)
    curves *= rng.uniform(0.6, 1, curves.shape).astype(np.float32)

    def probabilities(first, last):
        return curves[:, first:last]

    whole = find_paths(probabilities, 700)
    for chunk in (64, 200, 333):
        pieces = find_paths(probabilities, 700, chunk=chunk, ahead=300)
        for piece, path in zip(pieces, whole, strict=True):
            assert np.mean(piece.exit == path.exit) > 0.999


def test_printed_logs_are_read_back_from_their_class_maps():
    smooth = PressSettings(off_scale_share=0, kick_share=0, roughness=(0.002, 0.02), amplitude=(0.03, 0.5))
    log = print_log(509, smooth, rows=1200, columns=900)
    class_map = ClassMap.from_labels(log.classes)
    for index, track in enumerate(log.tracks.tracks):
        truths = {trace.curve_class: trace for trace in log.traces if trace.track == index}
        left, right = track.edges(track.rows)
        for trace in extract_traces(class_map, track):
            truth = truths[trace.curve_class].column[trace.top : trace.top + len(trace.column)]
            error = np.abs(trace.column - truth) / (right - left)
            assert np.nanmedian(error) < 0.002


def test_values_follow_the_scale_whichever_way_it_runs():
    curve = Curve(curve_class=1, mnemonic="RT", unit="ohm.m", left=0.2, right=2000, scale="log")
    reversed_curve = Curve(curve_class=2, mnemonic="NPHI", unit="pu", left=45, right=-15)
    track = Track(
        name="t",
        left=[[0, 10], [100, 20]],
        right=[[0, 110], [100, 120]],
        top=0,
        bottom=100,
        curves=[curve, reversed_curve],
    )
    rows = np.arange(101)
    trace = Trace(1, 0, 60 + 10 * rows / 100, np.ones(101, np.float32), np.ones(101, np.uint8))
    axis = DepthAxis(unit="m", anchors=[[0, 1000], [100, 1010]])
    assert to_log_curve(trace, track, axis, curve).value == pytest.approx(np.full(101, 20.0))
    assert to_log_curve(trace, track, axis, reversed_curve).value == pytest.approx(np.full(101, 15.0))
    assert to_log_curve(trace, track, axis, curve).depth[50] == pytest.approx(1005)


def test_off_scale_is_not_a_value():
    track = track_of()
    columns = np.array([-8.0, 0.0, 200.0, 399.0, 405.0])
    trace = Trace(1, 0, columns, np.ones(5, np.float32), np.ones(5, np.uint8))
    log_curve = to_log_curve(trace, track, DepthAxis(unit="ft", anchors=[[0, 0], [4, 4]]), track.curves[0])
    assert np.isnan(log_curve.value[[0, 4]]).all()
    assert np.isfinite(log_curve.value[1:4]).all()
    assert log_curve.state.tolist() == [0, 1, 1, 1, 0]


def test_wraps_are_counted_only_at_the_edges():
    inside = np.array([0.2, 0.8, 0.3, 0.7])
    assert count_wraps(inside, 1).tolist() == [0, 0, 0, 0]
    twice = np.array([0.5, 0.95, 0.05, 0.5, 0.97, 0.02, 0.3])
    assert count_wraps(np.concatenate([np.full(9, 0.4), twice]), 2).max() == 2
    assert count_wraps(np.concatenate([np.full(9, 0.4), twice]), 1).max() == 1
