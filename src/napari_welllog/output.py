"""Results reach the disk whole or not at all, and an earlier result stays until a new one is complete."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_welllog.errors import OutputError


@contextmanager
def staged(
    targets: Iterable[str | Path], inputs: Iterable[str | Path | None] = ()
) -> Iterator[dict[Path, Path]]:
    """Give each target a place to be written, and move all of them to their targets at the end.

    The places lie in a temporary folder inside the target's own, so that moving is one step of the file
    system. Missing folders are made. Entering proves that the targets can be written, so enter before the
    long work. If the block raises anything, Ctrl-C included, nothing is left and earlier files of these names
    are as they were.

    Parameters
    ----------
    targets : paths
        The files to be made.
    inputs : paths, optional
        Files that are being read; a target that would replace one of them is refused.

    Yields
    ------
    dict of Path to Path
        For each target, the path to write to.

    Raises
    ------
    OutputError
        If a target cannot be written.

    Examples
    --------
    >>> folder = getfixture("tmp_path") / "results"
    >>> with staged([folder / "a.txt", folder / "b.txt"]) as places:
    ...     for place in places.values():
    ...         _ = place.write_text("done")
    >>> sorted(path.name for path in folder.iterdir())
    ['a.txt', 'b.txt']
    """
    paths = [Path(target) for target in targets]
    for path in paths:
        _refuse_a_bad_target(path, [Path(name) for name in inputs if name is not None])
    made: list[Path] = []
    stages: dict[Path, Path] = {}
    try:
        for folder in dict.fromkeys(path.parent for path in paths):
            stages[folder] = _make_stage(folder, made)
        places = {path: stages[path.parent] / path.name for path in paths}
        yield places
        for path, place in places.items():
            with naming(path):
                _flush(place)
        with _undisturbed():
            _move_into_place(places)
            made.clear()
    finally:
        with _undisturbed():
            for stage in stages.values():
                shutil.rmtree(stage, ignore_errors=True)
            for folder in made:
                with suppress(OSError):
                    folder.rmdir()


def replace_file(target: str | Path, content: bytes) -> None:
    """Write one small file that is rewritten often, whole or not at all.

    Unlike `staged` it leaves, when the process is killed, at most one hidden file, which the next writing takes
    over: hundreds of strokes in an afternoon must not fill a folder with leftovers. One writer at a time.

    Parameters
    ----------
    target : path
        The file to be made or replaced; its folder exists.
    content : bytes
        All of it.

    Raises
    ------
    OutputError
        If it cannot be written; an earlier file of this name is as it was.

    Examples
    --------
    >>> file = getfixture("tmp_path") / "labels.png"
    >>> replace_file(file, b"first")
    >>> replace_file(file, b"second")
    >>> file.read_bytes(), len(list(file.parent.iterdir()))
    (b'second', 1)
    """
    path = Path(target)
    place = path.with_name(f".{path.name}.part")
    try:
        with naming(path):
            place.write_bytes(content)
            _flush(place)
            os.replace(place, path)
    except BaseException:
        with suppress(OSError):  # a half-written file would fill the disk that is full already
            place.unlink(missing_ok=True)
        raise


@contextmanager
def naming(target: str | Path, place: str | Path | None = None) -> Iterator[None]:
    """Name the target, not the temporary place, in any error that writing it raises.

    Parameters
    ----------
    target : path
        The file that the user asked for.
    place : path, optional
        Where it is being written.

    Raises
    ------
    OutputError
        For every OSError inside the block, and in place of an OutputError that speaks of the temporary place.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise OutputError(
            f"{target}: cannot be written ({_one_line(reason)}); make room there or choose another place"
        ) from error
    except OutputError as error:
        if place is None:
            raise
        raise OutputError(str(error).replace(str(place), str(target))) from error


def _refuse_a_bad_target(path: Path, inputs: list[Path]) -> None:
    """Refuse a target that is a folder, or that is one of the inputs."""
    if path.is_dir():
        raise OutputError(
            f"{path}: is a folder, but a file is to be written there; move it or choose another place"
        )
    for source in inputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise OutputError(
                f"{path}: is being read and would be overwritten; choose another place for the result"
            )


def _make_stage(folder: Path, made: list[Path]) -> Path:
    """Make a temporary folder in a folder that is itself made if need be; note new folders, deepest first."""
    try:
        made[:0] = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".welllog-", dir=folder))
    except OSError as error:
        blocking = next((path for path in (folder, *folder.parents) if path.is_file()), None)
        reason = f"{blocking} is a file" if blocking else error.strerror or str(error)
        raise OutputError(f"{folder}: cannot be written to ({reason}); choose another folder") from error


def _flush(place: Path) -> None:
    """See a file safely onto the disk, where a full one shows at the latest."""
    with open(place, "rb+") as file:
        os.fsync(file.fileno())


def _move_into_place(places: dict[Path, Path]) -> None:
    """Move every file to its target, or none: when one cannot be moved, those before it are put back."""
    moved: list[tuple[Path, Path | None]] = []
    try:
        for target, place in places.items():
            with naming(target, place):
                moved.append((target, _keep(target, place)))
                os.replace(place, target)
    except BaseException:
        for target, kept in reversed(moved):
            with suppress(OSError):
                if kept is None:
                    target.unlink(missing_ok=True)
                else:
                    os.replace(kept, target)
        raise


def _keep(target: Path, place: Path) -> Path | None:
    """Keep an earlier file beside the one that is to replace it; None if there is none."""
    if not target.exists():
        return None
    kept = place.with_name(place.name + ".earlier")
    try:
        os.link(target, kept)
    except OSError:  # a file system without hard links
        shutil.copy2(target, kept)
    return kept


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let neither Ctrl-C nor a request to end come between the steps of a short piece of work."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _one_line(text: str) -> str:
    """Text with every run of white space made one blank."""
    return " ".join(text.split())
