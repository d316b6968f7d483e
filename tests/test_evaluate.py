"""The figures of a network: perfect for one that knows, low for one that does not."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from napari_welllog.class_map import ClassMap
from napari_welllog.evaluate import Evaluation, evaluate


@pytest.fixture
def measure(well, monkeypatch):
    """Evaluate a network that answers with these labels on the printed well."""
    module = import_module("napari_welllog.evaluate")
    monkeypatch.setattr(module, "print_log", lambda seed: well.log)

    def measure(labels: np.ndarray) -> Evaluation:
        monkeypatch.setattr(
            module, "segment", lambda *args, **more: ClassMap.from_labels(labels.astype(np.uint8))
        )
        return evaluate(count=1)

    return measure


def test_a_network_that_knows_has_perfect_pixels_and_curves_close_to_the_truth(measure, well) -> None:
    evaluation = measure(well.log.classes)
    assert evaluation.logs == 1
    assert evaluation.pixels.f1 == evaluation.pixels.iou == (1.0, 1.0, 1.0)
    assert set(evaluation.tolerant_f1.values()) == {(1.0, 1.0)}
    for figures in evaluation.curves:
        assert figures.coverage > 0.95
        assert figures.mae < 0.02
        assert figures.on_other < 0.02


def test_a_network_that_takes_one_curve_for_the_other_reads_rows_on_the_other(measure, well) -> None:
    swapped = np.array([0, 2, 1])[well.log.classes]
    evaluation = measure(swapped)
    assert evaluation.pixels.f1[1] < 0.1
    assert all(figures.on_other > 0.5 for figures in evaluation.curves)


def test_pixels_one_beside_the_truth_count_only_with_tolerance(measure, well) -> None:
    evaluation = measure(np.roll(well.log.classes, 1, axis=1))
    assert evaluation.pixels.f1[1] < 0.95
    assert min(evaluation.tolerant_f1[1]) > 0.999


def test_a_network_that_sees_nothing_covers_nothing(measure, well) -> None:
    evaluation = measure(np.zeros_like(well.log.classes))
    assert evaluation.pixels.recall[1:] == (0.0, 0.0)
    for figures in evaluation.curves:
        assert figures.coverage == 0
        assert np.isnan(figures.mae)


def test_logs_are_pooled_and_progress_is_told(well, monkeypatch) -> None:
    module = import_module("napari_welllog.evaluate")
    seeds: list[int] = []
    told: list[float] = []
    monkeypatch.setattr(module, "print_log", lambda seed: seeds.append(seed) or well.log)
    monkeypatch.setattr(module, "segment", lambda *args, **more: ClassMap.from_labels(well.log.classes))
    evaluate(count=2, seed=3, progress=told.append)
    assert told == [0.5, 1.0]
    assert len(set(seeds)) == 2
    assert min(seeds) >= import_module("napari_welllog.unet.train").HELD_OUT
