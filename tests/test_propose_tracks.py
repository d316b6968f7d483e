"""Tracks found by themselves: what a printed grid gives away, however worn, skewed or cut off."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_welllog.errors import TracksError
from napari_welllog.tracks import Tracks, propose_layouts, propose_tracks
from napari_welllog.tracks.by_header import _cut_at, _joined, _with_neighbours_joined

ROWS, COLUMNS = 1600, 700
TOP, BOTTOM = 300, 1500
SLOPE = 0.006


def paper(rows=ROWS, columns=COLUMNS):
    return np.full((rows, columns), 255, np.uint8)


def divisions(left, right, count=10):
    return np.linspace(left, right, count + 1)


def decades(left, right, count):
    """Lines of a logarithmic grid: 1, 2, ... 9 of each decade, and the end of the last."""
    steps = np.log10(np.arange(1, 10))
    places = np.concatenate([decade + steps for decade in range(count)] + [[count]])
    return left + (right - left) * places / count


def print_grid(scan, verticals, top=TOP, bottom=BOTTOM, spacing=24, slope=0.0, width=2):
    """Print a grid between its first and last vertical line; the page leans by slope columns a row."""
    rows = np.arange(top, bottom + 1)
    shift = slope * (rows - top)
    for number, line in enumerate(verticals):
        heavy = number in (0, len(verticals) - 1)
        for column in range(width + 2 * heavy):
            places = np.rint(line + shift + column - (width + 2 * heavy - 1) / 2).astype(int)
            inside = (places >= 0) & (places < scan.shape[1])
            scan[rows[inside], places[inside]] = 0
    for row in range(top, bottom + 1, spacing):
        left, right = (round(line + slope * (row - top)) for line in (verticals[0], verticals[-1]))
        scan[row : min(row + 2, bottom + 1), max(left, 0) : max(right + 1, 0)] = 0


def draw_curve(scan, left, right, seed, top=TOP, bottom=BOTTOM, width=3):
    """Draw a wandering curve between two columns."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 1, bottom - top))
    fraction = 0.5 + 0.45 * np.sin(walk / 12)
    for row, column in zip(range(top, bottom), left + fraction * (right - left), strict=True):
        scan[row, round(column) : round(column) + width] = 0


