"""Make and change a calibration step by step: what a mouse takes hold of, what a drag does, undo and redo.

A `Draft` is never changed but replaced, so each step is a value of its own: undo puts an earlier one back, and a
drag is computed from the draft in which it began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Literal, TypeVar

import numpy as np

from napari_welllog.errors import TracksError
from napari_welllog.tracks.calibration import Curve, DepthAxis, Track, Tracks

Unit = Literal["ft", "m", "row"]
Anchor = tuple[float, float]
Rectangle = tuple[float, float, float, float]
Corners = list[tuple[float, float]]
Value = TypeVar("Value")

_SHARES = 20  # halvings until a drag that goes too far stops: finer than any screen
_DECIMALS = 1  # of a pixel: a mouse points no finer


@dataclass(frozen=True)
class Draft:
    """A calibration in the making: it may still lack tracks, or depths.

    Parameters
    ----------
    unit : "ft", "m" or "row"
        Unit of depth.
    anchors : tuple of (row, depth)
        Any number; with fewer than two the depth is still just the scan's row.
    tracks : tuple of Track
        Any number.

    Examples
    --------
    >>> draft = with_track(Draft(), (0, 99, 10, 60))
    >>> draft = with_anchor(with_anchor(draft, 20, 1000), 70, 1005)
    >>> draft.calibration(100).depth.depths([20, 30]).tolist()
    [1000.0, 1001.0]
    """

    unit: Unit = "row"
    anchors: tuple[Anchor, ...] = ()
    tracks: tuple[Track, ...] = ()

    @classmethod
    def of(cls, tracks: Tracks | None) -> Draft:
        """The draft that a calibration comes from."""
        if tracks is None:
            return cls()
        return cls(tracks.depth.unit, tuple(tracks.depth.anchors), tuple(tracks.tracks))

    @property
    def knows_depth(self) -> bool:
        """Whether anchors say more than that the depth of a row is the row."""
        return len(self.anchors) > 1 and not self._only_rows

    @property
    def _only_rows(self) -> bool:
        """Whether the anchors, if any, give each row itself as its depth."""
        return self.unit == "row" and all(row == depth for row, depth in self.anchors)

    @property
    def typed_anchors(self) -> tuple[Anchor, ...]:
        """The anchors that someone gave: none while depth is just the scan's row."""
        return () if self._only_rows else self.anchors

    def depth_axis(self, rows: int) -> DepthAxis:
        """The depth axis of a scan of so many rows; its rows while there are not two anchors.

        Raises
        ------
        TracksError
            If anchors are out of order.
        """
        if len(self.anchors) > 1:
            return DepthAxis(unit=self.unit, anchors=list(self.anchors))
        last = max(rows - 1, 1)
        return DepthAxis(unit="row", anchors=[(0, 0), (last, last)])

    def calibration(self, rows: int) -> Tracks | None:
        """The calibration of a scan of so many rows; None while there is no track.

        Raises
        ------
        TracksError
            If parts of the draft contradict each other.
        """
        axis = self.depth_axis(rows)
        return Tracks(depth=axis, tracks=list(self.tracks)) if self.tracks else None

    def checked(self, rows: int, columns: int) -> Draft:
        """The draft itself, if it can be used on a scan of that size.

        Raises
        ------
        TracksError
            If parts of it contradict each other or lie outside the scan.
        """
        tracks = self.calibration(rows)
        if tracks is not None:
            tracks.check_against(rows, columns)
        return self


class History(Generic[Value]):
    """A value with its earlier and undone ones.

    Parameters
    ----------
    value : any
        The first value.

    Examples
    --------
    >>> history = History("a")
    >>> history.change("b")
    >>> history.change("bc", step="typing")
    >>> history.change("bcd", step="typing")
    >>> history.undo(), history.undo(), history.undo()
    ('b', 'a', 'a')
    >>> history.redo()
    'b'
    """

    def __init__(self, value: Value) -> None:
        self._values = [value]
        self._at = 0
        self._step: object = None

    @property
    def value(self) -> Value:
        """The present value."""
        return self._values[self._at]

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier value."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone value."""
        return self._at < len(self._values) - 1

    def change(self, value: Value, step: object = None) -> None:
        """Take a new value; changes in a row with the same step, other than None, are undone as one."""
        if value == self.value:
            return
        same_step = step is not None and step == self._step and not self.can_redo
        self._step = step
        if same_step and self._at > 0:
            self._values[self._at] = value
            return
        self._values[self._at + 1 :] = [value]
        self._at += 1

    def undo(self) -> Value:
        """Go back to the value before the last change, if there is one."""
        return self._go(-1)

    def redo(self) -> Value:
        """Take back the last undo, if nothing has changed since."""
        return self._go(1)

    def _go(self, by: int) -> Value:
        """Go by so many values, as far as there are any."""
        self._at = min(max(self._at + by, 0), len(self._values) - 1)
        self._step = None
        return self.value


