"""The widget "Segment scan", used as people use it, and what may go wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_welllog.class_map import ClassMap
from napari_welllog.digitize import write_class_map
from napari_welllog.report import ModelReport
from napari_welllog.samples import short_log
from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks
from napari_welllog.widgets.class_layer import result_of
from napari_welllog.widgets.layers import scan_layer
from napari_welllog.widgets.open_scan import open_scan
from napari_welllog.widgets.segment import IN_VIEW, TRACKS, WHOLE_SCAN, SegmentWidget, python_text

regions = import_module("napari_welllog.unet.regions")

ROWS, COLUMNS = 9000, 120
"""Tall enough for three levels and a handful of the tiles of these tests."""


class InkAsCurves:
    """In the network's place: all ink is curve one in the left half of the scan, curve two in the right."""

    device, engine = "cpu", "a test"
    slowness = 0.0
    error: BaseException | None = None

    def __init__(self, model, device="auto") -> None:
        self.asked = device

    def read(self, pixels: np.ndarray, part, cancelled=lambda: False) -> np.ndarray:
        time.sleep(self.slowness)
        if self.error is not None:
            raise self.error
        ink = 255 - pixels
        left = np.arange(ink.shape[1]) < COLUMNS // 2
        classes = np.where(ink > 127, np.where(left, 1, 2), 0)
        return np.stack([classes, ink * left, ink * ~left]).astype(np.uint8)[:, *part]


@dataclass
class Weights:
    """In the place of a network that was loaded."""

    name: str
    sha256: str = "5eed" * 16


@pytest.fixture(autouse=True)
def network(monkeypatch) -> type[InkAsCurves]:
    class Network(InkAsCurves):
        pass

    monkeypatch.setattr(regions, "make_predictor", Network)
    monkeypatch.setattr(regions, "load_model", lambda name: Weights(name or "welllog-1"))
    monkeypatch.setattr(regions, "tile_size", lambda columns: (1024, columns))
    return Network


def printed() -> np.ndarray:
    """A scan with a line of ink in each half."""
    pixels = np.full((ROWS, COLUMNS), 255, np.uint8)
    pixels[:, 30] = pixels[:, 90] = 0
    return pixels


@pytest.fixture
def viewer() -> ViewerModel:
    model = ViewerModel()
    data, settings, _ = scan_layer(printed(), "log")
    model.add_image(data, **settings)
    return model


@pytest.fixture
def widget(qtbot, viewer) -> SegmentWidget:
    made = SegmentWidget(viewer)
    qtbot.addWidget(made)
    return made


def look_at(viewer: ViewerModel, row: float, column: float = COLUMNS / 2, zoom: float = 1.0) -> None:
    viewer.scene.camera.center = (row, column)
    viewer.scene.camera.zoom = zoom


def run(qtbot, widget: SegmentWidget) -> None:
    with qtbot.waitSignal(widget.bar.finished, timeout=60_000):
        widget.bar.run_button.click()


def classes(viewer: ViewerModel):
    return result_of(viewer, viewer.layers["log"], "classes")


# --- A run ---


def test_the_report_will_name_the_network_that_made_the_class_map(qtbot, viewer, widget) -> None:
    scan, seen = open_scan(viewer.layers["log"]), []
    scan.class_map_changed.connect(lambda _: seen.append(scan.model))
    run(qtbot, widget)
    assert seen == [ModelReport(name="welllog-1", sha256="5eed" * 16)], "known before the class map is told"
    assert scan.model_option is None
    widget.network.addItem("mine", "folder/mine.safetensors")
    widget.network.setCurrentIndex(widget.network.count() - 1)
    run(qtbot, widget)
    assert scan.model_option == "folder/mine.safetensors"


def test_a_run_adds_a_layer_of_three_classes_and_tells_how_it_went(qtbot, viewer, widget) -> None:
    run(qtbot, widget)
    layer = classes(viewer)
    assert layer.data[0].dtype == np.uint8
    assert np.array_equal(np.unique(layer.data[0][:, 30]), [1])
    assert np.array_equal(np.unique(layer.data[-1][:, 90]), [2])
    assert list(layer.features["class"]) == ["background", "curve one", "curve two"]
    assert not layer.editable, "a result is not painted in"
    assert np.array_equal(layer.colormap.color_dict[0], [0, 0, 0, 0]), "the background is clear"
    assert "98.3 / 0.8 / 0.8 % (background / curve one / curve two)" in widget.result.text()
    assert "confidence of the curve pixels: 100 %" in widget.result.text()
    assert "a second, on cpu: no graphics card" in widget.result.text()
    assert np.array_equal(open_scan(viewer.layers["log"]).class_map.labels, layer.data[0])
    assert widget.bar.run_button.isEnabled()
    assert viewer.layers.index(layer) == 1


