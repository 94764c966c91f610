"""One rule through every entry: a file, a formula and a classical proxy by score, search, cache and transfer."""

from __future__ import annotations

import csv
import math
import re
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from gpproxy.errors import ConfigError
from gpproxy.proxies.cached import score_cached
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Scorer, Setup, score_one
from gpproxy.registry import load_plugin
from gpproxy.score import ScoreSettings, score
from gpproxy.score.__main__ import main
from gpproxy.score.transfer import columns, transfer
from gpproxy.search import SearchSettings, run
from gpproxy.search_spaces import SEARCH_SPACES, ChoiceSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.statistics.collect import fill
from gpproxy.statistics.collection import Collection
from tests.commands import FAKE
from tests.search.setups import FORWARD, GRADIENT

#: What the file says, by a layer's width: every kind of answer that there is.
FILE = """
import torch

def score(generator, inputs):
    inputs.zero_()  # a file may do with its batch what it likes
    for parameter in generator.parameters():
        parameter.data.mul_(0.0)
    count = sum(p.numel() for p in generator.parameters())
    kind = count % 5
    if kind == 0:
        return float("inf")
    if kind == 1:
        return float("nan")
    if kind == 2:
        return float("-inf")
    if kind == 3:
        raise ValueError("no")
    return torch.tensor(float(count))
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    load_plugin(FAKE)
    path = tmp_path / "kinds.py"
    path.write_text(FILE)
    return str(path)


def setup(*proxies: Proxy) -> Setup:
    return Setup("fake", (("resolution", 8),), proxies, sized=False)


def shown(path: Path, code: str) -> dict[str, str]:
    with path.open(encoding="utf-8") as stream:
        return {row[code]: row["score"] for row in csv.DictReader(stream)}


def expected(code: str) -> tuple[float, str]:
    """What the file says of a code, worked out by hand."""
    space = make_space("fake")
    architecture = space.decode(code)
    if space.dead(architecture):
        return -math.inf, "dead: "
    count = sum(p.numel() for p in space.build(architecture, None).parameters())
    return [(math.nan, "infinite"), (math.nan, "no value"), (-math.inf, "dead: by the file"),
            (math.nan, "ValueError: no"), (float(count), "")][count % 5]  # fmt: skip


def test_a_file_is_treated_alike_everywhere(file: str, tmp_path: Path) -> None:
    by_score = list(score(ScoreSettings(proxy=file, space="fake", sample=48, workers=1, plugins=(FAKE,))))
    kinds = set()
    for one in by_score:
        number, problem = expected(one.code)
        assert one.score == number or (math.isnan(one.score) and math.isnan(number))
        assert one.problem.startswith(problem) and bool(one.problem) == bool(problem)
        assert one.failed == (problem == "ValueError: no")
        kinds.add(problem)
    assert len(kinds) >= 5
    found = {one.code: one for one in by_score}
    searched = run(
        SearchSettings(space="fake", proxy=(file,), budget=48, workers=1, plugins=(FAKE,), out=str(tmp_path / "s"))
    )
    fresh = Scorer(setup(Proxy.load(FORWARD), Proxy.load(file), Proxy.load(file).changed(inits=2)))
    alone = Scorer(setup(Proxy.load(FORWARD)))
    for one in searched.seen:
        assert (repr(one.score), one.problem) == (repr(found[one.code].score), found[one.code].problem)
        among = fresh.score(one.code)
        assert repr(among.scores[1:]) == repr((one.score, one.score))  # the same count for every initialisation
        assert repr(among.scores[0]) == repr(alone.score(one.code).score)  # whatever the file has done
    for one in score_cached(Proxy.load(file), make_space("fake"), list(found)):
        assert repr((one.score, one.problem)) == repr((found[one.code].score, found[one.code].problem))
    assert main(["--space", "fake", "--proxy", file, "--sample", "48", "--plugins", FAKE, "--workers", "1",
                 "--out", str(tmp_path / "scores.csv")]) == 1  # fmt: skip
    assert shown(tmp_path / "scores.csv", "architecture") == shown(tmp_path / "s" / "ranking.csv", "architecture")


@pytest.mark.parametrize("text", [FORWARD, GRADIENT, "ntk", "log(total_params - total_params)", "nwot"])
def test_the_cache_and_fresh_looks_agree_to_the_last_bit(text: str) -> None:
    load_plugin(FAKE)
    space, proxy = make_space("fake"), Proxy.load(text, init_seed=1, inits=2)
    codes = [space.encode(a) for a in space.enumerate()][::2] + ["3-0-1-2"]
    looks = setup(proxy)
    for one in score_cached(proxy, space, codes):
        other = score_one(0, one.code, looks)
        assert repr((one.scores, one.spreads, one.failed)) == repr((other.scores, other.spreads, other.failed))


def test_the_cache_of_an_evolution_gives_the_same_scores(small_run: Path) -> None:
    load_plugin(FAKE)
    space, proxy = make_space("fake"), Proxy.load(str(small_run))
    codes = [space.encode(a) for a in space.enumerate()]
    looks = setup(proxy)
    for one in score_cached(proxy, space, codes):
        assert repr(one.scores) == repr(score_one(0, one.code, looks).scores)


def test_a_proxy_without_any_value_has_an_empty_cell_and_not_an_error(file: str, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def score(generator, inputs):\n    raise ValueError('no')\n")
    bad, formula = transfer(
        [Proxy.load(str(tmp_path / "bad.py")), Proxy.load("log(total_params - total_params)")],
        columns(["fake"]),
        sample=6,
    )
    assert not bad.row and "fails on all 6 architectures of fake. The first: ValueError: no" in bad.missing
    assert not formula.missing and (formula.row["spearman"] is None or formula.row["undefined"] == 0)


def test_a_file_without_a_function_stops_score_and_search_alike(tmp_path: Path) -> None:
    (tmp_path / "none.py").write_text("x = 1\n")
    proxy = str(tmp_path / "none.py")
    with pytest.raises(ConfigError, match="no function score"):
        list(score(ScoreSettings(proxy=proxy, space="fake", sample=2, workers=1, plugins=(FAKE,))))
    with pytest.raises(ConfigError, match="no function score"):
        run(SearchSettings(space="fake", proxy=(proxy,), budget=2, workers=1, plugins=(FAKE,), out=str(tmp_path / "s")))


def test_a_generator_that_cannot_be_built_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    load_plugin(FAKE)
    scorer = Scorer(setup(Proxy.load(FORWARD)))

    def refuse(self: object, architecture: object, generator: object) -> None:
        raise RuntimeError("too wide")

    monkeypatch.setattr(type(scorer.space), "build", refuse)
    found = scorer.score("1-1-1-1")
    assert found.failed and found.problem == "building the generator failed: RuntimeError: too wide"


class Hanging(nn.Module):
    """Takes for ever, speaks, or ends the process, by its width."""

    def __init__(self, width: int):
        super().__init__()
        self.layer, self.width = nn.Linear(3, 3), width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("in between")
        while self.width == 2:
            time.sleep(0.01)
        if self.width == 3:
            raise SystemExit(0)
        return self.layer(x)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> ChoiceSpace:
    monkeypatch.setattr(SEARCH_SPACES, "_items", dict(SEARCH_SPACES.registered()))
    monkeypatch.setattr("gpproxy.search_spaces.check.check_space", lambda space: None)
    return ChoiceSpace({"width": (1, 2, 3)}, Hanging, inputs=3, name="hanging")


def test_a_generator_that_hangs_or_ends_the_process_is_a_failure(
    hanging: ChoiceSpace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy = Proxy.load("sum_layers(std(activation))")
    scorer = Scorer(Setup("hanging", (), (proxy,), sized=False, look_seconds=0.5))
    fresh = [scorer.score(code) for code in ("1", "2", "3")]
    how = Collection(samples=4, statistics=("activation",), proxies=(), describe=False, look_seconds=0.5)
    failed = fill(hanging, ["1", "2", "3"], how, cache_folder=tmp_path)
    assert math.isfinite(fresh[0].score) and set(failed) == {"2", "3"}
    for found, told in zip(fresh[1:], ("took longer than 0.5 s and was ended", r"was ended by sys.exit\(0\)")):
        assert found.failed and re.search(told, found.problem) and re.search(told, failed[found.code])
    assert capsys.readouterr().out == ""
    # what took too long is looked at again another day, what ends itself is not
    assert len(list(tmp_path.rglob("*.failed.json"))) == 1
