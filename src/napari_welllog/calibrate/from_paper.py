"""Calibrate a scan by what is printed on it: tracks from the grid, depths from the numbers, scales from the header."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.curves_of_track import curves_of_track
from napari_welllog.calibrate.depth_column import Strip, find_strips, read_numbers, unexplained
from napari_welllog.calibrate.depth_fit import Candidate, Fit, fit_depths, unit_of_scale, with_worn_zeros
from napari_welllog.calibrate.depth_lines import (
    LevelLines,
    find_level_lines,
    straightened,
    thinned,
    tie_numbers,
)
from napari_welllog.calibrate.grid_kind import grid_kind
from napari_welllog.calibrate.header import Header, read_header
from napari_welllog.calibrate.levelled import levelled
from napari_welllog.calibrate.ocr import TextReader, load_reader
from napari_welllog.calibrate.result import (
    DepthNumber,
    DepthReading,
    PaperCalibration,
    Section,
    TrackReading,
    listed,
)
from napari_welllog.calibrate.straighten import Lean, Piece, cut, measure_lean
from napari_welllog.calibrate.third_curve import third_curve
from napari_welllog.errors import Cancelled, TracksError
from napari_welllog.tracks import DepthAxis, Track, Tracks, propose_layouts

Pixels = NDArray[np.uint8]
Stage = Literal["find", "depth", "scales"]
Progress = Callable[[Stage, float], None]

_PAPER_WIDTH = 8.25  # inches, of most logs: what tells the resolution where the file does not
_HEADER = 4.5  # inches above the log in which its scales stand
_BELOW_TOP = 0.9  # inches by which a worn grid may seem to begin too high
_NEXT_SCALE = 0.4  # inches below a scale in which the next one would stand
_FURTHEST_BELOW = 2.6  # inches below the top up to which scales are looked for
_BEYOND = 60.0  # rows above and below the log in which a number may still stand
_LEAST_TIED = 0.5  # of the numbers that agree
_GAP_OF_SECTIONS = 6.0  # times the usual distance of two level lines
_LEAST_PAUSE = 0.5  # inches without level lines between two sections
_SURE_STRANGER = 0.8
_LARGEST_SCALE, _SMALLEST_SCALE = 60.0, 8000.0  # 1:100 and 1:5000 are seen, with leeway for a wrong dpi
_LEAST_INK_OF_A_ROW = 0.004
_MOST_LAYOUTS = 5  # ways to part a log into tracks that are tried
_READ_IN_FULL = 2  # numbers of a line of which the others have worn zeros
_OF_MENDED = 0.8  # of its confidence that a number keeps whose worn zero was mended
_CUT_OFF = 0.15  # inches below the end of the scan in which no whole scale stands above another
_GRAIN = 0.8  # pixels that a header is softened by, when it is read once more
_LARGER = 1.3  # times as large, when numbers are looked for once more
_UNIT_WORDS: dict[Literal["ft", "m"], frozenset[str]] = {
    "ft": frozenset({"FT", "FEET", "FOOT"}),
    "m": frozenset({"M", "METERS", "METRES", "METER", "METRE"}),
}


def calibrate_scan(
    pixels: Pixels,
    dpi: float | None = None,
    reader: TextReader | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> PaperCalibration:
    """Read a scan's calibration from its paper.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan, 0 ink and 255 paper.
    dpi : float, optional
        Pixels per inch, if the file tells: it helps to tell feet from metres.
    reader : TextReader, optional
        What finds and reads text; the OCR library by default.
    progress : function of (stage, fraction), optional
        Called with "find", "depth" or "scales" and the share of that stage done.
    cancelled : function, optional
        Asked now and then whether to stop.

    Returns
    -------
    PaperCalibration
        What was read, with the place and confidence of everything; what was refused, and why; and a proposal
        that holds what was read surely.

    Raises
    ------
    TracksError
        If nothing on the scan looks like the grid of a log.
    OcrError
        If no reader is given and the OCR library is not installed; the message says what to install.
    Cancelled
        If asked to stop.

    Examples
    --------
    >>> class Blind:
    ...     def find(self, picture): return []
    ...     def read(self, pictures): return [("", 0.0) for _ in pictures]
    >>> scan = np.full((900, 500), 255, np.uint8)
    >>> scan[100:, 20:221:20] = scan[100::25, 20:221] = 0
    >>> read = calibrate_scan(scan, reader=Blind())
    >>> read.is_sure, read.proposal.depth.unit
    (False, 'row')
    >>> for line in read.refusals():
    ...     print(line)
    depth: only 0 depth numbers were read, and three are needed that agree
    track 1: no scale was found in the header above it
    """
    job = _Job(progress, cancelled)
    reader = reader if reader is not None else load_reader()
    began = time.perf_counter()
    job.tell("find", 0.0)
    pixels = levelled(pixels)
    job.tell("find", 0.3)
    layouts = _layouts_of_longest(pixels)
    job.tell("find", 1.0)
    found = time.perf_counter()
    calibrations = _Calibrations(pixels, dpi, reader, job)
    best = calibrations.best(layouts)
    ended = time.perf_counter()
    return best.model_copy(
        update={"seconds": {"find": round(found - began, 3), "read": round(ended - found, 3)}}
    )


def _layouts_of_longest(pixels: Pixels) -> list[Tracks]:
    """Ways to part the longest log of a scan into tracks: of two passes the grid of the shorter may be the clearer."""
    layouts = propose_layouts(pixels)
    top, bottom = layouts[0].tracks[0].top, layouts[0].tracks[0].bottom
    for first, last in ((0, int(top)), (int(bottom) + 1, len(pixels))):
        if last - first <= bottom - top:
            continue
        try:
            others = propose_layouts(pixels[first:last])
        except TracksError:
            continue
        if others[0].tracks[0].bottom - others[0].tracks[0].top > bottom - top:
            return [_moved_down(other, first, len(pixels)) for other in others]
    return layouts


@dataclass
class _Calibrations:
    """Reads a scan with its tracks parted in one way or another, and no header twice."""

    pixels: Pixels
    dpi: float | None
    reader: TextReader
    job: _Job
    headers: dict[tuple[float, ...], tuple[TrackReading, float]] = field(default_factory=dict)
    glances: dict[tuple[float, ...], tuple[TrackReading, float]] = field(default_factory=dict)

    def best(self, layouts: Sequence[Tracks]) -> PaperCalibration:
        """Read the first way of parting the tracks under which everything is understood, else the likeliest one.

        A header says nothing sensible under tracks that are not its own: values are missing at their edges, or
        those of another track stand there. So the likeliest parting is read first and, where it refuses, a few
        others.
        """
        first, *others = layouts[:_MOST_LAYOUTS]
        best = self.calibration(first)
        if best.is_sure:
            return best
        if not best.knows_scales:
            page = self.page(first.tracks)
            understood = next((layout for layout in others if self.knows_scales(page, layout)), None)
            if understood is not None:
                return self.calibration(understood)
        if best.knows_depth:
            return best
        depths = (self.calibration(layout) for layout in others)
        return next((read for read in depths if read.knows_depth and not best.knows_scales), best)

    def page(self, tracks: Sequence[Track]) -> _Page:
        """The scan, as tracks lie on it."""
        return _Page(self.pixels, self.dpi, measure_lean(self.pixels, tracks), self.reader, self.job)

    def knows_scales(self, page: _Page, layout: Tracks) -> bool:
        """Whether at a glance the header of every track is understood, and no track is missing."""
        # One by one, because most partings are given up at the first header, which was read before.
        understood = all(
            self.read_headers(page, [track], at_a_glance=True)[0][0].refused is None
            for track in layout.tracks
        )
        return understood and unexplained(self.pixels, layout.tracks) is None

    def calibration(self, layout: Tracks) -> PaperCalibration:
        """Everything that is read with tracks parted in one way."""
        tracks = layout.tracks
        page = self.page(tracks)
        depth, sections = _read_depth(page, tracks)
        another = _another_pass(self.pixels, sections)
        depth = depth if another is None else _refused(depth, depth.refused or another)
        main = next(section for section in sections if section.kind == "main")
        tracks = [track.model_copy(update={"top": main.top, "bottom": main.bottom}) for track in tracks]
        headers, top = self.read_headers(page, tracks)
        tracks = [
            track.model_copy(update={"top": max(track.top, min(top, track.bottom - 1))}) for track in tracks
        ]
        return PaperCalibration(
            proposal=_proposal(page, layout, tracks, depth, headers),
            sections=sections,
            depth=depth,
            tracks=headers,
            missing=another or unexplained(self.pixels, tracks),
        )

    def read_headers(
        self, page: _Page, tracks: Sequence[Track], at_a_glance: bool = False
    ) -> tuple[list[TrackReading], float]:
        """Read the header of each track, once only at a glance, and the row below which there is no scale."""

        def tick(share: float, k: int) -> None:
            self.job.tell("scales", (k + share) / len(tracks))

        found = [
            self._header(page, track, 0.0, partial(tick, k=k), at_a_glance) for k, track in enumerate(tracks)
        ]
        bottom = max((below for header, below in found if header.refused is None), default=0.0)
        for k, track in enumerate(tracks):
            # Headers of one page end alike: where one of them reaches far down, the next to it may begin there.
            depth = bottom - track.top + _NEXT_SCALE * page.resolution
            if not found[k][0].scales and depth > _BELOW_TOP * page.resolution:
                found[k] = self._header(page, track, depth, partial(tick, k=k), at_a_glance)
        self.job.tell("scales", 1.0)
        bottom = max((below for header, below in found if header.refused is None), default=0.0)
        return _without_namesakes([header for header, _ in found]), round(bottom)

    def _header(
        self, page: _Page, track: Track, below: float, tick: Callable[[float], None], at_a_glance: bool
    ) -> tuple[TrackReading, float]:
        """The header of a track, never read twice, and the row where it ends; at least so many rows are looked at."""
        left, right = (float(edge) for edge in track.edges(track.top))
        lean = round(float(page.lean.at(track.top)), 3)
        place = (round(left), round(right), round(track.top), lean, round(below))
        if place not in self.headers and not (at_a_glance and place in self.glances):
            known = self.glances if at_a_glance else self.headers
            known[place] = _read_header(page, track, below, tick, at_a_glance)
        header, bottom = self.headers.get(place) or self.glances[place]
        return header.model_copy(update={"name": track.name}), bottom


def _another_pass(pixels: Pixels, sections: Sequence[Section]) -> str | None:
    """Say where more paper with ink lies above or below than all sections take; None where there is no such."""
    top, bottom = min(s.top for s in sections), max(s.bottom for s in sections)
    for first, last in ((0, int(top)), (int(bottom) + 1, len(pixels))):
        if last - first <= bottom - top:
            continue
        sample = pixels[first : last : max((last - first) // 1000, 1)] < 128
        if (sample.mean(axis=1) > _LEAST_INK_OF_A_ROW).mean() > 0.5:
            return (
                f"rows {first} to {last} hold more than the log that was found: cut the scan into its passes"
            )
    return None


def _refused(depth: DepthReading, why: str) -> DepthReading:
    """Depths that were read and shall not be used."""
    return depth.model_copy(
        update={"anchors": [], "numbers": _unused(depth.numbers), "confidence": 0.0, "refused": why}
    )


def _unused(numbers: Sequence[DepthNumber]) -> list[DepthNumber]:
    """Numbers of which none is an anchor."""
    return [number.model_copy(update={"used": False}) for number in numbers]


def _moved_down(tracks: Tracks, rows: int, last: int) -> Tracks:
    """Tracks of a part of a scan that begins so many rows down, as tracks of the whole scan."""

    def edge(side: float | list[tuple[float, float]]) -> float | list[tuple[float, float]]:
        """An edge, moved."""
        return side if isinstance(side, float) else [(row + rows, column) for row, column in side]

    moved = [
        track.model_copy(
            update={
                "top": track.top + rows,
                "bottom": track.bottom + rows,
                "left": edge(track.left),
                "right": edge(track.right),
            }
        )
        for track in tracks.tracks
    ]
    return Tracks(depth=DepthAxis(unit="row", anchors=[(0, 0), (last - 1, last - 1)]), tracks=moved)


class _Job:
    """Tells how far a job is, and stops it when asked to."""

    def __init__(self, progress: Progress | None, cancelled: Callable[[], bool] | None) -> None:
        self._progress = progress
        self._cancelled = cancelled

    def tell(self, stage: Stage, fraction: float) -> None:
        """Tell the share of a stage that is done; stop here if asked to."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled
        if self._progress is not None:
            self._progress(stage, fraction)


