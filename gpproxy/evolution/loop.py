"""The evolution: a problem and settings in, a stream of generations out. Nothing is printed and no file is written.

Islands evolve apart by mu + lambda NSGA-II and send their best around a ring; all their offspring are evaluated in one
call. Sources: Deb et al. (2002) NSGA-II; Cranmer (2023) PySR for islands, guesses and learned operator weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from time import perf_counter

from deap import gp

from gpproxy.errors import ConfigError
from gpproxy.evolution.archive import Archive
from gpproxy.evolution.assess import Assessor, Proposal
from gpproxy.evolution.combination import negated
from gpproxy.evolution.generation import Generation, PopulationSummary
from gpproxy.evolution.individual import Individual
from gpproxy.evolution.layout import Layout
from gpproxy.evolution.lexicase import Lexicase
from gpproxy.evolution.operators import OperatorWeights, draw
from gpproxy.evolution.problem import Problem
from gpproxy.evolution.selection import distinct, survivors, tournament
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.evolution.state import EvolutionState, check_identity, identity, restore, stream
from gpproxy.evolution.variation import Variation
from gpproxy.expressions.text import parse, to_text

#: Attempts to make a child of a structure that was never seen before one that was is let through.
ATTEMPTS = 4

Island = list[Individual]
#: Draws a parent.
Chooser = Callable[[Random], Individual]
#: Makes a tree from a random stream: the tree, the operator, and the quality of its parent.
Maker = Callable[[Random], tuple[gp.PrimitiveTree, str, float | None]]


def evolve(
    problem: Problem,
    config: EvolutionSettings | None = None,
    *,
    guesses: Sequence[str | gp.PrimitiveTree] = (),
    state: EvolutionState | None = None,
) -> Iterator[Generation]:
    """Generations of formulas, the first random, each at least as good as the one before.

    Args:
        guesses: formulas to start from beside the random ones; each also takes part with the opposite sign.
        state: continue after this generation; `guesses` are then ignored, they are in it.

    Raises:
        ConfigError: a guess is larger than the limits, or no formula fits them.
        ExpressionError: a guess cannot be read.
        RunError: the state belongs to another problem or other settings.
    """
    config = config or EvolutionSettings()
    return _Evolution(problem, config).run(guesses, state)


#: Nodes of the largest formula of the first generation.
SMALL = 8


class _Evolution:
    """The moving parts of one run."""

    def __init__(self, problem: Problem, config: EvolutionSettings):
        self.problem = problem
        self.config = config
        self.variation = Variation(problem.grammar, config.limits)
        self.lexicase = config.combine == "lexicase" and len(problem.cases) > 1
        self.assessor = Assessor(problem, config.limits, self.lexicase, "simplification" not in config.without)
        self.archive = Archive(config.archive_width)
        self.operators = OperatorWeights(without=config.without)
        self.identity = identity(problem, config)
        self.islands: list[Island] = [[] for _ in config.sizes()]
        self.index = -1
        self.stale = 0
        self.seconds = 0.0

    def run(self, guesses: Sequence[str | gp.PrimitiveTree], state: EvolutionState | None) -> Iterator[Generation]:
        if state is not None:
            check_identity(state.identity, self.identity)
            self._resume(state)
            seeds: list[gp.PrimitiveTree] = []
        else:
            seeds = self._seeds(guesses)
        return self._generations(seeds)

    def _generations(self, seeds: list[gp.PrimitiveTree]) -> Iterator[Generation]:
        while self.index < 0 or self._finished() is None:
            start = perf_counter()
            self.index += 1
            proposals = self._first(seeds) if self.index == 0 else self._offspring()
            improved = self._advance(proposals)
            spent = perf_counter() - start
            self.seconds += spent
            yield self._report(improved, spent)

    def _advance(self, proposals: list[list[Proposal]]) -> bool:
        """Evaluates the proposals of all islands at once and lets the best survive."""
        config = self.config
        flat = [p for island in proposals for p in island]
        children = self.assessor.assess(flat)
        self.operators.learn(
            (p.origin, c.valid and c.quality > p.parent) for p, c in zip(flat, children) if p.parent is not None
        )
        start = 0
        for i, size in enumerate(config.sizes()):
            born = children[start : start + len(proposals[i])]
            start += len(proposals[i])
            self.islands[i] = self._survivors(i, [*self.islands[i], *born], size, "survivors")
        if config.migration and self.index and self.index % config.migration == 0 and len(self.islands) > 1:
            self._migrate()
        improved = self.archive.add(children)
        self.stale = 0 if improved else self.stale + 1
        return improved

    def _migrate(self) -> None:
        """Each island receives the best of the one before it in the ring."""
        leaving = [sorted(island, key=lambda i: i.order)[: self.config.migrants] for island in self.islands]
        for i, size in enumerate(self.config.sizes()):
            self.islands[i] = self._survivors(i, [*self.islands[i], *leaving[i - 1]], size, "migrants")

    def _survivors(self, island: int, individuals: Island, size: int, name: str) -> Island:
        """Who stays on an island: by NSGA-II, or half of them by lexicase and the other half from the rest."""
        if not self.lexicase:
            return survivors(individuals, size, self.config.elite)
        pool = distinct(individuals)
        rng = stream(self.config.seed, island, self.index, name)
        special = Lexicase(pool).several(size // 2, rng) if pool else []
        chosen = {i.key for i in special}
        rest = [i for i in pool if i.key not in chosen]
        return [*survivors(rest, size - len(special), self.config.elite), *special]

    def _first(self, seeds: list[gp.PrimitiveTree]) -> list[list[Proposal]]:
        """Small random formulas, more than survive, and the guesses dealt out to the islands in turn.

        Most large random formulas are noise, while small ones share their parts, cost little, and hold the building
        blocks that later generations join.
        """
        result: list[list[Proposal]] = []
        seen: set[str] = set()
        for i, size in enumerate(self.config.sizes()):
            size *= self.config.initial_factor
            rng = stream(self.config.seed, i, 0)
            island = [self.assessor.propose(tree, "guess") for tree in seeds[i :: len(self.islands)]]
            while len(island) < size:
                proposal = self._new(lambda r: (self.variation.random(r, SMALL), "random", None), rng, seen)
                island.append(proposal)
            result.append(island)
        return result

    def _offspring(self) -> list[list[Proposal]]:
        """As many children as an island has places, most of structures never seen before."""
        weights = self.operators.weights()
        result: list[list[Proposal]] = []
        seen: set[str] = set()
        for i, size in enumerate(self.config.sizes()):
            rng = stream(self.config.seed, i, self.index)
            parents = self.islands[i]
            choose = self._parents(parents)

            def child(
                rng: Random, parents: Island = parents, choose: Chooser = choose
            ) -> tuple[gp.PrimitiveTree, str, float | None]:
                if len(parents) < 2 or rng.random() < self.config.immigrants:
                    return self.variation.random(rng), "random", None
                first, second = (choose(rng) for _ in range(2))
                tree, operator = self.variation.vary(draw(weights, rng), first, second, rng)
                return tree, operator, first.quality

            result.append([self._new(child, rng, seen) for _ in range(size)])
        return result

    def _parents(self, island: Island) -> Chooser:
        """How the parents of an island are drawn."""
        size, by_quality = self.config.tournament, self.config.by_quality
        if not self.lexicase or len(island) < 2:
            return lambda rng: tournament(island, rng, size, by_quality)
        lexicase = Lexicase(island)
        return lambda rng: lexicase.draw(rng) if rng.random() < by_quality else tournament(island, rng, size, 0.0)

    def _new(self, make: Maker, rng: Random, seen: set[str]) -> Proposal:
        """A proposal of unseen structure, or after some attempts the last one made."""
        for _ in range(ATTEMPTS):
            tree, origin, parent = make(rng)
            proposal = self.assessor.propose(tree, origin, parent)
            if proposal.key not in self.assessor.scores and proposal.key not in seen:
                break
        seen.add(proposal.key)
        return proposal

    def _seeds(self, guesses: Sequence[str | gp.PrimitiveTree]) -> list[gp.PrimitiveTree]:
        """The guesses as trees, each followed by its opposite where the limits leave room for the minus."""
        trees = []
        for guess in guesses:
            tree = parse(guess, self.problem.grammar) if isinstance(guess, str) else guess
            height = Layout(tree).heights[0]
            if len(tree) > self.config.max_nodes or height > self.config.max_height:
                raise ConfigError(
                    f"The guess '{to_text(tree)}' has {len(tree)} nodes and height {height}, more than "
                    f"max_nodes={self.config.max_nodes} or max_height={self.config.max_height}. Raise the limit or "
                    "leave the guess out."
                )
            trees.append(tree)
            opposite = negated(tree, self.problem.grammar, self.config.limits)
            if opposite is not None:
                trees.append(gp.PrimitiveTree(opposite))
        return trees

    def _finished(self) -> str | None:
        config = self.config
        if self.index >= config.generations:
            return "generations"
        if config.patience and self.stale >= config.patience:
            return "patience"
        return "time" if config.max_minutes and self.seconds >= 60 * config.max_minutes else None

    def _resume(self, state: EvolutionState) -> None:
        self.archive = restore(state, self.assessor, self.config)
        self.operators = OperatorWeights(state.record, self.config.without)
        self.islands = [list(island) for island in state.islands]
        self.index, self.stale, self.seconds = state.generation, state.stale, state.seconds

    def _report(self, improved: bool, spent: float) -> Generation:
        assessor, members = self.assessor, self.archive.members
        invalid = dict(assessor.invalid)
        state = EvolutionState(
            self.index, tuple(map(tuple, self.islands)), members, dict(self.operators.record), self.stale,
            assessor.proposed, assessor.scores, len(assessor.scores), invalid, self.seconds, self.identity,
        )  # fmt: skip
        return Generation(
            self.index,
            self.archive.best if members else None,
            members,
            self.archive.front(),
            assessor.proposed,
            len(assessor.scores),
            invalid,
            improved,
            self.seconds,
            spent,
            PopulationSummary.of(self.islands),
            self.operators.weights(),
            self._finished(),
            state,
            state.rankings,
        )
