"""The benchmarks can be believed: prints have ink where the truth says, and scores count what they name."""

from __future__ import annotations

import ast
import sys
from argparse import Namespace
from pathlib import Path

import lasio
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import _prints  # noqa: E402
import _scores  # noqa: E402
import _table  # noqa: E402
import accuracy  # noqa: E402
import adaptation  # noqa: E402
import crossings  # noqa: E402
import pixels  # noqa: E402
import speed  # noqa: E402
import trap  # noqa: E402

ROWS = 800


@pytest.fixture(scope="module", params=_prints.CONDITIONS)
def page(request):
    return _prints.make_print(1, request.param, ROWS)


@pytest.fixture(scope="module")
def worn_page():
    """A skewed print: its track's edges lean."""
    return _prints.make_print(1, "worn bilevel", ROWS)


@pytest.fixture(scope="module")
def off_scale_page():
    """A print one of whose curves leaves the track for a while."""
    pages = (_prints.make_print(seed, "clean bilevel", ROWS) for seed in range(20))
    return next(page for page in pages if page.absent.mean() > 0.05)


def read_perfectly(page):
    """What a flawless tracer reads: the truth where there is one, nothing where a curve is off scale."""
    return page.fractions(page.columns)


def score(page, fractions):
    return accuracy.score(page, fractions, accuracy.perfect_classes(page).labels)


# What the accuracy benchmark draws


def test_the_accuracy_benchmark_shares_nothing_with_the_printing_press():
    for name in ("accuracy.py", "_prints.py", "_scores.py", "_table.py"):
        for node in ast.walk(ast.parse((BENCHMARKS / name).read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)]
            assert not any("synthetic" in word for word in [*names, getattr(node, "module", None) or ""])


def test_the_same_seed_gives_the_same_print(page):
    again = _prints.make_print(1, page.condition, ROWS)
    np.testing.assert_array_equal(again.scan, page.scan)
    np.testing.assert_array_equal(again.columns, page.columns)


def slow_waves(rng, samples):
    """Two curves so gentle that the ink of a row is centred on its truth."""
    depth = np.arange(samples)
    return 0.5 + np.stack([0.2 * np.sin(depth / 30), 0.2 * np.cos(depth / 40)])


@pytest.mark.parametrize("condition", _prints.CONDITIONS)
def test_ink_lies_where_the_truth_says_on_straight_and_on_skewed_pages(condition):
    page = _prints.make_print(4, condition, ROWS, slow_waves)
    rows = np.flatnonzero(np.isfinite(page.columns[0]))
    truth = page.columns[0, rows]
    ink = page.ink[0][rows]
    assert ink.any(axis=1).all()
    centre = (ink * np.arange(ink.shape[1])).sum(axis=1) / ink.sum(axis=1)
    assert abs(np.mean(centre - truth)) < 0.05
    assert np.percentile(np.abs(centre - truth), 99) < 0.8
    on_truth = page.scan[rows, np.rint(truth).astype(int)]
    assert np.mean(on_truth < 0.9 * np.median(page.scan)) > 0.95


def test_the_track_edges_are_the_lines_that_were_drawn(page):
    rows = np.arange(page.top, page.bottom)
    track = accuracy.track_of(page)
    paper = np.median(page.scan)
    for columns in track.edges(rows):
        nearest = np.rint(columns).astype(int)
        darkest = np.min([page.scan[rows, nearest + offset] for offset in (-1, 0, 1)], axis=0)
        assert np.mean(darkest < 0.9 * paper) > 0.9


def test_a_print_has_two_curves_that_cross_and_is_nearly_all_background(page):
    assert 0.002 < page.ink[0].mean() < 0.04
    assert 0.001 < page.ink[1].mean() < 0.04
    assert score(page, read_perfectly(page)).crossings.count >= 3


def test_bilevel_scans_are_black_and_white_and_grey_ones_are_not(page):
    assert np.isin(page.scan, (0, 255)).all() == page.condition.endswith("bilevel")


def test_a_rotated_kick_that_passes_a_row_twice_is_not_judged():
    rows = np.array([0.0, 10.0, 8.0, 20.0])
    columns = np.array([0.0, 10.0, 300.0, 310.0])
    at_rows = _prints._columns_at(np.arange(25), rows, columns)
    assert np.isnan(at_rows[8:11]).all()
    assert np.isnan(at_rows[21:]).all()
    assert at_rows[5] == 5


def test_real_digital_curves_are_drawn_from_a_las_file(tmp_path):
    depth = np.arange(1000, 1400, 0.5)
    las = lasio.LASFile()
    las.append_curve("DEPT", depth, unit="ft")
    las.append_curve("GR", 75 + 40 * np.sin(depth / 7), unit="GAPI")
    las.append_curve("ILD", 10 ** (1 + np.cos(depth / 5)), unit="ohmm")
    las.append_curve("FLAT", np.ones(depth.size))
    las.write(str(tmp_path / "well.las"))
    source = _prints.las_source(tmp_path / "well.las")
    page = _prints.make_print(3, "clean bilevel", 800, source)
    assert np.isfinite(page.truth).mean() > 0.8


