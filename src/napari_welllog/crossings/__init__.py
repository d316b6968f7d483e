"""Crossings: where the curves of a track meet, a follower against the class map there, and who left on which strand."""

from napari_welllog.crossings.compare import (
    APART,
    Comparison,
    RowComparison,
    compare_at,
    compare_row,
    start_above,
)
from napari_welllog.crossings.find import LONGEST_GAP, TOUCHING, Crossing, find_crossings
from napari_welllog.crossings.score import (
    CLASS_MAP,
    TRACES,
    Outcome,
    Score,
    follow_through,
    judge,
    judge_class_map,
    score_crossing,
    score_crossings,
)
from napari_welllog.crossings.study import TrackStudy, study_track

__all__ = [
    "APART",
    "CLASS_MAP",
    "LONGEST_GAP",
    "TOUCHING",
    "TRACES",
    "Comparison",
    "Crossing",
    "Outcome",
    "RowComparison",
    "Score",
    "TrackStudy",
    "compare_at",
    "compare_row",
    "find_crossings",
    "follow_through",
    "judge",
    "judge_class_map",
    "score_crossing",
    "score_crossings",
    "start_above",
    "study_track",
]
