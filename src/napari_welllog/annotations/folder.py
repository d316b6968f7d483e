"""A folder of annotated windows that anyone can read: two pictures and a small JSON file for each."""

from __future__ import annotations

import hashlib
import io
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_welllog.annotations.manifest import (
    MOST_ROWS,
    Manifest,
    Network,
    Place,
    ScanIdentity,
    check_labels,
    now,
    read_manifest,
)
from napari_welllog.errors import AnnotationsError, OutputError
from napari_welllog.output import replace_file
from napari_welllog.scan import stored_picture

Pixels = NDArray[np.uint8]

ENDING = "_window.json"

# Background, curve one and curve two as a person sees them in the label map: those of the overlay.
_PALETTE = bytes.fromhex("ffffff0072b2a31545")

_AGAIN = "copy the folder again, or move the window away"


@dataclass(frozen=True, eq=False)
class AnnotatedWindow:
    """An annotated window as it lies on the disk.

    Parameters
    ----------
    name : str
        Its name in the folder.
    manifest : Manifest
        What is known of it.
    pixels, labels : uint8 (rows, columns)
        The grey crop, and the class of every pixel of it.
    """

    name: str
    manifest: Manifest
    pixels: Pixels
    labels: Pixels


class AnnotationFolder:
    """A folder of annotated windows.

    Each window is three files, NAME_window.json, NAME_scan.png and NAME_labels.png. The JSON is written last
    when a window is added and removed first, so a window is there whole or not at all.

    Parameters
    ----------
    path : path
        The folder.
    windows : dict of str to Manifest
        What is in it; use `open`.

    Examples
    --------
    >>> from napari_welllog.scan import Scan
    >>> scan = Scan(np.full((300, 60), 255, np.uint8))
    >>> folder = AnnotationFolder.open(getfixture("tmp_path") / "annotations", make=True)
    >>> place = Place(top=100, left=0, rows=50, columns=60)
    >>> name = folder.add(scan.pixels, place, ScanIdentity.of(scan), annotator="Ada")
    >>> labels = np.zeros((50, 60), np.uint8); labels[:, 30] = 1
    >>> folder.save(name, labels, looked_at=[(100, 149)])
    >>> again = AnnotationFolder.open(folder.path).read(name)
    >>> int(again.labels.sum()), again.manifest.share_looked_at
    (50, 1.0)
    """

    def __init__(self, path: Path, windows: dict[str, Manifest]) -> None:
        self.path = path
        # Never changed but replaced, so that whoever reads it needs no lock: a slow disk may hold that for long.
        self._windows = windows
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: str | Path, make: bool = False) -> AnnotationFolder:
        """Open a folder, with every window in it checked; nothing on the disk is changed.

        Parameters
        ----------
        path : path
            The folder.
        make : bool
            Whether a folder that is not there or has no window yet is fine: it is made with the first window.

        Raises
        ------
        AnnotationsError
            If there is no window, or one cannot be used, or two windows of one scan overlap.
        """
        folder = Path(path)
        if folder.exists() and not folder.is_dir():
            raise AnnotationsError(f"{folder}: is a file; give the folder of the annotated windows")
        if not make and not folder.is_dir():
            raise AnnotationsError(f"{folder}: is not there; give the folder of the annotated windows")
        windows: dict[str, Manifest] = {}
        for file in sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else []:
            manifest = read_manifest(file)
            for picture in (manifest.pixels, manifest.labels):
                _check_size(folder, picture, manifest.place)
            windows[file.name.removesuffix(ENDING)] = manifest
        if not windows and not make:
            raise AnnotationsError(f"{folder}: holds no annotated window; annotate one first")
        _refuse_overlaps(folder, windows)
        return cls(folder, windows)

    @property
    def windows(self) -> dict[str, Manifest]:
        """What is known of each window, by name; a copy, to be had without waiting while a window is written."""
        return dict(self._windows)

    def windows_of(self, scan: ScanIdentity) -> dict[str, Manifest]:
        """The windows of one scan, by name, from the top down.

        Raises
        ------
        AnnotationsError
            If there are windows of a scan of this name that has changed since.
        """
        found = {}
        for name, manifest in sorted(self.windows.items(), key=lambda item: item[1].place.top):
            if _is_same(manifest.scan, scan):
                found[name] = manifest
            elif manifest.scan.file is not None and manifest.scan.file == scan.file:
                raise AnnotationsError(
                    f"{self.path}: window {name} was annotated on another version of {scan.file}, whose content "
                    "has changed; open that version, or keep the annotations of this one in another folder"
                )
        return found

    def add(
        self,
        pixels: Pixels,
        place: Place,
        scan: ScanIdentity,
        labels: Pixels | None = None,
        annotator: str = "",
        network: Network | None = None,
        looked_at: Iterable[tuple[int, int]] = (),
    ) -> str:
        """Add a window to the folder and the disk.

        Parameters
        ----------
        pixels : uint8 (rows, columns)
            The whole scan.
        place : Place
            Where on it.
        scan : ScanIdentity
            Which scan it is.
        labels : uint8, optional
            Labels of the window to begin with; background when left out.
        annotator : str
            Who labels it.
        network : Network, optional
            Where the labels come from.
        looked_at : sequence of (first, last)
            Scan rows that a person has looked at, both included.

        Returns
        -------
        str
            Its name.

        Raises
        ------
        AnnotationsError
            If it overlaps another window of the scan, lies outside, or the scan has changed since others.
        OutputError
            If it cannot be written.
        """
        if place.last_row >= pixels.shape[0] or place.left + place.columns > pixels.shape[1]:
            raise AnnotationsError(
                f"the window lies outside the scan of {pixels.shape[0]} rows; choose another"
            )
        crop = np.ascontiguousarray(pixels[place.slices])
        labels = np.zeros(place.shape, np.uint8) if labels is None else labels
        check_labels(labels, place.shape, "the labels")
        with self._lock:
            for name, other in self.windows_of(scan).items():
                if other.place.overlaps(place):
                    raise AnnotationsError(_overlap(self.path, "the new window", name, other.place))
            name = self._free_name(scan, place)
            manifest = Manifest(
                scan=scan,
                place=place,
                pixels=f"{name}_scan.png",
                labels=f"{name}_labels.png",
                annotator=annotator,
                network=network,
            ).looking_at(looked_at)
            self._make()
            replace_file(self.path / manifest.pixels, _png(crop))
            replace_file(self.path / manifest.labels, _png(labels, _PALETTE))
            replace_file(self._file(name), manifest.to_json().encode())
            self._windows = {**self._windows, name: manifest}
        return name

    def read(self, name: str) -> AnnotatedWindow:
        """Read a window.

        Raises
        ------
        AnnotationsError
            If its pictures are damaged, or the labels have another shape or other values than 0, 1 and 2.
        """
        manifest = self._manifest(name)
        pixels, labels = (_read_png(self.path / file) for file in (manifest.pixels, manifest.labels))
        check_labels(labels, manifest.place.shape, self.path / manifest.labels)
        if pixels.shape != manifest.place.shape or pixels.dtype != np.uint8:
            raise AnnotationsError(
                f"{self.path / manifest.pixels}: is no grey picture of the window's size; {_AGAIN}"
            )
        return AnnotatedWindow(name, manifest, pixels, labels)

    def save(self, name: str, labels: Pixels, looked_at: Iterable[tuple[int, int]] | None = None) -> None:
        """Put the labels of a window on the disk; a process that is killed meanwhile leaves the earlier ones.

        Parameters
        ----------
        name : str
            Its name.
        labels : uint8 (rows, columns)
            All labels of the window.
        looked_at : sequence of (first, last), optional
            All scan rows that a person has looked at; as before when left out.

        Raises
        ------
        AnnotationsError
            If the labels have another shape or other values than 0, 1 and 2.
        OutputError
            If they cannot be written.
        """
        with self._lock:
            manifest = self._manifest(name)
            check_labels(labels, manifest.place.shape, f"{self.path / manifest.labels}")
            if looked_at is not None:
                manifest = manifest.looking_at(looked_at)
            manifest = manifest.model_copy(update={"changed": now()})
            replace_file(self.path / manifest.labels, _png(labels, _PALETTE))
            replace_file(self._file(name), manifest.to_json().encode())
            self._windows = {**self._windows, name: manifest}

    def remove(self, name: str) -> None:
        """Remove a window from the folder and the disk.

        Raises
        ------
        OutputError
            If it cannot be removed.
        """
        with self._lock:
            manifest = self._manifest(name)
            try:
                self._file(name).unlink(missing_ok=True)
                self._windows = {key: kept for key, kept in self._windows.items() if key != name}
                for file in (manifest.pixels, manifest.labels):
                    (self.path / file).unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(f"{self._file(name)}: cannot be removed ({error.strerror})") from error

    def sha256(self) -> str:
        """Hash of all windows, by which a network's provenance tells what it was trained on."""
        digest = hashlib.sha256()
        with self._lock:
            for name, manifest in sorted(self._windows.items()):
                for file in (self._file(name).name, manifest.pixels, manifest.labels):
                    digest.update(file.encode() + b"\0" + _bytes_of(self.path / file))
        return digest.hexdigest()

    def _manifest(self, name: str) -> Manifest:
        """What is known of a window."""
        with self._lock:
            if name not in self._windows:
                raise AnnotationsError(f"{self.path}: has no window named {name}; open the folder again")
            return self._windows[name]

    def _file(self, name: str) -> Path:
        """The manifest of a window."""
        return self.path / f"{name}{ENDING}"

    def _free_name(self, scan: ScanIdentity, place: Place) -> str:
        """A name for a new window that no file has yet, those of an addition that was cut short included."""
        stem = re.sub(r"[^\w-]+", "-", Path(scan.file or "scan").stem).strip("-_")[:80] or "scan"
        name = base = f"{stem}-row-{place.top}-column-{place.left}"
        number = 1
        while any((self.path / f"{name}{end}").exists() for end in (ENDING, "_scan.png", "_labels.png")):
            number += 1
            name = f"{base}-{number}"
        return name

    def _make(self) -> None:
        """Make the folder."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.path}: cannot be made ({error.strerror}); choose another folder"
            ) from error


def place_in_view(shape: tuple[int, int], rows: tuple[float, float], columns: tuple[float, float]) -> Place:
    """The window of a scan between two rows and two columns, kept to the scan and to 8,192 rows.

    Examples
    --------
    >>> place_in_view((20_000, 900), (500, 15_000), (-40, 2000))
    Place(top=3654, left=0, rows=8192, columns=900)
    """
    (top, bottom), (left, right) = (
        (min(max(round(low), 0), length - 1), min(max(round(high) + 1, 1), length))
        for (low, high), length in zip((rows, columns), shape, strict=True)
    )
    if bottom - top > MOST_ROWS:  # about the middle of what is in view
        top = (top + bottom - MOST_ROWS) // 2
        bottom = top + MOST_ROWS
    return Place(top=top, left=left, rows=max(bottom - top, 1), columns=max(right - left, 1))


def _is_same(one: ScanIdentity, other: ScanIdentity) -> bool:
    """Whether two identities are of one scan: a file may have been given another name."""
    return (one.sha256, one.rows, one.columns) == (other.sha256, other.rows, other.columns)


def _refuse_overlaps(folder: Path, windows: dict[str, Manifest]) -> None:
    """Refuse two windows of one scan that share a pixel, for which of two labels would be true."""
    by_scan: dict[str, list[tuple[str, Manifest]]] = {}
    for name, manifest in windows.items():
        by_scan.setdefault(manifest.scan.sha256, []).append((name, manifest))
    for group in by_scan.values():
        for (one, first), (other, second) in combinations(group, 2):
            if first.place.overlaps(second.place):
                raise AnnotationsError(_overlap(folder, f"window {one}", other, second.place))


def _overlap(folder: Path, one: str, other: str, place: Place) -> str:
    """Say that two windows overlap."""
    return (
        f"{folder}: {one} overlaps window {other} (rows {place.top} to {place.last_row}) of the same scan; "
        "choose another place or move one of them away"
    )


def _png(picture: Pixels, palette: bytes | None = None) -> bytes:
    """A picture as PNG; with a palette, the values are kept and have colours that a person can see."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    if palette is not None:
        image.putpalette(palette)
    content = io.BytesIO()
    image.save(content, "PNG", compress_level=3)
    return content.getvalue()


