"""Tables of translation generators: data, objective and measure follow from the recipe; the card says so."""

from dataclasses import replace

import pytest
from PIL import Image

from gpproxy.benchmark.builder import Build
from gpproxy.benchmark.kept import begun
from gpproxy.benchmark.settings import BuildSettings
from gpproxy.benchmarks.csv_table import read_card, read_rows
from gpproxy.errors import ConfigError, ImageError
from gpproxy.registry import load_plugin
from tests.commands import SEVERAL

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
    return BuildSettings(
        **{
            "space": "gancompression-pix2pix",
            "data": str(folder),
            "recipe": "pix2pix-short",
            "recipe_settings": ("discriminator_width=4", "checks=1.0"),
            "steps": 1,
            "size": 2,
            "trainings": 2,
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
    card, rows = read_card(build.settings.table), read_rows(build.settings.table)
    assert (card.space, card.metric, card.direction, card.seeds) == ("gancompression-pix2pix", "DSSIM", "lower", 2)
    assert card.task == "paired image translation" and "3 images of the test split" in card.data
    assert card.facts["samples"] == 3 and card.space_settings == {"resolution": SIDE}
    assert len(rows) == 4 and all(0 < float(row["L1"]) < 1 and float(row["SSIM"]) < 1 for row in rows)
    assert not Build(settings(folder)).work().left


def test_generators_that_are_called_by_name_and_return_several_tensors(folder):
    """A table of them is that of generators that take and return the image alone."""
    load_plugin(SEVERAL)
    measured = []
    for how in ("one", "several", "named"):
        changes = {"space": f"translates-{how}", "plugins": (SEVERAL,), "trainings": 1, "resolution": 0}
        changes["recipe_settings"] = ("discriminator_width=4", "discriminator_layers=2", "checks=1.0")
        build = Build(settings(folder, **changes, out=str(folder.parent / how)))
        assert sum(report.ended for report in build.run()) == 2
        rows = sorted(read_rows(build.settings.table), key=lambda row: row["architecture"])
        measured.append([(row["L1"], row["SSIM"]) for row in rows])
    assert measured[0] == measured[1] == measured[2]


def test_what_cannot_be_measured_is_refused(folder):
    with pytest.raises(ImageError, match="choose split val or test"):
        Build(settings(folder, split="train")).work()
        next(Build(settings(folder, split="train")).run())
    for changes in ({"recipe": "cyclegan-short"}, {"space": "autogan", "recipe": "short", "recipe_settings": ()}):
        with pytest.raises(ConfigError, match="an extractor has to measure"):
            Build(settings(folder, **changes))


def test_a_width_is_refused_by_spaces_without_one(folder):
    with pytest.raises(ConfigError, match="has no setting 'width'"):
        Build(settings(folder, width=64))


def test_a_table_of_0_1_is_continued_that_kept_a_width_which_its_space_lacks(folder):
    """0.1 wrote width=32 of every build, and other names of its size."""
    out = folder.parent / "out"
    list(Build(settings(folder)).run())
    rows = read_rows(settings(folder).table)
    for file in (out / "build.toml", settings(folder).table.with_suffix(".toml")):
        text = file.read_text().replace("\nwidth = 0\n", "\nwidth = 32\n").replace("\nlimit = 0\n", "\n")
        file.write_text(text.replace("\nsize = ", "\narchs = ").replace("\ntrainings = 2", "\nseeds = 2"))
    assert "width = 32" in (out / "build.toml").read_text() and "seeds = 2" in (out / "build.toml").read_text()
    for kept in (begun(str(out), ""), begun("", str(settings(folder).table))):
        assert (kept.size, kept.trainings, kept.width) == (2, 2, 32)
    grown = Build(replace(begun(str(out), ""), size=3, out=str(out)))
    assert len(grown.work().left) == 2 and grown.settings.width == 0
    list(grown.run())
    assert [row for row in read_rows(grown.settings.table) if row in rows] == rows
