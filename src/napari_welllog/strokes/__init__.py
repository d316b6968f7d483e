"""Painting labels, on arrays: what a stroke, a click or a box changes, as indices and new values.

A widget applies a change through its layer, so that it can be undone; nothing in here touches what it is given.
"""

from napari_welllog.strokes.change import Change, Shares, difference, paint, swap_curves
from napari_welllog.strokes.ink_brush import InkBrush, brush_mask
from napari_welllog.strokes.strand import Strand, find_strand

__all__ = [
    "Change",
    "InkBrush",
    "Shares",
    "Strand",
    "brush_mask",
    "difference",
    "find_strand",
    "paint",
    "swap_curves",
]
