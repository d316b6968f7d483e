"""The printing press: what it prints is repeatable, looks like a log, and its truth is true of the picture."""

from __future__ import annotations

from dataclasses import astuple, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion, zoom

from napari_welllog.synthetic import PressSettings, PrintedLog, PrintedTrace, print_log, print_window
from napari_welllog.synthetic.paper import Grid
from napari_welllog.synthetic.pens import CurveInk, Pen, choose_pens, stroke
from napari_welllog.synthetic.scanner import scan_page, smooth_field
from napari_welllog.synthetic.shapes import Rock, draw_shape
from napari_welllog.tracks import Tracks

# A new print on good paper, flat in a good scanner, with nothing on it but grid and curves on scale.
CLEAN = PressSettings(
    dpi=(150.0, 150.0),
    bilevel_share=1.0,
    blur=(0.3, 0.3),
    bleed=(0.0, 0.0),
    noise=(0.0, 0.0),
    skew=0.0,
    wander=0.0,
    fading_share=0.0,
    speckle_share=0.0,
    thin_sweep_share=0.0,
    broken_grid_share=0.0,
    off_scale_share=0.0,
    hatch_share=0.0,
    ticks_share=0.0,
    third_curve_share=0.0,
    note_share=0.0,
    stamp_share=0.0,
    header_share=0.0,
    bar_share=0.0,
    sheet_gap_share=0.0,
)
SOLID = replace(CLEAN, dashed_pair=0.0, weight_pair=1.0, shade_pair=0.0, single_one=0.0, single_two=0.0)
OFF_SCALE = replace(SOLID, off_scale_share=1.0, wrap_share=0.0)
WRAPPING = replace(SOLID, off_scale_share=1.0, wrap_share=1.0)
TILTED = replace(SOLID, skew=0.03)
# Curves that change slowly: what they do at the edges of a track is seen row by row.
CALM = {
    "kick_share": 0.0,
    "spike_share": 0.0,
    "cycle_skip_share": 0.0,
    "roughness": (0.002, 0.01),
    "tool_length": (0.1, 0.1),
    "sample_interval": (0.003, 0.003),
}
SEEDS = range(6)


def one_track(seed: int, press: PressSettings) -> PrintedLog:
    return print_log(seed, press, rows=360, columns=320, tracks=1)


def fractions(log: PrintedLog, trace: PrintedTrace) -> np.ndarray:
    """Where a trace lies between the edges of its track, for every scan row."""
    assert log.tracks is not None
    return log.tracks.tracks[trace.track].fractions(np.arange(len(trace.column)), trace.column)


def drawn_rows(log: PrintedLog) -> np.ndarray:
    """The scan rows in which a track has curves."""
    assert log.tracks is not None
    return log.tracks.tracks[0].rows


# --- The same again ---


def test_the_same_seed_prints_the_same_bytes_and_another_seed_another_log() -> None:
    first, again, other = (print_log(seed, rows=200, columns=300) for seed in (3, 3, 4))
    assert first.scan.tobytes() == again.scan.tobytes()
    assert first.classes.tobytes() == again.classes.tobytes()
    assert first.tracks == again.tracks
    for one, two in zip(first.traces, again.traces, strict=True):
        np.testing.assert_array_equal(one.column, two.column)
        assert one.pen == two.pen
    assert first.scan.tobytes() != other.scan.tobytes()
    assert first.classes.tobytes() != other.classes.tobytes()


def test_windows_are_as_repeatable_as_logs() -> None:
    first, again, other = (print_window(seed, rows=96, columns=128) for seed in (3, 3, 4))
    assert first.scan.tobytes() == again.scan.tobytes()
    assert first.classes.tobytes() == again.classes.tobytes()
    assert first.scan.tobytes() != other.scan.tobytes()


