"""Whole documents: a log under a header that prints its scales and pens, with its depths beside it.

Apart from the press on purpose: what training sees must not change when documents learn something new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from napari_welllog.synthetic import paper
from napari_welllog.synthetic.paper import Grid
from napari_welllog.synthetic.pens import Ink, Pen, stroke
from napari_welllog.synthetic.press import PrintedLog, PrintedTrace, _Page, lay_paper, print_curves
from napari_welllog.synthetic.scanner import scan_page
from napari_welllog.synthetic.settings import PressSettings
from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks

Turn = Literal["upright", "sideways", "sideways down"]

MARGIN = 0.25
"""Inches of paper around the tracks."""

_COLUMN = (0.55, 0.8)  # inches of a depth column
_SCALES: dict[str, tuple[tuple[int, float, int, int], ...]] = {
    # One to how many; depth between two lines; lines to a heavy one; depth between two numbers.
    "ft": ((240, 2, 5, 50), (600, 10, 5, 100), (1200, 10, 10, 100), (240, 2, 5, 20)),
    "m": ((200, 1, 5, 10), (500, 5, 5, 25), (1000, 5, 10, 50)),
}
_INCHES = {"ft": 12.0, "m": 39.3701}


class PrintedScale(NamedTuple):
    """A curve as headers print it."""

    mnemonic: str
    name: str
    unit: str
    printed_unit: str
    left: str
    right: str
    decades: int = 0


LINEAR = (
    PrintedScale("GR", "Gamma Ray", "GAPI", "GAPI", "0", "150"),
    PrintedScale("GR", "GAMMA RAY", "GAPI", "API UNITS", "0", "200"),
    PrintedScale("SP", "SP", "mV", "MV", "-160", "40"),
    PrintedScale("SP", "SPONTANEOUS POTENTIAL", "mV", "mV", "-100", "100"),
    PrintedScale("CALI", "CALIPER", "in", "IN", "6", "16"),
    PrintedScale("CALI", "Caliper", "in", "inches", "4", "14"),
    PrintedScale("DT", "DELTA T", "us/ft", "us/ft", "140", "40"),
    PrintedScale("DT", "Delta Time", "us/ft", "usec/ft", "150", "50"),
    PrintedScale("SPHI", "SONIC POROSITY", "pu", "PU", "30", "-10"),
    PrintedScale("NPHI", "NEUTRON POROSITY", "pu", "PU", "45", "-15"),
    PrintedScale("NPHI", "NPHI", "v/v", "V/V", "0.45", "-0.15"),
    PrintedScale("DPHI", "Density Porosity", "pu", "%", "30", "-10"),
    PrintedScale("RHOB", "BULK DENSITY", "g/cm3", "G/CC", "1.95", "2.95"),
    PrintedScale("RHOB", "Bulk Density", "g/cm3", "g/cm3", "2", "3"),
    PrintedScale("DRHO", "DENSITY CORRECTION", "g/cm3", "G/CC", "-0.25", "0.25"),
    PrintedScale("PEF", "PE", "b/e", "B/E", "0", "10"),
    PrintedScale("ROP", "RATE OF PENETRATION", "ft/h", "FT/HR", "200", "0"),
)
LOGARITHMIC = (
    PrintedScale("ILD", "DEEP INDUCTION", "ohm.m", "OHM-M", "0.2", "2000", 4),
    PrintedScale("ILM", "MEDIUM INDUCTION", "ohm.m", "OHM-M", "0.2", "2000", 4),
    PrintedScale("LLD", "Deep Laterolog", "ohm.m", "ohm.m", "0.2", "2000", 4),
    PrintedScale("LLS", "LLS", "ohm.m", "ohm.m", "0.2", "2000", 4),
    PrintedScale("SFL", "SFL", "ohm.m", "OHMM", "1", "1000", 3),
    PrintedScale("MSFL", "MSFL", "ohm.m", "OHMM", "1", "1000", 3),
    PrintedScale("ILD", "ILD", "ohm.m", "OHM-M", "0.2", "20", 2),
    PrintedScale("SN", "SHORT NORMAL", "ohm.m", "OHM-M", "0.2", "20", 2),
)
TENSION = PrintedScale("TENS", "TENSION", "lbf", "LBS", "10000", "0")


@dataclass(frozen=True)
class DocumentSettings:
    """What kind of document is printed.

    Parameters
    ----------
    unit : "ft" or "m"
        Unit of depth.
    turn : str
        How the depth numbers stand.
    suffix : str
        What follows each number, such as TVD.
    header : "whole", "cut off" or "none"
        What the page shows of the header.
    numbers_cut : bool
        Whether the page ends inside the depth column.
    repeat : bool
        Whether a repeat section follows.
    straight : bool
        Whether the page lies straight.
    tracks : int
        Tracks side by side.
    length : float
        Inches of the log.
    font : path, optional
        A TrueType font; Pillow's own by default.
    """

    unit: Literal["ft", "m"] = "ft"
    turn: Turn = "upright"
    suffix: str = ""
    header: Literal["whole", "cut off", "none"] = "whole"
    numbers_cut: bool = False
    repeat: bool = False
    straight: bool = True
    tracks: int = 2
    length: float = 14.0
    font: str | None = None


@dataclass(frozen=True)
class PrintedDocument:
    """A document with everything that is true of it.

    Parameters
    ----------
    log : PrintedLog
        The scan, with its calibration.
    third : tuple of tuple of str
        For each track the mnemonics of third curves that its header names too.
    """

    log: PrintedLog
    third: tuple[tuple[str, ...], ...]


@dataclass
class _Plan:
    """Where everything goes on the page, in rows and columns of the paper."""

    edges: list[tuple[float, float]]
    column: tuple[float, float]
    top: int
    bottom: int
    rows_per_unit: float
    line: float
    heavy_every: int
    step: int
    top_depth: float


def print_document(
    seed: int, document: DocumentSettings = DocumentSettings(), settings: PressSettings = PressSettings()
) -> PrintedDocument:
    """Print a document.

    Parameters
    ----------
    seed : int
        The same seed and settings give the same document.
    document : DocumentSettings
        What kind of document.
    settings : PressSettings
        The press.

    Examples
    --------
    >>> printed = print_document(3, DocumentSettings(length=3.0))
    >>> printed.log.tracks.depth.unit, len(printed.log.tracks.tracks)
    ('ft', 2)
    """
    # Shades cannot be told from a rule in the header, and a page too coarse to read is no test of reading.
    settings = replace(settings, shade_pair=0.0, dpi=(150.0, 260.0), coarse_share=0.4, no_grid_share=0.0)
    if document.straight:
        settings = replace(settings, skew=0.0, wander=0.0)
    rng = np.random.default_rng([seed, 7])
    dpi = lay_paper(seed, settings, 2, 2).dpi
    head, repeat_head = _header_rows(dpi, document), int(1.9 * dpi)
    log_rows = int(document.length * dpi)
    repeat_rows = int(0.4 * log_rows) if document.repeat else 0
    rows = head + log_rows + int(0.4 * dpi) + (repeat_head + repeat_rows if document.repeat else 0)
    page = lay_paper(seed, settings, rows, int(8.25 * dpi))
    plan = _plan(rng, page, document, (head, head + log_rows))
    scales = _choose_scales(rng, document.tracks)
    curves, third = [], []
    for index, (edges, chosen) in enumerate(zip(plan.edges, scales, strict=True)):
        curves.append(_print_track(page, rng, plan, index, edges, chosen))
        third.append((TENSION.mnemonic,) if len(curves[-1]) == 2 and rng.random() < 0.25 else ())
    _print_numbers(page, rng, plan, document, (plan.top, plan.bottom), plan.top_depth)
    layout = int(rng.integers(2))
    if document.header != "none":
        _print_header(page, rng, plan, document, head, [*zip(curves, third, strict=True)], layout)
    if document.repeat:
        _print_repeat(page, rng, plan, document, scales, plan.bottom + repeat_head, repeat_rows)
    scan, classes = scan_page(page.rng, (page.one, page.two, page.rest), dpi, page.bilevel, settings)
    log = PrintedLog(scan, classes, page.traces, _calibration(page, plan, document, curves), dpi)
    return PrintedDocument(_cut(log, plan, document, head), tuple(third))


def _header_rows(dpi: float, document: DocumentSettings) -> int:
    """Rows of paper above the log."""
    return int({"whole": 2.4, "cut off": 2.4, "none": 0.3}[document.header] * dpi)


def _plan(rng: np.random.Generator, page: _Page, document: DocumentSettings, rows: tuple[int, int]) -> _Plan:
    """Choose where everything goes."""
    dpi = page.dpi
    one_to, line, heavy_every, step = _SCALES[document.unit][int(rng.integers(len(_SCALES[document.unit])))]
    rows_per_unit = _INCHES[document.unit] * dpi / one_to
    left, right = MARGIN * dpi, page.shape[1] - MARGIN * dpi
    column = dpi * rng.uniform(*_COLUMN)
    widths = (right - left - column) * _shares(rng, document.tracks)
    # The depth column stands after the first track; where the page cuts its numbers, before it.
    after = 0 if document.numbers_cut else 1
    edges, at, place = [], left, (left, left + column)
    for index, width in enumerate(widths):
        if index == after:
            place = (at, at + column)
            at += column
        edges.append((at, at + width))
        at += width
    if document.tracks == 1 and after:
        place = (at, at + column)
    depth_step = line * heavy_every
    top_depth = float(depth_step * rng.integers(10, int(9000 // depth_step)))
    return _Plan(edges, place, *rows, rows_per_unit, line, heavy_every, step, top_depth)


def _shares(rng: np.random.Generator, tracks: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How the width is shared out between the tracks."""
    shares = rng.uniform(1.0, 1.7, tracks)
    return np.asarray(shares / shares.sum(), np.float64)


