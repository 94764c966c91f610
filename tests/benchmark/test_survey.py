"""What is told of a table: all of its rows where they are few, baselines on a part where they are many."""

from __future__ import annotations

import pytest

import gpproxy.benchmark.survey as module
from gpproxy.benchmark.survey_table import survey_facts
from gpproxy.benchmarks.registry import load
from gpproxy.search_spaces.check import make_space


def test_a_large_table_is_described_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    table = load("autogan-cifar10")
    space = make_space("autogan", table.card.space_settings)
    whole = module.survey(table, space)
    assert whole.judged == len(table) and whole.baselines["depth"]["n"] == len(table)
    assert not any(title == "baselines" for title, _ in survey_facts(whole))
    monkeypatch.setattr(module, "MOST", 20)
    part, again = module.survey(table, space), module.survey(table, space)
    assert part.judged == 20 and part.baselines["params"]["n"] == 20 and part.baselines == again.baselines
    assert (part.metric, part.retest, part.ceiling, part.classes) == (
        whole.metric, whole.retest, whole.ceiling, whole.classes,
    )  # fmt: skip
    assert ("baselines", f"described and judged on 20 architectures, drawn from the {len(table)}") in list(
        survey_facts(part)
    )