@given(
    seed=st.integers(0, 2**63),
    rows=st.integers(60, 260),
    columns=st.integers(110, 320),
    tracks=st.integers(1, 2),
)
@settings(max_examples=15, deadline=None)
def test_any_seed_prints_a_whole_log_of_any_size(seed, rows, columns, tracks) -> None:
    log = print_log(seed, rows=rows, columns=columns, tracks=tracks)
    assert log.scan.shape == log.classes.shape == (rows, columns)
    assert log.scan.dtype == log.classes.dtype == np.uint8
    assert set(np.unique(log.classes)) <= {0, 1, 2}
    assert log.tracks is not None
    assert len(log.tracks.tracks) == tracks
    log.tracks.check_against(rows, columns)
    assert [(t.track, t.curve_class) for t in log.traces] == [
        (index, curve.curve_class) for index, track in enumerate(log.tracks.tracks) for curve in track.curves
    ]
    for trace in log.traces:
        assert trace.column.shape == (rows,)
        assert trace.column.dtype == np.float64


@given(seed=st.integers(0, 2**63), rows=st.integers(16, 120), columns=st.integers(16, 120))
@settings(max_examples=25, deadline=None)
def test_any_seed_prints_a_window_of_any_size(seed, rows, columns) -> None:
    window = print_window(seed, rows=rows, columns=columns)
    assert window.scan.shape == window.classes.shape == (rows, columns)
    assert window.scan.dtype == window.classes.dtype == np.uint8
    assert set(np.unique(window.classes)) <= {0, 1, 2}
    assert window.tracks is None
    assert all(trace.column.shape == (rows,) for trace in window.traces)


def test_the_tracks_of_a_printed_log_are_a_file_like_any_other(tmp_path) -> None:
    log = print_log(5, rows=200, columns=500, tracks=3)
    assert log.tracks is not None
    log.tracks.save(tmp_path / "log.tracks.json")
    assert Tracks.load(tmp_path / "log.tracks.json") == log.tracks


def test_even_a_page_of_a_few_rows_has_its_calibration() -> None:
    log = print_log(1, rows=50, columns=200, tracks=1)
    assert log.tracks is not None
    log.tracks.check_against(50, 200)


# --- The truth and the picture agree ---


@pytest.mark.parametrize("press", [SOLID, OFF_SCALE, WRAPPING, TILTED], ids=["clean", "off", "wraps", "tilt"])
def test_where_the_truth_has_a_column_the_class_map_has_that_curve(press) -> None:
    """Of a solid curve, within the width of its pen; or curve one, where that hides it.

    Where the pen is lifted, the last two rows may hold too little ink to be black.
    """
    told = 0
    for seed in SEEDS:
        log = one_track(seed, press)
        for trace in log.traces:
            rows = np.flatnonzero(binary_erosion(np.isfinite(trace.column), iterations=2, border_value=1))
            told += len(rows)
            near = np.zeros(len(rows), bool)
            for offset in range(-int(np.ceil(trace.pen.width)), int(np.ceil(trace.pen.width)) + 1):
                columns = np.clip(np.rint(trace.column[rows]).astype(int) + offset, 0, log.scan.shape[1] - 1)
                near |= np.isin(log.classes[rows, columns], (trace.curve_class, 1))
            assert near.all(), f"seed {seed}, class {trace.curve_class}: rows {rows[~near]}"
    assert told > 1000


@pytest.mark.parametrize("press", [CLEAN, OFF_SCALE, WRAPPING, TILTED], ids=["clean", "off", "wraps", "tilt"])
def test_where_the_class_map_has_a_curve_the_truth_is_near(press) -> None:
    """Near: within the width of the pen of where the curve goes in the rows around.

    The tool smooths over a few rows here, for what happens between two rows is not in the truth. Nor is the
    last half row before the pen is lifted, so rows beside those are left out.
    """
    found = 0
    for seed in SEEDS:
        log = one_track(seed, replace(press, tool_length=(0.05, 0.1)))
        for trace in log.traces:
            width = int(np.ceil(trace.pen.width)) + 1
            padded = np.pad(trace.column, width, constant_values=np.nan)
            around = np.lib.stride_tricks.sliding_window_view(padded, 2 * width + 1)
            rows, columns = np.nonzero(log.classes == trace.curve_class)
            drawn = np.isfinite(around).all(axis=1)[rows]
            rows, columns = rows[drawn], columns[drawn]
            found += len(rows)
            assert (columns >= around.min(axis=1)[rows] - width).all()
            assert (columns <= around.max(axis=1)[rows] + width).all()
    assert found > 2000


