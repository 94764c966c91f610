"""A disk that fills up at a random byte, then cannot be written at all: each command says so and goes on once it can.

In: a work, a number of disks and a seed. Out: how often a command was stopped, and what went wrong: an end without a
sentence, or a folder that differs from that of a run with room enough. A disk is a file system in memory, of any size;
mounting one takes the rights of an administrator.
"""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from gpproxy.run.command import guarded
from tests.campaign.kills import Work, content, different, ended, started

#: What a disk has at least, in KiB.
LEAST = 16
#: What the system says of such a disk.
REASONS = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EROFS))


@dataclass
class Stops:
    """What happened.

    Attributes:
        full: times that a command was stopped by a full disk.
        closed: times that it was stopped by a disk that takes nothing.
        runs: folders that were brought to their end.
        differences: files that are not those of an undisturbed run, and ends without a sentence.
    """

    full: int = 0
    closed: int = 0
    runs: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def told(self) -> str:
        """All of it in a line."""
        return f"{self.full} times full, {self.closed} closed, {self.runs} runs, {len(self.differences)} wrong"


def possible() -> bool:
    """Whether disks can be mounted here."""
    if not sys.platform.startswith("linux") or os.geteuid():
        return False
    try:
        with disk(Path("/mnt"), LEAST):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def disk(place: Path, size: int) -> Iterator[Path]:
    """A file system of so many KiB, for as long as the block lasts."""
    place.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)], check=True, capture_output=True
    )
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def again(place: Path, how: str) -> None:
    """Mounts it with another size, or for reading alone."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True, capture_output=True)


def campaign(work: Work, disks: int, folder: Path, seed: int = 0) -> Stops:
    """Fills so many disks, each until the work has come to its end, and compares each with one that had room."""
    found, rng = Stops(), random.Random(f"{work.name} {seed}")
    quiet, log = replace(work, run=lambda place: _told(work, place)), folder / "log"
    if ended(started(quiet, folder / "whole", log)):
        raise RuntimeError(f"{work.name} fails undisturbed: {log.read_text()}")
    whole = content(folder / "whole")
    kib = sum(path.stat().st_size for path in (folder / "whole").rglob("*") if path.is_file()) // 1024
    for number in range(disks):
        size = rng.randint(LEAST, LEAST + kib)
        with disk(folder / f"disk{number}", size) as mounted:
            place = mounted / "run"
            while True:
                code, text = ended(started(quiet, place, log)), log.read_text()
                if not code and work.done(place):
                    break
                found.full += 1
                found.differences += _wrong(f"{mounted.name}, {size} KiB", code, text)
                if number == 0 and not found.closed:
                    again(mounted, "ro")
                    code, text = ended(started(quiet, place, log)), log.read_text()
                    found.closed += 1
                    found.differences += _wrong(f"{mounted.name}, closed", code, text)
                    again(mounted, "rw")
                if size > 100 * (LEAST + kib):
                    found.differences.append(f"{mounted.name}: it never ends")
                    return found
                size += rng.randint(4, 4 + kib // 2)
                again(mounted, f"size={size}k")
            found.runs += 1
            found.differences += [f"{mounted.name}/{name}" for name in different(whole, content(place))]
    return found


def _told(work: Work, place: Path) -> None:
    """The work as a command: what goes wrong is a sentence and an exit code."""
    if code := guarded(lambda arguments: work.run(place), []):
        sys.stderr.flush()
        os._exit(code)


def _wrong(where: str, code: int, text: str) -> list[str]:
    told = any(words in text for words in REASONS) and "Traceback" not in text
    # What says nothing new, such as a page, may be missing at a good end; the command writes it when there is room.
    return [] if not code or (code == 1 and told) else [f"{where}: code {code}: {text[-1500:]}"]
