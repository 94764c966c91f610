"""Differences over several splits: exact means, honest intervals."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from gpproxy.ranking.bootstrap import Resamples
from gpproxy.ranking.trials import Trial, mean_difference


def trial(start: int, n: int, noise: float, seed: int) -> Trial:
    generator = torch.Generator().manual_seed(seed)
    quality = torch.randn(n, generator=generator).double()
    left = quality + 0.3 * torch.randn(n, generator=generator)
    right = quality + noise * torch.randn(n, generator=generator)
    return Trial([f"a{start + i}" for i in range(n)], quality, left[None], right[None])


def test_the_difference_is_the_mean_of_those_of_scipy() -> None:
    trials = [trial(0, 15, 2.0, 1), trial(10, 15, 2.0, 2)]
    found = mean_difference(trials, samples=50)
    expected = [stats.kendalltau(t.left[0], t.quality)[0] - stats.kendalltau(t.right[0], t.quality)[0] for t in trials]
    assert found.kendall == pytest.approx(sum(expected) / 2) and found.n == 25


def test_the_same_architectures_again_are_no_new_evidence() -> None:
    one = trial(0, 40, 0.5, 3)

    def width(*trials: Trial) -> float:
        low, high = mean_difference(trials, samples=400).kendall_interval
        assert low is not None and high is not None
        return high - low

    again = width(one, one, one, one)
    assert again == pytest.approx(width(one), rel=0.2)
    others = [trial(100 * i, 40, 0.5, 3 + i) for i in range(4)]
    assert width(*others) < 0.8 * again


def test_a_score_against_itself_is_not_distinguishable() -> None:
    one = trial(0, 20, 0.5, 3)
    same = mean_difference([Trial(one.classes, one.quality, one.left, one.left)], samples=50)
    assert same.kendall == 0 and same.words == "not distinguishable"
    better = mean_difference([Trial(one.classes, one.quality, one.left, -one.left)], samples=50)
    assert better.better and better.n == 20


def test_a_constant_score_is_left_out_of_the_mean() -> None:
    one = trial(0, 20, 0.5, 3)
    flat = Trial(one.classes, one.quality, one.left, torch.zeros(1, 20).double())
    assert mean_difference([flat, one], samples=20).kendall == mean_difference([one], samples=20).kendall
    assert mean_difference([flat], samples=20).kendall is None


def test_a_part_of_the_resamples_keeps_their_counts() -> None:
    whole = Resamples(12, 30, seed=1)
    values, truth = torch.arange(12.0).sin(), torch.arange(12.0)
    assert torch.equal(Resamples.of(whole.counts).kendall(values, truth), whole.kendall(values, truth))
