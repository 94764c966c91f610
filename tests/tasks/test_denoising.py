"""The denoising task: it learns, it repeats, it goes on after a stop, and its measure is a plain error."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from gpproxy.errors import ConfigError
from gpproxy.search_spaces.choice import ChoiceSpace
from gpproxy.search_spaces.edm import drawn_levels, ladder, noisy_batch
from gpproxy.seeds import numbered
from gpproxy.tasks.denoising import LOSS, Denoiser, DenoisingRecipe
from gpproxy.tasks.registry import open_task, recipe
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.training.outcome import outcome
from tests.training.toy import goes_on

CODE = "16-11-111-01-00000"
SMALL = {"resolution": 8, "steps": 8, "batch": 4, "samples": 24, "data": "shapes", "limit": 64}
SMALL |= {"extractor": "none", "recipe_settings": ("held_out=8", "sampler_steps=2")}


def opened(**changes):
    return open_task(TrainingSettings(space="unet", recipe="edm-short", **{**SMALL, **changes}))


@pytest.fixture(scope="module")
def task():
    return opened()


def test_it_learns(task):
    objective = task.objective(CODE, 0, times=6)
    before = objective.held_out_losses()[LOSS]
    # Zero ends: the network says nothing, so its loss is the variance of the targets.
    batch = noisy_batch(torch.zeros(1, 3, 8, 8), torch.ones(1), torch.ones(1, 3, 8, 8))
    assert objective.generator(batch.inputs, batch.condition).abs().max() == 0
    for index in range(48):
        losses = objective.step(index)
    assert set(losses) == {"denoising"}
    assert objective.held_out_losses()[LOSS] < 0.95 * before


def test_the_measure_is_the_mean_squared_error_over_levels(task):
    objective = task.objective(CODE, 0)
    objective.step(0)
    found = objective.held_out_losses()
    levels = ladder()
    assert list(found) == [LOSS, *(f"{LOSS}@{level:.3g}" for level in levels.tolist())]
    assert found[LOSS] == pytest.approx(sum(list(found.values())[1:]) / len(levels))
    again = task.objective(CODE, 5)  # another seed, the same noise on the same images
    again.average.network.load_state_dict(objective.average.network.state_dict())
    assert again.held_out_losses() == found


def test_a_stopped_training_ends_in_the_same_bytes(task, tmp_path: Path):
    whole = goes_on(task, CODE, tmp_path)
    assert whole.verdict == "finished" and whole.main == LOSS
    assert whole.about["noise_levels"][0] == 0.0478
    for name in ("samples_000004.png", "samples_000008.png"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_images_are_drawn_from_the_seed(task):
    objective = task.objective(CODE, 0)
    images = objective.samples(6)
    assert images.shape == (6, 3, 8, 8) and images.dtype == torch.uint8
    assert torch.equal(images, objective.samples(6)) and not torch.equal(images, task.objective(CODE, 1).samples(6))
    assert torch.equal(task.outputs(objective.measured(), 0)[:6], images)


def test_features_measure_the_images_beside_the_loss(tmp_path):
    task = opened(extractor="cifar", resolution=16)
    for _ in task.train("16-11-111-00-00000", 0, tmp_path):
        pass
    measures = outcome(tmp_path).best.measures
    assert next(iter(measures)) == LOSS and "FD(cifar)" in measures and "KID(cifar)" not in measures


def test_recipes():
    short = recipe("edm-short")
    assert isinstance(short, DenoisingRecipe) and "discriminator_rate" not in short.to_json()
    assert [short.rate(step) for step in (0, 14, 29, 199)] == pytest.approx([1 / 30, 0.5, 1, 1])
    with pytest.raises(ConfigError, match="sampler_steps >= 1"):
        dataclasses.replace(short, sampler_steps=0)
    with pytest.raises(ConfigError, match="Choose the recipe edm-short or edm"):
        _ = open_task(TrainingSettings(space="unet", recipe="short")).space


def test_gradients_are_clipped():
    class Blind(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.full((4, 4), 100.0))

        def forward(self, images, noise):
            return images * self.scale

    images = torch.randint(0, 256, (8, 3, 4, 4), generator=numbered(0), dtype=torch.uint8)
    how = dict(steps=2, batch=8, held_out=8, warm_up=0)
    for clip, expected in ((0.5, 0.5), (0.0, None)):
        objective = Denoiser(Blind(), images, images, DenoisingRecipe(**how, clip=clip), seed=0)
        objective.step(0)
        norm = objective.generator.scale.grad.norm().item()
        assert norm == pytest.approx(expected) if expected else norm > 1


class Plain(nn.Module):
    """One convolution that is told the noise level."""

    def __init__(self, channels, kernel):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel, padding="same")

    def forward(self, x, level):
        return self.conv(x) + level[:, None, None, None]


@pytest.mark.parametrize("shape", [(1, 8, 8), (4, 8, 12)])
def test_networks_of_grey_and_of_transparency_learn_from_such_images(shape):
    def inputs(count, generator):
        images, noise = (torch.randn(count, *shape, generator=generator) for _ in range(2))
        return noisy_batch(images, drawn_levels(count, generator), noise)

    made = opened()
    made.space = ChoiceSpace({"kernel": (1, 3)}, lambda kernel: Plain(shape[0], kernel), inputs=inputs)
    objective = made.objective("3", 0)
    assert objective.images.shape[1:] == shape and torch.isfinite(objective.step(0)["denoising"])
    assert objective.held_out_losses()[LOSS] > 0 and objective.samples(3).shape == (3, 3, *shape[1:])
    assert objective.picture().shape == (8, 8, 3, *shape[1:])
