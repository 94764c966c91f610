"""Builds a table: trains what is not in it yet, and enters every training the moment it is finished.

In: a BuildConfig. Out: reports while it runs, and the files of `Ledger`. A training is finished when its folder has
an outcome; everything else can be killed at any time and is found again by the same settings.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gpproxy.benchmark import kept as settings
from gpproxy.benchmark.jobs import Job, jobs
from gpproxy.benchmark.longer import longer_facts
from gpproxy.benchmark.plan import plan
from gpproxy.benchmark.settings import BuildConfig
from gpproxy.benchmark.trainings import Report, reports
from gpproxy.benchmark.writer import Ledger, card_of
from gpproxy.execution.task import Stop, never
from gpproxy.run.files import sweep, write_atomically
from gpproxy.run.locks import alone
from gpproxy.tasks.workshop import Workshop
from gpproxy.tasks.workshop_translation import workshop
from gpproxy.training.checkpoint import STATE
from gpproxy.training.outcome import outcome


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

    Raises RunError when the folder or the table was begun with other settings.
    """

    def __init__(self, config: BuildConfig, shop: Workshop | None = None):
        self.config = config
        self.shop = shop or workshop(config)
        recipe = self.shop.recipe_of(1).to_json()
        settings.check(settings.read(config.folder), config, recipe, config.folder)
        settings.check(settings.read_card(config.table), config, recipe, config.table)
        self.codes = plan(self.shop.space, config.archs, config.plan_seed)
        #: the tables of the ordinary and the longer trainings
        self.ledgers = self._open()

    def work(self) -> Work:
        """What is to do and what is done, by the tables and the folders of the trainings."""
        every = jobs(self.codes, self.config.seeds, self.config.longer, self.config.times)
        return Work(tuple(every), frozenset(job for job in every if self._enter(job)))

    def run(self, stop: Stop = never) -> Iterator[Report]:
        """Trains what is left; the table has every training of which a report says that it has ended.

        Raises RunError when another build is running in the folder.
        """
        folder = self.config.folder
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder, "build"):
            sweep(folder)
            self.ledgers = self._open()  # again, now that nobody else writes them
            facts = {times: self.shop.facts(ledger.facts) for times, ledger in self.ledgers.items()}
            recipe = self.shop.recipe_of(1).to_json()
            write_atomically(folder / settings.FILE, settings.to_toml(self.config, recipe))
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
                    self.ledgers[report.job.times].hours += (now - mark) / 3600
                    mark = now
                    self._write(facts)
                    self._forget(report.job)
                yield report

    def _forget(self, job: Job) -> None:
        """Deletes the state of a finished training: of no use any more, and its largest file; the best weights stay."""
        (self.shop.place(job) / STATE).unlink(missing_ok=True)

    def _open(self) -> dict[int, Ledger]:
        found = {1: Ledger(self.config.table)}
        if self.config.longer:
            times = self.config.times
            found[times] = Ledger(self.config.table.with_name(f"{self.config.table.stem}-x{times}.csv"))
        return found

    def _write(self, facts: Mapping[int, Mapping[str, Any]]) -> None:
        """Writes the tables with their cards."""
        config, shop = self.config, self.shop
        for times, ledger in self.ledgers.items():
            if ledger.rows:
                recipe = shop.recipe_of(times).to_json()
                card = card_of(config, shop.gauge.main, recipe, shop.space_settings, facts[times])
                card = replace(card, **dict[str, Any](shop.words))
                if times == 1 and config.longer:
                    more = longer_facts(ledger, self.ledgers[config.times], card, config.times)
                    card = replace(card, facts={**card.facts, **more})
                ledger.write(card, self.codes)

    def _enter(self, job: Job) -> bool:
        """Takes a training into its table; False when it is not finished."""
        ledger = self.ledgers[job.times]
        if job in ledger:
            return True
        found = outcome(self.shop.place(job))
        if found is not None:
            ledger.enter(job, found)
        return found is not None

    def _reports(self, left: Sequence[Job], stop: Stop) -> Iterator[Report]:
        config = self.config
        together = 1 if config.device == "cpu" else config.together
        return reports(left, self.shop, workshop, stop, workers=config.workers, together=together)
