"""Many scans on Dask: one bad scan stops nothing, a dead worker costs a retry, a stopped run goes on."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import LocalCluster
from PIL import Image
from typer.testing import CliRunner

from napari_welllog.archive import Archive, Progress, read_archive
from napari_welllog.archive.record import RECORD, Record
from napari_welllog.class_map import ClassMap
from napari_welllog.cli import app
from napari_welllog.digitize import digitize
from napari_welllog.errors import ArchiveError, LasError, TracksError
from napari_welllog.synthetic import print_log
from napari_welllog.tracks import Tracks
from napari_welllog.unet import ClassBand, Model

WORKER = Path(__file__).with_name("worker.py")
MODEL = Model("dark is one", "0" * 64, None)  # type: ignore[arg-type]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Folders of small scans: four good ones, two of one name, and three that cannot be read."""
    folder = tmp_path / "logs"
    for k, place in enumerate(("a/well", "b/well", "b/north", "b/south")):
        scan = folder / f"{place}.png"
        scan.parent.mkdir(parents=True, exist_ok=True)
        log = print_log(40 + k, rows=420, columns=420, tracks=1)
        Image.fromarray(log.scan).save(scan, dpi=(log.dpi, log.dpi))
        assert log.tracks is not None
        log.tracks.save(scan.with_name(f"{scan.stem}.tracks.json"))
    whole = (folder / "a" / "well.png").read_bytes()
    (folder / "a" / "cut.png").write_bytes(whole[: len(whole) // 3])
    (folder / "a" / "empty.tif").touch()
    Image.new("L", (300, 400), 255).save(folder / "b" / "blank.png")
    return folder


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of hooks of `worker.py`, which every worker loads."""
    folder = tmp_path / "hooks"
    folder.mkdir()
    monkeypatch.setenv("WELLLOG_TEST_HOOKS", str(folder))
    monkeypatch.setattr(import_module("napari_welllog.archive.run"), "load_model", lambda name=None: MODEL)
    with dask.config.set({"distributed.worker.preload": [str(WORKER)]}):
        yield folder


def dark_is_one(pixels, *args) -> Iterator[ClassBand]:
    """What the network of `worker.py` gives: all ink is curve one."""
    whole = ClassMap.from_labels((pixels[0 : pixels.shape[0]] < 100).astype(np.uint8))
    yield ClassBand(0, whole.labels, whole.curve_probabilities)


def read(logs: Path, out: Path, **more) -> Archive:
    return read_archive([logs], out, workers=more.pop("workers", 2), **more)


def contents(out: Path) -> dict[str, bytes]:
    """All that a run leaves but its journal, which tells the time."""
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in files
        if path.name not in ("journal.jsonl", ".welllog-batch.lock")
    }


def journal(out: Path, event: str) -> list[dict]:
    lines = (json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines())
    return [line for line in lines if line["event"] == event]


def names(records: list[Record]) -> list[str]:
    return [Path(record.scan.path).stem for record in records]


def test_every_good_scan_is_read_and_every_bad_one_listed_with_its_reason(logs, hooks, tmp_path) -> None:
    told: list[Progress] = []
    archive = read(logs, tmp_path / "out", progress=told.append)
    assert names(archive.of_run("read")) == ["well", "north", "south", "well"]
    assert {Path(r.scan.path).name: r.reason.partition(";")[0] for r in archive.of_run("refused")} == {
        "cut.png": "damaged or cut short (Truncated File Read)",
        "empty.tif": "empty, 0 bytes",
        "blank.png": "no track was found: nothing on the scan looks like the printed grid of a log",
    }
    assert archive.of_run("failed") == []
    assert (told[-1].done, told[-1].total) == (7, 7)
    with open(archive.table, newline="") as file:
        table = list(csv.DictReader(file))
    assert {row["scan"] for row in table} == {r.scan.path for r in archive.records.values()}
    assert all(row["reason"] for row in table if row["outcome"] == "refused")
    for row in table:
        if row["outcome"] == "read":
            shares = [float(row[name]) for name in ("traced", "bridged", "missing")]
            assert sum(shares) == pytest.approx(1, abs=2e-4)
            assert row["calibration"] == "own tracks.json"
    page = archive.page.read_text()
    assert page.index("Not read") < page.index("a/cut.png") < page.index("Read, the least complete first")
    for folder in ("north", "south", "well", "well-2"):
        assert f'src="{folder}/' in page
        with Image.open(next((tmp_path / "out" / folder).glob("*_thumbnail.png"))) as thumbnail:
            assert thumbnail.height == 280


def test_each_scan_has_what_digitize_writes_without_the_seconds(logs, hooks, tmp_path, monkeypatch) -> None:
    archive = read(logs, tmp_path / "out")
    monkeypatch.setattr(import_module("napari_welllog.digitize"), "segment_bands", dark_is_one)
    scan = logs / "b" / "north.png"
    digitize(scan, scan.with_name("north.tracks.json"), tmp_path / "alone", MODEL)
    folder = archive.scans[scan]
    for file in (tmp_path / "alone").iterdir():
        if file.name == "north_report.json":
            alone, of_many = (json.loads(f.read_text()) for f in (file, folder / file.name))
            assert of_many.pop("seconds") == {}
            assert alone.pop("seconds")
            assert alone == of_many
        else:
            assert (folder / file.name).read_bytes() == file.read_bytes()


def test_two_scans_of_one_name_do_not_collide(logs, hooks, tmp_path) -> None:
    archive = read(logs, tmp_path / "out")
    assert archive.scans[logs / "a" / "well.png"] == tmp_path / "out" / "well"
    assert archive.scans[logs / "b" / "well.png"] == tmp_path / "out" / "well-2"
    las = [(tmp_path / "out" / folder / "well.las").read_bytes() for folder in ("well", "well-2")]
    assert las[0] != las[1]


def test_a_worker_that_dies_costs_its_scan_a_retry_and_nothing_else(logs, hooks, tmp_path) -> None:
    read(logs, tmp_path / "quiet", workers=1)
    (hooks / "kill-north").touch()
    archive = read(logs, tmp_path / "out")
    assert archive.progress.deaths == 1
    assert [Path(line["scan"]).stem for line in journal(tmp_path / "out", "worker died")] == ["north"]
    assert len(journal(tmp_path / "out", "read")) == 4
    quiet = contents(tmp_path / "quiet")
    for name, content in contents(tmp_path / "out").items():
        assert content.replace(b"<title>out", b"<title>quiet").replace(b"<h1>out", b"<h1>quiet") == quiet.pop(
            name
        ), name
    assert quiet == {}


def test_a_scan_that_kills_every_worker_is_listed_and_read_by_a_later_run(logs, hooks, tmp_path) -> None:
    (hooks / "deadly-north").touch()
    archive = read(logs, tmp_path / "out")
    assert names(archive.of_run("read")) == ["well", "south", "well"]
    (failed,) = archive.of_run("failed")
    assert Path(failed.scan.path).stem == "north"
    assert "each of the 3 workers that tried it died" in failed.reason
    assert "tried again by the next run" in archive.page.read_text()
    (hooks / "deadly-north").unlink()
    later = read(logs, tmp_path / "out")
    assert later.progress.kept == 6
    assert len(later.of_run("read")) == 4
    assert later.of_run("failed") == []
    assert [p for p in (tmp_path / "out" / "north").iterdir() if p.name.startswith(".")] == []


RUN = """
from importlib import import_module
from napari_welllog.unet import Model
import_module("napari_welllog.unet")
module = import_module("napari_welllog.archive.run")
module.load_model = lambda name=None: Model("dark is one", "0" * 64, None)
from napari_welllog.cli import main
if __name__ == "__main__":
    main()
"""


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_a_run_that_was_stopped_goes_on_where_it_was(logs, hooks, tmp_path, number) -> None:
    """Ctrl-C reaches all processes of a terminal; a kill only the run itself."""
    out, script = tmp_path / "out", tmp_path / "run.py"
    script.write_text(RUN)
    (hooks / "hold-south").touch()
    command = [sys.executable, str(script), "batch", str(logs), "--out", str(out), "--workers", "2"]
    environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__PRELOAD": str(WORKER)}
    with subprocess.Popen(
        command, stdout=-1, stderr=-1, text=True, env=environment, start_new_session=True
    ) as run:
        finished = ("well", "well-2", "north", "cut", "empty", "blank")
        wait_for(
            lambda: all((out / n / RECORD).exists() for n in finished) and (hooks / "held-south").exists()
        )
        (os.killpg if number == signal.SIGINT else os.kill)(run.pid, number)
        _, stderr = run.communicate(timeout=60)
    assert run.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    if number == signal.SIGINT:
        assert stderr.splitlines()[-1].startswith("welllog: stopped; ")
        assert "the same command goes on from there" in stderr
        assert len(stderr.splitlines()) == 1
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/*") if path.parent.name != "south"}
    (hooks / "hold-south").unlink()
    archive = read(logs, out)
    assert archive.progress.kept == 6
    assert len(archive.of_run("read")) == 4
    assert {path: path.stat().st_mtime_ns for path in before} == before, "nothing was done twice"
    resumed = contents(out)
    # Moved aside, for the page is titled by its folder.
    out.rename(tmp_path / "resumed")
    read(logs, out)
    assert contents(out) == resumed


def test_only_what_has_changed_is_read_again(logs, hooks, tmp_path) -> None:
    out = tmp_path / "out"
    read(logs, out)
    os.utime(logs / "b" / "north.png")
    assert read(logs, out).progress.read == 0, "the bytes are the same"
    tracks = logs / "b" / "north.tracks.json"
    tracks.write_text(tracks.read_text().replace("track 1", "left track"))
    assert read(logs, out).progress.read == 1
    (out / "well" / "well.las").unlink()
    assert read(logs, out).progress.read == 1
    assert read(logs, out, step=0.25).progress.kept == 0
    assert read(logs, out, step=0.25).progress.kept == 7
    assert read(logs, out, step=0.25, again=True).progress.kept == 0


def test_a_scan_that_has_become_bad_says_that_its_results_are_older(logs, hooks, tmp_path) -> None:
    read(logs, tmp_path / "out")
    (logs / "b" / "north.png").write_bytes(b"")
    archive = read(logs, tmp_path / "out")
    record = archive.records[tmp_path / "out" / "north"]
    assert record.outcome == "refused"
    assert "the results in its folder are of an earlier run" in record.reason


def test_the_calibration_for_all_is_for_those_that_have_none(logs, hooks, tmp_path) -> None:
    common = (logs / "b" / "north.tracks.json").rename(tmp_path / "common.json")
    archive = read(logs, tmp_path / "out", tracks=common)
    used = {Path(r.scan.path).stem: r.settings.tracks for r in archive.of_run("read")}
    assert used["north"] == "given"
    assert used["south"] == "beside"


def test_an_existing_scheduler_is_used(logs, hooks, tmp_path) -> None:
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        archive = read(logs, tmp_path / "out", scheduler=cluster.scheduler_address)
        assert len(cluster.scheduler.workers) == 1, "it is left running"
    assert len(archive.of_run("read")) == 4


# --- Without a cluster --------------------------------------------------------------------------------------


def test_what_cannot_begin_is_refused_before_any_work(logs, hooks, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    with pytest.raises(ArchiveError, match=r"nowhere: there is no scan"):
        read_archive([tmp_path / "nowhere"], out)
    with pytest.raises(TracksError, match=r"common\.json"):
        read_archive([logs], out, tracks=tmp_path / "common.json")
    with pytest.raises(LasError, match="give a step above 0"):
        read_archive([logs], out, step=0)
    assert not out.exists()
    module = import_module("napari_welllog.archive.cluster")
    monkeypatch.setattr(module, "_CONNECT_SECONDS", 0.5)
    with pytest.raises(ArchiveError, match="no Dask scheduler answers there"):
        read_archive([logs], out, scheduler="tcp://127.0.0.1:1")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ArchiveError, match=r"pip install 'napari-welllog\[batch\]'"):
        read_archive([logs], out)


def test_the_command_hands_on_what_is_asked_for_and_ends_with_1_when_a_scan_was_not_read(
    logs, hooks, tmp_path
) -> None:
    out = tmp_path / "out"
    arguments = ["batch", str(logs / "a" / "*.*"), str(logs / "b"), "--out", str(out), "--workers", "1"]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 1, result.output
    assert "read" in result.stdout
    assert str(out / "index.html") in result.stdout
    refused = [line for line in result.stderr.splitlines() if line.startswith("welllog: refused: ")]
    assert len(refused) == 3
    good = ["batch", str(logs / "b" / "*th.png"), "--out", str(out)]
    assert CliRunner().invoke(app, good).exit_code == 0, "both are read already"


def test_results_in_the_folder_of_the_scans_are_no_scans(logs, hooks) -> None:
    read(logs, logs / "results")
    assert read(logs, logs / "results").progress.total == 7


def test_names_of_scans_are_harmless_on_the_page(logs, hooks, tmp_path) -> None:
    (logs / "b" / "<b>&'.png").write_bytes(b"no scan")
    (logs / "b" / "south.png").rename(logs / "b" / "50% #1?.png")
    (logs / "b" / "south.tracks.json").rename(logs / "b" / "50% #1?.tracks.json")
    page = read(logs, tmp_path / "out").page.read_text()
    assert "&lt;b&gt;&amp;" in page
    assert "<b>&" not in page
    assert 'href="50%25%20%231%3F/50%25%20%231%3F.las"' in page


def test_a_calibration_that_does_not_fit_refuses_its_scan_alone(logs, hooks, tmp_path) -> None:
    tracks = Tracks.load(logs / "b" / "north.tracks.json")
    far = tracks.tracks[0].model_copy(update={"bottom": 90_000.0})
    tracks.model_copy(update={"tracks": [far]}).save(logs / "b" / "north.tracks.json")
    archive = read(logs, tmp_path / "out")
    assert "the scan ends at row 419" in archive.records[tmp_path / "out" / "north"].reason
    assert len(archive.of_run("read")) == 3


@pytest.mark.parametrize(
    ("error", "outcome", "words"),
    [
        (MemoryError(), "failed", "not enough memory"),
        (OSError(28, "No space left on device"), "failed", "unexpected OSError"),
        (ZeroDivisionError("float division"), "failed", "unexpected ZeroDivisionError: float division"),
        (TracksError("t.json: is not JSON"), "refused", "t.json: is not JSON"),
    ],
)
def test_whatever_goes_wrong_with_one_scan_is_written_down(
    logs, tmp_path, monkeypatch, error, outcome, words
) -> None:
    module = import_module("napari_welllog.archive.job")
    plan = import_module("napari_welllog.archive.plan")
    record = import_module("napari_welllog.archive.record")

    def fail(*args, **more) -> None:
        raise error

    monkeypatch.setattr(module, "load_model", lambda name=None: MODEL)
    monkeypatch.setattr(module, "_use_threads", lambda threads: None)
    monkeypatch.setattr(module, "digitize", fail)
    settings = record.Settings(
        version=import_module("napari_welllog").__version__,
        model=MODEL.name,
        model_sha256=MODEL.sha256,
        step=None,
        tracks="paper",
        tracks_sha256=None,
        prints_read=False,
    )
    scan, out = logs / "b" / "north.png", tmp_path / "out"
    (job,) = plan.plan_run([scan], out, None, settings, None).jobs
    done = module.do_job(job)
    assert done.record.outcome == outcome
    assert words in done.record.reason
    assert Record.load(out / "north" / RECORD) == done.record
    assert [path.name for path in (out / "north").iterdir()] == [RECORD]
    again = plan.plan_run([scan], out, None, settings, None).jobs
    assert len(again) == (outcome == "failed"), "what the machine could not do is tried again"
