"""Label maps out of pictures: exact colours get classes of their own, equal pictures equal maps, borders are marked."""

from __future__ import annotations

import pytest
import torch

from gpproxy.errors import ImageError
from gpproxy.images.labels import LabelMaps


def flags(colours: list[tuple[int, int, int]], noise: int = 0) -> torch.Tensor:
    """One picture of vertical stripes, 8 pixels each, with noise of up to so many levels."""
    stripes = torch.tensor(colours).repeat_interleave(8, 0).T[None, :, None].repeat(1, 1, 16, 1)
    random = torch.Generator().manual_seed(1)
    shift = torch.randint(-noise, noise + 1, stripes.shape, generator=random) if noise else 0
    return (stripes + shift).clamp(0, 255).to(torch.uint8)


COLOURS = [(0, 0, 170), (170, 0, 0), (255, 255, 0), (0, 255, 255)]


@pytest.mark.parametrize("noise", [0, 6])
def test_colours_become_classes_and_borders_are_marked(noise: int) -> None:
    pictures = flags(COLOURS, noise)
    maps = LabelMaps.of(pictures, 4)
    found = maps(pictures)
    assert found.shape == (1, 5, 16, 32) and found.dtype == torch.float32
    assert (found[:, :4].sum(1) == 1).all()
    kinds = found[0, :4].argmax(0)
    assert [len(set(kinds[:, i : i + 8].flatten().tolist())) for i in (0, 8, 16, 24)] == [1] * 4
    assert len(set(kinds[0].tolist())) == 4
    border = torch.zeros(16, 32)
    border[:, [8, 16, 24]] = 1
    assert found[0, 4].equal(border)


def test_fewer_colours_than_classes_leave_channels_empty_and_the_palette_repeats() -> None:
    pictures = flags(COLOURS[:2])
    maps, again = LabelMaps.of(pictures, 7), LabelMaps.of(pictures, 7)
    assert maps.palette.equal(again.palette) and len(maps.palette) == 2
    assert sorted(map(tuple, maps.palette.int().tolist())) == sorted(COLOURS[:2])
    found = maps(pictures)
    assert found.shape[1] == 8 and int((found[:, :7].sum((0, 2, 3)) > 0).sum()) == 2


def test_one_class_is_refused() -> None:
    with pytest.raises(ImageError, match="two classes or more, but got 1"):
        LabelMaps.of(flags(COLOURS), 1)
