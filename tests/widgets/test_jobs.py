"""Work off the GUI thread: the window stays alive, tells how far it is, and comes back whatever happens."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from napari_welllog.errors import Cancelled, ScanError
from napari_welllog.widgets.jobs import Job, JobBar, stop_all


@pytest.fixture
def bar(qtbot) -> JobBar:
    bar = JobBar("Segment")
    qtbot.addWidget(bar)
    return bar


def wait_until_cancelled(job: Job) -> None:
    while not job.cancelled():
        time.sleep(0.01)
    raise Cancelled


def test_the_result_reaches_the_widget_on_the_gui_thread(qtbot, bar) -> None:
    where = []
    with qtbot.waitSignal(bar.finished):
        bar.start(
            lambda job: threading.get_ident(), lambda result: where.extend([result, threading.get_ident()])
        )
        assert not bar.run_button.isEnabled()
    assert where[0] != where[1] == threading.get_ident()
    assert bar.run_button.isEnabled()
    assert not bar.is_running


def test_pieces_arrive_in_order_and_before_the_result(qtbot, bar) -> None:
    seen: list[object] = []

    def work(job: Job) -> str:
        for number in range(5):
            job.hand_over(number)
        return "all"

    with qtbot.waitSignal(bar.finished):
        bar.start(work, seen.append, seen.append)
    assert seen == [0, 1, 2, 3, 4, "all"]


def test_progress_shows_the_share_done_and_the_time_left(qtbot, bar) -> None:
    go_on = threading.Event()

    def work(job: Job) -> None:
        job.progress(0.25, "Segmenting")
        go_on.wait(5)

    bar.start(work, lambda result: None)
    qtbot.waitUntil(lambda: bar.bar.value() == 250)
    qtbot.waitUntil(lambda: "left" in bar.bar.format() and "Segmenting" in bar.bar.format())
    with qtbot.waitSignal(bar.finished):
        go_on.set()
    assert not bar.bar.isVisible()


def test_cancel_brings_the_buttons_back_at_once_though_the_work_is_slow_to_stop(qtbot, bar) -> None:
    go_on = threading.Event()
    results: list[object] = []
    bar.start(lambda job: go_on.wait(5), results.append)
    with qtbot.waitSignal(bar.finished, timeout=500):
        bar.cancel_button.click()
    assert bar.run_button.isEnabled()
    assert bar.message.text() == "Cancelled."
    go_on.set()
    qtbot.wait(200)
    assert results == []


def test_new_work_can_start_after_a_cancelled_one(qtbot, bar) -> None:
    bar.start(wait_until_cancelled, lambda result: None)
    bar.cancel()
    results: list[object] = []
    with qtbot.waitSignal(bar.finished):
        bar.start(lambda job: 7, results.append)
    assert results == [7]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ScanError("The scan is empty: choose another."), "The scan is empty"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (RuntimeError("surprise"), "surprise"),
        (SystemExit(3), "SystemExit"),
    ],
)
def test_what_goes_wrong_is_said_in_the_window_and_the_buttons_come_back(qtbot, bar, error, said) -> None:
    def work(job: Job) -> None:
        raise error

    with qtbot.waitSignal(bar.finished):
        bar.start(work, lambda result: None)
    assert said in bar.message.text()
    assert bar.run_button.isEnabled()


@pytest.mark.parametrize("stage", ["piece", "done"])
def test_what_goes_wrong_while_showing_the_result_is_said_too(qtbot, bar, stage) -> None:
    def wrong(_: object) -> None:
        raise ScanError("The layer is gone: open the scan again.")

    fine = [].append
    with qtbot.waitSignal(bar.finished):
        bar.start(lambda job: job.hand_over(1), *((wrong, fine) if stage == "done" else (fine, wrong)))
    assert "layer is gone" in bar.message.text()
    assert bar.run_button.isEnabled()
    assert not bar.is_running


def test_closing_the_window_stops_the_work(qtbot) -> None:
    bar = JobBar()
    stopped = threading.Event()

    def work(job: Job) -> None:
        try:
            wait_until_cancelled(job)
        finally:
            stopped.set()

    bar.start(work, lambda result: None)
    bar.deleteLater()
    qtbot.waitUntil(stopped.is_set)
    stop_all()


def test_a_bar_that_python_collects_stops_its_work_without_noise(qtbot) -> None:
    """Python may clear what a widget refers to before Qt tells that the widget is gone."""
    stopped = threading.Event()

    def work(job: Job) -> None:
        while not job.cancelled():
            time.sleep(0.01)
        stopped.set()

    with qtbot.capture_exceptions() as exceptions:
        for _ in range(20):
            JobBar()
        bar = JobBar()
        bar.start(work, lambda result: None)
        del bar
        gc.collect()
    assert exceptions == []
    assert stopped.wait(5)
