"""Find and read the numbers that are printed beside the tracks, upright or turned sideways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.depth_fit import depth_of, has_suffix
from napari_welllog.calibrate.header_text import without_specks
from napari_welllog.calibrate.ocr import Box, TextReader
from napari_welllog.calibrate.result import DepthNumber
from napari_welllog.calibrate.straighten import Lean, Piece, cut
from napari_welllog.tracks import Track

Pixels = NDArray[np.uint8]

_NARROWEST = 0.012  # of the scan's width: no number fits in less
WIDEST = 0.24
"""Of the scan's width: in wider room without a track there are curves, not numbers."""

_SPECK = 0.012  # inches; numbers of depth have neither points nor minuses
_PIECE_ROWS = 900
_OVERLAP_ROWS = 110  # longer than a number turned sideways, so that each is whole in one piece
_GAP = 24  # paper between two pieces that are looked at together
_READING_DPI = 200.0  # at which digits have the size that the models were trained on
_SURE = 0.9  # confidence from which a suffix is believed
_OF_SUFFIXES = 0.2  # of the numbers, from which suffixes are no slip of the model
_SIDEWAYS = 1.25  # times as tall as wide
_PADDING = 0.12  # of a number's height
_ROOM_OF_A_DIGIT, _ROOM_OF_A_STROKE = 0.5, 0.15  # of a number's height, between it and the edge of the scan
_NEXT_DIGIT = 0.5  # of a number's height between two of its digits, at most
_BATCH = 24


@dataclass(frozen=True)
class Strip:
    """A band of the scan beside or between tracks, in which depth numbers may stand.

    Parameters
    ----------
    left, right : Track or None
        Its neighbours; None where the scan's own edge bounds it.
    """

    left: Track | None
    right: Track | None

    def columns(self, row: float, width: int) -> tuple[float, float]:
        """First column, and the one after the last, at a row of a scan so many columns wide."""
        first = 0.0 if self.left is None else float(self.left.edges(row)[1])
        last = float(width) if self.right is None else float(self.right.edges(row)[0])
        return first, last


def find_strips(tracks: list[Track], width: int) -> list[Strip]:
    """Where depth numbers may stand: between two tracks first, the wider the likelier, then in the margins.

    Examples
    --------
    >>> from napari_welllog.tracks import Curve
    >>> curve = Curve(curve_class=1, mnemonic="GR", unit="", left=0, right=1)
    >>> tracks = [Track(name=n, left=left, right=left + 200, top=0, bottom=9, curves=[curve])
    ...           for n, left in (("one", 2), ("two", 280))]
    >>> [strip.columns(0, 600) for strip in find_strips(tracks, 600)]
    [(202.0, 280.0), (480.0, 600.0)]
    """
    middle = (tracks[0].top + tracks[0].bottom) / 2
    between = [Strip(left, right) for left, right in pairwise(tracks)]
    margins = [Strip(None, tracks[0]), Strip(tracks[-1], None)]

    def room(strip: Strip) -> float:
        """Columns of a strip in the middle of the log."""
        first, last = strip.columns(middle, width)
        return last - first

    ordered = sorted(between, key=room, reverse=True) + sorted(margins, key=room, reverse=True)
    return [strip for strip in ordered if max(_NARROWEST * width, 12) < room(strip) < WIDEST * width]


