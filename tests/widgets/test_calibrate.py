"""Calibrate tracks: what a person does with mouse and keys, what they see, and what becomes of it on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("napari")

from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks
from napari_welllog.widgets.calibrate import CalibrateWidget
from napari_welllog.widgets.layers import scan_layer, show_layer
from napari_welllog.widgets.open_scan import open_scan
from napari_welllog.widgets.result_window import zoom_to

ROWS, COLUMNS = 1200, 500
LEFT, RIGHT, TOP, SPACING = 100, 400, 200, 40


def printed_grid() -> np.ndarray:
    """A page with one track: ten divisions, and a depth line every 40 rows."""
    pixels = np.full((ROWS, COLUMNS), 255, np.uint8)
    pixels[TOP:1161, LEFT : RIGHT + 1 : 30] = 0
    pixels[TOP:1161:SPACING, LEFT : RIGHT + 1] = 0
    rows = np.arange(TOP, 1161)
    pixels[rows, (250 + 100 * np.sin(rows / 60)).astype(int)] = 0
    return pixels


@pytest.fixture
def scan_file(tmp_path: Path) -> Path:
    path = tmp_path / "well.tif"
    Image.fromarray(printed_grid()).save(path)
    return path


def show_scan(viewer: Any, path: Path | None, name: str = "well") -> Any:
    metadata = {} if path is None else {"source": str(path)}
    return show_layer(viewer, scan_layer(printed_grid(), name, metadata))


def a_calibration(**changes: Any) -> Tracks:
    curve = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
    track = Track(name="gamma", left=LEFT, right=RIGHT, top=TOP, bottom=1160, curves=[curve])
    depth = DepthAxis(unit="m", anchors=[(TOP, 1000), (TOP + 10 * SPACING, 1020)])
    return Tracks(depth=depth, tracks=[track]).model_copy(update=changes)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def make_widget(qtbot) -> Callable[[Any], CalibrateWidget]:
    made = []

    def make(viewer: Any) -> CalibrateWidget:
        widget = CalibrateWidget(viewer)
        qtbot.addWidget(widget)
        made.append(widget)
        return widget

    return make


@pytest.fixture
def calibrated(viewer, make_widget, scan_file) -> CalibrateWidget:
    """The widget on a scan beside which a calibration lies."""
    a_calibration().save(scan_file.with_name("well.tracks.json"))
    show_scan(viewer, scan_file)
    return make_widget(viewer)


def saved(scan_file: Path) -> Tracks:
    return Tracks.load(scan_file.with_name("well.tracks.json"))


def type_into(field: Any, text: str) -> None:
    field.setText(text)
    field.editingFinished.emit()


def choose(box: Any, text: str) -> None:
    index = box.findText(text)
    box.setCurrentIndex(index)
    box.activated.emit(index)


# --- By mouse in a real viewer ---


def test_a_person_calibrates_a_scan_by_mouse_and_finds_it_again(
    make_napari_viewer, make_widget, qtbot, hand_on, scan_file
) -> None:
    viewer = make_napari_viewer(show=True)
    layer = show_scan(viewer, scan_file)
    widget = make_widget(viewer)
    viewer.window.add_dock_widget(widget, area="right")
    zoom_to(viewer, 150, 700, 0, COLUMNS)
    qtbot.wait(100)
    mouse = hand_on(viewer)
    heard: list[Tracks | None] = []
    open_scan(layer).tracks_changed.connect(heard.append)

    # Draw the track.
    widget.draw_button.click()
    mouse.drag((TOP, 112), (300, 300), (680, RIGHT))
    assert [track.name for track in widget.draft.tracks] == ["track 1"]
    assert not widget.draw_button.isChecked()
    assert widget.draft.tracks[0].left == pytest.approx(112, abs=1)

    # Drag its left edge onto the printed one, and back by Ctrl-Z over the canvas, and there again.
    camera = viewer.scene.camera.center
    mouse.drag((450, 112), (452, 105), (455, 100))
    assert widget.draft.tracks[0].left == pytest.approx(100, abs=1.5)
    assert viewer.scene.camera.center == camera, "the drag moves the edge and not the camera"
    dragged = widget.draft
    viewer.window._qt_viewer.canvas.native.setFocus()
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert widget.draft.tracks[0].left == pytest.approx(112, abs=1)
    widget.redo_button.click()
    assert widget.draft == dragged

    # Click two printed depth lines, a little beside them, and type their depths.
    widget.anchor_button.click()
    for click, depth in ((TOP + 42, "1002"), (TOP + 398, "1020")):
        mouse.click(click, 330)
        assert widget.depth_entry.isVisible()
        qtbot.keyClicks(widget.depth_box, depth)
        qtbot.keyClick(widget.depth_box, Qt.Key.Key_Return)
    choose(widget.unit, "m")
    assert widget.draft.anchors == ((TOP + 40, 1002), (TOP + 400, 1020)), "anchors lie on the printed lines"

    # Bend the right edge by a double click, as on a skewed page.
    widget.anchor_button.click()
    mouse.double_click(500, RIGHT)
    assert widget.draft.tracks[0].right[1] == pytest.approx((500, RIGHT), abs=1.5)
    widget.undo()

    # Tell what the curves are.
    choose(widget.curves[1].mnemonic, "GR")
    widget.curves[2].setChecked(False)
    widget.curves[2].clicked.emit()
    type_into(widget.curves[1].right, "200")
    (curve,) = widget.draft.tracks[0].curves
    assert (curve.mnemonic, curve.unit, curve.left, curve.right) == ("GR", "GAPI", 0, 200)

    # An area to ignore.
    widget.ignore_button.click()
    mouse.drag((300, 150), (350, 180), (400, 200))
    np.testing.assert_allclose(widget.draft.tracks[0].ignore, [(300, 400, 150, 200)], atol=1.5)

    # It is on the disk, the other widgets know it, and it is drawn over the scan.
    calibration = open_scan(layer).tracks
    assert calibration == heard[-1] == widget.draft.calibration(ROWS)
    beside = scan_file.with_name("well.tracks.json")
    qtbot.waitUntil(lambda: beside.exists() and Tracks.load(beside) == calibration)
    qtbot.waitUntil(lambda: "Saved in well.tracks.json" in widget.file_line.text())
    qtbot.waitUntil(lambda: "1010" in viewer.layers["tracks text"].features["label"].tolist())
    assert len(viewer.layers["tracks"].data) > 30

    # Another day.
    tomorrow = ViewerModel()
    layer = show_scan(tomorrow, scan_file)
    again = make_widget(tomorrow)
    assert open_scan(layer).tracks == again.draft.calibration(ROWS) == calibration


def test_the_window_answers_within_a_tenth_of_a_second_while_a_long_scan_is_dragged(
    make_napari_viewer, make_widget, qtbot
) -> None:
    """Of processor time on this thread, apart from what the graphics driver takes to paint."""
    from napari_welllog.tracks.editing import Handle

    viewer = make_napari_viewer(show=True)
    layer = show_layer(viewer, scan_layer(np.full((17_864, 1_664), 255, np.uint8), "long"))
    curves = [
        Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150),
        Curve(curve_class=2, mnemonic="ILD", unit="ohm.m", left=0.2, right=2000, scale="log"),
    ]
    tracks = [
        Track(name=f"{k}", left=50 + 520 * k, right=550 + 520 * k, top=500, bottom=17_000, curves=[curve])
        for k, curve in enumerate(curves)
    ]
    anchors = [(1000.0 * k, 500 + 100.0 * k) for k in range(1, 17)]
    open_scan(layer).tracks = Tracks(depth=DepthAxis(unit="ft", anchors=anchors), tracks=tracks)
    widget = make_widget(viewer)
    zoom_to(viewer, 2000, 4000, 0, 1664)
    widget.canvas._draw()
    stalls = []
    for step in range(12):
        start = time.thread_time()
        widget.canvas.dragged.emit(Handle("edge", 0, "right"), 0.0, float(step))
        widget.canvas._draw()
        stalls.append(time.thread_time() - start)
    widget.canvas.released.emit()
    assert widget.draft.tracks[0].right == 561
    assert np.median(stalls) < 0.1, f"{1000 * np.array(stalls).round(3)} ms"


# --- Proposing ---


def test_tracks_are_proposed_from_the_grid_and_undo_brings_the_earlier_ones_back(calibrated, qtbot) -> None:
    widget, before = calibrated, calibrated.draft
    with qtbot.waitSignal(widget.bar.finished, timeout=60_000):
        widget.bar.run_button.click()
    (track,) = widget.draft.tracks
    assert (track.left, track.right) == pytest.approx((LEFT, RIGHT), abs=1)
    assert widget.draft.anchors == before.anchors, "depths are kept"
    widget.undo()
    assert widget.draft == before


def test_a_scan_without_a_grid_is_told_in_words(viewer, make_widget, qtbot) -> None:
    viewer.add_image(np.full((600, 400), 255, np.uint8), name="blank")
    widget = make_widget(viewer)
    with qtbot.waitSignal(widget.bar.finished, timeout=60_000):
        widget.bar.run_button.click()
    assert "no track was found" in widget.bar.message.text()
    assert widget.bar.run_button.isEnabled()


# --- What is typed ---


def test_a_usual_curve_fills_in_its_unit_and_scale_only_where_nobody_typed_others(calibrated) -> None:
    form = calibrated.curves[1]
    choose(form.mnemonic, "ILD")
    assert calibrated.draft.tracks[0].curves[0] == Curve(
        curve_class=1, mnemonic="ILD", unit="ohm.m", left=0.2, right=2000, scale="log"
    )
    type_into(form.right, "200")
    choose(form.mnemonic, "LLD")
    assert calibrated.draft.tracks[0].curves[0].right == 200, "what was typed stays"


def test_a_log_scale_with_zero_is_refused_and_nothing_that_was_typed_is_lost(calibrated, scan_file) -> None:
    form, before = calibrated.curves[1], calibrated.draft
    choose(form.scale, "log")
    assert "log scale cannot reach 0" in calibrated.bar.message.text()
    assert form.scale.styleSheet() != ""
    assert calibrated.draft == before
    assert form.scale.currentText() == "log"
    type_into(form.left, "0.2")
    assert calibrated.draft.tracks[0].curves[0].scale == "log"
    assert calibrated.bar.message.text() == ""
    assert form.scale.styleSheet() == ""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("left", "abc", "must be a number"), ("right", "50", "left edge"), ("top", "1170", "top"),
     ("right", "900", "columns are 0 to 499")],
)  # fmt: skip
def test_an_edge_that_cannot_be_is_refused_and_its_field_is_marked(calibrated, name, text, said) -> None:
    before, field = calibrated.draft, calibrated.place.boxes[name]
    type_into(field, text)
    assert said in calibrated.bar.message.text()
    assert "\n" not in calibrated.bar.message.text()
    assert field.styleSheet() != ""
    assert (field.text(), calibrated.draft) == (text, before)
    type_into(calibrated.place.boxes["bottom"], "1150")
    assert field.text() == text, "another change leaves it for mending"
    type_into(field, calibrated.place.shown[name])
    assert field.styleSheet() == ""


def test_two_anchors_at_one_row_are_refused_and_the_typed_depth_stays(calibrated) -> None:
    before = calibrated.draft
    calibrated.canvas.clicked.emit(float(TOP + 1), 250.0)
    calibrated.depth_box.setText("1001")
    calibrated.depth_add.click()
    assert "both at row 200" in calibrated.bar.message.text()
    assert (calibrated.depth_box.text(), calibrated.draft) == ("1001", before)
    assert calibrated.depth_box.styleSheet() != ""
    calibrated.depth_drop.click()
    assert calibrated.depth_entry.isHidden()


def test_a_depth_that_is_no_number_is_refused_in_words(calibrated) -> None:
    calibrated.canvas.clicked.emit(900.0, 250.0)
    calibrated.depth_box.setText("12 ft")
    calibrated.depth_add.click()
    assert "is a number, not '12 ft'" in calibrated.bar.message.text()


def add_anchor(widget: CalibrateWidget, row: float, depth: str) -> None:
    widget.canvas.clicked.emit(row, 250.0)
    widget.depth_box.setText(depth)
    widget.depth_box.returnPressed.emit()


def test_a_mistyped_depth_stands_out_in_the_table_and_is_mended_there(calibrated) -> None:
    add_anchor(calibrated, 360.0, "1008")
    add_anchor(calibrated, 480.0, "1041")
    assert "turns back" in calibrated.bar.message.text(), "that would be deeper than the line below"
    calibrated.depth_drop.click()
    add_anchor(calibrated, 1000.0, "1043")
    table = calibrated.anchors
    residuals = [table.item(number, 2).text() for number in range(table.rowCount())]
    assert [text for text in residuals if abs(float(text)) > 0.01] == ["+3.00"]
    table.item(table.rowCount() - 1, 1).setText("1040")
    assert {table.item(number, 2).text() for number in range(table.rowCount())} <= {"+0.00", "-0.00"}
    table.item(0, 1).setText("none")
    assert "numbers, not 'none'" in calibrated.bar.message.text()
    assert table.item(0, 1).text() == "none"


def test_an_anchor_is_deleted_and_comes_back(calibrated) -> None:
    calibrated.anchors.selectRow(0)
    calibrated.anchor_delete.click()
    assert len(calibrated.draft.anchors) == 1
    assert open_scan(calibrated.choice.layer).tracks.depth.unit == "row", "one anchor tells no depths"
    calibrated.undo_button.click()
    assert len(calibrated.draft.anchors) == 2
    assert open_scan(calibrated.choice.layer).tracks == a_calibration()


def test_a_track_is_renamed_and_removed(calibrated) -> None:
    calibrated.tracks.item(0).setText("GR track")
    assert calibrated.draft.tracks[0].name == "GR track"
    calibrated.track_remove.click()
    assert calibrated.draft.tracks == ()
    assert open_scan(calibrated.choice.layer).tracks is None
    calibrated.undo()
    calibrated.undo()
    assert calibrated.draft.calibration(ROWS) == a_calibration()


# --- The file ---


def test_a_calibration_beside_the_scan_is_loaded_and_told_to_the_others(calibrated) -> None:
    assert open_scan(calibrated.choice.layer).tracks == a_calibration()
    assert "Loaded well.tracks.json" in calibrated.file_line.text()
    assert calibrated.tracks.item(0).text() == "gamma"


def test_a_read_only_folder_is_told_in_one_line_and_work_goes_on(
    calibrated, qtbot, monkeypatch, tmp_path
) -> None:
    def refuse(*args: object, **kwargs: object) -> str:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as folder:
        folder.setattr("napari_welllog.output.tempfile.mkdtemp", refuse)
        type_into(calibrated.curves[1].right, "300")
        qtbot.waitUntil(lambda: "Not saved" in calibrated.file_line.text())
    assert "choose another folder" in calibrated.file_line.text()
    assert "\n" not in calibrated.file_line.text()
    assert calibrated.draft.tracks[0].curves[0].right == 300
    calibrated.save_as(tmp_path / "elsewhere.tracks.json")
    qtbot.waitUntil(lambda: "Saved in elsewhere.tracks.json" in calibrated.file_line.text())
    assert Tracks.load(tmp_path / "elsewhere.tracks.json") == calibrated.draft.calibration(ROWS)


@pytest.mark.parametrize("text", ["{", '{"version": 2}', "[]"])
def test_a_broken_file_beside_the_scan_is_told_and_left_as_it_is(
    viewer, make_widget, scan_file, qtbot, text
) -> None:
    beside = scan_file.with_name("well.tracks.json")
    beside.write_text(text)
    show_scan(viewer, scan_file)
    widget = make_widget(viewer)
    assert "well.tracks.json" in widget.bar.message.text()
    widget.canvas.drawn.emit((10.0, 10.0), (300.0, 300.0))
    widget.draw_button.setChecked(True)
    widget.canvas.drawn.emit((10.0, 10.0), (300.0, 300.0))
    assert len(widget.draft.tracks) == 1
    widget.close()
    assert beside.read_text() == text


def test_what_another_program_wrote_meanwhile_is_not_overwritten(calibrated, scan_file, qtbot) -> None:
    beside = scan_file.with_name("well.tracks.json")
    theirs = a_calibration(depth=DepthAxis(unit="ft", anchors=[(0, 0), (10, 1)]))
    theirs.save(beside)
    type_into(calibrated.curves[1].right, "300")
    qtbot.waitUntil(lambda: "another calibration" in calibrated.file_line.text())
    assert Tracks.load(beside) == theirs
    calibrated.load(beside)
    assert calibrated.draft.calibration(ROWS) == theirs
    type_into(calibrated.curves[1].right, "400")
    qtbot.waitUntil(lambda: Tracks.load(beside).tracks[0].curves[0].right == 400)


def test_a_file_of_another_name_is_loaded_and_saved_to(viewer, make_widget, scan_file, qtbot) -> None:
    other = scan_file.with_name("mine.json")
    a_calibration().save(other)
    show_scan(viewer, scan_file)
    widget = make_widget(viewer)
    widget.load(other)
    assert widget.draft.calibration(ROWS) == a_calibration()
    type_into(widget.curves[1].right, "300")
    qtbot.waitUntil(lambda: Tracks.load(other).tracks[0].curves[0].right == 300)
    assert not scan_file.with_name("well.tracks.json").exists()


def test_a_scan_that_is_no_file_can_be_calibrated_and_saved_by_name(
    viewer, make_widget, tmp_path, qtbot
) -> None:
    show_scan(viewer, None)
    widget = make_widget(viewer)
    widget.draw_button.setChecked(True)
    widget.canvas.drawn.emit((10.0, 10.0), (300.0, 300.0))
    assert "Save as" in widget.file_line.text()
    widget.save_as(tmp_path / "a.json")
    qtbot.waitUntil(lambda: (tmp_path / "a.json").exists())


def test_closing_the_widget_saves_the_last_change(calibrated, scan_file) -> None:
    type_into(calibrated.curves[1].right, "300")
    calibrated.close()
    assert saved(scan_file).tracks[0].curves[0].right == 300


# --- What happens around it ---


def test_without_a_scan_it_says_what_to_do(viewer, make_widget) -> None:
    widget = make_widget(viewer)
    assert "Open a scan" in widget.bar.message.text()
    assert not widget.draw_button.isEnabled()
    for button in (widget.undo_button, widget.anchor_delete, widget.track_remove, widget.depth_add):
        button.click()
    show_scan(viewer, None)
    assert widget.draw_button.isEnabled()
    assert widget.bar.message.text() == ""


def test_a_layer_that_is_no_scan_is_told_in_words(viewer, make_widget) -> None:
    viewer.add_image(np.zeros((3, 50, 50), np.uint8))
    widget = make_widget(viewer)
    assert "rows and columns" in widget.bar.message.text()
    assert not widget.draw_button.isEnabled()
    viewer.add_labels(np.zeros((50, 50), np.uint8))
    assert widget.choice.count() == 1


def test_the_scan_deleted_while_it_is_edited_takes_its_grid_along_and_is_saved(
    calibrated, viewer, scan_file, qtbot
) -> None:
    calibrated.canvas._draw()
    assert [layer.name for layer in viewer.layers] == ["well", "tracks", "tracks text"]
    calibrated.anchor_button.setChecked(True)
    calibrated.canvas.clicked.emit(900.0, 250.0)
    type_into(calibrated.curves[1].right, "300")
    viewer.layers.remove("well")
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)
    assert saved(scan_file).tracks[0].curves[0].right == 300
    assert not calibrated.draw_button.isEnabled()
    calibrated.undo()
    calibrated.canvas._draw()


def test_our_layer_deleted_while_editing_is_drawn_again(calibrated, viewer) -> None:
    calibrated.canvas._draw()
    viewer.layers.remove("tracks")
    type_into(calibrated.curves[1].right, "300")
    calibrated.canvas._draw()
    assert "tracks" in viewer.layers
    assert len(viewer.layers["tracks"].mouse_drag_callbacks) == 1


def test_a_layer_of_the_user_with_our_name_is_left_alone(viewer, make_widget, scan_file) -> None:
    theirs = viewer.add_points([[5, 5]], name="tracks")
    a_calibration().save(scan_file.with_name("well.tracks.json"))
    show_scan(viewer, scan_file)
    viewer.fit_to_view()
    make_widget(viewer).canvas._draw()
    assert theirs in viewer.layers
    assert len(theirs.data) == 1
    assert "tracks [1]" in viewer.layers


def test_each_scan_keeps_its_own_calibration_and_its_undo(calibrated, viewer, scan_file) -> None:
    type_into(calibrated.curves[1].right, "300")
    other = show_scan(viewer, None, "other")
    calibrated.choice.layer = other
    assert calibrated.draft.tracks == ()
    calibrated.choice.layer = viewer.layers["well"]
    assert calibrated.draft.tracks[0].curves[0].right == 300
    calibrated.undo()
    assert calibrated.draft.tracks[0].curves[0].right == 150


def test_a_calibration_made_elsewhere_is_followed(calibrated, viewer) -> None:
    theirs = a_calibration(depth=DepthAxis(unit="ft", anchors=[(0, 0), (10, 1)]))
    open_scan(viewer.layers["well"]).tracks = theirs
    assert calibrated.draft.calibration(ROWS) == theirs
    calibrated.undo()
    assert open_scan(viewer.layers["well"]).tracks == a_calibration()


def test_the_grid_lies_where_the_scan_lies(viewer, make_widget) -> None:
    layer = viewer.add_image(printed_grid(), scale=(0.127, 0.127), translate=(40, 7))
    open_scan(layer).tracks = a_calibration()
    widget = make_widget(viewer)
    widget.canvas._draw()
    lines = viewer.layers["tracks"]
    np.testing.assert_allclose(lines.scale, layer.scale)
    np.testing.assert_allclose(lines.translate, layer.translate)
    assert viewer.layers.selection.active is layer, "the grid does not take the mouse"


def test_the_script_on_the_clipboard_makes_the_file(calibrated, scan_file) -> None:
    calibrated.copy_button.click()
    path = scan_file.with_name("well.tracks.json")
    path.unlink()
    exec(QApplication.clipboard().text(), {})
    assert Tracks.load(path) == a_calibration()


def test_every_control_says_what_it_does(calibrated) -> None:
    from qtpy.QtWidgets import QComboBox, QLineEdit, QListWidget, QPushButton, QSpinBox

    for kind in (QPushButton, QComboBox, QLineEdit, QListWidget, QSpinBox):
        for control in calibrated.findChildren(kind):
            is_part = isinstance(control.parent(), (QComboBox, QSpinBox))
            assert control.toolTip() or is_part, f"{control} {getattr(control, 'text', str)()}"


def test_it_fits_into_a_narrow_dock(calibrated) -> None:
    assert calibrated.minimumSizeHint().width() <= 350
