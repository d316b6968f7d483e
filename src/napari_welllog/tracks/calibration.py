"""Tracks of a scan and their calibration, columns to values and rows to depth, and the tracks.json of both.

Rows and columns are pixel-centre coordinates, as napari's: the centre of the first pixel is 0, its outer edge
-0.5.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from napari_welllog.errors import TracksError
from napari_welllog.json_file import UnreadableJsonError, read_json
from napari_welllog.output import naming, staged

FloatArray = NDArray[np.float64]

# Half a pixel of grace beyond the scan's outer edge: calibrations that count pixels by their edges end there.
_GRACE = 0.5

# No measurement is larger, and what is worked out from larger ones overflows.
_LARGEST = 1e30

_INDEX_MNEMONICS = ("DEPT", "DEPTH")


def _plain(value: object) -> object:
    """Turn a numpy number or array into the Python number or list that it stands for."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _shown(value: object) -> str:
    """Show a value the way a tracks.json would write it, shortened to fit one line."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _number(value: object) -> float:
    """Accept a finite number, refusing text, true and false, NaN and infinities."""
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number, not {_shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"must be a finite number, not {_shown(value)}")
    if abs(number) > _LARGEST:
        raise ValueError(f"must be a number up to {_LARGEST:g}, not {_shown(value)}")
    return number


def _count(value: object) -> int:
    """Accept a whole number that is not negative."""
    number = _number(value)
    if number < 0 or not number.is_integer():
        raise ValueError(f"must be a whole number that is 0 or more, not {_shown(_plain(value))}")
    return int(number)


def _label(value: object) -> str:
    """Accept text that shows something on one line."""
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {_shown(value)}")
    if not value.strip() or not value.isprintable():
        raise ValueError(f"must be text on one line, not {_shown(value)}")
    return value


def _unit(value: object) -> str:
    """Accept a unit of measure, which may be empty."""
    return value if value == "" and isinstance(value, str) else _label(value)


def _numbers(value: object, names: tuple[str, ...], place: str) -> tuple[float, ...]:
    """Accept a list of exactly the named numbers."""
    value = _plain(value)
    shape = "[" + ", ".join(names) + "]"
    if not isinstance(value, list | tuple) or len(value) != len(names):
        raise ValueError(f"{place} must be {shape}, not {_shown(value)}")
    try:
        return tuple(_number(number) for number in value)
    except ValueError as error:
        raise ValueError(f"{place} {shape}: each {error}") from None


def _points(value: object, names: tuple[str, str], noun: str) -> list[tuple[float, float]]:
    """Accept two or more [row, ...] pairs whose rows increase."""
    value = _plain(value)
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list of [{names[0]}, {names[1]}] pairs, not {_shown(value)}")
    points = [
        (pair[0], pair[1])
        for i, item in enumerate(value)
        for pair in [_numbers(item, names, f"{noun} {i + 1}")]
    ]
    if len(points) < 2:
        raise ValueError(f"needs two or more {noun}s [{names[0]}, {names[1]}], but has {len(points)}")
    for number, ((above, _), (below, _)) in enumerate(pairwise(points), start=1):
        if above == below:
            raise ValueError(f"has {noun}s {number} and {number + 1} both at row {above:g}; keep one of them")
        if above > below:
            raise ValueError(
                f"must run down the scan, but {noun} {number + 1} at row {below:g} "
                f"comes after row {above:g}; sort the {noun}s by row"
            )
    return points


def _edge(value: object) -> float | list[tuple[float, float]]:
    """Accept a track edge: one column, or points joined by straight lines."""
    value = _plain(value)
    if isinstance(value, list | tuple):
        return _points(value, ("row", "column"), "point")
    try:
        return _number(value)
    except ValueError as error:
        raise ValueError(f"{error}; give a column or a list of [row, column] points") from None


def _rectangles(value: object) -> list[tuple[float, float, float, float]]:
    """Accept rectangles [top, bottom, left, right] that enclose something."""
    value = _plain(value)
    names = ("top", "bottom", "left", "right")
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list of [top, bottom, left, right] rectangles, not {_shown(value)}")
    rectangles = []
    for number, item in enumerate(value, start=1):
        top, bottom, left, right = _numbers(item, names, f"rectangle {number}")
        if top >= bottom or left >= right:
            raise ValueError(
                f"rectangle {number} must be [top, bottom, left, right] with top above bottom and left before"
                f" right, not {_shown(list(item))}"
            )
        rectangles.append((top, bottom, left, right))
    return rectangles


Number = Annotated[float, BeforeValidator(_number)]
Count = Annotated[int, BeforeValidator(_count)]
Label = Annotated[str, BeforeValidator(_label)]
Unit = Annotated[str, BeforeValidator(_unit)]
Edge = Annotated[float | list[tuple[float, float]], BeforeValidator(_edge)]
Rectangles = Annotated[list[tuple[float, float, float, float]], BeforeValidator(_rectangles)]
Anchors = Annotated[
    list[tuple[float, float]], BeforeValidator(lambda value: _points(value, ("row", "depth"), "anchor"))
]


class _Calibration(BaseModel):
    """A part of a calibration: frozen, unknown keys refused by name, every refusal a one-line TracksError."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    def __init__(self, /, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise TracksError(_explain(error, type(self), data)) from None

    # Without this mark pydantic would call __init__ for nested parts too, and lose the place of a mistake.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


