"""Open any scan as grey pixels, ink dark, and say in one sentence why a file is refused.

Every format gives pages, and a page gives blocks of grey pixels from top to bottom, so that little more than
the picture itself is ever in memory. Pillow decodes, tifffile finds the strips and tiles of a TIFF, and
pdfium draws the pages of a PDF.
"""

from napari_welllog.scan.levels import PYRAMID_ROWS, pyramid
from napari_welllog.scan.page import UnreadableError
from napari_welllog.scan.read import Scan, open_in_strips, read_scan, scan_resolution
from napari_welllog.scan.stored import stored_picture
from napari_welllog.scan.strips import Strip, StripPixels

__all__ = [
    "PYRAMID_ROWS",
    "Scan",
    "Strip",
    "StripPixels",
    "UnreadableError",
    "open_in_strips",
    "pyramid",
    "read_scan",
    "scan_resolution",
    "stored_picture",
]
