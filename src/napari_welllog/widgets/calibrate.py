"""Calibrate tracks: where the tracks of a scan are, which depth each row has, and what the curves measure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QApplication,
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_welllog.calibrate import Review
from napari_welllog.errors import TracksError, WelllogError
from napari_welllog.tracks import Curve, Tracks, propose_tracks
from napari_welllog.tracks.anchors import line_near
from napari_welllog.tracks.editing import (
    Draft,
    Handle,
    History,
    Rectangle,
    drag,
    new_curve,
    rectangle_between,
    to_python,
    track_at,
    with_anchor,
    with_anchors,
    with_changed_track,
    with_corner,
    with_curve,
    with_ignored,
    with_track,
    with_unit,
    without_corner,
    without_ignored,
    without_track,
)
from napari_welllog.widgets.calibration_anchors import AnchorTable
from napari_welllog.widgets.calibration_canvas import CalibrationCanvas, Mode
from napari_welllog.widgets.calibration_file import CalibrationFile
from napari_welllog.widgets.calibration_forms import CurveForm, TrackForm, mark, number_or_text
from napari_welllog.widgets.docks import ScrollColumn, join_tabs
from napari_welllog.widgets.jobs import JobBar
from napari_welllog.widgets.keys import KEYS, with_key
from napari_welllog.widgets.layer_choice import ImageChoice
from napari_welllog.widgets.open_scan import OpenScan
from napari_welllog.widgets.paper_reading import PaperReading
from napari_welllog.widgets.view import is_cleared, itself, show_place

if TYPE_CHECKING:
    import napari.viewer

ENDING = ".tracks.json"
_FILTER = "Calibration (*.tracks.json *.json);;All files (*)"
_UNITS = {"row (depths not known)": "row", "ft": "ft", "m": "m"}

_histories: WeakKeyDictionary[OpenScan, History[Draft]] = WeakKeyDictionary()
"""What was done to each scan, kept while it is open, so that another scan can be looked at meanwhile."""


class CalibrateWidget(QWidget):
    """Tells tracks, depths and scales of a scan, drawn over it as a grid while they change.

    Other widgets learn of each change by `OpenScan.tracks_changed`; of a drag, when it ends.

    Parameters
    ----------
    viewer : napari Viewer
        The viewer that shows the scan.
    parent : QWidget, optional
        The widget that it is part of.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        viewer = itself(viewer)
        self._viewer = viewer
        self._scan: OpenScan | None = None
        self._size = (1, 1)
        self._waiting_row: float | None = None
        self._drag_start: Draft | None = None
        self._file = CalibrationFile()
        self.canvas = CalibrationCanvas(
            viewer, {"undo calibration": self.undo, "redo calibration": self.redo}
        )
        self._make_controls()
        self._lay_out()
        self._connect()
        self._follow_choice()

    # --- The controls ---

    def _make_controls(self) -> None:
        """Make the controls."""
        self.choice = ImageChoice(self._viewer)
        self.bar = JobBar("Propose tracks")
        self.bar.run_button.setToolTip("Find the tracks of the scan from its printed grid")
        self.paper = PaperReading()
        self.draw_button = _button("Draw track", "Draw the rectangle of a track on the scan", checkable=True)
        self.anchor_button = _button(
            "Add anchor", "Click a printed depth line on the scan, then type its depth", checkable=True
        )
        self.ignore_button = _button(
            "Ignore area", "Draw a rectangle in which nothing is read, such as a stamp", checkable=True
        )
        self.undo_button = _button("Undo", with_key("Undo the last change", "undo calibration"))
        self.redo_button = _button("Redo", with_key("Redo what was undone", "redo calibration"))
        self._make_depth_controls()
        self._make_track_controls()
        self._make_file_controls()

    def _make_depth_controls(self) -> None:
        """Make the controls of the depth."""
        self.unit = QComboBox()
        self.unit.addItems(list(_UNITS))
        self.unit.setToolTip("The unit of the printed depths; row forgets the anchors")
        self.depth_label, self.depth_box = QLabel(), QLineEdit()
        self.depth_box.setPlaceholderText("depth")
        self.depth_box.setToolTip("The depth printed at the line that was clicked; Enter adds the anchor")
        self.depth_add = _button("Add", "Add the anchor (Enter)")
        self.depth_drop = _button("Drop", "Forget the line that was clicked (Escape)")
        self.depth_entry = QWidget()
        self.anchors = AnchorTable()
        self.anchor_delete = _button("Delete anchor", "Delete the selected anchors (Delete)")

    def _make_track_controls(self) -> None:
        """Make the controls of the tracks."""
        self.tracks = QListWidget()
        self.tracks.setMaximumHeight(64)
        self.tracks.setToolTip("The tracks, from left to right as they were made; double-click to rename one")
        self.track_remove = _button("Remove track", "Remove the selected track")
        self.place = TrackForm()
        self.curves = {kind: CurveForm(kind) for kind in (1, 2)}
        self.ignored = QListWidget()
        self.ignored.setMaximumHeight(44)
        self.ignored.setToolTip(
            "Rectangles of this track in which nothing is read; drag their sides on the canvas"
        )
        self.ignored_remove = _button("Remove area", "Read the selected rectangle again")

    def _make_file_controls(self) -> None:
        """Make the controls of the file."""
        self.file_line = QLabel()
        self.file_line.setWordWrap(True)
        self.load_button = _button("Load…", "Load a tracks.json, and save in it from now on")
        self.save_button = _button("Save as…", "Save in another tracks.json from now on")
        self.copy_button = _button("Copy as Python", "Copy a script that makes this calibration")

    def _lay_out(self) -> None:
        """Put the controls in place."""
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.choice)
        column.addWidget(self.bar)
        column.addWidget(self.paper)
        column.addLayout(_beside(self.draw_button, self.anchor_button, self.ignore_button))
        column.addLayout(_beside(self.undo_button, self.redo_button))
        entry = _beside(self.depth_label, self.depth_box, self.depth_add, self.depth_drop)
        entry.setContentsMargins(0, 0, 0, 0)
        self.depth_entry.setLayout(entry)
        self.depth_entry.setVisible(False)
        depth = _group("Depth", self.unit, self.depth_entry, self.anchors, self.anchor_delete)
        self.track_box = _group(
            "Tracks", self.tracks, _beside(self.track_remove, self.ignored_remove), self.place,
            *self.curves.values(), self.ignored,
        )  # fmt: skip
        for group in (self.track_box, depth):
            column.addWidget(group)
        column.addWidget(self.file_line)
        column.addLayout(_beside(self.load_button, self.save_button, self.copy_button))
        column.addStretch()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(ScrollColumn(inside))

    def _connect(self) -> None:
        """Let the controls do what they say."""
        self.choice.changed.connect(self._follow_choice)
        self.bar.run_requested.connect(self.propose)
        self.paper.changed.connect(self._show_marks)
        self.paper.picked.connect(self._show_place)
        self.paper.used.connect(self._use_reading)
        self._connect_modes()
        self._connect_depth()
        self._connect_tracks()
        self._connect_canvas()
        self.undo_button.clicked.connect(self.undo)
        self.redo_button.clicked.connect(self.redo)
        self._shortcut(KEYS["undo calibration"].key, self.undo)
        self._shortcut(KEYS["redo calibration"].key, self.redo)
        self.load_button.clicked.connect(self._ask_what_to_load)
        self.save_button.clicked.connect(self._ask_where_to_save)
        self.copy_button.clicked.connect(self.copy_as_python)
        self._file.saved.connect(lambda path: self._say_file(f"Saved in {path.name}."))
        self._file.failed.connect(lambda line: self._say_file(f"Not saved: {line}", wrong=True))
        self.destroyed.connect(_Farewell(self._file, self.canvas))

    def _shortcut(self, key: str, act: Callable[[], Any], where: QWidget | None = None) -> None:
        """Bind a key while the widget, or one in it, has the focus."""
        shortcut = QShortcut(QKeySequence(key.replace("Control", "Ctrl").replace("-", "+")), where or self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(act)

    def _connect_modes(self) -> None:
        """Let the buttons choose what the mouse does; pressing a pressed one lets it go."""
        self._modes: dict[QPushButton, Mode] = {
            self.draw_button: "track",
            self.anchor_button: "anchor",
            self.ignore_button: "ignore",
        }
        self._mode_group = QButtonGroup(self)
        self._mode_group.setExclusive(False)
        for button in self._modes:
            self._mode_group.addButton(button)
            button.toggled.connect(partial(self._toggle_mode, button))

    def _connect_depth(self) -> None:
        """Connect the controls of the depth."""
        self.unit.activated.connect(self._change_unit)
        self.depth_box.returnPressed.connect(self._add_anchor)
        self.depth_add.clicked.connect(self._add_anchor)
        self.depth_drop.clicked.connect(self._drop_anchor)
        self._shortcut("Escape", self._drop_anchor, self.depth_entry)
        self.anchors.edited.connect(self._edit_anchor)
        self.anchors.itemSelectionChanged.connect(self._show_selected_anchor)
        self.anchor_delete.clicked.connect(self._delete_anchors)
        self._shortcut("Delete", self._delete_anchors, self.anchors)

    def _connect_tracks(self) -> None:
        """Connect the controls of the tracks."""
        self.tracks.currentRowChanged.connect(lambda _: self._show_track())
        self.tracks.itemChanged.connect(self._rename)
        self.track_remove.clicked.connect(self._remove_track)
        self.place.edited.connect(self._edit_place)
        for form in self.curves.values():
            form.edited.connect(partial(self._edit_curve, form))
        self.ignored_remove.clicked.connect(self._remove_ignored)

    def _connect_canvas(self) -> None:
        """Connect what the mouse does on the canvas."""
        self.canvas.clicked.connect(self._take_line)
        self.canvas.drawn.connect(self._take_rectangle)
        self.canvas.dragged.connect(self._drag)
        self.canvas.released.connect(self._release)
        self.canvas.bent.connect(self._bend)
        self.canvas.straightened.connect(self._straighten)

    # --- The scan ---

    @property
    def draft(self) -> Draft:
        """The calibration as it is now."""
        return Draft() if self._scan is None else _histories[self._scan].value

    def _follow_choice(self) -> None:
        """Work on the scan that is chosen now."""
        self._file.finish()
        self.bar.cancel()
        self.bar.say("")
        self._drop_anchor()
        if self._scan is not None:
            self._scan.tracks_changed.disconnect(self._follow_tracks)
        self._scan = None
        try:
            scan = self.choice.scan
            if scan is not None:
                rows, columns = scan.pixels.shape
                self._size = (rows, columns)
                self._scan = scan
        except WelllogError as error:
            self.bar.fail(error)
        layer = self.choice.layer
        self.paper.show_scan(self._scan, None if layer is None else layer.metadata.get("dpi"))
        self.setUpdatesEnabled(False)
        self._open()
        self._enable()
        self.setUpdatesEnabled(True)

    def _open(self) -> None:
        """Take the calibration that is known of the scan, or the one that lies beside it."""
        scan = self._scan
        if scan is None:
            self.canvas.hide()
            self._file.open(None)
            self._say_file("")
            self._show()
            return
        scan.tracks_changed.connect(self._follow_tracks)
        _histories.setdefault(scan, History(Draft.of(scan.tracks)))
        beside = scan.beside(ENDING)
        try:
            loaded = self._file.open(beside, self._size)
        except TracksError as error:
            self.bar.fail(error)
            self._say_file(
                f"{beside.name if beside else ''} cannot be used and is left as it is: save as another."
            )
            loaded = self._file.open(None)
        else:
            self._say_file(_about_file(beside, loaded))
        if scan.tracks is None and loaded is not None:
            _histories[scan] = History(Draft.of(loaded))
            scan.tracks = loaded
        elif loaded is not None and loaded != scan.tracks:
            self._file.forget()
            self._say_file(
                f"{beside.name if beside else ''} holds another calibration, which is not overwritten: "
                "load it, or save under another name.",
                wrong=True,
            )
        self._show()

    def _enable(self) -> None:
        """Let the controls be used where there is a scan."""
        there = self._scan is not None
        for control in (
            self.bar.run_button, *self._modes, self.track_box, self.unit, self.anchors, self.load_button,
            self.save_button,
        ):  # fmt: skip
            control.setEnabled(there)
        if not there and self.choice.layer is None:
            self.bar.say("Open a scan first: drop its file on the window.")

    def _follow_tracks(self, tracks: Tracks | None) -> None:
        """Take a calibration that another widget has made."""
        scan = self._scan
        if scan is None or tracks == self._calibration():
            return
        _histories[scan].change(Draft.of(tracks))
        self._show()

    def _calibration(self) -> Tracks | None:
        """The calibration as other widgets take it; None while there is no track."""
        return self.draft.calibration(self._size[0])

    # --- Changes ---

    def change(
        self, make: Callable[[Draft], Draft], field: QWidget | None = None, step: object = None
    ) -> bool:
        """Change the draft; what cannot be used is refused in words, its field is marked, and nothing changes.

        Parameters
        ----------
        make : what makes the new draft of the present one.
        field : the field in which the change was typed.
        step : changes in a row with the same step are undone as one.

        Returns
        -------
        bool
            Whether the change was taken.
        """
        if self._scan is None:
            return False
        try:
            draft = make(self.draft).checked(*self._size)
        except TracksError as error:
            self.bar.fail(error)
            mark(field, wrong=True)
            return False
        mark(field, wrong=False)
        self.bar.say("")
        _histories[self._scan].change(draft, step)
        self._tell()
        return True

    def _tell(self) -> None:
        """Show the draft, tell it to the other widgets and save it; while it is dragged, only show it."""
        self._show()
        if self._drag_start is None and self._scan is not None:
            tracks = self._calibration()
            self._scan.tracks = tracks
            if tracks is not None:
                self._file.save_soon(tracks)
                if self._file.path is None:
                    self._say_file("Not saved: Save as… keeps the calibration in a file.")

    def undo(self) -> None:
        """Take the last change back."""
        self._go(lambda history: history.undo())

    def redo(self) -> None:
        """Redo what was undone."""
        self._go(lambda history: history.redo())

    def _go(self, way: Callable[[History[Draft]], Draft]) -> None:
        """Go to an earlier or a later draft, and forget what could not be taken."""
        if self._scan is None or self._drag_start is not None:
            return
        way(_histories[self._scan])
        self.bar.say("")
        for form in self.curves.values():
            form.shown = None
        self._tell()

    def propose(self) -> None:
        """Propose the tracks from the printed grid, in the place of those that are there."""
        scan = self._scan
        if scan is None:
            return
        pixels, had = scan.pixels, bool(self.draft.tracks)

        def take(tracks: Tracks) -> None:
            if scan is self._scan:
                self.change(lambda draft: Draft(draft.unit, draft.anchors, tuple(tracks.tracks)))
                found = len(tracks.tracks)
                then = (
                    "Undo brings the earlier ones back."
                    if had
                    else "Next: Add anchor, at two depths or more."
                )
                self.bar.say(f"{found} track{'s' if found != 1 else ''} found. {then}")

        self.bar.start(lambda job: propose_tracks(pixels), take, text="Looking for the grid")

    # --- Read from the paper ---

    def _use_reading(self, review: Review) -> None:
        """Make what is kept of a reading the calibration, in the place of the tracks and depths that are there."""
        had = bool(self.draft.tracks)
        if not self.change(review.draft):
            return
        lines = ["Taken from the paper: look at the grid over the scan."]
        lines += ["Undo brings the earlier calibration back."] if had else []
        if review.unit is None and review.anchors():
            lines.append(f"Depths are taken as {self.draft.unit}: choose the unit if they are not.")
        self.bar.say(" ".join(lines))

    def _show_marks(self, review: Review | None) -> None:
        """Draw what was read over the scan, or nothing any more."""
        self.canvas.show_marks([] if review is None else review.marks())

    def _show_place(self, place: Rectangle) -> None:
        """Move the view to what was read."""
        layer = self.choice.layer
        if layer is not None:
            show_place(self._viewer, layer, place)

    # --- Showing ---

    def _show(self) -> None:
        """Show the draft in the controls and on the canvas."""
        draft, history = self.draft, None if self._scan is None else _histories[self._scan]
        self.undo_button.setEnabled(history is not None and history.can_undo)
        self.redo_button.setEnabled(history is not None and history.can_redo)
        self.copy_button.setEnabled(bool(draft.tracks))
        self.unit.setCurrentIndex(list(_UNITS.values()).index(draft.unit))
        self.anchors.show_anchors(draft.typed_anchors, draft.unit)
        self.anchor_delete.setEnabled(bool(draft.typed_anchors))
        self._show_tracks()
        layer = self.choice.layer
        if self._scan is not None and layer is not None:
            self.canvas.show(layer, self._size[0], draft, self._waiting_row)

    def _show_tracks(self) -> None:
        """Show the list of tracks, keeping the selected one."""
        names, chosen = [track.name for track in self.draft.tracks], self.tracks.currentRow()
        self.tracks.blockSignals(True)
        while self.tracks.count() > len(names):
            self.tracks.takeItem(self.tracks.count() - 1)
        for number, name in enumerate(names):
            item = self.tracks.item(number)
            if item is None:
                item = QListWidgetItem()
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                self.tracks.addItem(item)
            item.setText(name)
        if names:
            self.tracks.setCurrentRow(min(max(chosen, 0), len(names) - 1))
        self.tracks.blockSignals(False)
        self._show_track()

    def _show_track(self) -> None:
        """Show the selected track."""
        index, tracks = self.tracks.currentRow(), self.draft.tracks
        track = tracks[index] if 0 <= index < len(tracks) else None
        self.place.show_track(track)
        self.place.setEnabled(track is not None)
        self.track_remove.setEnabled(track is not None)
        for kind, form in self.curves.items():
            curve = (
                next((curve for curve in track.curves if curve.curve_class == kind), None) if track else None
            )
            form.setEnabled(track is not None)
            form.show_curve(curve)
        chosen = self.ignored.currentRow()
        self.ignored.clear()
        for top, bottom, left, right in track.ignore if track else []:
            self.ignored.addItem(f"rows {top:.0f}–{bottom:.0f}, columns {left:.0f}–{right:.0f}")
        self.ignored.setCurrentRow(min(max(chosen, 0), self.ignored.count() - 1))
        self.ignored.setVisible(self.ignored.count() > 0)
        self.ignored_remove.setEnabled(self.ignored.count() > 0)

    def _say_file(self, line: str, wrong: bool = False) -> None:
        """Say where the calibration is kept."""
        self.file_line.setText(line)
        self.file_line.setStyleSheet("color: #e0533d" if wrong else "")

    # --- Depth ---

    def _toggle_mode(self, button: QPushButton, pressed: bool) -> None:
        """Let the mouse do what a button says, and no longer what another one says."""
        if pressed:
            for other in self._modes:
                if other is not button:
                    other.setChecked(False)
            self.canvas.take_mouse(self._modes[button])
            self._viewer.status = button.toolTip()
        elif not any(other.isChecked() for other in self._modes):
            self.canvas.take_mouse("move")
        if self.anchor_button is button and not pressed:
            self._drop_anchor()

    def _take_line(self, row: float, column: float) -> None:
        """Take the printed line that was clicked, and ask for its depth."""
        if self._scan is None:
            return
        row = min(max(row, 0.0), self._size[0] - 1.0)
        line = line_near(self._scan.pixels, row, column)
        self._waiting_row = round(row, 1) if line is None else line
        self.depth_label.setText(f"row {self._waiting_row:g}:")
        self.depth_label.setToolTip("" if line is None else "Moved to the printed line nearby")
        self.bar.say("" if line is not None else "No printed line there: the anchor lies where you clicked.")
        self.depth_entry.setVisible(True)
        self.depth_box.setFocus()
        self.depth_box.selectAll()
        self._show()

    def _add_anchor(self) -> None:
        """Take the depth that was typed for the line that was clicked."""
        row, depth = self._waiting_row, number_or_text(self.depth_box.text())
        if row is None:
            return
        if not isinstance(depth, float):
            self.bar.say(
                f"A depth is a number, not {depth!r}: type the depth printed at the line.", wrong=True
            )
            mark(self.depth_box, wrong=True)
            return
        was_rows = self.draft.unit == "row"
        if self.change(lambda draft: with_anchor(draft, row, depth), self.depth_box):
            self._drop_anchor()
            if was_rows and self.draft.unit == "ft":
                self.bar.say("Depths are taken as feet: choose m if they are metres.")
            elif len(self.draft.typed_anchors) == 1:
                self.bar.say("Add a second anchor, far from the first one.")

    def _drop_anchor(self) -> None:
        """Forget the line that was clicked."""
        mark(self.depth_box, wrong=False)
        self.depth_box.clear()
        self.depth_entry.setVisible(False)
        if self._waiting_row is not None:
            self._waiting_row = None
            self._show()

    def _edit_anchor(self, number: int, row: float | str, depth: float | str) -> None:
        """Take what was typed over an anchor."""
        anchors = list(self.draft.typed_anchors)
        texts = [text for text in (row, depth) if isinstance(text, str)]
        if texts:
            self.bar.say(f"Rows and depths are numbers, not {texts[0]!r}: mend the anchor.", wrong=True)
            self.anchors.mark_wrong(number, wrong=True)
            return
        anchors[number] = (float(row), float(depth))
        taken = self.change(lambda draft: with_anchors(draft, anchors))
        self.anchors.mark_wrong(number, wrong=not taken)

    def _delete_anchors(self) -> None:
        """Delete the selected anchors."""
        gone = set(self.anchors.selected)
        kept = [anchor for number, anchor in enumerate(self.draft.typed_anchors) if number not in gone]
        if gone:
            self.change(lambda draft: with_anchors(draft, kept))

    def _show_selected_anchor(self) -> None:
        """Move the view to the selected anchor where it is out of sight."""
        selected, layer = self.anchors.selected, self.choice.layer
        if len(selected) != 1 or layer is None or selected[0] >= len(self.draft.typed_anchors):
            return
        row, view = self.draft.typed_anchors[selected[0]][0], self.canvas.view()
        if not view.top < row < view.bottom:
            middle = (row, (view.left + view.right) / 2)
            self._viewer.scene.camera.center = tuple(layer.data_to_world(middle))

    def _change_unit(self, index: int) -> None:
        """Take another unit of depth."""
        unit: Any = list(_UNITS.values())[index]
        if not self.change(lambda draft: with_unit(draft, unit)):
            self._show()

    # --- Tracks ---

    def _take_rectangle(self, one: tuple[float, float], other: tuple[float, float]) -> None:
        """Make a track of a rectangle, or ignore it."""
        rectangle = rectangle_between(one, other, self._size)
        if self.draw_button.isChecked():
            if self.change(lambda draft: with_track(draft, rectangle)):
                self.tracks.setCurrentRow(self.tracks.count() - 1)
                self.draw_button.setChecked(False)
            return
        top, bottom, left, right = rectangle
        index = track_at(self.draft, (top + bottom) / 2, (left + right) / 2)
        index = self.tracks.currentRow() if index is None else index
        if index < 0:
            self.bar.say("Draw a track first: an area to ignore belongs to a track.", wrong=True)
        elif self.change(lambda draft: with_ignored(draft, index, rectangle)):
            self.tracks.setCurrentRow(index)
            self.ignore_button.setChecked(False)

    def _drag(self, handle: Handle, rows: float, columns: float) -> None:
        """Follow a drag on the canvas."""
        if self._drag_start is None:
            self._drag_start = self.draft
            if handle.track >= 0:
                self.tracks.setCurrentRow(handle.track)
        start = self._drag_start
        self._dragged = handle
        self.change(lambda _: drag(start, handle, rows, columns, self._size), step=("drag", id(start)))

    def _release(self) -> None:
        """Tell the end of a drag; an anchor settles on the printed line where it was dropped."""
        start, self._drag_start = self._drag_start, None
        if start is None or self._scan is None:
            return
        if self._dragged.part == "anchor":
            self._settle(self._dragged.number, id(start))
        self._tell()

    def _settle(self, number: int, step: int) -> None:
        """Put an anchor on the printed line near it."""
        if self._scan is None:
            return
        anchors = list(self.draft.anchors)
        row, depth = anchors[number]
        view = self.canvas.view()
        line = line_near(self._scan.pixels, row, (view.left + view.right) / 2)
        if line is not None:
            anchors[number] = (line, depth)
            self.change(lambda draft: with_anchors(draft, anchors), step=("drag", step))

    def _bend(self, handle: Handle, row: float, column: float) -> None:
        """Bend an edge where it was double-clicked."""
        side: Any = handle.side
        self.change(lambda draft: with_corner(draft, handle.track, side, row, column))

    def _straighten(self, handle: Handle) -> None:
        """Remove a corner."""
        side: Any = handle.side
        self.change(lambda draft: without_corner(draft, handle.track, side, handle.number))

    def _rename(self, item: QListWidgetItem) -> None:
        """Take another name for a track."""
        index, name = self.tracks.row(item), item.text().strip()
        if index < len(self.draft.tracks) and not self.change(
            lambda draft: with_changed_track(draft, index, name=name)
        ):
            self.tracks.editItem(item)

    def _remove_track(self) -> None:
        """Remove the selected track."""
        index = self.tracks.currentRow()
        if 0 <= index < len(self.draft.tracks):
            self.change(lambda draft: without_track(draft, index))

    def _edit_place(self, name: str, value: object, field: QWidget) -> None:
        """Take what was typed for an edge or an end of the selected track."""
        index = self.tracks.currentRow()
        self.change(lambda draft: with_changed_track(draft, index, **{name: value}), field)

    def _edit_curve(self, form: CurveForm, field: QWidget) -> None:
        """Take what was typed for a curve of the selected track."""
        index, kind = self.tracks.currentRow(), form.curve_class

        def make(draft: Draft) -> Draft:
            if not form.isChecked():
                return with_curve(draft, index, kind, None)
            fresh = field is form and form.shown is None
            curve = new_curve(draft, index + 1, kind) if fresh else Curve(**form.typed())
            return with_curve(draft, index, kind, curve)

        taken = self.change(make)
        form.mark_wrong(None if taken else field)
        if not taken and field is form:
            form.setChecked(form.shown is not None)

    def _remove_ignored(self) -> None:
        """Read a rectangle again."""
        index, number = self.tracks.currentRow(), self.ignored.currentRow()
        if number >= 0:
            self.change(lambda draft: without_ignored(draft, index, number))

    # --- The file ---

    def _ask_what_to_load(self) -> None:
        """Ask for a tracks.json to load."""
        folder = str(self._scan.source.parent) if self._scan is not None and self._scan.source else ""
        name, _ = QFileDialog.getOpenFileName(self, "Load a calibration", folder, _FILTER)
        if name:
            self.load(Path(name))

    def load(self, path: Path) -> None:
        """Load a tracks.json, and save in it from now on."""
        if self._scan is None:
            return
        try:
            tracks = self._file.open(path, self._size)
        except TracksError as error:
            self.bar.fail(error)
            return
        if tracks is not None and self.change(lambda _: Draft.of(tracks)):
            self._say_file(f"Loaded {path.name}; changes are saved in it.")

    def _ask_where_to_save(self) -> None:
        """Ask for a tracks.json to save in."""
        beside = self._scan.beside(ENDING) if self._scan is not None else None
        name, _ = QFileDialog.getSaveFileName(self, "Save the calibration", str(beside or ""), _FILTER)
        if name:
            self.save_as(Path(name))

    def save_as(self, path: Path) -> None:
        """Save in another tracks.json from now on."""
        self._file.save_as(path, self._calibration())

    def copy_as_python(self) -> None:
        """Copy a script that makes this calibration."""
        tracks = self._calibration()
        if tracks is not None:
            name = self._scan.name if self._scan is not None else "scan"
            clipboard = QApplication.clipboard()
            assert clipboard is not None
            clipboard.setText(to_python(tracks, self._file.path or f"{name}{ENDING}"))
            self.bar.say("Copied: paste it into a script.")

    def showEvent(self, event: Any) -> None:
        """Share the place of our other widgets."""
        super().showEvent(event)
        join_tabs(self)

    def closeEvent(self, event: Any) -> None:
        """Save what waits when the window is closed."""
        self._file.finish()
        super().closeEvent(event)


def _button(text: str, tip: str, checkable: bool = False) -> QPushButton:
    """A button with its tooltip."""
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    button.setAutoDefault(False)
    return button


def _beside(*widgets: QWidget) -> QHBoxLayout:
    """Widgets side by side."""
    row = QHBoxLayout()
    row.setSpacing(3)
    for widget in widgets:
        row.addWidget(widget)
    return row


def _group(title: str, *parts: QWidget | QHBoxLayout) -> QGroupBox:
    """Widgets and rows of widgets below each other, under a title."""
    group = QGroupBox(title)
    column = QVBoxLayout(group)
    column.setContentsMargins(4, 4, 4, 4)
    column.setSpacing(4)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(part)
    return group


def _about_file(beside: Path | None, loaded: Tracks | None) -> str:
    """Say where the calibration is kept."""
    if beside is None:
        return "This scan is no file: Save as… keeps the calibration."
    return (
        f"Loaded {beside.name}; changes are saved in it."
        if loaded
        else f"Changes are saved in {beside.name}."
    )


class _Farewell:
    """Saves what waits and lets the viewer go, once the widget is no more."""

    def __init__(self, file: CalibrationFile, canvas: CalibrationCanvas) -> None:
        self.file, self.canvas = file, canvas

    def __call__(self, _: object = None) -> None:
        # Empty when Python collected it together with the widget, and dead when it clears objects as it exits.
        if is_cleared(self):
            return
        if isalive(self.canvas):  # type: ignore[no-untyped-call]
            self.canvas.disconnect_viewer()
        if isalive(self.file):  # type: ignore[no-untyped-call]
            self.file.blockSignals(True)
            self.file.finish()
