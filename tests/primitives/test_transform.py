"""Element-wise transforms and normalisations against closed forms, and their protected corners."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpproxy.primitives import PRIMITIVES
from gpproxy.primitives.numerics import TINY

NUMBERS = st.floats(-(2.0**60), 2.0**60, allow_nan=False, width=32)


def f(name: str):  # type: ignore[no-untyped-def]
    return PRIMITIVES[name].function


def one(name: str, *values: float, dtype: torch.dtype = torch.float64) -> float:
    return float(f(name)(*(torch.tensor([v], dtype=dtype) for v in values)))


@settings(max_examples=60, deadline=None)
@given(NUMBERS, NUMBERS)
def test_quotient(a: float, b: float) -> None:
    expected = 0.0 if abs(b) <= TINY else a / b
    assert math.isclose(one("div", a, b), expected, rel_tol=1e-12, abs_tol=1e-300)
    assert abs(one("div", a, b, dtype=torch.float32)) <= 1.0001e36


@settings(max_examples=60, deadline=None)
@given(NUMBERS)
def test_protected_functions(x: float) -> None:
    assert math.isclose(one("log", x), math.log(max(abs(x), TINY)), rel_tol=1e-12)
    assert math.isclose(one("signed_log", x), math.copysign(math.log1p(abs(x)), x), rel_tol=1e-12)
    assert math.isclose(one("sqrt", x), math.sqrt(abs(x)), rel_tol=1e-12)
    assert math.isclose(one("reciprocal", x), 0.0 if abs(x) <= TINY else 1 / x, rel_tol=1e-12)
    assert math.isfinite(one("exp", x)) and math.isfinite(one("square", x, dtype=torch.float32))
    assert one("above_zero", x) == (x > 0) and one("relu", x) == max(x, 0)


def test_saturation() -> None:
    assert one("exp", 1e9, dtype=torch.float32) == pytest.approx(1e36, rel=1e-4)
    assert one("mul", 1e30, -1e30, dtype=torch.float32) == pytest.approx(-1e36)
    assert (
        math.isnan(one("div", math.nan, 2)) and math.isnan(one("div", 2, math.nan)) and math.isnan(one("log", math.nan))
    )


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(3, 6, 5, 4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


AXES = {"samples": 1, "channels": 2, "space": (3, 4)}


@pytest.mark.parametrize("name", AXES)
def test_along_an_axis(name: str, x: torch.Tensor) -> None:
    axis, a = AXES[name], x.numpy()
    e = np.exp(a)
    for operation, expected in {
        "softmax": e / e.sum(axis, keepdims=True),
        "unit": a / np.sqrt((a**2).sum(axis, keepdims=True)),
        "centre": a - a.mean(axis, keepdims=True),
        "mean": a.mean(axis, keepdims=True),
        "max": a.max(axis, keepdims=True),
        "std": a.std(axis, keepdims=True),
    }.items():
        np.testing.assert_allclose(f(f"{operation}_{name}")(x), expected, rtol=1e-10, atol=1e-12)
    spread = a.std(axis).reshape(3, -1).mean(1)
    np.testing.assert_allclose(f(f"spread_{name}")(x), spread, rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "axes"), [("per_channel", (1, 3, 4)), ("per_sample", (2, 3, 4)), ("space", (3, 4)), ("", (1, 2, 3, 4))]
)
def test_standardise(name: str, axes: tuple[int, ...], x: torch.Tensor) -> None:
    a = 1e5 + 3 * x.numpy()
    expected = (a - a.mean(axes, keepdims=True)) / a.std(axes, keepdims=True)
    result = f("standardise" + ("_" if name else "") + name)(torch.from_numpy(a))
    np.testing.assert_allclose(result, expected, rtol=1e-8, atol=1e-8)


def test_batch_norm(x: torch.Tensor) -> None:
    expected = torch.nn.BatchNorm2d(5, eps=1e-15, affine=False).double()(x[0])
    torch.testing.assert_close(f("standardise_per_channel")(x)[0], expected)


def test_codes(x: torch.Tensor) -> None:
    flat = x.flatten(1)
    above_mean = (flat > flat.mean(1, keepdim=True)).double().view_as(x)
    above_median = (flat > flat.median(1, keepdim=True).values).double().view_as(x)
    assert torch.equal(f("above_mean")(x), above_mean) and torch.equal(f("above_median")(x), above_median)
    assert torch.equal(f("greater")(x, -x), (x > 0).double())
    assert torch.equal(f("same_sign")(x, -x), torch.zeros_like(x))


def test_a_constant_stays_one_whatever_the_rounding() -> None:
    for value in (0.1, 3.3, 1e18, 1e-18, -7.7):
        x = torch.full((2, 7, 3, 5, 3), value)
        for name in ("standardise", "standardise_per_channel", "standardise_space", "centre_samples", "above_mean"):
            assert not f(name)(x).any(), (name, value)
        for name in ("std", "skewness", "spread_space"):
            assert not f(name)(x).any(), (name, value)
        assert not f("correlation_samples")(x).any() and not f("covariance_channels")(x).any()


def test_maps(x: torch.Tensor) -> None:
    pool = torch.nn.functional
    torch.testing.assert_close(f("max_pool2")(x)[1], pool.max_pool2d(x[1], 2))
    torch.testing.assert_close(f("mean_pool2")(x)[1], pool.avg_pool2d(x[1], 2))
    one_pixel = x[..., :1, :1]
    assert torch.equal(f("max_pool4")(one_pixel), one_pixel) and torch.equal(f("mean_pool4")(one_pixel), one_pixel)
    strength = x.abs().mean(2, keepdim=True) / 0.5
    space = strength.exp() / strength.exp().sum((3, 4), keepdim=True) * 8
    torch.testing.assert_close(f("attention_space")(x), space)
    torch.testing.assert_close(f("attention_samples")(x), (x / 0.5).softmax(1) * 6)
    down, right = x.diff(dim=3).abs(), x.diff(dim=4).abs()
    torch.testing.assert_close(f("total_variation")(x), down.mean((1, 2, 3, 4)) + right.mean((1, 2, 3, 4)))
    torch.testing.assert_close(f("edges")(x)[..., :-1, :-1], torch.hypot(down[..., :-1], right[..., :-1, :]))
    torch.testing.assert_close(f("mix_samples")(x)[:, 1], (x[:, 0] + x[:, 1]) / 2)
