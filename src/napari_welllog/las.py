"""Log curves to files: LAS 2.0 and CSV, on one depth axis of equal steps.

LAS is written to the letter of the standard, so that strict readers open it too: Canadian Well Logging Society,
LAS Version 2.0: A Digital Standard for Logs, update of February 2017. Where the first edition, of September
1992, allowed less, that is kept as well: lines of at most 256 characters, and wrapped data beyond.

The index is ``DEPT`` in ``FT`` or ``M``. A scan without depth calibration is indexed by its rows: LAS 2.0 has
the mnemonic ``INDEX`` for an index that is no depth, and its unit is then ``ROW``.
"""

from __future__ import annotations

import io
import itertools
import math
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_welllog.curves import TraceState
from napari_welllog.errors import LasError
from napari_welllog.limits import SAMPLES
from napari_welllog.output import naming

if TYPE_CHECKING:
    from napari_welllog.curves import LogCurve

FloatArray = NDArray[np.float64]
Sampling = Literal["point", "mean"]

NULL = -999.25
"""What stands in a LAS file where a value is missing; -9999.25 and so on where it is a value itself."""

FLAG_MEANING = "0 missing, 1 traced, 2 bridged, 3 edited by hand, 4 erased by hand"

_INDEX = {"ft": ("DEPT", "FT", "DEPTH"), "m": ("DEPT", "M", "DEPTH"), "row": ("INDEX", "ROW", "SCAN ROW")}

# Of the header: readers such as lasio look for these among the curves too, and take such a curve for the item.
_RESERVED = ("VERS", "WRAP", "DLM", "STRT", "STOP", "STEP", "NULL")

# What decomposition to ASCII would lose of the letters that units of measure are made of.
_LETTERS = str.maketrans(
    {"µ": "u", "μ": "u", "°": "deg", "Ω": "ohm", "Δ": "D", "∆": "D", "ρ": "rho", "γ": "gamma", "φ": "phi"}
    | {"Φ": "PHI", "·": ".", "–": "-", "—": "-", "−": "-", "×": "x"}
)

# Characters that a line may have, beside CR and LF, by the edition of 1992: of the header, and of wrapped data.
_LINE, _WRAPPED_LINE = 254, 78

# So that the widest mnemonic, the widest unit and a description fit one line of the header.
_MNEMONIC, _UNIT, _DESCRIPTION = 40, 30, 150

# Values beyond are no measurements, and LAS has no exponents to write them with.
_LARGEST = 1e30
_DEEPEST = 1e9

# Depths nearer to a row than this share of the spacing are that row's: they differ by rounding alone.
_ROUNDING = 1e-6


def write_las(
    path: str | Path, log_curves: Sequence[LogCurve], step: float = 0.5, sampling: Sampling = "point"
) -> None:
    """Write log curves to a LAS 2.0 file.

    All curves share one depth axis: the multiples of `step` from the smallest to the largest depth of any.
    The same curves give the same bytes: no date is written. When any of them was edited by hand, each is
    followed by a flag curve, such as ``GR_FLAG``, that tells how its value at each depth came about; its
    description in the file says what the numbers mean.

    Parameters
    ----------
    path : path
        The file, overwritten if it exists. It is written in place: a caller that needs it whole or not at all
        writes beside it and renames.
    log_curves : sequence of LogCurve
        One or more, of one depth unit. Mnemonics and units that LAS cannot hold are made legal, and mnemonics
        that meet are told apart by a number: ``GR``, ``GR_2``. The printed name is then kept in the description.
        A description too long for a line is cut there and stands whole in the section ``~Other``.
    step : float
        Distance of the samples, in the curves' depth unit.
    sampling : "point" or "mean"
        Value at each depth, or mean over one step around it; see `resample`.

    Raises
    ------
    LasError
        If there is no curve, no finite depth, the depth units differ, the step is not usable, or a value is
        too large to be one.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, lasio
    >>> import numpy as np
    >>> from napari_welllog.curves import LogCurve
    >>> gamma_ray = LogCurve(depth=np.array([250.0, 250.4, 251.0]), value=np.array([60.0, 68.0, 80.0]),
    ...                      mnemonic="GR", unit="GAPI", depth_unit="ft", state=np.ones(3, np.uint8),
    ...                      confidence=np.ones(3, np.float32))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_las(f"{folder}/gamma.las", [gamma_ray])
    ...     las = lasio.read(f"{folder}/gamma.las")
    >>> las.index.tolist(), las["GR"].tolist()
    ([250.0, 250.5, 251.0], [60.0, 70.0, 80.0])
    """
    table = _tabulate(log_curves, step, sampling)
    header = _las_header(table)
    _write_text(path, [header], _las_rows(table), newline="\r\n")  # by the standard, on every system


