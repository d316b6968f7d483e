"""Whether vertical lines stand evenly or by decades."""

import numpy as np
import pytest

from napari_welllog.calibrate.grid_kind import grid_kind
from napari_welllog.tracks import Curve, Track

WIDTH = 720


def kind(fractions: np.ndarray) -> str:
    scan = np.full((400, WIDTH + 1), 255, np.uint8)
    scan[:, np.rint(np.concatenate([[0, 1], fractions]) * WIDTH).astype(int)] = 0
    curve = Curve(curve_class=1, mnemonic="C", unit="", left=1, right=1000)
    return grid_kind(scan, Track(name="1", left=0, right=WIDTH, top=0, bottom=399, curves=[curve]))


def test_ten_divisions_are_linear() -> None:
    assert kind(np.arange(1, 10) / 10) == "linear"


def test_lines_by_decades_are_logarithmic() -> None:
    decades = np.concatenate([k + np.log10(np.arange(1, 10)) for k in range(3)])[1:] / 3
    assert kind(decades) == "log"


@pytest.mark.parametrize("count", [3, 4, 5])
def test_lines_as_few_as_decades_tell_nothing(count: int) -> None:
    """The finer lines of a logarithmic grid wear away first; what is left stands evenly."""
    assert kind(np.arange(1, count) / count) == "unknown"
