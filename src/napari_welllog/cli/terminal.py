"""What a person sees in the terminal: bars of progress and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def bars(stages: Sequence[str]) -> Iterator[Callable[[str, float], None]]:
    """Show a progress bar for each stage on stderr; nothing at all where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks = {stage: progress.add_task(stage, total=1.0, start=False) for stage in stages}

        def update(stage: str, fraction: float) -> None:
            task = tasks[stage]
            progress.start_task(task)
            progress.update(task, completed=fraction)

        yield update


def standard_console() -> Console:
    """The console of stdout."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def print_table(console: Console, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: words left, figures right."""
    from rich import box
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for k, name in enumerate(header):
        table.add_column(name, justify="left" if k == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)
