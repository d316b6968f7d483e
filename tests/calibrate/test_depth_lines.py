"""Numbers are tied to the depth lines that all of them stand at, or to none."""

import numpy as np

from napari_welllog.calibrate.depth_lines import (
    LevelLines,
    find_level_lines,
    thinned,
    tie_numbers,
    ties_to_themselves,
)
from napari_welllog.calibrate.straighten import Lean, measure_lean
from napari_welllog.tracks import Curve, Track

LEAN = Lean(np.zeros(1), np.zeros(1))


def lines(spacing=20.0, count=60, heavy=5):
    ink = np.where(np.arange(count) % heavy == 0, 3.0, 1.0)
    return LevelLines(100 + spacing * np.arange(count), ink)


def track(left=20, right=420, top=0, bottom=999):
    curve = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
    return Track(name="one", left=left, right=right, top=top, bottom=bottom, curves=[curve])


def test_numbers_are_tied_to_the_line_through_their_middle():
    rows = [100 + 100 * k + shift for k, shift in enumerate((1.5, -1, 0.5, 2, 0))]
    ties = tie_numbers(lines(), rows, [10 * k for k in range(5)], reach=12)
    assert [tie.row for tie in ties] == [100, 200, 300, 400, 500]
    assert max(abs(tie.residual) for tie in ties) == 0


def test_numbers_printed_above_their_lines_are_tied_below():
    ties = tie_numbers(lines(), [89 + 100 * k for k in range(6)], [10 * k for k in range(6)], reach=14)
    assert [tie.row for tie in ties] == [100 + 100 * k for k in range(6)]


def test_numbers_half_way_between_lines_of_one_weight_are_refused():
    even = LevelLines(100 + 20.0 * np.arange(60), np.ones(60))
    assert "between two depth lines" in tie_numbers(even, [110, 210, 310, 410], [0, 10, 20, 30], reach=14)


def test_a_line_that_has_worn_away_leaves_its_number_untied():
    kept = lines()
    gone = LevelLines(np.delete(kept.rows, 10), np.delete(kept.ink, 10))
    ties = tie_numbers(gone, [100 + 100 * k for k in range(6)], [10 * k for k in range(6)], reach=8)
    assert ties[2] is None
    assert sum(tie is not None for tie in ties) == 5


def test_without_lines_numbers_are_refused():
    nothing = LevelLines(np.zeros(0), np.zeros(0))
    assert "no depth lines" in tie_numbers(nothing, [1, 2, 3], [1, 2, 3], reach=5)


def test_lines_are_found_below_a_pixel_whatever_curves_cross_them():
    scan = np.full((1000, 440), 255, np.uint8)
    for row in range(50, 1000, 50):
        scan[row : row + 2, 20:421] = 0
    columns = (220 + 150 * np.sin(np.arange(1000) / 40)).astype(int)
    scan[np.arange(1000), columns] = 0
    scan[333, 60:200] = 0  # a kick
    found = find_level_lines(scan, [track()], (0, 999), 220, LEAN)
    np.testing.assert_allclose(found.rows, np.arange(50.5, 1000, 50), atol=0.3)


def test_the_lean_of_a_page_is_measured_stretch_by_stretch():
    scan = np.full((6600, 440), 255, np.uint8)
    across = np.arange(440)
    for row in range(40, 6500, 30):
        lean = 0.002 + 0.008 * row / 6600
        places = np.rint(row + lean * (across - 220)).astype(int)
        scan[places, across] = scan[places + 1, across] = 0
    lean = measure_lean(scan, [track(bottom=6599)])
    np.testing.assert_allclose(lean.at([2400, 4100]), [0.0049, 0.007], atol=0.001)


def test_a_straight_line_needs_two_anchors_and_a_bend_one_more():
    straight = [(100 + 50.0 * k, 10.0 * k) for k in range(20)]
    assert thinned(straight) == [straight[0], straight[-1]]
    bent = straight[:10] + [(row + 3 * (k + 1), depth) for k, (row, depth) in enumerate(straight[10:])]
    assert len(thinned(bent)) == 3


def test_on_paper_that_was_fed_unevenly_all_numbers_keep_their_lines():
    rng = np.random.default_rng(4)
    spacing, heavy = 42.0, 10
    rows = np.cumsum(np.full(101, spacing)) + np.repeat(rng.uniform(-6, 6, 11), heavy)[:101].round(1)
    lines = LevelLines(rows, np.where(np.arange(101) % heavy == 0, 4.0, 1.0))
    numbered = rows[::heavy]
    ties = tie_numbers(lines, numbered - 2.0, 100.0 * np.arange(len(numbered)), reach=20)
    assert [tie.row for tie in ties] == numbered.tolist()
    assert max(abs(tie.residual) for tie in ties) > 2.5


def test_where_no_line_is_left_numbers_that_lie_on_a_straight_line_stand_for_themselves():
    ties = ties_to_themselves([100, 200, 301, 400, 500], [10, 20, 30, 40, 50])
    assert [tie.row for tie in ties] == [100, 200, 301, 400, 500]
    assert max(abs(tie.residual) for tie in ties) < 1
    assert "stray" in ties_to_themselves([100, 200, 310, 400, 500], [10, 20, 30, 40, 50])
    assert "only 3 numbers" in ties_to_themselves([100, 200, 300], [10, 20, 30])
