"""The loop: the same search for any number of workers and after any interruption; each network once; exact limits."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gpproxy.errors import ConfigError, RunError
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Scorer, Setup
from gpproxy.proxies.size import Sizer
from gpproxy.score import ScoreSettings, score
from gpproxy.search.limits import Limits, smallest
from gpproxy.search.loop import search
from gpproxy.search.nsga2 import NSGA2
from gpproxy.search.order import rank
from gpproxy.search.store import NAME, Store
from gpproxy.search.strategies import Evolution, Exhaustive, Random, Strategy
from tests.commands import FAKE
from tests.search.setups import FORWARD, GRADIENT, fake_setup, fake_space, last

KERNEL = "logdet(sum_layers(agreement))"
SPACE = fake_space()
SIZER = Sizer(SPACE)


def test_scores_are_those_of_the_score_command(tmp_path: Path) -> None:
    found = list(last(Exhaustive(SPACE, 0), fake_setup(FORWARD, GRADIENT, KERNEL), 48).seen)
    codes = tmp_path / "codes.txt"
    codes.write_text("\n".join(one.code for one in found) + "\n")
    for i, proxy in enumerate((FORWARD, GRADIENT, KERNEL)):
        config = ScoreSettings(proxy=proxy, space="fake", archs=str(codes), plugins=(FAKE,), workers=1)
        for one, expected in zip(found, score(config)):
            assert one.code == expected.code
            assert one.scores[i] == expected.score or (math.isnan(one.scores[i]) and math.isnan(expected.score))
            assert bool(one.problem) == bool(expected.problem)


@pytest.mark.parametrize("make", [lambda: Evolution(SPACE, 1, 12, 4), lambda: NSGA2(SPACE, 1, 8)])
def test_any_number_of_workers_searches_alike(make) -> None:  # type: ignore[no-untyped-def]
    one = last(make(), fake_setup(FORWARD), 30)
    two = last(make(), fake_setup(FORWARD), 30, workers=2)
    assert [repr(c) for c in one.seen] == [repr(c) for c in two.seen]
    assert one.work.networks == two.work.networks and one.finished == two.finished == "budget"


def test_nothing_is_scored_twice_and_the_space_ends() -> None:
    found = last(Random(SPACE, 0), fake_setup(FORWARD), 60)
    assert found.finished == "space" and len(found.seen) == 48 == len({one.code for one in found.seen})
    dead = sum(one.dead for one in found.seen)
    assert found.work.networks == found.work.forwards == 48 - dead and found.work.backwards == 0


def test_functional_twins_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(SPACE), "canonical", lambda self, architecture: architecture[:2])
    found = last(Exhaustive(SPACE, 0), fake_setup(FORWARD), 60)
    assert len(found.seen) == 8 and found.repeated == 40


def test_forward_only_formulas_run_no_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    import gpproxy.statistics.passes as passes

    def refuse(*args: object) -> None:
        raise AssertionError("backward pass")

    monkeypatch.setattr(passes, "backward", refuse)
    assert math.isfinite(Scorer(fake_setup(FORWARD, KERNEL)).score("1-1-1-1").scores[0])


def test_proxies_that_look_alike_share_their_network() -> None:
    scorer = Scorer(fake_setup(FORWARD, GRADIENT, KERNEL))
    scorer.score("1-1-1-1")
    assert (scorer.work.networks, scorer.work.forwards, scorer.work.backwards) == (1, 1, 1)
    other = Setup("fake", (("resolution", 8),), (Proxy.load(FORWARD), Proxy.load(FORWARD).changed(init_seed=5)))
    scorer = Scorer(other)
    scorer.score("1-1-1-1")
    assert scorer.work.networks == 2


def test_several_initialisations_are_averaged() -> None:
    seeds = [Setup("fake", (), (Proxy.load(FORWARD).changed(init_seed=s),)) for s in (3, 4)]
    each = [Scorer(setup).score("2-1-1-0").scores[0] for setup in seeds]
    both = Scorer(Setup("fake", (), (Proxy.load(FORWARD).changed(init_seed=3, inits=2),))).score("2-1-1-0")
    assert both.scores[0] == pytest.approx(sum(each) / 2, rel=1e-12) and each[0] != each[1]


MAKERS = [
    lambda: Random(SPACE, 1),
    lambda: Exhaustive(SPACE, 1),
    lambda: Evolution(SPACE, 1, 12, 4),
    lambda: NSGA2(SPACE, 1, 8),
]


def stopped(strategy: Strategy, store: Store, budget: int, after: int, limits: Limits) -> None:
    """A search that is left after some candidates."""
    for progress in search(strategy, ProxyEstimator(fake_setup(FORWARD)), SIZER, limits, budget, store=store):
        if progress.told >= after:
            return


@pytest.mark.parametrize("save", [0.0, 1e9])
@pytest.mark.parametrize("make", MAKERS)
def test_an_interrupted_search_resumes_to_the_same(tmp_path, monkeypatch, make, save) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("gpproxy.search.store.SAVE", save)  # a state after every batch, or none at all
    limits, ends = Limits(macs=13000), []
    for name, kills in (("whole", ()), ("killed", (3, 12, 13, 24))):
        for after in kills:
            with Store.open(tmp_path / name, 1) as store:
                stopped(make(), store, 30, after, limits)
                store.propose(after, 7)  # what was not committed is gone
        with Store.open(tmp_path / name, 1) as store:
            known, strategy = store.count, make()
            end = last(strategy, fake_setup(FORWARD), 30, limits, store=store)
            rows = list(map(repr, end.seen))
            ends.append((rows, end.excluded, end.repeated, end.work.networks))
            assert end.fresh == len(rows) - known and end.dropped == 0
    assert ends[0] == ends[1] and len(ends[0][0]) > 25


@pytest.mark.parametrize("make", MAKERS)
def test_with_a_state_nothing_is_proposed_again(tmp_path, monkeypatch, make) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("gpproxy.search.store.SAVE", 0.0)
    with Store.open(tmp_path / NAME, 1) as store:
        stopped(make(), store, 24, 12, Limits())
        before = next(iter(store.state()["proposals"].items()))  # type: ignore[index]
    with Store.open(tmp_path / NAME, 1) as store:
        strategy, count = make(), []
        propose = strategy.propose
        monkeypatch.setattr(strategy, "propose", lambda: (count.append(1), propose())[1])
        end = last(strategy, fake_setup(FORWARD), 24, store=store)
        assert before[0] == "repeated" and end.told == 24
        assert len(count) <= 12 + end.repeated - before[1]


@pytest.mark.parametrize(
    ("make", "save", "first"),
    [(MAKERS[0], 1e9, 21), (MAKERS[1], 0.0, 24), (MAKERS[2], 0.0, 21), (MAKERS[2], 1e9, 24), (MAKERS[3], 0.0, 21)],
)
def test_a_larger_budget_goes_on_as_if_it_had_been_given_before(tmp_path, monkeypatch, make, save, first) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("gpproxy.search.store.SAVE", save)
    whole = last(make(), fake_setup(FORWARD), 40)
    with Store.open(tmp_path / NAME, 1) as store:
        last(make(), fake_setup(FORWARD), first, store=store)
    with Store.open(tmp_path / NAME, 1) as store:
        longer = last(make(), fake_setup(FORWARD), 40, store=store)
        assert list(map(repr, longer.seen)) == list(map(repr, whole.seen)) and longer.fresh == 40 - first
    with Store.open(tmp_path / NAME, 1) as store, pytest.raises(RunError, match="40 candidates already.*--budget 40"):
        last(make(), fake_setup(FORWARD), 39, store=store)


def test_candidates_of_another_course_are_dropped(tmp_path: Path) -> None:
    with Store.open(tmp_path / NAME, 1) as store:
        last(Random(SPACE, 1), fake_setup(FORWARD), 20, store=store)
    with Store.open(tmp_path / NAME, 1) as store:
        other = last(Random(SPACE, 2), fake_setup(FORWARD), 20, store=store)
        assert other.dropped == other.fresh == 20
        assert list(map(repr, other.seen)) == list(map(repr, last(Random(SPACE, 2), fake_setup(FORWARD), 20).seen))


def test_several_proxies_cost_one_look_a_candidate() -> None:
    one = last(Random(SPACE, 0), fake_setup(FORWARD), 12).work
    three = last(Random(SPACE, 0), fake_setup(FORWARD, KERNEL, "sum_layers(max(abs(activation)))"), 12).work
    assert (three.networks, three.forwards, three.backwards) == (one.networks, one.forwards, 0.0)
    with_gradients = last(Random(SPACE, 0), fake_setup(FORWARD, GRADIENT, KERNEL), 12).work
    assert (with_gradients.networks, with_gradients.forwards) == (one.networks, one.forwards)
    assert with_gradients.backwards == one.forwards


def test_leaders_are_the_best_of_a_resumed_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpproxy.search.store.SAVE", 0.0)
    with Store.open(tmp_path / NAME, 1) as store:
        stopped(Random(SPACE, 1), store, 30, 12, Limits())
    with Store.open(tmp_path / NAME, 1) as store:
        found = last(Random(SPACE, 1), fake_setup(FORWARD), 30, store=store)
        rank(store)
        assert repr(found.leaders.best(30)) == repr([(one, value) for _, value, one in store.by_rank(1, 30)])


def test_limits_are_exact() -> None:
    sizes = {SPACE.encode(a): SIZER(a) for a in SPACE.enumerate()}
    limit = sorted(size.params for size in sizes.values())[20]
    found = last(Random(SPACE, 0), fake_setup(FORWARD), 60, Limits(params=limit))
    assert found.finished == "space"
    assert sorted(one.code for one in found.seen) == sorted(
        code for code, size in sizes.items() if size.params <= limit
    )
    assert found.excluded == 48 - len(found.seen)


def test_an_impossible_limit_names_itself_and_the_smallest() -> None:
    _, least = smallest(SPACE, SIZER, "params")
    for strategy in (Random(SPACE, 0), Exhaustive(SPACE, 0), Evolution(SPACE, 0, 8, 4)):
        with pytest.raises(
            ConfigError, match=rf"--max-params 100 .*{least.params:,.0f} params.*at least {least.params:.0f}"
        ):
            last(strategy, fake_setup(FORWARD), 10, Limits(params=100, macs=1e9))
    exact = last(Random(SPACE, 0), fake_setup(FORWARD), 10, Limits(params=least.params))
    assert {one.params for one in exact.seen} == {least.params}


def test_the_smallest_of_a_large_space_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = smallest(SPACE, SIZER, "macs")[1]
    monkeypatch.setattr("gpproxy.search.limits.LISTED", 10)
    assert smallest(SPACE, SIZER, "macs")[1].macs <= 2 * expected.macs  # this space mutates one gene alone


def test_a_limit_on_latency_that_nothing_meets_says_so() -> None:
    setup = Setup("fake", (), (Proxy.load(FORWARD),), timed=True, max_latency_ms=1e-6)
    with pytest.raises(ConfigError, match=r"--max-latency-ms 1e-06 excluded all.* takes .* ms"):
        last(Exhaustive(SPACE, 0), setup, 200, Limits(latency=1e-6))


def test_what_fails_is_ranked_last_with_its_reason() -> None:
    scorer = Scorer(fake_setup(FORWARD))
    broken, dead = scorer.score("3-0-1-2"), scorer.score("0-0-0-2")
    assert math.isnan(broken.scores[0]) and "NaN" in broken.problem and not broken.dead
    assert dead.scores == (-math.inf,) and dead.dead and dead.params > 0
