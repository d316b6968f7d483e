"""Steps of the main job by themselves: the class map, and the calibration."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_welllog.cli.application import app
from napari_welllog.cli.ending import say
from napari_welllog.cli.options import Device, DeviceOption, ModelOption, ScanArgument
from napari_welllog.cli.terminal import bars
from napari_welllog.errors import OutputError

if TYPE_CHECKING:
    from napari_welllog.calibrate import PaperCalibration


@app.command(
    epilog="Example:\n\n    welllog segment log.tif --out classes.tif --probabilities probabilities.tif"
)
def segment(
    scan: ScanArgument,
    out: Annotated[
        Path,
        typer.Option(
            metavar="CLASSES.tif",
            help="The class map: 0 background, 1 curve one, 2 curve two.",
            show_default=False,
        ),
    ],
    probabilities: Annotated[
        Path | None,
        typer.Option(
            metavar="PROBS.tif",
            help="Class probabilities too: three channels, background, curve one and curve two, in 255ths.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Give every pixel of a scan one of three classes."""
    from napari_welllog.digitize import segment_to_file, write_probabilities
    from napari_welllog.output import naming, staged
    from napari_welllog.scan import open_in_strips
    from napari_welllog.unet import load_model

    targets = [out] if probabilities is None else [out, probabilities]
    if len({target.resolve() for target in targets}) < len(targets):
        raise OutputError(f"{out}: is asked for both results; give --out and --probabilities two files")
    with bars(["read", "segment", "write"]) as progress, ExitStack() as opened:
        progress("read", 0.0)
        pixels = opened.enter_context(open_in_strips(scan)).pixels
        network = load_model(model)
        progress("read", 1.0)
        places = opened.enter_context(staged(targets, inputs=[scan, model]))
        with naming(out, places[out]):
            class_map = segment_to_file(
                places[out],
                pixels,
                network,
                device.value,
                lambda fraction: progress("segment", fraction),
            )
        progress("write", 0.0)
        if probabilities is not None:
            with naming(probabilities, places[probabilities]):
                write_probabilities(places[probabilities], class_map)
        progress("write", 1.0)
    background, one, two = class_map.shares()
    print(f"background {background:.2%}, curve one {one:.2%}, curve two {two:.2%}")
    print(*targets, sep="\n")


@app.command(
    epilog="Examples:\n\n    welllog tracks log.tif\n\n"
    "    welllog tracks log.tif --out tracks.json --paper read.json"
)
def tracks(
    scan: ScanArgument,
    out: Annotated[
        Path | None,
        typer.Option(metavar="TRACKS.json", help="Where to write it.", show_default="to the terminal"),
    ] = None,
    paper: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Also write everything that was read: each number with its place, its confidence, the line it "
            "was tied to, and what was refused and why.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Propose a calibration: tracks from the grid, depths and scales from what is printed beside and above them.

    What cannot be read surely is refused, with the reason, and is for you to fill in. Reading needs the extra
    `ocr`; without it only the tracks are proposed.
    """
    from napari_welllog.calibrate import calibrate_scan, is_installed
    from napari_welllog.calibrate.ocr import MISSING
    from napari_welllog.errors import OcrError
    from napari_welllog.output import naming, staged
    from napari_welllog.scan import open_in_strips
    from napari_welllog.tracks import propose_tracks

    if paper is not None and not is_installed():
        raise OcrError(MISSING)
    targets = [target for target in (out, paper) if target is not None]
    with (
        bars(["read", "find", "depth", "scales"]) as progress,
        staged(targets, inputs=[scan]) as places,
        ExitStack() as files,
    ):
        progress("read", 0.0)
        opened = files.enter_context(open_in_strips(scan))
        progress("read", 1.0)
        read = calibrate_scan(opened.pixels, opened.dpi, progress=progress) if is_installed() else None
        proposed = propose_tracks(opened.pixels) if read is None else read.proposal
        if out is not None:
            with naming(out, places[out]):
                places[out].write_text(proposed.to_json(), encoding="utf-8")
        if paper is not None and read is not None:
            with naming(paper, places[paper]):
                places[paper].write_text(read.to_json(), encoding="utf-8")
    print(*targets if out is not None else [proposed.to_json().rstrip("\n"), *targets], sep="\n")
    for line in [f"note: {MISSING}"] if read is None else _words_about(read):
        say(line)


def _words_about(read: PaperCalibration) -> list[str]:
    """What was read from the paper, and what was refused."""
    return [f"read {line}" for line in read.summary()] + [f"not read: {line}" for line in read.refusals()]
