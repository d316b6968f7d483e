"""A person goes through what was read from the paper, and what remains becomes the calibration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog.calibrate import DepthReading, Review
from napari_welllog.errors import TracksError
from napari_welllog.tracks.editing import Draft, with_anchors
from tests.paper_reading import LINES, REASON, reading

SIZE = (1200, 500)


def mnemonics(draft: Draft) -> list[list[str]]:
    return [[curve.mnemonic for curve in track.curves] for track in draft.tracks]


def test_what_the_reading_is_sure_of_is_kept_and_what_it_refused_is_not() -> None:
    review = Review.of(reading())
    assert [one.kept for one in review.numbers] == [True, True, True, True, False]
    assert [[one.kept for one in scales] for scales in review.scales] == [[True, True, False], [False, False]]
    draft = review.draft(Draft()).checked(*SIZE)
    assert draft.calibration(SIZE[0]) == reading().proposal


def test_a_dropped_number_is_no_anchor() -> None:
    review = Review.of(reading()).with_number(0, kept=False)
    assert review.anchors() == [(LINES[260], 260.0), (LINES[280], 280.0)]


def test_a_mended_number_is_an_anchor_at_the_line_it_was_tied_to() -> None:
    review = Review.of(reading()).with_number(3, depth=290)
    assert review.anchors() == [(LINES[250], 250.0), (LINES[270], 270.0), (LINES[280], 290.0)]


def test_a_number_without_a_line_is_an_anchor_where_its_text_stands_on_a_page_that_leans() -> None:
    read = reading()
    leaning = read.depth.model_copy(update={"lean": 0.01})
    review = Review.of(read.model_copy(update={"depth": leaning})).with_number(4, kept=True, depth=276)
    # Its text is 188.5 columns left of the middle of the tracks, where a level line lies 1.9 rows lower.
    assert (pytest.approx(598.89, abs=0.01), 276.0) in review.anchors()


def test_depths_that_nobody_kept_leave_those_of_the_draft() -> None:
    review = Review.of(reading())
    for index in range(4):
        review = review.with_number(index, kept=False)
    typed = with_anchors(Draft(unit="m"), [(10, 1000), (900, 1100)])
    assert review.draft(typed).anchors == typed.anchors
    assert review.draft(typed).unit == "m"


def test_where_the_paper_does_not_tell_the_unit_that_of_the_draft_stays() -> None:
    read = reading()
    nameless = DepthReading(numbers=read.depth.numbers, refused="nothing tells feet from metres")
    review = Review.of(read.model_copy(update={"depth": nameless}))
    assert review.draft(Draft(unit="m")).unit == "m"
    assert review.draft(Draft()).unit == "ft"


def test_a_person_tells_the_pens_that_the_reading_could_not_tell() -> None:
    review = Review.of(reading()).with_scale(1, 0, kept=True, curve_class=1)
    draft = review.with_scale(1, 1, kept=True, curve_class=2).draft(Draft())
    assert mnemonics(draft) == [["GR", "CALI"], ["ILD", "ILM"]]
    assert draft.tracks[1].curves[0].scale == "log"


def test_a_track_without_scales_reads_fractions_of_its_width() -> None:
    review = Review.of(reading())
    for index in range(2):
        review = review.with_scale(0, index, kept=False)
    draft = review.draft(Draft()).checked(*SIZE)
    assert mnemonics(draft) == [["T1C1", "T1C2"], ["T2C1", "T2C2"]]
    assert {curve.unit for track in draft.tracks for curve in track.curves} == {"fraction"}


def test_two_curves_of_one_class_are_refused_in_words() -> None:
    review = Review.of(reading()).with_scale(0, 1, curve_class=1)
    with pytest.raises(TracksError, match="class"):
        review.draft(Draft())


def test_depths_that_go_back_and_forth_are_refused_in_words() -> None:
    review = Review.of(reading()).with_number(2, depth=100)
    with pytest.raises(TracksError, match="anchor"):
        review.draft(Draft()).checked(*SIZE)


@given(st.lists(st.booleans(), min_size=5, max_size=5))
def test_whatever_is_kept_each_anchor_says_what_was_read(kept: list[bool]) -> None:
    review = Review.of(reading())
    for index, keep in enumerate(kept):
        review = review.with_number(index, kept=keep and index < 4)
    anchors = review.anchors()
    assert all(LINES[int(depth)] == pytest.approx(row, abs=1e-6) for row, depth in anchors)
    # However few remain, the dropped ones between them lie where they did.
    left = [depth for depth, keep in zip(LINES, kept, strict=False) if keep]
    assert (len(anchors) >= 2) == (len(left) >= 2)


def test_marks_show_what_is_kept_and_what_is_dropped() -> None:
    marks = Review.of(reading()).with_number(1, kept=False).marks()
    assert [(mark.text, mark.kind) for mark in marks[:2]] == [("250", "read"), ("260", "dropped")]
    assert marks[0].line == LINES[250]
    assert marks[4].line is None
    assert ("GR", "read") in [(mark.text, mark.kind) for mark in marks]
    assert REASON in Review.of(reading()).read.refusals()[0]
