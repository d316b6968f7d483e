"""Read the scales of one track's header: which curve, in which unit, from which value to which, by which pen."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.depth_column import padded, place_on_scan, resized
from napari_welllog.calibrate.header_text import HeaderParts, take_apart
from napari_welllog.calibrate.header_words import (
    LEAST_VALUE,
    MINUS,
    REPEATED,
    Words,
    is_clear,
    is_single,
    mended,
    once,
    without_frame,
    words_of,
)
from napari_welllog.calibrate.likely import (
    only_usual,
    unit_by_values,
    unlikely_unit,
    unlikely_values,
    usual_scales,
)
from napari_welllog.calibrate.names import (
    THIRD_CURVES,
    alike_curves,
    likely_curve,
    mnemonic_of,
    near_curves,
    own_mnemonic,
    split_unit,
    unit_of,
    units_of,
)
from napari_welllog.calibrate.ocr import Box, TextReader
from napari_welllog.calibrate.pens import Rule, faint_rule, weighed
from napari_welllog.calibrate.result import PenName, Place
from napari_welllog.calibrate.straighten import Piece

_OUTER = 0.34  # of the track's width at either side, where a scale's values stand
_TEXT_HEIGHT = 26.0  # pixels at which the models read best
_NAME_ABOVE = 2.2  # heights of a line between a name and its values
_LINE_ABOVE = 3.5  # heights of a line between two scales
_RULE_BELOW = 2.2  # heights of a line between values and their rule
_UNEVEN = 0.035  # inches by which the values of a track may stand nearer to one edge
_LEAST_UNEVEN = 6.0  # pixels
_SOFTENED = 1.2  # pixels of text that is _TEXT_HEIGHT tall
_INK = 140  # grey values below it are ink
_SURE_VALUE = 0.75
_SURE_UNUSUAL = 0.9
_SURE_NAME = 0.9
_SHORTEST_NAME = 3  # letters of a curve that is no usual one
_LETTERS_OF_A_NAME = 3
_MOST_WORDS = 6  # pieces of text on a line of a header
_MOST_BELOW = 2  # lines in the log that tell no scale, after which no more are read
_WIDE = str.maketrans("：，。（）！？；［］％／＋", ":,.()!?;[]%/+")
_VALUE_FIRST = re.compile(r"\|?(?P<value>-?\d+(\.\d+)?)(?P<rest> *[A-Za-z].*)")
_VALUE_LAST = re.compile(r"(?P<rest>.*[A-Za-z)\]%] *)(?P<value>-?\d+(\.\d+)?)")
_AT_EDGE = 0.08  # of the track's width within which a value begins or ends
_BRACKETS = frozenset("()[]{}")


@dataclass(frozen=True)
class ReadScale:
    """A scale as it stands in the header, before it is known which curve of the track it belongs to."""

    name: str
    mnemonic: str
    unit: str
    left: float
    right: float
    pen: PenName
    pen_width: float
    place: Place
    confidence: float
    doubts: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Header:
    """The header of one track.

    Parameters
    ----------
    scales : list of ReadScale
        From the top.
    words : list of str
        Everything that was read.
    loose : tuple of str
        What may belong to a scale that was not read.
    also_named : tuple of str
        Mnemonics of curves of the logging whose values were not read; nobody needs them.
    bottom : float
        Row of the piece at which the lowest scale ends; 0 where there is none.
    """

    scales: list[ReadScale]
    words: list[str]
    loose: tuple[str, ...] = ()
    also_named: tuple[str, ...] = ()
    bottom: float = 0.0


def read_header(
    piece: Piece, log_row: float, dpi: float, reader: TextReader, tick: Callable[[float], None]
) -> Header:
    """Read the scales of one track's header.

    Parameters
    ----------
    piece : Piece
        The paper above the log between the track's edges, upright, ink dark, and the beginning of the log.
    log_row : float
        Row of the piece at which the log begins, as far as its grid tells: where that has worn away, scales
        of usual curves may still stand a little further down.
    dpi : float
        Pixels per inch.
    reader : TextReader
        What reads text.
    tick : function
        Told the share that is done; may raise to stop.

    Returns
    -------
    Header
        The scales, and what else was read.
    """
    parts = take_apart(piece.pixels < _INK, dpi, piece.pixels)
    lines = _read_lines(piece, parts, log_row, reader, tick)
    width = piece.pixels.shape[1]
    scales, rules, used, pairs = [], [], [], []
    for k, line in enumerate(lines):
        pair = _pair(line, width)
        named = _name_words(lines, k, pair, parts.rules, width) if pair is not None else []
        if pair is not None and (line[0].box.top < log_row or _is_a_curve(named)):
            scales.append(_scale(piece, lines, k, pair, named))
            pairs.append(pair)
            rules.append(_rule_below(piece, lines, k, pair, parts.rules, width))
            used += [*pair, *named]
    unread = _lines_of_third_curves(lines, used)
    thirds = [rule for _, line in unread if (rule := _next_rule(line, parts.rules)) is not None]
    used += [word for _, line in unread for word in line]
    last = max([log_row, *(word.box.bottom + 1 for word in used)])
    unexplained = (
        _unexplained_lines(lines, used, log_row, width, parts.rules)
        + _inner_values(lines, pairs)
        + _uneven_margins(pairs, scales, width, dpi)
    )
    return Header(
        [
            replace(scale, pen=pen, pen_width=rule.width)
            for scale, rule, pen in zip(scales, rules, weighed(rules), strict=True)
        ],
        [word.text for line in lines for word in line],
        unexplained
        + _loose_ends(
            [[word for word in line if word.box.top < last] for line in lines],
            used,
            [rule for rule in parts.rules if rule not in [*rules, *thirds] and rule.row < log_row - 2],
            width,
        ),
        tuple(mnemonic for mnemonic, _ in unread),
        max([word.box.bottom for word in used] + [rule.row + rule.width / 2 for rule in rules], default=0.0),
    )


def _lines_of_third_curves(lines: list[list[Words]], used: Sequence[Words]) -> list[tuple[str, list[Words]]]:
    """Mnemonics and words of curves of the logging of which not both values were read."""
    found = []
    for k, line in enumerate(lines):
        mnemonic = _usual([word for word in line if word.tells and word.value is None])
        if mnemonic not in THIRD_CURVES or any(word in used for word in line):
            continue
        words, height = list(line), max(word.box.height for word in line)
        below = lines[k + 1] if k + 1 < len(lines) else []
        near = bool(below) and below[0].box.top - max(word.box.bottom for word in line) < _NAME_ABOVE * height
        has_values = any(word.value is not None for word in line)
        # Its values may stand on the line below its name, by nothing but a unit.
        if near and not has_values and not any(word in used for word in below):
            inner = [word for word in below if word.tells and word.value is None]
            words += below if all(_is_only_unit(word.text) or len(word.text) < 3 for word in inner) else []
        found.append((mnemonic, words))
    return found


def _next_rule(words: Sequence[Words], rules: Sequence[Rule]) -> Rule | None:
    """The rule just below words."""
    bottom, height = max(word.box.bottom for word in words), max(word.box.height for word in words)
    below = [rule for rule in rules if -2 < rule.row - bottom < _RULE_BELOW * height]
    return below[0] if below else None


def _is_a_curve(named: Sequence[Words]) -> bool:
    """Whether words name a usual curve, or are more like one with its unit than like any other."""
    said = " ".join(word.text for word in named)
    name, unit = split_unit(said)
    known = _usual(named) is not None or likely_curve(said) is not None
    return known or (unit is not None and bool(near_curves(name)))


def _usual(named: Sequence[Words]) -> str | None:
    """The usual mnemonic that words name, in whatever they were read as."""
    mnemonic = mnemonic_of(split_unit(" ".join(word.text for word in named))[0])
    return mnemonic or _by_other_readings(named, None, None)[0]


def _is_over_a_rule(line: Sequence[Words], rules: Sequence[Rule], width: int) -> bool:
    """Whether words with a number at an edge of the track stand over a rule, as a scale does."""
    numbers = [
        word
        for word in line
        if word.value is not None
        and not is_single(word.box)
        and min(word.box.left, width - word.box.right) < _AT_EDGE * width
    ]
    letters = sum(character.isalpha() for word in line for character in word.text)
    return bool(numbers) and letters >= _LETTERS_OF_A_NAME and _next_rule(line, rules) is not None


def _unexplained_lines(
    lines: list[list[Words]], used: Sequence[Words], log_row: float, width: int, rules: Sequence[Rule]
) -> tuple[str, ...]:
    """Lines of words among the scales or just below them that tell no scale: one may stand there that was not read."""
    if not used:
        return ()
    height = float(np.median([word.box.height for word in used]))
    first, last = min(word.box.top for word in used), max(word.box.bottom for word in used)
    found = []
    for line in lines:
        top = line[0].box.top
        if any(word in used for word in line) or not first < top < last + _LINE_ABOVE * height:
            continue
        if top >= log_row and _is_over_a_rule(line, rules, width):
            found.append(f"{' '.join(word.text for word in line)!r} among the scales is not understood")
            continue
        # Where the log has begun, only a long name between values at both edges is a scale and no scrap of a curve.
        if top >= log_row and _pair(line, width) is None:
            continue
        least = _LETTERS_OF_A_NAME if top < log_row else 2 * _LETTERS_OF_A_NAME
        words = [word.text for word in line if sum(map(str.isalpha, word.text)) >= least]
        if words and not all(map(_is_only_unit, words)):
            found.append(f"{' '.join(words)!r} among the scales is not understood")
    return tuple(found)


def _inner_values(lines: list[list[Words]], pairs: Sequence[tuple[Words, Words]]) -> tuple[str, ...]:
    """Say where surely read values stand between those at the edges: the scales of two tracks, side by side."""
    for pair in pairs:
        line = next((words for words in lines if any(word.box == pair[0].box for word in words)), [])
        inner = [w for w in line if not _is_one_of(w, pair) and w.value is not None and not w.doubt]
        for word in inner:
            if word.confidence > _SURE_UNUSUAL and not is_single(word.box):
                return (f"{word.text!r} stands between the values of a scale",)
    return ()


def _uneven_margins(
    pairs: Sequence[tuple[Words, Words]], scales: Sequence[ReadScale], width: int, dpi: float
) -> tuple[str, ...]:
    """Say where values stand nearer to one edge of the track than to the other: then an edge is not the track's."""
    if not pairs:
        return ()
    right = min(width - pair[1].box.right for pair in pairs)
    left = min(pair[0].box.left for pair in pairs)
    if all(scale.left < 0 for scale in scales):
        # A worn minus is not always part of the ink of its number.
        height = pairs[0][0].box.height
        left = min((left, left - MINUS * height), key=lambda margin: abs(margin - right))
    if abs(left - right) < max(_UNEVEN * dpi, _LEAST_UNEVEN):
        return ()
    return (f"its values stand {left:.0f} pixels from one edge and {right:.0f} from the other",)


