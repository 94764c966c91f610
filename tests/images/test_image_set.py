"""Bytes and floats, sides, digests."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpproxy.errors import ImageError
from gpproxy.images.image_set import ImageSet, cropped, fitting, on_background, pixels, resize, to_bytes, to_unit


def noise(n: int = 4, side: int = 8, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (n, 3, side, side), generator=generator, dtype=torch.uint8)


def test_every_byte_survives_the_way_to_floats_and_back() -> None:
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(to_unit(every)), every)
    assert (to_unit(every).min(), to_unit(every).max()) == (-1, 1)


def test_what_is_out_of_range_is_clamped_and_nan_is_black() -> None:
    found = to_bytes(torch.tensor([-3.0, 7.0, float("nan"), float("inf"), float("-inf")]))
    assert found.tolist() == [0, 255, 0, 255, 0]


@given(st.floats(-1, 1, width=32))
def test_a_float_is_rounded_to_the_nearest_byte(value: float) -> None:
    assert abs(int(to_bytes(torch.tensor(value))) - (value + 1) * 127.5) <= 0.5 + 1e-4


def test_a_whole_factor_takes_the_mean_of_the_pixels() -> None:
    images = noise()
    expected = images.float().reshape(4, 3, 4, 2, 4, 2).mean(dim=(3, 5)).round()
    assert torch.equal(resize(images, 4).float(), expected)


@pytest.mark.parametrize("side", [3, 5, 8, 12, 16])
def test_a_flat_image_stays_flat_at_every_side(side: int) -> None:
    flat = torch.full((2, 3, 8, 8), 77, dtype=torch.uint8)
    assert torch.equal(resize(flat, side), torch.full((2, 3, side, side), 77, dtype=torch.uint8))


def test_a_digest_names_the_pixels_and_their_order() -> None:
    images = noise()
    whole = ImageSet("a", "train", images)
    assert whole.digest == ImageSet("b", "test", images.clone(), torch.zeros(4, dtype=torch.int64)).digest
    assert len(whole.digest) == 16
    changed = images.clone()
    changed[0, 0, 0, 0] ^= 1
    assert (
        len({whole.digest, ImageSet("a", "train", changed).digest, ImageSet("a", "train", images.flip(0)).digest}) == 3
    )
    assert whole.digest != ImageSet("a", "train", images.reshape(16, 3, 4, 4)).digest


def test_resized_keeps_labels_and_names() -> None:
    labels = torch.arange(4)
    whole = ImageSet("a", "train", noise(), labels)
    half = whole.resized(4)
    assert (half.size, half.name, half.split, len(half)) == ((4, 4), "a", "train", 4)
    assert half.labels is labels and whole.resized(8) is whole
    with pytest.raises(ImageError, match="at least 1 pixel"):
        whole.resized(0)


def test_first_takes_labels_along_and_refuses_more_than_there_are() -> None:
    whole = ImageSet("a", "train", noise(), torch.arange(4))
    two = whole.first(2)
    assert two.labels is not None and two.labels.tolist() == [0, 1] and torch.equal(two.images, whole.images[:2])
    with pytest.raises(ImageError, match="5 images were asked for, but a/train has 4"):
        whole.first(5)


@pytest.mark.parametrize("images", [noise().float(), noise()[0], noise()[:, :1]])
def test_other_tensors_are_refused(images: torch.Tensor) -> None:
    with pytest.raises(ImageError, match="uint8 tensors of the shape sample x 3 x height x width"):
        ImageSet("a", "train", images)


def test_oblong_images_keep_the_middle_or_their_whole() -> None:
    wide = ImageSet("a", "train", noise()[:, :, :4])
    assert wide.size == (4, 8) and pixels(wide.size) == "4 x 8" and pixels((8, 8)) == "8"
    assert torch.equal(wide.cropped((1, 1)).images, noise()[:, :, :4, 2:6])
    assert wide.resized((2, 4)).size == (2, 4) and wide.cropped((16, 32)) is wide


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(1, 9))
def test_a_crop_is_in_the_middle_has_the_proportions_and_no_larger_one_fits(
    h: int, w: int, rows: int, columns: int
) -> None:
    found = cropped(torch.arange(h * w).view(h, w), (rows, columns))
    tall, broad = found.shape
    assert tall == h or broad == w
    assert abs(tall * columns - broad * rows) < max(rows, columns) or 1 in (tall, broad)
    assert found[0, 0] == (h - tall) // 2 * w + (w - broad) // 2


def test_images_fit_generators_of_grey_of_colour_and_with_transparency() -> None:
    plain = noise()
    grey, clear = fitting(plain, 1), fitting(plain, 4)
    luma = (plain.double() * torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1)).sum(1)
    assert (grey.double() - luma[:, None]).abs().max() <= 0.5 + 1e-4 and grey.shape == plain.shape
    assert torch.equal(clear[:, :3], plain) and (clear[:, 3] == 255).all() and torch.equal(fitting(clear, 3), plain)
    assert torch.equal(on_background(clear), plain)
    clear[:, 3] = 0
    assert (on_background(clear) == 255).all()
    clear[:, 3] = 51  # a fifth
    assert torch.equal(on_background(clear), (plain.double() / 5 + 255 * 0.8).round().to(torch.uint8))


def test_every_image_has_one_label() -> None:
    with pytest.raises(ImageError, match="labels of the shape"):
        ImageSet("a", "train", noise(), torch.arange(3))
