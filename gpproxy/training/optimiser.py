"""Adam for a training: fused, with a learning rate that follows the recipe, also inside a CUDA graph.

In: a network and a recipe. Out: an optimiser, and a state that restores it exactly.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Adam


class Optimiser:
    """Adam over the parameters of some networks (Kingma & Ba, 2015).

    Args:
        networks: whose parameters, all on one device.
        rate: learning rate at the start.
        betas: decays of the means of gradients and squared gradients.
        clip: largest norm of the gradient of all parameters; a longer one is made as long. 0 for any.
    """

    def __init__(self, *networks: nn.Module, rate: float, betas: tuple[float, float], clip: float = 0.0):
        self.rate, self.clip = rate, clip
        self.parameters = [parameter for network in networks for parameter in network.parameters()]
        device = self.parameters[0].device
        graph = device.type == "cuda"
        # A graph reads its learning rate from the device at every replay.
        self._rate = torch.tensor(rate, device=device) if graph else rate
        self._adam = Adam(self.parameters, lr=self._rate, betas=betas, fused=True, capturable=graph)

    def scale(self, factor: float) -> None:
        """Sets the learning rate to a share of that at the start."""
        if isinstance(self._rate, torch.Tensor):
            self._rate.fill_(self.rate * factor)
        else:
            self._adam.param_groups[0]["lr"] = self.rate * factor

    def descend(self, loss: torch.Tensor) -> None:
        """One step against the gradient of a loss; gradients of other networks are not computed."""
        self._adam.zero_grad(set_to_none=True)
        loss.backward(inputs=self.parameters)
        if self.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self._adam.step()

    def state_dict(self) -> dict[str, Any]:
        """The moments; the learning rate is a function of the step."""
        return {"state": self._adam.state_dict()["state"]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        groups = self._adam.state_dict()["param_groups"]
        # A copy: Adam would go on in the very tensors that it is given.
        self._adam.load_state_dict({"state": copy.deepcopy(state["state"]), "param_groups": groups})
        for group in self._adam.param_groups:
            group["lr"] = self._rate