def _loose_ends(
    lines: list[list[Words]], used: Sequence[Words], rules: Sequence[Rule], width: int
) -> tuple[str, ...]:
    """What stands among the scales and belongs to none of those that were read: perhaps to one that was not."""
    if not used:
        return ()
    first = min(word.box.top for word in used)
    height = float(np.median([word.box.height for word in used]))
    loose = []
    for line, word in [(words, word) for words in lines for word in words if word not in used]:
        is_scale = _usual([w for w in line if w.tells and w.value is None]) is not None
        if word.box.top < first - _LINE_ABOVE * height and not is_scale:
            continue
        middle = (word.box.left + word.box.right) / 2
        outer = min(middle, width - middle) < _OUTER * width
        usual = mnemonic_of(split_unit(word.text)[0])
        if word.value is not None and outer and word.value != 1:
            loose.append(f"{word.text!r} stands at an edge without a value at the other")
        elif usual is not None and usual not in THIRD_CURVES:
            loose.append(f"{word.text!r} stands without values")
    last = max(word.box.bottom for word in used)
    among = [rule for rule in rules if first < rule.row < last + _RULE_BELOW * height]
    return (*loose, *(["a rule stands without values"] if among else []))


def _read_lines(
    piece: Piece, parts: HeaderParts, log_row: float, reader: TextReader, tick: Callable[[float], None]
) -> list[list[Words]]:
    """Read every line of text; each piece twice, in two sizes, so that a slip of the model shows.

    Where the log itself begins the lines soon tell nothing, and no more are read.
    """
    lines: list[list[Words]] = []
    idle = 0
    # As it was scanned, but for the ink of rules and frames: a faint minus is read though it is no letter.
    clean = np.where((piece.pixels < _INK) & ~parts.bare, np.uint8(255), piece.pixels)
    for done, line in enumerate(parts.lines, start=1):
        boxes = [_with_room_for_a_minus(box) for box in line.boxes]
        patches = [_patches(clean, box) for box in boxes]
        first, second = (_said(reader, line.boxes, [patch[k] for patch in patches]) for k in (0, 1))
        read = zip(line.boxes, first, second, strict=True)
        words = [words_of(box, parts.bare, one, two) for box, one, two in read]
        if line.top < log_row or _pair(words, piece.pixels.shape[1]) is not None:
            words = _read_again(words, [patch[0] for patch in patches], parts, reader)
        said = [one for one, _ in first], [two for two, _ in second]
        lines.append(_parted(words, said, piece.pixels.shape[1]))
        tick(done / len(parts.lines))
        if line.top >= log_row:
            telling = _pair(lines[-1], piece.pixels.shape[1]) is not None and len(lines[-1]) <= _MOST_WORDS
            idle = 0 if _usual(lines[-1]) is not None or telling else idle + 1
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
        _said(reader, boxes, [altered(patches[k]) for k in unclear]) for altered in (_softened, _thickened)
    )
    again = dict(zip(unclear, zip(softer, thicker, strict=True), strict=True))
    return [
        words_of(word.box, parts.bare, *word.readings, *again[k]) if k in again else word
        for k, word in enumerate(words)
    ]


