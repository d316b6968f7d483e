"""Training: windows from the printing press in, weights out."""

from __future__ import annotations

import copy
import hashlib
import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset

from napari_welllog.annotations import AnnotationFolder
from napari_welllog.errors import Cancelled, ModelError, is_out_of_memory
from napari_welllog.output import naming, staged
from napari_welllog.synthetic import PressSettings, print_window
from napari_welllog.unet.annotated import AnnotatedData, Crop, fixed_crops, read_annotated
from napari_welllog.unet.learners import Learners, use_large_pages
from napari_welllog.unet.losses import LossFunction, loss_function
from napari_welllog.unet.network import UNet
from napari_welllog.unet.optimiser import optimisers
from napari_welllog.unet.scores import PixelScores, curve_f1, score_pixels
from napari_welllog.unet.training_settings import TrainingSettings
from napari_welllog.unet.weights import Model, load_model, save_weights
from napari_welllog.unet.windows import HELD_OUT, MixedWindows, TurnedWindows, to_ink

Tensors = tuple[Tensor, ...] | list[Tensor]

PEAK_RATE = 4e-3
FINE_TUNING_RATE = 1.5e-3
"""The highest learning rate for a network that has learnt already: a higher one would first undo what it knows.

What AdamW's step does to a normalised kernel goes by the kernel's size, and Muon leaves kernels half as large again.
"""

WARM_UP = 0.03
MEMORY = 0.999
"""What the moving average of the weights keeps of itself at each step, at most."""


@dataclass(frozen=True)
class TrainingStatus:
    """Where training stands, told to whoever watches.

    Parameters
    ----------
    fraction : share of the work done, 0 to 1.
    step : batches seen.
    loss : mean loss of the last batches; NaN before the first.
    scores : the newest held-out scores, or None before the first.
    held_out_loss : the loss on held-out annotated windows; None where the held-out windows are printed.
    best : the best mean F1 of the two curves on held-out windows so far, or None before the first.
    windows_at_once : windows of a batch that are computed together; fewer than a batch when memory ran out.
    """

    fraction: float
    step: int
    loss: float
    scores: PixelScores | None
    held_out_loss: float | None = None
    best: float | None = None
    windows_at_once: int = 0


