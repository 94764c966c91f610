"""Every way to run tasks gives the same results, reports and errors, and leaving early drops what has not begun."""

from __future__ import annotations

import importlib.util
import os
import pickle
import sys

import pytest

from gpproxy.errors import ConfigError, RunError
from gpproxy.execution.scheduler import open_tasks, run_steps, run_tasks
from gpproxy.execution.task import Lost, where
from gpproxy.registry import PLUGINS, load_plugin
from gpproxy.statistics.collect import collect
from gpproxy.statistics.collection import Collection
from tests.execution.work import count, die, divide, sized, threads, turns, unsendable
from tests.statistics.tiny_tables import differences, tiny

TASKS = [(7, 2), (9, 4), (2, 5), (1, 8), (3, 1)]
HERE, PROCESSES = {"workers": 1}, {"workers": 2}
RAY = pytest.param(
    {"cluster": "ray"},
    id="ray",
    marks=pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (gpproxy[ray])"),
)
EVERY = pytest.mark.parametrize("how", [pytest.param(HERE, id="here"), pytest.param(PROCESSES, id="processes"), RAY])
ELSEWHERE = pytest.mark.parametrize("how", [pytest.param(PROCESSES, id="processes"), RAY])


@EVERY
def test_every_task_has_its_result(how):
    assert sorted(run_tasks(divide, TASKS, **how)) == sorted((task, task[0] / task[1]) for task in TASKS)
    assert list(run_tasks(divide, [], **how)) == []


def test_one_process_keeps_the_order():
    assert [task for task, _ in run_tasks(divide, TASKS)] == TASKS


@EVERY
def test_results_are_there_in_any_order_that_the_caller_asks_for(how):
    with open_tasks(divide, **how) as submit:
        first, second = submit(*TASKS[0]), submit(*TASKS[1])
        assert second() == 9 / 4
        third, bad = submit(*TASKS[2]), submit(1, 0)
        assert first() == 7 / 2
        with pytest.raises(ZeroDivisionError):
            bad()
        assert third() == 2 / 5  # one that fails takes no other with it


@EVERY
def test_what_a_task_raises_is_raised_here_with_its_place(how):
    with pytest.raises(ZeroDivisionError) as error:
        dict(run_tasks(divide, [(1, 0), (1, 2)], **how))
    assert "tests/execution/work.py" in where(error.value)


@ELSEWHERE
def test_what_cannot_travel_says_so(how):
    with pytest.raises(RunError, match="cannot be sent to another process: Odd: odd 1"):
        dict(run_tasks(divide, [(1, 13), (1, 13)], **how))
    with pytest.raises(RunError, match="cannot be sent to another process: TypeError"):
        list(run_tasks(unsendable, [(), ()], **how))


@ELSEWHERE
def test_large_tasks_and_results_wait_for_nobody(how):
    padding = bytes(2**21)
    found = run_tasks(sized, [(2**21 + i, padding) for i in range(6)], **how)
    assert sorted(len(result) for _, result in found) == [2**21 + i for i in range(6)]


