"""A scan to annotate, and a folder to keep it in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_welllog.annotations import AnnotationFolder, Place, ScanIdentity
from napari_welllog.scan import Scan, read_scan
from napari_welllog.synthetic import print_window


@dataclass(frozen=True)
class Well:
    """A scan on the disk, the truth about it, and a folder for its annotations."""

    scan: Scan
    classes: np.ndarray
    folder: AnnotationFolder

    @property
    def identity(self) -> ScanIdentity:
        return ScanIdentity.of(self.scan)

    def add(self, top: int, rows: int = 200, **more) -> str:
        place = Place(top=top, left=0, rows=rows, columns=self.scan.pixels.shape[1])
        return self.folder.add(self.scan.pixels, place, self.identity, **more)


@cache
def _printed():
    return print_window(7, rows=900, columns=240)


@pytest.fixture
def well(tmp_path: Path) -> Well:
    file = tmp_path / "scans" / "well 7.png"
    file.parent.mkdir()
    Image.fromarray(_printed().scan).save(file)
    folder = AnnotationFolder.open(tmp_path / "annotations", make=True)
    return Well(read_scan(file), _printed().classes, folder)