def write_csv(
    path: str | Path, log_curves: Sequence[LogCurve], step: float = 0.5, sampling: Sampling = "point"
) -> None:
    """Write log curves to a CSV file: the same table as `write_las` writes.

    The first line names the columns: the index (``DEPT``, or ``INDEX`` for scan rows), then the mnemonics as
    in the LAS file, whose header holds the units. A missing value is an empty field.

    Parameters
    ----------
    path, log_curves, step, sampling
        As in `write_las`.

    Raises
    ------
    LasError
        As in `write_las`.
    OutputError
        If the file cannot be written.
    """
    table = _tabulate(log_curves, step, sampling)
    header = ",".join(column.mnemonic for column in table.columns) + "\n"
    _write_text(path, [header], _csv_rows(table))


def resample(
    log_curve: LogCurve, depths: ArrayLike, sampling: Sampling = "point", step: float = 0.5
) -> FloatArray:
    """Values of a log curve at depths, NaN where it is missing.

    Parameters
    ----------
    log_curve : LogCurve
        Its values run in straight lines between rows that follow each other and are both present.
    depths : float (m,)
        Where to read it, in the curve's depth unit.
    sampling : "point" or "mean"
        ``"point"``: the value at the depth; missing where either neighbouring row is, and beyond the ends.
        ``"mean"``: the exact mean of the curve over one step around the depth, missing parts left out;
        missing where more than half of that window is. As ``"point"`` if rows are no closer than the step.
    step : float
        Width of the window of ``"mean"``.

    Returns
    -------
    float64 (m,)

    Examples
    --------
    >>> import numpy as np
    >>> from napari_welllog.curves import LogCurve
    >>> curve = LogCurve(depth=np.array([0.0, 1, 2, 3]), value=np.array([0.0, 10, np.nan, 30]), mnemonic="GR",
    ...                  unit="", depth_unit="m", state=np.array([1, 1, 0, 1], np.uint8),
    ...                  confidence=np.ones(4, np.float32))
    >>> resample(curve, [-0.5, 0.5, 1, 1.5, 3]).tolist()
    [nan, 5.0, 10.0, nan, 30.0]
    >>> resample(curve, [0, 0.5, 1.4], sampling="mean", step=2).tolist()
    [5.0, 5.0, nan]
    """
    if sampling not in ("point", "mean"):
        raise LasError(f"sampling must be 'point' or 'mean', not {sampling!r}")
    where = np.atleast_1d(np.asarray(depths, np.float64))
    depth, value = _in_order(log_curve)
    if len(depth) == 0:
        return np.full(where.shape, np.nan)
    spacing = float(np.median(np.diff(depth))) if len(depth) > 1 else 0.0
    if sampling == "mean" and spacing < step:
        return _window_means(depth, value, where, step)
    return _points(depth, value, where, _ROUNDING * spacing)


def _in_order(log_curve: LogCurve) -> tuple[FloatArray, FloatArray]:
    """Depths and values of the rows that have a depth, downwards, NaN where the value is missing."""
    depth = np.asarray(log_curve.depth, np.float64)
    value = np.asarray(log_curve.value, np.float64)
    known = np.isfinite(depth)
    depth, first = np.unique(depth[known], return_index=True)
    value = value[known][first]
    return depth, np.where(np.isfinite(value), value, np.nan)


def _points(depth: FloatArray, value: FloatArray, where: FloatArray, tolerance: float) -> FloatArray:
    """Values at depths on straight lines between neighbouring rows."""
    nearest = _nearest(depth, where)
    on_a_row = np.abs(depth[nearest] - where) <= tolerance
    # np.interp carries NaN from either end of a segment into it, which is just what a missing row asks for.
    between = np.interp(where, depth, value, left=np.nan, right=np.nan)
    return np.where(on_a_row, value[nearest], between)


