"""What several commands are asked for in the same words."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Where the network runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


ScanArgument = Annotated[
    Path,
    typer.Argument(metavar="SCAN", help="The scan: TIFF, PNG, JPEG, BMP, GIF or PDF.", show_default=False),
]
StepOption = Annotated[
    float | None,
    typer.Option(help="Distance of the samples in the depth unit.", show_default="0.5, or 1 scan row"),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        help="A shipped network by name, or a .safetensors file.", show_default="the one that ships"
    ),
]
DeviceOption = Annotated[Device, typer.Option(help="Where the network runs.")]
