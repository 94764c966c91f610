"""What stands around the formula in an exported proxy: values per layer, the network's state, the checks.

A *layer value* is a list with one tensor per layer, None where the layer has none; a *network value* is a tensor
with a leading axis of 1. This file needs torch only: an exported proxy carries what it uses of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.search_spaces.batch import Batch, tensors_in
from gpproxy.search_spaces.output import Pick
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.undisturbed import devices_of, frozen_whole, surroundings, usable

Layers = list[Tensor | None]
Loss = Callable[[Tensor, Batch], Tensor]


def l1_to_inputs(output: Tensor, batch: Batch) -> Tensor:
    """Mean absolute difference between output and inputs, of generators that reproduce what they see."""
    if output.shape != batch.visible.shape:
        raise ValueError("the L1 distance needs equal shapes.")
    return (output - batch.visible).abs().mean()


def loss_of_targets(output: Tensor, batch: Batch) -> Tensor:
    """In the place of a loss that compares with targets, which a file is not given."""
    raise ValueError("this proxy was discovered with a loss that compares outputs with targets.")


def batch_of(inputs: Any, network: nn.Module, output: Pick) -> Batch:
    """What `score` is given, as a batch on the device of the generator.

    Raises ValueError for inputs without a tensor, or with tensors of unequal numbers of samples.
    """
    batch = Batch(inputs, output=output)
    tensors = tensors_in(inputs)
    if not tensors:
        raise ValueError(
            f"The inputs must be a tensor, or a tuple, dict or dataclass of what the generator is called with, but "
            f"this {type(inputs).__name__} holds no tensor."
        )
    if len({len(tensor) for tensor in tensors if tensor.ndim}) != 1:
        raise ValueError("The inputs must be tensors with as many samples each, along their first axis.")
    devices = devices_of(network)
    return batch.to(devices.pop()) if len(devices) == 1 else batch


def checked_loss(loss: Loss, output: Tensor, batch: Batch) -> Tensor:
    """The loss, one number with gradients. Raises ValueError where it does not fit the generator."""
    remedy = "Pass loss=f, where f(output, inputs) returns one number that depends on the output."
    shapes = f"an output of the shape {tuple(output.shape)} for inputs of the shape {tuple(batch.visible.shape)}"
    try:
        value = loss(output, batch)
    except Exception as error:
        reason = (str(error) or type(error).__name__).split("\n")[0]
        raise ValueError(f"The loss does not fit {shapes}. {remedy} What it says: {reason}") from error
    if not isinstance(value, Tensor) or value.numel() != 1:
        found = f"a tensor of the shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"{value!r:.40}"
        raise ValueError(f"The loss must be a tensor with one number, but for {shapes} it is {found}. {remedy}")
    if not value.requires_grad:
        raise ValueError(f"The loss has no gradient for {shapes}: nothing that requires one leads to it. {remedy}")
    return value


@contextmanager
def untrained(generator: nn.Module) -> Iterator[nn.Module]:
    """The generator as it is looked at: in training mode, and not frozen as a whole. It is left as it was."""
    network = usable(generator)
    modes = [(module, module.training) for module in network.modules()]
    frozen = frozen_whole(network)
    with surroundings(devices_of(network)), torch.enable_grad():
        try:
            network.train()
            for parameter in frozen:
                parameter.requires_grad_(True)
            yield network
        finally:
            for module, mode in modes:
                module.training = mode
            for parameter in frozen:
                parameter.requires_grad_(False)


def refuse_unusable(passes: Passes) -> None:
    """Raises ValueError for a network that cannot be scored."""
    if not any(True for _ in passes.network.parameters()):
        raise ValueError("The generator has no parameters, so there is nothing to score.")
    if not passes.noise.layers:
        raise ValueError("The generator has no convolution or linear layer to look at.")
    if passes.seen.refused:
        raise ValueError(f"Of this generator {passes.seen.refused[0].lower()}{passes.seen.refused[1:]}")
    if passes.seen.told:
        warnings.warn(f"Of this generator {passes.seen.told[0].lower()}{passes.seen.told[1:]}.", stacklevel=3)
    if not torch.isfinite(passes.noise.output).all():
        raise ValueError("The untrained generator returns NaN or infinity. Check its initialisation and the inputs.")


def per_layer(values: Layers) -> Layers:
    """A statistic with one tensor per layer."""
    found = iter(together([v.detach() for v in values if v is not None]))
    return [None if v is None else next(found) for v in values]


def per_layer_number(values: Layers) -> Layers:
    """A statistic with one number per layer."""
    return [None if v is None else v.double() for v in per_layer(values)]


def per_network(value: Tensor) -> Tensor:
    """A statistic of the whole network."""
    return value.detach().double()[None]


def number(value: float) -> Tensor:
    """A constant of the formula."""
    return torch.full((1,), value, dtype=torch.float64, device="cpu")


def together(values: list[Tensor]) -> list[Tensor]:
    """All on the device of the generator: the first that is not the CPU, where plain numbers are."""
    device = next((value.device for value in values if value.device.type != "cpu"), None)
    return values if device is None else [value.to(device) for value in values]


def promoted(operands: list[Tensor]) -> list[Tensor]:
    """All on one device and in the widest dtype: a few statistics are float64, and matrix products do not promote."""
    operands = together(operands)
    dtype = operands[0].dtype
    for operand in operands[1:]:
        dtype = torch.promote_types(dtype, operand.dtype)
    return [operand.to(dtype) for operand in operands]


def each(
    function: Callable[..., Tensor],
    *operands: Layers | Tensor,
    alike: tuple[int, ...] | None = None,
    axes: int | None = None,
    scalar: bool = False,
) -> Layers:
    """The function of every layer that has all operands, layers of equal shape at once.

    Args:
        alike: positions of the operands whose shapes must agree, all that have axes by default; a layer where they
            differ has no value.
        axes: in how many leading axes they must agree, all by default.
        scalar: whether the result is one number per layer.
    """
    lists = [o for o in operands if isinstance(o, list)]
    groups: dict[tuple[torch.Size, ...], list[int]] = {}
    for i in range(len(lists[0])):
        here = [o[i] if isinstance(o, list) else o for o in operands]
        if all(v is not None for v in here):
            shapes = tuple(
                v.shape if isinstance(o, list) and v is not None else torch.Size() for v, o in zip(here, operands)
            )
            if len({s[:axes] for j, s in enumerate(shapes) if (s if alike is None else j in alike)}) < 2:
                groups.setdefault(shapes, []).append(i)
    results: Layers = [None] * len(lists[0])
    for members in groups.values():
        stacks = [
            torch.stack([o[i] for i in members]) if isinstance(o, list) else o  # type: ignore[misc]
            for o in operands
        ]
        shaped = next((s for s in stacks if s.ndim > 1), None)
        if shaped is not None:  # numbers beside values with axes
            stacks = [s if s.ndim > 1 else s.to(shaped.dtype).view(-1, *[1] * (shaped.ndim - 1)) for s in stacks]
        made = function(*promoted(stacks))
        for i, value in zip(members, made.double() if scalar else made):
            results[i] = value
    return results


def across(function: Callable[..., Tensor], *operands: Layers | Tensor, scalar: bool = True) -> Tensor:
    """The function over all layers that have all operands: a network value."""
    lists = [o for o in operands if isinstance(o, list)]
    count = len(lists[0])
    here = [all(o[i] is not None for o in lists) for i in range(count)]
    if not any(here):
        raise ValueError(
            "The formula has no value: no layer of this generator has all that it asks for, such as a rectifier "
            "right before or after it."
        )
    depth = torch.arange(count, dtype=torch.float64, device="cpu") / max(count - 1, 1)
    depth[~torch.tensor(here, device="cpu")] = torch.nan
    arguments = []
    for operand in operands:
        if isinstance(operand, list):
            kept = [v for v in operand if v is not None]
            if any(v.shape != kept[0].shape for v in kept):
                raise ValueError("The formula has no value: it joins layers of different size.")
            stacked = [v if h and v is not None else torch.zeros_like(kept[0]) for v, h in zip(operand, here)]
            operand = torch.stack(stacked)[None]
        else:
            operand = operand.view(-1, 1)
        arguments.append(operand)
    value = function(*together([*arguments, depth[None]]))
    return value.double() if scalar else value


def once(function: Callable[..., Tensor], *operands: Tensor, scalar: bool = True) -> Tensor:
    """The function of network values."""
    shaped = [o for o in operands if o.ndim > 1]
    if len({o.shape for o in shaped}) > 1:
        raise ValueError("The formula has no value: it joins network values of different size.")
    value = function(*promoted([o if o.ndim > 1 or not shaped else o.to(shaped[0].dtype) for o in operands]))
    return value.double() if scalar else value


def finite(value: Tensor) -> float:
    """The score as a number. Raises ValueError when it is NaN or infinite."""
    if not torch.isfinite(value).all():
        raise ValueError(f"The formula gives {float(value)} for this generator, which cannot be ranked.")
    return float(value)
