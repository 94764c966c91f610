"""CycleGAN: it learns a trivial mapping there and back, resumes exactly, and its pool behaves as published."""

import pytest
import torch
from torch import nn

from gpproxy.errors import ConfigError
from gpproxy.images.unpaired import UnpairedSet
from gpproxy.tasks.registry import recipe
from gpproxy.tasks.translation import ROWS
from gpproxy.tasks.unpaired import Cycle
from gpproxy.training.pool import ImagePool
from tests.training.toy import equal, saved

SIDE = 16


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def speckled(channel, count, seed):
    """Grey images with black and white speckles in one colour."""
    images = torch.full((count, 3, SIDE, SIDE), 128)
    images[:, channel] = 255 * torch.randint(0, 2, (count, SIDE, SIDE), generator=seeded(seed))
    return images.to(torch.uint8)


def red_and_blue(split="train", seed=0):
    return UnpairedSet("speckles", split, speckled(0, 6, seed), speckled(2, 5, seed + 9))


def tiny(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 3, 1), nn.Tanh())


def objective(seed=0, **changes):
    settings = {"steps": 100, "batch": 2, "discriminator_width": 4, "discriminator_layers": 2, "pool": 3}
    made = recipe("cyclegan-short", **{**settings, **changes})
    return Cycle(tiny(seed), tiny(seed + 50), red_and_blue(), red_and_blue("test", 3), made, seed=seed)


def test_red_speckles_become_blue_and_come_back():
    played = objective(steps=120, batch=1, generator_rate=1e-2, discriminator_rate=2e-3, average=0.5, identity=0.0)
    losses = [played.step(index) for index in range(120)]
    assert set(losses[0]) == {"discriminator", "generator", "cycle"}
    assert losses[-1]["cycle"] < 0.5 * losses[0]["cycle"]
    # The cycle alone would be content with red ones: the colour comes from the discriminator.
    red, _, blue = played.samples(6).float().std((0, 2, 3))
    assert blue > 3 * red


def test_a_resumed_training_continues_exactly():
    whole = objective(augment=("translation",))
    for index in range(4):
        whole.step(index)
    state = saved(whole.state_dict())
    assert [len(state[f"pool {way}"]["images"]) for way in ("there", "back")] == [3, 3]
    resumed = objective(augment=("translation",))
    resumed.step(0)
    resumed.load_state_dict(state)
    for index in range(4, 8):
        assert equal(dict(whole.step(index)), dict(resumed.step(index)))
    assert equal(whole.state_dict(), resumed.state_dict())
    assert whole.samples(3).equal(resumed.samples(3)) and equal(whole.weights(), resumed.weights())


def test_measuring_changes_nothing():
    watched, alone = objective(), objective()
    for index in range(3):
        watched.samples(3), watched.picture(), watched.weights()
        assert equal(dict(watched.step(index)), dict(alone.step(index)))


def test_pictures_samples_and_weights_are_of_the_way_there():
    played = objective(average=0.0)
    played.step(0)
    assert played.picture().shape == (ROWS, 3, 3, SIDE, SIDE)
    assert played.picture()[:, 0].equal(played.held_out.inputs[:ROWS])
    assert played.picture()[:, 1].equal(played.samples(ROWS))
    network = tiny(5)
    network.load_state_dict(played.weights())
    assert equal(dict(network.state_dict()), dict(played.generators[0].state_dict()))


def test_identity_costs_nothing_when_it_is_off():
    played = objective(identity=0.0)
    calls = []
    played.generators[0].register_forward_hook(lambda *_: calls.append(1))
    assert "identity" not in played.step(0) and len(calls) == 2


def test_a_pool_fills_then_exchanges_half():
    pool, random = ImagePool(10), seeded(0)
    first = torch.arange(10.0).view(10, 1, 1, 1)
    assert pool.exchange(first, random).equal(first) and len(pool.images) == 10
    exchanged = 0
    for number in range(10, 410):
        before = {float(image) for image in pool.images}
        new = torch.full((1, 1, 1, 1), float(number))
        shown = float(pool.exchange(new, random))
        after = {float(image) for image in pool.images}
        if shown == number:
            assert after == before
        else:
            exchanged += 1
            assert shown in before and after == before - {shown} | {number}
    assert 150 < exchanged < 250  # 200 expected, standard deviation 10


def test_pools_keep_copies_without_gradients_and_none_at_size_0():
    weight = torch.ones(1, requires_grad=True)
    images = torch.rand(2, 3, 4, 4) * weight
    pool = ImagePool(5)
    shown = pool.exchange(images, seeded(0))
    assert not shown.requires_grad and not pool.images[0].requires_grad
    empty = ImagePool(0)
    assert empty.exchange(images, seeded(0)).equal(images) and not empty.images


def test_published_values_and_refusals():
    published = recipe("cyclegan")
    assert (published.cycle, published.identity, published.pool, published.loss) == (10, 0.5, 50, "least-squares")
    with pytest.raises(ConfigError, match="pool >= 0"):
        recipe("cyclegan", pool=-1)