# How readings are scored


def test_a_perfect_reading_scores_perfectly(worn_page):
    reading = score(worn_page, read_perfectly(worn_page))
    for curve in reading.curves:
        assert curve == _scores.CurveScore(1.0, 0.0, 1.0, 1.0, 0.0, 0.0)
    assert reading.crossings.judged != (0, 0)
    assert reading.crossings.hops == (0, 0)
    assert reading.pixel_f1 == (1.0, 1.0)


def test_curves_that_change_places_at_a_crossing_are_hops_and_nearer_the_other_curve(worn_page):
    fractions = read_perfectly(worn_page)
    gap = fractions[0] - fractions[1]
    middle = int(np.flatnonzero(gap[:-1] * gap[1:] < 0)[0])
    fractions[:, middle + 1 :] = fractions[::-1, middle + 1 :]
    reading = score(worn_page, fractions)
    assert min(reading.crossings.hops) > 0
    assert all(curve.swapped > 0.3 and curve.r2 < 0.95 for curve in reading.curves)


def test_rows_not_read_lower_the_coverage_and_nothing_else(worn_page):
    fractions = read_perfectly(worn_page)
    fractions[:, ::2] = np.nan
    for curve in score(worn_page, fractions).curves:
        assert curve.coverage == pytest.approx(0.5, abs=0.01)
        assert curve.mae == 0


def test_a_curve_read_where_it_is_off_scale_is_invented(off_scale_page):
    honest = read_perfectly(off_scale_page)
    absent = int(np.argmax(off_scale_page.absent.sum(axis=1)))
    inventing = np.where(np.isnan(honest), 0.99, honest)
    assert score(off_scale_page, honest).curves[absent].invented == 0
    assert score(off_scale_page, inventing).curves[absent].invented > 0.05


def test_a_curve_that_was_not_read_at_all_is_the_worst_there_is(worn_page):
    fractions = read_perfectly(worn_page)
    fractions[1] = np.nan
    reading = score(worn_page, fractions)
    assert reading.curves[1].coverage == 0
    assert reading.worst_r2 == -np.inf
    good = score(worn_page, read_perfectly(worn_page))
    assert " inf | -inf |" in accuracy.report([reading, reading, good])


@given(st.floats(0.0, 0.4), st.integers(0, 2**32 - 1))
def test_a_curve_read_beside_itself_is_off_by_just_that(offset, seed):
    assume(abs(offset - _scores.PEN) > 1e-9)  # rounding decides on which side of a pen width it falls
    own = np.random.default_rng(seed).uniform(0, 1, 50)
    read = _scores.score_curve(own + offset, own, np.full(50, np.nan), np.zeros(50, bool))
    assert read.mae == pytest.approx(offset)
    assert read.r2 == pytest.approx(1 - offset**2 / own.var())
    assert read.within == (offset <= _scores.PEN)


def test_a_line_one_pixel_off_is_wrong_exactly_and_right_within_a_pixel():
    truth, got = np.zeros((2, 30, 20), bool)
    truth[:, 7] = got[:, 8] = True
    exact, near = _scores.pixel_counts(got, truth, (0, 1))
    assert _scores.f1(exact) == 0
    assert _scores.intersection_over_union(exact) == 0
    assert _scores.f1(near) == 1


def test_the_report_names_the_worst_print_and_every_condition(worn_page, off_scale_page):
    bad = score(off_scale_page, read_perfectly(off_scale_page)[::-1])
    text = accuracy.report([score(worn_page, read_perfectly(worn_page)), bad])
    assert f"{worn_page.condition} (" in text
    assert f"({off_scale_page.name})" in text
    assert "0.9891" in text


def test_wrong_rows_are_marked_in_the_picture_of_a_reading(worn_page):
    fractions = read_perfectly(worn_page)
    right = np.asarray(accuracy.picture(score(worn_page, fractions)))
    wrong = np.asarray(accuracy.picture(score(worn_page, fractions[::-1])))
    assert right.shape == (*worn_page.scan.shape, 3)
    assert (wrong[:, 4:12] != right[:, 4:12]).any()


def test_the_plain_networks_have_the_sizes_their_names_promise():
    loglift, classic = speed.plain_networks().values()
    assert speed.parameters(loglift) / 1e6 == pytest.approx(1.1, abs=0.05)
    assert speed.parameters(classic) / 1e6 == pytest.approx(31.0, abs=0.1)
    assert speed.plain_labels(loglift, np.full((40, 64), 255, np.uint8), 32).shape == (40, 64)


