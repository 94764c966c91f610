"""Rivals are chosen by the labels of training and validation, with the direction learnt there."""

from __future__ import annotations

import pytest
import torch

from gpproxy.benchmarks.benchmark import Benchmark, Card
from gpproxy.evolve.part_scores import PartScores
from gpproxy.evolve.rivals import Rival, chosen, directed, random_rival
from gpproxy.ranking.bootstrap import Resamples
from gpproxy.ranking.equivalence import EquivalenceClasses
from gpproxy.ranking.metrics import RankingMetrics


def view(quality: torch.Tensor, dead: tuple[str, ...] = ()) -> PartScores:
    codes = tuple(f"a{i}" for i in range(len(quality)))
    part = Benchmark("t", "digits", codes, quality.double(), Card("digits", "q", "higher"))
    classes = range(len(codes))
    inits = torch.zeros(1, 0, len(codes))
    metrics, draws = RankingMetrics(part, dead, samples=100), Resamples(len(part), 100)
    return PartScores(part, inits, {}, dict.fromkeys(dead, "x"), metrics, draws, EquivalenceClasses(classes))


@pytest.fixture
def views() -> dict[str, PartScores]:
    generator = torch.Generator().manual_seed(0)
    return {
        part: view(torch.randn(n, generator=generator))
        for part, n in {"train": 30, "validation": 15, "test": 20}.items()
    }


def test_direction_and_choice_come_from_what_was_learnt_from(views) -> None:
    truth = {part: seen.part.quality for part, seen in views.items()}
    noise = {part: torch.arange(len(q)).double() for part, q in truth.items()}
    liar = {**{part: -q for part, q in truth.items()}, "test": truth["test"]}
    found = chosen("descriptor", {"noise": noise, "liar": liar}, views, noise["test"])
    assert found is not None
    rival, scores = found
    assert torch.equal(scores["train"], truth["train"]) and (rival.name, rival.sign, rival.among) == ("liar", -1, 2)
    assert rival.train["kendall"] == pytest.approx(1) and rival.test["kendall"] == pytest.approx(-1)
    assert rival.difference is not None and rival.difference.better
    assert "liar, counted backwards" in rival.title
    assert Rival.from_json(rival.to_json()) == rival


def test_what_is_known_on_the_test_alone_cannot_be_chosen(views) -> None:
    only = {"test": views["test"].part.quality}
    assert chosen("classical", {"a": only}, views, only["test"]) is None


def test_the_dead_rank_last_in_both_directions() -> None:
    quality = torch.tensor([1.0, 2.0, 3.0, -9.0])
    seen = {"train": view(quality, ("a3",))}
    forwards = directed(seen, {"train": torch.tensor([[1.0, 2.0, 3.0, 99.0], [3.0, 2.0, 1.0, 99.0]]).double()})
    assert forwards.tolist() == pytest.approx([1.0, -1.0])


def test_random_draws_are_compared_by_their_mean(views) -> None:
    truth = {part: seen.part.quality for part, seen in views.items()}
    draws = [truth, {part: -q for part, q in truth.items()}, truth]
    rival = random_rival(draws, 100, views, truth["test"])
    assert rival.test["kendall"] == pytest.approx(1 / 3) and len(rival.draws) == 3
    assert rival.difference is not None and rival.difference.kendall == pytest.approx(2 / 3)
    assert rival.title == "random formulas (3 draws of 100 rankings)"
