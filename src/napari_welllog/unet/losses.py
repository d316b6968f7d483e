"""Losses, by name, and what each does to three classes of which one has 97 % of the pixels.

`logits` are float (n, 3, rows, columns), `labels` int64 (n, rows, columns) of 0, 1 and 2. Torch is loaded when a
loss is first computed, so that a window can list them without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from napari_welllog.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

LossFunction = Callable[["Tensor", "Tensor"], "Tensor"]

CLASS_WEIGHTS = (1.0, 6.0, 9.0)
FOCAL_GAMMA = 2.0
MISSED_WEIGHT = 0.7


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean negative log probability of the true class: every pixel counts alike, so background sets the pace."""
    import torch.nn.functional as F

    return F.cross_entropy(logits, labels)


def weighted_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    curve_one_weight: float = CLASS_WEIGHTS[1],
    curve_two_weight: float = CLASS_WEIGHTS[2],
) -> Tensor:
    """Cross-entropy in which a curve pixel weighs about one over the square root of its class's share."""
    import torch.nn.functional as F

    weights = logits.new_tensor((CLASS_WEIGHTS[0], curve_one_weight, curve_two_weight))
    return F.cross_entropy(logits, labels, weight=weights)


def focal(logits: Tensor, labels: Tensor, gamma: float = FOCAL_GAMMA) -> Tensor:
    """Cross-entropy that fades for pixels already right, (1 - p) ** gamma (Lin and others 2017, arXiv:1708.02002)."""
    import torch

    surprise = _surprise(logits.log_softmax(dim=1), labels)
    return ((1 - torch.exp(-surprise)) ** gamma * surprise).mean()


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    """One minus the soft Dice overlap of each curve class: background does not count at all."""
    log_probabilities = logits.log_softmax(dim=1)
    hits, alarms, misses = _overlaps(log_probabilities, _surprise(log_probabilities, labels), labels)
    return 1 - ((2 * hits + 1) / (2 * hits + alarms + misses + 1)).mean()


def tversky(logits: Tensor, labels: Tensor, missed_weight: float = MISSED_WEIGHT) -> Tensor:
    """Dice in which a miss costs more than a false alarm (Salehi and others 2017, arXiv:1706.05721)."""
    log_probabilities = logits.log_softmax(dim=1)
    hits, alarms, misses = _overlaps(log_probabilities, _surprise(log_probabilities, labels), labels)
    index = (hits + 1) / (hits + (1 - missed_weight) * alarms + missed_weight * misses + 1)
    return 1 - index.mean()


def cross_entropy_and_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy for honest probabilities plus Dice for the two small classes."""
    return cross_entropy(logits, labels) + dice(logits, labels)


def focal_and_dice(logits: Tensor, labels: Tensor, gamma: float = FOCAL_GAMMA) -> Tensor:
    """Focal loss plus Dice."""
    from napari_welllog.unet.focal_and_dice import FocalAndDice

    return cast("Tensor", FocalAndDice.apply(logits, labels, gamma))  # type: ignore[no-untyped-call]


def _surprise(log_probabilities: Tensor, labels: Tensor) -> Tensor:
    """The negative log probability of the true class of every pixel."""
    import torch.nn.functional as F

    return F.nll_loss(log_probabilities, labels, reduction="none")


def _overlaps(log_probabilities: Tensor, surprise: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Soft counts of hits, false alarms and misses for the two curve classes."""
    import torch

    right = torch.exp(-surprise)
    places = [labels == curve_class for curve_class in (1, 2)]
    hits = torch.stack([(right * place).sum() for place in places])
    there = torch.stack([place.sum() for place in places])
    claimed = log_probabilities[:, 1:].exp().sum(dim=(0, 2, 3))
    return hits, claimed - hits, there - hits


@dataclass(frozen=True)
class LossParameter:
    """A number in a loss that may be chosen, with what it does in a line.

    Parameters
    ----------
    name, explanation : its name, and what it does.
    default, lowest, highest : what it is, and what it may be.
    """

    name: str
    explanation: str
    default: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Loss:
    """A loss with its name, what it does, in a line, and the numbers in it that may be chosen."""

    name: str
    function: LossFunction
    explanation: str
    parameters: tuple[LossParameter, ...] = ()


_ONE = LossParameter(
    "curve_one_weight",
    "how many background pixels a pixel of curve one counts for; more finds more of it, and false alarms",
    CLASS_WEIGHTS[1],
    0.1,
    1000.0,
)
_TWO = LossParameter(
    "curve_two_weight",
    "how many background pixels a pixel of curve two counts for; more finds more of it, and false alarms",
    CLASS_WEIGHTS[2],
    0.1,
    1000.0,
)
_GAMMA = LossParameter(
    "gamma",
    "how fast a pixel fades as it comes right; 0 is plain cross-entropy, more leaves only the hardest pixels",
    FOCAL_GAMMA,
    0.0,
    8.0,
)
_MISSED = LossParameter(
    "missed_weight",
    "what a missed curve pixel costs, a false alarm costing the rest to 1; 0.5 is Dice, more finds more",
    MISSED_WEIGHT,
    0.01,
    0.99,
)


def loss_function(name: str, parameters: Mapping[str, float] | None = None) -> LossFunction:
    """The loss of a name, with its numbers chosen.

    Parameters
    ----------
    name : name of a loss of `LOSSES`.
    parameters : numbers by the names of its parameters; the usual ones where left out.

    Raises
    ------
    ModelError : there is no such loss or parameter, or a number out of its range.

    Examples
    --------
    >>> import torch
    >>> undecided, curve = torch.zeros(1, 3, 2, 2), torch.ones(1, 2, 2, dtype=torch.int64)
    >>> [round(float(loss_function("focal", {"gamma": gamma})(undecided, curve)), 2) for gamma in (0, 2)]
    [1.1, 0.49]
    """
    if name not in LOSSES:
        raise ModelError(f"There is no loss named '{name}'; choose one of {', '.join(LOSSES)}.")
    known = {parameter.name: parameter for parameter in LOSSES[name].parameters}
    for key, value in (parameters or {}).items():
        if key not in known:
            there_are = ", ".join(known) or "none"
            raise ModelError(f"The loss '{name}' has no parameter '{key}'; it has {there_are}.")
        if not known[key].lowest <= value <= known[key].highest:
            raise ModelError(
                f"The parameter '{key}' is {value:g}; choose it from {known[key].lowest:g} to {known[key].highest:g}."
            )
    return partial(LOSSES[name].function, **(parameters or {})) if parameters else LOSSES[name].function


LOSSES = {
    loss.name: loss
    for loss in (
        Loss("cross-entropy", cross_entropy, "every pixel counts alike; background sets the pace"),
        Loss(
            "weighted",
            weighted_cross_entropy,
            "curve pixels weigh 6 and 9 times a background pixel",
            (_ONE, _TWO),
        ),
        Loss("focal", focal, "pixels already right hardly count; gamma 2", (_GAMMA,)),
        Loss("dice", dice, "overlap of each curve class; background does not count"),
        Loss("tversky", tversky, "Dice in which a miss costs 0.7 and a false alarm 0.3", (_MISSED,)),
        Loss(
            "cross-entropy+dice",
            cross_entropy_and_dice,
            "honest probabilities, and the small classes count in full",
        ),
        Loss("focal+dice", focal_and_dice, "focal and Dice added", (_GAMMA,)),
    )
}
DEFAULT_LOSS = "focal+dice"
