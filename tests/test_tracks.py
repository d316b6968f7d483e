"""Tracks and their calibration: what a tracks.json says, and what is refused in one line."""

import copy
import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from napari_welllog.errors import OutputError, TracksError
from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks, ValueAxis

SONIC = {
    "version": 1,
    "depth": {"unit": "ft", "anchors": [[2575, 250.0], [11203, 1100.0]]},
    "tracks": [
        {
            "name": "sonic",
            "left": 665,
            "right": 1662.5,
            "top": 2522,
            "bottom": 11550,
            "curves": [
                {"class": 1, "mnemonic": "DT", "unit": "us/ft", "left": 140, "right": 40, "scale": "linear"},
                {"class": 2, "mnemonic": "SPHI", "unit": "pu", "left": 30, "right": -10, "scale": "linear"},
            ],
        }
    ],
}


@pytest.fixture
def sonic():
    return copy.deepcopy(SONIC)


def write(tmp_path, data):
    path = tmp_path / "tracks.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def refusal(tmp_path, data):
    """The one line with which a tracks.json is refused."""
    path = write(tmp_path, data)
    with pytest.raises(TracksError) as caught:
        Tracks.load(path)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


# --- Using a calibration ---


def test_the_printed_scale_is_read_at_the_edges_and_between(tmp_path, sonic):
    tracks = Tracks.load(write(tmp_path, sonic))
    track = tracks.tracks[0]
    sonic_curve, porosity = track.curves
    middle = track.fractions(rows=5000, columns=(665 + 1662.5) / 2)
    assert sonic_curve.value_axis.values([0, middle.item(), 1]).tolist() == [140, 90, 40]
    assert porosity.value_axis.values([0, middle.item(), 1]).tolist() == [30, 10, -10]
    assert tracks.depth.depths([2575, 11203]).tolist() == [250, 1100]
    assert tracks.depth.rows(250).item() == 2575
    assert (porosity.curve_class, porosity.mnemonic, porosity.unit) == (2, "SPHI", "pu")


def test_log_scales_multiply_by_equal_amounts():
    resistivity = ValueAxis(left=0.2, right=2000, scale="log")
    np.testing.assert_allclose(resistivity.values([0, 0.25, 0.5, 0.75, 1]), [0.2, 2, 20, 200, 2000])
    assert math.isnan(resistivity.fractions(0.0)), "a log scale has no place for zero"


def test_a_curve_on_the_backup_scale_reads_one_range_further():
    gamma_ray = ValueAxis(left=0, right=150, wraps=1)
    assert gamma_ray.values(1.2).item() == pytest.approx(180)


def test_stretched_paper_is_corrected_by_more_anchors():
    axis = DepthAxis(unit="m", anchors=[(0, 100), (1000, 200), (1900, 300)])
    assert axis.depths([500, 1450]).tolist() == [150, 250]
    assert axis.depths(-100).item() == pytest.approx(90), "the first line goes on upwards"
    assert axis.depths(2350).item() == pytest.approx(350), "the last line goes on downwards"


def test_a_skewed_page_is_corrected_by_edges_of_several_points():
    curve = Curve(curve_class=1, mnemonic="GR", unit="GAPI", left=0, right=150)
    track = Track(
        name="gamma",
        left=[(100, 10), (300, 30)],
        right=[(100, 110), (300, 130)],
        top=0,
        bottom=400,
        curves=[curve],
    )
    left, right = track.edges([0, 100, 200, 300, 400])
    assert left.tolist() == [10, 10, 20, 30, 30], "constant beyond the ends, straight between"
    assert right.tolist() == [110, 110, 120, 130, 130]
    assert track.fractions([100, 200, 300], [60, 70, 80]).tolist() == [0.5, 0.5, 0.5]
    assert track.bounding_columns() == (10, 131)
    assert track.bounding_columns(margin=20) == (0, 151)


def test_rows_of_a_track_are_the_pixels_whose_centres_it_holds():
    curve = Curve(curve_class=1, mnemonic="GR", unit="", left=0, right=150)
    track = Track(name="gamma", left=0, right=9, top=1.5, bottom=4, curves=[curve])
    assert track.rows.tolist() == [2, 3, 4]
    whole = Track(name="gamma", left=-0.5, right=9.5, top=-0.5, bottom=4.5, curves=[curve])
    assert whole.rows.tolist() == [0, 1, 2, 3, 4]
    assert whole.rows_within(3).tolist() == [0, 1, 2]


