"""Image files of folders and zips: the same names and pixels from both, companions left out, nothing read outside."""

from __future__ import annotations

import os
import random
import stat
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpproxy.errors import ImageError
from gpproxy.images import files
from gpproxy.images.files import image_files, numeric_order
from gpproxy.images.folder import read_folder
from gpproxy.images.paired import load_pairs
from gpproxy.images.unpaired import load_unpaired

SPLITS = ("train", "test", "trainA", "trainB")


def save(path: Path, red: int = 0, size: tuple[int, int] = (8, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (red, 20, 30)).save(path)
    return path


def packed(folder: Path, path: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, inside + str(file.relative_to(folder)))
    return path


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """What other programs leave beside images."""
    root = tmp_path / "data"
    for split in SPLITS:
        for red in (1, 2, 10):
            save(root / split / f"{red}.PNG", red, (16, 8) if split in ("train", "test") else (8, 8))
        (root / split / "._1.PNG").write_bytes(b"\0\5\26\7" + bytes(200))
        (root / split / ".DS_Store").write_bytes(b"x")
        (root / split / "Thumbs.db").write_bytes(b"x")
        (root / split / "notes.txt").write_text("x")
        (root / "__MACOSX" / split).mkdir(parents=True)
        (root / "__MACOSX" / split / "._2.png").write_bytes(b"x")
        (root / "__MACOSX" / split / "3.png").write_bytes(b"x")
    return root


@pytest.mark.parametrize("inside", ["", "data/", "some/where/"])
def test_a_zip_reads_like_its_folder_and_companions_are_left_out(messy: Path, tmp_path: Path, inside: str) -> None:
    archive = packed(messy, tmp_path / "data.zip", inside)
    assert image_files(archive, SPLITS).names == image_files(messy).names
    for read in (load_pairs, load_unpaired):
        found, same = (read(str(place)) for place in (messy, archive))
        assert found.inputs[:, 0, 0, 0].tolist() == [1, 2, 10] and found.name == same.name == "data"
        assert torch.equal(found.inputs, same.inputs) and torch.equal(found.targets, same.targets)
    found, same = (read_folder(place, "test") for place in (messy, archive))
    assert torch.equal(found.images, same.images) and found.digest == same.digest and found.name == same.name


def test_classes_of_a_zip_are_labels(tmp_path: Path) -> None:
    for i in range(6):
        save(tmp_path / "set" / ("cat", "ant")[i % 2] / f"{i}.png", i)
    one, other = read_folder(tmp_path / "set"), read_folder(packed(tmp_path / "set", tmp_path / "set.zip", "set/"))
    assert one.labels is not None and other.labels is not None and one.labels.tolist() == other.labels.tolist()
    assert one.images[:, 0, 0, 0].remainder(2).tolist() == [1 - label for label in one.labels.tolist()]


def test_only_the_split_that_is_asked_for_is_read(messy: Path) -> None:
    (messy / "train" / "broken.png").write_bytes(b"x")
    assert len(load_pairs(str(messy), "test")) == 3
    with pytest.raises(ImageError, match=r"broken\.png cannot be read"):
        load_pairs(str(messy), "train")


@pytest.mark.parametrize("name", ["../out.png", "/out.png", "train/../../out.png", "a\\..\\out.png", "C:/out.png"])
def test_members_that_lead_out_of_a_zip_are_refused(tmp_path: Path, name: str) -> None:
    file = save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.write(file, "train/a.png")
        archive.writestr(zipfile.ZipInfo(name), file.read_bytes())
    for read in (read_folder, load_pairs, load_unpaired):
        with pytest.raises(ImageError, match=r"bad\.zip has a member '.*out\.png', whose name leads out"):
            read(tmp_path / "bad.zip" if read is read_folder else str(tmp_path / "bad.zip"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "bad.zip"]


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("train/a.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ImageError, match=r"a link 'train/a\.png' in the place of an image"):
        read_folder(tmp_path / "bad.zip")


def test_links_out_of_a_folder_are_refused_and_others_followed_once(tmp_path: Path) -> None:
    save(tmp_path / "outside" / "a.png", 1)
    root = tmp_path / "root"
    save(root / "real" / "b.png", 2)
    (root / "again").symlink_to(root / "real")
    (root / "real" / "up").symlink_to(root)
    (root / "real" / "c.png").symlink_to(root / "real" / "b.png")
    assert len(read_folder(root)) == 2
    for link, target in (("d.png", tmp_path / "outside" / "a.png"), ("d", tmp_path / "outside")):
        (root / link).symlink_to(target)
        with pytest.raises(ImageError, match=f"{link} is a link to .*outside.*Copy it there"):
            read_folder(root)
        (root / link).unlink()
    (root / "train").symlink_to(tmp_path / "outside")
    with pytest.raises(ImageError, match="train is a link to"):
        read_folder(root)
    (root / "real" / "up").unlink()
    (tmp_path / "name").symlink_to(root / "real")
    assert len(read_folder(tmp_path / "name")) == 2, "the folder itself may be a link"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a\.png is no ordinary file"):
        read_folder(tmp_path)


def test_broken_zips_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.zip"
    save(tmp_path / "a.png")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "a.png", "train/a.png")
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(ImageError, match=r"The zip file .*some\.zip cannot be read"):
        read_folder(path)
    damaged = bytearray(whole)
    damaged[len("train/a.png") + 34] ^= 255
    path.write_bytes(damaged)
    with pytest.raises(ImageError, match=r"some\.zip:train/a\.png cannot be unpacked"):
        read_folder(path)
    path.write_bytes(whole)
    monkeypatch.setattr(files, "LARGEST_FILE", 10)
    with pytest.raises(ImageError, match=r"at most .* bytes, but .*some\.zip:train/a\.png has"):
        read_folder(path)


def test_damaged_zips_end_in_sentences_or_are_read(tmp_path: Path) -> None:
    """Seeded damage at random places."""
    save(tmp_path / "set" / "train" / "a.png")
    whole = packed(tmp_path / "set", tmp_path / "some.zip").read_bytes()
    rng = random.Random(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        (tmp_path / "some.zip").write_bytes(damaged[: rng.choice([len(damaged), rng.randrange(len(damaged))])])
        try:
            assert len(read_folder(tmp_path / "some.zip")) == 1
        except ImageError as error:
            assert "some.zip" in str(error)


def test_what_is_neither_a_folder_nor_a_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="a folder or a zip file, but .*nowhere is neither"):
        image_files(tmp_path / "nowhere")


@given(st.lists(st.integers(0, 10**30), unique=True, max_size=8))
def test_numbers_in_names_count(numbers: list[int]) -> None:
    names = [f"a{number}.png" for number in numbers]
    assert sorted(names, key=numeric_order) == [f"a{number}.png" for number in sorted(numbers)]
