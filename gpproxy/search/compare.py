"""Finished searches beside each other: folders in; how good the generators are that each has found, once trained, out.

Searches that differ in nothing but their seed are one way to search, tried several times. Trainings are compared under
one recipe only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError, RunError
from gpproxy.ranking.difference import EQUAL
from gpproxy.run.settings import is_proxy_path, parse_settings
from gpproxy.search.contenders import gap, interval
from gpproxy.search.finished import SearchRun, read_run
from gpproxy.search.settings import PROXY, SearchSettings
from gpproxy.search.winners import FOLDER
from gpproxy.search_spaces.check import make_space
from gpproxy.training.outcome import outcome

#: What makes no other search: its seed, where it ran, what was trained beside its best, and what is shown.
SAME = ("seed", "out", "workers", "cluster", "cluster_address", "compare", "cost", "top")
#: What has to be equal for trainings to be comparable, beside the space.
RECIPE = ("data", "recipe", "train_settings", "trainings")


@dataclass(frozen=True)
class Compared:
    """One way to search, or what was trained beside it, in units of the measure, lower is better.

    Attributes:
        label: who.
        searches: how many of this kind.
        candidates: that each has scored, the mean; 0 for what no search has found.
        architectures: different ones that were trained.
        values: what mean and differences are over: a search each, the mean of its architectures, or an architecture
            each where some way has been tried once only.
        mean, low, high: mean of the values with its 95 % interval (Student, 1908); NaN bounds for a single value.
        best: the best architecture, by the mean of its trainings, and its quality.
        less: the first of the list less this, with its 95 % interval (Welch, 1947); None for the first.
    """

    label: str
    searches: int
    candidates: float
    architectures: int
    values: tuple[float, ...]
    mean: float
    low: float
    high: float
    best: tuple[str, float]
    less: tuple[float, float, float] | None = None

    @property
    def words(self) -> str:
        """Whether the first is `better` or `worse`, not distinguishable, or what it would take to tell."""
        assert self.less is not None
        _, low, high = self.less
        if math.isnan(low):
            return "one value is no comparison"
        return "better" if high < 0 else "worse" if low > 0 else EQUAL


@dataclass(frozen=True)
class Comparison:
    """Searches beside each other.

    Attributes:
        measure: what was measured; `quality` where no training tells it.
        over: what an interval is over: searches or architectures.
        rows: the ways to search in the order given, then what was trained beside them.
    """

    measure: str
    over: str
    rows: tuple[Compared, ...]


def compare(folders: Sequence[str | Path]) -> Comparison:
    """The trained winners of searches, those of equal settings but for the seed together.

    Raises:
        RunError: a folder holds no finished search, or one that has trained nothing.
        ConfigError: trainings by different recipes.
    """
    return comparison([read_run(folder) for folder in dict.fromkeys(Path(f).expanduser().resolve() for f in folders)])


def comparison(runs: Sequence[SearchRun]) -> Comparison:
    """The same for searches that are read already."""
    for run in runs:
        if not _values(run, run.settings.estimator_kind):
            raise RunError(
                f"The search in {run.folder} has measured none of its best after a training. Let it: "
                f"gpproxy search --resume {run.folder} --train-top 3"
            )
        _check(runs[0], run)
    groups: dict[SearchSettings, list[SearchRun]] = {}
    for run in runs:
        groups.setdefault(_same(run.settings), []).append(run)
    several = all(len(one) > 1 for one in groups.values())
    labels = _labels(list(groups))
    rows = []
    for settings, own in groups.items():
        count = sum(len(run.candidates) for run in own) / len(own)
        rows.append(
            _compared(labels[settings], [_values(run, run.settings.estimator_kind) for run in own], several, count)
        )
    others = {line.group for run in runs for line in run.compared} - {run.settings.estimator_kind for run in runs}
    for group in sorted(others):
        if there := {tuple(values): values for run in runs if (values := _values(run, group))}:
            rows.append(_compared(group, list(there.values()), several, 0.0))
    first = rows[0].values
    rows[1:] = [replace(row, less=gap(first, row.values)) for row in rows[1:]]
    return Comparison(_measure(runs), "searches" if several else "architectures", tuple(rows))


def _same(settings: SearchSettings) -> SearchSettings:
    """The settings without what makes no other search."""
    defaults: dict[str, Any] = {field.name: field.default for field in fields(SearchSettings)}
    return replace(settings, **{name: defaults[name] for name in SAME})


def _check(first: SearchRun, other: SearchRun) -> None:
    mine, theirs = _recipe(first.settings), _recipe(other.settings)
    for name in mine:
        if mine[name] != theirs.get(name):
            raise ConfigError(
                f"Searches are compared by trainings under one recipe, but {first.folder.name} has "
                f"{name}={_text(mine[name])} and {other.folder.name} has {name}={_text(theirs.get(name))}."
            )


def _recipe(settings: SearchSettings) -> dict[str, object]:
    """What has to be equal for trainings to be comparable; of the space, every setting, given or not."""
    space = make_space(settings.space, parse_settings(settings.space_settings))
    return {"space": settings.space, **asdict(space.settings), **{name: getattr(settings, name) for name in RECIPE}}


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _labels(groups: Sequence[SearchSettings]) -> dict[SearchSettings, str]:
    """A short name for each: strategy and estimator, and as many further settings as it takes to tell them apart."""
    found = {one: f"{one.strategy}, {_estimator(one)}" for one in groups}
    for name in (field.name for field in fields(SearchSettings)):
        told = dict(found)
        for one in groups:
            values = [getattr(other, name) for other in groups if found[other] == found[one]]
            if len(set(values)) > 1:
                own = getattr(one, name)
                if isinstance(own, tuple):
                    own = [part for part in own if not all(part in value for value in values)]
                told[one] = f"{found[one]}, {name}={_text(own)}" if own != [] else found[one]
        found = told
    return found


def _estimator(settings: SearchSettings) -> str:
    if settings.estimator_kind != PROXY:
        return settings.estimator
    return " + ".join(Path(one).name if is_proxy_path(one) else one for one in settings.proxy)


def _values(run: SearchRun, group: str) -> dict[str, float]:
    """Architecture -> the mean of its trainings, without those that nothing was measured of."""
    own = (line for line in run.compared if line.group == group and line.code)
    return {line.code: line.mean for line in own if math.isfinite(line.mean)}


def _compared(label: str, searches: Sequence[Mapping[str, float]], several: bool, candidates: float) -> Compared:
    every = {code: value for one in searches for code, value in one.items()}
    values = [sum(one.values()) / len(one) for one in searches] if several else list(every.values())
    best = min(every.items(), key=lambda item: item[1])
    return Compared(label, len(searches), candidates, len(every), tuple(values), *interval(values), best)


def _measure(runs: Iterable[SearchRun]) -> str:
    """The name of the measure, as the first training tells it, or `quality`."""
    for run in runs:
        for folder in sorted((run.folder / FOLDER).glob("*/")):
            if (one := outcome(folder)) is not None:
                return one.main
    return "quality"
