"""Log curves to LAS 2.0 and CSV: what other software reads back, and what is never invented."""

import csv
import string

import lasio
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from napari_welllog.errors import LasError, OutputError
from napari_welllog.las import NULL, resample, write_csv, write_las
from tests.log_curves import log_curve


@pytest.fixture
def sonic():
    """A sonic log as it comes off a 200 dpi scan: ten rows to the foot, porosity off scale in the middle."""
    depth = 250 + np.arange(3046) / 10.15
    travel_time = 75 + 20 * np.sin(depth / 3) + 8 * np.sin(depth * 2)
    porosity = 100 * (travel_time - 47.6) / (189 - 47.6)
    return [
        log_curve(depth, travel_time, "DT", "us/ft", description="Delta time"),
        log_curve(depth, np.where(porosity < 30, porosity, np.nan), "SPHI", "pu"),
    ]


# --- LAS ---


def test_a_las_file_holds_the_curves_at_the_asked_step(tmp_path, sonic):
    write_las(tmp_path / "sonic.las", sonic)
    las = lasio.read(tmp_path / "sonic.las")
    assert las.keys() == ["DEPT", "DT", "SPHI"]
    assert [curve.unit for curve in las.curves] == ["FT", "us/ft", "pu"]
    assert las.curves["DT"].descr == "Delta time"
    assert (las.well.STRT.value, las.well.STOP.value, las.well.STEP.value) == (250, 550, 0.5)
    assert [las.well[name].unit for name in ("STRT", "STOP", "STEP")] == ["FT"] * 3
    assert las.well.NULL.value == NULL == -999.25
    assert (las.version.VERS.value, las.version.WRAP.value) == (2.0, "NO")
    np.testing.assert_array_equal(las.index, np.arange(500, 1101) * 0.5)
    wanted = np.interp(las.index, sonic[0].depth, sonic[0].value)
    np.testing.assert_allclose(las["DT"], wanted, atol=5.1e-5)
    on_scale = np.isfinite(las["SPHI"])
    assert 0.5 < on_scale.mean() < 1
    np.testing.assert_allclose(las["SPHI"][on_scale], 100 * (las["DT"][on_scale] - 47.6) / 141.4, atol=1e-3)


@pytest.mark.parametrize("step", [0.1, 0.25, 1.0, 0.1524, 1 / 3, 10])
def test_start_and_stop_are_multiples_of_the_step_within_the_log(tmp_path, sonic, step):
    write_las(tmp_path / "sonic.las", sonic, step=step)
    las = lasio.read(tmp_path / "sonic.las")
    start, stop = las.well.STRT.value, las.well.STOP.value
    assert 250 - 1e-9 <= start < 250 + step
    assert 550 - step < stop <= 550 + 1e-9
    assert start / step == pytest.approx(round(start / step), abs=1e-6)
    assert las.well.STEP.value == pytest.approx(step, abs=1e-12)
    np.testing.assert_allclose(np.diff(las.index), step, atol=1e-9)
    assert (las.index[0], las.index[-1]) == (start, stop)


def test_the_header_follows_the_standard(tmp_path, sonic):
    write_las(tmp_path / "sonic.las", sonic)
    text = (tmp_path / "sonic.las").read_bytes().decode("ascii")
    lines = text.splitlines()
    sections = [line[:2] for line in lines if line.startswith("~")]
    assert sections == ["~V", "~W", "~C", "~P", "~O", "~A"], "version first, data last"
    header = lines[: lines.index(next(line for line in lines if line.startswith("~A")))]
    items = [line for line in header if not line.startswith("~")]
    assert all(line.index(".") < line.rindex(":") for line in items), "MNEM.UNIT value : description"
    names = [line.split(".")[0].strip() for line in items]
    assert names[:2] == ["VERS", "WRAP"]
    assert {"STRT", "STOP", "STEP", "NULL", "COMP", "WELL", "FLD", "LOC", "SRVC", "DATE", "UWI"} <= set(names)
    assert names[-3:] == ["DEPT", "DT", "SPHI"], "the index is the first curve"
    assert {len(line) for line in lines[len(header) + 1 :]} == {len(lines[-1])}, "columns of one width"


def test_the_same_curves_give_the_same_bytes(tmp_path, sonic):
    for name in ("first.las", "second.las"):
        write_las(tmp_path / name, sonic)
    assert (tmp_path / "first.las").read_bytes() == (tmp_path / "second.las").read_bytes()


