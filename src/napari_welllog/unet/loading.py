"""Load torch without holding up the other threads of a program, such as the one that draws its window."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path

_LIBRARIES = ("torch_global_deps", "c10", "torch_cpu", "torch", "torch_python")


def load_torch() -> None:
    """Import torch, letting other Python threads run while the system loads its libraries.

    A plain import holds Python's lock for as long as the system takes to load hundreds of megabytes: a window
    would stand still for seconds. A call of the system's own loader through ctypes does not.
    """
    if "torch" not in sys.modules:
        _load_libraries()
        importlib.import_module("torch")


def _load_libraries() -> None:
    """Ask the system to load torch's libraries; what it refuses here, the import will ask for again."""
    found = find_spec("torch")
    # On Windows torch itself calls the loader in a way that leaves the lock free.
    if found is None or not found.submodule_search_locations or sys.platform == "win32":
        return
    folder = Path(found.submodule_search_locations[0]) / "lib"
    load = ctypes.CDLL(None).dlopen
    load.argtypes, load.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    for name in _LIBRARIES:
        path = folder / f"lib{name}{'.dylib' if sys.platform == 'darwin' else '.so'}"
        if path.exists():
            # As torch does: its dependencies are for every library to see, the others are not.
            load(os.fsencode(path), os.RTLD_NOW | (os.RTLD_GLOBAL if name == _LIBRARIES[0] else 0))
