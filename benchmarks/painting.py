"""What a stroke of the ink brush costs beside one of napari's own brush, and whether saving holds up the window.

A printed log of the size of the largest window is annotated in a real viewer. The same strokes are painted by both
brushes on the same layer, as the mouse does, move by move: with everything that a stroke sets off, counting the
classes, saving and the figures in the window. The canvas's own drawing, which napari does, is measured beside it.

    bash scripts/with-display.sh python benchmarks/painting.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from _table import add_write_option, markdown_table, publish
from window import Stalls, pump, settle

SEED = 10_000_000
MOVES = 12
"""Moves of the mouse in a stroke."""

LENGTH = 120
"""Rows of a stroke."""

RADIUS = 6
LIMIT = "20 ms more"


def open_window(rows: int, columns: int, folder: Path) -> tuple[Any, Any]:
    """A viewer and the widget with a window of a whole printed log, filled with its true classes."""
    import napari

    from napari_welllog import ClassMap, print_log
    from napari_welllog.widgets.annotate import AnnotateWidget
    from napari_welllog.widgets.layers import scan_layer
    from napari_welllog.widgets.open_scan import open_scan
    from napari_welllog.widgets.view import show_rows

    log = print_log(SEED, rows=rows, columns=columns)
    viewer = napari.Viewer()
    viewer.window.resize(1600, 1000)
    data, settings, _ = scan_layer(log.scan, "scan")
    image = viewer.add_image(data, **settings)
    open_scan(image).class_map = ClassMap.from_labels(log.classes)
    widget = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Annotate labels")
    settle(1.0)
    widget.use_folder(folder)
    pump(lambda: not widget.look_bar.is_running, 60)
    show_rows(viewer, image, (0, rows), (0, columns))
    settle(0.5)
    widget.job_bar.run_button.click()
    pump(lambda: not widget.job_bar.is_running, 600)
    pump(lambda: not widget.ink_bar.is_running, 600)
    return viewer, widget


def paint(widget: Any, brush: str, way: np.ndarray) -> float:
    """Paint a stroke as the mouse does, and take stock of it; seconds."""
    layer = widget.current.layer
    places = [layer.data_to_world(tuple(point)) for point in way]
    event = SimpleNamespace(
        button=1, type="mouse_press", position=places[0], view_direction=None, dims_displayed=[0, 1]
    )
    if brush == "ink brush":
        drag = widget.tools._on_drag
    else:
        from napari.layers import Labels

        drag = Labels._drag_modes[layer._mode]
    began = time.perf_counter()
    stroke = drag(layer, event)
    next(stroke)
    for kind, place in [*(("mouse_move", one) for one in places[1:]), ("mouse_release", places[-1])]:
        event.type, event.position = kind, place
        next(stroke, None)
    widget.current.take_stock()
    return time.perf_counter() - began


def measure(viewer: Any, widget: Any, strokes: int) -> SimpleNamespace:
    """Paint strokes all over the window by both brushes in turn."""
    from napari_welllog.widgets.painting import BRUSH, INK_BRUSH
    from napari_welllog.widgets.view import show_rows

    rows, columns = widget.current.place.shape
    random = np.random.default_rng(SEED)
    seconds: dict[str, list[float]] = {"ink brush": [], "napari's brush": []}
    canvas: list[float] = []
    widget.tools.choose_radius(RADIUS)
    for number in range(strokes):
        top = int(random.integers(0, rows - LENGTH))
        down = np.linspace(top, top + LENGTH, MOVES)
        across = columns * random.uniform(0.1, 0.9) + np.cumsum(random.normal(0, 8, MOVES))
        way = np.stack([down, np.clip(across, 0, columns - 1)], axis=1)
        show_rows(viewer, widget.current.layer, (top - 60, top + LENGTH + 60), (0, columns - 1))
        settle(0.05)
        order = list(seconds) if number % 2 else list(seconds)[::-1]
        for brush in order:
            widget.tools.choose(INK_BRUSH if brush == "ink brush" else BRUSH)
            for curve_class in (1, 2):
                widget.tools.choose_class(curve_class)
                seconds[brush].append(paint(widget, brush, way))
                began = time.perf_counter()
                viewer.window._qt_viewer.canvas.native.repaint()
                canvas.append(time.perf_counter() - began)
            settle(0.02)
            widget.current.layer.undo()  # both brushes find the same labels
            widget.current.layer.undo()
            settle(0.02)
    return SimpleNamespace(seconds={k: np.array(v) for k, v in seconds.items()}, canvas=np.array(canvas))


def measure_saving(widget: Any, strokes: int) -> SimpleNamespace:
    """How long the GUI thread is away while strokes are being saved, and how long the disk takes beside it."""
    from napari_welllog.widgets.painting import INK_BRUSH

    rows, columns = widget.current.place.shape
    widget.tools.choose(INK_BRUSH)
    settle(1.0)
    widget.saved.flush()
    stalls = Stalls()
    handing, saving, worst = [], [], []
    for number in range(strokes):
        widget.tools.choose_class(1 + number % 2)
        top = (number * LENGTH) % (rows - LENGTH)
        paint(widget, "ink brush", np.array([[top, columns / 2], [top + LENGTH, columns / 2]]))
        began = time.perf_counter()
        widget._save(widget.current)
        handing.append(time.perf_counter() - began)
        settle(0.02)
        stalls.reset()
        began = time.perf_counter()
        widget._save(widget.current)
        pump(lambda: widget.saved.state.saved and "disk" in widget.save_label.text(), 60)
        saving.append(time.perf_counter() - began)
        worst.append(stalls.worst)
    stalls.timer.stop()
    return SimpleNamespace(handing=np.array(handing), saving=np.array(saving), worst=np.array(worst))


def milliseconds(seconds: float) -> str:
    """A short time."""
    return f"{1000 * seconds:.1f} ms"


def report(strokes: SimpleNamespace, saving: SimpleNamespace, shape: tuple[int, int]) -> str:
    """The tables."""
    ink, own = strokes.seconds["ink brush"], strokes.seconds["napari's brush"]

    def row(what: str, times: np.ndarray, limit: str = "") -> list[str]:
        worst = [np.median(times), np.percentile(times, 95), times.max()]
        return [what, *(milliseconds(float(one)) for one in worst), limit]

    table = [
        row("the ink brush", ink),
        row("napari's own brush", own),
        row("the ink brush beyond it, stroke by stroke", ink - own, LIMIT),
        row("beside it, napari's own drawing of the canvas", strokes.canvas),
        row("handing all labels to the saver", saving.handing),
        row("longest stall of the window while they are saved", saving.worst),
        row("until they are on the disk", saving.saving),
    ]
    return (
        f"A window of {shape[0]:,} x {shape[1]:,} pixels, {len(ink)} strokes of {LENGTH} rows and {MOVES} moves by "
        f"each brush, radius {RADIUS}:\n\n"
        + markdown_table(["what", "median", "95th percentile", "slowest", "asked for"], table)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=8192, help="rows of the window (default 8192)")
    parser.add_argument("--columns", type=int, default=1664, help="its columns (default 1664)")
    parser.add_argument("--strokes", type=int, default=100, help="strokes by each brush (default 100)")
    add_write_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        viewer, widget = open_window(options.rows, options.columns, Path(folder) / "annotations")
        shape = widget.current.place.shape
        strokes = measure(viewer, widget, -(-options.strokes // 2))
        saving = measure_saving(widget, min(options.strokes, 20))
        viewer.close()
        settle(0.5)
    publish("painting", report(strokes, saving, shape), options.write)


if __name__ == "__main__":
    main()
