"""A word of a header: what it was read as, which number it may tell, and what of that number the ink shows lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.ocr import Box

Ink = NDArray[np.bool_]

MINUS = 0.5  # of a number's height before its first digit, where a minus stands
REPEATED = 3
LEAST_VALUE = 0.4  # how surely a value must be read to be mended by the usual scales
_NUMBER = re.compile(r"[-+]?(\d+(\.\d+)?|\.\d+)")
_LOST_POINT = re.compile(r"[-+]?0\d{0,2}[1-9]")  # no scale prints 045: a point has worn away
_SPECKS = re.compile(r"^[.,:;'`·\"\[(|]+(?=-)|^[:;'`·\"\[(|]+|^\.(?=\d*00$)|(?<=\d)[.,:;'`·\")\]!]+$")
_WORN_BEFORE_POINT = re.compile(r"[^.](\.\d{1,2})")
_ZEROS = re.compile("00+")
_SIGNED_LAST = re.compile(r"-\d+(\.\d+)?$")
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
_LETTERS_FOR_DIGITS = str.maketrans(
    {
        **dict.fromkeys("DcCUue", "0"),
        **dict.fromkeys("i!]t", "1"),
        **{
            "Z": "2",
            "A": "4",
            "S": "5",
            "s": "5",
            "$": "5",
            "E": "6",
            "G": "6",
            "b": "6",
            "B": "8",
            "g": "9",
            "q": "9",
        },
    }
)
_LIKE_ZERO = frozenset("0DOQUCGocunθ○。□口ロ")
_NO_DIGITS = ".,:;'`·•\"-"
_DUST_AS_READ = " .,:;'`·•\""
_LIKE_WORN_ZERO = frozenset("689")
_MOST_WORN_ZEROS = 3
_THIN = 0.45  # of its height that a 1 is wide
_CLEAR = 0.93  # how surely a piece of text must be read that two readings do
_OF_SEVERAL = 1.1  # by which three readings out of four are surer than the share of them
_DIGITS_OF_DENSITY = 3  # of 1.95 without its point


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
        if is_single(self.box) and {text for text, _ in self.readings} & _LIKE_WORN_ZERO:
            found[0.0] = 2
        if self.box.width < _THIN * self.box.height and not any(text for text, _ in self.readings):
            found[1.0] = 2  # a stroke that is too thin for the models
        for text, confidence in self.readings or ((self.text, self.confidence),):
            if confidence >= LEAST_VALUE:
                for value, repairs in _values(text, self.lost):
                    found[value] = min(repairs, found.get(value, repairs))
        if self.value is not None and not self.doubt:
            found[self.value] = -1  # what most readings tell comes before what one of them may
        return found


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


def is_single(box: Box) -> bool:
    """Whether a box has room for one letter only."""
    return box.width < 0.95 * box.height


def once(text: str, confidence: float) -> tuple[str, float]:
    """The letter that was read several times; nothing where not each time the same one was."""
    letters = "".join("0" if c in _LIKE_ZERO else c for c in text if c not in _DUST_AS_READ).translate(_ALIKE)
    # Three agreeing letters say more than one.
    return (letters[0], confidence**0.5) if len(letters) == REPEATED and len(set(letters)) == 1 else ("", 0.0)


def words_of(box: Box, text: Ink, *readings: tuple[str, float]) -> Words:
    """What two or more readings of a piece of text come to.

    Where the first two tell different numbers, one that most of four readings tell counts.
    """
    values = [value_of(said) for said, _ in readings]
    if all(value is None for value in values):
        return Words(box, *max(readings[:2], key=lambda reading: reading[1]), readings=readings)
    agreed = values[0] if values[0] == values[1] and values[0] is not None else _told_by_most(values)
    if agreed is None:
        number = next(reading for reading, value in zip(readings, values, strict=True) if value is not None)
        told = list(dict.fromkeys(repr(said) for said, _ in readings))
        doubt = f"read as {' and as '.join(told[:2])}"
        return Words(box, number[0], 0.0, doubt, _lost_mark(text, box, number[0]), readings)
    telling = [reading for reading, value in zip(readings, values, strict=True) if value == agreed]
    lost = _lost_mark(text, box, telling[0][0])
    doubts = {
        "minus": f"{telling[0][0]!r} has a minus before it that was not read",
        "point": f"{telling[0][0]!r} has lost a point",
    }
    sure = min(confidence for _, confidence in telling) * len(telling) / len(readings)
    return Words(
        box,
        telling[0][0],
        0.0 if lost else min(sure * _OF_SEVERAL, 1.0) if len(readings) > 2 else sure,
        doubts[lost] if lost else "",
        lost,
        readings,
    )


def _told_by_most(values: Sequence[float | None]) -> float | None:
    """The number that three readings tell, or all but one of more; None where they do not agree so far."""
    numbers = [value for value in values if value is not None]
    likeliest = max(numbers, key=numbers.count)
    return likeliest if numbers.count(likeliest) >= max(3, len(values) - 1) else None


def is_clear(word: Words) -> bool:
    """Whether two readings of a piece of text agree well enough that no more are needed."""
    if word.value is None and not word.doubt:
        return not word.tells or word.confidence >= _CLEAR
    return bool(word.lost) or (not word.doubt and word.confidence >= _CLEAR)


def _lost_mark(text: Ink, box: Box, said: str) -> Literal["minus", "point", ""]:
    """A minus or a point that the ink shows and the reading lacks."""
    from scipy.ndimage import find_objects, label

    left = max(int(box.left - MINUS * box.height), 0)
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
    if read is not None and read < 0:
        found.append((-read, 2))  # the minus may be dust
    plain = text.replace(" ", "").translate(_ALIKE).translate(_LETTERS_FOR_DIGITS).strip(_NO_DIGITS)
    plain = plain.replace(":", ".")  # a point with dust above it
    mended = value_of(plain)
    signed = _SIGNED_LAST.search(text.replace(" ", ""))
    if read is None and signed is not None:
        found.append((float(signed[0]), 2))  # a scrap before a minus
    if _ZEROS.fullmatch(plain):
        found.append((10.0 ** len(plain), 2))  # the 1 has become one with the frame
    if (fraction := _WORN_BEFORE_POINT.fullmatch(plain)) is not None:
        sign = -1 if text.strip()[:1] == "-" or lost == "minus" else 1
        found.append((sign * float(fraction[1]), 2))  # a 0 that has worn
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
        # No scale prints 10.00.
        pointed = [float(f"{plain[:k]}.{plain[k:]}") for k in range(1, len(plain)) if set(plain[k:]) != {"0"}]
        found += [(sign * value, 1 + (sign < 0)) for value in pointed for sign in (1, -1)]
    return found


def mended(word: Words) -> Words | None:
    """A word taken for the value that it may be, in doubt; None if it can be none."""
    said = [text.strip() for text, _ in word.readings]
    if word.box.width < 1.3 * word.box.height and any(text in _LIKE_ZERO for text in said if text):
        zeros = tuple(("0", max(confidence, LEAST_VALUE)) for _, confidence in word.readings)
        return replace(word, text="0", confidence=0.0, doubt=f"{word.text!r} may be a 0", readings=zeros)
    values = word.values()
    if not values:
        return None
    likeliest = min(values, key=lambda value: values[value])
    return replace(word, text=f"{likeliest:g}", confidence=0.0, doubt=f"{word.text!r} may be {likeliest:g}")


def without_frame(values: dict[float, int]) -> dict[float, int]:
    """Values, and what is left of each that begins with a 1, which may be a stroke of the frame beside it."""
    found = dict(values)
    for value, repairs in values.items():
        text = f"{value:g}"
        if text.startswith("1") and (text[1:2] in set("123456789") or text[1:3] == "0."):
            found.setdefault(float(text[1:]), repairs + 2)
    return found
