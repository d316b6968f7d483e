"""Prediction: the same class map whatever the tiles, told of as it goes, and stopped when asked."""

from __future__ import annotations

import copy
from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_welllog.class_map import ClassMap
from napari_welllog.errors import Cancelled, ModelError, ScanError
from napari_welllog.synthetic import PressSettings, print_window
from napari_welllog.unet import Model, load_model, segment
from napari_welllog.unet.predict import (
    FAINTEST,
    plan_tiles,
    tile_size,
)
from napari_welllog.unet.predictor import (
    EVERYTHING,
    OpenVinoPredictor,
    Part,
    Predictor,
    TorchPredictor,
    choose_device,
    fuse_normalisation,
    make_predictor,
    turned,
)
from napari_welllog.unet.scores import score_pixels
from napari_welllog.unet.windows import HELD_OUT, to_ink

# The name `napari_welllog.unet.predict` as an attribute is safe; by import it cannot be taken for a function.
predict = import_module("napari_welllog.unet.predict")

PRECISIONS = ["float32"] + (["bfloat16"] if torch.cpu._is_avx512_bf16_supported() else [])
every_precision = pytest.mark.parametrize("precision", PRECISIONS)
every_engine = pytest.mark.parametrize("engine", ["torch", "OpenVINO"])


def ready(model: Model, engine: str, precision: str) -> Predictor:
    """A network made ready by an engine."""
    if engine == "torch":
        return TorchPredictor(model, "cpu", precision)
    pytest.importorskip("openvino")
    return OpenVinoPredictor(model, precision)


def answer(predictor: Predictor, pixels: np.ndarray, part: Part = EVERYTHING) -> np.ndarray:
    """What a network says before anything is rounded: class probabilities of torch, OpenVINO's own bytes."""
    if isinstance(predictor, TorchPredictor):
        return predictor(pixels, part).numpy()
    return predictor.read(pixels, part)


def assemble(pixels: np.ndarray, predictor: Predictor, tile_rows: int, tile_columns: int) -> np.ndarray:
    """What is said of a whole scan, put together from its tiles."""
    whole = np.full((3, *pixels.shape), 77, answer(predictor, pixels[:32, :32]).dtype)
    for tile in plan_tiles(*pixels.shape, tile_rows, tile_columns):
        (top, bottom), (left, right) = tile.seen_rows, tile.seen_columns
        part = tuple(
            slice(first - start, last - start)
            for (first, last), start in ((tile.rows, top), (tile.columns, left))
        )
        whole[:, slice(*tile.rows), slice(*tile.columns)] = answer(
            predictor, pixels[top:bottom, left:right], part
        )
    return whole


def assert_same(tiled: np.ndarray, whole: np.ndarray) -> None:
    """The same bytes; where torch sums in another order, the same probabilities but for the last bits."""
    if whole.dtype == np.uint8:
        np.testing.assert_array_equal(tiled, whole)
    else:
        np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-5)


# --- Tiles ---


