"""The modules, parameters and buffers of a network, each once, by name, from one walk through it.

Torch's own walks are generators inside of generators: several in each pass took longer than many a layer. This file
needs torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

from torch import Tensor, nn


class Members:
    """Of one network, in the order of torch.

    Attributes:
        modules, parameters, buffers: name and member.
    """

    def __init__(self, network: nn.Module):
        self.modules: list[tuple[str, nn.Module]] = []
        self.parameters: list[tuple[str, Tensor]] = []
        self.buffers: list[tuple[str, Tensor]] = []
        self._known: set[int] = set()
        self._walk(network, "", "")

    def _walk(self, module: nn.Module, name: str, prefix: str) -> None:
        known = self._known
        known.add(id(module))
        self.modules.append((name, module))
        for held, found in ((module._parameters, self.parameters), (module._buffers, self.buffers)):
            for key, tensor in held.items():
                if tensor is not None and id(tensor) not in known:
                    known.add(id(tensor))
                    found.append((prefix + key, tensor))
        for key, child in module._modules.items():
            if child is not None and id(child) not in known:
                self._walk(child, prefix + key, f"{prefix}{key}.")

    @property
    def tensors(self) -> list[Tensor]:
        """Parameters and buffers."""
        return [tensor for _, tensor in (*self.parameters, *self.buffers)]
