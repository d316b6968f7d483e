"""The vertical lines of a log's grid, and the tracks that its level lines make of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import TracksError
from napari_welllog.tracks.bands import NO_TRACK, Log, narrow_parts, runs_of

FloatArray = NDArray[np.float64]
Span = tuple[float, float]

_NARROWEST_TRACK = 0.05  # of the scan's width
_NARROWEST_BESIDE = 0.25  # of the widest track
_WIDE_GAP = 2.2  # times the spacing of both neighbours: a depth column crossed by the horizontal lines


def find_lines(log: Log) -> FloatArray:
    """Columns of the vertical lines, where they are in a band of shift 0."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    columns = len(log.profile)
    profile = np.pad(gaussian_filter1d(log.profile, max(1, log.bands.line_width / 15), mode="constant"), 1)
    peaks, found = find_peaks(profile, height=0.02, distance=max(6, columns // 250))
    if len(peaks) < 2:
        raise TracksError(NO_TRACK)
    peaks = peaks[found["peak_heights"] > 0.25 * np.percentile(found["peak_heights"], 75)]
    lines = centres_of(log.profile, peaks - 1, max(2, log.bands.line_width // 5))
    lines = lines[np.insert(np.diff(lines) > 4, 0, True)]
    if len(lines) < 2:
        raise TracksError(NO_TRACK)
    return lines


def centres_of(profile: FloatArray, peaks: NDArray[np.intp], reach: int) -> FloatArray:
    """Centres of mass of spikes."""
    around = peaks[:, None] + np.arange(-reach, reach + 1)
    inside = (around >= 0) & (around < len(profile))
    mass = np.where(inside, profile[np.clip(around, 0, len(profile) - 1)], 0.0)
    # Only the spike itself counts: the foot of a curve that leans on a line would pull its centre aside.
    mass = np.maximum(mass - 0.5 * mass.max(axis=1, keepdims=True), 0)
    return np.asarray((mass * around).sum(axis=1) / mass.sum(axis=1), np.float64)


def find_spans(pixels: NDArray[np.uint8], log: Log, lines: FloatArray) -> list[Span]:
    """Left and right edges of what level lines cross without a break, and of their like without a grid."""
    darkness = row_darkness(pixels, log, list(pairwise(lines)))
    strength, agreement = level_strength(darkness), _agreement_with_neighbours(darkness)
    usual = float(np.percentile(strength, 75))
    crossed = (strength > max(0.5 * usual, 0.1)) | ((strength > 0.04) & (agreement > 0.4))
    spans: list[Span] = []
    if crossed.any():
        crossed = _mended(crossed, agreement, lines) & ~_depth_columns(pixels, log, lines)
        runs = runs_of(crossed)
        widest = max((lines[last] - lines[first] for first, last in runs), default=0)
        least = max(_NARROWEST_TRACK * pixels.shape[1], _NARROWEST_BESIDE * widest)
        runs = [(first, last) for first, last in runs if lines[last] - lines[first] >= least]
        spans = [_with_cut_off_ends(pixels, log, lines, run, usual) for run in runs]
    return sorted(spans + _spans_without_grid(pixels, log, lines, spans))


def _mended(crossed: NDArray[np.bool_], agreement: FloatArray, lines: FloatArray) -> NDArray[np.bool_]:
    """Drop text that looks like a scrap of grid, and fill gaps of the grid's own spacing that have faded."""
    spacing = float(np.median(np.diff(lines)[crossed]))
    mended = crossed.copy()
    for start, end in runs_of(crossed):
        if lines[end] - lines[start] < 0.8 * spacing:
            mended[start:end] = False
    for start, end in runs_of(~mended):
        between = start > 0 and end < len(mended)
        if between and lines[end] - lines[start] < 1.5 * spacing and agreement[start:end].max() > 0.3:
            mended[start:end] = True
    return mended


def _depth_columns(pixels: NDArray[np.uint8], log: Log, lines: FloatArray) -> NDArray[np.bool_]:
    """Gaps much wider than both neighbours, unlike any other and without a curve, though crossed by lines."""
    gaps = np.diff(lines)
    flags = np.zeros(len(gaps), bool)
    for i in range(1, len(gaps) - 1):
        wide = gaps[i] > _WIDE_GAP * max(gaps[i - 1], gaps[i + 1])
        alone = (np.abs(gaps / gaps[i] - 1) < 0.1).sum() == 1
        flags[i] = wide and alone and not holds_a_curve(pixels, log, (lines[i], lines[i + 1]))
    return flags


def _spans_without_grid(
    pixels: NDArray[np.uint8], log: Log, lines: FloatArray, spans: list[Span]
) -> list[Span]:
    """Edges of tracks that have nothing but edges: as wide as another track, with a curve between them."""
    found: list[tuple[float, float]] = []
    widths = [right - left for left, right in spans] or [float(np.diff(lines).max())]
    least = 2 * _NARROWEST_TRACK * pixels.shape[1]
    pairs = [(float(left), float(right)) for i, left in enumerate(lines) for right in lines[i + 1 :]]
    pairs = [pair for pair in pairs if _misfit(pair, widths) < 0.05 and pair[1] - pair[0] > least]
    for pair in sorted(pairs, key=lambda pair: _misfit(pair, widths)):
        apart = all(pair[1] <= other[0] + 1 or pair[0] >= other[1] - 1 for other in [*spans, *found])
        if apart and holds_a_curve(pixels, log, pair):
            found.append(pair)
    return found


def _misfit(pair: tuple[float, float], widths: list[float]) -> float:
    """How unlike the nearest width that of a pair of lines is."""
    return min(abs((pair[1] - pair[0]) / width - 1) for width in widths)


def holds_a_curve(pixels: NDArray[np.uint8], log: Log, pair: tuple[float, float], share: float = 0.5) -> bool:
    """Tell whether most rows between two lines hold the ink of a pen; the words of a depth column do not."""
    margin = log.bands.line_width // 2
    bands = []
    for band in np.unique(np.linspace(log.first, log.last - 1, 24).astype(np.intp)):
        first, last = np.rint(np.add(pair, (margin, -margin)) + log.shifts[band]).astype(np.intp)
        block = pixels[log.bands.starts[band] : log.bands.starts[band + 1], max(first, 0) : max(last, 0)]
        if block.shape[1] > 2:
            bands.append(narrow_parts((255.0 - block) / 255, log.bands.line_width).max(axis=1))
    if not bands:
        return False
    darkest = np.concatenate(bands)
    return float((darkest > max(0.1, 0.5 * np.percentile(darkest, 99))).mean()) > share


def _with_cut_off_ends(
    pixels: NDArray[np.uint8], log: Log, lines: FloatArray, run: tuple[int, int], usual: float
) -> tuple[float, float]:
    """Edges of a track, one division further out where the page was cut off inside its last division."""
    edges = [float(lines[end]) for end in run]
    division = float(np.median(np.diff(lines[run[0] : run[1] + 1])))
    for side, outward, is_outermost in ((0, -1, run[0] == 0), (1, 1, run[1] == len(lines) - 1)):
        gaps = [tuple(sorted((edges[side], edges[side] + way * division))) for way in (outward, -outward)]
        darkness = row_darkness(pixels, log, gaps)
        goes_on = level_strength(darkness)[0] > 0.4 * usual and _agreement_with_neighbours(darkness)[0] > 0.4
        if is_outermost and goes_on:
            edges[side] += outward * division
    return edges[0], edges[1]


def row_darkness(pixels: NDArray[np.uint8], log: Log, gaps: list[tuple[float, ...]]) -> FloatArray:
    """Darkness of level lines in gaps between vertical lines, float64 (gaps, rows), in up to 48 bands."""
    ends = np.asarray(gaps, np.float64)
    margin = np.minimum(log.bands.line_width // 4, np.diff(ends, axis=1) / 3)
    parts = []
    for band in np.unique(np.linspace(log.first, log.last - 1, 48).astype(np.intp)):
        edges = ends + log.shifts[band] + margin * [1, -1]
        parts.append(_row_means(pixels[log.bands.starts[band] : log.bands.starts[band + 1]], edges))
    return narrow_parts(np.concatenate(parts).T, log.bands.line_width)


def _row_means(block: NDArray[np.uint8], edges: FloatArray) -> FloatArray:
    """Mean darkness of each row between edges, float64 (rows, gaps); 0 where a gap is off the scan."""
    columns = block.shape[1]
    lows, highs = np.clip(np.rint(edges), 0, columns).astype(np.intp).T
    sums = np.zeros((len(block), columns + 1))
    np.cumsum(255.0 - block, axis=1, out=sums[:, 1:])
    return np.asarray((sums[:, highs] - sums[:, lows]) / (255 * np.maximum(highs - lows, 1)), np.float64)


def level_strength(darkness: FloatArray) -> FloatArray:
    """How dark the level lines of each gap are."""
    # One row in fifty or so is a level line of the grid; a curve that runs level seldom fills a whole gap.
    return np.asarray(np.percentile(darkness, 98.5, axis=1), np.float64)


def _agreement_with_neighbours(darkness: FloatArray, reach: int = 4) -> FloatArray:
    """Correlation of each gap's rows with those of its better neighbour, a few rows up or down for skew."""
    if len(darkness) < 2:
        return np.zeros(len(darkness))
    centred = darkness - darkness.mean(axis=1, keepdims=True)
    centred /= np.maximum(centred.std(axis=1, keepdims=True), 1e-6)
    middle = centred[:-1, reach : centred.shape[1] - reach]
    lags = range(2 * reach + 1)
    pairs = np.max([(middle * centred[1:, lag : lag + middle.shape[1]]).mean(axis=1) for lag in lags], axis=0)
    return np.asarray(np.maximum(np.append(pairs, 0.0), np.insert(pairs, 0, 0.0)), np.float64)
