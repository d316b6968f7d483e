"""What headers call curves and units, and what a LAS file calls them."""

from __future__ import annotations

import difflib
import re

_NAMES: dict[str, tuple[str, ...]] = {
    "GR": ("GAMMA RAY", "GR", "NATURAL GAMMA RAY", "GAMMA", "GRC", "GR CORRECTED"),
    "SP": ("SPONTANEOUS POTENTIAL", "SP", "SELF POTENTIAL"),
    "CALI": ("CALIPER", "CALI", "CAL", "DCAL", "HCAL", "CALIPER 1", "BOREHOLE DIAMETER", "HOLE DIAMETER"),
    "BS": ("BIT SIZE", "BS", "BIT"),
    "TENS": ("TENSION", "TENS", "LTEN", "CABLE TENSION", "LINE TENSION", "LINE WEIGHT", "SURFACE TENSION"),
    "LSPD": ("LINE SPEED", "LSPD", "CABLE SPEED"),
    "CCL": ("CASING COLLAR LOCATOR", "CCL", "COLLARS"),
    "DT": ("DELTA TIME", "DELTA T", "DT", "SONIC", "TRANSIT TIME", "INTERVAL TRANSIT TIME", "SONIC TRANSIT TIME"),
    "SPHI": ("SONIC POROSITY", "SPHI", "SPOR"),
    "NPHI": ("NEUTRON POROSITY", "NPHI", "NPOR", "CNL POROSITY", "COMPENSATED NEUTRON POROSITY", "CN POROSITY"),
    "DPHI": ("DENSITY POROSITY", "DPHI", "DPOR"),
    "RHOB": ("BULK DENSITY", "RHOB", "DENSITY", "COMPENSATED DENSITY"),
    "DRHO": ("DENSITY CORRECTION", "DRHO", "CORRECTION", "DELTA RHO", "BULK DENSITY CORRECTION"),
    "PEF": ("PHOTOELECTRIC FACTOR", "PEF", "PE", "PHOTO ELECTRIC FACTOR", "PHOTOELECTRIC"),
    "ILD": ("DEEP INDUCTION", "ILD", "RILD", "DEEP INDUCTION RESISTIVITY", "INDUCTION DEEP", "DEEP RESISTIVITY"),
    "ILM": ("MEDIUM INDUCTION", "ILM", "RILM", "MEDIUM INDUCTION RESISTIVITY", "INDUCTION MEDIUM",
            "MEDIUM RESISTIVITY"),
    "LLD": ("DEEP LATEROLOG", "LLD", "LATEROLOG DEEP", "DEEP LATEROLOG RESISTIVITY"),
    "LLS": ("SHALLOW LATEROLOG", "LLS", "LATEROLOG SHALLOW", "SHALLOW LATEROLOG RESISTIVITY"),
    "LL8": ("LATEROLOG 8", "LL8"),
    "SFL": ("SPHERICALLY FOCUSED", "SFL", "SFLU", "SPHERICALLY FOCUSED LOG"),
    "MSFL": ("MICROSPHERICALLY FOCUSED", "MSFL", "MICRO SFL", "MICROSPHERICALLY FOCUSED LOG"),
    "SN": ("SHORT NORMAL", "SN", "16 NORMAL"),
    "LN": ("LONG NORMAL", "LN", "64 NORMAL"),
    "COND": ("CONDUCTIVITY", "COND", "INDUCTION CONDUCTIVITY"),
    "ROP": ("RATE OF PENETRATION", "ROP", "PENETRATION RATE", "DRILLING RATE"),
}  # fmt: skip

THIRD_CURVES = ("TENS", "LSPD", "CCL", "BS")
"""Curves that tell of the logging and not of the rock: of three in a track, these are not read."""

