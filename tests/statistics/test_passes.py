"""Passes: order and attachment of layers, exact tensors under in-place operations, gradients, cleanliness."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from gpproxy.recording.layer import Layer
from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.single_pass import forward
from tests.statistics.tiny import images, look_at, mlp, seeded_, squared, with_norms, without_norms


def as_filters(layer: Layer, weight: Tensor) -> Tensor:
    """A weight as layers show it, output channels first."""
    return weight.transpose(0, 1) if layer.kind == "transposed" else weight


def hooks_of(network: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in network.modules())


class InPlace(nn.Module):
    """Changes what convolution and norm returned, in place."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, 1, 1)
        self.norm = nn.BatchNorm2d(3)
        self.relu = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(3, 3, 3, 1, 1)
        self.late = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        y += x
        y = self.relu(self.norm(y))
        y = self.second(y)
        y.mul_(2)
        z = self.late(y)
        y.add_(1)
        return z + y


class Shared(nn.Module):
    """Calls one convolution twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, 1, 1)
        self.last = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.conv(torch.tanh(self.conv(x))))


class Branches(nn.Module):
    """Defined in another order than executed."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(6, 3, 1)
        self.right = nn.Conv2d(3, 3, 1)
        self.left = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.cat([self.left(x), self.right(x)], 1))


class Breaks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        raise ValueError("broken") if self.conv(x).numel() else AssertionError


def test_layers_come_in_order_of_execution():
    assert [layer.name for layer in look_at(seeded_(Branches())).noise.layers] == ["left", "right", "last"]
    names = [layer.name for layer in look_at(with_norms()).noise.layers]
    assert names == ["0.0", "1.0", "2.0", "3"]


def test_a_network_that_is_one_layer():
    record = look_at(seeded_(nn.Conv2d(3, 3, 1))).noise
    assert [layer.name for layer in record.layers] == [""]
    assert torch.equal(record.layers[0].activation, record.output)


def test_rectifier_before_a_convolution_is_attached_to_it():
    """ReLU-convolution-norm: each layer gets the input of its own rectifier."""
    block = [nn.Sequential(nn.ReLU(), nn.Conv2d(3, 3, 3, 1, 1), nn.BatchNorm2d(3)) for _ in range(2)]
    network = seeded_(nn.Sequential(*block))
    record = look_at(network).noise
    first = block[0](images())
    assert torch.equal(record.layers[0].preactivation, images())
    assert torch.allclose(record.layers[1].preactivation, first)
    assert len(record.rectified) == 2


