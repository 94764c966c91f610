"""Rank correlations against SciPy and by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gpproxy.ranking.correlation import average_ranks, dense_ranks, kendall, rank_dead_last, spearman, top_k

# Few distinct values, so that ties are the rule; large and infinite ones, so that differences overflow.
VALUES = st.sampled_from([-math.inf, -1e308, -2.5, -1.0, 0.0, 1e-300, 1.0, 3.0, 1e308, math.inf])


def same(ours, theirs):
    return (math.isnan(ours) and math.isnan(theirs)) or abs(ours - theirs) < 1e-12


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=40))
@pytest.mark.filterwarnings("ignore")
def test_both_correlations_equal_scipy_with_ties(pairs):
    scores, quality = torch.tensor(pairs, dtype=torch.float64).T
    assert same(kendall(scores, quality).item(), stats.kendalltau(scores, quality).statistic)
    ranks = stats.rankdata(scores), stats.rankdata(quality)
    assert average_ranks(scores).tolist() == ranks[0].tolist()
    # SciPy's own spearmanr is the Pearson correlation of these ranks.
    assert same(spearman(scores, quality).item(), stats.spearmanr(*ranks).statistic)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 17, 64, 65, 300])
def test_a_batch_equals_scipy_row_by_row(count):
    generator = torch.Generator().manual_seed(count)
    scores = torch.randn(4, 3, count, generator=generator, dtype=torch.float64)
    scores[1] = (scores[1] * 2).round()
    quality = (torch.randn(count, generator=generator, dtype=torch.float64) * 5).round()
    taus, rhos = kendall(scores, quality), spearman(scores, quality)
    assert taus.shape == rhos.shape == (4, 3)
    for i in range(4):
        for j in range(3):
            assert same(taus[i, j].item(), stats.kendalltau(scores[i, j], quality).statistic)
            assert same(rhos[i, j].item(), stats.spearmanr(scores[i, j], quality).statistic)


def test_quality_may_differ_from_row_to_row():
    scores = torch.tensor([[1.0, 2, 3], [1, 2, 3]])
    quality = torch.tensor([[1.0, 2, 3], [3, 2, 1]])
    assert kendall(scores, quality).tolist() == spearman(scores, quality).tolist() == [1, -1]


def test_undefined_rows_are_nan_and_leave_the_others_alone():
    quality = torch.arange(4.0)
    scores = torch.tensor([[0.0, 1, 2, 3], [0, math.nan, 2, 3], [5, 5, 5, 5]])
    for correlation in (kendall(scores, quality), spearman(scores, quality)):
        assert correlation[0] == 1
        assert correlation[1:].isnan().all()
    assert kendall(quality, torch.ones(4)).isnan()
    assert spearman(quality[:1], quality[:1]).isnan()
    assert kendall(quality[:0], quality[:0]).isnan()


def test_inputs_are_not_changed():
    scores, quality = torch.tensor([3.0, 1, 2]), torch.tensor([1.0, 2, 3])
    kendall(scores, quality), spearman(scores, quality), rank_dead_last(scores, torch.tensor([True, False, False]))
    assert scores.tolist() == [3, 1, 2]
    assert quality.tolist() == [1, 2, 3]


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="3 scores cannot be ranked against 4"):
        kendall(torch.zeros(3), torch.zeros(4))


def test_dense_ranks():
    assert dense_ranks(torch.tensor([5.0, 1, 5, 3])).tolist() == [2, 0, 2, 1]


def test_dead_architectures_are_last_and_tied():
    scores = torch.tensor([[9.0, 1, 8, 2], [-9, -1, -8, -2]], dtype=torch.float64)
    ranks = average_ranks(rank_dead_last(scores, torch.tensor([True, False, True, False])))
    assert ranks.tolist() == [[1.5, 3, 1.5, 4], [1.5, 4, 1.5, 3]]


def test_expected_tau_of_ties_broken_at_random():
    generator = torch.Generator().manual_seed(0)
    quality = torch.randn(60, generator=generator, dtype=torch.float64)
    coarse = (quality + torch.randn(60, generator=generator, dtype=torch.float64)).round()
    broken = coarse + 0.1 * torch.rand(4000, 60, generator=generator, dtype=torch.float64)
    expected = kendall(broken, quality)
    error = 4 * expected.std() / 4000**0.5
    assert abs(kendall(coarse, quality, break_ties=True) - expected.mean()) < error
    assert kendall(coarse, quality) > kendall(coarse, quality, break_ties=True)
    assert kendall(quality, quality, break_ties=True) == 1
    assert kendall(torch.ones(60), quality, break_ties=True).isnan()


def test_top_k_counts_shared_members_and_expects_ties():
    quality = torch.tensor([1.0, 2, 3, 4])
    scores = torch.tensor([[1.0, 2, 3, 4], [4, 3, 2, 1], [1, 4, 2, 3], [0, 0, 0, 0], [0, 1, 1, 1]])
    assert top_k(scores, quality, 2).tolist() == pytest.approx([1, 0, 0.5, 0.5, 2 / 3])
    assert top_k(scores, quality, 4).tolist() == pytest.approx([1] * 5)