def _check_scale(left: float, right: float, scale: str) -> None:
    """Refuse a value scale that no value can be read from."""
    if left == right:
        raise ValueError(
            f"'left' and 'right' are both {left:g}; give the two values printed at the track's edges"
        )
    if scale == "log" and min(left, right) <= 0:
        raise ValueError(
            f"a log scale cannot reach {min(left, right):g}; give values above 0 or set 'scale' to \"linear\""
        )


class ValueAxis(_Calibration):
    """Fractions of a track's width to values, linear or logarithmic.

    Parameters
    ----------
    left, right : float
        Values printed at the track's left edge (fraction 0) and right edge (fraction 1); a reversed scale is
        left > right.
    scale : "linear" or "log"
        Equal steps across the paper add equal amounts, or multiply by equal amounts.
    wraps : int
        How many ranges further a curve may go by coming back at the other edge (backup scale). Such a curve
        has fractions above 1 or below 0.

    Raises
    ------
    TracksError
        If left equals right, a log scale is not above zero, or wraps is negative.

    Examples
    --------
    >>> ValueAxis(left=140, right=40).values([0, 0.5, 1.25]).tolist()
    [140.0, 90.0, 15.0]
    >>> ValueAxis(left=0.2, right=2000, scale="log").fractions([0.2, 20, 2000]).round(6).tolist()
    [0.0, 0.5, 1.0]
    """

    left: Number
    right: Number
    scale: Literal["linear", "log"] = "linear"
    wraps: Count = 0

    @model_validator(mode="after")
    def _readable(self) -> Self:
        """Refuse a scale that no value can be read from."""
        _check_scale(self.left, self.right, self.scale)
        return self

    def values(self, fractions: ArrayLike) -> FloatArray:
        """Values at fractions of the track's width, float64 of the same shape; NaN stays NaN."""
        fraction = np.asarray(fractions, np.float64)
        if self.scale == "log":
            start, end = math.log(self.left), math.log(self.right)
            return np.exp((1 - fraction) * start + fraction * end)
        return (1 - fraction) * self.left + fraction * self.right

    def fractions(self, values: ArrayLike) -> FloatArray:
        """Fractions of the track's width at values, float64 of the same shape; NaN where there is none."""
        value = np.asarray(values, np.float64)
        if self.scale == "log":
            start, end = math.log(self.left), math.log(self.right)
            return (np.log(np.where(value > 0, value, np.nan)) - start) / (end - start)
        return (value - self.left) / (self.right - self.left)


