"""Pens: from a line on the paper to ink on the pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter

from napari_welllog.synthetic.settings import PressSettings
from napari_welllog.synthetic.shapes import log_uniform

Floats = NDArray[np.float64]
Ink = NDArray[np.float32]

THINNEST = 0.25
"""What is left of the width of a pen at the highest speed."""


@dataclass(frozen=True)
class Pen:
    """A pen: its width in pixels, its darkness (1 is black) and its pattern of ink and paper along the stroke.

    Parameters
    ----------
    name : solid, dashed, dotted, dash-dot, light or pale.
    width : pixels.
    darkness : 0 to 1.
    pattern : lengths in pixels, ink and paper in turn; empty for a solid stroke.
    usual_speed : columns a row that it may sweep across the paper before its line gets thinner.
    thinning : power of its speed, beyond the usual one, by which its line is thinner; 0 for a pen that never is.
    """

    name: str
    width: float
    darkness: float = 1.0
    pattern: tuple[float, ...] = ()
    usual_speed: float = 1.0
    thinning: float = 0.0

    def width_at(self, speed: Floats) -> Floats:
        """Width of its line, pixels, at each speed, columns a row: the faster a spot of light, the less it exposes."""
        over = np.maximum(np.maximum(speed, 1e-6) / self.usual_speed, 1.0)
        return self.width * np.maximum(over**-self.thinning, THINNEST)

    def is_down(self, distance: Floats) -> NDArray[np.bool_]:
        """Whether the pen touches the paper at each distance (pixels) along its stroke."""
        if not self.pattern:
            return np.ones(len(distance), bool)
        ends = np.cumsum(self.pattern)
        return np.asarray(np.searchsorted(ends, distance % ends[-1], side="right") % 2 == 0)

    def middle(self, sigma: float) -> float:
        """The ink in the middle of its stroke after a blur of `sigma` pixels, 0 to 1."""
        across = int(np.ceil(self.width / 2 + 3 * sigma)) + 2
        rows = np.arange(2.0 * sum(self.pattern) + 20)
        ink = np.zeros((len(rows), 2 * across + 1), np.float32)
        stroke(ink, rows, np.full(len(rows), float(across)), self)
        full = ink[:, across] > 0.9 * ink.max()
        return float(np.median(gaussian_filter(ink, sigma, truncate=3)[full, across]))


def _broken_pattern(
    rng: np.random.Generator, dpi: float, width: float, settings: PressSettings
) -> tuple[str, tuple[float, ...]]:
    """Choose a dashed, dotted or dash-dot pattern."""
    dash = max(dpi * log_uniform(rng, settings.dash_length), 2.5 * width, 3.0)
    narrowest = width + max(2.5, 0.01 * dpi)
    gap = max(dpi * log_uniform(rng, settings.dash_gap), narrowest)
    kind = rng.choice(["dashed"] * 5 + ["dotted"] * 3 + ["dash-dot"] * 4)
    if kind == "dotted":
        return "dotted", (max(0.8 * width, 1.5), max(gap * 0.7, narrowest))
    if kind == "dash-dot":
        dots = (max(0.8 * width, 1.5), gap) * int(rng.integers(1, 3))
        return "dash-dot", (1.3 * dash, gap, *dots)
    return "dashed", (dash, gap)


def choose_pens(
    rng: np.random.Generator, dpi: float, bilevel: bool, settings: PressSettings
) -> tuple[Pen | None, Pen | None]:
    """Choose the pens of curve one and curve two; None where a track carries one curve only."""
    kinds = ("dashed_pair", "weight_pair", "single_one", "single_two") + (() if bilevel else ("shade_pair",))
    kinds += ("alike_pair",)
    frequency = np.array([getattr(settings, kind) for kind in kinds])
    kind = rng.choice(kinds, p=frequency / frequency.sum())
    width = float(np.clip(dpi * log_uniform(rng, settings.pen_width), 1.3, 6.0))
    heavy = float(np.clip(dpi * log_uniform(rng, settings.heavy_pen_width), 2.6, 9.0))
    if kind == "alike_pair":
        return Pen("solid", width), Pen("solid", width)
    if kind == "weight_pair":
        light = min(width, heavy / 2)
        return Pen("solid", heavy), Pen("light", max(light, 1.2), rng.uniform(0.75, 1.0))
    if kind == "shade_pair":
        name, pattern = ("pale", ()) if rng.random() < 0.5 else _broken_pattern(rng, dpi, width, settings)
        return Pen("solid", width * rng.uniform(1, 1.6)), Pen(name, width, rng.uniform(0.4, 0.65), pattern)
    second_width = width * rng.uniform(0.7, 1.3)
    name, pattern = _broken_pattern(rng, dpi, second_width, settings)
    one = Pen("solid", heavy if rng.random() < 0.25 else width)
    two = Pen(name, max(second_width, 1.2), 1.0, pattern)
    return (None if kind == "single_two" else one), (None if kind == "single_one" else two)


def stroke(ink: Ink, rows: Floats, columns: Floats, pen: Pen, phase: float = 0.0, step: float = 0.5) -> None:
    """Draw a stroke along a line on the paper, in place.

    The ink on a pixel is the share of it that the round tip of the pen covers.

    Parameters
    ----------
    ink : float32 (rows, columns), changed in place; 0 paper to 1 ink.
    rows, columns : float64 (n,), the line; NaN lifts the pen.
    pen : width and pattern.
    phase : pixels of its pattern that the pen has already drawn.
    step : distance of two dabs of the pen, pixels.
    """
    length = np.hypot(np.diff(rows), np.diff(columns))
    lifted = ~np.isfinite(length)
    distance = np.concatenate([[0.0], np.cumsum(np.where(lifted, 0.0, length))])
    points = np.arange(0.0, distance[-1], step)
    if not len(points):
        return
    after = np.clip(np.searchsorted(distance, points, side="right"), 1, len(distance) - 1)
    span = distance[after] - distance[after - 1]
    weight = np.divide(points - distance[after - 1], span, out=np.zeros_like(points), where=span > 0)
    dab_rows = rows[after - 1] + weight * (rows[after] - rows[after - 1])
    dab_columns = columns[after - 1] + weight * (columns[after] - columns[after - 1])
    reach = pen.width / 2 + 1
    inside = (dab_rows > -reach) & (dab_rows < ink.shape[0] + reach) & (dab_columns > -reach)
    inside &= (dab_columns < ink.shape[1] + reach) & pen.is_down(points + phase)
    speed = np.abs(np.diff(columns)) / np.maximum(np.abs(np.diff(rows)), 1e-6)
    widths = pen.width_at(speed[after - 1][inside])
    _dab(ink, dab_rows[inside], dab_columns[inside], widths, pen.darkness)


@dataclass
class CurveInk:
    """The ink of all curves of one class, and which pen left it: a page has a pair of pens for each track.

    Parameters
    ----------
    ink : float32 (rows, columns), 0 paper to 1 ink.
    pen_of : uint8 (rows, columns), 0 where nothing is drawn, else one more than the place of its pen in `pens`.
    pens : the pens so far.
    """

    ink: Ink
    pen_of: NDArray[np.uint8]
    pens: list[Pen] = field(default_factory=list)

    @classmethod
    def none(cls, rows: int, columns: int) -> Self:
        """An empty sheet of so many pixels."""
        return cls(np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.uint8))

    def draw(self, rows: Floats, columns: Floats, pen: Pen, phase: float = 0.0) -> None:
        """Draw a stroke along a line, as `stroke` does."""
        fresh = np.zeros_like(self.ink)
        stroke(fresh, rows, columns, pen, phase)
        self.pens.append(pen)
        self.pen_of[fresh > self.ink] = len(self.pens)
        np.maximum(self.ink, fresh, out=self.ink)

    def middles(self, sigma: float) -> list[float]:
        """The ink in the middle of each pen's stroke after a blur, for the pens in turn."""
        return [pen.middle(sigma) for pen in self.pens]

    def middle_everywhere(self, sigma: float) -> Ink:
        """The ink in the middle of the stroke a pixel lies on or beside, after a blur; 2 far from any, float32."""
        table = np.array([2.0, *self.middles(sigma)], np.float32)
        return np.asarray(table[maximum_filter(self.pen_of, 5)])


