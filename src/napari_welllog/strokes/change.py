"""A change of labels: which pixels, and their old and new classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Change:
    """Pixels that get another class; none that keeps its own.

    Parameters
    ----------
    indices : (int (n,), int (n,))
        Rows and columns in the window, as napari's ``data_setitem`` takes them.
    values : uint8 (n,)
        Their new classes.
    before : uint8 (n,)
        Their old ones.

    Examples
    --------
    >>> labels = np.zeros((4, 4), np.uint8)
    >>> change = paint(labels, np.eye(4, dtype=bool), 2)
    >>> labels[change.indices] = change.values  # or layer.data_setitem(change.indices, change.values)
    >>> labels.trace(), len(change), change.rows
    (np.uint64(8), 4, (0, 3))
    """

    indices: tuple[Indices, Indices]
    values: Labels
    before: Labels

    def __len__(self) -> int:
        """How many pixels change."""
        return len(self.values)

    @property
    def rows(self) -> tuple[int, int] | None:
        """First and last row of the window that changes; None if nothing does."""
        return (int(self.indices[0].min()), int(self.indices[0].max())) if len(self) else None


@dataclass(frozen=True)
class Shares:
    """How many pixels each class has, kept up to date change by change.

    Parameters
    ----------
    counts : (int, int, int)
        Pixels of background, curve one and curve two.

    Examples
    --------
    >>> labels = np.zeros((10, 10), np.uint8)
    >>> shares = Shares.of(labels)
    >>> shares = shares.after(paint(labels, labels[:, :1] == labels[0, 0], 1, corner=(0, 0)))
    >>> str(shares)
    '90.0 / 10.0 / 0.0 %'
    """

    counts: tuple[int, int, int]

    @classmethod
    def of(cls, labels: Labels) -> Shares:
        """Count all labels of a window."""
        one, two = (int(np.count_nonzero(labels == curve)) for curve in (1, 2))
        return cls((labels.size - one - two, one, two))

    def after(self, change: Change) -> Shares:
        """The shares once a change is made; costs no more than the change."""
        added = np.bincount(change.values, minlength=3) - np.bincount(change.before, minlength=3)
        background, one, two = (count + int(more) for count, more in zip(self.counts, added, strict=True))
        return Shares((background, one, two))

    def before(self, change: Change) -> Shares:
        """The shares once a change is undone."""
        return self.after(Change(change.indices, change.before, change.values))

    @property
    def percent(self) -> tuple[float, float, float]:
        """Per cent of the pixels in background, curve one and curve two."""
        whole = max(sum(self.counts), 1)
        background, one, two = (100 * count / whole for count in self.counts)
        return background, one, two

    def __str__(self) -> str:
        return " / ".join(f"{share:.1f}" for share in self.percent) + " %"


def paint(labels: Labels, mask: Mask, curve_class: int, corner: tuple[int, int] = (0, 0)) -> Change:
    """Give the pixels of a mask to a class.

    Parameters
    ----------
    labels : uint8 (rows, columns)
        Labels of the window as they are.
    mask : bool
        The pixels; smaller than the window where `corner` is given.
    curve_class : 0, 1 or 2
        Their class.
    corner : (row, column)
        Where in the window the mask's first pixel lies.

    Examples
    --------
    >>> change = paint(np.zeros((4, 4), np.uint8), np.ones((1, 2), bool), 1, corner=(2, 1))
    >>> change.indices[0].tolist(), change.indices[1].tolist(), change.values.tolist()
    ([2, 2], [1, 2], [1, 1])
    """
    top, left = corner
    there = labels[top : top + mask.shape[0], left : left + mask.shape[1]]
    rows, columns = np.nonzero(mask & (there != curve_class))
    before = there[rows, columns]
    return Change((rows + top, columns + left), np.full(len(rows), curve_class, np.uint8), before)


def swap_curves(labels: Labels, rows: tuple[int, int], columns: tuple[int, int]) -> Change:
    """Make curve one of curve two and the other way round, within a box.

    Parameters
    ----------
    labels : uint8 (rows, columns)
        Labels of the window.
    rows, columns : (first, last)
        The box, both ends included; what lies outside the window is left out.

    Examples
    --------
    >>> labels = np.array([[0, 1, 2, 1]], np.uint8)
    >>> change = swap_curves(labels, (0, 0), (0, 2))
    >>> change.indices[1].tolist(), change.values.tolist()
    ([1, 2], [2, 1])
    """
    top, left = max(rows[0], 0), max(columns[0], 0)
    part = labels[top : max(rows[1] + 1, 0), left : max(columns[1] + 1, 0)]
    found = np.nonzero(part)
    before = part[found]
    return Change((found[0] + top, found[1] + left), (3 - before).astype(np.uint8), before)


def difference(before: Labels, after: Labels, corner: tuple[int, int] = (0, 0)) -> Change:
    """What changed between two states of the labels, whoever changed it.

    Parameters
    ----------
    before, after : uint8 (rows, columns)
        A part of the labels of a window, as it was and as it is.
    corner : (row, column)
        Where in the window the part's first pixel lies.

    Examples
    --------
    >>> change = difference(np.array([[0, 1]], np.uint8), np.array([[0, 2]], np.uint8), corner=(7, 0))
    >>> change.rows, change.values.tolist(), change.before.tolist()
    ((7, 7), [2], [1])
    """
    rows, columns = np.nonzero(before != after)
    top, left = corner
    return Change((rows + top, columns + left), after[rows, columns], before[rows, columns])
