"""The procedural set: the same scenes everywhere."""

from __future__ import annotations

import pytest
import torch

from gpproxy.errors import ImageError
from gpproxy.images.image_set import resize
from gpproxy.images.shapes import KINDS, SPLITS, shapes


def test_sizes_labels_and_splits() -> None:
    found = shapes("test", limit=50)
    assert found.images.shape == (50, 3, 32, 32) and found.labels is not None
    assert sorted(set(found.labels.tolist())) == list(range(len(KINDS)))
    assert shapes("train", limit=50).digest != found.digest
    assert {split: len(shapes(split, 4)) for split in SPLITS} == {split: size for split, (size, _) in SPLITS.items()}


def test_the_first_scenes_do_not_depend_on_how_many_follow() -> None:
    assert torch.equal(shapes(limit=600).images[:7], shapes(limit=7).images)


def test_another_side_shows_the_same_scene() -> None:
    large, small = shapes(side=64, limit=20), shapes(side=16, limit=20)
    difference = (resize(large.images, 16).float() - small.images.float()).abs().mean()
    assert difference < 5


def test_a_shape_stands_out_and_its_edge_is_smooth() -> None:
    disc = next(i for i, kind in enumerate(shapes(limit=40).labels.tolist()) if kind == 0)  # type: ignore[union-attr]
    image = shapes(limit=40, side=64).images[disc].float()
    assert image.std(dim=(1, 2)).max() > 5


def test_unknown_splits_and_too_many_images_are_refused() -> None:
    with pytest.raises(ImageError, match="Did you mean 'train'"):
        shapes("trein")
    with pytest.raises(ImageError, match="has 2000 images, but 2001"):
        shapes("test", limit=2001)