# --- Depths ---


def with_anchor(draft: Draft, row: float, depth: float) -> Draft:
    """Add an anchor; on a draft whose depth was just the row it is the first, and the unit becomes feet."""
    unit: Unit = "ft" if draft._only_rows else draft.unit
    return with_anchors(
        replace(draft, unit=unit, anchors=draft.typed_anchors), [*draft.typed_anchors, (row, depth)]
    )


def with_anchors(draft: Draft, anchors: Sequence[Anchor]) -> Draft:
    """Put these anchors, from the top down, in the place of all others."""
    return replace(draft, anchors=tuple(sorted((float(row), float(depth)) for row, depth in anchors)))


def with_unit(draft: Draft, unit: Unit) -> Draft:
    """Give the unit of depth; "row" forgets the anchors, because a row is its own depth."""
    return replace(draft, unit=unit, anchors=() if unit == "row" or draft._only_rows else draft.anchors)


# --- Tracks ---


def with_track(draft: Draft, rectangle: Rectangle) -> Draft:
    """Add a track with two curves whose values are still fractions of its width.

    Parameters
    ----------
    draft : Draft
        The draft.
    rectangle : top, bottom, left, right
        Where the track is.

    Raises
    ------
    TracksError
        If the rectangle encloses nothing.

    Examples
    --------
    >>> draft = with_track(with_track(Draft(), (0, 99, 10, 60)), (0, 99, 70, 120))
    >>> [(track.name, [curve.mnemonic for curve in track.curves]) for track in draft.tracks]
    [('track 1', ['T1C1', 'T1C2']), ('track 2', ['T2C1', 'T2C2'])]
    """
    top, bottom, left, right = (round(float(edge), _DECIMALS) for edge in rectangle)
    number = next(_free_numbers(draft))
    curves = [new_curve(draft, number, kind) for kind in (1, 2)]
    track = Track(name=f"track {number}", left=left, right=right, top=top, bottom=bottom, curves=curves)
    return replace(draft, tracks=(*draft.tracks, track))


def _free_numbers(draft: Draft) -> Iterator[int]:
    """Numbers that neither the name of a track nor the mnemonic of a curve uses."""
    taken = {track.name for track in draft.tracks} | _mnemonics(draft)
    for number in range(len(draft.tracks) + 1, 2 * len(draft.tracks) + 100):
        if not taken & {f"track {number}", f"T{number}C1", f"T{number}C2"}:
            yield number


def _mnemonics(draft: Draft) -> set[str]:
    """The mnemonics of all curves, as LAS compares them."""
    return {curve.mnemonic.strip().upper() for track in draft.tracks for curve in track.curves}


def new_curve(draft: Draft, number: int, curve_class: int) -> Curve:
    """A curve of track `number` of which nothing is known but its class: it reads fractions of the width."""
    mnemonic, taken = f"T{number}C{curve_class}", _mnemonics(draft)
    while mnemonic in taken:
        mnemonic += "A"
    kind: Literal[1, 2] = 1 if curve_class == 1 else 2
    return Curve(curve_class=kind, mnemonic=mnemonic, unit="fraction", left=0, right=1)


def without_track(draft: Draft, index: int) -> Draft:
    """Remove a track."""
    return replace(draft, tracks=(*draft.tracks[:index], *draft.tracks[index + 1 :]))


def with_changed_track(draft: Draft, index: int, **changes: object) -> Draft:
    """Change fields of a track.

    Raises
    ------
    TracksError
        If the track cannot be used then.
    """
    track = draft.tracks[index]
    fields = {name: getattr(track, name) for name in Track.model_fields} | changes
    return replace(draft, tracks=(*draft.tracks[:index], Track(**fields), *draft.tracks[index + 1 :]))


def with_curve(draft: Draft, index: int, curve_class: int, curve: Curve | None) -> Draft:
    """Put a curve in the place of a track's curve of that class; None removes it.

    Raises
    ------
    TracksError
        If that leaves the track without a curve.
    """
    kept = list(draft.tracks[index].curves)
    at = next((i for i, old in enumerate(kept) if old.curve_class == curve_class), None)
    if at is None:
        kept = sorted([*kept, *([curve] if curve else [])], key=lambda one: one.curve_class)
    else:
        kept[at : at + 1] = [curve] if curve else []
    return with_changed_track(draft, index, curves=kept)


