"""`make demo`: a log is printed, digitised and compared with what was printed, and the result is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import lasio
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from napari_welllog import demo
from napari_welllog.class_map import ClassMap
from napari_welllog.errors import OutputError
from napari_welllog.scan import read_scan
from napari_welllog.synthetic import PrintedLog
from napari_welllog.tracks import Tracks
from napari_welllog.unet import ClassBand, Model
from napari_welllog.widgets.display import DisplayError
from napari_welllog.widgets.result_window import Result

RESULTS = {"sample.las", "sample.csv", "sample_classes.tif", "sample_overlay.png", "sample_report.json"}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> PrintedLog:
    """A shorter log than the demo's own, and a network that makes no mistakes on it."""
    monkeypatch.setattr(demo, "_SEED", 21)
    monkeypatch.setattr(demo, "_ROWS", 1400)
    monkeypatch.setattr(demo, "_COLUMNS", 900)
    log = demo.print_demo_log()
    for module in (demo, import_module("napari_welllog.digitize")):
        monkeypatch.setattr(module, "load_model", lambda *_: Model("perfect", "0" * 64, None))  # type: ignore[arg-type]
    knows(monkeypatch, log.classes)
    return log


def knows(monkeypatch: pytest.MonkeyPatch, classes: np.ndarray) -> None:
    """Put a network that gives these classes in the place of the shipped one."""
    whole = ClassMap.from_labels(classes)
    band = ClassBand(0, whole.labels, whole.curve_probabilities)
    monkeypatch.setattr(demo, "segment", lambda *_, **__: whole)
    digitize = import_module("napari_welllog.digitize")
    monkeypatch.setattr(digitize, "segment_bands", lambda *_, **__: (one for one in [band]))


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> dict[str, list]:
    """Note what would be shown instead of showing it."""
    shown: dict[str, list] = {"window": [], "picture": []}
    monkeypatch.setattr(demo, "open_window", shown["window"].append)
    monkeypatch.setattr(demo, "picture_of_window", lambda _, path: shown["picture"].append(path))
    return shown


def test_it_leaves_the_scan_its_calibration_and_all_five_results_in_one_folder(
    log: PrintedLog, tmp_path: Path
) -> None:
    demo.run_demo(tmp_path / "demo-output", window=False)
    written = {path.name for path in (tmp_path / "demo-output").iterdir()}
    assert written == RESULTS | {"sample.tif", "sample.tracks.json"}


def test_the_scan_is_what_archives_keep(log: PrintedLog, tmp_path: Path) -> None:
    scan, tracks = demo.write_sample(log, tmp_path)
    with Image.open(scan) as image:
        assert (image.mode, image.info["compression"]) == ("1", "group4")
    opened = read_scan(scan)
    np.testing.assert_array_equal(opened.pixels, log.scan)
    assert opened.dpi == pytest.approx(200)
    Tracks.load(tracks).check_against(*opened.pixels.shape)


def test_it_says_how_close_the_las_is_to_what_was_printed_and_where_everything_is(
    log: PrintedLog, tmp_path: Path, capsys
) -> None:
    demo.run_demo(tmp_path, window=False)
    said = capsys.readouterr().out
    for track in Tracks.load(tmp_path / "sample.tracks.json").tracks:
        for curve in track.curves:
            [line] = [line for line in said.splitlines() if line.startswith(f"{curve.mnemonic} ")]
            assert curve.unit in line
    for name in RESULTS | {"sample.tif", "sample.tracks.json"}:
        assert str(tmp_path / name) in said


