"""Sample data of the plugin: logs from the printing press, with the truth in their metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from napari_welllog.crossings import find_crossings
from napari_welllog.curves import Trace
from napari_welllog.synthetic import PressSettings, PrintedLog, lesson, print_log
from napari_welllog.synthetic.lesson import print_pairs
from napari_welllog.tracks import DepthAxis, Track, Tracks
from napari_welllog.widgets.layers import LayerData, scan_layer

SAMPLE_PRESS = PressSettings(
    dpi=(200.0, 200.0),
    bilevel_share=1.0,
    dashed_pair=1.0,
    weight_pair=0.0,
    shade_pair=0.0,
    single_one=0.0,
    single_two=0.0,
    pen_width=(0.010, 0.013),
    heavy_pen_width=(0.015, 0.02),
    dash_length=(0.05, 0.09),
    dash_gap=(0.025, 0.045),
    tool_length=(0.02, 0.08),
    amplitude=(0.4, 1.2),
    tied_share=1.0,
    off_scale_share=0.0,
    hatch_share=0.0,
    third_curve_share=0.0,
    log_grid_share=0.0,
    no_grid_share=0.0,
    note_share=0.0,
    stamp_share=0.0,
    bar_share=0.0,
    blur=(0.3, 0.7),
    noise=(0.0, 0.06),
)
"""Black and white at 200 dpi, a solid and a broken pen to each track: the commonest sort of raster log."""

_SHORT_LOG_SEED = 21
_FIRST_CROSSING_SEED = 17
_ROWS_AROUND = 150
_LESSON_SEED = 3


def short_log() -> list[LayerData]:
    """Print a short log of two tracks with two curves each.

    Returns
    -------
    list of LayerData
        The scan as an image layer. Its metadata hold the calibration, `tracks`, and what is true of it,
        `truth`: the class map, and the exact column of each curve at each row by its mnemonic.

    Examples
    --------
    >>> [(pixels, settings, kind)] = short_log()
    >>> kind, settings["name"], sorted(settings["metadata"]["truth"])
    ('image', 'short log', ['classes', 'columns'])
    """
    log = print_log(_SHORT_LOG_SEED, SAMPLE_PRESS, rows=1500, columns=1100)
    return [_sample(log, "short log")]


def crossing() -> list[LayerData]:
    """Print a stretch of one track in which the two curves cross.

    Returns
    -------
    list of LayerData
        The scan as an image layer, with `tracks` and `truth` in its metadata as those of `short_log`.

    Examples
    --------
    >>> [(pixels, settings, kind)] = crossing()
    >>> one, two = settings["metadata"]["truth"]["columns"].values()
    >>> bool(np.ptp(np.sign(one - two)) == 2)
    True
    """
    for seed in count(_FIRST_CROSSING_SEED):
        log = print_log(seed, SAMPLE_PRESS, rows=1200, columns=600, tracks=1)
        found = clearest_crossing(true_traces(log, 0), _ROWS_AROUND)
        if found is not None:
            row, _ = found
            return [_sample(_rows_of(log, row - _ROWS_AROUND, row + _ROWS_AROUND), "crossing")]
    raise AssertionError("count() does not end")


def one_crossing() -> list[LayerData]:
    """Print a small patch in which a solid and a dashed curve cross once.

    Returns
    -------
    list of LayerData
        The scan as an image layer, with `tracks` and `truth` in its metadata as those of `short_log`.

    Examples
    --------
    >>> [(pixels, settings, kind)] = one_crossing()
    >>> sorted(settings["metadata"]["truth"]["columns"])
    ['CALI1', 'GR1']
    """
    return [_sample(print_pairs([lesson.one_crossing()], 1, _LESSON_SEED, SAMPLE_PRESS), "one crossing")]


def crossing_gallery() -> list[LayerData]:
    """Print two dozen crossings: four angles, three pairs of pens, two separations, each in a track of its own.

    Returns
    -------
    list of LayerData
        The scan as an image layer, with `tracks` and `truth` in its metadata as those of `short_log`; the name
        of each track tells its angle, pens and separation.
    """
    return [_sample(print_pairs(lesson.gallery(), 6, _LESSON_SEED, SAMPLE_PRESS), "crossing gallery")]


def where_both_fail() -> list[LayerData]:
    """Print three patches in which neither follower nor class map has enough to go by.

    Returns
    -------
    list of LayerData
        The scan, grey because one pen is faint, as an image layer, with `tracks` and `truth` in its metadata as
        those of `short_log`.
    """
    press = replace(SAMPLE_PRESS, bilevel_share=0.0, faint_share=0.0, jpeg_share=0.0)
    return [_sample(print_pairs(lesson.where_both_fail(), 3, _LESSON_SEED, press), "where both fail")]


def true_traces(log: PrintedLog, track: int) -> list[Trace]:
    """Give the exact curves of a printed track as if they had been traced with full confidence.

    Parameters
    ----------
    log : PrintedLog
        A log from the press.
    track : int
        Index of the track.

    Returns
    -------
    list of Trace
        In the order of the track's curves.
    """
    columns = {trace.curve_class: trace.column for trace in log.traces if trace.track == track}
    return [
        Trace(curve_class, 0, column, np.ones(len(column), np.float32), np.isfinite(column).astype(np.uint8))
        for curve_class, column in columns.items()
    ]


def clearest_crossing(traces: Sequence[Trace], around: int) -> tuple[int, float] | None:
    """Find the crossing whose curves stand furthest apart above and below it.

    Parameters
    ----------
    traces : sequence of Trace
        The traces of one track.
    around : int
        How many rows above and below the crossing to look at.

    Returns
    -------
    (int, float) or None
        The row of the crossing, and how many columns the curves stand apart on the side where it is less;
        None where no curves cross that are there in all of these rows.
    """
    crossings = [crossing for crossing in find_crossings(traces) if crossing.swaps]
    rows = [(crossing.row_from + crossing.row_to) // 2 for crossing in crossings]
    distances = ((row, _distance_around(traces, row, around)) for row in rows)
    return max((found for found in distances if found[1] > 0), key=lambda found: found[1], default=None)


def _distance_around(traces: Sequence[Trace], row: int, around: int) -> float:
    """Tell how far two curves stand apart before and after they change sides, where it is less."""
    above, below = (_median_distance(traces, top, top + around) for top in (row - around, row))
    return min(abs(above), abs(below)) if above * below < 0 else 0.0


def _median_distance(traces: Sequence[Trace], top: int, bottom: int) -> float:
    """Tell how far curve one lies to the right of curve two in these rows; 0 if either is absent anywhere."""
    if top < max(trace.top for trace in traces):
        return 0.0
    one, two = (trace.column[top - trace.top : bottom - trace.top] for trace in traces)
    there = len(one) == len(two) == bottom - top and bool(np.isfinite(one - two).all())
    return float(np.median(one - two)) if there else 0.0


def _sample(log: PrintedLog, name: str) -> LayerData:
    """A printed log as a scan layer that knows its calibration and its truth."""
    assert log.tracks is not None
    curves = [curve for track in log.tracks.tracks for curve in track.curves]
    columns = {curve.mnemonic: trace.column for curve, trace in zip(curves, log.traces, strict=True)}
    truth = {"classes": log.classes, "columns": columns}
    metadata: dict[str, Any] = {"tracks": log.tracks, "truth": truth, "dpi": log.dpi}
    return scan_layer(log.scan, name, metadata)


def _rows_of(log: PrintedLog, top: int, bottom: int) -> PrintedLog:
    """Cut the rows from top to bottom out of a log."""
    assert log.tracks is not None
    return replace(
        log,
        scan=log.scan[top:bottom],
        classes=log.classes[top:bottom],
        traces=[replace(trace, column=trace.column[top:bottom]) for trace in log.traces],
        tracks=_moved_up(log.tracks, top, bottom - top),
    )


def _moved_up(tracks: Tracks, top: int, rows: int) -> Tracks:
    """The calibration of a scan from which the rows above `top` and beyond `rows` are cut off."""
    anchors = [(row - top, depth) for row, depth in tracks.depth.anchors]
    return Tracks(
        depth=DepthAxis(unit=tracks.depth.unit, anchors=anchors),
        tracks=[_track_moved_up(track, top, rows) for track in tracks.tracks],
    )


def _track_moved_up(track: Track, top: int, rows: int) -> Track:
    """A track of a scan from which the rows above `top` and beyond `rows` are cut off."""
    corners = np.arange(rows)[:: max(rows // 8, 1)]
    left, right = track.edges(corners + top)
    return Track(
        name=track.name,
        left=list(zip(corners, left, strict=True)),
        right=list(zip(corners, right, strict=True)),
        top=max(track.top - top, 0),
        bottom=min(track.bottom - top, rows - 1),
        curves=track.curves,
    )
