"""The strategy `controller` on rewards that never change: sooner than chance, and alike for any number of workers."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import numpy as np
import pytest

from gpproxy.errors import SpaceError
from gpproxy.proxies.scored import Scored
from gpproxy.search import SearchSettings, run
from gpproxy.search.controlled import Controlled
from gpproxy.search.settings import ControllerSettings
from gpproxy.search.strategies import Random, Strategy
from gpproxy.search_spaces.autogan import SIZES, AutoGAN
from tests.search.setups import FORWARD, fake_setup, fake_space, last

SPACE = AutoGAN()
FLAT = [size for sizes in SIZES for size in sizes]


def rewards() -> np.ndarray:
    """A table of all 373,248 rewards: an effect per gene, one per pair of neighbouring genes, and noise."""
    random = np.random.default_rng(5)
    table = np.zeros(FLAT)
    for axis, size in enumerate(FLAT):
        table = table + random.normal(size=size).reshape([-1 if i == axis else 1 for i in range(len(FLAT))])
    for axis in range(len(FLAT) - 1):
        shape = [FLAT[i] if i in (axis, axis + 1) else 1 for i in range(len(FLAT))]
        table = table + 0.5 * random.normal(size=shape)
    return table + 0.5 * random.normal(size=table.shape)


def evaluations(strategy: Strategy, table: np.ndarray, good: float, most: int = 70) -> int:
    """Architectures that are looked up until one is among the best."""
    seen: set[tuple[int, ...]] = set()
    while len(seen) < most:
        architecture = strategy.propose()
        assert architecture is not None
        if architecture in seen:
            continue
        seen.add(architecture)
        if table[architecture] >= good:
            break
        strategy.tell(Scored(SPACE.encode(architecture), (float(table[architecture]),)))
    return len(seen)


def test_the_controller_finds_the_best_hundredth_sooner_than_chance() -> None:
    table = rewards()
    assert table.size == SPACE.count() == 373_248
    good = float(np.quantile(table, 0.99))
    how = ControllerSettings(levels="single", controller_rate=0.01)
    led = [evaluations(Controlled(SPACE, seed, how, 150), table, good) for seed in range(10)]
    blind = [evaluations(Random(SPACE, seed), table, good) for seed in range(10)]
    expected = math.log(0.5) / math.log(0.99)  # the median of a geometric distribution
    assert statistics.median(led) < min(statistics.median(blind), expected), (led, blind)


def test_any_number_of_workers_and_levels() -> None:
    class Tokens(type(fake_space())):  # type: ignore[misc]
        tokens = ((4, 2), (2, 3))

    space = Tokens()
    space.name = "fake"
    how = ControllerSettings(controller_batch=4, drawn=6, keep=3, controller_rate=0.01)
    one = last(Controlled(space, 1, how, 30), fake_setup(FORWARD), 30)
    two = last(Controlled(space, 1, how, 30), fake_setup(FORWARD), 30, workers=2)
    assert [repr(c) for c in one.seen] == [repr(c) for c in two.seen] and len(one.seen) == 30
    led = Controlled(space, 1, how, 30)
    found = last(led, fake_setup(FORWARD), 30)
    assert len({one.code for one in found.seen}) == 30 and led.learner.level == 1 and 1 <= len(led.learner.beam) <= 3
    assert {line["level"] for line in led.history} == {1, 2}
    with pytest.raises(SpaceError, match="declares no tokens"):
        Controlled(fake_space(), 1, how, 30)


def test_what_limits_exclude_is_worth_least_and_what_is_drawn_again_is_learnt_from_again() -> None:
    led = Controlled(SPACE, 0, ControllerSettings(levels="single"), 100)
    first = led.propose()
    assert first is not None
    led.recall = lambda architecture: -math.inf if architecture == first else None
    led.refused(first)
    assert len(led.history) == 1 and led.history[0]["reward"] == 0.0
    known = led.learner.draw(1)
    led.learner.draw = lambda *parts: known  # type: ignore[method-assign]
    before = len(led.history)
    assert led.propose() is not None and len(led.history) > before


@pytest.mark.parametrize("estimator", ["proxy", "table:autogan-cifar10"])
def test_a_controller_searches_with_a_formula_and_on_a_table(tmp_path: Path, estimator: str) -> None:
    tiny = ("width=4", "resolution=16", "latent=8", "discriminator_width=4")
    settings = {
        "space": "autogan",
        "space_settings": tiny,
        "strategy": "controller",
        "budget": 12,
        "workers": 1,
        "top": 1,
    }
    proxy = {"proxy": ("total_macs",)} if estimator == "proxy" else {}
    whole = run(SearchSettings(**{**settings, **proxy, "estimator": estimator, "out": str(tmp_path / "a")}))
    assert len(whole.seen) == 12 and len({one.code for one in whole.seen}) == 12
    again = run(SearchSettings(**{**settings, **proxy, "estimator": estimator, "out": str(tmp_path / "b")}))
    ours, theirs = ((x.folder / "ranking.csv").read_bytes() for x in (whole, again))
    assert ours == theirs
