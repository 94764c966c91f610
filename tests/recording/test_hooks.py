"""Layers against forward hooks on modules, written anew: what a look records is what modules were given and gave."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.check import make_space
from gpproxy.statistics.exact import exact
from gpproxy.statistics.single_pass import backward, forward

#: Settings that make the networks of a space small.
SMALL: dict[str, dict[str, Any]] = {
    "autogan": {"width": 4, "latent": 6, "resolution": 16},
    "conditional": {"width": 4, "latent": 6, "resolution": 16, "embedding": 4},
    "eagan-generator": {"width": 4, "latent": 6, "resolution": 16},
    "eagan-discriminator": {"width": 4, "resolution": 16},
    "eagan-pair": {"width": 4, "latent": 6, "resolution": 16, "discriminator_width": 4},
    "gancompression-cyclegan": {"resolution": 32},
    "gancompression-pix2pix": {"resolution": 32},
    "gancompression-spade": {"resolution": 64},
    "pix2pix-unet": {"resolution": 32, "levels": 5},
    "sr-bass": {"resolution": 16},
    "transnas-macro": {"resolution": 64, "decoder_width": 0.125},
    "transnas-micro": {"resolution": 64, "decoder_width": 0.125},
}
WEIGHTED = nn.Conv2d | nn.ConvTranspose2d | nn.Linear


@pytest.mark.parametrize("name", sorted(SEARCH_SPACES))
def test_layers_are_what_hooks_on_modules_see(name: str) -> None:
    """Activation and input, equal to the last bit, of every call of a convolution or linear layer, and the gradient of
    its weight, up to a few last bits, where the weight is a parameter itself."""
    space = make_space(name, SMALL.get(name, {}))
    rng = random.Random(3)
    architecture = next(a for a in iter(lambda: space.sample(rng), None) if not space.dead(a))
    if name == "gancompression-spade":  # the smallest: others take several times as long
        architecture = space.decode(space.encode(tuple(min(values) for values in space.choices)))
    network = space.build(architecture, torch.Generator().manual_seed(0)).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    batch = space.batch(2, torch.Generator().manual_seed(1))
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def hook(name: str, module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        seen.setdefault(name, []).append((given[0].detach().clone(), output.detach().clone()))

    handles = [
        module.register_forward_hook(lambda *seen_there, path=path: hook(path, *seen_there))
        for path, module in network.named_modules()
        if isinstance(module, WEIGHTED)
    ]
    with exact(), torch.enable_grad():
        torch.manual_seed(0)
        loss = batch.own().call(network).square().mean()
        weights = dict(network.named_parameters())
        gradients = dict(zip(weights, torch.autograd.grad(loss, [*weights.values()], allow_unused=True)))
        for handle in handles:
            handle.remove()
        network.load_state_dict(before)
        torch.manual_seed(0)
        record = forward(network, batch)
        record = backward(record, record.output.square().mean())

    calls: dict[str, int] = {}
    compared = 0
    for layer in [*record.layers, *record.recorder.conditions]:
        if layer.name not in seen:
            continue
        entered, made = seen[layer.name][calls.setdefault(layer.name, 0)]
        calls[layer.name] += 1
        linear = layer.kind == "linear" and made.ndim > 2  # channels last
        for found, expected in ((layer.inflow, entered), (layer.activation, made)):
            expected = expected.movedim(-1, 1).flatten(2) if linear else expected
            assert torch.equal(found.flatten(2) if linear else found, expected), layer.name
        if layer.first and layer.weight_gradient is not None and layer.sources == (f"{layer.name}.weight",):
            expected = gradients[layer.sources[0]]
            # Groups of a transposed convolution stand elsewhere.
            found, expected = layer.weight_gradient.flatten().sort().values, expected.flatten().sort().values
            torch.testing.assert_close(found, expected, rtol=0, atol=2e-6 * float(expected.abs().max()))
            compared += 1
    assert calls == {name: len(found) for name, found in seen.items()}
    assert compared >= 2 or name == "eagan-discriminator"  # whose weights are all made by spectral norms


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d, nn.Conv1d, nn.ConvTranspose1d])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (4, 2), (5, 3)])
def test_weight_gradients_are_as_near_the_truth_as_those_of_the_parameter(
    kind: type[nn.Conv2d], kernel: int, stride: int, groups: int
) -> None:
    """Both against float64: what they miss of it is rounding alone, and no more by one way than by the other."""
    torch.manual_seed(kernel + groups)
    network = nn.Sequential(kind(4, 8, kernel, stride, groups=groups), nn.ReLU(), kind(8, 6, 3, groups=groups))
    batch = Batch(torch.randn(5, 4, *(17,) * network[0].weight[0, 0].ndim))

    def gradients(network: nn.Sequential, batch: Batch) -> list[Tensor]:
        return [*torch.autograd.grad(batch.call(network).square().mean(), [network[0].weight, network[2].weight])]

    plain = gradients(network, batch)
    record = forward(network, batch)
    record = backward(record, record.output.square().mean())
    true = gradients(copy.deepcopy(network).double(), batch.each(Tensor.double))
    for layer, one, right in zip(record.layers, plain, true, strict=True):
        one, right = (record.recorder.layout.filters(layer, value) for value in (one, right))
        found, largest = layer.weight_gradient, right.abs().max()
        assert found is not None
        errors = [float((value.double() - right).abs().max() / largest) for value in (found, one)]
        assert max(errors) < 1e-5 and errors[0] <= 2 * errors[1] + 2e-7
