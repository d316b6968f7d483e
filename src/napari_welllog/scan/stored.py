"""Open a picture for the numbers that are stored in it, such as the classes of a mask, and not as grey paper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_welllog.scan.page import Page, UnreadableError, bytes_per_pixel
from napari_welllog.scan.read import TIFF_MAGIC, first_bytes, refuse_too_large

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile


@contextmanager
def stored_picture(path: str | os.PathLike[str]) -> Iterator[ImageFile]:
    """Open the first picture of a TIFF, PNG, JPEG, BMP or GIF, of any length that the limits on size allow.

    Parameters
    ----------
    path : path
        The file.

    Yields
    ------
    ImageFile
        The picture, not decoded yet.

    Raises
    ------
    UnreadableError
        It is no such file, or too large. What Pillow raises on a damaged one is passed on.

    Examples
    --------
    >>> from PIL import Image
    >>> file = getfixture("tmp_path") / "mask.png"
    >>> Image.new("L", (3, 2), 1).save(file)
    >>> with stored_picture(file) as picture:
    ...     picture.mode, picture.size
    ('L', (3, 2))
    """
    source = Path(path)
    head = first_bytes(source)
    with source.open("rb") as file:
        if head[:4] in TIFF_MAGIC:
            from napari_welllog.scan.tiff import UnlimitedTiffFile

            image: ImageFile = UnlimitedTiffFile(file)
        elif head[:2] in (b"\x89P", b"\xff\xd8", b"BM", b"GI"):
            from napari_welllog.scan.pillow import opened_picture

            image = opened_picture(file)
        else:
            raise UnreadableError("not a picture that can be opened; give a TIFF, PNG, JPEG, BMP or GIF file")
        columns, rows = image.size
        page = Page(rows, columns, None, rows * columns * bytes_per_pixel(image.mode), lambda: iter(()))
        refuse_too_large([page])
        yield image
