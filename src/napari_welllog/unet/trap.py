"""The 97 % trap: two small networks learn side by side from the same start, one by plain cross-entropy.

About 97 % of a scan is background, so a network that calls everything background is right nearly everywhere and
finds nothing. This trains for real, and tells whatever happens, also if plain cross-entropy catches up.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import AnnotationsError, Cancelled
from napari_welllog.synthetic import PressSettings, print_window
from napari_welllog.unet.losses import DEFAULT_LOSS, LossFunction, loss_function
from napari_welllog.unet.predict import ALIGNMENT
from napari_welllog.unet.scores import PixelScores, score_pixels

if TYPE_CHECKING:
    from torch import Tensor, nn

PLAIN = "cross-entropy"
CHANNELS = (8, 12, 16, 24, 32)
STEPS = 1000
FOUND = 0.5
"""Curve recall from which a network is said to find the curves."""

NEAR = 0.02
"""Curve recall by which one network may lie behind the other and yet have caught up."""

RATE = 4e-3

_TOLD_EVERY = 5
_SHAPE = (192, 192)


@dataclass(frozen=True, eq=False)
class Learner:
    """One of the two networks, at a moment.

    Parameters
    ----------
    loss_name : what it minimises.
    loss : the loss of the last batch.
    scores : of its class map, against the labels of the patch.
    labels : its class map, uint8 (rows, columns).
    """

    loss_name: str
    loss: float
    scores: PixelScores
    labels: NDArray[np.uint8]

    @property
    def accuracy(self) -> float:
        """Share of all pixels that are right."""
        return self.scores.accuracy

    @property
    def curve_recall(self) -> float:
        """Share of the curve pixels that it calls by their class, the mean of the curves that are there."""
        known = [recall for recall in self.scores.recall[1:] if not np.isnan(recall)]
        return float(np.mean(known)) if known else float("nan")


@dataclass(frozen=True, eq=False)
class TrapStatus:
    """Both networks after the same number of batches.

    Parameters
    ----------
    step, steps : batches learnt from, and how many it will be.
    plain, chosen : by plain cross-entropy, and by the chosen loss.
    """

    step: int
    steps: int
    plain: Learner
    chosen: Learner


def trap_patch(
    seed: int = 0, rows: int = _SHAPE[0], columns: int = _SHAPE[1]
) -> tuple[NDArray[np.uint8], ...]:
    """Print a patch with both curves on it, of which about 97 % is background: pixels and labels.

    Examples
    --------
    >>> pixels, labels = trap_patch()
    >>> pixels.shape, 0.96 < float((labels == 0).mean()) < 0.98
    ((192, 192), True)
    """
    for attempt in range(seed * 1000, (seed + 1) * 1000):
        log = print_window(attempt, PressSettings(), rows, columns)
        shares = np.bincount(log.classes.ravel(), minlength=3) / log.classes.size
        if 0.963 < shares[0] < 0.977 and shares[1:].min() > 0.006:
            return log.scan, log.classes
    raise AssertionError("no such patch was printed")


def run_trap(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    loss: str = DEFAULT_LOSS,
    parameters: Mapping[str, float] | None = None,
    steps: int = STEPS,
    seed: int = 1,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[TrapStatus]:
    """Train two small networks side by side on one patch, and tell how both do as they learn.

    They are measured on the patch that they learn from: whoever finds no curve there finds none anywhere. About
    a minute on a processor for a patch of 192 x 192.

    Parameters
    ----------
    pixels, labels : uint8 (rows, columns); the patch, and the class of each of its pixels.
    loss, parameters : the chosen loss, and numbers in it, as for `loss_function`.
    steps : how many times each looks at the patch.
    seed : decides the weights that both start from.
    cancelled : asked before every step.

    Yields
    ------
    A status after every few steps, and at the end.

    Raises
    ------
    ModelError : there is no such loss.
    AnnotationsError : the patch has no curve on it, or its labels are of another shape.
    Cancelled : asked to stop.

    Examples
    --------
    >>> pixels, labels = trap_patch(rows=64, columns=64)
    >>> [status.step for status in run_trap(pixels, labels, steps=6)]
    [0, 5, 6]
    """
    functions = loss_function(PLAIN), loss_function(loss, parameters)
    if labels.shape != pixels.shape or not labels.any():
        raise AnnotationsError("the patch needs labels of its size with curves on it; choose another place")
    ink, truth = _tensors(pixels, labels)
    pair = [
        _Pupil(name, network, function)
        for name, network, function in zip((PLAIN, loss), _twins(seed), functions, strict=True)
    ]
    for step in range(steps + 1):
        if cancelled is not None and cancelled():
            raise Cancelled
        # The class map before the step is a by-product of it, so watching costs nothing.
        plain, chosen = (pupil.look(ink, truth, labels, learn=step < steps) for pupil in pair)
        if step % _TOLD_EVERY == 0 or step == steps:
            yield TrapStatus(step, steps, plain(), chosen())


def found_after(statuses: Sequence[TrapStatus], which: str) -> int | None:
    """The batch from which one network finds half of the curve pixels to the end; None where it does not.

    To the end, because a network that has learnt nothing calls much by chance a curve, and so finds some.

    Parameters
    ----------
    statuses : everything that was told.
    which : ``"plain"`` or ``"chosen"``.
    """
    return _since(statuses, lambda status: getattr(status, which).curve_recall >= FOUND)


def farthest_apart(statuses: Sequence[TrapStatus]) -> TrapStatus:
    """The moment at which the curve recall of the plain network lies farthest behind."""
    return max(statuses, key=lambda s: s.chosen.curve_recall - s.plain.curve_recall)


def caught_up_after(statuses: Sequence[TrapStatus]) -> int | None:
    """The batch from which the plain network is no worse in curve recall to the end; None where it never is."""
    return _since(statuses, lambda status: status.plain.curve_recall >= status.chosen.curve_recall - NEAR)


def _since(statuses: Sequence[TrapStatus], is_so: Callable[[TrapStatus], bool]) -> int | None:
    """The batch from which something is so to the end."""
    lasting = list(takewhile(is_so, reversed(statuses)))
    return lasting[-1].step if lasting else None


def _twins(seed: int) -> tuple[nn.Module, nn.Module]:
    """Two small networks with the same weights."""
    import torch

    from napari_welllog.unet.network import UNet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        one = UNet(CHANNELS)
    return one, copy.deepcopy(one)


def _tensors(pixels: NDArray[np.uint8], labels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Ink and labels with paper added below and at the right, as the network wants it."""
    import torch

    more = [(0, -size % ALIGNMENT) for size in pixels.shape]
    ink = 1 - np.pad(pixels, more, constant_values=255).astype(np.float32) / 255
    truth = np.pad(labels, more).astype(np.int64)
    return torch.from_numpy(ink)[None, None], torch.from_numpy(truth)[None]


class _Pupil:
    """A network that learns one patch by one loss."""

    def __init__(self, name: str, network: nn.Module, function: LossFunction) -> None:
        import torch

        self.name, self.network, self.function = name, network.train(), function
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)

    def look(
        self, ink: Tensor, truth: Tensor, labels: NDArray[np.uint8], learn: bool
    ) -> Callable[[], Learner]:
        """Look at the patch, learn from it, and give what tells how it was read."""
        logits = self.network(ink)
        loss = self.function(logits, truth)
        if learn:
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()

        def tell() -> Learner:
            rows, columns = labels.shape
            guess = logits.detach()[0].argmax(0)[:rows, :columns].numpy().astype(np.uint8)
            return Learner(self.name, float(loss.detach()), score_pixels(guess, labels), guess)

        return tell
