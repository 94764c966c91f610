"""Epsilon-lexicase selection: who can win, who cannot, and equal draws for equal seeds."""

from __future__ import annotations

import dataclasses
from random import Random

import pytest
import torch
from deap import gp
from hypothesis import given, settings
from hypothesis import strategies as st

from gpproxy.errors import ConfigError
from gpproxy.evolution.individual import STEPS, Individual, Score
from gpproxy.evolution.lexicase import Lexicase
from gpproxy.evolution.loop import evolve
from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.evolution.state import EvolutionState
from gpproxy.evolution.target import Target
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from tests.evolution import toy

SMALL = EvolutionSettings(population=40, islands=2, generations=3, patience=0, combine="lexicase", migration=2)


def individuals(*cases):
    return [
        Individual(
            gp.PrimitiveTree([]), str(n), 1, 1.0, Score(0.5, (), (), (), 1.0, str(n), None, tuple(row)), "random"
        )
        for n, row in enumerate(cases)
    ]


def winners(*cases, draws=200):
    lexicase, rng = Lexicase(individuals(*cases)), Random(0)
    return {lexicase.draw(rng).key for _ in range(draws)}


def test_a_specialist_wins_where_the_mean_and_the_worst_case_would_not_choose_it():
    """Three lead on a case each; the all-rounder is best in the mean and in the worst case, yet leads nowhere."""
    assert winners((9000, 0, 0), (0, 9000, 0), (0, 0, 9000), (5000, 5000, 5000)) == {"0", "1", "2"}


def test_who_is_beaten_on_every_case_never_wins():
    assert winners((9, 90), (90, 9), (1, 1), (2, 2), (0, 3)) == {"0", "1"}


def test_epsilon_is_the_median_absolute_deviation_of_a_case():
    """Case values 0, 40, 50, 60, 100: median 50, deviations 50, 10, 0, 10, 50, median 10: 90 ties with 100, 89 not."""
    assert winners((0,), (40,), (50,), (60,), (100,)) == {"4"}
    assert Lexicase(individuals((0,), (40,), (50,), (60,), (100,)))._epsilon.tolist() == [10.0]
    assert winners((0,), (40,), (50,), (50,), (60,), (60,), (90,), (100,)) == {"6", "7"}


def test_equals_win_equally_often():
    lexicase, rng = Lexicase(individuals((5, 5), (5, 5))), Random(1)
    assert 350 < sum(lexicase.draw(rng).key == "0" for _ in range(1000)) < 650


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-50, 50)] * 3), min_size=1, max_size=12), st.integers(0, 9), st.integers(0, 12))
def test_several_are_different_ordered_and_repeatable(cases, seed, count):
    lexicase = Lexicase(individuals(*cases))
    first, second = (lexicase.several(count, Random(seed)) for _ in range(2))
    assert first == second and len(first) == min(count, len(cases))
    places = [int(i.key) for i in first]
    assert places == sorted(set(places))


def two_benchmarks() -> Problem:
    """The same statistics with two qualities that pull apart."""
    table = toy.table(40)
    params, macs = table.values["total_params"], table.values["total_macs"]
    targets = [Target(macs + 0.1 * params, resamples=3), Target(params + 0.1 * macs, resamples=3)]
    cases = tuple(Case(name, Evaluator(table), target) for name, target in zip("ab", targets))
    return Problem(cases, Grammar.for_table(table))


def test_a_case_is_the_correlation_on_one_half_of_one_benchmark():
    target = two_benchmarks().cases[0].target
    scores = torch.rand(5, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = target.fitness(scores)
    assert found.cases.shape == (5, 3)
    assert torch.equal(torch.quantile(found.cases, 0.25, dim=1), found.quality)
    whole = Target(target.quality, resamples=0).fitness(scores)
    assert torch.equal(whole.cases[:, 0], whole.quality)
    groups = Target(target.quality, groups=[i % 4 for i in range(40)], resamples=3).fitness(scores)
    assert groups.cases.shape == (5, 4) and torch.equal(groups.cases[:, 3], groups.within)


def test_scores_carry_their_cases_only_when_asked():
    problem = two_benchmarks()
    tree = next(iter(evolve(problem, SMALL))).best.tree
    (with_cases,) = problem.judge(problem.scores([tree]), cases=True)
    (without,) = problem.judge(problem.scores([tree]))
    assert len(with_cases.cases) == 6 and without.cases == () and dataclasses.replace(with_cases, cases=()) == without
    assert all(-STEPS <= case <= STEPS for case in with_cases.cases)
    assert Score.from_json(with_cases.to_json()) == with_cases and Score.from_json(without.to_json()) == without


def shown(archive):
    return [(str(i.tree), i.quality) for i in archive]


def test_equal_seeds_and_a_continued_run_give_equal_archives():
    problem = two_benchmarks()
    whole = list(evolve(problem, SMALL))
    again = list(evolve(two_benchmarks(), SMALL))
    assert [shown(g.archive) for g in whole] == [shown(g.archive) for g in again]
    state = EvolutionState.from_json(whole[1].state.to_json(), problem, SMALL)
    *_, last = evolve(problem, SMALL, state=state)
    assert shown(last.archive) == shown(whole[-1].archive)
    assert last.state.to_json().split('"seconds"')[0] == whole[-1].state.to_json().split('"seconds"')[0]


def test_specialists_stay_that_the_worst_case_would_drop():
    """Of each benchmark, the best formula on an island under lexicase is at least as good as what it began with."""
    *_, last = evolve(two_benchmarks(), SMALL)
    for island in last.state.islands:
        assert 2 <= len(island) <= 20 and len({i.key for i in island}) == len(island)
    best = [max(i.score.spearman[n] for island in last.state.islands for i in island) for n in (0, 1)]
    assert min(best) > 0.85 and last.best.quality > 0


def test_one_benchmark_knows_no_difference():
    problem = Problem(two_benchmarks().cases[:1], two_benchmarks().grammar)
    found = [list(evolve(problem, dataclasses.replace(SMALL, combine=way)))[-1] for way in ("lexicase", "worst")]
    assert shown(found[0].archive) == shown(found[1].archive)


def test_unknown_combinations_get_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'lexicase'"):
        EvolutionSettings(combine="lexicas")
