"""The candidates of a search, on disk: one SQLite file in its folder, written by one process, queried by any later one.

In: scored candidates batch by batch, keys of what was proposed, and the state to go on from. Out: whether something was
proposed before, candidates by number, the ranking by rank. Memory does not grow with the number of candidates.

A batch is one transaction, so a killed process loses at most its last one, and so does a full disk; once a second it is
waited for until everything is on the disk, which is the most that a power failure costs. `stored` says what lies in it.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.run.reading import typed
from gpproxy.search.stored import COLUMNS, FORM, TABLES, doubles, number_of, row_of, scored_of, text_of, told

NAME = "candidates.sqlite"
#: The journal of version 0.2.0 and before, which is not continued.
OLD = "candidates.jsonl"
#: Seconds between two waits until everything is on disk, and between two states to go on from.
SYNC, SAVE = 1.0, 10.0
#: Rows that are read at a time, and kilobytes of the file that are kept in memory.
PAGE, CACHE = 1000, 8192


class Store:
    """Made by `open`, `read` or `temporary`; a context, or call `close`.

    Every method raises OSError for a disk that is full or may not be written, and RunError, which names the file, for
    one that is damaged, no store or in use.

    Attributes:
        proxies: scores per candidate.
        work: what all candidates took.
        seconds: of the search so far, where its time is limited.
        slow: candidates that broke the limit on latency; they are not ranked.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, proxies: int):
        self._db, self.path, self.proxies = connection, path, proxies
        self.work, self.seconds, self.slow = Work(), 0.0, 0
        self._rows = self._place = 0
        self._synced = self._saved = time.monotonic()

    @classmethod
    def open(cls, path: Path, proxies: int) -> Store:
        """For the one process that searches; an empty one is made where there is none."""
        with told(path):
            store = cls(sqlite3.connect(path, isolation_level=None, check_same_thread=False), path, proxies)
            try:
                # Alone, SQLite needs no shared memory, which file systems of networks lack.
                store._prepare("PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL")
                store._begin()
            except BaseException:
                store._db.close()
                raise
        return store

    @classmethod
    def temporary(cls, proxies: int) -> Store:
        """In memory, for few candidates."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        store = cls(connection, Path(NAME), proxies)
        store._prepare()
        store._begin()
        return store

    @classmethod
    def read(cls, path: Path) -> Store:
        """For queries."""
        with told(path):
            path.stat()
            # A folder that may not be written lets SQLite take a file only that it is told never changes.
            fixed = "" if os.access(path.parent, os.W_OK) else "&immutable=1"
            place = f"file:{quote(str(path.absolute()))}?mode=ro{fixed}"
            connection = sqlite3.connect(place, uri=True, isolation_level=None, check_same_thread=False)
            store = cls(connection, path, 0)
            try:
                store._prepare(made=False)
            except BaseException:
                connection.close()
                raise
        return store

    def _prepare(self, *pragmas: str, made: bool = True) -> None:
        """Settings, tables and facts. A file with other tables is not read at all: SQL in it could be anything."""
        for pragma in ("PRAGMA trusted_schema = OFF", f"PRAGMA cache_size = -{CACHE}", *pragmas):
            self._db.execute(pragma).fetchall()
        found = dict(self._db.execute("SELECT name, sql FROM sqlite_master"))
        if not found and made:
            self._db.execute("BEGIN")
            for table in TABLES.values():
                self._db.execute(table)
            self._note("form", {"version": FORM, "proxies": self.proxies})
            self._note_spent()
            self._db.execute("COMMIT")
        elif found != TABLES:
            raise ValueError("it has other tables than the candidates of a search")
        form, spent = self._fact("form"), self._fact("spent")
        if form["version"] != FORM or not 0 < form["proxies"] < 10_000:
            raise ValueError(f"its form is {form}, not one of version {FORM}")
        if self.proxies not in (0, form["proxies"]):
            raise ValueError(f"it has {form['proxies']} scores per candidate, not {self.proxies}")
        self.proxies = int(form["proxies"])
        self.work, self.seconds, self.slow = typed(Work(**spent["work"])), float(spent["seconds"]), int(spent["slow"])
        ((rows,),) = self._db.execute("SELECT coalesce(max(number) + 1, 0) FROM candidates")
        self._rows = int(rows)

    # --- writing

    def proposed(self, key: int) -> bool:
        """Whether something of a key was proposed before."""
        with told(self.path):
            return self._db.execute("SELECT 1 FROM proposed WHERE key = ?", (key,)).fetchone() is not None

    def propose(self, key: int, number: int | None) -> None:
        """Notes a new proposal: the number of the candidate that it will be, None where a limit on size excludes it."""
        with told(self.path):
            self._place += 1
            self._db.execute("INSERT INTO proposed VALUES (?, ?, ?)", (key, self._place, number))

    def recall(self, key: int, told_so_far: int) -> float | None:
        """The first score of a proposal among the first candidates, -inf where a limit excluded it, else None.

        Args:
            told_so_far: number of these candidates; later ones are not known yet.
        """
        with told(self.path):
            found = self._db.execute("SELECT number FROM proposed WHERE key = ?", (key,)).fetchone()
            if found is None or found[0] is None:
                return None if found is None else -math.inf
            if found[0] >= told_so_far or (one := next(iter(self.rows(found[0], 1)))).slow:
                return None
            return one.score

    def add(self, candidates: Iterable[Scored], work: Work, seconds: float) -> None:
        """Adds a batch after those that are there, and what it took; `commit` makes it last."""
        with told(self.path):
            for one in candidates:
                self._db.execute(f"INSERT INTO candidates VALUES ({', '.join('?' * 12)})", row_of(self._rows, one))
                self._rows += 1
                self.slow += one.slow
            self.work.add(work)
            self.seconds = seconds
            self._note_spent()

    def drop(self, first: int) -> int:
        """Forgets the candidates from a number on; returns how many."""
        with told(self.path):
            ((slow,),) = self._db.execute("SELECT count(*) FROM candidates WHERE slow AND number >= ?", (first,))
            self._db.execute("DELETE FROM candidates WHERE number >= ?", (first,))
            dropped, self._rows, self.slow = self._rows - first, first, self.slow - slow
            self._note_spent()
            return dropped

    @property
    def due(self) -> bool:
        """Whether it is time for a state to go on from."""
        return time.monotonic() - self._saved >= SAVE

    def save(self, state: dict[str, Any]) -> None:
        """Takes a state to go on from, of plain values, beside the batch that it follows."""
        with told(self.path):
            self._note("state", {**state, "place": self._place})
        self._saved = time.monotonic()

    def state(self) -> dict[str, Any] | None:
        """What was saved last; what was proposed later is forgotten, as it will be proposed again. None without one."""
        with told(self.path):
            state = self._fact("state")
            self._place = 0 if state is None else int(state["place"])
            self._db.execute("DELETE FROM proposed WHERE place > ?", (self._place,))
            return state

    def clear(self) -> None:
        """Forgets everything."""
        with told(self.path):
            for table in ("proposed", "candidates", "ranking"):
                self._db.execute(f"DELETE FROM {table}")
            self._db.execute("DELETE FROM facts WHERE name = 'state'")
            self.work, self.seconds, self.slow, self._rows, self._place = Work(), 0.0, 0, 0, 0
            self._note_spent()

    def commit(self) -> None:
        """Ends a batch: from now on no killed process can lose it."""
        with told(self.path):
            self._db.execute("COMMIT")
            self._begin()

    def rank(self, values: Iterable[float] | None = None) -> None:
        """Makes the ranking anew: highest first, equal ones by fewer MACs, then by code; dead networks after all live
        ones, candidates without a value last. It is sorted on the disk.

        Args:
            values: what to rank by, per candidate that is not slow, by number; None for the first score.
        """
        order = "IS NULL, {0} DESC, macs IS NULL, macs, code"
        with told(self.path):
            self._db.execute("DELETE FROM ranking")
            if values is None:
                by, source = "score", "candidates"
            else:
                by, source = "value", "candidates JOIN combined USING (number)"
                self._db.execute("CREATE TEMP TABLE combined (number INTEGER PRIMARY KEY, value REAL)")
                numbers = self._db.execute("SELECT number FROM candidates WHERE NOT slow ORDER BY number")
                pairs = ((number, value) for (number,), value in zip(numbers, values, strict=True))
                self._db.executemany("INSERT INTO combined VALUES (?, ?)", pairs)
            self._db.execute(
                f"INSERT INTO ranking (number, value) SELECT number, {by} FROM {source} WHERE NOT slow "
                f"ORDER BY {by} {order.format(by)}"
            )
            if values is not None:
                self._db.execute("DROP TABLE combined")

    def rank_as_added(self) -> None:
        """Makes the ranking of candidates that were added from the best to the worst."""
        with told(self.path):
            self._db.execute("INSERT INTO ranking SELECT number + 1, number, score FROM candidates")

    def close(self) -> None:
        """What was not committed is dropped."""
        self._db.close()

    def finish(self) -> None:
        """Closes it as a single file, which can be read where nothing may be written."""
        with told(self.path):
            self._db.execute("COMMIT")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA journal_mode = DELETE").fetchall()
            self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        """The next transaction, which is waited for where the last wait is long ago."""
        late = time.monotonic() - self._synced >= SYNC
        self._db.execute(f"PRAGMA synchronous = {'FULL' if late else 'NORMAL'}")
        if late:
            self._synced = time.monotonic()
        self._db.execute("BEGIN")

    def _note(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def _note_spent(self) -> None:
        self._note("spent", {"work": asdict(self.work), "seconds": self.seconds, "slow": self.slow})

    def _fact(self, name: str) -> Any:
        found = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if found is None else json.loads(found[0])

    # --- queries

    @property
    def count(self) -> int:
        """Number of all candidates, slow ones included."""
        return self._rows

    @property
    def ranked(self) -> int:
        """Number of candidates in the ranking."""
        return self._number("SELECT coalesce(max(rank), 0) FROM ranking")

    @property
    def finite(self) -> int:
        """Number of candidates in the ranking that have a score; they come first."""
        return self._number("SELECT count(*) FROM ranking WHERE value > -1e999")

    def rows(self, first: int, count: int) -> list[Scored]:
        """Candidates from a number on, slow ones included."""
        query = f"SELECT {COLUMNS} FROM candidates WHERE number >= ? AND number < ? ORDER BY number"
        with told(self.path):
            return [scored_of(row, self.proxies) for row in self._db.execute(query, (first, first + count))]

    def best(self, count: int, among: int) -> list[Scored]:
        """The best by the first score among the first candidates, slow ones left out; before there is a ranking."""
        query = (
            f"SELECT {COLUMNS} FROM candidates WHERE NOT slow AND number < ? "
            "ORDER BY score IS NULL, score DESC, macs, code LIMIT ?"
        )
        with told(self.path):
            return [scored_of(row, self.proxies) for row in self._db.execute(query, (among, count))]

    def by_rank(self, first: int, count: int) -> list[tuple[int, float, Scored]]:
        """Rank from 1 on, value and candidate, from a rank on."""
        query = (
            f"SELECT rank, value, {COLUMNS} FROM ranking JOIN candidates USING (number) WHERE rank >= ? AND rank < ? "
            "ORDER BY rank"
        )
        with told(self.path):
            found = []
            for rank, value, *row in self._db.execute(query, (first, first + count)):
                one = scored_of(row, self.proxies)
                found.append((int(rank), one.score if self.proxies == 1 else number_of(value), one))
            if len(found) != min(count, max(self.ranked + 1 - first, 0)):
                raise ValueError("its ranking has candidates that are not there")
            return found

    def points(self, cost: str) -> Iterator[tuple[float, float]]:
        """`params`, `macs` or `latency`, and value, from the best to the worst."""
        assert cost in ("params", "macs", "latency")
        query = (
            f"SELECT {cost}, value FROM ranking JOIN candidates USING (number) WHERE rank >= ? AND rank < ? "
            "ORDER BY rank"
        )
        for first in range(1, self.ranked + 1, PAGE):
            with told(self.path):
                found = self._db.execute(query, (first, first + PAGE)).fetchall()
                page = [(number_of(cost), number_of(value)) for cost, value in found]
            yield from page

    def scores(self, proxy: int) -> Iterator[float]:
        """What one of the proxies says of each candidate that is not slow, by number."""
        with told(self.path):
            for (scores,) in self._db.execute("SELECT scores FROM candidates WHERE NOT slow ORDER BY number"):
                yield doubles(scores, self.proxies)[proxy]

    def problems(self) -> Iterator[tuple[str, int]]:
        """The problems and how often each has occurred, the most frequent first, of equals that which came first."""
        query = (
            "SELECT problem, count(*) FROM candidates WHERE NOT slow AND problem != '' GROUP BY problem "
            "ORDER BY count(*) DESC, min(number)"
        )
        with told(self.path):
            for problem, count in self._db.execute(query):
                yield text_of(problem), int(count)

    def notes(self) -> Iterator[str]:
        """How much of the networks was seen that were not seen whole, by number."""
        with told(self.path):
            for (note,) in self._db.execute(
                "SELECT note FROM candidates WHERE NOT slow AND note != '' ORDER BY number"
            ):
                yield text_of(note)

    def first_values(self, count: int) -> list[float]:
        """What the ranking goes by, of the candidates that came first, in no order."""
        query = (
            "SELECT value FROM ranking JOIN (SELECT number FROM candidates WHERE NOT slow ORDER BY number LIMIT ?) "
            "USING (number)"
        )
        with told(self.path):
            return [number_of(value) for (value,) in self._db.execute(query, (count,))]

    def _number(self, query: str) -> int:
        with told(self.path):
            ((number,),) = self._db.execute(query)
            return int(number)
