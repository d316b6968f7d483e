"""The widget "Segment scan": which scan, which part of it, with which network and where; then its class map."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_welllog.class_map import ClassMap, read_labels
from napari_welllog.errors import ScanError, WelllogError
from napari_welllog.report import ModelReport
from napari_welllog.unet.regions import (
    GrowingClassMap,
    Outcome,
    Region,
    clipped,
    regions_of_tracks,
    segment_regions,
    shares_and_confidence,
    whole_scan,
)
from napari_welllog.widgets.class_layer import ClassLayer, show_result_of
from napari_welllog.widgets.docks import ScrollColumn, join_tabs
from napari_welllog.widgets.jobs import Job, JobBar, spoken
from napari_welllog.widgets.layer_choice import ImageChoice
from napari_welllog.widgets.layers import label_pyramid, probability_layer
from napari_welllog.widgets.network_choice import NetworkChoice
from napari_welllog.widgets.open_scan import OpenScan, open_scan
from napari_welllog.widgets.settings import remember_model_folder, segment_settings
from napari_welllog.widgets.view import itself, visible_columns, visible_rows

if TYPE_CHECKING:
    import napari
    from napari.layers import Image

    from napari_welllog.unet.predict import Tile

WHOLE_SCAN, TRACKS, IN_VIEW = "Whole scan", "The tracks", "What is in view"

DEVICES = ("auto", "cpu", "cuda", "mps")

NO_SCAN = "Open a scan first: drag its file onto the window, or use File > Open File(s)."

EARLIER = "_classes.tif"


@dataclass
class _Run:
    """One run: what it works on, and how far it is."""

    layer: Image
    scan: OpenScan
    regions: list[Region] | None
    view: Region
    model: str | None
    device: str
    tile_megapixels: float | None
    probabilities: bool
    growing: GrowingClassMap | None = None
    shown: ClassLayer | None = None
    pasted: set[Tile] = field(default_factory=set)
    stopped_because: str = ""
    is_done: bool = False


@dataclass(frozen=True)
class _Result:
    """What the work of a run gives: the outcome, and the levels of the probabilities if they are wanted."""

    outcome: Outcome
    probabilities: tuple[list[NDArray[np.uint8]], ...] = ()


class SegmentWidget(QWidget):
    """Give every pixel of a scan its class, and show the class map while it is made.

    Parameters
    ----------
    viewer : the viewer that shows the scan.
    parent : the widget that it is part of.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        viewer = itself(viewer)
        self._viewer = viewer
        self._run: _Run | None = None
        self._watched: list[tuple[Any, Any]] = []
        settings = segment_settings()
        self._model_folder = settings.model_folder

        self.image = ImageChoice(viewer)
        self.region = _combo([WHOLE_SCAN, TRACKS, IN_VIEW], "What part of the scan to segment")
        self.network = NetworkChoice("The network: one that ships, or a weights file of your own")
        self.browse = QToolButton()
        self.browse.setText("…")
        self.browse.setToolTip("Choose a .safetensors file of weights that you trained")
        self.device = _combo(
            DEVICES, "Where the network runs; auto takes a graphics card when there is one that it can use"
        )
        self.device.setCurrentText(settings.device)
        self.probabilities = QCheckBox("Show class probabilities")
        self.probabilities.setToolTip("Add two image layers: how probable each curve is at every pixel")
        self.earlier = QPushButton("Use earlier class map")
        self.bar = JobBar("Segment")
        self.bar.run_button.setToolTip("Give every pixel its class: background, curve one or curve two")
        self.bar.cancel_button.setToolTip("Stop; what is labelled so far is kept")
        self.result = QLabel()
        self.result.setWordWrap(True)
        self.result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy_python = QPushButton("Copy as Python")
        self.copy_python.setToolTip("Copy a Python script that does the same")
        self.copy_command = QPushButton("Copy as command")
        self._lay_out()

        self.image.changed.connect(self._follow_scan)
        self.region.currentTextChanged.connect(self._follow_scan)
        self.browse.clicked.connect(self._browse)
        self.earlier.clicked.connect(self.use_earlier)
        self.bar.run_requested.connect(self.run)
        self.bar.finished.connect(self._finish)
        self.copy_python.clicked.connect(lambda: self._copy(self.as_python))
        self.copy_command.clicked.connect(lambda: self._copy(self.as_command))
        self._follow_scan()

    # --- How it looks ---

    def _lay_out(self) -> None:
        """Put the controls into a form that scrolls where the dock is too low for it."""
        network = QHBoxLayout()
        network.addWidget(self.network)
        network.addWidget(self.browse)
        copies = QHBoxLayout()
        copies.addWidget(self.copy_python)
        copies.addWidget(self.copy_command)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Scan", self.image)
        form.addRow("Region", self.region)
        form.addRow("Network", network)
        form.addRow("Device", self.device)
        form.addRow("", self.probabilities)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.addLayout(form)
        column.addWidget(self.earlier)
        column.addWidget(self.bar)
        column.addWidget(self.result)
        column.addStretch(1)
        column.addLayout(copies)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrollColumn(inside))

    def showEvent(self, event: Any) -> None:
        """Share the place of our other widgets."""
        super().showEvent(event)
        join_tabs(self)

    def _follow_scan(self, *_: object) -> None:
        """Offer what can be done with the chosen scan."""
        layer, scan = self.image.layer, self.image.scan
        found = scan.beside(EARLIER) if scan is not None else None
        is_there = found is not None and found.is_file()
        self.earlier.setVisible(is_there)
        if is_there:
            self.earlier.setToolTip(f"Show {found}, which an earlier run left beside the scan")
        # An in-view run of a command has no view to look at.
        can_command = scan is not None and scan.source is not None and self.region.currentText() == WHOLE_SCAN
        self.copy_command.setEnabled(can_command)
        self.copy_command.setToolTip(
            "Copy a command for the terminal that does the same"
            if can_command
            else "The command segments whole scans that are files: choose the whole scan, or copy as Python"
        )
        self.copy_python.setEnabled(layer is not None)

    def _browse(self) -> None:
        """Let the user choose a weights file, and remember its folder."""
        path = self.network.browse(self._model_folder)
        if path is not None:
            self.use_network(path)

    def use_network(self, file: str | Path) -> None:
        """Choose a weights file of the user's own; it is read when the run begins."""
        path = Path(file)
        self.network.choose(path)
        self._model_folder = path.parent
        remember_model_folder(path.parent)

    @property
    def model(self) -> str | None:
        """The chosen network as `segment` takes it: a file or a name; None for the one that ships."""
        return self.network.model_option

    # --- A run ---

    def run(self) -> None:
        """Segment the region of the chosen scan; the result appears while it is made."""
        if self.bar.is_running:
            return
        try:
            run = self._prepare()
        except Exception as error:
            self.bar.fail(error)
            return
        self._run = run
        self.result.setText("")
        self._watch(run)
        self.bar.start(lambda job: _work(run, job), self._done, self._paste, "Loading the network")

    def _prepare(self) -> _Run:
        """Collect what the controls say.

        Raises
        ------
        ScanError : there is no scan, it is no picture of rows and columns, or nothing of it lies in the region.
        """
        layer, scan = self.image.layer, self.image.scan
        if layer is None or scan is None:
            raise ScanError(NO_SCAN)
        _shape(layer)
        settings = segment_settings()
        return _Run(
            layer,
            scan,
            self._regions(layer, scan),
            self._view(layer),
            self.model,
            self.device.currentText(),
            settings.tile_megapixels,
            self.probabilities.isChecked(),
        )

    def _regions(self, layer: Image, scan: OpenScan) -> list[Region] | None:
        """The chosen regions; None for the whole scan."""
        choice = self.region.currentText()
        if choice == IN_VIEW:
            region = clipped(self._view(layer), _shape(layer))
            if region.pixels == 0:
                raise ScanError(
                    "No part of the scan is in view: move it into view, or choose the whole scan."
                )
            return [region]
        if choice == TRACKS:
            regions = [] if scan.tracks is None else regions_of_tracks(scan.tracks, _shape(layer))
            if not regions:
                raise ScanError("The scan has no tracks yet: calibrate it first, or choose the whole scan.")
            return regions
        return None

    def _view(self, layer: Image) -> Region:
        """What the canvas shows of a layer."""
        (top, bottom), (left, right) = visible_rows(self._viewer, layer), visible_columns(self._viewer, layer)
        return Region((math.floor(top), math.ceil(bottom) + 1), (math.floor(left), math.ceil(right) + 1))

    def _watch(self, run: _Run) -> None:
        """Stop the run when its scan is closed or replaced."""

        def look(event: Any = None) -> None:
            if run.layer not in self._viewer.layers:
                self._stop(run, "The scan was closed, so its segmentation was stopped.")
            elif open_scan(run.layer) is not run.scan:
                self._stop(run, "The scan was replaced by another, so its segmentation was stopped.")

        self._watched = [(self._viewer.layers.events.removed, look), (run.layer.events.data, look)]
        for emitter, callback in self._watched:
            emitter.connect(callback)

    def _stop(self, run: _Run, reason: str) -> None:
        """Stop a run whose scan is gone."""
        if self._run is run and not run.is_done:
            run.stopped_because = reason
            self.bar.cancel()

    def _paste(self, piece: Any) -> None:
        """Show a tile that is ready."""
        run = self._run
        if run is None or run.stopped_because:
            return
        tile, labels = piece
        if run.shown is None:
            run.shown = ClassLayer(self._viewer, run.layer, _shape(run.layer))
        run.shown.paste(tile.rows, tile.columns, labels)
        run.pasted.add(tile)

    def _done(self, result: _Result) -> None:
        """Keep the class map, and say how the run went."""
        run = self._run
        if run is None:
            return
        run.is_done = True
        outcome = result.outcome
        self._settle(run)
        for curve_class, levels in enumerate(result.probabilities, 1):
            show_result_of(self._viewer, run.layer, probability_layer(levels, curve_class, run.layer))
        _hand_over(run, outcome.class_map)
        self.result.setText(summary(outcome))

    def _finish(self) -> None:
        """Whatever happened: let go of the run; of one that did not end well keep what it did."""
        run, self._run = self._run, None
        for emitter, callback in self._watched:
            emitter.disconnect(callback)
        self._watched = []
        if run is None or run.is_done:
            return
        if run.stopped_because:
            self.bar.say(run.stopped_because)
        elif run.growing is not None and run.growing.tiles:
            self._keep_part(run, run.growing)

    def _keep_part(self, run: _Run, growing: GrowingClassMap) -> None:
        """Keep the tiles of a run that was cancelled or failed: they are as good as any."""
        class_map = growing.finish()
        for tile in growing.tiles:
            if tile not in run.pasted:
                self._run = run
                self._paste((tile, class_map.labels[slice(*tile.rows), slice(*tile.columns)]))
                self._run = None
        self._settle(run)
        _hand_over(run, class_map)
        done = sum(Region(tile.rows, tile.columns).pixels for tile in growing.tiles)
        wanted = sum(region.pixels for region in run.regions or [whole_scan(class_map.shape)])
        self.result.setText(f"{min(done / wanted, 1):.0%} of the region was labelled, and is kept.")

    def _settle(self, run: _Run) -> None:
        """Bring the layer's little picture up to date."""
        if run.shown is not None:
            run.shown.settle()

    # --- An earlier result ---

    def use_earlier(self) -> None:
        """Take the class map that an earlier run left beside the scan."""
        layer, scan = self.image.layer, self.image.scan
        file = scan.beside(EARLIER) if scan is not None else None
        if layer is None or scan is None or file is None or self.bar.is_running:
            return
        shape = _shape(layer)

        def read(job: Job) -> ClassMap:
            labels = read_labels(file)
            if labels.shape != shape:
                raise ScanError(
                    f"{file.name} has {labels.shape[0]} rows and {labels.shape[1]} columns, the scan {shape[0]} and "
                    f"{shape[1]}: it belongs to another scan. Segment this one."
                )
            return ClassMap.from_labels(labels)

        def show(class_map: ClassMap) -> None:
            if layer not in self._viewer.layers or open_scan(layer) is not scan:
                return
            shown = ClassLayer(self._viewer, layer, shape)
            shown.paste((0, shape[0]), (0, shape[1]), class_map.labels)
            shown.settle()
            # Nobody knows which network made it.
            scan.model, scan.model_option = None, None
            scan.class_map = class_map
            shares, _ = shares_and_confidence(class_map, [whole_scan(shape)])
            self.result.setText(
                f"{_shares(shares)}\nAn earlier result, {file.name}; its probabilities were not kept."
            )

        self.bar.start(read, show, text="Reading the earlier class map")

    # --- The same from a script ---

    def _copy(self, text: Callable[[], str]) -> None:
        """Put a text on the clipboard, or say why there is none."""
        clipboard = QApplication.clipboard()
        try:
            if clipboard is not None:
                clipboard.setText(text())
        except WelllogError as error:
            self.bar.fail(error)
        else:
            self.bar.say("Copied.")

    def as_python(self) -> str:
        """A script that does what the run would do; it prints the class shares.

        Raises
        ------
        ScanError : there is no scan, or nothing of it in the region.
        """
        run = self._prepare()
        return python_text(
            run.scan.source, run.layer.name, run.regions, run.model, run.device, run.tile_megapixels
        )

    def as_command(self) -> str:
        """A command that does what the run would do and writes the class map beside the scan."""
        run = self._prepare()
        if run.scan.source is None:
            raise ScanError("The scan is not a file: save it first.")
        return command_text(run.scan.source, run.model, run.device, run.probabilities)


