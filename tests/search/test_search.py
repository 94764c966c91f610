"""The search command: its files, interruption and continuation, several proxies, bad input."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from gpproxy.errors import ConfigError, ExpressionError, RunError
from gpproxy.run.command import guarded
from gpproxy.run.interrupt import Interrupted
from gpproxy.search import SearchSettings, resume, run
from gpproxy.search.__main__ import main
from gpproxy.search.console import SearchWatch
from gpproxy.search.folder import SearchFolder
from tests.commands import FAKE

FORWARD = "sum_layers(std(activation)) - total_params"


def config(out: Path, **changes: Any) -> SearchSettings:
    settings = {"space": "fake", "proxy": (FORWARD,), "budget": 20, "plugins": (FAKE,), "workers": 1, "top": 2}
    return SearchSettings(**{**settings, "out": str(out), **changes})


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "ranking.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_search_leaves_everything_in_its_folder(tmp_path: Path) -> None:
    found = run(config(tmp_path / "s", proxy=(FORWARD, "nwot"), strategy="nsga2", population=8, objective="params"))
    table = rows(found.folder)
    assert [int(row["rank"]) for row in table] == list(range(1, 21))
    assert list(table[0]) == ["rank", "architecture", "score", "sum_layers(std(activation)) - total_p...", "nwot",
                              "params", "macs", "problem"]  # fmt: skip
    scores = [float(row["score"]) for row in table if row["score"]]
    assert scores == sorted(scores, reverse=True) and found.best(1)[0][0].code == table[0]["architecture"]
    assert (found.folder / "pareto.png").read_bytes()[:4] == b"\x89PNG"
    drawn = sorted(path.name for path in (found.folder / "top").iterdir())
    first = table[0]["architecture"]
    assert len(drawn) == 4 and drawn[:2] == [f"01_{first}.png", f"01_{first}.svg"]
    result = json.loads((found.folder / "result.json").read_text())
    # a pass for the formula, and one of the classical proxy on its own, smaller batch
    assert result["cost"]["forwards"] <= 40 and result["cost"]["backwards"] == 0
    assert result["cost"]["seconds_per_candidate"] > 0 and result["best"][0]["architecture"] == first
    assert SearchSettings.from_toml(found.folder).proxy == (FORWARD, "nwot")


def test_a_second_process_is_refused_before_it_writes_anything(tmp_path: Path) -> None:
    run(config(tmp_path / "s"))
    place = SearchFolder.open(tmp_path / "s")
    journal = place.journal()
    with place.alone(), pytest.raises(RunError, match="Another search is running in"):
        resume(tmp_path / "s", budget=30)
    assert place.journal() == journal and place.config.budget == 20


class Impatient(SearchWatch):
    """Presses Ctrl-C after some candidates."""

    def __init__(self, after: int):
        self.after = after

    def search(self, progress, top):  # type: ignore[no-untyped-def]
        if progress.told >= self.after:
            raise KeyboardInterrupt


def test_an_interrupted_search_resumes_to_the_same_ranking(tmp_path: Path) -> None:
    settings = {"strategy": "evolution", "population": 8, "tournament": 3, "max_macs": 13000.0}
    whole = run(config(tmp_path / "whole", **settings))
    with pytest.raises(Interrupted, match="gpproxy.search --resume"):
        run(config(tmp_path / "part", **settings), Impatient(9))
    assert not (tmp_path / "part" / "ranking.csv").exists()
    found = resume(tmp_path / "part", workers=2)
    assert (tmp_path / "part" / "ranking.csv").read_bytes() == (whole.folder / "ranking.csv").read_bytes()
    assert found.cost.work.networks == whole.cost.work.networks
    again = resume(tmp_path / "part")
    assert again.cost.work == found.cost.work  # all were there
    longer = resume(tmp_path / "part", budget=26)
    assert repr(longer.seen[:20]) == repr(list(whole.seen)) and len(longer.seen) == 26
    with pytest.raises(RunError, match="has seed=0"):
        resume(tmp_path / "part", seed=1)
    with pytest.raises(RunError, match="finished run"):
        run(config(tmp_path / "part", **settings))


def test_latency_is_a_column_and_a_limit(tmp_path: Path) -> None:
    found = run(config(tmp_path / "s", budget=6, objective="latency", max_latency_ms=1e4, strategy="exhaustive"))
    alive = [row for row in rows(found.folder) if not row["problem"]]
    assert alive and all(0 < float(row["latency_ms"]) <= 1e4 for row in alive)


def test_runs_and_their_files_rank_alike(tmp_path: Path) -> None:
    from gpproxy.evolve import run as evolve
    from tests.commands import small

    folder = tmp_path / "run"
    evolve(small(folder, generations=1, random_search=False, proxies="none", population=12))
    by_run, by_file = (run(config(tmp_path / name, proxy=(str(p),))) for name, p in
                       (("a", folder), ("b", folder / "proxy.py")))  # fmt: skip
    for one, other in zip(by_run.seen, by_file.seen):
        assert one.code == other.code and (one.scores == other.scores or math.isnan(one.scores[0]))


def test_bad_input_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for changes, words in (
        ({"proxy": ()}, "Give the proxy"), ({"budget": 0}, "budget >= 1"), ({"strategy": "greedy"}, "strategy is"),
        ({"population": 4, "strategy": "evolution"}, "tournament <= population"), ({"max_macs": -1.0}, "max_macs >= 0"),
        ({"compare": "random:2"}, "--train-top"), ({"proxy": ("nwot", "nwot")}, "given once"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            config(tmp_path / "x", **changes)
    with pytest.raises(ExpressionError, match="Did you mean 'nwot'"):
        run(config(tmp_path / "x", proxy=("nwott",)))
    with pytest.raises(ConfigError, match="neither a folder nor a formula"):
        run(config(tmp_path / "x", proxy=("runs/nowhere",)))
    with pytest.raises(ConfigError, match="excludes every architecture"):
        run(config(tmp_path / "y", max_params=10))
    with pytest.raises(ConfigError, match="no 'stepps'. Did you mean 'steps'"):
        run(config(tmp_path / "z", train_top=1, train_settings=("stepps=3",)))
    (tmp_path / "bad.py").write_text("def score(generator, inputs):\n    raise ValueError('no')\n")
    with pytest.raises(RunError, match="None of 4 architectures of fake has a score. Most often: ValueError: no"):
        run(config(tmp_path / "w", proxy=(str(tmp_path / "bad.py"),), budget=4, seed=1))
    assert not (tmp_path / "x").exists() and not (tmp_path / "z").exists()
    flags = ["--space", "fake", "--plugins", FAKE, "--proxy", FORWARD, "--budget", "4", "--out", str(tmp_path / "c")]
    assert guarded(main, [*flags, "--workers", "1"]) == 0
    assert "run folder" in capsys.readouterr().out
    assert guarded(main, flags) == 1 and "--resume" not in capsys.readouterr().out
    assert guarded(main, ["--resume", str(tmp_path / "c"), "--seed", "3"]) == 1
    assert "has seed=0" in capsys.readouterr().err
