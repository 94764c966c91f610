"""Comparison of trainings: who takes part, and the numbers against SciPy."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from gpproxy.errors import ConfigError
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size
from gpproxy.search.contenders import (
    RANDOM,
    Candidate,
    Trained,
    candidates,
    difference,
    interval,
    parse_compare,
)
from gpproxy.search.contenders import table as make_table
from gpproxy.search.cost import Cost, Training
from gpproxy.search.settings import PROXY
from tests.search.setups import fake_space

SPACE = fake_space()


def test_who_is_named() -> None:
    assert parse_compare("random:5,autogan-a, b") == (5, ["autogan-a", "b"]) and parse_compare("") == (0, [])
    for text in ("random", "random:", "random:0", "random:x"):
        with pytest.raises(ConfigError, match="random:NUMBER"):
            parse_compare(text)


def test_random_candidates_are_distinct_alive_and_within_limits() -> None:
    found = candidates(SPACE, ["3-1-1-1"], "random:6,1-1-1-1", lambda n: n, lambda a: a[1] == 0, seed=2)
    assert found[0] == Candidate(PROXY, "3-1-1-1") and found[-1] == Candidate("1-1-1-1", "1-1-1-1")
    codes = [one.code for one in found if one.group == RANDOM]
    assert len(set(codes)) == 6 and all(SPACE.decode(c)[1] == 0 and not SPACE.dead(SPACE.decode(c)) for c in codes)
    assert found == candidates(SPACE, ["3-1-1-1"], "random:6,1-1-1-1", lambda n: n, lambda a: a[1] == 0, seed=2)


def test_too_tight_limits_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpproxy.search.contenders.DRAWS", 50)
    with pytest.raises(ConfigError, match="only 0 random"):
        candidates(SPACE, [], "random:2", lambda n: n, lambda a: False, seed=0)


def test_intervals_are_students() -> None:
    values = [3.0, 5.0, 4.5]
    low, high = stats.t.interval(0.95, 2, 12.5 / 3, stats.sem(values))
    assert interval(values) == pytest.approx((12.5 / 3, low, high))
    mean, low, high = interval([2.0])
    assert mean == 2.0 and math.isnan(low) and math.isnan(high)


WHO = [
    Candidate(PROXY, "a"),
    Candidate(PROXY, "b"),
    Candidate(RANDOM, "c"),
    Candidate(RANDOM, "d"),
    Candidate("x", "a"),
]
RUNS = [
    Trained(code, seed, value, "finished", 1.0, 10)
    for code, values in {"a": (1.0, 2.0), "b": (0.5, 1.5), "c": (3.0, 5.0), "d": (6.0, 7.0)}.items()
    for seed, value in enumerate(values)
]


def test_groups_average_architectures_and_differ_by_welch() -> None:
    lines = make_table(WHO, RUNS, lambda code: Size(1.0, 2.0))
    assert [(line.group, line.code) for line in lines] == [
        (PROXY, ""), (PROXY, "b"), (PROXY, "a"), (RANDOM, ""), (RANDOM, "c"), (RANDOM, "d"), ("x", "a"),
    ]  # fmt: skip
    assert lines[0].mean == 1.25 and lines[0].architectures == 2 and lines[0].trainings == 4
    gap = difference(lines, PROXY, RANDOM)
    expected = stats.ttest_ind([1.5, 1.0], [4.0, 6.5], equal_var=False)
    bounds = expected.confidence_interval(0.95)
    assert gap == pytest.approx((-4.0, bounds.low, bounds.high))
    assert math.isnan(difference(lines, PROXY, "x")[1])


def test_a_collapsed_training_counts_as_the_worst() -> None:
    runs = [*RUNS[:-1], Trained("d", 1, math.nan, "not finite", 1.0, 3)]
    (line,) = [line for line in make_table(WHO, runs, lambda code: Size(0, 0)) if line.code == "d"]
    assert line.collapsed == 1 and line.mean == 6.0


def test_cost_divides_measured_times() -> None:
    training = Training("short", "a", steps=100, step=0.5, checks=4, check=2.5, hardware="here")
    cost = Cost(10, Work(10, 20, 10, 5.0), training)
    assert training.seconds == 60 and cost.seconds == 0.5 and cost.speed_up == 120
    assert "120 times faster" in cost.sentences()[1] and "2 forward and 1 backward" in cost.sentences()[0]
    assert Cost(10, Work(10, 20, 10, 5.0)).speed_up is None
