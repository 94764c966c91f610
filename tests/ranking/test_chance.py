"""The best of many random formulas, against counting and against simulation."""

import itertools

import pytest
import torch
from scipy import stats

from gpproxy.ranking import chance as null
from gpproxy.ranking.chance import best_of_noise
from gpproxy.ranking.correlation import kendall


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_the_distribution_is_counted_over_all_orders(count):
    orders = torch.tensor(list(itertools.permutations(range(count))), dtype=torch.float64)
    taus = kendall(orders, torch.arange(float(count), dtype=torch.float64)).abs()
    values, below = null._distribution(count)
    for value, chance in zip(values, below, strict=True):
        assert chance == pytest.approx((taus <= value + 1e-9).double().mean().item())
    assert best_of_noise(1, count).expected == pytest.approx(taus.mean().item())


@pytest.mark.parametrize("count", [10, 24, 50])
def test_the_expected_best_equals_simulation(count):
    generator = torch.Generator().manual_seed(count)
    scores = torch.rand(30, 500, count, generator=generator)
    best = kendall(scores, torch.arange(float(count))).abs().amax(1)
    luck = best_of_noise(500, count)
    assert luck.expected == pytest.approx(best.mean().item(), abs=4 * best.std().item() / 30**0.5)
    assert best.min() < luck.quantile
    assert luck.expected < luck.quantile


def test_five_thousand_formulas():
    # The figures of single simulations lie between the mean and the 95 % quantile.
    for count, value in ((10, 0.90), (24, 0.55), (50, 0.39), (200, 0.19)):
        luck = best_of_noise(5000, count)
        assert luck.expected - 0.005 < value < luck.quantile + 0.005
    assert best_of_noise(5000, 50).expected == pytest.approx(0.3676, abs=5e-4)


def test_the_normal_limit_joins_the_counted_part():
    exact, normal = best_of_noise(2000, null.EXACT), best_of_noise(2000, null.EXACT + 1)
    assert exact.expected == pytest.approx(normal.expected, abs=2e-3)
    values, below = null._distribution(40)
    assert below[-1] == pytest.approx(1)
    tau = values[100]
    assert 1 - below[99] == pytest.approx(stats.norm.sf(tau / (2 * 85 / (9 * 40 * 39)) ** 0.5) * 2, rel=0.1)


def test_more_formulas_are_luckier_and_nonsense_is_refused():
    lucks = [best_of_noise(n, 30).expected for n in (1, 10, 100, 10_000)]
    assert lucks == sorted(lucks)
    with pytest.raises(ValueError, match="got 0 and 30"):
        best_of_noise(0, 30)