def with_ignored(draft: Draft, index: int, rectangle: Rectangle) -> Draft:
    """Add a rectangle of a track in which nothing is read.

    Raises
    ------
    TracksError
        If the rectangle encloses nothing.
    """
    rounded = tuple(round(float(edge), _DECIMALS) for edge in rectangle)
    return with_changed_track(draft, index, ignore=[*draft.tracks[index].ignore, rounded])


def without_ignored(draft: Draft, index: int, number: int) -> Draft:
    """Remove a rectangle of a track in which nothing is read."""
    ignored = list(draft.tracks[index].ignore)
    del ignored[number]
    return with_changed_track(draft, index, ignore=ignored)


def with_corner(draft: Draft, index: int, side: Literal["left", "right"], row: float, column: float) -> Draft:
    """Bend an edge of a track at a point, so that it can follow a skewed page.

    Raises
    ------
    TracksError
        If the edge has a corner at that row already, or would cross the other edge.
    """
    track = draft.tracks[index]
    corner = (round(float(row), _DECIMALS), round(float(column), _DECIMALS))
    return with_changed_track(draft, index, **{side: sorted([*corners_of(track, side), corner])})


def without_corner(draft: Draft, index: int, side: Literal["left", "right"], number: int) -> Draft:
    """Remove a corner of an edge; an edge of one corner is a column.

    Raises
    ------
    TracksError
        If the edge would then cross the other one.
    """
    corners = corners_of(draft.tracks[index], side)
    del corners[number]
    return with_changed_track(draft, index, **{side: corners if len(corners) > 1 else corners[0][1]})


def corners_of(track: Track, side: Literal["left", "right"]) -> Corners:
    """Corners (row, column) of an edge; an edge that is a column has one at the track's top and bottom."""
    edge = track.left if side == "left" else track.right
    return [(track.top, edge), (track.bottom, edge)] if isinstance(edge, float) else list(edge)


def track_at(draft: Draft, row: float, column: float) -> int | None:
    """Number of the track that a point of the scan lies in."""
    for index, track in enumerate(draft.tracks):
        if track.top <= row <= track.bottom and 0 <= track.fractions(row, column) <= 1:
            return index
    return None


# --- What a mouse takes hold of ---


@dataclass(frozen=True)
class Handle:
    """A part of the calibration that can be dragged.

    Parameters
    ----------
    part : "corner", "ignored", "edge", "end" or "anchor"
        A corner of an edge, a side of a rectangle to ignore, an edge, the top or bottom, a depth anchor.
    track : int
        Number of the track; -1 for an anchor.
    side : "left", "right", "top", "bottom" or ""
        Which edge, end or side.
    number : int
        Number of the corner, the rectangle or the anchor.
    """

    part: Literal["corner", "ignored", "edge", "end", "anchor"]
    track: int = -1
    side: Literal["left", "right", "top", "bottom", ""] = ""
    number: int = -1

    @property
    def is_level(self) -> bool:
        """Whether it is a level line, which is dragged up and down."""
        return self.part == "anchor" or self.side in ("top", "bottom")


def handle_at(draft: Draft, row: float, column: float, reach: tuple[float, float]) -> Handle | None:
    """The part of a draft at a point of the scan, if there is one within reach.

    Where several are, a corner comes before the sides of a rectangle, these before edges, edges before the top
    and the bottom, and anchors come last; among equals the nearest is taken.

    Parameters
    ----------
    draft : Draft
        The draft.
    row, column : float
        The point.
    reach : rows, columns
        How far from the point it may be.

    Returns
    -------
    Handle or None
        What is there.

    Examples
    --------
    >>> draft = with_track(Draft(), (0, 99, 10, 60))
    >>> handle_at(draft, 50, 12, reach=(3, 3))
    Handle(part='edge', track=0, side='left', number=-1)
    >>> handle_at(draft, 50, 30, reach=(3, 3)) is None
    True
    """
    for handles in (_corners, _ignored_sides, _edges, _ends, _anchors):
        near = [
            (distance, handle) for distance, handle in handles(draft, row, column, reach) if distance <= 1
        ]
        if near:
            return min(near, key=lambda pair: pair[0])[1]
    return None


_Near = Iterator[tuple[float, Handle]]


