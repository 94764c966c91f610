"""How the candidates of a search lie in their SQLite file: tables, rows, and what errors of SQLite mean.

In: candidates, rows of the file. Out: the one from the other. Scores keep every digit: they lie beside the column that
queries sort by as the bytes of their doubles, for SQLite knows neither NaN nor minus zero. What a file says is checked
as it is read, for anybody may have written it.
"""

from __future__ import annotations

import errno
import math
import os
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from gpproxy.errors import RunError
from gpproxy.proxies.scored import Scored
from gpproxy.run.folder import AGAIN
from gpproxy.run.reading import reading

#: Number of this form of file, and its tables. `number` counts candidates from 0 in the order in which they were taken
#: up, those that broke the limit on latency (`slow`) included; `place` counts proposals.
FORM = 1
TABLES = {
    "facts": "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "proposed": "CREATE TABLE proposed (key INTEGER PRIMARY KEY, place INTEGER NOT NULL, number INTEGER)",
    "candidates": (
        "CREATE TABLE candidates (number INTEGER PRIMARY KEY, code TEXT NOT NULL, score REAL, params REAL, macs REAL, "
        "latency REAL, problem TEXT NOT NULL, slow INTEGER NOT NULL, failed INTEGER NOT NULL, note TEXT NOT NULL, "
        "scores BLOB NOT NULL, spreads BLOB NOT NULL)"
    ),
    "ranking": "CREATE TABLE ranking (rank INTEGER PRIMARY KEY, number INTEGER NOT NULL, value REAL)",
}
#: Columns of a candidate as `_scored` reads them.
COLUMNS = "code, params, macs, latency, problem, slow, failed, note, scores, spreads"


def key_of(canonical: object) -> int:
    """What stands for an architecture, from what is equal for functionally identical ones: 64 bits of its text."""
    return int.from_bytes(blake2b(repr(canonical).encode(), digest_size=8).digest(), "little", signed=True)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Errors of SQLite as those that the commands know how to tell."""
    with reading(path, AGAIN):
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
            text = str(error)
            if "is full" in text:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
            if "readonly" in text or "unable to open" in text:
                raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path)) from error
            if "locked" in text:
                raise RunError(f"{path} is in use by another process. Wait for it.") from error
            if "disk I/O" in text:
                raise RunError(
                    f"{path} could not be read or written ({text}). What was written before is kept: look after the "
                    "disk, then continue with the same command and --resume."
                ) from error
            raise ValueError(text) from error


def row_of(number: int, one: Scored) -> tuple[Any, ...]:
    scores, spreads = (struct.pack(f"<{len(part)}d", *part) for part in (one.scores, one.spreads))
    return (
        number, one.code, one.score, one.params, one.macs, one.latency, one.problem, one.slow, one.failed, one.note,
        scores, spreads,
    )  # fmt: skip


def scored_of(row: Sequence[Any], proxies: int) -> Scored:
    code, params, macs, latency, problem, slow, failed, note, scores, spreads = row
    return Scored(
        text_of(code), doubles(scores, proxies), number_of(params), number_of(macs), number_of(latency),
        text_of(problem), bool(slow), bool(failed), doubles(spreads, proxies) if spreads else (), text_of(note),
    )  # fmt: skip


def doubles(packed: bytes, count: int) -> tuple[float, ...]:
    if len(packed) != 8 * count:
        raise ValueError(f"a candidate has other than {count} scores")
    return struct.unpack(f"<{count}d", packed)


def number_of(value: float | None) -> float:
    return math.nan if value is None else float(value)


def text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a candidate has {type(value).__name__} where text stands")
    return value
