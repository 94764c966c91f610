"""The transfer matrix: what is held out, absent data, equality with the single-table judgement."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpproxy.benchmarks.benchmark import open_space
from gpproxy.benchmarks.registry import load
from gpproxy.benchmarks.split import split
from gpproxy.errors import ConfigError, RegistryError
from gpproxy.proxies.proxy import Proxy
from gpproxy.ranking.metrics import RankingMetrics
from gpproxy.registry import load_plugin
from gpproxy.score import ScoreSettings, score
from gpproxy.score.__main__ import main
from gpproxy.score.table import matrix, spread
from gpproxy.score.transfer import Column, columns, transfer
from tests.commands import FAKE

FORWARD = "sum_layers(std(activation))"


def test_what_a_run_has_learnt_from_is_held_out_of_its_space(small_run: Path) -> None:
    places = columns(["fake", "fake-deep"])
    (own, other), (free, _) = (
        transfer([source], places) for source in (Proxy.load(str(small_run)), Proxy.load(FORWARD))
    )
    assert own.home and not other.home and not free.home
    table = load("fake")
    kept = [code for code in table.architectures if code != "3-0-1-2"]  # that generator returns NaN
    parts = split(table, open_space(table.card), 20, 0, 12)
    assert own.row["n"] == other.row["n"] == len(set(parts.test) & set(kept)) and free.row["n"] == 47
    assert [choice.k for choice in own.choices] == [1, 5] and free.choices[0].random == pytest.approx(
        float(table.select(kept).quality.mean())
    )


def test_a_cell_is_what_the_metrics_say_of_the_scores() -> None:
    load_plugin(FAKE)
    (cell,) = transfer([Proxy.load(FORWARD)], columns(["fake"]), seed=3)
    config = ScoreSettings(proxy=FORWARD, benchmark="fake", plugins=(FAKE,), workers=1)
    scores = {one.code: one for one in score(config) if not one.failed}
    codes = sorted(scores)
    part = load("fake").select(codes)
    values = torch.tensor([scores[code].score for code in codes])
    dead = [code for code in codes if scores[code].score == -torch.inf]
    expected = RankingMetrics(part, dead, seed=3).measure(values)
    assert cell.row["spearman"] == pytest.approx(expected["spearman"]) and len(dead) == 2
    assert cell.row["spearman_interval"] == pytest.approx(expected["spearman_interval"])


def test_classical_proxies_and_files_have_cells(small_run: Path) -> None:
    places = columns(["fake"])
    found = transfer(
        [Proxy.load("grasp"), Proxy.load(str(small_run / "proxy.py")), Proxy.load(str(small_run))], places, sample=10
    )
    assert [cell.row["n"] for cell in found] == [10, 10, 10]
    assert found[1].row["spearman"] == pytest.approx(found[2].row["spearman"])


def test_limits_leave_larger_architectures_out() -> None:
    load_plugin(FAKE)
    (place,) = columns(["fake"])
    assert place.benchmark is not None and place.space is not None
    space = place.space
    macs = sorted(space.describe(space.decode(code))["macs"] for code in place.benchmark.architectures)
    limit = macs[len(macs) // 2]
    (cell,) = transfer([Proxy.load("total_macs")], [place], max_macs=limit)
    assert 4 <= cell.row["n"] <= sum(value <= limit for value in macs) < len(macs)
    (none,) = transfer([Proxy.load("total_macs")], [place], max_params=1)
    assert not none.row and "0 architectures are left" in none.missing


def test_absent_data_keep_their_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_plugin(FAKE)
    monkeypatch.setenv("GPPROXY_DATA", str(tmp_path))
    places = columns(["transnas-micro", "fake"])
    assert places[0].benchmark is None and "not there" in places[0].missing
    absent, present = transfer([Proxy.load(FORWARD)], places, sample=8)
    assert absent.missing == places[0].missing and not absent.row and present.row["n"] == 8
    assert {"transnas-micro", "fake"} <= {place.name for place in columns()}
    with pytest.raises(RegistryError, match="Did you mean 'fake'"):
        columns(["fak"])


def test_the_command_prints_matrix_and_regret(
    small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPPROXY_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "matrix.csv"
    flags = ["--transfer", "--proxy", str(small_run), "--proxy", FORWARD, "--benchmark", "fake,transnas-macro"]
    assert main([*flags, "--plugins", FAKE, "--workers", "1", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "(run)" in told and "absent" in told and "at random" in told and "* discovered there" in told
    lines = list(csv.DictReader(out.open()))
    card = load("fake").card
    assert [(line["benchmark"], line["home"]) for line in lines] == [
        ("fake", "1"), ("transnas-macro", "0"), ("fake", "0"), ("transnas-macro", "0"),
    ]  # fmt: skip
    shown = f"{float(lines[0]['proxy_best_of_1']):.4g} / {float(lines[0]['random_best_of_1']):.4g}"
    assert shown in told and (lines[0]["metric"], lines[0]["better"]) == (card.metric, card.direction)
    assert "not there" in lines[1]["missing"] and not lines[1]["spearman"]


def test_formulas_of_one_table_are_told_together(small_run: Path) -> None:
    run, formula = Proxy.load(str(small_run)), Proxy.load(FORWARD)
    places = [*columns(["fake"]), Column("other", missing="not there")]
    measured = transfer([run, run, formula], places, sample=8)
    (shown,) = matrix(measured, places, "kendall")
    assert len(shown.rows) == 3  # equal names are rows of their own
    values = iter((0.5, -0.1, 0.9))
    cells = [replace(cell, row={"spearman": next(values)}) if cell.row else cell for cell in measured]
    (table,) = spread(cells, places, "spearman")
    assert [list(map(str, column.cells)) for column in table.columns] == [
        ["fake\n(2 formulas)"], ["* .20 ± .42\n-.10 to .50"], ["-"],
    ]  # fmt: skip
    assert not list(spread(cells[2:], places, "spearman"))


def test_labels_tell_the_regret(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--proxy", "total_params", "--benchmark", "fake", "--sample", "30", "--workers", "1", "--plugins", FAKE]
    assert main(flags) in (0, 1)
    told = capsys.readouterr()
    assert told.out.startswith("architecture,score\n") and told.out.count("\n") >= 30
    assert "best of 5: quality" in told.err and "at random" in told.err


def test_contradictions_are_named() -> None:
    for settings, words in (
        ({"proxy": ("a", "b"), "sample": 3}, "One proxy"), ({"transfer": True, "archs": "x"}, "the tables decide"),
        ({"benchmark": "fake,other"}, "--transfer"), ({}, "--archs FILE or --sample"),
        ({"max_macs": 1e9, "sample": 3}, "gpproxy search"), ({"transfer": True, "space": "x"}, "--space out"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            ScoreSettings(**{"proxy": "nwot", **settings})  # type: ignore[arg-type]