_UNITS: dict[str, tuple[str, ...]] = {
    "GAPI": ("GAPI", "API", "APIUNITS", "GAPIUNITS", "APIU", "GRAPI"),
    "mV": ("MV", "MILLIVOLTS", "MILLIVOLT"),
    "in": ("IN", "INCHES", "INCH", "INS"),
    "mm": ("MM",),
    "lbf": ("LB", "LBS", "LBF", "POUNDS", "IB", "IBS", "IBF"),
    "ft/min": ("FT/MIN", "FPM", "FTMIN"),
    "us/ft": ("US/FT", "USEC/FT", "µS/FT", "MICROSEC/FT", "MICROSECONDS/FT", "MICROSECONDSPERFOOT", "USFT", "USECFT"),
    "us/m": ("US/M", "USEC/M", "µS/M"),
    "pu": ("PU", "P.U", "%", "PERCENT", "POROSITYUNITS"),
    "v/v": ("V/V", "DEC", "DECIMAL", "FRACTION", "M3/M3", "FT3/FT3"),
    "g/cm3": ("G/CM3", "G/CC", "GM/CC", "GRAMS/CC", "G/C3", "GCC", "GMCC", "GM/CM3"),
    "b/e": ("B/E", "BARNS/ELECTRON", "BARNS/E"),
    "ohm.m": ("OHM.M", "OHM-M", "OHMM", "OHMS.M", "OHM-METERS", "OHMMETERS", "OHMS-M", "OHM/M", "OHMSM2/M",
              "OHMMETRES", "OHM-METRES"),
    "mmho/m": ("MMHO/M", "MMHOS/M", "MMHO", "MS/M"),
    "ft/h": ("FT/H", "FT/HR", "FEET/HOUR"),
}  # fmt: skip

_LIKE_A_BRACKET = "CTLI1"
_MNEMONIC_OF = {name: mnemonic for mnemonic, names in _NAMES.items() for name in names}
_NO_LETTER = re.compile(r"[^A-Z0-9%µ]")
_UNIT_OF = {
    _NO_LETTER.sub("", spelling): unit for unit, spellings in _UNITS.items() for spelling in spellings
}
_BRACKETED = re.compile(r"[(\[{]([^)\]}]*)[)\]}]?|([^\s(\[{]*)[)\]}]")
_ALIKE = 0.82  # share of letters from which a longer misread name is still that name
_LEAST_FOR_ALIKE = 6
_LIKELY = 0.72  # share of letters from which a misread name with its unit is still that of a curve
_ALIKE_LETTERS = str.maketrans("1LJ0QD5", "IIIOOOS")
_NEARLY = 0.8
_SHORTEST_NEAR = 2  # letters
_STROKES = str.maketrans("!|1", "III")
_APART = 0.1  # by which no other curve is as likely
_UNITS_OF: dict[str, tuple[str, ...]] = {
    "GR": ("GAPI",),
    "SP": ("mV",),
    "TENS": ("lbf",),
    "LSPD": ("ft/min",),
    "RHOB": ("g/cm3",),
    "DRHO": ("g/cm3",),
    "PEF": ("b/e",),
    "COND": ("mmho/m",),
    "ROP": ("ft/h",),
    **dict.fromkeys(("CALI", "BS"), ("in", "mm")),
    "DT": ("us/ft", "us/m"),
    **dict.fromkeys(("SPHI", "NPHI", "DPHI"), ("pu", "v/v")),
    **dict.fromkeys(("ILD", "ILM", "LLD", "LLS", "LL8", "SFL", "MSFL", "SN", "LN"), ("ohm.m",)),
}
_SHORTEST_LIKELY = 6  # letters of a name; of a shorter one the unit beside it would decide
_PRINTED = [
    (_NO_LETTER.sub("", name + spelling), mnemonic, unit, len(_NO_LETTER.sub("", name)))
    for mnemonic, names in _NAMES.items()
    for name in names
    for unit in _UNITS_OF.get(mnemonic, ())
    for spelling in _UNITS[unit]
] + [
    (compact, mnemonic, None, len(compact))
    for mnemonic, names in _NAMES.items()
    for compact in (_NO_LETTER.sub("", name) for name in names)
]
"""What headers print, without anything but letters and digits: names with their units, and names alone; and the
letters of the name."""


