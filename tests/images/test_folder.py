"""A user's folder: order, splits, classes, sizes, broken files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from gpproxy.errors import ImageError
from gpproxy.images.folder import read_folder


def save(path: Path, colour: tuple[int, ...] = (10, 20, 30), size: tuple[int, int] = (8, 8), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour if mode != "L" else colour[0]).save(path)


def test_classes_are_numbered_by_name_and_the_first_images_are_of_all(tmp_path: Path) -> None:
    for kind, red in (("cat", 1), ("ant", 2)):
        for i in range(20):
            save(tmp_path / kind / f"{i:02}.png", (red, i, 0))
    found = read_folder(tmp_path)
    assert found.images.shape == (40, 3, 8, 8) and found.labels is not None
    reds = found.images[:, 0, 0, 0].tolist()
    assert [{2: 0, 1: 1}[red] for red in reds] == found.labels.tolist()
    assert 2 <= sum(read_folder(tmp_path, limit=10).images[:, 0, 0, 0].tolist()) - 10 <= 8
    assert torch.equal(read_folder(tmp_path, limit=10).images, found.images[:10])


def test_splits_are_sub_folders(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a.png")
    save(tmp_path / "test" / "b.png", (99, 0, 0))
    assert read_folder(tmp_path, "test").images[0, 0, 0, 0] == 99
    with pytest.raises(ImageError, match="no sub-folder 'val'. It has train, test. Choose one with --split"):
        read_folder(tmp_path, "val")
    save(tmp_path / "flat" / "a.png")
    assert read_folder(tmp_path / "flat").labels is None
    with pytest.raises(ImageError, match="all of it is 'train': .* with --split train, or divide it into .*test"):
        read_folder(tmp_path / "flat", "test")
    save(tmp_path / "half" / "test" / "a.png")
    with pytest.raises(ImageError, match="It has test. Put the images to learn from into .*train"):
        read_folder(tmp_path / "half")


def test_the_middle_square_is_taken_and_resized(tmp_path: Path) -> None:
    wide = Image.new("RGB", (24, 8))
    wide.paste((200, 100, 50), (8, 0, 16, 8))
    wide.save(tmp_path / "wide.png")
    found = read_folder(tmp_path, size=(4, 4))
    assert torch.equal(found.images[0, :, 0, 0], torch.tensor([200, 100, 50], dtype=torch.uint8))
    assert (found.images == found.images[:, :, :1, :1]).all()


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    save(tmp_path / "a.png", (10, 20, 30) if mode != "RGBA" else (10, 20, 30, 128), mode="RGB" if mode == "P" else mode)
    if mode == "P":
        Image.open(tmp_path / "a.png").convert("P").save(tmp_path / "a.png")
    assert read_folder(tmp_path).images.shape == (1, 3, 8, 8)


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="has no images"):
        read_folder(tmp_path)
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", size=(16, 16))
    save(tmp_path / ".hidden" / "c.png", size=(9, 9))
    with pytest.raises(ImageError, match="Give a resolution"):
        read_folder(tmp_path)
    assert len(read_folder(tmp_path, size=(8, 8))) == 2
    with pytest.raises(ImageError, match="3 images were asked for, but .* has 2"):
        read_folder(tmp_path, size=(8, 8), limit=3)
    (tmp_path / "b.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match="b.png cannot be read"):
        read_folder(tmp_path)
