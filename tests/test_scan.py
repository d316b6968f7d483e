"""Opening a scan: every format as grey pixels with dark ink, and what is refused, in one line each."""

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pypdfium2
import pypdfium2.raw
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_welllog import Scan, read_scan
from napari_welllog.errors import ScanError
from napari_welllog.scan import PYRAMID_ROWS, pyramid
from napari_welllog.scan import tiff as tiff_module
from napari_welllog.scan.page import BLOCK_PIXELS


def paper_log(rows=700, columns=240):
    """A bilevel log: a grid, a solid curve and a dashed one, as uint8 with 0 the ink."""
    pixels = np.full((rows, columns), 255, np.uint8)
    pixels[::50], pixels[:, ::24] = 0, 0
    down = np.arange(rows)
    solid = (columns * (0.4 + 0.2 * np.sin(down / 31))).astype(int)
    dashed = (columns * (0.6 + 0.2 * np.sin(down / 17))).astype(int)
    for offset in range(3):
        pixels[down, solid + offset] = 0
        pixels[down[down % 12 < 8], dashed[down % 12 < 8] + offset] = 0
    return pixels


def shaded_log(rows=300, columns=120):
    """A grey log on unevenly lit paper."""
    paper = np.linspace(180, 250, columns).astype(np.uint8)
    return np.minimum(paper, paper_log(rows, columns) + np.uint8(20) * (paper_log(rows, columns) == 0))


LOG = paper_log()
GREY = shaded_log()


def as_bilevel(pixels):
    return Image.fromarray(pixels).convert("1", dither=Image.Dither.NONE)


