"""Which pen a rule of a header is drawn with."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_welllog.calibrate.pens import pen_of


def rule(pattern: np.ndarray) -> np.ndarray:
    """A grainy grey scan of a rule four pixels thick: in each of its gaps a few pixels are dark."""
    paper = np.full((30, 600), 230.0)
    paper[12:16, pattern] = 40.0
    grain = np.random.default_rng(1).random((4, 600)) < 0.35
    paper[12:16][grain] = np.minimum(paper[12:16][grain], 110.0)
    return gaussian_filter(paper, 0.3).astype(np.uint8)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [(np.arange(600) % 26 < 21, "dashed"), (np.arange(600) < 600, "solid")],
    ids=["gaps", "no gaps"],
)
def test_gaps_that_grain_has_filled_are_gaps(pattern: np.ndarray, wanted: str) -> None:
    grey = rule(pattern)
    ink = grey < 140
    assert pen_of(ink, (12, 16)).pen == "solid"
    assert pen_of(ink, (12, 16), grey).pen == wanted


def test_the_width_of_a_rule_is_finer_than_a_pixel() -> None:
    ink = np.zeros((20, 400), bool)
    ink[8:11] = True
    ink[11, ::2] = True  # every other column a pixel thicker
    ink[2:18, 50:90] = True  # a letter that touches it
    assert pen_of(ink, (8, 12)).width == pytest.approx(3.5, abs=0.15)
