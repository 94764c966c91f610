"""Files that survive a killed process: replaced whole, or grown by whole lines."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

#: What to do about a file that could not be written, by the reason.
ELSEWHERE = "Choose a place that can be written (--out for results, GPPROXY_CACHE for the cache)"
REMEDIES = {
    errno.ENOSPC: "Free space",
    errno.EDQUOT: "Free space",
    errno.EFBIG: "Allow larger files (ulimit -f)",
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO), ELSEWHERE),
}


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` at the end of the block: neither a killed process, a full disk
    nor a loss of power leaves half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    settle(path.parent)


def settle(folder: Path) -> None:
    """Waits until the names in a folder are on disk; where a system has no such thing, nothing is done."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file; see `replaced`."""
    with replaced(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def explained(error: OSError, again: str, safe: str = "") -> OSError:
    """An error of writing that knows how to go on: what is safe, as a sentence, and the command that continues."""
    error.safe, error.again = safe, again  # type: ignore[attr-defined]
    return error


def remedy(error: OSError) -> str:
    """What to do about a file that could not be written, in sentences: the reason decides, not the place."""
    act = REMEDIES.get(error.errno or 0, ELSEWHERE)
    safe, again = getattr(error, "safe", ""), getattr(error, "again", "")
    first = safe or ("" if again else "What was written before is intact.")
    return f"{first} {act}, then continue with\n  {again}".strip() if again else f"{first} {act}."


def sweep(folder: Path) -> None:
    """Removes what killed processes have left of `write_atomically` in a folder and below; nobody may be writing."""
    for left in folder.rglob(".*.part"):
        left.unlink(missing_ok=True)


def append_event(path: Path, event: dict[str, Any]) -> None:
    """Appends one JSON line to a journal and waits until it is on disk."""
    line = json.dumps(event, ensure_ascii=False)
    with path.open("ab+") as file:
        # A half line of a killed process must not swallow this one.
        if file.tell() and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
            file.write(b"\n")
        begins = not file.tell()
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if begins:
        settle(path.parent)


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a journal, in order; half-written lines are left out, a missing file has none."""
    if not path.is_file():
        return
    for line in path.read_bytes().split(b"\n"):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            yield event