def _choose_scales(rng: np.random.Generator, tracks: int) -> list[tuple[PrintedScale, PrintedScale]]:
    """Two scales for each track, none twice on a page; of a logarithmic track both are logarithmic."""
    chosen: list[tuple[PrintedScale, PrintedScale]] = []
    taken: set[str] = set()
    for index in range(tracks):
        logarithmic = index > 0 and rng.random() < 0.4
        pair: list[PrintedScale] = []
        decades = int(rng.choice([2, 3, 4]))
        pool = [scale for scale in LOGARITHMIC if scale.decades == decades] if logarithmic else list(LINEAR)
        for k in rng.permutation(len(pool)):
            if pool[k].mnemonic not in taken and len(pair) < 2:
                pair.append(pool[k])
                taken.add(pool[k].mnemonic)
        if len(pair) < 2:
            pair = _two_of_other_curves([scale for scale in LINEAR if scale.mnemonic not in taken])
            taken |= {scale.mnemonic for scale in pair}
        chosen.append((pair[0], pair[1]))
    return chosen


def _two_of_other_curves(pool: list[PrintedScale]) -> list[PrintedScale]:
    """The first two scales of different curves."""
    first = pool[0]
    return [first, next(scale for scale in pool if scale.mnemonic != first.mnemonic)]


