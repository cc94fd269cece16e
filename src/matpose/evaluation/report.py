"""One self-contained HTML page: pictures inside, nothing fetched from anywhere, no scripts."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from matpose import __version__
from matpose.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOOT = "Research use, not a medical device."
_STYLE = Path(__file__).with_name("report.css")


@dataclass(frozen=True)
class Section:
    """A heading with a text, and below it a picture, a table, or both.

    Args:
        heading: a few words.
        text: plain text; blank lines part paragraphs. It is also the picture's description for those
            who cannot see it, unless ``alt`` says more.
        figure: a picture.
        table: one mapping a row; the columns are the keys of all rows, in order of appearance.
        alt: description of the picture.
    """

    heading: str
    text: str = ""
    figure: Figure | None = None
    table: Sequence[Mapping] | None = None
    alt: str | None = None


def write_report(
    path: str | PathLike[str],
    *,
    title: str,
    lead: str,
    facts: Sequence[tuple[str, str]] = (),
    sections: Sequence[Section] = (),
) -> Path:
    """Write the page, whole or not at all.

    Args:
        path: the HTML file.
        title: the page's title.
        lead: one or two sentences with the result.
        facts: (name, value) pairs shown large at the top.
        sections: the rest, in order.

    Returns:
        The path written.

    Raises:
        MatposeError: the file cannot be written there.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     page = write_report(f"{folder}/report.html", title="Night 3", lead="Slept well.").read_text()
        >>> "not a medical device" in page
        True
    """
    body = [f"<header><h1>{escape(title)}</h1><p class=lead>{escape(lead)}</p></header>"]
    if facts:
        items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
        body.append(f"<dl class=facts>{items}</dl>")
    body += [_section(section) for section in sections]
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text('utf-8')}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + f"\n</main>\n<footer>Matpose {__version__}. {FOOT}</footer>\n</body>\n</html>\n"
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(path)


def _section(section: Section) -> str:
    parts = [f"<h2>{escape(section.heading)}</h2>"]
    parts += [f"<p>{escape(part.strip())}</p>" for part in section.text.split("\n\n") if part.strip()]
    if section.figure is not None:
        alt = escape(section.alt or section.text or section.heading, quote=True)
        parts.append(f'<figure><img alt="{alt}" src="{_data_uri(section.figure)}"></figure>')
    if section.table:
        parts.append(_table(section.table))
    return "<section>" + "\n".join(parts) + "</section>"


def _data_uri(figure: Figure) -> str:
    png = BytesIO()
    figure.savefig(png, format="png")
    return f"data:image/png;base64,{b64encode(png.getvalue()).decode()}"


def _table(rows: Sequence[Mapping]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    head = "".join(f'<th scope="col">{escape(str(column))}</th>' for column in columns)
    lines = ["".join(_cell(row.get(column)) for column in columns) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    # a wide table scrolls inside its own box, so that the page never does; the box can be reached by keyboard
    return (
        f'<div class=wide role="region" aria-label="table" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"<td class=number>{value:.4g}</td>" if math.isfinite(value) else "<td class=number>\N{EN DASH}</td>"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"<td class=number>{value:,}</td>"
    return f"<td>{'' if value is None else escape(str(value))}</td>"
