"""Tables of translation generators: data, objective and measure follow from the recipe; the card says so."""

import pytest
from PIL import Image

from gpproxy.benchmark.builder import Build
from gpproxy.benchmark.settings import BuildConfig
from gpproxy.benchmarks.csv_table import read_card, read_rows
from gpproxy.errors import ConfigError, ImageError
from gpproxy.tasks.workshop import Workshop
from gpproxy.tasks.workshop_translation import TranslationWorkshop, workshop

SIDE = 32


@pytest.fixture
def folder(tmp_path):
    """Side-by-side images: what is left of the middle is the input, its negative the target."""
    for split, count in (("train", 4), ("test", 3)):
        (tmp_path / "pairs" / split).mkdir(parents=True)
        for number in range(count):
            image = Image.new("RGB", (2 * SIDE, SIDE), (40 * number, 99, 0))
            image.paste((255 - 40 * number, 156, 255), (SIDE, 0, 2 * SIDE, SIDE))
            image.save(tmp_path / "pairs" / split / f"{number}.png")
    return tmp_path / "pairs"


def settings(folder, **changes):
    return BuildConfig(
        **{
            "space": "gancompression-pix2pix",
            "data": str(folder),
            "recipe": "pix2pix-short",
            "recipe_settings": ("discriminator_width=4", "checks=1.0"),
            "steps": 1,
            "archs": 2,
            "seeds": 2,
            "resolution": SIDE,
            "split": "test",
            "extractor": "none",
            "out": str(folder.parent / "out"),
            **changes,
        }
    )


def test_a_table_of_pairs_is_built(folder):
    build = Build(settings(folder))
    assert sum(report.ended for report in build.run()) == 4
    card, rows = read_card(build.config.table), read_rows(build.config.table)
    assert (card.space, card.metric, card.direction, card.seeds) == ("gancompression-pix2pix", "DSSIM", "lower", 2)
    assert card.task == "paired image translation" and "3 images of the test split" in card.data
    assert card.facts["samples"] == 3 and card.space_settings == {"resolution": SIDE}
    assert len(rows) == 4 and all(0 < float(row["L1"]) < 1 and float(row["SSIM"]) < 1 for row in rows)
    assert not Build(settings(folder)).work().left


def test_the_recipe_chooses_the_workshop(folder):
    assert isinstance(workshop(settings(folder)), TranslationWorkshop)
    plain = workshop(BuildConfig(data="shapes"))
    assert type(plain) is Workshop and plain.samples == plain.config.samples


def test_what_cannot_be_measured_is_refused(folder):
    with pytest.raises(ImageError, match="choose split val or test"):
        _ = workshop(settings(folder, split="train")).images
    for kind in "AB":
        for split in ("train", "test"):
            (folder / f"{split}{kind}").mkdir()
            Image.new("RGB", (SIDE, SIDE)).save(folder / f"{split}{kind}" / "1.png")
    with pytest.raises(ConfigError, match="an extractor has to measure"):
        _ = workshop(settings(folder, recipe="cyclegan-short")).gauge


def test_a_width_is_refused_by_spaces_without_one(folder):
    with pytest.raises(ConfigError, match="has no setting 'width'"):
        _ = workshop(settings(folder, width=64)).space
