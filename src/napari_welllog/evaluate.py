"""How good a network is: the figures it reaches on printed logs that no training ever saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from napari_welllog.class_map import ClassMap
from napari_welllog.crossings import APART, Score, find_crossings, score_crossings
from napari_welllog.curves import Trace, extract_traces
from napari_welllog.followers import METHODS, prepare
from napari_welllog.synthetic import PrintedLog, PrintedTrace, print_log
from napari_welllog.unet import Model, segment

if TYPE_CHECKING:
    from napari_welllog.unet.scores import PixelScores

TOLERANCES = (1, 2, 3)
"""Pixels by which a pixel may lie beside the truth and still count, in the tolerant F1."""

PEN = 0.012
"""About the width of a pen, as a share of the track: rows within it are read right."""


@dataclass(frozen=True)
class CurveFigures:
    """How well one of the two curves was read, over all logs; shares of rows or of the track's width.

    Parameters
    ----------
    coverage : float
        Share of the rows with the curve on paper in which it was read.
    mae : float
        Mean absolute error, share of the track's width.
    within : float
        Share of the rows read that lie within a pen's width, 1.2 % of the track.
    r2 : float
        Coefficient of determination, each log's and track's mean taken off first.
    on_other : float
        Share of the rows read that lie nearer to the other curve, by more than a pen's width.
    """

    coverage: float
    mae: float
    within: float
    r2: float
    on_other: float


@dataclass(frozen=True)
class Evaluation:
    """All figures of a network.

    Parameters
    ----------
    logs : int
        Number of printed logs.
    pixels : PixelScores
        Precision, recall, F1 and IoU of background, curve one and curve two.
    tolerant_f1 : dict of int to (float, float)
        F1 of curve one and curve two where pixels may be so many pixels off.
    curves : (CurveFigures, CurveFigures)
        Curve one and curve two.
    """

    logs: int
    pixels: PixelScores
    tolerant_f1: dict[int, tuple[float, float]]
    curves: tuple[CurveFigures, CurveFigures]


@dataclass(frozen=True)
class CrossingFigures:
    """How one reader left crossings: a follower, the class map or the traces.

    Parameters
    ----------
    reader : str
        Which.
    hops, judged : int
        Exits on the other strand, and exits on either.
    lost : int
        Exits on neither strand.
    rows_wrong : float
        Share of the rows judged below the crossings that were on the other curve.
    """

    reader: str
    hops: int
    judged: int
    lost: int
    rows_wrong: float

    @property
    def interval(self) -> tuple[float, float]:
        """Between which hop rates the true one lies, with 95 % confidence."""
        return wilson_interval(self.hops, self.judged)


def wilson_interval(hits: int, trials: int, deviations: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a rate: sound for rare events and few trials, too.

    Parameters
    ----------
    hits, trials : int
        How often it happened, and how often it could.
    deviations : float
        Standard deviations to either side; 1.96 for 95 %.

    Examples
    --------
    >>> low, high = wilson_interval(0, 100)
    >>> low, round(high, 3)
    (0.0, 0.037)
    """
    if trials == 0:
        return 0.0, 1.0
    square = deviations**2 / trials
    rate = hits / trials
    middle = (rate + square / 2) / (1 + square)
    reach = deviations * np.sqrt(rate * (1 - rate) / trials + square / (4 * trials)) / (1 + square)
    low = max(0.0, float(middle - reach)) if hits else 0.0
    return low, min(1.0, float(middle + reach)) if hits < trials else 1.0


def figures_of(scores: Sequence[Score]) -> list[CrossingFigures]:
    """Add up the scores of every reader, in the order in which they first come."""
    figures = []
    for reader in dict.fromkeys(score.method for score in scores):
        outcomes = [score.outcome for score in scores if score.method == reader]
        found = [outcome for outcome in outcomes if outcome.hopped is not None]
        rows = sum(outcome.rows_judged for outcome in outcomes)
        figures.append(
            CrossingFigures(
                reader,
                hops=sum(bool(outcome.hopped) for outcome in found),
                judged=len(found),
                lost=len(outcomes) - len(found),
                rows_wrong=sum(outcome.rows_wrong for outcome in outcomes) / max(rows, 1),
            )
        )
    return figures


def score_log(
    log: PrintedLog, class_map: ClassMap | None, methods: Sequence[str] = METHODS
) -> list[tuple[int, Score]]:
    """Score followers, and class map and traces if there is a class map, at every crossing of a printed log.

    Returns
    -------
    list of (track, Score)
        The index of the track beside each score.
    """
    assert log.tracks is not None
    scored: list[tuple[int, Score]] = []
    for index, track in enumerate(log.tracks.tracks):
        printed = [trace for trace in log.traces if trace.track == index]
        if len(printed) < 2:
            continue
        traces = [true_trace(trace) for trace in printed]
        crossings = [crossing for crossing in find_crossings(traces, track=track) if crossing.swaps]
        # Strands are apart when there is a pen's width of paper between thick pens, too.
        apart = max(APART, sum(trace.pen.width for trace in printed) / 2 + 4)
        read = extract_traces(class_map, track) if class_map is not None else None
        ink = prepare(log.scan, track)
        scores = score_crossings(traces, crossings, ink, class_map, read, methods, apart)
        scored += [(index, score) for score in scores]
    return scored