def _hand_over(run: _Run, class_map: ClassMap) -> None:
    """Give the other widgets the class map, and for the report the network that made it."""
    network = run.growing.model if run.growing is not None else None
    run.scan.model = None if network is None else ModelReport(name=network.name, sha256=network.sha256)
    run.scan.model_option = run.model
    run.scan.class_map = class_map


def _work(run: _Run, job: Job) -> _Result:
    """Do a run on its own thread."""
    pixels = run.scan.pixels
    run.growing = GrowingClassMap((pixels.shape[0], pixels.shape[1]), run.scan.class_map)
    outcome = segment_regions(
        pixels,
        run.regions,
        run.model,
        run.device,
        view=run.view,
        growing=run.growing,
        tile_megapixels=run.tile_megapixels,
        each=lambda tile, labels: job.hand_over((tile, labels)),
        progress=job.progress,
        cancelled=job.cancelled,
    )
    if not run.probabilities:
        return _Result(outcome)
    planes = [plane.toarray() for plane in outcome.class_map.curve_probabilities]
    return _Result(outcome, tuple(label_pyramid(plane) for plane in planes))


def summary(outcome: Outcome) -> str:
    """What a run gave, in a few lines.

    Examples
    --------
    >>> blank = ClassMap.from_labels(np.zeros((2, 2), np.uint8))
    >>> print(summary(Outcome(blank, (0.973, 0.015, 0.012), 0.94, 29.7, 13.2, "cpu", "as chosen")))
    97.3 / 1.5 / 1.2 % (background / curve one / curve two)
    Mean confidence of the curve pixels: 94 %
    29.7 megapixels in 14 s, 2.2 a second, on cpu: as chosen
    """
    pace = outcome.megapixels / max(outcome.seconds, 1e-9)
    lines = [_shares(outcome.shares)]
    if math.isfinite(outcome.confidence):
        lines.append(f"Mean confidence of the curve pixels: {100 * outcome.confidence:.0f} %")
    else:
        lines.append("No curves were found here.")
    lines.append(
        f"{outcome.megapixels:.1f} megapixels in {spoken(outcome.seconds)}, {pace:.1f} a second, "
        f"on {outcome.device}: {outcome.reason}"
    )
    lines += [notice[:1].upper() + notice[1:] + "." for notice in outcome.notices[-1:]]
    return "\n".join(lines)


