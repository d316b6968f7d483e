"""napari's way to open a scan, and the class map that was made from one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_welllog.class_map import read_labels
from napari_welllog.errors import ScanError, WelllogError
from napari_welllog.scan import read_scan, scan_resolution
from napari_welllog.tracks import Tracks
from napari_welllog.tracks.beside import SCAN_ENDINGS, find_tracks
from napari_welllog.widgets.layers import LayerData, class_map_layer, scan_layer

ENDINGS = SCAN_ENDINGS
"""What the manifest lists too."""

CLASSES_ENDING = "_classes.tif"

MILLIMETRES_PER_INCH = 25.4

_PHOTO_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
_LOG_PROPORTION = 1.5
_COLOURFUL = 24.0

Reader = Callable[..., list[Any]]


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Give napari the function that opens a scan; None for what is none.

    Parameters
    ----------
    path : str or list of str
        What the user wants to open.

    Returns
    -------
    callable or None
        Opens the path and returns its layers.

    Examples
    --------
    >>> get_reader("log.tif").__name__, get_reader("log.las")
    ('read_layers', None)
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    return read_layers if paths and all(str(one).lower().endswith(ENDINGS) for one in paths) else None


def read_layers(path: str | Sequence[str], stack: bool = False) -> list[Any]:
    """Open scans as image layers, and class maps, STEM_classes.tif, as Labels layers of three classes.

    Parameters
    ----------
    path : str or list of str
        Files to open. Scans are never stacked: each is a log of its own.
    stack : bool
        What napari passes on; of no effect.

    Returns
    -------
    list of LayerData
        One layer for each file.

    Raises
    ------
    ScanError
        If a file cannot be opened, or is called a class map and is none.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    return [_layer_of(Path(one)) for one in paths]


def _class_map_of(path: Path) -> LayerData:
    """Open a class map as a Labels layer of three classes, where the scan that it was made from lies."""
    data, settings, kind = class_map_layer(read_labels(path), path.stem)
    # It is the user's: a later run of the network must not take its place.
    settings["metadata"] = {"source": str(path)}
    return data, settings | _place(_resolution_of_scan(path)), kind


def _layer_of(path: Path) -> LayerData | tuple[Any, dict[str, Any], str]:
    """Open one file: a scan as an image layer, with the calibration beside it, or a class map by its name.

    One reader does both, because napari tries readers of one plugin whose patterns match in no certain order.
    """
    if path.name.lower().endswith(CLASSES_ENDING):
        return _class_map_of(path)
    if _is_colour_photo(path):
        return _as_in_colour(path)
    scan = read_scan(path)
    metadata: dict[str, Any] = {"source": str(path), "dpi": scan.dpi}
    tracks_file = find_tracks(path)
    if tracks_file is not None:
        metadata |= _calibration(tracks_file, scan.pixels.shape)
    data, settings, kind = scan_layer(scan.pixels, path.stem, metadata)
    return data, settings | _place(scan.dpi), kind


def _calibration(file: Path, shape: tuple[int, ...]) -> dict[str, Any]:
    """Load a calibration into metadata, if it can be that of a scan of this shape, and say what was done."""
    from napari.utils.notifications import show_info, show_warning

    try:
        tracks = Tracks.load(file)
    except WelllogError as error:
        show_warning(f"The calibration beside the scan was not loaded. {error}")
        return {}
    if any(track.top > shape[0] or track.bounding_columns()[0] > shape[1] for track in tracks.tracks):
        show_warning(f"{file.name} was not loaded: it has tracks outside of this scan.")
        return {}
    show_info(f"Loaded the calibration beside the scan, {file.name}.")
    return {"tracks": tracks, "tracks_file": str(file)}


def _place(dpi: float | None) -> dict[str, Any]:
    """Settings that give a layer the size of its paper, in millimetres, when the resolution is known."""
    if not dpi:
        return {}
    millimetres = MILLIMETRES_PER_INCH / dpi
    return {"scale": (millimetres, millimetres), "units": ("mm", "mm")}


def _resolution_of_scan(class_map: Path) -> float | None:
    """Pixels per inch of the scan that a class map was made from, if it lies beside it."""
    stem = class_map.name[: -len(CLASSES_ENDING)]
    for ending in ENDINGS:
        scan = class_map.with_name(stem + ending)
        if scan.is_file():
            try:
                return scan_resolution(scan)
            except ScanError:
                return None
    return None


def _is_colour_photo(path: Path) -> bool:
    """Tell whether a picture is more likely a photograph than a log: colourful, and not taller than wide.

    napari lets people have one plugin open all files of a format; their photographs shall stay what they are.
    """
    if path.suffix.lower() not in _PHOTO_ENDINGS:
        return False
    from PIL import Image

    try:
        with Image.open(path) as picture:
            if picture.mode not in ("RGB", "RGBA") or picture.height > _LOG_PROPORTION * picture.width:
                return False
            picture.draft("RGB", (256, 256))
            small = np.asarray(picture.convert("RGB").resize((64, 64)), np.int16)
    except Exception:  # what is wrong with the file is for read_scan to say
        return False
    return float(np.percentile(np.ptp(small, axis=2), 75)) > _COLOURFUL


def _as_in_colour(path: Path) -> tuple[Any, dict[str, Any], str]:
    """Open a picture in its own colours, as napari would."""
    from PIL import Image

    with Image.open(path) as picture:
        return (
            np.asarray(picture),
            {"name": path.stem, "rgb": True, "metadata": {"source": str(path)}},
            "image",
        )
