"""Tasks: how one is found, the one way to open a training, what lies in the folder, continuation bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gpproxy.errors import ConfigError, RunError, SpaceError
from gpproxy.tasks.registry import TASKS, open_task, recipes, task, tasks
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.tasks.task import Task
from gpproxy.tasks.unconditional import Unconditional
from gpproxy.training.checkpoint import BEST, load_state
from gpproxy.training.outcome import outcome
from tests.training import toy
from tests.training.toy import CODE, equal, images, small


def begin(folder: Path, seed: int = 0, stop: Any = None):  # type: ignore[no-untyped-def]
    return toy.task().train(CODE, seed, folder, stop)


def test_each_preset_belongs_to_one_task() -> None:
    names = [name for one in tasks() for name in one.presets]
    assert sorted(names) == sorted(recipes()) and {one.name for one in tasks()} >= {
        "unconditional",
        "paired",
        "unpaired",
    }
    for name in names:
        assert name in open_task(TrainingSettings(recipe=name)).presets
    with pytest.raises(ConfigError, match="no recipe 'shor'. Did you mean 'short'"):
        open_task(TrainingSettings(recipe="shor"))


def test_a_task_is_one_class_with_its_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TASKS, "_items", {name: TASKS[name] for name in TASKS})

    @task("twice")
    class Twice(Unconditional):
        presets = {"twice": small(steps=16)}

    assert type(open_task(TrainingSettings(recipe="twice", batch=2))) is Twice
    assert issubclass(Twice, Task) and recipes()["twice"].steps == 16


def test_a_recipe_for_other_generators_is_refused_with_those_that_fit() -> None:
    for space, recipe, words in (
        (
            "autogan",
            "pix2pix-short",
            "autogan draw images from noise, but .* Choose the recipe vae-short or short or autogan",
        ),
        ("gancompression-pix2pix", "short", "translate images, .* Choose the recipe pix2pix or .* cyclegan-short"),
        ("gancompression-spade", "cyclegan", "translate label maps, .* Choose the recipe pix2pix or pix2pix-short"),
    ):
        with pytest.raises(ConfigError, match=words):
            _ = open_task(TrainingSettings(space=space, recipe=recipe)).space


def test_numbers_of_a_space_are_read_as_numbers() -> None:
    found = open_task(TrainingSettings(space="transnas-micro", recipe="pix2pix", space_settings=("decoder_width=0.5",)))
    assert found.space_settings["decoder_width"] == found.space.settings.decoder_width == 0.5


def test_interrupted_equals_uninterrupted_and_seeds_differ(tmp_path: Path) -> None:
    steps = [progress.step for progress in begin(tmp_path / "whole")]
    assert steps[-1] == 8
    count = iter(range(1, 20))
    list(begin(tmp_path / "parts", stop=lambda: next(count) in (3, 4, 6)))
    assert outcome(tmp_path / "parts") is None
    while outcome(tmp_path / "parts") is None:
        list(begin(tmp_path / "parts", stop=lambda: next(count) in (3, 4, 6)))
    whole, parts = load_state(tmp_path / "whole"), load_state(tmp_path / "parts")
    assert whole is not None and parts is not None and equal(whole["objective"], parts["objective"])
    for name in (BEST, "samples_000008.png"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    list(begin(tmp_path / "other", seed=1))
    assert (tmp_path / "whole" / BEST).read_bytes() != (tmp_path / "other" / BEST).read_bytes()


def test_a_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    list(begin(tmp_path, stop=lambda: True))
    with pytest.raises(RunError, match="another recipe"):
        list(toy.task(small(steps=9)).train(CODE, 0, tmp_path))
    with pytest.raises(RunError, match="another images_digest"):
        list(toy.task(learnt=images(41)).train(CODE, 0, tmp_path))


def test_a_bad_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpaceError):
        list(toy.task().train("1-2-3", 0, tmp_path))


def test_the_global_random_state_is_untouched(tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    list(begin(tmp_path))
    assert torch.equal(torch.get_rng_state(), before)
