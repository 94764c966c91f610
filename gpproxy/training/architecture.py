"""Architectures by name, `autogan-a` for the first of AutoGAN, and their untrained networks.

In: a space and a code or a name. Out: the code, the network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import SpaceError, did_you_mean
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.output import picked
from gpproxy.search_spaces.space import SearchSpace
from gpproxy.seeds import numbered, reseed


def published(space: SearchSpace) -> dict[str, str]:
    """Codes of the space's published architectures, as `space-name` in lower case."""
    return {f"{space.name}-{name}".lower(): space.encode(one) for name, one in space.published.items()}


def code_of(space: SearchSpace, text: str) -> str:
    """The code, in the space's own form, of a code or of a published name. Raises SpaceError for neither."""
    known = published(space)
    if text.strip().lower() in known:
        return known[text.strip().lower()]
    named = text.strip().lower().startswith(space.name.lower()) or not any(letter.isdigit() for letter in text)
    if known and named:
        hint = did_you_mean(text.lower(), known)
        raise SpaceError(
            f"There is no architecture '{text}' in {space.name}.{hint} Give a code, or one of {', '.join(known)}."
        )
    return space.encode(space.decode(text))


def untrained(space: SearchSpace, code: str, seed: int, name: str = "generator") -> nn.Module:
    """An untrained network in training mode, its weights a function of seed and name, see `called_plainly`."""
    return called_plainly(space, space.build(space.decode(code), reseed(torch.Generator(), seed, name)).train())


def called_plainly(space: SearchSpace, network: nn.Module) -> nn.Module:
    """The same network, whose calls take tensors by position and return the image alone from now on, whatever way a
    look at the space calls it: names, flags and dataclasses are those of its batches, and of several tensors that come
    out it is the one that a look takes, see `picked`. Names of its weights stay."""
    batch = space.batch(2, numbered(0))
    pick = batch.output

    def named(module: nn.Module, given: Any, names: Any) -> tuple[Any, Any]:
        filled = _filled(batch, given) if given and not names else None
        if filled is None:
            return given, names
        return ((), filled) if isinstance(filled, dict) else (filled if isinstance(filled, tuple) else (filled,), {})

    def image(module: nn.Module, given: Any, made: Any) -> Tensor:
        return made if pick is None and isinstance(made, Tensor) else picked(made, pick)

    given = batch.arguments
    if not all(isinstance(value, Tensor) for value in (given if isinstance(given, (tuple, list)) else (given,))):
        network.register_forward_pre_hook(named, with_kwargs=True)
    network.register_forward_hook(image)
    return network


def _filled(batch: Batch, given: tuple[Any, ...]) -> Any:
    """The arguments of a batch with other tensors in the place of its own, in order, whole numbers for whole numbers;
    None for arguments that do not fit it, such as those of a call as it is meant."""
    if not all(isinstance(value, Tensor) for value in given) or len(given) != len(batch.tensors):
        return None
    waiting: dict[bool, list[Tensor]] = {True: [], False: []}
    for value in given:
        waiting[value.is_floating_point()].append(value)
    if any(sum(t.is_floating_point() == kind for t in batch.tensors) != len(waiting[kind]) for kind in waiting):
        return None
    filled = replace(batch, targets=None).each(lambda tensor: waiting[tensor.is_floating_point()].pop(0))
    return tuple(filled.arguments) if isinstance(filled.arguments, list) else filled.arguments
