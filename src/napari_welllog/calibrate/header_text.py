"""Take the header of one track apart: the rules across it, and the pieces of text between them.

A model that finds text misses single digits and joins numbers across narrow gaps. In a header words stand on
white paper, in lines, so the ink itself says where they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.ocr import Box
from napari_welllog.calibrate.pens import Rule, pen_of

Ink = NDArray[np.bool_]

_BRIDGED = 0.11  # inches of paper between two strokes of one rule, at most
_RULE = 0.5  # of the track's width that a rule covers, its gaps bridged
_THICKEST_RULE = 0.05  # inches
_TALLEST_TEXT = 0.2  # inches; what stands taller and is thin is a frame
_SMALLEST_TEXT = 0.035
_LARGEST_SPECK = 0.008
_LONG = 0.018  # inches from which a trace of ink is part of a letter, however thin
_EDGE = 0.03  # inches from the track's edges in which its frame stands, and no value
_DUST = 0.34  # of a line's height, below which ink is dust, a point, a minus or a part of a letter
_FOOT_OF_POINT = 0.75  # of a line's height, above which no point ends
_POINT_GAP = 0.4  # of a line's height between a point and the digit after it
_MINUS_GAP = 0.6
_WORD_GAP = 1.25  # of a line's height between two pieces of text: more than a space of a typewriter


@dataclass(frozen=True)
class TextLine:
    """A line of text: its rows, and the boxes of its pieces from left to right."""

    top: int
    bottom: int
    boxes: list[Box]


@dataclass(frozen=True)
class HeaderParts:
    """The header of one track.

    Parameters
    ----------
    rules : list of Rule
        Rules across it, from the top.
    lines : list of TextLine
        Lines of text, from the top.
    text : bool (rows, columns)
        Ink without rules, frames and dust.
    bare : bool (rows, columns)
        Ink without rules and frames: a minus or a point may be as small as dust.
    """

    rules: list[Rule]
    lines: list[TextLine]
    text: Ink
    bare: Ink


def take_apart(ink: Ink, dpi: float, grey: NDArray[np.uint8] | None = None) -> HeaderParts:
    """Find the rules and the lines of text of one track's header.

    Parameters
    ----------
    ink : bool (rows, columns)
        The header, upright.
    dpi : float
        Pixels per inch.
    grey : uint8 (rows, columns), optional
        The header as it was scanned, which tells the pens of its rules better.

    Examples
    --------
    >>> ink = np.zeros((60, 400), bool)
    >>> ink[10:30, 5:15] = ink[10:30, 180:240] = ink[10:30, 380:390] = True
    >>> ink[45:47] = True
    >>> parts = take_apart(ink, dpi=200)
    >>> [rule.row for rule in parts.rules], [len(line.boxes) for line in parts.lines]
    ([45.5], [3])
    """
    bare = ink & ~_frames(ink, dpi)
    bands = _rule_bands(bare, dpi)
    rules = [pen_of(bare, band, grey) for band in bands]
    text = bare.copy()
    for top, bottom in bands:
        text[max(top - 1, 0) : bottom + 1] = False
    text = _without_edges(text, dpi)
    letters = without_specks(text, dpi)
    for top, bottom in _rows_of_lines(letters, dpi):
        dust = _dust(text[top:bottom])
        letters[top:bottom] &= ~dust
        text[top:bottom] &= ~dust
    return HeaderParts(rules, _lines(letters, dpi), letters, text)


def _frames(ink: Ink, dpi: float) -> Ink:
    """Thin vertical strokes taller than any letter."""
    from scipy.ndimage import binary_opening

    return np.asarray(
        binary_opening(ink, np.ones((max(round(1.3 * _TALLEST_TEXT * dpi), 9), 1), bool)), np.bool_
    )


def _rule_bands(ink: Ink, dpi: float) -> list[tuple[int, int]]:
    """Bands of rows that hold a rule: much more of their length is inked than of the rows around them."""
    from scipy.ndimage import binary_closing, white_tophat

    gap = max(round(_BRIDGED * dpi), 5)
    wide = np.pad(ink, ((0, 0), (gap, gap)))
    # Two rows together, because a rule that leans a little changes row on its way.
    closed = binary_closing(wide | np.roll(wide, 1, axis=0), np.ones((1, gap), bool))[:, gap:-gap]
    thickest = max(round(_THICKEST_RULE * dpi), 4)
    cover = white_tophat(closed.mean(axis=1), thickest + 3)
    flags = cover > _RULE
    steps = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    bands = []
    for start, stop in zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True):
        inked = np.flatnonzero(ink[max(start - 2, 0) : stop + 2].mean(axis=1) > 0.08) + max(start - 2, 0)
        if len(inked):
            bands.append((int(inked[0]), int(inked[-1]) + 1))
    return bands


def _without_edges(ink: Ink, dpi: float) -> Ink:
    """Ink without the scraps of a worn frame along the track's edges."""
    from scipy.ndimage import find_objects, label

    zone = max(_EDGE * dpi, 3.0)
    labels, count = label(ink, np.ones((3, 3)))
    scrap = np.zeros(count + 1, bool)
    for k, found in enumerate(find_objects(labels), start=1):
        scrap[k] = found[1].stop <= zone or found[1].start >= ink.shape[1] - zone
    return np.asarray(ink & ~scrap[labels], np.bool_)


