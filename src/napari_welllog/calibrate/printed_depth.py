"""Read the depths printed beside the tracks, and tie them to the lines of the grid; and part the sections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from napari_welllog.calibrate.depth_column import Strip, find_strips, read_numbers
from napari_welllog.calibrate.depth_fit import Candidate, Fit, fit_depths, unit_of_scale, with_worn_zeros
from napari_welllog.calibrate.depth_lines import (
    LevelLines,
    find_level_lines,
    straightened,
    thinned,
    tie_numbers,
    ties_to_themselves,
)
from napari_welllog.calibrate.header import read_header
from napari_welllog.calibrate.page import BELOW_TOP, Page
from napari_welllog.calibrate.result import DepthNumber, DepthReading, Section, listed
from napari_welllog.tracks import Track

_BEYOND = 60.0  # rows above and below the log in which a number may still stand
_LEAST_TIED = 0.5  # of the numbers that agree
_GAP_OF_SECTIONS = 6.0  # times the usual distance of two level lines
_LEAST_PAUSE = 0.5  # inches without level lines between two sections
_SURE_STRANGER = 0.8
_LARGEST_SCALE, _SMALLEST_SCALE = 60.0, 8000.0  # 1:100 and 1:5000 are seen, with leeway for a wrong dpi
_READ_IN_FULL = 2  # numbers of a line of which the others have worn zeros
_LONG_CHAIN = 7  # numbers whose other digits go on in steps: that is no accident
_OF_UNTIED = 0.8  # of its confidence that a depth keeps for which no line of the grid is left
_OF_MENDED = 0.8  # of its confidence that a number keeps whose worn zero was mended
_LARGER = 1.3  # times as large, when numbers are looked for once more
_UNIT_WORDS: dict[Literal["ft", "m"], frozenset[str]] = {
    "ft": frozenset({"FT", "FEET", "FOOT"}),
    "m": frozenset({"M", "METERS", "METRES", "METER", "METRE"}),
}


def read_depth(page: Page, tracks: list[Track]) -> tuple[DepthReading, list[Section]]:
    """Read the printed depths, and which rows belong to which section."""
    rows = tracks[0].top - _BEYOND, tracks[0].bottom + _BEYOND
    whole = [Section(kind="main", top=tracks[0].top, bottom=tracks[0].bottom)]
    strips = find_strips(tracks, page.pixels.shape[1])
    best = DepthReading(
        refused="there is no room for depth numbers beside the tracks", lean=round(page.lean.usual, 5)
    )
    for k, strip in enumerate(strips):

        def tick(share: float, k: int = k) -> None:
            page.job.tell("depth", (k + share) / len(strips))

        numbers, words, fit = _read_strip(page, strip, rows, tick)
        if fit.refused is None:
            page.job.tell("depth", 1.0)
            return _tied(page, tracks, strip, numbers, words, fit)
        if k == 0 or len(numbers) > len(best.numbers):
            seen = f"; read: {listed([n.text for n in numbers] or words)}" if numbers or words else ""
            best = DepthReading(numbers=numbers, lean=round(page.lean.usual, 5), refused=fit.refused + seen)
    page.job.tell("depth", 1.0)
    return best, whole


def refused_depth(depth: DepthReading, why: str) -> DepthReading:
    """Depths that were read and shall not be used."""
    return depth.model_copy(
        update={"anchors": [], "numbers": _unused(depth.numbers), "confidence": 0.0, "refused": why}
    )


def _unused(numbers: Sequence[DepthNumber]) -> list[DepthNumber]:
    """Numbers of which none is an anchor."""
    return [number.model_copy(update={"used": False}) for number in numbers]


def _read_strip(
    page: Page, strip: Strip, rows: tuple[float, float], tick: Callable[[float], None]
) -> tuple[list[DepthNumber], list[str], Fit]:
    """Read the numbers of a strip, once more in a larger size where some are seen and do not agree."""
    for larger in (1.0, _LARGER):

        def part(share: float, larger: float = larger) -> None:
            tick(0.5 * share + (0.0 if larger == 1.0 else 0.5))

        numbers, words = read_numbers(
            page.pixels, strip, rows, page.lean, page.dpi, page.reader, part, larger
        )
        fit = fit_depths([Candidate(n.depth, n.row, n.confidence) for n in numbers])
        if fit.refused is None or not (numbers or words):
            break
    for digits in (1, 2) if fit.refused is not None else ():
        mended = [
            number if depth == number.depth else _mended(number, depth)
            for number, depth in zip(
                numbers, with_worn_zeros([n.depth for n in numbers], digits), strict=True
            )
        ]
        again = fit_depths([Candidate(n.depth, n.row, n.confidence) for n in mended])
        # Some must have been read to the last digit, or the line is of our own making; unless it is a long one.
        in_full = sum(mended[k] == numbers[k] for k in again.chain)
        if again.refused is None and (in_full >= _READ_IN_FULL or len(again.chain) >= _LONG_CHAIN):
            return mended, words, again
    return numbers, words, fit


def _mended(number: DepthNumber, depth: float) -> DepthNumber:
    """A number taken for another depth than was read."""
    return number.model_copy(update={"depth": depth, "confidence": _OF_MENDED * number.confidence})


def _tied(
    page: Page, tracks: list[Track], strip: Strip, numbers: list[DepthNumber], words: list[str], fit: Fit
) -> tuple[DepthReading, list[Section]]:
    """Tie the numbers that agree to the lines of the grid, and make anchors of them."""
    middle = _middle_column(tracks)
    beside = [track for track in (strip.left, strip.right) if track is not None]
    lines = find_level_lines(page.pixels, beside, (tracks[0].top, tracks[0].bottom), middle, page.lean)
    sections = _sections(page, tracks, fit, numbers, lines)
    chain = [numbers[k] for k in fit.chain]
    at_middle = [n.row - float(page.lean.at(n.row)) * ((n.place[2] + n.place[3]) / 2 - middle) for n in chain]
    sizes = [min(n.place[1] - n.place[0], n.place[3] - n.place[2]) for n in chain]
    depths = [n.depth for n in chain]
    untied = len(lines.rows) < 2
    ties = (
        ties_to_themselves(at_middle, depths)
        if untied
        else tie_numbers(lines, at_middle, depths, reach=0.8 * float(np.median(sizes)) + 3)
    )
    unit, unit_from = _unit(page, strip, sections[0].top, chain, words)
    refused = (
        unit_from if unit is None else ties if isinstance(ties, str) else _unlikely_scale(page, chain, unit)
    )
    read = list(numbers)
    anchors = []
    for k, number, tie in zip(
        fit.chain, chain, [None] * len(chain) if isinstance(ties, str) else ties, strict=True
    ):
        if tie is not None:
            anchors.append((tie.row, number.depth))
            read[k] = number.model_copy(
                update={
                    "used": True,
                    "line": None if untied else round(tie.row, 2),
                    "residual": round(tie.residual, 2),
                }
            )
    if refused is None and len(anchors) < max(3, _LEAST_TIED * len(chain)):
        refused = f"only {len(anchors)} of {len(chain)} numbers that agree stand at a depth line of the grid"
    confidence = float(np.mean([n.confidence for n in chain])) * len(anchors) / len(chain)
    confidence *= _OF_UNTIED if untied else 1.0
    reading = DepthReading(
        unit=unit,
        unit_from=unit_from if unit else "",
        anchors=[] if refused else thinned(straightened(anchors)),
        numbers=read if refused is None else _unused(read),
        lean=round(page.lean.usual, 5),
        confidence=0.0 if refused else round(confidence, 3),
        refused=refused,
    )
    return reading, sections


def _unlikely_scale(page: Page, chain: Sequence[DepthNumber], unit: Literal["ft", "m"]) -> str | None:
    """Say why depths can hardly be right: no log is printed so large or so small."""
    if page.dpi is None:
        return None
    per_unit = abs((chain[-1].row - chain[0].row) / (chain[-1].depth - chain[0].depth))
    scale = (12.0 if unit == "ft" else 39.3701) * page.dpi / per_unit
    if _LARGEST_SCALE < scale < _SMALLEST_SCALE:
        return None
    numbers = f"{chain[0].depth:g} to {chain[-1].depth:g}"
    return f"digits may be missing: by the numbers {numbers} the log is printed 1:{scale:.0f}"


def _middle_column(tracks: Sequence[Track]) -> float:
    """The column half way across the tracks: on a leaning page a row has one depth only there."""
    row = (tracks[0].top + tracks[0].bottom) / 2
    return float((min(t.edges(row)[0] for t in tracks) + max(t.edges(row)[1] for t in tracks)) / 2)


def _unit(
    page: Page, strip: Strip, top: float, chain: Sequence[DepthNumber], words: Sequence[str]
) -> tuple[Literal["ft", "m"] | None, str]:
    """The unit of depth and what told it; or None, and why."""
    above = _words_above(page, strip, top)
    suffixes = [number.text.lstrip("0123456789,. ").upper() for number in chain]
    parts = {part.strip("().[]:").upper() for text in above for part in text.replace("/", " ").split()}
    # A lone letter is often a scrap of something else; it counts in brackets, or where many numbers bear it.
    parts = {part for part in parts if len(part) > 1 or f"({part})" in "".join(above).upper()}
    parts |= {part for part in suffixes if 2 * suffixes.count(part) > len(chain)}
    parts |= {word.upper() for word in words if len(word) > 1}
    said = [unit for unit, spellings in _UNIT_WORDS.items() if parts & spellings]
    per_unit = (chain[-1].row - chain[0].row) / (chain[-1].depth - chain[0].depth)
    usual = unit_of_scale(per_unit, page.dpi)
    if len(said) == 1 and usual in (None, said[0]):
        return said[0], "the words by the depths"
    if usual is not None and not said:
        return usual, "the scale of the print"
    if said:
        return None, "the words by the depths and the scale of the print do not agree on feet or metres"
    known = (
        f"{per_unit:.3g} rows for each unit of depth at {page.dpi:g} dpi" if page.dpi else "no dpi is known"
    )
    return None, f"nothing tells feet from metres: no unit is printed by the depths, and {known}"


def _words_above(page: Page, strip: Strip, top: float) -> list[str]:
    """Words in the header above the depth numbers."""
    first, last = strip.columns(top, page.pixels.shape[1])
    piece, log_row = page.above(first, last, top, BELOW_TOP * page.resolution)

    def tick(share: float) -> None:
        page.job.tell("depth", 1.0)

    return read_header(piece, log_row, page.resolution, page.reader, tick).words


def _sections(
    page: Page, tracks: list[Track], fit: Fit, numbers: list[DepthNumber], lines: LevelLines
) -> list[Section]:
    """The main section and others in which numbers go their own way, parted where the grid pauses."""
    top, bottom = tracks[0].top, tracks[0].bottom
    first, last = numbers[fit.chain[0]].row, numbers[fit.chain[-1]].row
    # A lone number that disagrees may be misread; beyond a pause it begins another section.
    least = _LEAST_PAUSE * page.resolution
    strangers = [n.row for k, n in enumerate(numbers) if k not in fit.chain and n.confidence > _SURE_STRANGER]
    own = {k for chain in fit.others for k in chain}
    others = []
    below = [row for row in strangers if row > last]
    if below:
        pause = _pause(lines, last, min(below))
        if pause[1] - pause[0] > least or any(numbers[k].row > last for k in own):
            bottom = min(bottom, pause[0])
            others.append(Section(kind="other", top=pause[1], bottom=tracks[0].bottom))
    above = [row for row in strangers if tracks[0].top < row < first]
    if above:
        pause = _pause(lines, max(above), first)
        if pause[1] - pause[0] > least or any(numbers[k].row < first for k in own):
            top = max(top, pause[1])
            others.append(Section(kind="other", top=tracks[0].top, bottom=pause[0]))
    return [Section(kind="main", top=top, bottom=bottom), *others]


def _pause(lines: LevelLines, above: float, below: float) -> tuple[float, float]:
    """The rows between which no level lines are, of those between two rows; half way where there is no pause."""
    rows = lines.rows[(lines.rows >= above) & (lines.rows <= below)]
    if len(rows) > 1:
        gaps = np.diff(rows)
        widest = int(gaps.argmax())
        if gaps[widest] > _GAP_OF_SECTIONS * np.median(gaps):
            return float(rows[widest]), float(rows[widest + 1])
    return (above + below) / 2, (above + below) / 2
