"""The class map on disk: a TIFF that is written strip by strip, as its rows come."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_welllog.class_map import ClassMap, WrittenClassMap

_STRIP = 256
"""Rows of a strip of the TIFF files."""


def write_class_map(
    path: str | Path,
    labels: NDArray[np.uint8] | Iterable[NDArray[np.uint8]],
    shape: tuple[int, int] | None = None,
) -> None:
    """Write a class map as a TIFF with deflate compression.

    Parameters
    ----------
    path : path
        The file, overwritten if it exists.
    labels : uint8 (rows, columns), or an iterable of such
        All of it, or its rows in parts of any height from top to bottom: the file has the same bytes.
    shape : rows and columns, where the labels come in parts.

    Examples
    --------
    >>> file = getfixture("tmp_path") / "classes.tif"
    >>> labels = np.arange(900, dtype=np.uint8).reshape(300, 3) % 3
    >>> write_class_map(file, (labels[top : top + 7] for top in range(0, 300, 7)), labels.shape)
    >>> bool((tifffile.imread(file) == labels).all())
    True
    """
    if isinstance(labels, np.ndarray):
        shape, labels = (labels.shape[0], labels.shape[1]), [labels]
    assert shape is not None
    tifffile.imwrite(
        path,
        (zlib.compress(strip.tobytes(), level=6) for strip in _strips(labels)),
        shape=shape,
        dtype=np.uint8,
        photometric="minisblack",
        compression="zlib",
        rowsperstrip=_STRIP,
        metadata=None,
    )


def _strips(parts: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Cut rows that come in parts of any height into strips of the same height, but for the last."""
    kept: list[NDArray[np.uint8]] = []
    for part in parts:
        kept.append(part)
        if sum(map(len, kept)) < _STRIP:
            continue
        rows = np.concatenate(kept) if len(kept) > 1 else part
        whole = len(rows) // _STRIP * _STRIP
        for top in range(0, whole, _STRIP):
            yield rows[top : top + _STRIP]
        kept = [rows[whole:]]
    rest = np.concatenate(kept)
    if len(rest):
        yield rest


def write_probabilities(path: str | Path, class_map: ClassMap | WrittenClassMap) -> None:
    """Write class probabilities as a TIFF of three channels, strip by strip.

    Channels are background, curve one and curve two, uint8 (rows, columns, 3), in 255ths that add up to 255.
    """
    rows, columns = class_map.shape
    tifffile.imwrite(
        path,
        _probability_strips(class_map),
        shape=(rows, columns, 3),
        dtype=np.uint8,
        photometric="rgb",
        compression="zlib",
        rowsperstrip=_STRIP,
        metadata=None,
    )


def _probability_strips(class_map: ClassMap | WrittenClassMap) -> Iterator[bytes]:
    """Make the compressed strips of a probability picture, each of uint8 (strip rows, columns, 3)."""
    for top in range(0, class_map.shape[0], _STRIP):
        one, two = (plane[top : top + _STRIP].toarray() for plane in class_map.curve_probabilities)
        background = 255 - np.minimum(one.astype(np.uint16) + two, 255)
        strip = np.stack([background.astype(np.uint8), one, two], axis=-1)
        yield zlib.compress(strip.tobytes(), level=1)
