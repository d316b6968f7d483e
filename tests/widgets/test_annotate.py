"""Annotate labels: what an annotator does with mouse and keys, what lies on the disk, and what may go wrong."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.components import ViewerModel
from PIL import Image as Picture
from qtpy.compat import isalive
from qtpy.QtCore import Qt

import napari_welllog.widgets.annotate as annotate_module
import napari_welllog.widgets.settings as settings_module
from napari_welllog.annotations import AnnotationFolder, merged_rows
from napari_welllog.class_map import ClassMap
from napari_welllog.errors import OutputError
from napari_welllog.report import ModelReport
from napari_welllog.samples import one_crossing
from napari_welllog.widgets.annotate import CLASS_MAP, NOTHING, SAVED, AnnotateWidget
from napari_welllog.widgets.layers import signature_of
from napari_welllog.widgets.looking import _LOOKS
from napari_welllog.widgets.open_scan import open_scan
from napari_welllog.widgets.painting import BRUSH, INK_BRUSH, MOVE, STRAND, SWAP
from napari_welllog.widgets.settings import AnnotateSettings
from napari_welllog.widgets.view import show_rows
from napari_welllog.widgets.window_layer import WINDOW

COLUMN = 40
"""Of the line that is printed on the scan."""


def print_scan(rows: int = 900, columns: int = 120) -> np.ndarray:
    pixels = np.full((rows, columns), 255, np.uint8)
    pixels[:, COLUMN - 1 : COLUMN + 2] = 0
    pixels[:, 80:82] = 60
    return pixels


def class_map_of(pixels: np.ndarray) -> ClassMap:
    labels = np.zeros(pixels.shape, np.uint8)
    labels[:, COLUMN - 1 : COLUMN + 2], labels[:, 80:82] = 1, 2
    return ClassMap.from_labels(labels)


def add_scan(viewer: Any, rows: int = 900, segmented: bool = True, **settings: Any) -> Any:
    image = viewer.add_image(print_scan(rows), name="scan", contrast_limits=(0, 255), **settings)
    if segmented:
        open_scan(image).class_map = class_map_of(image.data)
        open_scan(image).model = ModelReport(name="welllog-1", sha256="a" * 64)
    return image


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch) -> None:
    """Tests neither read nor change what the user's napari remembers."""
    monkeypatch.setattr(annotate_module, "remember_annotations", lambda *_: None)
    monkeypatch.setattr(annotate_module, "annotate_settings", AnnotateSettings)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "annotations"


@pytest.fixture
def make_widget(qtbot, folder):
    made = []

    def make(viewer: Any, path: Path | None = folder) -> AnnotateWidget:
        widget = AnnotateWidget(viewer)
        widget.looking.stop()  # what a test looks at, it tells itself
        widget.panel.without_grid.setChecked(False)  # the straight lines of these scans are grid lines too
        widget.panel._choose_ink()
        made.append(widget)
        if path is not None:
            widget.use_folder(path)
            qtbot.waitUntil(lambda: not widget.look_bar.is_running)
        return widget

    yield make
    for widget in made:
        if isalive(widget):
            widget.deleteLater()
    qtbot.waitUntil(lambda: not any(isalive(widget) for widget in made))


def annotate(widget: AnnotateWidget, qtbot: Any, rows: tuple[float, float] = (100, 299)) -> Any:
    """Make a window of some rows, as wide as the scan."""
    image = widget.choice.layer
    show_rows(widget.viewer, image, rows, (-0.5, image.data.shape[-1] - 0.5))
    run(widget, qtbot, widget.job_bar.run_button.click)
    return widget.current


def run(widget: AnnotateWidget, qtbot: Any, act: Any) -> None:
    """Begin a job of the widget and wait for its end."""
    act()
    qtbot.waitUntil(lambda: not widget.job_bar.is_running, timeout=20_000)


def saved(widget: AnnotateWidget, qtbot: Any) -> None:
    """Wait until all is on the disk."""
    qtbot.wait(1)
    assert widget.saved.flush()
    qtbot.waitUntil(lambda: widget.save_label.text() == SAVED)


def on_disk(folder: Path) -> Any:
    """The only window of a folder, as a stranger reads it."""
    opened = AnnotationFolder.open(folder)
    [name] = opened.windows
    return opened.read(name)


