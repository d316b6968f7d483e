"""The rules of a header tell how far each track goes."""

import numpy as np

from napari_welllog.tracks.ruled_spans import ruled_spans

# Rules end where the pattern of their dashes has them end.
LINES = np.array([20.0, 220, 420, 500, 650, 800])


def header(rules):
    scan = np.full((400, 825), 255, np.uint8)
    for row, left, right, dash in rules:
        across = np.arange(left, right)
        scan[row : row + 2, across[(across - left) % 20 < dash]] = 0
    return scan


def spans(scan):
    return ruled_spans(scan, 200, LINES, lambda rows: 0 * rows)


def test_solid_and_dashed_rules_count_alike():
    scan = header([(120, 20, 420, 20), (150, 20, 420, 12), (150, 500, 800, 14)])
    assert spans(scan) == [(20.0, 420.0), (500.0, 800.0)]


def test_a_rule_across_several_tracks_does_not_join_them():
    scan = header([(80, 20, 800, 20), (120, 20, 420, 20), (120, 500, 800, 20)])
    assert spans(scan) == [(20.0, 420.0), (500.0, 800.0)]


def test_a_frame_parts_rules_that_touch():
    scan = header([(120, 20, 800, 20), (150, 20, 800, 20)])
    scan[100:200, 420] = 0
    assert spans(scan) == [(20.0, 420.0), (420.0, 800.0)]


def test_words_are_no_rules():
    scan = np.full((400, 825), 255, np.uint8)
    scan[120:136, 20:420:6] = 0
    assert spans(scan) == []
