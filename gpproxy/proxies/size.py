"""Parameters and MACs of architectures, fast: shapes only, on the meta device, by arithmetic for every known layer.

In: a space and an architecture. Out: what `SearchSpace.describe` calls params and macs, in a fraction of its time. The
first architectures are described both ways; where the two differ, `describe` is used from then on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gpproxy.recording.arguments import arguments
from gpproxy.recording.operations import COUNTED, PRODUCTS
from gpproxy.search_spaces import Batch, SearchSpace
from gpproxy.search_spaces.describe import Outline
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import numbered, python_random

#: Architectures that are described both ways before the fast way is trusted.
CHECKED = 3
#: Layers whose output has the shape of their input.
KEEPING = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.Tanh, nn.Sigmoid, nn.Hardtanh,
    nn.Dropout, nn.Dropout2d, nn.Identity,
)  # fmt: skip
_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


class Size(NamedTuple):
    """Parameters, and multiply-accumulates of convolutions, linear layers and other matrix products for one input."""

    params: float
    macs: float


class Sizer:
    """The size of any architecture of a space.

    Attributes:
        fast: whether a fast way was found; otherwise `describe` is asked each time.
        plain: whether the networks as they are built have the described sizes, by a plain count.
    """

    def __init__(self, space: SearchSpace):
        self._space = space
        rng = python_random("sizes")
        drawn = [space.sample(rng) for _ in range(CHECKED)]
        described = [described_size(space, one) for one in drawn]
        way = next((way for way in _ways(space, drawn[0]) if _agrees(way, drawn, described)), None)
        self.fast = way is not None
        self.plain = way is not None and way.func is built_size and way.args[0] is space
        self._way = way or partial(described_size, space)

    def __call__(self, architecture: Architecture) -> Size:
        try:
            return self._way(architecture)
        except Uncounted:  # a rare choice, in one architecture of a hundred
            return described_size(self._space, architecture)


class Uncounted(Exception):
    """A network multiplies outside the layers that are counted by arithmetic."""


class _Watch(TorchFunctionMode):
    """Counts matrix products and attention; raises Uncounted at other operations that multiply and accumulate. The
    known layers are counted elsewhere and never run."""

    def __init__(self, counted: list[int]):
        super().__init__()
        self.counted = counted

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name == "scaled_dot_product_attention":
            return self._attention(*arguments(args, kwargs, ("query", "key", "value")))
        factors = [args[at] for at in PRODUCTS.get(name, ()) if at < len(args)]
        if len(factors) == 2 and all(factor.ndim > 1 for factor in factors):
            output = func(*args, **kwargs)
            self.counted[0] += output.numel() * factors[0].shape[-1]
            return output
        if name in COUNTED:
            raise Uncounted
        return func(*args, **kwargs)

    def _attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """`... x queries x channel`, `... x keys x channel` twice: two products."""
        output = torch.empty(*query.shape[:-1], value.shape[-1], device="meta")
        self.counted[0] += (query.numel() + output.numel()) * key.shape[-2]
        return output


def described_size(space: SearchSpace, architecture: Architecture) -> Size:
    """The size that the space describes."""
    found = space.describe(architecture)
    return Size(found["params"], found["macs"])


def built_size(space: SearchSpace, batch: Batch, architecture: Architecture) -> Size:
    """The size of the network that the space builds, for a batch on the meta device."""
    network = space.build(architecture, None)
    counted = [0]
    for module in network.modules():
        if shape := _shape_of(module, counted):
            module.forward = shape  # type: ignore[method-assign]
    with torch.no_grad(), Outline(), _Watch(counted):
        batch.call(network)
    return Size(float(sum(p.numel() for p in network.parameters())), counted[0] / len(batch))


def _published_size(space: SearchSpace, architecture: Architecture) -> Size:
    """The size by the rule for MACs that the space itself has."""
    network = space.build(architecture, None)
    return Size(float(sum(p.numel() for p in network.parameters())), float(space.macs(architecture) or 0))


def _ways(space: SearchSpace, drawn: Architecture) -> Iterator[partial[Size]]:
    """Ways to tell a size: of the built network, of that with one factor at 1, by the space's own rule."""
    settings = asdict(space.settings)
    factors = [name for name, value in settings.items() if isinstance(value, float) and value != 1.0]
    if space.macs(drawn) is not None:
        yield partial(_published_size, space)
    for one in (space, *(type(space)(replace(space.settings, **{name: 1.0})) for name in factors)):
        # Two inputs: one would leave batch norm nothing to normalise over.
        yield partial(built_size, one, one.batch(2, numbered(0)).to("meta"))


def _agrees(way: Callable[[Architecture], Size], drawn: list[Architecture], described: list[Size]) -> bool:
    try:
        return [way(one) for one in drawn] == described
    except (Uncounted, AttributeError, RuntimeError, TypeError, ValueError):
        return False  # a network that does more than its layers: its shapes cannot be told by arithmetic


def _shape_of(module: nn.Module, counted: list[int]) -> Callable[..., Tensor] | None:
    """A stand-in for `forward` that returns an empty tensor of the right shape and counts MACs of the whole batch."""
    if isinstance(module, _CONVOLUTIONS) and module.padding_mode == "zeros" and not isinstance(module.padding, str):
        return lambda x, output_size=None: _convolve(module, x, counted)
    if isinstance(module, nn.Linear):
        return lambda x: _linear(module, x, counted)
    if isinstance(module, KEEPING):
        return lambda x: x
    if isinstance(module, nn.Upsample) and module.scale_factor is not None:
        return lambda x: _enlarge(module, x)
    return None


def _convolve(module: nn.Conv2d | nn.ConvTranspose2d, x: Tensor, counted: list[int]) -> Tensor:
    transposed = isinstance(module, nn.ConvTranspose2d)
    sides = []
    paddings = [int(padding) for padding in module.padding]
    for side, kernel, stride, padding, dilation, extra in zip(
        x.shape[2:], module.kernel_size, module.stride, paddings, module.dilation, module.output_padding
    ):
        reach = dilation * (kernel - 1)
        if transposed:
            sides.append((side - 1) * stride - 2 * padding + reach + extra + 1)
        else:
            sides.append((side + 2 * padding - reach - 1) // stride + 1)
    if x.shape[1] != module.in_channels or min(sides) < 1:
        raise ValueError(f"{tuple(x.shape)} does not fit {module}.")
    positions = math.prod(x.shape[2:]) if transposed else math.prod(sides)
    counted[0] += x.shape[0] * positions * module.weight.numel()
    return torch.empty(x.shape[0], module.out_channels, *sides, device="meta")


def _linear(module: nn.Linear, x: Tensor, counted: list[int]) -> Tensor:
    if x.shape[-1] != module.in_features:
        raise ValueError(f"{tuple(x.shape)} does not fit {module}.")
    counted[0] += math.prod(x.shape[:-1]) * module.weight.numel()
    return torch.empty(*x.shape[:-1], module.out_features, device="meta")


def _enlarge(module: nn.Upsample, x: Tensor) -> Tensor:
    factor = module.scale_factor
    factors = factor if isinstance(factor, tuple) else (float(factor or 1),) * (x.ndim - 2)
    return torch.empty(*x.shape[:2], *(math.floor(s * f) for s, f in zip(x.shape[2:], factors)), device="meta")
