"""The command `welllog`, as a user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner, Result

from napari_welllog import __version__
from napari_welllog.class_map import ClassMap
from napari_welllog.cli import app
from napari_welllog.tracks import Tracks
from napari_welllog.unet.scores import PixelScores


def welllog(*args: object) -> Result:
    """Run a command within this process."""
    return CliRunner().invoke(app, [str(arg) for arg in args], env={"COLUMNS": "200", "NO_COLOR": "1"})


def refused(result: Result) -> str:
    """The one line on stderr of a command that refused its input."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("welllog: ")
    return line


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# --- Help ---------------------------------------------------------------------------------------------------


def test_without_a_command_the_help_lists_them_all() -> None:
    result = welllog()
    assert result.exit_code == 0
    for command in ("digitize", "batch", "segment", "tracks", "follow", "train", "synth", "evaluate"):
        assert command in result.stdout


@pytest.mark.parametrize(
    "command", ["digitize", "batch", "segment", "tracks", "follow", "train", "synth", "evaluate"]
)
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    result = welllog(command, "--help")
    assert result.exit_code == 0
    assert f"welllog {command} " in result.stdout.partition("Example")[2]


def test_the_version_is_told() -> None:
    assert welllog("--version").stdout == f"welllog {__version__}\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["digitise"], "No such command 'digitise'"),
        (["digitize"], "Missing argument 'SCAN'; see welllog digitize --help"),
        (["digitize", "log.tif", "--outt", "x"], "No such option: --outt"),
        (["digitize", "log.tif", "--step", "half"], "Invalid value for '--step'"),
        (["digitize", "log.tif", "--device", "gpu"], "'gpu' is not one of 'auto', 'cpu', 'cuda', 'mps'"),
        (["segment", "log.tif"], "Missing option '--out'"),
        (["synth", "--count", "0", "--out", "x"], "Invalid value for '--count'"),
    ],
)
def test_a_slip_of_the_pen_is_one_line_that_says_where_help_is(args: list[str], words: str) -> None:
    line = refused(welllog(*args))
    assert words in line
    assert "--help" in line


# --- digitize -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("perfect_network")
def test_digitize_says_how_each_curve_was_read_and_where_the_files_are(well, tmp_path) -> None:
    result = welllog("digitize", well.scan, "--tracks", well.tracks, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stderr == "", "progress is for terminals, and there is nothing to warn of"
    for curve in Tracks.load(well.tracks).tracks[0].curves:
        assert curve.mnemonic in result.stdout
    files = [Path(line) for line in result.stdout.splitlines() if line.startswith(str(tmp_path))]
    assert [path.name for path in files] == [
        "well.las",
        "well.csv",
        "well_classes.tif",
        "well_overlay.png",
        "well_report.json",
    ]
    assert all(path.stat().st_size > 0 for path in files)


@pytest.mark.usefixtures("perfect_network")
def test_digitize_without_tracks_notes_what_the_numbers_are(well, tmp_path) -> None:
    result = welllog("digitize", well.scan, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (note,) = (line for line in result.stderr.splitlines() if "no tracks were given" in line)
    assert note.startswith("welllog: note: ")


@pytest.mark.usefixtures("perfect_network")
def test_digitize_samples_at_the_asked_step(well, tmp_path) -> None:
    result = welllog(
        "digitize", well.scan, "--tracks", well.tracks, "--out", tmp_path / "out", "--step", "0.1"
    )
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "out" / "well_report.json").read_text())["step"] == 0.1


def cut_short(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])


SCAN_FAULTS = {
    "a text file named .tif": (lambda path: path.write_text("This is no picture.\n"), "not a picture"),
    "a truncated G4 file": (cut_short, "cut short"),
    "a 0-byte file": (lambda path: path.write_bytes(b""), "empty"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "a folder, not a scan"),
    "no file": (lambda path: path.unlink(), "no such file"),
}


