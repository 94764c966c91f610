"""pix2pix: it learns a trivial mapping, resumes exactly, follows its recipe, and shows input, output and target."""

import pytest
import torch
from torch import nn

from gpproxy.errors import ConfigError
from gpproxy.images.paired import PairedSet
from gpproxy.tasks.paired import Conditional, PairedRecipe
from gpproxy.tasks.registry import recipe
from gpproxy.tasks.translation import LAYERS, ROWS
from gpproxy.training.order import Order
from gpproxy.training.patch_discriminator import patch_discriminator, smallest_side
from tests.training.toy import equal, saved

SIDE = 16


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def inverted(split="train", count=8, seed=0):
    """Pairs whose targets are the negatives of their inputs."""
    small = torch.randint(0, 256, (count, 3, SIDE // 4, SIDE // 4), dtype=torch.uint8, generator=seeded(seed))
    images = small.repeat_interleave(4, 2).repeat_interleave(4, 3)
    return PairedSet("inverted", split, images, 255 - images)


def tiny(seed=0, norm=False):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        middle = [nn.BatchNorm2d(8)] if norm else []
        return nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), *middle, nn.ReLU(), nn.Conv2d(8, 3, 1), nn.Tanh())


def quick(**changes):
    settings = {"steps": 100, "batch": 4, "discriminator_width": 4, "discriminator_layers": 2, "average": 0.5}
    return recipe("pix2pix-short", **{**settings, **changes})


def objective(seed=0, norm=False, **changes):
    return Conditional(tiny(seed, norm), inverted(), inverted("test", 7, 1), quick(**changes), seed=seed)


@pytest.mark.parametrize("loss", ["hinge", "vanilla", "least-squares"])
def test_a_trivial_mapping_is_learnt(loss):
    played = objective(loss=loss, steps=60, generator_rate=1e-2, reconstruction=100)
    losses = [played.step(index) for index in range(60)]
    assert set(losses[0]) == {"discriminator", "generator", "L1"}
    assert losses[-1]["L1"] < 0.4 * losses[0]["L1"]
    outputs = played.samples(7)
    difference = (outputs.float() - played.held_out.targets.float()).abs().mean()
    assert difference < 0.5 * (played.held_out.inputs.float() - played.held_out.targets.float()).abs().mean()


@pytest.mark.parametrize("norm", [False, True])
def test_a_resumed_training_continues_exactly(norm):
    whole = objective(norm=norm, augment=("translation",), recalibrate=2)
    for index in range(3):
        whole.step(index)
    state = saved(whole.state_dict())
    resumed = objective(norm=norm, augment=("translation",), recalibrate=2)
    for index in range(5):
        resumed.step(index)  # whatever it did before is replaced
    resumed.load_state_dict(state)
    for index in range(3, 6):
        assert equal(dict(whole.step(index)), dict(resumed.step(index)))
    assert equal(whole.state_dict(), resumed.state_dict())
    assert whole.samples(3).equal(resumed.samples(3)) and equal(whole.weights(), resumed.weights())


def test_measuring_changes_nothing():
    watched, alone = objective(norm=True, recalibrate=2), objective(norm=True, recalibrate=2)
    for index in range(3):
        watched.samples(3), watched.picture(), watched.weights()
        assert equal(dict(watched.step(index)), dict(alone.step(index)))
    assert equal(watched.state_dict(), alone.state_dict())


def test_seeds_decide_everything():
    first, same, other = (Conditional(tiny(0), inverted(), inverted("test"), quick(), seed=seed) for seed in (0, 0, 1))
    losses = [[float(one.step(index)["L1"]) for index in range(3)] for one in (first, same, other)]
    assert losses[0] == losses[1] != losses[2]


def test_pictures_hold_input_output_target():
    played = objective()
    picture = played.picture()
    assert picture.shape == (ROWS, 3, 3, SIDE, SIDE) and picture.dtype == torch.uint8
    assert picture[:, 0].equal(played.held_out.inputs[:ROWS]) and picture[:, 2].equal(played.held_out.targets[:ROWS])
    assert picture[:, 1].equal(played.samples(ROWS)) and len(played.samples(100)) == 7


def test_inputs_and_targets_of_a_step_belong_together():
    """Jitter moves and mirrors both alike, so that targets stay the negatives of their inputs, up to rounding."""
    played = objective(batch=8)
    for index in range(4):
        played.prepare(index)
        assert (played.inputs + played.targets).abs().max() <= 2 / 127.5
    assert played.inputs.shape == (8, 3, SIDE, SIDE)


def test_weights_fit_the_generator_and_are_the_averaged_ones():
    played = objective(average=0.0)
    for index in range(2):
        played.step(index)
    network = tiny(5)
    network.load_state_dict(played.weights())
    assert equal(dict(network.state_dict()), dict(played.generator.state_dict()))
    slow = objective(average=0.99)
    slow.step(0)
    slow.step(1)
    assert not equal(slow.weights(), {k: v.clone() for k, v in slow.generator.state_dict().items()})


def test_orders_visit_every_sample_once_per_pass():
    order = Order(7, 0)
    seen = torch.cat([order.batch(index, 3) for index in range(14)]).view(6, 7)
    assert all(one.sort().values.equal(torch.arange(7)) for one in seen)
    assert len({tuple(one.tolist()) for one in seen}) > 1
    assert Order(7, 0).batch(9, 3).equal(order.batch(9, 3))  # no step needs those before it
    assert order.batch(0, 3).equal(Order(7, 0).batch(0, 3)) and not Order(7, 1).batch(0, 7).equal(order.batch(0, 7))


@pytest.mark.parametrize("layers", LAYERS)
def test_patchgans_take_images_of_the_smallest_side(layers):
    network = patch_discriminator(6, 2, layers, seeded(0))
    side = smallest_side(layers)
    assert network(torch.zeros(2, 6, side, side)).shape == (2, 1, 1, 1)
    with pytest.raises((RuntimeError, ValueError)):
        network(torch.zeros(2, 6, side - 1, side - 1))


@pytest.mark.parametrize(("channels", "parameters"), [(3, 2_764_737), (6, 2_767_809)])
def test_the_published_patchgan_has_its_published_size(channels, parameters):
    """Three halvings at width 64, of CycleGAN and conditional: 30 x 30 patches at 256 pixels."""
    network = patch_discriminator(channels, 64, 3, seeded(0))
    assert sum(p.numel() for p in network.parameters()) == parameters
    with torch.no_grad():
        assert network(torch.zeros(1, channels, 256, 256)).shape == (1, 1, 30, 30)


def test_a_changed_batch_is_that_of_the_discriminator_too():
    assert isinstance(recipe("pix2pix"), PairedRecipe)
    changed = recipe("pix2pix", batch="4", reconstruction="10", jitter="false")
    assert (changed.batch, changed.critic_batch, changed.reconstruction, changed.jitter) == (4, 4, 10.0, False)


def test_the_published_recipe_keeps_its_rate_for_half_of_the_steps():
    published = recipe("pix2pix")
    rates = [published.rate(step) for step in (0, 39_999, 40_000, 60_000, 79_999)]
    assert rates == pytest.approx([1, 1, 1, 0.5, 1 / 40_000], abs=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"critic_steps": 2}, "critic_steps is 1"),
        ({"reconstruction": -1}, "reconstruction >= 0"),
        ({"discriminator_layers": 9}, "1 to 4"),
        ({"discriminator_width": 0}, "discriminator_width >= 1"),
        ({"recontruction": 1}, "Did you mean 'reconstruction'"),
    ],
)
def test_impossible_recipes_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        recipe("pix2pix", **change)
