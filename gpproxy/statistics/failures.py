"""Generators that could not be looked at: the reason lies in the cache, in the place of the statistics.

A failure is remembered for the torch version that it came from, and only where it comes from the generator itself:
what lack of memory or of a device has stopped is looked at again.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from gpproxy.files import write_atomically
from gpproxy.statistics.absent import passing


def note_of(path: Path) -> Path:
    """Where the failure of the architecture is noted whose statistics would lie at `path`."""
    return path.with_suffix(".failed.json")


def lasting(error: BaseException) -> bool:
    """Whether an error, or what it was raised from, will come again on another day."""
    cause: BaseException | None = error
    while cause is not None:
        if passing(cause):
            return False
        cause = cause.__cause__
    return True


def remember(path: Path, architecture: str, reason: str) -> None:
    """Notes why the architecture was left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    note = {"architecture": architecture, "reason": reason, "torch": torch.__version__}
    write_atomically(note_of(path), json.dumps(note, ensure_ascii=False) + "\n")


def recall(path: Path) -> str:
    """Why the architecture was left out before; empty when it was not, or under another version of torch."""
    try:
        note = json.loads(note_of(path).read_text(encoding="utf-8"))
        return str(note["reason"]) if note["torch"] == torch.__version__ else ""
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return ""


def forget(path: Path) -> None:
    """Drops the note, if there is one."""
    note_of(path).unlink(missing_ok=True)
