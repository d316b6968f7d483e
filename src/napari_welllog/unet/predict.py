"""Prediction: a scan of any length in, its class map out, tile by tile with nothing lost at the seams."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from napari_welllog.class_map import ClassMap
from napari_welllog.errors import Cancelled, ScanError, is_out_of_memory
from napari_welllog.overlap import read_ahead
from napari_welllog.unet.blank import BAND, inked_columns
from napari_welllog.unet.layout import STRIDE
from napari_welllog.unet.predictor import EVERYTHING, Part, Predictor, make_predictor
from napari_welllog.unet.weights import Model, load_model

ALIGNMENT = STRIDE
HALO_ROWS = 352
HALO_COLUMNS = 672
"""Wider than the network's reach, which is far along the rows. Few scans are so wide that they are cut there."""

SMALLEST_TILE = 64
"""Rows and columns below which a tile is not halved any more when memory runs out."""

GRAPHICS_TILES = 8
"""Tiles of a processor that a graphics card gets at once."""

TILE_MEGAPIXELS = 7.5
FAINTEST = 5


@dataclass(frozen=True)
class Tile:
    """A rectangle whose classes are predicted together, and the larger one that the network looks at for it.

    Parameters
    ----------
    rows, columns : first and last-plus-one that are predicted.
    seen_rows, seen_columns : the same with a halo, within the scan; their starts are multiples of 32.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    seen_rows: tuple[int, int]
    seen_columns: tuple[int, int]


def _cut(length: int, size: int, halo: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Cut a length into stretches of a size, each with the stretch that the network looks at."""
    for start in range(0, length, size):
        stop = min(start + size, length)
        yield (start, stop), (max(0, start - halo), min(length, stop + halo))


