"""A space of a few named choices and an ordinary function is a whole space."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from torch import nn

from gpproxy.errors import RegistryError, SpaceError
from gpproxy.registry import load_plugin
from gpproxy.search_spaces import SEARCH_SPACES, Batch, ChoiceSpace, choice_space
from gpproxy.search_spaces.check import check_space, make_space
from gpproxy.statistics.collect import Collection, collect
from gpproxy.training.architecture import code_of

load_plugin(Path(__file__).parents[2] / "docs" / "own_space.py")


def build(width, norm, depth):
    layers = [nn.Linear(5, 16 * width), nn.Unflatten(1, (width, 4, 4))]
    for _ in range(depth):
        layers += [
            nn.Conv2d(width, width, 3, padding=1),
            *([nn.BatchNorm2d(width)] if norm == "batch" else []),
            nn.ReLU(),
        ]
    network = nn.Sequential(*layers, nn.Conv2d(width, 1, 3, padding=1))
    nn.init.orthogonal_(network[-1].weight)
    return network


CHOICES = {"width": (4, 8), "norm": ("none", "batch"), "depth": (0, 1, 2)}


@pytest.fixture
def space():
    return ChoiceSpace(CHOICES, build, inputs=5, source="test")


def test_it_keeps_the_promises_of_a_space(space):
    before, python = torch.get_rng_state(), random.getstate()
    check_space(space)
    assert torch.equal(before, torch.get_rng_state()) and random.getstate() == python
    assert (space.takes, space.input_shape, space.image_shape, space.count()) == ("noise", (5,), (1, 4, 4), 12)
    assert space.tokens == ((2, 2, 3),) and space.token_names == (("width", "norm", "depth"),)
    assert space.encode((1, 1, 2)) == "8_batch_2" and space.decode(" 8_batch_2 ") == (1, 1, 2)
    assert space.chosen((0, 1, 0)) == {"width": 4, "norm": "batch", "depth": 0}


def test_networks_are_functions_of_the_generator(space):
    first, again, other = (space.build((1, 1, 1), torch.Generator().manual_seed(s)) for s in (3, 3, 4))
    states = [network.state_dict() for network in (first, again, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["0.weight"], states[2]["0.weight"])
    assert first.training and all(p.is_meta for p in space.build((1, 1, 1), None).parameters())


def test_a_constructor_that_computes_with_values_is_built_on_the_cpu_for_its_shapes():
    def computed(width):
        network = nn.Linear(3, width)
        network.scale = float(network.weight.detach().abs().sum())
        return network

    space = ChoiceSpace({"width": (2, 3)}, computed, inputs=3)
    network = space.build((1,), None)
    assert network.weight.is_meta and network.weight.shape == (3, 3)


def test_codes_outside_are_told_the_choice(space):
    with pytest.raises(SpaceError, match="norm is one of none, batch, not 'batsch'. Did you mean 'batch'"):
        space.decode("4_batsch_1")
    with pytest.raises(SpaceError, match="code is width and norm and depth joined by '_', such as 4_none_0"):
        space.decode("4")


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"width": (4,)}, "a choice of two values or more"),
        ({"width": (4, 4)}, "one comes twice"),
        ({"norm": ("a_b", "c")}, "here is 'a_b'"),
    ],
)
def test_impossible_choices_are_told(choices, sentence):
    with pytest.raises(SpaceError, match=sentence):
        ChoiceSpace(choices, build, inputs=5)


def test_a_registered_one_is_made_by_name_and_scored_in_processes(tmp_path):
    space = make_space("tiny-decoder")
    assert isinstance(space, ChoiceSpace) and type(space).__module__ == "gpproxy_plugin_own_space"
    assert space.source == "you, 2026" and space.image_shape == (3, 32, 32)
    codes, how = ["16_0", "24_1"], Collection(statistics=("params",), proxies=(), samples=2)
    table, failed = collect(space, codes, how, cache_folder=tmp_path, workers=2)
    assert table.architectures == ("16_0", "24_1") and not failed


def test_names_inputs_losses_and_canonical_forms(monkeypatch):
    monkeypatch.setattr(SEARCH_SPACES, "_items", dict(SEARCH_SPACES._items))

    def labelled(count, generator):
        return Batch((torch.randn(count, 3, 8, 8, generator=generator), torch.arange(count)))

    def loss(outputs, batch):
        return (outputs - batch.visible).abs().mean()

    class Labelled(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.first, self.last = nn.Conv2d(3, width, 1), nn.Conv2d(width, 3, 1)

        def forward(self, images, label):
            return self.last(self.first(images)) + 0 * label[:, None, None, None]

    @choice_space(
        "labelled", {"width": (4, 8)}, inputs=labelled, loss=loss, published={"Best": "8"}, canonical=lambda width: 0
    )
    def labelled_network(width):
        return Labelled(width)

    space = make_space("labelled")
    assert space.takes == "images" and space.loss is loss and space.canonical((0,)) == space.canonical((1,)) == 0
    assert code_of(space, "labelled-best") == "8"
    with pytest.raises(RegistryError, match="'labelled' is taken"):
        ChoiceSpace({"width": (4, 8)}, labelled_network, inputs=labelled, name="labelled")
    images = ChoiceSpace({"width": (4, 8)}, lambda width: nn.Conv2d(1, width, 1), inputs=(1, 6, 10))
    assert images.input_shape == (1, 6, 10) and images.takes == "images" and images.image_shape == (8, 6, 10)
