"""L1, PSNR and SSIM: closed forms, SciPy, invariances."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from gpproxy.errors import QualityError
from gpproxy.quality.fidelity import fidelity, l1, psnr, ssim, standard_error


def noise(seed, count=3, side=24):
    return torch.randint(
        0, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def smooth(seed, count=3, side=24):
    """Images with structure, so that SSIM is far from 0."""
    small = noise(seed, count, side // 4).float()
    return torch.nn.functional.interpolate(small, size=(side, side), mode="bilinear").round().to(torch.uint8)


def reference_ssim(a, b):
    """Wang et al., 2004, written with SciPy: one channel at a time, places without border."""
    a, b = a.numpy().astype(np.float64), b.numpy().astype(np.float64)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def mean(x):
        return gaussian_filter(x, 1.5, truncate=3.5, mode="constant")[5:-5, 5:-5]

    found = []
    for x, y in zip(a, b):
        ux, uy = mean(x), mean(y)
        vx, vy, vxy = mean(x * x) - ux**2, mean(y * y) - uy**2, mean(x * y) - ux * uy
        found.append(((2 * ux * uy + c1) * (2 * vxy + c2) / ((ux**2 + uy**2 + c1) * (vx + vy + c2))).mean())
    return np.mean(found)


def test_ssim_agrees_with_scipy():
    a = smooth(0, 4)
    for b in (noise(1, 4), smooth(2, 4), (a.float() * 0.7 + 20).to(torch.uint8), 255 - a):
        expected = [reference_ssim(x, y) for x, y in zip(a, b)]
        torch.testing.assert_close(ssim(a, b), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-10)


def test_equal_images():
    a = noise(0)
    found = fidelity(a, a)
    assert found.values["L1"] == 0 and found.values["SSIM"] == pytest.approx(1, abs=1e-12)
    assert math.isinf(found.values["PSNR"]) and math.isnan(found.errors["PSNR"])


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 255), second=st.integers(0, 255))
def test_closed_forms_of_plain_images(first, second):
    """Constant images: L1 and PSNR of one difference, SSIM its first factor, as both variances are 0."""
    a, b = (torch.full((1, 3, 12, 12), value, dtype=torch.uint8) for value in (first, second))
    difference = abs(first - second)
    assert float(l1(a, b)) == pytest.approx(difference / 255)
    expected = 20 * math.log10(255 / difference) if difference else math.inf
    assert float(psnr(a, b)) == pytest.approx(expected)
    c1 = (0.01 * 255) ** 2
    assert float(ssim(a, b)) == pytest.approx((2 * first * second + c1) / (first**2 + second**2 + c1), abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_measures_are_symmetric_and_bounded(seed):
    a, b = noise(seed), smooth(seed + 1)
    for measure, low, high in ((l1, 0, 1), (psnr, 0, 100), (ssim, -1, 1)):
        found = measure(a, b)
        torch.testing.assert_close(found, measure(b, a), rtol=0, atol=1e-12)
        assert found.ge(low).all() and found.le(high).all()


def test_values_are_per_image_and_batches_do_not_matter():
    a, b = smooth(3, 70, 12), noise(4, 70, 12)
    for measure in (l1, psnr, ssim):
        each = torch.cat([measure(x[None], y[None]) for x, y in zip(a, b)])
        torch.testing.assert_close(measure(a, b), each)


def test_more_noise_is_worse():
    a = smooth(5, 8)
    found = []
    for strength in (5, 20, 60):
        noisy = (a.float() + strength * torch.randn(a.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 255)
        found.append(fidelity(noisy.round().to(torch.uint8), a).values)
    assert [f["L1"] for f in found] == sorted(f["L1"] for f in found)
    for name in ("PSNR", "SSIM"):
        assert [f[name] for f in found] == sorted((f[name] for f in found), reverse=True)


def test_standard_errors():
    values = torch.tensor([1.0, 2.0, 4.0, 9.0], dtype=torch.float64)
    assert standard_error(values) == pytest.approx(np.std(values.numpy(), ddof=1) / 2)
    assert math.isnan(standard_error(values[:1]))
    a, b = smooth(6), noise(7)
    found = fidelity(a, b)
    assert found.samples == 3 and found.errors["SSIM"] == pytest.approx(standard_error(ssim(a, b)))


def test_wrong_shapes_and_types_are_refused():
    a = noise(0)
    with pytest.raises(QualityError, match="same shape"):
        l1(a, a[:2])
    with pytest.raises(QualityError, match="uint8"):
        psnr(a.float(), a.float())
    with pytest.raises(QualityError, match="11 pixels"):
        ssim(a[..., :10, :10], a[..., :10, :10])
