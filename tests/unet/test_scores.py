"""Scores: what precision, recall, F1 and IoU say of a class map."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_welllog.unet.scores import curve_f1, score_pixels

CLASSES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60)


def test_a_perfect_class_map_scores_one() -> None:
    truth = np.array([[0, 0, 1], [2, 0, 1]], np.uint8)
    scores = score_pixels(truth, truth)
    assert scores.precision == scores.recall == scores.f1 == scores.iou == (1.0, 1.0, 1.0)
    assert scores.accuracy == 1


def test_a_class_map_with_one_miss_and_one_false_alarm() -> None:
    truth = np.array([0, 0, 0, 0, 1, 1, 1, 2], np.uint8)
    guess = np.array([1, 0, 0, 0, 1, 1, 0, 2], np.uint8)
    scores = score_pixels(guess, truth)
    assert scores.precision == pytest.approx((3 / 4, 2 / 3, 1))
    assert scores.recall == pytest.approx((3 / 4, 2 / 3, 1))
    assert scores.iou == pytest.approx((3 / 5, 2 / 4, 1))
    assert scores.accuracy == pytest.approx(6 / 8)


def test_a_class_that_is_neither_there_nor_claimed_has_no_score() -> None:
    empty = np.zeros((2, 2), np.uint8)
    scores = score_pixels(empty, empty)
    assert scores.f1[0] == 1
    for column in (scores.precision, scores.recall, scores.f1, scores.iou):
        assert all(math.isnan(value) for value in column[1:])


@given(CLASSES)
@settings(max_examples=60, deadline=None)
def test_f1_is_the_harmonic_mean_and_iou_follows_from_it(pairs) -> None:
    guess, truth = np.array(pairs, np.uint8).T
    scores = score_pixels(guess, truth)
    for precision, recall, f1, iou in zip(
        scores.precision, scores.recall, scores.f1, scores.iou, strict=True
    ):
        if precision > 0 and recall > 0:
            assert f1 == pytest.approx(2 * precision * recall / (precision + recall))
        if not math.isnan(f1):
            assert iou == pytest.approx(f1 / (2 - f1))
    assert scores.accuracy == pytest.approx(float((guess == truth).mean()))


@given(CLASSES)
@settings(max_examples=30, deadline=None)
def test_swapping_guess_and_truth_swaps_precision_and_recall(pairs) -> None:
    guess, truth = np.array(pairs, np.uint8).T
    one, other = score_pixels(guess, truth), score_pixels(truth, guess)
    np.testing.assert_array_equal(one.precision, other.recall)
    np.testing.assert_array_equal(one.f1, other.f1)


def test_a_curve_that_is_neither_there_nor_claimed_does_not_count() -> None:
    truth = np.array([[0, 1, 1, 0]], np.uint8)
    guess = np.array([[0, 1, 0, 0]], np.uint8)
    assert curve_f1(score_pixels(guess, truth)) == pytest.approx(2 / 3)
    assert curve_f1(score_pixels(np.full_like(truth, 2), truth)) == 0
    assert curve_f1(score_pixels(np.zeros_like(truth), np.zeros_like(truth))) == 0
