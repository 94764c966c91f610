"""The committee of one run is judged on its test, written beside the formula, and says the same wherever it is used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpproxy.evolve import read_result, run
from gpproxy.evolve.committee import NAME, committee_of
from gpproxy.evolve.facts import committees
from gpproxy.evolve.finished import read_run
from gpproxy.evolve.scores import PICK, read_scores
from gpproxy.evolve.series import OWN, summarise
from gpproxy.proxies.cached import score_cached
from gpproxy.proxies.proxy import Proxy
from gpproxy.ranking.correlation import kendall
from gpproxy.run.folder import COMMITTEE
from gpproxy.search_spaces.check import make_space
from tests.commands import small


@pytest.fixture(scope="module")
def judged_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with several formulas that are nearly as good as the chosen one."""
    path = tmp_path_factory.mktemp("runs") / "run"
    run(small(path, generations=1, random_search=False, proxies="none", population=60))
    return path


def test_only_finite_scores_are_kept_in_order() -> None:
    assert committee_of(["a", "b"], [[2.0, -torch.inf, 1.0], [torch.nan, 3.0]]) == {
        "members": [{"formula": "a", "reference": [1.0, 2.0]}, {"formula": "b", "reference": [3.0]}]
    }


def test_the_scores_of_a_committee_are_those_of_its_files(judged_run: Path) -> None:
    result, scores = read_result(judged_run), read_scores(judged_run)["fake"]
    proxy = Proxy.load(str(judged_run / COMMITTEE))
    found = result.committee_of("fake")
    assert found is not None and found.among == len(proxy.members) > 1
    assert proxy.members[0][0] == result.formula == Proxy.load(str(judged_run)).formula
    assert found.name == "; ".join(text for text, _ in proxy.members)
    test = scores.places("test")
    votes = scores.ranked(NAME, test)
    assert float(kendall(votes, scores.quality[test])) == pytest.approx(found.test["kendall"])
    assert found.difference is not None and found.difference.kendall is not None
    assert found.difference.kendall == pytest.approx(result.test["kendall"] - found.test["kendall"])
    name, settings = proxy.spaces[0]
    live = test[~scores.dead[test]]
    again = score_cached(proxy, make_space(name, dict(settings)), [scores.architectures[i] for i in live.tolist()])
    torch.testing.assert_close(torch.tensor([one.score for one in again]).double(), scores.mean(NAME)[live])
    exported = Proxy.load(str(judged_run / "committee.py"))
    assert [text for text, _ in exported.members] == [text for text, _ in proxy.members]


def test_a_committee_is_told_below_the_table_and_in_a_series(judged_run: Path) -> None:
    result, scores = read_run(judged_run).result, read_scores(judged_run)["fake"]
    ((title, told),) = committees(result)
    assert title == "committee" and f"--proxy {judged_run / COMMITTEE}" in told
    series = summarise("fake", [0, 1], [result, result], [judged_run, judged_run], judged_run.parent)
    row, found = series.row(OWN), result.committee_of("fake")
    assert found is not None and row.kendall.mean == pytest.approx(found.test["kendall"])
    assert row.title == "committee of each run" and row.difference is not None
    assert not torch.equal(scores.mean(NAME), scores.mean(PICK))
