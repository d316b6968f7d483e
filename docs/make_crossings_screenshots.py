"""Draw the pictures of *Compare at crossings*: before, in and after a crossing, in a real window.

`make screenshots` runs it with the others. Of a scan of your own, with its calibration, one picture of every follower
at the first crossings of a track:

    python docs/make_crossings_screenshots.py --scan SCAN.tif --tracks TRACKS.json --out FOLDER
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_welllog import Tracks, read_scan, segment
from napari_welllog.followers import METHODS
from napari_welllog.samples import one_crossing
from napari_welllog.widgets.class_layer import show_result_of
from napari_welllog.widgets.crossings import CrossingsWidget
from napari_welllog.widgets.layers import LayerData, class_map_layer, scan_layer
from napari_welllog.widgets.open_scan import open_scan

IMAGES = Path(__file__).parent / "images"
DASHED = 2
MOMENTS = {"before": -22, "in": 0, "after": 30}
"""Rows of the scan line from the crossing's upper or lower end."""

FEWEST_APART = 25.0
"""Columns between the curves above and below a crossing of a scan that is worth a picture."""


def main() -> None:
    """Draw the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scan", type=Path, help="a scan of your own, in the place of the sample")
    parser.add_argument("--tracks", type=Path, help="its tracks.json; the first track is compared")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder of the pictures")
    parser.add_argument("--crossings", type=int, default=3, help="crossings of the scan to draw")
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    if options.scan is None:
        draw_sample(options.out)
    else:
        draw_scan(options.scan, options.tracks, options.out, options.crossings)


def draw_sample(out: Path) -> None:
    """The sample before, in and after its crossing, with a follower that hops."""
    viewer, widget = compare(one_crossing()[0])
    widget.next_crossing()
    widget.curve.setCurrentIndex(widget.curve.findData(DASHED))
    hopping = (s.method for s in widget.session.scores[widget.session.places[0]] if s.outcome.hopped)
    widget.follower.setCurrentText(next(hopping, "kalman"))
    crossing = widget.session.crossing(widget.session.places[0])
    for name, shift in MOMENTS.items():
        widget.set_row((crossing.row_to if shift > 0 else crossing.row_from) + shift)
        take(viewer, out / f"compare-{name}.png")
    viewer.close()


def draw_scan(path: Path, tracks_file: Path, out: Path, count: int) -> None:
    """Every follower at the clearest of the first crossings of a scan's first track."""
    scan, tracks = read_scan(path), Tracks.load(tracks_file)
    first = Tracks(depth=tracks.depth, tracks=tracks.tracks[:1])
    viewer, widget = compare(scan_layer(scan.pixels, path.stem, {"tracks": first}))
    print(widget.summary.text())
    clear = [
        place
        for place in widget.session.places
        if min(
            widget.session.crossing(place).separation_before,
            widget.session.crossing(place).separation_after,
        )
        >= FEWEST_APART
    ]
    for number, place in enumerate(clear[:count], start=1):
        widget.go_to_crossing(place)
        for method in METHODS:
            widget.follower.setCurrentText(method)
            widget.set_row(widget._span()[1])
            take(viewer, out / f"{path.stem}-{number}-{method}.png")
            print(number, widget.row, widget.plots.verdict.text())
    viewer.close()


def compare(layer: LayerData) -> tuple[Any, CrossingsWidget]:
    """A window with a scan, its class map and the widget, all crossings found."""
    viewer = napari.Viewer()
    viewer.window.resize(1700, 1050)
    data, settings, _ = layer
    image = viewer.add_image(data, **settings)
    scan = open_scan(image)
    scan.class_map = segment(scan.pixels)
    show_result_of(viewer, image, class_map_layer(scan.class_map.labels, over=image))
    viewer.layers.selection.active = image
    viewer.window._qt_viewer.dockLayerControls.setVisible(False)
    _, widget = viewer.window.add_plugin_dock_widget("napari-welllog", "Compare at crossings")
    settle(1)
    widget.job_bar.run_button.click()
    settle(600, until=lambda: not widget.job_bar.is_running)
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
