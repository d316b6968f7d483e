"""Annotations: windows of scans with the class of every pixel, on disk after every stroke.

A folder that anyone can read holds them. Nothing in here knows a window or a network.
"""

from napari_welllog.annotations.coco import export_coco, has_coco
from napari_welllog.annotations.exchange import export_pairs, find_pairs, import_pairs
from napari_welllog.annotations.folder import AnnotatedWindow, AnnotationFolder, place_in_view
from napari_welllog.annotations.manifest import (
    MOST_ROWS,
    Manifest,
    Network,
    Place,
    ScanIdentity,
    merged_rows,
)
from napari_welllog.annotations.saver import Saver, SaveState
from napari_welllog.annotations.suggest import Suggestion, suggest_windows

__all__ = [
    "MOST_ROWS",
    "AnnotatedWindow",
    "AnnotationFolder",
    "Manifest",
    "Network",
    "Place",
    "SaveState",
    "Saver",
    "ScanIdentity",
    "Suggestion",
    "export_coco",
    "export_pairs",
    "find_pairs",
    "has_coco",
    "import_pairs",
    "merged_rows",
    "place_in_view",
    "suggest_windows",
]
