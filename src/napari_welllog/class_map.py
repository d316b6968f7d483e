"""The class map: one of three classes for every pixel, and how sure the network was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from napari_welllog.errors import ScanError, WelllogError
from napari_welllog.packed_plane import PackedPlane
from napari_welllog.scan.page import Page, UnreadableError
from napari_welllog.scan.read import first_bytes, refuse_too_large

BACKGROUND, CURVE_ONE, CURVE_TWO = 0, 1, 2


@dataclass(frozen=True)
class ClassMap:
    """The class of every pixel of a scan, with the class probabilities beside it.

    Probabilities are kept sparse, in 255ths, because 97 % of a scan is background: a scan of any length then
    costs little more than its labels.

    Parameters
    ----------
    labels : uint8 (rows, columns)
        0 background, 1 curve one, 2 curve two.
    curve_probabilities : two csr_array of uint8, (rows, columns)
        Probability of curve one and of curve two, times 255 and rounded.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.zeros((4, 5), np.float32); one[:, 2] = 0.8
    >>> class_map = ClassMap.from_probabilities(np.stack([1 - one, one, 0 * one]))
    >>> class_map.labels[0].tolist()
    [0, 0, 1, 0, 0]
    >>> class_map.shares()
    (0.8, 0.2, 0.0)
    """

    labels: NDArray[np.uint8]
    curve_probabilities: tuple[csr_array, csr_array]

    @classmethod
    def from_probabilities(cls, probabilities: NDArray[np.float32]) -> ClassMap:
        """Make a class map from dense class probabilities, float (3, rows, columns)."""
        labels = np.argmax(probabilities, axis=0).astype(np.uint8)
        one, two = (csr_array(np.rint(255 * plane).astype(np.uint8)) for plane in probabilities[1:])
        return cls(labels, (one, two))

    @classmethod
    def from_labels(cls, labels: NDArray[np.uint8]) -> ClassMap:
        """Make a class map that is certain of every label, uint8 (rows, columns)."""
        one, two = (
            csr_array((labels == curve_class).astype(np.uint8) * np.uint8(255)) for curve_class in (1, 2)
        )
        return cls(labels.astype(np.uint8), (one, two))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.labels.shape[0], self.labels.shape[1]

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Class probabilities of the whole scan, float32 (3, rows, columns); for long scans use `window`."""
        return self.window(0, self.shape[0])

    def window(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> NDArray[np.float32]:
        """Class probabilities of rows top to bottom and columns left to right, float32 (3, rows, columns)."""
        one, two = (plane[top:bottom].toarray()[:, left:right] for plane in self.curve_probabilities)
        curves = np.stack([one, two]).astype(np.float32) / 255
        # Two curves of a half each are both rounded up, to a 255th more than the whole.
        background = np.maximum(1 - curves.sum(axis=0, keepdims=True), 0)
        return np.concatenate([background, curves])

    def shares(self) -> tuple[float, float, float]:
        """Share of the pixels in background, curve one and curve two; they add up to 1."""
        return shares_of(count_curves(self.labels), self.labels.size)


@dataclass(frozen=True)
class WrittenClassMap:
    """The class map of a scan of any length, whose labels have gone to a file and are not in memory.

    Parameters
    ----------
    shape : rows and columns.
    curve_probabilities : two PackedPlane of (rows, columns): by slices of rows as in a `ClassMap`.
    counts : how many pixels are curve one, and how many curve two.

    Examples
    --------
    >>> planes = PackedPlane(5), PackedPlane(5)
    >>> WrittenClassMap((4, 5), planes, (5, 0)).shares()
    (0.75, 0.25, 0.0)
    """

    shape: tuple[int, int]
    curve_probabilities: tuple[PackedPlane, PackedPlane]
    counts: tuple[int, int]

    def shares(self) -> tuple[float, float, float]:
        """Share of the pixels in background, curve one and curve two; they add up to 1."""
        return shares_of(self.counts, self.shape[0] * self.shape[1])


def count_curves(labels: NDArray[np.uint8]) -> tuple[int, int]:
    """How many pixels are curve one, and how many curve two."""
    # Counting class by class takes no memory; bincount takes eight bytes a pixel.
    one, two = (int(np.count_nonzero(labels == curve)) for curve in (CURVE_ONE, CURVE_TWO))
    return one, two


def shares_of(counts: tuple[int, int], pixels: int) -> tuple[float, float, float]:
    """Share of background, curve one and curve two among some pixels, from the counts of the curves."""
    one, two = (count / max(pixels, 1) for count in counts)
    return 1 - one - two, one, two


def read_labels(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read the class of every pixel from a STEM_classes.tif, uint8 (rows, columns).

    Raises
    ------
    ScanError : the file cannot be read, or holds other numbers than classes.
    """
    import tifffile

    name = os.fspath(path)
    try:
        first_bytes(Path(name))
        with tifffile.TiffFile(name) as tiff:
            shape = tiff.pages[0].shape
            rows, columns = shape if len(shape) == 2 else (0, 0)
            refuse_too_large([Page(rows, columns, None, 0, lambda: iter(()))])
            labels = tiff.asarray()
    except WelllogError:
        raise
    except UnreadableError as error:
        raise ScanError(f"{name}: cannot be read as a class map: it is {error}") from error
    except Exception as error:  # a decoder fails on a damaged file in more ways than it documents
        raise ScanError(f"{name}: cannot be read as a class map; choose a STEM_classes.tif") from error
    if labels.ndim != 2 or labels.dtype != np.uint8 or labels.size == 0 or labels.max() > CURVE_TWO:
        raise ScanError(f"{name}: is no class map of the classes 0, 1 and 2; choose a STEM_classes.tif")
    return np.asarray(labels)
