"""Corrections by hand: laid over the machine's traces, undone, kept on the disk, and marked in the results."""

from __future__ import annotations

import json
from pathlib import Path

import lasio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_welllog.curves import Trace, TraceState
from napari_welllog.digitize import digitize
from napari_welllog.edits import (
    EditHistory,
    Edits,
    Erase,
    Give,
    Redraw,
    apply_edits,
    moved_stretch,
    points_of_line,
)
from napari_welllog.errors import EditsError, OutputError
from napari_welllog.tracks import Track, Tracks

ROWS = 60
TRACK = Track(
    name="t",
    left=0,
    right=100,
    top=0,
    bottom=200,
    curves=[
        {"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150},
        {"class": 2, "mnemonic": "CALI", "unit": "in", "left": 6, "right": 16},
    ],
)


def two_traces(top: int = 100) -> list[Trace]:
    """Two curves, each bridged here and missing there."""
    traces = []
    for curve_class, column in ((1, 20.0), (2, 70.0)):
        state = np.ones(ROWS, np.uint8)
        state[10 * curve_class : 10 * curve_class + 5] = TraceState.BRIDGED
        state[40 : 40 + 4 * curve_class] = TraceState.MISSING
        columns = np.where(state == 0, np.nan, column + np.arange(ROWS) / 10)
        traces.append(
            Trace(curve_class, top, columns, np.where(state == 0, 0, 0.9).astype(np.float32), state)
        )
    return traces


row_ranges = st.tuples(st.integers(80, 180), st.integers(0, 50)).map(lambda r: (r[0], r[0] + r[1]))
points = st.lists(st.tuples(st.floats(80, 180), st.floats(-5, 105)), min_size=1, max_size=5).map(
    lambda p: sorted({round(row, 2): round(column, 2) for row, column in p}.items())
)
tracks = st.sampled_from(["t", "t", "t", "elsewhere"])
classes = st.sampled_from([1, 2])
edits = st.one_of(
    st.builds(Erase, track=tracks, curve_class=classes, rows=row_ranges),
    st.builds(Give, track=tracks, curve_class=classes, rows=row_ranges),
    st.builds(Redraw, track=tracks, curve_class=classes, points=points),
)
many_edits = st.lists(edits, max_size=8)


def same(one: Trace, two: Trace) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(two, name), equal_nan=True)
        for name in ("column", "confidence", "state")
    )


def test_no_edits_change_nothing() -> None:
    traces = two_traces()
    assert all(one is two for one, two in zip(apply_edits(traces, TRACK, Edits()), traces, strict=True))


@given(many_edits)
def test_rows_outside_an_edit_never_change_and_the_machines_traces_stay_as_they_are(made) -> None:
    traces = two_traces()
    edited = apply_edits(traces, TRACK, Edits(edits=tuple(made)))
    for machine, after, untouched in zip(traces, edited, two_traces(), strict=True):
        assert same(machine, untouched)
        rows = machine.rows
        covered = np.zeros(ROWS, bool)
        for edit in made:
            if edit.track == "t" and (edit.curve_class == machine.curve_class or isinstance(edit, Give)):
                covered |= (rows >= edit.row_range[0]) & (rows <= edit.row_range[1])
        outside = ~covered
        assert np.array_equal(after.column[outside], machine.column[outside], equal_nan=True)
        assert (after.state[outside] == machine.state[outside]).all()
        assert (after.state[covered] >= TraceState.EDITED).all(), "every edited row is marked"
        assert (np.isfinite(after.column) == ~np.isin(after.state, [0, 4])).all()


@given(many_edits, edits)
def test_undo_gives_back_the_same_and_redo_the_edit(made, last) -> None:
    history = EditHistory(Edits(edits=tuple(made)))
    before = apply_edits(two_traces(), TRACK, history.edits)
    history.do(last)
    after = apply_edits(two_traces(), TRACK, history.edits)
    assert history.undo() == last
    assert all(map(same, apply_edits(two_traces(), TRACK, history.edits), before))
    assert history.redo() == last
    assert all(map(same, apply_edits(two_traces(), TRACK, history.edits), after))


