"""The adversarial objective: same seed same bytes, exact states, what measuring leaves alone, who learns from what."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gpproxy.errors import ConfigError
from gpproxy.images.load import load
from gpproxy.search_spaces import SEARCH_SPACES, Batch
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.space import Architecture
from gpproxy.tasks.registry import open_task
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.tasks.unconditional import Unconditional, adversarial
from tests.training.toy import CODE, SPACE, equal, images, objective, small


def test_same_seed_same_bytes_other_seed_other_bytes() -> None:
    first, second, other = objective(seed=1), objective(seed=1), objective(seed=2)
    for index in range(3):
        ours, theirs = first.step(index), second.step(index)
        assert list(ours) == ["discriminator", "generator"] and equal(ours, theirs)
        other.step(index)
    assert equal(first.state_dict(), second.state_dict()) and equal(first.weights(), second.weights())
    assert not equal(first.weights(), other.weights())


@pytest.mark.parametrize("changes", [{}, {"share": False, "critic_steps": 2, "critic_batch": 2, "growth": (0.3, 0.6)}])
def test_a_state_goes_on_exactly(changes: dict[str, object]) -> None:
    whole = objective(**changes)
    for index in range(3):
        whole.step(index)
    half = objective(seed=0, **changes)
    half.load_state_dict(whole.state_dict())
    whole.picture()
    for index in range(3, 6):
        assert equal(whole.step(index), half.step(index))
    assert equal(whole.state_dict(), half.state_dict())


def test_a_step_depends_on_its_number_alone() -> None:
    """Global random state and the steps before leave no trace in the draws."""
    first, second = objective(), objective()
    first.prepare(5)
    torch.manual_seed(3)
    second.prepare(2)
    second.prepare(5)
    assert torch.equal(first._reals(4), second._reals(4)) and torch.equal(first._fakes(4), second._fakes(4))


def test_measuring_changes_nothing_and_repeats() -> None:
    played = objective()
    played.step(0)
    before = [one.clone() for one in (*played.average.network.buffers(), *played.generator.buffers())]
    first, again = played.samples(6), played.samples(6)
    assert first.dtype == torch.uint8 and first.shape == (6, 3, 16, 16) and torch.equal(first, again)
    assert played.picture().shape == (8, 8, 3, 16, 16)
    after = [*played.average.network.buffers(), *played.generator.buffers()]
    assert all(torch.equal(a, b) for a, b in zip(before, after)) and played.generator.training


def test_every_weight_of_both_networks_learns() -> None:
    for code in (CODE, "0120-01101-02012", "1000-02200-12212"):
        played = objective(code=code)
        before = {name: one.detach().clone() for name, one in _parameters(played)}
        for index in range(2):
            played.step(index)
        still = [name for name, one in _parameters(played) if torch.equal(one, before[name])]
        assert not still, (code, still)


def test_the_generator_update_leaves_the_discriminator_alone() -> None:
    played = objective(share=False)
    played.prepare(0)
    before = [one.clone() for one in (*played.discriminator.parameters(), *played.discriminator.buffers())]
    played._generator_update(played._fakes(4))
    after = [*played.discriminator.parameters(), *played.discriminator.buffers()]
    assert all(torch.equal(a, b) for a, b in zip(before, after))
    assert played.discriminator.training and all(p.requires_grad for p in played.discriminator.parameters())


def test_spectral_norms_stay_at_one() -> None:
    played = objective(steps=30, discriminator_rate=1e-2, decay="constant")
    for index in range(30):
        played.step(index)
    for module in played.discriminator.modules():
        if isinstance(module, torch.nn.Conv2d):
            assert torch.linalg.matrix_norm(module.weight.flatten(1), ord=2) < 1.3


def test_a_discriminator_learns_to_tell_constant_images_from_fakes() -> None:
    bright = torch.full((20, 3, 16, 16), 250, dtype=torch.uint8)
    changes = {"steps": 60, "batch": 8, "discriminator_rate": 2e-3, "generator_rate": 1e-7, "decay": "constant"}
    from gpproxy.images.image_set import ImageSet

    played = adversarial(SPACE, CODE, ImageSet("bright", "train", bright), small(**changes, augment="none"), 0)
    losses = [float(played.step(index)["discriminator"]) for index in range(60)]
    assert sum(losses[-5:]) / 5 < 0.5 * losses[0]


def test_random_architectures_train() -> None:
    rng = random.Random(0)
    for _ in range(3):
        played = objective(code=SPACE.encode(SPACE.sample(rng)))
        assert all(torch.isfinite(value) for value in played.step(0).values())


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ConfigError, match="draws images of 3 x 32 x 32, but others of the space draw 3 x 16 x 16"):
        adversarial(AutoGAN(width=4), CODE, images(), small(), 0)


class Plain(AutoGAN):
    """Generators that end in `channels x height x width` of zeros and noise."""

    shape = (1, 16, 16)

    @property
    def image_shape(self) -> tuple[int, ...]:
        return self.shape

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return outputs.square().mean()

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        with torch.device("meta"):
            layers = nn.Linear(self.settings.latent, math.prod(self.shape)), nn.Unflatten(1, self.shape), nn.Tanh()
        return materialise(nn.Sequential(*layers), generator)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> type[Plain]:
    monkeypatch.setattr(Plain, "name", "plain")
    monkeypatch.setitem(SEARCH_SPACES._items, "plain", Plain)
    return Plain


def test_generators_of_grey_images_learn_from_grey_images(plain: type[Plain], tmp_path: Path) -> None:
    settings = TrainingSettings(space="plain", data="shapes", limit=40, steps=2, batch=4, samples=20, extractor="none")
    task = open_task(settings)
    assert isinstance(task, Unconditional)
    colour = load("shapes", resolution=16, limit=40).images.float()
    grey = task.images.images.float()
    assert (grey[:, 0] == grey[:, 1]).all() and (grey[:, 0] == grey[:, 2]).all()
    luma = 0.299 * colour[:, 0] + 0.587 * colour[:, 1] + 0.114 * colour[:, 2]
    assert (grey[:, 0] - luma).abs().max() <= 0.5001
    (*_, last) = task.train(task.code(CODE), 0, tmp_path)
    assert last.step == 2 and task.objective(CODE, 0).samples(3).shape == (3, 3, 16, 16)


@pytest.mark.parametrize("shape", [(1, 16, 20), (3, 16, 20), (4, 20, 16), (3, 5, 7)])
def test_generators_of_any_size_with_and_without_transparency_are_trained_and_measured(
    plain: type[Plain], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    """On a folder of wide pictures, the left half of them clear: what is measured is laid over white."""
    monkeypatch.setattr(plain, "shape", shape)
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "cache"))
    clear = np.full((20, 40, 4), 255, np.uint8)
    clear[..., 0], clear[:, :20, 3] = 40, 0
    for name in range(24):
        clear[..., 1] = 10 * name
        (tmp_path / "data").mkdir(exist_ok=True)
        Image.fromarray(clear).save(tmp_path / "data" / f"{name}.png")
    settings = TrainingSettings(
        space="plain",
        data=str(tmp_path / "data"),
        split="train",
        steps=2,
        batch=4,
        samples=20,
        recipe_settings=("checks=1.0",),
    )
    task = open_task(settings)
    assert isinstance(task, Unconditional)
    assert task.images.images.shape == (24, max(shape[0], 3), *shape[1:])
    real = task.real().images
    assert real.shape == (24, 3, *shape[1:])
    assert real[..., 0].eq(255).all() if shape[0] == 4 else real[..., 0].lt(250).any()
    (*_, last) = task.train(task.code(CODE), 0, tmp_path / "out")
    quality = task.quality(tmp_path / "out", task.code(CODE), 0)
    assert last.step == 2 and quality is not None and quality.main[1] > 0 and quality.values["SWD"] > 0
    assert task.about(CODE, 0)["resolution"] == ([*shape[1:]])
    with Image.open(tmp_path / "out" / "samples_000002.png") as picture:
        assert picture.size == (8 * (shape[2] + 2) + 2, 8 * (shape[1] + 2) + 2)


@pytest.mark.parametrize("shape", [(3, 16, 3), (2, 16, 16), (3, 16), (3, 4, 16, 16)])
def test_what_no_data_set_is_read_as_is_refused_with_its_shape(
    plain: type[Plain], monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    monkeypatch.setattr(plain, "shape", shape)
    words = f"draw {' x '.join(map(str, shape))}, and a training takes images: channel x height x width, 1 channel for"
    with pytest.raises(ConfigError, match=words):
        open_task(TrainingSettings(space="plain", data="shapes")).open()


def test_the_published_recipe_has_the_published_generator() -> None:
    """AutoGAN A of Gong et al., 2019, with 256 channels; another width is the user's."""
    published = open_task(TrainingSettings(recipe="autogan", extractor="none"))
    found = published.space.describe(published.space.decode(published.code("autogan-a")))
    assert found["params"] == 4_405_251
    for change in ({"width": 32}, {"space_settings": ("width=32",)}, {"recipe": "short"}):
        assert open_task(replace(published.settings, **change)).space_settings["width"] == 32, change


def _parameters(played: object) -> list[tuple[str, torch.Tensor]]:
    networks = played.networks  # type: ignore[attr-defined]
    return [(f"{name}.{key}", one) for name, network in networks.items() for key, one in network.named_parameters()]
