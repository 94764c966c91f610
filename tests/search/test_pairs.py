"""Discriminators that evolve one to one: their own weights, what a child inherits, and the same end after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gpproxy.errors import ConfigError
from gpproxy.estimators.registry import Request, open_estimator
from gpproxy.estimators.settings import SharedWeights
from gpproxy.estimators.shared import SharedEstimator
from gpproxy.proxies.size import Sizer
from gpproxy.search import SearchSettings, run
from gpproxy.search.limits import Limits
from gpproxy.search.nsga2 import NSGA2
from gpproxy.search.pairs import Individual, Pairs
from gpproxy.search.population import Population
from gpproxy.search_spaces.eagan import EAGANDiscriminator
from gpproxy.tasks.settings import TrainingSettings
from tests.search.killed import ends_alike_after_a_kill
from tests.training.toy import equal, flat, saved

SPACE = EAGANDiscriminator(width=4, resolution=16)
SMALL = ("batch=4", "critic_batch=4", "critic_steps=1", "recalibrate=1")
BEST = "1110231-1101305-0103003"
FLAGS = {
    "space": "eagan-discriminator", "space_settings": ("width=4", "resolution=16"), "data": "shapes",
    "train_settings": ("limit=32",), "shared_settings": SMALL, "reward_images": 20, "rounds": 2, "shared_steps": 24,
    "population": 4, "top": 1, "estimator": "shared", "workers": 1, "strategy": "nsga2", "generator": BEST,
}  # fmt: skip


def made(rounds: int = 3, steps: int = 40) -> Pairs:
    training = TrainingSettings(space="eagan-generator", width=4, resolution=16, data="shapes", limit=32)
    how = SharedWeights(shared_steps=steps, shared_settings=SMALL, reward_images=20, reward="both")
    estimator = open_estimator(Request("shared", SPACE, training=lambda: training, shared=how))
    assert isinstance(estimator, SharedEstimator)
    people = Population(NSGA2(SPACE, 0, population=4, objective="params", apart=True), Sizer(SPACE), Limits())
    return Pairs(estimator, SPACE, BEST, people, rounds, {})


def places(one: Individual) -> set[int]:
    """Where the tensors of an individual lie in memory."""
    return {part.data_ptr() for part in flat(one.weights) if isinstance(part, torch.Tensor)}


def test_nobody_shares_weights_with_anybody() -> None:
    """In the released code the weights of all individuals are those of the one that was trained last."""
    one = made()
    assert one.each == 2 and len(one.people) == 4
    firsts = [person.weights["generator"] for person in one.people]
    assert all(equal(firsts[0], other) for other in firsts[1:])  # everybody begins with the same generator
    for index in range(10):
        before = [(person, saved(person.weights)) for person in one.people]
        turn = one._turn
        one.step(index)
        if index % 2 == 0:
            assert all(equal(person.weights, weights) for person, weights in before)
        elif turn < len(before) - 1:  # otherwise a new generation
            same = [equal(person.weights, weights) for person, (_, weights) in zip(one.people, before)]
            assert same == [number != turn for number in range(len(before))]
        owned = [places(person) for person in one.people]
        own = {part.data_ptr() for network in one.networks.values() for part in network.state_dict().values()}
        assert len(set.union(own, *owned)) == len(own) + sum(map(len, owned))


def test_those_that_live_keep_their_weights_and_children_have_copies_of_their_parents() -> None:
    one = made()
    for index in range(7):
        one.step(index)
    kept: dict[Any, Any] = {}
    breed = one._breed
    one._breed = lambda: (kept.update({p.architecture: p.weights for p in one.people}), breed())  # type: ignore
    one.step(7)
    assert [person.architecture for person in one.people[:4]] == one.population.living
    assert all(equal(person.weights, kept[person.architecture]) for person in one.people[:4])
    parent = one.people[0]
    genes = list(parent.architecture)
    genes[0] = genes[0] % 6 + 1
    child = one.born(tuple(genes), one.people[:4])
    assert equal(child.weights["generator"], parent.weights["generator"])
    ours, theirs = child.weights["discriminator"], parent.weights["discriminator"]
    changed = [name for name in ours if name not in theirs or not torch.equal(ours[name], theirs[name])]
    assert all(name.startswith("network.cells.0.node1.") for name in changed)
    assert (genes[0] == 1) == (not changed)
    assert not places(child) & places(parent)


def test_a_restored_search_goes_on_bit_for_bit() -> None:
    whole, other = made(rounds=2, steps=36), made(rounds=2, steps=36)
    assert whole.each == 3
    for index in range(17):
        whole.step(index)  # in the middle of a turn of the second generation
    other.load_state_dict(saved(whole.state_dict()))
    for index in range(17, 36):
        assert equal(whole.step(index), other.step(index))
    assert equal(whole.state_dict(), other.state_dict()) and list(whole.derive()) == list(other.derive())
    assert len(list(whole.derive())) == 4 and len(whole.history) == 2


def test_killed_and_begun_again_by_the_same_command_it_ends_alike(tmp_path: Path) -> None:
    ends_alike_after_a_kill(tmp_path, {**FLAGS, "shared_steps": 60})


def test_the_generator_is_that_of_a_search_and_the_best_discriminators_train_one(tmp_path: Path) -> None:
    tiny = ("width=4", "latent=6", "resolution=16")
    stage = {"space": "eagan-generator", "space_settings": tiny, "proxy": ("params",), "budget": 3,
             "workers": 1, "top": 1, "out": str(tmp_path / "first")}  # fmt: skip
    first = run(SearchSettings(**stage))  # type: ignore[arg-type]
    training = ("limit=32", "steps=2", "batch=4", "samples=20", "extractor=cifar")
    settings = {**FLAGS, "generator": str(first.folder), "train_top": 1, "trainings": 1, "train_settings": training}
    found = run(SearchSettings(**{**settings, "out": str(tmp_path / "second")}))  # type: ignore[arg-type]
    best = found.best(1)[0][0].code
    text = (found.folder / "compared.csv").read_text()
    assert best in text
    (config,) = (found.folder / "trained").glob("*/config.toml")
    told = config.read_text()
    assert f"discriminator={best}" in told and first.best(1)[0][0].code in told
    with pytest.raises(ConfigError, match="draws 16 pixels, but the discriminators judge 32"):
        run(SearchSettings(**{**settings, "space_settings": ("width=4",), "out": str(tmp_path / "third")}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"generator": ""}, "learns against a generator: give --generator"),
     ({"strategy": "random"}, "strategy=nsga2 or evolution"),
     ({"space": "eagan-generator"}, "is for --space eagan-discriminator"),
     ({"strategy": "controller", "space": "autogan", "generator": "", "reward": "both"}, "one reward")],
)  # fmt: skip
def test_settings_that_do_not_go_together(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SearchSettings(**{**FLAGS, **changes})  # type: ignore[arg-type]