def empty_sheets(rows: int, columns: int) -> tuple[CurveInk, CurveInk, np.ndarray]:
    """Sheets without ink for curve one, curve two and the rest."""
    return CurveInk.none(rows, columns), CurveInk.none(rows, columns), np.zeros((rows, columns), np.float32)


def test_a_pixel_that_both_curves_claim_is_curve_one() -> None:
    one, two, rest = empty_sheets(60, 60)
    down, across = np.arange(5.0, 55.0), np.full(50, 30.0)
    one.draw(down, across, Pen("solid", 5.0))
    two.draw(across, down, Pen("light", 3.0))
    scan, classes = scan_page(np.random.default_rng(1), (one, two, rest), 150, True, CLEAN)
    assert (classes[10:50, 30] == 1).all()
    assert (classes[30, 10:27] == 2).all()
    assert (classes[30, 34:50] == 2).all()
    assert (scan[30, 10:50] == 0).all()
    assert (scan[10:50, 30] == 0).all()


def test_at_a_printed_crossing_the_pixels_of_both_curves_are_curve_one() -> None:
    met = 0
    for seed in range(12):
        log = one_track(seed, SOLID)
        one, two = (trace.column for trace in log.traces)
        rows = np.flatnonzero(np.abs(one - two) < 0.5)
        met += len(rows)
        assert (log.classes[rows, np.rint(one[rows]).astype(int)] == 1).all()
    assert met > 10


def test_truth_columns_lie_inside_their_track() -> None:
    flat = PressSettings(wander=0.0)
    for seed in range(12):
        log = print_log(seed, flat, rows=300, columns=500)
        for trace in log.traces:
            inside = fractions(log, trace)[np.isfinite(trace.column)]
            assert len(inside) > 0
            assert inside.min() > -0.01
            assert inside.max() < 1.01


def test_no_truth_above_or_below_the_track() -> None:
    for seed in SEEDS:
        log = one_track(seed, CLEAN)
        outside = np.setdiff1d(np.arange(360), drawn_rows(log))
        for trace in log.traces:
            assert np.isnan(trace.column[outside]).all()
            assert np.isfinite(trace.column[drawn_rows(log)]).all()


# --- Off scale and backup scale ---


def test_off_scale_rows_have_no_truth_and_no_ink() -> None:
    missing = 0
    for seed in range(12):
        log = one_track(seed, replace(OFF_SCALE, **CALM))
        for trace in log.traces:
            assert not trace.wraps
            absent = np.isnan(trace.column)
            width = int(np.ceil(trace.pen.width)) + 1
            far = np.lib.stride_tricks.sliding_window_view(
                np.pad(absent, width, constant_values=True), 2 * width + 1
            )
            rows = np.intersect1d(drawn_rows(log), np.flatnonzero(far.all(axis=1)))
            missing += len(rows)
            assert not (log.classes[rows] == trace.curve_class).any()
    assert missing > 100


def test_a_pen_comes_out_however_little_ink_it_leaves() -> None:
    """Starved of ink, blurred and thresholded, a thin pen is still a line and not a few specks."""
    one, two, rest = empty_sheets(80, 80)
    rows = np.arange(80.0)
    two.draw(rows, np.full(80, 20.3), Pen("light", 1.2, 0.75))
    starved = replace(CLEAN, blur=(1.0, 1.0), bleed=(-0.06, -0.06))
    _, classes = scan_page(np.random.default_rng(1), (one, two, rest), 200, True, starved)
    assert (classes == 2).any(axis=1)[3:-3].all()
    two.draw(rows, np.full(80, 60.0), Pen("dashed", 7.0, pattern=(20.0, 10.0)))
    _, classes = scan_page(np.random.default_rng(1), (one, two, rest), 200, True, starved)
    assert (classes[:, :40] == 2).any(axis=1)[3:-3].all(), "a wide pen in another track changes nothing"


