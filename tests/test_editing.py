"""A calibration in the making: drags that cannot spoil it, undo that gives back every step, and its script."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog.errors import TracksError
from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks, propose_tracks
from napari_welllog.tracks.editing import (
    Draft,
    Handle,
    History,
    corners_of,
    drag,
    handle_at,
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
from napari_welllog.tracks.usual_curves import USUAL_CURVES

SIZE = (1000, 500)


def a_track(**changes: object) -> Track:
    fields = {
        "name": "sonic",
        "left": [(100, 100), (500, 110), (900, 100)],
        "right": 400,
        "top": 100,
        "bottom": 900,
        "curves": [
            Curve(curve_class=2, mnemonic="SPHI", unit="pu", left=30, right=-10, wraps=1),
            Curve(curve_class=1, mnemonic="ILD", unit="ohm.m", left=0.2, right=2000, scale="log"),
        ],
        "ignore": [(200, 300, 350, 390)],
    }
    return Track(**(fields | changes))


TRACKS = Tracks(depth=DepthAxis(unit="m", anchors=[(100, 10), (800, 80.5)]), tracks=[a_track()])
DRAFT = Draft.of(TRACKS)


# --- The draft ---


def test_a_calibration_that_nobody_changes_stays_as_it_was() -> None:
    assert Draft.of(TRACKS).calibration(SIZE[0]) == TRACKS


def test_a_proposal_stays_as_it_was_and_knows_no_depth() -> None:
    scan = np.full((600, 300), 255, np.uint8)
    scan[100:, 20:221:20] = 0
    scan[100::25, 20:221] = 0
    proposal = propose_tracks(scan)
    draft = Draft.of(proposal)
    assert draft.calibration(600) == proposal
    assert not draft.knows_depth
    assert draft.typed_anchors == ()


def test_the_first_anchor_ends_the_depth_that_was_just_the_row() -> None:
    draft = Draft.of(Tracks(depth=DepthAxis(unit="row", anchors=[(0, 0), (9, 9)]), tracks=[a_track()]))
    one = with_anchor(draft, 100, 1000)
    assert (one.unit, one.anchors) == ("ft", ((100, 1000),))
    assert one.calibration(10).depth.unit == "row", "one anchor is not enough"
    two = with_anchor(with_unit(one, "m"), 50, 990)
    assert two.calibration(10).depth == DepthAxis(unit="m", anchors=[(50, 990), (100, 1000)])


def test_choosing_row_forgets_the_anchors() -> None:
    assert with_unit(DRAFT, "row").anchors == ()
    assert with_unit(DRAFT, "ft").anchors == DRAFT.anchors


@pytest.mark.parametrize(
    ("anchors", "said"),
    [
        ([(5, 1), (5, 2)], "both at row 5"),
        ([(5, 1), (6, 1)], "same depth"),
        ([(5, 1), (6, 2), (7, 1)], "turns back"),
    ],
)
def test_anchors_that_contradict_each_other_are_refused(anchors: list, said: str) -> None:
    with pytest.raises(TracksError, match=said):
        with_anchors(Draft(), anchors).checked(*SIZE)


def test_tracks_are_named_and_their_curves_are_told_apart() -> None:
    draft = with_track(with_track(Draft(), (0, 99, 10, 60)), (0, 99, 70, 90))
    draft = with_track(without_track(draft, 0), (0, 99, 100, 120))
    assert len({track.name for track in draft.tracks}) == 2
    mnemonics = [curve.mnemonic for track in draft.tracks for curve in track.curves]
    assert len(set(mnemonics)) == 4
    draft.checked(*SIZE)


def test_a_curve_is_put_in_taken_out_and_put_back() -> None:
    ild = a_track().curves[1]
    only_two = with_curve(DRAFT, 0, 1, None)
    assert [curve.mnemonic for curve in only_two.tracks[0].curves] == ["SPHI"]
    assert {curve.mnemonic for curve in with_curve(only_two, 0, 1, ild).tracks[0].curves} == {"SPHI", "ILD"}
    with pytest.raises(TracksError, match="empty"):
        with_curve(only_two, 0, 2, None)


def test_an_edge_is_bent_and_straightened() -> None:
    draft = with_track(Draft(), (0, 999, 10, 60))
    bent = with_corner(draft, 0, "left", 500, 20)
    assert bent.tracks[0].left == [(0, 10), (500, 20), (999, 10)]
    assert bent.tracks[0].edges(250)[0] == 15
    straight = without_corner(without_corner(bent, 0, "left", 1), 0, "left", 1)
    assert straight.tracks[0].left == 10
    with pytest.raises(TracksError, match="both at row 500"):
        with_corner(bent, 0, "left", 500, 30)


def test_a_rectangle_is_ignored_and_read_again() -> None:
    draft = with_ignored(DRAFT, 0, (600, 700, 120, 140))
    assert draft.tracks[0].ignore[1] == (600, 700, 120, 140)
    assert without_ignored(draft, 0, 1) == DRAFT


def test_a_point_lies_in_a_track_or_in_none() -> None:
    assert track_at(DRAFT, 500, 111) == 0
    assert track_at(DRAFT, 500, 109) is None
    assert track_at(DRAFT, 950, 200) is None


def test_a_drawn_rectangle_ends_with_the_scan() -> None:
    assert rectangle_between((-50, 700), (2000, 100), SIZE) == (-0.5, 999.5, 100.0, 499.5)


def test_a_track_off_the_scan_is_refused() -> None:
    with pytest.raises(TracksError, match="scan's columns"):
        with_changed_track(DRAFT, 0, right=600).checked(*SIZE)


# --- What the mouse takes hold of, and drags ---

HANDLES = [
    Handle("corner", 0, "left", 0),
    Handle("corner", 0, "left", 1),
    Handle("edge", 0, "left"),
    Handle("edge", 0, "right"),
    Handle("end", 0, "top"),
    Handle("end", 0, "bottom"),
    Handle("ignored", 0, "top", 0),
    Handle("ignored", 0, "right", 0),
    Handle("anchor", number=0),
    Handle("anchor", number=1),
]


@pytest.mark.parametrize(
    ("point", "handle"),
    [
        ((500, 111), Handle("corner", 0, "left", 1)),
        ((700, 104), Handle("edge", 0, "left")),
        ((700, 402), Handle("edge", 0, "right")),
        ((901, 250), Handle("end", 0, "bottom")),
        ((198, 370), Handle("ignored", 0, "top", 0)),
        ((250, 391), Handle("ignored", 0, "right", 0)),
        ((801, 450), Handle("anchor", number=1)),
        ((600, 250), None),
    ],
)
def test_the_mouse_takes_hold_of_what_is_under_it(point: tuple, handle: Handle | None) -> None:
    assert handle_at(DRAFT, *point, reach=(3, 3)) == handle


@given(handle=st.sampled_from(HANDLES), rows=st.floats(-3000, 3000), columns=st.floats(-3000, 3000))
def test_no_drag_makes_a_calibration_that_cannot_be_used(handle: Handle, rows: float, columns: float) -> None:
    dragged = drag(DRAFT, handle, rows, columns, SIZE)
    dragged.checked(*SIZE)
    assert Draft.of(dragged.calibration(SIZE[0])) == dragged


@given(handle=st.sampled_from(HANDLES), rows=st.floats(-8, 8), columns=st.floats(-8, 8))
def test_a_short_drag_goes_all_the_way_and_back(handle: Handle, rows: float, columns: float) -> None:
    rows, columns = round(rows, 1), round(columns, 1)
    there = drag(DRAFT, handle, rows, columns, SIZE)
    back = drag(there, handle, -rows, -columns, SIZE)
    np.testing.assert_allclose(back.anchors, DRAFT.anchors, atol=0.11)
    np.testing.assert_allclose(
        corners_of(back.tracks[0], "left"), corners_of(DRAFT.tracks[0], "left"), atol=0.11
    )
    np.testing.assert_allclose(back.tracks[0].ignore, DRAFT.tracks[0].ignore, atol=0.11)


def test_an_edge_dragged_over_the_other_one_stops_before_it() -> None:
    track = drag(DRAFT, Handle("edge", 0, "right"), 0, -2000, SIZE).tracks[0]
    assert 110 < track.right < 111


def test_an_edge_is_dragged_sideways_and_an_end_up_and_down() -> None:
    assert drag(DRAFT, Handle("edge", 0, "right"), 77, 5, SIZE).tracks[0].right == 405
    assert drag(DRAFT, Handle("end", 0, "top"), 7, 55, SIZE).tracks[0].top == 107


# --- Undo and redo ---


@given(steps=st.lists(st.integers(0, 5) | st.sampled_from(["undo", "redo"])))
def test_undo_and_redo_walk_the_very_values_there_were(steps: list) -> None:
    history, past, future = History(0), [0], []
    for step in steps:
        if step == "undo":
            if len(past) > 1:
                future.append(past.pop())
            history.undo()
        elif step == "redo":
            if future:
                past.append(future.pop())
            history.redo()
        elif step != past[-1]:
            past.append(step)
            future = []
            history.change(step)
        assert history.value == past[-1]
        assert history.can_undo == (len(past) > 1)
        assert history.can_redo == bool(future)


def test_a_drag_is_undone_as_one() -> None:
    history = History(0)
    for value in (1, 2, 3):
        history.change(value, step="first drag")
    for value in (4, 5):
        history.change(value, step="second drag")
    assert [history.undo(), history.undo(), history.can_undo] == [3, 0, False]


def test_a_drag_that_begins_without_moving_leaves_the_step_before_it_alone() -> None:
    history = History(0)
    history.change(1)
    history.change(1, step="drag")
    history.change(2, step="drag")
    assert history.undo() == 1


def test_a_drag_that_returns_to_where_it_began_can_go_on() -> None:
    history = History(0)
    for value in (1, 0, 2):
        history.change(value, step="drag")
    assert (history.undo(), history.can_undo) == (0, False)


# --- The script, and the usual curves ---


@pytest.mark.parametrize("tracks", [TRACKS, with_track(Draft(), (0, 99, 1, 9)).calibration(100)])
def test_the_script_makes_the_same_file(tmp_path: Path, tracks: Tracks) -> None:
    path = tmp_path / "well's.tracks.json"
    exec(to_python(tracks, path), {})
    assert Tracks.load(path) == tracks


@pytest.mark.parametrize("mnemonic", USUAL_CURVES)
def test_every_usual_curve_can_be_used(mnemonic: str) -> None:
    usual = USUAL_CURVES[mnemonic]
    curve = Curve(
        curve_class=1,
        mnemonic=mnemonic,
        unit=usual.unit,
        left=usual.left,
        right=usual.right,
        scale=usual.scale,
    )
    assert curve.value_axis.values([0, 1]).round(9).tolist() == [usual.left, usual.right]
