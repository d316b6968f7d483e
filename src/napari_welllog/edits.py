"""Corrections by hand, kept apart from the machine's traces and laid over every new extraction.

An edit says where a person saw a curve run, or that it does not. Edits lie in a file of their own beside the scan,
written anew at every edit, so that a program that is killed loses at most the last one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_welllog.curves import Trace, TraceState
from napari_welllog.errors import EditsError
from napari_welllog.json_file import UnreadableJsonError, read_json
from napari_welllog.output import naming, staged
from napari_welllog.tracks import Track

Finite = Annotated[float, Field(allow_inf_nan=False)]
Rows = NDArray[np.intp]

TOLERANCE = 0.25
"""Pixels by which the kept points of a drawn line may leave it."""


class _Part(BaseModel):
    """A part of an edits.json: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class _Edit(_Part):
    """What every edit names: its track and its curve."""

    track: str
    curve_class: Literal[1, 2] = Field(validation_alias="class", serialization_alias="class")


class Redraw(_Edit):
    """A stretch of a curve drawn by hand.

    Parameters
    ----------
    track : str
        Name of the track.
    curve_class : 1 or 2
        Which of its curves; ``"class"`` in edits.json.
    points : list of (row, column)
        Where the curve runs, rows increasing, straight lines between them.

    Examples
    --------
    >>> Redraw(track="gamma", curve_class=1, points=[(10, 5.0), (12, 6.0)]).row_range
    (10, 12)
    """

    kind: Literal["redraw"] = "redraw"
    points: list[tuple[Finite, Finite]] = Field(min_length=1)

    @model_validator(mode="after")
    def _run_down(self) -> Self:
        """Refuse points that do not run down the scan."""
        rows = [row for row, _ in self.points]
        if any(below <= above for above, below in pairwise(rows)):
            raise ValueError("'points' must run down the scan: sort them by row, one for each")
        return self

    @property
    def row_range(self) -> tuple[int, int]:
        """First and last scan row that it draws."""
        if len(self.points) == 1:
            return round(self.points[0][0]), round(self.points[0][0])
        return math.ceil(self.points[0][0]), math.floor(self.points[-1][0])


class _RowEdit(_Edit):
    """An edit of a range of rows."""

    rows: tuple[int, int]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Refuse a range that ends above its beginning."""
        if self.rows[0] > self.rows[1]:
            raise ValueError("'rows' must be [first, last] with the first above the last")
        return self

    @property
    def row_range(self) -> tuple[int, int]:
        """First and last scan row that it changes."""
        return self.rows


class Erase(_RowEdit):
    """A stretch of rows in which a curve is not to be read.

    Parameters
    ----------
    track, curve_class
        As in `Redraw`.
    rows : (first, last)
        Scan rows, both included.
    """

    kind: Literal["erase"] = "erase"


class Give(_RowEdit):
    """A stretch of rows in which what was read as this curve is the other one, and the other way round.

    Parameters
    ----------
    track, curve_class
        As in `Redraw`; the curve that gives.
    rows : (first, last)
        Scan rows, both included.
    """

    kind: Literal["give"] = "give"


Edit = Annotated[Redraw | Erase | Give, Field(discriminator="kind")]


class Edits(_Part):
    """All edits of a scan, in the order in which they were made: what an edits.json holds.

    Parameters
    ----------
    version : 1
        Version of the file format.
    edits : sequence of Redraw, Erase and Give
        A later one lies over an earlier one.

    Examples
    --------
    >>> edits = Edits().with_edit(Erase(track="gamma", curve_class=1, rows=(10, 20)))
    >>> len(edits.edits), bool(Edits())
    (1, False)
    """

    version: Literal[1] = 1
    edits: tuple[Edit, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.edits)

    def with_edit(self, edit: Redraw | Erase | Give) -> Edits:
        """These edits and one more."""
        return Edits(edits=(*self.edits, edit))

    def of_track(self, name: str) -> list[Redraw | Erase | Give]:
        """Edits of one track."""
        return [edit for edit in self.edits if edit.track == name]

    def strays(self, tracks: Iterable[Track]) -> list[Redraw | Erase | Give]:
        """Edits whose track or curve is not there, as after a track was given another name."""
        known = {(track.name, curve.curve_class) for track in tracks for curve in track.curves}
        return [edit for edit in self.edits if (edit.track, edit.curve_class) not in known]

    @classmethod
    def load(cls, path: str | Path) -> Edits:
        """Read an edits.json.

        Raises
        ------
        EditsError
            If the file cannot be read or used; one line that names the file, the place and the remedy.
        """
        try:
            data = read_json(path, "give the path of an edits.json")
            if not isinstance(data, dict) or "version" not in data:
                raise EditsError(f"{path}: is no edits.json: the key 'version' is missing; add it (it is 1)")
            return cls.model_validate(data)
        except UnreadableJsonError as error:
            raise EditsError(f"{path}: {error}") from None
        except ValidationError as error:
            raise EditsError(f"{path}: {_problem(error)}; mend it there or move the file away") from None

    def save(self, path: str | Path) -> None:
        """Write an edits.json, whole or not at all.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        with staged([path]) as places, naming(path):
            places[Path(path)].write_text(self.to_json(), encoding="utf-8")

    def to_json(self) -> str:
        """Give the text of an edits.json: one edit on each line."""
        lines = [json.dumps(edit.model_dump(by_alias=True)) for edit in self.edits]
        body = "[\n    " + ",\n    ".join(lines) + "\n  ]" if lines else "[]"
        return f'{{\n  "version": {self.version},\n  "edits": {body}\n}}\n'


def _problem(error: ValidationError) -> str:
    """Say the first problem of a file on one line."""
    mistake: Any = error.errors(include_url=False)[0]
    place = " ".join(str(step + 1) if isinstance(step, int) else str(step) for step in mistake["loc"])
    return f"{place}: {mistake['msg'].removeprefix('Value error, ')}"


class EditHistory:
    """The edits of a scan with undo and redo, on the disk after every step.

    Parameters
    ----------
    edits : Edits
        What there is already.
    file : path, optional
        Where to keep them; nowhere by default.

    Examples
    --------
    >>> history = EditHistory()
    >>> history.do(Erase(track="gamma", curve_class=1, rows=(10, 20)))
    >>> undone = history.undo()
    >>> history.edits == Edits(), history.can_redo
    (True, True)
    """

    def __init__(self, edits: Edits | None = None, file: str | Path | None = None) -> None:
        self.edits = edits or Edits()
        self.file = None if file is None else Path(file)
        self._undone: list[Redraw | Erase | Give] = []

    @classmethod
    def beside(cls, file: Path | None) -> EditHistory:
        """The history that a file holds, or an empty one that will be kept there.

        Raises
        ------
        EditsError
            If the file cannot be used.
        """
        return cls(Edits.load(file) if file is not None and file.exists() else None, file)

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self.edits)

    @property
    def can_redo(self) -> bool:
        """Whether an edit was taken back and can be made again."""
        return bool(self._undone)

    def do(self, edit: Redraw | Erase | Give) -> None:
        """Add an edit.

        Raises
        ------
        OutputError
            If it cannot be kept on the disk; it is made all the same.
        """
        self._undone.clear()
        self._become(self.edits.with_edit(edit))

    def undo(self) -> Redraw | Erase | Give | None:
        """Take the last edit back and return it; None if there is none. Raises as `do`."""
        if not self.edits:
            return None
        edit = self.edits.edits[-1]
        self._undone.append(edit)
        self._become(Edits(edits=self.edits.edits[:-1]))
        return edit

    def redo(self) -> Redraw | Erase | Give | None:
        """Make the edit again that was last taken back and return it; None if there is none. Raises as `do`."""
        if not self._undone:
            return None
        edit = self._undone.pop()
        self._become(self.edits.with_edit(edit))
        return edit

    def _become(self, edits: Edits) -> None:
        """Change the edits, here and on the disk."""
        self.edits = edits
        if self.file is not None:
            self.edits.save(self.file)


def apply_edits(traces: Sequence[Trace], track: Track, edits: Edits) -> list[Trace]:
    """Lay edits over the traces of a track.

    A redrawn stretch has the state EDITED and full confidence, an erased one the state ERASED, no column and no
    confidence. Where a stretch was given to the other curve, both curves are EDITED with the confidence they
    had, and missing where the other was. Rows outside the trace are left out.

    Parameters
    ----------
    traces : sequence of Trace
        What the machine read, one for each curve of the track; they stay as they are.
    track : Track
        Whose edits to apply.
    edits : Edits
        Those of other tracks, and of curves that the track has not, are passed over.

    Returns
    -------
    list of Trace
        New traces in the same order; the same ones where there is no edit.

    Examples
    --------
    >>> track = Track(name="t", left=0, right=29, top=0, bottom=3, curves=[
    ...     {"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150}])
    >>> trace = Trace(1, 0, np.full(4, 10.0), np.ones(4, np.float32), np.ones(4, np.uint8))
    >>> redraw = Redraw(track="t", curve_class=1, points=[(1, 12), (2, 14)])
    >>> edited = apply_edits([trace], track, Edits(edits=(redraw,)))[0]
    >>> edited.column.tolist(), edited.state.tolist()
    ([10.0, 12.0, 14.0, 10.0], [1, 3, 3, 1])
    """
    own = edits.of_track(track.name)
    if not own:
        return list(traces)
    edited = {trace.curve_class: _copied(trace) for trace in traces}
    for edit in own:
        trace = edited.get(edit.curve_class)
        if trace is None:
            continue
        if isinstance(edit, Give):
            _swap(edit, trace, edited.get(3 - edit.curve_class))
        else:
            _lay(edit, trace)
    return [edited[trace.curve_class] for trace in traces]


