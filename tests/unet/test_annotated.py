"""Annotated windows as training data: what nobody looked at is not used, and what is held out is held out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_welllog.annotations import AnnotationFolder, Place, ScanIdentity
from napari_welllog.errors import AnnotationsError
from napari_welllog.scan import Scan
from napari_welllog.synthetic import print_window
from napari_welllog.unet.annotated import (
    ON_A_CURVE,
    Crops,
    Patch,
    augmented,
    cut,
    fixed_crops,
    read_annotated,
)


@cache
def printed(seed: int):
    return print_window(seed, rows=400, columns=160)


def annotate(folder: AnnotationFolder, seed: int, windows: int = 1, looked_at: bool = True) -> list[str]:
    """Annotate windows of 100 rows of the scan that a seed prints, with the truth."""
    log = printed(seed)
    identity = ScanIdentity.of(Scan(log.scan))
    names = []
    for top in range(0, 100 * windows, 100):
        place = Place(top=top, left=0, rows=100, columns=160)
        seen = [(top, top + 99)] if looked_at else []
        names.append(folder.add(log.scan, place, identity, log.classes[place.slices], looked_at=seen))
    return names


@pytest.fixture
def folder(tmp_path: Path) -> AnnotationFolder:
    return AnnotationFolder.open(tmp_path / "annotations", make=True)


# Scans whose every window shows a curve.
SEEDS = [
    seed
    for seed in range(40)
    if all(printed(seed).classes[top : top + 100].any() for top in range(0, 400, 100))
][:4]


def test_whole_scans_are_held_out_where_there_are_several(folder) -> None:
    for seed in SEEDS:
        annotate(folder, seed, windows=2)
    data = read_annotated(folder)
    learnt, measured = ({patch.scan for patch in patches} for patches in (data.training, data.held_out))
    assert data.by == "scan"
    assert not learnt & measured
    assert (len(learnt), len(measured)) == (3, 1)
    assert data.windows == (6, 2)
    assert data.sha256 == folder.sha256()


def test_of_one_scan_windows_are_held_out(folder) -> None:
    annotate(folder, SEEDS[0], windows=4)
    data = read_annotated(folder)
    assert data.by == "window"
    assert data.windows == (3, 1)
    assert not {p.window for p in data.training} & {p.window for p in data.held_out}


def test_the_same_folder_is_always_split_alike(folder) -> None:
    for seed in SEEDS:
        annotate(folder, seed)
    one, other = (read_annotated(AnnotationFolder.open(folder.path)) for _ in range(2))
    assert [p.window for p in one.held_out] == [p.window for p in other.held_out]


@pytest.mark.parametrize(("share", "held_out"), [(0.0, 1), (0.25, 1), (0.5, 2), (1.0, 3)])
def test_the_share_held_out_is_kept_to_as_nearly_as_windows_allow(folder, share, held_out) -> None:
    annotate(folder, SEEDS[0], windows=4)
    assert read_annotated(folder, share).windows == (4 - held_out, held_out)


def test_one_window_cannot_be_learnt_from_and_measured_on(folder) -> None:
    annotate(folder, SEEDS[0])
    with pytest.raises(AnnotationsError, match=r"has one window .* annotate a second window") as error:
        read_annotated(folder)
    assert "\n" not in str(error.value)


def test_windows_that_nobody_looked_at_are_not_learnt_from(folder) -> None:
    names = annotate(folder, SEEDS[0], windows=2, looked_at=False)
    with pytest.raises(AnnotationsError, match="nobody has looked at any row"):
        read_annotated(folder)
    for name in names:
        first = folder.windows[name].place.top
        folder.save(
            name, folder.read(name).labels, looked_at=[(first + 10, first + 19), (first + 30, first + 89)]
        )
    data = read_annotated(folder)
    assert sorted(len(p.pixels) for p in (*data.training, *data.held_out)) == [10, 10, 60, 60]


def test_windows_without_curves_teach_what_is_no_curve_but_are_not_measured_on(folder) -> None:
    names = annotate(folder, SEEDS[0], windows=3)
    folder.save(names[0], np.zeros((100, 160), np.uint8))
    data = read_annotated(folder)
    assert names[0] in {patch.window for patch in data.training}
    folder.save(names[1], np.zeros((100, 160), np.uint8))
    with pytest.raises(AnnotationsError, match="has one window with labelled curves"):
        read_annotated(folder)


# --- Crops ---


def patch_of(rows: int, columns: int) -> Patch:
    """A patch whose every pixel tells its place, with one curve pixel in each row."""
    pixels = np.arange(rows * columns, dtype=np.uint32).reshape(rows, columns) % 200
    labels = np.zeros((rows, columns), np.uint8)
    labels[:, columns // 3] = 1
    return Patch(pixels.astype(np.uint8), labels, "w", "s")


@given(st.integers(1, 90), st.integers(1, 90), st.integers(-100, 100), st.integers(-100, 100))
def test_a_crop_is_the_patch_there_and_paper_elsewhere(rows, columns, top, left) -> None:
    patch = patch_of(rows, columns)
    pixels, labels = cut(patch, top, left, (32, 64))
    for row, column in [(0, 0), (31, 63), (10, 40), (31, 0)]:
        there = (row + top, column + left)
        inside = 0 <= there[0] < rows and 0 <= there[1] < columns
        assert pixels[row, column] == (patch.pixels[there] if inside else 255)
        assert labels[row, column] == (patch.labels[there] if inside else 0)


@pytest.mark.parametrize("shape", [(20, 400), (500, 500), (64, 64)])
def test_most_crops_show_a_curve_and_a_seed_cuts_the_same(shape) -> None:
    crops, again = (Crops([patch_of(*shape)], (64, 64), seed=3) for _ in range(2))
    shown = [crops[index][1].any() for index in range(100)]
    assert np.mean(shown) >= ON_A_CURVE - 0.1
    for index in (0, 17):
        for one, other in zip(crops[index], again[index], strict=True):
            assert one.shape == (64, 64)
            assert one.dtype == np.uint8
            np.testing.assert_array_equal(one, other)
    assert not np.array_equal(crops[0][0], crops[1][0])


def test_light_changes_keep_pixels_and_labels_together() -> None:
    log = printed(SEEDS[0])
    for seed in range(8):
        pixels, labels = augmented(np.random.default_rng(seed), (log.scan, log.classes))
        assert sorted(np.unique(labels)) == sorted(np.unique(log.classes))
        dark = pixels[labels > 0].mean()
        assert abs(dark - log.scan[log.classes > 0].mean()) < 45
        assert dark < pixels[labels == 0].mean() - 40


def test_black_and_white_stays_so() -> None:
    pixels = np.where(np.eye(64) > 0, 0, 255).astype(np.uint8)
    changed, _ = augmented(np.random.default_rng(1), (pixels, np.zeros_like(pixels)))
    assert set(np.unique(changed)) == {0, 255}


def test_held_out_crops_show_curves_and_are_spread_over_all_patches() -> None:
    patches = [patch_of(640, 200), patch_of(640, 200)]
    crops = fixed_crops(patches, (64, 64), 5)
    assert len(crops) == 5
    assert all(labels.any() for _, labels in crops)
    assert len(fixed_crops(patches, (64, 64), 1000)) == 20
