"""Weighted tau against SciPy."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gpproxy.ranking.weighted import weighted_tau


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=30))
def test_equals_scipy_with_ties(pairs: list[tuple[int, int]]) -> None:
    x, y = (torch.tensor(side, dtype=torch.float64) for side in zip(*pairs))
    if len(x.unique()) > 1 and len(y.unique()) > 1:
        assert float(weighted_tau(x, y)) == pytest.approx(stats.weightedtau(x, y).statistic, abs=1e-10)
    else:
        assert weighted_tau(x, y).isnan()


def test_many_scores_at_a_time_equal_each_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    scores, quality = torch.randn(300, 150, generator=generator), torch.randn(150, generator=generator)
    scores[3, 4] = torch.nan
    scores[5, :20] = -torch.inf
    together = weighted_tau(scores, quality)
    assert together[3].isnan() and together.isnan().sum() == 1
    for i in (0, 5, 299):
        assert together[i] == weighted_tau(scores[i], quality)
    known = [0, 1, 2, 4]
    assert torch.equal(together[known], weighted_tau(scores[known], quality.expand(4, -1)))
    row = scores[5].clone()
    row[:20] = -1e30
    assert float(together[5]) == pytest.approx(stats.weightedtau(row, quality).statistic, abs=1e-10)


def test_the_top_weighs_more_than_the_bottom() -> None:
    quality = torch.arange(10.0)
    top, bottom = quality.clone(), quality.clone()
    top[[9, 8]], bottom[[0, 1]] = quality[[8, 9]], quality[[1, 0]]
    assert weighted_tau(top, quality) < weighted_tau(bottom, quality) < 1