def wear(scan, kept, seed):
    """Break lines into dots and dashes, keeping a share of the ink, and add specks."""
    rng = np.random.default_rng(seed)
    holes = np.repeat(
        np.repeat(rng.random((scan.shape[0] // 6 + 1, scan.shape[1] // 6 + 1)) > kept, 6, 0), 6, 1
    )
    scan[holes[: scan.shape[0], : scan.shape[1]]] = 255
    scan[rng.random(scan.shape) < 0.002] = 0


def print_header(scan, seed, top=20, bottom=TOP - 20):
    """Print words and a table above the log."""
    rng = np.random.default_rng(seed)
    for _ in range(60):
        row, column = rng.integers(top, bottom - 12), rng.integers(0, scan.shape[1] - 60)
        scan[row : row + 12, column : column + rng.integers(10, 60)] = rng.choice([0, 255], 1)
    scan[bottom - 30 : bottom - 28, 10:-10] = 0


def two_track_log(slope=0.0):
    """A log of two tracks with a depth column between them, and a curve in each."""
    scan = paper()
    print_header(scan, seed=1)
    print_grid(scan, divisions(40, 290), slope=slope)
    print_grid(scan, divisions(370, 670), slope=slope)
    draw_curve(scan, 60, 270, seed=2)
    draw_curve(scan, 400, 640, seed=3)
    for row in range(TOP + 40, BOTTOM - 60, 200):  # depth numbers, printed sideways
        scan[row : row + 50 : 3, 310:340] = 0
    return scan


def edges_at(tracks, rows):
    return [edge for track in tracks.tracks for edge in track.edges(rows)]


def test_tracks_are_found_between_the_edges_of_the_grid():
    tracks = propose_tracks(two_track_log())
    edges = [(track.left, track.right) for track in tracks.tracks]
    np.testing.assert_allclose(edges, [(40, 290), (370, 670)], atol=1)
    for track in tracks.tracks:
        assert track.top == pytest.approx(TOP, abs=3)
        assert track.bottom == pytest.approx(BOTTOM, abs=3)


def test_a_proposal_is_in_rows_and_fractions_of_the_track(tmp_path):
    scan = two_track_log()
    tracks = propose_tracks(scan)
    tracks.check_against(*scan.shape)
    assert tracks.depth.unit == "row"
    assert tracks.depth.depths([0, 777.5, 1599]).tolist() == [0, 777.5, 1599]
    assert [curve.mnemonic for track in tracks.tracks for curve in track.curves] == [
        "T1C1",
        "T1C2",
        "T2C1",
        "T2C2",
    ]
    for track in tracks.tracks:
        assert [(curve.curve_class, curve.left, curve.right) for curve in track.curves] == [
            (1, 0, 1),
            (2, 0, 1),
        ]
    tracks.save(tmp_path / "tracks.json")
    assert Tracks.load(tmp_path / "tracks.json") == tracks, "a proposal is a tracks.json to be filled in"


def test_the_same_scan_gives_the_same_tracks():
    assert propose_tracks(two_track_log()).to_json() == propose_tracks(two_track_log()).to_json()


@pytest.mark.parametrize("slope", [-SLOPE, SLOPE / 3, SLOPE])
def test_the_edges_follow_a_skewed_page(slope):
    tracks = propose_tracks(two_track_log(slope))
    rows = np.linspace(TOP + 10, BOTTOM - 10, 7)
    wanted = [column + slope * (rows - TOP) for column in (40, 290, 370, 670)]
    np.testing.assert_allclose(edges_at(tracks, rows), wanted, atol=1.5)
    assert len(tracks.tracks[0].left) <= 4, "a straight page needs few points"


@pytest.mark.parametrize("kept", [0.6, 0.35])
def test_a_worn_grid_of_dots_and_dashes_is_seen(kept):
    scan = two_track_log()
    wear(scan, kept, seed=4)
    tracks = propose_tracks(scan)
    np.testing.assert_allclose(
        [edge.mean() for edge in edges_at(tracks, [TOP, BOTTOM])], [40, 290, 370, 670], atol=1.5
    )


def test_a_faint_grey_grid_on_uneven_paper_is_seen():
    scan = two_track_log()
    shade = 215 + 25 * np.sin(np.linspace(0, 4, ROWS))[:, None] * np.cos(np.linspace(0, 3, COLUMNS))
    grain = np.random.default_rng(5).normal(0, 4, scan.shape)
    grey = np.clip(shade + grain - 60 * (scan == 0), 0, 255).astype(np.uint8)
    tracks = propose_tracks(grey)
    np.testing.assert_allclose(
        [edge.mean() for edge in edges_at(tracks, [TOP, BOTTOM])], [40, 290, 370, 670], atol=1.5
    )


def test_a_logarithmic_grid_is_one_track():
    scan = paper()
    print_grid(scan, decades(60, 640, 3))
    draw_curve(scan, 100, 600, seed=6)
    (track,) = propose_tracks(scan).tracks
    assert (track.left, track.right) == pytest.approx((60, 640), abs=1)


def test_level_lines_through_the_depth_column_do_not_join_two_tracks():
    scan = paper()
    print_grid(scan, [*divisions(40, 290), *divisions(390, 640)])
    draw_curve(scan, 60, 270, seed=2)
    draw_curve(scan, 420, 620, seed=3)
    tracks = propose_tracks(scan)
    np.testing.assert_allclose([(t.left, t.right) for t in tracks.tracks], [(40, 290), (390, 640)], atol=1)


def test_a_track_cut_off_at_the_margin_reaches_to_the_edge_of_the_scan():
    scan = paper()
    print_grid(scan, divisions(-20, 230), spacing=24)
    print_grid(scan, divisions(370, 670))
    first, second = propose_tracks(scan).tracks
    assert first.left == -0.5
    assert first.right == pytest.approx(230, abs=1)
    assert (second.left, second.right) == pytest.approx((370, 670), abs=1)


def test_a_track_without_a_grid_is_found_beside_one_of_its_width():
    scan = paper()
    print_grid(scan, divisions(40, 300))
    scan[TOP : BOTTOM + 1, [400, 401, 660, 661]] = 0
    draw_curve(scan, 60, 270, seed=2)
    draw_curve(scan, 430, 630, seed=3)
    tracks = propose_tracks(scan)
    np.testing.assert_allclose(
        [(t.left, t.right) for t in tracks.tracks], [(40, 300), (400.5, 660.5)], atol=1
    )


@pytest.mark.parametrize("divided", [True, False])
def test_tracks_on_one_grid_are_told_apart_by_a_line_in_the_header(divided):
    scan = paper()
    print_grid(scan, divisions(40, 640, 20))
    for column in [40, 640] + [340] * divided:
        scan[100:TOP, column : column + 3] = 0
    edges = [(track.left, track.right) for track in propose_tracks(scan).tracks]
    np.testing.assert_allclose(edges, [(40, 340), (340, 640)] if divided else [(40, 640)], atol=1.5)


def test_a_faint_frame_in_the_header_tells_tracks_apart_too():
    scan = paper()
    print_grid(scan, divisions(40, 640, 20))
    for column in (40, 340, 640):
        scan[150:TOP, column : column + 3] = 165
        scan[200:206, column : column + 3] = 255  # worn
    edges = [(track.left, track.right) for track in propose_tracks(scan).tracks]
    np.testing.assert_allclose(edges, [(40, 340), (340, 640)], atol=1.5)


def test_a_track_ends_where_a_rule_of_the_header_ends():
    ruled, near = [(40.0, 592.0), (699.0, 1269.0)], 30.0
    assert _cut_at([(314.0, 1269.0)], ruled, near, 100.0) == [(592.0, 1269.0)]
    assert _cut_at([(55.0, 430.0), (430.0, 797.0)], [(55.0, 660.0)], near, 160.0) == [(55.0, 430.0)]
    assert _cut_at([(50.0, 580.0), (700.0, 1270.0)], ruled, near, 100.0) == [(50.0, 580.0), (700.0, 1270.0)]


@pytest.mark.parametrize("framed", [True, False])
def test_two_pieces_under_one_rule_are_one_track_unless_a_frame_parts_them(framed):
    scan = paper()
    if framed:
        scan[:TOP, 340:343] = 0
    log = SimpleNamespace(bands=SimpleNamespace(line_width=20), shift_at=lambda rows: 0 * rows)
    pieces = [(40.0, 340.0), (340.0, 640.0)]
    joined = _joined(scan, log, pieces, (38.0, 642.0), TOP)
    assert joined == (pieces if framed else [(40.0, 640.0)])


def test_a_white_gap_between_two_sheets_does_not_end_the_log():
    scan = two_track_log()
    scan[900:950] = 255
    tracks = propose_tracks(scan)
    assert tracks.tracks[0].top == pytest.approx(TOP, abs=3)
    assert tracks.tracks[0].bottom == pytest.approx(BOTTOM, abs=3)


def test_black_bars_of_the_scanner_are_no_part_of_the_log():
    scan = two_track_log()
    scan[BOTTOM + 1 :] = 0
    scan[:, -12:] = 0
    tracks = propose_tracks(scan)
    assert [track.bottom for track in tracks.tracks] == pytest.approx([BOTTOM, BOTTOM], abs=3)
    np.testing.assert_allclose([(t.left, t.right) for t in tracks.tracks], [(40, 290), (370, 670)], atol=1)


def noise():
    return np.random.default_rng(7).integers(0, 256, (800, 400)).astype(np.uint8)


def words():
    scan = paper(1200, 500)
    print_header(scan, seed=8, bottom=1180)
    return scan


@pytest.mark.parametrize(
    "scan",
    [
        paper(),
        np.zeros((900, 400), np.uint8),
        noise(),
        words(),
        np.zeros((20, 20), np.uint8),
        np.zeros((0, 50), np.uint8),
        np.tile(np.linspace(0, 255, 600).astype(np.uint8)[:, None], (1, 300)),
    ],
    ids=["blank", "black", "noise", "words", "tiny", "no rows", "gradient"],
)
def test_a_scan_without_tracks_is_refused_in_one_line(scan):
    with pytest.raises(TracksError, match=r"no track was found.*tracks\.json") as caught:
        propose_tracks(scan)
    assert "\n" not in str(caught.value)


def test_a_grid_and_a_header_that_contradict_each_other_are_both_proposed():
    scan = paper()
    print_grid(scan, divisions(40, 640))
    rest = int(divisions(40, 640)[1])
    for row in (180, 220):
        scan[row : row + 3, rest:640] = 0  # rules whose left ends have worn away
    layouts = propose_layouts(scan)
    assert layouts[0].to_json() == propose_tracks(scan).to_json()
    edges = [[(track.left, track.right) for track in layout.tracks] for layout in layouts]
    assert any(np.allclose(found, [(40, 640)], atol=1.5) for found in edges if len(found) == 1)
    assert any(np.allclose(found, [(rest, 640)], atol=1.5) for found in edges if len(found) == 1)
    assert len({str(found) for found in edges}) == len(edges)


def test_neighbours_that_touch_are_proposed_as_one_track_too():
    assert _with_neighbours_joined([(40.0, 300.0), (302.0, 640.0), (700.0, 900.0)], 10.0) == [
        (40.0, 640.0),
        (700.0, 900.0),
    ]