def unit_of(text: str) -> str | None:
    """The unit that a printed text names; None if it names none.

    Examples
    --------
    >>> unit_of("API UNITS"), unit_of("usec/ft"), unit_of("OHM-M"), unit_of("gr")
    ('GAPI', 'us/ft', 'ohm.m', None)
    """
    printed = _printed_unit(text)
    if printed is not None:
        return printed
    compact = _compact(text)
    near = difflib.get_close_matches(compact, _UNIT_OF, n=1, cutoff=0.8) if len(compact) >= 5 else []
    # What differs between us/ft and us/m must be read, not taken for an error of reading.
    return _UNIT_OF[near[0]] if near and near[0][-1] == compact[-1] else None


def _compact(text: str) -> str:
    """Letters and digits alone: strokes and points between them wear away first, and tell no two units apart."""
    return _NO_LETTER.sub("", text.upper().replace("Μ", "µ"))


def _printed_unit(text: str) -> str | None:
    """The unit that a text names to the letter, but for a bracket that was read as a letter."""
    compact = _compact(text)
    if compact in _UNIT_OF:
        return _UNIT_OF[compact]
    if len(compact) > 2 and compact[0] in _LIKE_A_BRACKET and compact[1:] in _UNIT_OF:
        return _UNIT_OF[compact[1:]]
    return None


def split_unit(text: str) -> tuple[str, str | None]:
    """The name and the unit in a printed text such as `Gamma Ray (GAPI)`.

    Examples
    --------
    >>> split_unit("Delta Time (usec/ft) (usec/ft)"), split_unit("GAMMA RAY [gr]"), split_unit("CALIPER IN")
    (('Delta Time', 'us/ft'), ('GAMMA RAY', None), ('CALIPER', 'in'))
    """
    bracketed = [one or two for one, two in _BRACKETED.findall(text)]
    units = [unit for unit in map(unit_of, bracketed) if unit]
    name = " ".join(_BRACKETED.sub(" ", text).split())
    if not units:
        words = name.split()
        for count in (2, 1):
            # Without brackets a word must be a unit to the letter: RECTION is the end of CORRECTION, no FRACTION.
            unit = _printed_unit(" ".join(words[-count:])) if len(words) > count else None
            if unit:
                return " ".join(words[:-count]), unit
    return name, units[0] if units else None


def mnemonic_of(name: str) -> str | None:
    """The usual mnemonic of a printed curve name; None if it is no usual one.

    Examples
    --------
    >>> mnemonic_of("Gamma Ray"), mnemonic_of("dCAL"), mnemonic_of("SONIC P0ROSITY"), mnemonic_of("LITHOLOGY")
    ('GR', 'CALI', 'SPHI', None)
    >>> mnemonic_of("NPH1"), mnemonic_of("MSFI")
    ('NPHI', 'MSFL')
    """
    plain = " ".join(re.sub(r"[^A-Z0-9 ]", " ", name.upper()).split())
    if plain in _MNEMONIC_OF:
        return _MNEMONIC_OF[plain]
    joined = {key.replace(" ", ""): mnemonic for key, mnemonic in _MNEMONIC_OF.items()}
    compact = plain.replace(" ", "")
    if compact in joined:
        return joined[compact]
    worn = compact.translate(_ALIKE_LETTERS)
    alike = {m for key, m in joined.items() if len(key) > 2 and key.translate(_ALIKE_LETTERS) == worn}
    if len(alike) == 1:
        return alike.pop()
    if len(compact) < _LEAST_FOR_ALIKE:
        return None
    near = difflib.get_close_matches(
        compact, [key for key in joined if len(key) >= _LEAST_FOR_ALIKE], 2, _ALIKE
    )
    return joined[near[0]] if near else None


def near_curves(name: str) -> set[str]:
    """The usual mnemonics of whose names a printed one lacks a letter, or has one too many or another.

    Examples
    --------
    >>> [sorted(near_curves(name)) for name in ("FL", "TRACER", "NPH!", "JLD", "1L0")]
    [['SFL'], [], ['NPHI'], ['ILD', 'LLD'], ['ILD']]
    """
    said = _NO_LETTER.sub("", name.upper().translate(_STROKES))
    if len(said) < _SHORTEST_NEAR:
        return set()
    printed = {key.replace(" ", ""): mnemonic for key, mnemonic in _MNEMONIC_OF.items()}
    exact = {printed[key] for key in (said, said.replace("0", "D"), said.replace("0", "O")) if key in printed}
    if exact:
        return exact
    return {mnemonic for key, mnemonic in printed.items() if _is_near(said, key)}