@dataclass(frozen=True)
class _Page:
    """A scan, and what it is read with."""

    pixels: Pixels
    dpi: float | None
    lean: Lean
    reader: TextReader
    job: _Job

    @property
    def resolution(self) -> float:
        """Pixels per inch, supposed where the file does not tell."""
        return self.dpi or float(np.clip(self.pixels.shape[1] / _PAPER_WIDTH, 100, 400))


# --- Depth ---


def _read_depth(page: _Page, tracks: list[Track]) -> tuple[DepthReading, list[Section]]:
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


def _read_strip(
    page: _Page, strip: Strip, rows: tuple[float, float], tick: Callable[[float], None]
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
    if fit.refused is not None:
        mended = [
            number if depth == number.depth else _mended(number, depth)
            for number, depth in zip(numbers, with_worn_zeros([n.depth for n in numbers]), strict=True)
        ]
        again = fit_depths([Candidate(n.depth, n.row, n.confidence) for n in mended])
        # Some must have been read to the last digit, or the line is of our own making.
        if again.refused is None and sum(mended[k] == numbers[k] for k in again.chain) >= _READ_IN_FULL:
            return mended, words, again
    return numbers, words, fit


def _mended(number: DepthNumber, depth: float) -> DepthNumber:
    """A number taken for another depth than was read."""
    return number.model_copy(update={"depth": depth, "confidence": _OF_MENDED * number.confidence})


def _tied(
    page: _Page, tracks: list[Track], strip: Strip, numbers: list[DepthNumber], words: list[str], fit: Fit
) -> tuple[DepthReading, list[Section]]:
    """Tie the numbers that agree to the lines of the grid, and make anchors of them."""
    middle = _middle_column(tracks)
    beside = [track for track in (strip.left, strip.right) if track is not None]
    lines = find_level_lines(page.pixels, beside, (tracks[0].top, tracks[0].bottom), middle, page.lean)
    sections = _sections(page, tracks, fit, numbers, lines)
    chain = [numbers[k] for k in fit.chain]
    at_middle = [n.row - float(page.lean.at(n.row)) * ((n.place[2] + n.place[3]) / 2 - middle) for n in chain]
    sizes = [min(n.place[1] - n.place[0], n.place[3] - n.place[2]) for n in chain]
    ties = tie_numbers(lines, at_middle, [n.depth for n in chain], reach=0.8 * float(np.median(sizes)) + 3)
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
                update={"used": True, "line": round(tie.row, 2), "residual": round(tie.residual, 2)}
            )
    if refused is None and len(anchors) < max(3, _LEAST_TIED * len(chain)):
        refused = f"only {len(anchors)} of {len(chain)} numbers that agree stand at a depth line of the grid"
    confidence = float(np.mean([n.confidence for n in chain])) * len(anchors) / len(chain)
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


