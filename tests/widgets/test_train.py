"""Train U-Net: from a folder of annotations to a network that Segment scan offers, and what may go wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.components import ViewerModel
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_welllog.annotations import AnnotationFolder, Place, ScanIdentity
from napari_welllog.scan import Scan
from napari_welllog.synthetic import print_window
from napari_welllog.unet.losses import DEFAULT_LOSS, LOSSES
from napari_welllog.unet.regions import Region, segment_regions
from napari_welllog.unet.weights import load_model
from napari_welllog.widgets import network_choice
from napari_welllog.widgets.annotations_in_use import ANNOTATIONS_IN_USE
from napari_welllog.widgets.class_layer import result_of
from napari_welllog.widgets.layers import class_map_layer, scan_layer
from napari_welllog.widgets.network_choice import FROM_SCRATCH, NETWORKS
from napari_welllog.widgets.preview import AFTER, BEFORE, MOST_PIXELS, PREVIEW, region_in_view
from napari_welllog.widgets.segment import SegmentWidget
from napari_welllog.widgets.train import NO_ANNOTATIONS, TrainWidget
from napari_welllog.widgets.training_run import checkpoint_of

training = import_module("napari_welllog.unet.train")

TINY = {"steps": 4, "batch": 2, "window": (64, 64), "held_out": 2}


@cache
def printed():
    for seed in range(100):
        log = print_window(seed, rows=384, columns=128)
        if all((log.classes[top : top + 128] > 0).sum() > 100 for top in range(0, 384, 128)):
            return log
    raise AssertionError


@pytest.fixture(autouse=True)
def settings(monkeypatch) -> list[Path]:
    """Nothing is remembered from one test to the next; gives the folders that would be."""
    folders: list[Path] = []
    for name in ("train", "segment"):
        monkeypatch.setattr(f"napari_welllog.widgets.{name}.remember_model_folder", folders.append)
    monkeypatch.setattr(NETWORKS, "files", [])
    return folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three annotated windows of one scan, looked at whole."""
    log = printed()
    made = AnnotationFolder.open(tmp_path / "annotations", make=True)
    identity = ScanIdentity.of(Scan(log.scan))
    for top in range(0, 384, 128):
        place = Place(top=top, left=0, rows=128, columns=128)
        made.add(log.scan, place, identity, log.classes[place.slices], looked_at=[(top, top + 127)])
    return made.path


@pytest.fixture
def viewer() -> ViewerModel:
    return with_scan(ViewerModel())


def with_scan(viewer: Any) -> Any:
    data, settings, _ = scan_layer(printed().scan, "log")
    viewer.add_image(data, **settings)
    look_at(viewer)
    return viewer


def look_at(viewer: Any, row: float = 190, column: float = 64, zoom: float = 1.0) -> None:
    viewer.scene.camera.center = (row, column)
    viewer.scene.camera.zoom = zoom


@pytest.fixture
def widget(qtbot, viewer, tmp_path) -> TrainWidget:
    return tiny(qtbot, TrainWidget(viewer), tmp_path)


def tiny(qtbot, widget: TrainWidget, tmp_path: Path, **more: Any) -> TrainWidget:
    qtbot.addWidget(widget)
    widget.more_settings = TINY | more
    widget.save_as(tmp_path / "mine.safetensors")
    return widget


def finish(qtbot, widget: TrainWidget, button: Any = None) -> None:
    with qtbot.waitSignal(widget.bar.finished, timeout=120_000):
        (button or widget.bar.run_button).click()


def wait_for_batches(qtbot, widget: TrainWidget) -> None:
    """Wait until the network learns, with a first figure told."""
    qtbot.waitUntil(lambda: widget.result.text() != "", timeout=120_000)


