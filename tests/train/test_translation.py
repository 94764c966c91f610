"""`gpproxy.train` with a recipe for translations: dry run, training, resuming, what is measured and kept."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from gpproxy.errors import ConfigError, ImageError
from gpproxy.quality.extractor import EXTRACTORS
from gpproxy.quality.features import Features
from gpproxy.search_spaces.gancompression import Pix2PixCompression
from gpproxy.train import TrainSettings, dry_run, resume, run

SIDE = 32


class Colours:
    """Mean colour as features."""

    name, digest, dimensions, published = "colours", "0" * 16, 3, False

    def __call__(self, images):
        return Features(images.float().mean((2, 3)))


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A folder of side-by-side images, input left, target right, and settings that train on it."""
    monkeypatch.setitem(EXTRACTORS._items, "colours", lambda weights, device, download: Colours())
    monkeypatch.chdir(tmp_path)
    for split, count in (("train", 4), ("test", 40)):
        (tmp_path / "pairs" / split).mkdir(parents=True)
        for number in range(count):
            image = Image.new("RGB", (2 * SIDE, SIDE), (6 * number, 99, 0))
            image.paste((255 - 6 * number, 156, 255), (SIDE, 0, 2 * SIDE, SIDE))
            image.save(tmp_path / "pairs" / split / f"{number}.png")
    return TrainSettings(
        arch="16_16_16_16_16_16_16_16",
        space="gancompression-pix2pix",
        data=str(tmp_path / "pairs"),
        recipe="pix2pix-short",
        recipe_settings=("discriminator_width=4", "checks=1.0"),
        steps=2,
        resolution=SIDE,
        extractor="none",
        out=str(tmp_path / "out"),
    )


def test_a_dry_run_says_what_a_training_takes(settings, tmp_path):
    found = dry_run(settings)
    assert (found.steps, found.samples, found.parameters) == (2, 40, 137_347)
    space = Pix2PixCompression()
    assert found.macs == space.macs(space.decode(settings.arch)) / 64  # 32 pixels a side instead of 256
    assert found.discriminator > 0 and found.seconds > 0 and not (tmp_path / "out").exists()


def test_pairs_without_an_extractor_are_measured_by_ssim(settings, tmp_path):
    found = run(settings)
    assert (found.verdict, found.main) == ("finished", "DSSIM")
    assert set(found.best.measures) >= {"L1", "PSNR", "SSIM", "SSIM error"}
    assert found.value == (1 - found.best.measures["SSIM"]) / 2
    assert (tmp_path / "out" / "samples_000002.png").is_file()
    assert resume(tmp_path / "out").curve == found.curve


def test_an_extractor_adds_its_distance_and_every_measure(settings, tmp_path):
    found = run(replace(settings, extractor="colours"))
    assert found.main == "FD(colours)" and list(found.best.measures)[0] == "FD(colours)"
    quality = json.loads((tmp_path / "out" / "quality.json").read_text())
    assert quality["samples"] == 40 and {"FD(colours)", "precision", "L1", "SSIM"} <= set(quality["values"])
    # Kept weights make the images that the check has measured.
    assert quality["values"]["L1"] == pytest.approx(found.best.measures["L1"], abs=1e-3)


def test_the_direction_turns_pairs_around(settings):
    there, back = (run(replace(settings, direction=d, out="")) for d in ("left-to-right", "right-to-left"))
    assert there.about["images_digest"] != back.about["images_digest"]


def test_what_does_not_fit_is_named(settings):
    with pytest.raises(ImageError, match="choose split val or test"):
        dry_run(replace(settings, split="train"))
    with pytest.raises(ConfigError, match="draw images from noise"):
        dry_run(replace(settings, space="autogan", arch="autogan-a"))
    with pytest.raises(ConfigError, match="Choose the recipe pix2pix or"):
        dry_run(replace(settings, recipe="short", recipe_settings=(), data="shapes"))
