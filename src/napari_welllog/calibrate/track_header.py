"""Read the header of a track: its scales, and which of its curves they belong to; once more where that is not clear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from napari_welllog.calibrate.curves_of_track import curves_of_track
from napari_welllog.calibrate.grid_kind import grid_kind
from napari_welllog.calibrate.header import Header, read_header
from napari_welllog.calibrate.header_reading import softened, thickened
from napari_welllog.calibrate.page import BELOW_TOP, Page
from napari_welllog.calibrate.result import TrackReading
from napari_welllog.calibrate.straighten import Piece
from napari_welllog.tracks import Track

NEXT_SCALE = 0.4  # inches below a scale in which the next one would stand
_FURTHEST_BELOW = 2.6  # inches below the top up to which scales are looked for
_CUT_OFF = 0.15  # inches below the end of the scan in which no whole scale stands above another
_GRAIN = 0.8  # pixels that a header is softened by, when it is read once more


def read_track_header(
    page: Page, track: Track, below: float, tick: Callable[[float], None], at_a_glance: bool = False
) -> tuple[TrackReading, float]:
    """Read the header of a track, and the row of the scan at which its lowest scale ends.

    Where something of it is not understood it is read again, softened and then with thicker strokes: dust and what has
    worn look different then. At a glance it is not.
    """
    header, piece, log_row = _header_as_scanned(page, track, below, tick)
    grid = grid_kind(page.pixels, track)
    reading = curves_of_track(track.name, header.scales, grid, header.loose, header.also_named)
    for altered in () if at_a_glance or not header.scales else (partial(softened, grain=_GRAIN), thickened):
        if reading.refused is None:
            break
        other = replace(piece, pixels=altered(piece.pixels))
        again = read_header(other, log_row, page.resolution, page.reader, tick)
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
    page: Page, track: Track, below: float, tick: Callable[[float], None]
) -> tuple[Header, Piece, float]:
    """Read the header of a track, with at least so many rows below its top; the paper read, and the log's row on it."""
    left, right = (float(edge) for edge in track.edges(track.top))
    below = max(below - BELOW_TOP * page.resolution, 0.0)
    while True:
        below += BELOW_TOP * page.resolution
        piece, log_row = page.above(left, right, track.top, below)
        header = read_header(piece, log_row, page.resolution, page.reader, tick)
        # Where scales go on to the end of what was looked at, the log begins still further down.
        room = len(piece.pixels) - header.bottom
        if (
            not header.scales
            or room > NEXT_SCALE * page.resolution
            or below > _FURTHEST_BELOW * page.resolution
        ):
            return header, piece, log_row


def without_namesakes(headers: list[TrackReading]) -> list[TrackReading]:
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
