"""Read the scales of one track's header: which curve, in which unit, from which value to which, by which pen."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.depth_column import padded, place_on_scan, resized
from napari_welllog.calibrate.header_text import HeaderParts, take_apart
from napari_welllog.calibrate.likely import (
    only_usual,
    unit_by_values,
    unlikely_unit,
    unlikely_values,
    usual_scales,
)
from napari_welllog.calibrate.names import (
    THIRD_CURVES,
    likely_curve,
    mnemonic_of,
    nearly,
    own_mnemonic,
    split_unit,
    unit_of,
)
from napari_welllog.calibrate.ocr import Box, TextReader
from napari_welllog.calibrate.pens import Rule, faint_rule, weighed
from napari_welllog.calibrate.result import PenName, Place
from napari_welllog.calibrate.straighten import Piece

Ink = NDArray[np.bool_]

_OUTER = 0.34  # of the track's width at either side, where a scale's values stand
_TEXT_HEIGHT = 26.0  # pixels at which the models read best
_NAME_ABOVE = 2.2  # heights of a line between a name and its values
_LINE_ABOVE = 3.5  # heights of a line between two scales
_RULE_BELOW = 2.2  # heights of a line between values and their rule
_MINUS = 0.5  # of a number's height before its first digit, where a minus stands
_INK = 140  # grey values below it are ink
_REPEATED = 3
_SURE_VALUE = 0.75
_SURE_UNUSUAL = 0.9
_LEAST_VALUE = 0.4  # how surely a value must be read to be mended by the usual scales
_SURE_NAME = 0.9
_SHORTEST_NAME = 2  # letters
_LETTERS_OF_A_NAME = 3
_MOST_WORDS = 6  # pieces of text on a line of a header
_MOST_BELOW = 2  # lines in the log that tell no scale, after which no more are read
_NUMBER = re.compile(r"[-+]?(\d+(\.\d+)?|\.\d+)")
_LOST_POINT = re.compile(r"[-+]?0\d{0,2}[1-9]")  # no scale prints 045: a point has worn away
_SPECKS = re.compile(r"^[.,:;'`·\"\[(|]+(?=-)|^[:;'`·\"\[(|]+|^\.(?=\d*00$)|(?<=\d)[.,:;'`·\")\]!]+$")
_SIGNED_LAST = re.compile(r"-\d+(\.\d+)?$")
_WIDE = str.maketrans("：，。（）！？；［］％／＋", ":,.()!?;[]%/+")
_VALUE_FIRST = re.compile(r"\|?(?P<value>-?\d+(\.\d+)?)(?P<rest> *[A-Za-z].*)")
_VALUE_LAST = re.compile(r"(?P<rest>.*[A-Za-z)\]%] *)(?P<value>-?\d+(\.\d+)?)")
_AT_EDGE = 0.08  # of the track's width within which a value begins or ends
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+")
_ALIKE = str.maketrans(
    {
        "O": "0",
        "o": "0",
        "Q": "0",
        "□": "0",
        "口": "0",
        "θ": "0",
        "l": "1",
        "I": "1",
        "|": "1",
        "一": "-",
        "–": "-",
        "—": "-",
        "−": "-",
        "~": "-",
        "_": "-",
    }
)


_LETTERS_FOR_DIGITS = str.maketrans({"S": "5", "B": "8", "Z": "2", "D": "0", "i": "1", "!": "1", "]": "1"})
_LIKE_ZERO = frozenset("0DOQUCGocunθ○。□口ロ")
_NO_DIGITS = ".,:;'`·•\"-"
_DUST_AS_READ = " .,:;'`·•\""
_LIKE_WORN_ZERO = frozenset("689")
_MOST_WORN_ZEROS = 3
_DIGITS_OF_DENSITY = 3  # of 1.95 without its point
_BRACKETS = frozenset("()[]{}")


@dataclass(frozen=True)
class Words:
    """A piece of text of a header: what it says, how surely, and where.

    Parameters
    ----------
    doubt : str
        Why it may say something else.
    lost : "minus", "point" or ""
        What the ink shows and the text lacks.
    readings : tuple of (text, confidence)
        Everything that it was read as.
    """

    box: Box
    text: str
    confidence: float
    doubt: str = ""
    lost: Literal["minus", "point", ""] = ""
    readings: tuple[tuple[str, float], ...] = ()

    @property
    def value(self) -> float | None:
        """The number that it tells; None if it tells none."""
        return value_of(self.text)

    @property
    def tells(self) -> bool:
        """Whether it holds a letter or a digit, rather than dust."""
        return any(character.isalnum() or character == "%" for character in self.text)

    def values(self) -> dict[float, int]:
        """The numbers that it may tell, each with how much had to be mended to read it so."""
        found: dict[float, int] = {}
        if _is_single(self.box) and {text for text, _ in self.readings} & _LIKE_WORN_ZERO:
            found[0.0] = 2
        for text, confidence in self.readings or ((self.text, self.confidence),):
            if confidence >= _LEAST_VALUE:
                for value, repairs in _values(text, self.lost):
                    found[value] = min(repairs, found.get(value, repairs))
        return found


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


def value_of(text: str) -> float | None:
    """The value that a printed text tells; None if it tells none.

    Examples
    --------
    >>> value_of("-10"), value_of("0.2"), value_of("2,000"), value_of("15O"), value_of("GAPI")
    (-10.0, 0.2, 2000.0, 150.0, None)
    >>> value_of(".-10"), value_of(":40."), value_of(".1000"), value_of(".45")
    (-10.0, 40.0, 1000.0, 0.45)
    """
    compact = text.replace(" ", "").translate(_ALIKE)
    if not any(character.isdecimal() for character in text) and compact not in ("0", "1"):
        return None
    compact = _SPECKS.sub("", compact)
    if _LOST_POINT.fullmatch(compact):
        compact = compact.replace("0", "0.", 1)
    if _THOUSANDS.fullmatch(compact):
        compact = compact.replace(",", "")
    compact = compact.replace(",", ".")
    return float(compact) if _NUMBER.fullmatch(compact) else None


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
    parts = take_apart(piece.pixels < _INK, dpi)
    lines = _read_lines(piece, parts, log_row, reader, tick)
    width = piece.pixels.shape[1]
    scales, rules, used = [], [], []
    for k, line in enumerate(lines):
        pair = _pair(line, width)
        named = _name_words(lines, k, pair, parts.rules, width) if pair is not None else []
        if pair is not None and (line[0].box.top < log_row or _is_a_curve(named)):
            scales.append(_scale(piece, lines, k, pair, named))
            rules.append(_rule_below(piece, lines, k, pair, parts.rules, width))
            used += [*pair, *named]
    unread = _lines_of_third_curves(lines, used)
    thirds = [rule for _, line in unread if (rule := _next_rule(line, parts.rules)) is not None]
    used += [word for _, line in unread for word in line]
    last = max([log_row, *(word.box.bottom + 1 for word in used)])
    unexplained = _unexplained_lines(lines, used, log_row, width)
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
    return _usual(named) is not None or likely_curve(" ".join(word.text for word in named)) is not None


def _usual(named: Sequence[Words]) -> str | None:
    """The usual mnemonic that words name, in whatever they were read as."""
    mnemonic = mnemonic_of(split_unit(" ".join(word.text for word in named))[0])
    return mnemonic or _by_other_readings(named, None, None)[0]


def _unexplained_lines(
    lines: list[list[Words]], used: Sequence[Words], log_row: float, width: int
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
        # Where the log has begun, only a long name between values at both edges is a scale and no scrap of a curve.
        if top >= log_row and _pair(line, width) is None:
            continue
        least = _LETTERS_OF_A_NAME if top < log_row else 2 * _LETTERS_OF_A_NAME
        words = [word.text for word in line if sum(map(str.isalpha, word.text)) >= least]
        if words and not all(map(_is_only_unit, words)):
            found.append(f"{' '.join(words)!r} among the scales is not understood")
    return tuple(found)


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
        first, second = (
            [(text.translate(_WIDE), sure) for text, sure in reader.read([patch[k] for patch in patches])]
            for k in (0, 1)
        )
        singles = [_is_single(box) for box in line.boxes]
        first, second = (
            [_once(*said) if single else said for said, single in zip(read, singles, strict=True)]
            for read in (first, second)
        )
        read = zip(line.boxes, first, second, strict=True)
        words = [_words(box, parts.bare, one, two) for box, one, two in read]
        said = [one for one, _ in first], [two for two, _ in second]
        lines.append(_parted(words, said, piece.pixels.shape[1]))
        tick(done / len(parts.lines))
        if line.top >= log_row:
            telling = _pair(lines[-1], piece.pixels.shape[1]) is not None and len(lines[-1]) <= _MOST_WORDS
            idle = 0 if _usual(lines[-1]) is not None or telling else idle + 1
            if idle >= _MOST_BELOW:
                break
    return lines


def _parted(words: list[Words], said: tuple[list[str], list[str]], width: int) -> list[Words]:
    """Words, where a value has run into the name beside it taken apart, if both readings say the same value."""
    parted: list[Words] = []
    for word, texts in zip(words, zip(*said, strict=True), strict=True):
        box, length = word.box, max(len(texts[0]), 1)
        value, rest = _split(texts, _VALUE_FIRST) if box.left < _AT_EDGE * width else ("", texts)
        if value:
            border = box.left + len(value) / length * box.width
            parted.append(_taken_apart(word, box._replace(right=border), value, rest[0][:1].isspace()))
            box = box._replace(left=border)
        value, rest = _split(rest, _VALUE_LAST) if box.right > (1 - _AT_EDGE) * width else ("", rest)
        border = word.box.right - len(value) / length * word.box.width
        if rest == texts:
            parted.append(word)
        else:
            parted.append(replace(word, box=box._replace(right=border), text=rest[0]))
        if value:
            parted.append(_taken_apart(word, box._replace(left=border), value, rest[0][-1:].isspace()))
    return parted


def _taken_apart(word: Words, box: Box, value: str, spaced: bool) -> Words:
    """The value of words that held a name too; where no space parts them, a digit may have been read as a letter."""
    doubt = word.doubt if spaced else f"{value!r} runs into the name beside it"
    readings = tuple((value, sure) for _, sure in word.readings)
    return replace(word, box=box, text=value, doubt=doubt, readings=readings)


def _split(texts: tuple[str, ...], pattern: re.Pattern[str]) -> tuple[str, tuple[str, ...]]:
    """The value at one end of two readings, and what is left of them; no value where they do not agree on it."""
    matches = [match for match in (pattern.fullmatch(text.strip()) for text in texts) if match]
    values = {match["value"] for match in matches}
    if len(matches) < len(texts) or len(values) > 1:
        return "", texts
    return values.pop(), tuple(match["rest"] for match in matches)


def _with_room_for_a_minus(box: Box) -> Box:
    """A box with the place before its first letter, where a minus may be that has all but worn away."""
    return box if _is_single(box) else box._replace(left=max(box.left - _MINUS * box.height, 0.0))


def _patches(clean: NDArray[np.uint8], box: Box) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A piece of text in two sizes, with different paper around it."""
    zoom = _TEXT_HEIGHT / max(box.height, 6.0)
    patch = padded(clean, box)
    if _is_single(box):
        # The models know lines of text, and take a letter that stands alone for a scrap; three of it make a line.
        patch = np.concatenate([patch] * _REPEATED, axis=1)
    margin = max(2, round(0.15 * box.height))
    return resized(patch, zoom), resized(np.pad(patch, margin, constant_values=255), 1.5 * zoom)


