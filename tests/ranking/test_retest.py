"""Agreement of repeated trainings, against closed forms and SciPy."""

import math

import pytest
import torch
from scipy import stats

from gpproxy.ranking.retest import retest


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("ratio", "trainings", "ceiling"), [(2.0, 2, 0.94), (1.0, 2, 0.82), (1.0, 3, 0.87), (3.0, 1, 0)]
)
def test_normal_qualities_have_the_textbook_ceiling(ratio, trainings, ceiling):
    repeats = ratio * normal(0, 3000, 1) + normal(1, 3000, trainings)
    found = retest(repeats, samples=50)
    if trainings == 1:
        assert found is None
        return
    assert found.noise == pytest.approx(1, abs=0.05)
    assert found.spread == pytest.approx(ratio, abs=0.1)
    assert found.trainings == pytest.approx(trainings)
    assert found.ceiling == pytest.approx(ceiling, abs=0.015)
    assert found.reliability == pytest.approx(ratio**2 / (ratio**2 + 1 / trainings), abs=0.02)


def test_correlations_of_two_trainings_equal_scipy():
    repeats = normal(0, 40, 1) + 0.5 * normal(1, 40, 2)
    found = retest(repeats)
    one, other = repeats.T.tolist()
    assert found.spearman == pytest.approx(stats.spearmanr(one, other).statistic)
    assert found.kendall == pytest.approx(stats.kendalltau(one, other).statistic)
    for value, (low, high) in (
        (found.spearman, found.spearman_interval),
        (found.kendall, found.kendall_interval),
        (found.reliability, found.reliability_interval),
        (found.ceiling, found.ceiling_interval),
    ):
        assert low < value < high


def test_reliability_is_that_of_an_analysis_of_variance():
    repeats = normal(0, 30, 1) + normal(1, 30, 3)
    between = 3 * repeats.mean(1).var().item()
    within = repeats.var(1).mean().item()
    found = retest(repeats)
    assert found.noise == pytest.approx(math.sqrt(within))
    assert found.reliability == pytest.approx((between - within) / between)


def test_gaps_and_single_trainings():
    nan = math.nan
    repeats = torch.tensor(
        [[1.0, 1.1, nan], [2.0, nan, 2.1], [3.0, 3.2, 3.1], [nan, 4.0, 4.3], [5.0, nan, nan], [6.0, 6.0, 6.0]],
        dtype=torch.float64,
    )
    found = retest(repeats)
    assert found.n == 5
    assert found.trainings == pytest.approx(5 / (3 / 2 + 2 / 3))
    assert found.spearman == pytest.approx(1) and found.kendall == pytest.approx(1)
    assert 0.9 < found.ceiling <= 1
    assert retest(repeats[:3]) is None


def test_noise_alone_has_no_ceiling_worth_the_name_and_a_copy_has_one():
    assert retest(normal(1, 500, 2)).ceiling < 0.4
    truth = normal(0, 20, 1)
    assert retest(truth.expand(-1, 2)).ceiling == 1


def test_equal_arguments_give_equal_intervals_and_classes_widen_them():
    repeats = normal(0, 40, 1) + normal(1, 40, 2)
    assert retest(repeats) == retest(repeats)
    twice = repeats.repeat(2, 1)
    apart, together = retest(twice), retest(twice, [*range(40), *range(40)])
    assert apart.spearman == together.spearman
    low, high = together.spearman_interval
    assert low < apart.spearman_interval[0] and high > apart.spearman_interval[1]
