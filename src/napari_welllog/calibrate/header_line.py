"""What stands on a line of a track's header: values at its two edges, words that name a usual curve, a rule below."""

from __future__ import annotations

from collections.abc import Sequence

from napari_welllog.calibrate.header_words import Words, mended
from napari_welllog.calibrate.names import mnemonic_of, split_unit, unit_of
from napari_welllog.calibrate.pens import Rule

OUTER = 0.34  # of the track's width at either side, where a scale's values stand
AT_EDGE = 0.08  # of the track's width within which a value begins or ends
NAME_ABOVE = 2.2  # heights of a line between a name and its values
RULE_BELOW = 2.2  # heights of a line between values and their rule
BRACKETS = frozenset("()[]{}")


def value_pair(line: Sequence[Words], width: int) -> tuple[Words, Words] | None:
    """The values at the two edges of the track, if the line holds such."""

    def at_edges(words: Sequence[Words]) -> tuple[list[Words], list[Words]]:
        """Those of the words that stand at either edge."""
        return (
            [w for w in words if w.box.left + w.box.width / 2 < OUTER * width],
            [w for w in words if w.box.left + w.box.width / 2 > (1 - OUTER) * width],
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


def is_one_of(word: Words, pair: tuple[Words, Words]) -> bool:
    """Whether a word is one of two values, which may have been mended."""
    return any(word.box == value.box for value in pair)


def usual_curve(named: Sequence[Words]) -> str | None:
    """The usual mnemonic that words name, in whatever they were read as."""
    mnemonic = mnemonic_of(split_unit(" ".join(word.text for word in named))[0])
    return mnemonic or by_other_readings(named, None, None)[0]


def by_other_readings(
    named: Sequence[Words], mnemonic: str | None, unit: str | None
) -> tuple[str | None, str | None]:
    """The mnemonic and the unit as the words of a name tell them in all that they were read as."""
    for place, word in enumerate(named):
        for said, _ in word.readings:
            text = " ".join(said if k == place else other.text for k, other in enumerate(named))
            name, read_unit = split_unit(text)
            mnemonic, unit = mnemonic or mnemonic_of(name), unit or read_unit
    return mnemonic, unit


def is_only_unit(text: str) -> bool:
    """Whether a text is a unit and no name."""
    name, unit = split_unit(text)
    in_brackets = text[:1] in BRACKETS and text[-1:] in BRACKETS
    return unit_of(text) is not None or ((unit is not None or in_brackets) and not name)


def next_rule(words: Sequence[Words], rules: Sequence[Rule]) -> Rule | None:
    """The rule just below words."""
    bottom, height = max(word.box.bottom for word in words), max(word.box.height for word in words)
    below = [rule for rule in rules if -2 < rule.row - bottom < RULE_BELOW * height]
    return below[0] if below else None
