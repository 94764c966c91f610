"""The journal gives back what was written, whatever its end looks like."""

from __future__ import annotations

import math
from pathlib import Path

from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size
from gpproxy.search.journal import Journal, Memory

MANY = [
    Scored("a", (0.1 + 0.2, -1e300), 3.0, 4.0, 0.25),
    Scored("b", (-math.inf, -math.inf), 1.0, 2.0, problem="dead: no path"),
    Scored("c", (math.nan, 1.0), 1.0, 2.0, problem="non-finite (log)"),
    Scored("d", (math.nan, math.nan), 1.0, 2.0, 9.0, slow=True),
]


def test_every_digit_and_every_state_come_back(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.scored(MANY[:2], Work(2, 2, 1, 0.5))
        journal.excluded([("x", Size(5.0, 6.0))])
        journal.scored(MANY[2:], Work(1, 1, 0, 0.25))
    memory = Memory.read(tmp_path / "j")
    assert [repr(one) for one in memory.candidates.values()] == [repr(one) for one in MANY]
    assert memory.sizes == {"x": Size(5.0, 6.0)} and memory.work == Work(3, 3, 1, 0.75)


def test_any_torn_end_loses_one_line_and_the_next_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.scored(MANY[:1], Work())
        journal.scored(MANY[1:2], Work())
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    for end in (first, first + 1, first + 40, len(content) - 2):
        path.write_bytes(content[:end])
        assert list(Memory.read(path).candidates) == ["a"]
        with Journal(path) as journal:
            journal.scored(MANY[2:3], Work())
        assert list(Memory.read(path).candidates) == ["a", "c"]
    assert not Memory.read(tmp_path / "none").candidates
