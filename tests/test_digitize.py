"""One scan in; LAS, CSV, class map, overlay picture and report out; all of them or none."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import lasio
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_welllog import __version__
from napari_welllog.class_map import ClassMap
from napari_welllog.digitize import digitize, output_paths, write_class_map, write_probabilities
from napari_welllog.errors import Cancelled, LasError, OutputError, ScanError, TracksError
from napari_welllog.tracks import Tracks
from napari_welllog.unet import ClassBand

ENDINGS = [".csv", ".las", "_classes.tif", "_overlay.png", "_report.json"]

pytestmark = pytest.mark.usefixtures("perfect_network")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents_of(folder: Path) -> dict[str, bytes]:
    """What is in the files of a folder; the report without its seconds."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in contents:
        if name.endswith("_report.json"):
            report = json.loads(contents[name])
            assert report.pop("seconds")["total"] >= 0
            contents[name] = json.dumps(report).encode()
    return contents


def test_five_files_are_written_into_the_output_folder_which_is_made(well, tmp_path) -> None:
    report = digitize(well.scan, well.tracks, tmp_path / "results" / "june")
    assert names_in(tmp_path / "results" / "june") == [f"well{ending}" for ending in ENDINGS]
    assert all(path.is_file() for path in report.files.values())
    assert report.warnings == []


def test_the_results_go_beside_the_scan_when_no_folder_is_named(well) -> None:
    digitize(well.scan, well.tracks)
    assert names_in(well.scan.parent) == sorted(
        ["well.tif", "well.tracks.json", *(f"well{e}" for e in ENDINGS)]
    )


def test_the_las_file_holds_the_values_that_were_printed(well, tmp_path) -> None:
    digitize(well.scan, well.tracks, tmp_path)
    las = lasio.read(tmp_path / "well.las")
    assert las.version.VERS.value == 2.0
    tracks = Tracks.load(well.tracks)
    track = tracks.tracks[0]
    rows = track.rows
    for curve, printed in zip(track.curves, well.log.traces, strict=True):
        truth = curve.value_axis.values(track.fractions(rows, printed.column[rows]))
        depth = tracks.depth.depths(rows)
        seen = np.isfinite(las[curve.mnemonic])
        error = np.abs(las[curve.mnemonic] - np.interp(las.index, depth, truth))[seen]
        assert seen.mean() > 0.9
        assert np.nanmedian(error) < 0.02 * abs(curve.right - curve.left)
        assert las.curves[curve.mnemonic].unit == curve.unit


def test_the_csv_holds_the_same_table_at_the_asked_step(well, tmp_path) -> None:
    digitize(well.scan, well.tracks, tmp_path, step=0.25)
    las = lasio.read(tmp_path / "well.las")
    table = np.genfromtxt(tmp_path / "well.csv", delimiter=",", names=True)
    assert np.allclose(np.diff(table["DEPT"]), 0.25)
    for name in table.dtype.names:
        assert np.allclose(table[name], las[name], equal_nan=True)


def test_the_class_map_is_compressed_and_as_large_as_the_scan(well, tmp_path) -> None:
    digitize(well.scan, well.tracks, tmp_path)
    labels = tifffile.imread(tmp_path / "well_classes.tif")
    assert labels.dtype == np.uint8
    assert (labels == well.log.classes).all()
    assert (tmp_path / "well_classes.tif").stat().st_size < labels.size / 10
    with Image.open(tmp_path / "well_classes.tif") as picture:
        assert (np.asarray(picture) == labels).all()


def test_the_overlay_shows_the_whole_scan_with_margins(well, tmp_path) -> None:
    digitize(well.scan, well.tracks, tmp_path)
    with Image.open(tmp_path / "well_overlay.png") as picture:
        assert picture.height > well.log.scan.shape[0]
        assert picture.width > well.log.scan.shape[1]


