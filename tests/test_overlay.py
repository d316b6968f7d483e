"""The overlay picture: what a person must be able to see in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_welllog.crossings import Crossing
from napari_welllog.curves import Trace, TraceState
from napari_welllog.overlay import (
    BRIDGED_COLOURS,
    CURVE_COLOURS,
    EDITED_COLOURS,
    darkest_of_blocks,
    overlay_picture,
    write_overlay,
)
from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks

ROWS, COLUMNS = 600, 400
INK = (135, 135, 135)
FEET = DepthAxis(unit="ft", anchors=[(0, 1000), (600, 1060)])
GAMMA = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
CALIPER = Curve(curve_class=2, mnemonic="CALI", unit="in", left=6, right=16)


def calibration(**changes) -> Tracks:
    track = {"name": "one", "left": 50, "right": 350, "top": 20, "bottom": 580, "curves": [GAMMA, CALIPER]}
    return Tracks(depth=FEET, tracks=[Track(**{**track, **changes})])


def trace(column, state=None, curve_class: int = 1, top: int = 20) -> Trace:
    column = np.broadcast_to(np.asarray(column, np.float64), (561,)).copy()
    state = np.full(561, TraceState.TRACED, np.uint8) if state is None else state
    column[state == TraceState.MISSING] = np.nan
    return Trace(curve_class, top, column, np.ones(561, np.float32), state)


def paper(rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """A blank scan with one black pixel in its corner, by which a test finds the scan in the picture."""
    pixels = np.full((rows, columns), 255, np.uint8)
    pixels[0, 0] = 0
    return pixels


def drawn(pixels, tracks, traces, crossings=()) -> np.ndarray:
    """The part of the picture that shows the scan, as RGB; `pixels` must have its black corner."""
    picture = np.asarray(overlay_picture(pixels, tracks, traces, crossings).convert("RGB"))
    top, left = np.argwhere((picture == INK).all(axis=-1))[0]
    return picture[top : top + pixels.shape[0], left : left + pixels.shape[1]]


def is_colour(picture, colour: str) -> np.ndarray:
    return (picture == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=-1)


def states(**runs) -> np.ndarray:
    state = np.full(561, TraceState.TRACED, np.uint8)
    for name, (first, last) in runs.items():
        state[first:last] = TraceState[name.upper()]
    return state


def test_the_scan_is_pale_grey_under_the_curves_and_keeps_its_place() -> None:
    pixels = paper()
    pixels[300:310, 60:340] = 0
    picture = drawn(pixels, calibration(), [[trace(100.0), trace(200.0, curve_class=2)]])
    assert (picture[305, 120:180] == INK).all()
    assert (picture[450, 120:180] == 255).all()
    for colour, column in ((CURVE_COLOURS[1], 100), (CURVE_COLOURS[2], 200)):
        line = is_colour(picture, colour)[20:581]
        assert line[:, column].all()
        assert 1 <= line[:, column - 5 : column + 6].sum(axis=1).max() <= 3, "the line is thin"


def test_a_kick_is_one_unbroken_line() -> None:
    column = np.full(561, 100.0)
    column[250:260] = 320.0
    picture = drawn(paper(), calibration(curves=[GAMMA]), [[trace(column)]])
    line = is_colour(picture, CURVE_COLOURS[1])
    for rows in (slice(268, 272), slice(278, 282)):
        assert line[rows, 100:321].any(axis=0).all()


def test_bridged_stretches_are_pale_and_dashed_and_missing_ones_have_a_bar_at_the_edge() -> None:
    state = states(bridged=(100, 200), missing=(300, 400))
    picture = drawn(paper(), calibration(curves=[GAMMA]), [[trace(150.0, state)]])
    solid, pale = is_colour(picture, CURVE_COLOURS[1]), is_colour(picture, BRIDGED_COLOURS[1])
    bridged, missing = slice(122, 219), slice(322, 419)
    assert 0.4 < pale[bridged, 150].mean() < 0.8, "dashes with gaps"
    assert not solid[bridged].any()
    assert not solid[missing, 50:].any(), "nothing is drawn where the curve is missing"
    assert solid[missing, 30:50].any(axis=1).all(), "a bar stands beside the left edge"
    assert not solid[430:580, :50].any(), "and only there"


def test_what_a_hand_drew_is_bold_and_bright() -> None:
    machine = drawn(paper(), calibration(), [[trace(150.0)]])
    picture = drawn(paper(), calibration(), [[trace(150.0, states(edited=(100, 200)))]])
    assert not is_colour(machine, EDITED_COLOURS[1]).any()
    bright, plain = is_colour(picture, EDITED_COLOURS[1]), is_colour(picture, CURVE_COLOURS[1])
    assert bright.any(axis=1).sum() == pytest.approx(100, abs=3)
    assert bright.sum(axis=1).max() > plain.sum(axis=1).max(), "bolder than what was traced"


def test_bars_of_two_missing_curves_stand_side_by_side() -> None:
    missing = states(missing=(0, 561))
    picture = drawn(paper(), calibration(), [[trace(1.0, missing), trace(1.0, missing, curve_class=2)]])
    bars = [np.flatnonzero(is_colour(picture, CURVE_COLOURS[c])[300]) for c in (1, 2)]
    assert len(bars[0]) == len(bars[1]) > 0
    assert not set(bars[0]) & set(bars[1])


def test_track_edges_follow_a_skewed_page() -> None:
    skewed = calibration(left=[(20, 50), (580, 90)], curves=[GAMMA])
    picture = drawn(paper(), skewed, [[trace(200.0)]])
    for row in (150, 300, 450):
        edge = round(50 + 40 * (row - 20) / 560)
        assert (picture[row, edge] < 100).all()


def test_ignored_rectangles_are_hatched() -> None:
    with_hatch = drawn(paper(), calibration(ignore=[(100, 200, 250, 330)]), [[trace(100.0), trace(120.0)]])
    without = drawn(paper(), calibration(), [[trace(100.0), trace(120.0)]])
    changed = (with_hatch != without).any(axis=-1)
    assert 0.03 < changed[110:190, 255:325].mean() < 0.3
    changed[100:201, 250:331] = False
    assert not changed.any()


def test_a_crossing_has_a_ring_that_hides_neither_curve() -> None:
    traces = [[trace(180.0), trace(220.0, curve_class=2)]]
    with_ring = drawn(paper(), calibration(), traces, [Crossing(295, 305, 260.0)])
    changed = np.argwhere((with_ring != drawn(paper(), calibration(), traces)).any(axis=-1))
    assert abs(changed.mean(axis=0) - [300, 260]).max() < 1
    distance = np.hypot(*(changed - [300, 260]).T)
    assert distance.min() > 5
    assert distance.max() < 15


def test_scales_and_depths_are_printed_round_the_scan() -> None:
    """The margins of two calibrations differ where their numbers do."""

    def margins(tracks: Tracks) -> tuple[np.ndarray, np.ndarray]:
        picture = np.asarray(overlay_picture(paper(), tracks, [[trace(100.0)]]).convert("L"))
        top, left = np.argwhere(picture == INK[0])[0]
        return picture[:top], picture[top:, :left]

    gamma = calibration(curves=[GAMMA])
    above, beside = margins(gamma)
    assert (above < 100).sum() > 200
    assert (beside < 100).sum() > 100
    neutron = Curve(curve_class=1, mnemonic="NEUT", unit="cps", left=0, right=150)
    renamed, same_depths = margins(calibration(curves=[neutron]))
    assert (renamed != above).any()
    assert (same_depths == beside).all()
    deeper = Tracks(depth=DepthAxis(unit="ft", anchors=[(0, 2000), (600, 2060)]), tracks=gamma.tracks)
    same_scale, other_depths = margins(deeper)
    assert (same_scale == above).all()
    assert (other_depths != beside).any()


def test_scales_of_tracks_that_share_columns_stand_above_one_another() -> None:
    upper, lower = (
        Track(name=name, left=50, right=350, top=top, bottom=top + 200, curves=[curve])
        for name, top, curve in (("upper", 20, GAMMA), ("lower", 300, CALIPER))
    )
    nothing = np.zeros(0)
    empty = Trace(1, 20, nothing, nothing.astype(np.float32), nothing.astype(np.uint8))
    one = overlay_picture(paper(), Tracks(depth=FEET, tracks=[upper]), [[empty]])
    two = overlay_picture(paper(), Tracks(depth=FEET, tracks=[upper, lower]), [[empty], [empty]])
    assert two.height > one.height


def test_a_long_scan_is_drawn_smaller_with_its_thinnest_ink() -> None:
    pixels = paper(3001, 301)
    pixels[:, 200] = 0
    tracks = calibration(bottom=2900, right=290, curves=[GAMMA])
    column = np.full(2881, 100.0)
    long = Trace(1, 20, column, np.ones(2881, np.float32), np.ones(2881, np.uint8))
    picture = overlay_picture(pixels, tracks, [[long]], most_rows=1000)
    assert 750 < picture.height < 950
    rgb = np.asarray(picture.convert("RGB"))
    assert (rgb == INK).all(axis=-1).sum(axis=0).max() >= 740, (
        "the black line is still there from top to bottom"
    )
    assert is_colour(rgb, CURVE_COLOURS[1])[150:800].any(axis=1).all()


def test_reducing_keeps_the_darkest_pixel_of_blocks_that_do_not_fit() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (7, 10), dtype=np.uint8)
    expected = [[pixels[r : r + 3, c : c + 3].min() for c in range(0, 10, 3)] for r in range(0, 7, 3)]
    assert darkest_of_blocks(pixels, 3).tolist() == expected
    assert darkest_of_blocks(pixels, 1).tolist() == pixels.tolist()


def test_the_file_is_a_png_with_a_palette_and_always_the_same(tmp_path) -> None:
    for name in ("a.png", "b.png"):
        write_overlay(tmp_path / name, paper(), calibration(), [[trace(100.0), trace(200.0, curve_class=2)]])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "P")


@pytest.mark.parametrize(
    "changes",
    [
        {"left": -0.5, "right": 399.5, "top": -0.5, "bottom": 599.5},
        {"left": 197, "right": 203},
        {"top": 300, "bottom": 301},
        {"curves": [GAMMA], "ignore": [(-50, 5000, -50, 5000)]},
        {
            "curves": [
                Curve(curve_class=2, mnemonic="RES", unit="Ω·m", left=0.2, right=2000, scale="log", wraps=2)
            ]
        },
    ],
    ids=["the whole scan", "a narrow track", "a low track", "all ignored", "a log scale with wraps"],
)
def test_every_calibration_can_be_drawn(changes) -> None:
    tracks = calibration(**changes)
    traces = [trace(200.0, curve_class=curve.curve_class) for curve in tracks.tracks[0].curves]
    assert (
        overlay_picture(paper(), tracks, [traces], [Crossing(0, 0, 0.0), Crossing(599, 599, 399.0)]).height
        > 600
    )


@given(
    st.lists(st.tuples(st.sampled_from(TraceState), st.floats(5, 420)), min_size=1, max_size=60),
    st.integers(5, 590),
)
def test_any_trace_leaves_its_mark_just_where_it_has_columns(points, top: int) -> None:
    """A row is marked where the curve was traced, and no row above or below the trace is."""
    state = np.array([state for state, _ in points], np.uint8)
    column = np.where(state == TraceState.MISSING, np.nan, [column for _, column in points])
    ragged = Trace(1, top, column, np.ones(len(points), np.float32), state)
    tracks = calibration(curves=[GAMMA])
    picture = np.asarray(overlay_picture(paper(), tracks, [[ragged]]).convert("RGB"))
    at_row, at_column = np.argwhere((picture == INK).all(axis=-1))[0]
    line = is_colour(picture, CURVE_COLOURS[1])[at_row : at_row + ROWS, at_column : at_column + COLUMNS]
    marked = line.any(axis=1)
    for row, (kind, where) in enumerate(points, start=top):
        if kind == TraceState.TRACED and 0 <= row < ROWS and 1 <= where < COLUMNS - 2:
            assert marked[row]
    assert not marked[max(top + len(points) + 1, 0) :].any()
    assert not marked[: max(top - 1, 0)].any()
