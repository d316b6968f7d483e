"""A small picture of an overlay: the whole log as a strip, and beside it the place most worth a look."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from napari_welllog.overlay import MOST_ROWS
from napari_welllog.report import Report
from napari_welllog.review import runs_of

HEIGHT = 280
STRIP_WIDTHS = (16, 90)
CUT_WIDTH = 420
_GAP = 8
_FRAME = (35, 73, 76)
_PAPER = (255, 255, 255)
_COLOURS = 64
_SHORTEST = 5
"""Samples of a gap that are worth a look."""


def write_thumbnail(place: str | Path, report: Report) -> None:
    """Write the thumbnail of the overlay that a report names, as PNG.

    Parameters
    ----------
    place : path
        Where to write it.
    report : Report
        Of a scan whose overlay and CSV are written.
    """
    # An overlay of ours is as large as the scan, which was opened; Pillow's own limit is for strangers' files.
    with Image.open(report.files["overlay"]) as overlay:
        overlay.load()
        row = place_to_look_at(report)
        factor = max(math.ceil(report.scan.rows / MOST_ROWS), 1)
        # The scan ends a line of text above the picture's end.
        middle = overlay.height - (report.scan.rows - row) / factor
        small = thumbnail_of(overlay, middle)
    small.quantize(_COLOURS, dither=Image.Dither.NONE).save(place, "PNG", optimize=True)


def thumbnail_of(overlay: Image.Image, middle: float) -> Image.Image:
    """Set the whole of a tall picture beside a cut of it round one of its rows.

    Parameters
    ----------
    overlay : PIL image
        The picture.
    middle : float
        Row in the middle of the cut.

    Returns
    -------
    PIL image of mode "RGB"

    Examples
    --------
    >>> thumbnail_of(Image.new("P", (600, 6000)), 3000).size
    (456, 280)
    """
    scale = HEIGHT / overlay.height
    strip_width = int(np.clip(round(overlay.width * scale), *STRIP_WIDTHS))
    rows = min(overlay.height, round(HEIGHT * overlay.width / CUT_WIDTH))
    top = int(np.clip(round(middle - rows / 2), 0, overlay.height - rows))
    sheet = Image.new("RGB", (strip_width + _GAP + CUT_WIDTH, HEIGHT), _PAPER)
    sheet.paste(_reduced(overlay, (strip_width, HEIGHT)), (0, 0))
    cut = overlay.crop((0, top, overlay.width, top + rows))
    sheet.paste(_reduced(cut, (CUT_WIDTH, round(rows * CUT_WIDTH / overlay.width))), (strip_width + _GAP, 0))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, top * scale, strip_width - 1, (top + rows) * scale - 1), outline=_FRAME)
    return sheet


def _reduced(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Reduce a picture, a band at a time, so that a long one is never copied whole in colour."""
    width, height = size
    small = Image.new("RGB", size, _PAPER)
    for first in range(0, height, 40):
        last = min(first + 40, height)
        top, bottom = (row * picture.height / height for row in (first, last))
        band = picture.crop((0, int(top), picture.width, math.ceil(bottom))).convert("RGB")
        box = (0.0, top - int(top), float(picture.width), bottom - int(top))
        small.paste(band.resize((width, last - first), Image.Resampling.BOX, box), (0, first))
    return small


def place_to_look_at(report: Report) -> float:
    """Find the scan row most worth a look: the end of the longest gap, else a crossing, else the middle.

    Parameters
    ----------
    report : Report
        Of a scan whose CSV is written.
    """
    tracks = report.calibration
    top, bottom = min(t.top for t in tracks.tracks), max(t.bottom for t in tracks.tracks)
    depths, missing = _missing_in(report.files["csv"])
    ends = [
        (end - first, depths[first] if first else depths[end - 1])
        for of_curve in missing
        for first, end in runs_of(of_curve)
        if _SHORTEST <= end - first < len(depths)
    ]
    if ends:
        return float(tracks.depth.rows([max(ends)[1]])[0])
    middle = (top + bottom) / 2
    crossings = [(c.row_from + c.row_to) / 2 for c in report.crossings]
    return min(crossings, key=lambda row: abs(row - middle), default=middle)


def _missing_in(table: Path) -> tuple[NDArray[np.float64], list[NDArray[np.bool_]]]:
    """The depths of a CSV that `digitize` wrote, and of each of its curves where it is missing."""
    with open(table, newline="", encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    columns = list(zip(*rows, strict=True))
    if not columns:
        return np.empty(0), []
    return np.array(columns[0], float), [np.array([not value for value in of]) for of in columns[1:]]
