"""What is said of a file that could not be written."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gpproxy.files import append_event, explained, remedy, write_atomically
from gpproxy.run.command import guarded


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "Free space"),
        (errno.EROFS, "Choose a place that can be written"),
        (errno.EACCES, "GPPROXY_CACHE"),
        (errno.EFBIG, "ulimit -f"),
    ],
)
def test_the_remedy_follows_from_the_reason(number: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(number, os.strerror(number), "/cache/x")
    assert words in remedy(error) and "What was written before is intact." in remedy(error)
    known = explained(error, "gpproxy evolve --resume run", "The run is safe up to generation 3.")
    assert remedy(known).startswith("The run is safe up to generation 3.")
    assert remedy(known).endswith("then continue with\n  gpproxy evolve --resume run")

    def fails(arguments: object) -> None:
        raise known

    assert guarded(fails, []) == 1
    said = capsys.readouterr().err
    assert os.strerror(number) in said and "/cache/x" in said and words in said.replace("\n", " ")


def test_names_are_on_disk_before_a_file_counts_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order of what a loss of power could part: content, name, and that the name is kept."""
    done: list[str] = []
    sync, rename = os.fsync, os.replace

    def synced(number: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "content")
        sync(number)

    def renamed(old: Path, new: Path) -> None:
        done.append("name")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write_atomically(tmp_path / "a", "x")
    assert done == ["content", "name", "folder"]
    done.clear()
    append_event(tmp_path / "b", {"n": 1})
    append_event(tmp_path / "b", {"n": 2})
    assert done == ["content", "folder", "content"]


def test_a_limit_on_the_size_of_files_is_a_sentence(tmp_path: Path) -> None:
    """A real one, which the system sets: no file may be larger than 4,096 bytes."""
    code = (
        "import resource, signal\n"
        "from pathlib import Path\n"
        "from gpproxy.files import write_atomically\n"
        "from gpproxy.run.command import guarded\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"raise SystemExit(guarded(lambda _: write_atomically(Path({str(tmp_path / 'a')!r}), 'x' * 5000), []))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "ulimit -f" in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())
