"""The library that reads printed text, behind two questions: where is text, and what does it say.

`rapidocr_onnxruntime` carries its models inside its wheel, so nothing is fetched. It is an extra and imported
late: everything else works without it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import OcrError

Picture = NDArray[np.uint8]

_QT_PATHS = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")

MISSING = (
    "reading printed depths and scales needs an OCR library that is not installed; "
    "install it with: pip install 'napari-welllog[ocr]'"
)


class Box(NamedTuple):
    """A rectangle of a picture, in pixels: its first row and column, and the ones after its last."""

    top: float
    bottom: float
    left: float
    right: float

    @property
    def height(self) -> float:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Columns."""
        return self.right - self.left


class TextReader(Protocol):
    """Whatever can find and read printed text; tests have their own."""

    def find(self, picture: Picture) -> list[Box]:
        """Rectangles of a picture, uint8 (rows, columns), that hold a line of text."""

    def read(self, pictures: Sequence[Picture]) -> list[tuple[str, float]]:
        """The text of each picture of one upright line, and how sure it is, 0 to 1."""


def is_installed() -> bool:
    """Whether the OCR library is there.

    Examples
    --------
    >>> is_installed() in (True, False)
    True
    """
    return find_spec("rapidocr_onnxruntime") is not None


def load_reader(threads: int | None = None) -> TextReader:
    """Load the OCR library and its models.

    Parameters
    ----------
    threads : int, optional
        Processor threads it may use; by default two, or one on a machine of one core.

    Raises
    ------
    OcrError
        If it is not installed; the message says what to install.
    """
    if not is_installed():
        raise OcrError(MISSING)
    RapidOCR = _import_engine()
    # Its logger writes to the terminal whatever the program wants.
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    count = threads if threads is not None else min(2, os.cpu_count() or 1)
    return _RapidReader(RapidOCR(intra_op_num_threads=count, inter_op_num_threads=1))


def _import_engine() -> Any:
    """Import the library, and leave Qt's settings as they were."""
    before = {name: os.environ.get(name) for name in _QT_PATHS}
    from rapidocr_onnxruntime import RapidOCR

    # OpenCV, which it imports, points Qt at plugins of its own, where napari's Qt would look for its window.
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return RapidOCR


@dataclass(frozen=True)
class _RapidReader:
    """The two models that are needed: the third, which tells what is upside down, errs on short numbers."""

    engine: Any

    def find(self, picture: Picture) -> list[Box]:
        """Rectangles that hold a line of text."""
        found, _ = self.engine.text_det(_in_colour(picture))
        corners = [np.asarray(box, np.float64) for box in (found if found is not None else [])]
        return [
            Box(float(c[:, 1].min()), float(c[:, 1].max()), float(c[:, 0].min()), float(c[:, 0].max()))
            for c in corners
        ]

    def read(self, pictures: Sequence[Picture]) -> list[tuple[str, float]]:
        """The text of each picture, and how sure it is."""
        if not pictures:
            return []
        results, _ = self.engine.text_rec([_in_colour(picture) for picture in pictures], False)
        return [(str(text), float(score)) for text, score, *_ in results]


def _in_colour(picture: Picture) -> Picture:
    """A grey picture as the three equal channels that the models take."""
    return np.repeat(np.ascontiguousarray(picture)[:, :, None], 3, axis=2)
