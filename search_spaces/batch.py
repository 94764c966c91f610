"""What generators are called with and compared to: a batch of inputs, of targets and of conditions.

This file needs torch only: an exported proxy carries a copy of what it uses of it, and its dataclasses must not need
their annotations looked up, so they are no texts here.

>>> batch = Batch(torch.zeros(8, 3), condition=torch.ones(8, dtype=torch.long))
>>> [tuple(one.shape) for one in batch.first(2).arguments]
[(2, 3), (2,)]
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.search_spaces.output import Pick, picked

#: One tensor, or several that a generator takes: a tuple or list by position, a dict by name, a dataclass as one
#: argument. They may hold further tuples, dicts and dataclasses, and what is no tensor, such as a flag.
Several = Any


class NoTargets(ValueError):
    """A loss compares outputs with targets that a batch does not have."""


@dataclass(frozen=True)
class Batch:
    """Samples for a generator. The first axis of every tensor counts the samples; one without axes is for all of them.

    Attributes:
        inputs: a tensor that the generator is called with, or a tuple or list of tensors (`network(*inputs)`), or a
            dict (`network(**inputs)`), or a dataclass (`network(inputs)`). Label maps as numbers, time steps and the
            like may stand beside a tensor of floats.
        targets: what the outputs are compared with, where the loss of the space does so.
        condition: further arguments, after or beside the inputs, such as class labels: a tensor or tuple, a dict where
            `inputs` is one.
        output: which tensor of the generator's output is the image, where it returns several, see `picked`.

    Raises ValueError where one of inputs and condition is a dict and the other is not.
    """

    inputs: Several
    targets: Tensor | None = None
    condition: Several | None = None
    output: Pick = None

    def __post_init__(self) -> None:
        if self.condition is not None and isinstance(self.condition, dict) != isinstance(self.inputs, dict):
            raise ValueError(
                "Inputs and condition of a batch must both be dicts, for a call by names, or neither of them: here one "
                "of them has names and the other has none."
            )

    @property
    def arguments(self) -> Several:
        """Inputs and condition together, as the generator is called with them."""
        if self.condition is None:
            return self.inputs
        if isinstance(self.inputs, dict):
            return {**self.inputs, **self.condition}
        return (*_positions(self.inputs), *_positions(self.condition))

    def call(self, network: nn.Module) -> Tensor:
        """The image that the generator makes of the batch. Raises ValueError where it cannot be told, see `picked`."""
        given = self.arguments
        made = network(**given) if isinstance(given, dict) else network(*_positions(given))
        return made if self.output is None and isinstance(made, Tensor) else picked(made, self.output)

    @property
    def answers(self) -> Tensor:
        """The targets. Raises NoTargets, with what to do, where there are none."""
        if self.targets is None:
            raise NoTargets(
                "The loss compares outputs with targets, which these inputs do not tell. Give a loss of your own that "
                "knows them: loss(outputs, inputs), of the first samples."
            )
        return self.targets

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors that the generator is called with."""
        return tensors_in(self.arguments)

    @property
    def visible(self) -> Tensor:
        """The first input of floats, `sample x ...`: what is perturbed, differentiated by, and read by statistics.

        Where all inputs are whole numbers, such as label maps, it is the first of these, and can only be read. Raises
        ValueError where there is no tensor.
        """
        found = tensors_in(self.inputs)
        for tensor in found:
            if tensor.is_floating_point():
                return tensor
        if not found:
            raise ValueError("The inputs hold no tensor, so there is nothing to look at a generator with.")
        return found[0]

    def with_visible(self, visible: Tensor) -> "Batch":
        """The same batch with another visible tensor."""
        seen = self.visible
        return replace(self, inputs=_changed(self.inputs, lambda tensor: visible if tensor is seen else tensor))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch of what `change` makes of each tensor."""
        targets = None if self.targets is None else change(self.targets)
        return Batch(_changed(self.inputs, change), targets, _changed(self.condition, change), self.output)

    def samples(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch of what `change` makes of each tensor that has an axis of samples."""
        return self.each(lambda tensor: change(tensor) if tensor.ndim else tensor)

    def part(self, start: int, stop: int) -> "Batch":
        """The samples from `start` on, before `stop`."""
        return self.samples(lambda tensor: tensor[start:stop])

    def first(self, count: int) -> "Batch":
        """At most `count` samples."""
        return self.part(0, count)

    def own(self) -> "Batch":
        """A copy that a generator may change without harm, apart from any graph of gradients."""
        return self.each(lambda tensor: tensor.detach().clone())

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on a device."""
        return self.each(lambda tensor: tensor.to(device))

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.visible)


def tensors_in(several: Several) -> list[Tensor]:
    """All tensors of an argument, in order."""
    found: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    _changed(several, keep)
    return found


def _positions(several: Several) -> tuple[Any, ...]:
    """The arguments of a call by position. A tuple with names is one argument, as a dataclass is."""
    return tuple(several) if isinstance(several, tuple | list) and not hasattr(several, "_fields") else (several,)


def _changed(several: Several, change: Callable[[Tensor], Tensor]) -> Several:
    """The same structure with its tensors changed; nothing of the old one is altered."""
    if isinstance(several, Tensor):
        return change(several)
    if isinstance(several, dict):
        made = copy.copy(several)  # of its own kind, which may be an ordered one or one with attributes
        for name, value in several.items():
            made[name] = _changed(value, change)
        return made
    if isinstance(several, tuple | list):
        parts = [_changed(value, change) for value in several]
        return type(several)(*parts) if hasattr(several, "_fields") else type(several)(parts)
    if is_dataclass(several) and not isinstance(several, type):
        other = copy.copy(several)
        for field in fields(several):
            object.__setattr__(other, field.name, _changed(getattr(several, field.name), change))
        return other
    return several
