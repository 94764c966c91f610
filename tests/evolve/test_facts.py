"""Sentences below the final table."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gpproxy.evolve.facts import verdict
from gpproxy.evolve.rivals import Rival
from gpproxy.ranking.difference import Difference


def rival(kind: str, name: str, low: float, high: float, sign: int = 1) -> Rival:
    middle = (low + high) / 2
    return Rival(kind, name, sign, 3, difference=Difference(20, middle, (low, high), middle, (low, high)))


def told(*rivals: Rival, flagged: str = "") -> list[str]:
    rows: dict[str, Any] = {"confounders": [{"flagged": True, "descriptor": flagged}] if flagged else []}
    result = SimpleNamespace(benchmarks={"table": rows}, rivals_of=lambda name: list(rivals))
    return [text for _, text in verdict(result)]  # type: ignore[arg-type]


def test_a_difference_whose_interval_holds_zero_is_none() -> None:
    first, second, last = told(rival("descriptor", "depth", 0.1, 0.3), rival("classical", "ntk", -0.1, 0.3))
    assert first == "best descriptor (depth): τ .20 [.10, .30], ρ .20 [.10, .30]: better"
    assert second.endswith("ρ .10 [-.10, .30]: not distinguishable")
    assert last == (
        "On the test the formula is better, by ρ and τ, than best descriptor; not shown to be better than best "
        "classical proxy."
    )
    *_, last = told(rival("statistic", "a", -0.3, -0.1), rival("classical", "ntk", -0.1, 0.3))
    assert last.endswith("not shown to be better than best classical proxy; worse than best single statistic.")


def test_a_descriptor_that_does_as_well_is_named() -> None:
    *_, last = told(rival("descriptor", "deconvolutions", -0.1, 0.3, -1), rival("statistic", "a", 0.1, 0.2))
    assert "a trivial descriptor that needs no network does as well: deconvolutions, counted backwards." in last
    *_, last = told(rival("descriptor", "depth", 0.1, 0.3), flagged="params")
    assert last.endswith("It may be params in disguise, see the note.")
    assert told() == []


def test_measures_that_disagree_are_told_apart() -> None:
    mixed = Difference(20, 0.2, (0.1, 0.3), 0.1, (-0.1, 0.3))
    assert mixed.words == "better by τ, not distinguishable by ρ" and not mixed.better
    assert told(Rival("classical", "ntk", 1, 2, difference=mixed))[0].endswith(mixed.words)
