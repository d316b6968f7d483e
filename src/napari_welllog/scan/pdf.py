"""PDF: pdfium draws a page at the resolution of the scan in it."""

from __future__ import annotations

import math
import mmap
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray
from PIL import Image

from napari_welllog.scan.page import (
    BLOCK_PIXELS,
    PAPER,
    SCAN_AGAIN,
    Block,
    GreyPixels,
    Page,
    UnreadableError,
    chosen_pages,
    plausible_dpi,
    to_grey,
)

# For a page that is not one scanned image.
_DPI = 300.0

_POINTS_PER_INCH = 72.0
_INVISIBLE_TEXT = 3

# Kept inside the outermost pixels, so that rounding cannot make pdfium stretch an image over one pixel more.
_INSET = 0.2

# Words in the dictionary of an image, which is never compressed: it does not show the way it is stored.
_ALTERED = re.compile(rb"/(SMask|Mask|ImageMask|Decode[^A-Za-z])")

# pdfium may be called by one thread at a time only.
_PDFIUM_LOCK = threading.Lock()


@dataclass(frozen=True)
class _Frame:
    """The part of a page to draw, in points from its upper left corner, and the pixels to draw it with."""

    left: float
    top: float
    right: float
    bottom: float
    rows: int
    columns: int
    is_plain_scan: bool = False  # nothing but one image, stored just as it is shown

    @property
    def dpi(self) -> float:
        """The larger of the resolutions across and down the page."""
        width, height = self.right - self.left, self.bottom - self.top
        return _POINTS_PER_INCH * max(self.columns / width, self.rows / height)


@contextmanager
def pdf_pages(source: Path, pages: Sequence[int] | None) -> Iterator[list[Page]]:
    """Open the wanted pages of a PDF."""
    _refuse_without_end(source)
    with _PDFIUM_LOCK:
        try:
            document = pypdfium2.PdfDocument(source)
        except pypdfium2.PdfiumError as error:
            if "password" not in str(error).lower():
                raise
            raise UnreadableError("locked with a password; save a copy without one") from error
        try:
            is_plain = not _alters_images(source)
            yield [_page(document, index, is_plain) for index in chosen_pages(len(document), pages)]
        finally:
            document.close()


def _refuse_without_end(source: Path) -> None:
    """Refuse a PDF that was cut short: pdfium would mend it, and leave out what is missing."""
    with source.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
        if b"%%EOF" not in file.read():
            raise UnreadableError(f"cut short, the end of the PDF is missing; {SCAN_AGAIN}")


def _alters_images(source: Path) -> bool:
    """Tell whether images of a PDF may show otherwise than stored: masked, transparent or inverted."""
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return _ALTERED.search(content) is not None


def _page(document: Any, index: int, is_plain: bool) -> Page:
    """Describe one page."""
    page = document[index]
    frame = _frame(page)
    frame = replace(frame, is_plain_scan=frame.is_plain_scan and is_plain)
    is_colour = any(image.get_metadata().bits_per_pixel > 8 for image in _images(page))
    # What pdfium was seen to take: a scan is only decoded; any other image is decoded, converted and drawn.
    bytes_per_pixel = (3 if is_colour else 1) + (0 if frame.is_plain_scan else 3)
    page.close()
    return Page(
        frame.rows,
        frame.columns,
        dpi=plausible_dpi(frame.dpi),
        working_bytes=bytes_per_pixel * frame.rows * frame.columns + 4 * BLOCK_PIXELS,
        blocks=partial(_blocks, document, index, frame),
    )


def _frame(page: Any) -> _Frame:
    """Choose what to draw of a page and how finely: an image that fills most of it sets the resolution."""
    width, height = page.get_size()
    if min(width, height) <= 0:
        raise UnreadableError(f"has a page without size; {SCAN_AGAIN}")
    drawn = [thing for thing in page.get_objects() if _is_visible(thing)]
    frames = [_image_frame(page, thing) for thing in drawn if thing.type == pdfium.FPDF_PAGEOBJ_IMAGE]
    scans = [frame for frame in frames if frame is not None and plausible_dpi(frame.dpi) is not None]
    if len(scans) == len(drawn) == 1:
        a, b, c, d, _, _ = drawn[0].get_matrix().get()
        is_plain = page.get_rotation() == 0 and not drawn[0].level and min(a, d) > 0 and b == c == 0
        return replace(scans[0], is_plain_scan=is_plain)
    dpi = _DPI
    for scan in scans:
        if (scan.right - scan.left) * (scan.bottom - scan.top) >= width * height / 2:
            dpi = scan.dpi
    scale = dpi / _POINTS_PER_INCH
    return _Frame(0, 0, width, height, max(1, round(height * scale)), max(1, round(width * scale)))


def _is_visible(thing: Any) -> bool:
    """Tell what shows from what only holds other things, or is the text that was recognised in a scan."""
    if thing.type == pdfium.FPDF_PAGEOBJ_TEXT:
        return int(pdfium.FPDFTextObj_GetTextRenderMode(thing)) != _INVISIBLE_TEXT
    return bool(thing.type != pdfium.FPDF_PAGEOBJ_FORM)


