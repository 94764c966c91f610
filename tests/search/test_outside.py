"""Candidates beyond what a proxy has learnt from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpproxy.proxies.provenance import training_provenance
from gpproxy.proxies.proxy import Proxy
from gpproxy.registry import load_plugin
from gpproxy.search.outside import Outside, _beyond, _joined, extents, outside
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.statistics.record import Record
from tests.commands import FAKE


def test_extents_are_over_layers_and_by_root_mean_square() -> None:
    values = {
        "layer_snip": [torch.tensor(1.0), None, torch.tensor(-3.0)],
        "weight": [torch.full((2, 2), 2.0), torch.zeros(3)],
        "code_entropy": torch.tensor(5.0),
        "agreement": [None],
    }
    found = extents(Record("a", values, {}, "", 0.0), [*values, "missing"])
    assert found == {"layer_snip": (-3.0, 1.0), "weight": (0.0, 2.0), "code_entropy": (5.0, 5.0)}
    ranges = _joined([found, {"weight": (1.0, 4.0)}])
    assert ranges["weight"] == (0.0, 4.0)
    assert _beyond({"weight": (0.0, 4.1), "code_entropy": (5.0, 5.0), "new": (0.0, 0.0)}, ranges) == ["weight", "new"]


def test_what_was_learnt_from_is_never_outside(small_run: Path) -> None:
    load_plugin(FAKE)
    space, proxy = SEARCH_SPACES["fake"](), Proxy.load(str(small_run))
    learnt = list(training_provenance(proxy).codes["fake"])
    found = outside([proxy], space, learnt[:4], learnt[4:8])
    assert found is not None and (found.best, found.first, found.statistics) == (0.0, 0.0, ())
    assert outside([Proxy.load("snip")], space, learnt[:4], learnt[4:8]) is None


def test_the_sentence_names_what_runs_away() -> None:
    told = Outside(0.75, 0.05, 20, ("layer_fisher", "weight")).sentence
    assert told.startswith("Of the best 20 candidates, 75% have a statistic beyond its range")
    assert "(most often layer_fisher, weight)" in told and told.endswith("of the first 20, 5%.")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_have_no_extent(value: float) -> None:
    assert extents(Record("a", {"x": torch.tensor(value)}, {}, "", 0.0), ["x"]) == {}
