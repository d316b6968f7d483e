"""Tracks by the rules of the header alone: where the grid has worn away they still tell edge from edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_welllog.tracks.ruled_spans import FRAME, NARROWEST, PAPER_WIDTH, Rule, apart, rules_of

Ink = NDArray[np.bool_]
Span = tuple[float, float]

_UPPER_PART = 0.5  # of the scan, in which its header is looked for
_BELOW_TOP = 0.9  # inches by which a worn grid may seem to begin too high
_FURTHEST_HEADER = 40.0  # inches down a scan without a grid
_HEIGHT = 2.2  # inches above the log in which its scales stand
_FURTHEST = 3.0  # inches below a header in which curves begin
_SAME_RULE = 0.06  # inches between two pieces of one rule
_NEXT_RULE = 0.75  # inches between two rules of one header, at most
_ALIKE = 0.12  # inches between the ends of two rules of one track
_OVERLAP = 0.25  # inches by which a rule may run over into the next track
_FRAMED = 0.55  # of the height of a header, which a frame takes at least
_CURVE_ROWS = 0.8  # inches of a log in which nearly every row holds the ink of a curve
_INKED = 0.95  # of those rows
_MARGIN = 0.06  # of a track's width, into which its frame may lean
_LARGEST_SPECK = 3  # pixels


@dataclass(frozen=True)
class HeaderTracks:
    """The tracks under a header.

    Parameters
    ----------
    spans : list of (left, right)
        Columns of their edges at the top of the log.
    top, bottom : float
        First and last row of the log.
    lean : float
        Rows by which level lines fall from one column to the next.
    """

    spans: list[Span]
    top: float
    bottom: float
    lean: float

    def moved(self, row: float) -> float:
        """Columns by which the page has moved sideways at a row: upright lines lean as level ones do."""
        return -self.lean * (row - self.top)


def tracks_under_header(pixels: NDArray[np.uint8], near: float | None = None) -> HeaderTracks | None:
    """Find the tracks of a log by the rules of its header; None where there is no header with rules.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan, 0 ink and 255 paper.
    near : float, optional
        Row at which the log begins, as far as its grid tells; all of the upper half is looked at by default.

    Returns
    -------
    HeaderTracks or None
        The log begins where the ink of curves does, and ends where it ends.

    Examples
    --------
    >>> scan = np.full((900, 825), 255, np.uint8)
    >>> scan[150:152, 20:420] = scan[180:182, 20:420] = scan[150:152, 500:800] = scan[180:182, 500:800] = 0
    >>> for row in range(200, 880):
    ...     scan[row, 150 + row % 50 : 155 + row % 50] = 0
    >>> found = tracks_under_header(scan)
    >>> found.spans, found.top, found.bottom
    ([(20.0, 419.0), (500.0, 799.0)], 200.0, 879.0)
    """
    dpi = pixels.shape[1] / PAPER_WIDTH
    first, last = 0, int(min(_UPPER_PART * len(pixels), _FURTHEST_HEADER * dpi))
    if near is not None:
        first, last = max(int(near - _HEIGHT * dpi), 0), int(near + _BELOW_TOP * dpi)
    paper = pixels[first : max(last, first + 1) + int(_FURTHEST * dpi)]
    upper = paper[: max(last - first, 1)] < 128
    # At the very top of a scan it is the scanner's bar that is taken for one.
    rules = [rule for rule in rules_of(upper, dpi) if first + rule.row > _SAME_RULE * dpi]
    rules.sort(key=lambda rule: rule.row)
    for k in range(len(rules)):
        found = _under(paper, upper, rules[k:], dpi)
        if found is not None:
            top = first + found.top
            end = pixels[max(int(top), len(pixels) - int(_FURTHEST * dpi)) :][::-1]
            bottom = len(pixels) - 1 - (_first_row_of_curves(end, found.spans, dpi) or 0)
            return replace(found, top=top, bottom=float(bottom))
    return None


def _under(paper: NDArray[np.uint8], upper: Ink, rules: Sequence[Rule], dpi: float) -> HeaderTracks | None:
    """The tracks under the header that begins with a rule: it ends where curves run down to the next rule."""
    for count, rule in enumerate(rules, start=1):
        header, below = rules[:count], rules[count:]
        if rule.row - header[0].row > _HEIGHT * dpi:
            return None
        if below and below[0].row - rule.row < _SAME_RULE * dpi:
            continue
        spans = spans_of_rules(upper, header, dpi)
        start = int(rule.row) + 2
        begins = _first_row_of_curves(paper[start : start + int(_FURTHEST * dpi)], spans, dpi)
        until = below[0].row + _SAME_RULE * dpi if below else len(paper)
        if begins is not None and start + begins < until:
            lean = float(np.median([rule.lean for rule in header]))
            return HeaderTracks(spans, float(start + begins), float(len(paper)), lean) if count > 1 else None
        if below and below[0].row - rule.row > _NEXT_RULE * dpi:
            return None
    return None


def spans_of_rules(ink: Ink, rules: Sequence[Rule], dpi: float) -> list[Span]:
    """The tracks that the rules of a header stand for, from the left.

    Parameters
    ----------
    ink : bool (rows, columns)
        The paper with the header, on which the rules are.
    rules : sequence of Rule
        The rules, some of them in pieces, some running on over the next track where the frame has worn away.
    dpi : float
        Pixels per inch.
    """
    groups = _groups(rules, _ALIKE * dpi)
    parts: dict[Span, int] = {}
    for span, count in groups.items():
        inner = [
            other
            for other, times in groups.items()
            if other != span and _is_inside(other, span, _ALIKE * dpi) and (times > 1 or times > count)
        ]
        for part in _what_is_left(span, inner, NARROWEST * ink.shape[1]) if inner else [span]:
            parts[part] = parts.get(part, 0) + (1 if inner else count)
    rows = slice(int(min(rule.row for rule in rules)), int(max(rule.row for rule in rules)) + 1)
    frames = _frames(ink[rows], dpi)
    framed = {
        piece: count
        for span, count in parts.items()
        for piece in _split_by_frames(span, frames, NARROWEST * ink.shape[1])
    }
    spans = apart(_without_overlaps(framed, _OVERLAP * dpi))
    return [
        (_snapped(left, frames, _ALIKE * dpi), _snapped(right, frames, _ALIKE * dpi)) for left, right in spans
    ]


def _groups(rules: Sequence[Rule], reach: float) -> dict[Span, int]:
    """Spans of rules, those alike taken together: how many rules there are of each."""
    groups: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda rule: rule.left - rule.right):
        for group in groups:
            if max(abs(rule.left - group[0].left), abs(rule.right - group[0].right)) < reach:
                group.append(rule)
                break
        else:
            groups.append([rule])
    return {
        (_end([r.left for r in group], min), _end([r.right for r in group], max)): len(group)
        for group in groups
    }


def _end(ends: Sequence[float], outer: Callable[[Sequence[float]], float]) -> float:
    """Where rules end: of two, one may end in a gap of its dashes; of more, one may run on into dust."""
    return outer(ends) if len(ends) < 3 else float(np.median(ends))


def _is_inside(inner: Span, outer: Span, reach: float) -> bool:
    """Whether a span is part of another."""
    return outer[0] - reach < inner[0] and inner[1] < outer[1] + reach


def _what_is_left(span: Span, inner: Sequence[Span], narrowest: float) -> list[Span]:
    """What spans inside another leave of it, where that is wide enough for a track."""
    left, pieces = span[0], []
    for start, end in sorted(inner):
        pieces.append((left, start))
        left = max(left, end)
    pieces.append((left, span[1]))
    return [piece for piece in pieces if piece[1] - piece[0] > narrowest]


def _split_by_frames(span: Span, frames: NDArray[np.intp], narrowest: float) -> list[Span]:
    """A span, parted where a frame stands inside it."""
    inside = frames[(frames - span[0] > narrowest) & (span[1] - frames > narrowest)]
    if not len(inside):
        return [span]
    middle = float(np.median(inside))
    return [(span[0], middle), (middle, span[1])]


def _frames(header: Ink, dpi: float) -> NDArray[np.intp]:
    """Columns in which a frame stands for most of the height of a header."""
    from scipy.ndimage import binary_dilation, binary_opening

    stroke = max(round(FRAME * dpi), 8)
    if len(header) < stroke:
        return np.zeros(0, np.intp)
    wide = binary_dilation(header, np.ones((1, 3), bool))
    return np.flatnonzero(binary_opening(wide, np.ones((stroke, 1), bool)).mean(axis=0) > _FRAMED)


def _snapped(end: float, frames: NDArray[np.intp], reach: float) -> float:
    """The column of the frame that stands next to where rules end; else that of their end."""
    near = frames[np.abs(frames - end) < reach]
    return float(np.median(near)) if len(near) else round(end, 1)


def _without_overlaps(counts: dict[Span, int], most: float) -> dict[Span, int]:
    """Spans, those that run over into a neighbour a little cut off where the neighbour's more rules begin."""
    cut: dict[Span, int] = {}
    for span, count in sorted(counts.items(), key=lambda item: -item[1]):
        left, right = span
        for other in cut:
            if other[0] < left < other[1] < right and other[1] - left < most:
                left = other[1]
            elif left < other[0] < right < other[1] and right - other[0] < most:
                right = other[0]
        cut[left, right] = max(count, cut.get((left, right), 0))
    return cut


def _first_row_of_curves(pixels: NDArray[np.uint8], spans: Sequence[Span], dpi: float) -> int | None:
    """The first row from which on curves run; None where none do for long."""
    from scipy.ndimage import binary_opening, uniform_filter1d

    window = max(int(_CURVE_ROWS * dpi), 1)
    inked = np.zeros(len(pixels), bool)
    for left, right in spans:
        margin = _MARGIN * (right - left)
        block = pixels[:, int(left + margin) : max(int(right - margin), 0)] < 128
        # Neither dust nor the dots of a worn grid reach as far; frames and grid lines reach further.
        down = binary_opening(block, np.ones((_LARGEST_SPECK, 1), bool))
        down &= ~binary_opening(block, np.ones((max(round(FRAME * dpi), 8), 1), bool))
        across = binary_opening(block, np.ones((1, _LARGEST_SPECK), bool))
        inked |= (down | across).any(axis=1)
    if len(pixels) < window:
        return None
    share = uniform_filter1d(inked.astype(np.float64), window, origin=-(window // 2))
    running = np.flatnonzero((share > _INKED) & inked)
    return int(running[0]) if len(running) else None
