"""A page stands alone: well-formed, escaped, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from gpproxy.pictures.forest import Bar, forest
from gpproxy.pictures.lines import lines
from gpproxy.pictures.scatter import Dot, scatter
from gpproxy.report.document import Beside, Code, Document, Figure, Math, Raster, Section, Table, Text
from gpproxy.report.render import render

VOID = {"meta", "link", "img", "br"}


class Nesting(HTMLParser):
    """Fails where a tag is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_page(text: str) -> Nesting:
    """What holds for every page: nesting, a text for every picture, no script, no address outside of the file, ids."""
    page = Nesting()
    page.feed(text)
    assert not page.open
    ids = [attrs["id"] for _, attrs in page.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.seen:
        assert tag != "script"
        assert tag != "figure" or attrs.get("aria-label") or "img" in dict(page.seen)
        assert tag != "img" or attrs.get("alt")
        for name in ("src", "href", "xlink:href"):
            assert (attrs.get(name) or "#").startswith(("#", "data:")), attrs
    assert not re.search(r"@import|url\((?!#)", text) and len(text.encode()) < 1_000_000
    return page


def small_page() -> Document:
    bars = [Bar("a < b & c", 0.5, 0.1, 0.8), Bar("nothing", None), Bar("draws", 0.2, colour=1, dots=(0.1, 0.3))]
    dots = [Dot("test", float(i), i**2 + 1.0, (i - 0.5, i + 0.5), (i + 0.9, i + 1.2)) for i in range(6)]
    blocks = [
        Text("<b>plain</b>"), Text("why", "bad", "No <use>"), Code("a && b"), Table(["x"], [["<1>"]], "what x is", [0]),
        Figure(forest(bars, "τ", "f1"), "a forest"), Figure(forest(bars, "τ", "f2"), "another forest"),
        Figure(scatter(dots, "score", "quality", "s"), "a cloud"),
        Figure(lines({"τ": [0.1, None, 0.3], "test": [0.1, 0.2, 0.1]}, [1, 2, 3], "x", "y", "l", 2), "lines"),
        Math("<math><mtext>total_params</mtext></math>", "p / min"),
        Raster(b"\x89PNG\r\n", "dots"),
        Beside([Beside([Text("above"), Code("below")]), Raster(b"\x89PNG\r\n", "more dots")]),
    ]  # fmt: skip
    return Document("Title <1>", "from <here>", {"one": [Section("A & B", blocks), Section("empty", [])], "two": []})


def test_a_page_is_well_formed_escaped_and_alone() -> None:
    text = render(small_page())
    check_page(text)
    assert "&lt;b&gt;plain" in text and "<b>plain" not in text and "No &lt;use&gt;" in text and "empty" not in text
    assert text.startswith("<!DOCTYPE") and '<div class="column"><p>above</p>' in text.replace("\n", "")
    assert text == render(small_page())


def test_pictures_are_xml_with_letters_in_the_ink_of_the_page() -> None:
    picture = forest([Bar("a < b", 0.5, 0.1, 0.8)], "τ", "name")
    tree = ElementTree.fromstring(picture)
    letters = "".join(tree.itertext())
    assert "a < b" in letters and "τ" in letters and "currentColor" in picture
    assert "width" not in tree.attrib and "height" not in tree.attrib and tree.attrib["viewBox"]
