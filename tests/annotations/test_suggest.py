"""Suggestions: the least sure windows first, none over another or over what is annotated."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from napari_welllog.annotations import Place, suggest_windows
from napari_welllog.class_map import ClassMap


@pytest.fixture(scope="module")
def class_map() -> ClassMap:
    """A sure curve, in which the network doubts at rows 3,000 and, less, at row 500."""
    one = np.zeros((5000, 100), np.float32)
    one[:, 20] = 1.0
    one[3000:3100, 20] = 0.55
    one[500:550, 20] = 0.6
    two = np.zeros_like(one)
    two[3000:3100, 20] = 0.45
    return ClassMap.from_probabilities(np.stack([1 - one - two, one, two]))


def rows_of(suggestions) -> list[range]:
    return [range(s.place.top, s.place.last_row + 1) for s in suggestions]


def test_the_least_sure_windows_come_first_and_sure_ones_not_at_all(class_map) -> None:
    found = suggest_windows(class_map, rows=200)
    assert 3050 in rows_of(found)[0]
    assert any(525 in rows for rows in rows_of(found))
    assert [s.doubt for s in found] == sorted((s.doubt for s in found), reverse=True)
    assert found[0].doubt == pytest.approx(45, rel=0.02), "100 pixels of which 45 are expected to be wrong"
    assert all(s.doubt > 0 for s in found)
    for one, other in combinations(found, 2):
        assert not one.place.overlaps(other.place)


def test_suggestions_keep_clear_of_what_is_annotated(class_map) -> None:
    there = Place(top=2900, left=0, rows=300, columns=50)
    found = suggest_windows(class_map, [there], rows=200)
    assert found
    assert not any(s.place.overlaps(there) for s in found)
    assert 525 in rows_of(found)[0]


def test_suggestions_may_be_between_the_edges_of_tracks(class_map) -> None:
    found = suggest_windows(class_map, rows=200, spans=[(0, 40), (40, 100)])
    assert {(s.place.left, s.place.columns) for s in found} == {(0, 40)}, "the second track is empty"


def test_a_scan_lower_than_the_windows_gives_one(class_map) -> None:
    (found,) = suggest_windows(class_map, rows=10_000)
    assert found.place == Place(top=0, left=0, rows=5000, columns=100)
