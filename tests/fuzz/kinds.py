"""The kinds of files that the engine opens: how each is spoilt, opened and used."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from napari_welllog.errors import AnnotationsError, WelllogError
from tests.fuzz import formats, mutate, seeds


@dataclass(frozen=True)
class Special:
    """What lies in a folder and is no ordinary file: a link to `target`, a pipe, or a folder."""

    kind: str
    target: str = ""


Files = dict[str, bytes | Special]
"""The files of one case, by name."""

SAFE = "safe"
"""The folder of a case; what lies beside it must be neither read nor changed."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Parameters
    ----------
    make : callable
        Draws the files of a case.
    use : callable
        Opens and uses what lies in a folder; raises a WelllogError where it is refused.
    share : int
        Part of all cases, in percent.
    """

    make: Callable[[Random], Files]
    use: Callable[[Path], None]
    share: int


def case_files(kind: str, number: int) -> Files:
    """The files of one case: the same for the same kind and number, on every machine."""
    return KINDS[kind].make(Random(f"{kind} {number}"))


def lay_out(files: Files, folder: Path) -> None:
    """Put the files of a case into a folder."""
    for name, content in files.items():
        path = folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content.kind == "link":
            path.symlink_to(content.target)
        elif content.kind == "pipe":
            os.mkfifo(path)
        else:
            path.mkdir()


# --- Scans ---


def _one_of(
    name: str, files: Callable[[], list[bytes]], *own: mutate.ByteMutator
) -> Callable[[Random], Files]:
    """Spoil one of the seeds, half the time by what is special to its format."""

    def make(draw: Random) -> Files:
        data = draw.choice(files())
        if draw.random() < 0.02:
            return {name: data}
        for _ in range(draw.choice((1, 1, 1, 2))):
            mutators = own if own and draw.random() < 0.6 else mutate.BYTES
            data = draw.choice(mutators)(draw, data, files())
            if not data:
                break
        return {name: data}

    return make


def _use_scan(folder: Path) -> None:
    """Open a scan, and ask for its resolution alone as napari does."""
    from napari_welllog.scan import read_scan, scan_resolution

    path = folder / "log"
    try:
        resolution, told = scan_resolution(path), True
    except WelllogError:
        told = False
    scan = read_scan(path)
    assert scan.pixels.dtype == np.uint8
    assert scan.pixels.ndim == 2
    assert scan.pixels.size
    assert not told or scan.dpi == resolution


def _use_mask(folder: Path) -> None:
    """Read a file as a label map of another tool, and as a class map of our own."""
    from napari_welllog.annotations.exchange import read_mask
    from napari_welllog.class_map import read_labels

    refusals = []
    for read in (read_mask, read_labels):
        try:
            labels = read(folder / "log")
            assert labels.dtype == np.uint8
        except WelllogError as error:
            refusals.append(error)
    if len(refusals) == 2:
        raise refusals[0]


# --- Calibrations and edits ---


def _json_of(name: str, trees: Callable[[], list[object]]) -> Callable[[Random], Files]:
    """Spoil one of the trees, its text, or what lies there."""

    def make(draw: Random) -> Files:
        tree, chance = draw.choice(trees()), draw.random()
        if chance < 0.02:
            return {name: mutate.json_text(tree)}
        if chance < 0.03:
            return {
                name: draw.choice(
                    (Special("pipe"), Special("folder"), Special("link", "/dev/zero"), Special("link", name))
                )
            }
        if chance < 0.65:
            return {name: mutate.json_text(mutate.spoil_json(draw, tree))}
        if chance < 0.85:
            return {name: mutate.odd_json_text(draw, tree)}
        text = mutate.json_text(tree)
        return {name: draw.choice(mutate.BYTES)(draw, text, [mutate.json_text(other) for other in trees()])}

    return make


def _use_tracks(folder: Path) -> None:
    """Load a calibration, and write the log curves that it makes of a class map."""
    from napari_welllog.tracks import Tracks

    tracks = Tracks.load(folder / "tracks.json")
    tracks.check_against(seeds.ROWS, seeds.COLUMNS)
    assert Tracks.model_validate_json(tracks.to_json()) == tracks
    _write_curves(folder, tracks, None)


def _use_edits(folder: Path) -> None:
    """Load edits and lay them over curves."""
    from napari_welllog.edits import Edits
    from napari_welllog.tracks import Tracks

    edits = Edits.load(folder / "edits.json")
    edits.save(folder / "again.json")
    assert Edits.load(folder / "again.json") == edits
    _write_curves(folder, Tracks.model_validate(seeds.tracks()[0]), edits)


def _write_curves(folder: Path, tracks: object, edits: object) -> None:
    """Read curves from the little log and write them."""
    from napari_welllog.class_map import ClassMap
    from napari_welllog.las import write_csv, write_las
    from napari_welllog.reading import read_curves

    labels = (seeds.paper_log() == 0).astype(np.uint8)
    labels[:, seeds.COLUMNS // 2 :] *= 2
    curves = read_curves(ClassMap.from_labels(labels), tracks, edits).log_curves  # type: ignore[arg-type]
    write_las(folder / "log.las", curves)
    write_csv(folder / "log.csv", curves)


# --- Weights ---


def _use_weights(folder: Path) -> None:
    """Load a network and run it."""
    from napari_welllog.unet import load_model, segment

    network = load_model(folder / "mine.safetensors")
    probabilities = segment(seeds.paper_log()[:32, :32], network, "cpu").probabilities
    assert np.isfinite(probabilities).all()


# --- Annotations ---

_ELSEWHERE = (
    "../outside_scan.png",
    f"../{SAFE}/../outside_scan.png",
    "..\\outside_scan.png",
    "/etc/passwd",
    "C:\\outside_scan.png",
    "./well_scan.png",
    "well_scan.png/../../outside_scan.png",
    "//server/share.png",
    "~/outside.png",
    "..",
    ".",
    ".hidden.png",
    "a\0b.png",
    "file:///etc/passwd",
    "well_scan.png\n",
    "CON",
    "x" * 5000,
    "\ud800.png",
    "link.png",
    "pipe.png",
    "folder.png",
    "well_window.json",
)


def _odd_of_manifest(draw: Random) -> object:
    """A value that nobody would write, or a way out of the folder."""
    return draw.choice(_ELSEWHERE) if draw.random() < 0.3 else mutate.odd_value(draw)


def _annotations(draw: Random) -> Files:
    """Spoil a folder of one or two annotated windows."""
    crop, labels = seeds.window_pictures()
    tree = seeds.manifest()
    files: Files = {"well_scan.png": crop, "well_labels.png": labels}
    files["link.png"] = Special("link", "../outside_scan.png")
    if draw.random() < 0.2:
        files |= {"pipe.png": Special("pipe"), "folder.png": Special("folder")}
    chance = draw.random()
    if chance < 0.5:
        tree = mutate.spoil_json(draw, tree, _odd_of_manifest)
    elif chance < 0.65:
        tree[draw.choice(("pixels", "labels"))] = draw.choice(_ELSEWHERE)
    name = "well_window.json"
    files[name] = mutate.json_text(tree)
    if 0.65 <= chance < 0.8:
        files[name] = mutate.odd_json_text(draw, tree)
    elif 0.8 <= chance < 0.93:
        picture = draw.choice(("well_scan.png", "well_labels.png"))
        spoil = formats.spoil_png if draw.random() < 0.6 else draw.choice(mutate.BYTES)
        files[picture] = spoil(draw, files[picture], [crop, labels])  # type: ignore[arg-type]
    elif chance >= 0.93:
        spoilt = draw.choice((name, "well_scan.png", "well_labels.png"))
        links = [
            Special("link", target)
            for target in ("../outside_scan.png", "/dev/zero", spoilt, "../outside.json")
        ]
        files[spoilt] = draw.choice((*links, Special("pipe"), Special("folder"), b""))
    if draw.random() < 0.1:
        files["other_window.json"] = files[name]
    return files


OUTSIDE = ("outside_scan.png", "outside.json")


def _use_annotations(folder: Path) -> None:
    """Open a folder of windows, read and save each, and see that nothing outside was touched."""
    from napari_welllog.annotations import AnnotationFolder

    beside = folder.parent
    (beside / "outside_scan.png").write_bytes(seeds.window_pictures()[0])
    (beside / "outside.json").write_bytes(mutate.json_text(seeds.manifest()))
    before = {name: zlib.crc32((beside / name).read_bytes()) for name in OUTSIDE}
    try:
        opened = AnnotationFolder.open(folder)
        opened.sha256()
        for name in opened.windows:
            window = opened.read(name)
            manifest = window.manifest
            for file in (manifest.pixels, manifest.labels):
                assert (folder / file).resolve().parent == folder.resolve(), f"{file} leaves the folder"
            try:
                opened.save(name, window.labels)
            finally:
                assert not (folder / manifest.labels).is_symlink()
            opened.remove(name)
    finally:
        assert before == {name: zlib.crc32((beside / name).read_bytes()) for name in OUTSIDE}, (
            "outside was changed"
        )
    if not opened.path.is_dir():
        raise AnnotationsError("the folder is gone")


KINDS: dict[str, Kind] = {
    "tiff": Kind(_one_of("log", seeds.tiffs, formats.spoil_tiff), _use_scan, 25),
    "png": Kind(_one_of("log", seeds.pngs, formats.spoil_png), _use_scan, 10),
    "jpeg": Kind(_one_of("log", seeds.jpegs, formats.spoil_jpeg), _use_scan, 5),
    "bmp": Kind(_one_of("log", seeds.bmps), _use_scan, 4),
    "gif": Kind(_one_of("log", seeds.gifs), _use_scan, 4),
    "pdf": Kind(_one_of("log", seeds.pdfs, formats.spoil_pdf, mutate.text_number_to_extreme), _use_scan, 15),
    "mask": Kind(_one_of("log", seeds.masks, formats.spoil_png, formats.spoil_tiff), _use_mask, 3),
    "tracks": Kind(_json_of("tracks.json", seeds.tracks), _use_tracks, 12),
    "edits": Kind(_json_of("edits.json", seeds.edits), _use_edits, 4),
    "weights": Kind(_one_of("mine.safetensors", seeds.weights, formats.spoil_weights), _use_weights, 6),
    "annotations": Kind(_annotations, _use_annotations, 12),
}
