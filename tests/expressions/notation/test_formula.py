"""The readable forms of a formula: one line, LaTeX, words."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.notation.formula import Formula
from gpproxy.expressions.notation.mathematics import mathml_of, to_latex, to_mathml
from gpproxy.expressions.text import parse
from tests.toy import toy_table

TABLE = toy_table(20)
GRAMMAR = Grammar.for_table(TABLE)


@pytest.mark.parametrize(
    ("text", "pretty", "latex"),
    [
        ("log(total_params) * 2", "log(total_params) · 2", r"2 \cdot \log{\left(\mathrm{total\_params} \right)}"),
        ("log(square(total_params))", "log(total_params²)", r"\log{\left(\mathrm{total\_params}^{2} \right)}"),
        ("square(log(total_params))", "log(total_params)²", r"\log{\left(\mathrm{total\_params} \right)}^{2}"),
        ("sum_layers(params) * 2", "Σ(params) · 2", r"2 \cdot \sum_{\ell} \mathrm{params}_{\ell}"),
        ("sum_layers(params * 2)", "Σ(params · 2)", r"\sum_{\ell} \left(2 \cdot \mathrm{params}_{\ell}\right)"),
        ("square(sum_layers(params))", "Σ(params)²", r"\left(\sum_{\ell} \mathrm{params}_{\ell}\right)^{2}"),
        ("sum_late(square(params))", "Σ[late](params²)", r"\sum_{\ell \in \mathrm{late}} \mathrm{params}_{\ell}^{2}"),
        ("1 - sum_layers(params)", "1 − Σ(params)", r"1 - \sum_{\ell} \mathrm{params}_{\ell}"),
        ("max_layers(params) + 1", "max_layers(params) + 1", r"\max_{\ell}\left(\mathrm{params}_{\ell}\right) + 1"),
    ],
)
def test_readable_forms_have_one_meaning(text: str, pretty: str, latex: str) -> None:
    formula = Formula(parse(text, GRAMMAR))
    assert (formula.pretty, formula.latex) == (pretty, latex)


def test_readable_forms() -> None:
    tree = parse("sum_layers(log(spread_channels(gradient)) / channels) - 0.05 * square(total_params)", GRAMMAR)
    formula = Formula(tree)
    assert formula.pretty == "Σ(log(spread_channels(gradient)) / channels) − 0.05 · total_params²"
    assert formula.latex == (
        r"\sum_{\ell} \frac{\log{\left(\operatorname{spread\_channels}\left(\mathrm{gradient}_{\ell}\right) \right)}}"
        r"{\mathrm{channels}_{\ell}} - 0.05 \cdot \mathrm{total\_params}^{2}"
    )
    assert formula.words.startswith("the sum over the layers of (the logarithm of the mean over samples")
    assert str(formula.sympy).count("total_params**2") == 1
    assert formula.needs == ("gradient", "channels", "total_params") and formula.needs_backward
    assert formula.rank_form is formula


def test_formula_of_holds_both_forms() -> None:
    tree = parse("exp(total_params + total_params) + 1", GRAMMAR)
    formula = Formula.of(
        parse("2 * sum_layers(channels) + 2 * sum_layers(channels)", GRAMMAR), GRAMMAR, Evaluator(TABLE)
    )
    assert formula.rank_form.text == "sum_layers(channels)" and formula.complexity < 9
    assert Formula.of(tree, GRAMMAR).rank_form.text == "total_params + total_params"


def test_every_operation_has_words_and_balanced_latex() -> None:
    rng = random.Random(1)
    for _ in range(300):
        tree = generate(GRAMMAR, rng)
        formula = Formula(tree)
        latex = to_latex(tree)
        for left, right in (("{", "}"), (r"\left(", r"\right)"), (r"\left|", r"\right|")):
            assert latex.count(left) == latex.count(right), latex
        assert "{" not in formula.words and "_" not in formula.words, formula.words
        assert "\n" not in formula.pretty


def test_mathml_keeps_names_whole_and_a_long_sum_may_wrap() -> None:
    drawn = to_mathml(parse("sum_layers(layer_snip) * 2 - min_late(resolution) + exp(initial_loss)", GRAMMAR))
    terms = [ElementTree.fromstring(term + "</math>") for term in drawn.split("</math>") if term.strip()]
    words = [[node.text for node in term.iter() if node.tag.endswith("mtext")] for term in terms]
    assert sorted(words) == [["initial_loss"], ["layer_snip"], ["min", "late", "resolution"]]
    assert words[-1][0] == "min" and "−" in "".join(terms[-1].itertext())  # what is taken away stands last


def test_mathml_of_a_text_that_is_not_known_here_is_its_text() -> None:
    assert mathml_of("sum_layers(my_own < 3)") == "<code>sum_layers(my_own &lt; 3)</code>"
    assert "total_params" in mathml_of("logdet(sum_layers(hamming)) - total_params")  # a name of 0.2.0


def test_a_division_by_zero_is_printed_as_it_stands() -> None:
    assert r"\infty" not in to_latex(parse("1 / (initial_loss - initial_loss)", GRAMMAR))