def windows_in(viewer: Any) -> list[Any]:
    return [layer for layer in viewer.layers if signature_of(layer) == WINDOW]


def drag(widget: AnnotateWidget, *way: tuple[float, float]) -> None:
    """What napari does with the mouse on the layer that is active, in rows and columns of the window."""
    layer = widget.viewer.layers.selection.active
    event = SimpleNamespace(
        button=1,
        type="mouse_press",
        modifiers=(),
        position=layer.data_to_world(way[0]),
        pos=np.array(way[0][::-1]),
        handled=False,
        view_direction=None,
        dims_displayed=[0, 1],
    )
    running = [callback(layer, event) for callback in list(layer.mouse_drag_callbacks)]
    running = [one for one in running if hasattr(one, "__next__")]
    for kind, place in [
        ("mouse_press", way[0]),
        *(("mouse_move", p) for p in way[1:]),
        ("mouse_release", way[-1]),
    ]:
        event.type, event.position, event.pos = kind, layer.data_to_world(place), np.array(place[::-1])
        for one in running:
            next(one, None)


@pytest.fixture
def empty(viewer, make_widget, qtbot) -> AnnotateWidget:
    """A window of 200 rows without a label."""
    add_scan(viewer)
    widget = make_widget(viewer)
    widget.begin.setCurrentText(NOTHING)
    assert annotate(widget, qtbot) is not None, widget.job_bar.message.text()
    return widget


@pytest.fixture
def filled(viewer, make_widget, qtbot) -> AnnotateWidget:
    """A window of 200 rows, filled from the class map."""
    add_scan(viewer)
    widget = make_widget(viewer)
    assert annotate(widget, qtbot) is not None, widget.job_bar.message.text()
    return widget


# --- Windows ---


def test_what_is_in_view_becomes_a_plain_labels_layer_where_it_belongs(viewer, make_widget, qtbot, folder):
    image = add_scan(viewer, scale=(0.1, 0.1), translate=(5, 7))
    widget = make_widget(viewer)
    widget.annotator.setText("Ada")
    window = annotate(widget, qtbot)
    layer = window.layer
    assert isinstance(layer.data, np.ndarray)
    assert layer.data.dtype == np.uint8
    place = window.place
    assert abs(place.top - 100) <= 1
    assert np.allclose(layer.data_to_world((0, 0)), image.data_to_world((place.top, place.left)))
    assert np.array_equal(layer.data, open_scan(image).class_map.labels[place.slices])
    stored = on_disk(folder)
    assert (stored.manifest.annotator, stored.manifest.network.name) == ("Ada", "welllog-1")
    assert np.array_equal(stored.labels, layer.data)
    assert np.array_equal(stored.pixels, image.data[place.slices])


def test_a_window_may_begin_empty_and_has_no_network_then(empty, folder):
    assert not empty.current.layer.data.any()
    assert on_disk(folder).manifest.network is None
    assert empty.counts.text() == "100.0 / 0.0 / 0.0 %"


def test_a_window_has_at_most_8192_rows(viewer, make_widget, qtbot):
    add_scan(viewer, rows=12_000, segmented=False)
    window = annotate(make_widget(viewer), qtbot, rows=(0, 11_999))
    assert window.layer.data.shape[0] == 8192
    assert window.place.top == pytest.approx((12_000 - 8192) / 2, abs=1)


def test_one_goes_on_where_one_left_off(viewer, make_widget, qtbot, folder):
    image = add_scan(viewer)
    first = make_widget(viewer)
    first.begin.setCurrentText(NOTHING)
    window = annotate(first, qtbot, rows=(0, 899))
    first.panel.tools.button(2).click()
    drag(first, (5, COLUMN), (160, COLUMN))
    saved(first, qtbot)
    painted = window.layer.data.copy()
    first.deleteLater()
    qtbot.waitUntil(lambda: not windows_in(viewer))
    widget = make_widget(viewer)
    [item] = [widget.list.item(line) for line in range(widget.list.count())]
    assert "looked at" in item.text()
    assert "open" not in item.text()
    run(widget, qtbot, lambda: widget.list.itemActivated.emit(item))
    assert np.array_equal(widget.current.layer.data, painted)
    assert ", open" in item.text()
    first_unseen = widget.current.left_off
    assert first_unseen > 150
    middle = image.world_to_data(viewer.scene.camera.center[-2:])[0]
    assert middle > first_unseen
    run(widget, qtbot, lambda: widget.open_window(widget.current.name))
    assert len(windows_in(viewer)) == 1, "a window that is open is gone to, not opened twice"


