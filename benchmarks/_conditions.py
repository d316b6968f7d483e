"""Conditions of prints that more than one benchmark tells apart."""

from __future__ import annotations

from napari_welllog.synthetic import PressSettings

GOOD = PressSettings(
    dpi=(200.0, 400.0),
    coarse_share=0.0,
    bilevel_share=1.0,
    broken_grid_share=0.0,
    fading_share=0.0,
    speckle_share=0.0,
    thin_sweep_share=0.0,
    noise=(0.0, 0.04),
    blur=(0.3, 0.7),
    bleed=(0.0, 0.10),
)
"""Prints in good condition, black and white from 200 dpi; curves, pens and all that is on the paper as ever."""

FILM = PressSettings(bilevel_share=1.0, thin_sweep_share=1.0)
"""Prints of film recorders, black and white, whose lines are thin where they sweep fast; worn like any other."""
