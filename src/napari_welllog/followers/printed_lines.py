"""Grid lines: found by their length wherever they run, and taken away where no curve crosses them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Shares = NDArray[np.float32]

BLOCK = 64
"""Pixels along a line that are looked at together: over so many a skewed page moves a line by about one pixel."""

LONG = 768
"""Pixels that a line must run straight on to be a grid line; a curve that stands still for so long is rare."""

_SHARE_OF_A_SIDE = 0.7
"""In a picture that is not so long, a grid line runs over this share of it."""

_FEWEST_BLOCKS = 3
_SURELY, _PERHAPS, _SEAM = 0.6, 0.35, 0.25


def erase_printed_lines(
    ink: Mask, across: float = 0.8, lean: float | None = None, vertical: bool = True
) -> None:
    """Take vertical and horizontal grid lines out of a picture, in place; what a curve inks across them stays.

    A line is found in blocks of 64 pixels along it, each of which may lie one pixel beside the last, so skewed
    and worn lines are found where they are. A horizontal stroke counts only if it runs through most of the
    width: a kick that is shorter stays.

    Parameters
    ----------
    ink : bool (rows, columns)
        Changed in place.
    across : float
        Share of the width that a horizontal line must run through.
    lean : float, optional
        Rows by which horizontal lines go down in a column, where the tilt of the page is known: a kick that runs
        through the whole width is then told from a line by its lean.
    vertical : bool
        Whether vertical lines go too.

    Examples
    --------
    >>> ink = np.zeros((400, 200), bool)
    >>> ink[:, 50:52] = True  # a grid line
    >>> ink[100:120, 45:60] = True  # and something across it
    >>> erase_printed_lines(ink)
    >>> int(ink.sum()), bool(ink[110, 50])
    (300, True)
    """
    rows, columns = ink.shape
    shares = _block_shares(ink, 1)
    steps = max(int(across * columns // BLOCK), _FEWEST_BLOCKS)
    lines = [
        (
            ink,
            _line_blocks(shares, steps, columns) if lean is None else _leaning_blocks(shares, across, lean),
        ),
    ]
    if vertical:
        lines.append((ink.T, _line_blocks(_block_shares(ink, 0).T, _blocks_of(rows), rows)))
    hits = [_pixels_without_crossing(picture, blocks) for picture, blocks in lines]
    for (picture, _), (line, along) in zip(lines, hits, strict=True):
        picture[line, along] = False


def _blocks_of(rows: int) -> int:
    """The number of blocks down that make a vertical line, in a picture of this height."""
    return max(math.ceil(min(LONG, _SHARE_OF_A_SIDE * rows) / BLOCK), _FEWEST_BLOCKS)


def _block_shares(ink: Mask, axis: int) -> Shares:
    """Share of ink in each block of pixels along an axis; float32, that axis shortened to blocks."""
    length = ink.shape[axis]
    whole = length - length % BLOCK
    starts = [*range(0, whole, BLOCK)]
    parts = np.split(ink, [whole], axis=axis)
    rows, columns = parts[0].shape
    shape = (rows, len(starts), BLOCK) if axis == 1 else (len(starts), BLOCK, columns)
    sums = np.add.reduce(parts[0].reshape(shape).view(np.uint8), axis=2 if axis == 1 else 1, dtype=np.uint8)
    shares = sums.astype(np.float32) / BLOCK
    if whole < length:
        rest = parts[1].mean(axis=axis, keepdims=True, dtype=np.float32)
        shares = np.concatenate([shares, rest], axis=axis)
    return np.asarray(shares, np.float32)


def _line_blocks(shares: Shares, steps: int, length: int) -> Mask:
    """Which blocks, bool (lines, blocks), belong to a line that is inked over so many blocks in a row."""
    if shares.shape[1] < steps:
        return np.zeros(shares.shape, bool)
    counted = shares.copy()
    counted[:, -1] *= (length - 1) % BLOCK / BLOCK  # the last block may be a short one
    onward = _best_sums(counted, steps)
    back = [sums[:, ::-1] for sums in _best_sums(counted[:, ::-1], steps)]
    best = np.max([onward[k] + back[steps - 1 - k] - counted for k in range(steps)], axis=0)
    blocks = (best >= _SURELY * steps) & (shares >= _PERHAPS)
    for _ in range(2):  # the seam of a line that leans, or is drawn between two pixels
        blocks |= _beside(blocks) & (shares >= _SEAM)
    return np.asarray(blocks)


def _leaning_blocks(shares: Shares, across: float, lean: float) -> Mask:
    """Which blocks belong to a line that runs with a known lean through most of the width."""
    if shares.shape[1] < _FEWEST_BLOCKS:
        return np.zeros(shares.shape, bool)
    downs = np.rint(lean * BLOCK * np.arange(shares.shape[1])).astype(int)
    level = np.stack([np.roll(shares[:, k], -down) for k, down in enumerate(downs)], axis=1)
    near = level.copy()
    np.maximum(near[1:], level[:-1], out=near[1:])
    np.maximum(near[:-1], level[1:], out=near[:-1])
    lines = (near.mean(axis=1) >= _SURELY) & ((near >= _PERHAPS).mean(axis=1) >= across - 0.1)
    blocks = (lines | _beside(lines[:, None])[:, 0])[:, None] & (level >= _PERHAPS)
    for _ in range(2):
        blocks |= _beside(blocks) & (level >= _SEAM)
    return np.stack([np.roll(blocks[:, k], down) for k, down in enumerate(downs)], axis=1)


def _best_sums(shares: Shares, steps: int) -> list[Shares]:
    """For 1, 2, ... blocks onward from each block, the largest sum of shares along a line that may lean."""
    sums = [shares]
    for _ in range(steps - 1):
        before = sums[-1]
        best = before.copy()
        np.maximum(best[1:], before[:-1], out=best[1:])
        np.maximum(best[:-1], before[1:], out=best[:-1])
        following = shares.copy()
        following[:, :-1] += best[:, 1:]
        sums.append(following)
    return sums


def _beside(blocks: Mask) -> Mask:
    """The blocks one pixel to either side."""
    beside = np.zeros_like(blocks)
    beside[1:] |= blocks[:-1]
    beside[:-1] |= blocks[1:]
    return beside


def _pixels_without_crossing(ink: Mask, blocks: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the pixels of line blocks where there is no ink on either side of the line."""
    line, block = np.nonzero(blocks)
    index = np.arange(len(blocks))[:, None]
    before = np.maximum.accumulate(np.where(blocks, -1, index), axis=0)[line, block]
    after = np.minimum.accumulate(np.where(blocks, len(blocks), index)[::-1], axis=0)[::-1][line, block]
    along = block[:, None] * BLOCK + np.arange(BLOCK)
    inside = along < ink.shape[1]
    along = np.minimum(along, ink.shape[1] - 1)
    crossed = _both_inked(ink, before, before - 1, along) | _both_inked(ink, after, after + 1, along)
    cleared = inside & ~crossed
    return np.broadcast_to(line[:, None], cleared.shape)[cleared], along[cleared]


def _both_inked(
    ink: Mask, near: NDArray[np.intp], far: NDArray[np.intp], along: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Whether the two pixels beside a line are both inked, which wear alone seldom does."""
    last = len(ink) - 1
    inside = (np.minimum(near, far) >= 0) & (np.maximum(near, far) <= last)
    near, far = np.clip(near, 0, last), np.clip(far, 0, last)
    return np.asarray(inside[:, None] & ink[near[:, None], along] & ink[far[:, None], along])
