"""Values that no header prints: what was read there has lost a digit or a minus."""

from __future__ import annotations

import math

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

_POROSITIES = ("NPHI", "DPHI", "SPHI")


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
    decades = low > 0 and abs(math.log10(high / low) - round(math.log10(high / low))) < 1e-6
    if not decades and not _is_round(high - low):
        return [f"{left:g} to {right:g} does not divide into round steps"]
    lost = (
        (mnemonic in _POROSITIES and low > 0)
        or (mnemonic == "SP" and left > right)
        or (mnemonic == "DRHO" and low >= 0)
    )
    return [f"{mnemonic} from {left:g} to {right:g} may have lost a minus"] if lost else []


def _is_round(span: float) -> bool:
    """Whether a span has the leading digits of one that divides into round steps."""
    leading = span / 10 ** math.floor(math.log10(span)) * 10
    return abs(leading - round(leading)) < 1e-6 and round(leading) in _SPANS
