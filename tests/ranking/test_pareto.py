"""Fronts and crowding against plain loops: order, ties, equal points and infinities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpproxy.ranking.pareto import crowding, front_numbers, fronts, undominated

Point = tuple[float, ...]
coordinate = st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.0, 4.0, 1e-300, math.inf, -math.inf])


def tables(size: int) -> st.SearchStrategy[list[Point]]:
    return st.lists(st.tuples(*[coordinate] * size), max_size=40)


def dominates(one: Point, other: Point) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other))


def fronts_by_loops(points: Sequence[Point]) -> list[list[int]]:
    left, result = set(range(len(points))), []
    while left:
        front = [i for i in sorted(left) if not any(dominates(points[j], points[i]) for j in left)]
        result.append(front)
        left -= set(front)
    return result


def crowding_by_loops(points: Sequence[Point]) -> list[float]:
    """As version 0.1 had it in evolution."""
    distance = [0.0] * len(points)
    for axis in range(len(points[0]) if points else 0):
        order = sorted(range(len(points)), key=lambda i: (points[i][axis], i))
        lowest, highest = points[order[0]][axis], points[order[-1]][axis]
        if highest <= lowest:
            continue
        distance[order[0]] = distance[order[-1]] = float("inf")
        for left, i, right in zip(order, order[1:], order[2:]):
            distance[i] += (points[right][axis] - points[left][axis]) / (highest - lowest)
    return distance


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4).flatmap(tables))
def test_fronts_equal_those_of_loops(points: list[Point]) -> None:
    expected = fronts_by_loops(points)
    assert fronts(points) == expected
    assert [front_numbers(points)[i] for front in expected for i in front] == [
        n for n, front in enumerate(expected) for _ in front
    ]
    best = expected[0] if expected else []
    assert np.flatnonzero(undominated(points)).tolist() == best
    firsts = [i for i in best if points[i] not in points[:i]]
    assert np.flatnonzero(undominated(points, equal=False)).tolist() == firsts


def test_fronts_of_many_real_numbers() -> None:
    random = np.random.default_rng(0)
    points = [(x, float(n), y) for x, n, y in zip(random.random(300), random.integers(0, 25, 300), random.random(300))]
    assert fronts(points) == fronts_by_loops(points)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 1.5, 2.0, 7.25])] * 3), max_size=20))
def test_crowding_equals_that_of_loops(points: list[Point]) -> None:
    assert crowding(points).tolist() == crowding_by_loops(points)


def test_crowding_of_an_even_line() -> None:
    points = np.array([[0.0, 3.0], [1.0, 2.0], [2.0, 0.5], [3.0, 0.0]])
    assert crowding(points, flat_ends=True).tolist() == [math.inf, 2.5 / 3 + 2 / 3, 2 / 3 + 2 / 3, math.inf]


def test_ends_of_an_objective_without_extent() -> None:
    points = np.full((3, 2), np.inf)
    assert crowding(points).tolist() == [0, 0, 0]
    assert crowding(points, flat_ends=True).tolist() == [math.inf, 0, math.inf]
    assert crowding(points[:1]).tolist() == [0] and crowding(points[:1], flat_ends=True).tolist() == [math.inf]


def test_nan_is_refused() -> None:
    for function in (fronts, front_numbers, undominated):
        with pytest.raises(ValueError, match="cannot be ordered"):
            function([(1.0, math.nan)])
