"""Ctrl-C: the first one lets what is running come to its end, the second one quits."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; `folder` is what to resume with the command, `kept` a part of a sentence on what it holds."""

    def __init__(self, folder: Path, command: str = "evolve", kept: str = "everything so far is saved"):
        self.folder = folder
        super().__init__(f"Stopped; {kept}. Continue with\n  {resume_command(folder, command)}")


def resume_command(folder: Path, command: str = "evolve") -> str:
    """What continues a run."""
    return f"python -m gpproxy.{command} --resume {folder}"


@dataclass
class Patience:
    """What Ctrl-C does: `waiting` lets it wait until someone looks at `asked`, otherwise it stops at once."""

    waiting: bool = False
    asked: bool = False


@contextmanager
def patient() -> Iterator[Patience]:
    """Handles Ctrl-C as the Patience says, until the end of the block."""
    patience = Patience()

    def handle(number: int, frame: FrameType | None) -> None:
        if patience.asked or not patience.waiting:
            raise KeyboardInterrupt
        patience.asked = True

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:  # not the main thread: the program around us owns Ctrl-C
        yield patience
        return
    try:
        yield patience
    finally:
        signal.signal(signal.SIGINT, before)
