"""Ways to spoil bytes and JSON, each drawn by a random number generator, so that a case can be made again."""

from __future__ import annotations

import copy
import json
import re
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

INTEGERS = (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1)
INTEGERS += (2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)

# --- Bytes ---


def flip_bits(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Turn some bits over."""
    spoilt = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        spoilt[draw.randrange(len(spoilt))] ^= 1 << draw.randrange(8)
    return bytes(spoilt)


def flip_bits_at_the_start(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Spoil bytes of the header, where most of what a decoder believes is written."""
    spoilt = bytearray(data)
    for _ in range(draw.choice((1, 2, 4))):
        spoilt[draw.randrange(min(len(spoilt), 200))] = draw.choice(
            (0, 1, 127, 128, 255, draw.randrange(256))
        )
    return bytes(spoilt)


def overwrite_a_run(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Put one byte, or noise, over a run of bytes."""
    length = draw.choice((1, 2, 4, 16, 64, 512))
    at = draw.randrange(len(data))
    run = (
        draw.randbytes(length) if draw.random() < 0.5 else bytes([draw.choice((0, 255, 0x7F, 0x20))]) * length
    )
    return (data[:at] + run + data[at + length :])[: max(len(data), 1)]


def cut_short(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Leave out the end."""
    return data[: draw.randrange(len(data))]


def cut_out(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Leave out a run."""
    at = draw.randrange(len(data))
    return data[:at] + data[at + draw.choice((1, 2, 4, 32, 256)) :]


def insert(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Put bytes in."""
    at = draw.randrange(len(data))
    return data[:at] + draw.randbytes(draw.choice((1, 2, 4, 32, 1024))) + data[at:]


def repeat(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Write a run several times."""
    at = draw.randrange(len(data))
    length = draw.choice((1, 8, 64, 512))
    return data[:at] + data[at : at + length] * draw.choice((2, 3, 50)) + data[at + length :]


def splice(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Go on with another file."""
    other = draw.choice(others)
    return data[: draw.randrange(len(data))] + other[draw.randrange(len(other)) :]


def number_to_extreme(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Put an extreme number over two, four or eight bytes, in either order."""
    size = draw.choice((1, 2, 4, 4, 8))
    if len(data) <= size:
        return data
    packed = (draw.choice(INTEGERS) % 256**size).to_bytes(size, draw.choice(("little", "big")))
    at = draw.randrange(len(data) - size)
    return data[:at] + packed + data[at + size :]


def no_change(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Leave it: the valid file must be accepted."""
    return data


ByteMutator = Callable[[Random, bytes, Sequence[bytes]], bytes]
BYTES: tuple[ByteMutator, ...] = (
    flip_bits,
    flip_bits_at_the_start,
    overwrite_a_run,
    cut_short,
    cut_out,
    insert,
    repeat,
    splice,
    number_to_extreme,
)


def text_number_to_extreme(draw: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Write another number in the place of one that is written in digits."""
    numbers = list(re.finditer(rb"-?\d+(\.\d+)?", data))
    if not numbers:
        return data
    for _ in range(draw.choice((1, 1, 2, 3))):
        found = draw.choice(numbers)
        written = draw.choice(
            [*map(str, INTEGERS), "-1", "0.5", "1e99", "-2147483649", "9" * 30, "14400", ""]
        )
        data = data[: found.start()] + written.encode() + data[found.end() :]
        numbers = list(re.finditer(rb"-?\d+(\.\d+)?", data)) or numbers
    return data


# --- JSON ---

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    0.5,
    -0.0,
    1e-320,
    1e308,
    -1e308,
    1e22,
    10**400,
    2**63,
    -(2**63) - 1,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    " ",
    "0",
    "NaN",
    "x" * 20_000,
    "line\nbreak",
    "\0",
    "\ud800",
    "\u202e\u0338",
    "µs/ft·m³",
    "a:b. c~d#e",
    [],
    [[]],
    [None, None],
    {},
    {"": {}},
)


def odd_value(draw: Random) -> Any:
    """Draw a value that nobody would write, copied so that it can be changed."""
    return copy.deepcopy(draw.choice(ODD_VALUES))


def spots(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths of all values inside a JSON value."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path] * bool(path) + [spot for key, value in inner for spot in spots(value, (*path, key))]


def holder(tree: Any, path: tuple[Any, ...]) -> Any:
    """Give the object or list that holds the value at a path."""
    for step in path[:-1]:
        tree = tree[step]
    return tree


def spoil_json(draw: Random, tree: Any, odd: Callable[[Random], Any] = odd_value) -> Any:
    """Change some values of a JSON tree: other values, keys that are missing, unknown or moved, longer lists."""
    tree = copy.deepcopy(tree)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        paths = spots(tree)
        if not paths:
            return tree
        path = draw.choice(paths)
        inside = holder(tree, path)
        change = draw.randrange(8)
        if change <= 2:
            inside[path[-1]] = odd(draw)
        elif change == 3:
            del inside[path[-1]]
        elif change == 4 and isinstance(inside, dict):
            inside[draw.choice(("", "x", "Version", "classes", "name ", "\n", "left", "k" * 300))] = odd(draw)
        elif change == 4:
            inside.extend([copy.deepcopy(inside[path[-1]]) for _ in range(draw.choice((1, 2, 200)))])
        elif change == 5:
            other = draw.choice(paths)
            inside[path[-1]] = copy.deepcopy(holder(tree, other)[other[-1]])
        elif change == 6 and isinstance(inside[path[-1]], int | float):
            inside[path[-1]] = draw.choice((-1, 0.5, 2, 1e3, 1e6, 1e9, -1e6, 1 + 1e-15)) * inside[path[-1]]
        else:
            value = inside[path[-1]]
            for _ in range(draw.choice((1, 5, 50))):
                value = [value] if draw.random() < 0.5 else {"version": value}
            inside[path[-1]] = value
    return tree


def json_text(tree: Any) -> bytes:
    """Write JSON as Python does: NaN and lone surrogates as they come."""
    return json.dumps(tree, ensure_ascii=True).encode("ascii")


def odd_json_text(draw: Random, tree: Any) -> bytes:
    """Write what no tree can hold: nesting without end, keys given twice, numbers of many digits, other codes."""
    text = json_text(tree).decode()
    kind = draw.randrange(8)
    if kind == 0:
        depth = draw.choice((500, 5_000, 200_000))
        opening, closing = draw.choice((("[", "]"), ('{"version":', "}")))
        return (opening * depth + "1" + closing * depth * draw.randrange(2)).encode()
    if kind == 1:
        at = draw.choice([match.start() for match in re.finditer(r"[{]", text)]) + 1
        key = draw.choice(re.findall(r'"(\w+)":', text))
        return (text[:at] + f'"{key}": {draw.choice(("1", "null", "{}"))}, ' + text[at:]).encode()
    if kind == 2:
        found = draw.choice(list(re.finditer(r"-?\d+(\.\d+)?", text)))
        number = draw.choice(
            ("9" * 10_000, "1e999999", "-" + "9" * 5_000, "0." + "0" * 5_000 + "1", "1" * 4_400)
        )
        return (text[: found.start()] + number + text[found.end() :]).encode()
    if kind == 3:
        return text.encode(draw.choice(("utf-16", "utf-32", "utf-8-sig", "cp037")))
    if kind == 4:
        return draw.choice(
            (b"", b"null", b"[]", b"{}", b'"version"', b"1", b"\xef\xbb\xbf", b"\xff\xfe", b"[1", b"nul")
        )
    if kind == 5:
        return (
            b" " * draw.choice((10, 100_000))
            + text.encode()
            + draw.choice((b"}", b"\0", b"{}", b"\n" * 1000))
        )
    if kind == 6:
        return text.replace('"', "'").encode()
    return text_number_to_extreme(draw, text.encode(), ())


def packed(order: str, letter: str, number: int) -> bytes:
    """Pack a number, whatever it is, into the size of a `struct` letter."""
    size = struct.calcsize(letter)
    return (number % 256**size).to_bytes(size, "little" if order == "<" else "big")