def _copied(trace: Trace) -> Trace:
    """A trace whose arrays may be changed."""
    return Trace(
        trace.curve_class, trace.top, trace.column.copy(), trace.confidence.copy(), trace.state.copy()
    )


def _elements(edit: Redraw | Erase | Give, trace: Trace) -> slice:
    """The elements of a trace that an edit changes."""
    first, last = edit.row_range
    return slice(max(first - trace.top, 0), max(last + 1 - trace.top, 0))


def _lay(edit: Redraw | Erase, trace: Trace) -> None:
    """Redraw or erase a stretch of a trace."""
    where = _elements(edit, trace)
    if isinstance(edit, Erase):
        trace.column[where] = np.nan
        trace.confidence[where] = 0
        trace.state[where] = TraceState.ERASED
    else:
        rows, columns = np.asarray(edit.points, np.float64).T
        trace.column[where] = np.interp(trace.rows[where], rows, columns)
        trace.confidence[where] = 1
        trace.state[where] = TraceState.EDITED


def _swap(edit: Give, trace: Trace, other: Trace | None) -> None:
    """Exchange a stretch between the two curves of a track; where there is but one, it is erased."""
    if other is None:
        _lay(Erase(track=edit.track, curve_class=edit.curve_class, rows=edit.rows), trace)
        return
    first = max(edit.rows[0], trace.top, other.top)
    end = min(edit.rows[1] + 1, trace.top + len(trace.column), other.top + len(other.column))
    if end <= first:
        return
    here, there = slice(first - trace.top, end - trace.top), slice(first - other.top, end - other.top)
    for name in ("column", "confidence"):
        one, two = getattr(trace, name), getattr(other, name)
        one[here], two[there] = two[there].copy(), one[here].copy()
    for changed, where in ((trace, here), (other, there)):
        known = np.isfinite(changed.column[where])
        changed.state[where] = np.where(known, TraceState.EDITED, TraceState.ERASED)


def points_of_line(vertices: ArrayLike, tolerance: float = TOLERANCE) -> list[tuple[float, float]]:
    """Turn a line drawn by hand into points that run down the scan.

    A curve has one column in each row: where the hand went back up, what it drew there is left out.

    Parameters
    ----------
    vertices : float (n, 2)
        Row and column of the line's vertices, drawn downwards or upwards.
    tolerance : float
        Pixels by which the points may leave the line.

    Returns
    -------
    list of (row, column)
        Rows increasing; empty when the line crosses no row of pixels.

    Examples
    --------
    >>> points_of_line([[30, 5], [20, 9], [21, 6], [10, 7]])
    [(10.0, 7.0), (20.0, 9.0), (30.0, 5.0)]
    >>> points_of_line([[30.1, 5], [30.4, 90]])
    []
    """
    from skimage.measure import approximate_polygon  # late: it loads for a second

    line = np.asarray(vertices, np.float64).reshape(-1, 2)
    line = line[np.isfinite(line).all(axis=1)]
    if len(line) and line[-1, 0] < line[0, 0]:
        line = line[::-1]
        highest = np.minimum.accumulate(line[::-1, 0])[::-1]
        line = line[line[:, 0] <= highest]
    else:
        lowest = np.maximum.accumulate(line[:, 0]) if len(line) else line[:, 0]
        line = line[line[:, 0] >= lowest]
    line = line[np.concatenate([[True], np.diff(line[:, 0]) > 1e-3])] if len(line) else line
    if len(line) < 2 or math.floor(line[-1, 0]) < math.ceil(line[0, 0]):
        return []
    kept = approximate_polygon(line, tolerance)  # type: ignore[no-untyped-call]
    return [(round(float(row), 3), round(float(column), 3)) for row, column in kept]


