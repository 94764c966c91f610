"""Translation generators of the spaces: which objective their recipe makes, what does not fit, whole trainings."""

import random

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gpproxy.errors import ConfigError, ImageError
from gpproxy.images.paired import PairedSet
from gpproxy.images.translation import Translation
from gpproxy.images.unpaired import UnpairedSet
from gpproxy.quality.fidelity import fidelity
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.choice import ChoiceSpace
from gpproxy.search_spaces.gancompression import Pix2PixCompression
from gpproxy.tasks.paired import Conditional, Paired
from gpproxy.tasks.registry import recipe
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.tasks.translation import check_shapes
from gpproxy.tasks.unpaired import Cycle, Unpaired
from gpproxy.training.checkpoint import load_weights
from gpproxy.training.draw import trained
from gpproxy.training.outcome import outcome

SIDE = 32
CODES = {
    "gancompression-pix2pix": "16_16_16_16_16_16_16_16",
    "gancompression-cyclegan": "16_16_16_16_16_16_16_16",
    "pix2pix-unet": "16_16_16",
}


def images(count, seed):
    return torch.randint(
        0, 256, (count, 3, SIDE, SIDE), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def pairs():
    return Translation(*(PairedSet("noise", s, images(n, n), images(n, n + 1)) for s, n in (("train", 6), ("test", 4))))


def unpaired():
    return Translation(
        *(UnpairedSet("noise", s, images(n, n), images(n + 2, n + 1)) for s, n in (("train", 6), ("test", 4)))
    )


def space(name="gancompression-pix2pix", **settings):
    levels = {"levels": 3} if name == "pix2pix-unet" else {}
    return SEARCH_SPACES[name](resolution=SIDE, **levels, **settings)


def quick(name="pix2pix-short", **changes):
    return recipe(name, **{"steps": 4, "discriminator_width": 4, "checks": (0.5, 1.0), **changes})


def opened(data, how, of=None):
    """A task with a space, data and a recipe of its own, which measures L1, PSNR and SSIM."""
    kind = Paired if data.paired else Unpaired
    made = kind(TrainingSettings(space="gancompression-pix2pix", recipe=next(iter(kind.presets)), extractor="none"))
    made.space, made.images, made.recipe = of or space(), data, how
    return made


def trainings(folder, data, stop=None, **changes):
    """One training to its end, or to where it is stopped."""

    class Measured(Paired if data.paired else Unpaired):
        main = "L1"

        def measure(self, outputs):
            return fidelity(outputs, data.held_out.targets[: len(outputs)]).values

    made = opened(data, quick("pix2pix-short" if data.paired else "cyclegan-short", **changes))
    made.__class__ = Measured
    return list(made.train(CODES["gancompression-pix2pix"], 0, folder, stop))


@pytest.mark.parametrize("name", CODES)
def test_every_space_of_translations_trains_both_ways(name):
    for data, chosen, kind in ((pairs(), "pix2pix-short", Conditional), (unpaired(), "cyclegan-short", Cycle)):
        objective = opened(data, quick(chosen), space(name)).objective(CODES[name], 0)
        losses = objective.step(0)
        assert isinstance(objective, kind) and all(torch.isfinite(loss) for loss in losses.values())
        assert objective.samples(3).shape == (3, 3, SIDE, SIDE)


def test_generators_there_and_back_begin_with_other_weights():
    objective = opened(unpaired(), quick("cyclegan-short")).objective(CODES["gancompression-pix2pix"], 0)
    there, back = (next(network.parameters()) for network in objective.generators)
    assert there.shape == back.shape and not there.equal(back)


@pytest.mark.parametrize("data", [pairs(), unpaired()], ids=["paired", "unpaired"])
def test_a_stopped_training_ends_like_an_unbroken_one(tmp_path, data):
    trainings(tmp_path / "whole", data)
    asked = []
    trainings(tmp_path / "broken", data, stop=lambda: asked.append(1) or len(asked) == 3)
    assert outcome(tmp_path / "broken") is None
    trainings(tmp_path / "broken", data)
    whole, broken = outcome(tmp_path / "whole"), outcome(tmp_path / "broken")
    assert whole.verdict == "finished" and whole.curve == broken.curve and whole.losses == broken.losses
    first, second = (load_weights(tmp_path / name / "best.safetensors") for name in ("whole", "broken"))
    assert all(first[name].equal(second[name]) for name in first)
    assert (tmp_path / "whole" / "samples_000004.png").is_file()


def test_kept_weights_translate_again(tmp_path):
    data = pairs()
    trainings(tmp_path, data)
    network = trained(space(), CODES["gancompression-pix2pix"], tmp_path / "best.safetensors")
    found = outcome(tmp_path)
    assert set(found.best.measures) == {"L1", "PSNR", "SSIM"} and found.value == found.best.measures["L1"]
    assert network(torch.zeros(1, 3, SIDE, SIDE)).shape == (1, 3, SIDE, SIDE)


def test_images_that_are_too_small_for_the_discriminator_are_refused():
    for data, how in (
        (pairs(), quick(discriminator_layers=4)),
        (unpaired(), quick("cyclegan", discriminator_layers=4)),
    ):
        with pytest.raises(ConfigError, match="48 pixels a side or more, but these have 32"):
            opened(data, how).objective(CODES["gancompression-pix2pix"], 0)


class Shaped(Pix2PixCompression):
    """Generators that claim other images."""

    image_shape = (2, SIDE, SIDE)


def test_what_no_data_set_is_read_as_is_refused_with_its_shape():
    with pytest.raises(ConfigError, match="make 2 x 32 x 32, and a training of translations has images: channel x"):
        check_shapes(Shaped(resolution=SIDE), True)
    Shaped.image_shape = (1, SIDE, SIDE)
    check_shapes(Shaped(resolution=SIDE), True)
    with pytest.raises(ConfigError, match="take images of 3 x 32 x 32 and make images of 1 x 32 x 32.*same channels"):
        check_shapes(Shaped(resolution=SIDE), False)
    Shaped.image_shape = (3, 2 * SIDE, SIDE)
    with pytest.raises(ConfigError, match="make images of 3 x 64 x 32.*both of one size. Choose"):
        check_shapes(Shaped(resolution=SIDE), True)


def test_generators_of_label_maps_learn_from_pictures_of_labels(tmp_path):
    """GauGAN: as many classes as its space has, in the colours of the inputs, and the borders between them."""
    made = opened(pairs(), quick(steps=1), SEARCH_SPACES["gancompression-spade"]())
    data = made.images
    made.images = Translation(data.learn.resized(64), data.held_out.resized(64))
    maps = made.encode(made.images.learn.inputs)
    assert maps.shape == (6, 36, 64, 64) and (maps[:, :35].sum(1) == 1).all()
    code = made.space.encode(made.space.sample(random.Random(0)))
    (*_, last) = made.train(code, 0, tmp_path)
    found = outcome(tmp_path)
    assert last.step == 1 and found.verdict == "finished" and found.main == "DSSIM"
    assert found.about["inputs"] == "label maps of 35 classes"
    outputs = made.outputs(trained(made.space, code, tmp_path / "best.safetensors"), 0)
    assert outputs.shape == (4, 3, 64, 64) and outputs.equal(
        made.outputs(trained(made.space, code, tmp_path / "best.safetensors"), 0)
    )


def test_splits_of_a_translation_belong_together():
    learn = pairs().learn
    with pytest.raises(ImageError, match="one kind and one size"):
        Translation(learn, learn.resized(16))
    with pytest.raises(ImageError, match="one kind and one size"):
        Translation(learn, unpaired().held_out)
    assert pairs().digest == pairs().digest != unpaired().digest
    assert len(pairs().real()) == 4 and len(unpaired().real()) == 8 + 6


def shaped(taken, made):
    """A space of one convolution from images of some shape to images of another."""

    def build(kernel):
        return nn.Sequential(nn.Conv2d(taken[0], made[0], kernel, padding="same"), nn.Tanh())

    return ChoiceSpace({"kernel": (1, 3)}, build, inputs=taken)


def folder(tmp_path, paired, channels):
    """Pictures of 40 x 30 pixels, or two of them side by side, in training and test splits."""
    random = np.random.default_rng(0)
    splits = ("train", "test") if paired else ("trainA", "trainB", "testA", "testB")
    for split in splits:
        (tmp_path / split).mkdir()
        for number in range(5):
            shape = (30, 80 if paired else 40, channels)
            Image.fromarray(random.integers(256, size=shape, dtype=np.uint8).squeeze()).save(
                tmp_path / split / f"{number}.png"
            )
    return str(tmp_path)


@pytest.mark.parametrize(
    ("taken", "made"),
    [
        ((1, 24, 32), (3, 24, 32)),
        ((3, 24, 32), (1, 24, 32)),
        ((4, 32, 24), (3, 32, 24)),
        ((3, 24, 32), (4, 24, 32)),
        ((1, 32, 32), (1, 32, 32)),
    ],
)
def test_pairs_of_grey_colour_and_transparency_of_any_size(tmp_path, taken, made):
    name = folder(tmp_path, True, 4)
    task = Paired(TrainingSettings(recipe="pix2pix-short", data=name, extractor="none", recipe_settings=("steps=2",)))
    task.recipe, task.space = quick(steps=2, discriminator_layers=1), shaped(taken, made)
    data = task.images
    assert data.learn.inputs.shape == (5, max(taken[0], 3), *taken[1:])
    assert data.learn.targets.shape == (5, max(made[0], 3), *made[1:])
    objective = task.objective("3", 0)
    objective.step(0)
    outputs = objective.samples(4)
    assert outputs.shape == (4, 3, *made[1:]) and outputs.dtype == torch.uint8
    assert set(task.measure(outputs)) >= {"L1", "SSIM", "DSSIM"}
    assert objective.picture().shape == (5, 3, 3, *made[1:])
    assert task.outputs(objective.measured(), 0).equal(objective.samples(5))


@pytest.mark.parametrize("shape", [(1, 24, 32), (3, 32, 24), (4, 24, 32)])
def test_unpaired_images_of_grey_colour_and_transparency_of_any_size(tmp_path, shape):
    name = folder(tmp_path, False, 4 if shape[0] == 4 else 3)
    task = Unpaired(TrainingSettings(recipe="cyclegan-short", data=name, extractor="none"))
    task.recipe, task.space = quick("cyclegan-short", steps=2, discriminator_layers=1), shaped(shape, shape)
    objective = task.objective("3", 0)
    objective.step(0)
    assert task.images.learn.inputs.shape == (5, max(shape[0], 3), *shape[1:])
    assert objective.samples(4).shape == (4, 3, *shape[1:]) and objective.picture().shape == (5, 3, 3, *shape[1:])
    assert task.outputs(objective.measured(), 0).equal(objective.samples(5))