def alike_curves(text: str) -> set[str]:
    """The usual mnemonics whose printed names and units a text that has lost its brackets is most like.

    Examples
    --------
    >>> alike_curves("NPHEIVN"), sorted(alike_curves("SF OHMM")), alike_curves("TRACER COUNT")
    ({'NPHI'}, ['MSFL', 'SFL', 'SN'], set())
    """
    said = _compact(text)
    matcher = difflib.SequenceMatcher(None, b=said, autojunk=False)
    likeness: dict[str, float] = {}
    for printed, mnemonic, _, _ in _PRINTED:
        matcher.set_seq1(printed)
        if matcher.quick_ratio() >= _LIKELY:
            likeness[mnemonic] = max(likeness.get(mnemonic, 0.0), matcher.ratio())
    best = max(likeness.values(), default=0.0)
    return {name for name, ratio in likeness.items() if ratio >= max(_LIKELY, best - _APART)}


def _is_near(said: str, printed: str) -> bool:
    """Whether a text is one letter away from a printed name: of a long one, most of its letters alike."""
    if len(printed) >= _LEAST_FOR_ALIKE:
        matcher = difflib.SequenceMatcher(None, said, printed, autojunk=False)
        return matcher.quick_ratio() >= _NEARLY and matcher.ratio() >= _NEARLY
    if len(said) == len(printed):
        return sum(one != two for one, two in zip(said, printed, strict=True)) == 1
    short, long = sorted((said, printed), key=len)
    return len(long) - len(short) == 1 and any(long[:k] + long[k + 1 :] == short for k in range(len(long)))


def units_of(mnemonic: str) -> tuple[str, ...]:
    """The units in which a usual curve is printed; none known of others.

    Examples
    --------
    >>> units_of("NPHI"), units_of("TRACER")
    (('pu', 'v/v'), ())
    """
    return _UNITS_OF.get(mnemonic, ())


def likely_curve(text: str) -> tuple[str, str | None] | None:
    """The usual curve, and its unit, whose printed name and unit a badly read text is most like.

    A name says more together with its unit: of a worn `Gamma Ray (GAPI)` enough is left to tell it from all others.
    None where nothing is alike enough, or two curves about equally.

    Examples
    --------
    >>> likely_curve("Garma Ray IGAPU"), likely_curve("DELTATuSTD"), likely_curve("IL0 (OHMM)"), likely_curve("SP(MV")
    (('GR', 'GAPI'), ('DT', 'us/ft'), None, ('SP', 'mV'))
    """
    said = _NO_LETTER.sub("", text.upper())
    if len(said) < _LEAST_FOR_ALIKE:
        same = {(mnemonic, unit) for printed, mnemonic, unit, _ in _PRINTED if printed == said}
        return same.pop() if len(same) == 1 else None
    best: dict[str, tuple[float, str | None]] = {}
    matcher = difflib.SequenceMatcher(None, b=said, autojunk=False)
    for printed, mnemonic, unit, letters in _PRINTED:
        matcher.set_seq1(printed)
        if letters >= _SHORTEST_LIKELY and matcher.quick_ratio() >= _LIKELY:
            best[mnemonic] = max(best.get(mnemonic, (0.0, None)), (matcher.ratio(), unit), key=lambda b: b[0])
    ordered = sorted(best.items(), key=lambda item: -item[1][0])
    if not ordered or ordered[0][1][0] < _LIKELY:
        return None
    if len(ordered) > 1 and ordered[0][1][0] - ordered[1][1][0] < _APART:
        return None
    mnemonic, (_, unit) = ordered[0]
    return mnemonic, unit


def own_mnemonic(name: str) -> str:
    """A mnemonic made of a name that is no usual one; empty if it holds no letter.

    Examples
    --------
    >>> own_mnemonic("Tracer Count 2"), own_mnemonic("- -")
    ('TRACERCO', '')
    """
    plain = re.sub(r"[^A-Z0-9]", "", name.upper())
    return plain[:8] if re.search("[A-Z]", plain) else ""
