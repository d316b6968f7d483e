"""The ink brush labels the ink under it and no paper, wherever it is and however pale."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog.errors import Cancelled
from napari_welllog.followers.printed_lines import erase_printed_lines
from napari_welllog.strokes import InkBrush, brush_mask
from napari_welllog.synthetic import PressSettings, print_log
from napari_welllog.synthetic.lesson import one_crossing, print_pairs

PRESS = PressSettings(
    dpi=(200.0, 200.0), single_one=0.0, single_two=0.0, off_scale_share=0.0, faint_share=0.0
)

points = st.lists(st.tuples(st.floats(-30, 60), st.floats(-30, 60)), max_size=5)


@pytest.fixture(scope="module", params=[0.0, 1.0], ids=["grey", "black and white"])
def log(request):
    return print_log(3, replace(PRESS, bilevel_share=request.param), rows=1600, columns=600, tracks=1)


def along(log, curve: int, rows: range) -> list[tuple[float, float]]:
    column = log.traces[curve - 1].column
    return [(row, column[row]) for row in rows if np.isfinite(column[row])]


@pytest.mark.parametrize("curve", [1, 2])
def test_painting_roughly_along_a_curve_labels_its_ink(log, curve) -> None:
    """Two pixels beside the curve, with a brush of six: nearly all of its pixels there, and nearly no paper."""
    brush, labels = InkBrush(log.scan), np.zeros(log.scan.shape, np.uint8)
    path = [(row, column + 2) for row, column in along(log, curve, range(200, 1400))]
    change = brush.stroke(labels, path, radius=6, curve_class=curve)
    labels[change.indices] = change.values
    mask, (top, left) = brush_mask(labels.shape, path, 6)
    under = np.zeros(labels.shape, bool)
    under[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    truth = under & (log.classes == curve)
    assert (labels[truth] == curve).mean() > 0.8
    assert not labels[~under].any()
    assert log.scan[labels > 0].mean() < log.scan[under & (labels == 0)].mean() - 60


def test_paper_under_the_brush_stays_as_it_is() -> None:
    pixels = np.full((50, 50), 240, np.uint8)
    pixels[:, 25] = 20
    labels = np.full((50, 50), 2, np.uint8)
    change = InkBrush(pixels).stroke(labels, [(5, 25), (45, 25)], 8, 1)
    assert set(change.indices[1].tolist()) == {25}
    assert set(change.before.tolist()) == {2}


def test_background_rubs_out_paper_and_ink_alike() -> None:
    pixels = np.full((50, 50), 255, np.uint8)
    labels = np.full((50, 50), 2, np.uint8)
    change = InkBrush(pixels).stroke(labels, [(25, 25)], 3, 0)
    assert len(change) == 29, "a disc of radius 3"
    assert not change.values.any()


def test_the_darkness_decides_whether_pale_ink_counts() -> None:
    pixels = np.full((300, 60), 240, np.uint8)
    pixels[:, 20:22], pixels[:, 40:42] = 20, 190
    labels = np.zeros(pixels.shape, np.uint8)
    path = [(10, 41), (290, 41)]
    assert len(InkBrush(pixels).stroke(labels, path, 5, 1)) == 0
    assert len(InkBrush(pixels, darkness=0.15).stroke(labels, path, 5, 1)) > 500


def test_grid_lines_can_be_left_out() -> None:
    pixels = np.full((2000, 400), 255, np.uint8)
    pixels[:, 100:102] = pixels[::100] = 0
    wander = 100 + np.rint(60 * np.sin(np.arange(2000) / 90)).astype(int)
    for row, column in enumerate(wander):
        pixels[row, column : column + 3] = 0
    labels = np.zeros(pixels.shape, np.uint8)
    path = [(row, wander[row] + 1) for row in range(0, 2000, 10)]
    every, curve = (InkBrush(pixels, grid_lines=keep).stroke(labels, path, 8, 1) for keep in (True, False))
    on_line = [np.isin(change.indices[1], (100, 101)).sum() for change in (every, curve)]
    assert on_line[0] > 2 * on_line[1], "where the curve crosses it stays"
    on_curve = np.abs(curve.indices[1] - wander[curve.indices[0]] - 1) <= 1
    assert on_curve.sum() > 5500


def test_a_curve_that_all_but_stands_still_is_painted_though_it_looks_like_a_grid_line() -> None:
    pixels = np.full((400, 200), 255, np.uint8)
    pixels[::20] = 0  # level lines
    pixels[:, ::50] = 0  # vertical lines
    pen = np.rint(80 + 2 * np.sin(np.arange(400) / 9)).astype(int)
    for width in range(3):
        pixels[np.arange(400), pen + width] = 0
    labels = np.zeros(pixels.shape, np.uint8)
    for start in range(10, 380, 4):  # as the mouse moves, a little at a time
        change = InkBrush(pixels, grid_lines=False).stroke(labels, [(start, 81), (start + 4, 81)], 8, 1)
        labels[change.indices] = 1
    assert labels[np.arange(20, 380), pen[20:380] + 1].mean() > 0.95
    assert not labels[30:40, :74].any()


def test_in_the_gaps_of_dashes_no_grid_line_is_painted() -> None:
    pixels = np.full((400, 200), 255, np.uint8)
    pixels[:, 100:102] = 0  # a grid line
    dashed = np.arange(400) % 24 < 14
    pixels[dashed, 106:109] = 0
    labels = np.zeros(pixels.shape, np.uint8)
    change = InkBrush(pixels, grid_lines=False).stroke(labels, [(10, 107), (390, 107)], 8, 2)
    assert set(change.indices[1].tolist()) == {106, 107, 108}


@pytest.mark.parametrize("grid_lines", [True, False])
def test_ink_is_the_same_whatever_the_order_of_the_strokes(log, grid_lines) -> None:
    """Bands are found one by one, and no seam shows: close to all at once, and the same however they come."""
    one, other = InkBrush(log.scan, grid_lines=grid_lines), InkBrush(log.scan, grid_lines=grid_lines)
    other.prepare()
    whole = other.ink((0, 1600), (0, 600))
    for rows in ((1100, 1500), (0, 30), (500, 1100), (511, 513)):
        np.testing.assert_array_equal(one.ink(rows, (50, 300)), whole[rows[0] : rows[1], 50:300])
    if not grid_lines:
        at_once = InkBrush(log.scan).ink((0, 1600), (0, 600))
        erase_printed_lines(at_once)
        assert (whole != at_once).mean() < 0.01


def test_preparing_can_be_stopped() -> None:
    with pytest.raises(Cancelled):
        InkBrush(np.zeros((50, 50), np.uint8)).prepare(lambda: True)


def test_a_stroke_on_a_large_window_is_quick() -> None:
    """The bound of the design is 20 ms beyond napari's brush on 8,192 x 1,664; here with room for a busy machine."""
    log = print_pairs([one_crossing()], across=1)
    pixels = np.tile(log.scan, (29, 7))[:8192, :1664]
    labels = np.zeros(pixels.shape, np.uint8)
    brush = InkBrush(pixels)
    took = []
    for k in range(30):
        path = [(200 * k + 10 * step + 40, 500 + 12 * step) for step in range(20)]
        began = time.perf_counter()
        change = brush.stroke(labels, path, 10, 1)
        took.append(time.perf_counter() - began)
        labels[change.indices] = change.values
    assert labels.any()
    assert np.median(took) < 0.03


# --- The shape of a stroke ---


@given(points, st.floats(0.5, 9))
def test_under_the_brush_is_what_is_near_its_line(path, radius) -> None:
    mask, (top, left) = brush_mask((40, 30), path, radius)
    whole = np.zeros((40, 30), bool)
    whole[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    row, column = np.indices(whole.shape)
    nearest = np.full(whole.shape, np.inf)
    for (r0, c0), (r1, c1) in zip(path, path[1:] or path, strict=False):
        for share in np.linspace(0, 1, 101):
            distance = np.hypot(row - r0 - share * (r1 - r0), column - c0 - share * (c1 - c0))
            nearest = np.minimum(nearest, distance)
    assert whole[nearest <= radius - 1].all()
    assert not whole[nearest > radius + 1].any()


def test_a_stroke_outside_the_window_changes_nothing() -> None:
    brush, labels = InkBrush(np.zeros((20, 20), np.uint8)), np.zeros((20, 20), np.uint8)
    for path in ([(-50, -50)], [(100, 5), (120, 5)], []):
        assert len(brush.stroke(labels, path, 4, 1)) == 0
