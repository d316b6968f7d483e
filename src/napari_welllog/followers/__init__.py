"""Edge-followers: sequential tracers that walk down a line of ink, one row after the other, with no idea of classes."""

from napari_welllog.followers.follow import METHODS, follow
from napari_welllog.followers.ink import Ink, prepare
from napari_welllog.followers.job import FollowedScan, find_starts, follow_scan
from napari_welllog.followers.motion import Kalman, Motion, Nearest, Straight
from napari_welllog.followers.viterbi import Viterbi
from napari_welllog.followers.walk import AMBIGUOUS_FROM, Candidate, FollowedPath, Verdict

__all__ = [
    "AMBIGUOUS_FROM",
    "METHODS",
    "Candidate",
    "FollowedPath",
    "FollowedScan",
    "Ink",
    "Kalman",
    "Motion",
    "Nearest",
    "Straight",
    "Verdict",
    "Viterbi",
    "find_starts",
    "follow",
    "follow_scan",
    "prepare",
]
