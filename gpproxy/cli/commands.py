"""Every command with the settings that its flags are made of. Imports nothing heavy.

In: nothing. Out: command -> groups of settings; `gpproxy.cli.completion` and the test of the names read them.
"""

from __future__ import annotations

from typing import Any

from gpproxy.benchmark.__main__ import DryRun
from gpproxy.benchmark.estimate_settings import EstimateSettings
from gpproxy.benchmark.settings import BuildSettings
from gpproxy.benchmark.table_settings import CheckSettings, MergeSettings, PublishedSettings, ShowSettings
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.command import Start
from gpproxy.run.settings import groups_of
from gpproxy.score.settings import ScoreSettings
from gpproxy.search.settings import SearchSettings
from gpproxy.train.__main__ import Start as TrainStart
from gpproxy.train.settings import TrainSettings


def beginnings() -> dict[str, type[Any]]:
    """The flags that are no settings, of the commands that have some."""
    return {"evolve": Start, "search": Start, "train": TrainStart, "benchmark build": DryRun}


def commands() -> dict[str, list[type[Any]]]:
    """The groups of the settings of each command, in the order of its --help."""
    classes: dict[str, type[Any]] = {
        "evolve": EvolveSettings,
        "score": ScoreSettings,
        "search": SearchSettings,
        "train": TrainSettings,
        "benchmark show": ShowSettings,
        "benchmark check": CheckSettings,
        "benchmark build": BuildSettings,
        "benchmark merge": MergeSettings,
        "benchmark estimate": EstimateSettings,
        "benchmark published": PublishedSettings,
    }
    return {name: groups_of(cls) for name, cls in classes.items()}
