"""What was read from the paper of a scan, with the place and the confidence of everything, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_welllog.tracks import Curve, Tracks

PenName = Literal["solid", "heavy", "dashed", "dotted", "dash-dot", "unknown"]
Place = tuple[float, float, float, float]
"""Top, bottom, left and right on the scan, in pixels."""


class _Part(BaseModel):
    """A part of what was read."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Section(_Part):
    """A stretch of rows on which a log is printed."""

    kind: Literal["main", "other"] = Field(
        description="the other ones are repeat sections and earlier passes"
    )
    top: float
    bottom: float


class DepthNumber(_Part):
    """One number that is printed beside the log."""

    text: str = Field(description="as it was read")
    depth: float
    place: Place
    row: float = Field(description="where the middle of its text lies")
    confidence: float
    used: bool = Field(description="whether it became an anchor")
    line: float | None = Field(
        default=None, description="row of the printed line it was tied to, if any is left"
    )
    residual: float | None = Field(
        default=None, description="rows between its line and where its neighbours put it"
    )


class DepthReading(_Part):
    """The printed depths."""

    unit: Literal["ft", "m"] | None = None
    unit_from: str = Field(default="", description="what told the unit")
    anchors: list[tuple[float, float]] = Field(default_factory=list)
    numbers: list[DepthNumber] = Field(default_factory=list)
    lean: float = Field(default=0.0, description="rows by which level lines sink for each column")
    confidence: float = 0.0
    refused: str | None = Field(default=None, description="why no depth is proposed; null if one is")


class Scale(_Part):
    """The scale of one curve, as the header prints it."""

    name: str = Field(description="as it was read")
    mnemonic: str
    unit: str
    left: float
    right: float
    scale: Literal["linear", "log"] = "linear"
    pen: PenName = "unknown"
    pen_width: float = Field(default=0.0, description="pixels")
    place: Place
    confidence: float
    wraps: int = Field(default=0, description="backup scales that the header prints for it")
    curve_class: Literal[1, 2] | None = Field(
        default=None, alias="class", description="null for a third curve, which is not read"
    )

    @property
    def curve(self) -> Curve | None:
        """The curve that it is the scale of; None for a third one."""
        if self.curve_class is None:
            return None
        names = ("curve_class", "mnemonic", "unit", "left", "right", "scale", "wraps")
        return Curve(**{name: getattr(self, name) for name in names})


class TrackReading(_Part):
    """The header of one track."""

    name: str
    grid: Literal["linear", "log", "unknown"] = "unknown"
    scales: list[Scale] = Field(default_factory=list)
    also_named: list[str] = Field(
        default_factory=list, description="curves of the logging whose values were not read"
    )
    confidence: float = 0.0
    refused: str | None = Field(default=None, description="why no scales are proposed; null if they are")


class PaperCalibration(_Part):
    """A calibration that was read from the paper of a scan.

    Parameters
    ----------
    proposal : Tracks
        What can be used: depths if they were read, else scan rows; the scales of a track if they were read,
        else fractions of its width.
    sections : list of Section
        Where logs are printed; the proposal is that of the main one.
    depth : DepthReading
        The printed depths.
    tracks : list of TrackReading
        The header of each track of the proposal.
    missing : str or None
        Where a track may be that was not found.
    seconds : dict
        How long finding and reading took.

    Examples
    --------
    >>> sorted(PaperCalibration.model_fields)
    ['depth', 'missing', 'proposal', 'seconds', 'sections', 'tracks']
    """

    proposal: Tracks
    sections: list[Section]
    depth: DepthReading
    tracks: list[TrackReading]
    missing: str | None = Field(default=None, description="where a track may be that was not found")
    seconds: dict[str, float] = Field(default_factory=dict, exclude=True)

    @property
    def knows_depth(self) -> bool:
        """Whether the printed depths were read."""
        return self.depth.refused is None

    @property
    def knows_scales(self) -> bool:
        """Whether every track was found, and its scales read."""
        return self.missing is None and all(track.refused is None for track in self.tracks)

    @property
    def is_sure(self) -> bool:
        """Whether nothing was refused."""
        return self.knows_depth and self.knows_scales

    def refusals(self) -> list[str]:
        """What was refused, and why, one line each."""
        depth = [f"depth: {self.depth.refused}"] if self.depth.refused else []
        missing = [self.missing] if self.missing else []
        return depth + missing + [f"{track.name}: {track.refused}" for track in self.tracks if track.refused]

    def summary(self) -> list[str]:
        """What was read, one line for depth and for each track."""
        lines = [] if self.depth.refused else [_depth_line(self.depth)]
        return lines + [_track_line(track) for track in self.tracks if not track.refused]

    def to_json(self) -> str:
        """Everything that was read, as JSON."""
        return self.model_dump_json(indent=2, by_alias=True) + "\n"


def _depth_line(depth: DepthReading) -> str:
    """Say what depths were read."""
    used = [number for number in depth.numbers if number.used]
    return (
        f"depth: {used[0].depth:g} to {used[-1].depth:g} {depth.unit}, {len(used)} numbers tied to their lines "
        f"(unit from {depth.unit_from}; confidence {depth.confidence:.2f})"
    )


def _track_line(track: TrackReading) -> str:
    """Say what scales were read."""
    return f"{track.name}: {'; '.join(map(_scale_words, track.scales))} (confidence {track.confidence:.2f})"


def _scale_words(scale: Scale) -> str:
    """Say one scale as a person would."""
    role = {1: "curve one", 2: "curve two", None: "a third curve, not read"}[scale.curve_class]
    unit = f" {scale.unit}" if scale.unit else ""
    return f"{scale.mnemonic} {scale.left:g} to {scale.right:g}{unit}, {scale.pen}, {role}"


def listed(items: Sequence[str], most: int = 8) -> str:
    """Items on one line, the later ones only counted.

    Examples
    --------
    >>> listed(["250", "300", "35O"], most=2)
    '250, 300 and 1 more'
    """
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")
