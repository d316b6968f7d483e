"""From the class map to traces, below the pixel, and from traces to log curves in units."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.sparse import csr_array

from napari_welllog.class_map import ClassMap, WrittenClassMap
from napari_welllog.gaps import BRIDGES, bridge_gaps, gaps_to_bridge
from napari_welllog.paths import Path, PathSettings, find_paths
from napari_welllog.tracks import Curve, DepthAxis, Track

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

EDGE_LINE = 0.007
"""How near to an edge of the track its printed line is, as a share of the track's width."""

EDGE_ROWS = 17
"""Rows that a curve must run along an edge to be taken for its line; an odd number."""

EDGE_WANDER = 0.75
"""Pixels that the line of an edge wanders from the edge within so many rows; the arc of a curve wanders more."""

LESSER = 0.25
"""Rows that the lesser of two curves has, as a share of the other's, up to which it may be pieces of that one."""

SAME_STRAND = 0.8
"""Share of the rows of the lesser curve that one path over all ink runs through, if there is one curve."""

COARSE = 2
WIDEST_PEN = 12.0
_ROWS_AT_ONCE = 8192

_SHARES = np.arange(256, dtype=np.float32) / np.float32(255)
"""The probability that each byte of a class map stands for."""


class TraceState(IntEnum):
    """What is known of a trace at one row."""

    MISSING = 0
    TRACED = 1
    BRIDGED = 2
    EDITED = 3
    """Drawn, moved or given to this curve by a person."""
    ERASED = 4
    """Taken away by a person; as missing in every other way."""


@dataclass(frozen=True)
class Trace:
    """One curve in pixels.

    Parameters
    ----------
    curve_class : 1 or 2.
    top : scan row of the first element.
    column : float64 (n,), scan column of the centre of the stroke at each row; NaN where missing.
    confidence : float32 (n,), mean class probability of the stroke at each row, 0 where missing.
    state : uint8 (n,), a `TraceState` for each row.
    """

    curve_class: int
    top: int
    column: Floats
    confidence: NDArray[np.float32]
    state: NDArray[np.uint8]

    @property
    def rows(self) -> Floats:
        """Scan rows of the elements, float64 (n,)."""
        return self.top + np.arange(len(self.column), dtype=float)

    def count(self, state: TraceState) -> int:
        """Number of rows in a state."""
        return int(np.count_nonzero(self.state == state))


@dataclass(frozen=True)
class LogCurve:
    """One curve in units.

    Parameters
    ----------
    depth : float64 (n,), in `depth_unit`.
    value : float64 (n,), in `unit`; NaN where missing.
    mnemonic, unit, depth_unit, description : as in a LAS file.
    state : uint8 (n,), a `TraceState` for each depth.
    confidence : float32 (n,), 0 to 1.
    """

    depth: Floats
    value: Floats
    mnemonic: str
    unit: str
    depth_unit: str
    state: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    description: str = ""


def extract_traces(
    class_map: ClassMap | WrittenClassMap, track: Track, settings: PathSettings = PathSettings()
) -> list[Trace]:
    """Trace the curves of a track through the class map.

    First a path through the class probabilities over all rows decides which strand each curve is on; then the
    centre of the stroke is measured around it. A row in which the class is absent is bridged, when the gap is
    short, or missing.

    Parameters
    ----------
    class_map : the classes of the whole scan.
    track : where to look, and which curves are there.
    settings : what the path pays for.

    Returns
    -------
    One trace for each entry of `track.curves`, in their order, over the rows of the track.

    Examples
    --------
    >>> labels = np.zeros((40, 30), np.uint8); labels[:, 9:12] = 1
    >>> track = Track(name="t", left=0, right=29, top=0, bottom=39, curves=[
    ...     {"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150}])
    >>> float(extract_traces(ClassMap.from_labels(labels), track)[0].column[20])
    10.0
    """
    view = _TrackView(class_map, track)
    wrapping = {curve.curve_class for curve in track.curves if curve.wraps}
    wraps = 1 in wrapping, 2 in wrapping
    found = _find_strokes(view, settings, wraps)
    found = _as_one_curve(view, found, settings, wraps) or found
    return [_trace(view, k, *found[k - 1]) for k in (curve.curve_class for curve in track.curves)]


