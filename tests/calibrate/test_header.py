"""What a header says is read, or refused with the reason; the words are given, as OCR would read them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from napari_welllog.calibrate.curves_of_track import curves_of_track
from napari_welllog.calibrate.header import Header, read_header
from napari_welllog.calibrate.header_text import take_apart
from napari_welllog.calibrate.straighten import Piece

DPI, WIDTH, LOG_ROW = 200.0, 700, 300
HEIGHT, LETTER = 18, 11

Line = tuple[int, list[tuple[int, str]]]
"""The row of a line of text, and the first columns of its pieces with what they are read as."""


class Scripted:
    """Reads the lines of a page one after the other, each twice as the reading of a header does."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._said = [[text for _, text in pieces] for _, pieces in lines]
        self._at = 0

    def find(self, picture):
        return []

    def read(self, pictures):
        line = self._said[self._at // 2] if self._at // 2 < len(self._said) else []
        self._at += 1
        texts = [*line, *([""] * len(pictures))][: len(pictures)]
        # A letter that stands alone is shown three times.
        return [(3 * text if len(text) == 1 else text, 0.95) for text in texts]


def page(lines: Sequence[Line], rules: Sequence[tuple[int, int]]) -> Piece:
    """Paper on which pieces of text are black blocks of their length, and rules of a row and a thickness."""
    pixels = np.full((LOG_ROW + 200, WIDTH), 255, np.uint8)
    for row, pieces in lines:
        for column, text in pieces:
            for k, letter in enumerate(text):
                left = column + LETTER * k
                # A minus is thin, every other letter a block with a gap after it.
                rows = slice(row + 8, row + 10) if letter == "-" else slice(row, row + HEIGHT)
                pixels[rows, left : left + LETTER - 3] = 0 if letter != " " else 255
    for row, thickness in rules:
        pixels[row : row + thickness] = 0
    return Piece(pixels, 0.0, 0.0, 0.0)


def read(lines: Sequence[Line], rules: Sequence[tuple[int, int]] = ((230, 5), (280, 2))) -> Header:
    return read_header(page(lines, rules), LOG_ROW, DPI, Scripted(lines), lambda share: None)


def line(row: int, left: str, name: str, right: str) -> Line:
    return row, [(12, left), (200, name), (WIDTH - 12 - LETTER * len(right), right)]


GAMMA = line(200, "0", "Gamma Ray (GAPI)", "150")
POROSITY = line(250, "45", "NPHI (V/V)", "-15")


def test_two_scales_with_their_pens() -> None:
    one, two = read([GAMMA, line(250, "0.45", "NPHI (V/V)", "-0.15")]).scales
    assert (one.mnemonic, one.unit, one.left, one.right, one.doubts) == ("GR", "GAPI", 0, 150, ())
    assert (two.mnemonic, two.unit, two.left, two.right, two.doubts) == ("NPHI", "v/v", 0.45, -0.15, ())
    assert one.pen_width > two.pen_width


@pytest.mark.parametrize("right", ["..-10", ".-10", "·-10", "5-10"])
def test_scraps_before_a_minus_are_no_part_of_the_value(right: str) -> None:
    (scale,) = read([line(200, "30", "Density Porosity (%)", right)], [(230, 2)]).scales
    assert (scale.left, scale.right, scale.doubts) == (30, -10, ())


@pytest.mark.parametrize("right", ["40.", "40:", "40)", ":40"])
def test_dust_and_frames_beside_a_number_are_no_part_of_it(right: str) -> None:
    (scale,) = read([line(200, "140", "DELTA T (us/ft)", right)], [(230, 2)]).scales
    assert (scale.left, scale.right, scale.doubts) == (140, 40, ())


def test_a_value_that_has_run_into_its_name_may_lack_a_digit() -> None:
    joined = (200, [(12, "20BATE OF PENETRATION (FT/HR)"), (WIDTH - 23, "0")])
    scales = read([joined], [(230, 2)]).scales
    assert "runs into the name" in "".join(scales[0].doubts)


def test_a_name_is_what_any_of_its_readings_says() -> None:
    (scale,) = read([line(200, "0.45", "NPH1 (VM)", "-0.15")], [(230, 2)]).scales
    assert (scale.mnemonic, scale.unit, scale.doubts) == ("NPHI", "v/v", ())


def test_a_scale_above_the_first_that_was_read_is_not_lost() -> None:
    hidden = (150, [(12, "200"), (200, "RATE OF PENETRATION (FT/HR)"), (WIDTH - 40, "?!?")])
    header = read([hidden, GAMMA], [(180, 5), (230, 2)])
    track = curves_of_track("track 1", header.scales, "linear", header.loose, header.also_named)
    assert track.refused is not None


def test_a_scale_below_where_a_worn_grid_seems_to_begin_counts() -> None:
    low = line(LOG_ROW + 15, "30", "Density Porosity (%)", ".-10")
    header = read([GAMMA, low], [(230, 5), (LOG_ROW + 40, 2)])
    assert [scale.mnemonic for scale in header.scales] == ["GR", "DPHI"]


def test_dust_between_the_words_of_a_line_is_no_word() -> None:
    dusty = page([GAMMA], [(230, 5)])
    for k, column in enumerate((34, 388, 440, 500, 560, 634)):  # beside words, and between them
        dusty.pixels[202 + k : 206 + k, column : column + 4] = 0
    clean, spoilt = (take_apart(one.pixels < 128, DPI) for one in (page([GAMMA], [(230, 5)]), dusty))
    assert [line.boxes for line in clean.lines] == [line.boxes for line in spoilt.lines]
    (scale,) = read_header(dusty, LOG_ROW, DPI, Scripted([GAMMA]), lambda share: None).scales
    assert (scale.left, scale.right, scale.mnemonic, scale.doubts) == (0, 150, "GR", ())


@pytest.mark.parametrize(
    ("left", "right", "wanted"),
    [("146", "48", (140, 40)), ("140", "40", (140, 40)), ("159", "58", (150, 50)), ("140", ".40", (140, 40))],
)
def test_worn_zeros_of_a_usual_curve_are_known_for_what_they_are(
    left: str, right: str, wanted: tuple[float, float]
) -> None:
    (scale,) = read([line(200, left, "DELTA T (us/ft)", right)], [(230, 2)]).scales
    assert (scale.left, scale.right) == wanted
    assert not scale.doubts


def test_a_density_without_its_point_is_no_density() -> None:
    (scale,) = read([line(200, "195", "BULK DENSITY (G/CC)", "295")], [(230, 2)]).scales
    assert (scale.left, scale.right, scale.doubts) == (1.95, 2.95, ())


def test_a_name_that_is_nearly_a_usual_one_is_in_doubt_where_its_scale_is_another() -> None:
    (scale,) = read([line(200, "1", "FL (OHMM)", "1000")], [(230, 2)]).scales
    assert (scale.mnemonic, scale.doubts) == ("SFL", ())
    (scale,) = read([line(200, "3", "FL (OHMM)", "93")], [(230, 2)]).scales
    assert "may be SFL" in "".join(scale.doubts)


def test_a_line_among_the_scales_that_is_not_understood_is_told() -> None:
    unread = (240, [(12, "[O22SHORINORMAL .2O")])
    header = read([GAMMA, unread], [(230, 5), (270, 2)])
    assert any("is not understood" in loose for loose in header.loose)


class Wavering:
    """Reads one value of one line in a different way each time, as OCR does where print has worn."""

    def __init__(self, name: str, left: Sequence[str], right: str, sure: float = 0.96) -> None:
        self._left, self._name, self._right, self._sure, self._times = left, name, right, sure, 0

    def find(self, picture):
        return []

    def read(self, pictures):
        said = self._left[min(self._times, len(self._left) - 1)]
        self._times += 1
        return [(text, self._sure) for text in [said, self._name, self._right][: len(pictures)]]


def wavering(name: str, left: Sequence[str], right: str) -> Header:
    printed = [line(200, left[0], name, right)]
    return read_header(
        page(printed, [(230, 2)]), LOG_ROW, DPI, Wavering(name, left, right), lambda share: None
    )


def test_a_number_that_three_of_four_readings_tell_counts() -> None:
    (scale,) = wavering("Tracer (CPS)", ["35", "3S", "35", "35"], "40.5").scales
    assert scale.left == 35


def test_a_number_that_two_readings_tell_and_two_do_not_is_in_doubt() -> None:
    (scale,) = wavering("Tracer (CPS)", ["35", "36", "35", "36"], "40.5").scales
    assert "read as '35' and as '36'" in "".join(scale.doubts)


def test_a_usual_scale_that_one_of_four_readings_tells_is_taken() -> None:
    (scale,) = wavering("MSFL (OHMM)", ["0.2", "02?", "0:2", "O.2"], "2000").scales
    assert (scale.left, scale.right, scale.doubts) == (0.2, 2000, ())


@pytest.mark.parametrize(
    ("left", "name", "right", "wanted"),
    [
        ("0:2", "MEDIUM INDUCTION (OHM-M)", "2000", (0.2, 2000)),  # dust above a point
        ("45", "NEUTRON POROSITY (PU)", "-1$", (45, -15)),
        ("6", "CALIPER (IN)", "1E", (6, 16)),
        ("30", "Density Porosity (%)", "-1c", (30, -10)),
        ("-i.25", "DENSITY CORRECTION (G/CC)", "0.25", (-0.25, 0.25)),  # a worn 0
    ],
)
def test_letters_that_digits_look_like_are_known_for_what_they_are(
    left: str, name: str, right: str, wanted: tuple[float, float]
) -> None:
    (scale,) = read([line(200, left, name, right)], [(230, 2)]).scales
    assert (scale.left, scale.right, scale.doubts) == (*wanted, ())


def test_a_number_whose_first_digit_the_frame_has_swallowed_is_known_by_its_curve() -> None:
    (scale,) = read([line(200, "1", "MSFL (OHMM)", "000")], [(230, 2)]).scales
    assert (scale.left, scale.right, scale.doubts) == (1, 1000, ())


def test_a_name_a_letter_away_from_one_curve_that_has_such_a_scale_is_that_curve() -> None:
    for name, wanted in (("NPH (V/V)", "NPHI"), ("NPH! (V/V)", "NPHI"), ("SPH! (V/V)", "SPHI")):
        (scale,) = read([line(200, "0.45", name, "-0.15")], [(230, 2)]).scales
        assert (scale.mnemonic, scale.unit, scale.doubts) == (wanted, "v/v", ())


def test_a_name_that_is_fused_with_its_unit_is_known_by_its_scale() -> None:
    (scale,) = read([line(200, "0.45", "NPHEIVN", "-0.15")], [(230, 2)]).scales
    assert (scale.mnemonic, scale.unit, scale.doubts) == ("NPHI", "v/v", ())


def test_a_name_a_letter_away_from_two_curves_is_in_doubt() -> None:
    (scale,) = read([line(200, "0.2", "JLD (OHM-M)", "20")], [(230, 2)]).scales
    assert "may be ILD or LLD" in "".join(scale.doubts)


def test_two_letters_that_are_no_usual_name_are_hardly_a_name() -> None:
    (scale,) = read([line(200, "0.2", "HD (OHM-M)", "20")], [(230, 2)]).scales
    assert "'HD' is hard to read" in "".join(scale.doubts)


def test_a_name_that_a_gap_parts_is_known_by_its_scale() -> None:
    named = (220, [(150, "DENSITY C"), (320, "RECTION")])
    values = (244, [(12, "-0.25"), (250, "(G/(C)"), (WIDTH - 12 - 4 * LETTER, "0.25")])
    (scale,) = read([named, values], [(275, 2)]).scales
    assert (scale.mnemonic, scale.left, scale.right) == ("DRHO", -0.25, 0.25)


def test_a_density_below_zero_is_no_density() -> None:
    (scale,) = read([line(200, "-0.25", "RHOB (G/CC)", "0.25")], [(230, 2)]).scales
    assert "can hardly be a density" in "".join(scale.doubts)


def test_a_short_name_below_where_a_worn_grid_seems_to_begin_counts_with_its_unit() -> None:
    low = line(LOG_ROW + 15, "0", "FE (B/E)", "10")
    header = read([GAMMA, low], [(230, 5), (LOG_ROW + 40, 2)])
    assert [(scale.mnemonic, scale.doubts) for scale in header.scales] == [("GR", ()), ("PEF", ())]


def test_a_value_that_runs_into_its_name_with_and_without_a_minus_may_have_either() -> None:
    joined = (200, [(12, "-0.25DENSITY CORRECTION (G/CC)"), (WIDTH - 12 - 4 * LETTER, "0.25")])
    reader = Wavering("0.25", ["-0.25DENSITY CORRECTION (G/CC)", "0.25DENSITY CORRECTION (G/CC)"], "")
    (scale,) = read_header(page([joined], [(230, 2)]), LOG_ROW, DPI, reader, lambda share: None).scales
    assert (scale.mnemonic, scale.left, scale.right, scale.doubts) == ("DRHO", -0.25, 0.25, ())


def test_values_nearer_to_one_edge_tell_that_an_edge_is_not_the_tracks() -> None:
    for column, uneven in ((12, False), (17, False), (34, True)):
        moved = (200, [(column, "0"), *GAMMA[1][1:]])
        assert any("from one edge" in loose for loose in read([moved]).loose) == uneven


def test_values_between_those_of_a_scale_are_those_of_another_track() -> None:
    two = [
        (12, "1"),
        (80, "SFL (OHMM)"),
        (300, "1000"),
        (376, "16"),
        (420, "CALIPER (IN)"),
        (WIDTH - 34, "26"),
    ]
    assert any("stands between the values" in loose for loose in read([(200, two)], [(230, 2)]).loose)


def test_a_scale_in_what_seems_to_be_the_log_that_is_not_understood_is_told() -> None:
    """A worn grid seemed to begin between two scales: of the lower one too few words were understood."""
    low = (LOG_ROW + 5, [(12, "|.45 NEUTRON POROSITY (PU)"), (WIDTH - 12 - 3 * LETTER, "-15")])
    for rules, told in (([(230, 5), (LOG_ROW + 32, 2)], True), ([(230, 5)], False)):
        header = read([line(250, "0", "Gamma Ray (GAPI)", "150"), low], rules)
        assert any("is not understood" in loose for loose in header.loose) == told


def test_a_broken_rule_just_above_the_scales_is_the_pen_of_one_that_was_not_read() -> None:
    lines = [line(210, "0", "Gamma Ray (GAPI)", "150")]
    piece = page(lines, [(236, 2)])
    piece.pixels[196:198] = 255
    piece.pixels[196:198, (np.arange(WIDTH) // 12) % 2 == 0] = 0
    found = read_header(piece, LOG_ROW, DPI, Scripted(lines), lambda share: None)
    assert [scale.mnemonic for scale in found.scales] == ["GR"]
    assert "a rule stands without values" in found.loose
    # A solid one may be the frame of the header.
    assert "a rule stands without values" not in read(lines, [(196, 2), (236, 2)]).loose


def test_a_value_with_a_piece_of_the_frame_in_it_has_more_digits_than_any_scale() -> None:
    found = read([line(250, "1", "Tracer (CPS)", "10001")])
    assert "10001 has more digits than the value of a scale" in found.scales[0].doubts


def test_a_unit_that_has_lost_its_second_letter_is_known_by_the_values() -> None:
    found = read([line(250, "140", "Delta T (us/m)", "40")])
    assert (found.scales[0].unit, found.scales[0].doubts) == ("us/ft", ())
