"""A strand: the stretch of a line between two crossings or ends, found from one click."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, distance_transform_edt, label
from skimage.morphology import skeletonize

from napari_welllog.strokes.change import Mask

NEAR = 5
"""Pixels by which a click may miss the strand."""

_FIRST_REACH = 256
_SPECK = 6
_ALL_AROUND = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Strand:
    """A strand as a mask, only as large as its bounding box.

    Parameters
    ----------
    mask : bool
        Its pixels.
    corner : (row, column)
        Where in the window the mask's first pixel lies.

    Examples
    --------
    >>> strand = Strand(np.ones((5, 2), bool), (10, 3))
    >>> int(strand.within((20, 8)).sum()), strand.rows
    (10, (10, 14))
    """

    mask: Mask
    corner: tuple[int, int]

    @property
    def rows(self) -> tuple[int, int]:
        """First and last row of the window that it has pixels in."""
        return self.corner[0], self.corner[0] + self.mask.shape[0] - 1

    def within(self, shape: tuple[int, int]) -> Mask:
        """The mask as large as a window."""
        whole = np.zeros(shape, bool)
        rows, columns = self.mask.shape
        whole[self.corner[0] : self.corner[0] + rows, self.corner[1] : self.corner[1] + columns] = self.mask
        return whole


def find_strand(picture: NDArray[np.generic], row: float, column: float, near: int = NEAR) -> Strand | None:
    """The connected strand at a click, cut where lines cross or part.

    Parameters
    ----------
    picture : (rows, columns)
        Labels of a window, of which both curves count, so that a strand of two classes is found whole; or ink.
    row, column : float
        Where in the window the click was.
    near : int
        Pixels by which it may miss the strand.

    Returns
    -------
    Strand or None
        None if there is nothing near the click. Give it to a class by ``paint(labels, strand.mask, curve_class,
        strand.corner)``.

    Examples
    --------
    >>> labels = np.zeros((60, 60), np.uint8)
    >>> for k in range(60):
    ...     labels[k, max(k - 1, 0):k + 2] = 1; labels[k, max(58 - k, 0):61 - k] = 2  # two lines that cross
    >>> strand = find_strand(labels, 10, 10)
    >>> strand.rows[0], 25 < strand.rows[1] < 32
    (0, True)
    """
    click = _nearest_pixel(picture, row, column, near)
    if click is None:
        return None
    reach = _FIRST_REACH
    while True:
        top, bottom = max(click[0] - reach, 0), min(click[0] + reach + 1, picture.shape[0])
        component, corner = _component(picture[top:bottom] != 0, (click[0] - top, click[1]))
        found = _strand_of(component, (click[0] - top - corner[0], click[1] - corner[1]))
        first, last = corner[0] + found.rows[0] + top, corner[0] + found.rows[1] + top
        whole = top == 0 and bottom == picture.shape[0]
        # A strand that leaves the rows that were looked at is looked for in twice as many.
        if whole or ((first > top or top == 0) and (last < bottom - 1 or bottom == picture.shape[0])):
            return Strand(found.mask, (first, corner[1] + found.corner[1]))
        reach *= 2


def _nearest_pixel(
    picture: NDArray[np.generic], row: float, column: float, near: int
) -> tuple[int, int] | None:
    """The pixel of a line that is nearest to a click."""
    top, left = max(round(row) - near, 0), max(round(column) - near, 0)
    part = picture[top : max(round(row) + near + 1, 0), left : max(round(column) + near + 1, 0)]
    rows, columns = np.nonzero(part)
    if len(rows) == 0:
        return None
    distance = (rows + top - row) ** 2 + (columns + left - column) ** 2
    nearest = int(distance.argmin())
    if distance[nearest] > near**2:
        return None
    return int(rows[nearest]) + top, int(columns[nearest]) + left


def _component(picture: Mask, click: tuple[int, int]) -> tuple[Mask, tuple[int, int]]:
    """What hangs together with a pixel, as small as it is, and where it lies."""
    labelled, _ = label(picture, _ALL_AROUND)
    own = labelled == labelled[click]
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    return own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], (int(rows[0]), int(columns[0]))


def _strand_of(component: Mask, click: tuple[int, int]) -> Strand:
    """The part of a component that belongs to the branch of its skeleton nearest to a pixel of it."""
    # A speck of paper in a stroke is no loop of two strands.
    padded = np.pad(_without_specks(component), 1)
    pen = 2 * float(np.percentile(distance_transform_edt(padded)[padded], 95))
    branches = _branches(_skeleton(padded), pen)
    # Every pixel goes with the skeleton pixel nearest to it, so a strand ends half-way into a crossing.
    _, nearest = distance_transform_edt(branches == 0, return_indices=True)
    owner = branches[nearest[0], nearest[1]][1:-1, 1:-1]
    own = component & (owner == owner[click])
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    part = own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Strand(part, (int(rows[0]), int(columns[0])))


def _branches(skeleton: Mask, pen: float) -> NDArray[np.int32]:
    """Number the branches of a skeleton, cut where three or more lines come together.

    A ragged edge makes spurs, branches with a free end that are shorter than the pen is wide. They are left out,
    and where only two branches are left at a fork, these are one.
    """
    forks = _forks(skeleton)
    numbered, count = label(skeleton & ~forks, _ALL_AROUND)
    ends = np.bincount(numbered[skeleton & (_neighbours(skeleton) <= 1)], minlength=count + 1) > 0
    spurs = (np.bincount(numbered.ravel(), minlength=count + 1) < pen) & ends
    spurs[0] = True
    if spurs.all():
        return skeleton.astype(np.int32)
    joined = np.arange(count + 1)
    for branches in _branches_at_forks(forks, numbered):
        lines = joined[[branch for branch in branches if not spurs[branch]]]
        if len(set(lines.tolist())) == 2:
            joined[joined == lines.max()] = lines.min()
    return np.asarray(np.where(spurs, 0, joined)[numbered], np.int32)


def _branches_at_forks(forks: Mask, numbered: NDArray[np.int32]) -> list[list[int]]:
    """Which branches come together at each fork."""
    clusters, count = label(forks, _ALL_AROUND)
    rows, columns = np.nonzero(forks)
    touching: list[set[int]] = [set() for _ in range(count)]
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            near = numbered[rows + down, columns + across].tolist()
            for cluster, branch in zip(clusters[rows, columns].tolist(), near, strict=True):
                if branch:
                    touching[cluster - 1].add(branch)
    return [sorted(branches) for branches in touching]


def _skeleton(picture: Mask) -> Mask:
    """The middle lines of what is in a picture."""
    return np.asarray(skeletonize(picture)).astype(bool)  # type: ignore[no-untyped-call]


def _without_specks(picture: Mask) -> Mask:
    """A picture with its smallest holes filled."""
    holes, count = label(~picture)
    sizes = np.bincount(holes.ravel(), minlength=count + 1)
    small = sizes <= _SPECK
    small[0] = False
    return np.asarray(picture | small[holes])


def _forks(skeleton: Mask) -> Mask:
    """Pixels of a skeleton where three or more lines come together, and those that touch them."""
    forks = skeleton & (_neighbours(skeleton) >= 3)
    return np.asarray(skeleton & (convolve(forks.astype(np.uint8), _ALL_AROUND, mode="constant") > 0))


def _neighbours(skeleton: Mask) -> NDArray[np.uint8]:
    """How many of the eight pixels around each are on the skeleton."""
    around = convolve(skeleton.astype(np.uint8), _ALL_AROUND, mode="constant")
    return np.asarray(around - skeleton)
