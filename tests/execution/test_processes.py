"""Whichever way a program ends, its processes end with it, in silence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")

#: Prints when the work has begun; its processes would go on for ten minutes.
SHORT = """
from gpproxy.execution.scheduler import run_tasks
from tests.execution.work import say_and_sleep
list(run_tasks(say_and_sleep, [(600,), (601,)], workers=2))
"""
#: The same, left in the middle.
LEFT = """
import itertools
from gpproxy.execution.scheduler import run_steps
from tests.execution.work import wait_for_end
kept = run_steps(wait_for_end, [(FOLDER,), (FOLDER,)], workers=2)
next(kept)
print("begun", flush=True)
"""
LONG = """
from gpproxy.execution.scheduler import run_steps
from tests.execution.work import wait_for_end
for number, _ in enumerate(run_steps(wait_for_end, [(FOLDER,), (FOLDER,)], workers=2)):
    if number == 9:
        print("begun", flush=True)
"""
#: What the commands do with SIGTERM: as with Ctrl-C.
TERM = """
import signal
def end(number, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, end)
"""
QUIET = """
try:
    exec(SCRIPT)
except KeyboardInterrupt:
    raise SystemExit(143)
"""


def start(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(("sent", "times"), [("SIGINT", 2), ("SIGKILL", 1)])
def test_no_process_outlives_ctrl_c_or_a_kill(sent: str, times: int) -> None:
    process = start(SHORT)
    assert process.stdout is not None
    assert process.stdout.readline() == process.stdout.readline() == "begun\n"
    for _ in range(times):
        if sent == "SIGKILL":
            process.kill()
        else:
            os.killpg(process.pid, getattr(signal, sent))  # as a terminal does: to all processes
        time.sleep(0.1)
    errors = process.communicate(timeout=30)[1]  # the end of the pipe: all that share it are gone
    assert process.returncode != 0
    assert "SpawnProcess" not in errors and "ForkServerProcess" not in errors and "leaked" not in errors


@pytest.mark.parametrize(("script", "to_all"), [(SHORT, False), (LONG, True)])
def test_sigterm_that_is_handled_as_ctrl_c_ends_in_silence(script: str, to_all: bool, tmp_path: Path) -> None:
    process = start(TERM + f"FOLDER = {str(tmp_path)!r}\nSCRIPT = {script!r}" + QUIET)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    if to_all:
        os.killpg(process.pid, signal.SIGTERM)
    else:
        process.terminate()
    errors = process.communicate(timeout=30)[1]
    assert process.returncode == 143 and errors == ""
    assert [path.read_text() for path in tmp_path.iterdir()] == ["saved"] * (2 if script == LONG else 0)


def test_long_tasks_save_their_state_when_their_owner_is_killed(tmp_path: Path) -> None:
    process = start(f"FOLDER = {str(tmp_path)!r}\n" + LONG)
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    process.kill()
    process.communicate(timeout=30)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["saved"] * 2


def test_a_program_that_ends_in_the_middle_does_not_wait_for_its_processes(tmp_path: Path) -> None:
    process = start(f"FOLDER = {str(tmp_path)!r}\n" + LEFT)
    assert process.communicate(timeout=30) == ("begun\n", "") and process.returncode == 0


def test_ctrl_c_in_the_first_moment_is_not_seen_by_what_makes_processes() -> None:
    script = "from gpproxy.execution.server import warm_up\nwarm_up()\nprint('begun', flush=True)\n"
    process = start(script + "import time; time.sleep(9)")
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    time.sleep(0.3)  # into the import of torch over there
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt")
