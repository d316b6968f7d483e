"""How traces and class maps are judged against the truth.

Positions of curves are fractions of the track width. Everything here is arithmetic on arrays: it knows
neither how a print was made nor how it was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

PEN = 0.012
"""About the width of a pen, as a share of the track: rows within it are read right."""

APART = 0.025
"""Strands farther apart than this can be told from each other by where they are."""

AFTER = 40
"""Rows below a crossing in which a curve shows on which strand it left: four feet at ten rows to the foot."""


@dataclass(frozen=True)
class CurveScore:
    """How well one curve was read; every figure is a share of rows or of the track width.

    A curve that was not read at all has an infinite error, so that a median over prints cannot overlook it.
    """

    coverage: float
    mae: float
    r2: float
    within: float
    swapped: float
    invented: float


@dataclass(frozen=True)
class CrossingScore:
    """How many crossings the truth has; for either curve, how many exits could be judged and were hops."""

    count: int
    judged: tuple[int, int]
    hops: tuple[int, int]


def score_curve(
    got: NDArray[np.float64], own: NDArray[np.float64], other: NDArray[np.float64], absent: NDArray[np.bool_]
) -> CurveScore:
    """Score one curve row by row.

    Parameters
    ----------
    got : float64 (rows,)
        What was read, NaN where missing.
    own, other : float64 (rows,)
        Truth of this curve and of its neighbour in the track, NaN where not judged.
    absent : bool (rows,)
        Rows where the curve is certainly not on the paper, so that anything read there is invented.
    """
    judged = np.isfinite(own)
    seen = judged & np.isfinite(got)
    invented = float((np.isfinite(got) & absent).mean())
    if not seen.any():
        return CurveScore(0.0, np.inf, -np.inf, 0.0, 0.0, invented)
    error = np.abs(got - own)[seen]
    to_other = np.abs(got - other)[seen]
    return CurveScore(
        coverage=float(seen.sum() / judged.sum()),
        mae=float(error.mean()),
        r2=float(1 - np.square(error).mean() / max(np.var(own[seen]), np.finfo(float).tiny)),
        within=float((error <= PEN).mean()),
        swapped=float((to_other + PEN < error).mean()),
        invented=invented,
    )


def score_crossings(got: NDArray[np.float64], truth: NDArray[np.float64]) -> CrossingScore:
    """Judge on which strand each curve leaves each crossing.

    Parameters
    ----------
    got, truth : float64 (2, rows)
        Both curves, NaN where missing or not judged.

    Notes
    -----
    A curve is judged where, in the `AFTER` rows below the crossing, at least five rows were read in which the
    strands stand more than `APART` apart; it hopped when most of these lie nearer to the other strand.
    """
    gap = truth[0] - truth[1]
    both = np.isfinite(gap[:-1]) & np.isfinite(gap[1:])
    crossings = np.flatnonzero(both & ((gap[:-1] < 0) != (gap[1:] < 0)))
    judged, hops = [0, 0], [0, 0]
    for crossing in crossings:
        below = np.arange(crossing + 1, min(crossing + 1 + AFTER, gap.size))
        apart = below[np.abs(gap[below]) > APART]
        for curve in (0, 1):
            read = apart[np.isfinite(got[curve, apart])]
            if read.size >= 5:
                judged[curve] += 1
                to_own = np.abs(got[curve, read] - truth[curve, read])
                to_other = np.abs(got[curve, read] - truth[1 - curve, read])
                hops[curve] += bool(np.median(to_other - to_own) < 0)
    return CrossingScore(len(crossings), (judged[0], judged[1]), (hops[0], hops[1]))


def pixel_counts(
    got: NDArray[np.bool_], truth: NDArray[np.bool_], tolerances: Sequence[float] = (0,)
) -> NDArray[np.int64]:
    """Count what precision and recall are made of, so that pictures can be pooled by adding.

    Parameters
    ----------
    got, truth : bool (rows, columns)
        The pixels of one class.
    tolerances : sequence of float
        Pixels this near to one of the other set count as right.

    Returns
    -------
    int64 (tolerances, 4)
        Pixels got and right, pixels got, pixels of the truth found, pixels of the truth.
    """
    from_truth, from_got = (_distance(pixels, max(tolerances)) for pixels in (truth, got))
    return np.array(
        [
            [(from_truth[got] <= near).sum(), got.sum(), (from_got[truth] <= near).sum(), truth.sum()]
            for near in tolerances
        ],
        dtype=np.int64,
    )


def f1(counts: NDArray[np.int64]) -> float:
    """F1 of one row of `pixel_counts`; NaN when neither set has a pixel.

    Examples
    --------
    >>> f1(np.array([8, 10, 8, 8]))
    0.888...
    """
    right, got, found, truth = (float(count) for count in counts)
    if got + truth == 0:
        return float("nan")
    precision, recall = right / max(got, 1.0), found / max(truth, 1.0)
    return 2 * precision * recall / max(precision + recall, 1e-12)


def intersection_over_union(counts: NDArray[np.int64]) -> float:
    """Intersection over union of one row of `pixel_counts` without tolerance.

    Examples
    --------
    >>> intersection_over_union(np.array([8, 10, 8, 8]))
    0.8
    """
    right, got, _, truth = (float(count) for count in counts)
    return right / (got + truth - right) if got + truth else float("nan")


def _distance(pixels: NDArray[np.bool_], furthest: float) -> NDArray[np.float64]:
    """Distance of every pixel to the set, at least as far as `furthest`."""
    if not pixels.any():
        return np.full(pixels.shape, np.inf)
    if furthest == 0:
        return np.where(pixels, 0.0, np.inf)
    return np.asarray(distance_transform_edt(~pixels), np.float64)