def _nearest(depth: FloatArray, where: FloatArray) -> NDArray[np.intp]:
    """Index of the row nearest to each depth."""
    after = np.clip(np.searchsorted(depth, where), 1, max(len(depth) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(depth) - 1)
    return np.where(where - depth[before] <= depth[after] - where, before, after)


def _window_means(depth: FloatArray, value: FloatArray, where: FloatArray, step: float) -> FloatArray:
    """Means of the piecewise straight curve over windows of one step."""
    present = np.isfinite(value[:-1]) & np.isfinite(value[1:])
    # The sums stay small, and with them their rounding, when the values are taken from their middle.
    known = value[np.isfinite(value)]
    middle = float(known.mean()) if len(known) else 0.0
    height = np.where(np.isfinite(value), value - middle, 0.0)
    lengths = np.where(present, np.diff(depth), 0.0)
    areas = lengths * (height[:-1] + height[1:]) / 2
    length_at = np.concatenate([[0.0], np.cumsum(lengths)])
    area_at = np.concatenate([[0.0], np.cumsum(areas)])

    def sums_up_to(ends: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Length and area of the curve above the ends."""
        ends = np.clip(ends, depth[0], depth[-1])
        row = np.clip(np.searchsorted(depth, ends, side="right") - 1, 0, len(depth) - 2)
        part = np.where(present[row], ends - depth[row], 0.0)
        slope = (height[row + 1] - height[row]) / (depth[row + 1] - depth[row])
        return length_at[row] + part, area_at[row] + part * (height[row] + slope * part / 2)

    length_above, area_above = sums_up_to(where - step / 2)
    length_below, area_below = sums_up_to(where + step / 2)
    length = length_below - length_above
    enough = length >= step / 2 * (1 - _ROUNDING)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(enough, middle + (area_below - area_above) / length, np.nan)


# --- The table ---


@dataclass(frozen=True)
class _Column:
    """One column of the table: its header entries, its values and how they are written."""

    mnemonic: str
    unit: str
    description: str
    values: FloatArray
    format: str

    @property
    def width(self) -> int:
        """Characters of the widest value."""
        finite = self.values[np.isfinite(self.values)]
        ends = [finite.min(), finite.max()] if len(finite) else []
        return max((len(self.format % end) for end in ends), default=0)


@dataclass(frozen=True)
class _Table:
    """The index and the curves, sampled at the same depths."""

    columns: list[_Column]
    step: float

    @cached_property
    def null(self) -> float:
        """What stands for a missing value: a number that is none of the values."""
        candidates = (-(10.0**digits - 0.75) for digits in itertools.count(3))
        return next(
            null for null in candidates if not any((abs(c.values - null) < 1e-3).any() for c in self.columns)
        )

    def chunks(self, rows: int = 20_000) -> Iterator[FloatArray]:
        """The values in bands of rows."""
        for top in range(0, len(self.columns[0].values), rows):
            yield np.column_stack([column.values[top : top + rows] for column in self.columns])


def _tabulate(log_curves: Sequence[LogCurve], step: float, sampling: Sampling) -> _Table:
    """Sample curves on one depth axis."""
    curves = list(log_curves)
    depths = _common_depths(curves, step)
    mnemonic, unit, description = _INDEX[curves[0].depth_unit]
    columns = [_Column(mnemonic, unit, description, depths, f"%.{_decimals_of(step)}f")]
    taken = [mnemonic, *_RESERVED]
    names = _distinct([_legal_mnemonic(curve.mnemonic) for curve in curves], taken)
    flag_names = _distinct([f"{name}_FLAG" for name in names], [*taken, *names])
    edited = any(is_edited(curve) for curve in curves)
    for curve, name, flag_name in zip(curves, names, flag_names, strict=True):
        values = resample(curve, depths, sampling, step)
        columns.append(
            _Column(name, _legal_unit(curve.unit), _description(curve, name), values, _format(values, name))
        )
        if edited:
            flags = _flags(curve, depths, values)
            columns.append(_Column(flag_name, "", f"{name}, {FLAG_MEANING}", flags, "%.0f"))
    return _Table(columns, step)


def is_edited(curve: LogCurve) -> bool:
    """Whether any of a log curve was edited or erased by hand."""
    return bool((np.asarray(curve.state) >= TraceState.EDITED).any())


def _flags(curve: LogCurve, depths: FloatArray, values: FloatArray) -> FloatArray:
    """State of the row nearest to each depth; missing where there is no value, unless a hand erased it."""
    depth = np.asarray(curve.depth, np.float64)
    known = np.isfinite(depth)
    depth, first = np.unique(depth[known], return_index=True)
    if len(depth) == 0:
        return np.full(len(depths), float(TraceState.MISSING))
    nearest = np.asarray(curve.state)[known][first][_nearest(depth, depths)].astype(np.float64)
    return np.where(np.isfinite(values) | (nearest == TraceState.ERASED), nearest, TraceState.MISSING)


def _common_depths(curves: list[LogCurve], step: float) -> FloatArray:
    """Multiples of the step from the smallest to the largest depth of any curve."""
    if not curves:
        raise LasError("there is no log curve to write; extract at least one curve first")
    units = list(dict.fromkeys(curve.depth_unit for curve in curves))
    if len(units) > 1:
        raise LasError(f"the log curves have depths in {' and '.join(units)}; give them one depth unit")
    if units[0] not in _INDEX:
        raise LasError(f"the depth unit is {units[0]!r}; it must be one of {', '.join(_INDEX)}")
    if not (math.isfinite(step) and step > 0):
        raise LasError(f"the step is {step:g}; give a step above 0")
    ends = [(depth[0], depth[-1]) for depth, _ in map(_in_order, curves) if len(depth)]
    if not ends:
        raise LasError("no row of the log curves has a depth; check the depth anchors")
    top, bottom = min(end[0] for end in ends), max(end[1] for end in ends)
    if not (bottom - top) / step <= SAMPLES.value():
        raise LasError(
            f"a step of {step:g} {units[0]} makes more than {SAMPLES.value():,.0f} samples from {top:g} to {bottom:g}; "
            f"give a larger step, check the depth anchors, or {SAMPLES.remedy}"
        )
    if max(abs(top), abs(bottom)) > _DEEPEST:
        raise LasError(f"the depths reach {max(abs(top), abs(bottom)):g} {units[0]}; check the depth anchors")
    # An end that misses a multiple by rounding alone is that multiple.
    first, last = math.ceil(top / step - _ROUNDING), math.floor(bottom / step + _ROUNDING)
    if last < first:
        raise LasError(
            f"no multiple of the step {step:g} lies between the depths {top:g} and {bottom:g} {units[0]}; "
            "give a smaller step"
        )
    return np.arange(first, last + 1) * step


def _decimals_of(step: float) -> int:
    """Decimals that write multiples of a step without loss, four or more."""
    return next((decimals for decimals in range(4, 12) if round(step, decimals) == step), 12)


def _format(values: FloatArray, name: str) -> str:
    """Choose decimals, four or more, that keep six digits of all but the smallest hundredth of the values."""
    sizes = np.abs(values[np.isfinite(values)])
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return "%.4f"
    if sizes.max() > _LARGEST:
        raise LasError(
            f"{name} has values as large as {sizes.max():.1e}; check the values at the edges of its track"
        )
    small = float(np.quantile(sizes, 0.01, method="inverted_cdf"))
    return f"%.{min(max(4, 5 - math.floor(math.log10(small))), 30)}f"


# --- Names that LAS can hold ---


def _ascii(text: str) -> str:
    """Text in printable ASCII on one line, letters without their accents."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).translate(_LETTERS)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^\x20-\x7e]", "_", " ".join(plain.split()))


def _legal_mnemonic(text: str) -> str:
    """Mnemonic of letters, digits, underscores and hyphens."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", _ascii(text)).strip("_-")[:_MNEMONIC].strip("_-") or "CURVE"


def _legal_unit(text: str) -> str:
    """Unit without blanks and colons, which end a unit in LAS, and without dots that would lengthen the name.

    Brackets around it would be read as no part of it.

    Examples
    --------
    >>> _legal_unit("ohm m"), _legal_unit("[(ft)]"), _legal_unit("[]")
    ('ohm_m', 'ft', '')
    """
    unit = _whole_unit(text)[:_UNIT].strip("_.")
    while len(unit) > 1 and unit[0] + unit[-1] in ("[]", "()"):
        unit = unit[1:-1].strip("_.")
    return unit


def _whole_unit(text: str) -> str:
    """The same unit, however long."""
    return re.sub(r"[\s:]+|\.{2,}", "_", _ascii(text)).strip("_.")


def _description(curve: LogCurve, mnemonic: str) -> str:
    """Description without colons, which begin a description in LAS; name and unit if they had to change."""
    named = f" ({_ascii(curve.mnemonic)})" if mnemonic != curve.mnemonic else ""
    unit = _whole_unit(curve.unit)
    measured = f" (in {unit})" if unit != _legal_unit(curve.unit) else ""
    return _ascii(curve.description + named + measured).replace(":", ";")


def _distinct(names: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Names with a number added where one is taken, whatever its case."""
    used = {name.upper() for name in taken}
    distinct = []
    for name in names:
        number, candidate = 1, name
        while candidate.upper() in used:
            number += 1
            candidate = f"{name}_{number}"
        used.add(candidate.upper())
        distinct.append(candidate)
    return distinct


# --- Text ---


def _las_header(table: _Table) -> str:
    """All of a LAS file but its data."""
    import lasio

    las = lasio.LASFile()
    if "DLM" in las.version:
        del las.version["DLM"]  # of LAS 3; the standard's version 2.0 has but VERS and WRAP
    index = table.columns[0]
    las.well["NULL"].value = f"{table.null:.10g}"
    for mnemonic in ("STRT", "STOP", "STEP"):
        las.well[mnemonic].unit = index.unit
    for column in table.columns:
        short = textwrap.shorten(column.description, _DESCRIPTION, placeholder=" ...")
        las.append_curve(column.mnemonic, np.empty(0), unit=column.unit, descr=short)
    las.other = "\n".join(line for column in table.columns for line in _remarks(column))
    start, stop, step = (index.format % number for number in (index.values[0], index.values[-1], table.step))
    text = io.StringIO()
    # Without a rule of dashes behind the titles: simple readers take only words there.
    las.write(text, version=2.0, wrap=_is_wrapped(table), STRT=start, STOP=stop, STEP=step, header_width=0)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _remarks(column: _Column) -> list[str]:
    """The whole description of a column in lines that each begin with its name, if it is too long for one."""
    if len(column.description) <= _DESCRIPTION:
        return []
    name = f"{column.mnemonic}: "
    return [name + line for line in textwrap.wrap(column.description, _LINE // 2)]


def _widths(table: _Table) -> list[int]:
    """Characters of each column of data, enough for NULL."""
    return [max(column.width, len(f"{table.null:.10g}")) for column in table.columns]


def _is_wrapped(table: _Table) -> bool:
    """Whether the values at one depth are more than fit one line."""
    return sum(width + 1 for width in _widths(table)) > _LINE


def _line(table: _Table) -> str:
    """What the values at one depth are put into: one line, or the depth and below it lines of some values."""
    fields = [
        f" %{width}{column.format[1:]}" for column, width in zip(table.columns, _widths(table), strict=True)
    ]
    if not _is_wrapped(table):
        return "".join(fields) + "\n"
    lines, length = [fields[0]], _WRAPPED_LINE
    for field, width in zip(fields[1:], _widths(table)[1:], strict=True):
        if length + width + 1 > _WRAPPED_LINE:
            lines.append("")
            length = 0
        lines[-1] += field
        length += width + 1
    return "\n".join(lines) + "\n"


def _las_rows(table: _Table) -> Iterator[str]:
    """Data lines of a LAS file: columns of one width each, NULL where a value is missing."""
    line, null = _line(table), f"{table.null:.10g}"
    for values in table.chunks():
        # Columns are at least as wide as NULL, so there are blanks enough before a nan to make room for it.
        yield (line * len(values) % tuple(values.ravel())).replace("nan".rjust(len(null)), null)


def _csv_rows(table: _Table) -> Iterator[str]:
    """Data lines of a CSV file, fields empty where a value is missing."""
    line = ",".join(column.format for column in table.columns)
    for values in table.chunks():
        yield ((line + "\n") * len(values) % tuple(values.ravel())).replace("nan", "")


def _write_text(path: str | Path, header: list[str], rows: Iterator[str], newline: str = "\n") -> None:
    """Write a text file with the same bytes on every system."""
    with naming(path), Path(path).open("w", encoding="ascii", newline=newline) as file:
        file.writelines(header)
        file.writelines(rows)
