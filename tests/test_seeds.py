"""Random numbers: functions of their parts alone, and those that 0.1 has drawn."""

from __future__ import annotations

import random

import torch

from gpproxy.seeds import numbered, python_random, reseed, seed_of, seeded


def test_sources_depend_on_their_parts_only() -> None:
    for seed in (lambda *parts: seeded(*parts).initial_seed(), seed_of, lambda *parts: python_random(*parts).random()):
        assert seed("a", 1) == seed("a", 1)
        assert len({seed(*parts) for parts in (("a", 1), ("a", 2), ("b", 1), ("a1",))}) == 4


def test_streams_are_those_of_version_0_1() -> None:
    assert seeded("autogan", "x_1", 0, "weights").initial_seed() == 4684025634720978840
    assert seed_of(0, "noise", 17) == 183414493971145837
    assert python_random("split", 3).random() == 0.9278731827399537


def test_nothing_touches_the_global_state() -> None:
    before, state = torch.random.get_rng_state(), random.getstate()
    generator = torch.Generator()
    assert reseed(generator, 0, "noise", 17) is generator and generator.initial_seed() == seed_of(0, "noise", 17)
    seeded("a"), numbered(3), python_random("a")
    assert torch.random.get_rng_state().equal(before) and random.getstate() == state
