"""Sums in which one term orders and the others only break its ties."""

from __future__ import annotations

import pytest

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.notation.ties import tie_break
from gpproxy.expressions.text import parse
from tests.toy import toy_table

TABLE = toy_table(20)
GRAMMAR = Grammar.for_table(TABLE)
EVALUATOR = Evaluator(TABLE)


def test_a_term_that_only_breaks_ties_is_named() -> None:
    found = tie_break(parse("min_layers(resolution) + 3e-09 * initial_loss - total_params * 1e-15", GRAMMAR), EVALUATOR)
    assert found is not None and found.fragile
    assert (found.first, found.term) == ("min_layers(resolution)", "min_layers(resolution)")
    assert found.then == "3e−09 · initial_loss − total_params · 1e−15"
    assert found.values == 2 and found.networks == 20


def test_the_sign_of_what_orders_is_kept_and_what_single_precision_holds_is_not_fragile() -> None:
    found = tie_break(parse("0.01 * initial_loss - min_layers(resolution)", GRAMMAR), EVALUATOR)
    assert found is not None and found.first == "−min_layers(resolution)" and found.then == "0.01 · initial_loss"
    assert not found.fragile


@pytest.mark.parametrize(
    "text",
    [
        "min_layers(resolution) + initial_loss * 10",  # turns differences round
        "total_params",  # no sum
        "initial_loss + 1e-09 * total_params",  # leaves no ties to break
        "min_layers(resolution) + 1",  # breaks none
    ],
)
def test_other_formulas_have_none(text: str) -> None:
    assert tie_break(parse(text, GRAMMAR), EVALUATOR) is None
