"""The application that the commands belong to."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_welllog.cli.ending import OneLineGroup

app = typer.Typer(
    name="welllog",
    cls=OneLineGroup,
    help="Turn scanned paper well logs into numbers.",
    epilog="Each command explains itself: welllog digitize --help",
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from napari_welllog import __version__

        print(f"welllog {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _welllog(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave."),
    ] = False,
) -> None:
    """Turn scanned paper well logs into numbers."""
    if context.invoked_subcommand is None:
        print(context.get_help())
