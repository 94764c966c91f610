"""Looks, search candidates and trainings by processes of this machine against a Ray cluster on it: throughput ratios.

    python -m tests.speed.cluster --workers 2 --looks 40 --candidates 200 --trainings 12 --repeats 2

Both have as many processes; what starts them (and loads torch there) is not counted: a few tasks go before.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from gpproxy.benchmark.builder import Build
from gpproxy.benchmark.settings import BuildSettings
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Setup
from gpproxy.proxies.size import Sizer
from gpproxy.search.limits import Limits
from gpproxy.search.loop import search
from gpproxy.search.strategies import Random
from gpproxy.search_spaces.check import make_space
from gpproxy.statistics.collect import fill
from gpproxy.statistics.collection import Collection


def looks(codes: list[str], space: object, workers: int, cluster: str) -> float:
    """Looks per second of full looks at 16 inputs."""
    marks: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        how = Collection(samples=16, proxies=())
        fill(
            space,  # type: ignore[arg-type]
            codes,
            how,
            cache_folder=Path(place),
            workers=workers,
            cluster=cluster,
            on_progress=lambda done, total: marks.append(time.perf_counter()),
        )
    warm = 2 * workers
    return (len(marks) - 1 - warm) / (marks[-1] - marks[warm])


def candidates(setup: Setup, count: int, workers: int, cluster: str) -> float:
    """Candidates per second of a random search by a forward-only formula."""
    space = make_space(setup.space, dict(setup.settings))
    marks = []
    for progress in search(
        Random(space, 0), ProxyEstimator(setup), Sizer(space), Limits(), count, workers=workers, cluster=cluster
    ):
        marks.append((time.perf_counter(), len(progress.seen)))
    first = next(mark for mark in marks if mark[1] >= 16 * workers)
    return (marks[-1][1] - first[1]) / (marks[-1][0] - first[0])


def trainings(count: int, steps: int, workers: int, cluster: str) -> float:
    """Trainings of a table per second, each of so many steps, with their measurement."""
    marks = []
    with tempfile.TemporaryDirectory() as place:
        settings = BuildSettings(
            data="shapes",
            size=count,
            trainings=1,
            steps=steps,
            width=16,
            resolution=16,
            samples=200,
            out=place,
            workers=workers,
            cluster=cluster,
        )
        for report in Build(settings).run():
            if report.ended:
                marks.append(time.perf_counter())
    return (len(marks) - workers) / (marks[-1] - marks[workers - 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--looks", type=int, default=40)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--trainings", type=int, default=12)
    parser.add_argument("--steps", type=int, default=100, help="of a training")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--space", default="transnas-micro", help="of looks and candidates; trainings are of autogan")
    given = parser.parse_args()
    import ray

    os.environ.setdefault("RAY_worker_niceness", "0")
    ray.init(address="local", num_cpus=given.workers, include_dashboard=False, log_to_driver=False)
    space = make_space(given.space, {})
    rng = random.Random(0)
    codes = [space.encode(space.sample(rng)) for _ in range(given.looks)]
    settings = tuple(asdict(space.settings).items())
    setup = Setup(space.name, settings, (Proxy.load("sum_layers(std(activation))"),), plain=True)
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(given.repeats):
        for place in ("", "ray"):
            rates = found.setdefault(place or "processes", {"looks": [], "candidates": [], "trainings": []})
            rates["looks"].append(looks(codes, space, given.workers, place))
            rates["candidates"].append(candidates(setup, given.candidates, given.workers, place))
            rates["trainings"].append(trainings(given.trainings, given.steps, given.workers, place))
            print(place or "processes", {name: round(rate[-1], 2) for name, rate in rates.items()}, flush=True)
    for what in ("looks", "candidates", "trainings"):
        middle = {place: statistics.median(rates[what]) for place, rates in found.items()}
        print(f"{what}: Ray has {middle['ray'] / middle['processes']:.2f} of the throughput of processes")


if __name__ == "__main__":
    main()
