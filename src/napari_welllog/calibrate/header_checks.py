"""What speaks against a reading of a track's header: words, values and rules that belong to no scale that was read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_welllog.calibrate.header_line import (
    AT_EDGE,
    OUTER,
    RULE_BELOW,
    is_one_of,
    is_only_unit,
    next_rule,
    usual_curve,
    value_pair,
)
from napari_welllog.calibrate.header_scale import ReadScale
from napari_welllog.calibrate.header_words import MINUS, Words, is_single
from napari_welllog.calibrate.names import THIRD_CURVES, mnemonic_of, split_unit
from napari_welllog.calibrate.pens import BROKEN, Rule

_LINE_ABOVE = 3.5  # heights of a line between two scales
_UNEVEN = 0.035  # inches by which the values of a track may stand nearer to one edge
_LEAST_UNEVEN = 6.0  # pixels
_LETTERS_OF_A_NAME = 3
_SURE_VALUE = 0.9


def unexplained_lines(
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
        if top >= log_row and value_pair(line, width) is None:
            continue
        least = _LETTERS_OF_A_NAME if top < log_row else 2 * _LETTERS_OF_A_NAME
        words = [word.text for word in line if sum(map(str.isalpha, word.text)) >= least]
        if words and not all(map(is_only_unit, words)):
            found.append(f"{' '.join(words)!r} among the scales is not understood")
    return tuple(found)


def _is_over_a_rule(line: Sequence[Words], rules: Sequence[Rule], width: int) -> bool:
    """Whether words with a number at an edge of the track stand over a rule, as a scale does."""
    numbers = [
        word
        for word in line
        if word.value is not None
        and not is_single(word.box)
        and min(word.box.left, width - word.box.right) < AT_EDGE * width
    ]
    letters = sum(character.isalpha() for word in line for character in word.text)
    return bool(numbers) and letters >= _LETTERS_OF_A_NAME and next_rule(line, rules) is not None


def inner_values(lines: list[list[Words]], pairs: Sequence[tuple[Words, Words]]) -> tuple[str, ...]:
    """Say where surely read values stand between those at the edges: the scales of two tracks, side by side."""
    for pair in pairs:
        line = next((words for words in lines if any(word.box == pair[0].box for word in words)), [])
        inner = [w for w in line if not is_one_of(w, pair) and w.value is not None and not w.doubt]
        for word in inner:
            if word.confidence > _SURE_VALUE and not is_single(word.box):
                return (f"{word.text!r} stands between the values of a scale",)
    return ()


def uneven_margins(
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


def loose_ends(
    lines: list[list[Words]], used: Sequence[Words], rules: Sequence[Rule], width: int
) -> tuple[str, ...]:
    """What stands among the scales and belongs to none of those that were read: perhaps to one that was not."""
    if not used:
        return ()
    first = min(word.box.top for word in used)
    height = float(np.median([word.box.height for word in used]))
    loose = []
    for line, word in [(words, word) for words in lines for word in words if word not in used]:
        is_scale = usual_curve([w for w in line if w.tells and w.value is None]) is not None
        if word.box.top < first - _LINE_ABOVE * height and not is_scale:
            continue
        middle = (word.box.left + word.box.right) / 2
        outer = min(middle, width - middle) < OUTER * width
        usual = mnemonic_of(split_unit(word.text)[0])
        if word.value is not None and outer and word.value != 1:
            loose.append(f"{word.text!r} stands at an edge without a value at the other")
        elif usual is not None and usual not in THIRD_CURVES:
            loose.append(f"{word.text!r} stands without values")
    last = max(word.box.bottom for word in used)
    # A broken rule just above is the pen of a curve; a solid one may frame the header.
    among = [
        rule
        for rule in rules
        if first < rule.row < last + RULE_BELOW * height
        or (rule.pen in BROKEN and first - _LINE_ABOVE * height < rule.row <= first)
    ]
    return (*loose, *(["a rule stands without values"] if among else []))
