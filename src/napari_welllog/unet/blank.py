"""Paper without ink: it can hold no curve, so no network need look at it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BAND = 32
"""Rows that are judged together, and columns to which a stretch with ink is widened."""

CONTRAST = 48
"""How much darker than the lightest pixel around it ink is at least."""

FEWEST_ROWS = 8
"""Rows with ink, of a band and its neighbours, below which the ink is dust."""


def inked_columns(pixels: NDArray[np.uint8]) -> tuple[int, int] | None:
    """Where, across the paper, a band of a scan may hold a curve.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The rows of the band and of those beside it, across the whole scan.

    Returns
    -------
    The first column and the one after the last, with a margin on both sides; None for paper without ink, or with
    so little that it is dust. The rule knows nothing of tiles: what is blank is so however a scan is cut.

    Examples
    --------
    >>> paper = np.full((96, 400), 230, np.uint8)
    >>> inked_columns(paper) is None
    True
    >>> paper[:, 200] = 20
    >>> inked_columns(paper)
    (160, 256)
    """
    lightest = int(pixels.max())
    if lightest - int(pixels.min()) < CONTRAST:
        return None
    ink = pixels <= lightest - CONTRAST
    if np.count_nonzero(ink.any(axis=1)) < min(FEWEST_ROWS, pixels.shape[0]):
        return None
    columns = np.flatnonzero(ink.any(axis=0))
    first = max(int(columns[0]) // BAND - 1, 0) * BAND
    return first, min((int(columns[-1]) // BAND + 2) * BAND, pixels.shape[1])
