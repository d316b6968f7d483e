"""The 97 % trap: two networks from one start, told as they learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_welllog.errors import AnnotationsError, Cancelled, ModelError
from napari_welllog.unet.trap import run_trap, trap_patch


@pytest.fixture(scope="module")
def patch():
    return trap_patch(seed=1, rows=96, columns=96)


def test_both_begin_alike_and_each_goes_its_own_way(patch) -> None:
    first, *_, last = run_trap(*patch, loss="focal+dice", steps=60)
    np.testing.assert_array_equal(first.plain.labels, first.chosen.labels)
    assert first.plain.accuracy == first.chosen.accuracy
    assert (first.plain.loss_name, first.chosen.loss_name) == ("cross-entropy", "focal+dice")
    assert not np.array_equal(last.plain.labels, last.chosen.labels)
    assert last.plain.loss < first.plain.loss
    assert last.chosen.loss < first.chosen.loss


def test_plain_cross_entropy_is_mostly_right_and_finds_next_to_nothing() -> None:
    """The lesson: measured, not promised for every moment."""
    patch = trap_patch(seed=1, rows=128, columns=128)
    trapped = [
        status
        for status in run_trap(*patch, loss="focal+dice", steps=150)
        if status.plain.accuracy > 0.95 and status.plain.curve_recall < 0.1
    ]
    assert trapped
    assert max(status.chosen.curve_recall for status in trapped) > 0.6


def test_the_same_seed_tells_the_same_story_and_leaves_the_dice_of_others_alone(patch) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    stories = [[status.chosen.loss for status in run_trap(*patch, steps=10, seed=3)] for _ in range(2)]
    assert stories[0] == stories[1]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_patch_of_any_size_will_do(patch) -> None:
    pixels, labels = (picture[:50, :71] for picture in patch)
    labels = labels.copy()
    labels[10] = 2
    statuses = list(run_trap(pixels, labels, steps=1))
    assert statuses[-1].plain.labels.shape == (50, 71)


def test_it_stops_when_asked(patch) -> None:
    asked = iter(range(100))
    running = run_trap(*patch, steps=50, cancelled=lambda: next(asked) >= 7)
    told = []
    with pytest.raises(Cancelled):
        told.extend(status.step for status in running)
    assert next(asked) == 8


def test_what_cannot_be_taught_is_refused(patch) -> None:
    pixels, labels = patch
    with pytest.raises(ModelError, match="no loss named 'hinge'"):
        next(run_trap(pixels, labels, loss="hinge"))
    with pytest.raises(AnnotationsError, match="curves on it"):
        next(run_trap(pixels, np.zeros_like(labels)))
    with pytest.raises(AnnotationsError, match="labels of its size"):
        next(run_trap(pixels, labels[:10]))
