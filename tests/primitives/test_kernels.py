"""Kernels and spectra against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import entropy as shannon

from gpproxy.primitives import PRIMITIVES


def f(name: str):  # type: ignore[no-untyped-def]
    return PRIMITIVES[name].function


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(3, 6, 5, 4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def rows(x: torch.Tensor, axis: str) -> np.ndarray:
    one = x[1] if axis == "samples" else x[1].transpose(0, 1)
    return one.reshape(one.shape[0], -1).numpy()


@pytest.mark.parametrize("axis", ["samples", "channels"])
def test_kernels(x: torch.Tensor, axis: str) -> None:
    r = rows(x, axis)
    lengths = np.linalg.norm(r, axis=1)
    squared = cdist(r, r, "sqeuclidean")
    for name, expected in {
        "gram": r @ r.T,
        "cosine": r @ r.T / np.outer(lengths, lengths),
        "correlation": np.corrcoef(r),
        "covariance": np.cov(r, bias=True),
        "agreement": r @ r.T + (1 - r) @ (1 - r).T,
        "distance": cdist(r, r),
        "rbf": np.exp(-squared / squared.mean()),
    }.items():
        np.testing.assert_allclose(f(f"{name}_{axis}")(x)[1], expected, rtol=1e-9, atol=1e-9)


def test_agreement_counts_equal_entries_exactly(x: torch.Tensor) -> None:
    code = (x > 0).float()
    flat = code[2].flatten(1)
    expected = (flat.unsqueeze(0) == flat.unsqueeze(1)).sum(2)
    assert torch.equal(f("agreement_samples")(code)[2], expected.float())


def test_kernels_of_weights(x: torch.Tensor) -> None:
    weight = x.flatten(1, 2).flatten(2)[:, :5]
    np.testing.assert_allclose(f("correlation_channels")(weight)[0], np.corrcoef(weight[0].numpy()), rtol=1e-9)
    expected = np.linalg.svd(weight[0].numpy(), compute_uv=False)
    np.testing.assert_allclose(f("singular_values")(weight)[0], expected, rtol=1e-6)
    np.testing.assert_allclose(f("singular_values")(weight.mT)[0], expected, rtol=1e-6)


def test_spectra(x: torch.Tensor) -> None:
    kernel = f("gram_samples")(x)
    values = np.sort(np.linalg.eigvalsh(kernel[1].numpy()))[::-1].copy()
    p = values / values.sum()
    for name, expected in {
        "eigenvalues": values,
        "logdet": np.linalg.slogdet(kernel[1].numpy())[1],
        "log_condition": np.log(np.linalg.cond(kernel[1].numpy())),
        "spectral_entropy": shannon(p),
        "effective_rank": np.exp(shannon(p)),
        "participation_ratio": 1 / (p**2).sum(),
        "stable_rank": 1 / p[0],
        "trace": values.sum(),
    }.items():
        np.testing.assert_allclose(f(name)(kernel)[1], expected, rtol=1e-8)
    spectrum = f("eigenvalues")(kernel)
    for name in ("log_condition", "effective_rank", "participation_ratio", "stable_rank"):
        torch.testing.assert_close(f(name)(spectrum), f(name)(kernel))


@pytest.mark.parametrize("scale", [1e-18, 1.0, 1e18])
def test_singular_and_huge_kernels(x: torch.Tensor, scale: float) -> None:
    one = torch.ones(2, 4, 4) * scale
    assert f("logdet")(one).isfinite().all()
    torch.testing.assert_close(f("effective_rank")(one), torch.ones(2), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(f("log_condition")(one), torch.full((2,), np.log(1e6), dtype=torch.float32))
    identity = torch.eye(4).expand(2, 4, 4) * scale
    torch.testing.assert_close(
        f("logdet")(identity), torch.full((2,), 4 * np.log(scale), dtype=torch.float32), rtol=1e-4, atol=1e-4
    )


def test_broken_kernels_give_nan_and_no_exception() -> None:
    kernel = torch.eye(3).repeat(3, 1, 1)
    kernel[1] = torch.nan
    kernel[2, 0, 0] = torch.inf
    for name in ("eigenvalues", "logdet", "log_condition", "effective_rank"):
        result = f(name)(kernel)
        assert result[0].isfinite().all() and result[1:].isnan().all(), name


def test_centred_and_normalised_kernels(x: torch.Tensor) -> None:
    kernel = f("gram_samples")(x)
    h = np.eye(6) - 1 / 6
    np.testing.assert_allclose(f("centre")(kernel)[0], h @ kernel[0].numpy() @ h, atol=1e-9)
    torch.testing.assert_close(f("unit_diagonal")(kernel), f("cosine_samples")(x))
    torch.testing.assert_close(f("unit_diagonal")(f("covariance_samples")(x)), f("correlation_samples")(x))


def test_alignment(x: torch.Tensor) -> None:
    a, b = f("gram_samples")(x), f("gram_samples")(x[..., :1])
    h = np.eye(6) - 1 / 6
    ca, cb = h @ a[0].numpy() @ h, h @ b[0].numpy() @ h
    expected = (ca * cb).sum() / np.linalg.norm(ca) / np.linalg.norm(cb)
    np.testing.assert_allclose(f("alignment")(a, b)[0], expected, rtol=1e-9)
    torch.testing.assert_close(f("alignment")(a, 3 * a + 2), torch.ones(3, dtype=torch.float64))
    assert not f("alignment")(a, torch.ones_like(a)).any()


def test_products(x: torch.Tensor) -> None:
    y = x.flip(3) + 1
    a, b = rows(x, "samples"), rows(y, "samples")
    np.testing.assert_allclose(f("cross_gram_samples")(x, y)[1], (a @ b.T + b @ a.T) / 2, rtol=1e-9)
    k, m = f("gram_samples")(x), f("gram_samples")(y)
    torch.testing.assert_close(f("matmul")(k, m), (k @ m + m @ k) / 2)


def test_divergence(x: torch.Tensor) -> None:
    p, q = x.abs().flatten(1), x.flip(4).abs().flatten(1)
    expected = [shannon(p[i].numpy(), q[i].numpy()) for i in range(3)]
    np.testing.assert_allclose(f("kl_divergence")(x, x.flip(4)), expected, rtol=1e-6)
    assert f("kl_divergence")(x, x).abs().max() < 1e-9
