"""Read a printed page's calibration in *Calibrate tracks*, and keep a picture of what was read: `make screenshots`.

read-from-paper.png; of a scan of your own: `make_paper_screenshot.py --scan SCAN --to FOLDER`
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import napari
from make_tutorial_screenshots import IMAGES, WINDOW_SIZE, settle, wait
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_welllog.synthetic.document import DocumentSettings, print_document
from napari_welllog.widgets.result_window import zoom_to

SEED = 36


def main() -> None:
    """Read the paper as a user does, and keep a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scan", type=Path, help="a scan of your own, in the place of a printed page")
    parser.add_argument("--to", type=Path, default=IMAGES, help="folder of the picture")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scan = options.scan or printed_page(Path(name))
        viewer = napari.Viewer(title="napari")
        viewer.window.resize(*WINDOW_SIZE)
        viewer.open(scan, plugin="napari-welllog")
        _, widget = viewer.window.add_plugin_dock_widget("napari-welllog", "Calibrate tracks")
        settle(1.0)
        QTest.mouseClick(widget.paper.read_button, Qt.MouseButton.LeftButton)
        wait(lambda: not widget.paper.bar.is_running)
        review = widget.paper.review
        assert review is not None, widget.paper.bar.message.text()
        widget.paper.numbers.selectRow(2)
        settle(0.5)
        tracks = review.read.proposal.tracks
        image = viewer.layers[0]
        top = tracks[0].top - 550
        left, right = min(mark.place[2] for mark in review.marks()) - 40, tracks[-1].edges(top)[1] + 40
        (first, start), (last, end) = (image.data_to_world(at) for at in ((top, left), (top + 1300, right)))
        zoom_to(viewer, first, last, start, end)
        settle(1.5)
        picture = options.to / "read-from-paper.png"
        viewer.screenshot(picture, canvas_only=False, flash=False)
        colours = Image.open(picture).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        colours.save(picture, optimize=True)
        print(picture)
        viewer.close()


def printed_page(folder: Path) -> Path:
    """A page with depth numbers and a header, as the calibration benchmark measures them."""
    page = folder / "log.png"
    scan = print_document(SEED, DocumentSettings(length=12.0)).log
    Image.fromarray(scan.scan).save(page, dpi=(scan.dpi, scan.dpi))
    return page


if __name__ == "__main__":
    main()