_Found = tuple[tuple[Path, "_Strokes"], tuple[Path, "_Strokes"]]
"""The path of each curve and the ink along it."""


def _find_strokes(view: _TrackView, settings: PathSettings, wraps: tuple[bool, bool]) -> _Found:
    """Find the paths of both curves, and measure the ink along them."""
    paths = find_paths(view.coarse_curves, view.rows, settings, wraps)
    one, two = _measure_strokes(view, paths)
    return (paths[0], one), (paths[1], two)


def _as_one_curve(
    view: _TrackView, found: _Found, settings: PathSettings, wraps: tuple[bool, bool]
) -> _Found | None:
    """What is found when all ink is that of one curve; None where the paper has two.

    Where a pen sweeps fast its line is thin and breaks, and pieces of a single curve come as curve two. If one path
    runs over nearly all that was traced as the lesser curve, there is one curve, and it is the other.
    """
    inked = [strokes.inked for _, strokes in found]
    rows = [np.count_nonzero(ink) for ink in inked]
    greater = int(rows[1] > rows[0])
    lesser = 1 - greater
    if not 0 < rows[lesser] <= LESSER * rows[greater]:
        return None
    alone = _find_strokes(view.with_all_ink_of(greater), settings, wraps)
    whole = alone[greater][1]
    meets = whole.meets(found[greater][1]), whole.meets(found[lesser][1])
    if np.count_nonzero(meets[1]) < SAME_STRAND * rows[lesser] or not _is_one_strand(whole, *meets):
        return None
    return alone


def _is_one_strand(whole: _Strokes, one: Mask, two: Mask) -> bool:
    """Whether a path goes on where it passes from the rows of one curve to those of another.

    Where it does, a row has ink of both side by side, or ink in neighbouring rows touches. Between two curves of
    which one is absent where the other is there, it jumps.
    """
    rows = np.flatnonzero(one | two)
    before, after = rows[:-1], rows[1:]
    passes = (one[before] != one[after]) | (two[before] != two[after])
    through = passes & ((one & two)[before] | (one & two)[after])
    apart = np.fmax(whole.left[after] - whole.right[before], whole.left[before] - whole.right[after])
    touching = passes & (after - before <= BRIDGES[0]) & ~(apart > _pen_width(whole))
    return bool(passes.any()) and int((through | touching).sum()) >= SAME_STRAND * int(passes.sum())


class _TrackView:
    """The curve probabilities inside one track: outside its edges and in ignored rectangles there is no ink."""

    def __init__(self, class_map: ClassMap | WrittenClassMap, track: Track) -> None:
        scan_rows = track.rows_within(class_map.shape[0])
        self.top, self.rows = int(scan_rows[0]), len(scan_rows)
        left, right = track.edges(scan_rows)
        self.edges = left, right
        self.left = max(0, int(np.floor(left.min())))
        self.width = min(class_map.shape[1], int(np.ceil(right.max())) + 1) - self.left
        self.sheets, self.ignore = class_map.curve_probabilities, track.ignore
        self.only: int | None = None

    def with_all_ink_of(self, curve: int) -> _TrackView:
        """The same, but for all ink being that of one curve, 0 or 1."""
        view = copy.copy(self)
        view.only = curve
        return view

    def planes(self, first: int, last: int) -> tuple[csr_array, csr_array]:
        """The probabilities of both curves in some rows, counted from the track's: sparse, uint8 (rows, columns)."""
        one, two = (self._inside(sheet[self.top + first : self.top + last], first) for sheet in self.sheets)
        if self.only is None:
            return one, two
        whole = one.astype(np.uint16) + two.astype(np.uint16)
        whole.data = np.minimum(whole.data, 255)
        both, nothing = whole.astype(np.uint8), csr_array(one.shape, dtype=np.uint8)
        return (nothing, both) if self.only else (both, nothing)

    def _inside(self, rows: csr_array, first: int) -> csr_array:
        """The part of rows of the scan, the first of them counted from the track's, that lies in the track."""
        part = rows[:, self.left : self.left + self.width]
        row = np.repeat(np.arange(first, first + part.shape[0]), np.diff(part.indptr))
        scan_row, column = row + self.top, part.indices + self.left
        inside = (column >= self.edges[0][row] - 0.5) & (column <= self.edges[1][row] + 0.5)
        for top, bottom, left, right in self.ignore:
            inside &= ~((scan_row >= top) & (scan_row <= bottom) & (column >= left) & (column <= right))
        kept = np.concatenate([[0], np.cumsum(np.bincount(row[inside] - first, minlength=part.shape[0]))])
        return csr_array((part.data[inside], part.indices[inside], kept), shape=part.shape)

    def coarse_curves(self, first: int, last: int) -> NDArray[np.float32]:
        """Probabilities of both curves, the larger of every two columns: fine enough to find the way, in half the time.

        Float32 (2, rows, half the columns), rows and columns counted from the track's.
        """
        curves = np.zeros((2, last - first, self.width + self.width % COARSE), np.uint8)
        for curve, plane in zip(curves, self.planes(first, last), strict=True):
            curve[:, : self.width] = plane.toarray()
        return _SHARES[np.maximum(curves[..., ::COARSE], curves[..., 1::COARSE])]


