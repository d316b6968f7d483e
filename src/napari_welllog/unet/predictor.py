"""A network made ready to read pixels: by OpenVINO on a processor where it is installed, else by torch."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import Cancelled, ModelError
from napari_welllog.unet.layout import STRIDE
from napari_welllog.unet.openvino_network import OpenVinoNetwork, has_openvino, threads_at_hand
from napari_welllog.unet.turned import turned_weights
from napari_welllog.unet.weights import Model

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
EVERYTHING = (slice(None), slice(None))

Part = tuple[slice, slice]


class Predictor(Protocol):
    """What reads pixels.

    Attributes
    ----------
    device : where it runs.
    engine : what runs it.
    number_format : what its convolutions compute in, such as bfloat16.
    """

    device: str
    engine: str
    number_format: str

    def read(
        self,
        pixels: NDArray[np.uint8],
        part: Part = EVERYTHING,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> NDArray[np.uint8]:
        """Classes and curve probabilities of grey pixels, or of a part of them.

        Parameters
        ----------
        pixels : uint8 (rows, columns), 0 ink to 255 paper.
        part : the rows and columns that are wanted.
        cancelled : asked many times a second whether to stop.

        Returns
        -------
        uint8 (3, rows, columns): the likeliest class, and the probabilities of curve one and curve two in 255ths.

        Raises
        ------
        Cancelled : asked to stop.
        """
        ...


def make_predictor(model: Model, device: str = "auto") -> Predictor:
    """Make a network ready on a device, by the fastest engine for it.

    Raises
    ------
    ModelError : the device is unknown or not at hand.

    Examples
    --------
    >>> from napari_welllog.unet import load_model
    >>> make_predictor(load_model(), "cpu").read(np.full((40, 70), 255, np.uint8)).shape
    (3, 40, 70)
    """
    chosen = choose_device(device)
    return OpenVinoPredictor(model) if chosen == "cpu" and has_openvino() else TorchPredictor(model, chosen)


def choose_device(device: str = "auto") -> str:
    """Name the device to compute on: the asked one, or the fastest at hand.

    Raises
    ------
    ModelError : the asked device is unknown or not at hand.

    Examples
    --------
    >>> choose_device("cpu")
    'cpu'
    """
    if device not in DEVICES:
        raise ModelError(f"There is no device '{device}': choose one of {', '.join(DEVICES)}.")
    if device == "cpu" or (device == "auto" and not may_have_graphics()):
        return "cpu"
    import torch

    at_hand = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, there in at_hand.items() if there)
    if not at_hand[device]:
        raise ModelError(f"The device '{device}' is not at hand on this machine: choose auto or cpu.")
    return device


def may_have_graphics() -> bool:
    """Whether there may be a graphics card that torch can use, told without loading torch, which takes seconds."""
    if not sys.platform.startswith("linux"):
        return True
    return any(Path(driver).exists() for driver in ("/proc/driver/nvidia", "/dev/dxg", "/dev/kfd"))


class OpenVinoPredictor:
    """A network that OpenVINO runs on the processor, looking at every page twice.

    Parameters
    ----------
    model : the network.
    precision : auto, float32 or bfloat16.
    """

    device = "cpu"
    engine = "OpenVINO"

    def __init__(self, model: Model, precision: str = "auto") -> None:
        self.networks = tuple(network.again() for network in _ready(model, precision, threads_at_hand()))
        self.number_format = self.networks[0].precision

    def read(
        self,
        pixels: NDArray[np.uint8],
        part: Part = EVERYTHING,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> NDArray[np.uint8]:
        """Classes and curve probabilities, as every `Predictor` reads them."""
        rows, columns = pixels.shape
        whole = padded(pixels)
        upside_down, upright = self.networks
        said = upside_down(whole, cancelled)
        return upright(whole, cancelled, said)[:, :rows, :columns][:, *part]


class TorchPredictor:
    """A network that torch runs on any device, looking at every page twice.

    Batch normalisation is folded into the convolutions and pixels lie channels last, which is what runs fastest
    in plain torch. On processors and graphics cards that multiply 16-bit numbers natively the convolutions run
    in 16 bits; class probabilities are always computed in 32.

    Parameters
    ----------
    model : the network.
    device : auto, cpu, cuda or mps.
    precision : auto, float32, bfloat16 or float16.
    """

    engine = "torch"

    def __init__(self, model: Model, device: str = "auto", precision: str = "auto") -> None:
        import torch

        self.device = choose_device(device)
        self.precision: torch.dtype = getattr(
            torch, _choose_precision(self.device) if precision == "auto" else precision
        )
        self.number_format = str(self.precision).removeprefix("torch.")
        self.networks = torch.nn.ModuleList(
            fuse_normalisation(looking.network).to(self.device, self.precision)
            for looking in (model, turned(model))
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, pixels: NDArray[np.uint8], part: Part = EVERYTHING) -> torch.Tensor:
        """Class probabilities of grey pixels, uint8 (rows, columns), or of a part of them.

        Returns
        -------
        float32 (3, rows, columns) on the device; rows and columns of the part.
        """
        import torch

        rows, columns = pixels.shape
        with torch.inference_mode():
            ink = torch.from_numpy(padded(pixels)).to(self.device)[None, None].to(self.precision)
            ink = (1 - ink / 255).contiguous(memory_format=torch.channels_last)
            looks = []
            for network in self.networks:
                logits = network(ink)[0, :, :rows, :columns][:, *part]
                # Planes first, 32 bits second: that order takes half the time of the other.
                looks.append(torch.softmax(logits.contiguous().float(), dim=0))
            return torch.stack(looks).mean(dim=0)

    def read(
        self,
        pixels: NDArray[np.uint8],
        part: Part = EVERYTHING,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> NDArray[np.uint8]:
        """Classes and curve probabilities, as every `Predictor` reads them."""
        with stopping(self.networks, cancelled):
            return as_bytes(self(pixels, part))


_made_ready: WeakKeyDictionary[Model, dict[tuple[str, int], tuple[OpenVinoNetwork, ...]]] = (
    WeakKeyDictionary()
)
"""Networks stay ready as long as their model is in use: making one ready takes as long as reading a small scan."""


def _ready(model: Model, precision: str, threads: int) -> tuple[OpenVinoNetwork, ...]:
    """A network made ready once for a model, a number format and a count of threads: upside down, and upright."""
    networks = _made_ready.setdefault(model, {})
    if (precision, threads) not in networks:
        networks[precision, threads] = (
            OpenVinoNetwork(turned_weights(model.weights), precision, threads),
            OpenVinoNetwork(model.weights, precision, threads, joins=True),
        )
    return networks[precision, threads]


def turned(model: Model) -> Model:
    """The network that looks at a page upside down."""
    return Model(model.name, model.sha256, weights=turned_weights(model.weights))


def padded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels with paper below and to the right, so that rows and columns are multiples of the stride."""
    rows, columns = pixels.shape
    return np.pad(pixels, ((0, -rows % STRIDE), (0, -columns % STRIDE)), constant_values=255)