@pytest.mark.usefixtures("perfect_network")
@pytest.mark.parametrize("command", ["digitize", "segment", "tracks"])
@pytest.mark.parametrize("fault", SCAN_FAULTS)
def test_a_scan_that_cannot_be_read_is_refused_in_one_line(well, tmp_path, command: str, fault: str) -> None:
    spoil, words = SCAN_FAULTS[fault]
    spoil(well.scan)
    out = tmp_path / "made" / ("out" if command == "digitize" else "out.tif")
    line = refused(welllog(command, well.scan, "--out", out))
    assert "well.tif" in line
    assert words in line
    assert not out.parent.exists()


TRACKS_FAULTS = {
    "an unknown key": (lambda data: data.update(colour="red"), "unknown key"),
    "a missing key": (lambda data: data["tracks"][0].pop("left"), "'left' is missing"),
    "anchors in the wrong order": (lambda data: data["depth"]["anchors"].reverse(), "sort the anchors"),
    "anchors twice at one row": (
        lambda data: data["depth"].update(anchors=[[100, 1000], [100, 1010]]),
        "both at row 100",
    ),
    "a log scale with a zero": (
        lambda data: data["tracks"][0]["curves"][0].update(left=0, right=100, scale="log"),
        "a log scale cannot reach 0",
    ),
    "a track outside the scan": (
        lambda data: data["tracks"][0].update(bottom=90000),
        "the scan ends at row 899",
    ),
    "left edge right of the right edge": (
        lambda data: data["tracks"][0].update(left=500, right=100),
        "not left of the right edge",
    ),
}


@pytest.mark.usefixtures("perfect_network")
@pytest.mark.parametrize("fault", TRACKS_FAULTS)
def test_a_calibration_that_cannot_be_used_is_refused_in_one_line(well, tmp_path, fault: str) -> None:
    change, words = TRACKS_FAULTS[fault]
    data = json.loads(well.tracks.read_text())
    change(data)
    well.tracks.write_text(json.dumps(data))
    line = refused(welllog("digitize", well.scan, "--tracks", well.tracks, "--out", tmp_path / "out"))
    assert "well.tracks.json" in line
    assert words in line
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("perfect_network")
@pytest.mark.parametrize("where", ["a file in the way", "a folder of the system"])
def test_an_output_folder_that_cannot_be_written_is_refused_in_one_line(well, tmp_path, where: str) -> None:
    out = Path("/proc/welllog") if where == "a folder of the system" else tmp_path / "out"
    if where == "a file in the way":
        out.write_text("notes")
    elif not sys.platform.startswith("linux"):
        pytest.skip("needs a folder that even root cannot write to")
    before = files_in(tmp_path)
    line = refused(welllog("digitize", well.scan, "--tracks", well.tracks, "--out", out))
    assert f"{out}: cannot be written to" in line
    assert "choose another folder" in line
    assert files_in(tmp_path) == before


def test_a_model_that_is_not_there_is_refused_in_one_line(well, tmp_path) -> None:
    line = refused(welllog("digitize", well.scan, "--out", tmp_path / "out", "--model", "welllog-99"))
    assert "There is no model 'welllog-99'" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("perfect_network")
