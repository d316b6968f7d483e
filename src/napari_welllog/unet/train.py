"""Training: windows from the printing press in, weights out."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from napari_welllog.errors import Cancelled, ModelError
from napari_welllog.output import naming, staged
from napari_welllog.synthetic import PressSettings, print_window
from napari_welllog.unet.losses import DEFAULT_LOSS, LOSSES
from napari_welllog.unet.network import UNet
from napari_welllog.unet.scores import PixelScores, score_pixels
from napari_welllog.unet.weights import save_weights

Tensors = tuple[Tensor, ...] | list[Tensor]

HELD_OUT = 10_000_000
PEAK_RATE = 4e-3
WARM_UP = 0.03
MEMORY = 0.999
"""What the moving average of the weights keeps of itself at each step, at most."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    Parameters
    ----------
    minutes : time to train for; ignored where `steps` is given.
    steps : number of batches to train for; exact where the minutes depend on the machine.
    loss : name of a loss of `napari_welllog.unet.losses.LOSSES`.
    seed : the same seed draws the same windows and starts from the same weights.
    batch : windows in a batch.
    window : rows and columns of a window, pixels; wide, so that a light pen has its heavy neighbour in view.
    held_out : number of windows, never trained on, that scores are measured on.
    workers : processes that print windows.
    """

    minutes: float = 85.0
    steps: int | None = None
    loss: str = DEFAULT_LOSS
    seed: int = 1
    batch: int = 6
    window: tuple[int, int] = (224, 640)
    held_out: int = 96
    workers: int = 1


@dataclass(frozen=True)
class TrainingStatus:
    """Where training stands, told to whoever watches.

    Parameters
    ----------
    fraction : share of the work done, 0 to 1.
    step : batches seen.
    loss : mean loss of the last batches.
    scores : the newest held-out scores, or None before the first.
    """

    fraction: float
    step: int
    loss: float
    scores: PixelScores | None


class _Windows(IterableDataset[tuple[Tensor, Tensor]]):
    """An endless row of printed windows as ink (1, n, n) and labels (n, n), from the training seeds."""

    def __init__(self, settings: TrainingSettings, press: PressSettings, first: int) -> None:
        self.settings, self.press, self.first = settings, press, first

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        start, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for index in range(self.first + start, HELD_OUT, stride):
            log = print_window((self.settings.seed * 1_000_003 + index) % HELD_OUT, self.press, *self.settings.window)
            yield to_ink(log.scan)[0], torch.from_numpy(log.classes.astype(np.int64))


def to_ink(pixels: NDArray[np.uint8]) -> Tensor:
    """The network's input for grey pixels, uint8 (rows, columns): float32 (1, 1, rows, columns), 0 paper to 1 ink."""
    return torch.from_numpy(1 - pixels.astype(np.float32) / 255)[None, None]


