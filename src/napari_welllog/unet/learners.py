"""The gradients of a batch, worked out by two threads side by side, each on windows of its own."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

LEARNERS = 2
"""Threads that learn. Small convolutions on half the windows each take less time than all of them on twice the cores,
where every convolution ends with one core that waits for the other."""

LossByKind = Callable[[Tensor, Tensor, Tensor], Tensor]
Part = tuple[Tensor, Tensor, Tensor]


class Learners:
    """Two threads with a network each that share what is trained, but not its gradients nor statistics.

    How many there are does not depend on the machine, so that the same seed learns the same on every number of
    cores. Each normalises by the statistics of its own windows (Hoffer and others 2017, Train longer, generalize
    better, arXiv:1705.08741: ghost batches); what the network keeps of them is their mean.

    Parameters
    ----------
    network : the network to train, ready to learn.
    loss : the loss of logits (n, 3, rows, columns), labels (n, rows, columns) and which windows are annotated (n,).
    bfloat16 : whether to multiply in bfloat16.
    """

    def __init__(self, network: nn.Module, loss: LossByKind, bfloat16: bool) -> None:
        self.network, self.loss, self.bfloat16 = network, loss, bfloat16
        self.networks = [network, *(_sharing(network) for _ in range(LEARNERS - 1))]
        self.cores = torch.get_num_threads()
        self.pool = ThreadPoolExecutor(
            LEARNERS, "learner", torch.set_num_threads, (max(1, self.cores // LEARNERS),)
        )

    def gradients(self, ink: Tensor, labels: Tensor, annotated: Tensor, at_once: int) -> float:
        """The loss of a batch and, in the network, its gradients.

        Parameters
        ----------
        ink, labels, annotated : float32 (n, 1, rows, columns), integers (n, rows, columns) and bool (n,).
        at_once : windows in memory at once.
        """
        learning = min(LEARNERS, at_once)
        size = -(-min(at_once, len(ink)) // learning)
        parts = list(zip(*(torch.split(whole, size) for whole in (ink, labels, annotated)), strict=True))
        self._hand_out()
        jobs = [
            self.pool.submit(self._learn, network, parts[first::learning], len(ink))
            for first, network in enumerate(self.networks[:learning])
        ]
        errors = [job.exception() for job in jobs]
        for error in errors:
            if error is not None:
                raise error
        self._gather(learning)
        return sum(job.result() for job in jobs)

    def close(self) -> None:
        """Let the threads go; what computes on a new thread from now on has all cores again."""
        self.pool.shutdown()
        torch.set_num_threads(self.cores)

    def _learn(self, network: nn.Module, parts: Sequence[Part], count: int) -> float:
        """The loss of some parts of a batch of `count` windows, with its gradients in the network."""
        total = 0.0
        for ink, labels, annotated in parts:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bfloat16):
                logits = network(ink.contiguous(memory_format=torch.channels_last))
            loss = self.loss(logits.float(), labels.long(), annotated) * (len(ink) / count)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total

    def _hand_out(self) -> None:
        """Give every network the statistics so far, and no gradients."""
        for network in self.networks:
            network.zero_grad()
        for network in self.networks[1:]:
            for own, known in zip(network.buffers(), self.network.buffers(), strict=True):
                own.copy_(known)

    @torch.no_grad()
    def _gather(self, learning: int) -> None:
        """Add up the gradients and take the mean of the statistics of the networks that learnt."""
        for network in self.networks[1:learning]:
            for number, other in zip(self.network.parameters(), network.parameters(), strict=True):
                if other.grad is not None:
                    number.grad = other.grad if number.grad is None else number.grad.add_(other.grad)
        for buffers in zip(*(network.buffers() for network in self.networks[:learning]), strict=True):
            if buffers[0].is_floating_point():
                buffers[0].copy_(torch.stack(buffers).mean(0))


def _sharing(network: nn.Module) -> nn.Module:
    """A copy of a network whose trained numbers are those of the network itself."""
    other = copy.deepcopy(network)
    for own, shared in zip(other.parameters(), network.parameters(), strict=True):
        own.data = shared.data
    return other


def use_large_pages() -> None:
    """Ask torch for memory in large pages, before it first takes any: otherwise that is up to a third of a step."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
