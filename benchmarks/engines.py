"""Which way of running the network on a processor is the fastest, and what it costs in accuracy.

Every way takes the same grey tile to the class of each pixel, one after the other in this process, round by round.
Labels are compared with those of plain torch in float32, and with what was printed, on pages that the network never
saw. ONNX Runtime, its converter and NNCF are not part of the project: what is not installed, or does not work here, is
left out, and the table says so.

    pip install onnx onnxscript onnxruntime nncf
    python benchmarks/engines.py --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from _table import add_write_option, markdown_table, publish
from numpy.typing import NDArray

from napari_welllog.unet.scores import score_pixels

if TYPE_CHECKING:
    from napari_welllog.synthetic import PrintedLog

Pixels = NDArray[np.uint8]
Way = Callable[[Pixels], Pixels]

SEED = 10_000_000
REFERENCE = "torch, eager, float32"
CALIBRATION_TILES = 12
SCORED_PAGES = 8


def torch_way(network: torch.nn.Module, precision: torch.dtype, compiled: bool = False) -> Way:
    """A network as torch runs it."""
    network = network.to(precision).to(memory_format=torch.channels_last)
    run = torch.compile(network) if compiled else network

    def label(pixels: Pixels) -> Pixels:
        with torch.inference_mode():
            ink = (1 - torch.from_numpy(pixels)[None, None].to(precision) / 255).contiguous(
                memory_format=torch.channels_last
            )
            return run(ink)[0].float().argmax(0).byte().numpy()

    return label


def onnx_file(network: torch.nn.Module, tile: Pixels, folder: Path) -> Path:
    """The network converted to ONNX for tiles of one size."""
    path = folder / "network.onnx"
    torch.onnx.export(
        network, (as_ink(tile),), path, dynamo=True, input_names=["ink"], output_names=["logits"]
    )
    return path


def as_ink(pixels: Pixels) -> torch.Tensor:
    """Ink, float32 (1, 1, rows, columns), of grey pixels."""
    return 1 - torch.from_numpy(pixels).float()[None, None] / 255


def onnx_way(path: Path, threads: int) -> Way:
    """A converted network as ONNX Runtime runs it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {"ink": as_ink(pixels).numpy()})[0][0].argmax(0).astype(np.uint8)


def openvino_way(numbers: dict[str, NDArray[np.float32]], precision: str, threads: int) -> Way:
    """The network as the project runs it by OpenVINO."""
    from napari_welllog.unet.openvino_network import OpenVinoNetwork

    network = OpenVinoNetwork(numbers, precision, threads)
    return lambda pixels: network(pixels)[0]


def int8_way(numbers: dict[str, NDArray[np.float32]], tiles: list[Pixels], threads: int) -> Way:
    """The network by OpenVINO with its convolutions in 8-bit integers, as NNCF quantises them."""
    import nncf
    import openvino

    from napari_welllog.unet.openvino_network import build_graph

    data = nncf.Dataset([tile[None, None] for tile in tiles])
    quantised = nncf.quantize(build_graph(numbers), data, subset_size=len(tiles))
    compiled = openvino.Core().compile_model(quantised, "CPU", {"INFERENCE_NUM_THREADS": threads})
    return lambda pixels: compiled(pixels[None, None])[0][0, 0]


def ways(tile: Pixels, threads: int, folder: Path) -> tuple[dict[str, Way], list[str]]:
    """Every way that can be had here, and what is left out, with the reason."""
    from napari_welllog.synthetic import print_window
    from napari_welllog.unet import load_model
    from napari_welllog.unet.predictor import fuse_normalisation

    network = load_model().network.eval()
    fused, numbers = fuse_normalisation(network), dict(load_model().weights)

    def copy() -> torch.nn.Module:
        return fuse_normalisation(network)

    made: dict[str, Callable[[], Way]] = {
        REFERENCE: lambda: torch_way(network, torch.float32),
        "torch, fused, float32": lambda: torch_way(copy(), torch.float32),
        "torch, fused, bfloat16": lambda: torch_way(copy(), torch.bfloat16),
        "torch, compiled, bfloat16": lambda: torch_way(copy(), torch.bfloat16, compiled=True),
    }
    made["ONNX Runtime, float32"] = lambda: onnx_way(onnx_file(fused, tile, folder), threads)
    made["OpenVINO, float32"] = lambda: openvino_way(numbers, "float32", threads)
    made["OpenVINO, bfloat16"] = lambda: openvino_way(numbers, "bfloat16", threads)
    windows = [print_window(seed, rows=512, columns=640).scan for seed in range(CALIBRATION_TILES)]
    made["OpenVINO, int8"] = lambda: int8_way(numbers, windows, threads)
    ready: dict[str, Way] = {}
    left_out = []
    for name, make in made.items():
        try:
            ready[name] = make()
            ready[name](tile)  # what is compiled, is compiled now
        except Exception as error:  # a way that does not work here is no reason not to measure the others
            ready.pop(name, None)
            reason = (str(error) or type(error).__name__).splitlines()[0]
            left_out.append(f"{name} ({reason})")
            print(f"left out: {left_out[-1]}", file=sys.stderr, flush=True)
    return ready, left_out


