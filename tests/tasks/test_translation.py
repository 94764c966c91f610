"""Translation generators of the spaces: which objective their recipe makes, what does not fit, whole trainings."""

import pytest
import torch
from gpproxy.search_spaces import SEARCH_SPACES

from gpproxy.errors import ConfigError, ImageError
from gpproxy.images.image_set import ImageSet
from gpproxy.images.paired import PairedSet
from gpproxy.images.translation import Translation
from gpproxy.images.unpaired import UnpairedSet
from gpproxy.quality.fidelity import fidelity
from gpproxy.tasks.paired import Paired
from gpproxy.tasks.train import new_objective, train
from gpproxy.tasks.unpaired import Cycle
from gpproxy.training.checkpoint import load_weights
from gpproxy.training.draw import trained
from gpproxy.training.outcome import outcome
from gpproxy.training.recipe import recipe

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


def trainings(folder, data, stop=None, **changes):
    """One training to its end, or to where it is stopped."""
    name = "pix2pix-short" if data.paired else "cyclegan-short"
    code = CODES["gancompression-pix2pix"]

    def measure(outputs):
        return fidelity(outputs, data.held_out.targets[: len(outputs)]).values

    how = quick(name, **changes)
    running = train(space(), code, data, how, seed=0, folder=folder, measure=measure, samples=9, main="L1", stop=stop)
    return list(running)


@pytest.mark.parametrize("name", CODES)
def test_every_space_of_translations_plays_both_games(name):
    for data, chosen, kind in ((pairs(), "pix2pix-short", Paired), (unpaired(), "cyclegan-short", Cycle)):
        objective = new_objective(space(name), CODES[name], data, quick(chosen), 0)
        losses = objective.step(0)
        assert isinstance(objective, kind) and all(torch.isfinite(loss) for loss in losses.values())
        assert objective.samples(3).shape == (3, 3, SIDE, SIDE)


def test_generators_there_and_back_begin_with_other_weights():
    objective = new_objective(space(), CODES["gancompression-pix2pix"], unpaired(), quick("cyclegan-short"), 0)
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


def test_what_does_not_fit_is_refused():
    code = CODES["gancompression-pix2pix"]
    noise = ImageSet("noise", "train", images(4, 0))
    for data, how, message in (
        (noise, recipe("short"), "Choose the recipe pix2pix or cyclegan"),
        (noise, quick(), "take a Translation"),
        (pairs(), recipe("short"), "take a Translation"),
        (unpaired(), quick(), "learns from pairs, but noise was read as unpaired images"),
        (pairs(), quick(discriminator_layers=4), "48 pixels a side"),
    ):
        with pytest.raises(ConfigError, match=message):
            new_objective(space(), code, data, how, 0)
    with pytest.raises(ConfigError, match="draw from noise"):
        new_objective(SEARCH_SPACES["autogan"](), "10110010001000", pairs(), quick(), 0)
    with pytest.raises(ConfigError, match="take images of 3 x 64 x 64 with these settings, but noise has 3 x 32 x 32"):
        new_objective(SEARCH_SPACES["gancompression-pix2pix"](resolution=64), code, pairs(), quick(), 0)
    with pytest.raises(ConfigError, match="take images of [0-9]+ x 64 x 64"):
        spade = SEARCH_SPACES["gancompression-spade"](resolution=64)
        new_objective(spade, spade.encode(next(spade.enumerate())), pairs(), quick(), 0)


def test_splits_of_a_translation_belong_together():
    learn = pairs().learn
    with pytest.raises(ImageError, match="one kind and one side"):
        Translation(learn, learn.resized(16))
    with pytest.raises(ImageError, match="one kind and one side"):
        Translation(learn, unpaired().held_out)
    assert pairs().digest == pairs().digest != unpaired().digest
    assert len(pairs().real()) == 4 and len(unpaired().real()) == 8 + 6
