"""The grid that is drawn over the scan: round depths on their rows, few enough to be drawn while dragging."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog.tracks import Curve, Track
from napari_welllog.tracks.editing import Draft, with_anchors, with_track, with_unit
from napari_welllog.tracks.grid_lines import View, divisions, grid_lines, round_numbers, round_step

ROWS, COLUMNS = 17_864, 1_664


def a_curve(**changes: object) -> Curve:
    fields = {
        "curve_class": 1,
        "mnemonic": "ILD",
        "unit": "ohm.m",
        "left": 0.2,
        "right": 2000,
        "scale": "log",
    }
    return Curve(**(fields | changes))


def a_draft(anchors: list, **changes: object) -> Draft:
    track = with_track(Draft(), (100, 17_000, 200, 1200)).tracks[0]
    fields = {name: getattr(track, name) for name in Track.model_fields} | changes
    return with_anchors(Draft("ft", (), (Track(**fields),)), anchors)


def view_of(top: float, bottom: float, left: float = 0, right: float = COLUMNS, height: int = 900) -> View:
    point = (bottom - top) / height
    return View(top, bottom, left, right, (point, point))


# --- Round numbers ---


@given(least=st.floats(1e-6, 1e6))
def test_a_round_step_is_the_next_of_one_two_and_five(least: float) -> None:
    step = round_step(least)
    assert least * (1 - 1e-6) <= step <= 2.5 * least * (1 + 1e-6)
    assert f"{step:.0e}"[0] in "125"


@given(
    first=st.floats(-1e4, 1e4), length=st.floats(0, 1e3), step=st.sampled_from([0.1, 0.2, 0.5, 1, 2, 5, 10])
)
def test_round_numbers_are_all_the_multiples_between(first: float, length: float, step: float) -> None:
    numbers = round_numbers(first, first + length, step)
    assert numbers == round_numbers(first + length, first, step)
    assert all(first - 1e-6 <= number <= first + length + 1e-6 for number in numbers)
    assert len(numbers) in (int(length / step), int(length / step) + 1, int(length / step) + 2)
    np.testing.assert_allclose(np.diff(numbers), step)


# --- Depth lines ---


@given(
    depth=st.floats(0, 20_000),
    per_row=st.floats(0.005, 2),
    upward=st.booleans(),
    top=st.integers(0, 16_000),
    rows=st.integers(200, 17_864),
)
def test_labelled_lines_lie_on_the_rows_of_their_depths(
    depth: float, per_row: float, upward: bool, top: int, rows: int
) -> None:
    slope = -per_row if upward else per_row
    draft = a_draft([(0, depth), (9000, depth + 9000 * slope), (17_000, depth + 17_050 * slope)])
    view = view_of(top, top + rows)
    grid = grid_lines(draft, view, ROWS)
    labels = [label for label in grid.labels if label.kind == "depth"]
    lines = sorted(start[0] for start, _, kind in grid.lines if kind == "depth")
    depths = sorted(float(label.text) for label in labels)
    np.testing.assert_allclose(sorted(draft.depth_axis(ROWS).rows(depths)), lines, atol=1e-3)
    assert all(max(100, view.top) - 1 <= row <= min(17_000, view.bottom) + 1 for row in lines)
    assert len(lines) < 30
    assert (np.diff(lines) > 30 * view.point[0]).all(), "labels have room"


def test_without_depths_there_are_no_depth_lines() -> None:
    kinds = {kind for _, _, kind in grid_lines(a_draft([]), view_of(0, ROWS), ROWS).lines}
    assert kinds == {"edge", "division", "fine division"}
    with_rows = with_unit(a_draft([(1, 2), (3, 4)]), "row")
    assert {kind for _, _, kind in grid_lines(with_rows, view_of(0, ROWS), ROWS).lines} == kinds


def test_fine_lines_stand_between_labelled_ones() -> None:
    grid = grid_lines(a_draft([(100, 0), (17_000, 1690)]), view_of(100, 1000), ROWS)
    depths = {kind: [round((line[0][0] - 100) / 10, 6) for line in grid.lines if line[2] == kind] for kind in
              ("depth", "fine depth")}  # fmt: skip
    assert depths["depth"][:3] == [0, 5, 10]
    assert set(depths["fine depth"][:4]) == {1, 2, 3, 4}


# --- Divisions ---


def test_a_linear_track_has_ten_divisions() -> None:
    places = divisions(a_curve(left=0, right=150, scale="linear"))
    assert [round(place, 6) for place, _ in places] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert [place for place, main in places if main] == [0.5]


@pytest.mark.parametrize(("left", "right"), [(0.2, 2000), (2000, 0.2)])
def test_a_logarithmic_track_has_its_decades(left: float, right: float) -> None:
    curve = a_curve(left=left, right=right)
    places = divisions(curve)
    mains = curve.value_axis.values([place for place, main in places if main])
    assert sorted(mains.round(6)) == [1, 10, 100, 1000]
    assert len(places) == 9 * 4 - 1
    assert [place for place, _ in places] == sorted(place for place, _ in places)
    assert 0 < places[0][0] < places[-1][0] < 1


def test_a_scale_of_absurdly_many_decades_draws_nothing() -> None:
    assert divisions(a_curve(left=1e-15, right=1e30)) == []


def test_divisions_follow_a_skewed_page() -> None:
    draft = a_draft([], left=[(100, 200), (8000, 260), (17_000, 200)])
    grid = grid_lines(draft, view_of(0, ROWS), ROWS)
    middles = [(start, end) for start, end, kind in grid.lines if kind == "division"]
    assert middles == [((100, 700), (8000, 730)), ((8000, 730), (17_000, 700))]
    assert sum(kind == "corner" for _, _, kind in grid.lines) == 3 * 4, "a box at each corner"


# --- Labels, areas to ignore, anchors ---


def test_the_scales_stand_at_the_edges_in_view() -> None:
    curves = [
        a_curve(curve_class=2, mnemonic="GR", unit="", left=0, right=150, scale="linear"),
        a_curve(wraps=1),
    ]
    grid = grid_lines(a_draft([], curves=curves), view_of(5000, 5900), ROWS)
    texts = {(label.text, label.align) for label in grid.labels}
    assert texts >= {
        ("0.2", "left"), ("2000", "right"), ("ILD (ohm.m), 1x backup", "centre"), ("GR", "centre"), ("150", "right"),
    }  # fmt: skip
    assert all(5000 < label.row < 5100 for label in grid.labels)


def test_a_track_as_narrow_as_a_finger_shows_its_name_only() -> None:
    grid = grid_lines(a_draft([]), view_of(0, 9 * ROWS), ROWS)
    assert [label.text for label in grid.labels] == ["track 1"]


def test_what_is_ignored_is_hatched_inside_its_rectangle_and_only_in_view() -> None:
    draft = a_draft([], ignore=[(5000, 15_000, 300, 400), (1000, 1100, 300, 400)])
    grid = grid_lines(draft, view_of(5500, 6400), ROWS)
    ends = np.array([line[:2] for line in grid.lines if line[2] == "ignored"])
    assert 20 < len(ends) < 120
    hatches = ends[4:]
    assert (hatches[..., 0] >= 5500).all()
    assert (hatches[..., 0] <= 6400).all()
    assert (hatches[..., 1] >= 300).all()
    assert (hatches[..., 1] <= 400).all()


def test_anchors_are_shown_before_there_is_a_track() -> None:
    grid = grid_lines(with_anchors(Draft("m"), [(500, 10.5), (90_000, 20)]), view_of(0, 900), ROWS)
    assert [line[0][0] for line in grid.lines] == [500]
    assert [label.text for label in grid.labels] == ["10.5 m"]


def test_nothing_is_drawn_of_what_is_out_of_view() -> None:
    draft = a_draft([(100, 0), (17_000, 1690)])
    assert grid_lines(draft, view_of(17_200, 17_800), ROWS).lines == []
    assert grid_lines(draft, view_of(1000, 1100, 1300, 1600), ROWS).lines == []


@given(top=st.floats(0, 17_000), rows=st.floats(10, 60_000))
def test_a_view_never_holds_more_lines_than_can_be_drawn_while_dragging(top: float, rows: float) -> None:
    draft = a_draft([(100, 0), (17_000, 1690)], curves=[a_curve()], ignore=[(200, 16_000, 300, 500)] * 3)
    grid = grid_lines(draft, view_of(top, top + rows), ROWS)
    assert len(grid.lines) < 600
    assert len(grid.labels) < 60
