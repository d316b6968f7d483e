"""One walk down a line of ink: row by row the runs that may be its continuation, the choice, and how sure it is."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_welllog.followers.ink import Ink
from napari_welllog.followers.motion import Motion

AMBIGUOUS_FROM = 0.5
"""Ambiguity from which the verdict is `ambiguous`: the runner-up is half as plausible as the choice."""

LOST_AFTER = 60
"""Rows without ink after which a follower is lost; until then it coasts, as over the gaps of a broken pen."""

_GATE = 3.0
_LEAST_SCORE = 0.02
_OTHER_STRAND = 0.3
_STILL_IN_A_GAP = 0.35
_FIRST_GAP = 6.0
_TOGETHER_FADES = 0.97
_PARTED_FADES = 0.5
_MOST_CANDIDATES = 8
_HIDES_FROM = 0.3
_WORN_ROWS = 2
_KICK = 3.0


class Verdict(IntEnum):
    """What a follower knows at one row."""

    LOST = 0
    CLEAR = 1
    AMBIGUOUS = 2

    @property
    def word(self) -> str:
        """The verdict as it is shown and written."""
        return self.name.lower()


class Candidate(NamedTuple):
    """A continuation that a follower weighed at one row.

    Parameters
    ----------
    column : where the line would be.
    left, right : first and last column of the run of ink.
    score : how plausible it is, 0 to 1.
    chosen : whether it was taken.
    """

    column: float
    left: int
    right: int
    score: float
    chosen: bool


@dataclass(frozen=True)
class FollowedPath:
    """Where a follower went, and what it weighed on the way.

    Parameters
    ----------
    method : str
        The follower's name.
    top : int
        Scan row of the first element, where it started.
    column : float64 (n,)
        Scan column at each row; NaN where it is lost.
    verdict : uint8 (n,)
        A `Verdict` for each row.
    ambiguity : float32 (n,)
        0 to 1: how plausible the runner-up is beside the choice, as a ratio of their scores. Where two strands
        have flowed together into one run of ink the run holds both continuations, whichever is taken: 1, fading
        slowly while the ink is no wider than one pen and quickly once the strands have parted. Where ink that comes
        from elsewhere passes through a gap of the line, the other continuation is that the gap goes on.
    inked : bool (n,)
        Whether it found ink, or coasted.
    first : int (n + 1,)
        Index of the first candidate of each row in the arrays that follow.
    candidate_column, candidate_left, candidate_right, candidate_score : float32 (m,)
        What was weighed.
    candidate_chosen : bool (m,)
        What was taken.
    """

    method: str
    top: int
    column: NDArray[np.float64]
    verdict: NDArray[np.uint8]
    ambiguity: NDArray[np.float32]
    inked: NDArray[np.bool_]
    first: NDArray[np.intp]
    candidate_column: NDArray[np.float32]
    candidate_left: NDArray[np.float32]
    candidate_right: NDArray[np.float32]
    candidate_score: NDArray[np.float32]
    candidate_chosen: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.intp]:
        """Scan rows of the elements, int (n,)."""
        return self.top + np.arange(len(self.column))

    def candidates_at(self, row: int) -> list[Candidate]:
        """The candidates weighed at a scan row, in order of column; none outside the path."""
        if not 0 <= row - self.top < len(self.column):
            return []
        return [
            Candidate(
                float(self.candidate_column[k]),
                int(self.candidate_left[k]),
                int(self.candidate_right[k]),
                float(self.candidate_score[k]),
                bool(self.candidate_chosen[k]),
            )
            for k in range(self.first[row - self.top], self.first[row - self.top + 1])
        ]

    def verdict_at(self, row: int) -> Verdict:
        """The verdict at a scan row; lost outside the path."""
        inside = 0 <= row - self.top < len(self.column)
        return Verdict(int(self.verdict[row - self.top])) if inside else Verdict.LOST

    def count(self, verdict: Verdict) -> int:
        """Number of rows with a verdict."""
        return int(np.count_nonzero(self.verdict == verdict))


_Weighed = tuple[float, int, int, float, int]
"""Column, left, right, score and index of a run."""


class Walk:
    """A follower on its way: what every kind has in common.

    Parameters
    ----------
    ink : Ink
        What it walks on.
    motion : Motion
        What kind it is.
    row, column : int, float
        Where it starts; the nearest ink within its reach is taken.
    last_row : int
        Where it ends.
    """

    def __init__(self, ink: Ink, motion: Motion, row: int, column: float, last_row: int) -> None:
        self._ink, self._motion = ink, motion
        self._first, self._left, self._right = ink.as_lists
        links = ink.links
        self._merges, self._continues, self._weight = links.merges, links.continues, links.weight
        self._half = ink.pen / 2
        self._own_width = ink.pen
        self._usual_gap = _FIRST_GAP
        self._together, self._parted = 0.0, False
        self._start, self._last_row = row, last_row
        self._inked_row = row - 1
        self._column = column
        self._run: tuple[int, int] | None = None
        self._ends: tuple[float, float] | None = None
        self._holds = False
        motion.begin(ink, row, column, last_row)
        self._steps: list[tuple[float, float, bool, list[_Weighed], int]] = []

    def run(self) -> FollowedPath:
        """Walk to the end."""
        for row in range(self._start, self._last_row + 1):
            self._step(row)
        return self._path()

    def _step(self, row: int) -> None:
        """Weigh the runs of one row and take the best, or coast."""
        predicted, spread = self._motion.predict(row)
        gap = row - self._inked_row - 1
        if gap > LOST_AFTER:  # it looks for ink further and further away
            spread += gap - LOST_AFTER
        weighed = self._weigh(row, predicted, spread, gap)
        best = max(range(len(weighed)), key=lambda k: weighed[k][3], default=-1)
        coast = self._score_of_a_gap(gap, weighed, best)
        if best < 0 or weighed[best][3] < max(coast, _LEAST_SCORE):
            self._coast(predicted, gap, weighed, coast)
            return
        taken = weighed[best]
        others = max(
            (one[3] for one in weighed if one is not taken and self._stands_off(one, taken)), default=0.0
        )
        ratio = max(others, coast) / taken[3]
        self._remember_strands(taken, weighed, gap)
        ambiguity = min(max(ratio, self._together), 1.0)
        column = self._go_to(row, predicted, taken, gap)
        weighed[best] = (column, *taken[1:])
        self._steps.append((column, ambiguity, True, weighed, best))

    def _weigh(self, row: int, predicted: float, spread: float, gap: int) -> list[_Weighed]:
        """The runs of a row within reach, each with the column that the line would have there and its score."""
        k = row - self._ink.top
        begin, end = self._first[k], self._first[k + 1]
        if begin == end:
            return []
        low, high = predicted - _GATE * spread, predicted + _GATE * spread
        near_left, near_right = self._within_touch(gap)
        low, high = min(low, near_left), max(high, near_right)
        weighed = []
        for i in range(bisect_left(self._right, low, begin, end), bisect_right(self._left, high, begin, end)):
            left, right = self._left[i], self._right[i]
            half = min(self._half, (right - left) / 2)
            core_left, core_right = left + half, right - half
            distance = self._distance(core_left, core_right, predicted, spread)
            touching = left <= near_right and right >= near_left
            # However sharp the corner, ink that hangs together with the ink underfoot may be the line.
            off = 2 * distance / (distance + 6 * spread) if touching else distance / spread
            score = self._weight[i] / (1 + off * off) ** 2
            if not touching and self._continues[i] and self._run is not None:
                score *= _OTHER_STRAND
            if score >= _LEAST_SCORE:
                hidden = self._together >= _HIDES_FROM or self._merges[i]
                column = min(max(predicted, core_left), core_right) if hidden else (left + right) / 2
                weighed.append((column, left, right, score, i))
        if len(weighed) > _MOST_CANDIDATES:
            best = sorted(weighed, key=lambda one: -one[3])[:_MOST_CANDIDATES]
            weighed = sorted(best, key=lambda one: one[1])
        return weighed

    def _distance(self, core_left: float, core_right: float, predicted: float, spread: float) -> float:
        """Columns from where the line is expected to a run; from a horizontal stroke it goes on at either end."""
        onward = max(core_left - predicted, predicted - core_right, 0.0)
        if self._ends is None:
            return onward
        near, far = self._ends
        to_far = max(core_left - far, far - core_right, 0.0)
        to_near = max(core_left - near, near - core_right, 0.0) + 1.0
        sideways = min(to_far, to_near)
        # Straight on is likelier than a kick of its own that begins just where it meets other ink.
        return min(onward, sideways + _KICK * spread) if self._holds else sideways

    def _score_of_a_gap(self, gap: int, weighed: list[_Weighed], best: int) -> float:
        """How plausible it is that the line is in a gap of its pen, and the best run is another strand's."""
        if best < 0 or self._run is None:
            return 0.0
        _, left, right, _, index = weighed[best]
        near_left, near_right = self._within_touch(gap)
        touching = left <= near_right and right >= near_left
        if touching or not self._continues[index] or gap > 1.5 * self._usual_gap + 2:
            return 0.0
        return _STILL_IN_A_GAP

    def _stands_off(self, one: _Weighed, taken: _Weighed) -> bool:
        """Whether two runs are two strands, and not one that wear has split."""
        return one[1] - taken[2] > 2 or taken[1] - one[2] > 2

    def _remember_strands(self, taken: _Weighed, weighed: list[_Weighed], gap: int) -> None:
        """Keep in mind whether the ink underfoot holds two strands."""
        _, left, right, _, index = taken
        width = right - left + 1
        wide = width > 1.6 * self._own_width + 1
        if self._merges[index]:
            self._together, self._parted = 1.0, False
        elif self._together > 0.01:
            near_left, near_right = self._within_touch(gap)
            parts = sum(one[1] <= near_right and one[2] >= near_left for one in weighed) > 1
            self._parted = self._parted or parts
            self._together *= _PARTED_FADES if self._parted else 1.0 if wide else _TOGETHER_FADES
        else:
            self._together = 0.0

    def _within_touch(self, gap: int) -> tuple[float, float]:
        """The columns in which ink hangs together with the run underfoot; none after a gap that wear does not make."""
        if self._run is None or gap > _WORN_ROWS:
            return np.inf, -np.inf
        slack = 1 + 2 * gap
        return self._run[0] - slack, self._run[1] + slack

    def _go_to(self, row: int, predicted: float, taken: _Weighed, gap: int) -> float:
        """Step onto a run and give the column of the line there."""
        column, left, right, _, _ = taken
        width = right - left + 1
        if gap > 1 and gap <= LOST_AFTER:
            self._usual_gap = max(gap, 0.8 * self._usual_gap)
        if width > 3 * self._own_width + 2 * self._half + 3:
            column = self._sweep(row, predicted, left, right)
        else:
            alone = self._together < _HIDES_FROM
            if alone:
                self._own_width += 0.2 * (width - self._own_width)
            turned = self._ends is not None and not (self._holds and abs(column - predicted) < 2 * width)
            self._ends = None
            if turned:
                self._motion.swept(row, column)
            else:
                self._motion.saw(row, column, alone)
        self._run, self._inked_row, self._column = (left, right), row, column
        return column

    def _sweep(self, row: int, predicted: float, left: int, right: int) -> float:
        """Go along a horizontal stroke, or straight on through it for as long as it may be another strand's."""
        half = min(self._half, (right - left) / 2)
        ends = left + half, right - half
        self._holds = (self._ends is None or self._holds) and ends[0] - 1 <= predicted <= ends[1] + 1
        nearer_left = abs(self._column - ends[0]) < abs(self._column - ends[1])
        self._ends = ends if nearer_left else (ends[1], ends[0])
        if self._holds:
            column = min(max(predicted, ends[0]), ends[1])
            self._motion.saw(row, column, False)
        else:
            column = (left + right) / 2
            self._motion.swept(row, column)
        return column

    def _coast(self, predicted: float, gap: int, weighed: list[_Weighed], coast: float) -> None:
        """Go on without ink."""
        self._together *= _TOGETHER_FADES
        others = max((one[3] for one in weighed), default=0.0)
        ambiguity = min(max(others / coast if coast else 0.0, self._together), 1.0)
        if gap >= LOST_AFTER:
            predicted, ambiguity = np.nan, 0.0
        self._steps.append((predicted, ambiguity, False, weighed, -1))

    def _path(self) -> FollowedPath:
        """Pack what was found into arrays."""
        column = np.array([step[0] for step in self._steps], np.float64)
        ambiguity = np.array([step[1] for step in self._steps], np.float32)
        verdict = np.where(ambiguity >= AMBIGUOUS_FROM, Verdict.AMBIGUOUS, Verdict.CLEAR).astype(np.uint8)
        verdict[np.isnan(column)] = Verdict.LOST
        counts = [len(step[3]) for step in self._steps]
        flat = [one for step in self._steps for one in step[3]]
        weighed = np.array(flat, np.float32).reshape(-1, 5)
        first = np.concatenate([[0], np.cumsum(counts, dtype=np.intp)])
        chosen = np.zeros(len(weighed), bool)
        taken = np.array([step[4] for step in self._steps], np.intp)
        chosen[first[:-1][taken >= 0] + taken[taken >= 0]] = True
        return FollowedPath(
            method=self._motion.name,
            top=self._start,
            column=column,
            verdict=verdict,
            ambiguity=ambiguity,
            inked=np.array([step[2] for step in self._steps], bool),
            first=first,
            candidate_column=weighed[:, 0],
            candidate_left=weighed[:, 1],
            candidate_right=weighed[:, 2],
            candidate_score=weighed[:, 3],
            candidate_chosen=chosen,
        )
