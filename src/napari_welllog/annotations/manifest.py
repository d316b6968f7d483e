"""What a folder says of each annotated window: a small JSON file beside its two pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_welllog.errors import AnnotationsError
from napari_welllog.json_file import UnreadableJsonError, read_json
from napari_welllog.scan import Scan

VERSION = 1

MOST_ROWS = 8192
"""Rows of the tallest window: a plain Labels layer of more is shown with rows skipped, and curves vanish."""

_MOST_COLUMNS = 30_000

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RowRuns = tuple[tuple[int, int], ...]


class _Part(BaseModel):
    """A part of a manifest: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Part):
    """A window on a scan: the row and column of its first pixel, and its size.

    Parameters
    ----------
    top, left : int
        Scan row and column of the first pixel.
    rows, columns : int
        Size in pixels; at most 8,192 rows.

    Examples
    --------
    >>> one = Place(top=100, left=0, rows=50, columns=80)
    >>> one.overlaps(Place(top=149, left=79, rows=5, columns=5)), one.last_row
    (True, 149)
    """

    top: int = Field(ge=0)
    left: int = Field(ge=0)
    rows: int = Field(ge=1, le=MOST_ROWS)
    columns: int = Field(ge=1, le=_MOST_COLUMNS)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def last_row(self) -> int:
        """Scan row of the last pixel."""
        return self.top + self.rows - 1

    @property
    def slices(self) -> tuple[slice, slice]:
        """What to index a scan with to get this window."""
        return slice(self.top, self.top + self.rows), slice(self.left, self.left + self.columns)

    def overlaps(self, other: Place) -> bool:
        """Whether they share a pixel."""
        return (
            self.top < other.top + other.rows
            and other.top < self.top + self.rows
            and self.left < other.left + other.columns
            and other.left < self.left + self.columns
        )


class ScanIdentity(_Part):
    """Which scan a window was cut from.

    Parameters
    ----------
    file : str or None
        Name of its file, without folders; None for a picture that is in no file.
    sha256 : str
        Hash of the file; of the grey pixels where there is none.
    rows, columns : int
        Size of the whole scan.
    """

    file: str | None
    sha256: Hash
    rows: int = Field(ge=1)
    columns: int = Field(ge=1)

    @classmethod
    def of(cls, scan: Scan) -> ScanIdentity:
        """Tell which scan this is, by what is in its file.

        Raises
        ------
        AnnotationsError
            If its file cannot be read any more.

        Examples
        --------
        >>> ScanIdentity.of(Scan(np.zeros((4, 3), np.uint8))).rows
        4
        """
        rows, columns = scan.pixels.shape
        if scan.source is None:
            sha256 = hashlib.sha256(np.ascontiguousarray(scan.pixels).data).hexdigest()
            return cls(file=None, sha256=sha256, rows=rows, columns=columns)
        try:
            with open(scan.source, "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise AnnotationsError(
                f"{scan.source}: cannot be read any more ({error.strerror}); put the scan back and open it again"
            ) from error
        return cls(file=Path(scan.source).name, sha256=sha256, rows=rows, columns=columns)


class Network(_Part):
    """The network whose class map a window was pre-filled from.

    Parameters
    ----------
    name : str
        Its name.
    sha256 : str
        Hash of its weights file.
    """

    name: str
    sha256: Hash