def moved_stretch(before: ArrayLike, after: ArrayLike) -> list[tuple[float, float]]:
    """Find what changed of a line whose vertices were dragged, put in or taken out.

    Parameters
    ----------
    before, after : float (n, 2) and (m, 2)
        Row and column of the vertices; `before` runs down the scan.

    Returns
    -------
    list of (row, column)
        The changed stretch from the last vertex that stayed above it to the first that stayed below it, rows
        increasing; empty when nothing changed.

    Examples
    --------
    >>> line = [[0, 5], [10, 5], [20, 5], [30, 5], [40, 5]]
    >>> moved_stretch(line, [[0, 5], [10, 5], [21, 9], [30, 5], [40, 5]])
    [(10.0, 5.0), (21.0, 9.0), (30.0, 5.0)]
    >>> moved_stretch(line, line)
    []
    """
    old, new = (np.asarray(line, np.float64).reshape(-1, 2) for line in (before, after))
    shorter = min(len(old), len(new))
    same_above = _equal_at_start(old[:shorter], new[:shorter])
    if same_above == len(old) == len(new):
        return []
    same_below = min(_equal_at_start(old[::-1][:shorter], new[::-1][:shorter]), shorter - same_above)
    first = max(same_above - 1, 0)
    last = min(len(new) - same_below, len(new) - 1)
    fixed = [new[first]] if same_above else []
    moved = list(new[same_above : len(new) - same_below])
    end = [new[last]] if same_below else []
    return _between(fixed, moved, end)


def _equal_at_start(old: NDArray[np.float64], new: NDArray[np.float64]) -> int:
    """Number of vertices that are the same, from the first on."""
    differs = np.flatnonzero((np.abs(old - new) > 1e-9).any(axis=1))
    return int(differs[0]) if len(differs) else len(old)


def _between(
    above: list[NDArray[np.float64]], moved: list[NDArray[np.float64]], below: list[NDArray[np.float64]]
) -> list[tuple[float, float]]:
    """Points that run down the scan, from a fixed one to a fixed one; moved ones beyond these are held back."""
    low = above[0][0] + 0.5 if above else -np.inf
    high = below[0][0] - 0.5 if below else np.inf
    kept = [np.array([np.clip(row, low, max(high, low)), column]) for row, column in moved]
    kept.sort(key=lambda point: float(point[0]))
    points: list[tuple[float, float]] = []
    for row, column in [*above, *kept, *below]:
        if not points or row > points[-1][0]:
            points.append((round(float(row), 3), round(float(column), 3)))
    return points


def nearest_curve(traces: Sequence[Trace], points: Sequence[tuple[float, float]]) -> int | None:
    """Class of the curve that a drawn stretch most likely corrects; None if there is no curve.

    It is the one that lies nearest on the rows of the stretch and just above and below it. A row where a curve
    has no column counts as a distance of half that of the other curve, because a gap asks to be filled.

    Parameters
    ----------
    traces : sequence of Trace
        The traces of one track.
    points : sequence of (row, column)
        The stretch, rows increasing.

    Examples
    --------
    >>> one, two = (Trace(k, 0, np.full(50, 30.0 * k), np.ones(50), np.ones(50, np.uint8)) for k in (1, 2))
    >>> nearest_curve([one, two], [(10, 50), (20, 58)])
    2
    """
    if len(traces) < 2:
        return traces[0].curve_class if traces else None
    rows, columns = np.asarray(points, np.float64).T
    around = np.arange(math.floor(rows[0]) - _AROUND, math.ceil(rows[-1]) + _AROUND + 1)
    drawn = np.interp(around, rows, columns)
    apart = np.stack([np.abs(_columns_at(trace, around) - drawn) for trace in traces])
    unknown = np.isnan(apart)
    known = np.where(unknown, np.inf, apart).min(axis=0)
    apart = np.where(unknown, np.where(np.isfinite(known), known / 2, 0), apart)
    return traces[int(apart.mean(axis=1).argmin())].curve_class


_AROUND = 3


def curve_inside(traces: Sequence[Trace], rows: tuple[int, int], columns: tuple[float, float]) -> int | None:
    """Class of the curve that has most of its rows inside a rectangle; None if no curve runs through it.

    Parameters
    ----------
    traces : sequence of Trace
        The traces of one track.
    rows : (first, last)
        Scan rows of the rectangle.
    columns : (left, right)
        Columns of the rectangle.
    """
    around = np.arange(rows[0], rows[1] + 1)
    counts = []
    for trace in traces:
        there = _columns_at(trace, around)
        counts.append(int(np.count_nonzero((there >= columns[0]) & (there <= columns[1]))))
    return traces[int(np.argmax(counts))].curve_class if any(counts) else None


def _columns_at(trace: Trace, rows: NDArray[Any]) -> NDArray[np.float64]:
    """Columns of a trace at scan rows; NaN where missing and beyond its ends."""
    places = rows.astype(np.intp) - trace.top
    there = (places >= 0) & (places < len(trace.column))
    return np.where(there, trace.column[np.clip(places, 0, max(len(trace.column) - 1, 0))], np.nan)
