"""PNG, JPEG, BMP and GIF: one picture to a file, decoded by Pillow in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin
from PIL.Image import Exif
from PIL.ImageFile import ImageFile

from napari_welllog.scan.page import (
    BLOCK_PIXELS,
    Block,
    Page,
    bytes_per_pixel,
    chosen_pages,
    grey_blocks,
    plausible_dpi,
    upright_size,
)

# The plugins themselves, not `Image.open`: its limit on the number of pixels is one setting for the whole
# process, and raising it here would raise it for every other thread and package. Our own limits come before
# anything is decoded.
_PLUGINS: dict[bytes, Callable[[BinaryIO], ImageFile]] = {
    b"\x89P": PngImagePlugin.PngImageFile,
    b"\xff\xd8": JpegImagePlugin.JpegImageFile,
    b"BM": BmpImagePlugin.BmpImageFile,
    b"GI": GifImagePlugin.GifImageFile,
}
_ORIENTATION = 274


@contextmanager
def picture_page(source: Path, pages: Sequence[int] | None) -> Iterator[list[Page]]:
    """Open a file that holds one picture; of an animation, its first."""
    with source.open("rb") as file:
        image = opened_picture(file)
        # The JPEG decoder then leaves colour out, and a quarter of the memory is enough.
        image.draft("L", image.size)
        orientation = _orientation(image)
        columns, rows = image.size
        upright_rows, upright_columns = upright_size(rows, columns, orientation)
        page = Page(
            upright_rows,
            upright_columns,
            dpi=plausible_dpi(*map(float, image.info.get("dpi", ()))),
            working_bytes=rows * columns * bytes_per_pixel(image.mode)
            + 8 * min(rows * columns, BLOCK_PIXELS),
            blocks=partial(_sound_blocks, source, image),
            orientation=orientation,
        )
        yield [page for _ in chosen_pages(1, pages)]


def opened_picture(file: BinaryIO) -> ImageFile:
    """Read the header of a picture."""
    plugin = _PLUGINS[file.read(2)]
    file.seek(0)
    return plugin(file)


def _sound_blocks(source: Path, image: ImageFile) -> Iterator[Block]:
    """Decode a picture whose checksums are right: of a PNG the decoder does not ask, and may draw what is damaged."""
    if isinstance(image, PngImagePlugin.PngImageFile):
        with source.open("rb") as file:
            opened_picture(file).verify()
    yield from grey_blocks(image)


def _orientation(image: ImageFile) -> int:
    """Read from a photograph's EXIF how the camera was held."""
    exif = Exif()
    try:
        exif.load(image.info.get("exif", b""))
        return int(exif.get(_ORIENTATION, 1))
    except Exception:  # a picture is none the worse for a broken note about the camera
        return 1