def test_windows_that_would_overlap_are_refused_and_the_other_is_picked(filled, qtbot):
    before = filled.current
    annotate(filled, qtbot, rows=(250, 400))
    assert "have a window already" in filled.job_bar.message.text()
    assert filled.list.currentRow() == 0
    assert filled.current is before
    annotate(filled, qtbot, rows=(320, 500))
    assert filled.current is not before
    assert filled.list.count() == 2


def test_the_tools_are_those_of_the_layer_that_is_picked(filled, qtbot):
    first = filled.current
    annotate(filled, qtbot, rows=(400, 599))
    second = filled.current
    assert not first.layer.keymap
    filled.viewer.layers.selection.active = first.layer
    assert filled.current is first
    assert not second.layer.keymap
    assert str(first.place.top) in filled.window_box.title()
    filled.tools.choose_class(0)
    drag(filled, (10, COLUMN), (20, COLUMN))
    assert not first.layer.data[10:21, COLUMN].any()
    assert second.layer.data[:, COLUMN].all()


def test_the_folder_and_the_annotator_are_remembered(viewer, qtbot, folder, monkeypatch):
    stored = SimpleNamespace(folder="", annotator="")
    monkeypatch.undo()
    monkeypatch.setattr(settings_module, "_stored", lambda section: {"annotate": stored}[section])
    first = AnnotateWidget(viewer)
    first.annotator.setText("Ada")
    first.use_folder(folder)
    qtbot.waitUntil(lambda: not first.look_bar.is_running)
    again = AnnotateWidget(viewer)
    assert (again.path, again.annotator.text()) == (folder, "Ada")
    assert again.folder_button.text() == folder.name
    qtbot.waitUntil(lambda: not again.look_bar.is_running)
    for widget in (first, again):
        widget.deleteLater()


def test_without_a_class_map_a_window_begins_empty_and_says_so(viewer, make_widget, qtbot):
    add_scan(viewer, segmented=False)
    widget = make_widget(viewer)
    assert not annotate(widget, qtbot).layer.data.any()
    assert "begins empty" in widget.job_bar.message.text()


# --- Painting ---


def test_the_ink_brush_labels_only_ink_and_is_undone_whole(empty, qtbot, folder):
    layer = empty.current.layer
    empty.tools.choose(INK_BRUSH)
    drag(empty, (10, COLUMN - 3), (40, COLUMN + 3), (90, COLUMN - 2))
    rows, columns = np.nonzero(layer.data)
    assert set(columns.tolist()) == {COLUMN - 1, COLUMN, COLUMN + 1}
    assert rows.min() < 10
    assert rows.max() > 90
    assert set(layer.data[rows, columns].tolist()) == {1}
    saved(empty, qtbot)
    assert np.array_equal(on_disk(folder).labels, layer.data)
    assert empty.counts.text() != "100.0 / 0.0 / 0.0 %"
    layer.undo()
    assert not layer.data.any(), "a stroke of many moves is one step"
    saved(empty, qtbot)
    assert empty.counts.text() == "100.0 / 0.0 / 0.0 %"
    assert not on_disk(folder).labels.any()
    layer.redo()
    saved(empty, qtbot)
    assert np.array_equal(on_disk(folder).labels, layer.data)
    assert layer.data.any()


def test_napari_s_own_brush_is_counted_and_saved_too(empty, qtbot, folder):
    layer = empty.current.layer
    empty.tools.choose(BRUSH)
    assert layer.mode == "paint"
    layer.brush_size = 8
    assert empty.panel.radius.value() == 4
    with layer.block_history():
        layer.paint((50, 60), 2)
    saved(empty, qtbot)
    assert np.array_equal(on_disk(folder).labels, layer.data)
    assert empty.current.shares.counts[2] == np.count_nonzero(layer.data == 2)
    layer.paint((90, 60), 1)  # outside a stroke, napari tells of it before it is done
    layer.fill((0, 0), 2)
    saved(empty, qtbot)
    assert np.array_equal(on_disk(folder).labels, layer.data)
    assert sum(empty.current.shares.counts) == layer.data.size


