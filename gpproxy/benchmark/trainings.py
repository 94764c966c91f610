"""The trainings of a table as tasks: in this process or in several, one at a time in each, or several on a GPU.

In: jobs and a task. Out: reports as they come. Whoever does them, a training depends on its job alone.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gpproxy.benchmark.jobs import Job
from gpproxy.benchmark.settings import BuildSettings
from gpproxy.errors import GPProxyError, RunError
from gpproxy.execution.scheduler import run_steps
from gpproxy.execution.task import Stop, where
from gpproxy.execution.workfolder import WorkFolder
from gpproxy.run.locks import helping
from gpproxy.tasks.task import Task
from gpproxy.training.cuda_graph import in_turns
from gpproxy.training.outcome import Progress


@dataclass(frozen=True)
class Report:
    """News of one job: a step done, its end, or a failure with its `problem`."""

    job: Job
    step: int = 0
    steps: int = 0
    ended: bool = False
    problem: str = ""


def reports(
    jobs: Sequence[Job],
    task: Task,
    settings: BuildSettings,
    opener: Callable[[BuildSettings], Task],
    stop: Stop,
    *,
    workers: int = 1,
    together: int = 1,
    cluster: str = "",
) -> Iterator[Report]:
    """Trains the jobs; one that fails does not take the others with it.

    Args:
        task: does the trainings of this process.
        settings: of the build, whose folder they lie in.
        opener: makes the task of another process from the settings; importable.
        workers, cluster: as for `run_steps`; on a cluster every machine has the data set, and nothing else.
        stop: asked between two steps; True ends what is running, with its state saved.
        together: trainings in turns in each process; on a GPU the others compute while one measures.
    """
    here = not cluster and (workers <= 1 or len(jobs) <= 1)
    digest = str(getattr(task.images, "digest", "")) if cluster else ""
    doer = task if here else opener
    tasks = [(doer, settings, WorkFolder(job.place(settings.folder)), digest, job) for job in jobs]
    gpus = 0.0 if settings.device == "cpu" else 1 / together
    how: dict[str, Any] = {"workers": workers, "cluster": cluster, "gpus": gpus}
    for news in run_steps(train_job, tasks, stop=stop, together=together, turns=in_turns, **how):
        job: Job = news.task[-1]
        if news.error is not None:
            yield Report(job, problem=_problem(news.error, job.place(settings.folder)))
        elif news.ended:
            yield Report(job, ended=True)
        else:
            yield Report(job, news.report.step, news.report.steps)


def train_job(
    task: Task | Callable[[BuildSettings], Task],
    settings: BuildSettings,
    folder: WorkFolder,
    digest: str,
    job: Job,
    stop: Stop,
) -> Iterator[Progress]:
    """One training, continued where it was begun; a task of `run_steps`.

    Args:
        folder: its place in the folder of the build, or what stands for it on another machine.
        digest: of the images that other machines must have, too; empty where nobody asks.

    Raises RunError on a machine that has other images.
    """
    if isinstance(task, Task):
        yield from task.train(job.code, job.seed, folder.path, stop, job.times)
        return
    # An owner that was killed before this point may have a successor, which would not wait for us.
    with nullcontext() if folder.carried else helping(settings.folder):
        if stop():
            return
        opened = _opened(task, settings)
        if digest and opened.images.digest != digest:
            raise RunError(
                f"The machine {platform.node()} of the cluster has other images of {settings.data} than this one. Give "
                "all machines the same data set."
            )
        yield from opened.train(job.code, job.seed, folder.path, stop, job.times)


@lru_cache(maxsize=1)
def _opened(opener: Callable[[BuildSettings], Task], settings: BuildSettings) -> Task:
    """The task of this process."""
    return opener(settings)


def _problem(error: Exception, place: Path) -> str:
    """Why a training has no result."""
    if isinstance(error, GPProxyError):
        return str(error)
    if isinstance(error, OSError):  # a full disk, most of all
        return f"{error.strerror or error}: {error.filename or place}."
    return f"{type(error).__name__}: {error} ({where(error)})"
