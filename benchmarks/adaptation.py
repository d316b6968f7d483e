"""Adapting the network to a style of print that it reads badly, by four annotated windows and ten minutes.

The style is drawn here, by a route of its own, and is in no training: blueprints, light ink on a dark ground, whose
first curve is a double line. Nothing of the fine-tuning is chosen by the pages that it is measured on.

    python benchmarks/adaptation.py --write docs/benchmarks.md --figure docs/images/adaptation.png
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _prints import layered_beds
from _scores import f1, pixel_counts
from _table import add_write_option, markdown_table, publish
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pixels import FIRST_SEED
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter

ROWS, COLUMNS = 1000, 640
SAMPLE_ROWS = 5
"""Rows from one sample of a curve to the next."""

ANNOTATED_SEEDS = (1, 2, 3, 4)
MEASURED_SEEDS = tuple(range(101, 109))

FINER = 3
"""Lines are drawn so many times finer than the scan, and averaged: soft edges, as a scanner gives."""

Pixels = NDArray[np.uint8]
Picture = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Blueprint:
    """A page of the style: the scan, and the class of each of its pixels. A double line is one with its inside."""

    scan: Pixels
    labels: Pixels


def draw_blueprint(seed: int, rows: int = ROWS, columns: int = COLUMNS) -> Blueprint:
    """Draw a page: light grid and curves on a dark, blotched ground; curve one double, curve two a single line.

    Parameters
    ----------
    seed : the same seed draws the same page.
    rows, columns : its size.
    """
    rng = np.random.default_rng([2024, seed])
    left, right = 40 + rng.uniform(0, 40), columns - 40 - rng.uniform(0, 40)
    one, two = (_path(curve, left, right, rows) for curve in layered_beds(rng, rows // SAMPLE_ROWS + 2))
    outer = rng.uniform(7.5, 10.0)
    band = _stroke([one], outer, rows, columns)
    inside = _stroke([one], outer - 2 * rng.uniform(1.6, 2.2), rows, columns)
    line = _stroke([two], rng.uniform(2.4, 3.6), rows, columns)
    ink = _grid(rng, left, right, rows, columns)
    ink = np.maximum(ink * (1 - band), np.clip(band - inside, 0, 1))  # no grid within the double line
    ink = np.maximum(ink, line)
    labels = np.where(band >= 0.5, 1, 0).astype(np.uint8)
    labels[line >= 0.5] = 2  # the single line was drawn last
    return Blueprint(_photograph(rng, ink), labels)


def _path(curve: Picture, left: float, right: float, rows: int) -> Picture:
    """The way of a curve as points of column and row, smooth through its samples."""
    samples = np.arange(curve.size) * SAMPLE_ROWS
    fine = np.arange(0, rows + 1, 0.5)
    columns = left + (right - left) * PchipInterpolator(samples, np.clip(curve, 0.01, 0.99))(fine)
    return np.column_stack([columns, fine])


def _stroke(paths: Sequence[Picture], width: float, rows: int, columns: int) -> Picture:
    """The ink of a pen along some paths, 0 to 1."""
    sheet = Image.new("L", (columns * FINER, rows * FINER))
    pen = ImageDraw.Draw(sheet)
    for path in paths:
        points = [tuple(point) for point in (np.asarray(path) + 0.5) * FINER]
        pen.line(points, fill=255, width=max(1, round(width * FINER)), joint="curve")
    fine = np.asarray(sheet, np.float64) / 255
    return fine.reshape(rows, FINER, columns, FINER).mean(axis=(1, 3))


def _grid(rng: np.random.Generator, left: float, right: float, rows: int, columns: int) -> Picture:
    """Faint lines, every fifth a stronger one, and the edges of the track."""
    step, first = rng.uniform(16, 24), rng.uniform(0, 20)
    depths = np.arange(first, rows, step)
    values = np.linspace(left, right, 11)
    across = [np.array([[left, row], [right, row]]) for row in depths]
    down = [np.array([[column, 0], [column, rows]]) for column in values]
    faint = rng.uniform(0.25, 0.4) * _stroke([*across, *down], 1.0, rows, columns)
    strong = rng.uniform(0.45, 0.6) * _stroke(across[::5], 1.5, rows, columns)
    edges = 0.9 * _stroke([down[0], down[-1]], 2.5, rows, columns)
    return np.maximum.reduce([faint, strong, edges])


def _photograph(rng: np.random.Generator, ink: Picture) -> Pixels:
    """What a camera sees of a blueprint: a dark, blotched ground, light ink of uneven strength, grain."""
    blotches = gaussian_filter(rng.normal(0, 1, ink.shape), 25)
    ground = rng.uniform(60, 95) + 8 * blotches / blotches.std()
    strength = gaussian_filter(rng.normal(0, 1, ink.shape), 8)
    light = rng.uniform(195, 225) + 10 * strength / strength.std()
    seen = gaussian_filter(ground + ink * (light - ground), rng.uniform(0.4, 0.7))
    return np.clip(np.rint(seen + rng.normal(0, 4, ink.shape)), 0, 255).astype(np.uint8)


def annotate(folder: Path) -> None:
    """Annotate a window of each of the pages to learn from, as a person would who makes no mistake."""
    from napari_welllog.annotations import AnnotationFolder, Place, ScanIdentity
    from napari_welllog.scan import Scan

    made = AnnotationFolder.open(folder, make=True)
    for seed in ANNOTATED_SEEDS:
        page = draw_blueprint(seed)
        place = Place(top=0, left=0, rows=ROWS, columns=COLUMNS)
        identity = ScanIdentity.of(Scan(page.scan))
        made.add(page.scan, place, identity, page.labels, looked_at=[(0, ROWS - 1)])


def score_style(model: str | None) -> tuple[float, float]:
    """F1 of both curves on the pages of the style that are measured on."""
    from napari_welllog import segment

    counts = np.zeros((2, 4), np.int64)
    for seed in MEASURED_SEEDS:
        page = draw_blueprint(seed)
        labels = segment(page.scan, model=model).labels
        counts += [pixel_counts(labels == k, page.labels == k)[0] for k in (1, 2)]
    return f1(counts[0]), f1(counts[1])


def score_press(model: str | None, pages: int) -> tuple[float, float]:
    """F1 of both curves on pages of the printing press that no training saw: those of pixels.py."""
    from napari_welllog import print_log, segment

    counts = np.zeros((2, 4), np.int64)
    for page in range(pages):
        log = print_log(FIRST_SEED + page, rows=2000, columns=1200)
        labels = segment(log.scan, model=model).labels
        counts += [pixel_counts(labels == k, log.classes == k)[0] for k in (1, 2)]
    return f1(counts[0]), f1(counts[1])


def adapt(folder: Path, out: Path, options: argparse.Namespace) -> dict[str, str]:
    """Fine-tune the shipped network on the annotated windows; what the weights say of their making."""
    from napari_welllog.unet.train import TrainingStatus, train
    from napari_welllog.unet.training_settings import TrainingSettings
    from napari_welllog.unet.weights import load_model, shipped_models

    def tell(status: TrainingStatus) -> None:
        best = "" if status.best is None else f", best F1 on the held-out window {status.best:.3f}"
        print(f"{status.fraction:.0%}, batch {status.step}{best}", file=sys.stderr, flush=True)

    settings = TrainingSettings(minutes=options.minutes, steps=options.steps, annotated_share=options.share)
    train(out, settings, annotations=folder, start=shipped_models()[0], progress=tell)
    return load_model(out).provenance


def report(
    style: Sequence[tuple[float, float]],
    press: Sequence[tuple[float, float]],
    said: dict[str, str],
    pages: int,
) -> str:
    """The table: both curves before and after, on the style and on the press."""
    rows = []
    for where, scores in (("blueprints", style), (f"printing press, {pages} pages", press)):
        before, after = ([*pair, float(np.mean(pair))] for pair in scores)
        for name, one, other in zip(("curve one", "curve two", "mean"), before, after, strict=True):
            rows.append([where, name, f"{one:.3f}", f"{other:.3f}", f"{other - one:+.3f}"])
    return (
        f"{len(ANNOTATED_SEEDS)} annotated windows of {ROWS} x {COLUMNS} pixels ({said['annotated_windows']}), "
        f"{said['minutes']} minutes, {said['steps']} batches, of which the best was kept (batch {said['best_step']}); "
        f"share of annotated windows {said['annotated_share']}. Exact pixel F1 on {len(MEASURED_SEEDS)} other "
        f"pages of the style, and on pages of the printing press.\n\n"
        f"{markdown_table(['pages', 'curve', 'F1 before', 'F1 after', 'change'], rows)}\n\n"
        "![A blueprint, its curves, and what the network made of it before and after](images/adaptation.png)"
    )


def draw(model: str, path: Path) -> None:
    """Draw a part of a page that is measured on: scan, truth, and the classes before and after."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure

    from napari_welllog import segment
    from napari_welllog.overlay import CURVE_COLOURS

    page = draw_blueprint(MEASURED_SEEDS[0])
    part = slice(300, 700)
    colours = np.array([(1.0, 1.0, 1.0), *(to_rgb(CURVE_COLOURS[k]) for k in (1, 2))])
    before, after = (segment(page.scan, model=one).labels for one in (None, model))
    figure = Figure(figsize=(11, 2.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 4)
    panels[0].imshow(page.scan[part], cmap="gray", vmin=0, vmax=255)
    maps = {"truth": page.labels, "before": before, "after": after}
    for panel, (title, labels) in zip(panels, {"scan": None, **maps}.items(), strict=True):
        panel.set_title(title, fontsize=10)
        panel.set(xticks=[], yticks=[])
        if labels is not None:
            panel.imshow(colours[labels[part]], interpolation="antialiased")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="minutes of fine-tuning (default 10)")
    parser.add_argument("--steps", type=int, help="batches of fine-tuning, in the place of minutes")
    parser.add_argument("--share", type=float, default=0.4, help="share of annotated windows (default 0.4)")
    parser.add_argument("--pages", type=int, default=24, help="pages of the printing press (default 24)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default 2)")
    parser.add_argument("--only-before", action="store_true", help="print the F1 before, and stop")
    parser.add_argument(
        "--figure", type=Path, default=Path("docs/images/adaptation.png"), help="where the figure goes"
    )
    add_write_option(parser)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    style = [score_style(None)]
    print(f"before, F1 on the style: {style[0][0]:.3f} and {style[0][1]:.3f}", file=sys.stderr, flush=True)
    if options.only_before:
        return
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "annotations", Path(place) / "adapted.safetensors"
        annotate(folder)
        said = adapt(folder, out, options)
        style.append(score_style(str(out)))
        press = [score_press(model, options.pages) for model in (None, str(out))]
        draw(str(out), options.figure)
    publish("adaptation", report(style, press, said, options.pages), options.write)


if __name__ == "__main__":
    main()
