"""A Document as one HTML file: nothing is loaded from elsewhere, no script runs; for screens, phones and print.

In: a Document. Out: the text of the file; equal documents give equal bytes.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from importlib import resources

from gpproxy import __version__
from gpproxy.report.document import Document, Raster

#: Name of the file in a run folder.
REPORT = "report.html"


def render(document: Document) -> str:
    """The text of the file."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["markup"] = lambda text: Markup(text)
    made.filters["data_url"] = data_url
    template = made.from_string(resources.files("gpproxy.report").joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(document=document, version=__version__)


def fragment(mathml: str, text: str, sentences: Sequence[str] = ()) -> str:
    """A formula, as MathML and as text, and some sentences as a piece of HTML, for a notebook."""
    told = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)
    return f"<div>{mathml}</div><pre>{html.escape(text)}</pre>{told}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of plain text as a piece of HTML, for a notebook."""
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table><tr>{top}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def data_url(picture: Raster) -> str:
    """The bytes of a picture as an address that needs no other file."""
    kind = "png" if picture.data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture.data).decode()}"
