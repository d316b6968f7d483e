"""Nothing that was painted is lost: not to SIGKILL, a full disk, a read-only folder or a quick hand."""

from __future__ import annotations

import errno
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from napari_welllog.annotations import AnnotationFolder, Saver, SaveState
from napari_welllog.errors import AnnotationsError

output = import_module("napari_welllog.output")

QUICK = 0.02


def stroke(labels: np.ndarray, number: int) -> np.ndarray:
    """The labels after another stroke."""
    labels[number % len(labels)] = 1 + number % 2
    return labels


@pytest.fixture
def told() -> list[SaveState]:
    return []


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def on_disk(well, name: str) -> np.ndarray:
    return AnnotationFolder.open(well.folder.path).read(name).labels


def test_every_stroke_reaches_the_disk(well, told) -> None:
    name, labels = well.add(0), np.zeros((200, 240), np.uint8)
    saver = Saver(well.folder, told.append)
    for number in range(5):
        saver.save(name, stroke(labels, number), looked_at=[(0, number)])
        assert saver.flush()
        np.testing.assert_array_equal(on_disk(well, name), labels)
    assert saver.close()
    assert told[-1] == saver.state == SaveState(0, None, "saved")
    assert AnnotationFolder.open(well.folder.path).windows[name].looked_at == ((0, 4),)
    with pytest.raises(AnnotationsError, match="is closed"):
        saver.save(name, labels)


def test_the_caller_never_waits_and_the_newest_strokes_win(well, monkeypatch) -> None:
    """While a save hangs, a hundred strokes come; after it one save brings all of them to the disk."""
    name, labels = well.add(0), np.zeros((200, 240), np.uint8)
    going, saves = threading.Event(), []
    save = AnnotationFolder.save

    def slow(folder, *arguments) -> None:
        saves.append(arguments)
        assert going.wait(20)
        save(folder, *arguments)

    monkeypatch.setattr(AnnotationFolder, "save", slow)
    saver = Saver(well.folder)
    began = time.monotonic()
    for number in range(100):
        saver.save(name, stroke(labels, number), looked_at=[(0, 9)] if number < 50 else None)
    assert time.monotonic() - began < 5
    assert not saver.flush(0.01), "not yet"
    going.set()
    assert saver.close()
    assert len(saves) <= 3
    np.testing.assert_array_equal(on_disk(well, name), labels)
    assert AnnotationFolder.open(well.folder.path).windows[name].looked_at == ((0, 9),)


def test_the_caller_never_waits_for_a_disk_that_hangs_in_the_middle_of_a_file(well, monkeypatch) -> None:
    name, labels = well.add(0), np.zeros((200, 240), np.uint8)
    writing, going = threading.Event(), threading.Event()
    module = import_module("napari_welllog.annotations.folder")
    replace_file = module.replace_file

    def slow(*arguments) -> None:
        writing.set()
        assert going.wait(20)
        replace_file(*arguments)

    monkeypatch.setattr(module, "replace_file", slow)
    saver = Saver(well.folder)
    saver.save(name, stroke(labels, 0))
    assert writing.wait(20)
    began = time.monotonic()
    for number in range(1, 20):
        saver.save(name, stroke(labels, number))
        assert name in well.folder.windows
    assert time.monotonic() - began < 5
    going.set()
    assert saver.close()
    np.testing.assert_array_equal(on_disk(well, name), labels)


def test_later_painting_does_not_change_what_is_being_saved(well) -> None:
    name, labels = well.add(0), np.zeros((200, 240), np.uint8)
    saver = Saver(well.folder)
    saver.save(name, labels)
    labels[:] = 2
    assert saver.close()
    assert on_disk(well, name).max() == 0


def test_several_windows_are_saved_each(well) -> None:
    names = [well.add(0), well.add(200), well.add(400)]
    saver = Saver(well.folder)
    for number, name in enumerate(names):
        saver.save(name, np.full((200, 240), number, np.uint8))
    assert saver.close()
    assert [int(on_disk(well, name).max()) for name in names] == [0, 1, 2]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "disk full"),
        (errno.EDQUOT, "disk full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "read-only"),
        (errno.EIO, "cannot be written"),
    ],
)
def test_a_failure_is_told_at_once_and_strokes_are_saved_when_it_is_possible_again(
    well, told, monkeypatch, number, reason
) -> None:
    name, labels = well.add(0), np.zeros((200, 240), np.uint8)
    flush, broken = output._flush, [True]

    def fail(place: Path) -> None:
        if broken[0]:
            raise OSError(number, os.strerror(number))
        flush(place)

    monkeypatch.setattr(output, "_flush", fail)
    saver = Saver(well.folder, told.append, retry_seconds=QUICK)
    saver.save(name, stroke(labels, 0))
    eventually(lambda: bool(told))
    assert (told[0].waiting, told[0].reason, told[0].saved) == (1, reason, False)
    assert os.strerror(number) in told[0].message
    assert "\n" not in told[0].message
    saver.save(name, stroke(labels, 1))
    assert not saver.flush()
    np.testing.assert_array_equal(saver.unsaved[name], labels)
    assert on_disk(well, name).max() == 0, "the earlier labels are whole"
    assert len(list(well.folder.path.iterdir())) == 3, "nothing half-written fills the disk"
    broken[0] = False
    eventually(lambda: saver.state.saved)
    np.testing.assert_array_equal(on_disk(well, name), labels)
    assert told[-1].saved
    assert saver.unsaved == {}
    assert saver.close()