@pytest.mark.parametrize(("neighbour", "darkness"), [(8.0, 1.0), (2.0, 1.0), (8.0, 0.4)])
def test_a_pale_pen_is_labelled_alike_whatever_pens_the_other_tracks_have(neighbour, darkness) -> None:
    """Its labels once became too thin, or none, beside a darker or wider pen of its class on a grey page."""
    rows = np.arange(80.0)
    alone, among = empty_sheets(80, 80), empty_sheets(80, 80)
    for one, two, _ in (alone, among):
        one.draw(rows, np.full(80, 10.0), Pen("solid", 6.0))
        two.draw(rows, np.full(80, 20.3), Pen("pale", 3.0, 0.45))
    among[1].draw(rows, np.full(80, 60.0), Pen("light", neighbour, darkness))
    labels = [scan_page(np.random.default_rng(1), inks, 200, False, CLEAN)[1] for inks in (alone, among)]
    assert (labels[0] == 2).sum(axis=1)[3:-3].min() >= 3
    np.testing.assert_array_equal(labels[0][:, :40], labels[1][:, :40])


def test_most_scans_are_of_the_upper_half_of_the_resolutions() -> None:
    resolutions = [print_window(seed, rows=8, columns=8).dpi for seed in range(200)]
    assert 100 <= min(resolutions) < 200 < max(resolutions) <= 400
    assert 0.1 < np.mean(np.array(resolutions) < 200) < 0.3


def test_the_depth_lines_of_a_whole_log_stand_at_round_depths() -> None:
    seen = 0
    for seed in range(12):
        log = print_log(seed, replace(CLEAN, grid_darkness=(1.0, 1.0)), rows=700, columns=500)
        assert log.tracks is not None
        left, right = (round(edge) for edge in log.tracks.tracks[0].bounding_columns())
        dark = (log.scan[:, left + 3 : right - 3] == 0).mean(axis=1) > 0.9
        lines = np.flatnonzero(dark[1:] & ~dark[:-1]) + 1.0
        lines = lines[lines > log.tracks.tracks[0].top + 4]
        if len(lines) < 4:
            continue
        seen += 1
        feet = np.median(np.diff(log.tracks.depth.depths(lines)))
        assert min(abs(feet / usual - 1) for usual in (1, 2, 5, 10)) < 0.05
        assert log.tracks.depth.depths(log.tracks.tracks[0].top) == pytest.approx(1000)
    assert seen > 5


def test_a_curve_that_wraps_comes_back_at_the_other_edge() -> None:
    returns = 0
    for seed in range(40, 52):
        log = one_track(seed, replace(WRAPPING, **CALM))
        assert log.tracks is not None
        assert [curve.wraps for curve in log.tracks.tracks[0].curves] == [1] * len(log.traces)
        for trace in log.traces:
            assert trace.wraps
            place = fractions(log, trace)
            there = np.flatnonzero(np.isfinite(place))
            leaps = (np.abs(np.diff(place[there])) > 0.3) & (np.diff(there) <= 3)
            returns += np.count_nonzero(leaps)
            for before, after in zip(there[:-1][leaps], there[1:][leaps], strict=True):
                # From edge to edge: the way back is not part of the curve.
                assert sorted(place[[before, after]]) == pytest.approx([0, 1], abs=0.1)
    assert returns > 5


def test_curves_on_scale_neither_wrap_nor_leave() -> None:
    for seed in SEEDS:
        for trace in one_track(seed, CLEAN).traces:
            assert not trace.wraps


# --- What is printed ---


