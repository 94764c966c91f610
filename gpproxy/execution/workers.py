"""Who does the trainings: this process or several, each with one training at a time, or with several on a GPU.

In: jobs and a workshop. Out: reports as they come. Whoever does them, a training depends on its job alone.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

from gpproxy.benchmark.jobs import Job
from gpproxy.benchmark.locks import helping
from gpproxy.errors import GPProxyError
from gpproxy.execution.scheduler import main_hidden, process_context
from gpproxy.registry import PLUGINS, load_plugin
from gpproxy.tasks.workshop import Workshop
from gpproxy.training.cuda_graph import in_turns

#: Last words to a process: no other job comes; the running ones are to stop.
LAST, STOP = "last", "stop"

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


def in_processes(
    jobs: Sequence[Job], opener: Callable[[], Workshop], stop: Stop, workers: int, together: int = 1
) -> Iterator[Report]:
    """Trainings in processes with one thread each, `together` in turns in each. They end when this process does.

    On a GPU the other processes compute while one measures.

    Args:
        opener: makes the workshop of a process; it can be pickled.
    """
    context = process_context("torch")
    left = deque(jobs)
    hands: dict[Any, _Hand] = {}
    try:
        with main_hidden():
            for _ in range(min(workers, len(left))):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, opener, tuple(PLUGINS), together), daemon=True)
                process.start()
                theirs.close()
                hands[ours] = _Hand(process)
        for _ in range(together):
            for pipe, hand in hands.items():
                hand.take(pipe, left)
        while hands:
            for pipe in wait(list(hands), timeout=0.5):
                hand = hands[pipe]
                try:
                    report: Report = cast(Connection, pipe).recv()
                except (EOFError, ConnectionResetError):
                    del hands[pipe]
                    hand.process.join()
                    # A stopped process leaves jobs that it never began.
                    for job in hand.jobs if hand.process.exitcode else ():
                        yield Report(job, problem=f"its process ended with code {hand.process.exitcode}.")
                    continue
                yield report
                if report.ended or report.problem:
                    hand.jobs.remove(report.job)
                    if not stop():
                        hand.take(pipe, left)
            if stop():
                for pipe, hand in hands.items():
                    hand.end(pipe, STOP)
        for job in () if stop() else left:
            yield Report(job, problem="it was not begun: no process is left.")
    finally:
        for pipe, hand in hands.items():
            pipe.close()
            hand.process.join(timeout=60)


@dataclass
class _Hand:
    """A process, the jobs that it has, and the last word that it was told."""

    process: Any
    jobs: list[Job] = field(default_factory=list)
    word: str = ""

    def take(self, pipe: Any, left: deque[Job]) -> None:
        """Gives it the next job, or says that there is no other."""
        if not left:
            self.end(pipe, LAST)
        elif not self.word:
            self.jobs.append(left.popleft())
            _tell(pipe, self.jobs[-1])

    def end(self, pipe: Any, word: str) -> None:
        """Says a last word, once."""
        if self.word not in (word, STOP):
            self.word = word
            _tell(pipe, word)


def _tell(pipe: Any, what: Job | str) -> None:
    """Sends; a process that is gone is noticed when its pipe is read."""
    try:
        pipe.send(what)
    except (BrokenPipeError, ConnectionResetError):
        pass


class _Inbox:
    """What the owner of a process has sent: jobs, and then LAST, STOP or the end of the pipe."""

    def __init__(self, pipe: Connection):
        self.pipe = pipe
        self.jobs: deque[Job] = deque()
        self.word = ""

    def stopped(self) -> bool:
        """Whether the jobs that are running are to end."""
        while self.word != STOP and self.pipe.poll():
            self._read()
        return self.word == STOP

    def __iter__(self) -> Iterator[Job]:
        """The jobs as they come."""
        while True:
            while not self.jobs and not self.word:
                self._read()
            if self.word == STOP or not self.jobs:
                return
            yield self.jobs.popleft()

    def _read(self) -> None:
        try:
            what = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            what = STOP
        if isinstance(what, Job):
            self.jobs.append(what)
        else:
            self.word = what


def _work(pipe: Connection, opener: Callable[[], Workshop], plugins: tuple[Path, ...], together: int) -> None:
    """One process: takes jobs from the pipe until it is told the last word or its owner is gone."""
    import signal

    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides what Ctrl-C means
    torch.set_num_threads(1)
    for path in plugins:
        load_plugin(path)
    shop, inbox = opener(), _Inbox(pipe)
    owner = multiprocessing.parent_process()
    with helping(shop.config.folder):
        # An owner that was killed before this point may have a successor, which would not wait for us.
        if owner is None or not owner.is_alive():
            return
        trainings = (_one(job, shop, inbox.stopped) for job in inbox)
        try:
            for _, report in in_turns(trainings, together):
                pipe.send(report)
        except (BrokenPipeError, ConnectionResetError):
            return


def _one(job: Job, shop: Workshop, stop: Stop) -> Iterator[Report]:
    """The reports of one job. A training that fails does not take the others with it."""
    try:
        for progress in shop.train(job, stop):
            yield Report(job, progress.step, progress.steps)
    except GPProxyError as error:
        yield Report(job, problem=str(error))
        return
    except OSError as error:  # a full disk, most of all
        yield Report(job, problem=f"{error.strerror or error}: {error.filename or shop.place(job)}.")
        return
    yield Report(job, ended=True)
