"""Printing synthetic logs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_welllog.cli.application import app
from napari_welllog.cli.terminal import bars

if TYPE_CHECKING:
    from napari_welllog.synthetic import PrintedLog


@app.command(epilog="Example:\n\n    welllog synth --count 10 --seed 1 --out printed")
def synth(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the logs, made if need be.", show_default=False)
    ],
    count: Annotated[int, typer.Option(min=1, help="How many logs.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed prints the same logs.")] = 0,
    rows: Annotated[int, typer.Option(min=200, help="Rows of each scan.")] = 3000,
    columns: Annotated[int, typer.Option(min=200, help="Columns of each scan.")] = 1200,
) -> None:
    """Print synthetic logs with their truth.

    Writes for each log NAME.png (the scan), NAME_classes.tif (the class of every pixel), NAME_traces.csv (the
    exact column of each curve in each row) and NAME.tracks.json (its calibration).
    """
    import numpy as np

    from napari_welllog.output import staged
    from napari_welllog.synthetic import print_log

    names = [f"log-{k:0{max(3, len(str(count - 1)))}d}" for k in range(count)]
    targets = {name: [out / f"{name}{ending}" for ending in _SYNTH_ENDINGS] for name in names}
    with bars(["print"]) as progress, staged(path for paths in targets.values() for path in paths) as places:
        for k, name in enumerate(names):
            log_seed = int(np.random.SeedSequence([seed, k]).generate_state(1)[0])
            log = print_log(log_seed, rows=rows, columns=columns)
            _write_printed_log(log, {path: places[path] for path in targets[name]})
            progress("print", (k + 1) / count)
    for paths in targets.values():
        print(*paths, sep="\n")


_SYNTH_ENDINGS = (".png", "_classes.tif", "_traces.csv", ".tracks.json")


def _write_printed_log(log: PrintedLog, places: dict[Path, Path]) -> None:
    """Write the scan, the class map, the traces and the calibration of a printed log."""
    from PIL import Image

    from napari_welllog.digitize import write_class_map
    from napari_welllog.output import naming

    assert log.tracks is not None
    tracks = log.tracks
    writers: list[Callable[[Path], object]] = [
        lambda place: Image.fromarray(log.scan).save(place, "PNG", dpi=(log.dpi, log.dpi)),
        lambda place: write_class_map(place, log.classes),
        lambda place: place.write_text(_traces_csv(log), encoding="utf-8"),
        lambda place: tracks.save(place),
    ]
    for write, (target, place) in zip(writers, places.items(), strict=True):
        with naming(target, place):
            write(place)


def _traces_csv(log: PrintedLog) -> str:
    """The exact column of each curve in each row, empty where it is not on the paper."""
    import numpy as np

    assert log.tracks is not None
    names = []
    for trace in log.traces:
        curves = log.tracks.tracks[trace.track].curves
        names.append(next(curve.mnemonic for curve in curves if curve.curve_class == trace.curve_class))
    lines = [",".join(["row", *names])]
    for row in range(log.scan.shape[0]):
        columns = (float(trace.column[row]) for trace in log.traces)
        lines.append(
            ",".join([str(row), *("" if np.isnan(column) else f"{column:.3f}" for column in columns)])
        )
    return "\n".join(lines) + "\n"
