"""Which scales headers print: what was read and is none of them has lost a digit, a point or a minus."""

from __future__ import annotations

import math
from collections.abc import Iterable

_SPANS = (
    10,
    12,
    14,
    15,
    16,
    18,
    20,
    24,
    25,
    28,
    30,
    32,
    35,
    36,
    40,
    45,
    48,
    50,
    55,
    60,
    64,
    65,
    70,
    72,
    75,
    80,
    90,
)
"""Leading digits of what lies between the values of a scale, for its divisions are round."""

_MOST_DIGITS = 3  # 1.95 has so many
_DENSEST = 10.0  # g/cm3, more than any rock
_POROSITIES = ("NPHI", "DPHI", "SPHI")
_OF_POROSITY = ((30, -10), (45, -15), (60, 0), (40, 0), (0.3, -0.1), (0.45, -0.15), (0.6, 0), (0.4, 0))
_OF_CALIPER = ((4, 14), (5, 15), (6, 16), (7, 17), (8, 18), (10, 20), (6, 26), (4, 24), (0, 20))
_OF_RESISTIVITY = (
    *((0.2, 2), (0.2, 20), (0.2, 200), (0.2, 2000), (2, 20), (2, 200), (2, 2000), (0.1, 100), (0.1, 1000)),
    *(
        (1, 10),
        (1, 100),
        (1, 1000),
        (1, 10000),
        (0, 10),
        (0, 20),
        (0, 50),
        (0, 100),
        (0, 200),
        (0, 500),
        (0, 1000),
    ),
)
_USUAL: dict[str, tuple[tuple[float, float], ...]] = {
    "GR": ((0, 100), (0, 120), (0, 150), (0, 160), (0, 180), (0, 200), (0, 250), (0, 300)),
    "SP": ((-160, 40), (-100, 100), (-80, 20), (-150, 50), (-120, 30), (-200, 0), (-100, 0), (-50, 50), (-75, 25)),
    "CALI": _OF_CALIPER,
    "BS": _OF_CALIPER,
    "DT": ((140, 40), (150, 50), (240, 40), (160, 40), (190, 40), (120, 40), (90, 40), (500, 100)),
    "RHOB": ((1.95, 2.95), (2, 3), (1.9, 2.9), (1.65, 2.65), (1.7, 2.7)),
    "DRHO": ((-0.25, 0.25), (-0.5, 0.5), (-0.75, 0.25), (-0.05, 0.45)),
    "PEF": ((0, 10), (0, 20)),
    "COND": ((1000, 0), (500, 0), (400, 0), (2000, 0), (200, 0)),
    "ROP": ((200, 0), (100, 0), (300, 0), (500, 0), (0, 100), (0, 200), (0, 500)),
    **dict.fromkeys(_POROSITIES, _OF_POROSITY),
    **dict.fromkeys(("ILD", "ILM", "LLD", "LLS", "LL8", "SFL", "MSFL", "SN", "LN"), _OF_RESISTIVITY),
}  # fmt: skip

_ONE_UNIT = {
    "GR": "GAPI",
    "SP": "mV",
    "PEF": "b/e",
    "COND": "mmho/m",
    **dict.fromkeys(("ILD", "ILM", "LLD", "LLS", "LL8", "SFL", "MSFL", "SN", "LN"), "ohm.m"),
}


def is_always_log(mnemonic: str, left: float, right: float) -> bool:
    """Whether a curve with such values is printed on logarithmic paper only: linear resistivities begin at 0.

    Examples
    --------
    >>> is_always_log("ILD", 0.2, 2000), is_always_log("ILD", 0, 100), is_always_log("PEF", 1, 10)
    (True, False, False)
    """
    is_resistivity = _ONE_UNIT.get(mnemonic) == "ohm.m"
    return is_resistivity and min(left, right) > 0 and (left, right) in usual_scales(mnemonic)


def usual_scales(mnemonic: str) -> set[tuple[float, float]]:
    """The scales on which a curve is usually printed, and the backup scales that go on where they end.

    Examples
    --------
    >>> (45, -15) in usual_scales("NPHI"), (-15, -75) in usual_scales("NPHI"), usual_scales("TRACER")
    (True, True, set())
    """
    usual = _USUAL.get(mnemonic, ())
    linear = [
        pair for pair in usual if mnemonic not in _ONE_UNIT or _ONE_UNIT[mnemonic] != "ohm.m" or not pair[0]
    ]
    return {*usual, *((right, round(2 * right - left, 6)) for left, right in linear)}


def is_backup(mnemonic: str, left: float, right: float) -> bool:
    """Whether a scale is one that goes on where a usual one ends: nobody prints it without that.

    Examples
    --------
    >>> is_backup("RHOB", 2.95, 3.95), is_backup("RHOB", 1.95, 2.95), is_backup("TRACER", 5, 10)
    (True, False, False)
    """
    return (left, right) in usual_scales(mnemonic) and (left, right) not in _USUAL[mnemonic]


