"""Where our widgets lie in napari's window: as tabs of one place, none of them cut off."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtWidgets import QAbstractButton, QLabel, QMainWindow, QScrollArea

from napari_welllog.widgets.docks import dock_of, put_beside
from napari_welllog.widgets.layers import scan_layer

NAMES = ["Segment scan", "Calibrate tracks", "Extract curves"]


@pytest.fixture
def widgets(make_napari_viewer, qtbot):
    """All three, opened as from the Plugins menu."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1600, 950)
    data, settings, _ = scan_layer(np.full((2000, 600), 255, np.uint8), "log")
    viewer.add_image(data, **settings)
    opened = [viewer.window.add_plugin_dock_widget("napari-welllog", name)[1] for name in NAMES]
    qtbot.waitUntil(lambda: len(tabs_of(opened[-1])) == 2)
    return opened


def tabs_of(widget) -> list:
    main = dock_of(widget).parentWidget()
    assert isinstance(main, QMainWindow)
    return main.tabifiedDockWidgets(dock_of(widget))


def test_our_widgets_are_tabs_of_one_place_and_stay_so_beside_the_plot(widgets, qtbot) -> None:
    segment, calibrate, curves = widgets
    assert {dock_of(segment), dock_of(calibrate)} == set(tabs_of(curves))
    assert not curves.visibleRegion().isEmpty(), "the one that was opened last is seen"
    plot = QLabel("plot")
    window = curves.viewer.window
    window.add_dock_widget(plot, name="Log plot", area="right")
    put_beside(plot, curves, (280, 330))
    qtbot.wait(50)
    assert {dock_of(segment), dock_of(calibrate)} == set(tabs_of(curves))
    assert not curves.visibleRegion().isEmpty()
    assert not plot.visibleRegion().isEmpty()
    assert dock_of(plot).geometry().right() < dock_of(curves).geometry().left()
    assert dock_of(plot).geometry().top() == dock_of(curves).geometry().top()


def test_no_control_is_cut_off_at_the_right(widgets, qtbot) -> None:
    for widget in widgets:
        dock_of(widget).raise_()
        qtbot.wait(50)
        scroll = widget.findChild(QScrollArea)
        assert scroll.widget().width() <= scroll.viewport().width()
        for button in widget.findChildren(QAbstractButton):
            if button.isVisible() and hasattr(button, "text") and button.text():
                assert button.width() >= button.minimumSizeHint().width(), button.text()


QUIET = """
import napari, numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
viewer.add_image(np.full((500, 300), 255, np.uint8), name="log")
for name in {names}:
    viewer.window.add_plugin_dock_widget("napari-welllog", name)
from napari_welllog.widgets.log_plot import LogPlot
viewer.window.add_dock_widget(LogPlot(viewer), name="Log plot")
QApplication.processEvents()
{end}
"""


@pytest.mark.parametrize("end", ["", "QTimer.singleShot(0, viewer.close); napari.run()"])
def test_the_program_ends_quietly_with_all_of_them_open(end) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", QUIET.format(names=NAMES, end=end)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "has been deleted" not in ended.stderr
