"""OpenVINO runs the same network as torch does, faster, and never sees more than a tile."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_welllog.errors import Cancelled
from napari_welllog.unet import openvino_network as module
from napari_welllog.unet.layout import shapes_of_weights
from napari_welllog.unet.network import CHANNELS, UNet
from napari_welllog.unet.predict import HALO_COLUMNS, HALO_ROWS, plan_tiles
from napari_welllog.unet.windows import to_ink

pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def exact(lively):
    return module.OpenVinoNetwork(lively.weights, "float32", 1)


@pytest.mark.parametrize("channels", [CHANNELS, (4, 6, 8)])
def test_the_layout_is_that_of_the_network_in_torch(channels) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in UNet(channels).state_dict().items()}
    assert shapes_of_weights(channels) == shapes


def test_it_gives_the_classes_and_probabilities_of_plain_torch(exact, lively, page) -> None:
    pixels = page[:608, :64]
    with torch.inference_mode():
        probabilities = lively.network(to_ink(pixels)).softmax(1)[0].numpy()
    classes, *curves = exact(pixels)
    certain = np.diff(np.sort(probabilities, axis=0)[-2:], axis=0)[0] > 1e-4
    assert certain.mean() > 0.99
    assert len(np.unique(classes)) == 3
    np.testing.assert_array_equal(classes[certain], probabilities.argmax(0)[certain])
    for got, want in zip(curves, probabilities[1:], strict=True):
        assert np.abs(got - want * 255).max() <= 0.51


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([32, 64, 160, 256]), st.sampled_from([32, 64]))
def test_the_tiles_do_not_matter(exact, page, rows, columns) -> None:
    pixels = page[:640, :64]
    whole, assembled = exact(pixels), np.zeros((3, *pixels.shape), np.uint8)
    for tile in plan_tiles(*pixels.shape, rows, columns):
        seen = exact(pixels[slice(*tile.seen_rows), slice(*tile.seen_columns)])
        (top, left), (own_rows, own_columns) = (
            (tile.seen_rows[0], tile.seen_columns[0]),
            (tile.rows, tile.columns),
        )
        assembled[:, slice(*own_rows), slice(*own_columns)] = seen[
            :, own_rows[0] - top : own_rows[1] - top, own_columns[0] - left : own_columns[1] - left
        ]
    assert max(HALO_ROWS, HALO_COLUMNS) > 0
    np.testing.assert_array_equal(assembled, whole)


def test_a_tile_that_runs_stops_at_once(exact) -> None:
    pixels = np.full((4096, 1024), 255, np.uint8)
    pixels[:, ::9] = 0
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        exact(pixels, stop.is_set)
    assert time.monotonic() - began < 3
    assert exact(pixels[:64, :64]).shape == (3, 64, 64), "and is ready for the next"


@pytest.mark.parametrize(("asked", "threads"), [("3", 3), ("0", None), ("many", None), ("", None)])
def test_the_usual_variable_says_how_many_threads(monkeypatch, asked, threads) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert threads is None or module.threads_at_hand() == threads
    assert module.threads_at_hand() >= 1
