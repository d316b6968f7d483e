"""The scanner: from ink on paper to grey or bilevel pixels, and the class map that goes with them."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from napari_welllog.synthetic.pens import CurveInk, Ink
from napari_welllog.synthetic.settings import PressSettings

COMES_OUT = 0.75
"""A bilevel scan is thresholded no higher than at this share of the ink in the middle of the thinnest stroke, as
whoever scans a log sets the threshold so that its curves come out."""

FADED = 0.25
"""Ink fainter than this share of its full strength is not worth a label."""


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> NDArray[np.float32]:
    """A smooth random field of about unit variance, float32 of a shape, that changes over `cell` pixels."""
    coarse = rng.standard_normal([max(3, int(n / cell) + 3) for n in shape]).astype(np.float32)
    for axis, count in enumerate(shape):
        coarse = _stretched(coarse, axis, count, (count + cell) / (coarse.shape[axis] - 1))
    return coarse


def _stretched(plane: NDArray[np.float32], axis: int, count: int, scale: float) -> NDArray[np.float32]:
    """The first `count` places along an axis of a plane that is `scale` times as long, in between by straight lines."""
    known = plane.shape[axis]
    place = np.linspace(0, known - 1, round(known * max(scale, 1.0)))[:count]
    before = np.minimum(place.astype(np.intp), known - 2)
    share = (place - before).astype(np.float32)
    share = share[:, None] if axis == 0 else share
    first, second = plane.take(before, axis), plane.take(before + 1, axis)
    return np.asarray(first + share * (second - first), np.float32)


def scan_page(
    rng: np.random.Generator,
    inks: tuple[CurveInk, CurveInk, Ink],
    dpi: float,
    bilevel: bool,
    settings: PressSettings,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Scan the ink of curve one, of curve two and of everything else.

    In a bilevel scan a black pixel belongs to a curve whose ink made it black, and a white one to none: nobody can
    read what is not there. In a grey scan a pixel belongs to a curve where it holds more than half the ink of the
    middle of its own stroke, whatever other pens are on the page. Where both curves claim a pixel it is **curve
    one**: the solid or heavier pen hides the other, and whether a dash lies beneath it the paper does not tell.

    Parameters
    ----------
    rng : the source of all randomness.
    inks : curve one, curve two and the rest, of one shape; ink is 0 to 1.
    dpi : pixels per inch.
    bilevel : whether the scan is black and white only.
    settings : the press.

    Returns
    -------
    scan, classes : uint8 (rows, columns); grey values, 0 ink to 255 paper, and the class map.
    """
    sigma, bleed = rng.uniform(*settings.blur), rng.uniform(*settings.bleed)
    *curves, other = inks
    wear = _fading(rng, other.shape, dpi) if rng.random() < settings.fading_share else np.float32(1)
    one, two, rest = (
        gaussian_filter(layer * wear, sigma, truncate=3) for layer in (curves[0].ink, curves[1].ink, other)
    )
    ink = np.maximum(np.maximum(one, two), rest)
    if rng.random() < settings.speckle_share:
        ink = _speckle(rng, ink)
    noise = np.float32(rng.uniform(*settings.noise)) * rng.standard_normal(ink.shape, dtype=np.float32)
    if rng.random() < 0.5:
        noise = gaussian_filter(noise, 0.6, truncate=2) * 2
    if bilevel:
        faintest = float(np.median(wear)) * min([2.0, *curves[0].middles(sigma), *curves[1].middles(sigma)])
        threshold = np.float32(min(0.5 - bleed, COMES_OUT * faintest))
        black = ink + noise > threshold
        claims = [black & _blackened(layer, rest, threshold) for layer in (one, two)]
        scan = np.where(black, 0, 255).astype(np.uint8)
    else:
        limits = [0.5 * wear * curve.middle_everywhere(sigma) for curve in curves]
        claims = [(layer > limit) & (wear > FADED) for layer, limit in zip((one, two), limits, strict=True)]
        scan = _develop(rng, np.clip(ink * (1 + bleed), 0, 1), noise, settings)
    return scan, np.where(claims[0], 1, np.where(claims[1], 2, 0)).astype(np.uint8)


def _blackened(layer: Ink, rest: Ink, threshold: np.float32) -> NDArray[np.bool_]:
    """Where a curve's ink, rather than that of the rest or the grain of the paper, turns a pixel black."""
    own = (layer > 0.3 * threshold) & (layer >= rest)
    return np.asarray(own | (layer > np.minimum(threshold, 0.45)))


def _fading(rng: np.random.Generator, shape: tuple[int, int], dpi: float) -> Ink:
    """How much ink is left everywhere, float32 of 0 to 1: worn away in patches."""
    field = smooth_field(rng, shape, max(2.0, dpi * np.exp(rng.uniform(np.log(0.01), np.log(0.4)))))
    left: Ink = np.clip(1.1 + field * np.float32(rng.uniform(0.1, 0.5)), 0.15, 1)
    return left


def _speckle(rng: np.random.Generator, ink: Ink) -> Ink:
    """Drop dust on the paper and knock specks out of the ink."""
    amount = 10 ** rng.uniform(-4, -2.2)
    chance = rng.random(ink.shape, dtype=np.float32)
    dust = chance < amount
    if rng.random() < 0.5:
        dust[1:] |= dust[:-1]
        dust[:, 1:] |= dust[:, :-1]
    return np.where(dust, np.float32(1), np.where(chance > 1 - amount, np.float32(0), ink)).astype(np.float32)


def _develop(rng: np.random.Generator, ink: Ink, noise: Ink, settings: PressSettings) -> NDArray[np.uint8]:
    """Turn ink into grey values: paper and ink tone, shading, grain and JPEG."""
    faint = rng.random() < settings.faint_share
    paper = rng.uniform(175, 255)
    dark = paper * rng.uniform(0.45, 0.75) if faint else rng.uniform(0, 90)
    shade = 1 + settings.shading * rng.uniform(0, 1) * 0.5 * smooth_field(rng, ink.shape, 200.0)
    grey = np.clip(paper * np.clip(shade, 0.6, 1.2), dark + 40, 255) - (paper - dark) * (ink + noise)
    pixels = np.clip(grey, 0, 255).astype(np.uint8)
    return _jpeg(pixels, int(rng.integers(30, 95))) if rng.random() < settings.jpeg_share else pixels


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Squeeze grey pixels through JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
