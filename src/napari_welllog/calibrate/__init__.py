"""A scan that calibrates itself: depths, scales and pens read from the paper, or refused with the reason."""

from napari_welllog.calibrate.from_paper import calibrate_scan
from napari_welllog.calibrate.ocr import TextReader, is_installed, load_reader
from napari_welllog.calibrate.result import (
    DepthNumber,
    DepthReading,
    PaperCalibration,
    Scale,
    Section,
    TrackReading,
)
from napari_welllog.calibrate.review import Review, ReviewedNumber, ReviewedScale

__all__ = [
    "DepthNumber",
    "DepthReading",
    "PaperCalibration",
    "Review",
    "ReviewedNumber",
    "ReviewedScale",
    "Scale",
    "Section",
    "TextReader",
    "TrackReading",
    "calibrate_scan",
    "is_installed",
    "load_reader",
]
