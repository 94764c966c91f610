"""The Frechet distance: closed forms, SciPy, few samples, its error against repeated draws."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from gpproxy.errors import QualityError
from gpproxy.quality.frechet import Moments, frechet, frechet_error, moments


def draw(count: int, dimensions: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(dimensions, dimensions, generator=generator, dtype=torch.float64) / dimensions**0.5
    x = torch.randn(count, dimensions, generator=generator, dtype=torch.float64) @ mixing
    return (x * scale + shift).float()


def by_scipy(a: Moments, b: Moments) -> float:
    root = torch.from_numpy(sqrtm((a.covariance @ b.covariance).numpy()).real)
    trace = (a.covariance + b.covariance - 2 * root).trace()
    return float((a.mean - b.mean).square().sum() + trace)


@given(st.lists(st.tuples(*[st.floats(0.0, 4.0)] * 2, st.floats(-3.0, 3.0)), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_diagonal_gaussians_have_a_closed_form(axes: list[tuple[float, float, float]]) -> None:
    first, second, mean = (torch.tensor(column, dtype=torch.float64) for column in zip(*axes))
    a = Moments(mean, torch.diag(first**2), 100)
    b = Moments(torch.zeros_like(mean), torch.diag(second**2), 100)
    expected = float((mean**2).sum() + ((first - second) ** 2).sum())
    assert frechet(a, b) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(("count", "dimensions"), [(400, 16), (40, 64)])
def test_it_agrees_with_scipy_with_more_and_with_fewer_samples_than_dimensions(count: int, dimensions: int) -> None:
    a, b = moments(draw(count, dimensions, 1)), moments(draw(count + 7, dimensions, 2, 1.3, 0.1))
    assert frechet(a, b) == pytest.approx(by_scipy(a, b), rel=1e-5)


def test_equal_sets_have_distance_zero_and_order_does_not_matter() -> None:
    x, y = draw(300, 32, 3), draw(200, 32, 4)
    assert frechet(moments(x), moments(x.clone())) == 0
    assert frechet(moments(x), moments(x.flip(0))) == pytest.approx(0, abs=1e-8)
    assert frechet(moments(x), moments(y)) == pytest.approx(frechet(moments(y), moments(x)), rel=1e-9)


def test_scaling_features_scales_the_distance_with_the_square() -> None:
    x, y = draw(300, 8, 3), draw(300, 8, 4, 1.5)
    assert frechet(moments(3 * x), moments(3 * y)) == pytest.approx(9 * frechet(moments(x), moments(y)), rel=1e-5)


def test_moments_are_those_of_the_sample() -> None:
    x = draw(50, 4, 5)
    found = moments(x)
    assert torch.allclose(found.covariance, torch.cov(x.double().T)) and found.count == 50
    assert torch.allclose(found.mean, x.double().mean(dim=0))


@pytest.mark.parametrize("shift", [0.3, 1.0])
def test_the_error_is_the_deviation_over_repeated_draws(shift: float) -> None:
    reference = moments(draw(5000, 6, 9))
    pool = draw(60_000, 6, 9, 1.4, shift)[torch.randperm(60_000, generator=torch.Generator().manual_seed(0))]
    parts = pool.split(500)
    found = torch.tensor([frechet(moments(part), reference) for part in parts])
    errors = torch.tensor([frechet_error(part, reference) for part in parts])
    assert float(errors.mean()) == pytest.approx(float(found.std()), rel=0.25)


def test_the_error_is_finite_with_fewer_samples_than_dimensions() -> None:
    error = frechet_error(draw(40, 64, 1), moments(draw(400, 64, 2)))
    assert math.isfinite(error) and error > 0


def test_features_that_cannot_be_compared_are_refused() -> None:
    x = draw(10, 4, 1)
    with pytest.raises(QualityError, match="at least 2 samples"):
        moments(x[:1])
    with pytest.raises(QualityError, match="have to be finite"):
        moments(torch.full((5, 4), float("nan")))
    with pytest.raises(QualityError, match="4 and of 3 dimensions"):
        frechet(moments(x), moments(x[:, :3]))
