"""Where the grid has worn away the rules under the scales of a header still tell edge from edge."""

from __future__ import annotations

import numpy as np
import pytest

from napari_welllog.tracks import propose_layouts, propose_tracks, tracks_under_header

ROWS, COLUMNS, TOP = 1600, 825, 240
Rules = list[tuple[int, int, int]]


def log_without_grid(rules: Rules, curves: tuple[int, ...], lean: float = 0.0, dash: int = 20) -> np.ndarray:
    """A page with rules (row, left, right) and wiggly curves at columns, and nothing else; 100 pixels an inch."""
    scan = np.full((ROWS, COLUMNS), 255, np.uint8)
    for row, left, right in rules:
        columns = np.arange(left, right)
        columns = columns[(columns - left) % 20 < dash]
        for thickness in (0, 1):
            scan[np.rint(row + lean * (columns - left)).astype(int) + thickness, columns] = 0
    rows = np.arange(TOP, ROWS - 40)
    for seed, column in enumerate(curves):
        steps = np.random.default_rng(seed).normal(size=len(rows)).cumsum()
        places = column + 60 * np.sin(steps / 6) - lean * (rows - TOP)
        for width in range(4):
            scan[rows, np.rint(places).astype(int) + width] = 0
    return scan


TWO_TRACKS: Rules = [(170, 40, 340), (170, 450, 780), (210, 40, 340), (210, 450, 780)]


def test_a_log_that_has_lost_its_grid_has_the_tracks_of_its_header() -> None:
    tracks = propose_tracks(log_without_grid(TWO_TRACKS, (180, 600))).tracks
    assert [(track.left, track.right) for track in tracks] == [(40, 339), (450, 779)]
    assert [(track.top, track.bottom) for track in tracks] == 2 * [(TOP, ROWS - 41)]


@pytest.mark.parametrize("rules", [[], [(170, 40, 780)]], ids=["no rule", "a single rule"])
def test_less_than_two_rules_are_no_header(rules: Rules) -> None:
    assert tracks_under_header(log_without_grid(rules, (180, 600))) is None


def test_edges_of_a_leaning_page_lean_as_its_rules_do() -> None:
    track = propose_tracks(log_without_grid(TWO_TRACKS, (180, 600), lean=0.02)).tracks[0]
    (_, above), (_, below) = track.left
    assert below - above == pytest.approx(-0.02 * (track.bottom - track.top), abs=3)


def test_a_dashed_rule_counts_up_to_where_its_dashes_end() -> None:
    found = tracks_under_header(log_without_grid(TWO_TRACKS, (180, 600), dash=13))
    assert found is not None
    assert np.abs(np.subtract(found.spans, [(40, 340), (450, 780)])).max() < 10


def test_rules_of_one_track_part_a_rule_that_runs_on_over_its_neighbour() -> None:
    rules: Rules = [(130, 400, 780), (170, 40, 780), (210, 400, 780)]
    found = tracks_under_header(log_without_grid(rules, (180, 600)))
    assert found is not None
    assert found.spans == [(40, 400), (400, 779)]


def test_a_frame_parts_what_rules_do_not() -> None:
    scan = log_without_grid([(170, 40, 780), (210, 40, 780)], (180, 600))
    scan[140:212, 400] = 0
    found = tracks_under_header(scan)
    assert found is not None
    assert np.abs(np.subtract(found.spans, [(40, 400), (400, 779)])).max() < 2


def test_the_frame_of_a_header_is_not_the_grid_of_the_log() -> None:
    scan = log_without_grid(TWO_TRACKS, (180, 600))
    scan[60:212, [40, 339, 450, 779]] = 0
    for track in propose_layouts(scan)[0].tracks:
        assert (track.top, track.bottom) == (TOP, ROWS - 41)


def test_the_bar_of_a_scanner_is_no_rule() -> None:
    scan = log_without_grid(TWO_TRACKS, (180, 600))
    scan[:2] = 0
    found = tracks_under_header(scan)
    assert found is not None
    assert found.spans == [(40, 339), (450, 779)]


def test_dust_does_not_hide_where_the_curves_begin() -> None:
    scan = log_without_grid(TWO_TRACKS, (180, 600))
    rng = np.random.default_rng(3)
    scan[rng.random(scan.shape) < 0.01] = 0
    found = tracks_under_header(scan)
    assert found is not None
    assert abs(found.top - TOP) < 25
    assert np.abs(np.subtract(found.spans, [(40, 339), (450, 779)])).max() < 25  # dust lengthens a rule


def test_where_grid_and_header_show_as_many_tracks_in_other_places_it_is_the_grid_that_has_worn() -> None:
    scan = log_without_grid(TWO_TRACKS, (180, 600))
    for left, right in ((40, 340), (340, 600)):
        scan[TOP : ROWS - 40, np.linspace(left, right, 9).astype(int)] = 0
        scan[TOP : ROWS - 40 : 24, left:right] = 0
    tracks = propose_tracks(scan).tracks
    assert [(track.left, track.right) for track in tracks] == [(40, 339), (450, 779)]


def test_a_frame_that_runs_down_to_the_log_is_no_curve() -> None:
    scan = log_without_grid([(130, 40, 780), (170, 40, 780), (210, 40, 780)], (180, 600))
    # Worn where rules cross it, so that it parts none of them.
    scan[174:209, 400] = scan[213:TOP, 400] = 0
    found = tracks_under_header(scan)
    assert found is not None
    assert found.top == TOP
