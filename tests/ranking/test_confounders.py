"""Trivial descriptors in disguise."""

import math

import pytest
import torch
from scipy import stats

from gpproxy.ranking.bootstrap import Resamples
from gpproxy.ranking.confounders import confounders, partial_spearman, within_groups


@pytest.fixture
def random():
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_within_groups_by_hand(random):
    descriptor = torch.tensor([1.0] * 10 + [2] * 3 + [3] * 24)
    quality, scores = random(37) + 10 * descriptor, random(37)
    within = within_groups(scores, quality, descriptor)
    parts = [stats.spearmanr(scores[s], quality[s]).statistic for s in (slice(0, 10), slice(13, 37))]
    assert within.spearman == pytest.approx((7 * parts[0] + 21 * parts[1]) / 28)
    assert (within.groups, within.n) == (2, 34)
    assert within.interval[0] < within.spearman < within.interval[1]


def test_within_groups_of_the_descriptor_itself(random):
    descriptor = torch.tensor([1.0, 2, 3]).repeat(20)
    quality = descriptor + 0.1 * random(60)
    assert within_groups(descriptor, quality, descriptor).spearman == 0
    assert within_groups(quality, quality, descriptor).spearman == pytest.approx(1)
    nothing = within_groups(quality, quality, torch.arange(60.0))
    assert math.isnan(nothing.spearman)
    assert nothing.groups == 0


def test_partial_correlation_equals_that_of_residuals(random):
    given = random(50)
    scores, quality = given + random(50), given + random(50)
    ranks = [torch.tensor(stats.rankdata(v)) for v in (scores, quality, given)]
    residuals = []
    for rank in ranks[:2]:
        fit = stats.linregress(ranks[2], rank)
        residuals.append(rank - fit.slope * ranks[2] - fit.intercept)
    assert partial_spearman(scores, quality, given) == pytest.approx(stats.pearsonr(*residuals).statistic)
    assert partial_spearman(given, quality, given) == 0


def test_flags(random):
    size, other = random(200), random(200)
    quality = size + other
    columns = {"size": size, "other": other, "noise": random(200), "constant": torch.ones(200)}

    def flags(scores):
        return {d.descriptor: d.flagged for d in confounders(scores, quality, columns, Resamples(200, 300))}

    # A monotone function of a descriptor, a noisy copy of it, and a score that knows more.
    assert flags(size.exp()) == {"size": True, "other": False, "noise": False}
    assert flags(size + 0.5 * random(200))["size"]
    assert flags(size + 0.7 * other) == {"size": False, "other": False, "noise": False}
    # A score that ranks nothing hides nothing.
    assert not any(flags(random(200)).values())


def test_the_nearest_descriptor_comes_first(random):
    size = random(100)
    found = confounders(size + random(100), size, {"far": random(100), "near": -size})
    assert [d.descriptor for d in found] == ["near", "far"]
    assert found[0].spearman < 0
