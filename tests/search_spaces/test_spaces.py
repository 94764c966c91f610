"""What every search space promises; a new space is tested the moment it registers."""

from __future__ import annotations

import math
import random
from contextlib import suppress

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpproxy.errors import SpaceError
from gpproxy.search_spaces import SEARCH_SPACES, SearchSpace
from gpproxy.training.architecture import code_of


@pytest.fixture(
    params=[name for name, space in SEARCH_SPACES.items() if space.__module__.startswith("gpproxy.search_spaces.")]
)
def space(request):
    return SEARCH_SPACES[request.param]()


def samples(space, count=30, seed=0):
    rng = random.Random(seed)
    return [space.sample(rng) for _ in range(count)]


def test_codes_round_trip(space):
    for architecture in samples(space):
        code = space.encode(architecture)
        assert isinstance(code, str) and "," not in code
        assert space.decode(code) == architecture


@pytest.mark.parametrize("code", ["", "nonsense", "64", "9_9_9_9_9_9", "1 2", "-1_0"])
def test_foreign_codes_are_refused_with_the_rule(space, code):
    with pytest.raises(SpaceError, match=r"\w+ \w+"):
        space.decode(code)


def test_mutation_and_crossover_stay_inside_and_mutation_changes(space):
    rng = random.Random(1)
    for architecture in samples(space):
        mutant = space.mutate(architecture, rng)
        assert mutant != architecture and space.decode(space.encode(mutant)) == mutant
        child = space.cross(architecture, mutant, rng)
        assert space.decode(space.encode(child)) == child


def test_sampling_follows_the_generator(space):
    assert samples(space, seed=3) == samples(space, seed=3)
    assert samples(space, seed=3) != samples(space, seed=4)


def test_enumeration_is_complete(space):
    if space.count() > 10_000:
        pytest.skip(f"{space.count()} architectures are too many to list in a test")
    every = list(space.enumerate())
    assert len(every) == len(set(every)) == space.count()
    assert set(samples(space)) <= set(every)


def test_build_is_a_function_of_the_generator_alone(space):
    architecture = samples(space, 1)[0]
    before = torch.get_rng_state()
    first, again, other = (space.build(architecture, torch.Generator().manual_seed(s)) for s in (5, 5, 6))
    assert torch.equal(before, torch.get_rng_state())
    state, repeated, different = (n.state_dict() for n in (first, again, other))
    assert all(torch.equal(state[k], repeated[k]) for k in state)
    assert any(not torch.equal(state[k], different[k]) for k in state)
    assert first.training
    assert all(p.dtype == torch.float32 and p.requires_grad for p in first.parameters())


def test_output_and_loss(space):
    architecture = next(a for a in samples(space) if not space.dead(a))
    generator = torch.Generator().manual_seed(0)
    network = space.build(architecture, generator)
    batch = space.batch(2, generator)
    outputs = batch.call(network)
    loss = space.loss(outputs, batch)
    assert len(outputs) == 2 and loss.ndim == 0 and torch.isfinite(loss)
    loss.backward()


def test_what_it_takes_and_makes(space):
    inputs = space.batch(2, torch.Generator().manual_seed(0)).visible
    assert space.input_shape == tuple(inputs.shape[1:])
    assert space.image_shape == tuple(SearchSpace.image_shape.func(space))
    kinds = {
        1: ("noise", "noise and classes"),
        3: ("images", "labels", "noisy images", "small images", "images and noise"),
    }
    assert space.takes in kinds[len(space.input_shape)]
    assert (space.takes == "labels") == (space.name == "gancompression-spade")


def test_descriptors_agree_with_the_built_network(space):
    if space.name.startswith("transnas"):
        space = type(space)(decoder_width=1.0)  # the width that descriptors are of
    architecture = samples(space, 1)[0]
    described = space.describe(architecture)
    network = space.build(architecture, torch.Generator().manual_seed(0))
    assert described["params"] == sum(p.numel() for p in network.parameters())
    assert all(isinstance(v, float) for v in described.values())


def test_canonical_form_is_hashable_and_stable(space):
    for architecture in samples(space, 10):
        assert hash(space.canonical(architecture)) == hash(space.canonical(tuple(architecture)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_codes_tokens_and_variation_hold_for_any_architecture(space, seed):
    rng = random.Random(seed)
    architecture, other = space.sample(rng), space.sample(rng)
    assert space.decode(space.encode(architecture)) == architecture
    assert space.from_tokens(space.to_tokens(architecture)) == architecture
    mutant, child = space.mutate(architecture, rng), space.cross(architecture, other, rng)
    assert mutant != architecture
    for one in (mutant, child):
        assert space.decode(space.encode(one)) == one and space.from_tokens(space.to_tokens(one)) == one


def test_tokens_count_the_space(space):
    sizes = [size for level in space.tokens for size in level]
    assert [len(level) for level in space.tokens] == [len(level) for level in space.token_names]
    rows = math.prod(sizes)
    rules = space.name == "transnas-macro" or space.name.startswith("eagan-")
    if rules:  # they leave some rows out, and short skeletons of TransNAS leave digits idle
        rng, rows = random.Random(0), 0
        for _ in range(300):
            with suppress(SpaceError):
                architecture = space.from_tokens([rng.randrange(size) for size in sizes])
                rows += space.decode(space.encode(architecture)) == architecture
        assert 100 < rows < 300
    else:
        assert rows == space.count()
        assert space.from_tokens([0] * len(sizes)) == next(space.enumerate())
    with pytest.raises(SpaceError, match=rf"has {len(sizes)} tokens, but here are 1"):
        space.from_tokens([0])
    with pytest.raises(SpaceError, match=r"The token '.+' of .+ is 0 to \d+, but here 99"):
        space.from_tokens([99, *[0] * (len(sizes) - 1)])


def test_published_architectures_have_codes(space):
    for name, architecture in space.published.items():
        code = space.encode(architecture)
        assert space.decode(code) == architecture
        assert code_of(space, f"{space.name}-{name}".upper()) == code


def test_source_is_named(space):
    assert space.source
