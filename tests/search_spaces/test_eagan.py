"""EAGAN: counts as published, rules and their repair, the published networks, and an untrained discriminator's loss."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from gpproxy.errors import SpaceError
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Scorer, Setup
from gpproxy.search import SearchSettings, run
from gpproxy.search_spaces.check import make_space
from gpproxy.search_spaces.eagan import EAGANDiscriminator, EAGANGenerator
from gpproxy.search_spaces.eagan_pair import EAGANPair
from gpproxy.seeds import numbered, python_random

GENERATOR, DISCRIMINATOR = EAGANGenerator(width=4, latent=6, resolution=16), EAGANDiscriminator(width=4, resolution=16)


def test_the_published_counts() -> None:
    assert GENERATOR.count_of_cell() == 147_744 and DISCRIMINATOR.count_of_cell() == 511_488
    assert sum(1 for _ in GENERATOR._every()) == 147_744
    assert GENERATOR.count() == 147_744**3 and DISCRIMINATOR.count() == 511_488**3
    assert f"{GENERATOR.count():.3g} {DISCRIMINATOR.count():.3g}" == "3.22e+15 1.34e+17"
    first = list(itertools.islice(DISCRIMINATOR.enumerate(), 1000))
    assert len(set(first)) == 1000 and all(DISCRIMINATOR.decode(DISCRIMINATOR.encode(one)) == one for one in first)


@pytest.mark.parametrize(
    ("name", "broken", "groups"),
    [("eagan-generator", (1, 1, 0, 0, 0, 0, 0), ((2, 3), (4, 5, 6))),
     ("eagan-discriminator", (1, 0, 0, 0, 0, -1, -1), ((1, 2), (3, 4)))],
)  # fmt: skip
def test_rules_and_their_repair(name: str, broken: tuple[int, ...], groups: tuple[tuple[int, ...], ...]) -> None:
    space, rng = make_space(name), python_random("repair", 0)
    assert not space.whole(broken)  # type: ignore[attr-defined]
    for _ in range(30):
        mended = space.repaired(broken, rng)  # type: ignore[attr-defined]
        changed = [gene for gene in range(7) if mended[gene] != broken[gene]]
        assert space.whole(mended) and len(changed) == 2  # type: ignore[attr-defined]
        assert all(sum(gene in group for gene in changed) == 1 for group in groups)
    kept = next(iter(space.published.values()))
    with pytest.raises(SpaceError, match="cell 1 needs one of"):
        space.decode(space.encode((*broken, *kept[7:])))
    with pytest.raises(SpaceError, match="make no architecture"):
        space.from_tokens([0] * sum(map(len, space.tokens)))


def test_the_published_generator_and_its_branches() -> None:
    best = GENERATOR.published["best"]
    assert GENERATOR.encode(best) == "1110231-1101305-0103003"
    network = GENERATOR.build(best, numbered(0))
    names = {name.split(".weight")[0] for name, _ in network.named_parameters() if "cells" in name}
    assert "cells.0.ups.1.2" in names and "cells.0.node3.edges.1.1" in names  # deconvolutions have no place here
    assert network(torch.randn(3, 6)).shape == (3, 3, 16, 16)
    for part in range(3):  # each third of the noise reaches the image
        noise = torch.randn(2, 6)
        other = noise.clone()
        other[:, 2 * part : 2 * part + 2] += 1
        assert not torch.allclose(network(noise), network(other))


def test_what_has_no_effect_is_one_architecture() -> None:
    whole = GENERATOR.decode("1210200-1110030-2213300")
    other = GENERATOR.decode("1210200-1110040-2213300")
    assert GENERATOR.canonical(whole) == (1, 0, 1, 0, 2, 0, 0, 1, 1, 1, 0, 0, 3, 0, 2, 0, 0, 0, 3, 0, 0)
    assert GENERATOR.canonical(whole) == GENERATOR.canonical(GENERATOR.decode("1010200-1110030-2012300"))
    ours, theirs = (GENERATOR.build(a, numbered(3))(torch.ones(2, 6)) for a in (whole, GENERATOR.canonical(whole)))
    assert torch.equal(ours, theirs) and GENERATOR.canonical(other) != GENERATOR.canonical(whole)


def test_a_discriminator_is_looked_at_like_a_generator() -> None:
    code = DISCRIMINATOR.encode(DISCRIMINATOR.published["cifar10"])
    assert code == "3030200-10301xx-30301xx"
    network = DISCRIMINATOR.build(DISCRIMINATOR.decode(code), numbered(0)).eval()
    batch = DISCRIMINATOR.batch(4, numbered(1))
    real = batch.visible
    assert network(real).shape == (4, 1) and DISCRIMINATOR.loss(network(real), batch).item() >= 0
    loss = DISCRIMINATOR.loss(torch.tensor([[0.5], [2.0], [-3.0], [0.0]]), batch)
    assert float(loss) == pytest.approx((0.5 + 0) / 2 + (0 + 1) / 2)
    proxies = tuple(Proxy.load(text) for text in ("total_params", "sum_layers(layer_snip)"))
    found = Scorer(Setup("eagan-discriminator", (("width", 4), ("resolution", 16)), proxies)).score(code)
    assert found.scores[0] > 0 and found.scores[1] > 0 and not found.problem


def test_a_pair_is_looked_at_as_one_network_and_searched_like_generators(tmp_path: Path) -> None:
    pairs = EAGANPair(width=4, discriminator_width=4, latent=6, resolution=16)
    assert pairs.count() == GENERATOR.count() * DISCRIMINATOR.count()
    code = pairs.encode(pairs.published["cifar10"])
    assert code == "1110231-1101305-0103003+3030200-10301xx-30301xx"
    network, noise = pairs.build(pairs.decode(code), numbered(0)).eval(), torch.randn(3, 6)
    assert torch.equal(network(noise), network.discriminator(network.generator(noise)))  # type: ignore[operator]
    settings = ("width=4", "discriminator_width=4", "latent=6", "resolution=16")
    formula = "sum_layers(layer_snip)"
    search = SearchSettings(space="eagan-pair", space_settings=settings, proxy=(formula,), budget=4, workers=1, top=1,
                            out=str(tmp_path / "s"), strategy="evolution", population=4, tournament=2)  # fmt: skip
    found = run(search)
    assert len(found.seen) == 4 and all(one.score > 0 or one.dead for one in found.seen)
    assert found.best(1)[0][1] > 0
