"""TIFF: tifffile finds the strips or tiles, Pillow decodes a few of them at a time."""

from __future__ import annotations

import ctypes
import io
import itertools
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin
from tifffile import TiffFile, TiffPage

from napari_welllog.scan.group4 import REVERSED_BITS, Inked, end_of_rows, rows_in_parts, with_black_row
from napari_welllog.scan.page import (
    BLOCK_PIXELS,
    SCAN_AGAIN,
    Band,
    Block,
    GreyPixels,
    Page,
    UnreadableError,
    bytes_per_pixel,
    cannot_read,
    chosen_pages,
    grey_blocks,
    on_paper,
    plausible_dpi,
    to_grey,
    upright_size,
)

# Tags, by their numbers in TIFF 6.0 and its supplements.
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS_PER_STRIP, _STRIP_SIZES = 273, 274, 277, 278, 279
_X_RESOLUTION, _Y_RESOLUTION, _PLANAR, _FAX_3, _FAX_4, _RESOLUTION_UNIT = 282, 283, 284, 292, 293, 296
_PREDICTOR, _COLOR_MAP, _TILE_WIDTH, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 317, 320, 322, 338, 339
_JPEG_TABLES, _SUBSAMPLING = 347, 530

# Values of the compression tag and of the photometric tag.
_UNCOMPRESSED, _GROUP_4, _OLD_JPEG, _FAX = 1, 4, 6, (2, 3, 4, 32771)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_COLOUR_SAMPLES = {_RGB: 3, _CMYK: 4, _YCBCR: 3, _LAB: 3}
_COLOUR_MODES = {_RGB: "RGB", _CMYK: "CMYK", _YCBCR: "YCbCr", _LAB: "LAB"}

_TRANSPARENCY = ((1,), (2,))

# Of strips that are larger than what is decoded at a time, how much larger one may be to be decoded by itself.
_TALLEST_BAND = 4

# Zeros that a program may append to the data of a strip, to begin the next at a round address.
_PADDING = 8


def _silence_libtiff() -> None:
    """Keep libtiff's remarks on damaged files off stderr, as Pillow does with its warnings.

    They come beside the error that Pillow raises, or without one, and so are never what a user needs.
    """
    try:
        set_handler = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler  # type: ignore[attr-defined]
    except (OSError, AttributeError):  # where libtiff is a part of Pillow, as on Windows, it cannot be told
        return
    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    set_handler(None)


_silence_libtiff()


class UnlimitedTiffFile(TiffImagePlugin.TiffImageFile):
    """Pillow's reader of TIFF without its limit on pixels: what is too large was refused before."""

    def load_prepare(self) -> None:
        """Make the memory for the picture, which Pillow would make after looking at its limit."""
        self.im = Image.core.new(self.mode, self.size)  # type: ignore[attr-defined]
        super().load_prepare()


@contextmanager
def tiff_pages(source: Path, pages: Sequence[int] | None) -> Iterator[list[Page]]:
    """Open the wanted pages of a TIFF, leaving out thumbnails and masks."""
    with source.open("rb") as file, TiffFile(file) as tiff:
        every = _every_page(tiff)
        paper = [page for page in every if not page.is_reduced and not page.is_mask] or every
        if not paper:
            raise UnreadableError(f"cut short, the list of its pages is missing; {SCAN_AGAIN}")
        yield [_page(paper[index], file) for index in chosen_pages(len(paper), pages)]


def _every_page(tiff: TiffFile) -> list[TiffPage]:
    """List the pages, each once: in a damaged file the last may name an earlier one as the next, for ever."""
    pages: dict[int, TiffPage] = {}
    for page in tiff.pages:
        if page.offset in pages:
            break
        if isinstance(page, TiffPage):
            pages[page.offset] = page
    return list(pages.values())


def _page(page: TiffPage, file: BinaryIO) -> Page:
    """Describe one page."""
    if page.imagelength < 1 or page.imagewidth < 1:
        raise UnreadableError(f"has a page without pixels; {SCAN_AGAIN}")
    orientation = _tag(page, _ORIENTATION, 1)
    rows, columns = upright_size(page.imagelength, page.imagewidth, orientation)
    if page.compression == _OLD_JPEG:
        return Page(rows, columns, _dpi(page), 4 * rows * columns, partial(_old_jpeg_blocks, page, file))
    segments = _Segments(page, file)
    return Page(
        rows,
        columns,
        _dpi(page),
        segments.working_bytes(),
        segments.blocks,
        orientation,
        segments.bands(),
        in_rows=segments.across == 1,
    )


