"""The widget "Extract curves": trace, look at what is doubtful, correct by hand, plot, export."""

from __future__ import annotations

import shlex
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QApplication,
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QLabel,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_welllog.curves import Trace, extract_traces
from napari_welllog.digitize import Result, default_step, export, output_paths
from napari_welllog.edits import EditHistory, Edits, Erase, Give, Redraw
from napari_welllog.errors import Cancelled, EditsError, TracksError, WelllogError
from napari_welllog.overlay import CURVE_COLOURS
from napari_welllog.reading import Reading, reading_of
from napari_welllog.report import ModelReport, Report
from napari_welllog.review import Doubt, find_doubts
from napari_welllog.scan import Scan
from napari_welllog.tracks import Tracks
from napari_welllog.widgets.controls import make_button, side_by_side
from napari_welllog.widgets.curve_layer import CurveLayer, Tool, TrackCurves
from napari_welllog.widgets.docks import ScrollColumn, dock_of, join_tabs, put_beside
from napari_welllog.widgets.jobs import Job, JobBar
from napari_welllog.widgets.keys import bind, with_key
from napari_welllog.widgets.layer_choice import ImageChoice
from napari_welllog.widgets.open_scan import OpenScan, needed_for_traces
from napari_welllog.widgets.view import is_cleared, itself, show_rows
from napari_welllog.widgets.watch import ScanWatch

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from napari_welllog.class_map import ClassMap
    from napari_welllog.widgets.log_plot import LogPlot

EDITS_ENDING = ".edits.json"
TRACKS_ENDING = ".tracks.json"

KINDS = {
    "las": ("LAS 2.0", "LAS (*.las)"),
    "csv": ("CSV", "CSV (*.csv)"),
    "classes": ("Class map", "TIFF (*.tif)"),
    "overlay": ("Overlay", "PNG (*.png)"),
    "report": ("Report", "JSON (*.json)"),
}
"""What can be exported: its name, and its files as a file dialog filters them."""

TOOLS: dict[Tool, tuple[str, str]] = {
    "look": ("Look", "Move and zoom the canvas without changing anything"),
    "move": ("Move", "Drag the points of a curve; click a curve first to see them"),
    "redraw": ("Redraw", "Hold the mouse button and draw where the curve runs; its rows replace the curve's"),
    "erase": ("Erase", "Drag a rectangle over a stretch that is no curve"),
    "give": (
        "Give",
        "Drag a rectangle over a stretch that belongs to the other curve: the two are exchanged",
    ),
}

_AROUND_DOUBT = 120
"""Rows shown above and below a doubtful stretch."""

_PLOT_WIDTH, _OWN_WIDTH = 280, 330
"""Pixels of the two docks at first."""

_histories: weakref.WeakKeyDictionary[OpenScan, EditHistory] = weakref.WeakKeyDictionary()
"""The edits of each open scan, kept while it is open even if the widget is closed."""


@dataclass
class Extraction:
    """What the widget shows.

    Parameters
    ----------
    scan, image : the scan and the layer that shows it.
    tracks : the calibration by which it was traced.
    class_map, model : what was traced, and the network that made it.
    machine : for each track the traces without edits.
    reading : the same with edits, and the log curves.
    doubts : what to look at, each with the place of its track.
    edits : the edits that were laid over the traces.
    """

    scan: OpenScan
    image: Image
    tracks: Tracks
    class_map: ClassMap
    machine: list[list[Trace]]
    reading: Reading
    doubts: list[tuple[int, Doubt]]
    model: ModelReport | None = None
    edits: Edits | None = None

    @classmethod
    def of(
        cls,
        scan: OpenScan,
        image: Image,
        tracks: Tracks,
        class_map: ClassMap,
        machine: list[list[Trace]],
        edits: Edits,
    ) -> Extraction:
        """Lay edits over what was traced."""
        reading = Reading(tracks, [], [], [])
        extraction = cls(scan, image, tracks, class_map, machine, reading, [], scan.model)
        extraction.apply(edits)
        return extraction

    def of_tracks(self) -> list[TrackCurves]:
        """What is shown of each track."""
        curves = iter(self.reading.log_curves)
        return [
            TrackCurves(track, traces, [next(curves) for _ in traces])
            for track, traces in zip(self.tracks.tracks, self.reading.traces, strict=True)
        ]

    def apply(self, edits: Edits) -> None:
        """Lay edits over the machine's traces."""
        self.edits = edits
        self.reading = reading_of(self.tracks, self.machine, edits)
        found = [
            (place, doubt)
            for place, traces in enumerate(self.reading.traces)
            for doubt in find_doubts(traces)
        ]
        self.doubts = sorted(found, key=_place_of_doubt)


