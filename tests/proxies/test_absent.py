"""A pass that one generator does not allow: its statistics are absent with a reason, and the rest scores."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.values import values_of
from gpproxy.search_spaces import ChoiceSpace
from gpproxy.statistics import cache
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.record import Record
from tests.statistics.test_any_generator import Body, Once

HOW = Collection(
    samples=4,
    statistics=("layer_snip", "jacobian_gram", "depth"),
    proxies=("grasp", "snip"),
    proxy_samples=4,
    describe=False,
)
REASON = "This generator does not allow the Jacobian pass: RuntimeError: a part of it is marked once_differentiable."


def body(kind: str) -> nn.Module:
    return Body(nn.ReLU() if kind == "plain" else Once.apply)


@pytest.fixture(scope="module")
def records() -> dict[str, Record]:
    space = ChoiceSpace({"kind": ("plain", "once")}, body, inputs=(3, 8, 8))
    return {kind: collect_one(space, kind, HOW) for kind in ("plain", "once")}


def test_it_is_told_and_kept(records: dict[str, Record], tmp_path: Path) -> None:
    once = records["once"]
    assert not records["plain"].absent and set(once.absent) == {"jacobian_gram", "grasp"}
    assert once.absent["jacobian_gram"] == REASON and math.isnan(once.columns["grasp"])
    cache.save(once, tmp_path / "once.safetensors")
    again = cache.load(tmp_path / "once.safetensors", ("layer_snip", "jacobian_gram"))
    assert again.absent == once.absent and again.values["jacobian_gram"].isnan().all()


def test_formulas_that_do_not_need_it_go_on(records: dict[str, Record]) -> None:
    proxies = [Proxy.load(text) for text in ("median_layers(layer_snip)", "trace(jacobian_gram)", "snip", "grasp")]
    needless, needed, column, missing = values_of(records["once"], proxies)
    assert math.isfinite(needless.score) and math.isfinite(column.score)
    assert math.isnan(needed.score) and needed.problem == REASON
    assert math.isnan(missing.score) and "pass of grasp" in missing.problem
    assert all(math.isfinite(found.score) for found in values_of(records["plain"], proxies))


def test_a_table_of_both_has_the_shape_of_what_is_there(records: dict[str, Record]) -> None:
    table = assemble([records["plain"], records["once"]])
    grams = table.values["jacobian_gram"]
    assert isinstance(grams, torch.Tensor) and grams.shape == (2, 4, 4)
    assert torch.isfinite(grams[0]).all() and grams[1].isnan().all()
