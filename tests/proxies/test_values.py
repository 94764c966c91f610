"""Scores on many architectures: each keeps what it has, whatever the others lack."""

from __future__ import annotations

from random import Random

import pytest
import torch
from deap import gp

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse
from gpproxy.proxies.values import score_table
from gpproxy.statistics.table import StatisticsTable
from tests.toy import toy_table


def one_by_one(table: StatisticsTable, trees: list[gp.PrimitiveTree]) -> torch.Tensor:
    return torch.cat([Evaluator(table.select([code])).scores(trees).values for code in table.architectures], dim=1)


@pytest.mark.parametrize("dead", [0, 3, 12])
def test_scores_are_those_of_every_architecture_alone(dead: int) -> None:
    table = toy_table(dead=dead)
    table.values["initial_loss"][1] = torch.inf
    grammar, rng = Grammar.for_table(table), Random(0)
    trees = [generate(grammar, rng, max_nodes=9) for _ in range(60)]
    texts = ("initial_loss", "initial_loss - initial_loss", "total_params / total_params", "2.5")
    trees += [parse(text, grammar) for text in texts]
    reasons = Evaluator(table).scores(trees).reasons
    assert dead == 12 or (reasons.count("constant") >= 3 and set(reasons) - {None, "constant"})
    found = score_table(table, trees)
    torch.testing.assert_close(found, one_by_one(table, trees), rtol=1e-5, atol=1e-6, equal_nan=True)
    alive = table.alive.tolist()
    assert found[-1].nan_to_num(-1.0).tolist() == [2.5 if lives else -1.0 for lives in alive]
