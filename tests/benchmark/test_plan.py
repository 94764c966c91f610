"""The choice of architectures: balance, prefixes, twins."""

import itertools
import random
from collections import Counter

import pytest

from gpproxy.benchmark.plan import plan, retested
from gpproxy.errors import ConfigError
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.autogan import PUBLISHED
from tests.digits import Digits

SIZES = (2, 3, 3, 2, 2, 3, 3, 2, 2, 2, 3, 3, 2, 4)


@pytest.fixture(scope="module")
def autogan():
    return SEARCH_SPACES["autogan"]()


@pytest.fixture(scope="module")
def codes(autogan):
    return plan(autogan, 96)


def unevenness(architectures):
    """Sum of squared deviations of the counts of two values from even ones."""
    total = 0.0
    for i, j in itertools.combinations(range(len(SIZES)), 2):
        counts = Counter((a[i], a[j]) for a in architectures)
        even = len(architectures) / SIZES[i] / SIZES[j]
        total += sum((counts[p] - even) ** 2 for p in itertools.product(range(SIZES[i]), range(SIZES[j]))) / even
    return total


@pytest.mark.parametrize("count", [24, 48, 96])
def test_every_value_comes_up_equally_often_and_pairs_nearly_so(autogan, codes, count):
    architectures = [autogan.decode(code) for code in codes[:count]]
    for gene, size in enumerate(SIZES):
        counts = Counter(a[gene] for a in architectures)
        assert all(abs(counts[value] - count / size) <= 1.5 for value in range(size))
    rng = random.Random(0)
    assert unevenness(architectures) < 0.6 * unevenness([autogan.sample(rng) for _ in range(count)])


def test_the_published_ones_come_first_and_a_longer_plan_begins_with_a_shorter_one(autogan, codes):
    assert codes[:3] == [autogan.encode(a) for a in PUBLISHED.values()]
    assert plan(autogan, 30) == codes[:30]
    assert plan(autogan, 12, seed=1)[:3] == codes[:3]
    assert plan(autogan, 12, seed=1)[3:] != codes[3:12]


def test_no_two_are_functionally_identical(autogan, codes):
    assert len({autogan.canonical(autogan.decode(code)) for code in codes}) == 96


def test_a_small_space_is_used_up_without_twins():
    space = Digits(base=3)  # 27 codes in 10 classes
    found = plan(space, 10)
    assert len({space.canonical(space.decode(code)) for code in found}) == 10
    with pytest.raises(ConfigError, match="size=11 is more than the 10 functionally different"):
        plan(space, 11)


def test_uniform_ones_follow_the_spread_ones_and_are_as_a_search_meets_them(autogan, codes):
    found = plan(autogan, 396, uniform=300)
    assert found[:96] == codes and len({autogan.canonical(autogan.decode(code)) for code in found}) == 396
    assert plan(autogan, 150, uniform=54) == found[:150]
    drawn = [autogan.decode(code) for code in found[96:]]
    for gene, size in enumerate(SIZES):
        counts = Counter(a[gene] for a in drawn)
        expected = len(drawn) / size
        chi_square = sum((counts[value] - expected) ** 2 / expected for value in range(size))
        assert chi_square < {2: 10.8, 3: 13.8, 4: 16.3}[size]  # one in a thousand of fair draws


def test_uniform_ones_of_a_small_space_end_where_it_is_used_up():
    assert len(plan(Digits(base=3), 10, uniform=8)) == 10
    with pytest.raises(ConfigError, match="size=11 is more than the 10 functionally different"):
        plan(Digits(base=3), 11, uniform=8)


@pytest.mark.parametrize(
    ("uniform", "count", "expected"),
    [(4, 0, ""), (4, 4, "abgh"), (4, 5, "abcgh"), (0, 3, "abc"), (10, 3, "abc"), (2, 8, "abcdefij"), (8, 7, "abcdefg")],
)
def test_the_first_of_either_kind_are_trained_once_more(uniform, count, expected):
    assert retested("abcdefghij", uniform, count) == list(expected)
