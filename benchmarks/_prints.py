"""Well-log prints with known curves, made by a route of their own.

Nothing here is shared with the package's own printing press: curves come from layered beds seen through a
logging tool, or from a digital log, and are drawn by matplotlib. What a network learned from the press is
thus measured on prints that the press did not make.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray
from PIL import Image
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.signal import lfilter

FloatArray = NDArray[np.float64]
CurveSource = Callable[[np.random.Generator, int], FloatArray]

CONDITIONS = ("clean bilevel", "grey", "worn bilevel", "faint grey")

SAMPLE_FEET = 0.5

_EDGE = 0.015  # nearer to a track edge than this a curve lies in the edge's own line, and is not judged
_BEYOND = 0.025  # farther out than this a curve is certainly not on the paper

_INK_DPI = 72  # one point is then one pixel


@dataclass(frozen=True)
class Pen:
    """How a curve is drawn: its name, its width and its dashes and gaps in pixels (none: solid)."""

    name: str
    width: float
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Print:
    """A scanned print with its truth.

    Parameters
    ----------
    scan : uint8 (rows, columns)
        0 is black ink, 255 is paper.
    ink : two bool (rows, columns)
        Where curve one and curve two have ink.
    columns : float64 (2, rows)
        True scan column of both curves in every row, NaN where not on the paper or not to be judged.
    absent : bool (2, rows)
        Rows where a curve is certainly not on the paper.
    left, right : two (row, column) points each
        The track's edges.
    top, bottom : int
        First and last row of the log.
    pens : two Pen
        Pens of curve one and curve two.
    """

    name: str
    condition: str
    scan: NDArray[np.uint8]
    ink: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    columns: FloatArray
    absent: NDArray[np.bool_]
    left: tuple[tuple[float, float], tuple[float, float]]
    right: tuple[tuple[float, float], tuple[float, float]]
    top: int
    bottom: int
    pens: tuple[Pen, Pen]

    def fractions(self, columns: FloatArray) -> FloatArray:
        """Fractions of the track width at columns, float64 (..., rows)."""
        rows = np.arange(self.scan.shape[0])
        (row0, left0), (row1, left1) = self.left
        (_, right0), (_, right1) = self.right
        along = (rows - row0) / (row1 - row0)
        left, right = left0 + along * (left1 - left0), right0 + along * (right1 - right0)
        return np.asarray((columns - left) / (right - left))

    @property
    def truth(self) -> FloatArray:
        """True fractions of the track width, float64 (2, rows), NaN where not judged."""
        fractions = self.fractions(self.columns)
        return np.where((fractions > _EDGE) & (fractions < 1 - _EDGE), fractions, np.nan)


def make_print(
    seed: int,
    condition: str,
    rows: int = 3000,
    source: CurveSource | None = None,
) -> Print:
    """Draw one print and scan it.

    Parameters
    ----------
    seed : int
        The same seed and condition give the same print.
    condition : one of `CONDITIONS`
        What the paper and the scanner did to it.
    rows : int
        Length of the scan.
    source : callable, optional
        `source(rng, samples)` gives the fractions, float64 (2, samples), of a pair of curves every half foot;
        layered beds when left out, a digital log from `las_source`.
    """
    rng = np.random.default_rng([seed, CONDITIONS.index(condition)])
    # Every kind of pen has its turn, whatever the number of prints: chance would favour one among a few.
    page = _Page(rng, rows, _skew(rng, condition), pen_kind=seed + CONDITIONS.index(condition))
    fractions = (source or layered_beds)(rng, page.samples)
    picture, ink = page.draw(fractions)
    scan = _SCANNERS[condition](picture, rng)
    columns, absent = page.truth(fractions)
    return Print(
        name=f"{condition}, seed {seed}",
        condition=condition,
        scan=scan,
        ink=ink,
        columns=columns,
        absent=absent,
        left=page.edge(0),
        right=page.edge(1),
        top=page.top,
        bottom=page.bottom,
        pens=page.pens,
    )


# --- curves ---------------------------------------------------------------------------------------


def layered_beds(rng: np.random.Generator, samples: int) -> FloatArray:
    """Two logs of one formation, float64 (2, samples) fractions of the track, half a foot between samples.

    Beds of constant value are seen through the blurring response of a tool. The second tool sees the same
    beds, mirrored more often than not, so that the curves cross at many bed boundaries.
    """
    thickness = rng.uniform(6, 30)
    shared, own = _beds(rng, samples, thickness), _beds(rng, samples, thickness)
    mixed = rng.choice([-1, -1, 1]) * rng.uniform(0.4, 0.9) * shared + rng.uniform(0.3, 0.7) * own
    pair = np.stack([_tool(rng, formation) for formation in (shared, mixed)])
    low, high = np.percentile(pair, [4, 96], axis=1, keepdims=True)
    width = rng.uniform(0.35, 0.75, (2, 1))
    middle = rng.uniform(0.35, 0.65) + rng.uniform(-0.12, 0.12, (2, 1))
    pair = middle + width * ((pair - low) / (high - low) - 0.5)
    for curve in pair:
        _add_kicks(rng, curve)
    pair = _reflect(pair)
    if rng.random() < 0.6:
        _drive_off_scale(rng, pair[rng.integers(2)])
    return pair


def _beds(rng: np.random.Generator, samples: int, thickness: float) -> FloatArray:
    """Beds of exponentially distributed thickness, each of one rock with a little of its own."""
    boundaries = np.cumsum(1 + rng.exponential(thickness, samples))
    bed = np.searchsorted(boundaries, np.arange(samples))
    rocks = rng.uniform(0, 1, 4)
    return np.asarray((rocks[rng.integers(4, size=samples)] + rng.normal(0, 0.08, samples))[bed])


def _tool(rng: np.random.Generator, formation: FloatArray) -> FloatArray:
    """What a tool makes of the beds: its vertical resolution, drift, counting noise and thin streaks."""
    samples = formation.size
    streaks = (rng.random(samples) < 0.015) * rng.normal(0, 0.5, samples)
    seen = gaussian_filter1d(formation + streaks, np.exp(rng.uniform(np.log(1), np.log(4))))
    noise = lfilter([1], [1, -rng.uniform(0.5, 0.85)], rng.normal(0, rng.uniform(0.001, 0.014), samples))
    drift = gaussian_filter1d(rng.normal(0, 1, samples), 80, mode="reflect")
    return np.asarray(seen + noise + rng.uniform(0, 1.5) * drift)


def _add_kicks(rng: np.random.Generator, curve: FloatArray) -> None:
    """Throw the curve across much of the track within one to three samples, and back after a few."""
    for _ in range(rng.integers(1, 6)):
        length = int(rng.integers(2, 14))
        start = int(rng.integers(curve.size - length))
        flank = np.minimum(1, np.arange(1, length + 1) / rng.integers(1, 4))
        height = rng.choice([-1, 1]) * rng.uniform(0.25, 0.75) * rng.uniform(0.9, 1.1, length)
        curve[start : start + length] += height * np.minimum(flank, flank[::-1])


def _reflect(fractions: FloatArray, margin: float = 0.03) -> FloatArray:
    """Fold values back at the track's edges, so that only what is meant to go off scale does."""
    span = 1 - 2 * margin
    turned = np.mod(fractions - margin, 2 * span)
    return np.asarray(margin + np.where(turned > span, 2 * span - turned, turned))


