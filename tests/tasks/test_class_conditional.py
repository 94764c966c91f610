"""The class-conditional task: both sides are told the class, every class is measured, stops change nothing."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from gpproxy.errors import ConfigError
from gpproxy.images.image_set import ImageSet
from gpproxy.search_spaces import Batch, ChoiceSpace
from gpproxy.seeds import numbered
from gpproxy.tasks.class_conditional import EveryClass
from gpproxy.tasks.registry import open_task
from gpproxy.tasks.settings import TrainingSettings
from tests.training.toy import goes_on

CODE = "1301-2001-0101-1"
SMALL = {
    "width": 4, "resolution": 16, "steps": 5, "batch": 4, "samples": 24, "data": "shapes", "extractor": "none",
    "space_settings": ("latent=6", "embedding=5", "classes=3"),
}  # fmt: skip


def opened(**changes):
    task = open_task(TrainingSettings(space="conditional", recipe="class-short", **{**SMALL, **changes}))
    images = torch.randint(0, 256, (40, 3, 16, 16), generator=numbered(0), dtype=torch.uint8)
    task.images = ImageSet("random", "train", images, torch.arange(40) % 3)
    return task


@pytest.fixture(scope="module")
def task():
    return opened()


def test_both_sides_are_told(task):
    objective = task.objective(CODE, 0)
    losses = objective.step(0)
    assert set(losses) == {"discriminator", "generator"}
    images = torch.zeros(4, 3, 16, 16)
    objective.discriminator.eval()
    first, second = (objective.discriminator(images, 2, torch.full((4,), one)) for one in (0, 1))
    assert not torch.allclose(first, second)
    assert objective._drawn.shape == objective._real.shape == (4,)


def test_images_are_judged_by_their_own_classes(task):
    objective = task.objective(CODE, 0)
    objective.prepare(0)
    told = []

    def judged(images, stage, classes):
        told.append(classes.tolist())
        return images.mean((1, 2, 3))

    objective.discriminator.forward = judged
    fakes, reals = objective._fakes(4), objective._reals(4)
    drawn, real = objective._drawn.tolist(), objective._real.tolist()
    objective._judged(fakes)
    objective._judged(reals, "real")
    objective._judged(torch.cat([reals, fakes]), "both")
    assert told == [drawn, real, real + drawn]


def test_every_class_is_drawn_equally_often():
    seen = []

    class Told(torch.nn.Module):
        def forward(self, noise, classes):
            seen.extend(classes.tolist())
            return noise

    EveryClass(Told(), 3)(torch.zeros(7, 2))
    assert seen == [0, 1, 2, 0, 1, 2, 0]


def test_pictures_have_a_column_for_each_class(task):
    objective = task.objective(CODE, 0)
    assert objective.picture().shape == (8, 3, 3, 16, 16)
    assert objective.samples(5).shape == (5, 3, 16, 16)
    assert torch.equal(task.outputs(objective.measured(), 0)[:5], objective.samples(24)[:5])


@pytest.mark.parametrize("loss", ["relativistic", "wasserstein"])
def test_losses_of_pairs_and_penalties(loss):
    how = (f"loss={loss}", "gradient_penalty=10", "spectral_norm=false", "collapse_loss=0")
    objective = opened(recipe_settings=how).objective(CODE, 0)
    assert not any("parametrizations" in name for name, _ in objective.discriminator.named_parameters())
    for index in range(3):
        losses = objective.step(index)
    assert all(bool(value.isfinite()) for value in losses.values())


def test_a_stopped_training_ends_in_the_same_bytes(task, tmp_path: Path):
    assert goes_on(task, CODE, tmp_path).verdict == "finished"


def test_data_without_labels_and_with_more_classes():
    task = opened()
    labelled = task.images
    task.images = dataclasses.replace(labelled, labels=None)
    with pytest.raises(ConfigError, match="random/train has no labels. Choose a data set with labels"):
        task.objective(CODE, 0)
    task.images = dataclasses.replace(labelled, labels=labelled.labels + 5)
    with pytest.raises(ConfigError, match="has 8 classes, but .* told 3. Set --space-settings classes=8"):
        task.objective(CODE, 0)


class Labelled(nn.Module):
    """Noise and a class in, a dict with the image and the code out."""

    def __init__(self, width: int):
        super().__init__()
        self.names, self.last = nn.Embedding(3, 6), nn.ConvTranspose2d(6, 3, 16)
        self.gain = nn.Parameter(torch.full((width, 1, 1, 1), 0.1))

    def forward(self, noise: torch.Tensor, label: torch.Tensor) -> dict[str, torch.Tensor]:
        code = noise + self.names(label)
        return {"code": code, "image": self.last(code[:, :, None, None]) * self.gain.mean()}


def noise_and_labels(count: int, generator: torch.Generator) -> Batch:
    return Batch(torch.randn(count, 6, generator=generator), condition=torch.arange(count) % 3)


def noise_and_more(count: int, generator: torch.Generator) -> Batch:
    return Batch((torch.randn(count, 6, generator=generator), torch.randn(count, 2, generator=generator)))


def test_generators_of_ones_own_are_told_their_labels(monkeypatch):
    """A space of a few lines that draws labels beside noise is trained with those of the data."""
    space = ChoiceSpace({"width": (2, 3)}, Labelled, inputs=noise_and_labels)
    assert space.takes == "noise and classes" and space.image_shape == (3, 16, 16)
    monkeypatch.setattr("gpproxy.tasks.task.make_space", lambda name, changes: space)
    task = opened(space_settings=(), width=0, resolution=0)
    assert task.classes == 3
    objective = task.objective("2", 0)
    before = objective.generator.names.weight.detach().clone()
    assert all(bool(torch.isfinite(one)) for one in objective.step(0).values())
    assert not torch.equal(before, objective.generator.names.weight)
    assert task.outputs(objective.measured(), 0).shape == (24, 3, 16, 16)
    task.images = ImageSet("random", "train", task.images.images, torch.arange(40) % 4)
    with pytest.raises(ConfigError, match="has 4 classes, but .* are told 3. .* give a space of your own as many"):
        _ = task.classes


def test_generators_that_are_given_something_else_are_refused(monkeypatch):
    space = ChoiceSpace({"width": (2, 3)}, lambda width: nn.Bilinear(6, 2, width), inputs=noise_and_more)
    monkeypatch.setattr("gpproxy.tasks.task.make_space", lambda name, changes: space)
    task = open_task(TrainingSettings(space="conditional", recipe="short", **{**SMALL, "space_settings": ()}))
    with pytest.raises(ConfigError, match="given one tensor, but those of .* are given 2"):
        _ = task.space
