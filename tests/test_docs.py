"""The example of a search space of one's own does what it says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from gpproxy.search_spaces import SEARCH_SPACES

from gpproxy.registry import load_plugin
from gpproxy.search import SearchSettings, run
from gpproxy.train import TrainSettings
from gpproxy.train import run as train

EXAMPLE = str(Path(__file__).parents[1] / "docs" / "own_space.py")


@pytest.fixture
def space():
    load_plugin(EXAMPLE)
    return SEARCH_SPACES["small-decoder"]()


def test_the_protocol_holds(space) -> None:
    every, rng = list(space.enumerate()), random.Random(0)
    assert len(every) == len(set(every)) == space.count()
    for architecture in rng.sample(every, 8):
        assert space.decode(space.encode(architecture)) == architecture
        neighbour = space.mutate(architecture, rng)
        assert neighbour != architecture and neighbour in every and space.cross(architecture, neighbour, rng) in every
        first, second = (space.build(architecture, torch.Generator().manual_seed(3)) for _ in range(2))
        inputs = space.inputs(2, torch.Generator().manual_seed(0))
        assert torch.equal(first(inputs), second(inputs)) and first(inputs).shape == (2, 3, 32, 32)
        assert space.describe(architecture)["params"] == sum(p.numel() for p in first.parameters())


def test_it_is_searched_and_trained(space, tmp_path: Path) -> None:
    formula = "min_layers(layer_snip)"
    settings = {"space": "small-decoder", "plugins": (EXAMPLE,), "workers": 1, "space_settings": ("resolution=16",)}
    found = run(SearchSettings(proxy=(formula,), budget=6, out=str(tmp_path / "s"), **settings))
    assert len(found.best(3)) == 3
    trained = train(
        TrainSettings(
            arch="16_1_3", space="small-decoder", plugins=(EXAMPLE,), data="shapes", steps=2, batch=4, extractor="none",
            resolution=16, limit=64,
            out=str(tmp_path / "t"),
        )
    )  # fmt: skip
    assert trained.verdict == "finished"
