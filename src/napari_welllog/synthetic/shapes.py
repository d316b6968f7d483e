"""Curve shapes like those of real logs: beds, wiggles, spikes, kicks, cycle skips and flat stretches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from napari_welllog.synthetic.settings import PressSettings, Range

Floats = NDArray[np.float64]


def log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    """Draw a number whose logarithm is uniform between the bounds."""
    return float(np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]))))


@dataclass(frozen=True)
class Rock:
    """What the hole went through: the bed boundaries (rows) that all curves of a track share."""

    boundaries: Floats
    contrast: Floats

    @classmethod
    def drill(cls, rng: np.random.Generator, rows: Floats, thickness: float) -> Rock:
        """Lay beds of a mean thickness (pixels) over the span of the rows."""
        count = int((rows[-1] - rows[0]) / thickness * 1.5) + 8
        boundaries = rows[0] - 2 * thickness + np.cumsum(rng.exponential(thickness, count))
        return cls(boundaries, rng.standard_normal(count + 1))

    def levels(self, rows: Floats) -> Floats:
        """The contrast of the bed at each row, about standard normal."""
        return self.contrast[np.searchsorted(self.boundaries, rows)]


def _wiggle(rng: np.random.Generator, count: int, memory: float) -> Floats:
    """A unit-variance autoregressive series whose memory is given in samples."""
    keep = np.exp(-1 / max(memory, 0.2))
    noise = rng.standard_normal(count) * np.sqrt(1 - keep**2)
    noise[0] = rng.standard_normal()
    series: Floats = lfilter([1.0], [1.0, -keep], noise)
    return series


def _add_excursions(
    rng: np.random.Generator, rows: Floats, curve: Floats, count: int, reach: float, width: Range
) -> None:
    """Add boxes of random sign, height up to `reach` and width (rows), blunt or pointed, in place."""
    for _ in range(count):
        centre = rng.uniform(rows[0], rows[-1])
        half = log_uniform(rng, width) / 2
        height = reach * rng.uniform(0.3, 1.0) * rng.choice((-1, 1))
        distance = np.abs(rows - centre) / half
        curve += height * np.clip(1 - distance if rng.random() < 0.5 else 3 * (1 - distance), 0, 1)


def _flatten(rng: np.random.Generator, curve: Floats, length: float) -> None:
    """Hold the curve at one value over a stretch of so many of its elements, in place."""
    start = rng.integers(len(curve))
    curve[start : start + int(length)] = curve[start]


def _skip_cycles(rng: np.random.Generator, rows: Floats, curve: Floats, jump: float, dpi: float) -> None:
    """Shift short runs of the curve by a fixed jump, as a sonic tool that misses the first arrival, in place."""
    for _ in range(int(rng.integers(1, 6))):
        centre, half = rng.uniform(rows[0], rows[-1]), dpi * rng.uniform(0.01, 0.08)
        curve[np.abs(rows - centre) < half] += jump


def draw_shape(
    rng: np.random.Generator, rows: Floats, rock: Rock, dpi: float, settings: PressSettings, own: float = 1.0
) -> Floats:
    """Draw one curve over the rows as its offset from the middle position.

    Parameters
    ----------
    rng : the source of all randomness.
    rows : float64 (n,), evenly spaced rows of the page.
    rock : the beds that the curve responds to.
    dpi : pixels per inch.
    settings : the press.
    own : share of the response that is this curve's own rather than the rock's.

    Returns
    -------
    offset : float64 (n,), pixels across the paper.
    """
    spacing = rows[1] - rows[0]
    amplitude = dpi * log_uniform(rng, settings.amplitude)
    tool = dpi * log_uniform(rng, settings.tool_length)
    roughness = min(dpi * log_uniform(rng, settings.roughness), 0.8 * amplitude + 3)
    memory = tool * log_uniform(rng, (0.5, 8.0)) + 0.5
    curve = 0.5 * amplitude * rock.levels(rows)
    curve += roughness * own * _wiggle(rng, len(rows), memory / spacing)
    curve += 0.3 * amplitude * _wiggle(rng, len(rows), dpi * rng.uniform(0.5, 3) / spacing)
    length_inches = (rows[-1] - rows[0]) / dpi
    if rng.random() < settings.kick_share:
        count = rng.poisson(log_uniform(rng, settings.kicks_per_inch) * length_inches)
        reach = dpi * log_uniform(rng, settings.kick_size)
        _add_excursions(rng, rows, curve, count, reach, (dpi * 0.02, dpi * 0.5))
    if rng.random() < settings.spike_share:
        count = rng.poisson(2 * length_inches)
        _add_excursions(rng, rows, curve, count, amplitude * rng.uniform(0.3, 2), (dpi * 0.01, dpi * 0.05))
    if rng.random() < settings.cycle_skip_share:
        _skip_cycles(rng, rows, curve, amplitude * rng.uniform(-1, 1), dpi)
    if rng.random() < settings.flat_share:
        _flatten(rng, curve, dpi * log_uniform(rng, settings.flat_length) / spacing)
    curve = gaussian_filter1d(curve, tool / spacing / 2.5, mode="nearest")
    return _join_samples(rng, rows, curve, dpi * log_uniform(rng, settings.sample_interval))


def _join_samples(rng: np.random.Generator, rows: Floats, curve: Floats, interval: float) -> Floats:
    """Keep one sample every `interval` rows and join them by straight strokes, as digital plotters do."""
    if interval <= 1.5 * (rows[1] - rows[0]) or rng.random() < 0.3:
        return curve
    kept = np.arange(rows[0] - interval * rng.random(), rows[-1] + interval, interval)
    return np.asarray(np.interp(rows, kept, np.interp(kept, rows, curve)))
