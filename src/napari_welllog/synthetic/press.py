"""The printing press: one seed in, a scan with its exact class map, traces and calibration out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_welllog.synthetic import paper
from napari_welllog.synthetic.paper import Grid, Warp, Wear
from napari_welllog.synthetic.pens import CurveInk, Ink, Pen, choose_pens, stroke
from napari_welllog.synthetic.scanner import scan_page
from napari_welllog.synthetic.settings import PressSettings
from napari_welllog.synthetic.shapes import Floats, Rock, draw_shape, log_uniform
from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks

MARGIN = 40
TOP_DEPTH = 1000
SCALES = {1: (("GR", "GAPI", 0.0, 150.0), ("SP", "mV", -160.0, 40.0), ("DT", "us/ft", 140.0, 40.0)),
          2: (("CALI", "in", 6.0, 16.0), ("NPHI", "pu", 45.0, -15.0), ("RHOB", "g/cc", 1.95, 2.95))}  # fmt: skip


@dataclass(frozen=True)
class PrintedTrace:
    """The truth of one printed curve.

    Parameters
    ----------
    track : index of its track, from the left.
    curve_class : 1 or 2.
    column : float64 (rows,), exact scan column at the centre of every scan row; NaN where nothing was drawn
        because the curve is off scale or the paper is missing. Where a curve wraps this is where its ink is.
    pen : the pen it was drawn with.
    wraps : whether it comes back at the other edge where it leaves the track.
    """

    track: int
    curve_class: int
    column: Floats
    pen: Pen
    wraps: bool = False


@dataclass(frozen=True)
class PrintedLog:
    """A synthetic log with everything that is true of it.

    Parameters
    ----------
    scan : uint8 (rows, columns), 0 ink to 255 paper.
    classes : uint8 (rows, columns), 0 background, 1 curve one, 2 curve two. A pixel that both curves claim is 1.
    traces : the exact traces, at most two for each track.
    tracks : the calibration; None for a window that shows no whole page.
    dpi : pixels per inch.
    """

    scan: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    traces: list[PrintedTrace]
    tracks: Tracks | None
    dpi: float


@dataclass
class _Page:
    """A page on the press: its ink so far."""

    rng: np.random.Generator
    settings: PressSettings
    dpi: float
    bilevel: bool
    warp: Warp
    wear: Wear
    one: CurveInk
    two: CurveInk
    rest: Ink
    traces: list[PrintedTrace] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rest.shape[0], self.rest.shape[1]


def print_window(
    seed: int, settings: PressSettings = PressSettings(), rows: int = 256, columns: int = 256
) -> PrintedLog:
    """Print a window somewhere inside a log, as training sees it.

    Parameters
    ----------
    seed : the same seed gives the same window.
    settings : the press.
    rows, columns : size of the window, pixels.

    Examples
    --------
    >>> window = print_window(7, rows=64, columns=96)
    >>> window.scan.shape, window.classes.max() <= 2
    ((64, 96), np.True_)
    """
    page = lay_paper(seed, settings, rows, columns)
    spacing = page.dpi * log_uniform(page.rng, settings.horizontal_spacing)
    left = page.rng.uniform(-0.8 * page.dpi * settings.track_width[0], 0.45 * columns)
    if page.rng.random() < 0.5:
        left -= page.dpi * log_uniform(page.rng, (0.3, 3.5))
    index = 0
    while left < columns - 8:
        right = left + page.dpi * log_uniform(page.rng, settings.track_width)
        if right > 4:
            _print_track(page, index, left, right, (-page.dpi, rows + page.dpi), spacing)
            index += 1
        left = right + (
            page.dpi * page.rng.uniform(*settings.gap_between_tracks) if page.rng.random() < 0.6 else 0.0
        )
    _litter(page)
    _hide_rows(page)
    scan, classes = scan_page(page.rng, (page.one, page.two, page.rest), page.dpi, page.bilevel, settings)
    return PrintedLog(scan, classes, page.traces, None, page.dpi)


def print_log(
    seed: int,
    settings: PressSettings = PressSettings(),
    rows: int = 3000,
    columns: int = 1200,
    tracks: int = 2,
) -> PrintedLog:
    """Print a whole log: header, tracks side by side with a depth column, margins.

    Parameters
    ----------
    seed : the same seed gives the same log.
    settings : the press.
    rows, columns : size of the page, pixels.
    tracks : number of tracks.

    Examples
    --------
    >>> log = print_log(7, rows=400, columns=600)
    >>> log.scan.shape, len(log.tracks.tracks)
    ((400, 600), 2)
    >>> log.traces[0].column.shape
    (400,)
    """
    page = lay_paper(seed, settings, rows, columns)
    top, bottom = int(min(0.12 * rows, 2.0 * page.dpi)), rows - MARGIN
    spacing = page.dpi * log_uniform(page.rng, settings.horizontal_spacing)
    gap = min(0.12 * columns, 0.7 * page.dpi)
    width = (columns - 2 * MARGIN - gap * (tracks - 1)) / tracks
    edges = [(MARGIN + i * (width + gap), MARGIN + i * (width + gap) + width) for i in range(tracks)]
    for index, (left, right) in enumerate(edges):
        _print_track(page, index, left, right, (float(top), float(bottom)), spacing, whole=True)
    feet_per_row = _feet_per_line(spacing / page.dpi) / spacing
    _print_depths(page, edges, (top, bottom), feet_per_row)
    _litter(page)
    paper.draw_header_piece(page.rest, page.rng, page.dpi, (0, top - 4))
    scan, classes = scan_page(page.rng, (page.one, page.two, page.rest), page.dpi, page.bilevel, settings)
    return PrintedLog(
        scan, classes, page.traces, _calibration(page, edges, (top, bottom), feet_per_row), page.dpi
    )


def lay_paper(seed: int, settings: PressSettings, rows: int, columns: int) -> _Page:
    """Put an empty page on the press and choose how it lies and wears."""
    rng = np.random.default_rng(seed)
    dpi = _choose_resolution(rng, settings)
    wander = dpi * settings.wander * rng.random() * (rng.random() < 0.4)
    warp = Warp(
        ((rows - 1) / 2, (columns - 1) / 2),
        settings.skew * rng.uniform(-1, 1) * (rng.random() < 0.6),
        wander,
        dpi * rng.uniform(3, 12),
        rng.uniform(0, 2 * np.pi),
    )
    one, two = CurveInk.none(rows, columns), CurveInk.none(rows, columns)
    rest = np.zeros((rows, columns), np.float32)
    bilevel = bool(rng.random() < settings.bilevel_share)
    return _Page(rng, settings, dpi, bilevel, warp, Wear.choose(rng, dpi, settings), one, two, rest)


def _choose_resolution(rng: np.random.Generator, settings: PressSettings) -> float:
    """Dots per inch of a scan: mostly from the upper half of the range, sometimes from the lower."""
    low, high = settings.dpi
    middle = float(np.sqrt(low * high))
    return log_uniform(rng, (low, middle) if rng.random() < settings.coarse_share else (middle, high))


def _feet_per_line(inches: float) -> float:
    """The feet between two depth lines so many inches apart, near the usual five inches to a hundred feet."""
    return min((1.0, 2.0, 5.0, 10.0), key=lambda feet: abs(np.log(20 * inches / feet)))


def _print_track(
    page: _Page,
    index: int,
    left: float,
    right: float,
    span: tuple[float, float],
    spacing: float,
    whole: bool = False,
) -> None:
    """Print one track: its grid, its curves and what else is in it; of a whole track the top line is a heavy one."""
    rng = page.rng
    grid = replace(Grid.choose(rng, page.dpi, spacing, page.settings), from_top=whole)
    paper.draw_grid(page.rest, rng, grid, (left, right), span, page.warp, page.wear)
    if right < 12 or left > page.shape[1] - 12:
        return
    curves = print_curves(page, index, left, right, span)
    edges = page.warp.vertical(left if rng.random() < 0.5 else right, page.shape[0])
    if rng.random() < page.settings.ticks_share:
        paper.draw_ticks(page.rest, rng, page.dpi, edges)
    if curves and rng.random() < page.settings.hatch_share:
        start = int(rng.integers(0, page.shape[0]))
        stop = start + int(page.dpi * rng.uniform(0.05, 1.0))
        paper.draw_hatching(page.rest, rng, page.dpi, curves[0].column, edges, (start, stop))
    if rng.random() < page.settings.third_curve_share:
        _print_third_curve(page, left, right, span)


def print_curves(
    page: _Page, index: int, left: float, right: float, span: tuple[float, float]
) -> list[PrintedTrace]:
    """Draw the one or two curves of a track and keep their truth."""
    rng, dpi, settings = page.rng, page.dpi, page.settings
    reach = 60.0
    first, last = max(span[0], -reach), min(span[1], page.shape[0] + reach)
    rows = np.arange(first, last + 0.5, 0.5)
    rock = Rock.drill(rng, rows, dpi * log_uniform(rng, settings.bed_thickness))
    tied = rng.random() < settings.tied_share
    centre = _somewhere_visible(page, left, right)
    scale, printed = 1.0, []
    pens = _thin_in_sweeps(page, choose_pens(rng, dpi, page.bilevel, settings))
    for curve_class, pen in enumerate(pens, start=1):
        if pen is None:
            continue
        own_rock = (
            rock
            if tied or curve_class == 1
            else Rock.drill(rng, rows, dpi * log_uniform(rng, settings.bed_thickness))
        )
        offset = draw_shape(rng, rows, own_rock, dpi, settings)
        if curve_class == 2:
            scale = float(rng.choice([-1.0, 1.0]))
            centre += rng.normal() * min(0.1 * (right - left), 40.0)
            if rng.random() < settings.own_place_share:
                centre = _somewhere_visible(page, left, right)
        columns, wraps = _keep_on_scale(page, centre + scale * offset, left, right)
        printed.append(draw_curve(page, PrintedTrace(index, curve_class, columns, pen, wraps), rows))
    return printed


def _thin_in_sweeps(page: _Page, pens: tuple[Pen | None, Pen | None]) -> tuple[Pen | None, ...]:
    """The pens of a track, or the same on a film recorder, whose lines are thin where they sweep fast.

    Grey logs have none: what a curve's ink is measured against there is one number for each pen.
    """
    # A source of its own, so that the same seed draws the same curves whatever the recorder.
    rng, settings = page.rng.spawn(1)[0], page.settings
    if not page.bilevel or rng.random() >= settings.thin_sweep_share:
        return pens
    speed, thinning = log_uniform(rng, settings.sweep_speed), rng.uniform(*settings.sweep_thinning)
    return tuple(pen and replace(pen, usual_speed=speed, thinning=thinning) for pen in pens)


def _somewhere_visible(page: _Page, left: float, right: float) -> float:
    """A column of the track that the page shows, away from its edges."""
    low, high = max(left, 0.0), min(right, float(page.shape[1]))
    return float(page.rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low)))


def _keep_on_scale(page: _Page, columns: Floats, left: float, right: float) -> tuple[Floats, bool]:
    """Lift the pen where the curve leaves its track, or bring it back at the other edge; and whether it wraps."""
    rng, width = page.rng, right - left
    if rng.random() >= page.settings.off_scale_share:
        middle = np.clip(np.median(columns), left + 0.2 * width, right - 0.2 * width)
        offset = columns - np.median(columns)
        room = np.where(offset > 0, right - middle, middle - left) * 0.97
        bounded = room * np.tanh(offset / room) if rng.random() < 0.5 else np.clip(offset, -room, room)
        return middle + bounded, False
    if rng.random() < 0.6:
        columns = columns + rng.choice((-1, 1)) * rng.uniform(0.0, 0.5) * width
    turns = np.floor((columns - left) / width)
    if rng.random() < page.settings.wrap_share:
        wrapped = np.where(np.abs(turns) <= 1, columns - turns * width, np.nan)
        wrapped[1:][np.diff(turns) != 0] = np.nan
        return wrapped, True
    return np.where(turns == 0, columns, np.nan), False


def draw_curve(page: _Page, drawn: PrintedTrace, rows: Floats) -> PrintedTrace:
    """Ink one curve, given by its paper columns at paper rows, and work out its exact scan columns."""
    scan_rows, scan_columns = page.warp.apply(rows, drawn.column)
    layer = page.one if drawn.curve_class == 1 else page.two
    layer.draw(scan_rows, scan_columns, drawn.pen, phase=page.rng.uniform(0, 1000))
    trace = replace(drawn, column=_column_at_each_row(scan_rows, scan_columns, page.shape[0]))
    page.traces.append(trace)
    return trace


def _column_at_each_row(rows: Floats, columns: Floats, count: int) -> Floats:
    """Interpolate a line at every scan row; a row beside a lifted pen has no column.

    A tilted page can make a kick double back on itself by a few rows; its first passage counts.
    """
    known = np.isfinite(rows) & np.isfinite(columns)
    if not known.any():
        return np.full(count, np.nan)
    onward = np.maximum.accumulate(np.where(known, rows, -np.inf))
    ahead = known & (rows >= onward)
    kept_rows, kept_columns, lifts = rows[ahead], columns[ahead], np.cumsum(~known)[ahead]
    targets = np.arange(count, dtype=float)
    after = np.minimum(np.maximum(np.searchsorted(kept_rows, targets), 1), len(kept_rows) - 1)
    lifted = lifts[after] != lifts[after - 1]
    return np.where(lifted, np.nan, np.interp(targets, kept_rows, kept_columns, np.nan, np.nan))


def _print_third_curve(page: _Page, left: float, right: float, span: tuple[float, float]) -> None:
    """Draw a curve that is neither curve one nor two: nearly straight, such as cable tension."""
    rng, dpi = page.rng, page.dpi
    rows = np.arange(max(span[0], -20.0), min(span[1], page.shape[0] + 20.0), 2.0)
    wander = gaussian_filter1d(
        rng.standard_normal(len(rows)), dpi * rng.uniform(0.02, 0.3) / 2, mode="nearest"
    )
    wander *= dpi * rng.uniform(0.0, 0.012) / (wander.std() + 1e-6)
    base = left + (right - left) * float(rng.choice([rng.uniform(0.02, 0.12), rng.uniform(0.88, 0.98)]))
    pen = Pen(
        "third",
        max(1.0, dpi * log_uniform(rng, (0.004, 0.012))),
        pattern=() if rng.random() < 0.7 else (dpi * 0.04, dpi * 0.04),
    )
    stroke(page.rest, *page.warp.apply(rows, base + wander), pen)


def _print_depths(
    page: _Page, edges: list[tuple[float, float]], span: tuple[int, int], feet_per_row: float
) -> None:
    """Print the depth numbers between the first two tracks, or in the margin."""
    column = (edges[0][1] + edges[1][0]) / 2 if len(edges) > 1 else edges[0][1] + MARGIN / 2
    step = 50 if (span[1] - span[0]) * feet_per_row > 150 else 10
    depths = np.arange(0, (span[1] - span[0]) * feet_per_row, step)
    numbers = [f"{TOP_DEPTH + depth:.0f}" for depth in depths]
    size = int(np.clip(0.1 * page.dpi, 9, 40))
    paper.draw_depth_numbers(
        page.rest, span[0] + depths / feet_per_row, numbers, column, size, int(page.rng.choice([0, 0, 1]))
    )


def _litter(page: _Page) -> None:
    """Scatter what else is found on paper: words, stamps, black bars."""
    rng, dpi, settings = page.rng, page.dpi, page.settings
    if rng.random() < settings.note_share:
        paper.draw_words(page.rest, rng, dpi, int(rng.integers(1, 4)), (0, page.shape[0], 0, page.shape[1]))
    if rng.random() < settings.stamp_share:
        paper.draw_stamp(page.rest, rng, dpi)
    if rng.random() < settings.bar_share:
        _hide_under(page, paper.draw_bar(page.rest, rng, dpi))


def _hide_under(page: _Page, bar: tuple[slice, slice]) -> None:
    """Take away the curves beneath a solid black bar: what lies there nobody can read, a network can only guess."""
    page.one.ink[bar] = page.two.ink[bar] = 0
    rows, columns = bar
    for trace in page.traces:
        beneath = trace.column[rows]
        hidden = (beneath > columns.start - 0.5) & (beneath < columns.stop - 0.5)
        beneath[hidden] = np.nan


def _hide_rows(page: _Page) -> None:
    """Cover rows of a window by a piece of header or the white gap between two sheets."""
    rng, settings = page.rng, page.settings
    for share, tall in ((settings.header_share, 1.2), (settings.sheet_gap_share, 0.5)):
        if rng.random() >= share:
            continue
        start = int(rng.integers(-page.shape[0] // 2, page.shape[0]))
        stop = start + max(6, int(page.dpi * rng.uniform(0.05, tall)))
        top, bottom = max(start, 0), min(stop, page.shape[0])
        for layer in (page.one.ink, page.two.ink, page.rest):
            layer[top:bottom] = 0
        for trace in page.traces:
            trace.column[top:bottom] = np.nan
        if tall > 1:
            paper.draw_header_piece(page.rest, rng, page.dpi, (start, stop))


def _calibration(
    page: _Page, edges: list[tuple[float, float]], span: tuple[int, int], feet_per_row: float
) -> Tracks:
    """The tracks.json of a printed log."""
    rows, columns = page.shape
    knots = np.unique(np.linspace(span[0], span[1], 9).round().astype(int))
    tracks = []
    for index, (left, right) in enumerate(edges):
        sides = [
            [[int(k), float(np.clip(page.warp.vertical(x, rows)[k], -0.5, columns - 0.5))] for k in knots]
            for x in (left, right)
        ]
        curves = [_scale(index, trace) for trace in page.traces if trace.track == index]
        tracks.append(
            Track(
                name=f"track {index + 1}",
                left=sides[0],
                right=sides[1],
                top=span[0],
                bottom=span[1],
                curves=curves,
            )
        )
    anchors = [[float(row), TOP_DEPTH + (row - span[0]) * feet_per_row] for row in span]
    return Tracks(depth=DepthAxis(unit="ft", anchors=anchors), tracks=tracks)


def _scale(index: int, trace: PrintedTrace) -> Curve:
    """A usual curve with its scale for each place on the page."""
    choices = SCALES[trace.curve_class]
    mnemonic, unit, left, right = choices[index % len(choices)]
    suffix = "" if index < len(choices) else str(index)
    return Curve(
        curve_class=trace.curve_class,
        mnemonic=mnemonic + suffix,
        unit=unit,
        left=left,
        right=right,
        wraps=int(trace.wraps),
    )
