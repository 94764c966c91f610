"""A Ray cluster of three nodes on this machine: the same results as here, whatever is killed, and no file is shared."""

from __future__ import annotations

import dataclasses
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gpproxy.benchmark.settings import BuildSettings
from gpproxy.benchmark.trainings import reports
from gpproxy.errors import ConfigError, RunError
from gpproxy.evolve import run_seeds
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.execution import cluster, workfolder
from gpproxy.execution.cluster import RayCluster, check_cluster, connect, pause_of
from gpproxy.execution.scheduler import open_tasks, run_steps, run_tasks
from gpproxy.execution.task import never, unpacked
from gpproxy.execution.workfolder import WorkFolder
from gpproxy.registry import PLUGINS, load_plugin
from gpproxy.search.strategies import Random
from gpproxy.statistics.collect import collect
from gpproxy.statistics.collection import Collection
from tests.campaign.kills import content, different
from tests.commands import FAKE, small
from tests.execution.work import count_on, die, divide, slow, threads
from tests.search.setups import FORWARD, fake_setup, fake_space, last
from tests.statistics.tiny_tables import differences, tiny

ray: Any = pytest.importorskip("ray", reason="Ray is not installed (gpproxy[ray])")


def patient(start: Callable[[], Any]) -> Any:
    """Starts a node; Ray gives it 30 seconds, which are few on a busy machine."""
    for _ in range(3):
        try:
            return start()
        except Exception as error:
            if "timed out" not in str(error):
                raise
    pytest.skip("the machine is too busy to start nodes of a cluster in time")