def tinted(grey):
    """A colour picture, and the grey that its colours weigh."""
    colour = np.stack([grey, grey // 2 + 100, 255 - grey // 4], axis=-1).astype(np.uint8)
    return colour, np.asarray(Image.fromarray(colour).convert("L"))


def refusal(path, **options):
    """The one line with which a file is refused, without its name."""
    with pytest.raises(ScanError) as caught:
        read_scan(path, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


def group_4_strips(pixels, rows_per_strip):
    """The data of each strip in CCITT group 4, white as zero, as Pillow's libtiff makes them."""
    strips = []
    for top in range(0, len(pixels), rows_per_strip):
        part = pixels[top : top + rows_per_strip]
        file = io.BytesIO()
        tags = {262: 0, 278: len(part)}
        as_bilevel(part).save(file, "TIFF", compression="group4", tiffinfo=tags)
        with tifffile.TiffFile(io.BytesIO(file.getvalue())) as tiff:
            page = tiff.pages[0]
            assert page.photometric == 0
            assert len(page.dataoffsets) == 1
            data = file.getvalue()[page.dataoffsets[0] :][: page.databytecounts[0]]
        strips.append(data)
    return strips


def write_group_4(path, pixels=LOG, rows_per_strip=200, strips=None):
    """Write a group 4 TIFF whose directory comes before its strips, as many scanners do."""
    tifffile.imwrite(
        path,
        iter(strips or group_4_strips(pixels, rows_per_strip)),
        shape=pixels.shape,
        dtype=np.bool_,
        photometric="miniswhite",
        compression="zlib",  # it writes no group 4, but takes the data of strips as they are
        rowsperstrip=rows_per_strip,
        metadata=None,
    )
    set_tag(path, 259, 4)


def set_tag(path, code, value):
    """Change a tag in place."""
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags[code].overwrite(value)


def remove_tag(path, code):
    """Make a tag unknown, so that the file lacks it."""
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[0].tags[code].offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 2] = (65000).to_bytes(2, "little")
    path.write_bytes(content)


# --- TIFF ---


@pytest.mark.parametrize(
    "compression", [None, "group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw", "tiff_adobe_deflate"]
)
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_a_bilevel_tiff_opens_however_it_is_compressed(tmp_path, compression, white_is_zero):
    path = tmp_path / "log.tif"
    as_bilevel(LOG).save(
        path, compression=compression, dpi=(200, 200), tiffinfo={262: int(not white_is_zero)}
    )
    scan = read_scan(path)
    assert isinstance(scan, Scan)
    assert scan.pixels.dtype == np.uint8
    assert scan.pixels.flags.c_contiguous
    np.testing.assert_array_equal(scan.pixels, LOG)
    assert scan.dpi == 200
    assert scan.source == path


@pytest.mark.parametrize("rows_per_strip", [1, 7, 200, 700, 2**32 - 1])
def test_strips_may_be_of_any_height(tmp_path, rows_per_strip):
    path = tmp_path / "log.tif"
    write_group_4(path, rows_per_strip=min(rows_per_strip, 700))
    if rows_per_strip > 700:
        set_tag(path, 278, rows_per_strip)
    np.testing.assert_array_equal(read_scan(path).pixels, LOG)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_grey_and_colour_tiff_keep_their_shades(tmp_path, compression, byteorder):
    colour, weighed = tinted(GREY)
    names = {"tiff_lzw": "tiff_lzw", "packbits": "packbits", "tiff_adobe_deflate": "zlib", None: None}
    for pixels, expected in [(GREY, GREY), (colour, weighed)]:
        path = tmp_path / "log.tif"
        if compression in (None, "tiff_adobe_deflate"):
            photometric = "rgb" if pixels.ndim == 3 else "minisblack"
            tifffile.imwrite(
                path, pixels, byteorder=byteorder, compression=names[compression], photometric=photometric,
                predictor=compression is not None, metadata=None, rowsperstrip=37,
            )  # fmt: skip
        else:
            Image.fromarray(pixels).save(path, compression=compression)
        np.testing.assert_array_equal(read_scan(path).pixels, expected)


def test_a_tiff_of_jpeg_strips_opens_grey_and_in_colour(tmp_path):
    colour, weighed = tinted(GREY)
    for pixels, expected in [(GREY, GREY), (colour, weighed)]:
        path = tmp_path / "log.tif"
        Image.fromarray(pixels).save(path, compression="jpeg", quality=95)
        difference = read_scan(path).pixels.astype(int) - expected
        assert np.abs(difference).mean() < 3


@pytest.fixture
def old_jpeg(tmp_path):
    """A TIFF in the JPEG of TIFF 6.0: one JPEG file inside, which three tags point at."""
    path = tmp_path / "old.tif"
    colour, _ = tinted(GREY)
    jpeg = io.BytesIO()
    Image.fromarray(colour).save(jpeg, "JPEG", quality=95, subsampling=0)
    size = len(jpeg.getvalue())
    tifffile.imwrite(
        path,
        iter([jpeg.getvalue()]),
        shape=colour.shape,
        dtype=np.uint8,
        photometric="rgb",
        compression="zlib",
        rowsperstrip=len(colour),
        extratags=[(512, 3, 1, 1), (513, 4, 1, 0), (514, 4, 1, size)],
        metadata=None,
    )
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[0].dataoffsets[0]
    for code, value in [(259, 6), (262, 6), (513, offset)]:
        set_tag(path, code, value)
    return path


def test_the_jpeg_of_old_tiff_opens(old_jpeg):
    pixels = read_scan(old_jpeg).pixels
    assert pixels.shape == GREY.shape
    assert np.abs(pixels.astype(int) - tinted(GREY)[1]).mean() < 3


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_the_jpeg_of_old_tiff_is_refused_when_cut_short(old_jpeg, share):
    content = old_jpeg.read_bytes()
    old_jpeg.write_bytes(content[: int(len(content) * share)])
    assert "cut short" in refusal(old_jpeg)


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_a_tiled_tiff_opens_and_its_padding_stays_outside(tmp_path, bigtiff, compression, planar):
    colour, weighed = tinted(GREY)
    path = tmp_path / "log.tif"
    stored = colour if planar == "contig" else np.moveaxis(colour, -1, 0)
    tifffile.imwrite(
        path, stored, tile=(64, 80), bigtiff=bigtiff, compression=compression, photometric="rgb",
        planarconfig=planar, metadata=None,
    )  # fmt: skip
    np.testing.assert_array_equal(read_scan(path).pixels, weighed)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_sixteen_bits_become_eight(tmp_path, byteorder, photometric, compression):
    path = tmp_path / "log.tif"
    deep = GREY.astype(np.uint16) * 257
    stored = deep if photometric == "minisblack" else 65535 - deep
    tifffile.imwrite(path, stored, byteorder=byteorder, photometric=photometric, compression=compression)
    np.testing.assert_array_equal(read_scan(path).pixels, GREY)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_sixteen_bit_colour_becomes_grey(tmp_path, planar, compression):
    colour, weighed = tinted(GREY)
    path = tmp_path / "log.tif"
    stored = colour.astype(np.uint16) * 257
    if planar == "separate":
        stored = np.moveaxis(stored, -1, 0)
    tifffile.imwrite(path, stored, photometric="rgb", planarconfig=planar, compression=compression)
    np.testing.assert_array_equal(read_scan(path).pixels, weighed)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("colour", [False, True])
def test_what_is_transparent_in_a_tiff_shows_the_paper(tmp_path, dtype, colour):
    """Grey with transparency of 16 bits each is one of the kinds that only tifffile decodes."""
    path = tmp_path / "log.tif"
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[:100] = 0
    shades = np.stack([GREY] * (3 if colour else 1) + [alpha], axis=-1)
    stored = shades if dtype == np.uint8 else shades.astype(dtype) * 257
    photometric = "rgb" if colour else "minisblack"
    tifffile.imwrite(
        path, stored, photometric=photometric, extrasamples=["unassalpha"], planarconfig="contig"
    )
    pixels = read_scan(path).pixels
    assert (pixels[:100] == 255).all()
    np.testing.assert_array_equal(pixels[100:], GREY[100:])


@pytest.mark.parametrize("scale", [257, 1], ids=["to 65,535", "to 255"])
def test_a_palette_is_looked_up(tmp_path, scale):
    """Some programs write the colours of a palette from 0 to 255, where the standard says 0 to 65,535."""
    path = tmp_path / "log.tif"
    colours = np.array([255, 0, 60], np.uint16)
    palette = np.zeros((3, 256), np.uint16)
    palette[:, :3] = colours * scale
    indices = (LOG == 0).astype(np.uint8)
    indices[::50] = 2
    tifffile.imwrite(path, indices, photometric="palette", colormap=palette)
    np.testing.assert_array_equal(read_scan(path).pixels, colours.astype(np.uint8)[indices])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_page_that_is_stored_turned_or_mirrored_comes_upright(tmp_path, orientation):
    path = tmp_path / "log.tif"
    stored = {
        1: GREY, 2: GREY[:, ::-1], 3: GREY[::-1, ::-1], 4: GREY[::-1],
        5: GREY.T, 6: np.rot90(GREY), 7: GREY[::-1, ::-1].T, 8: np.rot90(GREY, -1),
    }[orientation]  # fmt: skip
    Image.fromarray(np.ascontiguousarray(stored)).save(path, tiffinfo={274: orientation})
    np.testing.assert_array_equal(read_scan(path).pixels, GREY)


@pytest.mark.parametrize("compression", ["group4", None])
def test_bits_in_reverse_order_are_put_right(tmp_path, compression):
    """Fax machines send the least significant bit first, and some archives store it so (fill order 2)."""
    path = tmp_path / "fax.tif"
    as_bilevel(LOG).save(path, compression=compression, tiffinfo={266: 1})
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    content = bytearray(path.read_bytes())
    for offset, size in places:
        part = np.frombuffer(bytes(content[offset : offset + size]), np.uint8)
        content[offset : offset + size] = np.packbits(np.unpackbits(part), bitorder="little").tobytes()
    path.write_bytes(content)
    set_tag(path, 266, 2)
    np.testing.assert_array_equal(read_scan(path).pixels, LOG)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    mode=st.sampled_from(["1", "L", "RGB", "P", "LA", "RGBA", "I;16"]),
    compression=st.sampled_from([None, "packbits", "tiff_lzw", "tiff_adobe_deflate", "group3", "group4"]),
    rows_per_strip=st.integers(1, 40),
    seed=st.integers(0, 2**16),
)
def test_any_shape_mode_and_compression_comes_back(
    tmp_path, rows, columns, mode, compression, rows_per_strip, seed
):
    mode = "1" if compression in ("group3", "group4") else mode
    pixels = np.full((rows, columns), 255, np.uint8)
    random = np.random.default_rng(seed)
    spots = random.random(pixels.shape) < 0.3  # too few for a negative, once the first column is paper
    pixels[spots] = 0 if mode == "1" else random.choice([0, 90], spots.sum())
    pixels[:, : columns // 2 + 1] = 255
    image = {
        "1": lambda: as_bilevel(pixels),
        "P": lambda: Image.fromarray(pixels).convert("RGB").quantize(8),
        "I;16": lambda: Image.fromarray(pixels.astype(np.uint16) * 257),
    }.get(mode, lambda: Image.fromarray(pixels).convert(mode))()
    path = tmp_path / "log.tif"
    image.save(path, compression=compression, tiffinfo={278: rows_per_strip})
    np.testing.assert_array_equal(read_scan(path).pixels, pixels)


def test_pages_are_joined_from_top_to_bottom_and_padded_with_paper(tmp_path):
    path = tmp_path / "log.tif"
    header, body, trailer = paper_log(80, 100), paper_log(600, 200), paper_log(50, 160)
    first, *others = map(as_bilevel, (header, body, trailer))
    first.save(path, save_all=True, append_images=others, compression="group4")
    joined = read_scan(path).pixels
    assert joined.shape == (730, 200)
    np.testing.assert_array_equal(joined[:80, :100], header)
    assert (joined[:80, 100:] == 255).all()
    np.testing.assert_array_equal(joined[80:680], body)
    np.testing.assert_array_equal(joined[680:, :160], trailer)
    assert (joined[680:, 160:] == 255).all()


def test_pages_can_be_chosen(tmp_path):
    path = tmp_path / "log.tif"
    parts = [paper_log(rows, 100) for rows in (60, 70, 80)]
    first, *others = map(as_bilevel, parts)
    first.save(path, save_all=True, append_images=others, compression="group4")
    np.testing.assert_array_equal(read_scan(path, pages=[1]).pixels, parts[1])
    np.testing.assert_array_equal(read_scan(path, pages=[2, 0]).pixels, np.vstack([parts[2], parts[0]]))
    assert refusal(path, pages=[3]) == "has pages 0 to 2, so page 3 cannot be read; choose another"
    assert refusal(path, pages=[-1]) == "has pages 0 to 2, so page -1 cannot be read; choose another"
    assert "no page was asked for" in refusal(path, pages=[])


def test_a_thumbnail_in_a_tiff_is_no_page_of_the_log(tmp_path):
    path = tmp_path / "log.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(GREY[::10, ::10], subfiletype=1, metadata=None)
        tiff.write(GREY, metadata=None)
    np.testing.assert_array_equal(read_scan(path).pixels, GREY)


# --- PNG, JPEG, BMP, GIF ---


@pytest.mark.parametrize("name", ["log.png", "log.bmp", "log.gif"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_png_bmp_and_gif_open_in_every_mode(tmp_path, name, mode):
    path = tmp_path / name
    if mode == "RGB":
        pixels, expected = tinted(LOG)
        image = Image.fromarray(pixels)
    elif mode == "P":
        image, expected = Image.fromarray(LOG).convert("P"), LOG
    else:
        image, expected = Image.fromarray(LOG).convert(mode, dither=Image.Dither.NONE), LOG
    image.save(path)
    np.testing.assert_array_equal(read_scan(path).pixels, expected)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_what_is_transparent_in_a_png_shows_the_paper(tmp_path, mode):
    path = tmp_path / "log.png"
    image = Image.fromarray(GREY).convert(mode)
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[:100] = 0
    alpha[100:150] = 128
    image.putalpha(Image.fromarray(alpha))
    image.save(path)
    pixels = read_scan(path).pixels
    assert (pixels[:100] == 255).all()
    half = 255 - (255 - GREY[100:150].astype(int)) * 128 / 255
    np.testing.assert_allclose(pixels[100:150], half, atol=1)
    np.testing.assert_array_equal(pixels[150:], GREY[150:])


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_a_colour_of_a_png_or_gif_may_stand_for_transparent(tmp_path, mode):
    path = tmp_path / "log.png"
    indices = (LOG == 0).astype(np.uint8)
    image = Image.fromarray(indices if mode == "P" else indices * np.uint8(255))
    if mode == "P":
        image = image.convert("P")
        image.putpalette([0, 0, 0, 30, 30, 30])
    if mode == "1":
        image = image.convert("1")
    image.save(path, transparency=0)  # the paper: black, but not there
    ink = read_scan(path).pixels[LOG == 0]
    assert (read_scan(path).pixels[LOG == 255] == 255).all()
    assert (ink == (30 if mode == "P" else 255)).all()


def test_a_png_of_sixteen_bits_opens(tmp_path):
    path = tmp_path / "log.png"
    Image.fromarray(GREY.astype(np.uint16) * 257).save(path)
    np.testing.assert_array_equal(read_scan(path).pixels, GREY)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_opens_grey_in_colour_and_for_print(tmp_path, mode, progressive):
    path = tmp_path / "log.jpg"
    image = Image.fromarray(GREY).convert(mode)
    image.save(path, quality=95, progressive=progressive, dpi=(300, 300))
    scan = read_scan(path)
    assert scan.dpi == 300
    assert np.abs(scan.pixels.astype(int) - GREY).mean() < 3


def test_a_photograph_comes_upright(tmp_path):
    path = tmp_path / "photograph.jpg"
    exif = Image.Exif()
    exif[274] = 6  # the camera was held on its side
    Image.fromarray(np.rot90(GREY)).save(path, quality=95, exif=exif)
    scan = read_scan(path)
    assert scan.pixels.shape == GREY.shape
    assert np.abs(scan.pixels.astype(int) - GREY).mean() < 3


def test_of_an_animation_the_first_picture_is_the_scan(tmp_path):
    path = tmp_path / "log.gif"
    frames = [Image.fromarray(part) for part in (GREY, 255 - GREY)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_scan(path).pixels, GREY)


def test_a_file_is_known_by_what_is_in_it_not_by_its_name(tmp_path):
    path = tmp_path / "log.tif"
    Image.fromarray(GREY).save(path, format="PNG")
    np.testing.assert_array_equal(read_scan(str(path)).pixels, GREY)


# --- PDF ---


def pdf_page_of(document, pixels, width, height, left=0.0, bottom=0.0, scale=0.36, on_its_side=False):
    """Add a page of some size in points with one image on it; 0.36 points to a pixel are 200 dpi."""
    page = document.new_page(width, height)
    image = pypdfium2.PdfImage.new(document)
    image.set_bitmap(pypdfium2.PdfBitmap.from_pil(Image.fromarray(pixels)))
    rows, columns = pixels.shape[:2]
    matrix = pypdfium2.PdfMatrix().scale(columns * scale, rows * scale)
    if on_its_side:
        matrix = matrix.rotate(90).translate(0, columns * scale)
    image.set_matrix(matrix.translate(left, bottom))
    page.insert_obj(image)
    page.gen_content()
    return page


@pytest.mark.parametrize("dpi", [100, 200, 203.3, 400])
def test_a_scanned_pdf_keeps_the_pixels_of_its_scan(tmp_path, dpi):
    path = tmp_path / "log.pdf"
    as_bilevel(LOG).save(path, resolution=dpi)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.pixels, LOG)
    assert scan.dpi == pytest.approx(dpi, rel=1e-3)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("on_its_side", [False, True])
@pytest.mark.parametrize("crop", [None, (10, 15, 390, 590)])
def test_a_scan_may_stand_anywhere_on_its_pdf_page(tmp_path, rotation, on_its_side, crop):
    """Off the grid of pixels, with margins, on its side, on a turned page: its own pixels all the same."""
    path = tmp_path / "log.pdf"
    document = pypdfium2.PdfDocument.new()
    page = pdf_page_of(document, GREY, 400.1, 600.3, left=20.3, bottom=30.7, on_its_side=on_its_side)
    page.set_rotation(rotation)
    if crop:
        page.set_cropbox(*crop)
    document.save(path)
    quarter_turns = rotation // 90 + on_its_side
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.pixels, np.rot90(GREY, -quarter_turns))
    assert scan.dpi == 200


def test_a_pdf_of_colour_jpeg_becomes_grey(tmp_path):
    path = tmp_path / "log.pdf"
    colour, weighed = tinted(GREY)
    Image.fromarray(colour).save(path, resolution=200, quality=95)
    pixels = read_scan(path).pixels
    assert pixels.shape == GREY.shape
    assert np.abs(pixels.astype(int) - weighed).mean() < 3


def test_an_image_that_its_pdf_inverts_is_shown_inverted(tmp_path):
    path = tmp_path / "log.pdf"
    pixels = np.where(np.random.default_rng(3).random((90, 80)) < 0.5, 0, 255).astype(np.uint8)
    as_bilevel(255 - pixels).save(path, resolution=200)
    assert (read_scan(path).pixels == 255 - pixels).all()
    content = path.read_bytes()
    assert content.count(b"/Type /XObject") == 1
    path.write_bytes(content.replace(b"/Type /XObject", b"/Decode [1 0] "))
    np.testing.assert_array_equal(read_scan(path).pixels, pixels)


def test_what_is_transparent_in_a_pdf_shows_the_paper(tmp_path):
    path = tmp_path / "log.pdf"
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[:100] = 0
    image = Image.fromarray(GREY).convert("RGB")
    image.putalpha(Image.fromarray(alpha))
    image.save(path, resolution=200)
    pixels = read_scan(path).pixels
    assert (pixels[:100] == 255).all()
    assert np.abs(pixels[100:].astype(int) - GREY[100:]).mean() < 3


def test_a_pdf_whose_image_cannot_be_decoded_is_refused_not_shown_as_blank_paper(tmp_path):
    """The fax decoder of pdfium stops at 65,535 rows, and draws nothing."""
    path = tmp_path / "tall.pdf"
    as_bilevel(np.tile(paper_log(64, 64), (1024, 1))).save(path, resolution=200)
    assert refusal(path) == ("its image of 65,536 rows x 64 columns cannot be decoded; save the scan as TIFF")


def test_a_blank_pdf_page_is_blank_paper(tmp_path):
    path = tmp_path / "blank.pdf"
    document = pypdfium2.PdfDocument.new()
    document.new_page(72, 144)
    document.save(path)
    scan = read_scan(path)
    assert scan.pixels.shape == (600, 300)
    assert (scan.pixels == 255).all()


def test_text_recognised_in_a_scanned_pdf_does_not_matter(tmp_path):
    path = tmp_path / "log.pdf"
    document = pypdfium2.PdfDocument.new()
    page = pdf_page_of(document, GREY, 400, 600, left=20, bottom=30)
    font = pypdfium2.raw.FPDFText_LoadStandardFont(document, b"Helvetica")
    text = pypdfium2.raw.FPDFPageObj_CreateTextObj(document, font, 12)
    codes = (pypdfium2.raw.FPDF_WCHAR * 4)(*b"SHPI"[:3], 0)
    pypdfium2.raw.FPDFText_SetText(text, codes)
    pypdfium2.raw.FPDFTextObj_SetTextRenderMode(text, 3)
    pypdfium2.raw.FPDFPageObj_Transform(text, 1, 0, 0, 1, 30, 40)
    pypdfium2.raw.FPDFPage_InsertObject(page, text)
    page.gen_content()
    document.save(path)
    np.testing.assert_array_equal(read_scan(path).pixels, GREY)


def test_a_drawn_pdf_page_is_rendered_at_300_dpi(tmp_path):
    """A page of lines, not of pixels: 72 points are an inch."""
    path = tmp_path / "drawn.pdf"
    document = pypdfium2.PdfDocument.new()
    page = document.new_page(144, 288)
    line = pypdfium2.raw.FPDFPageObj_CreateNewRect(36, 72, 72, 144)
    pypdfium2.raw.FPDFPageObj_SetFillColor(line, 0, 0, 0, 255)
    pypdfium2.raw.FPDFPath_SetDrawMode(line, pypdfium2.raw.FPDF_FILLMODE_ALTERNATE, False)
    pypdfium2.raw.FPDFPage_InsertObject(page, line)
    page.gen_content()
    document.save(path)
    scan = read_scan(path)
    assert scan.pixels.shape == (1200, 600)
    assert scan.dpi == 300
    rows, columns = np.nonzero(scan.pixels < 128)
    assert (rows.min(), rows.max()) == pytest.approx((300, 899), abs=1)
    assert (columns.min(), columns.max()) == pytest.approx((150, 449), abs=1)


def test_a_small_picture_on_a_drawn_page_does_not_set_the_resolution(tmp_path):
    path = tmp_path / "drawn.pdf"
    document = pypdfium2.PdfDocument.new()
    page = pdf_page_of(document, GREY, 600, 600)
    rule = pypdfium2.raw.FPDFPageObj_CreateNewRect(0, 500, 600, 2)
    pypdfium2.raw.FPDFPath_SetDrawMode(rule, pypdfium2.raw.FPDF_FILLMODE_ALTERNATE, False)
    pypdfium2.raw.FPDFPage_InsertObject(page, rule)
    page.gen_content()
    document.save(path)
    assert read_scan(path).pixels.shape == (2500, 2500)


def test_pdf_pages_are_joined_and_chosen(tmp_path):
    path = tmp_path / "log.pdf"
    parts = [paper_log(rows, 200) for rows in (120, 300)]
    first, second = map(as_bilevel, parts)
    first.save(path, save_all=True, append_images=[second], resolution=200)
    np.testing.assert_array_equal(read_scan(path).pixels, np.vstack(parts))
    np.testing.assert_array_equal(read_scan(path, pages=[1]).pixels, parts[1])


# --- Polarity ---


@pytest.mark.parametrize("compression", ["group4", None, "tiff_lzw"])
@pytest.mark.parametrize("photometric", [None, 2, 3, 4, 9999])
def test_a_missing_or_impossible_photometric_tag_does_not_turn_the_paper_black(
    tmp_path, compression, photometric
):
    path = tmp_path / "log.tif"
    as_bilevel(LOG).save(path, compression=compression)
    if photometric is None:
        remove_tag(path, 262)
    else:
        set_tag(path, 262, photometric)
    np.testing.assert_array_equal(read_scan(path).pixels, LOG)


@pytest.mark.parametrize("wrong", [0, 1])
def test_a_photometric_tag_that_lies_is_found_out(tmp_path, wrong):
    path = tmp_path / "log.tif"
    as_bilevel(LOG).save(path, compression="group4", tiffinfo={262: 1 - wrong})
    set_tag(path, 262, wrong)
    np.testing.assert_array_equal(read_scan(path).pixels, LOG)


@pytest.mark.parametrize("pixels", [LOG, GREY], ids=["bilevel", "grey"])
def test_a_negative_is_turned(tmp_path, pixels):
    path = tmp_path / "negative.png"
    Image.fromarray(255 - pixels).save(path)
    np.testing.assert_array_equal(read_scan(path).pixels, pixels)


def test_of_several_pages_only_the_negative_is_turned(tmp_path):
    path = tmp_path / "log.tif"
    parts = [paper_log(200, 100), paper_log(300, 100)]
    first, second = as_bilevel(parts[0]), as_bilevel(255 - parts[1])
    first.save(path, save_all=True, append_images=[second], compression="group4")
    np.testing.assert_array_equal(read_scan(path).pixels, np.vstack(parts))


def test_paper_on_a_black_scanner_bed_is_no_negative(tmp_path):
    """Two thirds of this picture are black, but its ink is black as well."""
    path = tmp_path / "bed.png"
    pixels = np.pad(LOG, ((0, 0), (240, 240)))
    assert (pixels == 0).mean() > 0.66
    Image.fromarray(pixels).save(path)
    np.testing.assert_array_equal(read_scan(path).pixels, pixels)


def test_dark_old_paper_is_no_negative(tmp_path):
    path = tmp_path / "old.png"
    pixels = np.where(LOG == 0, 10, 90).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    np.testing.assert_array_equal(read_scan(path).pixels, pixels)


@pytest.mark.parametrize("shade", [255, 240, 200])
def test_blank_paper_stays_light(tmp_path, shade):
    path = tmp_path / "blank.png"
    Image.new("L", (50, 60), shade).save(path)
    assert (read_scan(path).pixels == shade).all()


# --- Resolution ---


@pytest.mark.parametrize(
    ("resolution", "unit", "dpi"),
    [
        ((200, 200), "inch", 200),
        ((204, 98), "inch", 204),  # a fax of standard resolution
        ((118.11, 118.11), "centimeter", 300),
        ((78.74, 78.74), "centimeter", 200),
        ((1, 1), "inch", None),
        ((65000, 65000), "inch", None),
        ((300, 300), "none", None),  # only says that pixels are square
        ((0, 0), "inch", None),
        ((1, 200), "inch", 200),
    ],
)
def test_the_resolution_is_read_in_pixels_per_inch(tmp_path, resolution, unit, dpi):
    path = tmp_path / "log.tif"
    tifffile.imwrite(path, GREY, resolution=resolution, resolutionunit=unit, metadata=None)
    scan = read_scan(path)
    assert scan.pixels.shape == GREY.shape
    assert scan.dpi == (dpi if dpi is None else pytest.approx(dpi, rel=1e-3))


def test_a_resolution_of_nothing_per_nothing_is_unknown(tmp_path):
    path = tmp_path / "log.tif"
    tifffile.imwrite(path, GREY, resolution=(200, 200), metadata=None)
    for code in (282, 283):
        set_tag(path, code, (200, 0))
    assert read_scan(path).dpi is None


def test_a_png_whose_checksum_is_wrong_is_refused_though_it_could_be_decoded(tmp_path):
    """Zeros in the middle of a compressed bilevel scan can be decoded, into rows that were never scanned."""
    path = tmp_path / "log.png"
    Image.fromarray(GREY).save(path)
    whole = bytearray(path.read_bytes())
    whole[whole.rindex(b"IEND") - 5] ^= 1  # the last byte of the checksum of the pixels
    path.write_bytes(whole)
    assert Image.open(path).size == GREY.shape[::-1]
    Image.open(path).load()
    with pytest.raises(ScanError, match="damaged or cut short"):
        read_scan(path)


@pytest.mark.parametrize("name", ["log.png", "log.jpg", "log.bmp"])
def test_other_formats_state_their_resolution_too(tmp_path, name):
    path = tmp_path / name
    Image.fromarray(GREY).save(path, dpi=(200, 200))
    assert read_scan(path).dpi == pytest.approx(200, abs=0.1)
    Image.fromarray(GREY).save(path)
    assert read_scan(path).dpi in (None, 96.01)  # a BMP always states one


def test_of_several_pages_the_tallest_gives_the_resolution(tmp_path):
    path = tmp_path / "log.tif"
    with tifffile.TiffWriter(path) as tiff:
        for part, dpi in [(GREY[:50], 300), (GREY, 200), (GREY[:90], 100)]:
            tiff.write(part, resolution=(dpi, dpi), metadata=None)
    assert read_scan(path).dpi == 200


# --- Size and memory ---

MEASURE = """
import resource, sys
from napari_welllog.scan import read_scan
import napari_welllog.scan.tiff
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pixels = read_scan(sys.argv[1]).pixels
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
unit = 1 if sys.platform == "darwin" else 1024
print(*pixels.shape, int((pixels == 0).sum()), (peak - before) * unit)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory as POSIX systems do")
@pytest.mark.parametrize(("rows", "one_strip"), [(60_000, False), (20_000, True)])
def test_a_tall_log_takes_little_more_than_its_size_or_twice_in_one_strip(tmp_path, rows, one_strip):
    """A strip is decoded in one piece beside the picture, so one strip for all takes the most."""
    path = tmp_path / "tall.tif"
    columns = 2_400
    part = paper_log(500, columns)
    if one_strip:
        image = as_bilevel(np.tile(part, (rows // 500, 1)))
        image.save(path, compression="group4", tiffinfo={278: rows})
    else:
        strips = group_4_strips(part, 500) * (rows // 500)
        write_group_4(path, np.broadcast_to(part[:1], (rows, columns)), 500, strips)
    run = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True)
    found_rows, found_columns, ink, taken = map(int, run.stdout.split())
    assert (found_rows, found_columns) == (rows, columns)
    assert ink == (part == 0).sum() * (rows // 500)
    assert taken < (2.2 if one_strip else 1.1) * rows * columns + 8 * BLOCK_PIXELS
    assert run.stderr == ""


def test_what_pillow_takes_for_a_bomb_opens_without_changing_pillow(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    paths = [tmp_path / name for name in ("log.tif", "one-strip.tif", "log.png", "log.gif", "log.bmp")]
    for path in paths:
        as_bilevel(LOG).save(path, **({"tiffinfo": {278: 700}} if path.name == "one-strip.tif" else {}))
    as_bilevel(LOG).save(paths[1], compression="group4", tiffinfo={278: 700})
    monkeypatch.setattr("napari_welllog.scan.page.BLOCK_PIXELS", 1000)
    monkeypatch.setattr(tiff_module, "BLOCK_PIXELS", 1000)
    for path in paths:
        np.testing.assert_array_equal(read_scan(path).pixels, LOG)
    assert Image.MAX_IMAGE_PIXELS == 1000
    with pytest.raises(Image.DecompressionBombError):
        Image.open(paths[0])


def test_many_threads_read_many_formats_at_once(tmp_path):
    paths = [tmp_path / f"{number}{suffix}" for number in range(4) for suffix in (".tif", ".png", ".pdf")]
    for path in paths:
        as_bilevel(LOG).save(path, **({"resolution": 200} if path.suffix == ".pdf" else {}))
    with ThreadPoolExecutor(8) as pool:
        for scan in pool.map(read_scan, paths):
            np.testing.assert_array_equal(scan.pixels, LOG)


def test_a_scan_over_the_limit_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "log.tif"
    write_group_4(path)
    line = refusal(path, max_megapixels=0.1)
    assert line.startswith(
        "700 rows x 240 columns are 0.2 megapixels, over the limit of 0.1; choose fewer pages"
    )
    set_tag(path, 256, 600_000)
    set_tag(path, 257, 2_000_000)
    set_tag(path, 278, 2_000_000)
    assert "are 1,200,000.0 megapixels, over the limit of 4,000.0" in refusal(path)


def test_a_scan_too_large_for_the_memory_that_is_free_is_refused(tmp_path, monkeypatch):
    import psutil

    path = tmp_path / "log.tif"
    write_group_4(path, rows_per_strip=700)
    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=300_000))
    assert "of memory to open and 0.0 GB are free; choose fewer pages" in refusal(path)


def test_memory_that_runs_out_all_the_same_is_told_in_one_line(tmp_path, monkeypatch):
    path = tmp_path / "log.tif"
    write_group_4(path)

    def no_memory(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr("napari_welllog.scan.read._joined", no_memory)
    assert refusal(path) == "too large for the memory that is free; choose fewer pages"


# --- What is refused ---


def test_a_text_file_named_tif_is_refused(tmp_path):
    path = tmp_path / "notes.tif"
    path.write_text("Gamma ray 0 to 150 API\n")
    assert refusal(path) == ("not a picture that can be opened; give a TIFF, PNG, JPEG, BMP, GIF or PDF file")


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.tif"
    path.touch()
    assert refusal(path).startswith("empty, 0 bytes; ")


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    assert refusal(tmp_path) == "a folder, not a scan; name a file in it"
    assert refusal(tmp_path / "log.tif") == "no such file; check the name and the folder"
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "log.tif").startswith("cannot be read (Not a directory); ")
    assert refusal(tmp_path / ("x" * 400)).startswith("cannot be read (File name too long); ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    path = tmp_path / "pipe.tif"
    os.mkfifo(path)
    assert refusal(path) == "not an ordinary file; copy the scan into one"


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    """Opened by a superuser any file may be read, so the refusal of the system is imitated."""
    path = tmp_path / "log.tif"
    write_group_4(path)

    def denied(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", denied)
    assert refusal(path) == "may not be read; ask for permission to read it"


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("rows_per_strip", [100, 700])
def test_a_group_4_file_that_was_cut_short_is_refused(tmp_path, share, rows_per_strip):
    """Its directory comes first, so nothing but the missing data tells; decoders fill up with white."""
    path = tmp_path / "log.tif"
    write_group_4(path, rows_per_strip=rows_per_strip)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    line = refusal(path)
    assert line.startswith(("cut short, ", "damaged or cut short "))
    assert line.endswith("copy the file again from its source, or scan the paper again")
    if share >= 0.6:
        assert line.startswith("cut short, strip ")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("rows_per_strip", [100, 700])
def test_a_group_4_file_whose_end_was_never_downloaded_is_refused(tmp_path, share, rows_per_strip):
    """Some programs make the whole file of zeros first and then fill it in."""
    path = tmp_path / "log.tif"
    write_group_4(path, rows_per_strip=rows_per_strip)
    content = path.read_bytes()
    kept = int(len(content) * share)
    path.write_bytes(content[:kept] + bytes(len(content) - kept))
    assert refusal(path).startswith("cut short, strip ")


def test_a_group_4_file_that_promises_some_bytes_too_many_opens(tmp_path):
    """Some writers round the size of the last strip up; its end-of-block code shows that all is there."""
    path = tmp_path / "log.tif"
    write_group_4(path)
    with tifffile.TiffFile(path) as tiff:
        sizes = list(tiff.pages[0].databytecounts)
    set_tag(path, 279, [*sizes[:-1], sizes[-1] + 100])
    np.testing.assert_array_equal(read_scan(path).pixels, LOG)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0.05, 0.9), bit=st.integers(0, 7), rows_per_strip=st.sampled_from([100, 700]))
def test_a_damaged_group_4_strip_is_refused_unless_the_damage_stays_small(
    tmp_path, place, bit, rows_per_strip
):
    """Decoders go on after a wrong bit, and give noise, or white where rows went missing."""
    path = tmp_path / "log.tif"
    write_group_4(path, rows_per_strip=rows_per_strip)
    with tifffile.TiffFile(path) as tiff:
        offset, size = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
    content = bytearray(path.read_bytes())
    content[offset + int(place * size)] ^= 1 << bit
    path.write_bytes(content)
    try:
        pixels = read_scan(path).pixels
    except ScanError:
        strips = 700 // rows_per_strip
        assert refusal(path).startswith(f"damaged, strip 1 of {strips} cannot be decoded to its end; ")
    else:
        assert (pixels != LOG).mean() < 0.03


def test_group_4_strips_without_an_end_of_block_code_open(tmp_path):
    """Some writers leave it out, for the number of rows is known."""
    path = tmp_path / "log.tif"
    strips = []
    for strip in group_4_strips(LOG, 200):
        bits = "".join(f"{byte:08b}" for byte in strip).rstrip("0").removesuffix("000000000001" * 2)
        bits += "0" * (-len(bits) % 8)
        strips.append(int(bits, 2).to_bytes(len(bits) // 8, "big"))
        assert len(strips[-1]) < len(strip)
    write_group_4(path, strips=strips)
    np.testing.assert_array_equal(read_scan(path).pixels, LOG)


def test_a_last_group_4_strip_that_is_coded_as_high_as_the_others_opens(tmp_path):
    path = tmp_path / "log.tif"
    strips = group_4_strips(np.vstack([LOG, LOG[:100]]), 200)
    write_group_4(path, strips=strips)
    np.testing.assert_array_equal(read_scan(path).pixels, LOG)


def test_a_damaged_file_prints_nothing_by_itself(tmp_path):
    """Libraries in C write to stderr past Python, where the command's one line is to stand alone."""
    path = tmp_path / "log.tif"
    as_bilevel(LOG).save(path, compression="tiff_lzw")
    content = bytearray(path.read_bytes())
    content[200:300] = bytes(range(100, 200))
    path.write_bytes(content)
    code = "import sys; from napari_welllog import read_scan; read_scan(sys.argv[1])"
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("Traceback")
    assert "damaged or cut short" in run.stderr.splitlines()[-1]


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("log.tif", {"compression": "group4"}),
        ("log.tif", {"compression": "tiff_lzw"}),
        ("log.tif", {"compression": "jpeg"}),
        ("log.tif", {}),
        ("log.png", {}),
        ("log.jpg", {}),
        ("log.bmp", {}),
        ("log.gif", {}),
        ("log.pdf", {}),
    ],
)
def test_any_file_that_was_cut_short_is_refused(tmp_path, name, options, share):
    path = tmp_path / name
    image = as_bilevel(LOG)
    if options.get("compression") == "jpeg":
        image = image.convert("L")
    image.save(path, **options)
    content = path.read_bytes()
    path.write_bytes(content[: max(1, int(len(content) * share))])
    line = refusal(path)
    assert "cut short" in line or "not a picture" in line


