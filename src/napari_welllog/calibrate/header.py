"""Read the scales of one track's header: which curve, in which unit, from which value to which, by which pen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_welllog.calibrate.header_checks import inner_values, loose_ends, uneven_margins, unexplained_lines
from napari_welllog.calibrate.header_line import (
    NAME_ABOVE,
    RULE_BELOW,
    is_only_unit,
    next_rule,
    usual_curve,
    value_pair,
)
from napari_welllog.calibrate.header_reading import INK, read_lines
from napari_welllog.calibrate.header_scale import ReadScale, name_words, scale_of_line
from napari_welllog.calibrate.header_text import take_apart
from napari_welllog.calibrate.header_words import Words
from napari_welllog.calibrate.names import THIRD_CURVES, likely_curve, near_curves, split_unit
from napari_welllog.calibrate.ocr import TextReader
from napari_welllog.calibrate.pens import Rule, faint_rule, weighed
from napari_welllog.calibrate.straighten import Piece


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
    parts = take_apart(piece.pixels < INK, dpi, piece.pixels)
    lines = read_lines(piece, parts, log_row, reader, tick)
    width = piece.pixels.shape[1]
    scales, rules, used, pairs = [], [], [], []
    for k, line in enumerate(lines):
        pair = value_pair(line, width)
        named = name_words(lines, k, pair, parts.rules, width) if pair is not None else []
        if pair is not None and (line[0].box.top < log_row or _is_a_curve(named)):
            scales.append(scale_of_line(piece, lines, k, pair, named))
            pairs.append(pair)
            rules.append(_rule_below(piece, lines, k, pair, parts.rules, width))
            used += [*pair, *named]
    unread = _lines_of_third_curves(lines, used)
    thirds = [rule for _, line in unread if (rule := next_rule(line, parts.rules)) is not None]
    used += [word for _, line in unread for word in line]
    last = max([log_row, *(word.box.bottom + 1 for word in used)])
    unexplained = (
        unexplained_lines(lines, used, log_row, width, parts.rules)
        + inner_values(lines, pairs)
        + uneven_margins(pairs, scales, width, dpi)
    )
    return Header(
        [
            replace(scale, pen=pen, pen_width=rule.width)
            for scale, rule, pen in zip(scales, rules, weighed(rules), strict=True)
        ],
        [word.text for line in lines for word in line],
        unexplained
        + loose_ends(
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
        mnemonic = usual_curve([word for word in line if word.tells and word.value is None])
        if mnemonic not in THIRD_CURVES or any(word in used for word in line):
            continue
        words, height = list(line), max(word.box.height for word in line)
        below = lines[k + 1] if k + 1 < len(lines) else []
        near = bool(below) and below[0].box.top - max(word.box.bottom for word in line) < NAME_ABOVE * height
        has_values = any(word.value is not None for word in line)
        # Its values may stand on the line below its name, by nothing but a unit.
        if near and not has_values and not any(word in used for word in below):
            inner = [word for word in below if word.tells and word.value is None]
            words += below if all(is_only_unit(word.text) or len(word.text) < 3 for word in inner) else []
        found.append((mnemonic, words))
    return found


def _is_a_curve(named: Sequence[Words]) -> bool:
    """Whether words name a usual curve, or are more like one with its unit than like any other."""
    said = " ".join(word.text for word in named)
    name, unit = split_unit(said)
    known = usual_curve(named) is not None or likely_curve(said) is not None
    return known or (unit is not None and bool(near_curves(name)))


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
    following = min((line[0].box.top for line in lines[at + 1 :] if value_pair(line, width)), default=np.inf)
    below = [rule for rule in rules if -2 < rule.row - bottom < RULE_BELOW * height and rule.row < following]
    if below:
        return below[0]
    last = min(bottom + RULE_BELOW * height, following, float(len(piece.pixels)))
    return faint_rule(piece.pixels, (bottom, last)) or Rule(bottom, 0.0, "unknown")
