"""Trains the winners of a search, and what they are compared with, under one recipe: `gpproxy search --train-top`.

In: settings of a training, and codes. Out: a folder per training inside the folder of the search, the table of their
quality, and the measured time of one training.
"""

from __future__ import annotations

import csv
import io
import math
import random
import re
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.execution.devices import hardware
from gpproxy.execution.scheduler import run_steps
from gpproxy.execution.task import Lost, Stop
from gpproxy.execution.workfolder import WorkFolder
from gpproxy.files import write_atomically
from gpproxy.proxies.latency import latency
from gpproxy.proxies.size import Sizer
from gpproxy.run.kind import CONFIG
from gpproxy.run.settings import parse_settings
from gpproxy.search.console import SearchWatch
from gpproxy.search.contenders import (
    RANDOM,
    Line,
    Trained,
    bounded,
    candidates,
    difference,
    parse_compare,
    table,
    within,
)
from gpproxy.search.cost import Training
from gpproxy.search.limits import Limits
from gpproxy.search.opponent import against, opponent
from gpproxy.search.settings import DISCRIMINATORS, SearchSettings
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import seeded
from gpproxy.tasks.registry import open_task, recipe
from gpproxy.train.running import run_training, time_training
from gpproxy.train.settings import TrainSettings
from gpproxy.training.architecture import code_of, published
from gpproxy.training.outcome import Outcome

#: Folder of the trainings, and files of the comparison.
FOLDER, TABLE = "trained", "compared.csv"
#: Settings of a training that the search decides.
OWN = ("arch", "space", "space_settings", "seed", "out", "recipe", "data", "device", "plugins", "width", "resolution")


def place_of(code: str) -> str:
    """What the folders of the trainings of an architecture are called after, before the number of each."""
    return re.sub("[^A-Za-z0-9_-]", "_", code)


