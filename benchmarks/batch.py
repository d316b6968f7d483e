"""Many scans at once: a run that is hurt beside a quiet one, and the throughput of two workers beside one.

A folder of printed logs, a tenth of them corrupt, is read three times by `welllog batch`: by two workers, one of which
is killed half way and then the whole run, which is resumed; by two workers in peace; and by one worker.

    python benchmarks/batch.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import psutil
from _table import add_write_option, markdown_table, publish

FIRST_SEED = 30_000_000
"""Neither training nor any other benchmark uses seeds from here on."""

CORRUPT_EVERY = 10


def print_scans(folder: Path, count: int, rows: int, columns: int) -> set[str]:
    """Print the scans with their calibrations, spoil a tenth of them in turn, and give the names of those."""
    from PIL import Image

    from napari_welllog import print_log

    spoilt = set()
    for k in range(count):
        log = print_log(FIRST_SEED + k, rows=rows, columns=columns)
        scan = folder / f"well-{k:04d}.png"
        Image.fromarray(log.scan).save(scan, dpi=(log.dpi, log.dpi))
        assert log.tracks is not None
        log.tracks.save(scan.with_name(f"{scan.stem}.tracks.json"))
        if k % CORRUPT_EVERY == CORRUPT_EVERY // 2:
            spoil(scan, k // CORRUPT_EVERY)
            spoilt.add(scan.name)
    return spoilt


def spoil(scan: Path, how: int) -> None:
    """Make a scan, or its calibration, one that cannot be read."""
    whole = scan.read_bytes()
    tracks = scan.with_name(f"{scan.stem}.tracks.json")
    kinds: list[Callable[[], object]] = [
        lambda: scan.write_bytes(whole[: len(whole) // 2]),
        lambda: scan.write_bytes(b""),
        lambda: scan.write_text("This is no picture.\n"),
        lambda: scan.write_bytes(whole[:2000] + bytes(4000) + whole[6000:]),
        lambda: tracks.write_text(tracks.read_text().replace('"anchors"', '"ankers"')),
    ]
    kinds[how % len(kinds)]()


def command(scans: Path, out: Path, workers: int) -> list[str]:
    """The command that reads the scans."""
    call = [sys.executable, "-m", "napari_welllog.cli", "batch", str(scans), "--out", str(out)]
    return [*call, "--workers", str(workers)]


def run_quietly(scans: Path, out: Path, workers: int) -> float:
    """Read all scans in peace; give the scans per minute between the first and the last that was read."""
    done = subprocess.run(command(scans, out, workers), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr  # some scans are refused
    times = [datetime.fromisoformat(line["time"]) for line in events(out, "read")]
    # The first scan of each worker waits for it to load the network.
    first, last = times[workers - 1], times[-1]
    return (len(times) - workers) / ((last - first).total_seconds() / 60)


def run_hurt(scans: Path, out: Path, count: int) -> None:
    """Read all scans; kill a worker half way, then the run itself; give the command once more."""
    run = subprocess.Popen(command(scans, out, 2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: finished(out) >= count // 2, run)
    workers_of(run.pid)[0].kill()
    wait_until(lambda: bool(events(out, "worker died")), run)
    wait_until(lambda: finished(out) >= 2 * count // 3, run)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    done = subprocess.run(command(scans, out, 2), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes of a run: those that hold the network."""
    children = psutil.Process(pid).children(recursive=True)
    return sorted(children, key=lambda child: -child.memory_info().rss)


def wait_until(condition: Callable[[], bool], run: subprocess.Popen[bytes]) -> None:
    """Wait for something to come about while a run goes on."""
    while not condition():
        assert run.poll() is None, "the run ended before it could be hurt"
        time.sleep(0.02)


def events(out: Path, *kinds: str) -> list[dict[str, str]]:
    """The lines of a journal of some kinds."""
    file = out / "journal.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [event for event in map(json.loads, lines) if event["event"] in kinds]


def finished(out: Path) -> int:
    """How many scans a run has done."""
    return len(events(out, "read", "refused", "failed"))


def contents(out: Path) -> dict[str, bytes]:
    """All that a run leaves but its journal, which tells the time, and the page's title, which is the folder's."""
    return {
        str(path.relative_to(out)): path.read_bytes().replace(out.name.encode(), b"results")
        for path in out.rglob("*")
        if path.is_file() and path.name not in ("journal.jsonl", ".welllog-batch.lock")
    }


def report(outs: dict[str, Path], spoilt: set[str], rates: dict[int, float], count: int) -> str:
    """The tables."""
    hurt = outs["hurt"]
    told = Counter(event["scan"] for event in events(hurt, "read"))
    records = [json.loads(path.read_text()) for path in hurt.glob("*/record.json")]
    read = {Path(record["scan"]["path"]).name for record in records if record["outcome"] == "read"}
    listed = {
        Path(record["scan"]["path"]).name
        for record in records
        if record["outcome"] == "refused" and record["reason"]
    }
    of_hurt, of_quiet, of_one = (contents(outs[name]) for name in ("hurt", "quiet", "one"))
    differ = [name for name in of_hurt.keys() | of_quiet.keys() if of_hurt.get(name) != of_quiet.get(name)]
    differ_one = [name for name in of_one.keys() | of_quiet.keys() if of_one.get(name) != of_quiet.get(name)]
    rows = [
        ["scans, of which corrupt", f"{count}, {len(spoilt)}"],
        ["workers killed, runs killed", f"{len(events(hurt, 'worker died'))}, 1"],
        ["good scans read", f"{len(read - spoilt)} of {count - len(spoilt)}"],
        ["read more than once", str(sum(number > 1 for number in told.values()))],
        ["corrupt scans listed with their reason", f"{len(listed & spoilt)} of {len(spoilt)}"],
        ["files that differ from those of a quiet run", f"{len(differ)} of {len(of_quiet)}"],
        ["files of one worker that differ from those of two", f"{len(differ_one)} of {len(of_quiet)}"],
        ["temporary files left", str(len(list(hurt.glob("*/.welllog-*"))))],
    ]
    speed = [
        [str(workers), f"{rate:.1f}", f"{rate / rates[1]:.2f}"] for workers, rate in sorted(rates.items())
    ]
    return "\n\n".join(
        [
            markdown_table(["a run that was hurt", ""], rows),
            "Throughput of quiet runs, once the workers have loaded the network:",
            markdown_table(["workers", "scans per minute", "of one worker"], speed),
            *(f"Differs: {name}" for name in [*differ, *differ_one][:10]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=200, help="scans to print (default 200)")
    parser.add_argument("--rows", type=int, default=3000, help="rows of each (default 3000)")
    parser.add_argument("--columns", type=int, default=1200, help="columns of each (default 1200)")
    add_write_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        scans = Path(place) / "scans"
        scans.mkdir()
        spoilt = print_scans(scans, options.scans, options.rows, options.columns)
        outs = {name: Path(place) / f"out-{name}" for name in ("hurt", "quiet", "one")}
        print("hurt", file=sys.stderr, flush=True)
        run_hurt(scans, outs["hurt"], options.scans)
        rates = {}
        for workers, name in ((2, "quiet"), (1, "one")):
            print(name, file=sys.stderr, flush=True)
            rates[workers] = run_quietly(scans, outs[name], workers)
        text = report(outs, spoilt, rates, options.scans)
    size = f"{options.rows:,} x {options.columns:,} pixels"
    publish("batch", f"Printed logs of {size}, each with its calibration.\n\n{text}", options.write)


if __name__ == "__main__":
    main()
