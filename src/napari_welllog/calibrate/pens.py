"""What pen a rule in the header is drawn with: the sample of the curve that it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.result import PenName

Ink = NDArray[np.bool_]

BROKEN: tuple[PenName, ...] = ("dashed", "dotted", "dash-dot")
"""Pens whose rules have gaps."""

_SOLID = 0.93  # share of its length that a solid rule covers, even where it has worn
_DOT = 2.3  # times its width: what is no longer is a dot
_LEAST_PERIODIC = 0.15  # correlation of a rule with itself, a pattern further on: patterns have 0.6 and more
_STANDS_OUT = 8.0  # times the spread of all rows, by which a faint rule is darker than they
_FAINTEST = 0.02
_CORE = 0.6  # of the ink in the fullest row of a rule that its other rows have
_NEARER_TO_INK = 0.5
_PIECES = 8
_LEAST_OF_A_PIECE = 0.04  # share of each piece of a faint rule that is inked
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


def pen_of(ink: Ink, rows: tuple[int, int], grey: NDArray[np.uint8] | None = None) -> Rule:
    """Tell the pen of a rule that lies in a band of rows.

    Parameters
    ----------
    ink : bool (rows, columns)
        The header of a track, upright.
    rows : first, and the one after the last
        The band.
    grey : uint8 (rows, columns), optional
        The same as it was scanned, 0 ink and 255 paper: a scanner's blur fills narrow gaps with grey.

    Examples
    --------
    >>> ink = np.zeros((20, 300), bool)
    >>> ink[9:11] = np.arange(300) % 24 < 15
    >>> pen_of(ink, (9, 11))
    Rule(row=9.5, width=2.0, pen='dashed')
    """
    band = ink[rows[0] : rows[1]]
    drawn = np.asarray(band.any(axis=0), np.bool_)
    thickness = np.sort(band.sum(axis=0)[drawn])
    # The middle half alone: letters and lines that touch a rule make it no wider.
    quarter = len(thickness) // 4
    width = float(thickness[quarter : len(thickness) - quarter].mean()) if len(thickness) else 0.0
    if grey is not None:
        drawn &= _dark_along(ink, rows, grey)
    weights = band.sum(axis=1).astype(np.float64)
    row = float(rows[0] + np.average(np.arange(len(weights)), weights=weights + 1e-9))
    return Rule(row, width, _pattern(drawn, width))


def _dark_along(ink: Ink, rows: tuple[int, int], grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a rule is nearer to its own ink than to the paper above and below it, bool (columns,)."""
    band = ink[rows[0] : rows[1]]
    level = band.mean(axis=1)
    core = grey[rows[0] : rows[1]][level > _CORE * level.max()]
    along = core.mean(axis=0)
    if np.isin(core, (0, 255)).all():
        return np.asarray(band.any(axis=0), np.bool_)
    beside = np.concatenate(
        [grey[max(rows[0] - 6, 0) : max(rows[0] - 2, 0)], grey[rows[1] + 2 : rows[1] + 6]]
    )
    paper = float(np.median(beside)) if beside.size else 255.0
    dark = float(np.percentile(along, 10))
    return np.asarray(along < dark + _NEARER_TO_INK * (paper - dark), np.bool_)


def faint_rule(pixels: NDArray[np.uint8], rows: tuple[float, float]) -> Rule | None:
    """Find a rule that is too faint or too broken to stand out from the whole header, where one is to be.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The header of a track, upright, 0 ink and 255 paper.
    rows : first, and the one after the last
        Where to look: below the values of a scale.

    Returns
    -------
    Rule or None
        None where no row is much darker than the others.

    Examples
    --------
    >>> grey = np.full((30, 300), 250, np.uint8)
    >>> grey[12, np.arange(300) % 14 < 8] = 170
    >>> faint_rule(grey, (4, 28))
    Rule(row=12.0, width=1.0, pen='dashed')
    """
    first, last = max(round(rows[0]), 0), min(round(rows[1]), len(pixels))
    if last - first < 5:
        return None
    margin = max(round(0.01 * pixels.shape[1]), 2)  # the frame stands there
    dark = 1 - pixels[first:last, margin:-margin] / 255
    level = dark.mean(axis=1)
    at = int(level.argmax())
    usual = float(np.median(level))
    spread = float(np.median(np.abs(level - usual)))
    if level[at] < usual + max(_STANDS_OUT * spread, _FAINTEST):
        return None
    band = [
        k
        for k in range(max(at - 2, 0), min(at + 3, len(level)))
        if level[k] - usual > 0.4 * (level[at] - usual)
    ]
    ink = dark[band]
    strokes = float(np.percentile(ink.max(axis=0), 90))
    limit = (strokes + usual) / 2
    whole = np.zeros(pixels.shape, bool)
    whole[first + band[0] : first + band[-1] + 1, margin:-margin] = dark[band[0] : band[-1] + 1] > limit
    drawn = np.asarray(whole.any(axis=0))
    pieces = np.array_split(drawn[margin:-margin], _PIECES)
    # A rule runs from edge to edge; what darkens but part of a row is a word.
    if min(float(piece.mean()) for piece in pieces) < _LEAST_OF_A_PIECE:
        return None
    return pen_of(whole, (first + band[0], first + band[-1] + 1))


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
    if drawn[first:last].mean() > 0.5 and _periodicity(drawn[first:last]) < _LEAST_PERIODIC:
        return "solid"
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


def _periodicity(drawn: NDArray[np.bool_]) -> float:
    """How much a rule repeats itself along its way: a pattern of dashes does, what wear has left of a line does not."""
    swings = drawn - drawn.mean()
    spectrum = np.abs(np.fft.rfft(swings, 2 * len(swings))) ** 2
    correlation = np.fft.irfft(spectrum)[: len(swings) // 4]
    below = np.flatnonzero(correlation < 0)
    if not len(below):
        return 0.0
    return float(correlation[below[0] :].max() / max(correlation[0], 1e-9))


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
