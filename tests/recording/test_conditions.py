"""Layers that prepare a condition alone are no layers of the way from input to image."""

import pytest
import torch
from torch import nn

from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.batch import Batch
from gpproxy.seeds import numbered
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.single_pass import forward


class Told(nn.Module):
    """A network of an image, a level and a class, with a second image as a reference."""

    def __init__(self):
        super().__init__()
        self.level, self.kind = nn.Linear(1, 4), nn.Embedding(3, 4)
        self.reference, self.first = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.both = nn.Linear(4, 4)
        self.last = nn.Conv2d(4, 3, 1)

    def forward(self, image, level, kind, reference):
        told = torch.relu(self.level(level[:, None])) + self.kind(kind)
        x = self.first(image) + self.reference(reference) + told[:, :, None, None]
        mixed = self.both(x.mean((2, 3)) + told)  # of image and condition: on the way
        return self.last(x * mixed[:, :, None, None])


def batch():
    images = [torch.randn(5, 3, 6, 6, generator=numbered(seed)) for seed in (0, 1)]
    condition = (torch.rand(5, generator=numbered(2)), torch.tensor([0, 1, 2, 0, 1]), images[1])
    return Batch(images[0], condition=condition)


def test_conditions_stand_apart():
    torch.manual_seed(0)
    record = forward(Told(), batch())
    assert [layer.name for layer in record.layers] == ["first", "reference", "both", "last"]
    assert [layer.name for layer in record.recorder.conditions] == ["level", "kind"]
    # What is counted stays whole: 36 pixels of the convolutions, the linear layers, and no products of the embedding.
    assert record.macs == 36 * (2 * 4 * 27 + 12) + 16 + 4
    assert not record.recorder.unseen


def test_gradients_are_those_of_the_layers_on_the_way():
    torch.manual_seed(0)
    network = Told()
    passes = Passes(network, batch(), lambda outputs, _: outputs.square().mean(), numbered(0))
    outputs = batch().call(network)
    weights = [network.first.weight, network.reference.weight, network.both.weight, network.last.weight]
    expected = torch.autograd.grad(outputs.square().mean(), weights)
    assert [layer.name for layer in passes.noise.layers] == ["first", "reference", "both", "last"]
    for layer, gradient in zip(passes.noise.layers, expected):
        assert torch.allclose(layer.weight_gradient, gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["unet", "edm-unet", "conditional"])
def test_embeddings_of_built_in_spaces_do_not_count_as_depth(name):
    space = SEARCH_SPACES[name]()
    code = {"unet": "16-11-111-01-10000", "edm-unet": "adm-16-12-1-8", "conditional": "1301-0101-0101-1"}[name]
    network = space.build(space.decode(code), numbered(0))
    record = forward(network, space.batch(4, numbered(1)))
    names = {layer.name for layer in record.layers}
    told = {"noise", "map0", "map1", "affine", "embedding", "classes", "gain", "offset"}
    assert not any(set(one.split(".")) & told for one in names)
    assert record.recorder.conditions and record.macs == space.describe(space.decode(code))["macs"]
