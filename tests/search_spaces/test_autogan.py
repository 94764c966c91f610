"""AutoGAN: published counts, sizes and operations; codes; twins; statistics are finite."""

from __future__ import annotations

import itertools
import math
import random

import pytest
import torch

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces.autogan import PUBLISHED, SIZES, AutoGAN, plans
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one

TINY = AutoGAN(width=4, latent=6, resolution=16, discriminator_width=4)
FLAT = tuple(itertools.chain(*SIZES))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def architectures(count, seed=0):
    rng = random.Random(seed)
    return [TINY.sample(rng) for _ in range(count)]


# ---------------------------------------------------------------------------------------------- published numbers


@pytest.mark.parametrize(
    ("name", "code", "params", "giga_macs"),
    [
        ("A", "1 0 1 1 / 1 0 0 1 1 / 1 0 1 0 3", 4_405_251, 1.765),
        ("B", "1 0 1 1 / 1 0 1 1 1 / 1 0 1 1 3", 4_471_043, 1.832),
        ("C", "1 1 1 1 / 1 0 0 1 1 / 1 0 1 0 3", 4_406_275, 1.765),
    ],
)
def test_published_architectures_have_their_size(name, code, params, giga_macs):
    space = AutoGAN(width=256)
    described = space.describe(space.decode(code))
    assert space.decode(code) == PUBLISHED[name]
    assert described["params"] == params
    assert round(described["macs"] / 1e9, 3) == giga_macs


def test_counts():
    assert [math.prod(sizes) for sizes in SIZES] == [36, 72, 144]
    assert AutoGAN().count() == 373_248
    assert AutoGAN(width=64).count() == sum(1 for _ in AutoGAN().enumerate())


def test_enumeration_starts_at_once_and_does_not_repeat():
    first = list(itertools.islice(TINY.enumerate(), 1000))
    assert len(set(first)) == 1000 and first[0] == (0,) * 14
    assert all(TINY.decode(TINY.encode(a)) == a for a in first)


# ------------------------------------------------------------------------------------------------------- codes


@pytest.mark.parametrize(
    "code",
    [
        "1011-10011-10103",
        "1011/10011/10103",
        "1 0 1 1 1 0 0 1 1 1 0 1 0 3",
        " 1 0 1 1/1 0 0 1 1 / 10103\n",
        "10111001110103",
        "1011 10011 10103",
    ],
)
def test_all_forms_of_a_code_are_read_and_one_is_printed(code):
    assert TINY.decode(code) == PUBLISHED["A"]
    assert TINY.encode(TINY.decode(code)) == "1011-10011-10103"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1011-10011-1010", "4, 5 and 5.* has 4 and 5 and 4"),
        ("10111-0011-10103", "4, 5 and 5"),
        ("-1011-10011-10103", "4, 5 and 5"),
        ("1,0,1,1,1,0,0,1,1,1,0,1,0,3", "4, 5 and 5"),
        ("1311-10011-10103", "norm of cell 1 is 0 to 2, but here '3'"),
        ("1011-10012-10103", "skip code of cell 2 is 0 to 1, but here '2'"),
        ("1011-10011-10104", "skip code of cell 3 is 0 to 3, but here '4'"),
        ("1011-10011-1010²", "skip code of cell 3"),
    ],
)
def test_a_wrong_code_is_refused_with_the_broken_rule(code, message):
    with pytest.raises(SpaceError, match=message):
        TINY.decode(code)


def test_skip_codes_start_at_the_nearest_cell():
    codes = {0: (), 1: (1,), 2: (0,), 3: (1, 0)}
    assert {k: plans((0,) * 13 + (k,))[2].skips for k in range(4)} == codes
    assert [plans((0,) * 8 + (k,) + (0,) * 5)[1].skips for k in range(2)] == [(), (0,)]


# ------------------------------------------------------------------------------------------- moves in the space


def test_samples_are_uniform_in_every_gene():
    drawn = architectures(3000)
    for gene, size in enumerate(itertools.chain(*SIZES)):
        shares = [sum(a[gene] == value for a in drawn) / len(drawn) for value in range(size)]
        assert shares == pytest.approx([1 / size] * size, abs=0.04)


def test_mutation_changes_one_gene_and_reaches_all():
    rng = random.Random(0)
    changed = set()
    for architecture in architectures(300):
        mutant = TINY.mutate(architecture, rng)
        difference = [i for i in range(14) if architecture[i] != mutant[i]]
        assert len(difference) == 1
        changed.update(difference)
    assert changed == set(range(14))