def test_the_result_appears_from_what_is_in_view_outwards(qtbot, viewer, widget, network) -> None:
    look_at(viewer, row=8500)
    network.slowness = 0.15
    widget.bar.run_button.click()
    qtbot.waitUntil(lambda: classes(viewer) is not None, timeout=60_000)
    levels = classes(viewer).data
    assert levels[0][8500, 30] == 1
    assert levels[-1][-1, 30] == 1, "every level shows it"
    assert not levels[0][:4000].any(), "what is far from the view comes later"
    qtbot.waitSignal(widget.bar.finished, timeout=60_000).wait()
    assert (levels[0][:, 30] == 1).all()


def test_a_second_run_updates_the_same_layer(qtbot, viewer, widget) -> None:
    run(qtbot, widget)
    layer = classes(viewer)
    layer.name, layer.opacity = "what I call it", 0.3
    layer.data[0][:] = 2
    run(qtbot, widget)
    assert classes(viewer) is layer
    assert layer.opacity == 0.3
    assert len(viewer.layers) == 2
    assert layer.data[0][500, 30] == 1


def test_a_layer_that_the_user_painted_is_never_touched(qtbot, viewer, widget) -> None:
    painted = viewer.add_labels(np.full((ROWS, COLUMNS), 7, np.uint8), name="classes")
    run(qtbot, widget)
    run(qtbot, widget)
    assert (painted.data == 7).all()
    assert len(viewer.layers) == 3


def test_two_scans_have_a_class_map_each(qtbot, viewer, widget) -> None:
    run(qtbot, widget)
    first = classes(viewer)
    other = viewer.add_image(np.full((400, 100), 255, np.uint8), name="other")
    widget.image.setCurrentText("other")
    run(qtbot, widget)
    assert classes(viewer) is first
    assert result_of(viewer, other, "classes") is not first


def test_what_is_in_view_replaces_just_that_part(qtbot, viewer, widget) -> None:
    scan = open_scan(viewer.layers["log"])
    scan.class_map = ClassMap.from_labels(np.full((ROWS, COLUMNS), 2, np.uint8))
    widget.region.setCurrentText(IN_VIEW)
    look_at(viewer, row=3000)
    run(qtbot, widget)
    labels = scan.class_map.labels
    assert labels[3000, 30] == 1
    assert labels[3000, 31] == 0
    assert (labels[:2000] == 2).all()
    assert "0.1 megapixels" in widget.result.text()


def test_the_tracks_are_segmented_and_nothing_else(qtbot, viewer, widget) -> None:
    curve = Curve(**{"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150})
    track = Track(name="one", left=20, right=40, top=4000, bottom=5000, curves=[curve])
    scan = open_scan(viewer.layers["log"])
    widget.region.setCurrentText(TRACKS)
    widget.bar.run_button.click()
    assert "has no tracks yet" in widget.bar.message.text()
    scan.tracks = Tracks(depth=DepthAxis(unit="ft", anchors=[(0, 0), (9000, 900)]), tracks=[track])
    run(qtbot, widget)
    labels = scan.class_map.labels
    assert (labels[4000:5001, 30] == 1).all()
    assert not labels[:3900].any()
    assert not labels[:, 90].any()


def test_probabilities_are_shown_when_wanted_and_are_no_scans(qtbot, viewer, widget) -> None:
    widget.probabilities.setChecked(True)
    run(qtbot, widget)
    run(qtbot, widget)
    assert [layer.name for layer in viewer.layers if layer.name.startswith("probability")] == [
        "probability of curve two",
        "probability of curve one",
    ]
    assert viewer.layers["probability of curve one"].data[0][10, 30] == 255
    assert widget.image.count() == 1


def test_cancel_takes_effect_at_once_and_keeps_what_was_done(qtbot, viewer, widget, network) -> None:
    network.slowness = 0.1
    widget.bar.run_button.click()
    qtbot.waitUntil(lambda: classes(viewer) is not None, timeout=60_000)
    began = time.perf_counter()
    widget.bar.cancel_button.click()
    assert time.perf_counter() - began < 0.5
    assert widget.bar.run_button.isEnabled()
    assert "of the region was labelled, and is kept" in widget.result.text()
    kept = open_scan(viewer.layers["log"]).class_map.labels.copy()
    assert kept.any()
    assert not kept[:, 30].all()
    assert np.array_equal(kept, classes(viewer).data[0])
    qtbot.wait(400)
    assert np.array_equal(kept, classes(viewer).data[0]), "what the work does afterwards is thrown away"
    network.slowness = 0.0
    run(qtbot, widget)
    assert open_scan(viewer.layers["log"]).class_map.labels[:, 30].all()


# --- What may go wrong ---


def test_without_a_scan_it_says_what_to_do(qtbot) -> None:
    widget = SegmentWidget(ViewerModel())
    qtbot.addWidget(widget)
    widget.bar.run_button.click()
    assert "Open a scan first" in widget.bar.message.text()
    assert widget.bar.run_button.isEnabled()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((3, 40, 50), np.uint8), "rows and columns"),
        (np.zeros((40, 50), np.float32), "8 or 16 bits"),
    ],
)
def test_a_layer_of_the_wrong_kind_is_refused_in_words(qtbot, data, message) -> None:
    viewer = ViewerModel()
    viewer.add_labels(np.zeros((40, 50), np.uint8))
    viewer.add_image(data, name="log")
    widget = SegmentWidget(viewer)
    qtbot.addWidget(widget)
    assert widget.image.count() == 1
    widget.bar.run_button.click()
    qtbot.waitUntil(lambda: message in widget.bar.message.text(), timeout=60_000)
    assert widget.bar.run_button.isEnabled()
    assert len(viewer.layers) == 2


