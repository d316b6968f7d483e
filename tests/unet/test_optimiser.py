"""What takes the steps: as far along rare directions as along common ones."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog.unet.network import UNet
from napari_welllog.unet.optimiser import Muon, optimisers, orthogonal


@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 1000))
def test_the_rarest_direction_counts_about_as_much_as_the_commonest(rows, columns, seed) -> None:
    torch.manual_seed(seed)
    flat = min(rows, columns)
    u, v = (torch.linalg.qr(torch.randn(size, flat))[0] for size in (rows, columns))
    steepness = torch.linspace(1.0, 0.05, flat)
    found = torch.linalg.svdvals(orthogonal(u * steepness @ v.T))
    assert found.min() > 0.5
    assert found.max() < 1.3


def test_what_a_tall_matrix_becomes_is_what_its_transpose_becomes() -> None:
    torch.manual_seed(3)
    tall = torch.randn(20, 6)
    torch.testing.assert_close(orthogonal(tall), orthogonal(tall.T).T)


def test_no_gradient_at_all_is_no_step() -> None:
    assert torch.equal(orthogonal(torch.zeros(3, 5)), torch.zeros(3, 5))
    kernel = torch.nn.Parameter(torch.ones(4, 3, 3, 3))
    Muon([kernel], lr=0.1).step()
    assert torch.equal(kernel, torch.ones(4, 3, 3, 3))


def test_a_step_goes_against_the_gradient() -> None:
    torch.manual_seed(5)
    target = torch.randn(8, 4, 3, 3)
    kernel = torch.nn.Parameter(torch.zeros_like(target))
    optimiser = Muon([kernel], lr=0.05)
    misses = []
    for _ in range(60):
        optimiser.zero_grad()
        miss = (kernel - target).square().mean()
        miss.backward()
        optimiser.step()
        misses.append(miss.item())
    assert misses[-1] < 0.1 * misses[0]


def test_a_step_goes_on_where_the_gradients_before_it_led() -> None:
    kernel = torch.nn.Parameter(torch.zeros(4, 3, 3, 3))
    optimiser = Muon([kernel], lr=0.1)
    kernel.grad = torch.randn(kernel.shape, generator=torch.Generator().manual_seed(7))
    optimiser.step()
    first = kernel.detach().clone()
    kernel.grad = torch.zeros_like(kernel)
    optimiser.step()
    onward = kernel.detach() - first
    assert torch.nn.functional.cosine_similarity(onward.flatten(), first.flatten(), dim=0) > 0.9


def test_every_number_of_the_network_is_trained_once() -> None:
    network = UNet()
    for name in ("muon", "adamw"):
        trained = [
            id(numbers)
            for optimiser in optimisers(network, 1e-3, name)
            for group in optimiser.param_groups
            for numbers in group["params"]
        ]
        assert sorted(trained) == sorted(id(numbers) for numbers in network.parameters())


@pytest.mark.parametrize(("start", "name"), [(None, "muon"), ("welllog-1", "adamw")])
def test_weights_say_what_trained_them(tmp_path, start, name) -> None:
    from napari_welllog.unet import load_model
    from napari_welllog.unet.train import train
    from napari_welllog.unet.training_settings import TrainingSettings

    tiny = TrainingSettings(steps=1, batch=1, window=(64, 64), tall_window=(64, 64), held_out=1, workers=0)
    train(tmp_path / "weights.safetensors", tiny, start=start)
    assert load_model(tmp_path / "weights.safetensors").provenance["optimiser"] == name