def _softened(patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A piece of text whose worn strokes run together a little."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(patch, _SOFTENED), np.uint8)


def _thickened(patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A piece of text whose strokes are a pixel wider."""
    from scipy.ndimage import grey_erosion

    return np.asarray(grey_erosion(patch, (2, 2)), np.uint8)


def _parted(words: list[Words], said: tuple[list[str], list[str]], width: int) -> list[Words]:
    """Words, where a value has run into the name beside it taken apart, if both readings say the same value."""
    parted: list[Words] = []
    for word, texts in zip(words, zip(*said, strict=True), strict=True):
        box, length = word.box, max(len(texts[0]), 1)
        values, rest = _split(texts, _VALUE_FIRST) if box.left < _AT_EDGE * width else ((), texts)
        if values:
            border = box.left + len(values[0]) / length * box.width
            parted.append(_taken_apart(word, box._replace(right=border), values, rest[0][:1].isspace()))
            box = box._replace(left=border)
        values, rest = _split(rest, _VALUE_LAST) if box.right > (1 - _AT_EDGE) * width else ((), rest)
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


def _pair(line: Sequence[Words], width: int) -> tuple[Words, Words] | None:
    """The values at the two edges of the track, if the line holds such."""

    def at_edges(words: Sequence[Words]) -> tuple[list[Words], list[Words]]:
        """Those of the words that stand at either edge."""
        return (
            [w for w in words if w.box.left + w.box.width / 2 < _OUTER * width],
            [w for w in words if w.box.left + w.box.width / 2 > (1 - _OUTER) * width],
        )

    left, right = at_edges([word for word in line if word.value is not None])
    if not left and not right:
        return None
    if not left or not right:
        # One value makes it likely that the other stands there too, though it was read as something else.
        near, far = at_edges([value for word in line if (value := mended(word)) is not None])
        left, right = left or near[:1], right or far[-1:]
    if not left or not right:
        return None
    # Two strokes and no more are what is left of a frame.
    scraps = left[0].value == right[-1].value == 1 and not any(word.value is None for word in line)
    return None if scraps else (left[0], right[-1])


def _scale(
    piece: Piece,
    lines: list[list[Words]],
    at: int,
    pair: tuple[Words, Words],
    named: list[Words],
) -> ReadScale:
    """The scale whose values stand on a line."""
    left, right = pair
    height = max(left.box.height, right.box.height)
    text = " ".join(word.text for word in named)
    name, unit = split_unit(text)
    mnemonic = mnemonic_of(name)
    if mnemonic is None:
        # The words of its own line may not belong to a name that stands above them.
        usual = [word for word in named if mnemonic_of(split_unit(word.text)[0]) is not None]
        mnemonic = _told_by_scale(near_curves(name), unit, pair)
        name = split_unit(usual[0].text)[0] if len(usual) == 1 and mnemonic is None else name
        mnemonic = mnemonic or mnemonic_of(name)
    if mnemonic is None or unit is None:
        mnemonic, unit = _by_other_readings(named, mnemonic, unit)
    unit = unit or _unit_below(lines, at, height, piece.pixels.shape[1])
    if mnemonic is not None and unit is not None and unit not in (units_of(mnemonic) or (unit,)):
        unit = None
    likely = likely_curve(text) if mnemonic is None or unit is None else None
    if mnemonic is None and likely is not None:
        mnemonic = likely[0]
    if unit is None and likely is not None and likely[0] == mnemonic:
        unit = likely[1]
    near = near_curves(name) if mnemonic is None else set()
    mnemonic = mnemonic or _told_by_scale(_near_in_any_reading(named) or alike_curves(text), unit, pair)
    values, doubts, confidence = _values_of(pair, mnemonic or "", unit or "")
    unit = unit or unit_by_values(mnemonic or "", *values)
    if unit is None and _BRACKETS & set(text):
        doubts.append("its unit is hard to read")
    sure = min([word.confidence for word in named], default=0.0)
    if mnemonic is None and near:
        doubts.append(f"the name {name!r} may be {' or '.join(sorted(near))}")
    elif mnemonic is None and (sure < _SURE_NAME or len(own_mnemonic(name)) < _SHORTEST_NAME):
        doubts.append(f"the name {name!r} is hard to read" if name else "no name stands by its values")
    box = Box(
        min(w.box.top for w in (*pair, *named)),
        max(w.box.bottom for w in (*pair, *named)),
        left.box.left,
        right.box.right,
    )
    return ReadScale(
        name,
        mnemonic or own_mnemonic(name),
        unit or "",
        *values,
        "unknown",
        0.0,
        place_on_scan(piece, box),
        min([confidence, *(word.confidence for word in named)]),
        tuple(doubts),
    )


def _by_other_readings(
    named: Sequence[Words], mnemonic: str | None, unit: str | None
) -> tuple[str | None, str | None]:
    """The mnemonic and the unit as the words of a name tell them in all that they were read as."""
    for place, word in enumerate(named):
        for said, _ in word.readings:
            text = " ".join(said if k == place else other.text for k, other in enumerate(named))
            name, read_unit = split_unit(text)
            mnemonic, unit = mnemonic or mnemonic_of(name), unit or read_unit
    return mnemonic, unit


def _near_in_any_reading(named: Sequence[Words]) -> set[str]:
    """The usual curves whose names are a letter away from one of the readings of words."""
    said = [" ".join(word.text for word in named)]
    for place, word in enumerate(named):
        for text, _ in word.readings:
            said.append(" ".join(text if k == place else other.text for k, other in enumerate(named)))
    return {mnemonic for text in said for mnemonic in near_curves(split_unit(text)[0])}


def _told_by_scale(near: set[str], unit: str | None, pair: tuple[Words, Words]) -> str | None:
    """The one of several curves that is usually printed in such a unit with such values; None where it is not one.

    A name a letter away from a usual one, with the unit and the scale of that curve, is that name, misread.
    """
    lefts, rights = (word.values().items() for word in pair)
    fits = {
        mnemonic
        for mnemonic in near
        if (unit is None or unit in units_of(mnemonic))
        and only_usual(mnemonic, unit or "", lefts, rights) is not None
    }
    return fits.pop() if len(fits) == 1 else None


def _values_of(
    pair: tuple[Words, Words], mnemonic: str, unit: str
) -> tuple[tuple[float, float], list[str], float]:
    """The values of a scale, what is in doubt about them, and how sure they are.

    What is in doubt is held against the scales on which such a curve is usually printed: it may be one of
    them that has lost a minus, a point or the shape of a digit. Nothing is taken that was not read in part.
    """
    left, right = pair
    assert left.value is not None
    assert right.value is not None
    read = left.value, right.value
    doubts = [word.doubt for word in pair if word.doubt]
    doubts += [
        f"{word.text!r} is hard to read" for word in pair if not word.doubt and word.confidence < _SURE_VALUE
    ]
    doubts += unlikely_values(mnemonic, *read) + unlikely_unit(mnemonic, unit, *read)
    usual = usual_scales(mnemonic)
    if usual and read not in usual:
        # What is unusual must be read the more surely, and a piece of a frame before a number is a 1 to the models.
        doubts += [
            f"{word.text!r} is unusual and hard to read" for word in pair if word.confidence < _SURE_UNUSUAL
        ]
        without = [without_frame(word.values()) for word in pair]
        if only_usual(mnemonic, unit, *(values.items() for values in without)) is not None:
            doubts.append(f"{read[0]:g} to {read[1]:g} may hold a piece of a frame")
    sure = min(word.confidence for word in pair)
    if not doubts:
        return read, [], sure
    likeliest = only_usual(mnemonic, unit, *(without_frame(word.values()).items() for word in pair))
    if likeliest is None:
        return read, doubts, sure
    return likeliest, [], LEAST_VALUE + 0.5 * sure


def _rule_below(
    piece: Piece,
    lines: list[list[Words]],
    at: int,
    pair: tuple[Words, Words],
    rules: Sequence[Rule],
    width: int,
) -> Rule:
    """The rule under the values of a scale, before those of the next one; an unknown one where there is none."""
    bottom, height = pair[0].box.bottom, max(word.box.height for word in pair)
    following = min((line[0].box.top for line in lines[at + 1 :] if _pair(line, width)), default=np.inf)
    below = [rule for rule in rules if -2 < rule.row - bottom < _RULE_BELOW * height and rule.row < following]
    if below:
        return below[0]
    last = min(bottom + _RULE_BELOW * height, following, float(len(piece.pixels)))
    return faint_rule(piece.pixels, (bottom, last)) or Rule(bottom, 0.0, "unknown")


def _name_words(
    lines: list[list[Words]], at: int, pair: tuple[Words, Words], rules: Sequence[Rule], width: int
) -> list[Words]:
    """The words of a scale's name: between its values, or on the lines just above, up to a rule."""
    inner = [word for word in lines[at] if word.tells and not _is_one_of(word, pair)]
    if _usual(inner) is not None:
        return inner
    height = max(word.box.height for word in pair)
    top, above = min(word.box.top for word in pair), list[Words]()
    for line in reversed(lines[:at]):
        bottom = max(word.box.bottom for word in line)
        barred = any(bottom <= rule.row <= top for rule in rules)
        if top - bottom > _NAME_ABOVE * height or barred or _pair(line, width):
            break
        above = line + above
        top = min(word.box.top for word in line)
        if _usual(above) is not None:
            break
    # What stands between the values may be but a unit that is hard to read.
    return above + inner if _usual(above) is not None or all(map(_may_be_unit, inner)) else inner


def _may_be_unit(word: Words) -> bool:
    """Whether words are a unit and no name in any way that they were read."""
    return any(_is_only_unit(text) for text in (word.text, *(said for said, _ in word.readings)))


def _is_one_of(word: Words, pair: tuple[Words, Words]) -> bool:
    """Whether a word is one of two values, which may have been mended."""
    return any(word.box == value.box for value in pair)


def _is_only_unit(text: str) -> bool:
    """Whether a text is a unit and no name."""
    name, unit = split_unit(text)
    in_brackets = text[:1] in _BRACKETS and text[-1:] in _BRACKETS
    return unit_of(text) is not None or ((unit is not None or in_brackets) and not name)


def _unit_below(lines: list[list[Words]], at: int, height: float, width: int) -> str | None:
    """The unit that stands alone on the line below the values."""
    if at + 1 >= len(lines) or _pair(lines[at + 1], width):
        return None
    line = lines[at + 1]
    near = line[0].box.top - max(word.box.bottom for word in lines[at]) < 1.5 * height
    units = [unit_of(word.text) or split_unit(word.text)[1] for word in line if _is_only_unit(word.text)]
    return units[0] if near and units else None
