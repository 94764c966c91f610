"""The passes of a look as anybody would write them: without hooks, kept tensors or gradients of activations.

In: a search space, a code, how it is looked at. Out: calls that can be timed, and the CPU seconds of such calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import nn
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from gpproxy.search_spaces import Batch, SearchSpace
from gpproxy.seeds import seeded
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import look_at
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.plain_copy import plain_copy

#: What the all-ones pass leaves out.
BYPASSED = (
    nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Softsign,
)  # fmt: skip


class Bare:
    """The passes of a look over all statistics of one network.

    Attributes:
        whole, batch: the inputs, and the first of them, which are all that passes other than the wide one see.
        draws: whether the network draws random numbers, so that each direction of the Jacobian has a pass of its own.
    """

    def __init__(self, space: SearchSpace, code: str, how: Collection):
        self._make = lambda: space.build(space.decode(code), seeded(space.name, code, how.seed, "weights"))
        self.loss = space.loss
        self.whole = space.batch(how.samples, seeded(space.name, how.seed, "inputs"))
        self.batch = self.whole.first(Passes.NARROW)
        self.draws = look_at(space, code, how, backward=False).noise.random
        self.build()

    def build(self) -> None:
        """The network anew, as every look builds it."""
        self.network = self._make()

    def forward(self, wide: bool = False) -> None:
        with torch.no_grad(), frozen_buffers(self.network):
            (self.whole if wide else self.batch).call(self.network)

    def forward_backward(self) -> None:
        with frozen_buffers(self.network):
            loss = self.loss(self.batch.call(self.network), self.batch)
        torch.autograd.grad(loss, list(self.network.parameters()), allow_unused=True)

    def every_pass(self) -> None:
        for work in self.passes().values():
            work()

    def passes(self) -> dict[str, Callable[[], None]]:
        """The passes by name."""
        return {
            "noise, and backward": self.forward_backward,
            "perturbed": self.forward,
            "all ones": self.ones,
            "input gradient": self.input_gradient,
            "Jacobian": self.jacobian,
            "the whole batch": partial(self.forward, wide=True),
        }

    def wide_backward(self) -> None:
        """The passes as they were up to 0.2.0: none of the whole batch, but the others on all of it."""
        narrow, self.batch = self.batch, self.whole
        for work in (self.forward_backward, self.forward, self.ones, self.input_gradient, self.jacobian):
            work()
        self.batch = narrow

    def ones(self) -> None:
        network, first = plain_copy(self.network).eval(), self.batch.first(1)
        for module in network.modules():
            if isinstance(module, BYPASSED):
                module.forward = lambda x, *rest: x  # type: ignore[method-assign]
        wide = first.each(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
        try:
            total = _ones_of(wide).call(network.double()).sum()
        except RuntimeError:  # it makes tensors in float32
            total = _ones_of(first).call(network.float()).sum()
        torch.autograd.grad(total, list(network.parameters()), allow_unused=True)

    def input_gradient(self) -> None:
        inputs = self.batch.visible.clone().requires_grad_(True)
        with frozen_buffers(self.network):
            torch.autograd.grad(self.batch.with_visible(inputs).call(self.network).sum(), inputs, allow_unused=True)

    def jacobian(self) -> None:
        few = self.batch.first(Passes.DIRECTION_SAMPLES)
        passes, directions = (Passes.DIRECTIONS, 1) if self.draws else (1, Passes.DIRECTIONS)
        few = few.samples(lambda value: value.repeat(directions, *[1] * (value.ndim - 1)))
        seen = few.visible
        for _ in range(passes):
            # Fused attention has no forward mode.
            with torch.no_grad(), frozen_buffers(self.network), forward_ad.dual_level(), sdpa_kernel(SDPBackend.MATH):
                few.with_visible(forward_ad.make_dual(seen, torch.ones_like(seen))).call(self.network)


def _ones_of(batch: Batch) -> Batch:
    return batch.with_visible(torch.ones_like(batch.visible))


@contextmanager
def frozen_buffers(network: nn.Module) -> Iterator[None]:
    """What a pass by hand would take care of: running means and variances stay."""
    saved = [(buffer, buffer.clone()) for buffer in network.buffers()]
    yield
    for buffer, value in saved:
        buffer.data.copy_(value)


def cpu(ways: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Smallest CPU seconds of some calls of each, in turns."""
    found: list[list[float]] = [[] for _ in ways]
    for _ in range(repeats):
        for work, seconds in zip(ways, found):
            start = time.process_time()
            work()
            seconds.append(time.process_time() - start)
    return [min(seconds) for seconds in found]
