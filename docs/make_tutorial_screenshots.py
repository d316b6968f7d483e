"""Do what the tutorial says, step by step in a real window, and keep a picture of each step: `make screenshots`.

tutorial-1-open.png ... tutorial-5-export.png
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import napari
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_welllog.demo import print_demo_log, write_sample
from napari_welllog.widgets.result_window import zoom_to

IMAGES = Path(__file__).parent / "images"
WINDOW_SIZE = (1600, 950)
PATIENCE = 300


def main() -> None:
    """Open, segment, calibrate, extract and export the demo's scan, and keep a picture of each step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scan, _ = write_sample(print_demo_log(), folder)
        viewer = napari.Viewer(title="napari")
        viewer.window.resize(*WINDOW_SIZE)
        Tutorial(viewer, scan).walk()
        viewer.close()


class Tutorial:
    """The steps of the tutorial.

    Parameters
    ----------
    viewer : the window.
    scan : the file that is opened.
    """

    def __init__(self, viewer: napari.Viewer, scan: Path) -> None:
        self.viewer, self.scan = viewer, scan

    def walk(self) -> None:
        """Take all steps."""
        self.open()
        self.segment()
        self.calibrate()
        self.extract()
        self.export()

    def open(self) -> None:
        """Open the scan."""
        self.viewer.open(self.scan, plugin="napari-welllog")
        self.look_at_a_crossing()
        self.picture("tutorial-1-open.png")

    def segment(self) -> None:
        """Give every pixel its class."""
        dock, widget = self.viewer.window.add_plugin_dock_widget("napari-welllog", "Segment scan")
        QTest.mouseClick(widget.bar.run_button, Qt.MouseButton.LeftButton)
        wait(lambda: not widget.bar.is_running)
        self.look_at_a_crossing()
        self.picture("tutorial-2-segment.png")
        dock.close()

    def calibrate(self) -> None:
        """Show the calibration over the scan."""
        dock, _ = self.viewer.window.add_plugin_dock_widget("napari-welllog", "Calibrate tracks")
        self.look_at_a_crossing()
        self.picture("tutorial-3-calibrate.png")
        dock.close()

    def extract(self) -> None:
        """Extract the curves and look at the log plot."""
        _, self.curves = self.viewer.window.add_plugin_dock_widget("napari-welllog", "Extract curves")
        QTest.mouseClick(self.curves.job_bar.run_button, Qt.MouseButton.LeftButton)
        wait(lambda: not self.curves.job_bar.is_running)
        settle(1.0)  # the plot takes its place beside the canvas
        self.look_at_a_crossing()
        self.picture("tutorial-4-curves.png")

    def export(self) -> None:
        """Write the results."""
        out = self.scan.parent / "results"
        out.mkdir()
        with chdir(self.scan.parent):  # so that the picture says no temporary folder
            self.curves.export_all(out.name)
            wait(lambda: not self.curves.export_bar.is_running)
        self.picture("tutorial-5-export.png")
        assert sorted(path.suffix for path in out.iterdir()) == [".csv", ".json", ".las", ".png", ".tif"]

    def look_at_a_crossing(self) -> None:
        """Show a part of the scan in which the curves can be told apart."""
        image = self.viewer.layers[0]
        corners = [image.data_to_world(corner) for corner in ((900, 0), (1500, 620))]
        (top, left), (bottom, right) = corners
        zoom_to(self.viewer, top, bottom, left, right)
        settle(0.5)

    def picture(self, name: str) -> None:
        """Keep a picture of the window, in few colours."""
        settle(1.5)
        self.viewer.screenshot(IMAGES / name, canvas_only=False, flash=False)
        picture = Image.open(IMAGES / name).convert("RGB")
        picture.quantize(256, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)
        print(IMAGES / name)


def settle(seconds: float) -> None:
    """Let Qt lay out and draw what has been asked for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def wait(is_done: Callable[[], bool]) -> None:
    """Wait as a person does, with the window alive."""
    end = time.monotonic() + PATIENCE
    while not is_done():
        if time.monotonic() > end:
            raise TimeoutError(f"A step of the tutorial took over {PATIENCE} seconds.")
        settle(0.05)


if __name__ == "__main__":
    main()
