"""Proposed trees in, individuals out; no structure is evaluated twice in a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from deap import gp

from gpproxy.evolution.combination import negated
from gpproxy.evolution.individual import Individual, Score
from gpproxy.evolution.layout import Limits
from gpproxy.evolution.problem import Problem
from gpproxy.expressions.rewriting.rewrite import Terms, rewrite
from gpproxy.expressions.rewriting.shape_constants import ShapeConstants
from gpproxy.expressions.structure import complexity, cost, key, keys


@dataclass(frozen=True, eq=False)
class Proposal:
    """A rewritten tree on its way to evaluation: `origin` is the operator, `parent` the quality of the first parent.

    `names` are its `keys`, where they are known.
    """

    tree: gp.PrimitiveTree
    key: str
    origin: str
    parent: float | None = None
    names: Sequence[bytes] | None = None


class Assessor:
    """Fitness of everything seen in a run.

    Attributes:
        simplify: whether trees are rewritten, and what is one number by its shapes is folded, before they are judged.
        cases: whether scores keep what a formula is worth on every single case.
        scores: structural key -> fitness, in order of evaluation; only ever grows.
        proposed: trees assessed so far, repeats included.
        invalid: reason -> structures, in order of first appearance.
    """

    def __init__(self, problem: Problem, limits: Limits, cases: bool = False, simplify: bool = True):
        self.problem = problem
        self.limits = limits
        self.cases = cases
        self.simplify = simplify
        self.scores: dict[str, Score] = {}
        self.proposed = 0
        self.invalid: dict[str, int] = {}
        self._shapes = ShapeConstants([case.evaluator for case in problem.cases])
        self._terms: Terms = {}
        self._rankings: set[str] = set()
        self._counted = 0

    @property
    def rankings(self) -> int:
        """Different rankings among everything seen."""
        self._rankings.update(s.signature for s in islice(self.scores.values(), self._counted, None) if s.signature)
        self._counted = len(self.scores)
        return len(self._rankings)

    def propose(self, tree: gp.PrimitiveTree, origin: str, parent: float | None = None) -> Proposal:
        """The tree in its rewritten form, or as it is where nothing is simplified."""
        if self.simplify:
            tree = self._shapes.rewritten(rewrite(tree, self.problem.grammar, self._terms), self.problem.grammar)
        names = keys(tree)
        return Proposal(tree, names[0].hex(), origin, parent, names)

    def assess(self, proposals: Sequence[Proposal]) -> list[Individual]:
        """One individual per proposal, in order; one call of the evaluator per benchmark for all new structures.

        A formula that ranks backwards comes back negated, where the limits leave room for the minus.
        """
        self.proposed += len(proposals)
        new = {p.key: p.tree for p in proposals if p.key not in self.scores}
        if new:
            trees = list(new.values())
            scores = self.problem.scores(trees)
            judged = self.problem.judge(scores, self.cases)
            for name, score in zip(new, judged):
                self._keep(name, score)
            wrong = [i for i, score in enumerate(judged) if score.reason is None and score.quality < 0]
            flipped = [(i, negated(trees[i], self.problem.grammar, self.limits)) for i in wrong]
            fresh: dict[str, int] = {}
            for i, nodes in flipped:
                if nodes is not None:
                    name = key(gp.PrimitiveTree(nodes)).hex()
                    if name not in self.scores:
                        fresh.setdefault(name, i)
            if fresh:
                rows = list(fresh.values())
                minus = [(-values[rows], [reasons[i] for i in rows]) for values, reasons in scores]
                for name, score in zip(fresh, self.problem.judge(minus, self.cases)):
                    self._keep(name, score)
        return [self._individual(p) for p in proposals]

    def individual(self, tree: gp.PrimitiveTree, origin: str) -> Individual:
        """An individual of a structure that has been assessed before; KeyError for another."""
        return self.known(tree, origin, self.scores[key(tree).hex()])

    def known(self, tree: gp.PrimitiveTree, origin: str, score: Score) -> Individual:
        """An individual whose fitness is known."""
        names = keys(tree)
        price = cost(tree, self.problem.prices, names)
        return Individual(tree, names[0].hex(), complexity(tree), price, score, origin)

    def _individual(self, proposal: Proposal) -> Individual:
        score = self.scores[proposal.key]
        if score.reason is None and score.quality < 0:
            nodes = negated(proposal.tree, self.problem.grammar, self.limits)
            if nodes is not None:
                tree = gp.PrimitiveTree(nodes)
                opposite = self.scores.get(key(tree).hex())
                if opposite is not None and opposite.quality > score.quality:
                    return self.known(tree, proposal.origin, opposite)
        price = cost(proposal.tree, self.problem.prices, proposal.names) if score.reason is None else float("inf")
        return Individual(proposal.tree, proposal.key, complexity(proposal.tree), price, score, proposal.origin)

    def _keep(self, name: str, score: Score) -> None:
        self.scores[name] = score
        if score.reason is not None:
            self.invalid[score.reason] = self.invalid.get(score.reason, 0) + 1
