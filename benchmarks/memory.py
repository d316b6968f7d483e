"""How much memory `segment` takes, and how that grows with the length of a scan.

Each length runs in a process of its own, whose highest resident memory is reported. A scan of 2,400 x 240,000
pixels, a long log at 400 dpi, is 0.54 GiB by itself, and its labels as much again.

    python benchmarks/memory.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _table import add_write_option, markdown_table, publish

GIGABYTE = 1e9

PAGE_ROWS = 3000


def highest_resident_bytes() -> int:
    """The most memory that this process has held so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux ru_maxrss is inherited from the process that started this one; VmHWM is this one's own.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def segment_one(page_file: Path, rows: int, model: str | None) -> None:
    """Segment a scan of repeated pages in this process, and print what it took as JSON."""
    from napari_welllog import segment

    page = np.load(page_file)
    segment(page[:256], model)  # what libraries and weights take is not the scan's
    before = highest_resident_bytes()
    scan = np.empty((rows, page.shape[1]), np.uint8)
    for top in range(0, rows, page.shape[0]):
        scan[top : top + page.shape[0]] = page[: rows - top]
    start = time.perf_counter()
    class_map = segment(scan, model)
    figures = {
        "seconds": time.perf_counter() - start,
        "before": before,
        "highest": highest_resident_bytes(),
        "scan": scan.nbytes,
        "labels": class_map.labels.nbytes,
    }
    print(json.dumps(figures))


def measure(page_file: Path, rows: int, model: str | None) -> dict[str, float]:
    """Run `segment_one` in a fresh process."""
    command = [sys.executable, __file__, "--one", str(page_file), "--rows", str(rows)]
    command += ["--model", model] if model else []
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(result.stdout.splitlines()[-1])


def report(measured: dict[int, dict[str, float]], columns: int) -> str:
    """The table: memory by length, and how much of it grows with the scan."""
    header = ["scan", "scan and labels", "highest memory", "of it libraries and weights", "seconds"]
    rows = [
        [
            f"{length:,} x {columns:,}",
            f"{(figures['scan'] + figures['labels']) / GIGABYTE:.2f} GB",
            f"{figures['highest'] / GIGABYTE:.2f} GB",
            f"{figures['before'] / GIGABYTE:.2f} GB",
            f"{figures['seconds']:.0f}",
        ]
        for length, figures in measured.items()
    ]
    table = markdown_table(header, rows)
    if len(measured) < 2:
        return table
    (_, short), *_, (_, long) = sorted(measured.items())
    growth = (long["highest"] - short["highest"]) / (long["scan"] - short["scan"])
    return f"{table}\n\nEvery byte of scan adds {growth:.2f}: itself, its label, its ink's probabilities."


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[15_000, 60_000, 240_000], help="lengths to measure"
    )
    parser.add_argument("--columns", type=int, default=2400, help="columns of the scan (default 2400)")
    parser.add_argument("--model", metavar="FILE", help="weights other than the shipped ones")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    add_write_option(parser)
    options = parser.parse_args()
    if options.one:
        segment_one(options.one, options.rows[0], options.model)
        return

    from napari_welllog import print_log

    with tempfile.TemporaryDirectory() as folder:
        page_file = Path(folder) / "page.npy"
        np.save(page_file, print_log(seed=10_000_000, rows=PAGE_ROWS, columns=options.columns).scan)
        measured = {}
        for rows in options.rows:
            measured[rows] = measure(page_file, rows, options.model)
            print(
                f"{rows:,} rows: {measured[rows]['highest'] / GIGABYTE:.2f} GB", file=sys.stderr, flush=True
            )
    publish("memory", report(measured, options.columns), options.write)


if __name__ == "__main__":
    main()
