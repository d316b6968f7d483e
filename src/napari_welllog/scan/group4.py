"""CCITT group 4 data: whether they end as they should, and a way to see that they were decoded to the end.

The code is that of ITU-T Recommendation T.6. A row is coded by how it differs from the row above, so one wrong or
missing bit spoils what follows; and decoders give what they have, the rest white, without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Inked = NDArray[np.bool_]

REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Every byte with its bits in the opposite order, for `bytes.translate`: fill order 2 of TIFF."""

_END_OF_BLOCK = "000000000001" * 2
# Horizontal mode, no white pixel, and two black ones or one.
_TWO_BLACK, _ONE_BLACK = "001" + "00110101" + "11", "001" + "00110101" + "010"


def end_of_rows(data: bytes) -> int | None:
    """Give the number of bits before the end-of-block code, or None where data do not end with that code."""
    data = data.rstrip(b"\0")
    end = int.from_bytes(data[-4:], "big")
    if not end:
        return None
    filling = (end & -end).bit_length() - 1  # the code ends with a one; the zeros behind it fill a byte
    if end >> filling & 0xFFFFFF != int(_END_OF_BLOCK, 2):
        return None
    return 8 * len(data) - filling - len(_END_OF_BLOCK)


def with_black_row(data: bytes, columns: int) -> bytes:
    """Append a black row to data that end properly: it is decoded as such only if all rows before it were.

    Parameters
    ----------
    data : bytes
        Rows in group 4 code and the end-of-block code.
    columns : int
        Pixels in a row.

    Returns
    -------
    bytes
        The same rows, a black one, and the end-of-block code.
    """
    bits = end_of_rows(data)
    if bits is None:
        raise ValueError("the data do not end with the end-of-block code")
    whole, shared = divmod(bits, 8)
    black = _black_row(columns, shared)
    if not shared:
        return data[:whole] + black
    joint = data[whole] >> (8 - shared) << (8 - shared) | black[0]
    return data[:whole] + bytes([joint]) + black[1:]


@lru_cache
def _black_row(columns: int, skipped: int) -> bytes:
    """Code a black row and the end of the block, behind some zero bits."""
    row = _TWO_BLACK * (columns // 2) + _ONE_BLACK * (columns % 2)
    bits = "0" * skipped + row + _END_OF_BLOCK
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def rows_in_parts(
    data: bytes,
    rows: int,
    at_once: int,
    decode: Callable[[bytes, int], Inked],
    encode: Callable[[Inked], bytes],
) -> Iterator[Inked]:
    """Decode data some rows at a time, with a decoder that can only begin at the beginning.

    The code leaves a writer hardly a choice, so rows that were decoded are coded again: that tells at which bit the
    next row begins, and, as the bits must be those of the data, that they were decoded rightly. The rows after it
    are decoded behind the code of the last row before them. Where the bits differ, as with a writer that codes in
    a way of its own or with damaged data, no more rows are given.

    Parameters
    ----------
    data : bytes
        Rows in group 4 code.
    rows, at_once : int
        How many rows there are, and how many to decode at a time.
    decode : callable
        Gives the first rows of some data, so many, as bool (rows, columns), black pixels True.
    encode : callable
        Codes rows, and the end of the block.

    Yields
    ------
    bool (some rows, columns)
        From the top, as far as the data can be followed.
    """
    above, place, done, usual = None, 0, 0, 64 + 8 * len(data) // max(rows, 1)
    while done < rows:
        count = min(at_once, rows - done)
        behind = _Bits(b"", 0) if above is None else _Bits.coded(encode(above))
        # Some rows are longer than others; the whole rest only where that was too little.
        for length in (4 * usual * count, 8 * len(data)):
            joined = behind.followed_by(data, place, length)
            found = decode(joined.data, count + (above is not None))
            coded = _Bits.coded(encode(found))
            if joined.begins_with(coded):
                break
        else:
            return
        place += coded.length - behind.length
        done += count
        if done == rows and end_of_rows(data) not in (None, place):
            return
        yield found[-count:]
        above = found[-1:]


class _Bits:
    """A run of bits that need not end with a byte.

    Parameters
    ----------
    data : bytes
        The bits, filled up with zeros.
    length : int
        How many they are.
    """

    def __init__(self, data: bytes, length: int) -> None:
        self.data, self.length = data, length

    @classmethod
    def coded(cls, data: bytes) -> _Bits:
        """The code of rows without the end-of-block code behind them."""
        return cls(data, end_of_rows(data) or 0)

    def followed_by(self, data: bytes, place: int, length: int) -> _Bits:
        """These bits, and behind them so many bits of some data from a place on, or what there is of them."""
        first, skipped = divmod(place, 8)
        part = data[first : first + -(-(length + skipped) // 8)]
        more = max(8 * len(part) - skipped, 0)
        own = int.from_bytes(self.data, "big") >> (8 * len(self.data) - self.length)
        joined = own << more | int.from_bytes(part, "big") & ((1 << more) - 1)
        count = self.length + more
        filling = -count % 8
        return _Bits((joined << filling).to_bytes((count + filling) // 8, "big"), count)

    def begins_with(self, other: _Bits) -> bool:
        """Tell whether another run of bits is the beginning of this one."""
        whole, rest = divmod(other.length, 8)
        if not 0 < other.length <= self.length or self.data[:whole] != other.data[:whole]:
            return False
        return not rest or (self.data[whole] ^ other.data[whole]) >> (8 - rest) == 0