def _dab(ink: Ink, rows: Floats, columns: Floats, widths: Floats, darkness: float) -> None:
    """Press a round tip of a width of its own on the paper at each point, in place."""
    if not len(widths):
        return
    reach = int(np.ceil(widths.max() / 2 + 0.5))
    base_rows, base_columns = np.rint(rows).astype(np.intp), np.rint(columns).astype(np.intp)
    offset = np.arange(-reach, reach + 1)
    square_rows, square_columns = (plane.ravel() for plane in np.meshgrid(offset, offset, indexing="ij"))
    pixel_rows = base_rows[:, None] + square_rows
    pixel_columns = base_columns[:, None] + square_columns
    distance = np.hypot(pixel_rows - rows[:, None], pixel_columns - columns[:, None])
    width = widths[:, None]
    cover = np.clip(width / 2 + 0.5 - distance, 0, np.minimum(1.0, width)) * darkness
    keep = (cover > 0) & (pixel_rows >= 0) & (pixel_rows < ink.shape[0])
    keep &= (pixel_columns >= 0) & (pixel_columns < ink.shape[1])
    flat = pixel_rows[keep] * ink.shape[1] + pixel_columns[keep]
    np.maximum.at(ink.reshape(-1), flat, cover[keep].astype(np.float32))


def rule(ink: Ink, columns: Floats, width: float, darkness: NDArray[np.float64] | float) -> None:
    """Draw a straight-ish line that crosses every row once, in place; pass `ink.T` for a horizontal one.

    Parameters
    ----------
    ink : float32 (rows, columns), changed in place.
    columns : float64 (rows,), where the line crosses each row.
    width : pixels.
    darkness : ink of the line, one number or one for each row.
    """
    if columns.max() < -width or columns.min() > ink.shape[1] + width:
        return
    reach = int(np.ceil(width / 2 + 0.5))
    base = np.rint(columns).astype(np.intp)
    every_row = np.arange(len(columns))
    for offset in range(-reach, reach + 1):
        pixel = base + offset
        cover = np.clip(width / 2 + 0.5 - np.abs(pixel - columns), 0, min(1.0, width)) * darkness
        keep = (pixel >= 0) & (pixel < ink.shape[1])
        here = ink[every_row[keep], pixel[keep]]
        ink[every_row[keep], pixel[keep]] = np.maximum(here, cover[keep])
