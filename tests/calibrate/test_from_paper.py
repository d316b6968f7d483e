"""A scan calibrates itself, or says why not."""

from dataclasses import replace

import numpy as np
import pytest

from napari_welllog.calibrate import calibrate_scan, is_installed, load_reader
from napari_welllog.calibrate.depth_column import Strip
from napari_welllog.calibrate.from_paper import _Calibrations
from napari_welllog.calibrate.header import Header
from napari_welllog.calibrate.header_scale import ReadScale
from napari_welllog.calibrate.levelled import levelled
from napari_welllog.calibrate.page import Job, Page
from napari_welllog.calibrate.printed_depth import _read_strip, read_depth
from napari_welllog.calibrate.result import DepthNumber
from napari_welllog.calibrate.straighten import measure_lean
from napari_welllog.calibrate.track_header import read_track_header
from napari_welllog.errors import Cancelled, OcrError
from napari_welllog.synthetic import PressSettings
from napari_welllog.synthetic.document import DocumentSettings, print_document
from napari_welllog.tracks import Tracks, propose_tracks

needs_ocr = pytest.mark.skipif(not is_installed(), reason="the extra ocr is not installed")

CLEAN = PressSettings(
    bilevel_share=1.0,
    broken_grid_share=0.0,
    fading_share=0.0,
    speckle_share=0.0,
    bar_share=0.0,
    stamp_share=0.0,
    note_share=0.0,
    grid_darkness=(0.9, 1.0),
    grid_weight=(0.006, 0.01),
    third_curve_share=0.0,
    hatch_share=0.0,
    ticks_share=0.0,
    bleed=(0.05, 0.1),
    noise=(0.0, 0.02),
    dashed_pair=1.0,
    weight_pair=0.0,
    single_one=0.0,
    single_two=0.0,
)


class Blind:
    """A reader that sees no text."""

    def find(self, picture):
        return []

    def read(self, pictures):
        return [("", 0.0) for _ in pictures]


def document(seed=3, **changes):
    return print_document(seed, DocumentSettings(length=9.0, **changes), CLEAN)


def scan():
    pixels = np.full((900, 500), 255, np.uint8)
    pixels[100:, 20:221:20] = pixels[100::25, 20:221] = 0
    return pixels


def error_of_depth(printed, read):
    truth = printed.log.tracks
    rows = np.linspace(truth.tracks[0].top, truth.tracks[0].bottom, 50)
    return float(np.abs(truth.depth.depths(rows) - read.proposal.depth.depths(rows)).max())


@needs_ocr
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"turn": "sideways"},
        {"unit": "m"},
        {"turn": "sideways down", "suffix": " TVD"},
        {"straight": False},
    ],
    ids=["upright", "sideways", "metres", "TVD", "skewed"],
)
def test_a_clean_document_calibrates_itself(changes):
    printed = document(**changes)
    read = calibrate_scan(printed.log.scan, printed.log.dpi, load_reader(1))
    assert read.refusals() == []
    assert read.is_sure
    truth = printed.log.tracks
    assert read.proposal.depth.unit == truth.depth.unit
    assert error_of_depth(printed, read) < 0.5
    assert [track.curves for track in read.proposal.tracks] == [track.curves for track in truth.tracks]
    used = [number for number in read.depth.numbers if number.used]
    assert len(used) >= 3
    assert all(abs(number.line - number.row) < 20 and number.confidence > 0.5 for number in used)


@needs_ocr
def test_a_repeat_section_does_not_count_and_is_told():
    printed = document(seed=4, repeat=True, turn="sideways")
    read = calibrate_scan(printed.log.scan, printed.log.dpi, load_reader(1))
    assert read.knows_depth
    assert error_of_depth(printed, read) < 0.5
    assert read.proposal.tracks[0].bottom == pytest.approx(printed.log.tracks.tracks[0].bottom, abs=30)


@needs_ocr
def test_a_header_that_is_cut_off_is_refused_and_depth_is_not():
    printed = document(header="cut off")
    read = calibrate_scan(printed.log.scan, printed.log.dpi, load_reader(1))
    assert read.knows_depth
    assert not read.knows_scales
    assert [curve.unit for track in read.proposal.tracks for curve in track.curves] == ["fraction"] * 4


@needs_ocr
def test_numbers_that_the_page_cuts_are_not_believed():
    printed = document(numbers_cut=True)
    read = calibrate_scan(printed.log.scan, printed.log.dpi, load_reader(1))
    assert not read.knows_depth
    assert read.proposal.depth.unit == "row"


