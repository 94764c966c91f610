"""One process per folder: who is refused, and that a lock ends with its holder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from gpproxy.errors import RunError
from gpproxy.run.locks import HELPERS, LOCK, alone, helping, taken

HOLDER = """
import sys, time
from pathlib import Path
from gpproxy.run import locks

with getattr(locks, sys.argv[1])(Path(sys.argv[2]), *sys.argv[3:]):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(*arguments: str) -> subprocess.Popen[str]:
    """A process that holds a lock, once it does."""
    command = [sys.executable, "-c", HOLDER, *arguments]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_second_one_is_refused_until_the_first_is_over(tmp_path: Path) -> None:
    assert not taken(tmp_path) and not list(tmp_path.iterdir())
    with alone(tmp_path, "training"):
        assert taken(tmp_path)
        for _ in range(2):  # a refused one does not hide the owner from the next
            with (
                pytest.raises(RunError, match=rf"Another training is running in .* \(process {os.getpid()}\)"),
                alone(tmp_path, "training"),
            ):
                raise AssertionError
    assert not taken(tmp_path)
    with alone(tmp_path, "training"):
        pass
    assert {path.name for path in tmp_path.iterdir()} <= {LOCK}  # who held it is forgotten


def test_a_killed_process_leaves_nothing_to_clean_up(tmp_path: Path) -> None:
    process = holder("alone", str(tmp_path), "search")
    with pytest.raises(RunError, match=rf"Another search .*process {process.pid}\)"), alone(tmp_path, "search"):
        raise AssertionError
    kill(process)
    assert not taken(tmp_path)
    with alone(tmp_path, "search"):
        pass


def test_helpers_of_a_killed_process_are_waited_for(tmp_path: Path) -> None:
    ended = []
    process = holder("helping", str(tmp_path))
    waiting = subprocess.Popen(
        [sys.executable, "-c", HOLDER, "alone", str(tmp_path), "build"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(1)
    ended.append(waiting.poll())
    kill(process)
    assert waiting.stdout is not None and waiting.stdout.readline() == "held\n" and ended == [None]
    kill(waiting)
    assert not list((tmp_path / HELPERS).iterdir())


def test_a_helper_that_ends_leaves_no_file(tmp_path: Path) -> None:
    with helping(tmp_path), helping(tmp_path):
        assert len(list((tmp_path / HELPERS).iterdir())) == 2
    assert not list((tmp_path / HELPERS).iterdir())


def test_a_file_system_without_locks_refuses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise NotImplementedError("no flock")

    monkeypatch.setattr(FileLock, "acquire", unknown)
    with alone(tmp_path, "training"), alone(tmp_path, "training"), helping(tmp_path):
        assert not taken(tmp_path)
