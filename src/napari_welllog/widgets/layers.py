"""How our layers look in napari: the scan, the three classes and the curves, as napari's LayerData.

Nothing here imports napari. A layer is described as napari's plugins describe it, `(data, settings, kind)`,
so that sample data, the reader, the demo and every widget show the same thing the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_welllog.curves import Trace, TraceState, passages_of
from napari_welllog.overlay import BRIDGED_COLOURS, CURVE_COLOURS, EDITED_COLOURS
from napari_welllog.scan import pyramid
from napari_welllog.tracks import Curve

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import ViewerModel
    from napari.layers import Layer

LayerKind = Literal["image", "labels", "shapes", "vectors", "points"]
LayerData = tuple[Any, dict[str, Any], LayerKind]
"""What napari's plugins hand over: the data, the settings of the layer, and its kind."""

CLASS_NAMES = ("background", "curve one", "curve two")
_CLEAR: dict[int | None, str] = {None: "transparent", 0: "transparent"}

PATH_TOLERANCE = 0.25
"""Pixels by which a drawn path may leave its trace: less than an eye sees, and a fifth of the vertices."""

MOST_PATHS = 400
"""Paths drawn for one trace: napari draws hundreds at once, thousands make it slow."""

_COLOURS = {"traced": CURVE_COLOURS, "bridged": BRIDGED_COLOURS, "edited": EDITED_COLOURS}
_WIDTHS = {"traced": 1.5, "bridged": 1.0, "edited": 2.5}
_NOWHERE = (TraceState.MISSING, TraceState.ERASED)

RESULT = "not a scan"
"""Key of the metadata of an image layer that shows a result, such as class probabilities: it is no scan."""

_PLACE = ("scale", "translate", "units", "axis_labels")
SIGNATURE = "napari-welllog"
_Run = tuple[int, int, TraceState]


def scan_layer(
    pixels: NDArray[np.uint8], name: str = "scan", metadata: Mapping[str, Any] | None = None
) -> LayerData:
    """Show a scan as an image layer that stays quick and keeps thin ink at every zoom.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan, 0 ink and 255 paper.
    name : str
        Name of the layer.
    metadata : mapping, optional
        What other layers and widgets may want to know, such as the tracks.

    Returns
    -------
    LayerData
        `(data, settings, "image")`, a multiscale image when the scan is long.

    Examples
    --------
    >>> import numpy as np
    >>> data, settings, kind = scan_layer(np.full((9000, 600), 255, np.uint8))
    >>> kind, settings["multiscale"], [level.shape for level in data]
    ('image', True, [(9000, 600), (4500, 600), (2250, 600)])
    """
    settings = {
        "name": name,
        "colormap": "gray",
        "contrast_limits": (0, 255),
        "axis_labels": ("row", "column"),
        "metadata": signed(name, metadata),
    }
    return *_scaled(pyramid(pixels), settings), "image"


