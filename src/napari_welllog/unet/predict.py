"""Prediction: a scan of any length in, its class map out, tile by tile with nothing lost at the seams."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from napari_welllog.class_map import ClassMap
from napari_welllog.errors import Cancelled, ModelError, ScanError
from napari_welllog.overlap import read_ahead
from napari_welllog.unet.blank import BAND, inked_columns
from napari_welllog.unet.weights import Model, load_model

if TYPE_CHECKING:
    import torch

ALIGNMENT = 32
HALO_ROWS = 352
HALO_COLUMNS = 672
"""Wider than the network's reach, which is far along the rows. Few scans are so wide that they are cut there."""
TILE_MEGAPIXELS = 4.5
FAINTEST = 5
DEVICES = ("auto", "cpu", "cuda", "mps")
EVERYTHING = (slice(None), slice(None))


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
    [(0, 736), (288, 1000)]
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


def tile_size(columns: int) -> tuple[int, int]:
    """Rows and columns of the tiles for a scan of a width: as tall as a fixed memory allows."""
    wide = min(columns, 4096)
    return max(256, int(TILE_MEGAPIXELS * 1e6 / (wide + 1)) // ALIGNMENT * ALIGNMENT), wide


def choose_device(device: str = "auto") -> str:
    """Name the device to compute on: the asked one, or the fastest at hand.

    Raises
    ------
    ModelError : the asked device is unknown or not at hand.

    Examples
    --------
    >>> choose_device("cpu")
    'cpu'
    """
    import torch

    at_hand = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if at_hand[name])
    if device not in at_hand:
        raise ModelError(f"There is no device '{device}': choose one of {', '.join(DEVICES)}.")
    if not at_hand[device]:
        raise ModelError(f"The device '{device}' is not at hand on this machine: choose auto or cpu.")
    return device


class Predictor:
    """A network made ready to predict on one device.

    Batch normalisation is folded into the convolutions and pixels lie channels last, which is what runs fastest
    in plain torch. On processors and graphics cards that multiply 16-bit numbers natively the convolutions run
    in 16 bits; class probabilities are always computed in 32.

    Parameters
    ----------
    model : the network.
    device : auto, cpu, cuda or mps.
    precision : auto, float32, bfloat16 or float16.
    """

    def __init__(self, model: Model, device: str = "auto", precision: str = "auto") -> None:
        import torch

        self.device = choose_device(device)
        self.precision: torch.dtype = getattr(
            torch, _choose_precision(self.device) if precision == "auto" else precision
        )
        network = fuse_normalisation(model.network).to(self.device, self.precision)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, pixels: NDArray[np.uint8], part: tuple[slice, slice] = EVERYTHING) -> torch.Tensor:
        """Class probabilities of grey pixels, uint8 (rows, columns), or of a part of them.

        Returns
        -------
        float32 (3, rows, columns) on the device; rows and columns of the part.
        """
        import torch

        rows, columns = pixels.shape
        padded = np.pad(pixels, ((0, -rows % ALIGNMENT), (0, -columns % ALIGNMENT)), constant_values=255)
        with torch.inference_mode():
            ink = torch.from_numpy(padded).to(self.device)[None, None].to(self.precision)
            ink = (1 - ink / 255).contiguous(memory_format=torch.channels_last)
            logits = self.network(ink)[0, :, :rows, :columns][:, *part]
            # Planes first, 32 bits second: that order takes half the time of the other.
            return torch.softmax(logits.contiguous().float(), dim=0)


def _choose_precision(device: str) -> str:
    """The fastest number format that the device computes natively and accurately enough."""
    import torch

    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    native = device == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if native else "float32"


def fuse_normalisation(network: torch.nn.Module) -> torch.nn.Module:
    """A copy of a network with every batch normalisation folded into the convolution before it."""
    from torch.nn import BatchNorm2d, Conv2d, Identity, Sequential
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    fused = copy.deepcopy(network).eval()
    for module in fused.modules():
        if not isinstance(module, Sequential):
            continue
        for index in range(len(module) - 1):
            convolution, norm = module[index], module[index + 1]
            if isinstance(convolution, Conv2d) and isinstance(norm, BatchNorm2d):
                module[index], module[index + 1] = fuse_conv_bn_eval(convolution, norm), Identity()
    return fused


