"""Random formulas, as many different rankings as an evolution has judged: the comparison that it has to win.

In: a problem, settings and a number of rankings. Out: a stream of generations, the last one with the archive. Most of
the price of a formula are its parts with a value per layer, and two random formulas share next to none of them, so that
one costs four times as much as an evolved one. Here they come from an urn (Hoppe, 1984): a part is new, or one that an
earlier formula of the same draw has had in such a place. Every single formula is distributed as before; only their
company is closer, as in an evolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from time import perf_counter

from deap import gp

from gpproxy.evolution.archive import Archive
from gpproxy.evolution.assess import Assessor
from gpproxy.evolution.generation import Generation, PopulationSummary
from gpproxy.evolution.layout import Layout, Node
from gpproxy.evolution.problem import Problem
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.evolution.state import stream
from gpproxy.evolution.variation import Variation
from gpproxy.primitives.types import Scalar

#: Formulas judged at a time: enough to share parts, few enough to show how far it is.
BATCH = 500
#: Batches in a row without a new ranking after which the grammar counts as exhausted.
EXHAUSTED = 20
#: Share of the parts that are new.
FRESH = 0.1


class Urn:
    """Random trees of a grammar that share parts.

    Args:
        variation: draws the trees.
        fresh: share of new parts; 1 shares none.
    """

    def __init__(self, variation: Variation, fresh: float = FRESH):
        self._variation = variation
        self._fresh = fresh
        self._parts: dict[tuple[type, int], list[list[Node]]] = {}

    def tree(self, rng: Random) -> gp.PrimitiveTree:
        """A random tree within the limits of the variation."""
        tree: list[Node] = list(self._variation.random(rng))
        layout = Layout(tree)
        for i, end in reversed(_parts(layout)):
            seen = self._parts.setdefault((tree[i].ret, end - i), [])
            part = tree[i:end]
            if seen and rng.random() >= self._fresh:
                other = rng.choice(seen)
                if layout.depths[i] + Layout(other).heights[0] <= self._variation.limits.height:
                    tree[i:end] = other
                    continue
            seen.append(part)
        return gp.PrimitiveTree(tree)


def _parts(layout: Layout) -> list[tuple[int, int]]:
    """Where the largest subtrees stand that are no numbers of the network, in order."""
    found, i = [], 0
    while i < len(layout.tree):
        if layout.tree[i].ret is Scalar:
            i += 1
            continue
        found.append((i, layout.ends[i]))
        i = layout.ends[i]
    return found


def random_search(problem: Problem, config: EvolutionSettings, rankings: int, draw: int = 0) -> Iterator[Generation]:
    """Random formulas in batches until `rankings` different rankings of the training architectures were seen.

    Generator, rewriting, limits, fitness and archive are those of `evolve`. A formula that ranks backwards is judged
    with a minus too, there as here, and counts twice; the budget may be passed by the last batch. Ends earlier when
    the grammar holds no more. The last generation tells why it is the last: `finished` is "rankings" or "exhausted".

    Args:
        draw: number of the draw; each has formulas of its own.
    """
    variation = Variation(problem.grammar, config.limits)
    urn = Urn(variation)
    assessor = Assessor(problem, config.limits)
    archive = Archive(config.archive_width)
    seconds, index, idle = 0.0, 0, 0
    finished = None if rankings > 0 else "rankings"
    while finished is None:
        start = perf_counter()
        rng = stream(config.seed, "random", draw, index)
        size = min(BATCH, max(1, rankings - assessor.rankings))
        before = assessor.rankings
        born = assessor.assess([assessor.propose(urn.tree(rng), "random") for _ in range(size)])
        improved = archive.add(born)
        idle = idle + 1 if assessor.rankings == before else 0
        spent = perf_counter() - start
        seconds += spent
        if assessor.rankings >= rankings:
            finished = "rankings"
        elif idle >= EXHAUSTED:
            finished = "exhausted"
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
            assessor.rankings,
        )
        index += 1
