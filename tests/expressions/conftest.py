from __future__ import annotations

import random

import pytest
from deap import gp

import gpproxy.primitives  # noqa: F401
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.statistics.table import StatisticsTable
from tests.toy import toy_table


@pytest.fixture(scope="session")
def table() -> StatisticsTable:
    return toy_table(dead=2)


@pytest.fixture(scope="session")
def grammar(table: StatisticsTable) -> Grammar:
    return Grammar.for_table(table)


@pytest.fixture(scope="session")
def trees(grammar: Grammar) -> list[gp.PrimitiveTree]:
    rng = random.Random(7)
    return [generate(grammar, rng) for _ in range(400)]