def test_a_curve_that_is_missing_everywhere_is_written_as_null(tmp_path, sonic):
    absent = log_curve(sonic[0].depth, np.full(len(sonic[0].depth), np.nan), "CALI", "in")
    write_las(tmp_path / "sonic.las", [sonic[0], absent])
    las = lasio.read(tmp_path / "sonic.las")
    assert np.isnan(las["CALI"]).all()
    assert np.isfinite(las["DT"]).all()
    assert "-999.25" in (tmp_path / "sonic.las").read_text().splitlines()[-1]


def test_curves_of_unlike_length_share_one_depth_axis(tmp_path):
    shallow = log_curve([100, 110], [1, 2], "GR")
    deep = log_curve([105, 130], [3, 4], "SP", "mV")
    write_las(tmp_path / "both.las", [shallow, deep], step=5)
    las = lasio.read(tmp_path / "both.las")
    assert las.index.tolist() == [100, 105, 110, 115, 120, 125, 130]
    np.testing.assert_array_equal(las["GR"], [1, 1.5, 2, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_allclose(las["SP"], [np.nan, 3, 3.2, 3.4, 3.6, 3.8, 4])


def test_depth_that_decreases_down_the_scan_is_sorted(tmp_path):
    upward = log_curve([30, 20, 10], [3, 2, 1])
    write_las(tmp_path / "up.las", [upward], step=10)
    las = lasio.read(tmp_path / "up.las")
    assert las.index.tolist() == [10, 20, 30]
    assert las["GR"].tolist() == [1, 2, 3]


def test_a_scan_without_depths_is_indexed_by_its_rows(tmp_path):
    fraction = log_curve(np.arange(5), np.linspace(0, 1, 5), "T1C1", "", depth_unit="row")
    write_las(tmp_path / "rows.las", [fraction], step=1)
    las = lasio.read(tmp_path / "rows.las")
    assert las.curves[0].mnemonic == "INDEX"
    assert las.curves[0].unit == las.well.STRT.unit == "ROW"
    assert las["T1C1"].tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_resistivities_keep_their_digits_over_four_decades(tmp_path):
    depth = np.arange(401) * 0.5
    resistivity = log_curve(depth, 0.2 * 10 ** (depth / 50), "ILD", "ohm.m")
    write_las(tmp_path / "resistivity.las", [resistivity])
    np.testing.assert_allclose(lasio.read(tmp_path / "resistivity.las")["ILD"], resistivity.value, rtol=1e-5)


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1e6, 1e15])
def test_values_of_any_size_keep_their_digits(tmp_path, size):
    values = np.array([1.234567, 2.345678, -3.456789]) * size
    write_las(tmp_path / "values.las", [log_curve([0, 1, 2], values)], step=1)
    np.testing.assert_allclose(lasio.read(tmp_path / "values.las")["GR"], values, rtol=1e-5)


def test_names_that_las_cannot_hold_are_made_legal_and_none_is_dropped(tmp_path):
    names = ["Sonic Δt", "GR", "gr", "", "#1: N.Φ", "DEPT"]
    units = ["µs/ft", "API units", "g/cm³", "a:b", "Ω·m", ""]
    curves = [
        log_curve([0, 1], [number, number], name, unit, description="first: by hand\nand eye")
        for number, (name, unit) in enumerate(zip(names, units, strict=True))
    ]
    write_las(tmp_path / "names.las", curves, step=1)
    las = lasio.read(tmp_path / "names.las", mnemonic_case="preserve")
    assert las.keys() == ["DEPT", "Sonic_Dt", "GR", "gr_2", "CURVE", "1_N_PHI", "DEPT_2"]
    assert [curve.unit for curve in las.curves[1:]] == ["us/ft", "API_units", "g/cm3", "a_b", "ohm.m", ""]
    assert [las[name][0] for name in las.keys()[1:]] == [0, 1, 2, 3, 4, 5]
    assert las.curves["GR"].descr == "first; by hand and eye"
    assert las.curves["Sonic_Dt"].descr == "first; by hand and eye (Sonic Dt)", "the printed name is kept"


