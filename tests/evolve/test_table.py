"""Sentences below the final table."""

from __future__ import annotations

from types import SimpleNamespace

from gpproxy.evolve.table import verdict


def test_the_verdict_says_plainly_what_is_not_beaten() -> None:
    def told(own: float | None, **taus: float) -> list[str]:
        rows = {name: {"test": {"kendall": tau}} for name, tau in taus.items()}
        return [text for _, text in verdict(SimpleNamespace(test={"kendall": own}, baselines=rows))]  # type: ignore[arg-type]

    assert told(0.5, params=0.2, ntk=0.4) == ["on the test the formula (τ .50) beats the best baseline, ntk (.40)."]
    assert "does NOT beat the best baseline, params (.60)" in told(0.5, params=0.6, ntk=0.4)[0]
    assert (
        "beats" in told(0.5, depth=-0.6, ntk=0.4)[0]
        and "does NOT beat depth counted backwards (.60)" in told(0.5, depth=-0.6, ntk=0.4)[0]
    )
    assert told(None, params=0.2) == [] and told(0.5) == []
