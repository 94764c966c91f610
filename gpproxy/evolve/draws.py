"""Random formulas of a run, drawn several times: each draw in a process of its own where there are cores for it.

In: the problem of a run, its settings and a number of rankings. Out: one `Draw` each. A draw depends on its number, the
seed and the problem alone, so that results are the same in one process and in many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gpproxy.evolution.assess import Assessor
from gpproxy.evolution.individual import Individual, Score
from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.random_search import random_search
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.evolution.target import Target
from gpproxy.execution.scheduler import run_steps
from gpproxy.execution.task import Stop
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse, to_text
from gpproxy.primitives.primitive import PRIMITIVES
from gpproxy.statistics.table import StatisticsTable

#: Where primitives come from that every process finds by their names: here, and files given by --plugins.
FOUND_EVERYWHERE = ("gpproxy.", "gpproxy_plugin_")


@dataclass(frozen=True, eq=False)
class Draw:
    """Random formulas of one draw.

    Attributes:
        archive: the best per complexity.
        evaluated: distinct formulas judged.
        rankings: different rankings of the training architectures among them.
        seconds: how long it took.
        finished: why it ended, "rankings" or "exhausted".
    """

    archive: tuple[Individual, ...]
    evaluated: int
    rankings: int
    seconds: float
    finished: str


@dataclass(frozen=True)
class Sent:
    """What a process has to know of a problem. Formulas travel as text."""

    cases: tuple[tuple[str, StatisticsTable, Target, int], ...]
    statistics: Mapping[str, type]
    primitives: tuple[str, ...]
    constants: bool
    prices: Mapping[str, float]

    @classmethod
    def of(cls, problem: Problem) -> Sent:
        """The parts of a problem."""
        grammar = problem.grammar
        return cls(
            tuple((case.name, case.evaluator.table, case.target, case.evaluator.memory) for case in problem.cases),
            {name: leaf.ret for name, leaf in grammar.statistics.items()},
            grammar.operation_names,
            grammar.constants,
            dict(problem.prices),
        )

    def problem(self) -> Problem:
        """The problem, made anew."""
        cases = [Case(name, Evaluator(table, memory=memory), goal) for name, table, goal, memory in self.cases]
        grammar = Grammar(self.statistics, [PRIMITIVES[name] for name in self.primitives], self.constants)
        return Problem(tuple(cases), grammar, self.prices)


#: Text, operator and fitness of the members of an archive, and what else `Draw` holds.
Told = tuple[list[tuple[str, str, list[object]]], tuple[int, int, float, str]]


def drawn(
    problem: Problem | Sent, config: EvolutionSettings, wanted: int, number: int, stop: Stop
) -> Iterator[tuple[int, Told | None]]:
    """One draw in steps: the rankings seen so far, and with the last ones what the draw has come to."""
    found = problem.problem() if isinstance(problem, Sent) else problem
    for generation in random_search(found, config, wanted, number):
        told = None
        if generation.finished:
            members = [(to_text(one.tree), one.origin, one.score.to_json()) for one in generation.archive]
            told = members, (generation.evaluated, generation.rankings, generation.seconds, generation.finished)
        yield generation.rankings, told
        if stop():
            return


def random_draws(
    problem: Problem,
    config: EvolutionSettings,
    wanted: int,
    count: int,
    *,
    cores: int = 1,
    on_progress: Callable[[int], None] = lambda rankings: None,
) -> list[Draw]:
    """So many draws of random formulas, each of `wanted` different rankings; `on_progress` gets the sum of them.

    Args:
        cores: for more than one, draws run beside each other in processes, each with a copy of the statistics.
    """
    sent = Sent.of(problem) if cores > 1 and count > 1 and _found_everywhere(problem) else problem
    workers = 1 if sent is problem else min(count, 2 * cores)  # three on two cores end earlier than two and then one
    tasks = [(sent, config, wanted, number) for number in range(count)]
    seen = [0] * count
    ends: dict[int, Told] = {}
    for news in run_steps(drawn, tasks, workers=workers):
        number = news.task[3]
        if news.error is not None:
            raise news.error
        if news.report is not None:
            seen[number], told = news.report
            if told is not None:
                ends[number] = told
            on_progress(sum(min(one, wanted) for one in seen))
    return [_draw(ends[number], problem, config) for number in range(count)]


def _draw(told: Told, problem: Problem, config: EvolutionSettings) -> Draw:
    """A draw with its formulas as trees of the grammar of `problem`."""
    assessor, members = Assessor(problem, config.limits), []
    for text, origin, score in told[0]:
        tree = parse(text, problem.grammar)
        members.append(assessor.known(tree, origin, Score.from_json(score)))
    return Draw(tuple(members), *told[1])


def _found_everywhere(problem: Problem) -> bool:
    """Whether another process knows the primitives of the grammar: not those that a notebook has defined."""
    names = (PRIMITIVES[name].function.__module__ for name in problem.grammar.operation_names if name in PRIMITIVES)
    cpu = all(case.evaluator.table.depth.device.type == "cpu" for case in problem.cases)
    return cpu and all(name.startswith(FOUND_EVERYWHERE) for name in names)
