"""Moving average of a network: parameters and buffers, BatchNorm statistics included.

In: a network after each update. Out: a second network of the same kind that follows it. What is measured and kept is
this one (Yazici et al., 2019).
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Average:
    """An average that starts as a copy of the network and follows it with a decay that rises to its final value.

    Update `n`, counted from 1, keeps `min(decay, n / (n + 9))` of the average, so that early averages are not made of
    untrained weights. Whole-number buffers are copied.

    Args:
        network: what is followed.
        decay: share kept per update in the end; 0 always equals the network.
    """

    def __init__(self, network: nn.Module, decay: float):
        self.decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        ours, theirs = _tensors(self.network), _tensors(network)
        pairs = [(ours[name], theirs[name]) for name in ours]
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        whole = [pair for pair in pairs if not pair[0].is_floating_point()]
        self._ours, self._theirs = ([pair[side] for pair in floats] for side in (0, 1))
        self._our_counts, self._their_counts = ([pair[side] for pair in whole] for side in (0, 1))

    def taken(self, step: int) -> float:
        """Share of the network that the average takes over after step `step`, counted from 0."""
        return 1 - min(self.decay, (step + 1) / (step + 10))

    @torch.no_grad()
    def update(self, taken: Tensor) -> None:
        """Moves the average towards the network, in place; a CUDA graph can hold it.

        Args:
            taken: share of the network, of `taken`, as one number on the device of the network.
        """
        moves = torch._foreach_sub(self._theirs, self._ours)
        torch._foreach_mul_(moves, taken)
        torch._foreach_add_(self._ours, moves)
        if self._our_counts:
            torch._foreach_copy_(self._our_counts, self._their_counts)


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; what is shared is there once."""
    return {name: one.detach() for name, one in (*network.named_parameters(), *network.named_buffers())}