def test_background_rubs_out_and_preserved_labels_stay(filled, qtbot):
    layer = filled.current.layer
    filled.tools.choose_class(2)
    layer.preserve_labels = True
    drag(filled, (10, COLUMN), (30, COLUMN))
    assert set(np.unique(layer.data[:, COLUMN]).tolist()) == {1}
    layer.preserve_labels = False
    filled.tools.choose_class(0)
    drag(filled, (10, COLUMN), (30, COLUMN))
    assert not layer.data[10:31, COLUMN].any()


def test_a_click_gives_a_strand_to_a_class(filled, qtbot):
    layer = filled.current.layer
    filled.tools.choose(STRAND)
    filled.tools.choose_class(2)
    drag(filled, (60, COLUMN))
    qtbot.waitUntil(lambda: (layer.data[:, COLUMN] == 2).all())
    assert (layer.data[:, 80] == 2).all()
    layer.undo()
    assert (layer.data[:, COLUMN] == 1).all()
    drag(filled, (60, 10))
    qtbot.waitUntil(lambda: "click nearer" in filled.strand_bar.message.text())


def test_without_a_label_a_strand_is_found_in_the_ink(empty, qtbot):
    layer = empty.current.layer
    empty.tools.choose(STRAND)
    drag(empty, (60, COLUMN + 2))
    qtbot.waitUntil(lambda: (layer.data[:, COLUMN] == 1).all())
    assert not layer.data[:, 60:].any()


def test_the_curves_are_swapped_within_a_box(filled, qtbot):
    layer = filled.current.layer
    before = layer.data.copy()
    filled.tools.choose(SWAP)
    drag(filled, (80, 100), (60, 60), (50, 20))
    inside = layer.data[50:81, 20:101]
    assert np.array_equal(inside, np.array([0, 2, 1], np.uint8)[before[50:81, 20:101]])
    outside = layer.data != before
    outside[50:81, 20:101] = False
    assert not outside.any()
    layer.undo()
    assert np.array_equal(layer.data, before)


def test_the_way_ink_is_told_can_be_set(empty, qtbot):
    layer = empty.current.layer
    empty.panel.darkness.setValue(90)
    qtbot.waitUntil(lambda: empty.tools.darkness == 0.9)
    drag(empty, (40, 80), (60, 80))
    assert not layer.data.any(), "the pale line is not dark enough"
    empty.panel.darkness.setValue(30)
    qtbot.waitUntil(lambda: empty.tools.darkness == 0.3)
    drag(empty, (40, 80), (60, 80))
    assert (layer.data[40:61, 80] == 1).all()
    empty.panel.without_grid.setChecked(True)
    qtbot.waitUntil(lambda: not empty.tools.grid_lines)
    drag(empty, (40, COLUMN), (60, COLUMN))
    assert not layer.data[40:61, COLUMN].any(), "a straight line down the window is taken for one of the grid"


def test_a_label_that_is_no_class_cannot_be_chosen_nor_saved(empty, qtbot, folder):
    layer = empty.current.layer
    layer.selected_label = 3
    assert layer.selected_label == 2
    with layer.block_history():
        layer.paint((50, 60), 7)
    qtbot.waitUntil(lambda: "holds the label 7" in empty.save_label.text())
    drag(empty, (100, COLUMN))
    qtbot.waitUntil(lambda: on_disk(folder).labels.any())
    assert "holds the label 7" in empty.save_label.text(), "the other strokes are saved, and it is still said"
    layer.undo()
    layer.undo()
    with layer.block_history():
        layer.paint((50, 60), 1)
    saved(empty, qtbot)
    assert np.array_equal(on_disk(folder).labels, layer.data)


# --- What was looked at ---


def test_rows_count_that_stay_in_view_large_enough(filled, qtbot, folder):
    window, viewer = filled.current, filled.viewer
    show_rows(viewer, window.layer, (50, 99), (20, 40))
    for _ in range(_LOOKS):
        filled.looking.look()
    [(first, _)] = window.looked_at
    assert first - window.place.top == pytest.approx(50, abs=30)
    assert "looked at" in filled.looked.text()
    qtbot.waitUntil(lambda: on_disk(folder).manifest.looked_at == window.looked_at, timeout=6000)