def read_numbers(
    pixels: Pixels,
    strip: Strip,
    rows: tuple[float, float],
    lean: Lean,
    dpi: float | None,
    reader: TextReader,
    tick: Callable[[float], None],
    larger: float = 1.0,
) -> tuple[list[DepthNumber], list[str]]:
    """Read every number in a strip.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    strip : Strip
        Where to look.
    rows : first and last
        Rows to look at.
    lean : Lean
        How level lines lean.
    dpi : float or None
        Pixels per inch, if known.
    reader : TextReader
        What finds and reads text.
    tick : function
        Told the share that is done; may raise to stop.
    larger : float
        Times as large as usual to look at it: the model that finds text overlooks some at one size or another.

    Returns
    -------
    numbers : list of DepthNumber
        Those that may be depths, down the scan.
    words : list of str
        Everything else that was read.
    """
    zoom = larger * (float(np.clip(_READING_DPI / dpi, 0.4, 2.5)) if dpi else 1.0)
    pieces = list(_pieces(pixels, strip, rows, lean, dpi))
    found: list[tuple[Piece, Box]] = []
    boards = list(_boards(pieces, zoom))
    for done, board in enumerate(boards, start=1):
        found += board.find(reader)
        tick(0.7 * done / len(boards))
    found = _without_twins(found)
    texts = _read_boxes(found, zoom, reader, lambda share: tick(0.7 + 0.3 * share))
    bear_suffixes = _bear_suffixes([box for _, box in found], texts)
    numbers, words = [], []
    for (piece, box), (text, confidence) in zip(found, texts, strict=True):
        # Turned sideways, a number without the suffix of the others has its middle elsewhere.
        is_short = bear_suffixes and _is_sideways(box) and not has_suffix(text)
        depth = None if is_short or _is_cut(pixels, piece, box) else depth_of(text)
        if depth is None:
            words.append(text)
            continue
        row, _ = piece.on_scan((box.top + box.bottom - 1) / 2, (box.left + box.right - 1) / 2)
        numbers.append(
            DepthNumber(
                text=text,
                depth=depth,
                place=place_on_scan(piece, box),
                row=row,
                confidence=confidence,
                used=False,
            )
        )
    return sorted(numbers, key=lambda number: number.row), words


def place_on_scan(piece: Piece, box: Box) -> tuple[float, float, float, float]:
    """Top, bottom, left and right on the scan of a box of a piece."""
    middle = (box.top + box.bottom) / 2, (box.left + box.right) / 2
    row, column = piece.on_scan(*middle)
    half = box.height / 2, box.width / 2
    return tuple(round(v, 1) for v in (row - half[0], row + half[0], column - half[1], column + half[1]))  # type: ignore[return-value]


def _pieces(
    pixels: Pixels, strip: Strip, rows: tuple[float, float], lean: Lean, dpi: float | None
) -> Iterator[Piece]:
    """Cut a strip into upright pieces that overlap, following its edges down the page."""
    width = pixels.shape[1]
    start = max(rows[0], 0.0)
    while start < rows[1]:
        stop = min(start + _PIECE_ROWS + _OVERLAP_ROWS, rows[1], float(len(pixels)))
        first, last = strip.columns((start + stop) / 2, width)
        # At the piece's first row the page lies further over by what it leans down to its middle.
        slope = float(lean.at((start + stop) / 2))
        shift, sink = slope * (stop - start) / 2, slope * (last - first) / 2
        piece = cut(pixels, (start - sink, stop - sink), (first + shift, last + shift), slope)
        ink = piece.pixels < 128
        clean = np.where(ink & ~without_specks(ink, dpi or _READING_DPI, _SPECK), np.uint8(255), piece.pixels)
        yield replace(piece, pixels=clean)
        start += _PIECE_ROWS


@dataclass(frozen=True)
class _Board:
    """Pieces side by side, because the model that finds text is slow on a narrow picture."""

    picture: Pixels
    pieces: list[Piece]
    lefts: list[int]
    zoom: float

    def find(self, reader: TextReader) -> list[tuple[Piece, Box]]:
        """Boxes of text, each with its piece and in its coordinates."""
        found = []
        for box in reader.find(self.picture):
            middle = (box.left + box.right) / 2
            k = int(np.searchsorted(self.lefts, middle, side="right")) - 1
            piece, left = self.pieces[max(k, 0)], self.lefts[max(k, 0)]
            own = Box(*(v / self.zoom for v in (box.top, box.bottom, box.left - left, box.right - left)))
            found.append((piece, whole(piece.pixels, _within(own, piece.pixels))))
        return [(piece, box) for piece, box in found if box.height > 3 and box.width > 3]


