"""From launching napari to a LAS file as a new user goes, by mouse and keys alone: how long each step takes.

Launch, drop the file on the window, segment, calibrate from nothing, extract, look at doubtful stretches, correct
one, undo that, export. What is to be set in the calibration is read from a tracks.json, which the copy of the scan
in front of the user does not have beside it. Seconds are those of the machine: nobody thinks or reads meanwhile.
Without a display, run it under one:

    bash scripts/with-display.sh python benchmarks/walkthrough.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _table import add_write_option, markdown_table, publish

WINDOW_SIZE = (1600, 950)
PATIENCE = 300
DOUBTS = 3


class Hand:
    """Mouse and keyboard, which count what they do.

    Parameters
    ----------
    viewer : the viewer in front of which the user sits.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.canvas = viewer.window._qt_viewer.canvas.native
        self.deeds = 0

    def click(self, button: Any) -> None:
        """Click a button where it can be seen and used."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        _scroll_to(button)
        if not button.isVisible() or not button.isEnabled():
            raise SystemExit(f"A user could not press {button.text()!r}.")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        self.deeds += 1

    def type_into(self, field: Any, text: str, end: str = "Key_Tab") -> None:
        """Replace what a field holds, and leave it."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        _scroll_to(field)
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
        # Without a window manager no field ever loses the focus, so that Enter has to end what Tab would.
        end = end if field.hasFocus() else "Key_Return"
        QTest.keyClick(field, getattr(Qt.Key, end))
        settle(0.05)
        self.deeds += 1

    def choose(self, box: Any, text: str) -> None:
        """Choose an item of a combo box by its first letters."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        _scroll_to(box)
        box.setFocus()
        QTest.keyClick(box, Qt.Key.Key_Home)
        while box.currentText() != text and box.currentIndex() < box.count() - 1:
            QTest.keyClick(box, Qt.Key.Key_Down)
        box.activated.emit(box.currentIndex())
        self.deeds += 1

    def key(self, name: str, control: bool = False) -> None:
        """Press a key over the canvas."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        held = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
        self.canvas.setFocus()
        QTest.keyClick(self.canvas, getattr(Qt.Key, f"Key_{name}"), held)
        settle()
        self.deeds += 1

    def drag(self, layer: Any, *points: tuple[float, float]) -> None:
        """Press at the first row and column, go over the others, and let go; a single point is a click."""
        from qtpy.QtCore import QEvent

        self._send(layer, QEvent.Type.MouseMove, points[0], held=False)
        self._send(layer, QEvent.Type.MouseButtonPress, points[0])
        for point in points[1:]:
            self._send(layer, QEvent.Type.MouseMove, point)
            # napari drops moves that come faster than a screen shows them.
            settle(0.03)
        self._send(layer, QEvent.Type.MouseButtonRelease, points[-1])
        settle()
        self.deeds += 1

    def look_at(self, layer: Any, rows: tuple[float, float], columns: tuple[float, float]) -> None:
        """Move and zoom the canvas."""
        from napari_welllog.widgets.view import show_rows

        show_rows(self.viewer, layer, rows, columns)
        settle()
        self.deeds += 1

    def _send(self, layer: Any, kind: Any, point: tuple[float, float], held: bool = True) -> None:
        """Send one event of the mouse to the canvas."""
        import numpy as np
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        camera, size = self.viewer.scene.camera, np.array(self.viewer.canvas.size)
        down, across = (layer.data_to_world(point) - np.array(camera.center[-2:])) * camera.zoom + size / 2
        at = QPointF(across, down)
        if not self.canvas.rect().contains(at.toPoint()):
            raise SystemExit(f"A user could not reach {point}: it is outside the canvas.")
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        is_release = kind == QEvent.Type.MouseButtonRelease
        event = QMouseEvent(
            kind,
            at,
            QPointF(self.canvas.mapToGlobal(at.toPoint())),
            none if kind == QEvent.Type.MouseMove else left,
            left if held and not is_release else none,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.canvas, event)


