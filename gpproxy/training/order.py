"""Which samples a step sees: every sample once per pass over the data, each pass in a new order.

In: a number of samples and a seed. Out: the indices of any step, without the steps before it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.seeds import reseed


class Order:
    """Orders of `count` samples that are functions of the parts of a seed and the number of the pass."""

    def __init__(self, count: int, *seed: object):
        self.count = count
        self._seed = seed
        self._generator = torch.Generator()
        self._passes: dict[int, Tensor] = {}

    def batch(self, index: int, size: int) -> Tensor:
        """The samples of step `index`, int64 `size`, on the CPU; a batch may reach into the next pass."""
        places = torch.arange(index * size, (index + 1) * size)
        return torch.stack([self._pass(int(place) // self.count)[int(place) % self.count] for place in places])

    def _pass(self, number: int) -> Tensor:
        if number not in self._passes:
            generator = reseed(self._generator, *self._seed, "order", number)
            self._passes = {k: v for k, v in self._passes.items() if k >= number - 1}
            self._passes[number] = torch.randperm(self.count, generator=generator)
        return self._passes[number]
