"""The table of many scans as CSV: what was read, how surely, what was refused and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from napari_welllog.archive.record import Figures, Record, coverage, rows_of
from napari_welllog.report import CurveReport

HEADER = (
    "scan",
    "outcome",
    "reason",
    "calibration",
    "depth unit",
    "from",
    "to",
    "track",
    "curve",
    "unit",
    "with value",
    "traced",
    "bridged",
    "missing",
    "mean confidence",
    "crossings",
    "notes",
    "results",
)


def to_csv(records: Mapping[Path, Record], out: Path) -> str:
    """Lay out what came of every scan: a line for each curve of a scan that was read, else one line.

    Parameters
    ----------
    records : mapping
        By folder of results.
    out : Path
        Folder of all results.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for folder, record in sorted(records.items(), key=lambda item: item[1].scan.path):
        first = [record.scan.path, record.outcome, record.reason, calibration_words(record)]
        last = ["; ".join(notes(record)), folder.relative_to(out).as_posix()]
        if record.figures is None:
            writer.writerow([*first, *[""] * (len(HEADER) - len(first) - len(last)), *last])
            continue
        depth = depth_range(record.figures)
        for curve in record.figures.curves:
            writer.writerow([*first, *depth, *_figures_of(curve), *last])
    return text.getvalue()


def depth_range(figures: Figures) -> list[str]:
    """Unit of depth, and the depths between which a scan was read."""
    return [figures.depth_unit, f"{figures.depth_from:.10g}", f"{figures.depth_to:.10g}"]


def _figures_of(curve: CurveReport) -> list[str]:
    """How one curve was read, in shares of its rows."""
    rows = max(rows_of(curve), 1)
    counts = (curve.rows_traced, curve.rows_bridged, curve.rows_missing)
    confidence = "" if curve.mean_confidence is None else f"{curve.mean_confidence:.4f}"
    shares = [f"{coverage(curve):.4f}", *(f"{count / rows:.4f}" for count in counts)]
    return [curve.track, curve.mnemonic, curve.unit, *shares, confidence, str(curve.crossings)]


def calibration_words(record: Record) -> str:
    """Say where the depths and scales are from.

    Examples
    --------
    >>> from napari_welllog.archive.record import ScanMark, Settings
    >>> settings = Settings(version="1", model="m", model_sha256="", step=None, tracks="beside",
    ...     tracks_sha256="", prints_read=None)
    >>> scan = ScanMark(path="well.tif", size=0, sha256="", changed=0)
    >>> calibration_words(Record(scan=scan, settings=settings, outcome="refused", reason="empty"))
    'own tracks.json'
    """
    if record.settings.tracks == "beside":
        return "own tracks.json"
    if record.settings.tracks == "given":
        return "tracks.json for all"
    if record.figures is None:
        return "from the paper"
    if record.figures.depth_unit == "row":
        return "from the grid: depth is in scan rows"
    if record.figures.not_from_paper:
        return "from the paper, in part"
    return "from the paper"


def notes(record: Record) -> list[str]:
    """What a person should know before using the numbers."""
    return [] if record.figures is None else record.figures.warnings
