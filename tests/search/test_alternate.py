"""Shared weights and a controller in turns: phases, growth, resets, and the same end after a kill, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gpproxy.errors import RunError
from gpproxy.estimators.registry import Request, open_estimator
from gpproxy.estimators.settings import SharedWeights
from gpproxy.estimators.shared import SharedEstimator
from gpproxy.search import SearchSettings, run
from gpproxy.search.alternate import Alternation
from gpproxy.search.settings import ControllerSettings
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.tasks.settings import TrainingSettings
from tests.search.killed import ends_alike_after_a_kill
from tests.training.toy import equal, saved

SPACE = AutoGAN(width=4, latent=8, resolution=16)
SMALL = ("batch=4", "critic_batch=4", "critic_steps=1", "recalibrate=1", "discriminator_width=4")
FLAGS = {
    "space": "autogan", "space_settings": ("width=4", "latent=8", "resolution=16"), "data": "shapes",
    "train_settings": ("limit=32",), "shared_settings": SMALL, "reward_images": 20, "rounds": 3, "shared_steps": 9,
    "controller_steps": 2, "drawn": 3, "keep": 2, "top": 1, "estimator": "shared",
}  # fmt: skip


def made(how: dict[str, Any] | None = None, **control: Any) -> Alternation:
    training = TrainingSettings(space="autogan", width=4, resolution=16, data="shapes", limit=32,
                                space_settings=("latent=8",))  # fmt: skip
    shared = SharedWeights(shared_steps=9, shared_settings=SMALL, reward_images=20, **(how or {}))
    estimator = open_estimator(Request("shared", SPACE, training=lambda: training, shared=shared))
    assert isinstance(estimator, SharedEstimator)
    settings = {"rounds": 3, "controller_steps": 2, "drawn": 3, "keep": 2, **control}
    return Alternation(estimator, ControllerSettings(**settings))


def test_rounds_alternate_and_levels_grow_with_them() -> None:
    one = made()
    assert (one.shared_steps, one.recipe.steps) == (3, 15)
    levels = []
    for index in range(15):
        weights = {name: tensor.clone() for name, tensor in one.generator.state_dict().items()}
        one.step(index)
        levels.append(one.stage)
        assert equal(weights, one.generator.state_dict()) == (index % 5 >= 3)  # the controller's turn
    assert levels[::5] == [0, 1, 2] and [line["level"] for line in one.learner.history] == [1, 1, 2, 2, 3, 3]
    found = list(one.derive())
    assert 1 <= len(found) <= 3 and all(len(a) == 14 and reward >= 1 for a, (reward,) in found)
    early = made()
    early.step(0)
    assert all(len(a) == 14 for a, _ in early.derive())  # stopped in the first level
    single = made(levels="single")
    single.step(0)
    assert single.stage == 2 and len(single.learner.draw(0).tokens) == 14


def test_a_reset_waits_for_the_controller_and_keeps_it() -> None:
    one = made({"reset_window": 2, "reset_below": 1e9}, levels="single")
    for index in range(4):
        before = {name: tensor.clone() for name, tensor in one.generator.state_dict().items()}
        one.step(index)
    assert one.flagged and one.reset.at == [] and equal(before, one.generator.state_dict())
    controller = one.learner.controller
    one.step(4)
    assert one.reset.at == [5] and not one.flagged and one.learner.controller is controller
    assert not equal(before, one.generator.state_dict()) and len(one.learner.history) == 2


def test_a_restored_search_goes_on_bit_for_bit() -> None:
    whole = made({"reset_window": 2, "reset_below": 1e9})
    for index in range(7):
        whole.step(index)
    other = made({"reset_window": 2, "reset_below": 1e9})
    other.load_state_dict(saved(whole.state_dict()))
    for index in range(7, 15):
        whole.step(index)
        other.step(index)
    assert equal(whole.state_dict(), other.state_dict()) and list(whole.derive()) == list(other.derive())


@pytest.mark.parametrize("strategy", ["controller", "random"])
def test_killed_and_begun_again_by_the_same_command_it_ends_alike(tmp_path: Path, strategy: str) -> None:
    settings = {**FLAGS, "strategy": strategy, "budget": 3, "workers": 1}
    ends_alike_after_a_kill(tmp_path, settings, cached=strategy == "random")


def test_a_search_by_time_leaves_everything_in_its_folder(tmp_path: Path) -> None:
    settings = {**FLAGS, "strategy": "controller", "shared_steps": 3000, "max_seconds": 3.0}
    found = run(SearchSettings(**{**settings, "out": str(tmp_path / "s")}))  # type: ignore[arg-type]
    assert found.finished == "time" and 1 <= len(found.seen) <= 3
    assert found.cost.set_up > 2.5  # what is timed are the steps, which begin a little later than the search
    names = {path.name for path in found.folder.iterdir()}
    assert {"ranking.csv", "winners.png", "losses.png", "result.json"} <= names


def test_a_time_that_the_shared_training_takes_is_told_and_the_training_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "cache"))
    settings = {**FLAGS, "strategy": "random", "shared_steps": 5000, "max_seconds": 2.0, "out": str(tmp_path / "s")}
    with pytest.raises(RunError, match="over before the estimate by shared weights was ready.*larger --max-seconds"):
        run(SearchSettings(**settings))  # type: ignore[arg-type]
    assert list((tmp_path / "cache").rglob("last.pt"))
