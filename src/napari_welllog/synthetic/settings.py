"""Every knob of the printing press, in one documented dataclass."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class PressSettings:
    """How synthetic logs are drawn, printed and scanned.

    Lengths are inches on paper, so that one setting serves every resolution; shares and chances lie between 0
    and 1. A pair is a range from which each log draws a value of its own. The defaults are what the shipped
    network was trained on.

    Parameters
    ----------
    dpi : resolution of the scan, dots per inch.
    coarse_share : share of the scans whose resolution lies in the lower half of that range (by its logarithm).
    track_width : width of a track.
    gap_between_tracks : width of the depth column or margin between two tracks.
    dashed_pair, weight_pair, shade_pair, single_one, single_two : relative frequency of the ways to tell two
        curves apart: a solid and a broken pen, a heavy and a light pen, a dark and a pale pen (on grey scans
        only); and of tracks that carry only curve one or only curve two.
    alike_pair : relative frequency of two solid pens of one weight, which nothing tells apart.
    pen_width : width of an ordinary pen.
    heavy_pen_width : width of a heavy pen.
    dash_length, dash_gap : ink and paper of a dashed pen, before its round tip rounds off the ends.
    thin_sweep_share : share of the bilevel logs whose pens leave a thinner line where they sweep fast, as the spot of
        light of a film recorder does; none of what the shipped network was trained on.
    sweep_speed : columns a row up to which such a pen leaves its whole width.
    sweep_thinning : power of the speed beyond by which its line is thinner.
    bed_thickness : mean thickness of a bed, a stretch of rock of one kind.
    tool_length : length over which the logging tool averages, which rounds the bed boundaries.
    amplitude : height of the bed contrasts, inches across the paper.
    roughness : size of the wiggles inside a bed, inches across the paper.
    sample_interval : distance down the paper between two samples that are joined by a straight stroke.
    kicks_per_inch : sharp excursions (near-horizontal strokes) for each inch of paper, on logs that have them.
    kick_share : share of the logs that have kicks.
    kick_size : reach of a kick across the paper.
    spike_share, flat_share, cycle_skip_share : share of the logs with spikes, flat stretches, cycle skips.
    flat_length : length of a flat stretch down the paper.
    tied_share : share of the tracks whose second curve follows or mirrors the first and so crosses it often.
    own_place_share : share of the tracks whose second curve lies anywhere in the track, not beside the first.
    off_scale_share : share of the curves that leave the track somewhere.
    wrap_share : share of those that come back at the other edge (backup scale); the others are absent.
    hatch_share : share of the tracks with a hatched stretch between a curve and an edge.
    log_grid_share : share of the tracks with a logarithmic grid.
    no_grid_share : share of the tracks without a grid.
    horizontal_spacing : distance of the horizontal grid lines.
    grid_weight : width of a light grid line; heavy ones are up to three times as wide.
    grid_darkness : ink of the grid lines; 1 is black.
    broken_grid_share : share of the logs whose grid lines are worn into dots and dashes.
    ticks_share, third_curve_share, note_share, stamp_share, header_share, bar_share, sheet_gap_share : share of
        the logs with tick marks along an edge, a third curve, words on the paper, a stamp, a piece of header, a
        solid black bar, a white gap between two sheets.
    skew : tilt of the page, radians either way.
    wander : sideways wander of the paper in the scanner.
    blur : standard deviation of the scanner's blur, pixels.
    bleed : ink spread (positive) or starved (negative), as a shift of the ink threshold.
    fading_share : share of the scans whose ink fades in places.
    shading : strength of uneven lighting in grey scans.
    noise : grain of the paper, in shares of the distance between paper and ink.
    speckle_share : share of the scans with dust and speckle.
    bilevel_share : share of the scans that are black and white only.
    faint_share : share of the grey scans with little contrast.
    jpeg_share : share of the grey scans that went through JPEG.

    Examples
    --------
    >>> PressSettings(bilevel_share=1.0).bilevel_share
    1.0
    """

    dpi: Range = (100.0, 400.0)
    coarse_share: float = 0.2
    track_width: Range = (1.2, 5.0)
    gap_between_tracks: Range = (0.0, 0.9)

    dashed_pair: float = 0.60
    weight_pair: float = 0.22
    shade_pair: float = 0.05
    single_one: float = 0.09
    single_two: float = 0.04
    alike_pair: float = 0.0
    pen_width: Range = (0.006, 0.015)
    heavy_pen_width: Range = (0.014, 0.035)
    dash_length: Range = (0.025, 0.12)
    dash_gap: Range = (0.015, 0.07)
    thin_sweep_share: float = 0.0
    sweep_speed: Range = (1.5, 6.0)
    sweep_thinning: Range = (0.25, 0.7)

    bed_thickness: Range = (0.03, 1.2)
    tool_length: Range = (0.004, 0.10)
    amplitude: Range = (0.03, 1.6)
    roughness: Range = (0.002, 0.12)
    sample_interval: Range = (0.003, 0.06)
    kicks_per_inch: Range = (0.2, 2.0)
    kick_share: float = 0.55
    kick_size: Range = (0.2, 3.5)
    spike_share: float = 0.35
    flat_share: float = 0.2
    flat_length: Range = (0.1, 1.2)
    cycle_skip_share: float = 0.1
    tied_share: float = 0.5
    own_place_share: float = 0.3
    off_scale_share: float = 0.25
    wrap_share: float = 0.4
    hatch_share: float = 0.08

    log_grid_share: float = 0.25
    no_grid_share: float = 0.08
    horizontal_spacing: Range = (0.04, 0.30)
    grid_weight: Range = (0.003, 0.010)
    grid_darkness: Range = (0.35, 1.0)
    broken_grid_share: float = 0.45
    ticks_share: float = 0.25
    third_curve_share: float = 0.10
    note_share: float = 0.25
    stamp_share: float = 0.03
    header_share: float = 0.06
    bar_share: float = 0.08
    sheet_gap_share: float = 0.04

    skew: float = 0.012
    wander: float = 0.02
    blur: Range = (0.3, 1.0)
    bleed: Range = (-0.06, 0.22)
    fading_share: float = 0.25
    shading: float = 0.25
    noise: Range = (0.0, 0.10)
    speckle_share: float = 0.25
    bilevel_share: float = 0.65
    faint_share: float = 0.4
    jpeg_share: float = 0.5