def _trace(view: _TrackView, curve_class: int, path: Path, stroke: _Strokes) -> Trace:
    """Measure one curve along its path; a curve that wraps is measured as if the paper went on."""
    left, right = view.edges
    passed = path.turns * (right - left)
    stroke = _Strokes(stroke.left + passed, stroke.right + passed, stroke.confidence)
    edges = left - view.left + passed, right - view.left + passed
    column = _without_edge_lines(_centre_line(stroke), edges)
    known = np.isfinite(column)
    confidence = np.where(known, stroke.confidence, 0.0)
    state = np.where(known, TraceState.TRACED, TraceState.MISSING).astype(np.uint8)
    gaps = gaps_to_bridge(column, path.present, edges)
    for first, last in gaps:
        confidence[first:last] = 0.5 * min(confidence[first - 1], confidence[last])
        state[first:last] = TraceState.BRIDGED
    column = bridge_gaps(column, gaps, stroke.right - stroke.left, _pen_width(stroke)) + view.left
    if passed.any():
        column = left + np.mod(column - left, right - left)
    return Trace(curve_class, view.top, column, confidence.astype(np.float32), state)


@dataclass(frozen=True)
class _Strokes:
    """The ink of one curve at each row of its path.

    Parameters
    ----------
    left, right : float64 (rows,), edges of the stroke, below the pixel; NaN where there is no ink or the other
        curve hides the edge.
    confidence : float64 (rows,), mean probability along the stroke.
    """

    left: Floats
    right: Floats
    confidence: Floats

    @classmethod
    def nothing(cls, rows: int) -> _Strokes:
        """No ink in any row."""
        return cls(np.full(rows, np.nan), np.full(rows, np.nan), np.zeros(rows))

    @property
    def inked(self) -> Mask:
        """Rows with ink, bool (rows,)."""
        return self.confidence > 0

    def meets(self, other: _Strokes) -> Mask:
        """Rows in which both have ink and it overlaps, bool (rows,); an edge that is not known is no obstacle."""
        with np.errstate(invalid="ignore"):
            beside = (self.left > other.right) | (other.left > self.right)
        return self.inked & other.inked & ~beside


def _measure_strokes(view: _TrackView, paths: tuple[Path, Path]) -> tuple[_Strokes, _Strokes]:
    """Measure the ink of both curves along their paths, some rows at a time."""
    measured = tuple(_Strokes.nothing(view.rows) for _ in paths)
    for first in range(0, view.rows, _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, view.rows)
        one, two = (_Pixels(plane) for plane in view.planes(first, last))
        for path, strokes, own, other in zip(paths, measured, (one, two), (two, one), strict=True):
            _measure_rows(strokes, slice(first, last), path, own, other)
    return measured[0], measured[1]


def _measure_rows(strokes: _Strokes, rows: slice, path: Path, own: _Pixels, other: _Pixels) -> None:
    """Measure the ink that a path runs over in some rows, in place: from the first run that it touches to the last."""
    runs = own.runs()
    present = np.flatnonzero(path.present[rows])
    entry, leave = (COARSE * ends[rows][present] for ends in (path.entry, path.exit))
    low = own.keys_of(present, np.minimum(entry, leave))
    high = own.keys_of(present, np.minimum(np.maximum(entry, leave) + COARSE - 1, own.columns - 1))
    first = np.searchsorted(runs.end, low)
    last = np.searchsorted(runs.begin, high, side="right") - 1
    touched = first <= last
    present, first, last = present[touched] + rows.start, first[touched], last[touched]
    begin, end = runs.begin[first], runs.end[last]
    strokes.left[present] = _edge(own, other, begin, -1)
    strokes.right[present] = _edge(own, other, end, 1)
    strokes.confidence[present] = (runs.sum_to[last + 1] - runs.sum_to[first]) / (end - begin + 1)


