"""What takes the steps down the loss: Muon for a network that begins with nothing, AdamW for one that has learnt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from napari_welllog.errors import ModelError

WEIGHT_DECAY = 1e-3
MUON_WEIGHT_DECAY = 1e-2

STEPS_OF_ITERATION = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that drives every singular value to about one within five steps (Jordan 2024)."""

LENGTH = 0.4
"""Makes the step of a kernel about twice as long as AdamW's (0.2, Liu and others 2025): the loss falls faster."""


OPTIMISERS = ("muon", "adamw")


def optimisers(network: nn.Module, rate: float, name: str) -> list[Optimizer]:
    """What trains a network: AdamW for all of it, or Muon for its kernels and AdamW for the rest.

    What is no kernel, and a kernel of a convolution over one channel, has nothing to be made orthogonal.

    Parameters
    ----------
    network : the network.
    rate : the learning rate to begin with.
    name : one of `OPTIMISERS`.

    Raises
    ------
    ModelError : there is no such optimiser.

    Examples
    --------
    >>> from napari_welllog.unet.network import UNet
    >>> [type(optimiser).__name__ for optimiser in optimisers(UNet(), 4e-3, "muon")]
    ['Muon', 'AdamW']
    """
    if name not in OPTIMISERS:
        raise ModelError(f"There is no optimiser '{name}'; choose one of {', '.join(OPTIMISERS)}.")
    if name == "adamw":
        return [AdamW(network.parameters(), lr=rate, weight_decay=WEIGHT_DECAY)]
    kernels = [numbers for numbers in network.parameters() if _is_kernel(numbers)]
    others = [numbers for numbers in network.parameters() if not _is_kernel(numbers)]
    return [Muon(kernels, rate), AdamW(others, lr=rate, weight_decay=MUON_WEIGHT_DECAY)]


def _is_kernel(numbers: Tensor) -> bool:
    """Whether trained numbers are a kernel that mixes channels."""
    return numbers.ndim == 4 and numbers.shape[1] > 1


class Muon(Optimizer):
    """Gradient descent with momentum whose every step is made orthogonal.

    A plain step goes almost all the way along the few directions in which a kernel has the steepest gradient. Made
    orthogonal, it goes as far along all of them, the rare ones too (Jordan and others 2024, Muon: an optimizer for
    hidden layers in neural networks; Liu and others 2025, Muon is scalable for LLM training, arXiv:2502.16982). Torch
    has it from 2.9 on, for matrices alone.

    Parameters
    ----------
    kernels : trained numbers (outputs, inputs, rows, columns), each taken as a matrix of a row for each output.
    lr : learning rate, of the size that suits AdamW.
    momentum : what the running sum of gradients keeps of itself at each step.
    weight_decay : share of the numbers, times the learning rate, that is taken away at each step.
    """

    def __init__(
        self,
        kernels: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = MUON_WEIGHT_DECAY,
    ) -> None:
        super().__init__(kernels, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step for every kernel that has a gradient."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is not None:
                    self._go(kernel, kernel.grad, group)

    def _go(self, kernel: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """One step for a kernel, looking ahead along its momentum (Nesterov)."""
        momentum, rate = group["momentum"], group["lr"]
        if "running" not in self.state[kernel]:
            self.state[kernel]["running"] = torch.zeros_like(kernel)
        running = self.state[kernel]["running"]
        running.mul_(momentum).add_(gradient)
        # Channels last, as they lie in memory; in which order the columns stand makes no difference.
        ahead = gradient.add(running, alpha=momentum).permute(0, 2, 3, 1)
        matrix = ahead.flatten(1)
        length = LENGTH * max(matrix.shape) ** 0.5
        kernel.mul_(1 - rate * group["weight_decay"])
        kernel.add_(orthogonal(matrix).view(ahead.shape).permute(0, 3, 1, 2), alpha=-rate * length)


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest orthogonal matrix, by five steps of a Newton-Schulz iteration: singular values of about one.

    Parameters
    ----------
    matrix : float32 (rows, columns).

    Examples
    --------
    >>> values = torch.linalg.svdvals(orthogonal(torch.tensor([[3.0, 0.0, 1.0], [0.0, 0.2, 0.0]])))
    >>> bool((values > 0.6).all() and (values < 1.3).all())
    True
    """
    tall = matrix.shape[0] > matrix.shape[1]
    wide: Tensor = matrix.T if tall else matrix
    wide = wide / (wide.norm() + 1e-7)
    linear, cubic, quintic = COEFFICIENTS
    for _ in range(STEPS_OF_ITERATION):
        square = wide @ wide.T
        wide = linear * wide + (cubic * square + quintic * square @ square) @ wide
    return wide.T if tall else wide
