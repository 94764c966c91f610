"""Finished runs beside each other: folders of runs or series in, their tests and paired differences out.

Two runs are compared on the architectures that neither has learnt from: those that stand in the tests of both. Series
are compared seed by seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gpproxy.errors import RunError
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.scores import PICK, RunScores, read_scores
from gpproxy.evolve.series import Spread
from gpproxy.evolve.several import is_series
from gpproxy.ranking.correlation import kendall, spearman
from gpproxy.ranking.difference import Difference
from gpproxy.ranking.trials import Trial, mean_difference
from gpproxy.run.folder import RESULT

#: Fewest architectures that two runs are compared on.
FEWEST = 4


@dataclass(frozen=True)
class Compared:
    """One run or series on one benchmark.

    Attributes:
        label: name of its folder.
        formulas: by seed.
        kendall, spearman: on its own tests, over the seeds.
        difference: of the first one less this, on the architectures that both have tested; None for the first one.
        missing: why there is no difference, or empty.
    """

    label: str
    formulas: Mapping[int, str]
    kendall: Spread
    spearman: Spread
    difference: Difference | None = None
    missing: str = ""


def compare(folders: Sequence[str | Path]) -> dict[str, list[Compared]]:
    """Per benchmark, the runs in the order given, each with the paired difference of the first to it.

    Raises RunError for a folder that is none of a finished run or series.
    """
    groups = [_runs(Path(folder).expanduser()) for folder in folders]
    labels = [Path(folder).expanduser().resolve().name for folder in folders]
    scores = [{seed: read_scores(path) for seed, path in runs.items()} for runs in groups]
    formulas = [
        {seed: EvolveFolder(path).read("formula.txt").strip() for seed, path in runs.items()} for runs in groups
    ]
    found: dict[str, list[Compared]] = {}
    for name in dict.fromkeys(name for one in scores for tables in one.values() for name in tables):
        own = [{seed: tables[name] for seed, tables in one.items() if name in tables} for one in scores]
        there = [i for i, tables in enumerate(own) if tables]
        for i in there:
            difference, missing = (None, "") if i == there[0] else _difference(own[there[0]], own[i])
            tau, rho = _spreads(own[i].values())
            found.setdefault(name, []).append(Compared(labels[i], formulas[i], tau, rho, difference, missing))
    return found


def _runs(folder: Path) -> dict[int, Path]:
    """Seed -> folder of a finished run. Raises RunError where there is none."""
    if is_series(folder):
        if EvolveFolder(folder).config.learning_curve:
            raise RunError(f"{folder} is a learning curve. Compare its series, such as {folder}/labels-N.")
        runs = {seed: folder / f"s{seed}" for seed in EvolveFolder(folder).config.seed_list}
        finished = {seed: path for seed, path in runs.items() if (path / RESULT).is_file()}
        if not finished:
            raise RunError(f"The series in {folder} has no finished run yet.")
        return finished
    place = EvolveFolder.open(folder)
    if not place.finished:
        raise RunError(f"The run in {folder} is not finished. Continue it: gpproxy evolve --resume {folder}")
    return {place.config.seed: folder}


def _spreads(tables: Iterable[RunScores]) -> tuple[Spread, Spread]:
    values: list[tuple[float, float]] = []
    for table in tables:
        test = table.places("test")
        ranked = table.ranked(PICK, test)
        values.append((float(kendall(ranked, table.quality[test])), float(spearman(ranked, table.quality[test]))))
    known = [[number if number == number else None for number in column] for column in zip(*values)]
    return Spread.of(known[0]), Spread.of(known[1])


def _difference(first: Mapping[int, RunScores], other: Mapping[int, RunScores]) -> tuple[Difference | None, str]:
    """The paired difference over matching seeds; a single run matches any other single one."""
    pairs = [(first[seed], other[seed]) for seed in first if seed in other]
    if not pairs and len(first) == len(other) == 1:
        pairs = [(next(iter(first.values())), next(iter(other.values())))]
    if not pairs:
        return None, "no seed in common"
    trials = []
    for left, right in pairs:
        places = dict(zip(right.architectures, range(len(right.architectures))))
        both = [
            (i, places[code])
            for i, code in enumerate(left.architectures)
            if left.parts[i] == "test" and code in places and right.parts[places[code]] == "test"
        ]
        if len(both) >= FEWEST:
            mine, theirs = (torch.tensor(side) for side in zip(*both))
            classes = [left.classes[i] for i in mine.tolist()]
            trials.append(
                Trial(classes, left.quality[mine], left.ranked(PICK, mine)[None], right.ranked(PICK, theirs)[None])
            )
    if not trials:
        return None, f"fewer than {FEWEST} architectures that both have tested"
    return mean_difference(trials), ""
