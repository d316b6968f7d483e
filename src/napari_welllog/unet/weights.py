"""Weights on disk: safetensors files with their provenance, checked before use."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import ModelError
from napari_welllog.limits import WEIGHTS_MB, read_small_file
from napari_welllog.output import naming, staged
from napari_welllog.unet.layout import CHANNELS, shapes_of_weights

if TYPE_CHECKING:
    from torch import nn

    from napari_welllog.unet.network import UNet

Weights = Mapping[str, NDArray[np.float32]]

ARCHITECTURE = "napari-welllog U-Net 3"
SHIPPED = "welllog-1"
LARGEST_WEIGHT = 1e7
"""No trained number is as large; a count of batches is the largest that comes near."""

MOST_CHANNELS = 512
"""Channels of the widest network that is accepted, so that a hostile file cannot ask for all the memory."""


class Model:
    """A network ready for use, as its trained numbers and, where torch is to run it, as torch has it.

    Parameters
    ----------
    name : name of a shipped model, or the stem of its file.
    sha256 : hash of the weights file.
    network : the network, in evaluation mode; made from the weights when it is first asked for, if left out.
    provenance : what the weights file says of its making.
    weights : the trained numbers by their names in `UNet`, float32; read from the network, if left out.
    """

    def __init__(
        self,
        name: str,
        sha256: str,
        network: UNet | None = None,
        provenance: Mapping[str, str] | None = None,
        weights: Weights | None = None,
    ) -> None:
        self.name, self.sha256, self.provenance = name, sha256, dict(provenance or {})
        self._network, self._weights = network, weights

    @property
    def weights(self) -> Weights:
        """The trained numbers by their names in `UNet`, float32."""
        if self._weights is None:
            self._weights = numbers_of(self.network)
        return self._weights

    @property
    def network(self) -> UNet:
        """The network as torch runs it, in evaluation mode."""
        if self._network is None:
            self._network = _built(self.weights)
        return self._network


def numbers_of(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    """The trained numbers of a network by their names, float32."""
    return {name: tensor.detach().float().cpu().numpy() for name, tensor in network.state_dict().items()}


def _built(weights: Weights) -> UNet:
    """The network of some weights."""
    import torch

    from napari_welllog.unet.network import UNet

    network = UNet(_channels(weights))
    tensors = {name: torch.from_numpy(np.array(numbers)) for name, numbers in weights.items()}
    network.load_state_dict(tensors)
    return network.eval()


def save_weights(path: Path | str, network: nn.Module, provenance: dict[str, str]) -> None:
    """Write a network's weights with their provenance as safetensors, atomically.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    content = save(tensors, {"architecture": ARCHITECTURE, **provenance})
    target = Path(path)
    with staged([target]) as places, naming(target, places[target]):
        places[target].write_bytes(content)


def load_model(name_or_file: str | os.PathLike[str] | None = None) -> Model:
    """Load a shipped model by name, or anybody's from a file.

    Parameters
    ----------
    name_or_file : name of a shipped model or path of a safetensors file; None for the model that ships.

    Raises
    ------
    ModelError : there is no such model, or the file does not hold sound weights of our network.

    Examples
    --------
    >>> load_model().name
    'welllog-1'
    """
    path = _find(SHIPPED if name_or_file is None else os.fspath(name_or_file))
    return _load(str(path), path.stat().st_mtime_ns)


def shipped_models() -> list[str]:
    """The names of the models that ship, the usual one first.

    Examples
    --------
    >>> shipped_models()[0]
    'welllog-1'
    """
    folder = Path(str(resources.files("napari_welllog.unet"))) / "weights"
    names = sorted(path.stem for path in folder.glob("*.safetensors"))
    return sorted(names, key=lambda name: name != SHIPPED)


def _find(name_or_file: str) -> Path:
    """The weights file of a shipped name or a path."""
    shipped = Path(str(resources.files("napari_welllog.unet"))) / "weights"
    for path in (shipped / f"{name_or_file}.safetensors", Path(name_or_file)):
        if os.path.isfile(path):  # unlike Path's own, false for names that no file can have
            return path
    names = ", ".join(sorted(p.stem for p in shipped.glob("*.safetensors"))) or "none"
    raise ModelError(
        f"There is no model '{name_or_file}': give a .safetensors file or a shipped name ({names})."
    )


@lru_cache(maxsize=4)
def _load(path: str, changed: int) -> Model:
    """Read and check a weights file."""
    content, weights, provenance = _read(path)
    architecture = provenance.get("architecture", ARCHITECTURE)
    if architecture != ARCHITECTURE:
        raise ModelError(
            f"'{path}' holds the weights of {architecture!r}, not of {ARCHITECTURE!r}. Choose another."
        )
    try:
        expected = shapes_of_weights(_channels(weights))
    except (KeyError, IndexError, ValueError):
        expected = {}
    found = {name: numbers.shape for name, numbers in weights.items()}
    if found != expected or not all(_is_of_a_kind(name, numbers) for name, numbers in weights.items()):
        raise ModelError(
            f"'{path}' holds the weights of another network than {ARCHITECTURE}. Choose another."
        )
    if not all(np.isfinite(numbers).all() for numbers in weights.values()):
        raise ModelError(
            f"'{path}' holds weights that are not finite numbers: its training failed. Choose another."
        )
    _refuse_nonsense(path, weights)
    exact = {name: np.asarray(numbers, np.float32) for name, numbers in weights.items()}
    return Model(Path(path).stem, hashlib.sha256(content).hexdigest(), None, provenance, exact)


def _is_of_a_kind(name: str, numbers: NDArray[Any]) -> bool:
    """Whether weights are real numbers, and counts of batches whole ones."""
    return numbers.dtype.kind == ("i" if name.endswith("num_batches_tracked") else "f")


def _refuse_nonsense(path: str, weights: Weights) -> None:
    """Refuse finite weights whose answer is not, such as those with variances below zero."""
    negative = any(numbers.min() < 0 for name, numbers in weights.items() if name.endswith("running_var"))
    if negative or max(float(np.abs(numbers).max()) for numbers in weights.values()) > LARGEST_WEIGHT:
        raise ModelError(f"'{path}' holds weights whose answers are not finite numbers. Choose another.")


def _channels(weights: Weights) -> tuple[int, ...]:
    """The channels of each level of the network that these weights are of."""
    channels = tuple(weights[f"down.{level}.0.weight"].shape[0] for level in range(len(CHANNELS)))
    if not all(0 < count <= MOST_CHANNELS for count in channels):
        raise ValueError(f"a level has {max(channels)} channels")
    return channels


def _read(path: str) -> tuple[bytes, dict[str, NDArray[Any]], dict[str, str]]:
    """The bytes, the trained numbers and the provenance of a safetensors file."""
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import load

    try:
        content = read_small_file(path, WEIGHTS_MB)
        with safe_open(path, "np") as file:
            provenance = dict(file.metadata() or {})
        numbers = dict(load(content))
    except OSError as error:
        raise ModelError(f"'{path}' cannot be read: {error.strerror or error}. Choose another.") from error
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"'{path}' is not a safetensors file of weights: {error}. Choose another."
        ) from error
    return content, numbers, provenance
