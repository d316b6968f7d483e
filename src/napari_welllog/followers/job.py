"""Follow every curve of a calibrated scan."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_welllog.class_map import ClassMap
from napari_welllog.curves import Trace, TraceState, extract_traces
from napari_welllog.errors import WelllogError
from napari_welllog.followers.follow import follow
from napari_welllog.followers.ink import prepare
from napari_welllog.followers.walk import FollowedPath, Verdict
from napari_welllog.tracks import Track, Tracks

if TYPE_CHECKING:
    from napari_welllog.unet import Model

Start = tuple[float, float]

LOOKED_AT = 2048
"""Rows at the top of a track in which the network looks for the starts of its curves."""

_STEADY = 12
_APART = 8.0


@dataclass(frozen=True)
class FollowedScan:
    """Where a follower went on every curve.

    Parameters
    ----------
    paths : dict of str to FollowedPath
        By mnemonic.
    without_start : list of str
        Mnemonics of the curves for which no start was given or found.
    """

    paths: dict[str, FollowedPath]
    without_start: list[str]

    def to_csv(self) -> str:
        """Row, and of every curve its column (empty where lost) and verdict, as CSV."""
        header = ["row", *(field for name in self.paths for field in (name, f"{name}_verdict"))]
        lines = [",".join(header)]
        paths = self.paths.values()
        first = min((path.top for path in paths), default=0)
        last = max((path.top + len(path.column) for path in paths), default=0)
        for row in range(first, last):
            lines.append(",".join([str(row), *(field for path in paths for field in _fields(path, row))]))
        return "\n".join(lines) + "\n"


def _fields(path: FollowedPath, row: int) -> tuple[str, str]:
    """Column and verdict of a path at a row; empty above its start and below its end."""
    k = row - path.top
    if not 0 <= k < len(path.column):
        return "", ""
    verdict = Verdict(int(path.verdict[k])).word
    return ("" if np.isnan(path.column[k]) else f"{path.column[k]:.2f}"), verdict


def follow_scan(
    pixels: NDArray[np.uint8],
    tracks: Tracks,
    method: str = "kalman",
    starts: Mapping[str, Start] | None = None,
    model: Model | str | os.PathLike[str] | None = None,
    device: str = "auto",
    progress: Callable[[float], None] | None = None,
) -> FollowedScan:
    """Follow every curve of a calibrated scan from its start to the foot of its track.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    tracks : Tracks
        Its calibration.
    method : str
        One of `METHODS`.
    starts : dict of str to (row, column), optional
        Where curves start, by mnemonic. The others start where the network first sees them alone; it is not
        run when all are given.
    model, device
        As in `segment`.
    progress : function, optional
        Called with the share of the tracks done.

    Raises
    ------
    WelllogError
        If there is no such method, or a start lies outside its track.
    """
    starts = dict(starts or {})
    paths, without = {}, []
    for done, track in enumerate(tracks.tracks, start=1):
        if any(curve.mnemonic not in starts for curve in track.curves):
            starts = {**_seen_by_network(pixels, track, model, device), **starts}
        ink = prepare(pixels, track)
        for curve in track.curves:
            if curve.mnemonic in starts:
                paths[curve.mnemonic] = follow(ink, starts[curve.mnemonic], method)
            else:
                without.append(curve.mnemonic)
        if progress is not None:
            progress(done / len(tracks.tracks))
    return FollowedScan(paths, without)


def _seen_by_network(
    pixels: NDArray[np.uint8], track: Track, model: Model | str | os.PathLike[str] | None, device: str
) -> dict[str, Start]:
    """Where the network first sees the curves of a track, in the rows at its top."""
    from napari_welllog.unet import segment

    rows = track.rows_within(len(pixels))[:LOOKED_AT]
    labels = np.zeros((int(rows[-1]) + 1, pixels.shape[1]), np.uint8)
    labels[rows[0] :] = segment(pixels[rows[0] : rows[-1] + 1], model, device).labels
    return find_starts(ClassMap.from_labels(labels), track)


def find_starts(class_map: ClassMap, track: Track, traces: Sequence[Trace] | None = None) -> dict[str, Start]:
    """Find the first place at which each curve of a track stands alone for some rows.

    Parameters
    ----------
    class_map : ClassMap
        The classes of the scan, or of the rows at its top.
    track : Track
        Where to look, and for which curves.
    traces : sequence of Trace, optional
        The curves as they were read, if they are at hand.

    Returns
    -------
    dict of str to (row, column)
        By mnemonic; curves that are not to be found are left out.
    """
    traces = extract_traces(class_map, track) if traces is None else list(traces)
    found = {}
    for k, (trace, curve) in enumerate(zip(traces, track.curves, strict=True)):
        steady = trace.state == TraceState.TRACED
        for other in traces[:k] + traces[k + 1 :]:
            steady &= ~(np.abs(trace.column - other.column) < _APART)
        count = np.convolve(steady, np.ones(_STEADY), "valid") if len(steady) >= _STEADY else np.zeros(0)
        first = np.flatnonzero((count >= 0.6 * _STEADY) & steady[: len(count)])
        if len(first):
            found[curve.mnemonic] = (float(trace.top + first[0]), float(trace.column[first[0]]))
    return found


def read_start(text: str, tracks: Tracks) -> tuple[str, Start]:
    """Read a start that was written as CURVE=ROW,COLUMN.

    Raises
    ------
    WelllogError
        If it is not written so, or there is no such curve.

    Examples
    --------
    >>> from napari_welllog.tracks import DepthAxis
    >>> curve = {"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150}
    >>> track = Track(name="t", left=0, right=99, top=0, bottom=99, curves=[curve])
    >>> axis = DepthAxis(unit="ft", anchors=[(0, 100), (99, 110)])
    >>> read_start("GR=12,80.5", Tracks(depth=axis, tracks=[track]))
    ('GR', (12.0, 80.5))
    """
    name, _, place = text.partition("=")
    names = [curve.mnemonic for track in tracks.tracks for curve in track.curves]
    if name not in names:
        raise WelllogError(f"--start {text}: there is no curve {name}; the curves are {', '.join(names)}")
    try:
        row, column = (float(number) for number in place.split(","))
    except ValueError as error:
        raise WelllogError(
            f"--start {text}: is not CURVE=ROW,COLUMN; write for example {name}=120,80"
        ) from error
    if not (np.isfinite(row) and np.isfinite(column)):
        raise WelllogError(f"--start {text}: row and column must be finite numbers")
    return name, (row, column)
