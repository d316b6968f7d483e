"""What is installed is whole: the manifest names things that exist, and every file names the same version."""

from __future__ import annotations

import ast
import re
import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from npe2 import PluginManifest

import napari_welllog

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(napari_welllog.__file__).parent
MANIFEST = PACKAGE / "napari.yaml"
WINDOW_ROOMS = {"samples", "reader", "writers", "widgets", "demo"}
CONTRIBUTIONS = yaml.safe_load(MANIFEST.read_text())["contributions"]
COMMANDS = [command["python_name"] for command in CONTRIBUTIONS["commands"]]


def test_the_manifest_is_valid() -> None:
    manifest = PluginManifest.from_file(MANIFEST)
    assert manifest.name == "napari-welllog"


def test_the_icon_is_a_picture_in_the_package() -> None:
    package, _, name = str(yaml.safe_load(MANIFEST.read_text())["icon"]).partition(":")
    picture = ElementTree.parse(Path(import_module(package).__file__ or "").parent / name)
    assert picture.getroot().tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("python_name", COMMANDS)
def test_every_name_in_the_manifest_exists(python_name: str) -> None:
    module, _, name = python_name.partition(":")
    if find_spec(module) is None:
        pytest.skip(f"{module} is not built yet")
    assert callable(getattr(import_module(module), name))


def test_napari_finds_the_manifest_of_the_installed_package() -> None:
    manifest = PluginManifest.from_distribution("napari-welllog")
    assert manifest.contributions.sample_data is not None
    assert {sample.key for sample in manifest.contributions.sample_data} >= {"short_log", "crossing"}


def test_the_top_level_manifest_is_the_one_in_the_package() -> None:
    assert (ROOT / "napari.yaml").is_symlink()
    assert (ROOT / "napari.yaml").samefile(MANIFEST)


def test_every_file_names_the_same_version() -> None:
    version = napari_welllog.__version__
    newest = re.search(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert metadata.version("napari-welllog") == version


def test_the_command_and_the_engine_need_no_napari() -> None:
    """A server installs the engine without a window; napari and Qt come with the extra `all`."""
    requirements = metadata.requires("napari-welllog") or []
    needed_always = [line for line in requirements if "extra ==" not in line]
    assert any(line.startswith("torch") for line in needed_always)
    windows = re.compile(r"napari|pyqt|pyside|qtpy|superqt", re.IGNORECASE)
    assert not [line for line in needed_always if windows.match(line)]


def test_every_benchmark_has_a_place_on_the_benchmarks_page() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    names = [path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py")]
    assert [name for name in names if f"<!-- begin {name} -->" not in page] == []


def test_what_the_engine_imports_is_installed_with_it() -> None:
    """A package that only the tests' environment happens to have would be missing on a user's machine."""
    # These extras are each imported late by one file, which says what to install where it is missing.
    late = re.compile(r"""extra == ['"](ocr|batch|fast|coco)['"]""")
    required = {
        normalised(line)
        for line in metadata.requires("napari-welllog") or []
        if "extra ==" not in line or late.search(line)
    }
    distributions = metadata.packages_distributions()
    undeclared = {
        f"{path.relative_to(PACKAGE)} imports {package}"
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") not in WINDOW_ROOMS
        for package in imported_packages(path) - {"napari_welllog"} - sys.stdlib_module_names
        if not {normalised(name) for name in distributions.get(package, [package])} & required
    }
    assert undeclared == set()


def imported_packages(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}


def normalised(requirement: str) -> str:
    """The name of a requirement as the package registry compares it."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()