def test_in_a_window_that_began_empty_only_rows_between_labels_count(empty, qtbot):
    window, viewer = empty.current, empty.viewer
    show_rows(viewer, window.layer, (0, 199), (0, 119))
    for _ in range(_LOOKS):
        empty.looking.look()
    assert window.looked_at == (), "what is not painted yet would be taught as background"
    for row in (60, 140):
        drag(empty, (row, COLUMN))
    qtbot.waitUntil(lambda: len(window.looked_at) == 2)
    for _ in range(_LOOKS):
        empty.looking.look()
    [(first, last)] = window.looked_at
    assert 50 < first - window.place.top < 60
    assert 140 < last - window.place.top < 150


def test_a_glance_counts_for_nothing_nor_does_a_view_from_far(filled):
    window, viewer = filled.current, filled.viewer
    before = window.looked_at
    for row in range(0, 180, 20):
        show_rows(viewer, window.layer, (row, row + 10), (0, 5))
        filled.looking.look()
    viewer.scene.camera.zoom = 0.1
    for _ in range(_LOOKS + 1):
        filled.looking.look()
    assert window.looked_at == before


def test_rows_that_are_painted_were_looked_at_and_a_button_marks_all(empty, qtbot, folder):
    window = empty.current
    drag(empty, (100, COLUMN), (120, COLUMN))
    saved(empty, qtbot)
    top = window.place.top
    painted = merged_rows([(top + 95, top + 125)], window.place)[0]
    assert any(first <= painted[0] and painted[1] <= last for first, last in window.looked_at)
    empty.mark_button.click()
    saved(empty, qtbot)
    assert on_disk(folder).manifest.share_looked_at == 1
    assert empty.looked.text() == "100% of its rows looked at"


# --- Suggestions ---


def test_one_is_led_to_where_the_network_is_least_sure(viewer, make_widget, qtbot):
    image = add_scan(viewer, rows=4000)
    one = np.zeros((4000, 120), np.float32)
    one[:, COLUMN] = 0.99
    one[2000:2100, COLUMN] = 0.6
    open_scan(image).class_map = ClassMap.from_probabilities(np.stack([1 - one, one, 0 * one]))
    widget = make_widget(viewer)
    run(widget, qtbot, widget.suggest_button.click)
    assert "Suggestion 1 of" in widget.job_bar.message.text()
    middle = image.world_to_data(viewer.scene.camera.center[-2:])[0]
    assert 1700 < middle < 2400
    run(widget, qtbot, widget.job_bar.run_button.click)
    assert widget.current.place.top <= 2000
    assert widget.current.place.last_row >= 2099
    run(widget, qtbot, widget.suggest_button.click)
    assert "Suggestion 2 of" in widget.job_bar.message.text()
    for _ in widget._suggestions:
        run(widget, qtbot, widget.suggest_button.click)
        assert not widget._suggestions[widget._suggestion].place.overlaps(widget.current.place)


# --- From and for other tools ---


def test_pairs_of_other_tools_come_in_and_go_out(viewer, make_widget, qtbot, folder, tmp_path, monkeypatch):
    pictures = tmp_path / "pairs"
    pictures.mkdir()
    Picture.fromarray(print_scan()).save(pictures / "a.png")
    Picture.fromarray(class_map_of(print_scan()).labels).save(pictures / "a_mask.png")
    add_scan(viewer)
    widget = make_widget(viewer)
    monkeypatch.setattr(annotate_module, "_ask_folder", lambda *_: pictures)
    run(widget, qtbot, widget.exchange[0].click)
    assert "1 window was added" in widget.job_bar.message.text()
    assert on_disk(folder).manifest.share_looked_at == 1
    qtbot.waitUntil(lambda: not widget.look_bar.is_running)
    run(widget, qtbot, widget.exchange[0].click)
    assert "has windows there already" in widget.job_bar.message.text()
    out = tmp_path / "out"
    monkeypatch.setattr(annotate_module, "_ask_folder", lambda *_: out)
    run(widget, qtbot, widget.exchange[1].click)
    assert "1 pair" in widget.job_bar.message.text()
    [mask] = (out / "masks").glob("*.png")
    assert np.array_equal(np.asarray(Picture.open(mask)), class_map_of(print_scan()).labels)


# --- What may go wrong ---


