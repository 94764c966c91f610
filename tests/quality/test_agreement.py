"""The distance of `cifar` ranks graded damage as the published ResNets do."""

from __future__ import annotations

import pytest
import torch

from gpproxy.images.mosaics import has_mosaics
from gpproxy.images.shapes import shapes
from gpproxy.quality.extractor import extractor
from gpproxy.run.data_folder import data_folder
from tests.quality.agreement import distances, published, rank_correlation
from tests.quality.damage import graded


def test_24_sets_of_equal_size_differ() -> None:
    sets = dict(graded(shapes(limit=150), 30))
    assert len(sets) == 24 and {tuple(images.shape) for images in sets.values()} == {(30, 3, 32, 32)}
    assert all(images.dtype == torch.uint8 for images in sets.values())
    assert len({images.numpy().tobytes() for images in sets.values()}) >= 18


def test_ranks_agree_with_the_published_networks() -> None:
    """At a reduced size; `agreement.py` has the full one, where the agreement is .978 and .985."""
    others = published()
    if not others or not has_mosaics(data_folder() / "cifar10", "test"):
        pytest.skip(f"no cifar10 and reference_extractors in {data_folder()} (set GPPROXY_DATA)")
    _, rows = distances([extractor("cifar"), others[0]], 300, 500)
    ours, theirs = zip(*rows)
    assert rank_correlation(ours, theirs) >= 0.97
