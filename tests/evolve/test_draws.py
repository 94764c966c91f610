from __future__ import annotations

import pytest

from gpproxy.evolution.random_search import random_search
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.evolve import draws
from gpproxy.evolve.draws import Draw, random_draws
from tests.evolution import toy

SMALL = EvolutionSettings(population=20, islands=2, max_nodes=10)


def plain(draw: Draw) -> list[object]:
    members = [(one.key, one.cost, one.complexity, one.origin, one.score) for one in draw.archive]
    return [members, draw.evaluated, draw.rankings, draw.finished]


def test_draws_are_those_of_the_engine_and_the_same_in_several_processes() -> None:
    problem = toy.problem(dead=(3,))
    told: list[int] = []
    apart = random_draws(problem, SMALL, 60, 2, cores=2, on_progress=told.append)
    together = random_draws(problem, SMALL, 60, 2, cores=1)
    assert [plain(one) for one in apart] == [plain(one) for one in together]
    assert told == sorted(told) and told[-1] == 120
    *_, last = random_search(problem, SMALL, 60, 1)
    assert plain(apart[1])[0] == [(i.key, i.cost, i.complexity, i.origin, i.score) for i in last.archive]
    assert apart[0].archive != apart[1].archive and apart[0].seconds > 0


def test_primitives_that_other_processes_do_not_find_keep_the_draws_here(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = toy.problem()
    assert draws._found_everywhere(problem)
    monkeypatch.setattr(draws, "FOUND_EVERYWHERE", ("nowhere.",))
    monkeypatch.setattr(draws.Sent, "of", None)
    assert len(random_draws(problem, SMALL, 10, 2, cores=4)) == 2
