"""The extractor of the package: its file, its promises, its accuracy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gpproxy.errors import QualityError, RegistryError
from gpproxy.images.mosaics import has_mosaics, read_mosaics
from gpproxy.quality.cifar import WEIGHTS, CifarExtractor
from gpproxy.quality.extractor import EXTRACTORS, extractor
from gpproxy.quality.features import file_digest
from gpproxy.run.data_folder import data_folder
from tests.quality.toy import write_weights


def noise(count: int, side: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, 3, side, side), generator=generator, dtype=torch.uint8)


def test_the_weights_of_the_package_are_small_and_say_where_they_come_from() -> None:
    found = extractor("cifar")
    assert isinstance(found, CifarExtractor)
    assert WEIGHTS.stat().st_size < 1.5e6
    assert float(found.facts["accuracy"]) >= 0.91 and found.facts["test_images"] == "10000"
    assert json.loads(found.facts["recipe"])["seed"] == 0 and "cifar10 train" in found.facts["data"]
    assert (found.name, found.dimensions, found.published) == ("cifar", 128, False)
    assert found.digest == file_digest(WEIGHTS)[:16]


def test_features_are_finite_and_probabilities_sum_to_one() -> None:
    found = extractor("cifar")(noise(5))
    assert found.features.shape == (5, 128) and found.features.dtype == torch.float32
    assert torch.isfinite(found.features).all()
    assert found.probabilities is not None and found.probabilities.shape == (5, 10)
    assert torch.allclose(found.probabilities.sum(dim=1), torch.ones(5))


def test_grouping_into_batches_does_not_matter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    network = CifarExtractor(write_weights(tmp_path / "w.safetensors"))
    images = noise(7)
    whole = network(images).features
    monkeypatch.setattr("gpproxy.quality.cifar.BATCH", 3)
    assert torch.allclose(network(images).features, whole, atol=1e-5)
    assert torch.equal(network(images).features, network(images).features)


@pytest.mark.parametrize("side", [8, 16, 48, 64])
def test_any_side_is_taken(side: int, tmp_path: Path) -> None:
    network = CifarExtractor(write_weights(tmp_path / "w.safetensors"))
    assert network(noise(2, side)).features.shape == (2, 128)


def test_the_accuracy_holds_on_test_images() -> None:
    folder = data_folder() / "cifar10"
    if not has_mosaics(folder, "test"):
        pytest.skip(f"no mosaics of CIFAR-10 in {folder} (set GPPROXY_DATA)")
    found = read_mosaics(folder, "test", 1000)
    assert found.labels is not None
    probabilities = extractor("cifar")(found.images).probabilities
    assert probabilities is not None
    assert float((probabilities.argmax(dim=1) == found.labels).float().mean()) > 0.88


def test_other_files_and_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(QualityError, match="is not there"):
        extractor("cifar", tmp_path / "none")
    (tmp_path / "text").write_text("no weights")
    with pytest.raises(QualityError, match="holds no weights of the classifier"):
        extractor("cifar", tmp_path / "text")
    save_file({"head.weight": torch.zeros(10, 128)}, tmp_path / "part")
    with pytest.raises(QualityError, match="white.weight"):
        extractor("cifar", tmp_path / "part")
    with pytest.raises(RegistryError, match="Did you mean 'cifar'"):
        extractor("cifar10")
    assert list(EXTRACTORS)[:2] == ["cifar", "inception"]


@pytest.mark.parametrize("images", [noise(2).float(), noise(2)[:, :1], noise(2)[0], noise(2)[:0]])
def test_only_bytes_in_colour_are_taken(images: torch.Tensor, tmp_path: Path) -> None:
    network = CifarExtractor(write_weights(tmp_path / "w.safetensors"))
    with pytest.raises(QualityError, match="takes bytes"):
        network(images)