@pytest.mark.parametrize("code", [256, 257])
def test_a_page_of_zero_size_is_refused(tmp_path, code):
    path = tmp_path / "log.tif"
    write_group_4(path)
    set_tag(path, code, 0)
    assert refusal(path).startswith("has a page without pixels; ")


def test_a_tag_that_makes_no_sense_is_refused_in_plain_words(tmp_path):
    """A width of one half: what Python says of it is no help to anyone."""
    path = tmp_path / "log.tif"
    tifffile.imwrite(path, GREY, metadata=None)
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[0].tags[256].offset
    content = bytearray(path.read_bytes())
    content[offset + 2 : offset + 4] = (11).to_bytes(2, "little")  # a number with fractions
    path.write_bytes(content)
    assert refusal(path).startswith(("damaged or cut short; ", "has a page without pixels; "))


def test_a_list_of_pages_that_runs_in_a_circle_ends(tmp_path):
    path = tmp_path / "log.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(GREY, metadata=None)
        tiff.write(GREY[:50], metadata=None)
    with tifffile.TiffFile(path) as tiff:
        first, last = (page.offset for page in tiff.pages)
    content = bytearray(path.read_bytes())
    next_page = last + 2 + 12 * int.from_bytes(content[last : last + 2], "little")
    content[next_page : next_page + 4] = first.to_bytes(4, "little")
    path.write_bytes(content)
    np.testing.assert_array_equal(read_scan(path).pixels, np.vstack([GREY, GREY[:50]]))


