"""Autoencoders of many resolutions as a task: they learn, repeat, and their bound is that of the space."""

import math
from pathlib import Path

import pytest
import torch

from gpproxy.errors import ConfigError
from gpproxy.images.image_set import to_unit
from gpproxy.seeds import numbered
from gpproxy.tasks.bound import BOUND
from gpproxy.tasks.hierarchical import HierarchicalRecipe
from gpproxy.tasks.registry import open_task, recipe
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.training.draw import trained
from tests.tasks.bounds import learns
from tests.training.toy import goes_on

CODE = "16-4-4_1x1.4m1.8m4"
SMALL = {
    "resolution": 8, "steps": 6, "batch": 4, "samples": 24, "data": "shapes", "limit": 64, "extractor": "none",
    "recipe_settings": ("held_out=24",),
}  # fmt: skip


@pytest.fixture(scope="module")
def task():
    return open_task(TrainingSettings(space="vdvae", recipe="vdvae-short", **SMALL))


def test_it_learns(task):
    learns(task, CODE)


def test_the_bound_is_that_of_the_space(task):
    objective = task.objective(CODE, 0)
    images = to_unit(objective._held_out[:24])
    noise = torch.randn(24, *objective.latent, generator=numbered(0))
    space = task.space
    batch = type(space.batch(2, numbered(0)))(images, images, condition=noise)
    with torch.no_grad():
        expected = float(space.loss(batch.call(objective.average.network), batch)) / math.log(2)
    assert objective.held_out_losses()[BOUND] == pytest.approx(expected, rel=1e-5)


def test_a_stopped_training_ends_in_the_same_bytes_and_leaves_a_generator(task, tmp_path: Path):
    found = goes_on(task, CODE, tmp_path)
    assert found.main == BOUND and found.verdict == "finished"
    network = trained(task.space, CODE, tmp_path / "whole" / "best.safetensors")
    assert task.outputs(network, 0).shape == (24, 3, 8, 8)
    assert (tmp_path / "whole" / "samples_000006.png").is_file()


def test_zero_ends_are_a_setting(task):
    assert not task.objective(CODE, 0).generator.decoder[0].prior.conv4.weight.any()
    other = open_task(TrainingSettings(
        space="vdvae", recipe="vdvae-short", **{**SMALL, "recipe_settings": ("zero_ends=false", "rise=10")}
    ))  # fmt: skip
    objective = other.objective(CODE, 0)
    assert objective.generator.decoder[0].prior.conv4.weight.any()
    objective.prepare(4)
    assert objective._weight.item() == pytest.approx(0.5)


def test_recipes_and_spaces_that_cannot_work():
    assert isinstance(recipe("vdvae-short"), HierarchicalRecipe)
    with pytest.raises(ConfigError, match="encode images and draw them again, but the recipe vae-short is for"):
        _ = open_task(TrainingSettings(space="vdvae", recipe="vae-short")).space
    with pytest.raises(ConfigError, match="draw images from noise, but the recipe vdvae-short is for"):
        _ = open_task(TrainingSettings(space="autogan", recipe="vdvae-short")).space
