"""Names to images, and torchvision's sets through a stand-in."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpproxy.errors import ImageError
from gpproxy.images.load import IMAGE_SETS, learnt_split, load


class FakeSet:
    """Behaves as torchvision's CIFAR10 and STL10 do: files appear with a download, else a RuntimeError."""

    def __init__(self, root: str, train: bool = True, split: str = "train", download: bool = False):
        marker = Path(root) / "files"
        if download:
            marker.touch()
        if not marker.is_file():
            raise RuntimeError("Dataset not found or corrupted.")
        pixels = np.arange(4 * 3 * 96 * 96, dtype=np.int64).reshape(4, 3, 96, 96) % 251
        self.data = pixels.astype(np.uint8)
        self.labels = np.array([0, 1, 2, -1 if "unlabeled" in split else 3])


class FakeCifar(FakeSet):
    def __init__(self, root: str, train: bool = True, download: bool = False):
        super().__init__(root, train, "train", download)
        self.data = self.data[:, :, :32, :32].transpose(0, 2, 3, 1)
        self.targets = [0, 1, 2, 3 if train else 4]


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    module = types.ModuleType("torchvision")
    module.datasets = types.SimpleNamespace(CIFAR10=FakeCifar, STL10=FakeSet)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", module)
    monkeypatch.setenv("GPPROXY_DATA", str(tmp_path))
    return tmp_path


def test_known_names() -> None:
    assert list(IMAGE_SETS)[:3] == ["cifar10", "stl10", "shapes"]


def test_nothing_is_downloaded_unless_asked(torchvision: Path) -> None:
    with pytest.raises(
        ImageError, match=r"not complete in .*Allow the download with --download, or put them there \(170 MB"
    ):
        load("cifar10")
    assert not list(torchvision.iterdir())
    found = load("cifar10", "test", download=True, limit=4)
    assert found.images.shape == (4, 3, 32, 32) and found.labels is not None and found.labels.tolist() == [0, 1, 2, 4]
    # Channels first, and not a mere reshape.
    assert found.images[0, 1, 0, 0] == 96 * 96 % 251


def test_files_are_looked_for_in_both_places(
    torchvision: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    place = cache / "gpproxy" / "data"
    (place / "cifar-10-batches-py").mkdir(parents=True)
    (place / "files").touch()
    assert len(load("cifar10")) == 4
    with pytest.raises(ImageError, match=f"not complete in {torchvision} "):
        load("stl10")


def test_generators_learn_from_all_of_stl10() -> None:
    assert learnt_split("stl10") == "train+unlabeled"
    assert learnt_split("cifar10") == learnt_split(Path("x")) == "train"


def test_stl10_loses_its_labels_where_some_are_missing(torchvision: Path) -> None:
    assert load("stl10", download=True, resolution=48).images.shape == (4, 3, 48, 48)
    assert load("stl10").labels is not None
    assert load("stl10", "train+unlabeled").labels is None
    with pytest.raises(ImageError, match="'stl10' has no split 'val'"):
        load("stl10", "val")
    with pytest.raises(ImageError, match="5 images were asked for"):
        load("stl10", limit=5)


def test_a_torchvision_that_does_not_import_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ImageError, match="read through torchvision, which does not import here"):
        load("stl10", folder=tmp_path)


def test_folders_shapes_and_unknown_names(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert load(tmp_path, resolution=4).size == (4, 4) and load(tmp_path, resolution=(2, 4)).size == (2, 4)
    assert load("shapes", "test", resolution=16, limit=3).images.shape == (3, 3, 16, 16)
    assert load("shapes", "test", resolution=(16, 20), limit=3, channels=4).images.shape == (3, 4, 16, 20)
    with pytest.raises(ImageError, match="no image set 'cifar'. Did you mean 'cifar10'"):
        load("cifar")
    with pytest.raises(ImageError, match="at least 1, but is 0"):
        load("shapes", limit=0)


def test_what_0_1_downloaded_into_the_cache_folder_is_found(torchvision: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GPPROXY_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(torchvision / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(torchvision / "cache"))
    with pytest.raises(ImageError, match=f"not complete in {torchvision / 'data' / 'gpproxy' / 'data'}"):
        load("stl10", "test")
    old = torchvision / "cache" / "gpproxy" / "data"
    (old / "stl10_binary").mkdir(parents=True)
    load("stl10", "test", folder=old, download=True)
    assert len(load("stl10", "test")) == 4
