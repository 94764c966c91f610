"""A cluster of 1 to 1,000 machines, simulated: how long candidates and trainings take, and what the command bears.

    python -m tests.speed.simulation
    python -m tests.speed.simulation --measure        # what a call of Ray costs here (needs gpproxy[ray])

The driver is the real one: `gpproxy.search.loop`, its store, `gpproxy.execution.cluster` and all pickling. Ray alone is
replaced, by a clock that knows when each task will end: its cores take the times that are given below, and every moment
that the driver computes passes on that clock as well, as does what Ray itself takes of it per call. Networks are taken
as fast enough; the bytes are counted.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import pickle
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gpproxy.execution.cluster as cluster
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.execution.scheduler import run_steps
from gpproxy.execution.task import REPORT, RESULT, Message, packed
from gpproxy.execution.workfolder import CARRY, WorkFolder
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Setup, Work
from gpproxy.proxies.size import Sizer
from gpproxy.search.limits import Limits
from gpproxy.search.loop import search
from gpproxy.search.store import Store
from gpproxy.search.strategies import Random
from gpproxy.search_spaces.check import make_space

#: Cores of a machine, and how many there are.
CORES, MACHINES = 4, (1, 10, 100, 1000)


@dataclass
class Virtual:
    """What stands for Ray.

    Attributes:
        cores: tasks that run at a time.
        call, each: seconds of the driver per call of Ray, and per task that a call to wait looks at.
        now: seconds on its clock.
        busy: of these, in which the driver computes.
        sent, received: bytes.
    """

    cores: int
    task: Any
    call: float
    each: float
    now: float = 0.0
    busy: float = 0.0
    sent: int = 0
    received: int = 0
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(RayError=_Never))

    def __post_init__(self) -> None:
        self._free = [0.0] * self.cores
        self._due: list[tuple[float, int, Any, bool]] = []
        self._order = itertools.count()
        self._values: dict[Any, Any] = {}
        self._mark = time.process_time()

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.cores)}

    def cancel(self, one: Any) -> None:
        pass

    def kill(self, one: Any) -> None:
        pass

    def remote(self, function: Any) -> Any:
        return SimpleNamespace(options=lambda **how: SimpleNamespace(remote=self._begin))

    def _begin(self, sent: Any, *more: Any) -> Any:
        self._compute(self.call)
        self.sent += sum(len(data) for _, data in sent)
        begin = max(self.now, heapq.heappop(self._free))
        ref = object() if self.task.steps == 0 else _Stream()
        end = begin
        for end, value in self.task.told(begin, [number for number, _ in sent]):
            heapq.heappush(self._due, (end, next(self._order), (ref, value), False))
        if isinstance(ref, _Stream):
            heapq.heappush(self._due, (end, next(self._order), (ref, None), True))
        heapq.heappush(self._free, end)
        return ref

    def wait(self, refs: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        self._compute(self.call + self.each * len(refs))
        if timeout:
            self.now = max(self.now, self._due[0][0])
        found: dict[Any, Any] = {}
        again = []
        while self._due and self._due[0][0] <= self.now and len(found) < num_returns:
            one = heapq.heappop(self._due)
            ref, value = one[2]
            if ref in found:  # a stream tells one thing at a time
                again.append(one)
            elif timeout and len(refs) > cluster.MANY:  # it is asked again at once, for all
                again.append(one)
                found[ref] = None
            else:
                found[ref], self._values[ref] = value, value
                if isinstance(ref, _Stream):
                    ref.last = one[3]
        for one in again:
            heapq.heappush(self._due, one)
        self._mark = time.process_time()
        return list(found), []

    def get(self, one: Any) -> Any:
        self._compute(self.call)
        seconds, made = self._values.pop(one)
        said = made()
        self.received += sum(len(data) if isinstance(data, bytes) else sum(map(len, data.values())) for data in said)
        self._mark = time.process_time()  # what another machine has computed is not the driver's
        return seconds, said

    def _compute(self, more: float) -> None:
        """The driver's own time until now passes."""
        spent = time.process_time() - self._mark + more
        self.busy += spent
        self.now += spent
        self._mark = time.process_time()


class _Never(Exception):
    pass


class _Stream:
    last = False

    def __next__(self) -> _Stream:
        if self.last:
            raise StopIteration
        return self


@dataclass
class Candidates:
    """Scores of short tasks, that come back in batches."""

    seconds: float
    codes: dict[int, str]
    steps: int = 0

    def told(self, begin: float, numbers: list[int]) -> Iterator[tuple[float, Any]]:
        spent = self.seconds * len(numbers)
        yield begin + spent, (spent, lambda: [packed(Message(n, RESULT, self._scored(n))) for n in numbers])

    def _scored(self, number: int) -> Any:
        found = Scored(f"{number:016x}"[-16:], (random.Random(number).random(),), 1e6, 1e8)
        return [Scored(self.codes[number], found.scores, found.params, found.macs)], Work(1, 1, 0, self.seconds)