def test_every_kind_of_pen_occurs() -> None:
    rng = np.random.default_rng(1)
    pairs = [choose_pens(rng, 200.0, bool(rng.random() < 0.5), PressSettings()) for _ in range(400)]
    ones, twos = ([pen for pen in pens if pen] for pens in zip(*pairs, strict=True))
    assert {pen.name for pen in ones} == {"solid"}
    assert {pen.name for pen in twos} == {"dashed", "dotted", "dash-dot", "light", "pale"}
    assert any(one is None for one, _ in pairs)
    assert any(two is None for _, two in pairs)
    assert not any(one is None and two is None for one, two in pairs)
    assert min(pen.width for pen in ones) < 2.5
    assert max(pen.width for pen in ones) >= 6


def test_a_light_pen_is_about_half_as_wide_as_the_heavy_one_or_less() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        heavy, light = choose_pens(rng, 300.0, True, SOLID)
        assert heavy is not None
        assert light is not None
        assert light.width <= heavy.width / 1.8


def test_a_broken_pen_lifts_along_its_stroke() -> None:
    ink = np.zeros((200, 20), np.float32)
    stroke(ink, np.arange(200.0), np.full(200, 10.0), Pen("dashed", 3.0, pattern=(20.0, 10.0)))
    down = ink[:, 10] > 0.5
    assert np.mean(down) == pytest.approx(2 / 3, abs=0.1)
    assert np.count_nonzero(np.diff(down.astype(int)) == -1) == 6


def test_the_ink_of_a_stroke_is_as_wide_as_its_pen() -> None:
    for width in (1.0, 1.5, 2.0, 3.3, 6.0):
        ink = np.zeros((60, 40), np.float32)
        stroke(ink, np.arange(60.0), np.full(60, 20.3), Pen("solid", width))
        assert ink[30].sum() == pytest.approx(width, abs=0.35)
        assert (ink[30] @ np.arange(40)) / ink[30].sum() == pytest.approx(20.3, abs=0.2)


@pytest.mark.parametrize("cell", [3.0, 40.0, 500.0])
def test_a_smooth_field_runs_straight_between_its_places(cell) -> None:
    shape, places = (90, 130), np.random.default_rng(1)
    coarse = places.standard_normal([max(3, int(n / cell) + 3) for n in shape]).astype(np.float32)
    scale = [(n + cell) / (m - 1) for n, m in zip(shape, coarse.shape, strict=True)]
    straight = zoom(coarse, scale, order=1)[: shape[0], : shape[1]]
    np.testing.assert_allclose(smooth_field(np.random.default_rng(1), shape, cell), straight, atol=1e-5)


def test_a_film_recorder_leaves_a_thin_line_where_it_sweeps_fast() -> None:
    """Its spot of light exposes the less the faster it goes; a pen of ink leaves the same line everywhere."""
    rows = np.array([0.0, 40.0, 48.0, 90.0])
    columns = np.array([20.0, 20.0, 276.0, 276.0])
    film, pen = (np.zeros((90, 300), np.float32) for _ in range(2))
    stroke(film, rows, columns, Pen("solid", 4.0, usual_speed=2.0, thinning=0.5))
    stroke(pen, rows, columns, Pen("solid", 4.0))
    down = np.s_[10:30]
    np.testing.assert_array_equal(film[down], pen[down])
    across = np.s_[60:240]
    assert np.median(pen.sum(axis=0)[across]) == pytest.approx(4.0, abs=0.3)
    assert np.median(film.sum(axis=0)[across]) == pytest.approx(1.0, abs=0.3)  # 32 columns a row: a quarter


@pytest.mark.parametrize("bilevel", [True, False])
def test_on_grey_scans_no_line_gets_thinner(bilevel) -> None:
    settings = PressSettings(thin_sweep_share=1.0, bilevel_share=float(bilevel))
    pens = [trace.pen for seed in SEEDS for trace in one_track(seed, settings).traces]
    assert pens
    assert {pen.thinning > 0 for pen in pens} == {bilevel}


