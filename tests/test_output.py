"""Results reach the disk whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from napari_welllog.errors import OutputError
from napari_welllog.output import naming, staged


def everything_in(folder: Path) -> dict[str, str]:
    return {
        path.name: path.read_text() if path.is_file() else "a folder" for path in sorted(folder.iterdir())
    }


def write_all(targets: list[Path]) -> None:
    with staged(targets) as places:
        for place in places.values():
            place.write_text("new")


def test_files_appear_together_when_all_are_written(tmp_path: Path) -> None:
    with staged([tmp_path / "a.las", tmp_path / "b.csv"]) as places:
        places[tmp_path / "a.las"].write_text("new a")
        assert not (tmp_path / "a.las").exists()
        places[tmp_path / "b.csv"].write_text("new b")
    assert everything_in(tmp_path) == {"a.las": "new a", "b.csv": "new b"}


def test_folders_are_made_as_needed_and_targets_may_lie_in_several(tmp_path: Path) -> None:
    targets = [tmp_path / "one" / "deep" / "a", tmp_path / "two" / "b"]
    with staged(targets) as places:
        for target in targets:
            places[target].write_text(target.name)
    assert [target.read_text() for target in targets] == ["a", "b"]


@pytest.mark.parametrize("what", [ValueError, KeyboardInterrupt, SystemExit], ids=lambda what: what.__name__)
def test_after_a_failure_earlier_files_are_as_they_were_and_new_folders_are_gone(
    tmp_path: Path, what
) -> None:
    old, new = tmp_path / "a.las", tmp_path / "made" / "for" / "this" / "b.csv"
    old.write_text("earlier")

    def fail_half_way() -> None:
        with staged([old, new]) as places:
            places[old].write_text("half")
            raise what

    with pytest.raises(what):
        fail_half_way()
    assert everything_in(tmp_path) == {"a.las": "earlier"}


def test_a_result_that_was_never_written_fails_the_whole(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"b\.csv"), staged([tmp_path / "a", tmp_path / "b.csv"]) as places:
        places[tmp_path / "a"].write_text("done")
    assert everything_in(tmp_path) == {}


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_move_that_fails_half_way_is_taken_back(tmp_path: Path, monkeypatch, links: bool) -> None:
    targets = [tmp_path / name for name in ("a", "b", "c")]
    targets[0].write_text("earlier a")
    real_replace = os.replace

    def replace(source, target) -> None:
        if Path(target) == targets[2]:
            raise OSError(errno.EIO, "Input/output error")
        real_replace(source, target)

    def no_link(*paths) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "replace", replace)
    if not links:
        monkeypatch.setattr(os, "link", no_link)
    with pytest.raises(OutputError, match=r"c: cannot be written \(Input/output error\)"):
        write_all(targets)
    assert everything_in(tmp_path) == {"a": "earlier a"}


def test_a_file_where_the_folder_should_be_is_named_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("notes")
    target = tmp_path / "results" / "june" / "a.las"
    with pytest.raises(OutputError, match=r"results is a file\); choose another folder"), staged([target]):
        pytest.fail("the work began")
    assert everything_in(tmp_path) == {"results": "notes"}


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs a folder that even root cannot write to"
)
def test_a_folder_that_cannot_be_written_to_is_refused_before_any_work() -> None:
    with (
        pytest.raises(OutputError, match="/proc/results: cannot be written to"),
        staged(["/proc/results/a.las"]),
    ):
        pytest.fail("the work began")


def test_a_folder_in_the_place_of_a_result_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a.las").mkdir()
    with pytest.raises(OutputError, match=r"a\.las: is a folder"), staged([tmp_path / "a.las"]):
        pytest.fail("the work began")


def test_an_input_is_never_overwritten_however_it_is_named(tmp_path: Path) -> None:
    scan = tmp_path / "log.csv"
    scan.write_text("ink")
    (tmp_path / "link.csv").symlink_to(scan)
    with (
        pytest.raises(OutputError, match="is being read"),
        staged([tmp_path / "link.csv"], inputs=[None, scan]),
    ):
        pytest.fail("the work began")


def test_an_error_names_the_file_that_was_asked_for_not_the_temporary_one(tmp_path: Path) -> None:
    target = tmp_path / "a.las"
    with pytest.raises(OutputError) as caught, staged([target]) as places, naming(target, places[target]):
        raise OutputError(f"{places[target]}: cannot be written (No space left on device)")
    assert str(caught.value) == f"{target}: cannot be written (No space left on device)"


def test_ctrl_c_while_the_files_are_moved_waits_until_all_are_there(tmp_path: Path, monkeypatch) -> None:
    targets = [tmp_path / name for name in ("a", "b", "c")]
    real_replace = os.replace

    def replace(source, target) -> None:
        real_replace(source, target)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(os, "replace", replace)
    # A process started in the background is born deaf to Ctrl-C; whoever runs the tests may be one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        write_all(targets)
        assert everything_in(tmp_path) == {"a": "new", "b": "new", "c": "new"}
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_results_can_be_written_from_a_thread(tmp_path: Path) -> None:
    def write() -> None:
        with staged([tmp_path / "a"]) as places:
            places[tmp_path / "a"].write_text("done")

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert everything_in(tmp_path) == {"a": "done"}
