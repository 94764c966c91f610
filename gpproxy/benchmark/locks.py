"""One build per folder: a second one is refused, and a killed one leaves nothing that must be cleaned up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpproxy.run import locks as lock

#: File whose lock the processes of a build hold.
HANDS = "hands"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder, once the processes of a killed build have come to their end.

    Raises RunError while another build holds it.
    """
    with lock.alone(folder, "build"):
        if lock.fcntl is not None:
            with (folder / HANDS).open("a") as hands:
                lock.fcntl.flock(hands, lock.fcntl.LOCK_EX)
        yield


@contextmanager
def helping(folder: Path) -> Iterator[None]:
    """Tells a later build that a process of this one is still at work."""
    with (folder / HANDS).open("a") as file:
        if lock.fcntl is not None:
            lock.fcntl.flock(file, lock.fcntl.LOCK_SH)
        yield
