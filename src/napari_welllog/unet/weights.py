"""Weights on disk: safetensors files with their provenance, checked before use."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from napari_welllog.errors import ModelError
from napari_welllog.limits import WEIGHTS_MB, read_small_file
from napari_welllog.output import naming, staged

if TYPE_CHECKING:
    from torch import Tensor, nn

    from napari_welllog.unet.network import UNet

ARCHITECTURE = "napari-welllog U-Net 2"
SHIPPED = "welllog-1"
MOST_CHANNELS = 512
"""Channels of the widest network that is accepted, so that a hostile file cannot ask for all the memory."""


@dataclass(frozen=True)
class Model:
    """A network ready for use.

    Parameters
    ----------
    name : name of a shipped model, or the stem of its file.
    sha256 : hash of the weights file.
    network : the network, in evaluation mode.
    provenance : what the weights file says of its making.
    """

    name: str
    sha256: str
    network: UNet
    provenance: dict[str, str] = field(default_factory=dict)


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
    from napari_welllog.unet.network import UNet

    content, tensors, provenance = _read(path)
    architecture = provenance.get("architecture", ARCHITECTURE)
    if architecture != ARCHITECTURE:
        raise ModelError(
            f"'{path}' holds the weights of {architecture!r}, not of {ARCHITECTURE!r}. Choose another."
        )
    try:
        network = UNet(_channels(tensors))
        for name, own in network.state_dict().items():
            given = tensors[name]
            if given.is_complex() or given.is_floating_point() != own.is_floating_point():
                raise ValueError(f"{name} holds numbers of another kind")
        network.load_state_dict(tensors)
    except (RuntimeError, KeyError, IndexError, ValueError) as error:
        raise ModelError(
            f"'{path}' holds the weights of another network than {ARCHITECTURE}. Choose another."
        ) from error
    if not all(tensor.isfinite().all() for tensor in network.state_dict().values()):
        raise ModelError(
            f"'{path}' holds weights that are not finite numbers: its training failed. Choose another."
        )
    _refuse_nonsense(path, network)
    return Model(Path(path).stem, hashlib.sha256(content).hexdigest(), network.eval(), provenance)


def _refuse_nonsense(path: str, network: UNet) -> None:
    """Refuse finite weights whose answer is not, such as those with variances below zero."""
    import torch

    from napari_welllog.unet.network import STRIDE

    with torch.inference_mode():
        answer = network.eval()(torch.eye(STRIDE)[None, None])
    if not answer.isfinite().all():
        raise ModelError(f"'{path}' holds weights whose answers are not finite numbers. Choose another.")


def _channels(tensors: dict[str, Tensor]) -> tuple[int, ...]:
    """The channels of each level of the network that these weights are of."""
    from napari_welllog.unet.network import CHANNELS

    channels = tuple(tensors[f"down.{level}.0.weight"].shape[0] for level in range(len(CHANNELS)))
    if not all(0 < count <= MOST_CHANNELS for count in channels):
        raise ValueError(f"a level has {max(channels)} channels")
    return channels


def _read(path: str) -> tuple[bytes, dict[str, Tensor], dict[str, str]]:
    """The bytes, the tensors and the provenance of a safetensors file."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load

    try:
        content = read_small_file(path, WEIGHTS_MB)
        with safe_open(path, "pt") as file:
            provenance = dict(file.metadata() or {})
        return content, load(content), provenance
    except OSError as error:
        raise ModelError(f"'{path}' cannot be read: {error.strerror or error}. Choose another.") from error
    except (SafetensorError, KeyError) as error:
        raise ModelError(
            f"'{path}' is not a safetensors file of weights: {error}. Choose another."
        ) from error
