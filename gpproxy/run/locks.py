"""One process per folder: a second one is refused, and a killed one leaves nothing that must be cleaned up.

In: a folder. Out: context managers that hold a lock of the operating system, by filelock; it ends with its process. On
file systems that know no locks nobody is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from filelock import FileLock, Timeout

from gpproxy.errors import RunError

#: File whose lock is held, and the one that names its process.
LOCK, OWNER = "lock", "lock.owner"
#: Folder with a locked file for each piece of work that other processes do for the one in charge.
HELPERS = "helpers"


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Holds the lock of a folder, once the helpers of a killed process have come to their end.

    Args:
        what: such a process in one word, for the message.

    Raises RunError while another process holds it.
    """
    with _held(folder / LOCK) as mine:
        if not mine:
            owner = _text(folder / OWNER) or "unknown"
            raise RunError(
                f"Another {what} is running in {folder} (process {owner}). Wait for it, or choose another --out."
            )
        (folder / OWNER).write_text(str(os.getpid()))
        for left in (folder / HELPERS).glob("*"):
            with _held(left, wait=True):
                left.unlink(missing_ok=True)
        try:
            yield
        finally:
            (folder / OWNER).unlink(missing_ok=True)


@contextmanager
def helping(folder: Path) -> Iterator[None]:
    """Tells a later process that this one still works in the folder for one that may have been killed.

    A process may do so several times at once: each time has a file of its own.
    """
    own = folder / HELPERS / token_hex(8)
    own.parent.mkdir(exist_ok=True)
    with _held(own, wait=True):
        try:
            yield
        finally:
            own.unlink(missing_ok=True)


def taken(folder: Path) -> bool:
    """Whether a process holds the lock of a folder at this moment."""
    if not (folder / LOCK).is_file():
        return False
    with _held(folder / LOCK) as free:
        return not free


@contextmanager
def _held(path: Path, wait: bool = False) -> Iterator[bool]:
    """Holds the lock of a file; False, at once, where another one has it and waiting is not asked for."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        yield False
        return
    except (NotImplementedError, OSError):  # a file system without locks
        yield True
        return
    try:
        yield True
    finally:
        lock.release()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
