"""The class-conditional task: both sides are told the class, every class is measured, stops change nothing."""

import dataclasses
from pathlib import Path

import pytest
import torch

from gpproxy.errors import ConfigError
from gpproxy.images.image_set import ImageSet
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
