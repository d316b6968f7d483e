"""Training a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from napari_welllog.cli.application import app
from napari_welllog.cli.ending import SIGNALS, say
from napari_welllog.cli.terminal import bars
from napari_welllog.errors import Cancelled, WelllogError


@app.command(
    epilog="Examples:\n\n    welllog train --minutes 85 --out mine.safetensors --checkpoint mine.pt\n\n"
    "    welllog train --minutes 85 --out mine.safetensors --checkpoint mine.pt --resume\n\n"
    "    welllog train --annotations annotations --start welllog-1 --minutes 10 --out mine.safetensors"
)
def train(
    out: Annotated[
        Path, typer.Option(metavar="FILE.safetensors", help="The weights to write.", show_default=False)
    ],
    minutes: Annotated[float, typer.Option(min=0.0, help="How long to train.")] = 85.0,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Train for so many batches, however long it takes.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same logs.")] = 1,
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to minimise.", show_default="the one that won")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Keep what was learnt here, every minute and on Ctrl-C.", show_default=False
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    annotations: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Learn from windows of your own scans too, as annotated in the plugin; some are held out.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_FILE", help="A network to go on from.", show_default="none: from scratch"
        ),
    ] = None,
    annotated_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of annotated windows in what is learnt from.")
    ] = 0.4,
    loss_parameter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="A number in the loss, such as gamma=3 for focal; may be given again.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train a network on printed logs, and on annotated windows of your own."""
    if resume and (checkpoint is None or not checkpoint.is_file()):
        raise WelllogError("there is nothing to resume from; give --checkpoint an existing checkpoint")
    from dataclasses import replace

    from napari_welllog.output import naming, staged
    from napari_welllog.unet.train import TrainingStatus
    from napari_welllog.unet.train import train as run
    from napari_welllog.unet.training_settings import TrainingSettings

    settings = TrainingSettings(
        minutes=minutes,
        steps=steps,
        seed=seed,
        annotated_share=annotated_share,
        loss_parameters=_numbers(loss_parameter or []),
    )
    settings = settings if loss is None else replace(settings, loss=loss)
    with (
        bars(["train"]) as progress,
        staged([out], inputs=[checkpoint, start]) as places,
        _stopping(checkpoint) as stopped,
    ):

        def show(status: TrainingStatus) -> None:
            progress("train", status.fraction)

        with naming(out, places[out]):
            scores = run(
                places[out],
                settings,
                checkpoint=checkpoint,
                resume=resume,
                progress=show,
                cancelled=stopped,
                annotations=annotations,
                start=start,
            )
    print(f"F1 on held-out windows: curve one {scores.f1[1]:.4f}, curve two {scores.f1[2]:.4f}")
    print(out)


def _numbers(given: Sequence[str]) -> dict[str, float]:
    """Read NAME=NUMBER."""
    numbers = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            numbers[name.strip()] = float(number)
        except ValueError:
            raise WelllogError(
                f"--loss-parameter {text}: is not NAME=NUMBER; write it as gamma=2.5"
            ) from None
    return numbers


@contextmanager
def _stopping(checkpoint: Path | None) -> Iterator[Callable[[], bool] | None]:
    """Let Ctrl-C wait for the checkpoint, where one is kept."""
    if checkpoint is None:
        yield None
        return
    with SIGNALS.only_noted() as noted:
        try:
            yield noted
        except Cancelled:
            say(f"what was learnt is kept in {checkpoint}; go on with --resume")
            raise
