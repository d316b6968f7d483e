"""The picture a person checks: the scan in pale grey, and thinly over it the curves read from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_welllog.crossings import Crossing
from napari_welllog.curves import Trace, TraceState
from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks

CURVE_COLOURS = {1: "#0072B2", 2: "#A31545"}
"""Blue and wine red: far apart for the colour-blind too, from each other, from grey ink and from orange."""

BRIDGED_COLOURS = {1: "#66AAD1", 2: "#CC7E99"}
"""The colours of the curves, lightened."""

EDITED_COLOURS = {1: "#00A0F0", 2: "#F0399B"}
"""The colours of the curves, brightened: what a person drew."""

AMBIGUOUS_COLOUR = "#E69F00"
"""Orange, for one thing alone: the verdict of a follower that has become ambiguous."""

FOLLOWER_COLOUR = "#555555"
"""Grey, of followers that know no classes."""

MOST_ROWS = 20_000
"""Rows of scan in a picture at most; a longer scan is drawn smaller."""

Picture = NDArray[np.uint8]
Columns = NDArray[np.float64]
Rows = NDArray[np.intp]

# The picture is made of palette indices: greys from ink to paper, text from paper to black, then colours.
_GREYS = 64
_TEXT = _GREYS
_TEXT_SHADES = 16
_FIRST_COLOUR = _TEXT + _TEXT_SHADES
_COLOURS = [
    *CURVE_COLOURS.values(),
    *BRIDGED_COLOURS.values(),
    "#23494C",
    "#8FAAAC",
    *EDITED_COLOURS.values(),
]
_PAPER = _GREYS - 1
_CURVE = {1: _FIRST_COLOUR, 2: _FIRST_COLOUR + 1}
_BRIDGED = {1: _FIRST_COLOUR + 2, 2: _FIRST_COLOUR + 3}
_FRAME = _FIRST_COLOUR + 4
_HATCH = _FIRST_COLOUR + 5
_EDITED = {1: _FIRST_COLOUR + 6, 2: _FIRST_COLOUR + 7}

# Black ink is drawn this grey, so that a dark line over it stands out.
_INK_GREY = 135

# Rows of the scan that are reduced together.
_BAND = 2048

_DASH, _DASH_GAP = 6.0, 4.0
_HATCH_STEP = 16
_TICK = 12


def overlay_picture(
    pixels: NDArray[np.uint8],
    tracks: Tracks,
    traces: Sequence[Sequence[Trace]],
    crossings: Sequence[Crossing] = (),
    most_rows: int = MOST_ROWS,
) -> Image.Image:
    """Draw traces over a scan, with the scales, depths and track edges that turn them into numbers.

    Where a curve was traced its line is solid, where a gap was bridged it is pale and dashed, and where it was
    edited by hand it is bold and bright. Where it is missing a bar in its colour stands beside the track's left
    edge.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan, 0 ink and 255 paper.
    tracks : Tracks
        Its calibration.
    traces : for each track, for each of its curves, a Trace
        What was read.
    crossings : sequence of Crossing
        Meetings to be marked by a ring.
    most_rows : int
        A longer scan is reduced by a whole number in both directions, its darkest pixels kept.

    Returns
    -------
    PIL image of mode "P"

    Examples
    --------
    >>> from napari_welllog.tracks import Curve, DepthAxis, Track
    >>> gamma = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
    >>> track = Track(name="gamma", left=0, right=299, top=0, bottom=399, curves=[gamma])
    >>> tracks = Tracks(depth=DepthAxis(unit="ft", anchors=[(0, 100), (399, 140)]), tracks=[track])
    >>> trace = Trace(1, 0, np.full(400, 150.0), np.ones(400, np.float32), np.ones(400, np.uint8))
    >>> overlay_picture(np.full((400, 300), 255, np.uint8), tracks, [[trace]]).mode
    'P'
    """
    factor = max(math.ceil(pixels.shape[0] / most_rows), 1)
    small = darkest_of_blocks(pixels, factor)
    sheet = _Sheet(small, factor, tracks)
    for track in tracks.tracks:
        _draw_ignored(sheet, track)
        _draw_frame(sheet, track, tracks.depth)
    for track, of_track in zip(tracks.tracks, traces, strict=True):
        for lane, trace in enumerate(of_track):
            _draw_missing(sheet, track, trace, lane)
            _draw_trace(sheet, trace)
    _draw_crossings(sheet, crossings)
    _draw_depths(sheet, tracks)
    _draw_scales(sheet, tracks)
    return sheet.image()


def write_overlay(
    path: str | Path,
    pixels: NDArray[np.uint8],
    tracks: Tracks,
    traces: Sequence[Sequence[Trace]],
    crossings: Sequence[Crossing] = (),
) -> None:
    """Write the picture of `overlay_picture` as PNG."""
    overlay_picture(pixels, tracks, traces, crossings).save(path, "PNG", compress_level=1)


def darkest_of_blocks(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Reduce a scan by a whole number both ways; each block gives its darkest pixel, so thin ink stays.

    Examples
    --------
    >>> darkest_of_blocks(np.array([[255, 9, 255], [255, 255, 255]], np.uint8), 2).tolist()
    [[9, 255]]
    """
    if factor == 1:
        return pixels
    rows, columns = (math.ceil(size / factor) for size in pixels.shape)
    reduced = np.empty((rows, columns), np.uint8)
    height = max(_BAND // factor, 1)
    for top in range(0, rows, height):
        # A whole number of blocks at a time, so that a long scan is never held whole.
        reduced[top : top + height] = _darkest(pixels[factor * top : factor * (top + height)], factor)
    return reduced


def _darkest(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """The darkest pixel of each block of some rows."""
    for _ in range(2):
        reduced = pixels[::factor].copy()
        for offset in range(1, factor):
            rows = pixels[offset::factor]
            np.minimum(reduced[: len(rows)], rows, out=reduced[: len(rows)])
        pixels = reduced.T
    return pixels


class _Sheet:
    """The picture being drawn: palette indices, margins round the scan, and where the scan lies in it."""

    def __init__(self, small: NDArray[np.uint8], factor: int, tracks: Tracks) -> None:
        rows, columns = small.shape
        self.factor = factor
        self.font_size = int(np.clip(columns // 75, 11, 22))
        self.line = round(1.5 * self.font_size)
        self.ring = max(self.font_size // 2, 7)
        self.left = 5 * self.font_size
        self.right = max(self.font_size, 16)
        width = self.left + columns + self.right
        self.key, key_lines = _place_key(_key_words(tracks), self.font_size, self.left, width)
        self.levels = _levels([track.bounding_columns() for track in tracks.tracks])
        self.block = self.line + 8
        tallest = max(len(track.curves) for track in tracks.tracks)
        self.level_height = tallest * self.block + self.line // 2
        self.top = (key_lines + 1) * self.line + (max(self.levels) + 1) * self.level_height
        self.picture: Picture = np.full((self.top + rows + self.font_size, width), _PAPER, np.uint8)
        inside = self.picture[self.top : self.top + rows, self.left : self.left + columns]
        # In bands, so that a long scan is never copied whole.
        for start in range(0, rows, 512):
            np.right_shift(small[start : start + 512], 2, out=inside[start : start + 512])

    def row(self, scan_rows: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Rows of the picture at rows of the scan."""
        return (np.asarray(scan_rows, np.float64) + 0.5) / self.factor - 0.5 + self.top

    def column(self, scan_columns: Columns | float) -> Columns:
        """Columns of the picture at columns of the scan."""
        return (np.asarray(scan_columns, np.float64) + 0.5) / self.factor - 0.5 + self.left

    def paint_runs(self, rows: Rows, first: Rows, last: Rows, index: int) -> None:
        """Paint the pixels from first to last, both included, of each row."""
        _, pixels = self.pixels_of_runs(rows, first, last)
        self.picture.reshape(-1)[pixels] = index

    def pixels_of_runs(self, rows: Rows, first: Rows, last: Rows) -> tuple[Rows, Rows]:
        """For every pixel from first to last of each row: its run, and its place in the flat picture.

        What lies outside the picture is left out.
        """
        height, width = self.picture.shape
        first, last = np.maximum(first, 0), np.minimum(last, width - 1)
        runs = np.flatnonzero((rows >= 0) & (rows < height) & (last >= first))
        lengths = last[runs] - first[runs] + 1
        ends = np.cumsum(lengths)
        offsets = rows[runs] * width + first[runs] - (ends - lengths)
        return np.repeat(runs, lengths), np.repeat(offsets, lengths) + np.arange(lengths.sum())

    def paint_box(self, top: int, bottom: int, left: int, right: int, index: int) -> None:
        """Paint a box of pixels, its edges included."""
        self.picture[max(top, 0) : bottom + 1, max(left, 0) : right + 1] = index

    def paint_hatch(self, top: int, bottom: int, left: int, right: int) -> None:
        """Paint slanted lines, and the sides of the box that they fill."""
        rows = np.arange(max(top, 0), bottom + 1)
        for offset in range(0, right - left + _HATCH_STEP, _HATCH_STEP):
            at = left + offset - rows % _HATCH_STEP
            self.paint_runs(rows, np.maximum(at, left), np.minimum(at, right), _HATCH)
        for edge in (left, right):
            self.paint_box(top, bottom, edge, edge, _HATCH)

    def paint_ring(self, row: int, column: int) -> None:
        """Paint a thin ring."""
        reach = np.arange(-self.ring, self.ring + 1)
        down, right = np.nonzero(np.abs(np.hypot(reach[:, None], reach) - self.ring + 0.5) < 0.6)
        rows, columns = row + reach[down], column + reach[right]
        height, width = self.picture.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        self.picture[rows[inside], columns[inside]] = _FRAME

    def write(
        self, text: str, row: float, column: float, anchor: str = "lm", size: int | None = None
    ) -> None:
        """Write text; the anchor is Pillow's: l, m or r, and m for the middle of the line."""
        font = _font(size or self.font_size)
        left, top, right, bottom = (int(edge) for edge in font.getbbox(text, anchor=anchor))
        mask = Image.new("L", (right - left + 2, bottom - top + 2))
        ImageDraw.Draw(mask).text((1 - left, 1 - top), text, fill=255, font=font, anchor=anchor)
        shades = np.asarray(mask) // (256 // _TEXT_SHADES)
        rows, columns = np.nonzero(shades)
        at_rows, at_columns = rows + round(row) + top - 1, columns + round(column) + left - 1
        inside = (at_rows >= 0) & (at_rows < self.picture.shape[0])
        inside &= (at_columns >= 0) & (at_columns < self.picture.shape[1])
        self.picture[at_rows[inside], at_columns[inside]] = _TEXT + shades[rows[inside], columns[inside]]

    def image(self) -> Image.Image:
        """The picture with its palette."""
        image = Image.fromarray(self.picture)
        image.putpalette(_palette())
        return image


def _palette() -> list[int]:
    """Red, green and blue of every palette index."""
    greys = np.linspace(_INK_GREY, 255, _GREYS).round().astype(int)
    text = np.linspace(255, 40, _TEXT_SHADES).round().astype(int)
    levels = [level for grey in (*greys, *text) for level in (int(grey),) * 3]
    return levels + [int(colour[i : i + 2], 16) for colour in _COLOURS for i in (1, 3, 5)]


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font."""
    return ImageFont.load_default(size)


def _levels(spans: Sequence[tuple[int, int]]) -> list[int]:
    """Level of each track's scale, so that scales of tracks that share columns stand above one another."""
    levels: list[int] = []
    for first, end in spans:
        taken = {
            level
            for level, (other_first, other_end) in zip(levels, spans, strict=False)
            if first < other_end and other_first < end
        }
        levels.append(next(level for level in range(len(spans)) if level not in taken))
    return levels


def _draw_frame(sheet: _Sheet, track: Track, depth_axis: DepthAxis) -> None:
    """Draw a track's edges, its top and bottom, and short depth ticks inside its edges."""
    rows = np.arange(round(float(sheet.row(track.top))), round(float(sheet.row(track.bottom))) + 1)
    scan_rows = (rows - sheet.top + 0.5) * sheet.factor - 0.5
    left, right = (np.rint(sheet.column(edge)).astype(np.intp) for edge in track.edges(scan_rows))
    for edge in (left, right):
        sheet.paint_runs(rows, edge, edge, _FRAME)
    sheet.paint_runs(rows[[0, -1]], left[[0, -1]], right[[0, -1]], _FRAME)
    for _, at in _depth_ticks(sheet, depth_axis, track.top, track.bottom):
        k = int(np.clip(round(at) - rows[0], 0, len(rows) - 1))
        sheet.paint_box(rows[k], rows[k] + 1, left[k], left[k] + _TICK, _FRAME)
        sheet.paint_box(rows[k], rows[k] + 1, right[k] - _TICK, right[k], _FRAME)


def _draw_ignored(sheet: _Sheet, track: Track) -> None:
    """Hatch the rectangles in which nothing is read."""
    for top, bottom, left, right in track.ignore:
        rows, columns = sheet.row(np.array([top, bottom])), sheet.column(np.array([left, right]))
        sheet.paint_hatch(*(round(edge) for edge in (*rows.tolist(), *columns.tolist())))


def _draw_missing(sheet: _Sheet, track: Track, trace: Trace, lane: int) -> None:
    """Draw a bar beside the track's left edge, in the curve's own lane, where it is missing."""
    missing = trace.rows[~np.isfinite(trace.column)]
    edge = np.rint(sheet.column(track.edges(missing)[0])).astype(np.intp)
    last = edge - 4 - 7 * lane
    sheet.paint_runs(np.rint(sheet.row(missing)).astype(np.intp), last - 4, last, _CURVE[trace.curve_class])


def _draw_trace(sheet: _Sheet, trace: Trace) -> None:
    """Draw a trace: solid where traced, pale and dashed where bridged, bold and bright where edited by hand."""
    row = np.rint(sheet.row(trace.rows)).astype(np.intp)
    column = sheet.column(trace.column)
    before, after = _halfway(column)
    found = np.isfinite(column)
    first = np.floor(np.where(found, np.minimum(before, after), 0)).astype(np.intp)
    last = np.floor(np.where(found, np.maximum(before, after), -1)).astype(np.intp) + 1
    along = np.cumsum(np.where(found, np.hypot(1 / sheet.factor, after - before), 0))
    bridged = found & (trace.state == TraceState.BRIDGED)
    edited = found & (trace.state == TraceState.EDITED)
    traced = found & ~bridged & ~edited
    for down in (0, 1):
        which, pixels = sheet.pixels_of_runs(row[bridged] + down, first[bridged], last[bridged])
        into_row = np.abs(pixels % sheet.picture.shape[1] - before[bridged][which])
        dash = (along[bridged][which] + into_row) % (_DASH + _DASH_GAP) < _DASH
        sheet.picture.reshape(-1)[pixels[dash]] = _BRIDGED[trace.curve_class]
    for down in (0, 1):
        # First, because it is wider: the rows beside it stay seen.
        across = (row[edited] + down, first[edited] - 1, last[edited] + 1)
        sheet.paint_runs(*across, _EDITED[trace.curve_class])
    for down in (0, 1):
        sheet.paint_runs(row[traced] + down, first[traced], last[traced], _CURVE[trace.curve_class])


def _halfway(column: Columns) -> tuple[Columns, Columns]:
    """Columns halfway to the row above and to the row below; the column itself where there is none."""
    middle = (column[1:] + column[:-1]) / 2
    before, after = column.copy(), column.copy()
    before[1:] = np.where(np.isfinite(middle), middle, column[1:])
    after[:-1] = np.where(np.isfinite(middle), middle, column[:-1])
    return before, after


def _draw_crossings(sheet: _Sheet, crossings: Sequence[Crossing]) -> None:
    """Draw a thin ring round every crossing."""
    for crossing in crossings:
        middle = (crossing.row_from + crossing.row_to) / 2
        sheet.paint_ring(round(float(sheet.row(middle))), round(float(sheet.column(crossing.column))))


def _depth_ticks(sheet: _Sheet, axis: DepthAxis, top: float, bottom: float) -> list[tuple[float, float]]:
    """Round depths between two scan rows, each with its row in the picture, far enough apart for labels."""
    depths = np.sort(axis.depths([top, bottom]))
    per_line = 5 * sheet.line * (depths[1] - depths[0]) / max(float(sheet.row(bottom) - sheet.row(top)), 1)
    step = _round_step(per_line)
    ticks = step * np.arange(math.ceil(depths[0] / step - 1e-9), math.floor(depths[1] / step + 1e-9) + 1)
    return list(zip(ticks.tolist(), sheet.row(axis.rows(ticks)).tolist(), strict=True))


def _round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not less than `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9)))


def _draw_depths(sheet: _Sheet, tracks: Tracks) -> None:
    """Write the depths along the picture's left side."""
    top, bottom = min(t.top for t in tracks.tracks), max(t.bottom for t in tracks.tracks)
    end = sheet.left - sheet.font_size // 2
    for depth, at in _depth_ticks(sheet, tracks.depth, top, bottom):
        sheet.write(f"{round(depth, 6):.10g}", at, end - sheet.font_size // 2, "rm")
        sheet.paint_box(round(at), round(at) + 1, end - 4, sheet.left - 1, _FRAME)
    sheet.write(tracks.depth.unit, sheet.top - sheet.line, end - sheet.font_size // 2, "rm")


def _draw_scales(sheet: _Sheet, tracks: Tracks) -> None:
    """Draw each curve's name, unit and scale above its track as a log's heading does; then the key."""
    for track, level in zip(tracks.tracks, sheet.levels, strict=True):
        left, right = (round(float(sheet.column(edge))) for edge in track.edges(track.top))
        bottom = sheet.top - level * sheet.level_height - sheet.line // 2
        for place, curve in enumerate(reversed(track.curves)):
            _draw_scale(sheet, curve, bottom - place * sheet.block, left, right)
    _draw_key(sheet, tracks)


def _draw_scale(sheet: _Sheet, curve: Curve, bottom: int, left: int, right: int) -> None:
    """Draw a rule in the curve's colour; above it the curve's name between the values at the edges."""
    notes = [curve.unit, "log" if curve.scale == "log" else "", f"wraps {curve.wraps}" if curve.wraps else ""]
    name = " ".join([curve.mnemonic, *(f"({note})" for note in notes if note)])
    texts = [f"{curve.left:.10g}", name, f"{curve.right:.10g}"]
    size = sheet.font_size
    while size > 9 and sum(_font(size).getlength(text) + size for text in texts) > right - left:
        size -= 1
    row = bottom - 6 - size // 2
    for text, column, anchor in zip(
        texts, (left, (left + right) / 2, right), ("lm", "mm", "rm"), strict=True
    ):
        sheet.write(text, row, column, anchor, size)
    sheet.paint_box(bottom - 3, bottom - 1, left, right, _CURVE[curve.curve_class])
    for edge in (left, right):
        sheet.paint_box(bottom - 7, bottom + 3, edge, edge, _FRAME)


def _key_words(tracks: Tracks) -> list[str]:
    """What the key explains."""
    words = ["traced", "bridged", "missing"]
    words += ["crossing"] if any(len(track.curves) > 1 for track in tracks.tracks) else []
    return words + (["ignored"] if any(track.ignore for track in tracks.tracks) else [])


def _place_key(
    words: Sequence[str], size: int, left: int, right: int
) -> tuple[list[tuple[str, int, int]], int]:
    """Line and column of each word of the key, and how many lines they fill."""
    places: list[tuple[str, int, int]] = []
    line, column = 0, left
    for word in words:
        width = round(4.5 * size + _font(size).getlength(word))
        if column + width > right and column > left:
            line, column = line + 1, left
        places.append((word, line, column))
        column += width
    return places, line + 1


def _draw_key(sheet: _Sheet, tracks: Tracks) -> None:
    """Say what lines, bars, rings and hatching mean."""
    shown = sorted({curve.curve_class for track in tracks.tracks for curve in track.curves})
    sample = 2 * sheet.font_size
    for word, line, column in sheet.key:
        row = (line + 1) * sheet.line
        _draw_sample(sheet, word, shown, row, column, sample)
        sheet.write(word, row, column + sample + sheet.font_size // 2)


def _draw_sample(sheet: _Sheet, word: str, shown: Sequence[int], row: int, column: int, width: int) -> None:
    """Draw what one word of the key means."""
    if word == "crossing":
        sheet.paint_ring(row, column + width - sheet.ring)
    elif word == "ignored":
        sheet.paint_hatch(row - 8, row + 8, column, column + width)
    for k, curve_class in enumerate(shown):
        at = row + round(6 * (k - (len(shown) - 1) / 2))
        if word == "traced":
            sheet.paint_box(at, at + 1, column, column + width, _CURVE[curve_class])
        elif word == "bridged":
            for start in range(column, column + width, int(_DASH + _DASH_GAP)):
                sheet.paint_box(at, at + 1, start, start + int(_DASH) - 1, _BRIDGED[curve_class])
        elif word == "missing":
            end = column + width - 7 * k
            sheet.paint_box(row - 8, row + 8, end - 4, end, _CURVE[curve_class])
