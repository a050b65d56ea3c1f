"""The HTML page of a report.

All text is escaped, figures are embedded, and a policy forbids everything else.

With the Content-Security-Policy the browser runs and applies only the script and the style of the page, identified by
their SHA-256, shows embedded images only, and fetches nothing.
"""

import base64
import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any, TypeAlias

from dropout_cli.core.text import escape_control_chars, significant


@dataclass(frozen=True)
class HtmlTable:
    """A sortable table."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class DetailedCell:
    """A value of a table with a second, smaller line below it.

    Attributes:
        text: The first line.
        detail: The second line; an empty text is left out.
        value: The number by which rows are sorted; None: the first line.
    """

    text: str
    detail: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Figure:
    """An SVG with its description and its caption.

    Attributes:
        svg: The bytes of the image.
        alternative: The description, for readers who cannot see the image.
        caption: The text below the image.
    """

    svg: bytes
    alternative: str
    caption: str


@dataclass(frozen=True)
class Code:
    """Commands or the content of a file."""

    text: str


@dataclass(frozen=True)
class GalleryImage:
    """A small image of a gallery.

    Attributes:
        png: The bytes of the image.
        alternative: The description, for readers who cannot see the image.
        caption: The first line below the image.
        detail: The second, smaller line.
    """

    png: bytes
    alternative: str
    caption: str
    detail: str


@dataclass(frozen=True)
class Gallery:
    """Small images in rows, with a caption above."""

    caption: str
    images: Sequence[GalleryImage]


@dataclass(frozen=True)
class Details:
    """Parts that the reader unfolds."""

    summary: str
    parts: "Sequence[SectionPart]"


SectionPart: TypeAlias = str | HtmlTable | Figure | Code | Gallery | Details
"""A part of a section; a string is a paragraph."""


@dataclass(frozen=True)
class Section:
    """A heading with the parts below it; a section without parts is not shown."""

    heading: str
    parts: Sequence[SectionPart]


def render_page(title: str, question: str, answer: str, sections: Iterable[Section]) -> bytes:
    """Return the page in UTF-8; equal contents give equal bytes.

    Args:
        title: Title and first heading.
        question: The question that the page answers.
        answer: The answer in a sentence.
        sections: The sections, in order.
    """
    shown = [section for section in sections if section.parts]
    style, script = (files("dropout_cli.report").joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    # Hashes instead of 'unsafe-inline': text from an untrusted run cannot add a script even if escaping failed.
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_source(style)}; script-src {_source(script)}"
    )
    body = [
        f"<h1>{escape_html(title)}</h1>",
        f"<p>{escape_html(question)}</p>",
        f'<p class="answer">{escape_html(answer)}</p>',
        '<nav aria-label="Contents"><ul>',
        *(f'<li><a href="#s{place}">{escape_html(section.heading)}</a></li>' for place, section in enumerate(shown)),
        "</ul></nav>",
    ]
    for place, section in enumerate(shown):
        body += [
            f'<section id="s{place}"><h2>{escape_html(section.heading)}</h2>',
            *_parts(section.parts, str(place)),
            "</section>",
        ]
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape_html(title)}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        "<main>",
        *body,
        "</main>",
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def escape_html(value: object) -> str:
    """Return the text escaped for HTML, with control characters written as escapes."""
    return escape(escape_control_chars(str(value)))


def _source(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _parts(parts: Sequence[SectionPart], number: str) -> Iterator[str]:
    for place, part in enumerate(parts):
        is_figure = isinstance(part, Figure)
        if is_figure and not (place and isinstance(parts[place - 1], Figure)):
            yield '<div class="figures">'
        if isinstance(part, HtmlTable):
            yield from _table(part, f"t{number}-{place}")
        elif isinstance(part, Gallery):
            yield from _gallery(part)
        elif isinstance(part, Details):
            yield f"<details><summary>{escape_html(part.summary)}</summary>"
            yield from _parts(part.parts, f"{number}-{place}")
            yield "</details>"
        elif isinstance(part, Figure):
            source = f"data:image/svg+xml;base64,{base64.b64encode(part.svg).decode()}"
            yield f'<figure><img alt="{escape_html(part.alternative)}" src="{source}">'
            yield f"<figcaption>{escape_html(part.caption)}</figcaption></figure>"
        elif isinstance(part, Code):
            lines = "\n".join(escape_html(line) for line in part.text.rstrip("\n").split("\n"))
            yield f'<pre tabindex="0"><code>{lines}</code></pre>'
        else:
            yield f"<p>{escape_html(part)}</p>"
        if is_figure and not (place + 1 < len(parts) and isinstance(parts[place + 1], Figure)):
            yield "</div>"


def _gallery(gallery: Gallery) -> Iterator[str]:
    yield f'<p class="quiet">{escape_html(gallery.caption)}</p><ul class="gallery">'
    for image in gallery.images:
        source = f"data:image/png;base64,{base64.b64encode(image.png).decode()}"
        yield f'<li><img alt="{escape_html(image.alternative)}" src="{source}">'
        yield f"<span>{escape_html(image.caption)}</span><small>{escape_html(image.detail)}</small></li>"
    yield "</ul>"


def _table(table: HtmlTable, name: str) -> Iterator[str]:
    columns = list(zip(*table.rows, strict=True)) if table.rows else [()] * len(table.headers)
    numeric = [all(_is_number(cell) or cell in ("", None) for cell in column) for column in columns]
    kinds = [' class="number"' if flag and column else "" for flag, column in zip(numeric, columns, strict=True)]
    yield f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}">'
    yield f'<table><caption id="{name}">{escape_html(table.caption)}</caption><thead><tr>'
    heads = zip(table.headers, kinds, strict=True)
    yield "".join(
        f'<th scope="col"{kind}><button type="button">{escape_html(head)}</button></th>' for head, kind in heads
    )
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield f"<tr>{''.join(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True))}</tr>"
    yield "</tbody></table></div>"


def _cell(cell: Any, kind: str) -> str:
    if isinstance(cell, DetailedCell):
        value = "" if cell.value is None or math.isnan(cell.value) else f' data-value="{cell.value!r}"'
        detail = f"<small>{escape_html(cell.detail)}</small>" if cell.detail else ""
        return f"<td{kind}{value}>{escape_html(cell.text)}{detail}</td>"
    if _is_number(cell):
        return f'<td{kind} data-value="{cell!r}">{escape_html(_short(cell))}</td>'
    return f"<td{kind}>{'' if cell is None else escape_html(cell)}</td>"


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _short(cell: float) -> str:
    if isinstance(cell, int):
        return f"{cell:,}"
    return "" if math.isnan(cell) else significant(cell)
