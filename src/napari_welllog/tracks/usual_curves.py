"""The curves that printed logs usually carry, with the units and the scales that they are usually printed on."""

from __future__ import annotations

from typing import Literal, NamedTuple


class UsualCurve(NamedTuple):
    """What a curve is called, its unit, and the values usually printed at its track's edges."""

    name: str
    unit: str
    left: float
    right: float
    scale: Literal["linear", "log"] = "linear"


USUAL_CURVES: dict[str, UsualCurve] = {
    "GR": UsualCurve("gamma ray", "GAPI", 0, 150),
    "SP": UsualCurve("spontaneous potential", "mV", -160, 40),
    "CALI": UsualCurve("caliper", "in", 6, 16),
    "BS": UsualCurve("bit size", "in", 6, 16),
    "TENS": UsualCurve("cable tension", "lbf", 10000, 0),
    "DT": UsualCurve("sonic transit time", "us/ft", 140, 40),
    "SPHI": UsualCurve("sonic porosity", "pu", 30, -10),
    "NPHI": UsualCurve("neutron porosity", "pu", 45, -15),
    "DPHI": UsualCurve("density porosity", "pu", 45, -15),
    "RHOB": UsualCurve("bulk density", "g/cm3", 1.95, 2.95),
    "DRHO": UsualCurve("density correction", "g/cm3", -0.25, 0.25),
    "PEF": UsualCurve("photoelectric factor", "b/e", 0, 10),
    "ILD": UsualCurve("deep induction resistivity", "ohm.m", 0.2, 2000, "log"),
    "ILM": UsualCurve("medium induction resistivity", "ohm.m", 0.2, 2000, "log"),
    "LLD": UsualCurve("deep laterolog resistivity", "ohm.m", 0.2, 2000, "log"),
    "LLS": UsualCurve("shallow laterolog resistivity", "ohm.m", 0.2, 2000, "log"),
    "LL8": UsualCurve("laterolog 8 resistivity", "ohm.m", 0.2, 2000, "log"),
    "SFL": UsualCurve("spherically focused resistivity", "ohm.m", 0.2, 2000, "log"),
    "MSFL": UsualCurve("microspherically focused resistivity", "ohm.m", 0.2, 2000, "log"),
    "SN": UsualCurve("short normal resistivity", "ohm.m", 0, 100),
    "LN": UsualCurve("long normal resistivity", "ohm.m", 0, 100),
    "COND": UsualCurve("conductivity", "mmho/m", 1000, 0),
    "ROP": UsualCurve("rate of penetration", "ft/h", 200, 0),
}
"""By mnemonic, in the order of a logging suite: what fills in a form, and what a person then corrects."""