class Curve(_Calibration):
    """One curve of a track: which class it is, what it measures, and the values at the track's edges.

    Parameters
    ----------
    curve_class : 1 or 2
        1 for the solid or heavier trace, 2 for the dashed, dotted or lighter one; ``"class"`` in tracks.json.
    mnemonic, unit : str
        Name and unit of the log curve; the unit may be empty.
    left, right, scale, wraps
        As in `ValueAxis`.

    Examples
    --------
    >>> curve = Curve(curve_class=1, mnemonic="DT", unit="us/ft", left=140, right=40)
    >>> curve.value_axis.values(0.25).item()
    115.0
    """

    curve_class: Literal[1, 2] = Field(validation_alias="class", serialization_alias="class")
    mnemonic: Label
    unit: Unit
    left: Number
    right: Number
    scale: Literal["linear", "log"] = "linear"
    wraps: Count = 0

    @model_validator(mode="after")
    def _readable(self) -> Self:
        """Refuse a scale that no value can be read from, and a name that LAS keeps for its index."""
        _check_scale(self.left, self.right, self.scale)
        if self.mnemonic.strip().upper() in _INDEX_MNEMONICS:
            raise ValueError(f"mnemonic {self.mnemonic!r} is the depth's own name in LAS; choose another")
        return self

    @property
    def value_axis(self) -> ValueAxis:
        """The axis that turns fractions of the track's width into values."""
        return ValueAxis(left=self.left, right=self.right, scale=self.scale, wraps=self.wraps)


class DepthAxis(_Calibration):
    """Rows of the scan to depth, by straight lines between anchors that go on beyond the first and the last.

    Parameters
    ----------
    unit : "ft", "m" or "row"
        Unit of depth; "row" when the scan has no depth calibration and depth is just the scan's row.
    anchors : list of (row, depth)
        Two or more; rows increase, and depths all increase or all decrease.

    Raises
    ------
    TracksError
        If there are fewer than two anchors, or they are out of order.

    Examples
    --------
    >>> axis = DepthAxis(unit="ft", anchors=[(2575, 250), (5620, 550)])
    >>> axis.depths([2575, 5620, 6635]).tolist()
    [250.0, 550.0, 650.0]
    >>> axis.rows(250).item()
    2575.0
    """

    unit: Literal["ft", "m", "row"]
    anchors: Anchors

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        """Refuse anchors whose depth stands still or turns back."""
        depths = [depth for _, depth in self.anchors]
        downward = depths[-1] > depths[0]
        for number, (above, below) in enumerate(pairwise(depths), start=1):
            if above == below:
                raise ValueError(
                    f"anchors {number} and {number + 1} have the same depth {above:g}; "
                    "each row needs its own depth"
                )
            if (below > above) != downward:
                raise ValueError(
                    f"depth turns back between anchors {number} ({above:g}) and {number + 1} ({below:g}); "
                    "depths must all increase or all decrease down the scan"
                )
        return self

    def depths(self, rows: ArrayLike) -> FloatArray:
        """Depths at scan rows, float64 of the same shape, in `unit`."""
        anchor_rows, anchor_depths = np.asarray(self.anchors, np.float64).T
        return piecewise_linear(np.asarray(rows, np.float64), anchor_rows, anchor_depths)

    def rows(self, depths: ArrayLike) -> FloatArray:
        """Scan rows at depths, float64 of the same shape; the inverse of `depths`."""
        anchor_rows, anchor_depths = np.asarray(self.anchors, np.float64).T
        if anchor_depths[0] > anchor_depths[-1]:
            anchor_rows, anchor_depths = anchor_rows[::-1], anchor_depths[::-1]
        return piecewise_linear(np.asarray(depths, np.float64), anchor_depths, anchor_rows)


