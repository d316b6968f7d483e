"""Compare at crossings: what a teacher does with mouse and keys, what the class sees, and what may go wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("napari")

from qtpy.QtCore import Qt

from napari_welllog.class_map import ClassMap
from napari_welllog.followers import METHODS, Verdict
from napari_welllog.overlay import AMBIGUOUS_COLOUR
from napari_welllog.samples import crossing_gallery, one_crossing
from napari_welllog.tracks import Tracks
from napari_welllog.widgets.crossings import AT_CLICK, AT_CROSSING, AT_TOP, CrossingsWidget
from napari_welllog.widgets.layers import our_layer
from napari_welllog.widgets.open_scan import open_scan
from napari_welllog.widgets.scan_line import LINE, PATH


def show_sample(viewer: Any, sample: Any = one_crossing, truth: bool = True) -> Any:
    """A sample, segmented without a mistake; as a scan from an archive nobody tells its truth."""
    [(data, settings, _)] = sample()
    classes = settings["metadata"]["truth"]["classes"]
    if not truth:
        settings["metadata"].pop("truth")
    image = viewer.add_image(data, **settings)
    open_scan(image).class_map = ClassMap.from_labels(classes)
    return image


def find(widget: CrossingsWidget, qtbot: Any) -> CrossingsWidget:
    with qtbot.waitSignal(widget.job_bar.finished, timeout=60_000):
        widget.job_bar.run_button.click()
    return widget


@pytest.fixture
def viewer(make_napari_viewer):
    """A real one: what is dragged, played and deleted here is drawn on a real canvas."""
    return make_napari_viewer(show=True)


@pytest.fixture
def make_widget(qtbot):
    def make(viewer: Any) -> CrossingsWidget:
        widget = CrossingsWidget(viewer)
        qtbot.addWidget(widget)
        return widget

    return make


@pytest.fixture
def compared(viewer, make_widget, qtbot) -> CrossingsWidget:
    """The widget at the only crossing of the sample, a follower on the dashed curve."""
    show_sample(viewer)
    widget = find(make_widget(viewer), qtbot)
    widget.next_crossing()
    choose(widget.curve, 2)
    return widget


def choose(box: Any, data: Any) -> None:
    index = box.findData(data) if box.findData(data) >= 0 else box.findText(data)
    assert index >= 0
    box.setCurrentIndex(index)


def cells(widget: CrossingsWidget) -> list[list[str]]:
    table = widget.table
    return [
        [table.item(line, column).text() for column in range(table.columnCount())]
        for line in range(table.rowCount())
    ]


def header(widget: CrossingsWidget) -> list[str]:
    return [widget.table.horizontalHeaderItem(k).text() for k in range(widget.table.columnCount())]


# --- The list ---


def test_every_crossing_is_listed_with_what_each_reader_did(compared) -> None:
    assert header(compared) == ["row", "ft", "angle", *METHODS, "class map", "traces"]
    [[row, depth, angle, *outcomes]] = cells(compared)
    assert abs(int(row) - 156) < 4
    assert float(depth) == pytest.approx(1000 + int(row) / 4, abs=0.3)
    assert angle in ("49°", "50°", "51°")
    assert set(outcomes) <= {"right", "hopped", "lost"}
    assert outcomes[-2:] == ["right", "right"], "a class map without a mistake never hops"
    assert "hopped" in outcomes[:-2], "and a follower does at this crossing"
    assert compared.summary.text().startswith("1 crossing. Exits that hopped: nearest")


def test_without_truth_followers_only_agree_or_differ(viewer, make_widget, qtbot) -> None:
    show_sample(viewer, truth=False)
    widget = find(make_widget(viewer), qtbot)
    widget.next_crossing()
    choose(widget.curve, 2)
    assert header(widget)[3:] == list(METHODS), "the class map is not judged by itself"
    assert set(cells(widget)[0][3:]) <= {"agrees", "differs", "lost"}
    assert "Nobody knows the truth" in widget.state.text()
    widget.set_row(widget.session.crossing(widget._place).row_to + 30)
    assert widget.plots.verdict.text().endswith(("agrees", "differs"))


def test_the_gallery_is_gone_through_from_the_top_down_and_round(viewer, make_widget, qtbot) -> None:
    show_sample(viewer, crossing_gallery)
    widget = find(make_widget(viewer), qtbot)
    rows = [int(line[0]) for line in cells(widget)]
    assert len(rows) >= 24
    assert rows == sorted(rows)
    seen = []
    for _ in range(len(rows) + 1):
        widget.next_crossing()
        seen.append(widget.table.currentRow())
        top, bottom = widget._span()
        assert top <= rows[seen[-1]] <= bottom, "the follower walks through this crossing"
    assert seen == [*range(len(rows)), 0]
    widget.previous_crossing()
    assert widget.table.currentRow() == len(rows) - 1


def test_a_crossing_that_is_picked_comes_into_view_with_the_line_above_it(viewer, make_widget, qtbot) -> None:
    show_sample(viewer, crossing_gallery)
    widget = find(make_widget(viewer), qtbot)
    viewer.scene.camera.center = (0, 0)
    widget.table.selectRow(20)
    crossing = widget.session.crossing(widget.session.places[20])
    middle = viewer.scene.camera.center[-2:]
    assert abs(middle[0] - crossing.row_from) < 5
    assert abs(middle[1] - crossing.column) < 5
    assert widget.row < crossing.row_from
    assert widget.study.track.name in widget.table.item(20, 0).toolTip()


# --- The line ---


def test_what_is_under_the_line_is_plotted(compared) -> None:
    crossing = compared.session.crossing(compared._place)
    compared.set_row(crossing.row_from - 20)
    scan = open_scan(compared.session.image)
    columns, ink = compared.plots.ink.profile.getData()
    assert np.allclose(ink, 1 - scan.pixels[compared.row, columns.astype(int)] / 255)
    for curve_class, item in compared.plots.classes.probabilities.items():
        columns, probability = item.getData()
        expected = scan.class_map.labels[compared.row, columns.astype(int)] == curve_class
        assert np.allclose(probability, expected)
    candidates = compared.path.candidates_at(compared.row)
    ink_plot = compared.plots.ink
    for item, chosen in ((ink_plot.weighed, False), (ink_plot.chosen, True)):
        stems, _ = item.getData()
        expected = [one.column for one in candidates if one.chosen == chosen]
        assert np.allclose([] if stems is None else stems[::2], expected)


def test_only_an_ambiguous_verdict_is_orange(compared) -> None:
    for row in compared.path.rows:
        compared.set_row(row)
        ambiguous = compared.path.verdict_at(row) == Verdict.AMBIGUOUS
        assert (AMBIGUOUS_COLOUR in compared.plots.verdict.styleSheet()) == ambiguous
        word = compared.path.verdict_at(row).word
        assert word in compared.plots.verdict.text()
    assert compared.path.count(Verdict.AMBIGUOUS) > 0


def test_the_strip_shows_the_ambiguity_of_every_row_in_view_and_where_the_classifier_is_sure(
    compared,
) -> None:
    compared.plots.follow()
    ambiguity, rows = compared.plots.strip.sure.getData()
    inside = (rows >= compared.path.top) & (rows < compared.path.top + len(compared.path.column))
    known = np.isfinite(ambiguity)
    expected = compared.path.ambiguity[(rows[inside & known] - compared.path.top).astype(int)]
    assert np.allclose(ambiguity[inside & known], expected)
    orange, _ = compared.plots.strip.ambiguous.getData()
    assert np.nanmin(orange) >= 0.5
    sure, _ = compared.plots.strip.classes[1].getData()
    assert np.nanmin(sure) == 1.0, (
        "the solid curve is there in every row, and this class map is certain of it"
    )


def test_slider_number_and_strip_move_the_line(compared) -> None:
    top, bottom = compared.study.rows
    compared.slider.setValue(top + 30)
    assert (compared.row, compared.row_box.value()) == (top + 30, top + 30)
    compared.row_box.setValue(top + 40)
    assert (compared.row, compared.slider.value()) == (top + 40, top + 40)
    compared.plots.strip.row_chosen.emit(top + 50.4)
    assert compared.row == top + 50
    assert compared.plots.strip.line.value() == top + 50
    assert our_layer(compared.viewer, LINE).data[0, 0, 0] == top + 50
    compared.set_row(10**6)
    assert compared.row == bottom
    assert compared.depth_label.text() == f"{1000 + bottom / 4:.2f} ft"


def test_the_path_is_drawn_down_to_the_line(compared) -> None:
    compared.set_row(compared.path.top + 20)
    layer = our_layer(compared.viewer, PATH)
    [plane] = layer.experimental_clipping_planes
    assert plane.enabled
    assert plane.position[1] == compared.row
    assert plane.normal[1] < 0, "what lies below is cut off"
    drawn = layer.data[:, 0] + layer.data[:, 1]
    assert drawn[:, 0].max() == compared.path.top + len(compared.path.column) - 1, "the whole path is there"


def test_the_line_runs_down_to_the_end_of_the_path_and_begins_anew(compared, qtbot) -> None:
    choose(compared.speed, 300)
    compared.play_button.click()
    assert compared.play_button.text() == "Pause"
    qtbot.waitUntil(lambda: compared.play_button.text() == "Play", timeout=20_000)
    assert compared.row == compared._span()[1]
    compared.play_or_pause()
    qtbot.waitUntil(lambda: compared.row > compared._span()[0])
    assert compared.row < compared._span()[1]
    compared.play_or_pause()
    row = compared.row
    qtbot.wait(100)
    assert compared.row == row, "paused"


# --- The follower ---


def test_another_method_in_between_walks_the_same_crossing(compared, qtbot) -> None:
    compared.set_row(compared.path.top + 25)
    row, paths = compared.row, {}
    compared.play()
    for method in METHODS:
        choose(compared.follower, method)
        paths[method] = compared.path
        assert compared.path.method == method
        assert method in compared.plots.verdict.text()
        assert compared.row >= row, "the line stays where it is"
        place = compared._place
        outcome = compared.session.outcome(place, method, 2)
        compared.set_row(compared._span()[1])
        assert outcome.outcome.word in compared.plots.verdict.text(), "the list and the path say the same"
        compared.set_row(row)
    assert len({path.column.tobytes() for path in paths.values()}) > 1
    compared.pause()


def test_a_follower_starts_at_the_top_of_the_track_or_where_one_clicks(compared, qtbot) -> None:
    top, bottom = compared.study.rows
    choose(compared.start, AT_TOP)
    qtbot.waitUntil(lambda: compared.path is not None)
    assert compared.path.top < top + 30
    assert compared._span()[1] == bottom, "it walks to the foot of the track"
    choose(compared.start, AT_CLICK)
    assert compared.path is None
    assert "Click on the curve" in compared.walk_bar.message.text()
    solid = compared.study.truth[0].column
    compared.line.clicked.emit(float(top + 60), float(solid[top + 60]))
    qtbot.waitUntil(lambda: compared.path is not None)
    assert compared.path.top == top + 60
    assert "on GR1" in compared.plots.verdict.text()
    compared.line.clicked.emit(-50.0, 5.0)
    qtbot.waitUntil(lambda: "outside" in compared.walk_bar.message.text())
    choose(compared.start, AT_CROSSING)
    assert compared.path is not None


def test_the_other_curve_is_another_start_and_another_column_of_outcomes(compared) -> None:
    on_dashed, start = cells(compared)[0], compared.path.column[0]
    choose(compared.curve, 1)
    assert compared.path.column[0] != start
    assert cells(compared)[0][3:] != on_dashed[3:]


# --- What may go wrong ---


def test_what_is_lacking_is_said_in_words(viewer, make_widget) -> None:
    widget = make_widget(viewer)
    widget.job_bar.run_button.click()
    assert "There is no scan" in widget.job_bar.message.text()
    image = viewer.add_image(np.full((300, 200), 255, np.uint8))
    widget.job_bar.run_button.click()
    assert "run Segment scan, then Calibrate tracks" in widget.job_bar.message.text()
    open_scan(image).class_map = ClassMap.from_labels(np.zeros((300, 200), np.uint8))
    assert "run Calibrate tracks first" in widget.state.text()
    for act in (widget.next_crossing, widget.play, widget.pause, lambda: widget.step(1)):
        act()
    assert not widget.line_box.isEnabled()


def test_a_class_map_of_another_shape_is_refused_and_the_buttons_come_back(
    viewer, make_widget, qtbot
) -> None:
    image = show_sample(viewer)
    rows, columns = open_scan(image).pixels.shape
    open_scan(image).class_map = ClassMap.from_labels(np.zeros((rows + 7, columns), np.uint8))
    widget = find(make_widget(viewer), qtbot)
    assert f"The class map is {rows + 7} x {columns} and the scan {rows} x {columns}" in (
        widget.job_bar.message.text()
    )
    assert widget.job_bar.run_button.isEnabled()
    assert our_layer(viewer, LINE) is None


def test_a_scan_without_a_crossing_says_so_and_its_line_moves(viewer, make_widget, qtbot) -> None:
    [(data, settings, _)] = one_crossing()
    [track] = settings["metadata"]["tracks"].tracks
    alone = track.model_copy(update={"curves": track.curves[:1]})
    tracks = Tracks(depth=settings["metadata"]["tracks"].depth, tracks=[alone])
    image = viewer.add_image(data, **settings | {"metadata": {"tracks": tracks}})
    labels = settings["metadata"]["truth"]["classes"]
    open_scan(image).class_map = ClassMap.from_labels(np.where(labels == 1, labels, 0))
    widget = find(make_widget(viewer), qtbot)
    assert "No crossing was found" in widget.job_bar.message.text()
    assert widget.table.rowCount() == 0
    widget.next_crossing()
    choose(widget.start, AT_TOP)
    qtbot.waitUntil(lambda: widget.path is not None)
    widget.step(100)
    assert our_layer(viewer, LINE).data[0, 0, 0] == widget.row


def test_layers_may_be_deleted_in_between(compared, qtbot) -> None:
    viewer = compared.viewer
    compared.play()
    viewer.layers.remove(our_layer(viewer, LINE))
    compared.step(1)
    assert our_layer(viewer, LINE) is not None, "it comes back with the next step"
    viewer.layers.remove(our_layer(viewer, PATH))
    compared.step(1)
    choose(compared.follower, "viterbi")
    assert our_layer(viewer, PATH) is not None
    compared.play()
    viewer.layers.remove(compared.session.image)
    assert compared.session is None
    assert compared.state.text() == "Open a scan first."
    qtbot.waitUntil(lambda: our_layer(viewer, LINE) is None)
    qtbot.wait(60)
    assert compared.play_button.text() == "Play"
    assert compared.plots.verdict.text() == "No follower yet"


def test_a_new_class_map_asks_for_another_search_and_another_scan_has_its_own_layers(compared, qtbot) -> None:
    scan = open_scan(compared.session.image)
    scan.class_map = replace(scan.class_map)
    assert "find the crossings again" in compared.state.text()
    other = show_sample(compared.viewer, crossing_gallery)
    compared.choice.layer = other
    find(compared, qtbot)
    assert compared.table.rowCount() >= 24
    qtbot.waitUntil(lambda: sum(layer.name.startswith(LINE) for layer in compared.viewer.layers) == 1)


def test_what_a_user_drew_under_the_same_name_is_left_alone(viewer, make_widget, qtbot) -> None:
    show_sample(viewer)
    mine = viewer.add_vectors(np.ones((1, 2, 2)), name=LINE)
    widget = find(make_widget(viewer), qtbot)
    widget.set_row(77)
    assert mine in viewer.layers
    assert np.array_equal(mine.data, np.ones((1, 2, 2)))


def test_a_search_can_be_cancelled_and_begun_anew(viewer, make_widget, qtbot) -> None:
    show_sample(viewer, crossing_gallery)
    widget = make_widget(viewer)
    widget.job_bar.run_button.click()
    widget.job_bar.cancel_button.click()
    assert widget.job_bar.message.text() == "Cancelled."
    assert widget.job_bar.run_button.isEnabled()
    find(widget, qtbot)
    assert widget.table.rowCount() >= 24


def test_a_widget_that_is_closed_lets_go_of_mouse_and_layers(viewer, qtbot) -> None:
    show_sample(viewer)
    widget = find(CrossingsWidget(viewer), qtbot)
    before = len(viewer.mouse_drag_callbacks)
    widget.deleteLater()
    qtbot.waitUntil(lambda: len(viewer.mouse_drag_callbacks) == before - 1)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1)


# --- By mouse and keys in a real viewer ---


def orange_pixels(viewer: Any) -> int:
    picture = viewer.screenshot(flash=False)[..., :3].astype(int)
    orange = [int(AMBIGUOUS_COLOUR[at : at + 2], 16) for at in (1, 3, 5)]
    return int((np.abs(picture - orange).max(axis=2) < 12).sum())


def test_a_teacher_drags_the_line_through_a_crossing(make_napari_viewer, make_widget, hand_on, qtbot) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 900)
    image = show_sample(viewer)
    _, widget = viewer.window.add_plugin_dock_widget("napari-welllog", "Compare at crossings")
    qtbot.wait(100)
    find(widget, qtbot)
    canvas = viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_J)
    choose(widget.curve, 2)
    qtbot.wait(150)
    crossing = widget.session.crossing(widget._place)
    ambiguous = widget.path.rows[widget.path.verdict == Verdict.AMBIGUOUS]
    camera = tuple(viewer.scene.camera.center)
    assert widget.row < ambiguous[0]
    assert orange_pixels(viewer) == 0, "before the crossing the follower is sure"
    mouse = hand_on(viewer)
    mouse.drag(
        (widget.row, crossing.column + 40),
        (widget.row + 9, crossing.column + 40),
        (int(ambiguous[-1]), crossing.column),
    )
    assert abs(widget.row - ambiguous[-1]) <= 1, "the line is where the mouse let go"
    assert tuple(viewer.scene.camera.center) == camera, "the canvas stays while the line is dragged"
    assert orange_pixels(viewer) > 10, "and the ambiguous part of its path has come into view"
    row = widget.row
    qtbot.keyClick(canvas, Qt.Key.Key_Down)
    qtbot.keyClick(canvas, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(canvas, Qt.Key.Key_Up)
    assert widget.row == row + 10
    qtbot.keyClick(canvas, Qt.Key.Key_K)
    assert widget._player.isActive()
    qtbot.keyClick(canvas, Qt.Key.Key_K)
    assert not widget._player.isActive()
    choose(widget.start, AT_CLICK)
    top = widget.study.rows[0]
    place = top + 40.0, float(widget.study.truth[0].column[top + 40])
    mouse.click(*place)
    qtbot.waitUntil(lambda: widget.path is not None)
    assert abs(widget.path.top - place[0]) <= 1
    viewer.layers.selection.active = image
    mouse.drag(*((widget.row + 60 + k, 100 + k) for k in (0, 10, 20, 30)))
    assert tuple(viewer.scene.camera.center) != camera, "away from the line a drag moves the canvas"
