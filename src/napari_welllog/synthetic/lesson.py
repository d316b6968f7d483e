"""Patches for a lesson: pairs of curves of chosen shapes and pens, printed and scanned with exact truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from napari_welllog.synthetic import paper
from napari_welllog.synthetic.paper import Grid
from napari_welllog.synthetic.pens import Pen
from napari_welllog.synthetic.press import PrintedLog, PrintedTrace, draw_curve, lay_paper
from napari_welllog.synthetic.scanner import scan_page
from napari_welllog.synthetic.settings import PressSettings
from napari_welllog.synthetic.shapes import Floats
from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks

SOLID = Pen("solid", 2.4)
DASHED = Pen("dashed", 2.2, pattern=(15.0, 8.0))
DOTTED = Pen("dotted", 2.4, pattern=(2.0, 6.0))
HEAVY, LIGHT = Pen("solid", 4.5), Pen("light", 1.8)
FAINT = Pen("pale", 1.8, 0.3, (12.0, 10.0))

GALLERY_ANGLES = (15, 35, 60, 90)
GALLERY_PENS = ((SOLID, DASHED), (SOLID, DOTTED), (HEAVY, LIGHT))
GALLERY_SEPARATIONS = (24, 60)

_PATCH = (240, 200)
_MARGIN = 24
_ROWS_PER_FOOT = 4.0
_GRID = Grid(((0.0, 2.0), (0.25, 1.0), (0.5, 1.0), (0.75, 1.0), (1.0, 2.0)), 24.0, 5, 1.1, 1.0, True)


@dataclass(frozen=True)
class Pair:
    """Two curves for one patch.

    Parameters
    ----------
    name : name of the track.
    offsets : gives, for rows from where they meet, the columns of both curves from there.
    pens : pens of curve one and curve two.
    """

    name: str
    offsets: Callable[[Floats], tuple[Floats, Floats]]
    pens: tuple[Pen, Pen]


def print_pairs(
    pairs: Sequence[Pair], across: int, seed: int = 0, settings: PressSettings = PressSettings()
) -> PrintedLog:
    """Print pairs of curves, each in a track of its own, so many side by side.

    Examples
    --------
    >>> log = print_pairs([one_crossing()], across=1)
    >>> log.scan.shape, [trace.pen.name for trace in log.traces]
    ((288, 248), ['solid', 'dashed'])
    """
    down = -(-len(pairs) // across)
    height, width = _PATCH[0] + _MARGIN, _PATCH[1] + _MARGIN
    shape = down * height + _MARGIN, across * width + _MARGIN
    page = lay_paper(seed, replace(settings, skew=0.0, wander=0.0, broken_grid_share=0.0), *shape)
    tracks = []
    for index, pair in enumerate(pairs):
        top, left = _MARGIN + index // across * height, _MARGIN + index % across * width
        bottom, right = top + _PATCH[0], left + _PATCH[1]
        span, edges = (float(top), float(bottom)), (float(left), float(right))
        paper.draw_grid(page.rest, page.rng, _GRID, edges, span, page.warp, page.wear)
        rows = np.arange(top, bottom + 0.5, 0.5)
        # Between grid lines, so that what happens there is about the two curves alone.
        offsets = pair.offsets(rows - (top + bottom) / 2 - _GRID.spacing / 2)
        middle = (left + right) / 2 + (right - left) / 8
        for curve_class, (offset, pen) in enumerate(zip(offsets, pair.pens, strict=True), start=1):
            draw_curve(page, PrintedTrace(index, curve_class, middle + offset, pen), rows)
        tracks.append(_track(pair.name, index, span, edges))
    scan, classes = scan_page(page.rng, (page.one, page.two, page.rest), page.dpi, page.bilevel, settings)
    depth = DepthAxis(unit="ft", anchors=[(0, 1000), (shape[0] - 1, 1000 + (shape[0] - 1) / _ROWS_PER_FOOT)])
    return PrintedLog(scan, classes, page.traces, Tracks(depth=depth, tracks=tracks), page.dpi)


def _track(name: str, index: int, span: tuple[float, float], edges: tuple[float, float]) -> Track:
    """The calibration of one patch."""
    number = index + 1
    return Track(
        name=name,
        left=edges[0],
        right=edges[1],
        top=span[0],
        bottom=span[1],
        curves=[
            Curve(curve_class=1, mnemonic=f"GR{number}", unit="GAPI", left=0, right=150),
            Curve(curve_class=2, mnemonic=f"CALI{number}", unit="in", left=6, right=16),
        ],
    )


def crossing_pair(
    name: str, angle: float, separation: float, pens: tuple[Pen, Pen], wave: float = 0.0
) -> Pair:
    """Two curves that come side by side, cross once at an angle (degrees), and go on side by side.

    Parameters
    ----------
    name : name of the track.
    angle : degrees between them where they cross.
    separation : columns between them above and below.
    pens : pens of curve one and curve two.
    wave : where the sway that they share away from the crossing begins, so that no two patches look the same.
    """
    slope = np.tan(np.radians(angle / 2))

    def offsets(rows: Floats) -> tuple[Floats, Floats]:
        apart = separation / 2 * np.tanh(slope * rows / (separation / 2))
        sway = 14 * np.sin(rows / 31 + wave) * (1 - np.exp(-((rows / 40) ** 2)))
        return sway + apart, sway - apart

    return Pair(name, offsets, pens)


def one_crossing() -> Pair:
    """The pair of the sample One crossing."""
    return crossing_pair("one crossing", 50, 90, (SOLID, DASHED))


def gallery() -> list[Pair]:
    """Crossings of every angle, pair of pens and separation."""
    return [
        crossing_pair(
            f"{angle} degrees, {pens[0].name} and {pens[1].name}, {apart} apart", angle, apart, pens, k
        )
        for k, (angle, pens, apart) in enumerate(product(GALLERY_ANGLES, GALLERY_PENS, GALLERY_SEPARATIONS))
    ]


def where_both_fail() -> list[Pair]:
    """Pens alike; curves that touch and part; a faint dashed curve that runs along under a heavy one."""

    def touch(rows: Floats) -> tuple[Floats, Floats]:
        apart = 1.2 + 22 * np.tanh(np.abs(rows) / 50) ** 1.5
        sway = 8 * np.sin(rows / 40)
        return sway + apart, sway - apart

    def under(rows: Floats) -> tuple[Floats, Floats]:
        sway = 25 * np.sin(rows / 45)
        return sway, sway + 30 * np.tanh(np.clip(np.abs(rows) - 70, 0, None) / 20) * np.sign(rows)

    return [
        crossing_pair("two solid pens of one weight", 45, 70, (SOLID, SOLID)),
        Pair("touch and part", touch, (SOLID, SOLID)),
        Pair("a faint dashed curve under a heavy one", under, (HEAVY, FAINT)),
    ]