legal = set(string.ascii_letters + string.digits + "_-")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=20)), min_size=1, max_size=4
    )
)
@example([("", "\N{MIDDLE DOT}", ""), ("GR", "a..b", ""), ("GR", ".", "")])
def test_whatever_the_names_each_curve_comes_back(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("names") / "names.las"
    curves = [
        log_curve([0, 1], [number, 10 * number], mnemonic, unit, description=description)
        for number, (mnemonic, unit, description) in enumerate(names)
    ]
    write_las(path, curves, step=1)
    las = lasio.read(path)
    assert len(las.keys()) == len(set(las.keys())) == len(curves) + 1
    assert all(set(name) <= legal for name in las.keys())  # noqa: SIM118
    for number, curve in enumerate(las.curves[1:]):
        assert curve.data.tolist() == [number, 10 * number]


# --- CSV ---


def test_a_csv_file_holds_the_same_table(tmp_path, sonic):
    write_las(tmp_path / "sonic.las", sonic)
    write_csv(tmp_path / "sonic.csv", sonic)
    las = lasio.read(tmp_path / "sonic.las")
    with open(tmp_path / "sonic.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["DEPT", "DT", "SPHI"]
    numbers = np.array([[float(field) if field else np.nan for field in row] for row in rows[1:]])
    np.testing.assert_array_equal(numbers, las.data)
    assert any(row[2] == "" for row in rows), "a missing value is an empty field"


# --- Refusals ---


@pytest.mark.parametrize(
    ("curves", "step", "words"),
    [
        ([], 0.5, "there is no log curve to write"),
        ([log_curve([0, 1], [1, 2])], 0, "the step is 0; give a step above 0"),
        ([log_curve([0, 1], [1, 2])], -0.5, "the step is -0.5; give a step above 0"),
        ([log_curve([0, 1], [1, 2])], np.nan, "the step is nan; give a step above 0"),
        (
            [log_curve([0, 1], [1, 2])],
            1e-9,
            "a step of 1e-09 ft makes more than 5,000,000 samples from 0 to 1; give a larger step",
        ),
        ([log_curve([np.nan, np.nan], [1, 2])], 0.5, "no row of the log curves has a depth"),
        ([log_curve([], [])], 0.5, "no row of the log curves has a depth"),
        (
            [log_curve([10.2, 10.4], [1, 2])],
            0.5,
            "no multiple of the step 0.5 lies between the depths 10.2 and 10.4",
        ),
        (
            [log_curve([0, 1], [1, 2]), log_curve([0, 1], [1, 2], depth_unit="m")],
            0.5,
            "the log curves have depths in ft and m; give them one depth unit",
        ),
    ],
)
@pytest.mark.parametrize("write", [write_las, write_csv])
def test_a_table_that_makes_no_sense_is_refused_before_a_file_is_made(tmp_path, write, curves, step, words):
    with pytest.raises(LasError) as caught:
        write(tmp_path / "out", curves, step=step)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_unknown_way_of_sampling_is_refused(tmp_path, sonic):
    with pytest.raises(LasError, match="sampling must be 'point' or 'mean', not 'median'"):
        write_las(tmp_path / "out", sonic, sampling="median")


def test_a_file_that_cannot_be_written_is_told_in_one_line(tmp_path, sonic):
    with pytest.raises(OutputError, match="cannot be written"):
        write_las(tmp_path / "absent" / "sonic.las", sonic)


# --- Sampling ---


def test_values_run_in_straight_lines_between_rows_and_stop_at_a_missing_one():
    curve = log_curve([0, 1, 2, 3, 4], [0, 10, np.nan, 30, 20])
    where = [-0.1, 0, 0.5, 1, 1.1, 2, 2.9, 3, 3.5, 4, 4.1]
    nan = np.nan
    np.testing.assert_array_equal(resample(curve, where), [nan, 0, 5, 10, nan, nan, nan, 30, 25, 20, nan])


def test_rounding_of_a_depth_loses_no_row():
    depth = 250 + np.arange(5) * 0.1
    value = np.array([1.0, np.nan, 3.0, np.nan, 5.0])
    curve = log_curve(depth, value)
    np.testing.assert_array_equal(resample(curve, depth + 1e-12), value)
    np.testing.assert_array_equal(resample(curve, depth - 1e-12), value)


def test_a_single_row_is_a_single_value():
    np.testing.assert_array_equal(resample(log_curve([5], [7]), [4, 5, 6]), [np.nan, 7, np.nan])


def test_the_mean_over_a_step_is_that_of_the_lines_between_rows():
    curve = log_curve([0, 1, 2, 3, 4], [0, 4, 0, 4, 0])
    # Over 1 to 3 the line falls from 4 to 0 and rises again; over 0.5 to 2.5 its ends are cut at 2.
    np.testing.assert_allclose(resample(curve, [2, 1.5], sampling="mean", step=2), [2, 2])
    narrow = resample(curve, [1.0, 2.0], sampling="mean", step=1.2)
    np.testing.assert_allclose(narrow, [4 - 4 * 0.6 / 2, 4 * 0.6 / 2])


def test_the_mean_leaves_missing_rows_out_and_is_missing_where_they_are_most():
    curve = log_curve(np.arange(9), [1, 1, 1, 1, 1, np.nan, np.nan, np.nan, np.nan])
    means = resample(curve, np.arange(9), sampling="mean", step=4)
    np.testing.assert_array_equal(means, [1, 1, 1, 1, 1, np.nan, np.nan, np.nan, np.nan])
    ends = resample(log_curve([0, 1, 2], [0, 2, 4]), [0, 2, -0.1], sampling="mean", step=2)
    np.testing.assert_allclose(ends, [1, 3, np.nan], err_msg="at the end of the log half a window is enough")


def test_rows_further_apart_than_the_step_are_not_averaged(tmp_path):
    curve = log_curve([0, 1, 2], [0, 10, 0])
    assert resample(curve, [1.0], sampling="mean", step=0.5).tolist() == [10]


def test_a_noisy_curve_is_smoother_as_means(tmp_path):
    rng = np.random.default_rng(1)
    curve = log_curve(np.arange(2000) * 0.1, 50 + rng.normal(0, 1, 2000))
    errors = {}
    for sampling in ("point", "mean"):
        write_las(tmp_path / "noisy.las", [curve], sampling=sampling)
        errors[sampling] = np.nanstd(lasio.read(tmp_path / "noisy.las")["GR"])
    assert errors["mean"] < 0.6 * errors["point"]


values = st.one_of(st.just(np.nan), st.floats(-1e4, 1e4))


@st.composite
def log_curves(draw):
    value = draw(st.lists(values, min_size=1, max_size=40))
    steps = draw(st.lists(st.floats(0.05, 2), min_size=len(value) - 1, max_size=len(value) - 1))
    depth = np.cumsum([draw(st.floats(-100, 100)), *steps])
    return log_curve(depth, value)


wheres = st.lists(st.floats(-150, 200), min_size=1, max_size=30).map(np.array)


def neighbours(curve, where):
    """Index of the row at or above and at or below each depth inside the log."""
    below = np.searchsorted(curve.depth, where, side="left")
    above = np.searchsorted(curve.depth, where, side="right") - 1
    return above, below


@given(log_curves(), wheres)
def test_a_value_appears_only_between_two_present_rows_and_within_them(curve, where):
    # Rows themselves, and depths between them, are the places where it could go wrong.
    where = np.concatenate([where, curve.depth, (curve.depth[1:] + curve.depth[:-1]) / 2])
    got = resample(curve, where)
    tolerance = 1e-5
    outside = (where < curve.depth[0] - tolerance) | (where > curve.depth[-1] + tolerance)
    assert np.isnan(got[outside]).all()
    inside = (where >= curve.depth[0]) & (where <= curve.depth[-1])
    above, below = neighbours(curve, where[inside])
    pair = np.stack([curve.value[above], curve.value[below]])
    off_row = np.abs(curve.depth[:, None] - where[inside]).min(axis=0) > tolerance
    np.testing.assert_array_equal(np.isnan(got[inside])[off_row], np.isnan(pair).any(axis=0)[off_row])
    known = np.isfinite(got[inside]) & np.isfinite(pair).all(axis=0)
    assert (got[inside][known] >= pair.min(axis=0)[known] - 1e-6).all()
    assert (got[inside][known] <= pair.max(axis=0)[known] + 1e-6).all()


@given(log_curves())
def test_every_row_has_its_own_value(curve):
    np.testing.assert_array_equal(resample(curve, curve.depth), curve.value)


@given(log_curves(), wheres, st.floats(0.1, 20))
def test_a_mean_stays_between_the_values_and_needs_half_its_window(curve, where, step):
    if len(curve.depth) < 2 or np.median(np.diff(curve.depth)) >= step:
        return
    got = resample(curve, where, sampling="mean", step=step)
    known = np.isfinite(got)
    if known.any():
        slack = 1e-6 * (1 + np.nanmax(np.abs(curve.value)))
        assert np.nanmin(curve.value) - slack <= got[known].min()
        assert got[known].max() <= np.nanmax(curve.value) + slack
    # The share of the window that is present, by brute force.
    points = where[:, None] + (np.arange(4000) + 0.5) / 4000 * step - step / 2
    present = np.isfinite(np.interp(points, curve.depth, curve.value, left=np.nan, right=np.nan)).mean(axis=1)
    assert known[present > 0.51].all()
    assert not known[present < 0.49].any()
