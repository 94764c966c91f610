"""Objectives in, survivors and parents out: NSGA-II on quality (up), complexity (down) and cost (down).

Source: Deb et al. (2002) for NSGA-II; Zhang et al. (2015) for sorting by binary search over the fronts. With three
objectives a front is a staircase in the last two, so a dominance test is one bisection and a population of n sorts in
O(n log^2 n).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from random import Random

from gpproxy.evolution.individual import Individual

Point = tuple[float, float, float]


class _Staircase:
    """The undominated (x, y) pairs of a front, x ascending and y descending, both to be small."""

    def __init__(self) -> None:
        self.x: list[float] = []
        self.y: list[float] = []

    def covers(self, x: float, y: float) -> bool:
        """Whether some pair is at most (x, y)."""
        i = bisect_right(self.x, x)
        return i > 0 and self.y[i - 1] <= y

    def add(self, x: float, y: float) -> None:
        """Adds a pair that is not covered and drops those it covers."""
        start = stop = bisect_left(self.x, x)
        while stop < len(self.x) and self.y[stop] >= y:
            stop += 1
        self.x[start:stop] = [x]
        self.y[start:stop] = [y]


def fronts(points: Sequence[Point]) -> list[list[int]]:
    """Positions of `points` by non-dominated front, best front first, positions ascending.

    All three coordinates are to be small. Equal points share a front.
    """
    steps: list[_Staircase] = []
    result: list[list[int]] = []
    rank: dict[Point, int] = {}
    for i in sorted(range(len(points)), key=lambda i: points[i]):
        point = points[i]
        if point not in rank:
            low, high = 0, len(steps)
            while low < high:
                middle = (low + high) // 2
                if steps[middle].covers(point[1], point[2]):
                    low = middle + 1
                else:
                    high = middle
            if low == len(steps):
                steps.append(_Staircase())
                result.append([])
            steps[low].add(point[1], point[2])
            rank[point] = low
        result[rank[point]].append(i)
    return [sorted(front) for front in result]


def crowding(points: Sequence[Point]) -> list[float]:
    """Crowding distance of each point inside its front, larger is lonelier; the ends of each axis are infinite."""
    distance = [0.0] * len(points)
    for axis in range(3):
        order = sorted(range(len(points)), key=lambda i: (points[i][axis], i))
        lowest, highest = points[order[0]][axis], points[order[-1]][axis]
        if highest <= lowest:
            continue
        distance[order[0]] = distance[order[-1]] = float("inf")
        for left, i, right in zip(order, order[1:], order[2:]):
            distance[i] += (points[right][axis] - points[left][axis]) / (highest - lowest)
    return distance


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
