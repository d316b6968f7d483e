"""Depth anchors: the printed line under a click, and the anchor that contradicts the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog.tracks.anchors import SNAP_ROWS, anchor_residuals, contradicts, line_near


def lined_paper(*lines: int, thick: int = 2) -> np.ndarray:
    """Paper with a column line and a curve, and level lines from the given rows on."""
    scan = np.full((400, 600), 255, np.uint8)
    scan[:, 100] = 0
    scan[np.arange(400), (300 + 200 * np.sin(np.arange(400) / 40)).astype(int)] = 0
    for row in lines:
        scan[row : row + thick] = 0
    return scan


# --- The printed line under a click ---


@given(click=st.integers(200 - SNAP_ROWS, 201 + SNAP_ROWS), column=st.integers(0, 599))
def test_a_click_near_a_line_finds_its_middle(click: int, column: int) -> None:
    assert line_near(lined_paper(200), click, column) == 200.5


def test_of_two_lines_the_darker_is_taken() -> None:
    scan = lined_paper(205)
    scan[198, ::2] = 0
    assert line_near(scan, 200, 300) == 205.5


@pytest.mark.parametrize("row", [100, 200 + 2 * SNAP_ROWS, 0, 399])
def test_where_no_line_is_near_there_is_none(row: int) -> None:
    assert line_near(lined_paper(200), row, 300) is None


def test_a_dotted_line_is_a_line() -> None:
    scan = lined_paper()
    scan[150, (np.arange(600) // 4) % 2 == 0] = 0
    assert line_near(scan, 147, 300) == 150


def test_a_curve_and_a_word_are_no_lines() -> None:
    scan = lined_paper()
    scan[148:153, 290:310:3] = 0
    assert line_near(scan, 150, 300) is None


def test_on_a_skewed_page_the_line_is_found_where_it_was_clicked() -> None:
    scan = np.full((400, 1600), 255, np.uint8)
    columns = np.arange(1600)
    for thickness in (0, 1, 2):
        scan[(200 + 0.004 * columns).astype(int) + thickness, columns] = 0
    near_left, near_right = line_near(scan, 202, 200), line_near(scan, 208, 1400)
    assert near_left == pytest.approx(201.3, abs=1)
    assert near_right == pytest.approx(206.1, abs=1)


def test_a_black_page_has_no_lines() -> None:
    assert line_near(np.zeros((300, 300), np.uint8), 150, 150) is None


# --- Residuals ---

rows_of_anchors = st.lists(st.integers(0, 100_000), min_size=4, max_size=12, unique=True).map(sorted)


@given(rows=rows_of_anchors, slope=st.floats(0.01, 10), start=st.floats(-1000, 20_000))
def test_anchors_on_one_line_have_no_residuals(rows: list[int], slope: float, start: float) -> None:
    anchors = [(row, start + slope * row) for row in rows]
    np.testing.assert_allclose(anchor_residuals(anchors), 0, atol=1e-6 * (abs(start) + slope * 100_000))
    assert not contradicts(anchors, anchor_residuals(anchors)).any()


@given(
    rows=st.lists(st.integers(0, 500), min_size=4, max_size=12, unique=True).map(sorted),
    which=st.integers(0, 11),
    mistake=st.sampled_from([-1000.0, -100.0, -9.0, 9.0, 100.0, 1000.0]),
)
def test_one_mistyped_depth_among_four_or_more_stands_out_alone(
    rows: list[int], which: int, mistake: float
) -> None:
    anchors = [(100.0 * row, 500 + 10.0 * row) for row in rows]
    which %= len(anchors)
    row, depth = anchors[which]
    anchors[which] = (row, depth + mistake)
    residuals = anchor_residuals(anchors)
    np.testing.assert_allclose(residuals, np.where(np.arange(len(rows)) == which, mistake, 0), atol=1e-6)
    assert np.flatnonzero(contradicts(anchors, residuals)).tolist() == [which]


def test_stretched_paper_is_no_contradiction() -> None:
    rows = np.arange(0, 20_000, 2000)
    depths = 100 + rows / 10 + 0.3 * np.sin(rows / 3000)
    anchors = list(zip(rows.tolist(), depths.tolist(), strict=True))
    assert not contradicts(anchors, anchor_residuals(anchors)).any()


def test_among_three_nobody_can_tell_which_is_wrong() -> None:
    anchors = [(0, 0), (100, 10), (200, 30)]
    residuals = anchor_residuals(anchors)
    assert (residuals != 0).all()
    assert not contradicts(anchors, residuals).any()


@pytest.mark.parametrize("anchors", [[], [(5, 10)], [(5, 10), (6, 11)]])
def test_fewer_than_three_anchors_have_nothing_to_be_compared_with(anchors: list) -> None:
    residuals = anchor_residuals(anchors)
    assert len(residuals) == len(anchors)
    assert np.isnan(residuals).all()
    assert not contradicts(anchors, residuals).any()
