"""Small valid files of every kind, made here: what the mutations begin with."""

from __future__ import annotations

import io
import time
from functools import cache
from typing import Any

import numpy as np
import tifffile
from PIL import Image

ROWS, COLUMNS = 96, 64


def paper_log() -> np.ndarray:
    """A little log: grid, a solid curve and a dashed one."""
    pixels = np.full((ROWS, COLUMNS), 255, np.uint8)
    pixels[::16], pixels[:, ::16] = 0, 0
    down = np.arange(ROWS)
    pixels[down, (24 + 12 * np.sin(down / 9)).astype(int)] = 0
    dashed = down[down % 6 < 4]
    pixels[dashed, (40 + 12 * np.sin(dashed / 5)).astype(int)] = 0
    return pixels


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    if form == "PDF":  # the same bytes today and tomorrow
        options |= {"creationDate": time.gmtime(0), "modDate": time.gmtime(0)}
    image.save(file, form, **options)
    return file.getvalue()


def _written(pixels: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, metadata=None, **options)
    return file.getvalue()


def _pictures() -> dict[str, Image.Image]:
    grey = Image.fromarray(paper_log() // 2 + 100)
    return {
        "bilevel": Image.fromarray(paper_log()).convert("1"),
        "grey": grey,
        "colour": Image.merge("RGB", [grey, grey, grey.rotate(3)]),
        "palette": Image.merge("RGB", [grey, grey, grey.rotate(3)]).quantize(16),
    }


@cache
def tiffs() -> list[bytes]:
    """TIFF in every compression and layout that archives use."""
    pictures, log = _pictures(), paper_log()
    bilevel = [
        _saved(pictures["bilevel"], "TIFF", compression=name, dpi=(200, 200))
        for name in (None, "group3", "group4", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_ccitt")
    ]
    grey = [
        _saved(pictures["grey"], "TIFF", compression=name)
        for name in (None, "jpeg", "packbits", "tiff_lzw", "tiff_adobe_deflate")
    ]
    rest = [
        _saved(pictures["colour"], "TIFF", compression="jpeg"),
        _saved(pictures["palette"], "TIFF", compression="tiff_lzw"),
        _saved(pictures["bilevel"], "TIFF", compression="group4", tiffinfo={278: 16}),
        _saved(
            pictures["grey"], "TIFF", save_all=True, append_images=[pictures["grey"], pictures["bilevel"]]
        ),
        _saved(pictures["grey"], "TIFF", tiffinfo={274: 6}),
        _written(log, tile=(32, 32), compression="zlib", predictor=True),
        _written(log, tile=(32, 32), bigtiff=True),
        _written(log.astype(np.uint16) * 257, byteorder=">", compression="zlib"),
        _written(np.stack([log, log, log]), photometric="rgb", planarconfig="separate", rowsperstrip=20),
        _written(
            np.stack([log, log], -1),
            extrasamples=["unassalpha"],
            photometric="minisblack",
            compression="zlib",
        ),
    ]
    return bilevel + grey + rest


@cache
def pngs() -> list[bytes]:
    """PNG of every colour type."""
    pictures = _pictures()
    return [
        *(_saved(picture, "PNG", dpi=(200, 200)) for picture in pictures.values()),
        _saved(Image.fromarray(paper_log().astype(np.uint16) * 257), "PNG"),
        _saved(pictures["grey"].convert("LA"), "PNG"),
        _saved(pictures["colour"].convert("RGBA"), "PNG"),
        _saved(pictures["palette"], "PNG", transparency=0),
    ]


@cache
def jpegs() -> list[bytes]:
    """JPEG, plain and progressive, grey, colour, for print, and on its side."""
    pictures = _pictures()
    exif = Image.Exif()
    exif[274] = 6
    return [
        _saved(pictures["grey"], "JPEG", dpi=(300, 300)),
        _saved(pictures["colour"], "JPEG", progressive=True),
        _saved(pictures["colour"].convert("CMYK"), "JPEG"),
        _saved(pictures["colour"], "JPEG", exif=exif.tobytes(), subsampling=2),
    ]


@cache
def bmps() -> list[bytes]:
    """BMP of every depth."""
    return [_saved(picture, "BMP") for picture in _pictures().values()]


@cache
def gifs() -> list[bytes]:
    """GIF, and an animation."""
    pictures = _pictures()
    return [
        _saved(pictures["palette"], "GIF"),
        _saved(pictures["grey"], "GIF", interlace=True, comment=b"log"),
        _saved(
            pictures["palette"],
            "GIF",
            save_all=True,
            append_images=[pictures["grey"].convert("P")],
            transparency=0,
        ),
    ]


@cache
def pdfs() -> list[bytes]:
    """PDF of one scan and of several, and one that is drawn."""
    pictures = _pictures()
    drawn = (
        b"%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"
        b"2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n"
        b"3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 72 144] /Contents 4 0 R /Resources << >> >> endobj\n"
        b"4 0 obj << /Length 60 >> stream\n2 w 10 10 m 60 60 l S 0.5 g 5 5 30 90 re f 1 0 0 1 3 3 cm q Q\n"
        b"endstream endobj\n"
        b"trailer << /Root 1 0 R /Size 5 >>\nstartxref\n0\n%%EOF\n"
    )
    return [
        _saved(pictures["bilevel"], "PDF", resolution=200),
        _saved(pictures["grey"], "PDF", resolution=150),
        _saved(pictures["colour"], "PDF", resolution=150, save_all=True, append_images=[pictures["bilevel"]]),
        drawn,
    ]


def tracks() -> list[Any]:
    """Calibrations of the little log: one track or two, straight or skewed, linear or logarithmic."""
    sonic = {
        "name": "sonic",
        "left": 2,
        "right": [[0, 60.5], [90, 62]],
        "top": 1,
        "bottom": 94,
        "curves": [
            {"class": 1, "mnemonic": "DT", "unit": "us/ft", "left": 140, "right": 40, "scale": "linear"},
            {
                "class": 2,
                "mnemonic": "ILD",
                "unit": "ohm.m",
                "left": 0.2,
                "right": 2000,
                "scale": "log",
                "wraps": 1,
            },
        ],
        "ignore": [[10, 20, 30, 40]],
    }
    gamma = {
        "name": "gamma",
        "left": 0,
        "right": 30,
        "top": 5,
        "bottom": 80,
        "curves": [
            {"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150, "scale": "linear"}
        ],
    }
    feet = {"unit": "ft", "anchors": [[4, 250.0], [50, 275.0], [90, 300.0]]}
    rows = {"unit": "row", "anchors": [[0, 0], [1, 1]]}
    return [
        {"version": 1, "depth": feet, "tracks": [sonic]},
        {"version": 1, "depth": rows, "tracks": [gamma]},
        {"version": 1, "depth": feet, "tracks": [{**sonic, "left": 32}, gamma]},
    ]


def edits() -> list[Any]:
    """Corrections by hand of the track `sonic`."""
    return [
        {
            "version": 1,
            "edits": [
                {
                    "track": "sonic",
                    "class": 1,
                    "kind": "redraw",
                    "points": [[10, 20.5], [15, 22], [30.5, 30]],
                },
                {"track": "sonic", "class": 2, "kind": "erase", "rows": [40, 60]},
                {"track": "sonic", "class": 1, "kind": "give", "rows": [62, 70]},
            ],
        }
    ]


@cache
def weights() -> list[bytes]:
    """Weights of a network so narrow that its file is small."""
    import torch
    from safetensors.torch import save

    from napari_welllog.unet.network import CHANNELS, UNet
    from napari_welllog.unet.weights import ARCHITECTURE

    torch.manual_seed(1)
    network = UNet((2,) * len(CHANNELS))
    return [save(network.state_dict(), {"architecture": ARCHITECTURE, "loss": "dice"})]


def manifest() -> dict[str, Any]:
    """The manifest of an annotated window of the little log."""
    when = "2025-01-01T00:00:00Z"
    return {
        "version": 1,
        "scan": {"file": "well.tif", "sha256": "0" * 64, "rows": ROWS, "columns": COLUMNS},
        "place": {"top": 10, "left": 0, "rows": 60, "columns": COLUMNS},
        "pixels": "well_scan.png",
        "labels": "well_labels.png",
        "annotator": "Ada",
        "created": when,
        "changed": when,
        "network": {"name": "welllog-1", "sha256": "1" * 64},
        "looked_at": [[10, 30], [40, 69]],
    }


@cache
def window_pictures() -> tuple[bytes, bytes]:
    """The grey crop and the label map of that window."""
    crop = paper_log()[10:70]
    labels = (crop == 0).astype(np.uint8)
    return _saved(Image.fromarray(crop), "PNG"), _saved(Image.fromarray(labels), "PNG")


@cache
def masks() -> list[bytes]:
    """Label maps as other tools write them."""
    labels = Image.fromarray((paper_log() == 0).astype(np.uint8))
    palette = labels.convert("P")
    return [
        _saved(labels, "PNG"),
        _saved(palette, "PNG"),
        _saved(labels, "TIFF", compression="tiff_lzw"),
        _saved(labels, "BMP"),
    ]
