"""Equal compute from the checks of trainings of equal steps: made curves whose values are known, and shipped tables."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from gpproxy.benchmark.compute import FEWEST, between, curves, equal_compute
from gpproxy.benchmark.survey import describe
from gpproxy.benchmarks.benchmark import Benchmark
from gpproxy.benchmarks.registry import load
from gpproxy.search_spaces.check import make_space

SHARES = (0.25, 0.5, 1.0)


@pytest.fixture(scope="module")
def table() -> Benchmark:
    return load("autogan-cifar10")


def made(table: Benchmark, at: dict[float, torch.Tensor]) -> Benchmark:
    """The table with a metric of these qualities."""
    card = replace(table.card, metric="loss", direction="lower", scale="linear")
    columns = {f"loss@{round(100 * share)}%": -quality for share, quality in at.items()}
    return replace(table, card=card, quality=at[1.0], measured=columns)


def test_what_lives_on_compute_alone_is_turned_round(table: Benchmark) -> None:
    # Of a quality of log(steps) + 0.75 log(MACs), equal compute leaves -0.25 log(MACs).
    space = make_space("autogan", table.card.space_settings)
    macs = describe(table, space)[0]["macs"]
    more = 0.75 * macs.log()
    benchmark = made(table, {share: more + math.log(share) for share in SHARES})
    found = equal_compute(benchmark, space, macs, {})
    assert found is not None and FEWEST <= found.count <= len(table)
    assert found.macs_by_steps["spearman"] == pytest.approx(1)
    assert found.macs_by_compute["spearman"] == pytest.approx(-1)
    assert found.agreement["spearman"] == pytest.approx(-1)


def test_between_two_checks_the_logarithm_of_the_step_counts() -> None:
    curve = torch.tensor([[1.0, 3.0, 7.0]]).repeat(5, 1)
    wanted = torch.tensor([0.25, 0.25 * 2**0.5, 0.5, 0.5 * 2**0.5, 1.0])
    assert between(list(SHARES), curve, wanted).tolist() == pytest.approx([1, 2, 3, 5, 7])
    outside = between(list(SHARES), curve[:2], torch.tensor([0.2, 1.1]))
    assert outside.isnan().all()


def test_tables_tell_their_checks_in_order(table: Benchmark) -> None:
    shares, curve = curves(table)
    assert shares == [0.25, 0.5, 0.75, 1.0] and curve.shape == (len(table), 4)
    assert torch.equal(curve[:, 3], table.card.oriented(table.measured["FD(cifar)@100%"]))


def test_without_checks_or_with_few_networks_nothing_is_told(table: Benchmark) -> None:
    space = make_space("autogan", table.card.space_settings)
    macs = torch.ones(len(table), dtype=torch.float64)
    assert equal_compute(replace(table, measured={}), space, macs, {}) is None
    few = table.select(table.architectures[: FEWEST - 1])
    assert equal_compute(few, space, macs[: FEWEST - 1], {}) is None
