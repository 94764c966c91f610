"""Where tasks run: every way gives the results of the others, and leaving early stops what has not begun."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpproxy.errors import ConfigError
from gpproxy.execution.scheduler import run_tasks
from gpproxy.statistics.collect import Collection, collect
from tests.statistics.tiny_tables import differences, tiny

TASKS = [(7, 3), (9, 4), (2, 5)]


#: Prints when the work has begun; its processes would go on for ten minutes.
LONG = """
from gpproxy.execution.scheduler import run_tasks
from tests.execution.test_scheduler import say_and_sleep
list(run_tasks(say_and_sleep, [(600,), (601,)], workers=2))
"""


def say_and_sleep(seconds):
    print("begun", flush=True)
    time.sleep(seconds)


class FakeRay:
    """The calls that the executor makes, answered in this process; the last task is done first."""

    def __init__(self):
        self.started, self.cancelled = False, []

    def is_initialized(self):
        return self.started

    def init(self, **settings):
        self.started = True

    def remote(self, function):
        return SimpleNamespace(remote=lambda *task: (function, task))

    def wait(self, waiting, num_returns):
        return waiting[-num_returns:], waiting[:-num_returns]

    def get(self, reference):
        function, task = reference
        return function(*task)

    def cancel(self, reference):
        self.cancelled.append(reference[1][2:])


def test_one_process_keeps_the_order():
    assert list(run_tasks(divmod, TASKS)) == [((7, 3), (2, 1)), ((9, 4), (2, 1)), ((2, 5), (0, 2))]


def test_ray_runs_every_task_and_cancels_the_rest_when_left_early(monkeypatch):
    fake = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", fake)
    assert dict(run_tasks(divmod, TASKS, cluster="ray")) == dict(run_tasks(divmod, TASKS))
    assert fake.started and not fake.cancelled
    results = run_tasks(divmod, TASKS, cluster="ray")
    assert next(results) == ((2, 5), (0, 2))
    results.close()
    assert fake.cancelled == TASKS[:2]


def test_without_ray_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'gpproxy\[ray\]'"):
        list(run_tasks(divmod, TASKS, cluster="ray"))
    with pytest.raises(ConfigError, match="must be 'ray' or empty, but is 'slurm'"):
        list(run_tasks(divmod, TASKS, cluster="slurm"))


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra gpproxy[ray])")
def test_statistics_from_a_ray_cluster_are_the_same(tmp_path):
    how, codes = Collection(samples=4, proxies=("nwot",), proxy_samples=3), ["plain-3", "crash-3", "linear-6"]
    here = collect(tiny.Tiny(), codes, how, cache_folder=tmp_path / "here")
    there = collect(tiny.Tiny(), codes, how, cache_folder=tmp_path / "there", cluster="ray")
    assert differences(here[0], there[0]) == [] and here[1] == there[1]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
@pytest.mark.parametrize(("sent", "times"), [("SIGINT", 2), ("SIGKILL", 1)])
def test_no_process_outlives_ctrl_c_or_a_kill(sent, times):
    process = subprocess.Popen(
        [sys.executable, "-c", LONG],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == process.stdout.readline() == "begun\n"
    for _ in range(times):
        if sent == "SIGINT":
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
        else:
            process.kill()
        time.sleep(0.1)
    errors = process.communicate(timeout=30)[1]  # the end of the pipe: all that share it are gone
    assert process.returncode != 0
    assert "SpawnProcess" not in errors and "ForkServerProcess" not in errors


def test_ctrl_c_in_the_first_moment_is_not_seen_by_what_makes_processes():
    script = "from gpproxy.execution.scheduler import warm_up\nwarm_up()\nprint('begun', flush=True)\n"
    script += "import time; time.sleep(9)"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.3)  # into the import of torch over there
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt")
