"""How large what is opened may be: settings, so that neither a hostile nor a damaged file takes all memory.

Each limit is an environment variable, because the command line, napari and the workers of a cluster all read
those. It is looked up when something is opened, so it can be set while the program runs.

| variable | usual limit | what it limits |
|---|---:|---|
| `WELLLOG_MAX_MEGAPIXELS` | 4000 | pixels of a scan, all its pages joined, in millions |
| `WELLLOG_MAX_MEMORY_GB` | none | memory that opening a scan may take, in GB, beside 90 % of what is free |
| `WELLLOG_MAX_PAGES` | 2000 | pages of a TIFF or PDF |
| `WELLLOG_MAX_JSON_MB` | 32 | size of a tracks.json, an edits.json or the manifest of a window, in MB |
| `WELLLOG_MAX_WEIGHTS_MB` | 512 | size of a network's weights, in MB |
| `WELLLOG_MAX_SAMPLES` | 5000000 | samples of each log curve in a LAS or CSV file |
"""

from __future__ import annotations

import errno
import math
import os
import stat
from dataclasses import dataclass

from napari_welllog.errors import SettingsError

_MEGABYTE = 1e6


@dataclass(frozen=True)
class Limit:
    """A limit on a size, which an environment variable sets.

    Parameters
    ----------
    variable : str
        The environment variable.
    usual : float
        The limit where it is not set.

    Examples
    --------
    >>> pages = Limit("WELLLOG_MAX_PAGES", 2000)
    >>> pages.value(), pages.remedy
    (2000, 'set WELLLOG_MAX_PAGES higher')
    """

    variable: str
    usual: float

    def value(self) -> float:
        """The limit that holds now.

        Raises
        ------
        SettingsError
            The variable holds no number above 0.
        """
        text = os.environ.get(self.variable, "").strip()
        if not text:
            return self.usual
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not number > 0:
            raise SettingsError(f"{self.variable} is {text!r}; set it to a number above 0, or unset it")
        return number

    @property
    def remedy(self) -> str:
        """What to do where it is in the way, as the end of a message."""
        return f"set {self.variable} higher"


MEGAPIXELS = Limit("WELLLOG_MAX_MEGAPIXELS", 4_000)
"""Millions of pixels of a scan: usually seven times a log of 241,008 x 2,400 pixels."""

MEMORY_GB = Limit("WELLLOG_MAX_MEMORY_GB", math.inf)
"""Gigabytes of memory that opening a scan may take."""

PAGES = Limit("WELLLOG_MAX_PAGES", 2_000)
"""Pages of a file."""

JSON_MB = Limit("WELLLOG_MAX_JSON_MB", 32)
"""Megabytes of a JSON file; the edits of a long log take less than one."""

WEIGHTS_MB = Limit("WELLLOG_MAX_WEIGHTS_MB", 512)
"""Megabytes of a network's weights; those that ship take four."""

SAMPLES = Limit("WELLLOG_MAX_SAMPLES", 5_000_000)
"""Samples of a log curve: usually five times those of a hole of 10 km at every centimetre."""


def read_small_file(path: str | os.PathLike[str], limit: Limit) -> bytes:
    """Read a whole file, unless it is too large, or no ordinary file and might never end.

    Parameters
    ----------
    path : path
        The file.
    limit : Limit
        How large it may be, in megabytes.

    Raises
    ------
    OSError
        It cannot be read; its `strerror` says why, in words for the user.
    SettingsError
        The limit is set to no number.

    Examples
    --------
    >>> file = getfixture("tmp_path") / "tracks.json"
    >>> _ = file.write_bytes(b"{}")
    >>> read_small_file(file, JSON_MB)
    b'{}'
    """
    most = int(min(limit.value() * _MEGABYTE, 2**62))
    # Not to wait for somebody who writes into a pipe.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except ValueError as error:  # a name that no file can have
        raise OSError(errno.EINVAL, "no file can have this name") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    with open(descriptor, "rb") as file:
        content = file.read(most + 1) if status.st_size <= most else b""
    if status.st_size > most or len(content) > most:
        size = max(status.st_size, len(content)) / _MEGABYTE
        raise OSError(
            errno.EFBIG,
            f"it has {size:,.1f} MB, over the limit of {most / _MEGABYTE:,g} MB; "
            f"if that is right, {limit.remedy}",
        )
    return content


def read_small_text(path: str | os.PathLike[str], limit: Limit = JSON_MB) -> str:
    """Read a text file in UTF-8, with or without a byte order mark, as `read_small_file` reads any.

    Raises
    ------
    OSError, SettingsError
        As `read_small_file`.
    UnicodeDecodeError
        It is not text in UTF-8.

    Examples
    --------
    >>> file = getfixture("tmp_path") / "tracks.json"
    >>> _ = file.write_text("{}", encoding="utf-8-sig")
    >>> read_small_text(file)
    '{}'
    """
    return read_small_file(path, limit).decode("utf-8-sig")