def true_trace(printed: PrintedTrace) -> Trace:
    """A printed curve as if it had been traced with full confidence."""
    column = printed.column
    return Trace(
        printed.curve_class, 0, column, np.ones(len(column), np.float32), np.isfinite(column).astype(np.uint8)
    )


def evaluate_crossings(
    model: Model | str | None = None,
    device: str = "auto",
    count: int = 8,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[CrossingFigures]:
    """Set a network beside the edge-followers at the crossings of printed logs; parameters as of `evaluate`."""
    from napari_welllog.unet.windows import HELD_OUT

    scores: list[Score] = []
    for k in range(count):
        log = print_log(HELD_OUT + seed * 1000 + k)
        class_map = segment(log.scan, model, device, cancelled=cancelled)
        scores += [score for _, score in score_log(log, class_map)]
        if progress is not None:
            progress((k + 1) / count)
    return figures_of(scores)


def evaluate(
    model: Model | str | None = None,
    device: str = "auto",
    count: int = 8,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Evaluation:
    """Measure a network on printed logs of held-out seeds.

    Parameters
    ----------
    model, device, cancelled
        As in `segment`.
    count : int
        Number of logs.
    seed : int
        Another seed gives other logs, just as unseen.
    progress : function, optional
        Called with the share of the logs done.

    Returns
    -------
    Evaluation
    """
    from napari_welllog.unet.scores import score_pixels
    from napari_welllog.unet.windows import HELD_OUT

    truths, guesses = [], []
    tolerant = {tolerance: np.zeros((2, 4), np.int64) for tolerance in TOLERANCES}
    rows: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    for k in range(count):
        log = print_log(HELD_OUT + seed * 1000 + k)
        class_map = segment(log.scan, model, device, cancelled=cancelled)
        truths.append(log.classes.ravel())
        guesses.append(class_map.labels.ravel())
        for tolerance, counts in tolerant.items():
            counts += np.stack([_counts(class_map.labels == c, log.classes == c, tolerance) for c in (1, 2)])
        for curve_class, fractions in _read_and_true(log, class_map):
            rows[curve_class - 1].append(fractions)
        if progress is not None:
            progress((k + 1) / count)
    return Evaluation(
        logs=count,
        pixels=score_pixels(np.concatenate(guesses), np.concatenate(truths)),
        tolerant_f1={tolerance: (_f1(c[0]), _f1(c[1])) for tolerance, c in tolerant.items()},
        curves=(_figures(rows[0]), _figures(rows[1])),
    )


def _read_and_true(log: PrintedLog, class_map: ClassMap) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """For every printed curve its class, and as (3, rows) what was read, its truth and the other curve's."""
    assert log.tracks is not None
    for index, track in enumerate(log.tracks.tracks):
        rows = track.rows_within(log.scan.shape[0])
        nothing = np.full(len(rows), np.nan)
        truth = {t.curve_class: track.fractions(rows, t.column[rows]) for t in log.traces if t.track == index}
        for trace in extract_traces(class_map, track):
            read = track.fractions(rows, trace.column[rows - trace.top])
            own, other = (truth.get(c, nothing) for c in (trace.curve_class, 3 - trace.curve_class))
            yield trace.curve_class, np.stack([read, own, other])


def _figures(curves: list[NDArray[np.float64]]) -> CurveFigures:
    """Pool the rows of many curves."""
    on_paper = seen = right = on_other = 0
    absolute = squared = spread = 0.0
    for read, own, other in curves:
        both = np.isfinite(read) & np.isfinite(own)
        error = np.abs(read - own)[both]
        on_paper += int(np.isfinite(own).sum())
        seen += int(both.sum())
        right += int((error <= PEN).sum())
        on_other += int((np.abs(read - other)[both] + PEN < error).sum())
        absolute += float(error.sum())
        squared += float(np.square(error).sum())
        spread += float(np.square(own[both] - own[both].mean()).sum()) if both.any() else 0.0
    if seen == 0:
        return CurveFigures(0.0, np.nan, np.nan, np.nan, np.nan)
    r2 = 1 - squared / spread if spread > 0 else np.nan
    return CurveFigures(seen / max(on_paper, 1), absolute / seen, right / seen, r2, on_other / seen)


def _counts(got: NDArray[np.bool_], truth: NDArray[np.bool_], tolerance: float) -> NDArray[np.int64]:
    """Pixels got and near the truth, got, in the truth and near those got, in the truth."""
    right, found = got & _near(truth, tolerance), truth & _near(got, tolerance)
    return np.array([right.sum(), got.sum(), found.sum(), truth.sum()], np.int64)


def _near(pixels: NDArray[np.bool_], tolerance: float) -> NDArray[np.bool_]:
    """Pixels at most so far from one of the set."""
    return np.asarray(distance_transform_edt(~pixels) <= tolerance) if pixels.any() else pixels


def _f1(counts: NDArray[np.int64]) -> float:
    """F1 of `_counts`; NaN where the class is neither there nor claimed."""
    right, got, found, there = (float(count) for count in counts)
    if got + there == 0:
        return float("nan")
    precision, recall = right / max(got, 1.0), found / max(there, 1.0)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