def without_specks(ink: Ink, dpi: float, largest: float = _LARGEST_SPECK) -> Ink:
    """Ink without dust.

    Parameters
    ----------
    ink : bool (rows, columns)
        A piece of the page.
    dpi : float
        Pixels per inch.
    largest : float
        Width of the largest speck, inches; what is as small but long, such as a minus, is none.

    Examples
    --------
    >>> ink = np.zeros((20, 20), bool)
    >>> ink[3, 3] = ink[8:16, 8:10] = True
    >>> int(without_specks(ink, dpi=200).sum())
    16
    """
    from scipy.ndimage import find_objects, label

    labels, count = label(ink, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    kept = sizes >= max((largest * dpi) ** 2, 2)
    kept[0] = False
    small = set(np.flatnonzero(~kept[1:]) + 1)
    for k, found in enumerate(find_objects(labels), start=1):
        if k in small and max(side.stop - side.start for side in found) >= max(_LONG * dpi, 3):
            kept[k] = True
    return np.asarray(kept[labels], np.bool_)


def _rows_of_lines(text: Ink, dpi: float) -> list[tuple[int, int]]:
    """Rows that letters cover, line by line."""
    from scipy.ndimage import find_objects, label

    labels, _ = label(text, np.ones((3, 3)))
    rows = np.zeros(len(text), bool)
    for found in find_objects(labels):
        height = found[0].stop - found[0].start
        if _SMALLEST_TEXT * dpi <= height <= 1.5 * _TALLEST_TEXT * dpi:
            rows[found[0]] = True
    steps = np.flatnonzero(np.diff(np.concatenate([[0], rows.astype(np.int8), [0]])))
    return list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))


def _dust(line: Ink) -> Ink:
    """Small ink on a line of text that is no part of a letter, no point and no minus.

    Examples
    --------
    >>> line = np.zeros((20, 120), bool)
    >>> line[:, 10:20] = line[:, 24:34] = line[17:20, 21:23] = True  # two digits, and a point between them
    >>> line[8:11, 60:63] = line[17:20, 38:41] = True  # dust
    >>> int(_dust(line).sum())
    18
    """
    from scipy.ndimage import find_objects, label

    height = len(line)
    labels, count = label(line, np.ones((3, 3)))
    places = [
        (found[0].start, found[0].stop, found[1].start, found[1].stop) for found in find_objects(labels)
    ]
    is_small = [max(bottom - top, right - left) < _DUST * height for top, bottom, left, right in places]
    letters = np.array(
        [(left, right) for (_, _, left, right), small in zip(places, is_small, strict=True) if not small]
    ).reshape(-1, 2)
    dust = np.zeros(count + 1, bool)
    for k, ((top, bottom, left, right), small) in enumerate(zip(places, is_small, strict=True), start=1):
        if not small:
            continue
        touches = (letters[:, 0] - 1 <= right) & (left <= letters[:, 1] + 1)
        before = letters[:, 0] - right
        is_point = bottom > _FOOT_OF_POINT * height and ((before >= 0) & (before < _POINT_GAP * height)).any()
        middle = (top + bottom) / 2 / height
        is_minus = 0.3 < middle < 0.8 and ((before >= 0) & (before < _MINUS_GAP * height)).any()
        dust[k] = not (touches.any() or is_point or is_minus)
    return np.asarray(dust[labels], np.bool_)


def _lines(text: Ink, dpi: float) -> list[TextLine]:
    """Lines of text, from the rows that letters cover."""
    lines = [
        TextLine(top, bottom, _pieces_of_text(text, top, bottom)) for top, bottom in _rows_of_lines(text, dpi)
    ]
    return [line for line in lines if line.boxes]


def _pieces_of_text(text: Ink, top: int, bottom: int) -> list[Box]:
    """Boxes of what stands together on a line."""
    columns = text[top:bottom].any(axis=0)
    steps = np.flatnonzero(np.diff(np.concatenate([[0], columns.astype(np.int8), [0]])))
    gap = max(_WORD_GAP * (bottom - top), 4)
    runs: list[list[int]] = []
    for start, stop in zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True):
        if runs and start - runs[-1][1] <= gap:
            runs[-1][1] = stop
        else:
            runs.append([start, stop])
    boxes = []
    for start, stop in runs:
        rows = np.flatnonzero(text[top:bottom, start:stop].any(axis=1))
        if rows[-1] - rows[0] + 1 >= 0.3 * (bottom - top):
            boxes.append(Box(float(top + rows[0]), float(top + rows[-1] + 1), float(start), float(stop)))
    return boxes
