"""What happened in a training, step by step: one JSON line per event in `metrics.jsonl`.

In: events with the step after which they were written. Out: the same, in order. A killed process leaves at most half a
last line, which readers drop, and events after the saved state, which a continued training takes back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpproxy.files import append_event, read_events, write_atomically

JOURNAL = "metrics.jsonl"


class Journal:
    """The journal of the training in a folder."""

    def __init__(self, folder: Path):
        self.path = folder / JOURNAL

    def append(self, event: str, step: int, **entries: Any) -> None:
        """One event after `step` steps; numbers that are not finite become null. On disk when this returns."""
        append_event(self.path, {"event": event, "step": step, **plain(entries)})

    def read(self) -> list[dict[str, Any]]:
        """All events, in order."""
        return list(read_events(self.path))

    def cut(self, step: int) -> None:
        """Takes back the events after `step`, and a half line at the end."""
        if self.path.is_file():
            kept = [event for event in read_events(self.path) if event.get("step", 0) <= step]
            write_atomically(self.path, "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in kept))


def plain(value: Any) -> Any:
    """A value as JSON has it: mappings and lists inside, null for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
