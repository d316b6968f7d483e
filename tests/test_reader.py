"""Opening files in napari: scans of every format, with what lies beside them, and class maps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager
from PIL import Image

from napari_welllog.digitize import write_class_map
from napari_welllog.errors import ScanError
from napari_welllog.reader import ENDINGS, get_reader
from napari_welllog.scan import read_scan
from napari_welllog.tracks import Tracks
from napari_welllog.widgets.open_scan import open_scan

TRACKS = {
    "version": 1,
    "depth": {"unit": "ft", "anchors": [[10, 250.0], [4990, 1100.0]]},
    "tracks": [
        {
            "name": "gamma",
            "left": 20,
            "right": 180,
            "top": 5,
            "bottom": 4995,
            "curves": [
                {"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150, "scale": "linear"}
            ],
        }
    ],
}


@pytest.fixture
def viewer() -> ViewerModel:
    """A viewer that knows the plugins that are installed, as napari does once it has started."""
    PluginManager.instance().discover()
    return ViewerModel()


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What pops up in napari."""
    heard: list[str] = []
    for name in ("show_info", "show_warning"):
        monkeypatch.setattr(f"napari.utils.notifications.{name}", heard.append)
    return heard


@pytest.fixture
def pixels() -> np.ndarray:
    """A log of 5,000 rows with one thin line of ink across it."""
    paper = np.full((5000, 200), 255, np.uint8)
    paper[3001] = 0
    paper[:, 100] = 0
    return paper


def save(path, pixels: np.ndarray, **options) -> None:
    picture = Image.fromarray(pixels)
    if path.suffix in (".gif", ".pdf", ".bmp", ".jpg", ".jpeg"):
        picture.save(path, **options)
    else:
        picture.convert("1").save(path, dpi=(200, 200), **options)


def opened(path):
    [layer] = get_reader(str(path))(str(path))
    return layer


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_opens_with_thin_ink_at_every_zoom(tmp_path, pixels, ending) -> None:
    file = tmp_path / f"log{ending}"
    save(file, pixels)
    data, settings, kind = opened(file)
    assert kind == "image"
    assert settings["name"] == "log"
    assert settings["multiscale"]
    levels = list(data)
    assert levels[0].shape[0] >= 5000
    assert [level.shape[1] for level in levels] == [levels[0].shape[1]] * len(levels)
    assert all(level.min() < 60 for level in levels)
    assert settings["metadata"]["source"] == str(file)


def test_a_group_4_tiff_opens_as_the_same_pixels_with_its_resolution(tmp_path, pixels, viewer) -> None:
    file = tmp_path / "log.tif"
    save(file, pixels, compression="group4")
    [layer] = viewer.open(str(file), plugin="napari-welllog")
    assert np.array_equal(open_scan(layer).pixels, pixels)
    assert open_scan(layer).source == file
    assert np.allclose(layer.scale, 25.4 / 200)
    assert [str(unit) for unit in layer.units] == ["millimeter", "millimeter"]
    assert layer.metadata["dpi"] == 200
    assert np.allclose(layer.world_to_data((25.4, 12.7)), (200, 100)), "an inch is 200 rows"


def test_a_scan_that_does_not_tell_its_resolution_counts_in_pixels(tmp_path, pixels) -> None:
    file = tmp_path / "log.png"
    Image.fromarray(pixels).save(file)
    _, settings, _ = opened(file)
    assert "scale" not in settings


@pytest.mark.parametrize("name", ["log.las", "log", "log.zip", "folder"])
def test_what_is_no_scan_by_its_name_is_left_to_others(name) -> None:
    assert get_reader(name) is None


def test_a_damaged_file_gives_one_clear_error(tmp_path) -> None:
    file = tmp_path / "log.tif"
    file.write_bytes(b"II*\0 and then nothing of use")
    with pytest.raises(ScanError, match=r"log\.tif: cut short") as error:
        opened(file)
    assert "\n" not in str(error.value)


def test_several_files_are_several_scans(tmp_path, pixels) -> None:
    files = [str(tmp_path / name) for name in ("one.png", "two.png")]
    for file in files:
        Image.fromarray(pixels).save(file)
    layers = get_reader(files)(files, stack=True)
    assert [settings["name"] for _, settings, _ in layers] == ["one", "two"]


