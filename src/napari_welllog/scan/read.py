"""Read a scan: which file it is, whether it fits, and its pages joined into one picture."""

from __future__ import annotations

import logging
import math
import os
import stat
import struct
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import ScanError, WelllogError
from napari_welllog.limits import MEGAPIXELS, MEMORY_GB
from napari_welllog.scan.page import PAPER, SCAN_AGAIN, GreyPixels, Page, UnreadableError

# How files begin. A PDF may have other bytes before this, and pdfium skips them.
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"GIF8")
_PDF = b"%PDF-"

# These log what is odd in a file, and without a handler Python prints that on stderr beside our one line.
for _library in ("PIL", "pypdfium2", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())
# Pillow warns of some instead; what matters of a scan is said by the error that follows, or does not matter.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

# Errors of a decoder that met what it did not expect: their words are for its programmers.
_UNEXPECTED = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, struct.error)

# Of the memory that is free, what a scan may take: the rest of the program needs some too.
_MEMORY_SHARE = 0.9


@dataclass(frozen=True, eq=False)
class Scan:
    """The picture of the paper: rows run down the hole.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        0 black ink, 255 paper.
    dpi : float or None
        Resolution in pixels per inch; None when the file does not say, or says what no scanner does. The
        larger one where it differs across and down the page, as in a fax of 204 by 98.
    source : Path or None
        File that it was read from.

    Examples
    --------
    >>> import numpy as np
    >>> Scan(np.full((4, 3), 255, np.uint8), dpi=200.0).pixels.shape
    (4, 3)
    """

    pixels: GreyPixels
    dpi: float | None = None
    source: Path | None = None


def read_scan(
    path: str | os.PathLike[str],
    pages: Sequence[int] | None = None,
    max_megapixels: float | None = None,
) -> Scan:
    """Open a scan as grey pixels, ink dark.

    TIFF (bilevel, grey, palette or colour; CCITT group 3 or 4, LZW, JPEG, deflate or none), PNG, JPEG, BMP,
    GIF and PDF, told apart by what is in the file, not by its name. A page of a PDF that is one scanned image
    keeps that image's own pixels; any other is drawn at 300 dpi. A negative, light ink on dark paper, is
    turned.

    Parameters
    ----------
    path : path
        File to open.
    pages : sequence of int, optional
        Pages to join from top to bottom, counted from 0, in this order; all of them when left out. A page
        narrower than the widest is padded with paper at its right.
    max_megapixels : float, optional
        Refuse a larger picture before it is decoded; by default the limit `WELLLOG_MAX_MEGAPIXELS`, 4000 where
        that is not set.

    Returns
    -------
    Scan
        Its pixels are uint8 (rows, columns), 0 ink and 255 paper.

    Raises
    ------
    ScanError
        The file cannot be opened as a scan: the message names it and says why.
    SettingsError
        A limit is set to no number.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "log.tif"
    ...     Image.new("1", (240, 600), 1).save(file, compression="group4", dpi=(200, 200))
    ...     scan = read_scan(file)
    >>> scan.pixels.shape, scan.pixels.min(), scan.dpi
    ((600, 240), np.uint8(255), 200.0)
    """
    source = Path(path)
    try:
        with _open_pages(source, pages) as opened:
            refuse_too_large(opened, max_megapixels)
            return Scan(_joined(opened), _dpi(opened), source)
    except UnreadableError as error:
        raise ScanError(f"{source}: {error}") from error
    except WelllogError:
        raise
    except MemoryError as error:
        raise ScanError(f"{source}: too large for the memory that is free; choose fewer pages") from error
    except Exception as error:  # a decoder fails on a damaged file in more ways than it documents
        reason = "" if isinstance(error, _UNEXPECTED) else f" ({_reason(error)})"
        raise ScanError(f"{source}: damaged or cut short{reason}; {SCAN_AGAIN}") from error


def scan_resolution(path: str | os.PathLike[str]) -> float | None:
    """Tell the resolution of a scan in pixels per inch, without decoding it.

    Parameters
    ----------
    path : path
        File of the scan.

    Returns
    -------
    float or None
        As `read_scan` gives it.

    Raises
    ------
    ScanError
        The file cannot be opened as a scan.
    """
    try:
        with _open_pages(Path(path), None) as opened:
            return _dpi(opened)
    except Exception as error:
        raise ScanError(f"{path}: cannot be opened as a scan; {SCAN_AGAIN}") from error


def _open_pages(source: Path, pages: Sequence[int] | None) -> AbstractContextManager[list[Page]]:
    """Open the wanted pages of a file by the format that its first bytes show."""
    head = first_bytes(source)
    # Imported here, because each imports its library and only one is needed.
    if head[:4] in TIFF_MAGIC:
        from napari_welllog.scan.tiff import tiff_pages

        return tiff_pages(source, pages)
    if head.startswith(_PICTURES):
        from napari_welllog.scan.pillow import picture_page

        return picture_page(source, pages)
    if _PDF in head:
        from napari_welllog.scan.pdf import pdf_pages

        return pdf_pages(source, pages)
    raise UnreadableError("not a picture that can be opened; give a TIFF, PNG, JPEG, BMP, GIF or PDF file")


