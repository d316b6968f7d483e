"""Which curve of a track is whose class, and what the header must say to be believed."""

from dataclasses import replace

import pytest

from napari_welllog.calibrate.curves_of_track import curves_of_track
from napari_welllog.calibrate.header_scale import ReadScale

GR = ReadScale("Gamma Ray", "GR", "GAPI", 0, 150, "solid", 2.0, (0, 10, 0, 400), 0.95)
CALI = replace(GR, name="Caliper", mnemonic="CALI", unit="in", left=6, right=16, pen="dashed")
TENS = replace(GR, name="Tension", mnemonic="TENS", unit="lbf", left=10000, right=0)
ILD = replace(GR, name="ILD", mnemonic="ILD", unit="ohm.m", left=0.2, right=2000)


def classes(track):
    return {scale.mnemonic: scale.curve_class for scale in track.scales}


@pytest.mark.parametrize("order", [[GR, CALI], [CALI, GR]])
def test_the_broken_pen_is_curve_two(order):
    track = curves_of_track("one", order, "linear")
    assert track.refused is None
    assert classes(track) == {"GR": 1, "CALI": 2}


def test_of_two_solid_pens_the_heavier_is_curve_one():
    track = curves_of_track("one", [GR, replace(CALI, pen="heavy", pen_width=5.0)], "linear")
    assert classes(track) == {"GR": 2, "CALI": 1}


@pytest.mark.parametrize("pens", [("solid", "solid"), ("dashed", "dotted"), ("unknown", "dashed")])
def test_pens_that_do_not_tell_are_refused(pens):
    track = curves_of_track("one", [replace(GR, pen=pens[0]), replace(CALI, pen=pens[1])], "linear")
    assert track.refused is not None


def test_a_third_curve_is_named_and_not_read():
    track = curves_of_track("one", [GR, CALI, TENS], "linear")
    assert track.refused is None
    assert classes(track) == {"GR": 1, "CALI": 2, "TENS": None}


def test_three_curves_of_the_rock_are_refused():
    third = replace(GR, name="SP", mnemonic="SP", unit="mV", left=-100, right=100)
    assert "3 curves" in curves_of_track("one", [GR, CALI, third], "linear").refused


def test_a_backup_scale_is_a_wrap_of_the_first():
    track = curves_of_track("one", [GR, replace(GR, left=150, right=300), CALI], "linear")
    assert [(scale.mnemonic, scale.wraps) for scale in track.scales] == [("GR", 1), ("CALI", 0)]


def test_a_name_that_stands_twice_without_continuing_is_refused():
    assert "twice" in curves_of_track("one", [GR, replace(GR, left=0, right=200)], "linear").refused


def test_the_grid_tells_linear_from_logarithmic():
    assert curves_of_track("two", [ILD], "log").scales[0].scale == "log"
    assert "logarithmic" in curves_of_track("two", [ILD], "linear").refused
    assert "is logarithmic" in curves_of_track("one", [GR], "log").refused


def test_where_the_grid_has_worn_away_usual_resistivities_are_logarithmic_and_others_refused():
    assert curves_of_track("two", [ILD], "unknown").scales[0].scale == "log"
    strange = replace(GR, name="TRACER", mnemonic="TRACER", unit="cps", left=1, right=1000)
    assert "does not tell" in curves_of_track("two", [strange], "unknown").refused


def test_what_is_in_doubt_is_refused_with_the_reason():
    doubtful = replace(GR, doubts=("'150' is hard to read",))
    assert "'150' is hard to read" in curves_of_track("one", [doubtful], "linear").refused
    assert curves_of_track("one", [GR], "linear", ["'SP' stands without values"]).refused is not None
    assert "no scale was found" in curves_of_track("one", [], "linear").refused


def test_a_third_curve_needs_no_grid_to_tell_its_scale():
    assert curves_of_track("one", [GR, CALI, replace(TENS, right=1)], "unknown").refused is None


def test_a_backup_scale_helps_to_weigh_the_pen():
    backup = replace(GR, left=150, right=300, pen_width=2.0)
    heavier = replace(CALI, pen="heavy", pen_width=3.0)
    for width, told in ((2.0, True), (2.8, False)):
        track = curves_of_track("one", [replace(GR, pen_width=width), backup, heavier], "linear")
        assert (track.refused is None) == told


def test_a_track_of_a_third_curve_alone_is_refused():
    """Where a header is cut off its lowest scale is what is left, often that of the tension."""
    assert "TENS alone" in curves_of_track("one", [TENS], "linear").refused


def test_a_backup_scale_without_its_first_is_refused():
    """Of a header that is cut off the backup scale may be all that is left of a curve."""
    backup = replace(GR, left=150, right=300)
    assert "without its first" in curves_of_track("one", [backup, CALI], "linear").refused
    assert curves_of_track("one", [GR, backup, CALI], "linear").refused is None
