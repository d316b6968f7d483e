"""The main job: one scan in; LAS, CSV, class map, overlay picture and report out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_welllog import __version__
from napari_welllog.calibrate import PaperCalibration, calibrate_scan, is_installed
from napari_welllog.calibrate.ocr import MISSING, TextReader
from napari_welllog.class_map import ClassMap, WrittenClassMap, count_curves, shares_of
from napari_welllog.class_map_file import write_class_map, write_probabilities
from napari_welllog.clock import Clock, Progress
from napari_welllog.edits import Edits
from napari_welllog.errors import LasError
from napari_welllog.las import write_csv, write_las
from napari_welllog.output import naming, staged
from napari_welllog.overlap import WriteBehind
from napari_welllog.overlay import write_overlay
from napari_welllog.packed_plane import PackedPlane
from napari_welllog.reading import Reading, read_curves
from napari_welllog.report import ClassShares, ModelReport, Report, ScanReport
from napari_welllog.scan import Scan, open_in_strips
from napari_welllog.tracks import Tracks, propose_tracks
from napari_welllog.unet import Model, load_model, segment_bands
from napari_welllog.unet.regions import Region, cleared_outside, regions_beside_tracks

__all__ = [
    "Result",
    "default_step",
    "digitize",
    "export",
    "output_paths",
    "segment_to_file",
    "write_class_map",
    "write_probabilities",
]

_BAND = 4096
"""Rows of a class map that are looked at together."""

_MUCH_MISSING = 0.5
"""Share of its rows above which a missing curve is worth a warning."""

_ENDINGS = {
    "las": ".las",
    "csv": ".csv",
    "classes": "_classes.tif",
    "overlay": "_overlay.png",
    "report": "_report.json",
}


def output_paths(scan_path: str | Path, out: str | Path | None = None) -> dict[str, Path]:
    """Paths of the five files that `digitize` writes.

    Examples
    --------
    >>> output_paths("logs/well.tif", "results")["classes"].as_posix()
    'results/well_classes.tif'
    """
    scan_path = Path(scan_path)
    folder = scan_path.parent if out is None else Path(out)
    return {kind: folder / f"{scan_path.stem}{ending}" for kind, ending in _ENDINGS.items()}


def digitize(
    scan_path: str | Path,
    tracks: str | Path | Tracks | None = None,
    out: str | Path | None = None,
    model: Model | str | Path | None = None,
    device: str = "auto",
    step: float | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    edits: str | Path | Edits | None = None,
    reader: TextReader | None = None,
) -> Report:
    """Turn a scan into numbers: STEM.las, STEM.csv, STEM_classes.tif, STEM_overlay.png and STEM_report.json.

    All five are written, or none: when anything goes wrong, or the job is cancelled, nothing new is left and
    the results of an earlier run are as they were.

    The scan is read, segmented and its class map written strip by strip, so a scan of any length takes little
    memory. Classes are told in and beside the tracks; outside of them everything is background.

    Parameters
    ----------
    scan_path : path
        The scan.
    tracks : path or Tracks, optional
        Its calibration. Without one the tracks are found from the grid, and depths and scales are read from the
        paper where that can be done surely. What cannot be read stays as it is: curves are then fractions of
        the track's width (0 at the left edge, 1 at the right), and depth is the scan's row.
    out : path, optional
        Folder of the results, made if need be; beside the scan by default.
    model : Model, name or path, optional
        The network; the one that ships by default.
    device : "auto", "cpu", "cuda" or "mps"
        Where the network runs.
    step : float, optional
        Distance of the samples in the depth unit: 0.5 by default, or 1 where depth is counted in rows.
    progress : function of (stage, fraction), optional
        Called with "read", "calibrate", "segment", "trace" or "write" and the share of that stage done.
    cancelled : function, optional
        Asked now and then whether to stop.
    edits : path or Edits, optional
        Corrections by hand, laid over the traces: an edits.json that the plugin keeps beside a scan. None by
        default, even if such a file is there.
    reader : TextReader, optional
        What reads print when the paper is asked; the OCR library by default, loaded anew for each scan.

    Returns
    -------
    Report
        What was done, and in `files` where everything is.

    Raises
    ------
    WelllogError
        If an input cannot be used or a result cannot be written; the message says what to do.
    Cancelled
        If asked to stop.
    """
    clock = Clock(progress, cancelled)
    files = output_paths(scan_path, out)
    inputs = [_file_of(given) for given in (scan_path, tracks, model, edits)]
    with ExitStack() as opened:
        with clock.stage("read"):
            if step is not None:
                _check_step(step)
            given = Tracks.load(tracks) if isinstance(tracks, str | Path) else tracks
            corrections = Edits.load(edits) if isinstance(edits, str | Path) else edits or Edits()
            scan = opened.enter_context(open_in_strips(scan_path))
            if given is not None:
                rows, columns = scan.pixels.shape
                given.check_against(rows, columns, _file_of(tracks))
            network = model if isinstance(model, Model) else load_model(model)
        # Entered before the long work, because it refuses a folder that cannot be written to.
        places = opened.enter_context(staged(files.values(), inputs=inputs))
        paper = None
        proposed = given is None
        if given is None:
            with clock.stage("calibrate"):
                given, paper = _calibrate(scan, clock, reader)
        with clock.stage("segment"), naming(files["classes"], places[files["classes"]]):
            class_map = segment_to_file(
                places[files["classes"]],
                scan.pixels,
                network,
                device,
                clock.fraction,
                cancelled,
                regions_beside_tracks(given, scan.pixels.shape),
            )
        with clock.stage("trace"):
            reading = read_curves(class_map, given, corrections, clock.fraction)
        result = Result(
            scan,
            class_map,
            reading,
            name=Path(scan_path).name,
            model=ModelReport(name=network.name, sha256=network.sha256),
            tracks_proposed=proposed,
            paper=paper,
        )
        return _write(result, files, places, step, clock)


def segment_to_file(
    path: str | Path,
    pixels: NDArray[np.uint8],
    model: Model | str | Path | None = None,
    device: str = "auto",
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    regions: Sequence[Region] | None = None,
) -> WrittenClassMap:
    """Segment a scan and write its class map as it is made: reading, predicting and writing at the same time.

    Parameters
    ----------
    path : path
        The TIFF file, written in place.
    pixels : uint8 (rows, columns)
        The scan, as an array or as the pixels of `open_in_strips`.
    model, device, progress, cancelled
        As in `segment`.
    regions : sequence of Region, optional
        Where classes are told; outside of them everything is background. Everywhere by default.

    Returns
    -------
    WrittenClassMap
        What of the class map is not in the file.

    Raises
    ------
    WelllogError
        As `segment`, and as reading the pixels does.
    OSError
        If the file cannot be written.
    Cancelled
        If asked to stop.
    """
    shape = (pixels.shape[0], pixels.shape[1])
    planes = PackedPlane(shape[1]), PackedPlane(shape[1])
    counts = np.zeros(2, np.int64)

    def write(bands: Iterable[NDArray[np.uint8]]) -> None:
        """Write the bands as they come."""
        write_class_map(path, bands, shape)

    where = None if regions is None else lambda tile: any(region.meets(tile) for region in regions)
    bands = segment_bands(pixels, model, device, progress, cancelled, where)
    with closing(bands), WriteBehind(write) as writer:
        for band in bands:
            labels = band.labels if regions is None else cleared_outside(band.labels, band.top, regions)
            counts += count_curves(labels)
            writer.add(labels)
            for plane, rows in zip(planes, band.curve_probabilities, strict=True):
                plane.append(rows)
    return WrittenClassMap(shape, planes, (int(counts[0]), int(counts[1])))


def _calibrate(scan: Scan, clock: Clock, reader: TextReader | None) -> tuple[Tracks, PaperCalibration | None]:
    """The calibration that the paper tells, or only its tracks where nothing is there to read it with."""
    if reader is None and not is_installed():
        return propose_tracks(scan.pixels), None
    shares = {"find": (0.0, 0.1), "depth": (0.1, 0.7), "scales": (0.7, 1.0)}

    def tell(stage: str, fraction: float) -> None:
        """Tell the share of all stages that is done; stop here if asked to."""
        start, end = shares[stage]
        clock.fraction(start + fraction * (end - start))

    paper = calibrate_scan(scan.pixels, scan.dpi, reader, progress=tell)
    return paper.proposal, paper


@dataclass(frozen=True)
class Result:
    """A digitised scan, ready to be written.

    Parameters
    ----------
    scan : Scan
        The scan.
    class_map : ClassMap or WrittenClassMap
        The class of every pixel; the second if its file is written already.
    reading : Reading
        What was read from it.
    name : str
        Name of the scan's file.
    model : ModelReport or None
        The network that made the class map.
    tracks_proposed : bool
        Whether the tracks were found from the grid.
    paper : PaperCalibration or None
        What was read from the paper to calibrate it.
    """

    scan: Scan
    class_map: ClassMap | WrittenClassMap
    reading: Reading
    name: str
    model: ModelReport | None = None
    tracks_proposed: bool = False
    paper: PaperCalibration | None = None


def export(
    result: Result,
    files: Mapping[str, str | Path],
    step: float | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    inputs: Sequence[str | Path | None] = (),
) -> Report:
    """Write results of a scan that was digitised step by step: the same bytes as `digitize` writes.

    All files are written, or none.

    Parameters
    ----------
    result : Result
        What to write.
    files : mapping
        Paths of the files to write, by kind: "las", "csv", "classes", "overlay" and "report", or some of them.
    step, progress, cancelled
        As in `digitize`.
    inputs : paths, optional
        Files that a result must not replace, such as the scan.

    Returns
    -------
    Report
        What was written; in `files` where.

    Raises
    ------
    WelllogError
        If the step cannot be used or a file cannot be written.
    Cancelled
        If asked to stop.
    """
    clock = Clock(progress, cancelled)
    if step is not None:
        _check_step(step)
    paths = {kind: Path(path) for kind, path in files.items()}
    with staged(paths.values(), inputs=inputs) as places:
        return _write(result, paths, places, step, clock)


def _write(
    result: Result, files: dict[str, Path], places: Mapping[Path, Path], step: float | None, clock: Clock
) -> Report:
    """Write the files of a result to their places, the report last."""
    reading = result.reading
    report = Report(
        version=__version__,
        scan=_scan_report(result.scan, result.name),
        model=result.model,
        step=step if step is not None else default_step(reading.calibration),
        tracks_proposed=result.tracks_proposed,
        calibration=reading.calibration,
        paper=result.paper,
        class_shares=_shares(result),
        curves=reading.curve_reports(),
        crossings=reading.crossing_reports(),
        warnings=_warnings(result, reading),
        seconds={},
        files=files,
    )
    with clock.stage("write"):
        _write_results(result, report, places, clock)
    report.seconds.update(clock.seconds())
    if "report" in files:
        place = places[files["report"]]
        with naming(files["report"], place):
            place.write_text(report.to_json(), encoding="utf-8")
    return report


def _write_results(result: Result, report: Report, places: Mapping[Path, Path], clock: Clock) -> None:
    """Write all results that are asked for but the report."""
    reading = result.reading
    crossings = [crossing for of_track in reading.crossings for crossing in of_track]
    writers: dict[str, Callable[[Path], None]] = {
        "las": lambda place: write_las(place, reading.log_curves, report.step),
        "csv": lambda place: write_csv(place, reading.log_curves, report.step),
        "classes": lambda place: _write_class_map(place, result),
        "overlay": lambda place: write_overlay(
            place, result.scan.pixels, reading.calibration, reading.traces, crossings
        ),
    }
    if isinstance(result.class_map, WrittenClassMap):
        del writers["classes"]
    asked = [kind for kind in writers if kind in report.files]
    for done, kind in enumerate(asked, start=1):
        place = places[report.files[kind]]
        with naming(report.files[kind], place):
            writers[kind](place)
        clock.fraction(done / len(asked))


def _write_class_map(place: Path, result: Result) -> None:
    """Write a class map that is in memory."""
    write_class_map(place, _labels_in_tracks(result), result.class_map.shape)


def _labels_in_tracks(result: Result) -> Iterator[NDArray[np.uint8]]:
    """The labels of a class map that is in memory, some rows at a time: outside the tracks background."""
    assert isinstance(result.class_map, ClassMap)
    regions = regions_beside_tracks(result.reading.calibration, result.class_map.shape)
    for top in range(0, result.class_map.shape[0], _BAND):
        yield cleared_outside(result.class_map.labels[top : top + _BAND], top, regions)


def _warnings(result: Result, reading: Reading) -> list[str]:
    """Say what a person should look at before using the numbers."""
    warnings = _about_calibration(result.paper) if result.tracks_proposed else []
    for curve in reading.curve_reports():
        rows = curve.rows_traced + curve.rows_bridged + curve.rows_missing + curve.rows_edited
        if curve.rows_missing == rows:
            warnings.append(f"{curve.mnemonic}: nothing was found in track {curve.track!r}")
        elif curve.rows_missing > _MUCH_MISSING * rows:
            warnings.append(f"{curve.mnemonic}: missing in {curve.rows_missing / rows:.0%} of its rows")
    return warnings


def _about_calibration(paper: PaperCalibration | None) -> list[str]:
    """Say what was read from the paper, and what was not."""
    if paper is None or not (paper.knows_depth or any(track.refused is None for track in paper.tracks)):
        why = MISSING if paper is None else "; ".join(paper.refusals())
        return [
            "no tracks were given: they were found from the grid, and the curves are fractions of the "
            "track's width (0 left edge, 1 right edge) by scan row",
            f"nothing was read from the paper: {why}",
        ]
    read = [f"no tracks were given: read from the paper: {line}" for line in paper.summary()]
    return read + [f"not read from the paper: {line}" for line in paper.refusals()]


def _shares(result: Result) -> ClassShares:
    """Shares of the classes as written, rounded for people."""
    if isinstance(result.class_map, WrittenClassMap):
        shares = result.class_map.shares()
    else:
        counts = np.sum([count_curves(labels) for labels in _labels_in_tracks(result)], axis=0)
        shares = shares_of((int(counts[0]), int(counts[1])), result.class_map.labels.size)
    background, one, two = (round(share, 6) for share in shares)
    return ClassShares(background=background, curve_one=one, curve_two=two)


def _scan_report(scan: Scan, name: str) -> ScanReport:
    """Say what the scan is."""
    rows, columns = scan.pixels.shape
    return ScanReport(name=name, rows=rows, columns=columns, dpi=scan.dpi)


def _file_of(given: object) -> Path | None:
    """The file that an argument names, if it is no object."""
    return Path(given) if isinstance(given, str | Path) else None


def default_step(calibration: Tracks) -> float:
    """Half a foot or half a metre, or one row of the scan."""
    return 1.0 if calibration.depth.unit == "row" else 0.5


def _check_step(step: float) -> None:
    """Refuse a step that no depth axis can have."""
    if not (math.isfinite(step) and step > 0):
        raise LasError(f"the step is {step:g}; give a step above 0, such as 0.5")
