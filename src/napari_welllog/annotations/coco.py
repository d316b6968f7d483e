"""Annotations for tools that read COCO: every pixel kept, as run lengths."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_welllog.annotations.folder import AnnotationFolder
from napari_welllog.errors import AnnotationsError
from napari_welllog.output import naming, staged

COCO_FILE = "coco.json"
MISSING = "COCO files need pycocotools; install it with: pip install 'napari-welllog[coco]'"

_CATEGORIES = [
    {"id": 1, "name": "curve one", "supercategory": "curve"},
    {"id": 2, "name": "curve two", "supercategory": "curve"},
]


def has_coco() -> bool:
    """Whether pycocotools is installed."""
    return find_spec("pycocotools") is not None


def export_coco(folder: AnnotationFolder, out: str | Path) -> list[Path]:
    """Write every window as `images/NAME.png`, and the curves of all as `coco.json` beside them.

    Each curve of a window is one annotation whose mask is written in run lengths, as pycocotools makes and reads
    them (COCO data format, https://cocodataset.org/#format-data): polygons would be too coarse for lines of two
    pixels. The pictures are those of `export_pairs`, so both can share a folder.

    Parameters
    ----------
    folder : AnnotationFolder
        What to export.
    out : path
        Folder to write into, made if need be.

    Returns
    -------
    list of Path
        The pictures and the file, all of which are written or none.

    Raises
    ------
    AnnotationsError
        If pycocotools is not installed, or a window is damaged.
    OutputError
        If a file cannot be written.

    Examples
    --------
    >>> where = getfixture("tmp_path")
    >>> folder = AnnotationFolder.open(where / "annotations", make=True)
    >>> [path.name for path in export_coco(folder, where / "coco")]
    ['coco.json']
    """
    if not has_coco():
        raise AnnotationsError(MISSING)
    names = sorted(folder.windows)
    pictures = {name: Path(out) / "images" / f"{name}.png" for name in names}
    described = Path(out) / COCO_FILE
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    with staged([*pictures.values(), described]) as places:
        for number, (name, path) in enumerate(pictures.items(), start=1):
            window = folder.read(name)
            rows, columns = window.labels.shape
            images.append({"id": number, "file_name": f"images/{name}.png", "height": rows, "width": columns})
            annotations += _curves(window.labels, number, len(annotations) + 1)
            with naming(path, places[path]):
                Image.fromarray(window.pixels).save(places[path], "PNG")
        content = {"images": images, "annotations": annotations, "categories": _CATEGORIES}
        with naming(described, places[described]):
            places[described].write_text(json.dumps(content))
    return [*pictures.values(), described]


def _curves(labels: NDArray[np.uint8], image: int, first: int) -> list[dict[str, Any]]:
    """The annotations of a window: one for each curve that is in it."""
    from pycocotools import mask

    found: list[dict[str, Any]] = []
    for curve_class in (1, 2):
        inside = np.asfortranarray(labels == curve_class, dtype=np.uint8)
        if not inside.any():
            continue
        runs = mask.encode(inside)
        found.append(
            {
                "id": first + len(found),
                "image_id": image,
                "category_id": curve_class,
                "segmentation": {"size": [int(n) for n in runs["size"]], "counts": runs["counts"].decode()},
                "area": int(mask.area(runs)),
                "bbox": [float(side) for side in mask.toBbox(runs)],
                "iscrowd": 0,
            }
        )
    return found
