"""The folder: what is put in comes out, bad input is named on one line, and then nothing on the disk has changed."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_welllog.annotations import (
    MOST_ROWS,
    AnnotationFolder,
    Network,
    Place,
    ScanIdentity,
    merged_rows,
    place_in_view,
)
from napari_welllog.errors import AnnotationsError, OutputError
from napari_welllog.scan import Scan, read_scan


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.exists() else {}


def manifest_of(well, name: str) -> Path:
    return well.folder.path / f"{name}_window.json"


def change_manifest(well, name: str, **changes) -> None:
    file = manifest_of(well, name)
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def refused(well, match: str) -> None:
    """Opening is refused on one line, and leaves the folder as it is."""
    before = content_of(well.folder.path)
    with pytest.raises(AnnotationsError, match=match) as error:
        AnnotationFolder.open(well.folder.path)
    assert "\n" not in str(error.value)
    assert str(well.folder.path) in str(error.value)
    assert content_of(well.folder.path) == before


def test_what_is_put_in_comes_out_in_another_session(well) -> None:
    network = Network(name="welllog-1", sha256="a" * 64)
    name = well.add(300, annotator="Ada", network=network, labels=well.classes[300:500])
    again = AnnotationFolder.open(well.folder.path)
    assert list(again.windows_of(well.identity)) == [name]
    window = again.read(name)
    np.testing.assert_array_equal(window.labels, well.classes[300:500])
    np.testing.assert_array_equal(window.pixels, well.scan.pixels[300:500])
    manifest = window.manifest
    assert (manifest.annotator, manifest.network, manifest.scan.file) == ("Ada", network, "well 7.png")
    assert manifest.place == Place(top=300, left=0, rows=200, columns=240)
    assert manifest.share_looked_at == 0


def test_one_goes_on_where_one_left_off(well) -> None:
    name = well.add(300)
    well.folder.save(name, well.classes[300:500], looked_at=[(300, 349), (340, 399)])
    again = AnnotationFolder.open(well.folder.path)
    window = again.read(name)
    np.testing.assert_array_equal(window.labels, well.classes[300:500])
    assert window.manifest.looked_at == ((300, 399),)
    assert window.manifest.changed >= window.manifest.created
    again.save(name, np.zeros((200, 240), np.uint8))
    assert again.read(name).manifest.looked_at == ((300, 399),), "kept where it is not given"


def test_other_programs_can_read_the_folder(well) -> None:
    name = well.add(0, labels=well.classes[:200])
    files = sorted(path.name for path in well.folder.path.iterdir())
    assert files == [f"well-7-row-0-column-0_{end}" for end in ("labels.png", "scan.png", "window.json")]
    with Image.open(well.folder.path / f"{name}_labels.png") as image:
        assert (image.mode, image.size) == ("P", (240, 200))
        assert len(image.convert("RGB").getcolors()) == len(np.unique(well.classes[:200])), "seen by eye"
    said = json.loads(manifest_of(well, name).read_text())
    assert said["version"] == 1
    assert said["place"] == {"top": 0, "left": 0, "rows": 200, "columns": 240}


def test_windows_of_scans_with_one_stem_have_names_of_their_own(well) -> None:
    first = well.add(0)
    other = Scan(np.full((900, 240), 255, np.uint8))
    place = Place(top=0, left=0, rows=50, columns=240)
    named = ScanIdentity.of(other).model_copy(update={"file": "well-7.tif"})
    assert well.folder.add(other.pixels, place, named) == f"{first}-2"


def test_a_scan_under_another_name_is_the_same_scan(well, tmp_path) -> None:
    name = well.add(0)
    moved = well.scan.source.rename(tmp_path / "renamed.png")
    assert list(well.folder.windows_of(ScanIdentity.of(read_scan(moved)))) == [name]


def test_a_window_can_be_removed(well) -> None:
    name, kept = well.add(0), well.add(200)
    well.folder.remove(name)
    assert list(AnnotationFolder.open(well.folder.path).windows) == [kept]
    assert len(content_of(well.folder.path)) == 3


def test_the_hash_tells_every_change_of_labels(well) -> None:
    name = well.add(0)
    before = well.folder.sha256()
    assert AnnotationFolder.open(well.folder.path).sha256() == before
    well.folder.save(name, well.classes[:200])
    assert well.folder.sha256() != before


# --- What is refused ---


def test_a_window_that_overlaps_another_of_its_scan_is_refused(well) -> None:
    name = well.add(300)
    before = content_of(well.folder.path)
    with pytest.raises(AnnotationsError, match=rf"the new window overlaps window {name} \(rows 300 to 499\)"):
        well.add(499)
    assert content_of(well.folder.path) == before
    well.add(500)


def test_a_folder_with_two_windows_that_overlap_is_refused(well) -> None:
    first, second = well.add(0), well.add(200)
    place = {"top": 100, "left": 0, "rows": 200, "columns": 240}
    change_manifest(well, second, place=place)
    refused(well, f"window {first} overlaps window {second}")


def test_a_scan_that_changed_is_told_from_the_one_that_was_annotated(well) -> None:
    name = well.add(0)
    picture = well.scan.pixels.copy()
    picture[0, 0] ^= 255
    Image.fromarray(picture).save(well.scan.source)
    before = content_of(well.folder.path)
    changed = read_scan(well.scan.source)
    with pytest.raises(
        AnnotationsError, match=f"window {name} was annotated on another version of well 7.png"
    ):
        well.folder.windows_of(ScanIdentity.of(changed))
    with pytest.raises(AnnotationsError, match="content has changed"):
        well.folder.add(changed.pixels, Place(top=500, left=0, rows=9, columns=9), ScanIdentity.of(changed))
    assert content_of(well.folder.path) == before


def test_a_folder_of_a_newer_version_is_refused_by_its_version(well) -> None:
    name = well.add(0)
    change_manifest(well, name, version=2, brush="new")
    refused(well, "is of version 2, and this program reads version 1; update napari-welllog")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"pixels": "../secret.png"}, "leaves the folder"),
        ({"labels": "/etc/passwd"}, "leaves the folder"),
        ({"labels": "..\\secret.png"}, "leaves the folder"),
        ({"labels": "C:secret.png"}, "leaves the folder"),
        ({"labels": ".."}, "leaves the folder"),
        ({"labels": "missing.png"}, "missing.png: is missing"),
        ({"place": {"top": 800, "left": 0, "rows": 200, "columns": 240}}, "the place lies outside the scan"),
        ({"place": {"top": 0, "left": 0, "rows": 9000, "columns": 240}}, "place rows"),
        (
            {"place": {"top": 0, "left": 0, "rows": 100, "columns": 240}},
            "is 200 x 240 pixels and its window 100",
        ),
        ({"looked_at": [[150, 100]]}, "'looked_at' must be"),
        ({"looked_at": [[0, 900]]}, "'looked_at' must be"),
        ({"colour": "blue"}, "colour"),
        ({"version": 0}, "version"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named(well, changes, match) -> None:
    name = well.add(0)
    change_manifest(well, name, **changes)
    refused(well, match)


@pytest.mark.parametrize("text", ["", "{", "[]", "nonsense", '{"version": "x"}', "[" * 100_000, "\ud800"])
def test_a_manifest_that_is_no_json_is_named(well, text) -> None:
    name = well.add(0)
    manifest_of(well, name).write_bytes(text.encode("utf-8", "surrogatepass"))
    refused(well, "_window.json: ")


def test_a_link_that_leaves_the_folder_is_not_followed(well, tmp_path) -> None:
    name = well.add(0)
    labels = well.folder.path / f"{name}_labels.png"
    labels.rename(tmp_path / "secret.png")
    labels.symlink_to(tmp_path / "secret.png")
    refused(well, "is a link that leaves the folder")


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_a_picture_that_is_none_is_named(well, content) -> None:
    name = well.add(0)
    (well.folder.path / f"{name}_labels.png").write_bytes(content)
    refused(well, "_labels.png: is no PNG picture")


def test_a_picture_cut_short_is_named_when_it_is_read(well) -> None:
    name = well.add(0, labels=well.classes[:200])
    file = well.folder.path / f"{name}_scan.png"
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(AnnotationsError, match=r"_scan\.png: is damaged"):
        AnnotationFolder.open(well.folder.path).read(name)


def test_masks_of_another_shape_are_refused(well) -> None:
    name = well.add(0)
    Image.new("L", (240, 100)).save(well.folder.path / f"{name}_labels.png")
    refused(well, r"is 100 x 240 pixels and its window 200 x 240 \(rows x columns\)")


def test_values_beyond_2_are_refused(well) -> None:
    name = well.add(0)
    wrong = np.zeros((200, 240), np.uint8)
    wrong[5, 5] = 255
    before = content_of(well.folder.path)
    with pytest.raises(AnnotationsError, match="holds the value 255; labels are 0 background, 1 curve one"):
        well.folder.save(name, wrong)
    with pytest.raises(AnnotationsError, match=r"is 10 x 240 pixels"):
        well.folder.save(name, wrong[:10])
    with pytest.raises(AnnotationsError, match="int64"):
        well.folder.save(name, wrong.astype(np.int64))
    assert content_of(well.folder.path) == before
    Image.fromarray(wrong).save(well.folder.path / f"{name}_labels.png")
    with pytest.raises(AnnotationsError, match="holds the value 255"):
        AnnotationFolder.open(well.folder.path).read(name)


@pytest.mark.parametrize("there", [False, True])
def test_an_empty_folder_is_refused_unless_it_is_to_be_made(tmp_path, there) -> None:
    folder = tmp_path / "empty"
    if there:
        folder.mkdir()
        (folder / "notes.json").write_text("no window")
    with pytest.raises(AnnotationsError, match="holds no annotated window" if there else "is not there"):
        AnnotationFolder.open(folder)
    assert AnnotationFolder.open(folder, make=True).windows == {}
    assert folder.exists() == there, "made with the first window"


def test_a_file_is_no_folder(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    for make in (False, True):
        with pytest.raises(AnnotationsError, match="is a file; give the folder"):
            AnnotationFolder.open(tmp_path / "file", make=make)


def test_a_window_outside_the_scan_or_too_tall_is_refused(well) -> None:
    with pytest.raises(AnnotationsError, match="lies outside the scan"):
        well.add(800)
    with pytest.raises(ValueError, match="8192"):
        Place(top=0, left=0, rows=8193, columns=10)
    assert content_of(well.folder.path) == {}


def test_a_window_that_cannot_be_written_is_not_there(well, monkeypatch) -> None:
    first = well.add(0)

    def full(path, content) -> None:
        raise OutputError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr("napari_welllog.annotations.folder.replace_file", full)
    with pytest.raises(OutputError, match="No space"):
        well.add(200)
    assert list(well.folder.windows) == list(AnnotationFolder.open(well.folder.path).windows) == [first]


# --- Parts ---


@given(st.lists(st.tuples(st.integers(-50, 400), st.integers(-50, 400)), max_size=8))
def test_joined_rows_are_the_rows_that_were_looked_at(runs) -> None:
    place = Place(top=100, left=0, rows=150, columns=3)
    wanted = {row for first, last in runs for row in range(first, last + 1)} & set(range(100, 250))
    joined = merged_rows(runs, place)
    assert {row for first, last in joined for row in range(first, last + 1)} == wanted
    assert all(below[0] > above[1] + 1 for above, below in pairwise(joined))
    assert merged_rows(joined, place) == joined


@given(
    st.tuples(st.integers(1, 30_000), st.integers(1, 3000)),
    st.tuples(st.floats(-1e4, 4e4), st.floats(-1e4, 4e4)),
    st.tuples(st.floats(-1e3, 4e3), st.floats(-1e3, 4e3)),
)
def test_what_is_in_view_becomes_a_window_of_the_scan(shape, rows, columns) -> None:
    place = place_in_view(shape, rows, columns)
    assert 1 <= place.rows <= MOST_ROWS
    assert place.last_row < shape[0]
    assert place.left + place.columns <= shape[1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and links")
@pytest.mark.parametrize(
    ("lay", "words"),
    [
        (lambda path: os.mkfifo(path), "is no ordinary file"),
        (lambda path: path.mkdir(), "is no ordinary file"),
        (lambda path: path.symlink_to(path.name), "is no ordinary file"),
        (lambda path: path.symlink_to("/dev/zero"), "is no ordinary file"),
        (lambda path: None, "is missing"),
    ],
    ids=["pipe", "folder", "link to itself", "zeros without end", "nothing"],
)
def test_a_picture_that_is_no_ordinary_file_is_refused_and_not_waited_for(well, lay, words) -> None:
    name = well.add(0)
    picture = well.folder.path / f"{name}_labels.png"
    picture.unlink()
    lay(picture)
    with pytest.raises(AnnotationsError, match=f"_labels.png: {words}"):
        AnnotationFolder.open(well.folder.path)


def test_a_picture_whose_name_no_file_can_have_is_refused(well) -> None:
    name = well.add(0)
    change_manifest(well, name, labels="x" * 5000)
    refused(well, "is missing")
