"""Depths are believed where three or more agree in one way only."""

import numpy as np
import pytest

from napari_welllog.calibrate.depth_fit import Candidate, depth_of, fit_depths, unit_of_scale


def column(first=1000, step=50, count=12, spacing=500.0, start=300.0):
    return [Candidate(first + k * step, start + k * spacing) for k in range(count)]


def test_all_numbers_of_a_clean_column_agree():
    fit = fit_depths(column())
    assert fit.refused is None
    assert fit.chain == tuple(range(12))
    assert fit.step == 50


def test_misread_numbers_are_left_out():
    read = column()
    for k, wrong in ((2, 7100), (5, 125), (9, 1950)):
        read[k] = Candidate(wrong, read[k].row)
    fit = fit_depths(read)
    assert fit.refused is None
    assert set(fit.chain) == set(range(12)) - {2, 5, 9}


def test_numbers_follow_paper_that_stretches():
    rows = np.cumsum(500 * (1 + 0.02 * np.sin(np.arange(12) / 2)))
    fit = fit_depths([Candidate(1000 + 50 * k, row) for k, row in enumerate(rows)])
    assert fit.chain == tuple(range(12))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_are_refused(count):
    assert f"only {count} depth numbers" in fit_depths(column(count=count)).refused


def test_three_that_do_not_agree_are_refused():
    read = [Candidate(250, 100), Candidate(9000, 600), Candidate(310, 1100)]
    assert "no three lie on a line" in fit_depths(read).refused


def test_numbers_that_are_not_round_are_refused():
    assert fit_depths(column(first=1003)).refused is not None


def test_two_columns_that_fit_equally_well_are_refused():
    beside = [Candidate(candidate.depth + 250, candidate.row + 30) for candidate in column()]
    assert "two lines" in fit_depths(column() + beside).refused


def test_a_repeat_section_below_is_another_section():
    repeat = column(first=1200, count=5, start=7000)
    fit = fit_depths(column() + repeat)
    assert fit.refused is None
    assert fit.chain == tuple(range(12))
    assert fit.others == ((12, 13, 14, 15, 16),)


def test_depth_that_runs_backwards_is_refused():
    assert fit_depths([Candidate(1500 - 50 * k, 300 + 500 * k) for k in range(9)]).refused is not None


def test_unsure_readings_do_not_count():
    read = [Candidate(c.depth, c.row, 0.3) for c in column()]
    assert "only 0 depth numbers" in fit_depths(read).refused


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("1250", 1250),
        ("1 250", 1250),
        ("12,500", 12500),
        ("TVD 900", 900),
        ("900 TVD", 900),
        ("850'", 850),
        ("15O0", 1500),
        ("-28", None),
        ("CSG", None),
        ("", None),
        ("123456", None),
        ("12.5", None),
    ],
)
def test_what_is_a_depth(text, depth):
    assert depth_of(text) == depth


def test_numbers_whose_first_digit_was_misread_all_along_are_refused():
    rows = [100 + 170 * k for k in range(12)]
    misread = [Candidate(1100 + 100 * k, row) for k, row in enumerate(rows)]
    for k in (7, 9, 10):
        misread[k] = Candidate(7100 + 100 * k, rows[k])
    assert "fit about equally well" in fit_depths(misread).refused


@pytest.mark.parametrize(("scale", "feet"), [(240, "ft"), (600, "ft"), (1200, "ft")])
def test_a_usual_scale_tells_feet(scale, feet):
    assert unit_of_scale(12 * 200 / scale, 200) == feet


@pytest.mark.parametrize("scale", [200, 500, 1000])
def test_a_usual_scale_tells_metres(scale):
    assert unit_of_scale(39.37 * 200 / scale, 200) == "m"


def test_an_unusual_scale_tells_nothing():
    assert unit_of_scale(7.0, 200) is None


def test_numbers_whose_last_digits_are_not_round_together_agree_on_nothing():
    """1426, 1446 and 1486 lie on a line, and are 1420, 1440 and 1480 with worn zeros: six feet off."""
    for lost, agree in ((6, False), (0, True)):
        read = [Candidate(tens + lost, 5 * (tens - 1400)) for tens in (1420, 1440, 1480)]
        assert (fit_depths(read).refused is None) == agree


def test_a_number_that_is_off_by_little_does_not_spoil_the_others():
    read = [Candidate(depth, row) for depth, row in ((551, 100), (600, 300), (650, 500), (700, 700))]
    assert fit_depths(read).chain == (1, 2, 3)
