"""Changes: indices and values that a layer takes, that undo, and that keep the shares right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_welllog.strokes import Change, Shares, paint, swap_curves

labels_of_any_kind = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 2)
)


def applied(labels: np.ndarray, change: Change) -> np.ndarray:
    """What a layer makes of a change."""
    after = labels.copy()
    after[change.indices] = change.values
    return after


@given(labels_of_any_kind, st.integers(0, 2), st.data())
def test_painting_gives_the_mask_to_the_class_and_nothing_else(labels, curve_class, data) -> None:
    mask = data.draw(arrays(bool, labels.shape))
    change = paint(labels, mask, curve_class)
    after = applied(labels, change)
    np.testing.assert_array_equal(after, np.where(mask, curve_class, labels))
    assert len(change) == np.count_nonzero(after != labels), "no pixel that keeps its class is in a change"
    after[change.indices] = change.before
    np.testing.assert_array_equal(after, labels)


@given(
    labels_of_any_kind,
    st.tuples(st.integers(-5, 15), st.integers(-5, 15)),
    st.tuples(st.integers(-5, 15), st.integers(-5, 15)),
)
def test_swapping_changes_the_curves_in_the_box_alone_and_twice_is_nothing(labels, rows, columns) -> None:
    change = swap_curves(labels, rows, columns)
    after = applied(labels, change)
    row, column = np.indices(labels.shape)
    inside = (rows[0] <= row) & (row <= rows[1]) & (columns[0] <= column) & (column <= columns[1])
    np.testing.assert_array_equal(after, np.where(inside & (labels > 0), 3 - labels.astype(int), labels))
    np.testing.assert_array_equal(applied(after, swap_curves(after, rows, columns)), labels)


@given(
    labels_of_any_kind,
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(0, 12)), max_size=6),
)
def test_shares_kept_up_to_date_are_those_counted_anew(labels, strokes) -> None:
    shares = Shares.of(labels)
    for curve_class, row, column in strokes:
        mask = np.zeros(labels.shape, bool)
        mask[:row, :column] = True
        change = paint(labels, mask, curve_class)
        assert shares.after(change).before(change) == shares
        shares, labels = shares.after(change), applied(labels, change)
    assert shares == Shares.of(labels)
    assert sum(shares.percent) == pytest.approx(100)


def test_shares_say_what_a_student_is_to_see() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[:, 0], labels[:60, 1], labels[:60, 2] = 1, 1, 2
    assert str(Shares.of(labels)) == "97.8 / 1.6 / 0.6 %"


def test_nothing_under_the_mask_is_no_change() -> None:
    change = paint(np.ones((5, 5), np.uint8), np.ones((5, 5), bool), 1)
    assert len(change) == 0
    assert change.rows is None
