"""How long a build will take: a few steps of a few architectures are timed, from the cheapest to the dearest.

In: a task and jobs. Out: seconds. Rough: another load of the machine, or several trainings at once, changes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpproxy.benchmark.jobs import Job
from gpproxy.tasks.task import Task
from gpproxy.training.dry_run import FEW, seconds_of, step_seconds

#: Architectures that are timed.
TIMED = 3


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


def estimate(task: Task, left: Sequence[Job]) -> Estimate:
    """The Estimate of these jobs, on the device of the build."""
    task.open()
    macs = {code: _macs(task, code) for code in dict.fromkeys(job.code for job in left)}
    ranked = sorted(macs, key=lambda code: macs[code])
    chosen = [ranked[round(i * (len(ranked) - 1) / (TIMED - 1))] for i in range(TIMED)]
    seconds = {code: _step(task, code) for code in dict.fromkeys(chosen)}
    check = _check(task, chosen[0])
    slope, base = _line([macs[code] for code in seconds], list(seconds.values()))
    per_job = [
        task.recipe_of(job.times).steps * max(base + slope * macs[job.code], 0.0)
        + check * len(task.recipe_of(job.times).image_steps)
        for job in left
    ]
    ordinary = [spent for job, spent in zip(left, per_job) if job.times == 1] or per_job
    return Estimate(sum(ordinary) / len(ordinary), sum(per_job), tuple(sorted(seconds.values())), check)


def _macs(task: Task, code: str) -> float:
    return task.space.describe(task.space.decode(code))["macs"]


def _step(task: Task, code: str) -> float:
    return step_seconds(task.objective(code, 0), task.settings.device)


def _check(task: Task, code: str) -> float:
    """A measurement of fewer images, scaled to the number that the build measures."""
    count, measure = min(FEW, task.samples), task.measure
    objective = task.objective(code, 0)
    if measure is None:
        return 0.0
    return seconds_of(lambda: measure(objective.samples(count)), task.settings.device) * task.samples / count


def _line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope, not below 0, and intercept of the least-squares line."""
    middle, level = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - middle) ** 2 for a in x)
    slope = sum((a - middle) * (b - level) for a, b in zip(x, y)) / spread if spread else 0.0
    return max(slope, 0.0), level - max(slope, 0.0) * middle
