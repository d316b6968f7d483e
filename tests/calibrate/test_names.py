"""What headers print, and what a LAS file calls it."""

import pytest

from napari_welllog.calibrate.header_words import value_of
from napari_welllog.calibrate.likely import unlikely_values
from napari_welllog.calibrate.names import mnemonic_of, split_unit, unit_of
from napari_welllog.tracks.usual_curves import USUAL_CURVES


@pytest.mark.parametrize("mnemonic", list(USUAL_CURVES))
def test_every_usual_curve_is_known_by_its_mnemonic(mnemonic):
    assert mnemonic_of(mnemonic) == mnemonic


@pytest.mark.parametrize("mnemonic", list(USUAL_CURVES))
def test_every_usual_unit_is_known(mnemonic):
    assert unit_of(USUAL_CURVES[mnemonic].unit) == USUAL_CURVES[mnemonic].unit


@pytest.mark.parametrize("mnemonic", list(USUAL_CURVES))
def test_every_usual_scale_is_likely(mnemonic):
    usual = USUAL_CURVES[mnemonic]
    assert unlikely_values(mnemonic, usual.left, usual.right) == []


@pytest.mark.parametrize(
    ("printed", "mnemonic", "unit"),
    [
        ("Gamma Ray (GAPI)", "GR", "GAPI"),
        ("Delta Time (usec/ft) (usec/ft)", "DT", "us/ft"),
        ("dCAL (in)", "CALI", "in"),
        ("LTEN (Ib) (b)", "TENS", "lbf"),
        ("BULK DENSITY G/CC", "RHOB", "g/cm3"),
        ("DEEP INDUCTION (OHM-M", "ILD", "ohm.m"),
        ("Densty Porosity (%)", "DPHI", "pu"),
        ("FORMATION FACTOR", None, None),
    ],
)
def test_printed_names_are_understood(printed, mnemonic, unit):
    name, read = split_unit(printed)
    assert (mnemonic_of(name), read) == (mnemonic, unit)


def test_short_names_are_not_guessed():
    assert mnemonic_of("GX") is None
    assert mnemonic_of("DTX") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-10", -10), ("–15", -15), ("0.45", 0.45), ("045", 0.45), ("2,000", 2000), ("O", 0), ("1", 1),
     ("1O0", 100), ("IN", None), ("", None), ("-", None)],
)  # fmt: skip
def test_printed_values_are_understood(text, value):
    assert value_of(text) == value