def measure(ready: dict[str, Way], tile: Pixels, rounds: int) -> dict[str, list[float]]:
    """Seconds of every way in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        for name, way in ready.items():
            began = time.perf_counter()
            way(tile)
            seconds[name].append(time.perf_counter() - began)
    return seconds


def score(ready: dict[str, Way], pages: Sequence[PrintedLog]) -> dict[str, tuple[float, float, float]]:
    """For every way: F1 of curve one and of curve two, and the share of curve pixels labelled unlike plain torch.

    The pixels of all pages are pooled.
    """
    truth = np.stack([page.classes for page in pages])
    reference = np.stack([ready[REFERENCE](page.scan) for page in pages])
    scores = {}
    for name, way in ready.items():
        labels = np.stack([way(page.scan) for page in pages])
        _, one, two = score_pixels(labels, truth).f1
        scores[name] = one, two, np.count_nonzero(labels != reference) / np.count_nonzero(reference)
    return scores


def report(
    seconds: dict[str, list[float]],
    scores: dict[str, tuple[float, float, float]],
    left_out: Sequence[str],
    tile: Pixels,
) -> str:
    """The table: rate, ratio to plain torch, accuracy and its change; and what is not in it."""
    rows = []
    plain = np.mean(scores[REFERENCE][:2])
    for name, times in seconds.items():
        ratio = float(np.median(np.array(seconds[REFERENCE]) / np.array(times)))
        rate = tile.size / 1e6 / float(np.median(times))
        one, two, other = scores[name]
        change = round(float(np.mean([one, two]) - plain), 4) + 0.0  # no minus before nothing
        rows.append(
            [
                name,
                f"{rate:.1f}",
                f"{ratio:.2f}",
                f"{one:.4f}",
                f"{two:.4f}",
                f"{change:+.4f}",
                f"{other:.2%}",
            ]
        )
    header = [
        "way",
        "MP/s",
        "times plain torch",
        "F1 one",
        "F1 two",
        "change of their mean",
        "labelled otherwise",
    ]
    shape = f"{tile.shape[0]:,} x {tile.shape[1]:,}"
    return "\n\n".join(
        [
            f"One tile of {shape} pixels, medians of {len(seconds[REFERENCE])} paired rounds. Exact pixel F1 on "
            f"{SCORED_PAGES} printed pages of that size, seeds {SEED:,} and on; *labelled otherwise* is the share of "
            "curve pixels to which plain torch gives another class.",
            markdown_table(header, rows),
            f"Left out: {'; '.join(left_out) or 'nothing'}.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="paired rounds (default 7)")
    parser.add_argument("--threads", type=int, default=2, help="threads (default 2)")
    parser.add_argument("--rows", type=int, default=2048, help="rows of the tile (default 2048)")
    parser.add_argument("--columns", type=int, default=1664, help="columns of the tile (default 1664)")
    add_write_option(parser)
    options = parser.parse_args()

    from napari_welllog import print_log

    torch.set_num_threads(options.threads)
    pages = [print_log(SEED + k, rows=options.rows, columns=options.columns) for k in range(SCORED_PAGES)]
    tile = pages[0].scan
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):
        ready, left_out = ways(tile, options.threads, Path(folder))
        seconds = measure(ready, tile, options.rounds)
        publish("engines", report(seconds, score(ready, pages), left_out, tile), options.write)


if __name__ == "__main__":
    main()
