"""How a network is trained, in numbers: torch need not be loaded to choose them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_welllog.unet.losses import DEFAULT_LOSS

ANNOTATED_SHARE = 0.4
"""Share of annotated windows that adapts a network to a new style in minutes and hardly costs it any other."""


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
    tall_window : rows and columns in every other batch where all windows are printed ones.
    held_out : number of windows, never trained on, that scores are measured on.
    workers : processes that print windows.
    loss_parameters : numbers in the loss, by the names of its parameters; the usual ones where left out.
    rate : highest learning rate; None for the usual one, lower for a network that has learnt already.
    optimiser : muon or adamw; None for muon from scratch and adamw for a network that has learnt already, of which
        it leaves more as it is.
    annotated_share : share of the windows in a batch that come from annotations, where there are any.
    held_out_share : share of what is annotated that is held out, as nearly as whole scans or windows allow.
    """

    minutes: float = 85.0
    steps: int | None = None
    loss: str = DEFAULT_LOSS
    seed: int = 1
    batch: int = 6
    window: tuple[int, int] = (224, 640)
    tall_window: tuple[int, int] = (448, 320)
    held_out: int = 96
    workers: int = 1
    loss_parameters: Mapping[str, float] = field(default_factory=dict)
    rate: float | None = None
    optimiser: str | None = None
    annotated_share: float = ANNOTATED_SHARE
    held_out_share: float = 0.25
