"""Finished trainings as a table: one row per training, and the card that says how they were made.

In: outcomes of trainings, rows of an older table. Out: NAME.csv and NAME.toml. The table is rewritten whole and
replaced at once, so there is never half a row, and a training has one row however often it is entered.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gpproxy
from gpproxy.benchmark.jobs import Job
from gpproxy.benchmark.kept import meaning
from gpproxy.benchmark.settings import BuildSettings
from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import read_card, read_rows, table_path, write_table
from gpproxy.tasks.task import Task
from gpproxy.training.outcome import Outcome
from gpproxy.training.verdict import FINISHED

#: Columns that are not numbers.
TEXT = ("verdict",)
#: Columns that have a place of their own in the format.
OWN = ("architecture", "seed", "collapsed", *TEXT)

Row = dict[str, Any]


class TableWriter:
    """The rows of one table, by architecture and seed.

    Args:
        path: the CSV file; what it already holds stays.
    """

    def __init__(self, path: Path):
        self.path = table_path(path)
        self.rows: dict[tuple[str, str], Row] = {}
        #: Hours of wall time that builds have spent on it.
        self.hours = 0.0
        #: The card that the table had when it was opened.
        self.before: Card | None = None
        if self.path.is_file():
            self.before = read_card(self.path)
            self.hours = float(self.before.facts.get("hours", 0.0))
            for row in read_rows(self.path):
                self.rows[row["architecture"], row["seed"]] = {name: cell for name, cell in row.items() if cell != ""}

    def __contains__(self, job: Job) -> bool:
        return (job.code, str(job.seed)) in self.rows

    @property
    def seeds(self) -> dict[str, set[int]]:
        """Seeds of the rows of each architecture."""
        found: dict[str, set[int]] = {}
        for code, seed in self.rows:
            found.setdefault(code, set()).add(int(seed))
        return found

    @property
    def facts(self) -> Mapping[str, Any]:
        """Side numbers of the card that the table had when it was opened."""
        return self.before.facts if self.before else {}

    def enter(self, job: Job, outcome: Outcome) -> None:
        """Adds a finished training, in memory; once is enough."""
        self.rows.setdefault((job.code, str(job.seed)), row_of(job, outcome))

    def write(self, card: Card, order: Sequence[str]) -> None:
        """Replaces the files; architectures in the order given, others before them.

        The card's counts and columns are those of the rows. Of a table that was there before, sentences and facts stay
        as they were unless they are counted or measured anew.
        """
        if self.before is not None:
            card = replace(self.before, facts={**self.before.facts, **card.facts})
        place = {code: i for i, code in enumerate(order)}
        keys = sorted(self.rows, key=lambda key: (place.get(key[0], -1), key[0] if key[0] not in place else "", key[1]))
        rows = [self.rows[key] for key in keys]
        names = list(dict.fromkeys(name for row in rows for name in row))
        measured = [name for name in names if name not in (*OWN, card.metric)]
        write_table(self.path, _counted(card, rows, measured, self.hours), rows)


def row_of(job: Job, outcome: Outcome) -> Row:
    """The row of a finished training: the best measures, and the main one at each check as `FD(cifar)@25%`.

    A training that did not finish is marked as collapsed and keeps what was measured before.
    """
    main, found = outcome.main, {} if outcome.best is None else outcome.best.measures
    best = {name: value for name, value in found.items() if math.isfinite(value)}
    checks = {f"{main}@{round(100 * c.step / outcome.steps)}%": c.measures.get(main) for c in outcome.curve}
    return {
        "architecture": job.code,
        "seed": str(job.seed),
        main: best.get(main),
        "collapsed": outcome.verdict != FINISHED or main not in best,
        "verdict": outcome.verdict,
        "best_step": None if outcome.best is None else outcome.best.step,
        "seconds": round(outcome.seconds, 1),
        **{name: value for name, value in checks.items() if value is not None and math.isfinite(value)},
        **{name: value for name, value in best.items() if name != main},
    }


def _counted(card: Card, rows: Sequence[Row], measured: Sequence[str], hours: float) -> Card:
    """The card with its counts: `seconds_per_training` beside the others, `hours` by a clock on the wall."""
    seconds = [float(row["seconds"]) for row in rows if "seconds" in row]
    facts = {
        **card.facts,
        "architectures": len({row["architecture"] for row in rows}),
        "trainings": len(rows),
        "collapsed": sum(row["collapsed"] in (True, "1") for row in rows),
    }
    if seconds:
        facts["seconds_per_training"] = round(statistics.median(seconds), 1)
    if hours:
        facts["hours"] = round(hours, 4)
        facts["seconds_per_architecture"] = round(3600 * hours / max(facts["architectures"], 1), 1)
    counts = [sum(row["architecture"] == code for row in rows) for code in {row["architecture"] for row in rows}]
    return replace(card, seeds=max(counts, default=0), measured_columns=tuple(measured), text_columns=TEXT, facts=facts)


def card_of(settings: BuildSettings, task: Task, facts: Mapping[str, Any], times: int = 1) -> Card:
    """The card of a table, without its counts.

    Args:
        task: what is trained and measured; it knows its images.
        facts: of the build: images, extractor, floors, hardware.
        times: how many times as long as the recipe says each training takes.
    """
    recipe, main = task.recipe_of(times).to_json(), task.main
    images = f"{recipe['steps'] * recipe['batch']:,} images shown"
    return Card(
        space=settings.space,
        space_settings=task.space_settings,
        metric=main,
        direction="lower",
        directions=dict.fromkeys({task.distance} - {"", main}, "lower"),
        scale="log",
        recipe=(
            f"preset {settings.recipe}, {recipe['steps']:,} generator steps of batch {recipe['batch']} ({images}), all "
            "values under [facts.recipe]"
        ),
        source=f"trained with gpproxy {gpproxy.__version__}, one network per row",
        notes=(
            f"{main} is that of the averaged weights, the best of the checks during the training. A training that "
            "collapsed or lost its numbers ranks last. Ranks hold for this budget."
        ),
        facts={**facts, "size": settings.rows, "settings": meaning(settings, task), "recipe": recipe},
        **dict[str, Any](task.words),
    )
