"""From the scales of a header to the curves of a track: backup scales, third curves, and which class is whose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from napari_welllog.calibrate.grid_kind import GridKind
from napari_welllog.calibrate.header_scale import ReadScale
from napari_welllog.calibrate.likely import is_always_log, is_backup
from napari_welllog.calibrate.names import THIRD_CURVES
from napari_welllog.calibrate.pens import BROKEN
from napari_welllog.calibrate.result import Scale, TrackReading
from napari_welllog.tracks.usual_curves import USUAL_CURVES

_LIGHTER = 1.3  # times the width of the other, from which of two solid pens one is the heavier
_LEAST_RATIO_OF_LOG = 10.0


def curves_of_track(
    name: str,
    scales: Sequence[ReadScale],
    grid: GridKind,
    loose: Sequence[str] = (),
    also_named: Sequence[str] = (),
) -> TrackReading:
    """Make the curves of a track of the scales in its header.

    Parameters
    ----------
    name : str
        The track.
    scales : sequence of ReadScale
        What the header says, from the top.
    grid : "linear", "log" or "unknown"
        What the track's vertical lines say.
    loose : sequence of str
        What stands among the scales and belongs to none of them.
    also_named : sequence of str
        Curves of the logging whose values were not read.

    Returns
    -------
    TrackReading
        With the class of each curve; refused where the paper does not tell it.

    Examples
    --------
    >>> place = (0.0, 1.0, 0.0, 1.0)
    >>> one = ReadScale("Gamma Ray", "GR", "GAPI", 0, 150, "solid", 2, place, 0.9)
    >>> backup = ReadScale("Gamma Ray", "GR", "GAPI", 150, 300, "solid", 2, place, 0.9)
    >>> two = ReadScale("Caliper", "CALI", "in", 6, 16, "dashed", 2, place, 0.9)
    >>> track = curves_of_track("track 1", [one, backup, two], "linear")
    >>> [(scale.mnemonic, scale.curve_class, scale.wraps) for scale in track.scales]
    [('GR', 1, 1), ('CALI', 2, 0)]
    """
    if not scales:
        return TrackReading(name=name, grid=grid, refused="no scale was found in the header above it")
    merged = _with_backups(scales)
    read = [_scale(scale, wraps, grid) for scale, wraps in merged]
    refused = (
        _doubtful(_needed([scale for scale, _ in merged]))
        or _contradicted(read, grid)
        or _without_its_first(read)
        or (loose[0] if loose else None)
    )
    classes = _classes(read)
    if isinstance(classes, str):
        refused = refused or classes
    else:
        read = [
            scale.model_copy(update={"curve_class": kind}) for scale, kind in zip(read, classes, strict=True)
        ]
    if also_named and len(read) < 2:
        refused = refused or f"the values of {also_named[0]} were not read, and a second curve was not found"
    confidence = 0.0 if refused else min(scale.confidence for scale in read if scale.curve_class is not None)
    return TrackReading(
        name=name,
        grid=grid,
        scales=read,
        also_named=list(also_named),
        confidence=round(confidence, 3),
        refused=refused,
    )


def _needed(scales: Sequence[ReadScale]) -> list[ReadScale]:
    """The scales that must be read: beside two curves of the rock a third one may be unclear."""
    rock = [scale for scale in scales if scale.mnemonic not in THIRD_CURVES]
    return rock if len(rock) > 1 else list(scales)


def _with_backups(scales: Sequence[ReadScale]) -> list[tuple[ReadScale, int]]:
    """Each scale with the number of backup scales that go on where it ends."""
    merged: list[tuple[ReadScale, int]] = []
    for scale in scales:
        for k, (main, wraps) in enumerate(merged):
            span = main.right - main.left
            ends = main.left + (wraps + 1) * span, main.right + (wraps + 1) * span
            if main.mnemonic == scale.mnemonic and all(
                math.isclose(one, two, rel_tol=1e-6, abs_tol=1e-9)
                for one, two in zip(ends, (scale.left, scale.right), strict=True)
            ):
                doubts = main.doubts + scale.doubts
                kept = replace(
                    main,
                    doubts=doubts,
                    confidence=min(main.confidence, scale.confidence),
                    pen_width=(main.pen_width * (wraps + 1) + scale.pen_width) / (wraps + 2),
                )
                merged[k] = (kept, wraps + 1)
                break
        else:
            merged.append((scale, 0))
    return merged


def _scale(scale: ReadScale, wraps: int, grid: GridKind) -> Scale:
    """A scale of the result; a unit that is not printed is the usual one where the values are the usual ones."""
    usual = USUAL_CURVES.get(scale.mnemonic)
    unit = scale.unit
    if not unit and usual is not None and {scale.left, scale.right} == {usual.left, usual.right}:
        unit = usual.unit
    is_log = _may_be_log(scale.left, scale.right) and (
        grid == "log" or (grid == "unknown" and is_always_log(scale.mnemonic, scale.left, scale.right))
    )
    return Scale(
        name=scale.name,
        mnemonic=scale.mnemonic,
        unit=unit,
        left=scale.left,
        right=scale.right,
        scale="log" if is_log else "linear",
        pen=scale.pen,
        pen_width=round(scale.pen_width, 1),
        place=scale.place,
        confidence=round(scale.confidence, 3),
        wraps=wraps,
    )


def _may_be_log(left: float, right: float) -> bool:
    """Whether a logarithmic scale can go from one value to the other: whole decades, above zero."""
    if min(left, right) <= 0:
        return False
    decades = abs(math.log10(right / left))
    return decades >= math.log10(_LEAST_RATIO_OF_LOG) - 1e-6 and abs(decades - round(decades)) < 1e-6


def _doubtful(scales: Sequence[ReadScale]) -> str | None:
    """What of the header is in doubt."""
    doubts = [
        f"{scale.mnemonic or scale.name or 'a scale'}: {doubt}" for scale in scales for doubt in scale.doubts
    ]
    nameless = [f"{s.left:g} to {s.right:g}" for s in scales if not s.mnemonic]
    if nameless and not doubts:
        doubts.append(f"the scale {nameless[0]} has no name")
    return "; ".join(doubts[:3]) or None


def _contradicted(scales: Sequence[Scale], grid: GridKind) -> str | None:
    """Values that do not go with the grid, or a name that stands twice."""
    for scale in [scale for scale in scales if scale.mnemonic not in THIRD_CURVES]:
        usual = USUAL_CURVES.get(scale.mnemonic)
        whole_decades = _may_be_log(scale.left, scale.right)
        if grid == "log" and not whole_decades:
            return (
                f"the grid is logarithmic, but {scale.mnemonic} goes from {scale.left:g} to {scale.right:g}"
            )
        if grid == "unknown" and whole_decades and not is_always_log(scale.mnemonic, scale.left, scale.right):
            return (
                f"the grid does not tell whether {scale.left:g} to {scale.right:g} is linear or logarithmic"
            )
        if grid == "linear" and whole_decades and usual is not None and usual.scale == "log":
            return f"{scale.mnemonic} goes from {scale.left:g} to {scale.right:g}, but no logarithmic grid is seen"
    spans = {round(abs(math.log10(s.right / s.left))) for s in scales if s.scale == "log"}
    if len(spans) > 1:
        return "its logarithmic scales have different numbers of decades, and one grid shows one number"
    names = [scale.mnemonic for scale in scales]
    twice = next((name for name in names if names.count(name) > 1), None)
    return (
        f"{twice} stands in the header twice, with scales that do not continue each other" if twice else None
    )


def _without_its_first(scales: Sequence[Scale]) -> str | None:
    """Say of which curve only the backup scale was read."""
    for scale in scales:
        if is_backup(scale.mnemonic, scale.left, scale.right):
            values = f"{scale.left:g} to {scale.right:g}"
            return f"{scale.mnemonic} goes from {values}: that is a backup scale without its first"
    return None


def _classes(scales: Sequence[Scale]) -> list[int | None] | str:
    """The class of each scale's curve, or why the pens do not tell."""
    read = list(range(len(scales)))
    if len(read) > 2:
        read = [k for k in read if scales[k].mnemonic not in THIRD_CURVES]
    if all(scale.mnemonic in THIRD_CURVES for scale in scales):
        return f"its header tells of {scales[0].mnemonic} alone, and of no curve of the rock"
    if not read or len(read) > 2:
        return f"its header has {len(read)} curves, and a track carries one or two"
    classes: list[int | None] = [None] * len(scales)
    unknown = [scales[k].mnemonic for k in read if scales[k].pen == "unknown"]
    if unknown and len(read) > 1:
        return f"no rule under {unknown[0]} tells its pen"
    if len(read) == 1:
        classes[read[0]] = 2 if scales[read[0]].pen in BROKEN else 1
        return classes
    first, second = (scales[k] for k in read)
    broken = [scale.pen in BROKEN for scale in (first, second)]
    if broken[0] != broken[1]:
        order = (2, 1) if broken[0] else (1, 2)
    elif not broken[0] and max(first.pen_width, second.pen_width) >= _LIGHTER * min(
        first.pen_width, second.pen_width
    ):
        order = (1, 2) if first.pen_width > second.pen_width else (2, 1)
    else:
        return f"the pens of {first.mnemonic} ({first.pen}) and {second.mnemonic} ({second.pen}) do not tell them apart"
    classes[read[0]], classes[read[1]] = order
    return classes
