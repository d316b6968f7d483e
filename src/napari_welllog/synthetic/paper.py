"""The paper before the curves: grids, edges, words, hatching, ticks, bars and stamps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter1d

from napari_welllog.synthetic.pens import Ink, Pen, rule, stroke
from napari_welllog.synthetic.settings import PressSettings
from napari_welllog.synthetic.shapes import Floats, log_uniform

WORDS = (
    "GAMMA RAY", "CALIPER", "NEUTRON POROSITY", "DELTA T", "SP", "TVD", "CSG", "API UNITS", "OHM-M", "TENSION",
    "REPEAT SECTION", "MAIN PASS", "TD", "FIRST READING", "BULK DENSITY", "ILD", "MSFL", "SONIC", "DEPTH", "BIT",
)  # fmt: skip


@dataclass(frozen=True)
class Warp:
    """How the paper lay in the scanner: tilted by `skew` radians and wandering sideways.

    Parameters
    ----------
    centre : row and column that stay in place.
    skew : radians; positive sinks to the right.
    wander : amplitude of the sideways wander, pixels.
    period, phase : of the wander, rows and radians.
    """

    centre: tuple[float, float]
    skew: float = 0.0
    wander: float = 0.0
    period: float = 1000.0
    phase: float = 0.0

    def apply(self, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Where points of the paper, float64 (n,), land on the scan."""
        drift = self.wander * np.sin(2 * np.pi * rows / self.period + self.phase)
        return (
            rows + self.skew * (columns - self.centre[1]),
            columns - self.skew * (rows - self.centre[0]) + drift,
        )

    def vertical(self, column: float, count: int) -> Floats:
        """Scan column at each of `count` scan rows of a line drawn straight down the paper."""
        scan_rows = np.arange(count, dtype=float)
        return self.apply(scan_rows - self.skew * (column - self.centre[1]), np.full(count, float(column)))[1]

    def horizontal(self, row: float, count: int) -> Floats:
        """Scan row at each of `count` scan columns of a line drawn straight across the paper."""
        return np.asarray(row + self.skew * (np.arange(count) - self.centre[1]), np.float64)