def test_labels_equal_to_the_truth_have_f1_of_one_for_every_pair_of_pens():
    from collections import defaultdict

    from napari_welllog.synthetic import print_log

    counts = defaultdict(lambda: np.zeros((1, 4), np.int64))
    log = print_log(pixels.FIRST_SEED, rows=400, columns=600)
    pixels.add_page(counts, log, log.classes)
    assert all(_scores.f1(row) == 1 for of_class in counts.values() for row in of_class if row[3])
    assert "| curve two | 1.000 | 1.000 |" in pixels.report(
        counts, counts, counts, Namespace(pages=1, good=1, film=1)
    )


# What becomes of a table


def test_a_table_replaces_its_own_block_of_the_page_and_no_other():
    page = "# Benchmarks\n\n<!-- begin speed -->old<!-- end speed -->\n\nAs one sees.\n"
    once = _table.replace_block(page, "speed", "new")
    assert "old" not in once
    assert once.endswith("\n\nAs one sees.\n")
    assert _table.replace_block(once, "speed", "new") == once


def test_a_page_without_the_block_gets_it_at_its_end():
    page = _table.replace_block("# Benchmarks\n", "memory", "2 GB")
    assert page == "# Benchmarks\n\n<!-- begin memory -->\n2 GB\n<!-- end memory -->\n"


def test_the_published_command_leaves_out_where_results_go(monkeypatch):
    words = [
        "benchmarks/accuracy.py",
        "--las",
        "/logs/well.las",
        "--cases",
        "4",
        "--write",
        "docs/benchmarks.md",
    ]
    monkeypatch.setattr(sys, "argv", words)
    assert _table.command_line() == "python benchmarks/accuracy.py --las well.las --cases 4"


# Crossings


def test_the_crossings_benchmark_counts_every_exit_once_and_its_groups_add_up(tmp_path):
    from napari_welllog import ClassMap

    def know(log):
        return ClassMap.from_labels(log.classes)

    exits = crossings.collect(
        12, crossings.PressSettings(single_one=0, single_two=0, tied_share=1), know, 1200
    )
    assert crossings.crossings_in(exits) >= 12
    keys = [(one.crossing, one.score.method, one.score.curve_class) for one in exits]
    assert len(keys) == len(set(keys))
    for groups in (crossings.groups_by_angle(exits), crossings.groups_by_pens(exits)):
        assert sum(len(group) for _, group in groups) == len(exits)
    text = crossings.report(exits, exits, exits)
    for reader in crossings.READERS:
        assert f"| {crossings.NAMES.get(reader, reader)} |" in text
    crossings.figure(exits, exits, exits, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_alike_pens_are_printed_alike():
    log = crossings.print_log(crossings.FIRST_SEED, crossings.ALIKE, rows=400)
    assert len(log.traces) == 4
    assert log.traces[0].pen == log.traces[1].pen


# Adaptation, and the trap


def test_a_blueprint_is_light_on_dark_with_ink_where_its_classes_are():
    page = adaptation.draw_blueprint(7, rows=400, columns=500)
    again = adaptation.draw_blueprint(7, rows=400, columns=500)
    assert np.array_equal(page.scan, again.scan)
    assert page.scan.shape == page.labels.shape == (400, 500)
    ground = np.median(page.scan)
    assert ground < 110
    assert page.scan[page.labels == 2].mean() > ground + 70
    double = page.labels == 1
    assert np.percentile(page.scan[double], 85) > ground + 70
    assert np.percentile(page.scan[double], 15) < ground + 50, "dark between the two lines"


def test_four_blueprints_are_annotated_and_none_that_is_measured_on(tmp_path, monkeypatch):
    from napari_welllog.annotations import AnnotationFolder
    from napari_welllog.unet.annotated import read_annotated

    monkeypatch.setattr(adaptation, "ROWS", 200)
    monkeypatch.setattr(adaptation, "draw_blueprint", lambda seed: _small_blueprint(seed))
    adaptation.annotate(tmp_path / "folder")
    data = read_annotated(AnnotationFolder.open(tmp_path / "folder"))
    assert data.windows == (3, 1)
    assert data.by == "scan"
    assert not set(adaptation.ANNOTATED_SEEDS) & set(adaptation.MEASURED_SEEDS)


_DRAW = adaptation.draw_blueprint


def _small_blueprint(seed):
    return _DRAW(seed, rows=200)


def test_the_trap_is_reported_as_it_went(tmp_path):
    from napari_welllog.unet.trap import run_trap, trap_patch

    patch = trap_patch(seed=1, rows=64, columns=64)
    lesson = trap.Lesson(1, 0.97, list(run_trap(*patch, loss="cross-entropy+dice", steps=5)), 1.0)
    text = trap.report([lesson], "cross-entropy+dice")
    assert "| 1 | 97.0% | cross-entropy |" in text
    assert "| 1 | 97.0% | cross-entropy+dice |" in text
    trap.draw([lesson], tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5_000
