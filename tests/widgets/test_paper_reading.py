"""Read from paper: what a person sees of what was read, keeps, mends and drops, and what becomes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("napari")

from napari.components import ViewerModel
from PIL import Image
from qtpy.QtCore import Qt

from napari_welllog.calibrate import is_installed
from napari_welllog.calibrate.ocr import MISSING
from napari_welllog.errors import Cancelled, OcrError, TracksError
from napari_welllog.tracks import Tracks
from napari_welllog.widgets import paper_reading
from napari_welllog.widgets.calibrate import CalibrateWidget
from napari_welllog.widgets.layers import our_layer, scan_layer, show_layer
from napari_welllog.widgets.result_window import zoom_to
from tests.paper_reading import LINES, REASON, reading
from tests.widgets.test_calibrate import COLUMNS, a_calibration, printed_grid

TICKED, UNTICKED = Qt.CheckState.Checked, Qt.CheckState.Unchecked


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def scan_file(tmp_path: Path) -> Path:
    path = tmp_path / "well.tif"
    Image.fromarray(printed_grid()).save(path)
    return path


@pytest.fixture
def opened(viewer, qtbot, scan_file) -> CalibrateWidget:
    """The widget on a scan of which nothing is known."""
    show_layer(viewer, scan_layer(printed_grid(), "well", {"source": str(scan_file), "dpi": 200.0}))
    widget = CalibrateWidget(viewer)
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def paper_says(monkeypatch) -> Callable[[Any], None]:
    """Let the paper say something, or reading it fail."""

    def say(answer: Any) -> None:
        def read(pixels: Any, dpi: Any, progress: Any, cancelled: Any) -> Any:
            assert pixels.shape == (1200, 500)
            assert dpi == 200.0
            progress("depth", 0.5)
            if isinstance(answer, Exception):
                raise answer
            return answer(cancelled) if callable(answer) else answer

        monkeypatch.setattr(paper_reading, "calibrate_scan", read)

    return say


def read_paper(widget: CalibrateWidget, qtbot: Any) -> None:
    widget.paper.read_button.click()
    qtbot.waitUntil(lambda: not widget.paper.bar.is_running)


@pytest.fixture
def read(opened, paper_says, qtbot) -> CalibrateWidget:
    """The widget when the paper has been read."""
    paper_says(reading())
    read_paper(opened, qtbot)
    return opened


def texts(table: Any, line: int) -> list[str]:
    return [table.item(line, column).text() for column in range(table.columnCount())]


def mnemonics(widget: CalibrateWidget) -> list[list[str]]:
    return [[curve.mnemonic for curve in track.curves] for track in widget.draft.tracks]


# --- What was read is shown ---


def test_everything_read_is_listed_with_its_line_its_residual_and_how_surely(read) -> None:
    numbers, scales = read.paper.numbers, read.paper.scales
    assert texts(numbers, 0) == ["250", "250", "200.0", "+0.1", "0.97"]
    assert texts(numbers, 4) == ["27O", "27", "–", "–", "0.41"]
    assert [numbers.item(line, 0).checkState() for line in (0, 4)] == [TICKED, UNTICKED]
    assert texts(scales, 1) == ["CALI", "in", "6", "16", "", "0.90"]
    assert "dashed pen" in scales.item(1, 0).toolTip()
    assert scales.cellWidget(1, 4).currentText() == "2"
    assert scales.cellWidget(2, 4).currentText() == "–"
    assert "Depth: 250 to 280 ft" in read.paper.summary.text()
    assert f"Refused: track 2: {REASON}" in read.paper.refusals.text()


def test_nothing_changes_until_the_reading_is_used(read) -> None:
    assert read.draft.tracks == ()
    read.paper.use_button.click()
    assert mnemonics(read) == [["GR", "CALI"], ["T2C1", "T2C2"]]
    assert read.draft.unit == "ft"
    assert read.draft.anchors == ((LINES[250], 250.0), (LINES[280], 280.0))
    assert "look at the grid" in read.bar.message.text()
    assert read.undo_button.isEnabled()
    read.undo()
    assert read.draft.tracks == ()


def test_what_is_used_is_saved_beside_the_scan(read, scan_file, qtbot) -> None:
    read.paper.use_button.click()
    path = scan_file.with_name("well.tracks.json")
    qtbot.waitUntil(path.exists)
    assert Tracks.load(path) == reading().proposal


def test_what_someone_typed_before_comes_back_by_one_undo(opened, paper_says, qtbot) -> None:
    opened.change(lambda draft: draft.of(a_calibration()))
    typed = opened.draft
    paper_says(reading())
    read_paper(opened, qtbot)
    assert opened.draft == typed
    opened.paper.use_button.click()
    assert opened.draft != typed
    assert "Undo brings the earlier calibration back" in opened.bar.message.text()
    opened.undo()
    assert opened.draft == typed


# --- Keep, mend, drop ---


def test_a_number_is_dropped_and_one_is_mended(read) -> None:
    read.paper.numbers.item(0, 0).setCheckState(UNTICKED)
    read.paper.numbers.item(3, 1).setText("290")
    read.paper.use_button.click()
    assert read.draft.anchors == ((LINES[260], 260.0), (LINES[270], 270.0), (LINES[280], 290.0))


def test_a_scale_is_mended_and_the_class_of_a_pen_is_told(read) -> None:
    scales = read.paper.scales
    scales.item(0, 3).setText("200")
    scales.item(0, 0).setText("GRS")
    for line, choice in ((3, 0), (4, 1)):
        scales.cellWidget(line, 4).setCurrentIndex(choice)
        scales.cellWidget(line, 4).activated.emit(choice)
        assert scales.item(line, 0).checkState() == TICKED
    read.paper.use_button.click()
    assert mnemonics(read) == [["GRS", "CALI"], ["ILD", "ILM"]]
    assert read.draft.tracks[0].curves[0].right == 200.0


def test_a_scale_whose_curve_is_not_told_cannot_be_ticked(read) -> None:
    read.paper.scales.item(3, 0).setCheckState(TICKED)
    assert read.paper.bar.message.text() == "Choose whether ILD is curve one or two."
    assert read.paper.scales.item(3, 0).checkState() == UNTICKED
    assert not read.paper.review.scales[1][0].kept


@pytest.mark.parametrize(
    ("table", "line", "column", "words"),
    [("numbers", 0, 1, "A depth is a number"), ("scales", 0, 2, "A left value is a number")],
)
def test_what_is_no_number_is_said_and_marked_and_not_taken(read, table, line, column, words) -> None:
    before = read.paper.review
    item = getattr(read.paper, table).item(line, column)
    item.setText("25o")
    assert words in read.paper.bar.message.text()
    assert item.foreground().color().name() == "#e0533d"
    assert read.paper.review == before
    item.setText("24")
    assert read.paper.review != before
    assert not read.paper.bar.message.text()


def test_depths_that_contradict_each_other_change_nothing(read) -> None:
    read.paper.numbers.item(2, 1).setText("100")
    read.paper.use_button.click()
    assert "anchor" in read.bar.message.text()
    assert read.draft.tracks == ()


def test_depths_alone_can_be_used_and_scales_alone(opened, paper_says, qtbot) -> None:
    whole = reading()
    refused = whole.depth.model_copy(
        update={
            "refused": "only 2 depth numbers were read",
            "anchors": [],
            "numbers": [number.model_copy(update={"used": False}) for number in whole.depth.numbers],
        }
    )
    paper_says(whole.model_copy(update={"depth": refused}))
    read_paper(opened, qtbot)
    opened.paper.use_button.click()
    assert mnemonics(opened)[0] == ["GR", "CALI"]
    assert opened.draft.typed_anchors == ()
    # A person sees that two of the numbers are right.
    opened.paper.numbers.item(0, 0).setCheckState(TICKED)
    opened.paper.numbers.item(3, 0).setCheckState(TICKED)
    opened.paper.use_button.click()
    assert opened.draft.typed_anchors == ((LINES[250], 250.0), (LINES[280], 280.0))


# --- Over the scan, in a real viewer ---


def test_what_was_read_is_drawn_over_the_scan_and_a_pick_goes_there(
    make_napari_viewer, qtbot, paper_says
) -> None:
    viewer = make_napari_viewer(show=True)
    show_layer(viewer, scan_layer(printed_grid(), "well", {"dpi": 200.0}))
    widget = CalibrateWidget(viewer)
    viewer.window.add_dock_widget(widget, area="right")
    zoom_to(viewer, 0, 1200, 0, COLUMNS)
    paper_says(reading())
    read_paper(widget, qtbot)
    qtbot.wait(100)
    labels = list(our_layer(viewer, "tracks text").features["label"])
    assert "250" in labels
    assert "CALI" in labels
    colours = {tuple(colour.round(2)) for colour in our_layer(viewer, "tracks").edge_color}
    assert len(colours) == 2, "what is kept differs from what is dropped"

    widget.paper.numbers.selectRow(3)
    row, column = viewer.scene.camera.center[-2:]
    assert (row, column) == pytest.approx((LINES[280] - 3, 64), abs=1)

    widget.paper.close_button.click()
    qtbot.wait(100)
    assert "250" not in list(our_layer(viewer, "tracks text").features["label"])
    assert not widget.paper.box.isVisible()


# --- What can go wrong ---


def test_cancelled_at_once_and_what_was_read_meanwhile_is_thrown_away(opened, paper_says, qtbot) -> None:
    go_on, ended = threading.Event(), threading.Event()

    def slow(cancelled: Callable[[], bool]) -> Any:
        go_on.wait(10)
        ended.set()
        if cancelled():
            raise Cancelled
        return reading()

    paper_says(slow)
    opened.paper.read_button.click()
    assert not opened.paper.read_button.isEnabled()
    opened.paper.bar.cancel_button.click()
    assert opened.paper.read_button.isEnabled()
    assert opened.paper.bar.message.text() == "Cancelled."
    go_on.set()
    assert ended.wait(10)
    qtbot.wait(100)
    assert opened.paper.review is None
    assert not opened.paper.box.isVisible()


@pytest.mark.parametrize(
    "error", [OcrError(MISSING), TracksError("nothing on the scan looks like the grid of a log")]
)
def test_what_went_wrong_is_said_in_the_window_and_the_rest_works(opened, paper_says, qtbot, error) -> None:
    paper_says(error)
    read_paper(opened, qtbot)
    assert opened.paper.bar.message.text() == str(error)
    assert opened.paper.read_button.isEnabled()
    opened.bar.run_button.click()
    qtbot.waitUntil(lambda: not opened.bar.is_running)
    assert len(opened.draft.tracks) == 1


def test_a_scan_removed_while_it_is_read(viewer, opened, paper_says, qtbot) -> None:
    go_on = threading.Event()
    paper_says(lambda cancelled: go_on.wait(10) and reading())
    opened.paper.read_button.click()
    viewer.layers.clear()
    go_on.set()
    qtbot.wait(150)
    assert opened.paper.review is None
    assert not opened.paper.read_button.isEnabled()


def test_what_was_read_of_one_scan_is_not_used_on_another(viewer, read) -> None:
    show_layer(viewer, scan_layer(printed_grid(), "other", {"dpi": 200.0}))
    read.choice.setCurrentText("other")
    assert read.paper.review is None
    read.paper.use_button.click()
    assert read.draft.tracks == ()


@pytest.mark.skipif(not is_installed(), reason="the extra ocr is not installed")
def test_a_page_without_any_print_is_refused_in_words(opened, qtbot) -> None:
    opened.paper.read_button.click()
    qtbot.waitUntil(lambda: not opened.paper.bar.is_running, timeout=60_000)
    assert "Refused: depth: only 0 depth numbers were read" in opened.paper.refusals.text()
    opened.paper.use_button.click()
    assert mnemonics(opened) == [["T1C1", "T1C2"]]