def test_about_97_in_a_hundred_pixels_are_background() -> None:
    logs = [print_log(seed, rows=300, columns=600).classes for seed in range(24)]
    background, one, two = np.bincount(np.ravel(logs), minlength=3) / np.size(logs)
    assert background == pytest.approx(0.97, abs=0.015)
    assert 0.005 < two < one < 0.03


def test_a_bilevel_scan_is_black_and_white_only_and_a_grey_one_is_not() -> None:
    for seed in range(10):
        bilevel = print_window(seed, PressSettings(bilevel_share=1.0), 64, 64)
        assert set(np.unique(bilevel.scan)) <= {0, 255}
        grey = print_window(seed, PressSettings(bilevel_share=0.0), 64, 64)
        assert len(np.unique(grey.scan)) > 10


def test_ink_is_darker_than_paper() -> None:
    for seed in SEEDS:
        for share in (0.0, 1.0):
            log = one_track(seed, replace(CLEAN, bilevel_share=share))
            assert log.scan[log.classes > 0].mean() < np.median(log.scan) - 30


# --- Every knob turns what it says ---


def test_dpi_lies_in_its_range_and_is_told() -> None:
    dpis = [print_window(seed, PressSettings(dpi=(120.0, 180.0)), 16, 16).dpi for seed in range(30)]
    assert 120 <= min(dpis) < 130
    assert 170 < max(dpis) <= 180


def test_tracks_with_one_curve_only() -> None:
    for kind, curve_class in (("single_one", 1), ("single_two", 2)):
        alone = {"dashed_pair": 0.0, "weight_pair": 0.0, "single_one": 0.0, "single_two": 0.0, kind: 1.0}
        for seed in SEEDS:
            log = one_track(seed, replace(CLEAN, **alone))
            assert [trace.curve_class for trace in log.traces] == [curve_class]
            assert set(np.unique(log.classes)) == {0, curve_class}


def test_pens_of_a_width_asked_for() -> None:
    press = replace(
        CLEAN, dashed_pair=0.0, weight_pair=0.0, single_one=1.0, single_two=0.0, heavy_pen_width=(0.02, 0.02)
    )
    for seed in range(20):
        (trace,) = one_track(seed, replace(press, pen_width=(0.02, 0.02))).traces
        assert trace.pen.width == pytest.approx(0.02 * 150)


def test_no_grid_leaves_the_edges_of_the_track() -> None:
    rng = np.random.default_rng(1)
    for share, most in ((1.0, 2), (0.0, 99)):
        press = PressSettings(no_grid_share=share)
        lines = [len(Grid.choose(rng, 200.0, 20.0, press).verticals) for _ in range(60)]
        assert min(lines) >= 2
        assert max(lines) <= most
        assert (min(lines) > 2) == (share == 0)


def test_the_lines_of_a_logarithmic_grid_draw_together_towards_the_end_of_a_decade() -> None:
    rng = np.random.default_rng(1)
    for share in (0.0, 1.0):
        press = PressSettings(no_grid_share=0.0, log_grid_share=share)
        for _ in range(20):
            verticals = sorted(place for place, _ in Grid.choose(rng, 200.0, 20.0, press).verticals)
            assert verticals[0] == 0
            assert verticals[-1] == 1
            assert (np.ptp(np.diff(verticals)) > 0.01) == (share == 1)


@pytest.mark.parametrize(
    "share", ["third_curve_share", "note_share", "stamp_share", "hatch_share", "ticks_share", "bar_share"]
)
def test_what_litters_the_paper_is_ink_but_no_curve(share) -> None:
    """More ink on the scan, and not a pixel more of either curve than the truth tells of."""
    more = 0
    for seed in range(8):
        clean, littered = (one_track(seed, replace(CLEAN, **{share: value})) for value in (0.0, 1.0))
        more += np.count_nonzero(littered.scan[littered.classes == 0] == 0)
        more -= np.count_nonzero(clean.scan[clean.classes == 0] == 0)
        for trace in littered.traces:
            columns = np.nonzero(littered.classes == trace.curve_class)[1]
            reach = trace.pen.width + 2
            assert columns.min() >= np.nanmin(trace.column) - reach
            assert columns.max() <= np.nanmax(trace.column) + reach
    assert more > 100


