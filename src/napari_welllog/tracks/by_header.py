"""What the header says of the tracks that a grid shows: parted by its frames, cut, joined and widened by its rules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_welllog.tracks.bands import BAND_ROWS, Log, closed_over, runs_of
from napari_welllog.tracks.grid_spans import centres_of, holds_a_curve, level_strength, row_darkness
from napari_welllog.tracks.ruled_spans import ruled_spans

FloatArray = NDArray[np.float64]
Span = tuple[float, float]

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
_SAME_EDGE = 4.0  # columns within which two edges are one


def split_at_header(pixels: NDArray[np.uint8], log: Log, lines: FloatArray, span: Span) -> list[Span]:
    """Part tracks on one unbroken grid where a line stands between their scales in the header."""
    inside = lines[(lines > span[0] + 1) & (lines < span[1] - 1)]
    start = log.rows[0]
    header = pixels[max(start - 8 * BAND_ROWS[1], 0) : start]
    if not len(inside) or len(header) < BAND_ROWS[0]:
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
        for start, end in runs_of(closed_over(inked, _GAP_IN_FRAME)):
            if inked[start:end].mean() > _SHARE_OF_FRAME:
                longest = max(longest, end - start)
    return longest


def _weak_lines(log: Log, lines: FloatArray) -> FloatArray:
    """Columns of vertical lines, the faintest too: at the end of a header's rule there is one."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    profile = gaussian_filter1d(log.profile, max(1, log.bands.line_width / 15), mode="constant")
    peaks, _ = find_peaks(np.pad(profile, 1), height=_FAINTEST_LINE, distance=6)
    weak = centres_of(log.profile, peaks - 1, max(2, log.bands.line_width // 5))
    apart = np.abs(weak[:, None] - lines).min(axis=1) > log.bands.line_width
    return np.sort(np.concatenate([lines, weak[apart]]))


def as_ruled(
    pixels: NDArray[np.uint8], log: Log, lines: FloatArray, spans: list[Span], top: float
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
        if alone and holds_a_curve(pixels, log, span, _ROWS_OF_A_DASHED_CURVE):
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


def _joined(pixels: NDArray[np.uint8], log: Log, spans: list[Span], ruled: Span, top: float) -> list[Span]:
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
    log: Log,
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


def _is_framed(pixels: NDArray[np.uint8], log: Log, column: float, top: float) -> bool:
    """Whether a line that may have worn stands in the lowest part of the header at a column."""
    rows = np.arange(
        max(int(top - _FOOT_OF_HEADER * pixels.shape[1] / _PAPER_WIDTH), 0), max(int(top) - 2, 1)
    )
    near = np.rint(column + log.shift_at(rows.astype(np.float64))).astype(np.intp)[:, None] + np.arange(-2, 3)
    inked = (pixels[rows[:, None], np.clip(near, 0, pixels.shape[1] - 1)] < 128).any(axis=1)
    return float(inked.mean()) > _FRAMED


def _parts(
    pixels: NDArray[np.uint8],
    log: Log,
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


def _is_beside(pixels: NDArray[np.uint8], log: Log, rest: Span, span: Span, top: float) -> bool:
    """Whether what a rule leaves of a track is a track by itself: wide, with a curve, and framed in the header."""
    ends = [edge for edge in rest if edge not in span]
    wide = rest[1] - rest[0] > _DEPTH_COLUMN[1] * pixels.shape[1]
    framed = all(_is_framed(pixels, log, edge, top) for edge in ends)
    return wide and framed and holds_a_curve(pixels, log, rest, _ROWS_OF_A_DASHED_CURVE)


def _without_depth_columns(
    pixels: NDArray[np.uint8],
    log: Log,
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
    level = level_strength(row_darkness(pixels, log, gaps))
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


def _is_blank(pixels: NDArray[np.uint8], log: Log, lines: FloatArray, span: Span) -> bool:
    """Whether neither lines nor a curve stand between two columns; depth numbers may."""
    margin = log.bands.line_width / 2
    inside = (lines > span[0] + margin) & (lines < span[1] - margin)
    return not inside.any() and not holds_a_curve(pixels, log, span)


def other_layouts(
    pixels: NDArray[np.uint8],
    log: Log,
    lines: FloatArray,
    spans: list[Span],
    likeliest: list[Span],
    top: float,
) -> list[list[Span]]:
    """Other ways to part a log: as its grid does, as rules of the header do, and with neighbours made one."""
    weak = _weak_lines(log, lines)
    header = ruled_spans(pixels, top, weak, log.shift_at)
    further = ruled_spans(pixels, top, weak, log.shift_at, _BELOW_TOP)
    twice = ruled_spans(pixels, top, weak, log.shift_at, least=2)
    layouts: list[list[Span]] = []
    for sure, others in (
        (spans, header),
        (header, further),
        (header, spans),
        (further, spans),
        (twice, spans),
        (twice, likeliest),
    ):
        apart = [span for span in others if all(_overlap(span, other) <= 2 for other in sure)]
        layouts.append(sorted([*sure, *apart]))
    layouts += [
        _with_neighbours_joined(layout, 1.5 * log.bands.line_width) for layout in (likeliest, *layouts)
    ]
    layouts.append([(likeliest[0][0], likeliest[-1][1])])
    return distinct_from(likeliest, layouts)


def distinct_from(likeliest: list[Span], layouts: Sequence[list[Span]]) -> list[list[Span]]:
    """Layouts with tracks, one of those that are alike, and none that is like the likeliest.

    Examples
    --------
    >>> distinct_from([(0.0, 100.0)], [[(1.0, 101.0)], [], [(0.0, 80.0)], [(0.0, 81.0)]])
    [[(0.0, 80.0)]]
    """
    distinct: list[list[Span]] = [likeliest]
    for layout in layouts:
        if layout and not any(is_alike(layout, other) for other in distinct):
            distinct.append(layout)
    return distinct[1:]


def _with_neighbours_joined(spans: list[Span], near: float) -> list[Span]:
    """Tracks, those that touch or overlap made one."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span[0] - joined[-1][1] < near:
            joined[-1] = (joined[-1][0], max(joined[-1][1], span[1]))
        else:
            joined.append(span)
    return joined


def is_alike(one: list[Span], two: list[Span], columns: float = _SAME_EDGE) -> bool:
    """Whether two layouts have the same tracks, give or take a few columns."""
    return len(one) == len(two) and bool(np.abs(np.subtract(one, two)).max() < columns)
