"""What the training loop trains: one protocol for all tasks.

An Objective owns its networks, optimisers and averages. The loop (`gpproxy.training.loop`) calls `step` for 0, 1, 2,
..., measures `samples` at the checks and saves `state_dict`; it knows nothing else about an objective.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor, nn


class Objective(Protocol):
    """Networks that learn: generators and discriminators from each other, or a network from its own loss."""

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The trained networks by name, on their device."""
        ...

    def step(self, index: int) -> Mapping[str, Tensor]:
        """One update of the generators and the discriminator updates that go with it.

        Everything random in it, the choice of images too, is a function of the seed and of `index`, so that a resumed
        run continues as if nothing had happened. It waits for no result of the device.

        Args:
            index: number of the step, from 0.

        Returns:
            Losses by name, the same names in each step, one number each, without gradients. `discriminator` is
            watched for collapse. Later steps leave these tensors as they are.
        """
        ...

    def samples(self, count: int) -> Tensor:
        """Images to measure: uint8 `sample x 3 x height x width`, RGB, on the CPU.

        A function of the (averaged) weights, the seed and `count`: measuring changes nothing in the objective.
        """
        ...

    def held_out_losses(self) -> Mapping[str, float]:
        """Losses of the (averaged) networks on held-out data, by name; lower is better. {} where images alone tell."""
        ...

    def picture(self) -> Tensor:
        """What a grid shows: uint8 `row x column x 3 x height x width`, from the same inputs at every check."""
        ...

    def weights(self) -> dict[str, Tensor]:
        """The (averaged) generators as they are measured, buffers included: what is kept of the best check."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on: nested dicts and lists of tensors and plain values."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes over the state of an objective of the same kind and size."""
        ...
