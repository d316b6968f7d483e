"""What the widgets know together of one open scan: its calibration, class map and curves.

Widgets do not know each other. Each looks up the `OpenScan` of the image layer that it works on, changes what is
its own, and follows the signals of what is not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_welllog.errors import ScanError, TracksError

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_welllog.class_map import ClassMap
    from napari_welllog.report import ModelReport
    from napari_welllog.tracks import Tracks

SOURCE = "source"
"""Key of a layer's metadata under which the path of the scan lies."""


class OpenScan:
    """One open scan: what was made of it so far, told to whoever listens.

    Parameters
    ----------
    layer : the image layer that shows it.

    Attributes
    ----------
    tracks_changed, class_map_changed : signals, with the new value.
    model : name and hash of the network that made the class map, for the report; set before the class map is.
    model_option : that network as the option `--model` takes it; None for the one that ships.
    """

    tracks_changed = Signal(object)
    class_map_changed = Signal(object)

    def __init__(self, layer: Image) -> None:
        self.name = layer.name
        self._data = layer.data
        self._multiscale = layer.multiscale
        self._rgb = layer.rgb
        source = layer.metadata.get(SOURCE) or layer.source.path
        self.source: Path | None = Path(source) if source else None
        self._tracks: Tracks | None = layer.metadata.get("tracks")
        self._class_map: ClassMap | None = None
        self.model: ModelReport | None = None
        self.model_option: str | None = None
        self._grey: NDArray[np.uint8] | None = None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The scan, uint8 (rows, columns), 0 ink to 255 paper.

        Raises
        ------
        ScanError : the layer shows no grey scan.
        """
        # Turned into grey once: colour takes seconds.
        if self._grey is None:
            self._grey = as_grey(self._data[0] if self._multiscale else self._data, self._rgb)
        return self._grey

    @property
    def tracks(self) -> Tracks | None:
        """The calibration."""
        return self._tracks

    @tracks.setter
    def tracks(self, tracks: Tracks | None) -> None:
        if tracks != self._tracks:
            self._tracks = tracks
            self.tracks_changed.emit(tracks)

    @property
    def class_map(self) -> ClassMap | None:
        """The class of every pixel."""
        return self._class_map

    @class_map.setter
    def class_map(self, class_map: ClassMap | None) -> None:
        self._class_map = class_map
        self.class_map_changed.emit(class_map)

    def beside(self, ending: str) -> Path | None:
        """A file beside the scan, such as `STEM.las` for ".las"; None for a scan that has no file."""
        return None if self.source is None else self.source.with_name(self.source.stem + ending)


def needed_for_traces(scan: OpenScan) -> tuple[Tracks, ClassMap]:
    """The tracks and the class map that tracing needs; an error that says what is lacking and what to do.

    Raises
    ------
    TracksError : one of them is not there yet, or a track lies outside the class map.
    """
    if scan.class_map is None and scan.tracks is None:
        raise TracksError(
            "There is neither a class map nor a track: run Segment scan, then Calibrate tracks."
        )
    if scan.class_map is None:
        raise TracksError("There is no class map yet: run Segment scan first.")
    if scan.tracks is None:
        raise TracksError("There are no tracks yet: run Calibrate tracks first.")
    rows, columns = scan.class_map.shape
    scan.tracks.check_against(rows, columns)
    return scan.tracks, scan.class_map


def as_grey(data: Any, rgb: bool = False) -> NDArray[np.uint8]:
    """The pixels of an image layer as a scan, uint8 (rows, columns); colour and 16 bits are turned into grey.

    Raises
    ------
    ScanError : the data is no picture of rows and columns.

    Examples
    --------
    >>> as_grey(np.array([[0, 65535]], np.uint16)).tolist()
    [[0, 255]]
    """
    pixels = np.asarray(data)
    if rgb and pixels.ndim == 3:
        weights = np.array([0.299, 0.587, 0.114])
        whole = 255 if pixels.dtype == np.uint8 else 65535 if pixels.dtype == np.uint16 else 1
        grey: NDArray[np.float64] = (pixels[..., :3] @ weights) * (255 / whole)
        return np.rint(grey).clip(0, 255).astype(np.uint8)
    if pixels.ndim != 2 or 0 in pixels.shape:
        raise ScanError(
            f"A scan has rows and columns; this layer's shape is {pixels.shape}: choose a layer with one page."
        )
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == bool:
        return np.where(pixels, np.uint8(255), np.uint8(0))
    if pixels.dtype == np.uint16:
        high: NDArray[np.uint8] = (pixels >> 8).astype(np.uint8)
        return high
    raise ScanError(
        f"A scan has 8 or 16 bits a pixel, not {pixels.dtype}: convert the layer's data type first."
    )


_scans: WeakKeyDictionary[Image, OpenScan] = WeakKeyDictionary()


def open_scan(layer: Image) -> OpenScan:
    """The open scan that an image layer shows, the same one for every widget; a new one once its data changed."""
    known = _scans.get(layer)
    if known is None or known._data is not layer.data:
        tracks = None if known is None else known.tracks
        known = _scans[layer] = OpenScan(layer)
        known._tracks = known._tracks or tracks
    return known