def test_numpy_numbers_and_arrays_calibrate_as_well():
    axis = DepthAxis(unit="ft", anchors=np.array([[0, 10], [10, 20]]))
    assert axis == DepthAxis(unit="ft", anchors=[(0, 10), (10, 20)])
    assert ValueAxis(left=np.int64(3), right=np.float32(4)) == ValueAxis(left=3, right=4)


def test_a_calibration_cannot_change_behind_ones_back(sonic):
    tracks = Tracks(**sonic)
    with pytest.raises(ValueError, match="frozen"):
        tracks.tracks[0].top = 5


# --- What is refused, and in which words ---


def curve_two(data):
    return data["tracks"][0]["curves"][1]


def change(**values):
    """Change keys of the second curve."""
    return lambda data: curve_two(data).update(values)


def change_track(**values):
    return lambda data: data["tracks"][0].update(values)


def change_depth(*anchors):
    return lambda data: data["depth"].update(anchors=list(anchors))


def misspell(data):
    curve_two(data)["lef"] = curve_two(data).pop("left")


MISTAKES = {
    "misspelt key": (misspell, "track 'sonic', curve 2: unknown key \"lef\"; did you mean 'left'?"),
    "key of its own": (
        change(colour="red"),
        "track 'sonic', curve 2: unknown key \"colour\"; the keys here are",
    ),
    "Python's word for class": (change(curve_class=2), "unknown key \"curve_class\"; did you mean 'class'?"),
    "unknown key at the top": (
        lambda data: data.update(dept=1),
        "unknown key \"dept\"; did you mean 'depth'?",
    ),
    "missing key": (lambda data: curve_two(data).pop("unit"), "curve 2: the key 'unit' is missing; add it"),
    "missing depth": (lambda data: data.pop("depth"), "the key 'depth' is missing; add it"),
    "missing version": (lambda data: data.pop("version"), "the key 'version' is missing; add it (it is 1)"),
    "later version": (
        lambda data: data.update(version=2),
        "version 2 is not known; this program reads version 1",
    ),
    "anchors in the wrong order": (change_depth([11203, 1100], [2575, 250]), "sort the anchors by row"),
    "anchors at one row": (
        change_depth([5, 1], [5, 2]),
        "depth: 'anchors' has anchors 1 and 2 both at row 5",
    ),
    "one anchor": (
        change_depth([5, 1]),
        "depth: 'anchors' needs two or more anchors [row, depth], but has 1",
    ),
    "no anchor": (change_depth(), "needs two or more anchors"),
    "depth turns back": (
        change_depth([1, 1], [2, 3], [3, 2]),
        "depth: depth turns back between anchors 2 (3) and 3",
    ),
    "depth stands still": (change_depth([1, 1], [2, 1]), "depth: anchors 1 and 2 have the same depth 1"),
    "anchor of three": (change_depth([1, 1, 1], [2, 2]), "anchor 1 must be [row, depth], not [1, 1, 1]"),
    "anchor of words": (
        change_depth([1, "top"], [2, 2]),
        'anchor 1 [row, depth]: each must be a number, not "top"',
    ),
    "anchors no list": (
        lambda data: data["depth"].update(anchors=3),
        "'anchors' must be a list of [row, depth]",
    ),
    "depth no object": (
        lambda data: data.update(depth=3),
        "depth: must be an object with the keys 'unit', 'anchors'",
    ),
    "unit of depth": (
        lambda data: data["depth"].update(unit="feet"),
        '\'unit\' must be "ft", "m" or "row", not',
    ),
    "log scale with a zero": (change(left=0, right=10, scale="log"), "curve 2: a log scale cannot reach 0"),
    "log scale below zero": (change(left=10, right=-1, scale="log"), "curve 2: a log scale cannot reach -1"),
    "scale of no width": (change(left=-10), "curve 2: 'left' and 'right' are both -10"),
    "unknown scale": (change(scale="logarithmic"), 'curve 2: \'scale\' must be "linear" or "log", not'),
    "negative wraps": (change(wraps=-1), "'wraps' must be a whole number that is 0 or more, not -1"),
    "half a wrap": (change(wraps=0.5), "'wraps' must be a whole number that is 0 or more, not 0.5"),
    "third class": (change(**{"class": 3}), "curve 2: 'class' must be 1 or 2, not 3"),
    "two of one class": (change(**{"class": 1}), "track 'sonic': two curves have class 1"),
    "mnemonic twice": (
        change(mnemonic="dt"),
        "curve 2: mnemonic 'dt' is already that of track 'sonic', curve 1",
    ),
    "mnemonic of the depth": (
        change(mnemonic="DEPT"),
        "curve 2: mnemonic 'DEPT' is the depth's own name in LAS",
    ),
    "mnemonic of two lines": (change(mnemonic="A\nB"), "'mnemonic' must be text on one line, not \"A\\nB\""),
    "empty mnemonic": (change(mnemonic=""), "'mnemonic' must be text on one line"),
    "unit no text": (change(unit=5), "curve 2: 'unit' must be text, not 5"),
    "number as text": (change(left="30"), "curve 2: 'left' must be a number, not \"30\""),
    "truth for a number": (change(left=True), "curve 2: 'left' must be a number, not true"),
    "NaN": (change(left=math.nan), "curve 2: 'left' must be a finite number, not NaN"),
    "infinity": (change(left=-math.inf), "curve 2: 'left' must be a finite number, not -Infinity"),
    "huge whole number": (change(left=10**400), "curve 2: 'left' must be a finite number, not 1000"),
    "edges swapped": (
        change_track(left=1700),
        "at row 2522 the left edge (column 1700) is not left of the right",
    ),
    "edges cross half way": (
        change_track(left=[[2522, 665], [5000, 1700], [9000, 665]]),
        "at row 5000 the left edge (column 1700) is not left of the right edge (column 1662.5)",
    ),
    "edge of one point": (
        change_track(left=[[1, 2]]),
        "'left' needs two or more points [row, column], but has 1",
    ),
    "edge points out of order": (
        change_track(right=[[9, 2000], [1, 2000]]),
        "'right' must run down the scan",
    ),
    "edge of words": (
        change_track(left="A"),
        "'left' must be a number, not \"A\"; give a column or a list of",
    ),
    "top below bottom": (change_track(top=12000), "'top' (row 12000) must be above 'bottom' (row 11550)"),
    "ignore of three": (
        change_track(ignore=[[1, 2, 3]]),
        "'ignore' rectangle 1 must be [top, bottom, left, right]",
    ),
    "ignore upside down": (change_track(ignore=[[2, 1, 3, 4]]), "'ignore' rectangle 1 must be [top, bottom,"),
    "nameless track": (change_track(name=""), "track 1: 'name' must be text on one line, not \"\""),
    "track without curves": (
        change_track(curves=[]),
        "track 'sonic': 'curves' is empty; give one or two curves",
    ),
    "no track": (lambda data: data.update(tracks=[]), "'tracks' is empty; give one or more tracks"),
    "tracks no list": (lambda data: data.update(tracks={}), "'tracks' must be a list, not {}"),
    "track no object": (
        lambda data: data.update(tracks=[7]),
        "track 1: must be an object with the keys 'name', 'left'",
    ),
}


