"""What the tests of the search share: the made-up space of `tests/fake.py`, and candidates made by hand."""

from __future__ import annotations

import math
from pathlib import Path

from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Setup, Work
from gpproxy.proxies.size import Sizer
from gpproxy.registry import load_plugin
from gpproxy.search.course import Progress
from gpproxy.search.limits import Limits
from gpproxy.search.loop import search
from gpproxy.search.store import Store
from gpproxy.search.strategies import Strategy
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space
from tests.commands import FAKE

FORWARD = "sum_layers(std(activation)) - total_params"
GRADIENT = "sum_layers(layer_snip) + sum_layers(std(activation))"


def fake_space() -> SearchSpace:
    load_plugin(Path(FAKE))
    return make_space("fake")


def fake_setup(*proxies: str, plain: bool = True, timed: bool = False) -> Setup:
    return Setup("fake", (("resolution", 8),), tuple(Proxy.load(text) for text in proxies), plain=plain, timed=timed)


def candidate(code: str, *scores: float, macs: float = 1.0, params: float = 1.0, latency: float = math.nan) -> Scored:
    return Scored(code, scores or (0.0,), params, macs, latency)


def store_of(*candidates: Scored) -> Store:
    store = Store.temporary(len(candidates[0].scores))
    store.add(candidates, Work(), 0.0)
    return store


def last(strategy: Strategy, setup: Setup, budget: int, limits: Limits | None = None, **settings: object) -> Progress:
    """The end of a search."""
    sizer = Sizer(strategy.space)
    *_, progress = search(strategy, ProxyEstimator(setup), sizer, limits or Limits(), budget, **settings)  # type: ignore[arg-type]
    return progress
