"""A primitive of one's own is drawn, simplified, explained and printed like ours."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
import sympy
from deap import gp

from gpproxy import registry
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.notation.mathematics import to_latex
from gpproxy.expressions.notation.pretty import to_pretty
from gpproxy.expressions.notation.words import in_words
from gpproxy.expressions.rewriting.rank_form import rank_form
from gpproxy.expressions.rewriting.rewrite import rewrite
from gpproxy.expressions.rewriting.simplify import simplify
from gpproxy.expressions.rewriting.symbols import TreeWriter, to_sympy
from gpproxy.expressions.text import parse, to_text
from gpproxy.primitives import PRIMITIVES
from gpproxy.statistics.table import StatisticsTable

PLUGIN = r'''
import torch
from gpproxy.primitives.notation import POWER, Notation
from gpproxy.primitives.primitive import maps, primitive, same
from gpproxy.primitives.types import FeatureMap, LayerScalar, Scalar


def sp():
    import sympy

    return sympy


@primitive("transform", same(FeatureMap, LayerScalar), source="me, 2026", parity="absolute", range="unit",
           idempotent=True, fixes="binary", phrase="the certainty of {0}", plain="⌊{0}⌋",
           latex=r"\left\lfloor{0}\right\rfloor")
def certain(x):
    """1 where |x| >= 1, else 0."""
    return (x.abs() >= 1).to(x.dtype)


@primitive("transform", same(LayerScalar, Scalar), source="me, 2026", parity="odd", monotone=1, weight=50.0,
           phrase="the arctangent of {0}", latex=r"\arctan\left({0}\right)", sympy=lambda x: sp().atan(x))
def arctangent(x):
    """The angle whose tangent is x."""
    return x.atan()


@primitive("transform", same(Scalar), source="me, 2026", laws=("same_number(x) -> x",), monotone=1)
def same_number(x):
    """The number itself."""
    return x.clone()


@primitive("reduce", maps((LayerScalar, Scalar)), source="me, 2026", over_layers=True)
def peak_to_mean_layers(x, depth):
    """Largest magnitude over the layers relative to their mean."""
    return x.abs().amax(1) / (x.abs().mean(1) + 1e-9)
'''


def loaded(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers what a plugin of that source registers, for one test."""
    monkeypatch.setattr(PRIMITIVES, "_items", dict(PRIMITIVES.registered()))
    monkeypatch.setattr(registry, "PLUGINS", [])
    path = folder / "own_primitives.py"
    path.write_text(source, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "gpproxy_plugin_own_primitives", raising=False)
    registry.load_plugin(path)


@pytest.fixture
def own(tmp_path: Path, table: StatisticsTable, monkeypatch: pytest.MonkeyPatch) -> Grammar:
    loaded(PLUGIN, tmp_path, monkeypatch)
    return Grammar.for_table(table)


def simple(text: str, grammar: Grammar) -> str:
    return to_text(rewrite(parse(text, grammar), grammar))


def test_the_one_of_the_docs(tmp_path: Path, table: StatisticsTable, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "extend.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in page.split("```python\n") if "import maps, primitive" in block]
    assert len(blocks) == 1
    loaded(blocks[0], tmp_path, monkeypatch)
    grammar = Grammar.for_table(table)
    assert simple("sum_layers(peak_to_mean(-gradient))", grammar) == "sum_layers(peak_to_mean(gradient))"
    assert "the peak of the" in in_words(parse("sum_layers(peak_to_mean(gradient))", grammar))


def test_its_parity_range_and_laws_simplify(own: Grammar) -> None:
    assert simple("sum_layers(certain(-depth))", own) == "sum_layers(certain(depth))"
    assert simple("sum_layers(certain(abs(depth)))", own) == "sum_layers(certain(depth))"
    assert simple("sum_layers(certain(certain(depth)))", own) == "sum_layers(certain(depth))"
    assert simple("sum_layers(abs(certain(depth)))", own) == "sum_layers(certain(depth))"
    assert (
        simple("sum_layers(mean(certain(above_zero(activation))))", own) == "sum_layers(mean(above_zero(activation)))"
    )
    assert simple("arctangent(-total_params)", own) == "-arctangent(total_params)"
    assert simple("max_layers(arctangent(depth))", own) == "arctangent(max_layers(depth))"
    assert simple("same_number(same_number(total_params))", own) == "total_params"


def test_its_words_and_notation_are_used(own: Grammar) -> None:
    tree = parse("arctangent(sum_layers(certain(depth))) * peak_to_mean_layers(depth + depth)", own)
    assert "the arctangent of the sum over the layers of the certainty of the" in in_words(tree)
    assert "the largest magnitude over the layers relative to their mean of (" in in_words(tree)
    assert to_pretty(tree) == "arctangent(Σ(⌊depth⌋)) · peak_to_mean_layers(depth + depth)"
    assert to_latex(tree) == (
        r"\operatorname*{peak\_to\_mean\_layers}_{\ell}\left(2 \cdot \mathrm{depth}_{\ell}\right) \cdot "
        r"\operatorname{atan}{\left(\sum_{\ell} \left\lfloor\mathrm{depth}_{\ell}\right\rfloor \right)}"
    )


def test_its_direction_counts_for_the_ranking(own: Grammar, table: StatisticsTable) -> None:
    form = rank_form(parse("arctangent(initial_loss)", own), own, Evaluator(table))
    assert to_text(form.tree) == "initial_loss" and form.dropped == ("arctangent",)


def test_sympy_leads_to_it_and_back(own: Grammar) -> None:
    below: dict[str, gp.PrimitiveTree] = {}
    expression = to_sympy(parse("arctangent(initial_loss) + arctangent(initial_loss)", own), below)
    assert expression == 2 * sympy.atan(sympy.Symbol("initial_loss", real=True))
    tree = TreeWriter(own, below).write(expression, parse("initial_loss", own)[0].ret)
    assert tree is not None and to_text(tree) == "arctangent(initial_loss) * 2"


def test_sympy_in_its_process_knows_it(own: Grammar, table: StatisticsTable) -> None:
    found = simplify(parse("arctangent(initial_loss) + arctangent(initial_loss)", own), own, Evaluator(table))
    assert to_text(found.tree) == "arctangent(initial_loss) * 2"


def test_its_weight_makes_it_frequent(own: Grammar) -> None:
    rng = random.Random(5)
    names = [node.name for _ in range(100) for node in generate(own, rng)]
    assert names.count("arctangent") > 3 * names.count("tanh")
