"""One walk finds what torch's own walks find, in their order."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from gpproxy.recording.members import Members


def shared() -> nn.Module:
    """A module under two names, a weight and a buffer in two modules, an empty place, a parametrised weight."""
    one, other = nn.Linear(3, 3), nn.Linear(3, 3)
    other.weight = one.weight
    norm = nn.BatchNorm1d(3)
    network = nn.Sequential(one, norm, nn.Sequential(other, one), weight_norm(nn.Linear(3, 3)), nn.PReLU())
    network.register_buffer("mean", norm.running_mean)
    network.register_buffer("none", None)
    network.register_module("nothing", None)
    return network


def scripted() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 3), torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))))


@pytest.mark.parametrize("make", [shared, scripted])
def test_members_are_those_of_torch(make) -> None:
    network = make()
    found = Members(network)
    for mine, its in (
        (found.modules, network.named_modules()),
        (found.parameters, network.named_parameters()),
        (found.buffers, network.named_buffers()),
    ):
        theirs = list(its)
        assert [name for name, _ in mine] == [name for name, _ in theirs]
        assert all(a is b or isinstance(a, torch.Tensor) and torch.equal(a, b) for (_, a), (_, b) in zip(mine, theirs))
    assert len(found.tensors) == len(found.parameters) + len(found.buffers)
