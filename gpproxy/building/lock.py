"""One build per folder: a second one is refused, and a killed one leaves nothing that must be cleaned up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpproxy.errors import RunError

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]

#: Files whose locks the build and its processes hold.
BUILD, HANDS = "lock", "hands"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder, once the processes of a killed build have come to their end.

    Raises RunError while another build holds it.
    """
    with (folder / BUILD).open("a+") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                owner = file.read().strip()
                raise RunError(
                    f"Another build is running in {folder} (process {owner}). Wait for it, or choose another --out."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            with (folder / HANDS).open("a") as hands:
                fcntl.flock(hands, fcntl.LOCK_EX)
        yield


@contextmanager
def helping(folder: Path) -> Iterator[None]:
    """Tells a later build that a process of this one is still at work."""
    with (folder / HANDS).open("a") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_SH)
        yield
