"""Who does the trainings: this process, several processes, or several at once on one GPU.

In: jobs and a workshop. Out: reports as they come. Whoever does them, a training depends on its job alone.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

from gpproxy.building.jobs import Job
from gpproxy.building.lock import helping
from gpproxy.building.workshop import Workshop
from gpproxy.errors import GPProxyError
from gpproxy.executor import main_hidden
from gpproxy.registry import PLUGINS, load_plugin
from gpproxy.training.cuda_graph import in_turns

#: Asked between two steps; True ends the trainings after the one that is running.
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Report:
    """News of one job: a step done, its end, or a failure with its `problem`."""

    job: Job
    step: int = 0
    steps: int = 0
    ended: bool = False
    problem: str = ""


def in_one_process(jobs: Sequence[Job], shop: Workshop, stop: Stop, together: int = 1) -> Iterator[Report]:
    """One training after the other, or several in turns: on a GPU they compute side by side."""
    trainings = (_one(job, shop, stop) for job in jobs if not stop())
    for _, report in in_turns(trainings, together):
        yield report


def in_processes(jobs: Sequence[Job], opener: Callable[[], Workshop], stop: Stop, workers: int) -> Iterator[Report]:
    """Several trainings at once, each in a process with one thread. The processes end when this one does.

    Args:
        opener: makes the workshop of a process; it can be pickled.
    """
    # forkserver: a forked copy of a process that already used torch's thread pool can hang
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch"])
    left = list(jobs)
    hands: dict[Any, _Hand] = {}
    try:
        with main_hidden():
            for _ in range(min(workers, len(left))):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, opener, tuple(PLUGINS)), daemon=True)
                process.start()
                theirs.close()
                hands[ours] = _Hand(process)
                _tell(ours, hands[ours], left.pop(0))
        while hands:
            for pipe in wait(list(hands), timeout=0.5):
                hand = hands[pipe]
                try:
                    report: Report = cast(Connection, pipe).recv()
                except (EOFError, ConnectionResetError):
                    del hands[pipe]
                    hand.process.join()
                    if hand.job is not None:
                        yield Report(hand.job, problem=f"its process ended with code {hand.process.exitcode}.")
                    continue
                yield report
                if report.ended or report.problem:
                    _tell(pipe, hand, left.pop(0) if left and not stop() else None)
            if stop():
                for pipe, hand in hands.items():
                    if hand.job is not None:
                        _tell(pipe, hand, None)
    finally:
        for pipe, hand in hands.items():
            pipe.close()
            hand.process.join(timeout=60)


@dataclass
class _Hand:
    """A process and what it was told to do last."""

    process: Any
    job: Job | None = None


def _tell(pipe: Any, hand: _Hand, job: Job | None) -> None:
    """Gives a process its next job, or None to end; one that is gone is noticed when its pipe is read."""
    hand.job = job
    try:
        pipe.send(job)
    except (BrokenPipeError, ConnectionResetError):
        pass


def _work(pipe: Connection, opener: Callable[[], Workshop], plugins: tuple[Path, ...]) -> None:
    """One process: takes jobs from the pipe until it gets None or its owner is gone."""
    import signal

    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides what Ctrl-C means
    torch.set_num_threads(1)
    for path in plugins:
        load_plugin(path)
    shop = opener()
    owner = multiprocessing.parent_process()
    try:
        with helping(shop.config.folder):
            # An owner that was killed before this point may have a successor, which would not wait for us.
            while owner is not None and owner.is_alive() and (job := pipe.recv()) is not None:
                # The only thing that comes while a job is running is None, or the end of the pipe.
                for report in _one(job, shop, pipe.poll):
                    pipe.send(report)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _one(job: Job, shop: Workshop, stop: Stop) -> Iterator[Report]:
    """The reports of one job. A training that fails does not take the others with it."""
    try:
        for progress in shop.train(job, stop):
            yield Report(job, progress.step, progress.steps)
    except GPProxyError as error:
        yield Report(job, problem=str(error))
        return
    yield Report(job, ended=True)