def _print_track(
    page: _Page,
    rng: np.random.Generator,
    plan: _Plan,
    index: int,
    edges: tuple[float, float],
    scales: Sequence[PrintedScale],
    rows: tuple[int, int] | None = None,
) -> list[tuple[PrintedTrace, PrintedScale]]:
    """Print the grid and the curves of a track."""
    span = rows or (plan.top, plan.bottom)
    spacing = plan.line * plan.rows_per_unit
    grid = replace(Grid.choose(page.rng, page.dpi, spacing, page.settings), from_top=True)
    grid = replace(grid, verticals=_verticals(rng, scales[0]), heavy_every=plan.heavy_every)
    paper.draw_grid(page.rest, page.rng, grid, edges, span, page.warp, page.wear)
    traces = print_curves(page, index, *edges, (float(span[0]), float(span[1])))
    return list(zip(traces, scales, strict=False))


def _verticals(rng: np.random.Generator, scale: PrintedScale) -> tuple[tuple[float, float], ...]:
    """The vertical lines of a grid that fits a scale."""
    heavy = float(rng.uniform(1.2, 2.5))
    lines = [(0.0, heavy), (1.0, heavy)]
    if not scale.decades:
        count = int(rng.choice([4, 5, 10, 10, 20]))
        return (*lines, *((k / count, heavy if 2 * k == count else 1.0) for k in range(1, count)))
    start = np.log10(float(scale.left) * 10) if float(scale.left) < 1 else np.log10(float(scale.left))
    places = [
        ((decade + np.log10(k) - start) / scale.decades, heavy if k == 1 else 1.0)
        for decade in range(scale.decades + 1)
        for k in range(1, 10)
    ]
    return (*lines, *((float(p), w) for p, w in places if 1e-6 < p < 1 - 1e-6))


