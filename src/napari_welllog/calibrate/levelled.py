"""Level the paper of a scan: white paper, black ink, whatever its shadows and stains."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from napari_welllog.scan import StripPixels

Pixels = NDArray[np.uint8]

_GRAIN = 0.7  # pixels over which the grain of grey paper is smoothed out
_PATCH = 64  # pixels in which the brightness of paper is taken to be even


def levelled(pixels: Pixels) -> Pixels:
    """A scan whose paper is white and whose ink is black; a bilevel one is that already.

    Examples
    --------
    >>> grey = np.full((64, 64), 200, np.uint8)
    >>> grey[8:12] = 60
    >>> white = levelled(grey)
    >>> int(white[30, 30]), bool(white[10, 30] < 60)
    (255, True)
    """
    sample = pixels[:: max(len(pixels) // 2000, 1), :: max(pixels.shape[1] // 500, 1)]
    ink, paper = np.percentile(sample, (1, 80)) if sample.size > 100 else (sample.min(), sample.max())
    if (ink <= 5 and paper >= 250) or paper - ink < 30:
        return pixels
    from scipy.ndimage import gaussian_filter

    def level(strip: Pixels) -> Pixels:
        """Level some rows by themselves."""
        shade = _shade_of_paper(strip, float(paper))
        share = (strip - np.float32(ink)) / np.maximum(shade - np.float32(ink), 20)
        grey = np.clip(255 * (share + 0.03), 0, 255).astype(np.float32)
        return np.asarray(gaussian_filter(grey, _GRAIN, truncate=2), np.float32).astype(np.uint8)

    if isinstance(pixels, StripPixels):
        return cast("Pixels", pixels.mapped(level, 8 * _PATCH))
    levelled = np.empty_like(pixels)
    for start in range(0, len(pixels), 8 * _PATCH):
        levelled[start : start + 8 * _PATCH] = level(pixels[start : start + 8 * _PATCH])
    return levelled


def _shade_of_paper(strip: Pixels, paper: float) -> NDArray[np.float32]:
    """How bright the paper is everywhere on a strip: shadows and stains are larger than letters."""
    from scipy.ndimage import zoom

    rows, columns = (-(-size // _PATCH) for size in strip.shape)
    padding = ((0, rows * _PATCH - strip.shape[0]), (0, columns * _PATCH - strip.shape[1]))
    patches = np.pad(strip, padding, mode="edge").reshape(rows, _PATCH, columns, _PATCH)
    shades = np.percentile(patches, 75, axis=(1, 3)).astype(np.float32)
    # A patch of solid ink has no paper in it.
    shades = np.maximum(shades, np.float32(0.5 * paper))
    whole = zoom(shades, _PATCH, order=1, grid_mode=True, mode="nearest")
    return np.asarray(whole[: strip.shape[0], : strip.shape[1]], np.float32)
