"""Functionally identical architectures count once, where a formula is fitted and where it is chosen.

The members of a class are one network measured several times. Where each counts, a class of twenty outvotes many
different networks, and what fits it fits little else. In: the class of every architecture. Out: one value per class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from gpproxy.search_spaces import SearchSpace


class EquivalenceClasses:
    """The functional classes of a list of architectures.

    Args:
        classes: a number per architecture; equal numbers are twins.
    """

    def __init__(self, classes: Sequence[int]):
        _, self._member = torch.unique(torch.tensor(list(classes), dtype=torch.long), return_inverse=True)
        self._count = int(self._member.max()) + 1 if len(self._member) else 0
        #: `class`, position of its first architecture
        self.first = torch.full((self._count,), len(self._member)).scatter_reduce(
            0, self._member, torch.arange(len(self._member)), "amin"
        )

    def __len__(self) -> int:
        return self._count

    def mean(self, values: Tensor, kept: Tensor | None = None) -> Tensor:
        """`... x class`: means of `... x architecture` over the twins, float64.

        Args:
            values: any numbers; NaN or infinity makes the mean of its class NaN or infinite.
            kept: `architecture`, bool; twins that are left out of the mean. A class without any is NaN.
        """
        member = self._member.to(values.device)
        weights = torch.ones(len(member), dtype=torch.float64, device=values.device)
        values = values.double()
        if kept is not None:
            weights = kept.to(values.device).double()
            values = torch.where(kept.to(values.device), values, 0.0)
        sums = values.new_zeros(*values.shape[:-1], self._count).index_add(-1, member, values)
        return sums / values.new_zeros(self._count).index_add(0, member, weights)

    def all(self, flags: Tensor) -> Tensor:
        """`class`: whether the flag of all twins is set."""
        return self.mean(flags.double()) == 1


def functional_classes(architectures: Sequence[str], space: SearchSpace) -> list[int]:
    """Per architecture the number of its functional class, counted in order of first appearance."""
    numbers: dict[object, int] = {}
    return [numbers.setdefault(space.canonical(space.decode(code)), len(numbers)) for code in architectures]