class Manifest(_Part):
    """What a NAME_window.json holds.

    Parameters
    ----------
    version : 1
        Version of the file format.
    scan : ScanIdentity
        The scan it was cut from.
    place : Place
        Where on that scan.
    pixels, labels : str
        File names of the grey crop and of the label map, both PNG, in the same folder.
    annotator : str
        Who labelled it.
    created, changed : datetime
        When it was made and last saved.
    network : Network or None
        What it was pre-filled with; None where it began empty.
    looked_at : tuple of (first, last)
        Scan rows that a person has looked at, both included, from the top down; only these are trained on.

    Examples
    --------
    >>> window = Manifest(
    ...     scan=ScanIdentity(file="well.tif", sha256="0" * 64, rows=900, columns=80),
    ...     place=Place(top=100, left=0, rows=50, columns=80),
    ...     pixels="well_scan.png", labels="well_labels.png")
    >>> window.looking_at([(100, 120), (115, 130), (148, 300)]).looked_at
    ((100, 130), (148, 149))
    """

    version: Literal[1] = 1
    scan: ScanIdentity
    place: Place
    pixels: str
    labels: str
    annotator: str = ""
    created: AwareDatetime = Field(default_factory=lambda: now())
    changed: AwareDatetime = Field(default_factory=lambda: now())
    network: Network | None = None
    looked_at: RowRuns = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        """Refuse file names that leave the folder, and places and rows that lie outside."""
        for name in (self.pixels, self.labels):
            if not _is_plain(name):
                raise ValueError(f"'{name}' leaves the folder; name a file that lies beside the manifest")
        if self.pixels == self.labels:
            raise ValueError(f"'{self.pixels}' cannot be both the pixels and the labels")
        if self.place.last_row >= self.scan.rows or self.place.left + self.place.columns > self.scan.columns:
            raise ValueError("the place lies outside the scan")
        if self.looked_at != merged_rows(self.looked_at, self.place):
            raise ValueError("'looked_at' must be [first, last] rows of the window, from the top down")
        return self

    def looking_at(self, rows: Iterable[tuple[int, int]]) -> Manifest:
        """Give this manifest other rows looked at; they are joined, sorted and kept to the window."""
        return self.model_copy(update={"looked_at": merged_rows(rows, self.place)})

    @property
    def share_looked_at(self) -> float:
        """Share of the window's rows that a person has looked at, 0 to 1."""
        return sum(last - first + 1 for first, last in self.looked_at) / self.place.rows

    def to_json(self) -> str:
        """The text of a manifest."""
        return self.model_dump_json(indent=2) + "\n"


def now() -> datetime:
    """Tell the time to the second, in UTC."""
    return datetime.now(UTC).replace(microsecond=0)


def merged_rows(rows: Iterable[tuple[int, int]], place: Place) -> RowRuns:
    """Join runs of scan rows, both ends included, that touch or overlap, and keep them to a window.

    Examples
    --------
    >>> merged_rows([(30, 40), (0, 9), (10, 12)], Place(top=5, left=0, rows=30, columns=9))
    ((5, 12), (30, 34))
    """
    seen = np.zeros(place.rows + 2, np.int8)
    for first, last in rows:
        seen[max(first - place.top, 0) + 1 : max(last - place.top + 1, 0) + 1] = 1
    seen[-1] = 0
    steps = np.diff(seen)
    starts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1
    return tuple((int(a) + place.top, int(b) + place.top) for a, b in zip(starts, stops, strict=True))


def read_manifest(path: Path) -> Manifest:
    """Read a NAME_window.json.

    Raises
    ------
    AnnotationsError
        One line that names the file, what is wrong, and the remedy.
    """
    try:
        data = read_json(path, "copy the folder again", "mend it there or move the window away")
    except UnreadableJsonError as error:
        raise AnnotationsError(f"{path}: {error}") from None
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise AnnotationsError(
            f"{path}: is of version {version}, and this program reads version {VERSION}; update napari-welllog"
        )
    try:
        return Manifest.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise AnnotationsError(f"{path}: {_problem(error)}; mend it there or move the window away") from None


def check_labels(labels: NDArray[Any], shape: tuple[int, int], what: object) -> None:
    """Refuse labels of another shape or with other values than the three classes; `what` begins the message.

    Raises
    ------
    AnnotationsError
    """
    if labels.shape != shape:
        sizes = [" x ".join(map(str, size)) for size in (labels.shape, shape)]
        raise AnnotationsError(
            f"{what}: is {sizes[0]} pixels and its window {sizes[1]} (rows x columns); give labels of that size"
        )
    if labels.dtype != np.uint8:
        raise AnnotationsError(f"{what}: holds {labels.dtype}; give labels of 8 bits, 0, 1 and 2")
    if labels.size and labels.max() > 2:
        found = ", ".join(str(value) for value in np.unique(labels[labels > 2])[:5])
        raise AnnotationsError(
            f"{what}: holds the value {found}; labels are 0 background, 1 curve one and 2 curve two"
        )


def _is_plain(name: str) -> bool:
    """Whether a name is that of a file in the same folder, on every system, and no hidden one."""
    return bool(name) and not name.startswith(".") and not set(name) & set('/\\:\0<>|?*"')


def _problem(error: ValidationError) -> str:
    """Say the first problem of a file on one line."""
    mistake: Any = error.errors(include_url=False)[0]
    place = " ".join(str(step) for step in mistake["loc"])
    message = mistake["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
