"""LAS that others open: our files against the standard, and read back by three programs that are not ours.

The standard is Canadian Well Logging Society, LAS Version 2.0: A Digital Standard for Logs, update of February
2017; the sections named below are its own. Of the first edition, September 1992, the lengths of lines are kept.
"""

from __future__ import annotations

import math
import re
import string
import sys
import types
import warnings

import lascheck
import lasio
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from napari_welllog.errors import LasError
from napari_welllog.las import write_las
from tests.log_curves import log_curve

# --- The standard ---

LINE, WRAPPED_LINE = 256, 80
WELL = {"STRT", "STOP", "STEP", "NULL", "COMP", "WELL", "FLD", "LOC", "SRVC", "DATE"}


def conforming(path):
    """Read a LAS 2.0 file, asserting all that the standard asks: curves by name, (unit, description, values)."""
    content = path.read_bytes()
    # 3.0: ASCII 32 to 126 alone, lines that end with CR LF.
    assert set(content) <= {13, 10, *range(32, 127)}
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")
    assert content.endswith(b"\r\n")
    lines = content.decode("ascii").split("\r\n")[:-1]
    # 3.0: sections begin with a tilde, ~V first and ~A last, none twice, V, W, C, P, O and A their only names.
    starts = [k for k, line in enumerate(lines) if line.lstrip().startswith("~")]
    sections = {
        lines[k].lstrip()[1]: (k, end) for k, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    }
    assert len(sections) == len(starts)
    assert set(sections) <= set("VWCPOA")
    assert set("VWCA") <= set(sections)
    assert list(sections)[:2] == ["V", "W"]
    assert list(sections)[-1] == "A"
    assert starts[0] == 0
    header = {name: [header_item(line) for line in lines[slice(*sections[name])][1:]] for name in "VWCP"}
    # Edition of 1992: at most 256 characters to a line, with CR and LF.
    assert all(len(line) + 2 <= LINE for line in lines)
    # 5.3: VERS and WRAP.
    version = {name: data for name, _, data, _ in header["V"]}
    assert version["VERS"] == "2.0"
    assert version["WRAP"] in ("YES", "NO")
    # 5.4: what the well section must have, each once.
    names = [name for name, *_ in header["W"]]
    assert len(names) == len(set(names))
    assert set(names) >= WELL
    assert "PROV" in names or {"CNTY", "STAT", "CTRY"} <= set(names)
    assert {"UWI", "API"} & set(names)
    well = {name: data for name, _, data, _ in header["W"]}
    start, stop, step, null = (float(well[name]) for name in ("STRT", "STOP", "STEP", "NULL"))
    # 5.5: the first curve is the index, and no name appears twice.
    curves = [name for name, *_ in header["C"]]
    assert len({name.upper() for name in curves}) == len(curves)
    assert curves[0] in ("DEPT", "DEPTH", "TIME", "INDEX")
    unit = header["C"][0][1]
    assert curves[0] == "INDEX" or unit in ("M", "F", "FT")
    assert {item[1] for item in header["W"] if item[0] in ("STRT", "STOP", "STEP")} == {unit}
    data = numbers(lines[slice(*sections["A"])][1:], len(curves), version["WRAP"] == "YES")
    # 5.4: STRT, STOP and STEP are those of the data, and whole numbers of steps.
    assert data[0, 0] == start
    assert data[-1, 0] == stop
    np.testing.assert_allclose(np.diff(data[:, 0]), step, atol=1e-9)
    assert math.isclose(start / step, round(start / step), abs_tol=1e-6)
    assert math.isclose(stop / step, round(stop / step), abs_tol=1e-6)
    values = np.where(data == null, np.nan, data)
    items = zip(header["C"], values.T, strict=True)
    return {name: (unit, description, column) for (name, unit, _, description), column in items}


def header_item(line):
    """5.2: split a line at its first dot, the first space behind that, and its last colon."""
    assert not line.lstrip().startswith("#")
    name, dot, rest = line.partition(".")
    unit, space, rest = rest.partition(" ")
    data, colon, description = rest.rpartition(":")
    assert dot
    assert space
    assert colon
    assert name.strip()
    assert not set(name.strip()) & set(" .:")
    assert ":" not in unit
    return name.strip(), unit, data.strip(), description.strip()


def numbers(lines, count, is_wrapped):
    """5.8: no blank lines, numbers without exponents apart by spaces; wrapped, the index alone and 80 characters."""
    assert all(line.strip() for line in lines)
    rows = [line.split() for line in lines]
    assert all(re.fullmatch(r"-?\d+(\.\d*)?", number) for row in rows for number in row)
    if not is_wrapped:
        assert len({len(line) for line in lines}) == 1, "columns of one width"
        assert all(len(row) == count for row in rows)
        return np.array(rows, float)
    assert all(len(line) + 2 <= WRAPPED_LINE for line in lines)
    joined = []
    for row in rows:
        if not joined or len(joined[-1]) == count:
            assert len(row) == 1
            joined.append([])
        joined[-1] += row
        assert len(joined[-1]) <= count
    return np.array(joined, float)


