"""Scans of any length: how much memory `welllog segment` and `welllog digitize` take, and how long for a megapixel.

Black and white TIFFs (CCITT group 4) of one printed page that comes again and again, from file to files, each read
by a process of its own, whose highest resident memory is told. 2,400 x 241,008 pixels are the longest real scan
that we know of; in memory, grey, it would take 0.58 GB by itself, and its labels as much again.

    python benchmarks/memory.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from _table import add_write_option, markdown_table, publish

SEED = 10_000_000
"""Training never uses seeds from here on."""

PAGE_ROWS = 3000
LENGTHS = (5_000, 60_000, 241_008, 482_016)
SHORT = 12_000
"""Rows up to which a scan is read several times, and the shortest time counts."""

ROWS_PER_STRIP, PHOTOMETRIC = 278, 262
COMMANDS = ("segment", "digitize")


@dataclass(frozen=True)
class Measured:
    """What one command took for one scan: seconds on the clock, and the most memory it held, in bytes."""

    seconds: float
    highest: int


def write_scan(path: Path, rows: int, columns: int) -> None:
    """Write a long scan of a printed page in strips, and its calibration beside it."""
    import numpy as np
    from PIL import Image

    from napari_welllog.synthetic import PressSettings, print_log

    log = print_log(SEED, PressSettings(bilevel_share=1.0, dpi=(200.0, 200.0)), PAGE_ROWS, columns)
    paper = Image.fromarray(np.resize(log.scan, (rows, columns))).convert("1")
    paper.save(
        path,
        compression="group4",
        dpi=(log.dpi, log.dpi),
        tiffinfo={ROWS_PER_STRIP: PAGE_ROWS, PHOTOMETRIC: 0},
    )
    assert log.tracks is not None
    tall = [
        track.model_copy(
            update={"top": 0, "bottom": rows - 1, "left": _mean(track.left), "right": _mean(track.right)}
        )
        for track in log.tracks.tracks
    ]
    log.tracks.model_copy(update={"tracks": tall}).save(path.with_name(f"{path.stem}.tracks.json"))


def _mean(edge: Sequence[Sequence[float]]) -> float:
    """The column of an edge, on the whole."""
    return sum(column for _, column in edge) / len(edge)


def measure(command: str, scan: Path, out: Path, model: str | None) -> Measured:
    """Run a command in a fresh process, and watch its memory until it ends."""
    arguments = [sys.executable, "-m", "napari_welllog.cli", command, str(scan)]
    if command == "segment":
        arguments += ["--out", str(out / f"{scan.stem}_classes.tif")]
    else:
        arguments += ["--tracks", str(scan.with_name(f"{scan.stem}.tracks.json")), "--out", str(out)]
    arguments += ["--model", model] if model else []
    start = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    highest = 0
    while process.poll() is None:
        highest = max(highest, highest_resident_bytes(process.pid))
        time.sleep(0.02)
    if process.returncode:
        assert process.stderr is not None
        raise RuntimeError(process.stderr.read().decode())
    return Measured(time.perf_counter() - start, highest)


def highest_resident_bytes(process: int) -> int:
    """The most memory that a running process has held so far; Linux tells it."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) * 1024 if lines else 0


def measure_all(
    lengths: Sequence[int], columns: int, model: str | None, folder: Path, repeats: int
) -> dict[tuple[str, int], Measured]:
    """Measure both commands on every length."""
    measured = {}
    for rows in lengths:
        scan, out = folder / f"scan-{rows}.tif", folder / f"out-{rows}"
        out.mkdir()
        write_scan(scan, rows, columns)
        for command in COMMANDS:
            runs = [measure(command, scan, out, model) for _ in range(repeats if rows <= SHORT else 1)]
            measured[command, rows] = min(runs, key=lambda run: run.seconds)
            print(command, rows, measured[command, rows], file=sys.stderr, flush=True)
        for file in out.iterdir():
            file.unlink()
        scan.unlink()
    return measured


def report(measured: dict[tuple[str, int], Measured], columns: int) -> str:
    """The table, and what it says of memory and time."""
    rows, parts = [], []
    for command in COMMANDS:
        runs = {length: run for (name, length), run in sorted(measured.items()) if name == command}
        further = _each_further_megapixel({length: run.seconds for length, run in runs.items()}, columns)
        rows += [
            [
                f"`welllog {command}`, {columns:,} x {length:,}",
                f"{length * columns / 1e6:,.0f} MP",
                f"{run.highest / 1e9:.2f} GB",
                f"{run.seconds:.1f}",
                f"{1000 * further[length]:.1f} ms" if length in further else "",
            ]
            for length, run in runs.items()
        ]
        parts.append(_verdict(command, runs, further, columns))
    header = ["command and scan", "pixels", "highest memory", "seconds", "each further megapixel"]
    return "\n\n".join([markdown_table(header, rows), *parts])


def _each_further_megapixel(seconds: dict[int, float], columns: int) -> dict[int, float]:
    """Seconds for each megapixel that a scan has more than the next shorter one: starting up does not count."""
    return {
        longer: (seconds[longer] - seconds[shorter]) / ((longer - shorter) * columns / 1e6)
        for shorter, longer in pairwise(sorted(seconds))
    }


def _verdict(command: str, runs: dict[int, Measured], further: dict[int, float], columns: int) -> str:
    """What the figures of one command say: memory at twice the length, and how flat the time is."""
    shortest, *_, long, longest = sorted(runs)
    growth = runs[longest].highest / runs[long].highest - 1
    spread = max(further.values()) / min(further.values()) - 1
    start = runs[shortest].seconds - min(further.values()) * shortest * columns / 1e6
    return (
        f"`{command}`: {runs[longest].highest / 1e9:.2f} GB at most, {growth:+.0%} from {long:,} to {longest:,} "
        f"rows; from {shortest:,} to {longest:,} rows each further megapixel takes the same time within "
        f"{spread:.0%}, after {start:.1f} s to start and to make the network ready."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=list(LENGTHS), help="lengths to measure")
    parser.add_argument("--columns", type=int, default=2400, help="columns of the scan (default 2400)")
    parser.add_argument(
        "--repeats", type=int, default=3, help="runs of a short scan, the shortest of which counts"
    )
    parser.add_argument("--model", metavar="FILE", help="weights other than the shipped ones")
    add_write_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure_all(options.rows, options.columns, options.model, Path(folder), options.repeats)
    publish("memory", report(measured, options.columns), options.write)


if __name__ == "__main__":
    main()