def test_what_is_lacking_is_said_in_words(viewer, make_widget, qtbot, monkeypatch):
    widget = make_widget(viewer, None)
    assert widget.look_bar.message.text() == "Choose the folder of your annotations first."
    monkeypatch.setattr(annotate_module, "_ask_folder", lambda *_: None)
    widget.job_bar.run_button.click()
    assert "Choose the folder" in widget.job_bar.message.text()
    widget.exchange[0].click()
    widget.exchange[1].click()
    widget.suggest_next()
    assert "There is no scan" in widget.job_bar.message.text()
    assert not widget.panel.isEnabled()


def test_a_folder_that_cannot_be_used_is_said_and_nothing_in_it_changed(viewer, make_widget, qtbot, folder):
    folder.mkdir()
    (folder / "a_window.json").write_text('{"version": 99}')
    add_scan(viewer)
    widget = make_widget(viewer)
    assert "update napari-welllog" in widget.look_bar.message.text()
    run(widget, qtbot, widget.job_bar.run_button.click)
    assert "not open" in widget.job_bar.message.text()
    assert [file.name for file in folder.iterdir()] == ["a_window.json"]


def test_strokes_wait_in_memory_while_the_disk_does_not_take_them(
    empty, make_widget, qtbot, folder, monkeypatch
):
    original = AnnotationFolder.save

    def refuse(*_: Any) -> None:
        raise OutputError("x_labels.png: cannot be written") from PermissionError(13, "Permission denied")

    monkeypatch.setattr(AnnotationFolder, "save", refuse)
    drag(empty, (10, COLUMN), (40, COLUMN))
    qtbot.waitUntil(lambda: "read-only" in empty.save_label.text())
    assert "kept in memory" in empty.save_label.text()
    painted, viewer, name = empty.current.layer.data.copy(), empty.viewer, empty.current.name
    empty.deleteLater()  # the strokes outlive the widget
    qtbot.waitUntil(lambda: not windows_in(viewer))
    widget = make_widget(viewer)
    assert "read-only" in widget.save_label.text()
    run(widget, qtbot, lambda: widget.open_window(name))
    assert np.array_equal(widget.current.layer.data, painted)
    assert not on_disk(folder).labels.any()
    monkeypatch.setattr(AnnotationFolder, "save", original)
    qtbot.waitUntil(lambda: widget.save_label.text() == SAVED, timeout=8000)
    assert np.array_equal(on_disk(folder).labels, painted)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs the rights of POSIX")
def test_a_read_only_folder_is_said_when_a_window_is_made(viewer, make_widget, qtbot, folder):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder.mkdir()
    folder.chmod(stat.S_IREAD | stat.S_IEXEC)
    add_scan(viewer)
    widget = make_widget(viewer)
    annotate(widget, qtbot)
    assert "cannot be written" in widget.job_bar.message.text()
    assert not windows_in(viewer)
    folder.chmod(stat.S_IRWXU)


def test_a_folder_that_cannot_be_made_is_said_and_another_one_works(
    viewer, make_widget, qtbot, tmp_path, folder
):
    (tmp_path / "file").write_text("in the way")
    add_scan(viewer)
    widget = make_widget(viewer, tmp_path / "file" / "annotations")
    annotate(widget, qtbot)
    assert "choose another folder" in widget.job_bar.message.text()
    assert not windows_in(viewer)
    widget.use_folder(folder)
    qtbot.waitUntil(lambda: not widget.look_bar.is_running)
    assert annotate(widget, qtbot) is not None


def test_a_layer_that_is_deleted_is_saved_and_can_be_opened_again(empty, qtbot, folder):
    window, viewer = empty.current, empty.viewer
    drag(empty, (10, COLUMN), (40, COLUMN))
    painted = window.layer.data.copy()
    viewer.layers.remove(window.layer)
    assert "is in the folder: open it again" in empty.job_bar.message.text()
    assert empty.current is None
    assert not empty.panel.isEnabled()
    assert empty.saved.flush()
    assert np.array_equal(on_disk(folder).labels, painted)
    run(empty, qtbot, lambda: empty.open_window(window.name))
    assert np.array_equal(empty.current.layer.data, painted)


def test_windows_of_a_scan_that_is_closed_stay_open_and_saved(empty, qtbot, folder):
    viewer = empty.viewer
    viewer.layers.remove(empty.choice.layer)
    qtbot.waitUntil(lambda: not empty.look_bar.is_running)
    drag(empty, (10, COLUMN), (40, COLUMN))
    saved(empty, qtbot)
    assert on_disk(folder).labels.any()
    run(empty, qtbot, empty.job_bar.run_button.click)
    assert "There is no scan" in empty.job_bar.message.text()


