"""The ceiling that noise sets."""

import math

import pytest
import torch

from gpproxy.benchmarks.benchmark import Benchmark, open_space
from gpproxy.benchmarks.registry import load
from gpproxy.ranking.ceiling import ceiling
from gpproxy.ranking.correlation import kendall, spearman


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("ratio", "trainings", "expected"), [(2.0, 2, 0.94), (1.0, 2, 0.82), (1.0, 3, 0.87)])
def test_repeats_of_normal_qualities(codes, card, ratio, trainings, expected):
    truth = ratio * normal(0, 216)
    repeats = truth[:, None] + normal(1, 216, trainings)
    table = Benchmark("t", "digits", tuple(codes), repeats.mean(1), card, repeats=repeats)
    found = ceiling(table)
    assert found.source == "repeats"
    assert found.n == 216
    assert found.noise == pytest.approx(1, abs=0.1)
    # sqrt of the true variance over that of a mean; ranks of normal values lose a little of it.
    assert found.implied == pytest.approx(expected, abs=0.05)
    assert found.spearman == pytest.approx(spearman(truth, table.quality).item(), abs=0.05)
    assert found.kendall == pytest.approx(kendall(truth, table.quality).item(), abs=0.05)
    assert found.kendall == pytest.approx(2 / math.pi * math.asin(expected), abs=0.05)
    assert found.retest_kendall < found.retest_spearman < found.implied


def test_identical_architectures_stand_in_for_repeats(codes, space, card):
    classes = {}
    for code in codes:
        classes.setdefault(space.canonical(space.decode(code)), len(classes))
    level = 3 * normal(0, len(classes))
    quality = torch.stack([level[classes[space.canonical(space.decode(c))]] for c in codes]) + normal(1, 216)
    # Some results were copied to a twin: they say nothing about noise.
    first = {}
    for i, code in enumerate(codes[:60]):
        first.setdefault(space.canonical(space.decode(code)), i)
        quality[i] = quality[first[space.canonical(space.decode(code))]]
    table = Benchmark("t", "digits", tuple(codes), quality, card)
    found = ceiling(table, space)
    assert found.source == "duplicates"
    assert found.noise == pytest.approx(1, abs=0.1)
    assert found.retest_spearman == pytest.approx(0.9, abs=0.05)
    assert ceiling(table) is None


def test_no_noise_and_nothing_but_noise(codes, card):
    truth = normal(0, 216)
    table = Benchmark("t", "digits", tuple(codes), truth, card, repeats=torch.stack([truth, truth], 1))
    assert ceiling(table).spearman == ceiling(table).implied == pytest.approx(1)
    noise = normal(1, 216, 2)
    found = ceiling(Benchmark("t", "digits", tuple(codes), noise.mean(1), card, repeats=noise))
    assert found.implied < 0.4


def test_a_fixed_seed_gives_a_fixed_ceiling(codes, card):
    repeats = normal(0, 216, 2)
    table = Benchmark("t", "digits", tuple(codes), repeats.mean(1), card, repeats=repeats)
    assert ceiling(table) == ceiling(table)


def test_the_real_tables(data):
    micro = load("transnas-micro")
    found = ceiling(micro, open_space(micro.card))
    assert found.source == "duplicates"
    # Over all 4,096 architectures: noise 0.0127 SSIM, noise-free predictor about 0.93 to 0.94.
    assert found.noise == pytest.approx(0.0127, abs=0.002)
    assert 0.9 < found.implied < 0.98
    macro = load("transnas-macro")
    assert ceiling(macro, open_space(macro.card)) is None