def test_the_report_tells_how_each_curve_was_read(well, tmp_path) -> None:
    returned = digitize(well.scan, well.tracks, tmp_path)
    report = json.loads((tmp_path / "well_report.json").read_text())
    assert report["version"] == __version__
    assert report["scan"] == {"name": "well.tif", "rows": 900, "columns": 600, "dpi": 200.0}
    assert report["model"] == {"name": "perfect", "sha256": "0" * 64}
    assert report["step"] == 0.5
    assert not report["tracks_proposed"]
    assert set(report["seconds"]) == {"read", "segment", "trace", "write", "total"}
    assert sum(report["class_shares"].values()) == pytest.approx(1, abs=1e-5)
    rows = len(Tracks.load(well.tracks).tracks[0].rows)
    assert [curve["class"] for curve in report["curves"]] == [1, 2]
    for curve in report["curves"]:
        assert curve["rows_traced"] + curve["rows_bridged"] + curve["rows_missing"] == rows
        assert 0.5 < curve["mean_confidence"] <= 1
        assert curve["crossings"] == len(report["crossings"]) == len(returned.crossings)
    assert report["crossings"]
    for crossing in report["crossings"]:
        assert crossing["row_from"] <= crossing["row_to"]


def test_the_calibration_in_the_report_is_a_tracks_json_again(well, tmp_path) -> None:
    digitize(well.scan, well.tracks, tmp_path)
    report = json.loads((tmp_path / "well_report.json").read_text())
    (tmp_path / "again.json").write_text(json.dumps(report["calibration"]))
    assert Tracks.load(tmp_path / "again.json") == Tracks.load(well.tracks)


def test_without_tracks_rows_and_fractions_are_written_and_that_is_said(well, tmp_path) -> None:
    report = digitize(well.scan, out=tmp_path / "out")
    assert report.tracks_proposed
    assert "no tracks were given" in report.warnings[0]
    table = np.genfromtxt(tmp_path / "out" / "well.csv", delimiter=",", names=True)
    index, *curves = table.dtype.names
    assert index == "INDEX"
    assert np.allclose(np.diff(table[index]), 1)
    assert 0 <= table[index].min() < table[index].max() <= 899
    for curve in curves:
        values = table[curve][np.isfinite(table[curve])]
        assert ((values >= -0.01) & (values <= 1.01)).all()


def test_the_same_input_gives_the_same_bytes(well, tmp_path) -> None:
    for folder in ("first", "second"):
        digitize(well.scan, well.tracks, tmp_path / folder)
    assert contents_of(tmp_path / "first") == contents_of(tmp_path / "second")


def test_a_curve_that_is_not_there_is_null_and_warned_of(well, tmp_path, monkeypatch) -> None:
    only_one = ClassMap.from_labels(np.where(well.log.classes == 1, 1, 0).astype(np.uint8))
    bands = [ClassBand(0, only_one.labels, only_one.curve_probabilities)]
    module = import_module("napari_welllog.digitize")
    monkeypatch.setattr(module, "segment_bands", lambda *args: (band for band in bands))
    report = digitize(well.scan, well.tracks, tmp_path)
    absent = report.curves[1]
    assert (absent.rows_traced, absent.rows_bridged, absent.mean_confidence) == (0, 0, None)
    assert report.warnings == [f"{absent.mnemonic}: nothing was found in track 'track 1'"]
    assert np.isnan(lasio.read(tmp_path / "well.las")[absent.mnemonic]).all()


def test_progress_walks_through_the_stages(well, tmp_path) -> None:
    told: list[tuple[str, float]] = []
    digitize(
        well.scan, well.tracks, tmp_path, progress=lambda stage, fraction: told.append((stage, fraction))
    )
    stages = ["read", "segment", "trace", "write"]
    assert list(dict.fromkeys(stage for stage, _ in told)) == stages
    for stage in stages:
        fractions = [fraction for told_stage, fraction in told if told_stage == stage]
        assert fractions[0] == 0
        assert fractions[-1] == 1
        assert fractions == sorted(fractions)


@pytest.mark.parametrize("questions", range(0, 12, 3))
def test_a_cancelled_job_leaves_nothing(well, tmp_path, questions: int) -> None:
    asked = iter([False] * questions)
    with pytest.raises(Cancelled):
        digitize(well.scan, well.tracks, tmp_path / "out", cancelled=lambda: next(asked, True))
    assert not (tmp_path / "out").exists()


def fail_half_way(error: BaseException) -> Callable[..., None]:
    def write(place: Path, *rest: object) -> None:
        place.write_bytes(b"half")
        raise error

    return write


