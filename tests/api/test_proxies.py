"""A loaded proxy says of a module what the engine says of the architecture, and what its own file says."""

from __future__ import annotations

import contextlib
import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gpproxy
from gpproxy.errors import ConfigError, GPProxyError, RunError, StatisticsError
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Scorer, Setup
from gpproxy.search_spaces import SEARCH_SPACES, Batch
from gpproxy.seeds import seeded
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.exact import exact

FORMULAS = ("sum_layers(layer_snip) - total_params", "min_layers(std(activation))", "synflow", "zen")


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 3, 1))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_module_scores_as_its_architecture(text: str) -> None:
    """The same network, inputs and probes as the scorer of the commands: the same bits."""
    space = SEARCH_SPACES["autogan"](width=4, resolution=16)
    code = next(iter(space.published.values()))
    name = space.encode(code)
    proxy = Proxy.load(text, inputs=8)
    settings = (("resolution", 16), ("width", 4))
    (expected,) = Scorer(Setup("autogan", settings, (proxy,), sized=False)).score(name).scores
    loaded = gpproxy.load_proxy(text)
    loaded.proxy = Proxy(**{**vars(proxy), "spaces": (("autogan", settings),)})
    with exact():  # as the scorer builds it: an orthogonal weight differs by the number of threads
        network = space.build(code, seeded("autogan", name, 0, "weights"))
    inputs = space.batch(8, seeded("autogan", 0, "inputs"))
    assert loaded(network, inputs) == expected


def test_a_saved_formula_says_the_same(tmp_path: Path) -> None:
    proxy = gpproxy.load_proxy(FORMULAS[0])
    spec = importlib.util.spec_from_file_location("saved", proxy.save(tmp_path / "saved.py"))
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["saved"] = module
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    network, inputs = small(), torch.randn(16, 6)
    assert module.score(network, inputs) == pytest.approx(proxy(network, inputs), rel=1e-6)


def test_networks_are_ranked_and_left_as_they_were() -> None:
    proxy = gpproxy.load_proxy("total_params")
    proxy.inputs = torch.randn(8, 6)
    network = small()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first = proxy.rank({"small": network, "fresh": small, "large": lambda: nn.Sequential(nn.Linear(6, 99))})
    assert [name for name, _ in first] == ["large", "fresh", "small"] and first[1][1] == first[2][1]
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_the_loss_that_is_given_is_the_loss_that_is_used() -> None:
    def double(outputs: Tensor, batch: Batch) -> Tensor:
        return 2 * outputs.square().mean()

    proxy, inputs, network = gpproxy.load_proxy("sum_layers(layer_snip)"), torch.randn(8, 6), small()
    assert proxy(network, inputs, double) == pytest.approx(2 * proxy(network, inputs), rel=1e-5)


def test_a_proxy_shows_itself_and_refuses_in_sentences() -> None:
    proxy = gpproxy.load_proxy("sum_layers(layer_snip)")
    assert repr(proxy) == "ProxyFunction('sum_layers(layer_snip)')"
    assert "<math" in (proxy._repr_html_() or "") and "sum" in (proxy._repr_latex_() or "")
    with pytest.raises(ConfigError, match="with inputs"):
        proxy(small())
    with pytest.raises(RunError, match="comes from no run"):
        proxy.report()
    with pytest.raises(StatisticsError):
        proxy(nn.Sequential(nn.Linear(6, 2)), torch.full((4, 6), torch.nan))
    with pytest.raises(AttributeError, match="discover"):
        gpproxy.discovr  # noqa: B018
    assert {"discover", "load_run"} <= set(dir(gpproxy))


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (4, 3, 1, 1), (2, 1, 5, 1)], ids=["sample", "pixel", "channel"])
def test_the_smallest_batches_have_scores_or_a_sentence(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(shape[1], 3, 1), nn.ReLU(), nn.Conv2d(3, 3, 1))
    for name in PROXIES:
        with contextlib.suppress(GPProxyError):
            assert not math.isnan(gpproxy.load_proxy(name)(network, torch.randn(shape)))
