"""The row of numbers behind every table."""

import json
import math

import pytest
import torch
from scipy import stats

from gpproxy.benchmarks.benchmark import Benchmark
from gpproxy.ranking.metrics import RankingMetrics


def measure(scores, part, dead=(), **settings):
    return RankingMetrics(part, dead, **settings).measure(scores)


@pytest.fixture
def part(codes, card):
    quality = torch.randn(80, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Benchmark("t", "digits", tuple(codes[:80]), quality, card)


@pytest.fixture
def scores(part):
    noise = torch.randn(80, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return part.quality + noise


def test_a_row(part, scores):
    row = measure(scores, part, samples=200)
    assert row["n"] == 80
    assert row["kendall"] == pytest.approx(stats.kendalltau(scores, part.quality).statistic)
    assert row["spearman"] == pytest.approx(stats.spearmanr(scores, part.quality).statistic)
    for name in ("kendall", "spearman"):
        low, high = row[f"{name}_interval"]
        assert low < row[name] < high
        assert row["without_dead"][name] == row[name]
    assert row["kendall_ties_broken"] == pytest.approx(row["kendall"])
    assert 0 <= row["top_tenth"] <= 1
    assert row["undefined"] == 0
    assert json.loads(json.dumps(row, allow_nan=False)) == row


def test_dead_and_undefined_architectures_rank_last(part, scores):
    dead = [part.architectures[0], part.architectures[1]]
    scores = scores.clone()
    scores[0], scores[1], scores[2] = 100.0, math.nan, math.nan
    row = measure(scores, part, dead, samples=200)
    placed = scores.clone()
    placed[:3] = -1e9
    assert row["spearman"] == pytest.approx(stats.spearmanr(placed, part.quality).statistic)
    assert row["undefined"] == 1
    assert row["without_dead"]["n"] == 78
    assert row["without_dead"]["kendall"] == pytest.approx(stats.kendalltau(placed[2:], part.quality[2:]).statistic)


def test_the_sign_counts(part, scores):
    assert measure(-scores, part, samples=50)["spearman"] == pytest.approx(-measure(scores, part)["spearman"])


def test_undefined_correlations_are_none(part):
    row = measure(torch.ones(80), part, samples=50)
    assert row["kendall"] is None
    assert row["spearman_interval"] == [None, None]
    assert measure(torch.arange(80.0), part, part.architectures, samples=50)["without_dead"]["kendall"] is None


def test_differences_are_paired(part, scores):
    metrics = RankingMetrics(part, samples=300)
    worse = scores + torch.randn(80, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    difference = metrics.difference(scores, worse)
    expected = metrics.measure(scores)["kendall"] - metrics.measure(worse)["kendall"]
    assert difference.kendall == pytest.approx(expected)
    low, high = difference.spearman_interval
    assert low < difference.spearman < high
    same = metrics.difference(scores, scores)
    assert same.kendall_interval == (0, 0) and same.words == "not distinguishable" and not same.better
    assert metrics.difference(scores, -scores).better and metrics.difference(-scores, scores).words == "worse"
    assert type(same).from_json(same.to_json()) == same


def test_a_difference_to_several_is_that_to_their_mean(part, scores):
    metrics = RankingMetrics(part, samples=50)
    both = metrics.difference(scores, scores, -scores)
    assert both.kendall == pytest.approx(metrics.measure(scores)["kendall"])
    assert both.spearman_interval == pytest.approx(metrics.measure(scores)["spearman_interval"])


def test_classes_widen_the_interval_of_repeated_evidence(part, scores):
    # Every architecture four times: no more evidence than once, which only the class-aware draw knows.
    index = torch.arange(20).repeat(4)
    crowd = Benchmark("t", "digits", part.architectures, part.quality[index], part.card)

    def width(**settings):
        low, high = measure(scores[index], crowd, **settings)["spearman_interval"]
        return high - low

    assert width(classes=index.tolist()) > 1.5 * width()


def test_two_architectures_have_no_correlation(part):
    row = measure(torch.tensor([1.0, 2.0]), part.select(part.architectures[:2]))
    assert row["n"] == 2 and row["spearman"] is None and row["kendall_ties_broken"] is None
    assert row["spearman_interval"] == [None, None] == row["without_dead"]["kendall_interval"]


@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e300, 5e-324])
def test_numbers_of_any_size_rank_alike(codes, card, scale):
    """Down to denormal ones, whose smallest differences are all that they have."""
    order = torch.randperm(60, generator=torch.Generator().manual_seed(3)).double()
    noise = torch.randn(60, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    plain, large = (Benchmark("t", "digits", tuple(codes[:60]), order * by, card) for by in (1.0, scale))
    expected = measure(order + 20 * noise, plain, samples=50)
    found = measure(order + 20 * noise, large, samples=50)
    assert all(math.isfinite(one[key]) for one in found.pop("regret") for key in one)
    expected.pop("regret")  # it has units
    assert found == expected