def _old_jpeg_blocks(page: TiffPage, file: BinaryIO) -> Iterator[Block]:
    """Decode the JPEG of TIFF 6.0, which was soon replaced: its parts lie about the file, so in one piece.

    Pillow turns the page upright by itself.
    """
    ends = [offset + size for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if max(ends, default=math.inf) > os.fstat(file.fileno()).st_size:  # libjpeg would fill up with grey
        raise UnreadableError(f"cut short, its last strip is not all there; {SCAN_AGAIN}")
    file.seek(0)
    image = TiffImagePlugin.TiffImageFile(file)
    image.seek(page.index)
    yield from grey_blocks(image)


def _tag(page: TiffPage, code: int, default: Any = None) -> Any:
    """Give the value of a tag, or the default where it is missing."""
    value = page.tags.valueof(code)
    return default if value is None else value


def _numbers(value: Any) -> tuple[int, ...]:
    """Give the numbers of a tag that may hold one or several."""
    return tuple(int(number) for number in np.atleast_1d(value))


def _dpi(page: TiffPage) -> float | None:
    """Read the resolution, stated per inch or per centimetre."""
    per_inch = {2: 1.0, 3: 2.54}.get(_numbers(_tag(page, _RESOLUTION_UNIT, 2))[0])
    if per_inch is None:  # then only the shape of the pixels is stated
        return None
    stated = [_tag(page, code) for code in (_X_RESOLUTION, _Y_RESOLUTION)]
    fractions = [value for value in stated if isinstance(value, tuple) and len(value) == 2 and value[1]]
    return plausible_dpi(*(per_inch * count / inches for count, inches in fractions))


def _photometric(page: TiffPage, samples: int) -> int:
    """Say what the samples mean: as the tag states, or as they must where it is missing or cannot be true."""
    stated, has_palette = _tag(page, _PHOTOMETRIC), _COLOR_MAP in page.tags
    if stated in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) or (stated == _PALETTE and has_palette):
        return int(stated)
    if samples >= _COLOUR_SAMPLES.get(stated, math.inf):
        return int(stated)
    if samples >= 3:
        return _RGB
    if has_palette:
        return _PALETTE
    return _WHITE_IS_ZERO if page.compression in _FAX else _BLACK_IS_ZERO


@dataclass(frozen=True)
class _Segment:
    """A strip or a tile, or some rows of a strip that is not compressed: its bytes and what they show."""

    index: int
    skipped: int  # bytes of the strip before these rows
    size: int | None  # bytes of these rows; None for the whole
    top: int
    left: int
    rows: int