def test_a_tiff_that_lists_too_few_strips_is_refused(tmp_path):
    path = tmp_path / "log.tif"
    write_group_4(path, rows_per_strip=100)
    set_tag(path, 278, 50)
    assert refusal(path).startswith("damaged, it lists 7 of its 14 strips; ")


@pytest.mark.parametrize("dtype", [np.float32, np.uint32, np.int16])
def test_rare_kinds_of_samples_are_refused_with_advice(tmp_path, dtype):
    path = tmp_path / "log.tif"
    tifffile.imwrite(path, GREY.astype(dtype), photometric="minisblack")
    assert refusal(path).endswith("cannot be read; save the scan as 8-bit grey or as bilevel TIFF")


@pytest.mark.filterwarnings("error")
def test_a_palette_of_fractions_is_refused_with_advice(tmp_path):
    path = tmp_path / "log.tif"
    Image.fromarray(GREY).quantize(16).save(path)
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[0].tags[320].offset
    content = bytearray(path.read_bytes())
    content[offset + 2 : offset + 4] = (11).to_bytes(2, "little")
    path.write_bytes(content + bytes(4 * 768))
    assert refusal(path).startswith("a palette of fractions cannot be read; ")


def test_an_unknown_compression_is_refused_with_advice(tmp_path):
    path = tmp_path / "log.tif"
    write_group_4(path)
    set_tag(path, 259, 34712)  # JPEG 2000
    assert refusal(path).endswith("cannot be read; save the scan as 8-bit grey or as bilevel TIFF")


