"""Strategies: what they propose, and NSGA-II's parts against brute force."""

from __future__ import annotations

import math
from itertools import islice

import pytest

from gpproxy.ranking.pareto import front_numbers
from gpproxy.search.nsga2 import NSGA2, objectives
from gpproxy.search.strategies import Evolution, Exhaustive, Random, best_of
from tests.search.setups import candidate, fake_space

SPACE = fake_space()


def test_random_is_seeded_and_exhaustive_is_in_order() -> None:
    draws = [[Random(SPACE, seed).propose() for _ in range(1)] + [] for seed in (0, 0, 1)]
    assert draws[0] == draws[1]
    every = Exhaustive(SPACE, 0)
    assert list(islice(iter(every.propose, None), 100)) == list(SPACE.enumerate()) and every.propose() is None


def test_evolution_lets_the_oldest_die_and_breeds_from_the_best() -> None:
    strategy = Evolution(SPACE, 0, population=4, tournament=4, crossover=0.0)
    for i, code in enumerate(["0-0-0-0", "3-1-1-1", "1-0-0-0", "2-0-0-0", "0-1-0-0"]):
        strategy.tell(candidate(code, float(i == 1) * 5 + i))
    # The first has died; the best of the others is the only parent, and this space mutates the first gene alone.
    assert {strategy.propose() for _ in range(5)} == {(0, 1, 1, 1)}
    for code in ("1-0-0-0", "2-0-0-0", "0-1-0-0"):
        strategy.tell(candidate(code, 0.0))
    assert strategy.propose() != (0, 1, 1, 1)


def test_evolution_crosses_the_share_that_it_should() -> None:
    strategy = Evolution(SPACE, 0, population=4, tournament=1, crossover=1.0)
    for code in ("0-0-0-0", "0-1-1-1"):
        strategy.tell(candidate(code, 1.0))
    # A child has the first gene of one parent, mutated, and the others of the other.
    assert {strategy.propose() for _ in range(40)} == {(1, 0, 0, 0), (1, 1, 1, 1)}


@pytest.mark.parametrize("strategy", [Evolution(SPACE, 0, 8, 4), NSGA2(SPACE, 0, 8)])
def test_room_lets_the_first_population_go_ahead(strategy: Evolution) -> None:
    assert strategy.room(0, 0) == 8 and strategy.room(8, 0) == 0
    assert strategy.room(8, 4) == (4 if isinstance(strategy, Evolution) else 0) and strategy.room(8, 8) == 8


def test_best_of_ranks_within_the_few_and_takes_missing_last() -> None:
    few = [
        candidate("a", math.nan, math.nan),
        candidate("b", 1.0, 0.0),
        candidate("c", 0.0, 9.0),
        candidate("d", 2.0, 5.0),
    ]
    assert best_of(few).code == "d" and best_of(few[:1]).code == "a"


def test_a_cheap_dead_network_is_no_bargain() -> None:
    points = objectives([candidate("dead", -math.inf, macs=1.0), candidate("live", 0.0, macs=9.0)], "macs")
    assert front_numbers(points).tolist() == [1, 0]


def test_survivors_are_the_first_fronts() -> None:
    strategy = NSGA2(SPACE, 0, population=4, objective="params")
    good = ["0-0-0-0", "1-0-0-0", "2-0-0-0", "3-0-0-0"]
    for i, code in enumerate(good):
        strategy.tell(candidate(code, float(i), params=float(i)))
    for code in ("0-1-0-0", "1-1-0-0", "2-1-0-0", "3-1-0-0"):
        strategy.tell(candidate(code, -1.0, params=9.0))
    assert sorted(parent.code for parent in strategy._parents) == good


def test_scores_are_one_objective_or_each_its_own() -> None:
    pool = [candidate("a", 3.0, 0.1, macs=1.0), candidate("b", 1.0, 0.3, macs=2.0), candidate("c", 2.0, math.nan)]
    assert objectives(pool, "macs", apart=True).tolist() == [[-3.0, -0.1, 1.0], [-1.0, -0.3, 2.0], [math.inf] * 3]
    assert objectives(pool, "macs").shape == (3, 2)


@pytest.mark.parametrize("kind", [NSGA2, Evolution])
def test_a_population_takes_other_scores(kind: type[NSGA2] | type[Evolution]) -> None:
    space = SPACE
    one = kind(space, 0, population=4)
    for number in range(4):
        architecture = one.propose()
        assert architecture is not None
        one.tell(candidate(space.encode(architecture), float(number)))
    living = one.living
    one.renew([candidate(each.code, -each.score) for each in living])
    assert [each.code for each in one.living] == [each.code for each in living]
    assert sorted(each.score for each in one.living) == [-3.0, -2.0, -1.0, 0.0]
