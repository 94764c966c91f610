"""The journal: order, numbers that are none, half lines, and taking back."""

from __future__ import annotations

import math
from pathlib import Path

from gpproxy.training.journal import Journal


def test_half_lines_and_taking_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.read() == []
    for step in (1, 2, 3):
        journal.append("losses", step, generator=float(step))
    with journal.path.open("ab") as file:
        file.write(b'{"event": "los')
    assert [event["step"] for event in journal.read()] == [1, 2, 3]
    journal.append("check", 4, measures={"FD": math.nan})
    assert [event["step"] for event in journal.read()] == [1, 2, 3, 4]
    assert journal.read()[-1]["measures"] == {"FD": None}
    journal.cut(2)
    assert [event["step"] for event in journal.read()] == [1, 2]
    assert journal.path.read_text().count("\n") == 2