def test_a_locked_pdf_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "log.pdf"
    as_bilevel(LOG).save(path)

    def locked(*arguments, **options):
        raise pypdfium2.PdfiumError("Failed to load document (PDFium: Incorrect password error).")

    monkeypatch.setattr(pypdfium2, "PdfDocument", locked)
    assert refusal(path) == "locked with a password; save a copy without one"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1),
    value=st.integers(0, 255),
    kind=st.sampled_from(["tif", "png", "jpg", "gif", "bmp"]),
)
def test_a_byte_gone_wrong_is_read_or_refused_but_never_worse(tmp_path, place, value, kind):
    path = tmp_path / f"log.{kind}"
    as_bilevel(paper_log(60, 40)).convert("1" if kind == "tif" else "L").save(path)
    content = bytearray(path.read_bytes())
    content[min(int(place * len(content)), len(content) - 1)] = value
    path.write_bytes(content)
    try:
        scan = read_scan(path, max_megapixels=1)
    except ScanError:
        assert refusal(path, max_megapixels=1)
    else:
        assert scan.pixels.dtype == np.uint8


# --- Pyramids ---


@given(rows=st.integers(1, 20_000), columns=st.integers(1, 3), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_a_pyramid_keeps_the_darkest_pixel_of_every_pair_of_rows(rows, columns, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (rows, columns), np.uint8)
    levels = pyramid(pixels)
    assert levels[0] is pixels
    assert levels[-1].shape[0] <= PYRAMID_ROWS
    assert all(level.shape[0] > PYRAMID_ROWS for level in levels[:-1])
    for fine, coarse in pairwise(levels):
        assert coarse.shape == ((fine.shape[0] + 1) // 2, columns)
        pairs = [fine[row : row + 2].min(axis=0) for row in range(0, fine.shape[0], 2)]
        np.testing.assert_array_equal(coarse, pairs)