def test_the_folder_one_annotates_in_is_the_one_to_train_from(
    qtbot, viewer, widget, folder, tmp_path
) -> None:
    ANNOTATIONS_IN_USE.tell(folder)
    assert widget.annotations == folder
    assert "3 windows of 1 scan" in widget.folder_state.text()
    made_later = tiny(qtbot, TrainWidget(viewer), tmp_path)
    assert made_later.annotations == folder
    made_later.folder.setText("mine")
    ANNOTATIONS_IN_USE.tell(tmp_path)
    assert widget.annotations == tmp_path
    assert made_later.annotations == Path("mine"), "what the user named stays"


def preview_of(viewer: Any) -> Any:
    return result_of(viewer, viewer.layers["log"], PREVIEW)


# --- A training ---


def test_annotations_become_a_network_that_segment_scan_offers_at_once(
    qtbot, viewer, widget, folder, tmp_path, settings
) -> None:
    segment = SegmentWidget(viewer)
    qtbot.addWidget(segment)
    widget.folder.setText(str(folder))
    assert "3 windows of 1 scan, 100% of their rows looked at." in widget.folder_state.text()
    finish(qtbot, widget)
    assert widget.bar.message.text() == ""
    out = tmp_path / "mine.safetensors"
    said = load_model(out).provenance
    assert said["started_from"].startswith("welllog-1 ")
    assert said["annotated_windows"] == "2 learnt from, 1 held out by window"
    assert (said["loss"], said["annotated_share"], said["steps"]) == (DEFAULT_LOSS, "0.4", "4")
    assert "Saved as mine.safetensors" in widget.result.text()
    assert " before. It can now be chosen in Segment scan." in widget.result.text()
    index = segment.network.findData(str(out))
    assert segment.network.currentIndex() == 0, "offered, not chosen"
    segment.network.setCurrentIndex(index)
    assert segment.model == str(out)
    assert settings[-1] == tmp_path
    later = SegmentWidget(viewer)
    qtbot.addWidget(later)
    assert later.network.findData(str(out)) == index
    assert widget.bar.run_button.isEnabled()
    assert not widget.stop_button.isEnabled()


def test_what_the_window_says_is_what_is_trained(qtbot, widget, folder, tmp_path) -> None:
    widget.folder.setText(str(folder))
    widget.start.setCurrentText(FROM_SCRATCH)
    widget.share.setValue(75)
    widget.loss.loss.setCurrentText("weighted")
    widget.loss.fields["curve_two_weight"].setValue(12.5)
    finish(qtbot, widget)
    said = load_model(tmp_path / "mine.safetensors").provenance
    assert "started_from" not in said
    assert (said["loss"], said["annotated_share"]) == ("weighted", "0.75")
    assert said["loss_parameters"] == "curve_one_weight=6 curve_two_weight=12.5"


def test_without_annotations_it_learns_from_printed_logs(qtbot, widget, tmp_path) -> None:
    assert widget.folder_state.text() == NO_ANNOTATIONS
    assert not widget.share.isEnabled()
    finish(qtbot, widget)
    assert "no real page" in load_model(tmp_path / "mine.safetensors").provenance["data"]


def test_the_plots_show_every_measurement(qtbot, widget, folder) -> None:
    widget.folder.setText(str(folder))
    finish(qtbot, widget)
    plots = widget.plots
    steps = plots.accuracy["recall"].steps
    assert steps[0] == 0
    assert len(steps) >= 4
    assert plots.held_out.steps == steps
    assert set(plots.classes) == {"recall", "precision", "f1"}
    assert all(0 <= value <= 1 for value in plots.accuracy["f1"].values)
    for measure in plots.classes.values():
        assert set(measure) == {0, 1, 2}
        assert measure[0].steps == steps
    assert plots.learnt.steps
    widget.save_as(widget.out, may_replace=True)
    finish(qtbot, widget)
    assert plots.accuracy["recall"].steps[0] == 0, "a second training begins with empty plots"
    assert len(plots.accuracy["recall"].steps) == len(steps)