def predict_tiles(
    pixels: NDArray[np.uint8],
    predictor: Callable[[NDArray[np.uint8], tuple[slice, slice]], Any],
    tiles: list[Tile],
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Tile, torch.Tensor]]:
    """Predict tile after tile: each with the class probabilities of its own rectangle, float32 (3, rows, columns).

    Raises
    ------
    Cancelled : asked to stop.
    """
    for tile in tiles:
        if cancelled():
            raise Cancelled
        (top, bottom), (left, right) = tile.seen_rows, tile.seen_columns
        (first, last), (start, stop) = tile.rows, tile.columns
        part = slice(first - top, last - top), slice(start - left, stop - left)
        yield tile, predictor(pixels[top:bottom, left:right], part)


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

    def laid_out(self, probabilities: torch.Tensor | None) -> torch.Tensor:
        """Class probabilities of the whole tile from those of its part: where paper is blank, surely background."""
        import torch

        (top, bottom), (left, right) = self.tile.rows, self.tile.columns
        if probabilities is not None and all(span == (left, right) for span in self.columns):
            return probabilities
        device = None if probabilities is None else probabilities.device
        laid_out = torch.zeros((3, bottom - top, right - left), device=device)
        laid_out[0] = 1
        if self.part is None or probabilities is None:
            return laid_out
        for k, span in enumerate(self.columns):
            if span is None:
                continue
            first = k * BAND
            last = min(first + BAND, bottom - top)
            down, across = top - self.part.rows[0], self.part.columns[0]
            laid_out[:, first:last, span[0] - left : span[1] - left] = probabilities[
                :, first + down : last + down, span[0] - across : span[1] - across
            ]
        return laid_out


def predict_ink(
    pixels: NDArray[np.uint8],
    predictor: Callable[[NDArray[np.uint8], tuple[slice, slice]], Any],
    tiles: Iterable[Tile],
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[tuple[Tile, torch.Tensor], None, None]:
    """Predict tile after tile as `predict_tiles` does, but spare the network paper without ink.

    Blank paper is background, by the rule of `inked_columns`, which judges a band of 32 rows by itself and its
    neighbours and so gives the same whatever the tiles. The next tile is read while one is predicted.

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
            yield inked.tile, inked.laid_out(predictor(inked.pixels, inside))


def likeliest_class(probabilities: torch.Tensor) -> NDArray[np.uint8]:
    """The likeliest class of every pixel, uint8 (rows, columns); of equals the first, as `argmax` has it.

    Three comparisons take a small part of the time of `argmax` over three planes.

    Examples
    --------
    >>> import torch
    >>> likeliest_class(torch.tensor([[[0.2, 0.5]], [[0.7, 0.1]], [[0.1, 0.4]]])).tolist()
    [[1, 0]]
    """
    background, one, two = probabilities
    curves = (one > background).byte()
    curves[two > one.maximum(background)] = 2
    return np.asarray(curves.cpu().numpy())


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
    predictor = Predictor(model if isinstance(model, Model) else load_model(model), device)
    tiles = plan_tiles(pixels.shape[0], pixels.shape[1], *tile_size(pixels.shape[1]))
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

    def add(self, tile: Tile, probabilities: torch.Tensor | None) -> None:
        """Take the next tile to the right; one without probabilities is background."""
        (top, bottom), (left, right) = tile.rows, tile.columns
        if left == 0:
            self.rows = tile.rows
            self.labels = np.zeros((bottom - top, self.columns), np.uint8)
            self.planes = np.zeros((2, bottom - top, self.columns), np.uint8)
        if probabilities is not None:
            self.labels[:, left:right] = likeliest_class(probabilities)
            self.planes[:, :, left:right] = (probabilities[1:] * 255).round_().byte().cpu().numpy()

    def close(self) -> ClassBand:
        """The band of all tiles since the one at the left edge."""
        one, two = (keep_likely(plane) for plane in self.planes)
        return ClassBand(self.rows[0], self.labels, (one, two))
