"""Draw the picture of the lesson "Pixels, not lines": a follower and the class map at one crossing.

`make screenshots` runs it with the others.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from PIL import Image

from napari_welllog import compare_at, extract_traces, find_crossings, segment
from napari_welllog.crossings import Comparison
from napari_welllog.followers import METHODS, Verdict
from napari_welllog.overlay import AMBIGUOUS_COLOUR, CURVE_COLOURS, FOLLOWER_COLOUR
from napari_welllog.samples import one_crossing

PICTURE = Path(__file__).parent / "images" / "one-crossing.png"
DPI = 130
CURVE = 2


def main() -> None:
    """Draw all followers on the dashed curve of the sample, and the classes beside them."""
    [(data, settings, _)] = one_crossing()
    pixels = data[0] if settings["multiscale"] else data
    [track] = settings["metadata"]["tracks"].tracks
    class_map = segment(pixels)
    traces = extract_traces(class_map, track)
    [crossing] = [crossing for crossing in find_crossings(traces) if crossing.swaps]
    figure, panels = plt.subplots(
        2, len(METHODS) + 1, figsize=(11, 4.6), height_ratios=(1.6, 1), layout="constrained"
    )
    for k, method in enumerate(METHODS):
        comparison = compare_at(
            crossing, pixels, class_map, method, curve_class=CURVE, traces=traces, track=track
        )
        draw_path(panels[0, k], comparison)
        panels[1, k].plot(comparison.rows, comparison.ambiguity, color=FOLLOWER_COLOUR)
        panels[1, k].fill_between(
            comparison.rows,
            0,
            comparison.ambiguity,
            where=comparison.ambiguity >= 0.5,
            color=AMBIGUOUS_COLOUR,
        )
        panels[1, k].set_title("ambiguity", fontsize=9)
    draw_classes(panels[0, -1], comparison)
    for curve_class, colour in CURVE_COLOURS.items():
        panels[1, -1].plot(
            comparison.rows, comparison.class_probability(curve_class), ".", ms=3, color=colour
        )
    panels[1, -1].set_title("class probability", fontsize=9)
    for panel in panels[1]:
        panel.set_ylim(-0.03, 1.05)
        panel.axvspan(crossing.row_from, crossing.row_to, color="0.93", zorder=-1)
        panel.set_xlabel("row")
        panel.spines[["top", "right"]].set_visible(False)
    figure.set_dpi(DPI)
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(PICTURE)


def draw_path(panel: Axes, comparison: Comparison) -> None:
    """The scan with the follower's path, orange where its verdict is ambiguous."""
    extent = extent_of(comparison)
    panel.imshow(160 + comparison.grey * 0.37, cmap="gray", vmin=0, vmax=255, extent=extent)
    path = comparison.path
    panel.plot(path.column, path.rows, color=FOLLOWER_COLOUR, lw=1.5)
    doubt = path.verdict == Verdict.AMBIGUOUS
    panel.plot(np.where(doubt, path.column, np.nan), path.rows, color=AMBIGUOUS_COLOUR, lw=4)
    panel.plot(path.column[0], path.top, "o", color=FOLLOWER_COLOUR, ms=5)
    finish(panel, extent, comparison.crossing.column, path.method)


def draw_classes(panel: Axes, comparison: Comparison) -> None:
    """The class of every pixel."""
    picture = np.repeat((160 + comparison.grey * 0.37)[:, :, None], 3, axis=2).astype(np.uint8)
    for curve_class, colour in CURVE_COLOURS.items():
        picture[comparison.labels == curve_class] = np.multiply(to_rgb(colour), 255).astype(np.uint8)
    extent = extent_of(comparison)
    panel.imshow(picture, extent=extent)
    finish(panel, extent, comparison.crossing.column, "class of every pixel")


def extent_of(comparison: Comparison) -> tuple[float, float, float, float]:
    """Where the patch lies on the scan, as imshow has it."""
    columns, rows = comparison.columns, comparison.rows
    return columns[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5, rows[0] - 0.5


def finish(panel: Axes, extent: tuple[float, float, float, float], centre: float, title: str) -> None:
    """Show the patch and nothing around it."""
    panel.set(xlim=(centre - 62, centre + 62), ylim=extent[2:], xticks=[], yticks=[])
    panel.set_title(title, fontsize=10)


if __name__ == "__main__":
    main()
