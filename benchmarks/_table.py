"""What every benchmark shares: a Markdown table, the machine it ran on, and the block of a page it owns."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table: the first column to the left, figures to the right.

    Parameters
    ----------
    header : sequence of str
        Column titles.
    rows : sequence of sequences of str
        One sequence of cells per row, as long as `header`.

    Examples
    --------
    >>> print(markdown_table(["curve", "MAE"], [["one", "0.0018"]]))
    | curve | MAE |
    |---|---:|
    | one | 0.0018 |
    """
    lines = [list(header), ["---"] + ["---:"] * (len(header) - 1), *[list(row) for row in rows]]
    return "\n".join(
        "|" + "|".join(cells) + "|" if index == 1 else "| " + " | ".join(cells) + " |"
        for index, cells in enumerate(lines)
    )


def machine() -> str:
    """Describe this machine in one line: processor, cores, torch and Python."""
    try:
        torch_version = f"torch {version('torch')}"
    except PackageNotFoundError:
        torch_version = "no torch"
    cores = f"{os.cpu_count()} core{'s' * (os.cpu_count() != 1)}"
    return f"{_processor()}, {cores}, {torch_version}, Python {platform.python_version()}"


def _processor() -> str:
    """Name the processor; /proc/cpuinfo says it on Linux, where `platform` does not."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def command_line() -> str:
    """Say the command that makes this table, without the options that only say where results go."""
    words = iter(sys.argv[1:])
    kept = []
    for word in words:
        option = word.partition("=")[0]
        if option in ("--write", "--pictures", "--scans", "--figure", "--lesson"):
            if "=" not in word:
                next(words, None)
        else:
            kept.append(Path(word).name if Path(word).is_absolute() else word)
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *kept])


def add_write_option(parser: argparse.ArgumentParser) -> None:
    """Give a script the option `--write FILE`."""
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="replace this script's block in a Markdown page (docs/benchmarks.md)",
    )


def publish(name: str, text: str, page: Path | None) -> None:
    """Print a result under the command and machine that made it, and put it into its block of a page."""
    block = f"`{command_line()}` on {machine()}.\n\n{text}"
    print(block)
    if page is not None:
        before = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
        page.write_text(replace_block(before, name, block), encoding="utf-8")


def replace_block(page: str, name: str, text: str) -> str:
    """Put `text` between a page's markers of that name; a page without them gets them at its end.

    Examples
    --------
    >>> print(replace_block("<!-- begin speed -->old<!-- end speed -->", "speed", "new"))
    <!-- begin speed -->
    new
    <!-- end speed -->
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    block = f"{begin}\n{text.strip()}\n{end}"
    if begin not in page or end not in page:
        return f"{page.rstrip()}\n\n{block}\n"
    before, rest = page.split(begin, 1)
    return before + block + rest.split(end, 1)[1]