def _drive_off_scale(rng: np.random.Generator, curve: FloatArray) -> None:
    """Send the curve out of the track for one to three long stretches, with steep flanks."""
    for _ in range(rng.integers(1, 4)):
        length = int(rng.integers(12, 60))
        start = int(rng.integers(0, max(curve.size - length, 1)))
        flank = np.minimum(1, np.arange(1, length + 1) / rng.uniform(1, 5))
        curve[start : start + length] += (
            rng.choice([-1, 1]) * 1.4 * np.minimum(flank, flank[::-1])[: curve.size - start]
        )


def las_source(path: Path) -> CurveSource:
    """Pairs of curves from a digital log: any two of its curves over any stretch where both are there.

    Scales are chosen as a log analyst would: nearly all of a curve within the track, resistivities by their
    logarithm, and either way round.
    """
    import lasio

    las = lasio.read(path, ignore_header_errors=True)
    step = abs(float(np.median(np.diff(las.index))))
    stride = max(1, round(SAMPLE_FEET / step)) if str(las.curves[0].unit).lower().startswith("f") else 1
    curves = []
    for curve in las.curves[1:]:
        values = np.asarray(curve.data, float)[::stride]
        low, high = np.nanpercentile(values, [2, 98]) if np.isfinite(values).any() else (0.0, 0.0)
        if high > low and not curve.mnemonic.upper().startswith(("DEPT", "TVD", "TIME")):
            logarithmic = low > 0 and high / low > 20
            curves.append(np.log(np.where(values > 0, values, np.nan)) if logarithmic else values)

    def pair(rng: np.random.Generator, samples: int) -> FloatArray:
        """Choose two curves and a stretch of them."""
        for _ in range(1000):
            chosen = rng.choice(len(curves), 2, replace=False)
            start = int(rng.integers(0, max(curves[0].size - samples, 1)))
            stretch = np.stack([curves[index][start : start + samples] for index in chosen])
            if stretch.shape[1] == samples and np.isfinite(stretch).mean(axis=1).min() > 0.85:
                low, high = np.nanpercentile(stretch, [3, 97], axis=1, keepdims=True)
                if (high > low).all():
                    return _scaled(rng, (stretch - low) / (high - low))
        raise SystemExit(f"{path} has no stretch of {samples} samples in which two curves are there.")

    return pair