class Walk:
    """The steps, their seconds, and the pictures of them.

    Parameters
    ----------
    scan : a scan's file, in a folder where nothing else is.
    wanted : the calibration that the user sets.
    pictures : folder of the pictures; None for none.
    """

    def __init__(self, scan: Path, wanted: Any, pictures: Path | None) -> None:
        self.scan, self.wanted, self.pictures = scan, wanted, pictures
        self.rows: list[list[str]] = []
        self.hand: Hand | None = None

    @contextmanager
    def step(self, what: str, picture: str) -> Iterator[None]:
        """Time a step, count what the hand does in it, and take its picture."""
        before = self.hand.deeds if self.hand else 0
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        deeds = self.hand.deeds - before if self.hand else 0
        self.rows.append([what, str(deeds), f"{seconds:.1f}"])
        print(f"{seconds:6.1f} s  {what}", flush=True)
        if self.pictures is not None:
            settle(1.0)
            self.pictures.mkdir(parents=True, exist_ok=True)
            file = self.pictures / f"{len(self.rows):02}-{picture}.png"
            self.viewer.screenshot(str(file), canvas_only=False, flash=False)

    def walk(self) -> list[list[str]]:
        """Take all steps."""
        with self.step("launch napari", "launch"):
            self._launch()
        with self.step("drop the file on the window, choose the reader", "open"):
            self._drop()
        self._segment()
        self._calibrate()
        self._extract()
        self._export()
        self.viewer.close()
        return self.rows

    def _launch(self) -> None:
        """Open an empty window."""
        import napari

        self.viewer = napari.Viewer(title="napari")
        self.viewer.window.resize(*WINDOW_SIZE)
        settle()
        self.hand = Hand(self.viewer)

    def _drop(self) -> None:
        """Drop the scan's file on the window, and answer napari's question for a reader if it asks."""
        from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
        from qtpy.QtGui import QDropEvent
        from qtpy.QtWidgets import QDialogButtonBox, QRadioButton

        def answer(dialog: Any) -> None:
            ours = next(b for b in dialog.findChildren(QRadioButton) if "Well logs" in b.text())
            self.hand.click(ours)
            buttons = dialog.findChild(QDialogButtonBox)
            self.hand.click(buttons.button(QDialogButtonBox.StandardButton.Ok))

        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(self.scan))])
        window = self.viewer.window._qt_viewer
        place = QPointF(window.rect().center())
        none = Qt.KeyboardModifier.NoModifier
        event = QDropEvent(place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
        with answering(answer):
            window.dropEvent(event)
            wait(lambda: len(self.viewer.layers) > 0)
        self.hand.deeds += 1
        self.image = self.viewer.layers[0]

    def _dock(self, name: str) -> Any:
        """Open a widget from the Plugins menu."""
        dock, widget = self.viewer.window.add_plugin_dock_widget("napari-welllog", name)
        settle()
        self.hand.deeds += 1
        self.dock = dock
        return widget

    def _segment(self) -> None:
        """Give every pixel its class."""
        with self.step("open *Segment scan*", "segment-open"):
            widget = self._dock("Segment scan")
        with self.step("press *Segment*, until the last class is there", "segment"):
            self.hand.click(widget.bar.run_button)
            wait(lambda: not widget.bar.is_running)
        print(widget.result.text())

    def _calibrate(self) -> None:
        """Set the calibration from nothing."""
        with self.step("open *Calibrate tracks*", "calibrate-open"):
            self.widget = widget = self._dock("Calibrate tracks")
        with self.step("press *Propose tracks*", "propose"):
            self.hand.click(widget.bar.run_button)
            wait(lambda: not widget.bar.is_running)
        print(widget.bar.message.text())
        with self.step("two anchors: click a depth line, type its depth", "anchors"):
            self._add_anchors()
        with self.step("keep the right track, set its edges and ends", "edges"):
            self._set_tracks()
        with self.step("name, unit and scale of each curve", "curves-of-track"):
            self._set_curves()
        if any(track.ignore for track in self.wanted.tracks):
            with self.step("draw the areas to ignore", "ignore"):
                self._ignore()
        print(widget.file_line.text())

    def _add_anchors(self) -> None:
        """Click the depth lines and type their depths."""
        widget, track = self.widget, self.wanted.tracks[-1]
        anchors = self.wanted.depth.anchors
        for row, depth in (anchors[0], anchors[-1]):
            self.hand.look_at(self.image, (row - 150, row + 150), self._across(track))
            if not widget.anchor_button.isChecked():
                self.hand.click(widget.anchor_button)
            column = sum(self._across(track)) / 2
            self.hand.drag(self.image, (row + 2, column))
            self.hand.type_into(widget.depth_box, f"{depth:g}", "Key_Return")
            settle()
        self.hand.click(widget.anchor_button)

    def _set_tracks(self) -> None:
        """Remove the tracks that are not wanted, draw those that lack, and set edges and ends."""
        widget = self.widget
        corner = self.image.world_to_data(self.image.extent.world[1])
        self.hand.look_at(self.image, (0, float(corner[0])), (0, float(corner[1])))
        drafts = list(widget.draft.tracks)
        for number in reversed(range(len(drafts))):
            if not any(_same_place(drafts[number], track) for track in self.wanted.tracks):
                self._select(number)
                self.hand.click(widget.track_remove)
        for track in self.wanted.tracks:
            left, right = self._across(track)
            if not any(_same_place(draft, track) for draft in widget.draft.tracks):
                self.hand.click(widget.draw_button)
                self.hand.drag(self.image, (track.top, left), (track.bottom, right))
        for track in self.wanted.tracks:
            number = next(k for k, one in enumerate(widget.draft.tracks) if _same_place(one, track))
            self._select(number)
            for name in ("left", "right", "top", "bottom"):
                value = getattr(track, name)
                if isinstance(value, float) and widget.place.boxes[name].text() != f"{value:.12g}":
                    self.hand.type_into(widget.place.boxes[name], f"{value:.12g}")
            rows = (track.top, min(track.bottom, track.top + 900))
            self.hand.look_at(self.image, rows, self._across(track))

    def _set_curves(self) -> None:
        """Type names, units and values."""
        widget = self.widget
        for track in self.wanted.tracks:
            self._select(next(k for k, one in enumerate(widget.draft.tracks) if _same_place(one, track)))
            for curve in track.curves:
                form = widget.curves[curve.curve_class]
                self.hand.type_into(form.mnemonic.lineEdit(), curve.mnemonic)
                for field, value in (
                    (form.unit, curve.unit),
                    (form.left, f"{curve.left:g}"),
                    (form.right, f"{curve.right:g}"),
                ):
                    if field.text() != value:
                        self.hand.type_into(field, value)
                if form.scale.currentText() != curve.scale:
                    self.hand.choose(form.scale, curve.scale)
                if curve.wraps:
                    self.hand.type_into(form.wraps, str(curve.wraps))
        settle()

    def _ignore(self) -> None:
        """Draw the rectangles in which nothing is read."""
        for track in self.wanted.tracks:
            for top, bottom, left, right in track.ignore:
                self.hand.look_at(self.image, (top - 100, bottom + 100), self._across(track))
                self.hand.click(self.widget.ignore_button)
                self.hand.drag(self.image, (top + 1, left), (bottom - 1, right))

    def _extract(self) -> None:
        """Extract, look at doubtful stretches, correct one and take that back."""
        with self.step("open *Extract curves*", "extract-open"):
            self.curves = widget = self._dock("Extract curves")
        with self.step("press *Extract curves*", "extract"):
            self.hand.click(widget.job_bar.run_button)
            wait(lambda: not widget.job_bar.is_running)
        print(widget.job_bar.message.text(), widget.doubt_label.text())
        for number in range(min(DOUBTS, len(widget.extraction.doubts))):
            with self.step(f"N: doubtful stretch {number + 1}", f"doubt-{number + 1}"):
                self.hand.key("N")
            print(widget.doubt_label.text())
        with self.step("redraw a stretch by hand", "redraw"):
            self._redraw()
        with self.step("Control-Z", "undo"):
            self.hand.key("Z", control=True)
        if widget.edits.can_undo:
            raise SystemExit("Undo did not take the edit back.")

    def _redraw(self) -> None:
        """Draw 40 rows of a curve a little beside where it was traced."""
        import numpy as np

        widget = self.curves
        trace = widget.extraction.reading.traces[0][0]
        found = np.isfinite(trace.column)
        runs = np.convolve(found, np.ones(41), "valid") == 41
        first = int(np.flatnonzero(runs)[len(np.flatnonzero(runs)) // 2])
        rows = trace.top + first
        self.hand.look_at(
            self.image, (rows - 60, rows + 100), self._across(widget.extraction.tracks.tracks[0])
        )
        self.hand.click(next(b for b in widget.tool_buttons.buttons() if b.property("tool") == "redraw"))
        layer = widget.layers[0].layer
        points = [(rows + k, float(trace.column[first + k]) + 6) for k in range(0, 41, 4)]
        self.hand.drag(layer, *points)
        wait(lambda: widget.edits.can_undo)

    def _export(self) -> None:
        """Write the five files."""
        from qtpy.QtWidgets import QDialogButtonBox, QLineEdit

        out = self.scan.parent / "results"
        out.mkdir()

        def answer(dialog: Any) -> None:
            line = dialog.findChild(QLineEdit, "fileNameEdit")
            line.setText(str(out))  # pasted: what completes typing would swallow Enter
            self.hand.deeds += 1
            self.hand.click(dialog.findChild(QDialogButtonBox).buttons()[0])

        with self.step("press *Export all…*, choose a folder", "export"):
            with answering(answer):
                self.hand.click(self.curves.export_bar.run_button)
            wait(lambda: not self.curves.export_bar.is_running)
        print(self.curves.export_bar.message.text())
        if not list(out.glob("*.las")):
            raise SystemExit("There is no LAS file.")

    def _select(self, number: int) -> None:
        """Click a track in the list."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        tracks = self.widget.tracks
        _scroll_to(tracks)
        tracks.scrollToItem(tracks.item(number))
        place = tracks.visualItemRect(tracks.item(number)).center()
        QTest.mouseClick(tracks.viewport(), Qt.MouseButton.LeftButton, pos=place)
        settle()
        self.hand.deeds += 1

    def _across(self, track: Any) -> tuple[float, float]:
        """Columns of a track."""
        left, right = track.edges((track.top + track.bottom) / 2)
        return float(left), float(right)


def _same_place(one: Any, other: Any) -> bool:
    """Whether two tracks share most of their columns."""
    (left, right), (first, last) = (track.bounding_columns() for track in (one, other))
    shared = min(right, last) - max(left, first)
    return shared > 0.7 * max(right - left, last - first)


def _scroll_to(widget: Any) -> None:
    """Scroll the dock until a control can be seen."""
    from qtpy.QtWidgets import QScrollArea

    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QScrollArea):
        parent = parent.parentWidget()
    if parent is not None:
        parent.ensureWidgetVisible(widget)
        settle(0.05)


@contextmanager
def answering(answer: Callable[[Any], None]) -> Iterator[None]:
    """Answer a dialog as soon as one waits."""
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication

    timer = QTimer()
    timer.setInterval(50)

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is not None:
            timer.stop()
            answer(dialog)

    timer.timeout.connect(look)
    timer.start()
    yield
    timer.stop()


def settle(seconds: float = 0.2) -> None:
    """Let Qt lay out and draw."""
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.005)


def wait(is_done: Callable[[], bool]) -> None:
    """Wait as a person does, with the window alive."""
    end = time.perf_counter() + PATIENCE
    while not is_done():
        if time.perf_counter() > end:
            raise SystemExit("A step took too long: is this machine busy?")
        settle(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scan", type=Path, metavar="FILE", help="a scan; a printed one by default")
    parser.add_argument(
        "--tracks", type=Path, metavar="FILE", help="what to set; STEM.tracks.json beside the scan by default"
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="keep a picture of each step")
    parser.add_argument("--results", type=Path, metavar="DIR", help="keep what was exported")
    add_write_option(parser)
    options = parser.parse_args()
    from napari_welllog import Tracks
    from napari_welllog.demo import print_demo_log, write_sample

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "walk"
        folder.mkdir()
        if options.scan is None:
            (Path(name) / "printed").mkdir()
            source, calibration = write_sample(print_demo_log(), Path(name) / "printed")
        else:
            source = options.scan
            calibration = options.tracks or source.with_name(f"{source.stem}.tracks.json")
        scan = Path(shutil.copyfile(source, folder / source.name))
        steps = Walk(scan, Tracks.load(calibration), options.pictures).walk()
        if options.results is not None:
            shutil.copytree(folder, options.results, dirs_exist_ok=True)
    total = sum(float(seconds) for _, _, seconds in steps)
    deeds = sum(int(count) for _, count, _ in steps)
    table = markdown_table(
        ["step", "clicks, fields, keys", "seconds"], [*steps, ["all", str(deeds), f"{total:.1f}"]]
    )
    publish("walkthrough" if options.scan is None else f"walkthrough-{source.stem}", table, options.write)


if __name__ == "__main__":
    main()
