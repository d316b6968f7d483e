"""The window on a digitised scan, in a real viewer where it must be drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from napari_welllog.curves import Trace
from napari_welllog.overlay import CURVE_COLOURS
from napari_welllog.tracks import Curve
from napari_welllog.widgets import result_window
from napari_welllog.widgets.display import DisplayError, has_display
from napari_welllog.widgets.result_window import Result, open_window, picture_of_window, show_result, zoom_to

ViewerModel = pytest.importorskip("napari.components").ViewerModel

ROWS, COLUMNS = 5000, 400


@pytest.fixture
def result() -> Result:
    """Two curves that cross at row 2500, column 200."""
    rows = np.arange(ROWS)
    pixels = np.full((ROWS, COLUMNS), 255, np.uint8)
    labels = np.zeros((ROWS, COLUMNS), np.uint8)
    pairs = []
    for curve_class, slope in ((1, 0.5), (2, -0.5)):
        column = 200 + slope * np.clip(rows - 2500, -200, 200)
        for offset in (-1, 0, 1):
            pixels[rows, column.round().astype(int) + offset] = 0
            labels[rows, column.round().astype(int) + offset] = curve_class
        curve = Curve(curve_class=curve_class, mnemonic=f"C{curve_class}", unit="", left=0, right=1)
        states = np.ones(ROWS, np.uint8)
        pairs.append((curve, Trace(curve_class, 0, column, states.astype(np.float32), states)))
    return Result(pixels, labels, pairs, (2400, 2600, 100, 300), "two curves")


def test_it_shows_scan_classes_and_curves_and_begins_at_the_given_part(result: Result) -> None:
    viewer = ViewerModel()
    show_result(viewer, result)
    assert [(layer.name, type(layer).__name__) for layer in viewer.layers] == [
        ("scan", "Image"),
        ("classes", "Labels"),
        ("curves", "Shapes"),
    ]
    assert viewer.scene.camera.center[-2:] == (2500, 200)


@pytest.mark.parametrize(("bottom", "right"), [(100, 1000), (1000, 100)])
def test_zooming_shows_all_of_a_wide_and_of_a_tall_part(bottom: float, right: float) -> None:
    viewer = ViewerModel()
    zoom_to(viewer, 0, bottom, 0, right)
    height, width = (pixels / viewer.scene.camera.zoom for pixels in viewer.canvas.size)
    assert height >= bottom
    assert width >= right
    assert height == pytest.approx(bottom) or width == pytest.approx(right)


@pytest.mark.skipif(not has_display(), reason="needs a display, such as xvfb-run gives")
def test_a_real_canvas_draws_both_curves_in_their_colours(make_napari_viewer, result: Result) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(900, 700)
    show_result(viewer, result)
    canvas = viewer.screenshot(canvas_only=True, flash=False)
    height, width = canvas.shape[:2]
    above = canvas[: height // 2 - 60]
    one, two = (columns_with(above, curve_class) for curve_class in (1, 2))
    assert len(one)
    assert len(two)
    assert one.max() < width / 2 < two.min(), "above the crossing curve one is on the left"


def columns_with(picture: np.ndarray, curve_class: int) -> np.ndarray:
    """Columns of a picture in which the colour of a curve is seen."""
    colour = ImageColor.getrgb(CURVE_COLOURS[curve_class])
    return np.flatnonzero((np.abs(picture[..., :3].astype(int) - colour).max(axis=2) < 40).any(axis=0))


@pytest.mark.timeout(600)
def test_the_picture_of_the_window_is_written_whether_or_not_there_is_a_display(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    picture_of_window(result, tmp_path / "window.png")
    picture = np.asarray(Image.open(tmp_path / "window.png").convert("RGB"))
    assert picture.shape[:2] == (result_window.WINDOW_SIZE[1], result_window.WINDOW_SIZE[0])
    assert len(columns_with(picture, 1))
    assert len(columns_with(picture, 2))


@pytest.mark.timeout(600)
def test_a_window_that_cannot_open_is_one_line(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Qt would abort the whole process here: the demo must outlive it and say so."""
    monkeypatch.setenv("DISPLAY", ":98765")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    with pytest.raises(DisplayError, match="did not open") as error:
        picture_of_window(result, tmp_path / "window.png")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "window.png").exists()


def test_no_window_is_tried_without_a_display(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_window, "has_display", lambda: False)
    with pytest.raises(DisplayError, match="no display"):
        open_window(result)