def _boards(pieces: list[Piece], zoom: float) -> Iterator[_Board]:
    """Lay pieces side by side until they are about as wide as tall."""
    lot: list[Piece] = []
    for piece in pieces:
        lot.append(piece)
        if sum(p.pixels.shape[1] + _GAP for p in lot) * zoom > (_PIECE_ROWS + _OVERLAP_ROWS) * zoom:
            yield _board(lot, zoom)
            lot = []
    if lot:
        yield _board(lot, zoom)


def _board(pieces: list[Piece], zoom: float) -> _Board:
    """Lay pieces side by side."""
    pictures = [resized(piece.pixels, zoom) for piece in pieces]
    height = max(picture.shape[0] for picture in pictures)
    lefts, parts, at = [], [], 0
    for picture in pictures:
        lefts.append(at)
        padded = np.full((height, picture.shape[1] + _GAP), 255, np.uint8)
        padded[: picture.shape[0], : picture.shape[1]] = picture
        parts.append(padded)
        at += padded.shape[1]
    return _Board(np.concatenate(parts, axis=1), pieces, lefts, zoom)


def resized(picture: Pixels, zoom: float) -> Pixels:
    """A picture so many times as large."""
    if abs(zoom - 1) < 0.05 or 0 in picture.shape:
        return picture
    from PIL import Image

    size = max(round(picture.shape[1] * zoom), 1), max(round(picture.shape[0] * zoom), 1)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def _within(box: Box, picture: Pixels) -> Box:
    """A box held inside a picture."""
    top, bottom = np.clip((box.top, box.bottom), 0, picture.shape[0])
    left, right = np.clip((box.left, box.right), 0, picture.shape[1])
    return tightened(picture, Box(float(top), float(bottom), float(left), float(right)))


def tightened(picture: Pixels, box: Box) -> Box:
    """A box drawn in to the ink inside it: the model's boxes are a few pixels too large, not evenly."""
    first_row, first_column = int(box.top), int(box.left)
    ink = picture[first_row : int(np.ceil(box.bottom)), first_column : int(np.ceil(box.right))] < 128
    # A row or column that only a speck or a fine line touches does not count.
    rows, columns = np.flatnonzero(ink.sum(axis=1) > 1), np.flatnonzero(ink.sum(axis=0) > 1)
    if not len(rows) or not len(columns):
        return box
    return Box(
        float(first_row + rows[0]),
        float(first_row + rows[-1] + 1),
        float(first_column + columns[0]),
        float(first_column + columns[-1] + 1),
    )


def whole(picture: Pixels, box: Box) -> Box:
    """A box drawn out along its text over digits that the model left out: ink no further away than a digit is.

    Examples
    --------
    >>> picture = np.full((20, 90), 255, np.uint8)
    >>> for left in (10, 22, 34, 46):
    ...     picture[5:15, left : left + 8] = 0
    >>> whole(picture, Box(5, 15, 10, 30))
    Box(top=5, bottom=15, left=10.0, right=54.0)
    """
    upright = box.width >= box.height
    first, last = (box.left, box.right) if upright else (box.top, box.bottom)
    low, high = (box.top, box.bottom) if upright else (box.left, box.right)
    band = picture[int(low) : int(np.ceil(high))] if upright else picture[:, int(low) : int(np.ceil(high))].T
    inked = (band < 128).sum(axis=0) > 1
    reach = int(np.ceil(_NEXT_DIGIT * (high - low)))
    first, last = _grown(inked[::-1], len(inked) - first, reach), _grown(inked, last, reach)
    first = len(inked) - first
    return box._replace(left=first, right=last) if upright else box._replace(top=first, bottom=last)


def _grown(inked: NDArray[np.bool_], end: float, reach: int) -> float:
    """The end of ink that goes on beyond an end, over gaps no wider than the reach."""
    at = int(np.ceil(end))
    while True:
        further = np.flatnonzero(inked[at : at + reach])
        if not len(further):
            return float(at)
        at += int(further[-1]) + 1


