"""Read JSON that somebody else may have written: small, plain, and without what a reader may take either way."""

from __future__ import annotations

import json
import os
import re

from napari_welllog.limits import read_small_text

_DEEPEST = 50
"""Levels of nesting; what we read has six."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class UnreadableJsonError(Exception):
    """What is wrong with a JSON file and what to do, in words that follow its name."""


def read_json(path: str | os.PathLike[str], otherwise: str, mend: str = "mend it there") -> object:
    """Read a JSON file.

    Parameters
    ----------
    path : path
        The file, in UTF-8.
    otherwise : str
        What to do where there is nothing to mend, such as "give the path of a tracks.json".
    mend : str
        What to do where there is.

    Returns
    -------
    object
        Its value: dicts, lists, strings, numbers, true, false and None.

    Raises
    ------
    UnreadableJsonError
        It cannot be read, is not JSON, gives a key twice, is nested deeper than 50 levels, or holds a number too
        long or half a character.
    SettingsError
        The limit on its size is set to no number.

    Examples
    --------
    >>> file = getfixture("tmp_path") / "tracks.json"
    >>> _ = file.write_text('{"version": 1, "version": 2}')
    >>> read_json(file, "give the path of a tracks.json")
    Traceback (most recent call last):
    napari_welllog.json_file.UnreadableJsonError: the key "version" is given twice in one object; keep one of them
    """
    try:
        text = read_small_text(path)
    except OSError as error:
        raise UnreadableJsonError(f"cannot be read ({error.strerror}); {otherwise}") from None
    except UnicodeDecodeError:
        raise UnreadableJsonError(f"is not JSON: it is not text in UTF-8; {otherwise}") from None
    try:
        data = json.loads(text, object_pairs_hook=_without_twins)
        if _SURROGATE.search(text):
            json.dumps(data, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise UnreadableJsonError(
            f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}; {mend}"
        ) from None
    except UnicodeEncodeError:
        raise UnreadableJsonError(f"holds half a character, written as \\ud800 or the like; {mend}") from None
    except (RecursionError, ValueError):
        data = None
    if (data is None and text.strip() != "null") or _is_too_deep(data):
        raise UnreadableJsonError(
            f"is not JSON that can be read: it is nested too deeply or has a number too long; {mend}"
        )
    return data


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object of a JSON object's pairs, refusing a key given twice."""
    data: dict[str, object] = {}
    for key, value in pairs:
        if key in data:
            name = f" of {json.dumps(data['name'])}" if isinstance(data.get("name"), str) else ""
            raise UnreadableJsonError(
                f"the key {json.dumps(key)}{name} is given twice in one object; keep one of them"
            )
        data[key] = value
    return data


def _is_too_deep(data: object) -> bool:
    """Whether a value is nested so deeply that going through it could overflow the stack."""
    level = [data]
    for _ in range(_DEEPEST):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True