class Nodes:
    """Three nodes with a core each, two of which can be killed."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        os.environ.setdefault("RAY_worker_niceness", "0")  # else they starve beside whatever else runs
        quickly = {"health_check_period_ms": 500, "health_check_timeout_ms": 2000, "health_check_failure_threshold": 3}
        head = {"num_cpus": 1, "include_dashboard": False, "_system_config": quickly}
        self.cluster = patient(lambda: Cluster(initialize_head=True, head_node_args=head))
        self.more = [patient(lambda: self.cluster.add_node(num_cpus=1)) for _ in range(2)]
        self.name = f"ray:{self.cluster.address}"

    def kill(self) -> None:
        self.cluster.remove_node(self.more.pop(), allow_graceful=False)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    ray.shutdown()
    nodes = Nodes()
    yield nodes
    ray.shutdown()
    nodes.cluster.shutdown()


def test_long_tasks_are_stopped_with_what_they_have(nodes: Nodes, tmp_path: Path) -> None:
    place, seen = WorkFolder(tmp_path / "one"), []
    for news in run_steps(count_on, [(500, 0.02, place)], stop=lambda: len(seen) > 5, cluster=nodes.name):
        seen.append(news)
    steps = int((place.path / "count").read_text())
    assert 5 < steps < 500
    assert [one.result for one in run_steps(count_on, [(steps + 3, 0.0, place)], cluster=nodes.name)][-1] == (
        f"{steps + 3} steps"
    )


def test_a_long_task_does_not_wait_for_the_answer_whether_to_stop(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ray gives the core of one that waits to the next task, which then runs beside it in a process of its own.
    monkeypatch.setattr(cluster, "_begin", lambda found, there: None)
    connect(nodes.name)
    answer = ray.remote(slow).remote(0, 5.0)
    flag = SimpleNamespace(get=SimpleNamespace(remote=lambda: answer))
    place = WorkFolder(tmp_path / "one")
    sent = [(0, pickle.dumps((count_on, (20, 0.01, place))))]
    *_, (_, said) = cluster._in_steps(sent, ((), ()), ("", ""), flag, 60.0, 0.01)
    assert unpacked(said[-1]).value == "20 steps" and not ray.wait([answer], timeout=0)[0]
    ray.cancel(answer)


def test_a_task_that_kills_its_process_is_left_out_and_the_others_go_on(nodes: Nodes) -> None:
    tasks = [("die",), *((f"{i}",) for i in range(12))]
    found = dict(run_tasks(die, tasks, cluster=nodes.name, left_out=lambda task, why: why))
    assert found.pop(("die",)).startswith("has ended its process 3 times")
    assert found == {task: task[0] for task in tasks[1:]}
    with open_tasks(die, cluster=nodes.name, left_out=lambda task, why: None) as submit:
        waits = [submit("die"), submit("live")]
        assert [wait() for wait in waits] == [None, "live"] and submit.workers == 3


def test_short_tasks_travel_in_batches_and_few_are_out(nodes: Nodes) -> None:
    sizes: set[int] = set()
    with RayCluster(connect(nodes.name)) as place:
        for number in range(3000):
            place.submit(number, divide, (number, 1))
        done = 0
        while (message := place.take()) is not None:
            done += message.value == message.number
            sizes |= {len(numbers) for numbers in place._out.values()}
            assert len(place._out) <= 2 * place.workers
    assert done == 3000 and max(sizes) > 50


def test_plug_ins_and_proxy_files_travel_as_source(nodes: Nodes, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("import pathlib\nassert pathlib.Path(__file__).name == 'mine.py'\n")
    load_plugin(plugin)
    try:
        ((_, found),) = run_tasks(threads, [()], cluster=nodes.name)
        assert found[1:] == (1, True)
    finally:
        PLUGINS.remove(plugin.resolve())
        del sys.modules["gpproxy_plugin_mine"]
    file = tmp_path / "own.py"
    file.write_text("def score(generator, inputs):\n    return float(sum(p.numel() for p in generator.parameters()))\n")
    setup = fake_setup(str(file), plain=False)
    moved = [list(last(Random(fake_space(), 0), setup, 12, cluster=cluster).seen) for cluster in ("", nodes.name)]
    assert list(map(repr, moved[0])) == list(map(repr, moved[1])) and len(moved[0]) == 12  # latencies are NaN


def test_looks_and_candidates_are_those_of_one_process(nodes: Nodes, tmp_path: Path) -> None:
    way, codes = Collection(samples=4, proxies=("nwot",), proxy_samples=3), ["plain-3", "crash-3", "linear-6", "deep-4"]
    here = collect(tiny.Tiny(), codes, way, cache_folder=tmp_path / "here")
    there = collect(tiny.Tiny(), codes, way, cache_folder=tmp_path / "there", cluster=nodes.name)
    assert differences(here[0], there[0]) == [] and here[1] == there[1]
    runs = [last(Random(fake_space(), 3), fake_setup(FORWARD), 30, cluster=cluster) for cluster in ("", nodes.name)]
    assert list(map(repr, runs[0].seen)) == list(map(repr, runs[1].seen))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the command has it; others add numbers up in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_trainings_are_those_of_one_process(nodes: Nodes, tmp_path: Path) -> None:
    from gpproxy.benchmark.builder import Build, training_task

    tables = []
    for name in ("", nodes.name):
        settings = BuildSettings(
            data="shapes",
            size=2,
            trainings=1,
            steps=4,
            batch=4,
            width=8,
            resolution=16,
            samples=20,
            limit=64,
            out=str(tmp_path / f"out{len(tables)}"),
            cluster="ray" if name else "",
            cluster_address=name.partition(":")[2],
        )
        build = Build(settings, training_task(settings))
        ended = [one for one in build.run() if one.ended or one.problem]
        assert [one.problem for one in ended] == ["", ""]
        rows = (settings.folder / "autogan-shapes.csv").read_text().splitlines()
        column = rows[0].split(",").index("seconds")
        tables.append([[cell for i, cell in enumerate(row.split(",")) if i != column] for row in rows])
        kept = sorted(path.name for path in (settings.folder / "trainings").rglob("*") if path.is_file())
        assert kept.count("outcome.json") == 2 and "last.pt" not in kept
    assert tables[0] == tables[1]


@pytest.mark.usefixtures("one_thread")
def test_seeds_are_those_of_one_process(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "cache"))
    address, found = nodes.name.partition(":")[2], []
    for name in ("here", "there"):
        cluster = {"cluster": "ray", "cluster_address": address} if name == "there" else {}
        config = small(tmp_path / name, generations=2, seeds="0-1", proxies="none", **cluster)
        found.append(run_seeds(config)["fake"])
    assert found[0] == found[1]
    for seed in (0, 1):
        one, other = (content(tmp_path / name / f"s{seed}") for name in ("here", "there"))
        assert different(one, other) == ["config.toml"]  # it names the cluster
        assert EvolveFolder.open(tmp_path / "there" / f"s{seed}").config.plugins == (FAKE,)


def test_other_images_there_are_refused(nodes: Nodes, tmp_path: Path) -> None:
    from gpproxy.benchmark.builder import training_task
    from gpproxy.benchmark.jobs import Job

    settings = BuildSettings(data="shapes", size=1, steps=2, width=8, resolution=16, samples=20, out=str(tmp_path))
    task = training_task(settings)
    code = task.space.encode(next(task.space.enumerate()))
    task.__dict__["images"] = dataclasses.replace(task.images.first(4))
    (told,) = [
        one.problem
        for one in reports([Job(code, 0)], task, settings, training_task, never, cluster=nodes.name)
        if one.problem
    ]
    assert "has other images of shapes than this one" in told


def test_where_nothing_answers_the_sentence_says_so() -> None:
    with pytest.raises(ConfigError, match="Ray Client"):
        check_cluster("ray:ray://head:10001")


def test_files_do_not_leave_their_folder(tmp_path: Path) -> None:
    workfolder.write(tmp_path / "in", {"a/b.txt": b"1", "c": b"2"})
    assert workfolder.read(tmp_path / "in") == {"a/b.txt": b"1", "c": b"2"}
    for name in ("../x", "/x", "a/../../x", ""):
        with pytest.raises(RunError, match="does not lie in its folder"):
            workfolder.write(tmp_path / "in", {name: b"3"})
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_all_nodes_work_and_one_that_is_killed_loses_nothing(nodes: Nodes) -> None:
    found, where = [], set()
    for number, (task, (same, node)) in enumerate(run_tasks(slow, [(i, 0.2) for i in range(40)], cluster=nodes.name)):
        assert task[0] == same
        found.append(same)
        where.add(node)
        if len(where) == 3 and len(nodes.more) == 2 and number >= 6:
            nodes.kill()
    assert sorted(found) == list(range(40)) and len(where) == 3 and len(nodes.more) == 1


def test_a_long_task_goes_on_elsewhere_from_what_it_had_sent(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workfolder, "CARRY", 0.3)
    places = [WorkFolder(tmp_path / f"{i}") for i in range(2)]
    killed = 0.0
    ends = {}
    for news in run_steps(count_on, [(60, 0.1, place) for place in places], cluster=nodes.name):
        if news.ended:
            ends[news.task[2].path.name] = news.result
        if not killed and all((one.path / "count").is_file() for one in places):
            killed = time.monotonic()
            nodes.kill()
    assert killed and ends == {"0": "60 steps", "1": "60 steps"}
    begun = [line.split() for one in places for line in (one.path / "begun.txt").read_text().splitlines()]
    assert {carried for _, carried in begun} == {"True"}
    assert [int(steps) > 0 for steps, _ in begun].count(True) == 1  # the one that was lost
    assert all((one.path / "count").read_text() == "60" for one in places)


def test_very_many_long_tasks_speak_more_rarely() -> None:
    assert pause_of(1) == pause_of(100) == 0.5 and pause_of(4000) == 20
