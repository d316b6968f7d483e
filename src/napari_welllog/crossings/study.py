"""All that is known of the crossings of one track, made ready so that any of its rows can be looked at at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_welllog.class_map import ClassMap
from napari_welllog.crossings.compare import (
    APART,
    RowComparison,
    check_same_shape,
    compare_row,
)
from napari_welllog.crossings.find import Crossing, find_crossings
from napari_welllog.crossings.score import CLASS_MAP, TRACES, Score, follow_through, score_crossing
from napari_welllog.crossings.strand import columns_at
from napari_welllog.curves import Trace, extract_traces
from napari_welllog.followers import METHODS, FollowedPath, Ink, prepare
from napari_welllog.tracks import Track


@dataclass(frozen=True)
class TrackStudy:
    """A track with its crossings, and what followers and class map need to be compared there.

    Parameters
    ----------
    track : Track
        The track.
    pixels : uint8 (rows, columns)
        The scan.
    class_map : ClassMap
        The class of every pixel.
    read : list of Trace
        The curves as they were read from the class map.
    truth : list of Trace or None
        The curves as they are, where that is known.
    ink : Ink
        What followers walk on.
    crossings : list of Crossing
        Those of the truth, or else of what was read, from the top down.
    """

    track: Track
    pixels: NDArray[np.uint8]
    class_map: ClassMap
    read: list[Trace]
    truth: list[Trace] | None
    ink: Ink
    crossings: list[Crossing]

    @property
    def reference(self) -> list[Trace]:
        """What followers are judged by: the truth where it is known, or else what was read."""
        return self.read if self.truth is None else self.truth

    @property
    def readers(self) -> tuple[str, ...]:
        """The names of those that `score` scores, followers first."""
        return METHODS if self.truth is None else (*METHODS, CLASS_MAP, TRACES)

    @property
    def rows(self) -> tuple[int, int]:
        """First and last scan row of the track."""
        return self.ink.top, self.ink.top + self.ink.rows - 1

    @cached_property
    def class_probability(self) -> NDArray[np.float32]:
        """How sure the network is of each curve in each row of the track, float32 (2, rows).

        The highest probability of the class among the pixels that were given it; NaN where none was, as in the
        gaps of a broken pen, where there is no pixel to be sure of.
        """
        first, last = self.rows
        left, right = self.ink.columns
        planes = []
        for curve_class, plane in enumerate(self.class_map.curve_probabilities, 1):
            likely = plane[first : last + 1].tocoo()
            row, column = likely.coords
            given = self.class_map.labels[row + first, column] == curve_class
            given &= (column >= left) & (column <= right)
            best = np.zeros(last + 1 - first, np.uint8)
            np.maximum.at(best, row[given], likely.data[given])
            planes.append(np.where(best > 0, best / np.float32(255), np.float32(np.nan)))
        return np.stack(planes).astype(np.float32)

    def score(self, number: int) -> list[Score]:
        """Score every method on both curves at one crossing, by its place in the list.

        Class map and traces are scored only where the truth is known: by themselves they are always right.
        """
        known = self.truth is not None
        return score_crossing(
            self.reference,
            self.crossings,
            number,
            self.ink,
            self.class_map if known else None,
            self.read if known else None,
        )

    def through(self, number: int, curve_class: int, method: str) -> FollowedPath | None:
        """Where a follower goes on a curve at one crossing, just as it is scored; None where it has no start."""
        return follow_through(self.reference, self.crossings, number, curve_class, self.ink, method)

    def at(self, row: int, path: FollowedPath | None, columns: tuple[int, int]) -> RowComparison:
        """What follower and class map know at a row, in columns from one to another."""
        return compare_row(self.pixels, self.class_map, path, row, columns)

    def strand_at(self, row: int, column: float, apart: float = APART) -> int:
        """The class of the curve on which a column lies in a row; 0 where it lies on neither or on both."""
        found = [
            (abs(float(columns_at(trace, np.array([row]))[0]) - column), trace.curve_class)
            for trace in self.reference
        ]
        near = sorted(one for one in found if one[0] <= apart / 2)
        return near[0][1] if len(near) == 1 else 0


def study_track(
    pixels: NDArray[np.uint8], class_map: ClassMap, track: Track, truth: Sequence[Trace] | None = None
) -> TrackStudy:
    """Trace a track, find its crossings and prepare its ink.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan.
    class_map : ClassMap
        Its classes.
    track : Track
        Where to look.
    truth : sequence of Trace, optional
        The curves as they are, where that is known: readers are then judged by it.

    Raises
    ------
    WelllogError
        The class map is not that of the scan.

    Examples
    --------
    >>> from napari_welllog.synthetic.lesson import one_crossing, print_pairs
    >>> log = print_pairs([one_crossing()], across=1)
    >>> study = study_track(log.scan, ClassMap.from_labels(log.classes), log.tracks.tracks[0])
    >>> len(study.crossings), study.truth is None
    (1, True)
    """
    check_same_shape(class_map, pixels)
    read = extract_traces(class_map, track)
    reference = read if truth is None else list(truth)
    return TrackStudy(
        track,
        pixels,
        class_map,
        read,
        None if truth is None else list(truth),
        prepare(pixels, track),
        find_crossings(reference, track=track),
    )
