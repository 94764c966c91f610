"""The super-resolution task: it learns to enlarge, repeats, and measures in decibels."""

from pathlib import Path

import pytest
import torch

from gpproxy.errors import ConfigError
from gpproxy.quality.fidelity import psnr
from gpproxy.seeds import numbered
from gpproxy.tasks.registry import open_task
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.tasks.super_resolution import ERROR, enlarged, error
from tests.training.toy import goes_on

CODE = "16-010700700-700700700-700700700"
SMALL = {"resolution": 16, "steps": 6, "batch": 4, "samples": 24, "data": "shapes", "limit": 64, "extractor": "none"}


@pytest.fixture(scope="module")
def task():
    return open_task(TrainingSettings(space="sr-bass", recipe="sr-short", **SMALL))


def test_it_learns(task):
    objective = task.objective(CODE, 1, times=10)  # some seeds, such as 0, begin with a dead last rectifier
    before = error(objective.samples(24), task.targets)
    for index in range(60):
        losses = objective.step(index)
    assert set(losses) == {"L1"} and error(objective.samples(24), task.targets) < before - 1


def test_the_error_is_psnr_with_the_other_sign():
    images, targets = torch.randint(0, 256, (2, 3, 3, 8, 8), generator=numbered(0), dtype=torch.uint8)
    squares = (images.double() - targets.double()).square().mean() / 255**2
    assert error(images, targets) == pytest.approx(10 * squares.log10().item())
    assert error(images[:1], targets[:1]) == pytest.approx(-psnr(images[:1], targets[:1]).item())


class Perfect(torch.nn.Module):
    """Enlarges by repeating pixels: exact where the large image was made so."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, small):
        return small.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_images_are_halved_and_enlarged():
    flat = torch.full((2, 3, 8, 8), 77, dtype=torch.uint8)
    assert torch.equal(enlarged(Perfect(), flat), flat)


def test_a_stopped_training_ends_in_the_same_bytes(task, tmp_path: Path):
    found = goes_on(task, CODE, tmp_path)
    assert found.main == ERROR and {"PSNR", "SSIM", "L1"} <= set(found.best.measures)


def test_other_spaces_are_told_their_recipes():
    with pytest.raises(
        ConfigError, match="enlarge images, but the recipe short is .* Choose the recipe sr or sr-short"
    ):
        _ = open_task(TrainingSettings(space="sr-bass", recipe="short")).space
