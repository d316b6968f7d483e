"""Whole documents: drawn as their truth says, and without changing what the press draws for training."""

import numpy as np
import pytest

from napari_welllog.synthetic.document import DocumentSettings, print_document


def test_the_same_seed_prints_the_same_document():
    one, two = (print_document(5, DocumentSettings(length=2.0)).log for _ in range(2))
    assert (one.scan == two.scan).all()
    assert one.tracks == two.tracks


@pytest.mark.parametrize(
    "settings",
    [
        DocumentSettings(length=2.0, header="cut off"),
        DocumentSettings(length=2.0, numbers_cut=True),
        DocumentSettings(length=2.0, repeat=True, unit="m"),
        DocumentSettings(length=2.0, tracks=3, straight=False),
        DocumentSettings(length=2.0, tracks=1, header="none"),
    ],
    ids=["cut off", "numbers cut", "repeat", "three tracks", "one track"],
)
def test_the_truth_lies_on_the_page(settings):
    log = print_document(6, settings).log
    assert log.tracks is not None
    log.tracks.check_against(*log.scan.shape)
    assert len(log.tracks.tracks) == settings.tracks
    assert log.tracks.depth.unit == settings.unit
    assert log.scan.shape == log.classes.shape


def test_curves_are_where_their_traces_say():
    log = print_document(7, DocumentSettings(length=2.0)).log
    for trace in log.traces:
        rows = np.flatnonzero(np.isfinite(trace.column))
        inked = log.classes[rows, np.rint(trace.column[rows]).astype(int)] > 0
        assert inked.mean() > 0.4