@given(
    rows=st.integers(1, 3000),
    columns=st.integers(1, 3000),
    tile_rows=st.integers(1, 1500),
    tile_columns=st.integers(1, 1500),
)
@settings(max_examples=40, deadline=None)
def test_tiles_cover_every_pixel_once_and_stand_on_the_stride(rows, columns, tile_rows, tile_columns) -> None:
    tall, wide = max(tile_rows, rows // 20), max(tile_columns, columns // 20)
    covered = np.zeros((rows, columns), np.uint8)
    for tile in plan_tiles(rows, columns, tall, wide):
        covered[slice(*tile.rows), slice(*tile.columns)] += 1
        for own, seen, length, halo in (
            (tile.rows, tile.seen_rows, rows, predict.HALO_ROWS),
            (tile.columns, tile.seen_columns, columns, predict.HALO_COLUMNS),
        ):
            assert 0 <= seen[0] <= own[0] < own[1] <= seen[1] <= length
            assert seen[0] % predict.ALIGNMENT == 0
            assert seen[0] == 0 or own[0] - seen[0] >= halo
            assert seen[1] == length or seen[1] - own[1] >= halo
    assert (covered == 1).all()


@pytest.mark.parametrize("columns", [1, 700, 2400, 4096, 20_000])
def test_a_tile_takes_little_memory_however_wide_the_scan(columns) -> None:
    rows, wide = tile_size(columns)
    assert rows >= 256
    assert rows * min(wide, columns) < 1e7


@every_engine
@every_precision
@given(
    rows=st.integers(560, 900),
    columns=st.integers(1, 72),
    tile=st.sampled_from([32, 96, 256, 333]),
    lie_down=st.booleans(),
)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_tiled_prediction_is_whole_image_prediction(
    lively, page, engine, precision, rows, columns, tile, lie_down
) -> None:
    """Whatever the size of the tiles and of the scan, to the last bit that matters."""
    pixels = page[:rows, :columns].T if lie_down else page[:rows, :columns]
    predictor = ready(lively, engine, precision)
    assert_same(assemble(pixels, predictor, tile, tile), answer(predictor, pixels))


@every_engine
@every_precision
def test_tiles_in_both_directions_meet_without_a_seam(lively, engine, precision) -> None:
    pixels = print_window(3, rows=601, columns=335).scan
    predictor = ready(lively, engine, precision)
    assert set(np.unique(predictor.read(pixels)[0])) == {0, 1, 2}
    assert_same(assemble(pixels, predictor, 320, 160), answer(predictor, pixels))


@every_engine
@every_precision
def test_the_shipped_network_knows_no_tiles_either(page, engine, precision) -> None:
    predictor = ready(load_model(), engine, precision)
    assert set(np.unique(predictor.read(page)[0])) == {0, 1, 2}
    assert_same(assemble(page, predictor, 288, 64), answer(predictor, page))


def test_a_halo_too_narrow_would_show_at_the_seams(lively, page, monkeypatch) -> None:
    """Otherwise the tests above would pass with no halo at all."""
    predictor = TorchPredictor(lively, "cpu", "float32")
    whole = answer(predictor, page)
    monkeypatch.setattr(predict, "HALO_ROWS", 64)
    assert np.abs(assemble(page, predictor, 256, 256) - whole).max() > 1e-4


# --- The network made ready ---


def test_folding_the_norms_into_the_convolutions_changes_nothing(lively, page) -> None:
    ink = to_ink(page[:256, :64])
    fused = fuse_normalisation(lively.network)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())
    with torch.inference_mode():
        torch.testing.assert_close(fused(ink), lively.network(ink), atol=1e-3, rtol=1e-3)


def test_making_a_network_ready_leaves_the_model_as_it_was(lively, page) -> None:
    before = copy.deepcopy(lively.network.state_dict())
    TorchPredictor(lively, "cpu")(page[:64, :64])
    torch.testing.assert_close(lively.network.state_dict(), before, rtol=0, atol=0)


@pytest.mark.skipif(len(PRECISIONS) == 1, reason="this processor multiplies no 16-bit numbers")
def test_16_bits_are_enough(page) -> None:
    model = load_model()
    exact, quick = (TorchPredictor(model, "cpu", precision)(page) for precision in PRECISIONS)
    assert (exact.argmax(dim=0) == quick.argmax(dim=0)).float().mean() > 0.995


@every_precision
def test_probabilities_are_32_bit_and_add_up_to_one(lively, page, precision) -> None:
    probabilities = TorchPredictor(lively, "cpu", precision)(page[:77, :41])
    assert probabilities.dtype == torch.float32
    assert probabilities.shape == (3, 77, 41)
    torch.testing.assert_close(probabilities.sum(dim=0), torch.ones(77, 41))


