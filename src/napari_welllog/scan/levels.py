"""A picture at coarser and coarser levels, to draw one that is far taller than any screen."""

from __future__ import annotations

import numpy as np

from napari_welllog.scan.page import GreyPixels

PYRAMID_ROWS = 4096
"""Rows of the coarsest level of a pyramid, at most."""


def pyramid(pixels: GreyPixels) -> list[GreyPixels]:
    """Halve the rows of a picture until few enough are left to draw, keeping the darkest pixel of each pair.

    Only rows are halved, because a log is far taller than any screen and never much wider; and the darkest
    pixel is kept, because an average would fade thin curves away.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        Picture, ink dark.

    Returns
    -------
    list of uint8 arrays
        The picture itself, then every coarser level, down to one of `PYRAMID_ROWS` rows or fewer.

    Examples
    --------
    >>> import numpy as np
    >>> pixels = np.full((9000, 5), 255, np.uint8)
    >>> pixels[4001, 2] = 0
    >>> levels = pyramid(pixels)
    >>> [level.shape for level in levels]
    [(9000, 5), (4500, 5), (2250, 5)]
    >>> int(levels[2][1000, 2])
    0
    """
    levels = [pixels]
    while levels[-1].shape[0] > PYRAMID_ROWS:
        fine = levels[-1]
        coarse = fine[0::2].copy()  # a last row without a partner stays as it is
        pairs = fine.shape[0] // 2
        np.minimum(coarse[:pairs], fine[1::2], out=coarse[:pairs])
        levels.append(coarse)
    return levels