def test_a_black_bar_hides_the_curves_beneath_it() -> None:
    """Nobody can read what lies under a solid bar, so neither the class map nor the truth says anything there."""
    hidden = 0
    for seed in range(12):
        clean, barred = (one_track(seed, replace(CLEAN, bar_share=value)) for value in (0.0, 1.0))
        for before, after in zip(clean.traces, barred.traces, strict=True):
            rows = np.flatnonzero(np.isfinite(before.column) & np.isnan(after.column))
            columns = np.rint(before.column[rows]).astype(int)
            inside = (columns > 0) & (columns < barred.scan.shape[1] - 1)
            assert (barred.scan[rows[inside], columns[inside]] == 0).all()
            labelled = np.count_nonzero(barred.classes[rows[inside], columns[inside]])
            assert labelled <= 0.01 * len(rows)
            hidden += len(rows)
            seen = np.isfinite(after.column)
            np.testing.assert_array_equal(after.column[seen], before.column[seen])
    assert hidden > 100


@pytest.mark.parametrize("share", ["header_share", "sheet_gap_share"])
def test_rows_covered_in_a_window_have_neither_truth_nor_class(share) -> None:
    press = replace(CLEAN, **{share: 1.0})
    covered = 0
    for seed in range(10):
        window = print_window(seed, press, 128, 128)
        for trace in window.traces:
            rows = np.flatnonzero(np.isnan(trace.column))
            covered += len(rows)
            inner = [row for row in rows if np.isnan(trace.column[max(row - 1, 0) : row + 2]).all()]
            others = [t for t in window.traces if t.curve_class == trace.curve_class and t is not trace]
            hidden = [row for row in inner if all(np.isnan(t.column[row]) for t in others)]
            assert not (window.classes[hidden] == trace.curve_class).any()
    assert covered > 50


def test_noise_speckle_and_jpeg_change_the_scan_and_not_the_truth() -> None:
    rng = np.random.default_rng(1)
    inks = empty_sheets(80, 80)
    inks[0].draw(np.arange(80.0), np.full(80, 40.0), Pen("solid", 4.0))
    clean_scan, clean_classes = scan_page(rng, inks, 150, False, CLEAN)
    for knob in ({"noise": (0.1, 0.1)}, {"speckle_share": 1.0}, {"jpeg_share": 1.0}):
        scan, classes = scan_page(rng, inks, 150, False, replace(CLEAN, **knob))
        assert scan.tobytes() != clean_scan.tobytes()
        np.testing.assert_array_equal(classes, clean_classes)


@pytest.mark.parametrize("length", [1200, 3600])
def test_a_flat_stretch_is_as_long_on_paper_whatever_the_length_of_the_log(length) -> None:
    rows, dpi = np.arange(float(length)), 200.0
    plain = replace(CLEAN, flat_share=0.0, flat_length=(0.5, 0.5), **CALM)
    longest = 0
    for seed in range(8):
        shapes = []
        for press in (plain, replace(plain, flat_share=1.0)):
            rng = np.random.default_rng(seed)
            rock = Rock.drill(rng, rows, 0.2 * dpi)
            shapes.append(draw_shape(rng, rows, rock, dpi, press))
        longest = max(longest, np.count_nonzero(shapes[0] != shapes[1]))
    # The tool rounds both ends.
    assert 0.5 * dpi <= longest < 0.9 * dpi


def test_every_knob_is_documented_and_every_range_is_in_order() -> None:
    words = (PressSettings.__doc__ or "").replace(",", " ").split()
    for field, value in zip(fields(PressSettings), astuple(PressSettings()), strict=True):
        assert field.name in words
        if isinstance(value, tuple):
            assert value[0] < value[1]
        elif field.name.endswith("share"):
            assert 0 <= value <= 1
