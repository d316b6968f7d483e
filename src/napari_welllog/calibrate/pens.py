"""What pen a rule in the header is drawn with: the sample of the curve that it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.result import PenName

Ink = NDArray[np.bool_]

_SOLID = 0.93  # share of its length that a solid rule covers, even where it has worn
_DOT = 2.3  # times its width: what is no longer is a dot
_HEAVY = 1.65  # times the width of the lightest solid rule of the header


@dataclass(frozen=True)
class Rule:
    """A rule across a track.

    Parameters
    ----------
    row : float
        Its middle.
    width : float
        Its thickness, pixels.
    pen : str
        solid, dashed, dotted or dash-dot.
    """

    row: float
    width: float
    pen: PenName


def pen_of(ink: Ink, rows: tuple[int, int]) -> Rule:
    """Tell the pen of a rule that lies in a band of rows.

    Parameters
    ----------
    ink : bool (rows, columns)
        The header of a track, upright.
    rows : first, and the one after the last
        The band.

    Examples
    --------
    >>> ink = np.zeros((20, 300), bool)
    >>> ink[9:11] = np.arange(300) % 24 < 15
    >>> pen_of(ink, (9, 11))
    Rule(row=9.5, width=2.0, pen='dashed')
    """
    band = ink[rows[0] : rows[1]]
    drawn = np.asarray(band.any(axis=0), np.bool_)
    thickness = band.sum(axis=0)[drawn]
    width = float(np.median(thickness)) if len(thickness) else 0.0
    weights = band.sum(axis=1).astype(np.float64)
    row = float(rows[0] + np.average(np.arange(len(weights)), weights=weights + 1e-9))
    return Rule(row, width, _pattern(drawn, width))


def _pattern(drawn: NDArray[np.bool_], width: float) -> PenName:
    """The pattern of ink and paper along a rule."""
    strokes, gaps = _runs(drawn), _runs(~drawn)
    inner = [(start, stop) for start, stop in gaps if start > 0 and stop < len(drawn)]
    if not strokes:
        return "unknown"
    first, last = strokes[0][0], strokes[-1][1]
    # Specks of wear are no gaps: what a pen leaves out on purpose is wider than the pen.
    lifted = [stop - start for start, stop in inner if stop - start > max(1.0, 0.7 * width)]
    if drawn[first:last].mean() >= _SOLID or len(lifted) < 4:
        return "solid"
    lengths = np.array([stop - start for start, stop in _joined(strokes, max(1.0, 0.7 * width))], float)
    if len(lengths) > 4:
        lengths = lengths[1:-1]  # the edges of the track cut the outermost
    if np.ptp(lifted) > 3 * np.median(lifted) and drawn[first:last].mean() > 0.8:
        return "solid"
    dots = lengths <= _DOT * max(width, 1.5)
    if dots.mean() > 0.8:
        return "dotted"
    return (
        "dash-dot"
        if dots.mean() > 0.25 and np.median(lengths[~dots]) > 2 * np.median(lengths[dots])
        else "dashed"
    )


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of true flags: first, and one after the last."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in zip(steps[::2], steps[1::2], strict=True)]


def _joined(runs: list[tuple[int, int]], gap: float) -> list[tuple[int, int]]:
    """Runs, those no further apart than a gap made one."""
    joined = [runs[0]]
    for start, stop in runs[1:]:
        if start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined


def weighed(rules: list[Rule]) -> list[PenName]:
    """The pens of the rules of one track, where solid ones may be heavy.

    Examples
    --------
    >>> weighed([Rule(0, 2.0, "solid"), Rule(40, 5.0, "solid"), Rule(80, 2.0, "dashed")])
    ['solid', 'heavy', 'dashed']
    """
    lightest = min((rule.width for rule in rules if rule.pen == "solid"), default=0.0)
    return [
        "heavy"
        if rule.pen == "solid" and rule.width >= _HEAVY * lightest and rule.width > lightest + 1
        else rule.pen
        for rule in rules
    ]