@pytest.mark.parametrize(("mistake", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_place_and_remedy(tmp_path, sonic, mistake, words):
    mistake(sonic)
    assert words in refusal(tmp_path, sonic)


def test_several_mistakes_are_counted(tmp_path, sonic):
    curve_two(sonic).update(left="a", right="b")
    assert refusal(tmp_path, sonic).endswith('not "a" (1 more to mend)')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON: line 1, column 1"),
        ('{"version": 1,}', "is not JSON: line 1"),
        ("[" * 100_000, "is not JSON that can be read"),
        ("[1]", "must hold one object with the keys 'version', 'depth', 'tracks', not [1]"),
        ('{"version": 1, "version": 1}', 'the key "version" is given twice in one object; keep one of them'),
        ('{"name": "DT", "left": 1, "left": 2}', 'the key "left" of "DT" is given twice in one object'),
    ],
)
def test_what_is_not_json_is_refused(tmp_path, text, words):
    assert words in refusal(tmp_path, text)


def test_what_is_not_a_text_file_is_refused(tmp_path):
    binary = tmp_path / "scan.tif"
    binary.write_bytes(b"II*\x00\xff\xfe")
    with pytest.raises(TracksError, match=r"scan\.tif: is not JSON: it is not text in UTF-8"):
        Tracks.load(binary)
    with pytest.raises(TracksError, match=r"absent\.json: cannot be read \(No such file"):
        Tracks.load(tmp_path / "absent.json")
    with pytest.raises(TracksError, match="cannot be read"):
        Tracks.load(tmp_path)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path, sonic):
    path = tmp_path / "tracks.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(sonic).encode())
    assert Tracks.load(path) == Tracks(**sonic)


def test_mistakes_in_python_are_told_the_same_way():
    with pytest.raises(TracksError, match="a log scale cannot reach 0"):
        ValueAxis(left=0, right=10, scale="log")
    with pytest.raises(TracksError, match="'right' is missing"):
        Curve(curve_class=1, mnemonic="GR", unit="", left=0)
    with pytest.raises(TracksError, match=r"^track 'gamma': 'curves' is empty"):
        Track(name="gamma", left=0, right=5, top=0, bottom=9, curves=[])


