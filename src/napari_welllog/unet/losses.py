"""Losses, by name, and what each does to three classes of which one has 97 % of the pixels.

`logits` are float (n, 3, rows, columns), `labels` int64 (n, rows, columns) of 0, 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LossFunction = Callable[[Tensor, Tensor], Tensor]

CLASS_WEIGHTS = (1.0, 6.0, 9.0)
FOCAL_GAMMA = 2.0
MISSED_WEIGHT = 0.7


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean negative log probability of the true class: every pixel counts alike, so background sets the pace."""
    return F.cross_entropy(logits, labels)


def weighted_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in which a curve pixel weighs about one over the square root of its class's share."""
    return F.cross_entropy(logits, labels, weight=logits.new_tensor(CLASS_WEIGHTS))


def focal(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy that fades for pixels already right, (1 - p) ** gamma (Lin and others 2017, arXiv:1708.02002)."""
    surprise = F.cross_entropy(logits, labels, reduction="none")
    return ((1 - torch.exp(-surprise)) ** FOCAL_GAMMA * surprise).mean()


def _overlaps(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Soft counts of hits, false alarms and misses for the two curve classes."""
    probabilities = logits.softmax(dim=1)[:, 1:]
    truth = F.one_hot(labels, 3).movedim(-1, 1)[:, 1:].to(probabilities.dtype)
    axes = (0, 2, 3)
    hits = (probabilities * truth).sum(axes)
    return hits, probabilities.sum(axes) - hits, truth.sum(axes) - hits


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    """One minus the soft Dice overlap of each curve class: background does not count at all."""
    hits, alarms, misses = _overlaps(logits, labels)
    return 1 - ((2 * hits + 1) / (2 * hits + alarms + misses + 1)).mean()


def tversky(logits: Tensor, labels: Tensor) -> Tensor:
    """Dice in which a miss costs more than a false alarm (Salehi and others 2017, arXiv:1706.05721)."""
    hits, alarms, misses = _overlaps(logits, labels)
    index = (hits + 1) / (hits + (1 - MISSED_WEIGHT) * alarms + MISSED_WEIGHT * misses + 1)
    return 1 - index.mean()


def cross_entropy_and_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy for honest probabilities plus Dice for the two small classes."""
    return cross_entropy(logits, labels) + dice(logits, labels)


def focal_and_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """Focal loss plus Dice."""
    return focal(logits, labels) + dice(logits, labels)


@dataclass(frozen=True)
class Loss:
    """A loss with its name and what it does, in a line."""

    name: str
    function: LossFunction
    explanation: str


LOSSES = {
    loss.name: loss
    for loss in (
        Loss("cross-entropy", cross_entropy, "every pixel counts alike; background sets the pace"),
        Loss("weighted", weighted_cross_entropy, "curve pixels weigh 6 and 9 times a background pixel"),
        Loss("focal", focal, "pixels already right hardly count; gamma 2"),
        Loss("dice", dice, "overlap of each curve class; background does not count"),
        Loss("tversky", tversky, "Dice in which a miss costs 0.7 and a false alarm 0.3"),
        Loss(
            "cross-entropy+dice",
            cross_entropy_and_dice,
            "honest probabilities, and the small classes count in full",
        ),
        Loss("focal+dice", focal_and_dice, "focal and Dice added"),
    )
}
DEFAULT_LOSS = "focal+dice"