def _inside(folder: Path, name: str) -> Path:
    """The path of a picture, which may be no link that leaves the folder."""
    path = folder / name
    if not os.path.isfile(path):  # unlike Path's own, false for names that no file can have
        trouble = "is no ordinary file" if os.path.lexists(path) else "is missing"
        raise AnnotationsError(f"{path}: {trouble}; {_AGAIN}")
    if path.resolve().parent != folder.resolve():
        raise AnnotationsError(f"{path}: is a link that leaves the folder; copy the picture into the folder")
    return path


def _check_size(folder: Path, name: str, place: Place) -> None:
    """Refuse a picture that is missing, no PNG, or of another size than its window, before it is decoded."""
    path = _inside(folder, name)
    try:
        with stored_picture(path) as image:
            form, (columns, rows) = image.format, image.size
    except Exception:  # a decoder fails on a damaged file in more ways than it documents
        form = None
    if form != "PNG":
        raise AnnotationsError(f"{path}: is no PNG picture; {_AGAIN}")
    if (rows, columns) != place.shape:
        raise AnnotationsError(
            f"{path}: is {rows} x {columns} pixels and its window {place.rows} x {place.columns} "
            f"(rows x columns); {_AGAIN}"
        )


def _read_png(path: Path) -> NDArray[Any]:
    """The values of a grey or palette PNG."""
    try:
        with stored_picture(path) as image:
            if image.mode not in ("L", "P", "1"):
                raise AnnotationsError(f"{path}: is in colour; give a PNG of 8-bit grey or with a palette")
            return np.asarray(image.convert("L") if image.mode == "1" else image)
    except AnnotationsError:
        raise
    except Exception as error:  # a decoder fails on a damaged file in more ways than it documents
        raise AnnotationsError(f"{path}: is damaged; {_AGAIN}") from error


def _bytes_of(path: Path) -> bytes:
    """What is in a file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise AnnotationsError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
