"""The autoencoding task: its likelihoods are likelihoods, it learns, repeats, and tells a collapsed posterior."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from gpproxy.errors import ConfigError
from gpproxy.seeds import numbered
from gpproxy.tasks.autoencoding import (
    Autoencoder,
    AutoencodingRecipe,
    VariationalObjective,
)
from gpproxy.tasks.bound import BOUND, DIVERGENCE, ERROR
from gpproxy.tasks.registry import open_task, recipe
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.training.draw import trained
from gpproxy.training.outcome import Check, outcome
from tests.tasks.bounds import learns
from tests.training.toy import goes_on

CODE = "0010-11000-12000"
SMALL = {
    "width": 4, "resolution": 16, "steps": 6, "batch": 4, "samples": 24, "data": "shapes", "limit": 64,
    "extractor": "none", "space_settings": ("latent=8",), "recipe_settings": ("held_out=24", "recalibrate=2"),
}  # fmt: skip


@pytest.fixture(scope="module")
def task():
    return open_task(TrainingSettings(space="autogan", recipe="vae-short", **SMALL))


def test_the_gaussian_is_that_of_the_best_variance():
    images = torch.rand(4, 3, 8, 8, generator=numbered(0)) * 2 - 1
    made = images + 0.27 * torch.randn(images.shape, generator=numbered(1))
    network = Autoencoder(torch.nn.Identity(), (3, 8, 8), 4)
    bits = network.surprise(images, made, "gaussian").item() / math.log(2)
    sigma = (made - images).square().mean().sqrt().item()
    assert bits == pytest.approx(math.log2(127.5 * sigma * math.sqrt(2 * math.pi * math.e)), rel=1e-5)
    assert bits == pytest.approx(7.15, abs=0.1)


def test_the_divergence_is_that_of_normal_distributions(task):
    network = task.objective(CODE, 0).generator
    images = torch.rand(3, 3, 16, 16, generator=numbered(0)) * 2 - 1
    mean, log_variance = network.encode(images)
    own = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0)).sum(1)
    assert torch.allclose(network(images, torch.zeros(3, 8))[1], expected, rtol=1e-4)


def test_the_encoder_counts_as_published():
    network = Autoencoder(torch.nn.Identity(), (3, 16, 16), 64)
    assert sum(parameter.numel() for parameter in network.encoder.parameters()) == 230_528


def test_it_learns(task):
    before, after = learns(task, CODE)
    assert after[ERROR] < before[ERROR]


def test_a_stopped_training_ends_in_the_same_bytes_and_leaves_a_generator(task, tmp_path: Path):
    found = goes_on(task, CODE, tmp_path)
    assert found.main == BOUND and found.verdict == "finished"
    # What is kept is a generator of the space, as any other training leaves it.
    assert task.outputs(trained(task.space, CODE, tmp_path / "whole" / "best.safetensors"), 0).shape == (24, 3, 16, 16)
    assert (tmp_path / "whole" / "samples_000006.png").is_file()


def test_a_collapsed_posterior_is_told(task, tmp_path: Path):
    for _ in task.train(CODE, 0, tmp_path):
        pass
    found = outcome(tmp_path)
    for divergence, told in ((0.019, True), (0.05, False)):
        changed = dataclasses.replace(found, curve=(Check(6, {BOUND: 7.0, DIVERGENCE: divergence}),))
        assert any("posterior has collapsed" in line for line in task.remarks(changed)) is told


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_images(channels):
    decoder = torch.nn.Sequential(torch.nn.Linear(8, channels * 64), torch.nn.Unflatten(1, (channels, 8, 8)))
    images = torch.randint(0, 256, (16, channels, 8, 8), generator=numbered(0), dtype=torch.uint8)
    how = AutoencodingRecipe(steps=2, batch=4, held_out=8)
    objective = VariationalObjective(Autoencoder(decoder, (channels, 8, 8), 8), images, images, (8,), how, seed=0)
    objective.step(0)
    assert objective.picture().shape == (8, 8, 3, 8, 8) and math.isfinite(objective.held_out_losses()[BOUND])


def test_the_weight_of_the_divergence_rises(task):
    objective = task.objective(CODE, 0, times=40)
    seen = []
    for index in (0, 49, 99, 150):
        objective.prepare(index)
        seen.append(objective._weight.item())
    assert seen == pytest.approx([0.01, 0.5, 1, 1])


def test_recipes_and_spaces_that_cannot_work():
    assert isinstance(recipe("vae-short"), AutoencodingRecipe)
    with pytest.raises(
        ConfigError, match="likelihood of a recipe takes logistic, gaussian, but got 'logistc'. Did you"
    ):
        recipe("vae-short", likelihood="logistc")
    with pytest.raises(ConfigError, match="the recipe vae-short is for generators that draw images from noise"):
        _ = open_task(TrainingSettings(space="unet", recipe="vae-short")).space
