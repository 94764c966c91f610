"""The clock of the day may jump: it names folders and dates events, and nothing is decided by it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Where it is read, and what for.
ALLOWED = {
    "gpproxy/api/discover.py": "the name of a folder",
    "gpproxy/run/folder.py": "dates of events, the name of a folder",
    "gpproxy/train/folder.py": "how long ago a state was saved, as a word to the user",
    "gpproxy/export/write.py": "the day on which a file was made",
}
READS = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "date.today",
}


def test_nothing_is_decided_by_the_clock_of_the_day() -> None:
    found = set()
    for folder in ("gpproxy", "primitives", "search_spaces"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in READS:
                    found.add(str(path.relative_to(ROOT)))
    assert found <= set(ALLOWED), (
        f"{sorted(found - set(ALLOWED))}: durations are told by time.monotonic or perf_counter"
    )
