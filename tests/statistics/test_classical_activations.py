"""Proxies of activations, inputs and Gaussian passes against loops and NumPy."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.classical.activations import hamming_kernel, layer_expressivity
from gpproxy.statistics.passes import Passes
from tests.statistics.tiny import images, look_at, mlp, seeded_, with_norms, without_norms

RECTIFIERS = (nn.ReLU, nn.LeakyReLU)


def rectifier_inputs(network: nn.Module, inputs: torch.Tensor) -> list[np.ndarray]:
    """Inputs of the rectifiers, `sample x value`, from hooks on a copy."""
    network, seen = copy.deepcopy(network), []
    for module in network.modules():
        if isinstance(module, RECTIFIERS):
            module.register_forward_pre_hook(lambda m, given: seen.append(given[0].detach().flatten(1).numpy().copy()))
    network(inputs)
    return seen


def test_hamming_kernel_counts_equal_bits():
    codes = images(5, shape=(3, 4)) > 0
    flat = codes.flatten(1).tolist()
    expected = [[sum(a == b for a, b in zip(one, two)) for two in flat] for one in flat]
    assert hamming_kernel(codes).tolist() == expected


@pytest.mark.parametrize("make, shape", [(with_norms, (3, 8, 8)), (without_norms, (3, 8, 8)), (mlp, (5,))])
def test_nwot_by_the_published_kernel(make, shape):
    network, inputs = make(), images(shape=shape)
    kernel = np.zeros((6, 6))
    for z in rectifier_inputs(network, inputs):
        x = (z > 0).astype(float)
        kernel += x @ x.T + (1 - x) @ (1 - x).T
    assert PROXIES["nwot"](look_at(network, inputs)) == pytest.approx(np.linalg.slogdet(kernel)[1], rel=1e-9)


@pytest.mark.parametrize("count", [6, 40, 70])
def test_swap_counts_the_set_of_patterns(count, monkeypatch):
    monkeypatch.setattr(Passes, "NARROW", count)
    network, inputs = with_norms(), images(count)
    patterns = {tuple(column > 0) for z in rectifier_inputs(network, inputs) for column in z.T}
    assert PROXIES["swap"](look_at(network, inputs)) == len(patterns)


def test_meco_with_every_module_and_the_general_eigenvalues():
    network = with_norms()
    x = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    copied, values = copy.deepcopy(network), []

    def after(module, given, output):
        features = output[0].detach().flatten(1).double().numpy()
        with np.errstate(all="ignore"):
            correlation = np.atleast_2d(np.corrcoef(features))
        values.append(np.linalg.eigvals(np.nan_to_num(correlation)).real.min())

    for module in copied.modules():
        module.register_forward_hook(after)
    copied(x)
    assert len(values) == len(list(network.modules()))
    assert PROXIES["meco"](look_at(network)) == pytest.approx(sum(values), abs=1e-6)


def test_meco_is_zero_where_channels_outnumber_positions():
    network = seeded_(nn.Sequential(nn.Conv2d(3, 20, 3, 2, 1), nn.ReLU()))
    assert PROXIES["meco"](look_at(network)) == 0  # 20 channels on 4 x 4 positions


def test_expressivity_by_singular_values():
    passes = look_at(with_norms())
    entropies = []
    for layer in passes.noise.layers:
        rows = layer.activation.permute(0, 2, 3, 1).reshape(-1, layer.activation.shape[1]).double().numpy()
        share = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
        share = share / share.sum()
        entropies.append(-(share * np.log(share + 1e-8)).sum())
    assert [float(e) for e in layer_expressivity(passes)] == pytest.approx(entropies, rel=1e-5)
    assert PROXIES["az_expressivity"](passes) == pytest.approx(sum(entropies), rel=1e-5)
    assert PROXIES["az_progressivity"](passes) == pytest.approx(min(np.diff(entropies)), rel=1e-4)


def test_expressivity_with_more_channels_than_rows_and_without_positions():
    network = seeded_(nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 3)))
    passes = look_at(network, images(4, shape=(5,)))
    rows = passes.noise.layers[0].activation.double().numpy()
    share = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
    share = share / share.sum()
    assert float(layer_expressivity(passes)[0]) == pytest.approx(-(share * np.log(share + 1e-8)).sum(), rel=1e-5)


def test_expressivity_is_highest_for_even_variances():
    passes = look_at(seeded_(nn.Linear(4, 4)), images(64, shape=(4,)))
    assert float(layer_expressivity(passes)[0]) < math.log(4)
    columns = images(1, shape=(64, 4))[0].double()
    passes.noise.layers[0].activation = torch.linalg.qr(columns - columns.mean(0))[0]
    assert float(layer_expressivity(passes)[0]) == pytest.approx(math.log(4), abs=1e-6)


@pytest.mark.parametrize("make, shape", [(with_norms, (3, 8, 8)), (mlp, (5,))])
def test_jacov_by_numpy(make, shape):
    network, inputs = make(), images(shape=shape).requires_grad_()
    value = PROXIES["jacov"](look_at(network, inputs.detach()))
    output = copy.deepcopy(network)(inputs)
    output.backward(torch.ones_like(output))
    eigenvalues = np.linalg.eigvals(np.corrcoef(inputs.grad.flatten(1).double().numpy())).real + 1e-5
    expected = -(np.log(eigenvalues) + 1 / eigenvalues).sum()
    assert value == pytest.approx(expected, rel=1e-4)


def test_jacov_of_uncorrelated_gradients_is_minus_the_batch():
    """Every eigenvalue is 1 at best, which scores -1."""
    passes = look_at(with_norms())
    assert PROXIES["jacov"](passes) < -6
    columns = images(1, shape=(40, 7))[0].double()
    passes.input_gradient = torch.linalg.qr(columns - columns.mean(0))[0].T  # orthonormal rows of mean zero
    assert PROXIES["jacov"](passes) == pytest.approx(-7, abs=1e-6)


def test_zen_step_by_step():
    network = with_norms()
    generator = torch.Generator().manual_seed(1)
    shapes = [(4, 3, 3, 3), (5, 4, 3, 3), (5, 6, 3, 3), (3, 6, 3, 3)]
    first, second, third, _ = (torch.randn(shape, generator=generator) for shape in shapes)
    x = torch.randn(6, 3, 8, 8, generator=generator)
    noisy = x + 0.01 * torch.randn(6, 3, 8, 8, generator=generator)
    running = [torch.ones(4), torch.ones(5), torch.ones(6)]
    features = []
    for batch in (x, noisy):
        maps = batch
        for i, operation in enumerate(
            (
                lambda y: F.conv2d(y, first, stride=2, padding=1),
                lambda y: F.conv2d(y, second, padding=1),
                lambda y: F.conv_transpose2d(y, third, stride=2, padding=1, output_padding=1),
            )
        ):
            maps = operation(maps)
            mean, variance = maps.mean((0, 2, 3)), maps.var((0, 2, 3), correction=0)
            running[i] = 0.9 * running[i] + 0.1 * maps.var((0, 2, 3), correction=1)
            maps = (maps - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
            maps = F.leaky_relu(maps, 0.2) if i == 1 else F.relu(maps)
        features.append(maps)
    distances = [float((a - b).abs().sum()) for a, b in zip(*features)]
    expected = math.log(np.mean(distances)) + sum(0.5 * math.log(float(v.mean())) for v in running)
    assert PROXIES["zen"](look_at(network)) == pytest.approx(expected, rel=1e-4)


def test_zen_does_not_see_the_weights():
    assert PROXIES["zen"](look_at(with_norms(0))) == PROXIES["zen"](look_at(with_norms(1), images(seed=3)))