# --- Text ---


def _text(text: str, size: int, turn: Turn, font: str | None) -> Ink:
    """The ink of a text."""
    quarter = {"upright": 0, "sideways": 3, "sideways down": 1}[turn]
    if font is None:
        return paper.text_ink(text, size, quarter)
    face = ImageFont.truetype(font, size)
    left, top, right, bottom = (int(v) for v in face.getbbox(text))
    picture = Image.new("L", (max(right - left, 1) + 2, max(bottom - top, 1) + 2))
    ImageDraw.Draw(picture).text((1 - left, 1 - top), text, 255, face)
    return np.rot90(np.asarray(picture, np.float32) / 255, quarter)


def _put(page: _Page, patch: Ink, row: float, column: float) -> None:
    """Print a patch with its middle at a place of the paper."""
    rows, columns = page.warp.apply(np.array([row]), np.array([column]))
    paper.paste(
        page.rest,
        patch,
        round(float(rows[0]) - (patch.shape[0] - 1) / 2),
        round(float(columns[0]) - (patch.shape[1] - 1) / 2),
    )


def _line(page: _Page, rows: tuple[float, float], columns: tuple[float, float], pen: Pen) -> None:
    """Draw a straight line on the paper."""
    count = max(int(np.hypot(rows[1] - rows[0], columns[1] - columns[0]) / 20), 2)
    stroke(page.rest, *page.warp.apply(np.linspace(*rows, count), np.linspace(*columns, count)), pen)


def _print_numbers(
    page: _Page,
    rng: np.random.Generator,
    plan: _Plan,
    document: DocumentSettings,
    rows: tuple[int, int],
    top_depth: float,
) -> None:
    """Print the depths in their column, each in the middle of its line."""
    size = int(page.dpi * rng.uniform(0.1, 0.14))
    bottom_depth = top_depth + (rows[1] - rows[0]) / plan.rows_per_unit
    first = np.ceil(top_depth / plan.step) * plan.step
    for depth in np.arange(first, bottom_depth, plan.step):
        row = rows[0] + (depth - top_depth) * plan.rows_per_unit
        if rows[0] + size < row < rows[1] - size:
            patch = _text(f"{depth:.0f}{document.suffix}", size, document.turn, document.font)
            _put(page, patch, row, sum(plan.column) / 2)


# --- The header ---