def plan_tiles(rows: int, columns: int, tile_rows: int, tile_columns: int) -> list[Tile]:
    """Cut a scan into tiles, in reading order.

    The halo is wider than the network's reach and every tile begins on a multiple of the network's stride, so
    the prediction of a pixel does not depend on the tile it falls in.

    Parameters
    ----------
    rows, columns : size of the scan.
    tile_rows, tile_columns : size of a tile, rounded up to multiples of 32.

    Examples
    --------
    >>> [tile.seen_rows for tile in plan_tiles(1000, 100, 512, 512)]
    [(0, 864), (160, 1000)]
    """
    tall, wide = (ALIGNMENT * max(1, -(-size // ALIGNMENT)) for size in (tile_rows, tile_columns))
    return [
        Tile(own_rows, own_columns, seen_rows, seen_columns)
        for own_rows, seen_rows in _cut(rows, tall, HALO_ROWS)
        for own_columns, seen_columns in _cut(columns, wide, HALO_COLUMNS)
    ]


def tile_around(rows: tuple[int, int], columns: tuple[int, int], shape: tuple[int, int]) -> Tile:
    """A tile, whose rows and columns begin on multiples of 32, with what the network looks at for it.

    Examples
    --------
    >>> tile_around((1024, 1056), (0, 64), (5000, 64)).seen_columns
    (0, 64)
    """

    def seen(span: tuple[int, int], length: int, halo: int) -> tuple[int, int]:
        return max(0, span[0] - halo), min(length, span[1] + halo)

    return Tile(rows, columns, seen(rows, shape[0], HALO_ROWS), seen(columns, shape[1], HALO_COLUMNS))


def halves(tile: Tile, shape: tuple[int, int]) -> list[Tile]:
    """A tile cut across its longer side; nothing when it is too small for that.

    Examples
    --------
    >>> [part.rows for part in halves(plan_tiles(300, 100, 512, 512)[0], (300, 100))]
    [(0, 160), (160, 300)]
    """
    (top, bottom), (left, right) = tile.rows, tile.columns
    if max(bottom - top, right - left) <= SMALLEST_TILE:
        return []
    if bottom - top >= right - left:
        middle = top + -(-(bottom - top) // (2 * ALIGNMENT)) * ALIGNMENT
        return [tile_around(rows, tile.columns, shape) for rows in ((top, middle), (middle, bottom))]
    middle = left + -(-(right - left) // (2 * ALIGNMENT)) * ALIGNMENT
    return [tile_around(tile.rows, columns, shape) for columns in ((left, middle), (middle, right))]


def tile_size(columns: int, device: str = "cpu") -> tuple[int, int]:
    """Rows and columns of the tiles for a scan of a width: as tall as a fixed memory allows.

    A graphics card gets eight tiles in one: many small ones would leave it waiting for each.

    Examples
    --------
    >>> tile_size(2400), tile_size(2400, "cuda")
    ((3104, 2400), (24960, 2400))
    """
    wide = min(columns, 4096)
    megapixels = TILE_MEGAPIXELS if device == "cpu" else GRAPHICS_TILES * TILE_MEGAPIXELS
    return max(256, int(megapixels * 1e6 / (wide + 1)) // ALIGNMENT * ALIGNMENT), wide


@dataclass(frozen=True)
class _Inked:
    """The part of a tile that may hold a curve, as read from the scan.

    Parameters
    ----------
    tile : the tile.
    part : the smallest tile that holds all its ink; None for blank paper.
    pixels : what the network looks at for the part.
    columns : for each band of the tile's rows, the columns in which it may hold a curve.
    """

    tile: Tile
    part: Tile | None
    pixels: NDArray[np.uint8] | None
    columns: list[tuple[int, int] | None]

    @classmethod
    def read(cls, pixels: NDArray[np.uint8], tile: Tile) -> _Inked:
        """Read a tile from a scan, leaving blank paper out."""
        (top, bottom), (left, right) = tile.rows, tile.columns
        above, below = max(top - BAND, 0), min(bottom + BAND, pixels.shape[0])
        around = pixels[above:below]
        columns: list[tuple[int, int] | None] = []
        for first in range(top, bottom, BAND):
            span = inked_columns(around[max(first - BAND - above, 0) : first + 2 * BAND - above])
            inside = None if span is None else (max(span[0], left), min(span[1], right))
            columns.append(inside if inside is not None and inside[0] < inside[1] else None)
        inked = [(k, span) for k, span in enumerate(columns) if span is not None]
        if not inked:
            return cls(tile, None, None, columns)
        rows = top + inked[0][0] * BAND, min(top + (inked[-1][0] + 1) * BAND, bottom)
        across = min(span[0] for _, span in inked), max(span[1] for _, span in inked)
        part = tile_around(rows, across, (pixels.shape[0], pixels.shape[1]))
        return cls(tile, part, pixels[slice(*part.seen_rows), slice(*part.seen_columns)], columns)

    def laid_out(self, read: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        """What was read of the whole tile, from that of its part: where paper is blank, surely background."""
        (top, bottom), (left, right) = self.tile.rows, self.tile.columns
        if read is not None and all(span == (left, right) for span in self.columns):
            return read
        laid_out = np.zeros((3, bottom - top, right - left), np.uint8)
        if self.part is None or read is None:
            return laid_out
        for k, span in enumerate(self.columns):
            if span is None:
                continue
            first = k * BAND
            last = min(first + BAND, bottom - top)
            down, across = top - self.part.rows[0], self.part.columns[0]
            laid_out[:, first:last, span[0] - left : span[1] - left] = read[
                :, first + down : last + down, span[0] - across : span[1] - across
            ]
        return laid_out


def predict_ink(
    pixels: NDArray[np.uint8],
    predictor: Predictor,
    tiles: Iterable[Tile],
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[tuple[Tile, NDArray[np.uint8]], None, None]:
    """Predict tile after tile, sparing the network paper without ink.

    Blank paper is background, by the rule of `inked_columns`, which judges a band of 32 rows by itself and its
    neighbours and so gives the same whatever the tiles. The next tile is read while one is predicted.

    Yields
    ------
    Each tile with uint8 (3, rows, columns) of its own rectangle: the likeliest class, and the probabilities of curve
    one and curve two in 255ths.

    Raises
    ------
    Cancelled : asked to stop.
    """
    with read_ahead(_Inked.read(pixels, tile) for tile in tiles) as reading:
        for inked in reading:
            if cancelled():
                raise Cancelled
            if inked.part is None or inked.pixels is None:
                yield inked.tile, inked.laid_out(None)
                continue
            part = inked.part
            inside = (
                slice(part.rows[0] - part.seen_rows[0], part.rows[1] - part.seen_rows[0]),
                slice(part.columns[0] - part.seen_columns[0], part.columns[1] - part.seen_columns[0]),
            )
            yield inked.tile, inked.laid_out(predictor.read(inked.pixels, inside, cancelled))


class FittingPredictor:
    """A predictor that reads what does not fit into memory in halves, down to small pieces: the result is the same.

    Parameters
    ----------
    predictor : what reads.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.device, self.engine, self.number_format = (
            predictor.device,
            predictor.engine,
            predictor.number_format,
        )

    def read(
        self,
        pixels: NDArray[np.uint8],
        part: Part = EVERYTHING,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> NDArray[np.uint8]:
        """Classes and curve probabilities, as every `Predictor` reads them.

        Raises
        ------
        MemoryError : not even a small piece fits.
        """
        try:
            return self.predictor.read(pixels, part, cancelled)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        # Outside of the handler, which holds on to the tensors that did not fit.
        shape = pixels.shape[0], pixels.shape[1]
        (top, bottom), (left, right) = (
            side.indices(length)[:2] for side, length in zip(part, shape, strict=True)
        )
        pieces = halves(tile_around((top, bottom), (left, right), shape), shape)
        if not pieces:
            raise MemoryError
        read = np.empty((3, bottom - top, right - left), np.uint8)
        for piece in pieces:
            (first, last), (begin, end) = piece.rows, piece.columns
            above, aside = piece.seen_rows[0], piece.seen_columns[0]
            read[:, first - top : last - top, begin - left : end - left] = self.read(
                pixels[slice(*piece.seen_rows), slice(*piece.seen_columns)],
                (slice(first - above, last - above), slice(begin - aside, end - aside)),
                cancelled,
            )
        return read


def segment(
    pixels: NDArray[np.uint8],
    model: Model | str | os.PathLike[str] | None = None,
    device: str = "auto",
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ClassMap:
    """Give every pixel of a scan its class.

    Parameters
    ----------
    pixels : uint8 (rows, columns), 0 ink to 255 paper.
    model : a loaded model, the name of a shipped one or a weights file; None for the one that ships.
    device : auto, cpu, cuda or mps.
    progress : called with the share of the work done, 0 to 1.
    cancelled : asked before every tile whether to stop.

    Returns
    -------
    The class map. Its probabilities are rounded to 255ths, and curve probabilities under 2 % are dropped.

    Raises
    ------
    ScanError : the pixels are not a grey picture.
    ModelError : the model or device cannot be used.
    Cancelled : asked to stop.

    Examples
    --------
    >>> import numpy as np
    >>> segment(np.full((64, 64), 255, np.uint8)).shares()
    (1.0, 0.0, 0.0)
    """
    labels = np.empty(pixels.shape, np.uint8)
    sheets: tuple[list[csr_array], list[csr_array]] = ([], [])
    for band in segment_bands(pixels, model, device, progress, cancelled):
        labels[band.top : band.top + len(band.labels)] = band.labels
        for sheet, plane in zip(sheets, band.curve_probabilities, strict=True):
            sheet.append(plane)
    one, two = (vstack(sheet, format="csr") for sheet in sheets)
    return ClassMap(labels, (one, two))


@dataclass(frozen=True)
class ClassBand:
    """The classes of some rows of a scan.

    Parameters
    ----------
    top : the first of the rows.
    labels : uint8 (rows, columns), the class of every pixel.
    curve_probabilities : two csr_array of uint8 (rows, columns), as in a `ClassMap`.
    """

    top: int
    labels: NDArray[np.uint8]
    curve_probabilities: tuple[csr_array, csr_array]


def segment_bands(
    pixels: NDArray[np.uint8],
    model: Model | str | os.PathLike[str] | None = None,
    device: str = "auto",
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    where: Callable[[Tile], bool] | None = None,
) -> Generator[ClassBand, None, None]:
    """Give the class map that `segment` gives, some rows at a time from top to bottom, without holding it.

    Parameters
    ----------
    pixels : uint8 (rows, columns), 0 ink to 255 paper; an array, or anything that is indexed as one by slices, such
        as the `StripPixels` of a scan that is read as it is needed.
    model, device, progress, cancelled : as in `segment`.
    where : tells of a tile whether its classes are wanted; the others are background, and are not even read.

    Yields
    ------
    Bands that follow each other and cover the scan.

    Raises
    ------
    As `segment` does.

    Examples
    --------
    >>> bands = segment_bands(np.full((64, 64), 255, np.uint8))
    >>> [(band.top, band.labels.shape) for band in bands]
    [(0, (64, 64))]
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ScanError(
            f"A scan is uint8 of rows and columns, not {pixels.dtype} of shape {pixels.shape}: read it by read_scan."
        )
    predictor = FittingPredictor(
        make_predictor(model if isinstance(model, Model) else load_model(model), device)
    )
    tiles = plan_tiles(pixels.shape[0], pixels.shape[1], *tile_size(pixels.shape[1], predictor.device))
    wanted = [tile for tile in tiles if where is None or where(tile)]
    open_band = _OpenBand(pixels.shape[1])
    with closing(predict_ink(pixels, predictor, wanted, cancelled or (lambda: False))) as predicted:
        for done, tile in enumerate(tiles, 1):
            open_band.add(tile, None if where and not where(tile) else next(predicted)[1])
            if tile.columns[1] == pixels.shape[1]:
                yield open_band.close()
            if progress:
                progress(done / len(tiles))


def keep_likely(plane: NDArray[np.uint8]) -> csr_array:
    """The curve probabilities, in 255ths, of 2 % and above: sparse, uint8 (rows, columns).

    Examples
    --------
    >>> keep_likely(np.array([[0, 4, 200], [255, 0, 0]], np.uint8)).toarray().tolist()
    [[0, 0, 200], [255, 0, 0]]
    """
    rows, columns = plane.shape
    likely = np.flatnonzero(plane >= FAINTEST)
    starts = np.arange(rows + 1) * columns
    pointers = np.searchsorted(likely, starts)
    indices = (likely - np.repeat(starts[:-1], np.diff(pointers))).astype(np.int32)
    return csr_array((plane.ravel()[likely], indices, pointers.astype(np.int32)), shape=plane.shape)


class _OpenBand:
    """The classes of the tiles of some rows, from left to right."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows = 0, 0
        self.labels: NDArray[np.uint8] = np.empty((0, columns), np.uint8)
        self.planes: NDArray[np.uint8] = np.empty((2, 0, columns), np.uint8)

    def add(self, tile: Tile, read: NDArray[np.uint8] | None) -> None:
        """Take the next tile to the right; one of which nothing was read is background."""
        (top, bottom), (left, right) = tile.rows, tile.columns
        if left == 0:
            self.rows = tile.rows
            self.labels = np.zeros((bottom - top, self.columns), np.uint8)
            self.planes = np.zeros((2, bottom - top, self.columns), np.uint8)
        if read is not None:
            self.labels[:, left:right] = read[0]
            self.planes[:, :, left:right] = read[1:]

    def close(self) -> ClassBand:
        """The band of all tiles since the one at the left edge."""
        one, two = (keep_likely(plane) for plane in self.planes)
        return ClassBand(self.rows[0], self.labels, (one, two))
