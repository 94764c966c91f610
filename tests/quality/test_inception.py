"""Inception through a stand-in of pytorch-fid: no silent download, damaged files, other weights, names."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.errors import QualityError
from gpproxy.quality import inception
from gpproxy.quality.extractor import extractor
from gpproxy.quality.features import file_digest


class FakeInception(nn.Module):
    """2,048 features from mean colours; takes its weights as pytorch-fid's does."""

    BLOCK_INDEX_BY_DIM = {2048: 3}  # noqa: RUF012

    def __init__(self, blocks: list[int]):
        super().__init__()
        assert blocks == [3]
        state = sys.modules["pytorch_fid.inception"].load_state_dict_from_url("address", progress=True)  # type: ignore[attr-defined]
        self.layer = nn.Linear(3, 2048, bias=False)
        self.load_state_dict({"layer.weight": state["layer.weight"]})

    def forward(self, x: Tensor) -> list[Tensor]:
        assert float(x.min()) >= 0 and float(x.max()) <= 1
        return [self.layer(F.adaptive_avg_pool2d(x, 1).flatten(1))[:, :, None, None]]


@pytest.fixture
def pytorch_fid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    def no_download(*args: object, **settings: object) -> None:
        raise AssertionError("pytorch-fid would have downloaded")

    package, module = types.ModuleType("pytorch_fid"), types.ModuleType("pytorch_fid.inception")
    package.inception = module  # type: ignore[attr-defined]
    module.InceptionV3, module.load_state_dict_from_url = FakeInception, no_download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytorch_fid", package)
    monkeypatch.setitem(sys.modules, "pytorch_fid.inception", module)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return module


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    state = {
        "layer.weight": torch.randn(2048, 3, generator=generator),
        "fc.weight": torch.randn(1008, 2048, generator=generator) / 50,
        "fc.bias": torch.full((1008,), 1000.0),
    }
    torch.save(state, tmp_path / "copy.pth")
    return tmp_path / "copy.pth"


def test_missing_weights_are_not_fetched_but_explained(pytorch_fid: types.ModuleType, tmp_path: Path) -> None:
    with pytest.raises(QualityError) as caught:
        extractor("inception")
    target = tmp_path / "hub" / "checkpoints" / "pt_inception-2015-12-05-6726825d.pth"
    for part in (inception.ADDRESS, "91 MB", "6726825d", str(target), "--extractor-weights", "'cifar'"):
        assert part in str(caught.value)
    assert not target.exists()


def test_a_download_is_asked_for_with_its_hash(
    pytorch_fid: types.ModuleType, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(address: str, path: str, hash_prefix: str, progress: bool) -> None:
        asked.append((address, hash_prefix))
        Path(path).write_bytes(weights.read_bytes())

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    monkeypatch.setattr(inception, "HASH", file_digest(weights)[:8])
    found = extractor("inception", download=True)
    assert asked == [(inception.ADDRESS, inception.HASH)] and found.published
    extractor("inception", download=True)
    assert len(asked) == 1


def test_a_failed_download_says_what_to_do(pytorch_fid: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **settings: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(QualityError, match="could not be downloaded: no network. Fetch it by hand"):
        extractor("inception", download=True)


def test_a_damaged_file_in_the_usual_place_is_refused(pytorch_fid: types.ModuleType, weights: Path) -> None:
    target = inception.default_weights()
    target.parent.mkdir(parents=True)
    target.write_bytes(weights.read_bytes())
    with pytest.raises(QualityError, match="are damaged: their SHA-256 starts with"):
        extractor("inception")


def test_a_users_weights_are_taken_but_are_not_the_published_ones(
    pytorch_fid: types.ModuleType, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inception, "BATCH", 2)
    network = extractor("inception", weights)
    assert (network.name, network.dimensions, network.published) == ("inception", 2048, False)
    assert network.digest == file_digest(weights)[:16]
    images = torch.randint(256, (5, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    found = network(images)
    state = torch.load(weights, weights_only=True)
    expected = (images.float() / 255).mean(dim=(2, 3)) @ state["layer.weight"].T
    assert torch.allclose(found.features, expected, atol=1e-4)
    # Without the bias, as in the original score.
    assert found.probabilities is not None
    assert torch.allclose(found.probabilities, (expected @ state["fc.weight"].T).softmax(dim=1), atol=1e-4)
    # The module is left as it was.
    with pytest.raises(AssertionError, match="would have downloaded"):
        pytorch_fid.load_state_dict_from_url()


def test_files_of_other_networks_are_refused(pytorch_fid: types.ModuleType, tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(QualityError, match="no file of PyTorch weights"):
        extractor("inception", tmp_path / "text.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(QualityError, match="has no 'fc.weight'"):
        extractor("inception", tmp_path / "other.pth")
    torch.save({"fc.weight": torch.zeros(1008, 2048), "layer.weight": torch.zeros(1)}, tmp_path / "shape.pth")
    with pytest.raises(QualityError, match="no weights of pytorch-fid's Inception"):
        extractor("inception", tmp_path / "shape.pth")


def test_a_missing_package_is_explained(monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_fid", None)
    with pytest.raises(QualityError, match="Install pytorch-fid"):
        extractor("inception", weights)
