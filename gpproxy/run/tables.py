"""Numbers and lines of text as the tables of all commands show them.

In: numbers, rows of statistics, text and a width in characters. Out: cells and lines; nothing is printed here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

#: Columns of a table where neither a terminal nor COLUMNS says how many there are.
UNTOLD = 140


def told_width(console: Console) -> int:
    """Columns for a table: those of the terminal or of COLUMNS, else `UNTOLD`."""
    told = console.is_terminal or os.environ.get("COLUMNS", "").isdigit()
    return console.width if told else UNTOLD


def number(value: float | None) -> str:
    """Two digits without a leading zero (`.88`, `-.12`), `-` where undefined."""
    return "-" if value is None else f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 0.995 else f"{value:.2f}"


def with_interval(row: dict[str, Any], measure: str) -> str:
    """`.88 [.71, .95]`."""
    low, high = row[f"{measure}_interval"]
    return "-" if row[measure] is None else f"{number(row[measure])} [{number(low)}, {number(high)}]"


def capital(sentence: str) -> str:
    """A sentence that begins with a capital; the others stay: "the Fisher information" keeps its name."""
    return sentence[:1].upper() + sentence[1:]


def wrapped(text: str, room: int) -> list[str]:
    """Lines of at most `room` characters, broken at spaces; a longer word is cut."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += " " + word
            continue
        pieces = [word[i : i + room] for i in range(0, len(word), room)] or [""]
        lines += pieces
    return lines[1:] if len(lines) > 1 else lines


def in_parts(text: str, width: int) -> str:
    """A line of parts with three spaces between them, broken between parts where it is longer than `width`."""
    first, *others = re.split(r"(?<=\S) {3}(?=\S)", text)
    if len(text) <= width or not others or "\n" in text:
        return text
    lines = [first]
    for part in others:
        if len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += "   " + part
        else:
            lines += ["    " + piece for piece in wrapped(part, width - 4)]
    return "\n".join(lines)


def joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
