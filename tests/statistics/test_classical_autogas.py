"""The stored Auto-GAS programs against a literal replay: hooks that pile up over three calls, the NumPy branch."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.classical.autogas import abslog, finish, hamming, l1_norm, log, no_op, slogdet, spectral, square
from tests.statistics.tiny import images, look_at, mlp, seeded_, with_norms, without_norms

MASKS = torch.Generator()


def masked(x: torch.Tensor) -> torch.Tensor:
    if x.ndim < 4:
        return x
    return torch.where(torch.rand(len(x), 1, x.shape[2], x.shape[3], generator=MASKS) <= 0.65, torch.zeros(()), x)


def softmax(x: torch.Tensor) -> torch.Tensor:
    return x if x.ndim < 3 else torch.softmax(x.reshape(x.shape[0], x.shape[1], -1), 2)


def median(x: torch.Tensor) -> torch.Tensor:
    return x > x.flatten().sort().values[(x.numel() - 1) // 2]


def zero_log(x: np.ndarray) -> np.ndarray:
    return np.array([[math.log(v) if v > 0 else 0.0 for v in row] for row in x])


def zero_abslog(x: np.ndarray) -> np.ndarray:
    return np.array([[math.log(abs(v)) if v else 0.0 for v in row] for row in x])


REPLAYS = {
    "autogas_proxy1": (masked, lambda x: x > x.mean(), lambda k: np.linalg.svd(k)[1][0]),
    "autogas_proxy2": (lambda x: x, median, lambda k: np.log(abs(np.linalg.det(k)))),
    "autogas_proxy3": (
        softmax, lambda x: x > 0,
        lambda k: np.mean((m := zero_abslog(zero_log(k))) @ m.T + (1 - m) @ (1 - m).T),
    ),
    "autogas_proxy4": (lambda x: x * torch.sigmoid(x), median, lambda k: np.linalg.svd(zero_abslog(k**2))[1][0]),
    "autogas_proxy5": (lambda x: x, lambda x: x > 0, lambda k: np.log(abs(np.linalg.det(k)))),
}  # fmt: skip


def replay(network: nn.Module, inputs: torch.Tensor, name: str) -> float:
    """Three calls; every call adds a hook to each rectifier and removes none."""
    transform, binarise, score = REPLAYS[name]
    network, kernel, scores = copy.deepcopy(network), np.zeros((len(inputs), len(inputs))), []

    def hook(module, given, output):
        nonlocal kernel
        x = binarise(transform(given[0].clone()).reshape(len(inputs), -1)).float()
        kernel = kernel + (x @ x.T).numpy() + ((1 - x) @ (1 - x).T).numpy()

    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    for _ in range(3):
        for module in network.modules():
            if isinstance(module, (nn.ReLU, nn.LeakyReLU)):
                module.register_forward_hook(hook)
        kernel = np.zeros_like(kernel)
        with torch.no_grad():
            network(inputs)
        scores.append(score(kernel))
    return float(np.mean(scores))


@pytest.mark.parametrize("make, shape", [(with_norms, (3, 8, 8)), (without_norms, (3, 8, 8)), (mlp, (5,))])
@pytest.mark.parametrize("name", REPLAYS)
def test_programs_equal_a_literal_replay(name, make, shape):
    network, inputs = make(), images(shape=shape)
    MASKS.manual_seed(3)
    assert PROXIES[name](look_at(network, inputs)) == pytest.approx(replay(network, inputs, name), rel=1e-6)


def test_the_last_program_is_naswot_with_a_constant():
    """log det (s K) = log det K + B log s, averaged over s = 1, 2, 3."""
    passes = look_at(with_norms())
    shift = len(passes.inputs) * math.log(6) / 3
    assert PROXIES["autogas_proxy5"](passes) == pytest.approx(PROXIES["nwot"](passes) + shift, rel=1e-9)


@pytest.mark.parametrize("make", [with_norms, without_norms])
def test_integration_counts_positive_correlations(make):
    network, inputs = make(), images()
    outputs: list[np.ndarray] = []
    copied = copy.deepcopy(network)
    for module in copied.modules():
        if isinstance(module, (nn.ReLU, nn.LeakyReLU)):
            module.register_forward_hook(lambda m, g, output: outputs.append(output.detach().flatten(1).numpy().copy()))
    copied(inputs)
    expected = (np.corrcoef(outputs[0]) > 0).sum()
    assert PROXIES["autogas_integration"](look_at(network, inputs)) == expected


def test_integration_sees_the_stem_only():
    """Two generators that differ behind their first rectifier get the same score."""
    one, two = with_norms(), with_norms()
    seeded_(two[1:], seed=8)
    assert PROXIES["autogas_integration"](look_at(one)) == PROXIES["autogas_integration"](look_at(two))


def test_operations_as_in_the_numpy_branch():
    x = np.array([[3.0, 0.0], [0.0, -2.0]])
    assert spectral(x) == pytest.approx(3)
    assert l1_norm(x) == pytest.approx(1.25)
    assert slogdet(x) == pytest.approx(math.log(6))
    assert log(x).tolist() == [[pytest.approx(math.log(3)), 0], [0, 0]]
    assert abslog(x).tolist() == [[pytest.approx(math.log(3)), 0], [0, pytest.approx(math.log(2))]]
    assert square(x).tolist() == [[9, 0], [0, 4]]
    assert hamming(x).tolist() == (x @ x.T + (1 - x) @ (1 - x).T).tolist()
    assert no_op(x) is x


def test_operations_after_a_number_are_dead_and_an_array_is_averaged():
    x = np.array([[4.0, 1.0], [1.0, 4.0]])
    assert finish(x, (spectral, l1_norm, np.trace)) == finish(x, (spectral,)) == pytest.approx(5)
    assert finish(x, ()) == 2.5
