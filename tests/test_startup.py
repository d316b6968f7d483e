"""Starting is quick: what is imported before it is needed; `benchmarks/startup.py` measures how long that takes."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

HEAVY = {"lasio", "napari", "numpy", "pandas", "PIL", "psutil", "pydantic", "pypdfium2", "scipy", "skimage"}
HEAVY |= {"safetensors", "tifffile", "torch", "xml"}
"""None of these is needed to say what a command does."""

RUN = "from napari_welllog.cli import main; main()"

_COMMANDS = [[], ["digitize"], ["segment"], ["train"], ["synth"], ["follow"], ["evaluate"], ["tracks"]]


def imported(code: str, *arguments: str) -> set[str]:
    """The packages that a fresh Python has imported when it has run some code, however that ended."""
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print('\\n' + json.dumps([*{name.partition('.')[0] for name in sys.modules}])))\n"
        f"sys.argv = ['welllog', *{list(arguments)!r}]\n{code}"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Traceback" not in run.stderr, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda words: " ".join(["welllog", *words]))
def test_help_imports_nothing_heavy(command):
    by_typer = {"pydantic"} if command else set()  # which looks for its types when it reads a command's own
    assert not imported(RUN, *command, "--help") & (HEAVY - by_typer)


def test_the_package_imports_nothing_but_the_standard_library():
    before, after = imported(""), imported("import napari_welllog")
    assert after - before <= set(sys.stdlib_module_names) | {"napari_welllog"}


def test_asking_for_the_version_imports_nothing_heavy():
    assert not imported(RUN, "--version") & HEAVY


@pytest.mark.parametrize(
    "code",
    [
        "import napari_welllog as n; n.read_scan; n.Tracks; n.ClassMap; n.extract_traces; n.write_las; n.digitize",
        "import napari_welllog.digitize, napari_welllog.followers, napari_welllog.crossings, napari_welllog.overlay",
        "import napari_welllog.annotations, napari_welllog.calibrate, napari_welllog.synthetic, napari_welllog.unet",
    ],
)
def test_nothing_imports_torch_before_it_predicts(code):
    assert "torch" not in imported(code)


def test_a_scan_that_is_refused_is_refused_without_torch(tmp_path):
    """A mistake in the input is told at once, not after the seconds that torch takes."""
    (tmp_path / "log.tif").write_bytes(b"no scan")
    Image.fromarray(np.full((50, 50), 255, np.uint8)).save(tmp_path / "log.png")
    (tmp_path / "tracks.json").write_text("{}")
    for words in (
        ["digitize", str(tmp_path / "log.tif")],
        ["segment", str(tmp_path / "log.tif"), "--out", str(tmp_path / "classes.tif")],
        ["digitize", str(tmp_path / "log.png"), "--tracks", str(tmp_path / "tracks.json")],
    ):
        assert "torch" not in imported(RUN, *words)
