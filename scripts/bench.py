"""Run the benchmarks and write what each prints into its place in docs/benchmarks.md.

Every benchmarks/NAME.py prints Markdown on stdout and its progress on stderr; the page keeps a place for it
between the comments ``<!-- NAME -->`` and ``<!-- end NAME -->``. Without arguments all of them run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"


def replace_section(page: str, name: str, text: str) -> str:
    """Put `text` between the comments of benchmark `name`; a page without them is an error."""
    begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    if begin not in page or end not in page:
        raise SystemExit(f"{PAGE} has no place for {name}: add the lines {begin} and {end}.")
    before, rest = page.split(begin, 1)
    after = rest.split(end, 1)[1]
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}"


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all, one after the other: they must not share the cores."""
    scripts = sorted(path for path in (ROOT / "benchmarks").glob("*.py") if not path.name.startswith("_"))
    for name in names or [path.stem for path in scripts]:
        print(f"benchmarks/{name}.py", file=sys.stderr, flush=True)
        command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py")]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        print(text)
        PAGE.write_text(replace_section(PAGE.read_text(), name, text))


if __name__ == "__main__":
    main(sys.argv[1:])
