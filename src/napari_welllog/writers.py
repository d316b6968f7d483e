"""napari's own Save for our layers: curves as LAS 2.0 and CSV, the class map as TIFF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_welllog.curves import LogCurve
from napari_welllog.errors import LasError
from napari_welllog.las import write_csv, write_las
from napari_welllog.output import naming, staged

FullLayerData = tuple[Any, dict[str, Any], str]

LOG_CURVES = "log curves"
"""Key of a layer's metadata under which its log curves lie: an object with `log_curves`."""


def write_las_file(path: str, layers: Sequence[FullLayerData]) -> list[str]:
    """Write the curves of our Shapes layers to one LAS 2.0 file.

    Raises
    ------
    WelllogError
        If none of the layers shows log curves, or the file cannot be written.
    """
    return _write(path, layers, write_las)


def write_csv_file(path: str, layers: Sequence[FullLayerData]) -> list[str]:
    """Write the curves of our Shapes layers to one CSV file; a single other Shapes layer as napari does.

    Raises
    ------
    WelllogError
        If none of the layers shows log curves, or the file cannot be written.
    """
    if len(layers) == 1 and LOG_CURVES not in layers[0][1].get("metadata", {}):
        from napari_builtins.io import napari_write_shapes  # type: ignore[import-untyped]

        written = napari_write_shapes(path, *layers[0][:2])
        return [written] if written else []
    return _write(path, layers, write_csv)


def write_class_map_file(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a Labels layer as a class map, a compressed TIFF as large as the scan.

    Raises
    ------
    WelllogError
        If the file cannot be written, or the labels are not those of three classes.
    """
    from napari_welllog.digitize import write_class_map

    labels = np.asarray(data[0] if meta.get("multiscale") else data)
    if labels.ndim != 2 or labels.size == 0 or labels.min() < 0 or labels.max() > 2:
        raise LasError("A class map has rows, columns and the labels 0, 1 and 2: choose such a Labels layer.")
    with staged([path]) as places, naming(path, places[Path(path)]):
        write_class_map(places[Path(path)], labels.astype(np.uint8))
    return [path]


def _write(
    path: str, layers: Sequence[FullLayerData], write: Callable[[Path, Sequence[LogCurve], float], None]
) -> list[str]:
    """Write the log curves of the layers that have any."""
    ours = [meta["metadata"][LOG_CURVES] for _, meta, _ in layers if LOG_CURVES in meta.get("metadata", {})]
    if not ours:
        raise LasError(
            "These layers hold no log curves: run Extract curves, and save the layers that it makes."
        )
    curves = [curve for of_layer in ours for curve in of_layer.log_curves]
    step = 1.0 if curves[0].depth_unit == "row" else 0.5
    with staged([path]) as places, naming(path, places[Path(path)]):
        write(places[Path(path)], curves, step)
    return [path]