def test_too_little_memory_is_one_line(well, tmp_path, monkeypatch) -> None:
    def fill(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(import_module("napari_welllog.digitize"), "segment_bands", fill)
    line = refused(welllog("digitize", well.scan, "--tracks", well.tracks, "--out", tmp_path / "out"))
    assert "not enough memory" in line
    assert not (tmp_path / "out").exists()


# --- Real processes: signals, a full disk -------------------------------------------------------------------

SLOW = """
import time
from importlib import import_module
from napari_welllog.unet import Model

module = import_module("napari_welllog.digitize")
module.load_model = lambda name_or_file: Model("slow", "0" * 64, None)
module.segment_bands = lambda *args: time.sleep(60)
from napari_welllog.cli import main
main()
"""


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def running(well, tmp_path) -> Iterator[subprocess.Popen]:
    """A digitize that is half way: it holds a temporary folder and waits for the network."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "well.las").write_text("earlier")
    command = ["digitize", well.scan, "--tracks", well.tracks, "--out", out]
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, *map(str, command)], stdout=-1, stderr=-1, text=True
    ) as process:
        wait_for(lambda: any(out.glob(".welllog-*")) or process.poll() is not None)
        yield process
        process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code", "line"),
    [(signal.SIGINT, 130, "welllog: stopped; no result was written\n"), (signal.SIGTERM, 143, "")],
    ids=["Ctrl-C", "a request to end"],
)
def test_a_stopped_run_leaves_no_partial_file_and_earlier_results_alone(
    running, tmp_path, number, code, line
) -> None:
    running.send_signal(number)
    stdout, stderr = running.communicate(timeout=30)
    assert (running.returncode, stdout, stderr) == (code, "", line)
    assert files_in(tmp_path / "out") == ["well.las"]
    assert (tmp_path / "out" / "well.las").read_text() == "earlier"


PERFECT = """
import sys
from importlib import import_module
import numpy as np
from napari_welllog.class_map import ClassMap
from napari_welllog.unet import ClassBand, Model

def dark_is_one(pixels, *args):
    whole = ClassMap.from_labels((pixels[0 : pixels.shape[0]] < 128).astype(np.uint8))
    yield ClassBand(0, whole.labels, whole.curve_probabilities)

module = import_module("napari_welllog.digitize")
module.load_model = lambda name_or_file: Model("perfect", "0" * 64, None)
module.segment_bands = dark_is_one
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits of POSIX")
def test_a_limit_on_file_sizes_stops_half_way_without_a_partial_file(well, tmp_path) -> None:
    """The LAS file still fits, the overlay does not."""
    limited = PERFECT + (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))\n"
        "from napari_welllog.cli import main\n"
        "main()\n"
    )
    command = ["digitize", well.scan, "--tracks", well.tracks, "--out", tmp_path / "out"]
    run = subprocess.run(
        [sys.executable, "-c", limited, *map(str, command)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2, run.stderr
    (line,) = run.stderr.splitlines()
    assert "cannot be written (File too large)" in line
    assert not (tmp_path / "out").exists()


@pytest.fixture
def tiny_disk(tmp_path) -> Iterator[Path]:
    """A disk with room for the LAS file but not for the overlay."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small disk needs root on Linux")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.usefixtures("perfect_network")
def test_a_full_disk_half_way_is_one_line_and_leaves_no_partial_file(well, tiny_disk) -> None:
    line = refused(welllog("digitize", well.scan, "--tracks", well.tracks, "--out", tiny_disk / "out"))
    assert "cannot be written (No space left on device); make room there" in line
    assert files_in(tiny_disk) == []


def test_the_command_is_installed_and_refuses_with_2(tmp_path) -> None:
    (tmp_path / "log.tif").write_text("no picture")
    run = subprocess.run(
        [sys.executable, "-m", "napari_welllog.cli", "digitize", str(tmp_path / "log.tif")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert files_in(tmp_path) == ["log.tif"]


# --- The other commands -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("perfect_network")
def test_segment_writes_the_class_map_and_if_asked_the_probabilities(well, tmp_path) -> None:
    classes, probabilities = tmp_path / "made" / "classes.tif", tmp_path / "probabilities.tif"
    result = welllog("segment", well.scan, "--out", classes, "--probabilities", probabilities)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("background 9")
    labels = tifffile.imread(classes)
    assert (labels == well.log.classes).all()
    assert (tifffile.imread(probabilities).argmax(axis=-1) == labels).all()


@pytest.mark.usefixtures("perfect_network")
def test_segment_never_replaces_its_scan_nor_one_result_by_the_other(well, tmp_path) -> None:
    before = well.scan.read_bytes()
    assert "is being read" in refused(welllog("segment", well.scan, "--out", well.scan))
    twice = refused(welllog("segment", well.scan, "--out", tmp_path / "a", "--probabilities", tmp_path / "a"))
    assert "give --out and --probabilities two files" in twice
    assert well.scan.read_bytes() == before


def test_tracks_proposes_a_calibration_that_can_be_used(well, tmp_path) -> None:
    shown = welllog("tracks", well.scan)
    assert shown.exit_code == 0, shown.output
    written = welllog("tracks", well.scan, "--out", tmp_path / "made" / "tracks.json")
    assert written.exit_code == 0, written.output
    assert (tmp_path / "made" / "tracks.json").read_text() == shown.stdout
    proposed = Tracks.load(tmp_path / "made" / "tracks.json")
    proposed.check_against(*well.log.scan.shape)
    assert proposed.depth.unit == "row"


def test_synth_prints_logs_with_their_truth_and_the_same_again_by_seed(tmp_path) -> None:
    for folder in ("first", "second"):
        size = ["--rows", "400", "--columns", "600"]
        result = welllog("synth", "--count", 2, "--seed", 5, "--out", tmp_path / folder, *size)
        assert result.exit_code == 0, result.output
    first = tmp_path / "first"
    assert files_in(first) == [
        f"log-{k}{ending}"
        for k in ("000", "001")
        for ending in (".png", ".tracks.json", "_classes.tif", "_traces.csv")
    ]
    assert all(
        (tmp_path / "second" / name).read_bytes() == (first / name).read_bytes() for name in files_in(first)
    )
    assert (first / "log-000.png").read_bytes() != (first / "log-001.png").read_bytes()
    with Image.open(first / "log-000.png") as scan:
        assert scan.size == (600, 400)
    assert tifffile.imread(first / "log-000_classes.tif").shape == (400, 600)
    traces = np.genfromtxt(first / "log-000_traces.csv", delimiter=",", names=True)
    curves = [c.mnemonic for track in Tracks.load(first / "log-000.tracks.json").tracks for c in track.curves]
    assert traces["row"].tolist() == list(range(400))
    assert sorted(traces.dtype.names[1:]) == sorted(curves)


def test_synth_leaves_nothing_when_a_log_cannot_be_written(tmp_path, monkeypatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(import_module("napari_welllog.digitize"), "write_class_map", full)
    result = welllog("synth", "--out", tmp_path / "out", "--rows", "200", "--columns", "300")
    assert "log-000_classes.tif: cannot be written" in refused(result)
    assert files_in(tmp_path) == []


def test_train_refuses_what_it_cannot_learn_from_and_a_checkpoint_that_is_not_there(tmp_path) -> None:
    out = tmp_path / "mine.safetensors"
    missing = tmp_path / "annotations"
    assert "annotations: is not there" in refused(welllog("train", "--out", out, "--annotations", missing))
    assert "no model 'nobody'" in refused(welllog("train", "--out", out, "--start", "nobody"))
    assert "nothing to resume from" in refused(welllog("train", "--out", out, "--resume"))
    wrong = "--loss-parameter", "gamma"
    assert "write it as gamma=2.5" in refused(welllog("train", "--out", out, *wrong))
    wrong = "--loss", "focal", "--loss-parameter", "gamma=99"
    assert "from 0 to 8" in refused(welllog("train", "--out", out, *wrong))
    assert files_in(tmp_path) == []


def test_train_hands_on_what_is_asked_for(tmp_path, monkeypatch) -> None:
    module = import_module("napari_welllog.unet.train")
    asked = {}

    def train(out, settings, **more):
        asked.update(more, settings=settings)
        Path(out).write_bytes(b"weights")
        return PixelScores((1.0,) * 3, (1.0,) * 3, (1.0, 0.75, 0.5), (1.0,) * 3, 1.0)

    monkeypatch.setattr(module, "train", train)
    out, folder = tmp_path / "mine.safetensors", tmp_path / "annotations"
    options = [
        "--annotations",
        folder,
        "--start",
        "welllog-1",
        "--annotated-share",
        0.25,
        "--loss",
        "weighted",
    ]
    numbers = ["--loss-parameter", "curve_one_weight=4", "--loss-parameter", "curve_two_weight=8.5"]
    result = welllog("train", "--out", out, *options, *numbers)
    assert result.exit_code == 0, result.output
    assert (asked["annotations"], asked["start"]) == (folder, "welllog-1")
    settings = asked["settings"]
    assert (settings.annotated_share, settings.loss) == (0.25, "weighted")
    assert settings.loss_parameters == {"curve_one_weight": 4.0, "curve_two_weight": 8.5}
    assert "curve one 0.7500, curve two 0.5000" in result.stdout
    assert files_in(tmp_path) == ["mine.safetensors"]


@pytest.mark.usefixtures("perfect_network")
def test_evaluate_prints_the_tables(well, monkeypatch) -> None:
    module = import_module("napari_welllog.evaluate")
    monkeypatch.setattr(module, "print_log", lambda seed: well.log)
    monkeypatch.setattr(module, "segment", import_module("napari_welllog.unet").segment)
    result = welllog("evaluate", "--count", 1)
    assert result.exit_code == 0, result.output
    rows = {line.split("  ")[0].strip(): line.split() for line in result.stdout.splitlines()}
    assert rows["background"][-7:] == ["1.0000", "1.0000", "1.0000", "1.0000", "-", "-", "-"]
    pixels, curve = (line.split() for line in result.stdout.splitlines() if line.startswith(" curve one"))
    assert pixels[2:] == ["1.0000"] * 7
    assert float(curve[2].rstrip("%")) > 95
    assert float(curve[-1].rstrip("%")) < 1


def test_importing_the_command_is_quick() -> None:
    """`welllog --help` must not wait for torch."""
    code = "import sys, napari_welllog.cli; print('torch' in sys.modules, 'scipy' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert run.stdout == "False False\n"


# --- Follow -------------------------------------------------------------------------------------------------


def test_follow_writes_row_column_and_verdict_of_each_curve(well, tmp_path: Path) -> None:
    curves = [curve for track in Tracks.load(well.tracks).tracks for curve in track.curves]
    starts = []
    for curve, trace in zip(curves, well.log.traces, strict=True):
        row = int(np.flatnonzero(np.isfinite(trace.column))[5])
        starts += ["--start", f"{curve.mnemonic}={row},{trace.column[row]:.1f}"]
    out = tmp_path / "followed.csv"
    result = welllog(
        "follow", well.scan, "--tracks", well.tracks, "--method", "straight", *starts, "--out", out
    )
    assert result.exit_code == 0, result.output
    lines = out.read_text().splitlines()
    assert lines[0].split(",") == ["row", "GR", "GR_verdict", "CALI", "CALI_verdict"]
    verdicts = {field for line in lines[1:] for field in line.split(",")[2::2]}
    assert verdicts <= {"", "clear", "ambiguous", "lost"}
    solid = well.log.traces[0].column
    read = {int(line.split(",")[0]): line.split(",")[1] for line in lines[1:] if line.split(",")[1]}
    errors = [abs(float(column) - solid[row]) for row, column in list(read.items())[:60]]
    assert np.nanmedian(errors) < 2


@pytest.mark.usefixtures("perfect_network")
def test_follow_starts_where_the_network_first_sees_the_curves(well, tmp_path: Path) -> None:
    out = tmp_path / "followed.csv"
    result = welllog("follow", well.scan, "--tracks", well.tracks, "--out", out)
    assert result.exit_code == 0, result.output
    assert out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--method", "magnetic"], "choose one of nearest, straight, kalman, viterbi"),
        (["--start", "GR=1,x"], "is not CURVE=ROW,COLUMN"),
        (["--start", "RHOB=1,2"], "there is no curve RHOB"),
        (["--start", "GR=400,99999", "--start", "CALI=400,300"], "lies outside"),
    ],
)
def test_follow_refuses_in_one_line_and_leaves_no_file(well, tmp_path: Path, options, words: str) -> None:
    out = tmp_path / "made" / "followed.csv"
    assert words in refused(welllog("follow", well.scan, "--tracks", well.tracks, "--out", out, *options))
    assert not out.parent.exists()


def test_evaluate_sets_the_network_beside_the_followers_at_crossings(perfect_network, monkeypatch) -> None:
    def see_nothing(pixels: np.ndarray, *_: object, **__: object) -> ClassMap:
        return ClassMap.from_labels(np.zeros_like(pixels))

    monkeypatch.setattr(import_module("napari_welllog.evaluate"), "segment", see_nothing)
    result = welllog("evaluate", "--crossings", "--count", "1")
    assert result.exit_code == 0, result.output
    for reader in ("nearest", "straight", "kalman", "viterbi", "class map", "traces"):
        assert reader in result.stdout
