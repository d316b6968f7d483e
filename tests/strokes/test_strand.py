"""Strands: a click gives the stretch between two crossings, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from napari_welllog.strokes import find_strand, paint
from napari_welllog.synthetic.lesson import DASHED, HEAVY, LIGHT, SOLID, crossing_pair, print_pairs


def crossing_log(pens, angle=50):
    return print_pairs([crossing_pair("a crossing", angle, 90, pens)], across=1)


@pytest.mark.parametrize("angle", [35, 50, 80])
def test_a_strand_ends_where_the_curves_cross(angle) -> None:
    log = crossing_log((SOLID, SOLID), angle)
    one, two = (trace.column for trace in log.traces)
    meet = int(np.nanargmin(np.abs(one - two)))
    for curve, column in ((1, one), (2, two)):
        row = meet - 60
        strand = find_strand(log.classes, row, column[row])
        assert strand is not None
        mask = strand.within(log.classes.shape)
        above = (log.classes == curve) & (np.arange(len(log.classes)) < meet - 15)[:, None]
        assert mask[above].mean() > 0.95, "all of it above the crossing"
        assert not mask[meet + 15 :].any(), "and nothing below"
        other = (log.classes == 3 - curve) & (np.arange(len(log.classes)) < meet - 15)[:, None]
        assert mask[other].mean() < 0.02


def test_a_strand_of_two_classes_is_given_whole_to_one() -> None:
    """The network changed its mind half-way: one click mends it."""
    log = crossing_log((HEAVY, LIGHT))
    labels, column = log.classes.copy(), log.traces[0].column
    top = 30
    wrong = (labels == 1) & (np.arange(len(labels)) < 60)[:, None]
    labels[wrong] = 2
    strand = find_strand(labels, top + 20, column[top + 20])
    assert strand is not None
    change = paint(labels, strand.mask, 1, strand.corner)
    labels[change.indices] = change.values
    assert (labels[wrong] == 1).mean() > 0.95
    assert (labels == 2).sum() >= 0.95 * (log.classes == 2).sum()


def test_a_click_may_miss_by_a_few_pixels_and_not_by_many() -> None:
    labels = np.zeros((100, 60), np.uint8)
    labels[:, 30:32] = 1
    assert find_strand(labels, 50, 35) is not None
    assert find_strand(labels, 50, 40) is None
    assert find_strand(np.zeros((0, 0), np.uint8), 5, 5) is None
    assert find_strand(labels, -50, 900) is None


def test_a_dash_is_a_strand_of_its_own() -> None:
    log = crossing_log((SOLID, DASHED))
    strand = find_strand(log.classes, 60, log.traces[1].column[60], near=12)
    assert strand is not None
    assert strand.rows[1] - strand.rows[0] < 40


def test_a_ragged_edge_does_not_cut_a_strand() -> None:
    rng = np.random.default_rng(1)
    labels = np.zeros((400, 80), np.uint8)
    for row in range(400):
        middle = 40 + 15 * np.sin(row / 40)
        low, high = middle - 2 - rng.integers(0, 2), middle + 2 + rng.integers(0, 2)
        labels[row, round(low) : round(high)] = 1
    strand = find_strand(labels, 200, 40 + 15 * np.sin(5))
    assert strand is not None
    assert strand.within(labels.shape)[labels == 1].mean() > 0.95


def test_a_strand_longer_than_what_is_looked_at_first_is_found_whole() -> None:
    labels = np.zeros((3000, 40), np.uint8)
    labels[100:2900, 20:23] = 1
    strand = find_strand(labels, 1500, 21)
    assert strand is not None
    assert strand.rows == (100, 2899)


def test_a_strand_without_a_skeleton_fork_is_its_component() -> None:
    labels = np.zeros((9, 9), np.uint8)
    labels[4, 4] = 2
    strand = find_strand(labels, 4, 4)
    assert strand is not None
    assert strand.mask.tolist() == [[True]]
    assert strand.corner == (4, 4)
