"""Shared weights: grown, reset, exact after every end, and what they say of architectures."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from gpproxy.errors import ConfigError
from gpproxy.estimators.registry import Request, open_estimator
from gpproxy.estimators.reset import Reset
from gpproxy.estimators.reward import Reward, to_side
from gpproxy.estimators.settings import SharedWeights
from gpproxy.estimators.shared import SharedEstimator
from gpproxy.estimators.shared_objective import SharedObjective
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.tasks.registry import recipe
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.training.checkpoint import load_weights
from gpproxy.training.recipe import AdversarialRecipe
from tests.training.toy import equal, images, saved

SPACE = AutoGAN(width=4, latent=8, resolution=16)
SMALL = ("batch=4", "critic_batch=4", "critic_steps=2", "recalibrate=1", "discriminator_width=4")
#: With BatchNorm, deconvolutions, shortcuts and skips.
CODE = "1111-11211-10103"


def objective(seed: int = 0, **changes: Any) -> SharedObjective:
    settings = {
        "steps": 9,
        "batch": 4,
        "critic_batch": 4,
        "critic_steps": 2,
        "recalibrate": 1,
        "discriminator_width": 4,
    }
    how = SharedWeights(**{name: changes.pop(name) for name in list(changes) if name.startswith("reset")})
    found = recipe("autogan-search", **{**settings, **changes})
    assert isinstance(found, AdversarialRecipe)
    return SharedObjective(SPACE, images(), found, how, seed)


def estimator(steps: int = 8, text: str = "shared", **changes: Any) -> SharedEstimator:
    training = TrainingSettings(space="autogan", width=4, resolution=16, data="shapes", limit=32,
                                space_settings=("latent=8", "discriminator_width=32"))  # fmt: skip
    how = SharedWeights(shared_steps=steps, shared_settings=SMALL, reward_images=20, **changes)
    made = open_estimator(Request(text, SPACE, training=lambda: training, shared=how))
    assert isinstance(made, SharedEstimator)
    return made


def test_both_networks_grow_and_every_batch_has_another_architecture() -> None:
    one = objective(growth=(0.3, 0.6))
    seen, sides = [], []
    choose = one.generator.choose
    one.generator.choose = lambda a: (seen.append(a), choose(a))  # type: ignore[method-assign, func-returns-value]
    judged = one.discriminator.forward
    one.discriminator.forward = lambda x, stage: (sides.append((x.shape[-1], stage)), judged(x, stage))[1]  # type: ignore[method-assign]
    for index in range(9):
        one.step(index)
    assert [len(a) for a in seen] == [4] * 6 + [9] * 6 + [14] * 6 and len(set(seen[-6:])) > 3
    assert list(dict.fromkeys(sides)) == [(4, 0), (8, 1), (16, 2)]


def test_a_restored_objective_goes_on_bit_for_bit() -> None:
    whole, part = objective(), objective()
    for index in range(4):
        assert equal(whole.step(index), part.step(index))
    other = objective(seed=0)
    other.load_state_dict(saved(part.state_dict()))
    for index in range(4, 9):
        assert equal(whole.step(index), other.step(index))
    assert equal(whole.state_dict(), other.state_dict())
    ours, theirs = (x.images_of(SPACE.decode(CODE), 5) for x in (whole, other))
    assert torch.equal(ours, theirs) and ours.shape == (5, 3, 16, 16)


def test_losses_that_stand_still_begin_anew() -> None:
    one = objective(reset_window=3, reset_below=1e9, growth=())
    for index in range(7):
        one.step(index)
    assert one.reset.at == [3, 6]
    fresh = objective(growth=())
    fresh.reset.at = [3]
    fresh.begin_anew()
    other = objective(reset_window=3, reset_below=1e9, growth=())
    for index in range(6):
        other.step(index)
    assert equal(other.generator.state_dict(), fresh.generator.state_dict())
    never = objective(reset="none", reset_window=3, reset_below=1e9, growth=())
    for index in range(7):
        never.step(index)
    assert never.reset.at == []


def test_deviation_and_variance_of_a_window() -> None:
    for kind, bound, due in (("deviation", 0.5, False), ("variance", 0.5, True), ("deviation", 1.1, True)):
        reset = Reset(SharedWeights(reset=kind, reset_window=4, reset_below=bound))  # type: ignore[arg-type]
        for loss in (0.0, 1.2, 0.0, 1.2):  # deviation 0.6, variance 0.36
            assert not reset.due
            reset.see(10 * loss, loss)
        assert reset.due == due


def test_a_stopped_training_of_shared_weights_ends_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for name in ("whole", "parts"):
        monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / name))
        one, asked = estimator(), iter([False, False, False, True, False, True] if name == "parts" else [])
        while not one.file.is_file():
            try:
                one.prepare(lambda text: None, partial(next, asked, False))
            except KeyboardInterrupt:
                assert name == "parts" and not one.file.is_file()
        files.append(one.file)
        assert one.set_up > 0
        scores, work = one.score([CODE, "0000-00000-00000"], {})
        assert work.networks == 0 and all(1 <= score.score <= 10 for score in scores) and scores[0].params > 0
    assert equal(*(dict(sorted(load_weights(file).items())) for file in files))
    half = estimator(text="shared:50")
    assert half.steps == 4 and half.folder == files[1].parent


def test_shares_of_a_training_are_its_weights_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path))
    half, whole = estimator(text="shared:50"), estimator()
    half.prepare(lambda text: None)
    whole.prepare(lambda text: None)
    assert half.file.name == "weights_0000004.safetensors" and half.file.is_file() and whole.file.is_file()
    assert half.set_up < whole.set_up
    with pytest.raises(ConfigError, match="percentage"):
        estimator(text="shared:0.5")


def test_small_images_are_enlarged_and_better_ones_are_worth_more(monkeypatch: pytest.MonkeyPatch) -> None:
    one = estimator()
    real = one.task.real().first(40).images
    noise = torch.randint(0, 256, real.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for kind, name in (("distance", "1/FD(cifar)"), ("score", "CS(cifar)")):
        reward = Reward(one.task, kind)
        assert reward.names == (name,)
        assert reward(real) > reward(noise) if kind == "distance" else reward(real) >= (1,)
        assert reward(real[:, :, ::4, ::4].contiguous()) > (0,)
    both = Reward(one.task, "both")
    assert both.names == ("CS(cifar)", "1/FD(cifar)")
    assert both(real) == (*Reward(one.task, "score")(real), *Reward(one.task, "distance")(real))
    assert to_side(real[:, :, ::4, ::4], 16).shape == real.shape
