"""Several runs that differ in their seed, as one result: what holds on the mean of the splits, and how surely.

In: the folders of finished runs. Out: a Series, which is plain data; `series.json` holds it. A row says what a formula,
or what it is compared with, reaches on the tests of all splits; the difference to the formula is paired, on the same
architectures of the same splits (`gpproxy.ranking.trials`).
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gpproxy.errors import RunError
from gpproxy.evolve.committee import NAME
from gpproxy.evolve.result import Result
from gpproxy.evolve.rivals import KINDS, rival_column
from gpproxy.evolve.scores import PICK, RunScores, read_scores
from gpproxy.ranking.committee import votes as place
from gpproxy.ranking.correlation import kendall, rank_dead_last, spearman
from gpproxy.ranking.difference import Difference
from gpproxy.ranking.trials import Trial, mean_difference
from gpproxy.run.tables import number

#: Names of rows beside those of the rivals.
FORMULA, OWN, COMMITTEE, CEILING = "formula", "own committee", "committee", "ceiling"
#: Rows of the formulas themselves, voting together: not what a formula has to be better than.
COMMITTEES = (OWN, COMMITTEE)
#: What they are called.
TITLES = {
    FORMULA: "evolved formula",
    OWN: "committee of each run",
    COMMITTEE: "committee, out of bag",
    CEILING: "ceiling",
    **KINDS,
}


@dataclass(frozen=True)
class Spread:
    """A number over the runs: `mean` and standard `deviation` (None for less than two), and the `values` in order."""

    mean: float | None
    deviation: float | None
    values: tuple[float | None, ...]

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread:
        """The spread of the numbers that there are."""
        known = [value for value in values if value is not None]
        mean = statistics.fmean(known) if known else None
        return cls(mean, statistics.stdev(known) if len(known) > 1 else None, tuple(values))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Spread:
        return cls(data["mean"], data["deviation"], tuple(data["values"]))


@dataclass(frozen=True)
class SeriesRow:
    """What something reaches on the tests of the runs.

    Attributes:
        kind: `formula`, `own committee` (of each run), `committee` (of all runs), `ceiling` or that of a rival.
        names: what was chosen in each run: formulas, names of proxies.
        kendall, spearman: over the runs; of several draws in a run, their mean.
        draws: standard deviation of τ between the draws of a run, mean over the runs; None where nothing is drawn.
        better: in how many of `of` runs the formula has the higher τ.
        difference: mean of the formula less this, paired; None for the formula itself, and for the ceiling.
    """

    kind: str
    names: tuple[str, ...]
    kendall: Spread
    spearman: Spread
    draws: float | None = None
    better: int = 0
    of: int = 0
    difference: Difference | None = None

    @property
    def title(self) -> str:
        return TITLES.get(self.kind, self.kind)

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        return {**data, "difference": None if self.difference is None else self.difference.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SeriesRow:
        spreads = {name: Spread.from_json(data[name]) for name in ("kendall", "spearman")}
        told = data["difference"]
        other = {"names": tuple(data["names"]), "difference": None if told is None else Difference.from_json(told)}
        return cls(**{**data, **spreads, **other})


@dataclass(frozen=True)
class Series:
    """The result of several runs on one benchmark.

    Attributes:
        benchmark: its name.
        seeds: of the runs.
        folders: of the runs, relative to that of the series.
        tested: tested architectures of each run.
        rows: the formula first.
        members: mean number of formulas that vote on a tested architecture in the committee.
    """

    benchmark: str
    seeds: tuple[int, ...]
    folders: tuple[str, ...]
    tested: tuple[int, ...]
    rows: tuple[SeriesRow, ...] = field(default_factory=tuple)
    members: float = 0.0

    def __repr__(self) -> str:
        reached = f", mean test τ {number(self.row('formula').kendall.mean)}" if self.rows else ""
        return f"Series({self.benchmark!r}, {len(self.seeds)} seeds{reached})"

    def row(self, kind: str) -> SeriesRow:
        """The row of a kind. Raises RunError where there is none."""
        for row in self.rows:
            if row.kind == kind:
                return row
        raise RunError(f"The series has no row '{kind}'; it has {', '.join(row.kind for row in self.rows)}.")

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        lists = {name: list(getattr(self, name)) for name in ("seeds", "folders", "tested")}
        return {**asdict(self), **lists, "rows": [row.to_json() for row in self.rows]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Series:
        """Inverse of `to_json`."""
        tuples = {name: tuple(data[name]) for name in ("seeds", "folders", "tested")}
        return cls(**{**data, **tuples, "rows": tuple(SeriesRow.from_json(row) for row in data["rows"])})


def summarise(
    benchmark: str, seeds: Sequence[int], results: Sequence[Result], folders: Sequence[Path], home: Path
) -> Series:
    """The series of finished runs, on one of their benchmarks. Raises RunError for a run without `scores.csv`."""
    tables = [read_scores(folder)[benchmark] for folder in folders]
    tests = [table.places("test") for table in tables]
    picks = [table.ranked(PICK, test) for table, test in zip(tables, tests)]
    formula = row_of(FORMULA, [r.formula for r in results], tables, tests, [p[None] for p in picks])
    rows = [formula]
    own = [result.committee_of(benchmark) for result in results]
    if any(own):
        # A run without a committee has its formula.
        votes = [t.ranked(NAME if c else PICK, test) for t, c, test in zip(tables, own, tests)]
        names = [c.name if c else r.formula for c, r in zip(own, results)]
        rows.append(_against(formula, picks, OWN, names, tables, tests, [v[None] for v in votes]))
    members = 0.0
    if len(tables) > 1:
        votes, members = out_of_bag(tables)
        rows.append(_against(formula, picks, COMMITTEE, [""] * len(tables), tables, tests, [v[None] for v in votes]))
    for kind in KINDS:
        if found := rival_scores(benchmark, kind, results, tables, tests):
            rows.append(_against(formula, picks, kind, found[0], tables, tests, found[1]))
    best = [result.benchmarks[benchmark]["ceiling"] for result in results]
    if all(best):
        tau, rho = (Spread.of([row[measure] for row in best]) for measure in ("kendall", "spearman"))
        rows.append(SeriesRow(CEILING, (), tau, rho))
    paths = tuple(str(folder.relative_to(home)) if folder.is_relative_to(home) else str(folder) for folder in folders)
    return Series(benchmark, tuple(seeds), paths, tuple(len(test) for test in tests), tuple(rows), members)


def out_of_bag(tables: Sequence[RunScores], name: str = PICK) -> tuple[list[Tensor], float]:
    """Per run the committee's votes on its tested architectures, ready to rank, and the mean number of members.

    A member votes on an architecture only where it has not learnt from it or from one of its class: where it tests it.
    """
    ballots: dict[str, list[float]] = {}
    for table in tables:
        learnt = torch.tensor([part != "test" for part in table.parts]) & ~table.dead
        reference = table.mean(name)[learnt]
        test = table.places("test")
        # As in `Proxy`: a vote for each initialisation, then their mean.
        for at, vote in zip(test.tolist(), place(table.columns[name][:, test], reference).mean(0).tolist()):
            ballots.setdefault(table.architectures[at], []).append(vote)
    votes = []
    for table in tables:
        test = table.places("test")
        means = torch.tensor([statistics.fmean(ballots[table.architectures[at]]) for at in test.tolist()])
        votes.append(rank_dead_last(means.double(), table.dead[test] | means.isnan()))
    counts = [len(ballots[table.architectures[at]]) for table in tables for at in table.places("test").tolist()]
    return votes, statistics.fmean(counts)


def row_of(
    kind: str, names: Sequence[str], tables: Sequence[RunScores], tests: Sequence[Tensor], scores: Sequence[Tensor]
) -> SeriesRow:
    """What something reaches on the tests of the runs; `scores` are `score x architecture` of each, ready to rank."""
    values: dict[str, list[float | None]] = {"kendall": [], "spearman": []}
    between = []
    for table, test, some in zip(tables, tests, scores):
        for measure, correlation in (("kendall", kendall), ("spearman", spearman)):
            found = correlation(some, table.quality[test])
            mean = float(found.nanmean())
            values[measure].append(mean if mean == mean else None)
            if measure == "kendall" and len(found) > 1:
                between.append(float(found.std()))
    spread = {measure: Spread.of(some) for measure, some in values.items()}
    draws = statistics.fmean(between) if between else None
    return SeriesRow(kind, tuple(names), spread["kendall"], spread["spearman"], draws)


def rival_scores(
    benchmark: str, kind: str, results: Sequence[Result], tables: Sequence[RunScores], tests: Sequence[Tensor]
) -> tuple[list[str], list[Tensor]] | None:
    """Of a kind of rivals what was chosen in each run, and its `score x architecture` on the test; None where a run has
    none of it."""
    found = [{rival.kind: rival for rival in result.rivals_of(benchmark)}.get(kind) for result in results]
    names = [f"{'-' if rival.sign < 0 else ''}{rival.name}" for rival in found if rival is not None]
    if len(names) < len(found):
        return None
    scores = []
    for table, test in zip(tables, tests):
        drawn = [name for name in table.columns if name.startswith("random ")]
        columns = drawn if kind == "random" else [rival_column(kind)]
        scores.append(torch.stack([table.ranked(name, test) for name in columns]))
    return names, scores


def _against(
    formula: SeriesRow,
    picks: Sequence[Tensor],
    kind: str,
    names: Sequence[str],
    tables: Sequence[RunScores],
    tests: Sequence[Tensor],
    scores: Sequence[Tensor],
) -> SeriesRow:
    """A row with what the formula has over it."""
    row = row_of(kind, names, tables, tests, scores)
    return compared(row, formula, row, tables, tests, [(pick[None], some) for pick, some in zip(picks, scores)])


def compared(
    row: SeriesRow,
    first: SeriesRow,
    second: SeriesRow,
    tables: Sequence[RunScores],
    tests: Sequence[Tensor],
    scores: Sequence[tuple[Tensor, Tensor]],
) -> SeriesRow:
    """A row with what the first of two has over the second: the paired difference, and in how many runs it is better.

    Args:
        scores: of both, `score x architecture`, on the test of each run.
    """
    trials = [
        Trial([table.classes[i] for i in test.tolist()], table.quality[test], own, other)
        for table, test, (own, other) in zip(tables, tests, scores)
    ]
    pairs = [
        (own, other) for own, other in zip(first.kendall.values, second.kendall.values) if None not in (own, other)
    ]
    better = sum(own > other for own, other in pairs)  # type: ignore[operator]
    return replace(row, better=better, of=len(pairs), difference=mean_difference(trials))
