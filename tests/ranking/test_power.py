"""How many labels tell a ranking from chance, against SciPy's exact test of tau."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from gpproxy.ranking.power import architectures_for, least_tau


def p(count: int, inversions: int) -> float:
    """Two-sided p of a permutation with as many inversions."""
    rest, ranks = list(range(count)), []
    while rest:
        step = min(inversions, len(rest) - 1)
        ranks.append(rest.pop(step))
        inversions -= step
    return float(kendalltau(range(count), ranks, method="exact").pvalue)


@pytest.mark.parametrize("count", [5, 6, 8, 12, 20, 40, 60])
def test_the_least_tau_is_where_an_exact_test_turns(count: int) -> None:
    pairs = count * (count - 1) // 2
    swaps = round((1 - least_tau(count)) / 2 * pairs)
    slack = 0 if count <= 40 else 2  # the normal limit
    assert p(count, swaps - slack) <= 0.05 < p(count, swaps + 1 + slack)


def test_four_architectures_tell_nothing() -> None:
    assert [least_tau(count) for count in (0, 1, 2, 3, 4)] == [math.inf] * 5 and least_tau(5) == 1.0


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 0.95))
def test_the_number_of_architectures_is_the_first_that_is_enough(tau: float) -> None:
    count = architectures_for(tau)
    assert least_tau(count) <= tau < least_tau(count - 1)
