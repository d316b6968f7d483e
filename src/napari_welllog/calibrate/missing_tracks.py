"""Where a track must be that was not found: under rules of the header, or where there is ink and room for one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_welllog.calibrate.depth_column import WIDEST, Strip
from napari_welllog.tracks import Track, tracks_under_header

Pixels = NDArray[np.uint8]

_NARROWEST_TRACK = 0.15  # of the scan's width
_SOLID = 0.6  # of its rows in which a column has ink, from which it is the scanner's bar
_LEAST_INK = 0.004
_SHARED = 0.012  # of a ruled span, up to which it only touches a track


def unexplained(pixels: Pixels, tracks: list[Track]) -> str | None:
    """Say where a track must be that was not found; None where all is explained."""
    return _without_track(pixels, tracks) or _ruled_without_track(pixels, tracks)


def _ruled_without_track(pixels: Pixels, tracks: list[Track]) -> str | None:
    """Say where rules of the header stand above no track."""
    header = tracks_under_header(pixels, tracks[0].top)
    edges = [[float(edge) for edge in track.edges(track.top)] for track in tracks]
    for left, right in [] if header is None else header.spans:
        if all(min(right, end) - max(left, start) < _SHARED * (right - left) for start, end in edges):
            return f"no track was found in columns {left:.0f} to {right:.0f}, which the header rules"
    return None


def _without_track(pixels: Pixels, tracks: list[Track]) -> str | None:
    """Say where there is room for a track, and ink, but no track was found."""
    width = pixels.shape[1]
    top, bottom = int(max(tracks[0].top, 0)), int(min(tracks[0].bottom + 1, len(pixels)))
    rows = np.arange(top, bottom, max((bottom - top) // 2000, 1))
    sides = [Strip(None, tracks[0]), *(Strip(*pair) for pair in pairwise(tracks)), Strip(tracks[-1], None)]
    for strip in sides:
        first, last = (round(float(end)) for end in strip.columns((top + bottom) / 2, width))
        if last - first < WIDEST * width:
            continue
        ink = pixels[rows, first:last] < 128
        inked = ink[:, ink.mean(axis=0) < _SOLID]  # what is black all the way down is the scanner's bar
        if inked.shape[1] > _NARROWEST_TRACK * width and inked.mean() > _LEAST_INK:
            return f"no track was found in columns {first} to {last}, where there is ink"
    return None
