"""The network: small, thorough, and never looking farther than the halo of a tile."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from napari_welllog.unet.network import CLASSES, FOLD, STRIDE, UNet, parameter_count
from napari_welllog.unet.predict import ALIGNMENT, HALO_COLUMNS, HALO_ROWS

FAR = 960
"""Pixels to each side that are looked at: more than the network sees."""


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 32, 32), (2, 64, 96), (1, 160, 32)])
def test_every_pixel_of_every_scan_gets_three_logits(count, rows, columns) -> None:
    logits = UNet().eval()(torch.rand(count, 1, rows, columns))
    assert logits.shape == (count, CLASSES, rows, columns)
    assert logits.isfinite().all()


def test_the_network_is_small_enough_for_a_laptop() -> None:
    network = UNet()
    assert 400_000 < parameter_count(network) < 1_000_000
    assert sum(tensor.nbytes for tensor in network.state_dict().values()) < 4e6


def test_the_network_costs_less_than_25_kiloflop_a_pixel() -> None:
    network = UNet().eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 128, 128))
    assert 5_000 < counter.get_total_flops() / 128**2 < 25_000


def test_scans_are_cut_at_multiples_of_the_stride() -> None:
    """Otherwise the folding and the pools would fall on other pixels in a tile than in the whole."""
    assert ALIGNMENT % STRIDE == 0
    assert HALO_ROWS % ALIGNMENT == 0
    assert HALO_COLUMNS % ALIGNMENT == 0


def reach(axis: int) -> tuple[int, int]:
    """How many pixels before and after a block of the stride its logits depend on.

    With weights of one and averages for maxima no path through the network cancels another.
    """
    network = UNet().double()
    network.pool = nn.AvgPool2d(2)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    shape = [1, 1, STRIDE, STRIDE]
    shape[axis] = 2 * FAR + STRIDE
    ink = torch.rand(shape, dtype=torch.float64, requires_grad=True)
    logits = network.eval()(ink)
    logits.narrow(axis, FAR, STRIDE).sum().backward()
    assert ink.grad is not None
    seen = np.flatnonzero(ink.grad.numpy().any(axis=tuple({0, 1, 2, 3} - {axis})))
    return FAR - int(seen[0]), int(seen[-1]) - (FAR + STRIDE - 1)


@pytest.mark.parametrize(
    ("axis", "least", "halo"), [(2, 150, HALO_ROWS), (3, 600, HALO_COLUMNS)], ids=["rows", "columns"]
)
def test_the_halo_of_a_tile_is_wider_than_the_network_sees(axis, least, halo) -> None:
    """Along the rows it sees farther, to have the other curve of the track in view."""
    for side in reach(axis):
        assert least < side < halo


def test_every_channel_width_makes_a_network() -> None:
    assert UNet((4, 6, 8)).eval()(torch.zeros(1, 1, 16, 24)).shape == (1, 3, 16, 24)


def test_no_pixel_is_lost_at_half_resolution() -> None:
    """Moving one pixel of ink moves the logits: folding keeps all four pixels of a block apart."""
    torch.manual_seed(1)
    network = UNet().eval()
    logits = []
    for row, column in np.ndindex(FOLD, FOLD):
        ink = torch.zeros(1, 1, 32, 32)
        ink[0, 0, 16 + row, 16 + column] = 1
        with torch.inference_mode():
            logits.append(network(ink))
    for i, one in enumerate(logits):
        for other in logits[:i]:
            assert not torch.allclose(one, other, atol=1e-6)
