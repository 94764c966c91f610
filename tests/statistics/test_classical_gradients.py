"""Gradient proxies and their layer lists against `.backward()`, explicit loops, finite differences, closed forms."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.classical import PROXIES, layers
from gpproxy.statistics.passes import Passes
from tests.statistics.test_passes import Shared
from tests.statistics.tiny import images, look_at, mlp, seeded_, squared, with_norms, without_norms

KINDS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
MAKERS = [(with_norms, (3, 8, 8)), (without_norms, (3, 8, 8)), (mlp, (5,)), (lambda: seeded_(Shared()), (3, 8, 8))]


def pairs_of(network: nn.Module, inputs) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weight, gradient) of every weighted layer, by `.backward()` on a copy."""
    network = copy.deepcopy(network)
    squared(network(inputs), inputs).backward()
    weights = [m.weight for m in network.modules() if isinstance(m, KINDS)]
    return [(w.detach().double().numpy(), w.grad.double().numpy()) for w in weights]


@pytest.mark.parametrize("make, shape", MAKERS)
def test_sums_over_weights_and_gradients(make, shape):
    network, inputs = make(), images(shape=shape)
    passes, pairs = look_at(network, inputs), pairs_of(network, inputs)
    expected = {
        "l2_norm": sum(np.sqrt((w**2).sum()) for w, _ in pairs),
        "grad_norm": sum(np.sqrt((g**2).sum()) for _, g in pairs),
        "snip": sum(np.abs(w * g).sum() for w, g in pairs),
        "plain": sum((w * g).sum() for w, g in pairs),
    }
    for name, value in expected.items():
        assert PROXIES[name](passes) == pytest.approx(value, rel=1e-4, abs=1e-7), name


@pytest.mark.parametrize(
    "name, of",
    [
        ("layer_weight_norm", "l2_norm"),
        ("layer_grad_norm", "grad_norm"),
        ("layer_snip", "snip"),
        ("layer_plain", "plain"),
        ("layer_fisher", "fisher"),
    ],
)
def test_layer_lists_add_up_to_the_proxy(name, of):
    for make, shape in MAKERS:
        passes = look_at(make(), images(shape=shape))
        entries = getattr(layers, name)(passes)
        assert len(entries) == len(passes.noise.layers)
        assert [entry is not None for entry in entries] == [layer.first for layer in passes.noise.layers]
        assert all(e.ndim == 0 and e.dtype == torch.float64 for e in entries if e is not None)
        assert float(sum(e for e in entries if e is not None)) == pytest.approx(PROXIES[of](passes), rel=1e-12)


@pytest.mark.parametrize("make, shape", MAKERS[:3])
def test_fisher_with_the_value_of_a_channel_given_to_each_of_its_weights(make, shape):
    network, inputs = copy.deepcopy(make()), images(shape=shape)
    value = PROXIES["fisher"](look_at(network, inputs))
    outputs: list[tuple[nn.Module, torch.Tensor]] = []

    def keep(module, given, output):
        output.retain_grad()
        outputs.append((module, output))
        return output.clone()

    for module in network.modules():
        if isinstance(module, KINDS):
            module.register_forward_hook(keep)
    squared(network(inputs), inputs).backward()
    expected = 0.0
    for module, output in outputs:
        for channel in range(output.shape[1]):
            products = [(output[b, channel] * output.grad[b, channel]).sum().item() for b in range(len(inputs))]
            saliency = np.mean(np.square(products)) / 2
            weights = module.weight[:, channel] if isinstance(module, nn.ConvTranspose2d) else module.weight[channel]
            expected += sum(saliency for _ in range(weights.numel()))
    assert value == pytest.approx(expected, rel=1e-4)


def test_fisher_of_a_linear_layer_on_sequences_sums_over_positions():
    network = seeded_(nn.Linear(4, 3))
    inputs = images(5, shape=(7, 4))
    output = network(inputs).detach()
    gradient = 2 * output / output.numel()
    expected = 4 * 0.5 * ((output * gradient).sum(1) ** 2).mean(0).sum()
    assert PROXIES["fisher"](look_at(network, inputs)) == pytest.approx(float(expected), rel=1e-4)


