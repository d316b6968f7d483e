"""A track studied once: any of its rows can then be looked at, and what is shown is what was scored."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog import ClassMap, WelllogError, compare_at
from napari_welllog.crossings import TrackStudy, judge, study_track
from napari_welllog.crossings.score import CLASS_MAP, TRACES
from napari_welllog.curves import Trace
from napari_welllog.followers import METHODS
from napari_welllog.synthetic import PrintedLog
from napari_welllog.synthetic.lesson import gallery, one_crossing, print_pairs

SOLID, DASHED = 1, 2


@cache
def printed() -> PrintedLog:
    return print_pairs([one_crossing(), *gallery()[6:9]], across=4, seed=3)


def truth(index: int) -> list[Trace]:
    columns = [trace.column for trace in printed().traces if trace.track == index]
    return [
        Trace(k, 0, column, np.ones(len(column), np.float32), np.isfinite(column).astype(np.uint8))
        for k, column in enumerate(columns, start=1)
    ]


@cache
def studied(index: int = 0, known: bool = True) -> TrackStudy:
    log = printed()
    class_map = ClassMap.from_labels(log.classes)
    return study_track(log.scan, class_map, log.tracks.tracks[index], truth(index) if known else None)


@given(st.integers(-60, 60), st.sampled_from(METHODS), st.sampled_from([SOLID, DASHED]))
def test_a_row_of_the_study_is_that_row_of_the_comparison(shift: int, method: str, curve_class: int) -> None:
    study = studied()
    [crossing] = study.crossings
    path = study.through(0, curve_class, method)
    comparison = compare_at(crossing, study.pixels, study.class_map, path, curve_class=curve_class)
    row = crossing.row_from + shift
    ours = study.at(row, path, (int(comparison.columns[0]), int(comparison.columns[-1])))
    theirs = comparison.at(row)
    assert (ours.row, ours.verdict, ours.candidates) == (theirs.row, theirs.verdict, theirs.candidates)
    for name in ("columns", "grey", "labels", "probabilities", "column", "ambiguity"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name), equal_nan=True), name


@pytest.mark.parametrize("index", range(4))
def test_the_path_that_is_shown_is_the_path_that_was_scored(index) -> None:
    study = studied(index)
    own_and_other = {SOLID: study.reference, DASHED: study.reference[::-1]}
    scores = study.score(0)
    assert {score.method for score in scores} == {*METHODS, CLASS_MAP, TRACES} == set(study.readers)
    for score in scores:
        if score.method in METHODS:
            path = study.through(0, score.curve_class, score.method)
            own, other = own_and_other[score.curve_class]
            assert judge(score.crossing, path, own, other).hopped == score.outcome.hopped


def test_without_truth_only_followers_are_scored_and_by_what_was_read() -> None:
    study = studied(known=False)
    assert study.readers == METHODS
    assert study.reference is study.read
    assert {score.method for score in study.score(0)} == set(METHODS)


def test_the_classifier_is_sure_of_the_pixels_there_are_and_says_nothing_in_the_gaps_of_a_pen() -> None:
    study = studied()
    first, last = study.rows
    left, right = study.ink.columns
    labels = printed().classes[first : last + 1, left : right + 1]
    for curve_class, sure in enumerate(study.class_probability, start=1):
        there = (labels == curve_class).any(axis=1)
        assert np.array_equal(np.isfinite(sure), there)
        assert np.all(sure[there] == 1), "this class map is certain"
    assert np.isnan(study.class_probability[DASHED - 1]).any(), "a dashed pen has gaps"


def test_one_can_tell_on_which_strand_a_follower_is() -> None:
    study = studied()
    [crossing] = study.crossings
    row = crossing.row_to + 40
    solid, dashed = (trace.column[row] for trace in study.reference)
    assert study.strand_at(row, solid + 1) == SOLID
    assert study.strand_at(row, dashed - 1) == DASHED
    assert study.strand_at(row, (solid + dashed) / 2) == 0
    assert study.strand_at(crossing.row_from, crossing.column) == 0, "on both is on neither"


def test_a_class_map_of_another_scan_is_refused() -> None:
    log = printed()
    with pytest.raises(WelllogError, match="segment this scan"):
        study_track(log.scan, ClassMap.from_labels(log.classes[1:]), log.tracks.tracks[0])
