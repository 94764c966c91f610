"""Pairs and unpaired sets: facades, folders, zip files, splits, and the same jitter on both sides."""

import zipfile

import pytest
import torch
from PIL import Image

from gpproxy.errors import ImageError
from gpproxy.images.image_set import resize
from gpproxy.images.jitter import crops, enlarged
from gpproxy.images.paired import PairedSet, load_pairs
from gpproxy.images.unpaired import load_unpaired

SIDE = 16
RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def data(third_party):
    """The folder of third-party data; the test is skipped where it has no facades."""
    if not (third_party / "facades").is_dir():
        pytest.skip(f"no facades in {third_party} (set GPPROXY_DATA)")
    return third_party


@pytest.fixture
def pairs(tmp_path):
    """A folder of three training pairs and one test pair: red left, blue right; the number is in the green."""
    for split, numbers in (("train", (1, 2, 10)), ("test", (3,))):
        (tmp_path / split).mkdir()
        for number in numbers:
            image = Image.new("RGB", (2 * SIDE, SIDE), (255, number, 0))
            image.paste((0, number, 255), (SIDE, 0, 2 * SIDE, SIDE))
            image.save(tmp_path / split / f"{number}.png")
    return tmp_path


def test_halves_are_told_apart_and_files_come_in_numeric_order(pairs):
    found = load_pairs(str(pairs))
    assert (found.name, found.split, len(found), found.size) == (pairs.stem, "train", 3, (SIDE, SIDE))
    assert found.inputs[:, 1, 0, 0].tolist() == [1, 2, 10]
    assert found.inputs[:, 0].eq(255).all() and found.inputs[:, 2].eq(0).all()
    assert found.targets[:, 0].eq(0).all() and found.targets[:, 2].eq(255).all()
    other = load_pairs(str(pairs), direction="right-to-left")
    assert other.inputs.equal(found.targets) and other.targets.equal(found.inputs)
    assert len(load_pairs(str(pairs), "test")) == 1
    assert load_pairs(str(pairs), limit=2).inputs.equal(found.first(2).inputs)


def test_a_zip_file_reads_like_its_folder(pairs, tmp_path):
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        for file in sorted(pairs.glob("*/*.png")):
            archive.write(file, f"inner/{file.parent.name}/{file.name}")
    zipped = load_pairs(str(tmp_path / "some.zip"))
    assert zipped.inputs.equal(load_pairs(str(pairs)).inputs)


def test_a_resolution_resizes_both_sides(pairs):
    found = load_pairs(str(pairs), resolution=8)
    assert found.inputs.shape == found.targets.shape == (3, 3, 8, 8)
    assert found.inputs.equal(load_pairs(str(pairs)).resized(8).inputs)


def test_the_digest_is_that_of_the_pixels(pairs):
    found = load_pairs(str(pairs))
    assert found.digest == load_pairs(str(pairs)).digest and len(found.digest) == 16
    assert found.digest != PairedSet("other", "train", found.targets, found.inputs).digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "facade"}, "Did you mean 'facades'"),
        ({"split": "valid"}, "train, val, test"),
        ({"split": "val"}, "no images in val/"),
        ({"direction": "left"}, "left-to-right, right-to-left"),
        ({"name": "facades"}, "GPPROXY_DATA"),
    ],
)
def test_what_is_missing_is_named(pairs, change, message):
    asked = {"name": str(pairs), "folder": pairs, **change}
    with pytest.raises(ImageError, match=message):
        load_pairs(**asked)


def test_broken_images_and_odd_sizes_are_named(pairs):
    Image.new("RGB", (SIDE, SIDE)).save(pairs / "test" / "3.png")
    with pytest.raises(ImageError, match=r"3\.png is 16 x 16"):
        load_pairs(str(pairs), "test")
    assert load_pairs(str(pairs), "test", resolution=8).size == (8, 8)
    (pairs / "test" / "3.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"3\.png cannot be read"):
        load_pairs(str(pairs), "test")


def test_facades_have_their_published_sizes(data):
    sizes = {"val": 100, "test": 106}
    for split, size in sizes.items():
        found = load_pairs("facades", split, folder=data, resolution=32)
        assert found.inputs.shape == found.targets.shape == (size, 3, 32, 32)
    # Label maps are painted in full colours, photos are not.
    found = load_pairs("facades", "train", folder=data, limit=5)
    assert found.size == (128, 128)
    spread = [(one.amax(1) - one.amin(1)).float().mean((1, 2)) for one in (found.inputs, found.targets)]
    assert spread[0].gt(150).all() and spread[1].lt(100).all()


def test_unpaired_folders_keep_their_own_numbers(tmp_path):
    for kind, colour, count in (("A", RED, 3), ("B", BLUE, 2)):
        (tmp_path / f"train{kind}").mkdir()
        for number in range(count):
            Image.new("RGB", (SIDE + 4, SIDE), colour).save(tmp_path / f"train{kind}" / f"{number}.png")
    found = load_unpaired(str(tmp_path), folder=tmp_path)
    assert (len(found.inputs), len(found.targets), found.size) == (3, 2, (SIDE, SIDE))
    assert found.inputs[:, 0].eq(255).all() and found.targets[:, 2].eq(255).all()
    assert found.resized(8).size == (8, 8) and len(found.first(1).targets) == 1
    with pytest.raises(ImageError, match="testA has no images"):
        load_unpaired(str(tmp_path), "test", folder=tmp_path)
    with pytest.raises(ImageError, match="no unpaired images 'facade'.*Did you mean"):
        load_unpaired("facade", folder=tmp_path)


def test_jitter_is_the_same_on_both_sides():
    """Two sides with the same numbers give the same crops; each crop is a crop, and places and mirrorings vary."""
    images = torch.arange(5 * 3 * 9 * 9).reshape(5, 3, 9, 9)
    chosen = torch.tensor([4, 0, 0, 2, 1, 3] * 10)
    left, right = crops([images, -images], chosen, (7, 7), True, torch.Generator().manual_seed(1))
    assert left.equal(-right) and left.shape == (60, 3, 7, 7)
    places = {}
    for crop, index in zip(left, chosen):
        plain = [
            (top, start, turned)
            for top in range(3)
            for start in range(3)
            for turned in (False, True)
            if (images[index, :, top : top + 7, start : start + 7].flip(2) if turned else
                images[index, :, top : top + 7, start : start + 7]).equal(crop)
        ]  # fmt: skip
        assert len(plain) == 1
        places[plain[0]] = True
    assert len(places) > 12 and {turned for _, _, turned in places} == {False, True}


def test_jitter_is_seeded_and_mirrors_only_when_told():
    images = torch.arange(2 * 3 * 6 * 6).reshape(2, 3, 6, 6)
    chosen = torch.tensor([0, 1] * 8)

    def drawn(seed, mirror):
        return crops([images], chosen, (6, 6), mirror, torch.Generator().manual_seed(seed))[0]

    assert drawn(0, True).equal(drawn(0, True)) and not drawn(0, True).equal(drawn(1, True))
    assert drawn(0, False).equal(images[chosen])


def test_sizes_of_jitter_and_resizing():
    assert (enlarged((256, 256), True), enlarged((64, 20), True)) == ((286, 286), (72, 22))
    assert enlarged((64, 20), False) == (64, 20)
    flat = torch.full((2, 3, 10, 10), 77, dtype=torch.uint8)
    assert resize(flat, 7).eq(77).all() and resize(flat, 13).eq(77).all() and resize(flat, 10) is flat
