"""Training the winners: who is trained where, the tables that come of it, the measured cost."""

from __future__ import annotations

import csv
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gpproxy.__main__ import main
from gpproxy.errors import ConfigError, SpaceError
from gpproxy.execution.scheduler import News, run_steps
from gpproxy.execution.task import Stop, never
from gpproxy.execution.workfolder import WorkFolder
from gpproxy.run.command import guarded
from gpproxy.search import SearchSettings, resume, run, winners
from gpproxy.search.console import SearchWatch
from gpproxy.search.winners import training_settings
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.search_spaces.check import make_space
from gpproxy.tasks.registry import open_task
from gpproxy.train.settings import TrainSettings
from gpproxy.training.outcome import Check, Outcome

TINY = ("width=4", "resolution=16", "latent=8", "discriminator_width=4")
QUICK = ("extractor=none", "steps=40", "limit=32", "batch=4", "recipe_settings=critic_batch=4")


def config(out: Path, **changes: Any) -> SearchSettings:
    settings = {
        "space": "autogan",
        "space_settings": TINY,
        "proxy": ("params",),
        "budget": 6,
        "workers": 1,
        "top": 1,
        "data": "shapes",
    }
    return SearchSettings(**{**settings, "out": str(out), "train_settings": QUICK, **changes})


class Listener(SearchWatch):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.lines: list[Any] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def compared(self, lines: Any, measure: str) -> None:
        self.lines = list(lines)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainSettings]:
    """Trainings that take no time: the quality falls with the number of ones in the code."""
    asked: list[TrainSettings] = []

    def pretend(one: TrainSettings, folder: WorkFolder, stop: Stop) -> Generator[None, None, Outcome]:
        asked.append(one)
        yield None
        value = 10.0 - one.arch.count("1") + one.seed
        return Outcome("finished", "", 40, 40, 2.0, "FD(x)", (Check(40, {"FD(x)": value}),), {}, {})

    monkeypatch.setattr(winners, "train_one", pretend)
    return asked


def test_a_training_that_is_asked_to_stop_goes_on_later(tmp_path: Path) -> None:
    settings = TrainSettings(
        arch="autogan-a",
        space="autogan",
        space_settings=TINY,
        data="shapes",
        recipe="short",
        out=str(tmp_path / "one"),
        **winners._settings(QUICK, "short"),
    )
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 5

    (*_, stopped) = winners_news(settings, stop)
    assert stopped.ended and stopped.result is None and not (tmp_path / "one" / "outcome.json").exists()
    (*_, finished) = winners_news(settings, never)
    assert finished.result.step == 40


def winners_news(settings: TrainSettings, stop: Stop) -> list[News]:
    return list(run_steps(winners.train_one, [(settings, WorkFolder(Path(settings.out)))], stop=stop))


def test_winners_random_ones_and_a_published_one_are_trained_alike(
    tmp_path: Path, trained: list[TrainSettings]
) -> None:
    watch = Listener()
    settings = {"train_top": 2, "compare": "random:3,autogan-a", "trainings": 2, "cost": True, "max_params": 1e5}
    found = run(config(tmp_path / "s", **settings), watch)
    best = [one.code for one, _ in found.best(2)]
    groups = {group: [line for line in watch.lines if line.group == group and line.code] for group in
              ("proxy", "random", "autogan-a")}  # fmt: skip
    assert sorted(line.code for line in groups["proxy"]) == sorted(best)
    assert len(groups["random"]) == 3 and groups["autogan-a"][0].code == "1011-10011-10103"
    codes = {line.code for line in watch.lines if line.code}
    assert len(trained) == 2 * len(codes) and {one.seed for one in trained} == {0, 1}
    assert len({one.out for one in trained}) == len(trained)
    assert {(one.data, one.recipe, one.recipe_changes["steps"], one.space_settings) for one in trained} == {
        ("shapes", "short", 40, TINY)
    }
    line = groups["autogan-a"][0]
    assert line.trainings == 2 and line.mean == 10.0 - line.code.count("1") + 0.5
    rows = list(csv.DictReader((found.folder / "compared.csv").open()))
    assert [row["group"] for row in rows][0] == "proxy" and len(rows) == len(watch.lines)
    cost = json.loads((found.folder / "result.json").read_text())["cost"]
    assert cost["training"]["steps"] == 40 and cost["training"]["step"] > 0
    assert cost["speed_up"] == pytest.approx(cost["training"]["seconds"] / cost["seconds_per_candidate"])
    assert any("times faster" in note for note in watch.notes) and any("random choice" in note for note in watch.notes)
    trained.clear()
    resume(found.folder, train_top=1, compare="autogan-b", trainings=1)
    assert [one.arch for one in trained] == [best[0], "1011-10111-10113"]