def label_pyramid(labels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Halve the rows of a class map as often as its scan's, keeping the largest class of each pair.

    Parameters
    ----------
    labels : uint8 (rows, columns)
        Classes 0, 1 and 2.

    Returns
    -------
    list of uint8 arrays
        The class map itself, then every coarser level.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((9000, 5), np.uint8)
    >>> labels[4001, 2] = 2
    >>> [(level.shape, int(level.max())) for level in label_pyramid(labels)]
    [((9000, 5), 2), ((4500, 5), 2), ((2250, 5), 2)]
    """
    # The largest class is the darkest pixel of the negative.
    return [labels, *(~level for level in pyramid(~labels)[1:])]


def paste_labels(
    levels: Sequence[NDArray[np.uint8]],
    rows: tuple[int, int],
    columns: tuple[int, int],
    labels: NDArray[np.uint8],
) -> None:
    """Write the labels of a rectangle into every level of a label pyramid, in place.

    Parameters
    ----------
    levels : sequence of uint8 arrays
        What `label_pyramid` gives.
    rows, columns : (int, int)
        First and last-plus-one of the rectangle.
    labels : uint8 (rows, columns)
        Its classes.

    Examples
    --------
    >>> import numpy as np
    >>> levels = [np.zeros((5, 2), np.uint8), np.zeros((3, 2), np.uint8)]
    >>> paste_labels(levels, (3, 5), (0, 2), np.array([[1, 0], [2, 0]], np.uint8))
    >>> levels[1].tolist()
    [[0, 0], [1, 0], [2, 0]]
    """
    (top, bottom), across = rows, slice(*columns)
    levels[0][top:bottom, across] = labels
    for fine, coarse in pairwise(levels):
        top, bottom = top // 2, -(-bottom // 2)
        first, second = fine[2 * top : 2 * bottom : 2, across], fine[2 * top + 1 : 2 * bottom : 2, across]
        part = coarse[top:bottom, across]
        part[:] = first
        # A last row without a partner stays as it is.
        np.maximum(part[: len(second)], second, out=part[: len(second)])


def probability_layer(
    levels: Sequence[NDArray[np.uint8]], curve_class: int, over: Layer | None = None
) -> LayerData:
    """Show the probabilities of a curve as an image layer in its colour, clear where they are none.

    Parameters
    ----------
    levels : sequence of uint8 (rows, columns)
        The probabilities in 255ths, and every coarser level: `label_pyramid` keeps the likeliest pixels.
    curve_class : int
        1 or 2.
    over : napari Layer, optional
        The scan they were made from, whose place in the world they take.

    Returns
    -------
    LayerData
        `(data, settings, "image")`.
    """
    name = f"probability of {CLASS_NAMES[curve_class]}"
    red, green, blue = (int(CURVE_COLOURS[curve_class][at : at + 2], 16) / 255 for at in (1, 3, 5))
    settings = {
        "name": name,
        "colormap": {"colors": [(red, green, blue, 0.0), (red, green, blue, 1.0)], "name": name},
        "contrast_limits": (0, 255),
        "blending": "translucent",
        "metadata": signed(name, {RESULT: True}),
        **place_of(over),
    }
    return *_scaled(levels, settings), "image"


def class_map_layer(labels: NDArray[np.uint8], name: str = "classes", over: Layer | None = None) -> LayerData:
    """Show a class map as a Labels layer of three classes, the background clear.

    A multiscale Labels layer cannot be painted in: it shows a result.

    Parameters
    ----------
    labels : uint8 (rows, columns)
        Classes 0, 1 and 2.
    name : str
        Name of the layer.
    over : napari Layer, optional
        The scan it was made from, whose place in the world it takes.

    Returns
    -------
    LayerData
        `(data, settings, "labels")`, multiscale when the class map is long.

    Examples
    --------
    >>> import numpy as np
    >>> data, settings, kind = class_map_layer(np.zeros((500, 300), np.uint8))
    >>> kind, data.dtype.name, settings["features"]["class"]
    ('labels', 'uint8', ['background', 'curve one', 'curve two'])
    """
    settings = {
        "name": name,
        "colormap": _CLEAR | CURVE_COLOURS,
        "opacity": 0.6,
        "features": {"index": [0, 1, 2], "class": list(CLASS_NAMES)},
        "metadata": signed(name),
        **place_of(over),
    }
    return *_scaled(label_pyramid(labels), settings), "labels"


def curves_layer(
    traces: Iterable[tuple[Curve, Trace]],
    name: str = "curves",
    over: Layer | None = None,
    metadata: Mapping[str, Any] | None = None,
    longest: int | None = None,
) -> LayerData:
    """Show traces as paths: thin and light where bridged, bright and bold where edited, none where missing.

    A dashed curve is bridged at every dash. When that would make more paths than napari draws quickly, its
    shortest bridges are drawn as part of the line; the features count every row all the same.

    Parameters
    ----------
    traces : pairs of Curve and Trace
        The traces to show, each with the curve that it is.
    name : str
        Name of the layer.
    over : napari Layer, optional
        The scan they were read from, whose place in the world they take.
    metadata : mapping, optional
        What writers and widgets want to know of the layer.
    longest : int, optional
        Rows of a path at most: napari drags a vertex of a short path more quickly.

    Returns
    -------
    LayerData
        `(paths, settings, "shapes")`, each path (vertices, 2) of row and column. The features of a path tell
        its curve, mnemonic, unit, state and mean confidence, and how many rows of the whole curve are traced,
        bridged, missing and edited.

    Examples
    --------
    >>> import numpy as np
    >>> curve = Curve(**{"class": 1, "mnemonic": "GR", "unit": "GAPI", "left": 0, "right": 150})
    >>> state = np.array([1, 1, 1, 2, 2, 0, 1, 1], np.uint8)
    >>> column = np.where(state == 0, np.nan, 40.0)
    >>> trace = Trace(1, 100, column, np.ones(8, np.float32), state)
    >>> paths, settings, kind = curves_layer([(curve, trace)])
    >>> [path.tolist() for path in paths]
    [[[100.0, 40.0], [102.0, 40.0]], [[102.0, 40.0], [104.0, 40.0]], [[106.0, 40.0], [107.0, 40.0]]]
    >>> settings["features"]["state"]
    ['traced', 'bridged', 'traced']
    """
    paths: list[NDArray[np.float64]] = []
    features: dict[str, list[Any]] = {key: [] for key in _FEATURES}
    for curve, trace in traces:
        rows = {state: trace.count(state) for state in TraceState}
        passages = passages_of(trace) if curve.wraps else []
        for run in _in_pieces(_cut(_drawn_runs(trace), passages), longest):
            paths.append(_simplified(_path(trace, run, passages).tobytes()).copy())
            for key, value in _features(curve, trace, run, rows).items():
                features[key].append(value)
    colours = [
        _COLOURS[state][curve_class]
        for state, curve_class in zip(features["state"], features["curve"], strict=True)
    ]
    settings = {
        "name": name,
        "shape_type": "path",
        "opacity": 1.0,
        "edge_width": [_WIDTHS[state] for state in features["state"]] or 1.5,
        "edge_color": colours or "black",
        "face_color": "transparent",
        "features": features,
        "metadata": signed(name, metadata),
        **place_of(over),
    }
    return paths, settings, "shapes"


def show_layer(viewer: Viewer | ViewerModel, layer_data: LayerData) -> Layer:
    """Put a layer into the viewer, in the place of our own layer of that name if there is one.

    A layer that the user made is never replaced, whatever its name: napari then numbers the new one.

    Parameters
    ----------
    viewer : napari Viewer
        Where to show it.
    layer_data : LayerData
        What the functions of this module return.

    Returns
    -------
    Layer
        The layer now shown.
    """
    data, settings, kind = layer_data
    earlier = our_layer(viewer, settings["name"])
    if earlier is None:
        layer: Layer = getattr(viewer, f"add_{kind}")(data, **settings)
        return layer
    index = viewer.layers.index(earlier)
    seen = {"visible": earlier.visible, "opacity": earlier.opacity}
    viewer.layers.remove(earlier)
    layer = getattr(viewer, f"add_{kind}")(data, **{**settings, **seen})
    viewer.layers.move(len(viewer.layers) - 1, index)
    return layer


def our_layer(viewer: Viewer | ViewerModel, name: str) -> Layer | None:
    """Find the layer that we once added under that name, whatever it is called by now."""
    return next((layer for layer in viewer.layers if layer.metadata.get(SIGNATURE) == name), None)


def signature_of(layer: Layer) -> str | None:
    """The name under which we once added a layer; None for a layer that is not ours."""
    name: str | None = layer.metadata.get(SIGNATURE)
    return name


def signed(name: str, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Metadata with our signature, by which our own layers are known from the user's."""
    return {**(metadata or {}), SIGNATURE: name}


def place_of(layer: Layer | None) -> dict[str, Any]:
    """Settings that put a new layer where another one lies."""
    if layer is None:
        return {"axis_labels": ("row", "column")}
    return {key: getattr(layer, key) for key in _PLACE}


def _scaled(levels: Sequence[NDArray[np.uint8]], settings: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Data and settings of a multiscale layer, or of a plain one when there is a single level."""
    if len(levels) == 1:
        return levels[0], {**settings, "multiscale": False}
    return list(levels), {**settings, "multiscale": True}


def _drawn_runs(trace: Trace) -> list[_Run]:
    """Runs of one state to draw as paths, at most about MOST_PATHS of them."""
    runs = _runs(trace.state)
    shortest_bridge = 1
    while len(runs) > MOST_PATHS and shortest_bridge < len(trace.state):
        shortest_bridge *= 2
        runs = _runs(_short_bridges_as_traced(trace.state, runs, shortest_bridge))
    return [run for run in runs if run[2] not in _NOWHERE]


def _cut(runs: Iterable[_Run], places: Sequence[int]) -> list[_Run]:
    """Cut runs before these elements, so that no line is drawn across the track there."""
    pieces: list[_Run] = []
    for first, end, kind in runs:
        edges = [first, *(place for place in places if first < place < end), end]
        pieces += [(start, stop, kind) for start, stop in pairwise(edges)]
    return pieces


def _in_pieces(runs: Iterable[_Run], longest: int | None) -> list[_Run]:
    """Cut runs of traced rows at every so many rows; a piece ends in the row where the next begins.

    The cuts are the same whatever was edited, so that most paths stay as they were drawn.
    """
    pieces: list[_Run] = []
    for first, end, kind in runs:
        while longest is not None and kind == TraceState.TRACED and first // longest < (end - 1) // longest:
            cut = (first // longest + 1) * longest
            pieces.append((first, cut + 1, kind))
            first = cut
        pieces.append((first, end, kind))
    return pieces


@lru_cache(maxsize=4096)
def _simplified(path: bytes) -> NDArray[np.float64]:
    """A path of fewer vertices, from the bytes of all; remembered, because an edit changes few paths of many."""
    from skimage.measure import approximate_polygon  # late: it loads for a second

    vertices = np.frombuffer(path, np.float64).reshape(-1, 2)
    kept = approximate_polygon(vertices, PATH_TOLERANCE)  # type: ignore[no-untyped-call]
    return np.asarray(kept, np.float64)


def _runs(state: NDArray[np.uint8]) -> list[_Run]:
    """Runs of equal state as (first element, one past the last, state)."""
    if len(state) == 0:
        return []
    edges = [0, *(np.flatnonzero(np.diff(state)) + 1).tolist(), len(state)]
    return [(first, last, TraceState(int(state[first]))) for first, last in pairwise(edges)]


def _short_bridges_as_traced(
    state: NDArray[np.uint8], runs: Sequence[_Run], shortest: int
) -> NDArray[np.uint8]:
    """Call every bridge of fewer rows than `shortest` traced."""
    drawn = state.copy()
    for first, last, kind in runs:
        if kind == TraceState.BRIDGED and last - first < shortest:
            drawn[first:last] = TraceState.TRACED
    return drawn


def _path(trace: Trace, run: _Run, passages: Sequence[int] = ()) -> NDArray[np.float64]:
    """Rows and columns of a run; one that was not traced reaches to the rows on both of its sides."""
    first, last, kind = run
    if kind != TraceState.TRACED:
        first = first if first in passages else max(first - 1, 0)
        last = last if last in passages else min(last + 1, len(trace.state))
    path = np.column_stack([trace.rows[first:last], trace.column[first:last]])
    path = path[np.isfinite(path).all(axis=1)]
    return path if len(path) > 1 else path + np.array([[-0.5, 0.0], [0.5, 0.0]])


_FEATURES = (
    "curve",
    "mnemonic",
    "unit",
    "state",
    "mean confidence",
    "rows traced",
    "rows bridged",
    "rows missing",
    "rows edited",
)


def _features(curve: Curve, trace: Trace, run: _Run, rows: Mapping[TraceState, int]) -> dict[str, Any]:
    """What a user may want to know of one path, and of the rows of its whole curve."""
    first, last, kind = run
    values = (
        trace.curve_class,
        curve.mnemonic,
        curve.unit,
        kind.name.lower(),
        round(float(np.mean(trace.confidence[first:last])), 3),
        rows[TraceState.TRACED],
        rows[TraceState.BRIDGED],
        rows[TraceState.MISSING],
        rows[TraceState.EDITED] + rows[TraceState.ERASED],
    )
    return dict(zip(_FEATURES, values, strict=True))
