"""What a worker of these tests loads first: a network that needs no torch, and hooks to kill it or hold it up.

A file kill-STEM in the folder of hooks kills the worker that begins to read that scan and is used up by it;
deadly-STEM kills every one. While hold-STEM is there the scan waits.
"""

import os
import signal
import time
from importlib import import_module
from pathlib import Path

import numpy as np

from napari_welllog.class_map import ClassMap
from napari_welllog.errors import Cancelled
from napari_welllog.unet import ClassBand, Model


def dask_setup(worker):
    """Dask calls this when a worker starts."""
    hooks = Path(os.environ["WELLLOG_TEST_HOOKS"])
    job = import_module("napari_welllog.archive.job")
    read = job.digitize

    def read_or_die(scan, tracks, stage, *args, cancelled, **more):
        kill = hooks / f"kill-{scan.stem}"
        if kill.exists() or (hooks / f"deadly-{scan.stem}").exists():
            kill.unlink(missing_ok=True)
            (stage / "half.las").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
        while (hooks / f"hold-{scan.stem}").exists():
            (hooks / f"held-{scan.stem}").touch()
            if cancelled():
                raise Cancelled
            time.sleep(0.02)
        return read(scan, tracks, stage, *args, cancelled=cancelled, **more)

    job.digitize = read_or_die
    job.load_model = lambda name_or_file=None: Model("dark is one", "0" * 64, None)
    job._use_threads = lambda threads: None
    import_module("napari_welllog.digitize").segment_bands = dark_is_one


def dark_is_one(pixels, *args):
    """All ink is curve one."""
    whole = ClassMap.from_labels((pixels[0 : pixels.shape[0]] < 100).astype(np.uint8))
    yield ClassBand(0, whole.labels, whole.curve_probabilities)
