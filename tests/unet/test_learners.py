"""Two threads learn side by side, each from half of a batch, and what they find is put together."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from napari_welllog.unet.learners import LEARNERS, Learners
from napari_welllog.unet.losses import cross_entropy
from napari_welllog.unet.network import UNet

NONE = torch.zeros(4, dtype=torch.bool)


def by_kind(logits: Tensor, labels: Tensor, annotated: Tensor) -> Tensor:
    return cross_entropy(logits, labels)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Four windows of which each is darker than the one before."""
    generator = torch.Generator().manual_seed(3)
    ink = torch.rand(4, 1, 64, 64, generator=generator) * torch.arange(1, 5).view(4, 1, 1, 1) / 4
    return ink, torch.randint(0, 3, (4, 64, 64), generator=generator)


@pytest.fixture
def network() -> UNet:
    torch.manual_seed(5)
    return UNet().train()


def gradients_of(network: nn.Module) -> Tensor:
    return torch.cat([number.grad.flatten() for number in network.parameters() if number.grad is not None])


@pytest.mark.parametrize("at_once", [4, 3, 2, 1])
def test_together_they_find_the_gradients_of_the_whole_batch(network, batch, at_once) -> None:
    """Without the statistics of a batch, which each takes of its own windows."""
    network.eval()
    alone = copy.deepcopy(network)
    whole = cross_entropy(alone(batch[0]), batch[1])
    whole.backward()
    learners = Learners(network, by_kind, bfloat16=False)
    for _ in range(2):  # of the second batch nothing of the first is left
        loss = learners.gradients(*batch, NONE, at_once)
    learners.close()
    assert loss == pytest.approx(float(whole.detach()), rel=1e-5)
    torch.testing.assert_close(gradients_of(network), gradients_of(alone), rtol=1e-3, atol=1e-6)


def test_statistics_are_the_mean_of_what_each_saw(network, batch) -> None:
    learners = Learners(network, by_kind, bfloat16=False)
    for _ in range(2):  # the second batch goes on from what both saw of the first
        halves = [copy.deepcopy(network) for _ in range(LEARNERS)]
        for half, ink in zip(halves, batch[0].split(2), strict=True):
            half(ink)
        learners.gradients(*batch, NONE, 4)
    learners.close()
    seen = [dict(half.named_buffers()) for half in halves]
    running = [(name, buffer) for name, buffer in network.named_buffers() if "running" in name]
    assert not torch.equal(seen[0]["down.0.1.running_var"], seen[1]["down.0.1.running_var"])
    for name, buffer in running:
        torch.testing.assert_close(buffer, torch.stack([half[name] for half in seen]).mean(0))


def test_they_learn_from_the_numbers_as_they_are_after_a_step(network, batch) -> None:
    network.eval()
    learners = Learners(network, by_kind, bfloat16=False)
    losses = []
    for _ in range(3):
        losses.append(learners.gradients(*batch, NONE, 4))
        with torch.no_grad():
            for number in network.parameters():
                if number.grad is not None:
                    number -= 0.05 * number.grad
    learners.close()
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] == pytest.approx(
        float(cross_entropy(network(batch[0]), batch[1]).detach()), abs=losses[1] - losses[2]
    )


def test_what_goes_wrong_in_one_is_told_and_they_go_on(network, batch) -> None:
    said = iter([True, False, False, False])

    def starved(logits: Tensor, labels: Tensor, annotated: Tensor) -> Tensor:
        if next(said):
            raise MemoryError
        return cross_entropy(logits, labels)

    learners = Learners(network, starved, bfloat16=False)
    with pytest.raises(MemoryError):
        learners.gradients(*batch, NONE, 4)
    assert learners.gradients(*batch, NONE, 4) > 0
    learners.close()


def test_when_they_are_done_new_threads_have_all_cores_again(network, batch) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        learners = Learners(network, by_kind, bfloat16=False)
        learners.gradients(*batch, NONE, 4)
        assert learners.pool.submit(torch.get_num_threads).result() == 2, "half each"
        learners.close()
        with ThreadPoolExecutor(1) as another:
            assert another.submit(torch.get_num_threads).result() == 4
    finally:
        torch.set_num_threads(before)