def _corners(draft: Draft, row: float, column: float, reach: tuple[float, float]) -> _Near:
    """Corners of bent edges, with their distances in reaches."""
    for index, track in enumerate(draft.tracks):
        for side, edge in (("left", track.left), ("right", track.right)):
            for number, (at, where) in enumerate([] if isinstance(edge, float) else edge):
                distance = max(abs(at - row) / reach[0], abs(where - column) / reach[1])
                yield distance, Handle("corner", index, "left" if side == "left" else "right", number)


def _ignored_sides(draft: Draft, row: float, column: float, reach: tuple[float, float]) -> _Near:
    """Sides of rectangles to ignore, with their distances in reaches."""
    for index, track in enumerate(draft.tracks):
        for number, (top, bottom, left, right) in enumerate(track.ignore):
            beside = _beyond(row, top, bottom) / reach[0]
            level = _beyond(column, left, right) / reach[1]
            yield max(abs(column - left) / reach[1], beside), Handle("ignored", index, "left", number)
            yield max(abs(column - right) / reach[1], beside), Handle("ignored", index, "right", number)
            yield max(abs(row - top) / reach[0], level), Handle("ignored", index, "top", number)
            yield max(abs(row - bottom) / reach[0], level), Handle("ignored", index, "bottom", number)


def _edges(draft: Draft, row: float, column: float, reach: tuple[float, float]) -> _Near:
    """Edges of tracks, with their distances in reaches."""
    for index, track in enumerate(draft.tracks):
        left, right = (float(edge) for edge in track.edges(row))
        beside = _beyond(row, track.top, track.bottom) / reach[0]
        yield max(abs(column - left) / reach[1], beside), Handle("edge", index, "left")
        yield max(abs(column - right) / reach[1], beside), Handle("edge", index, "right")


def _ends(draft: Draft, row: float, column: float, reach: tuple[float, float]) -> _Near:
    """Tops and bottoms of tracks, with their distances in reaches."""
    for index, track in enumerate(draft.tracks):
        left, right = (float(edge) for edge in track.edges(row))
        level = _beyond(column, left, right) / reach[1]
        yield max(abs(row - track.top) / reach[0], level), Handle("end", index, "top")
        yield max(abs(row - track.bottom) / reach[0], level), Handle("end", index, "bottom")


def _anchors(draft: Draft, row: float, column: float, reach: tuple[float, float]) -> _Near:
    """Anchors, which reach across the whole scan, with their distances in reaches."""
    for number, (at, _) in enumerate(draft.typed_anchors):
        yield abs(row - at) / reach[0], Handle("anchor", number=number)


def _beyond(place: float, first: float, last: float) -> float:
    """How far a place lies outside a span."""
    return max(first - place, place - last, 0.0)


def drag(draft: Draft, handle: Handle, rows: float, columns: float, size: tuple[int, int]) -> Draft:
    """Drag a part of a draft by so much, or as far as it goes.

    Parameters
    ----------
    draft : Draft
        The draft in which the drag began.
    handle : Handle
        What is dragged.
    rows, columns : float
        By how much since the drag began.
    size : rows, columns
        Size of the scan, which nothing can leave.

    Returns
    -------
    Draft
        A draft that can be used; an edge that would cross the other one stops before it.

    Examples
    --------
    >>> draft = with_track(Draft(), (0, 99, 10, 60))
    >>> drag(draft, Handle("edge", 0, "left"), rows=0, columns=5, size=(100, 100)).tracks[0].left
    15.0
    >>> drag(draft, Handle("edge", 0, "left"), rows=0, columns=70, size=(100, 100)).tracks[0].left < 60
    True
    """
    whole = _allowed(draft, handle, rows, columns, size)
    if whole is not None:
        return whole
    # What is allowed at both ends of a straight way is allowed between them, so the last place is found by halving.
    best, good, bad = draft, 0.0, 1.0
    for _ in range(_SHARES):
        share = (good + bad) / 2
        moved = _allowed(draft, handle, share * rows, share * columns, size)
        if moved is None:
            bad = share
        else:
            best, good = moved, share
    return best


def _allowed(
    draft: Draft, handle: Handle, rows: float, columns: float, size: tuple[int, int]
) -> Draft | None:
    """The draft after a drag, or None if it could not be used."""
    try:
        return _MOVES[handle.part](draft, handle, rows, columns).checked(*size)
    except TracksError:
        return None


def _move_corner(draft: Draft, handle: Handle, rows: float, columns: float) -> Draft:
    """Move one corner of an edge."""
    side: Literal["left", "right"] = "left" if handle.side == "left" else "right"
    corners = corners_of(draft.tracks[handle.track], side)
    row, column = corners[handle.number]
    corners[handle.number] = (_moved(row, rows), _moved(column, columns))
    return with_changed_track(draft, handle.track, **{side: corners})


