"""Architectures by name, `autogan-a` for the first of AutoGAN, and their untrained networks.

In: a space and a code or a name. Out: the code, the network.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import SpaceError, did_you_mean
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
    """An untrained network in training mode, its weights a function of seed and name; it returns the image alone."""
    return returns_image(space, space.build(space.decode(code), reseed(torch.Generator(), seed, name)).train())


def returns_image(space: SearchSpace, network: nn.Module) -> nn.Module:
    """The same network, whose calls return the image alone from now on: of several tensors the one that a look at the
    space takes, see `picked`. Names of its weights stay."""
    pick = space.batch(2, numbered(0)).output

    def image(module: nn.Module, given: Any, made: Any) -> Tensor:
        return made if pick is None and isinstance(made, Tensor) else picked(made, pick)

    network.register_forward_hook(image)
    return network
