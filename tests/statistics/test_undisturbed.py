"""Passes depend on the network, the batch and the seed alone, and leave no trace, whatever the network does."""

from __future__ import annotations

import copy
import random
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm
from torch.utils.checkpoint import checkpoint

from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.undisturbed import drawn, duplicate, restored, surroundings
from tests.statistics.tiny import images, seeded_, squared

ALL = ("noise", "wide", "perturbed", "ones", "input_gradient", "jacobian")


class Random(nn.Module):
    """Dropout as a module and as a function, noise on features, a random crop, coins of Python and NumPy, own dice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 3, 3, padding=1)
        self.drop, self.dice, self.coin = nn.Dropout(0.3), torch.Generator().manual_seed(1), random.Random(2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.drop(F.relu(self.first(x)))
        h = h + 0.1 * torch.randn_like(h) + 0.1 * torch.randn(h.shape[1:], generator=self.dice)
        shift = int(torch.randint(0, 3, ())) + random.randrange(2) + int(np.random.randint(2)) + self.coin.randrange(2)
        return self.last(F.dropout(h, 0.2, training=True).roll(shift, -1))


class Careless(nn.Module):
    """Changes whatever it can reach: weights, buffers, attributes, flags, gradients, hooks, its input."""

    def __init__(self, raises: bool = False) -> None:
        super().__init__()
        self.raises, self.steps, self.seen = raises, 0, []
        self.conv, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.scale = nn.Parameter(torch.full((1, 3, 1, 1), 2.0))
        self.register_buffer("ready", torch.tensor(False))
        self.cache, self.plain = {"a": torch.zeros(2)}, torch.ones(3)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x.mul_(0.5)
            if not self.ready:  # as activation norms begin
                self.scale.data.copy_(1 / x.std((0, 2, 3), keepdim=True))
                self.ready.fill_(True)
        self.steps += 1
        self.seen.append(x)
        self.cache["b"] = x
        self.cache["a"].add_(1)
        self.plain.add_(1)
        self.extra = nn.Linear(2, 2)
        self.register_buffer("late", torch.zeros(1))
        self.register_forward_hook(lambda module, given, made: None)
        self.norm.eval()
        self.conv.bias.requires_grad_(False)
        self.conv.weight.grad = torch.ones_like(self.conv.weight)
        random.random(), np.random.rand(), torch.rand(1)
        if self.raises:
            raise KeyError("careless")
        return self.norm(self.conv(x * self.scale))


def state(network: nn.Module) -> list[object]:
    """Everything that a pass could change, as values."""
    found: list[object] = [torch.get_rng_state(), random.getstate(), str(np.random.get_state())]
    for name, module in network.named_modules():
        tensors = [t.detach().clone() for t in (*module.parameters(False), *module.buffers(False))]
        about = [(p.requires_grad, None if p.grad is None else p.grad.clone()) for p in module.parameters(False)]
        found += [name, module.training, sorted(vars(module)), tensors, about, len(module._forward_hooks)]
    if isinstance(network, Careless):
        found += [
            network.steps,
            len(network.seen),
            sorted(network.cache),
            network.cache["a"].clone(),
            network.plain.clone(),
        ]
    return found


def same(one: object, other: object) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, other)  # type: ignore[arg-type]
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))  # type: ignore[arg-type, call-overload]
    return one == other


def look(network: nn.Module, count: int = 20, seed: int = 5) -> Passes:
    return Passes(network, Batch(images(count)), squared, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("raises", [False, True])
def test_nothing_remains_of_a_pass(raises: bool) -> None:
    network = Careless(raises)
    network.scale.grad = torch.ones_like(network.scale)
    batch = Batch(images(20))
    passes = Passes(network, batch, squared, torch.Generator().manual_seed(5))
    before = copy.deepcopy(state(network))
    for name in ALL:
        if raises:
            with pytest.raises((KeyError, AbsentPass), match="careless"):
                getattr(passes, name)
        elif name == "ones":  # its scale is one over the spread of an input without any
            with pytest.raises(AbsentPass, match="range of float64"):
                _ = passes.ones
        else:
            getattr(passes, name)
        assert same(state(network), before), name
    for name in ("zen", "meco", "grasp", "zico", "gradsign", "ntk"):
        try:
            PROXIES[name].function(passes)
        except (KeyError, AbsentPass):
            assert raises
        assert same(state(network), before), name
    assert torch.equal(batch.visible, images(20))


def test_gradients_are_those_of_the_values_that_the_pass_used() -> None:
    """A network that sets its scale in its first pass is differentiated at that scale, though it gets the old back."""
    network = seeded_(Careless())
    free = copy.deepcopy(network)
    loss = squared(free(images(16).clone()), images(16))
    (expected,) = torch.autograd.grad(loss, free.conv.weight)
    found = look(network).noise.layers[0].weight_gradient
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-7)


def values(passes: Passes) -> dict[str, Tensor]:
    found = {name: getattr(passes, name) for name in ALL}
    return {name: value if isinstance(value, Tensor) else value.output for name, value in found.items()}


def test_random_networks_repeat_in_any_order_and_company() -> None:
    network = seeded_(Random())
    torch.manual_seed(0)
    first = values(look(network))
    for number in range(3):
        torch.manual_seed(number), random.seed(number), np.random.seed(number)
        network(images())  # moves its own dice, which belong to the network
        network.dice.manual_seed(1), network.coin.seed(2)
        passes = look(network)
        order = [*ALL, "zen", "meco", "zico", "gradsign", "grasp", "ntk"]
        random.Random(number).shuffle(order)
        for name in order:
            PROXIES[name].function(passes) if name in PROXIES else getattr(passes, name)
        assert all(torch.equal(value, first[name]) for name, value in values(passes).items())


def test_another_seed_draws_other_masks_and_equal_shapes_draw_alike() -> None:
    network = seeded_(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(0.5)))
    one, other, again = look(network), look(network, seed=6), look(copy.deepcopy(network))
    assert not torch.equal(one.noise.output == 0, other.noise.output == 0)
    assert torch.equal(one.noise.output, again.noise.output) and one.seed("plain") != one.seed("all-ones")
    wider = look(seeded_(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(0.5), nn.Conv2d(3, 3, 1))))
    assert one.seed("plain") == again.seed("plain") != wider.seed("plain")


def test_the_perturbed_pass_has_the_masks_of_the_plain_one() -> None:
    network = seeded_(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout(0.5), nn.Conv2d(4, 4, 1), nn.Dropout(0.5)))
    passes = look(network)
    assert torch.equal(passes.noise.output == 0, passes.perturbed.output == 0)
    assert torch.equal(passes.noise.output == 0, look(network, 16).wide.output == 0)


def test_the_directions_of_a_random_jacobian_see_one_network() -> None:
    """With a loose dropout on top, what is dropped has no derivative in any direction."""
    passes = look(seeded_(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout(0.5))))
    zero = passes.jacobian == 0
    assert passes.noise.random and 0.3 < float(zero.float().mean()) < 0.7
    assert all(torch.equal(zero[0], other) for other in zero)
    assert not look(seeded_(nn.Sequential(nn.Conv2d(3, 4, 1)))).noise.random


def test_what_others_draw_is_not_moved() -> None:
    expected = [torch.rand(3, generator=torch.Generator().manual_seed(3)), random.Random(4).random()]
    torch.manual_seed(3), random.seed(4)
    with pytest.raises(KeyError), drawn(17, [torch.default_generator]):
        inside = torch.rand(3), random.random(), np.random.rand()
        raise KeyError
    assert torch.equal(torch.rand(3), expected[0]) and random.random() == expected[1]
    with drawn(17, [torch.default_generator]):
        assert torch.equal(torch.rand(3), inside[0]) and (random.random(), np.random.rand()) == inside[1:]


def test_a_module_that_is_taken_out_or_resized_comes_back() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())
    weight = network[0].weight
    kept = weight.detach().clone()
    with restored(network):
        weight.data = torch.zeros(1)
        network[0].weight = nn.Parameter(torch.zeros(2))
        del network[1]
        network.add_module("more", nn.Linear(2, 2))
    assert [name for name, _ in network.named_children()] == ["0", "1"]
    assert network[0].weight is weight and torch.equal(weight, kept)


@pytest.mark.parametrize(
    "wrap", [weight_norm, spectral_norm, parametrizations.weight_norm, parametrizations.spectral_norm]
)
def test_normed_weights_are_copied(wrap) -> None:
    network = seeded_(nn.Sequential(nn.Conv2d(3, 3, 1)))
    wrap(network[0])
    network.lock = threading.Lock()
    expected = network.eval()(images())  # leaves a computed weight behind
    made = duplicate(network)
    assert torch.equal(made(images()), expected) and made.lock is network.lock and made[0] is not network[0]


def test_a_network_of_inference_mode_is_copied_into_an_ordinary_one() -> None:
    with torch.inference_mode():
        network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
        made = duplicate(network)
    made(images()).sum().backward()
    assert made[0].weight.grad is not None and network[0].weight.is_inference()


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointed_parts_run_once(reentrant: bool) -> None:
    calls: list[int] = []

    def part(x: Tensor) -> Tensor:
        calls.append(1)
        return x.relu()

    x = images().requires_grad_()
    with surroundings({torch.device("cpu")}):
        y = checkpoint(part, x, use_reentrant=reentrant)
        torch.autograd.grad(y.sum(), x)
    assert len(calls) == 1
    y = checkpoint(part, x, use_reentrant=False)
    torch.autograd.grad(y.sum(), x)
    assert len(calls) == 3  # as torch has it


def test_the_callers_modes_stay_outside() -> None:
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        with surroundings({torch.device("cpu")}):
            assert not torch.is_inference_mode_enabled() and not torch.is_autocast_enabled("cpu")
        assert torch.is_inference_mode_enabled() and torch.is_autocast_enabled("cpu")
    with torch.no_grad(), surroundings({torch.device("cpu")}):
        assert not torch.is_grad_enabled()
    assert torch.backends.mha.get_fastpath_enabled()


class Frozen(dict):
    """Settings that refuse every change, as models of other packages keep them."""

    def clear(self) -> None:
        raise TypeError("frozen")

    update = __setitem__ = clear  # type: ignore[assignment]


def test_settings_that_refuse_changes_are_left_alone() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1))
    network.settings = Frozen(width=3)
    assert torch.isfinite(look(network).noise.output).all() and network.settings == {"width": 3}
