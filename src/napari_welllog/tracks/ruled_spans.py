"""What the header says about tracks: each of its scales stands over a rule that runs from edge to edge."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Span = tuple[float, float]

PAPER_WIDTH = 8.25
"""Inches, of most logs."""

_HEIGHT = 2.2  # inches above the log in which its scales stand
FRAME = 0.16
"""Inches from which an upright stroke is no letter."""

_BRIDGED = 0.11  # inches between two strokes of one rule
NARROWEST = 0.17
"""Of the scan's width; a shorter rule is a scrap of one, or that of a box in a track."""

_THICKEST = 0.06  # inches
_LEVEL = 0.2  # inches that a rule keeps to one row, at least, however it leans
_SNAP = 0.09  # inches between a rule's end and the edge of its track: it may end in a gap of its dashes


class Rule(NamedTuple):
    """A rule across a header: row of its middle, first and last column, and rows by which it falls for each column."""

    row: float
    left: float
    right: float
    lean: float


def ruled_spans(
    pixels: NDArray[np.uint8],
    top: float,
    lines: FloatArray,
    shift: Callable[[FloatArray], FloatArray],
    below: float = 0.0,
    least: int = 1,
    loosely: bool = False,
) -> list[Span]:
    """Find spans between vertical lines of a log over which its header rules.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    top : float
        First row of the log.
    lines : float64 (n,)
        Columns of the log's vertical lines, where the page has not moved sideways.
    shift : function of rows
        Columns by which the page has moved sideways there.
    below : float
        Inches below the top to look at too, for a log whose grid has worn away may seem to begin too high.
    least : int
        Rules that must agree on a span.
    loosely : bool
        Whether a single rule counts too at whose ends no line of the log is left.

    Returns
    -------
    list of (left, right)
        Lines at the edges of the tracks that the header shows, from the left; they do not overlap.

    Examples
    --------
    >>> scan = np.full((400, 825), 255, np.uint8)
    >>> scan[200:, [20, 420, 500, 800]] = 0
    >>> scan[150:152, 20:420] = scan[170:172, 20:420] = scan[170:172, 500:800] = 0
    >>> ruled_spans(scan, 200, np.array([20.0, 220, 420, 500, 800]), lambda rows: 0 * rows)
    [(20.0, 420.0), (500.0, 800.0)]
    """
    columns = pixels.shape[1]
    dpi = columns / PAPER_WIDTH
    first = int(max(top - _HEIGHT * dpi, 0))
    header = pixels[first : max(int(top + below * dpi) - 1, 0)] < 128
    if len(header) < FRAME * dpi or len(lines) < 2:
        return []
    counts: dict[Span, int] = {}
    loose: list[Span] = []
    for row, left, right, _ in rules_of(header, dpi):
        moved = float(shift(np.array([float(first + row)]))[0])
        ends = [int(np.abs(lines + moved - end).argmin()) for end in (left, right)]
        near = all(
            abs(lines[k] + moved - end) < _SNAP * dpi for k, end in zip(ends, (left, right), strict=True)
        )
        if near and ends[0] < ends[1] and right - left > NARROWEST * columns:
            span = float(lines[ends[0]]), float(lines[ends[1]])
            counts[span] = counts.get(span, 0) + 1
        elif not near and right - left > NARROWEST * columns:
            loose.append((left - moved, right - moved))
    for span, count in _agreeing(loose, _SNAP * dpi).items():
        counts.setdefault(span, count)
    for span in loose if loosely else []:
        counts.setdefault(span, 1)
    return apart({span: count for span, count in counts.items() if count >= least})


def _agreeing(spans: list[Span], reach: float) -> dict[Span, int]:
    """Spans that two rules or more share, though no line of the log is left at their ends."""
    shared: dict[Span, int] = {}
    for span in spans:
        same = [s for s in spans if max(abs(s[0] - span[0]), abs(s[1] - span[1])) < reach]
        if len(same) > 1:
            shared[min(s[0] for s in same), max(s[1] for s in same)] = len(same)
    return shared


def rules_of(ink: NDArray[np.bool_], dpi: float) -> list[Rule]:
    """Rules across a header, bool (rows, columns), parted where a frame crosses them."""
    from scipy.ndimage import binary_closing, binary_dilation, binary_opening, find_objects, label

    # Three columns together, because a frame that leans changes column on its way.
    wide = binary_dilation(ink, np.ones((1, 3), bool))
    frames = ink & binary_opening(wide, np.ones((max(round(FRAME * dpi), 8), 1), bool))
    gap = max(round(_BRIDGED * dpi), 5)
    bare = np.pad(ink & ~frames, ((0, 0), (gap, gap)))
    closed = binary_closing(bare | np.roll(bare, 1, axis=0), np.ones((1, gap), bool))[:, gap:-gap]
    closed &= ~binary_dilation(frames, np.ones((max(round(0.02 * dpi), 3), 3)))
    # A frame in pieces is no frame to the above, and would tie rules together.
    closed = binary_opening(closed, np.ones((1, max(round(_LEVEL * dpi), 5)), bool))
    labels, _ = label(closed, np.ones((3, 3)))
    areas = np.bincount(labels.ravel())
    rules = []
    for k, (rows, across) in enumerate(find_objects(labels), start=1):
        width = across.stop - across.start
        if width > NARROWEST * ink.shape[1] and areas[k] / width < _THICKEST * dpi:
            lean = _lean(labels[rows, across] == k)
            rules.append(
                Rule((rows.start + rows.stop - 1) / 2, float(across.start), float(across.stop - 1), lean)
            )
    return rules


def _lean(ink: NDArray[np.bool_]) -> float:
    """Rows by which the ink of a rule falls from one column to the next."""
    rows, columns = np.nonzero(ink)
    across = columns - columns.mean()
    return float((across * rows).sum() / max((across**2).sum(), 1e-9))


def apart(counts: dict[Span, int]) -> list[Span]:
    """Spans that do not overlap: those with most rules first, without what frames several tracks together."""

    def inside(inner: Span, outer: Span) -> bool:
        """Whether a span is part of another."""
        return inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1]

    single = [
        s
        for s in counts
        if not _holds_two([other for other in counts if inside(other, s)])
        # Rules of two tracks side by side look like one where the frame between them has worn away.
        and not any(inside(o, s) and counts[o] > 1 and (o[0] == s[0] or o[1] == s[1]) for o in counts)
    ]
    kept: list[Span] = []
    for span in sorted(single, key=lambda span: (-counts[span], span[0] - span[1])):
        if all(span[1] <= other[0] or span[0] >= other[1] for other in kept):
            kept.append(span)
    return sorted(kept)


def _holds_two(spans: list[Span]) -> bool:
    """Whether two of the spans lie side by side."""
    ordered = sorted(spans, key=lambda span: span[1])
    return any(one[1] <= two[0] for one, two in pairwise(ordered))