def _shares(shares: tuple[float, float, float]) -> str:
    """The class shares as people read them."""
    return " / ".join(f"{100 * share:.1f}" for share in shares) + " % (background / curve one / curve two)"


def python_text(
    source: Path | None,
    name: str,
    regions: Sequence[Region] | None,
    model: str | None,
    device: str,
    tile_megapixels: float | None = None,
) -> str:
    """A Python script that segments as a run of the widget does.

    Parameters
    ----------
    source : file of the scan; None for a layer that has none, which napari's console then knows by its name.
    name : name of the layer.
    regions : the regions; None for the whole scan.
    model, device, tile_megapixels : as `segment_regions` takes them.

    Examples
    --------
    >>> print(python_text(Path("log.tif"), "log", None, None, "auto"))
    from napari_welllog import read_scan, segment
    <BLANKLINE>
    pixels = read_scan('log.tif').pixels
    class_map = segment(pixels, model=None, device='auto')
    print(class_map.shares())
    <BLANKLINE>
    """
    engine = (["read_scan"] if source else []) + (["segment"] if regions is None else [])
    imports = [f"from napari_welllog import {', '.join(engine)}"] if engine else []
    if regions is not None:
        imports.append("from napari_welllog.unet.regions import Region, segment_regions")
    if source is None:
        imports.append("from napari_welllog.widgets.open_scan import open_scan")
        pixels = f"open_scan(viewer.layers[{name!r}]).pixels"
    else:
        pixels = f"read_scan({str(source)!r}).pixels"
    lines = [*imports, "", f"pixels = {pixels}"]
    if regions is None:
        lines.append(f"class_map = segment(pixels, model={model!r}, device={device!r})")
    else:
        size = f", tile_megapixels={tile_megapixels!r}" if tile_megapixels else ""
        lines.append(f"regions = {list(regions)!r}")
        lines.append(
            f"class_map = segment_regions(pixels, regions, model={model!r}, device={device!r}{size}).class_map"
        )
    return "\n".join([*lines, "print(class_map.shares())", ""])