def as_bytes(probabilities: torch.Tensor) -> NDArray[np.uint8]:
    """The likeliest class, of equals the first, and the curve probabilities in 255ths: uint8 (3, rows, columns).

    Three comparisons take a small part of the time of `argmax` over three planes.

    Examples
    --------
    >>> import torch
    >>> as_bytes(torch.tensor([[[0.2, 0.4]], [[0.8, 0.2]], [[0.0, 0.4]]])).tolist()
    [[[1, 0]], [[204, 51]], [[0, 102]]]
    """
    import torch

    background, one, two = probabilities
    classes = (one > background).byte()
    classes[two > one.maximum(background)] = 2
    parts = (probabilities[1:] * 255).round_().byte()
    return np.asarray(torch.cat([classes[None], parts]).cpu().numpy())


def _choose_precision(device: str) -> str:
    """The fastest number format that the device computes natively and accurately enough."""
    import torch

    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    native = device == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if native else "float32"


def fuse_normalisation(network: torch.nn.Module) -> torch.nn.Module:
    """A copy of a network with every batch normalisation folded into the convolution before it."""
    from torch.nn import BatchNorm2d, Conv2d, Identity, Sequential
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    fused = copy.deepcopy(network).eval()
    for module in fused.modules():
        if not isinstance(module, Sequential):
            continue
        for index in range(len(module) - 1):
            convolution, norm = module[index], module[index + 1]
            if isinstance(convolution, Conv2d) and isinstance(norm, BatchNorm2d):
                module[index], module[index + 1] = fuse_conv_bn_eval(convolution, norm), Identity()
    return fused


@contextmanager
def stopping(network: torch.nn.Module, cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let a running network stop between two of its layers: a large tile takes seconds, a layer a moment.

    Raises
    ------
    Cancelled : asked to stop.
    """
    from torch.nn import Conv2d

    def look(*_: Any) -> None:
        if cancelled():
            raise Cancelled

    layers = [one for one in network.modules() if isinstance(one, Conv2d)]
    handles = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
