"""Recipes: the published numbers, schedules, texts from a command line, refusals."""

from __future__ import annotations

import json

import pytest

from gpproxy.errors import ConfigError
from gpproxy.tasks.registry import recipe, recipes


def test_the_published_recipe() -> None:
    """Gong et al., 2019, section 4.1, and its published code."""
    found = recipe("autogan")
    assert (found.steps, found.batch, found.critic_batch, found.critic_steps) == (50_000, 128, 64, 5)
    assert found.generator_rate == found.discriminator_rate == 2e-4 and (found.beta1, found.beta2) == (0.0, 0.9)
    assert found.loss == "hinge" and found.average == 0.999 and not found.augment and found.rate(49_999) == 1


def test_schedules() -> None:
    linear = recipe("short", steps=100)
    assert [linear.rate(step) for step in (0, 25, 99)] == pytest.approx([1, 0.75, 0.01])
    assert linear.check_steps == (25, 50, 75, 100)
    assert recipe("short", steps=3).check_steps == (1, 2, 3)
    assert recipe("short", steps=10, checks="0.5").check_steps == (5, 10)
    grown = recipe("short", steps=100, growth="0.2,0.5")
    assert [grown.stage(step, 3) for step in (0, 19, 20, 49, 50, 99)] == [0, 0, 1, 1, 2, 2]
    assert recipe("short").stage(0, 3) == 2


def test_changes_come_as_values_or_as_text() -> None:
    text = recipe("short", steps="70", batch="32", share="false", augment="cutout,colour", generator_rate="1e-3")
    value = recipe(
        "short", steps=70, batch=32, critic_batch=64, share=False, augment=["colour", "cutout"], generator_rate=1e-3
    )
    assert text == value and value.augment == ("colour", "cutout")
    assert recipe("short", augment="none").augment == () and recipe("short", batch=16).critic_batch == 16


@pytest.mark.parametrize("name", recipes())
def test_json_holds_everything(name: str) -> None:
    found = recipe(name)
    assert found.changed(**json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": 5}, "Did you mean 'steps'"),
        ({"steps": "many"}, "steps of a recipe is a whole number, but got 'many'"),
        ({"steps": 1.5}, "whole number"),
        ({"steps": 0}, "steps >= 1"),
        ({"average": 1.0}, "0 <= average < 1"),
        ({"loss": "hing"}, "Did you mean 'hinge'"),
        ({"augment": "translate"}, "Did you mean 'translation'"),
        ({"checks": "1,0.5"}, "rising shares"),
        ({"share": "perhaps"}, "true or false"),
        ({"batch": 8, "critic_batch": 4}, "equal batches"),
        ({"generator_rate": 0}, "generator_rate > 0"),
    ],
)
def test_refusals(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        recipe("short", **changes)


def test_unknown_preset() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'autogan'"):
        recipe("autogam")


def test_values_that_came_later_are_told_only_where_they_are_used():
    """Tables and trainings of earlier versions go on under recipes that know more."""
    told = recipe("short").to_json()
    assert "gradient_penalty" not in told and "spectral_norm" not in told
    changed = recipe("short", loss="wasserstein", gradient_penalty=10, spectral_norm="false", collapse_loss=0).to_json()
    assert changed["gradient_penalty"] == 10 and changed["spectral_norm"] is False
    with pytest.raises(ConfigError, match="cannot tell a collapse: set collapse_loss=0"):
        recipe("short", loss="wasserstein")
    with pytest.raises(ConfigError, match="so gradient_penalty is 0.0, but got 10.0"):
        recipe("pix2pix", gradient_penalty=10)
    with pytest.raises(ConfigError, match="hinge, vanilla or least-squares, but got loss=relativistic"):
        recipe("pix2pix", loss="relativistic")


def test_what_came_later_is_told_only_where_it_is_used() -> None:
    told = recipe("autogan-search").to_json()
    assert "warm_up" not in told and "discriminator" not in told
    told = recipe("eagan-search").to_json()
    assert told["warm_up"] == 0.2 and told["discriminator"] == "simple"
    with pytest.raises(ConfigError, match="Only discriminator=residual grows"):
        recipe("autogan-search", discriminator="simple")
    with pytest.raises(ConfigError, match="0 <= warm_up <= 1"):
        recipe("autogan-search", warm_up="1.5")