# --- Against the scan ---


def test_a_track_on_the_scan_is_accepted_up_to_the_outer_edge_of_its_pixels(sonic):
    sonic["tracks"][0].update(bottom=6000, right=1664)
    Tracks(**sonic).check_against(rows=6000, columns=1664)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"bottom": 6001}, "track 'sonic': 'bottom' is row 6001, but the scan ends at row 5999; move it up"),
        ({"top": -2}, "track 'sonic': 'top' is row -2, but the scan begins at row 0"),
        (
            {"left": 5000, "right": 6000},
            "track 'sonic': 'left' is column 5000, but the scan's columns are 0 to 1663",
        ),
        ({"left": -20}, "'left' is column -20, but"),
        ({"right": [[2522, 1660], [5000, 1700]]}, "'right' is column 1700 at row 5000, but"),
    ],
)
def test_a_track_outside_the_scan_is_refused(sonic, place, words):
    sonic["tracks"][0].update({"bottom": 5999, **place})
    with pytest.raises(TracksError) as caught:
        Tracks(**sonic).check_against(rows=6000, columns=1664, source="sonic.json")
    assert str(caught.value).startswith("sonic.json: ")
    assert words in str(caught.value)


def test_edge_points_above_and_below_the_track_may_lie_off_the_scan(sonic):
    sonic["tracks"][0].update(bottom=5999, left=[[-9000, -30], [2522, 665], [5999, 670], [20000, 800]])
    Tracks(**sonic).check_against(rows=6000, columns=1664)


# --- Saving ---


def test_a_saved_file_is_short_and_reads_like_the_manual(tmp_path, sonic):
    path = tmp_path / "tracks.json"
    Tracks(**sonic).save(path)
    assert json.loads(path.read_text()) == SONIC, "no key is added that says nothing"
    assert '"anchors": [[2575, 250], [11203, 1100]]' in path.read_text(), "lists of points stay on one line"
    assert [file.name for file in tmp_path.iterdir()] == ["tracks.json"], "and nothing is left beside it"


def test_brackets_in_a_name_are_kept_as_they_are(tmp_path, sonic):
    sonic["tracks"][0]["name"] = "sonic [  2  ]"
    path = tmp_path / "tracks.json"
    Tracks(**sonic).save(path)
    assert Tracks.load(path).tracks[0].name == "sonic [  2  ]"


def test_a_file_that_cannot_be_written_is_told_in_one_line(tmp_path, sonic):
    (tmp_path / "scans").write_text("a file where a folder is wanted")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        Tracks(**sonic).save(tmp_path / "scans" / "tracks.json")
    assert "\n" not in str(caught.value)


def test_an_older_file_survives_a_write_that_fails(tmp_path, sonic, monkeypatch):
    path = tmp_path / "tracks.json"
    Tracks(**sonic).save(path)
    before = path.read_bytes()

    def full_disk(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        Tracks(**sonic).save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["tracks.json"]


# --- Properties ---

numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
positive = st.floats(1e-4, 1e6)
pixels = st.floats(-500, 20000).map(lambda value: round(value, 3))


@st.composite
def value_axes(draw):
    scale = draw(st.sampled_from(["linear", "log"]))
    left, right = draw(st.tuples(*[positive if scale == "log" else numbers] * 2))
    # Nearer ends than a printed scale ever has leave nothing of the value but rounding.
    assume(abs(left - right) > 1e-3 * max(abs(left), abs(right)))
    return ValueAxis(left=left, right=right, scale=scale, wraps=draw(st.integers(0, 3)))


@st.composite
def increasing(draw, smallest_step=0.5, largest_step=2000.0, least=2, most=6):
    steps = draw(st.lists(st.floats(smallest_step, largest_step), min_size=least - 1, max_size=most - 1))
    return np.cumsum([draw(st.floats(-5000, 5000)), *steps]).tolist()


@st.composite
def depth_axes(draw):
    rows = draw(increasing())
    sign = draw(st.sampled_from([-1, 1]))
    depths = [sign * depth for depth in draw(increasing(least=len(rows), most=len(rows)))]
    return DepthAxis(
        unit=draw(st.sampled_from(["ft", "m", "row"])), anchors=list(zip(rows, depths, strict=True))
    )


words = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=12).filter(
    lambda text: text.strip() and text.isprintable()
)