def test_closeness_is_measured_on_the_las_that_was_written(log: PrintedLog, tmp_path: Path) -> None:
    demo.run_demo(tmp_path, window=False)
    before = demo.compare_with_truth(tmp_path / "sample.las", log)
    assert all(curve.coverage > 0.95 and curve.error_of_track < 0.01 for curve in before)

    las = lasio.read(tmp_path / "sample.las")
    gamma_ray = las.curves[1]
    gamma_ray.data[: len(gamma_ray.data) // 2] = np.nan
    gamma_ray.data = gamma_ray.data + 15.0
    las.write(str(tmp_path / "spoilt.las"), version=2.0)
    spoilt, *others = demo.compare_with_truth(tmp_path / "spoilt.las", log)
    assert spoilt.mnemonic == gamma_ray.mnemonic
    assert spoilt.coverage == pytest.approx(before[0].coverage / 2, abs=0.03)
    assert spoilt.error == pytest.approx(15, abs=0.5)
    assert spoilt.error_of_track == pytest.approx(0.1, abs=0.005)
    assert [curve.error for curve in others] == pytest.approx([curve.error for curve in before[1:]], rel=1e-3)


def test_a_curve_that_was_not_read_at_all_is_said_plainly(
    log: PrintedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    knows(monkeypatch, np.where(log.classes == 1, 1, 0).astype(np.uint8))
    demo.run_demo(tmp_path, window=False)
    said = capsys.readouterr().out
    assert "0.0%" in said
    assert "nan" not in said


def test_with_a_display_the_window_opens_on_a_crossing(
    log: PrintedLog, tmp_path: Path, windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "has_display", lambda: True)
    demo.run_demo(tmp_path)
    [result] = windows["window"]
    assert not windows["picture"]
    assert isinstance(result, Result)
    np.testing.assert_array_equal(result.pixels, log.scan)
    np.testing.assert_array_equal(result.labels, log.classes)
    assert len(result.traces) == 4
    top, bottom, left, right = result.view
    assert 0 <= top < bottom <= 1400
    inside = [trace for _, trace in result.traces if left < np.nanmedian(trace.column) < right]
    one, two = (trace.column[int(top) - trace.top : int(bottom) - trace.top] for trace in inside)
    assert np.nanmin(one - two) < 0 < np.nanmax(one - two), "the curves in view change sides"


def test_without_a_display_the_picture_of_the_window_is_written_instead(
    log: PrintedLog,
    tmp_path: Path,
    windows,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(demo, "has_display", lambda: False)
    demo.run_demo(tmp_path)
    [path] = windows["picture"]
    assert path == tmp_path / "window.png"
    assert not windows["window"]
    assert str(path) in capsys.readouterr().out


def test_a_display_that_does_not_answer_is_said_and_the_picture_is_written(
    log: PrintedLog,
    tmp_path: Path,
    windows,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(result: Result) -> None:
        raise DisplayError("The napari window did not open.")

    monkeypatch.setattr(demo, "has_display", lambda: True)
    monkeypatch.setattr(demo, "open_window", refuse)
    demo.run_demo(tmp_path)
    assert len(windows["picture"]) == 1
    assert capsys.readouterr().err.splitlines() == ["The napari window did not open."]


def test_an_output_folder_that_cannot_be_made_is_one_line(log: PrintedLog, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError) as error:
        demo.run_demo(tmp_path / "file" / "demo-output", window=False)
    assert "\n" not in str(error.value)


@pytest.mark.timeout(600)
def test_the_command_digitises_the_sample_with_the_shipped_network(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "napari_welllog.demo", "--out", str(tmp_path), "--no-window"]
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    assert {path.name for path in tmp_path.iterdir()} >= RESULTS
    for curve in demo.compare_with_truth(tmp_path / "sample.las", demo.print_demo_log()):
        assert curve.coverage > 0.97
        assert curve.error_of_track < 0.005


def test_ctrl_c_ends_it_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run_demo", interrupt)
    app = typer.Typer()
    app.command()(demo._command)
    run = CliRunner().invoke(app, [])
    assert (run.exit_code, run.output) == (130, "")


def test_a_folder_in_the_way_gives_exit_code_2_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    command = [sys.executable, "-m", "napari_welllog.demo", "--out", str(tmp_path / "file" / "out")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert "in the way" not in run.stdout
