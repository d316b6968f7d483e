"""Find tracks by themselves: the printed grid gives away their edges, their top and their bottom.

The vertical lines of a log's grid run on for its whole length while everything else on the page comes and
goes, and the horizontal ones stop at the tracks' edges. So the scan is cut into bands of rows; each band is
summed along its rows, which leaves a profile with a spike at every vertical line, however broken; and the
longest run of bands whose profiles agree is the log. Profiles are shifted onto each other, which measures the
skew of the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import TracksError
from napari_welllog.tracks.calibration import Curve, DepthAxis, Track, Tracks, piecewise_linear
from napari_welllog.tracks.ruled_spans import ruled_spans

Edge = float | list[tuple[float, float]]
Span = tuple[float, float]
FloatArray = NDArray[np.float64]

_BAND_ROWS = (
    32,
    128,
)  # few enough that a skewed line stays within a few columns, enough to tell dots from noise
_REACH = 8  # columns that a line may move from one band to the next
_AGREEMENT = 0.45  # correlation of neighbouring bands inside a log; worn scans have 0.6 to 0.8
_LONGEST_GAP = 4  # bands between two sheets of one log
_ROUNDS = 8  # of alignment; on a skewed page each finds a few more bands of the log
_SATURATION = 0.6  # darkness above which a line is just a line: weight must not outvote position
_SMALLEST_SCAN = (64, 32)
_NARROWEST_TRACK = 0.05  # of the scan's width
_NARROWEST_BESIDE = 0.25  # of the widest track
_FAINTEST_LINE = 0.008  # darkness of a line that the header vouches for
_PAPER_WIDTH = 8.25  # inches, of most logs
_FOOT_OF_HEADER = 0.3  # inches
_FRAMED = 0.65  # share of its rows that a worn frame darkens; a word there darkens fewer
_FAINT_STROKE = 60  # grey values by which a faint frame is darker than the paper beside it
_LEAST_FRAME = 0.16  # inches; no letter is as tall
_GAP_IN_FRAME = 10  # rows; a thick rule may cross it
_SHARE_OF_FRAME = 0.75  # of its rows in which it has ink
_BELOW_TOP = 0.9  # inches by which a worn grid may seem to begin too high
_DEPTH_COLUMN = (0.03, 0.14)  # of the scan's width
_ROWS_OF_A_DASHED_CURVE = 0.3  # share of the rows in which it has ink; depth numbers have less
_FEW_LINES = 2  # from which the lines inside tracks tell where the log ends
_WIDE_GAP = 2.2  # times the spacing of both neighbours: a depth column crossed by the horizontal lines

_REFUSAL = (
    "no track was found: nothing on the scan looks like the printed grid of a log; "
    "give the tracks in a tracks.json"
)


def propose_tracks(pixels: NDArray[np.uint8]) -> Tracks:
    """Propose the tracks of a scan from its printed grid.

    Each track gets two curves whose values are fractions of the track's width, 0 at its left edge and 1 at
    its right; depth is the scan's row. A person who knows the printed scales and depths fills them in.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan, 0 ink and 255 paper.

    Returns
    -------
    Tracks
        Edges are single columns on a straight page and points joined by straight lines on a skewed one.

    Raises
    ------
    TracksError
        If nothing on the scan looks like the grid of a log.

    Notes
    -----
    Two tracks side by side on one unbroken grid are told apart by a line between their scales in the header;
    without one they are proposed as a single track. Where the grid has worn away the rules under the scales of
    the header say how far a track goes.

    Examples
    --------
    >>> import numpy as np
    >>> scan = np.full((600, 300), 255, np.uint8)
    >>> scan[100:, 20:221:20] = 0
    >>> scan[100::25, 20:221] = 0
    >>> track = propose_tracks(scan).tracks[0]
    >>> track.left, track.right, track.top, track.bottom
    (20.0, 220.0, 100.0, 599.0)
    """
    rows, columns = pixels.shape
    if rows < _SMALLEST_SCAN[0] or columns < _SMALLEST_SCAN[1]:
        raise TracksError(_REFUSAL)
    log = _find_log(_Bands.of(pixels))
    lines = _find_lines(log)
    spans = [
        part
        for span in _find_spans(pixels, log, lines)
        for part in _split_at_header(pixels, log, lines, span)
    ]
    top, bottom = _find_ends(pixels, log, lines, spans)
    spans = _as_ruled(pixels, log, lines, spans, top)
    if not spans:
        raise TracksError(_REFUSAL)
    tracks = [
        Track(
            name=f"track {number}",
            left=_edge(log, span[0], lines, (top, bottom), columns),
            right=_edge(log, span[1], lines, (top, bottom), columns),
            top=top,
            bottom=bottom,
            curves=[
                Curve(curve_class=kind, mnemonic=f"T{number}C{kind}", unit="fraction", left=0, right=1)
                for kind in (1, 2)
            ],
        )
        for number, span in enumerate(spans, start=1)
    ]
    return Tracks(depth=DepthAxis(unit="row", anchors=[(0, 0), (rows - 1, rows - 1)]), tracks=tracks)


# --- Bands of rows, and the log among them ---


@dataclass(frozen=True)
class _Bands:
    """A scan cut into bands: their first rows, with the scan's end, and how dark a line each column holds."""

    starts: NDArray[np.intp]
    spikes: FloatArray  # (bands, columns), 0 to 1
    line_width: int  # columns within which the widest line of a grid fits

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> _Bands:
        """Cut a scan into bands and find what is dark and narrow in each."""
        rows, columns = pixels.shape
        height = int(np.clip(rows / 40, *_BAND_ROWS))
        starts = np.linspace(0, rows, max(rows // height, 1) + 1).astype(np.intp)
        darkness = np.stack([255 - pixels[top:bottom].mean(axis=0) for top, bottom in pairwise(starts)]) / 255
        line_width = 2 * round(columns / 200) + 9
        return cls(starts, _narrow(darkness, line_width), line_width)

    @property
    def centres(self) -> FloatArray:
        """Row in the middle of each band."""
        return np.asarray((self.starts[:-1] + self.starts[1:] - 1) / 2, np.float64)


@dataclass(frozen=True)
class _Log:
    """The bands that show the log, how far the page has moved sideways in each, and their common lines."""

    bands: _Bands
    first: int
    last: int  # one after the last
    shifts: FloatArray  # (bands,), columns
    profile: FloatArray  # (columns,), spikes of the vertical lines where they are in a band of shift 0

    @property
    def rows(self) -> tuple[int, int]:
        """First row of the log and the one after its last, to the nearest band."""
        return int(self.bands.starts[self.first]), int(self.bands.starts[self.last])

    def shift_at(self, rows: FloatArray) -> FloatArray:
        """Columns by which the page has moved sideways at rows."""
        return np.interp(rows, self.bands.centres, self.shifts)


def _narrow(profiles: FloatArray, width: int) -> FloatArray:
    """Keep what is higher than its surroundings and narrower than width, along the last axis."""
    from scipy.ndimage import white_tophat

    size = [1] * (profiles.ndim - 1) + [width]
    return np.asarray(white_tophat(profiles, size=size), np.float64)


def _find_log(bands: _Bands) -> _Log:
    """Find the longest run of bands that have their vertical lines in common."""
    seen = np.minimum(bands.spikes, _SATURATION)
    agreement, moves = _register(seen[1:], seen[:-1])
    first, last = _richest_run(agreement > _AGREEMENT, _count_lines(seen))
    steps = np.where(agreement > _AGREEMENT, moves, 0.0)[first : last - 1]
    shifts = _held(np.concatenate([np.zeros(first + 1), np.cumsum(steps)]), first, last, len(seen))
    for _ in range(_ROUNDS):
        aligned = _shifted(seen, -shifts)
        common = np.median(aligned[first:last], axis=0)
        agreement, moves = _register(aligned, np.broadcast_to(common, aligned.shape))
        agrees = agreement > 0.5 * np.median(agreement[first:last])
        grown = _longest_run(_closed(agrees, _LONGEST_GAP))
        shifts = _held(_smooth(shifts + np.where(agrees, moves, 0.0), *grown), *grown, len(seen))
        if grown == (first, last) and np.abs(moves[first:last]).max() < 1:
            break
        first, last = grown
    profile = np.median(_shifted(bands.spikes, -shifts)[first:last], axis=0)
    return _Log(bands, first, last, shifts, profile)


def _register(profiles: FloatArray, references: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Correlate profiles with references over small shifts: the best correlation, and the columns moved."""
    length = profiles.shape[1] + 2 * _REACH
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    references = references - references.mean(axis=1, keepdims=True)
    product = np.fft.rfft(profiles, length) * np.fft.rfft(references, length).conj()
    correlation = np.fft.irfft(product, length)
    correlation = np.concatenate([correlation[:, -_REACH:], correlation[:, : _REACH + 1]], axis=1)
    norm = np.sqrt((profiles**2).sum(axis=1) * (references**2).sum(axis=1))
    correlation /= np.maximum(norm, 1e-9)[:, None]
    best = np.clip(correlation.argmax(axis=1), 1, 2 * _REACH - 1)
    every = np.arange(len(best))
    before, here, after = (correlation[every, best + side] for side in (-1, 0, 1))
    bend = np.maximum(2 * here - before - after, 1e-9)
    return here, best - _REACH + np.clip((after - before) / (2 * bend), -0.5, 0.5)


def _shifted(profiles: FloatArray, shifts: FloatArray) -> FloatArray:
    """Move each profile by its own, fractional, number of columns."""
    columns = profiles.shape[1]
    length = columns + 2 * int(np.abs(shifts).max() + _REACH + 1)
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(length) * shifts[:, None])
    return np.asarray(np.fft.irfft(np.fft.rfft(profiles, length) * turn, length)[:, :columns], np.float64)


def _count_lines(spikes: FloatArray) -> NDArray[np.intp]:
    """Count the lines in each band."""
    middle = spikes[:, 1:-1]
    is_line = (middle > 0.15) & (middle >= spikes[:, :-2]) & (middle > spikes[:, 2:])
    return np.asarray(is_line.sum(axis=1), np.intp)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of true flags: first, and one after the last."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _closed(flags: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """Fill gaps of so many false flags between true ones."""
    closed = flags.copy()
    for start, end in _runs(~flags):
        if start > 0 and end < len(flags) and end - start <= gap:
            closed[start:end] = True
    return closed


def _richest_run(agreeing: NDArray[np.bool_], lines: NDArray[np.intp]) -> tuple[int, int]:
    """Run of bands that agree with their neighbours and hold most lines; a header holds few."""
    runs = [(first, last + 1) for first, last in _runs(_closed(agreeing, 1))]
    if not runs:
        raise TracksError(_REFUSAL)
    return max(runs, key=lambda run: int(np.minimum(lines[run[0] : run[1]], 40).sum()))


def _longest_run(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """Longest run of true flags."""
    return max(_runs(flags), key=lambda run: run[1] - run[0])


def _held(shifts: FloatArray, first: int, last: int, count: int) -> FloatArray:
    """Shifts of all bands: outside the log those of its first and last band."""
    held = np.empty(count)
    held[first:last] = shifts[first:last]
    held[:first], held[last:] = shifts[first], shifts[last - 1]
    return held


def _smooth(shifts: FloatArray, first: int, last: int) -> FloatArray:
    """Shifts without the outliers that a band full of kicks gives."""
    from scipy.ndimage import gaussian_filter1d, median_filter

    smooth = shifts.copy()
    smooth[first:last] = gaussian_filter1d(
        median_filter(shifts[first:last], 5, mode="nearest"), 1, mode="nearest"
    )
    return smooth


# --- Vertical lines, and the tracks between them ---


def _find_lines(log: _Log) -> FloatArray:
    """Columns of the vertical lines, where they are in a band of shift 0."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    columns = len(log.profile)
    profile = np.pad(gaussian_filter1d(log.profile, max(1, log.bands.line_width / 15), mode="constant"), 1)
    peaks, found = find_peaks(profile, height=0.02, distance=max(6, columns // 250))
    if len(peaks) < 2:
        raise TracksError(_REFUSAL)
    peaks = peaks[found["peak_heights"] > 0.25 * np.percentile(found["peak_heights"], 75)]
    lines = _centres(log.profile, peaks - 1, max(2, log.bands.line_width // 5))
    lines = lines[np.insert(np.diff(lines) > 4, 0, True)]
    if len(lines) < 2:
        raise TracksError(_REFUSAL)
    return lines


def _centres(profile: FloatArray, peaks: NDArray[np.intp], reach: int) -> FloatArray:
    """Centres of mass of spikes."""
    around = peaks[:, None] + np.arange(-reach, reach + 1)
    inside = (around >= 0) & (around < len(profile))
    mass = np.where(inside, profile[np.clip(around, 0, len(profile) - 1)], 0.0)
    # Only the spike itself counts: the foot of a curve that leans on a line would pull its centre aside.
    mass = np.maximum(mass - 0.5 * mass.max(axis=1, keepdims=True), 0)
    return np.asarray((mass * around).sum(axis=1) / mass.sum(axis=1), np.float64)


def _find_spans(pixels: NDArray[np.uint8], log: _Log, lines: FloatArray) -> list[Span]:
    """Left and right edges of what level lines cross without a break, and of their like without a grid."""
    darkness = _row_darkness(pixels, log, list(pairwise(lines)))
    strength, agreement = _strength(darkness), _agreement_with_neighbours(darkness)
    usual = float(np.percentile(strength, 75))
    crossed = (strength > max(0.5 * usual, 0.1)) | ((strength > 0.04) & (agreement > 0.4))
    spans: list[Span] = []
    if crossed.any():
        crossed = _mended(crossed, agreement, lines) & ~_depth_columns(pixels, log, lines)
        runs = _runs(crossed)
        widest = max((lines[last] - lines[first] for first, last in runs), default=0)
        least = max(_NARROWEST_TRACK * pixels.shape[1], _NARROWEST_BESIDE * widest)
        runs = [(first, last) for first, last in runs if lines[last] - lines[first] >= least]
        spans = [_with_cut_off_ends(pixels, log, lines, run, usual) for run in runs]
    return sorted(spans + _spans_without_grid(pixels, log, lines, spans))


def _mended(crossed: NDArray[np.bool_], agreement: FloatArray, lines: FloatArray) -> NDArray[np.bool_]:
    """Drop text that looks like a scrap of grid, and fill gaps of the grid's own spacing that have faded."""
    spacing = float(np.median(np.diff(lines)[crossed]))
    mended = crossed.copy()
    for start, end in _runs(crossed):
        if lines[end] - lines[start] < 0.8 * spacing:
            mended[start:end] = False
    for start, end in _runs(~mended):
        between = start > 0 and end < len(mended)
        if between and lines[end] - lines[start] < 1.5 * spacing and agreement[start:end].max() > 0.3:
            mended[start:end] = True
    return mended


def _depth_columns(pixels: NDArray[np.uint8], log: _Log, lines: FloatArray) -> NDArray[np.bool_]:
    """Gaps much wider than both neighbours, unlike any other and without a curve, though crossed by lines."""
    gaps = np.diff(lines)
    flags = np.zeros(len(gaps), bool)
    for i in range(1, len(gaps) - 1):
        wide = gaps[i] > _WIDE_GAP * max(gaps[i - 1], gaps[i + 1])
        alone = (np.abs(gaps / gaps[i] - 1) < 0.1).sum() == 1
        flags[i] = wide and alone and not _holds_a_curve(pixels, log, (lines[i], lines[i + 1]))
    return flags


def _spans_without_grid(
    pixels: NDArray[np.uint8], log: _Log, lines: FloatArray, spans: list[Span]
) -> list[Span]:
    """Edges of tracks that have nothing but edges: as wide as another track, with a curve between them."""
    found: list[tuple[float, float]] = []
    widths = [right - left for left, right in spans] or [float(np.diff(lines).max())]
    least = 2 * _NARROWEST_TRACK * pixels.shape[1]
    pairs = [(float(left), float(right)) for i, left in enumerate(lines) for right in lines[i + 1 :]]
    pairs = [pair for pair in pairs if _misfit(pair, widths) < 0.05 and pair[1] - pair[0] > least]
    for pair in sorted(pairs, key=lambda pair: _misfit(pair, widths)):
        apart = all(pair[1] <= other[0] + 1 or pair[0] >= other[1] - 1 for other in [*spans, *found])
        if apart and _holds_a_curve(pixels, log, pair):
            found.append(pair)
    return found


def _misfit(pair: tuple[float, float], widths: list[float]) -> float:
    """How unlike the nearest width that of a pair of lines is."""
    return min(abs((pair[1] - pair[0]) / width - 1) for width in widths)


def _holds_a_curve(
    pixels: NDArray[np.uint8], log: _Log, pair: tuple[float, float], share: float = 0.5
) -> bool:
    """Tell whether most rows between two lines hold the ink of a pen; the words of a depth column do not."""
    margin = log.bands.line_width // 2
    bands = []
    for band in np.unique(np.linspace(log.first, log.last - 1, 24).astype(np.intp)):
        first, last = np.rint(np.add(pair, (margin, -margin)) + log.shifts[band]).astype(np.intp)
        block = pixels[log.bands.starts[band] : log.bands.starts[band + 1], max(first, 0) : max(last, 0)]
        if block.shape[1] > 2:
            bands.append(_narrow((255.0 - block) / 255, log.bands.line_width).max(axis=1))
    if not bands:
        return False
    darkest = np.concatenate(bands)
    return float((darkest > max(0.1, 0.5 * np.percentile(darkest, 99))).mean()) > share


def _with_cut_off_ends(
    pixels: NDArray[np.uint8], log: _Log, lines: FloatArray, run: tuple[int, int], usual: float
) -> tuple[float, float]:
    """Edges of a track, one division further out where the page was cut off inside its last division."""
    edges = [float(lines[end]) for end in run]
    division = float(np.median(np.diff(lines[run[0] : run[1] + 1])))
    for side, outward, is_outermost in ((0, -1, run[0] == 0), (1, 1, run[1] == len(lines) - 1)):
        gaps = [tuple(sorted((edges[side], edges[side] + way * division))) for way in (outward, -outward)]
        darkness = _row_darkness(pixels, log, gaps)
        goes_on = _strength(darkness)[0] > 0.4 * usual and _agreement_with_neighbours(darkness)[0] > 0.4
        if is_outermost and goes_on:
            edges[side] += outward * division
    return edges[0], edges[1]


def _row_darkness(pixels: NDArray[np.uint8], log: _Log, gaps: list[tuple[float, ...]]) -> FloatArray:
    """Darkness of level lines in gaps between vertical lines, float64 (gaps, rows), in up to 48 bands."""
    ends = np.asarray(gaps, np.float64)
    margin = np.minimum(log.bands.line_width // 4, np.diff(ends, axis=1) / 3)
    parts = []
    for band in np.unique(np.linspace(log.first, log.last - 1, 48).astype(np.intp)):
        edges = ends + log.shifts[band] + margin * [1, -1]
        parts.append(_row_means(pixels[log.bands.starts[band] : log.bands.starts[band + 1]], edges))
    return _narrow(np.concatenate(parts).T, log.bands.line_width)


def _row_means(block: NDArray[np.uint8], edges: FloatArray) -> FloatArray:
    """Mean darkness of each row between edges, float64 (rows, gaps); 0 where a gap is off the scan."""
    columns = block.shape[1]
    lows, highs = np.clip(np.rint(edges), 0, columns).astype(np.intp).T
    sums = np.zeros((len(block), columns + 1))
    np.cumsum(255.0 - block, axis=1, out=sums[:, 1:])
    return np.asarray((sums[:, highs] - sums[:, lows]) / (255 * np.maximum(highs - lows, 1)), np.float64)


def _strength(darkness: FloatArray) -> FloatArray:
    """How dark the level lines of each gap are."""
    # One row in fifty or so is a level line of the grid; a curve that runs level seldom fills a whole gap.
    return np.asarray(np.percentile(darkness, 98.5, axis=1), np.float64)


def _agreement_with_neighbours(darkness: FloatArray, reach: int = 4) -> FloatArray:
    """Correlation of each gap's rows with those of its better neighbour, a few rows up or down for skew."""
    if len(darkness) < 2:
        return np.zeros(len(darkness))
    centred = darkness - darkness.mean(axis=1, keepdims=True)
    centred /= np.maximum(centred.std(axis=1, keepdims=True), 1e-6)
    middle = centred[:-1, reach : centred.shape[1] - reach]
    lags = range(2 * reach + 1)
    pairs = np.max([(middle * centred[1:, lag : lag + middle.shape[1]]).mean(axis=1) for lag in lags], axis=0)
    return np.asarray(np.maximum(np.append(pairs, 0.0), np.insert(pairs, 0, 0.0)), np.float64)


def _split_at_header(pixels: NDArray[np.uint8], log: _Log, lines: FloatArray, span: Span) -> list[Span]:
    """Part tracks on one unbroken grid where a line stands between their scales in the header."""
    inside = lines[(lines > span[0] + 1) & (lines < span[1] - 1)]
    start = log.rows[0]
    header = pixels[max(start - 8 * _BAND_ROWS[1], 0) : start]
    if not len(inside) or len(header) < _BAND_ROWS[0]:
        return [span]
    heights = np.array(
        [_longest_stroke(header, column + log.shifts[log.first]) for column in [*span, *inside]]
    )
    frame = heights[:2].min()
    if frame < _LEAST_FRAME * pixels.shape[1] / _PAPER_WIDTH:
        return [span]
    dividers = inside[heights[2:] > 0.6 * frame]
    edges = [span[0], *dividers, span[1]]
    parts = list(pairwise(edges))
    return parts if min(right - left for left, right in parts) > 0.25 * (span[1] - span[0]) else [span]


def _longest_stroke(block: NDArray[np.uint8], column: float) -> int:
    """Rows of the longest vertical stroke near a column that is darker than what is beside it, if only a little.

    Rules of the header cross it, and it may be worn: short gaps do not end it.
    """
    centre = round(column)
    longest = 0
    for at in range(max(centre - 3, 0), centre + 4):
        beside = np.concatenate(
            [block[:, max(at - 8, 0) : max(at - 4, 0)], block[:, at + 5 : at + 9]], axis=1
        )
        near = block[:, max(at - 1, 0) : at + 2]
        if 0 in near.shape or 0 in beside.shape:
            continue
        inked = near.min(axis=1).astype(np.int16) + _FAINT_STROKE < np.median(beside, axis=1)
        for start, end in _runs(_closed(inked, _GAP_IN_FRAME)):
            if inked[start:end].mean() > _SHARE_OF_FRAME:
                longest = max(longest, end - start)
    return longest


def _weak_lines(log: _Log, lines: FloatArray) -> FloatArray:
    """Columns of vertical lines, the faintest too: at the end of a header's rule there is one."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    profile = gaussian_filter1d(log.profile, max(1, log.bands.line_width / 15), mode="constant")
    peaks, _ = find_peaks(np.pad(profile, 1), height=_FAINTEST_LINE, distance=6)
    weak = _centres(log.profile, peaks - 1, max(2, log.bands.line_width // 5))
    apart = np.abs(weak[:, None] - lines).min(axis=1) > log.bands.line_width
    return np.sort(np.concatenate([lines, weak[apart]]))


def _as_ruled(
    pixels: NDArray[np.uint8], log: _Log, lines: FloatArray, spans: list[Span], top: float
) -> list[Span]:
    """Tracks as the header rules them: where the grid shows none, or one that is several, or runs into a blank."""
    weak = _weak_lines(log, lines)
    header = ruled_spans(pixels, top, weak, log.shift_at)
    further = ruled_spans(pixels, top, weak, log.shift_at, _BELOW_TOP)
    # Where the grid has worn away the log seems to begin too high, and rules of the header stand below its top.
    known = header + [span for span in further if all(_overlap(span, other) <= 2 for other in header)]
    # Two rules that end alike are no accident; a single one may frame a part of the page.
    twice = ruled_spans(pixels, top, weak, log.shift_at, least=2)
    found: list[Span] = []
    widest_column = _DEPTH_COLUMN[1] * pixels.shape[1]
    for span in _cut_at(spans, known, 1.5 * log.bands.line_width, widest_column):
        pieces = _without_depth_columns(pixels, log, lines, span, header or further)
        for piece in pieces:
            for part in _parts(pixels, log, lines, piece, header, top) or [piece]:
                # Below the top level lines of the grid may be taken for rules: they trim a track and part none.
                trimmed = _parts(pixels, log, lines, part, known, top)
                found += trimmed if len(trimmed) == 1 else [part]
    for ruled in known:
        found = _joined(pixels, log, sorted(found), ruled, top) if ruled in twice else found
        found = _widened(pixels, log, lines, sorted(found), ruled, top, ruled in twice)
    lone = ruled_spans(pixels, top, weak, log.shift_at, _BELOW_TOP, loosely=True)
    for span in [*known, *further, *lone]:
        alone = all(_overlap(span, other) <= 2 for other in found)
        if alone and _holds_a_curve(pixels, log, span, _ROWS_OF_A_DASHED_CURVE):
            found.append(span)
    return sorted(found)


def _overlap(one: Span, other: Span) -> float:
    """Columns that two spans share; below zero where they are apart."""
    return min(one[1], other[1]) - max(one[0], other[0])


def _cut_at(spans: list[Span], ruled: list[Span], near: float, narrowest: float) -> list[Span]:
    """Tracks, those that a rule of the header leaves half way cut off there: no rule ends inside a track."""
    kept = []
    for left, right in spans:
        for start, end in ruled:
            if start < left - near and left + near < end < right - near:
                left = end
            elif left + near < start < right - near and end > right + near:
                right = start
        if (left, right) in spans or right - left > narrowest:
            kept.append((left, right))
    return kept


def _joined(pixels: NDArray[np.uint8], log: _Log, spans: list[Span], ruled: Span, top: float) -> list[Span]:
    """Tracks, those side by side under one rule made one where no line stands between them in the header."""
    near = 1.5 * log.bands.line_width
    under = [span for span in spans if ruled[0] - near < span[0] and span[1] < ruled[1] + near]
    borders = [(one[1], two[0]) for one, two in pairwise(under)]
    if not borders or any(two - one > near for one, two in borders):
        return spans
    if any(_is_framed(pixels, log, one, top) for one, _ in borders):
        return spans
    return sorted([*(span for span in spans if span not in under), (under[0][0], under[-1][1])])


def _widened(
    pixels: NDArray[np.uint8],
    log: _Log,
    lines: FloatArray,
    spans: list[Span],
    ruled: Span,
    top: float,
    is_sure: bool,
) -> list[Span]:
    """Tracks, those under one rule of the header made as wide as it: of the rest of them the grid has worn away."""
    near = (0.4 if is_sure else 1.5) * log.bands.line_width
    under = [k for k, span in enumerate(spans) if ruled[0] - near < span[0] and span[1] < ruled[1] + near]
    across = [span for span in spans if min(span[1], ruled[1]) - max(span[0], ruled[0]) > near]
    if not under or len(under) != len(across):
        return spans
    limits = [ruled[0], *(edge for k in under for edge in spans[k]), ruled[1]]
    # No rule crosses a depth column; a frame around the whole page may.
    widest = _DEPTH_COLUMN[1] * pixels.shape[1]
    for k, (left, right) in enumerate(zip(limits[::2], limits[1::2], strict=True)):
        if right - left <= near or not (
            is_sure or right - left > widest or not _is_blank(pixels, log, lines, (left, right))
        ):
            continue
        if k == 0:
            limits[1] = left
        elif k == len(under):
            limits[-2] = right
        else:
            framed = [_is_framed(pixels, log, edge, top) for edge in (left, right)]
            if framed == [True, False]:
                limits[2 * k + 1] = left
            elif framed == [False, True]:
                limits[2 * k] = right
    widened = list(zip(limits[1:-1:2], limits[2:-1:2], strict=True))
    return [*(span for k, span in enumerate(spans) if k not in under), *widened]


def _is_framed(pixels: NDArray[np.uint8], log: _Log, column: float, top: float) -> bool:
    """Whether a line that may have worn stands in the lowest part of the header at a column."""
    rows = np.arange(
        max(int(top - _FOOT_OF_HEADER * pixels.shape[1] / _PAPER_WIDTH), 0), max(int(top) - 2, 1)
    )
    near = np.rint(column + log.shift_at(rows.astype(np.float64))).astype(np.intp)[:, None] + np.arange(-2, 3)
    inked = (pixels[rows[:, None], np.clip(near, 0, pixels.shape[1] - 1)] < 128).any(axis=1)
    return float(inked.mean()) > _FRAMED


def _parts(
    pixels: NDArray[np.uint8],
    log: _Log,
    lines: FloatArray,
    span: Span,
    ruled: list[Span],
    top: float,
) -> list[Span]:
    """The ruled spans that make up a track, if all that is left of it is blank or another track; else none."""
    inside = [part for part in ruled if span[0] - 2 <= part[0] and part[1] <= span[1] + 2]
    if not inside:
        return []
    # Where both all but agree on an edge, the grid knows it better.
    near = 1.5 * log.bands.line_width
    inside[0] = (span[0] if inside[0][0] - span[0] < near else inside[0][0], inside[0][1])
    inside[-1] = (inside[-1][0], span[1] if span[1] - inside[-1][1] < near else inside[-1][1])
    limits = [span[0], *(edge for part in inside for edge in part), span[1]]
    rests = [
        rest
        for rest in zip(limits[::2], limits[1::2], strict=True)
        if rest[1] - rest[0] > log.bands.line_width
    ]
    tracks = [rest for rest in rests if _is_beside(pixels, log, rest, span, top)]
    blank = all(_is_blank(pixels, log, lines, rest) for rest in rests if rest not in tracks)
    return sorted([*inside, *tracks]) if blank else []


def _is_beside(pixels: NDArray[np.uint8], log: _Log, rest: Span, span: Span, top: float) -> bool:
    """Whether what a rule leaves of a track is a track by itself: wide, with a curve, and framed in the header."""
    ends = [edge for edge in rest if edge not in span]
    wide = rest[1] - rest[0] > _DEPTH_COLUMN[1] * pixels.shape[1]
    framed = all(_is_framed(pixels, log, edge, top) for edge in ends)
    return wide and framed and _holds_a_curve(pixels, log, rest, _ROWS_OF_A_DASHED_CURVE)


def _without_depth_columns(
    pixels: NDArray[np.uint8],
    log: _Log,
    lines: FloatArray,
    span: Span,
    ruled: list[Span],
) -> list[Span]:
    """What is left of a track without blanks as wide as a depth column at which rules of the header end."""
    low, high = (share * pixels.shape[1] for share in _DEPTH_COLUMN)
    near = log.bands.line_width
    inside = lines[(lines > span[0] - 1) & (lines < span[1] + 1)]
    gaps: list[tuple[float, ...]] = list(pairwise(inside.tolist()))
    if len(gaps) < 2:
        return [span]
    level = _strength(_row_darkness(pixels, log, gaps))
    limits = [span[0]]
    for (left, right), strength in zip(gaps, level, strict=True):
        ends = any(abs(left - part[1]) < near for part in ruled)
        begins = any(abs(right - part[0]) < near for part in ruled)
        crossed = any(part[0] < (left + right) / 2 < part[1] for part in ruled)
        told = (ends and begins) or ((ends or begins) and strength < 0.5 * np.median(level))
        if (
            told
            and not crossed
            and low < right - left < high
            and _is_blank(pixels, log, lines, (left, right))
        ):
            limits += [left, right]
    limits.append(span[1])
    pieces = list(zip(limits[::2], limits[1::2], strict=True))
    return [piece for piece in pieces if piece[1] - piece[0] > low]


def _is_blank(pixels: NDArray[np.uint8], log: _Log, lines: FloatArray, span: Span) -> bool:
    """Whether neither lines nor a curve stand between two columns; depth numbers may."""
    margin = log.bands.line_width / 2
    inside = (lines > span[0] + margin) & (lines < span[1] - margin)
    return not inside.any() and not _holds_a_curve(pixels, log, span)


# --- Top, bottom and edges ---


def _find_ends(
    pixels: NDArray[np.uint8], log: _Log, lines: FloatArray, spans: list[Span]
) -> tuple[float, float]:
    """First and last row of the vertical lines."""
    # The frame of a header goes on above a track's edges, so where there are others these do not count.
    edges = np.array(spans).ravel()
    inner = lines[[bool((np.abs(edges - line) > 1).all()) for line in lines]]
    lines = inner if len(inner) > _FEW_LINES else lines
    margin = 3 * int(np.diff(log.bands.starts).max())
    top, bottom = log.rows
    usual = float(
        np.mean(_line_contrast(pixels, log, lines, np.linspace(top, bottom - 1, 2000).astype(np.intp)))
    )
    rows = np.arange(max(top - margin, 0), min(top + margin, bottom))
    above = np.cumsum(usual / 2 - _line_contrast(pixels, log, lines, rows))
    first = int(rows[above.argmax()]) + 1 if above.max() > 0 else int(rows[0])
    rows = np.arange(max(bottom - margin, top), min(bottom + margin, len(pixels)))[::-1]
    below = np.cumsum(usual / 2 - _line_contrast(pixels, log, lines, rows))
    last = int(rows[below.argmax()]) - 1 if below.max() > 0 else int(rows[0])
    return (float(first), float(last)) if first < last else (float(top), float(bottom - 1))


def _line_contrast(
    pixels: NDArray[np.uint8], log: _Log, lines: FloatArray, rows: NDArray[np.intp]
) -> FloatArray:
    """How much darker the vertical lines are than what lies half way between them, by row."""
    from scipy.ndimage import median_filter

    shift = log.shift_at(rows.astype(np.float64))[:, None]

    def darkness(columns: FloatArray) -> FloatArray:
        """Darkest of three pixels around each column."""
        near = np.rint(columns + shift).astype(np.intp)[..., None] + np.arange(-1, 2)
        near = np.clip(near, 0, pixels.shape[1] - 1)
        return np.asarray(1 - pixels[rows[:, None, None], near].min(axis=-1) / 255, np.float64)

    # The median leaves black bars dark but not the level lines, so that the grid's first level line counts.
    between = median_filter(darkness((lines[1:] + lines[:-1]) / 2).mean(axis=1), 15)
    return np.asarray(darkness(lines).mean(axis=1) - between, np.float64)


def _edge(log: _Log, column: float, lines: FloatArray, ends: tuple[float, float], columns: int) -> Edge:
    """Edge of a track: a column on a straight page, points joined by straight lines on a skewed one."""
    from skimage.measure import approximate_polygon

    used = slice(log.first, log.last)
    nearest = float(lines[np.abs(lines - column).argmin()])
    places = column + log.shifts[used] + _strays(log, nearest)[used]
    if np.ptp(np.clip(places, -0.5, columns - 0.5)) < 1:
        return round(float(np.clip(np.median(places), -0.5, columns - 0.5)), 1)
    points = np.column_stack([log.bands.centres[used], places])
    points = approximate_polygon(points, tolerance=0.5)  # type: ignore[no-untyped-call]
    band = float(np.diff(log.bands.starts).max())
    rows = np.array([ends[0], *(row for row, _ in points if ends[0] + band < row < ends[1] - band), ends[1]])
    at = np.clip(piecewise_linear(rows, *points.T), -0.5, columns - 0.5)
    return [(round(float(row), 1), round(float(place), 1)) for row, place in zip(rows, at, strict=True)]


def _strays(log: _Log, line: float) -> FloatArray:
    """Columns by which one line strays from the skew that all lines share, as paper stretches unevenly."""
    from scipy.ndimage import gaussian_filter1d, median_filter

    reach = log.bands.line_width // 3
    places = line + log.shifts
    around = np.rint(places).astype(np.intp)[:, None] + np.arange(-reach, reach + 1)
    inside = (around >= 0) & (around < log.bands.spikes.shape[1])
    mass = np.where(
        inside, log.bands.spikes[np.arange(len(places))[:, None], np.clip(around, 0, None) * inside], 0
    )
    found = mass.max(axis=1) > 0.3 * _SATURATION * min(log.profile.max() / _SATURATION, 1.0)
    mass = np.maximum(mass - 0.5 * mass.max(axis=1, keepdims=True), 0)
    bands = np.flatnonzero(
        found & (np.arange(len(places)) >= log.first) & (np.arange(len(places)) < log.last)
    )
    if len(bands) < 3:
        return np.zeros(len(places))
    strays = (mass * around).sum(axis=1)[bands] / mass.sum(axis=1)[bands] - places[bands]
    # Where a curve leans on the line for a while the line is not seen; its median over more bands is.
    strays = gaussian_filter1d(median_filter(strays, 11, mode="nearest"), 2, mode="nearest")
    return np.asarray(np.interp(np.arange(len(places)), bands, strays), np.float64)
