"""Whether the grid of a track is linear or logarithmic."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_welllog.tracks import Track

GridKind = Literal["linear", "log", "unknown"]

_SAMPLES = 1000  # across the track
_BLOCKS = 40
_BLOCK_ROWS = 40
_NEAR = 0.008  # of the track's width, within which a line is where a grid has one
_MOST_DECADES = 5
_LINEAR_DIVISIONS = (2, 3, 4, 5, 6, 8, 10, 20)
_FITS = 0.75
_FAINTEST = 0.012  # darkness of a line of few dots, over the whole log
_MOST_OF_A_BLOCK = 0.4  # darkness that one block may add, so that an upright stretch of a curve makes no line


def grid_kind(pixels: NDArray[np.uint8], track: Track) -> GridKind:
    """Tell whether the vertical lines of a track stand evenly or by decades.

    Examples
    --------
    >>> from napari_welllog.tracks import Curve
    >>> curve = Curve(curve_class=1, mnemonic="ILD", unit="ohm.m", left=0.2, right=2000)
    >>> track = Track(name="2", left=0, right=500, top=0, bottom=399, curves=[curve])
    >>> scan = np.full((400, 501), 255, np.uint8)
    >>> scan[:, ::50] = 0
    >>> grid_kind(scan, track)
    'linear'
    """
    lines = _inner_lines(pixels, track)
    if len(lines) < 2:
        return "unknown"
    evenly = {count: _score(lines, np.arange(1, count) / count) for count in _LINEAR_DIVISIONS}
    divisions = max(evenly, key=lambda count: evenly[count])
    even = evenly[divisions]
    decades = max(
        _score(lines, _decades(count, start)) for count in range(1, _MOST_DECADES + 1) for start in (1, 2)
    )
    if max(even, decades) < _FITS or abs(even - decades) < 0.1:
        return "unknown"
    if even > decades and divisions <= _MOST_DECADES:
        return "unknown"  # where the finer lines have worn away, those between decades stand as evenly
    return "linear" if even > decades else "log"


def _decades(count: int, start: int) -> NDArray[np.float64]:
    """Fractions at which a grid of so many decades from 1 or from 2 has its lines, less the finest."""
    steps = np.concatenate([decade + np.log10(np.arange(1, 10)) for decade in range(count + 1)])
    places = (steps - np.log10(start)) / count
    return np.asarray(places[(places > 1e-6) & (places < 1 - 1e-6)])


def _score(lines: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """How well found lines and those of a grid agree, 0 to 1: the harmonic mean of both shares."""
    if not len(wanted):
        return 0.0
    apart = np.abs(lines[:, None] - wanted)
    explained, seen = float((apart.min(axis=1) < _NEAR).mean()), float((apart.min(axis=0) < _NEAR).mean())
    return 2 * explained * seen / max(explained + seen, 1e-9)


def _inner_lines(pixels: NDArray[np.uint8], track: Track) -> NDArray[np.float64]:
    """Fractions of the track's width at which vertical lines stand, without its edges."""
    from scipy.ndimage import white_tophat
    from scipy.signal import find_peaks

    first, last = max(track.top, 0), min(track.bottom, len(pixels) - 1)
    starts = np.linspace(first, max(last - _BLOCK_ROWS, first), _BLOCKS)
    rows = np.clip(np.rint(starts[:, None] + np.arange(_BLOCK_ROWS)), 0, len(pixels) - 1).astype(np.intp)
    fractions = np.linspace(0, 1, _SAMPLES)
    left, right = track.edges(rows)
    columns = np.rint(left[..., None] + (right - left)[..., None] * fractions).astype(np.intp)
    ink = 1 - pixels[rows[..., None], np.clip(columns, 0, pixels.shape[1] - 1)] / 255
    # The mean of all blocks sees lines of few dots; a curve is in one column only for a while.
    profile = white_tophat(np.minimum(ink.mean(axis=1), _MOST_OF_A_BLOCK).mean(axis=0), 11)
    noise = float(np.median(profile) + 4 * np.median(np.abs(profile - np.median(profile))))
    peaks, _ = find_peaks(profile, height=max(noise, _FAINTEST), distance=4)
    places = fractions[peaks]
    return np.asarray(places[(places > 0.012) & (places < 0.988)], np.float64)