def _image_frame(page: Any, image: Any) -> _Frame | None:
    """Give the place of an image on the upright page, and its own pixels; None when it stands askew."""
    columns, rows = image.get_px_size()
    if not rows or not columns:
        return None
    if image.level:  # inside a form its place is not told; a scan in a form fills the page
        width, height = page.get_size()
        fills = 0.98 < (columns * height) / (rows * width) < 1.02
        return _Frame(0, 0, width, height, rows, columns) if fills else None
    a, b, c, d, _, _ = image.get_matrix().get()
    upright, on_its_side = abs(b) + abs(c) < 1e-3 * abs(a), abs(a) + abs(d) < 1e-3 * abs(b)
    if not upright and not on_its_side:
        return None
    if on_its_side != (page.get_rotation() % 180 == 90):
        rows, columns = columns, rows
    left, top, right, bottom = _as_shown(page, *image.get_bounds())
    return _Frame(left, top, right, bottom, rows, columns) if right > left and bottom > top else None


def _as_shown(page: Any, left: float, bottom: float, right: float, top: float) -> tuple[float, ...]:
    """Turn a rectangle of a page's own coordinates, y upwards, into left, top, right, bottom as shown."""
    media, crop = page.get_mediabox(), page.get_cropbox()
    first_x, first_y = max(media[0], crop[0]), max(media[1], crop[1])
    last_x, last_y = min(media[2], crop[2]), min(media[3], crop[3])
    return {
        0: (left - first_x, last_y - top, right - first_x, last_y - bottom),
        90: (bottom - first_y, left - first_x, top - first_y, right - first_x),
        180: (last_x - right, bottom - first_y, last_x - left, top - first_y),
        270: (last_y - top, last_x - right, last_y - bottom, last_x - left),
    }[page.get_rotation()]


def _blocks(document: Any, index: int, frame: _Frame) -> Iterator[Block]:
    """Give a page from top to bottom: the pixels of its scan where they show as they are, else a drawing."""
    page = document[index]
    scan = _plain_scan(page, frame) if frame.is_plain_scan else None
    if scan is None:
        yield from _drawn_blocks(page, frame)
    else:
        for top, rows in _parts(frame, BLOCK_PIXELS // frame.columns):
            yield top, 0, _grey_rows(scan, top, rows)
    page.close()


def _parts(frame: _Frame, height: int) -> Iterator[tuple[int, int]]:
    """Split the rows to draw into parts: the first row of each, and how many."""
    for top in range(0, frame.rows, max(1, height)):
        yield top, min(max(1, height), frame.rows - top)


def _images(page: Any) -> list[Any]:
    """List the images of a page."""
    return [thing for thing in page.get_objects() if thing.type == pdfium.FPDF_PAGEOBJ_IMAGE]


def _plain_scan(page: Any, frame: _Frame) -> NDArray[np.uint8] | None:
    """Decode the only image of a page; a third of the time and half the memory that drawing it takes."""
    try:
        decoded: NDArray[np.uint8] = _images(page)[0].get_bitmap().to_numpy()
    except pypdfium2.PdfiumError:
        return None
    return decoded if decoded.shape[:2] == (frame.rows, frame.columns) else None


def _grey_rows(decoded: NDArray[np.uint8], top: int, rows: int) -> GreyPixels:
    """Make some rows of an image grey, whose colours pdfium gives as blue, green, red."""
    part = decoded[top : top + rows]
    if part.ndim == 2:
        return part
    return to_grey(Image.fromarray(np.ascontiguousarray(part[..., 2::-1])))


def _drawn_blocks(page: Any, frame: _Frame) -> Iterator[Block]:
    """Draw a page from top to bottom.

    In few parts, because pdfium decodes an image from its beginning for each of them.
    """
    is_blank = True
    for top, rows in _parts(frame, max(BLOCK_PIXELS // frame.columns, math.ceil(frame.rows / 4))):
        block = _drawing(page, frame, top, rows)
        is_blank = is_blank and block.min() == PAPER
        yield top, 0, block
    if is_blank:
        _refuse_undecodable(page)


def _refuse_undecodable(page: Any) -> None:
    """Refuse a page whose image pdfium leaves out without a word, such as a fax of over 65,535 rows."""
    for image in _images(page):
        try:
            image.get_bitmap()
        except pypdfium2.PdfiumError as error:
            columns, rows = image.get_px_size()
            raise UnreadableError(
                f"its image of {rows:,} rows x {columns:,} columns cannot be decoded; save the scan as TIFF"
            ) from error


def _drawing(page: Any, frame: _Frame, top: int, rows: int) -> GreyPixels:
    """Draw some rows of a page."""
    across = (frame.columns - 2 * _INSET) / (frame.right - frame.left)
    down = (frame.rows - 2 * _INSET) / (frame.bottom - frame.top)
    bitmap = pypdfium2.PdfBitmap.new_native(frame.columns, rows, pdfium.FPDFBitmap_Gray)
    bitmap.fill_rect((PAPER, PAPER, PAPER, PAPER), 0, 0, frame.columns, rows)
    move_x, move_y = _INSET - frame.left * across, _INSET - frame.top * down - top
    matrix = pdfium.FS_MATRIX(across, 0, 0, down, move_x, move_y)
    clip = pdfium.FS_RECTF(0, 0, frame.columns, rows)
    pdfium.FPDF_RenderPageBitmapWithMatrix(bitmap, page, matrix, clip, pdfium.FPDF_GRAYSCALE)
    drawn: GreyPixels = bitmap.to_numpy()
    return drawn