# --- Other programs ---


def with_lasio(path):
    """Read with lasio."""
    las = lasio.read(path, mnemonic_case="preserve")
    return {curve.mnemonic: (curve.unit, curve.data) for curve in las.curves}


def with_welly(path):
    """Read with welly, which petrophysicists use."""
    from welly import Well

    with warnings.catch_warnings():  # of its libraries, which deprecate what it does
        warnings.simplefilter("ignore")
        well = Well.from_las(str(path))
    curves = {name: (curve.units, np.ravel(curve.values)) for name, curve in well.data.items()}
    index = next(iter(well.data.values())).index
    return {"index": (None, np.asarray(index, float)), **curves}


def with_las_rs(path):
    """Read with las-rs, a reader in Rust."""
    las_rs = pytest.importorskip("las_rs")
    las = las_rs.read(str(path), mnemonic_case="preserve")
    null = float(las.well["NULL"].value)  # which las-rs 0.2.1 leaves where the data are wrapped
    data = [np.asarray(curve.data, float) for curve in las.curves]
    items = zip(las.curves, data, strict=True)
    return {curve.mnemonic: (curve.unit, np.where(column == null, np.nan, column)) for curve, column in items}


@pytest.fixture(autouse=True, scope="module")
def _pkg_resources():
    """What welly 0.5.2 asks for its own version, and setuptools has no more since 82."""
    patch = pytest.MonkeyPatch()
    module = types.ModuleType("pkg_resources")
    module.DistributionNotFound = LookupError

    def get_distribution(name):
        raise LookupError(name)

    module.get_distribution = get_distribution
    patch.setitem(sys.modules, "pkg_resources", module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import welly  # noqa: F401
    yield
    patch.undo()


def everywhere(path):
    """Read a file by the standard and with every program: all must agree; gives what the standard reads."""
    read = conforming(path)
    las = lascheck.read(str(path))
    assert las.check_conformity(), las.get_non_conformities()
    names = list(read)
    for reader in (with_lasio, with_las_rs):
        others = reader(path)
        assert list(others) == names
        for name, (unit, values) in others.items():
            assert unit == read[name][0], (reader, name)
            np.testing.assert_array_equal(values, read[name][2], err_msg=f"{reader} {name}")
    others = with_welly(path)
    np.testing.assert_allclose(others.pop("index")[1], read[names[0]][2], atol=1e-9)
    assert list(others) == [name.upper() for name in names[1:]], "welly knows capitals alone"
    for name, (unit, values) in zip(names[1:], others.values(), strict=True):
        assert (unit or "") == read[name][0]
        np.testing.assert_array_equal(values, read[name][2], err_msg=f"welly {name}")
    return read


# --- What we write ---


@pytest.fixture
def sonic():
    """A sonic log and its porosity, off scale in the middle."""
    depth = 250 + np.arange(3046) / 10.15
    travel_time = 75 + 20 * np.sin(depth / 3)
    porosity = 100 * (travel_time - 47.6) / (189 - 47.6)
    return [
        log_curve(depth, travel_time, "DT", "us/ft", description="Delta time"),
        log_curve(depth, np.where(porosity < 30, porosity, np.nan), "SPHI", "pu"),
    ]


@pytest.mark.parametrize("step", [0.5, 0.25, 1.0, 0.1524, 1 / 3])
def test_a_log_conforms_and_is_read_alike_everywhere(tmp_path, sonic, step):
    write_las(tmp_path / "sonic.las", sonic, step=step)
    read = conforming(tmp_path / "sonic.las") if step == 1 / 3 else everywhere(tmp_path / "sonic.las")
    assert [(name, unit) for name, (unit, *_) in read.items()] == [
        ("DEPT", "FT"),
        ("DT", "us/ft"),
        ("SPHI", "pu"),
    ]
    assert read["DT"][1] == "Delta time"
    assert 0.5 < np.isfinite(read["SPHI"][2]).mean() < 1


def test_a_scan_without_depths_conforms(tmp_path):
    write_las(
        tmp_path / "rows.las", [log_curve(np.arange(9), np.linspace(0, 1, 9), "T1C1", "", "row")], step=1
    )
    assert list(everywhere(tmp_path / "rows.las")) == ["INDEX", "T1C1"]


def test_more_curves_than_fit_a_line_are_wrapped(tmp_path):
    curves = [log_curve([0, 1, 2], [k, np.nan, -k * 1e5], f"C{k}") for k in range(40)]
    write_las(tmp_path / "many.las", curves, step=1)
    assert "WRAP. YES" in (tmp_path / "many.las").read_text()
    read = everywhere(tmp_path / "many.las")
    np.testing.assert_array_equal(read["C39"][2], [39, np.nan, -39e5])
    write_las(tmp_path / "few.las", curves[:16], step=1)
    assert "WRAP.  NO" in (tmp_path / "few.las").read_text()


@pytest.mark.parametrize("size", [1e-12, 1e-9, 1.0, 1e15, 1e25])
def test_values_of_any_size_are_written_without_exponents(tmp_path, size):
    values = np.array([1.234567, np.nan, -3.456789]) * size
    write_las(tmp_path / "values.las", [log_curve([0, 1, 2], values)], step=1)
    np.testing.assert_allclose(everywhere(tmp_path / "values.las")["GR"][2], values, rtol=1e-5)


def test_a_value_that_is_the_usual_null_is_kept_by_another_null(tmp_path):
    curves = [log_curve([0, 1, 2], [-999.25, np.nan, 1]), log_curve([0, 1, 2], [np.nan, -9999.25, 5], "SP")]
    write_las(tmp_path / "null.las", curves, step=1)
    read = everywhere(tmp_path / "null.las")
    np.testing.assert_array_equal(read["GR"][2], [-999.25, np.nan, 1])
    np.testing.assert_array_equal(read["SP"][2], [np.nan, -9999.25, 5])


def test_values_that_are_no_measurements_are_refused(tmp_path):
    words = "GR has values as large as 1.0e.300; check the values at the edges of its track"
    with pytest.raises(LasError, match=words):
        write_las(tmp_path / "large.las", [log_curve([0, 1], [1, 1e300])], step=1)
    with pytest.raises(LasError, match=r"depths reach 1e.300 ft; check the depth anchors"):
        write_las(tmp_path / "deep.las", [log_curve([0.9e300, 1e300], [1, 2])], step=1e299)


def test_a_long_description_is_cut_in_its_line_and_whole_among_the_remarks(tmp_path):
    description = " ".join(f"word{k}: long" for k in range(100))
    write_las(
        tmp_path / "long.las", [log_curve([0, 1], [1, 2], "Δt of " + "x" * 300, "u" * 99, "m", description)]
    )
    read = everywhere(tmp_path / "long.las")
    (name,) = set(read) - {"DEPT"}
    assert name.startswith("Dt_of_xxx")
    assert read[name][1].startswith("word0; long word1; long")
    assert read[name][1].endswith(" ...")
    other = lasio.read(tmp_path / "long.las").other.splitlines()
    assert all(line.startswith(f"{name}: ") for line in other)
    kept = " ".join(line.removeprefix(f"{name}: ") for line in other)
    assert description.replace(":", ";") in kept
    assert kept.replace(" ", "").endswith(f"(Dtof{'x' * 300})(in{'u' * 99})")


ODD = st.one_of(
    st.text(max_size=12),
    st.text(alphabet=" .:~#-_aA1µΔ·\t\n\"'()[]{}|", max_size=12),
    st.sampled_from(
        ["GR", "gr", "GR:1", "DEPT", "a.b", "1000 lbf", "NULL", "x" * 300, "", "...", "UNKNOWN", "-1"]
    ),
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(ODD, ODD, st.one_of(ODD, st.text(min_size=140, max_size=400))), min_size=1, max_size=5)
)
@example([("x" * 300, "", ""), ("x" * 300, "", "")])
@example([("GR", "1000 lbf", ""), ("1", "2", "3")])
@example([("NULL", "", ""), ("wrap", "", ""), ("STRT", "", "")])
@example([("", "", "~ # :"), ("", ".", ".")])
@example([("", "[]", ""), ("GR", "[(API)]", ""), ("DT", "(us)/(ft)", "")])
def test_whatever_the_names_units_and_descriptions_every_program_reads_the_same(tmp_path_factory, curves):
    path = tmp_path_factory.mktemp("odd") / "odd.las"
    written = [
        log_curve([0, 1, 2], [k + 1, np.nan, 10 * k], name, unit, description=words)
        for k, (name, unit, words) in enumerate(curves)
    ]
    write_las(path, written, step=1)
    read = everywhere(path)
    assert len(read) == len(curves) + 1
    legal = set(string.ascii_letters + string.digits + "_-")
    for k, (name, (_, _, values)) in enumerate(list(read.items())[1:]):
        assert set(name) <= legal
        np.testing.assert_array_equal(values, [k + 1, np.nan, 10 * k])
