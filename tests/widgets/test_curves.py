"""Extract curves: trace, look at what is doubtful, correct by hand, plot, and export what the command writes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lasio
import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_welllog.class_map import ClassMap
from napari_welllog.curves import TraceState
from napari_welllog.digitize import digitize, output_paths
from napari_welllog.edits import Edits, Erase, Give, Redraw
from napari_welllog.errors import LasError
from napari_welllog.report import ModelReport
from napari_welllog.tracks import Track, Tracks
from napari_welllog.widgets.layers import scan_layer
from napari_welllog.widgets.open_scan import OpenScan, open_scan
from napari_welllog.widgets.view import show_rows, visible_rows
from napari_welllog.writers import write_class_map_file, write_csv_file, write_las_file

ViewerModel = pytest.importorskip("napari.components").ViewerModel
CurvesWidget = pytest.importorskip("napari_welllog.widgets.curves").CurvesWidget

PERFECT = ModelReport(name="perfect", sha256="0" * 64)


@dataclass
class Desk:
    """A viewer with a scan and the widget beside it."""

    viewer: object
    widget: CurvesWidget
    scan: OpenScan
    tracks: Tracks
    folder: Path

    @property
    def track(self) -> Track:
        return self.tracks.tracks[0]

    @property
    def layer(self):
        return self.widget.layers[0].layer

    def trace(self, curve_class: int = 1):
        return self.widget.extraction.reading.traces[0][curve_class - 1]


def open_desk(viewer, widget, well) -> Desk:
    """Open the well's scan."""
    data, settings, _ = scan_layer(well.log.scan, "well", {"source": str(well.scan), "dpi": 200.0})
    image = viewer.add_image(data, **settings, scale=(0.127, 0.127))
    return Desk(viewer, widget, open_scan(image), Tracks.load(well.tracks), well.scan.parent)


def segment_and_calibrate(desk: Desk, labels: np.ndarray) -> None:
    """Do what the other two widgets do."""
    desk.scan.model = PERFECT
    desk.scan.class_map = ClassMap.from_labels(labels)
    desk.scan.tracks = desk.tracks


def wait_for(qtbot, bar, act: Callable[[], object]) -> None:
    with qtbot.waitSignal(bar.finished, timeout=60_000):
        act()


@pytest.fixture
def empty_desk(qtbot, well) -> Desk:
    viewer = ViewerModel()
    widget = CurvesWidget(viewer)
    qtbot.addWidget(widget)
    widget.plot_button.setChecked(False)
    return open_desk(viewer, widget, well)


@pytest.fixture
def desk(qtbot, empty_desk, well) -> Desk:
    """The curves are extracted."""
    segment_and_calibrate(empty_desk, well.log.classes)
    wait_for(qtbot, empty_desk.widget.job_bar, empty_desk.widget.job_bar.run_button.click)
    return empty_desk


