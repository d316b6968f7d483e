"""The list of the crossings of a scan: where they are, and what each reader did there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem

from napari_welllog.class_map import ClassMap
from napari_welllog.crossings import Crossing, Score, TrackStudy
from napari_welllog.curves import Trace
from napari_welllog.tracks import DepthAxis, Track
from napari_welllog.widgets.open_scan import OpenScan

if TYPE_CHECKING:
    from napari.layers import Image

_SMALLER = 0.85
_PLACES = 3
"""Columns of the list before those of the readers: row, depth, angle."""


class Place(NamedTuple):
    """One row of the list: a crossing, by the track's place among the studies and its own in the track."""

    study: int
    number: int


@dataclass
class Session:
    """What the widget knows of a scan.

    Parameters
    ----------
    scan, image : the scan and the layer that shows it.
    depth : rows to depth.
    class_map : the one that was compared.
    studies : a study of each track, as they come.
    places : the crossings in the order of the list.
    scores : what each reader did, by crossing.
    """

    scan: OpenScan
    image: Image
    depth: DepthAxis
    class_map: ClassMap
    studies: list[TrackStudy] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    scores: dict[Place, list[Score]] = field(default_factory=dict)

    @property
    def knows_truth(self) -> bool:
        """Whether readers are judged by the truth, not by what was read."""
        return any(study.truth is not None for study in self.studies)

    def crossing(self, place: Place) -> Crossing:
        """The crossing of a row of the list."""
        return self.studies[place.study].crossings[place.number]

    def add(self, study: TrackStudy) -> None:
        """Take the study of another track."""
        number = len(self.studies)
        self.studies.append(study)
        self.places += [Place(number, k) for k in range(len(study.crossings))]
        self.places.sort(key=lambda place: (self.crossing(place).row_from, place))

    def outcome(self, place: Place, reader: str, curve_class: int) -> Score | None:
        """What a reader did on a curve at a crossing; None where nothing can be said, or not yet."""
        found = (s for s in self.scores.get(place, ()) if s.method == reader and s.curve_class == curve_class)
        return next(found, None)

    def summary(self) -> str:
        """How many crossings there are, and how often each reader left on the other curve."""
        exits: Counter[str] = Counter()
        hops: Counter[str] = Counter()
        for scores in self.scores.values():
            for score in scores:
                exits[score.method] += 1
                hops[score.method] += bool(score.outcome.hopped)
        if not self.places:
            return ""
        found = "1 crossing." if len(self.places) == 1 else f"{len(self.places)} crossings."
        word = "hopped" if self.knows_truth else "left on another curve than the traces"
        counts = ", ".join(f"{reader} {hops[reader]} of {exits[reader]}" for reader in exits)
        return f"{found} Exits that {word}: {counts}." if counts else found


class CrossingTable(QTableWidget):
    """The list.

    Attributes
    ----------
    picked : signal of the `Place` that the user picked.
    """

    picked = Signal(object)

    def __init__(self) -> None:
        super().__init__(0, 0)
        self._session: Session | None = None
        self._curve_class = 1
        self.setToolTip("Pick a crossing to see it")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMinimumHeight(170)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        font = self.font()
        font.setPointSizeF(_SMALLER * font.pointSizeF())
        self.setFont(font)
        vertical, horizontal = self.verticalHeader(), self.horizontalHeader()
        assert vertical is not None
        assert horizontal is not None
        vertical.setVisible(False)
        vertical.setDefaultSectionSize(22)
        horizontal.setFont(font)
        horizontal.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.itemSelectionChanged.connect(self._tell_pick)

    def show_session(self, session: Session, curve_class: int) -> None:
        """List the crossings of a scan, and what each reader did on a curve."""
        self._session, self._curve_class = session, curve_class
        header = ["row", session.depth.unit, "angle", *session.studies[-1].readers]
        self.blockSignals(True)
        self.setColumnCount(len(header))
        self.setHorizontalHeaderLabels(header)
        self.setRowCount(len(session.places))
        for line, place in enumerate(session.places):
            for column, text in enumerate(_place_texts(session, place)):
                item = QTableWidgetItem(text)
                crossing, track = session.crossing(place), session.studies[place.study].track
                item.setToolTip(f"{track.name}: rows {crossing.row_from} to {crossing.row_to}")
                self.setItem(line, column, item)
        self.blockSignals(False)
        self.show_outcomes(session.scores)

    def show_outcomes(self, places: Iterable[Place]) -> None:
        """Write what each reader did at some crossings."""
        session = self._session
        if session is None:
            return
        lines = {place: line for line, place in enumerate(session.places)}
        for place in places:
            study = session.studies[place.study]
            for column, reader in enumerate(study.readers, _PLACES):
                score = session.outcome(place, reader, self._curve_class)
                known = study.truth is not None
                text = "–" if score is None else spoken_outcome(score.outcome.hopped, known)
                self.setItem(lines[place], column, QTableWidgetItem(text))

    def select(self, place: Place | None) -> None:
        """Select a crossing without telling that it was picked."""
        if self._session is not None and place in self._session.places:
            self.blockSignals(True)
            self.selectRow(self._session.places.index(place))
            self.blockSignals(False)

    def clear_crossings(self) -> None:
        """List nothing."""
        self._session = None
        self.blockSignals(True)
        self.setRowCount(0)
        self.blockSignals(False)

    def _tell_pick(self) -> None:
        """Tell which crossing the user picked."""
        line = self.currentRow()
        if self._session is not None and 0 <= line < len(self._session.places) and self.selectedItems():
            self.picked.emit(self._session.places[line])


def _place_texts(session: Session, place: Place) -> tuple[str, str, str]:
    """Row, depth and angle of a crossing."""
    crossing = session.crossing(place)
    row = (crossing.row_from + crossing.row_to) // 2
    angle = "–" if np.isnan(crossing.angle) else f"{crossing.angle:.0f}°"
    depth = float(session.depth.depths([row])[0])
    return f"{row}", f"{depth:.1f}", angle if crossing.swaps else f"{angle} touch"


def truth_of(image: Image, track: Track) -> list[Trace] | None:
    """The true curves of a track of a sample, in the order of its curves; None for a scan whose truth nobody knows."""
    columns = image.metadata.get("truth", {}).get("columns", {})
    if not all(curve.mnemonic in columns for curve in track.curves):
        return None
    traces = []
    for curve in track.curves:
        column = np.asarray(columns[curve.mnemonic], np.float64)
        state = np.isfinite(column).astype(np.uint8)
        traces.append(Trace(curve.curve_class, 0, column, np.ones(len(column), np.float32), state))
    return traces


def spoken_outcome(hopped: bool | None, truth_is_known: bool) -> str:
    """How a reader came out of a crossing, in a word.

    Examples
    --------
    >>> spoken_outcome(True, True), spoken_outcome(True, False), spoken_outcome(None, True)
    ('hopped', 'differs', 'lost')
    """
    if hopped is None:
        return "lost"
    words = ("right", "hopped") if truth_is_known else ("agrees", "differs")
    return words[hopped]
