"""The widget "Annotate labels": windows of a scan that a person paints in, saved after every stroke."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_welllog.annotations import (
    AnnotatedWindow,
    AnnotationFolder,
    Manifest,
    Network,
    Place,
    SaveState,
    ScanIdentity,
    Suggestion,
    export_coco,
    export_pairs,
    find_pairs,
    has_coco,
    import_pairs,
    place_in_view,
    suggest_windows,
)
from napari_welllog.class_map import ClassMap
from napari_welllog.errors import AnnotationsError, WelllogError
from napari_welllog.scan import Scan
from napari_welllog.strokes import find_strand, paint
from napari_welllog.unet.regions import regions_of_tracks
from napari_welllog.widgets.annotations_in_use import ANNOTATIONS_IN_USE
from napari_welllog.widgets.controls import make_button, side_by_side
from napari_welllog.widgets.docks import ScrollColumn, join_tabs
from napari_welllog.widgets.jobs import Job, JobBar, describe
from napari_welllog.widgets.keys import bind, with_key
from napari_welllog.widgets.layer_choice import ImageChoice
from napari_welllog.widgets.looking import Looking
from napari_welllog.widgets.open_scan import OpenScan
from napari_welllog.widgets.painting import INK_BRUSH, STRAND, SWAP, PaintingTools
from napari_welllog.widgets.painting_panel import PaintingPanel
from napari_welllog.widgets.saved_folder import SavedFolder
from napari_welllog.widgets.settings import annotate_settings, remember_annotations
from napari_welllog.widgets.view import is_cleared, itself, show_rows, visible_columns, visible_rows
from napari_welllog.widgets.window_layer import WindowLayer, show_window

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

CLASS_MAP, NOTHING = "the class map", "nothing"
NO_FOLDER = "Choose the folder of your annotations first."
NO_SCAN = "There is no scan: open one first, or choose its layer above."
SAVED = "All strokes are on the disk."

_NAME = Qt.ItemDataRole.UserRole
_LOOKED_LATER = 2000
"""Milliseconds until rows that were looked at are saved by themselves; a stroke is saved at once."""

_SHOWN_ROWS = 600
"""Rows of a window that are shown when it is opened again."""

_SUGGESTIONS = 8
_NEAR = 5


class _Start(NamedTuple):
    """What a new window begins with."""

    labels: NDArray[np.uint8] | None
    network: Network | None


class AnnotateWidget(QWidget):
    """Annotate labels: open windows of a scan, paint in them, and have every stroke saved.

    Parameters
    ----------
    viewer : the viewer to work in.
    """

    _state_told = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        viewer = itself(viewer)
        self.viewer = viewer
        settings = annotate_settings()
        self.path: Path | None = settings.folder
        self.saved: SavedFolder | None = None
        self.windows: dict[str, WindowLayer] = {}
        self.listed: dict[str, Manifest] = {}
        self.current: WindowLayer | None = None
        self._suggestions: list[Suggestion] = []
        self._suggested_from: ClassMap | None = None
        self._suggestion = -1
        self._window: Any = None
        self._is_docked = False
        self.tools = PaintingTools(viewer, self._layer_keys(), self)
        self.looking = Looking(viewer, lambda: self.current, self)
        self._build(settings.annotator)
        self.tools.strand_clicked.connect(self._on_strand)
        self.looking.seen.connect(self._on_seen)
        self._state_told.connect(self._show_state)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_LOOKED_LATER)
        self._later.timeout.connect(self._save_looked_at)
        self._unsaved_looks: set[str] = set()
        self._unbind = bind(viewer, {"next suggestion": self.suggest_next})
        self._slots = (self._on_removed, self._on_active)
        viewer.layers.events.removed.connect(self._slots[0])
        viewer.layers.selection.events.active.connect(self._slots[1])
        self._farewell = _Farewell(self.__dict__)
        self.destroyed.connect(self._farewell)
        self._show_current()
        self.look_for_windows()

    def _layer_keys(self) -> dict[str, Any]:
        """The keys that hold while the layer of a window is active."""
        classes = {name: number for number, name in enumerate(("background", "curve one", "curve two"))}
        tools = {"ink brush": INK_BRUSH, "strand": STRAND, "swap": SWAP}
        return {
            **{name: partial(self._choose_class, number) for name, number in classes.items()},
            **{name: partial(self._choose_tool, tool) for name, tool in tools.items()},
        }

    def _choose_class(self, curve_class: int) -> None:
        """Paint another class."""
        self.tools.choose_class(curve_class)

    def _choose_tool(self, tool: str) -> None:
        """Take another tool."""
        self.tools.choose(tool)

    # --- The folder ---

    def browse(self) -> bool:
        """Let the user choose the folder of the annotations; whether one was chosen."""
        path = _ask_folder(self, "Folder of your annotations", self.path)
        if path is not None:
            self.use_folder(path)
        return path is not None

    def use_folder(self, path: str | Path) -> None:
        """Keep annotations in a folder; windows of an earlier folder are saved and closed."""
        self.path = Path(path)
        remember_annotations(self.path, self.annotator.text())
        self._show_path()
        self.look_for_windows()

    def look_for_windows(self) -> None:
        """Open the folder, and list the windows of the chosen scan."""
        self._suggestions, self._suggested_from = [], None
        self.look_bar.cancel()
        self.look_bar.say("")
        path, scan, saved = self.path, self.choice.scan, self.saved
        if saved is not None and saved.folder.path != path:
            self._close_folder()
            saved = None
        self._list({})
        if path is None:
            self.look_bar.say(NO_FOLDER)
        if path is None or (scan is None and saved is not None):
            return  # as when napari closes its layers, where no more work may begin

        def look(job: Job) -> tuple[AnnotationFolder, dict[str, Manifest] | WelllogError]:
            folder = saved.folder if saved is not None else AnnotationFolder.open(path, make=True)
            try:
                return folder, {} if scan is None else folder.windows_of(_identity(scan))
            except WelllogError as error:
                return folder, error

        def show(found: tuple[AnnotationFolder, dict[str, Manifest] | WelllogError]) -> None:
            folder, windows = found
            if self.saved is None:
                self.saved = SavedFolder.of(folder)
                self.saved.listener = self._state_told.emit
                self._show_state(self.saved.state)
            self._list(windows if isinstance(windows, dict) else {})
            if isinstance(windows, WelllogError):
                self.look_bar.fail(windows)

        self.look_bar.start(look, show, text="Looking for windows")

    def _list(self, windows: dict[str, Manifest]) -> None:
        """List the windows of the scan."""
        self.listed = dict(sorted(windows.items(), key=lambda item: (item[1].place.top, item[1].place.left)))
        self.list.clear()
        for name in self.listed:
            item = QListWidgetItem()
            item.setData(_NAME, name)
            self.list.addItem(item)
            self._show_item(item)
        if self.saved is not None:
            self.list_label.setText(
                f"{len(windows)} of this scan, {len(self.saved.folder.windows)} in the folder"
            )
            ANNOTATIONS_IN_USE.tell(self.saved.folder.path)

    def _show_item(self, item: QListWidgetItem) -> None:
        """Say of a window where it is and how far it is."""
        name = str(item.data(_NAME))
        place, opened = self.listed[name].place, self.windows.get(name)
        share = opened.share_looked_at if opened is not None else self.listed[name].share_looked_at
        state = ", open" if opened is not None else ""
        item.setText(f"rows {place.top} to {place.last_row}: {share:.0%} looked at{state}")
        item.setToolTip(f"{name}: columns {place.left} to {place.left + place.columns - 1}")

    def _show_items(self) -> None:
        """Say anew how far each window is."""
        for line in range(self.list.count()):
            item = self.list.item(line)
            if item is not None:
                self._show_item(item)

    # --- Opening windows ---

    def annotate_in_view(self) -> None:
        """Make a window of what is in view, and open it."""
        image, scan = self.choice.layer, self.choice.scan
        if self.path is None and not self.browse():
            self.job_bar.fail(AnnotationsError(NO_FOLDER))
            return
        try:
            if image is None or scan is None:
                raise AnnotationsError(NO_SCAN)
            saved, place = self._ready(), self._place(image)
            self._refuse_overlap(place)
            start = self._start_of(scan, place, _shape(image))
        except WelllogError as error:
            self.job_bar.fail(error)
            return
        annotator = self.annotator.text().strip()
        remember_annotations(saved.folder.path, annotator)

        def make(job: Job) -> AnnotatedWindow:
            name = saved.folder.add(
                scan.pixels, place, _identity(scan), start.labels, annotator, start.network
            )
            return saved.folder.read(name)

        self.job_bar.start(make, lambda window: self._made(window, saved, image), text="Making the window")

    def _made(self, window: AnnotatedWindow, saved: SavedFolder, image: Image) -> None:
        """Open a window that was just made."""
        if saved is self.saved and image is self.choice.layer:
            self._list(self.listed | {window.name: window.manifest})
        self._open(window, saved, image, moves=False)
        if (
            window.manifest.network is None
            and self.begin.currentText() == CLASS_MAP
            and not window.labels.any()
        ):
            self.job_bar.say("There is no curve in a class map here: the window begins empty.")

    def open_window(self, name: str) -> None:
        """Open a window of the list, or go to it if it is open."""
        image, saved = self.choice.layer, self.saved
        if name in self.windows:
            self._work_on(self.windows[name], moves=True)
        elif image is not None and saved is not None:
            self.job_bar.start(
                lambda job: saved.read(name),
                lambda window: self._open(window, saved, image, moves=True),
                text="Opening the window",
            )

    def _ready(self) -> SavedFolder:
        """The opened folder.

        Raises
        ------
        AnnotationsError : it is not open.
        """
        if self.saved is None or self.look_bar.is_running:
            raise AnnotationsError("The folder is not open yet: see the line below its name.")
        return self.saved

    def _place(self, image: Image) -> Place:
        """The window that is in view.

        Raises
        ------
        AnnotationsError : nothing of the scan is.
        """
        shape = _shape(image)
        rows, columns = visible_rows(self.viewer, image), visible_columns(self.viewer, image)
        if any(high < 0 or low > size - 1 for (low, high), size in zip((rows, columns), shape, strict=True)):
            raise AnnotationsError("Nothing of the scan is in view: move it into view.")
        return place_in_view(shape, rows, columns)

    def _refuse_overlap(self, place: Place) -> None:
        """Refuse a window over another one, and pick that one in the list.

        Raises
        ------
        AnnotationsError
        """
        for line, (name, manifest) in enumerate(self.listed.items()):
            if manifest.place.overlaps(place):
                self.list.setCurrentRow(line)
                raise AnnotationsError(
                    f"Rows {manifest.place.top} to {manifest.place.last_row} have a window already, {name}: open it, "
                    "or move until it is out of view"
                )

    def _start_of(self, scan: OpenScan, place: Place, shape: tuple[int, int]) -> _Start:
        """What a new window begins with.

        Raises
        ------
        AnnotationsError : the class map is another scan's.
        """
        class_map = scan.class_map
        if self.begin.currentText() == NOTHING or class_map is None:
            return _Start(None, None)
        if class_map.shape != shape:
            raise AnnotationsError(
                "The class map has another size than the scan: segment it again, or begin with nothing."
            )
        network = None if scan.model is None else Network(name=scan.model.name, sha256=scan.model.sha256)
        return _Start(np.array(class_map.labels[place.slices]), network)

    def _open(self, window: AnnotatedWindow, saved: SavedFolder, image: Image, moves: bool) -> None:
        """Show a window as a layer and work on it."""
        if saved is not self.saved or image not in self.viewer.layers:
            raise AnnotationsError(
                f"The scan or the folder was closed meanwhile: window {window.name} lies in the folder."
            )
        layer = show_window(self.viewer, window, image)
        opened = WindowLayer(window, layer, self._on_painted)
        self.windows[window.name] = opened
        self._show_items()
        self._work_on(opened, moves)

    def _work_on(self, window: WindowLayer, moves: bool) -> None:
        """Make a window the one that is worked on, and go to where one left off."""
        self.viewer.layers.selection.active = window.layer
        self._take(window)
        if moves:
            rows, columns = window.place.shape
            first = min(window.left_off, max(rows - _SHOWN_ROWS, 0))
            shown = first - 0.5, min(first + _SHOWN_ROWS, rows) - 0.5
            show_rows(self.viewer, window.layer, shown, (-0.5, columns - 0.5))

    def _take(self, window: WindowLayer | None) -> None:
        """Give tools and figures another window."""
        self.current = window
        self.tools.take(window)
        self._show_current()
        self.prepare_ink()

    def _on_active(self, event: Any = None) -> None:
        """Work on the window whose layer the user picked."""
        active = self.viewer.layers.selection.active
        picked = next((window for window in self.windows.values() if window.layer is active), None)
        if picked is not None and picked is not self.current:
            self._take(picked)

    # --- Painting ---

    def prepare_ink(self) -> None:
        """Find the ink of the window beforehand, so that no stroke waits for it."""
        self.ink_bar.cancel()
        self.ink_bar.say("")
        brush = self.tools.brush
        if brush is not None:
            self.ink_bar.start(lambda job: brush.prepare(job.cancelled), lambda _: None, text="Finding ink")

    def _on_strand(self, row: float, column: float) -> None:
        """Find the strand at a click, off the GUI thread because it may be long; then give it to the class."""
        window, brush = self.current, self.tools.brush
        if window is None or brush is None or self.strand_bar.is_running:
            return
        labels, curve_class = np.array(window.layer.data), self.tools.curve_class

        def find(job: Job) -> Any:
            strand = find_strand(labels, row, column, _NEAR)
            if strand is None and curve_class:
                rows, columns = labels.shape
                strand = find_strand(brush.ink((0, rows), (0, columns)), row, column, _NEAR)
            return strand

        def give(strand: Any) -> None:
            if window is not self.current or window.name not in self.windows:
                return
            if strand is None:
                self.strand_bar.say(
                    "There is neither a label nor ink at this place: click nearer to a strand."
                )
            else:
                self.tools.apply(paint(window.layer.data, strand.mask, curve_class, strand.corner))

        self.strand_bar.start(find, give, text="Finding the strand")

    def _on_painted(self, window: WindowLayer) -> None:
        """Save a stroke, and show what it did."""
        self._save(window)
        if window is self.current:
            self._show_current()

    def _save(self, window: WindowLayer) -> None:
        """Have a window saved, off the GUI thread."""
        self._unsaved_looks.discard(window.name)
        if self.saved is None:
            return
        try:
            self.saved.save(window.name, window.labels, window.looked_at)
        except WelllogError as error:
            self._say_state(describe(error), wrong=True)
        else:
            if self.saved.state.reason is None:
                self._show_state(SaveState(1, None, ""))

    def _show_state(self, state: SaveState) -> None:
        """Say whether all strokes are on the disk, and if not, why."""
        problem = next((window.problem for window in self.windows.values() if window.problem), None)
        if state.reason is not None:
            self._say_state(state.message[:1].upper() + state.message[1:], wrong=True)
        elif problem is not None:
            self._say_state(problem, wrong=True)
        else:
            self._say_state(SAVED if state.saved else "Saving…")

    def _say_state(self, text: str, wrong: bool = False) -> None:
        """Say how the saving stands."""
        self.save_label.setText(text)
        self.save_label.setStyleSheet("color: #e0533d" if wrong else "")

    # --- Rows looked at ---

    def _on_seen(self, window: WindowLayer, first: int, last: int) -> None:
        """Count rows that were in view for more than a moment."""
        if window.see(first, last):
            self._unsaved_looks.add(window.name)
            if not self._later.isActive():
                self._later.start()
            self._show_current()

    def mark_all(self) -> None:
        """Count every row of the window as looked at."""
        if self.current is not None and self.current.look_at(0, self.current.place.rows - 1):
            self._save(self.current)
            self._show_current()

    def _save_looked_at(self) -> None:
        """Save which rows were looked at."""
        for name in list(self._unsaved_looks):
            if name in self.windows:
                self._save(self.windows[name])
        self._unsaved_looks.clear()

    def _show_current(self) -> None:
        """Show the figures of the window that is worked on."""
        window = self.current
        for box in (self.panel, self.window_box):
            box.setEnabled(window is not None)
        self.window_box.setTitle(
            "This window"
            if window is None
            else f"This window, rows {window.place.top} to {window.place.last_row}"
        )
        if window is None:
            self.counts.setText("No window is open.")
            self.looked.setText("")
            return
        self.counts.setText(str(window.shares))
        self.looked.setText(f"{window.share_looked_at:.0%} of its rows looked at")
        self.mark_button.setEnabled(window.share_looked_at < 1)
        self._show_items()

    # --- Where to annotate next ---

    def suggest_next(self) -> None:
        """Go to the next window where the network is least sure."""
        image, scan = self.choice.layer, self.choice.scan
        try:
            if image is None or scan is None:
                raise AnnotationsError(NO_SCAN)
            saved, class_map = self._ready(), scan.class_map
            if class_map is None:
                raise AnnotationsError("There is no class map yet: run Segment scan first.")
        except WelllogError as error:
            self.job_bar.fail(error)
            return
        if class_map is self._suggested_from:
            self._go_to_next(image)
            return
        tracks, shape = scan.tracks, class_map.shape

        def suggest(job: Job) -> list[Suggestion]:
            regions = [] if tracks is None else regions_of_tracks(tracks, shape)
            spans = [region.columns for region in regions] or None
            existing = [manifest.place for manifest in saved.folder.windows_of(_identity(scan)).values()]
            return suggest_windows(class_map, existing, _SUGGESTIONS, spans=spans)

        def show(suggestions: list[Suggestion]) -> None:
            self._suggestions, self._suggested_from, self._suggestion = suggestions, class_map, -1
            self._go_to_next(image)

        self.job_bar.start(suggest, show, text="Finding where the network is least sure")

    def _go_to_next(self, image: Image) -> None:
        """Show the next suggestion that has no window yet; after the last comes the first."""
        taken = [manifest.place for manifest in self.listed.values()]
        free = [
            number
            for number, suggestion in enumerate(self._suggestions)
            if not any(suggestion.place.overlaps(place) for place in taken)
        ]
        if not free or image not in self.viewer.layers:
            self.job_bar.say(
                "No more suggestions: elsewhere the network is sure, or there is a window already."
            )
            return
        self._suggestion = next((number for number in free if number > self._suggestion), free[0])
        suggestion = self._suggestions[self._suggestion]
        place = suggestion.place
        # Just inside, so that what is in view is this window and not a row of its neighbours.
        columns = place.left, place.left + place.columns - 1
        show_rows(self.viewer, image, (place.top, place.last_row), columns)
        self.job_bar.say(
            f"Suggestion {self._suggestion + 1} of {len(self._suggestions)}: rows {place.top} to {place.last_row}, "
            f"where the network expects {suggestion.doubt:.0f} pixels to be wrong."
        )

    # --- Other tools ---

    def import_masks(self) -> None:
        """Add pairs of pictures and masks from other tools."""
        try:
            saved = self._ready() if self.path is not None else None
            if saved is None:
                raise AnnotationsError(NO_FOLDER)
        except WelllogError as error:
            self.job_bar.fail(error)
            return
        images = _ask_folder(self, "Folder of the pictures", saved.folder.path.parent)
        masks = None if images is None else _ask_folder(self, "Folder of their masks", images)
        if images is None or masks is None:
            return
        annotator = self.annotator.text().strip()

        def add(job: Job) -> list[str]:
            return import_pairs(saved.folder, find_pairs(images, masks), annotator)

        def tell(names: Sequence[str]) -> None:
            self.look_for_windows()
            count = "1 window was" if len(names) == 1 else f"{len(names)} windows were"
            self.job_bar.say(f"{count} added; they are of their own scans.")

        self.job_bar.start(add, tell, text="Importing")
        self.job_bar.cancel_button.setEnabled(False)  # half an import would be a riddle

    def export_masks(self) -> None:
        """Write all windows as pairs of pictures and masks for other tools, and as COCO where that is installed."""
        try:
            saved = self._ready()
            if not saved.folder.windows:
                raise AnnotationsError("The folder has no window yet: annotate one first.")
        except WelllogError as error:
            self.job_bar.fail(error)
            return
        out = _ask_folder(self, "Folder to write pictures and masks into", saved.folder.path.parent)
        if out is None:
            return

        def write(job: Job) -> list[Path]:
            saved.flush()
            files = export_pairs(saved.folder, out)
            if has_coco():
                export_coco(saved.folder, out)
            return files

        def tell(files: Sequence[Path]) -> None:
            pairs = "1 pair" if len(files) == 2 else f"{len(files) // 2} pairs"
            also = " and coco.json" if has_coco() else ""
            self.job_bar.say(f"{pairs}{also} written into {out}.")

        self.job_bar.start(write, tell, text="Exporting")
        self.job_bar.cancel_button.setEnabled(False)

    # --- What is closed ---

    def _on_removed(self, event: Any) -> None:
        """Save and close the window whose layer is removed; a scan that is closed leaves its windows open."""
        window = next((one for one in self.windows.values() if one.layer is event.value), None)
        if window is not None:
            self._close_window(window)
            self.job_bar.say(f"The layer was removed; window {window.name} is in the folder: open it again.")

    def _close_window(self, window: WindowLayer) -> None:
        """Save a window and follow its layer no more."""
        if window is self.current:
            self._take(None)
        window.let_go()
        self._save(window)
        if window.name in self.listed:
            self.listed[window.name] = self.listed[window.name].looking_at(window.looked_at)
        del self.windows[window.name]
        self._show_items()

    def _close_folder(self) -> None:
        """Save and close the windows of the folder, and let go of it."""
        for window in list(self.windows.values()):
            self._close_window(window)
            if window.layer in self.viewer.layers:
                self.viewer.layers.remove(window.layer)
        if self.saved is not None:
            _close(self.saved)
        self.saved = None

    # --- How it is put together ---

    def showEvent(self, event: Any) -> None:
        """Share the place of our other widgets."""
        super().showEvent(event)
        self._window = weakref.ref(self.window())  # a strong one would keep napari's window from being freed
        join_tabs(self)

    def event(self, event: Any) -> bool:
        """Save and close everything when napari takes the widget out of its dock: it is not destroyed with it."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parentWidget() is None and self._is_docked:
                self.retire()
            self._is_docked = self.parentWidget() is not None
        return bool(super().event(event))

    def retire(self) -> None:
        """Save and close all windows, and let go of folder and viewer for good."""
        self._is_docked = False
        for bar in (self.look_bar, self.job_bar, self.ink_bar, self.strand_bar):
            bar.cancel()
        self.looking.stop()
        self._later.stop()
        self._close_folder()
        self._farewell()

    def _show_path(self) -> None:
        """Show the folder's name, and where it is as a tooltip."""
        self.folder_button.setText("Choose…" if self.path is None else self.path.name or str(self.path))
        self.folder_button.setToolTip(
            "Choose the folder of your annotations"
            if self.path is None
            else f"{self.path}: choose another folder"
        )

    def _build(self, annotator: str) -> None:
        """Put the controls together, in a column that scrolls when there is no room."""
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(self._build_folder(annotator))
        layout.addWidget(self._build_windows())
        self.panel = PaintingPanel(self.tools)
        self.panel.ink_changed.connect(self.prepare_ink)
        self.ink_bar, self.strand_bar = JobBar(), JobBar()
        layout.addWidget(self.panel)
        for bar in (self.ink_bar, self.strand_bar):
            bar.run_button.setVisible(False)
            layout.addWidget(bar)
        layout.addWidget(self._build_window())
        self.exchange = [
            make_button(
                "Import…", "Add pictures and masks that another tool made as windows", self.import_masks
            ),
            make_button(
                "Export…", "Write all windows as pairs of plain PNG pictures, and as COCO", self.export_masks
            ),
        ]
        layout.addLayout(side_by_side(*self.exchange))
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ScrollColumn(column))
        self.job_bar.started.connect(partial(self._lock_exchange, False))
        self.job_bar.finished.connect(partial(self._lock_exchange, True))

    def _build_folder(self, annotator: str) -> QVBoxLayout:
        """Which scan, which folder, and who."""
        self.choice = ImageChoice(self.viewer)
        self.choice.changed.connect(self.look_for_windows)
        self.folder_button = QPushButton()
        self.folder_button.clicked.connect(self.browse)
        self._show_path()
        self.annotator = QLineEdit(annotator)
        self.annotator.setPlaceholderText("who annotates")
        self.annotator.setToolTip("Your name, for the manifest of each new window")
        self.look_bar = JobBar()
        self.look_bar.run_button.setVisible(False)
        form = QFormLayout()
        form.addRow("Scan", self.choice)
        form.addRow("Folder", self.folder_button)
        form.addRow("Annotator", self.annotator)
        layout = QVBoxLayout()
        layout.addLayout(form)
        layout.addWidget(self.look_bar)
        return layout

    def _build_windows(self) -> QGroupBox:
        """The windows there are, and making another."""
        box = QGroupBox("Windows")
        self.list, self.list_label = QListWidget(), QLabel()
        self.list.setToolTip("Double click a window to open it where you left off")
        self.list.setMinimumHeight(70)
        self.list.setMaximumHeight(110)
        self.list.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.list.itemActivated.connect(lambda item: self.open_window(str(item.data(_NAME))))
        self.begin = QComboBox()
        self.begin.addItems([CLASS_MAP, NOTHING])
        self.begin.setToolTip("What a new window is filled with; without a class map it begins empty")
        self.job_bar = JobBar("Annotate what is in view")
        self.job_bar.run_button.setToolTip("Make a window of what the canvas shows, of 8,192 rows at most")
        self.job_bar.run_requested.connect(self.annotate_in_view)
        self.suggest_button = make_button(
            "Suggest next",
            with_key("Go to where the network is least sure", "next suggestion"),
            self.suggest_next,
        )
        form = QFormLayout()
        form.addRow("Begin with", self.begin)
        layout = QVBoxLayout(box)
        layout.addWidget(self.list_label)
        layout.addWidget(self.list)
        layout.addLayout(form)
        layout.addWidget(self.job_bar)
        layout.addWidget(self.suggest_button)
        return box

    def _build_window(self) -> QGroupBox:
        """The figures of the window that is worked on."""
        self.window_box = QGroupBox("This window")
        self.counts, self.looked, self.save_label = QLabel(), QLabel(), QLabel()
        self.counts.setToolTip("Share of its pixels in background, curve one and curve two")
        self.looked.setToolTip(
            "Rows that you painted, and rows between them that were in view for a second; only these are trained on"
        )
        for label in (self.counts, self.looked, self.save_label):
            label.setWordWrap(True)
        self.mark_button = make_button(
            "Mark all as looked at", "Every row of the window is right: train on all of them", self.mark_all
        )
        layout = QVBoxLayout(self.window_box)
        layout.addWidget(self.counts)
        layout.addLayout(side_by_side(self.looked, self.mark_button))
        layout.addWidget(self.save_label)
        return self.window_box

    def _lock_exchange(self, free: bool) -> None:
        """Let nothing begin while something else is under way."""
        for button in (*self.exchange, self.suggest_button):
            button.setEnabled(free)