def first_bytes(source: Path) -> bytes:
    """Read the first kilobyte of a file, refusing what is no file or holds nothing."""
    try:
        mode = source.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UnreadableError("a folder, not a scan; name a file in it")
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
            raise UnreadableError("not an ordinary file; copy the scan into one")
        with source.open("rb") as file:
            head = file.read(1024)
    except FileNotFoundError as error:
        raise UnreadableError("no such file; check the name and the folder") from error
    except PermissionError as error:
        raise UnreadableError("may not be read; ask for permission to read it") from error
    except (OSError, ValueError) as error:
        raise UnreadableError(f"cannot be read ({_reason(error)}); check the name and the disk") from error
    if not head:
        raise UnreadableError(f"empty, 0 bytes; {SCAN_AGAIN}")
    return head


def _reason(error: Exception) -> str:
    """Give an error's words on one short line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 120 else words[:117] + "..."


def refuse_too_large(pages: list[Page], max_megapixels: float | None = None) -> None:
    """Refuse pages without pixels, and pages that would not fit, before anything is decoded."""
    import psutil

    if any(page.rows < 1 or page.columns < 1 for page in pages):
        raise UnreadableError(f"has a page without pixels; {SCAN_AGAIN}")
    rows, columns = sum(page.rows for page in pages), max(page.columns for page in pages)
    size, megapixels = f"{rows:,} rows x {columns:,} columns", rows * columns / 1e6
    most = MEGAPIXELS.value() if max_megapixels is None else max_megapixels
    if megapixels > most:
        raise UnreadableError(
            f"{size} are {megapixels:,.1f} megapixels, over the limit of {most:,.1f}; "
            f"choose fewer pages, or {MEGAPIXELS.remedy} if the scan is really that large"
        )
    needed = rows * columns + max(page.working_bytes for page in pages)
    if needed > 1e9 * MEMORY_GB.value():
        raise UnreadableError(
            f"{size} take {needed / 1e9:,.1f} GB of memory to open, over the limit of {MEMORY_GB.value():g} GB; "
            f"choose fewer pages, or {MEMORY_GB.remedy} if the scan is really that large"
        )
    free = psutil.virtual_memory().available
    if needed > _MEMORY_SHARE * free:
        raise UnreadableError(
            f"{size} take {needed / 1e9:,.1f} GB of memory to open and {free / 1e9:,.1f} GB are free; "
            "choose fewer pages, or use a machine with more memory"
        )


def _joined(pages: list[Page]) -> GreyPixels:
    """Decode the pages into one picture, one below the other, each with its ink dark."""
    columns = max(page.columns for page in pages)
    pixels = np.empty((sum(page.rows for page in pages), columns), np.uint8)
    first = 0
    for page in pages:
        rows = pixels[first : first + page.rows]
        rows[:, page.columns :] = PAPER
        upright = rows[:, : page.columns]
        stored = _as_stored(upright, page.orientation)
        for top, left, block in page.blocks():
            stored[top : top + block.shape[0], left : left + block.shape[1]] = block
        if _is_negative(upright):
            np.invert(upright, out=upright)
        first += page.rows
    return pixels


def _as_stored(upright: GreyPixels, orientation: int) -> GreyPixels:
    """View an upright page the way its file stores it, so that what is written there lands upright."""
    views: dict[int, Callable[[GreyPixels], GreyPixels]] = {
        2: lambda page: page[:, ::-1],
        3: lambda page: page[::-1, ::-1],
        4: lambda page: page[::-1],
        5: lambda page: page.T,
        6: lambda page: page.T[::-1],
        7: lambda page: page[::-1, ::-1].T,
        8: lambda page: page.T[:, ::-1],
    }
    return views[orientation](upright) if orientation in views else upright


def _is_negative(page: GreyPixels) -> bool:
    """Tell whether a page is light ink on dark paper.

    A dark majority alone does not tell: paper on a black scanner bed has one too. In a negative the light
    strokes are also far narrower than the dark gaps between them.
    """
    sample = page[:: math.ceil(page.shape[0] / 512)]
    darkest, lightest = np.percentile(sample, (0.1, 99.9))
    if lightest - darkest < 64:  # nothing is drawn: only the paper can tell
        return bool(sample.mean() < 85)
    light = sample > (darkest + lightest) / 2
    if light.mean() > 0.4:
        return False
    return 2 * _median_run(light) <= _median_run(~light)


def _median_run(mask: NDArray[np.bool_]) -> float:
    """Give the median length of the unbroken runs of true pixels along the rows."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8).ravel())
    lengths = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
    return float(np.median(lengths)) if lengths.size else 0.0


def _dpi(pages: list[Page]) -> float | None:
    """Give the resolution of the tallest page that states one: the log itself, not its header or trailer."""
    stated = [page for page in pages if page.dpi is not None]
    return max(stated, key=lambda page: page.rows).dpi if stated else None