@st.composite
def edges(draw, low, high):
    columns = st.floats(low, high).map(lambda value: round(value, 2))
    if draw(st.booleans()):
        return draw(columns)
    rows = draw(increasing())
    return [(row, draw(columns)) for row in rows]


@st.composite
def all_tracks(draw):
    tracks = []
    for number in range(draw(st.integers(1, 3))):
        curves = [
            Curve(
                curve_class=curve_class,
                mnemonic=f"T{number}C{curve_class}",
                unit=draw(st.one_of(st.just(""), words)),
                **draw(value_axes()).model_dump(),
            )
            for curve_class in draw(st.sampled_from([(1,), (2,), (1, 2), (2, 1)]))
        ]
        track = Track(
            name=draw(words),
            left=draw(edges(0, 400)),
            right=draw(edges(401, 900)),
            top=draw(st.floats(-0.5, 900)),
            bottom=draw(st.floats(901, 20000)),
            curves=curves,
            ignore=draw(st.sampled_from([[], [(1, 2, 3, 4), (1.5, 9, 0, 7)]])),
        )
        tracks.append(track)
    return Tracks(depth=draw(depth_axes()), tracks=tracks)


@given(value_axes(), st.lists(st.floats(-3, 4), min_size=1))
def test_fraction_to_value_and_back(axis, fractions):
    np.testing.assert_allclose(axis.fractions(axis.values(fractions)), fractions, rtol=0, atol=1e-9)


@given(value_axes())
def test_the_edges_have_exactly_the_printed_values(axis):
    np.testing.assert_allclose(axis.values([0, 1]), [axis.left, axis.right], rtol=1e-14)


@given(value_axes(), st.lists(st.floats(0, 1), min_size=2))
def test_inside_the_track_values_stay_on_the_scale_and_keep_their_order(axis, fractions):
    values = axis.values(sorted(fractions))
    low, high = sorted([axis.left, axis.right])
    slack = 1e-12 * max(abs(low), abs(high))
    assert ((values >= low - slack) & (values <= high + slack)).all()
    direction = np.sign(axis.right - axis.left)
    assert (np.diff(values) * direction >= -slack).all()


@given(depth_axes(), st.lists(pixels, min_size=1))
def test_rows_to_depth_and_back(axis, rows):
    depths = axis.depths(rows)
    scale = 1 + np.abs(axis.anchors).max() + np.abs(rows).max()
    # Through the flattest line a rounding error in depth grows by rows per depth.
    slopes = np.abs(np.diff(np.asarray(axis.anchors), axis=0))
    steepest = (slopes[:, 0] / slopes[:, 1]).max()
    np.testing.assert_allclose(axis.rows(depths), rows, rtol=0, atol=1e-12 * scale * (1 + steepest) ** 2)


@given(depth_axes())
def test_depth_at_an_anchor_is_the_anchors(axis):
    rows, depths = np.transpose(axis.anchors)
    np.testing.assert_allclose(axis.depths(rows), depths, rtol=1e-12, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(all_tracks())
def test_what_is_saved_is_what_is_loaded(tmp_path_factory, tracks):
    path = tmp_path_factory.mktemp("saved") / "tracks.json"
    tracks.save(path)
    assert Tracks.load(path) == tracks
    assert tracks.to_json() == Tracks.load(path).to_json()


@settings(max_examples=40, deadline=None)
@given(all_tracks(), st.lists(pixels, min_size=1), st.floats(0, 1))
def test_edges_are_fractions_0_and_1_at_every_row(tracks, rows, fraction):
    for track in tracks.tracks:
        left, right = track.edges(rows)
        assert (left < right).all()
        np.testing.assert_allclose(track.fractions(rows, left), 0, atol=1e-9)
        np.testing.assert_allclose(track.fractions(rows, right), 1, atol=1e-9)
        np.testing.assert_allclose(track.fractions(rows, track.columns(rows, fraction)), fraction, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(all_tracks())
def test_bounding_columns_hold_the_whole_track(tracks):
    for track in tracks.tracks:
        first, end = track.bounding_columns()
        left, right = track.edges(track.rows)
        assert first - 0.5 <= left.min()
        assert right.max() <= end - 0.5


@pytest.mark.filterwarnings("error")
def test_numbers_that_would_overflow_are_refused_and_steep_axes_are_not():
    with pytest.raises(TracksError, match=r"each must be a number up to 1e\+30, not 1e\+308"):
        DepthAxis(unit="ft", anchors=[(0, 1e308), (10, -1e308)])
    steep = DepthAxis(unit="ft", anchors=[(0, 0), (1e-320, 1e30)])
    assert not np.isfinite(steep.depths([1e30])).any()