@pytest.mark.parametrize("writer", ["write_las", "write_csv", "write_class_map", "write_overlay"])
@pytest.mark.parametrize("ran_before", [False, True], ids=["first run", "second run"])
def test_a_disk_that_fills_half_way_leaves_no_partial_file(
    well, tmp_path, monkeypatch, writer, ran_before
) -> None:
    out = tmp_path / "out"
    if ran_before:
        digitize(well.scan, well.tracks, out)
    before = contents_of(out) if ran_before else {}
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(import_module("napari_welllog.digitize"), writer, fail_half_way(full))
    with pytest.raises(
        OutputError, match=r"out/well.*: cannot be written \(No space left on device\)"
    ) as caught:
        digitize(well.scan, well.tracks, out)
    assert ".welllog-" not in str(caught.value)
    assert (contents_of(out) if ran_before else {}) == before
    assert out.exists() == ran_before


def test_the_output_folder_is_checked_before_the_network_runs(well, tmp_path, monkeypatch) -> None:
    def no_work(*args: object) -> None:
        pytest.fail("the network ran")

    monkeypatch.setattr(import_module("napari_welllog.digitize"), "segment_bands", no_work)
    (tmp_path / "out").write_text("a file in the way")
    with pytest.raises(OutputError, match="out: cannot be written to"):
        digitize(well.scan, well.tracks, tmp_path / "out")


def test_a_scan_that_a_result_would_replace_is_refused(well) -> None:
    scan = well.scan.rename(well.scan.with_name("well.csv"))
    before = scan.read_bytes()
    with pytest.raises(OutputError, match=r"well\.csv: is being read"):
        digitize(scan, well.tracks)
    assert scan.read_bytes() == before
    assert names_in(scan.parent) == ["well.csv", "well.tracks.json"]


def test_tracks_that_the_report_would_replace_are_refused(well) -> None:
    tracks = well.tracks.rename(well.tracks.with_name("well_report.json"))
    with pytest.raises(OutputError, match=r"well_report\.json: is being read"):
        digitize(well.scan, tracks)
    assert Tracks.load(tracks)


@pytest.mark.parametrize("step", [0.0, -0.5, float("nan"), float("inf")])
def test_a_step_that_is_none_is_refused(well, tmp_path, step: float) -> None:
    with pytest.raises(LasError, match="give a step above 0"):
        digitize(well.scan, well.tracks, tmp_path / "out", step=step)
    assert not (tmp_path / "out").exists()


def test_a_scan_that_is_not_there_makes_no_folder(tmp_path) -> None:
    with pytest.raises(ScanError, match="no such file"):
        digitize(tmp_path / "nowhere" / "well.tif")
    assert names_in(tmp_path) == []


def test_tracks_outside_the_scan_are_refused_by_name(well, tmp_path) -> None:
    Image.fromarray(well.log.scan[:500]).save(well.scan.with_name("short.png"))
    with pytest.raises(TracksError, match=r"well\.tracks\.json: track 'track 1': 'bottom' is row"):
        digitize(well.scan.with_name("short.png"), well.tracks, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tracks_may_be_given_as_an_object(well, tmp_path) -> None:
    digitize(well.scan, Tracks.load(well.tracks), tmp_path / "object")
    digitize(well.scan, str(well.tracks), str(tmp_path / "file"))
    assert contents_of(tmp_path / "object") == contents_of(tmp_path / "file")


def test_names_with_dots_keep_all_but_the_ending() -> None:
    names = [path.name for path in output_paths("30-025.12481.tif", "out").values()]
    assert names[0] == "30-025.12481.las"
    assert names[2] == "30-025.12481_classes.tif"


@pytest.mark.parametrize("shape", [(1, 1), (255, 7), (256, 300), (700, 33)])
def test_class_maps_of_any_shape_come_back_as_they_were(tmp_path, shape) -> None:
    labels = np.random.default_rng(1).integers(0, 3, shape, dtype=np.uint8)
    write_class_map(tmp_path / "classes.tif", labels)
    assert (tifffile.imread(tmp_path / "classes.tif") == labels).all()


@pytest.mark.parametrize("shape", [(1, 1), (255, 7), (256, 300), (700, 33)])
def test_probabilities_are_three_channels_that_add_up(tmp_path, shape) -> None:
    rng = np.random.default_rng(1)
    dense = rng.dirichlet([8, 1, 1], shape).astype(np.float32).transpose(2, 0, 1)
    class_map = ClassMap.from_probabilities(dense)
    write_probabilities(tmp_path / "probabilities.tif", class_map)
    written = tifffile.imread(tmp_path / "probabilities.tif")
    assert written.shape == (*shape, 3)
    assert written.dtype == np.uint8
    assert (written.sum(axis=-1, dtype=int) == 255).all()
    assert np.abs(written / 255 - dense.transpose(1, 2, 0)).max() <= 1.01 / 255
