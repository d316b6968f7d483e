"""What every format gives: pages of grey pixels, and the words in which a file is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_welllog.limits import PAGES

if TYPE_CHECKING:
    from PIL import Image

GreyPixels = NDArray[np.uint8]

Block = tuple[int, int, GreyPixels]
"""Top, left and pixels of a part of a page, as the file stores it."""

PAPER = 255

# Pixels decoded at a time where the file allows it: small beside the picture, large beside one call.
BLOCK_PIXELS = 8 << 20

# A scanner works between these; what lies outside is a placeholder of the program that wrote the file.
_LOWEST_DPI, _HIGHEST_DPI = 50.0, 2400.0

SCAN_AGAIN = "copy the file again from its source, or scan the paper again"


class UnreadableError(Exception):
    """What is wrong with a file and what to do, in words that follow its name."""


@dataclass(frozen=True)
class Band:
    """Some rows of a page that can be decoded without those above.

    Parameters
    ----------
    first, last : int
        Its first row and the one after its last.
    blocks : callable
        Decodes it; the tops of the blocks count from the top of the page.
    """

    first: int
    last: int
    blocks: Callable[[], Iterator[Block]]


@dataclass(frozen=True)
class Page:
    """One page of a file, not decoded yet.

    Parameters
    ----------
    rows, columns : int
        Size of the upright page in pixels.
    dpi : float or None
        Resolution in pixels per inch, when it is known.
    working_bytes : int
        Memory that decoding takes beside the grey picture.
    blocks : callable
        Decodes the page from top to bottom, block by block.
    orientation : int
        How the file stores the page, as tag 274 of TIFF and EXIF; 1 is upright.
    bands : sequence of Band
        The page as stored, from top to bottom, in parts that can be decoded each by itself; empty where the file
        can only be decoded from its beginning.
    in_rows : bool
        Whether every block has all columns of the page, and lies below the one before.
    """

    rows: int
    columns: int
    dpi: float | None
    working_bytes: int
    blocks: Callable[[], Iterator[Block]]
    orientation: int = 1
    bands: Sequence[Band] = ()
    in_rows: bool = True


def upright_size(rows: int, columns: int, orientation: int) -> tuple[int, int]:
    """Give rows and columns of an upright page from those stored: 5 to 8 store it on its side."""
    return (columns, rows) if orientation in (5, 6, 7, 8) else (rows, columns)


def chosen_pages(count: int, pages: Sequence[int] | None) -> list[int]:
    """List the wanted pages of a file, refusing one that it does not have."""
    if not count:
        raise UnreadableError(f"holds no page; {SCAN_AGAIN}")
    if pages is None:
        if count > PAGES.value():
            raise UnreadableError(
                f"has {count:,} pages, over the limit of {PAGES.value():,.0f}; choose fewer pages, or {PAGES.remedy}"
            )
        return list(range(count))
    if not len(pages):
        raise UnreadableError("no page was asked for; name one, or leave the pages out to join them all")
    for page in pages:
        if not 0 <= page < count:
            there_are = f"pages 0 to {count - 1}" if count > 1 else "only page 0"
            raise UnreadableError(f"has {there_are}, so page {page} cannot be read; choose another")
    return list(pages)


def plausible_dpi(*resolutions: float) -> float | None:
    """Give the largest of the resolutions that a scanner could have, in pixels per inch."""
    plausible = [resolution for resolution in resolutions if _LOWEST_DPI <= resolution <= _HIGHEST_DPI]
    return round(float(max(plausible)), 2) if plausible else None


def cannot_read(what: str) -> UnreadableError:
    """Refuse a rare kind of picture."""
    return UnreadableError(f"{what} cannot be read; save the scan as 8-bit grey or as bilevel TIFF")


def to_grey(image: Image.Image, invert: bool = False) -> GreyPixels:
    """Make a small picture of any mode grey, 255 paper; what is transparent shows the paper.

    Colours are weighed as in ITU-R BT.601, by Pillow.
    """
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or (
        "transparency" in image.info and image.mode in ("1", "L", "P", "RGB")
    ):
        image = image.convert("LA") if image.mode == "La" else image  # the only way that Pillow has from La
        layered = image.convert("RGBA")
        grey = np.asarray(layered.convert("L"))
        return on_paper(np.invert(grey) if invert else grey, np.asarray(layered.getchannel("A")))
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
    elif image.mode in ("YCbCr", "LAB"):
        grey = np.asarray(image.getchannel(0))
    elif image.mode == "CMYK":
        grey = np.asarray(image.convert("RGB").convert("L"))
    elif image.mode in ("1", "L", "P", "RGB"):
        grey = np.asarray(image.convert("L"))
    else:
        raise cannot_read("samples of 32 bits, or with fractions,")
    return np.invert(grey) if invert else grey


def on_paper(grey: GreyPixels, alpha: GreyPixels) -> GreyPixels:
    """Lay a partly transparent picture on white paper."""
    if alpha.min() == 255:
        return grey
    ink = (255 - grey.astype(np.uint16)) * alpha
    return (255 - (ink + 127) // 255).astype(np.uint8)


def grey_blocks(image: Image.Image, invert: bool = False) -> Iterator[Block]:
    """Make a whole picture grey from top to bottom, a few million pixels at a time."""
    image.load()
    columns, rows = image.size
    height = max(1, BLOCK_PIXELS // columns)
    for top in range(0, rows, height):
        yield top, 0, to_grey(image.crop((0, top, columns, min(top + height, rows))), invert)


def bytes_per_pixel(mode: str) -> int:
    """Give the memory that Pillow takes for one pixel of a mode."""
    return 1 if mode in ("1", "L", "P") else 2 if mode.startswith("I;16") else 4
