"""From a class map to the curves of all tracks, edits laid over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_welllog.class_map import ClassMap, WrittenClassMap
from napari_welllog.crossings import Crossing, find_crossings
from napari_welllog.curves import LogCurve, Trace, TraceState, extract_traces, to_log_curve
from napari_welllog.edits import Edits, apply_edits
from napari_welllog.report import CrossingReport, CurveReport
from napari_welllog.tracks import Curve, Track, Tracks


@dataclass(frozen=True)
class Reading:
    """What was read from a class map.

    Parameters
    ----------
    calibration : Tracks
        The tracks.
    traces : for each track, a Trace for each of its curves, edits applied.
    crossings : for each track, the meetings of its curves.
    log_curves : the curves of all tracks, in units.
    """

    calibration: Tracks
    traces: list[list[Trace]]
    crossings: list[list[Crossing]]
    log_curves: list[LogCurve]

    def curve_reports(self) -> list[CurveReport]:
        """Say how each curve was read."""
        return [
            _curve_report(track, curve, trace, len(crossings))
            for track, traces, crossings in zip(
                self.calibration.tracks, self.traces, self.crossings, strict=True
            )
            for curve, trace in zip(track.curves, traces, strict=True)
        ]

    def crossing_reports(self) -> list[CrossingReport]:
        """Say where the curves meet."""
        return [
            CrossingReport(
                track=track.name,
                row_from=crossing.row_from,
                row_to=crossing.row_to,
                column=round(crossing.column, 2),
                depth=round(
                    float(self.calibration.depth.depths((crossing.row_from + crossing.row_to) / 2)), 3
                ),
                swaps=crossing.swaps,
            )
            for track, crossings in zip(self.calibration.tracks, self.crossings, strict=True)
            for crossing in crossings
        ]


def read_curves(
    class_map: ClassMap | WrittenClassMap,
    calibration: Tracks,
    edits: Edits | None = None,
    progress: Callable[[float], None] | None = None,
) -> Reading:
    """Read the curves of every track from the class map.

    Parameters
    ----------
    class_map : ClassMap or WrittenClassMap
        The class of every pixel.
    calibration : Tracks
        Where the tracks are, and what their curves measure.
    edits : Edits, optional
        Corrections by hand, laid over the traces.
    progress : function, optional
        Called with the share of the tracks done.
    """
    traces = []
    for done, track in enumerate(calibration.tracks, start=1):
        traces.append(extract_traces(class_map, track))
        if progress is not None:
            progress(done / len(calibration.tracks))
    return reading_of(calibration, traces, edits)


def reading_of(calibration: Tracks, traces: Sequence[Sequence[Trace]], edits: Edits | None = None) -> Reading:
    """Lay edits over the machine's traces and turn them into log curves.

    Parameters
    ----------
    calibration : Tracks
        The tracks.
    traces : for each track, a Trace for each of its curves
        What the machine read.
    edits : Edits, optional
        Corrections by hand.
    """
    reading = Reading(calibration, [], [], [])
    for track, machine in zip(calibration.tracks, traces, strict=True):
        edited = apply_edits(machine, track, edits or Edits())
        reading.traces.append(edited)
        reading.crossings.append(find_crossings(edited, track=track))
        for trace, curve in zip(edited, track.curves, strict=True):
            reading.log_curves.append(to_log_curve(trace, track, calibration.depth, curve))
    return reading


def _curve_report(track: Track, curve: Curve, trace: Trace, crossings: int) -> CurveReport:
    """Say how one curve was read."""
    found = trace.confidence[np.isfinite(trace.column)]
    return CurveReport(
        track=track.name,
        curve_class=curve.curve_class,
        mnemonic=curve.mnemonic,
        unit=curve.unit,
        rows_traced=trace.count(TraceState.TRACED),
        rows_bridged=trace.count(TraceState.BRIDGED),
        rows_missing=trace.count(TraceState.MISSING),
        rows_edited=trace.count(TraceState.EDITED) + trace.count(TraceState.ERASED),
        mean_confidence=round(float(found.mean(dtype=np.float64)), 4) if len(found) else None,
        crossings=crossings,
    )
