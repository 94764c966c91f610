"""Best of k: closed form against enumeration."""

import itertools
import math

import pytest
import torch

from gpproxy.ranking.top_k import choices, expected_best

VALUES = [0.3, -1.0, 2.0, 2.0, 0.7, 5.0, -3.0]


@pytest.mark.parametrize("k", range(1, 8))
@pytest.mark.parametrize("floor", [-math.inf, 1.0])
def test_the_closed_form_equals_enumeration(k, floor):
    every = [max(floor, *chosen) for chosen in itertools.combinations(VALUES, k)]
    assert expected_best(VALUES, k, floor) == pytest.approx(sum(every) / len(every))


def test_choice_by_score_with_ties_equals_enumeration():
    scores = [3.0, 1, 2, 2, 2, math.nan, 2]
    order = sorted(range(7), key=lambda i: -1e9 if math.isnan(scores[i]) else scores[i], reverse=True)
    assert order[0] == 0
    tied = [2, 3, 4, 6]
    for choice in choices(torch.tensor(scores), torch.tensor(VALUES, dtype=torch.float64), (1, 3, 7, 8)):
        if choice.k == 3:
            every = [max(VALUES[0], *(VALUES[i] for i in pair)) for pair in itertools.combinations(tied, 2)]
            assert choice.chosen == pytest.approx(sum(every) / len(every))
        assert choice.best == 5
        assert choice.random == pytest.approx(expected_best(VALUES, choice.k))
    found = choices(torch.tensor(scores), torch.tensor(VALUES, dtype=torch.float64), (1, 3, 7, 8))
    assert [c.k for c in found] == [1, 3, 7]
    assert found[0].chosen == 0.3
    assert found[2].chosen == found[2].random == 5
    assert found[2].chosen == found[2].best


def test_a_perfect_score_has_no_regret_and_a_large_table_no_overflow():
    quality = torch.randn(4096, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for choice in choices(quality, quality):
        assert choice.chosen == choice.best
        assert 0 < choice.best - choice.random < 10
