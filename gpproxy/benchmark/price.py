"""How long a build will take: a few steps of a few architectures are timed, from the cheapest to the dearest.

In: a workshop and jobs. Out: seconds. Rough: another load of the machine, or several trainings at once, changes it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gpproxy.benchmark.jobs import Job
from gpproxy.tasks.train import new_objective
from gpproxy.tasks.workshop import Workshop

#: Steps that are timed, after some that are not.
STEPS, WARM_UP = 4, 2
#: Architectures that are timed.
TIMED = 3
#: Images that are measured for the time of a check.
IMAGES = 256


@dataclass(frozen=True)
class Estimate:
    """Seconds of one training after the other.

    Attributes:
        training: of one ordinary training, mean over the architectures.
        total: of all jobs.
        step: from the cheapest to the dearest architecture that was timed, of one step.
        check: of one measurement.
    """

    training: float
    total: float
    step: tuple[float, ...]
    check: float


def estimate(shop: Workshop, left: Sequence[Job]) -> Estimate:
    """The Estimate of these jobs, on the device of the build."""
    macs = {code: _macs(shop, code) for code in dict.fromkeys(job.code for job in left)}
    ranked = sorted(macs, key=lambda code: macs[code])
    chosen = [ranked[round(i * (len(ranked) - 1) / (TIMED - 1))] for i in range(TIMED)]
    seconds = {code: _step(shop, code) for code in dict.fromkeys(chosen)}
    check = _check(shop, chosen[0])
    slope, base = _line([macs[code] for code in seconds], list(seconds.values()))
    per_job = [
        shop.recipe_of(job.times).steps * max(base + slope * macs[job.code], 0.0)
        + check * len(shop.recipe_of(job.times).check_steps)
        for job in left
    ]
    ordinary = [spent for job, spent in zip(left, per_job) if job.times == 1] or per_job
    return Estimate(sum(ordinary) / len(ordinary), sum(per_job), tuple(sorted(seconds.values())), check)


def _macs(shop: Workshop, code: str) -> float:
    return shop.space.describe(shop.space.decode(code))["macs"]


def _step(shop: Workshop, code: str) -> float:
    objective = new_objective(shop.space, code, shop.images, shop.recipe, 0, shop.config.device)
    for index in range(WARM_UP):
        objective.step(index)
    _settle(shop.config.device)
    start = time.perf_counter()
    for index in range(WARM_UP, WARM_UP + STEPS):
        objective.step(index)
    _settle(shop.config.device)
    return (time.perf_counter() - start) / STEPS


def _check(shop: Workshop, code: str) -> float:
    """A measurement of fewer images, scaled to the number that the build measures."""
    count = min(IMAGES, shop.samples)
    objective = new_objective(shop.space, code, shop.images, shop.recipe, 0, shop.config.device)
    gauge = shop.gauge
    start = time.perf_counter()
    gauge.measure(objective.samples(count))
    return (time.perf_counter() - start) * shop.samples / count


def _settle(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope, not below 0, and intercept of the least-squares line."""
    middle, level = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - middle) ** 2 for a in x)
    slope = sum((a - middle) * (b - level) for a, b in zip(x, y)) / spread if spread else 0.0
    return max(slope, 0.0), level - max(slope, 0.0) * middle
