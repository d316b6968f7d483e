"""One training as a widget runs it: on a thread of its own, telling how it goes and what it makes of the view."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import Cancelled, WelllogError
from napari_welllog.unet.loading import load_torch
from napari_welllog.unet.regions import Region, classes_in
from napari_welllog.unet.weights import Model, load_model
from napari_welllog.widgets.jobs import Job, describe
from napari_welllog.widgets.preview import Reading

if TYPE_CHECKING:
    from napari_welllog.unet.scores import PixelScores
    from napari_welllog.unet.train import TrainingStatus
    from napari_welllog.widgets.open_scan import OpenScan

CHECKPOINT = ".pt"
"""Ending of the checkpoint, which lies beside the weights under their name."""

_one_at_a_time = threading.Lock()
"""A cancelled training still writes its checkpoint; the next one waits for that."""


@dataclass(frozen=True)
class Request:
    """What a person asked for.

    Parameters
    ----------
    out : the safetensors file to write.
    start : the network to go on from, by name or file; None to train from scratch.
    annotations : folder of annotated windows; None to learn from printed logs alone.
    annotated_share : share of annotated windows in what is learnt from.
    minutes : how long to train, from the very beginning on.
    loss, parameters : the loss by name, and the numbers in it.
    resume : whether to go on from the checkpoint.
    more : further settings of the training.
    """

    out: Path
    start: str | None
    annotations: Path | None
    annotated_share: float
    minutes: float
    loss: str
    parameters: Mapping[str, float]
    resume: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def checkpoint(self) -> Path:
        """Where a training keeps what it has learnt."""
        return checkpoint_of(self.out)


@dataclass(frozen=True)
class Notice:
    """Something that a person should know of a training that goes on."""

    text: str


@dataclass(frozen=True, eq=False)
class BeforeAfter:
    """The network that training began with, and what it has come to."""

    before: Model
    after: Model


@dataclass(frozen=True, eq=False)
class Finished:
    """What a training gave.

    Parameters
    ----------
    out : the weights file that was written.
    scores : of the written network on held-out windows.
    networks : before and after.
    stopped : whether somebody had seen enough.
    """

    out: Path
    scores: PixelScores
    networks: BeforeAfter
    stopped: bool


def checkpoint_of(out: Path) -> Path:
    """The checkpoint that belongs to a weights file.

    Examples
    --------
    >>> checkpoint_of(Path("mine.safetensors")).name
    'mine.pt'
    """
    return out.with_suffix(CHECKPOINT)


class TrainingRun:
    """A training that is told what is in view, and tells what it makes of it.

    It hands over to its job: every `TrainingStatus`, a `Reading` of the view after each measurement and whenever
    the view has moved, and a `Notice` of what went otherwise than asked.

    Parameters
    ----------
    request : what was asked for.
    scan : the scan whose view is read as the network learns; None to read none.

    Attributes
    ----------
    view : the region in view, set by the thread that draws the window; None for nothing to read.
    stop : an event that ends the training early; the best network so far is kept.
    networks : the network before and the newest one; None before the first measurement.
    """

    def __init__(self, request: Request, scan: OpenScan | None) -> None:
        self.request, self.scan = request, scan
        self.view: Region | None = None
        self.stop = threading.Event()
        self.networks: BeforeAfter | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._reading: Reading | None = None
        self._read_from: Model | None = None
        self._status: TrainingStatus | None = None
        self._batches = 0
        self._windows_at_once = 0

    def work(self, job: Job) -> Finished:
        """Train, on the thread of the job.

        Raises
        ------
        WelllogError : what a person can mend, in words.
        Cancelled : asked to stop; nothing but the checkpoint is written.
        """
        job.progress(0.0, "Waiting for the training before")
        while not _one_at_a_time.acquire(timeout=0.1):
            if job.cancelled():
                raise Cancelled
        try:
            return self._train(job)
        finally:
            _one_at_a_time.release()

    def _train(self, job: Job) -> Finished:
        """Train, alone."""
        job.progress(0.0, "Loading torch")
        load_torch()  # leaves the window alive, as a plain import does not
        from napari_welllog.unet.train import train
        from napari_welllog.unet.training_settings import TrainingSettings

        asked = self.request
        # Another process would be a copy of this one, window and all.
        settings = TrainingSettings(
            minutes=asked.minutes,
            loss=asked.loss,
            loss_parameters=asked.parameters,
            annotated_share=asked.annotated_share,
            **{"workers": 0, **asked.more},
        )
        self._windows_at_once = settings.batch
        before = load_model(asked.start)
        self._take_pixels(job)
        job.progress(0.0, "Measuring the network" if asked.annotations else "Training")
        scores = train(
            asked.out,
            settings,
            checkpoint=asked.checkpoint,
            resume=asked.resume,
            progress=lambda status: self._tell(job, status),
            cancelled=job.cancelled,
            annotations=asked.annotations,
            start=asked.start,
            stopped=lambda: self._between_batches(job),
            current=lambda model: self._measured(job, before, model),
        )
        self.networks = BeforeAfter(before, load_model(asked.out))
        self._read(job)
        return Finished(asked.out, scores, self.networks, self.stop.is_set())

    def _take_pixels(self, job: Job) -> None:
        """Get the scan ready; one that cannot be read is no reason not to train."""
        if self.scan is None:
            return
        try:
            self._pixels = self.scan.pixels
        except WelllogError as error:
            job.hand_over(Notice(f"Training goes on, but shows nothing on the scan. {error}"))

    def _tell(self, job: Job, status: TrainingStatus) -> None:
        """Tell where training stands."""
        self._status, self._batches = status, 0
        job.progress(status.fraction, f"Batch {status.step}")
        job.hand_over(status)
        if status.windows_at_once < self._windows_at_once:
            self._windows_at_once = status.windows_at_once
            job.hand_over(
                Notice(
                    f"Memory ran out: a batch is now computed {status.windows_at_once} "
                    f"window{'s' * (status.windows_at_once > 1)} at a time, which takes longer and learns the same."
                )
            )

    def _between_batches(self, job: Job) -> bool:
        """Tell that another batch is done, and read the view if it has moved; whether to end."""
        if self._status is not None:
            job.progress(job.fraction, f"Batch {self._status.step + self._batches}")
            self._batches += 1
        if self._reading is not None and self._reading.region != self.view:
            self._read(job)
        return self.stop.is_set()

    def _measured(self, job: Job, before: Model, model: Model) -> None:
        """Take the network as it now is, and read the view with it."""
        self.networks = BeforeAfter(before, model)
        self._read(job)

    def _read(self, job: Job) -> None:
        """Read the view with both networks; whatever goes wrong there must not end the training."""
        region, networks = self.view, self.networks
        if region is None or networks is None or self._pixels is None:
            return
        try:
            self._reading = read_view(self._pixels, region, networks, job, self._reading)
        except Cancelled:
            return  # the training asks too, and then keeps its checkpoint
        except Exception as error:
            self._pixels = None
            job.hand_over(Notice(f"Training goes on, but shows nothing more on the scan. {describe(error)}"))
        else:
            job.hand_over(self._reading)


def read_view(
    pixels: NDArray[np.uint8], region: Region, networks: BeforeAfter, job: Job, earlier: Reading | None = None
) -> Reading:
    """Read a region with both networks; what an earlier reading of it knows of before is taken from there."""
    if earlier is not None and earlier.region == region:
        before = earlier.before
    else:
        before = classes_in(pixels, region, networks.before, cancelled=job.cancelled)
    return Reading(region, before, classes_in(pixels, region, networks.after, cancelled=job.cancelled))
