"""Load torch without holding up the other threads of a program, such as the one that draws its window."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

_LIBRARIES = ("torch_global_deps", "c10", "torch_cpu", "torch", "torch_python")


def load_torch() -> None:
    """Import torch, letting other Python threads run while the system loads its libraries.

    A plain import holds Python's lock for as long as the system takes to load hundreds of megabytes: a window
    would stand still for seconds. A call of the system's own loader through ctypes does not. And an import
    makes so many objects that Python goes through all of them for garbage, several times, holding its lock.
    """
    if "torch" not in sys.modules:
        _load_libraries()
        with _without_collecting_garbage():
            importlib.import_module("torch")


@contextmanager
def _without_collecting_garbage() -> Iterator[None]:
    """Put off the collection of garbage, and take what was made meanwhile for old: it is there to stay."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # Frozen and thawed, objects are among the oldest; nothing is kept that could be collected later.
        if gc.get_freeze_count() == 0:
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()


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