def _is_single(box: Box) -> bool:
    """Whether a box has room for one letter only."""
    return box.width < 0.95 * box.height


def _once(text: str, confidence: float) -> tuple[str, float]:
    """The letter that was read several times; nothing where not each time the same one was."""
    letters = "".join("0" if c in _LIKE_ZERO else c for c in text if c not in _DUST_AS_READ).translate(_ALIKE)
    # Three agreeing letters say more than one.
    return (
        (letters[0], confidence**0.5) if len(letters) == _REPEATED and len(set(letters)) == 1 else ("", 0.0)
    )


def _words(box: Box, text: Ink, one: tuple[str, float], two: tuple[str, float]) -> Words:
    """What two readings of a piece of text come to."""
    values = value_of(one[0]), value_of(two[0])
    best = max(one, two, key=lambda reading: reading[1])
    if values[0] is None and values[1] is None:
        return Words(box, *best, readings=(one, two))
    if values[0] != values[1]:
        number = one if values[0] is not None else two
        doubt = f"read as {one[0]!r} and as {two[0]!r}"
        return Words(box, number[0], 0.0, doubt, _lost_mark(text, box, number[0]), (one, two))
    lost = _lost_mark(text, box, one[0])
    doubts = {
        "minus": f"{one[0]!r} has a minus before it that was not read",
        "point": f"{one[0]!r} has lost a point",
    }
    return Words(
        box, one[0], 0.0 if lost else min(one[1], two[1]), doubts[lost] if lost else "", lost, (one, two)
    )


