"""JSON from outside: a calibration, edits and the manifest of a window, each refused in one line."""

from __future__ import annotations

import os

import pytest

from napari_welllog.annotations.manifest import read_manifest
from napari_welllog.edits import Edits
from napari_welllog.errors import WelllogError
from napari_welllog.json_file import UnreadableJsonError, read_json
from napari_welllog.tracks import Tracks

LOADERS = [Tracks.load, Edits.load, read_manifest]

TOO_DEEP = "nested too deeply or has a number too long"

SPOILT = {
    "nested without end": ("[" * 200_000, TOO_DEEP),
    "nested by a thousand objects": ('{"version":' * 900 + "1" + "}" * 900, TOO_DEEP),
    "a number of 5,000 digits": ('{"version": ' + "9" * 5_000 + "}", TOO_DEEP),
    "half a character": ('{"version": 1, "\\ud800": 1}', "half a character"),
    "a key twice": ('{"version": 1, "version": 2}', 'the key "version" is given twice'),
    "a comma too many": ('{"version": 1,}', "is not JSON: line 1, column "),
    "nothing": ("", "is not JSON: line 1, column 1"),
    "null": ("null", ""),
}


@pytest.mark.parametrize("load", LOADERS, ids=["tracks", "edits", "manifest"])
@pytest.mark.parametrize(("text", "words"), SPOILT.values(), ids=SPOILT)
def test_json_that_nobody_can_mean_is_refused_by_name_and_in_words(tmp_path, load, text, words):
    file = tmp_path / "file.json"
    file.write_text(text)
    with pytest.raises(WelllogError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("load", LOADERS, ids=["tracks", "edits", "manifest"])
def test_what_is_no_file_of_text_is_refused(tmp_path, load):
    (tmp_path / "utf-16").write_bytes('{"version": 1}'.encode("utf-16"))
    (tmp_path / "folder").mkdir()
    reasons = {
        "utf-16": "not text in UTF-8",
        "folder": "it is not an ordinary file",
        "absent": "No such file",
    }
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        reasons["pipe"] = "it is not an ordinary file"
    for name, reason in reasons.items():
        with pytest.raises(WelllogError, match=reason):
            load(tmp_path / name)


def test_a_file_cannot_write_to_the_terminal_through_a_message(tmp_path):
    file = tmp_path / "tracks.json"
    file.write_text('{"version": 1, "depth": {"unit": "ft", "anchors": "\\u001b[2J\\u202e"}, "tracks": []}')
    with pytest.raises(WelllogError) as caught:
        Tracks.load(file)
    assert str(caught.value).isprintable()


def test_a_message_of_many_words_is_cut_in_its_middle():
    message = str(WelllogError("the name " + "x" * 100_000 + " is too long; choose another"))
    assert len(message) <= 1_010
    assert message.startswith("the name ")
    assert message.endswith("; choose another")


def test_half_a_character_written_as_two_halves_is_one(tmp_path):
    file = tmp_path / "file.json"
    file.write_text('{"name": "\\ud83d\\ude00"}')
    assert read_json(file, "") == {"name": "\N{GRINNING FACE}"}
    file.write_text('{"name": "\\\\ud800"}')
    assert read_json(file, "") == {"name": "\\ud800"}
    file.write_text('{"name": "\\ude00"}')
    with pytest.raises(UnreadableJsonError, match="half a character"):
        read_json(file, "")