def test_what_can_never_be_saved_is_handed_back_on_closing(well, monkeypatch) -> None:
    name, labels = well.add(0), np.ones((200, 240), np.uint8)

    def full(place: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output, "_flush", full)
    saver = Saver(well.folder, retry_seconds=QUICK)
    saver.save(name, labels)
    assert not saver.close()
    np.testing.assert_array_equal(saver.unsaved[name], labels)


def test_strokes_on_a_window_that_was_removed_are_no_failure(well, monkeypatch) -> None:
    name, kept = well.add(0), well.add(200)
    flush, broken = output._flush, [True]

    def fail(place: Path) -> None:
        if broken[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(place)

    monkeypatch.setattr(output, "_flush", fail)
    saver = Saver(well.folder, retry_seconds=QUICK)
    saver.save(name, np.ones((200, 240), np.uint8))
    assert not saver.flush()
    well.folder.remove(name)
    broken[0] = False
    saver.save(kept, np.ones((200, 240), np.uint8))
    assert saver.close()
    assert list(AnnotationFolder.open(well.folder.path).windows) == [kept]
    assert on_disk(well, kept).min() == 1


def test_a_listener_that_fails_does_not_end_the_saving(well) -> None:
    name, labels = well.add(0), np.zeros((200, 240), np.uint8)

    def gone(state: SaveState) -> None:
        raise RuntimeError("the window was closed")

    saver = Saver(well.folder, gone)
    for number in range(3):
        saver.save(name, stroke(labels, number))
        assert saver.flush()
    assert saver.close()
    np.testing.assert_array_equal(on_disk(well, name), labels)


@pytest.mark.parametrize(
    "labels", [np.zeros((10, 10), np.uint8), np.full((200, 240), 3, np.uint8), np.zeros((200, 240))]
)
def test_labels_that_are_none_are_refused_before_they_are_kept(well, labels) -> None:
    name = well.add(0)
    saver = Saver(well.folder)
    with pytest.raises(AnnotationsError):
        saver.save(name, labels)
    with pytest.raises(AnnotationsError, match="no window named other"):
        saver.save("other", np.zeros((200, 240), np.uint8))
    assert saver.unsaved == {}
    assert saver.close()


PAINTER = """
import os, sys
import numpy as np
from napari_welllog.annotations import AnnotationFolder, Saver

def paint(path):
    folder = AnnotationFolder.open(path)
    (name,) = folder.windows
    labels, saver, number = folder.read(name).labels.copy(), Saver(folder), 0
    while True:
        labels[number % len(labels)] = 1 + number % 2
        saver.save(name, labels)
        saver.flush()
        os.write(1, b"%d\\n" % number)
        number += 1

for line in sys.stdin:
    # A fork begins at once, where a new Python takes a second.
    child = os.fork()
    if child == 0:
        paint(line.strip())
    os.write(1, b"painter %d\\n" % child)
    os.waitpid(child, 0)
    os.write(1, b"ended\\n")
"""


def lines_until(stream, last: bytes) -> list[bytes]:
    """The lines of a pipe up to one that begins so."""
    lines = [b""]
    while not lines[-1].startswith(last):
        assert select.select([stream], [], [], 60)[0], "the painter hangs"
        lines.append(stream.readline())
    return lines[1:]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_process_that_is_killed_at_any_moment_loses_at_most_the_last_stroke(
    well, tmp_path, pytestconfig
) -> None:
    kills = pytestconfig.getoption("--kills")
    name = well.add(0)
    empty = np.zeros((200, 240), np.uint8)
    chance = random.Random(1)
    command = [sys.executable, "-u", "-c", PAINTER]
    strokes = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as painters:
        for _ in range(kills):
            well.folder.save(name, empty)
            painters.stdin.write(f"{well.folder.path}\n".encode())
            begun = lines_until(painters.stdout, b"painter ")
            time.sleep(chance.uniform(0.005, 0.15))
            os.kill(int(begun[-1].split()[1]), signal.SIGKILL)
            lines = [*begun, *lines_until(painters.stdout, b"ended")]
            saved = [int(line) for line in lines if line.strip().isdigit()]
            announced = saved[-1] + 1 if saved else 0
            after = [empty.copy()]
            for number in range(announced + 1):
                after.append(stroke(after[-1].copy(), number))
            reopened = on_disk(well, name)
            assert any(np.array_equal(reopened, labels) for labels in after[announced : announced + 2])
            assert len(list(well.folder.path.iterdir())) <= 3 + 2, "at most a leftover of each file"
            strokes.append(announced)
        painters.stdin.close()
    assert max(strokes) > 3, "there was something to lose"
