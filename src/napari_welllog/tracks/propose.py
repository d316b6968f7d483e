"""Find tracks by themselves: the printed grid gives away their edges, their top and their bottom.

The vertical lines of a log's grid run on for its whole length while everything else on the page comes and
goes, and the horizontal ones stop at the tracks' edges. So the scan is cut into bands of rows; each band is
summed along its rows, which leaves a profile with a spike at every vertical line, however broken; and the
longest run of bands whose profiles agree is the log. Profiles are shifted onto each other, which measures the
skew of the page.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_welllog.errors import TracksError
from napari_welllog.tracks.bands import NO_TRACK, SATURATION, Bands, Log, find_log
from napari_welllog.tracks.by_header import as_ruled, distinct_from, is_alike, other_layouts, split_at_header
from napari_welllog.tracks.calibration import Curve, DepthAxis, Track, Tracks, piecewise_linear
from napari_welllog.tracks.grid_spans import find_lines, find_spans
from napari_welllog.tracks.header_alone import HeaderTracks, tracks_under_header
from napari_welllog.tracks.ruled_spans import PAPER_WIDTH

Edge = float | list[tuple[float, float]]
Span = tuple[float, float]
FloatArray = NDArray[np.float64]

_SMALLEST_SCAN = (64, 32)
_SHORT_LOG = 0.45  # of the scan's rows: what is shorter may be but a header
_LONGER = 2.0  # times as long is the log below a header
_FAR_OFF = 0.25  # inches between an edge of the grid and that of the header
_FEW_LINES = 2  # from which the lines inside tracks tell where the log ends


def propose_tracks(pixels: NDArray[np.uint8]) -> Tracks:
    """Propose the tracks of a scan from its printed grid.

    Each track gets two curves whose values are fractions of the track's width, 0 at its left edge and 1 at
    its right; depth is the scan's row. A person who knows the printed scales and depths fills them in.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan, 0 ink and 255 paper.

    Returns
    -------
    Tracks
        Edges are single columns on a straight page and points joined by straight lines on a skewed one.

    Raises
    ------
    TracksError
        If nothing on the scan looks like the grid of a log.

    Notes
    -----
    Two tracks side by side on one unbroken grid are told apart by a line between their scales in the header;
    without one they are proposed as a single track. Where the grid has worn away the rules under the scales of
    the header say how far a track goes.

    Examples
    --------
    >>> import numpy as np
    >>> scan = np.full((600, 300), 255, np.uint8)
    >>> scan[100:, 20:221:20] = 0
    >>> scan[100::25, 20:221] = 0
    >>> track = propose_tracks(scan).tracks[0]
    >>> track.left, track.right, track.top, track.bottom
    (20.0, 220.0, 100.0, 599.0)
    """
    return propose_layouts(pixels)[0]


def propose_layouts(pixels: NDArray[np.uint8]) -> list[Tracks]:
    """Propose several ways to part one log into tracks: by its grid, by the rules of its header, by both.

    Where paper has worn the two contradict each other. Whoever reads the header can tell which of them is right:
    under a wrong one the values at the edges of a track are missing, or are those of another.

    Parameters
    ----------
    pixels : uint8 (rows, columns)
        The scan, 0 ink and 255 paper.

    Returns
    -------
    list of Tracks
        The likeliest first: it is what `propose_tracks` gives.

    Raises
    ------
    TracksError
        If nothing on the scan looks like the grid of a log.

    Examples
    --------
    >>> import numpy as np
    >>> scan = np.full((600, 300), 255, np.uint8)
    >>> scan[100:, 20:221:20] = 0
    >>> scan[100::25, 20:221] = 0
    >>> [len(layout.tracks) for layout in propose_layouts(scan)]
    [1]
    """
    rows, columns = pixels.shape
    if rows < _SMALLEST_SCAN[0] or columns < _SMALLEST_SCAN[1]:
        raise TracksError(NO_TRACK)
    try:
        layouts = _by_grid(pixels)
    except TracksError:
        layouts = []
    length = layouts[0].tracks[0].bottom - layouts[0].tracks[0].top if layouts else 0.0
    if length > _SHORT_LOG * rows:
        return layouts
    header = tracks_under_header(pixels)
    if header is not None and header.bottom - header.top > _LONGER * length:
        # Of the grid little or nothing is left: what seems to be one is the frame of the header.
        return [_under_header(header, pixels.shape), *layouts]
    if not layouts:
        raise TracksError(NO_TRACK)
    return layouts


def _by_grid(pixels: NDArray[np.uint8]) -> list[Tracks]:
    """Ways to part the log that the grid shows, the likeliest first."""
    log = find_log(Bands.of(pixels))
    lines = find_lines(log)
    spans = [
        part for span in find_spans(pixels, log, lines) for part in split_at_header(pixels, log, lines, span)
    ]
    ends = _find_ends(pixels, log, lines, spans)
    likeliest = as_ruled(pixels, log, lines, spans, ends[0])
    if not likeliest:
        raise TracksError(NO_TRACK)
    others = other_layouts(pixels, log, lines, spans, likeliest, ends[0])
    header = tracks_under_header(pixels, ends[0])
    if header is not None:
        moved = float(log.shift_at(np.array([header.top]))[0])
        ruled = [(left - moved, right - moved) for left, right in header.spans]
        if is_alike(likeliest, ruled, _FAR_OFF * pixels.shape[1] / PAPER_WIDTH) or len(ruled) != len(
            likeliest
        ):
            others = [ruled, *others]
        else:
            # Where both show as many tracks in quite other places, it is the grid that has worn.
            likeliest, others = ruled, [likeliest, *others]
    others = distinct_from(likeliest, others)
    return [_tracks(log, lines, layout, ends, pixels.shape) for layout in (likeliest, *others)]


def _under_header(header: HeaderTracks, shape: tuple[int, ...]) -> Tracks:
    """Tracks under a header, which lean as its rules do."""
    columns = shape[1]
    ends = header.top, header.bottom

    def edge(column: float) -> Edge:
        """An edge at the top of the log, followed down to its bottom."""
        at = [float(np.clip(round(column + header.moved(row), 1), -0.5, columns - 0.5)) for row in ends]
        return at[0] if abs(at[1] - at[0]) < 1 else list(zip(ends, at, strict=True))

    return _with_edges([(edge(left), edge(right)) for left, right in header.spans], ends, shape)


def _tracks(
    log: Log, lines: FloatArray, spans: list[Span], ends: tuple[float, float], shape: tuple[int, ...]
) -> Tracks:
    """Tracks between spans of a log."""
    edges = [
        (_edge(log, left, lines, ends, shape[1]), _edge(log, right, lines, ends, shape[1]))
        for left, right in spans
    ]
    return _with_edges(edges, ends, shape)


def _with_edges(edges: list[tuple[Edge, Edge]], ends: tuple[float, float], shape: tuple[int, ...]) -> Tracks:
    """Tracks between edges, whose curves are fractions of their width and whose depths are rows."""
    tracks = [
        Track(
            name=f"track {number}",
            left=left,
            right=right,
            top=ends[0],
            bottom=ends[1],
            curves=[
                Curve(curve_class=kind, mnemonic=f"T{number}C{kind}", unit="fraction", left=0, right=1)
                for kind in (1, 2)
            ],
        )
        for number, (left, right) in enumerate(edges, start=1)
    ]
    last = shape[0] - 1
    return Tracks(depth=DepthAxis(unit="row", anchors=[(0, 0), (last, last)]), tracks=tracks)


def _find_ends(
    pixels: NDArray[np.uint8], log: Log, lines: FloatArray, spans: list[Span]
) -> tuple[float, float]:
    """First and last row of the vertical lines."""
    # The frame of a header goes on above a track's edges, so where there are others these do not count.
    edges = np.array(spans).ravel()
    inner = lines[[bool((np.abs(edges - line) > 1).all()) for line in lines]]
    lines = inner if len(inner) > _FEW_LINES else lines
    margin = 3 * int(np.diff(log.bands.starts).max())
    top, bottom = log.rows
    usual = float(
        np.mean(_line_contrast(pixels, log, lines, np.linspace(top, bottom - 1, 2000).astype(np.intp)))
    )
    rows = np.arange(max(top - margin, 0), min(top + margin, bottom))
    above = np.cumsum(usual / 2 - _line_contrast(pixels, log, lines, rows))
    first = int(rows[above.argmax()]) + 1 if above.max() > 0 else int(rows[0])
    rows = np.arange(max(bottom - margin, top), min(bottom + margin, len(pixels)))[::-1]
    below = np.cumsum(usual / 2 - _line_contrast(pixels, log, lines, rows))
    last = int(rows[below.argmax()]) - 1 if below.max() > 0 else int(rows[0])
    return (float(first), float(last)) if first < last else (float(top), float(bottom - 1))


def _line_contrast(
    pixels: NDArray[np.uint8], log: Log, lines: FloatArray, rows: NDArray[np.intp]
) -> FloatArray:
    """How much darker the vertical lines are than what lies half way between them, by row."""
    from scipy.ndimage import median_filter

    shift = log.shift_at(rows.astype(np.float64))[:, None]

    def darkness(columns: FloatArray) -> FloatArray:
        """Darkest of three pixels around each column."""
        near = np.rint(columns + shift).astype(np.intp)[..., None] + np.arange(-1, 2)
        near = np.clip(near, 0, pixels.shape[1] - 1)
        return np.asarray(1 - pixels[rows[:, None, None], near].min(axis=-1) / 255, np.float64)

    # The median leaves black bars dark but not the level lines, so that the grid's first level line counts.
    between = median_filter(darkness((lines[1:] + lines[:-1]) / 2).mean(axis=1), 15)
    return np.asarray(darkness(lines).mean(axis=1) - between, np.float64)


def _edge(log: Log, column: float, lines: FloatArray, ends: tuple[float, float], columns: int) -> Edge:
    """Edge of a track: a column on a straight page, points joined by straight lines on a skewed one."""
    from skimage.measure import approximate_polygon

    used = slice(log.first, log.last)
    nearest = float(lines[np.abs(lines - column).argmin()])
    places = column + log.shifts[used] + _strays(log, nearest)[used]
    if np.ptp(np.clip(places, -0.5, columns - 0.5)) < 1:
        return round(float(np.clip(np.median(places), -0.5, columns - 0.5)), 1)
    points = np.column_stack([log.bands.centres[used], places])
    points = approximate_polygon(points, tolerance=0.5)  # type: ignore[no-untyped-call]
    band = float(np.diff(log.bands.starts).max())
    rows = np.array([ends[0], *(row for row, _ in points if ends[0] + band < row < ends[1] - band), ends[1]])
    at = np.clip(piecewise_linear(rows, *points.T), -0.5, columns - 0.5)
    return [(round(float(row), 1), round(float(place), 1)) for row, place in zip(rows, at, strict=True)]


def _strays(log: Log, line: float) -> FloatArray:
    """Columns by which one line strays from the skew that all lines share, as paper stretches unevenly."""
    from scipy.ndimage import gaussian_filter1d, median_filter

    reach = log.bands.line_width // 3
    places = line + log.shifts
    around = np.rint(places).astype(np.intp)[:, None] + np.arange(-reach, reach + 1)
    inside = (around >= 0) & (around < log.bands.spikes.shape[1])
    mass = np.where(
        inside, log.bands.spikes[np.arange(len(places))[:, None], np.clip(around, 0, None) * inside], 0
    )
    found = mass.max(axis=1) > 0.3 * SATURATION * min(log.profile.max() / SATURATION, 1.0)
    mass = np.maximum(mass - 0.5 * mass.max(axis=1, keepdims=True), 0)
    bands = np.flatnonzero(
        found & (np.arange(len(places)) >= log.first) & (np.arange(len(places)) < log.last)
    )
    if len(bands) < 3:
        return np.zeros(len(places))
    strays = (mass * around).sum(axis=1)[bands] / mass.sum(axis=1)[bands] - places[bands]
    # Where a curve leans on the line for a while the line is not seen; its median over more bands is.
    strays = gaussian_filter1d(median_filter(strays, 11, mode="nearest"), 2, mode="nearest")
    return np.asarray(np.interp(np.arange(len(places)), bands, strays), np.float64)
