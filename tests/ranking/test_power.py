"""How many labels tell a ranking from chance, against the exact distribution of tau (SciPy)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from gpproxy.ranking.power import architectures_for, least_tau


@pytest.mark.parametrize("count", [8, 12, 20, 40, 80])
def test_the_least_tau_is_about_where_an_exact_test_turns(count: int) -> None:
    least, pairs = least_tau(count), count * (count - 1) // 2
    swaps = int((1 - least) / 2 * pairs)

    def p(inversions: int) -> float:
        """Two-sided p of a permutation with as many inversions."""
        rest, ranks = list(range(count)), []
        while rest:
            step = min(inversions, len(rest) - 1)
            ranks.append(rest.pop(step))
            inversions -= step
        return float(kendalltau(range(count), ranks, method="exact").pvalue)

    assert p(max(swaps - 2, 0)) < 0.05 < p(swaps + 3)


@given(st.floats(0.05, 0.95))
def test_the_number_of_architectures_is_the_first_that_is_enough(tau: float) -> None:
    count = architectures_for(tau)
    assert least_tau(count) <= tau < least_tau(count - 1)
