"""Architectures by name, `autogan-a` for the first of AutoGAN, and their untrained networks.

In: a space and a code or a name. Out: the code, the network.
"""

from __future__ import annotations

import torch
from torch import nn

from gpproxy.errors import SpaceError, did_you_mean
from gpproxy.search_spaces.space import SearchSpace
from gpproxy.seeds import reseed


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
    """An untrained network in training mode, its weights a function of seed and name."""
    return space.build(space.decode(code), reseed(torch.Generator(), seed, name)).train()