@dataclass
class Trainings:
    """Long tasks that report, and whose folder comes back now and then."""

    seconds: float
    folder: int
    pause: float
    steps: int = 1

    def told(self, begin: float, numbers: list[int]) -> Iterator[tuple[float, Any]]:
        (number,) = numbers
        end, carried = begin + self.seconds * random.Random(number).uniform(0.5, 1.5), begin
        moment = begin + self.pause
        while moment < end:
            files = moment - carried >= CARRY
            carried = moment if files else carried
            yield moment, (0.0, lambda f=files: self._said(number, REPORT, f))
            moment += self.pause
        yield end, (0.0, lambda: self._said(number, RESULT, True))

    def _said(self, number: int, kind: str, files: bool) -> list[Any]:
        carried = [{"last.pt": b"x" * self.folder}] if files else []
        return [*carried, packed(Message(number, kind, (100, 200)))]


def of_candidates(cores: int, count: int, seconds: float, call: float, each: float) -> Virtual:
    """A search by the real loop with its store."""
    space = make_space("autogan", {})
    settings = tuple(asdict(space.settings).items())
    estimator = ProxyEstimator(Setup(space.name, settings, (Proxy.load("nwot"),), plain=True))
    task = Candidates(seconds, {})
    sizer, ray = Sizer(space), Virtual(cores, task, call, each)
    submit = cluster.RayCluster.submit

    def noted(self: Any, number: int, function: Any, arguments: Any) -> None:
        (task.codes[number],) = arguments[1]
        submit(self, number, function, arguments)

    with tempfile.TemporaryDirectory() as place, Store.open(Path(place) / "store.sqlite", 1) as store:
        cluster.connect, cluster.RayCluster.submit = lambda name: ray, noted  # type: ignore[assignment, method-assign]
        try:
            for _ in search(Random(space, 0), estimator, sizer, Limits(), count, cluster="ray", store=store):
                pass
        finally:
            cluster.RayCluster.submit = submit  # type: ignore[method-assign]
    return ray


def of_trainings(cores: int, count: int, seconds: float, folder: int, call: float, each: float) -> Virtual:
    """Trainings by the real scheduler; their files are written here, as they would be."""
    ray = Virtual(cores, Trainings(seconds, folder, cluster.pause_of(cores)), call, each)
    cluster.connect = lambda name: ray  # type: ignore[assignment]
    cluster.RayCluster._raised = lambda self: None  # type: ignore[method-assign]  # nobody says to stop here
    with tempfile.TemporaryDirectory() as place:
        tasks = [(WorkFolder(Path(place) / str(i)),) for i in range(count)]
        for _ in run_steps(nothing, tasks, cluster="ray"):
            pass
    return ray


def nothing(folder: WorkFolder, stop: Any) -> Iterator[None]:
    """What is never run: another machine would do it."""
    yield None


def measured() -> tuple[float, float]:
    """CPU seconds of this process per call of Ray, and per task that a call to wait looks at."""
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    echo, slow = ray.remote(_echo), ray.remote(_slow)
    data = pickle.dumps(list(range(500)))
    ray.get([echo.remote(data) for _ in range(50)])
    count, begun = 1000, time.process_time()
    for one in [echo.remote(data) for _ in range(count)]:
        ray.get(one)
    call = (time.process_time() - begun) / (2 * count)
    out = [slow.options(num_cpus=0).remote() if i < 1 else slow.options(num_cpus=100).remote() for i in range(2000)]
    begun = time.process_time()
    for _ in range(20):
        ray.wait(out, num_returns=1, timeout=0)
    return call, (time.process_time() - begun) / (20 * len(out))


def _echo(data: bytes) -> bytes:
    return data


def _slow() -> None:
    time.sleep(600)


def told(what: str, machines: int, count: int, whole: int, found: Virtual) -> str:
    """A line of the table, for the whole work where a part was simulated."""
    times, rate = whole / count, count / found.now
    share, traffic = found.busy / found.now, (found.sent + found.received) * times / 1e9
    return (
        f"{what:10} {machines:5,} machines {whole:9,}: {found.now * times / 3600:9.2f} h, {rate:9,.1f} a second, "
        f"driver busy {share:4.0%}, {traffic:6.2f} GB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true", help="only what a call of Ray costs here")
    parser.add_argument("--candidates", type=int, default=20_000, help="simulated ones of a million")
    parser.add_argument("--trainings", type=int, default=10_000)
    parser.add_argument("--candidate", type=float, default=0.05, help="seconds of one by a forward-only proxy")
    parser.add_argument("--training", type=float, default=47.0, help="seconds of one")
    parser.add_argument("--folder", type=int, default=400_000, help="bytes of a training's folder")
    parser.add_argument("--call", type=float, default=3e-4, help="seconds of the driver per call of Ray")
    parser.add_argument("--each", type=float, default=1e-6, help="the same per task that a call to wait looks at")
    given = parser.parse_args()
    if given.measure:
        call, each = measured()
        print(f"--call {call:.2g} --each {each:.2g}")
        return
    cost = given.call, given.each
    for machines in MACHINES:
        found = of_candidates(machines * CORES, given.candidates, given.candidate, *cost)
        print(told("candidates", machines, given.candidates, 1_000_000, found), flush=True)
    for machines in MACHINES:
        found = of_trainings(machines * CORES, given.trainings, given.training, given.folder, *cost)
        print(told("trainings", machines, given.trainings, given.trainings, found), flush=True)


if __name__ == "__main__":
    main()