def smooth() -> nn.Module:
    return seeded_(
        nn.Sequential(nn.Conv2d(3, 3, 3, 1, 1), nn.BatchNorm2d(3), nn.SiLU(), nn.ConvTranspose2d(3, 3, 1), nn.Tanh())
    ).double()


def test_grasp_by_finite_differences_of_the_gradient():
    inputs = images(4).double()
    network = smooth()

    def gradients(shifted: nn.Module) -> list[torch.Tensor]:
        shifted.zero_grad()
        squared(shifted(inputs), inputs).backward()
        return [m.weight.grad.clone() for m in shifted.modules() if isinstance(m, KINDS)]

    first, step = gradients(copy.deepcopy(network)), 1e-4
    sides = []
    for sign in (1, -1):
        shifted = copy.deepcopy(network)
        for module, g in zip((m for m in shifted.modules() if isinstance(m, KINDS)), first):
            module.weight.data += sign * step * g
        sides.append(gradients(shifted))
    weights = [m.weight.detach() for m in network.modules() if isinstance(m, KINDS)]
    expected = sum(float(-(w * (a - b) / (2 * step)).sum()) for w, a, b in zip(weights, *sides))
    assert PROXIES["grasp"](look_at(network, inputs)) == pytest.approx(expected, rel=1e-5)


def test_grasp_of_a_quadratic_in_closed_form():
    """For L = mean (w x)^2, g = 2 m w and H = 2 m with m = mean x^2, so the score is -4 m^2 w^2."""
    network = seeded_(nn.Conv2d(1, 1, 1, bias=False)).double()
    inputs = images(4, shape=(1, 3, 3)).double()
    passes = Passes(network, Batch(inputs), lambda y, x: y.square().mean(), torch.Generator().manual_seed(0))
    moment, weight = float(inputs.square().mean()), network.weight.item()
    assert PROXIES["grasp"](passes) == pytest.approx(-4 * moment**2 * weight**2, rel=1e-9)


def chain(widths: tuple[int, ...], norms: bool) -> nn.Module:
    modules: list[nn.Module] = []
    for inputs, outputs in zip(widths, widths[1:]):
        modules += [nn.Conv2d(inputs, outputs, 1, bias=False), *([nn.BatchNorm2d(outputs)] * norms), nn.ReLU()]
    return seeded_(nn.Sequential(*modules, nn.Tanh()))


@pytest.mark.parametrize("norms", [False, True])
def test_synflow_of_a_chain_in_closed_form(norms):
    """Without biases the output is homogeneous in each layer, so every layer contributes the output itself."""
    network = chain((3, 5, 4, 2), norms)
    product = np.ones(3)
    for module in network:
        if isinstance(module, nn.Conv2d):
            product = np.abs(module.weight.detach().double().numpy()[:, :, 0, 0]) @ product
    output = 64 * product.sum()  # 8 x 8 positions
    passes = look_at(network)
    assert PROXIES["synflow"](passes) == pytest.approx(np.log(3 * output), rel=1e-9)
    assert [float(x) for x in layers.layer_synflow(passes)] == pytest.approx([output] * 3, rel=1e-9)


def test_synflow_shifts_by_the_log_of_a_scale():
    one, two = chain((3, 5, 2), True), chain((3, 5, 2), True)
    two[0].weight.data *= -7
    difference = PROXIES["synflow"](look_at(two)) - PROXIES["synflow"](look_at(one))
    assert difference == pytest.approx(np.log(7), rel=1e-6)


def test_synflow_of_a_shared_module_counts_its_weight_once():
    passes = look_at(seeded_(Shared()))
    entries = layers.layer_synflow(passes)
    assert [e is None for e in entries] == [False, True, False]
    assert PROXIES["synflow"](passes) == pytest.approx(float(torch.log(entries[0] + entries[2])), rel=1e-12)