def _print_header(
    page: _Page,
    rng: np.random.Generator,
    plan: _Plan,
    document: DocumentSettings,
    bottom: int,
    tracks: Sequence[tuple[list[tuple[PrintedTrace, PrintedScale]], tuple[str, ...]]],
    layout: int,
) -> None:
    """Print the scales above the log: for each curve its name, unit and values, over a rule of its pen."""
    dpi = page.dpi
    size = int(dpi * rng.uniform(0.085, 0.115))
    frame = Pen("frame", max(1.0, 0.006 * dpi))
    entry = size * (1.9 if layout == 0 else 3.1)
    for (left, right), (curves, third) in zip(plan.edges, tracks, strict=True):
        entries = [(scale, trace.pen) for trace, scale in _in_some_order(rng, curves)]
        entries = [
            e for pair in zip(entries, _backups(curves, entries), strict=True) for e in pair if e is not None
        ]
        entries += [(TENSION, Pen("solid", max(1.5, 0.006 * dpi)))] * len(third)
        row = bottom - 0.12 * dpi - entry * len(entries)
        for edge in (left, right):
            _line(page, (row - 0.5 * size, bottom), (edge, edge), frame)
        for scale, pen in entries:
            _print_scale(page, document, scale, pen, (left, right), row, size, layout)
            row += entry
    column = sum(plan.column) / 2
    if rng.random() < 0.7:
        words = {"ft": ("DEPTH", "FEET"), "m": ("DEPTH", "METERS")}[document.unit]
        for k, word in enumerate(words):
            _put(
                page,
                _text(word, int(0.8 * size), "upright", document.font),
                bottom - (5 - 1.6 * k) * size,
                column,
            )


def _in_some_order(
    rng: np.random.Generator, curves: list[tuple[PrintedTrace, PrintedScale]]
) -> list[tuple[PrintedTrace, PrintedScale]]:
    """The curves of a track in the order in which its header names them."""
    return [curves[k] for k in rng.permutation(len(curves))]


def _backups(
    curves: list[tuple[PrintedTrace, PrintedScale]], entries: list[tuple[PrintedScale, Pen]]
) -> list[tuple[PrintedScale, Pen] | None]:
    """The backup scale of each entry whose curve comes back at the other edge."""
    wrapping = {scale for trace, scale in curves if trace.wraps and not scale.decades}
    backups: list[tuple[PrintedScale, Pen] | None] = []
    for scale, pen in entries:
        span = float(scale.right) - float(scale.left)
        left, right = float(scale.right), float(scale.right) + span
        again = scale._replace(left=f"{left:.4g}", right=f"{right:.4g}")
        backups.append((again, pen) if scale in wrapping else None)
    return backups


def _print_scale(
    page: _Page,
    document: DocumentSettings,
    scale: PrintedScale,
    pen: Pen,
    edges: tuple[float, float],
    row: float,
    size: int,
    layout: int,
) -> None:
    """Print one scale: on one line, or its name above its values."""
    name = f"{scale.name} ({scale.printed_unit})"
    middle, line = sum(edges) / 2, row + 0.6 * size
    if layout == 1:
        _put(page, _text(scale.name, size, "upright", document.font), line, middle)
        line += 1.25 * size
        name = f"({scale.printed_unit})"
    _put(page, _text(name, size, "upright", document.font), line, middle)
    for value, edge, inward in ((scale.left, edges[0], 1), (scale.right, edges[1], -1)):
        patch = _text(value, size, "upright", document.font)
        _put(page, patch, line, edge + inward * (patch.shape[1] / 2 + 0.04 * page.dpi))
    rule = line + 0.95 * size
    _line(page, (rule, rule), (edges[0] + 2, edges[1] - 2), pen)


