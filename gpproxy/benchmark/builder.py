"""Builds a table: trains what is not in it yet, and enters every training the moment it is finished.

In: BuildSettings. Out: reports while it runs, and the files of `TableWriter`. A training is finished when its folder
has an outcome; everything else can be killed at any time and is found again by the same settings.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

import gpproxy
from gpproxy.benchmark import kept
from gpproxy.benchmark.jobs import Job, jobs
from gpproxy.benchmark.longer import longer_facts
from gpproxy.benchmark.plan import plan, retested
from gpproxy.benchmark.settings import BuildSettings, part_of_shards
from gpproxy.benchmark.trainings import Report, reports
from gpproxy.benchmark.writer import TableWriter, card_of
from gpproxy.errors import ConfigError, RunError
from gpproxy.execution.devices import hardware
from gpproxy.execution.task import Stop, never
from gpproxy.files import sweep, write_atomically
from gpproxy.run.locks import alone
from gpproxy.tasks.registry import open_task
from gpproxy.tasks.task import Task
from gpproxy.training.checkpoint import STATE
from gpproxy.training.outcome import outcome

#: Facts that must stay as they are while a table grows.
FIXED = ("images_digest", "extractor_digest", "reference_digest")


@dataclass(frozen=True)
class Work:
    """Every training of a table in order, and those that are finished."""

    jobs: tuple[Job, ...]
    done: frozenset[Job]

    @property
    def left(self) -> tuple[Job, ...]:
        """What is still to be trained, in order."""
        return tuple(job for job in self.jobs if job not in self.done)


class Build:
    """One table in the making.

    Raises RunError when the folder or the table was begun with other settings, ConfigError where nothing measures.
    """

    def __init__(self, settings: BuildSettings, task: Task | None = None):
        self.settings = kept.as_kept(settings)
        self.task = task or training_task(self.settings)
        if not self.task.main:
            raise ConfigError("Without targets an extractor has to measure: choose --extractor cifar or inception.")
        for place, before in (
            (settings.folder, kept.read(settings.folder)),
            (settings.table, kept.read_card(settings.table)),
        ):
            kept.check(before, self.settings, self.task, place)
        self.codes = plan(self.task.space, settings.size, settings.plan_seed, settings.uniform)
        first, step = part_of_shards(settings.shard)
        #: the architectures that are trained here: all of them, or those of the shard
        self.own = self.codes[first - 1 :: step]
        #: what writes the tables of the ordinary and the longer trainings
        self.writers = self._open()

    def work(self) -> Work:
        """What is to do and what is done, by the tables and the folders of the trainings."""
        settings = self.settings
        every = jobs(
            self.codes,
            settings.trainings,
            settings.longer,
            settings.times,
            retested=set(retested(self.codes, settings.uniform, settings.retests)),
            measured=self.writers[1].seeds,
        )
        own = set(self.own)
        every = [job for job in every if job.code in own]
        return Work(tuple(every), frozenset(job for job in every if self._enter(job)))

    def run(self, stop: Stop = never) -> Iterator[Report]:
        """Trains what is left; the table has every training of which a report says that it has ended.

        Raises RunError when another build is running in the folder.
        """
        folder = self.settings.folder
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder, "build"):
            sweep(folder)
            self.writers = self._open()  # again, now that nobody else writes them
            facts = {times: facts_of(self.settings, self.task, writer.facts) for times, writer in self.writers.items()}
            write_atomically(folder / kept.FILE, kept.to_toml(self.settings, self.task))
            work = self.work()
            if work.done:
                self._write(facts)
            for job in work.done:
                self._forget(job)
            mark = time.monotonic()
            for report in self._reports(work.left, stop):
                if report.ended:
                    if not self._enter(report.job):
                        continue  # it was stopped in between
                    # From end to end, whoever trains side by side: these add up to the time of the build.
                    now = time.monotonic()
                    self.writers[report.job.times].hours += (now - mark) / 3600
                    mark = now
                    self._write(facts)
                    self._forget(report.job)
                yield report

    def _forget(self, job: Job) -> None:
        """Deletes the state of a finished training: of no use any more, and its largest file; the best weights stay."""
        (job.place(self.settings.folder) / STATE).unlink(missing_ok=True)

    def _open(self) -> dict[int, TableWriter]:
        table = self.settings.table
        found = {1: TableWriter(table)}
        if self.settings.longer:
            times = self.settings.times
            found[times] = TableWriter(table.with_name(f"{table.stem}-x{times}.csv"))
        return found

    def _write(self, facts: Mapping[int, Mapping[str, Any]]) -> None:
        """Writes the tables with their cards."""
        settings = self.settings
        for times, writer in self.writers.items():
            if writer.rows:
                card = card_of(settings, self.task, facts[times], times)
                if times == 1 and settings.longer:
                    more = longer_facts(writer, self.writers[settings.times], card, settings.times)
                    card = replace(card, facts={**card.facts, **more})
                writer.write(card, self.codes)

    def _enter(self, job: Job) -> bool:
        """Takes a training into its table; False when it is not finished."""
        writer = self.writers[job.times]
        if job in writer:
            return True
        found = outcome(job.place(self.settings.folder))
        if found is not None:
            writer.enter(job, found)
        return found is not None

    def _reports(self, left: Sequence[Job], stop: Stop) -> Iterator[Report]:
        settings = self.settings
        together = 1 if settings.device == "cpu" else settings.together
        where: dict[str, Any] = {"workers": settings.workers, "together": together, "cluster": settings.place}
        return reports(left, self.task, settings, training_task, stop, **where)


def training_task(settings: BuildSettings) -> Task:
    """The task of the trainings of a table, in any process."""
    return open_task(settings, every=True)


def facts_of(settings: BuildSettings, task: Task, before: Mapping[str, Any]) -> dict[str, Any]:
    """Side numbers of the card.

    Args:
        before: those that the table has already; hardware is added to them.

    Raises RunError when the images or the extractor are not those of the table.
    """
    here = hardware(settings.device, settings.workers)
    if settings.device != "cpu":  # the seconds of a training are those beside the others
        here = f"{here}, {settings.workers * settings.together} trainings at once"
    if settings.cluster:  # nobody knows which machines will have come and gone
        here = "machines of a Ray cluster"
    places = [text for text in str(before.get("hardware", "")).split("; ") if text]
    now = {
        "images": len(task.images),
        "images_digest": task.images.digest,
        **task.facts,
        "samples": task.samples,
        "hardware": "; ".join(places if here in places else [*places, here]),
        "torch": torch.__version__,
        "gpproxy": gpproxy.__version__,
    }
    for name in FIXED:
        if name in before and before[name] != now.get(name):
            raise RunError(
                f"{settings.table} was measured with {name}={before[name]}, but here it is {now.get(name)}, so new "
                "rows could not be compared with the old ones. Use the same data and extractor, or another --out."
            )
    return now
