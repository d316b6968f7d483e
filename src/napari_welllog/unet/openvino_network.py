"""The network on a processor by OpenVINO, which runs it nearly twice as fast as torch does.

The same layers as in `network.py`, laid out for OpenVINO from the trained numbers alone: neither torch nor a
converted file is needed. A test holds the two together.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import Cancelled
from napari_welllog.unet.weights import Weights

_EPSILON = 1e-5
"""What torch adds to a variance before it takes the root."""

_PATIENCE = 20
"""Milliseconds between two looks at whether to stop."""


@cache
def has_openvino() -> bool:
    """Whether OpenVINO is installed."""
    return find_spec("openvino") is not None


class OpenVinoNetwork:
    """The network made ready to run on this processor.

    Convolutions run in bfloat16 where the processor multiplies it natively, else in float32; class probabilities
    are computed in float32 and handed over as bytes.

    Parameters
    ----------
    weights : the trained numbers by their names in `UNet`, float32.
    precision : float32, bfloat16 or auto.
    threads : how many threads to compute on; None for OMP_NUM_THREADS, or every core at hand.
    joins : whether it takes the mean of what it says and of what another network said of the same pixels.

    Raises
    ------
    ImportError : OpenVINO is not installed.

    Examples
    --------
    >>> from napari_welllog.unet import load_model
    >>> network = OpenVinoNetwork(load_model().weights)
    >>> classes, one, two = network(np.full((64, 96), 255, np.uint8))
    >>> int(classes.max()), classes.shape
    (0, (64, 96))
    """

    def __init__(
        self, weights: Weights, precision: str = "auto", threads: int | None = None, joins: bool = False
    ) -> None:
        if precision == "auto":
            native = "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            precision = "bfloat16" if native else "float32"
        self.precision = precision
        self._compiled = compiled(build_graph(weights, joins), precision, threads or threads_at_hand())
        self._request = self._compiled.create_infer_request()

    def again(self) -> OpenVinoNetwork:
        """The same network for another thread, without the time that making it ready took."""
        other = copy.copy(self)
        other._request = self._compiled.create_infer_request()
        return other

    def __call__(
        self,
        pixels: NDArray[np.uint8],
        cancelled: Callable[[], bool] = lambda: False,
        said: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """Classes and curve probabilities of grey pixels.

        Parameters
        ----------
        pixels : uint8 (rows, columns), 0 ink to 255 paper; both multiples of the stride.
        cancelled : asked about fifty times a second whether to stop.
        said : what another network said of them, uint8 (3, rows, columns), for one that joins.

        Returns
        -------
        uint8 (3, rows, columns): the likeliest class, and the probabilities of curve one and curve two in 255ths.

        Raises
        ------
        Cancelled : asked to stop.
        """
        inputs = {0: np.ascontiguousarray(pixels)[None, None]}
        self._request.start_async(inputs if said is None else inputs | {1: said[None]})
        while not self._request.wait_for(_PATIENCE):
            if cancelled():
                self._request.cancel()
                with suppress(RuntimeError):  # that it was cancelled, which it says once
                    self._request.wait()
                raise Cancelled
        return np.array(self._request.get_output_tensor(0).data[0])


def compiled(graph: Any, precision: str, threads: int) -> Any:
    """A network compiled for this processor, which takes a part of a second."""
    settings = {
        "INFERENCE_PRECISION_HINT": {"bfloat16": "bf16", "float32": "f32"}[precision],
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    return _core().compile_model(graph, "CPU", settings)


def threads_at_hand() -> int:
    """How many threads to compute on: OMP_NUM_THREADS, as torch has it, or every core this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _core() -> Any:
    """OpenVINO, loaded once."""
    import openvino

    return openvino.Core()


