"""Objectives in, survivors and parents out: NSGA-II on quality (up), complexity (down) and cost (down).

Source: Deb et al. (2002) for NSGA-II.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from gpproxy.evolution.individual import Individual
from gpproxy.ranking.pareto import crowding, fronts

Point = tuple[float, float, float]


def point(individual: Individual) -> Point:
    """The objectives of an individual, all to be small."""
    return (-individual.quality, float(individual.complexity), individual.cost)


def distinct(individuals: Sequence[Individual]) -> list[Individual]:
    """Valid individuals, the simplest of each ranking, best first."""
    best: dict[str, Individual] = {}
    for individual in individuals:
        if individual.valid:
            other = best.get(individual.score.signature)
            if other is None or individual.order < other.order:
                best[individual.score.signature] = individual
    return sorted(best.values(), key=lambda i: i.order)


def survivors(individuals: Sequence[Individual], size: int, elite: int) -> list[Individual]:
    """At most `size` distinct individuals: the `elite` best by quality, the rest by front, then by crowding.

    The result is ordered best first, as `ranked` parents need it: by front, then lonelier first.
    """
    pool = distinct(individuals)
    kept = set(range(min(elite, len(pool), size)))
    chosen: list[int] = []
    points = [point(i) for i in pool]
    for front in fronts(points):
        distance = crowding([points[i] for i in front])
        order = sorted(range(len(front)), key=lambda j: (-distance[j], front[j]))
        chosen.extend(front[j] for j in order)
    room = size - len(kept)
    result = []
    for i in chosen:
        if i in kept:
            result.append(i)
        elif room > 0:
            result.append(i)
            room -= 1
    return [pool[i] for i in result]


def tournament(population: Sequence[Individual], rng: Random, size: int, by_quality: float) -> Individual:
    """The best of `size` random individuals: by quality with probability `by_quality`, else by place in the population.

    The place is the order of `survivors`: front, then crowding.
    """
    places = [rng.randrange(len(population)) for _ in range(size)]
    if rng.random() < by_quality:
        return min((population[i] for i in places), key=lambda i: i.order)
    return population[min(places)]
