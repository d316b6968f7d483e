"""What the documentation shows works as it is written."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import napari_welllog
from napari_welllog import Tracks
from napari_welllog.annotations import Manifest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def code_blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language, in the order of the page."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_the_tracks_json_of_the_manual_can_be_used(tmp_path: Path) -> None:
    (example,) = code_blocks(ROOT / "docs" / "reference" / "tracks-json.md", "json")
    file = tmp_path / "tracks.json"
    file.write_text(example)
    tracks = Tracks.load(file)
    assert tracks.depth.depths([2575, 11203]).tolist() == [250.0, 1100.0]
    assert [curve.mnemonic for curve in tracks.tracks[0].curves] == ["DT", "SPHI"]


def test_the_manifest_of_the_manual_can_be_used() -> None:
    (example,) = code_blocks(ROOT / "docs" / "how-to" / "annotations.md", "json")
    manifest = Manifest.model_validate_json(example)
    assert manifest.scan.file == "well.tif"
    assert manifest.share_looked_at == 0.75


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_the_documentation_imports_public_names(page: Path) -> None:
    imported = {
        alias.name
        for block in code_blocks(page, "python")
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom) and node.module == "napari_welllog"
        for alias in node.names
    }
    assert imported <= set(napari_welllog.__all__)


def test_pictures_in_the_documentation_exist() -> None:
    prefix = "https://raw.githubusercontent.com/napari-welllog/napari-welllog/main/"
    missing = []
    for page in PAGES:
        for address in re.findall(r"!\[[^\]]*\]\(([^)\s]+)", page.read_text(encoding="utf-8")):
            own = address.startswith(prefix)
            picture = ROOT / address.removeprefix(prefix) if own else page.parent / address
            missing += [address] if (own or "://" not in address) and not picture.exists() else []
    assert missing == []
