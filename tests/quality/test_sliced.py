"""The sliced distance: nothing for equal sets, more for more damage, and colour is seen."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gpproxy.errors import QualityError
from gpproxy.images.shapes import shapes
from gpproxy.quality.sliced import pyramid, sliced_distance


@pytest.fixture(scope="module")
def real() -> torch.Tensor:
    return shapes("train", limit=400).images


@pytest.fixture(scope="module")
def others() -> torch.Tensor:
    return shapes("test", limit=400).images


def distance(real: torch.Tensor, fake: torch.Tensor) -> float:
    return sliced_distance(real, fake.round().clamp(0, 255).to(torch.uint8), torch.Generator().manual_seed(0))


def test_the_pyramid_adds_up_to_the_image(real: torch.Tensor) -> None:
    bands = pyramid(real[:5])
    assert [band.shape[-1] for band in bands] == [32, 16, 8]
    whole = bands[-1]
    for band in reversed(bands[:-1]):
        whole = band + F.interpolate(whole, scale_factor=2, mode="bilinear", align_corners=False)
    brightness = real[:5].float().mean(dim=1) / 255
    assert torch.allclose(whole[:, 0], brightness, atol=1e-5)


def test_equal_sets_are_at_zero_and_other_real_images_are_near(real: torch.Tensor, others: torch.Tensor) -> None:
    assert distance(real, real.float()) == 0
    assert 0 < distance(real, others.float()) < 100


def desaturated(images: torch.Tensor, share: float) -> torch.Tensor:
    return images.float().lerp(images.float().mean(dim=1, keepdim=True).expand_as(images), share)


def test_a_loss_of_colour_is_seen(real: torch.Tensor, others: torch.Tensor) -> None:
    floor, some, more = (distance(real, desaturated(others, share)) for share in (0.0, 0.3, 0.6))
    assert 2 * floor < some and 1.5 * some < more


def test_noise_blur_and_contrast_count_by_strength(real: torch.Tensor, others: torch.Tensor) -> None:
    x = others.float()
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    floor = distance(real, x)
    for weak, strong in (
        (x + 4 * noise, x + 16 * noise),
        (F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), F.avg_pool2d(x, 5, 1, 2, count_include_pad=False)),
        (x * 0.9 + 12, x * 0.6 + 50),
    ):
        assert floor < distance(real, weak) < distance(real, strong)


def test_one_size_and_no_empty_set(real: torch.Tensor) -> None:
    generator = torch.Generator()
    with pytest.raises(QualityError, match="of one size"):
        sliced_distance(real, real[:, :, :16, :16], generator)
    with pytest.raises(QualityError, match="of one size"):
        sliced_distance(real, real[:0], generator)


def test_small_images_have_one_level() -> None:
    small = torch.randint(256, (40, 3, 6, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert len(pyramid(small)) == 1 and sliced_distance(small, small, torch.Generator().manual_seed(0)) == 0
