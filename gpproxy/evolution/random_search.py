"""Random formulas with the budget of an evolution: the comparison that an evolution has to win."""

from __future__ import annotations

import math
from collections.abc import Iterator
from time import perf_counter

from gpproxy.evolution.archive import Archive
from gpproxy.evolution.assess import Assessor
from gpproxy.evolution.generation import Generation, PopulationSummary
from gpproxy.evolution.problem import Problem
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.evolution.state import stream
from gpproxy.evolution.variation import Variation

#: Formulas judged at a time: small, so that a time budget is kept.
BATCH = 100
#: Batches in a row without a new structure after which the grammar counts as exhausted.
EXHAUSTED = 20


def random_search(
    problem: Problem, config: EvolutionSettings, evaluations: int, seconds_at_most: float = math.inf
) -> Iterator[Generation]:
    """Random formulas in batches until `evaluations` distinct ones have been judged.

    Random formulas share few subtrees, so that one costs several times as much as an evolved one: with
    `seconds_at_most` the search ends after that time, if that comes first (and is then not reproducible bit for bit).

    Generator, rewriting, limits, fitness and archive are those of `evolve`. A formula that ranks backwards is judged
    with a minus too, there as here, and counts twice; the budget may be passed by one through that. Ends earlier when
    the grammar holds no more formulas. The last generation tells why it is the last: `finished` is "evaluations",
    "time" or "exhausted".
    """
    variation = Variation(problem.grammar, config.limits)
    assessor = Assessor(problem, config.limits)
    archive = Archive(config.archive_width)
    seconds, index, idle = 0.0, 0, 0
    finished = None if evaluations > 0 and seconds_at_most > 0 else "evaluations"
    while finished is None:
        start = perf_counter()
        rng = stream(config.seed, "random", index)
        size = min(config.population, BATCH, max(1, (evaluations - len(assessor.scores)) // 2))
        before = len(assessor.scores)
        born = assessor.assess([assessor.propose(variation.random(rng), "random") for _ in range(size)])
        improved = archive.add(born)
        idle = idle + 1 if len(assessor.scores) == before else 0
        spent = perf_counter() - start
        seconds += spent
        if len(assessor.scores) >= evaluations:
            finished = "evaluations"
        elif idle >= EXHAUSTED:
            finished = "exhausted"
        elif seconds >= seconds_at_most:
            finished = "time"
        yield Generation(
            index,
            archive.best if len(archive) else None,
            archive.members,
            archive.front(),
            assessor.proposed,
            len(assessor.scores),
            dict(assessor.invalid),
            improved,
            seconds,
            spent,
            PopulationSummary.of([[i for i in born if i.valid]]),
            {},
            finished,
            None,
        )
        index += 1
