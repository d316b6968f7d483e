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

if TYPE_CHECKING:
    from torch import nn

    from napari_welllog.unet.network import UNet

ARCHITECTURE = "napari-welllog U-Net 1"
SHIPPED = "welllog-1"


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
    """Write a network's weights with their provenance as safetensors, atomically."""
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    save_file(tensors, partial, {"architecture": ARCHITECTURE, **provenance})
    partial.chmod(0o644)
    partial.replace(path)


def load_model(name_or_file: str | os.PathLike[str] | None = None) -> Model:
    """Load a shipped model by name, or anybody's from a file.

    Parameters
    ----------
    name_or_file : name of a shipped model or path of a safetensors file; None for the model that ships.

    Raises
    ------
    ModelError : there is no such model, or the file is not a network of ours.

    Examples
    --------
    >>> load_model().name
    'welllog-1'
    """
    path = _find(SHIPPED if name_or_file is None else os.fspath(name_or_file))
    return _load(str(path), path.stat().st_mtime_ns)


def _find(name_or_file: str) -> Path:
    """The weights file of a shipped name or a path."""
    shipped = Path(str(resources.files("napari_welllog.unet"))) / "weights"
    for path in (shipped / f"{name_or_file}.safetensors", Path(name_or_file)):
        if path.is_file():
            return path
    names = ", ".join(sorted(p.stem for p in shipped.glob("*.safetensors"))) or "none"
    raise ModelError(
        f"There is no model '{name_or_file}': give a .safetensors file or a shipped name ({names})."
    )


@lru_cache(maxsize=4)
def _load(path: str, changed: int) -> Model:
    """Read and check a weights file."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load

    from napari_welllog.unet.network import UNet

    try:
        with safe_open(path, "pt") as file:
            provenance = dict(file.metadata() or {})
        content = Path(path).read_bytes()
        tensors = load(content)
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"'{path}' is not a safetensors file of weights: {error}. Choose another."
        ) from error
    network = UNet()
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelError(
            f"'{path}' holds the weights of another network than {ARCHITECTURE}. Choose another."
        ) from error
    return Model(Path(path).stem, hashlib.sha256(content).hexdigest(), network.eval(), provenance)
