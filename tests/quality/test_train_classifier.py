"""The training of the classifier: whitening, translations, and that a killed run ends with the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open

from gpproxy.images.image_set import ImageSet
from gpproxy.images.shapes import shapes
from gpproxy.quality.cifar import CifarExtractor
from gpproxy.quality.classifier import Classifier, whiten
from gpproxy.quality.train_classifier import STATE, WEIGHTS, Recipe, _rate, _shifted, accuracy, train

SMALL = Recipe(epochs=2, batch=8)


@pytest.fixture(scope="module")
def images() -> tuple[ImageSet, ImageSet]:
    return shapes("train", limit=16), shapes("test", limit=20)


def test_whitened_patches_are_uncorrelated_with_variance_one() -> None:
    network, data = Classifier(), shapes(limit=64).images
    whiten(network, data, epsilon=0)
    x = network.white(network.normalised(data)).transpose(0, 1).flatten(1)[:12].double()
    assert torch.allclose(x @ x.T / x.shape[1], torch.eye(12, dtype=torch.float64), atol=2e-3)
    assert torch.equal(network.white.weight[:12], -network.white.weight[12:])


def test_an_image_is_moved_as_if_cut_out_of_a_mirrored_border() -> None:
    x = torch.randn(50, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    moved = _shifted(x, 2, torch.Generator().manual_seed(1))
    padded = F.pad(x, (2, 2, 2, 2), mode="reflect")
    places = []
    for i in range(50):
        crops = {(r, c): padded[i, :, r : r + 8, c : c + 8] for r in range(5) for c in range(5)}
        places += [place for place, crop in crops.items() if torch.equal(crop, moved[i])]
    assert len(places) >= 50 and len({r for r, _ in places}) == 5 and len({c for _, c in places}) == 5


def test_the_rate_is_a_triangle() -> None:
    recipe = Recipe()
    assert _rate(recipe, 0) == 0 and _rate(recipe, recipe.warm_up) == pytest.approx(recipe.rate)
    assert _rate(recipe, 1) == pytest.approx(0)


def test_a_training_can_start_from_weights(images: tuple[ImageSet, ImageSet], tmp_path: Path) -> None:
    list(train(*images, SMALL, tmp_path / "first"))
    start = tmp_path / "first" / WEIGHTS
    still = replace(SMALL, epochs=1, rate=1e-12, decay=0, start="0123")
    list(train(*images, still, tmp_path / "second", start))
    first, second = (CifarExtractor(tmp_path / name / WEIGHTS) for name in ("first", "second"))
    assert '"start": "0123"' in second.facts["recipe"]
    before, after = first.network.head, second.network.head
    assert torch.allclose(before.weight, after.weight, atol=1e-3) and torch.allclose(before.bias, after.bias, atol=1e-3)


def test_a_killed_run_ends_with_the_same_bytes(images: tuple[ImageSet, ImageSet], tmp_path: Path) -> None:
    lines = list(train(*images, SMALL, tmp_path / "whole"))
    assert len(lines) == 3 and "epoch 1/2" in lines[0] and "test accuracy" in lines[2]
    killed = train(*images, SMALL, tmp_path / "killed")
    next(killed)
    killed.close()
    assert not (tmp_path / "killed" / WEIGHTS).exists()
    assert "epoch 2/2" in next(train(*images, SMALL, tmp_path / "killed"))
    list(train(*images, SMALL, tmp_path / "killed"))
    whole = (tmp_path / "whole" / WEIGHTS).read_bytes()
    assert (tmp_path / "killed" / WEIGHTS).read_bytes() == whole
    # Another recipe does not go on from this one's state.
    assert "epoch 1/1" in next(train(*images, Recipe(epochs=1, batch=8, seed=1), tmp_path / "killed"))


def test_the_file_is_what_the_extractor_reads(images: tuple[ImageSet, ImageSet], tmp_path: Path) -> None:
    list(train(*images, SMALL, tmp_path))
    with safe_open(tmp_path / WEIGHTS, "pt") as file:
        facts = file.metadata()
    assert images[0].digest in facts["data"] and images[1].digest in facts["data"]
    found = CifarExtractor(tmp_path / WEIGHTS)
    assert images[1].labels is not None
    probabilities = found(images[1].images).probabilities
    assert probabilities is not None
    right = float((probabilities.argmax(dim=1) == images[1].labels).float().mean())
    assert right == pytest.approx(float(facts["accuracy"]), abs=1e-4)
    # Rounding to half precision and the scale of the logits are all that lies between state and file.
    state = torch.load(tmp_path / STATE, weights_only=True)
    network = Classifier()
    network.load_state_dict(state["network"])
    assert accuracy(network, images[1]) == pytest.approx(right, abs=0.051)
    expected = state["network"]["head.weight"] * SMALL.scale
    assert torch.allclose(found.network.head.weight, expected, atol=1e-3)
