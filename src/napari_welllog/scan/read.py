"""Read a scan: which file it is, whether it fits, and its pages joined into one picture, or read strip by strip."""

from __future__ import annotations

import logging
import math
import os
import stat
import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import ScanError, WelllogError
from napari_welllog.limits import MEGAPIXELS, MEMORY_GB
from napari_welllog.scan.page import PAPER, SCAN_AGAIN, Band, Block, GreyPixels, Page, UnreadableError
from napari_welllog.scan.strips import Strip, StripPixels, packed_strips

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
        0 black ink, 255 paper. From `open_in_strips`, a `StripPixels` that is indexed in the same way.
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
    with _in_plain_words(source), _open_pages(source, pages) as opened:
        refuse_too_large(opened, max_megapixels)
        return Scan(_joined(opened), _dpi(opened), source)


@contextmanager
def open_in_strips(
    path: str | os.PathLike[str],
    pages: Sequence[int] | None = None,
    max_megapixels: float | None = None,
) -> Iterator[Scan]:
    """Open a scan of any length without holding its pixels in memory.

    The pixels are those that `read_scan` gives, but decoded when they are asked for, and only a few strips of them
    are held. The file is read through once on entering: a damaged one is refused before any work is done on it.
    Where it can be decoded only from its beginning, such as a PNG, its pixels are kept packed.

    Parameters
    ----------
    path, pages, max_megapixels
        As in `read_scan`.

    Yields
    ------
    Scan
        Its pixels are a `StripPixels`, indexed as an array is; they can be read until the block is left.

    Raises
    ------
    ScanError
        As `read_scan`; also from reading pixels, when the file has become unreadable since.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "log.tif"
    ...     Image.new("1", (240, 600), 1).save(file, compression="group4", dpi=(200, 200))
    ...     with open_in_strips(file) as scan:
    ...         print(scan.pixels.shape, scan.pixels[100:300, :50].shape, scan.dpi)
    (600, 240) (200, 50) 200.0
    """
    source = Path(path)
    with _pages_in_plain_words(source, pages) as opened:
        with _in_plain_words(source):
            refuse_too_large(opened, max_megapixels, in_strips=True)
            pixels = StripPixels(max(page.columns for page in opened), _strips(opened, source))
        yield Scan(cast("GreyPixels", pixels), _dpi(opened), source)


@contextmanager
def _pages_in_plain_words(source: Path, pages: Sequence[int] | None) -> Iterator[list[Page]]:
    """Open pages; what goes wrong in opening them is a ScanError, what goes wrong in using them stays as it is."""
    with _in_plain_words(source):
        opening = _open_pages(source, pages)
        opened = opening.__enter__()
    try:
        yield opened
    finally:
        opening.__exit__(None, None, None)


@contextmanager
def _in_plain_words(source: Path) -> Iterator[None]:
    """Say in one line why a file cannot be opened as a scan."""
    try:
        yield
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


def refuse_too_large(pages: list[Page], max_megapixels: float | None = None, in_strips: bool = False) -> None:
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
    if in_strips:
        needed = max((0 if page.bands else page.rows * page.columns) + page.working_bytes for page in pages)
    else:
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
        upright = _decoded(page, rows[:, : page.columns])
        if _is_negative(upright[:: _sample_step(page.rows)]):
            np.invert(upright, out=upright)
        first += page.rows
    return pixels


def _decoded(page: Page, upright: GreyPixels) -> GreyPixels:
    """Decode a page into an array of its size."""
    _put(page.blocks(), _as_stored(upright, page.orientation))
    return upright


def _put(blocks: Iterator[Block], stored: GreyPixels, first: int = 0) -> None:
    """Put blocks in their places in an array that begins with a row of the page."""
    for top, left, block in blocks:
        stored[top - first : top - first + block.shape[0], left : left + block.shape[1]] = block


def _strips(pages: list[Page], source: Path) -> list[Strip]:
    """The strips of all pages, one below the other, each with its ink dark, after reading them through once."""
    columns = max(page.columns for page in pages)
    strips: list[Strip] = []
    for page in pages:
        above = strips[-1].last if strips else 0
        own, sample = [], []
        for strip, pixels in _surveyed(page):
            own.append(strip)
            step = _sample_step(page.rows)
            sample.append(pixels[-strip.first % step :: step].copy())
        negative = _is_negative(np.concatenate(sample))
        for strip in own:
            finish = partial(_finished, strip, negative, columns, source)
            strips.append(Strip(above + strip.first, above + strip.last, finish))
    return strips


def _surveyed(page: Page) -> Iterator[tuple[Strip, GreyPixels]]:
    """Give each strip of a page, upright, and its pixels while they are decoded anyway."""
    if page.bands and page.orientation == 1:
        for band in page.bands:
            strip = Strip(band.first, band.last, partial(_band_pixels, band, page.columns))
            yield strip, strip.read()
        return
    blocks: Iterator[GreyPixels]
    if page.orientation == 1 and page.in_rows:
        blocks = (block for _, _, block in page.blocks())
    else:
        blocks = iter([_decoded(page, np.empty((page.rows, page.columns), np.uint8))])
    for strip in packed_strips(blocks):
        yield strip, strip.read()


def _band_pixels(band: Band, columns: int) -> GreyPixels:
    """Decode one band of a page."""
    pixels = np.empty((band.last - band.first, columns), np.uint8)
    _put(band.blocks(), pixels, band.first)
    return pixels


def _finished(strip: Strip, negative: bool, columns: int, source: Path) -> GreyPixels:
    """Decode a strip, ink dark, with paper at its right where other pages are wider."""
    with _in_plain_words(source):
        pixels = strip.read()
    if negative:
        pixels = np.invert(pixels)
    beside = columns - pixels.shape[1]
    return np.pad(pixels, ((0, 0), (0, beside)), constant_values=PAPER) if beside else pixels


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


def _sample_step(rows: int) -> int:
    """Every how many rows of a page are enough to tell whether it is a negative."""
    return math.ceil(rows / 512)


def _is_negative(sample: GreyPixels) -> bool:
    """Tell from a sample of its rows whether a page is light ink on dark paper.

    A dark majority alone does not tell: paper on a black scanner bed has one too. In a negative the light
    strokes are also far narrower than the dark gaps between them.
    """
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
