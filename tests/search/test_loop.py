"""The loop: the same search for any number of workers and after any interruption; each network once; exact limits."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gpproxy.errors import ConfigError
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Scorer, Setup
from gpproxy.proxies.size import Sizer
from gpproxy.score import ScoreSettings, score
from gpproxy.search.journal import Journal, Memory
from gpproxy.search.limits import Limits, smallest
from gpproxy.search.loop import search
from gpproxy.search.nsga2 import NSGA2
from gpproxy.search.strategies import Evolution, Exhaustive, Random
from tests.commands import FAKE
from tests.search.setups import FORWARD, GRADIENT, fake_setup, fake_space, last

SPACE = fake_space()
SIZER = Sizer(SPACE)


def test_scores_are_those_of_the_score_command(tmp_path: Path) -> None:
    found = list(last(Exhaustive(SPACE, 0), fake_setup(FORWARD, GRADIENT, "nwot"), 48).seen)
    codes = tmp_path / "codes.txt"
    codes.write_text("\n".join(one.code for one in found) + "\n")
    for i, proxy in enumerate((FORWARD, GRADIENT, Proxy.load("nwot").formula)):
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
    assert found.finished == "space" and len(found.seen) == 48 == len(set(found.seen.codes))
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
    assert math.isfinite(Scorer(fake_setup(FORWARD, "nwot")).score("1-1-1-1").scores[0])


def test_proxies_that_look_alike_share_their_network() -> None:
    scorer = Scorer(fake_setup(FORWARD, GRADIENT, "nwot"))
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


@pytest.mark.parametrize(
    "make", [lambda: Random(SPACE, 1), lambda: Evolution(SPACE, 1, 12, 4), lambda: NSGA2(SPACE, 1, 8)]
)
def test_an_interrupted_search_resumes_to_the_same(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    limits = Limits(macs=13000)
    whole = last(make(), fake_setup(FORWARD), 30, limits)
    path = tmp_path / "journal"
    with Journal(path) as journal:
        for progress in search(make(), ProxyEstimator(fake_setup(FORWARD)), SIZER, limits, 30, journal=journal):
            if len(progress.seen) >= 12:
                break
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\n", 0, -1) + 30])  # the last line is torn
    memory = Memory.read(path)
    known = len(memory.candidates)
    assert 0 < known < 12
    with Journal(path) as journal:
        resumed = last(make(), fake_setup(FORWARD), 30, limits, journal=journal, memory=memory)
    assert [repr(one) for one in resumed.seen] == [repr(one) for one in whole.seen]
    assert resumed.fresh == len(whole.seen) - known and resumed.excluded == whole.excluded
    assert list(Memory.read(path).candidates) == [one.code for one in whole.seen] or known


def test_limits_are_exact() -> None:
    sizes = {SPACE.encode(a): SIZER(a) for a in SPACE.enumerate()}
    limit = sorted(size.params for size in sizes.values())[20]
    found = last(Random(SPACE, 0), fake_setup(FORWARD), 60, Limits(params=limit))
    assert found.finished == "space"
    assert sorted(found.seen.codes) == sorted(code for code, size in sizes.items() if size.params <= limit)
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