@dataclass(frozen=True)
class Wear:
    """How the printed lines of one log have worn: not at all, faded in stretches, or into dots and dashes."""

    broken: bool
    period: float
    share: float

    @classmethod
    def choose(cls, rng: np.random.Generator, dpi: float, settings: PressSettings) -> Wear:
        """Choose the wear of one log."""
        broken = rng.random() < settings.broken_grid_share
        return cls(broken, dpi * log_uniform(rng, (0.008, 0.12)), rng.uniform(0.15, 0.95))

    def along(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        """Ink left along a line of `count` pixels, float64 (count,) of 0 to 1."""
        if not self.broken or rng.random() < 0.25:
            return np.ones(count)
        if rng.random() < 0.4:
            period = max(self.period * rng.uniform(0.9, 1.1), 3.0)
            return ((np.arange(count) + rng.uniform(0, period)) % period < self.share * period).astype(float)
        field = gaussian_filter1d(rng.standard_normal(count + 8), max(self.period / 2.5, 0.7))[4:-4]
        field /= field.std() + 1e-6
        return np.asarray(np.clip((field - np.quantile(field, 1 - self.share)) * 3 + 0.5, 0, 1))


@dataclass(frozen=True)
class Grid:
    """The lines printed in a track: fractions of its width with weights, and the spacing down the paper.

    Every so many of the lines down the paper are heavy, counted from the top of the track where `from_top` is true
    and from anywhere else.
    """

    verticals: tuple[tuple[float, float], ...]
    spacing: float
    heavy_every: int
    weight: float
    darkness: float
    from_top: bool = False

    @classmethod
    def choose(cls, rng: np.random.Generator, dpi: float, spacing: float, settings: PressSettings) -> Grid:
        """Choose a linear or logarithmic grid, or none but the edges."""
        weight = max(dpi * log_uniform(rng, settings.grid_weight), 0.8)
        verticals: list[tuple[float, float]] = [(0.0, rng.uniform(1, 3)), (1.0, rng.uniform(1, 3))]
        if rng.random() >= settings.no_grid_share:
            verticals += cls._logarithmic(rng) if rng.random() < settings.log_grid_share else cls._linear(rng)
        darkness = rng.uniform(*settings.grid_darkness)
        return cls(tuple(verticals), spacing, int(rng.choice([2, 5, 10, 10])), weight, darkness)

    @staticmethod
    def _linear(rng: np.random.Generator) -> list[tuple[float, float]]:
        """Even divisions, the middle one sometimes heavier."""
        divisions = int(rng.choice([2, 4, 5, 8, 10, 10, 10, 20]))
        heavy = rng.uniform(1, 3)
        return [(i / divisions, heavy if 2 * i == divisions else 1.0) for i in range(1, divisions)]

    @staticmethod
    def _logarithmic(rng: np.random.Generator) -> list[tuple[float, float]]:
        """One to four decades with their lines for 2 to 9, from 1 or from 2."""
        decades, shift, heavy = (
            int(rng.integers(1, 5)),
            float(rng.choice([0.0, np.log10(2)])),
            rng.uniform(1, 3),
        )
        places = [
            (d + np.log10(k) - shift, heavy if k == 1 else 1.0)
            for d in range(decades + 1)
            for k in range(1, 10)
        ]
        return [(p / decades, w) for p, w in places if 0 < p < decades]


def draw_grid(
    ink: Ink,
    rng: np.random.Generator,
    grid: Grid,
    span: tuple[float, float],
    rows: tuple[float, float],
    warp: Warp,
    wear: Wear,
) -> None:
    """Print the grid of a track between two paper columns and two paper rows, in place."""
    left, right = span
    height = ink.shape[0]
    top, bottom = max(0, int(rows[0])), min(height, int(np.ceil(rows[1])))
    if bottom <= top:
        return
    for fraction, weight in grid.verticals:
        columns = warp.vertical(left + fraction * (right - left), height)[top:bottom]
        darkness = grid.darkness if weight == 1 else min(1.0, grid.darkness * 1.3)
        rule(ink[top:bottom], columns, grid.weight * weight, darkness * wear.along(rng, bottom - top))
    _draw_depth_lines(ink, rng, grid, span, rows, warp, wear)


def _draw_depth_lines(
    ink: Ink,
    rng: np.random.Generator,
    grid: Grid,
    span: tuple[float, float],
    rows: tuple[float, float],
    warp: Warp,
    wear: Wear,
) -> None:
    """Print the horizontal lines of a grid, every so many of them heavier, in place."""
    height, width = ink.shape
    first, last = int(np.clip(span[0], 0, width)), int(np.clip(span[1] + 1, 0, width))
    if last <= first or (len(grid.verticals) == 2 and rng.random() < 0.5):
        return
    reach = abs(warp.skew) * width + 4
    start = rows[0] + max(0.0, np.ceil((-reach - rows[0]) / grid.spacing)) * grid.spacing
    heavy_weight, anywhere = rng.uniform(1.2, 3.0), int(rng.integers(grid.heavy_every))
    offset = 0 if grid.from_top else anywhere
    for index, row in enumerate(np.arange(start, min(rows[1], height + reach), grid.spacing)):
        heavy = (index + offset) % grid.heavy_every == 0
        centre = warp.horizontal(row, width)[first:last]
        weight = grid.weight * (heavy_weight if heavy else 1.0)
        darkness = min(1.0, grid.darkness * (1.3 if heavy else 1.0))
        rule(ink[:, first:last].T, centre, weight, darkness * wear.along(rng, last - first))


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font at a size in pixels."""
    return ImageFont.load_default(size)


def text_ink(text: str, size: int, quarter_turns: int = 0) -> Ink:
    """The ink of a word, float32 of 0 to 1, turned by quarter turns."""
    left, top, right, bottom = (int(v) for v in _font(size).getbbox(text))
    picture = Image.new("L", (max(right - left, 1) + 2, max(bottom - top, 1) + 2))
    ImageDraw.Draw(picture).text((1 - left, 1 - top), text, 255, _font(size))
    return np.rot90(np.asarray(picture, np.float32) / 255, quarter_turns)


def paste(ink: Ink, patch: Ink, row: int, column: int) -> None:
    """Lay a patch of ink on the paper with its first pixel at a place, in place."""
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + patch.shape[0], ink.shape[0]), min(column + patch.shape[1], ink.shape[1])
    if bottom > top and right > left:
        target = ink[top:bottom, left:right]
        np.maximum(target, patch[top - row : bottom - row, left - column : right - column], out=target)


def draw_depth_numbers(
    ink: Ink, rows: Floats, numbers: list[str], column: float, size: int, turn: int
) -> None:
    """Print depth numbers centred on a column beside their rows, in place."""
    for row, number in zip(rows, numbers, strict=True):
        patch = text_ink(number, size, turn)
        paste(ink, patch, int(row - patch.shape[0] / 2), int(column - patch.shape[1] / 2))


def draw_words(
    ink: Ink, rng: np.random.Generator, dpi: float, count: int, area: tuple[int, int, int, int]
) -> None:
    """Print words, numbers and scraps of handwriting at random in an area (top, bottom, left, right), in place."""
    top, bottom, left, right = area
    for _ in range(count):
        text = str(rng.choice(WORDS)) if rng.random() < 0.6 else f"{rng.integers(1, 9999)}"
        size = max(6, int(dpi * rng.uniform(0.06, 0.16)))
        patch = text_ink(text, size, int(rng.choice([0, 0, 0, 1, 3])))
        paste(
            ink,
            patch,
            int(rng.integers(top - 5, max(bottom, top + 1))),
            int(rng.integers(left - 20, max(right, left + 1))),
        )
    if rng.random() < 0.3:
        _scrawl(ink, rng, dpi, area)


def _scrawl(ink: Ink, rng: np.random.Generator, dpi: float, area: tuple[int, int, int, int]) -> None:
    """Write something unreadable by hand, in place."""
    steps = np.cumsum(rng.standard_normal((2, 40)) * dpi * 0.02, axis=1)
    smooth = gaussian_filter1d(steps, 1.5, axis=1)
    row, column = rng.uniform(area[0], area[1]), rng.uniform(area[2], area[3])
    drift = np.linspace(0, dpi * rng.uniform(0.1, 0.6), 40)
    stroke(
        ink,
        row + smooth[0],
        column + smooth[1] + drift,
        Pen("hand", max(1.0, dpi * rng.uniform(0.004, 0.012))),
    )


def draw_ticks(ink: Ink, rng: np.random.Generator, dpi: float, edges: Floats) -> None:
    """Print short tick marks inward or outward along a track edge, in place."""
    spacing, length = dpi * log_uniform(rng, (0.05, 0.8)), dpi * rng.uniform(0.02, 0.12) * rng.choice((-1, 1))
    even, row = rng.random() < 0.5, rng.uniform(0, spacing)
    pen = Pen("tick", max(1.0, dpi * log_uniform(rng, (0.004, 0.012))))
    while row < ink.shape[0]:
        edge = edges[min(int(row), len(edges) - 1)]
        stroke(ink, np.array([row, row]), np.array([edge, edge + length]), pen)
        row += spacing * (1.0 if even else rng.exponential() + 0.1)


def draw_hatching(
    ink: Ink, rng: np.random.Generator, dpi: float, curve: Floats, edges: Floats, rows: tuple[int, int]
) -> None:
    """Hatch between a curve and an edge, scan columns float64 (rows,), over a stretch of rows, in place."""
    every_row = np.arange(max(rows[0], 0), min(rows[1], ink.shape[0]))
    if not len(every_row):
        return
    low = np.fmin(curve, edges)[every_row][:, None]
    high = np.fmax(curve, edges)[every_row][:, None]
    columns = np.arange(ink.shape[1])
    slope, period = rng.choice([-1.0, 1.0, 2.0, -2.0, 0.0]), max(4.0, dpi * rng.uniform(0.02, 0.08))
    width = max(1.0, dpi * rng.uniform(0.003, 0.008))
    phase = (columns * slope + every_row[:, None] * (1 if slope == 0 or rng.random() < 0.8 else 0.4)) % period
    hatch = (columns > low) & (columns < high) & (phase < width * np.hypot(1, slope))
    np.maximum(ink[every_row], hatch.astype(np.float32), out=ink[every_row[0] : every_row[-1] + 1])


def draw_bar(ink: Ink, rng: np.random.Generator, dpi: float) -> tuple[slice, slice]:
    """Print a solid black bar as scanners leave along the edges of a page, in place; gives its rows and columns."""
    rows, columns = ink.shape
    thickness = int(dpi * log_uniform(rng, (0.03, 0.6)))
    if rng.random() < 0.7:
        start = int(rng.integers(-thickness // 2, columns))
        top = int(rng.integers(0, rows)) if rng.random() < 0.4 else 0
        bar = slice(top, rows), slice(max(start, 0), max(start + thickness, 0))
    else:
        start = int(rng.integers(0, rows))
        left = int(rng.integers(0, columns)) if rng.random() < 0.5 else 0
        bar = slice(start, start + thickness // 2 + 2), slice(left, columns)
    ink[bar] = 1
    return bar


def draw_stamp(ink: Ink, rng: np.random.Generator, dpi: float) -> None:
    """Print a round stamp with a word, in place."""
    row, column = rng.uniform(0, ink.shape[0]), rng.uniform(0, ink.shape[1])
    angle, radius = np.linspace(0, 2 * np.pi, 200), dpi * rng.uniform(0.2, 0.5)
    for ring in (radius, radius * 0.85):
        stroke(
            ink, row + ring * np.sin(angle), column + ring * np.cos(angle), Pen("stamp", max(1.2, dpi * 0.01))
        )
    draw_words(ink, rng, dpi, 1, (int(row), int(row) + 4, int(column - radius), int(column)))


def draw_header_piece(ink: Ink, rng: np.random.Generator, dpi: float, rows: tuple[int, int]) -> None:
    """Cover a stretch of rows by a piece of header: blank paper, boxes, words and scale bars, in place."""
    top, bottom = max(rows[0], 0), min(rows[1], ink.shape[0])
    if bottom - top < 8:
        return
    ink[top:bottom] = 0
    draw_words(
        ink,
        rng,
        dpi,
        max(2, int((bottom - top) * ink.shape[1] / (dpi * dpi) * 6)),
        (top, bottom, 0, ink.shape[1]),
    )
    for row in rng.uniform(top, bottom, rng.integers(1, 6)):
        ends = np.sort(rng.uniform(-50, ink.shape[1] + 50, 2))
        pattern = () if rng.random() < 0.6 else (dpi * 0.05, dpi * 0.03)
        pen = Pen("scale", max(1.0, dpi * log_uniform(rng, (0.004, 0.02))), pattern=pattern)
        stroke(ink, np.array([row, row]), ends, pen)
    ink[bottom - 2 : bottom] = 1
