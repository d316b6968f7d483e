"""What is told of a scan that was read: a file for people and programs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from napari_welllog.calibrate import PaperCalibration
from napari_welllog.tracks import Tracks


class _Part(BaseModel):
    """A part of a report."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class CurveReport(_Part):
    """How one curve was read."""

    track: str
    curve_class: int = Field(alias="class")
    mnemonic: str
    unit: str
    rows_traced: int
    rows_bridged: int
    rows_missing: int
    rows_edited: int = Field(description="drawn, given to this curve or erased by hand")
    mean_confidence: float | None = Field(
        description="over the rows that have a column; null if there are none"
    )
    crossings: int = Field(description="meetings with the other curve of its track")


class CrossingReport(_Part):
    """One place where two curves meet."""

    track: str
    row_from: int
    row_to: int
    column: float
    depth: float
    swaps: bool


class ScanReport(_Part):
    """The scan as it was read."""

    name: str
    rows: int
    columns: int
    dpi: float | None


class ModelReport(_Part):
    """The network that was used."""

    name: str
    sha256: str


class ClassShares(_Part):
    """Share of the scan's pixels in each class."""

    background: float
    curve_one: float
    curve_two: float


class Report(_Part):
    """What `digitize` did: everything but `seconds` is the same whenever the input, model and version are.

    Examples
    --------
    >>> sorted(Report.model_fields)
    ['calibration', 'class_shares', 'crossings', 'curves', 'files', 'model', 'paper', 'scan', 'seconds', 'step',
     'tracks_proposed', 'version', 'warnings']
    """

    version: str
    scan: ScanReport
    model: ModelReport | None = Field(description="null for a class map that no network made")
    step: float
    tracks_proposed: bool
    calibration: Tracks
    paper: PaperCalibration | None = Field(
        description="what was read from the paper, and what was refused; null if nobody asked it"
    )
    class_shares: ClassShares
    curves: list[CurveReport]
    crossings: list[CrossingReport]
    warnings: list[str]
    seconds: dict[str, float]
    files: dict[str, Path] = Field(exclude=True)

    def to_json(self) -> str:
        """The text of STEM_report.json."""
        return self.model_dump_json(indent=2, by_alias=True) + "\n"
