"""Rank averages, order and front against closed forms and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from gpproxy.search.order import Front, Leaders, beyond, combined, mean_rank, order, rank
from tests.search.setups import candidate, store_of

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


MANY = (
    candidate("missing", NAN), candidate("dear", 2.0, macs=9), candidate("dead", -INF), candidate("cheap", 2.0, macs=3),
    candidate("b", 1.0), candidate("a", 1.0),
)  # fmt: skip


def test_order_breaks_ties_by_cost_and_puts_the_dead_before_the_missing() -> None:
    assert [one.code for one, _ in order(MANY)] == ["cheap", "dear", "a", "b", "dead", "missing"]
    assert repr(order(MANY, 3)) == repr(order(MANY)[:3])


numbers = st.sampled_from([NAN, -INF, -0.0, 0.0, 1.0, 2.0, 3.0])


@settings(deadline=None)  # it opens a file
@given(st.lists(st.tuples(numbers, numbers, st.integers(0, 4)), min_size=1, max_size=12), st.booleans())
def test_the_store_ranks_as_the_memory_does(points: list[tuple[float, float, int]], several: bool) -> None:
    many = [candidate(f"c{i}", *scores[: 1 + several], macs=float(macs)) for i, (*scores, macs) in enumerate(points)]
    store = store_of(*many)
    rank(store)
    assert repr([(one, value) for _, value, one in store.by_rank(1, 99)]) == repr(order(many))
    assert [number for number, *_ in store.by_rank(1, 99)] == list(range(1, len(many) + 1))
    assert store.finite == sum(math.isfinite(value) for _, value in order(many))


@given(st.lists(st.lists(numbers, min_size=6, max_size=6), min_size=2, max_size=4))
def test_mean_ranks_take_one_proxy_at_a_time(rows: list[list[float]]) -> None:
    scores = np.array(rows)
    lowest = np.where(np.isnan(scores), -np.inf, scores)
    expected = ((rankdata(lowest, axis=1) - 1) / 5).mean(0)
    expected[(scores == -np.inf).any(0)] = -np.inf
    expected[np.isnan(scores).all(0)] = np.nan
    assert mean_rank(iter(scores)).tolist() == pytest.approx(expected.tolist(), abs=0.0, nan_ok=True)


def test_leaders_stay_few_and_are_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpproxy.search.order.LEADING", 5)
    many = [candidate(f"c{i}", float(i * 37 % 101)) for i in range(100)]
    leaders = Leaders(many)
    assert len(leaders._held) < 10 and leaders.best(4) == order(many, 4)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_front_against_brute_force(points: list[tuple[int, int]]) -> None:
    front = Front()
    for score, cost in sorted(points, reverse=True):
        front.add(cost, score)
    kept = {
        (cost, score) for score, cost in points
        if not any(c <= cost and s >= score and (c, s) != (cost, score) for s, c in points)
    }  # fmt: skip
    assert front.points == sorted(kept)


def test_how_far_the_best_is_beyond_random_candidates() -> None:
    random = list(np.arange(101.0))  # quartiles 25 and 75: a deviation of 50 / 1.349
    far = 50 + 10 * 50 / 1.349
    assert beyond(random, far) == beyond([*random, NAN, -INF], far) == pytest.approx(10)
    assert beyond(random, 100.0) == pytest.approx(1.349)
    # Too few random ones, or all alike: nothing is told.
    assert beyond(random[:7], far) == beyond([0.0] * 10, 1.0) == 0.0
    # The mean rank of several proxies does not run away.
    ranks = combined(np.array([[*random, far], [*random[1:], 0.0, 1.0]]))
    assert beyond(ranks[:101].tolist(), float(ranks.max())) < 3