def _scaled(rng: np.random.Generator, unit: FloatArray) -> FloatArray:
    """Lay curves of range 0 to 1 on the track, either way round, overlapping."""
    turned = np.where(rng.random((2, 1)) < 0.5, unit, 1 - unit)
    width = rng.uniform(0.5, 0.85, (2, 1))
    return np.asarray(0.5 + rng.uniform(-0.08, 0.08, (2, 1)) + width * (turned - 0.5))


# --- drawing --------------------------------------------------------------------------------------


def _skew(rng: np.random.Generator, condition: str) -> float:
    """Rotation of the paper on the scanner in degrees; only worn prints lie askew."""
    degrees = rng.choice([-1, 1]) * rng.uniform(0.1, 0.5)
    return float(degrees) if condition == "worn bilevel" else 0.0


def _choose_pens(rng: np.random.Generator, kind: int) -> tuple[Pen, Pen]:
    """Choose a solid or heavier pen, and one of five kinds that a person can tell from it."""
    heavy = float(rng.uniform(1.8, 4.0))
    light = float(rng.uniform(1.5, min(heavy, 2.8)))
    gap = float(rng.uniform(5, 9))
    other = [
        Pen("dashed", light, (float(rng.uniform(10, 20)), gap)),
        Pen("dashed", light, (float(rng.uniform(10, 20)), gap)),
        Pen("dotted", light, (light + 0.5, float(rng.uniform(3.5, 6)))),
        Pen("dash-dot", light, (float(rng.uniform(12, 20)), gap, light + 0.5, gap)),
        Pen("thin", float(rng.uniform(1.5, 1.8))),
    ][kind % 5]
    if other.name == "thin":
        return Pen("heavy", float(rng.uniform(3.4, 4.0))), other
    return Pen("solid", heavy), other