@pytest.mark.parametrize("kind", ["rgb", "16 bits"])
def test_colour_and_16_bits_are_segmented_as_grey(qtbot, kind) -> None:
    grey = printed()[:600]
    data = np.stack([grey] * 3, axis=2) if kind == "rgb" else grey.astype(np.uint16) * 257
    viewer = ViewerModel()
    viewer.add_image(data, name="log", rgb=kind == "rgb")
    widget = SegmentWidget(viewer)
    qtbot.addWidget(widget)
    run(qtbot, widget)
    assert (classes(viewer).data[0][:, 90] == 2).all()


def test_the_scan_closed_during_a_run_stops_it(qtbot, viewer, widget, network) -> None:
    network.slowness = 0.1
    widget.bar.run_button.click()
    qtbot.waitUntil(lambda: classes(viewer) is not None, timeout=60_000)
    viewer.layers.remove("log")
    assert not widget.bar.is_running
    assert "The scan was closed" in widget.bar.message.text()
    assert widget.bar.run_button.isEnabled()


def test_the_scan_replaced_during_a_run_stops_it(qtbot, viewer, widget, network) -> None:
    network.slowness = 0.1
    widget.bar.run_button.click()
    qtbot.waitUntil(lambda: widget.bar.is_running)
    viewer.layers["log"].data = [np.full((500, 60), 255, np.uint8), np.full((250, 60), 255, np.uint8)]
    assert not widget.bar.is_running
    assert "The scan was replaced" in widget.bar.message.text()
    assert open_scan(viewer.layers["log"]).class_map is None
    network.slowness = 0.0
    run(qtbot, widget)
    assert classes(viewer).data[0].shape == (500, 60)


def test_the_class_map_closed_during_a_run_stays_closed(qtbot, viewer, widget, network) -> None:
    network.slowness = 0.05
    widget.bar.run_button.click()
    qtbot.waitUntil(lambda: classes(viewer) is not None, timeout=60_000)
    viewer.layers.remove(classes(viewer))
    qtbot.waitSignal(widget.bar.finished, timeout=60_000).wait()
    assert classes(viewer) is None
    assert open_scan(viewer.layers["log"]).class_map.labels[:, 30].all()
    run(qtbot, widget)
    assert (classes(viewer).data[0][:, 30] == 1).all()


def test_out_of_memory_is_said_and_the_button_comes_back(qtbot, viewer, widget, network) -> None:
    network.error = RuntimeError("CUDA out of memory. Tried to allocate 20 GiB")
    run(qtbot, widget)
    assert "not enough memory" in widget.bar.message.text()
    assert widget.bar.run_button.isEnabled()
    network.error = None
    run(qtbot, widget)
    assert widget.bar.message.text() == ""


def test_a_file_that_is_no_weights_is_refused_in_words(qtbot, viewer, widget, tmp_path, monkeypatch) -> None:
    from napari_welllog.unet.weights import load_model

    monkeypatch.setattr(regions, "load_model", load_model)
    kept = []
    monkeypatch.setattr("napari_welllog.widgets.segment.remember_model_folder", kept.append)
    file = tmp_path / "holiday.safetensors"
    file.write_bytes(b"not weights at all")
    widget.use_network(file)
    assert kept == [tmp_path]
    assert widget.network.currentText() == "holiday"
    run(qtbot, widget)
    assert "holiday.safetensors' is not a safetensors file of weights" in widget.bar.message.text()
    assert classes(viewer) is None


# --- What lies beside the scan ---


