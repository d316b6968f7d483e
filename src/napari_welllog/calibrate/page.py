"""A scan that is being calibrated, with what it is read with, and the job of reading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.ocr import TextReader
from napari_welllog.calibrate.straighten import Lean, Piece, cut
from napari_welllog.errors import Cancelled

Pixels = NDArray[np.uint8]
Stage = Literal["find", "depth", "scales"]
Progress = Callable[[Stage, float], None]
_PAPER_WIDTH = 8.25  # inches, of most logs: what tells the resolution where the file does not
_HEADER = 4.5  # inches above the log in which its scales stand
BELOW_TOP = 0.9  # inches by which a worn grid may seem to begin too high


class Job:
    """Tells how far a job is, and stops it when asked to."""

    def __init__(self, progress: Progress | None, cancelled: Callable[[], bool] | None) -> None:
        self._progress = progress
        self._cancelled = cancelled

    def tell(self, stage: Stage, fraction: float) -> None:
        """Tell the share of a stage that is done; stop here if asked to."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled
        if self._progress is not None:
            self._progress(stage, fraction)


@dataclass(frozen=True)
class Page:
    """A scan, and what it is read with."""

    pixels: Pixels
    dpi: float | None
    lean: Lean
    reader: TextReader
    job: Job

    @property
    def resolution(self) -> float:
        """Pixels per inch, supposed where the file does not tell."""
        return self.dpi or float(np.clip(self.pixels.shape[1] / _PAPER_WIDTH, 100, 400))

    def above(self, left: float, right: float, top: float, below: float) -> tuple[Piece, float]:
        """The paper above the log between two columns at its top, upright, and rows below it; and the log's row."""
        height = min(_HEADER * self.resolution, top)
        middle, lean = self.pixels.shape[1] / 2, float(self.lean.at(top))
        bottom = top + lean * (left - middle)
        shift = lean * height
        piece = cut(self.pixels, (bottom - height, bottom + below), (left + shift, right + shift + 1), lean)
        return piece, height - 1 - abs(lean) * 4
