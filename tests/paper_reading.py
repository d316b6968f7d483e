"""A reading as the paper of a page with two tracks would give it, made without OCR."""

from __future__ import annotations

from typing import Any

from napari_welllog.calibrate import DepthNumber, DepthReading, PaperCalibration, Scale, TrackReading
from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks

LINES = {250: 200.0, 260: 360.0, 270: 520.0, 280: 680.0}
"""Rows of the printed lines of the depths that were read."""

REASON = "the pens of ILD and ILM do not tell them apart"


def depth_number(depth: float, row: float, **changes: Any) -> DepthNumber:
    """A number that stands a little above its line, left of the tracks."""
    fields: dict[str, Any] = {
        "text": f"{depth:g}",
        "depth": depth,
        "place": (row - 14, row + 8, 40, 88),
        "row": row - 3,
        "confidence": 0.97,
        "used": True,
        "line": row,
        "residual": 0.1,
    }
    return DepthNumber(**fields | changes)


def a_scale(name: str, curve_class: int | None, **changes: Any) -> Scale:
    """A scale in the header of a track."""
    fields: dict[str, Any] = {
        "name": name,
        "mnemonic": name,
        "unit": "",
        "left": 0.0,
        "right": 100.0,
        "pen": "solid",
        "place": (100, 120, 110, 390),
        "confidence": 0.9,
        "curve_class": curve_class,
    }
    return Scale(**fields | changes)


def fractions(prefix: str) -> list[Curve]:
    """Two curves of which only the pens are known."""
    return [
        Curve(curve_class=kind, mnemonic=f"{prefix}C{kind}", unit="fraction", left=0, right=1)
        for kind in (1, 2)
    ]


def reading(**changes: Any) -> PaperCalibration:
    """Four depths and a misread one; a track whose scales were read, and one whose pens were not told apart."""
    numbers = [depth_number(depth, row) for depth, row in LINES.items()]
    stray = depth_number(27, 600, text="27O", used=False, line=None, residual=None, confidence=0.41)
    anchors = [(LINES[250], 250.0), (LINES[280], 280.0)]
    gamma = [
        a_scale("Gamma Ray", 1, mnemonic="GR", unit="GAPI", right=150),
        a_scale("Caliper", 2, mnemonic="CALI", unit="in", left=6, right=16, pen="dashed"),
        a_scale("Tension", None, mnemonic="TENS", unit="lbf", right=5000),
    ]
    induction = [
        a_scale(name, None, unit="ohm.m", left=1, right=1000, scale="log") for name in ("ILD", "ILM")
    ]
    tracks = [
        Track(name="track 1", left=100, right=250, top=190, bottom=1160,
              curves=[Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150),
                      Curve(curve_class=2, mnemonic="CALI", unit="in", left=6, right=16)]),
        Track(name="track 2", left=260, right=400, top=190, bottom=1160, curves=fractions("T2")),
    ]  # fmt: skip
    fields: dict[str, Any] = {
        "proposal": Tracks(depth=DepthAxis(unit="ft", anchors=anchors), tracks=tracks),
        "sections": [],
        "depth": DepthReading(unit="ft", anchors=anchors, numbers=[*numbers, stray], confidence=0.97),
        "tracks": [
            TrackReading(name="track 1", grid="linear", scales=gamma, confidence=0.9),
            TrackReading(name="track 2", grid="log", scales=induction, refused=REASON),
        ],
    }
    return PaperCalibration(**fields | changes)
