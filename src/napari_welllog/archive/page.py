"""The table of many scans as one page that any browser opens: what was not read first, then the doubtful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from napari_welllog.archive.record import Figures, Record, coverage, rows_of
from napari_welllog.archive.table import calibration_words, depth_range, notes
from napari_welllog.archive.thumbnail import CUT_WIDTH, HEIGHT
from napari_welllog.overlay import BRIDGED_COLOURS, CURVE_COLOURS
from napari_welllog.report import CurveReport

_STYLE = f"""
:root {{ --one: {CURVE_COLOURS[1]}; --one-pale: {BRIDGED_COLOURS[1]}; --two: {CURVE_COLOURS[2]};
  --two-pale: {BRIDGED_COLOURS[2]}; --line: #d5dcdc; --quiet: #5c6b6c; }}
body {{ font: 15px/1.45 system-ui, sans-serif; color: #1c2526; margin: 2rem auto; max-width: 1180px; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin: 0; }} h2 {{ font-size: 1.15rem; margin: 2.2rem 0 .6rem; }}
p {{ margin: .35rem 0; }} .quiet {{ color: var(--quiet); }} .small {{ font-size: .87rem; }}
table {{ border-collapse: collapse; }} td, th {{ text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; }}
.unread {{ width: 100%; }} .unread td {{ border-top: 1px solid var(--line); }}
.unread td:first-child {{ white-space: nowrap; font-weight: 600; }}
article {{ display: grid; grid-template-columns: minmax(0, {CUT_WIDTH + 60}px) minmax(0, 1fr); gap: 1.4rem;
  border-top: 1px solid var(--line); padding: 1rem 0; }}
article img {{ max-width: 100%; height: {HEIGHT}px; object-fit: contain; object-position: left top; }}
article h3 {{ margin: 0 0 .1rem; font-size: 1.02rem; overflow-wrap: anywhere; }}
article table {{ margin: .5rem 0; font-variant-numeric: tabular-nums; }}
article th {{ font-weight: 500; color: var(--quiet); }}
article th, article td {{ padding: .12rem 1rem .12rem 0; }} td.n, th.n {{ text-align: right; }}
.bar {{ display: inline-flex; width: 110px; height: .7rem; background: #eceff0; vertical-align: -1px; }}
.c1 {{ background: var(--one); }} .c1.b {{ background: var(--one-pale); }}
.c2 {{ background: var(--two); }} .c2.b {{ background: var(--two-pale); }}
ul {{ margin: .3rem 0; padding-left: 1.1rem; }} nav button {{ font: inherit; margin-right: .4rem; }}
@media (max-width: 760px) {{ article {{ grid-template-columns: 1fr; }} }}
"""

_SCRIPT = """
for (const button of document.querySelectorAll("nav button")) button.onclick = () => {
  const read = document.getElementById("read"), key = button.dataset.by;
  const value = a => key === "scan" ? a.dataset.scan : Number(a.dataset[key]);
  const sorted = [...read.children].sort((a, b) => value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
  read.append(...sorted);
};
"""


def to_page(records: Mapping[Path, Record], out: Path, waiting: int = 0) -> str:
    """Lay out what came of every scan as HTML that needs no other file but the thumbnails.

    Parameters
    ----------
    records : mapping
        By folder of results.
    out : Path
        Folder of all results, where the page is to lie.
    waiting : int
        Scans that have not been read yet.

    Examples
    --------
    >>> "No scan was read." in to_page({}, Path("results"))
    True
    """
    unread = [(folder, record) for folder, record in records.items() if record.figures is None]
    read = [(folder, record.figures, record) for folder, record in records.items() if record.figures]
    unread.sort(key=lambda item: (item[1].outcome == "failed", item[1].scan.path))
    read.sort(key=lambda item: (item[1].coverage, item[2].scan.path))
    root = _common_folder([record.scan.path for record in records.values()])
    title = f"{out.name}: {len(read)} scans read" if read else f"{out.name}: no scan read"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(out.name)}</h1>",
        f"<p>{_summary(records, waiting)}</p>",
        f'<p class="quiet small">Scans in {escape(root)}. The same figures for a spreadsheet: '
        '<a href="scans.csv">scans.csv</a>.</p>',
        *_unread_section(unread, root),
        *_read_section(read, out, root),
        f"<script>{_SCRIPT}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _summary(records: Mapping[Path, Record], waiting: int) -> str:
    """Count what came of the scans."""
    count = {
        outcome: sum(record.outcome == outcome for record in records.values())
        for outcome in ("read", "refused", "failed")
    }
    words = [f"{_scans(count['read'])} read." if count["read"] else "No scan was read."]
    words += [f"{_scans(count['refused'])} refused."] if count["refused"] else []
    words += [f"{_scans(count['failed'])} not read for a failure of the machine."] if count["failed"] else []
    words += [f"{_scans(waiting)} not done yet."] if waiting else []
    return " ".join(words)


def _scans(count: int) -> str:
    """A number of scans, with the verb.

    Examples
    --------
    >>> _scans(1), _scans(1200)
    ('1 scan was', '1,200 scans were')
    """
    return "1 scan was" if count == 1 else f"{count:,} scans were"


def _common_folder(paths: Sequence[str]) -> str:
    """The folder that all scans are in or below."""
    parts = [Path(path).parent.parts for path in paths]
    common = []
    for names in zip(*parts, strict=False):
        if len(set(names)) > 1:
            break
        common.append(names[0])
    return str(Path(*common)) if common else ""


def _short(path: str, root: str) -> str:
    """A scan's path below the common folder."""
    return Path(path).relative_to(root).as_posix() if root else path


def _unread_section(unread: Sequence[tuple[Path, Record]], root: str) -> list[str]:
    """The scans that were not read, each with its reason."""
    if not unread:
        return []
    lines = ["<h2>Not read</h2>", '<table class="unread">']
    for _, record in unread:
        failed = record.outcome == "failed"
        later = ' <span class="quiet">It is tried again by the next run.</span>' if failed else ""
        name = escape(_short(record.scan.path, root))
        lines.append(f"<tr><td>{name}</td><td>{escape(record.reason)}{later}</td></tr>")
    return [*lines, "</table>"]


def _read_section(read: Sequence[tuple[Path, Figures, Record]], out: Path, root: str) -> list[str]:
    """The scans that were read, those with most missing first."""
    if not read:
        return []
    return [
        "<h2>Read, the least complete first</h2>",
        '<p class="quiet small">Bars show the rows of each curve: <b>traced</b> dark, <b>bridged</b> pale, '
        "<b>missing</b> empty. Beside the whole log, framed, is the place most worth a look: the end of the longest "
        "gap, else a crossing. A curve that leaves its track is missing there.</p>",
        '<nav>Sort by <button data-by="coverage">completeness</button>'
        '<button data-by="confidence">confidence</button><button data-by="scan">name</button></nav>',
        '<div id="read">',
        *(_article(folder, figures, record, out, root) for folder, figures, record in read),
        "</div>",
    ]


def _article(folder: Path, figures: Figures, record: Record, out: Path, root: str) -> str:
    """One scan that was read: its thumbnail, where everything is, and its curves."""
    name = escape(_short(record.scan.path, root))
    link = {
        file.removeprefix(Path(record.scan.path).stem): _link(folder / file, out) for file in record.files
    }
    sure = min((curve.mean_confidence or 0.0 for curve in figures.curves), default=0.0)
    picture = f'<img loading="lazy" src="{link["_thumbnail.png"]}" alt="the curves over the scan">'
    files = " · ".join(
        f'<a href="{link[ending]}">{words}</a>'
        for ending, words in (
            (".las", "LAS"),
            (".csv", "CSV"),
            ("_overlay.png", "overlay"),
            ("_report.json", "report"),
        )
    )
    unit, first, last = depth_range(figures)
    depths = f"rows {first} to {last}" if unit == "row" else f"{first} to {last} {escape(unit)}"
    return "\n".join(
        [
            f'<article data-coverage="{figures.coverage:.4f}" data-confidence="{sure:.4f}" data-scan="{name}">',
            f'<a href="{link["_overlay.png"]}">{picture}</a><div><h3>{name}</h3>',
            f'<p class="small">{files}</p>',
            f'<p class="small">{depths}; calibration {escape(calibration_words(record))}</p>',
            *_curves_table(figures),
            *_list(notes(record)),
            "</div></article>",
        ]
    )


def _link(file: Path, out: Path) -> str:
    """The address of a result on the page."""
    return escape(quote(file.relative_to(out).as_posix()))


def _curves_table(figures: Figures) -> list[str]:
    """How each curve of a scan was read."""
    lines = [
        '<table><tr><th>curve</th><th>rows</th><th class="n">with value</th><th class="n">bridged</th>'
        '<th class="n">confidence</th><th class="n">crossings</th></tr>'
    ]
    for curve in figures.curves:
        rows = max(rows_of(curve), 1)
        sure = "–" if curve.mean_confidence is None else f"{curve.mean_confidence:.2f}"
        name = f'{escape(curve.mnemonic)} <span class="quiet">{escape(curve.unit)}</span>'
        cells = [f"{coverage(curve):.1%}", f"{curve.rows_bridged / rows:.1%}", sure, str(curve.crossings)]
        numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        lines.append(f"<tr><td>{name}</td><td>{_bar(curve, rows)}</td>{numbers}</tr>")
    return [*lines, "</table>"]


def _bar(curve: CurveReport, rows: int) -> str:
    """The shares of a curve's rows as a bar."""
    traced = 100 * (curve.rows_traced + curve.rows_edited) / rows
    bridged = 100 * curve.rows_bridged / rows
    kind = f"c{curve.curve_class}"
    return (
        f'<span class="bar"><span class="{kind}" style="width:{traced:.1f}%"></span>'
        f'<span class="{kind} b" style="width:{bridged:.1f}%"></span></span>'
    )


def _list(items: Sequence[str]) -> list[str]:
    """Notes as a list."""
    if not items:
        return []
    return ['<ul class="small">', *(f"<li>{escape(item)}</li>" for item in items), "</ul>"]