def _lost_mark(text: Ink, box: Box, said: str) -> Literal["minus", "point", ""]:
    """A minus or a point that the ink shows and the reading lacks."""
    from scipy.ndimage import find_objects, label

    left = max(int(box.left - _MINUS * box.height), 0)
    patch = text[int(box.top) : int(box.bottom), left : int(box.right)]
    labels, _ = label(patch, np.ones((3, 3)))
    height = patch.shape[0]
    digits = [f for f in find_objects(labels) if f[0].stop - f[0].start > 0.6 * height]
    if not digits:
        return ""
    first, last = min(f[1].start for f in digits), max(f[1].stop for f in digits)
    plain = said.translate(_ALIKE)
    if _LOST_POINT.fullmatch(plain):
        return ""
    if re.match(r"[-+]?0\d", plain):
        return "point"
    for found in find_objects(labels):
        tall, wide = found[0].stop - found[0].start, found[1].stop - found[1].start
        middle = (found[0].start + found[0].stop) / 2 / height
        is_minus = tall < 0.3 * height and wide > 1 and 0.3 < middle < 0.8  # worn, it may be but a dot
        is_point = max(tall, wide) < 0.32 * height and min(tall, wide) > 0.08 * height and middle > 0.8
        if is_minus and found[1].stop <= first + 2 and "-" not in plain:
            return "minus"
        if is_point and first < found[1].start < last and not set(".,") & set(plain):
            return "point"
    return ""


