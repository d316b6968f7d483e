"""A hook of MkDocs that lets the command write its own reference, so that the page cannot be stale."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

PLACE = "<!-- commands -->"


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Replace the comment that marks the place, on the page that has it."""
    if PLACE not in markdown:
        return markdown
    command = [sys.executable, "-m", "typer", "napari_welllog.cli", "utils", "docs", "--name", "welllog"]
    reference = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    # The page has a title and a word on exit codes already: keep what follows the overview.
    return markdown.replace(PLACE, reference[reference.index("\n## ") :])
