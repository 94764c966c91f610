"""A committee as a file and in the engine: the mean of its members' votes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from gpproxy.errors import ExpressionError
from gpproxy.export.committee import mean_vote
from gpproxy.export.read import load_proxy
from gpproxy.export.write import source
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Setup, score_chunk
from gpproxy.registry import load_plugin
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.seeds import python_random
from gpproxy.statistics.statistic import STATISTICS
from tests.commands import FAKE

FORMULAS = ("median_layers(layer_snip)", "sum_layers(channels)", "code_entropy")
REFERENCES = ((0.001, 0.01, 0.1), (1.0, 50.0, 60.0, 70.0), (-1.0, 5.0))


def module(text: str, path: Path) -> ModuleType:
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_a_file_of_a_committee_computes_the_mean_vote(tmp_path: Path) -> None:
    grammar = Grammar({s.name: s.type for s in STATISTICS.values()})
    trees = [parse(text, grammar) for text in FORMULAS]
    committee = module(source(trees, references=REFERENCES), tmp_path / "committee.py")
    network = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 3, 3, padding=1), nn.Tanh())
    inputs = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    single = [module(source(tree), tmp_path / f"single{i}.py") for i, tree in enumerate(trees)]
    scores = [one.score(network, inputs) for one in single]
    assert committee.score(network, inputs) == pytest.approx(mean_vote(scores, REFERENCES), rel=1e-9)
    committee.self_check()
    told = load_proxy(tmp_path / "committee.py")
    assert [text for text, _ in told.members] == [str_of(tree) for tree in trees] and not told.formula
    assert [reference for _, reference in told.members] == list(REFERENCES)
    assert Proxy.load(str(tmp_path / "committee.py")).members == told.members


def str_of(tree: object) -> str:
    from gpproxy.expressions.text import to_text

    return to_text(tree)  # type: ignore[arg-type]


def test_the_engine_scores_a_committee_by_the_mean_vote_of_its_members() -> None:
    load_plugin(FAKE)
    space = SEARCH_SPACES["fake"]()
    code = space.encode(space.sample(python_random("test", 3)))
    single = tuple(Proxy.load(text) for text in FORMULAS)
    committee = Proxy("committee", members=tuple(zip(FORMULAS, REFERENCES)))
    setup = Setup("fake", (), (committee, *single), sized=False)
    ((found,), _) = score_chunk(setup, [code], {})
    assert found.scores[0] == pytest.approx(mean_vote(found.scores[1:], REFERENCES))
    assert set(committee.statistics) == {"layer_snip", "channels", "code_entropy"} and committee.needs_backward
    assert committee.text.startswith("mean rank of median_layers(layer_snip); ")


@pytest.mark.parametrize("text", ["MEMBERS = [('a', [])]", "MEMBERS = [1]", "MEMBERS = []", "MEMBERS = [(1, [2])]"])
def test_members_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "proxy.py").write_text(text)
    with pytest.raises(ExpressionError, match="pairs of a formula and its scores"):
        load_proxy(tmp_path / "proxy.py")
