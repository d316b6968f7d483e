"""A napari window on a digitised scan: the scan, its classes and its curves."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_welllog.curves import Trace
from napari_welllog.tracks import Curve
from napari_welllog.widgets.display import DisplayError, has_display, virtual_display
from napari_welllog.widgets.layers import class_map_layer, curves_layer, scan_layer, show_layer

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel

WINDOW_SIZE = (1500, 950)
_PATIENCE = 600
_RUN_WINDOW = f"import sys; from {__name__} import run_window; run_window(*sys.argv[1:])"


@dataclass(frozen=True)
class Result:
    """What the window shows.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    labels : uint8 (rows, columns)
        The class map.
    traces : pairs of Curve and Trace
        The traces, each with the curve that it is.
    view : top, bottom, left, right
        The part of the scan to show at first.
    title : str
        Title of the window.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    traces: Sequence[tuple[Curve, Trace]]
    view: tuple[float, float, float, float]
    title: str


def show_result(viewer: Viewer | ViewerModel, result: Result) -> None:
    """Show a digitised scan in a viewer, or show it anew after another run.

    Parameters
    ----------
    viewer : napari Viewer
        Where to show it.
    result : Result
        What to show.
    """
    scan = show_layer(viewer, scan_layer(result.pixels))
    show_layer(viewer, class_map_layer(result.labels, over=scan))
    show_layer(viewer, curves_layer(result.traces, over=scan))
    zoom_to(viewer, *result.view)


def zoom_to(viewer: Viewer | ViewerModel, top: float, bottom: float, left: float, right: float) -> None:
    """Zoom until the canvas holds these rows and columns, and no more than it must beside them."""
    height, width = viewer.canvas.size
    viewer.scene.camera.center = ((top + bottom) / 2, (left + right) / 2)
    viewer.scene.camera.zoom = min(height / (bottom - top), width / (right - left))


def open_window(result: Result) -> None:
    """Open a window on a result and stay until it is closed.

    Parameters
    ----------
    result : Result
        What to show.

    Raises
    ------
    DisplayError
        When no window can be opened here.
    """
    if not has_display():
        raise DisplayError("There is no display to open a window on.")
    _in_another_process(None, result)


def picture_of_window(result: Result, path: Path) -> None:
    """Write the picture of the window, on a virtual display where there is none.

    Parameters
    ----------
    result : Result
        What to show.
    path : Path
        PNG file to write.

    Raises
    ------
    DisplayError
        When no window can be opened, virtual display or not.
    """
    if has_display():
        _in_another_process(path, result)
    else:
        with virtual_display():
            _in_another_process(path, result)


def _in_another_process(picture: Path | None, result: Result) -> None:
    """Run the window in a process of its own, because Qt aborts a process whose window cannot open."""
    with tempfile.TemporaryDirectory(prefix="welllog-window-") as name:
        folder = Path(name)
        (folder / "result").write_bytes(pickle.dumps(result))
        command = [sys.executable, "-c", _RUN_WINDOW, str(folder / "result")]
        if picture is None:
            failed, complaints = subprocess.run(command).returncode != 0, ""
        else:
            # A picture shows napari as it comes, not as this user arranged it.
            environment = os.environ | {"NAPARI_CONFIG": str(folder / "napari.yaml")}
            failed, complaints = _run_quietly([*command, str(picture)], environment)
    if failed:
        raise DisplayError(f"The napari window did not open{_reason(complaints)}")


def _run_quietly(command: list[str], environment: Mapping[str, str]) -> tuple[bool, str]:
    """Run a command; tell whether it failed, and what it wrote to standard error."""
    try:
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return True, f"it took over {_PATIENCE} seconds"
    return run.returncode != 0, run.stderr


def _reason(complaints: str) -> str:
    """Say what the window's process complained about, on one line."""
    if "xcb-cursor" in complaints:
        return ", for want of a library: install it (Debian and Ubuntu: apt-get install libxcb-cursor0)."
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    return f": {lines[-1][:200]}" if lines else "."


def run_window(result_file: str, picture: str | None = None) -> None:
    """Open the window in this process and stay until it is closed, or take its picture and close it.

    Parameters
    ----------
    result_file : str
        File with a pickled `Result`, written by this module a moment ago.
    picture : str, optional
        PNG file to write.
    """
    import napari

    result: Result = pickle.loads(Path(result_file).read_bytes())
    viewer = napari.Viewer(title=result.title)
    viewer.window.resize(*WINDOW_SIZE)
    _let_window_settle()
    show_result(viewer, result)
    if picture is None:
        with suppress(KeyboardInterrupt):
            napari.run()
        return
    _let_window_settle()
    viewer.screenshot(picture, canvas_only=False, flash=False)
    viewer.close()


def _let_window_settle(seconds: float = 1.0) -> None:
    """Let Qt lay out and draw what has been asked for."""
    from qtpy.QtCore import QDeadlineTimer, QEventLoop
    from qtpy.QtWidgets import QApplication

    deadline = QDeadlineTimer(int(1000 * seconds))
    while not deadline.hasExpired():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)