@settings(deadline=None)
@given(many_edits)
def test_a_file_holds_them_all(tmp_path_factory, made) -> None:
    file = tmp_path_factory.mktemp("edits") / "well.edits.json"
    Edits(edits=tuple(made)).save(file)
    assert Edits.load(file) == Edits(edits=tuple(made))
    assert len(file.read_text().splitlines()) == 4 + (len(made) + 1 if made else 0), "one edit on each line"


def test_a_stretch_given_to_the_other_curve_and_back_is_as_it_was() -> None:
    give = Give(track="t", curve_class=1, rows=(105, 145))
    once, twice = (apply_edits(two_traces(), TRACK, Edits(edits=(give,) * times)) for times in (1, 2))
    assert once[0].column[20] == two_traces()[1].column[20]
    for trace, machine in zip(twice, two_traces(), strict=True):
        assert np.array_equal(trace.column, machine.column, equal_nan=True)
        assert np.array_equal(trace.confidence, machine.confidence)


def test_a_stretch_given_away_in_a_track_of_one_curve_is_erased() -> None:
    (trace,) = apply_edits(
        two_traces()[:1], TRACK, Edits(edits=(Give(track="t", curve_class=1, rows=(105, 106)),))
    )
    assert trace.state[5:7].tolist() == [TraceState.ERASED] * 2
    assert np.isnan(trace.column[5:7]).all()


def test_every_step_is_on_the_disk_at_once(tmp_path: Path) -> None:
    file = tmp_path / "well.edits.json"
    history = EditHistory.beside(file)
    assert not file.exists(), "nothing is written before there is something to keep"
    erase = Erase(track="t", curve_class=1, rows=(1, 2))
    history.do(erase)
    assert EditHistory.beside(file).edits.edits == (erase,)
    history.undo()
    assert EditHistory.beside(file).edits == Edits()


def test_an_edit_that_cannot_be_kept_is_made_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("")
    history = EditHistory(file=tmp_path / "blocked" / "well.edits.json")
    with pytest.raises(OutputError, match="blocked"):
        history.do(Erase(track="t", curve_class=1, rows=(1, 2)))
    assert history.can_undo


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON: line 1"),
        ("[]", "'version' is missing"),
        ('{"version": 2}', "version: Input should be 1"),
        ('{"version": 1, "edit": []}', "edit: Extra inputs"),
        (
            '{"version": 1, "edits": [{"kind": "redraw", "track": "t", "class": 1, "points": [[2, 1], [1, 1]]}]}',
            "edits 1 redraw: 'points' must run down",
        ),
        (
            '{"version": 1, "edits": [{"kind": "erase", "track": "t", "class": 3, "rows": [1, 2]}]}',
            "edits 1 erase class: Input should be 1 or 2",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "well.edits.json"
    file.write_text(text)
    with pytest.raises(EditsError) as refusal:
        Edits.load(file)
    assert said in str(refusal.value)
    assert str(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_edits_of_a_track_that_is_not_there_are_known() -> None:
    made = Edits(edits=tuple(Erase(track=name, curve_class=1, rows=(1, 2)) for name in ("t", "gone")))
    assert [edit.track for edit in made.strays([TRACK])] == ["gone"]


# --- Lines drawn by hand ---


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=12))
def test_a_line_drawn_anyhow_runs_down_the_scan(vertices) -> None:
    drawn = points_of_line(vertices)
    if drawn:
        assert Redraw(track="t", curve_class=1, points=drawn).points == drawn