@dataclass(frozen=True)
class _Runs:
    """Runs of ink along the rows.

    Parameters
    ----------
    begin, end : int (n,), keys of the first and last pixel of each.
    sum_to : float64 (n + 1,), the probabilities of all runs before each one, summed.
    """

    begin: NDArray[np.intp]
    end: NDArray[np.intp]
    sum_to: Floats


class _Pixels:
    """The pixels of one curve that are not surely something else, by key: rows one after the other, paper between."""

    def __init__(self, plane: csr_array) -> None:
        self.columns = plane.shape[1]
        self.stride = self.columns + 2
        self.keys = self.keys_of(np.repeat(np.arange(plane.shape[0]), np.diff(plane.indptr)), plane.indices)
        self.values = _SHARES[plane.data]

    def keys_of(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.intp]:
        """The keys of pixels by row and column."""
        return np.asarray(rows * self.stride + columns + 1)

    def columns_of(self, keys: NDArray[np.intp]) -> NDArray[np.intp]:
        """The columns of pixels by key; -1 and one past the last for the paper beside the track."""
        return np.asarray(keys % self.stride - 1)

    def at(self, keys: NDArray[np.intp]) -> Floats:
        """The probabilities of pixels by key, float64 (n,)."""
        if len(self.keys) == 0:
            return np.zeros(len(keys))
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, self.values[place], 0.0)

    def runs(self) -> _Runs:
        """The runs of pixels that are more likely this curve's than not."""
        ink = self.values > 0.5
        keys, sums = self.keys[ink], np.concatenate([[0.0], np.cumsum(self.values[ink], dtype=float)])
        breaks = np.flatnonzero(np.diff(keys) > 1) + 1
        begins = np.concatenate([[0], breaks]) if len(keys) else breaks
        ends = np.concatenate([breaks, [len(keys)]]) if len(keys) else breaks
        return _Runs(keys[begins], keys[ends - 1], sums[np.concatenate([begins, [len(keys)]])])


def _edge(own: _Pixels, other: _Pixels, ink: NDArray[np.intp], outward: int) -> Floats:
    """Where the probability crosses one half between the last ink of a stroke and the paper; NaN where hidden."""
    inner, outer = own.at(ink), own.at(ink + outward)
    share = (0.5 - outer) / np.maximum(inner - outer, 1e-6)
    hidden = (other.at(ink + outward) > 0.4) | (other.at(ink + 2 * outward) > 0.5)
    return np.where(hidden, np.nan, own.columns_of(ink) + outward * (1 - np.clip(share, 0, 1)))


def _pen_width(stroke: _Strokes) -> float:
    """Width of the pen, from the rows where the stroke runs down the paper; bends and kicks only look wider."""
    middle, along = (stroke.left + stroke.right) / 2, stroke.right - stroke.left
    slope = np.abs(_moved(middle, 1) - _moved(middle, -1)) / 2
    width = along / np.hypot(1, slope)
    known = np.isfinite(width)
    calm = known & (np.where(known, slope, np.inf) < 1.5)
    if np.count_nonzero(calm) >= 50:
        return float(np.clip(np.median(width[calm]), 1.0, WIDEST_PEN))
    return float(np.clip(np.quantile(width[known], 0.3), 1.0, WIDEST_PEN)) if known.any() else 1.0


