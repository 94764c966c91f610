"""Survival and tournaments against brute force."""

from random import Random

from deap import gp

from gpproxy.evolution.individual import Individual, Score
from gpproxy.evolution.selection import distinct, survivors, tournament


def make(quality, complexity, cost, signature=None, reason=None):
    score = Score(quality, (quality,), (quality,), (0.0,), 1.0, signature or str(quality), reason)
    return Individual(gp.PrimitiveTree([]), f"{quality}-{complexity}-{cost}", complexity, cost, score, "random")


def test_the_simplest_of_equal_rankings_stays_and_invalid_ones_go():
    kept = distinct([make(0.5, 7, 1, "a"), make(0.5, 3, 9, "a"), make(0.9, 5, 1, "b"), make(-1, 1, 1, "", "constant")])
    assert [(i.quality, i.complexity) for i in kept] == [(0.9, 5), (0.5, 3)]


def test_survivors_keep_the_elite_and_the_front():
    rng = Random(1)
    population = [make(rng.random(), rng.randrange(1, 25), rng.random()) for _ in range(200)]
    kept = survivors(population, 50, elite=5)
    assert len(kept) == len(set(kept)) == 50
    best = sorted(population, key=lambda i: -i.quality)[:5]
    assert all(i in kept for i in best)
    assert kept == survivors(population, 50, elite=5)
    first = kept[0]
    assert not any(
        i.quality > first.quality and i.complexity <= first.complexity and i.cost <= first.cost for i in population
    )


def test_survivors_of_a_small_pool_are_all_of_it():
    assert len(survivors([make(0.1, 2, 1), make(0.2, 3, 1)], 50, elite=5)) == 2


def test_tournament_presses_on_quality():
    rng = Random(0)
    population = survivors([make(i / 100, 1 + i % 20, 1.0) for i in range(100)], 100, 0)
    mean = sum(tournament(population, rng, 5, 1.0).quality for _ in range(500)) / 500
    assert mean > 0.7