def train(
    out: Path | str,
    settings: TrainingSettings = TrainingSettings(),
    press: PressSettings = PressSettings(),
    checkpoint: Path | str | None = None,
    resume: bool = False,
    progress: Callable[[TrainingStatus], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> PixelScores:
    """Train a network from scratch on printed windows and write its weights.

    Parameters
    ----------
    out : the safetensors file to write.
    settings, press : how to train, and what to print.
    checkpoint : a file that is rewritten about once a minute, from which `resume` goes on.
    resume : go on from the checkpoint where there is one.
    progress : called about every 20 batches.
    cancelled : asked before every batch.

    Returns
    -------
    The scores on held-out windows.

    Raises
    ------
    ModelError : an unknown loss, or a checkpoint that cannot be read.
    OutputError : the weights or the checkpoint cannot be written; of the weights this is known before training.
    Cancelled : asked to stop; the checkpoint, where one is named, holds what was learnt.
    """
    if settings.loss not in LOSSES:
        raise ModelError(f"There is no loss named '{settings.loss}'; choose one of {', '.join(LOSSES)}.")
    target = Path(out)
    with staged([target], inputs=[checkpoint]) as places:
        run = _Run(settings, press, Path(checkpoint) if checkpoint else None)
        if resume:
            run.load()
        run.go(progress or (lambda status: None), cancelled or (lambda: False))
        scores = run.measure()
        with naming(target, places[target]):
            save_weights(places[target], run.average.module, run.provenance(scores))
    return scores


class _Run:
    """One training run: the network, its moving average and how far it has come."""

    def __init__(self, settings: TrainingSettings, press: PressSettings, checkpoint: Path | None) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.press, self.checkpoint = settings, press, checkpoint
        self.network = UNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = AveragedModel(self.network, multi_avg_fn=_average, use_buffers=True)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=PEAK_RATE, weight_decay=1e-3)
        self.loss = LOSSES[settings.loss].function
        self.step, self.seconds = 0, 0.0

    @property
    def fraction(self) -> float:
        """Share of the work done."""
        steps, minutes = self.settings.steps, self.settings.minutes
        done, whole = (self.seconds, 60 * minutes) if steps is None else (self.step, steps)
        return min(1.0, done / whole) if whole > 0 else 1.0

    def go(self, progress: Callable[[TrainingStatus], None], cancelled: Callable[[], bool]) -> None:
        """Train until the time or the batches are used up."""
        self.network.train()
        recent: list[float] = []
        scores, measured = None, self.fraction
        saved, clock = self.seconds, time.monotonic()
        for ink, labels in self._batches():
            if self.fraction >= 1:
                break
            if cancelled():
                self.save()
                raise Cancelled
            recent = [*recent[-49:], self._learn(ink, labels)]
            self.seconds += time.monotonic() - clock
            clock = time.monotonic()
            if self.fraction - measured > 0.1:
                scores, measured = self.measure(), self.fraction
            if self.step % 20 == 0:
                progress(TrainingStatus(self.fraction, self.step, float(np.mean(recent)), scores))
            if self.seconds - saved > 60:
                self.save()
                saved = self.seconds
        self.save()

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of windows that this run has not seen."""
        windows = _Windows(self.settings, self.press, self.step * self.settings.batch)
        workers = self.settings.workers
        loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
            windows,
            batch_size=self.settings.batch,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
        )
        return iter(loader)

    def _learn(self, ink: Tensor, labels: Tensor) -> float:
        """One step down the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.fraction)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_fast_bfloat16()):
            logits = self.network(ink.contiguous(memory_format=torch.channels_last))
        loss = self.loss(logits.float(), labels)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return float(loss.detach())

    def measure(self) -> PixelScores:
        """Scores of the averaged network on windows it never saw."""
        return score_windows(
            self.average.module, range(HELD_OUT, HELD_OUT + self.settings.held_out), self.press
        )

    def provenance(self, scores: PixelScores) -> dict[str, str]:
        """Where the weights come from, as text for the weights file."""
        return {
            "loss": self.settings.loss,
            "seed": str(self.settings.seed),
            "steps": str(self.step),
            "windows": str(self.step * self.settings.batch),
            "minutes": f"{self.seconds / 60:.1f}",
            "data": "printing press of napari-welllog, no real page",
            "held_out_f1": f"{scores.f1[1]:.4f} {scores.f1[2]:.4f}",
            "torch": torch.__version__,
        }

    def save(self) -> None:
        """Write the checkpoint, atomically."""
        if self.checkpoint is None:
            return
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        content = io.BytesIO()
        torch.save(state, content)
        with staged([self.checkpoint]) as places, naming(self.checkpoint, places[self.checkpoint]):
            places[self.checkpoint].write_bytes(content.getvalue())

    def load(self) -> None:
        """Go on from the checkpoint, where there is one."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        try:
            state = torch.load(self.checkpoint, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
        except Exception as error:  # a file can be wrong in any way
            raise ModelError(
                f"'{self.checkpoint}' is not a checkpoint of this training; give another, or start afresh."
            ) from error


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