def test_a_scan_that_changed_has_no_window_here_and_says_why(viewer, make_widget, qtbot, folder, tmp_path):
    file = tmp_path / "well.png"
    Picture.fromarray(print_scan()).save(file)
    image = add_scan(viewer, metadata={"source": str(file)})
    widget = make_widget(viewer)
    annotate(widget, qtbot)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    Picture.fromarray(255 - print_scan()).save(file)
    image.data = 255 - print_scan()
    qtbot.waitUntil(lambda: "has changed" in widget.look_bar.message.text())
    annotate(widget, qtbot, rows=(400, 500))
    assert "has changed" in widget.job_bar.message.text()
    saved(widget, qtbot)
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".png"}
    assert after == {name: content for name, content in before.items() if name.endswith(".png")}


def test_data_of_another_size_in_our_layer_lose_nothing(empty, qtbot, folder):
    drag(empty, (10, COLUMN), (40, COLUMN))
    painted = empty.current.layer.data.copy()
    saved(empty, qtbot)
    empty.current.layer.data = np.zeros((30, 30), np.uint8)
    qtbot.waitUntil(lambda: "close the layer and open the window again" in empty.save_label.text())
    empty.looking.look()
    assert np.array_equal(on_disk(folder).labels, painted)


def test_a_class_map_of_another_size_is_refused(viewer, make_widget, qtbot):
    image = add_scan(viewer)
    open_scan(image).class_map = ClassMap.from_labels(np.zeros((50, 60), np.uint8))
    widget = make_widget(viewer)
    assert widget.begin.currentText() == CLASS_MAP
    annotate(widget, qtbot)
    assert "another size" in widget.job_bar.message.text()
    assert not windows_in(viewer)


def test_a_layer_of_the_user_is_left_alone(viewer, make_widget, qtbot):
    add_scan(viewer)
    mine = viewer.add_labels(np.ones((900, 120), np.uint8), name="annotate scan-row-100-column-0")
    widget = make_widget(viewer)
    annotate(widget, qtbot)
    widget.deleteLater()
    qtbot.waitUntil(lambda: not windows_in(viewer))
    assert mine in viewer.layers
    assert mine.data.all()


def test_another_folder_closes_the_windows_of_the_first(empty, qtbot, folder, tmp_path):
    drag(empty, (10, COLUMN), (40, COLUMN))
    empty.use_folder(tmp_path / "others")
    qtbot.waitUntil(lambda: not empty.look_bar.is_running)
    assert not windows_in(empty.viewer)
    assert empty.list.count() == 0
    assert on_disk(folder).labels.any()


# --- By mouse and keys in a real viewer ---


