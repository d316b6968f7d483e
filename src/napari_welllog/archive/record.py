"""What is remembered of a scan, in record.json among its results: by it a later run knows what is done."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_welllog.report import CurveReport, Report

RECORD = "record.json"
"""Name of the record in the folder of a scan's results."""

Outcome = Literal["read", "refused", "failed"]
"""Refused: the scan or its calibration cannot be used. Failed: the machine could not, and may do so later."""

TracksFrom = Literal["beside", "given", "paper"]
"""Where the calibration is from: a file beside the scan, the file for all scans, or the paper."""


class _Part(BaseModel):
    """A part of a record."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class FileMark(_Part):
    """What tells a file from another one."""

    size: int
    sha256: str

    @classmethod
    def of(cls, path: str | Path) -> FileMark:
        """Read all of a file.

        Examples
        --------
        >>> file = getfixture("tmp_path") / "empty"; file.touch()
        >>> FileMark.of(file).sha256[:8]
        'e3b0c442'
        """
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return cls(size=file.tell(), sha256=digest)


class ScanMark(FileMark):
    """A scan as it was when it was read."""

    path: str
    changed: int = Field(description="when the file was last changed, in nanoseconds since 1970")

    def is_still(self, path: str | Path) -> bool:
        """Whether a file is the one that was read: of its size and time, or else of its bytes."""
        now = Path(path).stat()
        if now.st_size != self.size:
            return False
        return now.st_mtime_ns == self.changed or FileMark.of(path).sha256 == self.sha256


class Settings(_Part):
    """All but the scan that the results depend on: when it changes, the scan is read again."""

    version: str
    model: str
    model_sha256: str
    step: float | None
    tracks: TracksFrom
    tracks_sha256: str | None = Field(description="of the tracks.json; null if the paper is asked")
    prints_read: bool | None = Field(description="whether the paper is read by OCR; null if it is not asked")


class Figures(_Part):
    """What was read of a scan, and how surely."""

    rows: int
    columns: int
    depth_unit: str
    depth_from: float
    depth_to: float
    curves: list[CurveReport]
    crossings: int
    from_paper: list[str] = Field(description="what was read of the calibration")
    not_from_paper: list[str] = Field(description="what of the calibration was refused, and why")
    warnings: list[str]

    @property
    def coverage(self) -> float:
        """Share of its rows in which the worst curve of the scan has a value."""
        return min((coverage(curve) for curve in self.curves), default=0.0)

    @classmethod
    def of(cls, report: Report) -> Figures:
        """Gather the figures of a report."""
        tracks = report.calibration.tracks
        ends = [min(track.top for track in tracks), max(track.bottom for track in tracks)]
        first, last = sorted(report.calibration.depth.depths(ends).tolist())
        return cls(
            rows=report.scan.rows,
            columns=report.scan.columns,
            depth_unit=report.calibration.depth.unit,
            depth_from=round(first, 3),
            depth_to=round(last, 3),
            curves=report.curves,
            crossings=len(report.crossings),
            from_paper=[] if report.paper is None else report.paper.summary(),
            not_from_paper=[] if report.paper is None else report.paper.refusals(),
            warnings=report.warnings,
        )


def rows_of(curve: CurveReport) -> int:
    """Rows of a curve's track."""
    return curve.rows_traced + curve.rows_bridged + curve.rows_missing + curve.rows_edited


def coverage(curve: CurveReport) -> float:
    """Share of its rows in which a curve has a value."""
    return 1 - curve.rows_missing / max(rows_of(curve), 1)


class Record(_Part):
    """What came of one scan.

    Examples
    --------
    >>> Record.load("no/such/record.json") is None
    True
    """

    format: Literal[1] = 1
    scan: ScanMark
    settings: Settings
    outcome: Outcome
    reason: str = Field("", description="why it was not read, in one line")
    figures: Figures | None = None
    files: dict[str, FileMark] = Field(default_factory=dict, description="the results, by name")

    @classmethod
    def load(cls, path: str | Path) -> Record | None:
        """Read a record; None where there is none that can be understood, so that its scan is read again."""
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except (OSError, ValueError):
            return None

    def to_json(self) -> str:
        """The text of record.json."""
        return self.model_dump_json(indent=2, by_alias=True) + "\n"

    def still_holds(self, folder: Path, scan: Path, settings: Settings) -> bool:
        """Whether the scan need not be read again: neither it, nor the settings, nor its results have changed.

        A scan that failed is always read again, for its failure lay not in it.
        """
        if self.outcome == "failed" or self.settings != settings:
            return False
        try:
            return self.scan.is_still(scan) and all(
                (folder / name).stat().st_size == mark.size for name, mark in self.files.items()
            )
        except OSError:
            return False