def _without_twins(found: list[tuple[Piece, Box]]) -> list[tuple[Piece, Box]]:
    """Keep one of what two overlapping pieces both show: the larger, for the other may be cut."""
    kept: list[tuple[Piece, Box, tuple[float, float]]] = []
    for piece, box in sorted(found, key=lambda item: -item[1].height * item[1].width):
        place = piece.on_scan((box.top + box.bottom) / 2, (box.left + box.right) / 2)
        if all(
            abs(place[0] - other[0]) > max(box.height, size.height) / 2
            or abs(place[1] - other[1]) > max(box.width, size.width) / 2
            for _, size, other in kept
        ):
            kept.append((piece, box, place))
    return [(piece, box) for piece, box, _ in sorted(kept, key=lambda item: item[2])]


def _is_cut(pixels: Pixels, piece: Piece, box: Box) -> bool:
    """Whether a number reaches the edge of the scan, so that digits of it may be missing."""
    _, _, left, right = place_on_scan(piece, box)
    # Upright, the page may end between two digits; turned sideways, it would cut all of them.
    margin = _ROOM_OF_A_DIGIT if box.width > box.height else _ROOM_OF_A_STROKE
    near = max(2.0, margin * min(box.height, box.width))
    return left < near or right > pixels.shape[1] - near


def _read_boxes(
    found: list[tuple[Piece, Box]], zoom: float, reader: TextReader, tick: Callable[[float], None]
) -> list[tuple[str, float]]:
    """Read boxes; those that are taller than wide turned both ways, and the way counts that says more numbers.

    Some numbers are numbers upside down too, but on one page all are turned the same way.
    """
    pictures, of_box, turned = [], [], []
    for k, (piece, box) in enumerate(found):
        patch = resized(padded(piece.pixels, box), zoom)
        turns = (1, 3) if _is_sideways(box) else (0,)
        for turn in turns:
            pictures.append(np.ascontiguousarray(np.rot90(patch, turn)))
            of_box.append(k)
            turned.append(turn)
    said_by = []
    for start in range(0, len(pictures), _BATCH):
        said_by += reader.read(pictures[start : start + _BATCH])
        tick(min(start + _BATCH, len(pictures)) / len(pictures))
    read = list(zip(of_box, turned, said_by, strict=True))
    said = {turn: sum(_numbers_told(*text) for _, way, text in read if way == turn) for turn in (1, 3)}
    right = max(said, key=lambda turn: said[turn])
    texts: list[tuple[str, float]] = [("", 0.0)] * len(found)
    for k, turn, text in read:
        if turn in (0, right):
            texts[k] = text
    return texts


def _is_sideways(box: Box) -> bool:
    """Whether a text in a box is turned sideways."""
    return box.height > _SIDEWAYS * box.width


def _bear_suffixes(boxes: list[Box], texts: list[tuple[str, float]]) -> bool:
    """Whether the numbers that are turned sideways bear a suffix, though that of some was not read."""
    sideways = [
        (text, sure)
        for box, (text, sure) in zip(boxes, texts, strict=True)
        if _is_sideways(box) and depth_of(text) is not None
    ]
    return sum(has_suffix(text) and sure > _SURE for text, sure in sideways) > _OF_SUFFIXES * len(sideways)


def _numbers_told(text: str, confidence: float) -> float:
    """How surely a text is a depth: none begins with a zero."""
    return confidence if depth_of(text) is not None and not text.lstrip().startswith("0") else 0.0


def padded(picture: Pixels, box: Box) -> Pixels:
    """The part of a picture in a box, with paper around it."""
    part = picture[int(box.top) : int(np.ceil(box.bottom)), int(box.left) : int(np.ceil(box.right))]
    margin = max(2, round(_PADDING * min(part.shape)))
    return np.pad(part, margin, constant_values=255)
