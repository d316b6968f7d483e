"""The settings of the plugin, which people change in napari's preferences."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLUGIN = "napari-welllog"


@dataclass(frozen=True)
class SegmentSettings:
    """What the preferences say of segmenting.

    Parameters
    ----------
    device : auto, cpu, cuda or mps.
    tile_megapixels : size of a tile; None leaves it to the engine.
    model_folder : folder of the user's own networks; None until one was chosen.
    """

    device: str = "auto"
    tile_megapixels: float | None = None
    model_folder: Path | None = None


@dataclass(frozen=True)
class AnnotateSettings:
    """What the preferences say of annotating.

    Parameters
    ----------
    folder : folder of the annotations; None until one was chosen.
    annotator : who annotates.
    """

    folder: Path | None = None
    annotator: str = ""


def segment_settings() -> SegmentSettings:
    """Read the settings; the defaults where napari does not know the plugin."""
    stored = _stored("segment")
    if stored is None:
        return SegmentSettings()
    return SegmentSettings(
        stored.device,
        stored.tile_megapixels or None,
        Path(stored.model_folder) if stored.model_folder else None,
    )


def remember_model_folder(folder: Path) -> None:
    """Remember where the user's own networks are, for the next time."""
    stored = _stored("segment")
    if stored is not None:
        # What cannot be stored, as in a read-only home, is not worth a word.
        with suppress(OSError):
            stored.model_folder = str(folder)


def annotate_settings() -> AnnotateSettings:
    """Read the settings; the defaults where napari does not know the plugin."""
    stored = _stored("annotate")
    if stored is None:
        return AnnotateSettings()
    return AnnotateSettings(Path(stored.folder) if stored.folder else None, stored.annotator)


def remember_annotations(folder: Path, annotator: str) -> None:
    """Remember where the annotations are and who makes them, for the next time."""
    stored = _stored("annotate")
    if stored is not None:
        # What cannot be stored, as in a read-only home, is not worth a word.
        with suppress(OSError):
            stored.folder, stored.annotator = str(folder), annotator


def _stored(section: str) -> Any | None:
    """The stored settings of a section of the manifest's configurations."""
    from napari.settings import get_plugin_settings

    with suppress(KeyError, AttributeError):
        return getattr(get_plugin_settings(PLUGIN), section)
    return None
