"""Segmenting by regions: the same class map as `segment`, in any order, in smaller tiles, stopped at once."""

from __future__ import annotations

import time
from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_welllog.class_map import ClassMap
from napari_welllog.errors import Cancelled, ScanError
from napari_welllog.synthetic import PressSettings, print_window
from napari_welllog.unet import segment
from napari_welllog.unet.loading import load_torch
from napari_welllog.unet.predict import ALIGNMENT, plan_tiles
from napari_welllog.unet.predictor import EVERYTHING, TorchPredictor, make_predictor
from napari_welllog.unet.regions import (
    GrowingClassMap,
    Region,
    halves,
    nearest_first,
    plan_region,
    segment_regions,
    whole_scan,
)

regions = import_module("napari_welllog.unet.regions")

TILE = 0.06
"""Megapixels of a tile, so that the small scan of these tests has several."""


@pytest.fixture(scope="module")
def scan() -> np.ndarray:
    window = print_window(3, PressSettings(), rows=700, columns=320)
    return window.scan


@pytest.fixture(scope="module")
def whole(scan) -> ClassMap:
    return segment(scan)


def same(one: ClassMap, other: ClassMap) -> bool:
    planes = zip(one.curve_probabilities, other.curve_probabilities, strict=True)
    return np.array_equal(one.labels, other.labels) and all((a != b).nnz == 0 for a, b in planes)


def nearly_same(one: ClassMap, other: ClassMap) -> bool:
    """Equal labels; probabilities, rounded to 255ths, one step apart at most or dropped as faint."""
    planes = zip(one.curve_probabilities, other.curve_probabilities, strict=True)
    apart = max(abs(a.toarray().astype(int) - b.toarray()).max() for a, b in planes)
    return bool((one.labels != other.labels).mean() < 1e-5) and apart <= 5


def test_the_whole_scan_gives_exactly_what_segment_gives(scan, whole) -> None:
    outcome = segment_regions(scan)
    assert same(outcome.class_map, whole)
    assert outcome.shares == pytest.approx(whole.shares())
    assert outcome.megapixels == scan.size / 1e6
    assert outcome.device == "cpu" or outcome.reason.startswith("the fastest")


def test_tiles_come_from_what_is_in_view_outwards_and_make_the_same_class_map(scan, whole) -> None:
    tops, fractions = [], []
    outcome = segment_regions(
        scan,
        view=Region((600, 700), (0, 320)),
        tile_megapixels=TILE,
        each=lambda tile, labels: tops.append(tile.rows[0]),
        progress=lambda fraction, text: fractions.append(fraction),
    )
    assert len(tops) > 3
    assert tops == sorted(tops, reverse=True)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert nearly_same(outcome.class_map, whole)


def test_a_region_replaces_just_its_part_of_an_earlier_class_map(scan, whole) -> None:
    earlier = ClassMap.from_labels(np.full(scan.shape, 2, np.uint8))
    region = Region((200, 330), (64, 200))
    class_map = segment_regions(scan, [region], growing=GrowingClassMap(scan.shape, earlier)).class_map
    inside = np.zeros(scan.shape, bool)
    inside[192:330, 64:200] = True  # tiles begin on multiples of 32
    assert np.array_equal(class_map.labels[inside], whole.labels[inside])
    assert (class_map.labels[~inside] == 2).all()
    for made, expected, before in zip(
        class_map.curve_probabilities, whole.curve_probabilities, earlier.curve_probabilities, strict=True
    ):
        assert abs(made.toarray().astype(int) - expected.toarray())[inside].max() <= 5
        assert np.array_equal(made.toarray()[~inside], before.toarray()[~inside])
    assert (earlier.labels == 2).all(), "the earlier class map itself is left alone"


def test_a_region_beside_the_scan_is_refused_in_words(scan) -> None:
    with pytest.raises(ScanError, match="No part of the scan lies in the region"):
        segment_regions(scan, [Region((900, 1000), (0, 100))])


class Forgetful:
    """A predictor with room for so many pixels at once."""

    room = 0
    device, engine = "cpu", "a test"

    def __init__(self, model, device):
        self.reader = make_predictor(model, device)

    def read(self, pixels, part=EVERYTHING, cancelled=lambda: False):
        if pixels.size > self.room:
            raise RuntimeError("CUDA out of memory. Tried to allocate 1.50 GiB")
        return self.reader.read(pixels, part, cancelled)