def test_searches_are_compared_by_their_winners(
    tmp_path: Path, trained: list[TrainSettings], capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {"train_top": 2, "trainings": 1}
    folders = [
        str(run(config(tmp_path / f"{strategy}{seed}", strategy=strategy, seed=seed, **settings)).folder)
        for strategy, settings in (("random", wanted), ("exhaustive", {**wanted, "compare": "random:2"}))
        for seed in (0, 1)
    ]
    capsys.readouterr()
    assert main(["compare", *folders]) == 0
    said = capsys.readouterr().out
    assert "over searches" in said and "  random, params: " in said and "    random, params − this: " in said
    assert said.count("(2 searches, 6 candidates each, ") == 2 and "  random: " in said
    assert guarded(main, ["compare", folders[0], str(Path(folders[0]).parent)]) == 1
    assert "is a search, " in capsys.readouterr().err


def test_winners_of_a_translation_space_learn_from_pairs(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / "pairs" / split).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (64, 32), (90 * number, 9, 70)).save(tmp_path / "pairs" / split / f"{number}.png")
    recipe = "recipe_settings=discriminator_width=4;discriminator_layers=1"
    changes = {
        "space": "gancompression-pix2pix", "space_settings": ("channels=channels-32", "resolution=32"), "budget": 2,
        "data": str(tmp_path / "pairs"), "recipe": "pix2pix-short", "train_top": 1, "trainings": 1,
        "train_settings": ("extractor=none", "steps=1", recipe),
    }  # fmt: skip
    watch = Listener()
    found = run(config(tmp_path / "s", **changes), watch)
    (line,) = [line for line in watch.lines if line.code]
    assert line.code == found.best(1)[0][0].code and 0 < line.mean < 1


def test_values_of_the_recipe_are_given_like_settings_of_the_training(tmp_path: Path) -> None:
    wished = ("steps=40", "batch=4", "generator_rate=5e-4", "recipe_settings=critic_batch=4")
    searched = config(tmp_path / "s", train_settings=wished)
    found = training_settings(searched, make_space("autogan"))
    assert found.steps == 40 and found.recipe_changes["generator_rate"] == 5e-4
    assert found.recipe_changes["critic_batch"] == 4
    with pytest.raises(ConfigError, match="Did you mean 'generator_rate'"):
        training_settings(config(tmp_path / "s", train_settings=("generator_rat=1",)), make_space("autogan"))


def test_impossible_wishes_are_told_before_the_search(tmp_path: Path) -> None:
    for changes, words in (
        ({"compare": "autogan-q"}, "autogan-q"), ({"compare": "random"}, "random:NUMBER"), ({"recipe": "no"}, "short"),
    ):  # fmt: skip
        with pytest.raises((ConfigError, SpaceError), match=words):
            run(config(tmp_path / "x", train_top=1, **changes))
    assert not (tmp_path / "x").exists()


def test_winners_are_as_wide_as_the_search_whatever_the_recipe(tmp_path: Path) -> None:
    space = AutoGAN(width=4, resolution=16, latent=8, discriminator_width=4)
    for settings in (TINY, TINY[1:]):
        asked = config(
            tmp_path, recipe="autogan", space_settings=settings, train_settings=("extractor=none", "limit=32")
        )
        judge = winners.Judge.of_search(asked, space, Listener())
        assert open_task(judge.settings).space.settings == space.settings