@needs_ocr
def test_the_same_scan_gives_the_same_calibration():
    printed = document()
    first, second = (
        calibrate_scan(printed.log.scan, printed.log.dpi, load_reader(1)).to_json() for _ in range(2)
    )
    assert first == second


def test_without_text_everything_is_refused_and_the_tracks_remain(tmp_path):
    read = calibrate_scan(scan(), reader=Blind())
    assert not read.is_sure
    assert len(read.refusals()) == 2
    read.proposal.save(tmp_path / "tracks.json")
    assert Tracks.load(tmp_path / "tracks.json") == read.proposal


def test_progress_runs_through_the_stages():
    seen = []
    calibrate_scan(scan(), reader=Blind(), progress=lambda stage, share: seen.append((stage, share)))
    assert list(dict.fromkeys(stage for stage, _ in seen)) == ["find", "depth", "scales"]
    assert all(0 <= share <= 1 for _, share in seen)
    assert seen[-1] == ("scales", 1.0)


@pytest.mark.parametrize("asked", [1, 3, 5])
def test_it_stops_when_asked_to(asked):
    questions = iter(range(100))
    with pytest.raises(Cancelled):
        calibrate_scan(scan(), reader=Blind(), cancelled=lambda: next(questions) >= asked)


def test_without_the_library_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("napari_welllog.calibrate.ocr.find_spec", lambda name: None)
    with pytest.raises(OcrError, match=r"pip install 'napari-welllog\[ocr\]'") as caught:
        calibrate_scan(scan())
    assert "\n" not in str(caught.value)


def test_grey_paper_is_levelled_and_bilevel_left_alone():
    grey = np.full((300, 300), 200, np.uint8)
    for row in range(4):
        grey[row::20] = 90
    assert levelled(grey).min() < 30
    assert levelled(grey).max() == 255
    black_and_white = np.where(grey == 90, 0, 255).astype(np.uint8)
    assert levelled(black_and_white) is black_and_white


def without_the_left_of_its_rules(printed, track, share):
    """A scan whose header rules have worn away over a share of one track, from its left edge."""
    pixels = printed.log.scan.copy()
    left, right = (int(edge) for edge in track.edges(track.top))
    header = pixels[: int(track.top) - 6]
    for row in np.flatnonzero((header[:, left:right] < 128).mean(axis=1) > 0.5):
        header[max(row - 1, 0) : row + 2, left + 6 : left + int(share * (right - left))] = 255
    return pixels


@needs_ocr
@pytest.mark.parametrize("seed", [3, 6])
def test_where_a_worn_rule_misleads_the_values_of_the_header_tell_which_tracks_are_right(seed):
    printed = document(seed=seed)
    truth = printed.log.tracks.tracks
    pixels = without_the_left_of_its_rules(printed, truth[1], 0.1)
    assert propose_tracks(pixels).tracks[1].left > truth[1].edges(truth[1].top)[0] + 40
    read = calibrate_scan(pixels, printed.log.dpi, load_reader(1))
    assert read.is_sure
    assert read.proposal.tracks[1].left == pytest.approx(truth[1].edges(truth[1].top)[0], abs=3)
    assert [track.curves for track in read.proposal.tracks] == [track.curves for track in truth]


@needs_ocr
@pytest.mark.parametrize("inches", [0.5, 1.5])
def test_a_log_that_seems_to_begin_above_its_scales_begins_below_them(inches):
    printed = document()
    dpi, truth = printed.log.dpi, printed.log.tracks.tracks
    proposed = propose_tracks(printed.log.scan)
    high = Tracks(
        depth=proposed.depth,
        tracks=[track.model_copy(update={"top": track.top - inches * dpi}) for track in proposed.tracks],
    )
    job = Job(None, None)
    read = _Calibrations(printed.log.scan, dpi, load_reader(1), job).calibration(high)
    assert read.knows_scales
    for track in read.proposal.tracks:
        assert truth[0].top - 0.5 * dpi < track.top <= truth[0].top + 3


def page_of(pixels):
    tracks = propose_tracks(pixels).tracks
    return Page(pixels, 200.0, measure_lean(pixels, tracks), Blind(), Job(None, None)), tracks[0]


