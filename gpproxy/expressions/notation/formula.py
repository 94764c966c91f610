"""A finished formula in all its forms: text, pretty line, LaTeX, words, SymPy, and what of it decides the ranking."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deap import gp

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.notation.mathematics import to_latex, to_mathml
from gpproxy.expressions.notation.pretty import to_pretty
from gpproxy.expressions.notation.words import in_words
from gpproxy.expressions.rewriting.algebra import Algebra
from gpproxy.expressions.rewriting.rank_form import RankForm, rank_form
from gpproxy.expressions.rewriting.shape_constants import ShapeConstants
from gpproxy.expressions.rewriting.simplify import Simplified, simplify
from gpproxy.expressions.rewriting.symbols import to_sympy
from gpproxy.expressions.structure import complexity, needs
from gpproxy.expressions.text import to_text
from gpproxy.statistics.statistic import STATISTICS


@dataclass(frozen=True)
class Formula:
    """One formula, to be read.

    >>> import gpproxy.primitives
    >>> from gpproxy.expressions.text import parse
    >>> from gpproxy.primitives.types import LayerScalar
    >>> grammar = Grammar({"width": LayerScalar})
    >>> formula = Formula.of(parse("exp(sum_layers(square(width)) * 2)", grammar), grammar)
    >>> formula.pretty
    'exp(Σ(width²) · 2)'
    >>> print(formula.latex)
    e^{2 \\cdot \\sum_{\\ell} \\mathrm{width}_{\\ell}^{2}}
    >>> formula.words
    'the exponential of (the sum over the layers of the square of the width times 2)'
    >>> formula.rank_form.text, formula.dropped
    ('sum_layers(square(width))', ('exp', '* 2'))

    Attributes:
        tree: its nodes.
        rank: the shortest form that ranks alike, as a formula of its own; itself where nothing can be dropped.
        dropped: what the rank form leaves out, outermost first.
        note: what simplification had to leave as it was, empty when nothing.
    """

    tree: gp.PrimitiveTree
    rank: Formula | None = None
    dropped: tuple[str, ...] = ()
    note: str = ""

    @classmethod
    def of(
        cls,
        tree: gp.PrimitiveTree,
        grammar: Grammar,
        evaluator: Evaluator | None = None,
        *,
        seconds: float = 5.0,
        algebra: Algebra | None = None,
        shapes: ShapeConstants | None = None,
    ) -> Formula:
        """The simplified formula of a tree with its rank form; without an evaluator nothing is simplified.

        Args:
            evaluator: of the held data, on which a simpler form has to rank identically.
            seconds: time limit for SymPy; 0 leaves it out.
            algebra: a running SymPy process, for many formulas.
            shapes: what shapes make one number for all architectures; by default learnt from the evaluator.
        """
        simple = Simplified(tree, False)
        if evaluator is not None and seconds > 0:
            simple = simplify(tree, grammar, evaluator, seconds=seconds, algebra=algebra, shapes=shapes)
        form: RankForm = rank_form(simple.tree, grammar, evaluator)
        rank = cls(form.tree) if form.dropped else None
        return cls(simple.tree, rank, form.dropped, simple.reason)

    @cached_property
    def text(self) -> str:
        """The form that can be parsed."""
        return to_text(self.tree)

    @cached_property
    def pretty(self) -> str:
        """One line for people."""
        return to_pretty(self.tree)

    @cached_property
    def latex(self) -> str:
        return to_latex(self.tree)

    @cached_property
    def mathml(self) -> str:
        """As browsers draw it."""
        return to_mathml(self.tree)

    @cached_property
    def words(self) -> str:
        """Plain English."""
        return in_words(self.tree)

    @cached_property
    def sympy(self) -> Any:
        """A SymPy expression; operations without an algebra are functions of their name."""
        return to_sympy(self.tree)

    @property
    def rank_form(self) -> Formula:
        """The shortest form that ranks alike."""
        return self.rank or self

    @property
    def complexity(self) -> int:
        """Number of nodes."""
        return complexity(self.tree)

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the statistics it uses."""
        return needs(self.tree)

    @property
    def needs_backward(self) -> bool:
        """Whether one of its statistics takes a backward pass."""
        return any(STATISTICS[name].backward for name in self.needs)