def test_stop_keeps_the_best_so_far(qtbot, widget, folder, tmp_path) -> None:
    widget.more_settings |= {"steps": 100_000}
    widget.folder.setText(str(folder))
    widget.bar.run_button.click()
    wait_for_batches(qtbot, widget)
    finish(qtbot, widget, widget.stop_button)
    assert "Stopped. The best so far is saved as mine.safetensors" in widget.result.text()
    assert int(load_model(tmp_path / "mine.safetensors").provenance["steps"]) < 100_000


def test_cancel_writes_no_network_and_resume_goes_on(qtbot, widget, folder, tmp_path) -> None:
    widget.more_settings |= {"steps": 100_000}
    widget.folder.setText(str(folder))
    assert not widget.resume_button.isEnabled()
    widget.bar.run_button.click()
    wait_for_batches(qtbot, widget)
    with qtbot.waitSignal(widget.work_ended, timeout=120_000):
        widget.bar.cancel_button.click()
        assert widget.bar.run_button.isEnabled(), "at once, whatever the thread still does"
    out = tmp_path / "mine.safetensors"
    assert not out.exists()
    assert checkpoint_of(out).exists()
    qtbot.waitUntil(widget.resume_button.isEnabled, timeout=10_000)
    assert out.name not in [Path(str(file)).name for file in NETWORKS.files]
    began = import_checkpoint(out)["step"]
    widget.more_settings |= {"steps": began + 3}
    finish(qtbot, widget, widget.resume_button)
    assert widget.bar.message.text() == ""
    assert load_model(out).provenance["steps"] == str(began + 3)


def import_checkpoint(out: Path) -> dict[str, Any]:
    import torch

    return torch.load(checkpoint_of(out), weights_only=True)


def test_the_window_stays_alive_while_a_network_learns(qtbot, widget, folder) -> None:
    widget.more_settings |= {"steps": 100_000}
    widget.folder.setText(str(folder))
    widget.bar.run_button.click()
    wait_for_batches(qtbot, widget)
    ticks: list[int] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start(20)
    qtbot.wait(1500)
    timer.stop()
    assert len(ticks) > 10, "a window that stands still answers no timer"
    assert widget.bar.is_running
    widget.bar.cancel_button.click()


# --- On the scan ---


def test_the_view_is_read_as_the_network_learns_and_a_key_shows_before(qtbot, viewer, widget, folder) -> None:
    log = viewer.layers["log"]
    labels = np.zeros(printed().scan.shape, np.uint8)
    data, options, _ = class_map_layer(labels, over=log)
    own = viewer.add_labels(data, **options)
    look_at(viewer, row=100, zoom=6)
    view = region_in_view(viewer, log)
    finish_with(qtbot, widget, folder)
    layer = preview_of(viewer)
    assert layer.name == AFTER
    assert not layer.editable, "nobody paints in it"
    assert tuple(layer.translate) == (view.rows[0], view.columns[0])
    after = layer.data[0].copy()
    np.testing.assert_array_equal(after, whole(view, widget.out))
    widget.before_or_after()
    assert preview_of(viewer).name == BEFORE
    np.testing.assert_array_equal(preview_of(viewer).data[0], whole(view, None))
    widget.before_or_after()
    np.testing.assert_array_equal(preview_of(viewer).data[0], after)
    assert own in viewer.layers


def finish_with(qtbot, widget: TrainWidget, folder: Path) -> None:
    widget.folder.setText(str(folder))
    finish(qtbot, widget)


def whole(view: Region, model: Any) -> np.ndarray:
    """The classes of a view, as a run over the whole scan gives them."""
    labels = segment_regions(printed().scan, model=model).class_map.labels
    return labels[slice(*view.rows), slice(*view.columns)]