def test_a_device_is_chosen_or_refused_by_name(monkeypatch) -> None:
    monkeypatch.setattr("napari_welllog.unet.predictor.may_have_graphics", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    with pytest.raises(ModelError, match="'cuda' is not at hand on this machine: choose auto or cpu"):
        choose_device("cuda")
    with pytest.raises(ModelError, match="no device 'tpu': choose one of auto, cpu, cuda, mps"):
        segment(np.zeros((8, 8), np.uint8), device="tpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == "cuda"
    monkeypatch.setattr("napari_welllog.unet.predictor.may_have_graphics", lambda: False)
    assert choose_device("auto") == "cpu", "told without asking torch"


def test_on_a_processor_openvino_runs_the_network_where_it_is_installed(lively, page, monkeypatch) -> None:
    pytest.importorskip("openvino")
    quick = make_predictor(lively, "cpu")
    monkeypatch.setattr("napari_welllog.unet.predictor.has_openvino", lambda: False)
    plain = make_predictor(lively, "cpu")
    assert (quick.engine, plain.engine) == ("OpenVINO", "torch")
    one, other = (predictor.read(page[:256]) for predictor in (quick, plain))
    assert (one[0] == other[0]).mean() > 0.99


# --- Segmenting ---


@pytest.fixture
def many_tiles(monkeypatch) -> int:
    """Make tiles so low that the page takes four of them."""
    monkeypatch.setattr(predict, "TILE_MEGAPIXELS", 0.01)
    return 4


def test_the_shipped_network_reads_prints_it_never_saw() -> None:
    press = PressSettings(dpi=(200.0, 200.0), single_one=0.0, single_two=0.0)
    windows = [print_window(HELD_OUT + 1000 + k, press) for k in range(4)]
    labels = [segment(window.scan).labels for window in windows]
    scores = score_pixels(np.stack(labels), np.stack([window.classes for window in windows]))
    assert min(scores.f1) > 0.75


def test_blank_paper_is_background() -> None:
    class_map = segment(np.full((100, 300), 255, np.uint8))
    assert class_map.shares() == (1.0, 0.0, 0.0)


def test_a_class_map_has_the_size_of_its_scan_and_labels_that_fit_its_probabilities(lively, page) -> None:
    class_map = segment(page[:150], lively)
    assert isinstance(class_map, ClassMap)
    assert class_map.labels.dtype == np.uint8
    assert class_map.labels.shape == (150, 72)
    assert min(class_map.shares()) > 0.05
    probabilities = class_map.probabilities
    chosen = np.take_along_axis(probabilities, class_map.labels[None].astype(np.intp), axis=0)[0]
    # Rounded to 255ths, and the faintest dropped.
    assert (probabilities.max(axis=0) - chosen).max() <= (FAINTEST + 1) / 255
    for plane in class_map.curve_probabilities:
        assert plane.dtype == np.uint8
        assert plane.indices.dtype == np.int32
        assert plane.data.min() >= FAINTEST


def test_kept_probabilities_are_those_of_the_network(lively, page) -> None:
    class_map = segment(page[:200], lively, device="cpu")
    read = make_predictor(lively, "cpu").read(page[:200])
    kept = np.where(read[1:] < FAINTEST, 0, read[1:]) / np.float32(255)
    np.testing.assert_allclose(class_map.probabilities[1:], kept, atol=1e-6)


def test_the_probabilities_of_paper_take_no_room() -> None:
    window = print_window(5, PressSettings(bilevel_share=1.0), rows=512, columns=512)
    class_map = segment(window.scan)
    kept = sum(plane.data.nbytes + plane.indices.nbytes for plane in class_map.curve_probabilities)
    assert kept < 0.5 * window.scan.nbytes


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (200, 1), (31, 33), (32, 64)])
def test_scans_of_any_size_are_segmented(lively, page, shape) -> None:
    pixels = np.resize(page, shape)
    class_map = segment(pixels, lively)
    assert class_map.shape == class_map.probabilities.shape[1:] == shape


@pytest.mark.usefixtures("many_tiles")
def test_a_scan_of_many_tiles_has_the_class_map_of_one(lively, page, monkeypatch) -> None:
    tiled = segment(page, lively)
    monkeypatch.setattr(predict, "TILE_MEGAPIXELS", 3.0)
    whole = segment(page, lively)
    np.testing.assert_array_equal(tiled.labels, whole.labels)
    for one, other in zip(tiled.curve_probabilities, whole.curve_probabilities, strict=True):
        assert abs(one.astype(int) - other.astype(int)).max() <= 1


def test_a_wide_scan_is_put_together_from_tiles_side_by_side(lively, page, monkeypatch) -> None:
    wide = np.ascontiguousarray(page.T)
    whole = segment(wide, lively)
    monkeypatch.setattr(predict, "tile_size", lambda columns, device: (32, 320))
    tiled = segment(wide, lively)
    np.testing.assert_array_equal(tiled.labels, whole.labels)
    np.testing.assert_allclose(tiled.probabilities, whole.probabilities, atol=1.01 / 255)


def test_what_does_not_fit_into_memory_is_read_in_halves(lively, page, monkeypatch) -> None:
    """As on a graphics card that is smaller than its tiles."""
    whole = segment(page, lively)
    made, refused = make_predictor(lively), []

    class Small:
        device, engine, number_format = made.device, made.engine, made.number_format

        def read(self, pixels, part, cancelled):
            rows, columns = (
                len(range(*side.indices(size))) for side, size in zip(part, pixels.shape, strict=True)
            )
            if rows * columns > 20_000:
                refused.append(rows * columns)
                raise MemoryError
            return made.read(pixels, part, cancelled)

    monkeypatch.setattr(predict, "make_predictor", lambda *_: Small())
    halved = segment(page, lively)
    assert refused
    np.testing.assert_array_equal(halved.labels, whole.labels)
    for one, other in zip(halved.curve_probabilities, whole.curve_probabilities, strict=True):
        assert abs(one.astype(int) - other.astype(int)).max() <= 1


