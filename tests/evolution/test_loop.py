"""The loop as a whole: it finds a known formula, repeats itself, resumes, and never evaluates twice."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
import torch
from deap import gp

from gpproxy.errors import ConfigError, ExpressionError, RunError
from gpproxy.evolution.layout import Layout
from gpproxy.evolution.loop import SMALL as NODES
from gpproxy.evolution.loop import evolve
from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.random_search import Urn, random_search
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.evolution.state import EvolutionState
from gpproxy.evolution.target import Target
from gpproxy.evolution.variation import Variation
from gpproxy.expressions.evaluation.evaluate import Evaluator, Scores
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse, to_text
from gpproxy.primitives.types import Scalar

from . import toy

SMALL = EvolutionSettings(population=60, islands=3, generations=8, max_nodes=13, migration=2, seed=3)


def shown(members):
    return [(to_text(i.tree), i.quality.hex(), i.complexity, i.cost.hex(), i.score.signature) for i in members]


def comparable(generation):
    data = json.loads(generation.state.to_json())
    del data["seconds"]
    return data


@pytest.fixture(scope="module")
def unbroken():
    return list(evolve(toy.problem(), SMALL))


def test_quality_never_falls_and_counts_add_up(unbroken):
    assert [g.index for g in unbroken] == list(range(9))
    best = [g.best.quality for g in unbroken]
    assert best == sorted(best)
    last = unbroken[-1]
    assert last.finished == "generations" and all(g.finished is None for g in unbroken[:-1])
    assert last.evaluations == (SMALL.initial_factor + 8) * 60 and last.evaluated == len(last.state.scores)
    assert sum(last.invalid.values()) == sum(s.reason is not None for s in last.state.scores.values())
    assert all(i.complexity <= 13 and i.quality > 0 for i in last.archive)
    assert set(map(id, last.front)) <= set(map(id, last.archive))
    assert sum(last.operators.values()) == pytest.approx(1)


def test_the_first_generation_is_large_and_of_small_formulas():
    for sweep in (1, 4):
        config = dataclasses.replace(SMALL, initial_factor=sweep, generations=0, max_nodes=25)
        (first,) = evolve(toy.problem(), config)
        assert first.evaluations == sweep * SMALL.population
        assert first.population.size <= SMALL.population
        assert max(i.complexity for i in first.archive) <= NODES + 1  # one that ranks backwards gets a minus


def test_finds_the_hidden_formula():
    config = dataclasses.replace(SMALL, population=200, islands=4, generations=30, seed=0)
    *_, last = evolve(toy.problem(resamples=0), config, guesses=["total_macs", "total_params"])
    assert last.best.quality > 0.97
    assert set(("total_macs", "total_params")) <= set(
        to_text(last.best.tree).replace("(", " ").replace(")", " ").split()
    )


def test_same_seed_same_run_other_seed_other_run(unbroken):
    again = list(evolve(toy.problem(), SMALL))
    assert comparable(again[-1]) == comparable(unbroken[-1])
    other = list(evolve(toy.problem(), dataclasses.replace(SMALL, seed=4, generations=1)))
    assert shown(other[-1].archive) != shown(unbroken[1].archive)


@pytest.mark.parametrize("stop", [0, 3, 4])
def test_resume_equals_the_unbroken_run(unbroken, stop):
    text = unbroken[stop].state.to_json()
    problem = toy.problem()
    state = EvolutionState.from_json(text, problem, SMALL)
    assert state.to_json() == text
    rest = list(evolve(problem, SMALL, state=state))
    assert [g.index for g in rest] == list(range(stop + 1, 9))
    for mine, whole in zip(rest, unbroken[stop + 1 :]):
        assert comparable(mine) == comparable(whole)
        assert shown(mine.archive) == shown(whole.archive)
        assert mine.invalid == whole.invalid and mine.operators == whole.operators


def test_a_finished_run_can_be_given_more_generations(unbroken):
    problem = toy.problem()
    config = dataclasses.replace(SMALL, generations=3)
    short = list(evolve(problem, config))
    longer = list(evolve(problem, SMALL, state=short[-1].state))
    assert comparable(longer[-1]) == comparable(unbroken[-1])
    assert list(evolve(problem, config, state=short[-1].state)) == []


def test_states_of_other_runs_are_refused(unbroken):
    problem = toy.problem()
    text = unbroken[2].state.to_json()
    with pytest.raises(RunError, match="seed=3, this run seed=9"):
        EvolutionState.from_json(text, problem, dataclasses.replace(SMALL, seed=9))
    with pytest.raises(RunError, match="problem="):
        list(evolve(toy.problem(seed=1), SMALL, state=unbroken[2].state))
    with pytest.raises(RunError, match="not a state"):
        EvolutionState.from_json(text[:100], problem, SMALL)


def test_two_processes_with_other_hash_seeds_agree():
    code = (
        "from tests.evolution.test_loop import *\n"
        "*_, last = evolve(toy.problem(), dataclasses.replace(SMALL, generations=4))\n"
        "print(hashlib.sha256(json.dumps(comparable(last)).encode()).hexdigest())"
    )
    root = Path(__file__).parents[2]
    processes = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", code], cwd=root, env=environment, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
    *_, last = evolve(toy.problem(), dataclasses.replace(SMALL, generations=4))
    expected = hashlib.sha256(json.dumps(comparable(last)).encode()).hexdigest()
    for process in processes:
        output, errors = process.communicate(timeout=100)
        assert process.returncode == 0 and output.strip() == expected, errors


class Counting:
    """An evaluator that remembers what it was asked."""

    def __init__(self, evaluator):
        self.evaluator, self.asked, self.calls = evaluator, [], 0
        self.table = evaluator.table

    def scores(self, trees) -> Scores:
        self.calls += 1
        self.asked.extend(to_text(t) for t in trees)
        return self.evaluator.scores(trees)

    def shared_values(self, trees):
        return self.evaluator.shared_values(trees)


def test_no_structure_is_evaluated_twice_and_one_call_per_generation():
    base = toy.problem()
    counting = Counting(base.cases[0].evaluator)
    problem = Problem((Case("toy", counting, base.cases[0].target),), base.grammar)
    generations = list(evolve(problem, SMALL, guesses=["total_macs"]))
    assert len(counting.asked) == len(set(counting.asked))
    assert counting.calls <= len(generations)


def test_guesses_take_part_with_both_signs():
    first = next(iter(evolve(toy.problem(), SMALL, guesses=["total_params", "2 * total_macs - total_params"])))
    assert any(i.origin == "guess" for island in first.state.islands for i in island)
    assert any(to_text(i.tree) == "-total_params" and i.quality > 0 for i in first.archive)


def test_bad_guesses_are_refused_before_the_run_starts():
    with pytest.raises(ExpressionError, match="total_param"):
        evolve(toy.problem(), SMALL, guesses=["total_parms"])
    long = " + ".join(["total_params"] * 9)
    with pytest.raises(ConfigError, match="17 nodes"):
        evolve(toy.problem(), SMALL, guesses=[long])


def test_patience_and_time_end_a_run():
    problem = toy.problem()
    *_, last = evolve(problem, dataclasses.replace(SMALL, generations=500, patience=2))
    assert last.finished == "patience" and last.state.stale == 2
    *_, last = evolve(problem, dataclasses.replace(SMALL, generations=500, patience=0, max_minutes=0.0002))
    assert last.finished == "time"


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match="islands"):
        EvolutionSettings(population=10, islands=5)
    with pytest.raises(ConfigError, match="max_nodes >= 1"):
        EvolutionSettings(max_nodes=0)
    with pytest.raises(ConfigError, match="by_quality"):
        EvolutionSettings(by_quality=1.5)


def test_several_benchmarks_count_by_the_worst():
    statistics = [toy.table(30, seed) for seed in (0, 1)]
    cases = [
        Case(name, Evaluator(s), Target(toy.quality(s) * sign, resamples=0))
        for name, s, sign in zip("ab", statistics, (1, 1))
    ]
    problem = Problem(tuple(cases), Grammar.for_table(statistics[0]))
    *_, last = evolve(problem, dataclasses.replace(SMALL, generations=3))
    score = last.best.score
    assert len(score.kendall) == 2
    assert score.quality == pytest.approx(min((t + r) / 2 for t, r in zip(score.kendall, score.spearman)), abs=1e-15)


def test_dead_architectures_rank_last_and_do_not_spoil_a_formula():
    problem = toy.problem(dead=(0, 7))
    *_, last = evolve(problem, dataclasses.replace(SMALL, generations=2))
    assert last.best.quality > 0


def test_random_search_has_the_budget_asked_for_and_repeats_itself():
    problem = toy.problem()
    first, second = (list(random_search(problem, SMALL, 250))[-1] for _ in range(2))
    assert first.rankings >= 250 and first.finished == "rankings" and shown(first.archive) == shown(second.archive)
    other = list(random_search(problem, SMALL, 250, draw=1))[-1]
    assert shown(other.archive) != shown(first.archive)


def test_random_search_ends_when_the_grammar_is_exhausted():
    statistics = toy.table(20)
    grammar = Grammar({"total_params": statistics.types["total_params"]}, [], constants=False)
    problem = Problem((Case("toy", Evaluator(statistics), Target(toy.quality(statistics))),), grammar)
    *_, last = random_search(problem, SMALL, 1000)
    assert last.evaluated < 10 and last.finished == "exhausted"


def test_random_search_counts_rankings_and_not_formulas():
    *_, last = random_search(toy.problem(), SMALL, 200)
    assert last.rankings < last.evaluated
    assert not list(random_search(toy.problem(), SMALL, 0))


def test_trees_from_an_urn_keep_the_limits_and_share_parts():
    grammar, limits = toy.problem().grammar, SMALL.limits
    variation = Variation(grammar, limits)

    def parts(fresh: float) -> set[str]:
        urn, rng = Urn(variation, fresh), Random(0)
        trees = [urn.tree(rng) for _ in range(300)]
        for tree in trees:
            assert len(tree) <= limits.nodes and tree.height <= limits.height and tree[0].ret is Scalar
            assert str(parse(to_text(tree), grammar)) == str(tree)
        return {
            str(gp.PrimitiveTree(tree[i : Layout(tree).ends[i]]))
            for tree in trees
            for i, node in enumerate(tree)
            if node.ret is not Scalar and node.arity
        }

    assert len(parts(0.1)) < 0.6 * len(parts(1.0))


def test_evolution_beats_random_search_of_equal_budget():
    problem = toy.problem(60)
    config = dataclasses.replace(SMALL, population=100, generations=12, seed=0)
    *_, evolved = evolve(problem, config)
    *_, drawn = random_search(problem, config, evolved.rankings)
    assert drawn.rankings >= evolved.rankings == evolved.state.rankings
    assert evolved.best.quality > drawn.best.quality
    assert torch.isfinite(torch.tensor(evolved.best.quality))


@pytest.mark.parametrize("part", ["crossover", "mutation", "islands", "simplification"])
def test_an_evolution_can_go_without_a_part_of_itself(part):
    config = dataclasses.replace(SMALL, generations=3, without=(part,))
    *_, last = evolve(toy.problem(), config)
    assert last.best.quality > 0
    used = {name for name, weight in last.operators.items() if weight}
    crossing = {"crossover", "combine", "blend"}
    assert not (used & crossing if part == "crossover" else used - crossing if part == "mutation" else set())
    assert len(last.state.islands) == (1 if part == "islands" else SMALL.islands)
    again = EvolutionState.from_json(last.state.to_json(), toy.problem(), config)
    with pytest.raises(RunError, match="without"):
        EvolutionState.from_json(last.state.to_json(), toy.problem(), SMALL)
    assert again.generation == last.index


def test_states_of_earlier_versions_know_nothing_of_what_is_left_out():
    *_, last = evolve(toy.problem(), dataclasses.replace(SMALL, generations=0))
    data = json.loads(last.state.to_json())
    del data["identity"]["without"]
    assert EvolutionState.from_json(json.dumps(data), toy.problem(), SMALL).generation == 0
    with pytest.raises(ConfigError, match="Did you mean 'islands'"):
        dataclasses.replace(SMALL, without=("island",))
