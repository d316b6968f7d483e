"""The losses, and what each makes of a page that is 97 % background."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn.functional import one_hot

from napari_welllog.synthetic import print_window
from napari_welllog.unet.losses import (
    DEFAULT_LOSS,
    LOSSES,
    cross_entropy,
    dice,
    focal,
    loss_function,
    tversky,
)
from napari_welllog.unet.scores import score_pixels

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda loss: loss.name)


@pytest.fixture(scope="module")
def labels() -> torch.Tensor:
    """A printed window with little of both curves, as most windows are, int64 (1, rows, columns)."""
    for seed in range(200):
        classes = print_window(seed, rows=128, columns=128).classes
        shares = np.bincount(classes.ravel(), minlength=3) / classes.size
        if 0.95 < shares[0] < 0.985 and shares[1:].min() > 0.005:
            return torch.from_numpy(classes.astype(np.int64))[None]
    raise AssertionError


def sure_of(labels: torch.Tensor, strength: float = 12.0) -> torch.Tensor:
    """Logits that are sure of labels."""
    return strength * one_hot(labels, 3).movedim(-1, 1).float()


def all_background(labels: torch.Tensor) -> torch.Tensor:
    return sure_of(torch.zeros_like(labels))


@every_loss
def test_a_loss_is_lower_for_the_right_answer_than_for_all_background(loss, labels) -> None:
    right, lazy = loss.function(sure_of(labels), labels), loss.function(all_background(labels), labels)
    assert right.ndim == lazy.ndim == 0
    assert 0 <= right < 0.01 < lazy


@every_loss
def test_a_loss_falls_on_the_way_from_all_background_to_the_right_answer(loss, labels) -> None:
    lazy, right = all_background(labels), sure_of(labels)
    losses = [float(loss.function(lazy + share * (right - lazy), labels)) for share in (0, 0.25, 0.75, 1)]
    assert losses == sorted(losses, reverse=True)


@every_loss
def test_a_loss_tells_which_way_is_down(loss, labels) -> None:
    torch.manual_seed(1)
    logits = torch.randn(1, 3, *labels.shape[1:], requires_grad=True)
    before = loss.function(logits, labels)
    before.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert logits.grad.abs().sum() > 0
    step = logits.detach() - logits.grad / logits.grad.norm()
    assert loss.function(step, labels) < before


@every_loss
@pytest.mark.parametrize("strength", [1e2, 1e4])
def test_a_loss_is_finite_however_sure_and_wrong_a_network_is(loss, strength, labels) -> None:
    logits = sure_of((labels + 1) % 3, strength).requires_grad_()
    value = loss.function(logits, labels)
    value.backward()
    assert value.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@every_loss
def test_a_window_without_curves_is_no_trouble(loss, labels) -> None:
    empty = torch.zeros_like(labels)
    right = loss.function(sure_of(empty, 30.0), empty)
    assert right.isfinite()
    assert right < 0.01


def test_all_background_is_right_nearly_everywhere_and_finds_nothing(labels) -> None:
    """The lopsidedness: a naive score praises the guess that Dice calls worthless."""
    truth = labels[0].numpy().astype(np.uint8)
    scores = score_pixels(np.zeros_like(truth), truth)
    assert scores.accuracy > 0.95
    assert scores.f1[1:] == (0, 0)
    assert dice(all_background(labels), labels) > 0.98
    assert tversky(all_background(labels), labels) > 0.98


def test_naive_cross_entropy_is_content_with_the_shares_of_the_classes(labels) -> None:
    """Guessing everywhere how often each class occurs costs little cross-entropy, and nearly all of Dice."""
    shares = torch.bincount(labels.ravel(), minlength=3) / labels.numel()
    guess = shares.log()[None, :, None, None].expand(1, 3, *labels.shape[1:])
    assert cross_entropy(guess, labels) < 0.25
    assert dice(guess, labels) > 0.9


def test_weighing_makes_curve_pixels_the_greater_part_of_the_loss(labels) -> None:
    undecided = torch.zeros(1, 3, *labels.shape[1:])

    def curve_share(loss) -> float:
        """How much of the pull on an undecided network comes from curve pixels."""
        logits = undecided.clone().requires_grad_()
        loss(logits, labels).backward()
        assert logits.grad is not None
        pull = logits.grad.abs().sum(dim=1)
        return float(pull[labels > 0].sum() / pull.sum())

    naive = curve_share(LOSSES["cross-entropy"].function)
    assert naive < 0.05
    assert curve_share(LOSSES["weighted"].function) > 4 * naive
    assert curve_share(LOSSES["dice"].function) > 4 * naive


@pytest.mark.parametrize("sureness", [0.5, 0.9, 0.99])
def test_focal_fades_for_pixels_already_right(sureness) -> None:
    """By (1 - p) squared: a pixel that is right at 99 % counts a ten-thousandth."""
    labels = torch.zeros(1, 2, 2, dtype=torch.int64)
    chances = torch.tensor([sureness, (1 - sureness) / 2, (1 - sureness) / 2])
    logits = chances.log()[None, :, None, None].expand(1, 3, 2, 2)
    faded = focal(logits, labels) / cross_entropy(logits, labels)
    assert float(faded) == pytest.approx((1 - sureness) ** 2, rel=1e-3)


def test_tversky_minds_a_miss_more_than_a_false_alarm(labels) -> None:
    curve_one = torch.nonzero(labels[0] == 1)[:40]
    background = torch.nonzero(labels[0] == 0)[:40]
    missing, alarming = labels.clone(), labels.clone()
    missing[0, curve_one[:, 0], curve_one[:, 1]] = 0
    alarming[0, background[:, 0], background[:, 1]] = 1

    def price(loss) -> float:
        """How many times as dear a miss is as a false alarm."""
        return float(loss(sure_of(missing), labels) / loss(sure_of(alarming), labels))

    assert 1 < price(dice) < 1.4
    assert price(tversky) > 2


def test_a_combined_loss_is_the_sum_of_its_parts(labels) -> None:
    torch.manual_seed(1)
    logits = torch.randn(1, 3, *labels.shape[1:])
    for first in ("cross-entropy", "focal"):
        parts = sum(LOSSES[name].function(logits, labels) for name in (first, "dice"))
        torch.testing.assert_close(LOSSES[f"{first}+dice"].function(logits, labels), parts)


def test_losses_are_chosen_by_name_and_explain_themselves_in_a_line() -> None:
    assert DEFAULT_LOSS in LOSSES
    assert {"cross-entropy", "weighted", "focal", "dice", "tversky"} < set(LOSSES)
    assert all(name == loss.name for name, loss in LOSSES.items())
    explanations = [loss.explanation for loss in LOSSES.values()]
    assert len(set(explanations)) == len(explanations)
    assert all(explanation and "\n" not in explanation for explanation in explanations)


@every_loss
def test_the_numbers_in_a_loss_are_its_usual_ones_until_chosen(loss, labels) -> None:
    torch.manual_seed(1)
    logits = torch.randn(1, 3, *labels.shape[1:])
    usual = {parameter.name: parameter.default for parameter in loss.parameters}
    torch.testing.assert_close(loss_function(loss.name, usual)(logits, labels), loss.function(logits, labels))
    for parameter in loss.parameters:
        assert parameter.lowest <= parameter.default <= parameter.highest
        assert parameter.explanation
        assert "\n" not in parameter.explanation
        other = loss_function(loss.name, {parameter.name: parameter.highest})
        assert not torch.isclose(other(logits, labels), loss.function(logits, labels))


def test_numbers_do_what_their_explanations_say(labels) -> None:
    undecided = torch.zeros(1, 3, *labels.shape[1:])
    assert loss_function("focal", {"gamma": 0.0})(undecided, labels) == pytest.approx(
        float(cross_entropy(undecided, labels)), rel=1e-5
    )
    even = loss_function("tversky", {"missed_weight": 0.5})(undecided, labels)
    assert float(even) == pytest.approx(float(dice(undecided, labels)), rel=1e-3)
    lazy = all_background(labels)
    light, heavy = (loss_function("weighted", {"curve_two_weight": weight}) for weight in (2.0, 50.0))
    assert heavy(lazy, labels) > light(lazy, labels)


@given(
    logits=arrays(np.float64, (2, 3, 2, 3), elements=st.floats(-30, 30)),
    labels=arrays(np.int64, (2, 2, 3), elements=st.integers(0, 2)),
    gamma=st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]),
)
def test_the_written_gradient_of_focal_and_dice_is_that_of_the_two(logits, labels, gamma) -> None:
    told, known = (torch.from_numpy(logits).requires_grad_() for _ in range(2))
    truth = torch.from_numpy(labels)
    loss = 3 * loss_function("focal+dice", {"gamma": gamma})(told, truth)
    both = 3 * (focal(known, truth, gamma) + dice(known, truth))
    torch.testing.assert_close(loss, both, rtol=1e-6, atol=1e-9)
    loss.backward()
    both.backward()
    # Autograd divides nothing by nothing where a power below one meets a pixel that is certain.
    finite = torch.isfinite(known.grad)
    torch.testing.assert_close(told.grad[finite], known.grad[finite], rtol=1e-5, atol=1e-9)
    assert torch.isfinite(told.grad).all()


@pytest.mark.parametrize("strength", [-1000.0, 1000.0])
@every_loss
def test_hopeless_and_certain_pixels_leave_the_gradient_finite(loss, labels, strength) -> None:
    logits = sure_of(labels, strength).requires_grad_()
    loss.function(logits, labels).backward()
    assert torch.isfinite(logits.grad).all()