def test_a_header_that_is_not_understood_is_read_again_softened_and_thickened(monkeypatch):
    seen = []

    def read(piece, log_row, dpi, reader, tick):
        seen.append(piece.pixels)
        doubts = () if len(seen) == 3 else ("'0' is hard to read",)
        place = (50.0, 70.0, 20.0, 220.0)
        return Header([ReadScale("GR", "GR", "GAPI", 0, 150, "solid", 2.0, place, 0.9, doubts)], [])

    monkeypatch.setattr("napari_welllog.calibrate.track_header.read_header", read)
    page, track = page_of(scan())
    reading, _ = read_track_header(page, track, 0.0, lambda share: None)
    assert reading.refused is None
    as_scanned, softened, thickened = seen
    assert not np.isin(softened, (0, 255)).all()
    assert (thickened <= as_scanned).all()
    assert thickened.mean() < as_scanned.mean()


def numbers_read(*depths):
    return [
        DepthNumber(
            text=f"{depth}", depth=depth, place=(0, 9, 0, 9), row=100.0 * k, confidence=0.9, used=False
        )
        for k, depth in enumerate(depths)
    ]


@pytest.mark.parametrize(
    ("depths", "wanted"),
    [
        ((1426, 1446, 1460, 1488, 1500), [1420, 1440, 1460, 1480, 1500]),
        ((1426, 1446, 1466, 1488, 1500), None),  # nearly all of it would be our own making
        ((1423, 1447, 1461, 1482, 1504), None),
        # A long column whose hundreds go on in steps is no accident.
        ((4166, 4206, 4388, 4466, 4586, 4666, 4768), [4100, 4200, 4300, 4400, 4500, 4600, 4700]),
        ((4166, 4206, 4388, 4466, 4586), None),
    ],
)
def test_a_column_of_depths_whose_zeros_have_worn_is_known_by_those_that_have_not(
    monkeypatch, depths, wanted
):
    monkeypatch.setattr(
        "napari_welllog.calibrate.printed_depth.read_numbers", lambda *_: (numbers_read(*depths), [])
    )
    page, track = page_of(scan())
    numbers, _, fit = _read_strip(page, Strip(track, None), (0.0, 900.0), lambda share: None)
    assert (fit.refused is None) == (wanted is not None)
    if wanted is not None:
        assert [numbers[k].depth for k in fit.chain] == wanted
        assert numbers[0].confidence < 0.9


def test_where_the_scanner_has_left_no_line_the_middles_of_numbers_are_the_anchors(monkeypatch):
    page, track = page_of(scan())
    bare = page.pixels.copy()
    bare[:, 20:221] = 255
    bare[100:, 20:221:20] = 0
    numbers = numbers_read(1000, 1010, 1020, 1030, 1040)
    monkeypatch.setattr("napari_welllog.calibrate.printed_depth.read_numbers", lambda *_: (numbers, ["FEET"]))
    tied, _ = read_depth(page, [track])
    untied, _ = read_depth(replace(page, pixels=bare), [track])
    assert tied.refused is untied.refused is None
    assert {number.line is None for number in tied.numbers if number.used} == {False}
    assert {(number.used, number.line) for number in untied.numbers} == {(True, None)}
    assert untied.confidence < np.mean([number.confidence for number in numbers])
    rows, depths = zip(*untied.anchors, strict=True)
    assert (rows[-1] - rows[0]) / (depths[-1] - depths[0]) == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize(("row", "refused"), [(40.0, False), (12.0, True)])
def test_above_a_scale_at_the_end_of_the_scan_another_one_may_be_cut_off(monkeypatch, row, refused):
    scale = ReadScale("GR", "GR", "GAPI", 0, 150, "solid", 2.0, (row, row + 20, 20.0, 220.0), 0.9)
    monkeypatch.setattr("napari_welllog.calibrate.track_header.read_header", lambda *_: Header([scale], []))
    page, track = page_of(scan())
    reading, _ = read_track_header(page, track, 0.0, lambda share: None)
    assert ("cut off above" in (reading.refused or "")) == refused


def test_what_another_reading_has_wiped_away_is_not_understood(monkeypatch):
    """Softened, the faint one of two scales may be gone: what is left must not pass for the whole header."""
    place = (50.0, 70.0, 20.0, 220.0)
    sure = ReadScale("GR", "GR", "GAPI", 0, 150, "solid", 2.0, place, 0.9)
    faint = ReadScale("CALI", "CALI", "in", 6, 16, "dashed", 2.0, place, 0.9, ("'6' is hard to read",))
    readings = [Header([sure, faint], []), Header([sure], []), Header([sure], [])]
    monkeypatch.setattr("napari_welllog.calibrate.track_header.read_header", lambda *_: readings.pop(0))
    page, track = page_of(scan())
    reading, _ = read_track_header(page, track, 0.0, lambda share: None)
    assert readings == []
    assert "'6' is hard to read" in reading.refused
