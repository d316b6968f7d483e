"""Where to annotate next: the windows in which the network is least sure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_welllog.annotations.manifest import Place
from napari_welllog.class_map import ClassMap

_BLOCK = 2048
_STEPS = 4


@dataclass(frozen=True)
class Suggestion:
    """A window worth annotating.

    Parameters
    ----------
    place : Place
        Where it is.
    doubt : float
        How many of its pixels the network expects to have wrong.
    """

    place: Place
    doubt: float


def suggest_windows(
    class_map: ClassMap,
    existing: Iterable[Place] = (),
    count: int = 5,
    rows: int = 512,
    spans: Sequence[tuple[int, int]] | None = None,
) -> list[Suggestion]:
    """Rank the windows in which the network is least sure, none of which overlap.

    A pixel counts by the probability that its class is wrong, one minus that of the likeliest class, so a window
    counts by the mistakes that the network itself expects there.

    Parameters
    ----------
    class_map : ClassMap
        Of the whole scan.
    existing : sequence of Place
        Windows there are already, which suggestions keep clear of.
    count : int
        How many, at most.
    rows : int
        Their height.
    spans : sequence of (left, right), optional
        Columns to look between, first and last-plus-one, such as those of each track; the whole width when left
        out.

    Returns
    -------
    list of Suggestion
        The least sure first; fewer than asked for where the network is sure of the rest.

    Examples
    --------
    >>> one = np.zeros((900, 20), np.float32); one[:, 4] = 0.99; one[700:720, 4] = 0.6
    >>> class_map = ClassMap.from_probabilities(np.stack([1 - one, one, 0 * one]))
    >>> [best, *_] = suggest_windows(class_map, rows=100)
    >>> best.place.top <= 700 and best.place.last_row >= 719, round(best.doubt)
    (True, 9)
    """
    total_rows, total_columns = class_map.shape
    rows = min(rows, total_rows)
    spans = [(0, total_columns)] if spans is None else spans
    candidates = [
        candidate
        for span, doubt in zip(spans, _doubt_by_row(class_map, spans), strict=True)
        for candidate in _candidates(doubt, rows, span)
    ]
    taken = list(existing)
    chosen: list[Suggestion] = []
    for candidate in sorted(candidates, key=lambda candidate: -candidate.doubt):
        if len(chosen) >= count or candidate.doubt <= 0:
            break
        if not any(candidate.place.overlaps(place) for place in taken):
            chosen.append(candidate)
            taken.append(candidate.place)
    return chosen


def _candidates(doubt: NDArray[np.float64], rows: int, span: tuple[int, int]) -> Iterable[Suggestion]:
    """Windows of one height, each a quarter of it below the last, the lowest at the end of the scan."""
    total = np.concatenate([[0.0], np.cumsum(doubt)])
    last = len(doubt) - rows
    for top in sorted({*range(0, last + 1, max(rows // _STEPS, 1)), last}):
        place = Place(top=top, left=span[0], rows=rows, columns=span[1] - span[0])
        yield Suggestion(place, float(total[top + rows] - total[top]))


def _doubt_by_row(class_map: ClassMap, spans: Sequence[tuple[int, int]]) -> list[NDArray[np.float64]]:
    """For each span of columns and each row, how many pixels are expected to be wrong."""
    sums: list[list[NDArray[np.float64]]] = [[] for _ in spans]
    # Block by block: dense probabilities of a long scan would not fit.
    for top in range(0, class_map.shape[0], _BLOCK):
        one, two = (
            plane[top : top + _BLOCK].toarray().astype(np.int16) for plane in class_map.curve_probabilities
        )
        likeliest = np.maximum(np.maximum(one, two), 255 - one - two)
        doubt = np.maximum(255 - likeliest, 0)
        for parts, (left, right) in zip(sums, spans, strict=True):
            parts.append(doubt[:, left:right].sum(axis=1, dtype=np.int64) / 255)
    return [np.concatenate(parts) for parts in sums]
