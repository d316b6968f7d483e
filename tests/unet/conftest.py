"""Networks to test with: quick to make, and none of their numbers without effect."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch

from napari_welllog.synthetic import print_window
from napari_welllog.unet import Model
from napari_welllog.unet.network import UNet
from napari_welllog.unet.windows import to_ink


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread: more only wait for each other here, and each number of them rounds sums its own way."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def _lively() -> Model:
    """A network with random weights whose every level is at work on a printed page.

    A fresh network hands hardly anything from its depths to its head. Here each norm holds the statistics of real
    pages and a scale and shift of its own, so that what is far from a pixel matters to it.
    """
    torch.manual_seed(1)
    network = UNet()
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        torch.nn.init.uniform_(norm.weight, 0.6, 1.4)
        torch.nn.init.normal_(norm.bias, 0.2, 0.3)
    torch.nn.init.normal_(network.head.weight, 0, 0.4)
    pages = torch.cat([to_ink(print_window(seed, rows=256, columns=256).scan) for seed in range(2)])
    with torch.no_grad():
        network.train()(pages)
        network.eval()
        # No class so likely that the others never show.
        means = network(pages).mean(dim=(0, 2, 3)).repeat_interleave(4)
        network.head.bias -= means
    return Model("lively", "0" * 64, network.eval())


@pytest.fixture(scope="session")
def lively() -> Model:
    return _lively()


@pytest.fixture(scope="session")
def page() -> np.ndarray:
    """A printed page, taller than what a network sees at once."""
    return print_window(7, rows=900, columns=72).scan
