"""The class map: what each pixel is, how sure that is, and how little room it takes."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_welllog.class_map import ClassMap, read_labels
from napari_welllog.errors import ScanError
from napari_welllog.synthetic import print_window


@pytest.fixture(scope="module")
def printed() -> np.ndarray:
    """The classes of a printed window that shows both curves."""
    classes = next(
        window.classes
        for window in (print_window(seed, rows=200, columns=240) for seed in range(100))
        if len(np.unique(window.classes)) == 3
    )
    return classes


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Softmax of float (3, rows, columns)."""
    exponentials = np.exp(logits - logits.max(axis=0))
    return (exponentials / exponentials.sum(axis=0)).astype(np.float32)


LOGITS = arrays.arrays(
    np.float64,
    st.tuples(st.just(3), st.integers(1, 12), st.integers(1, 12)),
    elements=st.floats(-8, 8, allow_nan=False),
)


def test_labels_that_are_certain_come_back_as_probabilities_of_one(printed) -> None:
    class_map = ClassMap.from_labels(printed)
    assert class_map.labels.dtype == np.uint8
    assert class_map.shape == printed.shape
    assert class_map.probabilities.shape == (3, *printed.shape)
    assert class_map.probabilities.dtype == np.float32
    np.testing.assert_array_equal(class_map.probabilities, np.arange(3)[:, None, None] == printed)


def test_shares_count_the_pixels_of_each_class(printed) -> None:
    shares = ClassMap.from_labels(printed).shares()
    assert shares == tuple((printed == curve_class).mean() for curve_class in range(3))
    assert sum(shares) == pytest.approx(1)
    assert shares[0] > 0.8


def test_shares_of_a_scan_without_curves_are_all_background() -> None:
    assert ClassMap.from_labels(np.zeros((5, 7), np.uint8)).shares() == (1.0, 0.0, 0.0)


def test_a_window_shows_the_same_probabilities_as_the_whole(printed) -> None:
    rng = np.random.default_rng(1)
    logits = 4.0 * (np.arange(3)[:, None, None] == printed) + rng.standard_normal((3, *printed.shape))
    class_map = ClassMap.from_probabilities(probabilities_of(logits))
    whole = class_map.probabilities
    np.testing.assert_array_equal(class_map.window(30, 90, 20, 75), whole[:, 30:90, 20:75])
    np.testing.assert_array_equal(class_map.window(0, 10), whole[:, :10])
    np.testing.assert_array_equal(class_map.window(190, 400, 230), whole[:, 190:, 230:])


@given(logits=LOGITS)
@settings(max_examples=60, deadline=None)
def test_probabilities_are_kept_to_a_255th_and_stay_probabilities(logits) -> None:
    given_probabilities = probabilities_of(logits)
    class_map = ClassMap.from_probabilities(given_probabilities)
    kept = class_map.probabilities
    assert kept.min() >= 0
    assert kept.max() <= 1
    np.testing.assert_allclose(kept, given_probabilities, atol=1.01 / 255)
    np.testing.assert_array_equal(class_map.labels, given_probabilities.argmax(axis=0))


def test_two_curves_as_likely_as_each_other_leave_nothing_for_the_background() -> None:
    """Half of 255 is rounded up twice, to more than the whole."""
    half = np.array([0, 0.5, 0.5], np.float32).reshape(3, 1, 1)
    assert ClassMap.from_probabilities(half).probabilities[0, 0, 0] == 0


def test_a_long_scan_costs_little_more_than_its_labels() -> None:
    labels = np.zeros((4000, 1000), np.uint8)
    rows = np.arange(4000)
    for offset in range(5):
        labels[rows, (300 + 100 * np.sin(rows / 50)).astype(int) + offset] = 1
        labels[rows, (600 + 200 * np.sin(rows / 90)).astype(int) + offset] = 2
    class_map = ClassMap.from_labels(labels)
    sparse = sum(
        part.nbytes
        for plane in class_map.curve_probabilities
        for part in (plane.data, plane.indices, plane.indptr)
    )
    assert sparse < 0.1 * labels.nbytes
    assert all(plane.dtype == np.uint8 for plane in class_map.curve_probabilities)


def test_a_class_map_that_claims_to_be_enormous_is_refused_before_it_is_read(tmp_path, monkeypatch) -> None:
    tifffile.imwrite(tmp_path / "a_classes.tif", np.zeros((300, 400), np.uint8), compression="zlib")
    assert read_labels(tmp_path / "a_classes.tif").shape == (300, 400)
    monkeypatch.setenv("WELLLOG_MAX_MEGAPIXELS", "0.1")
    with pytest.raises(ScanError, match=r"300 rows x 400 columns are 0.1 megapixels, over the limit"):
        read_labels(tmp_path / "a_classes.tif")
