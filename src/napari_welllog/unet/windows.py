"""The windows that a network learns from: printed ones, and annotated ones among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from napari_welllog.synthetic import PressSettings, print_window
from napari_welllog.unet.annotated import Crops, Patch
from napari_welllog.unet.training_settings import TrainingSettings

HELD_OUT = 10_000_000
"""Windows of seeds from here on are never learnt from."""

LATER = 10
"""Batches after which a printed window comes again, upside down; an even number, so that its size is the batch's."""


class Windows(IterableDataset[tuple[Tensor, Tensor]]):
    """An endless row of printed windows as ink (1, n, m) and labels (n, m), from the training seeds."""

    def __init__(self, settings: TrainingSettings, press: PressSettings, first: int) -> None:
        self.settings, self.press, self.first = settings, press, first

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for index in _own_share(self.first, self.settings.batch):
            yield self.printed(index, self.settings.window)

    def printed(self, index: int, window: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The window of a place in the row, in a given size."""
        log = print_window((self.settings.seed * 1_000_003 + index) % HELD_OUT, self.press, *window)
        return to_ink(log.scan)[0], torch.from_numpy(log.classes)


class TurnedWindows(Windows):
    """Printed windows of which each comes twice, the second time upside down, and wide and tall batches in turn.

    Printing costs half as much as learning. A wide window has the heavy pen beside a light one in view; in a tall
    one a curve that runs straight as a grid line for a while is seen to turn.
    """

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        fresh = (self.settings.batch + 1) // 2
        kept: dict[int, tuple[Tensor, Tensor]] = {}
        for index in _own_share(self.first, self.settings.batch):
            batch, place = divmod(index, self.settings.batch)
            window = self.settings.tall_window if batch % 2 else self.settings.window
            if place < fresh:
                key = batch * fresh + place
                kept[key] = self.printed(key, window)
                yield kept[key]
            else:
                key = (batch - LATER) * fresh + place - fresh
                ink, labels = kept.pop(key) if key in kept else self.printed(key, window)
                yield _turned(ink, labels)
            if len(kept) > 2 * LATER * fresh:
                del kept[min(kept)]


def _own_share(first: int, batch: int) -> Iterator[int]:
    """Places in the row that this process prints: whole batches, in turn with the other processes."""
    worker = get_worker_info()
    own, every = (0, 1) if worker is None else (worker.id, worker.num_workers)
    for start in range(first + own * batch, HELD_OUT, every * batch):
        yield from range(start, start + batch)


class MixedWindows(IterableDataset[tuple[Tensor, Tensor]]):
    """An endless row of windows, printed and annotated in turn by the share of the annotated ones.

    Each printed one comes twice, the second time upside down: to print it costs half as much as to learn from it.
    """

    def __init__(
        self, settings: TrainingSettings, press: PressSettings, first: int, patches: Sequence[Patch]
    ) -> None:
        self.settings, self.share, self.first = settings, settings.annotated_share, first
        self.windows = Windows(settings, press, 0)
        self.crops = Crops(patches, settings.window, settings.seed)

    def _annotated_before(self, index: int) -> int:
        """How many of the windows before one are annotated."""
        return int(index * self.share)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        kept: dict[int, tuple[Tensor, Tensor]] = {}
        for index in _own_share(self.first, self.settings.batch):
            before = self._annotated_before(index)
            if self._annotated_before(index + 1) > before:
                pixels, labels = self.crops[index]
                yield to_ink(pixels)[0], torch.from_numpy(labels)
            else:
                yield self._printed(index - before, kept)

    def _printed(self, place: int, kept: dict[int, tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """The printed window of a place among the printed ones; a fresh one is kept until it comes again."""
        key, again = divmod(place, 2)
        if again:
            key -= LATER * self.settings.batch // 2
            window = kept.pop(key) if key in kept else self.windows.printed(key, self.settings.window)
            return _turned(*window)
        kept[key] = self.windows.printed(key, self.settings.window)
        if len(kept) > LATER * self.settings.batch:
            del kept[min(kept)]
        return kept[key]


def _turned(ink: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A window upside down and mirrored."""
    return ink.flip(1, 2), labels.flip(0, 1)


def to_ink(pixels: NDArray[np.uint8]) -> Tensor:
    """The network's input for grey pixels, uint8 (rows, columns): float32 (1, 1, rows, columns), 0 paper to 1 ink."""
    return torch.from_numpy(1 - pixels.astype(np.float32) / 255)[None, None]