@dataclass(frozen=True)
class Judge:
    """Times and trains architectures of one search.

    Attributes:
        settings: of a training; architecture, seed and folder are filled in.
        space: with the settings of the search.
        watch: is told what happens.
        trainings: per architecture.
        compare_with: who is trained beside the best, see `SearchSettings.compare`.
        workers, cluster: processes on a CPU, or the cluster that trains instead.
        group: what has chosen the best: the kind of the search's estimator.
    """

    settings: TrainSettings
    space: SearchSpace
    watch: SearchWatch
    trainings: int
    compare_with: str
    workers: int
    group: str
    cluster: str = ""

    @classmethod
    def of_search(cls, config: SearchSettings, space: SearchSpace, watch: SearchWatch) -> Judge:
        """The judge that a search asks for. Raises what its training would: images or weights that are missing."""
        for name in parse_compare(config.compare)[1]:
            code_of(space, name)
        settings = opponent(config, space) if space.name == DISCRIMINATORS else training_settings(config, space)
        if space.name == DISCRIMINATORS:
            first = against(settings, space, next(iter(published(space).values())))
        else:
            first = settings
        task = open_task(first)
        _ = task.extractor
        task.objective(task.code(first.arch), first.seed)
        group, workers = config.estimator_kind, config.workers or 1
        return cls(settings, space, watch, config.trainings, config.compare, workers, group, config.place)

    def time(self, code: str) -> Training:
        """What one training of an architecture takes, from a few timed steps."""
        settings = self._of(code)
        found = time_training(settings)
        where = hardware(settings.device, settings.threads)
        return Training(_recipe(settings), code, found.steps, found.step, found.checks, found.check, where)

    def _of(self, code: str) -> TrainSettings:
        """The settings of the training of an architecture; of a discriminator, that of its generator against it."""
        if self.space.name == DISCRIMINATORS:
            return against(self.settings, self.space, code)
        return replace(self.settings, arch=code)

    def compare(self, folder: Path, best: Sequence[str], limits: Limits, sizer: Sizer, seed: int) -> list[Line]:
        """Trains everyone and writes the table. Trainings that are finished in the folder are not repeated."""
        admits = within(limits, sizer, self._latency)
        named = partial(code_of, self.space)
        who = candidates(self.space, best, self.compare_with, named, admits, seed, self.group)
        codes = list(dict.fromkeys(one.code for one in who))
        tasks, codes_of = [], {}
        for number in range(self.trainings):
            for code in codes:
                place = folder / FOLDER / f"{place_of(code)}-s{number}"
                one = replace(self._of(code), seed=self.settings.seed + number, out=str(place))
                tasks.append((one, WorkFolder(place)))
                codes_of[one.out] = code
        self.watch.note(
            f"{len(codes)} architectures, {self.trainings} training{'s' * (self.trainings > 1)} each by the recipe "
            f"{_recipe(self.settings)}"
        )
        trained = []
        workers = self.workers if self.settings.device == "cpu" else 1
        gpus = float(self.settings.device != "cpu")
        for news in run_steps(train_one, tasks, workers=workers, cluster=self.cluster, gpus=gpus):
            if not news.ended:
                continue
            settings, found = news.task[0], news.result
            code = codes_of[settings.out]
            if isinstance(news.error, Lost):
                raise Lost(f"The training of {code} with seed {settings.seed} has no result: {news.error}")
            if news.error is not None:
                raise news.error
            if found is None:
                raise KeyboardInterrupt
            if self.cluster:  # there it had another place
                write_atomically(Path(settings.out) / CONFIG, settings.to_toml())
            trained.append(Trained(code, settings.seed, found.value, found.verdict, found.seconds, found.step))
            value = "no value" if math.isnan(found.value) else f"{found.main} {found.value:.4g}"
            self.watch.note(
                f"{len(trained)}/{len(tasks)}  {code} seed {settings.seed}: {value}, {found.verdict}, "
                f"{found.seconds:.0f} s"
            )
        lines = table(who, trained, lambda code: sizer(self.space.decode(code)))
        self._write(folder, lines, trained)
        self.watch.compared(lines, found.main)
        gap, low, high = difference(lines, self.group, RANDOM)
        if not math.isnan(gap):
            self.watch.note(
                f"Mean of the choice by {self.group} less that of random choice: {bounded(gap, low, high)}; "
                "below 0 is better."
            )
        seconds = sum(one.seconds for one in trained) / len(trained)
        self.watch.note(
            f"One training took {seconds:,.0f} s on {hardware(self.settings.device, self.settings.threads)}."
        )
        return lines

    def _latency(self, architecture: Architecture) -> float:
        network = self.space.build(architecture, seeded("latency")).to(self.settings.device)
        return latency(network, self.space.batch(1, seeded("latency")).to(self.settings.device)).median

    def _write(self, folder: Path, lines: Sequence[Line], trained: Sequence[Trained]) -> None:
        for name, rows in ((TABLE, lines), (f"{FOLDER}.csv", trained)):
            stream = io.StringIO()
            writer = csv.DictWriter(stream, list(asdict(rows[0])), lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
            write_atomically(folder / name, stream.getvalue())


def train_one(settings: TrainSettings, folder: WorkFolder, stop: Stop) -> Generator[None, None, Outcome | None]:
    """One training, continued where it was begun; returns None when it was interrupted. A task of `run_steps`.

    Args:
        folder: `settings.out`, or what stands for it on another machine.
    """
    yield None  # it has begun
    try:
        return run_training(replace(settings, out=str(folder.path)), stop=stop)
    except KeyboardInterrupt:
        return None


def training_settings(config: SearchSettings, space: SearchSpace) -> TrainSettings:
    """The settings of the trainings of a search, with some architecture of its space.

    Raises ConfigError for settings that a training does not have.
    """
    settings = TrainSettings(
        arch=next(iter(published(space).values()), None) or space.encode(space.sample(random.Random(0))),
        space=space.name,
        space_settings=config.space_settings,
        data=config.data,
        recipe=config.recipe,
        device=config.device,
        plugins=config.plugins,
        **_settings(config.train_settings, config.recipe),
    )
    if open_task(settings).space.settings != space.settings:  # what is trained is as wide as what was searched
        settings = replace(settings, width=asdict(space.settings)["width"])
    return settings


def _recipe(settings: TrainSettings) -> str:
    changes = ", ".join(f"{name}={value}" for name, value in settings.recipe_changes.items())
    return settings.recipe + (f" ({changes})" if changes else "")


def _settings(pairs: Sequence[str], recipe_name: str) -> dict[str, Any]:
    """Settings of `gpproxy.train` from `NAME=VALUE`; what it lacks and the recipe has is a value of the recipe.

    Raises ConfigError for one that both lack or the search decides.
    """
    known = {field.name: field.default for field in fields(TrainSettings) if field.name not in OWN}
    of_recipe = [field.name for field in fields(recipe(recipe_name)) if field.name not in known]
    found: dict[str, Any] = {}
    changes: list[str] = []
    for name, value in parse_settings(pairs).items():
        if name in of_recipe:
            changes.append(f"{name}={value}")
            continue
        if name not in known:
            hint = did_you_mean(name, [*known, *of_recipe])
            raise ConfigError(f"train_settings has no '{name}'.{hint} Known: {', '.join([*known, *of_recipe])}.")
        default = known[name]
        if isinstance(default, tuple):
            found[name] = tuple(str(value).split(";"))
        elif isinstance(default, bool):
            found[name] = str(value).lower() in ("1", "true", "yes")
        elif isinstance(default, str):
            found[name] = str(value)
        else:
            found[name] = value
    if changes:
        found["recipe_settings"] = (*found.get("recipe_settings", ()), *changes)
    return found
