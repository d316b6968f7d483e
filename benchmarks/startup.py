"""How long the command and the package take to start, beside the libraries that they cannot do without.

Pairs of fresh processes, one of each kind right after the other, so that what else the machine does falls on both;
the ratio is the median over the pairs. Bytecode is compiled before.

    python benchmarks/startup.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from statistics import median

from _table import add_write_option, markdown_table, publish

HELP = "import sys; sys.argv = ['welllog', '--help']; from napari_welllog.cli import main; main()"

PAIRS = {
    "`welllog --help`": (HELP, "`import numpy, typer, rich`", "import numpy, typer, rich", 2.0),
    "`import napari_welllog`": ("import napari_welllog", "`import numpy`", "import numpy", 1.5),
}


def seconds(code: str) -> float:
    """Time a fresh Python that runs some code."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def paired(one: str, other: str, pairs: int) -> tuple[float, float, float]:
    """Median seconds of each, and the median ratio of one to the other; which comes first alternates."""
    seconds(one), seconds(other)
    times = []
    for k in range(pairs):
        first, second = (one, other) if k % 2 else (other, one)
        taken = {first: seconds(first)}
        taken[second] = seconds(second)
        times.append((taken[one], taken[other]))
    return median(a for a, _ in times), median(b for _, b in times), median(a / b for a, b in times)


def report(pairs: int) -> str:
    """The table."""
    rows = []
    for name, (code, beside, other, most) in PAIRS.items():
        ours, theirs, ratio = paired(code, other, pairs)
        rows.append([name, f"{ours:.2f} s", beside, f"{theirs:.2f} s", f"{ratio:.2f}", f"{most:g}"])
    return markdown_table(["what", "seconds", "beside", "seconds", "ratio", "at most"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=20, help="pairs of processes (default 20)")
    add_write_option(parser)
    options = parser.parse_args()
    publish("startup", report(options.pairs), options.write)


if __name__ == "__main__":
    main()
