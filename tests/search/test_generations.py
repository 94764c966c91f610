"""Shared weights and a population in turns: warm-up, generations, limits, and the same end after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gpproxy.errors import ConfigError
from gpproxy.estimators.registry import Request, open_estimator
from gpproxy.estimators.settings import SharedWeights
from gpproxy.estimators.shared import SharedEstimator
from gpproxy.proxies.size import Sizer
from gpproxy.search import SearchSettings, run
from gpproxy.search.alternate import Alternation
from gpproxy.search.generations import Generations
from gpproxy.search.limits import Limits
from gpproxy.search.nsga2 import NSGA2
from gpproxy.search.population import Population
from gpproxy.search.settings import ControllerSettings
from gpproxy.search.strategies import Evolution, Strategy
from gpproxy.search.turns import alternating
from gpproxy.search_spaces.eagan import EAGANGenerator
from gpproxy.tasks.settings import TrainingSettings
from tests.search.killed import ends_alike_after_a_kill
from tests.training.toy import equal, saved

TINY = ("width=4", "latent=6", "resolution=16")
SPACE = EAGANGenerator(width=4, latent=6, resolution=16)
SMALL = ("batch=4", "critic_batch=4", "critic_steps=1", "recalibrate=1", "discriminator_width=4", "warm_up=0.5")
FLAGS = {
    "space": "eagan-generator", "space_settings": TINY, "data": "shapes", "train_settings": ("limit=32",),
    "shared_settings": SMALL, "reward_images": 20, "rounds": 4, "shared_steps": 8, "population": 4, "tournament": 2,
    "top": 1, "estimator": "shared", "workers": 1,
}  # fmt: skip


def shared(**how: Any) -> SharedEstimator:
    training = TrainingSettings(space="eagan-generator", width=4, resolution=16, data="shapes", limit=32,
                                space_settings=("latent=6",))  # fmt: skip
    settings = {"shared_steps": 8, "shared_settings": SMALL, "reward_images": 20, **how}
    found = open_estimator(Request("shared", SPACE, training=lambda: training, shared=SharedWeights(**settings)))
    assert isinstance(found, SharedEstimator)
    return found


def strategy(kind: str = "nsga2") -> Strategy:
    if kind == "nsga2":
        return NSGA2(SPACE, 0, population=4, objective="params", apart=True)
    return Evolution(SPACE, 0, population=4, tournament=2)


def made(kind: str = "nsga2", limits: Limits | None = None, **how: Any) -> Generations:
    return Generations(shared(**how), Population(strategy(kind), Sizer(SPACE), limits or Limits()), 4, {})


@pytest.mark.parametrize("kind", ["nsga2", "evolution"])
def test_weights_are_warmed_up_then_those_that_live_are_trained_and_measured_anew(kind: str) -> None:
    one = made(kind, reward="both" if kind == "nsga2" else "score")
    assert (one.shared_steps, one.whole, one.warm_up) == (2, 10, 2)
    trained: list[tuple[int, ...]] = []
    measured: list[tuple[int, ...]] = []
    choose, worth = one.generator.choose, one.worth
    one.generator.choose = lambda a: (trained.append(a), choose(a))  # type: ignore[method-assign, func-returns-value]
    one.worth = lambda a: (measured.append(a), worth(a))[1]  # type: ignore[method-assign, func-returns-value]
    for index in range(10):
        one.step(index)
    assert len(set(trained)) == 2 and not measured and not one.population.living
    for index in range(10, 20):
        one.step(index)
    assert len(measured) == len(set(measured)) == 4 and set(one.population.living) == set(measured)
    for number in range(2):
        trained, before = [], list(one.population.living)
        measured.clear()
        for index in range(20 + 10 * number, 22 + 10 * number):
            one.step(index)
        assert set(trained) <= set(before)
        for index in range(22 + 10 * number, 30 + 10 * number):
            one.step(index)
        assert measured[:4] == before and len(set(measured)) == 8 and set(one.population.living) <= set(measured)
    assert len(one.history) == 3
    assert all(line["entropy"] >= 0 and line["best"] >= line["reward"] for line in one.history)
    found = list(one.derive())
    known = {one.code: one.scores for one in one.population.strategy.living}
    assert {SPACE.encode(architecture): rewards for architecture, rewards in found} == known
    assert len(found) == 4 and all(len(rewards) == (2 if kind == "nsga2" else 1) for _, rewards in found)


def test_a_restored_search_goes_on_bit_for_bit() -> None:
    whole, other = made(), made()
    for index in range(25):
        whole.step(index)
    other.load_state_dict(saved(whole.state_dict()))
    for index in range(25, 40):
        whole.step(index)
        other.step(index)
    assert equal(whole.state_dict(), other.state_dict()) and list(whole.derive()) == list(other.derive())


def test_children_keep_the_limits_and_a_search_that_has_no_generation_yet_draws_some() -> None:
    sizer, limit = Sizer(SPACE), 2500.0
    one = made(limits=Limits(params=limit))
    one.step(0)
    found = list(one.derive())
    assert len({architecture for architecture, _ in found}) == 4
    assert all(sizer(architecture).params <= limit for architecture, _ in found)


def test_who_learns_in_turns() -> None:
    config = SearchSettings(**{**FLAGS, "strategy": "nsga2"})  # type: ignore[arg-type]
    known: list[tuple[Strategy, tuple[str, ...], type | None]] = [
        (strategy(), (), Generations),
        (strategy("evolution"), ("warm_up=1",), None),  # all weights are trained first
    ]
    for how, settings, kind in known:
        estimator = shared(shared_settings=(*SMALL[:-1], *settings) if settings else SMALL)
        found = alternating(estimator, how, config, Sizer(SPACE), Limits())
        assert type(found) is (kind or type(None))


def test_a_controller_learns_in_a_space_that_refuses_some_of_what_it_draws() -> None:
    one = Alternation(shared(), ControllerSettings(rounds=2, controller_steps=2, drawn=4, keep=2, levels="single"))
    for index in range(12):
        one.step(index)
    broken = (0,) * 21
    assert not one._exists(broken) and one._exists(SPACE.published["best"])
    assert len(one.history) == 4 and all(SPACE.from_tokens(a) == a for a, _ in one.derive())
    with pytest.raises(ConfigError, match="does not grow. Choose --levels single"):
        Alternation(shared(), ControllerSettings())
    grown = Alternation(shared(shared_settings=(*SMALL, "discriminator=residual")), ControllerSettings(rounds=1))
    assert grown.level == 0


def test_killed_and_begun_again_by_the_same_command_it_ends_alike(tmp_path: Path) -> None:
    ends_alike_after_a_kill(tmp_path, {**FLAGS, "strategy": "nsga2", "reward": "both", "shared_steps": 40})


def test_a_search_leaves_pictures_and_both_rewards(tmp_path: Path) -> None:
    settings = {**FLAGS, "strategy": "evolution", "reward": "both", "out": str(tmp_path / "s"), "rounds": 2}
    found = run(SearchSettings(**settings))  # type: ignore[arg-type]
    names = {path.name for path in found.folder.iterdir()}
    assert {"ranking.csv", "winners.png", "losses.png", "population.png", "population.csv", "report.html"} <= names
    head = (found.folder / "ranking.csv").read_text().split("\n")[0]
    assert head == "rank,architecture,score,CS(cifar),1/FD(cifar),params,macs,problem" and len(found.seen) == 4
