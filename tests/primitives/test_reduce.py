"""Reductions against SciPy, vectors against loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from gpproxy.primitives import PRIMITIVES


def f(name: str):  # type: ignore[no-untyped-def]
    return PRIMITIVES[name].function


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(3, 6, 5, 4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 0.3


NUMPY = {
    "sum": np.sum,
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
    "std": np.std,
    "norm": np.linalg.norm,
    "norm1": lambda a: np.abs(a).sum(),
    "mean_abs": lambda a: np.abs(a).mean(),
    "rms": lambda a: np.sqrt((a**2).mean()),
    "median": lambda a: np.sort(a)[(len(a) - 1) // 2],
    "entropy": lambda a: stats.entropy(np.abs(a)),
    "skewness": stats.skew,
    "kurtosis": stats.kurtosis,
    "positive_share": lambda a: (a > 0).mean(),
    "size": len,
    "dynamic_range": lambda a: np.log(np.abs(a).max() / np.abs(a).mean()),
}


@pytest.mark.parametrize("name", NUMPY)
def test_reduction(name: str, x: torch.Tensor) -> None:
    expected = [NUMPY[name](item.flatten().numpy()) for item in x]
    np.testing.assert_allclose(f(name)(x), expected, rtol=1e-10)
    np.testing.assert_allclose(f(name)(x.float()), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["mean", "std", "max", "norm"])
def test_vectors(name: str, x: torch.Tensor) -> None:
    channels, samples = f(f"{name}_per_channel")(x), f(f"{name}_per_sample")(x)
    for i in range(3):
        expected = [NUMPY[name](x[i, :, c].flatten().numpy()) for c in range(5)]
        np.testing.assert_allclose(channels[i], expected, rtol=1e-10)
        expected = [NUMPY[name](x[i, n].flatten().numpy()) for n in range(6)]
        np.testing.assert_allclose(samples[i], expected, rtol=1e-10)
    weight = x.flatten(1, 2).flatten(2)
    expected = [NUMPY[name](row.numpy()) for row in weight[1]]
    np.testing.assert_allclose(f(f"{name}_per_channel")(weight)[1], expected, rtol=1e-10)


def test_huge_values_are_summed_exactly_enough() -> None:
    x = torch.full((2, 4, 4, 16, 16), 1e18)
    assert f("norm")(x).tolist() == pytest.approx([64e18] * 2, rel=1e-5)
    assert f("sum")(x).tolist() == pytest.approx([4096e18] * 2, rel=1e-5)
    tiny = torch.full((1, 100), 1e-18)
    assert f("norm")(tiny).tolist() == pytest.approx([1e-17], rel=1e-5)


def test_distinct_patterns() -> None:
    x = torch.tensor([[1.0, 1, -1, -1], [1, 2, -3, 3], [-1, -1, 5, 5]]).view(1, 3, 4, 1, 1)
    assert f("distinct_patterns")(x).tolist() == [3]
    assert f("distinct_patterns")(-torch.ones(2, 3, 4, 2, 2)).tolist() == [1, 1]
    many = torch.randn(1, 62, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    expected = len({tuple(column) for column in (many[0] > 0).flatten(1).T.tolist()})
    assert f("distinct_patterns")(many).tolist() == [expected]
