"""What every classical proxy keeps: the network, the global generators, one value per network whatever ran before."""

from __future__ import annotations

import copy
import math
import random

import numpy as np
import pytest
import torch
from torch import nn

from gpproxy.errors import StatisticsError
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.classical.proxy import proxy
from tests.statistics.tiny import images, look_at, mlp, seeded_, with_norms, without_norms

EXPECTED = """l2_norm grad_norm snip plain fisher grasp synflow logsynflow jacov zen zico gradsign ntk nwot swap meco
az_expressivity az_progressivity autogas_proxy1 autogas_proxy2 autogas_proxy3 autogas_proxy4 autogas_proxy5
autogas_integration""".split()


def same(one: float, two: float) -> bool:
    return one == two or (math.isnan(one) and math.isnan(two))


def test_all_proxies_are_registered_with_their_source():
    assert sorted(PROXIES) == sorted(EXPECTED)
    for item in PROXIES.values():
        assert item.direction in (1, -1) and item.source and item.summary.endswith((".", "better.", "`."))
    assert [item.name for item in PROXIES.values() if item.direction == -1] == ["ntk"]


@pytest.mark.parametrize("make, shape", [(with_norms, (3, 8, 8)), (without_norms, (3, 8, 8)), (mlp, (5,))])
@pytest.mark.parametrize("name", PROXIES)
def test_the_network_stays_as_it_was(name, make, shape):
    network = make()
    before = copy.deepcopy(network.state_dict())
    inplace = [m.inplace for m in network.modules() if isinstance(m, nn.ReLU)]
    value = PROXIES[name](look_at(network, images(shape=shape)))
    assert isinstance(value, float)
    after = network.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    for module in network.modules():
        assert module.training
        assert not (module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)
        assert "forward" not in vars(module) and getattr(module, "momentum", 0.1) == 0.1
    assert all(p.grad is None and p.requires_grad for p in network.parameters())
    assert [m.inplace for m in network.modules() if isinstance(m, nn.ReLU)] == inplace


@pytest.mark.parametrize("name", PROXIES)
def test_finite_on_an_ordinary_generator(name):
    assert math.isfinite(PROXIES[name](look_at(with_norms())))


@pytest.mark.parametrize("name", PROXIES)
def test_no_global_generator_is_used(name):
    network = with_norms()
    states = torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    PROXIES[name](look_at(network))
    assert torch.equal(states[0], torch.random.get_rng_state())
    assert states[1:] == (random.getstate(), np.random.get_state()[1].tolist())


def test_values_repeat_and_do_not_depend_on_what_ran_before():
    network = with_norms()
    passes, reverse = look_at(network), look_at(network)
    values = {name: PROXIES[name](passes) for name in PROXIES}
    backwards = {name: PROXIES[name](reverse) for name in reversed(list(PROXIES))}
    assert all(same(values[name], backwards[name]) for name in values)
    assert all(same(values[name], PROXIES[name](look_at(with_norms()))) for name in values)


@pytest.mark.parametrize("name", PROXIES)
def test_declares_whether_it_needs_gradients(name, monkeypatch):
    """Without any backward pass a proxy that declares none works, and one that declares one does not."""

    def refuse(*args, **kwargs):
        raise RuntimeError("a backward pass")

    passes = look_at(with_norms(), backward=False)
    monkeypatch.setattr(torch.autograd, "grad", refuse)
    if PROXIES[name].needs_backward:
        with pytest.raises((RuntimeError, StatisticsError, AbsentPass), match="backward"):
            PROXIES[name](passes)
    else:
        assert math.isfinite(PROXIES[name](passes))


def zero_weights() -> nn.Module:
    return seeded_(with_norms(), scale=0.0)


def huge_weights() -> nn.Module:
    return seeded_(without_norms(), scale=1e30)


def no_rectifier() -> nn.Module:
    return seeded_(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Tanh(), nn.Conv2d(3, 3, 1)))


def one_linear_layer() -> nn.Module:
    return seeded_(nn.Conv2d(3, 3, 1))


def one_pixel() -> nn.Module:
    layers = [nn.Conv2d(3, 4, 8), nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 3, 8), nn.Tanh()]
    return seeded_(nn.Sequential(*layers))


@pytest.mark.parametrize("make", [zero_weights, huge_weights, no_rectifier, one_linear_layer, one_pixel])
@pytest.mark.parametrize("name", PROXIES)
def test_awkward_networks_give_a_number_or_nan_or_a_reason(name, make):
    try:
        value = PROXIES[name](look_at(make()))
    except AbsentPass as error:
        assert make in (no_rectifier, one_linear_layer)
        assert "has no rectifier (ReLU and kin)" in str(error) or "has a single layer" in str(error)
    else:
        assert isinstance(value, float) and not math.isinf(value)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", PROXIES)
def test_small_batches_give_a_number_or_nan(name, count):
    value = PROXIES[name](look_at(with_norms(), images(count)))
    assert isinstance(value, float) and not math.isinf(value)


def test_equal_samples_have_no_defined_kernel_determinant():
    passes = look_at(with_norms(), images(1).repeat(3, 1, 1, 1))
    assert all(math.isnan(PROXIES[name](passes)) for name in ("nwot", "ntk", "autogas_proxy5"))


def test_only_numerical_failure_becomes_nan():
    def singular(passes):
        return torch.linalg.inv(torch.zeros(2, 2)).sum()

    def broken(passes):
        raise ValueError("a mistake")

    from gpproxy.statistics.classical import proxy as module

    kept = dict(module.PROXIES._items)
    try:
        assert math.isnan(proxy(source="test", name="singular")(singular)(None))
        with pytest.raises(ValueError, match="a mistake"):
            proxy(source="test", name="broken")(broken)(None)
    finally:
        module.PROXIES._items.clear()
        module.PROXIES._items.update(kept)
