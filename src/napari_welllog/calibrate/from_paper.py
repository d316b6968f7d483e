"""Calibrate a scan by what is printed on it: tracks from the grid, depths from the numbers, scales from the header."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from napari_welllog.calibrate.levelled import levelled
from napari_welllog.calibrate.missing_tracks import unexplained
from napari_welllog.calibrate.ocr import TextReader, load_reader
from napari_welllog.calibrate.page import BELOW_TOP, Job, Page, Pixels, Progress
from napari_welllog.calibrate.printed_depth import read_depth, refused_depth
from napari_welllog.calibrate.result import DepthReading, PaperCalibration, Section, TrackReading
from napari_welllog.calibrate.straighten import measure_lean
from napari_welllog.calibrate.third_curve import third_curve
from napari_welllog.calibrate.track_header import NEXT_SCALE, read_track_header, without_namesakes
from napari_welllog.errors import TracksError
from napari_welllog.tracks import DepthAxis, Track, Tracks, propose_layouts

_LEAST_INK_OF_A_ROW = 0.004
_MOST_LAYOUTS = 5  # ways to part a log into tracks that are tried


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
    >>> import numpy as np
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
    job = Job(progress, cancelled)
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
    job: Job
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

    def page(self, tracks: Sequence[Track]) -> Page:
        """The scan, as tracks lie on it."""
        return Page(self.pixels, self.dpi, measure_lean(self.pixels, tracks), self.reader, self.job)

    def knows_scales(self, page: Page, layout: Tracks) -> bool:
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
        depth, sections = read_depth(page, tracks)
        another = _another_pass(self.pixels, sections)
        depth = depth if another is None else refused_depth(depth, depth.refused or another)
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
        self, page: Page, tracks: Sequence[Track], at_a_glance: bool = False
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
            depth = bottom - track.top + NEXT_SCALE * page.resolution
            if not found[k][0].scales and depth > BELOW_TOP * page.resolution:
                found[k] = self._header(page, track, depth, partial(tick, k=k), at_a_glance)
        self.job.tell("scales", 1.0)
        bottom = max((below for header, below in found if header.refused is None), default=0.0)
        return without_namesakes([header for header, _ in found]), round(bottom)

    def _header(
        self, page: Page, track: Track, below: float, tick: Callable[[float], None], at_a_glance: bool
    ) -> tuple[TrackReading, float]:
        """The header of a track, never read twice, and the row where it ends; at least so many rows are looked at."""
        left, right = (float(edge) for edge in track.edges(track.top))
        lean = round(float(page.lean.at(track.top)), 3)
        place = (round(left), round(right), round(track.top), lean, round(below))
        if place not in self.headers and not (at_a_glance and place in self.glances):
            known = self.glances if at_a_glance else self.headers
            known[place] = read_track_header(page, track, below, tick, at_a_glance)
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


def _proposal(
    page: Page, found: Tracks, tracks: list[Track], depth: DepthReading, headers: list[TrackReading]
) -> Tracks:
    """What can be used of all that was read."""
    axis = found.depth
    if depth.refused is None and depth.unit is not None:
        axis = DepthAxis(unit=depth.unit, anchors=depth.anchors)
    return Tracks(
        depth=axis,
        tracks=[_with_scales(page, track, header) for track, header in zip(tracks, headers, strict=True)],
    )


def _with_scales(page: Page, track: Track, header: TrackReading) -> Track:
    """A track with the scales of its header, if they are sure."""
    if header.refused is not None:
        return track
    curves = [curve for scale in header.scales if (curve := scale.curve) is not None]
    has_third = bool(header.also_named) or any(scale.curve_class is None for scale in header.scales)
    ignore = third_curve(page.pixels, track) if has_third else []
    return track.model_copy(
        update={"curves": sorted(curves, key=lambda curve: curve.curve_class), "ignore": ignore}
    )
