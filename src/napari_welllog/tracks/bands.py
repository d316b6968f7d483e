"""A scan cut into bands of rows, and the log among them: the longest run of bands that share their vertical lines."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import TracksError

FloatArray = NDArray[np.float64]

BAND_ROWS = (32, 128)
"""Rows of a band: few enough that a skewed line stays within a few columns, enough to tell dots from noise."""

_REACH = 8  # columns that a line may move from one band to the next
_AGREEMENT = 0.45  # correlation of neighbouring bands inside a log; worn scans have 0.6 to 0.8
_LONGEST_GAP = 4  # bands between two sheets of one log
_ROUNDS = 8  # of alignment; on a skewed page each finds a few more bands of the log
SATURATION = 0.6
"""Darkness above which a line is just a line: weight must not outvote position."""

NO_TRACK = (
    "no track was found: nothing on the scan looks like the printed grid of a log; "
    "give the tracks in a tracks.json"
)


@dataclass(frozen=True)
class Bands:
    """A scan cut into bands: their first rows, with the scan's end, and how dark a line each column holds."""

    starts: NDArray[np.intp]
    spikes: FloatArray  # (bands, columns), 0 to 1
    line_width: int  # columns within which the widest line of a grid fits

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Bands:
        """Cut a scan into bands and find what is dark and narrow in each."""
        rows, columns = pixels.shape
        height = int(np.clip(rows / 40, *BAND_ROWS))
        starts = np.linspace(0, rows, max(rows // height, 1) + 1).astype(np.intp)
        darkness = np.stack([255 - pixels[top:bottom].mean(axis=0) for top, bottom in pairwise(starts)]) / 255
        line_width = 2 * round(columns / 200) + 9
        return cls(starts, narrow_parts(darkness, line_width), line_width)

    @property
    def centres(self) -> FloatArray:
        """Row in the middle of each band."""
        return np.asarray((self.starts[:-1] + self.starts[1:] - 1) / 2, np.float64)


@dataclass(frozen=True)
class Log:
    """The bands that show the log, how far the page has moved sideways in each, and their common lines."""

    bands: Bands
    first: int
    last: int  # one after the last
    shifts: FloatArray  # (bands,), columns
    profile: FloatArray  # (columns,), spikes of the vertical lines where they are in a band of shift 0

    @property
    def rows(self) -> tuple[int, int]:
        """First row of the log and the one after its last, to the nearest band."""
        return int(self.bands.starts[self.first]), int(self.bands.starts[self.last])

    def shift_at(self, rows: FloatArray) -> FloatArray:
        """Columns by which the page has moved sideways at rows."""
        return np.interp(rows, self.bands.centres, self.shifts)


def narrow_parts(profiles: FloatArray, width: int) -> FloatArray:
    """Keep what is higher than its surroundings and narrower than width, along the last axis."""
    from scipy.ndimage import white_tophat

    size = [1] * (profiles.ndim - 1) + [width]
    return np.asarray(white_tophat(profiles, size=size), np.float64)


def find_log(bands: Bands) -> Log:
    """Find the longest run of bands that have their vertical lines in common."""
    seen = np.minimum(bands.spikes, SATURATION)
    agreement, moves = _register(seen[1:], seen[:-1])
    first, last = _richest_run(agreement > _AGREEMENT, _count_lines(seen))
    steps = np.where(agreement > _AGREEMENT, moves, 0.0)[first : last - 1]
    shifts = _held(np.concatenate([np.zeros(first + 1), np.cumsum(steps)]), first, last, len(seen))
    for _ in range(_ROUNDS):
        aligned = _shifted(seen, -shifts)
        common = np.median(aligned[first:last], axis=0)
        agreement, moves = _register(aligned, np.broadcast_to(common, aligned.shape))
        agrees = agreement > 0.5 * np.median(agreement[first:last])
        grown = _longest_run(closed_over(agrees, _LONGEST_GAP))
        shifts = _held(_smooth(shifts + np.where(agrees, moves, 0.0), *grown), *grown, len(seen))
        if grown == (first, last) and np.abs(moves[first:last]).max() < 1:
            break
        first, last = grown
    profile = np.median(_shifted(bands.spikes, -shifts)[first:last], axis=0)
    return Log(bands, first, last, shifts, profile)


def _register(profiles: FloatArray, references: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Correlate profiles with references over small shifts: the best correlation, and the columns moved."""
    length = profiles.shape[1] + 2 * _REACH
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    references = references - references.mean(axis=1, keepdims=True)
    product = np.fft.rfft(profiles, length) * np.fft.rfft(references, length).conj()
    correlation = np.fft.irfft(product, length)
    correlation = np.concatenate([correlation[:, -_REACH:], correlation[:, : _REACH + 1]], axis=1)
    norm = np.sqrt((profiles**2).sum(axis=1) * (references**2).sum(axis=1))
    correlation /= np.maximum(norm, 1e-9)[:, None]
    best = np.clip(correlation.argmax(axis=1), 1, 2 * _REACH - 1)
    every = np.arange(len(best))
    before, here, after = (correlation[every, best + side] for side in (-1, 0, 1))
    bend = np.maximum(2 * here - before - after, 1e-9)
    return here, best - _REACH + np.clip((after - before) / (2 * bend), -0.5, 0.5)


def _shifted(profiles: FloatArray, shifts: FloatArray) -> FloatArray:
    """Move each profile by its own, fractional, number of columns."""
    columns = profiles.shape[1]
    length = columns + 2 * int(np.abs(shifts).max() + _REACH + 1)
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(length) * shifts[:, None])
    return np.asarray(np.fft.irfft(np.fft.rfft(profiles, length) * turn, length)[:, :columns], np.float64)


def _count_lines(spikes: FloatArray) -> NDArray[np.intp]:
    """Count the lines in each band."""
    middle = spikes[:, 1:-1]
    is_line = (middle > 0.15) & (middle >= spikes[:, :-2]) & (middle > spikes[:, 2:])
    return np.asarray(is_line.sum(axis=1), np.intp)


def runs_of(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of true flags: first, and one after the last."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def closed_over(flags: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """Fill gaps of so many false flags between true ones."""
    closed = flags.copy()
    for start, end in runs_of(~flags):
        if start > 0 and end < len(flags) and end - start <= gap:
            closed[start:end] = True
    return closed


def _richest_run(agreeing: NDArray[np.bool_], lines: NDArray[np.intp]) -> tuple[int, int]:
    """Run of bands that agree with their neighbours and hold most lines; a header holds few."""
    runs = [(first, last + 1) for first, last in runs_of(closed_over(agreeing, 1))]
    if not runs:
        raise TracksError(NO_TRACK)
    return max(runs, key=lambda run: int(np.minimum(lines[run[0] : run[1]], 40).sum()))


def _longest_run(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """Longest run of true flags."""
    return max(runs_of(flags), key=lambda run: run[1] - run[0])


def _held(shifts: FloatArray, first: int, last: int, count: int) -> FloatArray:
    """Shifts of all bands: outside the log those of its first and last band."""
    held = np.empty(count)
    held[first:last] = shifts[first:last]
    held[:first], held[last:] = shifts[first], shifts[last - 1]
    return held


def _smooth(shifts: FloatArray, first: int, last: int) -> FloatArray:
    """Shifts without the outliers that a band full of kicks gives."""
    from scipy.ndimage import gaussian_filter1d, median_filter

    smooth = shifts.copy()
    smooth[first:last] = gaussian_filter1d(
        median_filter(shifts[first:last], 5, mode="nearest"), 1, mode="nearest"
    )
    return smooth