def command_text(source: Path, model: str | None, device: str, probabilities: bool = False) -> str:
    """A command that segments a whole scan and writes its class map beside it.

    Examples
    --------
    >>> command_text(Path("my log.tif"), None, "cpu")
    "welllog segment 'my log.tif' --out 'my log_classes.tif' --device cpu"
    """
    words = ["welllog", "segment", str(source), "--out", str(source.with_name(source.stem + EARLIER))]
    if probabilities:
        words += ["--probabilities", str(source.with_name(source.stem + "_probabilities.tif"))]
    if model is not None:
        words += ["--model", model]
    return shlex.join([*words, "--device", device])


def _shape(layer: Image) -> tuple[int, int]:
    """Rows and columns of a scan's layer.

    Raises
    ------
    ScanError : the layer shows no picture of rows and columns.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    shape = tuple(data.shape[:-1] if layer.rgb else data.shape)
    if len(shape) != 2 or 0 in shape:
        raise ScanError(
            f"A scan has rows and columns; this layer's shape is {shape}: choose a layer with one page."
        )
    return shape


def _combo(items: Sequence[str], tooltip: str) -> QComboBox:
    """A combo box that shrinks with its dock."""
    combo = QComboBox()
    combo.addItems(list(items))
    combo.setToolTip(tooltip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(6)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo
