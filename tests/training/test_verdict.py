"""Verdicts: each way to end, its step and reason, and that a saved one goes on counting."""

from __future__ import annotations

import math

import pytest
import torch

from gpproxy.tasks.registry import recipe
from gpproxy.training.verdict import COLLAPSED, NOT_FINITE, Verdict, spread

RECIPE = recipe("short", collapse_steps=5)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_ends_at_once(value: float) -> None:
    verdict = Verdict(RECIPE)
    verdict.losses(0, {"discriminator": 2.0, "generator": 0.0})
    assert not verdict.word
    verdict.losses(1, {"discriminator": 1.0, "generator": value})
    assert verdict.word == NOT_FINITE and "generator loss of step 2" in verdict.reason


def test_a_discriminator_that_has_won_ends_after_so_many_steps() -> None:
    verdict = Verdict(RECIPE)
    losses = [0.01] * 4 + [0.02] + [0.0] * 5
    words = []
    for step, value in enumerate(losses):
        verdict.losses(step, {"discriminator": value, "generator": 1.0})
        words.append(verdict.word)
    assert words == [""] * 9 + [COLLAPSED] and "for 5 steps, to 10" in verdict.reason


@pytest.mark.parametrize(("steps", "enough"), [(400, 100), (5000, 500), (2, 1)])
def test_a_quarter_of_a_short_training_is_enough(steps: int, enough: int) -> None:
    verdict = Verdict(recipe("short", steps=steps))
    for step in range(enough):
        assert not verdict.word
        verdict.losses(step, {"discriminator": 0.0, "generator": 1.0})
    assert verdict.word == COLLAPSED


def test_counting_goes_on_after_a_save_and_the_first_verdict_stays() -> None:
    verdict, other = Verdict(RECIPE), Verdict(RECIPE)
    for step in range(3):
        verdict.losses(step, {"discriminator": 0.0})
    other.load_state_dict(verdict.state_dict())
    for step in range(3, 5):
        other.losses(step, {"discriminator": 0.0})
    assert other.word == COLLAPSED
    other.losses(5, {"discriminator": math.nan})
    assert other.word == COLLAPSED


def test_images_that_are_all_alike() -> None:
    verdict = Verdict(RECIPE)
    one = torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8)
    verdict.images(3, torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8))
    assert not verdict.word
    verdict.images(4, one.expand(20, 3, 8, 8))
    assert verdict.word == COLLAPSED and "after step 4" in verdict.reason


def test_spread_of_uniform_bytes() -> None:
    images = torch.randint(0, 256, (4000, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert spread(images) == pytest.approx(math.sqrt((256**2 - 1) / 12) / 127.5, rel=0.01)


def test_weights_that_are_not_finite() -> None:
    verdict = Verdict(RECIPE)
    verdict.weights(2, {"count": torch.tensor(1), "weight": torch.ones(2)})
    assert not verdict.word
    verdict.weights(4, {"weight": torch.tensor([1.0, math.nan])})
    assert verdict.word == NOT_FINITE and "weight" in verdict.reason
