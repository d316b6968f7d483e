"""What a person should look at: doubtful stretches, and curves thinned without losing a kick or a gap."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_welllog.curves import Trace, TraceState
from napari_welllog.review import find_doubts, runs_of, thinned


def a_trace(*runs: tuple[int, TraceState], confidence: float = 0.9, top: int = 1000) -> Trace:
    state = np.concatenate([np.full(count, kind, np.uint8) for count, kind in runs])
    known = ~np.isin(state, [TraceState.MISSING, TraceState.ERASED])
    column = np.where(known, 40.0, np.nan)
    return Trace(1, top, column, np.where(known, confidence, 0).astype(np.float32), state)


MISSING, TRACED, BRIDGED, EDITED, ERASED = TraceState


def seen(trace: Trace) -> list[tuple[int, int, str]]:
    return [(doubt.row_from, doubt.row_to, doubt.reason) for doubt in find_doubts([trace])]


def test_a_sure_trace_leaves_no_doubt() -> None:
    assert seen(a_trace((500, TRACED))) == []


def test_a_stretch_of_low_confidence_is_doubtful_and_a_single_weak_row_is_not() -> None:
    trace = a_trace((500, TRACED))
    trace.confidence[250] = 0.1
    trace.confidence[300:340] = 0.4
    ((first, last, reason),) = seen(trace)
    assert reason == "low confidence"
    assert abs(first - 1300) < 8
    assert abs(last - 1339) < 8


def test_a_long_bridge_is_doubtful_but_not_the_gaps_of_a_dashed_curve() -> None:
    assert seen(a_trace((100, TRACED), (30, BRIDGED), (100, TRACED))) == [(1100, 1129, "long bridge")]
    dashes = [(30, TRACED), (14, BRIDGED)] * 8
    assert seen(a_trace(*dashes, (30, TRACED))) == []
    assert len(seen(a_trace(*dashes, (60, TRACED), (40, BRIDGED), (30, TRACED)))) == 1


def test_a_missing_stretch_is_looked_at_where_the_curve_ends_and_where_it_begins_again() -> None:
    assert seen(a_trace((100, TRACED), (300, MISSING), (100, TRACED))) == [
        (1099, 1100, "missing"),
        (1399, 1400, "missing"),
    ]
    assert seen(a_trace((100, TRACED), (30, MISSING), (100, TRACED))) == [(1099, 1130, "missing")]
    assert seen(a_trace((100, MISSING), (300, TRACED))) == [(1099, 1100, "missing")]


def test_a_curve_that_was_found_nowhere_is_one_doubt() -> None:
    assert seen(a_trace((300, MISSING))) == [(1000, 1299, "missing")]


def test_what_a_person_edited_is_not_doubtful() -> None:
    assert seen(a_trace((100, TRACED), (30, EDITED), (60, ERASED), (30, EDITED), (100, TRACED))) == []
    assert seen(a_trace((100, TRACED), (30, EDITED), (60, MISSING), (30, EDITED), (100, TRACED))) == []


@given(st.lists(st.booleans(), max_size=40))
def test_runs_are_the_true_elements(mask) -> None:
    again = np.zeros(len(mask), bool)
    for first, end in runs_of(np.array(mask, bool)):
        assert not again[max(first - 1, 0) : end].any()
        again[first:end] = True
    assert again.tolist() == mask


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(30, 500), st.integers(0, 2**32 - 1))
def test_a_thinned_curve_keeps_its_extremes_its_ends_and_every_wide_gap(count, most, seed) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=count)
    values[count // 3 : count // 3 + count // 10] = np.nan
    chosen = thinned(values, most)
    assert (np.diff(chosen) > 0).all()
    assert len(chosen) <= max(most, 3) + 3
    known = values[np.isfinite(values)]
    if len(known):
        assert np.nanmin(values[chosen]) == known.min()
        assert np.nanmax(values[chosen]) == known.max()
    assert np.isnan(values[chosen]).any() == np.isnan(values).any()