def only_usual(
    mnemonic: str, unit: str, lefts: Iterable[tuple[float, int]], rights: Iterable[tuple[float, int]]
) -> tuple[float, float] | None:
    """The one usual scale among values that a header may show; None where there are none or several.

    Parameters
    ----------
    mnemonic, unit : str
        The curve; an empty unit where none was read.
    lefts, rights : iterables of (value, repairs)
        What may stand at either edge, and what had to be mended to read it so. Of several usual scales the one
        with the fewest repairs is taken, if it is the only one with so few.

    Examples
    --------
    >>> only_usual("NPHI", "pu", [(45, 0)], [(15, 0), (-15, 1)])
    (45, -15)
    >>> only_usual("ILD", "ohm.m", [(2, 1), (0.2, 1)], [(2000, 0)]) is None
    True
    """
    usual = usual_scales(mnemonic)
    rights = list(rights)
    fits: dict[tuple[float, float], int] = {}
    for left, of_left in lefts:
        for right, of_right in rights:
            pair, repairs = (left, right), of_left + of_right
            if pair in usual and not unlikely_unit(mnemonic, unit, *pair):
                fits[pair] = min(repairs, fits.get(pair, repairs))
    best = [pair for pair, repairs in fits.items() if repairs == min(fits.values())]
    return best[0] if len(best) == 1 else None


def unit_by_values(mnemonic: str, left: float, right: float) -> str | None:
    """The only unit in which a curve can have such values; None where it may be another.

    Examples
    --------
    >>> unit_by_values("NPHI", 0.45, -0.15), unit_by_values("RHOB", 1.95, 2.95), unit_by_values("ROP", 200, 0)
    ('v/v', 'g/cm3', None)
    """
    if mnemonic in _ONE_UNIT:
        return _ONE_UNIT[mnemonic]
    if (left, right) not in usual_scales(mnemonic):
        return None
    high = max(abs(left), abs(right))
    if mnemonic in _POROSITIES:
        return "pu" if high > 1 else "v/v"
    units = {"RHOB": "g/cm3", "DRHO": "g/cm3", "CALI": "in", "BS": "in", "DT": "us/ft"}
    return units.get(mnemonic) if high < 300 else None


def likelier_unit(mnemonic: str, unit: str | None, left: float, right: float) -> str | None:
    """The unit that was read, but us/ft for a us/m that values rule out: a worn ft is easily read as m.

    Examples
    --------
    >>> likelier_unit("DT", "us/m", 140, 40), likelier_unit("DT", "us/m", 500, 100)
    ('us/ft', 'us/m')
    """
    worn = mnemonic == "DT" and unit == "us/m" and bool(unlikely_unit(mnemonic, unit, left, right))
    return unit_by_values(mnemonic, left, right) or unit if worn else unit


def unlikely_unit(mnemonic: str, unit: str, left: float, right: float) -> list[str]:
    """Say why values can hardly be in a unit.

    Examples
    --------
    >>> unlikely_unit("NPHI", "v/v", 45, -15), unlikely_unit("NPHI", "pu", 45, -15)
    (['NPHI from 45 to -15 can hardly be in v/v'], [])
    """
    high = max(abs(left), abs(right))
    wrong = (unit == "v/v" and high > 1.5) or (unit == "pu" and high <= 1)
    # 1 us/ft is 3.3 us/m: rock takes 40 to 240 of the one, 130 to 800 of the other.
    wrong |= mnemonic == "DT" and ((unit == "us/m" and high < 300) or (unit == "us/ft" and high >= 600))
    return [f"{mnemonic} from {left:g} to {right:g} can hardly be in {unit}"] if wrong else []


def unlikely_values(mnemonic: str, left: float, right: float) -> list[str]:
    """Say why a scale can hardly go from one value to the other.

    Examples
    --------
    >>> unlikely_values("DT", 140, 40), unlikely_values("ILD", 0.2, 2000), unlikely_values("NPHI", 45, -15)
    ([], [], [])
    >>> unlikely_values("DPHI", 30, -1)
    ['30 to -1 does not divide into round steps']
    >>> unlikely_values("DPHI", 30, 10)
    ['DPHI from 30 to 10 may have lost a minus']
    """
    if left == right:
        return [f"both its values read {left:g}"]
    low, high = min(left, right), max(left, right)
    longest = max((left, right), key=_digits)
    if _digits(longest) > _MOST_DIGITS:
        return [f"{longest:g} has more digits than the value of a scale"]
    if mnemonic in ("RHOB", "DRHO") and high > _DENSEST:
        return [f"{mnemonic} from {left:g} to {right:g} may have lost a point"]
    decades = low > 0 and abs(math.log10(high / low) - round(math.log10(high / low))) < 1e-6
    if not decades and not _is_round(high - low):
        return [f"{left:g} to {right:g} does not divide into round steps"]
    if mnemonic == "RHOB" and low <= 0:
        return [f"{mnemonic} from {left:g} to {right:g} can hardly be a density"]
    lost = (
        (mnemonic in _POROSITIES and low > 0)
        or (mnemonic == "SP" and left > right)
        or (mnemonic == "DRHO" and low >= 0)
    )
    return [f"{mnemonic} from {left:g} to {right:g} may have lost a minus"] if lost else []


def _digits(value: float) -> int:
    """Digits of a value from its first to its last that is no zero.

    Examples
    --------
    >>> _digits(10001), _digits(2000), _digits(-0.15)
    (5, 1, 2)
    """
    return len(f"{abs(value):.6f}".replace(".", "").strip("0"))


def _is_round(span: float) -> bool:
    """Whether a span has the leading digits of one that divides into round steps."""
    leading = span / 10 ** math.floor(math.log10(span)) * 10
    return abs(leading - round(leading)) < 1e-6 and round(leading) in _SPANS
