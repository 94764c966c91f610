"""Augmentation: what changes nothing, what moves where, gradients, distribution of the draws."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpproxy.training.augment import augment, colour, cut, flip, translate

HALF = torch.full((3, 5), 0.5)


def random_images(count: int = 5, side: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_the_middle_of_every_draw_changes_nothing() -> None:
    images = random_images()
    assert torch.equal(translate(images, HALF[:2]), images)
    assert torch.allclose(colour(images, HALF), images, atol=1e-6)


def test_no_names_change_nothing_and_draw_nothing() -> None:
    images, random = random_images(), torch.Generator().manual_seed(3)
    before = random.get_state()
    assert augment(images, (), random) is images and torch.equal(random.get_state(), before)


@given(st.floats(0, 0.999), st.floats(0, 0.999), st.sampled_from([8, 16, 20]))
def test_translation_is_a_shift_with_zeros(down: float, right: float, side: int) -> None:
    images = random_images(2, side)
    found = translate(images, torch.tensor([[down] * 2, [right] * 2]))
    most = int(side / 8 + 0.5)
    dy, dx = (int(torch.floor(torch.tensor(draw) * (2 * most + 1))) - most for draw in (down, right))
    expected = torch.zeros_like(images)
    ys, xs = (slice(max(d, 0), side + min(d, 0)) for d in (dy, dx))
    ys0, xs0 = (slice(max(-d, 0), side + min(-d, 0)) for d in (dy, dx))
    expected[:, :, ys, xs] = images[:, :, ys0, xs0]
    assert torch.equal(found, expected)


def test_cutout_removes_half_the_side() -> None:
    images = torch.ones(1, 3, 16, 16)
    inside = cut(images, torch.tensor([[0.5], [0.5]]))
    assert (inside == 0).sum() == 3 * 8 * 8
    corner = cut(images, torch.tensor([[0.0], [0.0]]))
    assert (corner == 0).sum() == 3 * 4 * 4 and not corner[0, :, :4, :4].any()


def test_colour_without_saturation_is_grey_and_contrast_keeps_the_mean() -> None:
    images = random_images()
    grey = colour(images, torch.stack([HALF[0], torch.zeros(5), HALF[0]]))
    assert torch.allclose(grey, images.mean(1, keepdim=True).expand_as(images), atol=1e-6)
    strong = colour(images, torch.stack([HALF[0], HALF[0], torch.full((5,), 0.9)]))
    assert torch.allclose(strong.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-6)
    assert torch.allclose(strong.std((1, 2, 3)), 1.4 * images.std((1, 2, 3)), rtol=1e-4)


@pytest.mark.parametrize("names", [("colour",), ("translation",), ("cutout",), ("colour", "translation", "cutout")])
def test_gradients_are_right(names: tuple[str, ...]) -> None:
    images = random_images(2, 8).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: augment(x, names, torch.Generator().manual_seed(5)), images)


def test_translations_are_uniform() -> None:
    """16 pixels move by -2 to 2: five steps, each a fifth of the time."""
    images = torch.zeros(4000, 1, 16, 16)
    images[:, :, 8, 8] = 1
    found = augment(images, ("translation",), torch.Generator().manual_seed(0)).flatten(1).argmax(1)
    for place in (found // 16, found % 16):
        counts = torch.bincount(place - 6, minlength=5)
        assert len(counts) == 5 and (counts - 800).abs().max() < 120


def test_flip_mirrors_about_half() -> None:
    images = torch.arange(12, dtype=torch.uint8).view(1, 1, 3, 4).expand(2000, 3, 3, 4)
    found = flip(images, torch.Generator().manual_seed(0))
    mirrored = (found == images.flip(3)).flatten(1).all(1)
    assert ((found == images).flatten(1).all(1) | mirrored).all() and 900 < mirrored.sum() < 1100