def _place_of_doubt(found: tuple[int, Doubt]) -> tuple[int, int, int]:
    """Doubts are visited down the scan, then from track to track."""
    return found[1].row_from, found[0], found[1].curve_class


class CurvesWidget(QWidget):
    """Extract curves: trace, look at what is doubtful, correct by hand, plot, export.

    Parameters
    ----------
    viewer : the viewer to work in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        viewer = itself(viewer)
        self.viewer = viewer
        self.extraction: Extraction | None = None
        self.layers: list[CurveLayer] = []
        self.plot: LogPlot | None = None
        self._window: Callable[[], QWidget | None] | None = None
        self._at_doubt: tuple[int, int, int] | None = None
        self._written: set[Path] = set()
        self._waiting: list[Callable[[], Any]] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._catch_up)
        self._build()
        self._unbind = bind(
            viewer, {"next doubtful": self.next_doubt, "previous doubtful": self.previous_doubt}
        )
        self.destroyed.connect(_Farewell(self.__dict__))
        self._scan_watch.follow()

    # --- Extracting ---

    def extract(self) -> None:
        """Trace the curves of every track off the GUI thread, and show them with the edits made before."""
        image, scan = self.choice.layer, self.choice.scan
        try:
            if image is None or scan is None:
                raise EditsError("There is no scan: open one first, or choose its layer above.")
            tracks, class_map = needed_for_traces(scan)
            edits = self._history(scan)
        except WelllogError as error:
            self.job_bar.fail(error)
            return

        def trace(job: Job) -> Extraction:
            traces: list[list[Trace]] = []
            for done, track in enumerate(tracks.tracks):
                if job.cancelled():
                    raise Cancelled
                job.progress(done / len(tracks.tracks), f"Tracing {track.name}")
                traces.append(extract_traces(class_map, track))
            job.progress(1, "Drawing")
            extraction = Extraction.of(scan, image, tracks, class_map, traces, edits.edits)
            for curves in extraction.of_tracks():
                curves.prepare()
            return extraction

        def show(extraction: Extraction) -> None:
            if image not in self.viewer.layers:
                raise TracksError("The scan was closed meanwhile: open it again.")
            if extraction.edits is not edits.edits:  # one was made meanwhile
                extraction.apply(edits.edits)
            self._show(extraction)

        self.job_bar.start(trace, show, text="Tracing")

    def _history(self, scan: OpenScan) -> EditHistory:
        """The edits of a scan: those at hand, or those in the file beside it."""
        if scan not in _histories:
            _histories[scan] = EditHistory.beside(scan.beside(EDITS_ENDING))
        return _histories[scan]

    def _show(self, extraction: Extraction) -> None:
        """Show a new extraction in the place of an earlier one."""
        for earlier in self.layers:
            earlier.release()
        self.extraction, self._at_doubt = extraction, None
        self.layers = [
            CurveLayer(self.viewer, extraction.image, curves, self._edit_soon, self._refuse)
            for curves in extraction.of_tracks()
        ]
        for curve_layer in self.layers:
            curve_layer.neighbours = [one for one in self.layers if one is not curve_layer]
            bind(curve_layer.layer, {"undo edit": self.undo, "redo edit": self.redo})
        self._list_curves()
        self._use_tool()
        self._set_step(extraction.tracks)
        self._show_plot()
        self._tell_state()
        strays = self.edits.edits.strays(extraction.tracks.tracks)
        if strays:
            names = ", ".join(sorted({f"{edit.track!r}" for edit in strays}))
            self.job_bar.say(
                f"{len(strays)} edits are of tracks or curves that are not there ({names}): they are kept and "
                "come back when the track has that name and class again.",
                wrong=True,
            )

    def _list_curves(self) -> None:
        """Offer the curves that an edit can be made to."""
        assert self.extraction is not None
        chosen = self.curve_choice.currentText()
        self.curve_choice.clear()
        self.curve_choice.addItem("the nearest", None)
        for place, track in enumerate(self.extraction.tracks.tracks):
            for curve in track.curves:
                self.curve_choice.addItem(curve.mnemonic, (place, curve.curve_class))
        self.curve_choice.setCurrentText(chosen)

    # --- Editing ---

    @property
    def edits(self) -> EditHistory:
        """The edits of the scan that is shown."""
        return EditHistory() if self.extraction is None else self._history(self.extraction.scan)

    def edit(self, edit: Redraw | Erase | Give) -> None:
        """Make an edit: it is shown, and kept beside the scan."""
        self._change(lambda: self.edits.do(edit), edit.track)

    def undo(self) -> None:
        """Take the last edit back."""
        if self.edits.can_undo:
            self._change(self.edits.undo, self.edits.edits.edits[-1].track)

    def redo(self) -> None:
        """Make the edit again that was last taken back."""
        if self.edits.can_redo:
            self._change(self.edits.redo, None)

    def _edit_soon(self, edit: Redraw | Erase | Give) -> None:
        """Make an edit when napari has finished with the mouse: the layer must not change under its hands."""
        self._soon(lambda: self.edit(edit))

    def _refuse(self, error: EditsError) -> None:
        """Say why what was drawn is no edit, and draw the curves as they were."""
        self.job_bar.fail(error)
        self._soon(lambda: self._redraw(None))

    def _soon(self, act: Callable[[], Any]) -> None:
        """Do something once the event that is being handled is over."""
        self._waiting.append(act)
        self._timer.start()

    def _catch_up(self) -> None:
        """Do what was put off."""
        while self._waiting:
            self._waiting.pop(0)()

    def _change(self, change: Callable[[], Any], track: str | None) -> None:
        """Change the edits and show it; one that cannot be saved is made all the same, and that is said."""
        if self.extraction is None:
            return
        self.job_bar.say("")
        try:
            change()
        except WelllogError as error:
            self.job_bar.say(f"The edit is made but not saved: {error}", wrong=True)
        self.extraction.apply(self.edits.edits)
        self._redraw(track)
        self._tell_state()

    def _redraw(self, track: str | None) -> None:
        """Draw the curves of a track anew, or those of all; the plot too."""
        if self.extraction is None:
            return
        of_tracks = self.extraction.of_tracks()
        for curve_layer, curves in zip(self.layers, of_tracks, strict=True):
            needed = track in (None, curves.track.name) or curve_layer.is_changed
            if needed and curve_layer.layer in self.viewer.layers:
                curve_layer.show(curves)
        if self.plot is not None:
            self.plot.show_curves(self.extraction.image, of_tracks, self.extraction.tracks.depth)

    def _use_tool(self) -> None:
        """Take up the chosen tool on the layer of the chosen curve, or on the active one."""
        checked = self.tool_buttons.checkedButton()
        tool: Tool = "look" if checked is None else checked.property("tool")
        place, curve_class = self.curve_choice.currentData() or (None, None)
        active = self.viewer.layers.selection.active
        own = [curve_layer for curve_layer in self.layers if curve_layer.layer in self.viewer.layers]
        target = next((one for one in own if one.layer is active), own[0] if own else None)
        if place is not None and place < len(self.layers):
            target = self.layers[place]
        for curve_layer in own:
            curve_layer.use(tool, curve_class if curve_layer is target else None)
        if target is not None and target in own and (tool != "look" or active is None):
            self.viewer.layers.selection.active = target.layer

    # --- Doubtful stretches ---

    def next_doubt(self) -> None:
        """Go to the next doubtful stretch; after the last comes the first."""
        self._go_to_doubt(1)

    def previous_doubt(self) -> None:
        """Go to the previous doubtful stretch; before the first comes the last."""
        self._go_to_doubt(-1)

    def _go_to_doubt(self, step: int) -> None:
        """Go on from where one was, whatever was corrected meanwhile."""
        if self.extraction is None or not self.extraction.doubts:
            return
        doubts = self.extraction.doubts
        places = [_place_of_doubt(found) for found in doubts]
        at = self._at_doubt
        if step > 0:
            number = next((k for k, place in enumerate(places) if at is None or place > at), 0)
        else:
            before = [k for k, place in enumerate(places) if at is not None and place < at]
            number = before[-1] if before else len(doubts) - 1
        self._at_doubt = places[number]
        self._show_doubt(*doubts[number])
        self._tell_doubts()

    def _show_doubt(self, place: int, doubt: Doubt) -> None:
        """Move the canvas to a doubtful stretch."""
        assert self.extraction is not None
        track, image = self.extraction.tracks.tracks[place], self.extraction.image
        rows = doubt.row_from - _AROUND_DOUBT, doubt.row_to + _AROUND_DOUBT
        left, right = track.edges((doubt.row_from + doubt.row_to) / 2)
        if self.layers[place].layer in self.viewer.layers:
            self.viewer.layers.selection.active = self.layers[place].layer
        if image in self.viewer.layers:
            show_rows(self.viewer, image, rows, (float(left) - 20, float(right) + 20))

    # --- The plot ---

    def _show_plot(self) -> None:
        """Show the curves in the plot, which is made when it is first asked for."""
        if not self.plot_button.isChecked() or self.extraction is None:
            if self.plot is not None:
                self._plot_window().setVisible(False)
            return
        if self.plot is None:
            # Late, because pyqtgraph takes a second to load.
            from napari_welllog.widgets.log_plot import LogPlot

            self.plot = LogPlot(self.viewer)
            self._dock_plot(self.plot)
        self._plot_window().setVisible(True)
        self.plot.show_curves(
            self.extraction.image, self.extraction.of_tracks(), self.extraction.tracks.depth
        )

    def _dock_plot(self, plot: LogPlot) -> None:
        """Put the plot between the canvas and this widget."""
        window = getattr(self.viewer, "window", None)
        if window is None:
            return
        window.add_dock_widget(plot, name="Log plot", area="right")
        put_beside(plot, self, (_PLOT_WIDTH, _OWN_WIDTH))

    def _plot_window(self) -> QWidget:
        """What to show or hide: the plot's dock, or the plot itself."""
        assert self.plot is not None
        return dock_of(self.plot) or self.plot

    # --- Exporting ---

    def export_all(self, folder: str | Path) -> None:
        """Write all five results into a folder, off the GUI thread."""
        if self.extraction is not None:
            self.export(output_paths(_file_name(self.extraction.scan), folder))

    def export(self, files: Mapping[str, Path]) -> None:
        """Write results, by kind, off the GUI thread; files that others wrote are replaced only when allowed."""
        if self.extraction is None:
            self.export_bar.say("There are no curves yet: extract them first.", wrong=True)
            return
        strangers = [path for path in files.values() if path.exists() and path not in self._written]
        if strangers and not self.may_overwrite(strangers):
            self.export_bar.say("Nothing was written.")
            return
        try:
            result = self._result(self.extraction)
        except WelllogError as error:
            self.export_bar.fail(error)
            return
        step, scan = self.step.value(), self.extraction.scan
        inputs = [scan.source, scan.beside(TRACKS_ENDING), scan.beside(EDITS_ENDING)]

        def write(job: Job) -> Report:
            return export(
                result,
                files,
                step,
                lambda stage, fraction: job.progress(fraction, "Writing"),
                job.cancelled,
                inputs,
            )

        def tell(report: Report) -> None:
            self._written |= set(report.files.values())
            places = sorted({str(path.parent) for path in report.files.values()})
            names = ", ".join(path.name for path in report.files.values())
            self.export_bar.say(f"Written to {', '.join(places)}: {names}")

        self.export_bar.start(write, tell, text="Writing")

    def may_overwrite(self, files: Sequence[Path]) -> bool:
        """Ask whether files that are there already may be replaced."""
        names = ", ".join(path.name for path in files)
        answer = QMessageBox.question(
            self, "Replace files?", f"{names} in {files[0].parent} will be replaced. Go on?"
        )
        return answer == QMessageBox.StandardButton.Yes

    def _result(self, extraction: Extraction) -> Result:
        """What is shown, as the engine writes it."""
        dpi = extraction.image.metadata.get("dpi")
        scan = Scan(extraction.scan.pixels, dpi, extraction.scan.source)
        name = _file_name(extraction.scan).name
        return Result(scan, extraction.class_map, extraction.reading, name, extraction.model)

    def _ask_folder(self) -> None:
        """Ask for a folder and write all results there."""
        if self.extraction is None:
            self.export_bar.say("There are no curves yet: extract them first.", wrong=True)
            return
        folder = QFileDialog.getExistingDirectory(self, "Folder of the results", str(self._folder()))
        if folder:
            self.export_all(folder)

    def _ask_file(self, kind: str) -> None:
        """Ask for a file and write one result there."""
        if self.extraction is None:
            self.export_bar.say("There are no curves yet: extract them first.", wrong=True)
            return
        proposed = output_paths(_file_name(self.extraction.scan), self._folder())[kind]
        name, _ = QFileDialog.getSaveFileName(self, KINDS[kind][0], str(proposed), KINDS[kind][1])
        if name:
            self._written.add(Path(name))  # the dialog has asked
            self.export({kind: Path(name)})

    def _folder(self) -> Path:
        """Where results are proposed to go."""
        source = self.extraction.scan.source if self.extraction is not None else None
        return source.parent if source is not None else Path.cwd()

    # --- From a script ---

    def command_text(self) -> str:
        """The command that writes the same five files."""
        return as_command(**self._script())

    def python_text(self) -> str:
        """Python that writes the same five files."""
        return as_python(**self._script())

    def _script(self) -> dict[str, Any]:
        """What a script needs to know."""
        scan = self.choice.scan
        source = Path("SCAN.tif") if scan is None else _file_name(scan)
        tracks = (
            None if scan is None or scan.tracks is None else source.with_name(source.stem + TRACKS_ENDING)
        )
        edited = scan is not None and scan in _histories and bool(_histories[scan].edits)
        edits = source.with_name(source.stem + EDITS_ENDING) if edited else None
        step = self.step.value() if self.extraction is not None else None
        model = scan.model_option if scan is not None else None
        return {"scan": source, "tracks": tracks, "edits": edits, "step": step, "model": model}

    def _copy(self, text: str) -> None:
        """Put text on the clipboard."""
        clipboard = QApplication.clipboard()
        assert clipboard is not None
        clipboard.setText(text)
        scan = self.choice.scan
        lacking = scan is not None and scan.source is None
        note = f" This scan has no file: save it as {_file_name(scan)} first." if lacking and scan else ""
        self.export_bar.say(f"Copied.{note}")

    # --- What is said ---

    def showEvent(self, event: Any) -> None:
        """Share the place of our other widgets."""
        super().showEvent(event)
        self._window = weakref.ref(self.window())  # a strong one would keep napari's window from being freed
        join_tabs(self)

    def _tell_state(self) -> None:
        """Say what there is, and what to do next."""
        self.state.setText(self._state_text())
        shown = self.extraction is not None
        for widget in (self.doubt_box, self.edit_box):
            widget.setEnabled(shown)
        self.undo_button.setEnabled(self.edits.can_undo)
        self.redo_button.setEnabled(self.edits.can_redo)
        self.table.setText("" if self.extraction is None else curve_table(self.extraction.reading))
        self.table.setVisible(shown)
        self._tell_doubts()

    def _state_text(self) -> str:
        """What is lacking, or out of date."""
        scan = self.choice.scan
        if scan is None:
            return "Open a scan first."
        if scan.class_map is None or scan.tracks is None:
            try:
                needed_for_traces(scan)
            except WelllogError as error:
                return str(error)
        if self.extraction is None or self.extraction.scan is not scan:
            return "Ready: the class map and the tracks are there."
        if self.extraction.class_map is not scan.class_map or self.extraction.tracks != scan.tracks:
            return "The class map or the tracks have changed: extract again. Your edits are kept."
        return ""

    def _tell_doubts(self) -> None:
        """Say how many stretches are doubtful, and which one is shown."""
        doubts = [] if self.extraction is None else self.extraction.doubts
        for button in (self.previous_button, self.next_button):
            button.setEnabled(bool(doubts))
        if not doubts:
            self.doubt_label.setText("" if self.extraction is None else "Nothing is doubtful.")
            return
        places = [_place_of_doubt(found) for found in doubts]
        if self._at_doubt not in places:
            self.doubt_label.setText(f"{len(doubts)} to look at")
            return
        number = places.index(self._at_doubt)
        place, doubt = doubts[number]
        assert self.extraction is not None
        curves = self.extraction.tracks.tracks[place].curves
        name = next(curve.mnemonic for curve in curves if curve.curve_class == doubt.curve_class)
        depth = self.extraction.tracks.depth
        first, last = sorted(depth.depths([doubt.row_from, doubt.row_to]))
        where = f"{first:.1f}" if last - first < 0.1 else f"{first:.1f} to {last:.1f}"
        self.doubt_label.setText(
            f"{number + 1} of {len(doubts)}: {name}, {doubt.reason}, {where} {depth.unit}"
        )

    def _set_step(self, tracks: Tracks) -> None:
        """Begin with the usual step of the depth unit."""
        if self.step.suffix().strip() != tracks.depth.unit:
            self.step.setSuffix(f" {tracks.depth.unit}")
            self.step.setValue(default_step(tracks))

    # --- How it is put together ---

    def _build(self) -> None:
        """Put the controls together, in a column that scrolls when there is no room."""
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(6, 6, 6, 6)
        self.choice = ImageChoice(self.viewer)
        self._scan_watch = ScanWatch(self.choice, self._tell_state)
        self.state, self.table = QLabel(), QLabel()
        self.state.setWordWrap(True)
        self.table.setTextFormat(Qt.TextFormat.RichText)
        self.table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.table.setToolTip("Rows of each curve by how they came about, and the mean confidence")
        self.job_bar = JobBar("Extract curves")
        self.job_bar.run_button.setToolTip("Trace the curves of every track through the class map")
        self.job_bar.run_requested.connect(self.extract)
        for widget in (self.choice, self.state, self.job_bar, self.table):
            layout.addWidget(widget)
        for box in (self._build_doubts(), self._build_editing(), self._build_export()):
            layout.addWidget(box)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ScrollColumn(column))

    def _build_doubts(self) -> QGroupBox:
        """Going from one doubtful stretch to the next, and the plot."""
        self.doubt_box = QGroupBox("Check")
        self.previous_button = make_button(
            "Previous",
            with_key("Go to the previous doubtful stretch", "previous doubtful"),
            self.previous_doubt,
        )
        self.next_button = make_button(
            "Next", with_key("Go to the next doubtful stretch", "next doubtful"), self.next_doubt
        )
        self.doubt_label = QLabel()
        self.doubt_label.setWordWrap(True)
        self.doubt_label.setToolTip("Low confidence, a long bridge, or the end of a missing stretch")
        self.plot_button = QPushButton("Log plot")
        self.plot_button.setCheckable(True)
        self.plot_button.setChecked(True)
        self.plot_button.setToolTip("Show the curves in their units beside the canvas")
        self.plot_button.toggled.connect(self._show_plot)
        layout = QVBoxLayout(self.doubt_box)
        layout.addLayout(side_by_side(self.previous_button, self.next_button, self.plot_button))
        layout.addWidget(self.doubt_label)
        return self.doubt_box

    def _build_editing(self) -> QGroupBox:
        """The tools of correction, undo and redo."""
        self.edit_box = QGroupBox("Correct")
        self.curve_choice = QComboBox()
        self.curve_choice.setToolTip("The curve to correct; the nearest is found from what you draw")
        self.curve_choice.addItem("the nearest", None)
        self.curve_choice.activated.connect(self._use_tool)
        self.tool_buttons = QButtonGroup(self)
        buttons = []
        for tool, (name, tip) in TOOLS.items():
            button = make_button(name, tip, self._use_tool)
            button.setCheckable(True)
            button.setProperty("tool", tool)
            self.tool_buttons.addButton(button)
            buttons.append(button)
        buttons[0].setChecked(True)
        self.undo_button = make_button("Undo", with_key("Take the last edit back", "undo edit"), self.undo)
        self.redo_button = make_button(
            "Redo", with_key("Make the edit again that was undone", "redo edit"), self.redo
        )
        layout = QVBoxLayout(self.edit_box)
        form = QFormLayout()
        form.addRow("Curve", self.curve_choice)
        layout.addLayout(form)
        layout.addLayout(side_by_side(*buttons[:3]))
        layout.addLayout(side_by_side(*buttons[3:]))
        layout.addLayout(side_by_side(self.undo_button, self.redo_button))
        return self.edit_box

    def _build_export(self) -> QGroupBox:
        """The results, one by one or all at once, and how a script makes them."""
        box = QGroupBox("Export")
        self.step = QDoubleSpinBox()
        self.step.setDecimals(4)
        self.step.setRange(0.0001, 10_000)
        self.step.setValue(0.5)
        self.step.setToolTip("Distance of the samples in LAS and CSV")
        self.export_bar = JobBar("Export all…")
        self.export_bar.run_button.setToolTip(
            "Write LAS, CSV, class map, overlay picture and report to a folder"
        )
        self.export_bar.run_requested.connect(self._ask_folder)
        self.kind_buttons = {
            kind: make_button(f"{name}…", f"Write the {name} alone", partial(self._ask_file, kind))
            for kind, (name, _) in KINDS.items()
        }
        copy_command = make_button(
            "Copy as command",
            "Put the command that writes the same files on the clipboard",
            lambda: self._copy(self.command_text()),
        )
        copy_python = make_button(
            "Copy as Python",
            "Put Python that writes the same files on the clipboard",
            lambda: self._copy(self.python_text()),
        )
        layout = QVBoxLayout(box)
        form = QFormLayout()
        form.addRow("Step", self.step)
        layout.addLayout(form)
        layout.addWidget(self.export_bar)
        kinds = list(self.kind_buttons.values())
        layout.addLayout(side_by_side(*kinds[:2]))
        layout.addLayout(side_by_side(*kinds[2:]))
        layout.addLayout(side_by_side(copy_command, copy_python))
        return box


def _file_name(scan: OpenScan) -> Path:
    """The scan's file, or a name for one that has none."""
    return scan.source if scan.source is not None else Path(scan.name.replace("/", "_") + ".tif")


def curve_table(reading: Reading) -> str:
    """How each curve was read, as a table in rich text."""
    cells = ["%", "traced", "bridged", "missing", "edited", "sure"]
    lines = [_cells(cells)]
    for curve in reading.curve_reports():
        counts = (curve.rows_traced, curve.rows_bridged, curve.rows_missing, curve.rows_edited)
        shares = [f"{100 * count / max(sum(counts), 1):.1f}" for count in counts]
        sure = "–" if curve.mean_confidence is None else f"{curve.mean_confidence:.2f}"
        name = f"<b style='color: {CURVE_COLOURS[curve.curve_class]}'>▉</b> {curve.mnemonic}"
        lines.append(_cells([name, *shares, sure]))
    return "<table cellspacing='0' cellpadding='2'>" + "".join(lines) + "</table>"


def _cells(texts: Sequence[str]) -> str:
    """A row of a table: the first cell to the left, the others to the right."""
    first, *others = (f"<small>{text}</small>" for text in texts)
    return f"<tr><td>{first}</td>" + "".join(f"<td align='right'>{text}</td>" for text in others) + "</tr>"


def _options(
    tracks: Path | None, edits: Path | None, step: float | None, model: str | None
) -> Iterable[tuple[str, Any]]:
    """The options that are given."""
    given = {"tracks": tracks, "edits": edits, "step": step, "model": model}
    return [(name, value) for name, value in given.items() if value is not None]


def as_command(
    scan: Path,
    tracks: Path | None = None,
    edits: Path | None = None,
    step: float | None = None,
    model: str | None = None,
) -> str:
    """The command that digitises a scan in the same way.

    Examples
    --------
    >>> as_command(Path("my log.tif"), tracks=Path("log.tracks.json"), step=0.5)
    "welllog digitize 'my log.tif' --tracks log.tracks.json --step 0.5"
    """
    options = [f"--{name} {shlex.quote(f'{value}')}" for name, value in _options(tracks, edits, step, model)]
    return " ".join(["welllog digitize", shlex.quote(str(scan)), *options])


def as_python(
    scan: Path,
    tracks: Path | None = None,
    edits: Path | None = None,
    step: float | None = None,
    model: str | None = None,
) -> str:
    """Python that digitises a scan in the same way.

    Examples
    --------
    >>> print(as_python(Path("log.tif"), tracks=Path("log.tracks.json")))
    from napari_welllog import digitize
    <BLANKLINE>
    report = digitize("log.tif", tracks="log.tracks.json")
    """
    options = [
        f'{name}="{value.as_posix()}"' if isinstance(value, Path) else f"{name}={value!r}"
        for name, value in _options(tracks, edits, step, model)
    ]
    call = ", ".join([f'"{scan.as_posix()}"', *options])
    return f"from napari_welllog import digitize\n\nreport = digitize({call})"


class _Farewell:
    """Lets go of the viewer and its layers when the widget is destroyed."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __call__(self, _: Any = None) -> None:
        # Empty when Python collected it together with the widget, or clears everything as it exits.
        if is_cleared(self) or not self.state or is_cleared(self.state["viewer"]):
            return
        self.state["_unbind"]()
        # While napari's window closes, its canvas can no longer be told that a layer changes.
        window = self.state["_window"]() if self.state["_window"] is not None else None
        closing = self.state["_window"] is not None and (
            window is None or not isalive(window)  # type: ignore[no-untyped-call]
        )
        for curve_layer in self.state["layers"]:
            curve_layer.release(closing)
        self.state["_scan_watch"].let_go()
