"""A hook of MkDocs that lists the keys from the table that the widgets bind them by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_welllog.widgets.keys import KEYS

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

PLACE = "<!-- keys -->"


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Replace the comment that marks the place, on the page that has it."""
    rows = [f"| {key.key.replace('-', ' + ')} | {key.widget} | {key.does} |" for key in KEYS.values()]
    return markdown.replace(PLACE, "\n".join(["| key | widget | what it does |", "|---|---|---|", *rows]))