def test_before_and_after_are_read_where_the_view_moved_to(qtbot, viewer, widget, folder) -> None:
    look_at(viewer, row=60, zoom=8)
    finish_with(qtbot, widget, folder)
    first = preview_of(viewer).data[0].shape
    look_at(viewer, row=300, zoom=8)
    view = region_in_view(viewer, viewer.layers["log"])
    with qtbot.waitSignal(widget.look_bar.finished, timeout=60_000):
        widget.flip_button.click()
    layer = preview_of(viewer)
    assert layer.name == BEFORE
    assert tuple(layer.translate) == (view.rows[0], view.columns[0])
    np.testing.assert_array_equal(layer.data[0], whole(view, None))
    assert layer.data[0].shape[1] == first[1]


def test_while_it_learns_the_reading_follows_the_view(qtbot, viewer, widget, folder) -> None:
    widget.more_settings |= {"steps": 100_000}
    widget.folder.setText(str(folder))
    look_at(viewer, row=60, zoom=8)
    widget.bar.run_button.click()
    qtbot.waitUntil(lambda: preview_of(viewer) is not None, timeout=120_000)
    look_at(viewer, row=300, zoom=8)
    top = region_in_view(viewer, viewer.layers["log"]).rows[0]
    qtbot.waitUntil(lambda: preview_of(viewer).translate[0] == top, timeout=120_000)
    widget.bar.cancel_button.click()


def test_a_layer_of_classes_that_the_user_closed_stays_closed(qtbot, viewer, widget, folder) -> None:
    widget.more_settings |= {"steps": 60}
    widget.folder.setText(str(folder))
    widget.bar.run_button.click()
    qtbot.waitUntil(lambda: preview_of(viewer) is not None, timeout=120_000)
    viewer.layers.remove(preview_of(viewer))
    with qtbot.waitSignal(widget.bar.finished, timeout=120_000):
        pass
    assert preview_of(viewer) is None
    with qtbot.waitSignal(widget.look_bar.finished, timeout=60_000):
        widget.flip_button.click()
    assert preview_of(viewer).name == BEFORE


def test_the_scan_closed_meanwhile_is_no_reason_not_to_train(qtbot, viewer, widget, folder) -> None:
    widget.more_settings |= {"steps": 40}
    widget.folder.setText(str(folder))
    widget.bar.run_button.click()
    wait_for_batches(qtbot, widget)
    viewer.layers.remove("log")
    with qtbot.waitSignal(widget.bar.finished, timeout=120_000):
        pass
    assert "Saved as mine.safetensors" in widget.result.text()
    widget.flip_button.click()
    assert "There is no before and after yet" in widget.notice.text()


def test_a_layer_that_is_no_scan_is_said_and_training_goes_on(qtbot, tmp_path) -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((40, 50), np.float32), name="log")
    widget = tiny(qtbot, TrainWidget(viewer), tmp_path)
    notices: list[str] = []
    take = widget._take
    widget._take = lambda piece: (take(piece), notices.append(widget.notice.text()))
    finish(qtbot, widget)
    assert any("shows nothing on the scan" in text for text in notices)
    assert widget.out.exists()


def test_of_a_large_view_the_middle_is_read() -> None:
    viewer = ViewerModel()
    data, options, _ = scan_layer(np.full((9000, 3000), 255, np.uint8), "log")
    layer = viewer.add_image(data, **options)
    look_at(viewer, row=4500, column=1500, zoom=0.05)
    region = region_in_view(viewer, layer)
    assert 0.9 * MOST_PIXELS < region.pixels < 1.2 * MOST_PIXELS
    assert region.rows[0] < 4500 < region.rows[1]
    assert region.columns[0] < 1500 < region.columns[1]
    look_at(viewer, row=-9000)
    assert region_in_view(viewer, layer) is None


def test_a_scan_in_millimetres_is_read_where_it_lies() -> None:
    from napari_welllog.widgets.preview import PreviewLayer, Reading

    viewer = ViewerModel()
    layer = viewer.add_image(printed().scan, name="log", scale=(0.5, 0.25), translate=(10, 20))
    nothing = np.zeros((64, 32), np.uint8)
    preview = PreviewLayer(viewer, layer)
    preview.show(Reading(Region((32, 96), (32, 64)), nothing, nothing))
    assert tuple(preview.find().translate) == (10 + 32 * 0.5, 20 + 32 * 0.25)
    assert tuple(preview.find().scale) == (0.5, 0.25)


