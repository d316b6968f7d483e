"""Open mutated files of every kind and tell what became of them; one alone by its number."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.fuzz.kinds import KINDS, case_files, lay_out
from tests.fuzz.watch import ROOT, Outcome, Tally, run, watch

sys.path.insert(0, str(ROOT / "benchmarks"))
from _table import machine, markdown_table, replace_block


def shares(count: int, kinds: list[str]) -> dict[str, int]:
    """Divide cases among the kinds."""
    total = sum(KINDS[kind].share for kind in kinds)
    counts = {kind: max(count * KINDS[kind].share // total, 1) for kind in kinds}
    counts[kinds[0]] += max(count - sum(counts.values()), 0)
    return counts


def table(tallies: dict[str, Tally]) -> str:
    """Lay out what became of the cases, by kind."""
    header = ["kind", "cases", "accepted", "refused", "failures", "slowest", "most memory"]
    rows = [
        [
            kind,
            *(f"{tally.counts[name]:,}" for name in ("cases", "accepted", "refused", "failed")),
            f"{tally.seconds:.1f} s",
            f"{tally.memory / 1e9:.2f} GB",
        ]
        for kind, tally in tallies.items()
    ]
    sums = [
        sum(tally.counts[name] for tally in tallies.values())
        for name in ("cases", "accepted", "refused", "failed")
    ]
    slowest, largest = (
        max(tally.seconds for tally in tallies.values()),
        max(tally.memory for tally in tallies.values()),
    )
    rows.append(["all", *(f"{number:,}" for number in sums), f"{slowest:.1f} s", f"{largest / 1e9:.2f} GB"])
    return markdown_table(header, rows)


def tell(outcome: Outcome) -> None:
    """Say at once what failed, and how to see it again."""
    last = outcome.words.strip().splitlines()[-1:] or [""]
    print(f"{outcome.kind} {outcome.case}: {outcome.how}: {last[0][:300]}", file=sys.stderr, flush=True)


def one_case(kind: str, case: int, keep: Path | None) -> int:
    """Open one case and say all about it."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        lay_out(case_files(kind, case), keep)
    outcome = next(watch(kind, case, case))
    print(
        f"{kind} {case}: {outcome.how}, {outcome.seconds:.2f} s, {outcome.memory / 1e9:.2f} GB\n{outcome.words}"
    )
    return int(outcome.failed)


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this kind; may be given again")
    parser.add_argument("--case", type=int, help="only the case of this number")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="with --case: keep its files here")
    parser.add_argument("--cases", type=int, default=20_000, help="how many files (default 20,000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each kind")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers at once")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the table into a page (docs/benchmarks.md)"
    )
    options = parser.parse_args()
    kinds = options.kind or list(KINDS)
    if options.case is not None:
        return max(one_case(kind, options.case, options.keep) for kind in kinds)
    tallies = run(shares(options.cases, kinds), options.jobs, options.first, tell)
    text = table(tallies)
    print(text)
    if options.write is not None:
        command = f"python -m tests.fuzz --cases {options.cases}" + (
            f" --first {options.first}" if options.first else ""
        )
        page = options.write.read_text(encoding="utf-8")
        options.write.write_text(
            replace_block(page, "fuzz", f"`{command}` on {machine()}.\n\n{text}"), encoding="utf-8"
        )
    return int(any(tally.failures for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
