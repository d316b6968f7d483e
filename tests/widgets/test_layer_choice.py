"""The combo box of images follows the viewer, whatever happens there."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_welllog.widgets.layer_choice import ImageChoice
from napari_welllog.widgets.layers import RESULT
from napari_welllog.widgets.open_scan import open_scan

PAPER = np.full((40, 30), 255, np.uint8)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def names(choice: ImageChoice) -> list[str]:
    return [choice.itemText(index) for index in range(choice.count())]


def test_it_lists_images_only_and_follows_what_is_added_removed_and_renamed(qtbot, viewer) -> None:
    choice = ImageChoice(viewer)
    qtbot.addWidget(choice)
    assert choice.layer is None
    assert choice.scan is None
    assert not choice.isEnabled()

    with qtbot.waitSignal(choice.changed):
        first = viewer.add_image(PAPER, name="first")
    viewer.add_labels(np.zeros((40, 30), np.uint8), name="painted")
    viewer.add_image(PAPER.astype(np.float32), name="probability", metadata={RESULT: True})
    second = viewer.add_image(PAPER, name="second")
    assert names(choice) == ["first", "second"]
    assert choice.layer is first, "adding a layer does not change the choice"

    choice.setCurrentText("second")
    assert choice.layer is second
    second.name = "renamed"
    assert names(choice) == ["first", "renamed"]
    assert choice.layer is second

    with qtbot.waitSignal(choice.changed):
        viewer.layers.remove(second)
    assert choice.layer is first


def test_replaced_data_is_another_scan(qtbot, viewer) -> None:
    layer = viewer.add_image(PAPER)
    choice = ImageChoice(viewer)
    qtbot.addWidget(choice)
    before = choice.scan
    with qtbot.waitSignal(choice.changed):
        layer.data = np.zeros((50, 30), np.uint8)
    assert choice.scan is not before
    assert choice.scan.pixels.shape == (50, 30)


def test_the_viewer_forgets_a_combo_box_that_is_gone(qtbot, viewer) -> None:
    choice = ImageChoice(viewer)
    layer = viewer.add_image(PAPER)
    with qtbot.waitSignal(choice.destroyed):
        choice.deleteLater()
    layer.name = "renamed"
    viewer.add_image(PAPER)
    viewer.layers.remove(layer)


def test_a_combo_box_that_python_collects_makes_no_noise(qtbot, viewer) -> None:
    """Python may clear what a widget refers to before Qt tells that the widget is gone."""
    with qtbot.capture_exceptions() as exceptions:
        for _ in range(20):
            ImageChoice(viewer)
        gc.collect()
        layer = viewer.add_image(PAPER)
        layer.name = "renamed"
    assert exceptions == []


def test_a_colour_scan_is_turned_grey_once(viewer) -> None:
    layer = viewer.add_image(np.full((40, 30, 3), 200, np.uint8), rgb=True)
    grey = open_scan(layer).pixels
    assert (grey == 200).all()
    assert open_scan(layer).pixels is grey
    layer.data = np.full((40, 30, 3), 100, np.uint8)
    assert (open_scan(layer).pixels == 100).all(), "another picture in the same layer is another scan"
