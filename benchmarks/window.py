"""Whether napari's window stays alive while a scan is segmented, and how quickly a long scan opens.

A synthetic scan is segmented by the widget in a real viewer. A timer on the GUI thread ticks every few
milliseconds: the longest time between two ticks is the longest stall that a user could feel. What napari itself
takes to make a layer and to draw the canvas is measured apart and reported beside it. Also: the time that Cancel
takes until the buttons are back and until the network has really stopped; the time until the widget shows; and the
time to open a long scan through the reader. Without a display, run it under one:

    bash scripts/with-display.sh python benchmarks/window.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from _table import add_write_option, markdown_table, publish

PAGE_ROWS = 3000
TICK = 0.005


class Stalls:
    """Watches the GUI thread: how long it was away, less what napari's own work took of that time."""

    def __init__(self) -> None:
        from qtpy.QtCore import QTimer

        self.last = time.perf_counter()
        self.naparis: dict[str, float] = {}
        self.naparis_now = 0.0
        self.deep = 0
        self.is_loading: Callable[[], bool] = lambda: False
        self.worst_loading = 0.0
        self.worst = 0.0
        self.worst_with_napari = 0.0
        self.timer = QTimer()
        self.timer.setInterval(round(1000 * TICK))
        self.timer.timeout.connect(self.tick)
        self.timer.start()

    def reset(self) -> None:
        """Begin anew."""
        self.last, self.naparis_now, self.worst, self.worst_with_napari = time.perf_counter(), 0.0, 0.0, 0.0
        self.naparis.clear()

    def tick(self) -> None:
        """Note how long the thread was away since the last tick."""
        now = time.perf_counter()
        away = now - self.last - TICK
        self.worst_with_napari = max(self.worst_with_napari, away)
        if self.is_loading():
            self.worst_loading = max(self.worst_loading, away - self.naparis_now)
        else:
            self.worst = max(self.worst, away - self.naparis_now)
        self.last, self.naparis_now = now, 0.0

    def naparis_own(self, owner: Any, name: str, what: str) -> None:
        """Count the time of one of napari's functions as napari's."""
        original = getattr(owner, name)

        def timed(*args: Any, **keywords: Any) -> Any:
            began, self.deep = time.perf_counter(), self.deep + 1
            try:
                return original(*args, **keywords)
            finally:
                self.deep -= 1
                if self.deep == 0:
                    took = time.perf_counter() - began
                    self.naparis_now += took
                    self.naparis[what] = max(self.naparis.get(what, 0.0), took)

        setattr(owner, name, timed)


def pump(until: Callable[[], bool], seconds: float) -> None:
    """Let Qt do its work until something is so."""
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + seconds
    while not until():
        if time.perf_counter() > end:
            raise SystemExit("It took too long: is this machine busy?")
        QApplication.processEvents()
        time.sleep(0.001)


def settle(seconds: float = 2.0) -> None:
    """Let the window lay itself out and draw."""
    end = time.perf_counter() + seconds
    pump(lambda: time.perf_counter() > end, 2 * seconds + 60)


