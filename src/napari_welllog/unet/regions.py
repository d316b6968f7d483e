"""Segment a part of a scan, or all of it beginning where somebody looks: tiles in any order, one class map."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from napari_welllog.class_map import ClassMap
from napari_welllog.errors import ScanError, is_out_of_memory
from napari_welllog.unet.predict import (
    ALIGNMENT,
    SMALLEST_TILE,
    Tile,
    halves,
    keep_likely,
    plan_tiles,
    predict_ink,
    tile_around,
    tile_size,
)
from napari_welllog.unet.predictor import Predictor, make_predictor
from napari_welllog.unet.weights import Model, load_model

if TYPE_CHECKING:
    from napari_welllog.tracks import Tracks

TRACK_MARGIN = 16.0
"""Columns beside a track that belong to its region: a curve at the edge is printed on both of its sides."""


@dataclass(frozen=True)
class Region:
    """A rectangle of a scan.

    Parameters
    ----------
    rows, columns : first and last-plus-one.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])

    def meets(self, other: Region | Tile) -> bool:
        """Tell whether it shares pixels with another rectangle."""
        return (
            self.rows[0] < other.rows[1]
            and other.rows[0] < self.rows[1]
            and self.columns[0] < other.columns[1]
            and other.columns[0] < self.columns[1]
        )


def whole_scan(shape: tuple[int, int]) -> Region:
    """The region of all pixels.

    Examples
    --------
    >>> whole_scan((400, 300)).pixels
    120000
    """
    return Region((0, shape[0]), (0, shape[1]))


