"""The folder that a long task works in: used where it lies by processes of this machine, carried by a cluster.

In: a `WorkFolder` among the arguments of a task. On another machine the task finds the files of the folder in a
temporary one; what changes there comes back as bytes, now and then and at the end, and is written by this process.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from gpproxy.errors import RunError
from gpproxy.files import write_atomically

#: Files that belong to one machine: locks, who holds them, and what is being written.
STAYS = ("lock", "lock.owner")
#: Seconds between two looks at what has changed on another machine.
CARRY = 60.0

Files = dict[str, bytes]


@dataclass(frozen=True)
class WorkFolder:
    """The folder of one task.

    Attributes:
        path: where it lies on this machine.
        carried: whether this is the temporary one on another machine.
    """

    path: Path
    carried: bool = False


@dataclass(frozen=True)
class _Luggage:
    """A work folder on its way: its files, so that a task goes on where it was."""

    files: Files


def travelling(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of a task for another machine: files instead of work folders."""
    return tuple(_Luggage(read(one.path)) if isinstance(one, WorkFolder) else one for one in arguments)


def read(folder: Path) -> Files:
    """The files of a folder by their relative names, oldest first, as they were written; none where it is not there."""
    return {name: path.read_bytes() for name, path in _listed(folder)}


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a folder, in their order and each as a whole. Raises RunError for a name that leads out."""
    for name, data in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise RunError(f"A task has sent a file named '{name}', which does not lie in its folder {folder}.")
        target = folder.joinpath(*path.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, data)


class Unpacked:
    """The arguments of a task on another machine, with a temporary folder instead of files.

    Args:
        arguments: of `travelling`.
        place: the temporary folder.
        every: seconds between two looks at what has changed.
    """

    def __init__(self, arguments: tuple[Any, ...], place: Path, every: float):
        self._every = every
        self.folder: Path | None = None
        found = []
        for one in arguments:
            if isinstance(one, _Luggage):
                self.folder = place
                write(place, one.files)
                one = WorkFolder(place, carried=True)
            found.append(one)
        self.arguments = tuple(found)
        self._known = {} if self.folder is None else dict(_stamps(self.folder))
        self._looked = time.monotonic()

    def changed(self, *, last: bool = False) -> Files:
        """The files that are new or other than at the last call; none before it is time, unless it is the last."""
        if self.folder is None or not (last or time.monotonic() - self._looked >= self._every):
            return {}
        self._looked = time.monotonic()
        now = dict(_stamps(self.folder))
        names = [name for name, stamp in now.items() if self._known.get(name) != stamp]
        self._known = now
        return {name: (self.folder / name).read_bytes() for name in names}


@contextmanager
def unpacked(arguments: tuple[Any, ...], every: float = CARRY) -> Iterator[Unpacked]:
    """See `Unpacked`; the temporary folder is there until the block ends."""
    with tempfile.TemporaryDirectory(prefix="gpproxy-") as place:
        yield Unpacked(arguments, Path(place), every)


def _listed(folder: Path) -> list[tuple[str, Path]]:
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name not in STAYS and not path.name.endswith(".part"):
            found.append((path.stat().st_mtime_ns, path.relative_to(folder).as_posix(), path))
    return [(name, path) for _, name, path in sorted(found)]


def _stamps(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for name, path in _listed(folder):
        status = path.stat()
        yield name, (status.st_mtime_ns, status.st_size)
