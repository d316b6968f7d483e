"""Turn scanned paper well logs into numbers: scan -> class map -> traces -> log curves -> LAS.

Everything a script needs is importable from here and is loaded when it is first used, so that importing the
package is instant: neither torch nor napari is loaded before something runs a network or opens a window.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_welllog.class_map import ClassMap
    from napari_welllog.crossings import compare_at, find_crossings
    from napari_welllog.curves import LogCurve, Trace, extract_traces, to_log_curve
    from napari_welllog.digitize import digitize
    from napari_welllog.errors import Cancelled, WelllogError
    from napari_welllog.followers import follow
    from napari_welllog.las import write_las
    from napari_welllog.scan import Scan, read_scan
    from napari_welllog.synthetic import print_log
    from napari_welllog.tracks import Tracks
    from napari_welllog.unet import segment

__version__ = "0.1.0"

__all__ = [
    "Cancelled",
    "ClassMap",
    "LogCurve",
    "Scan",
    "Trace",
    "Tracks",
    "WelllogError",
    "__version__",
    "compare_at",
    "digitize",
    "extract_traces",
    "find_crossings",
    "follow",
    "print_log",
    "read_scan",
    "segment",
    "to_log_curve",
    "write_las",
]

_ROOM_OF = {
    "Cancelled": "errors",
    "ClassMap": "class_map",
    "LogCurve": "curves",
    "Scan": "scan",
    "Trace": "curves",
    "Tracks": "tracks",
    "WelllogError": "errors",
    "compare_at": "crossings",
    "digitize": "digitize",
    "extract_traces": "curves",
    "find_crossings": "crossings",
    "follow": "followers",
    "print_log": "synthetic",
    "read_scan": "scan",
    "segment": "unet",
    "to_log_curve": "curves",
    "write_las": "las",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its room when it is first asked for."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)


class _Package(ModuleType):
    """The package, on which `digitize` is the function although a module has the same name."""

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing a submodule binds it on its package, which would hide the public function of that name.
        if isinstance(value, ModuleType) and name in _ROOM_OF:
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