def middle_row(desk: Desk) -> int:
    """A row about which both curves are traced."""
    known = np.isfinite(desk.trace(1).column) & np.isfinite(desk.trace(2).column)
    wide = np.convolve(known, np.ones(121), "same") > 120.5
    places = np.flatnonzero(wide)
    return desk.trace(1).top + int(places[len(places) // 2])


# --- What a user is told ---


def test_it_says_what_is_lacking_and_what_to_do(qtbot, empty_desk, well) -> None:
    widget, scan = empty_desk.widget, empty_desk.scan
    said = []
    for give in (
        lambda: None,
        lambda: setattr(scan, "tracks", empty_desk.tracks),
        lambda: (
            setattr(scan, "tracks", None),
            setattr(scan, "class_map", ClassMap.from_labels(well.log.classes)),
        ),
    ):
        give()
        widget.job_bar.run_button.click()
        assert widget.job_bar.message.text() == widget.state.text()
        assert not widget.job_bar.is_running
        said.append(widget.state.text())
    assert "neither a class map nor a track" in said[0]
    assert "Segment scan" in said[1]
    assert "Calibrate tracks" in said[2]


def test_without_a_scan_it_asks_for_one(qtbot) -> None:
    widget = CurvesWidget(ViewerModel())
    qtbot.addWidget(widget)
    widget.job_bar.run_button.click()
    assert "open one first" in widget.job_bar.message.text()
    assert not widget.edit_box.isEnabled()


def test_tracks_that_lie_outside_the_scan_are_refused(qtbot, empty_desk, well) -> None:
    segment_and_calibrate(empty_desk, well.log.classes[:200])
    empty_desk.widget.job_bar.run_button.click()
    assert "the scan ends at row 199" in empty_desk.widget.job_bar.message.text()


# --- Extracting ---


def test_one_layer_a_track_shows_its_curves_and_tells_how_they_were_read(desk) -> None:
    features = desk.layer.features
    assert desk.layer.name == f"curves of {desk.track.name}"
    assert set(features["mnemonic"]) == {curve.mnemonic for curve in desk.track.curves}
    assert {"unit", "mean confidence", "rows traced", "rows bridged", "rows missing", "rows edited"} <= set(
        features
    )
    assert np.allclose(desk.layer.scale, (0.127, 0.127)), "it lies on the scan"
    for curve in desk.track.curves:
        assert curve.mnemonic in desk.widget.table.text()


def test_a_second_extraction_updates_the_same_layer(qtbot, desk) -> None:
    names = [layer.name for layer in desk.viewer.layers]
    wait_for(qtbot, desk.widget.job_bar, desk.widget.extract)
    assert [layer.name for layer in desk.viewer.layers] == names


def test_a_new_class_map_is_said_to_need_a_new_extraction(desk, well) -> None:
    assert desk.widget.state.text() == ""
    desk.scan.class_map = ClassMap.from_labels(well.log.classes)
    assert "extract again" in desk.widget.state.text()


def test_the_scan_closed_during_extraction_is_said(qtbot, empty_desk, well) -> None:
    segment_and_calibrate(empty_desk, well.log.classes)
    widget = empty_desk.widget
    wait_for(qtbot, widget.job_bar, lambda: (widget.extract(), empty_desk.viewer.layers.clear()))
    assert "closed meanwhile" in widget.job_bar.message.text()
    assert widget.job_bar.run_button.isEnabled()


# --- Correcting ---


def test_a_rectangle_erases_the_curve_that_it_covers(qtbot, desk) -> None:
    row = middle_row(desk)
    column = desk.trace(1).column[row - desk.trace(1).top]
    press_tool(desk, "erase")
    assert desk.layer.mode == "add_rectangle"
    draw(
        desk,
        [[row, column - 3], [row, column + 3], [row + 20, column + 3], [row + 20, column - 3]],
        "rectangle",
    )
    qtbot.waitUntil(lambda: desk.widget.undo_button.isEnabled())
    (edit,) = desk.widget.edits.edits.edits
    assert isinstance(edit, Erase)
    assert (edit.curve_class, edit.rows) == (1, (row, row + 20))
    assert desk.trace().count(TraceState.ERASED) == 21
    assert "rectangle" not in desk.layer.shape_type, "what was drawn to erase is not left there"


def test_give_exchanges_the_two_curves(qtbot, desk) -> None:
    row = middle_row(desk)
    before = [desk.trace(k).column.copy() for k in (1, 2)]
    press_tool(desk, "give")
    draw(desk, [[row, 0], [row, 599], [row + 20, 599], [row + 20, 0]], "rectangle")
    qtbot.waitUntil(lambda: desk.widget.undo_button.isEnabled())
    here = slice(row - desk.trace().top, row + 21 - desk.trace().top)
    assert np.array_equal(desk.trace(1).column[here], before[1][here])
    assert np.array_equal(desk.trace(2).column[here], before[0][here])


def test_a_drawn_line_replaces_the_nearest_curve_or_the_chosen_one(qtbot, desk) -> None:
    row = middle_row(desk)
    column = float(desk.trace(2).column[row - desk.trace(2).top])
    press_tool(desk, "redraw")
    draw(desk, [[row + 30, column + 4], [row + 15, column + 2], [row, column]], "path")
    qtbot.waitUntil(lambda: len(desk.widget.edits.edits.edits) == 1)
    assert desk.widget.edits.edits.edits[-1].curve_class == 2
    desk.widget.curve_choice.setCurrentIndex(1)
    desk.widget.curve_choice.activated.emit(1)
    draw(desk, [[row, column], [row + 15, column + 2], [row + 30, column + 4]], "path")
    qtbot.waitUntil(lambda: len(desk.widget.edits.edits.edits) == 2)
    assert desk.widget.edits.edits.edits[-1].curve_class == 1
    assert desk.trace(1).column[row + 15 - desk.trace(1).top] == pytest.approx(column + 2, abs=0.3)
    assert "edited" in set(desk.layer.features["state"])


def test_a_line_drawn_on_another_track_corrects_that_track(qtbot) -> None:
    labels = np.zeros((300, 400), np.uint8)
    labels[:, 99:102] = labels[:, 299:302] = 1
    curves = [[{"class": 1, "mnemonic": name, "unit": "", "left": 0, "right": 1}] for name in ("GR", "CALI")]
    tracks = Tracks(
        depth={"unit": "row", "anchors": [[0, 0], [1, 1]]},
        tracks=[
            {"name": "one", "left": 0, "right": 199, "top": 0, "bottom": 299, "curves": curves[0]},
            {"name": "two", "left": 200, "right": 399, "top": 0, "bottom": 299, "curves": curves[1]},
        ],
    )
    viewer = ViewerModel()
    image = viewer.add_image(np.where(labels, 0, 255).astype(np.uint8))
    widget = CurvesWidget(viewer)
    qtbot.addWidget(widget)
    widget.plot_button.setChecked(False)
    scan = open_scan(image)
    scan.class_map, scan.tracks = ClassMap.from_labels(labels), tracks
    wait_for(qtbot, widget.job_bar, widget.extract)
    one, two = (curve_layer.layer for curve_layer in widget.layers)
    viewer.layers.selection.active = one
    next(b for b in widget.tool_buttons.buttons() if b.property("tool") == "redraw").click()
    shapes = one.nshapes
    one.add(np.array([[100, 300], [120, 310], [140, 300]]), shape_type="path")
    qtbot.waitUntil(lambda: widget.edits.can_undo)
    (edit,) = widget.edits.edits.edits
    assert edit.track == "two"
    assert one.nshapes == shapes, "what was drawn lies in the layer of its own track"
    assert "edited" in set(two.features["state"])
    assert image.name + ".edits.json" not in {path.name for path in Path.cwd().iterdir()}


def test_a_line_that_is_no_edit_is_refused_and_taken_away(qtbot, desk) -> None:
    shapes = desk.layer.nshapes
    press_tool(desk, "redraw")
    draw(desk, [[100.2, 5], [100.4, 90]], "path")
    qtbot.waitUntil(lambda: desk.layer.nshapes == shapes)
    assert "crosses no row" in desk.widget.job_bar.message.text()
    assert not desk.widget.edits.can_undo


def test_a_deleted_path_is_erased_and_undo_brings_it_back(qtbot, desk) -> None:
    before = desk.trace(1).column.copy()
    shapes = desk.layer.nshapes
    desk.layer.selected_data = {0}
    desk.layer.remove_selected()
    qtbot.waitUntil(lambda: desk.widget.undo_button.isEnabled())
    assert desk.trace(1).count(TraceState.ERASED) > 0
    desk.widget.undo_button.click()
    assert np.array_equal(desk.trace(1).column, before, equal_nan=True)
    assert desk.layer.nshapes == shapes


def test_edits_survive_a_new_extraction_and_a_new_window(qtbot, desk, well) -> None:
    row = middle_row(desk)
    desk.widget.edit(Redraw(track=desk.track.name, curve_class=1, points=[(row, 50), (row + 9, 60)]))
    place = slice(row - desk.trace().top, row + 10 - desk.trace().top)
    edited = desk.trace().column[place].copy()
    segment_and_calibrate(desk, np.zeros_like(well.log.classes))
    wait_for(qtbot, desk.widget.job_bar, desk.widget.extract)
    assert np.array_equal(desk.trace().column[place], edited)
    assert desk.trace().count(TraceState.TRACED) == 0

    viewer = ViewerModel()
    widget = CurvesWidget(viewer)
    qtbot.addWidget(widget)
    widget.plot_button.setChecked(False)
    again = open_desk(viewer, widget, well)
    segment_and_calibrate(again, well.log.classes)
    wait_for(qtbot, widget.job_bar, widget.extract)
    assert np.array_equal(again.trace().column[place], edited)


def test_every_edit_is_on_the_disk_at_once(desk) -> None:
    edit = Erase(track=desk.track.name, curve_class=1, rows=(200, 220))
    desk.widget.edit(edit)
    assert Edits.load(desk.folder / "well.edits.json").edits == (edit,)


def test_an_edits_file_that_cannot_be_read_is_said_and_never_overwritten(qtbot, empty_desk, well) -> None:
    file = empty_desk.folder / "well.edits.json"
    file.write_text("not JSON")
    segment_and_calibrate(empty_desk, well.log.classes)
    empty_desk.widget.extract()
    assert "well.edits.json: is not JSON" in empty_desk.widget.job_bar.message.text()
    assert file.read_text() == "not JSON"
    file.unlink()
    wait_for(qtbot, empty_desk.widget.job_bar, empty_desk.widget.extract)
    assert empty_desk.widget.job_bar.message.text() == ""


def test_an_edit_that_cannot_be_saved_is_made_and_that_is_said(desk, monkeypatch) -> None:
    (desk.folder / "file").write_text("")
    desk.widget.edits.file = desk.folder / "file" / "well.edits.json"
    desk.widget.edit(Erase(track=desk.track.name, curve_class=1, rows=(200, 220)))
    assert "made but not saved" in desk.widget.job_bar.message.text()
    assert desk.trace().count(TraceState.ERASED) == 21


def test_edits_of_a_track_that_was_renamed_are_kept_and_said(qtbot, desk) -> None:
    desk.widget.edit(Erase(track=desk.track.name, curve_class=1, rows=(200, 220)))
    renamed = desk.track.model_copy(update={"name": "renamed"})
    desk.scan.tracks = desk.tracks.model_copy(update={"tracks": [renamed]})
    wait_for(qtbot, desk.widget.job_bar, desk.widget.extract)
    assert "1 edits are of tracks" in desk.widget.job_bar.message.text()
    assert len(desk.widget.edits.edits.edits) == 1


def test_edits_go_on_when_the_user_deleted_the_layer(desk) -> None:
    desk.viewer.layers.remove(desk.layer)
    desk.widget.edit(Erase(track=desk.track.name, curve_class=1, rows=(200, 220)))
    assert desk.trace().count(TraceState.ERASED) == 21


def test_a_closed_widget_leaves_curves_that_cannot_be_edited(qtbot, desk, well) -> None:
    closing = CurvesWidget(desk.viewer)
    closing.plot_button.setChecked(False)
    wait_for(qtbot, closing.job_bar, closing.extract)
    layer = closing.layers[0].layer
    assert layer.editable
    closing.deleteLater()
    qtbot.waitUntil(lambda: not layer.editable)
    desk.scan.tracks = None  # nobody who listens is gone
    assert "no tracks yet" in desk.widget.state.text()


# --- Doubtful stretches ---


def test_next_and_previous_go_from_one_doubtful_stretch_to_the_next(qtbot, empty_desk, well) -> None:
    labels = well.log.classes.copy()
    labels[300:340] = labels[600:640] = 0
    segment_and_calibrate(empty_desk, labels)
    widget, viewer = empty_desk.widget, empty_desk.viewer
    wait_for(qtbot, widget.job_bar, widget.extract)
    count = len(widget.extraction.doubts)
    assert count >= 4
    assert widget.doubt_label.text() == f"{count} to look at"
    for number in (*range(1, count + 1), 1):
        widget.next_button.click()
        assert widget.doubt_label.text().startswith(f"{number} of {count}: ")
        doubt = widget.extraction.doubts[number - 1][1]
        top, bottom = visible_rows(viewer, empty_desk.viewer.layers["well"])
        assert top < doubt.row_from <= doubt.row_to < bottom
    widget.previous_button.click()
    assert widget.doubt_label.text().startswith(f"{count} of {count}: ")


# --- The plot ---


def test_the_plot_follows_the_canvas_and_a_click_moves_the_canvas(qtbot, desk) -> None:
    desk.widget.plot_button.setChecked(True)
    plot, image = desk.widget.plot, desk.viewer.layers["well"]
    qtbot.addWidget(plot)
    (panel,) = plot.panels
    show_rows(desk.viewer, image, (300, 500), (0, 100))
    seen = visible_rows(desk.viewer, image)
    qtbot.waitUntil(lambda: np.allclose(panel.plot.getPlotItem().viewRange()[1], seen))
    plot.go_to(640)
    assert np.mean(visible_rows(desk.viewer, image)) == pytest.approx(640)


def test_the_plot_shows_values_on_the_printed_scale_gaps_and_edits(qtbot, desk) -> None:
    desk.widget.plot_button.setChecked(True)
    plot, image = desk.widget.plot, desk.viewer.layers["well"]
    qtbot.addWidget(plot)
    row, curve = middle_row(desk), desk.track.curves[0]
    desk.widget.edit(
        Redraw(
            track=desk.track.name,
            curve_class=1,
            points=[(row + k, float(desk.track.columns(row + k, 0.25))) for k in (0, 20)],
        )
    )
    desk.widget.edit(Erase(track=desk.track.name, curve_class=1, rows=(row + 30, row + 40)))
    show_rows(desk.viewer, image, (row - 50, row + 60), (0, 100))
    plot.follow()
    lines = plot.panels[0].lines[curve.mnemonic].items
    across, rows = lines[TraceState.EDITED].getData()
    assert np.nanmin(rows[np.isfinite(across)]) == row - 1, "the line reaches to the row beside it"
    assert across[rows == row + 10] == pytest.approx(0.25, abs=1e-3)
    across, rows = lines[TraceState.TRACED].getData()
    assert np.isnan(across[(rows >= row + 30) & (rows <= row + 40)]).all()
    assert np.isfinite(across[(rows > row + 41) & (rows < row + 50)]).all()


def test_a_curve_can_be_plotted_on_a_logarithmic_scale(qtbot, desk) -> None:
    wide = desk.track.curves[0].model_copy(update={"left": 0.2, "right": 2000.0})
    track = desk.track.model_copy(update={"curves": [wide, *desk.track.curves[1:]]})
    desk.scan.tracks = desk.tracks.model_copy(update={"tracks": [track]})
    desk.widget.plot_button.setChecked(True)
    wait_for(qtbot, desk.widget.job_bar, desk.widget.extract)
    qtbot.addWidget(desk.widget.plot)
    (panel,) = desk.widget.plot.panels
    value = desk.widget.extraction.reading.log_curves[0].value
    place = int(np.nanargmax(value > 1))
    panel.show_rows(place - 20 + desk.trace().top, place + 20 + desk.trace().top)
    for checked, expected in ((False, value / 1999.8), (True, np.log10(value / 0.2) / 4)):
        panel.logarithmic[wide.mnemonic].setChecked(checked)
        across, rows = panel.lines[wide.mnemonic].items[TraceState.TRACED].getData()
        there = across[rows == place + desk.trace().top]
        assert there == pytest.approx(expected[place], abs=2e-4)


# --- Exporting ---


@pytest.mark.usefixtures("perfect_network")
@pytest.mark.parametrize("edited", [False, True])
def test_the_export_has_the_bytes_of_the_command(qtbot, desk, well, tmp_path, edited) -> None:
    if edited:
        row = middle_row(desk)
        desk.widget.edit(Give(track=desk.track.name, curve_class=1, rows=(row, row + 30)))
    wait_for(qtbot, desk.widget.export_bar, lambda: desk.widget.export_all(tmp_path / "widget"))
    edits = well.scan.with_name("well.edits.json") if edited else None
    digitize(well.scan, well.tracks, tmp_path / "command", edits=edits)
    names = sorted(path.name for path in (tmp_path / "command").iterdir())
    assert sorted(path.name for path in (tmp_path / "widget").iterdir()) == names
    for name in names:
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("widget", "command"))
        if name.endswith(".json"):
            one, two = ({**json.loads(text), "seconds": None} for text in (one, two))
        assert one == two, name
    assert "well.las" in desk.widget.export_bar.message.text()


def test_one_result_alone_can_be_written(qtbot, desk, tmp_path) -> None:
    wait_for(qtbot, desk.widget.export_bar, lambda: desk.widget.export({"classes": tmp_path / "classes.tif"}))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["classes.tif"]
    assert (tifffile.imread(tmp_path / "classes.tif") == desk.scan.class_map.labels).all()


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_left(qtbot, desk, tmp_path) -> None:
    (tmp_path / "file").write_text("mine")
    wait_for(qtbot, desk.widget.export_bar, lambda: desk.widget.export_all(tmp_path / "file" / "results"))
    assert "choose another folder" in desk.widget.export_bar.message.text()
    assert desk.widget.export_bar.run_button.isEnabled()
    assert (tmp_path / "file").read_text() == "mine"


def test_files_that_are_there_are_replaced_only_when_the_user_says_so(
    qtbot, desk, tmp_path, monkeypatch
) -> None:
    (tmp_path / "well.las").write_text("mine")
    asked = []

    def answer(files) -> bool:
        asked.append([path.name for path in files])
        return len(asked) > 1

    monkeypatch.setattr(desk.widget, "may_overwrite", answer)
    desk.widget.export_all(tmp_path)
    assert desk.widget.export_bar.message.text() == "Nothing was written."
    assert (tmp_path / "well.las").read_text() == "mine"
    for _ in range(2):
        wait_for(qtbot, desk.widget.export_bar, lambda: desk.widget.export_all(tmp_path))
    assert asked == [["well.las"], ["well.las"]], "what it wrote itself it may write again"
    assert lasio.read(tmp_path / "well.las").keys()[0] == "DEPT"


def test_nothing_is_exported_before_there_is_anything(empty_desk, tmp_path) -> None:
    empty_desk.widget.export(output_paths("well.tif", tmp_path))
    assert "extract them first" in empty_desk.widget.export_bar.message.text()


def test_naparis_own_save_writes_the_same_table(qtbot, desk, tmp_path) -> None:
    wait_for(qtbot, desk.widget.export_bar, lambda: desk.widget.export_all(tmp_path))
    layers = [desk.layer.as_layer_data_tuple()]
    for writer, ending in ((write_las_file, ".las"), (write_csv_file, ".csv")):
        assert writer(str(tmp_path / f"saved{ending}"), layers) == [str(tmp_path / f"saved{ending}")]
        assert (tmp_path / f"saved{ending}").read_bytes() == (tmp_path / f"well{ending}").read_bytes()
    labels = [desk.scan.class_map.labels, desk.scan.class_map.labels[::2]]
    write_class_map_file(str(tmp_path / "saved.tif"), labels, {"multiscale": True})
    assert (tmp_path / "saved.tif").read_bytes() == (tmp_path / "well_classes.tif").read_bytes()


def test_naparis_own_save_refuses_shapes_that_are_no_curves_and_keeps_their_csv(tmp_path) -> None:
    shapes = ViewerModel().add_shapes(np.array([[0, 0], [9, 9]]), shape_type="line").as_layer_data_tuple()
    with pytest.raises(LasError, match="no log curves"):
        write_las_file(str(tmp_path / "a.las"), [shapes])
    assert list(tmp_path.iterdir()) == []
    write_csv_file(str(tmp_path / "a.csv"), [shapes])
    assert "vertex" in (tmp_path / "a.csv").read_text().splitlines()[0]
    with pytest.raises(LasError, match="labels 0, 1 and 2"):
        write_class_map_file(str(tmp_path / "a.tif"), np.full((4, 4), 7), {})


@pytest.mark.usefixtures("perfect_network")
def test_the_copied_python_and_command_write_the_same_las(qtbot, desk, well, tmp_path) -> None:
    from napari_welllog.cli import app

    desk.widget.edit(Erase(track=desk.track.name, curve_class=1, rows=(200, 220)))
    wait_for(qtbot, desk.widget.export_bar, lambda: desk.widget.export_all(tmp_path))
    wanted = (tmp_path / "well.las").read_bytes()
    exec(desk.widget.python_text(), {})
    assert (desk.folder / "well.las").read_bytes() == wanted
    (desk.folder / "well.las").unlink()
    command, *arguments = shlex.split(desk.widget.command_text())
    assert command == "welllog"
    app(arguments, standalone_mode=False)
    assert (desk.folder / "well.las").read_bytes() == wanted


def test_the_copied_texts_name_a_network_that_does_not_ship(desk) -> None:
    assert "model" not in desk.widget.command_text() + desk.widget.python_text()
    desk.scan.model_option = "my networks/mine.safetensors"
    assert shlex.split(desk.widget.command_text())[-2:] == ["--model", "my networks/mine.safetensors"]
    assert "model='my networks/mine.safetensors')" in desk.widget.python_text()


# --- By hand, in a real window ---


def press_tool(desk: Desk, tool: str) -> None:
    next(b for b in desk.widget.tool_buttons.buttons() if b.property("tool") == tool).click()


def draw(desk: Desk, vertices: list[list[float]], kind: str) -> None:
    desk.layer.add(np.array(vertices), shape_type=kind)


class Mouse:
    """The left mouse button over a napari canvas, told where to go in rows and columns of a layer."""

    def __init__(self, viewer, layer) -> None:
        self.viewer, self.layer = viewer, layer
        self.canvas = viewer.window._qt_viewer.canvas.native

    def place(self, row: float, column: float) -> QPointF:
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        world = np.array(self.layer.data_to_world((row, column)))
        down, across = (world - camera.center[-2:]) * camera.zoom + np.array([height, width]) / 2
        return QPointF(across, down)

    def send(self, kind: QEvent.Type, row: float, column: float) -> None:
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        moving, held = kind == QEvent.Type.MouseMove, kind != QEvent.Type.MouseButtonRelease
        at = self.place(row, column)
        event = QMouseEvent(
            kind,
            at,
            self.canvas.mapToGlobal(at),
            none if moving else left,
            left if held else none,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.canvas, event)
        QApplication.processEvents()

    def hover(self, row: float, column: float) -> None:
        at = self.place(row, column)
        none = Qt.MouseButton.NoButton
        event = QMouseEvent(
            QEvent.Type.MouseMove, at, self.canvas.mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(self.canvas, event)
        QApplication.processEvents()

    def drag(self, *points: tuple[float, float]) -> None:
        """Press at the first point, go to each other, and let go."""
        self.hover(*points[0])
        self.send(QEvent.Type.MouseButtonPress, *points[0])
        for point in points[1:]:
            QTest.qWait(20)  # the canvas drops moves that come faster than a hand makes them
            self.send(QEvent.Type.MouseMove, *point)
        QTest.qWait(20)
        self.send(QEvent.Type.MouseButtonRelease, *points[-1])


def far_from_its_neighbours(paths, row: float) -> tuple[np.ndarray, int]:
    """The path and number of the vertex near a row that a mouse cannot mistake for another."""
    room = {
        (place, k): min(path[k][0] - path[k - 1][0], path[k + 1][0] - path[k][0])
        for place, path in enumerate(paths)
        for k in range(1, len(path) - 1)
        if abs(path[k][0] - row) < 40
    }
    place, k = max(room, key=room.__getitem__)
    return np.array(paths[place]), k


@pytest.fixture
def window(make_napari_viewer, qtbot, well) -> Desk:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1400, 900)
    # By way of the menu, because there napari hands the widget a proxy of the viewer.
    _, widget = viewer.window.add_plugin_dock_widget("napari-welllog", "Extract curves")
    return open_desk(viewer, widget, well)


def test_from_extraction_to_las_by_mouse_and_keys(window, qtbot, well, tmp_path) -> None:
    desk, widget, viewer = window, window.widget, window.viewer
    labels = well.log.classes.copy()
    labels[-90:-50] = 0
    segment_and_calibrate(desk, labels)
    wait_for(qtbot, widget.job_bar, widget.job_bar.run_button.click)
    assert widget.plot is not None
    qtbot.waitUntil(widget.plot.isVisible)
    row = middle_row(desk)
    machine = [desk.trace(k).column.copy() for k in (1, 2)]
    top = desk.trace().top
    image = viewer.layers["well"]
    show_rows(viewer, image, (row - 60, row + 60), desk.track.bounding_columns())
    QApplication.processEvents()
    mouse = Mouse(viewer, image)

    # A vertex is dragged: the stretch between its neighbours is edited, and undone by key.
    press_tool(desk, "move")
    assert viewer.layers.selection.active is desk.layer
    path, number = far_from_its_neighbours(desk.layer.data, row)
    vertex = path[number]
    first, last = np.ceil(path[number - 1][0]), np.floor(path[number + 1][0])
    mouse.drag(tuple(vertex))
    mouse.drag(tuple(vertex), (vertex[0], vertex[1] + 6), (vertex[0], vertex[1] + 12))
    qtbot.waitUntil(lambda: widget.edits.can_undo)
    (edit,) = widget.edits.edits.edits
    assert isinstance(edit, Redraw)
    assert first <= edit.row_range[0] <= edit.row_range[1] <= last
    moved = desk.trace(edit.curve_class).column
    assert moved[round(float(vertex[0])) - top] == pytest.approx(vertex[1] + 12, abs=1.5)
    viewer.window._qt_viewer.canvas.native.setFocus()
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not widget.edits.can_undo
    for k in (1, 2):
        assert np.array_equal(desk.trace(k).column, machine[k - 1], equal_nan=True)

    # A stretch is redrawn by a drawn line.
    press_tool(desk, "redraw")
    start = machine[0][row - top]
    line = [(row + step, start + step / 4) for step in range(0, 21, 2)]
    mouse.drag(*line)
    qtbot.waitUntil(lambda: widget.edits.can_undo)
    assert desk.trace(1).column[row + 10 - top] == pytest.approx(start + 2.5, abs=1.5)
    assert desk.trace(1).state[row + 10 - top] == TraceState.EDITED

    # Another is erased, and another given to the other curve, each by a rectangle.
    press_tool(desk, "erase")
    column = machine[1][row + 35 - top]
    mouse.drag((row + 30, column - 8), (row + 36, column), (row + 40, column + 8))
    qtbot.waitUntil(lambda: len(widget.edits.edits.edits) == 2)
    press_tool(desk, "give")
    column = machine[0][row - 35 - top]
    mouse.drag((row - 40, column - 8), (row - 35, column), (row - 30, column + 8))
    qtbot.waitUntil(lambda: len(widget.edits.edits.edits) == 3)
    assert [edit.kind for edit in widget.edits.edits.edits] == ["redraw", "erase", "give"]
    assert widget.edits.edits.edits[1].curve_class == 2
    assert desk.trace(1).column[row - 35 - top] == machine[1][row - 35 - top]

    # A new extraction keeps them, and the LAS file tells of them.
    before = [desk.trace(k).column.copy() for k in (1, 2)]
    wait_for(qtbot, widget.job_bar, widget.job_bar.run_button.click)
    for k in (1, 2):
        assert np.array_equal(desk.trace(k).column, before[k - 1], equal_nan=True)
    wait_for(qtbot, widget.export_bar, lambda: widget.export_all(tmp_path))
    las = lasio.read(tmp_path / "well.las")
    one, two = (curve.mnemonic for curve in desk.track.curves)
    assert las.keys() == ["DEPT", one, f"{one}_FLAG", two, f"{two}_FLAG"]
    for k, name in ((1, one), (2, two)):
        log_curve = widget.extraction.reading.log_curves[k - 1]
        expected = np.interp(las.index, log_curve.depth, log_curve.value, left=np.nan, right=np.nan)
        known = np.isfinite(las[name])
        assert np.allclose(las[name][known], expected[known], atol=1e-3)
        assert known.mean() > 0.8
    assert {3, 4} <= set(las[f"{one}_FLAG"]) | set(las[f"{two}_FLAG"])

    # napari's own Save finds the writer, and N goes to what is doubtful.
    desk.layer.save(str(tmp_path / "saved.las"), plugin="napari-welllog")
    assert (tmp_path / "saved.las").read_bytes() == (tmp_path / "well.las").read_bytes()
    count = len(widget.extraction.doubts)
    assert count > 0
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_N)
    assert widget.doubt_label.text().startswith(f"1 of {count}: ")
