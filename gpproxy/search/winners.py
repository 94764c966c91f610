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
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.execution.devices import hardware
from gpproxy.execution.scheduler import run_tasks
from gpproxy.proxies.latency import latency
from gpproxy.proxies.size import Sizer
from gpproxy.run.files import write_atomically
from gpproxy.run.settings import parse_settings
from gpproxy.search.compare import (
    PROXY,
    RANDOM,
    Line,
    Trained,
    contestants,
    difference,
    parse_compare,
    table,
    within,
)
from gpproxy.search.console import SearchWatch
from gpproxy.search.cost import Training
from gpproxy.search.limits import Limits
from gpproxy.search.settings import SearchSettings
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import seeded
from gpproxy.tasks.train import new_objective
from gpproxy.train.running import run_training, time_training, trainer
from gpproxy.train.settings import TrainConfig
from gpproxy.training.architecture import code_of, published
from gpproxy.training.outcome import Outcome
from gpproxy.training.recipe import WIDTHS

#: Folder of the trainings, and files of the comparison.
FOLDER, TABLE = "trained", "compared.csv"
#: Settings of a training that the search decides.
OWN = ("arch", "space", "space_settings", "seed", "out", "recipe", "data", "device", "plugins", "width", "resolution")


@dataclass(frozen=True)
class Judge:
    """Times and trains architectures of one search.

    Attributes:
        config: of a training; architecture, seed and folder are filled in.
        space: with the settings of the search.
        watch: is told what happens.
        seeds: trainings per architecture.
        compare_with: who is trained beside the best, see `SearchSettings.compare`.
        workers: processes on a CPU.
    """

    config: TrainConfig
    space: SearchSpace
    watch: SearchWatch
    seeds: int
    compare_with: str
    workers: int

    @classmethod
    def of_search(cls, config: SearchSettings, space: SearchSpace, watch: SearchWatch) -> Judge:
        """The judge that a search asks for. Raises what its training would: images or weights that are missing."""
        some = next(iter(published(space).values()), None) or space.encode(space.sample(random.Random(0)))
        settings = TrainConfig(
            arch=some,
            space=space.name,
            space_settings=config.space_settings,
            data=config.data,
            recipe=config.recipe,
            device=config.device,
            plugins=config.plugins,
            **_settings(config.train_settings),
        )
        return cls.checked(settings, space, watch, config.trainings, config.compare, config.workers)

    @classmethod
    def checked(
        cls, settings: TrainConfig, space: SearchSpace, watch: SearchWatch, seeds: int, compare: str, workers: int
    ) -> Judge:
        """A judge whose data, weights and names are there."""
        for name in parse_compare(compare)[1]:
            code_of(space, name)
        if (settings.recipe, space.name) in WIDTHS:  # what is trained is as wide as what was searched
            settings = replace(settings, width=vars(space)["width"])
        opened = trainer(settings)
        _ = opened.extractor
        new_objective(space, opened.code, opened.images, opened.recipe, settings.seed, settings.device)
        return cls(settings, space, watch, seeds, compare, workers or 1)

    def time(self, code: str) -> Training:
        """What one training of an architecture takes, from a few timed steps."""
        config = replace(self.config, arch=code)
        found = time_training(config)
        where = hardware(config.device, config.threads)
        return Training(_recipe(config), code, found.steps, found.step, found.checks, found.check, where)

    def compare(self, folder: Path, best: Sequence[str], limits: Limits, sizer: Sizer, seed: int) -> list[Line]:
        """Trains everyone and writes the table. Trainings that are finished in the folder are not repeated."""
        admits = within(limits, sizer, self._latency)
        who = contestants(self.space, best, self.compare_with, lambda name: code_of(self.space, name), admits, seed)
        codes = list(dict.fromkeys(one.code for one in who))
        tasks = []
        for number in range(self.seeds):
            for code in codes:
                place = folder / FOLDER / f"{re.sub('[^A-Za-z0-9_-]', '_', code)}-s{number}"
                tasks.append((replace(self.config, arch=code, seed=self.config.seed + number, out=str(place)),))
        self.watch.note(f"{len(codes)} architectures, {self.seeds} trainings each by the recipe {_recipe(self.config)}")
        trained = []
        workers = self.workers if self.config.device == "cpu" else 1
        for (config,), found in run_tasks(train_one, tasks, workers=workers):
            if found is None:
                raise KeyboardInterrupt
            trained.append(Trained(config.arch, config.seed, found.value, found.verdict, found.seconds, found.step))
            value = "no value" if math.isnan(found.value) else f"{found.main} {found.value:.4g}"
            self.watch.note(
                f"{len(trained)}/{len(tasks)}  {config.arch} seed {config.seed}: {value}, {found.verdict}, "
                f"{found.seconds:.0f} s"
            )
        lines = table(who, trained, lambda code: sizer(self.space.decode(code)))
        self._write(folder, lines, trained)
        self.watch.compared(lines, found.main)
        gap, low, high = difference(lines, PROXY, RANDOM)
        if not math.isnan(gap):
            bounds = "" if math.isnan(low) else f" [{low:.4g}, {high:.4g}]"
            self.watch.note(
                f"Mean of the proxy's choice less that of random choice: {gap:.4g}{bounds}; below 0 is better."
            )
        seconds = sum(one.seconds for one in trained) / len(trained)
        self.watch.note(f"One training took {seconds:,.0f} s on {hardware(self.config.device, self.config.threads)}.")
        return lines

    def _latency(self, architecture: Architecture) -> float:
        network = self.space.build(architecture, seeded("latency")).to(self.config.device)
        return latency(network, self.space.inputs(1, seeded("latency")).to(self.config.device)).median

    def _write(self, folder: Path, lines: Sequence[Line], trained: Sequence[Trained]) -> None:
        for name, rows in ((TABLE, lines), (f"{FOLDER}.csv", trained)):
            stream = io.StringIO()
            writer = csv.DictWriter(stream, list(asdict(rows[0])), lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
            write_atomically(folder / name, stream.getvalue())


def train_one(config: TrainConfig) -> Outcome | None:
    """One training, continued where it was begun; None when it was interrupted."""
    try:
        return run_training(config)
    except KeyboardInterrupt:
        return None


def _recipe(config: TrainConfig) -> str:
    changes = ", ".join(f"{name}={value}" for name, value in config.recipe_changes.items())
    return config.recipe + (f" ({changes})" if changes else "")


def _settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Settings of `gpproxy.train` from `NAME=VALUE`. Raises ConfigError for one that it lacks or the search decides."""
    known = {field.name: field.default for field in fields(TrainConfig) if field.name not in OWN}
    found: dict[str, Any] = {}
    for name, value in parse_settings(pairs).items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"train_settings has no '{name}'.{hint} Known: {', '.join(known)}.")
        default = known[name]
        if isinstance(default, tuple):
            found[name] = tuple(str(value).split(";"))
        elif isinstance(default, bool):
            found[name] = str(value).lower() in ("1", "true", "yes")
        elif isinstance(default, str):
            found[name] = str(value)
        else:
            found[name] = value
    return found