class _Page:
    """A page of paper: where its track lies, what else is printed on it, and how it lies on the scanner.

    All printing is laid out in page coordinates, which are scan coordinates of a page that lies straight; a
    skewed page is the same printing under a rotation, so that its truth is exact and no line is resampled.
    """

    def __init__(self, rng: np.random.Generator, rows: int, skew: float, pen_kind: int) -> None:
        self.rng = rng
        self.rows = rows
        self.left = float(rng.uniform(100, 300))
        self.width = float(rng.uniform(400, 720))
        self.columns = int(self.left + self.width + rng.uniform(20, 80))
        self.rows_per_foot = float(rng.choice([8, 10, 10, 12, 16, 20]))
        self.header = float(rng.choice([15, 15, 130]))
        self.end = rows - 15.0
        self.samples = int((self.end - self.header) / (SAMPLE_FEET * self.rows_per_foot)) + 1
        self.drawn_smoothly = bool(rng.random() < 0.4)
        self.pens = _choose_pens(rng, pen_kind)
        self.first_foot = int(rng.integers(20, 900)) * 10
        self.rotation = Affine2D().rotate_deg_around((self.columns - 1) / 2, (rows - 1) / 2, skew)
        corners = self.rotation.transform(
            [
                [column, row]
                for row in (self.header, self.end)
                for column in (self.left, self.left + self.width)
            ]
        )
        self.top = int(np.ceil(corners[:2, 1].max())) + 1
        self.bottom = int(np.floor(corners[2:, 1].min())) - 1

    def edge(self, side: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Left (0) or right (1) edge of the track as two (row, column) points of the scan."""
        column = self.left + side * self.width
        points = self.rotation.transform([[column, self.header], [column, self.end]])
        (column0, row0), (column1, row1) = points
        return (float(row0), float(column0)), (float(row1), float(column1))

    def truth(self, fractions: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Column of both curves in every scan row, and the rows where they are certainly not on the paper."""
        scan_rows = np.arange(self.rows)
        columns = np.full((2, self.rows), np.nan)
        absent = np.zeros((2, self.rows), bool)
        (row0, left0), (row1, left1) = self.edge(0)
        left = np.interp(scan_rows, [row0, row1], [left0, left1])
        for index, curve in enumerate(fractions):
            path_columns, path_rows = self.rotation.transform(self.path(curve)).T
            columns[index] = _columns_at(scan_rows, path_rows, path_columns)
            fraction = (columns[index] - left) / self.width
            drawn = np.interp(scan_rows, path_rows, np.isfinite(path_columns)) > 0
            absent[index] = (fraction < -_BEYOND) | (fraction > 1 + _BEYOND) | ~drawn
            columns[index, (fraction < 0) | (fraction > 1)] = np.nan
        outside = (scan_rows < self.top) | (scan_rows > self.bottom)
        columns[:, outside], absent[:, outside] = np.nan, False
        return columns, absent

    def path(self, curve: FloatArray) -> FloatArray:
        """The line plotted through a curve's samples, float64 (points, 2) of page column and row."""
        rows = self.header + np.arange(curve.size) * SAMPLE_FEET * self.rows_per_foot
        columns = self.left + curve * self.width
        if self.drawn_smoothly and np.isfinite(columns).all():
            dense = np.linspace(rows[0], rows[-1], 5 * rows.size)
            rows, columns = dense, PchipInterpolator(rows, columns)(dense)
        return np.column_stack([columns, rows])

    def draw(self, fractions: FloatArray) -> tuple[FloatArray, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Draw the page: light from 0 (ink) to 1 (paper), (rows, columns), and where either curve has ink."""
        background = [*self._grid(), *self._scale_header(), *self._depth_numbers(), *self._neighbour()]
        strokes = [self._stroke(curve, pen) for curve, pen in zip(fractions, self.pens, strict=True)]
        picture = self._render([*background, *strokes])
        # An artist belongs to one figure for life, so each curve alone is a stroke of its own.
        one, two = (
            self._render([self._stroke(curve, pen)]) < 0.5
            for curve, pen in zip(fractions, self.pens, strict=True)
        )
        return picture, (one, two)

    def _render(self, artists: list[Any]) -> FloatArray:
        """Draw artists, laid out in page coordinates, on a scan of exactly rows by columns pixels."""
        figure = Figure(figsize=(self.columns / _INK_DPI, self.rows / _INK_DPI), dpi=_INK_DPI)
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(-0.5, self.columns - 0.5), ylim=(self.rows - 0.5, -0.5))
        axes.axis("off")
        to_scan = self.rotation + axes.transData
        track = Rectangle((self.left, self.header), self.width, self.end - self.header, transform=to_scan)
        for artist in artists:
            artist.set_transform(to_scan)
            axes.add_artist(artist)
            if artist.get_gid() == "curve":
                artist.set_clip_path(track)
        with rc_context({"path.simplify": False}):
            canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., 0] / 255.0

    def _stroke(self, curve: FloatArray, pen: Pen) -> Line2D:
        """A curve of the track, drawn where it is on scale."""
        columns, rows = self.path(curve).T
        return Line2D(
            columns,
            rows,
            color="black",
            linewidth=pen.width,
            linestyle=(0.0, pen.dashes) if pen.dashes else "solid",
            dash_capstyle="butt",
            dash_joinstyle="round",
            solid_joinstyle="round",
            snap=False,
            gid="curve",
        )

    def _grid(self) -> list[LineCollection]:
        """Grid lines of the track: fine, heavier, and its two edges."""
        rng = self.rng
        right = self.left + self.width
        fine, heavy = float(rng.uniform(0.8, 1.2)), float(rng.uniform(1.6, 2.2))
        tone = str(rng.uniform(0.0, 0.35))
        columns, heavy_columns = _vertical_divisions(rng)
        feet = float(rng.choice([1, 2, 2, 2, 5, 10]))
        while feet * self.rows_per_foot < 12:
            feet *= 2
        rows = np.arange(self.header, self.end + 1, feet * self.rows_per_foot)
        every = int(rng.choice([5, 10]))
        offset = int(rng.integers(every))
        is_heavy = (np.arange(rows.size) + offset) % every == 0

        def across(at: FloatArray) -> list[Any]:
            return [[(self.left, row), (right, row)] for row in at]

        def down(at: FloatArray) -> list[Any]:
            return [
                [(self.left + x * self.width, self.header), (self.left + x * self.width, self.end)]
                for x in at
            ]

        return [
            LineCollection(across(rows[~is_heavy]) + down(columns), colors=tone, linewidths=fine),
            LineCollection(across(rows[is_heavy]) + down(heavy_columns), colors=tone, linewidths=heavy),
            LineCollection(down(np.array([0.0, 1.0])), colors="black", linewidths=float(rng.uniform(1.5, 3))),
        ]

    def _scale_header(self) -> list[Any]:
        """Names, pens and scale values of both curves above the track, where there is room for them."""
        if self.header < 100:
            return []
        artists: list[Any] = []
        right = self.left + self.width
        names = self.rng.permutation(["GR", "SP", "CAL", "DT", "NPHI", "RHOB", "ILD", "SPHI"])[:2]
        for level, name, pen in zip((45, 95), names, self.pens, strict=True):
            middle = self.left + self.width / 2
            artists.append(_text(middle, level - 8, str(name), 16, ha="center"))
            artists.append(_text(self.left + 4, level - 4, str(int(self.rng.integers(0, 150))), 13))
            artists.append(_text(right - 4, level - 4, str(int(self.rng.integers(150, 300))), 13, ha="right"))
            style: Any = (0.0, pen.dashes) if pen.dashes else "solid"
            artists.append(
                Line2D(
                    [self.left, right], [level, level], color="black", linewidth=pen.width, linestyle=style
                )
            )
        return artists

    def _depth_numbers(self) -> list[Text]:
        """Depths beside the track, sometimes printed sideways; sometimes a word in the track."""
        rng = self.rng
        size, turn = float(rng.uniform(16, 24)), float(rng.choice([0, 0, 90, 270]))
        feet = float(rng.choice([10, 50, 100]))
        first = rng.uniform(0, feet)
        numbers = [
            _text(
                self.left - 10,
                row,
                f"{self.first_foot + int(index * feet)}",
                size,
                ha="right",
                va="center",
                turn=turn,
            )
            for index, row in enumerate(
                np.arange(self.header + first, self.end - 40, feet * self.rows_per_foot)
            )
            if row > self.header + 40
        ]
        if rng.random() < 0.3:
            column = self.left + rng.uniform(0.05, 0.85) * self.width
            row = rng.uniform(self.header + 60, self.end - 60)
            numbers.append(_text(column, row, str(rng.choice(["CASING", "GR", "CAL", "REPEAT"])), 14))
        return numbers

    def _neighbour(self) -> list[Any]:
        """The track beyond the depth column, with a curve of its own, where there is room for it."""
        right = self.left - 110
        if right < 60:
            return []
        rows = np.arange(self.header, self.end, SAMPLE_FEET * self.rows_per_foot)
        curve = gaussian_filter1d(self.rng.normal(0.5, 0.6, rows.size), 2)
        lines = [
            [(right - 40 * n, self.header), (right - 40 * n, self.end)] for n in range(int(right // 40) + 1)
        ]
        across = [
            [(0, row), (right, row)] for row in np.arange(self.header, self.end, 10 * self.rows_per_foot)
        ]
        return [
            LineCollection(lines + across, colors="0.1", linewidths=1.0),
            Line2D(np.clip(right * curve, 2, right), rows, color="black", linewidth=2.0),
        ]


def _text(
    column: float, row: float, text: str, size: float, ha: str = "left", va: str = "baseline", turn: float = 0
) -> Text:
    """Printed words at a place of the page."""
    return Text(column, row, text, fontsize=size, horizontalalignment=ha, verticalalignment=va, rotation=turn)


def _vertical_divisions(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Fractions of the track at which fine and heavier vertical lines stand: linear, or decades of a log."""
    if rng.random() < 0.3:
        decades = int(rng.choice([2, 3, 4]))
        ticks = np.log10(np.outer(10.0 ** np.arange(decades), np.arange(1, 10)).ravel()) / decades
        is_heavy = np.isclose(np.mod(ticks * decades, 1), 0)
    else:
        count = int(rng.choice([5, 10, 10, 20]))
        ticks = np.arange(count) / count
        is_heavy = (np.arange(count) * 2 == count) & bool(rng.random() < 0.6)
    inside = ticks > 0
    return ticks[inside & ~is_heavy], ticks[inside & is_heavy]


def _columns_at(rows: NDArray[np.int64], path_rows: FloatArray, path_columns: FloatArray) -> FloatArray:
    """Column of a path in each scan row, NaN beyond its ends and where a skewed path passes a row twice."""
    furthest = np.maximum.accumulate(path_rows)
    nearest = np.minimum.accumulate(path_rows[::-1])[::-1]
    columns = np.interp(rows, furthest, path_columns, np.nan, np.nan)
    for start, stop in zip(nearest[furthest > nearest], furthest[furthest > nearest], strict=True):
        columns[(rows >= start) & (rows <= stop)] = np.nan
    return columns


# --- paper and scanner ----------------------------------------------------------------------------


def _grain(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> FloatArray:
    """Random field of unit spread with grains about `scale` pixels wide."""
    # Coarse fields are made small and enlarged, which is many times faster than a wide filter.
    step = max(1, int(scale / 3))
    small = [-(-size // step) + 1 for size in shape]
    field = gaussian_filter(rng.standard_normal(small, np.float32), scale / step)
    field /= field.std()
    if step > 1:
        enlarged = Image.fromarray(field).resize(
            (small[1] * step, small[0] * step), Image.Resampling.BILINEAR
        )
        field = np.asarray(enlarged)
    return np.asarray(field[: shape[0], : shape[1]], float)


def _grey_levels(light: FloatArray) -> NDArray[np.uint8]:
    """Grey levels of light from 0 to 1."""
    return np.rint(255 * np.clip(light, 0, 1)).astype(np.uint8)


def _as_jpeg(scan: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The scan after it was kept as a JPEG."""
    file = io.BytesIO()
    Image.fromarray(scan).save(file, "jpeg", quality=quality)
    return np.asarray(Image.open(file))


def _clean_bilevel(light: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A digital print: black where at least half a pixel is ink."""
    del rng
    return np.where(light < 0.5, 0, 255).astype(np.uint8)


def _grey(light: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A good grey scan: a little blur and noise, ink not quite black, sometimes kept as a JPEG."""
    ink, paper = rng.uniform(0.03, 0.22), rng.uniform(0.9, 1.0)
    seen = ink + (paper - ink) * gaussian_filter(light, rng.uniform(0.4, 0.8))
    scan = _grey_levels(seen + rng.uniform(0.004, 0.015) * rng.standard_normal(light.shape, np.float32))
    return _as_jpeg(scan, int(rng.integers(70, 92))) if rng.random() < 0.5 else scan


def _worn_bilevel(light: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A copied and thresholded print: ragged strokes, broken grid lines, speckle, bare spots, white gaps."""
    seen = gaussian_filter(light, rng.uniform(0.5, 0.8))
    seen += rng.uniform(0.04, 0.1) * _grain(rng, light.shape, 60)
    seen += rng.uniform(0.05, 0.11) * _grain(rng, light.shape, 0.7)
    bare = _grain(rng, light.shape, 1.5) > rng.uniform(3.0, 3.5)
    speckle = rng.random(light.shape) < rng.uniform(1e-4, 6e-4)
    speckle |= _grain(rng, light.shape, 0.8) > 4.0
    scan = np.where(((seen < rng.uniform(0.42, 0.62)) & ~bare) | speckle, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(0, 4)):
        row = int(rng.integers(scan.shape[0]))
        scan[row : row + int(rng.integers(1, 4))] = 255
    return scan


def _faint_grey(light: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A faded print: little contrast, uneven light, blur and noise."""
    rows, columns = light.shape
    paper, contrast = rng.uniform(0.68, 0.86), rng.uniform(0.2, 0.34)
    fading = 1 + 0.12 * _grain(rng, light.shape, 120)
    seen = paper - contrast * fading * (1 - gaussian_filter(light, rng.uniform(0.5, 1.0)))
    slope = rng.uniform(-0.06, 0.06, 2)
    seen += slope[0] * np.linspace(-1, 1, columns) + slope[1] * np.linspace(-1, 1, rows)[:, None]
    seen += 0.02 * _grain(rng, light.shape, 200)
    seen += rng.uniform(0.015, 0.035) * rng.standard_normal(light.shape, np.float32)
    scan = _grey_levels(seen)
    return _as_jpeg(scan, int(rng.integers(60, 85))) if rng.random() < 0.5 else scan


_SCANNERS = dict(zip(CONDITIONS, (_clean_bilevel, _grey, _worn_bilevel, _faint_grey), strict=True))