# --- What may go wrong ---


def test_what_is_missing_is_said_and_the_buttons_stay(qtbot, viewer, widget, tmp_path) -> None:
    widget.file.setText("")
    widget.bar.run_button.click()
    assert "say above where to save it" in widget.bar.message.text()
    (tmp_path / "there.safetensors").write_bytes(b"somebody's network")
    widget.save_as(tmp_path / "there")
    widget.bar.run_button.click()
    assert "there.safetensors is there already" in widget.bar.message.text()
    assert (tmp_path / "there.safetensors").read_bytes() == b"somebody's network"
    widget.folder.setText(str(tmp_path / "nowhere"))
    assert "nowhere" in widget.folder_state.text()
    assert widget.bar.run_button.isEnabled()


def test_too_few_annotations_are_refused_in_one_line(qtbot, widget, folder, tmp_path) -> None:
    made = AnnotationFolder.open(folder)
    for name in sorted(made.windows)[1:]:
        made.remove(name)
    widget.folder.setText(str(folder))
    finish(qtbot, widget)
    assert "annotate a second window" in widget.bar.message.text()
    assert "\n" not in widget.bar.message.text()
    assert widget.bar.run_button.isEnabled()
    assert not (tmp_path / "mine.safetensors").exists()


def test_a_file_that_is_no_network_is_refused_in_words(qtbot, widget, tmp_path) -> None:
    file = tmp_path / "holiday.safetensors"
    file.write_bytes(b"not weights at all")
    widget.start.choose(file)
    finish(qtbot, widget)
    assert "is not a safetensors file of weights" in widget.bar.message.text()
    assert widget.bar.run_button.isEnabled()


def test_memory_that_runs_out_is_said_while_training_goes_on(qtbot, widget, folder, monkeypatch) -> None:
    whole_batch = training._Run._gradients

    def starved(run, ink, labels):
        if run.windows_at_once > 1:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20 GiB")
        return whole_batch(run, ink, labels)

    monkeypatch.setattr(training._Run, "_gradients", starved)
    notices: list[str] = []
    take = widget._take
    widget._take = lambda piece: (take(piece), notices.append(widget.notice.text()))
    finish_with(qtbot, widget, folder)
    assert any("Memory ran out: a batch is now computed 1 window at a time" in text for text in notices)
    assert "Saved as" in widget.result.text()


def test_too_little_memory_for_one_window_is_said_and_the_buttons_come_back(
    qtbot, widget, folder, monkeypatch
) -> None:
    def starved(run, ink, labels):
        raise RuntimeError("not enough memory: you tried to allocate 5 GB")

    monkeypatch.setattr(training._Run, "_gradients", starved)
    finish_with(qtbot, widget, folder)
    assert "not enough memory to train on a single window" in widget.bar.message.text()
    assert widget.bar.run_button.isEnabled()
    assert not widget.stop_button.isEnabled()


