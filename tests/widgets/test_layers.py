"""How results look in napari: the scan, the three classes, the curves, and what a second run does to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_welllog.curves import Trace, TraceState
from napari_welllog.overlay import CURVE_COLOURS
from napari_welllog.tracks import Curve
from napari_welllog.widgets.layers import (
    MOST_PATHS,
    PATH_TOLERANCE,
    class_map_layer,
    curves_layer,
    label_pyramid,
    scan_layer,
    show_layer,
)

ViewerModel = pytest.importorskip("napari.components").ViewerModel
ColorValue = pytest.importorskip("napari.utils.color").ColorValue

GAMMA_RAY = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
CALIPER = Curve(curve_class=2, mnemonic="CALI", unit="in", left=6, right=16)


def a_scan(rows: int = 10_000, columns: int = 300) -> np.ndarray:
    """Paper with a one-pixel curve that swings from side to side."""
    pixels = np.full((rows, columns), 255, np.uint8)
    pixels[np.arange(rows), wave(rows).round().astype(int)] = 0
    return pixels


def wave(rows: int) -> np.ndarray:
    return 150 + 100 * np.sin(np.arange(rows) / 70)


def a_trace(state: np.ndarray, curve_class: int = 1, top: int = 0, column: np.ndarray | None = None) -> Trace:
    """A trace of the given states; where it is missing it has no column, as extract_traces leaves it."""
    state = np.asarray(state, np.uint8)
    column = wave(len(state)) if column is None else column
    column = np.where(state == TraceState.MISSING, np.nan, column)
    confidence = np.where(state == TraceState.TRACED, 0.9, 0.5).astype(np.float32)
    return Trace(curve_class, top, column, confidence, state)


def states(*runs: tuple[int, TraceState]) -> np.ndarray:
    return np.concatenate([np.full(rows, state, np.uint8) for rows, state in runs])


T, B, M, E = TraceState.TRACED, TraceState.BRIDGED, TraceState.MISSING, TraceState.EDITED


# --- The scan ---


def test_a_long_scan_stays_quick_and_keeps_its_thin_curve_at_every_zoom() -> None:
    layer = show_layer(ViewerModel(), scan_layer(a_scan()))
    assert layer.multiscale
    assert [level.shape for level in layer.data] == [(10_000, 300), (5_000, 300), (2_500, 300)]
    for level in layer.data:
        assert (level.min(axis=1) == 0).all(), "every row of every level still shows the curve"


def test_a_scan_is_shown_from_black_to_white_and_says_what_its_axes_are() -> None:
    faint = np.full((200, 100), 180, np.uint8)
    layer = show_layer(ViewerModel(), scan_layer(faint, "faint", {"dpi": 200}))
    assert layer.contrast_limits == [0, 255]
    assert layer.axis_labels == ("row", "column")
    assert (layer.name, layer.multiscale, layer.metadata["dpi"]) == ("faint", False, 200)


# --- The class map ---


@given(
    labels=st.integers(1, 10_000).flatmap(
        lambda rows: st.builds(
            lambda seed: np.random.default_rng(seed).integers(0, 3, (rows, 2)).astype(np.uint8),
            st.integers(0, 2**32 - 1),
        )
    )
)
@settings(max_examples=20, deadline=None)
def test_every_level_of_a_class_map_shows_the_largest_class_of_its_rows(labels: np.ndarray) -> None:
    levels = label_pyramid(labels)
    assert levels[0] is labels
    for depth, level in enumerate(levels):
        step = 2**depth
        starts = np.arange(0, len(labels), step)
        np.testing.assert_array_equal(level, np.maximum.reduceat(labels, starts, axis=0))


def test_the_classes_are_a_labels_layer_with_a_clear_background_and_the_colours_of_the_overlay() -> None:
    labels = np.zeros((10_000, 300), np.uint8)
    labels[:, 100:103], labels[:, 200:202] = 1, 2
    layer = show_layer(ViewerModel(), class_map_layer(labels))
    assert layer.multiscale
    assert layer.dtype == np.uint8
    background, one, two = (layer.get_color(label) for label in (0, 1, 2))
    assert background is None or background[3] == 0
    np.testing.assert_allclose(one, ColorValue(CURVE_COLOURS[1]))
    np.testing.assert_allclose(two, ColorValue(CURVE_COLOURS[2]))


def test_pointing_at_a_pixel_names_its_class() -> None:
    labels = np.zeros((300, 300), np.uint8)
    labels[:, 200] = 2
    layer = show_layer(ViewerModel(), class_map_layer(labels))
    assert "class: curve two" in layer.get_status((10, 200))["value"]
    assert "class: background" in layer.get_status((10, 100))["value"]


def test_results_lie_where_their_scan_lies() -> None:
    viewer = ViewerModel()
    scan = viewer.add_image(a_scan(500), scale=(0.127, 0.127), translate=(40, 7), units=("mm", "mm"))
    classes = show_layer(viewer, class_map_layer(np.zeros((500, 300), np.uint8), over=scan))
    curves = show_layer(viewer, curves_layer([(GAMMA_RAY, a_trace(states((500, T))))], over=scan))
    for layer in (classes, curves):
        np.testing.assert_allclose(layer.scale, scan.scale)
        np.testing.assert_allclose(layer.translate, scan.translate)
        assert layer.units == scan.units


# --- The curves ---


def test_a_curve_is_solid_where_traced_thin_where_bridged_and_has_a_gap_where_missing() -> None:
    state = states((100, T), (20, B), (80, T), (300, M), (50, T))
    layer = show_layer(ViewerModel(), curves_layer([(GAMMA_RAY, a_trace(state, top=1000))]))
    assert layer.features["state"].tolist() == ["traced", "bridged", "traced", "traced"]
    rows = [(path[0, 0], path[-1, 0]) for path in layer.data]
    assert rows == [(1000, 1099), (1099, 1120), (1120, 1199), (1500, 1549)], "the bridge joins both sides"
    solid, bridged = layer.edge_width[0], layer.edge_width[1]
    assert bridged < solid
    assert not np.allclose(layer.edge_color[0], layer.edge_color[1])


def test_a_curve_that_wraps_has_no_line_across_the_track_at_its_passages() -> None:
    wrapping = GAMMA_RAY.model_copy(update={"wraps": 1})
    trace = a_trace(states((60, T), (4, E), (36, T)))
    trace.column[:] = (np.linspace(8, 156, 100) % 100) + 300
    passage = int(np.flatnonzero(np.diff(trace.column) < 0)[0]) + 1
    assert 60 < passage < 64, "among the edited rows, whose lines reach to the rows beside them"
    paths, settings, _ = curves_layer([(wrapping, trace)])
    assert all(np.ptp(path[:, 1]) < 95 and np.abs(np.diff(path[:, 1])).max() < 91 for path in paths)
    assert settings["features"]["state"] == ["traced", "edited", "edited", "traced"]
    drawn = {int(row) for path in paths for row in np.arange(path[0, 0], path[-1, 0] + 1)}
    assert drawn == set(range(trace.top, trace.top + 100)), "no row is lost"
    unwrapped, _, _ = curves_layer([(GAMMA_RAY, trace)])
    assert len(unwrapped) == 3, "a curve that does not wrap may kick as far as it likes"


def test_the_features_of_a_curve_say_what_it_is_and_how_well_it_was_read() -> None:
    pairs = [
        (GAMMA_RAY, a_trace(states((900, T), (100, M)))),
        (CALIPER, a_trace(states((400, T), (10, B), (590, T)), curve_class=2)),
    ]
    features = show_layer(ViewerModel(), curves_layer(pairs)).features
    assert features["curve"].tolist() == [1, 2, 2, 2]
    assert features["mnemonic"].tolist() == ["GR", "CALI", "CALI", "CALI"]
    assert features["unit"].tolist() == ["GAPI", "in", "in", "in"]
    assert features["mean confidence"].tolist() == pytest.approx([0.9, 0.9, 0.5, 0.9])
    assert features.loc[0, ["rows traced", "rows bridged", "rows missing"]].tolist() == [900, 0, 100]
    assert features.loc[1, ["rows traced", "rows bridged", "rows missing"]].tolist() == [990, 10, 0]


@given(seed=st.integers(0, 2**32 - 1), steepness=st.floats(0.01, 30))
@settings(max_examples=25, deadline=None)
def test_the_paths_pass_within_a_quarter_of_a_pixel_of_every_traced_row(seed: int, steepness: float) -> None:
    rng = np.random.default_rng(seed)
    column = 500 + np.cumsum(rng.normal(0, steepness, 400))
    state = np.repeat(rng.choice([T, T, B, M], 20), 20)
    trace = a_trace(state, column=column)
    paths, _, _ = curves_layer([(GAMMA_RAY, trace)])
    for row in np.flatnonzero(state != M):
        point = np.array([row, column[row]])
        assert min(_distance(point, path) for path in paths) <= PATH_TOLERANCE + 1e-6


def _distance(point: np.ndarray, path: np.ndarray) -> float:
    """Distance of a point from a path."""
    starts, along = path[:-1], np.diff(path, axis=0)
    share = np.clip(((point - starts) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12), 0, 1)
    return float(np.hypot(*(starts + share[:, None] * along - point).T).min())


def test_a_long_dashed_curve_stays_a_few_hundred_paths_and_its_long_bridges_stay_visible() -> None:
    dashes = states(*[(14, T), (8, B)] * 4000)
    dashes[40_000:40_300] = B
    paths, shown, _ = curves_layer([(CALIPER, a_trace(dashes, curve_class=2))])
    assert len(paths) <= MOST_PATHS
    assert shown["features"]["state"] == ["traced", "bridged", "traced"]
    assert shown["features"]["rows bridged"][0] == np.count_nonzero(dashes == B), "all are counted"


def test_long_smooth_curves_are_drawn_with_few_vertices() -> None:
    paths, _, _ = curves_layer([(GAMMA_RAY, a_trace(states((20_000, T))))])
    assert sum(map(len, paths)) < 20_000 / 5


def test_a_curve_that_was_not_found_has_no_path() -> None:
    layer = show_layer(ViewerModel(), curves_layer([(GAMMA_RAY, a_trace(states((500, M))))]))
    assert len(layer.data) == 0


def test_a_single_traced_row_is_still_seen() -> None:
    paths, _, _ = curves_layer([(GAMMA_RAY, a_trace(states((10, M), (1, T), (10, M))))])
    assert [path[:, 0].tolist() for path in paths] == [[9.5, 10.5]]


# --- A second run ---


def test_a_second_run_takes_the_place_of_the_first() -> None:
    viewer = ViewerModel()
    scan = show_layer(viewer, scan_layer(a_scan(500)))
    first = show_layer(viewer, class_map_layer(np.zeros((500, 300), np.uint8), over=scan))
    show_layer(viewer, curves_layer([(GAMMA_RAY, a_trace(states((500, T))))], over=scan))
    first.visible, first.opacity = False, 0.3

    again = show_layer(viewer, class_map_layer(np.ones((500, 300), np.uint8), over=scan))

    assert [layer.name for layer in viewer.layers] == ["scan", "classes", "curves"]
    assert viewer.layers["classes"] is again
    assert again.data[0, 0] == 1
    assert (again.visible, again.opacity) == (False, 0.3), "what the user chose stays chosen"


def test_a_layer_that_the_user_made_is_never_replaced() -> None:
    viewer = ViewerModel()
    painted = viewer.add_labels(np.full((500, 300), 2, np.uint8), name="classes")
    for _ in range(2):
        show_layer(viewer, class_map_layer(np.zeros((500, 300), np.uint8)))
    assert [layer.name for layer in viewer.layers] == ["classes", "classes [1]"]
    assert (painted.data == 2).all()
