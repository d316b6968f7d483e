"""Ways to spoil files by what stands where in them: tags, chunks, segments, objects, tensors.

A random byte is seldom believed, because a checksum or a length beside it is wrong then; these keep the rest of a
file sound, so that decoders go on with what was changed.
"""

from __future__ import annotations

import json
import pickle
import re
import struct
import zlib
from collections.abc import Sequence
from random import Random

from tests.fuzz.mutate import INTEGERS, flip_bits, packed, spoil_json

# --- TIFF ---

_TAGS = (
    254,
    256,
    257,
    258,
    259,
    262,
    266,
    273,
    274,
    277,
    278,
    279,
    282,
    283,
    284,
    292,
    293,
    296,
    317,
    320,
    322,
)
_TAGS += (323, 324, 325, 330, 338, 339, 347, 530, 532, 34665, 513, 514)
_TAG_VALUES = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    16,
    32,
    64,
    999,
    32771,
    32773,
    32946,
    34712,
    50000,
    65000,
    100_000,
    *INTEGERS,
)


def spoil_tiff(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change entries of the directories of a classic TIFF."""
    order = "<" if data[:2] == b"II" else ">"
    spoilt = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 3, 6))):
        directories = _directories(spoilt, order)
        if not directories:
            break
        at, count = draw.choice(directories)
        entry = at + 2 + 12 * draw.randrange(max(count, 1))
        change = draw.randrange(8)
        if change == 0:
            spoilt[entry : entry + 2] = packed(order, "H", draw.choice(_TAGS))
        elif change == 1:
            spoilt[entry + 2 : entry + 4] = packed(
                order, "H", draw.choice((0, 1, 2, 3, 4, 5, 7, 11, 12, 13, 16, 99))
            )
        elif change == 2:
            spoilt[entry + 4 : entry + 8] = packed(order, "I", draw.choice(INTEGERS))
        elif change == 3:
            following = at + 2 + 12 * count
            spoilt[following : following + 4] = packed(
                order, "I", draw.choice((0, 8, at, len(data) - 3, *INTEGERS))
            )
        elif change == 4:
            spoilt[at : at + 2] = packed(order, "H", draw.choice((0, 1, count - 1, count + 1, 500, 65535)))
        elif change == 5:
            other = at + 2 + 12 * draw.randrange(max(count, 1))
            spoilt[entry : entry + 12] = spoilt[other : other + 12]
        else:
            _set_value(draw, spoilt, entry, order)
        del spoilt[len(data) + 64 :]
    return bytes(spoilt)


def _set_value(draw: Random, spoilt: bytearray, entry: int, order: str) -> None:
    """Give an entry another number, in the way that its type holds one."""
    kind = int.from_bytes(spoilt[entry + 2 : entry + 4], "little" if order == "<" else "big")
    value = draw.choice(_TAG_VALUES)
    if kind == 3:
        spoilt[entry + 8 : entry + 10] = packed(order, "H", value)
    else:
        spoilt[entry + 8 : entry + 12] = packed(order, "I", value)


def _directories(data: bytes | bytearray, order: str) -> list[tuple[int, int]]:
    """Find the directories: where each begins and how many entries it has."""
    found: list[tuple[int, int]] = []
    try:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        while at and len(found) < 20 and at not in [place for place, _ in found]:
            (count,) = struct.unpack_from(f"{order}H", data, at)
            if at + 2 + 12 * count + 4 > len(data):
                break
            found.append((at, count))
            (at,) = struct.unpack_from(f"{order}I", data, at + 2 + 12 * count)
    except struct.error:
        pass
    return found


# --- PNG ---

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Make a chunk with its length and its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def spoil_png(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change the chunks of a PNG, with checksums that are right."""
    chunks = _chunks(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        if not chunks:
            break
        k = draw.randrange(len(chunks))
        name, content = chunks[k]
        change = draw.randrange(9)
        if change <= 2:
            chunks[0] = (b"IHDR", _spoilt_header(draw, chunks[0][1]))
        elif change == 3:
            del chunks[k]
        elif change == 4:
            chunks.insert(draw.randrange(len(chunks) + 1), (name, content))
        elif change == 5:
            chunks[k] = (
                draw.choice((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"tEXt", b"abcd", b"ABCD")),
                content,
            )
        elif change == 6:
            chunks.insert(1, _large_note(draw))
        elif change == 7 and name == b"IDAT":
            chunks[k] = (name, _spoilt_stream(draw, content))
        elif content:
            spoilt = bytearray(content)
            spoilt[draw.randrange(len(spoilt))] = draw.randrange(256)
            chunks[k] = (name, bytes(spoilt))
    return _PNG_HEAD + b"".join(png_chunk(name, content) for name, content in chunks)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Split a PNG."""
    chunks, at = [], len(_PNG_HEAD)
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks


def _spoilt_header(draw: Random, content: bytes) -> bytes:
    """Change the size, the depth or the colour type."""
    head = bytearray(content.ljust(13, b"\0"))
    place = draw.choice((0, 4, 8, 9, 12))
    if place < 8:
        head[place : place + 4] = packed(">", "I", draw.choice((20_000, 60_000, 1_000_000, *INTEGERS)))
    else:
        head[place] = draw.choice((0, 1, 2, 3, 4, 6, 7, 8, 16, 32, 255))
    return bytes(head)


def _large_note(draw: Random) -> tuple[bytes, bytes]:
    """Make a small chunk that holds a hundred megabytes, or a resolution or a photograph's note of nonsense."""
    if draw.random() < 0.5:
        return draw.choice(
            ((b"zTXt", b"note\0\0" + _BOMB), (b"iCCP", b"icc\0\0" + _BOMB), (b"iTXt", b"n\0\1\0\0\0" + _BOMB))
        )
    return draw.choice(
        (
            (b"pHYs", draw.randbytes(9)),
            (b"eXIf", b"MM\0*" + draw.randbytes(30)),
            (b"acTL", b"\xff" * 8),
            (b"gAMA", b"\0" * 4),
        )
    )


_BOMB = zlib.compress(bytes(100_000_000), 9)


def _spoilt_stream(draw: Random, content: bytes) -> bytes:
    """Change the pixels before they are compressed: too few, too many, filters that there are not."""
    try:
        pixels = bytearray(zlib.decompress(content))
    except zlib.error:
        return content
    change = draw.randrange(3)
    if change == 0:
        pixels = pixels[: draw.randrange(len(pixels) + 1)]
    elif change == 1:
        pixels += bytes(draw.choice((1, 1000, 3_000_000)))
    else:
        for _ in range(8):
            pixels[draw.randrange(len(pixels))] = draw.randrange(256)
    return zlib.compress(bytes(pixels))


# --- JPEG ---


def spoil_jpeg(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change the segments of a JPEG: sizes, tables, components, order."""
    segments = list(re.finditer(rb"\xff[\xc0-\xcf\xda\xdb\xdd\xe0-\xef]", data))
    if not segments:
        return data
    at = draw.choice(segments).start()
    size = int.from_bytes(data[at + 2 : at + 4], "big")
    change = draw.randrange(5)
    if change == 0:
        return data[:at] + data[at + 2 + size :]
    if change == 1:
        return data[:at] + data[at : at + 2 + size] * draw.choice((2, 40)) + data[at + 2 + size :]
    if change == 2:
        return data[: at + 1] + bytes([draw.randrange(0xC0, 0xF0)]) + data[at + 2 :]
    spoilt = bytearray(data)
    inside = at + 2 + draw.randrange(max(min(size, 20), 1))
    spoilt[inside : inside + 2] = (
        packed(">", "H", draw.choice(INTEGERS)) if change == 3 else draw.randbytes(2)
    )
    return bytes(spoilt)


# --- PDF ---

_PDF_WORDS = (
    b"/MediaBox",
    b"/Width",
    b"/Height",
    b"/BitsPerComponent",
    b"/Filter",
    b"/ColorSpace",
    b"/Length",
    b"/Kids",
)
_PDF_WORDS += (
    b"/Contents",
    b"/Resources",
    b"/Count",
    b"/Rotate",
    b"/UserUnit",
    b"/CropBox",
    b"/DecodeParms",
    b"/Parent",
)
_PDF_NAMES = (
    b"/DCTDecode",
    b"/FlateDecode",
    b"/CCITTFaxDecode",
    b"/JBIG2Decode",
    b"/JPXDecode",
    b"/LZWDecode",
)
_PDF_NAMES += (
    b"/DeviceCMYK",
    b"/DeviceGray",
    b"/Indexed",
    b"/Form",
    b"/Image",
    b"/Pages",
    b"/Page",
    b"/SMask",
)


def spoil_pdf(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change numbers, names and references of a PDF, which pdfium mends as well as it can."""
    for _ in range(draw.choice((1, 1, 2, 4))):
        change = draw.randrange(6)
        if change == 0:
            data = _swapped(draw, data, rb"\d+ 0 R", [b"%d 0 R" % draw.randrange(12)])
        elif change == 1:
            data = _swapped(draw, data, rb"/[A-Z][A-Za-z0-9]+", [*_PDF_WORDS, *_PDF_NAMES])
        elif change == 2:
            box = b"[ 0 0 %d %d ]" % (
                draw.choice((0, 1, 14_400, 200_000, 2**31)),
                draw.choice((1, 800, 14_400, 2**31)),
            )
            data = _swapped(draw, data, rb"\[[\d. -]+\]", [box])
        elif change == 3:
            data = _swapped(
                draw, data, rb"(?<=/(?:Width|Count)) \d+", [b" %d" % number for number in INTEGERS]
            )
        elif change == 4:
            data = _swapped(draw, data, rb"(?<=/Height) \d+", [b" %d" % number for number in INTEGERS])
        else:
            data = _swapped(
                draw,
                data,
                rb">>",
                [b"%s %d >>" % (draw.choice(_PDF_WORDS), draw.choice(INTEGERS)), b"", b"<<"],
            )
    return data


def _swapped(draw: Random, data: bytes, pattern: bytes, choices: list[bytes]) -> bytes:
    """Put something else in the place of one match."""
    found = list(re.finditer(pattern, data))
    if not found:
        return data
    match = draw.choice(found)
    return data[: match.start()] + draw.choice(choices) + data[match.end() :]


# --- Weights ---


class Trap:
    """What unpickling it does: it must never happen."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Ask to run a command."""
        import os

        return os._exit, (77,)  # type: ignore[return-value]


def spoil_weights(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change the header of a safetensors file, its numbers, or give a pickle in its place."""
    try:
        (size,) = struct.unpack("<Q", data[:8])
        header, numbers = json.loads(data[8 : 8 + size]), data[8 + size :]
        names = [name for name in header if name != "__metadata__"]
        one = header[draw.choice(names)]
        _ = one["shape"], header[names[0]]["data_offsets"], numbers[3]
    except (struct.error, ValueError, LookupError, TypeError):  # spoilt before
        return flip_bits(draw, data, others)
    change = draw.randrange(8)
    if change == 0:
        return pickle.dumps(Trap(), protocol=draw.randrange(5))
    if change == 1:
        return struct.pack("<Q", draw.choice(INTEGERS) % 2**64) + data[8:]
    if change == 2:
        values = draw.choice(
            (b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\0\0\x80\xbf", b"\xff\xff\x7f\x7f", b"\0\0\0\0")
        )
        at = 4 * draw.randrange(len(numbers) // 4)
        run = values * draw.choice((1, 4, 64))
        return data[: 8 + size] + (numbers[:at] + run + numbers[at + len(run) :])[: len(numbers)]
    if change == 3:
        one["dtype"] = draw.choice(
            ("F64", "F16", "BF16", "I8", "I64", "BOOL", "F8_E4M3", "C64", "", "F32 ", 4)
        )
    elif change == 4:
        one["shape"] = draw.choice(([], [0], [-1], [2**40], [2**63], [1] * 200, [2.5], "2", "x", [3, 3]))
    elif change == 5:
        one["data_offsets"] = draw.choice(
            ([0, 0], [0, 2**40], [4, 0], [-4, 0], [0], [2**64, 2**64 + 4], header[names[0]]["data_offsets"])
        )
    elif change == 6:
        header["__metadata__"] = draw.choice(
            (
                {"architecture": "another"},
                {"architecture": 3},
                {},
                [],
                {"x" * 100_000: "y"},
                {"architecture": "a\n\x1b[31mb" * 40},
            )
        )
    else:
        header = spoil_json(draw, header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers
