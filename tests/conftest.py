"""A scanned well to digitise, and a network that knows the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_welllog.class_map import ClassMap
from napari_welllog.synthetic import PressSettings, PrintedLog, print_log
from napari_welllog.unet import ClassBand, Model


@dataclass(frozen=True)
class Well:
    """A scan and its calibration on disk, and what is printed on it."""

    scan: Path
    tracks: Path
    log: PrintedLog


PRESS = PressSettings(
    dpi=(200.0, 200.0),
    bilevel_share=1.0,
    single_one=0.0,
    single_two=0.0,
    off_scale_share=0.0,
    sheet_gap_share=0.0,
    no_grid_share=0.0,
    broken_grid_share=0.0,
    log_grid_share=0.0,
)


@cache
def _printed() -> PrintedLog:
    """Print the first log of one track whose two curves cross."""
    for seed in count():
        log = print_log(seed, PRESS, rows=900, columns=600, tracks=1)
        one, two = (trace.column for trace in log.traces)
        if len(np.unique(np.sign(one - two)[np.isfinite(one - two)])) > 1:
            return log
    raise AssertionError


@pytest.fixture
def well(tmp_path: Path) -> Well:
    """A bilevel scan in CCITT G4, as archives keep them, with its tracks.json."""
    log = _printed()
    scan, tracks = tmp_path / "scans" / "well.tif", tmp_path / "scans" / "well.tracks.json"
    scan.parent.mkdir()
    Image.fromarray(log.scan).convert("1").save(scan, compression="group4", dpi=(200, 200))
    assert log.tracks is not None
    log.tracks.save(tracks)
    return Well(scan, tracks, log)


def know_the_answer(
    pixels: np.ndarray,
    model: object = None,
    device: str = "auto",
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ClassMap:
    """Segment the printed well without a network."""
    if progress is not None:
        progress(0.5)
        progress(1.0)
    classes = _printed().classes
    if pixels.shape != classes.shape:
        classes = np.zeros(pixels.shape, np.uint8)
    return ClassMap.from_labels(classes)


def know_the_answer_in_bands(
    pixels: np.ndarray,
    model: object = None,
    device: str = "auto",
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    where: object = None,
) -> Iterator[ClassBand]:
    """The same, some rows at a time."""
    whole = know_the_answer(pixels, model, device, progress, cancelled)
    for top in range(0, whole.shape[0], 352):
        one, two = (plane[top : top + 352] for plane in whole.curve_probabilities)
        yield ClassBand(top, whole.labels[top : top + 352], (one, two))


@pytest.fixture
def perfect_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a network that makes no mistakes in the place of the shipped one: quick, and known."""
    model = Model("perfect", "0" * 64, None)  # type: ignore[arg-type]
    monkeypatch.setattr(import_module("napari_welllog.unet"), "segment", know_the_answer)
    monkeypatch.setattr(import_module("napari_welllog.digitize"), "segment_bands", know_the_answer_in_bands)
    for module in (import_module("napari_welllog.digitize"), import_module("napari_welllog.unet")):
        monkeypatch.setattr(module, "load_model", lambda name_or_file=None: model)
