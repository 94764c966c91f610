"""Where every random number comes from: in go the parts that it may depend on, out comes a source seeded by them alone.

Nothing draws from the global state of `random` or torch. There is one function per kind of stream, because what 0.1 has
drawn must be drawn again bit for bit: statistics lie in caches and in proxy.py, searches and trainings are continued.

    seeded(...)    torch, initial weights and inputs of untrained networks: statistics, scores, proxy.py
    reseed(...)    torch, trainings: weights, batches, noise of every step
    numbered(...)  torch, from a plain number: resamples, shuffles, and shapes whose values do not matter
    python_random(...)  Python's random: architectures, splits, orders

>>> seed_of(0, "noise", 17) == seed_of(0, "noise", 17) != seed_of(1, "noise", 17)
True
"""

from __future__ import annotations

import hashlib
import random

import torch


def seeded(*parts: object) -> torch.Generator:
    """A generator whose state depends on the parts only."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def seed_of(*parts: object) -> int:
    """A seed of 63 bits that is a function of the parts, such as `seed_of(0, "noise", 17)`."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def reseed(generator: torch.Generator, *parts: object) -> torch.Generator:
    """The generator, set to the state of `seed_of(*parts)`: one on a device is seeded anew and never built anew."""
    return generator.manual_seed(seed_of(*parts))


def numbered(seed: int) -> torch.Generator:
    """A generator on the CPU whose seed is a plain number."""
    return torch.Generator().manual_seed(seed)


def python_random(*parts: object) -> random.Random:
    """Python's random numbers, a function of the parts only: `python_random("split", 0)`."""
    return random.Random(" ".join(map(str, parts)))