def _centre_line(stroke: _Strokes) -> Floats:
    """The centre of the stroke at each row, below the pixel; NaN where no ink was found.

    A round pen spreads a line by half its width every way. Undoing that on either side of the stroke, by eroding
    its right edge and its left edge with the pen, gives two estimates of the line which agree where the line
    runs alone, however steeply: the centre is found across the stroke, not along the row. Where the way out and
    the way back of a narrow kick have run together they disagree, and the line is at the far one.
    """
    half = _pen_width(stroke) / 2
    right = _eroded(stroke.right, half)
    left = -_eroded(-stroke.left, half)
    both = np.stack([left, right])
    known = np.isfinite(both)
    centre = np.where(known, both, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centre[~known.any(axis=0)] = np.nan
    return _settle_kicks(centre, left, right, stroke, half)


def _eroded(edge: Floats, half: float) -> Floats:
    """The line under a right edge, by taking away a round pen of half a width: a lower envelope over near rows."""
    offsets = sorted({*range(-int(half), int(half) + 1), -half, half})
    lowest = np.full(len(edge), np.inf)
    for offset in offsets:
        shifted = _shifted(edge, offset) - np.sqrt(max(half * half - offset * offset, 0.0))
        lowest = np.fmin(lowest, shifted)
    return np.where(np.isfinite(edge) & np.isfinite(lowest), lowest, np.nan)


def _shifted(edge: Floats, offset: float) -> Floats:
    """The edge at row + offset, between rows by a straight line; NaN beyond the ends and beside unknown rows."""
    below = int(np.floor(offset))
    weight = offset - below
    first = _moved(edge, below)
    return first if weight == 0 else (1 - weight) * first + weight * _moved(edge, below + 1)


def _moved(edge: Floats, offset: int) -> Floats:
    """The edge at row + offset, a whole number of rows."""
    moved = np.full(len(edge), np.nan)
    if offset >= 0:
        moved[: len(edge) - offset] = edge[offset:]
    else:
        moved[-offset:] = edge[:offset]
    return moved


def _settle_kicks(centre: Floats, left: Floats, right: Floats, stroke: _Strokes, half: float) -> Floats:
    """Where the two estimates of the line disagree, tell a narrow kick from a sweep.

    On a sweep the line moves on from row to row by more than the estimates differ, and its middle stays. A kick
    whose way out and way back have run together stands still between them, far from both: the line is at its tip,
    half a pen short of the end of the ink.
    """
    apart = max(4.0, 2 * half)
    onward = np.abs(_moved(centre, 1) - _moved(centre, -1))
    with np.errstate(invalid="ignore"):
        merged = (right - left > apart) & ~(onward >= right - left)
    before, after = _nearest_known(np.where(merged, np.nan, centre))
    right_tip, left_tip = stroke.right - half, stroke.left + half
    with np.errstate(invalid="ignore"):
        rightward = right_tip - np.fmax(before, after)
        leftward = np.fmin(before, after) - left_tip
    tip = np.where(leftward > rightward, left_tip, right_tip)
    return np.where(merged & (np.fmax(leftward, rightward) > apart), tip, centre)


def _nearest_known(columns: Floats) -> tuple[Floats, Floats]:
    """The nearest known column above and below each row; NaN beyond the first and last."""
    places = np.arange(len(columns))
    known = np.isfinite(columns)
    above = np.maximum.accumulate(np.where(known, places, -1))
    below = np.minimum.accumulate(np.where(known, places, len(columns))[::-1])[::-1]
    padded = np.concatenate([columns, [np.nan]])
    return padded[above], padded[np.minimum(below, len(columns))]


def _without_edge_lines(column: Floats, edges: tuple[Floats, Floats]) -> Floats:
    """Leave out what runs along an edge of the track: its printed line, or the curve held at the end of its scale.

    Either is off scale: pieces that never leave the edge, and stretches as straight as a line between an exit and a
    return.
    """
    places = np.flatnonzero(np.isfinite(column))
    kept, reach = column.copy(), EDGE_LINE * (edges[1] - edges[0])
    for piece in np.split(places, np.flatnonzero(np.diff(places) > BRIDGES[0]) + 1):
        if any(np.all(np.abs(column[piece] - edge[piece]) < reach[piece]) for edge in edges):
            kept[piece] = np.nan
    for edge in edges:
        kept[_runs_along(column - edge, reach)] = np.nan
    return kept


def _runs_along(offset: Floats, reach: Floats) -> Mask:
    """Rows in which a curve runs along an edge, near it and straight for `EDGE_ROWS` and more."""
    with np.errstate(invalid="ignore"):
        near = np.abs(offset) < reach
    highest = maximum_filter1d(np.where(near, offset, np.inf), EDGE_ROWS, mode="constant", cval=np.inf)
    lowest = minimum_filter1d(np.where(near, offset, -np.inf), EDGE_ROWS, mode="constant", cval=-np.inf)
    straight = highest - lowest <= EDGE_WANDER
    return np.asarray(maximum_filter1d(straight, EDGE_ROWS, mode="constant", cval=False))


def to_log_curve(trace: Trace, track: Track, depth_axis: DepthAxis, curve: Curve) -> LogCurve:
    """Give a trace its depths and values.

    Parameters
    ----------
    trace : the curve in pixels.
    track : whose edges carry the scale.
    depth_axis : rows to depth.
    curve : its scale, unit and mnemonic.

    Returns
    -------
    The curve in units. Off scale is not a value: beyond the edges of the track it is missing, unless the curve
    wraps, and then it is counted on by one range at each passage from one edge to the other.

    Examples
    --------
    >>> trace = Trace(1, 0, np.array([0.0, 50.0]), np.ones(2, np.float32), np.ones(2, np.uint8))
    >>> curve = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
    >>> track = Track(name="t", left=0, right=100, top=0, bottom=1, curves=[curve])
    >>> to_log_curve(trace, track, DepthAxis(unit="ft", anchors=[[0, 10], [1, 11]]), curve).value.tolist()
    [0.0, 75.0]
    """
    fractions = track.fractions(trace.rows, trace.column)
    left, right = track.edges(trace.rows)
    with np.errstate(invalid="ignore"):
        on_scale = np.abs(fractions - 0.5) <= 0.5 + 1.5 / (right - left)
    fractions = np.where(on_scale, np.clip(fractions, 0, 1), np.nan)
    if curve.wraps:
        fractions = fractions + count_wraps(fractions, curve.wraps)
    erased = trace.state == TraceState.ERASED
    state = np.where(on_scale | erased, trace.state, TraceState.MISSING).astype(np.uint8)
    return LogCurve(
        depth_axis.depths(trace.rows), curve.value_axis.values(fractions), curve.mnemonic, curve.unit, depth_axis.unit,
        state, np.where(on_scale, trace.confidence, np.float32(0)),
    )  # fmt: skip


NEAR_AN_EDGE = 0.12
LONGEST_PASSAGE = 40


def passages_of(trace: Trace) -> list[int]:
    """Where a curve that wraps has left the track at one edge and comes in again at the other.

    Parameters
    ----------
    trace : Trace
        The curve.

    Returns
    -------
    list of int
        Elements of the trace before which its line is to be broken: from the element before, the curve goes over
        more than half of all columns that it has.

    Examples
    --------
    >>> column = np.array([50.0, 70, 95, 3, 20, 40])
    >>> passages_of(Trace(1, 0, column, np.ones(6, np.float32), np.ones(6, np.uint8)))
    [3]
    """
    found = trace.column[np.isfinite(trace.column)]
    if len(found) < 2:
        return []
    step = np.abs(np.diff(trace.column, prepend=trace.column[:1]))
    return [int(place) for place in np.flatnonzero(step > 0.5 * np.ptp(found))]


def count_wraps(fractions: Floats, most: int) -> Floats:
    """Count the ranges that a backed-up curve is away from its own, at each row.

    It passes from one range to the next where it leaves the track near one edge and comes in again near the other
    within a few rows. The range in which it spends most rows is taken to be its own.

    Parameters
    ----------
    fractions : float64 (n,), place across the track, 0 to 1; NaN where missing.
    most : largest number of ranges away, either way.

    Returns
    -------
    float64 (n,) of whole numbers.

    Examples
    --------
    >>> count_wraps(np.array([0.5, 0.7, 0.95, 0.03, 0.2, 0.04, 0.97, 0.6]), 1).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    places = np.flatnonzero(np.isfinite(fractions))
    if len(places) < 2:
        return np.zeros(len(fractions))
    here = fractions[places]
    close = np.diff(places) <= LONGEST_PASSAGE
    upward = close & (here[:-1] > 1 - NEAR_AN_EDGE) & (here[1:] < NEAR_AN_EDGE)
    downward = close & (here[:-1] < NEAR_AN_EDGE) & (here[1:] > 1 - NEAR_AN_EDGE)
    turns = np.concatenate([[0], np.cumsum(upward.astype(int) - downward.astype(int))])
    values, counts = np.unique(turns, return_counts=True)
    turns = np.clip(turns - values[counts.argmax()], -most, most)
    whole = np.zeros(len(fractions))
    whole[places] = turns
    return whole
