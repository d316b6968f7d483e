"""Errors that a user can cause and mend: each message is one line saying what is wrong and what to do."""

from __future__ import annotations

_LONGEST = 1000


class WelllogError(Exception):
    r"""Base of every error whose message is written for the user.

    Parameters
    ----------
    message : str
        What is wrong and what to do. It may quote a file, so it is made one line of printable characters: no file
        shall write to a terminal. One of more than 1,000 characters is cut in its middle.

    Examples
    --------
    >>> print(WelllogError("there is no track named 'a\x1b[2Jb'"))
    there is no track named 'a\x1b[2Jb'
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(_plain_line(str(message)))


def _plain_line(text: str) -> str:
    """Text on one line of printable characters, the middle left out where it is long."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(
            letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line
        )
    if len(line) <= _LONGEST:
        return line
    return f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 + 5 :]}"


class SettingsError(WelllogError):
    """A setting, such as an environment variable, makes no sense."""


class ScanError(WelllogError):
    """The scan cannot be read or used."""


class TracksError(WelllogError):
    """The calibration in a tracks.json cannot be used."""


class OcrError(WelllogError):
    """Printed text cannot be read, because the library for it is not installed."""


class EditsError(WelllogError):
    """The corrections in an edits.json cannot be used."""


class AnnotationsError(WelllogError):
    """A folder of annotated windows, or what is to be added to it, cannot be used."""


class ModelError(WelllogError):
    """The network's weights cannot be found, read or used."""


class LasError(WelllogError):
    """The log curves cannot be written as LAS."""


class ArchiveError(WelllogError):
    """Many scans cannot be read: there are none, or nothing to read them with."""


class OutputError(WelllogError):
    """A result cannot be written."""


class Cancelled(Exception):
    """The user asked a running job to stop."""


_WORDS_OF_MEMORY = (
    "out of memory",
    "not enough memory",
    "can't allocate",
    "cannot allocate",
    "bad allocation",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, of Python or of torch, says that memory ran out.

    Examples
    --------
    >>> is_out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    True
    """
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _WORDS_OF_MEMORY)