def _with_worn_zeros(text: str) -> list[tuple[float, int]]:
    """Values of a number in which digits that a worn 0 looks like are taken for it, with how many there are.

    Examples
    --------
    >>> _with_worn_zeros("158"), _with_worn_zeros("10"), _with_worn_zeros("296")
    ([(150.0, 1)], [], [(206.0, 1), (290.0, 1), (200.0, 2)])
    """
    if not _NUMBER.fullmatch(text):
        return []
    places = [k for k, digit in enumerate(text) if k > 0 and digit in _LIKE_WORN_ZERO]
    found = []
    for count in range(1, min(len(places), _MOST_WORN_ZEROS) + 1):
        for chosen in combinations(places, count):
            digits = ["0" if k in chosen else digit for k, digit in enumerate(text)]
            found.append((float("".join(digits)), count))
    return found


def _values(text: str, lost: str) -> list[tuple[float, int]]:
    """Values that a text may tell, each with the number of repairs: the more, the less it says so itself."""
    read = value_of(text)
    found = [] if read is None else [(read, 1 if lost else 0)]
    plain = text.replace(" ", "").translate(_ALIKE).translate(_LETTERS_FOR_DIGITS).strip(_NO_DIGITS)
    mended = value_of(plain)
    signed = _SIGNED_LAST.search(text.replace(" ", ""))
    if read is None and signed is not None:
        found.append((float(signed[0]), 2))  # a scrap before a minus
    if mended is None:
        return found
    if read is None or abs(read) != mended:
        found.append((mended, 1 if read is not None or plain not in text else 0))
    if mended > 0:
        found.append((-mended, 0 if lost == "minus" or text.strip()[:1] in ("-", "·", "•") else 1))
    if "." in plain and "-" not in plain:
        without = value_of(plain.replace(".", ""))
        signs = (1, -1) if text.strip()[:1] == "-" or lost == "minus" else (1,)
        found += [] if without is None else [(sign * without, 2) for sign in signs]  # dust between two digits
    found += [
        (sign * value, 2 * repairs)
        for value, repairs in _with_worn_zeros(plain)
        for sign in ((1, -1) if text.strip()[:1] in ("-", "·") or lost == "minus" else (1,))
    ]
    if plain.isdecimal() and len(plain) == _DIGITS_OF_DENSITY:
        found.append((float(f"{plain[0]}.{plain[1:]}"), 2))
    if plain.isdecimal() and (lost == "point" or plain.startswith("0")):
        pointed = [float(f"{plain[:k]}.{plain[k:]}") for k in range(1, len(plain))]
        found += [(sign * value, 1 + (sign < 0)) for value in pointed for sign in (1, -1)]
    return found


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
        near, far = at_edges([mended for word in line if (mended := _mended(word)) is not None])
        left, right = left or near[:1], right or far[-1:]
    if not left or not right:
        return None
    # Two strokes and no more are what is left of a frame.
    scraps = left[0].value == right[-1].value == 1 and not any(word.value is None for word in line)
    return None if scraps else (left[0], right[-1])


