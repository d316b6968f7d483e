"""Draw the picture of *Annotate labels*: a window in which a curve is being painted, in a real window of napari.

`make screenshots` runs it with the others.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_welllog import extract_traces, segment
from napari_welllog.curves import Trace
from napari_welllog.samples import short_log
from napari_welllog.widgets.annotate import NOTHING, AnnotateWidget
from napari_welllog.widgets.open_scan import open_scan
from napari_welllog.widgets.view import show_rows

IMAGES = Path(__file__).parent / "images"
TOP, ROWS = 700, 330
MARGIN = 20
STEP = 1
SHARES = {1: 1.0, 2: 0.6}
"""How far down the window each curve is painted."""


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder of the picture")
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder) / "annotations", options.out / "annotate.png")


def draw(folder: Path, picture: Path) -> None:
    """Annotate a stretch of the sample: curve one to the end, curve two half-way."""
    viewer = napari.Viewer()
    viewer.window.resize(1500, 950)
    [(data, settings, _)] = short_log()
    image = viewer.add_image(data, **settings)
    scan = open_scan(image)
    scan.class_map = segment(scan.pixels)
    widget = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Annotate labels")
    viewer.window._qt_viewer.dockLayerControls.setVisible(False)
    widget.use_folder(folder)
    widget.annotator.setText("Ada")
    settle(5, until=lambda: not widget.look_bar.is_running)
    settle(1)
    [left], [right] = scan.tracks.tracks[0].edges([TOP])
    show_rows(viewer, image, (TOP, TOP + ROWS), (left - MARGIN, right + MARGIN))
    widget.begin.setCurrentText(NOTHING)
    widget.job_bar.run_button.click()
    settle(60, until=lambda: not widget.job_bar.is_running)
    settle(60, until=lambda: not widget.ink_bar.is_running)
    for curve_class, share in SHARES.items():
        widget.tools.choose_class(curve_class)
        trace = extract_traces(scan.class_map, scan.tracks.tracks[0])[curve_class - 1]
        end = paint_along(widget, trace, share)
    settle(3)
    point_at(viewer, end)
    take(viewer, picture)
    viewer.close()


def paint_along(widget: AnnotateWidget, trace: Trace, share: float) -> Any:
    """Paint along a curve in one stroke, down a share of the window; where it ended, in the world."""
    window = widget.current
    place = window.place
    rows = np.arange(place.top, place.top + round(share * place.rows), STEP)
    columns = np.asarray(trace.column)[rows - trace.top]
    way = np.stack([rows - place.top, columns - place.left], axis=1)[np.isfinite(columns)]
    places = [window.layer.data_to_world(tuple(point)) for point in way]
    event = SimpleNamespace(button=1, type="mouse_press", position=places[0])
    stroke = widget.tools._on_drag(window.layer, event)
    next(stroke)
    for kind, position in [*(("mouse_move", one) for one in places[1:]), ("mouse_release", places[-1])]:
        event.type, event.position = kind, position
        next(stroke, None)
    return places[-1]


def point_at(viewer: Any, position: Any) -> None:
    """Move the mouse to a place on the canvas."""
    canvas, camera = viewer.window._qt_viewer.canvas.native, viewer.scene.camera
    middle = np.array([canvas.height(), canvas.width()]) / 2
    y, x = (np.asarray(position[-2:]) - camera.center[-2:]) * camera.zoom + middle
    none = Qt.MouseButton.NoButton
    move = QMouseEvent.Type.MouseMove
    QApplication.sendEvent(
        canvas, QMouseEvent(move, QPointF(x, y), QPointF(x, y), none, none, Qt.KeyboardModifier.NoModifier)
    )


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