@given(st.integers(0, 5), st.floats(-30, 90), st.floats(0, 100))
def test_a_dragged_vertex_changes_only_the_stretch_between_its_neighbours(index, row, column) -> None:
    before = np.column_stack([np.arange(0, 60, 10.0), np.full(6, 50.0)])
    after = before.copy()
    after[index] = row, column
    points = moved_stretch(before, after)
    if points:
        edit = Redraw(track="t", curve_class=1, points=points)
        assert edit.row_range[0] >= (0 if index == 0 else 10 * (index - 1)) or index == 0
        assert index == 5 or edit.row_range[1] <= 10 * (index + 1)


def test_a_vertex_taken_out_straightens_the_line_between_its_neighbours() -> None:
    line = [[0, 5], [10, 9], [20, 5], [30, 5]]
    assert moved_stretch(line, [line[0], *line[2:]]) == [(0.0, 5.0), (20.0, 5.0)]


# --- In the results ---


@pytest.mark.usefixtures("perfect_network")
def test_edits_are_in_the_las_file_with_a_flag_curve_and_counted_in_the_report(well, tmp_path) -> None:
    track = Tracks.load(well.tracks).tracks[0]
    first = int(track.rows[0])
    rows = (first + 200, first + 299)
    made = Edits(
        edits=(
            Erase(track=track.name, curve_class=1, rows=rows),
            Redraw(
                track=track.name,
                curve_class=2,
                points=[(row, float(track.columns(row, 0.25))) for row in rows],
            ),
        )
    )
    made.save(tmp_path / "well.edits.json")
    digitize(well.scan, well.tracks, tmp_path / "plain")
    digitize(well.scan, well.tracks, tmp_path / "edited", edits=tmp_path / "well.edits.json")

    one, two = (curve.mnemonic for curve in track.curves)
    plain, edited = (lasio.read(tmp_path / name / "well.las") for name in ("plain", "edited"))
    assert plain.keys() == ["DEPT", one, two]
    assert edited.keys() == ["DEPT", one, f"{one}_FLAG", two, f"{two}_FLAG"]
    assert "3 edited by hand" in edited.curves[f"{two}_FLAG"].descr
    depth = Tracks.load(well.tracks).depth.depths(np.add(rows, (0.5, -0.5)))
    inside = (edited.index >= min(depth)) & (edited.index <= max(depth))
    assert set(edited[f"{one}_FLAG"][inside]) == {4}
    assert np.isnan(edited[one][inside]).all()
    assert set(edited[f"{two}_FLAG"][inside]) == {3}
    curve = track.curves[1]
    assert edited[two][inside] == pytest.approx(float(curve.value_axis.values(0.25)), abs=1e-3)
    away = ~inside & (np.abs(edited.index - np.mean(depth)) > np.ptp(depth))
    for name in (one, two):
        assert np.allclose(edited[name][away], plain[name][away], atol=1e-3, equal_nan=True)
        assert set(edited[f"{name}_FLAG"]) <= {0, 1, 2, 3, 4}
        assert (np.isnan(edited[name]) == np.isin(edited[f"{name}_FLAG"], [0, 4])).all()
    header = (tmp_path / "edited" / "well.csv").read_text().splitlines()[0]
    assert header == f"DEPT,{one},{one}_FLAG,{two},{two}_FLAG"
    report = json.loads((tmp_path / "edited" / "well_report.json").read_text())
    assert [curve["rows_edited"] for curve in report["curves"]] == [100, 100]


@pytest.mark.usefixtures("perfect_network")
def test_an_empty_edits_file_gives_the_bytes_of_no_edits(well, tmp_path) -> None:
    Edits().save(tmp_path / "well.edits.json")
    digitize(well.scan, well.tracks, tmp_path / "plain")
    digitize(well.scan, well.tracks, tmp_path / "edited", edits=tmp_path / "well.edits.json")
    for ending in (".las", ".csv", "_classes.tif", "_overlay.png"):
        plain, edited = ((tmp_path / name / f"well{ending}").read_bytes() for name in ("plain", "edited"))
        assert plain == edited
