"""One process per folder: a second one is refused, and a killed one leaves nothing that must be cleaned up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gpproxy.errors import RunError

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]

#: File whose lock is held; it names the process.
LOCK = "lock"


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Holds the lock of a folder. File systems that know no locks, and Windows, refuse nobody.

    Args:
        what: such a process in one word, for the message.

    Raises RunError while another process holds it.
    """
    with (folder / LOCK).open("a+") as file:
        if not _take(file):
            file.seek(0)
            owner = file.read().strip()
            raise RunError(
                f"Another {what} is running in {folder} (process {owner}). Wait for it, or choose another --out."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def taken(folder: Path) -> bool:
    """Whether a process holds the lock of a folder at this moment."""
    if not (folder / LOCK).is_file():
        return False
    with (folder / LOCK).open("a") as file:
        return not _take(file)


def _take(file: IO[str]) -> bool:
    """Takes the lock of an open file, until it is closed; False where another process has it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
