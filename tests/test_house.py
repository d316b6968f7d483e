"""The walls of the house: a room imports only rooms below it, and only the windows know napari and Qt."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import napari_welllog

PACKAGE = Path(napari_welllog.__file__).parent

# From the ground up. A new room is added here and in docs/architecture.md, as low as it can stand.
ENGINE_ROOMS = [
    "errors",
    "clock",
    "limits",
    "json_file",
    "output",
    "overlap",
    "scan",
    "tracks",
    "calibrate",
    "report",
    "packed_plane",
    "class_map",
    "class_map_file",
    "synthetic",
    "annotations",
    "unet",
    "paths",
    "gaps",
    "curves",
    "las",
    "edits",
    "review",
    "followers",
    "crossings",
    "reading",
    "strokes",
    "overlay",
    "digitize",
    "evaluate",
    "archive",
    "cli",
]
NAPARI_ROOMS = ["samples", "reader", "writers", "widgets", "demo"]
WINDOW_PACKAGES = {"app_model", "magicgui", "napari", "pyqtgraph", "PyQt5", "PyQt6", "PySide6", "qtpy"}
WINDOW_PACKAGES |= {"superqt", "vispy"}

FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> list[str]:
    """Full names of the modules a file imports anywhere in it, under TYPE_CHECKING and in functions too."""
    package = ["napari_welllog", *path.relative_to(PACKAGE).parent.parts]
    modules = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from napari_welllog import tracks` imports a room by its bare name.
            from_package = module == "napari_welllog"
            modules += [f"{module}.{alias.name}" for alias in node.names] if from_package else [module]
    return modules


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for module in imported_modules(path):
        top, _, rest = module.partition(".")
        if top == "napari_welllog" and rest:
            name = rest.split(".")[0]
            rooms.add(napari_welllog._ROOM_OF.get(name, name))
    return rooms - {"__version__"}


def identify(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_every_file_stands_in_a_known_room(path: Path) -> None:
    assert room_of(path) in ENGINE_ROOMS + NAPARI_ROOMS


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    room = room_of(path)
    below = set(ENGINE_ROOMS) | set(NAPARI_ROOMS)
    if room in ENGINE_ROOMS:
        below = set(ENGINE_ROOMS[: ENGINE_ROOMS.index(room) + 1])
    assert imported_rooms(path) <= below


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) not in NAPARI_ROOMS], ids=identify)
def test_the_engine_knows_no_window(path: Path) -> None:
    packages = {module.partition(".")[0] for module in imported_modules(path)}
    assert not packages & WINDOW_PACKAGES


def test_the_walls_are_seen_through_every_kind_of_import(tmp_path: Path, monkeypatch) -> None:
    """The reader of imports misses none, or the tests above prove nothing."""
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    file = tmp_path / "unet" / "predict.py"
    file.parent.mkdir()
    file.write_text(
        "import napari_welllog.scan\n"
        "from napari_welllog import Tracks, las\n"
        "from . import network\n"
        "from ..class_map import ClassMap\n"
        "def late():\n"
        "    import napari.layers as layers\n"
        "    from qtpy.QtWidgets import QWidget\n"
    )
    assert imported_rooms(file) == {"scan", "tracks", "las", "unet", "class_map"}
    assert {"napari.layers", "qtpy.QtWidgets"} <= set(imported_modules(file))


@pytest.mark.parametrize(
    "module",
    [
        "napari_welllog",
        "napari_welllog.annotations",
        "napari_welllog.archive",
        "napari_welllog.cli",
        "napari_welllog.samples",
        "napari_welllog.strokes",
        "napari_welllog.unet.losses",
    ],
)
def test_importing_loads_neither_torch_nor_a_window(module: str) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not built yet")
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(run.stdout.split()) & (WINDOW_PACKAGES | {"torch"})


@pytest.mark.parametrize("name", sorted(napari_welllog._ROOM_OF))
def test_public_names_are_importable_from_the_package(name: str) -> None:
    room = napari_welllog._ROOM_OF[name]
    try:
        found = find_spec(f"napari_welllog.{room}")
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None:
        pytest.skip(f"{room} is not built yet")
    value = getattr(napari_welllog, name)
    assert value.__name__ == name
    assert name in napari_welllog.__all__
    assert name in dir(napari_welllog)


def test_the_package_names_what_it_lacks() -> None:
    with pytest.raises(AttributeError, match="no attribute 'autotrace'"):
        napari_welllog.autotrace  # noqa: B018


def test_digitize_is_the_function_however_its_module_was_imported() -> None:
    if find_spec("napari_welllog.digitize") is None:
        pytest.skip("digitize is not built yet")
    code = (
        "import napari_welllog.digitize, napari_welllog\n"
        "from napari_welllog.digitize import digitize\n"
        "assert napari_welllog.digitize is digitize\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