def test_memory_too_small_for_the_smallest_piece_is_told(lively, page, monkeypatch) -> None:
    class Full:
        device = engine = number_format = "cpu"

        def read(self, *_):
            raise MemoryError

    monkeypatch.setattr(predict, "make_predictor", lambda *_: Full())
    with pytest.raises(MemoryError):
        segment(page, lively)


def test_the_same_scan_gives_the_same_class_map(lively, page) -> None:
    first, again = segment(page[:300], lively), segment(page[:300], lively)
    assert first.labels.tobytes() == again.labels.tobytes()
    for one, other in zip(first.curve_probabilities, again.curve_probabilities, strict=True):
        assert one.data.tobytes() == other.data.tobytes()
        assert one.indices.tobytes() == other.indices.tobytes()


def test_views_and_read_only_pixels_are_fine_and_stay_as_they_are(lively, page) -> None:
    pixels = page[:128].copy()
    pixels.flags.writeable = False
    mirrored = segment(pixels[:, ::-1], lively)
    np.testing.assert_array_equal(
        mirrored.labels, segment(np.ascontiguousarray(pixels[:, ::-1]), lively).labels
    )
    np.testing.assert_array_equal(pixels, page[:128])


def test_a_model_is_given_by_name_by_file_or_ready(lively, tmp_path, page) -> None:
    from napari_welllog.unet.weights import save_weights

    save_weights(tmp_path / "mine.safetensors", lively.network, {})
    ready = segment(page[:64], lively)
    from_file = segment(page[:64], tmp_path / "mine.safetensors")
    np.testing.assert_array_equal(ready.labels, from_file.labels)
    with pytest.raises(ModelError, match="no model 'unheard-of'"):
        segment(page[:64], "unheard-of")


def test_progress_goes_up_to_one(lively, page, many_tiles) -> None:
    told: list[float] = []
    segment(page, lively, progress=told.append)
    assert told == [(done + 1) / many_tiles for done in range(many_tiles)]


def test_cancelled_before_it_begins_nothing_is_predicted(lively, page, monkeypatch) -> None:
    for kind in (TorchPredictor, OpenVinoPredictor):
        monkeypatch.setattr(kind, "read", lambda *_: pytest.fail("a tile was predicted"))
    with pytest.raises(Cancelled):
        segment(page, lively, cancelled=lambda: True)


@pytest.mark.usefixtures("many_tiles")
def test_cancelled_half_way_no_further_tile_is_predicted(lively, page) -> None:
    told: list[float] = []
    with pytest.raises(Cancelled):
        segment(page, lively, progress=told.append, cancelled=lambda: len(told) == 2)
    assert told == [0.25, 0.5]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((20, 20), np.float32),
        np.zeros((20, 20), bool),
        np.zeros((20, 20, 3), np.uint8),
        np.zeros(20, np.uint8),
        np.zeros((0, 20), np.uint8),
        np.zeros((20, 0), np.uint8),
    ],
    ids=["float", "bool", "colour", "a row", "no rows", "no columns"],
)
def test_what_is_not_a_grey_picture_is_refused_before_a_model_is_read(pixels, monkeypatch) -> None:
    monkeypatch.setattr(predict, "load_model", lambda name: pytest.fail("a model was read"))
    with pytest.raises(ScanError, match="read it by read_scan") as error:
        segment(pixels)
    assert str(pixels.shape) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_is_a_network_with_its_name(lively) -> None:
    assert isinstance(lively, Model)
    assert load_model().network is not lively.network


# --- Two looks ---


def test_the_turned_network_says_of_a_page_what_the_network_says_of_it_upside_down(lively, page) -> None:
    pixels = page[:320, :64]
    with torch.inference_mode():
        of_turned_page = lively.network(to_ink(np.ascontiguousarray(pixels[::-1, ::-1]))).flip(2, 3)
        of_page = turned(lively).network(to_ink(pixels))
    torch.testing.assert_close(of_page, of_turned_page, atol=1e-4, rtol=1e-4)


@every_engine
def test_a_page_upside_down_has_the_classes_of_the_page(lively, page, engine) -> None:
    """Each page is looked at both ways, so that which way it was fed makes no difference."""
    pixels = page[:640, :64]
    predictor = ready(lively, engine, "float32")
    upright, upside_down = predictor.read(pixels), predictor.read(np.ascontiguousarray(pixels[::-1, ::-1]))
    back = upside_down[:, ::-1, ::-1]
    curves = upright[1:].astype(int)
    assert np.abs(curves - back[1:]).max() <= 1
    shares = np.sort([255 - curves.sum(axis=0), *curves], axis=0)
    certain = shares[2] - shares[1] > 2
    assert certain.mean() > 0.9
    np.testing.assert_array_equal(upright[0][certain], back[0][certain])
