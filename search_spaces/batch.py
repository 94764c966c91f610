"""What generators are called with and compared to: a batch of inputs, of targets and of conditions.

This file needs torch only: an exported proxy carries a copy of what it uses of it, and its dataclasses must not need
their annotations looked up, so they are no texts here.

>>> batch = Batch(torch.zeros(8, 3), condition=torch.ones(8, dtype=torch.long))
>>> [tuple(one.shape) for one in batch.first(2).arguments]
[(2, 3), (2,)]
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

#: One tensor, or several that a generator takes by position or by name.
Several = Tensor | tuple[Tensor, ...] | dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """Samples for a generator. The first axis of every tensor counts the samples.

    Attributes:
        inputs: a tensor that the generator is called with, or a tuple of tensors (`network(*inputs)`), or a dict
            (`network(**inputs)`). Label maps as numbers, time steps and the like may stand beside a tensor of floats.
        targets: what the outputs are compared with, where the loss of the space does so.
        condition: further arguments, after or beside the inputs: a tensor or tuple, a dict where `inputs` is one.
    """

    inputs: Several
    targets: Tensor | None = None
    condition: Several | None = None

    @property
    def arguments(self) -> Several:
        """Inputs and condition together, as the generator is called with them."""
        if self.condition is None:
            return self.inputs
        if isinstance(self.inputs, dict) and isinstance(self.condition, dict):
            return {**self.inputs, **self.condition}
        return (*_listed(self.inputs), *_listed(self.condition))

    def call(self, network: nn.Module) -> Tensor:
        """What the generator makes of the batch."""
        given = self.arguments
        if isinstance(given, Tensor):
            return network(given)
        return network(**given) if isinstance(given, dict) else network(*given)

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors that the generator is called with."""
        return list(_listed(self.arguments))

    @property
    def visible(self) -> Tensor:
        """The first input of floats, `sample x ...`: what is perturbed, differentiated by, and read by statistics.

        Raises ValueError where there is none.
        """
        for tensor in _listed(self.inputs):
            if tensor.is_floating_point():
                return tensor
        raise ValueError("The inputs hold no tensor of floats, so there is nothing to perturb or differentiate by.")

    def with_visible(self, visible: Tensor) -> "Batch":
        """The same batch with another visible tensor."""
        seen = self.visible
        return replace(self, inputs=_changed(self.inputs, lambda tensor: visible if tensor is seen else tensor))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch of what `change` makes of each tensor."""
        inputs, condition = _changed(self.inputs, change), self.condition
        condition = condition if condition is None else _changed(condition, change)
        return Batch(inputs, None if self.targets is None else change(self.targets), condition)

    def part(self, start: int, stop: int) -> "Batch":
        """The samples from `start` on, before `stop`."""
        return self.each(lambda tensor: tensor[start:stop])

    def first(self, count: int) -> "Batch":
        """At most `count` samples."""
        return self.part(0, count)

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on a device."""
        return self.each(lambda tensor: tensor.to(device))

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.visible)


def _listed(several: Several) -> tuple[Tensor, ...]:
    if isinstance(several, Tensor):
        return (several,)
    return tuple(several.values()) if isinstance(several, dict) else tuple(several)


def _changed(several: Several, change: Callable[[Tensor], Tensor]) -> Several:
    if isinstance(several, Tensor):
        return change(several)
    if isinstance(several, dict):
        return {name: change(tensor) for name, tensor in several.items()}
    return tuple(change(tensor) for tensor in several)
