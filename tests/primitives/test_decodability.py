"""Ridge decodability against a plain NumPy ridge regression, planted signals and noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gpproxy.primitives import PRIMITIVES


def decodability(features: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return PRIMITIVES["decodability"].function(features, target)


def randn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def plain_ridge(features: np.ndarray, target: np.ndarray) -> float:
    """One layer, `sample x channel x height x width`."""
    fit = round(2 * len(features) / 3)
    rows = [a.transpose(0, 2, 3, 1) for a in (features, target)]
    (x, x_test), (y, y_test) = [(a[:fit].reshape(-1, a.shape[3]), a[fit:].reshape(-1, a.shape[3])) for a in rows]
    x, x_test = (x - x.mean(0)) / x.std(0), (x_test - x.mean(0)) / x.std(0)
    y, y_test = (y - y.mean(0)) / y.std(0), (y_test - y.mean(0)) / y.std(0)
    best = -np.inf
    for penalty in (1, 10, 100, 1000):
        slopes = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1])) @ x.T @ y
        r2 = 1 - ((y_test - x_test @ slopes) ** 2).sum() / ((y_test - y_test.mean(0)) ** 2).sum()
        best = max(best, r2)
    return best


def test_against_a_plain_ridge_regression() -> None:
    target = randn(3, 12, 3, 4, 4, seed=0)
    features = randn(3, 12, 7, 4, 4, seed=1) + 0.5 * target.mean(2, keepdim=True) + 4
    expected = [plain_ridge(a.double().numpy(), b.double().numpy()) for a, b in zip(features, target, strict=True)]
    np.testing.assert_allclose(decodability(features, target), expected, rtol=1e-4)
    np.testing.assert_allclose(decodability(1e18 * features, 1e-18 * target), expected, rtol=1e-3)


def test_planted_and_noise() -> None:
    target = randn(2, 16, 3, 4, 4, seed=0)
    mixed = torch.einsum("knchw,cd->kndhw", target, randn(3, 16, seed=2))
    assert (decodability(mixed, target) > 0.99).all()
    assert (decodability(randn(2, 16, 8, 4, 4, seed=5), target) < 0.1).all()
    assert decodability(torch.ones(2, 16, 8, 4, 4), target).abs().max() < 0.1
    assert not decodability(mixed, torch.full_like(target, 3.3)).any()
    assert not decodability(mixed[:, :1], target[:, :1]).any()


def test_target_is_averaged_to_the_grid_of_the_features() -> None:
    target = randn(2, 9, 3, 8, 8, seed=0)
    features = torch.nn.functional.avg_pool2d(target.flatten(1, 2), 2).unflatten(1, (9, 3))
    assert (decodability(features, target) > 0.99).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_range_and_dtype(dtype: torch.dtype) -> None:
    features, target = randn(2, 3, 40, 1, 1, seed=1).to(dtype), randn(2, 3, 2, 1, 1, seed=2).to(dtype)
    result = decodability(features, target)
    assert result.dtype == dtype and (result.abs() <= 1).all()
