"""A Document as one HTML file: nothing is loaded from elsewhere, no script runs; for screens, phones and print.

In: a Document. Out: the text of the file; equal documents give equal bytes.
"""

from __future__ import annotations

import base64
import re
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
    r"""LaTeX as MathML, which browsers draw without help.

    >>> "total_params" in mathml(r"\\mathrm{total\\_params}^{2}")
    True
    """
    from latex2mathml.converter import convert

    words = _NAME.sub(lambda found: r"\text{" + found.group(1).replace(r"\_", "_") + "}", latex)
    return str(convert(words, display="block"))


def data_url(picture: Raster) -> str:
    """The bytes of a picture as an address that needs no other file."""
    kind = "png" if picture.data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture.data).decode()}"
