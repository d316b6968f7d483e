"""Annotated windows as training data: what a person looked at, cut into crops; and which of it is held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import AnnotationsError

if TYPE_CHECKING:
    from napari_welllog.annotations import AnnotationFolder

Pixels = NDArray[np.uint8]
Crop = tuple[Pixels, Pixels]

ON_A_CURVE = 0.9
"""Share of the crops that are cut around a curve pixel; the others show what is no curve."""

_PAPER = 255


@dataclass(frozen=True, eq=False)
class Patch:
    """A stretch of a window that a person has looked at.

    Parameters
    ----------
    pixels, labels : uint8 (rows, columns).
    window : name of the window.
    scan : hash of the scan.
    """

    pixels: Pixels
    labels: Pixels
    window: str
    scan: str


@dataclass(frozen=True, eq=False)
class AnnotatedData:
    """The patches of a folder, some of which are held out.

    Parameters
    ----------
    training, held_out : patches to learn from, and to measure on.
    by : ``"scan"`` where none of the held-out scans is learnt from, else ``"window"``.
    sha256 : hash of the folder.
    """

    training: tuple[Patch, ...]
    held_out: tuple[Patch, ...]
    by: str
    sha256: str

    @property
    def windows(self) -> tuple[int, int]:
        """How many windows are learnt from, and measured on."""
        one, other = (len({patch.window for patch in patches}) for patches in (self.training, self.held_out))
        return one, other


def read_annotated(folder: AnnotationFolder, held_out_share: float = 0.25) -> AnnotatedData:
    """Read the windows of a folder and hold some out, whole scans where there are several.

    Only rows that a person has looked at are read: labels that a network filled in and nobody saw teach nothing.

    Parameters
    ----------
    folder : the annotated windows.
    held_out_share : share of the rows that is to be held out, as nearly as whole scans or windows allow.

    Raises
    ------
    AnnotationsError : too little is annotated to learn from and to measure on.
    """
    patches = [patch for name in sorted(folder.windows) for patch in _patches_of(folder, name)]
    if not patches:
        raise AnnotationsError(
            f"{folder.path}: nobody has looked at any row of its windows; look through a window, then train"
        )
    with_curves = [patch for patch in patches if patch.labels.any()]
    for by in ("scan", "window"):
        groups = sorted({getattr(patch, by) for patch in with_curves})
        if len(groups) > 1:
            held_out = _choose(groups, [getattr(p, by) for p in with_curves], with_curves, held_out_share)
            training, measured = (
                tuple(p for p in patches if (getattr(p, by) in held_out) == wanted)
                for wanted in (False, True)
            )
            return AnnotatedData(training, measured, by, folder.sha256())
    raise AnnotationsError(
        f"{folder.path}: has {'one window' if with_curves else 'no window'} with labelled curves that was looked at, "
        "so none can be held out to measure on; annotate a second window, best on another scan"
    )


def _patches_of(folder: AnnotationFolder, name: str) -> list[Patch]:
    """What a person has looked at of a window."""
    window = folder.read(name)
    place = window.manifest.place
    rows = [slice(first - place.top, last - place.top + 1) for first, last in window.manifest.looked_at]
    return [Patch(window.pixels[r], window.labels[r], name, window.manifest.scan.sha256) for r in rows]


def _choose(
    groups: Sequence[str], group_of: Sequence[str], patches: Sequence[Patch], share: float
) -> set[str]:
    """Which groups to hold out: those that together come nearest to a share of the rows; never all."""
    rows = {
        group: sum(len(p.pixels) for p, own in zip(patches, group_of, strict=True) if own == group)
        for group in groups
    }
    target = share * sum(rows.values())
    chosen = {min(groups, key=lambda group: (abs(rows[group] - target), group))}
    for group in sorted(groups, key=lambda group: (rows[group], group)):
        held = sum(rows[one] for one in chosen)
        if group not in chosen and held + rows[group] <= target and len(chosen) < len(groups) - 1:
            chosen.add(group)
    return chosen


class Crops:
    """An endless row of crops of patches, most of them around a curve pixel, lightly changed.

    Parameters
    ----------
    patches : where to cut them.
    window : rows and columns of a crop.
    seed : the same seed cuts the same crops.
    """

    def __init__(self, patches: Sequence[Patch], window: tuple[int, int], seed: int) -> None:
        self.patches, self.window, self.seed = patches, window, seed
        self._curves = [np.flatnonzero(patch.labels) for patch in patches]
        counts = np.array([len(curve) for curve in self._curves], np.float64)
        self._chances = counts / counts.sum()
        areas = np.array([patch.labels.size for patch in patches], np.float64)
        self._areas = areas / areas.sum()

    def __getitem__(self, index: int) -> Crop:
        """Pixels and labels of a crop, uint8 (rows, columns)."""
        rng = np.random.default_rng([self.seed, index])
        on_a_curve = rng.random() < ON_A_CURVE
        which = int(rng.choice(len(self.patches), p=self._chances if on_a_curve else self._areas))
        patch = self.patches[which]
        at = int(rng.choice(self._curves[which])) if on_a_curve else int(rng.integers(patch.labels.size))
        row, column = divmod(at, patch.labels.shape[1])
        top, left = (
            _start(rng, place, size, length)
            for place, size, length in zip((row, column), self.window, patch.labels.shape, strict=True)
        )
        return augmented(rng, cut(patch, top, left, self.window))


def _start(rng: np.random.Generator, place: int, size: int, length: int) -> int:
    """Where a crop begins so that a place is in it; a crop larger than the patch has it somewhere inside."""
    if length <= size:
        return -int(rng.integers(0, size - length + 1))
    return int(np.clip(place - rng.integers(0, size), 0, length - size))


def cut(patch: Patch, top: int, left: int, window: tuple[int, int]) -> Crop:
    """Cut a crop out of a patch; what lies outside it is paper."""
    crop = np.full(window, _PAPER, np.uint8), np.zeros(window, np.uint8)
    rows, columns = patch.labels.shape
    inner = (
        slice(max(-top, 0), max(min(rows - top, window[0]), 0)),
        slice(max(-left, 0), max(min(columns - left, window[1]), 0)),
    )
    outer = slice(max(top, 0), max(top + window[0], 0)), slice(max(left, 0), max(left + window[1], 0))
    for target, source in zip(crop, (patch.pixels, patch.labels), strict=True):
        target[inner] = source[outer]
    return crop


def augmented(rng: np.random.Generator, crop: Crop) -> Crop:
    """A crop mirrored either way, and of a grey scan with a little more or less ink and grain."""
    pixels, labels = crop
    for axis in (0, 1):
        if rng.random() < 0.5:
            pixels, labels = np.flip(pixels, axis), np.flip(labels, axis)
    if np.isin(pixels, (0, 255)).all():  # black and white has no grey to change
        return np.ascontiguousarray(pixels), np.ascontiguousarray(labels)
    ink = (255 - pixels.astype(np.float32)) * rng.uniform(0.75, 1.25) + rng.uniform(-8, 8)
    ink += rng.normal(0, rng.uniform(0, 6), ink.shape)
    return np.clip(255 - ink, 0, 255).astype(np.uint8), np.ascontiguousarray(labels)


def fixed_crops(patches: Sequence[Patch], window: tuple[int, int], count: int) -> list[Crop]:
    """Crops side by side that show a curve, spread evenly over all patches; never changed in any way."""
    crops = []
    for patch in patches:
        rows, columns = patch.labels.shape
        for top in range(0, rows, window[0]):
            for left in range(0, columns, window[1]):
                if patch.labels[top : top + window[0], left : left + window[1]].any():
                    crops.append((patch, top, left))
    chosen = np.unique(np.linspace(0, len(crops) - 1, min(count, len(crops))).round().astype(int))
    return [cut(patch, top, left, window) for patch, top, left in (crops[k] for k in chosen)]
