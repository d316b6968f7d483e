"""Pairs of a picture and a mask come in and go out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_welllog.annotations import AnnotationFolder, export_coco, export_pairs, find_pairs, import_pairs
from napari_welllog.annotations.exchange import read_mask
from napari_welllog.errors import AnnotationsError


def content_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@pytest.fixture
def pair(tmp_path, well) -> tuple[Path, Path]:
    image, mask = tmp_path / "in" / "a.png", tmp_path / "in" / "a_mask.png"
    image.parent.mkdir()
    Image.fromarray(well.scan.pixels).save(image)
    Image.fromarray(well.classes).save(mask)
    return image, mask


def test_a_pair_becomes_a_window_that_was_looked_at_whole(well, pair) -> None:
    (name,) = import_pairs(well.folder, [pair], annotator="Ada")
    window = AnnotationFolder.open(well.folder.path).read(name)
    np.testing.assert_array_equal(window.labels, well.classes)
    np.testing.assert_array_equal(window.pixels, well.scan.pixels)
    assert window.manifest.share_looked_at == 1
    assert window.manifest.annotator == "Ada"


def test_a_tall_picture_becomes_several_windows(well, tmp_path) -> None:
    image, mask = tmp_path / "tall.png", tmp_path / "tall_mask.png"
    Image.new("L", (40, 9000), 255).save(image)
    Image.new("L", (40, 9000)).save(mask)
    names = import_pairs(well.folder, [(image, mask)])
    assert [well.folder.windows[name].place.rows for name in names] == [8192, 808]


def test_coco_keeps_every_pixel_of_every_curve(well, tmp_path) -> None:
    """Read back by the format's own library, as another tool would."""
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO

    names = [well.add(0, labels=well.classes[:200]), well.add(200, labels=np.zeros_like(well.classes[:200]))]
    files = export_coco(well.folder, tmp_path / "coco")
    assert len(files) == 3
    read = COCO(str(tmp_path / "coco" / "coco.json"))
    assert {read.cats[k]["name"] for k in (1, 2)} == {"curve one", "curve two"}
    labels = {}
    for image in read.imgs.values():
        with Image.open(tmp_path / "coco" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
        curves = read.imgToAnns[image["id"]]
        masks = [read.annToMask(curve) * curve["category_id"] for curve in curves]
        labels[Path(image["file_name"]).stem] = sum(masks, np.zeros((image["height"], image["width"])))
        assert all(curve["area"] == (mask > 0).sum() for curve, mask in zip(curves, masks, strict=True))
    np.testing.assert_array_equal(labels[names[0]], well.classes[:200])
    assert not labels[names[1]].any()


def test_coco_without_its_library_says_what_to_install(well, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("napari_welllog.annotations.coco.find_spec", lambda name: None)
    with pytest.raises(AnnotationsError, match=r"pip install 'napari-welllog\[coco\]'"):
        export_coco(well.folder, tmp_path / "coco")
    assert not (tmp_path / "coco").exists()


def test_what_goes_out_comes_in_again(well, tmp_path) -> None:
    well.add(0, labels=well.classes[:200])
    well.add(200, labels=well.classes[200:400])
    files = export_pairs(well.folder, tmp_path / "out")
    assert len(files) == 4
    with Image.open(tmp_path / "out" / "masks" / "well-7-row-0-column-0.png") as mask:
        assert mask.mode == "L"
    again = AnnotationFolder.open(tmp_path / "again", make=True)
    names = import_pairs(again, find_pairs(tmp_path / "out" / "images", tmp_path / "out" / "masks"))
    labels = [again.read(name).labels for name in names]
    np.testing.assert_array_equal(np.concatenate(labels), well.classes[:400])


@pytest.mark.parametrize(
    ("mask", "match"),
    [
        (Image.new("L", (240, 100)), r"is 100 x 240 pixels and its window 900 x 240"),
        (Image.new("L", (240, 900), 255), "holds the value 255"),
        (Image.new("RGB", (240, 900)), "is no mask of 8-bit numbers"),
        (None, "cannot be read as a mask"),
    ],
)
def test_a_bad_mask_is_refused_before_any_window_is_added(well, pair, tmp_path, mask, match) -> None:
    bad = tmp_path / "in" / "b_mask.png"
    bad.write_bytes(b"nothing") if mask is None else mask.save(bad)
    second = tmp_path / "in" / "b.bmp"
    Image.fromarray(well.scan.pixels).save(second)
    with pytest.raises(AnnotationsError, match=match):
        import_pairs(well.folder, [pair, (second, bad)])
    assert content_of(well.folder.path) == []


def test_a_picture_is_not_imported_twice(well, pair) -> None:
    import_pairs(well.folder, [pair])
    with pytest.raises(AnnotationsError, match="has windows there already"):
        import_pairs(well.folder, [pair])
    with pytest.raises(AnnotationsError, match="has windows there already"):
        import_pairs(AnnotationFolder.open(well.folder.path.parent / "new", make=True), [pair, pair])


def test_masks_without_pictures_and_folders_without_masks_are_refused(tmp_path, pair) -> None:
    (tmp_path / "in" / "c_mask.png").write_bytes(pair[1].read_bytes())
    with pytest.raises(AnnotationsError, match="has no picture named c in"):
        find_pairs(tmp_path / "in", tmp_path / "in")
    (tmp_path / "none").mkdir()
    with pytest.raises(AnnotationsError, match="holds no mask"):
        find_pairs(tmp_path / "in", tmp_path / "none")
    with pytest.raises(AnnotationsError, match="is no folder"):
        find_pairs(tmp_path / "in", tmp_path / "not-there")


def test_a_mask_longer_than_what_pillow_takes_for_a_bomb_is_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for ending in ("png", "tif"):
        Image.new("L", (240, 900), 2).save(tmp_path / f"mask.{ending}")
        assert read_mask(tmp_path / f"mask.{ending}").shape == (900, 240)


def test_a_mask_over_the_limit_on_size_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("WELLLOG_MAX_MEGAPIXELS", "0.1")
    Image.new("L", (240, 900), 2).save(tmp_path / "mask.png")
    with pytest.raises(
        AnnotationsError, match=r"mask.png: cannot be read as a mask: .*WELLLOG_MAX_MEGAPIXELS"
    ):
        read_mask(tmp_path / "mask.png")