def test_when_memory_runs_out_smaller_tiles_are_tried_and_it_is_said(scan, monkeypatch) -> None:
    monkeypatch.setattr(regions, "make_predictor", Forgetful)
    tall = np.vstack([scan, scan])
    monkeypatch.setattr(Forgetful, "room", 1000 * 320)
    outcome = segment_regions(tall)
    assert nearly_same(outcome.class_map, segment(tall))
    assert outcome.notices[-1].startswith("memory ran out: went on with tiles of")


def test_when_memory_does_not_do_for_the_smallest_tile_it_is_an_error(scan, monkeypatch) -> None:
    monkeypatch.setattr(regions, "make_predictor", Forgetful)
    with pytest.raises(MemoryError):
        segment_regions(scan[:200])


@pytest.mark.parametrize("engine", ["torch", "OpenVINO"])
def test_it_stops_within_a_layer_not_only_between_tiles(scan, engine, monkeypatch) -> None:
    if engine == "torch":
        monkeypatch.setattr(regions, "make_predictor", TorchPredictor)
    else:
        pytest.importorskip("openvino")
    began = [0.0]
    tall = np.tile(scan, (16, 3))

    def a_moment_in() -> bool:
        began[0] = began[0] or time.perf_counter()
        return time.perf_counter() - began[0] > 0.2

    growing = GrowingClassMap(tall.shape)
    with pytest.raises(Cancelled):
        segment_regions(tall, growing=growing, tile_megapixels=100, cancelled=a_moment_in)
    assert growing.tiles == []
    network = TorchPredictor(regions.load_model()).networks
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_what_was_done_before_a_stop_is_kept(scan, whole) -> None:
    growing = GrowingClassMap(scan.shape)
    with pytest.raises(Cancelled):
        segment_regions(
            scan, growing=growing, tile_megapixels=TILE, cancelled=lambda: len(growing.tiles) == 2
        )
    done = growing.finish()
    last = growing.tiles[-1].rows[1]
    assert np.array_equal(done.labels[:last], whole.labels[:last])
    assert not done.labels[last:].any()
    growing.add(growing.tiles[0], np.full((1, 1), 2, np.uint8), done.curve_probabilities)
    assert np.array_equal(done.labels[:last], whole.labels[:last]), "what comes late is dropped"


@given(
    rows=st.integers(1, 900),
    columns=st.integers(1, 400),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_any_tiles_in_any_order_make_the_class_map_of_their_pixels(rows, columns, data) -> None:
    """Against the plain way: paste every tile into a dense picture."""
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    dense = np.zeros((2, rows, columns), np.uint8)
    growing = GrowingClassMap((rows, columns))
    for _ in range(data.draw(st.integers(1, 3))):
        top, left = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
        region = Region((top, data.draw(st.integers(top + 1, rows))), (left, columns))
        tiles = plan_region(region, (rows, columns), 96, 128)
        for tile in data.draw(st.permutations(tiles)) if len(tiles) < 6 else tiles:
            planes = random.integers(
                0, 256, (2, tile.rows[1] - tile.rows[0], tile.columns[1] - tile.columns[0])
            )
            planes = np.where(planes < 200, 0, planes).astype(np.uint8)
            growing.add(tile, planes.argmax(0), tuple(regions.keep_likely(plane) for plane in planes))
            dense[:, slice(*tile.rows), slice(*tile.columns)] = planes
    for made, expected in zip(growing.finish().curve_probabilities, dense, strict=True):
        assert made.shape == (rows, columns)
        assert np.array_equal(made.toarray(), expected)


@given(rows=st.integers(1, 3000), columns=st.integers(1, 3000))
def test_halves_cover_the_tile_and_stand_on_the_stride(rows, columns) -> None:
    shape = (rows + 500, columns + 500)
    [tile] = plan_region(Region((0, rows), (0, columns)), shape, 4096, 4096)
    parts = halves(tile, shape)
    assert bool(parts) == (max(rows, columns) > regions.SMALLEST_TILE)
    assert sum(Region(part.rows, part.columns).pixels for part in parts) in (0, rows * columns)
    for part in parts:
        assert part.rows[0] % ALIGNMENT == 0
        assert part.columns[0] % ALIGNMENT == 0
        assert Region(part.rows, part.columns).pixels > 0


def test_the_whole_scan_is_cut_as_segment_cuts_it() -> None:
    assert plan_region(whole_scan((3000, 700)), (3000, 700), 512, 512) == plan_tiles(3000, 700, 512, 512)
    assert nearest_first([], whole_scan((3, 3))) == []


def test_loading_torch_twice_is_loading_it_once() -> None:
    load_torch()
    assert torch is import_module("torch")