def _unlikely_scale(page: _Page, chain: Sequence[DepthNumber], unit: Literal["ft", "m"]) -> str | None:
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
    page: _Page, strip: Strip, top: float, chain: Sequence[DepthNumber], words: Sequence[str]
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


def _words_above(page: _Page, strip: Strip, top: float) -> list[str]:
    """Words in the header above the depth numbers."""
    first, last = strip.columns(top, page.pixels.shape[1])
    piece, log_row = _above(page, first, last, top, _BELOW_TOP * page.resolution)

    def tick(share: float) -> None:
        page.job.tell("depth", 1.0)

    return read_header(piece, log_row, page.resolution, page.reader, tick).words


def _sections(
    page: _Page, tracks: list[Track], fit: Fit, numbers: list[DepthNumber], lines: LevelLines
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


# --- Scales ---


def _read_header(
    page: _Page, track: Track, below: float, tick: Callable[[float], None], at_a_glance: bool = False
) -> tuple[TrackReading, float]:
    """Read the header of a track, and the row of the scan at which its lowest scale ends.

    Where something of it is not understood it is read again, softened and then with thicker strokes: dust and what has
    worn look different then. At a glance it is not.
    """
    header, piece, log_row = _header_as_scanned(page, track, below, tick)
    grid = grid_kind(page.pixels, track)
    reading = curves_of_track(track.name, header.scales, grid, header.loose, header.also_named)
    for altered in () if at_a_glance or not header.scales else (_softened, _thickened):
        if reading.refused is None:
            break
        again = read_header(altered(piece), log_row, page.resolution, page.reader, tick)
        second = curves_of_track(track.name, again.scales, grid, again.loose, again.also_named)
        if second.refused is None and _told(again) >= _told(header) + bool(header.loose):
            header, reading = again, second
    if reading.refused is None and min(s.place[0] for s in reading.scales) < _CUT_OFF * page.resolution:
        why = "its uppermost scale stands at the end of the scan, and another one may be cut off above it"
        reading = reading.model_copy(update={"confidence": 0.0, "refused": why})
    return reading, piece.on_scan(header.bottom, len(piece.pixels[0]) / 2)[0]


def _told(header: Header) -> int:
    """How many curves a header tells of: what is not understood must not have been wiped away."""
    return len(header.scales) + len(header.also_named)


def _header_as_scanned(
    page: _Page, track: Track, below: float, tick: Callable[[float], None]
) -> tuple[Header, Piece, float]:
    """Read the header of a track, with at least so many rows below its top; the paper read, and the log's row on it."""
    left, right = (float(edge) for edge in track.edges(track.top))
    below = max(below - _BELOW_TOP * page.resolution, 0.0)
    while True:
        below += _BELOW_TOP * page.resolution
        piece, log_row = _above(page, left, right, track.top, below)
        header = read_header(piece, log_row, page.resolution, page.reader, tick)
        # Where scales go on to the end of what was looked at, the log begins still further down.
        room = len(piece.pixels) - header.bottom
        if (
            not header.scales
            or room > _NEXT_SCALE * page.resolution
            or below > _FURTHEST_BELOW * page.resolution
        ):
            return header, piece, log_row


def _softened(piece: Piece) -> Piece:
    """A piece of paper whose finest grain is smoothed away."""
    from scipy.ndimage import gaussian_filter

    return replace(piece, pixels=np.asarray(gaussian_filter(piece.pixels, _GRAIN), np.uint8))


def _thickened(piece: Piece) -> Piece:
    """A piece of paper whose strokes are a pixel wider."""
    from scipy.ndimage import grey_erosion

    return replace(piece, pixels=np.asarray(grey_erosion(piece.pixels, (2, 2)), np.uint8))


def _above(page: _Page, left: float, right: float, top: float, below: float) -> tuple[Piece, float]:
    """The paper above the log between two columns at its top, upright, and rows below it; and the log's row."""
    height = min(_HEADER * page.resolution, top)
    middle, lean = page.pixels.shape[1] / 2, float(page.lean.at(top))
    bottom = top + lean * (left - middle)
    shift = lean * height
    piece = cut(page.pixels, (bottom - height, bottom + below), (left + shift, right + shift + 1), lean)
    return piece, height - 1 - abs(lean) * 4


def _without_namesakes(headers: list[TrackReading]) -> list[TrackReading]:
    """Refuse a track whose curve has the name of one in an earlier track: LAS could not tell the two apart."""
    taken: set[str] = set()
    checked = []
    for header in headers:
        names = {scale.mnemonic for scale in header.scales if scale.curve_class}
        if header.refused is None and names & taken:
            header = header.model_copy(
                update={"confidence": 0.0, "refused": f"{min(names & taken)} stands in an earlier track too"}
            )
        elif header.refused is None:
            taken |= names
        checked.append(header)
    return checked


# --- The proposal ---


def _proposal(
    page: _Page, found: Tracks, tracks: list[Track], depth: DepthReading, headers: list[TrackReading]
) -> Tracks:
    """What can be used of all that was read."""
    axis = found.depth
    if depth.refused is None and depth.unit is not None:
        axis = DepthAxis(unit=depth.unit, anchors=depth.anchors)
    return Tracks(
        depth=axis,
        tracks=[_with_scales(page, track, header) for track, header in zip(tracks, headers, strict=True)],
    )


def _with_scales(page: _Page, track: Track, header: TrackReading) -> Track:
    """A track with the scales of its header, if they are sure."""
    if header.refused is not None:
        return track
    curves = [curve for scale in header.scales if (curve := scale.curve) is not None]
    has_third = bool(header.also_named) or any(scale.curve_class is None for scale in header.scales)
    ignore = third_curve(page.pixels, track) if has_third else []
    return track.model_copy(
        update={"curves": sorted(curves, key=lambda curve: curve.curve_class), "ignore": ignore}
    )
