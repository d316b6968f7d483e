"""A scale of a track's header: the curve, its unit and its values, as they stand on a line and the lines beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from napari_welllog.calibrate.depth_column import place_on_scan
from napari_welllog.calibrate.header_line import (
    BRACKETS,
    NAME_ABOVE,
    by_other_readings,
    is_one_of,
    is_only_unit,
    usual_curve,
    value_pair,
)
from napari_welllog.calibrate.header_words import LEAST_VALUE, Words, without_frame
from napari_welllog.calibrate.likely import (
    likelier_unit,
    only_usual,
    unit_by_values,
    unlikely_unit,
    unlikely_values,
    usual_scales,
)
from napari_welllog.calibrate.names import (
    alike_curves,
    likely_curve,
    mnemonic_of,
    near_curves,
    own_mnemonic,
    split_unit,
    unit_of,
    units_of,
)
from napari_welllog.calibrate.ocr import Box
from napari_welllog.calibrate.pens import Rule
from napari_welllog.calibrate.result import PenName, Place
from napari_welllog.calibrate.straighten import Piece

_SURE_VALUE = 0.75
_SURE_UNUSUAL = 0.95
_SURE_NAME = 0.9
_SHORTEST_NAME = 3  # letters of a curve that is no usual one


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


def scale_of_line(
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
        mnemonic, unit = by_other_readings(named, mnemonic, unit)
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
    if left.value is not None and right.value is not None:
        unit = likelier_unit(mnemonic or "", unit, left.value, right.value)
    values, doubts, confidence = _values_of(pair, mnemonic or "", unit or "")
    unit = unit or unit_by_values(mnemonic or "", *values)
    if unit is None and BRACKETS & set(text):
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


def name_words(
    lines: list[list[Words]], at: int, pair: tuple[Words, Words], rules: Sequence[Rule], width: int
) -> list[Words]:
    """The words of a scale's name: between its values, or on the lines just above, up to a rule."""
    inner = [word for word in lines[at] if word.tells and not is_one_of(word, pair)]
    if usual_curve(inner) is not None:
        return inner
    height = max(word.box.height for word in pair)
    top, above = min(word.box.top for word in pair), list[Words]()
    for line in reversed(lines[:at]):
        bottom = max(word.box.bottom for word in line)
        barred = any(bottom <= rule.row <= top for rule in rules)
        if top - bottom > NAME_ABOVE * height or barred or value_pair(line, width):
            break
        above = line + above
        top = min(word.box.top for word in line)
        if usual_curve(above) is not None:
            break
    # What stands between the values may be but a unit that is hard to read.
    return above + inner if usual_curve(above) is not None or all(map(_may_be_unit, inner)) else inner


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


def _may_be_unit(word: Words) -> bool:
    """Whether words are a unit and no name in any way that they were read."""
    return any(is_only_unit(text) for text in (word.text, *(said for said, _ in word.readings)))


def _unit_below(lines: list[list[Words]], at: int, height: float, width: int) -> str | None:
    """The unit that stands alone on the line below the values."""
    if at + 1 >= len(lines) or value_pair(lines[at + 1], width):
        return None
    line = lines[at + 1]
    near = line[0].box.top - max(word.box.bottom for word in lines[at]) < 1.5 * height
    units = [unit_of(word.text) or split_unit(word.text)[1] for word in line if is_only_unit(word.text)]
    return units[0] if near and units else None
