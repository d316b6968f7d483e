"""The widget "Train U-Net": from annotations to a better network, seen as it learns; and the 97 % trap."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_welllog.annotations import AnnotationFolder
from napari_welllog.errors import AnnotationsError, OutputError, WelllogError
from napari_welllog.unet.scores import PixelScores, curve_f1
from napari_welllog.widgets.annotations_in_use import ANNOTATIONS_IN_USE
from napari_welllog.widgets.controls import make_button, side_by_side
from napari_welllog.widgets.docks import ScrollColumn, join_tabs, put_beside
from napari_welllog.widgets.jobs import Job, JobBar
from napari_welllog.widgets.keys import bind, with_key
from napari_welllog.widgets.layer_choice import ImageChoice
from napari_welllog.widgets.loss_choice import LossChoice
from napari_welllog.widgets.network_choice import NETWORKS, NetworkChoice
from napari_welllog.widgets.open_scan import OpenScan, open_scan
from napari_welllog.widgets.preview import PreviewLayer, Reading, region_in_view
from napari_welllog.widgets.settings import remember_model_folder, segment_settings
from napari_welllog.widgets.training_run import (
    Finished,
    Notice,
    Request,
    TrainingRun,
    checkpoint_of,
    read_view,
)
from napari_welllog.widgets.trap import TrapPanel
from napari_welllog.widgets.view import is_cleared, itself

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from napari_welllog.unet.train import TrainingStatus
    from napari_welllog.widgets.train_plots import TrainPlots

MINUTES = 10.0
ANNOTATED_PERCENT = 40
ENDING = ".safetensors"
NO_ANNOTATIONS = "Learns from printed logs alone. Annotate windows of your scans to adapt it to them."

_LOOK_EVERY = 400
"""Milliseconds between two looks at where the canvas stands."""

_PLOTS_WIDTH, _OWN_WIDTH = 360, 440


class TrainWidget(QWidget):
    """Train a network on annotated windows and printed logs, and see it learn.

    Parameters
    ----------
    viewer : the viewer to work in.

    Attributes
    ----------
    more_settings : further fields of `TrainingSettings`, beyond what the window offers.
    work_ended : signal that the thread of a training is done, also of one that was cancelled long before.
    """

    work_ended = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        viewer = itself(viewer)
        self.viewer = viewer
        self.more_settings: dict[str, Any] = {}
        self.training: TrainingRun | None = None
        self.preview: PreviewLayer | None = None
        self.plots: TrainPlots | None = None
        self.scores_before: PixelScores | None = None
        self._may_replace: Path | None = None
        self._taken_over = ""
        self._seen: Any = None
        self._window: Callable[[], QWidget | None] | None = None
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._follow_view)
        self.work_ended.connect(self._tell_state)
        self._unbind = bind(viewer, {"before and after": self.before_or_after})
        self._removed_slot = self._on_removed
        viewer.layers.events.removed.connect(self._removed_slot)
        self.destroyed.connect(_Farewell(self.__dict__))
        ANNOTATIONS_IN_USE.changed.connect(self._take_over)
        if ANNOTATIONS_IN_USE.path is not None:
            self._take_over(ANNOTATIONS_IN_USE.path)
        self._tell_annotations()
        self._tell_state()

    # --- What to train on, and where it goes ---

    @property
    def annotations(self) -> Path | None:
        """The chosen folder of annotated windows; None for none."""
        text = self.folder.text().strip()
        return Path(text).expanduser() if text else None

    @property
    def out(self) -> Path | None:
        """The weights file to write; None until one is named."""
        text = self.file.text().strip()
        if not text:
            return None
        path = Path(text).expanduser()
        return path if path.suffix == ENDING else path.with_name(path.name + ENDING)

    def _browse_network(self) -> None:
        """Let the user choose the network to go on from."""
        path = self.start.browse(segment_settings().model_folder)
        if path is not None:
            self.start.choose(path)

    def _take_over(self, folder: Path) -> None:
        """Offer to train from the folder that is annotated in, unless the user has named another."""
        if not isalive(self):  # type: ignore[no-untyped-call]
            return
        if self.folder.text() in ("", self._taken_over):
            self._taken_over = str(folder)
            self.folder.setText(str(folder))
        if self.annotations == folder:
            self._tell_annotations()

    def _browse_annotations(self) -> None:
        """Let the user choose a folder of annotated windows."""
        path = QFileDialog.getExistingDirectory(self, "Folder of annotated windows", self.folder.text())
        if path:
            self.folder.setText(path)

    def _browse_out(self) -> None:
        """Let the user say where the result goes; the window asks before a file is replaced."""
        folder = segment_settings().model_folder or Path.home()
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the network as", str(self.out or folder / "mine.safetensors"), f"Weights (*{ENDING})"
        )
        if path:
            self.save_as(path, may_replace=True)

    def save_as(self, file: str | Path, may_replace: bool = False) -> None:
        """Name the weights file to write, and whether an earlier one of that name may go."""
        self.file.setText(str(file))
        self._may_replace = self.out if may_replace else None
        if self.out is not None:
            remember_model_folder(self.out.parent)

    def _tell_annotations(self) -> None:
        """Say what is in the folder of annotated windows."""
        path = self.annotations
        self.share.setEnabled(path is not None)
        if path is None:
            self.folder_state.setText(NO_ANNOTATIONS)
            return
        try:
            self.folder_state.setText(described(AnnotationFolder.open(path)))
        except AnnotationsError as error:
            self.folder_state.setText(str(error))

    def _request(self, resume: bool) -> Request:
        """What the controls say.

        Raises
        ------
        WelllogError : something is missing, or a file would be replaced that nobody said may go.
        """
        out = self.out
        if out is None:
            raise OutputError("There is no name for the result yet: say above where to save it.")
        if resume and not checkpoint_of(out).is_file():
            raise OutputError(f"There is no {checkpoint_of(out).name} beside it to go on from: press Train.")
        if out.exists() and not resume and out != self._may_replace:
            raise OutputError(
                f"{out.name} is there already: choose another name, or choose it with … to replace it."
            )
        return Request(
            out,
            self.start.start,
            self.annotations,
            self.share.value() / 100,
            self.minutes.value(),
            self.loss.name,
            self.loss.parameters,
            resume,
            self.more_settings,
        )

    # --- A training ---

    def train(self) -> None:
        """Begin afresh."""
        self._begin(resume=False)

    def resume(self) -> None:
        """Go on from the checkpoint beside the result."""
        self._begin(resume=True)

    def stop(self) -> None:
        """End the training and keep the best network so far."""
        if self.training is not None and self.bar.is_running:
            self.training.stop.set()
            self.stop_button.setEnabled(False)
            self.notice.setText("Stopping after this batch; the best network so far is kept.")

    def _begin(self, resume: bool) -> None:
        """Train, off the GUI thread."""
        if self.bar.is_running:
            return
        try:
            request = self._request(resume)
        except WelllogError as error:
            self.bar.fail(error)
            return
        self.look_bar.cancel()
        layer, scan = self.image.layer, self.image.scan
        run = TrainingRun(request, scan)
        self.training, self.scores_before = run, None
        self.preview = None if layer is None else PreviewLayer(self.viewer, layer)
        self._follow_view(at_once=True)
        self.notice.setText("")
        self.result.setText("")
        self._make_plots()
        told = _EmitWhenDone(self)

        def work(job: Job) -> Finished:
            try:
                return run.work(job)
            finally:
                told()

        self.bar.start(work, self._done, self._take, "Waiting")
        self._timer.start()
        self._tell_state()

    def _take(self, piece: TrainingStatus | Reading | Notice) -> None:
        """Show what the training tells."""
        if isinstance(piece, Notice):
            self.notice.setText(piece.text)
        elif isinstance(piece, Reading):
            if self.preview is not None:
                self.preview.show(piece)
        else:
            if piece.step == 0:
                self.scores_before = piece.scores
            self.result.setText(figures(piece))
            if self.plots is not None:
                self.plots.add(piece)

    def _done(self, finished: Finished) -> None:
        """Offer the new network everywhere, and say how good it is."""
        self._may_replace = None
        remember_model_folder(finished.out.parent)
        NETWORKS.add(finished.out)
        self.notice.setText("")
        self.result.setText(summary(finished, self.scores_before))

    def _finish(self) -> None:
        """Whatever happened: let everything be changed again."""
        self._timer.stop()
        self._tell_state()

    # --- What it makes of the view ---

    def _follow_view(self, at_once: bool = False) -> None:
        """Tell the training what is in view, once the canvas stands still."""
        run, layer = self.training, self._scan_layer()
        if run is None or layer is None or open_scan(layer) is not run.scan:
            if run is not None:
                run.view = None
            return
        view = region_in_view(self.viewer, layer)
        if at_once or view == self._seen:
            run.view = view
        self._seen = view

    def _scan_layer(self) -> Image | None:
        """The scan that the training reads, while it is there."""
        layer = None if self.preview is None else self.preview.scan
        return layer if layer in self.viewer.layers else None

    def before_or_after(self) -> None:
        """Show on the scan the classes before training, or after it again; read them first where the view moved."""
        run, preview, layer = self.training, self.preview, self._scan_layer()
        networks = None if run is None else run.networks
        if run is None or preview is None or layer is None or networks is None:
            self.notice.setText("There is no before and after yet: open a scan, then train.")
            return
        view = region_in_view(self.viewer, layer)
        read = preview.reading if preview.find() is not None else None
        is_same_scan = open_scan(layer) is run.scan
        if read is not None and (
            self.bar.is_running or view is None or view == read.region or not is_same_scan
        ):
            preview.flip()
            return
        if view is None or not is_same_scan:
            self.notice.setText(
                "The scan is out of view, or was replaced: move it into view, or train again."
            )
            return
        scan: OpenScan = run.scan  # type: ignore[assignment]

        def show(reading: Reading) -> None:
            preview.open_again()
            preview.show(reading)
            preview.flip()

        self.look_bar.start(
            lambda job: read_view(scan.pixels, view, networks, job), show, text="Reading what is in view"
        )

    def _on_removed(self, event: Any) -> None:
        """Let go of a scan that is closed; the training itself goes on."""
        if self.preview is not None and event.value is self.preview.scan:
            self.look_bar.cancel()
            self._follow_view(at_once=True)

    # --- What is said ---

    def _tell_state(self) -> None:
        """Offer what can be done now."""
        running = self.bar.is_running
        self.settings_form.setEnabled(not running)
        self.stop_button.setEnabled(running and self.training is not None and not self.training.stop.is_set())
        out = self.out
        there = out is not None and checkpoint_of(out).is_file()
        self.resume_button.setEnabled(there and not running)
        self.resume_button.setToolTip(
            f"Go on from {checkpoint_of(out).name}, with what it has learnt; the minutes count from its very beginning"
            if there and out is not None
            else "Go on from the checkpoint beside the result, once there is one"
        )

    def showEvent(self, event: Any) -> None:
        """Share the place of our other widgets."""
        super().showEvent(event)
        self._window = weakref.ref(self.window())  # a strong one would keep napari's window from being freed
        join_tabs(self)

    def _make_plots(self) -> None:
        """Make the plots when there is something to plot, and empty those of an earlier training."""
        if self.plots is not None and not isalive(self.plots):  # type: ignore[no-untyped-call]
            self.plots = None
        if self.plots is not None:
            self.plots.begin()
            return
        # Late, because pyqtgraph takes a second to load.
        from napari_welllog.widgets.train_plots import TrainPlots

        self.plots = TrainPlots()
        window = getattr(self.viewer, "window", None)
        if window is not None:
            window.add_dock_widget(self.plots, name="As it learns", area="right")
            put_beside(self.plots, self, (_PLOTS_WIDTH, _OWN_WIDTH))

    # --- How it is put together ---

    def _build(self) -> None:
        """Put the controls together: a tab to train, and one for the lesson."""
        self.trap = TrapPanel()
        self.tabs = QTabWidget()
        self.tabs.addTab(ScrollColumn(self._build_training()), "Train")
        self.tabs.addTab(ScrollColumn(self.trap), "The 97 % trap")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)

    def _build_training(self) -> QWidget:
        """The tab to train."""
        self.settings_form = self._build_form()
        self.image = ImageChoice(self.viewer)
        self.image.setToolTip(
            "The scan on which the network's classes are shown as it learns: what is in view"
        )
        self.bar = JobBar("Train")
        self.bar.run_button.setToolTip("Begin afresh; an earlier checkpoint of this name is replaced")
        self.bar.cancel_button.setToolTip(
            "Write no network; what was learnt stays in the checkpoint, to resume from"
        )
        self.stop_button = make_button("Stop", "End now and save the best network so far", self.stop)
        self.resume_button = make_button("Resume", "", self.resume)
        self.flip_button = make_button(
            "Before / after",
            with_key("Show the classes before training, and after it again", "before and after"),
            self.before_or_after,
        )
        self.notice, self.result = _wrapped(), _wrapped()
        self.look_bar = JobBar("Look")
        self.look_bar.run_button.setVisible(False)
        self.bar.run_requested.connect(self.train)
        self.bar.finished.connect(self._finish)
        shown_on = QFormLayout()
        shown_on.addRow("Show on", self.image)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.addWidget(self.settings_form)
        column.addLayout(shown_on)
        column.addWidget(self.bar)
        column.addLayout(side_by_side(self.stop_button, self.resume_button))
        for widget in (self.notice, self.result, self.flip_button, self.look_bar):
            column.addWidget(widget)
        column.addStretch(1)
        return inside

    def _build_form(self) -> QWidget:
        """What to begin with, what to learn from and by, how long, and where the result goes."""
        self.start = NetworkChoice("The network to go on from; none trains a new one", from_scratch=True)
        self.folder, self.file = QLineEdit(), QLineEdit()
        self.folder.setPlaceholderText("none: printed logs alone")
        self.folder.textChanged.connect(self._tell_annotations)
        self.folder_state = _wrapped()
        self.file.setPlaceholderText("mine.safetensors")
        self.file.textChanged.connect(self._tell_state_later)
        self.share, self.minutes = QSpinBox(), QDoubleSpinBox()
        self.share.setRange(1, 100)
        self.share.setSuffix(" %")
        self.share.setValue(ANNOTATED_PERCENT)
        self.share.setToolTip(
            "Share of annotated windows in what is learnt from; the printed rest keeps it from forgetting other logs"
        )
        self.minutes.setRange(0.1, 10_000)
        self.minutes.setDecimals(1)
        self.minutes.setValue(MINUTES)
        self.minutes.setSuffix(" min")
        self.minutes.setToolTip(
            "How long to train; ten adapt a network to a new pen, from scratch takes an hour"
        )
        self.loss = LossChoice()
        made = QWidget()
        form = QFormLayout(made)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Start from", _with_browse(self.start, "Choose a weights file", self._browse_network))
        form.addRow("Annotations", _with_browse(self.folder, "Choose a folder", self._browse_annotations))
        form.addRow(self.folder_state)
        form.addRow("Annotated share", self.share)
        form.addRow("Time", self.minutes)
        form.addRow(self.loss)
        form.addRow("Save as", _with_browse(self.file, "Say where to save the network", self._browse_out))
        return made

    def _tell_state_later(self) -> None:
        """Offer what can be done with another name; the name that may be replaced is then none."""
        if self.out != self._may_replace:
            self._may_replace = None
        if hasattr(self, "resume_button"):
            self._tell_state()


def described(folder: AnnotationFolder) -> str:
    """What a folder of annotated windows holds, in a line."""
    windows = folder.windows
    if not windows:
        return "There is no window in this folder yet: annotate some, best on several scans."
    scans = len({window.scan.sha256 for window in windows.values()})
    rows = sum(window.place.rows for window in windows.values())
    seen = sum(window.place.rows * window.share_looked_at for window in windows.values())
    return (
        f"{_count(len(windows), 'window')} of {_count(scans, 'scan')}, {seen / rows:.0%} of their rows looked at. "
        f"Whole {'scans' if scans > 1 else 'windows'} are held out to measure on."
    )


def figures(status: TrainingStatus) -> str:
    """Where a training stands, in two lines."""
    if status.scores is None:
        return ""
    scores = status.scores
    best = "" if status.best is None else f"; best mean F1 so far {status.best:.3f}"
    return (
        f"Held-out windows: F1 {scores.f1[1]:.3f} and {scores.f1[2]:.3f}, recall {scores.recall[1]:.3f} and "
        f"{scores.recall[2]:.3f}{best}.\nPixel accuracy {scores.accuracy:.1%}."
    )


def summary(finished: Finished, before: PixelScores | None) -> str:
    """How a training ended."""
    began = "" if before is None else f", {curve_f1(before):.3f} before"
    saved = "Stopped. The best so far is saved" if finished.stopped else "Saved"
    return (
        f"{saved} as {finished.out.name}: mean F1 of the curves on held-out windows "
        f"{curve_f1(finished.scores):.3f}{began}. It can now be chosen in Segment scan."
    )


def _count(number: int, what: str) -> str:
    """A number of things.

    Examples
    --------
    >>> _count(1, "scan"), _count(3, "window")
    ('1 scan', '3 windows')
    """
    return f"{number} {what}{'s' * (number != 1)}"


def _wrapped() -> QLabel:
    """A label of several lines whose text can be copied."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label


def _with_browse(field: QWidget, tip: str, act: Callable[[], None]) -> QHBoxLayout:
    """A field with a button beside it that opens a file dialog."""
    button = QToolButton()
    button.setText("…")
    button.setToolTip(tip)
    button.clicked.connect(lambda: act())
    layout = QHBoxLayout()
    layout.addWidget(field, stretch=1)
    layout.addWidget(button)
    return layout


class _EmitWhenDone:
    """Tells a widget from another thread that its work has ended, unless the widget is gone by then."""

    def __init__(self, widget: TrainWidget) -> None:
        self.widget = weakref.ref(widget)

    def __call__(self) -> None:
        widget = self.widget()
        if widget is not None and isalive(widget):  # type: ignore[no-untyped-call]
            widget.work_ended.emit()


class _Farewell:
    """Lets go of the viewer when the widget is destroyed."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __call__(self, _: Any = None) -> None:
        # Empty when Python collected it together with the widget, or clears everything as it exits.
        if is_cleared(self) or not self.state or is_cleared(self.state["viewer"]):
            return
        self.state["_unbind"]()
        self.state["viewer"].layers.events.removed.disconnect(self.state["_removed_slot"])