def print_scan(rows: int, columns: int) -> np.ndarray:
    """A printed page again and again, as long as wanted."""
    from napari_welllog import print_log

    page = print_log(seed=10_000_000, rows=min(PAGE_ROWS, rows), columns=columns).scan
    return np.tile(page, (-(-rows // len(page)), 1))[:rows]


def measure_opening(rows: int, columns: int) -> SimpleNamespace:
    """Open a group 4 TIFF through the reader, in a viewer, until it is drawn."""
    import napari
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.tif"
        paper = Image.fromarray(print_scan(rows, columns)).convert("1", dither=Image.Dither.NONE)
        paper.save(file, compression="group4", dpi=(200, 200))
        size = file.stat().st_size
        viewer = napari.Viewer()
        pump(lambda: True, 60)
        began = time.perf_counter()
        [layer] = viewer.open(str(file), plugin="napari-welllog")
        viewer.screenshot(flash=False)
        seconds = time.perf_counter() - began
        height = layer.extent.world[1][0]
        viewer.scene.camera.zoom = 4 / layer.scale[0]
        steps = []
        for step in range(30):
            start = time.perf_counter()
            viewer.scene.camera.center = (height * (0.2 + step / 1e4), layer.extent.world[1][1] / 2)
            viewer.screenshot(flash=False)
            steps.append(time.perf_counter() - start)
        viewer.close()
    return SimpleNamespace(seconds=seconds, size=size, pan=float(np.median(steps)), slowest=max(steps))


def measure_segmenting(rows: int, columns: int, picture: Path | None) -> SimpleNamespace:
    """Segment a scan in a real viewer, cancel a second run half way."""
    import napari
    from napari._vispy.canvas import VispyCanvas

    from napari_welllog.widgets.layers import scan_layer

    viewer = napari.Viewer()
    stalls = Stalls()
    data, settings, _ = scan_layer(print_scan(rows, columns), "scan")
    viewer.add_image(data, **settings)
    viewer.scene.camera.center = (rows * 0.4, columns / 2)
    viewer.scene.camera.zoom = 1.0
    settle()
    began = time.perf_counter()
    from napari_welllog.widgets.segment import SegmentWidget

    widget = SegmentWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Segment scan")
    widget.repaint()
    shown = time.perf_counter() - began
    # A software renderer compiles what the new size of the canvas asks for: that is no part of a run.
    settle()
    for emitter in ("add_labels", "add_image"):
        stalls.naparis_own(type(viewer), emitter, "making a layer")
    stalls.naparis_own(VispyCanvas, "on_draw", "drawing")
    scene = viewer.window._qt_viewer.canvas._scene_canvas
    draw = scene.on_draw
    scene.events.draw.disconnect(draw)
    holder = SimpleNamespace(draw=draw)
    stalls.naparis_own(holder, "draw", "drawing")
    scene.events.draw.connect(lambda event: holder.draw(event))

    stalls.reset()
    first: list[float] = []
    began = time.perf_counter()
    widget.bar.run_button.click()

    def done() -> bool:
        if not first and "scan" in viewer.layers and len(viewer.layers) > 1:
            first.append(time.perf_counter() - began)
        return not widget.bar.is_running

    # Until the first tick after torch is loaded, so that a stall which ends with the loading counts for it.
    thread = widget.bar._thread
    ticks_after = iter((True, False))
    stalls.is_loading = lambda: thread.job.text.startswith("Loading") or next(ticks_after, False)
    pump(done, 3600)
    seconds = time.perf_counter() - began
    settle(0.5)  # the last stall ends with the next tick
    result = SimpleNamespace(
        shown=shown,
        first=first[0],
        seconds=seconds,
        loading=stalls.worst_loading,
        stall=stalls.worst,
        stall_all=stalls.worst_with_napari,
        naparis=dict(stalls.naparis),
        summary=widget.result.text(),
    )
    if picture is not None:
        settle()
        viewer.screenshot(str(picture), canvas_only=False, flash=False)
    stalls.reset()
    widget.bar.run_button.click()
    pump(lambda: widget.bar._thread.job.fraction > 0.2 or not widget.bar.is_running, 3600)
    thread = widget.bar._thread
    began = time.perf_counter()
    widget.bar.cancel_button.click()
    result.cancel = time.perf_counter() - began
    pump(thread.isFinished, 600)
    result.stopped = time.perf_counter() - began
    result.second_stall = stalls.worst
    viewer.close()
    return result


def report(segmenting: SimpleNamespace, opening: SimpleNamespace, options: argparse.Namespace) -> str:
    """The table."""
    naparis = segmenting.naparis
    rows = [
        [
            "longest stall while torch is loaded, once for each start of napari",
            milliseconds(segmenting.loading),
        ],
        ["longest stall of the window while segmenting", milliseconds(segmenting.stall)],
        ["the same with napari's own work", milliseconds(segmenting.stall_all)],
        ["of that, longest making of a layer", milliseconds(naparis.get("making a layer", 0.0))],
        ["of that, longest drawing of the canvas", milliseconds(naparis.get("drawing", 0.0))],
        ["longest stall of a second run", milliseconds(segmenting.second_stall)],
        ["first labels in view after the click", f"{segmenting.first:.1f} s"],
        ["all of it", f"{segmenting.seconds:.1f} s"],
        ["Cancel, until the buttons are back", milliseconds(segmenting.cancel)],
        ["Cancel, until the network has stopped", milliseconds(segmenting.stopped)],
        ["widget shown after the click", milliseconds(segmenting.shown)],
    ]
    opened = [
        [f"opening, to the first drawing ({opening.size / 1e6:.0f} MB on disk)", f"{opening.seconds:.1f} s"],
        ["a step of panning, drawn and read back: median", milliseconds(opening.pan)],
        ["a step of panning: the slowest of 30", milliseconds(opening.slowest)],
    ]
    return "\n\n".join(
        [
            f"Segmenting {options.rows:,} x {options.columns:,} pixels in napari:",
            markdown_table(["what", "time"], rows),
            f"Opening {options.long_rows:,} x {options.long_columns:,} pixels, a group 4 TIFF:",
            markdown_table(["what", "time"], opened),
        ]
    )


def milliseconds(seconds: float) -> str:
    """A short time."""
    return f"{1000 * seconds:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=17_864, help="rows of the scan that is segmented")
    parser.add_argument("--columns", type=int, default=1664, help="its columns")
    parser.add_argument("--long-rows", type=int, default=241_008, help="rows of the scan that is opened")
    parser.add_argument("--long-columns", type=int, default=2400, help="its columns")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="also write a picture of the window")
    add_write_option(parser)
    options = parser.parse_args()
    picture = options.pictures / "window-segment.png" if options.pictures else None
    segmenting = measure_segmenting(options.rows, options.columns, picture)
    print(segmenting.summary)
    opening = measure_opening(options.long_rows, options.long_columns)
    publish("window", report(segmenting, opening, options), options.write)


if __name__ == "__main__":
    main()
