"""Limits on size: settings that a user can raise, and messages that say how."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from napari_welllog import limits, read_scan
from napari_welllog.curves import LogCurve
from napari_welllog.errors import LasError, ModelError, ScanError, SettingsError, TracksError
from napari_welllog.las import write_las
from napari_welllog.limits import JSON_MB, Limit, read_small_file
from napari_welllog.tracks import Tracks
from napari_welllog.unet import load_model

LIMITS = [value for value in vars(limits).values() if isinstance(value, Limit)]


@pytest.fixture
def scan(tmp_path):
    """A scan of two pages, 0.02 megapixels."""
    path = tmp_path / "log.tif"
    page = Image.new("L", (100, 100), 255)
    page.save(path, save_all=True, append_images=[page])
    return path


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("WELLLOG_MAX_MEGAPIXELS", "are 0.0 megapixels, over the limit of 0.0"),
        ("WELLLOG_MAX_MEMORY_GB", "GB of memory to open, over the limit of 1e-06 GB"),
        ("WELLLOG_MAX_PAGES", "has 2 pages, over the limit of 0"),
    ],
)
def test_a_scan_over_a_limit_is_refused_and_opens_when_that_is_raised(scan, monkeypatch, variable, words):
    monkeypatch.setenv(variable, "0.000001")
    with pytest.raises(ScanError) as caught:
        read_scan(scan)
    assert words in str(caught.value)
    assert f"set {variable} higher" in str(caught.value)
    monkeypatch.setenv(variable, "10000")
    assert read_scan(scan).pixels.shape == (200, 100)


def test_a_chosen_page_of_a_file_with_too_many_opens(scan, monkeypatch):
    monkeypatch.setenv("WELLLOG_MAX_PAGES", "1")
    assert read_scan(scan, pages=[1]).pixels.shape == (100, 100)


def test_json_over_the_limit_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("WELLLOG_MAX_JSON_MB", "0.001")
    file = tmp_path / "tracks.json"
    file.write_text("[" + " " * 2000 + "]")
    words = r"it has 0.0 MB, over the limit of 0.001 MB; if that is right, set WELLLOG_MAX_JSON_MB higher"
    with pytest.raises(TracksError, match=words):
        Tracks.load(file)


def test_weights_over_the_limit_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("WELLLOG_MAX_WEIGHTS_MB", "0.5")
    file = tmp_path / "mine.safetensors"
    file.write_bytes(bytes(600_000))
    with pytest.raises(ModelError, match=r"it has 0.6 MB, over the limit of 0.5 MB.*WELLLOG_MAX_WEIGHTS_MB"):
        load_model(file)


def test_a_table_over_the_limit_is_not_written(tmp_path, monkeypatch):
    curve = LogCurve(
        depth=np.arange(3.0),
        value=np.ones(3),
        mnemonic="GR",
        unit="",
        depth_unit="m",
        state=np.ones(3, np.uint8),
        confidence=np.ones(3, np.float32),
    )
    monkeypatch.setenv("WELLLOG_MAX_SAMPLES", "100")
    with pytest.raises(
        LasError, match=r"more than 100 samples from 0 to 2; .*, or set WELLLOG_MAX_SAMPLES higher"
    ):
        write_las(tmp_path / "log.las", [curve], step=0.01)
    write_las(tmp_path / "log.las", [curve], step=0.02)


@pytest.mark.parametrize("text", ["many", "0", "-1", "nan"])
def test_a_limit_that_is_no_number_is_named(scan, monkeypatch, text):
    monkeypatch.setenv("WELLLOG_MAX_MEGAPIXELS", text)
    with pytest.raises(
        SettingsError, match=f"WELLLOG_MAX_MEGAPIXELS is '{text}'; set it to a number above 0"
    ):
        read_scan(scan)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_might_never_end_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    for name in ("pipe", "zeros"):
        with pytest.raises(OSError, match="not an ordinary file"):
            read_small_file(tmp_path / name, JSON_MB)


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.variable)
def test_every_limit_is_in_the_table_of_the_documentation(limit):
    assert limits.__doc__ is not None
    row = next(line for line in limits.__doc__.splitlines() if f"`{limit.variable}`" in line)
    assert (f" {limit.usual:g} |" if limit.usual < 1e6 else f" {limit.usual:.0f} |") in row or (
        limit.usual == float("inf") and " none |" in row
    )
