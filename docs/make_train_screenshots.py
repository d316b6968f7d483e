"""Draw the pictures of *Train U-Net*: a network that learns a new style of print, and the 97 % trap.

train.png  a blueprint, whose style the shipped network reads badly, as a network learns it from four annotated windows
trap.png   two small networks side by side, in the middle of the trap

`make screenshots` runs it with the others; both trainings are real.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_welllog.widgets.docks import dock_of
from napari_welllog.widgets.layers import scan_layer
from napari_welllog.widgets.train import TrainWidget
from napari_welllog.widgets.view import show_rows

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from adaptation import MEASURED_SEEDS, annotate, draw_blueprint  # noqa: E402

IMAGES = Path(__file__).parent / "images"
WINDOW = (128, 128)
"""Rows and columns of a training window: small, so that the picture is ready in a few minutes."""

TRAPPED = 300
"""The batch at which the trap is drawn."""


def main() -> None:
    """Draw the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=400, help="batches of the training (default 400)")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder of the pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        draw_training(Path(place), options.steps, options.out / "train.png")
    draw_trap(options.out / "trap.png")


def draw_training(place: Path, steps: int, out: Path) -> None:
    """A training near its end: the controls, the plots, and the classes over the scan."""
    annotate(place / "blueprints")
    viewer, widget = open_widget(460)
    data, settings, _ = scan_layer(draw_blueprint(MEASURED_SEEDS[0]).scan, "blueprint")
    image = viewer.add_image(data, **settings)
    settle(1)
    show_rows(viewer, image, (300, 780), (0, 640))
    widget.folder.setText(str(place / "blueprints"))
    widget.save_as(place / "blueprints.safetensors")
    widget.more_settings = {"steps": steps, "window": WINDOW, "held_out": 12}
    widget.bar.run_button.click()
    settle(0.5)
    show_rows(viewer, image, (300, 780), (0, 640))
    settle(3600, until=lambda: not widget.bar.is_running or widget.bar.bar.value() >= 890)
    for field, text in ((widget.folder, "blueprints"), (widget.file, "blueprints.safetensors")):
        field.blockSignals(True)
        field.setText(text)  # not where this machine happened to put it
    take(viewer, out)
    widget.bar.cancel()
    settle(2)
    viewer.close()


def draw_trap(out: Path) -> None:
    """The trap at the batch at which plain cross-entropy finds nothing."""
    viewer, widget = open_widget(760)
    widget.tabs.setCurrentIndex(1)
    settle(600, until=lambda: widget.trap.patch is not None and not widget.trap.bar.is_running)
    widget.trap.bar.run_button.click()
    settle(
        3600,
        until=lambda: bool(widget.trap.statuses) and widget.trap.statuses[-1].step >= TRAPPED,
    )
    take(viewer, out)
    widget.trap.bar.cancel()
    settle(2)
    viewer.close()


def open_widget(width: int) -> tuple[Any, TrainWidget]:
    """A window with the widget, so many pixels wide."""
    viewer = napari.Viewer()
    viewer.window.resize(1700, 1050)
    widget = TrainWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Train U-Net", area="right")
    viewer.window._qt_viewer.dockLayerControls.setVisible(False)
    settle(1)
    viewer.window._qt_window.resizeDocks([dock_of(widget)], [width], Qt.Orientation.Horizontal)
    return viewer, widget


def take(viewer: Any, path: Path) -> None:
    """Take a picture of the window once it is drawn, in few colours."""
    settle(0.5)
    viewer.screenshot(str(path), canvas_only=False, flash=False)
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


def settle(seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    """Let Qt draw for some time, or until something is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        QApplication.processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    main()
