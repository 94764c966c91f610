"""Batched rank correlations against SciPy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gpproxy.errors import ConfigError
from gpproxy.evolution.fitness import centred_ranks, dead_last, masked_correlations
from gpproxy.evolution.target import WORST, Target
from gpproxy.ranking.correlation import steady


def draw(seed: int, trees: int, n: int, ties: int | None) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(trees, n, generator=generator, dtype=torch.float64)
    y = torch.randn(n, generator=generator, dtype=torch.float64)
    return (x, y) if ties is None else ((x * ties).round(), (y * ties).round())


def kendall(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return masked_correlations(x, y, torch.ones(len(y), 1))[0][:, 0]


def spearman(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return masked_correlations(x, y, torch.ones(len(y), 1))[1][:, 0]


@pytest.mark.parametrize("ties", [None, 1, 2, 10])
@pytest.mark.parametrize("n", [4, 5, 37, 100])
def test_equals_scipy(ties, n):
    x, y = draw(n, 40, n, ties)
    tau, rho = kendall(x, y), spearman(x, y)
    for i, row in enumerate(x):
        if len(row.unique()) > 1 and len(y.unique()) > 1:
            assert tau[i].item() == pytest.approx(stats.kendalltau(row, y).statistic, abs=1e-14)
            assert rho[i].item() == pytest.approx(stats.spearmanr(row, y).statistic, abs=1e-14)
        else:
            assert tau[i] == rho[i] == 0


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=2, max_size=30))
def test_heavy_ties_equal_scipy(pairs):
    x, y = (torch.tensor(side, dtype=torch.float64) for side in zip(*pairs))
    if len(x.unique()) > 1 and len(y.unique()) > 1:
        assert kendall(x[None], y).item() == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-14)
        assert spearman(x[None], y).item() == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-14)


def test_many_architectures_cross_the_chunks():
    x, y = draw(3, 2, 1500, 20)
    assert kendall(x, y)[1].item() == pytest.approx(stats.kendalltau(x[1], y).statistic, abs=1e-14)


def test_masks_equal_scipy_on_each_subset():
    x, y = draw(1, 60, 50, 2)
    masks = (torch.rand(50, 7, generator=torch.Generator().manual_seed(2)) < 0.4).float()
    tau, rho = masked_correlations(x, y, masks)
    for i in range(len(x)):
        for k in range(7):
            keep = masks[:, k] > 0
            assert tau[i, k].item() == pytest.approx(stats.kendalltau(x[i, keep], y[keep]).statistic, abs=1e-14)
            assert rho[i, k].item() == pytest.approx(stats.spearmanr(x[i, keep], y[keep]).statistic, abs=1e-14)


def test_result_does_not_depend_on_the_batch():
    x, y = draw(5, 300, 100, 3)
    masks = (torch.rand(100, 9, generator=torch.Generator().manual_seed(2)) < 0.5).float()
    whole = masked_correlations(x, y, masks)
    for i in (0, 7, 299):
        alone = masked_correlations(x[i : i + 1], y, masks)
        assert torch.equal(alone[0][0], whole[0][i]) and torch.equal(alone[1][0], whole[1][i])
        assert torch.equal(kendall(x[i : i + 1], y)[0], kendall(x, y)[i])


def test_monotone_change_keeps_and_minus_reverses():
    x, y = draw(8, 5, 30, None)
    assert torch.equal(kendall(torch.exp(x), y), kendall(x, y))
    assert torch.equal(spearman(-x, y), -spearman(x, y))
    assert spearman(y[None], y).item() == 1.0 and kendall(-y[None], y).item() == -1.0


def test_infinite_values_rank():
    x, y = draw(9, 3, 20, None)
    x[1, 3] = torch.inf
    assert kendall(x, y)[1].item() == pytest.approx(stats.kendalltau(x[1], y).statistic, abs=1e-14)


def test_centred_ranks_equal_scipy():
    x, _ = draw(4, 6, 25, 1)
    expected = 2 * stats.rankdata(x.numpy(), axis=1) - 26
    assert np.array_equal(centred_ranks(x).numpy(), expected)


def test_steady_ties_rounding_noise_and_keeps_order_and_range():
    assert steady(torch.tensor([0.1 + 0.2, -0.3 - 1e-16])).tolist() == steady(torch.tensor([0.3, -0.3])).tolist()
    wide = torch.tensor([-1e300, -1.0, -1e-300, 0.0, 1e-300, 1.0, 1.00001, 1e300, torch.inf], dtype=torch.float64)
    assert steady(wide).tolist() == sorted(steady(wide).tolist())
    assert torch.allclose(steady(wide)[:-1], wide[:-1], rtol=1e-9, atol=0)
    assert torch.isnan(steady(torch.tensor([torch.nan])))


def test_dead_architectures_are_last_and_tied():
    x, y = draw(2, 4, 12, None)
    dead = torch.zeros(12, dtype=torch.bool)
    dead[[2, 5]] = True
    ranks = centred_ranks(dead_last(x, dead))
    assert (ranks[:, 2] == ranks[:, 5]).all() and (ranks.min(dim=1).values == ranks[:, 2]).all()
    result = Target(y, dead=dead, resamples=0).fitness(x)
    filled = x.masked_fill(dead, -1e9)
    expected = stats.kendalltau(filled[0], y).statistic
    assert result.kendall[0].item() == pytest.approx(expected, abs=1e-14)


def test_quality_is_the_mean_of_both_correlations_without_resamples():
    x, y = draw(6, 10, 60, 3)
    result = Target(y, resamples=0).fitness(x)
    assert torch.allclose(result.quality, (kendall(x, y) + spearman(x, y)) / 2, atol=1e-14, rtol=0)


def test_resampling_prefers_the_formula_that_holds_on_every_half():
    y = torch.arange(100, dtype=torch.float64)
    noisy = y + 30 * torch.randn(100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    lopsided = y.clone()
    lopsided[:18] = torch.arange(200, 218)
    both = torch.stack([noisy, lopsided])
    plain, robust = Target(y, resamples=0).fitness(both), Target(y, resamples=32).fitness(both)
    assert (robust.quality < plain.quality).all()
    assert torch.equal(robust.quality, Target(y, resamples=32).fitness(both).quality)
    gap = plain.quality - robust.quality
    assert gap[1] > gap[0]


def test_twins_are_drawn_together():
    """Each half holds all members of a class or none, and about half of the architectures."""
    classes = [i // 3 for i in range(30)]
    target = Target(torch.arange(30.0), classes=classes, resamples=20)
    halves = target._masks[:, 1:].reshape(10, 3, 20)
    assert torch.equal(halves, halves[:, :1].expand_as(halves))
    assert set(halves.sum((0, 1)).tolist()) == {15.0}
    single = Target(torch.arange(30.0), resamples=20)
    assert torch.equal(single._masks, Target(torch.arange(30.0), classes=range(30), resamples=20)._masks)
    assert set(single._masks[:, 1:].sum(0).tolist()) == {15.0}


def test_groups_reward_ranking_inside_them():
    generator = torch.Generator().manual_seed(0)
    labels = [i % 4 for i in range(80)]
    coarse = torch.tensor(labels, dtype=torch.float64)
    y = 10 * coarse + torch.randn(80, generator=generator, dtype=torch.float64)
    result = Target(y, groups=labels, within=0.5, resamples=0).fitness(torch.stack([coarse, y]))
    assert result.within[0] == 0 and result.within[1] == 1
    expected = [stats.spearmanr(y[coarse == g], -y[coarse == g]).statistic for g in range(4)]
    assert Target(y, groups=labels).fitness(-y[None]).within.item() == pytest.approx(np.mean(expected))
    assert result.quality[0].item() == pytest.approx(0.5 * (result.kendall[0] + result.spearman[0]).item() / 2)


def test_invalid_rows_get_the_worst_fitness_and_keep_the_reason():
    x, y = draw(7, 4, 20, None)
    x[0] = torch.nan
    x[1, 2] = torch.nan
    x[2] = 3.0
    result = Target(y).fitness(x, ["no common layers", None, None, None])
    assert result.reasons == ("no common layers", "not a number", "constant", None)
    assert (result.quality[:3] == WORST).all() and result.signatures[:3] == ("", "", "")
    assert result.quality[3] > WORST and result.signatures[3]


def test_nan_of_a_dead_architecture_does_not_invalidate_a_formula():
    x, y = draw(7, 1, 20, None)
    x[0, 4] = torch.nan
    dead = torch.arange(20) == 4
    assert Target(y, dead=dead).fitness(x).reasons == (None,)


def test_signature_is_the_ranking():
    x, y = draw(11, 2, 30, None)
    result = Target(y).fitness(torch.stack([x[0], x[0] * 2 + 1, -x[0], x[1]]))
    assert result.signatures[0] == result.signatures[1]
    assert len(set(result.signatures)) == 3


def test_impossible_targets_are_refused():
    with pytest.raises(ConfigError, match="at least 4"):
        Target(torch.ones(3))
    with pytest.raises(ConfigError, match="one label per architecture"):
        Target(torch.arange(5.0), groups=[1, 2])
    with pytest.raises(ConfigError, match="within"):
        Target(torch.arange(5.0), within=2)
    with pytest.raises(ConfigError, match="Classes need one number per architecture: 5, but got 2"):
        Target(torch.arange(5.0), classes=[1, 2])


def test_focus_blends_in_weighted_tau() -> None:
    x, y = draw(5, 6, 30, None)
    plain, focused = Target(y, resamples=0), Target(y, resamples=0, focus=0.6)
    top = [stats.weightedtau(row, y).statistic for row in x]
    expected = 0.4 * plain.fitness(x).quality + 0.6 * torch.tensor(top, dtype=torch.float64)
    assert focused.fitness(x).quality.numpy() == pytest.approx(expected.numpy(), abs=1e-10)
    assert plain.fingerprint() == Target(y, resamples=0, focus=0.0).fingerprint() != focused.fingerprint()


def test_focus_takes_the_lower_quartile_of_halves_like_the_rest() -> None:
    x, y = draw(6, 3, 24, 2)
    target = Target(y, focus=1.0)
    halves = target._masks[:, 1:17].bool()
    each = [[stats.weightedtau(row[m], y[m]).statistic for m in halves.T] for row in x]
    assert target.fitness(x).quality.numpy() == pytest.approx(np.quantile(each, 0.25, axis=1), abs=1e-10)


def test_focus_lies_between_0_and_1() -> None:
    with pytest.raises(ConfigError, match="focus=2"):
        Target(torch.arange(5.0), focus=2)
