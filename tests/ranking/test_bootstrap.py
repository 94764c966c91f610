"""Bootstrap: every resample equals SciPy on the resampled rows, and intervals cover."""

import math

import pytest
import torch
from scipy import stats

from gpproxy.ranking.bootstrap import Resamples, interval
from gpproxy.ranking.correlation import spearman


@pytest.mark.parametrize("classes", [None, [0, 0, 1, 2, 2, 2, 3] + list(range(4, 27))])
def test_a_resample_equals_scipy_on_the_drawn_rows(classes):
    generator = torch.Generator().manual_seed(0)
    scores = (torch.randn(30, generator=generator, dtype=torch.float64) * 3).round()
    scores[:4] = -math.inf
    quality = (torch.randn(30, generator=generator, dtype=torch.float64) * 6).round()
    resamples = Resamples(30, 40, seed=1, classes=classes)
    taus, rhos = resamples.kendall(scores, quality), resamples.spearman(scores, quality)
    for counts, tau, rho in zip(resamples.counts.long(), taus, rhos, strict=True):
        rows = torch.repeat_interleave(torch.arange(30), counts)
        assert tau.item() == pytest.approx(stats.kendalltau(scores[rows], quality[rows]).statistic, abs=1e-12)
        ranks = stats.rankdata(scores[rows]), stats.rankdata(quality[rows])
        assert rho.item() == pytest.approx(stats.pearsonr(*ranks).statistic, abs=1e-12)


def test_draws_are_seeded_and_keep_classes_whole():
    classes = [0, 0, 0, 1, 1, 2]
    counts = Resamples(6, 50, seed=3, classes=classes).counts
    assert torch.equal(counts, Resamples(6, 50, seed=3, classes=classes).counts)
    assert not torch.equal(counts, Resamples(6, 50, seed=4, classes=classes).counts)
    assert torch.equal(counts[:, 0], counts[:, 2])
    assert torch.equal(counts[:, 3], counts[:, 4])
    assert (counts[:, [0, 3, 5]].sum(1) == 3).all()
    assert (Resamples(6, 50).counts.sum(1) == 6).all()


def test_undefined_correlations():
    resamples = Resamples(4, 20)
    constant, varied = torch.ones(4), torch.arange(4.0)
    for correlation in (resamples.kendall, resamples.spearman):
        assert correlation(constant, varied).isnan().all()
        assert correlation(torch.tensor([0, 1, math.nan, 2]), varied).isnan().all()
    assert all(math.isnan(edge) for edge in interval(torch.full((3,), math.nan)))


def test_intervals_cover_the_truth():
    # Bivariate normal with correlation 0.7: rho is 6 / pi * asin(0.35).
    truth = 6 / math.pi * math.asin(0.35)
    generator = torch.Generator().manual_seed(0)
    covered = 0
    for trial in range(100):
        a, b = torch.randn(2, 80, generator=generator, dtype=torch.float64)
        low, high = interval(Resamples(80, 300, trial).spearman(a, 0.7 * a + math.sqrt(1 - 0.49) * b))
        covered += low <= truth <= high
        assert low < high
    assert covered >= 87


def test_paired_resamples_move_together():
    generator = torch.Generator().manual_seed(0)
    quality = torch.randn(100, generator=generator, dtype=torch.float64)
    score = quality + torch.randn(100, generator=generator, dtype=torch.float64)
    near = score + 0.05 * torch.randn(100, generator=generator, dtype=torch.float64)
    resamples = Resamples(100)
    one, other = resamples.spearman(score, quality), resamples.spearman(near, quality)
    assert (one - other).std() < 0.2 * one.std()
    assert abs(one.median() - spearman(score, quality)) < 0.05