def test_a_reading_that_fails_does_not_end_the_training(qtbot, widget, folder, monkeypatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr("napari_welllog.widgets.training_run.classes_in", fail)
    finish_with(qtbot, widget, folder)
    assert widget.out.exists()
    assert "Saved as" in widget.result.text()


# --- Losses and networks ---


def test_every_loss_is_explained_with_its_numbers(widget) -> None:
    for name, loss in LOSSES.items():
        widget.loss.loss.setCurrentText(name)
        assert loss.explanation[1:] in widget.loss.explanation.text()
        assert list(widget.loss.parameters) == [parameter.name for parameter in loss.parameters]
        assert list(widget.loss.parameters.values()) == [parameter.default for parameter in loss.parameters]


def test_a_network_that_one_widget_opens_is_offered_by_the_others(qtbot, viewer, widget, tmp_path) -> None:
    segment = SegmentWidget(viewer)
    qtbot.addWidget(segment)
    segment.use_network(tmp_path / "from a friend.safetensors")
    assert widget.start.findText("from a friend") >= 0
    assert widget.start.start == "welllog-1"
    widget.start.setCurrentText("from a friend")
    assert widget.start.start == str(tmp_path / "from a friend.safetensors")
    widget.start.setCurrentText(FROM_SCRATCH)
    assert widget.start.start is None
    assert network_choice.NETWORKS.files == [tmp_path / "from a friend.safetensors"]


# --- By keys in a real viewer ---


def test_a_person_trains_and_looks_before_and_after_by_a_key(
    make_napari_viewer, qtbot, folder, tmp_path
) -> None:
    viewer = with_scan(make_napari_viewer(show=True))
    widget = tiny(qtbot, TrainWidget(viewer), tmp_path)
    viewer.window.add_dock_widget(widget, name="Train U-Net", area="right")
    viewer.window.resize(1500, 950)
    qtbot.wait(200)
    look_at(viewer, zoom=2)
    finish_with(qtbot, widget, folder)
    assert preview_of(viewer).name == AFTER
    QApplication.processEvents()
    canvas = viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_U)
    qtbot.waitUntil(
        lambda: preview_of(viewer).name == BEFORE and not widget.look_bar.is_running, timeout=60_000
    )
    qtbot.keyClick(canvas, Qt.Key.Key_U)
    qtbot.waitUntil(lambda: preview_of(viewer).name == AFTER, timeout=60_000)
    docks = {dock.windowTitle() for dock in viewer.window._qt_window.findChildren(type(dock_above(widget)))}
    assert {"Train U-Net", "As it learns"} <= docks


def dock_above(widget: Any) -> Any:
    from napari_welllog.widgets.docks import dock_of

    return dock_of(widget)


# --- Quick to open, quiet to close ---

_OPEN = """
import os, sys
from qtpy.QtWidgets import QApplication
application = QApplication([])
from napari.components import ViewerModel
from napari_welllog.widgets.train import TrainWidget
made = TrainWidget(ViewerModel())
made.show()
application.processEvents()
assert not {"torch", "pyqtgraph"} & set(sys.modules)
os._exit(0)
"""


def test_opening_the_widget_imports_neither_torch_nor_plots() -> None:
    done = subprocess.run([sys.executable, "-c", _OPEN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


_CLOSE = """
import sys
import napari
from qtpy.QtCore import QTimer
viewer = napari.Viewer(show=False)
from napari_welllog.widgets.train import TrainWidget
widget = TrainWidget(viewer)
widget.more_settings = {"steps": 100_000, "batch": 2, "window": (64, 64), "held_out": 2}
widget.file.setText(sys.argv[1])
viewer.window.add_dock_widget(widget)
widget.bar.run_button.click()
def close_as_it_learns():
    if widget.result.text() or not widget.bar.is_running:
        print("closing, running:", widget.bar.is_running, flush=True)
        viewer.close()
        QTimer.singleShot(0, napari.qt.get_qapp().quit)
    else:
        QTimer.singleShot(20, close_as_it_learns)
QTimer.singleShot(20, close_as_it_learns)
napari.run(force=True)
print("closed", flush=True)
"""


@pytest.mark.skipif(os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="needs a canvas")
def test_closing_napari_as_a_network_learns_ends_quietly(folder, tmp_path) -> None:
    script = _CLOSE.replace(
        "widget.file.setText", f"widget.folder.setText({str(folder)!r})\nwidget.file.setText"
    )
    out = tmp_path / "mine.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", script, str(out)], capture_output=True, text=True, timeout=250
    )
    assert "closing, running: True" in done.stdout, done.stdout + done.stderr
    assert "closed" in done.stdout
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
    assert checkpoint_of(out).exists(), "what was learnt can be resumed"
