"""Seeded mutations of files: bytes, lines, numbers and the structure of JSON, each of a kind that happens or is meant.

In: the bytes of a valid file and a random.Random. Out: other bytes. Some mutations carry code that would leave a mark
where it ran, and paths that lead out of the folder.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

#: Where code that must not run would leave a mark; `%s` is that place.
CODE = ("__import__('pathlib').Path(%r).touch()", "[].__class__.__base__.__subclasses__()", "=cmd|'/C calc'!A0")
WORDS = (
    "NaN", "inf", "-inf", "1e999", "-1", "0", "1e-320", "9" * 400, "null", "true", "''", '""', "[]", "{}", "[[", "]]",
    "\x00", "\ufeff", "\r", "\r\n", "\t", "\u2028", "'''", '"""', "#", ";", ",", ",,,,", "=", "../../../etc/passwd",
    "/etc/passwd", "~root", "%s%n", "\\", "é" * 50, "[" * 3000, "(" * 3000, "{" * 3000, "-" * 3000, "a" * 100_000,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 3, 10**30, 1.5, -1e308, 5e-324, "", "x", "../../x", "NaN", [], {}, [None], {"a": 1}, ["x", 1],
    [[]], "9" * 500,
)  # fmt: skip
BYTES = (b"\xff\xfe", b"\xed\xa0\x80", b"\x80", b"\x1f\x8b", b"PK\x03\x04", b"\x00" * 64)


def mutated(content: bytes, rng: random.Random, mark: str = "") -> bytes:
    """One to three mutations after each other.

    Args:
        mark: file that code inside would touch.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = rng.choice(MUTATIONS)(content, rng, mark)
    return content


def _place(content: bytes, rng: random.Random) -> int:
    return rng.randrange(len(content) + 1)


def _flip(content: bytes, rng: random.Random, mark: str) -> bytes:
    made = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if made:
            made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def _cut(content: bytes, rng: random.Random, mark: str) -> bytes:
    return content[: _place(content, rng)]


def _delete(content: bytes, rng: random.Random, mark: str) -> bytes:
    start = _place(content, rng)
    return content[:start] + content[start + rng.choice((1, 5, 50, 500)) :]


def _repeat(content: bytes, rng: random.Random, mark: str) -> bytes:
    start = _place(content, rng)
    return content[:start] + content[start : start + rng.choice((1, 10, 200))] * 2 + content[start:]


def _insert(content: bytes, rng: random.Random, mark: str) -> bytes:
    word = rng.choice((*WORDS, *(text % mark if "%r" in text else text for text in CODE))).encode()
    start = _place(content, rng)
    return content[:start] + rng.choice((word, word, rng.choice(BYTES))) + content[start:]


def _number(content: bytes, rng: random.Random, mark: str) -> bytes:
    """Another value where a number stood."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?", content))
    if not found:
        return _flip(content, rng, mark)
    one = rng.choice(found)
    return content[: one.start()] + rng.choice(WORDS).encode() + content[one.end() :]


def _word(content: bytes, rng: random.Random, mark: str) -> bytes:
    """Another word where a word stood."""
    found = list(re.finditer(rb"[A-Za-z_]\w+", content))
    if not found:
        return _flip(content, rng, mark)
    one = rng.choice(found)
    other = rng.choice((rng.choice(found).group(), rng.choice(WORDS).encode(), one.group()[::-1]))
    return content[: one.start()] + other + content[one.end() :]


def _lines(content: bytes, rng: random.Random, mark: str) -> bytes:
    lines = content.split(b"\n")
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(4)
    if kind == 0:
        lines[first], lines[second] = lines[second], lines[first]
    elif kind == 1:
        del lines[first]
    elif kind == 2:
        lines.insert(first, lines[second])
    else:
        lines = lines[:first]
    return b"\n".join(lines)


def _structure(content: bytes, rng: random.Random, mark: str) -> bytes:
    """JSON, or one line of it, with a value of another kind somewhere."""
    lines = content.splitlines()
    whole = _json(content)
    if whole is None and lines:
        number = rng.randrange(len(lines))
        if (part := _json(lines[number])) is not None:
            lines[number] = json.dumps(_changed(part, rng)).encode()
            return b"\n".join(lines) + b"\n"
    return _number(content, rng, mark) if whole is None else json.dumps(_changed(whole, rng)).encode()


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _changed(value: Any, rng: random.Random) -> Any:
    """The value with one part of it, deep or not, replaced, left out or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(list(value))
        if rng.random() < 0.15:
            return {key: one for key, one in value.items() if key != name}
        return {**value, name: _changed(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        if rng.random() < 0.15:
            return value[:place] + value[place + 1 :]
        return value[:place] + [_changed(value[place], rng)] + value[place + 1 :]
    return rng.choice(VALUES)


MUTATIONS: tuple[Callable[[bytes, random.Random, str], bytes], ...] = (
    _flip, _cut, _delete, _repeat, _insert, _number, _number, _word, _lines, _structure, _structure,
)  # fmt: skip
