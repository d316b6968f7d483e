"""The sample data of File > Open Sample: real enough to try everything on, the same each time, and quick."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from napari_welllog.samples import clearest_crossing, crossing, short_log, true_traces
from napari_welllog.synthetic import print_log
from napari_welllog.tracks import Tracks

SAMPLES = [short_log, crossing]


def opened(sample: Callable[[], list[Any]]) -> tuple[np.ndarray, dict[str, Any]]:
    """The pixels and the layer settings of a sample that is one image layer."""
    [(data, settings, kind)] = sample()
    assert kind == "image"
    return (data[0] if settings["multiscale"] else data), settings


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_opens_in_napari_as_a_black_and_white_scan(sample) -> None:
    viewer = pytest.importorskip("napari.components").ViewerModel()
    [(data, settings, kind)] = sample()
    layer = getattr(viewer, f"add_{kind}")(data, **settings)
    assert layer.name == sample.__name__.replace("_", " ")
    assert layer.contrast_limits == [0, 255]
    pixels, _ = opened(sample)
    assert pixels.dtype == np.uint8
    assert set(np.unique(pixels)) == {0, 255}
    assert 0.01 < (pixels == 0).mean() < 0.3, "there is ink, and far more paper"


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_the_same_each_time_and_there_in_less_than_a_second(sample) -> None:
    first, _ = opened(sample)
    began = time.process_time()
    again, _ = opened(sample)
    assert time.process_time() - began < 1
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_brings_its_calibration_and_its_truth(sample) -> None:
    pixels, settings = opened(sample)
    tracks, truth = settings["metadata"]["tracks"], settings["metadata"]["truth"]
    assert isinstance(tracks, Tracks)
    tracks.check_against(*pixels.shape)
    assert truth["classes"].shape == pixels.shape
    for track in tracks.tracks:
        for curve in track.curves:
            rows, columns = printed(truth["columns"][curve.mnemonic])
            fractions = track.fractions(rows, columns)
            assert ((fractions > -0.05) & (fractions < 1.05)).all(), "the curves lie in their tracks"


def printed(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the points where a curve was drawn."""
    rows = np.flatnonzero(np.isfinite(columns))
    return rows, columns[rows]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_truth_of_a_sample_is_where_its_ink_is(sample) -> None:
    pixels, settings = opened(sample)
    truth = settings["metadata"]["truth"]
    solid = next(iter(truth["columns"].values()))
    rows, columns = printed(solid)
    steady = np.abs(np.gradient(columns)) < 1
    rows, columns = rows[steady], columns[steady].round().astype(int)
    assert (truth["classes"][rows, columns] > 0).mean() > 0.97
    assert (pixels[rows, columns] == 0).mean() > 0.75, "worn ink has holes"


def test_the_short_log_has_two_tracks_of_two_curves_and_fits_a_screen() -> None:
    pixels, settings = opened(short_log)
    tracks = settings["metadata"]["tracks"].tracks
    assert [len(track.curves) for track in tracks] == [2, 2]
    assert pixels.shape[0] <= 2000


def test_the_curves_of_the_crossing_cross_near_its_middle() -> None:
    pixels, settings = opened(crossing)
    one, two = settings["metadata"]["truth"]["columns"].values()
    middle = pixels.shape[0] // 2
    above, below = np.median((one - two)[:middle]), np.median((one - two)[middle:])
    assert above * below < 0, "each curve leaves on the other side"
    assert np.ptp(np.sign(one - two)[middle - 5 : middle + 5]) == 2


def test_the_depths_of_the_crossing_are_those_of_the_log_it_was_cut_from() -> None:
    _, settings = opened(crossing)
    depths = settings["metadata"]["tracks"].depth.depths([0, 299])
    assert 1000 < depths[0] < depths[1] < 1120


def test_a_track_of_one_curve_has_no_crossing() -> None:
    log = print_log(1, rows=600, columns=500, tracks=1)
    assert clearest_crossing(true_traces(log, 0)[:1], 50) is None
