"""The command `welllog`: what the engine does, from a terminal or a script.

Every command ends with 0 only when all that was asked for is written. A mistake that the user can mend gives
one line on stderr and 2, Ctrl-C 130; neither leaves a partial file.
"""

from __future__ import annotations

from typing import NoReturn

from napari_welllog.cli.application import app

# Each brings its commands with it; `welllog --help` lists them in this order.
from napari_welllog.cli import digitize, batch, steps, train, synth, compare  # isort: skip # noqa: F401

__all__ = ["app", "main"]


def main() -> NoReturn:
    """Run the command `welllog`."""
    app()
    raise AssertionError("the command leaves by itself")