def _mended(word: Words) -> Words | None:
    """A word taken for the value that it may be, in doubt; None if it can be none."""
    said = [text.strip() for text, _ in word.readings]
    if word.box.width < 1.3 * word.box.height and any(text in _LIKE_ZERO for text in said if text):
        zeros = tuple(("0", max(confidence, _LEAST_VALUE)) for _, confidence in word.readings)
        return replace(word, text="0", confidence=0.0, doubt=f"{word.text!r} may be a 0", readings=zeros)
    values = word.values()
    if not values:
        return None
    likeliest = min(values, key=lambda value: values[value])
    return replace(word, text=f"{likeliest:g}", confidence=0.0, doubt=f"{word.text!r} may be {likeliest:g}")


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
        name = split_unit(usual[0].text)[0] if len(usual) == 1 else name
        mnemonic = mnemonic_of(name)
    if mnemonic is None or unit is None:
        mnemonic, unit = _by_other_readings(named, mnemonic, unit)
    unit = unit or _unit_below(lines, at, height, piece.pixels.shape[1])
    likely = likely_curve(text) if mnemonic is None or unit is None else None
    if mnemonic is None and likely is not None:
        mnemonic = likely[0]
    if unit is None and likely is not None and likely[0] == mnemonic:
        unit = likely[1]
    values, doubts, confidence = _values_of(pair, mnemonic or "", unit or "")
    unit = unit or unit_by_values(mnemonic or "", *values)
    if unit is None and _BRACKETS & set(text):
        doubts.append("its unit is hard to read")
    sure = min([word.confidence for word in named], default=0.0)
    if mnemonic is None and (sure < _SURE_NAME or len(own_mnemonic(name)) < _SHORTEST_NAME):
        doubts.append(f"the name {name!r} is hard to read" if name else "no name stands by its values")
    elif mnemonic is None and (alike := nearly(name)) is not None:
        doubts.append(f"the name {name!r} may be {alike}")
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
        without = [_without_frame(word.values()) for word in pair]
        if only_usual(mnemonic, unit, *(values.items() for values in without)) is not None:
            doubts.append(f"{read[0]:g} to {read[1]:g} may hold a piece of a frame")
    sure = min(word.confidence for word in pair)
    if not doubts:
        return read, [], sure
    mended = only_usual(mnemonic, unit, *(_without_frame(word.values()).items() for word in pair))
    if mended is None:
        return read, doubts, sure
    return mended, [], _LEAST_VALUE + 0.5 * sure


def _without_frame(values: dict[float, int]) -> dict[float, int]:
    """Values, and what is left of each that begins with a 1, which may be a stroke of the frame beside it."""
    found = dict(values)
    for value, repairs in values.items():
        text = f"{value:g}"
        if text.startswith("1") and (text[1:2] in set("123456789") or text[1:3] == "0."):
            found.setdefault(float(text[1:]), repairs + 2)
    return found


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
    return above + inner if _usual(above) is not None or all(_is_only_unit(w.text) for w in inner) else inner


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