def clipped(region: Region, shape: tuple[int, int]) -> Region:
    """The part of a region that lies on a scan, with its beginning where tiles may begin.

    Examples
    --------
    >>> clipped(Region((-5, 50), (70, 900)), (400, 300))
    Region(rows=(0, 50), columns=(64, 300))
    """

    def along(span: tuple[int, int], length: int) -> tuple[int, int]:
        start, stop = (min(max(end, 0), length) for end in span)
        return (start // ALIGNMENT * ALIGNMENT if start < stop else stop), stop

    return Region(along(region.rows, shape[0]), along(region.columns, shape[1]))


def regions_of_tracks(tracks: Tracks, shape: tuple[int, int]) -> list[Region]:
    """The regions that hold the tracks of a calibration, those beside each other as one.

    Examples
    --------
    >>> from napari_welllog.tracks import Curve, DepthAxis, Track, Tracks
    >>> curve = Curve(**{"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150})
    >>> track = Track(name="one", left=100, right=200, top=50, bottom=300, curves=[curve])
    >>> regions_of_tracks(Tracks(depth=DepthAxis(unit="ft", anchors=[(0, 0), (9, 9)]), tracks=[track]), (400, 300))
    [Region(rows=(50, 301), columns=(84, 217))]
    """
    regions: list[Region] = []
    for track in tracks.tracks:
        left, right = track.bounding_columns(TRACK_MARGIN)
        rows = max(math.floor(track.top), 0), min(math.ceil(track.bottom) + 1, shape[0])
        one = Region(rows, (left, min(right, shape[1])))
        same = next((other for other in regions if _meet(one, other)), None)
        if same is not None:
            regions.remove(same)
            one = _around(one, same)
        if one.pixels > 0:
            regions.append(one)
    return regions


def regions_beside_tracks(tracks: Tracks, shape: tuple[int, int]) -> list[Region]:
    """The regions of the tracks with what stands out of them: a pen is as wide at the end of a curve as elsewhere."""
    margin = math.ceil(TRACK_MARGIN)
    return [
        Region((max(region.rows[0] - margin, 0), min(region.rows[1] + margin, shape[0])), region.columns)
        for region in regions_of_tracks(tracks, shape)
    ]


def cleared_outside(labels: NDArray[np.uint8], top: int, regions: Sequence[Region]) -> NDArray[np.uint8]:
    """The classes of some rows of a scan, background outside of some regions.

    Parameters
    ----------
    labels : uint8 (rows, columns), across the whole scan.
    top : the first of the rows.
    regions : where classes stay.

    Examples
    --------
    >>> cleared_outside(np.ones((2, 5), np.uint8), 7, [Region((8, 20), (1, 3))]).tolist()
    [[0, 0, 0, 0, 0], [0, 1, 1, 0, 0]]
    """
    cleared = np.zeros_like(labels)
    for region in regions:
        first, last = (min(max(row - top, 0), len(labels)) for row in region.rows)
        inside = slice(first, last), slice(*region.columns)
        cleared[inside] = labels[inside]
    return cleared


def _meet(one: Region, other: Region) -> bool:
    """Whether two regions share pixels or an edge."""
    return all(
        a[0] <= b[1] and b[0] <= a[1] for a, b in ((one.rows, other.rows), (one.columns, other.columns))
    )


def _around(one: Region, other: Region) -> Region:
    """The smallest region that holds both."""
    rows = min(one.rows[0], other.rows[0]), max(one.rows[1], other.rows[1])
    return Region(rows, (min(one.columns[0], other.columns[0]), max(one.columns[1], other.columns[1])))


def plan_region(region: Region, shape: tuple[int, int], tile_rows: int, tile_columns: int) -> list[Tile]:
    """Cut a region of a scan into tiles, each predicted as it would be within the whole scan.

    Examples
    --------
    >>> [tile.rows for tile in plan_region(Region((500, 900), (0, 100)), (2000, 100), 256, 128)]
    [(480, 736), (736, 900)]
    """
    inside = clipped(region, shape)
    (top, bottom), (left, right) = inside.rows, inside.columns
    return [
        tile_around(
            (top + tile.rows[0], top + tile.rows[1]), (left + tile.columns[0], left + tile.columns[1]), shape
        )
        for tile in plan_tiles(bottom - top, right - left, tile_rows, tile_columns)
    ]


def nearest_first(tiles: Sequence[Tile], view: Region) -> list[Tile]:
    """Order tiles by how far they lie from what is in view: what is seen first, then outwards.

    Examples
    --------
    >>> tiles = plan_tiles(4000, 100, 1024, 128)
    >>> [tile.rows[0] for tile in nearest_first(tiles, Region((2100, 2200), (0, 100)))]
    [2048, 1024, 3072, 0]
    """

    def distance(tile: Tile) -> tuple[float, float]:
        spans = (tile.rows, view.rows), (tile.columns, view.columns)
        gaps = [max(own[0] - seen[1], seen[0] - own[1], 0) for own, seen in spans]
        middles = [sum(own) / 2 - sum(seen) / 2 for own, seen in spans]
        return math.hypot(*gaps), math.hypot(*middles)

    return sorted(tiles, key=distance)


def tile_size_of(columns: int, megapixels: float | None = None) -> tuple[int, int]:
    """Rows and columns of a tile for a scan of a width; of about so many megapixels, or as `segment` has it.

    Examples
    --------
    >>> tile_size_of(1000, 0.5)
    (480, 1000)
    """
    if megapixels is None:
        return tile_size(columns)
    wide = min(columns, 4096)
    return max(SMALLEST_TILE, int(megapixels * 1e6 / wide) // ALIGNMENT * ALIGNMENT), wide


class GrowingClassMap:
    """A class map that is made tile by tile, in any order, over an earlier one.

    Parameters
    ----------
    shape : rows and columns of the scan.
    earlier : the class map that holds where no tile is added; background everywhere when there is none.

    Attributes
    ----------
    model : the network that gives the tiles; None until it is loaded.
    """

    def __init__(self, shape: tuple[int, int], earlier: ClassMap | None = None) -> None:
        if earlier is not None and earlier.shape != tuple(shape):
            earlier = None
        self.shape, self.earlier = shape, earlier
        self.labels = np.zeros(shape, np.uint8) if earlier is None else earlier.labels.copy()
        self._parts: list[tuple[Tile, tuple[csr_array, csr_array]]] = []
        self.model: Model | None = None
        self._finished = False
        self._lock = threading.Lock()

    @property
    def tiles(self) -> list[Tile]:
        """The tiles added so far."""
        return [tile for tile, _ in self._parts]

    def add(self, tile: Tile, labels: NDArray[np.uint8], planes: tuple[csr_array, csr_array]) -> None:
        """Take the labels and the curve probabilities, in 255ths, of a tile's own rectangle."""
        with self._lock:
            if self._finished:
                return
            self.labels[slice(*tile.rows), slice(*tile.columns)] = labels
            self._parts.append((tile, planes))

    def finish(self) -> ClassMap:
        """The class map as it stands; tiles added from now on, as by a run that was stopped, are dropped."""
        with self._lock:
            self._finished = True
            return ClassMap(self.labels, (self._plane(self._parts, 0), self._plane(self._parts, 1)))

    def _plane(self, parts: list[tuple[Tile, tuple[csr_array, csr_array]]], which: int) -> csr_array:
        """One plane of curve probabilities: band by band from top to bottom, cut wherever a tile ends."""
        if not parts:
            return self._before(which, 0, self.shape[0])
        ends = {end for tile, _ in parts for end in tile.rows} | {0, self.shape[0]}
        bands = []
        for top, bottom in pairwise(sorted(ends)):
            inside = [part for part in parts if part[0].rows[0] <= top and bottom <= part[0].rows[1]]
            bands.append(self._band(inside, which, top, bottom))
        return vstack(bands, format="csr", dtype=np.uint8)

    def _band(
        self, parts: list[tuple[Tile, tuple[csr_array, csr_array]]], which: int, top: int, bottom: int
    ) -> csr_array:
        """Rows from top to bottom, all of which the given tiles cross; of overlapping ones the last holds."""
        across = (0, self.shape[1])
        whole = max((index for index, (tile, _) in enumerate(parts) if tile.columns == across), default=None)
        rest = parts if whole is None else parts[whole + 1 :]
        if whole is None:
            under = self._before(which, top, bottom)
        else:
            tile, planes = parts[whole]
            under = planes[which][top - tile.rows[0] : bottom - tile.rows[0]]
        if not rest:
            return under
        dense = under.toarray()
        for tile, planes in rest:
            rows = slice(top - tile.rows[0], bottom - tile.rows[0])
            dense[:, slice(*tile.columns)] = planes[which][rows].toarray()
        return keep_likely(dense)

    def _before(self, which: int, top: int, bottom: int) -> csr_array:
        """Rows of the earlier class map, or empty ones."""
        if self.earlier is None:
            return csr_array((bottom - top, self.shape[1]), dtype=np.uint8)
        return self.earlier.curve_probabilities[which][top:bottom]


@dataclass(frozen=True)
class Outcome:
    """What a run gave, and how it went.

    Parameters
    ----------
    class_map : the class map of the whole scan.
    shares : share of background, curve one and curve two in what was segmented.
    confidence : mean probability of the class of each curve pixel there; NaN where there is none.
    megapixels, seconds : how much was segmented, and how long that took.
    device, reason : where the network ran, and why there.
    notices : what was done otherwise than asked, such as smaller tiles when memory ran out.
    """

    class_map: ClassMap
    shares: tuple[float, float, float]
    confidence: float
    megapixels: float
    seconds: float
    device: str
    reason: str
    notices: tuple[str, ...] = ()


def segment_regions(
    pixels: NDArray[np.uint8],
    regions: Sequence[Region] | None = None,
    model: Model | str | os.PathLike[str] | None = None,
    device: str = "auto",
    *,
    view: Region | None = None,
    growing: GrowingClassMap | None = None,
    tile_megapixels: float | None = None,
    each: Callable[[Tile, NDArray[np.uint8]], None] | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Outcome:
    """Give every pixel of some regions its class, beginning with what is in view.

    The whole scan gives the class map that `segment` gives. When memory runs out, the tiles are halved.

    Parameters
    ----------
    pixels : uint8 (rows, columns), 0 ink to 255 paper.
    regions : what to segment; None for the whole scan.
    model : a loaded model, the name of a shipped one or a weights file; None for the one that ships.
    device : auto, cpu, cuda or mps.
    view : the region to begin with; reading order when left out.
    growing : the class map to add the tiles to; a new one when left out.
    tile_megapixels : size of a tile; None for that of `segment`.
    each : called with every tile and its labels, uint8 (rows, columns).
    progress : called with the share of the work done, 0 to 1, and what is being done.
    cancelled : asked often whether to stop.

    Raises
    ------
    ScanError : the pixels are no grey picture, or the regions lie beside it.
    ModelError : the model or device cannot be used.
    MemoryError : memory runs out even for the smallest tile.
    Cancelled : asked to stop; `growing` keeps what was done.

    Examples
    --------
    >>> blank = np.full((64, 64), 255, np.uint8)
    >>> segment_regions(blank, [Region((0, 32), (0, 64))]).shares
    (1.0, 0.0, 0.0)
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ScanError(f"A scan is uint8 of rows and columns, not {pixels.dtype} of shape {pixels.shape}.")
    tell, stop = progress or (lambda fraction, text: None), cancelled or (lambda: False)
    shape = (pixels.shape[0], pixels.shape[1])
    wanted = [clipped(region, shape) for region in regions or [whole_scan(shape)]]
    wanted = [region for region in wanted if region.pixels > 0]
    if not wanted:
        raise ScanError("No part of the scan lies in the region: move the scan into view or choose another.")
    growing = growing if growing is not None else GrowingClassMap(shape)
    tell(0.0, "Loading the network")
    growing.model = model if isinstance(model, Model) else load_model(model)
    predictor = make_predictor(growing.model, device)
    size = tile_size_of(shape[1], tile_megapixels)
    tiles = [tile for region in wanted for tile in plan_region(region, shape, *size)]
    total = sum(_pixels(tile) for tile in tiles)
    queue = _Queue(tiles if view is None else nearest_first(tiles, view), shape)
    done, began = 0, time.perf_counter()
    doing = f"Segmenting on {predictor.device}"
    tell(0.0, doing)
    for tile, (labels, one, two) in queue.predicted(pixels, predictor, stop):
        growing.add(tile, labels, (keep_likely(one), keep_likely(two)))
        done += _pixels(tile)
        if each:
            each(tile, labels)
        tell(done / total, doing)
    seconds = time.perf_counter() - began
    class_map = growing.finish()
    return Outcome(
        class_map,
        *shares_and_confidence(class_map, wanted),
        total / 1e6,
        seconds,
        predictor.device,
        why_device(device, predictor),
        tuple(queue.notices),
    )


def classes_in(
    pixels: NDArray[np.uint8],
    region: Region,
    model: Model,
    device: str = "auto",
    cancelled: Callable[[], bool] | None = None,
) -> NDArray[np.uint8]:
    """The classes of one region alone, as a run over the whole scan gives them, without a map of all of it.

    Parameters
    ----------
    pixels : uint8 (rows, columns), 0 ink to 255 paper.
    region : a region as `clipped` gives it.
    model : the network.
    device : auto, cpu, cuda or mps.
    cancelled : asked often whether to stop.

    Returns
    -------
    uint8, rows and columns of the region.

    Raises
    ------
    ModelError : the device cannot be used.
    Cancelled : asked to stop.

    Examples
    --------
    >>> blank = np.full((96, 64), 255, np.uint8)
    >>> classes_in(blank, Region((32, 96), (0, 64)), load_model()).shape
    (64, 64)
    """
    stop = cancelled or (lambda: False)
    (top, bottom), (left, right) = region.rows, region.columns
    shape = (pixels.shape[0], pixels.shape[1])
    labels = np.zeros((bottom - top, right - left), np.uint8)
    predictor = make_predictor(model, device)
    tiles = plan_region(region, shape, *tile_size_of(shape[1]))
    for tile, read in predict_ink(pixels, predictor, tiles, stop):
        rows, columns = (
            slice(span[0] - first, span[1] - first)
            for span, first in ((tile.rows, top), (tile.columns, left))
        )
        labels[rows, columns] = read[0]
    return labels


def _pixels(tile: Tile) -> int:
    """How many pixels a tile gives."""
    return Region(tile.rows, tile.columns).pixels


class _Queue:
    """Tiles that wait to be predicted, and get smaller when memory runs out."""

    def __init__(self, tiles: Sequence[Tile], shape: tuple[int, int]) -> None:
        self.waiting, self.shape = list(tiles), shape
        self.notices: list[str] = []

    def predicted(
        self, pixels: NDArray[np.uint8], predictor: Predictor, cancelled: Callable[[], bool]
    ) -> Iterator[tuple[Tile, NDArray[np.uint8]]]:
        """Predict tile after tile."""
        while self.waiting:
            tile = self.waiting[0]
            try:
                [(_, read)] = predict_ink(pixels, predictor, [tile], cancelled)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                parts = halves(tile, self.shape)
                if not parts:
                    raise MemoryError from error
            else:
                del self.waiting[0]
                yield tile, read
                continue
            # Outside of the handler, which holds on to the tensors that did not fit.
            self._make_room(parts)

    def _make_room(self, parts: list[Tile]) -> None:
        """Go on with tiles no larger than these, and give back what the device keeps for later."""
        most = max(_pixels(part) for part in parts)
        smaller = [part for tile in self.waiting[1:] for part in _no_larger(tile, most, self.shape)]
        self.waiting = [*parts, *smaller]
        rows, columns = (span[1] - span[0] for span in (parts[0].rows, parts[0].columns))
        self.notices.append(f"memory ran out: went on with tiles of {rows} x {columns} pixels")
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()


def _no_larger(tile: Tile, most: int, shape: tuple[int, int]) -> list[Tile]:
    """A tile in pieces of so many pixels at most, as far as it can be halved."""
    parts = halves(tile, shape) if _pixels(tile) > most else []
    return [piece for part in parts for piece in _no_larger(part, most, shape)] or [tile]


def shares_and_confidence(
    class_map: ClassMap, regions: Sequence[Region]
) -> tuple[tuple[float, float, float], float]:
    """The share of each class in some regions, and the mean probability of what the curve pixels were given.

    Examples
    --------
    >>> labels = np.array([[0, 0, 1], [0, 2, 0]], np.uint8)
    >>> shares_and_confidence(ClassMap.from_labels(labels), [Region((0, 1), (1, 3))])
    ((0.5, 0.5, 0.0), 1.0)
    """
    counts, certain = np.zeros(3), 0.0
    for region in regions:
        (top, bottom), (left, right) = region.rows, region.columns
        for first in range(top, bottom, 4096):
            rows = slice(first, min(first + 4096, bottom))
            labels = class_map.labels[rows, left:right]
            counts += [np.count_nonzero(labels == which) for which in (0, 1, 2)]
            for which, plane in enumerate(class_map.curve_probabilities, 1):
                likely = plane[rows].tocoo()
                row, column = likely.coords
                inside = (column >= left) & (column < right)
                given = labels[row[inside], column[inside] - left] == which
                certain += float(likely.data[inside][given].sum(dtype=np.int64)) / 255
    background, one, two = counts / max(counts.sum(), 1)
    curves = counts[1:].sum()
    return (float(background), float(one), float(two)), float(certain / curves) if curves else math.nan


def why_device(asked: str, predictor: Predictor) -> str:
    """Say in a few words why the network runs where it does, and by what.

    Examples
    --------
    >>> why_device("cpu", make_predictor(load_model(), "cpu")).split(", ")[0]
    'as chosen'
    """
    if asked != "auto":
        return f"as chosen, by {predictor.engine}"
    if predictor.device == "cuda":
        import torch

        return f"the fastest here: {torch.cuda.get_device_name()}"
    if predictor.device == "mps":
        return "the fastest here: Apple's graphics"
    return f"no graphics card that torch can use was found, by {predictor.engine}"
