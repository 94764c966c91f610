"""Parts of shapes alone that are one number for all architectures."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

import gpproxy.statistics.terminals  # noqa: F401  what is structural is declared there
from gpproxy.evolution.assess import Assessor
from gpproxy.evolution.layout import Limits
from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.target import Target
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.rewriting.shape_constants import ShapeConstants
from gpproxy.expressions.text import parse, to_text
from tests.toy import toy_table

TABLE = toy_table(20)
GRAMMAR = Grammar.for_table(TABLE)
EVALUATOR = Evaluator(TABLE)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # Four samples make a kernel of 4 x 4 in every network.
        ("total_params * first_layer(size(agreement))", "total_params * 16"),
        ("total_params * log(size_of)", None),
        ("initial_loss + max_layers(resolution)", "initial_loss + 8"),
        ("initial_loss + max_layers(resolution * 2) / 4", "initial_loss + 4"),
        ("initial_loss - sum_layers(size(gradient))", None),  # differs between networks
        ("initial_loss - max_layers(layer_snip - layer_snip)", None),  # the same, but by no shape
        ("max_layers(resolution)", None),  # a whole formula
    ],
)
def test_folds_what_shapes_make_the_same_number(text: str, wanted: str | None) -> None:
    text = text.replace("size_of", "mean_layers(size(agreement))")
    tree = parse(text, GRAMMAR)
    found = ShapeConstants([EVALUATOR]).fold(tree)
    if wanted is None and "log" not in text:
        assert found is tree
    elif wanted is None:  # log 16 needs more than three digits, its operand does not
        assert to_text(found) == "total_params * log(16)"
    else:
        assert to_text(found) == wanted


def test_a_measured_statistic_that_happens_to_be_constant_stays() -> None:
    constant = replace(TABLE, values={**TABLE.values, "initial_loss": torch.full((20,), 2.0, dtype=torch.float64)})
    tree = parse("total_params * initial_loss", GRAMMAR)
    assert ShapeConstants([Evaluator(constant)]).fold(tree) is tree


def test_it_has_to_be_the_same_on_every_benchmark() -> None:
    other = Evaluator(toy_table(20, samples=5))
    tree = parse("total_params * first_layer(size(agreement))", GRAMMAR)
    assert ShapeConstants([EVALUATOR, other]).fold(tree) is tree


def test_values_stay() -> None:
    rng, shapes = random.Random(3), ShapeConstants([EVALUATOR])
    changed = 0
    for _ in range(400):
        tree = generate(GRAMMAR, rng)
        folded = shapes.fold(tree)
        if folded is not tree:
            scores = EVALUATOR.scores([tree, folded])
            torch.testing.assert_close(*scores.values, rtol=1e-9, atol=0, equal_nan=True)
            changed += 1
    assert changed > 5


def test_the_loop_compares_folded_formulas() -> None:
    target = Target(torch.arange(20.0, dtype=torch.float64))
    assessor = Assessor(Problem((Case("toy", EVALUATOR, target),), GRAMMAR), Limits())
    one, two = (
        assessor.propose(parse(text, GRAMMAR), "random")
        for text in ("total_params * first_layer(size(agreement))", "total_params * 16")
    )
    assert one.key == two.key and to_text(one.tree) == "total_params * 16"
