"""The patches of a lesson: each holds what its name says, with exact truth, and is there at once."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_welllog.crossings import find_crossings
from napari_welllog.evaluate import true_trace
from napari_welllog.samples import crossing_gallery, one_crossing, where_both_fail
from napari_welllog.synthetic import lesson
from napari_welllog.synthetic.lesson import crossing_pair, print_pairs
from napari_welllog.synthetic.press import PrintedLog

SAMPLES = [one_crossing, crossing_gallery, where_both_fail]


def crossings_by_track(log: PrintedLog):
    for index, track in enumerate(log.tracks.tracks):
        traces = [true_trace(trace) for trace in log.traces if trace.track == index]
        yield track, find_crossings(traces)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_lesson_opens_at_once_with_its_calibration_and_truth_for_every_curve(sample) -> None:
    began = time.process_time()
    [(data, settings, kind)] = sample()
    assert time.process_time() - began < 2
    assert kind == "image"
    pixels = data[0] if settings["multiscale"] else data
    tracks, truth = settings["metadata"]["tracks"], settings["metadata"]["truth"]
    tracks.check_against(*pixels.shape)
    assert truth["classes"].shape == pixels.shape
    for track in tracks.tracks:
        for curve in track.curves:
            columns = truth["columns"][curve.mnemonic]
            rows = np.flatnonzero(np.isfinite(columns))
            assert rows.min() == track.top
            assert rows.max() == track.bottom
            fractions = track.fractions(rows, columns[rows])
            assert ((fractions > 0) & (fractions < 1)).all()


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_ink_of_a_lesson_is_where_its_truth_is(sample) -> None:
    [(data, settings, _)] = sample()
    pixels = data[0] if settings["multiscale"] else data
    truth = settings["metadata"]["truth"]
    paper = np.median(pixels)
    for name, columns in truth["columns"].items():
        if name.startswith("GR"):  # the solid pens
            rows = np.flatnonzero(np.isfinite(columns))[3:-3]
            assert (pixels[rows, columns[rows].round().astype(int)] < paper - 60).mean() > 0.95


def test_one_crossing_crosses_once() -> None:
    [(_, found)] = crossings_by_track(print_pairs([lesson.one_crossing()], 1))
    assert [crossing.swaps for crossing in found] == [True]
    assert found[0].angle == pytest.approx(50, abs=2)


def test_the_gallery_has_every_angle_pair_of_pens_and_separation_once() -> None:
    log = print_pairs(lesson.gallery(), 6)
    found = list(crossings_by_track(log))
    assert len(found) >= 24
    assert len({track.name for track, _ in found}) == len(found)
    for track, crossings in found:
        [crossing] = crossings
        assert crossing.swaps
        assert crossing.angle == pytest.approx(float(track.name.split()[0]), abs=4)


def test_where_both_fail_has_pens_alike_a_touch_without_a_crossing_and_a_faint_curve_under_a_heavy_one() -> (
    None
):
    log = print_pairs(lesson.where_both_fail(), 3)
    alike, touch, under = (crossings for _, crossings in crossings_by_track(log))
    assert [crossing.swaps for crossing in alike] == [True]
    assert [crossing.swaps for crossing in touch] == [False]
    assert under[0].row_to - under[0].row_from > 80
    pens = [trace.pen for trace in log.traces]
    assert pens[0] == pens[1]
    assert pens[2] == pens[3]
    assert pens[5].darkness < 0.5 < pens[4].darkness


@pytest.mark.parametrize("angle", [10, 45, 90, 120])
def test_a_pair_crosses_at_its_angle_and_goes_on_apart(angle) -> None:
    rows = np.arange(-100.0, 100.0, 0.5)
    one, two = crossing_pair("x", angle, 50, (lesson.SOLID, lesson.SOLID)).offsets(rows)
    middle = len(rows) // 2
    slopes = [np.gradient(line, rows)[middle] for line in (one, two)]
    assert np.degrees(np.arctan(slopes[0]) - np.arctan(slopes[1])) == pytest.approx(angle, abs=1)
    assert abs(one - two).max() <= 50
