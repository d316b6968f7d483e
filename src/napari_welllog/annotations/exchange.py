"""Annotations from and for other tools: plain pairs of a picture and a mask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_welllog.annotations.folder import AnnotationFolder
from napari_welllog.annotations.manifest import MOST_ROWS, Place, ScanIdentity, check_labels
from napari_welllog.errors import AnnotationsError, WelllogError
from napari_welllog.output import naming, staged
from napari_welllog.scan import UnreadableError, read_scan, stored_picture

Pair = tuple[Path, Path]

_PICTURES = {".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg"}
_MASK_ENDINGS = ("_labels", "_label", "_mask", "_masks", "_classes")


def find_pairs(images: str | Path, masks: str | Path) -> list[Pair]:
    """Pair the pictures of a folder with the masks of a folder, by their names.

    A mask is named as its picture, or with `_mask`, `_labels` or `_classes` after it. Both may be one folder.

    Raises
    ------
    AnnotationsError
        If there is no pair, or a mask has no picture.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> for name in ("a.png", "a_mask.png", "b.tif", "b_mask.png"):
    ...     (folder / name).touch()
    >>> [(image.name, mask.name) for image, mask in find_pairs(folder, folder)]
    [('a.png', 'a_mask.png'), ('b.tif', 'b_mask.png')]
    """
    pictures = {path.stem: path for path in _pictures_in(Path(images)) if not _is_mask(path, images, masks)}
    pairs = []
    for mask in _pictures_in(Path(masks)):
        if not _is_mask(mask, images, masks):
            continue
        stem = _without_ending(mask.stem) if mask.stem not in pictures else mask.stem
        if stem not in pictures:
            raise AnnotationsError(f"{mask}: has no picture named {stem} in {images}; add it or move it away")
        pairs.append((pictures[stem], mask))
    if not pairs:
        raise AnnotationsError(f"{masks}: holds no mask; name each as its picture, with _mask after it")
    return pairs


def import_pairs(
    folder: AnnotationFolder, pairs: Sequence[tuple[str | Path, str | Path]], annotator: str = ""
) -> list[str]:
    """Add pairs of a picture and a mask as annotated windows that a person has looked at whole.

    Every pair is checked before the first is added. A picture of more than 8,192 rows becomes several windows.

    Parameters
    ----------
    folder : AnnotationFolder
        Where to.
    pairs : sequence of (path, path)
        A scan, and a mask of its size with the values 0, 1 and 2.
    annotator : str
        Who labelled them.

    Returns
    -------
    list of str
        Names of the new windows.

    Raises
    ------
    AnnotationsError, ScanError
        If a picture or mask cannot be used; nothing is added then.
    OutputError
        If a window cannot be written.

    Examples
    --------
    >>> where = getfixture("tmp_path")
    >>> Image.new("L", (60, 300), 255).save(where / "a.png")
    >>> Image.new("L", (60, 300), 0).save(where / "a_mask.png")
    >>> folder = AnnotationFolder.open(where / "annotations", make=True)
    >>> import_pairs(folder, find_pairs(where, where))
    ['a-row-0-column-0']
    """
    _check_pairs(folder, pairs)
    names = []
    for image, mask in pairs:
        scan, labels = read_scan(image), read_mask(mask)
        identity = ScanIdentity.of(scan)
        for place in _cut(scan.pixels.shape):
            looked_at = [(place.top, place.last_row)]
            part = np.ascontiguousarray(labels[place.slices])
            names.append(folder.add(scan.pixels, place, identity, part, annotator, None, looked_at))
    return names


def export_pairs(folder: AnnotationFolder, out: str | Path) -> list[Path]:
    """Write every window as `images/NAME.png` and `masks/NAME.png`, plain 8-bit grey that any tool reads.

    Parameters
    ----------
    folder : AnnotationFolder
        What to export.
    out : path
        Folder to write into, made if need be.

    Returns
    -------
    list of Path
        The files, all of which are written or none.

    Raises
    ------
    AnnotationsError
        If a window is damaged.
    OutputError
        If a file cannot be written.
    """
    names = sorted(folder.windows)
    targets = {name: [Path(out) / kind / f"{name}.png" for kind in ("images", "masks")] for name in names}
    with staged(path for paths in targets.values() for path in paths) as places:
        for name, paths in targets.items():
            window = folder.read(name)
            for path, picture in zip(paths, (window.pixels, window.labels), strict=True):
                with naming(path, places[path]):
                    Image.fromarray(picture).save(places[path], "PNG")
    return [path for paths in targets.values() for path in paths]


def read_mask(path: str | Path) -> NDArray[np.uint8]:
    """Read a mask, uint8 (rows, columns): grey, bilevel or with a palette, whose numbers are the classes.

    Raises
    ------
    AnnotationsError
        If it cannot be read, or is in colour.
    """
    try:
        with stored_picture(path) as image:
            if image.mode not in ("L", "P", "1"):
                raise AnnotationsError(
                    f"{path}: is no mask of 8-bit numbers; save it as grey, with 0, 1 and 2"
                )
            return np.asarray(image).astype(np.uint8)
    except WelllogError:
        raise
    except UnreadableError as error:
        raise AnnotationsError(f"{path}: cannot be read as a mask: it is {error}") from error
    except Exception as error:  # a decoder fails on a damaged file in more ways than it documents
        reason = getattr(error, "strerror", None) or "it is no picture"
        raise AnnotationsError(f"{path}: cannot be read as a mask ({reason}); give a PNG or TIFF") from error


def _check_pairs(folder: AnnotationFolder, pairs: Sequence[tuple[str | Path, str | Path]]) -> None:
    """Refuse everything that adding would refuse, before the disk is touched."""
    seen: dict[str, str | Path] = {}
    for image, mask in pairs:
        scan = read_scan(image)
        check_labels(read_mask(mask), scan.pixels.shape, mask)
        identity = ScanIdentity.of(scan)
        if folder.windows_of(identity) or identity.sha256 in seen:
            raise AnnotationsError(
                f"{image}: has windows there already; remove them or leave the picture out"
            )
        seen[identity.sha256] = image


def _cut(shape: tuple[int, ...]) -> Iterable[Place]:
    """The windows of a whole scan."""
    for top in range(0, shape[0], MOST_ROWS):
        yield Place(top=top, left=0, rows=min(MOST_ROWS, shape[0] - top), columns=shape[1])


def _pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, by name."""
    if not folder.is_dir():
        raise AnnotationsError(f"{folder}: is no folder; give the folder of the pictures")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)


def _is_mask(path: Path, images: str | Path, masks: str | Path) -> bool:
    """Whether a file is a mask: in one folder for both, its name tells."""
    if Path(images).resolve() != Path(masks).resolve():
        return path.parent.resolve() == Path(masks).resolve()
    return path.stem != _without_ending(path.stem)


def _without_ending(stem: str) -> str:
    """The name of the picture that a mask belongs to."""
    for ending in _MASK_ENDINGS:
        if stem.endswith(ending):
            return stem.removesuffix(ending)
    return stem