def train(
    out: Path | str,
    settings: TrainingSettings = TrainingSettings(),
    press: PressSettings = PressSettings(),
    checkpoint: Path | str | None = None,
    resume: bool = False,
    progress: Callable[[TrainingStatus], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    annotations: AnnotationFolder | Path | str | None = None,
    start: str | Path | None = None,
    stopped: Callable[[], bool] | None = None,
    current: Callable[[Model], None] | None = None,
) -> PixelScores:
    """Train a network on printed windows, and annotated ones where there are any, and write the best weights.

    Parameters
    ----------
    out : the safetensors file to write.
    settings, press : how to train, and what to print.
    checkpoint : a file that is rewritten about once a minute, from which `resume` goes on.
    resume : go on from the checkpoint where there is one; the network it began with need not be named again.
    progress : called about every 20 batches.
    cancelled : asked before every batch; then nothing is written.
    annotations : a folder of annotated windows to learn from too. Scores are then measured on some of them that
        are held out, from the beginning on and about twenty times.
    start : name of a shipped network or a weights file to go on from; from scratch when left out.
    stopped : asked before every batch; then the best weights so far are written.
    current : given a copy of the network, as it is, whenever it has been measured; on the thread that trains.

    Returns
    -------
    The scores of the written weights on held-out windows: the best of all that were measured.

    Raises
    ------
    ModelError : an unknown loss or optimiser, a network or a checkpoint that cannot be read, a checkpoint that began
        with another network, or too little memory for a window.
    AnnotationsError : the annotations cannot be used, or are too few to hold some out.
    OutputError : the weights or the checkpoint cannot be written; of the weights this is known before training.
    Cancelled : asked to stop; the checkpoint, where one is named, holds what was learnt.
    """
    use_large_pages()
    loss_function(settings.loss, settings.loss_parameters)
    data = None if annotations is None else _read(annotations, settings)
    beginning = None if start is None else load_model(start)
    target = Path(out)
    run = _Run(settings, press, Path(checkpoint) if checkpoint else None, data, beginning)
    with staged([target], inputs=[checkpoint, start]) as places, closing(run):
        run.current = current
        if resume:
            run.load()
        run.go(progress or (lambda status: None), cancelled or (lambda: False), stopped or (lambda: False))
        run.measure()
        best, scores = run.best_network()
        with naming(target, places[target]):
            save_weights(places[target], best, run.provenance(scores))
    return scores


def _read(annotations: AnnotationFolder | Path | str, settings: TrainingSettings) -> AnnotatedData:
    """Read a folder of annotated windows."""
    if not isinstance(annotations, AnnotationFolder):
        annotations = AnnotationFolder.open(annotations)
    return read_annotated(annotations, settings.held_out_share)


class _Run:
    """One training run: the network, its moving average and how far it has come."""

    def __init__(
        self,
        settings: TrainingSettings,
        press: PressSettings,
        checkpoint: Path | None,
        data: AnnotatedData | None = None,
        start: Model | None = None,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.press, self.checkpoint = settings, press, checkpoint
        self.data = data
        self.started_from = None if start is None else f"{start.name} {start.sha256}"
        network = UNet() if start is None else copy.deepcopy(start.network)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = AveragedModel(self.network, multi_avg_fn=_average, use_buffers=True)
        self.rate = settings.rate or (PEAK_RATE if start is None else FINE_TUNING_RATE)
        self.optimiser = settings.optimiser or ("muon" if start is None else "adamw")
        self.optimisers = optimisers(self.network, self.rate, self.optimiser)
        self.loss = loss_function(settings.loss, settings.loss_parameters)
        self.step, self.seconds = 0, 0.0
        self.windows_at_once = settings.batch
        self.held_out = [] if data is None else fixed_crops(data.held_out, settings.window, settings.held_out)
        self.current: Callable[[Model], None] | None = None
        self.learners: Learners | None = None
        self.scores: PixelScores | None = None
        self.held_out_loss: float | None = None
        self.measured_at = 0.0
        self.best: _Best | None = None

    @property
    def fraction(self) -> float:
        """Share of the work done."""
        steps, minutes = self.settings.steps, self.settings.minutes
        done, whole = (self.seconds, 60 * minutes) if steps is None else (self.step, steps)
        return min(1.0, done / whole) if whole > 0 else 1.0

    def go(
        self,
        progress: Callable[[TrainingStatus], None],
        cancelled: Callable[[], bool],
        stopped: Callable[[], bool],
    ) -> None:
        """Train until the time or the batches are used up, or somebody has seen enough."""
        self._prepare()
        recent: list[float] = []
        if self.data is not None and self.best is None:
            self.measure()  # what training has to beat
            progress(self.status(recent))
        saved, clock = self.seconds, time.monotonic()
        for ink, labels in self._batches():
            if self.fraction >= 1 or stopped():
                break
            if cancelled():
                self.save()
                raise Cancelled
            recent = [*recent[-49:], self._learn(ink, labels)]
            self.seconds += time.monotonic() - clock
            clock = time.monotonic()
            told = self.step % 20 == 0
            if self.fraction - self.measured_at > (0.1 if self.data is None else 0.05):
                self.measure()
                told |= self.data is not None
            if told:
                progress(self.status(recent))
            if self.seconds - saved > 60:
                self.save()
                saved = self.seconds
        self.save()

    def _prepare(self) -> None:
        """Make the network ready to learn; one that has learnt already keeps its statistics of all other pages."""
        self.network.train()
        if self.started_from is not None:
            for module in self.network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()

    def status(self, recent: list[float]) -> TrainingStatus:
        """Where it stands, given the losses of the last batches."""
        return TrainingStatus(
            self.fraction,
            self.step,
            float(np.mean(recent)) if recent else float("nan"),
            self.scores,
            self.held_out_loss,
            None if self.best is None else self.best.quality,
            self.windows_at_once,
        )

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of windows that this run has not seen."""
        first = self.step * self.settings.batch
        windows: IterableDataset[tuple[Tensor, Tensor]] = TurnedWindows(self.settings, self.press, first)
        if self.data is not None:
            windows = MixedWindows(self.settings, self.press, first, self.data.training)
        workers = self.settings.workers
        loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
            windows,
            batch_size=self.settings.batch,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
        )
        return iter(loader)

    def _learn(self, ink: Tensor, labels: Tensor) -> float:
        """One step down the loss; in smaller parts from where memory runs out on."""
        for group in (group for optimiser in self.optimisers for group in optimiser.param_groups):
            group["lr"] = learning_rate(self.fraction) * self.rate / PEAK_RATE
        while True:
            try:
                loss = self._gradients(ink, labels)
                break
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if self.windows_at_once == 1:
                    raise ModelError(
                        "There is not enough memory to train on a single window; close other programs."
                    ) from error
            # Outside the handler, whose error would keep alive what filled the memory.
            self.windows_at_once = min(self.windows_at_once, len(ink)) // 2 or 1
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return loss

    def _gradients(self, ink: Tensor, labels: Tensor) -> float:
        """The loss of a batch and, in the network, its gradients."""
        if self.learners is None:
            self.learners = Learners(self.network, self._loss_by_kind, has_fast_bfloat16())
        return self.learners.gradients(ink, labels, self._are_annotated(len(ink)), self.windows_at_once)

    def _loss_by_kind(self, logits: Tensor, labels: Tensor, annotated: Tensor) -> Tensor:
        """The loss of annotated and of printed windows, each by itself, by how many there are.

        Together, annotated curves of wide pens would drown thin printed ones in whatever is summed over pixels.
        """
        if annotated.all() or not annotated.any():
            return self.loss(logits, labels)
        kinds = (annotated, ~annotated)
        losses = [self.loss(logits[kind], labels[kind]) * kind.float().mean() for kind in kinds]
        return torch.stack(losses).sum()

    def _are_annotated(self, count: int) -> Tensor:
        """Which windows of the next batch are annotated ones, bool (count,)."""
        share = 0.0 if self.data is None else self.settings.annotated_share
        first = self.step * count
        before = torch.tensor([int(index * share) for index in range(first, first + count + 1)])
        return before.diff() > 0

    def close(self) -> None:
        """Let the threads that learn go."""
        if self.learners is not None:
            self.learners.close()

    def measure(self) -> None:
        """Measure the averaged network on windows it never saw, and keep it if it is the best so far."""
        network = self.average.module
        if self.data is None:
            self.scores = score_windows(
                network, range(HELD_OUT, HELD_OUT + self.settings.held_out), self.press
            )
        else:
            self.scores, self.held_out_loss = score_crops(network, self.held_out, self.loss)
        self.measured_at = self.fraction
        # Of two that are alike, the one that learnt for longer.
        if self.best is None or curve_f1(self.scores) >= self.best.quality:
            weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            self.best = _Best(curve_f1(self.scores), self.scores, weights, self.step)
        if self.current is not None:
            self.current(_model_of(cast(UNet, network)))

    def best_network(self) -> tuple[UNet, PixelScores]:
        """The best network so far, and its scores."""
        assert self.best is not None
        network = copy.deepcopy(cast(UNet, self.average.module))
        network.load_state_dict(self.best.weights)
        return network, self.best.scores

    def provenance(self, scores: PixelScores) -> dict[str, str]:
        """Where the weights come from, as text for the weights file."""
        return {
            **self._origin(),
            "loss": self.settings.loss,
            "optimiser": self.optimiser,
            "seed": str(self.settings.seed),
            "steps": str(self.step),
            "windows": str(self.step * self.settings.batch),
            "minutes": f"{self.seconds / 60:.1f}",
            "held_out_f1": f"{scores.f1[1]:.4f} {scores.f1[2]:.4f}",
            "torch": torch.__version__,
        }

    def _origin(self) -> dict[str, str]:
        """What it began as and learnt from."""
        said = {"data": "printing press of napari-welllog, no real page"}
        if self.settings.loss_parameters:
            chosen = sorted(self.settings.loss_parameters.items())
            said["loss_parameters"] = " ".join(f"{name}={value:g}" for name, value in chosen)
        if self.started_from is not None:
            said["started_from"] = self.started_from
        if self.data is not None:
            learnt, measured = self.data.windows
            said["data"] = "annotated windows and the printing press of napari-welllog"
            said["annotations"] = self.data.sha256
            said["annotated_windows"] = f"{learnt} learnt from, {measured} held out by {self.data.by}"
            said["annotated_share"] = f"{self.settings.annotated_share:g}"
        if self.best is not None:
            said["best_step"] = str(self.best.step)
        return said

    def save(self) -> None:
        """Write the checkpoint, atomically."""
        if self.checkpoint is None:
            return
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "seconds": self.seconds,
            "measured_at": self.measured_at,
            "best": None if self.best is None else self.best.as_state(),
            "annotations": None if self.data is None else self.data.sha256,
            "started_from": self.started_from,
            "rate": self.rate,
        }
        content = io.BytesIO()
        torch.save(state, content)
        with staged([self.checkpoint]) as places, naming(self.checkpoint, places[self.checkpoint]):
            places[self.checkpoint].write_bytes(content.getvalue())

    def load(self) -> None:
        """Go on from the checkpoint, where there is one."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        not_a_checkpoint = ModelError(
            f"'{self.checkpoint}' is not a checkpoint of this training; give another, or start afresh."
        )
        try:
            state = torch.load(self.checkpoint, weights_only=True)
            began = state.get("started_from", self.started_from)
        except Exception as error:  # a file can be wrong in any way
            raise not_a_checkpoint from error
        if self.started_from not in (None, began):
            raise ModelError(
                f"The training in '{self.checkpoint}' began with {_short(began)}, not with "
                f"{_short(self.started_from)}: go on from that, or start afresh."
            )
        try:
            self._take(state)
        except Exception as error:
            raise not_a_checkpoint from error
        self.started_from = began

    def _take(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser = str(state["optimiser"])
        self.optimisers = optimisers(self.network, self.rate, self.optimiser)
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self.rate = state.get("rate", self.rate)
        # On other annotations the best would be measured anew: what was best on those may not be on these.
        if state.get("annotations") == (None if self.data is None else self.data.sha256):
            self.measured_at = float(state.get("measured_at", 0))
            self.best = _Best.from_state(state["best"]) if state.get("best") else None


def _short(network: str | None) -> str:
    """Name of a network of which the hash is known, with as much of it as tells two apart.

    Examples
    --------
    >>> _short("welllog-1 0123456789abcdef"), _short(None)
    ('welllog-1 (01234567)', 'nothing')
    """
    if network is None:
        return "nothing"
    name, _, digest = network.rpartition(" ")
    return f"{name} ({digest[:8]})"


@dataclass(frozen=True, eq=False)
class _Best:
    """The best network of a run so far."""

    quality: float
    scores: PixelScores
    weights: dict[str, Tensor]
    step: int

    def as_state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {**vars(self), "scores": vars(self.scores)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> _Best:
        """What a checkpoint kept."""
        return cls(**{**state, "scores": PixelScores(**state["scores"])})


def _model_of(network: UNet) -> Model:
    """A copy of a network that is being trained, to predict with."""
    copied = copy.deepcopy(network).eval()
    digest = hashlib.sha256()
    for tensor in copied.state_dict().values():
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return Model("in training", digest.hexdigest(), copied, {})


def score_crops(
    network: torch.nn.Module, crops: Sequence[Crop], loss: LossFunction
) -> tuple[PixelScores, float]:
    """Score a network on crops of annotated windows: scores, and the mean loss."""
    network.eval()
    guesses, losses = [], []
    with torch.inference_mode():
        for pixels, labels in crops:
            logits = network(to_ink(pixels).contiguous(memory_format=torch.channels_last))
            losses.append(float(loss(logits.float(), torch.from_numpy(labels.astype(np.int64))[None])))
            guesses.append(logits[0].argmax(0).to(torch.uint8).numpy())
    truth = np.stack([labels for _, labels in crops])
    return score_pixels(np.stack(guesses), truth), float(np.mean(losses))


def _average(averages: Tensors, weights: Tensors, count: Tensor | int) -> None:
    """Take new weights into the moving averages, in place.

    The window of the average grows with the run, so that a short one is not averaged with where it began.
    """
    decay = min(MEMORY, (1 + int(count)) / (10 + int(count)))
    get_ema_multi_avg_fn(decay)(averages, weights, count)  # type: ignore[no-untyped-call]


def learning_rate(fraction: float) -> float:
    """The learning rate after a share of the work: a short warm-up, then half a cosine down to nothing.

    Examples
    --------
    >>> learning_rate(0.03), round(learning_rate(1.0), 6)
    (0.004, 0.0)
    """
    warm = min(1.0, (fraction + 1e-3) / WARM_UP)
    return PEAK_RATE * warm * 0.5 * (1 + float(np.cos(np.pi * max(0.0, fraction - WARM_UP) / (1 - WARM_UP))))


def has_fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 natively."""
    return bool(torch.cpu._is_avx512_bf16_supported())


def score_windows(
    network: torch.nn.Module, seeds: range, press: PressSettings, window: tuple[int, int] = (256, 640)
) -> PixelScores:
    """Score a network on printed windows."""
    network.eval()
    truth, guess = [], []
    with torch.inference_mode():
        for seed in seeds:
            log = print_window(seed, press, *window)
            logits = network(to_ink(log.scan).contiguous(memory_format=torch.channels_last))
            truth.append(log.classes)
            guess.append(logits[0].argmax(0).to(torch.uint8).numpy())
    return score_pixels(np.stack(guess), np.stack(truth))