def test_rectifier_after_a_layer_is_attached_when_no_other_layer_takes_it():
    """Convolution-norm-ReLU: a rectifier goes to the layer it feeds, the last one to the layer that feeds it."""
    network = seeded_(
        nn.Sequential(
            nn.Conv2d(3, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.ReLU(),
            nn.Conv2d(4, 3, 3, 1, 1), nn.Tanh(), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU(),
        )
    )  # fmt: skip
    layers = look_at(network).noise.layers
    value, inputs = images(), []
    for module in network:
        inputs.append(value)
        value = module(value)
    assert layers[0].preactivation is None
    assert torch.allclose(layers[1].preactivation, inputs[2])
    assert torch.allclose(layers[2].preactivation, inputs[7])


def test_in_place_operations_do_not_change_what_is_recorded():
    network = seeded_(InPlace())
    record = look_at(network).noise
    x = images()
    first = network.first(x)
    normed = network.norm(first + x)
    second = network.second(normed.relu())
    assert torch.allclose(record.layers[0].activation, first, atol=1e-6)
    assert torch.allclose(record.layers[1].activation, second, atol=1e-6)
    assert torch.allclose(record.layers[1].preactivation, normed, atol=1e-6)
    assert torch.allclose(record.rectified[0], normed, atol=1e-6)
    assert torch.allclose(record.rectified[1], 2 * second, atol=1e-6)
    assert torch.allclose(record.output, (2 * second).relu() + 2 * second + 1, atol=1e-5)
    assert network.relu.inplace


@pytest.mark.parametrize("make", [with_norms, without_norms, InPlace])
def test_gradients_equal_those_of_backward(make):
    network = seeded_(make())
    record = look_at(network).noise
    other, kept = copy.deepcopy(network), []

    def keep(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        output.retain_grad()
        kept.append(output)
        return output.clone()  # what follows may work in place

    for layer in record.layers:
        other.get_submodule(layer.name).register_forward_hook(keep)
    loss = squared(other(images()), images())
    loss.backward()
    assert torch.allclose(record.loss, loss)
    for layer, output in zip(record.layers, kept):
        assert torch.allclose(layer.gradient, output.grad, rtol=1e-4, atol=1e-8)
        weight = other.get_submodule(layer.name).weight
        assert torch.allclose(layer.weight_gradient, as_filters(layer, weight.grad), rtol=1e-4, atol=1e-7)


def test_shared_module_is_two_layers_and_one_weight():
    network = seeded_(Shared())
    record = look_at(network).noise
    assert [(layer.name, layer.first) for layer in record.layers] == [("conv", True), ("conv", False), ("last", True)]
    assert [layer.weight_gradient is None for layer in record.layers] == [False, True, False]
    squared(network(images()), images()).backward()
    assert torch.allclose(record.layers[0].weight_gradient, network.conv.weight.grad, rtol=1e-4, atol=1e-7)


def test_layer_without_influence_has_a_zero_gradient():
    class Loose(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.loose = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.loose(x)
            return self.used(x)

    record = look_at(seeded_(Loose())).noise
    loose = record.layers[0]
    assert loose.name == "loose" and not loose.gradient.any() and not loose.weight_gradient.any()


def test_hooks_are_removed_after_an_exception():
    network = Breaks()
    with pytest.raises(ValueError, match="broken"):
        forward(network, Batch(images()))
    assert hooks_of(network) == 0 and network.relu.inplace


def test_the_network_is_left_as_it_was_found():
    network = with_norms()
    before = copy.deepcopy(network.state_dict())
    passes = look_at(network)
    for name in ("noise", "perturbed", "ones", "input_gradient", "jacobian"):
        getattr(passes, name)
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is None and p.requires_grad for p in network.parameters())
    assert hooks_of(network) == 0 and network.training and network[0][2].inplace
    assert not any("forward" in vars(module) for module in network.modules())


def test_no_pass_touches_the_global_generator():
    network = with_norms()
    state = torch.random.get_rng_state()
    passes = look_at(network)
    for name in ("noise", "perturbed", "ones", "input_gradient", "jacobian"):
        getattr(passes, name)
    assert torch.equal(state, torch.random.get_rng_state())


def test_perturbed_input_is_a_tenth_of_the_spread_away():
    passes = look_at(with_norms(), images(64))
    difference = passes.perturbed.inputs - passes.inputs
    assert float(difference.std() / passes.inputs.std()) == pytest.approx(0.1, rel=0.05)
    assert passes.perturbed.layers[0].gradient is None


@pytest.mark.parametrize("make", [with_norms, InPlace, Branches])
def test_inflow_is_what_enters_each_layer(make):
    network, entered = seeded_(make()), {}
    record = look_at(network).noise
    for name, module in network.named_modules():
        module.register_forward_pre_hook(lambda m, given, name=name: entered.setdefault(name, given[0].clone()))
    network(images())
    assert all(torch.allclose(layer.inflow, entered[layer.name], atol=1e-6) for layer in record.layers)
    assert not any(layer.inflow.requires_grad for layer in record.layers)


def test_only_the_wide_pass_sees_more_samples():
    passes = look_at(without_norms(), images(40))
    assert len(passes.noise.output) == Passes.NARROW < len(passes.wide.output) == 40
    assert not passes.wide.output.requires_grad and passes.wide.layers[0].gradient is None
    torch.testing.assert_close(passes.wide.output[: Passes.NARROW], passes.noise.output)


def test_without_backward_nothing_is_differentiated():
    record = look_at(with_norms(), backward=False).noise
    assert record.loss is None and not record.output.requires_grad and record.layers[0].weight_gradient is None


def test_ones_pass_is_the_linear_network_of_absolute_weights():
    passes = look_at(with_norms())
    modules = [passes.network.get_submodule(layer.name) for layer in passes.noise.layers]
    value = torch.ones(1, 3, 8, 8, dtype=torch.float64)
    for module in copy.deepcopy(modules):
        module.double()
        for parameter in module.parameters():
            parameter.data.abs_()
        value = module(value)
    assert torch.allclose(passes.ones.output, value, rtol=1e-12)
    assert float(value.detach().max()) > 1  # the Tanh is bypassed


def test_ones_pass_takes_maps_of_one_pixel():
    """Batch norm in training mode refuses a single value per channel; the pass must not ask it."""
    network = seeded_(nn.Sequential(nn.Conv2d(3, 4, 8), nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 3, 8)))
    assert torch.isfinite(look_at(network).ones.output).all()


@pytest.mark.parametrize("make, shape", [(without_norms, (3, 8, 8)), (mlp, (5,))])
def test_jacobian_agrees_with_finite_differences(make, shape):
    network = make().double()
    if make is mlp:
        network[1] = nn.Identity()
    inputs = images(3, shape=shape).double()
    passes = Passes(network, Batch(inputs), squared, torch.Generator().manual_seed(5))
    step = 1e-6
    tangents = passes.jacobian
    assert tangents.shape[:2] == (Passes.DIRECTIONS, 3)
    for tangent, direction in zip(tangents, passes._directions):
        difference = (network(inputs + step * direction) - network(inputs - step * direction)) / (2 * step)
        assert torch.allclose(tangent, difference.flatten(1), atol=1e-6)


def test_input_gradient_is_that_of_the_summed_output():
    network = with_norms()
    inputs = images().requires_grad_()
    network(inputs).sum().backward()
    assert torch.allclose(look_at(with_norms()).input_gradient, inputs.grad.flatten(1), atol=1e-7)


def test_looks_repeat_bit_for_bit():
    one, two = look_at(with_norms()), look_at(with_norms())
    assert torch.equal(one.perturbed.output, two.perturbed.output)
    assert torch.equal(one.jacobian, two.jacobian)
    assert all(torch.equal(a.gradient, b.gradient) for a, b in zip(one.noise.layers, two.noise.layers))
