"""A Document as one HTML file: nothing is loaded from elsewhere, no script runs; for screens, phones and print.

In: a Document. Out: the text of the file; equal documents give equal bytes.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from importlib import resources

from gpproxy import __version__
from gpproxy.report.document import Document, Raster

#: Name of the file in a run folder.
REPORT = "report.html"
#: Names in upright letters, which are one word each.
_NAME = re.compile(r"\\(?:mathrm|operatorname\*?)\{((?:[^{}\\]|\\_)*)\}")


def render(document: Document) -> str:
    """The text of the file."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["mathml"] = lambda latex: Markup(mathml(latex))
    made.filters["picture"] = lambda svg: Markup(svg)
    made.filters["data_url"] = data_url
    template = made.from_string(resources.files("gpproxy.report").joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(document=document, version=__version__)


def mathml(latex: str) -> str:
    r"""LaTeX as MathML, which browsers draw without help: one element per term of a sum, so that a long one can wrap.

    >>> mathml(r"\\mathrm{total\\_params}^{2} + 1").count("<math")
    2
    """
    from latex2mathml.converter import convert

    words = _NAME.sub(lambda found: r"\text{" + found.group(1).replace(r"\_", "_") + "}", latex)
    return " ".join(str(convert(term, display="inline")) for term in _terms(_level(words)))


def fragment(latex: str, text: str, sentences: Sequence[str] = ()) -> str:
    """A formula and some sentences as a piece of HTML, for a notebook."""
    told = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)
    return f"<div>{mathml(latex)}</div><pre>{html.escape(text)}</pre>{told}"


def _level(latex: str) -> str:
    """Brackets that grow with what they hold only around fractions and sums: nested ones would swell for nothing."""
    pieces = re.split(r"(\\left[(|]|\\right[)|])", latex)
    open_: list[int] = []
    for place, piece in enumerate(pieces):
        if piece.startswith(r"\left"):
            open_.append(place)
        elif piece.startswith(r"\right") and open_:
            first = open_.pop()
            inside = "".join(pieces[first + 1 : place])
            if not re.search(r"\\(frac|sum|prod|sqrt)", inside):
                pieces[first], pieces[place] = pieces[first][-1], piece[-1]
    return "".join(pieces)


def _terms(latex: str) -> list[str]:
    """A sum split before each sign that stands outside of all brackets."""
    terms, depth, start = [], 0, 0
    for found in re.finditer(r"[({]|[)}]| [+-] ", latex):
        sign = found.group()
        if sign in "({":
            depth += 1
        elif sign in ")}":
            depth -= 1
        elif depth == 0:
            terms.append(latex[start : found.start()])
            start = found.start()
    # An empty group before it keeps a sign the one of a sum, with space on both sides.
    return [term if term[:1] != " " else "{}" + term for term in (*terms, latex[start:])]


def data_url(picture: Raster) -> str:
    """The bytes of a picture as an address that needs no other file."""
    kind = "png" if picture.data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture.data).decode()}"