def _move_edge(draft: Draft, handle: Handle, rows: float, columns: float) -> Draft:
    """Move a whole edge sideways."""
    edge = getattr(draft.tracks[handle.track], handle.side)
    if isinstance(edge, float):
        return with_changed_track(draft, handle.track, **{handle.side: _moved(edge, columns)})
    return with_changed_track(
        draft, handle.track, **{handle.side: [(row, _moved(column, columns)) for row, column in edge]}
    )


def _move_end(draft: Draft, handle: Handle, rows: float, columns: float) -> Draft:
    """Move the top or the bottom of a track."""
    row = _moved(getattr(draft.tracks[handle.track], handle.side), rows)
    return with_changed_track(draft, handle.track, **{handle.side: row})


def _move_ignored(draft: Draft, handle: Handle, rows: float, columns: float) -> Draft:
    """Move one side of a rectangle to ignore."""
    ignored = [list(rectangle) for rectangle in draft.tracks[handle.track].ignore]
    side = ("top", "bottom", "left", "right").index(handle.side)
    ignored[handle.number][side] = _moved(ignored[handle.number][side], rows if handle.is_level else columns)
    return with_changed_track(draft, handle.track, ignore=ignored)


def _move_anchor(draft: Draft, handle: Handle, rows: float, columns: float) -> Draft:
    """Move an anchor up or down; it keeps its place among the others."""
    anchors = list(draft.anchors)
    row, depth = anchors[handle.number]
    anchors[handle.number] = (_moved(row, rows), depth)
    return replace(draft, anchors=tuple(anchors))


def _moved(place: float, by: float) -> float:
    """A place after a drag, as finely as a mouse points."""
    return round(place + by, _DECIMALS) if by else place


_MOVES: dict[str, Callable[[Draft, Handle, float, float], Draft]] = {
    "corner": _move_corner,
    "edge": _move_edge,
    "end": _move_end,
    "ignored": _move_ignored,
    "anchor": _move_anchor,
}


def rectangle_between(one: Anchor, other: Anchor, size: tuple[int, int]) -> Rectangle:
    """Top, bottom, left and right of the rectangle between two points, cut off at the scan's outer edge.

    Examples
    --------
    >>> rectangle_between((90, 60), (10, -20), size=(100, 50))
    (10.0, 90.0, -0.5, 49.5)
    """
    outer = np.asarray(size, np.float64) - 0.5
    corners = np.clip([one, other], -0.5, outer)
    (top, left), (bottom, right) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return top, bottom, left, right


# --- The calibration as a script ---


def to_python(tracks: Tracks, path: str | Path) -> str:
    """A script that makes this calibration and saves it.

    Parameters
    ----------
    tracks : Tracks
        The calibration.
    path : path
        The tracks.json to write.

    Returns
    -------
    str
        Python that runs by itself.

    Examples
    --------
    >>> tracks = with_track(Draft(), (0, 99, 10, 60)).calibration(100)
    >>> print(to_python(tracks, "well.tracks.json"))  # doctest: +ELLIPSIS
    from napari_welllog import Tracks
    from napari_welllog.tracks import Curve, DepthAxis, Track
    ...
    tracks.save('well.tracks.json')
    """
    lines = [
        "from napari_welllog import Tracks",
        "from napari_welllog.tracks import Curve, DepthAxis, Track",
        "",
        "tracks = Tracks(",
        f"    depth=DepthAxis(unit={tracks.depth.unit!r}, anchors={tracks.depth.anchors!r}),",
        "    tracks=[",
        *(line for track in tracks.tracks for line in _track_lines(track)),
        "    ],",
        ")",
        f"tracks.save({str(path)!r})",
    ]
    return "\n".join(lines)


def _track_lines(track: Track) -> list[str]:
    """Lines of Python that make a track."""
    names = ("name", "left", "right", "top", "bottom", *(["ignore"] if track.ignore else []))
    return [
        "        Track(",
        *(f"            {name}={getattr(track, name)!r}," for name in names),
        "            curves=[",
        *(f"                Curve({_arguments(curve)})," for curve in track.curves),
        "            ],",
        "        ),",
    ]


def _arguments(curve: Curve) -> str:
    """Arguments that make a curve, optional ones only where they say something."""
    names = ["curve_class", "mnemonic", "unit", "left", "right"]
    names += ["scale"] if curve.scale != "linear" else []
    names += ["wraps"] if curve.wraps else []
    return ", ".join(f"{name}={getattr(curve, name)!r}" for name in names)
