"""Rank averages, order and front against closed forms and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpproxy.search.order import beyond, combined, front, order
from tests.search.setups import candidate, seen_of

INF, NAN = math.inf, math.nan


def test_one_proxy_keeps_its_scores_and_several_average_ranks() -> None:
    assert combined(np.array([[3.0, 1.0, 2.0]])).tolist() == [3.0, 1.0, 2.0]
    scores = np.array([[3.0, 1.0, 2.0, 0.0], [10.0, 30.0, 20.0, 0.0]])
    assert combined(scores).tolist() == [2 / 3, 2 / 3, 2 / 3, 0.0]
    tied = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    assert combined(tied).tolist() == [0.375, 0.875, 0.25]


def test_missing_values_are_worst_in_their_proxy_and_dead_ones_have_none() -> None:
    value = combined(np.array([[1.0, NAN, -INF, NAN], [1.0, 2.0, -INF, NAN]]))
    assert value[0] > value[1] > -INF and value[2] == -INF and math.isnan(value[3])


def test_order_breaks_ties_by_cost_and_puts_the_dead_before_the_missing() -> None:
    seen = seen_of(
        candidate("missing", NAN), candidate("dear", 2.0, macs=9), candidate("dead", -INF),
        candidate("cheap", 2.0, macs=3), candidate("b", 1.0), candidate("a", 1.0),
    )  # fmt: skip
    ranked, _ = order(seen)
    assert [seen[int(i)].code for i in ranked] == ["cheap", "dear", "a", "b", "dead", "missing"]
    few, _ = order(seen, 3)
    assert few.tolist() == ranked[:3].tolist()


numbers = st.sampled_from([NAN, -INF, 0.0, 1.0, 2.0, 3.0])


@given(st.lists(st.tuples(numbers, st.integers(0, 4)), min_size=1, max_size=12), st.integers(1, 12))
def test_the_first_of_some_are_the_first_of_all(points: list[tuple[float, int]], count: int) -> None:
    seen = seen_of(*(candidate(f"c{i}", score, macs=macs) for i, (score, macs) in enumerate(points)))
    assert order(seen, count)[0].tolist() == order(seen)[0][:count].tolist()


@given(st.lists(st.tuples(numbers, st.integers(0, 4)), max_size=12))
def test_front_against_brute_force(points: list[tuple[float, int]]) -> None:
    value, cost = np.array([p[0] for p in points]), np.array([float(p[1]) for p in points])
    found = front(value, cost).tolist()
    usable = [i for i in range(len(points)) if math.isfinite(value[i])]
    beaten = {
        i for i in usable for j in usable
        if value[j] >= value[i] and cost[j] <= cost[i] and (value[j] > value[i] or cost[j] < cost[i] or j < i)
    }  # fmt: skip
    assert sorted(found) == [i for i in usable if i not in beaten]
    assert found == sorted(found, key=lambda i: cost[i])


def test_how_far_the_best_is_beyond_random_candidates() -> None:
    random = np.arange(101.0)  # quartiles 25 and 75: a deviation of 50 / 1.349
    far = np.append(random, 50 + 10 * 50 / 1.349)
    assert beyond(far, 101) == beyond(np.append(far, [NAN, INF, -INF]), 101) == pytest.approx(10)
    assert beyond(random, 101) == pytest.approx(1.349)
    # Too few random ones, or all alike: nothing is told.
    assert beyond(far, 7) == beyond(np.zeros(20), 10) == 0.0
    # The mean rank of several proxies does not run away.
    assert beyond(combined(np.stack([far, random.take(range(102), mode="clip")])), 101) < 3