class _Segments:
    """The strips or tiles of one page, decoded a few at a time.

    Some that lie one below the other become a small TIFF in memory, which Pillow decodes. So a page of any
    length takes little memory, Pillow's limits on size do not matter, and what is odd in the tags can be set
    right.
    """

    def __init__(self, page: TiffPage, file: BinaryIO) -> None:
        self.page, self.file = page, file
        self.file_size = os.fstat(file.fileno()).st_size
        self.samples = max(1, int(_tag(page, _SAMPLES, 1)))
        self.bits = max(_numbers(_tag(page, _BITS, 1)))
        self.photometric = _photometric(page, self.samples)
        self.extra_samples = self._extra_samples()
        self.planes = self.samples if _tag(page, _PLANAR, 1) == 2 else 1
        self.tiled = _TILE_WIDTH in page.tags
        self.kind = "tile" if self.tiled else "strip"
        self.columns = page.tilewidth if self.tiled else page.imagewidth
        self.rows = page.tilelength if self.tiled else min(page.rowsperstrip, page.imagelength)
        if self.rows < 1 or self.columns < 1:
            raise UnreadableError(f"damaged, its {self.kind}s have no pixels; {SCAN_AGAIN}")
        self.across = math.ceil(page.imagewidth / self.columns)
        self.down = math.ceil(page.imagelength / self.rows)
        self.row_bytes = math.ceil(self.columns * self.bits * (self.samples // self.planes) / 8)
        self.splits = page.compression == _UNCOMPRESSED and not self.tiled
        self.is_group_4 = page.compression == _GROUP_4
        self.unmarked: set[int] = set()  # segments of group 4 that do not say where they end
        self.offsets, self.sizes = self._places()

    def _extra_samples(self) -> tuple[int, ...]:
        """Say what the samples beyond the colours are: 1 or 2 for transparency, 0 for anything else."""
        count = max(0, self.samples - _COLOUR_SAMPLES.get(self.photometric, 1))
        stated = _numbers(_tag(self.page, _EXTRA_SAMPLES, ()))
        if not stated and self.photometric == _RGB and count == 1:
            return (2,)  # a fourth sample that nobody explains is nearly always transparency
        return (stated + (0,) * count)[:count]

    def _places(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Give the offset and the size in bytes of every segment, plane by plane."""
        count = self.planes * self.across * self.down
        offsets, sizes = tuple(self.page.dataoffsets), tuple(self.page.databytecounts)
        if not sizes and self.splits and len(offsets) == count:
            last = self.page.imagelength - (self.down - 1) * self.rows
            sizes = (*[self.rows * self.row_bytes] * (self.down - 1), last * self.row_bytes) * self.planes
        elif not sizes and len(offsets) == count == 1:
            sizes = (self.file_size - offsets[0],)
        found = min(len(offsets), len(sizes))
        if found < count:
            raise UnreadableError(f"damaged, it lists {found} of its {count} {self.kind}s; {SCAN_AGAIN}")
        return offsets, sizes

    def working_bytes(self) -> int:
        """Give the memory that decoding takes beside the grey picture, in bytes."""
        in_parts = self.splits or (self.is_group_4 and not self.tiled)
        rows = min(self.rows, self._rows_at_once()) if in_parts else max(self.rows, self._rows_at_once())
        rows = min(rows, self.down * self.rows)
        several = self.samples // self.planes > 1
        mode = "RGB" if several else "I;16" if self.bits > 8 else "L"
        pillow = rows * self.columns * bytes_per_pixel(mode) * self.planes
        stored = max(self.sizes, default=0) if in_parts and not self.splits else rows * self.row_bytes
        return pillow + stored + 8 * min(rows * self.columns, BLOCK_PIXELS)

    def _rows_at_once(self) -> int:
        """Give the rows to decode at a time, where the segments allow it."""
        return max(1, BLOCK_PIXELS // self.columns)

    def blocks(self) -> Iterator[Block]:
        """Decode the page from top to bottom."""
        at_once = max(1, self._rows_at_once() // self.rows)
        for first in range(0, self.down, at_once):
            yield from self._blocks_of(first, min(first + at_once, self.down))

    def _blocks_of(self, first: int, last: int) -> Iterator[Block]:
        """Decode the segments that lie in some rows of the grid of segments."""
        for column in range(self.across):
            segments = [self._segment(row, column) for row in range(first, last)]
            if len(segments) > 1 or self.rows <= self._rows_at_once():
                yield from self._blocks_from(segments)
            elif self.splits:
                for part in self._parts(segments[0]):
                    yield from self._blocks_from(part)
            elif self.is_group_4 and not self.tiled:
                yield from self._fax_blocks(segments[0])
            else:
                yield from self._blocks_from(segments)

    def _blocks_from(self, batch: list[_Segment]) -> Iterator[Block]:
        """Decode segments that lie one below the other, and leave out what lies outside the page."""
        for down, _, block in self._decode(batch):
            top, left = batch[0].top + down, batch[0].left
            inside = self.page.imagelength - top, self.page.imagewidth - left
            yield top, left, block[: inside[0], : inside[1]]

    def bands(self) -> list[Band]:
        """Cut the page into bands that are decoded each by itself; none where a segment is too large for that."""
        if self.splits and self.rows > self._rows_at_once():
            parts = [part for row in range(self.down) for [part] in self._parts(self._segment(row, 0))]
            return [
                Band(part.top, part.top + part.rows, partial(self._blocks_from, [part])) for part in parts
            ]
        if self.rows > _TALLEST_BAND * self._rows_at_once():
            return []
        at_once = max(1, self._rows_at_once() // self.rows)
        return [
            Band(
                first * self.rows,
                min((first + at_once) * self.rows, self.page.imagelength),
                partial(self._blocks_of, first, min(first + at_once, self.down)),
            )
            for first in range(0, self.down, at_once)
        ]

    def _fax_blocks(self, strip: _Segment) -> Iterator[Block]:
        """Decode a large strip of group 4 some rows at a time, or in one piece where that cannot be done surely."""
        done = 0
        parts = rows_in_parts(
            self._data(strip, 0), strip.rows, self._rows_at_once(), self._fax_rows, _group_4_of
        )
        for inked in parts:
            grey = inked if self.photometric != _WHITE_IS_ZERO else ~inked
            yield strip.top + done, strip.left, grey.view(np.uint8) * np.uint8(255)
            done += len(inked)
        if done < strip.rows:
            for top, left, block in self._blocks_from([strip]):
                known = min(max(strip.top + done - top, 0), len(block))
                if known < len(block):
                    yield top + known, left, block[known:]

    def _fax_rows(self, data: bytes, rows: int) -> Inked:
        """Have Pillow decode the first rows of some group 4 data, bool (rows, columns), black True."""
        tags = {
            _WIDTH: (self.columns,),
            _LENGTH: (rows,),
            _ROWS_PER_STRIP: (rows,),
            _COMPRESSION: (_GROUP_4,),
            _BITS: (1,),
            _SAMPLES: (1,),
            _PHOTOMETRIC: (_BLACK_IS_ZERO,),
        }
        picture = UnlimitedTiffFile(io.BytesIO(_small_tiff("<", tags, [data])))
        picture.load()
        return (
            np.asarray(picture).view(np.uint8) > 0
        )  # Pillow makes True of 255, which counts as such nowhere else

    def _segment(self, row: int, column: int) -> _Segment:
        """Give one segment by its place in the grid of segments."""
        top = row * self.rows
        rows = self.rows if self.tiled else min(self.rows, self.page.imagelength - top)
        return _Segment(row * self.across + column, 0, None, top, column * self.columns, rows)

    def _parts(self, strip: _Segment) -> Iterator[list[_Segment]]:
        """Split a large strip that is not compressed into parts of some rows."""
        for first in range(0, strip.rows, self._rows_at_once()):
            rows = min(self._rows_at_once(), strip.rows - first)
            skipped, size = first * self.row_bytes, rows * self.row_bytes
            yield [_Segment(strip.index, skipped, size, strip.top + first, strip.left, rows)]

    def _decode(self, batch: list[_Segment]) -> Iterator[Block]:
        """Decode segments that lie one below the other; the tops of blocks count from the first of them."""
        if self.photometric == _YCBCR and self.page.compression == _UNCOMPRESSED and self.page.is_subsampled:
            raise cannot_read("colours stored at half their resolution without compression")
        try:
            pictures = [self._picture(batch, plane) for plane in range(self.planes)]
        except (SyntaxError, KeyError):  # Pillow has no mode for such samples, or no such compression
            return self._rare_blocks(batch)
        picture = pictures[0] if self.planes == 1 else self._merged(pictures)
        blocks = grey_blocks(picture, invert=self.photometric == _WHITE_IS_ZERO)
        return self._without_marks(blocks, batch) if self.is_group_4 else blocks

    def _without_marks(self, blocks: Iterator[Block], batch: list[_Segment]) -> Iterator[Block]:
        """Take the black row from below each segment of group 4, refusing a segment that lacks it."""
        marks = np.cumsum([segment.rows + 1 for segment in batch]) - 1
        black = 0 if self.photometric == _WHITE_IS_ZERO else 255
        for top, left, block in blocks:
            first, last = np.searchsorted(marks, (top, top + block.shape[0]))
            inside = marks[first:last] - top
            for segment in itertools.compress(batch[first:last], (block[inside] != black).any(axis=1)):
                # A strip that may be coded with the rows of a whole one, or without a proper end, tells nothing.
                if segment.rows == self.rows and segment.index not in self.unmarked:
                    raise self._refused("damaged", segment.index, "cannot be decoded to its end")
            yield top - int(first), left, np.delete(block, inside, axis=0)

    def _refused(self, state: str, index: int, trouble: str) -> UnreadableError:
        """Say what is wrong with a segment."""
        which = f"{self.kind} {index + 1} of {len(self.offsets)}"
        return UnreadableError(f"{state}, {which} {trouble}; {SCAN_AGAIN}")

    def _merged(self, planes: list[Image.Image]) -> Image.Image:
        """Put colours that the file stores apart into one picture."""
        mode = _COLOUR_MODES.get(self.photometric, "L")
        count = _COLOUR_SAMPLES.get(self.photometric, 1)
        if mode in ("L", "RGB") and self.extra_samples[:1] in _TRANSPARENCY:
            mode, count = mode + "A", count + 1
        return Image.merge(mode, [Image.fromarray(to_grey(plane)) for plane in planes[:count]])

    def _picture(self, batch: list[_Segment], plane: int) -> Image.Image:
        """Have Pillow decode one plane of some segments."""
        data = [self._data(segment, plane) for segment in batch]
        mark = 0
        if self.is_group_4:
            data, mark = [self._marked(part, segment) for part, segment in zip(data, batch, strict=True)], 1
        tags: dict[int, tuple[int, ...] | bytes] = {
            _WIDTH: (self.columns,),
            _LENGTH: (sum(segment.rows + mark for segment in batch),),
            _ROWS_PER_STRIP: (batch[0].rows + mark,),
            **self._sample_tags(),
        }
        # How it is compressed, and what undoing that takes.
        for code in (_COMPRESSION, _FILL_ORDER, _FAX_3, _FAX_4, _PREDICTOR, _JPEG_TABLES, _SUBSAMPLING):
            value = _tag(self.page, code)
            if value is not None:
                count = 2 if code == _SUBSAMPLING else 1
                tags[code] = value if isinstance(value, bytes) else _numbers(value)[:count]
        if self.is_group_4:
            tags[_FILL_ORDER] = (1,)
        file = io.BytesIO(_small_tiff(self.page.parent.byteorder, tags, data))
        picture = UnlimitedTiffFile(file)
        picture.load()
        return picture

    def _sample_tags(self) -> dict[int, tuple[int, ...]]:
        """Say what the samples are; not that white is zero, which Pillow heeds at times, `to_grey` always."""
        if self.planes > 1:
            return {_BITS: (self.bits,), _PHOTOMETRIC: (_BLACK_IS_ZERO,), _SAMPLES: (1,)}
        photometric = _BLACK_IS_ZERO if self.photometric == _WHITE_IS_ZERO else self.photometric
        tags = {
            _BITS: (self.bits,) * self.samples,
            _PHOTOMETRIC: (photometric,),
            _SAMPLES: (self.samples,),
        }
        if self.extra_samples:
            tags[_EXTRA_SAMPLES] = self.extra_samples
        sample_format = max(_numbers(_tag(self.page, _SAMPLE_FORMAT, 1)))
        if sample_format in (2, 3):  # signed, or with fractions
            tags[_SAMPLE_FORMAT] = (sample_format,) * self.samples
        if photometric == _PALETTE:
            palette = np.asarray(_tag(self.page, _COLOR_MAP)).ravel()
            if palette.dtype.kind not in "iu":
                raise cannot_read("a palette of fractions")
            scale = 257 if palette.max() < 256 else 1  # some programs count to 255, not to 65,535
            tags[_COLOR_MAP] = _numbers(palette.astype(np.int64) * scale)
        return tags

    def _data(self, segment: _Segment, plane: int) -> bytes:
        """Read the bytes of a segment, refusing them when some are missing."""
        index = plane * self.across * self.down + segment.index
        offset, size = self.offsets[index] + segment.skipped, self.sizes[index] - segment.skipped
        size = size if segment.size is None else min(size, segment.size)
        self.file.seek(offset)
        data = self.file.read(max(0, min(size, self.file_size - offset)))
        if self.is_group_4 and _tag(self.page, _FILL_ORDER, 1) == 2:
            data = data.translate(REVERSED_BITS)
        if not self._is_complete(data, size):
            raise self._refused("cut short", index, "is not all there")
        return data

    def _marked(self, data: bytes, segment: _Segment) -> bytes:
        """Append a black row to a segment of group 4, to see that it is decoded to its end."""
        if end_of_rows(data) is None:
            self.unmarked.add(segment.index)
            return data
        return with_black_row(data, self.columns)

    def _is_complete(self, data: bytes, size: int) -> bool:
        """Tell whether all bytes of a segment are there, and are not the zeros of a download that stopped.

        Group 4 data that lack their end are decoded without a word, the rest of the strip white.
        """
        if not self.is_group_4:
            return len(data) == size > 0
        if end_of_rows(data) is not None:
            return True
        return len(data) == size > 0 and len(data) - len(data.rstrip(b"\0")) <= _PADDING

    def _rare_blocks(self, batch: list[_Segment]) -> Iterator[Block]:
        """Decode samples for which Pillow has no mode, such as grey and transparency of 16 bits each."""
        for segment in batch:
            yield segment.top - batch[0].top, 0, self._rare_block(segment)

    def _rare_block(self, segment: _Segment) -> GreyPixels:
        """Have tifffile decode a segment, and make it grey."""
        decoded = [self._rare_samples(segment, plane) for plane in range(self.planes)]
        samples = np.concatenate(decoded, axis=-1)
        colours = _COLOUR_SAMPLES.get(self.photometric, 1)
        if self.photometric == _RGB:
            grey = to_grey(Image.fromarray(np.ascontiguousarray(samples[..., :3])))
        else:
            grey = samples[..., 0]
        if self.photometric == _WHITE_IS_ZERO:
            grey = np.invert(grey)
        return on_paper(grey, samples[..., colours]) if self.extra_samples[:1] in _TRANSPARENCY else grey

    def _rare_samples(self, segment: _Segment, plane: int) -> GreyPixels:
        """Decode one plane of a segment: uint8 (rows, columns, samples)."""
        index = plane * self.across * self.down + segment.index
        refusal = cannot_read(f"{self.samples} samples of {self.bits} bits with such compression")
        try:
            data = self._data(segment, plane)
            samples = self.page.decode(data, index, jpegtables=self.page.jpegtables)[0]
        except (ValueError, TypeError, RuntimeError, ImportError) as error:
            raise refusal from error
        if samples is None or samples.dtype.kind != "u" or self.photometric not in (0, 1, 2):
            raise refusal
        return np.asarray(samples[0] >> max(0, self.bits - 8), np.uint8)


def _group_4_of(inked: Inked) -> bytes:
    """Code rows in group 4, bool (rows, columns), black True."""
    file = io.BytesIO()
    picture = Image.fromarray(inked)
    picture.save(file, "TIFF", compression="group4", tiffinfo={_ROWS_PER_STRIP: len(inked)})
    file.seek(0)
    with TiffFile(file) as tiff:
        strip = tiff.pages.first
        file.seek(strip.dataoffsets[0])
        return file.read(strip.databytecounts[0])


def _small_tiff(byteorder: str, tags: Mapping[int, tuple[int, ...] | bytes], strips: list[bytes]) -> bytes:
    """Make a TIFF file of one page from its tags and the data of its strips."""
    sizes = [len(strip) for strip in strips]
    entries = {**tags, _STRIP_OFFSETS: (0,) * len(strips), _STRIP_SIZES: tuple(sizes)}
    values_at = 8 + 2 + 12 * len(entries) + 4
    lengths = [len(_packed(byteorder, code, value)[2]) for code, value in entries.items()]
    strips_at = values_at + sum(length for length in lengths if length > 4)
    entries[_STRIP_OFFSETS] = tuple(itertools.accumulate([strips_at, *sizes[:-1]]))
    directory, values = bytearray(), bytearray()
    for code in sorted(entries):
        kind, count, packed = _packed(byteorder, code, entries[code])
        directory += struct.pack(f"{byteorder}HHI", code, kind, count)
        if len(packed) > 4:
            directory += struct.pack(f"{byteorder}I", values_at + len(values))
            values += packed
        else:
            directory += packed.ljust(4, b"\0")
    order = {"<": b"II", ">": b"MM"}[byteorder]
    head = order + struct.pack(f"{byteorder}HIH", 42, 8, len(entries))
    return b"".join([head, directory, bytes(4), values, *strips])


def _packed(byteorder: str, code: int, value: tuple[int, ...] | bytes) -> tuple[int, int, bytes]:
    """Pack the value of a tag: the number of its TIFF type, how many there are, and their bytes."""
    if isinstance(value, bytes):
        return 7, len(value), value
    long = code in (_STRIP_OFFSETS, _STRIP_SIZES) or max(value, default=0) > 65535
    kind, letter = (4, "I") if long else (3, "H")
    return kind, len(value), struct.pack(f"{byteorder}{len(value)}{letter}", *value)
