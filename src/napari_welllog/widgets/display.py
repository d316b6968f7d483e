"""Find a display for a window, or start a virtual one where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from napari_welllog.errors import WelllogError

_SCREEN = "1920x1200x24"


class DisplayError(WelllogError):
    """No window can be opened here."""


def has_display() -> bool:
    """Tell whether a window can be expected to open: always, but on a Linux without X11 and Wayland.

    Examples
    --------
    >>> has_display() or sys.platform.startswith("linux")
    True
    """
    return not sys.platform.startswith("linux") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


@contextmanager
def virtual_display() -> Iterator[str]:
    """Run a virtual display, Xvfb, and point this process and its children to it meanwhile.

    Yields
    ------
    str
        The name of the display, such as ":1".

    Raises
    ------
    DisplayError
        When Xvfb is not installed or does not start.
    """
    program = shutil.which("Xvfb")
    if program is None:
        raise DisplayError(
            "There is no display and no Xvfb to stand in for one: install it (Debian and Ubuntu: "
            "apt-get install xvfb libgl1-mesa-dri libxcb-cursor0; Fedora: dnf install xorg-x11-server-Xvfb)."
        )
    # Xvfb itself finds a free number and tells it on the pipe once it is ready to be used.
    reading, writing = os.pipe()
    arguments = [program, "-displayfd", str(writing), "-screen", "0", _SCREEN, "-nolisten", "tcp"]
    process = subprocess.Popen(
        arguments, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise DisplayError(
                "Xvfb did not start: run `Xvfb :99` to see why, or use a machine with a display."
            )
        with _environment(DISPLAY=f":{number}", WAYLAND_DISPLAY=None, QT_QPA_PLATFORM="xcb"):
            yield f":{number}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _environment(**variables: str | None) -> Iterator[None]:
    """Set environment variables, or unset those that are None, and put them back afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    _set_environment(variables)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(variables: dict[str, str | None]) -> None:
    """Set environment variables; None unsets."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