@ELSEWHERE
def test_processes_have_one_thread_and_the_plugins(how, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text("")
    load_plugin(plugin)
    try:
        for _, found in run_tasks(threads, [(), ()], **how):
            assert found[0] != os.getpid() and found[1:] == (1, True)
    finally:
        PLUGINS.remove(plugin.resolve())
        del sys.modules["gpproxy_plugin_mine"]


def test_a_process_that_is_killed_is_told_with_its_task_and_its_code():
    with pytest.raises(Lost, match=r"\(die\) was lost: its process ended with code -9, most likely because memory"):
        list(run_tasks(die, [("die",), ("live",)], workers=2))
    with open_tasks(die, workers=2) as submit:
        submit("live")
        with pytest.raises(Lost, match=r"\(die\) was lost"):
            submit("die")()
    with pytest.raises((pickle.PicklingError, AttributeError)), open_tasks(die, workers=2) as submit:
        submit(lambda: None)


@EVERY
@pytest.mark.parametrize("together", [1, 3])
def test_long_tasks_report_and_one_that_fails_takes_no_other_with_it(how, together, tmp_path):
    tasks = [(steps, str(tmp_path)) for steps in (3, 4, 13, 5, 2, 6)]
    news = list(run_steps(count, tasks, together=together, turns=turns, **how))
    for task in tasks:
        mine = [one for one in news if one.task == task]
        steps = 0 if task[0] == 13 else task[0]
        assert [one.report for one in mine[:-1]] == list(range(1, steps + 1)) and mine[-1].ended
        if task[0] == 13:
            assert isinstance(mine[-1].error, RunError) and str(mine[-1].error) == "unlucky"
        else:
            assert mine[-1].error is None and mine[-1].result == f"{steps} steps"


@EVERY
def test_long_tasks_are_stopped_after_their_step_and_go_on_later(how, tmp_path, monkeypatch):
    monkeypatch.setattr("gpproxy.execution.cluster.PAUSE", 0.05)  # these tasks take 0.6 s
    tasks, seen = [(60 + i, str(tmp_path)) for i in range(6)], []
    for one in run_steps(count, tasks, stop=lambda: len(seen) >= 2, **how):
        seen.append(one)
        assert one.error is None and one.result is None
    begun = {path.name: int(path.read_text()) for path in tmp_path.iterdir()}
    assert 1 <= len(begun) <= 4 and all(1 <= steps < 60 for steps in begun.values())
    news = list(run_steps(count, tasks, **how))
    assert sorted(one.result for one in news if one.ended) == [f"{60 + i} steps" for i in range(6)]
    assert sum(not one.ended for one in news) == sum(task[0] for task in tasks) - sum(begun.values())


def test_a_killed_process_is_told_and_the_others_go_on(tmp_path):
    tasks = [(66, str(tmp_path)), (20, str(tmp_path)), (21, str(tmp_path))]
    ended = {one.task[0]: one for one in run_steps(count, tasks, workers=2) if one.ended}
    assert str(ended[66].error) == "it was lost: its process ended with code -9."
    assert ended[20].result == "20 steps" and ended[21].result == "21 steps"
    lost = [one.error for one in run_steps(count, [(66, str(tmp_path))] * 3, workers=2)]
    assert [str(one) for one in lost][-1] == "it was not begun: no process is left." and len(lost) == 3


def test_what_is_left_in_the_middle_is_closed_at_once(tmp_path):
    """It may hold files and locks that the same process takes next."""
    closed: list[int] = []

    def forever(number, stop):
        try:
            while True:
                yield number
        finally:
            closed.append(number)

    results = run_steps(forever, [(1,), (2,), (3,)], together=2, turns=turns)
    assert [next(results).report for _ in range(4)] == [1, 2, 1, 2]
    results.close()
    assert sorted(closed) == [1, 2]


def test_without_ray_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'gpproxy\[ray\]'"):
        list(run_tasks(divide, TASKS, cluster="ray"))
    with pytest.raises(ConfigError, match="must be 'ray' or empty, but is 'slurm'"):
        list(run_tasks(divide, TASKS, cluster="slurm"))


@ELSEWHERE
def test_statistics_from_elsewhere_are_the_same(how, tmp_path):
    way, codes = Collection(samples=4, proxies=("nwot",), proxy_samples=3), ["plain-3", "crash-3", "linear-6"]
    here = collect(tiny.Tiny(), codes, way, cache_folder=tmp_path / "here")
    there = collect(tiny.Tiny(), codes, way, cache_folder=tmp_path / "there", **how)
    assert differences(here[0], there[0]) == [] and here[1] == there[1]


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (gpproxy[ray])")
def test_a_local_cluster_has_ordinary_priority():
    ((_, nice),) = run_tasks(os.nice, [(0,)], cluster="ray")
    assert nice == os.nice(0)


def test_leaving_early_lets_what_runs_end_its_step_and_drops_the_rest(tmp_path):
    results = run_steps(count, [(30 + i, str(tmp_path)) for i in range(8)], workers=2)
    next(results)
    results.close()
    begun = list(tmp_path.iterdir())
    assert 1 <= len(begun) <= 2 and all(path.read_text() for path in begun)