def test_a_photograph_stays_in_colour_and_a_coloured_log_is_a_scan(tmp_path) -> None:
    random = np.random.default_rng(1)
    photo = np.kron(random.integers(0, 255, (6, 8, 3)), np.ones((40, 40, 1))).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "holiday.png")
    data, settings, _ = opened(tmp_path / "holiday.png")
    assert settings["rgb"]
    assert np.array_equal(data, photo)
    log = np.tile(photo, (4, 1, 1))
    Image.fromarray(log).save(tmp_path / "log.png")
    data, settings, _ = opened(tmp_path / "log.png")
    assert not settings.get("rgb")


# --- What lies beside a scan ---


@pytest.mark.parametrize("name", ["log.tracks.json", "tracks.json"])
def test_the_calibration_beside_a_scan_comes_with_it_and_it_is_said(
    tmp_path, pixels, viewer, said, name
) -> None:
    save(tmp_path / "log.tif", pixels)
    (tmp_path / name).write_text(json.dumps(TRACKS))
    [layer] = viewer.open(str(tmp_path / "log.tif"), plugin="napari-welllog")
    assert open_scan(layer).tracks == Tracks.load(tmp_path / name)
    assert said == [f"Loaded the calibration beside the scan, {name}."]


def test_a_tracks_json_among_several_scans_is_nobodys(tmp_path, pixels, said) -> None:
    save(tmp_path / "log.tif", pixels)
    save(tmp_path / "other.tif", pixels)
    (tmp_path / "tracks.json").write_text(json.dumps(TRACKS))
    _, settings, _ = opened(tmp_path / "log.tif")
    assert "tracks" not in settings["metadata"]
    assert said == []


@pytest.mark.parametrize("wrong", ["not json", json.dumps(TRACKS | {"colour": 1})])
def test_a_calibration_that_cannot_be_used_does_not_keep_the_scan_closed(
    tmp_path, pixels, said, wrong
) -> None:
    save(tmp_path / "log.tif", pixels)
    (tmp_path / "log.tracks.json").write_text(wrong)
    _, settings, _ = opened(tmp_path / "log.tif")
    assert "tracks" not in settings["metadata"]
    assert said[0].startswith("The calibration beside the scan was not loaded.")


def test_the_calibration_of_a_larger_scan_is_not_taken(tmp_path, pixels, said) -> None:
    save(tmp_path / "log.tif", pixels[:, :15])
    (tmp_path / "log.tracks.json").write_text(json.dumps(TRACKS))
    _, settings, _ = opened(tmp_path / "log.tif")
    assert "tracks" not in settings["metadata"]
    assert "outside of this scan" in said[0]


def test_a_class_map_opens_as_three_classes_over_its_scan(tmp_path, pixels, viewer) -> None:
    save(tmp_path / "log.tif", pixels)
    labels = np.where(pixels == 0, 2, 0).astype(np.uint8)
    write_class_map(tmp_path / "log_classes.tif", labels)
    [scan] = viewer.open(str(tmp_path / "log.tif"), plugin="napari-welllog")
    [classes] = viewer.open(str(tmp_path / "log_classes.tif"), plugin="napari-welllog")
    assert type(classes).__name__ == "Labels"
    assert np.array_equal(classes.data[0], labels)
    assert list(classes.features["class"]) == ["background", "curve one", "curve two"]
    assert np.array_equal(classes.scale, scan.scale)


def test_what_is_no_class_map_is_refused_in_words(tmp_path, pixels) -> None:
    file = tmp_path / "log_classes.tif"
    Image.fromarray(pixels).save(file)
    with pytest.raises(ScanError, match="is no class map"):
        get_reader(str(file))(str(file))


def test_read_scan_and_the_reader_see_the_same(tmp_path, pixels) -> None:
    save(tmp_path / "log.tif", pixels)
    data, _, _ = opened(tmp_path / "log.tif")
    assert np.array_equal(data[0], read_scan(tmp_path / "log.tif").pixels)