def _print_repeat(
    page: _Page,
    rng: np.random.Generator,
    plan: _Plan,
    document: DocumentSettings,
    scales: Sequence[Sequence[PrintedScale]],
    top: int,
    rows: int,
) -> None:
    """Print a repeat section under a header of its own: the same tracks at depths that were logged before."""
    traces = list(page.traces)
    curves = [
        _print_track(page, rng, plan, index, edges, chosen, (top, top + rows))
        for index, (edges, chosen) in enumerate(zip(plan.edges, scales, strict=True))
    ]
    page.traces[:] = traces  # the truth is that of the main section
    depth_step = plan.line * plan.heavy_every
    depth = plan.top_depth + depth_step * float(rng.integers(1, 8))
    _print_numbers(page, rng, plan, document, (top, top + rows), depth)
    _print_header(page, rng, plan, document, top, [(track, ()) for track in curves], 0)


# --- The truth ---


def _calibration(
    page: _Page,
    plan: _Plan,
    document: DocumentSettings,
    curves: Sequence[list[tuple[PrintedTrace, PrintedScale]]],
) -> Tracks:
    """The calibration of a document."""
    rows, columns = page.shape
    knots = np.unique(np.linspace(plan.top, plan.bottom, 9).round().astype(int))
    tracks = []
    for index, (edges, of_track) in enumerate(zip(plan.edges, curves, strict=True)):
        left, right = (
            [(float(k), float(np.clip(page.warp.vertical(x, rows)[k], -0.5, columns - 0.5))) for k in knots]
            for x in edges
        )
        tracks.append(
            Track(
                name=f"track {index + 1}",
                left=left,
                right=right,
                top=plan.top,
                bottom=plan.bottom,
                curves=[_curve(trace, scale) for trace, scale in of_track],
            )
        )
    anchors = [
        (float(row), plan.top_depth + (row - plan.top) / plan.rows_per_unit)
        for row in (plan.top, plan.bottom)
    ]
    return Tracks(depth=DepthAxis(unit=document.unit, anchors=anchors), tracks=tracks)


def _curve(trace: PrintedTrace, scale: PrintedScale) -> Curve:
    """The calibration of a printed curve."""
    return Curve(
        curve_class=1 if trace.curve_class == 1 else 2,
        mnemonic=scale.mnemonic,
        unit=scale.unit,
        left=float(scale.left),
        right=float(scale.right),
        scale="log" if scale.decades else "linear",
        wraps=int(trace.wraps and not scale.decades),
    )


def _cut(log: PrintedLog, plan: _Plan, document: DocumentSettings, head: int) -> PrintedLog:
    """Cut off the header of a page, or the outer half of its depth numbers."""
    row, column = 0, 0
    if document.header == "cut off":
        row = head - int(0.25 * log.dpi)
    if document.numbers_cut:
        column = int(sum(plan.column) / 2 - 0.06 * log.dpi)
    if not row and not column:
        return log
    assert log.tracks is not None
    shape = log.scan.shape[0] - row, log.scan.shape[1] - column
    return replace(
        log,
        scan=np.ascontiguousarray(log.scan[row:, column:]),
        classes=np.ascontiguousarray(log.classes[row:, column:]),
        traces=[replace(t, column=t.column[row:] - column) for t in log.traces],
        tracks=_moved(log.tracks, row, column, shape),
    )


def _moved(tracks: Tracks, row: int, column: int, shape: tuple[int, int]) -> Tracks:
    """A calibration of a page that was cut off so many rows and columns further in."""

    def edge(points: object) -> list[tuple[float, float]]:
        """An edge on the page that is left."""
        assert isinstance(points, list)
        return [(r - row, float(np.clip(c - column, -0.5, shape[1] - 0.5))) for r, c in points]

    return Tracks(
        depth=DepthAxis(unit=tracks.depth.unit, anchors=[(r - row, d) for r, d in tracks.depth.anchors]),
        tracks=[
            Track(
                name=track.name,
                left=edge(track.left),
                right=edge(track.right),
                top=track.top - row,
                bottom=track.bottom - row,
                curves=track.curves,
            )
            for track in tracks.tracks
        ],
    )
