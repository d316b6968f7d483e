"""CCITT group 4 data: whether they end as they should, and a way to see that they were decoded to the end.

The code is that of ITU-T Recommendation T.6. A row is coded by how it differs from the row above, so one wrong or
missing bit spoils what follows; and decoders give what they have, the rest white, without a word.
"""

from __future__ import annotations

from functools import lru_cache

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
