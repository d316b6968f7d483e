"""The widget "Compare at crossings": followers beside the class map, under a line that the user drags."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QGroupBox,
    QLabel,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_welllog.crossings import Score, TrackStudy, study_track
from napari_welllog.errors import Cancelled, TracksError, WelllogError
from napari_welllog.followers import METHODS, FollowedPath, Verdict, find_starts, follow
from napari_welllog.tracks import Track
from napari_welllog.widgets.controls import make_button, side_by_side
from napari_welllog.widgets.crossing_list import CrossingTable, Place, Session, spoken_outcome, truth_of
from napari_welllog.widgets.docks import ScrollColumn, join_tabs, put_beside
from napari_welllog.widgets.jobs import Job, JobBar
from napari_welllog.widgets.keys import bind, with_key
from napari_welllog.widgets.layer_choice import ImageChoice
from napari_welllog.widgets.open_scan import needed_for_traces
from napari_welllog.widgets.scan_line import ScanLine
from napari_welllog.widgets.view import (
    go_to_row,
    is_cleared,
    itself,
    show_rows,
    visible_columns,
    visible_rows,
)
from napari_welllog.widgets.watch import ScanWatch

if TYPE_CHECKING:
    import napari.viewer

    from napari_welllog.widgets.crossing_plots import CrossingPlots

AT_CROSSING, AT_TOP, AT_CLICK = "above each crossing", "at the top of the track", "where I click"
STARTS = (AT_CROSSING, AT_TOP, AT_CLICK)

FOLLOWERS = {
    "nearest": "the closest ink in the next row",
    "straight": "the best continuation of the recent slope",
    "kalman": "a constant-velocity Kalman filter with a gate",
    "viterbi": "the best path over ink, many ways down weighed before any is decided",
}
"""What each follower goes by, for the combo box."""

SPEEDS = (10, 30, 60, 120, 300)
"""Rows a second at which the line runs down."""

_TICK = 16
_AROUND = 60
_SIDEWAYS = 90
_BESIDE_TRACK = 12
_SCORES_EVERY = 0.3
_PLOTS_WIDTH, _OWN_WIDTH = 360, 440


class CrossingsWidget(QWidget):
    """Compare at crossings: a list of them, a line across the scan, and what follower and class map know under it.

    Parameters
    ----------
    viewer : the viewer to work in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        viewer = itself(viewer)
        self.viewer = viewer
        self.session: Session | None = None
        self.study: TrackStudy | None = None
        self.path: FollowedPath | None = None
        self.plots: CrossingPlots | None = None
        self.row = 0
        self._place: Place | None = None
        self._start: tuple[float, float] | None = None
        self._window: Callable[[], QWidget | None] | None = None
        self._part_of_row = 0.0
        self.line = ScanLine(viewer)
        self.line.dragged.connect(self._on_dragged)
        self.line.clicked.connect(self._on_clicked)
        self._player = QTimer(self)
        self._player.setInterval(_TICK)
        self._player.timeout.connect(self._play_on)
        self._build()
        self._unbind = bind(
            viewer,
            {
                "next crossing": self.next_crossing,
                "previous crossing": self.previous_crossing,
                "scan line down": lambda: self.step(1),
                "scan line up": lambda: self.step(-1),
                "scan line far down": lambda: self.step(10),
                "scan line far up": lambda: self.step(-10),
                "play": self.play_or_pause,
            },
        )
        self._removed_slot = self._on_removed
        viewer.layers.events.removed.connect(self._removed_slot)
        self.destroyed.connect(_Farewell(self.__dict__))
        self._scan_watch.follow()

    # --- Finding crossings ---

    def find_crossings(self) -> None:
        """Trace the tracks, list their crossings, and let every follower walk through each, off the GUI thread."""
        image, scan = self.choice.layer, self.choice.scan
        try:
            if image is None or scan is None:
                raise TracksError("There is no scan: open one first, or choose its layer above.")
            tracks, class_map = needed_for_traces(scan)
            pixels = scan.pixels
        except WelllogError as error:
            self.job_bar.fail(error)
            return
        truths = [truth_of(image, track) for track in tracks.tracks]
        self._let_go()
        session = Session(scan, image, tracks.depth, class_map)
        self.session = session

        def compare(job: Job) -> None:
            studies = []
            for done, (track, truth) in enumerate(zip(tracks.tracks, truths, strict=True)):
                if job.cancelled():
                    raise Cancelled
                job.progress(0.3 * done / len(tracks.tracks), f"Finding crossings in {track.name}")
                study = study_track(pixels, class_map, track, truth)
                study.class_probability  # noqa: B018 - made here, off the GUI thread
                studies.append(study)
                job.hand_over(study)
            _score_all(studies, job)

        def take(piece: Any) -> None:
            if image not in self.viewer.layers:
                raise TracksError("The scan was closed meanwhile: open it again.")
            if isinstance(piece, TrackStudy):
                self._add(piece)
            else:
                session.scores.update(piece)
                self.table.show_outcomes(piece)
                self._tell_summary()

        self.job_bar.start(compare, lambda _: self._tell_found(), take, text="Finding crossings")
        self._tell_state()

    def _add(self, study: TrackStudy) -> None:
        """List the crossings of another track; begin with the first that there is."""
        assert self.session is not None
        self.session.add(study)
        self.table.show_session(self.session, self.curve_class)
        self.table.select(self._place)
        self._tell_summary()
        if self.study is None and study.reference:
            self._take_study(study)

    def _tell_found(self) -> None:
        """Say what was found, once all is known."""
        if self.session is not None and not self.session.places:
            self.job_bar.say(
                "No crossing was found: the curves of no track meet. The line can be moved all the same."
            )
        self._tell_state()

    def _let_go(self) -> None:
        """Forget the scan that was compared."""
        self.pause()
        self.session, self.study, self.path, self._place, self._start = None, None, None, None, None
        self.line.hide()
        self.table.clear_crossings()
        if self.plots is not None:
            self.plots.show_study(None, None, None)
            self.plots.show_row(None)

    # --- The list ---

    def _tell_summary(self) -> None:
        """Say how often each reader left on the other curve."""
        self.summary.setText("" if self.session is None else self.session.summary())

    def next_crossing(self) -> None:
        """Go to the next crossing down the scan; after the last comes the first."""
        self._go_on(1)

    def previous_crossing(self) -> None:
        """Go to the crossing before; before the first comes the last."""
        self._go_on(-1)

    def _go_on(self, step: int) -> None:
        """Go so many places on in the list."""
        if self.session is None or not self.session.places:
            return
        places = self.session.places
        at = places.index(self._place) if self._place in places else (-1 if step > 0 else 0)
        self.go_to_crossing(places[(at + step) % len(places)])

    def go_to_crossing(self, place: Place) -> None:
        """Show a crossing: the canvas moves there, and the line stands above it."""
        session = self.session
        if session is None or session.image not in self.viewer.layers:
            return
        self.pause()
        self._place = place
        study, crossing = session.studies[place.study], session.crossing(place)
        if self.start.currentText() != AT_CROSSING and study is not self.study:
            self._start = None
        self._take_study(study, moves_line=False)
        self.table.select(place)
        rows = float(crossing.row_from - _AROUND), float(crossing.row_to + _AROUND)
        reach = max(_SIDEWAYS, (rows[1] - rows[0]) / 2)
        show_rows(self.viewer, session.image, rows, (crossing.column - reach, crossing.column + reach))
        follows_here = self.path is not None and self.start.currentText() == AT_CROSSING
        self.set_row(self.path.top if follows_here and self.path is not None else crossing.row_from - _AROUND)

    # --- The follower ---

    @property
    def method(self) -> str:
        """The chosen follower."""
        return str(self.follower.currentData())

    @property
    def curve_class(self) -> int:
        """The class of the curve that the follower starts on."""
        return int(self.curve.currentData() or 1)

    def _take_study(self, study: TrackStudy, moves_line: bool = True) -> None:
        """Compare in a track."""
        if study is not self.study:
            self.study = study
            self._list_curves(study.track)
            self.slider.blockSignals(True)
            self.slider.setRange(*study.rows)
            self.slider.blockSignals(False)
            self.row_box.setRange(*study.rows)
            self._make_plots()
        self._follow_again()
        if moves_line:
            self.set_row(study.rows[0])

    def _list_curves(self, track: Track) -> None:
        """Offer the curves of a track to start on."""
        chosen = self.curve_class
        self.curve.blockSignals(True)
        self.curve.clear()
        for curve in track.curves:
            self.curve.addItem(curve.mnemonic, curve.curve_class)
        self.curve.setCurrentIndex(max(self.curve.findData(chosen), 0))
        self.curve.blockSignals(False)

    def _on_curve(self) -> None:
        """Start on the other curve."""
        self._start = None if self.start.currentText() == AT_TOP else self._start
        if self.session is not None:
            self.table.show_session(self.session, self.curve_class)
            self.table.select(self._place)
        self._follow_again()
        self.set_row(self.row)

    def _on_start(self) -> None:
        """Start somewhere else."""
        self.line.wants_click = self.start.currentText() == AT_CLICK
        self._start = None
        self._follow_again()
        self.set_row(self.row)

    def _on_clicked(self, row: float, column: float) -> None:
        """Start where the user clicked."""
        if self.study is not None:
            self._start = (row, column)
            self._follow_again()
            self.set_row(round(row))

    def _follow_again(self) -> None:
        """Let the chosen follower walk from its start."""
        self.walk_bar.cancel()
        self.walk_bar.say("")
        self._show_path(None)
        study, where = self.study, self.start.currentText()
        if study is None:
            return
        if where == AT_CROSSING:
            self._follow_through(study)
            return
        if where == AT_TOP and self._start is None:
            self._start = self._top_of_curve(study)
        if self._start is not None:
            self._walk(study, self._start, self.method)
        elif where == AT_CLICK:
            self.walk_bar.say("Click on the curve where the follower is to start.")
        else:
            self.walk_bar.say("This curve stands alone nowhere: click a start.")

    def _follow_through(self, study: TrackStudy) -> None:
        """Follow the chosen curve through the crossing that is shown, as it was scored."""
        place, session = self._place, self.session
        if place is None or session is None or session.studies[place.study] is not study:
            return
        self._show_path(study.through(place.number, self.curve_class, self.method))
        if self.path is None:
            self.walk_bar.say("The curves stand apart nowhere above this crossing: click a start.")

    def _top_of_curve(self, study: TrackStudy) -> tuple[float, float] | None:
        """Where the chosen curve first stands alone in its track."""
        curve = next((c for c in study.track.curves if c.curve_class == self.curve_class), None)
        starts = find_starts(study.class_map, study.track, study.read)
        return starts.get(curve.mnemonic) if curve is not None else None

    def _walk(self, study: TrackStudy, start: tuple[float, float], method: str) -> None:
        """Let a follower walk to the foot of the track, off the GUI thread."""

        def show(path: FollowedPath) -> None:
            if study is self.study:
                self._show_path(path)
                self.set_row(self.row)

        self.walk_bar.start(lambda job: follow(study.ink, start, method), show, text="Following")

    def _show_path(self, path: FollowedPath | None) -> None:
        """Show where the follower went."""
        self.path = path
        session, study = self.session, self.study
        if session is None or study is None or session.image not in self.viewer.layers:
            return
        left, right = study.ink.columns
        self.line.show(session.image, (float(left), float(right)), path)
        if self.plots is not None:
            self.plots.show_study(session.image, study, path)

    # --- The line ---

    def set_row(self, row: float) -> None:
        """Move the line to a row: the canvas, the plots and the words follow."""
        study = self.study
        if study is None:
            return
        self.row = int(np.clip(round(row), *study.rows))
        self.line.move_to(self.row)
        comparison = study.at(self.row, self.path, self._columns(study))
        if self.plots is not None:
            self.plots.show_row(comparison, self._verdict_text(comparison.column, comparison.ambiguity))
        for control in (self.slider, self.row_box):
            control.blockSignals(True)
            control.setValue(self.row)
            control.blockSignals(False)
        if self.session is not None:
            depth = float(self.session.depth.depths([self.row])[0])
            self.depth_label.setText(f"{depth:.2f} {self.session.depth.unit}")

    def _columns(self, study: TrackStudy) -> tuple[int, int]:
        """The columns under the line that are plotted: those of the track that the canvas shows."""
        left, right = (int(edge) for edge in study.ink.columns)
        if self.session is not None:
            first, last = visible_columns(self.viewer, self.session.image)
            if min(last, right) - max(first, left) >= 2 * _BESIDE_TRACK:
                left, right = max(left, int(first)), min(right, int(last) + 1)
        return left, right

    def _verdict_text(self, column: float, ambiguity: float) -> str:
        """What the follower knows in the row of the line, and on which curve it is."""
        path, study = self.path, self.study
        if path is None or study is None:
            return "no follower here"
        if self.row < path.top:
            return f"{path.method} starts at row {path.top}"
        if self.row >= path.top + len(path.column):
            return f"{path.method} stopped at row {path.top + len(path.column) - 1}"
        verdict = path.verdict_at(self.row)
        if verdict == Verdict.LOST:
            return f"{path.method}: lost"
        words = f"{path.method}: {verdict.word} ({ambiguity:.2f})"
        strand = study.strand_at(self.row, column)
        if strand == 0:
            return words
        name = next(c.mnemonic for c in study.track.curves if c.curve_class == strand)
        if self.start.currentText() == AT_CLICK:
            return f"{words}, on {name}"
        hopped = strand != self.curve_class
        return f"{words}, on {name}: {spoken_outcome(hopped, study.truth is not None)}"

    def step(self, rows: int) -> None:
        """Move the line by some rows, and keep it in view."""
        if self.study is not None:
            self.set_row(self.row + rows)
            self._keep_in_view()

    def _on_dragged(self, row: float) -> None:
        """Follow the mouse."""
        self.pause()
        self.set_row(row)

    def _keep_in_view(self) -> None:
        """Move the canvas along when the line leaves it."""
        if self.session is None or self.session.image not in self.viewer.layers:
            return
        top, bottom = visible_rows(self.viewer, self.session.image)
        if not top <= self.row <= bottom:
            go_to_row(self.viewer, self.session.image, self.row)

    # --- Playing ---

    def play_or_pause(self) -> None:
        """Let the line run down, or stop it."""
        if self._player.isActive():
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Let the line run down to the end of the path, or of the track; from there it begins anew."""
        if self.study is None:
            return
        first, last = self._span()
        if self.row >= last:
            self.set_row(first)
        self._part_of_row = 0.0
        self._player.start()
        self.play_button.setText("Pause")

    def pause(self) -> None:
        """Stop the line where it is."""
        self._player.stop()
        self.play_button.setText("Play")

    def _span(self) -> tuple[int, int]:
        """First and last row over which the line runs."""
        assert self.study is not None
        if self.path is None:
            return self.study.rows
        return self.path.top, self.path.top + len(self.path.column) - 1

    def _play_on(self) -> None:
        """Move the line by what a moment of the chosen speed makes."""
        if self.study is None or self.session is None or self.session.image not in self.viewer.layers:
            self.pause()
            return
        self._part_of_row += float(self.speed.currentData()) * _TICK / 1000
        rows = int(self._part_of_row)
        if rows == 0:
            return
        self._part_of_row -= rows
        _, last = self._span()
        self.set_row(min(self.row + rows, last))
        self._keep_in_view()
        if self.row >= last:
            self.pause()

    # --- The plots ---

    def _make_plots(self) -> None:
        """Make the plots when there is something to plot."""
        if self.plots is not None or self.session is None:
            return
        # Late, because pyqtgraph takes a second to load.
        from napari_welllog.widgets.crossing_plots import CrossingPlots

        self.plots = CrossingPlots(self.viewer)
        self.plots.row_chosen.connect(self._on_dragged)
        window = getattr(self.viewer, "window", None)
        if window is not None:
            window.add_dock_widget(self.plots, name="Under the line", area="right")
            put_beside(self.plots, self, (_PLOTS_WIDTH, _OWN_WIDTH))

    # --- What is said ---

    def showEvent(self, event: Any) -> None:
        """Share the place of our other widgets."""
        super().showEvent(event)
        self._window = weakref.ref(self.window())  # a strong one would keep napari's window from being freed
        join_tabs(self)

    def _on_removed(self, event: Any) -> None:
        """Let go of a scan that is closed."""
        if self.session is not None and event.value is self.session.image:
            self.job_bar.cancel()
            self.walk_bar.cancel()
            self._let_go()
            self._tell_state()

    def _tell_state(self) -> None:
        """Say what is lacking, or what is compared with what."""
        self.state.setText(self._state_text())
        there = self.session is not None and self.study is not None
        for box in (self.follower_box, self.line_box):
            box.setEnabled(there)

    def _state_text(self) -> str:
        """What is lacking, out of date or compared."""
        scan, session = self.choice.scan, self.session
        if scan is None:
            return "Open a scan first."
        try:
            needed_for_traces(scan)
        except WelllogError as error:
            return str(error)
        if session is None or session.scan is not scan:
            return "Ready: the class map and the tracks are there."
        if session.class_map is not scan.class_map:
            return "The class map has changed: find the crossings again."
        if session.knows_truth:
            return "The truth of this sample is known: readers are judged by it."
        return "Nobody knows the truth of this scan: followers are compared with the traces of the class map."

    # --- How it is put together ---

    def _build(self) -> None:
        """Put the controls together, in a column that scrolls when there is no room."""
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(6, 6, 6, 6)
        self.choice = ImageChoice(self.viewer)
        self._scan_watch = ScanWatch(self.choice, self._tell_state)
        self.state, self.summary = QLabel(), QLabel()
        self.state.setWordWrap(True)
        self.summary.setWordWrap(True)
        self.job_bar = JobBar("Find crossings")
        self.job_bar.run_button.setToolTip(
            "Trace the curves, list where they meet, and let every follower walk through each crossing"
        )
        self.job_bar.run_requested.connect(self.find_crossings)
        self.table = CrossingTable()
        self.table.picked.connect(self.go_to_crossing)
        for widget in (self.choice, self.state, self.job_bar):
            layout.addWidget(widget)
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(self.summary)
        layout.addLayout(
            side_by_side(
                make_button(
                    "Previous",
                    with_key("Go to the previous crossing", "previous crossing"),
                    self.previous_crossing,
                ),
                make_button("Next", with_key("Go to the next crossing", "next crossing"), self.next_crossing),
            )
        )
        layout.addWidget(self._build_follower())
        layout.addWidget(self._build_line())
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ScrollColumn(column))

    def _build_follower(self) -> QGroupBox:
        """Which follower, on which curve, from where."""
        self.follower_box = QGroupBox("Follower")
        self.follower, self.curve, self.start = QComboBox(), QComboBox(), QComboBox()
        for name in METHODS:
            self.follower.addItem(name, name)
            self.follower.setItemData(self.follower.count() - 1, FOLLOWERS[name], Qt.ItemDataRole.ToolTipRole)
        self.follower.setCurrentText("kalman")
        self.follower.setToolTip("\n".join(f"{name}: {does}" for name, does in FOLLOWERS.items()))
        self.follower.currentIndexChanged.connect(self._on_method)
        self.curve.setToolTip("The curve that the follower starts on")
        self.curve.currentIndexChanged.connect(self._on_curve)
        self.start.addItems(STARTS)
        self.start.setToolTip(
            "Above each crossing, as it is scored; or once, and then down the whole track to its foot"
        )
        self.start.currentIndexChanged.connect(self._on_start)
        self.walk_bar = JobBar("Follow")
        self.walk_bar.run_button.setVisible(False)
        form = QFormLayout()
        form.addRow("Method", self.follower)
        form.addRow("Starts on", self.curve)
        form.addRow("Starts", self.start)
        layout = QVBoxLayout(self.follower_box)
        layout.addLayout(form)
        layout.addWidget(self.walk_bar)
        return self.follower_box

    def _on_method(self) -> None:
        """Take another follower."""
        self._follow_again()
        self.set_row(self.row)

    def _build_line(self) -> QGroupBox:
        """Moving the line."""
        self.line_box = QGroupBox("Scan line")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setToolTip("Slide the line down the track; on the canvas it can be dragged")
        self.slider.valueChanged.connect(self._on_slid)
        self.row_box, self.depth_label = QSpinBox(), QLabel()
        self.row_box.setToolTip("The row of the line")
        self.row_box.valueChanged.connect(self._on_slid)
        self.play_button = make_button(
            "Play", with_key("Let the line run down by itself", "play"), self.play_or_pause
        )
        self.speed = QComboBox()
        for rows in SPEEDS:
            self.speed.addItem(f"{rows} rows/s", rows)
        self.speed.setCurrentIndex(1)
        self.speed.setToolTip("How fast the line runs down")
        up = make_button("Row up", with_key("A row up", "scan line up"), lambda: self.step(-1))
        down = make_button("Row down", with_key("A row down", "scan line down"), lambda: self.step(1))
        layout = QVBoxLayout(self.line_box)
        layout.addWidget(self.slider)
        layout.addLayout(side_by_side(QLabel("Row"), self.row_box, self.depth_label))
        layout.addLayout(side_by_side(up, down))
        layout.addLayout(side_by_side(self.play_button, self.speed))
        return self.line_box

    def _on_slid(self, row: int) -> None:
        """Move the line to where the slider or the number is."""
        self.pause()
        self.set_row(row)
        self._keep_in_view()


def _score_all(studies: Sequence[TrackStudy], job: Job) -> None:
    """Let every reader go through every crossing, and hand over what they did a few at a time."""
    places = [Place(s, k) for s, study in enumerate(studies) for k in range(len(study.crossings))]
    ready: dict[Place, list[Score]] = {}
    handed = time.monotonic()
    for done, place in enumerate(places):
        if job.cancelled():
            raise Cancelled
        ready[place] = studies[place.study].score(place.number)
        job.progress(0.3 + 0.7 * (done + 1) / len(places), "Following through crossings")
        if time.monotonic() - handed > _SCORES_EVERY:
            job.hand_over(ready)
            ready, handed = {}, time.monotonic()
    job.hand_over(ready)


class _Farewell:
    """Lets go of the viewer and its layers when the widget is destroyed."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __call__(self, _: Any = None) -> None:
        # Empty when Python collected it together with the widget, or clears everything as it exits.
        if is_cleared(self) or not self.state or is_cleared(self.state["viewer"]):
            return
        self.state["_unbind"]()
        self.state["viewer"].layers.events.removed.disconnect(self.state["_removed_slot"])
        self.state["line"].disconnect_viewer()
        # While napari's window closes, its canvas can no longer be told that a layer changes.
        window = self.state["_window"]() if self.state["_window"] is not None else None
        closing = self.state["_window"] is not None and (
            window is None or not isalive(window)  # type: ignore[no-untyped-call]
        )
        if not closing:
            self.state["line"].hide()
        self.state["_scan_watch"].let_go()
