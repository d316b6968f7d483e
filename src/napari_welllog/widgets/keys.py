"""Every key that our widgets bind, in one table: the bindings, the tooltips and the docs are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Layer


@dataclass(frozen=True)
class Key:
    """A key and what it does.

    Parameters
    ----------
    key : the key as napari writes it, such as "Shift-N".
    widget : the widget that binds it.
    does : what it does, for a tooltip.
    """

    key: str
    widget: str
    does: str


KEYS: dict[str, Key] = {
    "next doubtful": Key("N", "Curves", "go to the next doubtful stretch"),
    "previous doubtful": Key("Shift-N", "Curves", "go to the previous doubtful stretch"),
    "undo edit": Key("Control-Z", "Curves", "undo the last edit of a curve"),
    "redo edit": Key("Control-Shift-Z", "Curves", "make the edit again that was undone"),
    "next crossing": Key("J", "Crossings", "go to the next crossing"),
    "previous crossing": Key("Shift-J", "Crossings", "go to the previous crossing"),
    "scan line down": Key("Down", "Crossings", "move the scan line a row down"),
    "scan line up": Key("Up", "Crossings", "move the scan line a row up"),
    "scan line far down": Key("Shift-Down", "Crossings", "move the scan line ten rows down"),
    "scan line far up": Key("Shift-Up", "Crossings", "move the scan line ten rows up"),
    "play": Key("K", "Crossings", "let the scan line run down by itself, and stop it"),
    "before and after": Key("U", "Train", "show the classes before training, and after it again"),
    "background": Key("0", "Annotate", "paint background, which rubs out"),
    "curve one": Key("1", "Annotate", "paint curve one"),
    "curve two": Key("2", "Annotate", "paint curve two"),
    "ink brush": Key("I", "Annotate", "take the ink brush"),
    "strand": Key("S", "Annotate", "give whole strands to a class, by clicks"),
    "swap": Key("W", "Annotate", "swap the two curves within a box"),
    "next suggestion": Key("G", "Annotate", "go to the next window where the network is least sure"),
    "undo calibration": Key("Control-Z", "Calibrate", "undo the last change of the calibration"),
    "redo calibration": Key("Control-Shift-Z", "Calibrate", "redo what was undone"),
}
"""By the name under which a widget binds it."""


def bind(where: Viewer | ViewerModel | Layer, actions: Mapping[str, Callable[[], Any]]) -> Callable[[], None]:
    """Bind the named keys of the table in a viewer, or while a layer is selected; returns what unbinds them."""
    for name, act in actions.items():
        where.bind_key(KEYS[name].key, lambda _, act=act: act(), overwrite=True)

    def unbind() -> None:
        for name in actions:
            where.bind_key(KEYS[name].key, None, overwrite=True)

    return unbind


def with_key(text: str, name: str) -> str:
    """A tooltip with its key.

    Examples
    --------
    >>> with_key("Go on", "next doubtful")
    'Go on (N)'
    """
    return f"{text} ({KEYS[name].key})"
