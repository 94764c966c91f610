"""Terms are taken out of formulas as a person would: values of what is left against arithmetic by hand."""

from __future__ import annotations

import random

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.terms import without_each
from gpproxy.expressions.text import parse, to_text
from tests.toy import toy_table

TABLE = toy_table()
GRAMMAR = Grammar.for_table(TABLE)


def left_of(text: str) -> dict[str, str]:
    return {to_text(term): to_text(left) for term, left in without_each(parse(text, GRAMMAR))}


def test_terms_of_sums_products_differences_and_quotients() -> None:
    text = "sum_layers(channels) / (total_params - 2 * initial_loss)"
    assert left_of(text) == {
        "sum_layers(channels)": "reciprocal(total_params - 2 * initial_loss)",
        "total_params - 2 * initial_loss": "sum_layers(channels)",
        "total_params": "sum_layers(channels) / -(2 * initial_loss)",
        "2 * initial_loss": "sum_layers(channels) / total_params",
    }
    assert left_of("sum_layers(log(channels))") == {} and left_of("2 * total_params") == {}


def test_terms_inside_of_layers_are_taken_out_there() -> None:
    assert left_of("sum_layers(channels * resolution)") == {
        "channels": "sum_layers(resolution)", "resolution": "sum_layers(channels)",
    }  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_whatever_is_left_is_a_formula_of_less_that_can_be_evaluated(seed: int) -> None:
    tree = generate(GRAMMAR, random.Random(seed))
    found = without_each(tree)
    for term, left in found:
        assert to_text(parse(to_text(left), GRAMMAR)) == to_text(left)
        assert left[0].ret is tree[0].ret and len(term) < len(tree)
    if found:
        values = Evaluator(TABLE).scores([left for _, left in found]).values
        assert values.dtype == torch.float64 and values.shape == (len(found), len(TABLE))
