"""Settings of every test and doctest."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Before napari is imported: tests neither read nor change what the person at this machine has set.
os.environ.setdefault("NAPARI_CONFIG", f"{tempfile.mkdtemp(prefix='welllog-tests-')}/settings.yaml")

# Machines that run tests are often shared and slow for a moment: that is no failure of the code under test.
settings.register_profile("welllog", deadline=None)
settings.load_profile("welllog")

HAS_DISPLAY = sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
ROOMS_WITH_WINDOWS = {"widgets", "demo.py", "test_demo.py"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the test of a killed process kill it more often than every run of the tests has time for."""
    parser.addoption("--kills", type=int, default=30, help="how often a painting process is killed")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without a display Qt aborts the whole run, so leave out what opens windows."""
    return True if not HAS_DISPLAY and collection_path.name in ROOMS_WITH_WINDOWS else None


def pytest_report_header() -> str | None:
    """Say what is left out: a run without windows must not look complete."""
    if HAS_DISPLAY:
        return None
    left_out = ", ".join(sorted(ROOMS_WITH_WINDOWS))
    return f"no display: {left_out} are left out; `make test` runs them on a virtual one"