def build_graph(weights: Weights, joins: bool = False) -> Any:
    """Lay out the network of `network.py`: grey pixels in; classes and curve probabilities in 255ths out.

    Parameters
    ----------
    weights : the trained numbers by their names in `UNet`, float32.
    joins : whether it takes the mean with what another network said, which then comes in too.

    Returns
    -------
    openvino.Model of uint8 (1, 1, rows, columns), and of uint8 (1, 3, rows, columns) where it joins, to uint8
    (1, 3, rows, columns).
    """
    import openvino
    from openvino import opset13 as op

    layers = _Layers(weights)
    levels = sum(name.startswith("narrow.") and name.endswith(".weight") for name in weights) + 1
    pixels = op.parameter([1, 1, -1, -1], np.uint8, name="pixels")
    ink = op.subtract(np.float32(1), op.multiply(op.convert(pixels, "f32"), np.float32(1 / 255)))
    features = op.space_to_depth(ink, "depth_first", 2)
    skips = []
    for level in range(levels):
        if level:
            features = op.max_pool(features, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
        features = layers.block(features, f"down.{level}")
        skips.append(features)
    features = layers.looks(skips.pop())
    for level in reversed(range(levels - 1)):
        narrow = layers.convolution(features, f"narrow.{level}")
        features = layers.block(op.add(skips.pop(), layers.grown(narrow)), f"up.{level}")
    logits = op.depth_to_space(layers.convolution(features, "head"), "depth_first", 2)
    probabilities = op.softmax(op.convert(logits, "f32"), 1)
    if not joins:
        return openvino.Model([_as_bytes(*op.split(probabilities, 1, 3).outputs())], [pixels], "unet")
    said = op.parameter([1, 3, -1, -1], np.uint8, name="said")
    return openvino.Model([_as_bytes(*_mean(probabilities, said))], [pixels, said], "unet")


def _mean(probabilities: Any, said: Any) -> tuple[Any, Any, Any]:
    """Means of class probabilities and of what another network said in 255ths: background, curve one, curve two."""
    from openvino import opset13 as op

    _, own_one, own_two = op.split(probabilities, 1, 3).outputs()
    _, other_one, other_two = op.split(op.convert(said, "f32"), 1, 3).outputs()
    one, two = (
        op.multiply(op.add(own, op.multiply(other, np.float32(1 / 255))), np.float32(0.5))
        for own, other in ((own_one, other_one), (own_two, other_two))
    )
    return op.subtract(np.float32(1), op.add(one, two)), one, two


def _as_bytes(background: Any, one: Any, two: Any) -> Any:
    """The likeliest class, of equals the first, and both curve probabilities in 255ths."""
    from openvino import opset13 as op

    is_one = op.convert(op.greater(one, background), "u8")
    is_two = op.greater(two, op.maximum(one, background))
    classes = op.select(is_two, np.uint8(2), is_one)
    parts = op.round(op.multiply(op.concat([one, two], 1), np.float32(255)), "half_to_even")
    return op.concat([classes, op.convert(parts, "u8")], 1)


class _Layers:
    """The layers of the network, with every batch normalisation folded into the convolution before it."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def block(self, features: Any, name: str) -> Any:
        """Two convolutions, each normalised and rectified."""
        for place in (0, 3):
            features = self.normalised(features, f"{name}.{place}", f"{name}.{place + 1}")
        return features

    def looks(self, features: Any) -> Any:
        """The looks far around, each added to what it looked at."""
        from openvino import opset13 as op

        index = 0
        while (name := f"looks.{index}.convolutions") + ".0.weight" in self.weights:
            kernel = self.weights[f"{name}.0.weight"]
            # One channel for each group, as OpenVINO has it: groups, outputs and inputs of each, rows, columns.
            seen = op.group_convolution(features, kernel[:, None], [1, 1], *_padding(kernel), [1, 1])
            features = op.add(features, self.normalised(seen, f"{name}.1", f"{name}.2"))
            index += 1
        return features

    def normalised(self, features: Any, name: str, norm: str) -> Any:
        """A convolution, normalised and rectified."""
        from openvino import opset13 as op

        mean, variance, scale, shift = (
            self.weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        factor = scale / np.sqrt(variance + np.float32(_EPSILON))
        kernel = self.weights[f"{name}.weight"] * factor[:, None, None, None]
        return op.relu(_convolved(features, kernel, shift - mean * factor))

    def convolution(self, features: Any, name: str) -> Any:
        """A convolution with its own bias."""
        return _convolved(features, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def grown(self, features: Any) -> Any:
        """Twice as many rows and columns, each place four times."""
        from openvino import opset13 as op

        return op.interpolate(
            features,
            np.array([2, 2], np.float32),
            "nearest",
            "scales",
            axes=np.array([2, 3]),
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )


def _convolved(features: Any, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> Any:
    """A convolution that keeps rows and columns."""
    from openvino import opset13 as op

    convolved = op.convolution(features, kernel.astype(np.float32), [1, 1], *_padding(kernel), [1, 1])
    return op.add(convolved, bias.astype(np.float32)[None, :, None, None])


def _padding(kernel: NDArray[np.float32]) -> tuple[list[int], list[int]]:
    """Paper before and after, so that rows and columns stay as many."""
    around = [kernel.shape[-2] // 2, kernel.shape[-1] // 2]
    return around, around
