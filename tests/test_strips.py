"""A scan that is read strip by strip: the pixels of one that is read in one piece, whatever the file is like."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_welllog.errors import ScanError
from napari_welllog.scan import Strip, StripPixels, open_in_strips, read_scan
from napari_welllog.scan import tiff as tiff_module
from napari_welllog.synthetic import PressSettings, print_window

BILEVEL = PressSettings(bilevel_share=1.0)
GREY = PressSettings(bilevel_share=0.0)


@pytest.fixture(autouse=True)
def small_strips(monkeypatch) -> None:
    """Decode so little at a time that a page of a few hundred rows takes many strips."""
    for module in ("page", "tiff", "pdf", "strips"):
        monkeypatch.setattr(import_module(f"napari_welllog.scan.{module}"), "BLOCK_PIXELS", 70 * 90)


def printed(settings: PressSettings, rows: int = 640, columns: int = 90) -> np.ndarray:
    return print_window(3, settings, rows=rows, columns=columns).scan


def assert_same(path: Path, **options) -> None:
    whole = read_scan(path, **options)
    with open_in_strips(path, **options) as scan:
        pixels = scan.pixels
        assert (pixels.shape, pixels.dtype, scan.dpi) == (whole.pixels.shape, np.uint8, whole.dpi)
        np.testing.assert_array_equal(np.asarray(pixels), whole.pixels)
        assert len(pixels._strips) > 3
        # From the end to the beginning, each a little higher than the strips are.
        for first in range(len(pixels) - 77, 0, -77):
            np.testing.assert_array_equal(
                pixels[first : first + 77, 5:60], whole.pixels[first : first + 77, 5:60]
            )


def write_tiff(path: Path, pixels: np.ndarray, **options) -> None:
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None, **options)


# --- Every kind of file ---


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("rows_per_strip", [16, 100, 640])
def test_a_bilevel_tiff_in_strips_of_any_height(tmp_path, compression, rows_per_strip) -> None:
    picture = Image.fromarray(printed(BILEVEL)).convert("1", dither=Image.Dither.NONE)
    picture.save(
        tmp_path / "log.tif", compression=compression, tiffinfo={278: rows_per_strip}, dpi=(200, 200)
    )
    assert_same(tmp_path / "log.tif")


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "zlib", "predictor": True}])
@pytest.mark.parametrize(
    "layout", [{"rowsperstrip": 30}, {"rowsperstrip": 640}, {"tile": (32, 48)}, {"tile": (640, 64)}]
)
def test_a_grey_tiff_in_strips_and_in_tiles(tmp_path, options, layout) -> None:
    write_tiff(tmp_path / "log.tif", printed(GREY), **options, **layout)
    assert_same(tmp_path / "log.tif")


@pytest.mark.parametrize("name", ["log.png", "log.jpg", "log.bmp", "log.gif", "log.pdf"])
@pytest.mark.parametrize("settings", [BILEVEL, GREY], ids=["bilevel", "grey"])
def test_formats_that_are_decoded_from_their_beginning(tmp_path, name, settings) -> None:
    Image.fromarray(printed(settings)).save(tmp_path / name)
    assert_same(tmp_path / name)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_page_that_is_stored_turned_or_mirrored_comes_upright(tmp_path, orientation) -> None:
    write_tiff(
        tmp_path / "log.tif", printed(GREY), rowsperstrip=32, extratags=[(274, "H", 1, orientation, True)]
    )
    assert read_scan(tmp_path / "log.tif").pixels.shape == ((640, 90) if orientation < 5 else (90, 640))
    whole = read_scan(tmp_path / "log.tif").pixels
    with open_in_strips(tmp_path / "log.tif") as scan:
        np.testing.assert_array_equal(np.asarray(scan.pixels), whole)


def test_of_several_pages_only_the_negative_is_turned_and_the_narrow_ones_are_padded(tmp_path) -> None:
    pages = [printed(GREY), 255 - printed(BILEVEL, 301, 60), printed(BILEVEL, 257, 75)]
    with tifffile.TiffWriter(tmp_path / "log.tif") as file:
        for page in pages:
            file.write(page, photometric="minisblack", rowsperstrip=64, metadata=None)
    assert_same(tmp_path / "log.tif")
    assert_same(tmp_path / "log.tif", pages=[2, 0, 1])
    with open_in_strips(tmp_path / "log.tif") as scan:
        np.testing.assert_array_equal(scan.pixels[640:941, :60], 255 - pages[1])
        assert (scan.pixels[640:941, 60:] == 255).all()


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.integers(100, 400),
    columns=st.integers(1, 80),
    share=st.floats(0, 1),
    at_once=st.integers(1, 90),
    white_is_zero=st.booleans(),
    seed=st.integers(0, 99),
)
def test_one_strip_of_group_4_is_decoded_part_by_part(
    tmp_path, monkeypatch, rows, columns, share, at_once, white_is_zero, seed
) -> None:
    """However few rows at a time; whatever is on them, noise too."""
    rng = np.random.default_rng(seed)
    ink = rng.random((rows, columns)) < share
    ink[:: int(rng.integers(2, 9))] = False
    picture = Image.fromarray(~ink)
    picture.save(
        tmp_path / "log.tif", compression="group4", tiffinfo={278: rows, 262: 0 if white_is_zero else 1}
    )
    whole = read_scan(tmp_path / "log.tif").pixels
    with monkeypatch.context() as patched:
        patched.setattr(tiff_module, "BLOCK_PIXELS", at_once * columns)
        patched.setattr(tiff_module._Segments, "_blocks_from", lambda *_: pytest.fail("decoded in one piece"))
        np.testing.assert_array_equal(read_scan(tmp_path / "log.tif").pixels, whole)


def test_group_4_that_another_writer_codes_otherwise_is_decoded_in_one_piece(tmp_path, monkeypatch) -> None:
    """The coded rows then differ from the data, so no part is trusted; here after two parts that agree."""
    picture = Image.fromarray(printed(BILEVEL)).convert("1", dither=Image.Dither.NONE)
    picture.save(tmp_path / "log.tif", compression="group4", tiffinfo={278: 640})
    coded, calls = tiff_module._group_4_of, []

    def otherwise(inked):
        calls.append(inked)
        return coded(inked) if len(calls) < 5 else coded(~inked)

    monkeypatch.setattr(tiff_module, "_group_4_of", otherwise)
    pixels = read_scan(tmp_path / "log.tif").pixels
    assert len(calls) >= 5
    np.testing.assert_array_equal(pixels < 128, ~np.asarray(picture))


# --- What is wrong with a file ---


def cut_short(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


@pytest.mark.parametrize("rows_per_strip", [40, 640])
@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_a_damaged_file_is_refused_on_entering_in_the_words_of_read_scan(
    tmp_path, rows_per_strip, place
) -> None:
    path = tmp_path / "log.tif"
    Image.fromarray(printed(BILEVEL)).convert("1", dither=Image.Dither.NONE).save(
        path, compression="group4", tiffinfo={278: rows_per_strip}
    )
    with tifffile.TiffFile(path) as tiff:
        offsets, sizes = tiff.pages[0].dataoffsets, tiff.pages[0].databytecounts
    content = bytearray(path.read_bytes())
    strip = len(offsets) // 2
    start = offsets[strip] + int(place * sizes[strip])
    content[start : start + 6] = b"\0" * 6
    path.write_bytes(content)
    with pytest.raises(ScanError) as whole:
        read_scan(path)
    with pytest.raises(ScanError) as in_strips, open_in_strips(path):
        pytest.fail("it was opened")
    assert str(in_strips.value) == str(whole.value)


def test_a_file_that_becomes_unreadable_while_it_is_used_is_refused_by_name(tmp_path) -> None:
    path = tmp_path / "log.tif"
    write_tiff(path, printed(GREY), rowsperstrip=16)
    with open_in_strips(path) as scan:
        cut_short(path, 0.5)
        with pytest.raises(ScanError, match=r"log\.tif: .*copy the file again"):
            np.asarray(scan.pixels)


def test_what_goes_wrong_in_the_work_is_not_blamed_on_the_file(tmp_path) -> None:
    write_tiff(tmp_path / "log.tif", printed(GREY))
    with pytest.raises(ZeroDivisionError), open_in_strips(tmp_path / "log.tif"):
        _ = 1 / 0
    for name in ("nothing.tif", "text.tif"):
        (tmp_path / "text.tif").write_text("a letter")
        with pytest.raises(ScanError, match=name), open_in_strips(tmp_path / name):
            pytest.fail("it was opened")


def test_a_scan_larger_than_the_free_memory_opens_in_strips(tmp_path, monkeypatch) -> None:
    import psutil

    write_tiff(tmp_path / "log.tif", printed(GREY, rows=6400), rowsperstrip=16)
    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=400_000))
    with pytest.raises(ScanError, match="of memory to open"):
        read_scan(tmp_path / "log.tif")
    with open_in_strips(tmp_path / "log.tif") as scan:
        assert scan.pixels[3000:3010].shape == (10, 90)


# --- Indexing ---

indices = st.one_of(
    st.integers(-40, 39),
    st.slices(40),
    st.lists(st.integers(-40, 39), min_size=1, max_size=30).map(np.array),
)


@settings(max_examples=200, deadline=None)
@given(rows=indices, columns=st.slices(11), heights=st.lists(st.integers(1, 9), min_size=1))
def test_it_is_indexed_as_an_array_is(rows, columns, heights) -> None:
    array = np.arange(440, dtype=np.int64).astype(np.uint8).reshape(40, 11)
    tops = [top for top in np.cumsum([0, *heights]).tolist() if top < 40]
    ends = [*tops[1:], 40]
    pixels = StripPixels(
        11,
        [
            Strip(top, end, lambda top=top, end=end: array[top:end].copy())
            for top, end in zip(tops, ends, strict=True)
        ],
    )
    for index in (rows, (rows, columns), (rows, slice(None))):
        np.testing.assert_array_equal(pixels[index], array[index])
    pairs = np.arange(40)[:, None], np.array([10, 0, 3])
    np.testing.assert_array_equal(pixels[pairs], array[pairs])
    np.testing.assert_array_equal(pixels[array[:, 0] > 90], array[array[:, 0] > 90])


def test_rows_beside_the_scan_are_refused() -> None:
    pixels = StripPixels(3, [Strip(0, 5, lambda: np.zeros((5, 3), np.uint8))])
    for rows in (5, -6, [0, 9]):
        with pytest.raises(IndexError, match="a scan of 5"):
            pixels[rows]
    assert pixels[7:9].shape == (0, 3)


def test_only_a_few_strips_are_decoded_and_none_twice_in_a_row(tmp_path) -> None:
    decoded = []

    def strip(first: int) -> Strip:
        def read() -> np.ndarray:
            decoded.append(first)
            return np.zeros((10, 4), np.uint8)

        return Strip(first, first + 10, read)

    pixels = StripPixels(4, [strip(first) for first in range(0, 1000, 10)])
    for first in range(0, 950, 25):  # as tiles do, each looks back into the rows of the one before
        pixels[max(first - 10, 0) : first + 35]
    assert decoded == list(range(0, 960, 10))
    assert len(pixels._kept) <= 3
