"""The network that looks at a page upside down, so that the page need not be turned.

Every page is looked at as it is and upside down, and the mean counts: the network learnt on both alike.
"""

from __future__ import annotations

import numpy as np

from napari_welllog.unet.layout import CLASSES, FOLD
from napari_welllog.unet.weights import Weights


def turned_weights(weights: Weights) -> Weights:
    """The numbers of the network that says of a page what another says of it upside down, in the page's own places.

    To turn a page, convolve it and turn it back is to convolve it with the kernel turned (Cohen and Welling 2016,
    Group equivariant convolutional networks, arXiv:1602.07576). The pixels that are folded into channels, and
    unfolded out of them, change places alike.

    Parameters
    ----------
    weights : the trained numbers by their names in `UNet`, float32.

    Examples
    --------
    >>> from napari_welllog.unet import load_model
    >>> weights = load_model().weights
    >>> again = turned_weights(turned_weights(weights))
    >>> all((again[name] == weights[name]).all() for name in weights)
    True
    """
    turned = {
        name: np.ascontiguousarray(numbers[..., ::-1, ::-1]) if numbers.ndim == 4 else numbers
        for name, numbers in weights.items()
    }
    folded = "down.0.0.weight"
    turned[folded] = np.ascontiguousarray(turned[folded][:, ::-1])
    for name in ("head.weight", "head.bias"):
        by_class = turned[name].reshape(CLASSES, FOLD * FOLD, *turned[name].shape[1:])
        turned[name] = np.ascontiguousarray(by_class[:, ::-1]).reshape(turned[name].shape)
    return turned
