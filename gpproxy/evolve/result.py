"""What a run found, as plain data: the content of result.json and front.json and of the final table."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpproxy.evolve.rivals import Rival
from gpproxy.ranking.difference import MEASURES
from gpproxy.ranking.metrics import Row
from gpproxy.run.tables import number, with_interval

#: Why an evolution ended, in words that follow "until".
ENDS = {
    "generations": "the last generation",
    "patience": "nothing improved",
    "time": "time was up",
    "asked": "it was stopped and concluded",
}
#: What parts of a benchmark's rows were called by version 0.1, whose results are still read.
RENAMED = {"looks": "inits", "disguise": "confounders", "luck": "chance"}


@dataclass(frozen=True)
class Entry:
    """One formula of the front.

    Attributes:
        formula: infix text that can be parsed.
        pretty: the same for reading.
        complexity: nodes.
        cost: passes over feature maps, statistics included; lower is cheaper.
        needs_backward: whether it takes a backward pass.
        quality: objective on the training architectures, the worst of the benchmarks.
        train, validation, test: measures on the worst benchmark of each part; empty until the run ends, but for
            `kendall` and `spearman` of the validation by one initialisation.
        pick: whether it is the chosen one.
    """

    formula: str
    pretty: str
    complexity: int
    cost: float
    needs_backward: bool
    quality: float
    train: Row = field(default_factory=dict)
    validation: Row = field(default_factory=dict)
    test: Row = field(default_factory=dict)
    pick: bool = False

    def __repr__(self) -> str:
        test = f", test τ {with_interval(self.test, 'kendall')}" if self.test else ""
        return f"Entry({self.formula!r}, {self.complexity} nodes{test})"

    def _repr_html_(self) -> str:
        from gpproxy.expressions.notation.mathematics import mathml_of
        from gpproxy.report.render import fragment

        return fragment(mathml_of(self.formula), self.formula)


class Front(tuple[Entry, ...]):
    """The undominated formulas, by complexity: a tuple that shows itself as a table."""

    def __repr__(self) -> str:
        nodes = [entry.complexity for entry in self]
        size = f" of {min(nodes)} to {max(nodes)} nodes" if nodes else ""
        return f"Front({len(self)} formulas{size})"

    def _repr_html_(self) -> str:
        from gpproxy.report.render import table

        parts = ("train", "validation", "test")
        rows = [
            ["▸" if entry.pick else "", str(entry.complexity), f"{entry.cost:.1f}"]
            + [number(getattr(entry, part).get("kendall")) for part in parts]
            + [entry.pretty]
            for entry in self
        ]
        return table(("", "nodes", "cost", *(f"{part} τ" for part in parts), "formula; ▸ is the pick"), rows)


@dataclass(frozen=True)
class Result:
    """The outcome of a run. Correlations are signed, higher is better; with several benchmarks the worst one counts.

    Attributes:
        formula: the chosen formula, simplified.
        rank_form: what of it decides the ranking.
        latex, words: the formula as LaTeX, and as an English phrase.
        complexity: nodes.
        cost: passes over feature maps, statistics included; lower is cheaper.
        needs_backward: whether a backward pass is needed.
        statistics: names of the statistics that it uses.
        seconds: run time, without the statistics.
        evaluations: distinct formulas judged.
        proposed: formulas proposed, repeats included.
        generations: index of the last one.
        finished: why the evolution ended ("generations", "patience", "time", "asked"; see `ENDS`).
        train, validation, test: `n`, `kendall`, `spearman` with their 95 % intervals, and more; of the worst benchmark.
        baselines: name -> kind and the same three parts, in the published direction; random formulas among them.
            Classical proxies have the parts that they were computed for or that the cache had; the random formulas
            also their own `evaluations`, `rankings`, `seconds` and what ended them (`finished`).
        benchmarks: per benchmark all of this, with correlation inside groups, confounders, chance level, ceiling and
            rivals (see `rivals_of`).
        front: the undominated formulas, by complexity.
        rankings: different rankings of the training architectures among the judged formulas; 0 where an earlier
            version did not count them.
        tie_break: where one term of the formula orders and all others only break its ties: `first` and `then` for
            reading, `term` as text, `values` of the first on how many `networks` of the training, and whether the rest
            is `fragile`, lost in single precision (`gpproxy.expressions.notation.ties`); else None.
        folder: the run folder, None when nothing was written.
    """

    formula: str
    rank_form: str
    latex: str
    words: str
    complexity: int
    cost: float
    needs_backward: bool
    statistics: tuple[str, ...]
    seconds: float
    evaluations: int
    proposed: int
    generations: int
    finished: str
    train: Row
    validation: Row
    test: Row
    baselines: dict[str, Row]
    benchmarks: dict[str, Row]
    front: tuple[Entry, ...]
    rankings: int = 0
    tie_break: Row | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "front", Front(self.front))

    def __repr__(self) -> str:
        numbers = ", ".join(f"{mark} {with_interval(self.test, name)}" for name, mark in MEASURES.items())
        return f"Result({self.formula!r}, test {numbers} on {self.test['n']} networks, {len(self.front)} on the front)"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def _repr_html_(self) -> str:
        """The formula, and whether to use it, for a notebook."""
        from gpproxy.evolve.advice import advise
        from gpproxy.expressions.notation.mathematics import mathml_of
        from gpproxy.report.render import fragment

        told = [advise(self, name) for name in self.benchmarks]
        return fragment(mathml_of(self.formula), self.formula, [f"{one.title}. {one.text}" for one in told])

    def rivals_of(self, benchmark: str) -> list[Rival]:
        """What the formula is compared with on a benchmark; empty for a result of version 0.2.0 or before."""
        return [Rival.from_json(one) for one in self.benchmarks[benchmark].get("rivals", [])]

    def committee_of(self, benchmark: str) -> Rival | None:
        """The mean rank by the formula and one or two more of its archive, `name` has them; None where there is none.

        It is a `Rival` in form alone: the difference is the formula less the committee.
        """
        told = self.benchmarks[benchmark].get("committee")
        return None if told is None else Rival.from_json(told)

    def to_json(self) -> dict[str, Any]:
        """Plain data for result.json; the front has a file of its own."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("front", "folder")}
        return {**data, "statistics": list(self.statistics)}

    @classmethod
    def from_json(cls, data: dict[str, Any], front: tuple[Entry, ...], folder: Path | None = None) -> Result:
        """Inverse of `to_json`. Raises TypeError for a correlation that is no number."""
        check_numbers(data)
        for rows in data["benchmarks"].values():
            for old, new in RENAMED.items():
                if old in rows:
                    rows[new] = rows.pop(old)
        return cls(**{**data, "statistics": tuple(data["statistics"])}, front=front, folder=folder)


def check_numbers(data: Any) -> None:
    """Whether all correlations and their intervals, however deep, are numbers or None."""
    if isinstance(data, list):
        for one in data:
            check_numbers(one)
    if not isinstance(data, dict):
        return
    for name, value in data.items():
        if name in MEASURES or name.endswith("_interval"):
            numbers = value if isinstance(value, list) else [value]
            if not all(one is None or type(one) in (int, float) or isinstance(one, dict) for one in numbers):
                raise TypeError(f"{name} is {value!r}, not a number")
        check_numbers(value)


def front_json(front: tuple[Entry, ...] | list[Entry]) -> list[dict[str, Any]]:
    """Plain data for front.json: equal runs give equal bytes, so no times are in it."""
    return [dataclasses.asdict(entry) for entry in front]
