"""Hostile input: some hundred mutated files of every kind, and that what watches them misses nothing.

`make fuzz` opens 20,000.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz import faulty, watch
from tests.fuzz.__main__ import shares, table
from tests.fuzz.kinds import KINDS, case_files
from tests.fuzz.worker import unclear

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes, links and select")

SOME = {kind: max(2 * KINDS[kind].share, 10) for kind in KINDS}


@pytest.fixture(scope="module")
def tallies():
    """What became of some cases of every kind: case 0 and on."""
    return watch.run(SOME, jobs=2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_file_is_opened_or_refused_by_one_of_our_errors_in_one_line(tallies, kind):
    failures = [f"{kind} {one.case}: {one.how}: {one.words}" for one in tallies[kind].failures]
    assert not failures, "\n".join(failures)
    assert tallies[kind].counts["cases"] == SOME[kind]
    assert tallies[kind].counts["refused"], "else nothing was spoilt"


def test_unspoilt_and_harmlessly_spoilt_files_are_accepted(tallies):
    assert all(tally.counts["accepted"] for kind, tally in tallies.items() if SOME[kind] >= 20)


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_is_the_same_whenever_it_is_made(kind):
    first = [case_files(kind, number) for number in range(20)]
    assert first == [case_files(kind, number) for number in range(20)]
    assert len({repr(files) for files in first}) > 10


@pytest.mark.parametrize(
    ("case", "how", "words"),
    [
        (faulty.CRASHES, "crashed", "SIGABRT"),
        (faulty.ENDS, "crashed", "exit code 77"),
        (faulty.HANGS, "hung", "s on the clock"),
        (faulty.SLEEPS, "hung", "s on the clock"),
        (faulty.GROWS, "memory", "GB"),
    ],
)
def test_a_worker_that_is_lost_is_told_with_the_number_of_its_case_and_replaced(
    monkeypatch, case, how, words
):
    monkeypatch.setattr(watch, "MOST_SECONDS", 0.5)
    monkeypatch.setattr(watch, "MOST_BYTES", 3e8)
    bad, *rest = watch.watch(
        "png", case, case if case != faulty.GROWS else faulty.IS_FINE, "tests.fuzz.faulty"
    )
    assert (bad.case, bad.how) == (case, how)
    assert words in bad.words
    assert bad.failed
    assert [one.how for one in rest] == ["accepted"] * (case == faulty.GROWS)


def test_a_refusal_must_be_one_clear_line():
    assert unclear("log.tif: damaged; scan the paper again", "/tmp") == ""
    assert unclear("log.tif: damaged; scan\nthe paper again", "/tmp") == "not one line of text"
    assert unclear("log.tif: \x1b[2J; scan the paper again", "/tmp") == "not one line of text"
    assert unclear("list index out of range", "/tmp") == "no remedy"
    assert unclear("", "/tmp") == "0 characters"


def test_the_table_counts_every_kind_and_all_together():
    counts = shares(20_000, list(KINDS))
    assert sum(counts.values()) == 20_000
    tally = watch.Tally()
    tally.add(watch.Outcome("png", 0, "refused", "", 0.25, 10**8))
    tally.add(watch.Outcome("png", 1, "crashed", "SIGSEGV"))
    lines = table({"png": tally}).splitlines()
    assert lines[-1] == "| all | 2 | 0 | 1 | 1 | 0.2 s | 0.10 GB |"
