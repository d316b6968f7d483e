"""How well a class map agrees with the truth, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PixelScores:
    """Scores of the three classes, in their order: background, curve one, curve two.

    Parameters
    ----------
    precision, recall, f1, iou : three numbers each, 0 to 1; NaN where a class is neither there nor claimed.
    accuracy : share of all pixels that are right, which background alone makes high.
    """

    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    iou: tuple[float, ...]
    accuracy: float


def score_pixels(labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> PixelScores:
    """Score labels against the truth, both uint8 of one shape.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([[0, 1, 2, 0]], np.uint8)
    >>> score_pixels(np.zeros_like(truth), truth).accuracy
    0.5
    """
    pairs = (
        np.bincount(3 * truth.ravel().astype(np.intp) + labels.ravel(), minlength=9)
        .reshape(3, 3)
        .astype(float)
    )
    hits, claimed, there = np.diag(pairs), pairs.sum(axis=0), pairs.sum(axis=1)
    with np.errstate(invalid="ignore"):
        columns = (
            hits / claimed,
            hits / there,
            2 * hits / (claimed + there),
            hits / (claimed + there - hits),
        )
    precision, recall, f1, iou = (tuple(float(v) for v in column) for column in columns)
    return PixelScores(precision, recall, f1, iou, float(hits.sum() / pairs.sum()))


def curve_f1(scores: PixelScores) -> float:
    """The mean F1 of the two curves; a curve that is neither there nor claimed does not count.

    Examples
    --------
    >>> truth = np.array([[0, 1, 1, 0]], np.uint8)
    >>> curve_f1(score_pixels(truth, truth))
    1.0
    """
    known = [f1 for f1 in scores.f1[1:] if not np.isnan(f1)]
    return float(np.mean(known)) if known else 0.0
