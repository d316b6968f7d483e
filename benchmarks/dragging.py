"""How quickly *Compare at crossings* answers: finding crossings, following a track, and dragging the line.

A printed log of the size of a real scan is opened in a real viewer and the line is dragged all over it, as the mouse
does: every step moves the line, reads what is under it, cuts the path off there and plots all of it anew. The
plots are painted within the time that is measured; the canvas's own drawing, which napari does, is measured beside it.

    bash scripts/with-display.sh python benchmarks/dragging.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
from _table import add_write_option, markdown_table, publish
from window import milliseconds, pump, settle

SEED = 10_000_000
LIMIT = "16 ms, 33 ms"


def print_log_of(rows: int, columns: int) -> Any:
    """A printed log of a size, of a seed that no training saw, with curves in both tracks."""
    from napari_welllog import print_log
    from napari_welllog.synthetic import PressSettings

    return print_log(SEED, PressSettings(single_one=0.0, single_two=0.0), rows=rows, columns=columns)


def measure_engine(log: Any, class_map: Any) -> list[list[str]]:
    """Seconds for the crossings and for each follower."""
    from napari_welllog import extract_traces, find_crossings, follow
    from napari_welllog.followers import METHODS, find_starts, prepare

    rows, crossings, seconds = [], 0, 0.0
    preparing, walking = [], {method: [] for method in METHODS}
    for track in log.tracks.tracks:
        traces = extract_traces(class_map, track)
        began = time.perf_counter()
        crossings += len(find_crossings(traces, track=track))
        seconds += time.perf_counter() - began
        began = time.perf_counter()
        ink = prepare(log.scan, track)
        ink.links, ink.as_lists  # noqa: B018 - made when they are first asked for
        preparing.append(time.perf_counter() - began)
        for start in find_starts(class_map, track, traces).values():
            for method in METHODS:
                began = time.perf_counter()
                follow(ink, start, method)
                walking[method].append(time.perf_counter() - began)
    rows.append(
        [f"find the {crossings} crossings of both tracks, from the traces", milliseconds(seconds), "1 s"]
    )
    for method, times in walking.items():
        rows.append(
            [f"{method} walks down a track: slowest of {len(times)}", milliseconds(max(times)), "1 s"]
        )
    rows.append(["ink of a track prepared, once for all followers", milliseconds(max(preparing)), ""])
    return rows


def measure_dragging(log: Any, class_map: Any, steps: int) -> SimpleNamespace:
    """Drag the line over the scan in a real viewer."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_welllog.widgets.crossings import AT_TOP
    from napari_welllog.widgets.layers import scan_layer
    from napari_welllog.widgets.open_scan import open_scan
    from napari_welllog.widgets.view import show_rows

    viewer = napari.Viewer()
    viewer.window.resize(1600, 1000)
    data, settings, _ = scan_layer(log.scan, "scan", {"tracks": log.tracks})
    image = viewer.add_image(data, **settings)
    open_scan(image).class_map = class_map
    _, widget = viewer.window.add_plugin_dock_widget("napari-welllog", "Compare at crossings")
    settle(1.0)
    began = time.perf_counter()
    widget.job_bar.run_button.click()
    pump(lambda: not widget.job_bar.is_running, 3600)
    scoring = time.perf_counter() - began
    widget.start.setCurrentText(AT_TOP)
    pump(lambda: widget.path is not None, 60)
    plots = widget.plots
    computing, canvas = [], []
    top, bottom = widget.study.rows
    left, right = widget.study.ink.columns
    reach = 260
    for middle in np.linspace(top + reach, bottom - reach, 20):
        show_rows(viewer, image, (middle - reach, middle + reach), (left, right))
        settle(0.2)
        for row in np.linspace(middle - reach, middle + reach, steps // 20):
            began = time.perf_counter()
            widget.line.dragged.emit(float(row))
            for part in (plots.ink, plots.classes, plots.strip, plots.verdict):
                (part.viewport() if hasattr(part, "viewport") else part).repaint()
            computing.append(time.perf_counter() - began)
            began = time.perf_counter()
            viewer.screenshot(flash=False)
            canvas.append(time.perf_counter() - began)
            QApplication.processEvents()
    found = SimpleNamespace(
        computing=np.array(computing),
        canvas=np.array(canvas),
        scoring=scoring,
        crossings=len(widget.session.places),
        path=len(widget.path.column),
    )
    viewer.close()
    return found


def report(engine: list[list[str]], drag: SimpleNamespace, log: Any) -> str:
    """The tables."""
    rows = [
        [
            name,
            milliseconds(float(np.median(times))),
            milliseconds(float(np.percentile(times, 95))),
            milliseconds(float(times.max())),
            limit,
        ]
        for name, times, limit in (
            ("the widget: line, path, reading the row, plots painted", drag.computing, LIMIT),
            ("beside it, napari's own drawing of the canvas, read back", drag.canvas, ""),
        )
    ]
    scored = f"all four followers through the {drag.crossings} crossings on both curves, in the background"
    engine = [*engine, [scored, f"{drag.scoring:.0f} s", ""]]
    rows_of, columns_of = log.scan.shape
    return "\n\n".join(
        [
            f"A printed log of {rows_of:,} x {columns_of:,} pixels; the path that is cut off at the line has "
            f"{drag.path:,} rows. {len(drag.computing)} steps of the mouse all over the scan:",
            markdown_table(["a step of dragging", "median", "95th percentile", "slowest", "asked for"], rows),
            markdown_table(["what", "time", "asked for"], engine),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=17_864, help="rows of the scan (default 17864)")
    parser.add_argument("--columns", type=int, default=1664, help="its columns (default 1664)")
    parser.add_argument("--steps", type=int, default=400, help="steps of the mouse (default 400)")
    add_write_option(parser)
    options = parser.parse_args()

    from napari_welllog import segment

    log = print_log_of(options.rows, options.columns)
    class_map = segment(log.scan)
    engine = measure_engine(log, class_map)
    drag = measure_dragging(log, class_map, options.steps)
    publish("dragging", report(engine, drag, log), options.write)


if __name__ == "__main__":
    main()
