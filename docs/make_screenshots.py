"""Draw the pictures of the README and the documentation again: `make screenshots`.

overlay.png  one stretch of the demo's log: the scan, the class of every pixel, the curves in their units
window.png   the demo's result in napari
press.png    windows that the printing press made, with the classes they were made with
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from PIL import Image

from napari_welllog.class_map import CURVE_ONE, CURVE_TWO
from napari_welllog.curves import LogCurve, to_log_curve
from napari_welllog.demo import digitised, print_demo_log, write_sample
from napari_welllog.overlay import CURVE_COLOURS
from napari_welllog.synthetic import print_window
from napari_welllog.tracks import Curve, Tracks
from napari_welllog.unet import load_model
from napari_welllog.widgets.result_window import Result, picture_of_window

IMAGES = Path(__file__).parent / "images"
DPI = 150
PRESS_SEEDS = (5, 7, 14, 52, 17, 44, 28, 9, 13, 46)
PRESS_PIXELS = 256


def main() -> None:
    """Draw all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scan, tracks_file = write_sample(print_demo_log(), Path(folder))
        tracks = Tracks.load(tracks_file)
        result = digitised(scan, tracks_file, load_model())
    save(draw_stages(result, tracks), "overlay.png")
    save(draw_press(PRESS_SEEDS), "press.png")
    picture_of_window(result, IMAGES / "window.png")
    print(IMAGES / "window.png")


def save(figure: Figure, name: str) -> None:
    """Save a picture in few colours and without a date, small and the same bytes each time."""
    figure.set_dpi(DPI)
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)
    plt.close(figure)
    print(IMAGES / name)


def draw_stages(result: Result, tracks: Tracks) -> Figure:
    """Draw the view of a result three times: as scan, as classes and as curves in their units."""
    figure, panels = plt.subplots(1, 3, figsize=(13.2, 4.9))
    figure.subplots_adjust(left=0.005, right=0.945, bottom=0.015, top=0.8, wspace=0.03)
    titles = {"scan": "black and white, 200 dpi", "class of every pixel": "", "curves, written as LAS": ""}
    for panel, (title, remark) in zip(panels, titles.items(), strict=True):
        left = panel.get_position().x0
        figure.text(left, 0.94, title, fontsize=16, fontweight="bold")
        figure.text(left, 0.825, remark, fontsize=12, color="0.35")
        panel.set_xticks([])
        panel.set_yticks([])
    name_classes(panels[1])
    show_pixels(panels[0], np.stack([result.pixels] * 3, axis=-1), result)
    show_pixels(panels[1], coloured(result.pixels, result.labels, 0.85), result)
    draw_log(panels[2], result, tracks)
    return figure


def name_classes(panel: Axes) -> None:
    """Name the three classes above a panel, each in its colour."""
    names = {
        "background": "0.35",
        "curve one": CURVE_COLOURS[CURVE_ONE],
        "curve two": CURVE_COLOURS[CURVE_TWO],
    }
    for place, (name, colour) in enumerate(names.items()):
        panel.text(0.29 * place, 1.03, name, color=colour, fontsize=12, transform=panel.transAxes)


def show_pixels(panel: Axes, picture: np.ndarray, result: Result) -> None:
    """Show the viewed part of a picture."""
    top, bottom, left, right = (int(edge) for edge in result.view)
    panel.imshow(picture[top:bottom, left:right], interpolation="antialiased", aspect="auto")


def coloured(pixels: np.ndarray, labels: np.ndarray, paleness: float) -> np.ndarray:
    """A pale scan with its classes in their colours, uint8 (rows, columns, 3)."""
    grey = 255 - (255 - pixels[..., None].astype(float)) * (1 - paleness)
    picture = np.repeat(grey, 3, axis=-1)
    for curve_class in (CURVE_ONE, CURVE_TWO):
        picture[labels == curve_class] = 255 * np.array(to_rgb(CURVE_COLOURS[curve_class]))
    return picture.astype(np.uint8)


def draw_log(panel: Axes, result: Result, tracks: Tracks) -> None:
    """Draw the curves in view as a log: depth downwards, the scale of each curve above it."""
    top, bottom, left, right = result.view
    track = next(track for track in tracks.tracks if track.bounding_columns()[0] >= left)
    panel.set_ylim(*tracks.depth.depths([bottom, top]))
    panel.set_xlim(*track.fractions([(top + bottom) / 2] * 2, [left, right]))
    panel.yaxis.set_major_locator(MultipleLocator(10))
    panel.yaxis.tick_right()
    panel.yaxis.set_label_position("right")
    panel.set_ylabel(f"depth ({tracks.depth.unit})", fontsize=12)
    panel.tick_params(labelsize=12)
    panel.grid(axis="y", color="0.85")
    curves = [(curve, trace) for curve, trace in result.traces if curve in track.curves]
    for place, (curve, trace) in enumerate(curves):
        draw_curve(panel, curve, to_log_curve(trace, track, tracks.depth, curve), place)


def draw_curve(panel: Axes, curve: Curve, log_curve: LogCurve, place: int) -> None:
    """Draw one curve, and its scale above those already there."""
    colour = CURVE_COLOURS[curve.curve_class]
    panel.plot(curve.value_axis.fractions(log_curve.value), log_curve.depth, color=colour, linewidth=1.8)
    height = 1.015 + 0.075 * place
    above = panel.get_xaxis_transform()
    panel.plot([0, 1], [height, height], color=colour, linewidth=1.8, transform=above, clip_on=False)
    texts = (f"{curve.left:g}", f"{curve.mnemonic} ({curve.unit})", f"{curve.right:g}")
    for x, text, side in zip((0, 0.5, 1), texts, ("left", "center", "right"), strict=True):
        panel.text(x, height + 0.01, text, color=colour, fontsize=12, ha=side, va="bottom", transform=above)


def draw_press(seeds: Sequence[int]) -> Figure:
    """Draw windows from the printing press, each above the classes it was printed with."""
    half = len(seeds) // 2
    figure, panels = plt.subplots(4, half, figsize=(2.4 * half, 4 * 2.4), layout="constrained")
    for k, seed in enumerate(seeds):
        window = print_window(seed, rows=PRESS_PIXELS, columns=PRESS_PIXELS)
        upper, lower = panels[2 * (k // half) : 2 * (k // half) + 2, k % half]
        upper.imshow(window.scan, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
        lower.imshow(coloured(window.scan, window.classes, 0.85), interpolation="antialiased")
    for panel in panels.flat:
        panel.set_xticks([])
        panel.set_yticks([])
    return figure


if __name__ == "__main__":
    main()
