"""Tracks of a scan: their calibration, how it is made and drawn, and a proposal of it from the printed grid."""

from napari_welllog.tracks.calibration import Curve, DepthAxis, Track, Tracks, ValueAxis
from napari_welllog.tracks.header_alone import tracks_under_header
from napari_welllog.tracks.propose import propose_layouts, propose_tracks

__all__ = [
    "Curve",
    "DepthAxis",
    "Track",
    "Tracks",
    "ValueAxis",
    "propose_layouts",
    "propose_tracks",
    "tracks_under_header",
]
