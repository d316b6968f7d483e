"""Depth numbers are read whole, all turned one way, and not at all where digits may be missing."""

from __future__ import annotations

import numpy as np
import pytest

from napari_welllog.calibrate import depth_column, printed_depth
from napari_welllog.calibrate.depth_column import Strip
from napari_welllog.calibrate.from_paper import _another_pass
from napari_welllog.calibrate.missing_tracks import unexplained
from napari_welllog.calibrate.ocr import Box
from napari_welllog.calibrate.page import Page
from napari_welllog.calibrate.result import DepthNumber, Section
from napari_welllog.calibrate.straighten import Lean, Piece
from napari_welllog.tracks import Curve, Track


class EitherWay:
    """Numbers turned sideways that are numbers upside down too, and then the surer ones."""

    def read(self, pictures):
        return [("8600", 0.90), ("0098", 0.99)] * (len(pictures) // 2)


LEVEL = Lean(np.zeros(1), np.zeros(1))


def blank(rows: int = 400, columns: int = 200) -> Piece:
    return Piece(np.full((rows, columns), 255, np.uint8), 0.0, 0.0, 0.0)


def test_all_numbers_of_a_page_are_turned_the_same_way() -> None:
    found = [(blank(), Box(top, top + 60, 20, 40)) for top in (10, 110, 210)]
    texts = depth_column._read_boxes(found, 1.0, EitherWay(), lambda share: None)
    assert [text for text, _ in texts] == ["8600"] * 3


@pytest.mark.parametrize(
    ("box", "is_cut"),
    [
        (Box(10, 30, 4, 60), True),  # upright, and close enough to the edge for a digit to be cut off
        (Box(10, 30, 14, 70), False),
        (Box(10, 70, 4, 24), False),  # sideways: all digits would be cut
        (Box(10, 70, 1, 21), True),
    ],
)
def test_a_number_at_the_edge_of_the_scan_may_lack_digits(box: Box, is_cut: bool) -> None:
    piece = blank()
    assert depth_column._is_cut(piece.pixels, piece, box) is is_cut


def numbers(*depths: float) -> list[DepthNumber]:
    return [
        DepthNumber(
            text=f"{depth:g}", depth=depth, place=(r, r + 20, 5, 60), row=r + 10, confidence=1, used=False
        )
        for r, depth in zip(range(100, 2000, 300), depths, strict=False)
    ]


def test_numbers_that_were_overlooked_are_looked_for_once_more_in_a_larger_size(monkeypatch) -> None:
    sizes = []

    def read(pixels, strip, rows, lean, dpi, reader, tick, larger):
        sizes.append(larger)
        tick(1.0)
        return (numbers(100, 200, 300) if larger > 1 else numbers(100)), []

    monkeypatch.setattr(printed_depth, "read_numbers", read)
    told: list[float] = []
    page = Page(blank().pixels, 200.0, None, None, None)
    found, _, fit = printed_depth._read_strip(page, Strip(None, None), (0.0, 400.0), told.append)
    assert sizes == [1.0, printed_depth._LARGER]
    assert fit.refused is None
    assert [number.depth for number in found] == [100, 200, 300]
    assert told == sorted(told)


def test_a_strip_without_any_text_is_looked_at_once(monkeypatch) -> None:
    sizes = []
    monkeypatch.setattr(printed_depth, "read_numbers", lambda *given: (sizes.append(given[-1]), ([], []))[1])
    page = Page(blank().pixels, 200.0, None, None, None)
    assert (
        printed_depth._read_strip(page, Strip(None, None), (0.0, 9.0), lambda _: None)[2].refused is not None
    )
    assert sizes == [1.0]


def test_numbers_by_which_a_log_is_printed_larger_than_any_have_lost_digits() -> None:
    page = Page(blank().pixels, 200.0, None, None, None)
    assert "digits may be missing" in printed_depth._unlikely_scale(page, numbers(20, 22, 24), "ft")
    assert printed_depth._unlikely_scale(page, numbers(200, 230, 260), "ft") is None
    unknown = Page(blank().pixels, None, None, None, None)
    assert printed_depth._unlikely_scale(unknown, numbers(20, 22, 24), "ft") is None


def test_a_longer_stretch_of_log_beside_the_one_that_was_found_is_told() -> None:
    scan = np.full((3000, 300), 255, np.uint8)
    scan[::20] = 0
    scan[:1800, 100:110] = 0
    short = [Section(kind="main", top=2000.0, bottom=2900.0)]
    assert "rows 0 to 2000" in _another_pass(scan, short)
    assert _another_pass(scan, [Section(kind="main", top=1000.0, bottom=2900.0)]) is None
    scan[:2000] = 255
    assert _another_pass(scan, short) is None


class Spotter:
    """Finds boxes of text where it is told, and reads them so."""

    def __init__(self, boxes, texts):
        self._boxes, self._texts = boxes, texts

    def find(self, picture):
        return self._boxes

    def read(self, pictures):
        # Each box that is taller than wide is shown turned both ways.
        return [(text, 0.98) for text in self._texts for _ in (0, 1)][: len(pictures)]


@pytest.mark.parametrize(
    ("texts", "depths"),
    [
        (["1000 TVD", "1050", "1100"], [1000]),
        (["1000 TVD", "1050", "1100", "1150", "1200", "1250"], [1000, 1050, 1100, 1150, 1200, 1250]),
    ],
    ids=["a suffix that some have lost", "a slip of the model"],
)
def test_a_sideways_number_that_lost_its_suffix_has_its_middle_elsewhere_and_does_not_count(
    texts: list[str], depths: list[float]
) -> None:
    scan = np.full((800, 60), 255, np.uint8)
    boxes = [Box(top, top + 60, 20, 40) for top in range(60, 780, 120)][: len(texts)]
    for box in boxes:
        scan[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = 0
    reader = Spotter(boxes, texts)
    found, _ = depth_column.read_numbers(
        scan, Strip(None, None), (0.0, 800.0), LEVEL, 200.0, reader, lambda share: None
    )
    assert [number.depth for number in found] == depths


def test_a_header_that_rules_columns_without_a_track_is_told() -> None:
    scan = np.full((900, 825), 255, np.uint8)
    for row in (150, 180):
        scan[row : row + 2, 20:420] = scan[row : row + 2, 500:800] = 0
    for row in range(200, 880):
        scan[row, 150 + row % 50 : 155 + row % 50] = 0
    curve = Curve(curve_class=1, mnemonic="GR", unit="", left=0, right=1)
    one, two = (
        Track(name=name, left=left, right=right, top=200, bottom=880, curves=[curve])
        for name, left, right in (("one", 20, 419), ("two", 500, 799))
    )
    assert "columns 500 to 799, which the header rules" in (unexplained(scan, [one]) or "")
    assert unexplained(scan, [one, two]) is None
