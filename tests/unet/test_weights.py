"""Weights files: what is kept of a training, and what is refused in one line."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
from importlib import resources
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save_file

from napari_welllog.errors import ModelError, OutputError
from napari_welllog.unet import load_model
from napari_welllog.unet.network import UNet
from napari_welllog.unet.weights import ARCHITECTURE, SHIPPED, save_weights

SHIPPED_FILES = sorted((Path(str(resources.files("napari_welllog.unet"))) / "weights").glob("*.safetensors"))


@pytest.fixture
def weights(tmp_path, lively) -> Path:
    """A file of somebody's own weights."""
    path = tmp_path / "mine.safetensors"
    save_weights(path, lively.network, {"loss": "dice", "minutes": "3.5"})
    return path


def tensors_in(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, not tied to it: it is going to be overwritten."""
    return load(path.read_bytes())


def refusal(path: object) -> str:
    """The one line by which a file is refused."""
    with pytest.raises(ModelError) as error:
        load_model(path)  # type: ignore[arg-type]
    message = str(error.value)
    assert "\n" not in message
    return message


# --- What ships ---


def test_the_shipped_weights_are_there_and_small() -> None:
    assert SHIPPED in [path.stem for path in SHIPPED_FILES]
    assert sum(path.stat().st_size for path in SHIPPED_FILES) <= 4e6


@pytest.mark.parametrize("path", SHIPPED_FILES, ids=lambda path: path.stem)
def test_shipped_weights_load_by_name_and_say_where_they_come_from(path) -> None:
    model = load_model(path.stem)
    assert model.name == path.stem
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.provenance["architecture"] == ARCHITECTURE
    assert {"data", "loss", "minutes", "seed", "steps", "held_out_f1", "torch"} <= set(model.provenance)
    assert "no real page" in model.provenance["data"]
    assert not model.network.training


def test_without_a_name_the_shipped_model_is_meant() -> None:
    assert load_model() is load_model(None)
    assert load_model().name == SHIPPED


# --- A file of one's own ---


def test_weights_come_back_as_they_were_saved(weights, lively) -> None:
    model = load_model(weights)
    assert model.name == "mine"
    assert model.provenance == {"architecture": ARCHITECTURE, "loss": "dice", "minutes": "3.5"}
    assert model.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    for name, tensor in lively.network.state_dict().items():
        torch.testing.assert_close(model.network.state_dict()[name], tensor, rtol=0, atol=0)


def test_a_network_with_channels_last_is_saved_all_the_same(tmp_path) -> None:
    """Training lays pixels channels last, which safetensors does not store."""
    network = UNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_weights(tmp_path / "last.safetensors", network, {})
    loaded = load_model(tmp_path / "last.safetensors").network
    torch.testing.assert_close(loaded.state_dict(), network.state_dict(), check_stride=False)


def test_weights_are_read_again_when_their_file_changes(weights) -> None:
    before = load_model(weights)
    assert load_model(weights) is before
    torch.manual_seed(3)
    save_weights(weights, UNet(), {})
    os.utime(weights, ns=(0, weights.stat().st_mtime_ns + 1_000_000))
    assert load_model(weights).sha256 != before.sha256


def test_a_model_is_named_by_path_or_text(weights) -> None:
    assert load_model(str(weights)).sha256 == load_model(weights).sha256


def test_saving_makes_the_folder_and_leaves_one_file_that_others_may_read(tmp_path, lively) -> None:
    path = tmp_path / "new" / "mine.safetensors"
    previous = os.umask(0o022)
    try:
        save_weights(path, lively.network, {})
    finally:
        os.umask(previous)
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failed_save_leaves_the_earlier_weights_and_nothing_else(weights, monkeypatch) -> None:
    before = weights.read_bytes()

    def full(self: Path, content: bytes) -> None:
        with open(self, "wb") as file:
            file.write(content[:1000])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        OutputError, match=r"mine\.safetensors: cannot be written \(No space left on device\)"
    ):
        save_weights(weights, UNet(), {})
    assert list(weights.parent.iterdir()) == [weights]
    assert weights.read_bytes() == before


def test_weights_cannot_be_saved_inside_a_file(weights, lively) -> None:
    with pytest.raises(OutputError, match="is a file"):
        save_weights(weights / "more.safetensors", lively.network, {})


# --- What is refused ---


@pytest.mark.parametrize("name", ["welllog-99", "no/such/file.safetensors", "", "x" * 5000, "nul\0byte"])
def test_an_unknown_name_lists_the_models_there_are(name) -> None:
    assert re.search(rf"There is no model .*shipped name \(.*{SHIPPED}.*\)", refusal(name))


def test_a_folder_is_no_model(tmp_path) -> None:
    assert "There is no model" in refusal(tmp_path)


class Trap:
    """What an attacker puts in a pickle."""

    def __reduce__(self):
        return (os.mkdir, ("trapped",))


def text(path: Path) -> None:
    path.write_text("These are not weights.\n" * 50)


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def a_few_bytes(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:11])


def a_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Trap()))


def a_torch_file(path: Path) -> None:
    torch.save(tensors_in(path), path)


def an_unknown_number_format(path: Path) -> None:
    header = b'{"x":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0")


@pytest.mark.parametrize(
    "spoil", [text, nothing, half, a_few_bytes, a_pickle, a_torch_file, an_unknown_number_format]
)
def test_a_file_that_is_not_safetensors_is_refused(weights, spoil, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    spoil(weights)
    message = refusal(weights)
    assert str(weights) in message
    assert message.endswith("Choose another.")
    assert not Path("trapped").exists(), "unpickling runs whatever the file says"


def without_a_tensor(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["head.weight"]


def with_one_more(tensors: dict[str, torch.Tensor]) -> None:
    tensors["attention.weight"] = torch.zeros(3)


def of_another_shape(tensors: dict[str, torch.Tensor]) -> None:
    tensors["head.weight"] = torch.zeros(12, 48, 1, 1)


def of_another_network(tensors: dict[str, torch.Tensor]) -> None:
    tensors.clear()
    tensors["layer.weight"] = torch.zeros(2, 2)


@pytest.mark.parametrize("change", [without_a_tensor, with_one_more, of_another_shape, of_another_network])
def test_the_weights_of_another_network_are_refused(weights, change) -> None:
    tensors = tensors_in(weights)
    change(tensors)
    save_file(tensors, weights, {"architecture": ARCHITECTURE})
    assert "weights of another network" in refusal(weights)


def test_weights_that_say_they_are_of_another_network_are_refused_though_they_fit(weights) -> None:
    save_file(tensors_in(weights), weights, {"architecture": "napari-welllog U-Net 0"})
    message = refusal(weights)
    assert "napari-welllog U-Net 0" in message
    assert ARCHITECTURE in message


def test_weights_that_say_nothing_are_taken_at_their_shapes(weights) -> None:
    save_file(tensors_in(weights), weights)
    assert load_model(weights).provenance == {}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["head.weight", "down.0.1.running_var"])
def test_weights_that_are_not_numbers_are_refused(weights, name, number) -> None:
    """A training that came to grief; every probability would be NaN, and every pixel background."""
    tensors = tensors_in(weights)
    tensors[name].view(-1)[0] = number
    save_file(tensors, weights, {"architecture": ARCHITECTURE})
    assert "not finite" in refusal(weights)


@pytest.mark.parametrize(("name", "number"), [("down.0.1.running_var", -1.0), ("head.weight", 3e38)])
def test_finite_weights_whose_answers_are_not_are_refused(weights, name, number) -> None:
    """Each number looks sound; what comes out would be NaN, and every pixel whatever NaN is cast to."""
    tensors = tensors_in(weights)
    tensors[name].fill_(number)
    save_file(tensors, weights, {"architecture": ARCHITECTURE})
    assert "whose answers are not finite" in refusal(weights)


@pytest.mark.parametrize("kind", [torch.complex64, torch.int8, torch.bool])
def test_weights_of_another_kind_of_number_are_refused(weights, kind) -> None:
    tensors = tensors_in(weights)
    name = "down.0.1.num_batches_tracked" if kind.is_complex else "head.weight"
    tensors[name] = tensors[name].to(kind)
    save_file(tensors, weights, {"architecture": ARCHITECTURE})
    assert "weights of another network" in refusal(weights)
