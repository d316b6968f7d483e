"""The layout of the network in numbers: what must be known of it where torch need not be loaded."""

from __future__ import annotations

CHANNELS = (16, 32, 64, 96, 128)
CLASSES = 3
FOLD = 2
STRIDE = FOLD * 2 ** (len(CHANNELS) - 1)
ACROSS, ALONG = 15, 9
"""Places across and along the track, at the coarsest level, that a look takes in."""

LOOKS = ((ALONG, ACROSS), (1, ACROSS))
"""The looks far around: places along and across of each."""

Shape = tuple[int, ...]


def shapes_of_weights(channels: tuple[int, ...]) -> dict[str, Shape]:
    """The shape of every trained number of a network, by its name.

    Parameters
    ----------
    channels : channels of each level, finest first.

    Examples
    --------
    >>> shapes_of_weights(CHANNELS)["down.0.0.weight"]
    (16, 4, 3, 3)
    """
    shapes: dict[str, Shape] = {}
    for level, (inputs, outputs) in enumerate(zip((FOLD * FOLD, *channels[:-1]), channels, strict=True)):
        shapes |= _block(f"down.{level}", inputs, outputs)
    deepest = channels[-1]
    for index, size in enumerate(LOOKS):
        name = f"looks.{index}.convolutions"
        shapes |= {f"{name}.0.weight": (deepest, 1, *size), f"{name}.1.weight": (deepest, deepest, 1, 1)}
        shapes |= _norm(f"{name}.2", deepest)
    for level, (deep, shallow) in enumerate(zip(channels[1:], channels[:-1], strict=True)):
        shapes |= {f"narrow.{level}.weight": (shallow, deep, 1, 1), f"narrow.{level}.bias": (shallow,)}
        shapes |= _block(f"up.{level}", shallow, shallow)
    head = CLASSES * FOLD * FOLD
    return shapes | {"head.weight": (head, channels[0], 1, 1), "head.bias": (head,)}


def _block(name: str, inputs: int, outputs: int) -> dict[str, Shape]:
    """Two convolutions, each normalised."""
    first = {f"{name}.0.weight": (outputs, inputs, 3, 3)} | _norm(f"{name}.1", outputs)
    return first | {f"{name}.3.weight": (outputs, outputs, 3, 3)} | _norm(f"{name}.4", outputs)


def _norm(name: str, channels: int) -> dict[str, Shape]:
    """A normalisation."""
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in parts} | {f"{name}.num_batches_tracked": ()}
