"""One weighted operation of a pass, and the one layout that all its values have, whatever the network uses.

In: tensors as an operation saw them. Out: `sample x channel x position...`. This file needs torch only: an exported
proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from gpproxy.recording.memory import Kept


@dataclass(frozen=True)
class Axes:
    """Which axes of a tensor count samples (None: none does) and channels; the others count positions.

    Attributes:
        inner: where the first axis counts positions, samples and further positions, merged, how many of the latter each
            sample has; 0 elsewhere.
    """

    sample: int | None
    channel: tuple[int, ...]
    inner: int = 0


@dataclass
class Layer:
    """One weighted operation of one pass, full tensors, each `sample x channel x position...`.

    Attributes:
        name: path of the module that was running.
        kind: convolution, transposed, linear, contraction (a matrix product, or a sum over any axes, as einsum writes
            it), bilinear or embedding.
        first: whether its weight was not used before in this pass; gradients are those of all uses together.
        macs: multiply-accumulates for one sample.
        weight: the tensor that the operation used, `out x in x ...`; where every sample has one of its own, their mean.
        bias: the tensor that was added, or None.
        activation: the output.
        inflow: what enters; None for an embedding, which takes numbers of rows.
        preactivation: the input of the attached rectifier, or None.
        rectifier: name of that rectifier's function, such as `relu` or `silu`; empty where there is none.
        gradient: dL / d activation; zeros where the loss does not depend on it; None without a backward pass.
        weight_gradient: dL / d weight, likewise; where every sample has a weight of its own, their sum.
        sources, bias_sources: names of the parameters that the weight and the bias come from.
    """

    name: str
    kind: str
    first: bool
    activation: Any
    weight: Any = None
    bias: Tensor | None = None
    call: Any = None
    macs: float = 0.0
    sources: tuple[str, ...] = ()
    bias_sources: tuple[str, ...] = ()
    inflow: Tensor | None = None
    preactivation: Tensor | None = None
    rectifier: str = ""
    gradient: Any = None
    weight_gradient: Tensor | None = None

    @property
    def fan_in(self) -> int:
        """Weights per output channel."""
        return self.weight[0].numel()


@dataclass
class Call:
    """What is needed to lay out the values of one call.

    Attributes:
        key: equal for calls that use the same weight.
        weight: the very tensor, as autograd knows it.
        output, input: axes of its output and its first input.
        groups: of a convolution.
        per_sample: whether every sample has a weight of its own, in groups or in the first axis of the weight.
        data: whether the input depends on the batch.
        visible: whether it depends on what is visible of the batch, and not on a condition alone.
        edge: where the gradient of the output arrives.
        turn: order of the axes of the weight of a contraction (samples, channels out, channels in) and how many of them
            are channels out.
        kept: output, input and input of the attached rectifier as they were.
    """

    key: Any
    weight: Tensor
    output: Axes
    input: Axes
    groups: int
    per_sample: bool
    data: bool
    edge: Any
    turn: tuple[tuple[int, ...], int] = ((), 0)
    kept: dict[str, Kept] = field(default_factory=dict)
    visible: bool = True


def by_sample(
    value: Tensor,
    axes: Axes,
    samples: int,
    data: bool = True,
    folded: bool = False,
    grid: tuple[int, int] | None = None,
) -> Tensor:
    """`sample x channel x position...`.

    What stands for all samples at once, such as a learned constant, is repeated for each. Samples that are folded into
    the channels (as a grouped convolution with one weight per sample has them) or merged with positions (frames,
    windows) are taken apart. Positions in one row become a map with the sides of the image where they fill one.

    Args:
        samples: size of the batch.
        data: whether the value depends on the batch.
        folded: whether the samples may stand among the channels.
        grid: height and width of the image, in any unit, for values whose positions stand in one row.
    """
    if axes.inner:
        channel = tuple(axis % value.ndim + 1 for axis in axes.channel)
        value, axes = value.unflatten(0, (-1, samples * axes.inner)), Axes(1, channel)
    elif axes.sample == 0 and axes.channel == (1,) and (value.ndim != 3 or grid is None) and len(value) == samples:
        return value  # as most come
    channel = tuple(axis % value.ndim for axis in axes.channel)
    sample = None if axes.sample is None else axes.sample % value.ndim
    rest = [axis for axis in range(value.ndim) if axis not in channel and axis != sample]
    order = [*(() if sample is None else (sample,)), *channel, *rest]
    if order != list(range(value.ndim)):
        value = value.permute(order)
    if sample is None:
        value = value[None]
    if len(channel) > 1:
        value = value.flatten(1, len(channel))
    rows = len(value)
    if rows != samples:
        if rows == 1 and folded:
            value = value.reshape(samples, -1, *value.shape[2:])
        elif rows % samples == 0 and data:
            value = value.reshape(samples, -1, *value.shape[1:]).movedim(1, 2)
        else:
            value = value.movedim(0, 1)[None] if rows > 1 else value
            value = value.expand(samples, *value.shape[1:])
    if value.ndim == 3 and grid is not None:
        height = round((value.shape[2] * grid[0] / grid[1]) ** 0.5)
        if height > 0 and value.shape[2] % height == 0 and height * grid[1] == value.shape[2] // height * grid[0]:
            value = value.reshape(*value.shape[:2], height, -1)
    return value


def filters(weight: Tensor, kind: str, groups: int) -> Tensor:
    """A weight, or its gradient, as `out x in x ...`."""
    if kind == "transposed":
        if groups > 1:
            inputs, outputs, *kernel = weight.shape
            weight = weight.reshape(groups, inputs // groups, outputs, *kernel).transpose(1, 2)
            return weight.reshape(groups * outputs, inputs // groups, *kernel)
        return weight.transpose(0, 1)
    if kind == "embedding":
        return weight.transpose(-2, -1)
    return weight
