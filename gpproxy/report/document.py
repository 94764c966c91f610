"""What a page is made of: titled sections of paragraphs, tables, formulas and figures. Plain data, no markup.

A verb fills them in (`gpproxy.evolve.page`, `gpproxy.search.page`); `gpproxy.report.render` writes the HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

#: What a call-out says: worth using, to be used with care, not worth using, or nothing of that kind.
Tone = Literal["", "good", "care", "bad"]


@dataclass(frozen=True)
class Text:
    """A paragraph; with a tone or a title it stands out."""

    text: str
    tone: Tone = ""
    title: str = ""

    kind = "text"


@dataclass(frozen=True)
class Math:
    """A formula: `mathml` is drawn, `text` is what a program reads, for copying."""

    mathml: str
    text: str

    kind = "math"


@dataclass(frozen=True)
class Code:
    """Lines that can be copied."""

    text: str

    kind = "code"


@dataclass(frozen=True)
class Table:
    """Rows of cells.

    Attributes:
        head: titles of the columns.
        rows: the cells.
        legend: explains every column and abbreviation.
        marked: rows that stand out.
        folded: where it is not empty, the table is closed and opens by a click on these words; print shows it whole.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: str = ""
    marked: Sequence[int] = ()
    folded: str = ""

    kind = "table"


@dataclass(frozen=True)
class Figure:
    """A picture: SVG text made by `gpproxy.pictures`, what it shows in words, and a caption."""

    svg: str
    alt: str
    caption: str = ""

    kind = "figure"


@dataclass(frozen=True)
class Raster:
    """A picture of pixels: the bytes of a PNG or JPEG file, what it shows in words, and a caption."""

    data: bytes
    alt: str
    caption: str = ""

    kind = "raster"


@dataclass(frozen=True)
class Beside:
    """Blocks in columns where the screen is wide enough, else under each other. One inside another is a column."""

    blocks: Sequence[Block]

    kind = "beside"


Block = Text | Math | Code | Table | Figure | Raster | Beside


@dataclass(frozen=True)
class Section:
    """A part of a page. One without blocks is left out."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """A page.

    Attributes:
        title: what it is about, in one line.
        subtitle: where it comes from.
        parts: the sections of one run, or of several by the name of each.
    """

    title: str
    subtitle: str
    parts: Mapping[str, Sequence[Section]] = field(default_factory=dict)
