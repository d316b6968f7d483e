"""What a person makes of a reading: numbers and scales kept, mended or dropped, and the calibration that remains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from napari_welllog.calibrate.depth_lines import straightened, thinned
from napari_welllog.calibrate.result import DepthNumber, PaperCalibration, Scale
from napari_welllog.tracks import Curve, Track
from napari_welllog.tracks.editing import Anchor, Draft, Unit, new_curve, with_anchors
from napari_welllog.tracks.marks import Mark


@dataclass(frozen=True)
class ReviewedNumber:
    """A depth number that was read, and what a person makes of it.

    Parameters
    ----------
    number : DepthNumber
        As it was read.
    kept : bool
        Whether it shall be an anchor.
    depth : float
        What it says; differs from what was read where someone mended it.
    """

    number: DepthNumber
    kept: bool
    depth: float


@dataclass(frozen=True)
class ReviewedScale:
    """A scale that was read, and what a person makes of it.

    Parameters
    ----------
    scale : Scale
        With what someone mended.
    kept : bool
        Whether its curve shall be read.
    """

    scale: Scale
    kept: bool


@dataclass(frozen=True)
class Review:
    """What was read from the paper, and what a person keeps of it; each change makes a new one.

    Parameters
    ----------
    read : PaperCalibration
        What was read.
    numbers : tuple of ReviewedNumber
        The depth numbers, as they were read.
    scales : tuple of tuple of ReviewedScale
        The scales of each track.

    Examples
    --------
    >>> from napari_welllog.calibrate.result import DepthReading
    >>> from napari_welllog.tracks import DepthAxis, Tracks
    >>> numbers = [
    ...     DepthNumber(text=f"{depth}", depth=depth, place=(row, row + 20, 5, 60), row=row + 10, line=row + 12,
    ...                 confidence=0.9, used=True)
    ...     for row, depth in ((100, 250), (300, 300), (500, 350))
    ... ]
    >>> axis = DepthAxis(unit="ft", anchors=[(112, 250), (512, 350)])
    >>> curve = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
    >>> track = Track(name="1", left=80, right=300, top=50, bottom=600, curves=[curve])
    >>> depth = DepthReading(unit="ft", anchors=axis.anchors, numbers=numbers)
    >>> proposal = Tracks(depth=axis, tracks=[track])
    >>> read = PaperCalibration(proposal=proposal, sections=[], tracks=[], depth=depth)
    >>> review = Review.of(read)
    >>> review.anchors()
    [(112.0, 250.0), (512.0, 350.0)]
    >>> review.with_number(2, depth=400).anchors()
    [(112.0, 250.0), (312.0, 300.0), (512.0, 400.0)]
    """

    read: PaperCalibration
    numbers: tuple[ReviewedNumber, ...]
    scales: tuple[tuple[ReviewedScale, ...], ...]

    @classmethod
    def of(cls, read: PaperCalibration) -> Review:
        """The review that keeps what the reading itself would use: nothing of what it refused."""
        numbers = tuple(ReviewedNumber(number, number.used, number.depth) for number in read.depth.numbers)
        scales = tuple(
            tuple(
                ReviewedScale(scale, track.refused is None and scale.curve_class is not None)
                for scale in track.scales
            )
            for track in read.tracks
        )
        return cls(read, numbers, scales)

    def with_number(self, index: int, kept: bool | None = None, depth: float | None = None) -> Review:
        """Keep or drop a depth number, or mend what it says."""
        old = self.numbers[index]
        new = replace(
            old, kept=old.kept if kept is None else kept, depth=old.depth if depth is None else depth
        )
        return replace(self, numbers=(*self.numbers[:index], new, *self.numbers[index + 1 :]))

    def with_scale(self, track: int, index: int, kept: bool | None = None, **changes: object) -> Review:
        """Keep or drop a scale of a track, or mend its fields (those of `Scale`)."""
        old = self.scales[track][index]
        new = ReviewedScale(old.scale.model_copy(update=changes), old.kept if kept is None else kept)
        scales = (*self.scales[track][:index], new, *self.scales[track][index + 1 :])
        return replace(self, scales=(*self.scales[:track], scales, *self.scales[track + 1 :]))

    @property
    def unit(self) -> Literal["ft", "m"] | None:
        """The unit of the depths; None where the paper does not tell it."""
        return self.read.depth.unit

    def anchors(self) -> list[Anchor]:
        """The depth anchors (row, depth) that remain, as few as say the same.

        Where nobody changed anything they are those of the reading.
        """
        depth = self.read.depth
        if depth.anchors and all(
            one.kept == one.number.used and one.depth == one.number.depth for one in self.numbers
        ):
            return list(depth.anchors)
        kept = sorted((self._anchor_row(one.number), one.depth) for one in self.numbers if one.kept)
        # Anchors that go back and forth are for whoever takes them to refuse, in words.
        if len(kept) < 3 or not _goes_one_way(kept):
            return [(row, depth) for row, depth in kept]
        return thinned(straightened(kept))

    def _anchor_row(self, number: DepthNumber) -> float:
        """The row of a number's printed line, or of its text, at the middle of the tracks, where it has none."""
        return number.line if number.line is not None else round(number.row - self._sinking(number), 2)

    def _sinking(self, number: DepthNumber) -> float:
        """Rows by which a level line lies lower at a number than at the middle of the tracks."""
        tracks = self.read.proposal.tracks
        middle = float(np.mean([edge for track in tracks for edge in track.edges(number.row)]))
        return self.read.depth.lean * ((number.place[2] + number.place[3]) / 2 - middle)

    def draft(self, draft: Draft) -> Draft:
        """The calibration that remains, in the place of a draft; its depths stay where none were kept.

        Parameters
        ----------
        draft : Draft
            The calibration so far.

        Raises
        ------
        TracksError
            If a scale that is kept cannot be used, or two curves of a track have one class.
        """
        made = replace(draft, tracks=())
        for track, curves in zip(self.read.proposal.tracks, self._curves_of_tracks(), strict=True):
            made = replace(made, tracks=(*made.tracks, _with_curves(made, track, curves)))
        anchors = self.anchors()
        if not anchors:
            return made
        unit: Unit = self.unit or ("ft" if draft.unit == "row" else draft.unit)
        return with_anchors(replace(made, unit=unit), anchors)

    def _curves_of_tracks(self) -> Iterator[list[Curve]]:
        """The curves that are kept of each track of the proposal."""
        for index in range(len(self.read.proposal.tracks)):
            scales = self.scales[index] if index < len(self.scales) else ()
            yield [curve for one in scales if one.kept and (curve := one.scale.curve) is not None]

    def marks(self) -> list[Mark]:
        """All that was read, to be drawn over the scan."""
        numbers = [self._mark(one) for one in self.numbers]
        return numbers + [
            Mark(one.scale.place, one.scale.mnemonic or "?", "read" if one.kept else "dropped")
            for scales in self.scales
            for one in scales
        ]

    def _mark(self, one: ReviewedNumber) -> Mark:
        """A depth number to be drawn."""
        number = one.number
        line = None if number.line is None else number.line + self._sinking(number)
        return Mark(number.place, f"{one.depth:g}", "read" if one.kept else "dropped", line)


def _goes_one_way(anchors: list[Anchor]) -> bool:
    """Whether depths change from anchor to anchor, all in one direction, and rows too."""
    rows, depths = np.diff(np.asarray(anchors, np.float64), axis=0).T
    return bool((rows > 0).all() and ((depths > 0).all() or (depths < 0).all()))


def _with_curves(draft: Draft, track: Track, curves: list[Curve]) -> Track:
    """A track with curves; with two that read fractions of its width where there are none."""
    curves = curves or [new_curve(draft, len(draft.tracks) + 1, curve_class) for curve_class in (1, 2)]
    fields = {name: getattr(track, name) for name in Track.model_fields}
    return Track(**fields | {"curves": sorted(curves, key=lambda curve: curve.curve_class)})
