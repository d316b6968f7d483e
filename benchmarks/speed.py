"""How fast pixels become a class map, beside plain U-Nets and beside what the machine can multiply.

Every round times all contestants one after the other in this process, and ratios are medians over rounds, so
that they hold on another machine and on a busy one. The plain networks are as their authors would run them:
eager float32 in evaluation mode, tile by tile.

    python benchmarks/speed.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _table import add_write_option, markdown_table, publish
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

OURS = "napari-welllog, `segment`"

FROM_FILE = "napari-welllog, from a file to the file of its class map"
FILE_ROWS = 24_000
"""Rows of the bilevel file: as long as a short log, so that starting counts little."""

NETWORK = "our network alone, on one tile"

MATRIX = 2048
"""Side of the matrices whose product shows what the machine can do."""

SEED = 10_000_000


def two_convolutions(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3 x 3 convolutions, each normalised and rectified."""
    layers: list[nn.Module] = []
    for count in (inputs, outputs):
        layers += [nn.Conv2d(count, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class PlainUNet(nn.Module):
    """The U-Net of Ronneberger, Fischer and Brox (2015, arXiv:1505.04597) at full resolution, padded.

    Parameters
    ----------
    channels : channels of each level, finest first; each level halves the resolution.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(pairwise(channels))
        self.first = two_convolutions(1, channels[0])
        self.down = nn.ModuleList(two_convolutions(shallow, deep) for shallow, deep in pairs)
        self.grow = nn.ModuleList(nn.ConvTranspose2d(deep, shallow, 2, stride=2) for shallow, deep in pairs)
        self.up = nn.ModuleList(two_convolutions(2 * shallow, shallow) for shallow, _ in pairs)
        self.head = nn.Conv2d(channels[0], 3, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, ink: Tensor) -> Tensor:
        """Logits (n, 3, rows, columns) of ink (n, 1, rows, columns)."""
        features = self.first(ink)
        skips = []
        for convolutions in self.down:
            skips.append(features)
            features = convolutions(self.pool(features))
        for grow, convolutions in zip(reversed(self.grow), reversed(self.up), strict=True):
            features = convolutions(torch.cat([skips.pop(), grow(features)], dim=1))
        return self.head(features)


PLAIN_NETWORKS = {
    "U-Net of LogLift's shape (24-48-96-192)": (24, 48, 96, 192),
    "classic U-Net (64-128-256-512-1024)": (64, 128, 256, 512, 1024),
}


def plain_labels(network: nn.Module, pixels: NDArray[np.uint8], tile: int) -> NDArray[np.uint8]:
    """From pixels to labels with a plain network, tile by tile."""
    labels = np.empty_like(pixels)
    with torch.inference_mode():
        for top in range(0, pixels.shape[0], tile):
            for left in range(0, pixels.shape[1], tile):
                window = np.s_[top : top + tile, left : left + tile]
                ink = 1 - torch.from_numpy(pixels[window]).float()[None, None] / 255
                labels[window] = network(ink).argmax(dim=1)[0].to(torch.uint8).numpy()
    return labels


def matrix_rate(precision: torch.dtype, repeats: int = 3) -> float:
    """The machine's best matrix product in FLOP per second, in a number format."""
    left, right = torch.rand(2, MATRIX, MATRIX).to(precision)
    product = torch.empty(MATRIX, MATRIX, dtype=precision)
    with torch.inference_mode():
        best = min(seconds_of(lambda: torch.mm(left, right, out=product)) for _ in range(repeats))
    return 2 * MATRIX**3 / best


def operations_per_pixel(network: nn.Module, side: int = 256) -> float:
    """FLOP that a network spends on a pixel; a multiplication and an addition are two."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 1, side, side))
    return counter.get_total_flops() / side**2


def parameters(network: nn.Module) -> int:
    """Number of trained numbers in a network."""
    return sum(parameter.numel() for parameter in network.parameters())


def seconds_of(work: Callable[[], Any]) -> float:
    """Seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def printed_scan(rows: int, columns: int) -> Any:
    """A page of the printing press with its calibration."""
    from napari_welllog import print_log

    return print_log(SEED, rows=rows, columns=columns)


def file_to_file(pixels: NDArray[np.uint8], model: Any, folder: Path) -> tuple[Callable[[], Any], int]:
    """Reading a bilevel file and writing its class map, in strips, as `welllog segment` does; and its pixels."""
    from PIL import Image

    from napari_welllog.digitize import segment_to_file
    from napari_welllog.scan import open_in_strips

    scan = folder / "scan.tif"
    tall = np.resize(pixels, (FILE_ROWS, pixels.shape[1]))
    rows_per_strip = {278: 64}
    Image.fromarray(tall > 127).save(scan, compression="group4", tiffinfo=rows_per_strip)

    def work() -> None:
        with open_in_strips(scan) as opened:
            segment_to_file(folder / "classes.tif", opened.pixels, model, "cpu")

    return work, tall.size


def race(
    pixels: NDArray[np.uint8], model: Any, rounds: int, tile: int, folder: Path
) -> dict[str, list[float]]:
    """Rates of every contestant by round: pixels per second, and FLOP per second of matrix products."""
    from napari_welllog import segment
    from napari_welllog.unet.predict import HALO_ROWS, tile_size
    from napari_welllog.unet.predictor import make_predictor

    predictor = make_predictor(model, "cpu")
    seen = pixels[: tile_size(pixels.shape[1])[0] + 2 * HALO_ROWS]
    window = np.ascontiguousarray(pixels[:tile, :tile])
    contestants: dict[str, tuple[Callable[[], Any], int]] = {
        OURS: (lambda: segment(pixels, model, "cpu"), pixels.size),
        FROM_FILE: file_to_file(pixels, model, folder),
        NETWORK: (lambda: predictor.read(seen), seen.size),
    }
    for name, network in plain_networks().items():
        contestants[name] = (partial(plain_labels, network, window, tile), window.size)
    for work, _ in contestants.values():
        work()
    rates: dict[str, list[float]] = defaultdict(list)
    for number in range(1, rounds + 1):
        for precision in dict.fromkeys((torch.float32, getattr(torch, predictor.number_format))):
            rates[format_name(precision)].append(matrix_rate(precision))
        for name, (work, size) in contestants.items():
            rates[name].append(size / seconds_of(work))
        shown = ", ".join(f"{rates[name][-1] / 1e6:.2f}" for name in contestants)
        print(f"round {number}: {shown} MP/s", file=sys.stderr, flush=True)
    return rates


def plain_networks() -> dict[str, nn.Module]:
    """The networks to compare with; what they compute takes as long untrained."""
    torch.manual_seed(0)
    return {name: PlainUNet(channels).eval() for name, channels in PLAIN_NETWORKS.items()}


def format_name(precision: torch.dtype) -> str:
    """Name of a number format, such as float32."""
    return str(precision).removeprefix("torch.")


def race_report(rates: dict[str, list[float]], network: nn.Module, predictor: Any) -> str:
    """The tables: megapixels per second with ratios, and shares of the machine's matrix rate."""
    networks = {OURS: network, **plain_networks()}
    looks = len(predictor.networks)
    rows = [
        [
            name,
            f"{parameters(contestant) / 1e6:.2f} M",
            f"{operations_per_pixel(contestant) * (looks if name == OURS else 1) / 1e3:.0f} kFLOP",
            f"{np.median(rates[name]) / 1e6:.2f}",
            f"{np.median(np.array(rates[OURS]) / np.array(rates[name])):.1f}",
        ]
        for name, contestant in networks.items()
    ]
    formats = [name for name in rates if name not in (*networks, NETWORK, FROM_FILE)]
    from_file = np.array(rates[FROM_FILE])
    ratios = [
        f"{np.median(from_file / np.array(rates[name])):.1f} times as fast as the {name}"
        for name in PLAIN_NETWORKS
    ]
    each = operations_per_pixel(network) * looks
    done = np.array(rates[NETWORK]) * each
    shares = [
        [
            f"matrix product, {name}",
            f"{max(rates[name]) / 1e9:.0f} GFLOP/s",
            f"{np.median(done) / max(rates[name]):.0%}",
            f"{np.median(np.array(rates[OURS])) * each / max(rates[name]):.0%}",
        ]
        for name in formats
    ]
    return "\n\n".join(
        [
            markdown_table(
                ["from pixels to class map", "parameters", "per pixel", "MP/s", "ours is faster by"], rows
            ),
            f"From a bilevel file of {FILE_ROWS:,} rows to the file of its class map it is "
            f"{np.median(from_file) / 1e6:.2f} MP/s, {' and '.join(ratios)}, which had only to compute.",
            f"The network computes in {formats[-1]} on this machine, by {predictor.engine}, "
            f"at {np.median(done) / 1e9:.0f} GFLOP/s.",
            markdown_table(
                ["the machine", "its best", "share the network reaches", "share of `segment` as a whole"],
                shares,
            ),
        ]
    )


def stages(rows: int, columns: int, model: Any, repeats: int = 3) -> dict[str, float]:
    """Seconds of each stage from a scan to its files, medians, on a typical page."""
    from napari_welllog import extract_traces, find_crossings, segment, to_log_curve, write_las
    from napari_welllog.overlay import write_overlay

    log = printed_scan(rows, columns)
    tracks = log.tracks
    taken: dict[str, list[float]] = defaultdict(list)

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        """Do some work and keep the seconds it took."""
        start = time.perf_counter()
        result = work()
        taken[stage].append(time.perf_counter() - start)
        return result

    def curves_of(traces: list[Any]) -> list[Any]:
        """The log curves of all tracks."""
        return [
            to_log_curve(trace, track, tracks.depth, curve)
            for track, of_track in zip(tracks.tracks, traces, strict=True)
            for trace, curve in zip(of_track, track.curves, strict=True)
        ]

    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            class_map = timed("network", lambda: segment(log.scan, model, "cpu"))
            traces = timed("tracing", lambda: [extract_traces(class_map, track) for track in tracks.tracks])  # noqa: B023
            timed("LAS", lambda: write_las(Path(folder) / "log.las", curves_of(traces)))  # noqa: B023
            crossings = [crossing for of_track in traces for crossing in find_crossings(of_track)]
            timed(
                "overlay",
                lambda: write_overlay(Path(folder) / "log.png", log.scan, tracks, traces, crossings),  # noqa: B023
            )
    return {stage: float(np.median(seconds)) for stage, seconds in taken.items()}


def stages_report(seconds: dict[str, float], rows: int, columns: int) -> str:
    """The table: seconds of each stage, and of all that follow the network against the network's."""
    after = sum(taken for stage, taken in seconds.items() if stage != "network")
    cells = [[stage, f"{taken:.2f}", f"{taken / seconds['network']:.0%}"] for stage, taken in seconds.items()]
    cells.append(["tracing, LAS and overlay", f"{after:.2f}", f"{after / seconds['network']:.0%}"])
    table = markdown_table(["stage", "seconds", "of the network's"], cells)
    return f"From a printed scan of {rows:,} x {columns:,} pixels with two tracks to its files:\n\n{table}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="paired runs (default 7)")
    parser.add_argument("--tile", type=int, default=512, help="tile of the plain networks (default 512)")
    parser.add_argument("--rows", type=int, default=6000, help="rows of the scan (default 6000)")
    parser.add_argument("--columns", type=int, default=1664, help="columns of the scan (default 1664)")
    parser.add_argument("--threads", type=int, help="threads of torch (default: torch's own)")
    parser.add_argument("--model", metavar="FILE", help="weights other than the shipped ones")
    add_write_option(parser)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    from napari_welllog.unet.predictor import make_predictor
    from napari_welllog.unet.weights import load_model

    model = load_model(options.model)
    pixels = printed_scan(options.rows, options.columns).scan
    with tempfile.TemporaryDirectory() as folder:
        rates = race(pixels, model, options.rounds, options.tile, Path(folder))
    seconds = stages(options.rows, options.columns, model)
    text = [
        f"Medians of {options.rounds} paired rounds in one process, {torch.get_num_threads()} threads.",
        race_report(rates, model.network, make_predictor(model, "cpu")),
        stages_report(seconds, options.rows, options.columns),
    ]
    publish("speed", "\n\n".join(text), options.write)


if __name__ == "__main__":
    main()
