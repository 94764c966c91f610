"""A batch calls generators of one tensor or several, and the parts of a look act on the visible tensor alone."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import nn

from gpproxy.search_spaces.batch import Batch, tensors_in
from gpproxy.statistics.passes import Passes


class Step(nn.Module):
    """A denoiser: images and the number of a time step; the hidden scale must stay as it is."""

    def __init__(self):
        super().__init__()
        self.first, self.relu, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1)
        self.steps = nn.Embedding(10, 4)

    def forward(self, images, step):
        return self.last(self.relu(self.first(images) + self.steps(step)[:, :, None, None]))


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("batch", "arguments", "names"),
    [
        (Batch(noise(2, 3)), 1, ()),
        (Batch((noise(2, 3), torch.arange(2))), 2, ()),
        (Batch(noise(2, 3), condition=torch.arange(2)), 2, ()),
        (Batch({"z": noise(2, 3)}, condition={"kind": torch.arange(2)}), 0, ("z", "kind")),
    ],
)
def test_a_generator_is_called_with_inputs_and_condition(batch, arguments, names):
    seen = []

    def network(*given, **named):
        seen.append((len(given), tuple(named)))
        return noise(2, 3)

    batch.call(network)  # type: ignore[arg-type]
    assert seen == [(arguments, names)] and len(batch) == 2
    assert torch.equal(batch.visible, noise(2, 3))


def test_parts_and_changes_keep_the_rest():
    whole = Batch((torch.arange(4), noise(4, 3)), targets=noise(4, 2, seed=1), condition=noise(4, 1, seed=2))
    part = whole.part(1, 3)
    assert torch.equal(part.visible, noise(4, 3)[1:3]) and len(part.targets) == len(part.condition) == 2
    moved = whole.with_visible(torch.zeros(4, 3))
    assert moved.visible.sum() == 0 and torch.equal(moved.inputs[0], torch.arange(4)) and moved.targets is whole.targets
    assert whole.visible.abs().sum() > 0
    shared = noise(2, 3)
    assert Batch(shared, targets=shared).with_visible(torch.zeros(2, 3)).targets is shared
    assert torch.equal(Batch(torch.arange(3)).visible, torch.arange(3))
    with pytest.raises(ValueError, match="hold no tensor"):
        _ = Batch(("text", None)).visible
    with pytest.raises(ValueError, match="must both be dicts"):
        Batch(noise(2, 3), condition={"kind": torch.arange(2)})


@dataclass(frozen=True)
class Given:
    images: torch.Tensor
    scale: torch.Tensor
    name: str = "given"


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


@pytest.mark.parametrize(
    "inputs",
    [
        (noise(4, 3), [torch.arange(4), None], True),
        [noise(4, 3), torch.tensor(2.0)],
        {"z": noise(4, 3), "more": {"steps": torch.arange(4)}, "flag": False},
        ({"z": noise(4, 3)},),
        Given(noise(4, 3), torch.tensor(0.5)),
        Pair(noise(4, 3), torch.arange(4)),
        OrderedDict(z=noise(4, 3)),
    ],
)
def test_inputs_of_any_structure_are_cut_moved_and_copied(inputs):
    batch, seen = Batch(inputs), []

    def network(*given, **named):
        seen.append((given, named))
        return noise(2, 3)

    part = batch.first(2)
    part.call(network)  # type: ignore[arg-type]
    given, named = seen[0]
    assert bool(named) == isinstance(inputs, dict) and type(part.inputs) is type(inputs)
    assert len(given) == (0 if named else len(inputs) if type(inputs) in (tuple, list) else 1)
    assert torch.equal(part.visible, noise(4, 3)[:2]) and len(part) == 2
    moved = batch.with_visible(torch.zeros(4, 3))
    assert not moved.visible.any() and torch.equal(batch.visible, noise(4, 3))
    for mine, other in zip(tensors_in(batch.inputs), tensors_in(batch.own().inputs), strict=True):
        assert torch.equal(mine, other) and mine.data_ptr() != other.data_ptr()


def test_every_pass_of_several_tensors_runs_and_moves_the_visible_one():
    torch.manual_seed(0)
    network, steps = Step(), torch.arange(6)
    batch = Batch((noise(6, 3, 8, 8), steps), targets=noise(6, 3, 8, 8, seed=1))
    passes = Passes(network, batch, lambda y, given: (y - given.targets).square().mean(), torch.Generator())
    assert torch.equal(passes.noise.output, network(batch.visible, steps))
    assert passes.wide.output.shape == passes.perturbed.output.shape == (6, 3, 8, 8)
    assert passes.ones.output.dtype == torch.float64 and len(passes.ones.output) == 1
    assert passes.input_gradient.shape == (6, 3 * 64)
    step, direction = 1e-3, passes._directions[0]
    sides = [network(batch.visible[:4] + sign * step * direction, steps[:4]) for sign in (1, -1)]
    expected = ((sides[0] - sides[1]) / (2 * step)).flatten(1)
    assert torch.allclose(passes.jacobian[0], expected, atol=1e-2)