def test_a_child_has_its_genes_from_its_parents():
    rng = random.Random(0)
    for first, second in zip(architectures(50), architectures(50, seed=1)):
        child = TINY.cross(first, second, rng)
        assert all(c in pair for c, pair in zip(child, zip(first, second)))


# ------------------------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"resolution": 20}, "multiple of 8"), ({"resolution": 8}, "from 16 on"), ({"width": 0}, "width must be")],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ConfigError, match=message):
        AutoGAN(**settings)


def test_descriptors_count_what_the_cells_use():
    described = TINY.describe(TINY.decode("1110-02211-00103"))
    names = ("preactivations", "batch_norms", "instance_norms", "deconvolutions", "shortcuts", "skips")
    assert [described[name] for name in names] == [1, 1, 1, 1, 1, 3]


# ---------------------------------------------------------------------------------------------------------------- loss


def test_loss_is_the_mean_over_the_batch_and_repeats():
    noise = TINY.batch(6, seeded()).visible
    images = torch.rand(6, 3, 16, 16, generator=seeded()) * 2 - 1
    total = TINY.loss(images, noise)
    parts = [TINY.loss(images[i : i + 2], noise[i : i + 2]) for i in (0, 2, 4)]
    torch.testing.assert_close(total, torch.stack(parts).mean())
    twin = AutoGAN(width=9, latent=6, resolution=16, discriminator_width=4)
    assert torch.equal(TINY.loss(images, noise), total) and torch.equal(twin.loss(images, noise), total)


# ------------------------------------------------------------------------------------------------------- twins


def test_canonical_form_joins_162_pairs():
    # The kind of upsampling plays no part, so one kind stands for all 27 combinations.
    some = [a for a in itertools.product(*(range(1) if i in (2, 6, 11) else range(n) for i, n in enumerate(FLAT)))]
    moved = [a for a in some if TINY.canonical(a) != a]
    assert len(moved) * 27 == 162
    assert all(TINY.canonical(TINY.canonical(a)) == TINY.canonical(a) for a in moved)


@pytest.mark.parametrize(
    ("genes", "twins"),
    [
        *[({}, 1), ({1: 1}, 1), ({1: 2}, 1), ({13: 2}, 1)],
        *[({gene: 1}, 0) for gene in (3, 5, 7, 8, 10, 12, 13)],  # each breaks one condition
        *[({5: 2}, 0), ({10: 2}, 0), ({13: 3}, 0)],
    ],
)
def test_only_twins_compute_the_same_function(genes, twins):
    """Of all choices of pre- and post-activation with equal weights, equal outputs mean equal canonical forms."""
    noise = TINY.batch(4, seeded(3)).visible.double()
    drawn = (
        dict.fromkeys(range(14), 0)
        | {gene: random.Random(gene + len(genes)).randrange(3) for gene in (2, 6, 11)}
        | genes
    )
    outputs = {}
    for order in itertools.product(range(2), repeat=3):
        architecture = tuple((drawn | dict(zip((0, 4, 9), order))).values())
        outputs[architecture] = TINY.build(architecture, seeded(4)).double()(noise).detach()
    pairs = list(itertools.combinations(outputs.items(), 2))
    same = [torch.allclose(image, picture, atol=1e-9) for (_, image), (_, picture) in pairs]
    assert same == [TINY.canonical(one) == TINY.canonical(other) for (one, _), (other, _) in pairs]
    assert sum(same) == twins


# -------------------------------------------------------------------------------------------------- statistics


def test_statistics_of_random_architectures_are_finite():
    space = AutoGAN(width=8, discriminator_width=8)
    rng = random.Random(11)
    for _ in range(10):
        record = collect_one(space, space.encode(space.sample(rng)), Collection(samples=12, proxies=()))
        assert not record.dead
        assert all("noise levels" in why for why in record.absent.values())
        for name, value in ((name, value) for name, value in record.values.items() if name not in record.absent):
            tensors = [v for v in value if v is not None] if isinstance(value, list) else [value]
            assert tensors and all(torch.isfinite(t).all() for t in tensors), (record.architecture, name)
        assert all(map(math.isfinite, record.columns.values()))


def test_classical_proxies_are_finite():
    space = AutoGAN(width=8, discriminator_width=8)
    for code in ("1011-10011-10103", "0120-12210-01003"):
        columns = collect_one(space, code, Collection(statistics=(), proxy_samples=8, samples=8)).columns
        assert columns and all(map(math.isfinite, columns.values())), columns