def _identity(scan: OpenScan) -> ScanIdentity:
    """Which scan it is; takes a moment, so not on the GUI thread."""
    return ScanIdentity.of(Scan(scan.pixels, source=scan.source))


def _shape(image: Image) -> tuple[int, int]:
    """Rows and columns of a scan's layer."""
    data = image.data[0] if image.multiscale else image.data
    return int(data.shape[0]), int(data.shape[1])


def _ask_folder(parent: QWidget, title: str, begin: Path | None) -> Path | None:
    """Ask for a folder; None if the user thinks better of it."""
    chosen = QFileDialog.getExistingDirectory(parent, title, str(begin or ""))
    return Path(chosen) if chosen else None


def _remove(viewer: Any, layers: Sequence[Any]) -> None:
    """Remove layers, those that are still there."""
    for layer in layers:
        if layer in viewer.layers:
            viewer.layers.remove(layer)


class _Farewell:
    """Saves what is open and lets go of the viewer, once: when the widget is taken out of its dock, or destroyed."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.is_said = False

    def __call__(self, _: Any = None) -> None:
        # Empty when Python collected it together with the widget, or clears everything as it exits.
        if is_cleared(self) or not self.state or self.is_said:
            return
        self.is_said = True
        windows, saved = list(self.state["windows"].values()), self.state["saved"]
        for window in windows:
            window.let_go()
            if saved is not None:
                with suppress(WelllogError):  # its files were moved away meanwhile
                    saved.save(window.name, window.labels, window.looked_at)
        if saved is not None:
            _close(saved)
        viewer = self.state["viewer"]
        if is_cleared(viewer):
            return
        self.state["_unbind"]()
        viewer.layers.events.removed.disconnect(self.state["_slots"][0])
        viewer.layers.selection.events.active.disconnect(self.state["_slots"][1])
        # While napari's window closes, its canvas can no longer be told that a layer changes.
        reference = self.state["_window"]
        window = reference() if reference is not None else None
        if reference is None or (window is not None and isalive(window)):  # type: ignore[no-untyped-call]
            QTimer.singleShot(0, partial(_remove, viewer, [one.layer for one in windows]))


def _close(saved: SavedFolder) -> None:
    """Let go of a folder; what is not on its disk yet is said by napari, because the widget may be gone."""
    if not saved.close():
        from napari.utils.notifications import show_warning

        show_warning(f"Annotations are not on the disk yet: {saved.state.message}. It is tried on.")