def test_logsynflow_of_two_layers_in_closed_form():
    network = chain((3, 4, 2), False)
    first, second = (np.abs(network[i].weight.detach().double().numpy()[:, :, 0, 0]) for i in (0, 2))
    gradient_first = 64 * np.outer(second.sum(0), np.ones(3))
    gradient_second = 64 * np.outer(np.ones(2), first.sum(1))
    expected = (first * np.log1p(gradient_first)).sum() + (second * np.log1p(gradient_second)).sum()
    assert PROXIES["logsynflow"](look_at(network)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("make, shape", MAKERS[:3])
def test_zico_with_numpy_statistics_of_two_halves(make, shape):
    network, inputs = make(), images(6, shape=shape)
    halves = [pairs_of(network, part) for part in (inputs[:3], inputs[3:])]
    expected = 0.0
    for (_, one), (_, two) in zip(*halves):
        stacked = np.stack([one, two])
        deviation, mean = stacked.std(0), np.abs(stacked).mean(0)
        if (deviation > 0).any():
            expected += np.log((mean[deviation > 0] / deviation[deviation > 0]).sum())
    assert PROXIES["zico"](look_at(network, inputs)) == pytest.approx(expected, rel=1e-2)  # ratios amplify rounding


def test_zico_in_double_precision_is_exact():
    network, inputs = with_norms().double(), images(6).double()
    halves = [pairs_of(network, part) for part in (inputs[:3], inputs[3:])]
    expected = 0.0
    for (_, one), (_, two) in zip(*halves):
        stacked = np.stack([one, two])
        deviation, mean = stacked.std(0), np.abs(stacked).mean(0)
        expected += np.log((mean[deviation > 0] / deviation[deviation > 0]).sum())
    assert PROXIES["zico"](look_at(network, inputs)) == pytest.approx(expected, rel=1e-7)


def frozen_norms(network: nn.Module, inputs: torch.Tensor) -> nn.Module:
    """The same network with every norm replaced by a 1 x 1 convolution that normalises with the batch's statistics."""
    network, value = copy.deepcopy(network), inputs
    flat = [m for m in network.modules() if not list(m.children())]
    modules: list[nn.Module] = []
    for module in flat:
        following = module(value.clone())
        if isinstance(module, nn.BatchNorm2d):
            count = value.numel() / value.shape[1]
            mean, variance = value.mean((0, 2, 3)), value.var((0, 2, 3), correction=0) * count / (count - 1)
            scale = (variance + module.eps).rsqrt()
            affine = nn.Conv2d(len(mean), len(mean), 1)
            affine.weight.data = torch.diag(scale)[:, :, None, None].detach()
            affine.bias.data = (-mean * scale).detach()
            module = affine
        modules.append(module)
        value = following
    return nn.Sequential(*modules)


@pytest.mark.parametrize("make", [without_norms, with_norms])
def test_gradsign_with_one_backward_per_sample(make):
    inputs = images(11).double()
    network = make().double()
    fixed = frozen_norms(network, inputs)
    layers_of = [m for m in fixed if isinstance(m, KINDS)]
    counted = [m for m in layers_of if not (make is with_norms and m.kernel_size == (1, 1))]
    signs = [0 for _ in counted]
    for sample in inputs[:8]:
        fixed.zero_grad()
        squared(fixed(sample[None]), sample[None]).backward()
        signs = [s + m.weight.grad.sign().numpy() for s, m in zip(signs, counted)]
    expected = sum(np.abs(s).sum() for s in signs)
    assert PROXIES["gradsign"](look_at(network, inputs)) == pytest.approx(expected)


def test_ntk_of_a_linear_network_in_closed_form():
    """For y = W x the kernel is outputs * X X^T."""
    inputs = images(10, shape=(16,)).double()
    network = seeded_(nn.Linear(16, 3)).double()
    expected = np.linalg.cond(inputs[:8].numpy() @ inputs[:8].numpy().T)
    assert PROXIES["ntk"](look_at(network, inputs)) == pytest.approx(expected, rel=1e-9)


def test_ntk_with_one_backward_per_sample():
    network, inputs = without_norms(), images(10)
    rows = []
    for sample in inputs[:8]:
        network.zero_grad()
        network(sample[None]).sum().backward()
        rows.append(np.concatenate([m.weight.grad.numpy().ravel() for m in network if isinstance(m, KINDS)]))
    eigenvalues = np.linalg.eigvalsh(np.stack(rows).astype(float) @ np.stack(rows).astype(float).T)
    network.zero_grad()
    assert PROXIES["ntk"](look_at(without_norms(), inputs)) == pytest.approx(eigenvalues[-1] / eigenvalues[0], rel=1e-3)