def piecewise_linear(x: FloatArray, knots: FloatArray, heights: FloatArray) -> FloatArray:
    """Heights at x on straight lines through the knots (increasing), the end lines going on for ever."""
    segment = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    start, end = knots[segment], knots[segment + 1]
    # Knots that stand all but together send the lines beyond them to infinity.
    with np.errstate(over="ignore", invalid="ignore"):
        weight = (x - start) / (end - start)
        return np.asarray((1 - weight) * heights[segment] + weight * heights[segment + 1], np.float64)


class Track(_Calibration):
    """A vertical band of the scan between a left and a right edge; it carries up to two curves.

    Parameters
    ----------
    name : str
        What to call the track.
    left, right : float or list of (row, column)
        The edges: one column, or points joined by straight lines and constant beyond the first and the last.
    top, bottom : float
        Rows between which the curves are drawn.
    curves : list of Curve
        One or two, of different classes.
    ignore : list of (top, bottom, left, right)
        Rectangles in which nothing is read: ink there is neither curve.

    Raises
    ------
    TracksError
        If the edges meet or cross, top is not above bottom, or two curves share a class.

    Examples
    --------
    >>> curve = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
    >>> track = Track(name="gamma", left=[(0, 10), (100, 20)], right=210, top=0, bottom=100, curves=[curve])
    >>> left, right = track.edges([0, 50, 100])
    >>> left.tolist(), right.tolist()
    ([10.0, 15.0, 20.0], [210.0, 210.0, 210.0])
    >>> track.fractions(0, 110).item()
    0.5
    """

    name: Label
    left: Edge
    right: Edge
    top: Number
    bottom: Number
    curves: list[Curve]
    ignore: Rectangles = []

    @model_validator(mode="after")
    def _drawable(self) -> Self:
        """Refuse a track without room for a curve, and curves that cannot be told apart."""
        if self.top >= self.bottom:
            raise ValueError(
                f"'top' (row {self.top:g}) must be above 'bottom' (row {self.bottom:g}); swap or mend them"
            )
        rows = self._corner_rows()
        lefts, rights = self.edges(rows)
        for row, left, right in zip(rows, lefts, rights, strict=True):
            if left >= right:
                raise ValueError(
                    f"at row {row:g} the left edge (column {left:g}) is not left of the right edge "
                    f"(column {right:g}); swap or mend 'left' and 'right'"
                )
        if not self.curves:
            raise ValueError("'curves' is empty; give one or two curves")
        classes = [curve.curve_class for curve in self.curves]
        for curve_class in (1, 2):
            if classes.count(curve_class) > 1:
                raise ValueError(
                    f"two curves have class {curve_class}; a track carries at most one curve of class 1 "
                    "(solid or heavier) and one of class 2 (dashed or lighter)"
                )
        return self

    def _corner_rows(self) -> list[float]:
        """Rows from top to bottom between which both edges are straight."""
        corners = {self.top, self.bottom}
        for edge in (self.left, self.right):
            if not isinstance(edge, float):
                corners.update(row for row, _ in edge if self.top < row < self.bottom)
        return sorted(corners)

    @property
    def rows(self) -> NDArray[np.intp]:
        """Pixel rows whose centres lie between top and bottom, both included; may go beyond a scan's end."""
        return np.arange(math.ceil(self.top), math.floor(self.bottom) + 1)

    def rows_within(self, scan_rows: int) -> NDArray[np.intp]:
        """Pixel rows between top and bottom that a scan of so many rows has."""
        return np.arange(max(math.ceil(self.top), 0), min(math.floor(self.bottom), scan_rows - 1) + 1)

    def edges(self, rows: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Columns of the left and the right edge at rows, two float64 arrays of the rows' shape."""
        return _edge_columns(self.left, rows), _edge_columns(self.right, rows)

    def fractions(self, rows: ArrayLike, columns: ArrayLike) -> FloatArray:
        """Fractions of the track's width at points of the scan: 0 at the left edge, 1 at the right."""
        left, right = self.edges(rows)
        return np.asarray((np.asarray(columns, np.float64) - left) / (right - left), np.float64)

    def columns(self, rows: ArrayLike, fractions: ArrayLike) -> FloatArray:
        """Columns of the scan at fractions of the track's width; the inverse of `fractions`."""
        left, right = self.edges(rows)
        fraction = np.asarray(fractions, np.float64)
        return np.asarray((1 - fraction) * left + fraction * right, np.float64)

    def bounding_columns(self, margin: float = 0.0) -> tuple[int, int]:
        """First pixel column that the track touches and the one after its last, widened by a margin.

        The margin is in pixels. The first is never negative, so the two can slice a scan.
        """
        lefts, rights = self.edges(self._corner_rows())
        first = max(math.floor(lefts.min() - margin + 0.5), 0)
        return first, max(math.ceil(rights.max() + margin + 0.5), first)


def _edge_columns(edge: float | list[tuple[float, float]], rows: ArrayLike) -> FloatArray:
    """Columns of an edge at rows."""
    where = np.asarray(rows, np.float64)
    if isinstance(edge, float):
        return np.full(where.shape, edge)
    edge_rows, edge_columns = np.asarray(edge, np.float64).T
    return np.asarray(np.interp(where, edge_rows, edge_columns), np.float64)


class Tracks(_Calibration):
    """All tracks of a scan with their depth axis: what a tracks.json holds.

    Parameters
    ----------
    version : 1
        Version of the file format.
    depth : DepthAxis
        Rows to depth, shared by all tracks.
    tracks : list of Track
        One or more; no mnemonic appears twice, because LAS could not tell the two apart.

    Raises
    ------
    TracksError
        If anything in it cannot be used; the message names the place and the remedy.

    Examples
    --------
    >>> depth = DepthAxis(unit="row", anchors=[(0, 0), (1, 1)])
    >>> curve = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
    >>> track = Track(name="gamma", left=0, right=99, top=0, bottom=199, curves=[curve])
    >>> tracks = Tracks(depth=depth, tracks=[track])
    >>> tracks.check_against(rows=200, columns=100)
    """

    version: Literal[1] = 1
    depth: DepthAxis
    tracks: list[Track]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        """Refuse a file without tracks and a mnemonic that two curves share."""
        if not self.tracks:
            raise ValueError("'tracks' is empty; give one or more tracks")
        owners: dict[str, str] = {}
        for track in self.tracks:
            for number, curve in enumerate(track.curves, start=1):
                owner = f"track {track.name!r}, curve {number}"
                key = curve.mnemonic.strip().upper()
                if key in owners:
                    raise ValueError(
                        f"{owner}: mnemonic {curve.mnemonic!r} is already that of {owners[key]}; "
                        "give it another name"
                    )
                owners[key] = owner
        return self

    @classmethod
    def load(cls, path: str | Path) -> Tracks:
        """Read a tracks.json.

        Raises
        ------
        TracksError
            If the file cannot be read or used; one line that names the file, the place and the remedy.
        """
        try:
            data = read_json(path, "give the path of a tracks.json")
            if not isinstance(data, dict):
                raise TracksError(
                    f"must hold one object with the keys {_listed(_keys(cls))}, not {_shown(data)}"
                )
            if "version" not in data:
                raise TracksError(_one_line(_missing_key("version", data, cls)))
            try:
                return cls.model_validate(data, by_alias=True, by_name=False)
            except ValidationError as error:
                raise TracksError(_explain(error, cls, data)) from None
        except (TracksError, UnreadableJsonError) as error:
            raise TracksError(_one_line(f"{path}: {error}")) from None

    def save(self, path: str | Path) -> None:
        """Write a tracks.json, whole or not at all.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        with staged([path]) as places, naming(path):
            places[Path(path)].write_text(self.to_json(), encoding="utf-8")

    def to_json(self) -> str:
        """Give the text of a tracks.json, with optional keys only where they say something."""
        data = self.model_dump(by_alias=True)
        for track in data["tracks"]:
            if not track["ignore"]:
                del track["ignore"]
            for curve in track["curves"]:
                if not curve["wraps"]:
                    del curve["wraps"]
        return _json_text(data) + "\n"

    def check_against(self, rows: int, columns: int, source: str | Path | None = None) -> None:
        """Refuse tracks that lie outside a scan; half a pixel of overhang is granted.

        Parameters
        ----------
        rows, columns : int
            Size of the scan.
        source : path, optional
            The tracks.json, named in the message.

        Raises
        ------
        TracksError
            If an edge, the top or the bottom of a track lies outside the scan.
        """
        prefix = "" if source is None else f"{source}: "
        for track in self.tracks:
            for problem in _outside(track, rows, columns):
                raise TracksError(_one_line(f"{prefix}track {track.name!r}: {problem}"))


def _outside(track: Track, rows: int, columns: int) -> Iterable[str]:
    """Say what of a track lies outside a scan."""
    low, high = -0.5 - _GRACE, -0.5 + _GRACE
    if track.top < low:
        yield f"'top' is row {track.top:g}, but the scan begins at row 0; move it down"
    if track.top > rows + high:
        yield f"'top' is row {track.top:g}, but the scan ends at row {rows - 1}; move it up"
    if track.bottom > rows + high:
        yield f"'bottom' is row {track.bottom:g}, but the scan ends at row {rows - 1}; move it up"
    corners = track._corner_rows()
    for name, edge in zip(("left", "right"), track.edges(corners), strict=True):
        for row, column in zip(corners, edge, strict=True):
            if not low <= column <= columns + high:
                where = "" if isinstance(getattr(track, name), float) else f" at row {row:g}"
                yield (
                    f"'{name}' is column {column:g}{where}, but the scan's columns are 0 to {columns - 1}; "
                    "move the edge onto the scan, with the value that the scale has there"
                )


# --- Refusals in words ---


def _one_line(text: str) -> str:
    """Text with every run of white space made one blank."""
    return " ".join(text.split())


def _listed(names: Iterable[str]) -> str:
    """Names joined by commas."""
    return ", ".join(f"'{name}'" for name in names)


def _keys(model: type[BaseModel]) -> list[str]:
    """Keys of a model as tracks.json writes them."""
    return [str(field.serialization_alias or name) for name, field in model.model_fields.items()]


def _missing_key(key: str, data: object, model: type[BaseModel]) -> str:
    """Say that a key is missing."""
    example = " (it is 1)" if model is Tracks and key == "version" else ""
    return f"the key '{key}' is missing; add it{example}"


def _unknown_key(key: str, data: object, model: type[BaseModel]) -> str:
    """Say that a key is unknown, with the nearest known one."""
    present = set(data) if isinstance(data, dict) else set()
    absent = [name for name in _keys(model) if name not in present]
    close = difflib.get_close_matches(key.lower(), absent, n=1) or difflib.get_close_matches(
        key.lower(), _keys(model), n=1
    )
    remedy = f"did you mean '{close[0]}'?" if close else f"the keys here are {_listed(_keys(model))}"
    return f"unknown key {_shown(key)}; {remedy}"


def _wrong_choice(key: str, error: Any) -> str:
    """Say which values a key may have."""
    if key == "version":
        return f"version {_shown(_plain(error['input']))} is not known; this program reads version 1"
    expected = error["ctx"]["expected"].replace("'", '"')
    return f"'{key}' must be {expected}, not {_shown(_plain(error['input']))}"


_PARTS: dict[str, tuple[str, type[_Calibration]]] = {
    "depth": ("depth", DepthAxis),
    "tracks": ("track", Track),
    "curves": ("curve", Curve),
}


def _explain(error: ValidationError, model: type[BaseModel], data: object) -> str:
    """Turn pydantic's list of mistakes into one line on the most telling one."""
    # A misspelt key is both unknown and missing; its own name says more than the missing one's.
    mistakes = sorted(
        error.errors(include_url=False), key=lambda mistake: mistake["type"] != "extra_forbidden"
    )
    first = mistakes[0]
    steps = list(first["loc"])
    about_a_key = first["type"] in ("extra_forbidden", "missing")
    key = ""
    if steps and (about_a_key or (isinstance(steps[-1], str) and steps[-1] != "depth")):
        key = str(steps.pop())
    places, part, model = _place(steps, model, data)
    rest = [mistake for mistake in mistakes[1:] if first["type"] == "missing" or mistake["type"] != "missing"]
    more = f" ({len(rest)} more to mend)" if rest else ""
    return _one_line(": ".join([*places, _problem(first, key, part, model)]) + more)


def _place(
    steps: list[str | int], model: type[BaseModel], data: object
) -> tuple[list[str], object, type[BaseModel]]:
    """Put a place such as tracks, 0, curves, 1 in words, and find what stands there and what should."""
    words = [_called("track", data, "")] if model is Track and _name(data) else []
    noun = ""
    for step in steps:
        if isinstance(step, int):
            data = data[step] if isinstance(data, list | tuple) and step < len(data) else None
            words.append(_called(noun, data, f"{noun} {step + 1}"))
        else:
            noun, model = _PARTS[step]
            data = data.get(step) if isinstance(data, dict) else getattr(data, step, None)
            words.extend([noun] if noun == "depth" else [])
    return [", ".join(words)] if words else [], data, model


def _name(data: object) -> str:
    """Name of a track, empty if it has none."""
    name = data.get("name") if isinstance(data, dict) else getattr(data, "name", None)
    return name if isinstance(name, str) else ""


def _called(noun: str, data: object, otherwise: str) -> str:
    """Call a track by its name and anything else by its number."""
    return f"track {_name(data)!r}" if noun == "track" and _name(data) else otherwise


def _problem(mistake: Any, key: str, part: object, model: type[BaseModel]) -> str:
    """Say what is wrong with one key, or with the part as a whole."""
    kinds: dict[str, Callable[[], str]] = {
        "extra_forbidden": lambda: _unknown_key(key, part, model),
        "missing": lambda: _missing_key(key, part, model),
        "literal_error": lambda: _wrong_choice(key, mistake),
    }
    if mistake["type"] in kinds:
        return kinds[mistake["type"]]()
    if mistake["type"] == "value_error":
        message = str(mistake["ctx"]["error"])
        return f"'{key}' {message}" if key else message
    wanted = (
        "a list" if mistake["type"] == "list_type" else f"an object with the keys {_listed(_keys(model))}"
    )
    subject = f"'{key}' " if key else ""
    return f"{subject}must be {wanted}, not {_shown(_plain(mistake['input']))}"


# --- JSON ---


def _json_text(data: object, indent: str = "") -> str:
    """Write JSON with objects over several lines, and points and rectangles each on one."""
    inner = indent + "  "
    if isinstance(data, dict):
        lines = [f"{json.dumps(key)}: {_json_text(value, inner)}" for key, value in data.items()]
        return "{\n" + ",\n".join(inner + line for line in lines) + "\n" + indent + "}"
    if isinstance(data, list | tuple):
        texts = [_json_text(value, inner) for value in data]
        if any("\n" in text for text in texts):
            return "[\n" + ",\n".join(inner + text for text in texts) + "\n" + indent + "]"
        return "[" + ", ".join(texts) + "]"
    if isinstance(data, float) and data.is_integer() and abs(data) < 1e15:
        data = int(data)
    return json.dumps(data, ensure_ascii=False)
