"""A window without a display: a virtual one is started, used and ended again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from napari_welllog.widgets.display import DisplayError, has_display, virtual_display

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere there is always a display"
)


def test_a_display_is_seen_by_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_display()
    monkeypatch.setenv("DISPLAY", "")
    assert not has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()


def test_a_virtual_display_answers_and_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    with virtual_display() as name:
        assert os.environ["DISPLAY"] == name
        assert os.environ["QT_QPA_PLATFORM"] == "xcb", "the offscreen platform has no OpenGL"
        assert has_display()
        socket = f"/tmp/.X11-unix/X{name.removeprefix(':')}"
        assert os.path.exists(socket)
    assert not os.path.exists(socket)
    assert os.environ["DISPLAY"] == ":987"
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_two_virtual_displays_do_not_meet() -> None:
    with virtual_display() as one, virtual_display() as two:
        assert one != two


def test_without_xvfb_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DisplayError, match="apt-get install xvfb") as error, virtual_display():
        pass
    assert "\n" not in str(error.value)


def test_an_xvfb_that_does_not_start_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    broken = tmp_path / "Xvfb"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(DisplayError, match="did not start"), virtual_display():
        pass


def test_knowing_about_displays_loads_no_window() -> None:
    code = "import sys, napari_welllog.widgets.display; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"napari", "qtpy"}.isdisjoint(run.stdout.split())
