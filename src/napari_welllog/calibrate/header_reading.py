"""Read the lines of text of a track's header, every piece in two sizes, and what is unclear twice more."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.depth_column import padded, resized
from napari_welllog.calibrate.header_line import AT_EDGE, usual_curve, value_pair
from napari_welllog.calibrate.header_text import HeaderParts
from napari_welllog.calibrate.header_words import MINUS, REPEATED, Words, is_clear, is_single, once, words_of
from napari_welllog.calibrate.ocr import Box, TextReader
from napari_welllog.calibrate.straighten import Piece

INK = 140  # grey values below it are ink
_TEXT_HEIGHT = 26.0  # pixels at which the models read best
_SOFTENED = 1.2  # pixels of text that is _TEXT_HEIGHT tall
_MOST_WORDS = 6  # pieces of text on a line of a header
_MOST_BELOW = 2  # lines in the log that tell no scale, after which no more are read
_WIDE = str.maketrans("：，。（）！？；［］％／＋", ":,.()!?;[]%/+")
_VALUE_FIRST = re.compile(r"\|?(?P<value>-?\d+(\.\d+)?)(?P<rest> *[A-Za-z].*)")
_VALUE_LAST = re.compile(r"(?P<rest>.*[A-Za-z)\]%] *)(?P<value>-?\d+(\.\d+)?)")


def read_lines(
    piece: Piece, parts: HeaderParts, log_row: float, reader: TextReader, tick: Callable[[float], None]
) -> list[list[Words]]:
    """Read every line of text; each piece twice, in two sizes, so that a slip of the model shows.

    Where the log itself begins the lines soon tell nothing, and no more are read.
    """
    lines: list[list[Words]] = []
    idle = 0
    # As it was scanned, but for the ink of rules and frames: a faint minus is read though it is no letter.
    clean = np.where((piece.pixels < INK) & ~parts.bare, np.uint8(255), piece.pixels)
    for done, line in enumerate(parts.lines, start=1):
        boxes = [_with_room_for_a_minus(box) for box in line.boxes]
        patches = [_patches(clean, box) for box in boxes]
        first, second = (_said(reader, line.boxes, [patch[k] for patch in patches]) for k in (0, 1))
        read = zip(line.boxes, first, second, strict=True)
        words = [words_of(box, parts.bare, one, two) for box, one, two in read]
        if line.top < log_row or value_pair(words, piece.pixels.shape[1]) is not None:
            words = _read_again(words, [patch[0] for patch in patches], parts, reader)
        said = [one for one, _ in first], [two for two, _ in second]
        lines.append(_parted(words, said, piece.pixels.shape[1]))
        tick(done / len(parts.lines))
        if line.top >= log_row:
            telling = (
                value_pair(lines[-1], piece.pixels.shape[1]) is not None and len(lines[-1]) <= _MOST_WORDS
            )
            idle = 0 if usual_curve(lines[-1]) is not None or telling else idle + 1
            if idle >= _MOST_BELOW:
                break
    return lines


def _said(
    reader: TextReader, boxes: Sequence[Box], patches: Sequence[NDArray[np.uint8]]
) -> list[tuple[str, float]]:
    """What pieces of text say, and how surely."""
    read = [(text.translate(_WIDE), sure) for text, sure in reader.read(patches)]
    return [once(*said) if is_single(box) else said for said, box in zip(read, boxes, strict=True)]


def _read_again(
    words: list[Words], patches: Sequence[NDArray[np.uint8]], parts: HeaderParts, reader: TextReader
) -> list[Words]:
    """Words, those that were read in two ways or not surely read twice more: softened, and with thicker strokes."""
    unclear = [k for k, word in enumerate(words) if not is_clear(word)]
    if not unclear:
        return words
    boxes = [words[k].box for k in unclear]
    softer, thicker = (
        _said(reader, boxes, [altered(patches[k]) for k in unclear]) for altered in (softened, thickened)
    )
    again = dict(zip(unclear, zip(softer, thicker, strict=True), strict=True))
    return [
        words_of(word.box, parts.bare, *word.readings, *again[k]) if k in again else word
        for k, word in enumerate(words)
    ]


def softened(picture: NDArray[np.uint8], grain: float = _SOFTENED) -> NDArray[np.uint8]:
    """A picture smoothed over so many pixels: worn strokes run together a little, and the finest grain goes."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(picture, grain), np.uint8)


def thickened(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture whose strokes are a pixel wider."""
    from scipy.ndimage import grey_erosion

    return np.asarray(grey_erosion(picture, (2, 2)), np.uint8)


def _parted(words: list[Words], said: tuple[list[str], list[str]], width: int) -> list[Words]:
    """Words, where a value has run into the name beside it taken apart, if both readings say the same value."""
    parted: list[Words] = []
    for word, texts in zip(words, zip(*said, strict=True), strict=True):
        box, length = word.box, max(len(texts[0]), 1)
        values, rest = _split(texts, _VALUE_FIRST) if box.left < AT_EDGE * width else ((), texts)
        if values:
            border = box.left + len(values[0]) / length * box.width
            parted.append(_taken_apart(word, box._replace(right=border), values, rest[0][:1].isspace()))
            box = box._replace(left=border)
        values, rest = _split(rest, _VALUE_LAST) if box.right > (1 - AT_EDGE) * width else ((), rest)
        border = word.box.right - len(values[0] if values else "") / length * word.box.width
        if rest == texts:
            parted.append(word)
        else:
            parted.append(replace(word, box=box._replace(right=border), text=rest[0], readings=()))
        if values:
            parted.append(_taken_apart(word, box._replace(left=border), values, rest[0][-1:].isspace()))
    return parted


def _taken_apart(word: Words, box: Box, values: tuple[str, ...], spaced: bool) -> Words:
    """The value of words that held a name too; where no space parts them, a digit may have been read as a letter."""
    doubt = word.doubt if spaced else f"{values[0]!r} runs into the name beside it"
    doubt = doubt if len(set(values)) == 1 else f"read as {' and as '.join(map(repr, values))}"
    readings = tuple((value, sure) for value, (_, sure) in zip(values, word.readings, strict=False))
    return replace(word, box=box, text=values[0], doubt=doubt, readings=readings)


def _split(texts: tuple[str, ...], pattern: re.Pattern[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values at one end of two readings, which may differ by a sign, and what is left; none where more differs."""
    matches = [match for match in (pattern.fullmatch(text.strip()) for text in texts) if match]
    values = tuple(match["value"] for match in matches)
    if len(matches) < len(texts) or len({value.lstrip("-") for value in values}) > 1:
        return (), texts
    return values, tuple(match["rest"] for match in matches)


def _with_room_for_a_minus(box: Box) -> Box:
    """A box with the place before its first letter, where a minus may be that has all but worn away."""
    return box if is_single(box) else box._replace(left=max(box.left - MINUS * box.height, 0.0))


def _patches(clean: NDArray[np.uint8], box: Box) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A piece of text in two sizes, with different paper around it."""
    zoom = _TEXT_HEIGHT / max(box.height, 6.0)
    patch = padded(clean, box)
    if is_single(box):
        # The models know lines of text, and take a letter that stands alone for a scrap; three of it make a line.
        patch = np.concatenate([patch] * REPEATED, axis=1)
    margin = max(2, round(0.15 * box.height))
    return resized(patch, zoom), resized(np.pad(patch, margin, constant_values=255), 1.5 * zoom)