def test_an_annotator_paints_by_mouse_and_keys(make_napari_viewer, hand_on, qtbot, folder):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 900)
    [(data, settings, _)] = one_crossing()
    image = viewer.add_image(data, **settings)
    pixels = open_scan(image).pixels
    truth = settings["metadata"]["truth"]["classes"]
    open_scan(image).class_map = ClassMap.from_labels(truth)
    widget = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Annotate labels")
    widget.use_folder(folder)
    qtbot.waitUntil(lambda: not widget.look_bar.is_running)
    qtbot.wait(100)
    widget.begin.setCurrentText(NOTHING)
    show_rows(viewer, image, (0, pixels.shape[0] - 1), (0, pixels.shape[1] - 1))
    run(widget, qtbot, widget.job_bar.run_button.click)
    layer = widget.current.layer
    canvas, mouse = viewer.window._qt_viewer.canvas.native, hand_on(viewer)
    qtbot.keyClick(canvas, Qt.Key.Key_2)
    assert (layer.selected_label, widget.tools.tool) == (2, INK_BRUSH)
    assert widget.panel.classes.checkedId() == 2
    assert layer.mode != "paint", "2 is ours while the window is active"
    camera = tuple(viewer.scene.camera.center)
    row = 30
    column = int(np.flatnonzero(truth[row] == 2).mean()) if (truth[row] == 2).any() else COLUMN
    ink_row = next(r for r in range(20, pixels.shape[0]) if (truth[r] == 1).any())
    column = int(np.flatnonzero(truth[ink_row] == 1).mean())
    mouse.drag((ink_row, column), (ink_row + 3, column), (ink_row + 6, column))
    assert tuple(viewer.scene.camera.center) == camera, "the canvas stays while one paints"
    assert (layer.data == 2).any()
    assert not layer.data[pixels > 250].any(), "only ink"
    qtbot.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not layer.data.any()
    qtbot.keyClick(canvas, Qt.Key.Key_1)
    qtbot.keyClick(canvas, Qt.Key.Key_S)
    assert widget.tools.tool == STRAND
    widget.panel.without_grid.setChecked(True)
    mouse.click(ink_row + 3, column)
    qtbot.waitUntil(lambda: (layer.data == 1).any() or bool(widget.strand_bar.message.text()))
    assert (layer.data == 1).any()
    qtbot.keyClick(canvas, Qt.Key.Key_W)
    mouse.drag((2, 2), (60, 60), (pixels.shape[0] - 3, pixels.shape[1] - 3))
    assert (layer.data == 2).any()
    assert not (layer.data == 1).any()
    qtbot.keyPress(canvas, Qt.Key.Key_Space)
    assert widget.tools.tool == MOVE
    qtbot.keyRelease(canvas, Qt.Key.Key_Space)
    assert widget.tools.tool == SWAP
    qtbot.keyClick(canvas, Qt.Key.Key_Z)
    assert widget.tools.tool == MOVE
    qtbot.keyClick(canvas, Qt.Key.Key_P)
    assert widget.tools.tool == BRUSH
    mouse.drag((ink_row, 5), (ink_row + 5, 5))
    qtbot.keyClick(canvas, Qt.Key.Key_I)
    assert widget.tools.tool == INK_BRUSH
    qtbot.keyClick(canvas, Qt.Key.Key_G)
    qtbot.waitUntil(lambda: "uggestion" in widget.job_bar.message.text())
    saved(widget, qtbot)
    assert np.array_equal(on_disk(folder).labels, layer.data)
    viewer.layers.selection.active = image
    assert viewer.scene.camera.mouse_pan, "on another layer napari's mouse and keys are as always"
    qtbot.keyClick(canvas, Qt.Key.Key_1)
    assert image.mode == "pan_zoom"


def test_closing_napari_loses_nothing(make_napari_viewer, qtbot, folder):
    viewer = make_napari_viewer()
    add_scan(viewer)
    widget = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Annotate labels")
    widget.use_folder(folder)
    qtbot.waitUntil(lambda: not widget.look_bar.is_running)
    annotate(widget, qtbot)
    widget.tools.choose_ink(0.4, grid_lines=True)
    drag(widget, (10, COLUMN), (40, COLUMN + 30))
    widget.tools.choose_class(2)
    drag(widget, (100, COLUMN), (110, COLUMN))
    painted = widget.current.layer.data.copy()
    viewer.close()
    qtbot.waitUntil(lambda: np.array_equal(on_disk(folder).labels, painted))


def test_a_dock_that_is_closed_leaves_nothing_open_and_nothing_unsaved(make_napari_viewer, qtbot, folder):
    viewer = make_napari_viewer()
    image = add_scan(viewer)
    docked = []
    for _ in range(2):
        widget = AnnotateWidget(viewer)
        dock = viewer.window.add_dock_widget(widget, name="Annotate labels")
        widget.use_folder(folder)
        qtbot.waitUntil(lambda widget=widget: not widget.look_bar.is_running)
        docked.append((widget, dock))
        if len(docked) == 1:
            annotate(widget, qtbot)
            widget.tools.choose_class(2)
            drag(widget, (10, COLUMN), (40, COLUMN + 40))
            widget.tools.choose(BRUSH)
            with widget.current.layer.block_history():
                widget.current.layer.paint((100, 60), 2)
            painted = widget.current.layer.data.copy()
            dock.destroyOnClose()
            assert np.array_equal(on_disk(folder).labels, painted)
            assert not windows_in(viewer)
            assert list(viewer.layers) == [image]
    widget, _ = docked[1]
    [name] = widget.listed
    run(widget, qtbot, lambda: widget.open_window(name))
    assert np.array_equal(widget.current.layer.data, painted)
    drag(widget, (150, COLUMN), (160, COLUMN))
    saved(widget, qtbot)
    assert np.array_equal(on_disk(folder).labels, widget.current.layer.data), "only one of them saves"