def test_an_earlier_class_map_is_offered_not_loaded_by_itself(qtbot, tmp_path) -> None:
    file = tmp_path / "log.tif"
    Image.fromarray(printed()).save(file)
    labels = np.zeros((ROWS, COLUMNS), np.uint8)
    labels[40:60, 10] = 2
    viewer = ViewerModel()
    viewer.add_image(printed(), name="log", metadata={"source": str(file)})
    widget = SegmentWidget(viewer)
    qtbot.addWidget(widget)
    assert not widget.earlier.isVisibleTo(widget)
    write_class_map(tmp_path / "log_classes.tif", labels)
    viewer.layers["log"].data = printed()
    assert widget.earlier.isVisibleTo(widget)
    assert classes(viewer) is None
    with qtbot.waitSignal(widget.bar.finished):
        widget.earlier.click()
    assert np.array_equal(open_scan(viewer.layers["log"]).class_map.labels, labels)
    assert np.array_equal(classes(viewer).data[0], labels)

    write_class_map(tmp_path / "log_classes.tif", labels[:50])
    with qtbot.waitSignal(widget.bar.finished):
        widget.earlier.click()
    assert "belongs to another scan" in widget.bar.message.text()


# --- The same from a script ---


def test_the_copied_python_runs_and_gives_the_same(qtbot, viewer, widget, tmp_path) -> None:
    file = tmp_path / "a log.png"
    Image.fromarray(printed()).save(file)
    viewer.layers["log"].metadata["source"] = str(file)
    open_scan(viewer.layers["log"]).source = file
    widget.region.setCurrentText(IN_VIEW)
    look_at(viewer, row=3000)
    run(qtbot, widget)
    widget.copy_python.click()
    text = QApplication.clipboard().text()
    names: dict[str, object] = {}
    exec(text, names)
    assert np.array_equal(names["class_map"].labels, open_scan(viewer.layers["log"]).class_map.labels)
    assert not widget.copy_command.isEnabled(), "the command segments whole scans"
    widget.region.setCurrentText(WHOLE_SCAN)
    widget.copy_command.click()
    assert QApplication.clipboard().text().startswith("welllog segment ")


def test_the_copied_python_of_a_layer_without_a_file_runs_in_naparis_console(viewer) -> None:
    names: dict[str, object] = {"viewer": viewer}
    region = regions.Region((0, 64), (0, 64))
    exec(python_text(None, "log", [region], None, "auto"), names)
    assert names["class_map"].labels[:64, 30].all()


# --- Quick to open, quiet to close ---

_OPEN = """
import os, sys, time
from qtpy.QtWidgets import QApplication
application = QApplication([])
from napari.components import ViewerModel
from npe2 import PluginManifest
manifest = PluginManifest.from_distribution("napari-welllog")
for widget in manifest.contributions.widgets:
    python_name = next(c.python_name for c in manifest.contributions.commands if c.id == widget.command)
    module, _, name = python_name.partition(":")
    began = time.perf_counter()
    made = getattr(__import__(module, fromlist=[name]), name)(ViewerModel())
    made.show()
    application.processEvents()
    print(name, round(time.perf_counter() - began, 3))
    assert "torch" not in sys.modules, name
sys.stdout.flush()
os._exit(0)
"""


def test_adding_any_widget_imports_no_torch() -> None:
    done = subprocess.run([sys.executable, "-c", _OPEN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "SegmentWidget" in done.stdout


_CLOSE = """
import sys
import napari, numpy as np
from qtpy.QtCore import QTimer
viewer = napari.Viewer(show=False)
viewer.add_image(np.random.default_rng(0).integers(0, 255, (6000, 1500), np.uint8))
from napari_welllog.widgets.segment import SegmentWidget
widget = SegmentWidget(viewer)
viewer.window.add_dock_widget(widget)
widget.bar.run_button.click()
def close_half_way():
    if widget.bar._thread is None or widget.bar._thread.job.text.startswith("Segmenting"):
        print("closing, running:", widget.bar.is_running, flush=True)
        viewer.close()
        QTimer.singleShot(0, napari.qt.get_qapp().quit)
    else:
        QTimer.singleShot(20, close_half_way)
QTimer.singleShot(20, close_half_way)
napari.run(force=True)
print("closed", flush=True)
"""


@pytest.mark.skipif(os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="needs a canvas")
def test_closing_napari_during_a_run_ends_quietly() -> None:
    done = subprocess.run([sys.executable, "-c", _CLOSE], capture_output=True, text=True, timeout=200)
    assert "closing, running: True" in done.stdout
    assert "closed" in done.stdout
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_sample_log_is_segmented_by_the_real_network(qtbot, monkeypatch) -> None:
    monkeypatch.undo()
    [(data, settings, _)] = short_log()
    viewer = ViewerModel()
    viewer.add_image(data, **settings)
    widget = SegmentWidget(viewer)
    qtbot.addWidget(widget)
    widget.region.setCurrentText(IN_VIEW)
    look_at(viewer, row=700, column=400)
    run(qtbot, widget)
    assert open_scan(viewer.layers[0]).class_map.labels.any(), widget.bar.message.text()
