"""Text and back, exactly; and errors that say where and why."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpproxy.errors import ExpressionError
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse, to_text
from gpproxy.primitives.types import Scalar


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), nodes=st.integers(1, 80))
def test_round_trip(grammar, seed, nodes):
    tree = generate(grammar, random.Random(seed), max_nodes=nodes, max_height=12)
    assert list(parse(to_text(tree), grammar)) == list(tree)


S = "total_params"


@pytest.mark.parametrize(
    "text",
    [
        f"{S} - ({S} - {S})",
        f"{S} - {S} - {S}",
        f"{S} / ({S} * {S})",
        f"{S} / {S} * {S}",
        f"({S} + {S}) * {S}",
        f"-{S} * {S}",
        f"-({S} * {S})",
        f"-(-{S})",
        f"{S} - -0.5",
        f"-0.5 * {S}",
        f"-(0.5) * {S}",
        f"-(-0.5) * {S}",
        f"{S} + 1e-05",
        f"sum_layers(1000 * mean(activation) - 0.05) + exp({S} / 1.23e+06)",
        "correlation_layers(depth, mean_abs(gradient))",
    ],
)
def test_the_printed_form_is_canonical(grammar, text):
    assert to_text(parse(text, grammar)) == text


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (f"add({S}, 1)", f"{S} + 1"),
        (f"neg({S})", f"-{S}"),
        (f" ( ( {S} ) )\n", S),
        (f"{S}+.5", f"{S} + 0.5"),
        (f"{S}*1E-5", f"{S} * 1e-05"),
        (f"{S} * 0.12345", f"{S} * 0.123"),
        (f"--{S}", f"-(-{S})"),
    ],
)
def test_other_spellings(grammar, text, same):
    assert to_text(parse(text, grammar)) == same


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 1, "found the end"),
        ("total_params +", 15, "found the end"),
        ("total_params total_params", 14, "expected an operator or the end, found 'total_params'"),
        ("sum_layers(mean(activaton))", 17, "no statistic 'activaton'. Did you mean 'activation'?"),
        ("sum_layer(depth)", 1, "no primitive 'sum_layer'. Did you mean 'sum_layers'?"),
        ("sum_layers(depth, depth)", 1, "takes 1 operand, not 2"),
        ("exp()", 1, "takes 1 operand, not 0"),
        ("sum_layers(activation)", 1, "does not take (FeatureMap); it is (LayerScalar) -> Scalar"),
        ("total_params + sum_layers(depth + activation)", 33, "does not take (LayerScalar, FeatureMap)"),
        ("mean(activation)", 1, "this is a LayerScalar"),
        ("exp + 1", 1, "write its operands in parentheses"),
        ("total_params(1)", 1, "is a statistic and takes no operands"),
        ("(total_params", 14, "expected ')' for the '(' at 1, found the end"),
        ("exp(total_params]", 17, "found ']'"),
        ("total_params ^ 2", 14, "found '^'"),
        ("total_params * 1e999", 16, "finite"),
        ("(" * 200 + "1", 101, "nested deeper"),
        ("-" * 5000 + "total_params", 101, "nested deeper"),
    ],
)
def test_errors_name_position_and_reason(grammar, text, position, message):
    with pytest.raises(ExpressionError) as caught:
        parse(text, grammar)
    report = str(caught.value)
    assert f"position {position}:" in report and message in report
    _, line, caret = report.split("\n")
    column = caret.index("^")
    if position <= len(text):
        assert line[column] == text[position - 1]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="()+-*/,. 0123456789eE_abcdxyz\n\t#λ", max_size=40))
def test_any_text_parses_or_is_refused(grammar, text):
    try:
        tree = parse(text, grammar)
    except ExpressionError:
        return
    assert tree.root.ret is Scalar


def test_a_grammar_without_constants_refuses_numbers(table):
    with pytest.raises(ExpressionError, match="no constants"):
        parse("total_params + 1", Grammar.for_table(table, constants=False))
